//! How the rate was spread of late, and when it changed.
//!
//! A rate moves about all the time; at times it becomes another one. The two are told apart by cumulative sums (E. S. Page,
//! "Continuous Inspection Schemes", Biometrika 41, 1954): of each sample the distance of its logarithm from the mean since
//! the last change, in standard deviations, less an allowance, is added up upwards and downwards. A sum that noise brings
//! about returns to zero soon; a step adds to it each time. No sample counts for so much that it is a change by itself, so
//! a change takes two segments at least, and one that is large beside what went before takes no more.

use std::collections::VecDeque;

use telecine_model::Timestamp;

use crate::belief::Belief;
use crate::estimate::{Change, Recent};
use crate::walk::Heard;

/// Samples that are remembered.
const REMEMBERED: usize = 32;
/// What is allowed for at each sample, in standard deviations: half of the least step that is looked for.
const ALLOWANCE: f64 = 1.0;
/// No sample counts for more.
const MOST: f64 = 4.0;
/// A sum above this is a change.
const CHANGED: f64 = 5.0;
/// Segments before a rate is known well enough to change.
const FEWEST: f64 = 8.0;
/// So many samples do as well, however small they are.
const MANY: usize = 16;
/// The standard deviation of the logarithm before anything is known, and for how many segments that counts: as the walk's.
const FIRST_DEVIATION: f64 = 0.21;
const FIRST_WEIGHT: f64 = 3.0;
/// However still a rate was, less than this is no step.
const LEAST_DEVIATION: f64 = 0.1;

/// One measurement of the rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateSample {
    /// Bits a second.
    pub(crate) rate: f64,
    /// The time that it stands for in averages, in seconds.
    pub(crate) weight: f64,
    /// The same, for the walk.
    pub(crate) heard: Heard,
    /// It was held back, and the line carries this much or more.
    pub(crate) held_back: bool,
    /// When it was complete.
    pub(crate) at: Timestamp,
}

impl RateSample {
    /// Whether it says anything to who believes something already.
    pub(crate) fn says_more_than(&self, belief: &Belief) -> bool {
        !self.held_back || belief.rate().is_none_or(|believed| self.rate > believed)
    }
}

#[derive(Clone, Copy, Debug)]
struct One {
    /// Counts all of them.
    number: u64,
    at: Timestamp,
    /// Of the rate in bits a second.
    log: f64,
    /// Of transfer.
    seconds: f64,
    /// How much of a segment's word it is.
    share: f64,
}

/// A sum in one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    sum: f64,
    /// The place of its first sample.
    from: usize,
}

/// The last samples of a rate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    ones: VecDeque<One>,
    /// The same, the slowest first.
    sorted: Vec<One>,
    next: u64,
    /// The place of the first one since the last change.
    since: usize,
    up: Run,
    down: Run,
    change: Option<Change>,
    recent: Option<Recent>,
    /// The median of all that is remembered, in bits a second.
    usual: Option<f64>,
}

impl Window {
    /// How the rate was since the last change; None before anything was measured.
    pub(crate) fn recent(&self) -> Option<Recent> {
        self.recent
    }

    /// What it is mostly, whatever changed since, in bits a second.
    pub(crate) fn usual(&self) -> Option<f64> {
        self.usual
    }

    /// Adds a sample. Where the rate turns out to be another one by it, its samples so far, that one included: the rate of
    /// each, in bits a second, and the seconds in which it was seen.
    pub(crate) fn hear(&mut self, sample: &RateSample) -> Option<impl Iterator<Item = (f64, f64)> + '_> {
        if self.ones.len() >= REMEMBERED {
            self.forget();
        }
        let (log, heard) = (libm::log(sample.rate.max(1.0)), &sample.heard);
        let one = One { number: self.next, at: sample.at, log, seconds: heard.seconds.max(1e-3), share: heard.share };
        self.next += 1;
        self.watch(&one);
        self.ones.push_back(one);
        self.sorted.insert(self.sorted.partition_point(|other| other.log < log), one);
        let changed = self.changed();
        self.change = changed.or(self.change);
        self.usual = quantiles(self.sorted.iter(), [0.5]).map(|[median]| libm::exp(median));
        self.recent = self.look();
        changed.map(|_| self.ones.iter().skip(self.since).map(|one| (libm::exp(one.log), one.seconds)))
    }

    fn forget(&mut self) {
        let Some(gone) = self.ones.pop_front() else { return };
        self.sorted.retain(|one| one.number != gone.number);
        for place in [&mut self.since, &mut self.up.from, &mut self.down.from] {
            *place = place.saturating_sub(1);
        }
    }

    /// The ones before any sum that is building up.
    fn before(&self) -> impl Iterator<Item = &One> + Clone {
        let begun = [&self.up, &self.down].into_iter().filter(|run| run.sum > 0.0).map(|run| run.from).min();
        let until = begun.unwrap_or(self.ones.len());
        self.ones.iter().take(until).skip(self.since)
    }

    /// Mean and deviation of those; None while they are too few.
    fn usual_spread(&self) -> Option<(f64, f64)> {
        let before = self.before();
        let enough = before.clone().map(|one| one.share).sum::<f64>() >= FEWEST || before.clone().count() >= MANY;
        enough.then(|| spread(before))
    }

    /// Adds a sample to the sums.
    fn watch(&mut self, one: &One) {
        let Some((mean, deviation)) = self.usual_spread() else {
            // A sum that goes on to build up until what was before it is forgotten is no change: it is how the rate is.
            (self.up, self.down) = (Run::default(), Run::default());
            return;
        };
        let distance = ((one.log - mean) / deviation).clamp(-MOST, MOST);
        let here = self.ones.len();
        for (run, distance) in [(&mut self.up, distance), (&mut self.down, -distance)] {
            if run.sum <= 0.0 {
                run.from = here;
            }
            run.sum = (run.sum + one.share * (distance - ALLOWANCE)).max(0.0);
        }
    }

    /// Whether one of the sums says that the rate is another; then all begins anew behind it.
    fn changed(&mut self) -> Option<Change> {
        let run = [self.up, self.down].into_iter().find(|run| run.sum > CHANGED)?;
        let (before, _) = spread(self.ones.iter().take(run.from).skip(self.since));
        let after = self.ones.iter().skip(run.from);
        let at = after.clone().next()?.at;
        let (after, _) = spread(after);
        self.since = run.from;
        (self.up, self.down) = (Run::default(), Run::default());
        Some(Change { at, before: bits(before), after: bits(after) })
    }

    fn look(&self) -> Option<Recent> {
        let first = self.ones.get(self.since)?.number;
        let [low, median] = quantiles(self.sorted.iter().filter(|one| one.number >= first), [0.2, 0.5])?;
        let (_, deviation) = spread(self.ones.iter().skip(self.since));
        let deviation_milli = (deviation * 1000.0) as u32;
        Some(Recent { median: bits(median), low: bits(low), deviation_milli, change: self.change })
    }
}

fn bits(log: f64) -> u64 {
    ((libm::exp(log) + 0.5) as u64).max(1)
}

/// Mean and standard deviation of the logarithm. Few samples leave some of what is taken for granted in it.
fn spread<'a>(ones: impl Iterator<Item = &'a One> + Clone) -> (f64, f64) {
    let weigh = |(weight, sum): (f64, f64), one: &One| (weight + one.share, sum + one.share * one.log);
    let (weight, sum) = ones.clone().fold((0.0, 0.0), weigh);
    let mean = if weight > 0.0 { sum / weight } else { 0.0 };
    let squares = ones.map(|one| one.share * (one.log - mean) * (one.log - mean)).sum::<f64>();
    let variance = (squares + FIRST_WEIGHT * FIRST_DEVIATION * FIRST_DEVIATION) / (weight + FIRST_WEIGHT);
    (mean, libm::sqrt(variance).max(LEAST_DEVIATION))
}

/// The logarithms that the rate was at or below for shares of the time of transfer, both in ascending order.
fn quantiles<'a, const N: usize>(sorted: impl Iterator<Item = &'a One> + Clone, shares: [f64; N]) -> Option<[f64; N]> {
    let all = sorted.clone().map(|one| one.seconds).sum::<f64>();
    let mut rest = sorted;
    let mut last = rest.next()?;
    let mut passed = last.seconds;
    Some(shares.map(|share| {
        while passed < share * all {
            let Some(next) = rest.next() else { break };
            (last, passed) = (next, passed + next.seconds);
        }
        last.log
    }))
}

#[cfg(test)]
#[allow(clippy::panic, clippy::expect_used)] // These are tests.
mod tests {
    use super::*;

    /// Chance that is the same each time: about normal, by twelve uniform draws.
    struct Noise(telecine_model::Rng);

    impl Noise {
        fn next(&mut self) -> f64 {
            (0..12).map(|_| (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64).sum::<f64>() - 6.0
        }
    }

    fn hear(window: &mut Window, sample: &RateSample) {
        let _ = window.hear(sample);
    }

    fn sample(kbps: f64, second: u64) -> RateSample {
        let heard = Heard { kbps, seconds: 2.0, share: 1.0, given_up: false };
        let at = Timestamp::from_millis(second * 1000);
        RateSample { rate: kbps * 1000.0, weight: 2.0, heard, held_back: false, at }
    }

    /// The samples, by their number, with which a change became known.
    fn changes(rates: impl Iterator<Item = f64>) -> Vec<(usize, Change)> {
        let mut window = Window::default();
        let mut known = None;
        let mut found = Vec::new();
        for (number, kbps) in rates.enumerate() {
            hear(&mut window, &sample(kbps, number as u64));
            let change = window.recent().and_then(|recent| recent.change);
            if change != known {
                found.extend(change.map(|change| (number, change)));
                known = change;
            }
        }
        found
    }

    #[test]
    fn a_step_is_known_with_its_second_segment() {
        for (before, after) in [(4000.0, 1500.0), (1500.0, 4000.0), (800.0, 8000.0), (6000.0, 800.0)] {
            let mut noise = Noise(telecine_model::Rng::new(7));
            let rates = (0..40).map(|n| (if n < 20 { before } else { after }) * libm::exp(0.1 * noise.next()));
            let found = changes(rates);
            let [(number, change)] = found[..] else { panic!("{before} to {after}: {found:?}") };
            assert_eq!(number, 21, "{before} to {after}");
            assert_eq!(change.at, Timestamp::from_millis(20_000), "it began with the first");
            let near = |bits: u64, kbps: f64| (bits as f64 / 1000.0 / kbps - 1.0).abs() < 0.2;
            assert!(near(change.before, before) && near(change.after, after), "{change:?}");
        }
    }

    #[test]
    fn one_segment_that_is_out_of_line_is_no_change() {
        let found = changes((0..60).map(|n| if n % 12 == 11 { 300.0 } else { 3000.0 }));
        assert_eq!(found, []);
    }

    #[test]
    fn noise_is_no_change_whether_there_is_little_or_much() {
        for deviation in [0.02, 0.1, 0.2, 0.4, 0.8] {
            let mut found = 0;
            for seed in 0..50 {
                let mut noise = Noise(telecine_model::Rng::new(seed));
                found += changes((0..200).map(|_| 3000.0 * libm::exp(deviation * noise.next()))).len();
            }
            // In ten thousand segments.
            assert!(found <= 20, "{deviation}: {found}");
        }
    }

    #[test]
    fn small_transfers_take_as_many_as_make_two_segments() {
        let mut window = Window::default();
        (0..20).for_each(|n| hear(&mut window, &sample(3000.0, n)));
        let little = Heard { kbps: 500.0, seconds: 0.2, share: 0.2, given_up: false };
        let small = |n| RateSample { heard: little, ..sample(500.0, n) };
        let known = (20..60).find(|n| {
            hear(&mut window, &small(*n));
            window.recent().is_some_and(|recent| recent.change.is_some())
        });
        assert!(known.is_some_and(|n| (27..33).contains(&n)), "{known:?}");
    }

    /// By hand: of ten seconds at 1, 2, 3, 4 and 5 Mbit/s, two each, a fifth was at 1 or below, and half at 3 or below.
    #[test]
    fn a_collapse_is_seen_behind_a_long_drift_of_small_transfers_and_among_nothing_else() {
        let small = |kbps, n| RateSample {
            heard: Heard { kbps, seconds: 0.2, share: 0.2, given_up: false },
            ..sample(kbps, n)
        };
        let changed = |window: &Window| {
            window.recent().is_some_and(|recent| recent.change.is_some_and(|change| change.after < 1_000_000))
        };
        let mut window = Window::default();
        (0..40).for_each(|n| hear(&mut window, &sample(3000.0, n)));
        (40..100).for_each(|n| hear(&mut window, &small(2670.0, n)));
        let known = (100..120).find(|n| {
            hear(&mut window, &sample(300.0, *n));
            changed(&window)
        });
        assert!(known.is_some_and(|n| n < 104), "{known:?}");
        let mut window = Window::default();
        (0..60).for_each(|n| hear(&mut window, &small(3000.0, n)));
        let known = (60..120).find(|n| {
            hear(&mut window, &small(600.0, *n));
            changed(&window)
        });
        assert!(known.is_some_and(|n| n < 72), "{known:?}");
    }

    #[test]
    fn the_median_and_the_low_figure_go_by_the_time_of_transfer() {
        let mut window = Window::default();
        [3000.0, 1000.0, 5000.0, 2000.0, 4000.0]
            .iter()
            .zip(0..)
            .for_each(|(kbps, n)| hear(&mut window, &sample(*kbps, n)));
        let recent = window.recent().expect("samples");
        assert_eq!((recent.low, recent.median), (1_000_000, 3_000_000));
        // Logarithms 0, ln 2, ln 3, ln 4, ln 5: mean 0.9575, squares 1.6155; with three more of 0.21²: sqrt(1.7478 / 8) = 0.4674.
        assert_eq!(recent.deviation_milli, 467);
        // Ten seconds more of the lowest.
        let long = Heard { kbps: 1000.0, seconds: 10.0, share: 1.0, given_up: false };
        hear(&mut window, &RateSample { heard: long, ..sample(1000.0, 9) });
        assert_eq!(window.recent().map(|recent| recent.median), Some(1_000_000));
    }

    #[test]
    fn behind_a_change_only_what_came_since_counts_and_what_is_usual_stays() {
        let mut window = Window::default();
        (0..20).for_each(|n| hear(&mut window, &sample(8000.0, n)));
        (20..24).for_each(|n| hear(&mut window, &sample(1000.0, n)));
        let recent = window.recent().expect("samples");
        assert_eq!((recent.median, recent.low), (1_000_000, 1_000_000));
        assert_eq!(window.usual().map(|usual| (usual / 1000.0 + 0.5) as u64), Some(8000));
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let mut window = Window::default();
        (0..500).for_each(|n| hear(&mut window, &sample(if n < 400 { 8000.0 } else { 1000.0 }, n)));
        assert_eq!((window.ones.len(), window.sorted.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(window.usual().map(|usual| (usual / 1000.0 + 0.5) as u64), Some(1000));
    }
}
