//! MPDs as ffmpeg 5.1's `dash` muxer wrote them (10.2 s of `testsrc2` and `sine` in segments of
//! 4 s), against what ffprobe and the directory say of the files that it wrote beside them.

use crate::support::*;

use telecine_model::{Presentation, TrackKind};

/// Start and end of each video segment in milliseconds, from ffprobe's packets of
/// init + segment (`-show_entries packet=pts_time,duration_time`).
const VIDEO: [(i64, i64); 3] = [(0, 4000), (4000, 8000), (8000, 10_200)];
/// First and behind-the-last tick of each audio segment, at 48 kHz, from the same; the first
/// begins 1024 samples of priming earlier than the edit list shows.
const AUDIO: [(i64, i64); 3] = [(0, 191_488), (191_488, 384_000), (384_000, 489_600)];

fn files(presentation: &Presentation, track: usize) -> Vec<String> {
    let rendition = &presentation.periods[0].tracks[track].renditions[0];
    let index = rendition.segments.known().expect("known");
    let names = index.table.iter().filter_map(|span| index.get(span.number));
    names.map(|segment| segment.uri.rsplit('/').next().unwrap_or("").to_owned()).collect()
}

/// The segment files in the directory, besides the initialisation sections.
fn written(stream: usize) -> Vec<String> {
    (1..=3).map(|n| format!("chunk-stream{stream}-0000{n}.m4s")).collect()
}

#[test]
fn a_timeline_of_ffmpeg_has_the_times_and_names_of_its_files() {
    let presentation = read(include_str!("data/ffmpeg_timeline.mpd"));
    assert!(presentation.warnings.is_empty(), "{:?}", presentation.warnings);
    let video: Vec<(i64, i64)> = times(&presentation).iter().map(|(start, d)| (*start, start + d)).collect();
    assert_eq!(video, VIDEO);
    let audio = &presentation.periods[0].tracks[1].renditions[0];
    let index = audio.segments.known().expect("known");
    let found: Vec<(i64, i64)> = index.table.iter().map(|span| (span.start, span.end())).collect();
    assert_eq!(found, AUDIO);
    assert_eq!((files(&presentation, 0), files(&presentation, 1)), (written(0), written(1)));
    let init = index.get(1).and_then(|segment| segment.init.clone()).expect("init");
    assert_eq!(init.uri, "init-stream1.m4s");
    let kinds: Vec<TrackKind> = presentation.periods[0].tracks.iter().map(|track| track.kind).collect();
    assert_eq!(kinds, [TrackKind::Video, TrackKind::Audio]);
    assert_eq!((audio.sample_rate, audio.channels), (Some(48_000), Some(1)));
    assert_eq!(rendition(&presentation).frame_rate, Some((25, 1)));
}

#[test]
fn numbered_segments_of_ffmpeg_are_as_many_as_its_files() {
    let presentation = read(include_str!("data/ffmpeg_numbers.mpd"));
    assert!(presentation.warnings.is_empty(), "{:?}", presentation.warnings);
    assert_eq!((files(&presentation, 0), files(&presentation, 1)), (written(0), written(1)));
    let video: Vec<(i64, i64)> = times(&presentation).iter().map(|(start, d)| (*start, start + d)).collect();
    assert_eq!(video, VIDEO);
}

#[test]
fn ranges_of_ffmpeg_cover_its_single_file() {
    let presentation = read(include_str!("data/ffmpeg_single_file.mpd"));
    assert!(presentation.warnings.is_empty(), "{:?}", presentation.warnings);
    let found = segments(&presentation);
    let init = found[0].init.as_ref().and_then(|init| init.byte_range).expect("range");
    let mut end = init.offset + init.length;
    for segment in &found {
        let range = segment.byte_range.expect("range");
        assert_eq!(range.offset, end, "one after the other");
        end += range.length;
    }
    assert_eq!(end, SINGLE_FILE_BYTES);
}

/// Size of the video file that ffmpeg wrote.
const SINGLE_FILE_BYTES: u64 = 833_940;
