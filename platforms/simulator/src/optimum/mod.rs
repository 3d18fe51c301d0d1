//! What could have been reached: by who knows the network to its end, and by who knows it for five
//! segments.
//!
//! The model is that of the faithful mode: the first segment is of the lowest level, one request at a time,
//! a request as soon as the buffer has room. Nothing is given up or replaced.
//!
//! The optimum lies between a session that is known to be good (`feasible`) and a score that no session
//! passes (`bound`).

mod bound;
mod ceiling;
mod course;
mod feasible;

pub use ceiling::practical_ceiling;

use course::Course;

use crate::link::Link;
use crate::movie::Movie;
use crate::objective::{Objective, Score};
use crate::outcome::{Outcome, Request};

/// A good session of a movie over a link for one score, found by who knows the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// Its levels.
    pub levels: Vec<usize>,
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
        let stall_ms = course.stall_ms(&levels);
        let value = objective.gain_of(&levels) - objective.price * stall_ms;
        Self { levels, stall_ms, value }
    }
}

/// The best session that is found: the optimum, or close below it.
pub fn optimum(movie: &Movie, link: &Link, buffer_ms: f64, score: Score) -> Optimum {
    let course = Course::new(movie, link, buffer_ms);
    let objective = Objective::new(score, movie, course.startup_ms);
    let lowest = Candidate::played(&course, &objective, vec![0; movie.segments()]);
    let found = Candidate::played(&course, &objective, feasible::best(&course, &objective));
    let best = if found.value > lowest.value { found } else { lowest };
    Optimum { score: objective.total(best.value, 0.0), levels: best.levels, stall_ms: best.stall_ms }
}

/// A session of these levels, each requested as soon as the buffer has room for it: an optimum as it is played.
pub fn played(movie: &Movie, link: &Link, buffer_ms: f64, levels: &[usize]) -> Outcome {
    let course = Course::new(movie, link, buffer_ms);
    let startup_ms = course.startup_ms;
    let mut standing = course.start();
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
        let at_ms = before.at_ms.max(course.room_ms(segment, before.stall_ms));
        let ahead_ms = course.place_ms(segment) + before.stall_ms - at_ms;
        request(segment, startup_ms + at_ms, standing.at_ms - at_ms, ahead_ms.max(0.0));
    }
    outcome.stall_ms = standing.stall_ms;
    outcome.elapsed_ms = startup_ms + course.place_ms(levels.len()) + standing.stall_ms;
    outcome
}

/// A score that no session passes, by dividing the stall that it may have into so many intervals at most:
/// the more, the closer, and the longer it takes.
pub fn upper_bound(
    movie: &Movie,
    link: &Link,
    buffer_ms: f64,
    score: Score,
    optimum: &Optimum,
    intervals: usize,
) -> f64 {
    let course = Course::new(movie, link, buffer_ms);
    let objective = Objective::new(score, movie, course.startup_ms);
    let known = Candidate::played(&course, &objective, optimum.levels.clone());
    objective.total(bound::most(&course, &objective, &known, intervals), 0.0)
}
