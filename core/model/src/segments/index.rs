//! One rendition's segments: times, places and everything else a manifest says of them.

use std::sync::Arc;

use super::{Queries, RangeList, Runs, SegmentTable, UriList, UrlTemplate};
use crate::protection::Key;
use crate::time::{MediaTime, WallTime};
use crate::uri;

/// Part of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// An initialisation section: `EXT-X-MAP`, `Initialization`, or the head of an indexed file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InitSection {
    /// Reference as written, relative to the index's base.
    pub uri: String,
    /// Part of the resource.
    pub byte_range: Option<ByteRange>,
    /// Keys in force for the section itself (HLS: those before the `EXT-X-MAP`).
    pub keys: Arc<[Key]>,
}

/// Where the bytes of a segment are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Listed one by one: HLS, DASH `SegmentList`.
    Listed(UriList),
    /// Computed from number and time: DASH `SegmentTemplate`.
    Template(UrlTemplate),
    /// Ranges of one resource: DASH `SegmentBase` with its index read.
    Single(String),
}

/// What a manifest says of one rendition's segments in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentIndex {
    /// Times in the track's timescale.
    pub table: SegmentTable,
    /// The tick that falls on [`SegmentIndex::origin`]: DASH `@presentationTimeOffset`, zero in HLS.
    pub presentation_offset: i64,
    /// Presentation time of the period's start.
    pub origin: MediaTime,
    /// What references are relative to: URL of the playlist, or the chosen `BaseURL`.
    pub base: Arc<str>,
    /// What is appended to every URL.
    pub queries: Queries,
    /// Where segments are.
    pub addressing: Addressing,
    /// Number of the segment at index 0 of `addressing` and `ranges` where they are lists.
    pub listed_from: u64,
    /// Byte ranges, where segments are parts of resources.
    pub ranges: Option<RangeList>,
    /// The initialisation section in force.
    pub init: Runs<Option<Arc<InitSection>>>,
    /// Discontinuity sequence number (HLS).
    pub discontinuity: Runs<u64>,
    /// True for segments that are announced missing.
    pub gap: Runs<bool>,
    /// Keys in force, one per key format.
    pub keys: Runs<Arc<[Key]>>,
    /// Bits a second, where announced per segment (`EXT-X-BITRATE`).
    pub bitrate: Runs<Option<u64>>,
    /// Wall-clock time of the first segment of each run; the others follow by their times.
    pub program_date_time: Runs<WallTime>,
    /// Parts (LL-HLS), by segment, ascending. The last entry may be a segment still growing, whose
    /// number is the table's end number.
    pub parts: Vec<PartialSegment>,
    /// DASH `S@k` with `$SubNumber$`: which segments form segment sequences. Empty where `$Number$` is the
    /// number of the segment.
    pub sequences: Runs<Sequence>,
    /// What `$SubNumber$` counts from.
    pub first_sub_number: u64,
    /// How much earlier than complete a segment can be requested (DASH `@availabilityTimeOffset`,
    /// summed over levels). `None` is INF: always available.
    pub availability_offset: Option<MediaTime>,
    /// Segments follow from their duration alone (DASH `@duration`) and are not listed: that one is in the table says
    /// nothing of whether it has been made.
    pub computed: bool,
    /// False if segments are offered before they are complete (`@availabilityTimeComplete`).
    pub availability_complete: bool,
    /// How long segments stay where they are, if it is said of the place (DASH `BaseURL@timeShiftBufferDepth`) and not
    /// only of the presentation.
    pub time_shift_buffer_depth: Option<MediaTime>,
}

/// Segment sequences that follow one another from some segment on, all of as many segments (ISO/IEC
/// 23009-1:2022, 5.3.9.6.4). Each of their segments has a number of its own in the table; URLs name the
/// sequence and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// `$Number$` of the first of these sequences.
    pub first: u64,
    /// How many segments each has; not zero.
    pub parts: u32,
}

/// The parts of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSegment {
    /// The segment that they are parts of.
    pub number: u64,
    /// In order.
    pub parts: Vec<Part>,
}

/// A part of a segment (`EXT-X-PART`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its duration.
    pub duration: MediaTime,
    /// Reference as written.
    pub uri: String,
    /// Part of the resource.
    pub byte_range: Option<ByteRange>,
    /// Begins with a key frame.
    pub independent: bool,
    /// Announced missing.
    pub gap: bool,
}

/// One segment, or one part of it, put together from the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Media sequence number (HLS) or `$Number$` (DASH).
    pub number: u64,
    /// Which of its parts this is, counted from 0 (LL-HLS); None is all of it.
    pub part: Option<u32>,
    /// Presentation time of its start.
    pub start: MediaTime,
    /// Its duration.
    pub duration: MediaTime,
    /// Start in the track's own timescale, as the container is expected to count.
    pub ticks: i64,
    /// Absolute URL, queries included.
    pub uri: String,
    /// The reference that `uri` comes of, as written or computed: what to resolve against another base.
    pub reference: String,
    /// Part of the resource.
    pub byte_range: Option<ByteRange>,
    /// Initialisation section in force.
    pub init: Option<Arc<InitSection>>,
    /// Discontinuity sequence number.
    pub discontinuity: u64,
    /// Announced missing.
    pub gap: bool,
    /// Keys in force.
    pub keys: Arc<[Key]>,
    /// Bits a second, where announced.
    pub bitrate: Option<u64>,
    /// Wall-clock time of its start, where known.
    pub program_date_time: Option<WallTime>,
}

impl Segment {
    /// Presentation time of its end.
    pub fn end(&self) -> MediaTime {
        self.start + self.duration
    }
}

impl SegmentIndex {
    /// An index with times and places, and nothing else said.
    pub fn new(table: SegmentTable, base: Arc<str>, addressing: Addressing) -> Self {
        let listed_from = table.first_number();
        Self {
            table,
            presentation_offset: 0,
            origin: MediaTime::ZERO,
            base,
            queries: Queries::default(),
            addressing,
            listed_from,
            ranges: None,
            init: Runs::new(),
            discontinuity: Runs::new(),
            gap: Runs::new(),
            keys: Runs::new(),
            bitrate: Runs::new(),
            program_date_time: Runs::new(),
            parts: Vec::new(),
            sequences: Runs::new(),
            first_sub_number: 1,
            availability_offset: Some(MediaTime::ZERO),
            computed: false,
            availability_complete: true,
            time_shift_buffer_depth: None,
        }
    }

    /// Presentation time of a tick of the track's timescale.
    pub fn time_of(&self, ticks: i64) -> MediaTime {
        MediaTime::from_ticks(ticks.saturating_sub(self.presentation_offset), self.table.timescale()) + self.origin
    }

    /// The tick at a presentation time.
    pub fn ticks_of(&self, time: MediaTime) -> i64 {
        (time - self.origin).to_ticks(self.table.timescale()).saturating_add(self.presentation_offset)
    }

    /// The URL that a reference of this index stands for.
    pub fn resolve(&self, reference: &str) -> String {
        self.queries.appended(uri::resolve(&self.base, reference))
    }

    /// Segment `number`.
    pub fn get(&self, number: u64) -> Option<Segment> {
        let span = self.table.get(number)?;
        let (reference, byte_range) = self.locate(number, span.start)?;
        let start = self.time_of(span.start);
        Some(Segment {
            number,
            part: None,
            start,
            duration: self.time_of(span.end()) - start,
            ticks: span.start,
            uri: self.resolve(&reference),
            reference,
            byte_range,
            init: self.init.get(number).cloned().flatten(),
            discontinuity: self.discontinuity.get(number).copied().unwrap_or(0),
            gap: self.gap.get(number).copied().unwrap_or(false),
            keys: self.keys.get(number).cloned().unwrap_or_else(|| Arc::from([])),
            bitrate: self.bitrate.get(number).copied().flatten(),
            program_date_time: self.wall_time_of(number),
        })
    }

    /// Presentation time of the start and of the end of segment `number`: what [`get`](Self::get) says of it, without a URL being made.
    pub fn span_of(&self, number: u64) -> Option<(MediaTime, MediaTime)> {
        let span = self.table.get(number)?;
        Some((self.time_of(span.start), self.time_of(span.end())))
    }

    /// The reference of segment `number`, as written or computed.
    pub fn reference_of(&self, number: u64) -> Option<String> {
        let (reference, _) = self.locate(number, self.table.get(number)?.start)?;
        Some(reference)
    }

    /// The parts of a segment that are listed, be it complete or still growing.
    pub fn parts_of(&self, number: u64) -> &[Part] {
        let place = self.parts.binary_search_by_key(&number, |segment| segment.number);
        place.ok().and_then(|place| self.parts.get(place)).map_or(&[], |segment| &segment.parts)
    }

    /// Part `part` of segment `number`, if it is listed (rfc8216bis 4.4.4.9). It is used as a segment of its own is.
    pub fn part(&self, number: u64, part: u32) -> Option<Segment> {
        let place = usize::try_from(part).ok()?;
        let parts = self.parts_of(number);
        let this = parts.get(place)?;
        let before = parts.get(..place)?.iter().fold(MediaTime::ZERO, |sum, part| sum + part.duration);
        let start = self.start_of(number)? + before;
        Some(Segment { gap: this.gap, ..self.resource(number, part, start, this.duration, &this.uri, this.byte_range) })
    }

    /// A resource of part of a segment that may not be listed yet: what a hint announces.
    pub fn resource(
        &self,
        number: u64,
        part: u32,
        start: MediaTime,
        duration: MediaTime,
        reference: &str,
        byte_range: Option<ByteRange>,
    ) -> Segment {
        Segment {
            number,
            part: Some(part),
            start,
            duration,
            ticks: self.ticks_of(start),
            uri: self.resolve(reference),
            reference: reference.to_owned(),
            byte_range,
            init: self.init.get(number).cloned().flatten(),
            discontinuity: self.discontinuity.get(number).copied().unwrap_or(0),
            gap: false,
            keys: self.keys.get(number).cloned().unwrap_or_else(|| Arc::from([])),
            bitrate: self.bitrate.get(number).copied().flatten(),
            program_date_time: None,
        }
    }

    /// Presentation time of the start of a segment, be it complete or the one that grows behind the last.
    fn start_of(&self, number: u64) -> Option<MediaTime> {
        match self.table.get(number) {
            Some(span) => Some(self.time_of(span.start)),
            None if number == self.table.end_number() => Some(self.end().unwrap_or_else(|| self.time_of(0))),
            None => None,
        }
    }

    /// Presentation time of the end of all that is listed, parts of a segment that still grows included.
    pub fn edge(&self) -> Option<MediaTime> {
        let growing = self.parts_of(self.table.end_number());
        let start =
            self.start_of(self.table.end_number()).filter(|_| !(growing.is_empty() && self.table.is_empty()))?;
        Some(growing.iter().fold(start, |end, part| end + part.duration))
    }

    fn locate(&self, number: u64, ticks: i64) -> Option<(String, Option<ByteRange>)> {
        match &self.addressing {
            Addressing::Listed(list) => Some((list.get(self.place(number)?)?, self.byte_range_of(number))),
            Addressing::Template(template) => Some((self.expand(template, number, ticks), None)),
            Addressing::Single(uri) => Some((uri.clone(), self.byte_range_of(number))),
        }
    }

    /// Where segment `number` is in lists.
    fn place(&self, number: u64) -> Option<u32> {
        u32::try_from(number.checked_sub(self.listed_from)?).ok()
    }

    /// The byte range of segment `number`, where it is a part of a resource: what [`get`](Self::get) says of it, without a
    /// URL being made.
    pub fn byte_range_of(&self, number: u64) -> Option<ByteRange> {
        match &self.addressing {
            Addressing::Template(_) => None,
            Addressing::Listed(_) | Addressing::Single(_) => self.ranges.as_ref()?.get(self.place(number)?),
        }
    }

    /// What a template says of segment `number`: identifiers of its sequence, and its place in it.
    fn expand(&self, template: &UrlTemplate, number: u64, ticks: i64) -> String {
        let Some((from, sequence)) = self.sequences.get_with_start(number) else {
            return template.expand(number, ticks, self.first_sub_number);
        };
        let (nth, parts) = (number - from, u64::from(sequence.parts.max(1)));
        let place = nth % parts;
        // `$Time$` is the time of the whole sequence, whose first part the window may have left behind.
        let time = match self.table.get(number - place) {
            Some(first) => first.start,
            None => ticks,
        };
        template.expand(sequence.first.saturating_add(nth / parts), time, self.first_sub_number.saturating_add(place))
    }

    /// Wall-clock time of a segment's start: the last announcement at or before it carried
    /// forward, else the first one carried backward (rfc8216bis 6.3.3).
    pub fn wall_time_of(&self, number: u64) -> Option<WallTime> {
        let start = self.time_of(self.table.get(number)?.start);
        let (anchor, wall) = match self.program_date_time.get_with_start(number) {
            Some((anchor, wall)) => (anchor, *wall),
            None => self.program_date_time.iter().next().map(|(anchor, wall)| (anchor, *wall))?,
        };
        let anchored = self.time_of(self.table.get(anchor)?.start);
        Some(wall.offset(start - anchored))
    }

    /// Presentation time at a wall-clock time: that of the last announcement that is not later carried forward, else of
    /// the first carried backward. None if nothing is announced.
    pub fn time_at_wall(&self, wall: WallTime) -> Option<MediaTime> {
        let earlier = self.program_date_time.iter().rev().find(|(_, announced)| **announced <= wall);
        let (anchor, announced) = earlier.or_else(|| self.program_date_time.iter().next())?;
        let anchored = self.time_of(self.table.get(anchor)?.start);
        Some(anchored + wall.since(*announced))
    }

    /// The segment that covers a presentation time, or the next one behind a hole.
    pub fn number_at(&self, time: MediaTime) -> Option<u64> {
        self.table.covering_or_next(self.ticks_of(time)).map(|span| span.number)
    }

    /// How long a segment is on average; see [`SegmentTable::usual_duration`].
    pub fn usual_duration(&self) -> Option<MediaTime> {
        let ticks = i64::try_from(self.table.usual_duration()?).ok()?;
        Some(MediaTime::from_ticks(ticks, self.table.timescale()))
    }

    /// Presentation time of the end of the last segment.
    pub fn end(&self) -> Option<MediaTime> {
        self.table.end().map(|end| self.time_of(end))
    }

    /// Presentation time of the start of the first segment.
    pub fn start(&self) -> Option<MediaTime> {
        self.table.start().map(|start| self.time_of(start))
    }

    /// Bytes of heap that grow with the number of segments.
    pub fn heap_bytes(&self) -> usize {
        let addressing = match &self.addressing {
            Addressing::Listed(list) => list.heap_bytes(),
            Addressing::Template(template) => template.heap_bytes(),
            Addressing::Single(uri) => uri.capacity(),
        };
        self.table.heap_bytes()
            + addressing
            + self.queries.heap_bytes()
            + self.ranges.as_ref().map_or(0, RangeList::heap_bytes)
            + self.init.heap_bytes()
            + self.discontinuity.heap_bytes()
            + self.gap.heap_bytes()
            + self.keys.heap_bytes()
            + self.bitrate.heap_bytes()
            + self.sequences.heap_bytes()
            + self.program_date_time.heap_bytes()
    }

    /// Gives back memory that parsing reserved.
    pub fn shrink(&mut self) {
        self.table.shrink();
        if let Addressing::Listed(list) = &mut self.addressing {
            list.shrink();
        }
        if let Some(ranges) = &mut self.ranges {
            ranges.shrink();
        }
        self.init.shrink();
        self.discontinuity.shrink();
        self.gap.shrink();
        self.keys.shrink();
        self.bitrate.shrink();
        self.sequences.shrink();
        self.program_date_time.shrink();
    }
}

/// An index that has to be fetched first: DASH `SegmentBase` with `@indexRange` (D010).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentIndexSource {
    /// What `uri` is relative to.
    pub base: Arc<str>,
    /// What is appended to every URL.
    pub queries: Queries,
    /// Reference to the indexed resource; empty for the base itself.
    pub uri: String,
    /// Where the `sidx` is. Without it the whole resource is one segment.
    pub index_range: Option<ByteRange>,
    /// Initialisation section. Without one it is in front of the index.
    pub init: Option<Arc<InitSection>>,
    /// `@timescale`; the index must agree (D010).
    pub timescale: u32,
    /// `@presentationTimeOffset`.
    pub presentation_offset: i64,
    /// Presentation time of the period's start.
    pub origin: MediaTime,
    /// Duration of the period, for a resource that is one segment.
    pub duration: Option<MediaTime>,
    /// Keys in force.
    pub keys: Arc<[Key]>,
}

impl SegmentIndexSource {
    /// The URL that a reference of this source stands for.
    pub fn resolve(&self, reference: &str) -> String {
        self.queries.appended(uri::resolve(&self.base, reference))
    }
}

/// What is known of a rendition's segments.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Segments {
    /// Nothing yet: the HLS media playlist at the rendition's URI has not been loaded.
    #[default]
    Unloaded,
    /// The segment index must be fetched.
    Indexed(Box<SegmentIndexSource>),
    /// Known.
    Known(Box<SegmentIndex>),
}

impl Segments {
    /// The index, if it is known.
    pub fn known(&self) -> Option<&SegmentIndex> {
        match self {
            Self::Known(index) => Some(index),
            _ => None,
        }
    }
}
