//! MPD patches (D051–D055).

use crate::support::*;

use telecine_manifest::dash::apply_patch;
use telecine_model::{Error, ErrorCode, Limits};

const HEAD: &str = "mpdId='m' originalPublishTime='2026-01-01T00:00:00Z'";

fn base() -> String {
    mpd(
        "id='m' type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z' publishTime=\"2026-01-01T00:00:00Z\"",
        "<Period id='p1' start='PT0S'><AdaptationSet id='1' mimeType='video/mp4'>\
         <SegmentTemplate media='$Time$' timescale='1'><SegmentTimeline><S t='0' d='2'/><S t='2' d='2'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='v' bandwidth='1'/></AdaptationSet><AdaptationSet id='2' mimeType='audio/mp4' lang='en'>\
         <BaseURL>a.mp4</BaseURL><Representation id='a' bandwidth='1'/></AdaptationSet></Period>",
    )
}

fn patch(text: &str, head: &str, operations: &str) -> Result<String, Error> {
    let patch = format!("<Patch xmlns='urn:mpeg:dash:schema:mpd-patch:2020' {head}>{operations}</Patch>");
    apply_patch(text.as_bytes(), patch.as_bytes(), &Limits::default())
        .map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
}

fn patched(operations: &str) -> String {
    patch(&base(), HEAD, operations).expect("applies")
}

fn refused(operations: &str) -> ErrorCode {
    patch(&base(), HEAD, operations).expect_err("does not apply").code()
}

const TIMELINE: &str = "/MPD/Period[@id='p1']/AdaptationSet[@id='1']/SegmentTemplate/SegmentTimeline";

#[test]
fn d054_segments_are_added_and_removed_as_a_live_origin_does() {
    let done = patched(&format!(
        "<replace sel='/MPD/@publishTime'>2026-01-01T00:00:02Z</replace>\
         <add sel=\"{TIMELINE}\"><S t='4' d='2' r='1'/></add><remove sel=\"{TIMELINE}/S[1]\"/>"
    ));
    let presentation = read(&done);
    assert_eq!(names(&presentation), ["2", "4", "6"]);
    let timing = presentation.dash.expect("timing");
    assert_eq!(timing.publish_time_text.as_deref(), Some("2026-01-01T00:00:02Z"));
}

#[test]
fn d054_every_position_of_an_addition() {
    let set = |id: &str| SET.replace("<AdaptationSet", &format!("<AdaptationSet id='{id}'"));
    let done = patched(&format!(
        "<add sel=\"/MPD/Period/AdaptationSet[1]\" pos='before'>{}</add>\
         <add sel=\"/MPD/Period/AdaptationSet[@id='1']\" pos='after'>{}</add>\
         <add sel='/MPD/Period[1]' pos='prepend'>{}</add><add sel='/MPD/Period'>{}</add>",
        set("before"),
        set("after"),
        set("first"),
        set("last")
    ));
    let ids: Vec<String> = read(&done).periods.remove(0).tracks.into_iter().map(|track| track.id).collect();
    assert_eq!(ids, ["first", "before", "1", "after", "2", "last"]);
}

#[test]
fn d054_an_element_without_content_gets_some() {
    let done =
        patched("<add sel=\"//x\"/>".replace("//x", "/MPD/Period/AdaptationSet/Representation[@id='v']").as_str());
    assert!(done.contains("<Representation id='v' bandwidth='1'></Representation>"));
    let done = patched("<add sel=\"/MPD/Period/AdaptationSet/Representation[@id='v']\"><BaseURL>v/</BaseURL></add>");
    assert_eq!(segments(&read(&done))[0].uri, "https://cdn.example/title/v/0");
}

#[test]
fn d054_attributes_are_added_replaced_and_removed() {
    let done = patched(
        "<add sel=\"/MPD/Period/AdaptationSet[2]\" type='@selectionPriority'>7</add>\
         <replace sel=\"/MPD/Period/AdaptationSet[2]/@lang\">a&amp;b\"'&lt;</replace>\
         <remove sel=\"/MPD/Period/AdaptationSet[1]/@mimeType\"/>\
         <add sel='/MPD' type='namespace::cenc'>urn:mpeg:cenc:2013</add>",
    );
    assert!(
        done.contains(
            "<AdaptationSet selectionPriority=\"7\" id='2' mimeType='audio/mp4' lang=\"a&amp;b&quot;&apos;&lt;\">"
        ),
        "{done}"
    );
    assert!(done.contains("<AdaptationSet id='1'>"));
    assert!(done.contains("<MPD xmlns:cenc=\"urn:mpeg:cenc:2013\""));
    assert!(try_parse(&done).is_ok());
}

#[test]
fn d054_elements_and_texts_are_replaced() {
    let done = patched(
        "<replace sel=\"/MPD/Period/AdaptationSet[@id='2']/BaseURL/text()\">b.mp4</replace>\
         <replace sel=\"/MPD/Period/AdaptationSet[@id='1']/Representation\"><Representation id='w' bandwidth='9'/></replace>",
    );
    let presentation = read(&done);
    assert_eq!(rendition(&presentation).id, "w");
    assert_eq!(presentation.periods[0].tracks[1].renditions[0].bases[0].uri, "https://cdn.example/title/b.mp4");
}

#[test]
fn d054_all_or_nothing() {
    for operations in [
        "<remove sel='/MPD/Period[@id=\"nope\"]'/>",
        "<remove sel='/MPD/Period/AdaptationSet'/>",
        "<replace sel='/MPD/@nope'>1</replace>",
        "<add sel='/MPD' type='@id'>x</add>",
        "<add sel='/MPD/@id'>x</add>",
        "<remove sel='/MPD/Period/AdaptationSet[3]'/>",
    ] {
        let all = format!("<replace sel='/MPD/@publishTime'>x</replace>{operations}");
        assert_eq!(refused(&all), ErrorCode::ManifestContradiction, "{operations}");
    }
    for operations in [
        "<move sel='/MPD'/>",
        "<remove sel='//Period'/>",
        "<remove/>",
        "<add sel='/MPD' pos='inside'/>",
        "<remove sel='/MPD/Period[last()]'/>",
        "<add sel='/MPD'><x></add>",
    ] {
        assert_eq!(refused(operations), ErrorCode::ManifestSyntax, "{operations}");
    }
    let place = patch(&base(), HEAD, "<remove sel='/MPD/Nope'/>").expect_err("nowhere");
    assert_eq!(place.place().map(ToString::to_string).as_deref(), Some("Patch/remove[1]"));
}

#[test]
fn d052_a_patch_is_for_one_mpd_of_one_time() {
    for head in [
        "mpdId='other' originalPublishTime='2026-01-01T00:00:00Z'",
        "mpdId='m' originalPublishTime='2026-01-01T00:00:01Z'",
        "mpdId='m'",
        "",
    ] {
        let error = patch(&base(), head, "").expect_err("not for this MPD");
        assert_eq!(error.code(), ErrorCode::ManifestContradiction, "{head}");
    }
}

#[test]
fn d055_an_mpd_without_an_id_cannot_be_patched() {
    let anonymous = base().replacen(" id='m'", "", 1);
    let error = patch(&anonymous, "originalPublishTime='2026-01-01T00:00:00Z'", "").expect_err("no id");
    assert!(error.message().contains("D055"));
}

#[test]
fn d052_the_publish_time_of_the_patch_becomes_that_of_the_mpd() {
    let head = format!("{HEAD} publishTime='2026-01-01T00:00:09Z'");
    let done = patch(&base(), &head, "").expect("applies");
    assert!(done.contains("publishTime=\"2026-01-01T00:00:09Z\""));
    let next = patch(&done, "mpdId='m' originalPublishTime='2026-01-01T00:00:09Z'", "");
    assert_eq!(next.expect("the next one applies"), done);
}

#[test]
fn d053_a_body_that_is_no_patch_says_so() {
    for body in ["", "<html/>", "<MPD/>", "{}", "<Patch"] {
        let error = apply_patch(base().as_bytes(), body.as_bytes(), &Limits::default()).expect_err("no patch");
        assert_eq!(error.code(), ErrorCode::NotAManifest, "{body}");
    }
}

#[test]
fn d054_the_work_of_a_patch_is_bounded() {
    let mut limits = Limits::default();
    limits.manifest_bytes = 20_000;
    let text = base();
    let operations = "<replace sel='/MPD/@id'>m</replace>".repeat(400);
    let patch = format!("<Patch {HEAD}>{operations}</Patch>");
    let error = apply_patch(text.as_bytes(), patch.as_bytes(), &limits).expect_err("too much work");
    assert_eq!(error.code(), ErrorCode::ManifestLimit);
    let growth = format!("<add sel='/MPD/Period'>{}</add>", " <x/>".repeat(3500));
    let grown = format!("<Patch {HEAD}>{growth}{growth}</Patch>");
    limits.manifest_bytes = 40_000;
    let outcome = apply_patch(text.as_bytes(), grown.as_bytes(), &limits);
    assert_eq!(outcome.map(|bytes| bytes.len() < 40_000), Ok(true));
    limits.manifest_bytes = grown.len().max(text.len() + 100);
    let error = apply_patch(text.as_bytes(), grown.as_bytes(), &limits).map(|bytes| bytes.len());
    assert_eq!(error.map_err(|error| error.code()), Err(ErrorCode::ManifestLimit));
}
