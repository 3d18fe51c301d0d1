//! `BaseURL` and URL parameters (D071–D075, D102).

use crate::support::*;

use telecine_model::presentation::BaseUrl;
use telecine_model::Segments;

fn bases(mpd_level: &str, period: &str, set: &str, representation: &str) -> Vec<BaseUrl> {
    let text = mpd(
        "mediaPresentationDuration='PT2S' xmlns:dvb='urn:dvb:dash:dash-extensions:2014-1'",
        &format!(
            "{mpd_level}<Period>{period}<AdaptationSet mimeType='video/mp4'>{set}<SegmentTemplate media='s' duration='2'/>\
             <Representation id='v' bandwidth='1'>{representation}</Representation></AdaptationSet></Period>"
        ),
    );
    rendition(&read(&text)).bases.clone()
}

fn uris(bases: &[BaseUrl]) -> Vec<&str> {
    bases.iter().map(|base| base.uri.as_str()).collect()
}

#[test]
fn d071_without_a_base_url_the_mpd_itself_is_the_base() {
    let found = bases("", "", "", "");
    assert_eq!(uris(&found), [URL]);
    assert_eq!(found[0].service_location, URL);
}

#[test]
fn d071_references_resolve_downwards_at_every_level() {
    let found = bases(
        "<BaseURL>/top/</BaseURL>",
        "<BaseURL>p/</BaseURL>",
        "<BaseURL>../a/</BaseURL>",
        "<BaseURL>v.mp4</BaseURL>",
    );
    assert_eq!(uris(&found), ["https://cdn.example/top/a/v.mp4"]);
    let absolute =
        bases("<BaseURL>/x/</BaseURL>", "", "<BaseURL>https://b.example/y/</BaseURL>", "<BaseURL>z</BaseURL>");
    assert_eq!(uris(&absolute), ["https://b.example/y/z"]);
}

#[test]
fn d071_alternatives_of_the_levels_multiply_and_keep_their_service_location() {
    let found = bases(
        "<BaseURL serviceLocation='A'>https://a/</BaseURL><BaseURL serviceLocation='B'>https://b/</BaseURL>",
        "",
        "",
        "<BaseURL>1/</BaseURL><BaseURL>2/</BaseURL>",
    );
    assert_eq!(uris(&found), ["https://a/1/", "https://b/1/", "https://a/2/", "https://b/2/"]);
    let locations: Vec<&str> = found.iter().map(|base| base.service_location.as_str()).collect();
    assert_eq!(locations, ["A", "B", "A", "B"]);
}

#[test]
fn d071_the_first_base_is_the_one_of_the_segments_and_names_the_pathway() {
    let text = mpd(
        "mediaPresentationDuration='PT2S'",
        &format!(
            "<BaseURL serviceLocation='A'>https://a/</BaseURL><BaseURL>https://b/</BaseURL><Period>{SET}</Period>"
        ),
    );
    let presentation = read(&text);
    assert_eq!(segments(&presentation)[0].uri, "https://a/1.m4s");
    assert_eq!(rendition(&presentation).pathway.as_deref(), Some("A"));
    assert_eq!(rendition(&presentation).bases[1].service_location, "https://b/");
}

#[test]
fn d071_combinations_are_bounded_and_what_leads_into_the_device_is_ignored() {
    let many: String = (0..100).map(|i| format!("<BaseURL>{i}/</BaseURL>")).collect();
    assert_eq!(bases(&many, &many, &many, &many).len(), 64);
    assert_eq!(uris(&bases("<BaseURL>file:///etc/</BaseURL>", "", "", "")), [URL]);
    let repeated = "<BaseURL>https://a/</BaseURL>".repeat(3);
    assert_eq!(bases(&repeated, "", "", "").len(), 1);
}

#[test]
fn d072_the_lowest_priority_number_comes_first_and_weights_are_kept() {
    let found = bases(
        "<BaseURL dvb:priority='2'>https://c/</BaseURL><BaseURL dvb:priority='1' dvb:weight='3'>https://a/</BaseURL>\
         <BaseURL>https://b/</BaseURL>",
        "",
        "",
        "",
    );
    let shown: Vec<(&str, u32, u32)> = found.iter().map(|b| (b.uri.as_str(), b.priority, b.weight)).collect();
    assert_eq!(shown, [("https://a/", 1, 3), ("https://b/", 1, 1), ("https://c/", 2, 1)]);
}

#[test]
fn d075_a_byte_range_template_of_a_base_is_reported() {
    let text = mpd(
        "mediaPresentationDuration='PT2S'",
        &format!("<BaseURL byteRange='?r=$first$-$last$'>a/</BaseURL><Period>{SET}</Period>"),
    );
    assert_eq!(warned(&read(&text)), ["D075"]);
}

fn queried(property: &str, info: &str) -> String {
    format!(
        "<{property} schemeIdUri='urn:mpeg:dash:urlparam:2014' xmlns:up='urn:mpeg:dash:schema:urlparam:2014'>{info}</{property}>"
    )
}

#[test]
fn d102_the_query_of_the_mpd_is_appended_to_segment_urls() {
    let property = queried(
        "EssentialProperty",
        "<up:UrlQueryInfo queryTemplate='$querypart$' useMPDUrlQuery='true' queryString='b=$2'/>",
    );
    let text = with_segments(&format!(
        "{property}<SegmentTemplate media='$Number$.m4s?x=1' initialization='i' duration='10'/>"
    ));
    let presentation = read(&text);
    assert_eq!(names(&presentation), ["1.m4s?x=1&token=1&b=$2", "2.m4s?x=1&token=1&b=$2"]);
    let init = segments(&presentation)[0].init.as_ref().expect("init").uri.clone();
    assert_eq!(index(&presentation).resolve(&init), "https://cdn.example/title/i?token=1&b=$2");
}

#[test]
fn d102_single_parameters_lists_and_indexes_are_queried_too() {
    let property = queried(
        "SupplementalProperty",
        "<up:UrlQueryInfo queryTemplate='t=$query:token$&amp;none=$query:zzz$' useMPDUrlQuery='true'/>",
    );
    let list = with_segments(&format!("{property}<SegmentList duration='20'><SegmentURL media='a'/></SegmentList>"));
    assert_eq!(names(&read(&list)), ["a?t=1&none="]);
    let whole = with_segments(&format!("{property}<BaseURL>v.mp4?k</BaseURL><SegmentBase indexRange='0-9'/>"));
    let presentation = read(&whole);
    let Segments::Indexed(source) = &rendition(&presentation).segments else { panic!("indexed") };
    assert_eq!(source.resolve(&source.uri), "https://cdn.example/title/v.mp4?k&t=1&none=");
}

#[test]
fn d102_parameters_for_other_requests_or_other_origins_stay_away_from_segments() {
    for attributes in ["includeInRequests='mpd callback'", "sameOriginOnly='true'"] {
        let property = queried(
            "SupplementalProperty",
            &format!("<up:ExtUrlQueryInfo queryTemplate='$querypart$' queryString='a=1' {attributes}/>"),
        );
        let text = with_segments(&format!(
            "{property}<BaseURL>https://other.example/</BaseURL><SegmentTemplate media='s' duration='20'/>"
        ));
        assert_eq!(names(&read(&text)), ["s"], "{attributes}");
    }
}

#[test]
fn d102_which_origin_sees_a_query_is_decided_by_the_url_and_not_by_the_base() {
    let property = queried(
        "SupplementalProperty",
        "<up:ExtUrlQueryInfo queryTemplate='$querypart$' useMPDUrlQuery='true' sameOriginOnly='true'/>",
    );
    let of = |base: &str, media: &str| {
        let text =
            format!("{property}<BaseURL>{base}</BaseURL><SegmentTemplate media='{media}$Number$.m4s' duration='20'/>");
        segments(&read(&with_segments(&text)))[0].uri.clone()
    };
    assert_eq!(of("x/", ""), "https://cdn.example/title/x/1.m4s?token=1");
    assert_eq!(of("x/", "https://other.example/"), "https://other.example/1.m4s");
    assert_eq!(of("x/", "//other.example/"), "https://other.example/1.m4s");
    assert_eq!(of("https://other.example/", "https://cdn.example/"), "https://cdn.example/1.m4s?token=1");
}

#[test]
fn d102_essential_parameters_from_another_source_make_the_element_unusable() {
    let info = "<up:ExtUrlQueryInfo queryTemplate='$querypart$' headerParamSource='segment'/>";
    let essential =
        with_segments(&format!("{}<SegmentTemplate media='s' duration='2'/>", queried("EssentialProperty", info)));
    assert!(try_parse(&essential).is_err());
    let optional =
        with_segments(&format!("{}<SegmentTemplate media='s' duration='2'/>", queried("SupplementalProperty", info)));
    assert_eq!(warned(&read(&optional)), ["D102"]);
}
