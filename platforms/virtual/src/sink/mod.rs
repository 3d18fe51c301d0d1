//! The null sink: takes media, times every sample of it, and shows nothing.

mod lane;
mod text;

use std::collections::{BTreeMap, VecDeque};

use telecine_engine::{Append, Capabilities, Sink, SinkCommand, SinkReport, TrackConfig, TrackStats};
use telecine_model::time::UNITS_PER_SECOND;
use telecine_model::{MediaTime, Timestamp, TrackKind};

use lane::Lane;

/// Positions are reported at the multiples of this, four times a second.
const TICK_MICROS: u64 = 250_000;

/// A sink that decodes nothing: it reads the sample tables of what it is given, keeps account of
/// what is buffered as a renderer would, and moves a playhead exactly with the time that it is told.
///
/// Driven by virtual time it is the renderer of tests and simulations; driven by the real clock it
/// is a player's null sink. Playback stands wherever sound or picture are missing, and goes on by
/// itself when they come; subtitles hold nothing up.
///
/// ```
/// use telecine_engine::{Sink, SinkCommand, SinkReport};
/// use telecine_model::{MediaTime, Timestamp};
/// use telecine_virtual::ModelSink;
///
/// let mut sink = ModelSink::default();
/// sink.command(SinkCommand::Seek(MediaTime::from_secs(7)), Timestamp::ZERO);
/// let position = MediaTime::from_secs(7);
/// assert_eq!(sink.poll(Timestamp::ZERO), Some(SinkReport::Seeked { position }));
/// assert_eq!(sink.position(Timestamp::from_millis(500)), position, "nothing is there to play");
/// ```
#[derive(Clone, Debug)]
pub struct ModelSink {
    capabilities: Capabilities,
    lanes: BTreeMap<TrackKind, Lane>,
    stats: Vec<TrackStats>,
    /// Which of the statistics a kind's media counts in.
    current: BTreeMap<TrackKind, usize>,
    reports: VecDeque<SinkReport>,
    /// The playhead was here at this time.
    anchor: (Timestamp, MediaTime),
    rate_milli: u32,
    playing: bool,
    /// The playhead moves.
    moving: bool,
    /// The end was reported.
    ended: bool,
    next_tick: Timestamp,
    /// Everything up to here is reported.
    clock: Timestamp,
}

/// How far the playhead can run on what is buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Horizon {
    /// More may follow there.
    Edge(MediaTime),
    /// The end of the stream.
    End(MediaTime),
}

impl Horizon {
    fn time(self) -> MediaTime {
        match self {
            Self::Edge(time) | Self::End(time) => time,
        }
    }
}

impl Default for ModelSink {
    fn default() -> Self {
        Self::new(Capabilities::default())
    }
}

impl ModelSink {
    /// A sink with these capabilities. Of them it heeds random access and the capacity itself; the
    /// rest is for the engine.
    pub fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            lanes: BTreeMap::new(),
            stats: Vec::new(),
            current: BTreeMap::new(),
            reports: VecDeque::new(),
            anchor: (Timestamp::ZERO, MediaTime::ZERO),
            rate_milli: 1000,
            playing: false,
            moving: false,
            ended: false,
            next_tick: Timestamp::ZERO,
            clock: Timestamp::ZERO,
        }
    }

    /// Where the playhead is at `now`.
    pub fn position(&self, now: Timestamp) -> MediaTime {
        let (since, position) = self.anchor;
        if !self.moving {
            return position;
        }
        let units = now.since(since).as_micros() as i128 * i128::from(self.rate_milli) * i128::from(UNITS_PER_SECOND);
        let moved = MediaTime::from_units(i64::try_from(units / 1_000_000_000).unwrap_or(i64::MAX));
        self.horizon().map_or(position, |horizon| (position + moved).min(horizon.time()))
    }

    /// Whether the playhead moves.
    pub fn is_advancing(&self) -> bool {
        self.moving
    }

    /// What is buffered of a kind, without the seams that are played over.
    pub fn buffered(&self, kind: TrackKind) -> Vec<(MediaTime, MediaTime)> {
        self.lanes.get(&kind).map_or_else(Vec::new, Lane::ranges)
    }

    /// How far playback can go on from the playhead: the least of sound and picture. None before
    /// either is configured.
    fn horizon(&self) -> Option<Horizon> {
        let position = self.anchor.1;
        let mut edge: Option<MediaTime> = None;
        let mut end: Option<MediaTime> = None;
        for (_, lane) in self.lanes.iter().filter(|(kind, _)| is_essential(**kind)) {
            let reach = lane.reach(position);
            if lane.ended && reach >= lane.end() {
                end = end.max(Some(reach));
            } else {
                edge = Some(edge.map_or(reach, |edge| edge.min(reach)));
            }
        }
        edge.map(Horizon::Edge).or(end.map(Horizon::End))
    }

    /// When the moving playhead gets to `target`.
    fn arrival(&self, target: MediaTime) -> Timestamp {
        let (since, position) = self.anchor;
        let units = i128::from((target - position).units().max(0)) * 1_000_000_000;
        let speed = i128::from(self.rate_milli) * i128::from(UNITS_PER_SECOND);
        let micros = (units + speed - 1) / speed;
        Timestamp::from_micros(since.as_micros().saturating_add(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// Lets happen what happens by itself until `now`.
    fn advance(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now);
        let Some(horizon) = self.horizon().filter(|_| self.playing) else {
            self.moving = false;
            return;
        };
        let target = horizon.time();
        if !self.moving && target > self.anchor.1 {
            self.moving = true;
            self.anchor.0 = now;
            self.next_tick = tick_after(now);
            self.report_position();
        }
        if self.moving {
            let arrival = self.arrival(target);
            if arrival > now {
                if self.next_tick <= now {
                    self.next_tick = tick_after(now);
                    let position = self.position(now);
                    self.reports.push_back(SinkReport::Position { position, advancing: true });
                }
                return;
            }
            self.moving = false;
            self.anchor = (arrival, target);
            if let Horizon::Edge(position) = horizon {
                self.reports.push_back(SinkReport::Starved { position });
            }
        }
        if matches!(horizon, Horizon::End(_)) && !self.ended {
            self.ended = true;
            self.report_position();
            self.reports.push_back(SinkReport::Ended);
        }
    }

    fn report_position(&mut self) {
        let (position, advancing) = (self.anchor.1, self.moving);
        self.reports.push_back(SinkReport::Position { position, advancing });
    }

    /// Holds the playhead where it is at `now`, for what follows to change its course.
    fn halt(&mut self, now: Timestamp) {
        self.anchor = (now, self.position(now));
        self.moving = false;
    }

    /// The lane of a kind. A new one has a say in how far playback can go on from where the playhead is by now.
    fn open_lane(&mut self, kind: TrackKind, now: Timestamp) -> &mut Lane {
        if !self.lanes.contains_key(&kind) {
            self.anchor = (now, self.position(now));
        }
        self.lanes.entry(kind).or_default()
    }

    fn configure(&mut self, config: &TrackConfig) {
        let known = |stats: &TrackStats| stats.kind == config.kind && stats.id == config.track;
        let index = self.stats.iter().position(known).unwrap_or_else(|| {
            self.stats.push(TrackStats {
                kind: config.kind,
                id: config.track.clone(),
                codec: String::new(),
                samples: 0,
                duration: MediaTime::ZERO,
                first_pts: None,
                last_pts: None,
                gaps: 0,
                decoded: 0,
                decode_errors: 0,
            });
            self.stats.len() - 1
        });
        self.stats[index].codec.clone_from(&config.codec);
        self.current.insert(config.kind, index);
        self.lanes.entry(config.kind).or_default().configure(config, index);
    }

    fn append(&mut self, append: &Append) {
        let lane = self.lanes.entry(append.kind).or_default();
        if self.capabilities.max_bytes.is_some_and(|max| lane.bytes().saturating_add(append.bytes) > max) {
            self.reports.push_back(SinkReport::Full { kind: append.kind, load: append.load });
            return;
        }
        let arrival = lane.take(append);
        self.ended = false;
        if let Some(stats) = self.current.get(&append.kind).and_then(|index| self.stats.get_mut(*index)) {
            stats.samples += arrival.samples;
            stats.duration += arrival.duration;
            stats.gaps += u64::from(arrival.gap);
            if let Some((first, last)) = arrival.pts {
                stats.first_pts = Some(stats.first_pts.map_or(first, |known| known.min(first)));
                stats.last_pts = stats.last_pts.max(Some(last));
            }
        }
    }

    fn seek(&mut self, position: MediaTime, now: Timestamp) {
        self.anchor = (now, position);
        self.moving = false;
        self.ended = false;
        for lane in self.lanes.values_mut() {
            lane.restart();
            if !self.capabilities.random_access {
                lane.clear();
            }
        }
        self.reports.push_back(SinkReport::Seeked { position });
    }
}

impl Sink for ModelSink {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.advance(now);
        match command {
            SinkCommand::Configure(config) => {
                self.open_lane(config.kind, now);
                self.configure(&config);
            }
            SinkCommand::Append(append) => self.append(&append),
            SinkCommand::Remove { kind, from, to } => {
                // What is on screen is not affected: the playhead goes on from where it is.
                self.anchor = (now, self.position(now));
                if let Some(lane) = self.lanes.get_mut(&kind) {
                    lane.remove(from, to);
                }
            }
            SinkCommand::Silence { kind, from, to } => {
                // Media may come later: what there is nothing of first is told before its configuration.
                self.open_lane(kind, now).be_silent(from, to);
            }
            SinkCommand::EndOfStream { kind } => {
                if let Some(lane) = self.lanes.get_mut(&kind) {
                    lane.ended = true;
                }
            }
            SinkCommand::Play => self.playing = true,
            SinkCommand::Pause => {
                self.halt(now);
                self.playing = false;
                self.report_position();
            }
            SinkCommand::SetRate(rate_milli) => {
                self.anchor = (now, self.position(now));
                self.rate_milli = rate_milli.max(1);
            }
            SinkCommand::Seek(position) => self.seek(position, now),
            SinkCommand::Jump(position) => {
                self.anchor = (now, position);
                self.moving = false;
                self.reports.push_back(SinkReport::Seeked { position });
            }
            SinkCommand::Disable { kind } => {
                self.anchor = (now, self.position(now));
                self.lanes.remove(&kind);
                self.current.remove(&kind);
            }
            SinkCommand::Stop => {
                self.anchor = (now, MediaTime::ZERO);
                self.moving = false;
                self.playing = false;
                self.ended = false;
                self.lanes.clear();
                self.current.clear();
                self.reports.clear();
            }
        }
        self.advance(now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.advance(now);
        self.reports.pop_front()
    }

    fn deadline(&self) -> Option<Timestamp> {
        if !self.reports.is_empty() {
            return Some(self.clock);
        }
        let horizon = self.horizon().filter(|_| self.moving)?;
        Some(self.arrival(horizon.time()).min(self.next_tick))
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.stats.clone()
    }
}

/// Whether playback waits for a kind.
fn is_essential(kind: TrackKind) -> bool {
    matches!(kind, TrackKind::Video | TrackKind::Audio)
}

/// The first multiple of the reporting interval behind `now`.
fn tick_after(now: Timestamp) -> Timestamp {
    Timestamp::from_micros((now.as_micros() / TICK_MICROS + 1).saturating_mul(TICK_MICROS))
}
