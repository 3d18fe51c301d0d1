//! What a session is played for.

use crate::metrics::Metrics;
use crate::movie::Movie;

/// A score that rules are compared by and an optimum can be found for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// The primary score, [`crate::q1`].
    Q1,
    /// QoE_lin.
    QoeLin,
}

impl Score {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Q1, Self::QoeLin];

    /// What a session got.
    pub fn of(self, metrics: &Metrics) -> f64 {
        match self {
            Self::Q1 => metrics.q1,
            Self::QoeLin => metrics.qoe_lin,
        }
    }

    /// Where sessions of a movie differ by no more than this it says nothing: a thousandth of what lies between its lowest level
    /// and its highest, throughout.
    pub fn nothing(self, movie: &Movie) -> f64 {
        NOTHING
            * match self {
                Self::Q1 => 1.0,
                Self::QoeLin => {
                    let ladder = movie.ladder();
                    movie.segments() as f64 * (ladder.kbps(ladder.top()) - ladder.kbps(0)) / 1000.0
                }
            }
    }
}

/// See [`Score::nothing`].
const NOTHING: f64 = 0.001;

/// A score in the form in which sessions are planned for it: each segment is worth something at each level,
/// each change between two segments costs its height, and stall time costs by the millisecond.
///
/// `score = scale · (sum of worth - sum of |change of height| - price · stall) - start`
#[derive(Clone, Debug)]
pub(crate) struct Objective<'a> {
    movie: &'a Movie,
    score: Score,
    /// What a unit of height is worth as long as a segment plays.
    pub(crate) worth: f64,
    /// What a millisecond of stall costs.
    pub(crate) price: f64,
    /// What a millisecond at the start costs.
    start_price: f64,
    scale: f64,
    start: f64,
}

impl<'a> Objective<'a> {
    /// The objective of sessions that start after so long at the earliest.
    pub(crate) fn new(score: Score, movie: &'a Movie, startup_ms: f64) -> Self {
        let content_s = movie.segments() as f64 * movie.segment_ms() / 1000.0;
        match score {
            Score::Q1 => Self {
                movie,
                score,
                worth: movie.segment_ms() / 3000.0,
                price: 1.0 / 1000.0,
                start_price: 0.5 / 1000.0,
                scale: 3.0 / content_s,
                start: 3.0 / content_s * 0.5 * startup_ms / 1000.0,
            },
            Score::QoeLin => {
                let top_mbps = movie.ladder().kbps(movie.ladder().top()) / 1000.0;
                let price = top_mbps / 1000.0;
                Self { movie, score, worth: 1.0, price, start_price: 0.0, scale: 1.0, start: 0.0 }
            }
        }
    }

    /// How high a segment stands at a level.
    pub(crate) fn height(&self, segment: usize, level: usize) -> f64 {
        match self.score {
            Score::Q1 => self.movie.quality(segment, level),
            Score::QoeLin => self.movie.ladder().kbps(level) / 1000.0,
        }
    }

    /// What a segment adds after another.
    pub(crate) fn gain(&self, segment: usize, before: usize, level: usize) -> f64 {
        let height = self.height(segment, level);
        self.worth * height - (height - self.height(segment - 1, before)).abs()
    }

    /// What the first segment adds.
    pub(crate) fn first_gain(&self, level: usize) -> f64 {
        self.worth * self.height(0, level)
    }

    /// What is paid less for so many milliseconds where a session begins later by them than where it stalls.
    pub(crate) fn late_start(&self, ms: f64) -> f64 {
        (self.price - self.start_price) * ms
    }

    /// What the first segment adds to a session that begins so many milliseconds later than the objective's, if those are to count
    /// as stall later.
    pub(crate) fn begin_gain(&self, level: usize, late_ms: f64) -> f64 {
        self.first_gain(level) + self.late_start(late_ms)
    }

    /// The score of a session with so much gain and stall.
    pub(crate) fn total(&self, gain: f64, stall_ms: f64) -> f64 {
        self.scale * (gain - self.price * stall_ms) - self.start
    }

    /// What a session of these levels gains.
    pub(crate) fn gain_of(&self, levels: &[usize]) -> f64 {
        let later = (1..levels.len()).map(|segment| self.gain(segment, levels[segment - 1], levels[segment]));
        levels.first().map_or(0.0, |first| self.first_gain(*first)) + later.sum::<f64>()
    }

    /// More than this no session gains.
    pub(crate) fn most_gain(&self) -> f64 {
        let heights = |segment| (0..self.movie.ladder().len()).map(move |level| self.height(segment, level));
        let highest = |segment| heights(segment).fold(0.0, f64::max);
        self.worth * (0..self.movie.segments()).map(highest).sum::<f64>()
    }
}
