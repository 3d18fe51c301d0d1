//! The practical ceiling: model-predictive control with a perfect forecast.

use super::course::{Course, Standing};
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
pub fn practical_ceiling(movie: &Movie, link: &Link, buffer_ms: f64, score: Score) -> Outcome {
    let course = Course::new(movie, link, buffer_ms);
    let objective = Objective::new(score, movie, course.startup_ms);
    let mut standing = course.start();
    let mut levels = vec![0];
    for segment in 1..movie.segments() {
        let level = first_of_best(&course, &objective, standing, segment, levels[segment - 1]);
        standing = course.fetch(standing, segment, movie.bits(segment, level));
        levels.push(level);
    }
    let elapsed_ms = course.startup_ms + course.place_ms(movie.segments()) + standing.stall_ms;
    Outcome { levels, startup_ms: course.startup_ms, stall_ms: standing.stall_ms, elapsed_ms, ..Outcome::default() }
}

fn first_of_best(
    course: &Course<'_>,
    objective: &Objective<'_>,
    standing: Standing<'_>,
    segment: usize,
    before: usize,
) -> usize {
    let levels = course.movie.ladder().len();
    let mut plans = vec![Plan { first: 0, level: before, gain: 0.0, standing }];
    for ahead in segment..(segment + STEPS).min(course.movie.segments()) {
        let mut longer: Vec<Plan<'_>> = Vec::new();
        for level in 0..levels {
            let begin = longer.len();
            for plan in &plans {
                let next = Plan {
                    first: if ahead == segment { level } else { plan.first },
                    level,
                    gain: plan.gain + objective.gain(ahead, plan.level, level),
                    standing: course.fetch(plan.standing, ahead, course.movie.bits(ahead, level)),
                };
                if !longer[begin..].iter().any(|other| serves(other, &next)) {
                    let mut place = begin;
                    while place < longer.len() {
                        if serves(&next, &longer[place]) {
                            longer.swap_remove(place);
                        } else {
                            place += 1;
                        }
                    }
                    longer.push(next);
                }
            }
        }
        plans = longer;
    }
    let value = |plan: &Plan<'_>| plan.gain - objective.price * plan.standing.stall_ms;
    let better =
        |one: &Plan<'_>, other: &Plan<'_>| value(one).total_cmp(&value(other)).then(other.first.cmp(&one.first));
    plans.iter().max_by(|one, other| better(one, other)).map_or(0, |plan| plan.first)
}

/// Whether a plan is at least as good as another that ends at the same level, however both go on.
fn serves(one: &Plan<'_>, other: &Plan<'_>) -> bool {
    one.standing.at_ms <= other.standing.at_ms
        && one.standing.stall_ms <= other.standing.stall_ms
        && (one.gain > other.gain || (one.gain == other.gain && one.first <= other.first))
}
