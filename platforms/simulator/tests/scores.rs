//! Scores and intervals.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used)]

use telecine_simulator::{normalised, q1, q1_live, Interval, Metrics, Movie, Outcome};

/// Two levels of 1 and 4 Mbit/s, three segments of so many seconds.
fn movie(seconds: f64) -> Movie {
    let row = vec![1_000.0 * seconds * 1_000.0, 4_000.0 * seconds * 1_000.0];
    Movie::new(seconds * 1_000.0, &[1_000.0, 4_000.0], &[row.clone(), row.clone(), row]).expect("a movie")
}

fn outcome(levels: &[usize], stall_s: f64, startup_s: f64, seconds: f64) -> Outcome {
    Outcome {
        levels: levels.to_vec(),
        startup_ms: startup_s * 1_000.0,
        stall_ms: stall_s * 1_000.0,
        stalls: usize::from(stall_s > 0.0),
        elapsed_ms: (levels.len() as f64 * seconds + stall_s + startup_s) * 1_000.0,
        ..Outcome::default()
    }
}

/// abr.md 4.2 and 4.3 at 3 s segments, reckoned by hand.
#[test]
fn a_session_gets_all_three_scores() {
    let metrics = Metrics::of(&outcome(&[0, 1, 1], 2.0, 1.0, 3.0), &movie(3.0));
    // (0 + 1 + 1 - 1 - 2 - 0.5) / 3
    assert!((metrics.q1 - -0.5).abs() < 1e-12, "{}", metrics.q1);
    // (9000 - 3000) / 1000 - 4 * 2
    assert!((metrics.qoe_lin - -2.0).abs() < 1e-12, "{}", metrics.qoe_lin);
    // (2 ln 4 - 5 * 2 / 3) / (12 / 3)
    let score = (2.0 * 4_f64.ln() - 10.0 / 3.0) / 4.0;
    assert!((metrics.sabre_score - score).abs() < 1e-12, "{}", metrics.sabre_score);
    assert_eq!((metrics.total_kbps, metrics.total_switch_kbps, metrics.switches), (9_000.0, 3_000.0, 1));
    assert_eq!((metrics.mean_kbps, metrics.content_s), (2_250.0, 9.0));
}

#[test]
fn the_primary_score_is_of_content_time_whatever_the_segments() {
    // Half of the content at each level, one change, in segments of 3 s and of 1 s.
    let long = q1(0.5, 1.0, 2.0, 1.0, 12.0);
    assert!((long - (0.5 - 0.25 * 3.5)).abs() < 1e-12);
    let levels =
        |segments: usize| -> Vec<usize> { (0..segments).map(|index| usize::from(index * 2 >= segments)).collect() };
    let of = |seconds: f64, segments: usize| {
        let row = vec![1_000.0, 4_000.0];
        let movie = Movie::new(seconds * 1_000.0, &[1_000.0, 4_000.0], &vec![row; segments]).expect("a movie");
        Metrics::of(&outcome(&levels(segments), 2.0, 1.0, seconds), &movie).q1
    };
    assert!((of(3.0, 4) - long).abs() < 1e-12 && (of(1.0, 12) - long).abs() < 1e-12);
    assert!((q1_live(long, 2.0, 0.02) - (long - 0.2 - 0.01)).abs() < 1e-12);
}

#[test]
fn an_interval_holds_the_mean_and_is_the_same_in_every_run() {
    let values: Vec<f64> = (0..40).map(f64::from).collect();
    let interval = Interval::of_mean(&values, 7).expect("an interval");
    assert_eq!(interval.mean, 19.5);
    // The standard error of the mean is 1.83, and 95 % lie within 1.96 of it.
    assert!((interval.low - (19.5 - 3.6)).abs() < 0.6 && (interval.high - (19.5 + 3.6)).abs() < 0.6, "{interval:?}");
    assert_eq!(Interval::of_mean(&values, 7), Some(interval));
    assert_eq!(Interval::of_mean(&[2.0; 9], 7), Some(Interval { mean: 2.0, low: 2.0, high: 2.0 }));
    assert_eq!(Interval::of_mean(&[], 7), None);
}

#[test]
fn a_normalised_score_is_a_ratio_of_sums() {
    // (1 + 3) of (2 + 6), although the shares are a half each and one trace offers nothing.
    assert_eq!(normalised([(1.0, 0.0, 2.0), (3.0, 0.0, 6.0), (5.0, 5.0, 5.0)]), Some(0.5));
    assert_eq!(normalised([(5.0, 5.0, 5.0)]), None);
    assert_eq!(normalised([]), None);
}
