//! Media metadata tags: rfc8216bis 4.4.5 (H068–H078, H128, HX03).

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;
use telecine_manifest::hls::Mode;
use telecine_model::datetime::parse_date_time;
use telecine_model::events::DateRange;
use telecine_model::{ErrorCode, MediaTime};

const DATED: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T00:00:00Z\n#EXTINF:4,\na.ts";

/// The ranges of these tags, and the rules of the warnings. Nothing about date ranges is fatal.
fn ranges(tags: &[&str]) -> (Vec<DateRange>, Vec<String>) {
    let tags: String = tags.iter().map(|tag| format!("#EXT-X-DATERANGE:{tag}\n")).collect();
    let playlist = read(around(&format!("{tags}{DATED}")), Mode::Strict).expect("not fatal");
    let rules = rules(&playlist);
    (as_media(playlist).info.date_ranges, rules)
}

fn ignored(tags: &[&str], rule: &str) {
    let (ranges, rules) = ranges(tags);
    assert_eq!((ranges.len(), rules), (tags.len() - 1, vec![rule.to_owned()]), "{tags:?}");
}

const A: &str = "ID=\"a\",START-DATE=\"2026-05-01T00:00:10Z\"";

#[test]
fn h068_tags_of_one_id_are_one_range() {
    let (ranges, rules) =
        ranges(&[&format!("{A},PLANNED-DURATION=30,X-ONE=\"1\""), "ID=\"a\",DURATION=29.5,X-TWO=0x0A,CLASS=\"c\""]);
    assert_eq!(rules, Vec::<String>::new());
    let [range] = ranges.as_slice() else { panic!("one range: {ranges:?}") };
    assert_eq!(range.start, parse_date_time("2026-05-01T00:00:10Z").expect("valid"));
    assert_eq!(range.end, parse_date_time("2026-05-01T00:00:39.5Z"));
    assert_eq!(range.planned_duration, Some(MediaTime::from_secs(30)));
    assert_eq!(range.class.as_deref(), Some("c"));
    assert_eq!((range.client["X-ONE"].as_str(), range.client["X-TWO"].as_str()), ("1", "0x0A"));
}

#[test]
fn h068_a_range_needs_an_id_and_once_a_start() {
    ignored(&["START-DATE=\"2026-05-01T00:00:10Z\""], "H068");
    ignored(&["ID=\"a\",DURATION=1"], "H068");
}

#[test]
fn h068_a_repeated_attribute_says_the_same_or_the_tag_is_ignored() {
    let (ranges, rules) = ranges(&[
        &format!("{A},DURATION=5"),
        "ID=\"a\",DURATION=6,X-NEW=1",
        "ID=\"a\",START-DATE=\"2026-05-01T00:00:11Z\"",
        "ID=\"a\",DURATION=5,X-GOOD=1",
    ]);
    assert_eq!(rules, ["H068", "H068"]);
    assert_eq!(ranges[0].duration, Some(MediaTime::from_secs(5)));
    assert_eq!(ranges[0].client.keys().collect::<Vec<_>>(), ["X-GOOD"]);
}

#[test]
fn h069_ends_follow_starts() {
    ignored(&[&format!("{A},END-DATE=\"2026-05-01T00:00:09Z\"")], "H069");
    ignored(&[&format!("{A},DURATION=-1")], "H069");
    ignored(&[&format!("{A},PLANNED-DURATION=-1")], "H069");
    ignored(&[&format!("{A},DURATION=5,END-DATE=\"2026-05-01T00:00:16Z\"")], "H069");
    let (ranges, rules) = ranges(&[&format!("{A},DURATION=5,END-DATE=\"2026-05-01T00:00:15Z\"")]);
    assert!(rules.is_empty() && ranges.len() == 1);
}

#[test]
fn h070_a_range_may_end_on_the_next_of_its_class() {
    let (ranges, rules) = ranges(&[
        &format!("{A},CLASS=\"c\",END-ON-NEXT=YES"),
        "ID=\"other\",CLASS=\"d\",START-DATE=\"2026-05-01T00:00:12Z\"",
        "ID=\"next\",CLASS=\"c\",START-DATE=\"2026-05-01T00:00:20Z\",END-ON-NEXT=YES",
    ]);
    assert_eq!(rules, Vec::<String>::new());
    assert_eq!(ranges[0].end, parse_date_time("2026-05-01T00:00:20Z"));
    assert_eq!(ranges[2].end, None);
    ignored(&[&format!("{A},END-ON-NEXT=YES")], "H070");
    ignored(&[&format!("{A},CLASS=\"c\",END-ON-NEXT=YES,DURATION=1")], "H070");
    ignored(&[&format!("{A},CLASS=\"c\",END-ON-NEXT=YES,END-DATE=\"2026-05-01T00:00:30Z\"")], "H070");
}

#[test]
fn h071_cues_are_pre_post_and_once() {
    let (ranges, _) = ranges(&[&format!("{A},CUE=\"PRE,ONCE\"")]);
    assert_eq!(ranges[0].cue, ["PRE", "ONCE"]);
    ignored(&[&format!("{A},CUE=\"PRE,POST\"")], "H071");
}

#[test]
fn h072_an_illegal_range_is_ignored_and_a_range_implies_a_date() {
    ignored(&["ID=\"a\",START-DATE=\"tomorrow\""], "H072");
    let playlist = read(around(&format!("#EXT-X-DATERANGE:{A}\n#EXTINF:4,\na.ts")), Mode::Strict).expect("readable");
    assert_eq!(rules(&playlist), ["H072"]);
}

#[test]
fn h073_scte_35_commands_are_handed_on_as_written() {
    let (ranges, _) = ranges(&[&format!("{A},SCTE35-OUT=0xFC30"), "ID=\"a\",SCTE35-IN=0xFC31,DURATION=3"]);
    assert_eq!(ranges[0].scte35["SCTE35-OUT"], "0xFC30");
    assert_eq!(ranges[0].scte35["SCTE35-IN"], "0xFC31");
    assert_eq!(ranges[0].end, parse_date_time("2026-05-01T00:00:13Z"));
}

#[test]
fn hx03_dates_without_a_zone_are_utc_and_a_planned_duration_ends_nothing() {
    let (ranges, _) = ranges(&["ID=\"a\",START-DATE=\"2026-05-01T00:00:10\",PLANNED-DURATION=9"]);
    assert_eq!(Some(ranges[0].start), parse_date_time("2026-05-01T00:00:10Z"));
    assert_eq!((ranges[0].end, ranges[0].duration), (None, None));
}

#[test]
fn interstitial_attributes_are_kept_for_the_application() {
    let (ranges, _) = ranges(&[&format!(
        "{A},CLASS=\"com.apple.hls.interstitial\",X-ASSET-URI=\"https://ads.example/a.m3u8?x=1,2\",X-RESUME-OFFSET=0,X-RESTRICT=\"SKIP,JUMP\""
    )]);
    assert_eq!(ranges[0].client["X-ASSET-URI"], "https://ads.example/a.m3u8?x=1,2");
    assert_eq!(ranges[0].client["X-RESUME-OFFSET"], "0");
    assert_eq!(ranges[0].client["X-RESTRICT"], "SKIP,JUMP");
}

#[test]
fn h074_a_skip_stands_for_the_oldest_segments() {
    let playlist = clean_media(&live(
        "#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=7,RECENTLY-REMOVED-DATERANGES=\"a\tb c\"\n#EXTINF:4,\n107.ts",
    ));
    let skip = playlist.info.skip.as_ref().expect("a delta");
    assert_eq!((skip.segments, skip.date_ranges), (7, true));
    assert_eq!(skip.removed_date_ranges, ["a", "b c"]);
    assert_eq!(playlist.index.table.first_number(), 107);
    assert_eq!(playlist.index.get(107).expect("listed").discontinuity, 3);
}

#[test]
fn h074_a_skip_says_how_many_and_stands_once_in_front() {
    refused(live("#EXT-X-SKIP:X=1\n#EXTINF:4,\na"), "H074", ErrorCode::ManifestMissing);
    refused(live("#EXTINF:4,\na\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1"), "H074", ErrorCode::ManifestContradiction);
    let twice = live("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n#EXTINF:4,\na");
    let playlist = as_media(tolerated(&twice, "H074", ErrorCode::ManifestContradiction));
    assert_eq!(playlist.index.table.first_number(), 3);
    let empty = clean_media(&live("#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"\"\n#EXTINF:4,\na"));
    assert!(empty.info.skip.is_some_and(|skip| skip.date_ranges && skip.removed_date_ranges.is_empty()));
}

#[test]
fn h075_a_hint_has_a_start_and_maybe_a_length() {
    let playlist = clean_media(&live(
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"m\",BYTERANGE-START=10,BYTERANGE-LENGTH=600",
    ));
    let hints: Vec<_> = playlist
        .info
        .preload_hints
        .iter()
        .map(|hint| (hint.kind.as_str(), hint.uri.as_str(), hint.start, hint.length))
        .collect();
    assert_eq!(hints, [("PART", "p", 0, None), ("MAP", "m", 10, Some(600))]);
    tolerated(&live("#EXT-X-PRELOAD-HINT:URI=\"p\""), "H075", ErrorCode::ManifestMissing);
    tolerated(&live("#EXT-X-PRELOAD-HINT:TYPE=PART"), "H075", ErrorCode::ManifestMissing);
}

#[test]
fn h077_an_ended_playlist_has_no_hints() {
    let text = around("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"");
    let playlist = as_media(tolerated(&text, "H077", ErrorCode::ManifestContradiction));
    assert!(playlist.info.preload_hints.is_empty());
}

#[test]
fn h128_unknown_hints_and_all_but_the_first_of_a_type_are_ignored() {
    let text = live(
        "#EXT-X-PRELOAD-HINT:TYPE=SMELL,URI=\"s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q\"",
    );
    let playlist = read(text, Mode::Strict).expect("readable");
    assert_eq!(rules(&playlist), ["H105", "H128"]);
    let hints = as_media(playlist).info.preload_hints;
    assert_eq!((hints.len(), hints[0].uri.as_str()), (1, "p"));
}

#[test]
fn h078_what_a_rendition_report_leaves_out_is_as_in_this_playlist() {
    let playlist = clean_media(&live(
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3\n#EXT-X-MEDIA-SEQUENCE:10\n#EXTINF:4,\na\n\
         #EXT-X-PART:DURATION=1,URI=\"11.0\"\n#EXT-X-PART:DURATION=1,URI=\"11.1\"\n\
         #EXT-X-RENDITION-REPORT:URI=\"../b.m3u8\",LAST-MSN=12,LAST-PART=0\n#EXT-X-RENDITION-REPORT:URI=\"c.m3u8\"",
    ));
    let reports: Vec<_> = playlist
        .info
        .rendition_reports
        .iter()
        .map(|report| (report.uri.as_str(), report.last_msn, report.last_part))
        .collect();
    assert_eq!(reports, [("../b.m3u8", Some(12), Some(0)), ("c.m3u8", Some(11), Some(1))]);
    tolerated(&live("#EXT-X-RENDITION-REPORT:LAST-MSN=1"), "H078", ErrorCode::ManifestMissing);
}
