//! What a rule comes to over the networks of a set.

use serde::Serialize;
use telecine_simulator::{normalised, Interval, Metrics, Score, Scores};

use super::study::{Ground, Played, Session, Table};

/// Draws of all intervals begin here: the same sessions have the same intervals.
const SEED: u64 = 5;

/// Which networks of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Every one.
    All,
    /// Those that rules may be tuned on.
    Even,
    /// The others. What was chosen on all is told in the introduction of the report.
    Odd,
    /// Those on which the lowest level stalls for less than a second.
    Easy,
}

impl Split {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::All, Self::Even, Self::Odd, Self::Easy];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Even => "even",
            Self::Odd => "odd",
            Self::Easy => "easy",
        }
    }

    /// The places of its networks.
    pub fn of(self, grounds: &[Ground]) -> Vec<usize> {
        let is_of = |ground: &Ground| match self {
            Self::All => true,
            Self::Even => ground.even,
            Self::Odd => !ground.even,
            Self::Easy => ground.easy,
        };
        grounds.iter().enumerate().filter(|(_, ground)| is_of(ground)).map(|(place, _)| place).collect()
    }
}

/// What happened to a rule, and what it is worth. Means are over sessions; intervals are of 95 %.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tally {
    /// Sessions.
    pub sessions: usize,
    /// Mean bitrate, start and stalls included.
    pub mean_kbps: Interval,
    /// Stall a session.
    pub stall_s: Interval,
    /// Stalls a session.
    pub stalls: f64,
    /// Share of the time after the start in which playback stood.
    pub stall_ratio: f64,
    /// Time to the first picture: mean.
    pub startup_s: f64,
    /// And what 95 of 100 sessions have at most.
    pub startup_p95_s: f64,
    /// Changes of level in a minute of content.
    pub switches_per_min: f64,
    /// Change of bitrate a segment.
    pub mean_switch_kbps: f64,
    /// Quality from 0 to 1.
    pub mean_quality: Interval,
    /// Share of the bits that arrived and were not played.
    pub wasted_share: f64,
    /// Requests that were given up, a session.
    pub given_up: f64,
    /// Buffered segments that were fetched again, a session.
    pub replaced: f64,
    /// Seconds by which live sessions of the player were later than aimed at; null for others.
    pub excess_latency_s: Option<f64>,
    /// `|1 - speed|` of those.
    pub speed_change: Option<f64>,
    /// The primary score.
    pub q1: Interval,
    /// Five of a hundred sessions get no more than this of it.
    pub q1_p5: f64,
    /// QoE_lin.
    pub qoe_lin: Interval,
    /// The score of the rules' authors.
    pub sabre_score: Interval,
    /// What it falls short of the optimum; null where that is not known.
    pub regret: Scores<Option<f64>>,
    /// Its share of what can be had beyond the lowest level in the faithful mode; null where nothing can be had, or the optimum is
    /// not known.
    pub normalised: Scores<Option<f64>>,
    /// Its difference to the default rule, network by network.
    pub to_default: Difference,
}

/// Differences of pairs of sessions over the same networks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Of the primary score.
    pub q1: Interval,
    /// Of QoE_lin.
    pub qoe_lin: Interval,
    /// Of the score of the rules' authors.
    pub sabre_score: Interval,
    /// Of stall in seconds.
    pub stall_s: Interval,
}

impl Difference {
    /// Of one rule to another over some networks; None for no networks.
    pub fn between(one: &Played, other: &Played, places: &[usize]) -> Option<Self> {
        let over = |of: fn(&Metrics) -> f64| {
            let difference = |place: &usize| of(&one.sessions[*place].metrics) - of(&other.sessions[*place].metrics);
            Interval::of_mean(&places.iter().map(difference).collect::<Vec<f64>>(), SEED)
        };
        Some(Self {
            q1: over(|metrics| metrics.q1)?,
            qoe_lin: over(|metrics| metrics.qoe_lin)?,
            sabre_score: over(|metrics| metrics.sabre_score)?,
            stall_s: over(|metrics| metrics.stall_s)?,
        })
    }
}

impl Tally {
    /// Of a rule over some networks of a match; None for no networks.
    pub fn of(played: &Played, table: &Table, grounds: &[Ground], places: &[usize]) -> Option<Self> {
        let sessions: Vec<&Session> = places.iter().map(|place| &played.sessions[*place]).collect();
        if sessions.is_empty() {
            return None;
        }
        let values =
            |of: fn(&Metrics) -> f64| sessions.iter().map(|session| of(&session.metrics)).collect::<Vec<f64>>();
        let interval = |of: fn(&Metrics) -> f64| Interval::of_mean(&values(of), SEED);
        let mean = |of: &dyn Fn(&Session) -> f64| {
            sessions.iter().map(|session| of(session)).sum::<f64>() / sessions.len() as f64
        };
        let sum = |of: fn(&Metrics) -> f64| values(of).iter().sum::<f64>();
        let known = |of: fn(&Metrics) -> Option<f64>| {
            let all: Option<Vec<f64>> = sessions.iter().map(|session| of(&session.metrics)).collect();
            all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
        };
        let at_place = |score: Score| {
            let wanted = table.has_optimum(score);
            places.iter().map(move |place| {
                wanted.then(|| grounds[*place].limits.place(score, &played.sessions[*place].metrics)).flatten()
            })
        };
        let arrived = |session: &Session| session.outcome.requests.iter().map(|request| request.bits).sum::<f64>();
        let bits = mean(&arrived);
        let stall = sum(|metrics| metrics.stall_s);
        Some(Self {
            sessions: sessions.len(),
            mean_kbps: interval(|metrics| metrics.mean_kbps)?,
            stall_s: interval(|metrics| metrics.stall_s)?,
            stalls: mean(&|session| session.metrics.stalls as f64),
            stall_ratio: stall / (stall + sum(|metrics| metrics.content_s)),
            startup_s: mean(&|session| session.metrics.startup_s),
            startup_p95_s: quantile(values(|metrics| metrics.startup_s), 0.95),
            switches_per_min: 60.0 * sum(|metrics| metrics.switches as f64) / sum(|metrics| metrics.content_s),
            mean_switch_kbps: mean(&|session| session.metrics.mean_switch_kbps),
            mean_quality: interval(|metrics| metrics.mean_quality)?,
            wasted_share: if bits > 0.0 { mean(&|session| session.metrics.wasted_bits) / bits } else { 0.0 },
            given_up: mean(&|session| session.outcome.given_up as f64),
            replaced: mean(&|session| session.outcome.replaced as f64),
            excess_latency_s: known(|metrics| metrics.excess_latency_s),
            speed_change: known(|metrics| metrics.speed_change),
            q1: interval(|metrics| metrics.q1)?,
            q1_p5: quantile(values(|metrics| metrics.q1), 0.05),
            qoe_lin: interval(|metrics| metrics.qoe_lin)?,
            sabre_score: interval(|metrics| metrics.sabre_score)?,
            regret: Scores::each(|score| {
                let regret = |place: &usize| {
                    Some(table.limits[*place].best(score)? - score.of(&played.sessions[*place].metrics))
                };
                let regrets: Vec<f64> = places.iter().map(regret).collect::<Option<_>>()?;
                Some(regrets.iter().sum::<f64>() / regrets.len() as f64)
            }),
            normalised: Scores::each(|score| normalised(at_place(score).collect::<Option<Vec<_>>>()?)),
            to_default: Difference::between(played, table.default_rule()?, places)?,
        })
    }
}

/// What could be had over some networks by sessions of a table, as rules are tallied.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ceilings {
    /// Mean score of the best sessions known: they can be played.
    pub optimum: Scores<Option<f64>>,
    /// Mean stall of those.
    pub optimum_stall_s: Scores<Option<f64>>,
    /// Mean of what no session passes that begins no later than the last of the table on the same network.
    pub bound: Scores<Option<f64>>,
    /// Mean score of who foresees five segments.
    pub ceiling: Scores<Option<f64>>,
    /// Normalised as rules are.
    pub optimum_normalised: Scores<Option<f64>>,
    /// Normalised as rules are: none of these sessions can have more than this.
    pub bound_normalised: Scores<Option<f64>>,
    /// Normalised as rules are.
    pub ceiling_normalised: Scores<Option<f64>>,
}

impl Ceilings {
    /// Over some networks of a match.
    pub fn of(table: &Table, grounds: &[Ground], places: &[usize]) -> Self {
        let mean = |value: &dyn Fn(usize) -> Option<f64>| {
            let values: Vec<f64> = places.iter().map(|place| value(*place)).collect::<Option<_>>()?;
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let share = |score: Score, value: &dyn Fn(usize) -> Option<f64>| {
            let place = |place: &usize| {
                let limits = &grounds[*place].limits;
                Some((value(*place)?, score.of(&limits.lowest), limits.best(score)?))
            };
            normalised(places.iter().map(place).collect::<Option<Vec<_>>>()?)
        };
        let last = |place: usize| {
            let starts = table.rules.iter().map(|played| played.sessions[place].metrics.startup_s);
            starts.fold(0.0, f64::max)
        };
        let optimum = |score: Score| move |place: usize| table.limits[place].best(score);
        let stall = |score: Score| {
            move |place: usize| table.limits[place].optimum.get(score).as_ref().map(|best| best.stall_ms / 1000.0)
        };
        let bound = |score: Score| move |place: usize| table.limits[place].bound_after(score, last(place));
        let ceiling = |score: Score| move |place: usize| table.limits[place].foreseen(score);
        Self {
            optimum: Scores::each(|score| mean(&optimum(score))),
            optimum_stall_s: Scores::each(|score| mean(&stall(score))),
            bound: Scores::each(|score| mean(&bound(score))),
            ceiling: Scores::each(|score| mean(&ceiling(score))),
            optimum_normalised: Scores::each(|score| share(score, &optimum(score))),
            bound_normalised: Scores::each(|score| share(score, &bound(score))),
            ceiling_normalised: Scores::each(|score| share(score, &ceiling(score))),
        }
    }
}

/// The value that so large a share of all does not pass. None of the callers has no values.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
}
