//! AES by the `aes` crate, which finds AES instructions at run time and is constant-time without them.
//!
//! The modes are closures that the crate compiles once for each instruction set: the keystream is made, and added, in
//! the widest registers that there are.

use aes::cipher::consts::U16;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit, ParBlocks,
};
use aes::{Aes128, Aes256};
use telecine_model::Error;

use crate::{CipherBackend, ContentKey, KeyedCipher, SegmentKey, BLOCK};

/// The `aes` crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftwareAes;

impl CipherBackend for SoftwareAes {
    fn open(&self, key: &ContentKey) -> Result<Box<dyn KeyedCipher>, Error> {
        Ok(Box::new(Keyed(Aes128::new(key.expose().into()))))
    }

    fn open_segment(&self, key: &SegmentKey) -> Result<Box<dyn KeyedCipher>, Error> {
        match key {
            SegmentKey::Aes128(key) => self.open(key),
            SegmentKey::Aes256(key) => Ok(Box::new(Keyed(Aes256::new(key.expose().into())))),
        }
    }
}

/// The schedule of a key. The crate wipes it when it is dropped.
struct Keyed<C>(C);

type Block = Array<u8, U16>;

impl<C> KeyedCipher for Keyed<C>
where
    C: BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt<BlockSize = U16> + Send + Sync,
{
    fn counter(&self, iv: &[u8; BLOCK], skip: u64, data: &mut [u8]) -> Result<(), Error> {
        let iv = u128::from_be_bytes(*iv);
        let next = (iv as u64).wrapping_add(skip / BLOCK as u64);
        let inside = (skip % BLOCK as u64) as usize;
        self.0.encrypt_with_backend(Counter { prefix: (iv >> 64) as u64, next, inside, data });
        Ok(())
    }

    fn chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8]) -> Result<(), Error> {
        let (blocks, _) = data.as_chunks_mut();
        self.0.decrypt_with_backend(Chain { previous, blocks: Array::cast_slice_from_core_mut(blocks) });
        Ok(())
    }
}

/// Adds the keystream that begins `inside` bytes behind the start of block `next`.
struct Counter<'a> {
    prefix: u64,
    next: u64,
    inside: usize,
    data: &'a mut [u8],
}

impl BlockSizeUser for Counter<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Counter<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self { prefix, mut next, inside, data } = self;
        let block = |counter: u64| Array((u128::from(prefix) << 64 | u128::from(counter)).to_be_bytes());
        let (head, mut data) = data.split_at_mut(data.len().min((BLOCK - inside) % BLOCK));
        if !head.is_empty() {
            let mut stream = block(next);
            backend.encrypt_block_inplace(&mut stream);
            xor(head, &stream[inside..]);
            next = next.wrapping_add(1);
        }
        let width = B::ParBlocksSize::USIZE * BLOCK;
        if fills(data.len(), width) {
            let mut stream = ParBlocks::<B>::default();
            while fills(data.len(), width) {
                let (now, later) = data.split_at_mut(data.len().min(width));
                for counter in &mut stream {
                    *counter = block(next);
                    next = next.wrapping_add(1);
                }
                backend.encrypt_par_blocks_inplace(&mut stream);
                xor(now, Array::cast_slice_to_core(&stream).as_flattened());
                data = later;
            }
        }
        let (blocks, partial) = data.as_chunks_mut::<BLOCK>();
        for bytes in blocks {
            let mut stream = block(next);
            backend.encrypt_block_inplace(&mut stream);
            xor_block(bytes, &stream.0);
            next = next.wrapping_add(1);
        }
        if !partial.is_empty() {
            let mut stream = block(next);
            backend.encrypt_block_inplace(&mut stream);
            xor(partial, &stream);
        }
    }
}

/// Decrypts blocks of a chain.
struct Chain<'a> {
    previous: &'a mut [u8; BLOCK],
    blocks: &'a mut [Block],
}

impl BlockSizeUser for Chain<'_> {
    type BlockSize = U16;
}

impl BlockCipherDecClosure for Chain<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let mut previous = Array(*self.previous);
        let mut blocks = self.blocks;
        let width = B::ParBlocksSize::USIZE;
        if fills(blocks.len(), width) {
            let mut cipher = ParBlocks::<B>::default();
            while fills(blocks.len(), width) {
                let (now, later) = blocks.split_at_mut(blocks.len().min(width));
                let (used, _) = cipher.split_at_mut(now.len());
                used.copy_from_slice(now);
                let last = used.last().copied();
                match <&mut ParBlocks<B>>::try_from(&mut *now) {
                    Ok(group) => backend.decrypt_par_blocks((&cipher, group).into()),
                    Err(_) => {
                        let mut group = cipher.clone();
                        backend.decrypt_par_blocks_inplace(&mut group);
                        now.copy_from_slice(&group[..now.len()]);
                    }
                }
                let (first, behind) = Array::cast_slice_to_core_mut(now).as_flattened_mut().split_at_mut(BLOCK);
                xor(first, &previous);
                xor(behind, Array::cast_slice_to_core(&cipher).as_flattened());
                previous = last.unwrap_or(previous);
                blocks = later;
            }
        }
        for block in blocks {
            let cipher = *block;
            let mut clear = cipher;
            backend.decrypt_block_inplace(&mut clear);
            xor_block(&mut clear.0, &previous.0);
            *block = clear;
            previous = cipher;
        }
        *self.previous = previous.0;
    }
}

/// Whether so much is worth all the parallel units: a group that is more than half empty takes longer than its blocks
/// one by one, which overlap too.
#[inline(always)]
fn fills(length: usize, width: usize) -> bool {
    length * 2 > width
}

/// As far as the shorter one reaches.
#[inline(always)]
fn xor(bytes: &mut [u8], with: &[u8]) {
    for (byte, with) in bytes.iter_mut().zip(with) {
        *byte ^= with;
    }
}

/// In one register.
#[inline(always)]
fn xor_block(block: &mut [u8; BLOCK], with: &[u8; BLOCK]) {
    *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*with)).to_ne_bytes();
}
