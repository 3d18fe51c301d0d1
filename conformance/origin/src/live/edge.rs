//! What there is of a programme at a moment: which of its segments and pieces, since when and how long.

use std::sync::Arc;

use super::Moment;
use crate::programme::{fragment, start};
use crate::title::chunk::{self, Chunk};
use crate::title::{Ticks, Track};
use crate::unsteady::Unsteady;

/// A live programme at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The moment.
    pub(crate) now: Moment,
    pub(super) start: Moment,
    /// How long the programme has been on.
    pub(crate) elapsed_ms: u64,
    pub(super) window_ms: u64,
    /// It goes on no more.
    pub(crate) over: bool,
    /// How long it goes on.
    pub(crate) stop_ms: Option<u64>,
    /// How long the pieces of a segment are at most, if it comes in pieces.
    pub(crate) piece_ms: Option<u64>,
    /// How much before its end a segment can be asked for.
    pub(crate) early_ms: u64,
    pub(super) unsteady: Unsteady,
}

/// Never, as milliseconds since the start.
pub(crate) const NEVER: u64 = u64::MAX;

impl Edge {
    /// The segments of a rendition that have ended: so many, counted from the start of the programme.
    pub(crate) fn ended(&self, track: &Track) -> u64 {
        self.ended_by(track, self.elapsed_ms)
    }

    fn ended_by(&self, track: &Track, limit_ms: u64) -> u64 {
        // What is late at most is behind this.
        let reached = self.unsteady.in_the_media(limit_ms.saturating_sub(self.unsteady.jitter_ms));
        let reached = Ticks { ticks: reached, timescale: 1000 };
        let each = track.fragments.len() as u64;
        // One repetition early, because a segment may reach into the next.
        let from = (reached.floor_in(track.timescale) / track.period).saturating_sub(1) * each;
        let has_ended = |n: u64| self.due(track, n) <= limit_ms;
        let mut ended = from;
        if self.unsteady.jitter_ms == 0 {
            // One follows the other, so the end is found by halves; two repetitions hold it.
            let mut width = 2 * each;
            while width > 0 {
                let half = width.div_ceil(2);
                if has_ended(ended + half - 1) {
                    ended += half;
                }
                width -= half;
            }
        }
        ended + (ended..).take_while(|n| has_ended(*n)).count() as u64
    }

    /// The segments of a rendition that manifests name: those that have ended, and those that can be asked for before.
    pub(crate) fn named(&self, track: &Track) -> u64 {
        let limit = self.elapsed_ms.saturating_add(self.early_ms);
        self.ended_by(track, if self.over { self.elapsed_ms } else { limit })
    }

    /// When a segment is whole, in milliseconds since the start of the programme.
    pub(crate) fn due(&self, track: &Track, n: u64) -> u64 {
        self.piece_due(track, n, fragment(track, n).duration)
    }

    /// When so many ticks of a segment are there, in milliseconds since the start of the programme. A segment that
    /// does not end before the programme does is never begun.
    pub(crate) fn piece_due(&self, track: &Track, n: u64, ticks: u64) -> u64 {
        let on_time = self.ends(track, n, ticks);
        // Boundaries of sound lie a little beside those of the picture: the last one ends with the programme.
        let nominal = (n + 1).saturating_mul(track.period) / track.fragments.len() as u64;
        let whole = self.ends(track, n, fragment(track, n).duration).min(self.clock_ms(nominal, track.timescale));
        match self.stop_ms {
            Some(stop) if whole > stop => NEVER,
            Some(stop) => self.late(track, n, ticks, on_time).min(stop),
            None => self.late(track, n, ticks, on_time),
        }
    }

    /// Whether somebody who counts by `SegmentTemplate@duration` takes a segment for ended: its own end may lie behind.
    pub(crate) fn is_announced(&self, track: &Track, n: u64) -> bool {
        let nominal = (n + 1).saturating_mul(track.period) / track.fragments.len() as u64;
        let limit = self.elapsed_ms.saturating_add(if self.over { 0 } else { self.early_ms });
        let on_time = self.unsteady.jitter_ms == 0 && self.clock_ms(nominal, track.timescale) <= limit;
        on_time && self.due(track, n) != NEVER
    }

    /// When so many ticks of a segment have passed, on the clock.
    fn ends(&self, track: &Track, n: u64, ticks: u64) -> u64 {
        self.clock_ms(start(track, n).saturating_add(ticks), track.timescale)
    }

    fn clock_ms(&self, ticks: u64, timescale: u32) -> u64 {
        self.unsteady.on_the_clock(Ticks { ticks, timescale }.ceil_in(1000))
    }

    /// What is late lets nothing pass: a piece is there when all in front of it are.
    fn late(&self, track: &Track, n: u64, ticks: u64, on_time: u64) -> u64 {
        if self.unsteady.jitter_ms == 0 {
            return on_time;
        }
        let mut due = on_time;
        for segment in (0..=n).rev() {
            for piece in self.pieces(track, segment).iter().rev().filter(|p| segment < n || p.end() <= ticks) {
                let end = self.ends(track, segment, piece.end());
                if end + self.unsteady.jitter_ms < on_time {
                    return due;
                }
                due = due.max(end + self.unsteady.late(&track.id, segment, piece.end()));
            }
        }
        due
    }

    /// When so many ticks of a segment were taken.
    pub(crate) fn made(&self, track: &Track, n: u64, ticks: u64) -> Moment {
        let at = Ticks { ticks: start(track, n).saturating_add(ticks), timescale: track.timescale };
        self.clock_of(at.floor_in(1000))
    }

    /// How long a segment stays, in milliseconds.
    pub(crate) fn window_ms(&self) -> u64 {
        self.window_ms
    }

    /// The media that have passed, in milliseconds since the start.
    pub(crate) fn media_ms(&self) -> u64 {
        self.unsteady.in_the_media(self.elapsed_ms)
    }

    /// A time of the media on the clock.
    pub(crate) fn clock_of(&self, media_ms: u64) -> Moment {
        self.on_the_clock(self.unsteady.on_the_clock(media_ms))
    }

    /// The pieces that a segment comes in: the whole, where it comes in one.
    pub(crate) fn pieces(&self, track: &Track, n: u64) -> Arc<[Chunk]> {
        chunk::cut(fragment(track, n), track.timescale, self.piece_ms.unwrap_or(u64::MAX))
    }

    /// How many of them are there.
    pub(crate) fn pieces_there(&self, track: &Track, n: u64) -> usize {
        let there = |piece: &Chunk| self.piece_due(track, n, piece.end()) <= self.elapsed_ms;
        self.pieces(track, n).iter().take_while(|piece| there(piece)).count()
    }

    /// A time of the programme on the clock.
    pub(crate) fn on_the_clock(&self, ms: u64) -> Moment {
        Moment::at(self.start.0.saturating_add(ms))
    }

    /// The first segment of a rendition that reaches into the window.
    pub(crate) fn first(&self, track: &Track) -> u64 {
        self.left(track, self.window_ms)
    }

    /// The first segment of a rendition that is served still: who has read its name a moment ago gets it.
    pub(crate) fn served_from(&self, track: &Track) -> u64 {
        self.left(track, self.window_ms.saturating_mul(2))
    }

    /// How many segments ended longer ago than this.
    fn left(&self, track: &Track, ms: u64) -> u64 {
        self.ended_by(track, self.elapsed_ms.saturating_sub(ms))
    }

    /// The same for media, which may be there later than manifests say.
    pub(crate) fn of_media(self) -> Self {
        Self { elapsed_ms: self.elapsed_ms.saturating_sub(self.unsteady.late_ms), ..self }
    }

    /// What a manifest depends on, for its validator: it says when it was made.
    pub(crate) fn digest(&self) -> u64 {
        self.now.0
    }
}
