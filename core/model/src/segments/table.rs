//! The times of a rendition's segments, run-length compressed.

use crate::time::Timescale;

/// Times of consecutive segments: number, start and duration, exact in the track's timescale.
///
/// Stored as boundaries of runs of equal duration, 12 bytes each; a regular timeline of any length
/// is one run. The duration of a run follows from its boundaries and is not stored. A hole in the
/// timeline is a run without segments. Where a run's length is not a whole number of ticks for each of
/// its segments (parts of segment sequences), each begins at the whole tick before its share.
///
/// Lookups by number and by time are logarithmic in the number of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentTable {
    timescale: Timescale,
    /// Number of the segment at index 0. Indices count from here, also after the front is trimmed.
    base: u64,
    /// Index of the first segment of each run, then the index behind the last run.
    firsts: Vec<u32>,
    /// Start of each run, then the end of the last run.
    starts: Vec<i64>,
    /// The last run repeats without an announced end.
    open: bool,
}

/// One segment's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The segment's number.
    pub number: u64,
    /// Its start in ticks of the table's timescale.
    pub start: i64,
    /// Its duration in ticks.
    pub duration: u64,
}

impl Span {
    /// The tick behind its last one.
    pub fn end(&self) -> i64 {
        self.start.saturating_add_unsigned(self.duration)
    }
}

/// Why segments could not be added to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// A duration of zero in a run of several segments, or none at all.
    ZeroDuration,
    /// Times or counts beyond what integers of 64 and 32 bits hold.
    Overflow,
    /// A start before the start of the segment before it.
    Backwards,
    /// The last run has no end; nothing can follow it.
    Open,
}

/// How two versions of a live timeline correspond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// By segment number: HLS, whose times are relative to the playlist's start.
    Number,
    /// By time: DASH, whose times are absolute within the period; numbers are continued.
    Time,
}

/// What a refresh brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeOutcome {
    /// So many new segments at the tail (possibly none).
    Appended(u64),
    /// The refresh begins behind the known end: so many ticks (time) or segments (number) are
    /// unknown in between. The new segments were appended behind a hole.
    Gap(u64),
    /// The refresh ends before the known end; nothing was changed.
    Older,
}

impl SegmentTable {
    /// A table without segments; the first one will have `first_number`.
    pub const fn new(timescale: Timescale, first_number: u64) -> Self {
        Self { timescale, base: first_number, firsts: Vec::new(), starts: Vec::new(), open: false }
    }

    /// The same ticks read in another timescale and counted from another first number: a DASH
    /// timeline that a lower level inherits, or a refreshed one that goes on under known numbers.
    #[must_use]
    pub fn relabelled(mut self, timescale: Timescale, first_number: u64) -> Self {
        self.timescale = timescale;
        self.base = first_number;
        // Indices count from the base: a trimmed front would shift the numbers.
        let trimmed = self.firsts.first().copied().unwrap_or(0);
        for first in &mut self.firsts {
            *first -= trimmed;
        }
        self
    }

    /// Ticks a second of every time in the table.
    pub const fn timescale(&self) -> Timescale {
        self.timescale
    }

    /// Appends `count` segments of `duration` ticks. `start` is the tick of the first of them;
    /// without one they follow the last segment (or begin at zero). A start later than the end so
    /// far leaves a hole; an earlier one overlaps the last segment.
    pub fn push(&mut self, start: Option<i64>, duration: u64, count: u64) -> Result<(), TableError> {
        if count == 0 {
            return Ok(());
        }
        if duration == 0 && count > 1 {
            return Err(TableError::ZeroDuration);
        }
        let length = duration.checked_mul(count).ok_or(TableError::Overflow)?;
        self.push_run(start, length, count)
    }

    /// Appends `count` sequences of `duration` ticks, one behind the other, each of `parts` segments that
    /// share its time evenly (DASH `S@k`). Otherwise as [`SegmentTable::push`].
    pub fn push_sequences(
        &mut self,
        start: Option<i64>,
        duration: u64,
        parts: u32,
        count: u64,
    ) -> Result<(), TableError> {
        if count == 0 {
            return Ok(());
        }
        let segments = count.checked_mul(u64::from(parts)).ok_or(TableError::Overflow)?;
        if duration < u64::from(parts) || parts == 0 {
            return Err(TableError::ZeroDuration);
        }
        let length = duration.checked_mul(count).ok_or(TableError::Overflow)?;
        self.push_run(start, length, segments)
    }

    fn push_run(&mut self, start: Option<i64>, length: u64, count: u64) -> Result<(), TableError> {
        if self.open {
            return Err(TableError::Open);
        }
        let end = self.starts.last().copied();
        let start = start.or(end).unwrap_or(0);
        let index = self.firsts.last().copied().unwrap_or(0);
        let behind = u32::try_from(count).ok().and_then(|c| index.checked_add(c)).ok_or(TableError::Overflow)?;
        let ticks = i64::try_from(length).map_err(|_| TableError::Overflow)?;
        let new_end = start.checked_add(ticks).ok_or(TableError::Overflow)?;
        match end {
            None => {
                self.firsts.push(index);
                self.starts.push(start);
            }
            Some(end) if end == start => {
                if self.last_run_is_of(length, count) {
                    // The run goes on: only its far boundary moves.
                    self.firsts.pop();
                    self.starts.pop();
                }
            }
            Some(_) => {
                if self.last_span().is_some_and(|last| start < last.start) {
                    return Err(TableError::Backwards);
                }
                // A run without segments stands for the hole (or the overlap).
                self.firsts.push(index);
                self.starts.push(start);
            }
        }
        self.firsts.push(behind);
        self.starts.push(new_end);
        Ok(())
    }

    /// Appends segments of `duration` without an announced end: a live DASH template with
    /// `@duration`. [`SegmentTable::len`] then counts what the integers can hold.
    pub fn push_open(&mut self, start: Option<i64>, duration: u64) -> Result<(), TableError> {
        self.push_open_sequences(start, duration, 1)
    }

    /// Appends sequences of `parts` segments without an announced end.
    pub fn push_open_sequences(&mut self, start: Option<i64>, duration: u64, parts: u32) -> Result<(), TableError> {
        if duration == 0 || parts == 0 {
            return Err(TableError::ZeroDuration);
        }
        let from = start.or(self.starts.last().copied()).unwrap_or(0);
        let room = i64::MAX.saturating_sub(from.max(0)).unsigned_abs() / duration;
        let index = self.firsts.last().copied().unwrap_or(0);
        let count = room.min(u64::from((u32::MAX - index) / parts));
        self.push_sequences(start, duration, parts, count)?;
        self.open = true;
        Ok(())
    }

    /// True if the last run has no announced end.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// How many segments the table holds.
    pub fn len(&self) -> u64 {
        match (self.firsts.first(), self.firsts.last()) {
            (Some(first), Some(end)) => u64::from(end - first),
            _ => 0,
        }
    }

    /// True without segments.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many runs are stored.
    pub fn runs(&self) -> usize {
        self.firsts.len().saturating_sub(1)
    }

    /// Number of the first segment, or of the first to come.
    pub fn first_number(&self) -> u64 {
        self.base.saturating_add(u64::from(self.firsts.first().copied().unwrap_or(0)))
    }

    /// The number behind the last segment.
    pub fn end_number(&self) -> u64 {
        self.base.saturating_add(u64::from(self.firsts.last().copied().unwrap_or(0)))
    }

    /// Start of the first segment in ticks.
    pub fn start(&self) -> Option<i64> {
        self.starts.first().copied()
    }

    /// End of the last segment in ticks.
    pub fn end(&self) -> Option<i64> {
        self.starts.last().copied()
    }

    /// Segment `number`.
    pub fn get(&self, number: u64) -> Option<Span> {
        let index = u32::try_from(number.checked_sub(self.base)?).ok()?;
        let run = self.run_of(index)?;
        self.span(run, index)
    }

    /// The segment that covers `time`: the last one that starts at or before it and ends behind it.
    /// None before the first, behind the last, and in holes.
    pub fn covering(&self, time: i64) -> Option<Span> {
        let after = self.starts.partition_point(|start| *start <= time);
        // From the run that starts last at or before `time` back over holes.
        let mut run = after.checked_sub(1)?.min(self.runs().checked_sub(1)?);
        loop {
            if self.duration_of(run).is_some() {
                let offset = time.checked_sub(self.starts[run]).filter(|o| *o >= 0)?.unsigned_abs();
                let count = u64::from(self.firsts[run + 1] - self.firsts[run]);
                // The last of the run that begins at or before the offset: the n-th begins at the whole
                // tick before n/count of the length.
                let behind = (u128::from(offset) + 1) * u128::from(count) - 1;
                let nth = behind.checked_div(u128::from(self.length_of(run))).unwrap_or(0);
                let nth = u64::try_from(nth).unwrap_or(u64::MAX).min(count - 1);
                let span = self.span(run, self.firsts[run] + u32::try_from(nth).ok()?)?;
                return (time < span.end()).then_some(span);
            }
            run = run.checked_sub(1)?;
            if self.starts[run + 1] > self.starts[run] && time >= self.starts[run + 1] {
                return None;
            }
        }
    }

    /// The segment that covers `time`, or the first that starts behind it; None behind the last.
    pub fn covering_or_next(&self, time: i64) -> Option<Span> {
        if let Some(span) = self.covering(time) {
            return Some(span);
        }
        let after = self.starts.partition_point(|start| *start <= time);
        (after..self.runs())
            .find(|run| self.duration_of(*run).is_some())
            .and_then(|run| self.span(run, self.firsts[run]))
    }

    /// The last segment.
    pub fn last_span(&self) -> Option<Span> {
        let behind = self.firsts.last().copied()?;
        let index = behind.checked_sub(1)?;
        self.span(self.run_of(index)?, index)
    }

    /// The longest duration of any segment, in ticks.
    pub fn max_duration(&self) -> Option<u64> {
        let longest = |run| Some(self.duration_of(run)? + u64::from(!self.is_even(run)));
        (0..self.runs()).filter_map(longest).max()
    }

    /// All segments in order. On an open table this goes on for billions: bound it.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        (0..self.runs()).flat_map(move |run| {
            (self.firsts[run]..self.firsts[run + 1]).filter_map(move |index| self.span(run, index))
        })
    }

    /// The runs as (first number, start, duration, count), holes left out. What does not come out
    /// even in ticks is given segment by segment.
    pub fn iter_runs(&self) -> impl Iterator<Item = (u64, i64, u64, u64)> + '_ {
        (0..self.runs()).flat_map(move |run| {
            let first = self.firsts[run];
            let count = self.firsts[run + 1] - first;
            let (times, each) = if self.is_even(run) { (count.min(1), count) } else { (count, 1) };
            (0..times).filter_map(move |nth| {
                let span = self.span(run, first + nth)?;
                Some((span.number, span.start, span.duration, u64::from(each)))
            })
        })
    }

    /// Forgets the segments below `number` (a live window slid). Numbers and times of the rest stay.
    pub fn trim_front(&mut self, number: u64) {
        let Some(end) = self.firsts.last().copied() else {
            return;
        };
        let Some(index) = number.checked_sub(self.base) else {
            return;
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX).min(end);
        if index <= self.firsts.first().copied().unwrap_or(0) {
            return;
        }
        if index == end {
            let last = self.starts.last().copied().unwrap_or(0);
            self.firsts = vec![end];
            self.starts = vec![last];
            return;
        }
        if let Some(run) = self.run_of(index) {
            self.firsts.drain(..run);
            self.starts.drain(..run);
            self.cut_front(index);
        }
    }

    /// Lets the first run begin with segment `index` of it. A run that does not come out even may only be
    /// cut where a whole tick is a share, or the others would move: what lies between becomes runs of one.
    fn cut_front(&mut self, index: u32) {
        let (Some(end), Some(at)) = (self.firsts.get(1).copied(), self.span(0, index)) else { return };
        let (length, count) = (self.length_of(0), u64::from(end - self.firsts[0]));
        let whole = count / gcd(length, count);
        let into = u64::from(index - self.firsts[0]) % whole.max(1);
        let apart = if into == 0 { 0 } else { (whole - into).min(u64::from(end - index)) };
        let mut firsts = Vec::new();
        let mut starts = Vec::new();
        for nth in 0..u32::try_from(apart).unwrap_or(0) {
            if let Some(span) = self.span(0, index + nth) {
                firsts.push(index + nth);
                starts.push(span.start);
            }
        }
        let rest = index.saturating_add(u32::try_from(apart).unwrap_or(0));
        if rest < end {
            firsts.push(rest);
            starts.push(self.span(0, rest).map_or(at.start, |span| span.start));
        }
        self.firsts.splice(..1, firsts);
        self.starts.splice(..1, starts);
    }

    /// Takes over what a refreshed timeline adds at the tail. Known segments keep their numbers and
    /// times; the front is trimmed to where `newer` begins. Costs follow the new runs.
    ///
    /// Both tables have the same timescale; a different one is an overflow error.
    pub fn merge_tail(&mut self, newer: &Self, align: Align) -> Result<MergeOutcome, TableError> {
        if newer.timescale != self.timescale {
            return Err(TableError::Overflow);
        }
        if newer.is_empty() {
            return Ok(MergeOutcome::Appended(0));
        }
        if self.is_empty() {
            *self = newer.clone();
            return Ok(MergeOutcome::Appended(self.len()));
        }
        if self.open {
            return Ok(MergeOutcome::Appended(0));
        }
        match align {
            Align::Number => {
                let outcome = self.append_by_number(newer)?;
                if outcome != MergeOutcome::Older {
                    self.trim_front(newer.first_number());
                }
                Ok(outcome)
            }
            Align::Time => self.merge_by_time(newer),
        }
    }

    /// Takes over what a refreshed timeline adds at the tail, aligned by number, and keeps the
    /// front: for updates that leave out the oldest segments (HLS `EXT-X-SKIP`).
    pub fn append_by_number(&mut self, newer: &Self) -> Result<MergeOutcome, TableError> {
        let known_end = self.end_number();
        if newer.end_number() < known_end {
            return Ok(MergeOutcome::Older);
        }
        let first = newer.first_number();
        let Some(newer_start) = newer.start() else {
            // It has no segment: nothing is added, and nothing is known of what it may leave out.
            return Ok(MergeOutcome::Appended(0));
        };
        // What is added to the newer times so that they continue the known ones.
        let (shift, gap) = match self.get(first) {
            Some(known) => (known.start.saturating_sub(newer_start), 0),
            None if first >= known_end => {
                let end = self.end().unwrap_or(0);
                // The lost segments are assumed as long as the longest known one, so that the
                // timeline stays ahead of what was played.
                let lost = first - known_end;
                let hole = self.max_duration().unwrap_or(0).saturating_mul(lost);
                let hole = i64::try_from(hole).map_err(|_| TableError::Overflow)?;
                (end.saturating_add(hole).saturating_sub(newer_start), lost)
            }
            None => {
                // The newer one reaches further back: align at our first segment.
                let ours = self.first_number();
                let theirs = newer.get(ours).map_or(0, |span| span.start);
                (self.start().unwrap_or(0).saturating_sub(theirs), 0)
            }
        };
        let added = newer.end_number() - known_end.max(first);
        if gap > 0 {
            let behind = self.end_number();
            let missing = u32::try_from(first - behind).map_err(|_| TableError::Overflow)?;
            self.skip_numbers(missing)?;
        }
        for (number, start, duration, count) in newer.iter_runs() {
            let skip = known_end.saturating_sub(number).min(count);
            if skip < count {
                let start = start.saturating_add_unsigned(duration.saturating_mul(skip)).saturating_add(shift);
                self.push_again(start, duration, count - skip)?;
            }
        }
        Ok(if gap > 0 { MergeOutcome::Gap(gap) } else { MergeOutcome::Appended(added) })
    }

    /// Pushes a run of another version of this table. Where that version tells the past otherwise,
    /// so that the run would begin before the last known segment, it follows that one instead.
    fn push_again(&mut self, start: i64, duration: u64, count: u64) -> Result<(), TableError> {
        // Several segments of no duration are one run, but are not pushed as one.
        let (times, each) = if duration == 0 { (count, 1) } else { (1, count) };
        for _ in 0..times {
            match self.push(Some(start), duration, each) {
                Err(TableError::Backwards) => self.push(None, duration, each)?,
                result => result?,
            }
        }
        Ok(())
    }

    fn merge_by_time(&mut self, newer: &Self) -> Result<MergeOutcome, TableError> {
        let (Some(end), Some(first)) = (self.end(), newer.start()) else {
            return Ok(MergeOutcome::Appended(0));
        };
        if newer.end().is_some_and(|theirs| theirs < end) {
            return Ok(MergeOutcome::Older);
        }
        let before = self.end_number();
        for (_, start, duration, count) in newer.iter_runs() {
            let run_end = start.saturating_add_unsigned(duration.saturating_mul(count));
            if run_end <= end {
                continue;
            }
            // The first segment of the run that is not known: its middle lies behind our end, so a
            // difference of rounding between two versions cannot make a segment appear twice.
            let known = end.saturating_sub(start).max(0).unsigned_abs();
            let skip = known.saturating_add(duration / 2).checked_div(duration).unwrap_or(0).min(count);
            if skip < count {
                let start = start.saturating_add_unsigned(duration.saturating_mul(skip));
                self.push(Some(start), duration, count - skip)?;
            }
        }
        self.open = newer.open;
        let added = self.end_number() - before;
        if first > end {
            return Ok(MergeOutcome::Gap(first.abs_diff(end)));
        }
        if let Some(kept) = self.covering_or_next(first) {
            self.trim_front(kept.number);
        }
        Ok(MergeOutcome::Appended(added))
    }

    /// Leaves `count` numbers unused at the tail; only used in front of a hole in time.
    fn skip_numbers(&mut self, count: u32) -> Result<(), TableError> {
        let Some(last) = self.firsts.last().copied() else {
            return Ok(());
        };
        let index = last.checked_add(count).ok_or(TableError::Overflow)?;
        // Everything known lies behind a hole that cannot be addressed: start over from here, so
        // that numbers keep their meaning.
        let end = self.starts.last().copied().unwrap_or(0);
        self.firsts = vec![index];
        self.starts = vec![end];
        Ok(())
    }

    /// Bytes of heap in use.
    pub fn heap_bytes(&self) -> usize {
        self.firsts.capacity() * core::mem::size_of::<u32>() + self.starts.capacity() * core::mem::size_of::<i64>()
    }

    /// Gives back memory that growth reserved.
    pub fn shrink(&mut self) {
        self.firsts.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    /// The run with segments that holds `index`.
    fn run_of(&self, index: u32) -> Option<usize> {
        if self.firsts.last().is_none_or(|behind| index >= *behind) {
            return None;
        }
        // Among equal firsts (holes) the last one has the segments.
        self.firsts.partition_point(|first| *first <= index).checked_sub(1)
    }

    /// Ticks from the start of `run` to its end.
    fn length_of(&self, run: usize) -> u64 {
        let ends = self.starts.get(run + 1).zip(self.starts.get(run));
        ends.map_or(0, |(end, start)| u64::try_from(end.saturating_sub(*start)).unwrap_or(0))
    }

    /// Duration of the segments of `run`, in whole ticks; None for a hole.
    fn duration_of(&self, run: usize) -> Option<u64> {
        let count = u64::from(self.firsts.get(run + 1)? - self.firsts[run]);
        self.length_of(run).checked_div(count)
    }

    /// Whether the segments of `run` are all as long as [`SegmentTable::duration_of`] says.
    fn is_even(&self, run: usize) -> bool {
        let count = self.firsts.get(run + 1).map_or(0, |end| u64::from(end - self.firsts[run]));
        self.length_of(run).checked_rem(count).is_none_or(|rest| rest == 0)
    }

    /// Whether `count` segments of `length` ticks together go on as the last run does.
    fn last_run_is_of(&self, length: u64, count: u64) -> bool {
        let Some(run) = self.runs().checked_sub(1) else { return false };
        let known = u64::from(self.firsts[run + 1] - self.firsts[run]);
        known > 0 && u128::from(self.length_of(run)) * u128::from(count) == u128::from(length) * u128::from(known)
    }

    fn span(&self, run: usize, index: u32) -> Option<Span> {
        let count = u128::from(*self.firsts.get(run + 1)? - self.firsts[run]);
        let nth = u128::from(index - self.firsts[run]);
        let length = u128::from(self.length_of(run));
        let begins = |nth: u128| u64::try_from((length * nth).checked_div(count)?).ok();
        let (from, to) = (begins(nth)?, begins(nth + 1)?);
        Some(Span {
            number: self.base.checked_add(u64::from(index))?,
            start: self.starts[run].saturating_add_unsigned(from),
            duration: to - from,
        })
    }
}

/// The greatest number that divides both; 1 of zeros.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(runs: &[(Option<i64>, u64, u64)]) -> SegmentTable {
        let mut table = SegmentTable::new(Timescale::SECONDS, 10);
        for (start, duration, count) in runs {
            table.push(*start, *duration, *count).expect("valid run");
        }
        table
    }

    #[test]
    fn a_regular_timeline_is_one_run() {
        let mut table = SegmentTable::new(Timescale::SECONDS, 0);
        for _ in 0..43_200 {
            table.push(None, 2, 1).expect("valid");
        }
        table.shrink();
        assert_eq!((table.runs(), table.len(), table.heap_bytes()), (1, 43_200, 24));
    }

    #[test]
    fn segments_are_found_by_number_and_by_time() {
        let table = table(&[(Some(100), 4, 3), (None, 6, 2), (Some(130), 5, 1)]);
        assert_eq!(table.len(), 6);
        assert_eq!(table.get(9), None);
        assert_eq!(table.get(13), Some(Span { number: 13, start: 112, duration: 6 }));
        assert_eq!(table.get(15), Some(Span { number: 15, start: 130, duration: 5 }));
        assert_eq!(table.get(16), None);
        for (time, number) in [
            (99, None),
            (100, Some(10)),
            (111, Some(12)),
            (112, Some(13)),
            (124, None),
            (129, None),
            (130, Some(15)),
            (135, None),
        ] {
            assert_eq!(table.covering(time).map(|s| s.number), number, "{time}");
        }
        assert_eq!(table.covering_or_next(50).map(|s| s.number), Some(10));
        assert_eq!(table.covering_or_next(125).map(|s| s.number), Some(15));
        assert_eq!(table.covering_or_next(135), None);
    }

    #[test]
    fn a_small_overlap_is_kept_and_a_step_back_is_refused() {
        let mut table = table(&[(Some(0), 10, 2), (Some(19), 10, 1)]);
        assert_eq!(table.get(12).map(|s| s.start), Some(19));
        assert_eq!(table.covering(19).map(|s| s.number), Some(12));
        assert_eq!(table.covering(18).map(|s| s.number), Some(11));
        assert_eq!(table.push(Some(0), 1, 1), Err(TableError::Backwards));
    }

    #[test]
    fn absurd_counts_and_times_are_refused() {
        let mut table = SegmentTable::new(Timescale::SECONDS, u64::MAX);
        assert_eq!(table.push(None, u64::MAX, 2), Err(TableError::Overflow));
        assert_eq!(table.push(None, 1, u64::MAX), Err(TableError::Overflow));
        assert_eq!(table.push(Some(i64::MAX), 1, 1), Err(TableError::Overflow));
        assert_eq!(table.push(None, 0, 2), Err(TableError::ZeroDuration));
        table.push(None, 1, 3).expect("valid");
        assert_eq!(table.get(u64::MAX).map(|s| s.start), Some(0));
        assert_eq!(table.iter().count(), 1, "numbers beyond the integers are not given out");
    }

    #[test]
    fn an_open_table_has_no_announced_end() {
        let mut table = SegmentTable::new(Timescale::SECONDS, 1);
        table.push_open(Some(0), 2).expect("valid");
        assert!(table.is_open());
        assert_eq!(table.covering(1_000_000_001).map(|s| s.number), Some(500_000_001));
        assert_eq!(table.push(None, 2, 1), Err(TableError::Open));
    }

    #[test]
    fn sequences_that_do_not_come_out_even_are_one_run_and_lose_no_tick() {
        let mut table = SegmentTable::new(Timescale::SECONDS, 1);
        table.push_sequences(Some(100), 10, 3, 2).expect("valid");
        table.push_sequences(None, 10, 3, 1_000_000).expect("valid");
        table.push_sequences(None, 20, 6, 1).expect("valid");
        assert_eq!((table.runs(), table.len(), table.end()), (1, 3_000_012, Some(100 + 10_000_040)));
        let starts: Vec<(i64, u64)> = table.iter().take(7).map(|span| (span.start, span.duration)).collect();
        assert_eq!(starts, [(100, 3), (103, 3), (106, 4), (110, 3), (113, 3), (116, 4), (120, 3)]);
        for span in table.iter().take(100) {
            for time in span.start..span.end() {
                assert_eq!(table.covering(time), Some(span), "{time}");
            }
        }
        assert_eq!(table.covering(99), None);
        assert_eq!((table.max_duration(), table.last_span().map(|span| span.duration)), (Some(4), Some(4)));
        assert_eq!(table.push_sequences(None, 2, 3, 1), Err(TableError::ZeroDuration), "no part without time");
        assert_eq!(table.push_sequences(None, u64::MAX, u32::MAX, u64::MAX), Err(TableError::Overflow));
    }

    #[test]
    fn a_window_that_slides_into_a_sequence_keeps_every_time() {
        let sequences = |from: i64, count| {
            let mut table = SegmentTable::new(Timescale::SECONDS, 1);
            table.push_sequences(Some(from), 10, 3, count).expect("valid");
            table
        };
        let mut table = sequences(0, 4);
        let all: Vec<Span> = table.iter().collect();
        for number in 1..=12 {
            table.trim_front(number);
            let rest: Vec<Span> = table.iter().collect();
            assert_eq!(rest, all[number as usize - 1..], "{number}");
        }
        let mut table = sequences(0, 4);
        assert_eq!(table.merge_tail(&sequences(20, 4), Align::Time), Ok(MergeOutcome::Appended(6)));
        let known: Vec<(u64, i64, u64)> = table.iter().map(|s| (s.number, s.start, s.duration)).collect();
        let expected = sequences(0, 6).iter().skip(6).map(|s| (s.number, s.start, s.duration)).collect::<Vec<_>>();
        assert_eq!(known, expected);
    }

    #[test]
    fn a_refresh_by_number_keeps_times_and_slides_the_window() {
        let mut table = table(&[(Some(0), 4, 5)]);
        let mut newer = SegmentTable::new(Timescale::SECONDS, 12);
        newer.push(None, 4, 3).expect("valid");
        newer.push(None, 3, 2).expect("valid");
        assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Appended(2)));
        assert_eq!((table.first_number(), table.end_number()), (12, 17));
        assert_eq!(table.get(12).map(|s| s.start), Some(8));
        assert_eq!(table.get(16), Some(Span { number: 16, start: 23, duration: 3 }));
        assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Appended(0)));
    }

    #[test]
    fn a_refresh_without_segments_adds_none_wherever_it_begins() {
        for first in [3, 5, 9] {
            let mut table = SegmentTable::new(Timescale::SECONDS, 1);
            table.push(Some(0), 2, 4).expect("fits");
            let newer = SegmentTable::new(Timescale::SECONDS, first);
            let expected = if first < 5 { MergeOutcome::Older } else { MergeOutcome::Appended(0) };
            assert_eq!(table.append_by_number(&newer), Ok(expected), "from {first}");
            assert_eq!((table.first_number(), table.end_number(), table.end()), (1, 5, Some(8)));
        }
    }

    #[test]
    fn a_refresh_that_leaves_out_the_oldest_segments_keeps_them() {
        let mut table = table(&[(Some(0), 4, 5)]);
        let mut newer = SegmentTable::new(Timescale::SECONDS, 13);
        newer.push(None, 4, 3).expect("valid");
        assert_eq!(table.append_by_number(&newer), Ok(MergeOutcome::Appended(1)));
        assert_eq!((table.first_number(), table.end_number(), table.end()), (10, 16, Some(24)));
    }

    #[test]
    fn a_refresh_may_tell_the_past_otherwise_and_have_segments_of_no_duration() {
        let mut table = table(&[(Some(0), 4, 5)]);
        let mut newer = SegmentTable::new(Timescale::SECONDS, 10);
        newer.push(None, 1, 5).expect("valid");
        newer.push(None, 0, 1).expect("valid");
        newer.push(None, 0, 1).expect("valid");
        assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Appended(2)));
        assert_eq!((table.len(), table.end()), (7, Some(20)));
    }

    #[test]
    fn a_refresh_by_time_continues_the_numbers() {
        let mut table = table(&[(Some(100), 4, 5)]);
        let mut newer = SegmentTable::new(Timescale::SECONDS, 1);
        newer.push(Some(108), 4, 5).expect("valid");
        assert_eq!(table.merge_tail(&newer, Align::Time), Ok(MergeOutcome::Appended(2)));
        assert_eq!((table.first_number(), table.end_number(), table.end()), (12, 17, Some(128)));
        assert_eq!(table.runs(), 1);
    }

    #[test]
    fn a_refresh_behind_the_window_says_so() {
        let mut table = table(&[(Some(0), 4, 5)]);
        let mut newer = SegmentTable::new(Timescale::SECONDS, 20);
        newer.push(None, 4, 2).expect("valid");
        assert_eq!(table.merge_tail(&newer, Align::Number), Ok(MergeOutcome::Gap(5)));
        assert_eq!(table.get(20).map(|s| s.start), Some(40));
    }
}
