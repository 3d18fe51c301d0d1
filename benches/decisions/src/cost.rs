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
    first: Vec<f64>,
    /// The other choices.
    choices: Vec<f64>,
    /// What it was asked and told between: whether to fetch again, whether to give up.
    between: Vec<f64>,
}

/// The same in figures: microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Choices a session: one for each segment, and again after each pause for room.
    pub choices: f64,
    /// All calls of the rule a session: what is asked while a request is under way too.
    pub calls: f64,
    /// A session's first choice that is one, on average: tables are made for it.
    pub first: f64,
    /// A choice, the first ones too, on average.
    pub choice: f64,
    /// What 99 % of the choices do not exceed.
    pub choice_p99: f64,
    /// A call, of all of them.
    pub call: f64,
    /// What no call but a session's first choice exceeds.
    pub most: f64,
    /// All calls of a session.
    pub session: f64,
}

impl Cost {
    /// These sessions and those.
    pub fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.first.extend(other.first);
        self.choices.extend(other.choices);
        self.between.extend(other.between);
    }

    /// In figures; all zero without a session.
    pub fn figures(&self) -> Figures {
        let mut choices = [self.first.as_slice(), self.choices.as_slice()].concat();
        choices.sort_by(f64::total_cmp);
        let p99 = choices.get((0.99 * choices.len() as f64) as usize).copied().unwrap_or_default();
        let each = |sum: f64, of: usize| if of == 0 { 0.0 } else { sum / of as f64 };
        let chosen: f64 = choices.iter().sum();
        let all = chosen + self.between.iter().sum::<f64>();
        let calls = choices.len() + self.between.len();
        Figures {
            choices: each(choices.len() as f64, self.sessions),
            calls: each(calls as f64, self.sessions),
            first: each(self.first.iter().sum(), self.first.len()),
            choice: each(chosen, choices.len()),
            choice_p99: p99,
            call: each(all, calls),
            most: self.choices.iter().chain(&self.between).copied().fold(0.0, f64::max),
            session: each(all, self.sessions),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Choose,
    Between,
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
        self.time(Kind::Between, |rule| rule.again(ctx, waiting))
    }

    fn on_downloaded(&mut self, ctx: &Context<'_>, downloaded: &Downloaded) {
        self.time(Kind::Between, |rule| rule.on_downloaded(ctx, downloaded));
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        self.time(Kind::Between, |rule| rule.should_abandon(ctx, progress))
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
    // The longest of the first choices: before anything is known there may be nothing to reckon with.
    let early = shortest.iter().enumerate().filter(|(_, (kind, _))| *kind == Kind::Choose).take(3);
    let first = early.max_by(|one, other| one.1 .1.total_cmp(&other.1 .1)).map(|(place, _)| place)?;
    let first = vec![shortest.remove(first).1];
    let of = |wanted: Kind| shortest.iter().filter(|(kind, _)| *kind == wanted).map(|(_, took)| *took).collect();
    Some(Cost { sessions: 1, first, choices: of(Kind::Choose), between: of(Kind::Between) })
}
