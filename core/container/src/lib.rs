//! Container bytes to samples and CMAF fragments.

#![forbid(unsafe_code)]

pub mod iso;

pub use iso::{
    read_file, CmafChecker, DataBase, DecoderConfig, Edit, EventMessage, EventTime, FourCc, Fragment, InitSegment,
    IsoReader, Media, MediaTrack, ProducerReference, Sample, SampleDescription, SegmentIndexBox, SidxReference,
    TrackDefaults, TrackEncryption, TrackFragment, TrackInfo, Unit,
};
