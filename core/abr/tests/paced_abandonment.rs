//! A segment that comes as it is made is not given up for coming so.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use telecine_abr::{rule_by_name, Context, Estimate, Level, Progress, RULES};
use telecine_model::{MediaTime, Timestamp};

/// A segment of 4 s at 3 Mbit/s, half of which is there after 2 s; 1.5 s are in the buffer.
fn abandons(rule: &str, paced: bool, bits_per_second: u64, samples: u32) -> bool {
    let level = |rendition, bitrate| Level {
        rendition,
        bitrate,
        height: None,
        score: None,
        next_size: Some(bitrate / 2),
        expected_size: None,
        listed: true,
    };
    let levels = [level(0, 300_000), level(1, 3_000_000)];
    let ctx = Context {
        now: Timestamp::from_millis(12_100),
        levels: &levels,
        current: Some(1),
        buffer: MediaTime::from_millis(1500),
        buffer_goal: MediaTime::from_secs(10),
        segment_duration: MediaTime::from_secs(4),
        usual_duration: MediaTime::from_secs(4),
        estimate: Some(Estimate {
            bits_per_second,
            low: bits_per_second,
            ttfb: Duration::ZERO,
            samples,
            forecast: None,
            recent: None,
        }),
        rate_milli: 1000,
        starting: false,
        live: true,
        remaining: None,
        lead_in: MediaTime::ZERO,
        aside: 0,
    };
    let progress = Progress {
        level: 1,
        bytes: 750_000,
        total: Some(1_500_000),
        // The server held the request until the first chunk was there.
        requested: Timestamp::from_millis(4000),
        first_byte: Some(Timestamp::from_millis(10_100)),
        paced,
        fetched_again: MediaTime::ZERO,
        beside: 0,
    };
    let mut rule = rule_by_name(rule).expect("a rule");
    rule.choose(&ctx);
    rule.should_abandon(&ctx, &progress).is_some()
}

#[test]
fn the_pace_of_the_encoder_is_no_reason_to_give_a_segment_up() {
    for rule in RULES {
        assert!(!abandons(rule, true, 10_000_000, 5), "{rule}");
        // An estimate that was not measured says nothing against it either.
        assert!(!abandons(rule, true, 1_000_000, 0), "{rule}");
    }
    // The same bytes from a source that had all of it are one: 6 Mbit at 3 Mbit/s need 2 s.
    assert!(abandons("bola-e-damped", false, 10_000_000, 5));
    assert!(abandons("throughput", false, 1_000_000, 5));
}

#[test]
fn a_network_that_is_too_slow_for_the_rest_is_one() {
    for rule in ["bola-e-damped", "throughput"] {
        assert!(abandons(rule, true, 700_000, 5), "{rule}");
    }
}
