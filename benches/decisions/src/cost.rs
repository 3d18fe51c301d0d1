//! What deciding costs.

use std::sync::{Arc, Mutex};

use telecine_abr::{rule_by_name, Again, BitrateRule, Choice, Context, Downloaded, Progress, Waiting};
use telecine_engine::{Engine, Policies};
use telecine_simulator::player::{config, play};
use telecine_simulator::{Link, Movie};

use crate::Mode;

/// Tells a moment in microseconds.
pub type Clock = fn() -> f64;

/// So often each session is played. Every time the same is decided, and of each call the shortest time counts: what else
/// the machine did at the time is none of the rule's.
const ROUNDS: usize = 5;

/// What a rule's calls cost in sessions, each of a player that has played nothing before.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    sessions: usize,
    decisions: usize,
    first: Vec<f64>,
    calls: Vec<f64>,
}

/// The same in figures: microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Segments that were decided on, a session.
    pub decisions: f64,
    /// Calls of the rule, a session: to choose, to fetch again, to give up.
    pub calls: f64,
    /// A session's first choice that is one, on average: tables are made for it.
    pub first: f64,
    /// All that the rule was called for, the first choices too, for each segment.
    pub mean: f64,
    /// What half of the calls do not exceed,
    pub median: f64,
    /// ... 99 % of them,
    pub p99: f64,
    /// ... and none but a session's first.
    pub most: f64,
}

impl Cost {
    /// These sessions and those.
    pub fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.decisions += other.decisions;
        self.first.extend(other.first);
        self.calls.extend(other.calls);
    }

    /// In figures; all zero without a session.
    pub fn figures(&self) -> Figures {
        let mut later = self.calls.clone();
        later.sort_by(f64::total_cmp);
        let mut all = [self.first.as_slice(), self.calls.as_slice()].concat();
        all.sort_by(f64::total_cmp);
        let quantile = |share: f64| all.get((share * all.len() as f64) as usize).copied().unwrap_or_default();
        let each = |sum: f64, of: usize| if of == 0 { 0.0 } else { sum / of as f64 };
        Figures {
            decisions: each(self.decisions as f64, self.sessions),
            calls: each(all.len() as f64, self.sessions),
            first: each(self.first.iter().sum(), self.first.len()),
            mean: each(all.iter().sum(), self.decisions),
            median: quantile(0.5),
            p99: quantile(0.99),
            most: later.last().copied().unwrap_or_default(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Choose,
    Beside,
}

type Calls = Arc<Mutex<Vec<(Kind, f64)>>>;

/// A rule whose calls are timed.
struct Timed {
    rule: Box<dyn BitrateRule>,
    clock: Clock,
    calls: Calls,
}

impl Timed {
    fn time<T>(&mut self, kind: Kind, work: impl FnOnce(&mut dyn BitrateRule) -> T) -> T {
        let began = (self.clock)();
        let result = work(self.rule.as_mut());
        let took = (self.clock)() - began;
        if let Ok(mut calls) = self.calls.lock() {
            calls.push((kind, took));
        }
        result
    }
}

impl BitrateRule for Timed {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        self.time(Kind::Choose, |rule| rule.choose(ctx))
    }

    fn again(&mut self, ctx: &Context<'_>, waiting: &[Waiting]) -> Option<Again> {
        self.time(Kind::Beside, |rule| rule.again(ctx, waiting))
    }

    fn on_downloaded(&mut self, ctx: &Context<'_>, downloaded: &Downloaded) {
        self.time(Kind::Beside, |rule| rule.on_downloaded(ctx, downloaded));
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        self.time(Kind::Beside, |rule| rule.should_abandon(ctx, progress))
    }

    fn on_seek(&mut self) {
        self.rule.on_seek();
    }

    fn on_stall(&mut self) {
        self.rule.on_stall();
    }
}

/// What one of the player's rules costs in a session; None if there is no such rule, or the session failed.
pub fn cost(rule: &str, movie: &Movie, link: &Link, mode: Mode, clock: Clock) -> Option<Cost> {
    let mut shortest: Vec<(Kind, f64)> = Vec::new();
    for _ in 0..ROUNDS {
        let calls = Calls::default();
        let rule = rule_by_name(rule)?;
        let setup = mode.player();
        let config = config(movie, &setup);
        let mut policies = Policies::new(&config);
        policies.rule = Box::new(Timed { rule, clock, calls: Arc::clone(&calls) });
        play(Engine::with_policies(config, policies), movie, link, &setup).ok()?;
        let calls = calls.lock().ok()?.clone();
        if shortest.is_empty() {
            shortest = calls;
        } else {
            shortest.iter_mut().zip(calls).for_each(|(least, (_, took))| least.1 = least.1.min(took));
        }
    }
    let decisions = shortest.iter().filter(|(kind, _)| *kind == Kind::Choose).count();
    // The longest of the first choices: before anything is known there may be nothing to reckon with.
    let early = shortest.iter().enumerate().filter(|(_, (kind, _))| *kind == Kind::Choose).take(3);
    let first = early.max_by(|one, other| one.1 .1.total_cmp(&other.1 .1)).map(|(place, _)| place)?;
    let first = shortest.remove(first).1;
    Some(Cost {
        sessions: 1,
        decisions,
        first: vec![first],
        calls: shortest.into_iter().map(|(_, took)| took).collect(),
    })
}
