//! Byte ranges of segments: lists that cost little where ranges follow one another.

use super::ByteRange;

/// Byte ranges of consecutive segments: 4 bytes each where they follow one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeList {
    lengths: Vec<u32>,
    /// Index and offset wherever a range does not begin at the end of the one before, and every
    /// [`RangeList::STRIDE`] entries so that a lookup adds up few lengths.
    anchors: Vec<(u32, u64)>,
    /// Where the last entry's range ends, if it has one.
    end: Option<u64>,
}

impl RangeList {
    /// Stored instead of a length for an entry without a range.
    const NONE: u32 = u32::MAX;
    const STRIDE: u32 = 64;

    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// A list of entries that have no range.
    pub fn without_ranges(count: u32) -> Self {
        Self { lengths: vec![Self::NONE; count as usize], ..Self::default() }
    }

    /// Whether any of the entries from `from` to before `to` has a range.
    pub fn has_any(&self, from: u32, to: u32) -> bool {
        let lengths = self.lengths.get(from as usize..to as usize).unwrap_or_default();
        lengths.iter().any(|length| *length != Self::NONE)
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Appends an entry. False if a range is 4 GiB or longer.
    #[must_use]
    pub fn push(&mut self, range: Option<ByteRange>) -> bool {
        let Ok(index) = u32::try_from(self.lengths.len()) else {
            return false;
        };
        let Some(range) = range else {
            self.lengths.push(Self::NONE);
            self.end = None;
            return true;
        };
        let Some(length) = u32::try_from(range.length).ok().filter(|l| *l != Self::NONE) else {
            return false;
        };
        if index % Self::STRIDE == 0 || self.end != Some(range.offset) {
            self.anchors.push((index, range.offset));
        }
        self.lengths.push(length);
        self.end = range.offset.checked_add(range.length);
        true
    }

    /// Appends the entries of another list from `from` to before `to`, as if they had been pushed one by one. False if the
    /// other one has no such entries, or this one has no room for them; nothing is changed then.
    #[must_use]
    pub fn extend_from(&mut self, other: &Self, from: u32, to: u32) -> bool {
        let Some(lengths) = other.lengths.get(from as usize..to as usize) else {
            return false;
        };
        let Ok(begin) = u32::try_from(self.len()) else {
            return false;
        };
        if begin.checked_add(to - from).is_none() {
            return false;
        }
        let Some((_, rest)) = lengths.split_first() else {
            return true;
        };
        // What is in a list fits any other. Whether the first one goes on from the last here is seen when it is pushed.
        if !self.push(other.get(from)) {
            return false;
        }
        self.lengths.extend_from_slice(rest);
        // Where a range of the other list does not go on from the one before, it does not here; every so many entries it
        // begins anew in both, but elsewhere.
        let first = other.anchors.partition_point(|(at, _)| *at <= from);
        let behind = other.anchors.partition_point(|(at, _)| *at < to);
        let breaks = other.anchors.get(first..behind).unwrap_or_default().iter().copied();
        let mut breaks = breaks.filter(|(at, offset)| at % Self::STRIDE > 0 || other.end_of(at - 1) != Some(*offset));
        let next_stride = |at: u32| at + (Self::STRIDE - (at - from + begin) % Self::STRIDE);
        let (mut stride, mut next_break) = (next_stride(from), breaks.next());
        loop {
            let at = match next_break {
                Some((at, offset)) if at < stride => {
                    self.anchors.push((at - from + begin, offset));
                    next_break = breaks.next();
                    continue;
                }
                _ if stride >= to => break,
                _ => stride,
            };
            next_break = next_break.filter(|(next, _)| *next != at).or_else(|| breaks.next());
            self.anchors.extend(other.get(at).map(|range| (at - from + begin, range.offset)));
            stride = next_stride(at);
        }
        self.end = other.end_of(to - 1);
        true
    }

    /// Where the range of entry `index` ends.
    fn end_of(&self, index: u32) -> Option<u64> {
        self.get(index).and_then(|range| range.offset.checked_add(range.length))
    }

    /// The first of `count` places at which this list from `from` on and `other` from `other_from` on have another
    /// range, where the other one has one; places behind the end of either list are not compared.
    pub fn first_difference(&self, from: u32, other: &Self, other_from: u32, count: u32) -> Option<u32> {
        let mut pairs = self.iter_from(from).zip(other.iter_from(other_from)).take(count as usize);
        pairs.position(|(ours, theirs)| theirs.is_some() && ours != theirs).and_then(|place| u32::try_from(place).ok())
    }

    /// The ranges from entry `index` on, at a constant cost each.
    fn iter_from(&self, index: u32) -> impl Iterator<Item = Option<ByteRange>> + '_ {
        let mut offset = self.get(index).map(|range| range.offset);
        let first = self.anchors.partition_point(|(at, _)| *at <= index);
        let mut anchors = self.anchors.get(first..).unwrap_or_default().iter().copied().peekable();
        let lengths = self.lengths.get(index as usize..).unwrap_or_default();
        lengths.iter().zip(index..).map(move |(length, index)| {
            if let Some((_, anchored)) = anchors.next_if(|(at, _)| *at == index) {
                offset = Some(anchored);
            }
            let length = (*length != Self::NONE).then(|| u64::from(*length))?;
            let range = ByteRange { offset: offset?, length };
            offset = range.offset.checked_add(length);
            Some(range)
        })
    }

    /// Range of entry `index`; None if it has none.
    pub fn get(&self, index: u32) -> Option<ByteRange> {
        let length = *self.lengths.get(index as usize)?;
        if length == Self::NONE {
            return None;
        }
        let (from, offset) = *self.anchors.get(self.anchors.partition_point(|(i, _)| *i <= index).checked_sub(1)?)?;
        let before: u64 = self.lengths[from as usize..index as usize].iter().map(|l| u64::from(*l)).sum();
        Some(ByteRange { offset: offset.checked_add(before)?, length: u64::from(length) })
    }

    /// Bytes of heap in use.
    pub fn heap_bytes(&self) -> usize {
        self.lengths.capacity() * 4 + self.anchors.capacity() * core::mem::size_of::<(u32, u64)>()
    }

    /// Gives back memory that growth reserved.
    pub fn shrink(&mut self) {
        self.lengths.shrink_to_fit();
        self.anchors.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_again() {
        let mut list = RangeList::new();
        let ranges: Vec<Option<ByteRange>> = (0..300u64)
            .map(|i| {
                (i % 7 != 3)
                    .then_some(ByteRange { offset: if i < 200 { i * 10 } else { 9_999_999_999 + i * 10 }, length: 10 })
            })
            .collect();
        for range in &ranges {
            assert!(list.push(*range));
        }
        for (i, range) in ranges.iter().enumerate() {
            assert_eq!(list.get(i as u32), *range, "{i}");
            assert_eq!(list.iter_from(i as u32).collect::<Vec<_>>(), ranges[i..], "{i}");
        }
        assert!(!list.push(Some(ByteRange { offset: 0, length: u64::MAX })));
    }
    #[test]
    fn what_is_taken_over_from_another_list_is_as_if_it_had_been_pushed() {
        let range = |i: u64| (i % 9 != 4).then_some(ByteRange { offset: i / 5 * 1000 + i, length: 1 + i % 3 });
        let list = |from: u64, to: u64| {
            let mut list = RangeList::new();
            (from..to).for_each(|i| assert!(list.push(range(i))));
            list
        };
        let whole = list(0, 300);
        for (from, seam, to) in [(0, 0, 300), (3, 70, 290), (17, 17, 17), (100, 164, 228)] {
            let mut taken = list(from, seam);
            assert!(taken.extend_from(&whole, seam as u32, to as u32));
            assert_eq!(taken, list(from, to));
            assert_eq!(whole.first_difference(from as u32, &taken, 0, u32::MAX), None);
        }
        let mut other = list(10, 90);
        assert!(other.push(Some(ByteRange { offset: 7, length: 7 })));
        assert_eq!(whole.first_difference(10, &other, 0, 200), Some(80));
        assert!(!other.extend_from(&whole, 299, 301));
        assert_eq!(other.len(), 81);
    }
}
