//! SAMPLE-AES comes out as Common Encryption: whoever decrypts `cbcs` gets what was in clear.
//!
//! The protected streams are a packager's (`tests/data/ts/sample_aes.sh`), which made the same in clear.

use crate::mux::*;
use crate::support::*;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::Aes128;
use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::{Fragment, SampleAes, StreamUnit};
use telecine_model::protection::KeyId;
use telecine_model::ErrorCode;

const KEY: [u8; 16] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const KID: KeyId =
    KeyId([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]);
const IV: [u8; 16] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66];

fn protected(bytes: Bytes) -> Vec<StreamUnit> {
    let mut reader = reader();
    reader.set_protection(Some(SampleAes { key_id: KID, iv: IV }));
    segment(&mut reader, [bytes]).expect("valid")
}

/// The payload of the first box of a type inside a `traf`.
fn inside<'a>(traf: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = traf.get(8..)?;
    while let Some((size, _)) = rest.split_first_chunk() {
        let (found, behind) = rest.split_at(u32::from_be_bytes(*size) as usize);
        if &found[4..8] == kind {
            return Some(&found[8..]);
        }
        rest = behind;
    }
    None
}

fn be(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte))
}

/// Subsamples of every sample of a fragment's only track, as `senc` has them (ISO/IEC 23001-7, 7.2).
fn subsamples(fragment: &Fragment) -> Vec<Vec<(usize, usize)>> {
    let [part] = &fragment.tracks[..] else { panic!("one track") };
    let traf = fragment.slice(part.traf.clone()).expect("inside");
    let senc = inside(&traf, b"senc").expect("there is one");
    assert_eq!((be(&senc[..4]), be(&senc[4..8])), (2, part.samples.len()));
    let mut at = 8;
    let mut sizes = Vec::new();
    let all: Vec<Vec<(usize, usize)>> = (0..part.samples.len())
        .map(|_| {
            let count = be(&senc[at..at + 2]);
            let entries = senc[at + 2..at + 2 + 6 * count].chunks(6).map(|e| (be(&e[..2]), be(&e[2..]))).collect();
            sizes.push(2 + 6 * count);
            at += 2 + 6 * count;
            entries
        })
        .collect();
    assert_eq!(at, senc.len());
    // The other way to the same bytes: sizes, and where the first is from the moof on.
    let saiz = inside(&traf, b"saiz").expect("there is one");
    let default = usize::from(saiz[4]);
    let listed: Vec<usize> = match default {
        0 => saiz[9..].iter().map(|size| usize::from(*size)).collect(),
        _ => vec![default; be(&saiz[5..9])],
    };
    assert_eq!(listed, sizes);
    let saio = inside(&traf, b"saio").expect("there is one");
    let moof = fragment.slice(fragment.moof.clone()).expect("inside");
    assert!(moof[be(&saio[8..12])..].starts_with(&senc[8..]));
    all
}

/// Decrypts `cbcs` as ISO/IEC 23001-7, 10.4.2 says it: the vector begins anew at each subsample.
fn decrypt(sample: &[u8], subsamples: &[(usize, usize)], crypt: usize, skip: usize) -> Vec<u8> {
    let cipher = Aes128::new(&KEY.into());
    let mut out = sample.to_vec();
    let mut at = 0;
    for (clear, protected) in subsamples {
        at += clear;
        let end = at + protected;
        let mut previous = IV;
        let mut index = 0;
        while at + 16 <= end {
            if skip == 0 || index % (crypt + skip) < crypt {
                let encrypted: [u8; 16] = out[at..at + 16].try_into().expect("a block");
                let mut block = encrypted.into();
                cipher.decrypt_block(&mut block);
                for (to, (byte, before)) in out[at..at + 16].iter_mut().zip(block.iter().zip(previous)) {
                    *to = byte ^ before;
                }
                previous = encrypted;
            }
            index += 1;
            at += 16;
        }
        at = end;
    }
    assert_eq!(at, sample.len(), "subsamples cover the sample");
    out
}

/// Samples of the only track, decrypted.
fn decrypted(units: &[StreamUnit]) -> Vec<Vec<u8>> {
    let init = &inits(units)[0];
    let encryption = init.tracks[0].encryption.as_ref().expect("protected");
    let (crypt, skip) = (usize::from(encryption.crypt_blocks), usize::from(encryption.skip_blocks));
    fragments(units)
        .iter()
        .flat_map(|fragment| {
            let samples = fragment.tracks[0].samples.iter().map(|sample| fragment.sample(sample).expect("inside"));
            samples
                .zip(subsamples(fragment))
                .map(|(sample, list)| decrypt(&sample, &list, crypt, skip))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn what_a_packager_protected_is_decrypted_to_what_it_made_in_clear() {
    for (name, extension, samples) in [
        ("sa_avc", "ts", 50),
        ("sa_aac", "ts", 48),
        ("sa_ac3", "ts", 32),
        ("sa_eac3", "ts", 32),
        ("sa_aac_packed", "aac", 48),
        ("sa_ac3_packed", "ac3", 32),
        ("sa_eac3_packed", "ec3", 32),
    ] {
        let units = protected(data(&format!("{name}.{extension}")));
        let clear = tracks(&read(data(&format!("{name}_clear.{extension}"))));
        let expected: Vec<Vec<u8>> = clear[0].samples.iter().map(|taken| taken.bytes.to_vec()).collect();
        assert_eq!(expected.len(), samples, "{name}");
        let found = decrypted(&units);
        assert_eq!(found.len(), samples, "{name}");
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{name} sample {at} of {samples}");
        }
        let times = |track: &Track| {
            track.samples.iter().map(|taken| (taken.sample.pts(), taken.sample.dts)).collect::<Vec<_>>()
        };
        assert_eq!(times(&tracks(&units)[0]), times(&clear[0]), "{name}");
        let some_differ =
            tracks(&units)[0].samples.iter().zip(&expected).any(|(taken, clear)| taken.bytes != clear[..]);
        assert!(some_differ, "{name} was protected");
    }
}

#[test]
fn the_initialisation_segment_names_scheme_key_vector_and_pattern() {
    for (file, crypt, skip, codec) in
        [("sa_avc.ts", 1, 9, "avc1.64000a"), ("sa_aac.ts", 0, 0, "mp4a.40.2"), ("sa_eac3_packed.ec3", 0, 0, "ec-3")]
    {
        let init = &inits(&protected(data(file)))[0];
        let track = &init.tracks[0];
        let encryption = track.encryption.as_ref().expect("protected");
        assert_eq!((&encryption.scheme, encryption.default_kid), (b"cbcs", KID));
        assert_eq!((encryption.crypt_blocks, encryption.skip_blocks), (crypt, skip), "{file}");
        assert_eq!(encryption.constant_iv.as_deref(), Some(&IV[..]));
        assert_eq!((encryption.default_is_protected, encryption.per_sample_iv_size), (true, 0));
        assert_eq!(track.codec.to_string(), codec);
    }
}

#[test]
fn without_a_key_protected_streams_are_refused() {
    let error = segment(&mut reader(), [data("sa_avc.ts")]).expect_err("no key");
    assert_eq!(error.code(), ErrorCode::KeyUnavailable);
}

#[test]
fn a_key_for_a_stream_that_is_clear_changes_nothing() {
    let units = protected(data("sa_avc_clear.ts"));
    assert!(inits(&units)[0].tracks[0].encryption.is_none());
}

#[test]
fn another_key_from_the_next_segment_on_is_another_initialisation_segment() {
    let mut reader = reader();
    let file = data("sa_aac.ts");
    let mut units = Vec::new();
    for iv in [IV, IV, [7; 16]] {
        reader.next_segment(true);
        reader.set_protection(Some(SampleAes { key_id: KID, iv }));
        units.extend(segment(&mut reader, [file.clone()]).expect("valid"));
    }
    let found: Vec<Option<Vec<u8>>> = inits(&units)
        .iter()
        .map(|init| init.tracks[0].encryption.as_ref().and_then(|encryption| encryption.constant_iv.clone()))
        .collect();
    assert_eq!(found, [Some(IV.to_vec()), Some(vec![7; 16])]);
    // The same within one timeline: what came before the change has the key before.
    let mut reader = super::support::reader();
    let mut mux = Mux::with(&[(0xcf, AUDIO, &[])]);
    let mut order = Vec::new();
    for (at, iv) in [IV, [7; 16]].into_iter().enumerate() {
        reader.next_segment(false);
        reader.set_protection(Some(SampleAes { key_id: KID, iv }));
        mux.pes(AUDIO, Some(90_000 + at as u64 * 1920), None, &aac(0));
        let units = segment(&mut reader, [mux.cut().into()]).expect("valid");
        order.extend(units.iter().map(|unit| matches!(unit, StreamUnit::Init(_))));
    }
    assert_eq!(order, [true, false, true, false]);
}

/// Protects a NAL unit as Apple's document on the stream encryption format does: with the emulation
/// prevention that it has, and with another layer of it over the result.
fn encrypt_slice(nal: &[u8]) -> Vec<u8> {
    if nal.len() <= 48 {
        return nal.to_vec();
    }
    let cipher = Aes128::new(&KEY.into());
    let mut out = nal.to_vec();
    let mut previous = IV;
    let mut at = 32;
    while out.len() - at > 16 {
        let mut block: [u8; 16] = out[at..at + 16].try_into().expect("a block");
        block.iter_mut().zip(previous).for_each(|(byte, before)| *byte ^= before);
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        previous = block.into();
        out[at..at + 16].copy_from_slice(&previous);
        at += 16 + 144.min(out.len() - at - 16);
    }
    escape(&out)
}

/// Emulation prevention (ISO/IEC 14496-10, 7.4.1).
fn escape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut zeros = 0;
    for byte in bytes {
        if zeros >= 2 && *byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    out
}

proptest! {
    #[test]
    fn slices_with_two_layers_of_emulation_prevention_come_out_as_they_were(
        slices in proptest::collection::vec(proptest::collection::vec(0_u8..4, 0..700), 1..6),
    ) {
        let mut mux = Mux::with(&[(0xdb, VIDEO, &[0x0f, 4, b'z', b'a', b'v', b'c'])]);
        let mut expected = Vec::new();
        for (at, payload) in slices.iter().enumerate() {
            // A slice with its own emulation prevention, as an encoder writes it.
            let head: &[u8] = if at == 0 { &[0x65, 0x88, 0x84] } else { &[0x41, 0x9a, 0x24] };
            let slice = escape(&[head, payload, &[0x80]].concat());
            let before = if at == 0 { [nal(DELIMITER), nal(SPS), nal(PPS)].concat() } else { nal(DELIMITER) };
            let unit = [before, nal(&encrypt_slice(&slice))].concat();
            mux.pes(VIDEO, Some(90_000 + at as u64 * 3600), None, &unit);
            let prefixed = |nal: &[u8]| [&(nal.len() as u32).to_be_bytes()[..], nal].concat();
            expected.push([prefixed(DELIMITER), prefixed(&slice)].concat());
        }
        prop_assert_eq!(decrypted(&protected(mux.out.into())), expected);
    }
}

#[test]
fn with_more_slices_than_saiz_can_say_senc_stands_alone() {
    let mut mux = Mux::with(&[(0xdb, VIDEO, &[])]);
    let slice = |first: bool| nal(&[&[0x65, if first { 0x88 } else { 0x48 }, 0x84][..], &[5; 60], &[0x80]].concat());
    let picture = [nal(SPS), nal(PPS), slice(true), slice(false).repeat(50)].concat();
    mux.pes(VIDEO, Some(90_000), None, &picture);
    let units = protected(mux.out.into());
    let fragment = fragments(&units)[0];
    let traf = fragment.slice(fragment.tracks[0].traf.clone()).expect("inside");
    assert!(inside(&traf, b"saiz").is_none() && inside(&traf, b"saio").is_none());
    let senc = inside(&traf, b"senc").expect("there is one");
    assert_eq!(be(&senc[8..10]), 51, "one for each slice");
}
