//! Bytes of media to facts that the engine decides by.
//!
//! The engine never looks at media itself: it decides by [`MediaFact`]s. Live, a reader finds them
//! in the bytes; in a replay they come from the recording, and there are no bytes.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use telecine_container::{
    sniff, CaptionData, ChunkFinder, EventMessage, FoundChunk, Fragment, FragmentEncryption, InitSegment, IsoReader,
    ProducerReference, SampleAes, SegmentIndexBox, SidxReference, Sniff, StreamOptions, StreamReader, StreamUnit,
    TimedMetadata, Unit,
};
use telecine_drm::SegmentDecryptor;
use telecine_model::protection::KeyId;
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Timescale, TrackKind, WallTime, Warning};

use crate::input::Body;
use crate::keys::NeedId;

/// Something that a container reader found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MediaFact {
    /// An initialisation section, complete.
    Init(Vec<InitTrack>),
    /// A fragment, complete with its media data.
    Fragment(Vec<FragmentTrack>),
    /// A fragment with protected samples.
    Protected {
        /// Its tracks.
        tracks: Vec<FragmentTrack>,
        /// Keys of its samples.
        keys: Vec<KeyId>,
    },
    /// A segment index.
    Index(IndexFact),
    /// The bytes are broken; nothing more will be found.
    Broken(Error),
    /// A subtitle text.
    Text(TextFact),
    /// The fragment before ends after so many bytes of the body.
    End(u64),
    /// When what follows was made.
    Produced(ProducedFact),
}

/// When a sample was put into its encoder, or came out of it, by the producer's clock (`prft`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducedFact {
    /// `reference_track_ID`.
    pub track: u32,
    /// Ticks of the track.
    pub time: i64,
    /// By the producer's clock.
    pub made: WallTime,
}

impl ProducedFact {
    /// None where it tells of something else than the sample: when its fragment was finished or written is later.
    fn of(time: &ProducerReference) -> Option<Self> {
        let made = wall_time_of_ntp(time.ntp);
        // 24 is when it was captured (ISO/IEC 14496-12, 8.16.5).
        let of_sample = matches!(time.flags, 0 | 1 | 24);
        let ticks = i64::try_from(time.media_time).ok()?;
        of_sample.then_some(Self { track: time.track_id, time: ticks, made })
    }
}

/// Seconds since 1900 and their 2^-32 parts.
fn wall_time_of_ntp(ntp: u64) -> WallTime {
    const TO_1970: i64 = 2_208_988_800;
    let seconds = i64::try_from(ntp >> 32).unwrap_or(0) - TO_1970;
    let micros = i64::try_from(((ntp & 0xffff_ffff) * 1_000_000) >> 32).unwrap_or(0);
    WallTime::from_micros(seconds * 1_000_000 + micros)
}

/// What a subtitle text says about its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextFact {
    /// WebVTT.
    WebVtt {
        /// `X-TIMESTAMP-MAP`: ticks of 90 kHz of the media, and the time of the text that is the same moment.
        map: Option<(u64, MediaTime)>,
        /// When its first cue starts and ends, in its own time.
        first: Option<(MediaTime, MediaTime)>,
    },
    /// TTML: its times are the presentation's.
    Ttml,
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
    /// Channels of sound, where they are known.
    pub channels: Option<u32>,
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
    /// How the samples of a protected fragment are encrypted.
    pub(crate) encryption: Option<Box<FragmentEncryption>>,
    /// The keys that it waits for.
    pub(crate) need: Option<NeedId>,
}

impl Piece {
    fn bare(fact: MediaFact) -> Self {
        Self { fact, init: None, fragment: None, encryption: None, need: None }
    }

    fn init(init: Arc<InitSegment>) -> Self {
        Self { init: Some(Arc::clone(&init)), ..Self::bare(MediaFact::Init(init_tracks(&init))) }
    }

    /// A fragment of which `init` tells how it is to be read.
    fn fragment(fragment: Fragment, init: Option<&InitSegment>) -> Result<Self, Error> {
        let tracks = fragment_tracks(&fragment);
        let encryption = init.map(|init| fragment.encryption(init)).transpose()?.filter(|found| !found.is_clear());
        let fact = match &encryption {
            Some(found) => MediaFact::Protected { tracks, keys: found.key_ids().to_vec() },
            None => MediaFact::Fragment(tracks),
        };
        let encryption = encryption.map(Box::new);
        Ok(Self { fragment: Some(Arc::new(fragment)), encryption, ..Self::bare(fact) })
    }
}

/// What a resource says beside its samples.
pub(crate) enum Aside {
    /// An `emsg` box.
    Event(EventMessage),
    /// An ID3 tag of a stream.
    Tag(TimedMetadata),
    /// Captions in the pictures of a stream.
    Captions(CaptionData),
    /// A fault that was tolerated.
    Warning(Warning),
}

/// Reads one resource.
pub(crate) struct MediaReader {
    container: Container,
    limits: Limits,
    broken: bool,
    /// What the bytes are decrypted by before anything is read in them.
    decryptor: Option<SegmentDecryptor>,
    /// They were.
    decrypted: bool,
    /// The initialisation section in force.
    init: Option<Arc<InitSegment>>,
    /// Place of the first byte in what offsets are counted in.
    base: u64,
    /// How samples of a stream are encrypted, as the playlist says.
    samples: Option<SampleAes>,
    /// What was said beside the samples and not taken yet.
    asides: Vec<Aside>,
}

/// Which container a resource is.
enum Container {
    /// Not known yet: its first bytes, and the reader of the segment before, if that was a stream.
    Unknown(BytesMut, Option<Box<StreamReader>>),
    /// ISO base media, from somewhere in its middle on: a fragment is looked for.
    Entered(Box<ChunkFinder>),
    /// ISO base media.
    Iso(Box<IsoReader>),
    /// A transport stream or packed audio, which become CMAF.
    Stream(Box<StreamReader>),
}

impl MediaReader {
    /// A reader of a resource that continues `init`, or is ISO base media from its beginning.
    pub(crate) fn new(limits: &Limits, init: Option<Arc<InitSegment>>) -> Self {
        let mut iso = IsoReader::new(limits);
        if let Some(init) = &init {
            iso.set_init(Arc::clone(init));
        }
        Self { init, ..Self::of(Container::Iso(Box::new(iso)), limits) }
    }

    /// A reader of a segment that comes without an initialisation section: of any container. If it
    /// follows the segment that `before` read, a stream goes on.
    pub(crate) fn of_any(limits: &Limits, before: Option<Box<StreamReader>>) -> Self {
        Self::of(Container::Unknown(BytesMut::new(), before), limits)
    }

    fn of(container: Container, limits: &Limits) -> Self {
        Self {
            container,
            limits: limits.clone(),
            broken: false,
            decryptor: None,
            decrypted: false,
            init: None,
            base: 0,
            samples: None,
            asides: Vec::new(),
        }
    }

    /// Of a segment that is read from the middle on, if so: from which byte, how many are looked through for a fragment, and
    /// when one may be shown. Only with an initialisation section.
    pub(crate) fn entering(self, search: Option<((u64, u64), Range<MediaTime>)>) -> Self {
        let Some((((offset, reach), times), init)) = search.zip(self.init.clone()) else { return self };
        let finder = ChunkFinder::new(&self.limits, init, offset, reach, times);
        Self { container: Container::Entered(Box::new(finder)), base: offset, ..self }
    }

    /// Of a segment whose samples are encrypted, as the playlist says. Only streams need to be told.
    pub(crate) fn of_samples(self, samples: Option<SampleAes>) -> Self {
        Self { samples, ..self }
    }

    /// Of a segment that continues one that brought its initialisation along.
    pub(crate) fn continuing(self, init: Option<Arc<InitSegment>>) -> Self {
        Self { init, ..self }
    }

    /// Of a resource that is encrypted whole.
    pub(crate) fn decrypting(self, decryptor: Option<SegmentDecryptor>) -> Self {
        Self { decrypted: decryptor.is_some(), decryptor, ..self }
    }

    /// What it knows of the stream, for the next segment.
    pub(crate) fn into_stream(self) -> Option<Box<StreamReader>> {
        match self.container {
            Container::Stream(reader) if !self.broken => Some(reader),
            _ => None,
        }
    }

    /// It reads a transport stream or packed audio.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.container, Container::Stream(_))
    }

    /// What was said beside the samples since the last call.
    pub(crate) fn take_asides(&mut self) -> Vec<Aside> {
        std::mem::take(&mut self.asides)
    }

    /// What is found with these bytes.
    pub(crate) fn push(&mut self, body: Body) -> Vec<Piece> {
        match body {
            Body::Recorded { facts, .. } => facts.into_iter().map(Piece::bare).collect(),
            // Nobody else has them, so that what is encrypted is decrypted where it is.
            Body::Bytes(bytes) => self.feed(bytes),
        }
    }

    fn feed(&mut self, bytes: Bytes) -> Vec<Piece> {
        if self.broken {
            return Vec::new();
        }
        let clear = match &mut self.decryptor {
            Some(decryptor) => decryptor.push(bytes),
            None => Ok(bytes),
        };
        match clear.and_then(|clear| self.take(clear, false)) {
            Ok(()) => self.drain(),
            Err(error) => vec![self.fault(error)],
        }
    }

    /// Nothing more will be found.
    fn fault(&mut self, error: Error) -> Piece {
        self.broken = true;
        let error = match self.decrypted && error.code() != ErrorCode::DecryptFailed {
            true => {
                let message = format!("decrypted with its key the segment is no media: {}", error.message());
                Error::new(ErrorCode::DecryptFailed, message).fact("cause", error.code().name())
            }
            false => error,
        };
        Piece::bare(MediaFact::Broken(error))
    }

    fn take(&mut self, bytes: Bytes, complete: bool) -> Result<(), Error> {
        match &mut self.container {
            Container::Entered(finder) => {
                let found = if complete { finder.finish() } else { finder.push(&bytes) };
                if let Some(FoundChunk { offset, bytes }) = found? {
                    let mut iso = IsoReader::new(&self.limits);
                    iso.set_offset(offset);
                    if let Some(init) = &self.init {
                        iso.set_init(Arc::clone(init));
                    }
                    iso.push(bytes);
                    self.container = Container::Iso(Box::new(iso));
                }
            }
            Container::Iso(iso) => iso.push(bytes),
            Container::Stream(stream) => stream.push(bytes),
            Container::Unknown(head, before) => {
                let whole = match head.is_empty() {
                    true => bytes,
                    false => {
                        head.extend_from_slice(&bytes);
                        head.split().freeze()
                    }
                };
                match sniff(&whole, complete) {
                    Sniff::Short(_) if whole.len() < self.limits.box_bytes => *head = BytesMut::from(whole),
                    Sniff::Container(container) if container.is_stream() => {
                        let fresh = || Box::new(StreamReader::new(&StreamOptions::default(), &self.limits));
                        let mut stream = before.take().unwrap_or_else(fresh);
                        stream.set_protection(self.samples);
                        stream.push(whole);
                        self.container = Container::Stream(stream);
                    }
                    // What is none of ours is for the ISO reader to say.
                    _ => {
                        let mut iso = IsoReader::new(&self.limits);
                        iso.push(whole);
                        self.container = Container::Iso(Box::new(iso));
                    }
                }
            }
        }
        Ok(())
    }

    /// Says that the resource ended: what only then is complete (media data that reaches to the
    /// end of the resource), or that something is missing.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        if self.broken {
            return Vec::new();
        }
        let mut last = Vec::new();
        if let Some(decryptor) = self.decryptor.take() {
            match decryptor.finish() {
                Ok(parts) => {
                    for part in parts {
                        last.extend(self.feed(part));
                    }
                }
                Err(error) => return vec![self.fault(error)],
            }
        }
        if matches!(self.container, Container::Unknown(..) | Container::Entered(_)) {
            if let Err(error) = self.take(Bytes::new(), true) {
                return vec![self.fault(error)];
            }
        }
        let finished = match &mut self.container {
            Container::Iso(iso) => iso.finish(),
            Container::Stream(stream) => stream.finish(),
            Container::Unknown(..) | Container::Entered(_) => Ok(()),
        };
        let mut pieces = last;
        pieces.extend(self.drain());
        if let (Err(error), false) = (finished, self.broken) {
            pieces.push(self.fault(error));
        }
        pieces
    }

    fn drain(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while !self.broken {
            match self.next_piece() {
                Ok(Some(piece)) => {
                    let end = piece.as_ref().and_then(|piece| piece.fragment.as_ref()).map(|f| f.offset + f.size);
                    pieces.extend(piece);
                    // Of what is decrypted, or taken out of a stream, the bytes are others than those of the body.
                    let as_it_came = matches!(self.container, Container::Iso(_)) && !self.decrypted;
                    let end = end.filter(|_| as_it_came).map(|end| end.saturating_sub(self.base));
                    pieces.extend(end.map(|end| Piece::bare(MediaFact::End(end))));
                }
                Ok(None) => break,
                Err(error) => pieces.push(self.fault(error)),
            }
        }
        pieces
    }

    /// The next thing that is complete; `Some(None)` is one that is nothing to the engine.
    fn next_piece(&mut self) -> Result<Option<Option<Piece>>, Error> {
        let init = self.init.clone();
        let init = init.as_deref();
        let asides = &mut self.asides;
        let piece = match &mut self.container {
            Container::Unknown(..) | Container::Entered(_) => None,
            Container::Iso(iso) => match iso.poll()? {
                Some(Unit::Init(init)) => Some(Some(Piece::init(init))),
                Some(Unit::Fragment(fragment)) => Some(Some(Piece::fragment(fragment, init)?)),
                Some(Unit::Index(index)) => Some(Some(Piece::bare(MediaFact::Index(IndexFact::of(&index))))),
                Some(Unit::Event(event)) => {
                    asides.push(Aside::Event(event));
                    Some(None)
                }
                // It is delivered with the fragment's untouched bytes too.
                Some(Unit::ProducerTime(time)) => {
                    Some(ProducedFact::of(&time).map(|fact| Piece::bare(MediaFact::Produced(fact))))
                }
                Some(_) => Some(None),
                None => None,
            },
            Container::Stream(stream) => match stream.poll()? {
                Some(StreamUnit::Init(init)) => Some(Some(Piece::init(init))),
                Some(StreamUnit::Fragment(fragment)) => Some(Some(Piece::fragment(fragment, init)?)),
                Some(StreamUnit::Metadata(tag)) => {
                    asides.push(Aside::Tag(tag));
                    Some(None)
                }
                Some(StreamUnit::Captions(captions)) => {
                    asides.push(Aside::Captions(captions));
                    Some(None)
                }
                Some(StreamUnit::Warning(warning)) => {
                    asides.push(Aside::Warning(warning));
                    Some(None)
                }
                Some(_) => Some(None),
                None => None,
            },
        };
        if let Some(Some(Piece { init: Some(init), .. })) = &piece {
            self.init = Some(Arc::clone(init));
        }
        Ok(piece)
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
            channels: track.channels,
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
