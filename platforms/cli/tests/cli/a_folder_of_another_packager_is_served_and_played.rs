use std::path::Path;
use std::process::Command;

use crate::common::{folder, telecine, track, Origin};

/// Packages a minute of nothing but the demo title's picture and sound with ffmpeg; false, loudly, without it.
fn package(folder: &Path, output: &str, options: &[&str]) -> bool {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/demo");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(demo.join("v180.mp4")).arg("-i").arg(demo.join("a-en.mp4"));
    ffmpeg.args(["-map", "0:v", "-map", "1:a", "-c", "copy"]).args(options).arg(folder.join(output));
    match ffmpeg.status() {
        Ok(status) => {
            assert!(status.success(), "{output}");
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: ffmpeg cannot be run ({error}); this test proves nothing here");
            false
        }
    }
}

#[test]
fn to_the_last_sample_in_segments_in_single_files_and_without_byte_ranges() {
    let folder = folder(&[]);
    let hls = ["-f", "hls", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"];
    let single_hls = [&hls[..], &["-hls_flags", "single_file"]].concat();
    for (output, options) in [
        ("hls.m3u8", &hls[..]),
        ("single.m3u8", &single_hls),
        ("dash.mpd", &["-f", "dash"]),
        ("single.mpd", &["-f", "dash", "-single_file", "1"]),
    ] {
        if !package(folder.path(), output, options) {
            return;
        }
    }
    let origin = Origin::with(["--folder", &format!("film={}", folder.path().display())]);
    for path in ["hls.m3u8", "single.m3u8", "dash.mpd", "single.mpd"] {
        for faults in ["", "norange_1/", "cut_2@9000x1/"] {
            let url = format!("{}/files/{faults}film/{path}", origin.url);
            let report = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--json"]).ok();
            assert_eq!(report["outcome"], "ended", "{url}");
            assert_eq!(track(&report, "video")["samples"], 600, "{url}");
            assert_eq!(track(&report, "audio")["samples"], 1125, "{url}");
        }
    }
}

#[test]
fn whatever_can_be_played_is_listed_when_the_origin_starts() {
    let media = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1.ts\n#EXT-X-ENDLIST\n";
    let folder = folder(&[
        ("a/main.mpd", "<MPD/>"),
        ("a/alone.m3u8", media),
        ("a/main.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"),
        ("a/v.m3u8", media),
        ("a/1.m4s", ""),
    ]);
    let origin = Origin::with(["--folder", folder.path().join("a").to_str().expect("text")]);
    let files = format!("{}/files/a/", origin.url);
    let said = origin.said_until("Ctrl-C");
    let listed: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix(&files)).collect();
    let names: Vec<&str> = listed.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["alone.m3u8", "main.m3u8", "main.mpd"], "{said}");
    assert!(listed[0].contains(" HLS, from ") && listed[2].contains(" DASH, from "), "{said}");
}
