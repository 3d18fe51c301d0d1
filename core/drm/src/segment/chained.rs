//! AES in CBC mode with PKCS#7 padding.

use std::fmt;

use bytes::{Bytes, BytesMut};
use telecine_model::Error;

use super::{damaged, writable};
use crate::{KeyedCipher, BLOCK};

/// Clear bytes that are worth a piece of their own when input comes in tiny pieces.
const WORTHWHILE: usize = 1024;

/// One segment being decrypted.
///
/// The last block is padding, and which one is the last shows only at the end. So what has arrived is handed on one
/// piece later: the pieces stay whole, and a block across two of them is decrypted across them.
pub(super) struct Chained {
    cipher: Box<dyn KeyedCipher>,
    /// Cipher block before the first that is not decrypted yet.
    previous: [u8; BLOCK],
    /// Everything that has not been handed on; it ends with the last whole block, or that and a part of the next.
    pending: BytesMut,
    /// Bytes at the end of `pending` that are not decrypted: less than a block.
    open: usize,
    total: u64,
    copied: u64,
}

impl fmt::Debug for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chained").field("total", &self.total).finish_non_exhaustive()
    }
}

impl Chained {
    pub(super) fn new(cipher: Box<dyn KeyedCipher>, iv: [u8; BLOCK]) -> Self {
        Self { cipher, previous: iv, pending: BytesMut::new(), open: 0, total: 0, copied: 0 }
    }

    pub(super) fn copied(&self) -> u64 {
        self.copied
    }

    pub(super) fn push(&mut self, bytes: Bytes) -> Result<Bytes, Error> {
        self.total = self.total.saturating_add(bytes.len() as u64);
        let missing = (BLOCK - self.open) % BLOCK;
        if !self.pending.is_empty() && bytes.len() < missing + BLOCK {
            return self.append(&bytes);
        }
        let (mut piece, copied) = writable(bytes);
        self.copied += copied;
        let mut from = 0;
        if self.open > 0 {
            // The block across the two pieces.
            let at = self.pending.len() - self.open;
            let mut block = [0; BLOCK];
            let (head, tail) = block.split_at_mut(self.open);
            head.copy_from_slice(&self.pending[at..]);
            tail.copy_from_slice(&piece[..missing]);
            self.cipher.chain(&mut self.previous, &mut block)?;
            let (head, tail) = block.split_at(self.open);
            self.pending[at..].copy_from_slice(head);
            piece[..missing].copy_from_slice(tail);
            from = missing;
        }
        let done = std::mem::replace(&mut self.pending, piece);
        self.open = self.pending.len() - from;
        self.decrypt()?;
        Ok(done.freeze())
    }

    /// Adds so few bytes that no block would be left for the end.
    fn append(&mut self, bytes: &[u8]) -> Result<Bytes, Error> {
        self.pending.extend_from_slice(bytes);
        self.copied += bytes.len() as u64;
        self.open += bytes.len();
        self.decrypt()?;
        let free = self.pending.len() - self.open;
        Ok(if free >= WORTHWHILE + BLOCK { self.pending.split_to(free - BLOCK).freeze() } else { Bytes::new() })
    }

    /// Decrypts the whole blocks among the open bytes.
    fn decrypt(&mut self) -> Result<(), Error> {
        let at = self.pending.len() - self.open;
        self.cipher.chain(&mut self.previous, &mut self.pending[at..])?;
        self.open %= BLOCK;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Bytes, Error> {
        if self.total == 0 || !self.total.is_multiple_of(BLOCK as u64) {
            let message = format!("an encrypted segment is whole blocks of {BLOCK} bytes, this one has {}", self.total);
            return Err(damaged(message));
        }
        let wrong = || damaged("the padding is wrong: the key or its vector is another segment's, or it is damaged");
        let count = usize::from(self.pending.last().copied().unwrap_or(0));
        let length =
            self.pending.len().checked_sub(count).filter(|_| (1..=BLOCK).contains(&count)).ok_or_else(wrong)?;
        if self.pending[length..].iter().any(|byte| usize::from(*byte) != count) {
            return Err(wrong());
        }
        self.pending.truncate(length);
        Ok(self.pending.freeze())
    }
}
