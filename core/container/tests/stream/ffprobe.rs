//! What ffprobe says of the files in `tests/data/ts`, and what this crate makes of them.
//!
//! ffprobe's words are committed beside the files; `tests/data/ts/make.sh` made both.

use std::process::Command;

use crate::support::*;
use telecine_container::{read_file, CmafChecker, StreamUnit, Unit};
use telecine_model::{Limits, TrackKind};

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Files with their tables.
fn all() -> impl Iterator<Item = (String, &'static str)> {
    let streams = STREAMS.iter().map(|name| (format!("{name}.ts"), *name));
    streams.chain(PACKED.iter().map(|file| ((*file).to_owned(), file.split('.').next().expect("a name"))))
}

/// Rows of a table for one stream.
fn of_stream(rows: &[Vec<String>], index: usize) -> Vec<&Vec<String>> {
    rows.iter().filter(|row| number(&row[0]) == index as i64).collect()
}

#[test]
fn every_sample_comes_once_with_the_bytes_that_ffmpeg_remuxes() {
    for (file, name) in all() {
        let tracks = tracks(&read(data(&file)));
        let rows = rows(&format!("{name}.bytes.csv"));
        for (index, track) in tracks.iter().enumerate() {
            let expected = of_stream(&rows, index);
            assert_eq!(track.samples.len(), expected.len(), "{name}");
            for (at, (taken, row)) in track.samples.iter().zip(expected).enumerate() {
                let what = format!("{name} track {index} sample {at}: {row:?}");
                assert_eq!(i64::from(taken.sample.size), number(&row[1]), "size of {what}");
                assert_eq!(format!("CRC32:{:08x}", crc32(&taken.bytes)), row[2], "bytes of {what}");
            }
        }
    }
}

#[test]
fn every_sample_has_the_times_and_the_sync_flag_that_ffprobe_reads_in_the_stream() {
    const WRAP: i64 = 1 << 33;
    for (file, name) in all().filter(|(file, _)| file.ends_with(".ts")) {
        let tracks = tracks(&read(data(&file)));
        let rows = rows(&format!("{name}.times.csv"));
        for (index, track) in tracks.iter().enumerate() {
            let rate = i64::from(track.info.timescale.get());
            let expected = of_stream(&rows, index);
            assert_eq!(track.samples.len(), expected.len(), "{name}");
            for (at, (taken, row)) in track.samples.iter().zip(expected).enumerate() {
                let what = format!("{name} track {index} sample {at}: {row:?}");
                for (ticks, expected) in [(taken.sample.pts(), &row[1]), (taken.sample.dts, &row[2])] {
                    // ffprobe takes the wrap back to before zero.
                    let expected = number(expected) + if name == "wrap" { WRAP } else { 0 };
                    // Video is counted in the stream's own ticks; sound in samples, and ffprobe rounds down
                    // again for each frame of a packet.
                    let difference = ticks * 90_000 - expected * rate;
                    let tolerance = if track.info.kind == TrackKind::Video { 0 } else { 8 * rate };
                    assert!(difference.abs() <= tolerance, "{ticks} of {what}");
                }
                assert_eq!(taken.sample.sync, row[3].starts_with('K'), "flags of {what}");
            }
        }
    }
}

#[test]
fn sound_has_no_seams_and_every_frame_its_exact_duration() {
    for (file, name) in all() {
        for track in tracks(&read(data(&file))).iter().filter(|track| track.info.kind == TrackKind::Audio) {
            let frame = match name {
                "mp3" => 576,
                "mp2" | "packed_mp3" => 1152,
                "ac3" | "ac3_dvb" | "eac3" | "m2ts" | "packed_ac3" | "packed_eac3" => 1536,
                _ => 1024,
            };
            let start = track.samples[0].sample.dts;
            for (at, taken) in track.samples.iter().enumerate() {
                assert_eq!(taken.sample.duration, frame, "{name}");
                assert_eq!(taken.sample.dts, start + at as i64 * i64::from(frame), "{name}");
            }
        }
    }
}

#[test]
fn streams_have_the_size_aspect_rate_and_channels_that_ffprobe_reads() {
    for (file, name) in all() {
        let units = read(data(&file));
        let rows = rows(&format!("{name}.streams.csv"));
        let tracks = tracks(&units);
        assert_eq!(tracks.len(), rows.len(), "{name}");
        for (track, row) in tracks.iter().zip(&rows) {
            let info = &track.info;
            let found = match info.kind {
                TrackKind::Video => [info.width, info.height],
                _ => [info.sample_rate, info.channels],
            };
            assert_eq!(found.map(|value| value.unwrap_or(0).to_string()), row[2..4], "{name}");
        }
        let pasp = inits(&units)[0].data.windows(12).find(|window| window.starts_with(b"pasp")).map(<[u8]>::to_vec);
        let aspect = pasp.map_or("1:1".to_owned(), |pasp| format!("{}:{}", pasp[7], pasp[11]));
        if tracks[0].info.kind == TrackKind::Video {
            assert_eq!(aspect, rows[0][4], "{name}");
        }
    }
}

#[test]
fn codec_strings_are_those_that_a_manifest_would_carry() {
    for (file, codecs) in [
        ("avc_aac.ts", &["avc1.64000a", "mp4a.40.2"][..]),
        ("hevc.ts", &["hvc1.1.6.L30.90"]),
        ("hevc_open.ts", &["hvc1.2.4.L30.90"]),
        ("latm.ts", &["mp4a.40.2"]),
        ("surround.ts", &["mp4a.40.2"]),
        ("ac3.ts", &["ac-3"]),
        ("eac3.ts", &["ec-3"]),
        ("mp2.ts", &["mp4a.6B"]),
        ("mp3.ts", &["mp4a.69"]),
        ("packed_aac.aac", &["mp4a.40.2"]),
        ("packed_mp3.mp3", &["mp4a.6B"]),
        ("packed_ac3.ac3", &["ac-3"]),
        ("packed_eac3.ec3", &["ec-3"]),
    ] {
        let found: Vec<String> = tracks(&read(data(file))).iter().map(|track| track.info.codec.to_string()).collect();
        assert_eq!(found, codecs, "{file}");
    }
}

#[test]
fn languages_of_the_programme_map_are_kept() {
    let tracks = tracks(&read(data("avc_aac.ts")));
    let languages: Vec<Option<String>> =
        tracks.iter().map(|track| track.info.language.as_ref().map(ToString::to_string)).collect();
    assert_eq!(languages, [None, Some("fra".to_owned())]);
}

#[test]
fn what_comes_out_is_what_the_iso_reader_reads_in_its_bytes() {
    for (file, name) in all() {
        let units = read(data(&file));
        let media = read_file(super::support::file(&units).into(), None, &Limits::default()).expect("valid");
        assert_eq!(media.init, inits(&units)[0], "{name}");
        for (track, read) in tracks(&units).iter().zip(&media.tracks) {
            assert_eq!(track.samples.len(), read.samples.len(), "{name}");
            for (taken, sample) in track.samples.iter().zip(&read.samples) {
                let same = telecine_container::Sample { offset: taken.sample.offset, ..*sample };
                assert_eq!((taken.sample, &taken.bytes), (same, &media.sample(sample).expect("inside")), "{name}");
            }
        }
        let mut offset = 0;
        for unit in &units {
            match unit {
                StreamUnit::Init(init) => offset += init.data.len() as u64,
                StreamUnit::Fragment(fragment) => {
                    assert_eq!(fragment.offset, offset, "{name}");
                    assert_eq!(fragment.size, fragment.data.iter().map(|piece| piece.len() as u64).sum::<u64>());
                    offset += fragment.size;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_single_track_is_cmaf() {
    for (file, name) in all() {
        let units = read(data(&file));
        if inits(&units)[0].tracks.len() > 1 {
            continue;
        }
        let mut checker = CmafChecker::new();
        for unit in &units {
            let unit = match unit {
                StreamUnit::Init(init) => Unit::Init(init.clone()),
                StreamUnit::Fragment(fragment) => Unit::Fragment(fragment.clone()),
                _ => continue,
            };
            assert_eq!(checker.check(&unit), [], "{name}");
        }
    }
}

/// Hashes of the frames that ffmpeg decodes of each stream.
fn decoded(path: &str, stream: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i", path, "-map", stream, "-f", "framemd5", "-"])
        .output()
        .unwrap_or_else(|error| panic!("these tests need ffmpeg (make setup installs it): {error}"));
    assert!(output.status.success() && output.stderr.is_empty(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(5).expect("a hash").trim().to_owned())
        .collect()
}

#[test]
fn ffmpeg_decodes_the_same_frames_before_and_after() {
    let folder = std::env::temp_dir().join(format!("telecine-stream-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    for (file, streams) in [
        ("avc_aac.ts", &["0:v", "0:a"][..]),
        ("avc_open.ts", &["0:v", "0:a"]),
        ("wrap.ts", &["0:v", "0:a"]),
        ("zero.ts", &["0:v"]),
        ("hevc.ts", &["0:v"]),
        ("hevc_open.ts", &["0:v"]),
        ("latm.ts", &["0:a"]),
        ("surround.ts", &["0:a"]),
        ("ac3.ts", &["0:a"]),
        ("eac3.ts", &["0:a"]),
        ("mp3.ts", &["0:a"]),
        ("packed_aac.aac", &["0:a"]),
        ("packed_ac3.ac3", &["0:a"]),
        ("packed_eac3.ec3", &["0:a"]),
        ("packed_mp3.mp3", &["0:a"]),
    ] {
        let source = format!("{}/tests/data/ts/{file}", env!("CARGO_MANIFEST_DIR"));
        let remuxed = folder.join(file).with_extension("mp4");
        std::fs::write(&remuxed, super::support::file(&read(data(file)))).expect("written");
        let remuxed = remuxed.to_str().expect("a plain name");
        for stream in streams {
            let frames = decoded(&source, stream);
            assert!(frames.len() > 20, "{file} {stream}: {}", frames.len());
            assert_eq!(decoded(remuxed, stream), frames, "{file} {stream}");
        }
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}
