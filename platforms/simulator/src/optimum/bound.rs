//! What no session passes.
//!
//! Count time from the earliest first picture that there can be. Segment `k` of `p` milliseconds has its place at `k·p`, and the
//! lateness so far is the greatest by which a segment was behind its place. So fix an *allowance* of lateness: segment
//! `k` has to arrive by `k·p + allowance`, and of all ways to a level of segment `k` only those matter that
//! are not both later and worth less than another. Ways that gain nearly the same count as one; what that
//! may give up is carried along with the one that is kept, so that the result is a bound.
//!
//! When the buffer has room depends on the lateness so far, which such a way does not know. It takes the least
//! that any session has by then: that errs on the side of the bound.
//!
//! No session that is late between two allowances is worth more than what can be gained within the greater,
//! less the price of the lesser. Where that is too much, the interval is divided.
//!
//! A session of the player gives requests up, fetches segments again and has several under way. Leave out all that was not played,
//! and fetch what was in the order in which it is played: each segment is there no later than it was, as long as what a request
//! waits for its first bit counts for nothing ([`Slack`]). Such a session also begins later than it could. Let it begin as early as
//! there is anything, and stand for the rest of the time before its second segment: it plays the same levels at the same times, its
//! buffer has no less room, and what it pays more is the difference between the prices of stall and start for that time. So what no
//! session passes that begins as early as can be, and that difference for each millisecond later, is passed by none
//! ([`super::Bound`]).

use super::course::{Course, Slack, Standing};
use super::Candidate;
use crate::objective::Objective;

/// Share of the best known gain by which the bound may exceed it before it is improved.
const NEAR: f64 = 0.005;
/// Share of the best known gain that is given up by counting ways as one, at most.
const GRAIN: f64 = 0.01;

/// What times are rounded by, in milliseconds.
const ROUNDING_MS: f64 = 0.01;

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

/// A gain less the price of lateness that no session passes.
pub(super) fn most(
    course: &Course<'_>,
    slack: Slack,
    objective: &Objective<'_>,
    known: &Candidate,
    intervals: usize,
) -> f64 {
    let price = objective.price;
    let least_late = least_late(course, slack);
    let least_ms = least_late.last().copied().unwrap_or(0.0);
    let scale = objective.gain_of(&known.levels).abs();
    let grain = GRAIN * scale / course.movie.segments() as f64;
    let within = |allowance_ms| most_within(course, slack, objective, &least_late, allowance_ms, grain);
    let limitless = objective.most_gain();
    // The least lateness is an interval of its own: most optima lie there.
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
    /// When its last segment arrived.
    standing: Standing<'a>,
    gain: f64,
    /// What it and every way that it stands for gained at most.
    most: f64,
    level: usize,
}

/// For each segment the least lateness that any session has before it, and last the least of all.
fn least_late(course: &Course<'_>, slack: Slack) -> Vec<f64> {
    let bits: Vec<f64> = (0..course.movie.segments()).map(|segment| course.least_bits(segment)).collect();
    let first = course.begins().map(|(_, begin)| begin).min_by(|one, other| one.at_ms.total_cmp(&other.at_ms));
    let mut late = vec![0.0, 0.0];
    let Some(mut standing) = first else { return late };
    for (segment, bits) in bits.iter().enumerate().skip(1) {
        standing = fetch(slack, standing, slack.room_ms(course, segment, standing.late_ms), *bits);
        standing.late_ms = standing.late_ms.max(standing.at_ms - slack.deadline_ms(course, segment, 0.0));
        late.push(standing.late_ms);
    }
    late
}

/// Fetches so many bits, not before a time.
fn fetch<'a>(slack: Slack, mut standing: Standing<'a>, room_ms: f64, bits: f64) -> Standing<'a> {
    let wait = room_ms - standing.at_ms;
    if wait > 0.0 {
        standing.link.wait(wait);
        standing.at_ms = room_ms;
    }
    if slack.latency {
        standing.at_ms += standing.link.request();
    }
    standing.at_ms += standing.link.receive(bits);
    standing
}

/// What no session within an allowance gains more than. None if none keeps within it.
fn most_within(
    course: &Course<'_>,
    slack: Slack,
    objective: &Objective<'_>,
    least_late: &[f64],
    allowance_ms: f64,
    grain: f64,
) -> Option<f64> {
    let movie = course.movie;
    let levels = movie.ladder().len();
    // Rounding must not shut out the session that needs the whole allowance.
    let deadline_ms = |segment: usize| slack.deadline_ms(course, segment, allowance_ms) + ROUNDING_MS;
    let begins = course.begins().map(|(level, standing)| {
        let gain = objective.first_gain(level);
        Way { standing, gain, most: gain, level }
    });
    let mut ways: Vec<Way<'_>> = begins.collect();
    ways.retain(|way| way.standing.at_ms <= deadline_ms(0));
    ways.sort_by(|one, other| one.standing.at_ms.total_cmp(&other.standing.at_ms));
    let mut next: Vec<Way<'_>> = Vec::new();
    let mut front: Vec<Way<'_>> = Vec::new();
    for (segment, least_late_ms) in least_late.iter().enumerate().take(movie.segments()).skip(1) {
        let room_ms = slack.room_ms(course, segment, *least_late_ms);
        let deadline_ms = deadline_ms(segment);
        next.clear();
        for level in 0..levels {
            let bits = movie.bits(segment, level);
            let gains: Vec<f64> = (0..levels).map(|before| objective.gain(segment, before, level)).collect();
            keep_front(&mut front, &ways, &gains, room_ms, grain);
            for way in &front {
                let standing = fetch(slack, way.standing, room_ms, bits);
                if standing.at_ms > deadline_ms {
                    // Who starts later arrives later.
                    break;
                }
                next.push(Way { standing, level, ..*way });
            }
        }
        // A sorted run for each level, so that this merges.
        next.sort_by(|one, other| one.standing.at_ms.total_cmp(&other.standing.at_ms));
        let heights: Vec<f64> = (0..levels).map(|level| objective.height(segment, level)).collect();
        leave_out(&next, &heights, &mut ways);
    }
    ways.iter().map(|way| way.most).max_by(f64::total_cmp)
}

/// Leaves out of ways in the order of their time those that another serves wherever they go on to: it is there no later, and gained
/// more by what the way between their levels costs at most.
fn leave_out<'a>(all: &[Way<'a>], heights: &[f64], kept: &mut Vec<Way<'a>>) {
    kept.clear();
    // By level the last way that is kept, which gained the most of them.
    let mut last: Vec<Option<usize>> = vec![None; heights.len()];
    for way in all {
        let apart = |level: usize| (heights[level] - heights[way.level]).abs();
        let serves = |(level, place): (usize, &Option<usize>)| {
            place.filter(|place| kept[*place].gain - apart(level) >= way.gain).map(|place| (level, place))
        };
        match last.iter().enumerate().find_map(serves) {
            Some((level, place)) => kept[place].most = kept[place].most.max(way.most + apart(level)),
            None => {
                last[way.level] = Some(kept.len());
                kept.push(*way);
            }
        }
    }
}

/// Of ways in the order of their time those that are worth going on to one level, with what each gains by it:
/// more than all before. Ways from before there is room start together.
fn keep_front<'a>(front: &mut Vec<Way<'a>>, ways: &[Way<'a>], gains: &[f64], room_ms: f64, grain: f64) {
    front.clear();
    for way in ways {
        let way = Way { gain: way.gain + gains[way.level], most: way.most + gains[way.level], ..*way };
        match front.last_mut() {
            // Both wait for room: the better one stands for both.
            Some(last) if way.standing.at_ms <= room_ms && way.gain > last.gain => {
                *last = Way { most: way.most.max(last.most), ..way };
            }
            Some(last) if way.gain <= last.gain + grain => last.most = last.most.max(way.most),
            _ => front.push(way),
        }
    }
}
