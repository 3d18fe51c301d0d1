//! HLS playlists and DASH MPDs, read into one [`Presentation`](telecine_model::Presentation).
//!
//! - [`sniff`] tells the two languages apart.
//! - [`hls`] reads playlists of protocol versions 1 to 13, low latency and delta updates included.
//! - [`dash`] reads MPDs.
//! - [`interstitial`] reads what a title announces to be played in the middle of it.
//! - [`redact`] takes the secrets out of a manifest, for recordings and reports.
//!
//! Both halves read bytes that somebody else wrote: every fault is a typed
//! [`Error`](telecine_model::Error) with its place, or a [`Warning`](telecine_model::Warning) with
//! the number of the rule that was broken. Nothing here fetches anything; a multivariant playlist's
//! renditions stay [`Unloaded`](telecine_model::Segments::Unloaded) until their own playlists are
//! read.
//!
//! ```
//! use telecine_manifest::hls::{self, Context, Mode, Playlist};
//! use telecine_manifest::sniff;
//! use telecine_model::{Limits, MediaTime, Protocol};
//!
//! let body = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:41\n\
//!     #EXTINF:6,\nsegment-41.ts\n#EXTINF:5.5,\nsegment-42.ts\n";
//! assert_eq!(sniff(body), Some(Protocol::Hls));
//!
//! let limits = Limits::default();
//! let url = "https://cdn.example/live/video.m3u8";
//! let context = Context { uri: url, requested_uri: url, imports: None, mode: Mode::Compat, limits: &limits };
//! let Playlist::Media(mut playlist) = hls::parse(body, &context)? else { panic!("a media playlist") };
//!
//! let last = playlist.index.get(42).expect("listed");
//! assert_eq!(last.uri, "https://cdn.example/live/segment-42.ts");
//! assert_eq!((last.start, last.duration), (MediaTime::from_secs(6), MediaTime::from_millis(5500)));
//! // A decimal duration needs version 3, and the playlist declares none.
//! assert_eq!(playlist.info.warnings[0].rule, "H139");
//!
//! // A reload six seconds later: one segment left, one came.
//! let body = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:42\n\
//!     #EXTINF:5.5,\nsegment-42.ts\n#EXTINF:6,\nsegment-43.ts\n";
//! let Playlist::Media(newer) = hls::parse(body, &context)? else { panic!("a media playlist") };
//! assert_eq!(playlist.refresh(*newer)?, hls::Refresh::Appended(1));
//! assert_eq!(playlist.index.get(43).expect("listed").start, MediaTime::from_millis(11_500));
//! # Ok::<(), telecine_model::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod dash;
pub mod hls;
pub mod interstitial;
mod protocols;
mod redact;
mod sniff;

pub use protocols::reads;
pub use redact::{redact, redact_error, redact_message, redacted_variables};
pub use sniff::sniff;
