//! What is remembered of networks between sessions, and how much of it is believed.

#![allow(clippy::expect_used)] // These are tests.

use std::time::Duration;

use proptest::prelude::*;
use telecine_abr::{DualEwma, Estimator, Remembered, ThroughputMemory, TransferId, TransferSample};
use telecine_model::{ErrorCode, NetworkType, Timestamp, WallTime};

const SAVED: WallTime = WallTime::from_millis(1_767_225_600_000);
const OTHERWISE: u64 = 1_500_000;

fn after(age: Duration) -> Option<WallTime> {
    Some(WallTime::from_micros(SAVED.as_micros() + i64::try_from(age.as_micros()).expect("an age")))
}

fn memory(network: NetworkType, low: u64) -> ThroughputMemory {
    let mut memory = ThroughputMemory::default();
    memory.put(network, Remembered { median: low * 2, low, at: SAVED });
    memory
}

fn within(value: Option<u64>, expected: u64) {
    let value = value.expect("something is assumed");
    assert!(value.abs_diff(expected) * 1000 <= expected, "{value} is not {expected}");
}

#[test]
fn what_was_just_measured_is_assumed_by_its_low_figure() {
    within(
        memory(NetworkType::Wifi, 24_000_000).assumed(NetworkType::Wifi, after(Duration::ZERO), OTHERWISE),
        24_000_000,
    );
}

/// 24 Mbit/s are 16 times what is assumed otherwise: 4 times after one half-life, twice after two.
#[test]
fn it_comes_half_way_to_what_is_assumed_without_it_in_a_half_life() {
    for network in NetworkType::ALL {
        let memory = memory(network, 16 * OTHERWISE);
        let age = ThroughputMemory::half_life(network);
        within(memory.assumed(network, after(age), OTHERWISE), 4 * OTHERWISE);
        within(memory.assumed(network, after(age * 2), OTHERWISE), 2 * OTHERWISE);
        assert_eq!(memory.assumed(network, after(age * 9), OTHERWISE), None, "it is forgotten");
    }
    // What is less than is assumed otherwise comes up to it.
    let slow = memory(NetworkType::Cellular, OTHERWISE / 16);
    within(slow.assumed(NetworkType::Cellular, after(Duration::from_secs(12 * 3600)), OTHERWISE), OTHERWISE / 4);
}

#[test]
fn a_clock_that_was_set_back_or_is_not_known_is_survived() {
    let memory = memory(NetworkType::Wifi, 16 * OTHERWISE);
    within(memory.assumed(NetworkType::Wifi, Some(WallTime::EPOCH), OTHERWISE), 16 * OTHERWISE);
    within(memory.assumed(NetworkType::Wifi, None, OTHERWISE), 4 * OTHERWISE);
}

#[test]
fn one_kind_of_network_says_nothing_of_another() {
    let memory = memory(NetworkType::Wifi, 24_000_000);
    for other in [NetworkType::Cellular, NetworkType::Ethernet, NetworkType::Unknown] {
        assert_eq!(memory.assumed(other, after(Duration::ZERO), OTHERWISE), None);
    }
}

#[test]
fn three_measurements_are_remembered_and_fewer_are_not() {
    let mut estimator = DualEwma::new();
    let mut memory = ThroughputMemory::default();
    for id in 0..3 {
        estimator.on_transfer(&TransferSample {
            id: TransferId(id),
            bytes: 1_000_000,
            started: Timestamp::from_millis(id * 3000),
            first_byte: Timestamp::from_millis(id * 3000),
            finished: Timestamp::from_millis(id * 3000 + 2000),
            flags: Default::default(),
        });
        memory.learn(NetworkType::Wifi, &estimator.estimate().expect("a measurement"), SAVED);
        assert_eq!(memory.is_empty(), id < 2);
    }
    assert_eq!(memory.get(NetworkType::Wifi), Some(Remembered { median: 4_000_000, low: 4_000_000, at: SAVED }));
}

#[test]
fn what_contradicts_itself_is_not_remembered() {
    let mut memory = ThroughputMemory::default();
    memory.put(NetworkType::Wifi, Remembered { median: 1, low: 2, at: SAVED });
    memory.put(NetworkType::Wifi, Remembered { median: 1, low: 0, at: SAVED });
    assert!(memory.is_empty());
    let text = r#"{"wifi":{"median":1,"low":2,"at":0}}"#;
    assert!(serde_json::from_str::<ThroughputMemory>(text).is_err());
}

fn full() -> ThroughputMemory {
    let mut memory = ThroughputMemory::default();
    for (network, low) in NetworkType::ALL.into_iter().zip([1, 2_000_000, u64::MAX / 2, 3]) {
        memory.put(network, Remembered { median: u64::MAX, low, at: WallTime::from_micros(i64::MIN) });
    }
    memory
}

#[test]
fn bytes_and_words_keep_it_as_it_is() {
    for memory in [ThroughputMemory::default(), memory(NetworkType::Cellular, 5), full()] {
        let bytes = memory.to_bytes();
        assert!(bytes.len() <= ThroughputMemory::MOST_BYTES);
        assert_eq!(ThroughputMemory::from_bytes(&bytes), Ok(memory.clone()));
        let words = serde_json::to_string(&memory).expect("words");
        assert_eq!(serde_json::from_str::<ThroughputMemory>(&words).expect("the same"), memory);
    }
    assert_eq!(full().to_bytes().len(), ThroughputMemory::MOST_BYTES);
}

#[test]
fn bytes_that_are_cut_off_damaged_or_of_another_version_are_refused() {
    let whole = full().to_bytes();
    let refused = |bytes: &[u8]| {
        let error = ThroughputMemory::from_bytes(bytes).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::MemoryInvalid);
        error.to_string()
    };
    (0..whole.len()).for_each(|until| drop(refused(&whole[..until])));
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        refused(&damaged);
    }
    let longer = [&whole[..], b"x"].concat();
    refused(&longer);
    let mut newer = whole.clone();
    newer[b"TELECINE-THROUGHPUT ".len()] = 2;
    assert!(refused(&newer).contains("another version"));
}

proptest! {
    #[test]
    fn whatever_bytes_there_are_nothing_worse_than_an_error_comes_of_them(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), named in any::<bool>()
    ) {
        let bytes = if named { [b"TELECINE-THROUGHPUT \x01", &bytes[..]].concat() } else { bytes };
        if let Ok(memory) = ThroughputMemory::from_bytes(&bytes) {
            prop_assert_eq!(memory.to_bytes(), bytes);
        }
    }

    #[test]
    fn whatever_was_remembered_what_is_assumed_can_be_reckoned_with(
        low in any::<u64>(), median in any::<u64>(), at in any::<i64>(), now in any::<Option<i64>>(), otherwise in any::<u64>()
    ) {
        let mut memory = ThroughputMemory::default();
        memory.put(NetworkType::Wifi, Remembered { median, low, at: WallTime::from_micros(at) });
        let assumed = memory.assumed(NetworkType::Wifi, now.map(WallTime::from_micros), otherwise);
        prop_assert!(assumed.is_none_or(|assumed| (32_000..=10_000_000_000).contains(&assumed)));
    }
}
