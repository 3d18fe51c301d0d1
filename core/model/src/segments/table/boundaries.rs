//! The boundaries of a table's runs, which several tables may hold in common.

use core::ops::Deref;
use std::sync::Arc;

use super::TableError;

/// Where runs of segments of equal duration begin and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boundaries {
    /// Index of the first segment of each run, then the index behind the last run.
    pub(super) firsts: Vec<u32>,
    /// Start of each run, then the end of the last run.
    pub(super) starts: Vec<i64>,
}

/// The boundaries of one table alone, or of several that were cloned from one.
///
/// An `Arc` alone would do the same, but each push into it would ask by an atomic exchange whether others
/// hold it: as long as the rest of the push takes.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Empty while `common` is there.
    own: Boundaries,
    common: Option<Arc<Common>>,
}

/// What does not change while several tables hold it.
#[derive(Debug)]
struct Common {
    boundaries: Boundaries,
    /// Found once, not by each of the tables.
    longest: Option<u64>,
}

impl Held {
    pub(super) const fn new() -> Self {
        Self { own: Boundaries::EMPTY, common: None }
    }

    /// The boundaries to change: a copy if they are held in common.
    pub(super) fn to_mut(&mut self) -> &mut Boundaries {
        if self.common.is_some() {
            self.take_own();
        }
        &mut self.own
    }

    #[cold]
    fn take_own(&mut self) {
        if let Some(common) = self.common.take() {
            self.own = common.boundaries.clone();
        }
    }

    /// Lets clones hold the boundaries in common.
    pub(super) fn share(&mut self) {
        if self.common.is_none() {
            self.shrink();
            let longest = self.own.longest();
            let boundaries = core::mem::replace(&mut self.own, Boundaries::EMPTY);
            self.common = Some(Arc::new(Common { boundaries, longest }));
        }
    }

    pub(super) fn shrink(&mut self) {
        self.own.firsts.shrink_to_fit();
        self.own.starts.shrink_to_fit();
    }

    /// Lets indices begin at zero, as they do unless the front was trimmed.
    pub(super) fn count_from_zero(&mut self) {
        let trimmed = self.firsts.first().copied().unwrap_or(0);
        if trimmed > 0 {
            for first in &mut self.to_mut().firsts {
                *first -= trimmed;
            }
        }
    }

    /// Whether both hold the same boundaries, and not only equal ones.
    pub(super) fn is_common_with(&self, other: &Self) -> bool {
        self.common.as_ref().zip(other.common.as_ref()).is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The longest duration of any segment, in ticks.
    pub(super) fn longest(&self) -> Option<u64> {
        self.common.as_ref().map_or_else(|| self.own.longest(), |common| common.longest)
    }
}

impl Deref for Held {
    type Target = Boundaries;

    #[inline]
    fn deref(&self) -> &Boundaries {
        self.common.as_ref().map_or(&self.own, |common| &common.boundaries)
    }
}

/// Equal boundaries are equal, whoever holds them.
impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Held {}

impl Boundaries {
    const EMPTY: Self = Self { firsts: Vec::new(), starts: Vec::new() };

    /// How many runs there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.firsts.len().saturating_sub(1)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.firsts.capacity() * core::mem::size_of::<u32>() + self.starts.capacity() * core::mem::size_of::<i64>()
    }

    /// Appends a run of `count` segments that take `length` ticks together; not zero of them.
    pub(super) fn push(&mut self, start: Option<i64>, length: u64, count: u64) -> Result<(), TableError> {
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
                if self.last_start().is_some_and(|last| start < last) {
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

    /// Forgets the segments in front of `index`, which lies behind the first and not behind the end.
    pub(super) fn trim_front(&mut self, index: u32) {
        if let Some(run) = self.run_of(index) {
            self.firsts.drain(..run);
            self.starts.drain(..run);
            self.cut_front(index);
        } else {
            self.start_over(index);
        }
    }

    /// Leaves `count` numbers unused at the tail. What lies in front cannot be addressed any more, so that
    /// numbers keep their meaning.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), TableError> {
        if let Some(last) = self.firsts.last() {
            self.start_over(last.checked_add(count).ok_or(TableError::Overflow)?);
        }
        Ok(())
    }

    /// No segment any more; the next one is `index` and follows the last one that was.
    fn start_over(&mut self, index: u32) {
        let end = self.starts.last().copied().unwrap_or(0);
        self.firsts = vec![index];
        self.starts = vec![end];
    }

    /// Lets the first run begin with segment `index` of it. A run that does not come out even may only be
    /// cut where a whole tick is a share, or the others would move: what lies between becomes runs of one.
    fn cut_front(&mut self, index: u32) {
        let (Some(end), Some((at, _))) = (self.firsts.get(1).copied(), self.place(0, index)) else { return };
        let (length, count) = (self.length_of(0), u64::from(end - self.firsts[0]));
        let whole = count / gcd(length, count);
        let into = u64::from(index - self.firsts[0]) % whole.max(1);
        let apart = if into == 0 { 0 } else { (whole - into).min(u64::from(end - index)) };
        let mut firsts = Vec::new();
        let mut starts = Vec::new();
        for nth in 0..u32::try_from(apart).unwrap_or(0) {
            if let Some((start, _)) = self.place(0, index + nth) {
                firsts.push(index + nth);
                starts.push(start);
            }
        }
        let rest = index.saturating_add(u32::try_from(apart).unwrap_or(0));
        if rest < end {
            firsts.push(rest);
            starts.push(self.place(0, rest).map_or(at, |(start, _)| start));
        }
        self.firsts.splice(..1, firsts);
        self.starts.splice(..1, starts);
    }

    /// The run with segments that holds `index`.
    pub(super) fn run_of(&self, index: u32) -> Option<usize> {
        if self.firsts.last().is_none_or(|behind| index >= *behind) {
            return None;
        }
        // Among equal firsts (holes) the last one has the segments.
        self.firsts.partition_point(|first| *first <= index).checked_sub(1)
    }

    /// Ticks from the start of `run` to its end.
    pub(super) fn length_of(&self, run: usize) -> u64 {
        let ends = self.starts.get(run + 1).zip(self.starts.get(run));
        ends.map_or(0, |(end, start)| u64::try_from(end.saturating_sub(*start)).unwrap_or(0))
    }

    /// Duration of the segments of `run`, in whole ticks; None for a hole.
    pub(super) fn duration_of(&self, run: usize) -> Option<u64> {
        let count = u64::from(self.firsts.get(run + 1)? - self.firsts[run]);
        self.length_of(run).checked_div(count)
    }

    /// Whether the segments of `run` are all as long as [`Boundaries::duration_of`] says.
    pub(super) fn is_even(&self, run: usize) -> bool {
        let count = self.firsts.get(run + 1).map_or(0, |end| u64::from(end - self.firsts[run]));
        self.length_of(run).checked_rem(count).is_none_or(|rest| rest == 0)
    }

    /// Whether `count` segments of `length` ticks together go on as the last run does.
    fn last_run_is_of(&self, length: u64, count: u64) -> bool {
        let Some(run) = self.count().checked_sub(1) else { return false };
        let known = u64::from(self.firsts[run + 1] - self.firsts[run]);
        known > 0 && u128::from(self.length_of(run)) * u128::from(count) == u128::from(length) * u128::from(known)
    }

    /// The longest duration of any segment, in ticks.
    fn longest(&self) -> Option<u64> {
        let starts = self.starts.windows(2);
        let lengths = starts.map(|ends| u64::try_from(ends[1].saturating_sub(ends[0])).unwrap_or(0));
        let counts = self.firsts.windows(2).map(|ends| u64::from(ends[1] - ends[0]));
        // A part of what does not come out even may be one tick longer than its share. Most runs of
        // irregular timelines are of one segment: no division for those.
        let longest = |(length, count): (u64, u64)| match count {
            0 => None,
            1 => Some(length),
            _ => Some(length.div_ceil(count)),
        };
        lengths.zip(counts).filter_map(longest).max()
    }

    /// Start of the last segment.
    fn last_start(&self) -> Option<i64> {
        let index = self.firsts.last()?.checked_sub(1)?;
        Some(self.place(self.run_of(index)?, index)?.0)
    }

    /// Start and duration of segment `index`, which is of `run`.
    pub(super) fn place(&self, run: usize, index: u32) -> Option<(i64, u64)> {
        let count = u128::from(*self.firsts.get(run + 1)? - self.firsts[run]);
        let nth = u128::from(index - self.firsts[run]);
        let length = u128::from(self.length_of(run));
        let begins = |nth: u128| u64::try_from((length * nth).checked_div(count)?).ok();
        let (from, to) = (begins(nth)?, begins(nth + 1)?);
        Some((self.starts[run].saturating_add_unsigned(from), to - from))
    }
}

/// The greatest number that divides both; 1 of zeros.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
