//! Estimates against the link's true rate.

use crate::link::{measure, Job, Link, Reads};
use std::time::Duration;
use telecine_abr::{DualEwma, Estimator, TransferFlags, TransferId, TransferSample};
use telecine_model::Timestamp;

const WAYS: [Reads; 6] =
    [Reads::Packets, Reads::Records, Reads::Ticks(5.0), Reads::Ticks(10.0), Reads::Late(1.0), Reads::Late(4.0)];

/// Segments of four seconds in chunks, requested as they begin to be made.
fn chunked(kbps: f64, chunk_ms: f64, seconds: usize) -> Vec<Job> {
    let chunks = (4000.0 / chunk_ms) as usize;
    let segment = |number: usize| {
        let from = number as f64 * 4000.0;
        // Pictures that are coded alone are larger than others.
        let share = |chunk: usize| if chunk == 0 { 2.0 } else { (chunks as f64 - 2.0) / (chunks as f64 - 1.0) };
        let bytes = |chunk: usize| (kbps * chunk_ms / 8.0 * share(chunk)) as u64;
        let pieces = (0..chunks).map(|chunk| (from + (chunk + 1) as f64 * chunk_ms, bytes(chunk))).collect();
        Job { requested_ms: from, pieces, paced: true, held: false }
    };
    (0..seconds / 4).map(segment).collect()
}

/// Parts, each requested ahead and held until it is there.
fn parts(kbps: f64, part_ms: f64, seconds: usize) -> Vec<Job> {
    let part = |number: usize| {
        let there = (number + 1) as f64 * part_ms;
        let bytes = (kbps * part_ms / 8.0) as u64;
        Job { requested_ms: there - 0.8 * part_ms, pieces: vec![(there, bytes)], paced: true, held: true }
    };
    (0..(seconds as f64 * 1000.0 / part_ms) as usize).map(part).collect()
}

fn from_to(believed: &[(f64, f64)], from_s: f64, to_s: f64) -> (f64, f64) {
    let within = believed.iter().filter(|(at, _)| (from_s * 1000.0..to_s * 1000.0).contains(at));
    within.fold((f64::INFINITY, 0.0), |(least, most), (_, kbps)| (least.min(*kbps), most.max(*kbps)))
}

#[track_caller]
fn assert_within(believed: &[(f64, f64)], times: (f64, f64), range: (f64, f64), what: &str) {
    let (least, most) = from_to(believed, times.0, times.1);
    assert!(least >= range.0 && most <= range.1, "{what}: {least:.0} to {most:.0} kbit/s");
}

/// abr.md scenario 4 (dash.js #3538), conformance LL-009.
#[test]
fn a_chunked_segment_tells_the_link_and_not_the_encoder() {
    for kbps in [1000.0, 2000.0, 3000.0] {
        for chunk_ms in [200.0, 400.0, 500.0, 1000.0] {
            for reads in WAYS {
                for chunks in [false, true] {
                    let jobs = vec![chunked(kbps, chunk_ms, 60)];
                    let believed = measure(&mut DualEwma::new(), &Link::steady(10_000.0), jobs, reads, chunks);
                    let what = format!("{kbps} {chunk_ms} {reads:?} {chunks}");
                    assert_within(&believed, (0.0, 60.0), (8_000.0, 12_000.0), &what);
                }
            }
        }
    }
}

#[test]
fn a_link_that_is_slower_than_the_encoder_is_not_believed_to_be_faster() {
    for reads in WAYS {
        for chunks in [false, true] {
            let jobs = vec![chunked(2000.0, 500.0, 60)];
            let believed = measure(&mut DualEwma::new(), &Link::steady(1_500.0), jobs, reads, chunks);
            assert_within(&believed, (0.0, 60.0), (1_200.0, 1_700.0), &format!("{reads:?} {chunks}"));
        }
    }
}

#[test]
fn a_link_that_falls_is_known_in_a_few_seconds_and_one_that_rises_too() {
    for kbps in [1000.0, 1900.0, 3000.0] {
        for reads in WAYS {
            let jobs = || vec![chunked(kbps, 500.0, 80)];
            let falls = Link::steady(10_000.0).then(40_000.0, 2_000.0);
            let believed = measure(&mut DualEwma::new(), &falls, jobs(), reads, true);
            let what = format!("{kbps} {reads:?}");
            assert_within(&believed, (5.0, 40.0), (8_000.0, 12_000.0), &what);
            assert_within(&believed, (46.0, 80.0), (1_600.0, 2_400.0), &what);
            let rises = Link::steady(2_000.0).then(40_000.0, 10_000.0);
            let believed = measure(&mut DualEwma::new(), &rises, jobs(), reads, true);
            assert_within(&believed, (5.0, 40.0), (1_600.0, 2_400.0), &what);
            assert_within(&believed, (60.0, 80.0), (8_000.0, 12_000.0), &what);
        }
    }
}

#[test]
fn parts_of_a_third_of_a_second_tell_the_link_together() {
    for kbps in [500.0, 1000.0, 3000.0] {
        for reads in WAYS {
            let jobs = || vec![parts(kbps, 334.0, 60)];
            let steady = Link::steady(10_000.0);
            let believed = measure(&mut DualEwma::new(), &steady, jobs(), reads, false);
            let what = format!("{kbps} {reads:?}");
            assert_within(&believed, (5.0, 60.0), (8_000.0, 12_000.0), &what);
            let believed = measure(&mut DualEwma::new(), &steady.then(30_000.0, 2_000.0), jobs(), reads, false);
            assert_within(&believed, (38.0, 60.0), (1_600.0, 2_400.0), &what);
        }
    }
}

#[test]
fn sound_and_picture_together_tell_the_same_link() {
    for reads in WAYS {
        for chunks in [false, true] {
            let both = vec![chunked(2000.0, 400.0, 60), chunked(128.0, 400.0, 60)];
            let believed = measure(&mut DualEwma::new(), &Link::steady(10_000.0), both, reads, chunks);
            assert_within(&believed, (5.0, 60.0), (8_000.0, 12_000.0), &format!("chunks {reads:?} {chunks}"));
        }
        let both = vec![parts(1000.0, 334.0, 60), parts(96.0, 334.0, 60)];
        let link = Link::steady(10_000.0).then(30_000.0, 2_000.0);
        let believed = measure(&mut DualEwma::new(), &link, both, reads, false);
        assert_within(&believed, (5.0, 30.0), (8_000.0, 12_000.0), &format!("parts {reads:?}"));
        assert_within(&believed, (38.0, 60.0), (1_600.0, 2_400.0), &format!("parts {reads:?}"));
    }
}

/// A radio link: its rate changes several times a second, by half of its mean either way.
#[test]
fn a_link_that_varies_is_known_by_its_mean_where_it_is_the_limit() {
    for reads in WAYS {
        let mut link = Link::steady(2_000.0);
        for turn in 0..600 {
            link = link.then(f64::from(turn) * 100.0, if turn % 2 == 0 { 3_000.0 } else { 1_000.0 });
        }
        let jobs = vec![chunked(3000.0, 500.0, 40)];
        let believed = measure(&mut DualEwma::new(), &link, jobs, reads, true);
        assert_within(&believed, (5.0, 40.0), (1_600.0, 2_600.0), &format!("{reads:?}"));
    }
}

/// Late by up to 8 ms, now and then by 80: nobody can tell the rate well from so little.
#[test]
fn a_host_that_reads_late_and_unevenly_sees_the_link_roughly() {
    for chunks in [false, true] {
        let late = Reads::Late(8.0);
        let jobs = |kbps| vec![chunked(kbps, 400.0, 60)];
        let believed = measure(&mut DualEwma::new(), &Link::steady(10_000.0), jobs(2000.0), late, chunks);
        assert_within(&believed, (0.0, 60.0), (7_000.0, 13_000.0), "ample");
        let believed = measure(&mut DualEwma::new(), &Link::steady(1_500.0), jobs(2000.0), late, chunks);
        assert_within(&believed, (0.0, 60.0), (1_200.0, 1_950.0), "scarce");
    }
}

/// Pictures one by one, each in one read: they say nothing, so what was known before stays.
#[test]
fn chunks_that_are_read_whole_do_not_pass_for_the_link() {
    let mut jobs = vec![Job { requested_ms: 0.0, pieces: vec![(0.0, 2_000_000)], paced: false, held: false }];
    jobs.extend(chunked(1500.0, 40.0, 60).into_iter().map(|job| {
        let pieces = job.pieces.into_iter().map(|(at, bytes)| (at + 4000.0, bytes)).collect();
        Job { requested_ms: job.requested_ms + 4000.0, pieces, ..job }
    }));
    for reads in [Reads::Records, Reads::Packets] {
        let believed = measure(&mut DualEwma::new(), &Link::steady(10_000.0), vec![jobs.clone()], reads, true);
        assert_within(&believed, (4.0, 60.0), (8_000.0, 12_000.0), &format!("{reads:?}"));
    }
}

#[test]
fn the_wait_for_a_part_is_no_time_to_first_byte() {
    let ttfb = |held| {
        let mut estimator = DualEwma::new();
        let jobs = parts(1000.0, 334.0, 20).into_iter().map(|job| Job { held, ..job }).collect();
        measure(&mut estimator, &Link::steady(10_000.0), vec![jobs], Reads::Packets, false);
        estimator.estimate().expect("an estimate").ttfb.as_millis()
    };
    assert_eq!(ttfb(true), 0, "none was measured");
    assert!((280..300).contains(&ttfb(false)), "{}: 0.8 of a part, and half a round trip", ttfb(false));
}

/// Whether whole transfers are taken for what they are does not depend on what was paced before.
#[test]
fn whole_transfers_after_paced_ones_count_as_ever() {
    let whole = |from_ms: f64| {
        let job = |n: usize| Job {
            requested_ms: from_ms + n as f64 * 2000.0,
            pieces: vec![(0.0, 1_000_000)],
            paced: false,
            held: false,
        };
        (0..20).map(job).collect::<Vec<_>>()
    };
    let link = Link::steady(10_000.0).then(60_000.0, 5_000.0);
    let jobs: Vec<Job> = chunked(1000.0, 500.0, 60).into_iter().chain(whole(62_000.0)).collect();
    let mixed = measure(&mut DualEwma::new(), &link, vec![jobs], Reads::Packets, true);
    let alone = measure(&mut DualEwma::new(), &link, vec![whole(62_000.0)], Reads::Packets, true);
    let (last, same) = (mixed.last().expect("some").1, alone.last().expect("some").1);
    assert!((last - same).abs() < 0.02 * same, "{last} {same}");
}

/// Each burst is there at once, or nearly: what is known is that the link is much faster.
#[test]
fn a_link_without_limit_does_not_pass_for_the_encoder() {
    let near = |kbps| Link { rtt_ms: 0.2, ..Link::steady(kbps) };
    for reads in WAYS {
        for (kbps, least) in [(100_000.0, 16_000.0), (1_000_000.0, 16_000.0)] {
            let jobs = vec![chunked(2000.0, 400.0, 40), chunked(128.0, 400.0, 40)];
            let believed = measure(&mut DualEwma::new(), &near(kbps), jobs, reads, true);
            assert_within(&believed, (8.0, 40.0), (least, 1.3 * kbps), &format!("chunks {kbps} {reads:?}"));
            let jobs = vec![parts(2000.0, 334.0, 40), parts(128.0, 334.0, 40)];
            let believed = measure(&mut DualEwma::new(), &near(kbps), jobs, reads, false);
            assert_within(&believed, (8.0, 40.0), (least, 1.3 * kbps), &format!("parts {kbps} {reads:?}"));
        }
    }
}

/// As the virtual link tells it: the answer begins, and the part is there when it is complete.
#[test]
fn a_part_that_is_read_in_one_piece_counts_from_its_first_byte() {
    let mut estimator = DualEwma::new();
    for number in 0..12 {
        let (id, from) = (TransferId(number), Timestamp::from_millis(number * 334));
        estimator.on_paced(id);
        estimator.on_progress(id, 0, from);
        estimator.on_progress(id, 41_750, from + Duration::from_micros(33_400));
        let (first_byte, finished) = (from, from + Duration::from_micros(33_400));
        let flags = TransferFlags { paced: true, held: true, ..TransferFlags::default() };
        estimator.on_transfer(&TransferSample { id, bytes: 41_750, started: from, first_byte, finished, flags });
    }
    let estimate = estimator.estimate().expect("an estimate");
    assert!(estimate.samples > 0);
    assert_eq!(estimate.bits_per_second, 10_000_000);
}

/// A segment comes as it is made for a second, and the line breaks down: from then on it is behind, and the rest comes slowly.
#[test]
fn a_transfer_that_is_held_up_tells_what_the_line_carries_from_then_on() {
    let mut estimator = DualEwma::new();
    let at = Timestamp::from_millis;
    for number in 0..4 {
        let (id, from) = (TransferId(number), number * 10_000);
        estimator.on_paced(id);
        estimator.on_progress(id, 0, at(from));
        estimator.on_progress(id, 100_000, at(from + 1000));
        estimator.on_late(id, at(from + 1000));
        for tenth in 1..=40 {
            estimator.on_progress(id, 100_000 + tenth * 5_000, at(from + 1000 + tenth * 100));
            // Half a second later it is sure.
            if tenth == 5 {
                estimator.on_held_up(id);
            }
        }
        let (since, finished) = (at(from + 1000), at(from + 5000));
        let flags = TransferFlags { held: true, ..TransferFlags::default() };
        estimator.on_transfer(&TransferSample {
            id,
            bytes: 200_000,
            started: since,
            first_byte: since,
            finished,
            flags,
        });
    }
    let estimate = estimator.estimate().expect("an estimate");
    // What came before in one piece at an end of a second says more, and is not forgotten at once.
    assert!(estimate.bits_per_second < 600_000, "{estimate:?}");
    assert!(estimate.recent.is_some_and(|recent| recent.median.abs_diff(400_000) < 4_000), "{estimate:?}");
}

/// A transfer that is handed on in pieces.
struct Piecewise {
    id: TransferId,
    size: f64,
    arrived: f64,
    began: u64,
    read: u64,
}

/// Sound and picture at once on a slow link, each read every fifty milliseconds: a piece that comes right behind one of the
/// other brings along what came before that.
#[test]
fn pieces_of_transfers_beside_each_other_are_of_the_time_since_the_piece_before() {
    for (kbps, second_at) in [(600.0, 13), (600.0, 41), (1_000.0, 13), (1_500.0, 27)] {
        let (mut estimator, mut believed) = (DualEwma::new(), Vec::new());
        let (mut under_way, mut made): (Vec<Piecewise>, u64) = (Vec::new(), 0);
        for ms in 0..60_000 {
            let now = Timestamp::from_millis(ms);
            for (_, size) in [(0, 9_600.0), (second_at, 3_000.0)].into_iter().filter(|(at, _)| ms % 334 == *at) {
                let id = TransferId(made);
                made += 1;
                estimator.on_paced(id);
                estimator.on_progress(id, 0, now);
                under_way.push(Piecewise { id, size, arrived: 0.0, began: ms, read: ms });
            }
            let share = kbps / 8.0 / under_way.len() as f64;
            for one in &mut under_way {
                one.arrived = (one.arrived + share).min(one.size);
                if one.arrived >= one.size || ms - one.read >= 50 {
                    one.read = ms;
                    estimator.on_progress(one.id, one.arrived as u64, now);
                }
                if one.arrived >= one.size {
                    let began = Timestamp::from_millis(one.began);
                    let flags = TransferFlags { paced: true, held: true, ..TransferFlags::default() };
                    let (id, bytes) = (one.id, one.size as u64);
                    let sample = TransferSample { id, bytes, started: began, first_byte: began, finished: now, flags };
                    estimator.on_transfer(&sample);
                }
            }
            under_way.retain(|one| one.arrived < one.size);
            if ms % 1000 == 0 {
                let rate = estimator.estimate().map_or(0.0, |estimate| estimate.bits_per_second as f64 / 1000.0);
                believed.push((ms as f64, rate));
            }
        }
        assert_within(&believed, (5.0, 60.0), (0.8 * kbps, 1.25 * kbps), &format!("{kbps} {second_at}"));
    }
}
