//! Timed events, each once, and which of them the playhead is in.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telecine_model::{Limits, MediaTime, SortedMap, SortedSet, TimedEvent};

use crate::buffer::SEAM;
use crate::event::TimedPhase;

/// Names one timed event of a title, from when it is known until the next title is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimedKey(u64);

impl TimedKey {
    const MIN: Self = Self(0);
    const MAX: Self = Self(u64::MAX);

    /// The number, for hosts that need one.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What makes two announcements the same event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// Scheme, value and id, within a period or discontinuity domain (ISO/IEC 23009-1, 5.10.3.3.4: boxes
    /// with the same are equivalent).
    Named { scope: i64, scheme: String, value: String, id: String },
    /// A tag or event without an id: where it is in its own time, and what it says.
    Unnamed { scope: i64, at: i64, digest: u64 },
    /// A date range: its id, in the whole title (rfc8216bis, 4.4.5.1).
    DateRange(String),
}

#[derive(Clone, Debug)]
struct Entry {
    identity: Identity,
    event: Arc<TimedEvent>,
}

/// What an announcement or the playhead brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) phase: TimedPhase,
    pub(crate) key: TimedKey,
    pub(crate) event: Arc<TimedEvent>,
}

/// The timed events of a title.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventStore {
    next: u64,
    bytes: usize,
    entries: SortedMap<TimedKey, Entry>,
    by_identity: SortedMap<Identity, TimedKey>,
    by_start: SortedSet<(MediaTime, TimedKey)>,
    /// Those that the playhead is in.
    active: SortedSet<TimedKey>,
    /// Those that became known or changed since the playhead was looked at last.
    fresh: SortedSet<TimedKey>,
    /// No event lasts longer.
    longest: MediaTime,
}

impl EventStore {
    /// Takes an announcement. None if it says nothing new: the event is known, at this time (but for rounding)
    /// and with this payload.
    pub(crate) fn insert(&mut self, identity: Identity, event: TimedEvent, limits: &Limits) -> Option<Happening> {
        let known = self.by_identity.get(&identity).copied();
        let (phase, key) = match known.and_then(|key| Some((key, self.entries.get(&key)?))) {
            Some((_, entry)) if says_the_same(&entry.event, &event) => return None,
            Some((key, _)) => {
                self.lift(key);
                (TimedPhase::Changed, key)
            }
            None => {
                self.make_room(event.size(), limits);
                let key = TimedKey(self.next);
                self.next += 1;
                (TimedPhase::Known, key)
            }
        };
        let event = Arc::new(event);
        self.bytes += event.size();
        self.by_start.insert((event.start, key));
        self.longest = self.longest.max(event.duration.unwrap_or_default());
        self.by_identity.insert(identity.clone(), key);
        self.entries.insert(key, Entry { identity, event: Arc::clone(&event) });
        self.fresh.insert(key);
        Some(Happening { phase, key, event })
    }

    /// Whether nothing can have happened while the playhead stood.
    pub(crate) fn is_settled(&self) -> bool {
        self.fresh.is_empty()
    }

    /// The playhead went to `to`: over everything since `from`, or from elsewhere if that is None. What it
    /// entered and left on the way is appended to `out`, in the order of time.
    pub(crate) fn march(&mut self, from: Option<MediaTime>, to: MediaTime, out: &mut Vec<Happening>) {
        let mut crossed: Vec<(MediaTime, TimedPhase, TimedKey)> = Vec::new();
        for key in &self.active {
            match self.entries.get(key).map(|entry| &entry.event) {
                Some(event) if event.is_active(to) => {}
                Some(event) => crossed.push((event.end().map_or(to, |end| end.min(to)), TimedPhase::Left, *key)),
                None => {}
            }
        }
        for key in self.entered(from, to) {
            let Some(event) = self.entries.get(&key).map(|entry| &entry.event) else { continue };
            if self.active.contains(&key) {
                continue;
            }
            crossed.push((event.start, TimedPhase::Entered, key));
            let end = event.end().filter(|end| *end > event.start);
            match end.filter(|end| *end > to) {
                Some(_) => {
                    self.active.insert(key);
                }
                None => crossed.extend(end.map(|end| (end, TimedPhase::Left, key))),
            }
        }
        self.fresh.clear();
        // What ends when something else begins has ended; what a jump leaves, before what it enters.
        let jump = from.is_none();
        crossed.sort_by_key(|(time, phase, key)| {
            let entered = *phase != TimedPhase::Left;
            (jump && entered, *time, entered, *key)
        });
        for (_, phase, key) in crossed {
            if phase == TimedPhase::Left {
                self.active.remove(&key);
            }
            if let Some(entry) = self.entries.get(&key) {
                out.push(Happening { phase, key, event: Arc::clone(&entry.event) });
            }
        }
        // A moment within one march enters and leaves: it must not stay behind as active.
        self.active.retain(|key| self.entries.get(key).is_some_and(|entry| entry.event.is_active(to)));
    }

    fn entered(&self, from: Option<MediaTime>, to: MediaTime) -> Vec<TimedKey> {
        let event = |key: &TimedKey| self.entries.get(key).map(|entry| &entry.event);
        let active = |key: &TimedKey| event(key).is_some_and(|event| event.is_active(to));
        match from {
            Some(from) if from < to => {
                let passed = self.by_start.range((from, TimedKey::MAX)..=(to, TimedKey::MAX)).map(|(_, key)| *key);
                let late = self
                    .fresh
                    .iter()
                    .copied()
                    .filter(|key| active(key) && event(key).is_some_and(|event| event.start <= from));
                passed.chain(late).collect()
            }
            Some(_) => self.fresh.iter().copied().filter(active).collect(),
            None => self
                .by_start
                .range((to - self.longest, TimedKey::MIN)..=(to, TimedKey::MAX))
                .filter(|(start, key)| *start == to || active(key))
                .map(|(_, key)| *key)
                .collect(),
        }
    }

    /// When the next event begins, or one that the playhead is in ends, behind `position`.
    pub(crate) fn next_boundary(&self, position: MediaTime) -> Option<MediaTime> {
        let start = self.by_start.range((position, TimedKey::MAX)..).next().map(|(start, _)| *start);
        let ends = self.active.iter().filter_map(|key| self.entries.get(key)?.event.end());
        ends.filter(|end| *end > position).chain(start).min()
    }

    /// Every event that is known, by its start.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TimedKey, &Arc<TimedEvent>)> {
        self.by_start.iter().filter_map(|(_, key)| Some((*key, &self.entries.get(key)?.event)))
    }

    fn lift(&mut self, key: TimedKey) {
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes = self.bytes.saturating_sub(entry.event.size());
            self.by_start.remove(&(entry.event.start, key));
            self.by_identity.remove(&entry.identity);
        }
    }

    /// Forgets the earliest, those that the playhead is in last: they would be told again if they came again.
    fn make_room(&mut self, size: usize, limits: &Limits) {
        let full = |store: &Self| {
            store.entries.len() >= limits.timed_events.max(1) || store.bytes + size > limits.timed_event_bytes
        };
        while full(self) {
            let spared = self.by_start.iter().find(|(_, key)| !self.active.contains(key));
            let Some((_, key)) = spared.or(self.by_start.first()).copied() else { return };
            self.lift(key);
            self.active.remove(&key);
            self.fresh.remove(&key);
        }
    }
}

/// Times of repetitions differ by rounding, since each may count in a timescale of its own.
fn says_the_same(known: &TimedEvent, said: &TimedEvent) -> bool {
    let durations = match (known.duration, said.duration) {
        (Some(known), Some(said)) => known.abs_diff(said) <= SEAM,
        (known, said) => known == said,
    };
    durations && known.start.abs_diff(said.start) <= SEAM && known.payload == said.payload
}

#[cfg(test)]
mod tests {
    use telecine_model::{EventCarrier, EventPayload};

    use super::*;

    fn secs(seconds: i64) -> MediaTime {
        MediaTime::from_secs(seconds)
    }

    fn event(start: MediaTime, duration: Option<MediaTime>, text: &str) -> TimedEvent {
        TimedEvent {
            carrier: EventCarrier::Emsg,
            scheme: "urn:x".to_owned(),
            value: String::new(),
            id: Some(text.to_owned()),
            start,
            duration,
            payload: EventPayload::Text(text.to_owned()),
            timescale: None,
        }
    }

    fn named(id: &str) -> Identity {
        Identity::Named { scope: 0, scheme: "urn:x".to_owned(), value: String::new(), id: id.to_owned() }
    }

    fn put(store: &mut EventStore, start: i64, duration: Option<i64>, id: &str) -> Option<TimedPhase> {
        let event = event(secs(start), duration.map(secs), id);
        store.insert(named(id), event, &Limits::default()).map(|happening| happening.phase)
    }

    fn march(store: &mut EventStore, from: Option<i64>, to: i64) -> Vec<(TimedPhase, String)> {
        let mut out = Vec::new();
        store.march(from.map(secs), secs(to), &mut out);
        out.into_iter().map(|happening| (happening.phase, happening.event.id.clone().unwrap_or_default())).collect()
    }

    fn told(list: &[(TimedPhase, &str)]) -> Vec<(TimedPhase, String)> {
        list.iter().map(|(phase, id)| (*phase, (*id).to_owned())).collect()
    }

    use TimedPhase::{Changed, Entered, Known, Left};

    #[test]
    fn a_repetition_says_nothing_and_a_change_is_told() {
        let mut store = EventStore::default();
        assert_eq!(put(&mut store, 10, Some(5), "a"), Some(Known));
        assert_eq!(put(&mut store, 10, Some(5), "a"), None);
        let rounded = event(secs(10) + MediaTime::from_millis(3), Some(secs(5)), "a");
        assert_eq!(store.insert(named("a"), rounded, &Limits::default()), None);
        assert_eq!(put(&mut store, 10, None, "a"), Some(Changed));
        assert_eq!(put(&mut store, 30, None, "a"), Some(Changed));
        assert_eq!(store.iter().count(), 1);
        let elsewhere = Identity::Named { scope: 7, scheme: "urn:x".into(), value: String::new(), id: "a".into() };
        let same = store.insert(elsewhere, event(secs(30), None, "a"), &Limits::default());
        assert_eq!(same.map(|happening| happening.phase), Some(Known), "periods count for themselves");
    }

    #[test]
    fn the_playhead_enters_and_leaves_in_the_order_of_time() {
        let mut store = EventStore::default();
        put(&mut store, 4, Some(2), "short");
        put(&mut store, 2, Some(10), "long");
        put(&mut store, 6, None, "moment");
        assert_eq!(march(&mut store, Some(0), 1), []);
        assert_eq!(store.next_boundary(secs(1)), Some(secs(2)));
        assert_eq!(march(&mut store, Some(1), 3), told(&[(Entered, "long")]));
        assert_eq!(store.next_boundary(secs(3)), Some(secs(4)));
        let all = [(Entered, "short"), (Left, "short"), (Entered, "moment")];
        assert_eq!(march(&mut store, Some(3), 8), told(&all));
        assert_eq!(store.next_boundary(secs(8)), Some(secs(12)));
        assert_eq!(march(&mut store, Some(8), 12), told(&[(Left, "long")]));
        assert_eq!(march(&mut store, Some(12), 20), []);
    }

    #[test]
    fn a_jump_enters_what_lasts_there_and_nothing_on_the_way() {
        let mut store = EventStore::default();
        put(&mut store, 2, Some(2), "passed");
        put(&mut store, 5, None, "moment");
        put(&mut store, 8, Some(10), "there");
        put(&mut store, 10, None, "now");
        assert_eq!(march(&mut store, None, 3), told(&[(Entered, "passed")]));
        assert_eq!(march(&mut store, None, 10), told(&[(Left, "passed"), (Entered, "there"), (Entered, "now")]));
        assert_eq!(march(&mut store, None, 12), [], "still in it");
        assert_eq!(march(&mut store, None, 0), told(&[(Left, "there")]));
        assert_eq!(
            march(&mut store, Some(0), 9),
            told(&[(Entered, "passed"), (Left, "passed"), (Entered, "moment"), (Entered, "there"),])
        );
    }

    #[test]
    fn what_becomes_known_late_is_entered_if_it_lasts_and_not_if_it_is_over() {
        let mut store = EventStore::default();
        march(&mut store, None, 10);
        put(&mut store, 5, Some(10), "lasts");
        put(&mut store, 5, Some(2), "over");
        put(&mut store, 5, None, "moment");
        assert!(!store.is_settled());
        assert_eq!(march(&mut store, Some(10), 10), told(&[(Entered, "lasts")]));
        assert!(store.is_settled());
        put(&mut store, 5, Some(6), "lasts");
        assert_eq!(march(&mut store, Some(10), 11), told(&[(Left, "lasts")]));
    }

    #[test]
    fn the_earliest_make_room_for_the_latest() {
        let mut limits = Limits::default();
        limits.timed_events = 2;
        let mut store = EventStore::default();
        for start in 0..5 {
            let id = start.to_string();
            assert!(store.insert(named(&id), event(secs(start), None, &id), &limits).is_some());
        }
        let left: Vec<_> = store.iter().map(|(_, event)| event.start).collect();
        assert_eq!(left, [secs(3), secs(4)]);
        limits.timed_event_bytes = 1;
        store.insert(named("z"), event(secs(9), None, "z"), &limits);
        assert_eq!(store.iter().count(), 1, "one is always kept");
    }
}
