//! When samples are shown: across wraps, segments, holes and rounding.

use crate::mux::*;
use crate::support::*;
use telecine_container::{StreamReader, StreamUnit};
use telecine_model::MediaTime;

/// 25 pictures a second and 48 kHz, in ticks of 90 kHz.
const PICTURE: u64 = 3600;
const FRAME: u64 = 1920;

/// Units of segments one behind the other, none of them discontinuous.
fn read_all(reader: &mut StreamReader, segments: Vec<Vec<u8>>) -> Vec<StreamUnit> {
    let mut units = Vec::new();
    for bytes in segments {
        reader.next_segment(false);
        units.extend(segment(reader, [bytes.into()]).expect("valid"));
    }
    units
}

/// Decode times and durations of the samples of a track.
fn times(units: &[StreamUnit], track: usize) -> Vec<(i64, u32)> {
    tracks(units)[track].samples.iter().map(|taken| (taken.sample.dts, taken.sample.duration)).collect()
}

/// Where sound is not where the frame before ends: by how many samples.
fn seams(units: &[StreamUnit], track: usize) -> Vec<i64> {
    let times = times(units, track);
    times.windows(2).map(|pair| pair[1].0 - pair[0].0 - i64::from(pair[0].1)).filter(|seam| *seam != 0).collect()
}

/// A second of video and sound from a time on.
fn second(mux: &mut Mux, start: u64, number: u8) {
    for at in 0..25 {
        let time = start + at * PICTURE;
        let picture = if at == 0 { key(number) } else { inter(at as u8) };
        mux.pes(VIDEO, Some(time & MASK), None, &picture);
    }
    for at in 0..12 {
        let frames: Vec<u8> = (0..4).flat_map(aac).collect();
        mux.pes(AUDIO, Some((start + at * 4 * FRAME) & MASK), None, &frames);
    }
}

const MASK: u64 = (1 << 33) - 1;

/// A stream of sound alone whose packets of one frame have these times.
fn sound(times: impl IntoIterator<Item = u64>) -> Vec<StreamUnit> {
    let mut mux = Mux::with(&[(AAC, AUDIO, &[])]);
    for (at, time) in times.into_iter().enumerate() {
        mux.pes(AUDIO, Some(time), None, &aac(at as u8));
    }
    read(mux.out)
}

#[test]
fn pictures_without_decode_times_are_given_them() {
    // I P B B, and so on: reordering by two, as the parameter set says.
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    let order = [0, 3, 2, 1, 6, 5, 4, 9, 8, 7];
    for (at, shown) in order.into_iter().enumerate() {
        let picture = if at == 0 { high_key(0) } else { inter(at as u8) };
        mux.pes(VIDEO, Some(90_000 + shown * PICTURE), None, &picture);
    }
    let track = &tracks(&read(mux.out))[0];
    let found: Vec<(i64, i64, u32)> =
        track.samples.iter().map(|taken| (taken.sample.pts(), taken.sample.dts, taken.sample.duration)).collect();
    let expected: Vec<(i64, i64, u32)> = order
        .iter()
        .enumerate()
        .map(|(at, shown)| (90_000 + *shown as i64 * 3600, 90_000 + (at as i64 - 2) * 3600, 3600))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn times_go_on_across_the_wrap_and_from_segment_to_segment() {
    let mut mux = Mux::new();
    let start = (1 << 33) - 45_000;
    second(&mut mux, start, 1);
    let first = mux.cut();
    second(&mut mux, start + 90_000, 2);
    let units = read_all(&mut reader(), vec![first, mux.cut()]);
    let video = times(&units, 0);
    let expected: Vec<(i64, u32)> = (0..50).map(|at| (start as i64 + at * 3600, 3600)).collect();
    assert_eq!(video, expected, "the last picture of a segment lasts as long as the one before");
    let sound_start = start as i64 * 48_000 / 90_000;
    let expected: Vec<(i64, u32)> = (0..96).map(|at| (sound_start + at * 1024, 1024)).collect();
    // The second second of sound begins four frames and a bit behind the first: a hole.
    assert_eq!(times(&units, 1)[..48], expected[..48]);
    assert_eq!(inits(&units).len(), 1);
}

#[test]
fn a_rendition_that_starts_behind_a_wrap_is_put_where_it_is_expected() {
    let mut mux = Mux::with(&[(AAC, AUDIO, &[])]);
    mux.pes(AUDIO, Some(9000), None, &aac(0));
    let mut reader = reader();
    let wrap = 1_i64 << 33;
    reader.expect_time(Some(MediaTime::from_secs(wrap / 90_000)));
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert_eq!(times(&units, 0)[0].0, (wrap + 9000) * 48 / 90);
}

#[test]
fn times_rounded_to_milliseconds_leave_no_seams_in_the_sound() {
    let exact = |at: u64| 900_000 + at * FRAME;
    let units = sound((0..500).map(|at| exact(at) / 90 * 90));
    assert_eq!(seams(&units, 0), [] as [i64; 0]);
    assert_eq!(rules(&units), [] as [&str; 0]);
    // 44.1 kHz does not divide the clock at all: the same with frames whose times are rounded down.
    let units = sound((0..500).map(|at| 900_000 + at * 1024 * 90_000 / 48_000 + at % 2));
    assert_eq!(seams(&units, 0), [] as [i64; 0]);
}

#[test]
fn a_hole_in_the_sound_stays_one() {
    let units = sound((0..20).map(|at| 900_000 + (at + u64::from(at >= 10) * 5) * FRAME));
    assert_eq!(seams(&units, 0), [5 * 1024]);
    assert_eq!(rules(&units), ["T013"]);
    let found = fragments(&units);
    assert_eq!(found.len(), 2, "a fragment has no holes");
}

#[test]
fn sound_that_overlaps_is_left_out_where_it_is_there_already() {
    // Two and a half frames earlier than due: three frames go, and half a one is missing then.
    let units =
        sound((0..20).map(|at| if at < 10 { 900_000 + at * FRAME } else { 900_000 + at * FRAME - FRAME * 5 / 2 }));
    assert_eq!(seams(&units, 0), [512]);
    assert_eq!(times(&units, 0).len(), 17);
    assert_eq!(rules(&units), ["T014", "T022"]);
}

#[test]
fn sound_that_drifts_is_put_right_when_that_is_certain() {
    // Ten milliseconds late from the tenth frame on.
    let units = sound((0..40).map(|at| 900_000 + at * FRAME + u64::from(at >= 10) * 900));
    assert_eq!(seams(&units, 0), [480]);
    assert_eq!(rules(&units), ["T015"]);
    // Once is nothing.
    let units = sound((0..40).map(|at| 900_000 + at * FRAME + u64::from(at == 10) * 900));
    assert_eq!(seams(&units, 0), [] as [i64; 0]);
    // Five milliseconds early is not worth a frame; fifteen are.
    let early = |by: u64| sound((0..40).map(move |at| 900_000 + at * FRAME - u64::from(at >= 10) * by));
    assert_eq!((seams(&early(450), 0), rules(&early(450))), (vec![], vec![]));
    assert_eq!(seams(&early(1350), 0), [1024 - 720]);
    assert_eq!(rules(&early(1350)), ["T015", "T022"]);
}

#[test]
fn sound_and_pictures_keep_their_distance() {
    for offset in [0, 1, 17, 44, 1234] {
        let mut mux = Mux::new();
        mux.pes(VIDEO, Some(90_000), None, &key(0));
        mux.pes(AUDIO, Some(90_000 + offset), None, &aac(0));
        let units = read(mux.out);
        let (video, sound) = (times(&units, 0)[0].0, times(&units, 1)[0].0);
        // Half a sample is less than a tick.
        let distance = sound * 90_000 - video * 48_000 - offset as i64 * 48_000;
        assert!(distance.abs() <= 45_000, "{offset}: {distance}");
    }
}

#[test]
fn a_discontinuity_begins_another_timeline() {
    let mut mux = Mux::new();
    second(&mut mux, 900_000, 1);
    let first = mux.cut();
    let mut mux = Mux::new();
    second(&mut mux, 45_000, 2);
    let mut reader = reader();
    let mut units = segment(&mut reader, [first.into()]).expect("valid");
    reader.next_segment(true);
    units.extend(segment(&mut reader, [mux.out.into()]).expect("valid"));
    assert_eq!(times(&units, 0)[24..26], [(900_000 + 24 * 3600, 3600), (45_000, 3600)]);
    assert_eq!(inits(&units).len(), 1, "nothing else has changed");
    assert_eq!(rules(&units), [] as [&str; 0]);
}

#[test]
fn timestamps_that_jump_without_a_word_are_followed_and_reported() {
    let mut mux = Mux::new();
    second(&mut mux, 9_000_000, 1);
    second(&mut mux, 90_000, 2);
    let units = read(mux.out);
    assert_eq!(times(&units, 0)[24..26], [(9_000_000 + 24 * 3600, 3600), (90_000, 3600)]);
    assert_eq!(rules(&units), ["T016", "T016"]);
}

#[test]
fn a_hole_in_the_video_makes_the_picture_before_last_longer() {
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    for (at, time) in [0, 1, 2, 30, 31].into_iter().enumerate() {
        mux.pes(VIDEO, Some(90_000 + time * PICTURE), None, &if at == 0 { key(0) } else { inter(at as u8) });
    }
    let durations: Vec<u32> = times(&read(mux.out), 0).iter().map(|(_, duration)| *duration).collect();
    assert_eq!(durations, [3600, 3600, 28 * 3600, 3600, 3600]);
}

#[test]
fn rounding_where_segments_meet_leaves_no_seam_in_the_decode_times() {
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    let mut segments = Vec::new();
    for part in 0..3 {
        for at in 0..5 {
            // 24000/1001 frames a second are 3753.75 ticks.
            let time = 90_000 + (part * 5 + at) * 15_015 / 4;
            mux.pes(VIDEO, Some(time), None, &if at == 0 { key(0) } else { inter(at as u8) });
        }
        segments.push(mux.cut());
    }
    let units = read_all(&mut reader(), segments);
    let times = times(&units, 0);
    assert!(times.windows(2).all(|pair| pair[1].0 == pair[0].0 + i64::from(pair[0].1)), "{times:?}");
    let shown: Vec<i64> = tracks(&units)[0].samples.iter().map(|taken| taken.sample.pts()).collect();
    let expected: Vec<i64> = (0..15).map(|at| 90_000 + at * 15_015 / 4).collect();
    assert_eq!(shown, expected, "presentation times are exact");
}

#[test]
fn pictures_shown_at_zero_are_decoded_no_earlier() {
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    let minus = |time: u64| (1 << 33) - time;
    for (at, (pts, dts)) in [(0, minus(7200)), (10_800, minus(3600)), (3600, 0), (7200, 3600)].into_iter().enumerate() {
        mux.pes(VIDEO, Some(pts), Some(dts), &if at == 0 { key(0) } else { inter(at as u8) });
    }
    let units = read(mux.out);
    let found: Vec<(i64, i64)> =
        tracks(&units)[0].samples.iter().map(|taken| (taken.sample.pts(), taken.sample.dts)).collect();
    assert_eq!(found, [(0, 0), (10_800, 1), (3600, 2), (7200, 3600)]);
    assert_eq!(rules(&units), [] as [&str; 0]);
}

#[test]
fn an_access_unit_without_timestamps_is_put_behind_the_one_before() {
    let mut mux = Mux::with(&[(H264, VIDEO, &[])]);
    mux.pes(VIDEO, Some(90_000), Some(90_000), &[key(0), inter(1), inter(2)].concat());
    mux.pes(VIDEO, Some(90_000 + 3 * PICTURE), Some(90_000 + 3 * PICTURE), &inter(3));
    let units = read(mux.out);
    let expected: Vec<(i64, u32)> = (0..4).map(|at| (90_000 + at * 3600, 3600)).collect();
    assert_eq!(times(&units, 0), expected);
    assert_eq!(rules(&units), ["T011", "T011"]);
}
