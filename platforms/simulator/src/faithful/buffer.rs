//! The buffer and what was played from it.

use std::collections::VecDeque;

/// Segments that were fetched and not yet played to their end.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    segment_ms: f64,
    levels: VecDeque<usize>,
    /// How much of the first segment was played.
    into_ms: f64,
    /// Levels in the order in which they began to play.
    played: Vec<usize>,
    stall_ms: f64,
    stalls: usize,
    /// Time since the start, the start itself included.
    elapsed_ms: f64,
}

/// What was played in the end.
pub(super) struct Played {
    pub(super) levels: Vec<usize>,
    pub(super) stall_ms: f64,
    pub(super) stalls: usize,
    pub(super) elapsed_ms: f64,
}

impl Buffer {
    /// The buffer when the first segment is there.
    pub(super) fn new(segment_ms: f64, first: usize, startup_ms: f64, segments: usize) -> Self {
        Self {
            segment_ms,
            levels: VecDeque::from([first]),
            into_ms: 0.0,
            played: Vec::with_capacity(segments),
            stall_ms: 0.0,
            stalls: 0,
            elapsed_ms: startup_ms,
        }
    }

    /// Media ahead of the playhead.
    pub(super) fn ms(&self) -> f64 {
        self.segment_ms * self.levels.len() as f64 - self.into_ms
    }

    pub(super) fn elapsed_ms(&self) -> f64 {
        self.elapsed_ms
    }

    /// Levels in playing order, the one that plays first.
    pub(super) fn levels(&self) -> &VecDeque<usize> {
        &self.levels
    }

    /// Afterwards the levels are one slice.
    pub(super) fn put_in_a_row(&mut self) {
        self.levels.make_contiguous();
    }

    /// Segments that play already, whole or in part.
    pub(super) fn segments_begun(&self) -> f64 {
        self.into_ms / self.segment_ms
    }

    pub(super) fn append(&mut self, level: usize) {
        self.levels.push_back(level);
    }

    /// Puts another level in the place of the segment so many from the end. False if it plays already.
    pub(super) fn replace(&mut self, from_end: usize, level: usize) -> bool {
        let in_time = self.ms() >= self.segment_ms * from_end as f64;
        let place = self.levels.len().checked_sub(from_end).filter(|_| in_time);
        let slot = place.and_then(|place| self.levels.get_mut(place));
        let replaced = slot.map(|slot| *slot = level);
        replaced.is_some()
    }

    /// Time passes: media is played while there is any, and then playback stands.
    pub(super) fn play(&mut self, mut ms: f64) {
        self.elapsed_ms += ms;
        if self.levels.is_empty() {
            self.stall_ms += ms;
            return;
        }
        if self.into_ms > 0.0 {
            if ms + self.into_ms < self.segment_ms {
                self.into_ms += ms;
                return;
            }
            ms -= self.segment_ms - self.into_ms;
            self.levels.pop_front();
            self.into_ms = 0.0;
        }
        while ms > 0.0 {
            let Some(level) = self.levels.front() else {
                self.stall_ms += ms;
                self.stalls += 1;
                return;
            };
            self.played.push(*level);
            if ms < self.segment_ms {
                self.into_ms = ms;
                return;
            }
            self.levels.pop_front();
            ms -= self.segment_ms;
        }
    }

    /// Plays what is left.
    pub(super) fn finish(mut self) -> Played {
        self.elapsed_ms += self.ms();
        let begun = usize::from(self.into_ms > 0.0);
        self.played.extend(self.levels.iter().skip(begun));
        let Self { played: levels, stall_ms, stalls, elapsed_ms, .. } = self;
        Played { levels, stall_ms, stalls, elapsed_ms }
    }
}
