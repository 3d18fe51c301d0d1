//! What a state of playback is worth.

use super::outlook::{outcomes, range, Outcome};
use crate::published::{Ladder, Scene};

/// Segments that are reckoned ahead.
const STEPS: usize = 13;
/// Places of the buffer that are told apart.
const BUFFERS: usize = 30;
/// How far rates that are told apart lie from each other, as logarithms.
const RATE_STEP: f64 = 0.3;
/// Most of them: a ladder from a kilobit to a terabit.
const MOST_RATES: usize = 100;
/// Worth of a second of buffer behind the last segment that is reckoned.
const LEFT_OVER: f64 = 0.012;
/// Price of a change from the lowest level to the highest, in seconds of stall.
const CHANGE: f64 = 1.23;
/// Media that is worth one second of stall at the highest level, in seconds (abr.md 4.2, at segments of 3 s).
const MEDIA_PER_STALL_S: f64 = 3.0;
/// A stall costs for so many seconds at most: afterwards nothing that was chosen matters.
const LONGEST_STALL_S: f64 = 60.0;

/// What a title and its player are, as far as worth depends on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terms {
    ladder: Ladder,
    segment_s: f64,
    capacity_s: f64,
}

impl Terms {
    /// Those of a scene. Small differences make no other terms: live segments are never equally long.
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let (segment_s, capacity_s) = Self::lengths(scene);
        Self { ladder: scene.ladder.clone(), segment_s, capacity_s }
    }

    /// Whether they are those of a scene.
    pub(super) fn are_of(&self, scene: &Scene<'_>) -> bool {
        (self.segment_s, self.capacity_s) == Self::lengths(scene) && self.ladder == *scene.ladder
    }

    /// Of a segment and of the buffer, in quarters of a second.
    fn lengths(scene: &Scene<'_>) -> (f64, f64) {
        let quarters = |ms: f64| (libm::round(ms / 250.0) / 4.0).clamp(0.25, 600.0);
        let segment_s = quarters(scene.segment_ms);
        (segment_s, quarters(scene.capacity_ms).max(segment_s))
    }

    /// From 0 to 1: in proportion to the bitrate.
    fn utility(&self, level: usize) -> f64 {
        self.ladder.kbps(level) / self.ladder.kbps(self.ladder.top())
    }

    /// Price of a change of level.
    pub(super) fn change(&self, from: usize, to: usize) -> f64 {
        CHANGE * (self.utility(to) - self.utility(from)).abs()
    }

    /// Worth of a segment in itself.
    pub(super) fn segment(&self, level: usize) -> f64 {
        self.utility(level) * self.segment_s / MEDIA_PER_STALL_S
    }

    /// What comes of a download of so many seconds: the price of the stall, and the buffer with the segment.
    fn download(&self, buffer_s: f64, takes_s: f64) -> (f64, f64) {
        let stall = (takes_s - buffer_s).clamp(0.0, LONGEST_STALL_S);
        (stall, ((buffer_s - takes_s).max(0.0) + self.segment_s).min(self.capacity_s))
    }
}

/// Equal steps from a first place on.
#[derive(Clone, Copy, Debug)]
struct Grid {
    first: f64,
    step: f64,
    len: usize,
}

impl Grid {
    fn at(&self, place: usize) -> f64 {
        self.first + self.step * place as f64
    }

    /// The place below, and how far between it and the next; at the ends the ends.
    fn find(&self, value: f64) -> (usize, f64) {
        let steps = ((value - self.first) / self.step).clamp(0.0, (self.len - 1) as f64);
        let below = (steps as usize).min(self.len - 2);
        (below, steps - below as f64)
    }
}

/// The worth of each state under the best choices from there on, for one spread of the rate: what the buffer holds, of
/// which level the last segment is, what the rate is believed to be. Solved backwards from the last of [`STEPS`] segments
/// (value iteration, Bellman 1957).
#[derive(Clone, Debug)]
pub(super) struct Values {
    buffers: Grid,
    rates: Grid,
    levels: usize,
    outcomes: [Outcome; 4],
    /// By rate, buffer, and level.
    worth: Vec<f32>,
}

impl Values {
    pub(super) fn solve(terms: &Terms, spread: f64) -> Self {
        let (low, high) = range(&terms.ladder);
        let rates = (libm::ceil((high - low) / RATE_STEP) as usize + 1).clamp(2, MOST_RATES);
        let buffers = Grid { first: 0.0, step: terms.capacity_s / (BUFFERS - 1) as f64, len: BUFFERS };
        let levels = terms.ladder.len();
        let last = |buffer: usize| std::iter::repeat_n((LEFT_OVER * buffers.at(buffer)) as f32, levels);
        let worth = (0..rates).flat_map(|_| (0..BUFFERS).flat_map(last)).collect();
        let rates = Grid { first: low, step: RATE_STEP, len: rates };
        let mut values = Self { buffers, rates, levels, outcomes: outcomes(spread), worth };
        let mut before = values.worth.clone();
        for _ in 0..STEPS {
            values.step_back(terms, &mut before);
            std::mem::swap(&mut values.worth, &mut before);
        }
        values
    }

    /// Writes the worth with one more segment to come.
    fn step_back(&self, terms: &Terms, before: &mut [f32]) {
        let room = (terms.capacity_s - terms.segment_s).max(0.0);
        let mut with = vec![0.0; self.levels];
        for (cell, slot) in before.chunks_exact_mut(self.levels).enumerate() {
            let (rate, buffer) = (cell / BUFFERS, cell % BUFFERS);
            // A request waits until its segment has room.
            let buffer_s = self.buffers.at(buffer).min(room);
            for (level, with) in with.iter_mut().enumerate() {
                let kbit = terms.ladder.kbps(level) * terms.segment_s;
                *with = terms.segment(level) + self.after(terms, buffer_s, self.rates.at(rate), level, kbit, 0.0);
            }
            for (last, worth) in slot.iter_mut().enumerate() {
                let best = with.iter().enumerate().map(|(level, with)| with - terms.change(last, level));
                *worth = best.fold(f64::MIN, f64::max) as f32;
            }
        }
    }

    /// What is to be expected after a download of so many kilobits of a level begins with a buffer and a rate.
    pub(super) fn after(
        &self,
        terms: &Terms,
        buffer_s: f64,
        log_rate: f64,
        level: usize,
        kbit: f64,
        latency_s: f64,
    ) -> f64 {
        let each = self.outcomes.iter().map(|outcome| {
            let log = log_rate + outcome.by;
            let (stall, buffer) = terms.download(buffer_s, latency_s + kbit / libm::exp(log));
            outcome.chance * (self.at(buffer, log, level) - stall)
        });
        each.sum()
    }

    /// Between the states that are told apart.
    fn at(&self, buffer_s: f64, log_rate: f64, level: usize) -> f64 {
        let ((buffer, more), (rate, faster)) = (self.buffers.find(buffer_s), self.rates.find(log_rate));
        let worth = |rate: usize, buffer: usize| f64::from(self.worth[(rate * BUFFERS + buffer) * self.levels + level]);
        let of_rate = |rate: usize| worth(rate, buffer) * (1.0 - more) + worth(rate, buffer + 1) * more;
        of_rate(rate) * (1.0 - faster) + of_rate(rate + 1) * faster
    }
}

#[cfg(test)]
#[allow(clippy::panic)] // What goes wrong here fails the test that asked for it.
mod tests {
    use super::*;

    fn terms(kbps: &[f64], segment_ms: f64, capacity_ms: f64) -> Terms {
        let Some(ladder) = Ladder::new(kbps.iter().copied()) else { panic!("{kbps:?} is no ladder") };
        let scene = Scene {
            ladder: &ladder,
            segment_ms,
            buffer_ms: 0.0,
            capacity_ms,
            network: None,
            behind: 0,
            ahead: None,
            sizes: &[],
        };
        Terms::of(&scene)
    }

    const KBPS: &[f64] = &[300.0, 1_000.0, 3_000.0];

    #[test]
    fn more_buffer_and_more_rate_are_never_worth_less() {
        let terms = terms(KBPS, 3_000.0, 24_000.0);
        let values = Values::solve(&terms, 0.22);
        for level in 0..3 {
            for step in 0..20 {
                let (buffer, log) = (f64::from(step), 5.0 + 0.2 * f64::from(step));
                assert!(values.at(buffer + 1.0, 7.0, level) >= values.at(buffer, 7.0, level) - 1e-6);
                assert!(values.at(8.0, log + 0.2, level) >= values.at(8.0, log, level) - 1e-6);
            }
        }
    }

    #[test]
    fn with_all_the_rate_in_the_world_the_highest_level_is_worth_its_media() {
        let terms = terms(KBPS, 3_000.0, 24_000.0);
        let values = Values::solve(&terms, 0.06);
        // Less what the last download takes of the buffer.
        let all = STEPS as f64 + LEFT_OVER * 24.0;
        assert!((values.at(21.0, 9.0, 2) - all).abs() < 0.03, "{} of {all}", values.at(21.0, 9.0, 2));
    }

    #[test]
    fn segments_of_hardly_another_length_are_the_same_to_it() {
        assert_eq!(terms(KBPS, 2_000.0, 30_000.0), terms(KBPS, 2_090.0, 29_990.0));
        assert_ne!(terms(KBPS, 2_000.0, 30_000.0), terms(KBPS, 4_000.0, 30_000.0));
    }
}
