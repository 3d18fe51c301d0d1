//! Where a fragment begins in a resource that is read from somewhere in its middle.
//!
//! A CMAF segment is a row of chunks, each a movie fragment (ISO/IEC 23000-19, 7.3.2.3), and DASH may say that decoding
//! can begin at some of them (`Resync`, ISO/IEC 23009-1, 5.3.12). Which byte that is nobody says: it is looked for.
//!
//! What stands in front of it is media data, which may look like anything. So a beginning is believed only if all of it
//! fits together: the chain of boxes from the first header to the media data, a `moof` of the tracks of the
//! initialisation segment that says its own time, a time where one is looked for, and samples that lie in that `mdat`.
//! The search is bounded in bytes, and in how often something that only looked like a beginning is read. What is a fragment
//! and only of another time is no such thing: it is stepped over with its media, of which nothing is looked at.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Place};

use super::boxes::{BoxView, Extent, FourCc, Header};
use super::init::InitSegment;
use super::moof::{self, DecodeTimes};

/// The largest `moof` of a chunk: one of a second of 120 pictures has some 2 kB.
const LARGEST_MOOF: u64 = 1 << 20;
/// The largest of the boxes that stand in front of a `moof`, but for events.
const LARGEST_MARKER: u64 = 1024;
/// The largest event.
const LARGEST_EVENT: u64 = 64 << 10;
/// Boxes in front of a `moof` at most.
const MOST_MARKERS: usize = 16;
/// So many times something may look like a beginning up to the tables of its `moof`, and be none.
const MOST_READ: u32 = 16;

/// Finds the first fragment in bytes that begin anywhere.
#[derive(Debug)]
pub struct ChunkFinder {
    limits: Limits,
    init: Arc<InitSegment>,
    times: Range<MediaTime>,
    /// What has not been looked at, or cannot be decided yet.
    held: BytesMut,
    /// Place in the resource of its first byte.
    offset: u64,
    /// No beginning is looked for from here on.
    end: u64,
    /// Before this place lies the media of fragments of other times.
    over: u64,
    /// Beginnings that were read and were none.
    read: u32,
}

/// A fragment's beginning, and what has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundChunk {
    /// Place in the resource of its first byte: of `styp`, `prft`, `emsg` or `moof`, whatever stands first.
    pub offset: u64,
    /// Its bytes and all that came behind them.
    pub bytes: Bytes,
}

/// What a place turns out to be.
enum Verdict {
    /// A fragment begins here.
    Here,
    /// None does.
    No,
    /// One of another time does, and this is the first place behind it.
    Other(u64),
    /// More bytes are needed to tell.
    Wait,
}

impl ChunkFinder {
    /// A finder for bytes whose first one is at `offset` of the resource. It looks through `reach` bytes at most, for a
    /// fragment of tracks of `init` whose first picture (or sound, or text) is shown within `times`: those of the
    /// container, with edit lists applied.
    pub fn new(limits: &Limits, init: Arc<InitSegment>, offset: u64, reach: u64, times: Range<MediaTime>) -> Self {
        Self {
            limits: limits.clone(),
            init,
            times,
            held: BytesMut::new(),
            offset,
            end: offset.saturating_add(reach),
            over: offset,
            read: 0,
        }
    }

    /// Adds bytes of the resource, in their order; the beginning, as soon as it is sure to be one. What comes later is for
    /// an [`IsoReader`](super::IsoReader) that was given [`FoundChunk::offset`] and its bytes.
    ///
    /// # Errors
    /// `ContainerSyntax` if there is none as far as is looked for one; then nothing further is to be pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<FoundChunk>, Error> {
        self.held.extend_from_slice(bytes);
        self.search(false)
    }

    /// Ends the resource: what waited for more bytes is none.
    ///
    /// # Errors
    /// `ContainerSyntax` if there is no beginning.
    pub fn finish(&mut self) -> Result<Option<FoundChunk>, Error> {
        self.search(true)?.map_or_else(|| Err(self.nothing()), |found| Ok(Some(found)))
    }

    fn search(&mut self, complete: bool) -> Result<Option<FoundChunk>, Error> {
        let Some(mut at) = self.step_over(0) else { return self.pass_all() };
        while let Some(next) = next_kind(&self.held, at) {
            at = next;
            if self.offset.saturating_add(at as u64) >= self.end {
                return Err(self.nothing());
            }
            match self.examine(at) {
                Verdict::Here => {
                    self.held.advance(at);
                    let offset = self.offset.saturating_add(at as u64);
                    return Ok(Some(FoundChunk { offset, bytes: std::mem::take(&mut self.held).freeze() }));
                }
                Verdict::Wait if !complete => return Ok(self.pass(at)),
                Verdict::Other(behind) => {
                    self.over = behind;
                    match self.step_over(at) {
                        Some(next) => at = next,
                        None => return self.pass_all(),
                    }
                }
                Verdict::Wait | Verdict::No => at += 1,
            }
            if self.read > MOST_READ {
                return Err(self.nothing());
            }
        }
        // The last bytes may be the first of a header.
        let passed = self.held.len().saturating_sub(7).max(at.min(self.held.len()));
        self.pass(passed);
        match self.offset >= self.end {
            true => Err(self.nothing()),
            false => Ok(None),
        }
    }

    /// The first place of what is held, from `at` on, that is behind what is stepped over; None if that is not there yet.
    fn step_over(&self, at: usize) -> Option<usize> {
        let over = usize::try_from(self.over.saturating_sub(self.offset)).ok()?;
        (over <= self.held.len()).then(|| over.max(at))
    }

    /// Nothing of what is held is looked at.
    fn pass_all(&mut self) -> Result<Option<FoundChunk>, Error> {
        self.pass(self.held.len());
        match self.over >= self.end {
            true => Err(self.nothing()),
            false => Ok(None),
        }
    }

    /// What was looked at is needed no more.
    fn pass(&mut self, count: usize) -> Option<FoundChunk> {
        self.held.advance(count.min(self.held.len()));
        self.offset = self.offset.saturating_add(count as u64);
        None
    }

    fn nothing(&self) -> Error {
        Error::new(ErrorCode::ContainerSyntax, "no fragment begins where one is looked for")
            .at(Place::Byte(self.offset))
    }

    /// Whether a fragment begins at a place of what is held.
    fn examine(&mut self, start: usize) -> Verdict {
        let mut at = start;
        for _ in 0..=MOST_MARKERS {
            let header = match self.header(at) {
                Ok(Some(header)) => header,
                Ok(None) => return Verdict::Wait,
                Err(()) => return Verdict::No,
            };
            let Extent::Bytes(size) = header.extent else { return Verdict::No };
            let largest = match &header.kind {
                b"moof" => return self.examine_moof(at, header, size),
                b"emsg" => LARGEST_EVENT,
                b"styp" | b"prft" => LARGEST_MARKER,
                _ => return Verdict::No,
            };
            if size > largest {
                return Verdict::No;
            }
            // No more than `largest`.
            at = at.saturating_add(size as usize);
        }
        Verdict::No
    }

    fn header(&self, at: usize) -> Result<Option<Header>, ()> {
        let rest = self.held.get(at..).unwrap_or_default();
        Header::read(rest.get(..Header::MAX).unwrap_or(rest)).map_err(|_| ())
    }

    fn examine_moof(&mut self, at: usize, header: Header, size: u64) -> Verdict {
        if size > LARGEST_MOOF.min(self.limits.box_bytes as u64) {
            return Verdict::No;
        }
        // A movie fragment begins with its header, whose size is known: what is no fragment ends here, before it is waited
        // for or read.
        match self.header(at.saturating_add(header.length as usize)) {
            Ok(Some(Header { kind: MFHD, extent: Extent::Bytes(16), .. })) => {}
            Ok(None) => return Verdict::Wait,
            _ => return Verdict::No,
        }
        let end = at.saturating_add(size as usize);
        let media = match self.header(end) {
            Ok(Some(media)) if &media.kind == b"mdat" => media,
            Ok(None) => return Verdict::Wait,
            _ => return Verdict::No,
        };
        let verdict = self.fits(at..end, header, media);
        self.read += u32::from(matches!(verdict, Verdict::No));
        verdict
    }

    /// Whether a `moof` in front of an `mdat` is a fragment of what is looked for.
    fn fits(&self, range: Range<usize>, header: Header, media: Header) -> Verdict {
        let Some(bytes) = self.held.get(range.clone()).map(Bytes::copy_from_slice) else { return Verdict::No };
        let begin = self.offset.saturating_add(range.start as u64);
        let view = BoxView::whole(&bytes, header, begin);
        let read = moof::read(&view, Some(&self.init), &mut DecodeTimes::new(), &self.limits);
        let Ok(moof) = read else { return Verdict::No };
        let body = view.end_offset().saturating_add(media.length);
        let behind = match media.extent {
            Extent::Bytes(size) => view.end_offset().saturating_add(size),
            Extent::ToEnd => u64::MAX,
        };
        let within = moof.tracks.iter().flat_map(|track| &track.samples).all(|sample| {
            let end = sample.offset.saturating_add(u64::from(sample.size));
            sample.size == 0 || (body <= sample.offset && end <= behind)
        });
        let timed = moof.tracks.iter().all(|track| track.explicit_time);
        if !within || !timed || moof.media_end == 0 {
            return Verdict::No;
        }
        match moof.tracks.iter().any(|track| self.is_of_the_time(track)) {
            true => Verdict::Here,
            false => Verdict::Other(behind),
        }
    }

    fn is_of_the_time(&self, found: &super::TrackFragment) -> bool {
        let track = self.init.track(found.track_id);
        let time = track
            .zip(found.earliest_pts())
            .map(|(track, ticks)| MediaTime::from_ticks(ticks.saturating_add(track.edit.shift()), track.timescale));
        time.is_some_and(|time| self.times.contains(&time))
    }
}

const MFHD: FourCc = *b"mfhd";

/// The first place from `from` on at which a box may begin whose type is of those that a fragment begins with.
fn next_kind(bytes: &[u8], from: usize) -> Option<usize> {
    let kinds = bytes.get(from..)?.windows(8);
    let is_one = |window: &[u8]| matches!(window.get(4..), Some(b"moof" | b"styp" | b"prft" | b"emsg"));
    kinds.into_iter().position(is_one).map(|at| from + at)
}
