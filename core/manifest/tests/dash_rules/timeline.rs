//! `SegmentTimeline` (D015, D018, D107).

use crate::support::*;

use telecine_manifest::dash::{parse, Context};
use telecine_model::{ErrorCode, Limits, Presentation};

fn timeline(entries: &str) -> String {
    with_segments(&format!(
        "<SegmentTemplate media='$Number$-$Time$' timescale='1000'><SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate>"
    ))
}

const LIVE: &str = "type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z'";

#[test]
fn d015_a_start_that_is_not_said_follows_the_segment_before() {
    let text = timeline("<S t='1000' d='2000'/><S d='3000'/><S t='9000' d='1000'/>");
    assert_eq!(times(&read(&text)), [(1000, 2000), (3000, 3000), (9000, 1000)]);
    assert_eq!(names(&read(&text)), ["1-1000", "2-3000", "3-9000"], "a hole takes no number");
    assert!(read(&text).warnings.is_empty());
}

#[test]
fn d015_r_counts_the_repetitions_after_the_first() {
    assert_eq!(times(&read(&timeline("<S d='1000' r='2'/>"))).len(), 3);
    assert_eq!(times(&read(&timeline("<S d='1000' r='0'/>"))).len(), 1);
}

#[test]
fn d015_minus_one_repeats_to_the_end_of_the_period() {
    // 20 s: 5 s, then 4 s each until 21 s.
    let found = times(&read(&timeline("<S d='5000'/><S d='4000' r='-1'/>")));
    assert_eq!(found, [(0, 5000), (5000, 4000), (9000, 4000), (13_000, 4000), (17_000, 4000)]);
}

#[test]
fn d015_minus_one_repeats_to_the_next_start() {
    let found = times(&read(&timeline("<S d='2000' r='-1'/><S t='6000' d='3000'/>")));
    assert_eq!(found, [(0, 2000), (2000, 2000), (4000, 2000), (6000, 3000)]);
}

#[test]
fn d015_minus_one_in_an_open_live_period_goes_on() {
    let text = mpd(
        LIVE,
        "<Period id='p' start='PT0S'><AdaptationSet mimeType='video/mp4'>\
         <SegmentTemplate media='$Number$'><SegmentTimeline><S t='4' d='2' r='-1'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='v' bandwidth='1'/></AdaptationSet></Period>",
    );
    let presentation = read(&text);
    let index = index(&presentation);
    assert!(index.table.is_open());
    assert_eq!(index.get(1_000_001).expect("far away").start, ms(2_000_004_000));
}

#[test]
fn d015_an_overlap_is_kept_and_reported_once() {
    let presentation = read(&timeline("<S t='0' d='4000'/><S t='3900' d='4000'/><S t='7800' d='4000'/>"));
    assert_eq!(times(&presentation), [(0, 4000), (3900, 4000), (7800, 4000)]);
    assert_eq!(warned(&presentation), ["D015"]);
    assert_eq!(
        presentation.warnings[0].place.to_string(),
        "MPD/Period[1]/AdaptationSet[1]/SegmentTemplate[1]/SegmentTimeline[1]"
    );
}

#[test]
fn d015_faulty_entries_are_reported_and_read_as_well_as_they_can_be() {
    let presentation = read(&timeline("<S t='0'/><S t='0' d='1000'/><S d='0' r='5'/><S t='500' d='1000'/><S d='x'/>"));
    // The empty segment keeps its number; the one that goes back behind it is left out.
    assert_eq!(times(&presentation)[0], (0, 1000));
    assert_eq!(times(&presentation).len(), 2);
    assert!(warned(&presentation).iter().all(|rule| *rule == "D015"));
}

#[test]
fn d015_however_an_entry_is_written_it_means_the_same() {
    let plain = times(&read(&timeline("<S t=\"1\" d=\"2000\" r=\"1\"/><S d=\"5000\"/>")));
    for other in [
        "<S t='1' d='2000' r='1'/>\n\t<S d='5000' />",
        "<S r='1'\n d='2000' t='1'></S><S d='5000'></S>",
        "<S t='&#49;' d='2000' r='1'/><!-- x --><S d = '5000'/>",
        "<S t='1' d='2000' r='1' x='y'/><?pi?><S d='+5000'/>",
        "<x/><S t='1' d='2000' r='1'/>text<S d='5000'><x/></S>",
    ] {
        assert_eq!(times(&read(&timeline(other))), plain, "{other}");
    }
}

#[test]
fn d016_the_number_of_the_first_entry_is_the_first_number() {
    assert_eq!(
        names(&read(&timeline("<S t='0' n='40' d='1000' r='1'/><S n='42' d='1000'/>"))),
        ["40-0", "41-1000", "42-2000"]
    );
    let odd = read(&timeline("<S n='40' d='1000'/><S n='50' d='1000'/>"));
    assert_eq!(warned(&odd), ["D015"]);
}

fn sequences(before: &str, media: &str, attributes: &str, entries: &str) -> Presentation {
    read(&with_segments(&format!(
        "{before}<SegmentTemplate media='{media}' timescale='1000' {attributes}>\
         <SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate>"
    )))
}

#[test]
fn d018_each_part_of_a_segment_sequence_is_a_segment() {
    let entries = "<S d='4000' k='4' r='1'/><S d='4000'/><S d='4000' k='2'/>";
    let presentation = sequences("", "$Number$_$SubNumber$", "startNumber='7'", entries);
    let expected = ["7_1", "7_2", "7_3", "7_4", "8_1", "8_2", "8_3", "8_4", "9_1", "10_1", "10_2"];
    assert_eq!(names(&presentation), expected);
    let times: Vec<_> = segments(&presentation).iter().map(|s| (s.number, s.start, s.duration)).collect();
    assert_eq!(times[5], (12, ms(5000), ms(1000)));
    assert_eq!(times[8..], [(15, ms(8000), ms(4000)), (16, ms(12_000), ms(2000)), (17, ms(14_000), ms(2000))]);
    assert!(index(&presentation).number_at(ms(6500)) == Some(13));
    // The time in a URL is that of the sequence.
    let timed = sequences("", "$Time$_$SubNumber$", "", "<S t='500' d='4000' k='2' r='1'/>");
    assert_eq!(names(&timed), ["500_1", "500_2", "4500_1", "4500_2"]);
}

#[test]
fn d018_sequences_of_the_sixth_edition_count_from_0() {
    for property in ["EssentialProperty", "SupplementalProperty"] {
        let property = format!("<{property} schemeIdUri='urn:mpeg:dash:ssr:2023'/>");
        let presentation = sequences(&property, "$Number$_$SubNumber$", "", "<S d='4000' k='2'/><S d='4000'/>");
        assert_eq!(names(&presentation), ["1_0", "1_1", "2_0"]);
    }
}

#[test]
fn d018_a_sequence_without_sub_numbers_in_its_urls_is_one_segment() {
    let presentation = sequences("", "$Number$", "", "<S d='4000' k='4' r='1'/>");
    assert_eq!(names(&presentation), ["1", "2"]);
}

#[test]
fn d018_sequences_end_where_their_numbers_or_the_period_do() {
    let numbered = sequences("", "$Number$_$SubNumber$", "endNumber='2'", "<S d='4000' k='3' r='4'/>");
    assert_eq!(names(&numbered), ["1_1", "1_2", "1_3", "2_1", "2_2", "2_3"]);
    let open = sequences("", "$Number$_$SubNumber$", "", "<S d='8000' k='1'/><S d='6000' k='2' r='-1'/>");
    assert_eq!(names(&open), ["1_1", "2_1", "2_2", "3_1", "3_2"]);
}

#[test]
fn d107_sequences_are_one_run_even_where_their_parts_do_not_come_out_even() {
    for parts in [4, 3] {
        let presentation =
            sequences("", "$Number$_$SubNumber$", "", &format!("<S t='0' d='8000' k='{parts}' r='9999'/>"));
        let table = &index(&presentation).table;
        assert_eq!((table.len(), table.runs(), table.end()), (10_000 * parts, 1, Some(80_000_000)));
    }
    let many = sequences("", "$Number$_$SubNumber$", "", "<S d='2' k='3'/>");
    assert_eq!((names(&many), warned(&many)), (vec!["1_1".to_owned()], vec!["D018"]));
    let mut limits = Limits::default();
    limits.segments = 100;
    let text = with_segments(
        "<SegmentTemplate media='$SubNumber$'><SegmentTimeline><S d='900' k='101'/></SegmentTimeline></SegmentTemplate>",
    );
    let refused = parse(text.as_bytes(), &Context { uri: URL, limits: &limits });
    assert_eq!(refused.map(|_| ()).map_err(|error| error.code()), Err(ErrorCode::ManifestLimit));
}

#[test]
fn d107_a_regular_timeline_costs_bytes_and_an_irregular_one_twelve_a_run() {
    let regular: String = (0..14_400).map(|i| format!("<S t=\"{}\" d=\"2000\"/>", i * 2000)).collect();
    let presentation = read(&timeline(&regular));
    assert_eq!(index(&presentation).table.len(), 14_400);
    assert_eq!(index(&presentation).table.heap_bytes(), 24);
    assert!(index(&presentation).heap_bytes() < 500);
    let irregular: String = (0..14_400).map(|i| format!("<S d=\"{}\"/>", 2000 + i % 2)).collect();
    let presentation = read(&timeline(&irregular));
    assert!(index(&presentation).heap_bytes() < 14_400 * 12 + 500);
}

#[test]
fn d107_repetitions_and_runs_are_bounded() {
    let limits = |segments, segment_runs| {
        let mut limits = Limits::default();
        limits.segments = segments;
        limits.segment_runs = segment_runs;
        limits
    };
    let of =
        |text: &str, limits: &Limits| parse(text.as_bytes(), &Context { uri: URL, limits }).map(|mpd| mpd.presentation);
    let code = |text: &str, limits: &Limits| of(text, limits).map_err(|error| error.code()).err();
    let few = limits(10, 3);
    assert_eq!(code(&timeline("<S d='1' r='9'/>"), &few), None);
    assert_eq!(code(&timeline("<S d='1' r='10'/>"), &few), Some(ErrorCode::ManifestLimit));
    assert_eq!(code(&timeline("<S d='1' r='9000000000000000000'/>"), &few), Some(ErrorCode::ManifestLimit));
    assert_eq!(code(&timeline("<S d='1'/><S d='2'/><S d='1'/><S d='2'/>"), &few), Some(ErrorCode::ManifestLimit));
    assert_eq!(code(&timeline("<S d='1' r='-1'/>"), &few), Some(ErrorCode::ManifestLimit), "20,000 of them");
    let many = Limits::default();
    for entry in [
        "<S d='9223372036854775807' r='1'/>",
        "<S t='9223372036854775807' d='9223372036854775807'/>",
        "<S t='18446744073709551615' d='1'/>",
        "<S t='9223372036854775000' d='1' r='900000'/>",
    ] {
        assert_eq!(code(&timeline(entry), &many), Some(ErrorCode::ManifestLimit), "{entry}");
    }
}
