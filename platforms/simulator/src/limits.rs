//! Between what a rule can come to lie on one network.

use crate::comparison::{Enclosure, Scores};
use crate::faithful::{self, Setup};
use crate::link::Link;
use crate::metrics::Metrics;
use crate::movie::Movie;
use crate::objective::Score;
use crate::optimum::{optimum, practical_ceiling, upper_bound, Bound, Optimum, Sessions};

/// Intervals into which lateness is divided for the bound.
const INTERVALS: usize = 16;

/// What the lowest level gets on a network, and what could be got there.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// A session of the lowest level in the faithful mode.
    pub lowest: Metrics,
    /// The best session known, by each score that was wanted.
    pub optimum: Scores<Option<Optimum>>,
    /// What no session passes; None where it was not asked for.
    pub bound: Scores<Option<Bound>>,
    /// The session of a rule that foresees five segments.
    pub ceiling: Scores<Option<Metrics>>,
    /// What is no more than rounding and chance, where it is all that the optimum has beyond the lowest level.
    pub nothing: Scores<f64>,
}

impl Limits {
    /// Finds them for sessions of a kind, of a movie over a network with so many milliseconds of buffer, by each score that is
    /// wanted.
    pub fn of(
        movie: &Movie,
        link: &Link,
        buffer_ms: f64,
        sessions: Sessions,
        wanted: impl Fn(Score) -> bool,
        enclosure: Enclosure,
    ) -> Self {
        let setup = Setup::with_buffer(buffer_ms / 1000.0);
        let lowest = faithful::play(&mut telecine_abr::published::Lowest, movie, link, &setup);
        let optimum = Scores::each(|score| wanted(score).then(|| optimum(movie, link, buffer_ms, score, sessions)));
        let bound = Scores::each(|score| {
            let best = optimum.get(score).as_ref().filter(|_| enclosure == Enclosure::Both)?;
            Some(upper_bound(movie, link, buffer_ms, sessions, score, best, INTERVALS))
        });
        let ceiling = Scores::each(|score| {
            wanted(score).then(|| Metrics::of(&practical_ceiling(movie, link, buffer_ms, score, sessions), movie))
        });
        let nothing = Scores::each(|score| score.nothing(movie));
        Self { lowest: Metrics::of(&lowest, movie), optimum, bound, ceiling, nothing }
    }

    /// The optimum's score; None where it is not known.
    pub fn best(&self, score: Score) -> Option<f64> {
        self.optimum.get(score).as_ref().map(|optimum| optimum.score)
    }

    /// What no session passes that begins after so many seconds, nor the optimum and who foresees five segments, which may begin
    /// later; None where it was not asked for.
    pub fn bound_after(&self, score: Score, startup_s: f64) -> Option<f64> {
        let optimum_s = self.optimum.get(score).as_ref().map_or(0.0, |optimum| optimum.startup_ms / 1000.0);
        let foreseen_s = self.ceiling.get(score).as_ref().map_or(0.0, |metrics| metrics.startup_s);
        let latest_s = startup_s.max(optimum_s).max(foreseen_s);
        self.bound.get(score).map(|bound| bound.after(latest_s * 1000.0))
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

    /// Whether the optimum has more than the lowest level, and not just by chance; None where it is not known.
    pub fn offers(&self, score: Score) -> Option<bool> {
        Some(self.best(score)? - score.of(&self.lowest) > *self.nothing.get(score))
    }

    /// A session's share of what can be had beyond the lowest level; None where nothing can be had, or the optimum is not known.
    pub fn share(&self, score: Score, metrics: &Metrics) -> Option<f64> {
        let place = self.place(score, metrics).filter(|_| self.offers(score) == Some(true))?;
        crate::normalised([place])
    }
}
