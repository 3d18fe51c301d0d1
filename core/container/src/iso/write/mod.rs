//! Writes CMAF headers and fragments (ISO/IEC 14496-12, ISO/IEC 23000-19) for media that comes out of
//! other containers.
//!
//! What is written is what the readers here read: an initialisation segment is read back by them, and
//! a fragment's description is made beside its bytes.

mod fragment;
mod init;

pub(crate) use fragment::{write_fragment, FragmentTrackData, SampleGroups};
pub(crate) use init::{write_init, AudioEntry, SampleEntry, TrackDescription, VideoEntry};

use super::boxes::FourCc;

/// Boxes one in the other, written front to back.
#[derive(Debug, Default)]
pub(crate) struct BoxWriter {
    pub(crate) out: Vec<u8>,
}

impl BoxWriter {
    /// A box around what `content` writes.
    pub(crate) fn boxed(&mut self, kind: &FourCc, content: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.u32(0);
        self.bytes(kind);
        content(self);
        self.patch(start, self.out.len() - start);
    }

    /// A FullBox.
    pub(crate) fn full(&mut self, kind: &FourCc, version: u8, flags: u32, content: impl FnOnce(&mut Self)) {
        self.boxed(kind, |w| {
            w.u32(u32::from(version) << 24 | flags);
            content(w);
        });
    }

    /// Writes a size over the four bytes at `at`.
    fn patch(&mut self, at: usize, size: usize) {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        if let Some(place) = self.out.get_mut(at..at + 4) {
            place.copy_from_slice(&size.to_be_bytes());
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }
}
