//! The host loop in virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use telecine_engine::drm::session::Cdm;
use telecine_engine::{
    Action, Body, Command, Config, Decision, Engine, Environment, Event, FetchRequest, Input, NetworkEvent, Programme,
    RequestId, Sink, State,
};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind, WallTime};

use crate::link::{Held, Link, LinkEvent};
use crate::network::Network;
use crate::sink::ModelSink;
use crate::source::{Failure, Fetched, Source};

/// Between two samples of [`Session::series`].
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// A body that is read at a pace comes in so many pieces at most.
const MOST_PIECES: usize = 10_000;

/// What answers' zeros are slices of.
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// How a session ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The title was played to its end.
    Ended,
    /// The application stopped it.
    Stopped,
    /// It failed.
    Failed(Option<Error>),
    /// It could go on, but it was to run only until now.
    Until,
    /// Nothing will happen any more, and nothing ended it: everybody waits for somebody.
    Stuck,
    /// More steps than [`Session::step_limit`] allows: something goes round in circles.
    StepLimit,
}

/// The session at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// What the player was doing.
    pub state: State,
    /// Where the playhead was.
    pub position: MediaTime,
    /// Media ahead of it, the least of sound and picture.
    pub buffered: MediaTime,
    /// Estimated bits a second.
    pub throughput: Option<u64>,
}

/// A whole session in virtual time: engine, sink, link and source, driven event by event.
///
/// Time jumps from one event to the next, so an hour of playback takes as long as its parsing
/// takes. Everything is deterministic: the same configuration, source, network and script give the
/// same events at the same microsecond.
///
/// ```
/// use telecine_engine::{Command, Config};
/// use telecine_model::{MediaTime, Timestamp};
/// use telecine_virtual::testing::SyntheticTitle;
/// use telecine_virtual::{Outcome, Session};
///
/// let title = SyntheticTitle::new(MediaTime::from_secs(60));
/// let mut session = Session::new(Config::default(), title)
///     .network("rate=3Mbps,rtt=80ms".parse()?)
///     .play("https://title.example/main.m3u8")
///     .at(Timestamp::from_millis(5_000), Command::Seek(MediaTime::from_secs(40)));
/// assert_eq!(session.run(None), Outcome::Ended);
/// assert!(session.now() < Timestamp::from_millis(30_000));
/// # Ok::<(), telecine_model::Error>(())
/// ```
pub struct Session<S> {
    programme: Programme,
    sink: Box<dyn Sink>,
    cdm: Option<Box<dyn Cdm>>,
    link: Link,
    source: S,
    seed: u64,
    wall_clock: Option<WallTime>,
    script: BTreeMap<Timestamp, VecDeque<Command>>,
    transfers: BTreeMap<RequestId, Transfer>,
    /// When requests are given up; the same times are in `transfers`.
    patience: BTreeSet<(Timestamp, RequestId)>,
    now: Timestamp,
    started: bool,
    steps: u64,
    step_limit: u64,
    next_sample: Timestamp,
    events: Vec<Event>,
    series: Vec<Sample>,
    state: State,
    /// What ended playback.
    fatal: Option<Error>,
    hidden: Vec<Hidden>,
}

/// A time in which the player is run only now and then: see [`Session::hidden`].
#[derive(Clone, Copy, Debug)]
struct Hidden {
    from: Timestamp,
    to: Timestamp,
    tasks: Duration,
    timers: Duration,
}

impl Hidden {
    /// When what happens at a time in it is told.
    fn told(&self, at: Timestamp, every: Duration) -> Timestamp {
        let every = u64::try_from(every.as_micros()).unwrap_or(u64::MAX).max(1);
        let since = at.as_micros().saturating_sub(self.from.as_micros());
        let told = self.from.as_micros().saturating_add(since.div_ceil(every).saturating_mul(every));
        Timestamp::from_micros(told).min(self.to)
    }
}

/// A request on its way.
struct Transfer {
    request: Box<FetchRequest>,
    fetched: Fetched,
    /// Given up if nothing comes until then.
    patience: Timestamp,
    /// Bytes of the body that the engine has.
    taken: u64,
}

impl<S: Source> Session<S> {
    /// A session with a [`ModelSink`] on the default [`Network`].
    pub fn new(config: Config, source: S) -> Self {
        Self::with_engine(Engine::new(config), source, Timestamp::ZERO)
    }

    /// A session that goes on with an engine from `now` on: one with policies of its own, or one that
    /// has played something before. What the engine still has for its host to do is done first.
    pub fn with_engine(engine: Engine, source: S, now: Timestamp) -> Self {
        let seed = engine.config().seed;
        Self {
            programme: Programme::new(engine),
            sink: Box::new(ModelSink::default()),
            cdm: None,
            link: Link::new(Network::default(), seed),
            source,
            seed,
            wall_clock: None,
            script: BTreeMap::new(),
            transfers: BTreeMap::new(),
            patience: BTreeSet::new(),
            now,
            started: false,
            steps: 0,
            step_limit: 10_000_000,
            next_sample: now,
            events: Vec::new(),
            series: Vec::new(),
            state: State::Idle,
            fatal: None,
            hidden: Vec::new(),
        }
    }

    /// Plays into this sink.
    #[must_use]
    pub fn sink(mut self, sink: impl Sink + 'static) -> Self {
        self.sink = Box::new(sink);
        self
    }

    /// Gives the device a key system: what the engine's key setup says of it, this does. Without one, commands
    /// to a key system are never answered.
    #[must_use]
    pub fn cdm(mut self, cdm: impl Cdm + 'static) -> Self {
        self.cdm = Some(Box::new(cdm));
        self
    }

    /// Fetches over this network. Losses are drawn from the configuration's seed.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.link = Link::new(network, self.seed);
        self
    }

    /// Fetches over this link, which is new.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    /// Reads what arrives over this network at least so often: see [`Link::read_every`].
    #[must_use]
    pub fn network_read_every(mut self, network: Network, span: Duration) -> Self {
        self.link = Link::new(network, self.seed).read_every(span);
        self
    }

    /// What the wall clock shows at the start; without, the player is told no wall clock.
    #[must_use]
    pub fn wall_clock(mut self, start: WallTime) -> Self {
        self.wall_clock = Some(start);
        self
    }

    /// Gives the player a command at a time. Several at the same time come in the order given.
    #[must_use]
    pub fn at(mut self, time: Timestamp, command: Command) -> Self {
        self.schedule(time, command);
        self
    }

    /// Loads a title at the start, and plays it.
    #[must_use]
    pub fn play(self, url: impl Into<String>) -> Self {
        let load = Command::Load { url: url.into(), start: None };
        self.at(Timestamp::ZERO, load).at(Timestamp::ZERO, Command::Play)
    }

    /// Steps (inputs to the engine, and moments) before [`Outcome::StepLimit`]. Default 10 million,
    /// some fifty hours of playback.
    #[must_use]
    pub fn step_limit(mut self, steps: u64) -> Self {
        self.step_limit = steps;
        self
    }

    /// Between two times the player runs as a page in the background does: what the network and the sink report reaches it
    /// only every `tasks`, and what it asked to be woken for only every `timers`.
    #[must_use]
    pub fn hidden(mut self, from: Timestamp, to: Timestamp, tasks: Duration, timers: Duration) -> Self {
        self.hidden.push(Hidden { from, to, tasks, timers });
        self
    }

    /// When what happens at a time is told to the player: what it waits for itself, or what others report.
    fn told(&self, at: Timestamp, timer: bool) -> Timestamp {
        let hidden = self.hidden.iter().find(|hidden| hidden.from < at && at < hidden.to);
        hidden.map_or(at, |hidden| hidden.told(at, if timer { hidden.timers } else { hidden.tasks }))
    }

    /// Tells the player something of the world around it, now.
    pub fn environment(&mut self, environment: Environment) {
        self.input(Input::Environment(environment));
    }

    /// Gives the player a command at a time that is not past.
    pub fn schedule(&mut self, time: Timestamp, command: Command) {
        self.script.entry(time.max(self.now)).or_default().push_back(command);
    }

    /// Runs until the title ended, failed or was stopped and the script is done, or until a time.
    /// Can be called again to run on.
    pub fn run(&mut self, until: Option<Timestamp>) -> Outcome {
        self.run_on(until, false)
    }

    /// Runs as [`run`](Self::run) does, and comes back earlier with [`Outcome::Until`] if the player's state changes:
    /// at the moment at which it did, which [`now`](Self::now) is then.
    pub fn run_to_state(&mut self, until: Timestamp) -> Outcome {
        self.run_on(Some(until), true)
    }

    fn run_on(&mut self, until: Option<Timestamp>, to_state: bool) -> Outcome {
        let mut told = self.events.len();
        if !self.started {
            self.started = true;
            self.input(Input::Environment(Environment::Capabilities(self.sink.capabilities())));
            if let Some(time) = self.wall_clock {
                self.input(Input::Environment(Environment::WallClock { time, uncertainty_ms: 0 }));
            }
        }
        loop {
            self.run_moment();
            if let Some(outcome) = self.outcome().filter(|_| self.script.is_empty()) {
                return outcome;
            }
            if self.steps >= self.step_limit {
                return Outcome::StepLimit;
            }
            let mut new = self.events.get(told..).unwrap_or_default().iter();
            if to_state && new.any(|event| matches!(event, Event::State { .. })) {
                return Outcome::Until;
            }
            told = self.events.len();
            let Some(next) = self.deadline() else { return Outcome::Stuck };
            if let Some(until) = until.filter(|until| next > *until) {
                self.now = self.now.max(until);
                return Outcome::Until;
            }
            self.now = self.now.max(next);
            self.steps += 1;
        }
    }

    /// When something happens next.
    fn deadline(&self) -> Option<Timestamp> {
        let script = self.script.keys().next().copied();
        let patience = self.patience.first().map(|(time, _)| *time);
        let cdm = self.cdm.as_ref().and_then(|cdm| cdm.deadline());
        let reports = [patience, cdm, self.link.deadline(), self.sink.deadline()];
        // What was due while it was not told is due now.
        let reports = reports.into_iter().flatten().map(|at| self.told(at.max(self.now), false));
        let own = self.programme.deadline().map(|at| self.told(at.max(self.now), true));
        script.into_iter().chain(reports).chain(own).min()
    }

    /// Everything that happens at this moment, in a fixed order: commands, network, sink, timers.
    fn run_moment(&mut self) {
        while self.now >= self.next_sample {
            self.take_sample();
        }
        while let Some(mut entry) = self.script.first_entry().filter(|entry| *entry.key() <= self.now) {
            match entry.get_mut().pop_front() {
                Some(command) => self.input(Input::Command(command)),
                None => {
                    entry.remove();
                }
            }
        }
        if self.told(self.now, false) == self.now {
            self.hear();
        }
        let wakes = self.told(self.now, true) == self.now;
        let due = |programme: &Programme, now| programme.deadline().is_some_and(|deadline| deadline <= now);
        while wakes && due(&self.programme, self.now) && self.steps < self.step_limit {
            self.input(Input::Timer);
        }
    }

    /// Tells the player what network, sink and key system report.
    fn hear(&mut self) {
        while let Some(event) = self.link.poll(self.now) {
            self.on_link(event);
        }
        while let Some((_, id)) = self.patience.first().copied().filter(|(time, _)| *time <= self.now) {
            self.fail(id, Failure::new(ErrorCode::Timeout, "nothing came in time"));
        }
        self.poll_sink();
        while let Some(event) = self.cdm.as_mut().and_then(|cdm| cdm.poll(self.now)) {
            if self.steps >= self.step_limit {
                break;
            }
            self.input(Input::Cdm(event));
        }
    }

    /// Mutate once, then drain.
    fn input(&mut self, input: Input) {
        self.steps += 1;
        self.programme.handle(input, self.now);
        while let Some(action) = self.programme.poll() {
            match action {
                Action::Fetch(request) => self.fetch(request),
                Action::Cancel(id) => self.forget(id),
                Action::Sink(command) => self.sink.command(command, self.now),
                Action::Cdm(order) => {
                    if let (Some(cdm), Some(command)) = (&mut self.cdm, order.command) {
                        cdm.execute(command, self.now);
                    }
                }
                Action::Emit(event) => {
                    match &*event {
                        Event::State { state, .. } => self.state = *state,
                        Event::Error { error, .. } if error.is_fatal() => self.fatal = Some(error.clone()),
                        _ => {}
                    }
                    self.events.push(*event);
                }
            }
        }
    }

    fn poll_sink(&mut self) {
        // A report may lead to commands whose reports follow at the same moment.
        while let Some(report) = self.sink.poll(self.now).filter(|_| self.steps < self.step_limit) {
            self.input(Input::Sink(report));
        }
    }

    fn fetch(&mut self, request: Box<FetchRequest>) {
        let mut fetched = self.source.fetch_at(&request, self.now);
        if let Fetched::Response(response) = &mut fetched {
            if request.head {
                (response.body, response.zeros, response.content_length) = (Bytes::new(), 0, None);
            }
        }
        let patience = self.now + request.head_timeout;
        match &fetched {
            Fetched::Response(response) => {
                let (total, delay) = (response.bytes(), response.delay);
                match response.beside {
                    Some(takes) => self.link.start_local(request.id, total, takes, self.now),
                    None => {
                        let held = paced(&response.held, total, request.pace);
                        self.link.start_held(request.id, total, delay, &held, self.now);
                    }
                }
                self.link.set_urgency(request.id, request.urgency);
            }
            Fetched::Failure(_) => self.link.start(request.id, 0, Duration::ZERO, self.now),
        }
        self.patience.insert((patience, request.id));
        self.transfers.insert(request.id, Transfer { request, fetched, patience, taken: 0 });
    }

    fn forget(&mut self, id: RequestId) {
        self.link.cancel(id, self.now);
        if let Some(transfer) = self.transfers.remove(&id) {
            self.patience.remove(&(transfer.patience, id));
            self.source.over(&transfer.request, transfer.taken, self.now);
        }
    }

    fn fail(&mut self, id: RequestId, failure: Failure) {
        self.forget(id);
        let Failure { code, message } = failure;
        self.input(Input::Network(NetworkEvent::Failed { id, code, message }));
    }

    fn on_link(&mut self, event: LinkEvent) {
        let id = event.id();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let response = match &transfer.fetched {
            Fetched::Response(response) => response,
            Fetched::Failure(failure) => {
                let failure = failure.clone();
                return self.fail(id, failure);
            }
        };
        self.patience.remove(&(transfer.patience, id));
        transfer.patience = self.now + transfer.request.idle_timeout;
        self.patience.insert((transfer.patience, id));
        match event {
            LinkEvent::FirstByte(_) => {
                let head = response.head(&transfer.request);
                let limit = transfer.request.max_bytes;
                let too_large = response.content_length.is_some_and(|length| length > limit);
                self.input(Input::Network(NetworkEvent::Head(Box::new(head))));
                if too_large {
                    self.fail(id, too_large_failure(limit));
                }
            }
            LinkEvent::Bytes { n, .. } => {
                let from = transfer.taken;
                let to = from.saturating_add(n).min(response.bytes());
                transfer.taken = to;
                let limit = transfer.request.max_bytes;
                let (data, mut zeros) = response.between(from, to);
                if to > limit {
                    return self.fail(id, too_large_failure(limit));
                }
                if !data.is_empty() {
                    self.input(Input::Network(NetworkEvent::Chunk { id, data: Body::Bytes(data) }));
                }
                while zeros > 0 && self.transfers.contains_key(&id) {
                    let piece = usize::try_from(zeros).unwrap_or(usize::MAX).min(ZEROS.len());
                    zeros -= piece as u64;
                    let data = Bytes::from_static(&ZEROS).slice(..piece);
                    self.input(Input::Network(NetworkEvent::Chunk { id, data: Body::Bytes(data) }));
                }
            }
            LinkEvent::Done(_) => {
                if let Some(failure) = response.broken.clone() {
                    return self.fail(id, failure);
                }
                self.forget(id);
                self.input(Input::Network(NetworkEvent::End { id }));
            }
        }
    }

    fn take_sample(&mut self) {
        let snapshot = self.programme.snapshot(self.next_sample);
        let essential = |kind: &TrackKind| matches!(kind, TrackKind::Video | TrackKind::Audio);
        let buffered = snapshot.streams.iter().filter(|stream| essential(&stream.kind)).map(|stream| stream.buffered);
        self.series.push(Sample {
            at: self.next_sample,
            state: self.state,
            position: snapshot.position,
            buffered: buffered.min().unwrap_or_default(),
            throughput: snapshot.throughput,
        });
        self.next_sample = self.next_sample + SAMPLE_EVERY;
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Ended => Some(Outcome::Ended),
            State::Stopped => Some(Outcome::Stopped),
            State::Failed => Some(Outcome::Failed(self.fatal.clone())),
            _ => None,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The engine that plays the title, to be asked what it knows.
    pub fn engine(&self) -> &Engine {
        self.programme.engine()
    }

    /// The programme: the title with what is played in the middle of it.
    pub fn programme(&self) -> &Programme {
        &self.programme
    }

    /// The sink.
    pub fn sink_ref(&self) -> &dyn Sink {
        self.sink.as_ref()
    }

    /// The source.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Everything that the player told its application, but for what was [taken](Self::take_events).
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What the player told its application since this was called last. Whoever runs a session for days takes its events
    /// and its [series](Self::take_series) now and then: else they are all kept.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The samples since this was called last.
    pub fn take_series(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.series)
    }

    /// The decisions among the events.
    pub fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.events.iter().filter_map(|event| match event {
            Event::Decision(decision) => Some(decision),
            _ => None,
        })
    }

    /// The session once a virtual second, but for what was [taken](Self::take_series).
    pub fn series(&self) -> &[Sample] {
        &self.series
    }

    /// How many steps it took.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What was recorded since the last call, if the configuration asks for a recording.
    pub fn take_recording(&mut self) -> Vec<u8> {
        self.programme.take_recording()
    }
}

/// What is read no faster than at a pace is sent no faster: a host that holds back, in steps of a tenth of a second.
fn paced(held: &Held, total: u64, pace: Option<u64>) -> Held {
    let mut held = held.clone();
    if let Some(step) = pace.map(|pace| (pace / 80).max(1)).filter(|_| held.pieces.is_empty()) {
        let steps = (1..=total / step).take(MOST_PIECES);
        held.pieces = steps.map(|n| (n * step, Duration::from_millis(n * 100))).collect();
    }
    held
}

fn too_large_failure(limit: u64) -> Failure {
    Failure::new(ErrorCode::BodyTooLarge, format!("the body is larger than {limit} bytes"))
}
