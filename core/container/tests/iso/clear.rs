//! Clear output in the same bytes: what is decrypted, what is renamed, and what is copied.

use crate::support::*;
use bytes::Bytes;
use telecine_container::{Fragment, InitSegment, IsoReader, Unit};
use telecine_model::protection::SampleEncryption;
use telecine_model::{Error, ErrorCode, Limits};

/// A movie of one protected track that may have a clear lead, with a `pssh` box and groups.
fn movie() -> Vec<u8> {
    let tenc = full(b"tenc", 0, 0, &[&[0, 0, 1, 8], &[0x11; 16]]);
    let secret = visual(b"encv", &[avcc(), sinf(b"avc1", b"cenc", &tenc)].concat());
    let group = full(b"sgpd", 1, 0, &[b"seig", &be(20), &be(1), &[0; 20]]);
    let roll = full(b"sgpd", 1, 0, &[b"roll", &be(2), &be(1), &[0xff, 0xff]]);
    let entries = stsd(&[&secret, &visual(b"avc1", &avcc())]);
    let trak = Trak { handler: *b"vide", stsd: entries, tables: [group, roll].concat(), ..Trak::default() };
    let ftyp = boxed(b"ftyp", &[b"iso6", &be(0), b"iso6cmfc"]);
    let pssh = full(b"pssh", 0, 0, &[&[5; 16], &be(0)]);
    [ftyp, boxed(b"moov", &[&mvhd(), &trak.bytes(), &pssh, &mvex(&[[1, 10, 4, 0]])])].concat()
}

/// Two protected samples and a clear one between them, with everything that may be said about encryption.
fn media() -> Vec<u8> {
    let sbgp = full(b"sbgp", 0, 0, &[b"seig", &words(&[3, 1, 0, 1, 0x1_0001, 1, 0])]);
    let sgpd = full(b"sgpd", 1, 0, &[b"seig", &be(20), &be(1), &[0; 20]]);
    let roll = full(b"sbgp", 0, 0, &[b"roll", &words(&[1, 3, 1])]);
    let senc = full(b"senc", 0, 0, &[&be(2), &[1; 8], &[2; 8]]);
    let uuid = boxed(b"uuid", &[b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4", &[0; 8]]);
    let saiz = full(b"saiz", 0, 0, &[&[0], &be(3), &[8, 0, 8]]);
    let saio = full(b"saio", 0, 0, &[&words(&[1, 0])]);
    let misc = full(b"saiz", 0, 1, &[b"misc", &be(0), &[1], &be(3)]);
    let pssh = full(b"pssh", 0, 0, &[&[6; 16], &be(0)]);
    let make = |at: u32| {
        let run = full(b"trun", 0, 0x201, &[&words(&[3, at, 20, 30, 40])]);
        let boxes = [&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &sbgp, &sgpd, &roll, &senc, &uuid, &saiz, &saio, &misc, &run];
        moof(1, &[&boxed(b"traf", &boxes.map(Vec::as_slice)), &pssh])
    };
    let media = make(0).len() as u32 + 8;
    [make(media), boxed(b"mdat", &[&[0; 90]])].concat()
}

fn parsed(bytes: &[u8]) -> InitSegment {
    init(&read(bytes.to_vec()).expect("valid")).clone()
}

/// The fragment of a resource that arrives in pieces.
fn fragment(init: &InitSegment, pieces: impl IntoIterator<Item = Bytes>) -> Fragment {
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_init(std::sync::Arc::new(init.clone()));
    pieces.into_iter().for_each(|piece| reader.push(piece));
    match reader.poll().expect("valid") {
        Some(Unit::Fragment(fragment)) => fragment,
        unit => panic!("{unit:?} is no fragment"),
    }
}

/// Stands for a cipher: adds the first byte of the vector.
fn mark(how: &SampleEncryption<'_>, sample: &mut [u8]) -> Result<(), Error> {
    sample.iter_mut().for_each(|byte| *byte += how.iv[0]);
    Ok(())
}

/// What the fragment becomes: written by hand.
fn expected() -> Vec<u8> {
    let mut bytes = media();
    let sized =
        |name: &[u8], bytes: &[u8]| (0..bytes.len()).filter(|at| bytes[*at..].starts_with(name)).collect::<Vec<_>>();
    for name in [&b"senc"[..], b"uuid", b"saio", b"pssh"] {
        for at in sized(name, &bytes) {
            bytes[at..at + 4].copy_from_slice(b"free");
        }
    }
    // The first `saiz` is about encryption, the second is not.
    let at = sized(b"saiz", &bytes)[0];
    bytes[at..at + 4].copy_from_slice(b"free");
    for name in [&b"sbgp\0\0\0\0seig"[..], b"sgpd\x01\0\0\0seig"] {
        let at = sized(name, &bytes)[0];
        bytes[at..at + 4].copy_from_slice(b"free");
    }
    let data = bytes.len() - 90;
    bytes[data..data + 20].fill(1);
    bytes[data + 50..].fill(2);
    bytes
}

#[test]
fn protected_samples_are_decrypted_and_what_speaks_of_encryption_is_free() {
    let init = parsed(&movie());
    let mut fragment = fragment(&init, [media().into()]);
    let before = fragment.clone();
    let encryption = fragment.encryption(&init).expect("valid");
    fragment.decrypt_with(&encryption, mark).expect("decrypts");
    assert_eq!(fragment.data.concat(), expected());
    // Nothing else has changed.
    let unchanged = Fragment { data: before.data.clone(), pssh: before.pssh.clone(), ..fragment.clone() };
    assert_eq!(unchanged, before);
    assert!(fragment.pssh.is_empty());
}

#[test]
fn clear_output_reads_as_a_clear_track() {
    let init = parsed(&movie());
    let mut fragment = fragment(&init, [media().into()]);
    let encryption = fragment.encryption(&init).expect("valid");
    fragment.decrypt_with(&encryption, mark).expect("decrypts");
    let clear = init.cleared();
    let units = read([&clear.data[..], &fragment.data.concat()].concat()).expect("valid");
    let [again] = fragments(&units)[..] else { panic!("one fragment") };
    assert!(again.encryption(&clear).expect("valid").is_clear());
    assert!(again.pssh.is_empty());
    let sizes = |of: &Fragment| of.tracks[0].samples.iter().map(|sample| sample.size).collect::<Vec<_>>();
    assert_eq!(sizes(again), sizes(&fragment));
}

#[test]
fn a_cleared_initialisation_segment_is_what_its_bytes_say() {
    let init = parsed(&movie());
    let clear = init.cleared();
    assert_eq!(clear.data.len(), init.data.len());
    assert!(clear.made_clear && !init.made_clear);
    // Bytes do not say that they were protected once.
    let mut read = parsed(&clear.data);
    read.made_clear = true;
    assert_eq!(clear, read);
    let track = &clear.tracks[0];
    assert_eq!((track.encryption.clone(), track.codec.to_string()), (None, "avc1.64001f".to_owned()));
    assert!(track.descriptions.iter().all(|entry| entry.encryption.is_none() && &entry.format == b"avc1"));
    assert!(clear.pssh.is_empty());
    let changed = init.data.iter().zip(&clear.data).filter(|(before, after)| before != after).count();
    assert!((1..=16).contains(&changed), "{changed} bytes changed: four types of four letters");
    assert!(clear.data.windows(12).any(|bytes| bytes == b"sgpd\x01\0\0\0roll"));
    // The original is as it was.
    assert_eq!(init, parsed(&movie()));
}

#[test]
fn an_initialisation_segment_without_protection_is_shared() {
    let init = parsed(&simple_init());
    assert_eq!(init.cleared().data.as_ptr(), init.data.as_ptr());
    assert_eq!(init.cleared(), init);
}

#[test]
fn protection_of_a_moov_that_is_not_the_first_box_of_its_resource_is_cleared_too() {
    let file = [boxed(b"free", &[&[0; 100]]), movie()].concat();
    assert_eq!(init(&read(file).expect("valid")).cleared().data, parsed(&movie()).cleared().data);
}

#[test]
fn data_in_one_piece_that_nobody_else_holds_are_not_copied() {
    let init = parsed(&movie());
    let mut fragment = fragment(&init, [media().into()]);
    let place = fragment.data[0].as_ptr();
    let encryption = fragment.encryption(&init).expect("valid");
    assert_eq!(fragment.decrypt_with(&encryption, mark).expect("decrypts"), 0);
    assert_eq!((fragment.data.len(), fragment.data[0].as_ptr()), (1, place));
}

#[test]
fn data_that_somebody_else_holds_are_copied_once_and_stay_as_they_are() {
    let init = parsed(&movie());
    let held = Bytes::from(media());
    let mut fragment = fragment(&init, [held.clone()]);
    let encryption = fragment.encryption(&init).expect("valid");
    assert_eq!(fragment.decrypt_with(&encryption, mark).expect("decrypts"), held.len() as u64);
    assert_eq!(held, media());
    assert_eq!(fragment.data.concat(), expected());
}

#[test]
fn data_in_several_pieces_are_joined_once() {
    let init = parsed(&movie());
    for step in [1, 7, 64, 301] {
        let pieces: Vec<Bytes> = media().chunks(step).map(Bytes::copy_from_slice).collect();
        let mut fragment = fragment(&init, pieces);
        let encryption = fragment.encryption(&init).expect("valid");
        assert_eq!(fragment.decrypt_with(&encryption, mark).expect("decrypts"), fragment.size);
        assert_eq!(fragment.data, [expected()]);
    }
}

#[test]
fn clear_fragments_pass_through_untouched() {
    let init = parsed(&movie());
    let lead = boxed(b"traf", &[&tfhd(BASE_IS_MOOF | 2, &be(2)), &tfdt(0), &trun(1, 0)]);
    let at = moof(1, &[&lead]).len() as i32 + 8;
    let lead = boxed(b"traf", &[&tfhd(BASE_IS_MOOF | 2, &be(2)), &tfdt(0), &trun(1, at)]);
    let bytes = [moof(1, &[&lead]), boxed(b"mdat", &[b"abcd"])].concat();
    let pieces: Vec<Bytes> = bytes.chunks(20).map(Bytes::copy_from_slice).collect();
    let mut fragment = fragment(&init, pieces.clone());
    let encryption = fragment.encryption(&init).expect("valid");
    assert!(encryption.is_clear());
    let copied = fragment.decrypt_with(&encryption, |_, _| panic!("no sample is protected")).expect("clear");
    assert_eq!(copied, 0);
    let places = |pieces: &[Bytes]| pieces.iter().map(|piece| piece.as_ptr()).collect::<Vec<_>>();
    assert_eq!(places(&fragment.data), places(&pieces));
}

#[test]
fn an_error_of_the_cipher_is_handed_on_and_nothing_is_renamed() {
    let init = parsed(&movie());
    let mut fragment = fragment(&init, [media().into()]);
    let encryption = fragment.encryption(&init).expect("valid");
    let error = fragment
        .decrypt_with(&encryption, |_, _| Err(Error::new(ErrorCode::KeyUnavailable, "no key")))
        .expect_err("no key");
    assert_eq!(error.code(), ErrorCode::KeyUnavailable);
    assert_eq!((fragment.data.concat(), fragment.pssh.len()), (media(), 1));
}

#[test]
fn the_encryption_of_another_fragment_is_refused() {
    let init = parsed(&movie());
    let encryption = fragment(&init, [media().into()]).encryption(&init).expect("valid");
    let mut other = fragment(&parsed(&simple_init()), [simple_fragment(1, 0, 3).into()]);
    let before = other.clone();
    assert_eq!(other.decrypt_with(&encryption, mark).expect_err("foreign").code(), ErrorCode::InvalidArgument);
    assert_eq!(other, before);
}
