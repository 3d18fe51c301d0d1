//! `SegmentTemplate` and `SegmentBase`: URLs and times (D007–D017, D019, D021).

use crate::support::*;

use telecine_model::{ByteRange, MediaTime, Segments};

#[test]
fn d008_the_presentation_time_offset_moves_media_time_to_the_start_of_the_period() {
    let text = mpd(
        "",
        "<Period start='PT5S' duration='PT10S'><AdaptationSet mimeType='video/mp4'>\
         <SegmentTemplate media='$Time$' timescale='90000' presentationTimeOffset='900000'>\
         <SegmentTimeline><S t='900000' d='450000' r='1'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='v' bandwidth='1'/></AdaptationSet></Period>",
    );
    let presentation = read(&text);
    assert_eq!(times(&presentation), [(5000, 5000), (10_000, 5000)]);
    assert_eq!(names(&presentation), ["900000", "1350000"]);
    assert_eq!(segments(&presentation)[0].ticks, 900_000, "as the container counts");
}

#[test]
fn d008_times_of_large_timescales_are_exact() {
    // 1001/30000 s frames, 60 to a segment, in a clock of 10 MHz: not a whole number of milliseconds.
    let text = with_segments(
        "<SegmentTemplate media='$Time$' timescale='10000000'><SegmentTimeline>\
         <S t='9007199254700000' d='20020000' r='1'/></SegmentTimeline></SegmentTemplate>",
    );
    let found = segments(&read(&text));
    assert_eq!(found[1].ticks, 9_007_199_274_720_000);
    assert_eq!((found[1].start - found[0].start).units(), 20_020_000 * 705_600_000 / 10_000_000);
}

#[test]
fn d010_an_index_is_announced_with_its_range_and_its_initialisation_section() {
    let text = with_set(
        "<Representation id='v' bandwidth='1'><BaseURL>v/1.mp4</BaseURL>\
         <SegmentBase indexRange='820-1999' timescale='12800' presentationTimeOffset='7'>\
         <Initialization range='0-819'/></SegmentBase></Representation>",
    );
    let presentation = read(&text);
    let Segments::Indexed(source) = &rendition(&presentation).segments else {
        panic!("to be indexed");
    };
    assert_eq!(&*source.base, "https://cdn.example/title/v/1.mp4");
    assert_eq!(source.uri, "");
    assert_eq!(source.index_range, Some(ByteRange { offset: 820, length: 1180 }));
    let init = source.init.as_ref().expect("init");
    assert_eq!(init.byte_range, Some(ByteRange { offset: 0, length: 820 }));
    assert_eq!((source.timescale, source.presentation_offset), (12_800, 7));
    assert_eq!(source.duration, Some(ms(20_000)));
}

#[test]
fn d010_a_representation_without_any_segment_element_is_one_resource() {
    let text = static_mpd(
        "<AdaptationSet contentType='text' mimeType='text/vtt' lang='en'>\
         <Representation id='t' bandwidth='256'><BaseURL>en.vtt</BaseURL></Representation></AdaptationSet>",
    );
    let presentation = read(&text);
    let Segments::Indexed(source) = &rendition(&presentation).segments else {
        panic!("one resource");
    };
    assert_eq!((&*source.base, source.index_range), ("https://cdn.example/title/en.vtt", None));
}

#[test]
fn d012_the_earliest_time_of_the_first_segment_may_differ_from_the_periods_start() {
    let text = with_segments("<SegmentTemplate media='$Number$' timescale='1000' duration='4000' eptDelta='-1000'/>");
    let found = times(&read(&text));
    // 21 s from -1 s to 20 s, in pieces of 4 s, the last cut.
    assert_eq!(found.len(), 6);
    assert_eq!((found[0], found[1], found[5]), ((-1000, 4000), (3000, 4000), (19_000, 1000)));
    let late = with_segments("<SegmentTemplate media='$Number$' timescale='1000' duration='4000' eptDelta='2000' presentationTimeOffset='500'/>");
    let presentation = read(&late);
    assert_eq!(times(&presentation)[0], (2000, 4000));
    assert_eq!(segments(&presentation)[0].ticks, 2500, "offset and delta in media time");
}

#[test]
fn d014_the_last_segment_covers_the_end_of_the_period() {
    let text = with_segments("<SegmentTemplate media='$Number$' timescale='1000' duration='6000'/>");
    assert_eq!(times(&read(&text)), [(0, 6000), (6000, 6000), (12_000, 6000), (18_000, 2000)]);
    let exact = with_segments("<SegmentTemplate media='$Number$' timescale='1000' duration='5000'/>");
    assert_eq!(times(&read(&exact)).len(), 4);
}

#[test]
fn d016_numbers_start_at_one_unless_said_and_times_are_media_time() {
    let text = with_segments("<SegmentTemplate media='$Number%03d$-$Time$' timescale='10' duration='80'/>");
    assert_eq!(names(&read(&text)), ["001-0", "002-80", "003-160"]);
    let text = with_segments("<SegmentTemplate media='$Number$' duration='10' startNumber='0'/>");
    assert_eq!(names(&read(&text)), ["0", "1"]);
    let text = with_segments("<SegmentTemplate media='$Number$' startNumber='7'><SegmentTimeline><S d='10' r='1'/></SegmentTimeline></SegmentTemplate>");
    assert_eq!(names(&read(&text)), ["7", "8"]);
}

#[test]
fn d016_a_template_without_times_is_one_segment_of_the_period() {
    let text = with_segments("<SegmentTemplate media='all.mp4' timescale='1000'/>");
    assert_eq!(times(&read(&text)), [(0, 20_000)]);
}

#[test]
fn d017_identifiers_widths_and_escapes_expand() {
    let text = with_set(
        "<SegmentTemplate media='$RepresentationID$/$$$Bandwidth%07d$/$Number%04d$.m4s' \
         initialization='$RepresentationID$/i-$Bandwidth$.mp4' duration='20'/>\
         <Representation id='a&amp;b' bandwidth='64000'/>",
    );
    let presentation = read(&text);
    let first = &segments(&presentation)[0];
    assert_eq!(first.uri, "https://cdn.example/title/a&b/$0064000/0001.m4s");
    assert_eq!(first.init.as_ref().expect("init").uri, "a&b/i-64000.mp4");
}

#[test]
fn d017_an_unknown_identifier_makes_only_its_representation_unusable() {
    let text = with_set(
        "<Representation id='bad' bandwidth='1'><SegmentTemplate media='$Nope$' duration='2'/></Representation>\
         <Representation id='odd' bandwidth='1'><SegmentTemplate media='$Number' duration='2'/></Representation>\
         <Representation id='init' bandwidth='1'><SegmentTemplate media='1' initialization='$x$' duration='2'/></Representation>\
         <Representation id='good' bandwidth='1'><SegmentTemplate media='$Number$' duration='2'/></Representation>",
    );
    let presentation = read(&text);
    assert_eq!(track(&presentation).renditions.len(), 1);
    assert_eq!(rendition(&presentation).id, "good");
    assert_eq!(warned(&presentation), ["D017", "D017", "D017"]);
}

#[test]
fn d019_the_end_number_and_the_last_segment_property_bound_the_list() {
    let text = with_segments("<SegmentTemplate media='$Number$' duration='2' startNumber='5' endNumber='7'/>");
    assert_eq!(names(&read(&text)), ["5", "6", "7"]);
    let text = with_segments(
        "<SupplementalProperty schemeIdUri='http://dashif.org/guidelines/last-segment-number' value='2'/>\
         <SegmentTemplate media='$Number$' duration='2'/>",
    );
    assert_eq!(names(&read(&text)), ["1", "2"]);
    let text = with_segments(
        "<SegmentTemplate media='$Number$' endNumber='2'><SegmentTimeline><S d='1' r='1'/><S d='3' r='5'/></SegmentTimeline></SegmentTemplate>",
    );
    assert_eq!(times(&read(&text)), [(0, 1000), (1000, 1000)]);
}

#[test]
fn d021_attributes_inherit_one_by_one_from_period_to_set_to_representation() {
    let text = static_mpd(
        "<SegmentTemplate timescale='1000' duration='4000' initialization='init.mp4' startNumber='3'/>\
         <AdaptationSet mimeType='video/mp4'><SegmentTemplate media='a-$Number$' startNumber='9'/>\
         <Representation id='v' bandwidth='1'><SegmentTemplate duration='10000'/></Representation>\
         <Representation id='w' bandwidth='2'/></AdaptationSet>",
    );
    let presentation = read(&text);
    assert_eq!(names(&presentation), ["a-9", "a-10"]);
    assert_eq!(segments(&presentation)[0].init.as_ref().expect("init").uri, "init.mp4");
    let second = track(&presentation).renditions[1].segments.known().expect("known");
    assert_eq!(second.table.len(), 5);
}

#[test]
fn d021_an_inherited_timeline_takes_the_timescale_of_the_level_that_uses_it() {
    let text = with_set(
        "<SegmentTemplate media='$Number$' timescale='1000'><SegmentTimeline><S d='10000' r='1'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='v' bandwidth='1'><SegmentTemplate timescale='2000' startNumber='4'/></Representation>",
    );
    let presentation = read(&text);
    assert_eq!(times(&presentation), [(0, 5000), (5000, 5000)]);
    assert_eq!(names(&presentation), ["4", "5"]);
}

#[test]
fn d021_another_kind_of_addressing_below_replaces_the_one_above() {
    let text = with_set(
        "<SegmentTemplate media='$Number$' duration='2'/>\
         <Representation id='v' bandwidth='1'><BaseURL>v.mp4</BaseURL><SegmentBase indexRange='0-9'/></Representation>",
    );
    assert!(matches!(rendition(&read(&text)).segments, Segments::Indexed(_)));
}

#[test]
fn d007_sets_inherit_nothing_from_one_another() {
    let text = static_mpd(
        "<AdaptationSet mimeType='video/mp4'><SegmentTemplate media='$Number$' duration='2'/>\
         <Representation id='v' bandwidth='1'/></AdaptationSet>\
         <AdaptationSet mimeType='audio/mp4'><BaseURL>a.mp4</BaseURL><Representation id='a' bandwidth='1'/></AdaptationSet>",
    );
    assert!(read(&text).periods[0].tracks[1].renditions[0].segments.known().is_none());
}

#[test]
fn d010_an_index_that_is_a_resource_of_its_own_leaves_the_representation_out() {
    let index = |attributes: &str| {
        with_set(&format!(
            "<Representation id='v' bandwidth='1'><BaseURL>v.mp4</BaseURL><SegmentBase {attributes}>\
             <RepresentationIndex sourceURL='v.sidx'/></SegmentBase></Representation>\
             <Representation id='w' bandwidth='2'><BaseURL>w.mp4</BaseURL><SegmentBase indexRange='5-9'/></Representation>"
        ))
    };
    let presentation = read(&index(""));
    let ids: Vec<&str> = track(&presentation).renditions.iter().map(|r| r.id.as_str()).collect();
    assert_eq!((ids, warned(&presentation)), (vec!["w"], vec!["D010"]));
    // What the file itself has is enough.
    assert_eq!(track(&read(&index("indexRange='10-99'"))).renditions.len(), 2);
}

#[test]
fn d012_a_duration_with_a_fraction_of_zero_is_read_and_another_makes_its_representation_unusable() {
    let text = |duration: &str| {
        with_set(&format!(
            "<Representation id='v' bandwidth='1'><SegmentTemplate media='v$Number$' duration='{duration}'/>\
             </Representation><Representation id='w' bandwidth='2'>\
             <SegmentTemplate media='w$Number$' duration='4'/></Representation>"
        ))
    };
    let ids = |presentation: &telecine_model::Presentation| -> Vec<String> {
        track(presentation).renditions.iter().map(|rendition| rendition.id.clone()).collect()
    };
    let whole = read(&text("2.000"));
    assert_eq!((ids(&whole), segments(&whole)[0].duration), (vec!["v".into(), "w".into()], MediaTime::from_secs(2)));
    assert_eq!(warned(&whole), ["D012"]);
    for wrong in ["1.92", "0", "-1", "PT2S", ""] {
        assert_eq!(ids(&read(&text(wrong))), ["w"], "{wrong}");
    }
}
