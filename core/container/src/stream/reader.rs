//! The reader of transport streams and packed audio.

use std::collections::VecDeque;

use bytes::Bytes;
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Place, Timescale};

use super::{Output, SampleAes, StreamCounters, StreamOptions, StreamUnit};
use crate::audio::PackedReader;
use crate::remux::{Remuxer, CLOCK_RATE};
use crate::sniff::{sniff, Container, Sniff};
use crate::ts::Demuxer;

/// Reads transport streams and packed audio incrementally, into CMAF.
///
/// Bytes may arrive in any split. Push them, then poll until `None`; at the end of a segment call
/// [`finish`](Self::finish) and poll once more, then say with [`next_segment`](Self::next_segment) how the
/// next one follows. What a reader knows (programme, decoder configurations, time) lasts across the
/// segments of one rendition. It finds out by itself which container it is given.
///
/// Media is copied once on its way out of transport packets, and not at all out of packed audio whose
/// frames lie in one piece.
///
/// Faults are tolerated where something can be played nevertheless, and reported by numbered rules:
///
/// | rule | what was found, and what was made of it |
/// |---|---|
/// | T001 | bytes that are no transport packet: passed over |
/// | T002 | packets are missing (continuity counter): what they belong to is left out |
/// | T003 | a packet is marked as damaged: not used |
/// | T004 | a section is damaged: the one before holds |
/// | T005 | several programmes: the first is taken |
/// | T006 | a stream of a type that is not read |
/// | T007 | a broken PES packet or adaptation field: what can be read of it is used |
/// | T008 | video before the first key frame: left out |
/// | T009 | an access unit lacks bytes: left out |
/// | T010 | parameter sets cannot be read: left out |
/// | T011 | an access unit without timestamps: put behind the one before |
/// | T012 | bytes of sound that are no frame: passed over |
/// | T013 | a hole in the sound: kept |
/// | T014 | sound that overlaps: what is there twice is left out |
/// | T015 | sound drifted against its timestamps: put right |
/// | T016 | timestamps jump or go back |
/// | T017 | a track that was announced has not come: an initialisation segment without it is made |
/// | T018 | packed audio without a timestamp: time begins at zero |
/// | T019 | an ID3 tag that cannot be read: left out |
/// | T020 | bytes of a packet that is not whole at the end |
/// | T022 | frames of sound that overlap or have no time: left out |
///
/// ```
/// use telecine_container::{StreamOptions, StreamReader, StreamUnit};
/// use telecine_model::{Limits, MediaTime};
///
/// # const SEGMENT: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ts/avc_aac.ts"));
/// # fn main() -> Result<(), telecine_model::Error> {
/// let mut reader = StreamReader::new(&StreamOptions::default(), &Limits::default());
/// let (mut codecs, mut shown) = (Vec::new(), Vec::new());
/// let mut take = |unit: StreamUnit| match unit {
///     StreamUnit::Init(init) => codecs.extend(init.tracks.iter().map(|track| track.codec.to_string())),
///     StreamUnit::Fragment(fragment) => {
///         let part = &fragment.tracks[0];
///         shown.extend(part.samples.iter().map(|sample| sample.pts()));
///     }
///     _ => {}
/// };
/// for piece in SEGMENT.chunks(1000) {
///     reader.push(piece.into());
///     while let Some(unit) = reader.poll()? {
///         take(unit);
///     }
/// }
/// reader.finish()?;
/// while let Some(unit) = reader.poll()? {
///     take(unit);
/// }
/// assert_eq!(codecs, ["avc1.64000a", "mp4a.40.2"]);
/// assert_eq!(shown.len(), 50);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StreamReader {
    options: StreamOptions,
    limits: Limits,
    key: Option<SampleAes>,
    near: Option<i64>,
    input: VecDeque<Bytes>,
    inner: Inner,
    /// Bytes of the segment have been read, and not its end.
    within: bool,
    remuxer: Remuxer,
    out: Output,
    failure: Option<Error>,
}

#[derive(Debug)]
enum Inner {
    /// The container is not known: the first bytes of the resource, and how many of them are needed.
    Unknown {
        head: Bytes,
        needed: usize,
    },
    Ts(Box<Demuxer>),
    Packed(Box<PackedReader>),
}

impl Inner {
    const UNKNOWN: Self = Self::Unknown { head: Bytes::new(), needed: 1 };
}

impl StreamReader {
    /// A reader at the start of a rendition.
    pub fn new(options: &StreamOptions, limits: &Limits) -> Self {
        Self {
            options: options.clone(),
            limits: limits.clone(),
            key: None,
            near: None,
            input: VecDeque::new(),
            inner: Inner::UNKNOWN,
            within: false,
            remuxer: Remuxer::new(options, limits),
            out: Output::new(limits),
            failure: None,
        }
    }

    /// Says that the next segments are protected by SAMPLE-AES, or no longer. Samples are not decrypted:
    /// they come out as Common Encryption's `cbcs` with this key identifier and initialisation vector.
    /// Call it between segments.
    pub fn set_protection(&mut self, key: Option<SampleAes>) {
        self.key = key;
        self.remuxer.set_key(key);
    }

    /// Says where on the stream's timeline the next segment is expected, within some hours. Timestamps of
    /// 33 bits wrap every 26.5 hours: renditions whose first segments lie on both sides of a wrap come out
    /// on one timeline if they are given the same time. Without it the first timestamp is taken as it is.
    /// It holds for the start of the rendition and behind each discontinuity from now on.
    pub fn expect_time(&mut self, time: Option<MediaTime>) {
        let scale = Timescale::new(CLOCK_RATE);
        self.near = time.zip(scale).map(|(time, scale)| time.to_ticks(scale));
    }

    /// Adds bytes of the segment, in their order. After a failure it does nothing.
    pub fn push(&mut self, bytes: Bytes) {
        if self.failure.is_none() && !bytes.is_empty() {
            self.out.counters.bytes += bytes.len() as u64;
            self.input.push_back(bytes);
        }
    }

    /// The next complete unit; `Ok(None)` means that more bytes are needed.
    ///
    /// # Errors
    /// `ContainerUnknown`, `ContainerSyntax` (no programme map), `ContainerScrambled`, `CodecUnsupported`
    /// (nothing that can be played), `KeyUnavailable` (protected, and [`set_protection`](Self::set_protection)
    /// has not been called), `ContainerLimit`, each with its place. After an error the reader stays failed: it
    /// gives the same error again, behind the units before it.
    pub fn poll(&mut self) -> Result<Option<StreamUnit>, Error> {
        loop {
            if let Some(unit) = self.out.units.pop_front() {
                return Ok(Some(unit));
            }
            if let Some(failure) = &self.failure {
                return Err(failure.clone());
            }
            let Some(bytes) = self.input.pop_front() else { return Ok(None) };
            let read = self.read(&bytes);
            self.note(read);
        }
    }

    /// Ends the segment. What its end makes complete is given by the next polls. A frame of sound that is
    /// not whole waits for the next segment.
    ///
    /// # Errors
    /// Those of [`poll`](Self::poll). The units before the error are still given by it.
    pub fn finish(&mut self) -> Result<(), Error> {
        while let (None, Some(bytes)) = (&self.failure, self.input.pop_front()) {
            let read = self.read(&bytes);
            self.note(read);
        }
        if self.failure.is_none() {
            let read = self.end();
            self.note(read);
        }
        self.within = false;
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Says how the next segment follows. With `discontinuity` it has nothing to do with what was before: an
    /// `EXT-X-DISCONTINUITY`, or a seek. Without, time and configurations go on, which is so too if this is
    /// not called behind [`finish`](Self::finish). What was pushed of a segment that has not been finished
    /// is dropped as far as it has not been polled, and video waits for a key frame again.
    pub fn next_segment(&mut self, discontinuity: bool) {
        let abandoned = std::mem::take(&mut self.within) || !self.input.is_empty();
        self.input.clear();
        if abandoned && self.out.units.drain(..).any(|unit| matches!(unit, StreamUnit::Init(_))) {
            self.remuxer.forget_init();
        }
        if discontinuity {
            self.inner = Inner::UNKNOWN;
            self.remuxer.restart();
        } else if abandoned {
            match &mut self.inner {
                Inner::Unknown { .. } => self.inner = Inner::UNKNOWN,
                Inner::Ts(demuxer) => demuxer.abandon(),
                Inner::Packed(packed) => packed.abandon(),
            }
            self.remuxer.abandon();
        }
    }

    /// What has been counted since the reader began.
    pub fn counters(&self) -> StreamCounters {
        self.out.counters
    }

    /// The container, as soon as it is known.
    pub fn is_transport_stream(&self) -> Option<bool> {
        match self.inner {
            Inner::Unknown { .. } => None,
            Inner::Ts(_) => Some(true),
            Inner::Packed(_) => Some(false),
        }
    }

    fn note(&mut self, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            let place = Place::Byte(self.out.position);
            self.failure = Some(if error.place().is_none() { error.at(place) } else { error });
            self.input.clear();
        }
    }

    fn read(&mut self, bytes: &Bytes) -> Result<(), Error> {
        // All that reads is reached from here and from `end` alone, so that it is left out of a build without.
        if !cfg!(feature = "streams") {
            let message = "this build reads neither transport streams nor packed audio";
            return Err(Error::new(ErrorCode::ContainerUnknown, message).at(Place::Byte(0)));
        }
        if !std::mem::replace(&mut self.within, true) {
            self.out.restart();
            match &mut self.inner {
                Inner::Unknown { .. } => {}
                Inner::Ts(demuxer) => demuxer.next_segment(),
                Inner::Packed(packed) => packed.next_segment(self.key.is_some()),
            }
        }
        match &mut self.inner {
            Inner::Ts(demuxer) => demuxer.push(bytes, &mut self.remuxer, &mut self.out),
            Inner::Packed(packed) => packed.push(bytes, &mut self.remuxer, &mut self.out),
            Inner::Unknown { head, needed } => {
                // Mostly the first piece says it, and need not be copied.
                if head.is_empty() {
                    *head = bytes.clone();
                } else {
                    *head = [&head[..], bytes].concat().into();
                    self.out.counters.copied += head.len() as u64;
                }
                if head.len() < *needed {
                    return Ok(());
                }
                self.decide(false)
            }
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        if !cfg!(feature = "streams") {
            return Ok(());
        }
        if let Inner::Unknown { head, .. } = &self.inner {
            if head.is_empty() {
                return Ok(());
            }
            self.decide(true)?;
        }
        match &mut self.inner {
            Inner::Ts(demuxer) => demuxer.finish(&mut self.remuxer, &mut self.out)?,
            Inner::Packed(packed) => packed.finish(&mut self.remuxer, &mut self.out)?,
            Inner::Unknown { .. } => {}
        }
        self.remuxer.finish(&mut self.out)
    }

    /// Finds out what the container is, and reads what there is of it.
    fn decide(&mut self, complete: bool) -> Result<(), Error> {
        let Inner::Unknown { head, needed } = &mut self.inner else { return Ok(()) };
        let unknown = |message: &str| Err(Error::new(ErrorCode::ContainerUnknown, message).at(Place::Byte(0)));
        let found = match sniff(head, complete) {
            // A tag that is larger is no reason to keep it all.
            Sniff::Short(more) if more <= self.limits.id3_bytes + 4096 => {
                *needed = more;
                return Ok(());
            }
            Sniff::Short(_) | Sniff::Unknown => {
                return unknown("the bytes are neither a transport stream nor packed audio");
            }
            Sniff::Container(found) => found,
        };
        let bytes = std::mem::take(head);
        self.inner = match found.packed() {
            Some(codec) => {
                let encrypted = self.key.is_some();
                Inner::Packed(Box::new(PackedReader::new(codec, encrypted, &self.options, &self.limits, self.near)))
            }
            None if found == Container::MpegTs => {
                Inner::Ts(Box::new(Demuxer::new(&self.options, &self.limits, self.near)))
            }
            None => return unknown("the bytes are of a container that is not read here"),
        };
        self.read(&bytes)
    }
}
