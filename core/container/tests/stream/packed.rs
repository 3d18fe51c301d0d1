//! Packed audio: its timestamps, tags between frames, and frames across segments.

use crate::metadata::{metadata, tag};
use crate::mux::aac;
use crate::support::*;
use bytes::Bytes;
use telecine_container::{DecoderConfig, SampleAes, StreamUnit};
use telecine_model::protection::KeyId;
use telecine_model::{ErrorCode, MediaTime};

const TIMESTAMP: &str = "com.apple.streaming.transportStreamTimestamp";
const DESCRIPTION: &str = "com.apple.streaming.audioDescription";

fn timestamp(ticks: u64) -> Vec<u8> {
    tag(&[(TIMESTAMP, &ticks.to_be_bytes())])
}

fn frames(numbers: std::ops::Range<u8>) -> Vec<u8> {
    numbers.flat_map(aac).collect()
}

/// Decode times in frames behind a time in samples, with the first byte of each.
fn sound(units: &[StreamUnit], from: i64) -> Vec<(i64, u8)> {
    tracks(units)[0].samples.iter().map(|taken| ((taken.sample.dts - from) / 1024, taken.bytes[0])).collect()
}

#[test]
fn the_timestamp_at_the_beginning_is_the_time_of_the_first_frame() {
    for (ticks, samples) in
        [(90_000, 48_000), ((1 << 33) - 15, ((1_i64 << 33) - 15) * 48 / 90), (1 << 33 | 90_000, 48_000)]
    {
        let units = read([timestamp(ticks), frames(0..4)].concat());
        assert_eq!(sound(&units, samples), [(0, 0), (1, 1), (2, 2), (3, 3)], "{ticks}");
        assert_eq!((metadata(&units), rules(&units)), (vec![], vec![]), "the tag says nothing else");
    }
}

#[test]
fn segments_follow_each_other_without_seams() {
    let mut reader = reader();
    let mut units = Vec::new();
    for part in 0..4_u8 {
        reader.next_segment(false);
        // The timestamps are rounded; the frames are not.
        let ticks = 90_000 + u64::from(part) * 5 * 1920 + u64::from(part % 2);
        units.extend(
            segment(&mut reader, [[timestamp(ticks), frames(part * 5..part * 5 + 5)].concat().into()]).expect("valid"),
        );
    }
    assert_eq!(sound(&units, 48_000), (0..20).map(|at| (i64::from(at), at)).collect::<Vec<_>>());
    assert_eq!((inits(&units).len(), rules(&units)), (1, vec![]));
}

#[test]
fn a_frame_may_go_on_in_the_next_segment() {
    let whole = [timestamp(90_000), frames(0..10)].concat();
    let at = whole.len() - 5 * 27 + 11;
    let mut reader = reader();
    let mut units = segment(&mut reader, [whole[..at].to_vec().into()]).expect("valid");
    assert_eq!(tracks(&units)[0].samples.len(), 5);
    reader.next_segment(false);
    units.extend(segment(&mut reader, [whole[at..].to_vec().into()]).expect("valid"));
    assert_eq!(sound(&units, 48_000), (0..10).map(|at| (i64::from(at), at)).collect::<Vec<_>>());
    // Where the next segment does not go on with it, it is lost.
    let mut units = segment(&mut super::support::reader(), [whole[..at].to_vec().into()]).expect("valid");
    let mut reader = super::support::reader();
    segment(&mut reader, [whole[..at].to_vec().into()]).expect("valid");
    reader.next_segment(false);
    units.extend(segment(&mut reader, [[timestamp(90_000 + 6 * 1920), frames(6..10)].concat().into()]).expect("valid"));
    assert_eq!(sound(&units, 48_000), [0, 1, 2, 3, 4, 6, 7, 8, 9].map(|at| (i64::from(at), at)));
}

#[test]
fn tags_between_frames_are_metadata_of_their_time() {
    let bytes = [
        tag(&[("a", b"first"), (TIMESTAMP, &90_000_u64.to_be_bytes())]),
        frames(0..3),
        tag(&[("b", b"second")]),
        frames(3..6),
        tag(&[("c", b"third")]),
    ]
    .concat();
    let units = read(bytes);
    let at = |frames: i64| Some(MediaTime::from_secs(1) + MediaTime::from_units(frames * 1024 * 14_700));
    let expected = [(at(0), b"first".to_vec()), (at(3), b"second".to_vec()), (at(6), b"third".to_vec())];
    assert_eq!(metadata(&units), expected);
    assert_eq!(sound(&units, 48_000).len(), 6);
    assert_eq!(rules(&units), [] as [&str; 0]);
}

#[test]
fn without_a_timestamp_time_begins_at_zero_and_that_is_reported() {
    let units = read(frames(0..4));
    assert_eq!((sound(&units, 0)[0], rules(&units)), ((0, 0), vec!["T018"]));
    let units = read([tag(&[("a", b"x")]), frames(0..4)].concat());
    assert_eq!(metadata(&units), [(None, b"x".to_vec())]);
}

#[test]
fn garbage_between_frames_is_passed_over() {
    // Headers in it: of another configuration, and of that of the frames around it, which claims more than there is,
    // the frames behind it, or itself.
    let own = |size: u16| {
        let header = frames(0..1);
        let [third, fourth] = [header[2], header[3] & 0xc0];
        vec![0xff, 0xf1, third, fourth | (size >> 11) as u8, (size >> 3) as u8, (size << 5) as u8 | 0x1f, 0xfc]
    };
    let mut all: Vec<Vec<u8>> =
        [&[0; 1][..], &[0xff; 9], &[0xff, 0xf1, 0x50, 0x80, 0x1f, 0xff, 0xfc], b"TAG and more of it"]
            .map(<[u8]>::to_vec)
            .into();
    all.extend([9, 20, 60, 100, 255, 8191].map(own));
    all.extend([60, 255].map(|size| [own(size), own(size)].concat()));
    all.push([&own(60)[..], &[0; 20]].concat());
    for garbage in all {
        let bytes = [&timestamp(90_000)[..], &frames(0..3), &garbage, &frames(3..6)].concat();
        for step in [1, 7, bytes.len()] {
            let pieces = bytes.chunks(step).map(Bytes::copy_from_slice);
            let units = segment(&mut reader(), pieces).expect("valid");
            let numbers: Vec<u8> = tracks(&units)[0].samples.iter().map(|taken| taken.bytes[0]).collect();
            assert_eq!(numbers, [0, 1, 2, 3, 4, 5], "{garbage:x?} in pieces of {step} bytes");
            assert_eq!(rules(&units), ["T012"], "{garbage:x?}");
        }
    }
}

#[test]
fn a_description_in_the_tag_is_the_configuration() {
    // HE-AAC at 24 kHz, which the frames do not say.
    let setup = [&b"zach"[..], &[0, 0, 1, 4, 0x2b, 0x11, 0x88, 0x00]].concat();
    let mut reader = reader();
    reader.set_protection(Some(SampleAes { key_id: KeyId([1; 16]), iv: [2; 16] }));
    let head = tag(&[(TIMESTAMP, &90_000_u64.to_be_bytes()), (DESCRIPTION, &setup)]);
    let mut frames = frames(0..3);
    for at in [0, 27, 54] {
        frames[at + 2] = 0x58; // 24 kHz
    }
    let units = segment(&mut reader, [[head, frames].concat().into()]).expect("valid");
    let track = &inits(&units)[0].tracks[0];
    assert_eq!((track.codec.to_string().as_str(), track.timescale.get()), ("mp4a.40.5", 24_000));
    assert_eq!(track.config, DecoderConfig::Aac { asc: Bytes::from_static(&[0x2b, 0x11, 0x88, 0x00]) });
    assert!(track.encryption.is_some());
    assert_eq!(metadata(&units), []);
}

#[test]
fn protection_begins_and_ends_with_a_segment() {
    let mut reader = reader();
    let mut found = Vec::new();
    for (part, key) in [None, Some(SampleAes { key_id: KeyId([1; 16]), iv: [2; 16] }), None].into_iter().enumerate() {
        reader.set_protection(key);
        reader.next_segment(false);
        let bytes = [timestamp(90_000 + part as u64 * 3 * 1920), frames(0..3)].concat();
        for unit in segment(&mut reader, [bytes.into()]).expect("valid") {
            match unit {
                StreamUnit::Init(init) => found.push(init.tracks[0].encryption.is_some()),
                StreamUnit::Fragment(fragment) => {
                    let traf = fragment.slice(fragment.tracks[0].traf.clone()).expect("inside");
                    found.push(traf.windows(4).any(|window| window == b"senc"));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(found, [false, false, true, true, false, false]);
}

#[test]
fn what_is_neither_a_transport_stream_nor_sound_is_refused() {
    for bytes in [&b"<html>404</html>"[..], b"WEBVTT\n\n", b"\0\0\0\x18ftypiso6\0\0\0\0iso6mp41", &[0; 2000]] {
        let error = segment(&mut reader(), [Bytes::copy_from_slice(bytes)]).expect_err("not for this reader");
        assert_eq!(error.code(), ErrorCode::ContainerUnknown);
    }
    assert_eq!(segment(&mut reader(), []), Ok(vec![]), "nothing is nothing");
}
