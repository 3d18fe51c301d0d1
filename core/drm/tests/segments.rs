//! Whole segments: openssl's (`data/make.sh`), in any split.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use proptest::prelude::*;
use telecine_drm::{implicit_iv, AesKey, SegmentDecryptor, SegmentKey, SoftwareAes};
use telecine_model::protection::KeyMethod;
use telecine_model::{Error, ErrorCode};

const IV: [u8; 16] = [0xf0, 0xe0, 0xd0, 0xc0, 0xb0, 0xa0, 0x90, 0x80, 0x70, 0x60, 0x50, 0x40, 0x30, 0x20, 0x10, 0];

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn key<const N: usize>() -> AesKey<N> {
    AesKey::new(std::array::from_fn(|i| i as u8))
}

fn open(method: &KeyMethod, iv: Option<[u8; 16]>, sequence: u64) -> SegmentDecryptor {
    let key = match method {
        KeyMethod::Aes128 => SegmentKey::Aes128(key()),
        _ => SegmentKey::Aes256(key()),
    };
    SegmentDecryptor::new(&SoftwareAes, method, &key, iv, sequence).expect("a decryptor")
}

/// Everything that comes out, joined, and how many bytes were copied.
fn decrypt(mut decryptor: SegmentDecryptor, pieces: impl IntoIterator<Item = Bytes>) -> Result<(Vec<u8>, u64), Error> {
    let mut clear = Vec::new();
    for piece in pieces {
        clear.extend_from_slice(&decryptor.push(piece)?);
    }
    let copied = decryptor.copied();
    for piece in decryptor.finish()? {
        clear.extend_from_slice(&piece);
    }
    Ok((clear, copied))
}

/// Pieces that nobody else holds.
fn cut(data: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (data.len() + 1)).chain([0, data.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| data[cut[0]..cut[1]].to_vec().into()).collect()
}

const METHODS: [(KeyMethod, &str); 4] = [
    (KeyMethod::Aes128, "aes128.cbc"),
    (KeyMethod::Aes256, "aes256.cbc"),
    (KeyMethod::Aes256Gcm, "aes256.gcm"),
    (KeyMethod::Aes256Gcm, "wrap.gcm"),
];

#[test]
fn segments_of_every_method_become_clear() {
    for (method, name) in METHODS {
        let (clear, copied) =
            decrypt(open(&method, Some(IV), 0), [data(name).into()]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(clear == data("plain.bin"), "{name}");
        assert_eq!(copied, 0, "{name}");
    }
}

#[test]
fn without_a_vector_the_media_sequence_number_is_one() {
    assert_eq!(implicit_iv(0x12_3456), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56]);
    let (clear, _) =
        decrypt(open(&KeyMethod::Aes128, None, 0x12_3456), [data("sequence.cbc").into()]).expect("decrypts");
    assert!(clear == data("plain.bin"));
}

#[test]
fn a_segment_of_whole_blocks_has_a_block_of_padding() {
    let (clear, _) = decrypt(open(&KeyMethod::Aes128, Some(IV), 0), [data("whole.cbc").into()]).expect("decrypts");
    assert!(clear == data("plain.bin")[..4096]);
}

#[test]
fn bytes_that_somebody_else_holds_are_copied_once_and_stay_as_they_are() {
    let held = Bytes::from(data("aes128.cbc"));
    let pieces = [held.slice(..1000), held.slice(1000..)];
    let (clear, copied) = decrypt(open(&KeyMethod::Aes128, Some(IV), 0), pieces).expect("decrypts");
    assert!(clear == data("plain.bin"));
    assert_eq!(copied, held.len() as u64);
    assert!(held == data("aes128.cbc"));
}

#[test]
fn pieces_come_out_as_they_went_in_one_later() {
    let mut decryptor = open(&KeyMethod::Aes128, Some(IV), 0);
    let sizes: Vec<usize> = cut(&data("aes128.cbc"), &[1001, 2500, 4003])
        .into_iter()
        .map(|piece| decryptor.push(piece).expect("decrypts").len())
        .collect();
    assert_eq!(sizes, [0, 1001, 1499, 1503]);
    assert_eq!(decryptor.copied(), 0);
    assert_eq!(decryptor.finish().expect("padded")[0].len(), 1000);
}

#[test]
fn single_bytes_are_not_held_back_for_long() {
    let mut decryptor = open(&KeyMethod::Aes128, Some(IV), 0);
    let mut out = 0;
    for (at, byte) in data("aes128.cbc").into_iter().enumerate() {
        out += decryptor.push(vec![byte].into()).expect("decrypts").len();
        assert!(at - out < 1100, "{out} of {at}");
    }
}

#[test]
fn a_sealed_segment_gives_nothing_before_it_is_verified() {
    let mut decryptor = open(&KeyMethod::Aes256Gcm, None, 0);
    for piece in cut(&data("aes256.gcm"), &[1, 40, 3000]) {
        assert!(decryptor.push(piece).expect("collects").is_empty());
    }
    assert!(decryptor.finish().is_ok());
}

#[test]
fn what_is_damaged_wrongly_keyed_or_cut_is_an_error() {
    let failure = |method: &KeyMethod, iv, data: Vec<u8>| {
        let error = decrypt(open(method, iv, 0), [data.into()]).expect_err("damaged");
        assert_eq!(error.code(), ErrorCode::DecryptFailed);
        error.message().to_owned()
    };
    for (method, name) in METHODS {
        let whole = data(name);
        let mut last = whole.clone();
        *last.last_mut().expect("bytes") ^= 0x80;
        let message = failure(&method, Some(IV), last);
        assert!(message.contains("wrong"), "{name}: {message}");
        for length in [0, 1, 15, 31] {
            failure(&method, Some(IV), whole[..length].to_vec());
        }
    }
    let message = failure(&KeyMethod::Aes128, Some(IV), data("aes128.cbc")[..4999].to_vec());
    assert!(message.contains("whole blocks of 16 bytes, this one has 4999"), "{message}");
    // A key of another length than the file's is another key.
    failure(&KeyMethod::Aes256, Some(IV), data("aes128.cbc"));
    let mut flipped = data("aes256.gcm");
    flipped[2000] ^= 1;
    failure(&KeyMethod::Aes256Gcm, None, flipped);
}

#[test]
fn methods_of_samples_and_keys_of_another_length_are_refused() {
    let refused = |method: &KeyMethod, key: SegmentKey| {
        SegmentDecryptor::new(&SoftwareAes, method, &key, None, 0).expect_err("no segment method").code()
    };
    for method in [KeyMethod::SampleAes, KeyMethod::SampleAesCtr, KeyMethod::Other("X".into()), KeyMethod::Aes256] {
        assert_eq!(refused(&method, SegmentKey::Aes128(key())), ErrorCode::KeyUnavailable);
    }
    assert_eq!(refused(&KeyMethod::Aes128, SegmentKey::Aes256(key())), ErrorCode::KeyUnavailable);
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        which in 0..METHODS.len(),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
        tiny in any::<bool>(),
        shared in any::<bool>(),
    ) {
        let (method, name) = &METHODS[which];
        // Cuts near each other make pieces of a few bytes.
        let cuts: Vec<usize> = cuts.iter().map(|cut| if tiny { cut % 80 } else { *cut }).collect();
        let pieces = cut(&data(name), &cuts);
        let held = if shared { pieces.clone() } else { Vec::new() };
        let (clear, _) = decrypt(open(method, Some(IV), 0), pieces).expect("decrypts");
        prop_assert!(clear == data("plain.bin"));
        prop_assert!(!shared || held.concat() == data(name));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        which in 0..METHODS.len(),
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..6),
    ) {
        let size: usize = pieces.iter().map(Vec::len).sum();
        if let Ok((clear, _)) = decrypt(open(&METHODS[which].0, None, 7), pieces.into_iter().map(Bytes::from)) {
            prop_assert!(clear.len() < size);
        }
    }
}
