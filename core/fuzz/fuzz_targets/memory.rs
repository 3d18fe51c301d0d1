#![no_main]
//! A memory of throughput of any bytes: as it is, and named and sealed as if this library had written it.

use libfuzzer_sys::fuzz_target;
use telecine_engine::abr::ThroughputMemory;
use telecine_model::hash::fnv1a;
use telecine_model::{NetworkType, WallTime};

fn read(bytes: &[u8]) {
    let Ok(memory) = ThroughputMemory::from_bytes(bytes) else { return };
    assert_eq!(ThroughputMemory::from_bytes(&memory.to_bytes()).as_ref(), Ok(&memory));
    for network in NetworkType::ALL {
        for now in [None, Some(WallTime::from_micros(i64::MIN)), Some(WallTime::EPOCH), Some(WallTime::from_micros(i64::MAX))] {
            let assumed = memory.assumed(network, now, 1_500_000);
            assert!(assumed.is_none_or(|bits| bits > 0));
        }
    }
}

fuzz_target!(|data: &[u8]| {
    read(data);
    let mut sealed = b"TELECINE-THROUGHPUT \x01".to_vec();
    sealed.extend_from_slice(data);
    let seal = fnv1a(&sealed);
    sealed.extend_from_slice(&seal.to_le_bytes());
    read(&sealed);
});
