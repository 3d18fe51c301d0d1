//! The published rules against what they promise. Their figures are held in `platforms/simulator`.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use telecine_abr::published::{
    Bba, Bola, BolaE, End, Fetched, Horizon, InFlight, Ladder, Mpc, Network, Prediction, Scene, SceneRule, Sizes,
    Throughput, Why,
};
use telecine_abr::Oscillation;

const KBPS: [f64; 4] = [300.0, 750.0, 1_500.0, 3_000.0];

fn ladder() -> Ladder {
    Ladder::new(KBPS).expect("a ladder")
}

fn scene(ladder: &Ladder, buffer_ms: f64, kbps: f64) -> Scene<'_> {
    Scene {
        ladder,
        segment_ms: 4_000.0,
        buffer_ms,
        capacity_ms: 30_000.0,
        network: Some(Network { kbps, latency_ms: 0.0 }),
        outlook: None,
        behind: 50,
        ahead: Some(50),
        sizes: &[],
    }
}

#[test]
fn a_ladder_ascends_from_above_zero() {
    assert!(ladder().has_steps() && ladder().top() == 3);
    for wrong in [vec![], vec![0.0], vec![-1.0], vec![2.0, 1.0], vec![f64::NAN], vec![1.0, f64::INFINITY]] {
        assert_eq!(Ladder::new(wrong.clone()), None, "{wrong:?}");
    }
    assert!(!Ladder::new([5.0, 5.0]).expect("a ladder").has_steps());
}

/// abr.md 2.3: nine tenths of the estimate, and what surely arrives before the buffer is empty.
#[test]
fn throughput_spends_nine_tenths_and_guards_a_short_buffer() {
    let ladder = ladder();
    let level = |buffer_ms, kbps| Throughput::default().choose(&scene(&ladder, buffer_ms, kbps)).level;
    assert_eq!((level(20_000.0, 1_666.0), level(20_000.0, 1_667.0)), (1, 2));
    // 0.9 · 2 s · 1667 kbit/s = 3 Mbit: a segment of 750 kbit/s, and not one of 1500.
    let guarded = Throughput::default().choose(&scene(&ladder, 2_000.0, 1_667.0));
    assert_eq!(guarded.level, 1);
    assert!(matches!(guarded.why, Why::ShortBuffer { wanted: 2, .. }), "{guarded:?}");
}

/// abr.md 2.2: level m is left for the next where (Vp·(u + gp) - Q) / r are equal, Vp = (Qmax - p) / (u_max + 5).
#[test]
fn bola_climbs_at_its_thresholds() {
    let ladder = ladder();
    let vp = 26_000.0 / (10_f64.ln() + 5.0);
    let threshold = |low: f64, high: f64| {
        let utility = |kbps: f64| (kbps / 300.0_f64).ln() + 5.0;
        vp * (high * utility(low) - low * utility(high)) / (high - low)
    };
    for (level, pair) in KBPS.windows(2).enumerate() {
        let edge = threshold(pair[0], pair[1]);
        let mut rule = Bola::new(Horizon::Endless, Oscillation::Allowed);
        assert_eq!(rule.choose(&scene(&ladder, edge - 1.0, 1e9)).level, level);
        assert_eq!(rule.choose(&scene(&ladder, edge + 1.0, 1e9)).level, level + 1);
    }
}

#[test]
fn bola_e_starts_where_the_network_is_and_trusts_it_by_a_placeholder() {
    let ladder = ladder();
    let mut rule = BolaE::new(Oscillation::Minimised);
    let first = rule.choose(&scene(&ladder, 4_000.0, 1_600.0));
    assert_eq!((first.level, first.why), (2, Why::Start));
    // The buffer alone would say the lowest level: ten seconds are where that one ends.
    let fetched = Fetched { level: 2, bits: 6e6, took_ms: 3_750.0, end: End::Complete, replaces: false };
    rule.on_fetched(&scene(&ladder, 4_250.0, 1_600.0), &fetched);
    let second = rule.choose(&scene(&ladder, 4_250.0, 1_600.0));
    assert!(matches!(second.why, Why::ShortBuffer { .. } | Why::Buffer { .. }) && second.level >= 1, "{second:?}");
}

/// abr.md 2.3: after half a second, when 1.8 times the segment's duration would pass, to what nine tenths carry.
#[test]
fn throughput_gives_up_what_comes_far_too_late() {
    let ladder = ladder();
    let scene = scene(&ladder, 10_000.0, 3_000.0);
    let flight = |elapsed_ms: f64, kbps: f64| InFlight {
        level: 3,
        size: 12e6,
        received: kbps * elapsed_ms,
        elapsed_ms,
        latency_ms: 0.0,
        beside: 0.0,
    };
    let give_up = |flight| Throughput::default().give_up(&scene, &flight);
    assert_eq!(give_up(flight(499.0, 900.0)), None);
    assert_eq!(give_up(flight(501.0, 900.0)), Some(1));
    // 12 Mbit in 7.2 s.
    assert_eq!((give_up(flight(501.0, 1_660.0)), give_up(flight(501.0, 1_670.0))), (Some(1), None));
}

/// Huang et al. 2014: the lowest level in the reservoir, the highest beyond the cushion, and between them the level
/// stays until the map passes the next one.
#[test]
fn bba_keeps_its_level_until_the_map_passes_the_next() {
    let ladder = ladder();
    let mut rule = Bba::default();
    let mut level = |buffer_ms| rule.choose(&scene(&ladder, buffer_ms, 1.0)).level;
    assert_eq!((level(5_000.0), level(15_000.0)), (0, 3));
    // At 10 s the map says 1650: above the level below the highest, which stays.
    assert_eq!(level(10_000.0), 3);
    // At 9 s it says 1380: the lowest above that.
    assert_eq!((level(9_000.0), level(10_000.0)), (2, 2));
    assert_eq!(level(4_000.0), 0);
    // At 7 s it says 840: above the next one up.
    assert_eq!((level(6_000.0), level(7_000.0)), (0, 1));
}

/// Every sequence of levels for five segments, weighed one by one.
fn best_by_trying(scene: &Scene<'_>, kbps: f64, last: usize, first: Option<usize>) -> f64 {
    let levels = scene.ladder.len();
    let price = scene.ladder.kbps(levels - 1) / 1_000_000.0;
    let mut best = f64::NEG_INFINITY;
    for plan in 0..levels.pow(5) {
        let level = |step: u32| plan / levels.pow(step) % levels;
        if first.is_some_and(|first| level(0) != first) {
            continue;
        }
        let (mut score, mut buffer, mut before) = (0.0, scene.buffer_ms, last);
        for step in 0..5 {
            let (level, takes) = (level(step), scene.bits(step as usize, level(step)) / kbps);
            let rate = scene.ladder.kbps(level);
            score += (rate - (rate - scene.ladder.kbps(before)).abs()) / 1000.0 - price * (takes - buffer).max(0.0);
            buffer = ((buffer - takes).max(0.0) + scene.segment_ms).min(scene.capacity_ms);
            before = level;
        }
        best = best.max(score);
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mpc_takes_the_first_step_of_a_best_plan(
        buffer_ms in 0.0_f64..30_000.0,
        kbps in 50.0_f64..5_000.0,
        last in 0_usize..4,
        shares in prop::collection::vec(0.2_f64..2.0, 5),
    ) {
        let ladder = ladder();
        let sizes: Vec<f64> = shares.iter().flat_map(|share| KBPS.map(|kbps| kbps * 4_000.0 * share)).collect();
        let scene = Scene { sizes: &sizes, ..scene(&ladder, buffer_ms, kbps) };
        let mut rule = Mpc::new(Prediction::HarmonicMean, Sizes::Known);
        let fetched = Fetched { level: last, bits: kbps * 1_000.0, took_ms: 1_000.0, end: End::Complete, replaces: false };
        rule.on_fetched(&scene, &fetched);
        let choice = rule.choose(&scene);
        let (best, ours) = (best_by_trying(&scene, kbps, last, None), best_by_trying(&scene, kbps, last, Some(choice.level)));
        prop_assert!((best - ours).abs() < 1e-6, "{best} and not {ours}");
    }
}

/// Yin et al. 2015: the prediction is divided by one and the greatest relative error of the last five.
#[test]
fn robust_mpc_counts_on_less_after_it_was_wrong() {
    let ladder = ladder();
    let scene = scene(&ladder, 12_000.0, 3_000.0);
    let fetched =
        |kbps: f64| Fetched { level: 1, bits: kbps * 1_000.0, took_ms: 1_000.0, end: End::Complete, replaces: false };
    let forecast = |prediction| {
        let mut rule = Mpc::new(prediction, Sizes::Known);
        rule.on_fetched(&scene, &fetched(2_000.0));
        rule.choose(&scene);
        rule.on_fetched(&scene, &fetched(1_000.0));
        match rule.choose(&scene).why {
            Why::Plan { kbps, segments: 5 } => kbps,
            other => panic!("{other:?}"),
        }
    };
    // The harmonic mean of 2000 and 1000; it had foreseen 2000, and 1000 came.
    let mean = 2.0 / (1.0 / 2_000.0 + 1.0 / 1_000.0);
    assert!((forecast(Prediction::HarmonicMean) - mean).abs() < 1e-9);
    assert!((forecast(Prediction::Robust) - mean / 2.0).abs() < 1e-9);
}
