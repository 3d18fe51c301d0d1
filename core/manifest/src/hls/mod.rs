//! HLS playlists (draft-pantos-hls-rfc8216bis-22, protocol versions 1 to 13).
//!
//! [`parse`] reads a playlist in one pass. A multivariant playlist becomes a [`Presentation`] whose
//! renditions are still unloaded; a media playlist becomes a [`MediaPlaylist`], whose segments are
//! a run-length table with exact times. [`MediaPlaylist::refresh`] merges reloads, delta updates
//! included; [`parse_again`] reads of a reload what is new.
//!
//! # What is tolerated
//!
//! Every fault has a rule (`H032`) and a line. [`Mode::Strict`] fails at the first one that breaks
//! a MUST of the specification. [`Mode::Compat`] reads on where the meaning stays clear, and keeps
//! a [`Warning`](telecine_model::Warning):
//!
//! | rule | in compat |
//! |---|---|
//! | H003, H004 | a byte order mark and control characters are left out, bytes that are not UTF-8 replaced |
//! | H005 | a carriage return alone ends a line |
//! | H009–H013 | white space in attribute lists is skipped; a value of the wrong form counts as absent |
//! | H016 | of two attributes of one name, the first counts |
//! | H018 | a variable's value may mention an undefined variable, and keeps the reference as text |
//! | H019 | blank lines in front of `#EXTM3U` and text behind it |
//! | H020, H022, H031 | of repeated tags the first counts; of versions the highest |
//! | H026–H030 | a wrong definition is left out; only the use of an undefined variable fails (H018) |
//! | H032, H040 | a missing target duration is the longest duration seen |
//! | H033, H035 | a sequence number behind the first segment is left out |
//! | H047 | a segment without `EXTINF` lasts the target duration, one of no duration two nanoseconds |
//! | H048, H058, H065 | a byte range without an offset begins at 0 where nothing precedes it |
//! | H074 | of two `EXT-X-SKIP`, the first counts |
//! | H087, H098 | a variant without `BANDWIDTH` has none (0) |
//! | H080–H086, H096–H101 | a tag without what it requires is left out, a contradicting attribute dropped |
//!
//! What the specification itself tells a client to ignore (unknown tags and attributes, unknown
//! values, illegal date ranges: H072, H102–H106) is ignored in both modes, with a warning where
//! something was lost. What leaves no meaning fails in both: no `#EXTM3U` (H019), a version above
//! 13 (H021), tags of both kinds of playlist (H006, H046, H079), an undefined variable in use
//! (H018), a decryption key without method or with a damaged IV (H050, H011).

mod attributes;
mod blocks;
mod media;
mod multivariant;
mod present;
mod protection;
mod reader;
mod refresh;
mod report;
mod tag;
mod text;
mod variables;

pub(crate) use variables::find_parameters;

use std::collections::BTreeMap;

use telecine_model::presentation::PlaylistInfo;
use telecine_model::{Error, Limits, Presentation, Protocol, SegmentIndex};

use crate::protocols::{left_out, reads};

pub use blocks::TextBlocks;
pub use refresh::Refresh;

/// How faults are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Whatever breaks a MUST of the specification is an error. For validators.
    Strict,
    /// Faults with a clear meaning are read on, with a warning each. For playing and inspecting.
    #[default]
    Compat,
}

/// What a playlist is read with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Absolute URL of the playlist after redirects: what references are relative to (H008).
    pub uri: &'a str,
    /// Absolute URL as it was asked for, where query parameters are looked up that the redirected
    /// one does not have (H029).
    pub requested_uri: &'a str,
    /// Variables of the multivariant playlist, for `IMPORT` (H028). None if the playlist is not
    /// loaded through one.
    pub imports: Option<&'a BTreeMap<String, String>>,
    /// How faults are taken.
    pub mode: Mode,
    /// Bounds on sizes and counts.
    pub limits: &'a Limits,
}

/// A playlist of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// A multivariant playlist: renditions without their segments.
    Multivariant(Box<Presentation>),
    /// A media playlist: one rendition's segments.
    Media(Box<MediaPlaylist>),
}

/// One rendition's media playlist.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaPlaylist {
    /// Everything beside the segments.
    pub info: PlaylistInfo,
    /// The segments. Times are nanoseconds from the start of the first version that was loaded.
    pub index: SegmentIndex,
    /// What is kept of the text, for [`parse_again`].
    pub text: TextBlocks,
}

/// Reads a playlist.
///
/// # Errors
///
/// `ProtocolLeftOut` without the feature `hls`; `NotAManifest` for text that is no playlist, `ManifestEncoding`, `ManifestSyntax`,
/// `ManifestMissing`, `ManifestContradiction`, `ManifestVersion`, `VariableUndefined` and
/// `ManifestLimit`, each with the line and the URL without its secrets.
pub fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Playlist, Error> {
    read(bytes, context, None)
}

/// Reads a newer version of a media playlist: gives what [`parse`] gives, and reads only what is new. `index` and `text`
/// are those of the known version, as [`MediaPlaylist::refresh`] left them. Most of what it costs is to look whether the
/// rest is the same, at the speed of memory.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_again(
    bytes: &[u8],
    context: &Context<'_>,
    index: &SegmentIndex,
    text: &TextBlocks,
) -> Result<Playlist, Error> {
    read(bytes, context, Some(media::Known { index, text }))
}

fn read(bytes: &[u8], context: &Context<'_>, known: Option<media::Known<'_>>) -> Result<Playlist, Error> {
    if !reads(Protocol::Hls) {
        return Err(left_out(bytes, context.uri));
    }
    let mut report = report::Report::new(context);
    let text = text::decode(bytes, &mut report)?;
    match reader::kind_of(&text) {
        reader::Kind::Media => {
            let playlist = media::parse(reader::Reader::new(&text, reader::Kind::Media, report)?, known)?;
            Ok(Playlist::Media(Box::new(playlist)))
        }
        reader::Kind::Multivariant => {
            let presentation = multivariant::parse(reader::Reader::new(&text, reader::Kind::Multivariant, report)?)?;
            Ok(Playlist::Multivariant(Box::new(presentation)))
        }
    }
}
