//! What ffprobe says of the files in `tests/data`, and what this crate says.
//!
//! ffprobe's words are committed beside the files; `tests/data/make.sh` made both.

use crate::support::{data, FILES};
use bytes::Bytes;
use telecine_container::{read_file, DecoderConfig, Media};
use telecine_model::Limits;

fn media(name: &str) -> Media {
    read_file(data(&format!("{name}.mp4")), None, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn rows(name: &str, kind: &str) -> Vec<Vec<String>> {
    let text = data(&format!("{name}.{kind}.csv"));
    String::from_utf8(text.to_vec())
        .expect("ffprobe writes UTF-8")
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Where composition offsets are below zero, ffprobe moves the track's composition times up until
/// none is before its decode time: the files, and by how much.
fn shift(name: &str) -> i64 {
    match name {
        "cmaf_sidx" | "negative_ctts" => 512,
        _ => 0,
    }
}

#[test]
fn every_sample_has_the_times_size_place_and_sync_flag_that_ffprobe_reads() {
    for name in FILES {
        let media = media(name);
        let rows = rows(name, "media");
        for (index, track) in media.tracks.iter().enumerate() {
            let expected: Vec<_> = rows.iter().filter(|row| number(&row[0]) == index as i64).collect();
            assert_eq!(track.samples.len(), expected.len(), "{name}");
            for (at, (sample, row)) in track.samples.iter().zip(&expected).enumerate() {
                let what = format!("{name} track {index} sample {at}: {row:?}");
                assert_eq!(sample.pts() + shift(name), number(&row[1]), "pts of {what}");
                assert_eq!(sample.dts, number(&row[2]), "dts of {what}");
                // ffprobe gives the codec's frame as the duration of sound, nothing for some codecs and
                // noise for encrypted ones; what it gives as the next decode time is the container's.
                let duration = match expected.get(at + 1) {
                    Some(next) => number(&next[2]) - number(&row[2]),
                    None if matches!(track.info.config, DecoderConfig::Avc { .. }) && name != "cenc" => number(&row[3]),
                    None => i64::from(sample.duration),
                };
                assert_eq!(i64::from(sample.duration), duration, "duration of {what}");
                assert_eq!(i64::from(sample.size), number(&row[4]), "size of {what}");
                assert_eq!(sample.offset as i64, number(&row[5]), "offset of {what}");
                assert_eq!(sample.sync, row[6].starts_with('K'), "flags of {what}");
            }
        }
    }
}

#[test]
fn presentation_times_follow_the_edit_list_as_ffprobe_applies_it() {
    for name in FILES {
        let media = media(name);
        let rows = rows(name, "shown");
        for (index, track) in media.tracks.iter().enumerate() {
            let expected: Vec<i64> =
                rows.iter().filter(|row| number(&row[0]) == index as i64).map(|row| number(&row[1])).collect();
            let shown: Vec<i64> =
                track.samples.iter().map(|sample| track.info.presentation_time(sample.pts()) + shift(name)).collect();
            assert_eq!(shown, expected, "{name} track {index}: {:?}", track.info.edit);
        }
    }
}

#[test]
fn streams_have_the_size_rate_and_channels_that_ffprobe_reads() {
    for name in FILES {
        let media = media(name);
        let rows = rows(name, "streams");
        assert_eq!(media.tracks.len(), rows.len());
        for (track, row) in media.tracks.iter().zip(&rows) {
            let info = &track.info;
            let numbers = |a: Option<u32>, b: Option<u32>| [a, b].map(|value| value.unwrap_or(0).to_string());
            let expected = match info.kind.name() {
                "video" => numbers(info.width, info.height),
                _ => numbers(info.sample_rate, info.channels),
            };
            assert_eq!(&row[2..4], &expected, "{name}");
            assert_eq!(row[4], format!("1/{}", info.timescale.get()), "{name}");
        }
    }
}

#[test]
fn the_bytes_of_a_sample_are_those_of_the_file_at_its_place() {
    for name in FILES {
        let media = media(name);
        let file: Bytes = data(&format!("{name}.mp4"));
        for sample in media.tracks.iter().flat_map(|track| &track.samples) {
            let start = sample.offset as usize;
            let bytes = media.sample(sample).expect("inside the file");
            assert_eq!(bytes, file[start..start + sample.size as usize], "{name}");
        }
    }
}

#[test]
fn codec_strings_are_those_that_a_manifest_would_carry() {
    // As ffmpeg's DASH muxer writes them for the same files; HEVC, of which it writes the entry type
    // only, by hand from the bytes of hvcC.
    for (name, codecs) in [
        ("muxed_edit", &["avc1.64000a", "mp4a.40.2"][..]),
        ("hevc", &["hvc1.1.6.L30.90"]),
        ("hevc10", &["hev1.2.4.L30.90"]),
        ("vp9", &["vp09.00.10.08"]),
        ("av1", &["av01.0.00M.08"]),
        ("av1_hdr", &["av01.0.00M.10.0.110.09.16.09.0"]),
        ("opus", &["Opus"]),
        ("flac", &["fLaC"]),
        ("alac", &["alac"]),
        ("ac3", &["ac-3"]),
        ("eac3", &["ec-3"]),
        ("cenc", &["avc1.64000a"]),
    ] {
        let found: Vec<String> = media(name).tracks.iter().map(|track| track.info.codec.to_string()).collect();
        assert_eq!(found, codecs, "{name}");
    }
}
