//! Which bytes SAMPLE-AES protects, as subsamples of Common Encryption's `cbcs` (Apple, MPEG-2 Stream
//! Encryption Format for HTTP Live Streaming; ISO/IEC 23001-7, 10.4).
//!
//! Both chain blocks of 16 bytes and start anew at each NAL unit or frame, so that the bytes need no
//! change: once one layer of emulation prevention is off, a key for the one opens the other.

use telecine_model::protection::Subsample;

const BLOCK: usize = 16;
/// A slice is protected behind so many bytes, and only if it is longer than that and one block.
const SLICE_CLEAR: usize = 32;
/// One block of ten is encrypted.
const PERIOD: usize = 10 * BLOCK;
/// A frame of sound is protected behind so many bytes.
const FRAME_CLEAR: usize = 16;

/// Clear stretches are 16 bits long in `senc`.
const CLEAR_MAX: u32 = 0xffff;

/// Whether a slice NAL unit of so many bytes is protected.
pub(crate) const fn protects_slice(length: usize) -> bool {
    length > SLICE_CLEAR + BLOCK
}

/// The subsamples of a sample in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subsamples {
    list: Vec<Subsample>,
    clear: usize,
}

impl Subsamples {
    /// Bytes that are clear.
    pub(crate) fn clear(&mut self, count: usize) {
        self.clear += count;
    }

    /// Bytes that are clear, before all others.
    pub(crate) fn clear_front(&mut self, count: usize) {
        let mut rest = count as u32;
        while rest > 0 {
            let clear = rest.min(CLEAR_MAX);
            self.list.insert(0, Subsample { clear, protected: 0 });
            rest -= clear;
        }
    }

    /// A slice NAL unit of so many bytes that is protected. `cbcs` encrypts a block wherever 16 bytes
    /// remain, SAMPLE-AES only where more do: where it matters, the last block stays outside.
    pub(crate) fn slice(&mut self, length: usize) {
        let rest = length.saturating_sub(SLICE_CLEAR);
        let last = if rest % PERIOD == BLOCK { BLOCK } else { 0 };
        self.stretch(SLICE_CLEAR, rest, rest / BLOCK * BLOCK - last);
    }

    /// A frame of sound of so many bytes, without its ADTS header.
    pub(crate) fn frame(&mut self, length: usize) {
        let rest = length.saturating_sub(FRAME_CLEAR);
        self.stretch(FRAME_CLEAR.min(length), rest, rest / BLOCK * BLOCK);
    }

    fn stretch(&mut self, clear: usize, rest: usize, protected: usize) {
        self.clear += clear;
        if protected > 0 {
            // Smaller than an access unit, so it fits.
            self.push(protected as u32);
        }
        self.clear += rest - protected;
    }

    fn push(&mut self, protected: u32) {
        let mut clear = self.clear as u32;
        while clear > CLEAR_MAX {
            self.list.push(Subsample { clear: CLEAR_MAX, protected: 0 });
            clear -= CLEAR_MAX;
        }
        self.list.push(Subsample { clear, protected });
        self.clear = 0;
    }

    /// All of them, for every byte of the sample.
    pub(crate) fn finish(mut self) -> Vec<Subsample> {
        if self.clear > 0 {
            self.push(0);
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a slice that SAMPLE-AES encrypts, by its own words: after 32 bytes, while more than 16
    /// remain, 16 are encrypted and up to 144 are not.
    fn encrypted_by_sample_aes(length: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = 32;
        while length > 48 && length - at > 16 {
            found.extend(at..at + 16);
            at += 16 + (length - at - 16).min(144);
        }
        found
    }

    /// Bytes that cbcs encrypts with a pattern: every whole block of `crypt` in each `crypt + skip`.
    fn encrypted_by_cbcs(subsamples: &[Subsample], crypt: usize, skip: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = 0;
        for subsample in subsamples {
            at += subsample.clear as usize;
            let end = at + subsample.protected as usize;
            let mut block = 0;
            while at + 16 <= end {
                if skip == 0 || block % (crypt + skip) < crypt {
                    found.extend(at..at + 16);
                }
                block += 1;
                at += 16;
            }
            at = end;
        }
        found
    }

    fn total(subsamples: &[Subsample]) -> usize {
        subsamples.iter().map(|subsample| (subsample.clear + subsample.protected) as usize).sum()
    }

    #[test]
    fn slices_of_every_length_are_encrypted_where_sample_aes_encrypts_them() {
        for length in 49..1000 {
            assert!(protects_slice(length));
            let mut subsamples = Subsamples::default();
            subsamples.slice(length);
            let subsamples = subsamples.finish();
            assert_eq!(encrypted_by_cbcs(&subsamples, 1, 9), encrypted_by_sample_aes(length), "{length}");
            assert_eq!(total(&subsamples), length);
        }
        assert!(!protects_slice(48));
    }

    #[test]
    fn frames_of_sound_are_encrypted_in_whole_blocks_behind_sixteen_bytes() {
        for length in 0..200 {
            let mut subsamples = Subsamples::default();
            subsamples.frame(length);
            let subsamples = subsamples.finish();
            let end = 16 + length.saturating_sub(16) / 16 * 16;
            let expected: Vec<usize> = (16..end).collect();
            assert_eq!(encrypted_by_cbcs(&subsamples, 0, 0), expected, "{length}");
            assert_eq!(total(&subsamples), length);
        }
    }

    #[test]
    fn clear_stretches_longer_than_16_bits_are_cut() {
        let mut subsamples = Subsamples::default();
        subsamples.clear(200_000);
        subsamples.slice(100);
        let subsamples = subsamples.finish();
        assert!(subsamples.iter().all(|subsample| subsample.clear <= 65_535));
        assert_eq!(total(&subsamples), 200_100);
        assert_eq!(encrypted_by_cbcs(&subsamples, 1, 9), (200_032..200_048).collect::<Vec<_>>());
    }
}
