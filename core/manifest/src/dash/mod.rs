//! MPEG-DASH: MPDs, remote elements, patches and refreshes.
//!
//! [`parse`] reads an MPD into a [`Presentation`]. Elements that live elsewhere (xlink) come back
//! as [`RemoteElement`]s: fetch them, [`splice`] them in, parse again. A live MPD is read anew, or
//! changed with [`apply_patch`] and read anew, and [`refresh`] merges the result into the
//! presentation that is being played, so that segments keep their numbers. Media may say that it is
//! time to ([`MpdValidity`]).
//!
//! The rules `D001` to `D110` that tests and warnings name are the project's checklist of what
//! ISO/IEC 23009-1 and the DASH-IF guidelines ask of a client.
//!
//! ```
//! use telecine_manifest::dash::{parse, Context};
//! use telecine_model::Limits;
//!
//! let mpd = br#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT10S">
//!   <Period><AdaptationSet mimeType="video/mp4">
//!     <SegmentTemplate media="$Number$.m4s" initialization="init.mp4" timescale="1000" duration="4000"/>
//!     <Representation id="v" bandwidth="800000" codecs="avc1.64001f"/>
//!   </AdaptationSet></Period>
//! </MPD>"#;
//! let limits = Limits::default();
//! let context = Context { uri: "https://cdn.example/title/manifest.mpd", limits: &limits };
//! let presentation = parse(mpd, &context).unwrap().presentation;
//! let video = &presentation.periods[0].tracks[0].renditions[0];
//! let last = video.segments.known().unwrap().get(3).unwrap();
//! assert_eq!(last.uri, "https://cdn.example/title/3.m4s");
//! assert_eq!(last.duration.as_millis(), 2000);
//! ```

mod adaptation;
mod addressing;
mod baseurl;
mod captions;
mod common;
mod descriptors;
mod element;
mod events;
mod mpd;
mod patch;
mod period;
mod protection;
mod reader;
mod refresh;
mod selector;
mod service;
mod tag;
mod track;
mod urlquery;
mod validity;
mod value;
mod xlink;

use telecine_model::{uri, Error, Limits, Presentation, Protocol};

use crate::protocols::{left_out, reads};

pub use self::patch::apply_patch;
pub use self::refresh::{refresh, Break, BreakKind, Changes, Refresh};
pub use self::validity::{MpdUpdate, MpdValidity, VALIDITY_SCHEME};
pub use self::xlink::{splice, RemoteElement};

/// That this build reads DASH: what has one exists in no other build, and nothing that is about it is linked there.
#[derive(Clone, Copy, Debug)]
pub struct Readable(#[cfg(not(feature = "dash"))] std::convert::Infallible);

impl Readable {
    /// One, with the feature `dash`.
    #[cfg(feature = "dash")]
    pub const fn here() -> Option<Self> {
        Some(Self())
    }

    /// None: this build does not read DASH.
    #[cfg(not(feature = "dash"))]
    pub const fn here() -> Option<Self> {
        None
    }
}

/// What an MPD is read with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// URL of the MPD after redirects: what relative references are relative to.
    pub uri: &'a str,
    /// Upper bounds.
    pub limits: &'a Limits,
}

/// An MPD that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Mpd {
    /// What can be played of it.
    pub presentation: Presentation,
    /// Elements whose content is elsewhere and still to be fetched (D068). Until then, or if that
    /// fails, the presentation holds what was written in their place.
    pub remote: Vec<RemoteElement>,
}

/// Reads an MPD (ISO/IEC 23009-1, 5.3.1).
///
/// Faults that leave something to play are warnings in the presentation, each with the number of
/// the rule and the path of the element.
///
/// # Errors
/// `ProtocolLeftOut` without the feature `dash`; `NotAManifest` if the text is no MPD, `ManifestEncoding` if it is not UTF-8, `ManifestSyntax` if
/// it is not well-formed, `ManifestMissing` without a period, `NothingPlayable` without a usable
/// track, `EssentialUnknown` if the whole MPD needs what this player does not know (D091),
/// `ManifestLimit` for anything beyond [`Limits`]. Each with the URL without its secrets and, where
/// there is one, the path of the element.
pub fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Mpd, Error> {
    if !reads(Protocol::Dash) {
        return Err(left_out(bytes, context.uri));
    }
    mpd::parse(bytes, context).map_err(|error| error.fact("url", uri::without_secrets(context.uri)))
}
