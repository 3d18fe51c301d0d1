//! AES-128 in the two modes of media encryption, written for clarity.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::Aes128;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

fn encrypt(cipher: &Aes128, block: [u8; BLOCK]) -> [u8; BLOCK] {
    let mut block = block.into();
    cipher.encrypt_block(&mut block);
    block.into()
}

/// Cipher block chaining: the chain runs on from call to call.
pub(crate) struct Cbc {
    cipher: Aes128,
    previous: [u8; BLOCK],
}

impl Cbc {
    pub(crate) fn new(key: &[u8; BLOCK], iv: &[u8; BLOCK]) -> Self {
        Self { cipher: Aes128::new(key.into()), previous: *iv }
    }

    /// Encrypts the whole blocks at the start of `data`; the rest stays as it is.
    pub(crate) fn whole_blocks(&mut self, data: &mut [u8]) {
        for block in data.as_chunks_mut::<BLOCK>().0 {
            block.iter_mut().zip(self.previous).for_each(|(byte, before)| *byte ^= before);
            *block = encrypt(&self.cipher, *block);
            self.previous = *block;
        }
    }

    /// Encrypts everything, with the padding of PKCS #7.
    pub(crate) fn padded(mut self, data: &[u8]) -> Vec<u8> {
        let padding = BLOCK - data.len() % BLOCK;
        let mut out = Vec::with_capacity(data.len() + padding);
        out.extend_from_slice(data);
        out.resize(data.len() + padding, padding as u8);
        self.whole_blocks(&mut out);
        out
    }
}

/// Counter mode of Common Encryption: the lower half of the counter counts, and wraps without carry.
pub(crate) struct Ctr {
    cipher: Aes128,
    counter: [u8; BLOCK],
    stream: [u8; BLOCK],
    used: usize,
}

impl Ctr {
    pub(crate) fn new(key: &[u8; BLOCK], iv: &[u8; BLOCK]) -> Self {
        Self { cipher: Aes128::new(key.into()), counter: *iv, stream: [0; BLOCK], used: BLOCK }
    }

    /// Encrypts everything; the keystream runs on from call to call.
    pub(crate) fn run(&mut self, data: &mut [u8]) {
        for byte in data {
            if self.used == BLOCK {
                self.stream = encrypt(&self.cipher, self.counter);
                self.used = 0;
                let (_, low) = self.counter.split_at_mut(8);
                for digit in low.iter_mut().rev() {
                    *digit = digit.wrapping_add(1);
                    if *digit != 0 {
                        break;
                    }
                }
            }
            *byte ^= self.stream[self.used];
            self.used += 1;
        }
    }
}
