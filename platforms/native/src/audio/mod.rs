//! Sound, decoded: by Symphonia, and what Dolby made by oxideav-ac3.
//!
//! ```no_run
//! use telecine::audio::{AudioSink, WavFile};
//! use telecine::Player;
//!
//! # async fn listen() -> Result<(), telecine::Error> {
//! let sink = AudioSink::new(WavFile::new("title.wav"));
//! let player = Player::builder().sink(sink).build()?;
//! player.load("https://cdn.example/title.mpd")?;
//! # Ok(())
//! # }
//! ```

mod decoder;
#[cfg(feature = "audio-device")]
mod device;
#[cfg(feature = "dolby")]
mod dolby;
mod output;
mod symphonia;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use telecine_container::{Fragment, InitSegment, TrackInfo};
use telecine_engine::{Append, Capabilities, Payload, Sink, SinkCommand, SinkReport, TrackConfig, TrackStats};
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::ModelSink;

use decoder::Decoder;
#[cfg(feature = "audio-device")]
pub use device::Speaker;
pub use output::{AudioOutput, Discard, Pcm, WavFile};

/// Access units decoded in one poll: a millisecond of work for AAC, some more for sound of many channels. The loop is
/// not held up for longer.
const BATCH: usize = 32;

/// What plays: sound by its decoders, pictures and subtitles by the null sink's account.
const CODECS: [&str; 20] = [
    "mp4a.40.2",
    "mp4a.40.02",
    "mp4a.67",
    "mp4a.40.34",
    "mp4a.69",
    "mp4a.6b",
    "mp4a.6B",
    "flac",
    "fLaC",
    "alac",
    "avc1",
    "avc3",
    "hvc1",
    "hev1",
    "dvh1",
    "dvhe",
    "av01",
    "vp09",
    "stpp",
    "wvtt",
];

/// Sound that only some builds decode.
#[cfg(feature = "dolby")]
const DOLBY: [&str; 6] = ["ac-3", "ec-3", "mp4a.a5", "mp4a.a6", "mp4a.A5", "mp4a.A6"];
#[cfg(not(feature = "dolby"))]
const DOLBY: [&str; 0] = [];

/// A sink that decodes sound: AAC-LC (mono and stereo), MPEG audio of layers I to III, FLAC and ALAC in CMAF, and with the
/// feature `dolby` AC-3 and E-AC-3.
///
/// Clock, buffers, pictures and subtitles are those of a [`ModelSink`], which it wraps. Sound is
/// decoded ahead of the playhead in small batches, a batch for each poll, with whatever the
/// [`AudioOutput`] is behind it: nothing, a WAV file, the device's speakers.
///
/// Every sample of the presentation is decoded once, across changes of rendition; what lies before
/// a seek's target, or outside of its period, is decoded where the decoder needs it and cut from
/// the output to the frame. A sample that the decoder refuses counts and becomes silence; if that was most of what
/// there is, playback does not end but fails.
pub struct AudioSink {
    model: ModelSink,
    output: Box<dyn AudioOutput>,
    decoder: Option<Decoder>,
    /// Decoder configuration and samples, in the order in which they came.
    queue: VecDeque<Job>,
    track: String,
    counts: BTreeMap<String, Counts>,
    /// Of the title that plays.
    title: Counts,
    frames: Arc<AtomicU64>,
    /// End of the sound that the output has: renditions may overlap where they are switched.
    heard_until: MediaTime,
    failure: Option<SinkReport>,
    /// There is something to decode at once; the time at which that was so.
    busy: Option<Timestamp>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    decoded: u64,
    errors: u64,
}

enum Job {
    Configure {
        track: String,
        init: Arc<InitSegment>,
        track_id: u32,
    },
    Decode(Box<Batch>),
    /// What follows does not continue what came before.
    Reset,
}

/// The samples of one append, and how far they are decoded.
struct Batch {
    fragment: Arc<Fragment>,
    start: MediaTime,
    end: MediaTime,
    offset: MediaTime,
    window: (MediaTime, MediaTime),
    /// From here on it is heard.
    heard_from: MediaTime,
    /// Part of the fragment, and sample in it, that comes next.
    next: (usize, usize),
}

/// Counts what a sink decodes, while the sink itself is in the player's hands.
#[derive(Clone, Debug)]
pub struct FrameCounter(Arc<AtomicU64>);

impl FrameCounter {
    /// Sample frames (one sample of each channel) that were decoded so far.
    pub fn frames(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for AudioSink {
    fn default() -> Self {
        Self::new(Discard)
    }
}

impl AudioSink {
    /// A sink that gives sound to this output.
    pub fn new(output: impl AudioOutput + 'static) -> Self {
        let capabilities = Capabilities {
            // What was decoded is gone: a seek starts from an empty sink.
            random_access: false,
            // What lies behind a gap was not decoded yet, or is no other for the gap.
            jumps: true,
            // Symphonia's decoder of AAC has mono and stereo.
            max_channels: ["mp4a.40.2", "mp4a.40.02", "mp4a.67"].map(|codec| (codec.to_owned(), 2)).to_vec(),
            codecs: CODECS.into_iter().chain(DOLBY).map(str::to_owned).collect(),
            ..Capabilities::default()
        };
        Self {
            model: ModelSink::new(capabilities),
            output: Box::new(output),
            decoder: None,
            queue: VecDeque::new(),
            track: String::new(),
            counts: BTreeMap::new(),
            title: Counts::default(),
            frames: Arc::default(),
            heard_until: MediaTime::MIN,
            failure: None,
            busy: None,
        }
    }

    /// A view of the number of decoded frames that stays when the sink is given away.
    pub fn counter(&self) -> FrameCounter {
        FrameCounter(Arc::clone(&self.frames))
    }

    fn enqueue(&mut self, command: &SinkCommand) {
        const AUDIO: TrackKind = TrackKind::Audio;
        match command {
            SinkCommand::Configure(config) if config.kind == AUDIO => self.enqueue_configuration(config),
            SinkCommand::Append(append) if append.kind == AUDIO => self.enqueue_samples(append),
            SinkCommand::Remove { kind: AUDIO, from, to } => {
                self.queue.retain(|job| !matches!(job, Job::Decode(batch) if batch.start < *to && batch.end > *from));
            }
            SinkCommand::Disable { kind: AUDIO } | SinkCommand::Seek(_) => {
                // Configurations stay in force behind a seek.
                self.queue.retain(|job| matches!(job, Job::Configure { .. }));
                self.queue.push_back(Job::Reset);
                self.heard_until = MediaTime::MIN;
                self.output.clear();
            }
            SinkCommand::Jump(target) => {
                for job in &mut self.queue {
                    if let Job::Decode(batch) = job {
                        batch.heard_from = batch.heard_from.max(*target);
                    }
                }
            }
            SinkCommand::Stop => {
                self.queue.clear();
                self.decoder = None;
                self.title = Counts::default();
                self.finish();
            }
            _ => {}
        }
    }

    fn enqueue_configuration(&mut self, config: &TrackConfig) {
        if let Some(init) = &config.init {
            self.queue.push_back(Job::Configure {
                track: config.track.clone(),
                init: Arc::clone(init),
                track_id: config.track_id,
            });
        }
    }

    fn enqueue_samples(&mut self, append: &Append) {
        let Payload::Fragment(fragment) = &append.payload else { return };
        if append.discontinuity {
            self.queue.push_back(Job::Reset);
        }
        self.queue.push_back(Job::Decode(Box::new(Batch {
            fragment: Arc::clone(fragment),
            start: append.start,
            end: append.end,
            offset: append.offset,
            window: append.window,
            heard_from: append.show_from.unwrap_or(MediaTime::MIN),
            next: (0, 0),
        })));
    }

    /// Decodes a batch of what is due, and notes whether more is.
    fn work(&mut self, now: Timestamp) {
        let horizon = match self.output.lead() {
            Some(lead) => self.model.position(now) + lead,
            None => MediaTime::MAX,
        };
        let mut left = BATCH;
        self.busy = None;
        while let Some(job) = self.queue.front_mut() {
            match job {
                Job::Configure { track, init, track_id } => {
                    let track = std::mem::take(track);
                    let (init, track_id) = (Arc::clone(init), *track_id);
                    self.queue.pop_front();
                    self.configure(track, init.track(track_id));
                }
                Job::Reset => {
                    self.queue.pop_front();
                    if let Some(decoder) = &mut self.decoder {
                        decoder.reset();
                    }
                }
                Job::Decode(batch) if batch.start > horizon => break,
                Job::Decode(_) if left == 0 => {
                    self.busy = Some(now);
                    break;
                }
                Job::Decode(batch) => {
                    left -= 1;
                    let (decoder, counts) = (self.decoder.as_mut(), self.counts.entry(self.track.clone()).or_default());
                    let step = decoder.and_then(|decoder| batch.step(decoder, self.heard_until));
                    let Some(step) = step else {
                        self.queue.pop_front();
                        continue;
                    };
                    if step.counts {
                        for counts in [counts, &mut self.title] {
                            counts.decoded += u64::from(step.good);
                            counts.errors += u64::from(!step.good);
                        }
                        self.frames.fetch_add(if step.good { step.frames } else { 0 }, Ordering::Relaxed);
                    }
                    if let Some(decoder) = self.decoder.as_ref().filter(|_| !step.heard.is_empty()) {
                        self.heard_until = step.end;
                        let written = self.output.write(decoder.pcm(step.heard));
                        self.check(written);
                    }
                }
            }
        }
    }

    fn configure(&mut self, track: String, info: Option<&TrackInfo>) {
        self.track = track;
        let Some(info) = info else { return };
        if self.decoder.as_mut().is_some_and(|decoder| decoder.fits(info)) {
            return;
        }
        match Decoder::new(info) {
            Ok(decoder) => self.decoder = Some(decoder),
            Err(message) => {
                self.decoder = None;
                self.fail(ErrorCode::CodecUnsupported, message);
            }
        }
    }

    /// What to say of sound of which most could not be decoded. Of rubbish some is taken for sound by chance.
    fn ruin(&self) -> Option<String> {
        let Counts { decoded, errors } = self.title;
        let cause = "it is damaged, or its key is wrong";
        match (decoded, decoded + errors) {
            // A decoder that starts in mid-stream may refuse some at first.
            _ if errors <= decoded.max(10) => None,
            (0, all) => Some(format!("none of {all} samples of the sound could be decoded: {cause}")),
            (_, all) => Some(format!("{errors} of {all} samples of the sound could not be decoded: {cause}")),
        }
    }

    fn finish(&mut self) {
        let finished = self.output.finish();
        self.check(finished);
    }

    fn check(&mut self, result: Result<(), String>) {
        if let Err(message) = result {
            self.fail(ErrorCode::SinkFailed, message);
        }
    }

    fn fail(&mut self, code: ErrorCode, message: String) {
        self.failure.get_or_insert(SinkReport::Failed { code, message });
    }
}

/// What became of one sample. Its sound is in the decoder.
struct Step {
    /// The sample belongs to the presentation.
    counts: bool,
    good: bool,
    frames: u64,
    /// Which frames of it are heard,
    heard: std::ops::Range<usize>,
    /// until when.
    end: MediaTime,
}

impl Batch {
    /// Decodes the next sample; None after the last.
    fn step(&mut self, decoder: &mut Decoder, heard_until: MediaTime) -> Option<Step> {
        let clock = decoder.clock();
        let sample = loop {
            let track = self.fragment.tracks.get(self.next.0)?;
            match track.samples.get(self.next.1).filter(|_| track.track_id == clock.track_id) {
                Some(sample) => break sample,
                None => self.next = (self.next.0 + 1, 0),
            }
        };
        self.next.1 += 1;
        let time = |ticks: i64| clock.presentation_time(ticks) + self.offset;
        let (pts, end) = (time(sample.pts()), time(sample.pts().saturating_add(sample.duration.into())));
        if pts >= self.window.1 {
            return Some(Step { counts: false, good: true, frames: 0, heard: 0..0, end });
        }
        let data = self.fragment.sample(sample);
        let good = data.is_some_and(|data| decoder.decode(&data));
        if !good {
            decoder.silence(end - pts);
        }
        // As the null sink counts: what reaches into the window, and a frame across the start of a
        // period only if the period before did not bring it.
        let middle = pts + (end - pts).mul_ratio(1, 2);
        let counts = end > self.window.0 && !(pts < self.window.0 && middle < heard_until);
        // To the frame: what is before the window or the point to show from, what was heard already,
        // and what is behind the window, is cut off.
        let frames = decoder.frames();
        let cut = |span: MediaTime| usize::try_from(decoder.frames_of(span)).unwrap_or(usize::MAX).min(frames);
        let from = cut(self.window.0.max(self.heard_from).max(heard_until) - pts);
        let mut to = frames;
        // A table may say that the last sample is shorter than what its codec makes of it; a tick
        // more or less is rounding.
        let lasts = cut(end - pts);
        if lasts.saturating_add(cut(clock.tick()) + 1) < frames {
            to = lasts;
        }
        if end > self.window.1 {
            to = to.min(cut(self.window.1 - pts));
        }
        Some(Step { counts, good, frames: frames as u64, heard: from..to.max(from), end: end.min(self.window.1) })
    }
}

impl Sink for AudioSink {
    fn capabilities(&self) -> Capabilities {
        Capabilities { speeds: self.output.speeds(), ..self.model.capabilities() }
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.enqueue(&command);
        match &command {
            SinkCommand::Pause => self.output.pause(true),
            SinkCommand::Play => self.output.pause(false),
            SinkCommand::SetRate(rate_milli) => self.output.set_rate(*rate_milli),
            _ => {}
        }
        self.model.command(command, now);
        // What was to be decoded may have been removed.
        self.busy = (!self.queue.is_empty()).then_some(now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        if !self.queue.is_empty() {
            self.work(now);
        }
        let report = self.failure.take().or_else(|| self.model.poll(now));
        match report {
            Some(SinkReport::Position { advancing, .. }) => self.output.pause(!advancing),
            Some(SinkReport::Starved { .. }) => self.output.pause(true),
            // The end is not told before all of it is decoded.
            Some(SinkReport::Ended) => {
                while self.busy.is_some() {
                    self.work(now);
                }
                self.finish();
                if let Some(message) = self.ruin() {
                    return Some(SinkReport::Failed { code: ErrorCode::DecodeFailed, message });
                }
            }
            _ => {}
        }
        report
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.busy, self.model.deadline()].into_iter().flatten().min()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        let mut tracks = self.model.tracks();
        for track in tracks.iter_mut().filter(|track| track.kind == TrackKind::Audio) {
            if let Some(counts) = self.counts.get(&track.id) {
                track.decoded = counts.decoded;
                track.decode_errors = counts.errors;
            }
        }
        tracks
    }
}

impl std::fmt::Debug for AudioSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioSink").field("queued", &self.queue.len()).finish_non_exhaustive()
    }
}
