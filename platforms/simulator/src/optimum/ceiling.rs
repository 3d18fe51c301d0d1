//! The practical ceiling: model-predictive control with a perfect forecast.

use std::ops::Range;

use super::course::{Course, Standing};
use super::Sessions;
use crate::link::Link;
use crate::movie::Movie;
use crate::objective::{Objective, Score};
use crate::outcome::Outcome;

/// Segments that are foreseen.
const STEPS: usize = 5;

/// A plan for the next segments.
#[derive(Clone, Copy)]
struct Plan<'a> {
    first: usize,
    level: usize,
    gain: f64,
    standing: Standing<'a>,
}

/// A session in which each level begins the best plan for five segments over the network as it will be: what
/// a rule reaches at best that foresees no more (abr.md 4.5).
pub fn practical_ceiling(movie: &Movie, link: &Link, buffer_ms: f64, score: Score, sessions: Sessions) -> Outcome {
    let course = Course::new(movie, link, buffer_ms, sessions);
    let objective = Objective::new(score, movie, course.startup_ms);
    let begins = course.begins().map(|(level, standing)| {
        let gain = objective.begin_gain(level, standing.late_ms);
        Plan { first: level, level, gain, standing }
    });
    let first = best(&course, &objective, begins.collect(), 1..STEPS);
    let mut standing = course.begin(first);
    let mut levels = vec![first];
    for segment in 1..movie.segments() {
        let now = Plan { first: 0, level: levels[segment - 1], gain: 0.0, standing };
        let plans = (0..movie.ladder().len())
            .map(|level| Plan { first: level, ..now.then(&course, &objective, segment, level) });
        let level = best(&course, &objective, plans.collect(), segment + 1..segment + STEPS);
        standing = course.fetch(standing, segment, movie.bits(segment, level));
        levels.push(level);
    }
    let startup_ms = course.startup_ms + course.begin(first).late_ms;
    let elapsed_ms = course.startup_ms + course.place_ms(movie.segments()) + standing.late_ms;
    let stall_ms = standing.late_ms - course.begin(first).late_ms;
    Outcome { levels, startup_ms, stall_ms, elapsed_ms, ..Outcome::default() }
}

impl<'a> Plan<'a> {
    /// The plan with another segment.
    fn then(&self, course: &Course<'a>, objective: &Objective<'_>, segment: usize, level: usize) -> Self {
        Plan {
            first: self.first,
            level,
            gain: self.gain + objective.gain(segment, self.level, level),
            standing: course.fetch(self.standing, segment, course.movie.bits(segment, level)),
        }
    }
}

/// The first level of the best of plans, each gone on with for further segments.
fn best<'a>(course: &Course<'a>, objective: &Objective<'_>, mut plans: Vec<Plan<'a>>, ahead: Range<usize>) -> usize {
    let mut front = Front::default();
    for segment in ahead.start..ahead.end.min(course.movie.segments()) {
        let mut longer = Vec::new();
        for level in 0..course.movie.ladder().len() {
            let next = plans.iter().map(|plan| plan.then(course, objective, segment, level));
            front.keep(next, &mut longer);
        }
        plans = longer;
    }
    let value = |plan: &Plan<'_>| plan.gain - objective.price * plan.standing.late_ms;
    let better =
        |one: &Plan<'_>, other: &Plan<'_>| value(one).total_cmp(&value(other)).then(other.first.cmp(&one.first));
    plans.iter().max_by(|one, other| better(one, other)).map_or(0, |plan| plan.first)
}

/// Of plans to one level those that another does not serve as well, however both go on: earlier, less late, and worth as much.
#[derive(Default)]
struct Front<'a> {
    sorted: Vec<Plan<'a>>,
    /// Of the plans that end no later than the present one: lateness and the most that was gained with no more of it, both rising.
    stairs: Vec<(f64, f64)>,
}

impl<'a> Front<'a> {
    fn keep(&mut self, plans: impl Iterator<Item = Plan<'a>>, kept: &mut Vec<Plan<'a>>) {
        self.sorted.clear();
        self.sorted.extend(plans);
        self.sorted.sort_unstable_by(|one, other| {
            let by_time = one.standing.at_ms.total_cmp(&other.standing.at_ms);
            let by_lateness = || one.standing.late_ms.total_cmp(&other.standing.late_ms);
            by_time
                .then_with(by_lateness)
                .then_with(|| other.gain.total_cmp(&one.gain))
                .then(one.first.cmp(&other.first))
        });
        self.stairs.clear();
        for plan in &self.sorted {
            let (late_ms, gain) = (plan.standing.late_ms, plan.gain);
            let above = self.stairs.partition_point(|(stair_ms, _)| *stair_ms <= late_ms);
            if above > 0 && self.stairs[above - 1].1 >= gain {
                continue;
            }
            kept.push(*plan);
            let from = above - usize::from(above > 0 && self.stairs[above - 1].0 == late_ms);
            let to = from + self.stairs[from..].partition_point(|(_, stair)| *stair <= gain);
            self.stairs.splice(from..to, [(late_ms, gain)]);
        }
    }
}
