//! `SegmentList` (D020).

use crate::support::*;

use telecine_model::ByteRange;

#[test]
fn d020_segments_are_listed_with_their_urls_and_ranges() {
    let text = with_segments(
        "<SegmentList timescale='1000' duration='8000' startNumber='5'><Initialization sourceURL='i.mp4' range='0-99'/>\
         <SegmentURL media='a.m4s'/><SegmentURL mediaRange='100-199'/><SegmentURL media='c.m4s' mediaRange='7-7'/></SegmentList>",
    );
    let found = segments(&read(&text));
    let numbers: Vec<u64> = found.iter().map(|segment| segment.number).collect();
    assert_eq!(numbers, [5, 6, 7]);
    assert_eq!(found[0].uri, "https://cdn.example/title/a.m4s");
    assert_eq!(found[0].byte_range, None);
    assert_eq!(found[1].uri, URL, "the base itself");
    assert_eq!(found[1].byte_range, Some(ByteRange { offset: 100, length: 100 }));
    assert_eq!(found[2].byte_range, Some(ByteRange { offset: 7, length: 1 }));
    assert_eq!(found[2].duration, ms(4000), "20 s in pieces of 8");
    let init = found[0].init.as_ref().expect("init");
    assert_eq!((init.uri.as_str(), init.byte_range), ("i.mp4", Some(ByteRange { offset: 0, length: 100 })));
}

#[test]
fn d020_a_list_may_have_a_timeline_and_the_shorter_one_counts() {
    let text = with_segments(
        "<SegmentList timescale='1000'><SegmentTimeline><S t='0' d='3000'/><S d='5000' r='4'/></SegmentTimeline>\
         <SegmentURL media='1'/><SegmentURL media='2'/><SegmentURL media='3'/></SegmentList>",
    );
    let presentation = read(&text);
    assert_eq!(times(&presentation), [(0, 3000), (3000, 5000), (8000, 5000)]);
    assert_eq!(warned(&presentation), ["D020"]);
}

#[test]
fn d020_a_list_is_inherited_with_its_urls() {
    let text = static_mpd(
        "<SegmentList duration='10'><SegmentURL media='1'/><SegmentURL media='2'/></SegmentList>\
         <AdaptationSet mimeType='video/mp4'><Representation id='v' bandwidth='1'><BaseURL>v/</BaseURL>\
         <SegmentList startNumber='0'/></Representation></AdaptationSet>",
    );
    let presentation = read(&text);
    assert_eq!(segments(&presentation)[1].uri, "https://cdn.example/title/v/2");
    assert_eq!(segments(&presentation)[1].number, 1);
}

#[test]
fn d020_one_url_without_a_duration_is_the_whole_period() {
    let text = with_segments("<SegmentList><SegmentURL media='all'/></SegmentList>");
    assert_eq!(times(&read(&text)), [(0, 20_000)]);
}

#[test]
fn d020_a_list_without_times_or_without_urls_is_left_out() {
    let text = with_set(
        "<Representation id='a' bandwidth='1'><SegmentList><SegmentURL media='1'/><SegmentURL media='2'/></SegmentList></Representation>\
         <Representation id='b' bandwidth='1'><SegmentList duration='2'/></Representation>\
         <Representation id='c' bandwidth='1'><SegmentList duration='2'><SegmentURL media='1'/></SegmentList></Representation>",
    );
    let presentation = read(&text);
    assert_eq!(rendition(&presentation).id, "c");
    assert_eq!(warned(&presentation), ["D020", "D020"]);
}

#[test]
fn d020_counted_urls_cost_a_constant() {
    let urls: String = (0..5000).map(|i| format!("<SegmentURL media='seg-{i}.m4s'/>")).collect();
    let presentation = read(&with_segments(&format!("<SegmentList duration='1' timescale='250'>{urls}</SegmentList>")));
    assert_eq!(index(&presentation).table.len(), 5000);
    assert_eq!(segments(&presentation)[4321].uri, "https://cdn.example/title/seg-4321.m4s");
    assert!(index(&presentation).heap_bytes() < 500);
}
