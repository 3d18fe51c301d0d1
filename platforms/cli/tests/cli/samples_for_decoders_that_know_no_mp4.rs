//! `PlainSamples` judged by ffmpeg: what it decodes of the byte stream is what it decodes of the file.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::folder;
use telecine_container::{IsoReader, PlainSamples, Unit};
use telecine_model::Limits;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/container/tests/data").join(name)
}

/// Checksums of everything that ffmpeg decodes of a file's first stream of a kind, in order.
fn decoded(path: &Path, kind: &str) -> Vec<String> {
    let mut ffmpeg = Command::new("ffmpeg");
    // Edit lists cut what a stream without a container cannot cut.
    if path.extension().is_some_and(|extension| extension == "mp4") {
        ffmpeg.args(["-ignore_editlist", "1"]);
    }
    let map = format!("0:{kind}:0");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(path).args([
        "-map",
        &map,
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]);
    let out = ffmpeg.output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.is_empty(), "{}: {said}", path.display());
    let text = String::from_utf8(out.stdout).unwrap();
    let sums = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit(',').next());
    sums.map(|sum| sum.trim().to_owned()).collect()
}

#[test]
fn decode_to_what_the_file_decodes_to() {
    let out = folder(&[]);
    let files = [
        ("chunked.mp4", "v", "h264"),
        ("cmaf_sidx.mp4", "v", "h264"),
        ("negative_ctts.mp4", "v", "h264"),
        ("hevc.mp4", "v", "hevc"),
        ("hevc10.mp4", "v", "hevc"),
        ("muxed_edit.mp4", "a", "aac"),
        ("ac3.mp4", "a", "ac3"),
        ("eac3.mp4", "a", "eac3"),
    ];
    for (name, kind, extension) in files {
        let mut reader = IsoReader::new(&Limits::default());
        reader.push(std::fs::read(fixture(name)).unwrap().into());
        let (mut stream, mut track) = (Vec::new(), None);
        while let Some(unit) = reader.poll().unwrap() {
            match unit {
                Unit::Init(init) => {
                    let wanted = if kind == "v" { *b"vide" } else { *b"soun" };
                    let found = init.tracks.iter().find(|track| track.handler == wanted).unwrap();
                    track = Some((found.id, PlainSamples::new(&found.config).unwrap()));
                }
                Unit::Fragment(fragment) => {
                    let (id, plain) = track.as_ref().unwrap();
                    for part in fragment.tracks.iter().filter(|part| part.track_id == *id) {
                        for sample in &part.samples {
                            let data = fragment.sample(sample).unwrap();
                            stream.extend_from_slice(&plain.sample(&data, sample.sync).unwrap());
                        }
                    }
                }
                _ => {}
            }
        }
        let path = out.path().join(format!("{name}.{extension}"));
        std::fs::write(&path, stream).unwrap();
        let (ours, whole) = (decoded(&path, kind), decoded(&fixture(name), kind));
        assert!(whole.len() > 20, "{name}: {} frames", whole.len());
        assert_eq!(ours, whole, "{name}");
    }
}
