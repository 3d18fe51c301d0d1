//! `remux` of MP4 judged by ffprobe and ffmpeg: packets of input and output are equal, and everything decodes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{data, folder, telecine, Run};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/container/tests/data").join(name)
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/golden").join(name)
}

fn ffprobe(path: &Path, args: &[&str]) -> Value {
    let out = Command::new("ffprobe").args(["-v", "error", "-of", "json"]).args(args).arg(path).output().unwrap();
    assert!(out.status.success(), "{}: {out:?}", path.display());
    serde_json::from_slice(&out.stdout).unwrap()
}

fn ffmpeg(args: &[&str]) {
    let out = Command::new("ffmpeg").args(["-nostdin", "-v", "error", "-y"]).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// Of every stream in order: when each packet is shown and decoded, its size, whether it is a key frame, its checksum.
fn packets(path: &Path, more: &[&str]) -> Vec<Vec<String>> {
    let entries = "packet=stream_index,pts,dts,size,flags,data_hash:stream=index";
    let args = [&["-show_packets", "-show_data_hash", "CRC32", "-show_entries", entries], more].concat();
    let found = ffprobe(path, &args);
    let mut streams = vec![Vec::new(); found["streams"].as_array().unwrap().len()];
    for packet in found["packets"].as_array().unwrap() {
        // The second flag says that an edit list hides it, which ffmpeg tells of progressive files only.
        let key = packet["flags"].as_str().unwrap().starts_with('K');
        let line = format!("{} {} {} {key} {}", packet["pts"], packet["dts"], packet["size"], packet["data_hash"]);
        streams[packet["stream_index"].as_u64().unwrap() as usize].push(line);
    }
    streams
}

/// When each stream ends, in its own ticks: what the last packet lasts by the container.
fn ends(path: &Path) -> Vec<i64> {
    let streams = ffprobe(path, &["-show_entries", "stream=start_pts,duration_ts,codec_type"]);
    let streams = streams["streams"].as_array().unwrap();
    streams.iter().map(|s| s["start_pts"].as_i64().unwrap() + s["duration_ts"].as_i64().unwrap()).collect()
}

/// Decodes everything and fails on any complaint.
fn decodes(path: &Path) {
    let out = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(path).args(["-f", "null", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.is_empty(), "{}: {said}", path.display());
}

fn remux(inputs: &[&Path], output: &Path) -> Run {
    telecine([&[Path::new("remux")], inputs, &[output, Path::new("--json")]].concat())
}

/// Every sample with its checksum, as `probe` lists them.
fn samples(path: &Path) -> Vec<Value> {
    let document = telecine(["probe", path.to_str().unwrap(), "--json"]).ok();
    let tracks = document["tracks"].as_array().unwrap().iter();
    tracks.map(|track| serde_json::json!([track["codec"], track["timescale"], track["samples"]])).collect()
}

fn compare(input: &Path, output: &Path) {
    let name = input.display();
    assert_eq!(packets(input, &["-ignore_editlist", "1"]), packets(output, &["-ignore_editlist", "1"]), "{name}");
    // Packets behind the end of an edit list ffmpeg hides in progressive files only.
    for (from, to) in packets(input, &[]).iter().zip(packets(output, &[])) {
        assert!(!from.is_empty() && to.starts_with(from), "{name}, as edit lists say: {from:?} {to:?}");
    }
    assert_eq!(samples(input), samples(output), "{name}");
    decodes(output);
}

const CODECS: [&str; 17] = [
    "ac3",
    "alac",
    "av1",
    "av1_hdr",
    "chunked",
    "cmaf_sidx",
    "dash_sidx",
    "delayed_audio",
    "eac3",
    "flac",
    "hevc",
    "hevc10",
    "muxed_edit",
    "negative_ctts",
    "omit_offset",
    "opus",
    "vp9",
];

#[test]
fn every_codec_and_layout_has_the_same_packets_afterwards() {
    let out = folder(&[]);
    let output = out.path().join("out.mp4");
    for name in CODECS.iter().chain(&["progressive", "faststart"]) {
        let input = fixture(&format!("{name}.mp4"));
        let done = remux(&[&input], &output).ok();
        assert_eq!(done["outputs"][0]["tracks"].as_array().unwrap().len(), packets(&input, &[]).len());
        compare(&input, &output);
    }
}

#[test]
fn progressive_files_of_every_codec_have_the_same_packets_afterwards() {
    let out = folder(&[]);
    let (input, output) = (out.path().join("in.mp4"), out.path().join("out.mp4"));
    for (number, name) in CODECS.iter().enumerate() {
        // One with moov behind the media, one with moov before it, and so on.
        let layout: &[&str] = if number % 2 == 0 { &[] } else { &["-movflags", "+faststart"] };
        let fragmented = fixture(&format!("{name}.mp4"));
        let file = [fragmented.to_str().unwrap(), input.to_str().unwrap()];
        ffmpeg(&[&["-i", file[0], "-map", "0", "-c", "copy", "-strict", "-2"], layout, &file[1..]].concat());
        assert!(std::fs::read(&input).unwrap().windows(4).all(|kind| kind != b"moof"), "{name}");
        remux(&[&input], &output).ok();
        compare(&input, &output);
        assert_eq!(ends(&input), ends(&output), "{name}");
    }
}

#[test]
fn fragments_begin_at_key_frames_and_have_every_track_beside_the_picture() {
    let out = folder(&[]);
    let (input, output) = (out.path().join("in.mp4"), out.path().join("out.mp4"));
    let source = fixture("progressive.mp4");
    // Ten times the same two seconds.
    ffmpeg(&["-stream_loop", "9", "-i", source.to_str().unwrap(), "-c", "copy", input.to_str().unwrap()]);
    remux(&[&input], &output).ok();
    compare(&input, &output);
    let places = ffprobe(&output, &["-show_entries", "packet=stream_index,pos,flags,dts_time"]);
    let bytes = std::fs::read(&output).unwrap();
    let starts: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, kind)| kind == b"mdat").map(|(at, _)| at).collect();
    assert!((8..=11).contains(&starts.len()), "{} fragments of 20 s", starts.len());
    for (at, start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(usize::MAX);
        let inside = |packet: &&Value| {
            let place: usize = packet["pos"].as_str().unwrap().parse().unwrap();
            (*start..end).contains(&place)
        };
        let here: Vec<&Value> = places["packets"].as_array().unwrap().iter().filter(inside).collect();
        let of = |stream: i64| here.iter().find(|packet| packet["stream_index"] == stream);
        let time = |packet: &Value| packet["dts_time"].as_str().unwrap().parse::<f64>().unwrap();
        let Some(video) = of(0) else {
            // What the sound is longer than the picture.
            assert_eq!(at, starts.len() - 1);
            continue;
        };
        assert!(video["flags"].as_str().unwrap().starts_with('K'));
        assert!((time(video) - time(of(1).unwrap())).abs() < 0.15, "fragment {at}");
    }
}

#[test]
fn a_folder_gets_a_cmaf_file_for_each_track() {
    let out = folder(&[]);
    let target = format!("{}/tracks/", out.path().display());
    let input = fixture("progressive.mp4");
    let run = telecine(["remux", input.to_str().unwrap(), &target]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let whole = packets(&input, &["-ignore_editlist", "1"]);
    for (file, stream) in [("video.mp4", 0), ("audio.mp4", 1)] {
        let output = Path::new(&target).join(file);
        assert!(run.stdout.contains(file), "{}", run.stdout);
        assert_eq!(packets(&output, &["-ignore_editlist", "1"]), [whole[stream].clone()]);
        let brands = ffprobe(&output, &["-show_entries", "format_tags=compatible_brands"]);
        assert!(brands["format"]["tags"]["compatible_brands"].as_str().unwrap().contains("cmfc"), "{brands}");
        decodes(&output);
    }
}

#[test]
fn an_initialisation_segment_and_segments_behind_it_are_one_rendition() {
    let out = folder(&[]);
    let whole = data("fragmented.mp4");
    let bytes = std::fs::read(&whole).unwrap();
    let mut cuts: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, kind)| kind == b"moof").map(|(at, _)| at - 4).collect();
    assert!(cuts.len() > 1);
    cuts.push(bytes.len());
    let mut inputs = vec![out.path().join("init.mp4")];
    std::fs::write(&inputs[0], &bytes[..cuts[0]]).unwrap();
    for (number, cut) in cuts.windows(2).enumerate() {
        let path = out.path().join(format!("{number}.m4s"));
        std::fs::write(&path, &bytes[cut[0]..cut[1]]).unwrap();
        inputs.push(path);
    }
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let output = out.path().join("out.mp4");
    let done = remux(&inputs, &output).ok();
    assert_eq!(done["inputs"].as_array().unwrap().len(), inputs.len());
    compare(&whole, &output);
    let alone = remux(&inputs[1..], &output);
    assert_eq!(alone.code, 2);
    assert!(alone.stderr.contains("give that in front of it; see telecine remux"), "{}", alone.stderr);
}

#[test]
fn another_movie_goes_on_in_another_file() {
    let out = folder(&[]);
    let (first, second) = (fixture("faststart.mp4"), fixture("hevc.mp4"));
    let output = out.path().join("out.mp4");
    let done = remux(&[&first, &second], &output).ok();
    assert_eq!(done["outputs"].as_array().unwrap().len(), 2);
    compare(&first, &output);
    compare(&second, &out.path().join("out-2.mp4"));
}

#[test]
fn subtitles_stay_beside_picture_and_sound() {
    let out =
        folder(&[("s.srt", "1\n00:00:00,100 --> 00:00:00,900\nHallo\n\n2\n00:00:01,200 --> 00:00:01,800\nWelt\n")]);
    let (input, output) = (out.path().join("in.mp4"), out.path().join("out.mp4"));
    let (source, text) = (fixture("progressive.mp4"), out.path().join("s.srt"));
    let files = [source.to_str().unwrap(), text.to_str().unwrap(), input.to_str().unwrap()];
    ffmpeg(&["-i", files[0], "-i", files[1], "-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text", files[2]]);
    let done = remux(&[&input], &output).ok();
    assert_eq!(done["outputs"][0]["tracks"][2]["codec"], "tx3g");
    assert_eq!(packets(&input, &["-ignore_editlist", "1"]), packets(&output, &["-ignore_editlist", "1"]));
    assert_eq!(samples(&input), samples(&output));
    for name in ["text/wvtt.mp4", "text/stpp.mp4"] {
        let input = fixture(name);
        remux(&[&input], &output).ok();
        let texts = |path: &Path| telecine(["probe", path.to_str().unwrap(), "--json"]).ok()["texts"].clone();
        assert!(texts(&input).as_array().is_some_and(|texts| !texts.is_empty()), "{name}");
        assert_eq!((texts(&input), samples(&input)), (texts(&output), samples(&output)), "{name}");
    }
}

#[test]
fn protected_media_is_for_decrypt_first() {
    let out = folder(&[]);
    let (clear, output) = (out.path().join("clear.mp4"), out.path().join("out.mp4"));
    let input = golden("cenc.v.mp4");
    let refused = remux(&[&input], &output);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    assert!(refused.stderr.contains("telecine decrypt"), "{}", refused.stderr);
    let listed = remux(&[&fixture("cenc.mp4")], &output);
    assert_eq!(listed.code, 3, "{}", listed.stderr);
    assert!(listed.stderr.trim_end().ends_with("; package as CMAF"), "no other codec helps: {}", listed.stderr);
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    let key = "00112233445566778899aabbccddeeff:0123456789abcdef0123456789abcdef";
    let files = [input.to_str().unwrap(), clear.to_str().unwrap()];
    telecine(["decrypt", "--key", key, files[0], files[1], "--json"]).ok();
    assert_eq!(remux(&[&clear], &output).ok()["warnings"], serde_json::json!([]));
    assert_eq!(samples(&output), samples(&golden("clear.v.mp4")));
    decodes(&output);
}

#[test]
fn what_does_not_go_together_or_is_cut_off_is_refused_and_leaves_nothing_behind() {
    let out = folder(&[("a.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nHallo\n")]);
    let output = out.path().join("out.mp4");
    let (movie, stream) = (fixture("faststart.mp4"), fixture("ts/avc_aac.ts"));
    let mixed = remux(&[&movie, &stream], &output);
    assert_eq!(mixed.code, 2, "{}", mixed.stderr);
    let text = remux(&[&out.path().join("a.vtt")], &output);
    assert_eq!(text.code, 2, "{}", text.stderr);
    let itself = out.path().join("in.mp4");
    std::fs::copy(&movie, &itself).unwrap();
    assert_eq!(remux(&[&itself], &itself).code, 2);
    for name in ["faststart", "progressive", "muxed_edit"] {
        let bytes = std::fs::read(fixture(&format!("{name}.mp4"))).unwrap();
        std::fs::write(&itself, &bytes[..bytes.len() - 100]).unwrap();
        let cut = remux(&[&itself], &output);
        assert_eq!(cut.code, 3, "{name}: {}", cut.stderr);
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 2);
}
