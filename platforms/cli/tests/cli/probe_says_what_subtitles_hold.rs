//! Files of WebVTT and TTML, and text tracks in MP4. The tracks were packaged from `packaged.vtt`, whose seven cues
//! stand in the file.

use std::path::PathBuf;

use serde_json::{json, Value};

use crate::common::{folder, telecine, telecine_in};

fn packaged(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../core/container/tests/data/text");
    folder.join(name).display().to_string()
}

fn probe(name: &str) -> (Value, String) {
    let path = packaged(name);
    let text = telecine(["probe", &path]);
    assert_eq!(text.code, 0, "{}", text.stderr);
    (telecine(["probe", &path, "--json"]).ok(), text.stdout)
}

#[test]
fn a_webvtt_file() {
    let (document, text) = probe("packaged.vtt");
    assert_eq!((&document["container"], &document["tracks"]), (&json!("webvtt"), &json!([])));
    let entry = &document["texts"][0];
    assert_eq!((&entry["format"], &entry["cues"]), (&json!("webvtt"), &json!(7)));
    assert_eq!((&entry["first_s"], &entry["last_s"]), (&json!(0.5), &json!(10.0)));
    assert_eq!(
        (&entry["regions"], &entry["track"], &entry["timestamp_map"]),
        (&json!(["r1"]), &json!(null), &json!(null))
    );
    assert_eq!(text, "webvtt\ntext webvtt: 7 cues, 0.500 to 10.000 s, region r1\n");
}

#[test]
fn text_tracks_in_mp4_whose_samples_repeat_their_cues() {
    for (name, format) in [("wvtt.mp4", "webvtt"), ("stpp.mp4", "ttml")] {
        let (document, text) = probe(name);
        let entry = &document["texts"][0];
        assert_eq!((&entry["format"], &entry["cues"]), (&json!(format), &json!(7)), "{name}");
        assert_eq!((&entry["first_s"], &entry["last_s"]), (&json!(0.5), &json!(10.0)), "{name}");
        // As the media header has it.
        assert_eq!(entry["languages"], json!(["eng"]), "{name}");
        assert_eq!(entry["track"], document["tracks"][0]["id"], "{name}");
        assert_eq!(entry["error"], Value::Null, "{name}");
        assert!(text.contains(&format!("{format}: 7 cues, 0.500 to 10.000 s, language eng")), "{text}");
    }
}

#[test]
fn a_segment_says_its_timestamp_map_languages_of_spans_and_what_was_left_out() {
    let segment = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:02.000\n\n00:03.000 --> 00:04.000 colour:red\n\
                   <lang fr>oui</lang>\n\n0:1 --> 00:05.000\nx\n";
    let ttml =
        "<tt xmlns=\"http://www.w3.org/ns/ttml\" xml:lang=\"de\"><body><div><p begin=\"1s\">x</p></div></body></tt>";
    let folder = folder(&[("a.vtt", segment), ("b.ttml", ttml), ("c.vtt", "WEBVTT\n"), ("d.ttml", "<tt><p")]);
    let document = telecine_in(folder.path(), ["probe", "a.vtt", "--json"]).ok();
    let entry = &document["texts"][0];
    assert_eq!(entry["timestamp_map"], json!({ "mpegts": 900_000, "local_s": 2.0 }));
    assert_eq!((&entry["cues"], &entry["languages"]), (&json!(1), &json!(["fr"])));
    let rules: Vec<&Value> = document["warnings"].as_array().expect("a list").iter().map(|w| &w["rule"]).collect();
    assert_eq!(rules, ["T102", "T101"]);
    let document = telecine_in(folder.path(), ["probe", "b.ttml", "--json"]).ok();
    let entry = &document["texts"][0];
    assert_eq!((&document["container"], &entry["languages"]), (&json!("ttml"), &json!(["de"])));
    assert_eq!((&entry["first_s"], &entry["last_s"]), (&json!(1.0), &Value::Null), "nothing ends it");
    let run = telecine_in(folder.path(), ["probe", "b.ttml"]);
    assert!(run.stdout.contains("ttml: 1 cue, from 1.000 s on, language de"), "{}", run.stdout);
    let document = telecine_in(folder.path(), ["probe", "c.vtt", "--json"]).ok();
    assert_eq!((&document["texts"][0]["cues"], &document["texts"][0]["first_s"]), (&json!(0), &Value::Null));
    let broken = telecine_in(folder.path(), ["probe", "d.ttml"]);
    assert_eq!(broken.code, 3, "{}", broken.stdout);
}

#[test]
fn a_segment_of_a_text_track_with_its_initialisation_section_apart() {
    let whole = std::fs::read(packaged("wvtt.mp4")).expect("it is there");
    let at = whole.windows(4).position(|name| name == b"moof").expect("a fragment") - 4;
    let folder = folder(&[]);
    std::fs::write(folder.path().join("init.mp4"), &whole[..at]).expect("written");
    std::fs::write(folder.path().join("1.m4s"), &whole[at..]).expect("written");
    let document = telecine_in(folder.path(), ["probe", "1.m4s", "--init", "init.mp4", "--json"]).ok();
    assert_eq!(document["texts"][0]["cues"], 7);
}
