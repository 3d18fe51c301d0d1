//! `remux` judged by ffprobe and ffmpeg: counts and times of input and output are equal, and everything decodes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{folder, telecine};
use serde_json::Value;

fn stream(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/container/tests/data/ts").join(name)
}

/// Seconds at which the packets of a stream of a file are shown, ascending.
fn times(path: &Path, select: &str) -> Vec<f64> {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", select, "-show_entries", "packet=pts_time", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let text = String::from_utf8(out.stdout).unwrap();
    let mut times: Vec<f64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// Decodes everything and fails on any complaint.
fn decodes(path: &Path) {
    let out = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(path).args(["-f", "null", "-"]).output().unwrap();
    assert!(
        out.status.success() && out.stderr.is_empty(),
        "{}: {}",
        path.display(),
        String::from_utf8_lossy(&out.stderr)
    );
}

fn compare(input: &Path, output: &Path, select: &str, of_output: &str) {
    let (from, to) = (times(input, select), times(output, of_output));
    assert!(!from.is_empty(), "{} has no {select}", input.display());
    assert_eq!(from.len(), to.len(), "{} {select}", input.display());
    // A tick of 90 kHz, rounded at both ends.
    for at in [0, from.len() - 1] {
        assert!((from[at] - to[at]).abs() < 2.5e-5, "{} {select}: {} and {}", input.display(), from[at], to[at]);
    }
}

#[test]
fn every_stream_has_as_many_samples_at_the_same_times() {
    let out = folder(&[]);
    for name in ["avc_aac", "eac3", "ac3", "mp3", "surround", "hevc"] {
        let (input, output) = (stream(&format!("{name}.ts")), out.path().join(format!("{name}.mp4")));
        let done = telecine(["remux", input.to_str().unwrap(), output.to_str().unwrap(), "--json"]).ok();
        let tracks = done["outputs"][0]["tracks"].as_array().unwrap();
        assert!(!tracks.is_empty(), "{name}");
        for track in tracks {
            let select = if track["kind"] == "video" { "v:0" } else { "a:0" };
            compare(&input, &output, select, select);
            assert_eq!(track["samples"].as_u64().unwrap() as usize, times(&output, select).len(), "{name}");
        }
        decodes(&output);
    }
}

#[test]
fn packed_audio_keeps_its_frames() {
    let out = folder(&[]);
    for name in ["packed_aac.aac", "packed_ac3.ac3", "packed_mp3.mp3"] {
        let (input, output) = (stream(name), out.path().join("out.mp4"));
        telecine(["remux", input.to_str().unwrap(), output.to_str().unwrap(), "--json"]).ok();
        assert_eq!(times(&input, "a:0").len(), times(&output, "a:0").len(), "{name}");
        decodes(&output);
    }
}

#[test]
fn a_folder_gets_a_file_for_each_track() {
    let out = folder(&[]);
    let target = format!("{}/tracks/", out.path().display());
    let input = stream("avc_aac.ts");
    let run = telecine(["remux", input.to_str().unwrap(), &target]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("video.mp4") && run.stdout.contains("audio.mp4"), "{}", run.stdout);
    for (file, select) in [("video.mp4", "v:0"), ("audio.mp4", "a:0")] {
        let output = Path::new(&target).join(file);
        compare(&input, &output, select, select);
        decodes(&output);
    }
}

#[test]
fn segments_of_a_rendition_become_one_file() {
    let out = folder(&[]);
    let whole = std::fs::read(stream("avc_aac.ts")).unwrap();
    let cut = whole.len() / 188 / 2 * 188;
    let (first, second) = (out.path().join("1.ts"), out.path().join("2.ts"));
    std::fs::write(&first, &whole[..cut]).unwrap();
    std::fs::write(&second, &whole[cut..]).unwrap();
    let output = out.path().join("out.mp4");
    let document = telecine([Path::new("remux"), &first, &second, &output, Path::new("--json")]).ok();
    assert_eq!(document["inputs"].as_array().unwrap().len(), 2);
    assert_eq!(times(&output, "v:0").len(), times(&stream("avc_aac.ts"), "v:0").len());
}

#[test]
fn probe_of_a_stream_counts_what_ffprobe_counts() {
    for (name, container) in
        [("avc_aac.ts", "ts"), ("eac3.ts", "ts"), ("packed_aac.aac", "adts"), ("packed_ac3.ac3", "ac3")]
    {
        let document = telecine(["probe", stream(name).to_str().unwrap(), "--json"]).ok();
        assert_eq!(document["container"], container);
        for track in document["tracks"].as_array().unwrap() {
            let select = if track["kind"] == "video" { "v:0" } else { "a:0" };
            let found = times(&stream(name), select);
            assert_eq!(track["sample_count"].as_u64().unwrap() as usize, found.len(), "{name}");
            assert!(track["samples"].as_array().unwrap().iter().all(|sample: &Value| sample["crc32"].is_u64()));
        }
    }
}

#[test]
fn what_is_no_stream_is_refused_and_nothing_is_left_behind() {
    let out = folder(&[("noise.ts", "this is no transport stream at all, whatever its name says")]);
    let output = out.path().join("out.mp4");
    let noise = telecine([Path::new("remux"), &out.path().join("noise.ts"), &output]);
    assert_eq!(noise.code, 3, "{}", noise.stderr);
    let protected = telecine([Path::new("remux"), &stream("sa_avc.ts"), &output]);
    assert_eq!(protected.code, 5, "{}", protected.stderr);
    let alone = telecine(["remux", "x"]);
    assert_eq!(alone.code, 2, "{}", alone.stderr);
    assert!(!output.exists() && std::fs::read_dir(out.path()).unwrap().count() == 1);
}
