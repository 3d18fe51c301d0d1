//! A good session: of all that are much alike so far, the best is carried on.

use super::course::{Course, Standing};
use crate::objective::Objective;

/// Width of a class of buffers, as a share of the buffer.
const BUFFER_CLASSES: usize = 64;
/// Classes of stall: one without, then wider and wider ones.
const STALL_CLASSES: usize = 40;
/// A session so far that is worth less than the best by as much as this share of the buffer costs as a stall
/// is carried no further.
const HOPELESS: f64 = 0.5;

/// A session so far.
#[derive(Clone, Copy)]
struct Way<'a> {
    standing: Standing<'a>,
    gain: f64,
    level: usize,
    /// Its place in the trail.
    step: usize,
}

/// One step of a session, and the one before.
struct Step {
    level: usize,
    before: usize,
}

/// The levels of the best session found: real ones are carried from segment to segment, one for each level,
/// class of buffer and class of stall (abr.md 7.2).
pub(super) fn best(course: &Course<'_>, objective: &Objective<'_>) -> Vec<usize> {
    let movie = course.movie;
    let levels = movie.ladder().len();
    let value = |way: &Way<'_>| way.gain - objective.price * way.standing.late_ms;
    let mut trail: Vec<Step> = course.begins().map(|(level, _)| Step { level, before: 0 }).collect();
    let begins = course.begins().map(|(level, standing)| {
        let gain = objective.begin_gain(level, standing.late_ms);
        Way { standing, gain, level, step: level }
    });
    let mut ways: Vec<Way<'_>> = begins.collect();
    let mut least_late_ms = 0.0;
    let mut classes: Vec<Option<Way<'_>>> = vec![None; (BUFFER_CLASSES + 1) * STALL_CLASSES];
    for segment in 1..movie.segments() {
        let mut next: Vec<Way<'_>> = Vec::with_capacity(ways.len());
        let mut least_after_ms = f64::INFINITY;
        for level in 0..levels {
            let bits = movie.bits(segment, level);
            let gains: Vec<f64> = (0..levels).map(|before| objective.gain(segment, before, level)).collect();
            for way in &ways {
                let standing = course.fetch(way.standing, segment, bits);
                least_after_ms = f64::min(least_after_ms, standing.late_ms);
                let way = Way { standing, gain: way.gain + gains[way.level], level, step: way.step };
                let buffer_ms = course.place_ms(segment + 1) + standing.late_ms - standing.at_ms;
                let class = buffer_class(buffer_ms / course.buffer_ms) * STALL_CLASSES
                    + stall_class(standing.late_ms - least_late_ms);
                let better = classes[class].as_ref().is_none_or(|other| {
                    let (one, other_value) = (value(&way), value(other));
                    one > other_value || (one == other_value && standing.at_ms < other.standing.at_ms)
                });
                if better {
                    classes[class] = Some(way);
                }
            }
            next.extend(classes.iter_mut().filter_map(Option::take));
        }
        least_late_ms = least_after_ms;
        let most = next.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
        let least = most - HOPELESS * objective.price * course.buffer_ms;
        next.retain(|way| value(way) >= least);
        for way in &mut next {
            trail.push(Step { level: way.level, before: way.step });
            way.step = trail.len() - 1;
        }
        ways = next;
    }
    let best = ways.iter().max_by(|one, other| value(one).total_cmp(&value(other)));
    let mut at = best.map_or(0, |way| way.step);
    let mut found = Vec::with_capacity(movie.segments());
    while found.len() < movie.segments() {
        found.push(trail[at].level);
        at = trail[at].before;
    }
    found.reverse();
    found
}

fn buffer_class(share: f64) -> usize {
    ((share * BUFFER_CLASSES as f64) as usize).min(BUFFER_CLASSES)
}

/// The class of a stall that is so much longer than the least before.
fn stall_class(excess_ms: f64) -> usize {
    match excess_ms > 1e-6 {
        true => 1 + ((excess_ms / 1000.0).sqrt() * 3.0).min((STALL_CLASSES - 2) as f64) as usize,
        false => 0,
    }
}
