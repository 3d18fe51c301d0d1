//! Segments that are known from the version before, taken over instead of read.

use telecine_model::segments::{Addressing, RangeList};
use telecine_model::{ByteRange, Error, SegmentIndex};

use super::super::super::blocks::{Block, BLOCK};
use super::super::super::report::Report;
use super::Segments;

/// One of the lists of an index, from one place to another.
struct Stretch<'k> {
    index: &'k SegmentIndex,
    from: u64,
    to: u64,
}

impl Stretch<'_> {
    fn place(&self, number: u64) -> Option<u32> {
        u32::try_from(number.checked_sub(self.index.listed_from)?).ok()
    }

    fn uri(&self, number: u64) -> Option<String> {
        match &self.index.addressing {
            Addressing::Listed(list) => list.get(self.place(number)?),
            _ => None,
        }
    }

    fn range(&self, number: u64) -> Option<ByteRange> {
        self.index.ranges.as_ref()?.get(self.place(number)?)
    }

    /// Resource and end of a segment's byte range.
    fn range_end(&self, number: u64) -> Option<(String, u64)> {
        let range = self.range(number)?;
        Some((self.uri(number)?, range.offset.saturating_add(range.length)))
    }

    /// Whether the index has all of it, and a segment before it.
    fn is_there(&self) -> bool {
        let Addressing::Listed(list) = &self.index.addressing else {
            return false;
        };
        let end = self.place(self.to);
        let ranged = |ranges: &RangeList| end.is_some_and(|end| end as usize <= ranges.len());
        self.index.table.first_number() < self.from
            && self.to <= self.index.table.end_number()
            && self.index.listed_from < self.from
            && end.is_some_and(|end| end <= list.len())
            && self.index.ranges.as_ref().is_none_or(ranged)
    }
}

impl Segments {
    /// Whether the segment to come is the first of a block, with a segment before it.
    pub(in super::super) fn at_block(&self) -> bool {
        self.number.is_multiple_of(BLOCK) && self.table.as_ref().is_some_and(|table| !table.is_empty())
    }

    /// Takes over the segments of a block, whose text is here again, from the index of the version before. False, and
    /// nothing is changed, if what stands in front of it makes it say something else, or if a limit may be reached in it.
    pub(in super::super) fn take_over(
        &mut self,
        block: &Block,
        index: &SegmentIndex,
        report: &Report<'_>,
    ) -> Result<bool, Error> {
        let known = Stretch { index, from: block.number, to: block.end() };
        if block.number != self.number || !known.is_there() || !self.is_behind_the_same(block, &known) {
            return Ok(false);
        }
        let limits = report.context.limits;
        let (number, end) = (block.number, block.end());
        let begun = self.table.as_mut().zip(Some(&index.table)).filter(|(table, known)| {
            let lasts = known.get(number).zip(known.get(end - 1)).map(|(first, last)| (first.start, last.end()));
            let until = lasts.and_then(|(start, until)| table.end()?.checked_add(until.checked_sub(start)?));
            let runs = table.runs().saturating_add(BLOCK as usize);
            until.is_some() && table.len().saturating_add(BLOCK) <= limits.segments && runs <= limits.segment_runs
        });
        let stored_keys = self.stored_keys.saturating_add(block.stored_keys as usize);
        let (Some((table, _)), true) = (begun, stored_keys <= limits.segment_runs) else {
            return Ok(false);
        };
        let too_far = |_| report.limit("the segments together last too long", "292 years");
        table.push_as_long_as(&index.table, number, end).map_err(too_far)?;
        self.stored_keys = stored_keys;
        self.take_places(&known, report)?;
        self.take_statements(index, number, end);
        self.number = end;
        self.discontinuity_count = self.discontinuity_count.saturating_add(u64::from(block.discontinuities));
        self.keys_in_force = index.keys.get(end - 1).map(|keys| keys.to_vec()).unwrap_or_default();
        self.map_in_force = index.init.get(end - 1).cloned().flatten();
        self.bitrate = block.bitrates.1;
        self.previous_range = known.range_end(end - 1);
        self.anchor = None;
        Ok(true)
    }

    /// Whether what the lines of a block depend on is what it was when it was read before.
    fn is_behind_the_same(&self, block: &Block, known: &Stretch<'_>) -> bool {
        let (index, before) = (known.index, known.from - 1);
        let sequence = self.discontinuity_sequence.saturating_add(self.discontinuity_count);
        let keys = index.keys.get(before).map_or(&[][..], |keys| keys);
        let map = index.init.get(before).and_then(Option::as_ref);
        let goes_on = || {
            let begins = known.uri(known.from).zip(known.range(known.from)).map(|(uri, range)| (uri, range.offset));
            self.previous_range == begins
        };
        self.skipped.is_none()
            && sequence == index.discontinuity.get(before).copied().unwrap_or(0)
            && *self.keys_in_force == *keys
            && self.map_in_force.as_ref() == map
            && self.bitrate == block.bitrates.0
            && (!block.continues || goes_on())
    }

    fn take_places(&mut self, known: &Stretch<'_>, report: &Report<'_>) -> Result<(), Error> {
        let too_long = || report.limit("the URIs are too long together", "4 GiB");
        let (Some(from), Some(to)) = (known.place(known.from), known.place(known.to)) else {
            return Err(too_long());
        };
        let already = self.uris.len();
        let Addressing::Listed(list) = &known.index.addressing else {
            return Err(too_long());
        };
        self.uris.extend_from(list, from, to).then_some(()).ok_or_else(too_long)?;
        let ranged = known.index.ranges.as_ref().filter(|ranges| self.ranges.is_some() || ranges.has_any(from, to));
        if let Some(theirs) = ranged {
            let ranges = self.ranges.get_or_insert_with(|| RangeList::without_ranges(already));
            ranges.extend_from(theirs, from, to).then_some(()).ok_or_else(too_long)?;
        } else if let Some(ranges) = &mut self.ranges {
            let none = RangeList::without_ranges(to - from);
            ranges.extend_from(&none, 0, to - from).then_some(()).ok_or_else(too_long)?;
        }
        Ok(())
    }

    /// Takes over what is said of the segments from `from` to before `to`.
    fn take_statements(&mut self, index: &SegmentIndex, from: u64, to: u64) {
        for (number, keys) in index.keys.iter_from(from).take_while(|(number, _)| *number < to) {
            self.keys.set_from(number, keys.clone());
        }
        for (number, init) in index.init.iter_from(from).take_while(|(number, _)| *number < to) {
            self.init.set_from(number, init.clone());
        }
        for (number, sequence) in index.discontinuity.iter_from(from).take_while(|(number, _)| *number < to) {
            self.discontinuities.set_from(number, *sequence);
        }
        for (number, time) in index.program_date_time.iter_from(from).take_while(|(number, _)| *number < to) {
            self.times.anchor(number, *time);
        }
        if index.gap.get(from).is_none() && self.gaps.last() == Some(&true) {
            self.gaps.set_from(from, false);
        }
        for (number, gap) in index.gap.iter_holding(from).take_while(|(number, _)| *number < to) {
            if self.gaps.last().copied().unwrap_or(false) != *gap {
                self.gaps.set_from(number.max(from), *gap);
            }
        }
        for (number, bitrate) in index.bitrate.iter_holding(from).take_while(|(number, _)| *number < to) {
            self.bitrates.set_from(number.max(from), *bitrate);
        }
    }
}
