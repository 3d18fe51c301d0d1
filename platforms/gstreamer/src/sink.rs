//! The sink: orders in, reports out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use telecine_engine::{Append, Capabilities, PlaybackSpeeds, Sink, SinkCommand, SinkReport, TrackConfig, TrackStats};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind};

use crate::branch::{Branch, Epoch};
use crate::builder::Builder;
use crate::chain::Tally;
use crate::fault;
use crate::format::decodable_codecs;
use crate::late::{Dropped, Pictures};

/// How often a running pipeline is looked after.
const PULSE: Duration = Duration::from_millis(50);

/// How often one that stands and waits for nothing is.
const IDLE_PULSE: Duration = Duration::from_millis(250);

/// Positions are reported at the multiples of this.
const TICK_MICROS: u64 = 250_000;

/// A decoder that gives nothing for so long is broken.
const MUTE: Duration = Duration::from_secs(2);

/// So close to the end of what is decoded, the playhead is there.
const CLOSE: MediaTime = MediaTime::from_millis(10);

/// Renders through GStreamer. See the [crate's documentation](crate) for how.
pub struct GstSink {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    renderers: BTreeMap<TrackKind, gst::Element>,
    branches: BTreeMap<TrackKind, Branch>,
    capabilities: Capabilities,
    max_bytes: u64,
    stats: Vec<TrackStats>,
    /// Which of the statistics a kind's media counts in.
    current: BTreeMap<TrackKind, usize>,
    reports: VecDeque<SinkReport>,
    /// Since the last seek. None before the first media.
    epoch: Option<Epoch>,
    rate_milli: u32,
    /// The last position seen.
    position: MediaTime,
    /// The engine wants the playhead to run.
    playing: bool,
    /// It stands, since these kinds have nothing more than this.
    starved: BTreeMap<TrackKind, Option<MediaTime>>,
    /// The pipeline was told to run.
    running: bool,
    /// The end was reported, or a failure: nothing happens until the next seek or stop.
    over: bool,
    /// Since when a decoder gives nothing.
    mute: Option<Timestamp>,
    dropped: Dropped,
    pictures: Pictures,
    next_tick: Timestamp,
    now: Timestamp,
}

/// What messages of the end are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    OfThisPlace,
    /// A seek went away from it.
    OfThePlaceBefore,
}

impl GstSink {
    /// What to render with. By default the system's screen and loudspeaker.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A sink for the system's screen and loudspeaker if there is a screen, else one that decodes
    /// and shows nothing.
    ///
    /// # Errors
    /// `SinkFailed` if GStreamer cannot be initialised or lacks an element.
    pub fn default_output() -> Result<Self, Error> {
        let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let screen = named("WAYLAND_DISPLAY") || named("DISPLAY") || cfg!(any(windows, target_vendor = "apple"));
        if screen {
            Self::builder().build()
        } else {
            Self::builder().headless().build()
        }
    }

    pub(crate) fn new(video: gst::Element, audio: gst::Element, max_bytes: u64) -> Result<Self, Error> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or_else(|| Error::new(ErrorCode::SinkFailed, "a pipeline without a bus"))?;
        Ok(Self {
            pipeline,
            bus,
            renderers: BTreeMap::from([(TrackKind::Video, video), (TrackKind::Audio, audio)]),
            branches: BTreeMap::new(),
            capabilities: Capabilities {
                kinds: vec![TrackKind::Video, TrackKind::Audio],
                random_access: false,
                jumps: false,
                codecs: decodable_codecs(),
                max_channels: Vec::new(),
                max_height: None,
                // What the screen behind the sink shows, GStreamer does not tell.
                hdr: None,
                screen: None,
                efficient: Vec::new(),
                max_bytes: Some(max_bytes),
                // Another speed begins by emptying the pipeline: it is seen and heard.
                speeds: PlaybackSpeeds::Normal,
            },
            max_bytes,
            stats: Vec::new(),
            current: BTreeMap::new(),
            reports: VecDeque::new(),
            epoch: None,
            rate_milli: 1000,
            position: MediaTime::ZERO,
            playing: false,
            starved: BTreeMap::new(),
            running: false,
            over: false,
            mute: None,
            dropped: Dropped::default(),
            pictures: Pictures::default(),
            next_tick: Timestamp::ZERO,
            now: Timestamp::ZERO,
        })
    }

    /// Pictures that were not shown because they would have been late: dropped by the renderer, or
    /// passed over by a decoder that could not keep up.
    pub fn dropped_frames(&self) -> u64 {
        self.dropped.total()
    }

    fn configure(&mut self, config: TrackConfig) {
        let kind = config.kind;
        if !self.renderers.contains_key(&kind) {
            return;
        }
        self.settle_tallies();
        let known = |stats: &TrackStats| stats.kind == kind && stats.id == config.track;
        let index = self.stats.iter().position(known).unwrap_or_else(|| {
            self.stats.push(blank(&config));
            self.stats.len() - 1
        });
        if let Some(stats) = self.stats.get_mut(index) {
            stats.codec.clone_from(&config.codec);
        }
        self.current.insert(kind, index);
        if let Some(branch) = self.branch(kind) {
            branch.configure(config);
        }
        self.apply();
    }

    /// The branch of a kind that can be rendered.
    fn branch(&mut self, kind: TrackKind) -> Option<&mut Branch> {
        let renderer = self.renderers.get(&kind)?.clone();
        if !self.branches.contains_key(&kind) {
            // A renderer that joins needs the others to stand: running time is the pipeline's.
            self.hold();
            match Branch::new(kind, &renderer, &self.pipeline, self.epoch()) {
                Ok(branch) => drop(self.branches.insert(kind, branch)),
                Err(error) => self.fail(ErrorCode::SinkFailed, error.to_string()),
            }
        }
        self.branches.get_mut(&kind)
    }

    /// There is nothing of a kind between two times. Media may come later: this comes before a
    /// configuration too.
    fn be_silent(&mut self, kind: TrackKind, from: MediaTime, to: MediaTime) {
        if !self.renderers.contains_key(&kind) {
            return;
        }
        if self.epoch.is_none() {
            self.start(from);
        }
        if let Some(branch) = self.branch(kind) {
            branch.be_silent(from, to);
        }
        self.apply();
    }

    fn append(&mut self, append: &Append) {
        let kind = append.kind;
        if self.epoch.is_none() {
            // Nobody said where to start: where the first media is shown.
            self.start(append.start.max(append.show_from.unwrap_or(MediaTime::MIN)).max(append.window.0));
        }
        let Some(branch) = self.branches.get_mut(&kind) else { return };
        let full = branch.bytes().saturating_add(append.bytes) > self.max_bytes;
        if full && branch.bytes() > 0 {
            return self.reports.push_back(SinkReport::Full { kind, load: append.load });
        }
        let arrival = match branch.append(append) {
            Ok(arrival) => arrival,
            Err(error) => return self.fail(error.code(), error.message().to_owned()),
        };
        if let Some(stats) = self.current.get(&kind).and_then(|index| self.stats.get_mut(*index)) {
            stats.samples += arrival.samples;
            stats.duration += arrival.duration;
            stats.gaps += u64::from(arrival.gap);
            if let Some((first, last)) = arrival.pts {
                stats.first_pts = Some(stats.first_pts.map_or(first, |known| known.min(first)));
                stats.last_pts = stats.last_pts.max(Some(last));
            }
        }
    }

    /// Starts at `position`, empty.
    fn start(&mut self, position: MediaTime) {
        self.restart(position, Branch::seek);
    }

    /// Flushes every branch, and running time starts again at zero.
    fn restart(
        &mut self,
        position: MediaTime,
        how: fn(&mut Branch, Epoch, &gst::Pipeline) -> Result<(), gst::glib::BoolError>,
    ) {
        self.hold();
        let epoch = Epoch { start: position, rate_milli: self.rate_milli };
        self.epoch = Some(epoch);
        self.position = position;
        self.starved.clear();
        self.mute = None;
        self.over = false;
        let failed = self.branches.values_mut().find_map(|branch| how(branch, epoch, &self.pipeline).err());
        self.pipeline.set_start_time(gst::ClockTime::ZERO);
        self.read_bus(Ends::OfThePlaceBefore);
        match failed {
            Some(error) => self.fail(ErrorCode::SinkFailed, error.to_string()),
            None => self.apply(),
        }
    }

    fn epoch(&self) -> Epoch {
        self.epoch.unwrap_or(Epoch { start: self.position, rate_milli: self.rate_milli })
    }

    fn set_rate(&mut self, rate_milli: u32) {
        let rate_milli = rate_milli.max(1);
        if self.rate_milli == rate_milli {
            return;
        }
        self.observe();
        self.rate_milli = rate_milli;
        if self.epoch.is_some() && !self.over {
            self.restart(self.position, Branch::resume);
        }
    }

    fn disable(&mut self, kind: TrackKind) {
        self.settle_tallies();
        self.current.remove(&kind);
        self.starved.remove(&kind);
        let Some(branch) = self.branches.remove(&kind) else { return };
        self.hold();
        match branch.close(&self.pipeline) {
            Ok(()) => self.apply(),
            Err(error) => self.fail(ErrorCode::SinkFailed, error.to_string()),
        }
    }

    fn stop(&mut self) {
        self.settle_tallies();
        let _ = self.pipeline.set_state(gst::State::Null);
        for branch in std::mem::take(&mut self.branches).into_values() {
            // Nothing runs any more that could mind.
            let _ = branch.close(&self.pipeline);
        }
        self.current.clear();
        self.starved.clear();
        self.reports.clear();
        self.pictures = Pictures::default();
        while self.bus.pop().is_some() {}
        self.epoch = None;
        self.position = MediaTime::ZERO;
        self.playing = false;
        self.running = false;
        self.over = false;
        self.mute = None;
    }

    /// Lets the pipeline stand.
    fn hold(&mut self) {
        self.running = false;
        let _ = self.pipeline.set_state(gst::State::Paused);
    }

    /// Lets the pipeline run or stand, as is wanted.
    fn apply(&mut self) {
        let run = self.playing && self.starved.is_empty() && !self.over && !self.branches.is_empty();
        if run != self.running {
            self.running = run;
            let state = if run { gst::State::Playing } else { gst::State::Paused };
            // A failure is on the bus, with its reasons.
            let _ = self.pipeline.set_state(state);
        }
    }

    /// Lets happen what happens by itself.
    fn work(&mut self) {
        self.read_bus(Ends::OfThisPlace);
        if self.over || self.epoch.is_none() {
            return;
        }
        let failed = self.branches.values_mut().find_map(|branch| branch.feed(&self.pipeline).err());
        if let Some(error) = failed {
            return self.fail(ErrorCode::SinkFailed, error.to_string());
        }
        self.settle_tallies();
        self.observe();
        self.listen();
        self.sate();
        self.starve();
        if self.is_advancing() {
            self.reports.extend(self.pictures.tell(self.now));
        }
        if self.is_advancing() && self.next_tick <= self.now {
            self.next_tick =
                Timestamp::from_micros((self.now.as_micros() / TICK_MICROS + 1).saturating_mul(TICK_MICROS));
            self.reports.push_back(SinkReport::Position { position: self.position, advancing: true });
        }
    }

    /// Looks where the playhead is: where the renderer is that is furthest behind, of those that
    /// have not come to their end. It never goes back but for a seek.
    fn observe(&mut self) {
        let mut last: Option<MediaTime> = None;
        let mut least: Option<MediaTime> = None;
        for branch in self.branches.values_mut() {
            let Some(position) = branch.position() else {
                if !branch.is_ended() {
                    return;
                }
                continue;
            };
            last = last.max(Some(position));
            let at_end = branch.is_ended() && branch.horizon().is_none_or(|end| position + CLOSE >= end);
            if !at_end {
                least = Some(least.map_or(position, |least| least.min(position)));
            }
        }
        if let Some(position) = least.or(last) {
            self.position = self.position.max(position);
        }
    }

    /// Whether the playhead moves.
    fn is_advancing(&self) -> bool {
        self.running && self.pipeline.current_state() == gst::State::Playing
    }

    /// Stands if a kind has nothing more to render.
    fn starve(&mut self) {
        if !self.is_advancing() {
            return;
        }
        let near = self.position + CLOSE;
        let dry = self.branches.iter().filter_map(|(kind, branch)| {
            let edge = branch.edge().filter(|edge| *edge <= near)?;
            Some((*kind, edge, branch.horizon()))
        });
        let dry: Vec<_> = dry.collect();
        let Some(position) = dry.iter().map(|(_, edge, _)| *edge).min() else { return };
        self.position = self.position.max(position);
        self.starved = dry.into_iter().map(|(kind, _, had)| (kind, had)).collect();
        self.apply();
        // The clock ran on until now. What comes next is to be shown as if it had not.
        self.pipeline.set_start_time(self.epoch().running(self.position));
        self.reports.push_back(SinkReport::Starved { position: self.position });
    }

    /// Goes on once every kind that had nothing has more.
    fn sate(&mut self) {
        let branches = &self.branches;
        self.starved.retain(|kind, had| {
            branches.get(kind).is_some_and(|branch| branch.horizon() <= *had && !branch.is_ended())
        });
        self.apply();
    }

    /// Notices decoders that swallow everything and say nothing.
    fn listen(&mut self) {
        if !self.branches.values().any(Branch::is_mute) {
            self.mute = None;
            return;
        }
        let since = *self.mute.get_or_insert(self.now);
        if self.now.since(since) >= MUTE {
            self.fail(ErrorCode::DecodeFailed, "the decoder takes samples and gives nothing".to_owned());
        }
    }

    /// Reads what the pipeline says.
    fn read_bus(&mut self, ends: Ends) {
        while let Some(message) = self.bus.pop() {
            if self.over {
                continue;
            }
            match message.view() {
                gst::MessageView::Eos(_) if ends == Ends::OfThePlaceBefore => {}
                gst::MessageView::Eos(_) => self.end(),
                gst::MessageView::Error(error) => {
                    let decodes = |source: &gst::Object| self.branches.values().any(|b| b.decodes_with(source));
                    let (code, message) = fault::read(error, error.src().is_some_and(decodes));
                    self.fail(code, message);
                }
                gst::MessageView::Qos(qos) => self.drop_late(qos),
                gst::MessageView::ClockLost(_) => {
                    self.hold();
                    self.apply();
                }
                _ => {}
            }
        }
    }

    /// An element dropped something, being late. It counts from its last flush.
    fn drop_late(&mut self, qos: &gst::message::Qos) {
        let (Some(source), (_, dropped)) = (qos.src(), qos.stats()) else { return };
        let fresh = self.dropped.hear(&source.name(), u64::try_from(dropped.value()).unwrap_or(0));
        let Some((kind, branch)) = self.branches.iter_mut().find(|(_, branch)| branch.has(source)) else { return };
        let decodes = branch.decodes_with(source);
        if decodes {
            branch.skip(fresh);
        }
        if *kind == TrackKind::Video {
            self.pictures.drop(fresh, decodes);
        }
    }

    /// Everything was played.
    fn end(&mut self) {
        if self.branches.values().any(Branch::is_barren) {
            return self.fail(ErrorCode::DecodeFailed, "no sample of a track could be decoded".to_owned());
        }
        let reach = self.branches.values().filter_map(Branch::horizon).max();
        self.position = self.position.max(reach.unwrap_or(self.position));
        self.over = true;
        self.reports.push_back(SinkReport::Position { position: self.position, advancing: false });
        self.reports.push_back(SinkReport::Ended);
    }

    fn fail(&mut self, code: ErrorCode, message: String) {
        if !self.over {
            self.over = true;
            self.running = false;
            let _ = self.pipeline.set_state(gst::State::Null);
            self.reports.push_back(SinkReport::Failed { code, message });
        }
    }

    /// Counts what decoders gave to the tracks that it was of.
    fn settle_tallies(&mut self) {
        for (kind, branch) in &mut self.branches {
            let tally = branch.take_tally();
            if *kind == TrackKind::Video {
                self.pictures.decoded(tally.decoded);
            }
            if let Some(stats) = self.current.get(kind).and_then(|index| self.stats.get_mut(*index)) {
                add(stats, tally);
            }
        }
    }
}

impl Sink for GstSink {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.now = self.now.max(now);
        match command {
            SinkCommand::Configure(config) => self.configure(*config),
            SinkCommand::Append(append) => self.append(&append),
            SinkCommand::Remove { kind, from, to } => {
                if let Some(branch) = self.branches.get_mut(&kind) {
                    branch.remove(from, to);
                }
            }
            SinkCommand::Silence { kind, from, to } => self.be_silent(kind, from, to),
            SinkCommand::EndOfStream { kind } => {
                if let Some(branch) = self.branches.get_mut(&kind) {
                    branch.end();
                }
            }
            SinkCommand::Play => {
                self.playing = true;
                self.apply();
            }
            SinkCommand::Pause => {
                self.playing = false;
                self.apply();
                self.observe();
                self.reports.push_back(SinkReport::Position { position: self.position, advancing: false });
            }
            SinkCommand::SetRate(rate_milli) => self.set_rate(rate_milli),
            SinkCommand::Seek(position) | SinkCommand::Jump(position) => {
                self.start(position);
                self.reports.push_back(SinkReport::Seeked { position });
            }
            SinkCommand::Disable { kind } => self.disable(kind),
            SinkCommand::Stop => self.stop(),
        }
        self.work();
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.now = self.now.max(now);
        if self.reports.is_empty() {
            self.work();
        }
        self.reports.pop_front()
    }

    fn deadline(&self) -> Option<Timestamp> {
        if !self.reports.is_empty() {
            return Some(self.now);
        }
        if self.branches.is_empty() || self.over {
            return None;
        }
        let busy = self.running || self.branches.values().any(Branch::is_hungry);
        // Sooner if something will have run dry by then.
        let edges = self.branches.values().filter_map(Branch::edge).filter(|_| self.running);
        let left = edges
            .map(|edge| edge - self.position - CLOSE)
            .min()
            .map(|left| left.mul_ratio(1000, i64::from(self.rate_milli)).max(MediaTime::from_millis(5)).to_duration());
        let pulse = if busy { PULSE } else { IDLE_PULSE };
        Some(self.now + left.map_or(pulse, |left| left.min(pulse)))
    }

    fn tracks(&self) -> Vec<TrackStats> {
        let mut stats = self.stats.clone();
        for (kind, branch) in &self.branches {
            if let Some(stats) = self.current.get(kind).and_then(|index| stats.get_mut(*index)) {
                add(stats, branch.tally());
            }
        }
        stats
    }
}

impl Drop for GstSink {
    fn drop(&mut self) {
        // Threads run as long as the pipeline does.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl std::fmt::Debug for GstSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GstSink")
            .field("position", &self.position)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

fn blank(config: &TrackConfig) -> TrackStats {
    TrackStats {
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
    }
}

fn add(stats: &mut TrackStats, tally: Tally) {
    stats.decoded += tally.decoded;
    stats.decode_errors += tally.lost;
}
