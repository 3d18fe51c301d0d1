//! The bytes that have arrived and are still needed, as the slices in which they came.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

/// A queue of slices with a cursor. Bytes before the cursor stay until they are taken (a fragment
/// in the making) or discarded; nothing is copied unless a box that must be parsed lies across
/// two slices.
#[derive(Debug, Default)]
pub(crate) struct Window {
    chunks: VecDeque<Bytes>,
    /// Offset in the resource of the first byte kept.
    start: u64,
    /// Offset in the resource of the next byte to read.
    cursor: u64,
    /// Offset in the resource behind the last byte that has arrived.
    end: u64,
    /// The cursor as a slice and a position in it; the position is always inside the slice, or
    /// zero behind the last slice.
    chunk: usize,
    within: usize,
}

impl Window {
    /// An empty window whose first byte will be at `offset` of the resource.
    pub(crate) fn at(offset: u64) -> Self {
        Self { start: offset, cursor: offset, end: offset, ..Self::default() }
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Bytes that have arrived behind the cursor.
    pub(crate) fn available(&self) -> u64 {
        self.end.saturating_sub(self.cursor)
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.end = self.end.saturating_add(bytes.len() as u64);
            self.chunks.push_back(bytes);
        }
    }

    /// Offset in the resource behind the last byte that has arrived.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// What follows the cursor, as it came.
    fn ahead(&self) -> impl Iterator<Item = &[u8]> {
        let mut within = self.within;
        self.chunks
            .iter()
            .skip(self.chunk)
            .map(move |chunk| chunk.get(std::mem::take(&mut within)..).unwrap_or_default())
    }

    /// Copies what follows the cursor into `out`, without moving; returns how much there was.
    pub(crate) fn peek(&self, out: &mut [u8]) -> usize {
        self.peek_at(0, out)
    }

    /// The same from `skip` bytes behind the cursor.
    pub(crate) fn peek_at(&self, mut skip: u64, out: &mut [u8]) -> usize {
        let mut filled = 0;
        for chunk in self.ahead() {
            if skip >= chunk.len() as u64 {
                skip -= chunk.len() as u64;
                continue;
            }
            let source = chunk.get(std::mem::take(&mut skip) as usize..).unwrap_or_default();
            let free = out.get_mut(filled..).unwrap_or_default();
            let count = source.len().min(free.len());
            for (to, from) in free.iter_mut().zip(source) {
                *to = *from;
            }
            filled += count;
            if filled == out.len() {
                break;
            }
        }
        filled
    }

    /// How far behind `skip` bytes from the cursor the first `byte` is; if there is none, how many bytes
    /// there are.
    pub(crate) fn distance(&self, mut skip: u64, byte: u8) -> u64 {
        let mut passed = 0;
        for chunk in self.ahead() {
            if skip >= chunk.len() as u64 {
                skip -= chunk.len() as u64;
                continue;
            }
            let source = chunk.get(std::mem::take(&mut skip) as usize..).unwrap_or_default();
            if let Some(at) = memchr::memchr(byte, source) {
                return passed + at as u64;
            }
            passed += source.len() as u64;
        }
        passed
    }

    /// Whether the next `count` bytes came in one piece.
    pub(crate) fn is_contiguous(&self, count: usize) -> bool {
        self.ahead().next().is_some_and(|chunk| chunk.len() >= count)
    }

    /// Moves the cursor by `count` bytes or to the end of what has arrived.
    pub(crate) fn advance(&mut self, count: u64) {
        let mut left = count.min(self.available());
        self.cursor = self.cursor.saturating_add(left);
        while left > 0 {
            let Some(chunk) = self.chunks.get(self.chunk) else {
                break;
            };
            let rest = (chunk.len() - self.within) as u64;
            if left < rest {
                // Smaller than a slice, so it fits.
                self.within += left as usize;
                return;
            }
            left -= rest;
            self.chunk += 1;
            self.within = 0;
        }
    }

    /// The next `count` bytes in one piece (fewer if fewer have arrived), and moves behind them.
    pub(crate) fn read(&mut self, count: usize) -> Bytes {
        let piece = match self.chunks.get(self.chunk) {
            Some(chunk) if chunk.len() - self.within >= count => chunk.slice(self.within..self.within + count),
            _ => {
                let mut copy = vec![0; count.min(usize::try_from(self.available()).unwrap_or(usize::MAX))];
                self.peek(&mut copy);
                copy.into()
            }
        };
        self.advance(piece.len() as u64);
        piece
    }

    /// Forgets everything before the cursor.
    pub(crate) fn discard(&mut self) {
        drop(self.chunks.drain(..self.chunk.min(self.chunks.len())));
        if let Some(front) = self.chunks.front_mut() {
            front.advance(self.within);
        }
        self.restart();
    }

    /// Hands over everything before the cursor, as it came.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        let mut taken: Vec<Bytes> = self.chunks.drain(..self.chunk.min(self.chunks.len())).collect();
        if let Some(front) = self.chunks.front_mut().filter(|_| self.within > 0) {
            taken.push(front.split_to(self.within));
        }
        self.restart();
        taken
    }

    fn restart(&mut self) {
        self.start = self.cursor;
        self.chunk = 0;
        self.within = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(chunks: &[&'static [u8]]) -> Window {
        let mut window = Window::at(100);
        for chunk in chunks {
            window.push(Bytes::from_static(chunk));
        }
        window
    }

    #[test]
    fn a_piece_inside_one_slice_is_not_copied() {
        static DATA: &[u8] = b"abcdef";
        let mut window = window(&[DATA]);
        let piece = window.read(3);
        assert_eq!(piece.as_ptr(), DATA.as_ptr());
        assert_eq!((&piece[..], window.cursor()), (&b"abc"[..], 103));
    }

    #[test]
    fn a_piece_across_slices_is_joined() {
        let mut window = window(&[b"ab", b"", b"c", b"def"]);
        window.advance(1);
        assert_eq!(&window.read(4)[..], b"bcde");
        assert_eq!(window.available(), 1);
    }

    #[test]
    fn taking_hands_over_what_is_before_the_cursor_and_keeps_the_rest() {
        let mut window = window(&[b"abc", b"def", b"ghi"]);
        window.advance(2);
        window.discard();
        assert_eq!(window.start(), 102);
        window.advance(5);
        assert_eq!(window.take(), [&b"c"[..], b"def", b"g"]);
        assert_eq!((window.start(), window.available()), (107, 2));
        assert_eq!(window.take(), [] as [&[u8]; 0]);
        assert_eq!(&window.read(9)[..], b"hi");
    }

    #[test]
    fn what_is_further_ahead_is_found_across_slices() {
        let mut window = window(&[b"abc", b"", b"def", b"gha"]);
        window.advance(1);
        let mut out = [0; 3];
        assert_eq!((window.peek_at(1, &mut out), &out), (3, b"cde"));
        assert_eq!((window.peek_at(6, &mut out), &out[..2]), (2, &b"ha"[..]));
        assert_eq!((window.peek_at(8, &mut out), window.peek_at(99, &mut out)), (0, 0));
        assert_eq!((window.distance(0, b'c'), window.distance(2, b'e'), window.distance(3, b'z')), (1, 1, 5));
        assert_eq!((window.is_contiguous(2), window.is_contiguous(3)), (true, false));
        assert_eq!(window.end(), 109);
    }

    #[test]
    fn peeking_does_not_move() {
        let mut window = window(&[b"ab", b"cd"]);
        window.advance(1);
        let mut out = [0; 8];
        assert_eq!(window.peek(&mut out), 3);
        assert_eq!(&out[..3], b"bcd");
        assert_eq!(window.cursor(), 101);
    }
}
