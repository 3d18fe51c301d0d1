//! A title with what is played in the middle of it: HLS interstitials (rfc8216bis, Appendix D) and alternative MPDs of DASH
//! (ISO/IEC 23009-1, 5.16).
//!
//! One engine plays the title, and one more each asset of an interstitial. There is one sink. Its timeline is what the viewer
//! saw so far; each engine's own is laid onto it where it plays ([`line`]), so that one follows the other without a seam:
//! the title is played to an end ([`SetEnd`](crate::Command::SetEnd)), what comes is handed on behind it, and the title goes on behind that
//! ([`GoOn`](crate::Command::GoOn)). Only where the title goes on in the middle of a segment is the sink emptied and moved.
//!
//! - [`plan`] keeps what is known of interstitials, and says which is next.
//! - [`steps`] leads from one engine to the next: [`assets`] to those of an interstitial, [`turn`] back to the title.
//! - [`viewer`] does what the application asks for.
//! - [`orders`] lets through to the sink what is its turn, [`pause`] is an interstitial under way.
//! - [`lists`] asks for asset lists, [`roll`] plays an asset.

mod assets;
mod line;
mod lists;
mod orders;
mod pause;
mod plan;
mod roll;
mod shown;
mod standing;
mod steps;
mod turn;
mod viewer;

use std::collections::VecDeque;
use std::sync::Arc;

use telecine_model::interstitial::Interstitial;
use telecine_model::rng::Rng;
use telecine_model::{Error, MediaTime, SortedSet, Timestamp, TrackKind, WallTime};

use self::line::{Gate, Line};
use self::lists::Lists;
use self::orders::SinkState;
use self::pause::{Coming, Part, Pause};
use self::plan::{Learnt, Plan};
pub use self::shown::{InterstitialEnd, InterstitialPhase, InterstitialSnapshot};
use self::standing::Standing;
use crate::action::Action;
use crate::engine::{Engine, Snapshot};
use crate::event::{Event, State, TimedPhase};
use crate::input::{Capabilities, Environment, Input, NetworkEvent, SinkReport};
use crate::keys::KeySetup;

/// Plays a title and its interstitials: what hosts drive in place of an [`Engine`], in the same way.
///
/// A title without interstitials is played by its [engine](Self::engine) as if this were not there. Where one is played, the
/// title is held; its timeline, position and live edge stay its own, and what is told of it goes on being so. What the viewer
/// sees meanwhile is told by [`Event::Interstitial`] and [`Event::Asset`]; [`Event::State`] is always what the viewer sees.
///
/// What an interstitial plays may fail, be slow or be nothing: it is left out, and the title goes on.
///
/// ```
/// use telecine_engine::{Action, Command, Config, Engine, Input, Programme};
/// use telecine_model::Timestamp;
///
/// let mut programme = Programme::new(Engine::new(Config::default()));
/// let load = Command::Load { url: "https://cdn.example/title.m3u8".into(), start: None };
/// programme.handle(Input::Command(load), Timestamp::ZERO);
/// let requests = std::iter::from_fn(|| programme.poll()).filter(|action| matches!(action, Action::Fetch(_)));
/// assert_eq!(requests.count(), 1);
/// ```
pub struct Programme {
    main: Engine,
    /// The title's way to the sink.
    line: Line,
    plan: Plan,
    lists: Lists,
    /// The interstitial that is prepared or played.
    pause: Option<Pause>,
    outbox: VecDeque<Action>,
    now: Timestamp,
    sink: SinkState,
    /// What engines of assets are to know.
    capabilities: Option<Capabilities>,
    clock: Option<(WallTime, u32, Timestamp)>,
    /// The application wants it to play.
    wanted: bool,
    /// The speed that the application asked for.
    rate_milli: u32,
    /// Where the application wants the title to end.
    wanted_end: Option<MediaTime>,
    /// What the viewer sees, as was told.
    state: State,
    rng: Rng,
    /// Names the session to asset lists.
    session: String,
    /// Engines made so far.
    serials: u64,
    /// Of what engines of assets did.
    asides_hash: u64,
    /// Something else is to be done then.
    alarm: Option<Timestamp>,
    /// Kinds of which the title has no more, and the sink was not told: something follows.
    untold_ends: SortedSet<TrackKind>,
    /// Nothing of the title was handed to the sink yet: something may come before it.
    beginning: bool,
    /// Where the viewer waits and no engine of the title says so.
    standing: Standing,
}

impl Programme {
    /// Plays titles with this engine, and the assets of their interstitials with others that are configured alike. Policies
    /// of the application's own are the given engine's alone.
    pub fn new(engine: Engine) -> Self {
        let mut rng = Rng::new(engine.config.seed ^ 0x1257_e257_1713_0000);
        let session = uuid(&mut rng);
        Self {
            main: engine,
            line: Line::new(0, Gate::Open, String::new()),
            plan: Plan::default(),
            lists: Lists::default(),
            pause: None,
            outbox: VecDeque::new(),
            now: Timestamp::ZERO,
            sink: SinkState::default(),
            capabilities: None,
            clock: None,
            wanted: false,
            rate_milli: 1000,
            wanted_end: None,
            state: State::Idle,
            rng,
            session,
            serials: 0,
            asides_hash: 0,
            alarm: None,
            untold_ends: SortedSet::new(),
            beginning: false,
            standing: Standing::default(),
        }
    }

    /// Takes one input that happened at `now`: see [`Engine::handle`].
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.now = self.now.max(now);
        if self.alarm.is_some_and(|alarm| alarm <= self.now) {
            self.alarm = None;
        }
        match input {
            Input::Command(command) => self.on_command(command),
            Input::Network(event) => self.on_network(event),
            Input::Sink(report) => self.on_sink(report),
            Input::Cdm(event) => self.main.handle(Input::Cdm(event), self.now),
            Input::Environment(environment) => {
                match &environment {
                    Environment::Capabilities(capabilities) => self.capabilities = Some(capabilities.clone()),
                    Environment::WallClock { time, uncertainty_ms } => {
                        self.clock = Some((*time, *uncertainty_ms, self.now));
                    }
                    Environment::Pressure(_) | Environment::Network(_) => {}
                }
                for roll in self.pause.iter_mut().flat_map(|pause| &mut pause.rolls) {
                    roll.engine.handle(Input::Environment(environment.clone()), self.now);
                }
                self.main.handle(Input::Environment(environment), self.now);
            }
            Input::Timer => {
                for roll in self.pause.iter_mut().flat_map(|pause| &mut pause.rolls) {
                    if roll.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
                        roll.engine.handle(Input::Timer, self.now);
                    }
                }
                self.main.handle(Input::Timer, self.now);
            }
        }
        self.settle();
    }

    /// The next thing for the host to do, until there is none.
    pub fn poll(&mut self) -> Option<Action> {
        self.outbox.pop_front()
    }

    /// When to call [`Programme::handle`] with [`Input::Timer`] if nothing happens before.
    pub fn deadline(&self) -> Option<Timestamp> {
        let rolls = self.pause.iter().flat_map(|pause| &pause.rolls).filter_map(|roll| roll.engine.deadline());
        self.main.deadline().into_iter().chain(rolls).chain(self.alarm).min()
    }

    /// The engine that plays the title, to be asked what it knows.
    pub fn engine(&self) -> &Engine {
        &self.main
    }

    /// Takes keys and key systems for the next title: see [`Engine::set_keys`]. Assets of interstitials have none.
    pub fn set_keys(&mut self, setup: KeySetup) {
        self.main.set_keys(setup);
    }

    /// What was recorded since the last call: see [`Engine::take_recording`]. It is of the title; what its interstitials
    /// play is not in it.
    pub fn take_recording(&mut self) -> Vec<u8> {
        self.main.take_recording()
    }

    /// The hash of what every engine did so far: equal for equal inputs, on every platform.
    pub fn action_hash(&self) -> u64 {
        self.main.action_hash() ^ self.asides_hash
    }

    /// The interstitials of the title that are known, by their start: for marks on a seek bar.
    pub fn interstitials(&self) -> Vec<Arc<Interstitial>> {
        self.plan.all()
    }

    /// The state of everything that a viewer or an engineer may want to see. While an interstitial is played, position,
    /// duration and live edge are the title's, and streams are the asset's.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let now = now.max(self.now);
        let mut snapshot = self.main.snapshot(now);
        snapshot.state = self.state;
        let Some(pause) = self.pause.as_ref().filter(|pause| pause.on) else { return snapshot };
        // It may be told already where it is to go on.
        let ahead = snapshot.position - pause.cut;
        snapshot.position = pause.cut;
        if let Some(latency) = snapshot.edge.as_mut().and_then(|edge| edge.latency.as_mut()) {
            *latency += ahead;
        }
        let roll = pause.rolls.front();
        if let Some(roll) = roll {
            let shown = roll.engine.snapshot(now);
            snapshot.streams = shown.streams;
            snapshot.throughput = shown.throughput.or(snapshot.throughput);
            snapshot.network = shown.network.or(snapshot.network);
        }
        let part = pause.parts.get(pause.part());
        let what = part.map(|part| &part.what);
        let seen = roll.map_or(MediaTime::ZERO, |roll| roll.seen(now));
        let played = part.map_or(MediaTime::ZERO, |part| part.played) + seen;
        snapshot.interstitial = what.map(|what| InterstitialSnapshot {
            id: what.id.clone(),
            asset: roll.map(|roll| roll.index),
            position: seen,
            duration: roll.and_then(|roll| roll.length().or(roll.asset.duration)),
            played,
            skippable: part.is_some_and(|part| viewer::may_skip(part, played)),
        });
        snapshot
    }

    fn on_network(&mut self, event: NetworkEvent) {
        let id = match &event {
            NetworkEvent::Head(head) => head.id,
            NetworkEvent::Chunk { id, .. } | NetworkEvent::End { id } | NetworkEvent::Failed { id, .. } => *id,
        };
        let (serial, own) = Line::inner_request(id);
        let event = match event {
            NetworkEvent::Head(mut head) => {
                head.id = own;
                NetworkEvent::Head(head)
            }
            NetworkEvent::Chunk { data, .. } => NetworkEvent::Chunk { id: own, data },
            NetworkEvent::End { .. } => NetworkEvent::End { id: own },
            NetworkEvent::Failed { code, message, .. } => NetworkEvent::Failed { id: own, code, message },
        };
        match serial {
            0 => self.main.handle(Input::Network(event), self.now),
            LISTS => self.lists.on_network(event, &self.main.config.limits),
            _ => {
                let mut rolls = self.pause.iter_mut().flat_map(|pause| &mut pause.rolls);
                if let Some(roll) = rolls.find(|roll| roll.line.serial == serial) {
                    roll.engine.handle(Input::Network(event), self.now);
                }
            }
        }
    }

    fn on_sink(&mut self, report: SinkReport) {
        match report {
            SinkReport::Position { .. } if self.sink.own_seeks > 0 => {}
            SinkReport::Seeked { .. } if self.sink.own_seeks > 0 => self.sink.own_seeks -= 1,
            // Where one follows the other there is nothing to wait for of the one before.
            SinkReport::Starved { position } if self.is_seam(position) => self.sink.starved = true,
            SinkReport::Evicted { .. } => {
                for roll in self.pause.iter_mut().flat_map(|pause| &mut pause.rolls) {
                    if roll.line.gate == Gate::Open {
                        roll.engine.handle(Input::Sink(roll.line.inward(report.clone())), self.now);
                    }
                }
                self.main.handle(Input::Sink(self.line.inward(report)), self.now);
            }
            SinkReport::Full { load, .. } => {
                let serial = Line::owner(load);
                let mut rolls = self.pause.iter_mut().flat_map(|pause| &mut pause.rolls);
                if serial == 0 {
                    self.main.handle(Input::Sink(self.line.inward(report)), self.now);
                } else if let Some(roll) = rolls.find(|roll| roll.line.serial == serial) {
                    roll.engine.handle(Input::Sink(roll.line.inward(report)), self.now);
                }
            }
            SinkReport::Failed { .. } => self.main.handle(Input::Sink(report), self.now),
            SinkReport::Position { .. }
            | SinkReport::Starved { .. }
            | SinkReport::Seeked { .. }
            | SinkReport::Frames { .. }
            | SinkReport::Ended => match &mut self.pause {
                Some(pause) if pause.on => {
                    if let Some(roll) = pause.rolls.front_mut().filter(|roll| roll.line.gate == Gate::Open) {
                        roll.engine.handle(Input::Sink(roll.line.inward(report)), self.now);
                    }
                }
                _ => self.main.handle(Input::Sink(self.line.inward(report)), self.now),
            },
        }
    }

    /// Lets everything that may follow from the input follow.
    fn settle(&mut self) {
        // Each round is one step from one engine to another; there are only so many.
        for _ in 0..256 {
            self.drain();
            if !self.step() {
                break;
            }
        }
        self.drain();
        self.tell_ends();
        self.tell_state();
        self.follow_standing();
        self.set_alarm();
    }

    /// Takes what every engine asks for.
    fn drain(&mut self) {
        // What is answered at once may lead to more.
        for _ in 0..64 {
            let mut answers = Vec::new();
            while let Some(action) = self.main.poll() {
                match action {
                    Action::Sink(command) => answers.extend(self.title_orders(command)),
                    Action::Emit(event) => self.main_tells(event),
                    other => self.outbox.push_back(other),
                }
            }
            let again = !answers.is_empty();
            for position in answers {
                self.main.handle(Input::Sink(SinkReport::Seeked { position }), self.now);
            }
            if !self.drain_rolls() && !again {
                return;
            }
        }
    }

    /// Whether the title's own commands reach the sink as it gives them.
    fn main_plays(&self) -> bool {
        self.pause.as_ref().is_none_or(|pause| !pause.on)
    }

    /// What the title's engine tells the application.
    fn main_tells(&mut self, event: Box<Event>) {
        if let Event::TimedMetadata { phase: TimedPhase::Known | TimedPhase::Changed, key, event: timed, .. } = &*event
        {
            if self.main.config.interstitials.enabled {
                let base = self.main.reference_base();
                let learnt = self.plan.learn(*key, timed, &base, &self.main.config.limits);
                if let (Learnt::Interstitial(_), Some((from, _))) = (&learnt, self.main.seekable()) {
                    // Whoever is behind the window still comes to what lies ahead.
                    self.plan.forget_before(from.min(self.main_needs()));
                }
                self.outbox.push_back(Action::Emit(event));
                return self.tell_learnt(learnt);
            }
        }
        match &*event {
            // Each is told when it is what the viewer sees.
            Event::State { state, .. } => {
                let ends = matches!(state, State::Failed | State::Stopped | State::Idle);
                if ends {
                    self.abandon();
                }
                let told = *state == self.state;
                if !told && (ends || (self.main_plays() && !(*state == State::Ended && self.is_followed()))) {
                    self.state = *state;
                    self.outbox.push_back(Action::Emit(event));
                }
            }
            Event::Ended { .. } if self.is_followed() => {}
            Event::Ended { .. } => {
                self.wanted = false;
                self.outbox.push_back(Action::Emit(event));
            }
            Event::CuesShown { .. } | Event::StallStarted { .. } | Event::StallEnded { .. } if !self.main_plays() => {}
            _ => self.outbox.push_back(Action::Emit(event)),
        }
    }

    fn tell_learnt(&mut self, learnt: Learnt) {
        match learnt {
            Learnt::Nothing => {}
            Learnt::Interstitial(what) => self.tell(&what.id.clone(), InterstitialPhase::Known { start: what.start }),
            Learnt::Fault(error) => {
                let error = error.recovered(telecine_model::Handling::Skipped);
                self.emit(Event::Error { at: self.now, error });
            }
        }
    }

    fn tell(&mut self, id: &str, phase: InterstitialPhase) {
        self.emit(Event::Interstitial { at: self.now, id: id.to_owned(), phase });
    }

    fn emit(&mut self, event: Event) {
        self.outbox.push_back(Action::Emit(Box::new(event)));
    }

    /// Tells what the viewer sees, where that is not what the title's engine says of itself.
    fn tell_state(&mut self) {
        let Some(pause) = self.pause.as_ref().filter(|pause| pause.on) else {
            let own = self.main.playback.state;
            if self.state != own && self.main.playback.is_active() {
                self.state = own;
                self.emit(Event::State { at: self.now, state: own });
            }
            return;
        };
        let waiting = match (self.wanted, pause.first) {
            (true, false) => State::Rebuffering,
            (true, true) => State::Preparing,
            (false, _) => State::Paused,
        };
        let state = match pause.rolls.front().map(|roll| roll.engine.playback.state) {
            Some(state @ (State::Playing | State::Paused | State::Rebuffering | State::Seeking)) => state,
            // It is done, and the next is not there yet; or there is none.
            _ => waiting,
        };
        if self.state != state {
            self.state = state;
            self.emit(Event::State { at: self.now, state });
        }
    }
}

/// Whose requests asset lists are.
const LISTS: u64 = (1 << 16) - 1;

/// A random name in the form of RFC 9562, version 4.
fn uuid(rng: &mut Rng) -> String {
    let (high, low) = (rng.next_u64(), rng.next_u64());
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// What an asset that could not be played is said to have failed with.
fn unplayable() -> Error {
    Error::new(telecine_model::ErrorCode::NothingPlayable, "the asset has nothing that can be played, or is live")
}
