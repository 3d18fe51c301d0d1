//! Where and when the samples of a fragment are (ISO/IEC 14496-12, 8.8).

use std::sync::Arc;

use crate::support::*;
use bytes::Bytes;
use telecine_container::{DataBase, Fragment, IsoReader, Sample, Unit};
use telecine_model::{ErrorCode, Limits};

/// Bytes of a `moof` with these track fragments around them and a `mdat` header.
fn place(trafs: &[&[u8]]) -> i32 {
    moof(0, trafs).len() as i32 + 8
}

fn fragment(trafs: &[&[u8]], media: &[u8]) -> Vec<u8> {
    [simple_init(), moof(7, trafs), boxed(b"mdat", &[media])].concat()
}

fn one(bytes: Vec<u8>) -> Fragment {
    let units = read(bytes).expect("valid");
    let found = fragments(&units);
    assert_eq!(found.len(), 1);
    found[0].clone()
}

/// The bytes of every sample of every track fragment.
fn bytes_of(fragment: &Fragment) -> Vec<Vec<String>> {
    let bytes = |sample: &Sample| fragment.sample(sample).expect("inside").escape_ascii().to_string();
    fragment.tracks.iter().map(|track| track.samples.iter().map(bytes).collect()).collect()
}

#[test]
fn offsets_count_from_the_moof_with_default_base_is_moof() {
    let make = |at| boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(5), &trun(2, at)]);
    let at = place(&[&make(0)]);
    let fragment = one(fragment(&[&make(at)], b"aaaabbbb"));
    assert_eq!(bytes_of(&fragment), [["aaaa", "bbbb"]]);
    assert_eq!((fragment.sequence, fragment.tracks[0].data_base), (7, DataBase::Moof));
    assert_eq!(fragment.tracks[0].samples.iter().map(|s| (s.dts, s.duration)).collect::<Vec<_>>(), [(5, 10), (15, 10)]);
}

#[test]
fn many_runs_do_not_copy_the_samples_again_for_each() {
    let runs: Vec<u8> = (0..1000).flat_map(|_| full(b"trun", 0, 0, &[&be(1)])).collect();
    let make = |at| boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(5), &trun(1, at), &runs]);
    let at = place(&[&make(0)]);
    let units = read(fragment(&[&make(at)], &[0; 4 * 1001])).expect("valid");
    // Not a copy: that would have exact room again.
    let samples = &fragments(&units)[0].tracks[0].samples;
    assert_eq!(samples.len(), 1001);
    // Room that doubles is copied a logarithmic number of times, and is some left over.
    assert!(samples.capacity() > 1001, "exact room was made for each run");
}

#[test]
fn offsets_count_from_the_base_data_offset_where_there_is_one() {
    let make = |base: u64, at| boxed(b"traf", &[&tfhd(1, &be64(base)), &tfdt(0), &trun(1, at)]);
    let init = simple_init().len() as u64;
    let media = init + place(&[&make(0, 0)]) as u64;
    let fragment = one(fragment(&[&make(media - 2, 5)], b"xxxaaaaxxx"));
    assert_eq!(bytes_of(&fragment), [["aaaa"]]);
    assert_eq!(fragment.tracks[0].data_base, DataBase::Absolute(media - 2));
}

#[test]
fn a_second_traf_without_a_base_starts_where_the_data_of_the_first_ended() {
    let first = |at| boxed(b"traf", &[&tfhd(0, &[]), &tfdt(0), &trun(2, at)]);
    let second = boxed(b"traf", &[&tfhd(0, &[]), &full(b"trun", 0, 0, &[&be(1)])]);
    let at = place(&[&first(0), &second]);
    let fragment = one(fragment(&[&first(at), &second], b"aaaabbbbcccc"));
    assert_eq!(bytes_of(&fragment), [&["aaaa", "bbbb"][..], &["cccc"]]);
    // And in time it goes on where the first ended: both are of track 1.
    assert_eq!(fragment.tracks[1].base_decode_time, 20);
    assert!(!fragment.tracks[1].explicit_time);
}

#[test]
fn a_second_traf_with_default_base_is_moof_starts_from_the_moof_again() {
    let make = |first, second| {
        let first = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &trun(1, first)]);
        let second = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(9), &trun(1, second)]);
        [first, second]
    };
    let [first, second] = make(0, 0);
    let at = place(&[&first, &second]);
    let [first, second] = make(at + 4, at);
    let fragment = one(fragment(&[&first, &second], b"aaaabbbb"));
    assert_eq!(bytes_of(&fragment), [["bbbb"], ["aaaa"]]);
}

#[test]
fn a_run_without_an_offset_follows_the_run_before() {
    let make = |at| {
        let behind = full(b"trun", 0, 0, &[&be(2)]);
        boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &trun(1, at), &behind])
    };
    let at = place(&[&make(0)]);
    let fragment = one(fragment(&[&make(at)], b"aaaabbbbcccc"));
    assert_eq!(bytes_of(&fragment), [["aaaa", "bbbb", "cccc"]]);
    assert_eq!(fragment.tracks[0].end_decode_time(), 30);
}

#[test]
fn values_come_from_the_run_else_from_tfhd_else_from_trex() {
    // tfhd: duration 3, size 2, flags "not sync"; the run: flags of the first sample, sizes.
    let traf = |at: i32| {
        let header = tfhd(BASE_IS_MOOF | 0x38, &words(&[3, 2, 0x1_0000]));
        let run = full(b"trun", 0, 0x205, &[&words(&[2, at as u32, 0x200_0000, 1, 5])]);
        let defaults = full(b"trun", 0, 0, &[&be(1)]);
        boxed(b"traf", &[&header, &tfdt(0), &run, &defaults])
    };
    let at = place(&[&traf(0)]);
    let fragment = one(fragment(&[&traf(at)], &[0; 8]));
    let seen: Vec<_> = fragment.tracks[0].samples.iter().map(|s| (s.duration, s.size, s.sync)).collect();
    assert_eq!(seen, [(3, 1, true), (3, 5, false), (3, 2, false)]);
}

#[test]
fn every_column_of_a_run_is_read_in_its_order() {
    let traf = |at: i32| {
        let run = full(
            b"trun",
            1,
            0xf01,
            &[&words(&[2, at as u32]), &words(&[11, 1, 0, 4]), &words(&[12, 2, 0x101_0000]), &(-7_i32).to_be_bytes()],
        );
        boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(100), &run])
    };
    let at = place(&[&traf(0)]);
    let fragment = one(fragment(&[&traf(at)], &[1, 2, 3]));
    let track = &fragment.tracks[0];
    let seen: Vec<_> = track.samples.iter().map(|s| (s.dts, s.duration, s.size, s.sync, s.pts())).collect();
    assert_eq!(seen, [(100, 11, 1, true, 104), (111, 12, 2, false, 104)]);
    assert_eq!((track.earliest_pts(), track.end_pts(), track.duration()), (Some(104), Some(116), 23));
}

#[test]
fn composition_offsets_of_version_0_beyond_31_bits_are_negative_ones() {
    let traf = |at: i32| {
        let run = full(b"trun", 0, 0x801, &[&words(&[1, at as u32, u32::MAX - 4])]);
        boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(100), &run])
    };
    let at = place(&[&traf(0)]);
    assert_eq!(one(fragment(&[&traf(at)], &[0; 4])).tracks[0].samples[0].pts(), 95);
}

#[test]
fn h135_a_missing_tfdt_goes_on_from_the_previous_fragment_or_from_zero() {
    let traf = |at| boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &trun(2, at)]);
    let at = place(&[&traf(0)]);
    let bare = [moof(1, &[&traf(at)]), boxed(b"mdat", &[&[0; 8]])].concat();
    let file = [simple_init(), bare.clone(), simple_fragment(2, 500, 3), bare].concat();
    let units = read(file).expect("valid");
    let times: Vec<_> = fragments(&units)
        .iter()
        .map(|fragment| (fragment.tracks[0].base_decode_time, fragment.tracks[0].explicit_time))
        .collect();
    assert_eq!(times, [(0, false), (500, true), (530, false)]);
}

#[test]
fn decode_times_of_64_bits_are_read_and_those_beyond_63_refused() {
    let traf = |time: u64, at| {
        let tfdt = full(b"tfdt", 1, 0, &[&be64(time)]);
        boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt, &trun(1, at)])
    };
    let at = place(&[&traf(0, 0)]);
    let late = 1 << 40;
    assert_eq!(one(fragment(&[&traf(late, at)], &[0; 4])).tracks[0].samples[0].dts, 1 << 40);
    for time in [u64::MAX, 1 << 63, i64::MAX as u64] {
        let (code, _, _) = failure(fragment(&[&traf(time, at)], &[0; 4]));
        assert_eq!(code, ErrorCode::TimestampInvalid);
    }
}

#[test]
fn a_sample_outside_the_media_behind_its_moof_is_refused() {
    let make = |at| boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &trun(2, at)]);
    let at = place(&[&make(0)]);
    let moof_at = simple_init().len() as u64;
    // Into the moof, into the header of the media, before everything.
    for wrong in [0, at - 1, -(moof_at as i32)] {
        let (code, path, offset) = failure(fragment(&[&make(wrong)], &[0; 8]));
        assert_eq!((code, path), (ErrorCode::ContainerSyntax, "moof/traf".into()), "{wrong}");
        assert_eq!(offset, moof_at + 8 + 16);
    }
    // Beyond the media, with something else behind it.
    for wrong in [at + 1, i32::MAX] {
        let file = [fragment(&[&make(wrong)], &[0; 8]), simple_fragment(8, 20, 1)].concat();
        assert_eq!(failure(file), (ErrorCode::ContainerSyntax, "moof".into(), moof_at));
        // And with nothing behind it.
        let (code, _, _) = failure(fragment(&[&make(wrong)], &[0; 8]));
        assert_eq!(code, ErrorCode::ContainerTruncated);
    }
    // Before the start of the resource.
    let (code, path, _) = failure(fragment(&[&make(i32::MIN)], &[0; 8]));
    assert_eq!((code, path), (ErrorCode::ContainerSyntax, "moof/traf/trun".into()));
}

#[test]
fn a_sample_across_two_media_boxes_is_refused_and_one_in_each_is_not() {
    let make = |first, second| {
        let runs = [trun(1, first), trun(1, second)].concat();
        boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &runs])
    };
    let at = place(&[&make(0, 0)]);
    let file = |second| {
        let media = [boxed(b"mdat", &[b"aaaa"]), boxed(b"free", &[]), boxed(b"mdat", &[b"bbbb"])].concat();
        [simple_init(), moof(7, &[&make(at, second)]), media].concat()
    };
    let fragment = one(file(at + 4 + 8 + 8));
    assert_eq!(bytes_of(&fragment), [["aaaa", "bbbb"]]);
    assert_eq!(fragment.media.len(), 2);
    assert_eq!(failure(file(at + 4 + 8 + 7)).0, ErrorCode::ContainerSyntax);
}

#[test]
fn a_fragment_begins_with_the_boxes_that_belong_to_it() {
    let styp = boxed(b"styp", &[b"msdh", &be(0), b"cmfs"]);
    let emsg = full(b"emsg", 0, 0, &[b"urn:x\0", b"\0", &words(&[1, 0, u32::MAX, 3])]);
    let free = boxed(b"free", &[&[0; 5]]);
    let file = [
        simple_init(),
        free.clone(),
        styp.clone(),
        emsg.clone(),
        free.clone(),
        simple_fragment(1, 0, 1),
        free,
        simple_fragment(2, 10, 1),
    ]
    .concat();
    let units = read(file.clone()).expect("valid");
    let found = fragments(&units);
    let at = simple_init().len() + 13;
    let size = styp.len() + emsg.len() + 13 + simple_fragment(1, 0, 1).len();
    assert_eq!(found[0].offset, at as u64);
    assert_eq!(found[0].data.concat(), file[at..at + size]);
    assert_eq!(found[0].brands, [*b"msdh", *b"cmfs"]);
    assert_eq!(&found[0].data[0][found[0].moof.start as usize + 4..][..4], b"moof");
    // What stands between fragments belongs to none.
    assert_eq!(found[1].data.concat(), simple_fragment(2, 10, 1));
    assert_eq!(found[1].moof.start, 0);
}

#[test]
fn a_moof_without_samples_is_a_fragment_with_or_without_media() {
    // duration-is-empty, no runs.
    let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF | 0x1_0000, &[]), &tfdt(40)]);
    let bare = moof(1, &[&traf]);
    let file =
        [simple_init(), bare.clone(), simple_fragment(2, 40, 1), bare.clone(), boxed(b"mdat", &[]), bare].concat();
    let units = read(file).expect("valid");
    let seen: Vec<_> = fragments(&units)
        .iter()
        .map(|f| (f.tracks[0].samples.len(), f.media.len(), f.tracks[0].earliest_pts()))
        .collect();
    assert_eq!(seen, [(0, 0, None), (1, 1, Some(40)), (0, 1, None), (0, 0, None)]);
}

#[test]
fn a_pssh_in_a_moof_comes_with_its_fragment() {
    let pssh = full(b"pssh", 0, 0, &[&[9; 16], &be(0)]);
    let mut bytes = simple_fragment(1, 0, 1);
    let moof_size = bytes.len() - 8 - 4 + pssh.len();
    // Behind the moof's header, and the run points further.
    bytes.splice(8..8, pssh.iter().copied());
    bytes[..4].copy_from_slice(&be(moof_size as u32));
    let at = moof_size - 4;
    bytes[at..at + 4].copy_from_slice(&be(moof_size as u32 + 8));
    let fragment = one([simple_init(), bytes].concat());
    assert_eq!(fragment.pssh, [pssh]);
    assert_eq!(bytes_of(&fragment), [["\\x00\\x01\\x02\\x03"]]);
}

#[test]
fn a_media_segment_takes_its_defaults_from_an_init_that_was_read_elsewhere() {
    let segment = Bytes::from(simple_fragment(1, 0, 2));
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(segment.clone());
    let error = reader.poll().expect_err("size, duration and flags are defaults");
    assert_eq!(error.code(), ErrorCode::InitMissing);
    assert_eq!(code_and_box(&error).1, "moof/traf/trun");

    let units = read(simple_init()).expect("valid");
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_init(Arc::new(init(&units).clone()));
    reader.push(segment);
    let Ok(Some(Unit::Fragment(fragment))) = reader.poll() else { panic!("everything is known") };
    assert_eq!(fragment.tracks[0].duration(), 20);
}

#[test]
fn a_fragment_that_says_everything_itself_needs_no_init() {
    let traf = |at| {
        let header = tfhd(BASE_IS_MOOF | 0x38, &words(&[10, 4, 0]));
        boxed(b"traf", &[&header, &tfdt(0), &trun(1, at)])
    };
    let at = place(&[&traf(0)]);
    let segment = [moof(1, &[&traf(at)]), boxed(b"mdat", &[&[0; 4]])].concat();
    assert_eq!(one(segment).tracks[0].duration(), 10);
}

#[test]
fn a_fragment_of_a_track_that_the_movie_does_not_have_is_refused() {
    let mut segment = simple_fragment(1, 0, 1);
    // The track id in tfhd, behind moof, mfhd and traf headers.
    segment[8 + 16 + 8 + 12 + 3] = 9;
    let (code, path, _) = failure([simple_init(), segment].concat());
    assert_eq!((code, path), (ErrorCode::ContainerSyntax, "moof/traf/tfhd".into()));
}
