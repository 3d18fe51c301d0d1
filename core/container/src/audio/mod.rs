//! Packed audio: frames of sound with ID3 tags among them (rfc8216bis, 3.1.3).

use bytes::Bytes;
use telecine_model::{Error, Limits, MediaTime};

use crate::es::{AudioCodec, AudioFramer, AudioUnit, Framed};
use crate::id3::{Id3Frame, Id3Tag};
use crate::remux::{media_time, Remuxer, TrackSpec};
use crate::stream::{Output, StreamOptions, StreamUnit, TimedMetadata};
use crate::ts::{audio_setup, Clock};

const TIMESTAMP: &str = "com.apple.streaming.transportStreamTimestamp";
const DESCRIPTION: &str = "com.apple.streaming.audioDescription";

/// The only track.
const TRACK: u32 = 1;

/// Reads packed audio.
#[derive(Debug)]
pub(crate) struct PackedReader {
    framer: AudioFramer,
    metadata: bool,
    encrypted: bool,
    clock: Clock,
    /// The track has been named.
    named: bool,
    /// A time is known, from a tag of this or an earlier segment.
    timed: bool,
    /// Bytes before this segment.
    segment_start: u64,
    /// When the next frame is shown, for tags between frames.
    now: Option<Now>,
}

/// A time and the samples since.
#[derive(Clone, Copy, Debug)]
struct Now {
    ticks: i64,
    samples: i64,
    rate: u32,
}

impl PackedReader {
    pub(crate) fn new(
        codec: AudioCodec,
        encrypted: bool,
        options: &StreamOptions,
        limits: &Limits,
        near: Option<i64>,
    ) -> Self {
        Self {
            framer: AudioFramer::new(codec, encrypted, limits.id3_bytes),
            metadata: options.metadata,
            encrypted,
            clock: Clock::near(near),
            named: false,
            timed: false,
            segment_start: 0,
            now: None,
        }
    }

    /// Another segment begins, which continues the stream.
    pub(crate) fn next_segment(&mut self, encrypted: bool) {
        self.segment_start = self.framer.received();
        if encrypted != self.encrypted {
            self.encrypted = encrypted;
            self.framer.set_encrypted(encrypted);
            self.named = false;
        }
    }

    /// The segment before ended without its end.
    pub(crate) fn abandon(&mut self) {
        self.framer.abandon();
        self.now = None;
    }

    /// Reads bytes of the segment.
    pub(crate) fn push(&mut self, bytes: &Bytes, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        self.framer.push(bytes.clone());
        self.read(false, remuxer, out)
    }

    /// The segment ends. A frame that is not whole waits for the next.
    pub(crate) fn finish(&mut self, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        self.read(true, remuxer, out)?;
        self.framer.end_segment();
        Ok(())
    }

    fn read(&mut self, end: bool, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        if !self.named {
            remuxer
                .set_tracks(&[TrackSpec { id: TRACK, video: false, language: None, encrypted: self.encrypted }], out)?;
            self.named = true;
        }
        loop {
            out.position = self.framer.position().saturating_sub(self.segment_start);
            let Some(framed) = self.framer.next(end) else { break };
            match framed {
                Framed::Unit(unit) => self.unit(unit, remuxer, out)?,
                Framed::Tag(tag) => self.tag(tag, out),
                Framed::Skipped(count) => {
                    out.warn("T012", || format!("{count} bytes of sound are no frame and left out"));
                }
            }
        }
        out.counters.copied += self.framer.take_copied();
        Ok(())
    }

    fn unit(&mut self, mut unit: AudioUnit, remuxer: &mut Remuxer, out: &mut Output) -> Result<(), Error> {
        if !self.timed {
            out.warn("T018", || "packed audio has no timestamp: its time begins at zero".to_owned());
            self.timed = true;
            unit.stamp = Some(self.clock.unroll(0));
        }
        let samples = i64::from(unit.samples);
        self.now = match (unit.stamp, self.now) {
            (None, Some(now)) if now.rate == unit.rate => Some(Now { samples: now.samples + samples, ..now }),
            (Some(ticks), _) => Some(Now { ticks, samples, rate: unit.rate }),
            (None, _) => None,
        };
        remuxer.audio(TRACK, unit, out)
    }

    fn tag(&mut self, bytes: Bytes, out: &mut Output) {
        let Some(tag) = Id3Tag::parse(&bytes) else {
            return out.warn("T019", || format!("an ID3 tag of {} bytes cannot be read", bytes.len()));
        };
        if let Some(timestamp) = tag.transport_timestamp() {
            let ticks = self.clock.unroll(timestamp);
            self.framer.stamp_here(ticks);
            self.timed = true;
            self.now = Some(Now { ticks, samples: 0, rate: 1 });
        }
        if let Some(entry) = tag.private(DESCRIPTION).and_then(|data| audio_setup(data)) {
            self.framer.give(entry);
        }
        let technical = |frame: &Id3Frame| matches!(frame, Id3Frame::Private { owner, .. } if owner == TIMESTAMP || owner == DESCRIPTION);
        if self.metadata && !tag.frames.iter().all(technical) {
            let time = self.now.map(Now::time);
            out.push(StreamUnit::Metadata(TimedMetadata { time, tag }));
        }
    }
}

impl Now {
    fn time(self) -> MediaTime {
        let since = telecine_model::Timescale::new(self.rate);
        media_time(self.ticks) + since.map_or(MediaTime::ZERO, |rate| MediaTime::from_ticks(self.samples, rate))
    }
}
