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
