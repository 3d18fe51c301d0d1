//! HLS as it was before fMP4: transport streams and packed audio.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{telecine, track};
use serde_json::Value;

fn demo() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/media/demo"))
}

/// Packages the demo title with ffmpeg: two levels of picture, and sound within or apart.
fn package(folder: &Path, streams: &str) {
    let input = |name: &str| ["-i".to_owned(), demo().join(name).display().to_string()];
    let status = Command::new("ffmpeg")
        .args(["-y", "-hide_banner", "-loglevel", "error"])
        .args(input("v180.mp4"))
        .args(input("v360.mp4"))
        .args(input("a-en.mp4"))
        .args(["-map", "0:v", "-map", "2:a", "-map", "1:v", "-map", "2:a", "-c", "copy", "-f", "hls", "-hls_time", "2"])
        .args(["-hls_playlist_type", "vod", "-master_pl_name", "master.m3u8", "-var_stream_map", streams])
        .args(["-hls_segment_filename", "%v-%d.ts", "%v.m3u8"])
        .current_dir(folder)
        .status()
        .expect("ffmpeg is installed by make setup");
    assert!(status.success());
}

/// The report of the demo title's smallest picture with English sound in one variant: what ffmpeg is told of either, and
/// which codec the sound gets.
fn play_one_variant(picture: &[&str], sound: &[&str], codec: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let input = |name: &str| ["-i".to_owned(), demo().join(name).display().to_string()];
    let status = Command::new("ffmpeg")
        .args(["-y", "-hide_banner", "-loglevel", "error"])
        .args(picture)
        .args(input("v180.mp4"))
        .args(sound)
        .args(input("a-en.mp4"))
        .args(["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", codec, "-f", "hls", "-hls_time", "2"])
        .args(["-hls_playlist_type", "vod", "-hls_segment_filename", "%d.ts", "main.m3u8"])
        .current_dir(folder.path())
        .status()
        .expect("ffmpeg is installed by make setup");
    assert!(status.success());
    let url = format!("file://{}/main.m3u8", folder.path().display());
    telecine(["play", &url, "--clock", "virtual", "--sink", "audio", "--json"]).ok()
}

#[test]
fn every_sample_of_transport_streams_comes_once_and_sound_decodes() {
    for streams in ["v:0,a:0 v:1,a:1", "v:0,agroup:x v:1,agroup:x a:0,agroup:x a:1,agroup:x"] {
        let folder = tempfile::tempdir().expect("a folder");
        package(folder.path(), streams);
        let url = format!("file://{}/master.m3u8", folder.path().display());
        let report = telecine(["play", &url, "--clock", "virtual", "--sink", "audio", "--json"]).ok();
        assert_eq!(report["outcome"], "ended", "{streams}: {report:#}");
        let (video, audio) = (track(&report, "video"), track(&report, "audio"));
        // What the demo title's files hold: 600 pictures, 1125 frames of sound.
        assert_eq!(video["samples"], 600, "{streams}");
        assert_eq!((&video["gaps"], &audio["gaps"]), (&0.into(), &0.into()), "{streams}");
        assert_eq!(audio["samples"], 1125, "{streams}");
        assert_eq!((&audio["decoded"], &audio["decode_errors"]), (&1125.into(), &0.into()), "{streams}");
        assert_eq!(report["stalls"]["count"], 0, "{streams}");
    }
}

#[test]
fn one_of_the_streams_may_begin_late_or_end_early_and_the_other_plays() {
    // What ffmpeg is told of the picture and of the sound, and how many pictures there are: cut as a copy, one more.
    let cases: [(&[&str], &[&str], std::ops::RangeInclusive<u64>); 3] = [
        (&[], &["-itsoffset", "0.8"], 600..=600),
        (&[], &["-itsoffset", "5"], 600..=600),
        (&["-t", "10"], &[], 250..=251),
    ];
    for (picture, sound, pictures) in cases {
        let report = play_one_variant(picture, sound, "copy");
        assert_eq!(report["outcome"], "ended", "{picture:?} {sound:?}: {report:#}");
        let (video, audio) = (track(&report, "video"), track(&report, "audio"));
        assert!(video["samples"].as_u64().is_some_and(|count| pictures.contains(&count)), "{picture:?}: {video}");
        let counts = ["samples", "decoded", "decode_errors"].map(|name| audio[name].as_u64());
        assert_eq!(counts, [Some(1125), Some(1125), Some(0)], "{picture:?} {sound:?}");
        assert_eq!((&report["stalls"]["count"], &report["errors"]), (&0.into(), &serde_json::json!([])), "{sound:?}");
    }
}

#[test]
fn segments_of_sound_alone_are_played_and_that_the_picture_is_missing_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    package(folder.path(), "v:0,a:0 v:1,a:1");
    for number in 5..12 {
        let (whole, alone) = (format!("0-{number}.ts"), format!("alone-{number}.ts"));
        let status = Command::new("ffmpeg")
            .args(["-y", "-hide_banner", "-loglevel", "error", "-copyts", "-i", &whole])
            .args(["-map", "0:a", "-c", "copy", "-muxdelay", "0", "-muxpreload", "0", &alone])
            .current_dir(folder.path())
            .status()
            .expect("ffmpeg is installed by make setup");
        assert!(status.success());
        std::fs::rename(folder.path().join(alone), folder.path().join(whole)).expect("renamed");
    }
    let url = format!("file://{}/0.m3u8", folder.path().display());
    let report = telecine(["play", &url, "--clock", "virtual", "--sink", "audio", "--json"]).ok();
    assert_eq!((&report["outcome"], &report["stalls"]["count"]), (&"ended".into(), &0.into()), "{report:#}");
    assert_eq!((&track(&report, "video")["samples"], &track(&report, "audio")["decoded"]), (&250.into(), &1125.into()));
    let told: Vec<&Value> = report["errors"].as_array().into_iter().flatten().map(|error| &error["name"]).collect();
    assert_eq!(told, ["SegmentEmpty"]);
}

#[test]
fn sound_of_layer_two_is_decoded() {
    let report = play_one_variant(&[], &[], "mp2");
    let audio = track(&report, "audio");
    // 24 seconds of 48 kHz, 1,152 samples a frame.
    assert_eq!(
        (&audio["samples"], &audio["decoded"], &audio["decode_errors"]),
        (&1000.into(), &1000.into(), &0.into())
    );
}

#[test]
fn faults_of_a_stream_that_were_tolerated_are_in_the_report_each_once_with_a_count() {
    let folder = tempfile::tempdir().expect("a folder");
    package(folder.path(), "v:0,a:0 v:1,a:1");
    // Bytes that are no packet behind the programme's tables of every segment.
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).expect("readable").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "ts") {
            let mut bytes = std::fs::read(&path).expect("readable");
            bytes.splice(3 * 188..3 * 188, [0; 7]);
            std::fs::write(&path, bytes).expect("written");
            files += 1;
        }
    }
    assert!(files > 20);
    let url = format!("file://{}/master.m3u8", folder.path().display());
    let run = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--json"]);
    let report = run.ok();
    assert_eq!(report["outcome"], "ended");
    let warnings = report["warnings"].as_array().expect("a list");
    let garbage: Vec<_> = warnings.iter().filter(|warning| warning["rule"] == "T001").collect();
    assert_eq!(garbage.len(), 1, "{warnings:#?}");
    assert_eq!((&garbage[0]["kind"], &garbage[0]["segment"]), (&"video".into(), &0.into()));
    let segments = report["requests"]["total"].as_u64().expect("a count");
    let count = garbage[0]["count"].as_u64().expect("a count");
    assert!(count >= 12 && count < segments, "{count}");
}
