//! The words that every room of Telecine shares.
//!
//! This crate has no decisions in it: it says what a media time, a codec, a segment table, a
//! presentation and an error *are*, so that the rooms which parse, choose, deliver and measure
//! can talk about them without knowing each other.
//!
//! - [`time`]: [`MediaTime`] on a title's timeline, [`Timestamp`] on the host's monotonic clock,
//!   [`WallTime`] in the world. Integers, exact, never mixed.
//! - [`presentation`]: a title as [`Presentation`] → [`Period`] → [`Track`] → [`Rendition`].
//! - [`segments`]: a rendition's segments as a run-length table: bytes, not objects.
//! - [`clock`]: the world's clock, as well as it is known.
//! - [`availability`]: when segments of a live DASH presentation can be had.
//! - [`codec`], [`language`]: RFC 6381 codec strings and BCP 47 language tags.
//! - [`cue`]: captions and subtitles, whatever they were written in, as one model.
//! - [`timed`]: timed metadata, whatever announced it, as one type.
//! - [`network`]: what a device reaches the network over.
//! - [`interstitial`]: other presentations that are played in the middle of a title.
//! - [`sorted`]: maps and sets in order that cost little code.
//! - [`rng`]: the only source of chance, seeded.
//! - [`error`]: one taxonomy with stable numbers; [`limits`]: every bound in one place.
//!
//! ```
//! use telecine_model::{MediaTime, SegmentTable, Timescale};
//!
//! // A day of live in two-second segments is one run.
//! let mut table = SegmentTable::new(Timescale::new(90_000).unwrap(), 1);
//! for _ in 0..43_200 {
//!     table.push(None, 180_000, 1).unwrap();
//! }
//! assert_eq!(table.runs(), 1);
//! let noon = MediaTime::from_secs(12 * 3600).to_ticks(table.timescale());
//! assert_eq!(table.covering(noon).unwrap().number, 21_601);
//! ```

#![forbid(unsafe_code)]

pub mod availability;
pub mod clock;
pub mod codec;
pub mod cue;
pub mod datetime;
pub mod error;
pub mod events;
pub mod hash;
pub mod interstitial;
pub mod language;
pub mod limits;
pub mod live;
pub mod network;
pub mod presentation;
pub mod protection;
pub mod rng;
pub mod segments;
pub mod sorted;
pub mod time;
pub mod timed;
pub mod uri;

pub use clock::WallClock;
pub use codec::Codec;
pub use cue::{Cue, CueStore};
pub use error::{Blame, Domain, Error, ErrorCode, Handling, Place, Warning};
pub use interstitial::Interstitial;
pub use language::Language;
pub use limits::Limits;
pub use network::{HttpVersion, NetworkType};
pub use presentation::{DeclaredQuality, Period, Presentation, Protocol, Rendition, Track, TrackKind};
pub use rng::Rng;
pub use segments::{ByteRange, InitSection, Segment, SegmentIndex, SegmentTable, Segments};
pub use sorted::{SortedMap, SortedSet};
pub use time::{MediaTime, Timescale, Timestamp, WallTime};
pub use timed::{EventCarrier, EventPayload, TimedEvent};
