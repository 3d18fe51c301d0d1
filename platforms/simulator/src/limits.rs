//! Between what a rule can come to lie on one network.

use crate::comparison::{Enclosure, Scores};
use crate::faithful::{self, Setup};
use crate::link::Link;
use crate::metrics::Metrics;
use crate::movie::Movie;
use crate::objective::Score;
use crate::optimum::{optimum, practical_ceiling, upper_bound, Optimum};

/// Intervals into which the stall is divided for the bound.
const INTERVALS: usize = 16;

/// What the lowest level gets on a network, and what could be got there.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// A session of the lowest level in the faithful mode.
    pub lowest: Metrics,
    /// The best session known, by each score that was wanted.
    pub optimum: Scores<Option<Optimum>>,
    /// What no session passes; None where it was not asked for.
    pub bound: Scores<Option<f64>>,
    /// The session of a rule that foresees five segments.
    pub ceiling: Scores<Option<Metrics>>,
}

impl Limits {
    /// Finds them for a movie over a network with so many milliseconds of buffer, by each score that is wanted.
    pub fn of(
        movie: &Movie,
        link: &Link,
        buffer_ms: f64,
        wanted: impl Fn(Score) -> bool,
        enclosure: Enclosure,
    ) -> Self {
        let setup = Setup::with_buffer(buffer_ms / 1000.0);
        let lowest = faithful::play(&mut telecine_abr::published::Lowest, movie, link, &setup);
        let optimum = Scores::each(|score| wanted(score).then(|| optimum(movie, link, buffer_ms, score)));
        let bound = Scores::each(|score| {
            let best = optimum.get(score).as_ref().filter(|_| enclosure == Enclosure::Both)?;
            Some(upper_bound(movie, link, buffer_ms, score, best, INTERVALS))
        });
        let ceiling = Scores::each(|score| {
            wanted(score).then(|| Metrics::of(&practical_ceiling(movie, link, buffer_ms, score), movie))
        });
        Self { lowest: Metrics::of(&lowest, movie), optimum, bound, ceiling }
    }

    /// The optimum's score; None where it is not known.
    pub fn best(&self, score: Score) -> Option<f64> {
        self.optimum.get(score).as_ref().map(|optimum| optimum.score)
    }

    /// What a rule gets that foresees five segments; None where the optimum is not known.
    pub fn foreseen(&self, score: Score) -> Option<f64> {
        self.ceiling.get(score).as_ref().map(|metrics| score.of(metrics))
    }

    /// A session's score, that of the lowest level, and that of the optimum if that is known: what
    /// [`normalised`](crate::normalised) takes.
    pub fn place(&self, score: Score, metrics: &Metrics) -> Option<(f64, f64, f64)> {
        Some((score.of(metrics), score.of(&self.lowest), self.best(score)?))
    }
}
