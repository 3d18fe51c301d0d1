//! Rules side by side over the same networks.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;

use crate::batch::for_each_index;
use crate::faithful::{self, Contender, Setup};
use crate::limits::Limits;
use crate::link::Link;
use crate::metrics::Metrics;
use crate::movie::Movie;
use crate::objective::Score;
use crate::outcome::Outcome;
use crate::player::{self, Unplayed, Viewing};
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
    /// Something of each score.
    pub fn each(mut of: impl FnMut(Score) -> T) -> Self {
        Self { q1: of(Score::Q1), qoe_lin: of(Score::QoeLin) }
    }

    /// What is of a score.
    pub fn get(&self, score: Score) -> &T {
        match score {
            Score::Q1 => &self.q1,
            Score::QoeLin => &self.qoe_lin,
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
    /// The first segment that was played; zero but for live sessions that begin further on.
    pub first: usize,
    /// Level of each segment from that on, as played; zero is the lowest.
    pub levels: Vec<usize>,
    /// What the best session known gets on this network; null where none is known by that score: none that pays for
    /// latency is.
    pub optimum: Scores<Option<f64>>,
    /// What no session passes; null where it was not asked for.
    pub bound: Scores<Option<f64>>,
    /// What a rule gets that foresees five segments; null as the optimum is.
    pub ceiling: Scores<Option<f64>>,
    /// The share of what can be had beyond the lowest level, as the faithful mode plays that; null where nothing can be
    /// had, or the optimum is not known.
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
    /// How much later a live session of the player was than it aimed to be; null for others.
    pub excess_latency_s: Option<Interval>,
    /// `|1 - speed|` of such a session.
    pub speed_change: Option<Interval>,
    /// The primary score.
    pub q1: Interval,
    /// QoE_lin.
    pub qoe_lin: Interval,
    /// The score of the rules' authors.
    pub sabre_score: Interval,
    /// What it falls short of the optimum; null where that is not known.
    pub regret: Scores<Option<Interval>>,
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

/// Who plays, by which rules.
#[derive(Clone, Copy, Debug)]
pub enum Contest<'a> {
    /// Rules of the [roster](crate::faithful::ROSTER), as the simulator of the published ones runs them.
    Faithful(&'a [&'static Contender]),
    /// The real player by rules of `telecine_abr::RULES`, for viewers who watch like that.
    Player(&'a [player::Contender], Viewing),
}

impl Contest<'_> {
    /// The names of the rules.
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Faithful(rules) => rules.iter().map(|rule| rule.name).collect(),
            Self::Player(rules, _) => rules.iter().map(|rule| rule.name).collect(),
        }
    }

    /// A session by the rule at an index of [`Contest::names`].
    ///
    /// # Errors
    /// [`Unplayed`] if the player failed.
    pub fn session(&self, rule: usize, movie: &Movie, link: &Link, buffer_ms: f64) -> Result<Outcome, Unplayed> {
        match self {
            Self::Faithful(rules) => {
                let Contender { replacement, .. } = *rules[rule];
                Ok(faithful::play(rules[rule].rule().as_mut(), movie, link, &Setup { buffer_ms, replacement }))
            }
            Self::Player(rules, viewing) => {
                let player::Contender { rule, replacement, .. } = rules[rule];
                player::play_by(rule, movie, link, &player::Setup { buffer_ms, viewing: *viewing, replacement })
            }
        }
    }

    /// By which scores a session is of the kind that the optimum is of: what is late pays for it by Q1, and no optimum does.
    pub fn has_optimum(&self, score: Score) -> bool {
        !(score == Score::Q1 && matches!(self, Self::Player(_, Viewing::Live)))
    }
}

/// Why nothing can be compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Incomparable {
    /// There is no network, or no rule.
    Nothing,
    /// A session did not come to its end.
    Unplayed {
        /// Its network.
        trace: String,
        /// Its rule.
        abr: &'static str,
        /// Why not.
        why: Unplayed,
    },
}

impl fmt::Display for Incomparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no trace or no rule to compare"),
            Self::Unplayed { trace, abr, why } => write!(f, "'{trace}' by '{abr}': {why}"),
        }
    }
}

impl std::error::Error for Incomparable {}

/// What a comparison is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Sessions are played.
    Sessions,
    /// What can be had of each network is reckoned.
    Limits,
}

/// Plays a movie over every network by every rule, on all cores, with a buffer of so many seconds. `watch` is told of each
/// piece of work that is done, from whatever thread did it: of what, how many, and of how many.
///
/// # Errors
/// [`Incomparable`] if there is nothing to play, or the player failed.
pub fn compare(
    movie: &Movie,
    traces: &[Trace],
    contest: Contest<'_>,
    buffer_s: f64,
    enclosure: Enclosure,
    watch: &(dyn Fn(Phase, usize, usize) + Sync),
) -> Result<Comparison, Incomparable> {
    let (rules, buffer_ms) = (contest.names(), buffer_s * 1000.0);
    // The time is that of the machine, and nothing but its own figure depends on it.
    let began = Instant::now();
    let told = |phase: Phase, done: &AtomicUsize, of: usize| watch(phase, done.fetch_add(1, Ordering::Relaxed) + 1, of);
    let (done, of) = (AtomicUsize::new(0), rules.len() * traces.len());
    let outcomes = for_each_index(of, |index| {
        let (rule, trace) = (index / traces.len(), &traces[index % traces.len()]);
        let outcome = contest.session(rule, movie, &trace.link, buffer_ms);
        told(Phase::Sessions, &done, of);
        outcome
            .map(|outcome| (Metrics::of(&outcome, movie), outcome.first, outcome.levels))
            .map_err(|why| Incomparable::Unplayed { trace: trace.name.clone(), abr: rules[rule], why })
    });
    let sessions_per_s = outcomes.len() as f64 / began.elapsed().as_secs_f64();
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let sessions: Vec<Metrics> = outcomes.iter().map(|(metrics, ..)| *metrics).collect();
    let done = AtomicUsize::new(0);
    let limits = for_each_index(traces.len(), |index| {
        let of_score = |score| contest.has_optimum(score);
        let limits = Limits::of(movie, &traces[index].link, buffer_ms, of_score, enclosure);
        told(Phase::Limits, &done, traces.len());
        limits
    });
    let runs = outcomes.into_iter().enumerate().map(|(index, (metrics, first, levels))| {
        let (rule, limits) = (rules[index / traces.len()], &limits[index % traces.len()]);
        Run {
            trace: traces[index % traces.len()].name.clone(),
            abr: rule,
            metrics,
            first,
            levels,
            optimum: Scores::each(|score| limits.best(score)),
            bound: limits.bound,
            ceiling: Scores::each(|score| limits.foreseen(score)),
            normalised: Scores::each(|score| normalised([limits.place(score, &metrics)?])),
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
        let regret = |score: Score| {
            let known = contest.has_optimum(score);
            known.then(|| over(&|trace, metrics| limits[trace].best(score).unwrap_or(0.0) - score.of(metrics)))?
        };
        // Sessions have it all or none has.
        let following = |of: fn(&Metrics) -> Option<f64>| {
            let known = sessions.iter().all(|metrics| of(metrics).is_some());
            known.then(|| over(&|_, metrics| of(metrics).unwrap_or(0.0)))?
        };
        let behind = |score: Score| {
            let best = of_rule(*best.get(score));
            over(&|trace, metrics| score.of(metrics) - score.of(&best[trace]))
        };
        let places =
            |score: Score| sessions.iter().zip(&limits).map(move |(metrics, limits)| limits.place(score, metrics));
        let share = |score: Score| normalised(places(score).collect::<Option<Vec<_>>>()?);
        Some(Summary {
            abr: rule,
            traces: traces.len(),
            mean_kbps: over(&|_, metrics| metrics.mean_kbps)?,
            mean_switch_kbps: over(&|_, metrics| metrics.mean_switch_kbps)?,
            stall_s: over(&|_, metrics| metrics.stall_s)?,
            startup_s: over(&|_, metrics| metrics.startup_s)?,
            excess_latency_s: following(|metrics| metrics.excess_latency_s),
            speed_change: following(|metrics| metrics.speed_change),
            q1: over(&|_, metrics| metrics.q1)?,
            qoe_lin: over(&|_, metrics| metrics.qoe_lin)?,
            sabre_score: over(&|_, metrics| metrics.sabre_score)?,
            regret: Scores::each(regret),
            behind_best: Scores { q1: behind(Score::Q1)?, qoe_lin: behind(Score::QoeLin)? },
            normalised: Scores::each(share),
        })
    });
    let summary = summary.collect::<Option<Vec<_>>>().filter(|summary| !summary.is_empty());
    Ok(Comparison { runs, summary: summary.ok_or(Incomparable::Nothing)?, sessions_per_s })
}
