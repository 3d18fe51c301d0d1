use super::*;

fn table(runs: &[(Option<i64>, u64, u64)]) -> SegmentTable {
    let mut table = SegmentTable::new(Timescale::SECONDS, 10);
    for (start, duration, count) in runs {
        table.push(*start, *duration, *count).expect("valid run");
    }
    table
}

#[test]
fn a_regular_timeline_is_one_run() {
    let mut table = SegmentTable::new(Timescale::SECONDS, 0);
    for _ in 0..43_200 {
        table.push(None, 2, 1).expect("valid");
    }
    table.shrink();
    assert_eq!((table.runs(), table.len(), table.heap_bytes()), (1, 43_200, 24));
}

#[test]
fn segments_are_found_by_number_and_by_time() {
    let table = table(&[(Some(100), 4, 3), (None, 6, 2), (Some(130), 5, 1)]);
    assert_eq!(table.len(), 6);
    assert_eq!(table.get(9), None);
    assert_eq!(table.get(13), Some(Span { number: 13, start: 112, duration: 6 }));
    assert_eq!(table.get(15), Some(Span { number: 15, start: 130, duration: 5 }));
    assert_eq!(table.get(16), None);
    for (time, number) in [
        (99, None),
        (100, Some(10)),
        (111, Some(12)),
        (112, Some(13)),
        (124, None),
        (129, None),
        (130, Some(15)),
        (135, None),
    ] {
        assert_eq!(table.covering(time).map(|s| s.number), number, "{time}");
    }
    assert_eq!(table.covering_or_next(50).map(|s| s.number), Some(10));
    assert_eq!(table.covering_or_next(125).map(|s| s.number), Some(15));
    assert_eq!(table.covering_or_next(135), None);
}

#[test]
fn a_small_overlap_is_kept_and_a_step_back_is_refused() {
    let mut table = table(&[(Some(0), 10, 2), (Some(19), 10, 1)]);
    assert_eq!(table.get(12).map(|s| s.start), Some(19));
    assert_eq!(table.covering(19).map(|s| s.number), Some(12));
    assert_eq!(table.covering(18).map(|s| s.number), Some(11));
    assert_eq!(table.push(Some(0), 1, 1), Err(TableError::Backwards));
}

#[test]
fn absurd_counts_and_times_are_refused() {
    let mut table = SegmentTable::new(Timescale::SECONDS, u64::MAX);
    assert_eq!(table.push(None, u64::MAX, 2), Err(TableError::Overflow));
    assert_eq!(table.push(None, 1, u64::MAX), Err(TableError::Overflow));
    assert_eq!(table.push(Some(i64::MAX), 1, 1), Err(TableError::Overflow));
    assert_eq!(table.push(None, 0, 2), Err(TableError::ZeroDuration));
    table.push(None, 1, 3).expect("valid");
    assert_eq!(table.get(u64::MAX).map(|s| s.start), Some(0));
    assert_eq!(table.iter().count(), 1, "numbers beyond the integers are not given out");
}

#[test]
fn an_open_table_has_no_announced_end() {
    let mut table = SegmentTable::new(Timescale::SECONDS, 1);
    table.push_open(Some(0), 2).expect("valid");
    assert!(table.is_open());
    assert_eq!(table.covering(1_000_000_001).map(|s| s.number), Some(500_000_001));
    assert_eq!(table.push(None, 2, 1), Err(TableError::Open));
}

#[test]
fn sequences_that_do_not_come_out_even_are_one_run_and_lose_no_tick() {
    let mut table = SegmentTable::new(Timescale::SECONDS, 1);
    table.push_sequences(Some(100), 10, 3, 2).expect("valid");
    table.push_sequences(None, 10, 3, 1_000_000).expect("valid");
    table.push_sequences(None, 20, 6, 1).expect("valid");
    assert_eq!((table.runs(), table.len(), table.end()), (1, 3_000_012, Some(100 + 10_000_040)));
    let starts: Vec<(i64, u64)> = table.iter().take(7).map(|span| (span.start, span.duration)).collect();
    assert_eq!(starts, [(100, 3), (103, 3), (106, 4), (110, 3), (113, 3), (116, 4), (120, 3)]);
    for span in table.iter().take(100) {
        for time in span.start..span.end() {
            assert_eq!(table.covering(time), Some(span), "{time}");
        }
    }
    assert_eq!(table.covering(99), None);
    assert_eq!((table.max_duration(), table.last_span().map(|span| span.duration)), (Some(4), Some(4)));
    assert_eq!(table.push_sequences(None, 2, 3, 1), Err(TableError::ZeroDuration), "no part without time");
    assert_eq!(table.push_sequences(None, u64::MAX, u32::MAX, u64::MAX), Err(TableError::Overflow));
}

#[test]
fn a_window_that_slides_into_a_sequence_keeps_every_time() {
    let sequences = |from: i64, count| {
        let mut table = SegmentTable::new(Timescale::SECONDS, 1);
        table.push_sequences(Some(from), 10, 3, count).expect("valid");
        table
    };
    let mut table = sequences(0, 4);
    let all: Vec<Span> = table.iter().collect();
    for number in 1..=12 {
        table.trim_front(number);
        let rest: Vec<Span> = table.iter().collect();
        assert_eq!(rest, all[number as usize - 1..], "{number}");
    }
    let mut table = sequences(0, 4);
    assert_eq!(table.merge_tail(&sequences(20, 4), Align::Time), Ok(MergeOutcome::Appended(6)));
    let known: Vec<(u64, i64, u64)> = table.iter().map(|s| (s.number, s.start, s.duration)).collect();
    let expected = sequences(0, 6).iter().skip(6).map(|s| (s.number, s.start, s.duration)).collect::<Vec<_>>();
    assert_eq!(known, expected);
}

#[test]
fn a_refresh_by_number_keeps_times_and_slides_the_window() {
    let mut table = table(&[(Some(0), 4, 5)]);
    let mut newer = SegmentTable::new(Timescale::SECONDS, 12);
    newer.push(None, 4, 3).expect("valid");
    newer.push(None, 3, 2).expect("valid");
    assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Appended(2)));
    assert_eq!((table.first_number(), table.end_number()), (12, 17));
    assert_eq!(table.get(12).map(|s| s.start), Some(8));
    assert_eq!(table.get(16), Some(Span { number: 16, start: 23, duration: 3 }));
    assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Appended(0)));
}

#[test]
fn a_refresh_without_segments_adds_none_wherever_it_begins() {
    for first in [3, 5, 9] {
        let mut table = SegmentTable::new(Timescale::SECONDS, 1);
        table.push(Some(0), 2, 4).expect("fits");
        let newer = SegmentTable::new(Timescale::SECONDS, first);
        let expected = if first < 5 { MergeOutcome::Older } else { MergeOutcome::Appended(0) };
        assert_eq!(table.append_by_number(&newer), Ok(expected), "from {first}");
        assert_eq!((table.first_number(), table.end_number(), table.end()), (1, 5, Some(8)));
    }
}

#[test]
fn a_refresh_that_leaves_out_the_oldest_segments_keeps_them() {
    let mut table = table(&[(Some(0), 4, 5)]);
    let mut newer = SegmentTable::new(Timescale::SECONDS, 13);
    newer.push(None, 4, 3).expect("valid");
    assert_eq!(table.append_by_number(&newer), Ok(MergeOutcome::Appended(1)));
    assert_eq!((table.first_number(), table.end_number(), table.end()), (10, 16, Some(24)));
}

#[test]
fn a_refresh_may_tell_the_past_otherwise_and_have_segments_of_no_duration() {
    let mut table = table(&[(Some(0), 4, 5)]);
    let mut newer = SegmentTable::new(Timescale::SECONDS, 10);
    newer.push(None, 1, 5).expect("valid");
    newer.push(None, 0, 1).expect("valid");
    newer.push(None, 0, 1).expect("valid");
    assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Appended(2)));
    assert_eq!((table.len(), table.end()), (7, Some(20)));
}

#[test]
fn a_refresh_by_time_continues_the_numbers() {
    let mut table = table(&[(Some(100), 4, 5)]);
    let mut newer = SegmentTable::new(Timescale::SECONDS, 1);
    newer.push(Some(108), 4, 5).expect("valid");
    assert_eq!(table.merge_tail(&newer, Align::Time), Ok(MergeOutcome::Appended(2)));
    assert_eq!((table.first_number(), table.end_number(), table.end()), (12, 17, Some(128)));
    assert_eq!(table.runs(), 1);
}

#[test]
fn a_refresh_behind_the_window_says_so() {
    let mut table = table(&[(Some(0), 4, 5)]);
    let mut newer = SegmentTable::new(Timescale::SECONDS, 20);
    newer.push(None, 4, 2).expect("valid");
    assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Gap(5)));
    assert_eq!(table.get(20).map(|s| s.start), Some(40));
}

#[test]
fn renditions_of_one_timeline_hold_its_runs_in_common_until_one_changes() {
    let mut first = table(&[(Some(0), 4, 5), (None, 7, 1)]);
    let alone = first.clone();
    first.share();
    let second = first.clone().relabelled(Timescale::NANOS, 10);
    assert!(std::ptr::eq(&*first.runs, &*second.runs), "nothing was copied");
    assert_eq!((second.get(15), second.max_duration()), (alone.get(15), Some(7)));
    first.push(None, 9, 1).expect("valid");
    first.trim_front(14);
    assert_eq!((first.first_number(), first.len(), first.max_duration()), (14, 3, Some(9)));
    assert_eq!((second.len(), second.start(), second.max_duration()), (6, Some(0), Some(7)));
    assert_eq!(second.relabelled(Timescale::SECONDS, 10), alone, "whoever holds them");
}

#[test]
fn the_usual_duration_is_the_average_without_the_last_segment_and_no_longer_than_the_longest() {
    assert_eq!(table(&[]).usual_duration(), None);
    assert_eq!(table(&[(None, 7, 1)]).usual_duration(), Some(7), "one alone");
    assert_eq!(table(&[(Some(100), 4, 20), (None, 1, 1)]).usual_duration(), Some(4), "a short last one says nothing");
    assert_eq!(
        table(&[(None, 2, 1), (None, 10, 1), (None, 2, 1), (None, 10, 1), (None, 6, 1)]).usual_duration(),
        Some(6)
    );
    assert_eq!(table(&[(Some(0), 4, 3), (Some(4000), 4, 3)]).usual_duration(), Some(4), "a hole is no segment");
    let mut open = table(&[(None, 6, 2)]);
    open.push_open(None, 4).expect("valid run");
    assert_eq!(open.usual_duration(), Some(6), "who counts what has no end");
}
