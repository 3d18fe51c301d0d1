//! AES-256 in GCM mode: a vector of 16 bytes, the encrypted segment, a tag of 16 bytes (rfc8216bis, 5.2 and 6.3.6;
//! NIST SP 800-38D).

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use ghash::universal_hash::UniversalHash;
use ghash::GHash;
use telecine_model::Error;

use super::{damaged, writable};
use crate::{KeyedCipher, BLOCK};

/// One segment being collected: nothing of it is decrypted before its tag is verified.
pub(super) struct Sealed {
    cipher: Box<dyn KeyedCipher>,
    pieces: Vec<BytesMut>,
    copied: u64,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("pieces", &self.pieces.len()).finish_non_exhaustive()
    }
}

impl Sealed {
    pub(super) fn new(cipher: Box<dyn KeyedCipher>) -> Self {
        Self { cipher, pieces: Vec::new(), copied: 0 }
    }

    pub(super) fn copied(&self) -> u64 {
        self.copied
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        // Tiny pieces are joined: what is kept for each would be more than the piece itself.
        match self.pieces.last_mut() {
            Some(last) if bytes.len() < 64 => {
                last.extend_from_slice(&bytes);
                self.copied += bytes.len() as u64;
            }
            _ => {
                let (piece, copied) = writable(bytes);
                self.copied += copied;
                self.pieces.push(piece);
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<Vec<Bytes>, Error> {
        let total: usize = self.pieces.iter().map(BytesMut::len).sum();
        if total < 2 * BLOCK {
            return Err(damaged(format!("a sealed segment has at least {} bytes, this one {total}", 2 * BLOCK)));
        }
        let iv = self.take_front();
        let tag = self.take_back();
        let mut hash_key = [0; BLOCK];
        self.cipher.counter(&[0; BLOCK], 0, &mut hash_key)?;
        let key = ghash::Key::from(hash_key);
        // A vector that is not of 96 bits is hashed (SP 800-38D, 7.1).
        let mut counter = GHash::new(&key);
        counter.update(&[iv.into(), lengths(0, BLOCK).into()]);
        let first: [u8; BLOCK] = counter.finalize().into();
        let mut expected = self.authenticate(&key);
        self.cipher.counter(&first, 0, &mut expected)?;
        // Without a branch on how much of it is right.
        if expected.iter().zip(&tag).fold(0, |difference, (a, b)| difference | (a ^ b)) != 0 {
            return Err(damaged("the tag is wrong: the key is another segment's, or it is damaged"));
        }
        let mut counter = Counter::behind(first);
        for piece in &mut self.pieces {
            counter.run(&*self.cipher, piece)?;
        }
        Ok(self.pieces.into_iter().map(BytesMut::freeze).filter(|piece| !piece.is_empty()).collect())
    }

    /// The hash of the encrypted bytes.
    fn authenticate(&self, key: &ghash::Key) -> [u8; BLOCK] {
        let mut hash = GHash::new(key);
        let mut block = [0; BLOCK];
        let mut filled = 0;
        let mut total = 0;
        for mut bytes in self.pieces.iter().map(|piece| &piece[..]) {
            total += bytes.len();
            if filled > 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(BLOCK - filled));
                block[filled..filled + head.len()].copy_from_slice(head);
                filled += head.len();
                bytes = rest;
                if filled == BLOCK {
                    hash.update(&[block.into()]);
                    filled = 0;
                }
            }
            if !bytes.is_empty() {
                let (blocks, rest) = bytes.as_chunks::<BLOCK>();
                hash.update(ghash::Block::cast_slice_from_core(blocks));
                block[..rest.len()].copy_from_slice(rest);
                filled = rest.len();
            }
        }
        if filled > 0 {
            block[filled..].fill(0);
            hash.update(&[block.into()]);
        }
        hash.update(&[lengths(0, total).into()]);
        hash.finalize().into()
    }

    /// Takes the first 16 bytes away; there are at least 32.
    fn take_front(&mut self) -> [u8; BLOCK] {
        let mut taken = [0; BLOCK];
        let mut left = &mut taken[..];
        for piece in &mut self.pieces {
            let count = piece.len().min(left.len());
            let (now, later) = left.split_at_mut(count);
            piece.copy_to_slice(now);
            left = later;
        }
        taken
    }

    /// Takes the last 16 bytes away; there are at least so many left.
    fn take_back(&mut self) -> [u8; BLOCK] {
        let mut taken = [0; BLOCK];
        let mut left = BLOCK;
        for piece in self.pieces.iter_mut().rev() {
            let at = piece.len().saturating_sub(left);
            let tail = piece.split_off(at);
            taken[left - tail.len()..left].copy_from_slice(&tail);
            left -= tail.len();
        }
        taken
    }
}

/// Bits of additional data and of the message, which end every hash.
fn lengths(additional: usize, message: usize) -> [u8; BLOCK] {
    ((additional as u128 * 8) << 64 | (message as u128 * 8)).to_be_bytes()
}

/// The counter of GCM: the last 32 bits, which wrap by themselves (SP 800-38D, 6.2).
struct Counter {
    /// The block whose counter is that of the piece's start, with a lower half that counts on 64 bits from here.
    block: u128,
    /// Bytes of the present block that are used.
    inside: u64,
}

impl Counter {
    /// The counter behind the one that seals the tag.
    fn behind(first: [u8; BLOCK]) -> Self {
        let first = u128::from_be_bytes(first);
        Self { block: Self::moved(first, 1), inside: 0 }
    }

    fn moved(block: u128, by: u32) -> u128 {
        let low = (block as u32).wrapping_add(by);
        block >> 32 << 32 | u128::from(low)
    }

    fn run(&mut self, cipher: &dyn KeyedCipher, mut data: &mut [u8]) -> Result<(), Error> {
        while !data.is_empty() {
            // Up to the wrap the 64-bit counter of the cipher does the same.
            let blocks = (1 << 32) - u64::from(self.block as u32);
            let bytes = blocks * BLOCK as u64 - self.inside;
            let (now, later) =
                data.split_at_mut(usize::try_from(bytes).map_or(data.len(), |bytes| bytes.min(data.len())));
            cipher.counter(&self.block.to_be_bytes(), self.inside, now)?;
            let end = self.inside + now.len() as u64;
            // At most 2^32 blocks, and those are none.
            self.block = Self::moved(self.block, (end / BLOCK as u64) as u32);
            self.inside = end % BLOCK as u64;
            data = later;
        }
        Ok(())
    }
}
