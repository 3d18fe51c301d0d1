//! AES as media needs it: counters that run on across stretches, and chains over scattered blocks.

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::Aes128;

use crate::key::ContentKey;

/// Bytes of an AES block.
pub const BLOCK: usize = 16;

/// Blocks that are worked on at once: enough for every instruction set's parallel units.
const AT_ONCE: usize = 32;

/// Opens keys. A platform may bring one that uses its own AES.
pub trait CipherBackend: Send + Sync {
    /// Makes a key ready for use: its schedule is worked out once.
    fn open(&self, key: &ContentKey) -> Box<dyn KeyedCipher>;
}

/// AES-128 under one key.
pub trait KeyedCipher: Send + Sync {
    /// Counter mode: adds the keystream that begins `skip` bytes behind the one of `iv`. The counter
    /// is the second half of `iv` and wraps without carry into the first (ISO/IEC 23001-7, 9.6).
    fn counter(&self, iv: &[u8; BLOCK], skip: u64, data: &mut [u8]);

    /// Chained blocks: decrypts whole blocks; `previous` is the cipher block (or IV) before them, and
    /// becomes the last of them. What is left of a block at the end stays as it is.
    fn chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8]);

    /// The same over the blocks of a pattern: of each `crypt` + `skip` blocks the first `crypt` are
    /// encrypted, and the last run may be shorter.
    fn pattern_chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8], crypt: usize, skip: usize);
}

/// The `aes` crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftwareAes;

impl CipherBackend for SoftwareAes {
    fn open(&self, key: &ContentKey) -> Box<dyn KeyedCipher> {
        Box::new(Keyed(Aes128::new(&Array(*key.expose()))))
    }
}

struct Keyed(Aes128);

type Block = Array<u8, aes::cipher::consts::U16>;

impl KeyedCipher for Keyed {
    fn counter(&self, iv: &[u8; BLOCK], skip: u64, data: &mut [u8]) {
        let (prefix, counter) = iv.split_at(8);
        let start = u64::from_be_bytes(std::array::from_fn(|i| counter.get(i).copied().unwrap_or(0)));
        let mut next = start.wrapping_add(skip / BLOCK as u64);
        let mut inside = (skip % BLOCK as u64) as usize;
        let mut rest = data;
        while !rest.is_empty() {
            let mut keystream = [Block::default(); AT_ONCE];
            let wanted = (inside + rest.len()).div_ceil(BLOCK).min(AT_ONCE);
            for block in &mut keystream[..wanted] {
                block[..8].copy_from_slice(prefix);
                block[8..].copy_from_slice(&next.to_be_bytes());
                next = next.wrapping_add(1);
            }
            self.0.encrypt_blocks(&mut keystream[..wanted]);
            let stream = keystream[..wanted].iter().flatten().skip(inside);
            let length = rest.len().min(wanted * BLOCK - inside);
            let (now, later) = rest.split_at_mut(length);
            for (byte, key) in now.iter_mut().zip(stream) {
                *byte ^= key;
            }
            inside = 0;
            rest = later;
        }
    }

    fn chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8]) {
        for group in data.chunks_mut(AT_ONCE * BLOCK) {
            let mut blocks = [Block::default(); AT_ONCE];
            let count = group.len() / BLOCK;
            for (block, bytes) in blocks.iter_mut().zip(group.chunks_exact(BLOCK)) {
                block.copy_from_slice(bytes);
            }
            self.0.decrypt_blocks(&mut blocks[..count]);
            for (block, bytes) in blocks.iter().zip(group.chunks_exact_mut(BLOCK)) {
                unchain(block, previous, bytes);
            }
        }
    }

    fn pattern_chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8], crypt: usize, skip: usize) {
        if skip == 0 || crypt == 0 {
            return self.chain(previous, data);
        }
        let period = (crypt + skip) * BLOCK;
        let encrypted = |period: &'_ mut [u8]| -> std::ops::Range<usize> { 0..period.len().min(crypt * BLOCK) / BLOCK };
        // As many periods at once as fill the parallel units.
        let periods = (AT_ONCE / crypt).max(1);
        if crypt > AT_ONCE {
            for one in data.chunks_mut(period) {
                let end = one.len().min(crypt * BLOCK);
                self.chain(previous, &mut one[..end]);
            }
            return;
        }
        for group in data.chunks_mut(period * periods) {
            let mut blocks = [Block::default(); AT_ONCE];
            let mut count = 0;
            for one in group.chunks_mut(period) {
                for at in encrypted(one) {
                    blocks[count].copy_from_slice(&one[at * BLOCK..(at + 1) * BLOCK]);
                    count += 1;
                }
            }
            self.0.decrypt_blocks(&mut blocks[..count]);
            let mut clear = blocks[..count].iter();
            for one in group.chunks_mut(period) {
                for at in encrypted(one) {
                    if let Some(block) = clear.next() {
                        unchain(block, previous, &mut one[at * BLOCK..(at + 1) * BLOCK]);
                    }
                }
            }
        }
    }
}

/// Puts a decrypted block where its cipher block is, which the next one needs.
fn unchain(block: &Block, previous: &mut [u8; BLOCK], bytes: &mut [u8]) {
    for ((byte, clear), before) in bytes.iter_mut().zip(block).zip(previous) {
        let cipher = *byte;
        *byte = clear ^ *before;
        *before = cipher;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal"))
    }

    fn nist() -> Box<dyn KeyedCipher> {
        SoftwareAes.open(&ContentKey::new(bytes("2b7e151628aed2a6abf7158809cf4f3c")))
    }

    const CLEAR: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

    /// NIST SP 800-38A, F.5.1.
    #[test]
    fn the_published_counter_vector_holds_from_any_place() {
        let cipher: [u8; 64] = bytes(
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
             5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
        );
        let iv = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        for from in 0..64 {
            let mut data = cipher;
            nist().counter(&iv, from as u64, &mut data[from..]);
            assert_eq!(data[from..], bytes::<64>(CLEAR)[from..], "from byte {from}");
        }
    }

    /// NIST SP 800-38A, F.2.2.
    #[test]
    fn the_published_chain_vector_holds() {
        let mut data: [u8; 64] = bytes(
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
             73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        );
        let mut previous = bytes("000102030405060708090a0b0c0d0e0f");
        let last = data[48..].to_vec();
        nist().chain(&mut previous, &mut data);
        assert_eq!((data, previous.to_vec()), (bytes(CLEAR), last));
    }

    #[test]
    fn the_counter_wraps_without_carry() {
        let iv = |counter: u64| -> [u8; 16] {
            let mut iv = [7; 16];
            iv[8..].copy_from_slice(&counter.to_be_bytes());
            iv
        };
        let mut whole = [0; 64];
        nist().counter(&iv(u64::MAX - 1), 0, &mut whole);
        let mut behind = [0; 32];
        nist().counter(&iv(0), 0, &mut behind);
        assert_eq!(whole[32..], behind);
    }

    #[test]
    fn a_pattern_is_the_chain_over_its_encrypted_blocks() {
        for (crypt, skip) in [(1, 9), (5, 5), (2, 1), (40, 3)] {
            for length in [0, 15, 16, 160, 161, 1600, 5000, 100_003] {
                let data: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
                let mut found = data.clone();
                let mut previous = [9; 16];
                nist().pattern_chain(&mut previous, &mut found, crypt, skip);
                // The same by hand: take the encrypted blocks out, decrypt them as one, put them back.
                let whole = length / BLOCK;
                let places: Vec<usize> = (0..whole).filter(|block| block % (crypt + skip) < crypt).collect();
                let mut gathered: Vec<u8> =
                    places.iter().flat_map(|block| data[block * BLOCK..][..BLOCK].to_vec()).collect();
                let mut chained = [9; 16];
                nist().chain(&mut chained, &mut gathered);
                let mut expected = data;
                for (block, clear) in places.iter().zip(gathered.chunks(BLOCK)) {
                    expected[block * BLOCK..][..BLOCK].copy_from_slice(clear);
                }
                assert_eq!((found, previous), (expected, chained), "{crypt}:{skip}, {length} bytes");
            }
        }
    }
}
