//! Remote elements (D068–D070).

use crate::support::*;

use telecine_manifest::dash::{splice, Mpd, RemoteElement};
use telecine_model::ErrorCode;

const XLINK: &str = "mediaPresentationDuration='PT20S' xmlns:xlink='http://www.w3.org/1999/xlink'";

fn with_period(attributes: &str, content: &str) -> String {
    mpd(XLINK, &format!("<Period id='a' duration='PT10S'>{SET}</Period><Period {attributes}>{content}</Period>"))
}

fn parsed(text: &str) -> Mpd {
    try_parse(text).expect("valid")
}

fn spliced(text: &str, body: Option<&str>) -> String {
    let remote = parsed(text).remote.remove(0);
    let done = splice(text.as_bytes(), &[(remote, body.map(|body| body.as_bytes().to_vec()))]).expect("of this text");
    String::from_utf8(done).expect("UTF-8")
}

fn ids(text: &str) -> Vec<String> {
    parsed(text).presentation.periods.into_iter().map(|period| period.id).collect()
}

#[test]
fn d068_remote_elements_are_named_with_their_absolute_url_and_place() {
    let text = with_period("xlink:href='ad.xml?x=1&amp;y=2' xlink:actuate='onLoad' id='b' duration='PT5S'", SET);
    let found = parsed(&text);
    assert_eq!(found.remote.len(), 1);
    let remote = &found.remote[0];
    assert_eq!(remote.uri, "https://cdn.example/title/ad.xml?x=1&y=2");
    assert_eq!(remote.element, "Period");
    let element = &text[remote.range.clone()];
    assert!(element.starts_with("<Period xlink:href") && element.ends_with("</Period>"));
    assert_eq!(found.presentation.periods.len(), 2, "until then the inline content counts");
}

#[test]
fn d068_the_fetched_elements_take_the_place_of_the_link() {
    let text = with_period("xlink:href='ad.xml'", "");
    let body = format!(
        "\u{feff}<?xml version='1.0' encoding='UTF-8'?><!-- two -->\n<Period id='x' duration='PT3S'>{SET}</Period>\n<Period id='y' duration='PT4S'>{SET}</Period>\n"
    );
    let done = spliced(&text, Some(&body));
    assert_eq!(ids(&done), ["a", "x", "y"]);
    assert!(parsed(&done).remote.is_empty());
    assert_eq!(parsed(&done).presentation.duration, Some(ms(17_000)));
}

#[test]
fn d068_sets_event_streams_and_lists_can_be_remote_too() {
    let text = mpd(
        XLINK,
        &format!(
            "<Period><EventStream xlink:href='e' schemeIdUri='urn:x'/><AdaptationSet xlink:href='s' xlink:actuate='onRequest'/>{}</Period>",
            SET.replace("<SegmentTemplate media=\"$Number$.m4s\" duration=\"2\"/>", "<SegmentList xlink:href='l'/>")
        ),
    );
    let remote = try_parse(&text).expect("still to be fetched").remote;
    let names: Vec<&str> = remote.iter().map(|remote| remote.element.as_str()).collect();
    assert_eq!(names, ["EventStream", "AdaptationSet", "SegmentList"]);
    let body = |body: &str| Some(body.as_bytes().to_vec());
    let resolved: Vec<(RemoteElement, Option<Vec<u8>>)> = remote
        .into_iter()
        .rev()
        .zip([
            body("<SegmentList duration='10'><SegmentURL media='1'/></SegmentList>"),
            body(&SET.replace("id=\"v\"", "id=\"w\"")),
            body("<EventStream schemeIdUri='urn:y'><Event/></EventStream>"),
        ])
        .collect();
    let done = String::from_utf8(splice(text.as_bytes(), &resolved).expect("of this text")).expect("UTF-8");
    let presentation = read(&done);
    assert_eq!(presentation.periods[0].event_streams[0].scheme, "urn:y");
    let ids: Vec<&str> = presentation.periods[0].tracks.iter().map(|t| t.renditions[0].id.as_str()).collect();
    assert_eq!(ids, ["w", "v"]);
}

#[test]
fn d069_an_element_that_resolves_to_zero_is_removed() {
    let text = with_period("xlink:href='urn:mpeg:dash:resolve-to-zero:2013' id='b' duration='PT5S'", SET);
    assert_eq!(ids(&text), ["a"]);
    assert!(parsed(&text).remote.is_empty());
    let set = mpd(
        XLINK,
        &format!(
            "<Period><AdaptationSet xlink:href='urn:mpeg:dash:resolve-to-zero:2013'><x/></AdaptationSet>{SET}</Period>"
        ),
    );
    assert_eq!(parsed(&set).presentation.periods[0].tracks.len(), 1);
}

#[test]
fn d070_a_link_that_fails_is_dropped_and_the_inline_content_kept() {
    let text = with_period("id='b' xlink:href='ad.xml' duration='PT5S' xlink:actuate='onLoad'", SET);
    for (body, why) in [
        (None, "it could not be had"),
        (Some("<AdaptationSet/>"), "it holds <AdaptationSet> instead of <Period>"),
        (Some("not xml"), "it is not well-formed (something else than elements)"),
        (Some("<Period>"), "it is not well-formed (the text ends inside an element)"),
        (Some(""), "it holds no <Period>"),
        (Some("<Period/>text"), "it is not well-formed (something else than elements)"),
        (Some("<Period/><Other/>"), "it holds <Other> instead of <Period>"),
        (Some("<?xml version='1.0'?><MPD/>"), "it holds <MPD> instead of <Period>"),
    ] {
        let done = spliced(&text, body);
        assert_eq!(ids(&done), ["a", "b"], "{body:?}");
        let mpd = parsed(&done);
        assert!(mpd.remote.is_empty());
        let warning = &mpd.presentation.warnings[0];
        let message = format!("the link to https://cdn.example/title/ad.xml was dropped: {why}");
        assert_eq!(warning.to_string(), format!("D070 at MPD/Period[2]: {message}"));
        assert!(done.contains(" id='b' duration='PT5S'>") && !done.contains("xlink:href"), "{done}");
    }
}

#[test]
fn d070_links_inside_an_element_that_was_replaced_are_gone_with_it() {
    let text = with_period("xlink:href='p' id='b' duration='PT5S'", "<AdaptationSet xlink:href='s'/>");
    let remote = parsed(&text).remote;
    assert_eq!(remote.len(), 2);
    let with = |period: Option<&str>| {
        let resolved: Vec<(RemoteElement, Option<Vec<u8>>)> = remote
            .iter()
            .map(|remote| {
                let body = if remote.element == "Period" { period } else { Some(SET) };
                (remote.clone(), body.map(|body| body.as_bytes().to_vec()))
            })
            .collect();
        String::from_utf8(splice(text.as_bytes(), &resolved).expect("of this text")).expect("UTF-8")
    };
    assert_eq!(ids(&with(Some(&format!("<Period id='c' duration='PT1S'>{SET}</Period>")))), ["a", "c"]);
    let kept = with(None);
    assert_eq!(parsed(&kept).presentation.periods[1].tracks.len(), 1);
}

#[test]
fn d070_links_that_lead_to_links_end_after_five_rounds() {
    let mut text = with_period("xlink:href='next' id='b' duration='PT5S'", SET);
    let mut rounds = 0;
    while let Some(remote) = parsed(&text).remote.pop() {
        let body = format!("<Period xlink:href='next' id='b' duration='PT5S'>{SET}</Period>");
        let done = splice(text.as_bytes(), &[(remote, Some(body.into_bytes()))]).expect("of this text");
        text = String::from_utf8(done).expect("UTF-8");
        rounds += 1;
        assert!(rounds < 100);
    }
    assert_eq!(rounds, 5);
    assert_eq!(warned(&read(&text))[0], "D070");
    assert_eq!(ids(&text), ["a", "b"]);
}

#[test]
fn d070_a_link_into_the_device_is_not_followed() {
    let text = with_period("xlink:href='file:///etc/passwd' id='b' duration='PT5S'", SET);
    assert!(parsed(&text).remote.is_empty());
    assert_eq!(warned(&read(&text))[0], "D070");
}

#[test]
fn a_range_of_another_text_is_an_error_and_not_a_panic() {
    let text = with_period("xlink:href='x' id='b'", SET);
    let good = parsed(&text).remote.remove(0);
    for range in [0..5, 1..usize::MAX, good.range.start + 1..good.range.end] {
        let remote = RemoteElement { range, ..good.clone() };
        let error = splice(text.as_bytes(), &[(remote, None)]).expect_err("not of this text");
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    }
}
