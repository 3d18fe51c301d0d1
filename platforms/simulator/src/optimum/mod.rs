//! What could have been reached: by who knows the network to its end, and by who knows it for five
//! segments.
//!
//! Of which [`Sessions`]: those of the faithful mode begin with the lowest level and make one request at a time, as soon as the buffer
//! has room; those of the player begin with any level behind the manifest. Of either an optimum gives nothing up and replaces nothing.
//!
//! The optimum lies between a session that is known to be good (`feasible`) and a score that no session
//! passes (`bound`), whatever it gives up, replaces, or has under way together.

mod bound;
mod ceiling;
mod course;
mod feasible;

pub use ceiling::practical_ceiling;

use course::{Course, Slack};

use crate::link::Link;
use crate::movie::Movie;
use crate::objective::{Objective, Score};
use crate::outcome::{Outcome, Request};
use crate::player::Viewing;

/// The sessions among which the best is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sessions {
    /// Those of the [faithful](crate::faithful) mode.
    Faithful,
    /// Those of the [player](crate::player).
    Player {
        /// How the title is watched.
        viewing: Viewing,
        /// What has to be there before the first segment is asked for.
        opening_bits: f64,
    },
}

/// A good session of a movie over a link for one score, found by who knows the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// Its levels.
    pub levels: Vec<usize>,
    /// From its first request to its first picture, in milliseconds.
    pub startup_ms: f64,
    /// Its stall, in milliseconds.
    pub stall_ms: f64,
    /// Its score. It can be played, so that the true optimum is no less.
    pub score: f64,
}

/// A session so far, and what it gained less what its stall costs.
#[derive(Clone, Debug)]
struct Candidate {
    levels: Vec<usize>,
    stall_ms: f64,
    value: f64,
}

impl Candidate {
    /// Plays levels as they would be.
    fn played(course: &Course<'_>, objective: &Objective<'_>, levels: Vec<usize>) -> Self {
        let (late_ms, begun_ms) = (course.end(&levels).late_ms, course.begin(levels[0]).late_ms);
        let value = objective.gain_of(&levels) + objective.late_start(begun_ms) - objective.price * late_ms;
        Self { levels, stall_ms: late_ms - begun_ms, value }
    }
}

/// The best session that is found: the optimum, or close below it.
pub fn optimum(movie: &Movie, link: &Link, buffer_ms: f64, score: Score, sessions: Sessions) -> Optimum {
    let course = Course::new(movie, link, buffer_ms, sessions);
    let objective = Objective::new(score, movie, course.startup_ms);
    let lowest = Candidate::played(&course, &objective, vec![0; movie.segments()]);
    let found = Candidate::played(&course, &objective, feasible::best(&course, &objective));
    let best = if found.value > lowest.value { found } else { lowest };
    let startup_ms = course.startup_ms + course.begin(best.levels[0]).late_ms;
    let score = objective.total(best.value, 0.0);
    Optimum { levels: best.levels, startup_ms, stall_ms: best.stall_ms, score }
}

/// A session of these levels, each requested as soon as the buffer has room for it: an optimum as it is played.
pub fn played(movie: &Movie, link: &Link, buffer_ms: f64, levels: &[usize], sessions: Sessions) -> Outcome {
    let course = Course::new(movie, link, buffer_ms, sessions);
    let mut standing = course.begin(levels.first().copied().unwrap_or(0));
    let begun_ms = standing.late_ms;
    let startup_ms = course.startup_ms + begun_ms;
    let mut outcome = Outcome { levels: levels.to_vec(), startup_ms, ..Outcome::default() };
    let mut request = |segment: usize, at_ms: f64, took_ms: f64, buffer_ms: f64| {
        let level = levels[segment];
        let bits = movie.bits(segment, level);
        outcome.requests.push(Request { at_ms, segment, level, bits, took_ms, buffer_ms });
    };
    if !levels.is_empty() {
        request(0, 0.0, startup_ms, 0.0);
    }
    for (segment, level) in levels.iter().enumerate().skip(1) {
        let before = standing;
        standing = course.fetch(before, segment, movie.bits(segment, *level));
        let at_ms = before.at_ms.max(course.room_ms(segment, before.late_ms));
        let ahead_ms = course.place_ms(segment) + before.late_ms - at_ms;
        request(segment, course.startup_ms + at_ms, standing.at_ms - at_ms, ahead_ms.max(0.0));
    }
    outcome.stall_ms = standing.late_ms - begun_ms;
    outcome.elapsed_ms = course.startup_ms + course.place_ms(levels.len()) + standing.late_ms;
    outcome
}

/// A score that no session passes. It depends on when the session began: waiting at the start costs less than a stall does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Of sessions that begin as early as the network lets any.
    of_earliest: f64,
    /// When those begin, in milliseconds.
    earliest_ms: f64,
    /// What a session gains at most by each millisecond that it begins later.
    each_ms: f64,
}

impl Bound {
    /// What no session passes whose first picture is there after so long.
    pub fn after(&self, startup_ms: f64) -> f64 {
        self.of_earliest + self.each_ms * (startup_ms - self.earliest_ms).max(0.0)
    }
}

/// A score that no session passes, by dividing the lateness that it may have into so many intervals at most:
/// the more, the closer, and the longer it takes. The optimum is one of the same sessions.
pub fn upper_bound(
    movie: &Movie,
    link: &Link,
    buffer_ms: f64,
    sessions: Sessions,
    score: Score,
    optimum: &Optimum,
    intervals: usize,
) -> Bound {
    let course = Course::relaxed(movie, link, buffer_ms, sessions);
    let slack = Slack::of(&course, sessions);
    let objective = Objective::new(score, movie, course.startup_ms);
    // As one of the sessions that begin as early as can be and stand for what the optimum began later.
    let real = Course::new(movie, link, buffer_ms, sessions);
    let late_ms = real.startup_ms - course.startup_ms + real.end(&optimum.levels).late_ms;
    let value = objective.gain_of(&optimum.levels) - objective.price * late_ms;
    let known = Candidate { levels: optimum.levels.clone(), stall_ms: optimum.stall_ms, value };
    let most = bound::most(&course, slack, &objective, &known, intervals);
    Bound {
        of_earliest: objective.total(most, 0.0),
        earliest_ms: course.startup_ms,
        each_ms: objective.total(objective.late_start(1.0), 0.0) - objective.total(0.0, 0.0),
    }
}
