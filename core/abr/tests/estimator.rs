//! What `DualEwma` makes of transfers: parallel ones, small ones, caches, paced and aborted ones.

use std::time::Duration;

use telecine_abr::{DualEwma, Estimator, TransferFlags, TransferId, TransferSample};
use telecine_model::Timestamp;

fn ms(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn transfer(id: u64, bytes: u64, started: u64, first_byte: u64, finished: u64) -> TransferSample {
    TransferSample {
        id: TransferId(id),
        bytes,
        started: ms(started),
        first_byte: ms(first_byte),
        finished: ms(finished),
        flags: TransferFlags::default(),
    }
}

fn rate(estimator: &DualEwma) -> u64 {
    estimator.estimate().map_or(0, |estimate| estimate.bits_per_second)
}

fn assert_within(value: u64, low: u64, high: u64) {
    assert!((low..=high).contains(&value), "{value} is not within {low} and {high}");
}

#[test]
fn nothing_is_known_before_the_first_transfer() {
    assert_eq!(DualEwma::new().estimate(), None);
    let assumed = DualEwma::assuming(1_500_000).estimate().expect("an assumption");
    assert_eq!((assumed.bits_per_second, assumed.samples), (1_500_000, 0));
}

/// 2 s at 4 Mbit/s, then 3 s at 1 Mbit/s, computed by hand:
/// fast: a = 2^(-3/3) = 0.5, first sample's share 1 - 2^(-2/3) = 0.370039;
/// (0.5·0.370039·4 + 0.5·1) / (0.5·0.370039 + 0.5) = 1.810281; the slow one is higher.
#[test]
fn the_lesser_of_two_bias_corrected_averages_is_believed() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 1_000_000, 0, 50, 2050));
    assert_eq!(rate(&estimator), 4_000_000, "one sample is its own average");
    estimator.on_transfer(&transfer(2, 375_000, 2050, 2100, 5100));
    assert_within(rate(&estimator), 1_810_270, 1_810_290);
}

#[test]
fn the_time_to_first_byte_is_no_part_of_the_rate() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 500_000, 0, 300, 1300));
    let estimate = estimator.estimate().expect("a sample");
    assert_eq!(estimate.bits_per_second, 4_000_000);
    assert_eq!(estimate.ttfb, Duration::from_millis(300));
    assert_eq!(estimate.samples, 1);
}

/// abr.md scenario 5. Sound and picture share 4 Mbit/s fairly: 1.6 s at 2 Mbit/s each carry the
/// sound's 400 kB, then the picture gets all of it.
#[test]
fn sound_and_picture_at_once_do_not_halve_the_estimate() {
    let mut estimator = DualEwma::new();
    for round in 0..10 {
        let at = round * 5000;
        let (video, audio) = (2 * round, 2 * round + 1);
        let mut progress = |id, time, bytes| estimator.on_progress(TransferId(id), bytes, ms(at + time));
        progress(video, 100, 0);
        progress(audio, 100, 0);
        for step in 1..=16 {
            progress(video, 100 + step * 100, step * 25_000);
            progress(audio, 100 + step * 100, step * 25_000);
        }
        estimator.on_transfer(&transfer(audio, 400_000, at, at + 100, at + 1700));
        assert_within(rate(&estimator), 3_900_000, 4_100_000);
        for step in 1..=16 {
            estimator.on_progress(TransferId(video), 400_000 + step * 50_000, ms(at + 1700 + step * 100));
        }
        estimator.on_transfer(&transfer(video, 1_200_000, at, at + 100, at + 3300));
        assert_within(rate(&estimator), 3_900_000, 4_100_000);
    }
}

/// One connection that serves the sound first: the rate is still that of both.
#[test]
fn the_estimate_does_not_depend_on_how_parallel_transfers_share() {
    let mut estimator = DualEwma::new();
    for round in 0..10 {
        let at = round * 5000;
        let (video, audio) = (2 * round, 2 * round + 1);
        estimator.on_progress(TransferId(video), 0, ms(at + 100));
        estimator.on_progress(TransferId(audio), 0, ms(at + 100));
        estimator.on_progress(TransferId(audio), 200_000, ms(at + 500));
        estimator.on_transfer(&transfer(audio, 200_000, at, at + 100, at + 500));
        estimator.on_transfer(&transfer(video, 1_200_000, at, at + 100, at + 2900));
        assert_within(rate(&estimator), 3_900_000, 4_100_000);
    }
}

/// Two overlapping transfers weigh together what the time of both weighs: a later lone sample of
/// the same length has the influence that follows from the half-lives.
#[test]
fn overlapping_time_counts_once() {
    let mut parallel = DualEwma::new();
    for id in [1, 2] {
        parallel.on_progress(TransferId(id), 0, ms(0));
    }
    // 8 Mbit/s in all for 3 s.
    parallel.on_progress(TransferId(1), 1_500_000, ms(3000));
    parallel.on_progress(TransferId(2), 1_500_000, ms(3000));
    parallel.on_transfer(&transfer(1, 1_500_000, 0, 0, 3000));
    parallel.on_transfer(&transfer(2, 1_500_000, 0, 0, 3000));
    parallel.on_transfer(&transfer(3, 375_000, 3000, 3000, 6000));
    let mut alone = DualEwma::new();
    alone.on_transfer(&transfer(1, 3_000_000, 0, 0, 3000));
    alone.on_transfer(&transfer(3, 375_000, 3000, 3000, 6000));
    assert!(rate(&parallel).abs_diff(rate(&alone)) <= 1, "{} {}", rate(&parallel), rate(&alone));
}

#[test]
fn a_transfer_whose_end_was_never_told_does_not_weaken_later_samples() {
    let (mut told, mut untold) = (DualEwma::new(), DualEwma::new());
    untold.on_progress(TransferId(1000), 0, ms(0));
    for estimator in [&mut told, &mut untold] {
        for (id, bytes, from) in [(1, 1_000_000, 60_000), (2, 250_000, 62_000)] {
            estimator.on_progress(TransferId(id), 0, ms(from));
            estimator.on_transfer(&transfer(id, bytes, from, from, from + 2000));
        }
    }
    assert_eq!(rate(&told), rate(&untold));
}

/// abr.md scenario 1 (hls.js #5826, Shaka #6623): 2 Mbit/s, a burst from a cache, 2 Mbit/s.
#[test]
fn a_burst_from_a_cache_does_not_raise_the_estimate() {
    let mut estimator = DualEwma::new();
    let mut at = 0;
    for id in 0..15 {
        let cached = (5..10).contains(&id);
        let took = if cached { 4 } else { 2000 };
        estimator.on_transfer(&transfer(id, 500_000, at, at + if cached { 1 } else { 50 }, at + took));
        at += took;
        assert_within(rate(&estimator), 1_900_000, 2_100_000);
    }
}

/// abr.md scenario 2: without any other knowledge, what a cache gives is what there is to know.
#[test]
fn a_title_that_comes_from_a_cache_alone_is_not_pinned_to_the_lowest_level() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 100_000, 0, 1, 4));
    assert!(rate(&estimator) > 50_000_000);
    let mut flagged = DualEwma::new();
    let mut sample = transfer(1, 100_000, 0, 10, 50);
    sample.flags.cached = true;
    flagged.on_transfer(&sample);
    assert_within(rate(&flagged), 19_000_000, 21_000_000);
}

/// abr.md scenario 3: parts of 12 kB on a link of 10 Mbit/s, 150 ms away, tell its rate as long as
/// nothing better does; then they do not move what is believed.
#[test]
fn small_parts_do_not_pull_the_estimate_down() {
    let mut estimator = DualEwma::new();
    for id in 0..20 {
        let at = id * 330;
        let mut part = transfer(id, 12_000, at, at + 150, at + 150);
        part.finished = part.first_byte + Duration::from_micros(9600);
        estimator.on_transfer(&part);
        assert_within(rate(&estimator), 7_000_000, 12_000_000);
    }
    estimator.on_transfer(&transfer(100, 1_000_000, 10_000, 10_150, 12_150));
    estimator.on_transfer(&transfer(101, 1000, 12_150, 12_300, 12_400));
    assert_eq!(rate(&estimator), 4_000_000);
}

/// Segments of 8 kB, a second of 64 kbit/s: 13 ms of body behind 50 ms of round trip, on a line of 5 Mbit/s that was one of
/// 60 kbit/s. In its whole time each shows 1.02 Mbit/s; from the eighth on that is believed to be the least.
#[test]
fn small_bodies_that_are_all_there_is_raise_what_is_believed_and_never_lower_it() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 20_000, 0, 50, 2717));
    assert_within(rate(&estimator), 59_000, 61_000);
    let small = |estimator: &mut DualEwma, n: u64, body: u64| {
        let at = 3000 + n * 1000;
        estimator.on_transfer(&transfer(2 + n, 8_000, at, at + 50, at + 50 + body));
    };
    (0..7).for_each(|n| small(&mut estimator, n, 13));
    assert_within(rate(&estimator), 59_000, 61_000);
    (7..60).for_each(|n| small(&mut estimator, n, 13));
    assert_within(rate(&estimator), 500_000, 1_020_000);
    let estimate = estimator.estimate().expect("it was measured");
    assert_within(estimate.forecast.map_or(0, |forecast| forecast.bits_per_second), 900_000, 1_020_000);
    let before = rate(&estimator);
    (60..90).for_each(|n| small(&mut estimator, n, 900));
    assert_eq!(rate(&estimator), before, "slow ones say nothing");
}

#[test]
fn small_bodies_beside_larger_ones_count_for_nothing() {
    let mut estimator = DualEwma::new();
    for n in 0..40 {
        let at = n * 1000;
        estimator.on_transfer(&transfer(2 * n, 20_000, at, at + 50, at + 450));
        estimator.on_transfer(&transfer(2 * n + 1, 8_000, at + 450, at + 460, at + 465));
    }
    assert_within(rate(&estimator), 390_000, 410_000);
}

/// abr.md scenario 4 (dash.js #3538): a live segment arrives at the encoder's 2 Mbit/s.
#[test]
fn a_paced_transfer_counts_only_if_it_shows_more() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 1_250_000, 0, 50, 1050));
    let mut paced = transfer(2, 1_000_000, 2000, 2050, 6050);
    paced.flags.paced = true;
    estimator.on_transfer(&paced);
    assert_eq!(rate(&estimator), 10_000_000);
    let mut faster = transfer(3, 5_000_000, 7000, 7050, 9050);
    faster.flags.paced = true;
    estimator.on_transfer(&faster);
    assert!(rate(&estimator) > 10_000_000);
}

/// dash.js #3840: what an aborted transfer showed is what made it be aborted.
#[test]
fn the_sample_of_an_aborted_transfer_is_kept() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 1_250_000, 0, 50, 1050));
    let mut aborted = transfer(2, 125_000, 2000, 2050, 4050);
    aborted.flags.aborted = true;
    estimator.on_transfer(&aborted);
    assert!(rate(&estimator) < 6_000_000);
}

#[test]
fn the_cautious_figure_is_lower_where_the_rate_varies() {
    let (mut steady, mut varying) = (DualEwma::new(), DualEwma::new());
    for id in 0..20 {
        let at = id * 3000;
        steady.on_transfer(&transfer(id, 500_000, at, at, at + 2000));
        let bytes = if id % 2 == 0 { 250_000 } else { 750_000 };
        varying.on_transfer(&transfer(id, bytes, at, at, at + 2000));
    }
    let (steady, varying) = (steady.estimate().expect("samples"), varying.estimate().expect("samples"));
    assert_eq!(steady.low, steady.bits_per_second);
    assert!(varying.low < varying.bits_per_second * 7 / 10);
}

/// hls.js #4291, #6689; abr.md 2.3: "min() is slow to come back".
#[test]
fn a_true_step_is_followed_within_two_segments_up_and_down() {
    for (before, after) in [(125_000, 2_000_000), (2_000_000, 125_000)] {
        let mut estimator = DualEwma::new();
        (0..12).for_each(|id| estimator.on_transfer(&transfer(id, before, id * 2000, id * 2000, id * 2000 + 1000)));
        let last = rate(&estimator);
        for id in 12..14 {
            assert_eq!(estimator.estimate().and_then(|estimate| estimate.recent?.change), None);
            estimator.on_transfer(&transfer(id, after, id * 2000, id * 2000, id * 2000 + 1000));
        }
        assert_eq!((last, rate(&estimator)), (before * 8, after * 8));
        let change = estimator.estimate().and_then(|estimate| estimate.recent?.change).expect("it is a change");
        assert_eq!((change.at, change.before, change.after), (ms(25_000), before * 8, after * 8));
    }
}

#[test]
fn one_segment_that_was_fast_or_slow_is_no_step() {
    for odd in [2_000_000, 60_000] {
        let (mut spoilt, mut plain) = (DualEwma::new(), DualEwma::new());
        for id in 0..40 {
            for (estimator, bytes) in [(&mut plain, 500_000), (&mut spoilt, if id == 20 { odd } else { 500_000 })] {
                estimator.on_transfer(&transfer(id, bytes, id * 2000, id * 2000, id * 2000 + 1000));
            }
        }
        assert_eq!(spoilt.estimate().and_then(|estimate| estimate.recent?.change), None);
        assert_within(rate(&spoilt), rate(&plain) * 9 / 10, rate(&plain) * 11 / 10);
    }
}

/// Slow reads of the player's own say that the line carries so much, and no more.
#[test]
fn what_the_player_itself_held_back_counts_only_if_it_shows_more() {
    let mut estimator = DualEwma::new();
    estimator.on_transfer(&transfer(1, 1_250_000, 0, 50, 1050));
    let mut limited = transfer(2, 1_000_000, 2000, 2050, 6050);
    limited.flags.limited = true;
    estimator.on_transfer(&limited);
    assert_eq!(rate(&estimator), 10_000_000);
    // Where nothing else is known it is something.
    let mut first = DualEwma::new();
    first.on_transfer(&limited);
    assert_eq!(rate(&first), 2_000_000);
}
