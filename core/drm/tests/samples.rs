//! Common Encryption against the rules of ISO/IEC 23001-7, 9 and 10, written down block by block.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::Aes128;
use proptest::prelude::*;
use telecine_drm::{ContentKey, SampleDecryptor};
use telecine_model::protection::{KeyId, SampleEncryption, Scheme, Subsample};

const KEY: [u8; 16] = *b"only for testing";
const KID: KeyId = KeyId([3; 16]);

/// Which bytes of a sample are encrypted, as runs of one protected range each.
fn encrypted(how: &SampleEncryption<'_>, size: usize) -> Vec<Vec<usize>> {
    let whole = [Subsample { clear: 0, protected: size as u32 }];
    let subsamples = if how.subsamples.is_empty() { &whole[..] } else { how.subsamples };
    let (crypt, skip) = (usize::from(how.crypt_blocks), usize::from(how.skip_blocks));
    let patterned = matches!(how.scheme, Scheme::Cens | Scheme::Cbcs) && crypt > 0 && skip > 0;
    let mut at = 0;
    let mut ranges = Vec::new();
    for subsample in subsamples {
        at += subsample.clear as usize;
        let length = subsample.protected as usize;
        let whole_blocks = if how.scheme == Scheme::Cenc { length } else { length / 16 * 16 };
        let in_pattern = |byte: &usize| !patterned || byte / 16 % (crypt + skip) < crypt;
        ranges.push((0..whole_blocks).filter(in_pattern).map(|byte| at + byte).collect());
        at += length;
    }
    ranges
}

/// The sample decrypted byte by byte.
fn reference(how: &SampleEncryption<'_>, sample: &[u8]) -> Vec<u8> {
    let aes = Aes128::new(&KEY.into());
    let mut clear = sample.to_vec();
    let mut counted = 0_u64;
    let mut previous = how.iv;
    for range in encrypted(how, sample.len()) {
        match how.scheme {
            Scheme::Cenc | Scheme::Cens => {
                for at in range {
                    let mut block = how.iv;
                    let counter = u64::from_be_bytes(how.iv[8..].try_into().expect("8 bytes"));
                    block[8..].copy_from_slice(&counter.wrapping_add(counted / 16).to_be_bytes());
                    let mut block = block.into();
                    aes.encrypt_block(&mut block);
                    clear[at] ^= block[(counted % 16) as usize];
                    counted += 1;
                }
            }
            Scheme::Cbc1 | Scheme::Cbcs => {
                if how.scheme == Scheme::Cbcs {
                    previous = how.iv;
                }
                for block in range.chunks(16) {
                    let cipher: [u8; 16] = std::array::from_fn(|i| sample[block[i]]);
                    let mut out = cipher.into();
                    aes.decrypt_block(&mut out);
                    for (i, at) in block.iter().enumerate() {
                        clear[*at] = out[i] ^ previous[i];
                    }
                    previous = cipher;
                }
            }
        }
    }
    clear
}

fn schemes() -> impl Strategy<Value = Scheme> {
    proptest::sample::select(&[Scheme::Cenc, Scheme::Cens, Scheme::Cbc1, Scheme::Cbcs])
}

proptest! {
    #[test]
    fn any_sample_is_decrypted_as_the_rules_say(
        scheme in schemes(),
        pattern in proptest::sample::select(&[(0u8, 0u8), (1, 9), (5, 5), (1, 0), (10, 0), (3, 1), (15, 15)]),
        iv in any::<[u8; 16]>(),
        wraps in any::<bool>(),
        parts in proptest::collection::vec((0u32..40, prop_oneof![0u32..40, 0u32..3000]), 0..7),
        tail in 0usize..50,
    ) {
        let subsamples: Vec<Subsample> =
            parts.iter().map(|(clear, protected)| Subsample { clear: *clear, protected: *protected }).collect();
        let size = tail + parts.iter().map(|(clear, protected)| (clear + protected) as usize).sum::<usize>();
        let sample: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
        let mut iv = iv;
        if wraps {
            iv[8..].copy_from_slice(&(u64::MAX - 3).to_be_bytes());
        }
        let how = SampleEncryption {
            scheme, kid: KID, iv, crypt_blocks: pattern.0, skip_blocks: pattern.1, subsamples: &subsamples,
        };
        let mut decryptor = SampleDecryptor::default();
        decryptor.insert(KID, &ContentKey::new(KEY)).expect("a key");
        let mut found = sample.clone();
        decryptor.decrypt(&how, &mut found).expect("decrypts");
        prop_assert!(found == reference(&how, &sample));
    }
}
