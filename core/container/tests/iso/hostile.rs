//! Hostile input is normal input: a typed error with its place, never a panic, never memory beyond the limits.

use std::sync::Arc;

use crate::support::*;
use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::{read_file, CmafChecker, InitSegment, IsoReader, Unit};
use telecine_model::{ErrorCode, Limits};

/// Reads in every way that there is.
fn consume(bytes: &Bytes) {
    let limits = Limits::default();
    let mut reader = IsoReader::new(&limits);
    let mut checker = CmafChecker::new();
    reader.push(bytes.clone());
    let mut init = None;
    while let Ok(Some(unit)) = reader.poll() {
        checker.check(&unit);
        match unit {
            Unit::Fragment(mut fragment) => {
                for sample in fragment.tracks.iter().flat_map(|track| &track.samples) {
                    assert!(fragment.sample(sample).is_some(), "a sample that was let through is there");
                }
                let encryption = init.as_ref().and_then(|init: &Arc<InitSegment>| fragment.encryption(init).ok());
                if let Some(encryption) = encryption {
                    let size = fragment.size;
                    fragment.decrypt_with(&encryption, |_, _| Ok(())).expect("what was let through can be decrypted");
                    assert_eq!(fragment.data.iter().map(Bytes::len).sum::<usize>() as u64, size);
                }
            }
            Unit::Init(found) => {
                assert_eq!(found.cleared().data.len(), found.data.len());
                init = Some(found);
            }
            _ => {}
        }
    }
    let _ = reader.finish();
    let _ = reader.poll();
    crate::movie::consume(bytes, &limits);
    if let Ok(media) = read_file(bytes.clone(), None, &limits) {
        for sample in media.tracks.iter().flat_map(|track| &track.samples) {
            assert!(media.sample(sample).is_some(), "a sample that was let through is there");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        consume(&bytes.into());
    }

    /// Random bytes rarely get behind a header: these do.
    #[test]
    fn arbitrary_boxes_never_panic(
        kind in proptest::sample::select(&[
            b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"emsg", b"prft", b"mdat", b"free",
        ]),
        inner in proptest::sample::select(&[b"mvhd", b"trak", b"mvex", b"traf", b"pssh", b"mfhd", b"meta"]),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        consume(&boxed(kind, &[&bytes]).into());
        consume(&boxed(kind, &[&boxed(inner, &[&bytes])]).into());
    }

    #[test]
    fn damaged_files_never_panic(
        name in proptest::sample::select(&FILES),
        damage in proptest::collection::vec((0usize..3000, any::<u8>()), 1..12),
    ) {
        let mut bytes = data(&format!("{name}.mp4")).to_vec();
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        consume(&bytes.into());
    }

    #[test]
    fn truncated_files_never_panic(name in proptest::sample::select(&FILES), cut in 0usize..8000) {
        let bytes = data(&format!("{name}.mp4"));
        consume(&bytes.slice(..cut.min(bytes.len())));
    }

    #[test]
    fn arbitrary_boxes_of_encryption_never_panic(
        kinds in proptest::collection::vec(
            proptest::sample::select(&[b"senc", b"saiz", b"saio", b"sbgp", b"sgpd", b"uuid", b"csgp"]), 0..5,
        ),
        bytes in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(2), Just(8), any::<u8>()], 0..60), 5,
        ),
        seig in any::<bool>(),
    ) {
        let tenc = full(b"tenc", 0, 0, &[&[0, 0, 1, 8], &[1; 16]]);
        let entry = visual(b"encv", &[avcc(), sinf(b"avc1", b"cenc", &tenc)].concat());
        let trak = Trak { handler: *b"vide", stsd: stsd(&[&entry]), ..Trak::default() };
        let moov = boxed(b"moov", &[&mvhd(), &trak.bytes(), &mvex(&[[1, 10, 4, 0]])]);
        let boxes: Vec<u8> = kinds
            .iter()
            .zip(&bytes)
            .flat_map(|(kind, bytes)| {
                let start: &[u8] = match (seig, *kind) {
                    (true, b"sbgp") => b"\0\0\0\0seig",
                    (true, b"sgpd") => b"\x01\0\0\0seig",
                    (_, b"uuid") => b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4",
                    _ => &[],
                };
                boxed(kind, &[start, bytes])
            })
            .collect();
        let make = |at| moof(1, &[&boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &boxes, &trun(3, at)])]);
        let at = make(0).len() as i32 + 8;
        consume(&[moov, make(at), boxed(b"mdat", &[&[0; 12]])].concat().into());
    }

    /// Sizes, counts and versions are where parsers fall.
    #[test]
    fn damaged_words_never_panic(
        name in proptest::sample::select(&FILES),
        at in 0usize..2500,
        value in proptest::sample::select(&[0u32, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0100_0000]),
    ) {
        let mut bytes = data(&format!("{name}.mp4")).to_vec();
        if let Some(word) = bytes.get_mut(at..at + 4) {
            word.copy_from_slice(&be(value));
        }
        consume(&bytes.into());
    }
}

#[test]
fn impossible_sizes_of_outer_boxes_are_refused() {
    for (bytes, at) in [
        ([&be(7)[..], b"free"].concat(), 0),
        ([&boxed(b"free", &[])[..], &be(1), b"mdat", &be64(15)].concat(), 8),
        ([&be(1)[..], b"mdat", &be64(1 << 63)].concat(), 0),
        ([&be(1)[..], b"mdat", &be64(u64::MAX)].concat(), 0),
        ([&be(0)[..], b"moov", &[0; 8]].concat(), 0),
    ] {
        let (code, _, offset) = failure(bytes);
        assert_eq!((code, offset), (ErrorCode::ContainerSyntax, at));
    }
}

#[test]
fn impossible_sizes_of_inner_boxes_are_refused() {
    for (child, message) in [
        (&[&be(0)[..], b"trak"].concat(), "size of zero"),
        (&[&be(9)[..], b"trak"].concat(), "claims 9 bytes"),
        (&[&be(3)[..], b"trak"].concat(), "smaller than"),
        (&[&be(1)[..], b"trak", &be64(u64::MAX)].concat(), "beyond any resource"),
        (&[&be(1)[..], b"trak", &be64(17)].concat(), "claims 17 bytes"),
        (&b"junk".to_vec(), "are no box"),
    ] {
        let moov = boxed(b"moov", &[&mvhd(), child]);
        let error = read(moov).expect_err("broken");
        assert_eq!(error.code(), ErrorCode::ContainerSyntax);
        assert!(error.message().contains(message), "{error}");
    }
}

#[test]
fn boxes_over_their_limit_are_refused_before_their_bytes_arrive() {
    let header = |kind: &[u8; 4], size: u32| [&be(size)[..], kind].concat();
    for kind in [b"moov", b"moof", b"sidx", b"emsg", b"styp", b"ftyp", b"prft"] {
        let mut reader = IsoReader::new(&Limits::default());
        reader.push(header(kind, 0x7fff_ffff).into());
        let error = reader.poll().expect_err("two gigabytes");
        assert_eq!(error.code(), ErrorCode::ContainerLimit);
    }
    let mut limits = Limits::default();
    limits.segment_bytes = 1000;
    let mut fragment = simple_fragment(1, 0, 1);
    let mdat = fragment.len() - 12;
    fragment[mdat..mdat + 4].copy_from_slice(&be(5000));
    let error = read_pieces(&limits, [simple_init().into(), fragment.into()]).expect_err("5,000 bytes");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}

#[test]
fn media_without_an_announced_end_is_kept_up_to_the_limit_only() {
    let mut limits = Limits::default();
    limits.segment_bytes = 10_000;
    let mut fragment = simple_fragment(1, 0, 1);
    let mdat = fragment.len() - 12;
    fragment[mdat..mdat + 4].fill(0);
    let mut reader = IsoReader::new(&limits);
    reader.push(simple_init().into());
    reader.push(fragment.into());
    let mut pushed = 0;
    let error = loop {
        reader.push(vec![0; 500].into());
        pushed += 500;
        match reader.poll() {
            Ok(_) => assert!(pushed < 10_500, "kept too much"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}

#[test]
fn a_run_of_four_billion_default_samples_is_refused() {
    for size in [0, 4] {
        let trak = Trak::default().bytes();
        let moov = boxed(b"moov", &[&mvhd(), &trak, &mvex(&[[1, 0, size, 0]])]);
        let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &trun(u32::MAX, 0)]);
        let (code, path, _) = failure([moov, moof(1, &[&traf])].concat());
        assert_eq!((code, path.as_str()), (ErrorCode::ContainerLimit, "moof/traf/trun"));
    }
}

#[test]
fn runs_add_up_to_the_limit_of_a_fragment() {
    let mut limits = Limits::default();
    limits.fragment_samples = 10;
    let run = full(b"trun", 0, 0, &[&be(4)]);
    let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &run, &run, &run]);
    let file = [simple_init(), moof(1, &[&traf])].concat();
    let error = read_pieces(&limits, [file.into()]).expect_err("twelve samples");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}

#[test]
fn a_run_that_announces_more_than_it_holds_is_refused() {
    let run = full(b"trun", 0, 0x200, &[&words(&[1000, 1, 2, 3])]);
    let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &run]);
    let (code, path, _) = failure([simple_init(), moof(1, &[&traf])].concat());
    assert_eq!((code, path.as_str()), (ErrorCode::ContainerSyntax, "moof/traf/trun"));
}

#[test]
fn a_flood_of_small_boxes_is_refused() {
    let mut limits = Limits::default();
    limits.side_items = 20;
    let many = |one: &[u8]| one.repeat(30);
    let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0)]);
    let mdat = {
        let mut fragment = simple_fragment(1, 0, 200);
        fragment.truncate(fragment.len() - 800 - 8);
        [fragment, many(&boxed(b"mdat", &[]))].concat()
    };
    for resource in [
        boxed(b"moov", &[&mvhd(), &many(&full(b"pssh", 0, 0, &[&[0; 20]]))]),
        boxed(b"moov", &[&mvhd(), &many(&boxed(b"trak", &[]))]),
        moof(1, &[&many(&traf)]),
        moof(1, &[&many(&full(b"pssh", 0, 0, &[&[0; 20]]))]),
        mdat,
    ] {
        let error = read_pieces(&limits, [simple_init().into(), resource.into()]).expect_err("a flood");
        assert_eq!(error.code(), ErrorCode::ContainerLimit, "{error}");
    }
}

#[test]
fn deep_nesting_is_passed_over_not_followed() {
    let mut nest = boxed(b"trak", &[]);
    for _ in 0..5000 {
        nest = boxed(b"udta", &[&nest]);
    }
    let moov = boxed(b"moov", &[&mvhd(), &nest]);
    assert_eq!(init(&read(moov).expect("valid")).tracks, []);
}

#[test]
fn the_samples_of_a_whole_file_have_a_limit() {
    let mut limits = Limits::default();
    limits.file_samples = 5;
    let file = [simple_init(), simple_fragment(1, 0, 3), simple_fragment(2, 30, 3)].concat();
    let error = read_file(file.into(), None, &limits).expect_err("six samples");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}
