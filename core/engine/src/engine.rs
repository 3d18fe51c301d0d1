//! The engine itself: what it holds, and how an input goes through it.

use std::sync::Arc;
use std::time::Duration;

use telecine_abr::{Candidate, Estimate};
use telecine_manifest::hls::TextBlocks;
use telecine_model::clock::ClockSample;
use telecine_model::presentation::PlaylistInfo;
use telecine_model::protection::Key;
use telecine_model::rng::Rng;
use telecine_model::{Error, ErrorCode, MediaTime, Presentation, SortedMap, SortedSet, Timestamp, Track, TrackKind};
use telecine_telemetry::{Qoe, QoeState, QoeSummary};

use crate::action::{Action, SinkCommand};
use crate::caps::Caps;
use crate::config::Config;
use crate::cues::Cues;
use crate::entry::Entries;
use crate::event::{Decision, DecisionKind, Event, State};
use crate::input::{Capabilities, Command, Environment, Input};
use crate::keys::{Bar, Findings, GivenKey, KeyFiles, KeySetup, Keys, Licences, NeedId};
use crate::live::{Live, LiveSnapshot};
use crate::media::MediaFact;
use crate::network::Network;
use crate::outbox::Outbox;
use crate::playback::Playback;
use crate::policy::Policies;
use crate::programme::InterstitialSnapshot;
use crate::recorder::Recorder;
use crate::requests::Requests;
use crate::sizes::Sizes;
use crate::stream::{Init, InitKey, RenditionRef, Stream};
use crate::timed::Timed;
use crate::timer::{Timer, Timers};
use crate::tolerated::Tolerated;

/// The player: one deterministic state machine.
///
/// Change one thing with [`Engine::handle`], drain [`Engine::poll`] until it is empty, sleep until
/// [`Engine::deadline`] or until something happens. The same inputs give the same actions on every
/// platform.
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) policies: Policies,
    pub(crate) rng: Rng,
    pub(crate) now: Timestamp,
    pub(crate) outbox: Outbox,
    pub(crate) timers: Timers,
    pub(crate) requests: Requests,
    pub(crate) capabilities: Capabilities,
    /// What the device's own clock showed last.
    pub(crate) device_clock: Option<ClockSample>,
    pub(crate) title: Title,
    pub(crate) streams: SortedMap<TrackKind, Stream>,
    pub(crate) playback: Playback,
    pub(crate) qoe: Qoe,
    /// Segments loaded so far.
    pub(crate) loads: u64,
    recorder: Option<Recorder>,
    /// What the media bytes of the input in hand gave; None if it brought none.
    pub(crate) facts: Option<Vec<MediaFact>>,
    /// In a replay, what the end of the body in hand brought to light.
    pub(crate) late: Option<Vec<MediaFact>>,
    pub(crate) keys: Keys,
    /// What the input in hand brought to light beside what was in its own body.
    pub(crate) findings: Findings,
    /// In a replay, what it brought to light when it was recorded.
    pub(crate) recorded: Option<Findings>,
    /// A key that the application gave, for whole segments.
    pub(crate) segment_key: Option<GivenKey>,
    /// What the next title is to be played with.
    setup: Option<KeySetup>,
    /// What is not to be exceeded, beside the application's constraints.
    pub(crate) caps: Caps,
    /// What is known of the network beside what the estimator believes.
    pub(crate) network: Network,
}

/// What is loaded.
#[derive(Default)]
pub(crate) struct Title {
    pub(crate) url: String,
    pub(crate) presentation: Option<Presentation>,
    /// Text of an MPD that waits for remote elements, and how often it was completed.
    pub(crate) remote: Option<crate::load::RemoteElements>,
    /// How it goes on, if it does.
    pub(crate) live: Live,
    /// What the media playlists said beside their segments.
    pub(crate) playlists: SortedMap<RenditionRef, PlaylistInfo>,
    /// What is kept of their texts, to read of newer versions only what is new.
    pub(crate) texts: SortedMap<RenditionRef, TextBlocks>,
    /// Where the application wants to start.
    pub(crate) wanted_start: Option<MediaTime>,
    /// Where playback starts, once that is known.
    pub(crate) start: Option<MediaTime>,
    /// Where the application wants playback to end, if not at the title's end.
    pub(crate) end: Option<MediaTime>,
    /// The application was told that the title is loaded.
    pub(crate) announced: bool,
    pub(crate) inits: SortedMap<InitKey, Init>,
    /// What is added to container times, by discontinuity sequence number (HLS).
    pub(crate) offsets: SortedMap<u64, MediaTime>,
    /// Tracks that the viewer chose, by kind.
    pub(crate) chosen: SortedMap<TrackKind, String>,
    /// Kinds that are switched off.
    pub(crate) disabled: SortedSet<TrackKind>,
    /// Codecs that something was left out for, for want of a decoder.
    pub(crate) left_out: SortedSet<String>,
    /// Service locations that failed, and until when they are left alone.
    pub(crate) bad_locations: SortedMap<String, Timestamp>,
    /// Renditions whose playlist or index cannot be had, and until when they are left alone.
    pub(crate) dead: SortedMap<RenditionRef, Timestamp>,
    /// Tracks of sound (period and track) that were left because they were refused, and not because there is nothing of them.
    pub(crate) refused_sound: SortedSet<(usize, usize)>,
    /// Renditions that are not played for want of keys.
    pub(crate) barred: SortedMap<RenditionRef, Bar>,
    pub(crate) key_files: KeyFiles,
    /// What the manifest says that renditions need: the key tags in force (HLS), and the need of them.
    pub(crate) rendition_needs: SortedMap<RenditionRef, (Arc<[Key]>, NeedId)>,
    /// What happens at its times.
    pub(crate) timed: Timed,
    /// Its captions and subtitles.
    pub(crate) cues: Cues,
    /// What its segments take, as far as it is learnt.
    pub(crate) sizes: Sizes,
    /// What its segments have taught of entering them.
    pub(crate) entries: Entries,
    /// Faults of its media that were tolerated.
    pub(crate) tolerated: Tolerated,
}

impl Engine {
    /// An engine with the default policies.
    pub fn new(config: Config) -> Self {
        let policies = Policies::new(&config);
        Self::with_policies(config, policies)
    }

    /// An engine with policies of the application's own. A recording of its session replays to the
    /// same actions only with the same policies.
    pub fn with_policies(config: Config, policies: Policies) -> Self {
        Self {
            rng: Rng::new(config.seed),
            recorder: Recorder::of(&config),
            policies,
            now: Timestamp::ZERO,
            outbox: Outbox::default(),
            timers: Timers::default(),
            requests: Requests::default(),
            capabilities: Capabilities::default(),
            device_clock: None,
            title: Title::default(),
            streams: SortedMap::new(),
            playback: Playback::default(),
            qoe: Qoe::new(Timestamp::ZERO),
            loads: 0,
            facts: None,
            late: None,
            keys: Keys::new(Licences::new(KeySetup::default(), &config.limits, config.seed)),
            findings: Findings::default(),
            recorded: None,
            segment_key: None,
            setup: None,
            caps: Caps::default(),
            network: Network::new(&config),
            config,
        }
    }

    /// One for a replay: what came of keys is in the recording.
    pub(crate) fn without_keys(config: Config) -> Self {
        let mut engine = Self::new(config);
        engine.keys.live = None;
        engine
    }

    /// Takes what the application brought for the title that is being loaded. What key sessions of the titles
    /// before have to close is closed by themselves.
    pub(crate) fn take_setup(&mut self) {
        if let (Some(setup), Some(live)) = (self.setup.take(), &mut self.keys.live) {
            live.set_up(setup);
        }
    }

    /// Takes one input that happened at `now`. Time never runs back: an earlier `now` counts as the
    /// latest one seen.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.now = self.now.max(now);
        self.timers.note_lateness(self.now);
        self.facts = None;
        self.findings = Findings::default();
        let recorded = self.recorder.is_some().then(|| input.clone());
        self.follow_expiry();
        match input {
            Input::Command(command) => self.on_command(command),
            Input::Network(event) => self.on_network(event),
            Input::Sink(report) => self.on_sink(report),
            Input::Environment(Environment::Capabilities(capabilities)) => {
                self.capabilities = capabilities;
                self.rebuild_ladders();
            }
            // To stored licences, and to live titles as long as nobody else says what time it is.
            Input::Environment(Environment::WallClock { time, uncertainty_ms }) => {
                let uncertainty = Duration::from_millis(uncertainty_ms.into());
                self.on_device_clock(ClockSample::device(time, uncertainty, self.now));
                if let Some(live) = &mut self.keys.live {
                    live.wall(time, self.now);
                }
            }
            Input::Environment(Environment::Pressure(pressure)) => self.caps.pressure = pressure,
            Input::Environment(Environment::Network(network)) => self.on_network_type(network),
            Input::Cdm(event) => {
                if let Some(live) = &mut self.keys.live {
                    live.on_cdm(event, self.now);
                }
            }
            Input::Timer => {}
        }
        while let Some(timer) = self.timers.take_due(self.now) {
            self.on_timer(timer);
        }
        self.settle_with_keys();
        let expired = self.recorded.as_ref().map_or(self.findings.expired, |recorded| recorded.expired);
        self.title.live.note_expiry(expired);
        if let (Some(recorder), Some(input)) = (&mut self.recorder, recorded) {
            let requests = &self.requests;
            let lives = |id| requests.get(id).is_some();
            recorder.findings(std::mem::take(&mut self.findings));
            recorder.input(&input, self.facts.take(), self.now, lives, &self.outbox.secrets);
            let last = matches!(self.playback.state, State::Ended | State::Failed | State::Stopped);
            recorder.check(self.outbox.count(), self.outbox.hash(), last);
        }
    }

    /// Takes keys and key systems for protected titles, from the next title on.
    ///
    /// Sessions of a title that is loaded are closed, as far as the device's key system is concerned, when that
    /// title ends: call it before [`Command::Load`].
    pub fn set_keys(&mut self, setup: KeySetup) {
        let segment_key = setup.segment_key.clone();
        self.segment_key = segment_key.map(|key| GivenKey { length: key.len(), bytes: Some(key) });
        if let Some(recorder) = &mut self.recorder {
            recorder.keys(self.segment_key.as_ref().map(|key| key.length));
        }
        self.setup = Some(setup);
    }

    /// The next thing for the host to do, until there is none.
    pub fn poll(&mut self) -> Option<Action> {
        self.outbox.pop()
    }

    /// When to call [`Engine::handle`] with [`Input::Timer`] if nothing happens before.
    pub fn deadline(&self) -> Option<Timestamp> {
        let keys = self.keys.live.as_ref().and_then(|live| live.deadline());
        self.timers.next().into_iter().chain(keys).min()
    }

    /// The hash of every action so far: equal for equal inputs, on every platform.
    pub fn action_hash(&self) -> u64 {
        self.outbox.hash()
    }

    /// How many actions there were so far, but those that tell what the media says.
    pub(crate) fn action_count(&self) -> u64 {
        self.outbox.count()
    }

    /// What was recorded since the last call, if [`Config::record`] is set: bytes to append to a
    /// file that [`crate::replay`] reads.
    pub fn take_recording(&mut self) -> Vec<u8> {
        self.recorder.as_mut().map(Recorder::take).unwrap_or_default()
    }

    /// The configuration in force: preferences and constraints as the last commands set them.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is loaded, with every playlist and index that was read filled in.
    pub fn presentation(&self) -> Option<&Presentation> {
        self.title.presentation.as_ref()
    }

    /// Quality of experience so far.
    pub fn qoe(&self, now: Timestamp) -> QoeSummary {
        self.qoe.summary(now.max(self.now))
    }

    /// The state of everything that a viewer or an engineer may want to see.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let position = self.position_at(now.max(self.now));
        let presentation = self.title.presentation.as_ref();
        let network = self.measured();
        let streams = self.streams.values().map(|stream| {
            let track = self.track(stream.period, stream.track);
            let rendition = stream.rendition.and_then(|r| track.and_then(|track| track.renditions.get(r)));
            StreamSnapshot {
                kind: stream.kind,
                track: track.map(|track| track.id.clone()).unwrap_or_default(),
                rendition: rendition.map(|r| r.id.clone()),
                bitrate: rendition.map_or(0, |r| r.bandwidth),
                height: rendition.and_then(|r| r.height),
                buffered: stream.ahead(position),
                bytes: stream.buffer.bytes(),
            }
        });
        Snapshot {
            state: self.playback.state,
            position,
            duration: presentation.and_then(|p| p.duration),
            live: presentation.is_some_and(|p| p.live),
            edge: self.live_snapshot(),
            rate_milli: self.playback.rate_milli,
            throughput: network.map(|network| network.bits_per_second),
            network,
            streams: streams.collect(),
            interstitial: None,
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Load { url, start } => self.load(url, start),
            Command::SetPreferences(preferences) => self.config.preferences = preferences,
            Command::SetConstraints(constraints) => {
                self.config.constraints = constraints;
                self.rebuild_ladders();
            }
            Command::SetDataSaver(saver) => self.config.data_saver = saver,
            Command::Stop => self.stop(State::Stopped),
            // The speed outlives titles: it may be set before the first.
            Command::SetRate(rate) => self.set_rate(rate),
            // What was played to its end is still loaded: it can be seeked in, and played once more.
            Command::Seek(target) if self.playback.state == State::Ended => self.seek(target),
            Command::SetEnd(end) if self.playback.state == State::Ended => self.title.end = end,
            Command::GoOn { from, end, after, follow } if self.playback.state == State::Ended => {
                self.go_on_from(from, end, after, follow)
            }
            Command::Play if self.playback.state == State::Ended => {
                self.playback.wanted = true;
                self.seek(MediaTime::MIN);
            }
            // A title that failed on the way, or was stopped, has nothing to play or to hold; that is no
            // mistake of an application that could not know yet.
            Command::Play | Command::Pause if !self.playback.is_active() && !self.title.url.is_empty() => {}
            Command::ReleaseLicence(licence) => {
                if matches!(self.playback.state, State::Idle | State::Stopped | State::Failed) {
                    self.take_setup();
                }
                if let Some(live) = &mut self.keys.live {
                    live.release(licence);
                }
            }
            _ if !self.playback.is_active() => {
                let error = Error::new(ErrorCode::InvalidState, "nothing is loaded that this command could apply to");
                self.report(error.recovered(telecine_model::Handling::Skipped));
            }
            Command::Play => {
                self.playback.wanted = true;
                self.account();
            }
            Command::Pause => {
                self.pause();
                self.account();
            }
            Command::Seek(target) => self.seek(target),
            Command::SetEnd(end) => self.set_end(end),
            Command::GoOn { from, end, after, follow } => self.go_on_from(from, end, after, follow),
            Command::SkipInterstitial => self.report(no_interstitial()),
            Command::SeekToTime(time) => self.seek_to_time(time),
            Command::SelectTrack { kind, id } => self.choose_track(kind, id),
            Command::DisableKind(kind) => self.disable(kind),
        }
    }

    fn on_timer(&mut self, timer: Timer) {
        match timer {
            // Streams are scheduled whenever things settle; the timer only had to wake us.
            Timer::Schedule(_)
            | Timer::Reload
            | Timer::Clock
            | Timer::Start
            | Timer::QualityBoundary
            | Timer::TimedEvent
            | Timer::Cues => {}
            Timer::Latency => self.keep_latency(),
            Timer::Retry => self.retry_due(),
            Timer::Patience => self.lose_patience(),
            Timer::Hanging => self.give_up_hanging(),
            Timer::Watchdog => self.watch(),
        }
    }

    /// Lets everything that may follow from the input follow.
    pub(crate) fn settle(&mut self) {
        self.settle_playback();
        self.follow_timed_events();
        self.follow_cues();
    }

    fn settle_playback(&mut self) {
        if !self.playback.is_active() {
            return;
        }
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.release_held(kind);
            self.release_text(kind);
            self.schedule(kind);
        }
        self.follow_playlists();
        self.follow_mpd();
        self.follow_edge();
        if self.playback.is_active() {
            self.advance();
        }
    }

    /// Ends playback in `state`: nothing is under way any more.
    pub(crate) fn stop(&mut self, state: State) {
        let was_loaded = self.playback.state != State::Idle && self.playback.state != State::Stopped;
        // What was played to its end is loaded until now.
        let leaves = self.playback.is_active() || self.playback.state == State::Ended;
        self.cancel_all();
        self.timers.clear_all();
        self.keys.clear();
        if let Some(live) = &mut self.keys.live {
            live.stop(self.now);
        }
        for stream in self.streams.values_mut() {
            self.qoe.wasted(stream.buffer.clear());
        }
        if was_loaded {
            self.sink(SinkCommand::Stop);
        }
        self.streams.clear();
        self.playback.place(self.playback.position(self.now, MediaTime::MAX), false, self.now);
        if leaves || state == State::Failed {
            self.enter(state);
        }
    }

    /// Ends playback because of an error.
    pub(crate) fn fail(&mut self, error: Error) {
        if self.playback.is_active() {
            self.report(self.in_title(error));
            self.stop(State::Failed);
        }
    }

    /// Goes to another state and tells everyone.
    pub(crate) fn enter(&mut self, state: State) {
        if self.playback.state == state {
            return;
        }
        self.playback.state = state;
        self.account();
        if matches!(state, State::Ended | State::Failed | State::Stopped) {
            self.tell_tolerated();
        }
        self.emit(Event::State { at: self.now, state });
    }

    /// Books the time from now on.
    pub(crate) fn account(&mut self) {
        let accounted = match self.playback.state {
            State::Idle | State::Stopped => QoeState::Idle,
            // Nobody waits before somebody wants to see something.
            State::Loading | State::Preparing | State::Ready if !self.playback.wanted => QoeState::Idle,
            State::Loading | State::Preparing | State::Ready => QoeState::Joining,
            State::Playing => QoeState::Playing,
            State::Paused => QoeState::Paused,
            State::Rebuffering => QoeState::Rebuffering,
            // Whoever waited for media, and is moved to where there are some, waits on.
            State::Seeking if self.playback.stalled_at.is_some() => QoeState::Rebuffering,
            State::Seeking => QoeState::Seeking,
            State::Ended => QoeState::Ended,
            State::Failed => QoeState::Failed,
        };
        self.qoe.transition(accounted, self.now);
    }

    /// Tells the application of an error.
    pub(crate) fn report(&mut self, error: Error) {
        self.emit(Event::Error { at: self.now, error });
    }

    /// Tells the application of a decision.
    pub(crate) fn decide(
        &mut self,
        what: DecisionKind,
        kind: Option<TrackKind>,
        from: Option<String>,
        to: Option<String>,
        why: Vec<String>,
    ) {
        self.decide_among(Vec::new(), what, kind, from, to, why);
    }

    /// Tells a decision that was made among renditions.
    pub(crate) fn decide_among(
        &mut self,
        candidates: Vec<Candidate>,
        what: DecisionKind,
        kind: Option<TrackKind>,
        from: Option<String>,
        to: Option<String>,
        why: Vec<String>,
    ) {
        let decision = Decision { at: self.now, position: self.position(), what, kind, from, to, why, candidates };
        self.emit(Event::Decision(decision));
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.outbox.push(Action::Emit(Box::new(event)));
    }

    /// Tells the application what the media says, which is no decision: neither the hash of actions nor their
    /// number knows of it, since a recording has no media to say it again.
    pub(crate) fn emit_aside(&mut self, event: Event) {
        self.outbox.push_aside(Action::Emit(Box::new(event)));
    }

    pub(crate) fn sink(&mut self, command: SinkCommand) {
        self.outbox.push(Action::Sink(command));
    }

    /// Where the playhead is.
    pub(crate) fn position(&self) -> MediaTime {
        self.position_at(self.now)
    }

    pub(crate) fn position_at(&self, now: Timestamp) -> MediaTime {
        let from = self.playback.position(now, MediaTime::MIN);
        let essential = self.streams.values().filter(|stream| stream.is_essential());
        let limit = essential.filter(|s| !s.ended).map(|s| s.buffer.media_until(from)).min();
        self.playback.position(now, limit.or(self.duration()).unwrap_or(MediaTime::MAX))
    }

    /// Where playback ends, if that is known: with the title, or before it where the application wants that.
    pub(crate) fn duration(&self) -> Option<MediaTime> {
        let own = self.title.presentation.as_ref().and_then(|p| p.duration);
        own.into_iter().chain(self.title.end).min()
    }

    pub(crate) fn track(&self, period: usize, track: usize) -> Option<&Track> {
        self.title.presentation.as_ref()?.periods.get(period)?.tracks.get(track)
    }

    /// Media time as time of the host's clock, at the present speed.
    pub(crate) fn real(&self, span: MediaTime) -> Duration {
        span.mul_ratio(1000, i64::from(self.playback.rate_milli.max(1))).to_duration()
    }

    /// What is played in a time of the host's clock, at the present speed.
    pub(crate) fn media(&self, span: Duration) -> MediaTime {
        MediaTime::from_duration(span).mul_ratio(i64::from(self.playback.rate_milli), 1000)
    }
}

/// What is answered where there is nothing to skip.
pub(crate) fn no_interstitial() -> Error {
    Error::new(ErrorCode::InvalidState, "no interstitial is played that could be skipped")
        .recovered(telecine_model::Handling::Skipped)
}

/// The state of everything, at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The player's state.
    pub state: State,
    /// Playhead.
    pub position: MediaTime,
    /// Duration of the title, where known.
    pub duration: Option<MediaTime>,
    /// Whether it is live.
    pub live: bool,
    /// How far behind the live edge it is, once that is known.
    pub edge: Option<LiveSnapshot>,
    /// Speed in thousandths.
    pub rate_milli: u32,
    /// Estimated throughput in bits a second, once something was measured.
    pub throughput: Option<u64>,
    /// All that is believed of the network where the picture comes from, once something was measured.
    pub network: Option<Estimate>,
    /// One entry per kind that is played.
    pub streams: Vec<StreamSnapshot>,
    /// What is played in the middle of the title, if something is.
    pub interstitial: Option<InterstitialSnapshot>,
}

/// One kind's media, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSnapshot {
    /// Which kind.
    pub kind: TrackKind,
    /// `Track::id`.
    pub track: String,
    /// `Rendition::id` of what is fetched.
    pub rendition: Option<String>,
    /// Its declared bits a second.
    pub bitrate: u64,
    /// Its picture height.
    pub height: Option<u32>,
    /// Media ahead of the playhead.
    pub buffered: MediaTime,
    /// Bytes held by the sink.
    pub bytes: u64,
}
