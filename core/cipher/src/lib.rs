//! AES as media needs it: counters that run on across stretches, and chains over scattered blocks.
//!
//! A crate of its own, because it is the only code that a build for pages makes fast and not small (ADR 0007), and that is
//! chosen by crates.
//!
//! Build it in one codegen unit (`[profile.release.package.telecine-cipher] codegen-units = 1`, as this workspace does): in
//! several, counters and chains take twice the time (`core/drm/examples/throughput.rs` measures).

#![forbid(unsafe_code)]

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod key;
mod software;

use telecine_model::Error;

#[cfg(feature = "aws-lc")]
pub use aws_lc::AwsLcAes;
pub use key::{AesKey, ContentKey, SegmentKey};
pub use software::SoftwareAes;

/// Bytes of an AES block.
pub const BLOCK: usize = 16;

/// Blocks that are worked on at once: as many as the widest instruction set takes (VAES on 512 bits).
const AT_ONCE: usize = 64;

/// Opens keys. A platform may bring one that uses its own AES.
pub trait CipherBackend: Send + Sync {
    /// Makes the key of samples ready for use: its schedule is worked out once.
    ///
    /// # Errors
    /// `DecryptFailed` if the platform refuses the key.
    fn open(&self, key: &ContentKey) -> Result<Box<dyn KeyedCipher>, Error>;

    /// Makes the key of whole segments ready for use.
    ///
    /// # Errors
    /// `DecryptFailed` if the platform refuses the key.
    fn open_segment(&self, key: &SegmentKey) -> Result<Box<dyn KeyedCipher>, Error>;
}

/// AES under one key. Every method fails with `DecryptFailed`, and only if the platform's AES does: of what it worked
/// on some is decrypted then, and some is not.
#[allow(clippy::missing_errors_doc)]
pub trait KeyedCipher: Send + Sync {
    /// Counter mode: adds the keystream that begins `skip` bytes behind the one of `iv`. The counter
    /// is the second half of `iv` and wraps without carry into the first (ISO/IEC 23001-7, 9.6).
    fn counter(&self, iv: &[u8; BLOCK], skip: u64, data: &mut [u8]) -> Result<(), Error>;

    /// Chained blocks: decrypts whole blocks; `previous` is the cipher block (or IV) before them, and
    /// becomes the last of them. What is left of a block at the end stays as it is.
    fn chain(&self, previous: &mut [u8; BLOCK], data: &mut [u8]) -> Result<(), Error>;

    /// [`counter`](Self::counter) over the blocks of a pattern: of each `crypt` + `skip` blocks the first `crypt`
    /// are encrypted, and the last run may be shorter; all are if either is zero. `counted` bytes of keystream are
    /// used already, and it is moved on. What is left of a block at the end stays as it is.
    fn pattern_counter(
        &self,
        iv: &[u8; BLOCK],
        counted: &mut u64,
        data: &mut [u8],
        crypt: usize,
        skip: usize,
    ) -> Result<(), Error> {
        gathered(data, crypt, skip, &mut |blocks| {
            self.counter(iv, *counted, blocks)?;
            *counted = counted.saturating_add(blocks.len() as u64);
            Ok(())
        })
    }

    /// [`chain`](Self::chain) over the blocks of such a pattern.
    fn pattern_chain(
        &self,
        previous: &mut [u8; BLOCK],
        data: &mut [u8],
        crypt: usize,
        skip: usize,
    ) -> Result<(), Error> {
        gathered(data, crypt, skip, &mut |blocks| self.chain(previous, blocks))
    }
}

/// Hands over the encrypted blocks of a pattern in portions, and puts what becomes of them back. Single blocks far apart
/// would leave a processor's parallel units idle.
fn gathered(
    data: &mut [u8],
    crypt: usize,
    skip: usize,
    work: &mut dyn FnMut(&mut [u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let (blocks, _) = data.as_chunks_mut::<BLOCK>();
    if crypt == 0 || skip == 0 {
        return work(blocks.as_flattened_mut());
    }
    let period = crypt.saturating_add(skip);
    // Long runs fill the units by themselves.
    if crypt > AT_ONCE / 2 {
        for run in blocks.chunks_mut(period) {
            let end = run.len().min(crypt);
            work(run.split_at_mut(end).0.as_flattened_mut())?;
        }
        return Ok(());
    }
    for group in blocks.chunks_mut(period.saturating_mul(AT_ONCE / crypt)) {
        let mut portion = [[0; BLOCK]; AT_ONCE];
        let mut free = portion.iter_mut();
        for run in group.chunks(period) {
            for (from, to) in run.iter().take(crypt).zip(free.by_ref()) {
                *to = *from;
            }
        }
        let left = free.len();
        let filled = portion.split_at_mut(AT_ONCE - left).0;
        work(filled.as_flattened_mut())?;
        let mut done = filled.iter();
        for run in group.chunks_mut(period) {
            for (to, from) in run.iter_mut().take(crypt).zip(done.by_ref()) {
                *to = *from;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_hands_over_its_encrypted_blocks_in_order_and_puts_them_back() {
        for (crypt, skip) in [(1, 9), (5, 5), (2, 1), (15, 15), (40, 3), (0, 0), (7, 0)] {
            for length in [0, 15, 16, 160, 161, 1600, 5000, 100_003] {
                let data: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
                let encrypted = |block: usize| skip == 0 || block % (crypt + skip) < crypt;
                let mut seen = Vec::new();
                let mut found = data.clone();
                gathered(&mut found, crypt, skip, &mut |blocks| {
                    seen.extend_from_slice(blocks);
                    blocks.fill(255);
                    Ok(())
                })
                .expect("nothing fails");
                let (blocks, _) = data.as_chunks::<BLOCK>();
                let wanted: Vec<u8> =
                    (0..blocks.len()).filter(|block| encrypted(*block)).flat_map(|block| blocks[block]).collect();
                assert_eq!(seen, wanted, "{crypt}:{skip}, {length} bytes");
                let expected: Vec<u8> = data
                    .iter()
                    .enumerate()
                    .map(|(at, byte)| if at / BLOCK < blocks.len() && encrypted(at / BLOCK) { 255 } else { *byte })
                    .collect();
                assert_eq!(found, expected, "{crypt}:{skip}, {length} bytes");
            }
        }
    }
}
