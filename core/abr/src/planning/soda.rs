//! A rule after SODA, for small buffers.

use super::beliefs::Beliefs;
use crate::outlook::Outlook;
use crate::published::{Decision, End, Fetched, InFlight, Ladder, Scene, SceneRule, Why};

/// How many typical errors below what is believed the rate is taken to be, for a plan and for the segment that is asked for.
const ERRORS: f64 = 1.13;
const ERRORS_OF_NEXT: f64 = 0.45;
/// What is planned ahead, in seconds; in steps at least and at most.
const HORIZON_S: f64 = 24.0;
const LEAST_STEPS: usize = 3;
const MOST_STEPS: usize = 7;
/// So many steps of sequences are looked at: for ladders of fifteen levels all that matter, for absurd ones enough.
const MOST_LOOKED_AT: u32 = 20_000;
/// A step is no shorter, in seconds, however short segments are.
const LEAST_STEP_S: f64 = 1.0;
/// The buffer that is aimed at, as a share of what is there at most when a segment is asked for.
const TARGET: f64 = 0.63;
/// Price of an empty buffer, in seconds of the highest quality lost, and how much less it costs to be above the target.
const BUFFER: f64 = 0.44;
const ABOVE: f64 = 0.007;
/// Price of a change from the bottom to the top.
const CHANGE: f64 = 1.0;
/// Price of a second of stall.
const STALL: f64 = 1.27;

/// After SODA (Chen et al., SIGCOMM 2024; abr.md 2.5): smoothed online convex optimisation in steps of time.
///
/// Of a step of so many seconds at a bitrate it is reckoned what comes in it, and so what the buffer is then. It costs
///
/// - what the media that comes lacks of the best quality, `v(r)` by its seconds,
/// - how far the buffer is from its target, squared, hardly anything above it,
/// - the change of quality, squared, which is what makes it smooth,
/// - and the stall.
///
/// The cheapest sequence of steps from the level of the segment before is looked for, and its first level taken. Only
/// sequences that never rise or never fall are, as the best one is among those where costs are convex, and to change there and
/// back is what is not wanted. That makes some hundreds of a hundred thousand, most of which are seen to be
/// too dear before they are complete.
///
/// It is *like* SODA: the paper's text was not at hand, so that the form of its cost is from memory (as abr.md 2.5 has it), and of
/// its constants nothing is. What is of our own: the rate is a low quantile of what is believed, not a mean; the first step counts
/// with the real size of the segment; stalls have a price; a level whose segment would come after the buffer is empty is no
/// candidate, since media comes in whole segments; and a request is given up where that saves a stall. The constants were
/// found on the even files of the 4G, 3G and low-latency networks with buffers of ten and three seconds.
#[derive(Debug)]
pub struct Soda {
    beliefs: Beliefs,
    /// Level of the segment before; None where there is none.
    last: Option<usize>,
    /// What each level lacks of the highest, from 0 to 1.
    distortions: Vec<f64>,
}

impl Soda {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        // Sessions begin with a segment of the lowest level, of which rules are not told.
        Self { beliefs: Beliefs::new(), last: Some(0), distortions: Vec::new() }
    }
}

impl Default for Soda {
    fn default() -> Self {
        Self::new()
    }
}

impl SceneRule for Soda {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        self.beliefs.requested();
        let Some(outlook) = self.beliefs.outlook(scene) else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        self.distortions.clear();
        self.distortions.extend((0..scene.ladder.len()).map(|level| 1.0 - scene.ladder.worth(level)));
        let (level, steps) = Search::of(scene, &self.distortions, outlook).first_level(scene, outlook, self.last);
        Decision::at_once(level, Why::Plan { segments: steps, kbps: outlook.quantile(ERRORS) })
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        if fetched.end == End::Complete && !fetched.replaces {
            self.last = Some(fetched.level);
        }
        self.beliefs.fetched(scene, fetched);
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        self.beliefs.rescue(scene, in_flight)
    }

    fn on_seek(&mut self) {
        self.last = None;
        self.beliefs.seeked();
    }
}

/// Which way a sequence goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    Up,
    Down,
}

/// A sequence of steps so far.
#[derive(Clone, Copy, Debug)]
struct Path {
    first: usize,
    level: usize,
    buffer_s: f64,
    cost: f64,
    /// Steps that are missing.
    missing: usize,
}

struct Search<'a> {
    ladder: &'a Ladder,
    distortions: &'a [f64],
    kbps: f64,
    step_s: f64,
    capacity_s: f64,
    target_s: f64,
    steps: usize,
    /// First level and cost of the cheapest sequence.
    best: (usize, f64),
    looked_at: u32,
}

impl<'a> Search<'a> {
    fn of(scene: &Scene<'a>, distortions: &'a [f64], outlook: Outlook) -> Self {
        let segment_s = scene.segment_ms / 1000.0;
        let step_s = segment_s.max(LEAST_STEP_S);
        // Where there is room for no more than one segment, every download would begin with nothing.
        let capacity_s = (scene.capacity_ms / 1000.0).max(2.0 * segment_s);
        Self {
            ladder: scene.ladder,
            distortions,
            kbps: outlook.quantile(ERRORS),
            step_s,
            capacity_s,
            target_s: TARGET * (capacity_s - segment_s),
            steps: ((HORIZON_S / step_s) as usize).clamp(LEAST_STEPS, MOST_STEPS),
            best: (0, f64::INFINITY),
            looked_at: 0,
        }
    }

    /// The first level of the cheapest sequence, and how many steps it has.
    fn first_level(mut self, scene: &Scene<'_>, outlook: Outlook, last: Option<usize>) -> (usize, usize) {
        let buffer_s = scene.buffer_ms.max(0.0) / 1000.0;
        let next_kbps = outlook.quantile(ERRORS_OF_NEXT);
        let in_time = |level: &usize| outlook.latency_s + scene.bits(0, *level) / next_kbps / 1000.0 <= buffer_s;
        let highest = (1..self.ladder.len()).rev().find(in_time).unwrap_or(0);
        let last = last.map(|last| last.min(self.ladder.top()));
        let nearest = last.unwrap_or(0).min(highest);
        // To stay first: what it comes to rules most of the others out.
        for level in (nearest..=highest).chain((0..nearest).rev()) {
            let start = Path { first: level, level: last.unwrap_or(level), buffer_s, cost: 0.0, missing: self.steps };
            let path = self.step(&start, level, scene.bits(0, level) / scene.segment_ms);
            if last.is_none_or(|last| level >= last) {
                self.follow(path, Way::Up);
            }
            if last.is_none_or(|last| level <= last) {
                self.follow(path, Way::Down);
            }
        }
        (self.best.0, self.steps)
    }

    fn follow(&mut self, path: Path, way: Way) {
        if path.cost >= self.best.1 || self.looked_at >= MOST_LOOKED_AT {
            return;
        }
        self.looked_at += 1;
        if path.missing == 0 {
            self.best = (path.first, path.cost);
            return;
        }
        match way {
            Way::Up => (path.level..self.ladder.len()).for_each(|level| self.go_on(&path, level, way)),
            Way::Down => (0..=path.level).rev().for_each(|level| self.go_on(&path, level, way)),
        }
    }

    fn go_on(&mut self, path: &Path, level: usize, way: Way) {
        let next = self.step(path, level, self.ladder.kbps(level));
        self.follow(next, way);
    }

    /// A step more, at a level whose media takes so many kbit/s.
    fn step(&self, path: &Path, level: usize, kbps: f64) -> Path {
        let room_s = (self.capacity_s - path.buffer_s).max(0.0) + self.step_s;
        let comes_s = (self.kbps * self.step_s / kbps).min(room_s);
        let after_s = path.buffer_s + comes_s - self.step_s;
        let buffer_s = after_s.max(0.0);
        let lacks = self.distortion(level);
        let change = lacks - self.distortion(path.level);
        let off = (self.target_s - buffer_s) / self.target_s;
        let cost = lacks * comes_s / self.step_s
            + BUFFER * off * off * if off > 0.0 { 1.0 } else { ABOVE }
            + CHANGE * change * change
            + STALL * (buffer_s - after_s) / self.step_s;
        let missing = path.missing.saturating_sub(1);
        Path { first: path.first, level, buffer_s, cost: path.cost + cost, missing }
    }

    fn distortion(&self, level: usize) -> f64 {
        self.distortions.get(level).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KBPS: [f64; 5] = [300.0, 750.0, 1_500.0, 3_000.0, 6_000.0];

    fn ladder(kbps: &[f64]) -> Ladder {
        Ladder::new(kbps.iter().copied()).expect("a ladder")
    }

    /// Segments of eight seconds, so that three steps are planned, and a buffer of 24 s.
    fn scene(ladder: &Ladder, buffer_s: f64) -> Scene<'_> {
        Scene {
            ladder,
            segment_ms: 8_000.0,
            buffer_ms: buffer_s * 1000.0,
            capacity_ms: 24_000.0,
            network: None,
            outlook: None,
            behind: 9,
            ahead: None,
            sizes: &[],
        }
    }

    fn outlook(kbps: f64, typical_error: f64) -> Outlook {
        Outlook { log_rate: libm::log(kbps), typical_error, size_error: 0.0, latency_s: 0.05 }
    }

    fn first_level(scene: &Scene<'_>, outlook: Outlook, last: Option<usize>) -> usize {
        let distortions: Vec<f64> = (0..scene.ladder.len()).map(|level| 1.0 - scene.ladder.worth(level)).collect();
        Search::of(scene, &distortions, outlook).first_level(scene, outlook, last).0
    }

    /// What a sequence costs, by the formula of abr.md 2.5 with this rule's prices.
    fn cost(levels: [usize; 3], last: usize, mut buffer: f64, kbps: f64) -> f64 {
        let lacks = |level: usize| 1.0 - KBPS[level] / 6_000.0;
        let (mut sum, mut before) = (0.0, last);
        for level in levels {
            let comes = (kbps * 8.0 / KBPS[level]).min(24.0 - buffer + 8.0);
            let after = buffer + comes - 8.0;
            buffer = after.max(0.0);
            let off = 1.0 - buffer / (0.63 * 16.0);
            sum += lacks(level) * comes / 8.0 + (lacks(level) - lacks(before)).powi(2);
            sum += if off > 0.0 { 0.44 * off * off } else { 0.44 * 0.007 * off * off };
            sum += 1.27 * (-after).max(0.0) / 8.0;
            before = level;
        }
        sum
    }

    #[test]
    fn the_cheapest_sequence_that_goes_one_way_is_found() {
        let ladder = ladder(&KBPS);
        let mut told_apart = [false; 5];
        for buffer in [2.0, 6.0, 9.0, 12.0, 16.0] {
            for kbps in [400.0, 900.0, 1_600.0, 2_500.0, 4_000.0, 9_000.0] {
                for last in 0..5 {
                    let all = (0..125).map(|n| [n / 25, n / 5 % 5, n % 5]);
                    let one_way =
                        all.filter(|[a, b, c]| (last <= *a && a <= b && b <= c) || (last >= *a && a >= b && b >= c));
                    // What would come after the buffer is empty is no candidate.
                    let in_time = one_way.filter(|[a, ..]| *a == 0 || 0.05 + KBPS[*a] * 8.0 / kbps <= buffer);
                    let costs = in_time.map(|levels| (levels, cost(levels, last, buffer, kbps)));
                    let best = costs.min_by(|one, other| one.1.total_cmp(&other.1)).expect("one");
                    let found = first_level(&scene(&ladder, buffer), outlook(kbps, 0.0), Some(last));
                    assert_eq!(found, best.0[0], "{buffer} s, {kbps} kbit/s, from {last}: {best:?}");
                    told_apart[found] = true;
                }
            }
        }
        assert_eq!(told_apart, [true; 5], "every level is the best somewhere");
    }

    #[test]
    fn the_surer_the_network_the_more_is_taken_of_it() {
        let ladder = ladder(&KBPS);
        let level = |error: f64| first_level(&scene(&ladder, 8.0), outlook(4_000.0, error), Some(3));
        assert!(level(0.9) < level(0.05), "{} {}", level(0.9), level(0.05));
    }

    #[test]
    fn what_looks_the_same_is_had_for_less() {
        let plain = ladder(&KBPS);
        let rich = Some(4);
        assert_eq!(first_level(&scene(&plain, 14.0), outlook(9_000.0, 0.0), rich), 4);
        let scored = ladder(&KBPS).with_quality(&[40_000, 60_000, 80_000, 94_000, 94_100]);
        // At 4 Mbit/s the highest is dear, and hardly better.
        let from_below = first_level(&scene(&scored, 10.0), outlook(4_000.0, 0.1), Some(3));
        assert_eq!(from_below, 3);
    }

    #[test]
    fn a_ladder_of_a_hundred_levels_is_answered_all_the_same() {
        let many: Vec<f64> = (1..=100).map(|n| 100.0 * f64::from(n)).collect();
        let ladder = ladder(&many);
        let level =
            first_level(&Scene { segment_ms: 2_000.0, ..scene(&ladder, 12.0) }, outlook(4_000.0, 0.1), Some(30));
        assert!((20..60).contains(&level), "{level}");
    }
}
