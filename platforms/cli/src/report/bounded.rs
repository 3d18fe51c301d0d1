//! Lists and curves of sessions that last for days: what does not fit is left out, and that is said.

use std::collections::VecDeque;

/// What is kept of a list, from its beginning and from its end each.
const KEPT: usize = 1_000;

/// Most points of a curve.
const POINTS: usize = 4_096;

/// A list of which the first and the last entries are kept.
#[derive(Debug)]
pub(super) struct Ends<T> {
    first: Vec<T>,
    last: VecDeque<T>,
    left_out: u64,
}

impl<T> Default for Ends<T> {
    fn default() -> Self {
        Self { first: Vec::new(), last: VecDeque::new(), left_out: 0 }
    }
}

impl<T> Ends<T> {
    pub(super) fn push(&mut self, entry: T) {
        if self.first.len() < KEPT {
            return self.first.push(entry);
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(entry);
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.last.back().or_else(|| self.first.last())
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.last.back_mut().or_else(|| self.first.last_mut())
    }

    /// The entries that were kept, and how many are missing between them.
    pub(super) fn into_parts(mut self) -> (Vec<T>, u64) {
        self.first.extend(self.last);
        (self.first, self.left_out)
    }
}

/// Decides which looks at a session go into its curves: all, until there are too many; then every other, and so on.
#[derive(Debug)]
pub(super) struct Pace {
    /// One look of so many is taken.
    stride: u64,
    looks: u64,
    taken: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { stride: 1, looks: 0, taken: 0 }
    }
}

/// What is to become of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It is a point of the curves.
    Taken,
    /// It is one, and every other point before it is to go.
    Thins,
    Passed,
}

impl Pace {
    pub(super) fn look(&mut self) -> Look {
        let turn = self.looks.is_multiple_of(self.stride);
        self.looks += 1;
        if !turn {
            return Look::Passed;
        }
        self.taken += 1;
        if self.taken <= POINTS {
            return Look::Taken;
        }
        self.taken = self.taken.div_ceil(2);
        self.stride *= 2;
        Look::Thins
    }
}

/// Every other point of a curve, its first included.
pub(super) fn thinned<T>(curve: &mut Vec<T>) {
    let mut keep = false;
    curve.retain(|_| {
        keep = !keep;
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_list_both_ends_are_kept_and_what_is_missing_is_counted() {
        let mut ends = Ends::default();
        (0..1_500).for_each(|n| ends.push(n));
        assert_eq!(ends.last_mut().copied(), Some(1_499));
        (1_500..10_000).for_each(|n| ends.push(n));
        let (kept, left_out) = ends.into_parts();
        let expected: Vec<i32> = (0..1_000).chain(9_000..10_000).collect();
        assert_eq!((kept, left_out), (expected, 8_000));
    }

    #[test]
    fn a_curve_has_points_at_equal_distances_however_long_it_is() {
        for looks in [1, 4_096, 4_097, 10_000, 345_600] {
            let (mut pace, mut curve) = (Pace::default(), Vec::new());
            for look in 0..looks {
                let turn = pace.look();
                if turn != Look::Passed {
                    curve.push(look);
                }
                if turn == Look::Thins {
                    thinned(&mut curve);
                }
            }
            let step = curve.get(1).map_or(1, |second| second - curve[0]);
            assert!(curve.windows(2).all(|pair| pair[1] - pair[0] == step), "{looks}: every {step}");
            assert!(curve.len() <= POINTS && curve.len() * 2 > POINTS.min(looks), "{looks}: {}", curve.len());
            assert!(looks - curve.last().copied().unwrap_or(0) <= step, "{looks}");
        }
    }
}
