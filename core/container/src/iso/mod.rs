//! ISO base media files and CMAF (ISO/IEC 14496-12, ISO/IEC 23000-19).

mod boxes;
mod cmaf;
mod codec;
mod entry;
mod event;
mod file;
mod fragment;
mod index;
mod init;
mod moof;
mod protection;
mod reader;
mod tables;
mod window;

pub use boxes::FourCc;
pub use cmaf::CmafChecker;
pub use entry::{DecoderConfig, SampleDescription};
pub use event::{EventMessage, EventTime, ProducerReference};
pub use file::{read_file, Media, MediaTrack};
pub use fragment::{DataBase, Fragment, Sample, TrackFragment};
pub use index::{SegmentIndexBox, SidxReference};
pub use init::{Edit, InitSegment, TrackDefaults, TrackInfo};
pub use protection::TrackEncryption;
pub use reader::{IsoReader, Unit};
