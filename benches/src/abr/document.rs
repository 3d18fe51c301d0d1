//! The report as numbers: what `report.json` holds, and what the other two forms are written from.

use serde::Serialize;
use telecine_simulator::{Metrics, Score, Scores};

use super::checks::{checks, Check};
use super::speed::Speed;
use super::study::{Match, Study, Table};
use super::tally::{Ceilings, Split, Tally};

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The version of what was measured.
    pub telecine: &'static str,
    /// Whether all of every set was played.
    pub whole: bool,
    /// Sets that were not there.
    pub missing: Vec<&'static str>,
    /// What was asked for, and what came of it.
    pub checks: Vec<Check>,
    /// What was measured with a clock.
    pub speed: Speed,
    /// Every set in every mode.
    pub matches: Vec<MatchEntry>,
}

/// A set in one mode.
#[derive(Clone, Debug, Serialize)]
pub struct MatchEntry {
    /// The set's name.
    pub set: &'static str,
    /// `vod` or `live`.
    pub mode: &'static str,
    /// Media that the buffer takes.
    pub buffer_s: f64,
    /// Segments that are played.
    pub segments: usize,
    /// Media in each.
    pub segment_s: f64,
    /// How many networks the whole set has; those that were played are below.
    pub of: usize,
    /// The networks, and what can be had on each.
    pub traces: Vec<TraceEntry>,
    /// Both worlds.
    pub tables: Vec<TableEntry>,
}

/// A network of a match.
#[derive(Clone, Debug, Serialize)]
pub struct TraceEntry {
    /// Its name.
    pub name: String,
    /// Rules may be tuned on it.
    pub even: bool,
    /// The lowest level stalls for less than a second.
    pub easy: bool,
    /// What the lowest level gets.
    pub lowest: Scores<f64>,
    /// The best sessions known of the faithful mode; they can be played.
    pub optimum: Scores<Option<f64>>,
}

/// Something over networks of a kind.
#[derive(Clone, Debug, Serialize)]
pub struct Kind<T> {
    /// Which.
    pub split: Split,
    /// What.
    #[serde(flatten)]
    pub of: T,
}

/// All rules in one world.
#[derive(Clone, Debug, Serialize)]
pub struct TableEntry {
    /// `faithful` or `player`.
    pub world: &'static str,
    /// The rule that others are compared with.
    pub default_rule: &'static str,
    /// What can be had over networks of each kind.
    pub ceilings: Vec<Kind<Ceilings>>,
    /// What can be had on each network, in their order.
    pub limits: Vec<LimitsEntry>,
    /// Every rule, the losers too.
    pub rules: Vec<RuleEntry>,
}

/// What can be had by sessions of a table on a network.
#[derive(Clone, Debug, Serialize)]
pub struct LimitsEntry {
    /// The best sessions known; they can be played.
    pub optimum: Scores<Option<f64>>,
    /// No session has more that begins no later than the optimum.
    pub bound: Scores<Option<f64>>,
    /// Five segments foreseen.
    pub ceiling: Scores<Option<f64>>,
}

/// A rule.
#[derive(Clone, Debug, Serialize)]
pub struct RuleEntry {
    /// Its name.
    pub rule: &'static str,
    /// What it comes to over networks of each kind that there are.
    pub over: Vec<Kind<Tally>>,
    /// Each session, in the order of the networks.
    pub sessions: Vec<SessionEntry>,
}

/// A session.
#[derive(Clone, Debug, Serialize)]
pub struct SessionEntry {
    /// What happened.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Its share of what can be had beyond the lowest level in the faithful mode; null where that is next to nothing.
    pub normalised: Scores<Option<f64>>,
}

impl RuleEntry {
    /// What it comes to over networks of a kind; None where there are none.
    pub fn over(&self, split: Split) -> Option<&Tally> {
        self.over.iter().find(|kind| kind.split == split).map(|kind| &kind.of)
    }
}

impl TableEntry {
    /// What can be had over networks of a kind.
    pub fn ceilings(&self, split: Split) -> Option<&Ceilings> {
        self.ceilings.iter().find(|kind| kind.split == split).map(|kind| &kind.of)
    }
}

impl Document {
    /// The report of a study.
    pub fn of(study: &Study) -> Self {
        Self {
            telecine: env!("CARGO_PKG_VERSION"),
            whole: study.collection.is_whole(),
            missing: study.collection.missing.clone(),
            checks: checks(study),
            speed: study.speed,
            matches: study.matches.iter().map(|found| entry(study, found)).collect(),
        }
    }
}

fn entry(study: &Study, found: &Match) -> MatchEntry {
    let set = study.set(found);
    MatchEntry {
        set: set.name,
        mode: found.mode.name,
        buffer_s: found.mode.buffer_s,
        segments: set.movie.segments(),
        segment_s: set.movie.segment_ms() / 1000.0,
        of: set.of,
        traces: (found.grounds.iter())
            .map(|ground| TraceEntry {
                name: ground.name.clone(),
                even: ground.even,
                easy: ground.easy,
                lowest: Scores::each(|score| score.of(&ground.limits.lowest)),
                optimum: Scores::each(|score| ground.limits.best(score)),
            })
            .collect(),
        tables: found.tables.iter().map(|table| table_entry(found, table)).collect(),
    }
}

fn table_entry(found: &Match, table: &Table) -> TableEntry {
    let rules = table.rules.iter().map(|played| {
        let over = Split::ALL.into_iter().filter_map(|split| {
            let of = Tally::of(played, table, &found.grounds, &split.of(&found.grounds))?;
            Some(Kind { split, of })
        });
        let sessions = played.sessions.iter().zip(&found.grounds).map(|(session, ground)| SessionEntry {
            metrics: session.metrics,
            normalised: Scores::each(|score: Score| {
                ground.limits.share(score, &session.metrics).filter(|_| table.has_optimum(score))
            }),
        });
        RuleEntry { rule: played.rule, over: over.collect(), sessions: sessions.collect() }
    });
    let kinds = Split::ALL.map(|split| (split, split.of(&found.grounds))).into_iter().filter(|(_, of)| !of.is_empty());
    let limits = table.limits.iter().map(|limits| LimitsEntry {
        optimum: Scores::each(|score| limits.best(score)),
        bound: Scores::each(|score| limits.bound_after(score, 0.0)),
        ceiling: Scores::each(|score| limits.foreseen(score)),
    });
    TableEntry {
        world: table.world.name(),
        default_rule: table.world.default_rule(),
        ceilings: kinds.map(|(split, of)| Kind { split, of: Ceilings::of(table, &found.grounds, &of) }).collect(),
        limits: limits.collect(),
        rules: rules.collect(),
    }
}
