//! What no session passes.
//!
//! Count time from the first picture. Segment `k` of `p` milliseconds has its place at `k·p`, and the stall
//! so far is the greatest lateness of a segment behind its place. So fix an *allowance* of stall: segment
//! `k` has to arrive by `k·p + allowance`, and of all ways to a level of segment `k` only those matter that
//! are not both later and worth less than another. Ways that gain nearly the same count as one; what that
//! may give up is carried along with the one that is kept, so that the result is a bound.
//!
//! When the buffer has room depends on the stall so far, which such a way does not know. It takes the least
//! that any session has by then: that errs on the side of the bound.
//!
//! No session that stalls between two allowances is worth more than what can be gained within the greater,
//! less the price of the lesser. Where that is too much, the interval is divided.

use super::course::Course;
use super::Candidate;
use crate::link::Cursor;
use crate::objective::Objective;

/// Share of the best known gain by which the bound may exceed it before it is improved.
const NEAR: f64 = 0.005;
/// Share of the best known gain that is given up by counting ways as one, at most.
const GRAIN: f64 = 0.01;

/// Allowances between two, and what can be gained within the greater.
struct Interval {
    least_ms: f64,
    most_ms: f64,
    gain: f64,
}

impl Interval {
    /// What no session of the interval passes.
    fn most(&self, price: f64) -> f64 {
        self.gain - price * self.least_ms
    }
}

/// A gain less the price of stall that no session passes.
pub(super) fn most(course: &Course<'_>, objective: &Objective<'_>, known: &Candidate, intervals: usize) -> f64 {
    let price = objective.price;
    let least_stalls = course.least_stalls();
    let least_ms = least_stalls.last().copied().unwrap_or(0.0);
    let scale = objective.gain_of(&known.levels).abs();
    let grain = GRAIN * scale / course.movie.segments() as f64;
    let within = |allowance_ms| most_within(course, objective, &least_stalls, allowance_ms, grain);
    let limitless = objective.most_gain();
    // The least stall is an interval of its own: most optima lie there.
    let at_least = within(least_ms).map_or(f64::NEG_INFINITY, |gain| gain - price * least_ms);
    // Beyond this allowance not even the highest levels throughout are worth it.
    let most_ms = ((limitless - known.value) / price).max(least_ms);
    let mut open = vec![Interval { least_ms, most_ms, gain: limitless }];
    while open.len() < intervals {
        let greatest = (0..open.len()).max_by(|one, other| open[*one].most(price).total_cmp(&open[*other].most(price)));
        let enough = known.value.max(at_least) + NEAR * scale;
        let Some(greatest) = greatest.filter(|index| open[*index].most(price) > enough) else {
            break;
        };
        let Interval { least_ms, most_ms, gain } = open.swap_remove(greatest);
        let middle_ms = least_ms + (most_ms - least_ms) / 3.0;
        let lesser = within(middle_ms).unwrap_or(f64::NEG_INFINITY).min(gain);
        open.push(Interval { least_ms, most_ms: middle_ms, gain: lesser });
        open.push(Interval { least_ms: middle_ms, most_ms, gain });
    }
    open.iter().map(|interval| interval.most(price)).fold(at_least, f64::max).max(known.value)
}

/// A way to a segment at a level.
#[derive(Clone, Copy)]
struct Way<'a> {
    link: Cursor<'a>,
    /// When its last segment arrived, since the first picture.
    at_ms: f64,
    gain: f64,
    /// What it and every way that it stands for gained at most.
    most: f64,
    level: usize,
}

/// What no session within an allowance gains more than. None if none keeps within it.
fn most_within(
    course: &Course<'_>,
    objective: &Objective<'_>,
    least_stalls: &[f64],
    allowance_ms: f64,
    grain: f64,
) -> Option<f64> {
    let movie = course.movie;
    let levels = movie.ladder().len();
    let gain = objective.first_gain(0);
    let mut ways = vec![Way { link: course.start().link, at_ms: 0.0, gain, most: gain, level: 0 }];
    let mut next: Vec<Way<'_>> = Vec::new();
    let mut front: Vec<Way<'_>> = Vec::new();
    for (segment, least_stall_ms) in least_stalls.iter().enumerate().take(movie.segments()).skip(1) {
        let room_ms = course.room_ms(segment, *least_stall_ms);
        // Rounding must not shut out the session that needs the whole allowance.
        let deadline_ms = course.place_ms(segment) + allowance_ms + 1e-6;
        next.clear();
        for level in 0..levels {
            let bits = movie.bits(segment, level);
            let gains: Vec<f64> = (0..levels).map(|before| objective.gain(segment, before, level)).collect();
            keep_front(&mut front, &ways, &gains, room_ms, grain);
            for way in &front {
                let mut way = *way;
                let wait = room_ms - way.at_ms;
                if wait > 0.0 {
                    way.link.wait(wait);
                    way.at_ms = room_ms;
                }
                way.at_ms += way.link.request() + way.link.receive(bits);
                if way.at_ms > deadline_ms {
                    // Who starts later arrives later.
                    break;
                }
                next.push(Way { level, ..way });
            }
        }
        // A sorted run for each level, so that this merges.
        next.sort_by(|one, other| one.at_ms.total_cmp(&other.at_ms));
        std::mem::swap(&mut ways, &mut next);
    }
    ways.iter().map(|way| way.most).max_by(f64::total_cmp)
}

/// Of ways in the order of their time those that are worth going on to one level, with what each gains by it:
/// more than all before. Ways from before there is room start together.
fn keep_front<'a>(front: &mut Vec<Way<'a>>, ways: &[Way<'a>], gains: &[f64], room_ms: f64, grain: f64) {
    front.clear();
    for way in ways {
        let way = Way { gain: way.gain + gains[way.level], most: way.most + gains[way.level], ..*way };
        match front.last_mut() {
            // Both wait for room: the better one stands for both.
            Some(last) if way.at_ms <= room_ms && way.gain > last.gain => {
                *last = Way { most: way.most.max(last.most), ..way };
            }
            Some(last) if way.gain <= last.gain + grain => last.most = last.most.max(way.most),
            _ => front.push(way),
        }
    }
}
