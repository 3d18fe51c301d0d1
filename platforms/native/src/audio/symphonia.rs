//! AAC-LC, MPEG audio of all layers, FLAC and ALAC by Symphonia.

use bytes::Bytes;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use telecine_container::{DecoderConfig, TrackInfo};

use super::decoder::{Codec, Layout};

/// Length of a FLAC STREAMINFO block (RFC 9639, 8.2).
const STREAM_INFO: usize = 34;

/// Codec and set-up data as Symphonia wants them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setup {
    codec: AudioCodecId,
    extra: Option<Bytes>,
    /// What the track says of its rate; the decoder corrects it.
    sample_rate: Option<u32>,
}

impl Setup {
    /// None if Symphonia has no decoder for it.
    pub(super) fn of(info: &TrackInfo) -> Option<Self> {
        let (codec, extra) = configuration(info)?;
        Some(Self { codec, extra, sample_rate: info.sample_rate })
    }

    pub(super) fn make(&self) -> Result<Box<dyn Codec>, String> {
        let decoder = self.decoder()?;
        Ok(match self.codec {
            CODEC_ID_MP3 => Box::new(MpegAudio { setup: self.clone(), decoder }),
            _ => Box::new(decoder),
        })
    }

    fn decoder(&self) -> Result<Symphonia, String> {
        let mut params = AudioCodecParameters::new();
        params.for_codec(self.codec);
        if let Some(rate) = self.sample_rate {
            params.with_sample_rate(rate);
        }
        if let Some(extra) = &self.extra {
            params.with_extra_data(extra.to_vec().into_boxed_slice());
        }
        let decoder = symphonia::default::get_codecs().make_audio_decoder(&params, &AudioDecoderOptions::default());
        Ok(Symphonia(decoder.map_err(|error| error.to_string())?))
    }
}

/// MPEG audio, whose three layers have one codec string (ISO/IEC 14496-1, table 5) and a decoder each. Frames say which.
struct MpegAudio {
    setup: Setup,
    decoder: Symphonia,
}

impl Codec for MpegAudio {
    fn decode(&mut self, data: &[u8], pcm: &mut Vec<f32>) -> Option<Layout> {
        // ISO/IEC 11172-3, 2.4.2.3.
        let codec = match data {
            [0xff, second, ..] if second & 0xe0 == 0xe0 => match second >> 1 & 3 {
                3 => CODEC_ID_MP1,
                2 => CODEC_ID_MP2,
                _ => CODEC_ID_MP3,
            },
            // Damaged: the decoder says so.
            _ => self.setup.codec,
        };
        if self.setup.codec != codec {
            let setup = Setup { codec, ..self.setup.clone() };
            (self.decoder, self.setup) = (setup.decoder().ok()?, setup);
        }
        self.decoder.decode(data, pcm)
    }

    fn reset(&mut self) {
        self.decoder.reset();
    }
}

struct Symphonia(Box<dyn AudioDecoder>);

impl Codec for Symphonia {
    fn decode(&mut self, data: &[u8], pcm: &mut Vec<f32>) -> Option<Layout> {
        // Tracks and times are ours to keep; the decoder has no use for them.
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::ZERO, data);
        let sound = self.0.decode_ref(&packet).ok()?;
        sound.copy_to_vec_interleaved(pcm);
        Some(Layout { sample_rate: sound.spec().rate(), channels: sound.spec().channels().count() })
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

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
