use super::*;
use crate::rng::Rng;
use crate::segments::{Addressing, Segments, UrlTemplate};
use crate::{Period, Protocol, SegmentTable, Timescale, Track};

const AST: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn wall(ms: i64) -> WallTime {
    WallTime::from_millis(AST + ms)
}

fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn timing(depth_ms: Option<i64>) -> DashTiming {
    DashTiming { availability_start: Some(wall(0)), time_shift_buffer_depth: depth_ms.map(ms), ..DashTiming::default() }
}

fn availability(depth_ms: Option<i64>) -> Availability {
    Availability::new(&timing(depth_ms), wall(0)).expect("a start")
}

fn index(table: SegmentTable) -> SegmentIndex {
    let template = UrlTemplate::parse("$Number$", "v", 0).expect("a template");
    SegmentIndex::new(table, "https://cdn.example/".into(), Addressing::Template(template))
}

fn scale(ticks: u32) -> Timescale {
    Timescale::new(ticks).expect("not zero")
}

/// Segments of two seconds for ever, the first one number 1.
fn open() -> SegmentIndex {
    let mut table = SegmentTable::new(Timescale::SECONDS, 1);
    table.push_open(Some(0), 2).expect("pushed");
    index(table)
}

/// Segments of two seconds, from one number up to another.
fn listed(first: u64, behind: u64) -> SegmentIndex {
    let mut table = SegmentTable::new(Timescale::SECONDS, first);
    table.push(Some(first as i64 * 2 - 2), 2, behind - first).expect("pushed");
    index(table)
}

fn presentation(index: SegmentIndex, timing: DashTiming) -> Presentation {
    let mut rendition = Rendition::new("v", 1);
    rendition.segments = Segments::Known(Box::new(index));
    let mut track = Track::new("1", TrackKind::Video);
    track.renditions.push(rendition);
    let mut presentation = Presentation::new(Protocol::Dash, "https://cdn.example/m.mpd");
    presentation.live = true;
    presentation.dash = Some(timing);
    presentation.periods.push(Period { id: "p".to_owned(), tracks: vec![track], ..Period::default() });
    presentation
}

#[test]
fn d028_a_segment_is_there_when_it_has_ended_and_until_it_left_the_window_by_its_length() {
    let mut index = open();
    index.origin = ms(10_000);
    let times = availability(Some(60_000)).of(&index, 3).expect("a segment");
    // It lies from 14 s to 16 s.
    assert_eq!((times.from, times.complete, times.until), (wall(16_000), wall(16_000), Some(wall(78_000))));
    for (now, there) in [(15_999, false), (16_000, true), (77_999, true), (78_000, false)] {
        assert_eq!(times.is_available(wall(now)), there, "{now}");
    }
    assert_eq!(availability(None).of(&index, 3).expect("a segment").until, None);
    assert_eq!(availability(None).of(&index, 0), None);
}

#[test]
fn d028_times_are_exact_and_never_early() {
    // 1001/30000 s is no whole number of microseconds.
    let mut table = SegmentTable::new(scale(30_000), 1);
    table.push_open(Some(7), 60_060).expect("pushed");
    let mut index = index(table);
    index.presentation_offset = 7;
    let times = availability(None).of(&index, 1).expect("a segment");
    assert_eq!(times.from, WallTime::from_micros(wall(0).as_micros() + 2_002_000));
    let times = availability(None).of(&index, 86_400 * 365 * 10).expect("a segment of ten years on");
    let exact = i128::from(86_400 * 365 * 10) * 60_060 * 1_000_000;
    assert_eq!(i128::from(times.from.as_micros() - wall(0).as_micros()), (exact + 29_999) / 30_000);
}

#[test]
fn d075_a_place_may_keep_its_segments_longer_or_shorter_than_the_others() {
    let mut index = open();
    index.time_shift_buffer_depth = Some(ms(10_000));
    assert_eq!(availability(Some(60_000)).of(&index, 3).expect("a segment").until, Some(wall(18_000)));
    assert_eq!(availability(Some(60_000)).first(&index, wall(100_000)), Some(45));
    assert_eq!(availability(None).first(&index, wall(100_000)), Some(45));
}

#[test]
fn d029_an_offset_lets_a_segment_be_asked_for_so_much_earlier_and_inf_always() {
    let mut index = open();
    index.availability_offset = Some(ms(1500));
    let times = availability(Some(60_000)).of(&index, 1).expect("a segment");
    assert_eq!((times.from, times.complete), (wall(500), wall(500)), "there early as a whole");
    assert_eq!(times.until, Some(wall(64_000)), "and not gone early");
    index.availability_offset = None;
    let times = availability(Some(60_000)).of(&index, 1_000_000).expect("a segment");
    assert!(times.is_available(wall(-1_000_000)));
}

#[test]
fn d030_a_chunked_segment_can_be_asked_for_while_it_is_made_and_is_whole_at_its_end() {
    let mut index = open();
    index.availability_offset = Some(ms(1900));
    index.availability_complete = false;
    let times = availability(None).of(&index, 5).expect("a segment");
    assert_eq!((times.from, times.complete), (wall(8100), wall(10_000)));
    assert_eq!(availability(None).last(&index, wall(8100)), Some(5));
}

#[test]
fn d028_a_file_with_all_segments_in_it_is_there_from_the_start_of_its_period() {
    let mut whole = open();
    whole.addressing = Addressing::Single("subtitles.vtt".to_owned());
    whole.origin = ms(10_000);
    let times = availability(Some(60_000)).of(&whole, 500).expect("a segment");
    assert_eq!((times.from, times.complete, times.until), (wall(10_000), wall(10_000), None));
    let presentation = presentation(whole, timing(Some(60_000)));
    assert_eq!(availability(Some(60_000)).timeline_sample(&presentation, [at(0), at(0)]), None, "it tells no time");
}

#[test]
fn d027_leap_seconds_since_the_start_move_everything_earlier_and_the_next_one_when_it_comes() {
    let timing = DashTiming { leap_second_offset: Some(1), next_leap: Some((wall(100_000), 2)), ..timing(None) };
    let from = |now| Availability::new(&timing, wall(now)).expect("a start").of(&open(), 1).expect("a segment").from;
    assert_eq!((from(0), from(99_999), from(100_000)), (wall(1000), wall(1000), wall(0)));
}

#[test]
fn d037_nothing_can_be_had_after_the_end_of_availability() {
    let timing = DashTiming { availability_end: Some(wall(11_000)), ..timing(Some(60_000)) };
    let availability = Availability::new(&timing, wall(0)).expect("a start");
    assert_eq!(availability.of(&open(), 5).expect("in time").until, Some(wall(11_000)));
    assert_eq!(availability.of(&open(), 6), None, "it would have come too late");
    assert_eq!(availability.last(&open(), wall(10_999)), Some(5));
    assert_eq!(availability.last(&open(), wall(999_000)), Some(5));
    assert_eq!((availability.first(&open(), wall(10_999)), availability.first(&open(), wall(11_000))), (Some(1), None));
    assert_eq!(availability.produced(wall(99_000)), ms(11_000));
}

#[test]
fn d031_the_first_and_the_last_of_an_open_template_at_a_moment() {
    let availability = availability(Some(60_000));
    let edges = |now| (availability.first(&open(), wall(now)), availability.last(&open(), wall(now)));
    assert_eq!(edges(-5000), (Some(1), None), "before it begins");
    assert_eq!(edges(1999), (Some(1), None));
    assert_eq!(edges(2000), (Some(1), Some(1)));
    assert_eq!(edges(99_999), (Some(19), Some(49)));
    assert_eq!(edges(100_000), (Some(20), Some(50)));
    // A day on, and ten years on: without counting.
    assert_eq!(edges(86_400_000), (Some(43_170), Some(43_200)));
    assert_eq!(edges(315_360_000_000), (Some(157_679_970), Some(157_680_000)));
}

#[test]
fn d031_the_edges_of_any_timeline_are_those_of_a_search_through_all_of_it() {
    let mut rng = Rng::new(5);
    for round in 0..400 {
        let timescale = [1, 1000, 30_000, 44_100, 90_000, 10_000_000][rng.below(6) as usize];
        let mut table = SegmentTable::new(scale(timescale), rng.below(100));
        let mut tick = rng.below(1000) as i64;
        for _ in 0..1 + rng.below(12) {
            let (count, ticks) = (1 + rng.below(5), 1 + rng.below(4 * u64::from(timescale)));
            // Sometimes a hole.
            tick += if rng.below(4) == 0 { rng.below(3 * u64::from(timescale)) as i64 } else { 0 };
            table.push(Some(tick), ticks, count).expect("pushed");
            tick += (ticks * count) as i64;
        }
        let mut index = index(table);
        index.presentation_offset = rng.below(500) as i64;
        index.origin = ms(rng.below(5000) as i64);
        index.availability_offset = [Some(MediaTime::ZERO), Some(ms(700)), Some(ms(-200))][rng.below(3) as usize];
        let depth = [None, Some(0), Some(3000), Some(20_000)][rng.below(4) as usize];
        let availability = availability(depth);
        // In whole numbers of nothing but ticks and microseconds: timescale · µs.
        let exact = |span: crate::segments::Span, more: i128| {
            let behind = i128::from(span.end()) - i128::from(index.presentation_offset);
            behind * 1_000_000 + (i128::from(index.origin.as_micros()) + more) * i128::from(timescale)
        };
        for _ in 0..40 {
            let now = rng.below(60_000) as i64 - 2000;
            let moment = i128::from(now) * 1000 * i128::from(timescale);
            let lead = i128::from(index.availability_offset.unwrap_or_default().as_micros());
            let last = index.table.iter().filter(|span| exact(*span, -lead) <= moment).map(|span| span.number).max();
            assert_eq!(availability.last(&index, wall(now)), last, "round {round}, {now} ms");
            let kept = |span: &crate::segments::Span| {
                let length = i128::from(span.duration) * 1_000_000;
                depth.is_none_or(|depth| exact(*span, i128::from(depth) * 1000) + length > moment)
            };
            // Where lengths differ, a long one may outlast those behind it: those at the tail are meant.
            let gone = index.table.iter().filter(|span| !kept(span)).map(|span| span.number).max();
            let first = gone.map_or(index.table.first_number(), |gone| gone + 1);
            let found = availability.first(&index, wall(now));
            let is_kept = |number| index.table.get(number).is_some_and(|span| kept(&span));
            match found {
                Some(found) => assert!(is_kept(found) && found <= first, "round {round}, {now} ms"),
                None => assert_eq!(first, index.table.end_number(), "round {round}, {now} ms"),
            }
        }
    }
}

#[test]
fn d032_d035_the_window_reaches_from_the_depth_to_the_delay() {
    let presentation = presentation(open(), timing(Some(60_000)));
    let availability = availability(Some(60_000));
    let window = availability.window(&presentation, wall(100_000), ms(6000));
    let expected =
        LiveWindow { start: ms(40_000), live: ms(94_000), edge: ms(100_000), delay: ms(6000), delay_cut: false };
    assert_eq!(window, expected);
    // Shortly after the start there is less.
    let window = availability.window(&presentation, wall(4000), ms(6000));
    assert_eq!((window.start, window.live, window.edge), (ms(0), ms(0), ms(4000)));
    // D033: a seek into what is not there leads to the nearest that is.
    let window = availability.window(&presentation, wall(100_000), ms(6000));
    assert_eq!([10, 50, 99].map(|s| window.clamp(MediaTime::from_secs(s))), [ms(40_000), ms(50_000), ms(94_000)]);
    assert!(!window.contains(ms(39_999)) && window.contains(ms(40_000)) && !window.contains(ms(94_001)));
}

#[test]
fn d035_a_delay_longer_than_the_window_is_cut_to_it_and_told() {
    let presentation = presentation(open(), timing(Some(10_000)));
    let window = availability(Some(10_000)).window(&presentation, wall(100_000), ms(30_000));
    assert_eq!((window.start, window.live, window.delay, window.delay_cut), (ms(90_000), ms(90_000), ms(10_000), true));
}

#[test]
fn d032_a_window_without_a_depth_begins_at_the_first_period_and_ends_with_the_last() {
    let mut presentation = presentation(open(), timing(None));
    presentation.periods[0].start = ms(5000);
    presentation.periods[0].duration = Some(ms(20_000));
    let window = availability(None).window(&presentation, wall(100_000), ms(6000));
    assert_eq!((window.start, window.live, window.edge), (ms(5000), ms(25_000), ms(25_000)));
}

#[test]
fn d034_the_delay_is_the_one_suggested_and_else_follows_from_the_segments() {
    let suggested = DashTiming { suggested_presentation_delay: Some(ms(8000)), ..timing(None) };
    let with = presentation(open(), suggested);
    assert_eq!(presentation_delay(&with, None), Delay { delay: ms(8000), reason: DelayReason::Suggested });
    assert_eq!(presentation_delay(&with, Some(ms(3000))), Delay { delay: ms(3000), reason: DelayReason::Wanted });
    let without = presentation(open(), timing(None));
    assert_eq!(presentation_delay(&without, None), Delay { delay: ms(6000), reason: DelayReason::Segments });
    // Chunks are there sooner: 3 · (2 s - 1 s); but no less than a segment.
    let chunked = |lead| {
        let mut index = open();
        index.availability_offset = Some(ms(lead));
        presentation_delay(&presentation(index, timing(None)), None).delay
    };
    assert_eq!((chunked(1000), chunked(1900), chunked(5000)), (ms(3000), ms(2000), ms(2000)));
}

#[test]
fn d036_the_minimum_buffer_time_is_no_delay() {
    let mut presentation = presentation(open(), timing(None));
    presentation.min_buffer_time = Some(ms(60_000));
    assert_eq!(presentation_delay(&presentation, None).delay, ms(6000));
    presentation.periods[0].tracks.clear();
    assert_eq!(presentation_delay(&presentation, None).reason, DelayReason::Unknown);
    presentation.target_duration = Some(ms(4000));
    assert_eq!(presentation_delay(&presentation, None).delay, ms(12_000));
}

#[test]
fn d106_what_is_listed_says_the_time() {
    let presentation = presentation(listed(20, 51), timing(Some(60_000)));
    let availability = availability(Some(60_000));
    // The last one, number 50, ended at 100 s; the next will at 102 s. The answer took 80 ms.
    let sample = availability.timeline_sample(&presentation, [at(1000), at(1080)]).expect("listed");
    let expected =
        ClockSample { source: ClockSource::Timeline, at: at(1080), earliest: wall(100_000), latest: wall(102_080) };
    assert_eq!(sample, expected);
    let open = self::presentation(open(), timing(Some(60_000)));
    assert_eq!(availability.timeline_sample(&open, [at(0), at(0)]), None, "nothing is listed");
}

#[test]
fn d106_a_clock_by_which_nothing_listed_is_there_is_wrong() {
    let presentation = presentation(listed(20, 51), timing(Some(60_000)));
    let availability = availability(Some(60_000));
    let reading = |ms| WallReading { earliest: wall(ms), latest: wall(ms + 10) };
    // The first came at 40 s, the last leaves at 162 s.
    for (now, wrong) in [(39_980, true), (39_991, false), (100_500, false), (161_999, false), (162_000, true)] {
        assert_eq!(availability.is_contradicted(&presentation, reading(now)), wrong, "{now}");
    }
    assert!(availability.lists_ahead(&presentation, reading(99_980)));
    assert!(!availability.lists_ahead(&presentation, reading(99_990)));
    let open = self::presentation(open(), timing(Some(60_000)));
    assert!(!availability.is_contradicted(&open, reading(-999_999)));
}

#[test]
fn absurd_times_saturate() {
    let mut table = SegmentTable::new(Timescale::SECONDS, u64::MAX - 5);
    table.push(Some(i64::MAX - 100), 7, 3).expect("pushed");
    let mut index = index(table);
    index.origin = MediaTime::MAX;
    index.availability_offset = Some(MediaTime::MIN);
    for start in [i64::MIN, 0, i64::MAX] {
        let timing = DashTiming {
            availability_start: Some(WallTime::from_micros(start)),
            availability_end: Some(WallTime::from_micros(start.saturating_neg())),
            time_shift_buffer_depth: Some(MediaTime::MAX),
            leap_second_offset: Some(i64::MIN),
            ..DashTiming::default()
        };
        for now in [i64::MIN, 0, i64::MAX].map(WallTime::from_micros) {
            let availability = Availability::new(&timing, now).expect("a start");
            let _ = (availability.first(&index, now), availability.last(&index, now));
            let presentation = presentation(index.clone(), timing.clone());
            let _ = availability.window(&presentation, now, MediaTime::MAX);
            let _ = availability.timeline_sample(&presentation, [at(0), at(9)]);
        }
    }
}
