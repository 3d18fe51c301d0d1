//! Segment n of a stretched title is segment n mod 12 of the title, with its times and number corrected and nothing else.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use support::segment::{decode_time, samples, sequence, top_boxes};
use support::{bytes, ffmpeg, get, library};
use telecine_origin::{respond, Library, Request, Title};

/// Samples of the audio segments, as `title.json` states them: an accumulation of 2 s in frames of 1024/48000 s.
const AUDIO_FRAMES: [u64; 12] = [93, 94, 94, 94, 93, 94, 94, 94, 93, 94, 94, 94];

fn demo_file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../media/demo").join(name)).expect("the demo title")
}

/// Fragments of a file of the demo title: every `moof` with its `mdat`.
fn fragments(file: &[u8]) -> Vec<&[u8]> {
    let mut at = 0;
    let mut found = Vec::new();
    let mut moof = 0;
    for (kind, size) in top_boxes(file) {
        match kind.as_str() {
            "moof" => moof = at,
            "mdat" => found.push(&file[moof..at + size]),
            _ => {}
        }
        at += size;
    }
    found
}

#[test]
fn pictures_of_an_hour_are_two_seconds_apart() {
    for n in [0_u64, 1, 11, 12, 13, 900, 1799] {
        let segment = bytes(&format!("/dash/dur_3600/demo/v720/{n}.m4s"));
        assert_eq!((decode_time(&segment), sequence(&segment), samples(&segment)), (180_000 * n, n as u32 + 1, 50));
    }
    assert_eq!(get("/dash/dur_3600/demo/v720/1800.m4s").status, 404);
}

#[test]
fn sound_of_an_hour_has_no_gap() {
    let mut expected = 0;
    for n in 0..1800_u64 {
        let segment = bytes(&format!("/hls/dur_3600/demo/a-en/{n}.m4s"));
        assert_eq!(decode_time(&segment), expected, "segment {n}");
        assert_eq!(u64::from(samples(&segment)), AUDIO_FRAMES[n as usize % 12]);
        expected += AUDIO_FRAMES[n as usize % 12] * 1024;
    }
    assert_eq!(expected, 3600 * 48_000);
}

#[test]
fn nothing_else_changes() {
    for file in ["v180", "v720", "a-fr"] {
        let source = demo_file(&format!("{file}.mp4"));
        for (k, fragment) in fragments(&source).into_iter().enumerate() {
            let moved = bytes(&format!("/dash/dur_240/demo/{file}/{}.m4s", k + 36));
            assert_eq!(moved.len(), fragment.len());
            let changed: Vec<_> = (0..moved.len()).filter(|at| moved[*at] != fragment[*at]).collect();
            let times = fragment.windows(4).position(|w| w == b"tfdt").expect("tfdt") + 8;
            let number = fragment.windows(4).position(|w| w == b"mfhd").expect("mfhd") + 8;
            let allowed = |at: &usize| (times..times + 8).contains(at) || (number..number + 4).contains(at);
            assert!(changed.iter().all(allowed), "{file} {k}: {changed:?}");
        }
    }
}

#[test]
fn a_length_is_rounded_down_to_whole_segments() {
    for (seconds, segments) in [(1, 1), (2, 1), (3, 1), (5, 2), (24, 12), (25, 12), (26, 13), (59, 29)] {
        for id in ["v180", "a-en"] {
            let last = get(&format!("/hls/dur_{seconds}/demo/{id}/{}.m4s", segments - 1)).status;
            let next = get(&format!("/hls/dur_{seconds}/demo/{id}/{segments}.m4s")).status;
            assert_eq!((last, next), (200, 404), "{id} of {seconds} s");
        }
    }
}

#[test]
fn the_media_times_can_start_anywhere() {
    let segment = |path: &str| decode_time(&bytes(path));
    assert_eq!(segment("/dash/pto_900000/demo/v180/1.m4s"), 900_000 + 180_000);
    assert_eq!(segment("/dash/pto_900000/demo/a-en/1.m4s"), 480_000 + 93 * 1024);
    assert_eq!(segment("/dash/pto_900000/demo/v180/t1080000.m4s"), 1_080_000);
}

#[test]
fn times_restart_at_a_discontinuity_and_tracks_stay_in_step() {
    // Five segments: pictures restart at 10 s, sound a little earlier, at 468 frames.
    let sound = 468 * 1024;
    let video = decode_time(&bytes("/hls/disc_5/demo/v180/5.m4s"));
    let audio = decode_time(&bytes("/hls/disc_5/demo/a-en/5.m4s"));
    assert_eq!(audio, 0, "the earliest track restarts at zero");
    assert_eq!(video, 900_000 - sound * 90_000 / 48_000, "the others keep their distance to it");
    assert_eq!(decode_time(&bytes("/hls/disc_5/demo/v180/6.m4s")), video + 180_000);
    assert_eq!(decode_time(&bytes("/hls/disc_5/demo/v180/4.m4s")), 720_000);
    // DASH has no discontinuity and its times do not restart.
    assert_eq!(decode_time(&bytes("/dash/disc_5/demo/v180/5.m4s")), 900_000);
}

#[test]
fn one_file_is_init_index_and_the_same_segments() {
    let file = bytes("/dash/dur_60/demo/v360.mp4");
    let boxes = top_boxes(&file);
    let kinds: Vec<_> = boxes.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds[..3], ["ftyp", "moov", "sidx"]);
    assert_eq!(kinds[3..].chunks(2).filter(|pair| *pair == ["moof", "mdat"]).count(), 30);
    let head: usize = boxes[..3].iter().map(|(_, size)| size).sum();
    let segments: Vec<u8> = (0..30).flat_map(|n| bytes(&format!("/dash/dur_60/demo/v360/{n}.m4s"))).collect();
    assert!(file[head..] == segments, "the fragments follow each other");
}

/// The file with its decode times narrowed to 32 bits, as many packagers write them.
fn with_narrow_times(file: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    for (kind, size) in top_boxes(file) {
        let mut bytes = file[at..at + size].to_vec();
        at += size;
        if kind == "moof" {
            let position = |bytes: &[u8], kind: &[u8]| bytes.windows(4).position(|w| w == kind).expect("a box") - 4;
            let tfdt = position(&bytes, b"tfdt");
            bytes[tfdt + 8] = 0;
            // The high half of the time goes.
            bytes.drain(tfdt + 12..tfdt + 16);
            let (traf, trun) = (position(&bytes, b"traf"), position(&bytes, b"trun"));
            for field in [0, traf, tfdt, trun + 16] {
                let value = u32::from_be_bytes(bytes[field..field + 4].try_into().expect("four bytes")) - 4;
                bytes[field..field + 4].copy_from_slice(&value.to_be_bytes());
            }
        }
        out.extend(bytes);
    }
    out
}

#[test]
fn a_32_bit_decode_time_becomes_wide_enough_for_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let narrow = with_narrow_times(&demo_file("v180.mp4"));
    fs::write(folder.path().join("v.mp4"), &narrow).expect("written");
    let library = Library::new(Title::from_folder(folder.path()).expect("a title"), 0);
    let get = |path: &str| respond(&library, &Request::get(path)).body.into_bytes();
    // 2^32 ticks of 90 kHz are 47,721 s.
    let segment = get("/dash/dur_50000/demo/v/24000.m4s");
    assert_eq!(decode_time(&segment), 24_000 * 180_000);
    assert!(24_000 * 180_000 > u64::from(u32::MAX));
    // ffprobe finds every sample where the moved data offset says: the pictures decode.
    let file = folder.path().join("late.mp4");
    fs::write(&file, [&get("/dash/dur_50000/demo/v/init.mp4")[..], &segment].concat()).expect("written");
    let path = file.to_string_lossy().into_owned();
    let count = ["-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", &path];
    let Some(frames) = ffmpeg("ffprobe", &count, "") else {
        return;
    };
    assert_eq!(frames.trim(), "50");
}

#[test]
fn a_folder_of_files_that_ffmpeg_made_is_a_title() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let fragments = "frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets";
    let picture =
        ["-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=8", "-c:v", "libx264", "-g", "50", "-sc_threshold", "0"];
    let movie = file("small.mp4");
    if ffmpeg("ffmpeg", &[&picture[..], &["-movflags", fragments, &movie]].concat(), "").is_none() {
        return;
    }
    let tone = ["-f", "lavfi", "-i", "sine=r=48000:d=8", "-c:a", "aac", "-frag_duration", "2000000"];
    let sound = file("tone.mp4");
    ffmpeg("ffmpeg", &[&tone[..], &["-movflags", "empty_moov+default_base_moof", &sound]].concat(), "");
    let title = Title::from_folder(folder.path()).expect("a title");
    assert_eq!(title.renditions().collect::<Vec<_>>(), ["small", "tone"]);
    let library = Library::new(title, 0);
    // The encoder pads the sound to 8.02 s, and a repetition is as long as its longest track: 2 x 8.02 + 2 <= 20.
    for (path, segments) in [("/hls/demo/small.m3u8", 4), ("/hls/dur_20/demo/small.m3u8", 9)] {
        let response = respond(&library, &Request::get(path));
        let text = String::from_utf8_lossy(&response.body.into_bytes()).into_owned();
        assert_eq!(text.matches("#EXTINF:2.000000,").count(), segments, "{path}");
    }
}

#[test]
fn a_folder_that_is_no_title_says_which_file_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(Title::from_folder(folder.path()).is_err(), "nothing in it");
    let source = demo_file("v180.mp4");
    fs::write(folder.path().join("v.mp4"), &source[..source.len() - 1]).expect("written");
    let error = Title::from_folder(folder.path()).expect_err("a truncated file").to_string();
    assert!(error.starts_with("v.mp4: "), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_in_a_folder_bring_it_down(at in 0_usize..3000, value: u8, cut in proptest::option::of(3000_usize..9000)) {
        let mut file = demo_file("v180.mp4");
        file.truncate(cut.unwrap_or(file.len()));
        file[at] = value;
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("v.mp4"), &file).expect("written");
        if let Ok(title) = Title::from_folder(folder.path()) {
            let library = Library::new(title, 0);
            for path in ["/hls/dur_60/disc_2/demo/main.m3u8", "/hls/dur_60/demo/v.m3u8", "/dash/demo/time.mpd"] {
                respond(&library, &Request::get(path));
            }
        }
    }

    #[test]
    fn no_path_and_no_range_brings_it_down(path in "/(hls|dash)(/[a-z]{1,9}_[-0-9@*,.x]{0,9}){0,4}/demo/[a-z0-9/.-]{0,20}", range in "bytes=[-0-9,]{0,30}") {
        respond(&library(), &Request::get(&path).range(&range));
    }

    #[test]
    fn a_range_is_that_part_of_the_whole(from in 0_u64..300_000, length in 1_u64..200_000) {
        let library = library();
        let path = "/dash/dur_60/demo/v180.mp4";
        let whole = respond(&library, &Request::get(path)).body.into_bytes();
        let (from, to) = (from as usize, (from + length) as usize);
        let range = format!("bytes={from}-{}", to - 1);
        let part = respond(&library, &Request::get(path).range(&range));
        prop_assert_eq!(part.status, 206);
        prop_assert_eq!(&part.body.into_bytes()[..], &whole[from..to.min(whole.len())]);
    }
}
