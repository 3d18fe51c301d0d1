//! The rule for the live edge.

use std::time::Duration;

use telecine_abr::{BitrateRule, Context, Estimate, Forecast, Level, LowLatency};
use telecine_model::{MediaTime, Timestamp};

const RATES: [u64; 4] = [250_000, 500_000, 1_000_000, 2_000_000];

fn ladder() -> Vec<Level> {
    let level = |(rendition, bitrate)| Level {
        rendition,
        bitrate,
        height: None,
        score: None,
        next_size: None,
        expected_size: None,
        listed: true,
    };
    RATES.into_iter().enumerate().map(level).collect()
}

/// What the network is believed to carry, and how wrong such beliefs were, in hundredths.
fn believed(bits_per_second: u64, error_percent: u32) -> Estimate {
    Estimate {
        bits_per_second,
        low: bits_per_second,
        ttfb: Duration::from_millis(40),
        samples: 20,
        forecast: Some(Forecast { bits_per_second, typical_error_milli: error_percent * 10 }),
        recent: None,
    }
}

fn scene(levels: &[Level], current: usize, second: u64, buffer_ms: i64, estimate: Estimate) -> Context<'_> {
    Context {
        now: Timestamp::from_millis(second * 1000),
        levels,
        current: Some(current),
        buffer: MediaTime::from_millis(buffer_ms),
        buffer_goal: MediaTime::from_secs(2),
        segment_duration: MediaTime::from_millis(400),
        usual_duration: MediaTime::from_millis(400),
        estimate: Some(estimate),
        rate_milli: 1000,
        starting: false,
        live: true,
        remaining: None,
        lead_in: MediaTime::ZERO,
        aside: 64_000,
    }
}

fn choice(rule: &mut LowLatency, current: usize, second: u64, buffer_ms: i64, estimate: Estimate) -> usize {
    let levels = ladder();
    rule.choose(&scene(&levels, current, second, buffer_ms, estimate)).level
}

#[test]
fn it_takes_what_the_line_carries_beside_the_sound() {
    for (rate, level) in [(200_000, 0), (680_000, 1), (1_300_000, 2), (2_000_000, 2), (3_000_000, 3)] {
        assert_eq!(choice(&mut LowLatency::new(), 0, 10, 800, believed(rate, 5)), level, "{rate}");
    }
}

#[test]
fn a_line_whose_rate_jumps_is_trusted_with_less() {
    assert_eq!(choice(&mut LowLatency::new(), 0, 10, 800, believed(1_300_000, 5)), 2);
    assert_eq!(choice(&mut LowLatency::new(), 0, 10, 800, believed(1_300_000, 60)), 1);
}

#[test]
fn what_plays_is_stayed_with_on_less_than_it_takes_to_go_up() {
    let estimate = believed(1_150_000, 5);
    assert_eq!(choice(&mut LowLatency::new(), 1, 10, 800, estimate), 1, "not enough to go up");
    assert_eq!(choice(&mut LowLatency::new(), 2, 10, 800, estimate), 2, "enough to stay");
}

#[test]
fn a_part_that_would_not_come_before_the_buffer_is_empty_is_not_asked_for() {
    let estimate = believed(2_600_000, 0);
    assert_eq!(choice(&mut LowLatency::new(), 3, 10, 800, estimate), 3);
    assert_eq!(
        choice(&mut LowLatency::new(), 3, 10, 250, estimate),
        2,
        "0.4 s at 2 Mbit/s take 0.36 s and the way there"
    );
}

#[test]
fn a_network_at_the_edge_of_a_level_is_not_followed_up_and_down() {
    let mut rule = LowLatency::new();
    let (mut level, mut changes) = (2, 0);
    for second in 0..300 {
        let rate = if second % 6 < 3 { 1_300_000 } else { 900_000 };
        let next = choice(&mut rule, level, second, 800, believed(rate, 15));
        changes += usize::from(next != level);
        level = next;
    }
    assert!(changes <= 16, "{changes} changes in five minutes, where the network changes a hundred times");
}

#[test]
fn it_comes_down_at_once_however_long_it_has_waited() {
    let mut rule = LowLatency::new();
    assert_eq!(choice(&mut rule, 3, 10, 800, believed(1_300_000, 5)), 2);
    assert_eq!(choice(&mut rule, 2, 11, 800, believed(3_000_000, 5)), 2, "up again only after a while");
    assert_eq!(choice(&mut rule, 2, 12, 800, believed(400_000, 5)), 0, "down at once");
    assert_eq!(choice(&mut rule, 0, 20, 800, believed(3_000_000, 5)), 3);
}

#[test]
fn its_reasons_say_what_bound() {
    let levels = ladder();
    let said = |current, buffer_ms, rate| {
        let choice = LowLatency::new().choose(&scene(&levels, current, 10, buffer_ms, believed(rate, 0)));
        choice.reasons.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said(3, 800, 1_300_000), ["1000 kbit/s fits into 1301 kbit/s of throughput"]);
    assert_eq!(
        said(3, 250, 2_600_000)[0],
        "0.2 s of buffer is too short for 2000 kbit/s: only 546 kbit surely arrive in time"
    );
}
