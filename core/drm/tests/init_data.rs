//! Initialisation data that the packager wrote, and what hostile data may look like.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use bytes::Bytes;
use common::{base64, kid, packager, AUDIO, VIDEO};
use proptest::prelude::*;
use telecine_drm::system::playready::{Algorithm, PlayReadyObject};
use telecine_drm::system::widevine::WidevineData;
use telecine_drm::system::{DataUri, InitData, Pssh};
use telecine_drm::ContentKey;
use telecine_model::protection::{KeyId, Scheme, SystemId};
use telecine_model::{ErrorCode, Limits, Place};

fn limits() -> Limits {
    Limits::default()
}

fn one(name: &str) -> Pssh {
    let boxes = Pssh::parse_all(&packager(name), &limits()).expect("a box");
    assert_eq!(boxes.len(), 1, "{name}");
    boxes[0].clone()
}

#[test]
fn the_common_box_names_both_keys() {
    let pssh = one("cenc_video_common");
    assert_eq!((pssh.system, pssh.data.len()), (SystemId::COMMON, 0));
    assert_eq!(pssh.kids, [kid(AUDIO.0), kid(VIDEO.0)]);
    assert_eq!(pssh.raw(), &packager("cenc_video_common"));
}

#[test]
fn widevine_data_names_keys_and_scheme() {
    for (name, scheme) in [("cenc_video_widevine", Scheme::Cenc), ("cbcs_audio_widevine", Scheme::Cbcs)] {
        let pssh = one(name);
        assert_eq!(pssh.system, SystemId::WIDEVINE);
        let data = WidevineData::parse(&pssh.data, &limits()).expect("a message");
        assert_eq!(data.key_ids, [kid(AUDIO.0), kid(VIDEO.0)]);
        assert_eq!((data.scheme, data.provider.as_ref()), (Some(scheme), None));
        // Written again it is the packager's, byte for byte.
        assert_eq!(data.to_pssh().raw(), &packager(name));
    }
}

fn key(hex: &str) -> ContentKey {
    hex.parse().expect("a key")
}

#[test]
fn a_playready_object_of_version_4_0_names_its_key_and_proves_it() {
    for (name, own, other) in [("cenc_video_playready", VIDEO, AUDIO), ("cenc_audio_playready", AUDIO, VIDEO)] {
        let object = PlayReadyObject::parse(&one(name).data, &limits()).expect("an object");
        let header = object.header(&limits()).expect("a header").expect("one");
        assert_eq!((header.version.as_str(), header.kids.len()), ("4.0.0.0", 1));
        let named = &header.kids[0];
        assert_eq!((named.kid, &named.algorithm), (kid(own.0), &Some(Algorithm::AesCtr)));
        // The packager computed the checksum from the key.
        assert_eq!((named.matches(&key(own.1)), named.matches(&key(other.1))), (Some(true), Some(false)), "{name}");
    }
}

#[test]
fn a_playready_object_of_version_4_3_names_its_key_and_has_no_checksum() {
    let pssh = one("cbcs_video_playready");
    let object = PlayReadyObject::parse(&pssh.data, &limits()).expect("an object");
    let header = object.header(&limits()).expect("a header").expect("one");
    assert_eq!(header.version, "4.3.0.0");
    assert_eq!((header.kids[0].kid, &header.kids[0].algorithm), (kid(VIDEO.0), &Some(Algorithm::AesCbc)));
    assert_eq!(header.kids[0].matches(&key(VIDEO.1)), None);
    assert_eq!(Algorithm::AesCbc.scheme(), Some(Scheme::Cbcs));
    assert_eq!(pssh.key_ids(&limits()), [kid(VIDEO.0)]);
}

#[test]
fn boxes_one_behind_the_other_are_read_in_order() {
    let names = ["cenc_video_common", "cenc_video_playready", "cenc_video_widevine"];
    let all: Vec<u8> = names.iter().flat_map(|name| packager(name).to_vec()).collect();
    // What Chromium hands out for this title.
    assert_eq!(all.len(), 692);
    let boxes = Pssh::from_base64(&base64(&all), &limits()).expect("three boxes");
    let systems: Vec<_> = boxes.iter().map(|pssh| pssh.system).collect();
    assert_eq!(systems, [SystemId::COMMON, SystemId::PLAYREADY, SystemId::WIDEVINE]);
    assert_eq!(InitData::of_boxes(&boxes).bytes, all);
}

#[test]
fn the_example_of_the_specification_is_read_and_written() {
    // "cenc" initialisation data format, 5.2.
    let kids = vec![KeyId(*b"0123456789012345"), KeyId(*b"ABCDEFGHIJKLMNOP")];
    let written = Pssh::new(SystemId::COMMON, kids.clone(), Bytes::new());
    assert_eq!(written.raw()[..12], [0, 0, 0, 0x44, b'p', b's', b's', b'h', 1, 0, 0, 0]);
    assert_eq!(written.raw()[28..36], [0, 0, 0, 2, b'0', b'1', b'2', b'3']);
    assert_eq!(Pssh::parse_all(written.raw(), &limits()).expect("a box")[0].kids, kids);
}

#[test]
fn sizes_of_the_box_may_be_large_or_open() {
    let box_of = packager("rotation_1_common");
    let mut large = vec![0, 0, 0, 1];
    large.extend_from_slice(b"pssh");
    large.extend_from_slice(&(box_of.len() as u64 + 8).to_be_bytes());
    large.extend_from_slice(&box_of[8..]);
    let mut open = box_of.to_vec();
    open[..4].fill(0);
    for bytes in [large, open] {
        let boxes = Pssh::parse_all(&bytes.into(), &limits()).expect("a box");
        assert_eq!(boxes[0].kids, [kid(VIDEO.0)]);
    }
}

#[test]
fn a_box_of_a_later_version_is_left_out() {
    let mut later = packager("rotation_1_common").to_vec();
    later[8] = 2;
    later.extend_from_slice(&packager("rotation_1_widevine"));
    let boxes = Pssh::parse_all(&later.into(), &limits()).expect("boxes");
    assert_eq!(boxes.len(), 1);
    assert_eq!(boxes[0].system, SystemId::WIDEVINE);
}

#[test]
fn sizes_and_counts_that_do_not_fit_are_errors_with_their_place() {
    let good = packager("cenc_video_common").to_vec();
    let with = |at: usize, value: [u8; 4]| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&value);
        bytes
    };
    let huge = [0xff; 4];
    for bytes in [
        with(0, huge),
        with(0, [0, 0, 0, 7]),
        with(0, [0, 0, 0, 1]),
        with(4, *b"moov"),
        with(28, huge),
        with(28, [0, 0, 0, 3]),
        with(64, huge),
        with(64, [0, 0, 0, 1]),
        good[..7].to_vec(),
        good[..40].to_vec(),
        [good.clone(), vec![0]].concat(),
    ] {
        let error = Pssh::parse_all(&bytes.clone().into(), &limits()).expect_err("damaged");
        assert_eq!(error.code(), ErrorCode::InitDataInvalid, "{error}");
        assert!(matches!(error.place(), Some(Place::Byte(0 | 68))), "{error}");
    }
}

#[test]
fn limits_hold_before_anything_is_allocated() {
    let mut limits = limits();
    limits.key_ids = 1;
    assert!(Pssh::parse_all(&packager("cenc_video_common"), &limits).is_err());
    assert!(WidevineData::parse(&one("cenc_video_widevine").data, &limits).is_err());
    limits.init_data_bytes = 60;
    assert!(Pssh::parse_all(&packager("cenc_video_common"), &limits).is_err());
    limits.descriptors = 1;
    limits.init_data_bytes = 1 << 20;
    let two = [packager("rotation_1_common"), packager("rotation_2_common")].concat();
    assert!(Pssh::parse_all(&two.into(), &limits).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = Pssh::parse_all(&bytes, &limits());
        let _ = WidevineData::parse(&bytes, &limits());
        let _ = PlayReadyObject::parse(&bytes, &limits()).and_then(|object| object.header(&limits()));
        let _ = DataUri::parse(&String::from_utf8_lossy(&bytes), 100);
    }

    #[test]
    fn one_damaged_byte_is_an_error_or_another_box_but_never_more_than_there_is(at in 0_usize..692, value: u8) {
        let names = ["cenc_video_common", "cenc_video_playready", "cenc_video_widevine"];
        let mut all: Vec<u8> = names.iter().flat_map(|name| packager(name).to_vec()).collect();
        all[at] = value;
        let total = all.len();
        if let Ok(boxes) = Pssh::parse_all(&all.into(), &limits()) {
            let bytes: usize = boxes.iter().map(|pssh| pssh.raw().len()).sum();
            prop_assert!(bytes <= total);
            for pssh in &boxes {
                prop_assert!(pssh.data.len() + 16 * pssh.kids.len() < pssh.raw().len());
                let _ = pssh.key_ids(&limits());
            }
        }
    }

    #[test]
    fn boxes_that_are_written_are_read_again(
        id: [u8; 16], kids in prop::collection::vec(any::<[u8; 16]>(), 0..5), data in prop::collection::vec(any::<u8>(), 0..50)
    ) {
        let kids: Vec<KeyId> = kids.into_iter().map(KeyId).collect();
        let pssh = Pssh::new(SystemId(id), kids, data.into());
        prop_assert_eq!(Pssh::parse_all(pssh.raw(), &limits()).expect("a box"), vec![pssh]);
    }
}
