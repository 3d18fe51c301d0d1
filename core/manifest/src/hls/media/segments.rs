//! Segment tags to a [`SegmentIndex`], one segment at a time and without an object for any.

mod known;

use std::sync::Arc;

use telecine_model::presentation::Skip;
use telecine_model::protection::{Key, KeyMethod};
use telecine_model::segments::{Addressing, Part, PartialSegment, RangeList, Runs, UriList};
use telecine_model::{
    ByteRange, Error, ErrorCode, InitSection, MediaTime, SegmentIndex, SegmentTable, Timescale, WallTime,
};

use super::super::blocks::BLOCK;
use super::super::report::Report;
use super::Subrange;

/// The segments read so far, and what the tags in front of the next one say.
pub(super) struct Segments {
    /// `EXT-X-MEDIA-SEQUENCE`.
    pub(super) media_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    pub(super) discontinuity_sequence: u64,
    /// Segments that `EXT-X-SKIP` stands for.
    pub(super) skipped: Option<u64>,
    /// Parts of the segment to come.
    pub(super) parts: Vec<Part>,
    table: Option<SegmentTable>,
    /// Number of the segment to come, once the first has begun.
    pub(super) number: u64,
    uris: UriList,
    ranges: Option<RangeList>,
    init: Runs<Option<Arc<InitSection>>>,
    discontinuities: Runs<u64>,
    gaps: Runs<bool>,
    keys: Runs<Arc<[Key]>>,
    bitrates: Runs<Option<u64>>,
    times: Runs<WallTime>,
    partial: Vec<PartialSegment>,
    pending: Pending,
    /// Discontinuities so far.
    pub(super) discontinuity_count: u64,
    keys_in_force: Vec<Key>,
    /// Keys stored with segments so far.
    pub(super) stored_keys: usize,
    /// Where the keys that a delta's left-out segments had no longer hold, and no longer apply to
    /// initialisation sections.
    keys_ended_at: Option<u64>,
    maps_ended_at: Option<u64>,
    /// `METHOD=NONE` has been read.
    keys_ended: bool,
    map_in_force: Option<Arc<InitSection>>,
    pub(super) bitrate: Option<u64>,
    /// Tick and time of the announced wall-clock time that later ones are compared with.
    anchor: Option<(i64, WallTime)>,
    /// Resource and end of the segment's byte range before.
    previous_range: Option<(String, u64)>,
    /// The same of the part before.
    previous_part: Option<(String, u64)>,
    /// The first byte range of the block goes on where the segment before it ends.
    pub(super) continues: bool,
}

/// What changes with the segment to come.
#[derive(Default)]
struct Pending {
    any: bool,
    discontinuities: u64,
    keys: bool,
    map: bool,
    /// The map stands behind a `METHOD=NONE`.
    map_without_keys: bool,
    time: Option<WallTime>,
}

impl Segments {
    pub(super) fn new() -> Self {
        Self {
            media_sequence: 0,
            discontinuity_sequence: 0,
            skipped: None,
            parts: Vec::new(),
            table: None,
            number: 0,
            uris: UriList::new(),
            ranges: None,
            init: Runs::new(),
            discontinuities: Runs::new(),
            gaps: Runs::new(),
            keys: Runs::new(),
            bitrates: Runs::new(),
            times: Runs::new(),
            partial: Vec::new(),
            pending: Pending::default(),
            discontinuity_count: 0,
            keys_in_force: Vec::new(),
            stored_keys: 0,
            keys_ended_at: None,
            maps_ended_at: None,
            keys_ended: false,
            map_in_force: None,
            bitrate: None,
            anchor: None,
            previous_range: None,
            previous_part: None,
            continues: false,
        }
    }

    /// Whether a segment or a part has been read, so that numbers are settled.
    pub(super) fn has_begun(&self) -> bool {
        self.table.is_some()
    }

    pub(super) fn has_discontinuity(&self) -> bool {
        self.discontinuity_count > 0
    }

    /// Tags of a segment stand in front of its first part (H066).
    fn change(&mut self, report: &mut Report<'_>) -> Result<(), Error> {
        self.pending.any = true;
        if self.parts.is_empty() {
            return Ok(());
        }
        let message = "a tag of the whole segment stands behind its first part";
        report.fault("H066", ErrorCode::ManifestContradiction, message)
    }

    pub(super) fn discontinuity(&mut self, report: &mut Report<'_>) -> Result<(), Error> {
        self.pending.discontinuities = self.pending.discontinuities.saturating_add(1);
        self.discontinuity_count = self.discontinuity_count.saturating_add(1);
        self.change(report)
    }

    pub(super) fn program_date_time(&mut self, time: WallTime, report: &mut Report<'_>) -> Result<(), Error> {
        self.pending.time = Some(time);
        self.change(report)
    }

    pub(super) fn bitrate(&mut self, kilobits: u64) {
        self.bitrate = Some(kilobits.saturating_mul(1000));
    }

    /// Replaces the key of the same format, or ends all of them (H050).
    pub(super) fn key(&mut self, key: Option<Key>, report: &mut Report<'_>) -> Result<(), Error> {
        match key {
            None => {
                self.keys_in_force.clear();
                self.keys_ended = true;
            }
            Some(key) => {
                let limit = report.context.limits.attributes;
                let formats = self.keys_in_force.len();
                match self.keys_in_force.iter_mut().find(|k| k.key_format == key.key_format) {
                    Some(same) => *same = key,
                    None if formats >= limit => return Err(report.limit("too many key formats at once", limit)),
                    None => self.keys_in_force.push(key),
                }
            }
        }
        self.pending.keys = true;
        self.change(report)
    }

    pub(super) fn map(
        &mut self,
        uri: &str,
        byte_range: Option<ByteRange>,
        report: &mut Report<'_>,
    ) -> Result<(), Error> {
        if self.keys_in_force.iter().any(|key| key.method == KeyMethod::Aes128 && key.iv.is_none()) {
            // An initialisation section has no sequence number that an IV could follow from.
            let message = "an encrypted EXT-X-MAP needs a key with IV";
            report.fault("H058", ErrorCode::ManifestContradiction, message)?;
        }
        self.pending.map = true;
        self.pending.map_without_keys = self.keys_ended;
        self.change(report)?;
        let same = self
            .map_in_force
            .as_ref()
            .is_some_and(|map| map.uri == uri && map.byte_range == byte_range && *map.keys == *self.keys_in_force);
        if !same {
            let keys = self.store_keys(report)?;
            self.map_in_force = Some(Arc::new(InitSection { uri: uri.to_owned(), byte_range, keys }));
        }
        Ok(())
    }

    /// Settles the numbers and what the tags before say of the segment to come; its first part or
    /// its URI has been reached.
    pub(super) fn begin(&mut self, report: &mut Report<'_>) -> Result<&mut SegmentTable, Error> {
        if self.table.is_none() {
            self.number = self
                .media_sequence
                .checked_add(self.skipped.unwrap_or(0))
                .ok_or_else(|| report.limit("segments are numbered too high", "2^64"))?;
            if self.discontinuity_sequence > 0 || self.skipped.is_some() {
                self.discontinuities.set_from(self.media_sequence, self.discontinuity_sequence);
            }
        }
        let number = self.number;
        let pending = core::mem::take(&mut self.pending.any).then(|| core::mem::take(&mut self.pending));
        if let Some(pending) = &pending {
            if pending.discontinuities > 0 {
                let sequence = self.discontinuity_sequence.saturating_add(self.discontinuity_count);
                self.discontinuities.set_from(number, sequence);
            }
            self.change_keys(pending, report)?;
        }
        let table = self.table.get_or_insert_with(|| SegmentTable::new(Timescale::NANOS, number));
        if let Some(time) = pending.and_then(|pending| pending.time) {
            let tick = table.end().unwrap_or(0);
            let expected = self.anchor.map(|(from, anchor)| anchor.offset(nanos(tick.saturating_sub(from))));
            if expected.is_none_or(|expected| says_more(expected, time)) {
                self.times.anchor(number, time);
                self.anchor = Some((tick, time));
            }
        }
        Ok(table)
    }

    /// Takes over pending keys and maps. Where a delta ends what the segments before it had, that
    /// is said even if the same keys or the same map stand there, because it now means less.
    fn change_keys(&mut self, pending: &Pending, report: &mut Report<'_>) -> Result<(), Error> {
        let number = self.number;
        let delta = self.skipped.is_some();
        if delta && self.keys_ended && self.keys_ended_at.is_none() {
            self.keys_ended_at = Some(number);
            let keys = self.store_keys(report)?;
            self.keys.anchor(number, keys);
        } else if pending.keys && self.keys.last().map_or(&[][..], |last| last) != self.keys_in_force {
            let keys = self.store_keys(report)?;
            self.keys.set_from(number, keys);
        }
        if delta && pending.map_without_keys && self.maps_ended_at.is_none() {
            self.maps_ended_at = Some(number);
            self.init.anchor(number, self.map_in_force.clone());
        } else if pending.map {
            self.init.set_from(number, self.map_in_force.clone());
        }
        Ok(())
    }

    /// The keys in force as they are stored with segments. Few key formats and many changes are
    /// fine, as are many formats and few changes; the product has a limit.
    fn store_keys(&mut self, report: &mut Report<'_>) -> Result<Arc<[Key]>, Error> {
        let limit = report.context.limits.segment_runs;
        self.stored_keys = self.stored_keys.saturating_add(self.keys_in_force.len());
        if self.stored_keys > limit {
            return Err(report.limit("keys change too often", limit));
        }
        Ok(Arc::from(self.keys_in_force.as_slice()))
    }

    /// Adds a segment.
    pub(super) fn push(
        &mut self,
        uri: &str,
        duration: u64,
        range: Option<Subrange>,
        gap: bool,
        report: &mut Report<'_>,
    ) -> Result<(), Error> {
        let limits = report.context.limits;
        let table = self.begin(report)?;
        table.push(None, duration, 1).map_err(|_| report.limit("the segments together last too long", "292 years"))?;
        if table.len() > limits.segments {
            return Err(report.limit("the playlist has too many segments", limits.segments));
        }
        if table.runs() > limits.segment_runs {
            return Err(report.limit("segment durations change too often", limits.segment_runs));
        }
        let number = self.number;
        if number.is_multiple_of(BLOCK) {
            self.continues = range.is_some_and(|range| range.offset.is_none());
        }
        self.number = number.checked_add(1).ok_or_else(|| report.limit("segments are numbered too high", "2^64"))?;
        if range.is_some() || self.ranges.is_some() {
            self.push_range(uri, range, report)?;
        }
        if !self.uris.push(uri) {
            return Err(report.limit("the URIs are too long together", "4 GiB"));
        }
        let was_gap = self.gaps.last().copied().unwrap_or(false);
        // A delta's first segment says it in any case: the skipped one before it may be missing.
        if gap != was_gap || (self.skipped.is_some() && self.gaps.is_empty()) {
            self.gaps.set_from(number, gap);
        }
        if self.bitrate.is_some() {
            // Segments with byte ranges say their sizes themselves (H063).
            self.bitrates.set_from(number, self.bitrate.filter(|_| range.is_none()));
        }
        if !self.parts.is_empty() {
            let parts = core::mem::take(&mut self.parts);
            self.partial.push(PartialSegment { number, parts });
        }
        self.previous_part = None;
        if self.number.is_multiple_of(BLOCK) {
            // The first wall-clock time of a block is kept in any case: so what a block says does not depend on where the
            // playlist begins.
            self.anchor = None;
        }
        Ok(())
    }

    /// `EXT-X-BYTERANGE` (H048): without an offset it goes on where the one before ended, in the
    /// same resource.
    fn push_range(&mut self, uri: &str, range: Option<Subrange>, report: &mut Report<'_>) -> Result<(), Error> {
        let range = match range {
            None => {
                self.previous_range = None;
                None
            }
            Some(range) => {
                let before = self.previous_range.as_ref().filter(|(resource, _)| resource == uri);
                let offset = match (range.offset, before) {
                    (Some(offset), _) => offset,
                    (None, Some((_, end))) => *end,
                    (None, None) => {
                        let message = "the byte range has no offset and follows none of the same resource";
                        let first_of_delta = self.skipped.is_some() && self.uris.is_empty();
                        if first_of_delta {
                            // What it follows was left out, so 0 would be wrong.
                            return Err(report.error(ErrorCode::ManifestMissing, message).fact("rule", "H048"));
                        }
                        report.fault("H048", ErrorCode::ManifestMissing, message)?;
                        0
                    }
                };
                let end = offset
                    .checked_add(range.length)
                    .ok_or_else(|| report.limit("the byte range ends too far out", "2^64"))?;
                match &mut self.previous_range {
                    Some((resource, at)) if resource == uri => *at = end,
                    other => *other = Some((uri.to_owned(), end)),
                }
                Some(range.at(offset))
            }
        };
        let already = self.uris.len();
        let ranges = self.ranges.get_or_insert_with(|| RangeList::without_ranges(already));
        if !ranges.push(range) {
            return Err(report.limit("the byte range is too long", "4 GiB"));
        }
        Ok(())
    }

    /// The byte range of a part (H065): without an offset it goes on where the part before of the
    /// same segment and resource ended.
    pub(super) fn part_range(
        &mut self,
        uri: &str,
        range: Option<Subrange>,
        report: &mut Report<'_>,
    ) -> Result<Option<ByteRange>, Error> {
        let Some(range) = range else {
            self.previous_part = None;
            return Ok(None);
        };
        let before = self.previous_part.as_ref().filter(|(resource, _)| resource == uri);
        let offset = match (range.offset, before) {
            (Some(offset), _) => offset,
            (None, Some((_, end))) => *end,
            (None, None) => {
                let message = "the part's byte range has no offset and follows no part of the same resource";
                report.fault("H065", ErrorCode::ManifestMissing, message)?;
                0
            }
        };
        let end =
            offset.checked_add(range.length).ok_or_else(|| report.limit("the byte range ends too far out", "2^64"))?;
        self.previous_part = Some((uri.to_owned(), end));
        Ok(Some(range.at(offset)))
    }

    /// The index. What trailing tags say of a segment still to come holds from the end number on.
    pub(super) fn finish(
        mut self,
        ended: bool,
        skip: Option<&mut Skip>,
        report: &mut Report<'_>,
    ) -> Result<SegmentIndex, Error> {
        let growing = !self.parts.is_empty();
        if growing || !ended || self.table.is_none() {
            self.begin(report)?;
        }
        if let Some(skip) = skip {
            skip.keys_ended_at = self.keys_ended_at;
            skip.maps_ended_at = self.maps_ended_at;
        }
        let number = self.number;
        if growing {
            let parts = core::mem::take(&mut self.parts);
            self.partial.push(PartialSegment { number, parts });
        }
        let table = self.table.unwrap_or_else(|| SegmentTable::new(Timescale::NANOS, number));
        let base = Arc::from(report.context.uri);
        let mut index = SegmentIndex::new(table, base, Addressing::Listed(self.uris));
        index.ranges = self.ranges;
        index.init = self.init;
        index.discontinuity = self.discontinuities;
        index.gap = self.gaps;
        index.keys = self.keys;
        index.bitrate = self.bitrates;
        index.program_date_time = self.times;
        index.parts = self.partial;
        index.shrink();
        Ok(index)
    }
}

/// Whether an announced time is news beside the one that follows from the durations: writers round
/// both to milliseconds.
pub(in super::super) fn says_more(expected: WallTime, announced: WallTime) -> bool {
    expected.as_micros().abs_diff(announced.as_micros()) >= 1_000
}

fn nanos(ticks: i64) -> MediaTime {
    MediaTime::from_ticks(ticks, Timescale::NANOS)
}
