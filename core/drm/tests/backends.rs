//! What every backend of AES has to do, on published vectors and on those of openssl (`data/make.sh`).
//!
//! `cargo test -p telecine-drm --features aws-lc` runs the same over both backends.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use telecine_drm::{AesKey, CipherBackend, KeyedCipher, SegmentKey, SoftwareAes, BLOCK};

/// Every backend that is compiled.
const BACKENDS: &[(&str, &dyn CipherBackend)] = &[
    ("RustCrypto", &SoftwareAes),
    #[cfg(feature = "aws-lc")]
    ("aws-lc", &telecine_drm::AwsLcAes),
];

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal"))
}

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn short() -> SegmentKey {
    SegmentKey::Aes128(AesKey::new(std::array::from_fn(|i| i as u8)))
}

fn long() -> SegmentKey {
    SegmentKey::Aes256(AesKey::new(std::array::from_fn(|i| i as u8)))
}

const IV: &str = "f0e0d0c0b0a090807060504030201000";

/// Runs a test over every backend.
fn each(key: &SegmentKey, test: impl Fn(&str, &dyn KeyedCipher)) {
    for (name, backend) in BACKENDS {
        test(name, &*backend.open_segment(key).expect("a key"));
    }
}

/// NIST SP 800-38A, appendix F: its clear text, and its keys.
const CLEAR: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                     30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

fn nist_short() -> SegmentKey {
    SegmentKey::Aes128(AesKey::new(bytes("2b7e151628aed2a6abf7158809cf4f3c")))
}

fn nist_long() -> SegmentKey {
    SegmentKey::Aes256(AesKey::new(bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")))
}

#[test]
fn published_counter_vectors_hold_from_any_place() {
    // F.5.1 and F.5.5.
    for (key, cipher) in [
        (
            nist_short(),
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
             5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
        ),
        (
            nist_long(),
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5\
             2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
        ),
    ] {
        each(&key, |name, aes| {
            for from in 0..64 {
                let mut data: [u8; 64] = bytes(cipher);
                aes.counter(&bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), from as u64, &mut data[from..])
                    .expect("decrypts");
                assert_eq!(data[from..], bytes::<64>(CLEAR)[from..], "{name}, from byte {from}");
            }
        });
    }
}

#[test]
fn published_chain_vectors_hold() {
    // F.2.2 and F.2.6.
    for (key, cipher) in [
        (
            nist_short(),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
             73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        ),
        (
            nist_long(),
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
             39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
        ),
    ] {
        each(&key, |name, aes| {
            let mut data: [u8; 64] = bytes(cipher);
            let mut previous = bytes("000102030405060708090a0b0c0d0e0f");
            aes.chain(&mut previous, &mut data).expect("decrypts");
            assert_eq!(data, bytes(CLEAR), "{name}");
            assert_eq!(previous[..], bytes::<64>(cipher)[48..], "{name}");
        });
    }
}

#[test]
fn the_counter_wraps_without_carry() {
    let iv = |counter: u64| -> [u8; 16] { ((7 << 64) | u128::from(counter)).to_be_bytes() };
    each(&nist_short(), |name, aes| {
        for (start, behind) in [(u64::MAX - 1, 32), (u64::MAX - 99, 1600), (0, 0)] {
            let mut whole = vec![0; behind + 3000];
            aes.counter(&iv(start), 0, &mut whole).expect("decrypts");
            let mut zero = vec![0; 3000];
            aes.counter(&iv(0), 0, &mut zero).expect("decrypts");
            assert_eq!(whole[behind..], zero, "{name}");
            // The part before the wrap is what 128-bit counters make of it too.
            let mut one = [0; 16];
            aes.counter(&iv(start.wrapping_add(1)), 0, &mut one).expect("decrypts");
            assert_eq!(whole[16..32], one, "{name}");
        }
    });
}

#[test]
fn long_runs_are_what_openssl_makes_of_them() {
    let plain = data("plain.bin");
    for (key, counter, chain) in [(short(), "aes128.ctr", "aes128.cbc"), (long(), "aes256.ctr", "aes256.cbc")] {
        each(&key, |name, aes| {
            let mut found = data(counter);
            aes.counter(&bytes(IV), 0, &mut found).expect("decrypts");
            assert!(found == plain, "{name}, {counter}");
            let mut found = data(chain);
            aes.chain(&mut bytes(IV), &mut found).expect("decrypts");
            assert!(found[..plain.len()] == plain, "{name}, {chain}");
        });
    }
}

#[test]
fn bytes_behind_the_last_whole_block_of_a_chain_stay_as_they_are() {
    each(&short(), |name, aes| {
        for length in 0..BLOCK {
            let mut found = vec![9; length];
            let mut previous = [5; 16];
            aes.chain(&mut previous, &mut found).expect("decrypts");
            assert_eq!((found, previous), (vec![9; length], [5; 16]), "{name}");
        }
        let mut found = data("aes128.cbc")[..4000 + 7].to_vec();
        aes.chain(&mut bytes(IV), &mut found).expect("decrypts");
        assert_eq!(found[4000..], data("aes128.cbc")[4000..4007], "{name}");
    });
}

proptest! {
    #[test]
    fn a_counter_may_stop_and_go_on_anywhere(cuts in proptest::collection::vec(0..5003_usize, 0..8)) {
        let mut cuts = cuts;
        cuts.extend([0, 5003]);
        cuts.sort_unstable();
        each(&short(), |name, aes| {
            let mut found = data("aes128.ctr");
            for cut in cuts.windows(2) {
                aes.counter(&bytes(IV), cut[0] as u64, &mut found[cut[0]..cut[1]]).expect("decrypts");
            }
            assert!(found == data("plain.bin"), "{name}");
        });
    }

    #[test]
    fn a_chain_may_stop_and_go_on_at_any_block(cuts in proptest::collection::vec(0..313_usize, 0..8)) {
        let mut cuts = cuts;
        cuts.extend([0, 313]);
        cuts.sort_unstable();
        each(&long(), |name, aes| {
            let mut found = data("aes256.cbc");
            let mut previous = bytes(IV);
            for cut in cuts.windows(2) {
                aes.chain(&mut previous, &mut found[cut[0] * BLOCK..cut[1] * BLOCK]).expect("decrypts");
            }
            assert!(found[..5003] == data("plain.bin"), "{name}");
        });
    }
}
