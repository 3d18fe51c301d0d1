//! The times of a rendition's segments, run-length compressed.

mod boundaries;

use self::boundaries::Held;
use crate::time::Timescale;

/// Times of consecutive segments: number, start and duration, exact in the track's timescale.
///
/// Stored as boundaries of runs of equal duration, 12 bytes each; a regular timeline of any length
/// is one run. The duration of a run follows from its boundaries and is not stored. A hole in the
/// timeline is a run without segments. Where a run's length is not a whole number of ticks for each of
/// its segments (parts of segment sequences), each begins at the whole tick before its share.
///
/// Lookups by number and by time are logarithmic in the number of runs. Renditions of one timeline hold
/// its runs in common: see [`SegmentTable::share`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentTable {
    timescale: Timescale,
    /// Number of the segment at index 0. Indices count from here, also after the front is trimmed.
    base: u64,
    runs: Held,
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
        Self { timescale, base: first_number, runs: Held::new(), open: false }
    }

    /// The same ticks read in another timescale and counted from another first number: a DASH
    /// timeline that a lower level inherits, or a refreshed one that goes on under known numbers.
    #[must_use]
    pub fn relabelled(mut self, timescale: Timescale, first_number: u64) -> Self {
        self.timescale = timescale;
        self.base = first_number;
        // Indices count from the base: a trimmed front would shift the numbers.
        self.runs.count_from_zero();
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
        self.runs.to_mut().push(start, length, count)
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
        let from = start.or(self.runs.starts.last().copied()).unwrap_or(0);
        let room = i64::MAX.saturating_sub(from.max(0)).unsigned_abs() / duration;
        let index = self.runs.firsts.last().copied().unwrap_or(0);
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
        match (self.runs.firsts.first(), self.runs.firsts.last()) {
            (Some(first), Some(end)) => u64::from(end - first),
            _ => 0,
        }
    }

    /// True without segments.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many runs are stored.
    #[inline]
    pub fn runs(&self) -> usize {
        self.runs.count()
    }

    /// Number of the first segment, or of the first to come.
    pub fn first_number(&self) -> u64 {
        self.base.saturating_add(u64::from(self.runs.firsts.first().copied().unwrap_or(0)))
    }

    /// The number behind the last segment.
    #[inline]
    pub fn end_number(&self) -> u64 {
        self.base.saturating_add(u64::from(self.runs.firsts.last().copied().unwrap_or(0)))
    }

    /// Start of the first segment in ticks.
    pub fn start(&self) -> Option<i64> {
        self.runs.starts.first().copied()
    }

    /// End of the last segment in ticks.
    #[inline]
    pub fn end(&self) -> Option<i64> {
        self.runs.starts.last().copied()
    }

    /// Segment `number`.
    pub fn get(&self, number: u64) -> Option<Span> {
        let index = u32::try_from(number.checked_sub(self.base)?).ok()?;
        let run = self.runs.run_of(index)?;
        self.span(run, index)
    }

    /// The segment that covers `time`: the last one that starts at or before it and ends behind it.
    /// None before the first, behind the last, and in holes.
    pub fn covering(&self, time: i64) -> Option<Span> {
        let after = self.runs.starts.partition_point(|start| *start <= time);
        // From the run that starts last at or before `time` back over holes.
        let mut run = after.checked_sub(1)?.min(self.runs().checked_sub(1)?);
        loop {
            if self.runs.duration_of(run).is_some() {
                let offset = time.checked_sub(self.runs.starts[run]).filter(|o| *o >= 0)?.unsigned_abs();
                let count = u64::from(self.runs.firsts[run + 1] - self.runs.firsts[run]);
                // The last of the run that begins at or before the offset: the n-th begins at the whole
                // tick before n/count of the length.
                let behind = (u128::from(offset) + 1) * u128::from(count) - 1;
                let nth = behind.checked_div(u128::from(self.runs.length_of(run))).unwrap_or(0);
                let nth = u64::try_from(nth).unwrap_or(u64::MAX).min(count - 1);
                let span = self.span(run, self.runs.firsts[run] + u32::try_from(nth).ok()?)?;
                return (time < span.end()).then_some(span);
            }
            run = run.checked_sub(1)?;
            if self.runs.starts[run + 1] > self.runs.starts[run] && time >= self.runs.starts[run + 1] {
                return None;
            }
        }
    }

    /// The segment that covers `time`, or the first that starts behind it; None behind the last.
    pub fn covering_or_next(&self, time: i64) -> Option<Span> {
        if let Some(span) = self.covering(time) {
            return Some(span);
        }
        let after = self.runs.starts.partition_point(|start| *start <= time);
        (after..self.runs())
            .find(|run| self.runs.duration_of(*run).is_some())
            .and_then(|run| self.span(run, self.runs.firsts[run]))
    }

    /// The last segment.
    pub fn last_span(&self) -> Option<Span> {
        let behind = self.runs.firsts.last().copied()?;
        let index = behind.checked_sub(1)?;
        self.span(self.runs.run_of(index)?, index)
    }

    /// The longest duration of any segment, in ticks.
    pub fn max_duration(&self) -> Option<u64> {
        self.runs.longest()
    }

    /// The average duration of all segments but the last, which is often a short one, in ticks. Holes between them count, up to
    /// the longest duration of any.
    pub fn usual_duration(&self) -> Option<u64> {
        let longest = self.max_duration()?;
        let others = self.len().checked_sub(1).filter(|others| *others > 0 && !self.open);
        let mean = others.and_then(|others| Some(self.last_span()?.start.abs_diff(self.start()?) / others));
        Some(mean.map_or(longest, |mean| mean.clamp(1, longest.max(1))))
    }

    /// All segments in order. On an open table this goes on for billions: bound it.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        (0..self.runs()).flat_map(move |run| {
            (self.runs.firsts[run]..self.runs.firsts[run + 1]).filter_map(move |index| self.span(run, index))
        })
    }

    /// The runs as (first number, start, duration, count), holes left out. What does not come out
    /// even in ticks is given segment by segment.
    pub fn iter_runs(&self) -> impl Iterator<Item = (u64, i64, u64, u64)> + '_ {
        self.iter_runs_from(0)
    }

    /// The run that holds segment `number`; the first if all are behind it, and none if all are before it.
    fn run_with(&self, number: u64) -> usize {
        let Some(index) = number.checked_sub(self.base) else { return 0 };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        match self.runs.firsts.first() {
            Some(first) if index >= *first => self.runs.run_of(index).unwrap_or(self.runs()),
            _ => 0,
        }
    }

    /// The durations of the segments from `from` to before `to`, in runs; holes are left out.
    fn durations(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let runs = self.iter_runs_from(self.run_with(from)).take_while(move |(number, ..)| *number < to);
        runs.filter_map(move |(number, _, duration, count)| {
            let (begin, end) = (number.max(from), number.saturating_add(count).min(to));
            end.checked_sub(begin).filter(|count| *count > 0).map(|count| (duration, count))
        })
    }

    /// Appends segments as long as those of another table from `from` to before `to`. They follow the last one, also where
    /// the other table has a hole.
    ///
    /// # Errors
    ///
    /// As [`SegmentTable::push`].
    pub fn push_as_long_as(&mut self, other: &Self, from: u64, to: u64) -> Result<(), TableError> {
        other.durations(from, to).try_for_each(|(duration, count)| self.push(None, duration, count))
    }

    /// Whether the segments from `from` to before `to` are as long in this table as in another.
    pub fn lasts_as(&self, other: &Self, from: u64, to: u64) -> bool {
        let mut lengths = [Self::new(self.timescale, from), Self::new(self.timescale, from)];
        let [ours, theirs] = &mut lengths;
        let pushed = [ours.push_as_long_as(self, from, to), theirs.push_as_long_as(other, from, to)];
        pushed == [Ok(()), Ok(())] && lengths[0] == lengths[1]
    }

    fn iter_runs_from(&self, run: usize) -> impl Iterator<Item = (u64, i64, u64, u64)> + '_ {
        (run..self.runs()).flat_map(move |run| {
            let first = self.runs.firsts[run];
            let count = self.runs.firsts[run + 1] - first;
            let (times, each) = if self.runs.is_even(run) { (count.min(1), count) } else { (count, 1) };
            (0..times).filter_map(move |nth| {
                let span = self.span(run, first + nth)?;
                Some((span.number, span.start, span.duration, u64::from(each)))
            })
        })
    }

    /// Forgets the segments below `number` (a live window slid). Numbers and times of the rest stay.
    pub fn trim_front(&mut self, number: u64) {
        let Some(end) = self.runs.firsts.last().copied() else {
            return;
        };
        let Some(index) = number.checked_sub(self.base) else {
            return;
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX).min(end);
        if index <= self.runs.firsts.first().copied().unwrap_or(0) {
            return;
        }
        self.runs.to_mut().trim_front(index);
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
        for (number, start, duration, count) in newer.iter_runs_from(newer.run_with(known_end)) {
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
        // Runs that begin behind our end are new; so may be the one before them, and what overlaps it.
        let new = newer.runs.starts.partition_point(|start| *start <= end).saturating_sub(2);
        for (_, start, duration, count) in newer.iter_runs_from(new) {
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
        self.runs.to_mut().skip(count)
    }

    /// Bytes of heap in use. Runs that are held in common are counted by each table that holds them.
    pub fn heap_bytes(&self) -> usize {
        self.runs.heap_bytes()
    }

    /// Gives back memory that growth reserved.
    pub fn shrink(&mut self) {
        self.runs.shrink();
    }

    /// Lets clones of this table hold its runs in common with it, at no cost of time or memory, until either
    /// is changed: for what many renditions have, as the timeline of a DASH adaptation set.
    pub fn share(&mut self) {
        self.runs.share();
    }

    /// Whether another table holds the same runs in common with this one: then both have the same times, and it took no
    /// comparison to know. False where [`SegmentTable::share`] was not called, or either has changed.
    pub fn shares_with(&self, other: &Self) -> bool {
        self.runs.is_common_with(&other.runs)
            && (self.timescale, self.base, self.open) == (other.timescale, other.base, other.open)
    }

    fn span(&self, run: usize, index: u32) -> Option<Span> {
        let (start, duration) = self.runs.place(run, index)?;
        Some(Span { number: self.base.checked_add(u64::from(index))?, start, duration })
    }
}

#[cfg(test)]
mod tests;
