//! What is kept of a media playlist's text, so that of a newer version only what is new is read.
//!
//! A live playlist comes again every few seconds, and most of it is what it was. Its segments are cut into blocks by
//! their numbers, which stay; a block's text is the lines behind the URI of the segment before it, up to the URI of its
//! last. Of each block a hash is kept. Where a newer version has the same text for the same numbers, and it stands
//! behind the same state (keys, initialisation section, and so on, which are those of the segment before), it says the
//! same, and what it says is in the known index.
//!
//! A hash can be equal by chance or by intent. By chance it is less than once in 10^14 changes. By intent it gains nothing:
//! whoever can write the text that is hashed can as well leave the old text as it is, which is all that an equal hash
//! comes to. So the function has no secret.

use std::sync::Arc;

use telecine_model::{Limits, SegmentIndex};

/// Segments belong to one block if their numbers divided by this are the same.
pub(super) const BLOCK: u64 = 256;

/// What is kept of the text of a media playlist, for [`parse_again`](super::parse_again): less than a byte a segment.
/// Empty for a playlist that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextBlocks {
    /// Ascending by number. Only those that lie in the index as a whole, with a segment before them.
    blocks: Vec<Block>,
    /// What the text was read with: within other limits the same text may say something else.
    limits: Option<Arc<Limits>>,
}

/// A block whose lines of segments had no fault, no part and no variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Number of the first segment.
    pub(super) number: u64,
    pub(super) hash: u64,
    /// Length of the text. It ends in a line end.
    pub(super) bytes: u32,
    pub(super) lines: u32,
    /// The longest segment in nanoseconds, and its line, counted from the one before the block.
    pub(super) longest: (u64, u32),
    /// Protocol features that it uses, a bit each.
    pub(super) features: u32,
    pub(super) discontinuities: u32,
    /// Keys that were stored with its segments.
    pub(super) stored_keys: u32,
    /// The first byte range has no offset: it goes on where that of the segment before ends.
    pub(super) continues: bool,
    /// The playlist is of key frames only, which makes `EXT-X-MAP` another feature.
    pub(super) i_frames_only: bool,
    /// `EXT-X-BITRATE` in force in front of it and behind it.
    pub(super) bitrates: (Option<u64>, Option<u64>),
    /// Lines that say nothing of segments: they are read each time.
    pub(super) asides: Arc<[Aside]>,
}

/// A line of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aside {
    /// Where it begins in the block's text.
    pub(super) at: u32,
    /// Its number, counted from the line before the block.
    pub(super) line: u32,
}

impl Block {
    pub(super) fn end(&self) -> u64 {
        self.number.saturating_add(BLOCK)
    }

    /// Whether it is the block at the beginning of a text.
    pub(super) fn begins(&self, text: &str) -> bool {
        let mine = text.as_bytes().get(..self.bytes as usize);
        mine.is_some_and(|mine| hash(mine) == self.hash)
    }
}

impl TextBlocks {
    pub(super) fn new(blocks: Vec<Block>, limits: &Limits) -> Self {
        Self { blocks, limits: Some(Arc::new(limits.clone())) }
    }

    /// The block that begins with segment `number`, if it was read with these limits.
    pub(super) fn get(&self, number: u64, limits: &Limits) -> Option<&Block> {
        let place = self.blocks.binary_search_by_key(&number, |block| block.number).ok()?;
        self.blocks.get(place).filter(|_| self.limits.as_deref() == Some(limits))
    }

    /// Keeps the blocks that an index holds as a whole with a segment before them, and that are `sound`.
    pub(super) fn keep_within(&mut self, index: &SegmentIndex, sound: impl Fn(&Block) -> bool) {
        let (first, end) = (index.table.first_number(), index.table.end_number());
        self.blocks.retain(|block| block.number > first && block.end() <= end && sound(block));
        self.blocks.shrink_to_fit();
    }

    /// The blocks that are in another version too, with the same text.
    pub(super) fn shared_with<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(|block| other.has(block))
    }

    /// Whether the same block is among these.
    pub(super) fn has(&self, block: &Block) -> bool {
        let place = self.blocks.binary_search_by_key(&block.number, |known| known.number);
        place
            .ok()
            .and_then(|place| self.blocks.get(place))
            .is_some_and(|known| (known.hash, known.bytes) == (block.hash, block.bytes))
    }

    /// Bytes of heap in use.
    pub fn heap_bytes(&self) -> usize {
        let asides: usize = self.blocks.iter().map(|block| block.asides.len() * size_of::<Aside>()).sum();
        let limits = self.limits.as_ref().map_or(0, |_| size_of::<Limits>());
        self.blocks.capacity() * size_of::<Block>() + asides + limits
    }
}

/// The text as a polynomial over the integers modulo the prime 2^61 - 1, evaluated at one place: texts of one length
/// differ in at most as many places as they have words (of seven bytes, all below the prime), of 2^61.
pub(super) fn hash(text: &[u8]) -> u64 {
    const PRIME: u64 = (1 << 61) - 1;
    // The fraction of the golden ratio, below the prime: a place like any other.
    const PLACE: u64 = 0x9E37_79B9_7F4A_7C15 >> 3;
    const WORD: usize = 7;
    const LANES: usize = 4;
    /// Below 2^62 if both factors and the term are.
    const fn times_plus(a: u64, b: u64, term: u64) -> u64 {
        let product = a as u128 * b as u128;
        let folded = (product as u64 & PRIME) + (product >> 61) as u64 + term;
        (folded & PRIME) + (folded >> 61)
    }
    const STRIDE: u64 = {
        let square = times_plus(PLACE, PLACE, 0);
        times_plus(square, square, 0)
    };
    let word = |bytes: &[u8]| {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(whole)
    };
    // Lanes that do not wait for each other: each takes every fourth word.
    let mut lanes = [0_u64; LANES];
    let mut pieces = text.chunks_exact(WORD * LANES);
    for piece in &mut pieces {
        for (lane, bytes) in lanes.iter_mut().zip(piece.chunks_exact(WORD)) {
            *lane = times_plus(*lane, STRIDE, word(bytes));
        }
    }
    let joined = lanes.into_iter().fold(0, |sum, lane| times_plus(sum, PLACE, lane));
    let tail = pieces.remainder().chunks(WORD).fold(joined, |sum, bytes| times_plus(sum, PLACE, word(bytes)));
    // In its one form.
    let reduced = (tail & PRIME) + (tail >> 61);
    if reduced >= PRIME {
        reduced - PRIME
    } else {
        reduced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_a_byte_have_other_hashes() {
        let text: Vec<u8> = (0..400_u32).map(|i| (i * 7 % 251) as u8).collect();
        for length in 0..text.len() {
            let text = &text[..length];
            let mut seen = telecine_model::SortedSet::from([hash(text)]);
            for at in 0..length {
                for bit in 0..8 {
                    let mut other = text.to_vec();
                    other[at] ^= 1 << bit;
                    assert!(seen.insert(hash(&other)), "{length} {at} {bit}");
                }
            }
        }
    }

    #[test]
    fn the_hash_is_the_polynomial_that_it_is_said_to_be() {
        const PRIME: u128 = (1 << 61) - 1;
        const PLACE: u128 = 0x9E37_79B9_7F4A_7C15 >> 3;
        let text: Vec<u8> = (0..28 * 3 + 16_u32).map(|i| (i * 31 % 256) as u8).collect();
        let words: Vec<u128> = text
            .chunks(7)
            .map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u128::from(*byte)))
            .collect();
        let slow = words.iter().fold(0, |sum, word| (sum * PLACE + word) % PRIME);
        assert_eq!(u128::from(hash(&text)), slow);
    }
}
