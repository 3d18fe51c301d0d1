//! Maps and sets in the order of their keys that cost little code.
//!
//! [`BTreeMap`](std::collections::BTreeMap) is fast for millions of entries, and each pair of types that it is used with
//! is some four kilobytes of code. Most of what a player keeps by name or number are a handful of entries. [`SortedMap`]
//! holds them in sorted runs of a bounded length: what is put in the middle moves no more than one run, however many entries there
//! are, so that hostile input cannot make it slow either. It iterates in the same order and means the same by every operation.

mod set;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::iter::{Flatten, FusedIterator};
use std::ops::{Bound, Index, RangeBounds};
use std::{slice, vec};

pub use self::set::SortedSet;

/// Entries of one run at most.
const RUN: usize = 128;

/// A map in the order of its keys.
///
/// ```
/// use telecine_model::SortedMap;
///
/// let mut map = SortedMap::from([(3, "c"), (1, "a")]);
/// map.insert(2, "b");
/// assert_eq!(map.remove(&3), Some("c"));
/// assert!(map.iter().eq([(&1, &"a"), (&2, &"b")]));
/// ```
#[derive(Clone)]
pub struct SortedMap<K, V> {
    /// No run is empty, and none is longer than [`RUN`].
    runs: Vec<Vec<(K, V)>>,
    len: usize,
}

/// Where an entry is, or where it would be: of which run, and of that which.
type Place = (usize, usize);

/// How the key at a place compares with what is sought, and how long its run is. A place behind the end of a run is its last.
type Look<'a> = &'a mut dyn FnMut(Place) -> (Ordering, usize);

/// Finds what is equal in sorted runs; else where it would be. One function for all types.
fn locate(runs: usize, look: Look<'_>) -> Result<Place, Place> {
    // The first run that ends with it or behind it.
    let run = search(runs, &mut |run| match look((run, usize::MAX)).0 {
        Ordering::Less => Ordering::Less,
        Ordering::Equal | Ordering::Greater => Ordering::Greater,
    });
    let run = run.unwrap_or_else(|run| run);
    // Behind everything: that goes to the end of the last run.
    let Some(run) = (run < runs).then_some(run).or(runs.checked_sub(1)) else { return Err((0, 0)) };
    let (_, length) = look((run, 0));
    match search(length, &mut |at| look((run, at)).0) {
        Ok(at) => Ok((run, at)),
        Err(at) => Err((run, at)),
    }
}

fn search(length: usize, order: &mut dyn FnMut(usize) -> Ordering) -> Result<usize, usize> {
    let (mut from, mut to) = (0, length);
    while from < to {
        let middle = from + (to - from) / 2;
        match order(middle) {
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
            Ordering::Equal => return Ok(middle),
        }
    }
    Err(from)
}

impl<K, V> SortedMap<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Self { runs: Vec::new(), len: 0 }
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The entry with the least key.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.runs.first()?.first().map(|(key, value)| (key, value))
    }

    /// The entry with the greatest key.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.runs.last()?.last().map(|(key, value)| (key, value))
    }

    /// Takes the entry with the least key out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (self.len > 0).then(|| self.take((0, 0)))
    }

    /// Every entry, by its key.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { runs: &self.runs, from: (0, 0), to: (self.runs.len(), 0) }
    }

    /// Every entry, by its key; the values may be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.runs.iter_mut().flatten())
    }

    /// Every key in order.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.iter())
    }

    /// Every value, in the order of the keys.
    pub fn values(&self) -> Values<'_, K, V> {
        Values(self.iter())
    }

    /// Every value, in the order of the keys, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// Every key in order, the map taken apart.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> {
        self.into_iter().map(|(key, _)| key)
    }

    /// Every value in the order of the keys, the map taken apart.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.into_iter().map(|(_, value)| value)
    }

    /// Keeps the entries that this says true of, asked in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.runs.retain_mut(|run| {
            run.retain_mut(|(key, value)| keep(key, value));
            !run.is_empty()
        });
        self.len = self.runs.iter().map(Vec::len).sum();
    }

    /// Puts an entry where [`place`](Self::place) says that it belongs, and says where it is.
    fn put(&mut self, (mut run, mut at): Place, entry: (K, V)) -> Place {
        self.len += 1;
        match self.runs.get_mut(run) {
            None => self.runs.push(Vec::new()),
            Some(entries) if entries.len() >= RUN => {
                // What comes in order fills its runs.
                let cut = if at == RUN { RUN } else { RUN / 2 };
                let rest = entries.split_off(cut);
                if at >= cut {
                    (run, at) = (run + 1, at - cut);
                    self.runs.insert(run, rest);
                } else {
                    self.runs.insert(run + 1, rest);
                }
            }
            Some(_) => {}
        }
        self.runs[run].insert(at, entry);
        (run, at)
    }

    fn take(&mut self, (run, at): Place) -> (K, V) {
        self.len -= 1;
        let entry = self.runs[run].remove(at);
        if self.runs[run].is_empty() {
            self.runs.remove(run);
        }
        entry
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        locate(self.runs.len(), &mut |(run, at)| {
            let entries = self.runs.get(run).map(Vec::as_slice).unwrap_or_default();
            let entry = entries.get(at).or(entries.last());
            (entry.map_or(Ordering::Less, |(known, _)| known.borrow().cmp(key)), entries.len())
        })
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).ok()?;
        self.runs.get(run)?.get(at).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.place(key).ok()?;
        self.runs.get_mut(run)?.get_mut(at).map(|(_, value)| value)
    }

    /// Whether there is an entry of a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Sets the value of a key; the one before, if there was one. The key that was there stays.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok((run, at)) => Some(std::mem::replace(&mut self.runs[run][at].1, value)),
            Err(place) => {
                self.put(place, (key, value));
                None
            }
        }
    }

    /// Takes a key's value out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| self.take(place).1)
    }

    /// The entry of a key, to be filled if it is not there.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        let place = self.place(&key);
        Entry { map: self, key, place }
    }

    /// The entries whose keys are in a range, in order. A range that ends before it begins has none.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let (from, to) = (self.bound(range.start_bound(), false), self.bound(range.end_bound(), true));
        Iter { runs: &self.runs, from, to }
    }

    /// The first place that is behind a bound, of those that begin or of those that end a range.
    fn bound<Q: Ord + ?Sized>(&self, bound: Bound<&Q>, end: bool) -> Place
    where
        K: Borrow<Q>,
    {
        let (key, behind) = match bound {
            Bound::Unbounded if end => return (self.runs.len(), 0),
            Bound::Unbounded => return (0, 0),
            Bound::Included(key) => (key, end),
            Bound::Excluded(key) => (key, !end),
        };
        match self.place(key) {
            Ok((run, at)) => (run, at + usize::from(behind)),
            Err(place) => place,
        }
    }
}

/// Where a key is or would be: see [`SortedMap::entry`].
pub struct Entry<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    key: K,
    place: Result<Place, Place>,
}

impl<'a, K, V> Entry<'a, K, V> {
    /// The value that is there, else what this makes.
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        let (run, at) = match self.place {
            Ok(place) => place,
            Err(place) => self.map.put(place, (self.key, make())),
        };
        &mut self.map.runs[run][at].1
    }

    /// The value that is there, else this.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value that is there, else the default.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

/// Entries in the order of their keys.
pub struct Iter<'a, K, V> {
    runs: &'a [Vec<(K, V)>],
    /// The next one from the front: it, or the beginning of the run behind it.
    from: Place,
    /// Behind the next one from the back.
    to: Place,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        while self.from < self.to {
            let (run, at) = self.from;
            if let Some((key, value)) = self.runs.get(run)?.get(at) {
                self.from.1 += 1;
                return Some((key, value));
            }
            self.from = (run + 1, 0);
        }
        None
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        while self.from < self.to {
            if let Some(at) = self.to.1.checked_sub(1) {
                self.to.1 = at;
                return self.runs.get(self.to.0)?.get(at).map(|(key, value)| (key, value));
            }
            let run = self.to.0.checked_sub(1)?;
            self.to = (run, self.runs.get(run)?.len());
        }
        None
    }
}

impl<K, V> FusedIterator for Iter<'_, K, V> {}

macro_rules! parts {
    ($(#[$doc:meta] $name:ident: $part:ident at $at:tt),*) => { $(
        #[$doc]
        pub struct $name<'a, K, V>(Iter<'a, K, V>);

        impl<K, V> Clone for $name<'_, K, V> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<'a, K, V> Iterator for $name<'a, K, V> {
            type Item = &'a $part;

            fn next(&mut self) -> Option<&'a $part> {
                self.0.next().map(|entry| entry.$at)
            }
        }

        impl<K, V> DoubleEndedIterator for $name<'_, K, V> {
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back().map(|entry| entry.$at)
            }
        }

        impl<K, V> FusedIterator for $name<'_, K, V> {}

        impl<K, V> fmt::Debug for $name<'_, K, V>
        where
            $part: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.clone()).finish()
            }
        }
    )* };
}

parts!(
    /// Keys in order.
    Keys: K at 0,
    /// Values in the order of their keys.
    Values: V at 1
);

/// Entries in the order of their keys, the values to be changed.
pub struct IterMut<'a, K, V>(Flatten<slice::IterMut<'a, Vec<(K, V)>>>);

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&*key, value))
    }
}

impl<K, V> DoubleEndedIterator for IterMut<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (&*key, value))
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut SortedMap<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = Flatten<vec::IntoIter<Vec<(K, V)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.into_iter().flatten()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, entries: T) {
        entries.into_iter().for_each(|(key, value)| {
            self.insert(key, value);
        });
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> Index<&Q> for SortedMap<K, V> {
    type Output = V;

    /// # Panics
    /// Without an entry of the key.
    #[allow(clippy::expect_used, reason = "as maps of the standard library do")]
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry of this key")
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: PartialOrd, V: PartialOrd> PartialOrd for SortedMap<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other.iter())
    }
}

impl<K: Ord, V: Ord> Ord for SortedMap<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
