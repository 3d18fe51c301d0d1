//! The identity of a cue, the same on every platform.

use std::hash::{Hash, Hasher};

use super::{Cue, Region};
use crate::hash::Fnv1a;

/// FNV-1a over what `Hash` feeds it, integers always little-endian and 64 bits where the platform
/// may choose.
#[derive(Default)]
struct Stable(Fnv1a);

impl Hasher for Stable {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }

    fn write_u32(&mut self, value: u32) {
        self.write(&value.to_le_bytes());
    }

    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_i16(&mut self, value: i16) {
        self.write_u16(value as u16);
    }

    fn write_i32(&mut self, value: i32) {
        self.write_u32(value as u32);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value as u64);
    }

    /// Variants of enums, of which there are few: a byte is enough to tell them apart.
    fn write_isize(&mut self, value: isize) {
        self.write_u8(value as u8);
    }
}

/// Everything but start and end.
pub(super) fn of(cue: &Cue) -> u64 {
    let Cue { start: _, end: _, id, text, style, layout, region, forced } = cue;
    let mut hasher = Stable::default();
    (id, text, style, layout, region.as_deref().map(Region::look), forced).hash(&mut hasher);
    hasher.finish()
}
