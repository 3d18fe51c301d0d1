//! Values that hold from one segment number until the next change.

/// A function of the segment number that changes rarely: a list of (first number, value).
///
/// Lookup is logarithmic in the number of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs<T>(Vec<(u64, T)>);

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Runs<T> {
    /// A function without any value.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A function with one value for every number.
    pub fn constant(value: T) -> Self {
        Self(vec![(0, value)])
    }

    /// From `number` on the value is `value`. Numbers come in ascending order; a number at or
    /// below the last change replaces what was said from there on.
    pub fn set_from(&mut self, number: u64, value: T) {
        while self.0.last().is_some_and(|(from, _)| *from >= number) {
            self.0.pop();
        }
        if self.0.last().is_none_or(|(_, last)| *last != value) {
            self.0.push((number, value));
        }
    }

    /// Like [`Runs::set_from`], but kept even where it repeats the value before it. For values that
    /// are true at one number and carried on from there, as a wall-clock time is: the same time
    /// announced again later means something else.
    pub fn anchor(&mut self, number: u64, value: T) {
        while self.0.last().is_some_and(|(from, _)| *from >= number) {
            self.0.pop();
        }
        self.0.push((number, value));
    }

    /// The value at `number`, if one was said at or before it.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.get_with_start(number).map(|(_, value)| value)
    }

    /// The value at `number` and the number since which it holds.
    pub fn get_with_start(&self, number: u64) -> Option<(u64, &T)> {
        let after = self.0.partition_point(|(from, _)| *from <= number);
        after.checked_sub(1).and_then(|i| self.0.get(i)).map(|(from, value)| (*from, value))
    }

    /// The last value said.
    pub fn last(&self) -> Option<&T> {
        self.0.last().map(|(_, value)| value)
    }

    /// The number of changes stored.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if no value was ever said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every change: the number from which it holds, and the value.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        self.0.iter().map(|(from, value)| (*from, value))
    }

    /// The changes from `number` on.
    pub fn iter_from(&self, number: u64) -> impl Iterator<Item = (u64, &T)> {
        let first = self.0.partition_point(|(from, _)| *from < number);
        self.0.get(first..).unwrap_or_default().iter().map(|(from, value)| (*from, value))
    }

    /// The change that holds at `number`, if there is one, and those behind it.
    pub fn iter_holding(&self, number: u64) -> impl Iterator<Item = (u64, &T)> {
        let behind = self.0.partition_point(|(from, _)| *from <= number);
        self.0.get(behind.saturating_sub(1)..).unwrap_or_default().iter().map(|(from, value)| (*from, value))
    }

    /// Forgets changes that only concern numbers below `number`.
    pub fn trim_front(&mut self, number: u64) {
        let after = self.0.partition_point(|(from, _)| *from <= number);
        if after > 1 {
            self.0.drain(..after - 1);
        }
    }

    /// Takes over what `newer` says from `number` on.
    pub fn merge_tail(&mut self, newer: Self, number: u64) {
        if let Some(value) = newer.get_with_start(number).map(|(from, _)| from) {
            for (from, item) in newer.0 {
                if from >= value {
                    self.set_from(from.max(number), item);
                }
            }
        } else {
            for (from, item) in newer.0 {
                self.set_from(from, item);
            }
        }
    }

    /// Bytes of heap that the changes themselves occupy.
    pub fn heap_bytes(&self) -> usize {
        self.0.capacity() * core::mem::size_of::<(u64, T)>()
    }

    /// Gives back memory that growth reserved.
    pub fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_until_the_next_change() {
        let mut runs = Runs::new();
        runs.set_from(3, 'a');
        runs.set_from(4, 'a');
        runs.set_from(9, 'b');
        assert_eq!(runs.len(), 2);
        assert_eq!(runs.get(2), None);
        assert_eq!(runs.get(8), Some(&'a'));
        assert_eq!(runs.get_with_start(100), Some((9, &'b')));
    }

    #[test]
    fn an_anchor_is_kept_even_where_it_repeats_the_value_before_it() {
        let mut runs = Runs::new();
        runs.anchor(3, 'a');
        runs.anchor(5, 'a');
        assert_eq!(runs.get_with_start(7), Some((5, &'a')));
        runs.anchor(4, 'a');
        assert_eq!(runs.get_with_start(7), Some((4, &'a')));
    }

    #[test]
    fn trimming_keeps_what_still_holds() {
        let mut runs = Runs::new();
        runs.set_from(0, 'a');
        runs.set_from(5, 'b');
        runs.set_from(9, 'c');
        runs.trim_front(7);
        assert_eq!(runs.get(7), Some(&'b'));
        assert_eq!(runs.len(), 2);
    }

    #[test]
    fn merging_replaces_from_the_seam_on() {
        let mut runs = Runs::new();
        runs.set_from(0, 'a');
        runs.set_from(5, 'b');
        let mut newer = Runs::new();
        newer.set_from(3, 'b');
        newer.set_from(8, 'c');
        runs.merge_tail(newer, 6);
        assert_eq!((runs.get(4), runs.get(6), runs.get(8)), (Some(&'a'), Some(&'b'), Some(&'c')));
        assert_eq!(runs.len(), 3);
    }
}
