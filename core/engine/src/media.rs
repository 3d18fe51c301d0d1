//! Bytes of media to facts that the engine decides by.
//!
//! The engine never looks at media itself: it decides by [`MediaFact`]s. Live, a reader finds them
//! in the bytes; in a replay they come from the recording, and there are no bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telecine_container::{Fragment, InitSegment, IsoReader, SegmentIndexBox, SidxReference, Unit};
use telecine_model::{Error, Limits, MediaTime, Timescale, TrackKind};

use crate::input::Body;

/// Something that a container reader found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MediaFact {
    /// An initialisation section, complete.
    Init(Vec<InitTrack>),
    /// A fragment, complete with its media data.
    Fragment(Vec<FragmentTrack>),
    /// A segment index.
    Index(IndexFact),
    /// The bytes are broken; nothing more will be found.
    Broken(Error),
}

/// One track of an initialisation section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitTrack {
    /// `track_ID`.
    pub id: u32,
    /// For which sense.
    pub kind: TrackKind,
    /// Ticks a second.
    pub timescale: Timescale,
    /// RFC 6381 codec.
    pub codec: String,
    /// Ticks to subtract from presentation times (edit list).
    pub media_start: i64,
    /// Protection scheme, if the track is protected.
    pub scheme: Option<String>,
}

/// One track's part of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FragmentTrack {
    /// `track_ID`.
    pub id: u32,
    /// Earliest presentation time in the track's ticks.
    pub start: i64,
    /// Latest presentation end in the track's ticks.
    pub end: i64,
    /// Number of samples.
    pub samples: u32,
    /// Bytes of the samples.
    pub bytes: u64,
    /// Begins with a sync sample.
    pub sync: bool,
}

/// A segment index as a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFact {
    offset: u64,
    size: u64,
    timescale: Timescale,
    earliest_presentation_time: u64,
    first_offset: u64,
    /// Points to another index, size, duration.
    references: Vec<(bool, u32, u32)>,
}

impl IndexFact {
    fn of(index: &SegmentIndexBox) -> Self {
        Self {
            offset: index.offset,
            size: index.size,
            timescale: index.timescale,
            earliest_presentation_time: index.earliest_presentation_time,
            first_offset: index.first_offset,
            references: index.references.iter().map(|r| (r.is_index, r.size, r.duration)).collect(),
        }
    }

    pub(crate) fn to_box(&self, resource_offset: u64) -> SegmentIndexBox {
        SegmentIndexBox {
            reference_id: 0,
            offset: self.offset.saturating_add(resource_offset),
            size: self.size,
            timescale: self.timescale,
            earliest_presentation_time: self.earliest_presentation_time,
            first_offset: self.first_offset,
            references: self
                .references
                .iter()
                .map(|(is_index, size, duration)| SidxReference {
                    is_index: *is_index,
                    size: *size,
                    duration: *duration,
                    starts_with_sap: false,
                    sap_type: 0,
                    sap_delta_time: 0,
                })
                .collect(),
        }
    }
}

/// A fact, with the bytes behind it where there are any.
pub(crate) struct Piece {
    pub(crate) fact: MediaFact,
    pub(crate) init: Option<Arc<InitSegment>>,
    pub(crate) fragment: Option<Arc<Fragment>>,
}

impl Piece {
    fn bare(fact: MediaFact) -> Self {
        Self { fact, init: None, fragment: None }
    }
}

/// Reads one resource.
pub(crate) struct MediaReader {
    iso: IsoReader,
    init: Option<Arc<InitSegment>>,
    broken: bool,
}

impl MediaReader {
    /// A reader of a resource that continues `init`, or holds its own.
    pub(crate) fn new(limits: &Limits, init: Option<Arc<InitSegment>>) -> Self {
        let mut iso = IsoReader::new(limits);
        if let Some(init) = &init {
            iso.set_init(Arc::clone(init));
        }
        Self { iso, init, broken: false }
    }

    /// What is found with these bytes.
    pub(crate) fn push(&mut self, body: &Body) -> Vec<Piece> {
        match body {
            Body::Recorded { facts, .. } => facts.iter().cloned().map(Piece::bare).collect(),
            Body::Bytes(bytes) => {
                self.iso.push(bytes.clone());
                self.drain()
            }
        }
    }

    /// Says that the resource ended: what only then is complete (media data that reaches to the
    /// end of the resource), or that something is missing.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        if self.broken {
            return Vec::new();
        }
        match self.iso.finish() {
            Ok(()) => self.drain(),
            Err(error) => {
                self.broken = true;
                vec![Piece::bare(MediaFact::Broken(error))]
            }
        }
    }

    fn drain(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while !self.broken {
            match self.iso.poll() {
                Ok(Some(Unit::Init(init))) => {
                    let fact = MediaFact::Init(init_tracks(&init));
                    self.init = Some(Arc::clone(&init));
                    pieces.push(Piece { fact, init: Some(init), fragment: None });
                }
                Ok(Some(Unit::Fragment(fragment))) => {
                    let fact = MediaFact::Fragment(fragment_tracks(&fragment));
                    pieces.push(Piece { fact, init: None, fragment: Some(Arc::new(fragment)) });
                }
                Ok(Some(Unit::Index(index))) => pieces.push(Piece::bare(MediaFact::Index(IndexFact::of(&index)))),
                // Events and producer times are delivered with the fragment's untouched bytes.
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    self.broken = true;
                    pieces.push(Piece::bare(MediaFact::Broken(error)));
                }
            }
        }
        pieces
    }
}

fn init_tracks(init: &InitSegment) -> Vec<InitTrack> {
    init.tracks
        .iter()
        .map(|track| InitTrack {
            id: track.id,
            kind: track.kind,
            timescale: track.timescale,
            codec: track.codec.to_string(),
            media_start: track.edit.shift().saturating_neg(),
            scheme: track.encryption.as_ref().map(|e| String::from_utf8_lossy(&e.scheme).into_owned()),
        })
        .collect()
}

fn fragment_tracks(fragment: &Fragment) -> Vec<FragmentTrack> {
    fragment
        .tracks
        .iter()
        .filter_map(|track| {
            Some(FragmentTrack {
                id: track.track_id,
                start: track.earliest_pts()?,
                end: track.end_pts()?,
                samples: u32::try_from(track.samples.len()).unwrap_or(u32::MAX),
                bytes: track.samples.iter().map(|sample| u64::from(sample.size)).sum(),
                sync: track.samples.first().is_some_and(|sample| sample.sync),
            })
        })
        .collect()
}

/// Presentation time of a tick of a track, before the presentation's offset is added.
pub(crate) fn container_time(track: &InitTrack, ticks: i64) -> MediaTime {
    MediaTime::from_ticks(ticks.saturating_sub(track.media_start), track.timescale)
}
