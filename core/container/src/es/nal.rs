//! NAL units in a byte stream (ISO/IEC 14496-10, annex B; ISO/IEC 23008-2, annex B).

use std::borrow::Cow;

use bytes::BytesMut;
use memchr::memmem::{self, Finder};

/// Bytes of the length that replaces a start code.
pub(crate) const LENGTH: usize = 4;

/// A byte stream on its way to length-prefixed NAL units.
///
/// Bytes are copied once, from where they arrived to the end of a buffer; start codes become lengths
/// on the way. The buffer begins with the access unit in the making.
#[derive(Debug)]
pub(crate) struct ByteStream {
    start_code: Finder<'static>,
    buffer: BytesMut,
    /// Where the NAL unit in the making has its length.
    open: Option<usize>,
    /// Zeros that the stream so far ends with, two at most.
    zeros: u8,
    /// The largest access unit so far, so that the next large one finds room.
    largest: usize,
    copied: u64,
}

/// New buffers hold so much at least.
const BLOCK: usize = 256 << 10;

impl ByteStream {
    pub(crate) fn new() -> Self {
        Self {
            start_code: Finder::new(&[0, 0, 1]),
            buffer: BytesMut::new(),
            open: None,
            zeros: 0,
            largest: 0,
            copied: 0,
        }
    }

    /// Bytes copied since this was asked last.
    pub(crate) fn take_copied(&mut self) -> u64 {
        std::mem::take(&mut self.copied)
    }

    /// Takes bytes up to the next start code and that code too; true if there was one. The NAL unit
    /// before it, if any, is then [closed](Self::close); call [`open`](Self::open) when it has been
    /// looked at. False if all bytes were taken.
    pub(crate) fn feed(&mut self, bytes: &mut &[u8]) -> bool {
        let whole = *bytes;
        let Some((end, next)) = self.find(whole) else {
            self.append(whole);
            let zeros = whole.iter().rev().take(2).take_while(|byte| **byte == 0).count() as u8;
            self.zeros = if usize::from(zeros) < whole.len() { zeros } else { (self.zeros + zeros).min(2) };
            *bytes = &[];
            return false;
        };
        self.append(whole.get(..end).unwrap_or_default());
        self.zeros = 0;
        *bytes = whole.get(next..).unwrap_or_default();
        true
    }

    /// The first start code: where it begins, or zero if that was before these bytes, and ends.
    fn find(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        match (self.zeros, bytes) {
            (2, [1, ..]) => Some((0, 1)),
            (1 | 2, [0, 1, ..]) => Some((0, 2)),
            _ => self.start_code.find(bytes).map(|at| (at, at + 3)),
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.open.is_some() && !bytes.is_empty() {
            self.reserve(bytes.len());
            self.buffer.extend_from_slice(bytes);
            self.copied += bytes.len() as u64;
        }
    }

    /// Makes room, moving only the access unit in the making.
    fn reserve(&mut self, count: usize) {
        let used = self.buffer.len();
        if self.buffer.capacity() - used < count {
            let wanted = (used + count).max(self.largest).saturating_mul(2).max(BLOCK);
            let mut fresh = BytesMut::with_capacity(wanted);
            fresh.extend_from_slice(&self.buffer);
            self.buffer = fresh;
            self.copied += used as u64;
        }
    }

    /// Begins a NAL unit behind a start code.
    pub(crate) fn open(&mut self) {
        self.reserve(LENGTH);
        self.open = Some(self.buffer.len());
        self.buffer.extend_from_slice(&[0; LENGTH]);
    }

    /// Ends the NAL unit in the making, with its trailing zeros left out, and says where its length
    /// is. None if there was none or it is empty.
    pub(crate) fn close(&mut self) -> Option<usize> {
        let length_at = self.open.take()?;
        let start = length_at + LENGTH;
        let content = self.buffer.get(start..).unwrap_or_default();
        let length = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if length == 0 {
            self.buffer.truncate(length_at);
            return None;
        }
        self.buffer.truncate(start + length);
        self.write_length(length_at);
        Some(length_at)
    }

    /// Writes the length of the last NAL unit, which has its length at `length_at`.
    fn write_length(&mut self, length_at: usize) {
        let length = u32::try_from(self.buffer.len() - length_at - LENGTH).unwrap_or(u32::MAX);
        if let Some(place) = self.buffer.get_mut(length_at..length_at + LENGTH) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// The last NAL unit, which has its length at `length_at`.
    pub(crate) fn nal(&self, length_at: usize) -> &[u8] {
        self.buffer.get(length_at + LENGTH..).unwrap_or_default()
    }

    /// Forgets the last NAL unit.
    pub(crate) fn remove(&mut self, length_at: usize) {
        self.buffer.truncate(length_at);
    }

    /// Removes one layer of emulation prevention from the last NAL unit.
    pub(crate) fn unescape(&mut self, length_at: usize) {
        let start = length_at + LENGTH;
        let kept = unescape_in_place(self.buffer.get_mut(start..).unwrap_or_default());
        self.buffer.truncate(start + kept);
        self.write_length(length_at);
    }

    /// Bytes of the access unit in the making.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Takes the first `length` bytes: an access unit. What is behind them begins the next.
    pub(crate) fn take(&mut self, length: usize) -> BytesMut {
        self.largest = self.largest.max(length);
        self.open = self.open.map(|at| at.saturating_sub(length));
        self.buffer.split_to(length.min(self.buffer.len()))
    }

    /// Forgets the access unit in the making, and what came of a start code.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.open = None;
        self.zeros = 0;
    }
}

/// Removes emulation prevention bytes (ISO/IEC 14496-10, 7.4.1); what is kept moves to the front, and
/// its length is returned.
fn unescape_in_place(bytes: &mut [u8]) -> usize {
    let finder = Finder::new(&[0, 0, 3]);
    let mut kept = 0;
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
        // The two zeros stay.
        let zeros_end = from + at + 2;
        bytes.copy_within(from..zeros_end, kept);
        kept += zeros_end - from;
        from = zeros_end + 1;
    }
    if from > 0 {
        let end = bytes.len();
        bytes.copy_within(from..end, kept);
        kept += end - from;
        return kept;
    }
    bytes.len()
}

/// The payload of a NAL unit without emulation prevention bytes; copied only if it has any.
pub(crate) fn unescape(nal: &[u8]) -> Cow<'_, [u8]> {
    if memmem::find(nal, &[0, 0, 3]).is_none() {
        return Cow::Borrowed(nal);
    }
    let mut copy = nal.to_vec();
    let kept = unescape_in_place(&mut copy);
    copy.truncate(kept);
    Cow::Owned(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// NAL units of a stream that arrives in pieces.
    fn nals<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let mut stream = ByteStream::new();
        let mut found = Vec::new();
        let close = |stream: &mut ByteStream, found: &mut Vec<Vec<u8>>| {
            if let Some(at) = stream.close() {
                let nal = stream.nal(at).to_vec();
                assert_eq!(stream.buffer[at..at + 4], (nal.len() as u32).to_be_bytes());
                found.push(nal);
            }
        };
        for mut piece in pieces {
            while stream.feed(&mut piece) {
                close(&mut stream, &mut found);
                stream.open();
            }
        }
        close(&mut stream, &mut found);
        assert_eq!(stream.take(stream.len()).len(), found.iter().map(|nal| nal.len() + 4).sum::<usize>());
        found
    }

    /// As annex B says it, byte by byte.
    fn reference(stream: &[u8]) -> Vec<Vec<u8>> {
        let starts: Vec<usize> = (3..=stream.len()).filter(|at| stream[at - 3..*at] == [0, 0, 1]).collect();
        let mut found = Vec::new();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).map_or(stream.len(), |next| next - 3);
            let mut nal = stream[*start..end.max(*start)].to_vec();
            while nal.last() == Some(&0) {
                nal.pop();
            }
            if !nal.is_empty() {
                found.push(nal);
            }
        }
        found
    }

    #[test]
    fn start_codes_of_three_and_four_bytes_become_lengths_and_trailing_zeros_go() {
        let stream = [9, 9, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0x65, 0, 0, 3, 0];
        assert_eq!(nals([&stream[..]]), [vec![0x67, 1], vec![0x68], vec![0x65, 0, 0, 3]]);
    }

    #[test]
    fn emulation_prevention_is_removed_one_layer_at_a_time() {
        for (escaped, plain) in [
            (&[1, 0, 0, 3, 1, 0, 0, 3][..], &[1, 0, 0, 1, 0, 0][..]),
            (&[0, 0, 3, 0, 0, 3, 0, 0, 3, 2], &[0, 0, 0, 0, 0, 0, 2]),
            (&[0, 0, 3, 3], &[0, 0, 3]),
            (&[0, 3, 0, 0, 2], &[0, 3, 0, 0, 2]),
            (&[], &[]),
        ] {
            assert_eq!(&unescape(escaped)[..], plain);
        }
    }

    #[test]
    fn a_buffer_that_is_full_moves_the_unit_in_the_making_only() {
        let mut stream = ByteStream::new();
        let mut units = Vec::new();
        let mut fed = 0_u64;
        for _ in 0..50 {
            let nal = [&[0, 0, 1][..], &[7; 50_000]].concat();
            fed += 50_000;
            let mut piece = &nal[..];
            while stream.feed(&mut piece) {
                if let Some(at) = stream.close() {
                    let end = at + LENGTH + stream.nal(at).len();
                    units.push(stream.take(end));
                }
                stream.open();
            }
        }
        assert!(units.iter().all(|unit| unit[..] == [&50_000_u32.to_be_bytes()[..], &[7; 50_000]].concat()[..]));
        assert_eq!(units.len(), 49);
        let copied = stream.take_copied();
        assert!(copied < fed + fed / 4, "{copied} of {fed}");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_nal_units_of_annex_b(
            stream in proptest::collection::vec(prop_oneof![4 => Just(0_u8), 2 => Just(1), 1 => Just(3), 1 => Just(9)], 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= stream.len()).collect();
            cuts.push(stream.len());
            cuts.sort_unstable();
            let mut from = 0;
            let pieces: Vec<&[u8]> = cuts.iter().map(|to| &stream[std::mem::replace(&mut from, *to)..*to]).collect();
            prop_assert_eq!(nals(pieces), reference(&stream));
        }

        #[test]
        fn emulation_prevention_comes_off_as_it_was_put_on(payload in proptest::collection::vec(0_u8..5, 0..100)) {
            let mut escaped = Vec::new();
            for byte in &payload {
                if escaped.ends_with(&[0, 0]) && *byte <= 3 {
                    escaped.push(3);
                }
                escaped.push(*byte);
            }
            // A last zero is escaped too (7.4.1.1).
            prop_assert_eq!(&unescape(&escaped)[..], &payload[..]);
        }
    }
}
