//! A live presentation read anew (D042–D049).

use crate::support::*;

use telecine_manifest::dash::{refresh, BreakKind, Changes, Refresh};
use telecine_model::{ErrorCode, Presentation};

/// A live MPD with one set: the template's attributes, the entries of the timeline.
fn live(publish: &str, template: &str, entries: &str) -> Presentation {
    live_with(publish, &period("p", template, entries))
}

fn live_with(publish: &str, periods: &str) -> Presentation {
    read(&mpd(
        &format!(
            "type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z' minimumUpdatePeriod='PT2S' publishTime='2026-01-01T00:00:{publish}Z'"
        ),
        periods,
    ))
}

fn period(id: &str, template: &str, entries: &str) -> String {
    format!(
        "<Period id='{id}' start='PT{}S'><AdaptationSet id='1' mimeType='video/mp4'><SegmentTemplate {template}>\
         <SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate><Representation id='v' bandwidth='1'/></AdaptationSet></Period>",
        if id == "p" { 0 } else { 100 }
    )
}

fn changes(outcome: Refresh) -> Changes {
    match outcome {
        Refresh::Merged(changes) => changes,
        other => panic!("{other:?}"),
    }
}

const TIME: &str = "media='$Time$'";

#[test]
fn d042_segments_addressed_by_time_keep_their_numbers_when_the_window_slides() {
    let mut known = live("00", TIME, "<S t='10' d='2' r='4'/>");
    let newer = live("02", TIME, "<S t='14' d='2' r='4'/><S d='3'/>");
    let found = changes(refresh(&mut known, newer).expect("merged"));
    assert_eq!((found.new_segments, found.breaks.len(), found.ended), (3, 0, false));
    let table = &index(&known).table;
    // 10 was number 1, so 14 is number 3.
    assert_eq!((table.first_number(), table.start(), table.end()), (3, Some(14), Some(27)));
    assert_eq!(index(&known).get(8).expect("last").uri, "https://cdn.example/title/24");
}

#[test]
fn d042_segments_addressed_by_number_have_the_numbers_of_the_mpd() {
    let mut known = live("00", "media='$Number$' startNumber='5'", "<S t='10' d='2' r='4'/>");
    let newer = live("02", "media='$Number$' startNumber='7'", "<S t='14' d='2' r='4'/>");
    let found = changes(refresh(&mut known, newer).expect("merged"));
    assert_eq!((found.new_segments, found.breaks), (2, vec![]));
    assert_eq!(index(&known).get(11).expect("last").start, ms(22_000));
    // An origin that starts to count anew.
    let restarted = live("04", "media='$Number$' startNumber='1'", "<S t='14' d='2' r='5'/>");
    let found = changes(refresh(&mut known, restarted).expect("merged"));
    assert_eq!((found.new_segments, found.breaks[0].kind), (1, BreakKind::Rewritten));
    assert_eq!((found.breaks[0].period.as_str(), found.breaks[0].rendition.as_str()), ("p", "v"));
}

#[test]
fn d042_the_start_of_everything_must_not_move() {
    let mut known = live("00", TIME, "<S t='0' d='2'/>");
    let before = known.clone();
    let mut moved = live("02", TIME, "<S t='0' d='2' r='1'/>");
    if let Some(timing) = &mut moved.dash {
        timing.availability_start = None;
    }
    let error = refresh(&mut known, moved).expect_err("moved");
    assert_eq!(error.code(), ErrorCode::ManifestRewound);
    assert_eq!(known, before);
}

#[test]
fn d044_d045_periods_are_appended_and_fall_out_of_the_window() {
    let mut known = live("00", TIME, "<S t='0' d='50' r='1'/>");
    let newer = live_with("02", &(period("p", TIME, "<S t='50' d='50'/>") + &period("q", TIME, "<S t='0' d='2'/>")));
    let found = changes(refresh(&mut known, newer).expect("merged"));
    assert_eq!((found.new_periods, found.removed_periods), (vec!["q".to_owned()], vec![]));
    assert_eq!(known.periods[0].duration, Some(ms(100_000)), "the end is known now");
    let later = live_with("04", &period("q", TIME, "<S t='0' d='2' r='3'/>"));
    let found = changes(refresh(&mut known, later).expect("merged"));
    assert_eq!((found.new_periods, found.removed_periods), (vec![], vec!["p".to_owned()]));
    assert_eq!(found.new_segments, 3);
}

#[test]
fn d046_d047_the_end_of_live_is_noticed_and_nothing_known_is_lost() {
    let mut known = live("00", TIME, "<S t='10' d='2' r='4'/>");
    let ended =
        read(&mpd("type='static' mediaPresentationDuration='PT22S'", &period("p", TIME, "<S t='10' d='2' r='5'/>")));
    let found = changes(refresh(&mut known, ended).expect("merged"));
    assert!(found.ended && !known.live);
    assert_eq!(index(&known).table.len(), 6);
    let mut known = live("00", TIME, "<S t='10' d='2'/>");
    let mut still = live("02", TIME, "<S t='10' d='2'/>");
    if let Some(timing) = &mut still.dash {
        timing.minimum_update_period = None;
    }
    assert!(changes(refresh(&mut known, still).expect("merged")).ended);
}

#[test]
fn d049_an_older_mpd_changes_nothing() {
    let mut known = live("04", TIME, "<S t='10' d='2' r='4'/>");
    let before = known.clone();
    let outcome = refresh(&mut known, live("02", TIME, "<S t='8' d='2' r='4'/>")).expect("older");
    assert_eq!((outcome, known == before), (Refresh::Older, true));
}

#[test]
fn d005_a_timeline_that_was_cut_short_keeps_the_numbers_of_what_is_left() {
    let mut known = live("00", TIME, "<S t='10' d='2' r='9'/>");
    let found = changes(refresh(&mut known, live("02", TIME, "<S t='14' d='2' r='2'/>")).expect("merged"));
    assert_eq!(found.breaks[0].kind, BreakKind::Shortened);
    let table = &index(&known).table;
    assert_eq!((table.first_number(), table.end_number(), table.end()), (3, 6, Some(20)));
}

#[test]
fn d031_a_hole_between_two_versions_is_told() {
    let mut known = live("00", TIME, "<S t='10' d='2'/>");
    let found = changes(refresh(&mut known, live("02", TIME, "<S t='20' d='2' r='1'/>")).expect("merged"));
    assert_eq!((found.breaks[0].kind, found.new_segments), (BreakKind::Gap(8), 2));
    let table = &index(&known).table;
    assert_eq!((table.first_number(), table.start()), (2, Some(20)), "numbers go on");
}

#[test]
fn d042_a_new_timescale_is_a_new_timeline() {
    let mut known = live("00", TIME, "<S t='10' d='2'/>");
    let newer = live("02", "media='$Time$' timescale='10'", "<S t='100' d='20'/>");
    assert_eq!(changes(refresh(&mut known, newer).expect("merged")).breaks[0].kind, BreakKind::Rewritten);
    assert_eq!(index(&known).table.timescale().get(), 10);
}

#[test]
fn d043_refreshing_with_the_same_text_changes_nothing() {
    let mut known = live("00", TIME, "<S t='10' d='2' r='4'/>");
    let before = known.clone();
    let found = changes(refresh(&mut known, before.clone()).expect("merged"));
    assert_eq!((found, known == before), (Changes::default(), true));
}

#[test]
fn many_refreshes_cost_what_they_bring() {
    let mut known = live("00", TIME, "<S t='0' d='2' r='29'/>");
    for round in 1..200 {
        let newer = live("00", TIME, &format!("<S t='{}' d='2' r='29'/>", round * 2));
        let found = changes(refresh(&mut known, newer).expect("merged"));
        assert_eq!((found.new_segments, found.breaks.len()), (1, 0));
    }
    let table = &index(&known).table;
    assert_eq!((table.len(), table.first_number(), table.runs()), (30, 200, 1));
}

/// Durations of a real sound track: none like the one before it, and back together every four.
const AUDIO: [u64; 4] = [95_232, 96_256, 96_000, 96_512];

fn audio_start(n: u64) -> u64 {
    n / 4 * AUDIO.iter().sum::<u64>() + AUDIO[..(n % 4) as usize].iter().sum::<u64>()
}

/// A window of 30 segments from the n-th on, in three representations of one set.
fn audio_window(n: u64) -> Presentation {
    use std::fmt::Write as _;
    let mut entries = String::new();
    for (nth, k) in (n..n + 30).enumerate() {
        let start = if nth == 0 { format!("t='{}' ", audio_start(k)) } else { String::new() };
        let _ = write!(entries, "<S {start}d='{}'/>", AUDIO[(k % 4) as usize]);
    }
    let representations: String = (1..=3).map(|r| format!("<Representation id='a{r}' bandwidth='{r}'/>")).collect();
    live_with(
        "00",
        &format!(
            "<Period id='p' start='PT0S'><AdaptationSet id='1' mimeType='audio/mp4'><SegmentTemplate media='$RepresentationID$/$Time$' \
             timescale='48000'><SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate>{representations}</AdaptationSet></Period>"
        ),
    )
}

#[test]
fn d042_a_day_of_refreshes_keeps_numbers_and_times_and_does_not_grow() {
    let mut known = audio_window(0);
    let bytes = |presentation: &Presentation| -> Vec<usize> {
        let renditions = &presentation.periods[0].tracks[0].renditions;
        renditions.iter().map(|rendition| rendition.segments.known().expect("known").heap_bytes()).collect()
    };
    let mut most = [0; 3];
    for n in 1..=43_200 {
        let found = changes(refresh(&mut known, audio_window(n)).expect("merged"));
        assert_eq!((found.new_segments, found.breaks.len(), found.places.len()), (3, 0, 0), "{n}");
        if n == 100 {
            most.copy_from_slice(&bytes(&known));
        }
        if n % 1000 == 0 || n == 43_200 {
            assert!(bytes(&known).iter().zip(&most).all(|(now, then)| now <= then), "{:?} after {n}", bytes(&known));
            for rendition in &known.periods[0].tracks[0].renditions {
                let index = rendition.segments.known().expect("known");
                // The first one ever was number 1: each still has the number that it had.
                assert_eq!((index.table.first_number(), index.table.len()), (n + 1, 30));
                let last = index.get(n + 30).expect("the last");
                assert_eq!(last.ticks, audio_start(n + 29) as i64);
                assert!(last.uri.ends_with(&format!("{}/{}", rendition.id, audio_start(n + 29))), "{}", last.uri);
            }
        }
    }
    // Three renditions of one timeline hold it once.
    let [a, b, c] = [0, 1, 2].map(|r| &known.periods[0].tracks[0].renditions[r].segments.known().expect("known").table);
    assert!(a.shares_with(b) && b.shares_with(c));
}

/// A period with two sets of two representations each, written in some order.
fn two_by_two(sets: &[&str], representations: &[&str], entries: &str) -> String {
    let representations: String =
        representations.iter().map(|id| format!("<Representation id='{id}' bandwidth='1'/>")).collect();
    let sets: String = sets
        .iter()
        .map(|id| {
            format!(
                "<AdaptationSet id='{id}' mimeType='video/mp4'><SegmentTemplate media='$Time$'><SegmentTimeline>{entries}\
                 </SegmentTimeline></SegmentTemplate>{representations}</AdaptationSet>"
            )
        })
        .collect();
    format!("<Period id='p' start='PT0S'>{sets}</Period>")
}

fn names(presentation: &Presentation) -> Vec<(String, Vec<String>)> {
    let renditions = |track: &telecine_model::Track| track.renditions.iter().map(|r| r.id.clone()).collect();
    presentation.periods[0].tracks.iter().map(|track| (track.id.clone(), renditions(track))).collect()
}

#[test]
fn d042_sets_and_representations_are_told_by_their_ids_and_keep_their_places() {
    let mut known = live_with("00", &two_by_two(&["1", "2"], &["a", "b"], "<S t='10' d='2' r='4'/>"));
    let before = names(&known);
    let newer = live_with("02", &two_by_two(&["2", "3", "1"], &["b", "c", "a"], "<S t='14' d='2' r='4'/>"));
    let found = changes(refresh(&mut known, newer).expect("merged"));
    assert_eq!((found.breaks, found.new_segments), (vec![], 8));
    let after = names(&known);
    assert_eq!(after.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!((&after[0].1[..2], after[0].1[2].as_str()), (&before[0].1[..], "c"));
    let table = &known.periods[0].tracks[1].renditions[1].segments.known().expect("known").table;
    assert_eq!((table.first_number(), table.start()), (3, Some(14)));
}

#[test]
fn d042_what_is_withdrawn_within_a_period_stays_as_it_was_and_is_told() {
    let mut known = live_with("00", &two_by_two(&["1", "2"], &["a", "b"], "<S t='10' d='2' r='4'/>"));
    let newer = live_with("02", &two_by_two(&["2"], &["b"], "<S t='14' d='2' r='4'/>"));
    let found = changes(refresh(&mut known, newer).expect("merged"));
    let told: Vec<_> = found.breaks.iter().map(|b| (b.track.as_str(), b.rendition.as_str(), b.kind)).collect();
    let gone = BreakKind::Withdrawn;
    assert_eq!(told, [("1", "a", gone), ("1", "b", gone), ("2", "a", gone)]);
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(names(&known), [("1".to_owned(), both.clone()), ("2".to_owned(), both)]);
}

#[test]
fn d045_where_periods_are_now_is_told_when_earlier_ones_are_gone() {
    let all = |ids: &[&str]| -> String {
        let start = |id: &str| id.trim_start_matches('p').parse::<u32>().expect("a number") * 10;
        let period = |id: &&str| {
            let inner = two_by_two(&["1"], &["a"], "<S t='0' d='2' r='4'/>");
            inner.replace("id='p' start='PT0S'", &format!("id='{id}' start='PT{}S'", start(id)))
        };
        ids.iter().map(period).collect()
    };
    let mut known = live_with("00", &all(&["p1", "p2", "p3"]));
    let found = changes(refresh(&mut known, live_with("02", &all(&["p1", "p2", "p3", "p4"]))).expect("merged"));
    assert_eq!((found.places, found.new_periods), (vec![], vec!["p4".to_owned()]));
    let found = changes(refresh(&mut known, live_with("04", &all(&["p3", "p4", "p5"]))).expect("merged"));
    assert_eq!(found.places, [None, None, Some(0), Some(1)]);
    assert_eq!(found.removed_periods, ["p1", "p2"]);
}

#[test]
fn d004_periods_without_an_id_are_told_by_their_start() {
    let unnamed = |starts: &[u32]| -> String {
        let inner = two_by_two(&["1"], &["a"], "<S t='0' d='2' r='4'/>");
        starts.iter().map(|s| inner.replace("id='p' start='PT0S'", &format!("start='PT{s}S'"))).collect()
    };
    let mut known = live_with("00", &unnamed(&[0, 10, 20]));
    let found = changes(refresh(&mut known, live_with("02", &unnamed(&[10, 20, 30]))).expect("merged"));
    assert_eq!((found.places, found.new_periods.len()), (vec![None, Some(0), Some(1)], 1));
}

#[test]
fn d078_a_reset_forgets_what_was_known() {
    let reset = |value: &str| {
        format!(
            "<SupplementalProperty schemeIdUri='urn:mpeg:dash:reset:2016' value='{value}'/>{}",
            period("p", TIME, "<S t='0' d='2'/>")
        )
    };
    let known = live("00", TIME, "<S t='10' d='2' r='4'/>");
    let mut every = known.clone();
    // Even the start may be another one.
    let mut newer = live_with("02", &reset(""));
    if let Some(timing) = &mut newer.dash {
        timing.availability_start = None;
    }
    assert_eq!(refresh(&mut every, newer), Ok(Refresh::Reset));
    assert_eq!(index(&every).table.first_number(), 1);
    let mut named = known.clone();
    assert_eq!(
        refresh(&mut named, live_with("02", &reset("2025-12-31T00:00:00Z,2026-01-01T00:00:00Z"))),
        Ok(Refresh::Reset)
    );
    // It is about other versions; and what was said already is no news.
    let mut other = known;
    assert!(matches!(refresh(&mut other, live_with("02", &reset("2025-12-31T00:00:00Z"))), Ok(Refresh::Merged(_))));
    let mut said = live_with("02", &reset(""));
    assert!(matches!(refresh(&mut said, live_with("04", &reset(""))), Ok(Refresh::Merged(_))));
}
