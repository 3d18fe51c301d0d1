//! Container bytes to samples and CMAF fragments.
//!
//! Bytes come from a network in pieces of any size, and a player wants to hand media on as soon as it
//! can be decoded. So the reader here is a machine without input and output of its own: push what has
//! arrived, poll what has become complete. Media is never copied; a [`Fragment`] holds the very slices
//! that were pushed, and says of each [`Sample`] when it is due and which bytes it is.
//!
//! ```
//! use telecine_container::{IsoReader, Unit};
//! use telecine_model::{Limits, MediaTime};
//!
//! # const FILE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/chunked.mp4"));
//! # fn main() -> Result<(), telecine_model::Error> {
//! let mut reader = IsoReader::new(&Limits::default());
//! let mut movie = None;
//! let mut shown = Vec::new();
//! for piece in FILE.chunks(1000) {
//!     reader.push(piece.into());
//!     while let Some(unit) = reader.poll()? {
//!         match unit {
//!             Unit::Init(init) => movie = Some(init),
//!             Unit::Fragment(fragment) => {
//!                 for part in &fragment.tracks {
//!                     let track = movie.as_ref().and_then(|init| init.track(part.track_id)).expect("moov came first");
//!                     for sample in &part.samples {
//!                         let bytes = fragment.sample(sample).expect("a fragment has its samples' bytes");
//!                         assert_eq!(bytes.len(), sample.size as usize);
//!                         let ticks = track.presentation_time(sample.pts());
//!                         shown.push(MediaTime::from_ticks(ticks, track.timescale));
//!                     }
//!                 }
//!             }
//!             _ => {}
//!         }
//!     }
//! }
//! reader.finish()?;
//! let track = &movie.expect("a file begins with its moov").tracks[0];
//! assert_eq!(track.codec.to_string(), "avc1.64000a");
//! assert_eq!((shown.len(), shown.iter().max()), (25, Some(&MediaTime::from_millis(1040))));
//! # Ok(())
//! # }
//! ```
//!
//! - [`IsoReader`]: ISO-BMFF and CMAF, incrementally, into [`Unit`]s.
//! - [`read_file`]: a whole file at once, progressive ones included, for looking into it.
//! - [`listed_samples`]: what `moov` lists of a progressive file, which is too large to hold.
//! - [`MovieSamples`] and [`CmafWriter`]: any MP4, progressive ones included, written anew as CMAF.
//! - [`Fragment::encryption`] and [`Fragment::decrypt_with`]: how protected samples are encrypted, and clear output in
//!   the same bytes.
//! - [`PlainSamples`]: samples for decoders that know no MP4.
//! - [`CmafChecker`]: where a track is not CMAF, by numbered rules `C001` to `C018`.
//!
//! Every container has a module of its own; [`iso`] says which boxes are read.
//!
//! Input is hostile until proven otherwise: sizes and counts are checked before anything is allocated
//! for them, every bound is in [`Limits`](telecine_model::Limits), and a fault is an
//! [`Error`](telecine_model::Error) with the path and offset of the box.

#![forbid(unsafe_code)]

mod audio;
mod bits;
mod es;
mod id3;
pub mod iso;
mod remux;
mod sniff;
mod stream;
pub mod text;
mod ts;
mod window;

pub use es::PlainSamples;
pub use id3::{Id3Frame, Id3Tag};

pub use iso::{
    listed_samples, read_file, ChunkFinder, CmafChecker, CmafWriter, DataBase, DecoderConfig, Edit, EventMessage,
    EventTime, FoundChunk, FourCc, Fragment, FragmentEncryption, InitSegment, IsoReader, Media, MediaTrack,
    MovieSamples, ProducerReference, Sample, SampleDescription, SegmentIndexBox, SidxReference, TrackDefaults,
    TrackEncryption, TrackFragment, TrackInfo, Unit,
};
pub use sniff::{sniff, Container, Sniff};
pub use stream::{
    AudioSelection, CaptionData, SampleAes, StreamCounters, StreamOptions, StreamReader, StreamUnit, TimedMetadata,
};
