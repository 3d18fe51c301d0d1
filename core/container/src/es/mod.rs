//! Elementary streams: video and audio as their codecs define them, without a container.
//!
//! | module | what it does |
//! |---|---|
//! | [`nal`] [`video`] | an Annex B byte stream to access units with length-prefixed NAL units, in one copy |
//! | [`h264`] [`h265`] [`sets`] | parameter sets to `avcC`, `hvcC`, sizes, colours and frame rates |
//! | [`sei`] | captions and recovery points |
//! | [`audio`] | bytes to frames: [`adts`], [`latm`], [`mpeg_audio`], [`dolby`] (AC-3, E-AC-3) |
//! | [`plain`] | the way back: samples as a byte stream, AAC in ADTS frames |
//! | [`sample_aes`] | which bytes SAMPLE-AES protects, as subsamples |

mod adts;
mod audio;
mod dolby;
mod h264;
mod h265;
mod latm;
mod mpeg_audio;
mod nal;
mod picture;
mod plain;
mod sample_aes;
pub(crate) mod sei;
mod sets;
mod video;

pub(crate) use audio::{AudioCodec, AudioFramer, AudioUnit, Framed, HeaderKind};
pub(crate) use picture::Picture;
pub use plain::PlainSamples;
pub(crate) use video::{Entry, Field, VideoAssembler, VideoCodec, VideoUnit};

/// When an access unit is shown and, where that is another time, decoded: ticks of 90 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) pts: i64,
    pub(crate) dts: Option<i64>,
}
