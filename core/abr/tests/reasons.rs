//! A reason is true of the choice that it is given for.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use proptest::prelude::*;
use telecine_abr::{rule_by_name, Context, Estimate, Level, Reason, RULES};
use telecine_model::{MediaTime, Timestamp};

fn ladder(bitrates: &[u64]) -> Vec<Level> {
    let level = |(rendition, bitrate): (usize, &u64)| Level {
        rendition,
        bitrate: *bitrate,
        height: None,
        score: None,
        next_size: None,
        expected_size: None,
        listed: true,
    };
    bitrates.iter().enumerate().map(level).collect()
}

/// At the start of a session, over an estimate that rests on so many samples.
fn context(levels: &[Level], bits_per_second: u64, samples: u32) -> Context<'_> {
    let estimate =
        Estimate { bits_per_second, low: bits_per_second, ttfb: Duration::ZERO, samples, forecast: None, recent: None };
    Context {
        now: Timestamp::ZERO,
        levels,
        current: None,
        buffer: MediaTime::ZERO,
        buffer_goal: MediaTime::from_secs(30),
        segment_duration: MediaTime::from_secs(4),
        usual_duration: MediaTime::from_secs(4),
        estimate: Some(estimate),
        rate_milli: 1000,
        starting: true,
        live: false,
        remaining: None,
        lead_in: MediaTime::ZERO,
        aside: 0,
    }
}

/// Rules whose first choice is the network's.
const BY_NETWORK: [&str; 4] = ["bola-e-damped", "bola-e", "bola-e-ao", "throughput"];

/// What rules say of their choice.
fn said(rules: &[&str], ctx: &Context<'_>) -> Vec<String> {
    rules.iter().map(|rule| rule_by_name(rule).expect("a rule").choose(ctx).reasons[0].to_string()).collect()
}

#[test]
fn a_network_that_was_not_measured_is_assumed() {
    let levels = ladder(&[300_000, 1_500_000]);
    for reason in said(&BY_NETWORK, &context(&levels, 4_000_000, 0)) {
        assert!(reason.contains("the network is assumed to carry"), "{reason}");
    }
    for reason in said(&BY_NETWORK, &context(&levels, 4_000_000, 1)) {
        assert!(reason.contains("the network carries"), "{reason}");
    }
}

#[test]
fn a_level_that_does_not_fit_is_not_said_to() {
    let levels = ladder(&[300_000, 1_500_000]);
    for reason in said(&BY_NETWORK, &context(&levels, 100_000, 3)) {
        assert!(reason.starts_with("even the lowest level takes 300 kbit/s"), "{reason}");
    }
}

#[test]
fn one_level_is_told_from_several_that_are_alike() {
    let choosing: Vec<&str> = RULES.iter().copied().filter(|rule| *rule != "lowest").collect();
    for reason in said(&choosing, &context(&ladder(&[300_000]), 4_000_000, 1)) {
        assert_eq!(reason, "there is only one level to choose from");
    }
    for reason in said(&choosing, &context(&ladder(&[300_000; 3]), 4_000_000, 1)) {
        assert!(!reason.contains("only one"), "{reason}");
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_reasons_fit_the_choice(
        bitrates in prop::collection::vec(1_000u64..20_000_000, 1..8),
        steps in prop::collection::vec((0i64..60_000, 1_000u64..30_000_000, 0u32..3), 1..40),
        rule in prop::sample::select(RULES.to_vec()),
    ) {
        let mut bitrates = bitrates;
        bitrates.sort_unstable();
        let levels = ladder(&bitrates);
        let mut rule = rule_by_name(rule).expect("a rule");
        let mut current = None;
        for (number, (buffer, rate, samples)) in steps.into_iter().enumerate() {
            let starting = number == 0;
            let buffer = MediaTime::from_millis(if starting { 0 } else { buffer });
            let ctx = Context { buffer, current, starting, ..context(&levels, rate, samples) };
            let choice = rule.choose(&ctx);
            let chosen = levels[choice.level].bitrate;
            for reason in &choice.reasons {
                let holds = match *reason {
                    Reason::OnlyChoice => levels.len() == 1,
                    Reason::AllAlike { bitrate } => levels.iter().all(|level| level.bitrate == bitrate),
                    Reason::StartFast { bitrate, allowed, measured } => {
                        bitrate == chosen && measured == (samples > 0) && (bitrate <= allowed || choice.level == 0)
                    }
                    // Where the buffer is short, a lower level is taken than what fits.
                    Reason::FitsThroughput { bitrate, measured, .. } => {
                        bitrate >= chosen && measured == (samples > 0)
                    }
                    Reason::Held { bitrate, .. } => bitrate == chosen,
                    Reason::UpBlockedByThroughput { wanted, allowed } => wanted > chosen && wanted > allowed,
                    Reason::UpBlockedByBuffer { wanted, .. } | Reason::BufferLow { wanted, .. } => wanted > chosen,
                    _ => true,
                };
                prop_assert!(holds, "{reason:?} for {chosen} at {ctx:?}");
            }
            current = Some(choice.level);
        }
    }
}
