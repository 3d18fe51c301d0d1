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
//! - [`lists`] asks for asset lists, [`roll`] plays an asset.

mod assets;
mod line;
mod lists;
mod plan;
mod roll;
mod shown;
mod steps;
mod turn;
mod viewer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use telecine_model::interstitial::{Asset, Interstitial, InterstitialCue, SkipControl};
use telecine_model::rng::Rng;
use telecine_model::{Error, MediaTime, Timestamp, TrackKind, WallTime};

use self::line::{Gate, Line};
use self::lists::Lists;
use self::plan::{Learnt, Plan};
use self::roll::Roll;
pub use self::shown::{InterstitialEnd, InterstitialPhase, InterstitialSnapshot};
use crate::action::{Action, SinkCommand};
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
    untold_ends: BTreeSet<TrackKind>,
    /// Nothing of the title was handed to the sink yet: something may come before it.
    beginning: bool,
}

/// The sink, as it was told last.
#[derive(Debug)]
struct SinkState {
    playing: bool,
    rate_milli: u32,
    /// Kinds that it has a place for, and whose configuration it has of each.
    kinds: BTreeMap<TrackKind, u64>,
    /// The last configuration of each engine's kinds.
    configurations: BTreeMap<(u64, TrackKind), SinkCommand>,
    /// Seeks that no engine asked for and that are not answered.
    own_seeks: u32,
    /// It came to the end of what there is where one engine follows another.
    starved: bool,
    /// It was told that nothing follows.
    ended: bool,
    /// It was given something by others than the title's engine, which knows nothing of that.
    mixed: bool,
}

impl Default for SinkState {
    fn default() -> Self {
        Self {
            playing: false,
            rate_milli: 1000,
            kinds: BTreeMap::new(),
            configurations: BTreeMap::new(),
            own_seeks: 0,
            starved: false,
            ended: false,
            mixed: false,
        }
    }
}

/// An interstitial, or several that follow each other, between two parts of the title.
struct Pause {
    parts: Vec<Part>,
    /// Where the title is held.
    cut: MediaTime,
    /// How far into the first it begins: whoever comes late sees the rest.
    midway: MediaTime,
    /// The title is held.
    on: bool,
    /// Assets that no engine was made for yet.
    coming: VecDeque<Coming>,
    /// What plays, and what follows it.
    rolls: VecDeque<Roll>,
    /// Where the viewer wants the title to go on.
    target: Option<MediaTime>,
    /// Since when nothing is seen.
    waits: Option<Timestamp>,
    /// Where the next comes, in the sink's time, if nothing is there before it.
    place: MediaTime,
    /// The title was told to go on, from there.
    returns: Option<MediaTime>,
    /// The title was never played before it: what is held of it is its beginning.
    first: bool,
    /// When what it plays is asked for.
    ask_at: Option<Timestamp>,
}

/// One of the interstitials of a pause.
struct Part {
    what: Arc<Interstitial>,
    /// What it plays is known, or that it cannot be known.
    resolved: bool,
    /// That it plays was told.
    told: bool,
    /// That it has ended was told.
    ended: bool,
    /// How much of it was played.
    played: MediaTime,
    /// Something of it could not be played.
    failed: bool,
    /// Assets that it has.
    assets: u32,
    /// What its list says of skipping, in place of what it says itself (IN02).
    skip_control: Option<SkipControl>,
}

impl Part {
    fn new(what: Arc<Interstitial>) -> Self {
        Self {
            what,
            resolved: false,
            told: false,
            ended: false,
            played: MediaTime::ZERO,
            failed: false,
            assets: 0,
            skip_control: None,
        }
    }
}

/// An asset to come.
struct Coming {
    asset: Asset,
    part: usize,
    index: u32,
    /// Where to begin in it.
    from: MediaTime,
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
            untold_ends: BTreeSet::new(),
            beginning: false,
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

    /// Tells the sink that nothing follows, once that is so.
    fn tell_ends(&mut self) {
        if !self.beginning && !self.untold_ends.is_empty() && self.line.gate == Gate::Open && !self.is_followed() {
            self.sink.ended = true;
            for kind in std::mem::take(&mut self.untold_ends) {
                self.order(SinkCommand::EndOfStream { kind });
            }
        }
    }

    /// Whether the title's own commands reach the sink as it gives them.
    fn main_plays(&self) -> bool {
        self.pause.as_ref().is_none_or(|pause| !pause.on)
    }

    /// What the title's engine tells the sink. Gives the place of a seek that is answered at once.
    fn title_orders(&mut self, command: SinkCommand) -> Option<MediaTime> {
        if self.beginning {
            if matches!(command, SinkCommand::Stop) {
                self.line.held.clear();
                self.order(command);
            } else {
                self.line.held.push_back(command);
            }
            return None;
        }
        self.keep_order(&command);
        match &command {
            SinkCommand::EndOfStream { kind } => {
                self.untold_ends.insert(*kind);
                return None;
            }
            SinkCommand::Append(append) => {
                self.untold_ends.remove(&append.kind);
            }
            SinkCommand::Seek(_) | SinkCommand::Stop => self.untold_ends.clear(),
            _ => {}
        }
        if self.line.gate == Gate::Open && self.main_plays() {
            self.pass_main(command);
            return None;
        }
        match (&command, self.line.gate) {
            (SinkCommand::Seek(place) | SinkCommand::Jump(place), _) => return Some(*place),
            (SinkCommand::Play | SinkCommand::Pause | SinkCommand::SetRate(_), _) => {}
            // Nothing else can be stopped while this is.
            (SinkCommand::Stop, _) => self.order(command),
            (_, Gate::Held) => self.line.held.push_back(command),
            (_, Gate::Open) => self.pass_main(command),
            (SinkCommand::Disable { .. }, Gate::Shut) => self.order(command),
            (_, Gate::Shut) => {}
        }
        None
    }

    /// Takes what the engines of assets ask for. True if one was answered.
    fn drain_rolls(&mut self) -> bool {
        let Some(mut pause) = self.pause.take() else { return false };
        let mut answered = false;
        for (at, roll) in pause.rolls.iter_mut().enumerate() {
            let plays = pause.on && at == 0;
            let id = pause.parts.get(roll.part).map(|part| part.what.id.clone()).unwrap_or_default();
            while let Some(action) = roll.engine.poll() {
                match action {
                    Action::Fetch(mut fetch) => {
                        fetch.id = roll.line.outer_request(fetch.id);
                        self.outbox.push_back(Action::Fetch(fetch));
                    }
                    Action::Cancel(id) => self.outbox.push_back(Action::Cancel(roll.line.outer_request(id))),
                    Action::Sink(command) => answered |= self.roll_orders(roll, command, plays),
                    // No key system was promised to it.
                    Action::Cdm(_) => {}
                    Action::Emit(event) => {
                        if let Event::Error { error, .. } = &*event {
                            if error.is_fatal() {
                                roll.fault = Some(error.clone());
                                continue;
                            }
                        }
                        if !matches!(*event, Event::State { .. }) {
                            let event = Event::Asset { id: id.clone(), index: roll.index, event };
                            self.outbox.push_back(Action::Emit(Box::new(event)));
                        }
                    }
                }
            }
        }
        self.pause = Some(pause);
        answered
    }

    /// What an asset's engine tells the sink. True if it was answered at once.
    fn roll_orders(&mut self, roll: &mut Roll, command: SinkCommand, plays: bool) -> bool {
        let open = roll.line.gate == Gate::Open;
        match command {
            // Something follows it.
            SinkCommand::EndOfStream { .. } | SinkCommand::Stop | SinkCommand::Disable { .. } => {}
            SinkCommand::Seek(_) | SinkCommand::Jump(_) if open && plays => self.pass(&mut roll.line, command),
            SinkCommand::Seek(position) | SinkCommand::Jump(position) => {
                roll.engine.handle(Input::Sink(SinkReport::Seeked { position }), self.now);
                return true;
            }
            SinkCommand::Play | SinkCommand::Pause | SinkCommand::SetRate(_) => {
                if plays {
                    self.order(command);
                }
            }
            command if open => self.pass(&mut roll.line, command),
            command => roll.line.held.push_back(command),
        }
        false
    }

    /// What moves the sink, or empties it as far as where an interstitial was handed on, takes that along: it is made ready
    /// anew.
    fn keep_order(&mut self, command: &SinkCommand) {
        let reaches = |place: MediaTime| match command {
            SinkCommand::Seek(_) | SinkCommand::Jump(_) => true,
            SinkCommand::Remove { to, .. } => self.line.outer_time(*to) > place,
            _ => false,
        };
        let given = |pause: &Pause| !pause.on && pause.rolls.iter().any(|roll| roll.line.gate == Gate::Open);
        if self.pause.as_ref().is_some_and(|pause| given(pause) && reaches(pause.place)) {
            if let Some(mut pause) = self.pause.take() {
                self.drop_pause(&mut pause);
            }
        }
    }

    fn pass_main(&mut self, command: SinkCommand) {
        let mut line = std::mem::replace(&mut self.line, Line::new(0, Gate::Shut, String::new()));
        self.pass(&mut line, command);
        self.line = line;
    }

    /// Hands on a command of an engine, in the sink's time. Who hands on media behind another's says again what it is.
    fn pass(&mut self, line: &mut Line, command: SinkCommand) {
        let command = line.outward(command);
        self.sink.mixed |= line.serial != 0;
        match &command {
            SinkCommand::Configure(config) => {
                self.sink.kinds.insert(config.kind, line.serial);
                self.sink.configurations.insert((line.serial, config.kind), command.clone());
            }
            SinkCommand::Append(append) if self.sink.kinds.get(&append.kind) != Some(&line.serial) => {
                if let Some(own) = self.sink.configurations.get(&(line.serial, append.kind)).cloned() {
                    self.sink.kinds.insert(append.kind, line.serial);
                    self.order(own);
                }
            }
            _ => {}
        }
        self.order(command);
    }

    fn order(&mut self, command: SinkCommand) {
        match &command {
            SinkCommand::Play => self.sink.playing = true,
            SinkCommand::Pause => self.sink.playing = false,
            SinkCommand::SetRate(rate_milli) => self.sink.rate_milli = *rate_milli,
            SinkCommand::Disable { kind } => {
                self.sink.kinds.remove(kind);
            }
            SinkCommand::Append(_) => self.sink.starved = false,
            SinkCommand::Seek(_) => self.sink.ended = false,
            SinkCommand::Stop => self.sink = SinkState { rate_milli: self.sink.rate_milli, ..SinkState::default() },
            _ => {}
        }
        self.outbox.push_back(Action::Sink(command));
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

impl Pause {
    /// Which of the interstitials plays, or is next.
    fn part(&self) -> usize {
        let next = self.rolls.front().map(|roll| roll.part).or(self.coming.front().map(|coming| coming.part));
        next.unwrap_or(self.parts.len().saturating_sub(1))
    }

    fn last(&self) -> Option<&Arc<Interstitial>> {
        self.parts.last().map(|part| &part.what)
    }

    fn is_behind_title(&self) -> bool {
        self.last().is_some_and(|what| what.cue == InterstitialCue::BehindTitle)
    }

    /// Every asset that there will be is known.
    fn is_resolved(&self) -> bool {
        self.parts.iter().all(|part| part.resolved)
    }

    fn fail(&mut self, part: usize) {
        if let Some(part) = self.parts.get_mut(part) {
            part.failed = true;
        }
    }
}

/// What an asset that could not be played is said to have failed with.
fn unplayable() -> Error {
    Error::new(telecine_model::ErrorCode::NothingPlayable, "the asset has nothing that can be played, or is live")
}
