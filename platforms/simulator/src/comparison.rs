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
use crate::optimum::Sessions;
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
    /// What the best session known gets on this network, of those that begin as this one does; null where none is known by that
    /// score: none that pays for latency is.
    pub optimum: Scores<Option<f64>>,
    /// What no session passes that begins when this one did, nor the optimum; null where it was not asked for, or this one left out the beginning.
    pub bound: Scores<Option<f64>>,
    /// What a rule gets that foresees five segments; null as the optimum is.
    pub ceiling: Scores<Option<f64>>,
    /// The share of what can be had beyond the lowest level, as the faithful mode plays that; null where nothing worth speaking of
    /// can be had ([`Score::nothing`]), or the optimum is not known.
    pub normalised: Scores<Option<f64>>,
}

/// A session that did not come to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoRun {
    /// The network.
    pub trace: String,
    /// The rule.
    pub abr: &'static str,
    /// Why not.
    #[serde(serialize_with = "as_text")]
    pub why: Unplayed,
}

fn as_text<S: serde::Serializer>(why: &Unplayed, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(why)
}

/// What a rule comes to over all networks, with intervals of 95 %.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The rule.
    pub abr: &'static str,
    /// Networks: those over which every rule came to the end.
    pub traces: usize,
    /// On how many of them nothing worth speaking of can be had beyond the lowest level; null where the optimum is not known.
    pub nothing_to_be_had: Scores<Option<usize>>,
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
    /// The share of what can be had beyond the lowest level: a ratio of sums over all networks; null where nothing worth speaking of
    /// can be had on any.
    pub normalised: Scores<Option<f64>>,
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Every session that came to its end.
    pub runs: Vec<Run>,
    /// Every other one.
    pub unplayed: Vec<NoRun>,
    /// Every rule; none if there is no network over which all of them came to the end.
    pub summary: Vec<Summary>,
    /// What has to be known to read the numbers.
    pub notes: Vec<String>,
    /// Sessions that were played each second, optima apart.
    pub sessions_per_s: f64,
}

/// How closely the optimum is enclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enclosure {
    /// Not at all.
    Open,
    /// By the best session known.
    Below,
    /// By a bound too, which takes several times as long.
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
    /// [`Unplayed`] if nobody could play the movie over the link, or the player failed.
    pub fn session(&self, rule: usize, movie: &Movie, link: &Link, buffer_ms: f64) -> Result<Outcome, Unplayed> {
        match self {
            Self::Faithful(rules) => {
                player::endless(movie, link)?;
                let Contender { replacement, .. } = *rules[rule];
                Ok(faithful::play(rules[rule].rule().as_mut(), movie, link, &Setup { buffer_ms, replacement }))
            }
            Self::Player(rules, viewing) => {
                let player::Contender { rule, replacement, .. } = rules[rule];
                player::play_by(rule, movie, link, &player::Setup { buffer_ms, viewing: *viewing, replacement })
            }
        }
    }

    /// Between what its sessions lie over a network.
    ///
    /// # Errors
    /// [`Unplayed`] if nobody could play the movie over the link.
    pub fn limits(&self, movie: &Movie, link: &Link, buffer_ms: f64, enclosure: Enclosure) -> Result<Limits, Unplayed> {
        let wanted = |score| self.has_optimum(score);
        player::endless(movie, link)?;
        let of = |link: &Link| Limits::of(movie, link, buffer_ms, self.sessions(movie), wanted, enclosure);
        match self {
            Self::Faithful(_) => Ok(of(link)),
            Self::Player(..) => Ok(of(&player::as_played(link)?)),
        }
    }

    /// Of which sessions the optimum is one.
    pub fn sessions(&self, movie: &Movie) -> Sessions {
        match *self {
            Self::Faithful(_) => Sessions::Faithful,
            Self::Player(_, viewing) => {
                Sessions::Player { viewing, opening_bits: player::opening_bits(movie, viewing) }
            }
        }
    }

    /// By which scores a session is of the kind that the optimum is of: what is late pays for it by Q1, and no optimum does.
    pub fn has_optimum(&self, score: Score) -> bool {
        !(score == Score::Q1 && matches!(self, Self::Player(_, Viewing::Live)))
    }
}

/// There is no network, or no rule: nothing can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nothing;

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no trace or no rule to compare")
    }
}

impl std::error::Error for Nothing {}

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
/// A session that does not come to its end is told of as such, and its network is in no summary.
///
/// # Errors
/// [`Nothing`] if there is nothing to play.
pub fn compare(
    movie: &Movie,
    traces: &[Trace],
    contest: Contest<'_>,
    buffer_s: f64,
    enclosure: Enclosure,
    watch: &(dyn Fn(Phase, usize, usize) + Sync),
) -> Result<Comparison, Nothing> {
    let (rules, buffer_ms) = (contest.names(), buffer_s * 1000.0);
    if rules.is_empty() || traces.is_empty() {
        return Err(Nothing);
    }
    // The time is that of the machine, and nothing but its own figure depends on it.
    let began = Instant::now();
    let told = |phase: Phase, done: &AtomicUsize, of: usize| watch(phase, done.fetch_add(1, Ordering::Relaxed) + 1, of);
    let (done, of) = (AtomicUsize::new(0), rules.len() * traces.len());
    watch(Phase::Sessions, 0, of);
    let sessions = for_each_index(of, |index| {
        let (rule, trace) = (index / traces.len(), &traces[index % traces.len()]);
        let outcome = contest.session(rule, movie, &trace.link, buffer_ms);
        told(Phase::Sessions, &done, of);
        outcome.map(|outcome| (Metrics::of(&outcome, movie), outcome.first, outcome.levels))
    });
    let sessions_per_s = sessions.len() as f64 / began.elapsed().as_secs_f64();
    // What nobody plays has no limits either.
    let ended = |trace: &usize| (0..rules.len()).all(|rule| sessions[rule * traces.len() + trace].is_ok());
    let played = |trace: &usize| (0..rules.len()).any(|rule| sessions[rule * traces.len() + trace].is_ok());
    let wanted: Vec<usize> = (0..traces.len()).filter(|trace| enclosure != Enclosure::Open && played(trace)).collect();
    let done = AtomicUsize::new(0);
    let mut limits: Vec<Option<Limits>> = vec![None; traces.len()];
    watch(Phase::Limits, 0, wanted.len());
    let found = for_each_index(wanted.len(), |index| {
        let limits = contest.limits(movie, &traces[wanted[index]].link, buffer_ms, enclosure);
        told(Phase::Limits, &done, wanted.len());
        limits.ok()
    });
    for (trace, found) in wanted.iter().zip(found) {
        limits[*trace] = found;
    }
    let summary = summary(&contest, &sessions, &limits, &(0..traces.len()).filter(ended).collect::<Vec<_>>());
    let (mut runs, mut unplayed) = (Vec::new(), Vec::new());
    for (index, session) in sessions.into_iter().enumerate() {
        let (abr, trace) = (rules[index / traces.len()], traces[index % traces.len()].name.clone());
        let limits = limits[index % traces.len()].as_ref();
        match session {
            Ok((metrics, first, levels)) => runs.push(Run {
                trace,
                abr,
                metrics,
                first,
                levels,
                optimum: Scores::each(|score| limits?.best(score)),
                bound: Scores::each(|score| limits.filter(|_| first == 0)?.bound_after(score, metrics.startup_s)),
                ceiling: Scores::each(|score| limits?.foreseen(score)),
                normalised: Scores::each(|score| limits?.share(score, &metrics)),
            }),
            Err(why) => unplayed.push(NoRun { trace, abr, why }),
        }
    }
    let notes = notes(&summary, &unplayed);
    Ok(Comparison { runs, unplayed, summary, notes, sessions_per_s })
}

type Session = Result<(Metrics, usize, Vec<usize>), Unplayed>;

/// Every rule, over networks over which all of them came to the end.
fn summary(contest: &Contest<'_>, sessions: &[Session], limits: &[Option<Limits>], over: &[usize]) -> Vec<Summary> {
    let rules = contest.names();
    let of_rule = |rule: usize| -> Vec<Metrics> {
        let session = |trace: &usize| sessions[rule * limits.len() + trace].as_ref().ok().map(|(metrics, ..)| *metrics);
        over.iter().filter_map(session).collect()
    };
    let sessions: Vec<Vec<Metrics>> = (0..rules.len()).map(of_rule).collect();
    let limits: Option<Vec<&Limits>> = over.iter().map(|trace| limits[*trace].as_ref()).collect();
    let best = Scores::each(|score| {
        let total = |index: usize| sessions[index].iter().map(|metrics| score.of(metrics)).sum::<f64>();
        (0..rules.len()).max_by(|one, other| total(*one).total_cmp(&total(*other)).then(other.cmp(one))).unwrap_or(0)
    });
    let summary = rules.iter().zip(&sessions).map(|(rule, own)| {
        let over = |of: &dyn Fn(usize, &Metrics) -> f64| {
            let values: Vec<f64> = own.iter().enumerate().map(|(trace, metrics)| of(trace, metrics)).collect();
            Interval::of_mean(&values, SEED)
        };
        let known = |score: Score| limits.as_ref().filter(|_| contest.has_optimum(score));
        let regret = |score: Score| {
            let limits = known(score)?;
            over(&|trace, metrics| limits[trace].best(score).unwrap_or(0.0) - score.of(metrics))
        };
        let nothing = |score: Score| {
            let offers = known(score)?.iter().map(|limits| limits.offers(score));
            Some(offers.filter(|offers| *offers == Some(false)).count())
        };
        // Sessions have it all or none has.
        let following = |of: fn(&Metrics) -> Option<f64>| {
            let known = own.iter().all(|metrics| of(metrics).is_some());
            known.then(|| over(&|_, metrics| of(metrics).unwrap_or(0.0)))?
        };
        let behind = |score: Score| {
            let best = &sessions[*best.get(score)];
            over(&|trace, metrics| score.of(metrics) - score.of(&best[trace]))
        };
        let share = |score: Score| {
            let limits = known(score)?;
            let offers = limits.iter().any(|limits| limits.offers(score) == Some(true));
            let places = own.iter().zip(limits).map(|(metrics, limits)| limits.place(score, metrics));
            normalised(places.collect::<Option<Vec<_>>>().filter(|_| offers)?)
        };
        Some(Summary {
            abr: rule,
            traces: own.len(),
            nothing_to_be_had: Scores::each(nothing),
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
    // Without networks there are no means.
    summary.collect::<Option<Vec<_>>>().unwrap_or_default()
}

fn notes(summary: &[Summary], unplayed: &[NoRun]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(rule) = summary.first() {
        for (score, name) in [(Score::Q1, "Q1"), (Score::QoeLin, "QoE_lin")] {
            if let Some(nothing) = rule.nothing_to_be_had.get(score).filter(|nothing| *nothing > 0) {
                notes.push(format!(
                    "by {name} the optimum has next to nothing beyond the lowest level on {nothing} of {} traces: sessions over them \
                     have no normalised score of their own, and hardly weigh in those of the rules, which are ratios of sums",
                    rule.traces
                ));
            }
        }
    }
    if !unplayed.is_empty() {
        let mut traces: Vec<&str> = unplayed.iter().map(|session| session.trace.as_str()).collect();
        traces.sort_unstable();
        traces.dedup();
        let (sessions, traces) = (unplayed.len(), traces.len());
        notes.push(format!(
            "{sessions} sessions over {traces} traces did not come to their end: the summary is without these traces"
        ));
    }
    notes
}
