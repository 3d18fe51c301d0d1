//! The course of a session whose levels are given.

use crate::link::{Cursor, Link};
use crate::movie::Movie;

/// A movie over a link with a buffer, from the moment when the first segment is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course<'a> {
    pub(super) movie: &'a Movie,
    pub(super) buffer_ms: f64,
    /// From the first request to the first picture.
    pub(super) startup_ms: f64,
    first: Cursor<'a>,
}

/// How far a session is: so many segments arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    pub(super) link: Cursor<'a>,
    /// Since the first picture.
    pub(super) at_ms: f64,
    /// Stall so far.
    pub(super) stall_ms: f64,
}

impl<'a> Course<'a> {
    pub(super) fn new(movie: &'a Movie, link: &'a Link, buffer_ms: f64) -> Self {
        let mut first = link.start();
        let startup_ms = first.request() + first.receive(movie.bits(0, 0));
        Self { movie, buffer_ms, startup_ms, first }
    }

    pub(super) fn start(&self) -> Standing<'a> {
        Standing { link: self.first, at_ms: 0.0, stall_ms: 0.0 }
    }

    /// When a segment has its place, without any stall.
    pub(super) fn place_ms(&self, segment: usize) -> f64 {
        segment as f64 * self.movie.segment_ms()
    }

    /// When the buffer has room for a segment after so much stall.
    pub(super) fn room_ms(&self, segment: usize, stall_ms: f64) -> f64 {
        self.place_ms(segment + 1) - self.buffer_ms + stall_ms
    }

    /// Fetches a segment of so many bits.
    pub(super) fn fetch(&self, mut standing: Standing<'a>, segment: usize, bits: f64) -> Standing<'a> {
        let wait = self.room_ms(segment, standing.stall_ms) - standing.at_ms;
        if wait > 0.0 {
            standing.link.wait(wait);
            standing.at_ms += wait;
        }
        standing.at_ms += standing.link.request() + standing.link.receive(bits);
        standing.stall_ms = standing.stall_ms.max(standing.at_ms - self.place_ms(segment));
        standing
    }

    /// The stall of a session of these levels.
    pub(super) fn stall_ms(&self, levels: &[usize]) -> f64 {
        let later = levels.iter().enumerate().skip(1);
        later
            .fold(self.start(), |standing, (segment, level)| {
                self.fetch(standing, segment, self.movie.bits(segment, *level))
            })
            .stall_ms
    }

    /// For each segment the least stall that any session has before it, and last the least of all.
    pub(super) fn least_stalls(&self) -> Vec<f64> {
        let levels = self.movie.ladder().len();
        let smallest = |segment| (0..levels).map(|level| self.movie.bits(segment, level)).fold(f64::INFINITY, f64::min);
        let mut standing = self.start();
        let mut stalls = vec![0.0, 0.0];
        for segment in 1..self.movie.segments() {
            standing = self.fetch(standing, segment, smallest(segment));
            stalls.push(standing.stall_ms);
        }
        stalls
    }
}
