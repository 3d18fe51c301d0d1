//! METHOD=SAMPLE-AES of transport streams and packed audio: parts of access units encrypted, each from the same vector.

use crate::protect::{Cbc, KeyName, BLOCK};

/// Bytes at the start of a slice that stay clear, and of it and one block the least that has anything encrypted.
const CLEAR: usize = 32;
const LEAST: usize = 48;
/// Of ten blocks one is encrypted.
const SKIP: usize = 9 * BLOCK;

/// A NAL unit of H.264: of slices every tenth block, and over that another layer of emulation prevention.
pub(super) fn slice(unit: &[u8], key: KeyName) -> Vec<u8> {
    let is_slice = unit.first().is_some_and(|byte| matches!(byte & 0x1f, 1 | 5));
    let mut data = unit.to_vec();
    if !is_slice || data.len() <= LEAST {
        return data;
    }
    let mut cbc = Cbc::new(&key.key(), &key.iv());
    let mut at = CLEAR;
    // A block is encrypted only where more follows.
    while data.len() - at > BLOCK {
        cbc.whole_blocks(&mut data[at..at + BLOCK]);
        at = (at + BLOCK + SKIP).min(data.len());
    }
    let mut out = Vec::with_capacity(data.len() + data.len() / 64);
    let mut zeros = 0;
    for byte in data {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// A frame of AAC behind its header: all whole blocks but the first.
pub(super) fn frame(data: &mut [u8], key: KeyName) {
    if let Some(behind) = data.get_mut(BLOCK..) {
        Cbc::new(&key.key(), &key.iv()).whole_blocks(behind);
    }
}
