//! AES by aws-lc, for hosts that have a C compiler and want its certificates or its speed.

use aws_lc_rs::cipher::{DecryptingKey, DecryptionContext, UnboundCipherKey, AES_128, AES_256};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use telecine_model::{Error, ErrorCode};

use crate::{CipherBackend, ContentKey, KeyedCipher, SegmentKey, BLOCK};

/// aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLcAes;

impl CipherBackend for AwsLcAes {
    fn open(&self, key: &ContentKey) -> Result<Box<dyn KeyedCipher>, Error> {
        keyed(|| UnboundCipherKey::new(&AES_128, key.expose()))
    }

    fn open_segment(&self, key: &SegmentKey) -> Result<Box<dyn KeyedCipher>, Error> {
        match key {
            SegmentKey::Aes128(key) => self.open(key),
            SegmentKey::Aes256(key) => keyed(|| UnboundCipherKey::new(&AES_256, key.expose())),
        }
    }
}

fn keyed(key: impl Fn() -> Result<UnboundCipherKey, Unspecified>) -> Result<Box<dyn KeyedCipher>, Error> {
    let counter = key().and_then(DecryptingKey::ctr).map_err(refused)?;
    let chain = key().and_then(DecryptingKey::cbc).map_err(refused)?;
    Ok(Box::new(Keyed { counter, chain }))
}

fn refused(_: Unspecified) -> Error {
    Error::new(ErrorCode::DecryptFailed, "aws-lc refuses the key or the data")
}

/// The schedules of a key. aws-lc wipes them when they are dropped.
struct Keyed {
    counter: DecryptingKey,
    chain: DecryptingKey,
}

impl Keyed {
    /// Counts on 128 bits: the caller takes care that the lower 64 do not wrap within `data`.
    fn count(&self, prefix: u64, counter: u64, data: &mut [u8]) -> Result<(), Error> {
        let iv = (u128::from(prefix) << 64 | u128::from(counter)).to_be_bytes();
        self.counter.decrypt(data, DecryptionContext::Iv128(FixedLength::from(iv))).map_err(refused)?;
        Ok(())
    }
}

impl KeyedCipher for Keyed {
    fn counter(&self, iv: &[u8; BLOCK], skip: u64, data: &mut [u8]) -> Result<(), Error> {
        let iv = u128::from_be_bytes(*iv);
        let prefix = (iv >> 64) as u64;
        let mut next = (iv as u64).wrapping_add(skip / BLOCK as u64);
        let inside = (skip % BLOCK as u64) as usize;
        let mut data = data;
        if inside > 0 {
            let (head, rest) = data.split_at_mut(data.len().min(BLOCK - inside));
            let mut block = [0; BLOCK];
            let place = &mut block[inside..inside + head.len()];
            place.copy_from_slice(head);
            self.count(prefix, next, &mut block)?;
            head.copy_from_slice(&block[inside..inside + head.len()]);
            next = next.wrapping_add(1);
            data = rest;
        }
        // Blocks before the lower half of the counter wraps; none wraps at 2^64 blocks if it is zero.
        let before = next.wrapping_neg();
        let bytes = if before == 0 { u64::MAX } else { before.saturating_mul(BLOCK as u64) };
        let (now, wrapped) =
            data.split_at_mut(usize::try_from(bytes).map_or(data.len(), |bytes| bytes.min(data.len())));
        self.count(prefix, next, now)?;
        if !wrapped.is_empty() {
            self.count(prefix, 0, wrapped)?;
        }
        Ok(())
    }

    fn chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8]) -> Result<(), Error> {
        let (blocks, _) = data.as_chunks_mut::<BLOCK>();
        let Some(last) = blocks.last().copied() else {
            return Ok(());
        };
        let iv = DecryptionContext::Iv128(FixedLength::from(*previous));
        self.chain.decrypt(blocks.as_flattened_mut(), iv).map_err(refused)?;
        *previous = last;
        Ok(())
    }
}
