//! Rules side by side over the same networks.

use std::time::Instant;

use serde::Serialize;

use crate::batch::for_each_index;
use crate::faithful::{self, PublishedName, Setup};
use crate::link::Link;
use crate::metrics::Metrics;
use crate::movie::Movie;
use crate::objective::Score;
use crate::optimum::{optimum, practical_ceiling, upper_bound};
use crate::statistics::{normalised, Interval};

/// Draws of all intervals begin here: the same question has the same answer.
const SEED: u64 = 5;

/// A network by name.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What it is called in tables.
    pub name: String,
    /// The network.
    pub link: Link,
}

/// Both scores of something.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores<T> {
    /// By the primary score.
    pub q1: T,
    /// By QoE_lin.
    pub qoe_lin: T,
}

impl<T> Scores<T> {
    fn each(mut of: impl FnMut(Score) -> T) -> Self {
        Self { q1: of(Score::Q1), qoe_lin: of(Score::QoeLin) }
    }
}

impl<T: Copy> Scores<T> {
    fn map<U>(self, of: impl Fn(T) -> U) -> Scores<U> {
        Scores { q1: of(self.q1), qoe_lin: of(self.qoe_lin) }
    }

    fn get(&self, score: Score) -> T {
        match score {
            Score::Q1 => self.q1,
            Score::QoeLin => self.qoe_lin,
        }
    }
}

/// One session of one rule over one network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The network.
    pub trace: String,
    /// The rule.
    pub abr: &'static str,
    /// What happened.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// What the best session known gets on this network.
    pub optimum: Scores<f64>,
    /// What no session passes; null where it was not asked for.
    pub bound: Scores<Option<f64>>,
    /// What a rule gets that foresees five segments.
    pub ceiling: Scores<f64>,
    /// The share of what can be had beyond the lowest level; null where nothing can be had.
    pub normalised: Scores<Option<f64>>,
}

/// What a rule comes to over all networks, with intervals of 95 %.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The rule.
    pub abr: &'static str,
    /// Networks.
    pub traces: usize,
    /// Mean bitrate.
    pub mean_kbps: Interval,
    /// Change of bitrate a segment.
    pub mean_switch_kbps: Interval,
    /// Stall a session.
    pub stall_s: Interval,
    /// Time to the first picture.
    pub startup_s: Interval,
    /// The primary score.
    pub q1: Interval,
    /// QoE_lin.
    pub qoe_lin: Interval,
    /// The score of the rules' authors.
    pub sabre_score: Interval,
    /// What it falls short of the optimum.
    pub regret: Scores<Interval>,
    /// Its difference, network by network, to the rule with the best mean: where the interval holds zero,
    /// the traces do not tell them apart.
    pub behind_best: Scores<Interval>,
    /// The share of what can be had beyond the lowest level, over all networks.
    pub normalised: Scores<Option<f64>>,
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Every session.
    pub runs: Vec<Run>,
    /// Every rule.
    pub summary: Vec<Summary>,
    /// Sessions that were played each second, optima apart.
    pub sessions_per_s: f64,
}

/// How closely the optimum is enclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// By the best session known.
    Below,
    /// By a bound too, which takes ten times as long.
    Both,
}

/// Intervals into which the stall is divided for the bound.
const INTERVALS: usize = 16;

/// Plays a movie over every network by every rule, on all cores. None if there is no network or no rule.
pub fn compare(
    movie: &Movie,
    traces: &[Trace],
    rules: &[&'static PublishedName],
    buffer_s: f64,
    enclosure: Enclosure,
) -> Option<Comparison> {
    let setup = Setup::with_buffer(buffer_s);
    let session = |rule: &PublishedName, trace: &Trace| {
        let setup = Setup { replacement: rule.replacement, ..setup };
        Metrics::of(&faithful::play(rule.rule().as_mut(), movie, &trace.link, &setup), movie)
    };
    let lowest = faithful::rule("Lowest")?;
    // The time is that of the machine, and nothing but its own figure depends on it.
    let began = Instant::now();
    let sessions = for_each_index(rules.len() * traces.len(), |index| {
        session(rules[index / traces.len()], &traces[index % traces.len()])
    });
    let sessions_per_s = sessions.len() as f64 / began.elapsed().as_secs_f64();
    let limits = for_each_index(traces.len(), |index| {
        Limits::of(movie, &traces[index], buffer_s * 1000.0, session(lowest, &traces[index]), enclosure)
    });
    let runs = sessions.iter().enumerate().map(|(index, metrics)| {
        let (rule, limits) = (rules[index / traces.len()], &limits[index % traces.len()]);
        Run {
            trace: traces[index % traces.len()].name.clone(),
            abr: rule.name,
            metrics: *metrics,
            optimum: limits.optimum,
            bound: limits.bound,
            ceiling: limits.ceiling,
            normalised: Scores::each(|score| normalised([limits.place(score, metrics)])),
        }
    });
    let runs: Vec<Run> = runs.collect();
    let of_rule = |index: usize| &sessions[index * traces.len()..(index + 1) * traces.len()];
    let best = Scores::each(|score| {
        let total = |index: usize| of_rule(index).iter().map(|metrics| score.of(metrics)).sum::<f64>();
        (0..rules.len()).max_by(|one, other| total(*one).total_cmp(&total(*other)).then(other.cmp(one))).unwrap_or(0)
    });
    let summary = rules.iter().enumerate().map(|(index, rule)| {
        let sessions = of_rule(index);
        let over = |of: &dyn Fn(usize, &Metrics) -> f64| {
            let values: Vec<f64> = sessions.iter().enumerate().map(|(trace, metrics)| of(trace, metrics)).collect();
            Interval::of_mean(&values, SEED)
        };
        let regret = |score: Score| over(&|trace, metrics| limits[trace].optimum.get(score) - score.of(metrics));
        let behind = |score: Score| {
            let best = of_rule(best.get(score));
            over(&|trace, metrics| score.of(metrics) - score.of(&best[trace]))
        };
        let places =
            |score: Score| sessions.iter().zip(&limits).map(move |(metrics, limits)| limits.place(score, metrics));
        Some(Summary {
            abr: rule.name,
            traces: traces.len(),
            mean_kbps: over(&|_, metrics| metrics.mean_kbps)?,
            mean_switch_kbps: over(&|_, metrics| metrics.mean_switch_kbps)?,
            stall_s: over(&|_, metrics| metrics.stall_s)?,
            startup_s: over(&|_, metrics| metrics.startup_s)?,
            q1: over(&|_, metrics| metrics.q1)?,
            qoe_lin: over(&|_, metrics| metrics.qoe_lin)?,
            sabre_score: over(&|_, metrics| metrics.sabre_score)?,
            regret: Scores { q1: regret(Score::Q1)?, qoe_lin: regret(Score::QoeLin)? },
            behind_best: Scores { q1: behind(Score::Q1)?, qoe_lin: behind(Score::QoeLin)? },
            normalised: Scores::each(|score| normalised(places(score))),
        })
    });
    let summary = summary.collect::<Option<Vec<_>>>().filter(|summary| !summary.is_empty())?;
    Some(Comparison { runs, summary, sessions_per_s })
}

/// Between what a rule can come to lie on one network.
struct Limits {
    lowest: Metrics,
    optimum: Scores<f64>,
    bound: Scores<Option<f64>>,
    ceiling: Scores<f64>,
}

impl Limits {
    fn of(movie: &Movie, trace: &Trace, buffer_ms: f64, lowest: Metrics, enclosure: Enclosure) -> Self {
        let each = Scores::each(|score| {
            let best = optimum(movie, &trace.link, buffer_ms, score);
            let bound = (enclosure == Enclosure::Both)
                .then(|| upper_bound(movie, &trace.link, buffer_ms, score, &best, INTERVALS));
            let foreseen = practical_ceiling(movie, &trace.link, buffer_ms, score);
            (best.score, bound, score.of(&Metrics::of(&foreseen, movie)))
        });
        Self {
            lowest,
            optimum: each.map(|(optimum, _, _)| optimum),
            bound: each.map(|(_, bound, _)| bound),
            ceiling: each.map(|(_, _, ceiling)| ceiling),
        }
    }

    /// A session's score, that of the lowest level, and that of the optimum.
    fn place(&self, score: Score, metrics: &Metrics) -> (f64, f64, f64) {
        (score.of(metrics), score.of(&self.lowest), self.optimum.get(score))
    }
}
