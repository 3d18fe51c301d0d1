//! Where periods lie in time (D001–D006, D101, D105).

use crate::support::*;

use telecine_model::{ErrorCode, Place};

/// Ids, starts and durations of the periods, in milliseconds.
fn periods(text: &str) -> Vec<(String, i64, Option<i64>)> {
    let found = read(text).periods;
    found.iter().map(|p| (p.id.clone(), p.start.as_millis(), p.duration.map(|d| d.as_millis()))).collect()
}

fn period(attributes: &str) -> String {
    format!("<Period {attributes}>{SET}</Period>")
}

#[test]
fn d001_the_sum_of_the_periods_counts_and_not_the_announced_duration() {
    let text = mpd(
        "mediaPresentationDuration=\"PT99S\"",
        &(period("id='a' duration='PT10S'") + &period("id='b' duration='PT20S'")),
    );
    let presentation = read(&text);
    assert_eq!(presentation.duration, Some(ms(30_000)));
    assert_eq!(warned(&presentation), ["D001"]);
}

#[test]
fn d002_a_period_of_no_duration_is_ignored() {
    let text = mpd(
        "",
        &(period("id='a' duration='PT4S'") + &period("id='z' duration='PT0S'") + &period("id='b' duration='PT6S'")),
    );
    assert_eq!(periods(&text), [("a".into(), 0, Some(4000)), ("b".into(), 4000, Some(6000))]);
    assert_eq!(warned(&read(&text)), ["D002"]);
}

#[test]
fn d003_the_last_static_period_ends_with_the_announced_duration() {
    let text =
        mpd("mediaPresentationDuration=\"PT1M\"", &(period("id='a' start='PT0S'") + &period("id='b' start='PT25S'")));
    assert_eq!(periods(&text), [("a".into(), 0, Some(25_000)), ("b".into(), 25_000, Some(35_000))]);
}

#[test]
fn d003_segments_without_a_count_in_a_period_without_an_end_are_not_playable() {
    let error = try_parse(&mpd("", &period(""))).expect_err("nothing to play");
    assert_eq!(error.code(), ErrorCode::NothingPlayable);
}

#[test]
fn d004_a_start_is_said_or_follows_from_the_period_before() {
    let text = mpd(
        "mediaPresentationDuration=\"PT50S\"",
        &(period("id='a' duration='PT10S'") + &period("id='b' duration='PT10S'") + &period("id='c' start='PT30S'")),
    );
    let found = periods(&text);
    assert_eq!(found[1], ("b".into(), 10_000, Some(10_000)), "a hole follows it");
    assert_eq!(found[2], ("c".into(), 30_000, Some(20_000)));
}

#[test]
fn d004_an_early_available_period_is_left_out_until_its_start_is_known() {
    let live = "type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z'";
    let text = mpd(live, &(period("id='a' start='PT0S'") + &period("id='soon'")));
    let presentation = read(&text);
    assert_eq!(presentation.periods.len(), 1);
    assert_eq!(presentation.warnings[0].rule, "D004");
    assert_eq!(presentation.warnings[0].place, Place::Path("MPD/Period[2]".into()));
}

#[test]
fn d004_a_period_without_an_id_is_named_after_its_start() {
    let text = mpd("", &(period("duration='PT10S'") + &period("duration='PT10S'")));
    let ids: Vec<String> = periods(&text).into_iter().map(|p| p.0).collect();
    assert_eq!(ids, ["at-0ms", "at-10000ms"]);
}

#[test]
fn d005_the_last_live_period_is_open_and_a_later_one_ends_it_early() {
    let live = "type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z'";
    let open = mpd(live, &period("id='a' start='PT0S'"));
    assert_eq!(periods(&open), [("a".into(), 0, None)]);
    assert!(index(&read(&open)).table.is_open());
    let ended = mpd(live, &(period("id='a' start='PT0S' duration='PT60S'") + &period("id='b' start='PT30S'")));
    assert_eq!(periods(&ended)[0], ("a".into(), 0, Some(30_000)));
    assert_eq!(index(&read(&ended)).table.len(), 15);
}

#[test]
fn d006_each_period_counts_its_segments_from_its_own_start() {
    let text = mpd("", &(period("duration='PT10S'") + &period("duration='PT4S'")));
    let presentation = read(&text);
    let second = presentation.periods[1].tracks[0].renditions[0].segments.known().expect("known");
    assert_eq!(second.get(1).expect("first").start, ms(10_000));
    assert_eq!(second.table.len(), 2);
}

#[test]
fn d101_durations_have_units_of_fixed_size() {
    let of = |text: &str| read(&mpd(&format!("mediaPresentationDuration=\"{text}\""), &period("duration='PT6S'")));
    assert_eq!(periods(&mpd("", &period("duration='P1DT1H1M1.5S'")))[0].2, Some(90_061_500));
    assert_eq!(warned(&of("P1Y")), ["D001"], "ignored with a warning");
    assert_eq!(warned(&of("P1M2DT1S")), ["D001"]);
}

#[test]
fn d105_a_timeline_that_passes_the_announced_duration_is_kept_whole() {
    let text = with_segments(
        "<SegmentTemplate media='$Time$' timescale='10'><SegmentTimeline><S d='70' r='2'/></SegmentTimeline></SegmentTemplate>",
    );
    let presentation = read(&text);
    assert_eq!(times(&presentation), [(0, 7000), (7000, 7000), (14_000, 7000)]);
    assert_eq!(presentation.duration, Some(ms(20_000)));
}

#[test]
fn an_mpd_without_a_period_says_what_is_missing() {
    let error = try_parse(&mpd("", "")).expect_err("no period");
    assert_eq!((error.code(), error.place()), (ErrorCode::ManifestMissing, Some(&Place::Path("MPD".into()))));
}
