//! Bodies that are made while they are sent: an hour of video in one file costs no memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::protect::{Cbc, BLOCK};
use crate::title::Fragment;

/// A piece of a body.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Bytes as they are.
    Bytes(Bytes),
    /// A fragment, moved to a decode time and number.
    Segment { fragment: Fragment, time: u64, sequence: u32 },
    /// The chunks of a fragment in a row.
    Chunks(Arc<[Bytes]>),
    /// Another part, encrypted whole with AES-128-CBC and the padding of PKCS #7.
    Sealed { part: Box<Part>, key: [u8; BLOCK], iv: [u8; BLOCK] },
    /// A file, read while it is sent, with some bytes changed: their places, in order, and what is flipped in them.
    File { file: Arc<Mutex<File>>, length: u64, flips: Arc<[(u64, u8)]> },
    /// A pattern repeated up to a length.
    Fill { pattern: Bytes, length: u64 },
}

impl Part {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Segment { fragment, .. } => fragment.size(),
            Self::Chunks(pieces) => pieces.iter().map(|piece| piece.len() as u64).sum(),
            Self::Sealed { part, .. } => sealed_length(part.len()),
            Self::File { length, .. } | Self::Fill { length, .. } => *length,
        }
    }
}

/// Bytes of so many when they are sealed.
pub(crate) fn sealed_length(length: u64) -> u64 {
    (length / BLOCK as u64 + 1) * BLOCK as u64
}

/// How much of a pattern is written out, and of a file read, at a time.
const FILLED: u64 = 65_536;

/// Bytes of a file between two places. Short if the file is, or cannot be read.
fn read(file: &Mutex<File>, range: &Range<u64>, flips: &[(u64, u8)]) -> Bytes {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let mut chunk = Vec::new();
    // What was read until then is what there is.
    let _ = file
        .seek(SeekFrom::Start(range.start))
        .and_then(|_| (&mut *file).take(range.end - range.start).read_to_end(&mut chunk));
    let from = flips.partition_point(|(at, _)| *at < range.start);
    for (at, flip) in flips.iter().skip(from).take_while(|(at, _)| *at < range.end) {
        if let Some(byte) = chunk.get_mut((at - range.start) as usize) {
            *byte ^= flip;
        }
    }
    Bytes::from(chunk)
}

/// The bytes of a response. Its length is known before any of them exists.
#[derive(Clone, Debug, Default)]
pub struct Body {
    parts: VecDeque<(Part, Range<u64>)>,
    length: u64,
}

impl Body {
    /// Number of bytes that are left.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether none are left.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        let parts: VecDeque<_> = parts.into_iter().map(|part| (0..part.len(), part)).map(|(r, p)| (p, r)).collect();
        let length = parts.iter().map(|(_, range)| range.end).sum();
        Self { parts, length }
    }

    /// The part of the body between two positions, which are clamped to it.
    pub(crate) fn slice(self, range: Range<u64>) -> Self {
        let mut at = 0;
        let mut parts = VecDeque::new();
        for (part, inner) in self.parts {
            let (from, to) = (at, at + (inner.end - inner.start));
            let kept = range.start.max(from)..range.end.min(to);
            if kept.start < kept.end {
                parts.push_back((part, inner.start + kept.start - from..inner.start + kept.end - from));
            }
            at = to;
        }
        let length = parts.iter().map(|(_, range)| range.end - range.start).sum();
        Self { parts, length }
    }

    /// The next bytes, at most `max` (at least one), or `None` at the end. A file that became shorter meanwhile, or
    /// cannot be read, ends the body before its length: [`Body::is_empty`] tells.
    pub fn next_chunk(&mut self, max: usize) -> Option<Bytes> {
        let max = max.max(1) as u64;
        loop {
            let (part, range) = self.parts.pop_front()?;
            let taken = range.start..range.end.min(range.start.saturating_add(max));
            let chunk = match &part {
                _ if taken.is_empty() => continue,
                Part::Bytes(bytes) => bytes.slice(taken.start as usize..taken.end as usize),
                Part::Segment { .. } | Part::Chunks(_) | Part::Sealed { .. } => {
                    let made = match part {
                        Part::Sealed { part, key, iv } => {
                            let clear = Self::of([*part]).into_bytes();
                            Self::from(Bytes::from(Cbc::new(&key, &iv).padded(&clear)))
                        }
                        Part::Segment { fragment, time, sequence } => {
                            Self::of(fragment.at(time, sequence).map(Part::Bytes))
                        }
                        Part::Chunks(pieces) => Self::of(pieces.iter().cloned().map(Part::Bytes)),
                        _ => continue,
                    };
                    for made in made.slice(range).parts.into_iter().rev() {
                        self.parts.push_front(made);
                    }
                    continue;
                }
                Part::File { file, flips, .. } => {
                    let end = taken.end.min(taken.start + FILLED);
                    let chunk = read(file, &(taken.start..end), flips);
                    if chunk.is_empty() {
                        self.parts.clear();
                        return None;
                    }
                    chunk
                }
                Part::Fill { pattern, .. } => {
                    let from = (taken.start % pattern.len().max(1) as u64) as usize;
                    let length = (taken.end - taken.start).min(FILLED) as usize;
                    pattern.iter().copied().cycle().skip(from).take(length).collect()
                }
            };
            let next = range.start + chunk.len() as u64;
            if next < range.end {
                self.parts.push_front((part, next..range.end));
            }
            self.length -= chunk.len() as u64;
            return Some(chunk);
        }
    }

    /// All the bytes that are left, in memory.
    pub fn into_bytes(mut self) -> Bytes {
        let mut out = BytesMut::with_capacity(usize::try_from(self.length).unwrap_or(0));
        while let Some(chunk) = self.next_chunk(usize::MAX) {
            out.extend_from_slice(&chunk);
        }
        out.freeze()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of([Part::Bytes(bytes)])
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::title::Title;

    #[test]
    fn any_slice_in_any_chunks_is_the_slice_of_the_whole() {
        let title = Title::demo();
        let segment = |n: usize| Part::Segment { fragment: title.tracks[0].fragments[n].clone(), time: 7, sequence: 9 };
        let fill = Part::Fill { pattern: Bytes::from_static(b"abc"), length: 10 };
        let body = Body::of([
            Part::Bytes(Bytes::from_static(b"head")),
            segment(0),
            fill,
            segment(1),
            Part::Chunks(title.tracks[0].fragments[2].at(1, 2).into()),
            Part::Sealed { part: Box::new(segment(2)), key: [1; BLOCK], iv: [2; BLOCK] },
        ]);
        let whole = body.clone().into_bytes();
        assert_eq!(whole.len() as u64, body.len());
        let length = body.len();
        for (from, to) in [(0, length), (2, 6), (3, 900), (length - 5, length), (9, 9), (5, length + 9)] {
            for max in [1000, 7919, usize::MAX] {
                let mut slice = body.clone().slice(from..to);
                assert_eq!(slice.len(), to.min(length) - from);
                let mut out = Vec::new();
                while let Some(chunk) = slice.next_chunk(max) {
                    assert!(!chunk.is_empty() && chunk.len() <= max);
                    out.extend_from_slice(&chunk);
                }
                assert_eq!(out, whole[from as usize..to.min(length) as usize]);
            }
        }
    }
}
