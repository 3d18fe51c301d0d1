//! Cues of successive segments, each shown once.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Cue;
use crate::limits::Limits;
use crate::time::MediaTime;
use crate::{SortedMap, SortedSet};

/// Names one cue of a [`CueStore`], from when it was added until it is removed. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CueKey(u64);

impl CueKey {
    const MIN: Self = Self(0);
    const MAX: Self = Self(u64::MAX);

    /// The number, for hosts that need one.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What an operation on a [`CueStore`] changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CueChange {
    /// A cue that was not there.
    Added(CueKey, Arc<Cue>),
    /// A cue that was there starts earlier or ends at another time.
    Changed(CueKey, Arc<Cue>),
    /// A cue is gone.
    Removed(CueKey),
}

/// Pieces of one cue that are closer than this are one: a frame at 100 Hz. Packagers cut cues at
/// segment boundaries and round them, to the millisecond or to 90 kHz.
const TOUCHING: MediaTime = MediaTime::from_millis(10);

/// The cues of one text track.
///
/// Segments repeat the cues that span them, whole (WebVTT in HLS) or cut at their boundaries (WebVTT
/// and TTML in MP4), and after a seek they come again. Two cues are the same if they say the same in
/// the same place and their times overlap or touch; the store then keeps one that lasts as long as
/// both.
///
/// It holds at most [`Limits::cues`]; beyond that the earliest ones are dropped. Operations report
/// what they changed; times are those of the title's timeline.
///
/// ```
/// use telecine_model::cue::{Cue, CueChange, CueStore, Node};
/// use telecine_model::{Limits, MediaTime};
///
/// let secs = MediaTime::from_secs;
/// let piece = |from, to| Cue { text: vec![Node::text("Hello")], ..Cue::new(secs(from), secs(to)) };
/// let mut store = CueStore::new(&Limits::default());
/// let mut changes = Vec::new();
/// store.insert(piece(3, 4), &mut changes); // cut at the end of the first segment
/// store.insert(piece(4, 6), &mut changes); // the rest, in the second
/// assert!(matches!(&changes[..], [CueChange::Added(a, _), CueChange::Changed(b, cue)]
///     if a == b && cue.start == secs(3) && cue.end == secs(6)));
/// assert_eq!(store.active(secs(5)).len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct CueStore {
    capacity: usize,
    next: u64,
    cues: SortedMap<CueKey, Entry>,
    by_start: SortedSet<(MediaTime, CueKey)>,
    /// Cues of one digest do not touch each other, unless digests collide.
    by_digest: SortedSet<(u64, MediaTime, CueKey)>,
    open: SortedSet<CueKey>,
    /// No cue with a known end lasts longer.
    longest: MediaTime,
}

#[derive(Clone, Debug)]
struct Entry {
    cue: Arc<Cue>,
    digest: u64,
}

impl CueStore {
    /// An empty store.
    pub fn new(limits: &Limits) -> Self {
        Self {
            capacity: limits.cues.max(1),
            next: 0,
            cues: SortedMap::new(),
            by_start: SortedSet::new(),
            by_digest: SortedSet::new(),
            open: SortedSet::new(),
            longest: MediaTime::ZERO,
        }
    }

    /// Adds a cue, or lets one that is there last longer. A cue that ends before it starts is never
    /// shown and is left out. What changed is appended to `changes`.
    pub fn insert(&mut self, cue: Cue, changes: &mut Vec<CueChange>) {
        if cue.end <= cue.start {
            return;
        }
        let digest = cue.digest();
        let same = self.same(&cue, digest);
        let Some((first, others)) = same.split_first() else {
            while self.cues.len() >= self.capacity {
                let Some((_, earliest)) = self.by_start.first().copied() else { break };
                self.take(earliest, changes);
            }
            let key = CueKey(self.next);
            self.next += 1;
            let cue = Arc::new(cue);
            changes.push(CueChange::Added(key, cue.clone()));
            self.put(key, Entry { cue, digest });
            return;
        };
        let (mut start, mut end) = (cue.start, cue.end);
        for key in &same {
            if let Some(Entry { cue: known, .. }) = self.cues.get(key) {
                start = start.min(known.start);
                // An open end says that nobody knows; whoever knows is right.
                end = match (end == Cue::OPEN_END, known.is_open()) {
                    (false, false) => end.max(known.end),
                    (true, _) => known.end,
                    (false, true) => end,
                };
            }
        }
        for key in others {
            self.take(*key, changes);
        }
        if let Some(mut entry) = self.lift(*first) {
            if (entry.cue.start, entry.cue.end) != (start, end) {
                let cue = Arc::make_mut(&mut entry.cue);
                (cue.start, cue.end) = (start, end);
                changes.push(CueChange::Changed(*first, entry.cue.clone()));
            }
            self.put(*first, entry);
        }
    }

    /// Says which cues have begun and not ended at the end of what was read, as caption decoders
    /// know them ([`Cue::OPEN_END`]). Those of the last call that are neither among them nor were
    /// inserted with an end since are removed: they went on differently.
    pub fn set_open(&mut self, cues: impl IntoIterator<Item = Cue>, changes: &mut Vec<CueChange>) {
        let mut stale = self.open.clone();
        for mut cue in cues {
            cue.end = Cue::OPEN_END;
            let digest = cue.digest();
            for key in self.same(&cue, digest) {
                stale.remove(&key);
            }
            self.insert(cue, changes);
        }
        for key in stale {
            self.take(key, changes);
        }
    }

    /// Removes the cues that lie inside a span of time: what was read from there is no longer
    /// buffered. Cues that reach beyond it stay.
    pub fn remove(&mut self, span: Range<MediaTime>, changes: &mut Vec<CueChange>) {
        if span.start >= span.end {
            return;
        }
        let inside: Vec<_> = self
            .by_start
            .range((span.start, CueKey::MIN)..(span.end, CueKey::MIN))
            .map(|(_, key)| *key)
            .filter(|key| self.cues.get(key).is_some_and(|entry| entry.cue.end <= span.end))
            .collect();
        for key in inside {
            self.take(key, changes);
        }
    }

    /// Removes everything.
    pub fn clear(&mut self, changes: &mut Vec<CueChange>) {
        changes.extend(self.by_start.iter().map(|(_, key)| CueChange::Removed(*key)));
        self.cues.clear();
        self.by_start.clear();
        self.by_digest.clear();
        self.open.clear();
        self.longest = MediaTime::ZERO;
    }

    /// The cues that are shown at a time, in the order in which they are painted: those that started
    /// earlier first; of those that started together, those that last longer first.
    pub fn active(&self, time: MediaTime) -> Vec<(CueKey, &Arc<Cue>)> {
        let earliest = time - self.longest;
        let mut found: Vec<_> = self
            .by_start
            .range((earliest, CueKey::MIN)..=(time, CueKey::MAX))
            .map(|(_, key)| *key)
            .chain(self.open.range(..).copied().filter(|key| self.start_of(*key).is_some_and(|start| start < earliest)))
            .filter_map(|key| Some((key, &self.cues.get(&key)?.cue)))
            .filter(|(_, cue)| cue.is_active(time))
            .collect();
        found.sort_by_key(|(key, cue)| (cue.start, std::cmp::Reverse(cue.end), *key));
        found
    }

    /// The next time after `time` at which a cue starts or ends; None if nothing is known to change.
    pub fn next_change(&self, time: MediaTime) -> Option<MediaTime> {
        let start = self.by_start.range((time, CueKey::MAX)..).next().map(|(start, _)| *start);
        // A cue that starts later ends later still.
        let end = self.active(time).iter().map(|(_, cue)| cue.end).filter(|end| *end != Cue::OPEN_END).min();
        match (start, end) {
            (Some(start), Some(end)) => Some(start.min(end)),
            (start, end) => start.or(end),
        }
    }

    /// The cue of a key.
    pub fn get(&self, key: CueKey) -> Option<&Arc<Cue>> {
        self.cues.get(&key).map(|entry| &entry.cue)
    }

    /// All cues by their start.
    pub fn iter(&self) -> impl Iterator<Item = (CueKey, &Arc<Cue>)> {
        self.by_start.iter().filter_map(|(_, key)| Some((*key, &self.cues.get(key)?.cue)))
    }

    /// How many cues there are.
    pub fn len(&self) -> usize {
        self.cues.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }

    fn start_of(&self, key: CueKey) -> Option<MediaTime> {
        self.cues.get(&key).map(|entry| entry.cue.start)
    }

    /// Cues that are the same as this one, the earliest first.
    fn same(&self, cue: &Cue, digest: u64) -> Vec<CueKey> {
        let last = (digest, cue.end + TOUCHING, CueKey::MAX);
        let mut keys = Vec::new();
        for (_, _, key) in self.by_digest.range((digest, MediaTime::MIN, CueKey::MIN)..=last).rev() {
            let Some(Entry { cue: known, .. }) = self.cues.get(key) else { continue };
            if known.end + TOUCHING < cue.start {
                break;
            }
            if known.says_the_same(cue) {
                keys.push(*key);
            }
        }
        keys.reverse();
        keys
    }

    fn put(&mut self, key: CueKey, entry: Entry) {
        let cue = &entry.cue;
        self.by_start.insert((cue.start, key));
        self.by_digest.insert((entry.digest, cue.start, key));
        if cue.is_open() {
            self.open.insert(key);
        } else {
            self.longest = self.longest.max(cue.end - cue.start);
        }
        self.cues.insert(key, entry);
    }

    fn lift(&mut self, key: CueKey) -> Option<Entry> {
        let entry = self.cues.remove(&key)?;
        self.by_start.remove(&(entry.cue.start, key));
        self.by_digest.remove(&(entry.digest, entry.cue.start, key));
        self.open.remove(&key);
        Some(entry)
    }

    fn take(&mut self, key: CueKey, changes: &mut Vec<CueChange>) {
        if self.lift(key).is_some() {
            changes.push(CueChange::Removed(key));
        }
    }
}
