//! Access units to CMAF: times, durations, fragments and initialisation segments.
//!
//! The tracks of a programme are handed on together. An initialisation segment needs the configuration
//! of each of them, so the first waits until every track has shown its own; what comes after it follows
//! the track that leads, which is the video if there is any.

mod audio;
mod order;
mod video;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use telecine_model::protection::Subsample;
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Timescale};

use self::audio::AudioTimeline;
use self::video::VideoTimeline;
use crate::es::{AudioUnit, VideoUnit};
use crate::iso::{
    write_fragment, write_init, FragmentTrackData, InitSegment, Sample, SampleEntry, TrackDescription, TrackEncryption,
};
use crate::stream::{Output, SampleAes, StreamOptions, StreamUnit};

/// Ticks a second of all times in transport streams.
pub(crate) const CLOCK_RATE: u32 = 90_000;

/// A time of that clock.
pub(crate) fn media_time(ticks: i64) -> MediaTime {
    Timescale::new(CLOCK_RATE).map_or(MediaTime::ZERO, |scale| MediaTime::from_ticks(ticks, scale))
}

/// From one picture to the next where nothing says it: 25 a second.
const DEFAULT_STEP: i64 = 3600;

/// What rounding explains: 2 ms. Some writers count milliseconds.
const JITTER: i64 = 180;

/// What no hole explains: 10 s.
const JUMP: i64 = 10 * CLOCK_RATE as i64;

/// Samples of one track in one fragment at most, and their bytes.
const FRAGMENT_SAMPLES: usize = 1000;
const FRAGMENT_BYTES: usize = 64 << 20;

/// The bytes of a sample. Those of video lie behind each other in one buffer, as far as it goes.
#[derive(Debug)]
enum Media {
    Video(BytesMut),
    Audio(Bytes),
}

impl Media {
    fn len(&self) -> usize {
        match self {
            Self::Video(bytes) => bytes.len(),
            Self::Audio(bytes) => bytes.len(),
        }
    }
}

/// A sample that is complete: it waits for its fragment.
#[derive(Debug)]
struct Queued {
    /// In ticks of the track, as the other two.
    dts: i64,
    duration: u32,
    cts_offset: i32,
    sync: bool,
    data: Media,
    /// Holds from this sample on.
    config: Option<Box<SampleEntry>>,
    subsamples: Vec<Subsample>,
}

/// The samples of a track that go into the next fragment.
#[derive(Debug, Default)]
struct Ready {
    samples: Vec<Sample>,
    data: Vec<Bytes>,
    /// The last piece of the data, to which more may be joined.
    tail: BytesMut,
    subsamples: Vec<Vec<Subsample>>,
    duration: i64,
    bytes: usize,
}

impl Ready {
    fn push(&mut self, queued: Queued) {
        let size = queued.data.len();
        self.bytes = self.bytes.saturating_add(size);
        self.duration = self.duration.saturating_add(queued.duration.into());
        self.samples.push(Sample {
            dts: queued.dts,
            offset: 0,
            duration: queued.duration,
            cts_offset: queued.cts_offset,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            sync: queued.sync,
            dependencies: 0,
            description: 1,
        });
        self.subsamples.push(queued.subsamples);
        match queued.data {
            Media::Audio(bytes) => self.data.push(bytes),
            Media::Video(bytes) if self.tail.is_empty() => self.tail = bytes,
            Media::Video(bytes) if self.tail.as_ptr_range().end == bytes.as_ptr() => self.tail.unsplit(bytes),
            Media::Video(bytes) => {
                let piece = std::mem::replace(&mut self.tail, bytes);
                self.data.push(piece.freeze());
            }
        }
    }

    /// Decode time behind the last sample.
    fn end(&self) -> Option<i64> {
        self.samples.last().map(|sample| sample.dts.saturating_add(sample.duration.into()))
    }

    fn take(&mut self, track_id: u32, encrypted: bool) -> FragmentTrackData {
        let mut ready = std::mem::take(self);
        if !ready.tail.is_empty() {
            ready.data.push(ready.tail.freeze());
        }
        FragmentTrackData {
            track_id,
            samples: ready.samples,
            data: ready.data,
            subsamples: encrypted.then_some(ready.subsamples),
            groups: Vec::new(),
        }
    }
}

#[derive(Debug)]
enum Timeline {
    Video(Box<VideoTimeline>),
    Audio(AudioTimeline),
}

/// What a programme says of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrackSpec {
    pub(crate) id: u32,
    pub(crate) video: bool,
    pub(crate) language: Option<[u8; 3]>,
    /// With SAMPLE-AES.
    pub(crate) encrypted: bool,
}

#[derive(Debug)]
struct Track {
    spec: TrackSpec,
    encryption: Option<TrackEncryption>,
    timeline: Timeline,
    queue: VecDeque<Queued>,
    /// Bytes in the queue and of what is ready.
    pending: usize,
    ready: Ready,
    /// What the samples that are ready need.
    entry: Option<SampleEntry>,
}

impl Track {
    /// Counts what was added to the queue behind the first `before`.
    fn count(&mut self, before: usize) {
        let added: usize = self.queue.iter().skip(before).map(|queued| queued.data.len()).sum();
        self.pending = self.pending.saturating_add(added);
    }

    fn timescale(&self) -> Option<Timescale> {
        match self.entry.as_ref()? {
            SampleEntry::Video(_) => Timescale::new(CLOCK_RATE),
            SampleEntry::Audio(entry) => Timescale::new(entry.rate()),
        }
    }

    fn description(&self) -> Option<TrackDescription> {
        Some(TrackDescription {
            id: self.spec.id,
            timescale: self.timescale()?,
            language: self.spec.language,
            entry: self.entry.clone()?,
            encryption: self.encryption.clone(),
        })
    }

    /// How long the samples that are ready last.
    fn ready_time(&self) -> MediaTime {
        self.timescale().map_or(MediaTime::ZERO, |scale| MediaTime::from_ticks(self.ready.duration, scale))
    }

    /// The next sample cannot go into the fragment of those that are ready.
    fn breaks(&self, next: &Queued, chunk: MediaTime) -> bool {
        let Some(end) = self.ready.end() else { return false };
        let changed = next.config.as_ref().is_some_and(|config| Some(&**config) != self.entry.as_ref());
        // Where a fragment begins decoding can, if it makes no difference to anything else.
        let entry = self.spec.video && next.sync && self.ready_time() >= chunk.mul_ratio(1, 2);
        let full = self.ready.samples.len() >= FRAGMENT_SAMPLES || self.ready.bytes >= FRAGMENT_BYTES;
        changed || next.dts != end || entry || full
    }
}

/// Makes one CMAF stream of the tracks of a programme.
#[derive(Debug)]
pub(crate) struct Remuxer {
    options: StreamOptions,
    pending_limit: usize,
    changes_limit: usize,
    changes_left: usize,
    tracks: Vec<Track>,
    init: Option<Arc<InitSegment>>,
    /// The initialisation segment no longer says what the tracks need.
    stale: bool,
    /// Every track may still come with its configuration.
    patient: bool,
    key: Option<SampleAes>,
    sequence: u32,
    written: u64,
}

impl Remuxer {
    pub(crate) fn new(options: &StreamOptions, limits: &Limits) -> Self {
        Self {
            options: options.clone(),
            pending_limit: limits.pending_bytes,
            changes_limit: limits.configurations,
            changes_left: limits.configurations,
            tracks: Vec::new(),
            init: None,
            stale: true,
            patient: true,
            key: None,
            sequence: 0,
            written: 0,
        }
    }

    /// The key of SAMPLE-AES from the next segment on.
    pub(crate) fn set_key(&mut self, key: Option<SampleAes>) {
        self.key = key;
        for track in self.tracks.iter_mut().filter(|track| track.spec.encrypted) {
            let encryption = key.map(|key| encryption(key, track.spec.video));
            self.stale |= encryption != track.encryption;
            track.encryption = encryption;
        }
    }

    /// Says which tracks there are. Those that were there keep their time.
    ///
    /// # Errors
    /// As for [`video`](Self::video).
    pub(crate) fn set_tracks(&mut self, specs: &[TrackSpec], out: &mut Output) -> Result<(), Error> {
        for spec in specs {
            let encryption = self.key.filter(|_| spec.encrypted).map(|key| encryption(key, spec.video));
            let known = self.tracks.iter().find(|track| track.spec.id == spec.id);
            if known.is_some_and(|track| track.spec == *spec && track.encryption == encryption) {
                continue;
            }
            // What is there was made for the initialisation segment before.
            self.finish_tracks(out)?;
            self.stale = true;
            match self.tracks.iter_mut().find(|track| track.spec.id == spec.id && track.spec.video == spec.video) {
                Some(track) => {
                    track.spec = *spec;
                    track.encryption = encryption;
                }
                None => {
                    self.tracks.retain(|track| track.spec.id != spec.id);
                    self.tracks.push(Track {
                        spec: *spec,
                        encryption,
                        timeline: match spec.video {
                            true => Timeline::Video(Box::new(VideoTimeline::new(self.options.captions))),
                            false => Timeline::Audio(AudioTimeline::default()),
                        },
                        queue: VecDeque::new(),
                        pending: 0,
                        ready: Ready::default(),
                        entry: None,
                    });
                }
            }
        }
        self.tracks.sort_by_key(|track| track.spec.id);
        Ok(())
    }

    /// Takes an access unit of video.
    ///
    /// # Errors
    /// `ContainerLimit` if the decoder configuration changes too often, `KeyUnavailable` if a track is
    /// protected and no key is set.
    pub(crate) fn video(&mut self, id: u32, unit: VideoUnit, out: &mut Output) -> Result<(), Error> {
        if let Some(track) = self.tracks.iter_mut().find(|track| track.spec.id == id) {
            if let Timeline::Video(timeline) = &mut track.timeline {
                let before = track.queue.len();
                timeline.accept(unit, &mut track.queue, out);
                track.count(before);
            }
        }
        self.settle(out)
    }

    /// Takes a frame of sound.
    ///
    /// # Errors
    /// As for [`video`](Self::video).
    pub(crate) fn audio(&mut self, id: u32, unit: AudioUnit, out: &mut Output) -> Result<(), Error> {
        if let Some(track) = self.tracks.iter_mut().find(|track| track.spec.id == id) {
            if let Timeline::Audio(timeline) = &mut track.timeline {
                let before = track.queue.len();
                timeline.accept(unit, &mut track.queue, out);
                track.count(before);
            }
        }
        self.settle(out)
    }

    /// Frames of sound are missing.
    pub(crate) fn lose_audio(&mut self, id: u32) {
        if let Some(track) = self.tracks.iter_mut().find(|track| track.spec.id == id) {
            if let Timeline::Audio(timeline) = &mut track.timeline {
                timeline.lose();
            }
        }
    }

    /// The segment ends: everything comes out.
    ///
    /// # Errors
    /// As for [`video`](Self::video).
    pub(crate) fn finish(&mut self, out: &mut Output) -> Result<(), Error> {
        self.finish_tracks(out)?;
        self.changes_left = self.changes_limit;
        Ok(())
    }

    fn finish_tracks(&mut self, out: &mut Output) -> Result<(), Error> {
        for track in &mut self.tracks {
            match &mut track.timeline {
                Timeline::Video(timeline) => timeline.flush(&mut track.queue, out),
                Timeline::Audio(timeline) => timeline.flush(out),
            }
        }
        self.settle_tracks(true, out)?;
        self.flush(true, out).map(drop)
    }

    /// What follows has nothing to do with what was before, which is dropped as far as it was not
    /// [finished](Self::finish). Tracks are to be named anew.
    pub(crate) fn restart(&mut self) {
        self.tracks.clear();
        self.stale = true;
        self.patient = true;
        self.changes_left = self.changes_limit;
    }

    /// The segment ended without its end: what has not come out is dropped, and time begins where the next
    /// one says. Units to come have their configuration with them.
    pub(crate) fn abandon(&mut self) {
        for track in &mut self.tracks {
            match &mut track.timeline {
                Timeline::Video(timeline) => timeline.abandon(),
                Timeline::Audio(timeline) => timeline.abandon(),
            }
            track.queue.clear();
            track.ready = Ready::default();
            track.pending = 0;
        }
        self.changes_left = self.changes_limit;
    }

    /// Nobody has seen the last initialisation segment.
    pub(crate) fn forget_init(&mut self) {
        self.init = None;
        self.stale = true;
    }

    fn settle(&mut self, out: &mut Output) -> Result<(), Error> {
        let pending: usize = self.tracks.iter().map(|track| track.pending).sum();
        self.settle_tracks(pending > self.pending_limit, out)
    }

    /// Moves samples to where the next fragment takes them, and makes those fragments that are complete.
    fn settle_tracks(&mut self, force: bool, out: &mut Output) -> Result<(), Error> {
        for index in 0..self.tracks.len() {
            while let Some(track) = self.tracks.get_mut(index) {
                let Some(next) = track.queue.front() else { break };
                if track.breaks(next, self.options.chunk) && !self.flush(force, out)? {
                    break;
                }
                let Some(track) = self.tracks.get_mut(index) else { break };
                let Some(mut next) = track.queue.pop_front() else { break };
                if let Some(config) = next.config.take().filter(|config| Some(&**config) != track.entry.as_ref()) {
                    track.entry = Some(*config);
                    self.stale = true;
                }
                if track.entry.is_none() {
                    // Nobody knows how to decode it.
                    track.pending = track.pending.saturating_sub(next.data.len());
                    continue;
                }
                track.ready.push(next);
                if self.is_full() {
                    self.flush(force, out)?;
                }
            }
        }
        Ok(())
    }

    /// The leading track has a fragment's worth, or another one much more.
    fn is_full(&self) -> bool {
        let leader = self.tracks.iter().find(|track| track.spec.video && track.entry.is_some());
        let leader = leader.or_else(|| self.tracks.iter().find(|track| track.entry.is_some()));
        let chunk = self.options.chunk;
        leader.is_some_and(|track| track.ready_time() >= chunk)
            || self.tracks.iter().any(|track| track.ready_time() >= chunk.mul_ratio(4, 1))
    }

    /// Makes a fragment of what is ready. False if that has to wait for the configuration of a track.
    fn flush(&mut self, force: bool, out: &mut Output) -> Result<bool, Error> {
        if self.tracks.iter().all(|track| track.ready.samples.is_empty()) {
            return Ok(true);
        }
        if self.stale {
            let missing = self.tracks.iter().filter(|track| track.entry.is_none()).count();
            if missing > 0 && !force && self.patient {
                return Ok(false);
            }
            if missing > 0 {
                out.warn("T017", || format!("{missing} tracks that the programme announces have not come"));
            }
            self.initialise(out)?;
        }
        let mut parts = Vec::with_capacity(self.tracks.len());
        for track in &mut self.tracks {
            if !track.ready.samples.is_empty() {
                track.pending = track.queue.iter().map(|queued| queued.data.len()).sum();
                parts.push(track.ready.take(track.spec.id, track.encryption.is_some()));
            }
        }
        self.sequence = self.sequence.wrapping_add(1);
        let fragment = write_fragment(self.sequence, self.written, parts);
        self.written = self.written.saturating_add(fragment.size);
        out.push(StreamUnit::Fragment(fragment));
        Ok(true)
    }

    /// Makes the initialisation segment for what is ready, unless it is the same as before.
    fn initialise(&mut self, out: &mut Output) -> Result<(), Error> {
        if self.tracks.iter().any(|track| track.spec.encrypted && track.encryption.is_none()) {
            let message = "the stream is protected by SAMPLE-AES, and no key is named for it";
            return Err(Error::new(ErrorCode::KeyUnavailable, message));
        }
        let tracks: Vec<TrackDescription> = self.tracks.iter().filter_map(Track::description).collect();
        let init = write_init(&tracks)?;
        self.stale = false;
        self.patient = false;
        if self.init.as_ref().is_some_and(|known| known.data == init.data) {
            return Ok(());
        }
        let Some(left) = self.changes_left.checked_sub(1) else {
            return Err(Error::new(
                ErrorCode::ContainerLimit,
                format!("more than {} decoder configurations in one segment", self.changes_limit),
            ));
        };
        self.changes_left = left;
        self.written = self.written.saturating_add(init.data.len() as u64);
        self.init = Some(Arc::clone(&init));
        out.push(StreamUnit::Init(init));
        Ok(())
    }
}

/// SAMPLE-AES as Common Encryption.
fn encryption(key: SampleAes, video: bool) -> TrackEncryption {
    TrackEncryption {
        scheme: *b"cbcs",
        default_kid: key.key_id,
        default_is_protected: true,
        per_sample_iv_size: 0,
        constant_iv: Some(key.iv.to_vec()),
        crypt_blocks: u8::from(video),
        skip_blocks: if video { 9 } else { 0 },
    }
}
