//! Codec strings: the `codecs` parameter of RFC 6381 and its registered values.
//!
//! A [`Codec`] keeps the entry as it was written and says what is known about it: for which sense
//! it is ([`Codec::kind`]), which decoder family takes it ([`Codec::family`]) and what else the
//! text states ([`Codec::details`]). Unknown entries are values like any other, never errors: new
//! codecs appear faster than players are updated, and only the sink can refuse one.
//!
//! ```
//! use telecine_model::codec::{Codec, CodecDetails, CodecFamily};
//!
//! let codecs = Codec::parse_list("avc1.640028, mp4a.40.2");
//! assert_eq!(codecs[1].family(), CodecFamily::Aac);
//! let Some(CodecDetails::Avc(avc)) = codecs[0].details() else { panic!() };
//! assert_eq!((avc.profile, avc.level), (100, 40));
//! assert_eq!(codecs[0].to_string(), "avc1.640028");
//! ```

mod details;
mod parse;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

pub use self::details::{Ac4, Av1, Avc, CodecDetails, Colour, DolbyVision, Hevc, Mp4a, Stpp, Tier, Vp};
use crate::presentation::TrackKind;

/// One entry of a `codecs` parameter (RFC 6381, 3.3).
///
/// Two are equal if their texts are; see [`Codec::same_decoder`] for what playback cares about.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Codec {
    text: Box<str>,
    family: CodecFamily,
    details: Option<CodecDetails>,
}

/// Which decoder takes a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CodecFamily {
    /// H.264 / MPEG-4 part 10: `avc1`, `avc3`.
    Avc,
    /// H.265: `hvc1`, `hev1`.
    Hevc,
    /// Dolby Vision over HEVC, AVC or AV1: `dvh1`, `dvhe`, `dva1`, `dvav`, `dav1`.
    DolbyVision,
    /// VP8: `vp08`, `vp8`.
    Vp8,
    /// VP9: `vp09`, `vp9`.
    Vp9,
    /// AV1: `av01`.
    Av1,
    /// Advanced Audio Coding of every profile; [`Mp4a::audio_object_type`] tells them apart.
    Aac,
    /// MPEG-1 and MPEG-2 audio layer III and below.
    Mp3,
    /// Dolby Digital: `ac-3`.
    Ac3,
    /// Dolby Digital Plus: `ec-3`.
    Eac3,
    /// Dolby AC-4: `ac-4`.
    Ac4,
    /// Opus.
    Opus,
    /// Free Lossless Audio Codec: `fLaC`.
    Flac,
    /// Apple Lossless: `alac`.
    Alac,
    /// Vorbis.
    Vorbis,
    /// TTML in MP4: `stpp`.
    Stpp,
    /// WebVTT in MP4: `wvtt`.
    Wvtt,
    /// CEA-608 captions: `c608`.
    Cea608,
    /// CEA-708 captions: `c708`.
    Cea708,
    /// Anything else.
    Other,
}

impl CodecFamily {
    /// For which sense the family is; None for [`CodecFamily::Other`].
    pub const fn kind(self) -> Option<TrackKind> {
        Some(match self {
            Self::Avc | Self::Hevc | Self::DolbyVision | Self::Vp8 | Self::Vp9 | Self::Av1 => TrackKind::Video,
            Self::Aac
            | Self::Mp3
            | Self::Ac3
            | Self::Eac3
            | Self::Ac4
            | Self::Opus
            | Self::Flac
            | Self::Alac
            | Self::Vorbis => TrackKind::Audio,
            Self::Stpp | Self::Wvtt | Self::Cea608 | Self::Cea708 => TrackKind::Text,
            Self::Other => return None,
        })
    }
}

impl Codec {
    /// Reads one entry. Any text is accepted; white space around it belongs to the list that it
    /// came from and is dropped.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (family, details) = parse::classify(text);
        Self { text: text.into(), family, details }
    }

    /// Reads a `codecs` parameter or `CODECS` attribute: entries separated by commas, empty ones
    /// left out.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(Self::parse).collect()
    }

    /// The entry as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The sample entry code: everything before the first dot, as written.
    pub fn sample_entry(&self) -> &str {
        self.text.split('.').next().unwrap_or_default()
    }

    /// Which decoder takes it.
    pub fn family(&self) -> CodecFamily {
        self.family
    }

    /// For which sense it is, as far as the text tells.
    pub fn kind(&self) -> Option<TrackKind> {
        self.family.kind().or_else(|| parse::kind_of_entry(self.sample_entry()))
    }

    /// What else the text states; None if it states no more than the sample entry, or nothing
    /// readable.
    pub fn details(&self) -> Option<&CodecDetails> {
        self.details.as_ref()
    }

    /// Whether a decoder that plays `self` can go on with `other` after a new initialisation
    /// section, without being built anew.
    ///
    /// Families must agree. Where the sample entry decides whether parameter sets may be in the
    /// samples (`avc1`/`avc3`, `hvc1`/`hev1`, Dolby Vision), it must agree too (ISO/IEC 14496-15,
    /// 5.4.2.1 and 8.4.1.1). xHE-AAC (object type 42) is another decoder than the AAC before it.
    pub fn same_decoder(&self, other: &Self) -> bool {
        let same_entry = || self.sample_entry().eq_ignore_ascii_case(other.sample_entry());
        self.family == other.family
            && match self.family {
                CodecFamily::Avc | CodecFamily::Hevc | CodecFamily::DolbyVision | CodecFamily::Other => same_entry(),
                CodecFamily::Aac => self.is_usac() == other.is_usac(),
                _ => true,
            }
    }

    fn is_usac(&self) -> bool {
        matches!(&self.details, Some(CodecDetails::Mp4a(mp4a)) if mp4a.audio_object_type == Some(42))
    }
}

impl PartialEq for Codec {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Codec {}

impl Hash for Codec {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec({:?}, {:?})", self.text, self.family)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for Codec {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<Codec> for String {
    fn from(codec: Codec) -> Self {
        codec.text.into()
    }
}
