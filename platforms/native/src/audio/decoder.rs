//! Symphonia's decoders behind our own sample tables.

use std::ops::Range;
use std::panic::{catch_unwind, AssertUnwindSafe};

use bytes::Bytes;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP3};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use telecine_container::{DecoderConfig, TrackInfo};
use telecine_model::{MediaTime, Timescale};

use super::output::Pcm;

/// Length of a FLAC STREAMINFO block (RFC 9639, 8.2).
const STREAM_INFO: usize = 34;

/// A decoder of one track's configuration.
pub(super) struct Decoder {
    decoder: Box<dyn AudioDecoder>,
    params: AudioCodecParameters,
    extra: Option<Bytes>,
    clock: TrackClock,
    sample_rate: u32,
    channels: usize,
    /// Sound of the last sample, interleaved.
    pcm: Vec<f32>,
}

/// How the track counts time.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrackClock {
    pub(super) track_id: u32,
    timescale: Timescale,
    shift: i64,
}

impl TrackClock {
    fn of(info: &TrackInfo) -> Self {
        Self { track_id: info.id, timescale: info.timescale, shift: info.edit.shift() }
    }

    /// The resolution of the track's times.
    pub(super) fn tick(&self) -> MediaTime {
        MediaTime::from_ticks(1, self.timescale)
    }

    /// Presentation time of a composition time in ticks.
    pub(super) fn presentation_time(&self, ticks: i64) -> MediaTime {
        MediaTime::from_ticks(ticks.saturating_add(self.shift), self.timescale)
    }
}

impl Decoder {
    /// A decoder for a track, or why there is none.
    pub(super) fn new(info: &TrackInfo) -> Result<Self, String> {
        let (codec, extra) = configuration(info).ok_or_else(|| format!("no decoder for {}", info.codec))?;
        let mut params = AudioCodecParameters::new();
        params.for_codec(codec);
        if let Some(rate) = info.sample_rate {
            params.with_sample_rate(rate);
        }
        if let Some(extra) = &extra {
            params.with_extra_data(extra.to_vec().into_boxed_slice());
        }
        let decoder = make(&params).map_err(|error| format!("no decoder for {}: {error}", info.codec))?;
        Ok(Self {
            decoder,
            params,
            extra,
            clock: TrackClock::of(info),
            sample_rate: info.sample_rate.unwrap_or(48_000),
            channels: info.channels.map_or(2, |channels| channels as usize),
            pcm: Vec::new(),
        })
    }

    /// Whether a track goes on with this decoder as it is: its state then continues across
    /// renditions, as gapless switching wants.
    pub(super) fn fits(&mut self, info: &TrackInfo) -> bool {
        let fits = configuration(info).is_some_and(|(codec, extra)| codec == self.params.codec && extra == self.extra);
        if fits {
            self.clock = TrackClock::of(info);
        }
        fits
    }

    pub(super) fn clock(&self) -> TrackClock {
        self.clock
    }

    /// Forgets what came before.
    pub(super) fn reset(&mut self) {
        self.decoder.reset();
    }

    /// Decodes one sample; false if the decoder refused it.
    pub(super) fn decode(&mut self, data: &[u8]) -> bool {
        self.pcm.clear();
        // Times are ours to keep; the decoder has no use for them.
        let packet = PacketRef::new(self.clock.track_id, Timestamp::new(0), Duration::ZERO, data);
        // The decoders are others' work and not free of panics on hostile bytes; one that panicked is
        // not used again.
        let attempt = catch_unwind(AssertUnwindSafe(|| match self.decoder.decode_ref(&packet) {
            Ok(sound) => {
                self.sample_rate = sound.spec().rate();
                self.channels = sound.spec().channels().count();
                sound.copy_to_vec_interleaved(&mut self.pcm);
                true
            }
            Err(_) => false,
        }));
        attempt.unwrap_or_else(|_| {
            if let Ok(decoder) = make(&self.params) {
                self.decoder = decoder;
            }
            false
        })
    }

    /// Puts silence in place of a sample that was refused.
    pub(super) fn silence(&mut self, span: MediaTime) {
        // A sample of a second is absurd already; do not let a table of times ask for gigabytes.
        let frames = self.frames_of(span.min(MediaTime::from_secs(1)));
        self.pcm.clear();
        self.pcm.resize(usize::try_from(frames).unwrap_or(0).saturating_mul(self.channels), 0.0);
    }

    /// Frames of the last sample.
    pub(super) fn frames(&self) -> usize {
        self.pcm.len().checked_div(self.channels).unwrap_or(0)
    }

    /// Frames in a span of time; none in a negative one.
    pub(super) fn frames_of(&self, span: MediaTime) -> u64 {
        let rate = Timescale::new(self.sample_rate).unwrap_or(Timescale::SECONDS);
        u64::try_from(span.to_ticks(rate)).unwrap_or(0)
    }

    /// Some frames of the last sample.
    pub(super) fn pcm(&self, frames: Range<usize>) -> Pcm<'_> {
        let samples = frames.start * self.channels..frames.end * self.channels;
        Pcm {
            sample_rate: self.sample_rate,
            channels: u16::try_from(self.channels).unwrap_or(u16::MAX),
            samples: self.pcm.get(samples).unwrap_or(&[]),
        }
    }
}

/// A decoder, or why there is none.
fn make(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, String> {
    let options = AudioDecoderOptions::default();
    catch_unwind(|| symphonia::default::get_codecs().make_audio_decoder(params, &options))
        .map_err(|_| "its set-up data broke the decoder".to_owned())?
        .map_err(|error| error.to_string())
}

/// Codec and set-up data as Symphonia wants them.
fn configuration(info: &TrackInfo) -> Option<(AudioCodecId, Option<Bytes>)> {
    let codec = info.codec.to_string().to_ascii_lowercase();
    match &info.config {
        // 13818-7 (0x67) and 14496-3 LC; what the decoder cannot do of it, it says.
        DecoderConfig::Aac { asc } => Some((CODEC_ID_AAC, Some(asc.clone()))),
        DecoderConfig::Flac { record } => {
            // Version and flags, then the header of STREAMINFO, which comes first (RFC 9639, 8).
            let block = record.get(4..8).filter(|header| header[0] & 0x7f == 0);
            block.and_then(|_| record.get(8..8 + STREAM_INFO))?;
            Some((CODEC_ID_FLAC, Some(record.slice(8..8 + STREAM_INFO))))
        }
        DecoderConfig::Alac { record } if record.len() > 4 => Some((CODEC_ID_ALAC, Some(record.slice(4..)))),
        _ if matches!(codec.as_str(), "mp4a.6b" | "mp4a.69" | "mp4a.40.34" | "mp3" | ".mp3") => {
            Some((CODEC_ID_MP3, None))
        }
        _ => None,
    }
}
