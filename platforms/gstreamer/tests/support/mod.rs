//! A stage for a sink: the demo title's tracks, the strip in its pictures, and a clock.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod sound;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use telecine_container::{Fragment, InitSegment, IsoReader, Unit};
use telecine_engine::{Append, Format, LoadId, Payload, Sink, SinkCommand, SinkReport, TrackConfig, TrackStats};
use telecine_gstreamer::{Builder, Frame, GstSink, PixelFormat};
use telecine_model::{Limits, MediaTime, Timestamp, TrackKind};

/// A picture that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub pts: MediaTime,
    pub width: u32,
    /// What the strip says: which rendition, which frame.
    pub strip: Option<(u32, u32)>,
}

impl Shown {
    pub fn rendition(&self) -> u32 {
        self.strip.expect("the picture has a strip").0
    }

    pub fn frame(&self) -> u32 {
        self.strip.expect("the picture has a strip").1
    }
}

/// Reads the strip as `conformance/media/README.md` describes it.
pub fn read_strip(frame: &Frame<'_>) -> Option<(u32, u32)> {
    let width = frame.width() as usize;
    let row = frame.row(0, frame.height() as usize / 20)?;
    let mut word = 0_u32;
    for block in 0..32 {
        let (left, right) = (width * block / 32, width * (block + 1) / 32);
        let quarter = (right - left) / 4;
        let middle = row.get(left + quarter..right - quarter)?;
        let sum: u32 = middle.iter().map(|level| u32::from(*level)).sum();
        word = word << 1 | u32::from(sum >= 128 * middle.len() as u32);
    }
    let payload = word >> 5 & 0x7f_ffff;
    let check = (0..5).map(|group| payload >> (5 * group) & 31).sum::<u32>() & 31;
    (word >> 28 == 0b1010 && word & 31 == check).then_some((payload >> 20, payload & 0xf_ffff))
}

/// A track in fragments.
#[derive(Clone)]
pub struct Media {
    pub kind: TrackKind,
    pub name: String,
    pub init: Arc<InitSegment>,
    pub fragments: Vec<Arc<Fragment>>,
}

impl Media {
    pub fn read(name: &str, bytes: Bytes) -> Self {
        let mut reader = IsoReader::new(&Limits::default());
        reader.push(bytes);
        let (mut init, mut fragments) = (None, Vec::new());
        let mut drain = |reader: &mut IsoReader| {
            while let Some(unit) = reader.poll().expect("the media is sound") {
                match unit {
                    Unit::Init(segment) => init = Some(segment),
                    Unit::Fragment(fragment) => fragments.push(Arc::new(fragment)),
                    _ => {}
                }
            }
        };
        drain(&mut reader);
        reader.finish().expect("the media is complete");
        drain(&mut reader);
        let init = init.expect("the media has an initialisation section");
        Self { kind: init.tracks[0].kind, name: name.to_owned(), init, fragments }
    }

    /// A file of the demo title.
    pub fn demo(name: &str) -> Self {
        let path = [env!("CARGO_MANIFEST_DIR"), "../../conformance/media/demo", name].iter().collect::<PathBuf>();
        Self::read(name, std::fs::read(path).expect("the demo title is there").into())
    }

    pub fn configuration(&self) -> SinkCommand {
        let track = &self.init.tracks[0];
        SinkCommand::Configure(Box::new(TrackConfig {
            kind: self.kind,
            track: self.kind.name().to_owned(),
            rendition: self.name.clone(),
            codec: track.codec.to_string(),
            format: Format::Cmaf,
            init: Some(Arc::clone(&self.init)),
            track_id: track.id,
        }))
    }

    /// The append of a fragment, `offset` later than it says itself.
    pub fn append(&self, index: usize, offset: MediaTime) -> Append {
        let fragment = &self.fragments[index];
        let part = &fragment.tracks[0];
        // What does not start with a sync sample goes on with the segment before.
        let starts = |fragment: &&Arc<Fragment>| fragment.tracks[0].samples[0].sync;
        let segment = self.fragments[..=index].iter().filter(starts).count() as u64;
        let time = |ticks| MediaTime::from_ticks(ticks, self.init.tracks[0].timescale) + offset;
        Append {
            kind: self.kind,
            rendition: self.name.clone(),
            load: LoadId(index as u64),
            segment,
            start: time(part.earliest_pts().expect("samples")),
            end: time(part.end_pts().expect("samples")),
            offset,
            window: (MediaTime::MIN, MediaTime::MAX),
            show_from: None,
            discontinuity: false,
            samples: part.samples.len() as u32,
            bytes: fragment.size,
            payload: Payload::Fragment(Arc::clone(fragment)),
        }
    }
}

/// A sink that writes down what it shows.
pub fn screen() -> (GstSink, Arc<Mutex<Vec<Shown>>>) {
    screen_with(|builder| builder)
}

/// The same with more settings.
pub fn screen_with(set: impl FnOnce(Builder) -> Builder) -> (GstSink, Arc<Mutex<Vec<Shown>>>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let screen = Arc::clone(&shown);
    let show = move |frame: &Frame<'_>| {
        let picture = Shown { pts: frame.pts(), width: frame.width(), strip: read_strip(frame) };
        screen.lock().expect("no test panics while it looks").push(picture);
    };
    let builder = set(GstSink::builder().headless().frames(PixelFormat::Gray8, show));
    (builder.build().expect("GStreamer is there"), shown)
}

/// A sink that hands its pictures to the test, and the time.
pub struct Stage {
    pub sink: GstSink,
    pub shown: Arc<Mutex<Vec<Shown>>>,
    pub reports: Vec<SinkReport>,
    began: Instant,
}

impl Stage {
    pub fn new() -> Self {
        let (sink, shown) = screen();
        Self::before(sink, shown)
    }

    /// A stage for a sink of [`screen_with`].
    pub fn before(sink: GstSink, shown: Arc<Mutex<Vec<Shown>>>) -> Self {
        Self { shown, ..Self::with(sink) }
    }

    /// A stage for a sink that shows its pictures elsewhere.
    pub fn with(sink: GstSink) -> Self {
        Self { sink, shown: Arc::default(), reports: Vec::new(), began: Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.began.elapsed().as_micros() as u64)
    }

    pub fn command(&mut self, command: SinkCommand) {
        let now = self.now();
        self.sink.command(command, now);
        self.poll();
    }

    pub fn append(&mut self, media: &Media, index: usize) {
        self.command(SinkCommand::Append(Box::new(media.append(index, MediaTime::ZERO))));
    }

    /// Configures, appends all and ends a track.
    pub fn load(&mut self, media: &Media) {
        self.command(media.configuration());
        for index in 0..media.fragments.len() {
            self.append(media, index);
        }
        self.command(SinkCommand::EndOfStream { kind: media.kind });
    }

    fn poll(&mut self) {
        let now = self.now();
        while let Some(report) = self.sink.poll(now) {
            self.reports.push(report);
        }
    }

    /// Keeps the sink going until something is so.
    pub fn run_until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let limit = Instant::now() + Duration::from_secs(40);
        while !is_so(self) {
            assert!(Instant::now() < limit, "{what} in time; {:?}", self.reports.last());
            if let Some(SinkReport::Failed { code, message }) = self.reports.last() {
                panic!("{what}: the sink failed with {code:?}: {message}");
            }
            let wait = self.sink.deadline().map_or(Duration::from_millis(50), |at| at.since(self.now()));
            std::thread::sleep(wait.clamp(Duration::from_millis(1), Duration::from_millis(100)));
            self.poll();
        }
    }

    pub fn run_for(&mut self, span: Duration) {
        let until = Instant::now() + span;
        self.run_until("time passes", |_| Instant::now() >= until);
    }

    pub fn run_to_the_end(&mut self) {
        self.run_until("the end", |stage| stage.reports.contains(&SinkReport::Ended));
    }

    /// Until this many pictures were shown.
    pub fn run_until_shown(&mut self, count: usize) {
        self.run_until("pictures", |stage| stage.shown().len() >= count);
    }

    pub fn shown(&self) -> Vec<Shown> {
        self.shown.lock().expect("no callback panics").clone()
    }

    pub fn frames(&self) -> Vec<u32> {
        self.shown().iter().map(Shown::frame).collect()
    }

    pub fn stats(&self, kind: TrackKind) -> TrackStats {
        self.sink.tracks().into_iter().find(|stats| stats.kind == kind).expect("the track was configured")
    }

    pub fn starved_at(&self) -> Option<MediaTime> {
        self.reports.iter().rev().find_map(|report| match report {
            SinkReport::Starved { position } => Some(*position),
            _ => None,
        })
    }

    pub fn position(&self) -> Option<MediaTime> {
        self.reports.iter().rev().find_map(|report| match report {
            SinkReport::Position { position, .. } => Some(*position),
            _ => None,
        })
    }
}

/// A frame lasts 40 ms.
pub fn frame_time(frame: u32) -> MediaTime {
    MediaTime::from_millis(i64::from(frame) * 40)
}
