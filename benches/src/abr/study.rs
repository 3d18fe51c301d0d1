//! Every rule over every network.

use std::fmt;
use std::time::Instant;

use telecine_abr::DEFAULT_RULE;
use telecine_simulator::faithful::ROSTER;
use telecine_simulator::optimum::Sessions;
use telecine_simulator::player::{Contender, RULES};
use telecine_simulator::{for_each_index, Contest, Enclosure, Limits, Metrics, Outcome, Score};

use super::sets::{is_even, Collection, Mode, Set};
use super::speed::Speed;

/// Telecine's own rule in the faithful mode, with replacement, as it plays by default.
pub const DEFAULT_FAITHFUL: &str = "Foresight-FS";
/// A network is easy on which who always takes the lowest level stands for less than this, in seconds (abr.md 5.6).
const EASY_S: f64 = 1.0;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// The rules in the world of their authors' simulator.
    Faithful,
    /// The real engine, in virtual time.
    Player,
}

impl World {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Faithful, Self::Player];

    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faithful => "faithful",
            Self::Player => "player",
        }
    }

    /// The rules that are told of even and odd networks apart where there is room for few: the best three.
    pub fn told_apart(self) -> &'static [&'static str] {
        match self {
            Self::Faithful => &[DEFAULT_FAITHFUL, "Soda", "QuantileMpc"],
            Self::Player => &[DEFAULT_RULE, "soda", "quantile-mpc"],
        }
    }

    /// The rule that others are compared with.
    pub fn default_rule(self) -> &'static str {
        match self {
            Self::Faithful => DEFAULT_FAITHFUL,
            Self::Player => DEFAULT_RULE,
        }
    }
}

/// A session and what it is worth.
#[derive(Clone, Debug)]
pub struct Session {
    /// How it went.
    pub outcome: Outcome,
    /// What it is worth.
    pub metrics: Metrics,
}

/// All sessions of a rule.
#[derive(Clone, Debug)]
pub struct Played {
    /// The rule.
    pub rule: &'static str,
    /// One session for each network.
    pub sessions: Vec<Session>,
}

/// All rules in one world.
#[derive(Clone, Debug)]
pub struct Table {
    /// Who plays.
    pub world: World,
    /// By which scores the optimum is one of these sessions, in the order of [`Score::ALL`].
    has_optimum: [bool; 2],
    /// Of which sessions its optimum is one.
    pub sessions: Sessions,
    /// What can be had in it on each network.
    pub limits: Vec<Limits>,
    /// Every rule.
    pub rules: Vec<Played>,
}

impl Table {
    /// The rule that others are compared with.
    pub fn default_rule(&self) -> Option<&Played> {
        self.rule(self.world.default_rule())
    }

    /// The sessions of a rule.
    pub fn rule(&self, name: &str) -> Option<&Played> {
        self.rules.iter().find(|played| played.rule == name)
    }

    /// Whether sessions can be set against the optimum by a score.
    pub fn has_optimum(&self, score: Score) -> bool {
        Score::ALL.iter().zip(self.has_optimum).any(|(of, has)| *of == score && has)
    }
}

/// A network of a match.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Its name.
    pub name: String,
    /// Rules may be tuned on it.
    pub even: bool,
    /// The lowest level hardly stalls.
    pub easy: bool,
    /// What can be had on it in the faithful mode, which shares are of.
    pub limits: Limits,
}

/// A set watched in one way.
#[derive(Clone, Debug)]
pub struct Match {
    /// The set's place in the collection.
    pub set: usize,
    /// How it is watched.
    pub mode: Mode,
    /// Its networks.
    pub grounds: Vec<Ground>,
    /// Both worlds.
    pub tables: Vec<Table>,
}

impl Match {
    /// The table of a world.
    pub fn table(&self, world: World) -> Option<&Table> {
        self.tables.iter().find(|table| table.world == world)
    }
}

/// Everything that was played.
#[derive(Clone, Debug)]
pub struct Study {
    /// What it was played over.
    pub collection: Collection,
    /// The sets and modes.
    pub matches: Vec<Match>,
    /// How fast.
    pub speed: Speed,
}

/// A session that did not come to its end: a fault of the player.
#[derive(Clone, Debug)]
pub struct Unplayed(String);

impl fmt::Display for Unplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unplayed {}

impl Study {
    /// Plays a collection, on all cores, and tells of each part that is done. How fast such sessions are is measured apart.
    ///
    /// # Errors
    /// [`Unplayed`] if the player failed.
    pub fn of(collection: Collection, speed: Speed, tell: &dyn Fn(&str)) -> Result<Self, Unplayed> {
        let mut matches = Vec::new();
        for (index, set) in collection.sets.iter().enumerate() {
            for mode in set.modes {
                matches.push(Match { set: index, ..play(set, *mode, tell)? });
            }
        }
        Ok(Self { collection, matches, speed })
    }

    /// The set of a match.
    pub fn set(&self, of: &Match) -> &Set {
        &self.collection.sets[of.set]
    }

    /// A match by the names of its set and mode.
    pub fn find(&self, set: &str, mode: &str) -> Option<&Match> {
        self.matches.iter().find(|found| self.set(found).name == set && found.mode.name == mode)
    }
}

fn play(set: &Set, mode: Mode, tell: &dyn Fn(&str)) -> Result<Match, Unplayed> {
    let roster: Vec<_> = ROSTER.iter().collect();
    let rules: Vec<_> = RULES.iter().map(|rule| Contender::of(rule)).chain([Contender::WITHOUT_REPLACEMENT]).collect();
    let buffer_ms = mode.buffer_s * 1000.0;
    let mut tables = Vec::new();
    for world in World::ALL {
        let contest = match world {
            World::Faithful => Contest::Faithful(&roster),
            World::Player => Contest::Player(&rules, mode.viewing),
        };
        let (names, traces) = (contest.names(), set.traces.len());
        let unplayed =
            |trace: &str, by: &str, why| Unplayed(format!("'{trace}' of {} {} by '{by}': {why}", set.name, mode.name));
        let began = Instant::now();
        let limits = for_each_index(traces, |index| {
            let trace = &set.traces[index];
            let limits = contest.limits(&set.movie, &trace.link, buffer_ms, Enclosure::Both);
            limits.map_err(|why| unplayed(&trace.name, "all", why))
        });
        let limits = limits.into_iter().collect::<Result<Vec<_>, _>>()?;
        tell(&format!(
            "{} {}, {}: optimum, bound and ceiling of {traces} networks in {:.1} s",
            set.name,
            mode.name,
            world.name(),
            began.elapsed().as_secs_f64()
        ));
        let began = Instant::now();
        let sessions = for_each_index(names.len() * traces, |index| {
            let (rule, trace) = (index / traces, &set.traces[index % traces]);
            let outcome = contest.session(rule, &set.movie, &trace.link, buffer_ms);
            let outcome = outcome.map_err(|why| unplayed(&trace.name, names[rule], why))?;
            Ok(Session { metrics: Metrics::of(&outcome, &set.movie), outcome })
        });
        let mut sessions = sessions.into_iter().collect::<Result<Vec<_>, Unplayed>>()?.into_iter();
        let rules: Vec<Played> =
            names.iter().map(|rule| Played { rule, sessions: sessions.by_ref().take(traces).collect() }).collect();
        tell(&format!(
            "{} {}, {}: {} sessions in {:.1} s",
            set.name,
            mode.name,
            world.name(),
            names.len() * traces,
            began.elapsed().as_secs_f64()
        ));
        let has_optimum = Score::ALL.map(|score| contest.has_optimum(score));
        tables.push(Table { world, has_optimum, sessions: contest.sessions(&set.movie), limits, rules });
    }
    let shares_of = tables.iter().find(|table| table.world == World::Faithful);
    let limits = shares_of.map(|table| table.limits.clone()).unwrap_or_default();
    let ground = |(trace, limits): (&telecine_simulator::Trace, Limits)| Ground {
        name: trace.name.clone(),
        even: is_even(&trace.name),
        easy: limits.lowest.stall_s < EASY_S,
        limits,
    };
    let grounds = set.traces.iter().zip(limits).map(ground).collect();
    Ok(Match { set: 0, mode, grounds, tables })
}
