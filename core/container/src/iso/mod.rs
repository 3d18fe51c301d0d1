//! ISO base media files and CMAF (ISO/IEC 14496-12, ISO/IEC 23000-19).
//!
//! | boxes | what becomes of them |
//! |---|---|
//! | `ftyp` `moov` | an [`InitSegment`]: `mvhd` `pssh` `mvex/mehd` `mvex/trex`; of each `trak` `tkhd` `edts/elst` `mdhd` `elng` `hdlr` `dref` `stsd` |
//! | sample entries | codec string and [`DecoderConfig`]: `avc1` `avc3` `hvc1` `hev1` `dvh1` `dvhe` `av01` `vp08` `vp09` `mp4a` `ac-3` `ec-3` `ac-4` `Opus` `fLaC` `alac` `stpp` `wvtt`, also under `encv` `enca` `enct` (`sinf`: `frma` `schm` `schi/tenc`); others keep their four letters |
//! | `styp` `moof` `mdat` | a [`Fragment`]: `mfhd` `pssh`; of each `traf` `tfhd` `tfdt` `trun` |
//! | `sidx` `emsg` `prft` | [`SegmentIndexBox`], [`EventMessage`], [`ProducerReference`] |
//! | `stts` `ctts` `stsc` `stsz` `stz2` `stco` `co64` `stss` | samples of progressive files, by [`listed_samples`] and [`read_file`] only |
//! | `senc` `saiz` `saio` `sbgp` `sgpd`, PIFF's `uuid` | how each sample is encrypted: [`Fragment::encryption`] reads them when it is asked |
//! | everything else | passed over; between a `moof` and its media it stays in the fragment's bytes |

mod boxes;
mod clear;
mod cmaf;
mod codec;
mod encryption;
mod entry;
mod event;
mod file;
mod fragment;
mod index;
mod init;
mod moof;
mod movie;
mod protection;
mod reader;
mod resync;
mod tables;
mod write;

pub(crate) use codec::{ac3_channels, AudioConfig, Colour, SAMPLE_RATES as AAC_SAMPLE_RATES};
pub(crate) use write::{
    write_fragment, write_init, AudioEntry, FragmentTrackData, SampleEntry, TrackDescription, VideoEntry,
};

pub use boxes::FourCc;
pub use cmaf::CmafChecker;
pub use encryption::FragmentEncryption;
pub use entry::{DecoderConfig, SampleDescription};
pub use event::{EventMessage, EventTime, ProducerReference};
pub use file::{listed_samples, read_file, Media, MediaTrack};
pub use fragment::{DataBase, Fragment, Sample, TrackFragment};
pub use index::{SegmentIndexBox, SidxReference};
pub use init::{Edit, InitSegment, TrackDefaults, TrackInfo};
pub use movie::{CmafWriter, MovieSamples};
pub use protection::TrackEncryption;
pub use reader::{IsoReader, Unit};
pub use resync::{ChunkFinder, FoundChunk};
