//! Values were computed from the MPDs by hand.

use crate::common::{file_url, folder, telecine, telecine_in};
use serde_json::{json, Value};

const MPD: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" xmlns:xlink="http://www.w3.org/1999/xlink"
     type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT14S" maxSegmentDuration="PT4S" minBufferTime="PT2S">
  <BaseURL>media/</BaseURL>
  <Period id="p0" duration="PT10S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" frameRate="30000/1001">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cbcs" cenc:default_KID="01234567-89ab-cdef-0123-456789abcdef"/>
      <ContentProtection schemeIdUri="urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED"><cenc:pssh>AAAAAA==</cenc:pssh></ContentProtection>
      <SegmentTemplate timescale="30000" presentationTimeOffset="900900" startNumber="31" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number%04d$-$Time$.m4s">
        <SegmentTimeline><S t="900900" d="120120" r="1"/><S d="60060"/></SegmentTimeline>
      </SegmentTemplate>
      <Representation id="v1" bandwidth="2000000" codecs="avc1.640028" width="1920" height="1080"/>
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" lang="de" codecs="mp4a.40.2">
      <Label>Deutsch</Label>
      <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
      <SegmentTemplate duration="4" media="a-$Number$.m4s" initialization="a-init.mp4"/>
      <Representation id="a1" bandwidth="128000" audioSamplingRate="48000"/>
    </AdaptationSet>
  </Period>
  <Period id="p1" xlink:href="../late.xml" xlink:actuate="onLoad"/>
</MPD>
"#;

const LATE: &str = r#"<Period xmlns="urn:mpeg:dash:schema:mpd:2011" id="late" duration="PT4S">
  <AdaptationSet id="1" contentType="video" mimeType="video/mp4">
    <SegmentTemplate duration="4" media="late-$Number$.m4s" initialization="late-init.mp4"/>
    <Representation id="v1" bandwidth="2000000" codecs="avc1.640028" width="1920" height="1080"/>
  </AdaptationSet>
</Period>
"#;

fn inspect() -> (tempfile::TempDir, Value) {
    let folder = folder(&[("t/main.mpd", MPD), ("late.xml", LATE)]);
    let document = telecine_in(folder.path(), ["inspect", "t/main.mpd", "--segments", "--json"]).ok();
    (folder, document)
}

#[test]
fn periods_tracks_and_renditions_carry_what_the_mpd_says() {
    let (_folder, document) = inspect();
    for (field, value) in [
        ("protocol", json!("dash")),
        ("kind", json!("mpd")),
        ("version", json!("urn:mpeg:dash:profile:isoff-live:2011")),
        ("live", json!(false)),
        ("duration_s", json!(14.0)),
        ("target_duration_s", json!(4.0)),
    ] {
        assert_eq!(document[field], value, "{field}");
    }
    let period = &document["periods"][0];
    assert_eq!((&period["id"], &period["start_s"], &period["duration_s"]), (&json!("p0"), &json!(0.0), &json!(10.0)));
    let video = &period["tracks"][0];
    assert_eq!((&video["id"], &video["kind"], &video["roles"]), (&json!("1"), &json!("video"), &json!(["main"])));
    let rendition = &video["renditions"][0];
    assert_eq!(rendition["id"], "v1");
    assert_eq!(rendition["bandwidth"], 2_000_000);
    assert_eq!(rendition["frame_rate"], 29.97);
    let systems: Vec<&Value> = rendition["protection"].as_array().unwrap().iter().collect();
    let widevine = systems.iter().find(|entry| entry["system"] == "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed").unwrap();
    assert_eq!(widevine["pssh"], "AAAAAA==");
    assert_eq!(widevine["scheme"], "cbcs");
    assert_eq!(widevine["default_kid"], "0123456789abcdef0123456789abcdef");
    let audio = &period["tracks"][1];
    assert_eq!((&audio["language"], &audio["name"]), (&json!("de"), &json!("Deutsch")));
    assert_eq!(audio["channels"], 2);
}

#[test]
fn a_timeline_gives_exact_times_numbers_and_urls() {
    let (folder, document) = inspect();
    let segments = &document["periods"][0]["tracks"][0]["renditions"][0]["segments"];
    let url = |name: &str| file_url(&folder, &format!("t/media/v1/{name}"));
    for (place, number, start, duration, name) in [
        (0, 31, 0.0, 4.004, "0031-900900.m4s"),
        (1, 32, 4.004, 4.004, "0032-1021020.m4s"),
        (2, 33, 8.008, 2.002, "0033-1141140.m4s"),
    ] {
        let segment = &segments[place];
        assert_eq!(segment["number"], number);
        assert_eq!(segment["start_s"], start);
        assert_eq!(segment["duration_s"], duration);
        assert_eq!(segment["uri"], url(name));
        assert_eq!(segment["init"], json!({"uri": url("init.mp4"), "byte_range": null}));
        assert_eq!((&segment["key"], &segment["parts"]), (&Value::Null, &json!([])));
    }
    assert_eq!(segments.as_array().unwrap().len(), 3);
}

#[test]
fn a_remote_period_is_fetched_and_put_in_its_place() {
    let (folder, document) = inspect();
    let period = &document["periods"][1];
    assert_eq!((&period["id"], &period["start_s"]), (&json!("late"), &json!(10.0)));
    let segment = &period["tracks"][0]["renditions"][0]["segments"][0];
    assert_eq!(segment["start_s"], 10.0);
    assert_eq!(segment["uri"], file_url(&folder, "t/media/late-1.m4s"));
}

#[test]
fn a_base_replaces_the_manifests_own_place() {
    let folder = folder(&[("main.mpd", &MPD.replace(" xlink:href=\"../late.xml\" xlink:actuate=\"onLoad\"/>", "/>"))]);
    let file = folder.path().join("main.mpd");
    let run = telecine(["inspect", file.to_str().unwrap(), "--base", "https://a.example/x/", "--segments", "--json"]);
    let segment = run.ok()["periods"][0]["tracks"][1]["renditions"][0]["segments"][2].clone();
    assert_eq!(segment["uri"], "https://a.example/x/media/a-3.m4s");
    assert_eq!((&segment["start_s"], &segment["duration_s"]), (&json!(8.0), &json!(2.0)), "cut at the period's end");
}
