//! A sink of one's own, with nothing but the crate `telecine`: it hands each picture and each frame of sound to a
//! function at the moment it is due. A real one would give it to a decoder.
//!
//! `cargo run -p telecine --example own_sink -- https://cdn.example/title.mpd` prints every key picture.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use telecine::{
    Append, Bytes, Capabilities, MediaTime, Outcome, Payload, Player, Sink, SinkCommand, SinkReport, Timestamp,
    TrackConfig, TrackInfo, TrackKind, TrackStats,
};

/// One access unit.
pub(crate) struct Unit {
    pub(crate) kind: TrackKind,
    pub(crate) pts: MediaTime,
    pub(crate) is_key: bool,
    pub(crate) data: Bytes,
}

/// Calls a function with each unit when it is due.
pub(crate) struct DueSink<F> {
    due: F,
    lanes: BTreeMap<TrackKind, Lane>,
    /// The playhead was here at this time,
    anchor: (Timestamp, MediaTime),
    /// and moves from there on if it is told to and has media.
    playing: bool,
    moving: bool,
    over: bool,
    rate_milli: u32,
    next_position: Timestamp,
    reports: VecDeque<SinkReport>,
    last_poll: Timestamp,
}

/// What one kind of track has.
#[derive(Default)]
struct Lane {
    track: Option<TrackInfo>,
    /// From when until when there is media.
    spans: BTreeMap<MediaTime, MediaTime>,
    units: VecDeque<Unit>,
    ended: bool,
    stats: Option<TrackStats>,
}

/// A playhead runs over holes this small: manifests round their times.
const SEAM: MediaTime = MediaTime::from_millis(100);
/// A position is wanted some four times a second.
const POSITION_EVERY: Duration = Duration::from_millis(250);

impl Lane {
    /// How far playback gets from here without anything more.
    fn reach(&self, from: MediaTime) -> MediaTime {
        self.spans.iter().fold(from, |reach, (start, end)| if *start <= reach + SEAM { reach.max(*end) } else { reach })
    }

    fn configure(&mut self, config: &TrackConfig) {
        self.track = config.init.as_ref().and_then(|init| init.track(config.track_id)).cloned();
        let (id, codec) = (config.track.clone(), config.codec.clone());
        let fresh = TrackStats {
            kind: config.kind,
            id,
            codec,
            samples: 0,
            duration: MediaTime::ZERO,
            first_pts: None,
            last_pts: None,
            gaps: 0,
            decoded: 0,
            decode_errors: 0,
        };
        self.stats.get_or_insert(fresh);
    }

    fn append(&mut self, append: &Append) {
        let (Some(track), Payload::Fragment(fragment)) = (&self.track, &append.payload) else { return };
        self.spans.insert(append.start.max(append.window.0), append.end.min(append.window.1));
        let time = |ticks| MediaTime::from_ticks(track.presentation_time(ticks), track.timescale) + append.offset;
        for sample in fragment.tracks.iter().filter(|part| part.track_id == track.id).flat_map(|part| &part.samples) {
            let (pts, end) = (time(sample.pts()), time(sample.pts() + i64::from(sample.duration)));
            // What lies outside belongs to another period; what is before `show_from` only helps a decoder to start.
            let wanted = end > append.window.0 && pts < append.window.1;
            if let (true, Some(data), Some(stats)) = (wanted, fragment.sample(sample), &mut self.stats) {
                stats.samples += 1;
                stats.duration += end - pts;
                stats.first_pts = Some(stats.first_pts.map_or(pts, |first| first.min(pts)));
                stats.last_pts = stats.last_pts.max(Some(pts));
                if append.show_from.is_none_or(|from| pts >= from) {
                    self.units.push_back(Unit { kind: append.kind, pts, is_key: sample.sync, data });
                }
            }
        }
        // They come in decoding order and are due in another.
        self.units.make_contiguous().sort_by_key(|unit| unit.pts);
    }

    fn clear(&mut self) {
        self.spans.clear();
        self.units.clear();
        self.ended = false;
    }
}

impl<F: FnMut(Unit) + Send> DueSink<F> {
    pub(crate) fn new(due: F) -> Self {
        Self {
            due,
            lanes: BTreeMap::new(),
            anchor: (Timestamp::ZERO, MediaTime::ZERO),
            playing: false,
            moving: false,
            over: false,
            rate_milli: 1000,
            next_position: Timestamp::ZERO,
            reports: VecDeque::new(),
            last_poll: Timestamp::ZERO,
        }
    }

    /// How far the playhead can run, and whether the title ends there. What has ended holds nothing up.
    fn horizon(&self) -> (MediaTime, bool) {
        let from = self.anchor.1;
        let (ended, open): (Vec<_>, Vec<_>) = self.lanes.values().partition(|lane| lane.ended);
        match open.iter().map(|lane| lane.reach(from)).min() {
            Some(reach) => (reach, false),
            None => (ended.iter().map(|lane| lane.reach(from)).max().unwrap_or(from), !ended.is_empty()),
        }
    }

    fn position(&self, now: Timestamp) -> MediaTime {
        let (since, position) = self.anchor;
        let moved = if self.moving { now.since(since) } else { Duration::ZERO };
        let moved = MediaTime::from_duration(moved).mul_ratio(self.rate_milli.into(), 1000);
        (position + moved).min(self.horizon().0.max(position))
    }

    /// Lets happen what is due by now.
    fn advance(&mut self, now: Timestamp) {
        let position = self.position(now);
        self.anchor = (now, position);
        for lane in self.lanes.values_mut() {
            while lane.units.front().is_some_and(|unit| unit.pts <= position) {
                lane.units.pop_front().into_iter().for_each(&mut self.due);
            }
        }
        let (horizon, is_end) = self.horizon();
        let moves = self.playing && horizon > position;
        if moves != self.moving || (moves && now >= self.next_position) {
            self.next_position = now + POSITION_EVERY;
            self.reports.push_back(SinkReport::Position { position, advancing: moves });
        }
        if self.moving && !moves && self.playing && !is_end {
            self.reports.push_back(SinkReport::Starved { position });
        }
        if self.playing && !moves && is_end && !self.over {
            self.over = true;
            self.reports.push_back(SinkReport::Ended);
        }
        self.moving = moves;
    }
}

impl<F: FnMut(Unit) + Send> Sink for DueSink<F> {
    fn capabilities(&self) -> Capabilities {
        // What was shown is gone, so a seek starts with nothing.
        Capabilities {
            kinds: vec![TrackKind::Video, TrackKind::Audio],
            random_access: false,
            ..Capabilities::default()
        }
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.advance(now);
        match command {
            SinkCommand::Configure(config) => self.lanes.entry(config.kind).or_default().configure(&config),
            SinkCommand::Append(append) => self.lanes.entry(append.kind).or_default().append(&append),
            SinkCommand::Remove { kind, from, to } => {
                let lane = self.lanes.entry(kind).or_default();
                lane.spans.retain(|start, end| *end <= from || *start >= to);
                lane.units.retain(|unit| unit.pts < from || unit.pts >= to);
            }
            SinkCommand::Silence { kind, from, to } => {
                self.lanes.entry(kind).or_default().spans.insert(from, to);
            }
            SinkCommand::EndOfStream { kind } => self.lanes.entry(kind).or_default().ended = true,
            SinkCommand::Play => self.playing = true,
            SinkCommand::Pause => self.playing = false,
            SinkCommand::SetRate(rate_milli) => self.rate_milli = rate_milli,
            SinkCommand::Seek(position) | SinkCommand::Jump(position) => {
                self.lanes.values_mut().for_each(Lane::clear);
                (self.anchor, self.moving, self.over) = ((now, position), false, false);
                self.reports.push_back(SinkReport::Seeked { position });
            }
            SinkCommand::Disable { kind } => drop(self.lanes.remove(&kind)),
            SinkCommand::Stop => {
                self.lanes.values_mut().for_each(Lane::clear);
                (self.anchor, self.playing, self.moving) = ((now, MediaTime::ZERO), false, false);
                self.reports.clear();
            }
        }
        self.advance(now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.last_poll = now;
        self.advance(now);
        self.reports.pop_front()
    }

    fn deadline(&self) -> Option<Timestamp> {
        if !self.reports.is_empty() {
            return Some(self.last_poll);
        }
        let (since, position) = self.anchor;
        let due = self.lanes.values().filter_map(|lane| lane.units.front()).map(|unit| unit.pts);
        let next = due.chain([self.horizon().0]).min().filter(|_| self.moving)?;
        // A millisecond late rather than a microsecond early, which would mean to be asked twice.
        let wait = (next - position).mul_ratio(1000, self.rate_milli.into()).to_duration() + Duration::from_millis(1);
        Some((since + wait).min(self.next_position))
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.lanes.values().filter_map(|lane| lane.stats.clone()).collect()
    }
}

#[tokio::main]
#[allow(dead_code, reason = "a test plays into this sink too, without this function")]
async fn main() -> Result<(), telecine::Error> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "https://cdn.example/title.mpd".to_owned());
    let sink = DueSink::new(|unit| {
        if unit.kind == TrackKind::Video && unit.is_key {
            println!("{}: a key picture of {} bytes", unit.pts, unit.data.len());
        }
    });
    let player = Player::builder().sink(sink).build()?;
    player.load(url)?;
    player.play()?;
    match player.finished().await {
        Outcome::Failed(error) => Err(error),
        _ => Ok(()),
    }
}
