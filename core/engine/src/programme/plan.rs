//! Which interstitials a title has, and which of them is next.

use std::sync::Arc;

use telecine_manifest::interstitial::{of_event, Announcement};
use telecine_model::interstitial::{Interstitial, InterstitialCue, JumpRule, PreloadNotice, Resume};
use telecine_model::{Error, Limits, MediaTime, SortedMap, SortedSet, TimedEvent};

use crate::buffer::SEAM;
use crate::timed::TimedKey;

/// Where an interstitial is: by its start, and at one start in the order of the playlist (IN09).
type Key = (MediaTime, u64);

/// The interstitials of a title.
#[derive(Debug, Default)]
pub(super) struct Plan {
    known: SortedMap<String, Entry>,
    /// Those that are to be played, by what leads to them.
    open: SortedMap<InterstitialCue, SortedMap<Key, Arc<Interstitial>>>,
    /// What each event's is called.
    names: SortedMap<TimedKey, String>,
    /// How many were made known so far.
    count: u64,
    /// Those that could not be read were told.
    faulty: SortedSet<String>,
    /// Of what may be asked for ahead.
    pub(super) notices: SortedMap<String, PreloadNotice>,
}

#[derive(Debug)]
struct Entry {
    what: Arc<Interstitial>,
    order: u64,
    /// It was played, or is not to be.
    done: bool,
}

/// What an event said.
pub(super) enum Learnt {
    /// Nothing about interstitials, or nothing new.
    Nothing,
    /// There is one, or it is another than was known.
    Interstitial(Arc<Interstitial>),
    /// It cannot be used.
    Fault(Error),
}

impl Plan {
    pub(super) fn learn(&mut self, key: TimedKey, event: &TimedEvent, base: &str, limits: &Limits) -> Learnt {
        match of_event(event, base) {
            None => Learnt::Nothing,
            Some(Ok(Announcement::Preload(notice))) => {
                if self.notices.len() < limits.side_items {
                    self.notices.insert(notice.id.clone(), notice);
                }
                Learnt::Nothing
            }
            Some(Ok(Announcement::Interstitial(found))) => self.note(key, *found, limits),
            Some(Err(error)) => {
                let new =
                    self.faulty.len() < limits.side_items && self.faulty.insert(event.id.clone().unwrap_or_default());
                if new {
                    Learnt::Fault(error)
                } else {
                    Learnt::Nothing
                }
            }
        }
    }

    fn note(&mut self, key: TimedKey, mut found: Interstitial, limits: &Limits) -> Learnt {
        if !self.names.contains_key(&key) {
            if self.names.len() >= limits.side_items {
                return Learnt::Nothing;
            }
            // Ids of DASH events are their period's own.
            let mut name = found.id.clone();
            if self.known.contains_key(&name) {
                name = format!("{name}#{}", self.count + 1);
            }
            self.names.insert(key, name);
        }
        if let Some(name) = self.names.get(&key) {
            found.id.clone_from(name);
        }
        let (order, done) = match self.known.get(&found.id) {
            Some(entry) if *entry.what == found => return Learnt::Nothing,
            Some(entry) => (entry.order, entry.done),
            None => {
                self.count += 1;
                (self.count, false)
            }
        };
        self.close(&found.id);
        let what = Arc::new(found);
        self.known.insert(what.id.clone(), Entry { what: Arc::clone(&what), order, done });
        if !done {
            self.reopen(&what.id);
        }
        Learnt::Interstitial(what)
    }

    fn close(&mut self, id: &str) {
        if let Some(entry) = self.known.get(id) {
            if let Some(open) = self.open.get_mut(&entry.what.cue) {
                open.remove(&(entry.what.start, entry.order));
            }
        }
    }

    fn reopen(&mut self, id: &str) {
        if let Some(entry) = self.known.get_mut(id) {
            entry.done = false;
            let key = (entry.what.start, entry.order);
            self.open.entry(entry.what.cue).or_default().insert(key, Arc::clone(&entry.what));
        }
    }

    /// Forgets what begins before a place: a live title does not go back there.
    pub(super) fn forget_before(&mut self, place: MediaTime) {
        let old = |entry: &&Entry| entry.what.cue == InterstitialCue::Start && entry.what.start < place;
        let ids: SortedSet<String> = self.known.values().filter(old).map(|entry| entry.what.id.clone()).collect();
        for id in &ids {
            self.close(id);
            self.known.remove(id);
        }
        self.names.retain(|_, name| !ids.contains(name));
    }

    /// All, by their start.
    pub(super) fn all(&self) -> Vec<Arc<Interstitial>> {
        let mut list: Vec<&Entry> = self.known.values().collect();
        list.sort_by_key(|entry| (entry.what.start, entry.order));
        list.into_iter().map(|entry| Arc::clone(&entry.what)).collect()
    }

    /// As it is known now.
    pub(super) fn get(&self, id: &str) -> Option<&Arc<Interstitial>> {
        self.known.get(id).map(|entry| &entry.what)
    }

    /// Played, or given up.
    pub(super) fn done(&mut self, id: &str) {
        self.close(id);
        if let Some(entry) = self.known.get_mut(id) {
            entry.done = true;
        }
    }

    /// The viewer goes to a place: what lies behind it may be played again, but for what is played once (IN09, IN14).
    pub(super) fn go_back_to(&mut self, target: MediaTime) {
        let again = |entry: &&Entry| {
            let ahead = match entry.what.cue {
                InterstitialCue::BeforeTitle => false,
                InterstitialCue::BehindTitle => true,
                InterstitialCue::Start => entry.what.start + SEAM >= target,
            };
            entry.done && ahead && !entry.what.once
        };
        let ids: Vec<String> = self.known.values().filter(again).map(|entry| entry.what.id.clone()).collect();
        for id in ids {
            self.reopen(&id);
        }
    }

    /// The next one that the playhead comes to from a place on.
    pub(super) fn next(&self, from: MediaTime) -> Option<&Arc<Interstitial>> {
        let open = self.open.get(&InterstitialCue::Start)?;
        open.range((from - SEAM, 0)..).next().map(|(_, what)| what)
    }

    /// The next one at a place, if there is one.
    pub(super) fn at(&self, place: MediaTime) -> Option<&Arc<Interstitial>> {
        self.next(place).filter(|what| what.start <= place + SEAM)
    }

    /// The next one before the title.
    pub(super) fn before_title(&self) -> Option<&Arc<Interstitial>> {
        self.open.get(&InterstitialCue::BeforeTitle)?.values().next()
    }

    /// The next one behind the title.
    pub(super) fn behind_title(&self) -> Option<&Arc<Interstitial>> {
        self.open.get(&InterstitialCue::BehindTitle)?.values().next()
    }

    /// One that a place is in the middle of: it takes the place of what is there (IN13).
    pub(super) fn around(&self, place: MediaTime) -> Option<&Arc<Interstitial>> {
        let takes = |what: &Interstitial| match what.resume {
            Resume::Offset(offset) => offset,
            Resume::Played => what.duration.unwrap_or(MediaTime::ZERO),
        };
        let before = self.open.get(&InterstitialCue::Start)?.range(..(place, 0)).map(|(_, what)| what);
        before.rev().find(|what| place + SEAM < what.start + takes(what))
    }

    /// Those that may not be passed on the way from one place to another without being played (IN07).
    pub(super) fn not_to_be_passed(&self, from: MediaTime, to: MediaTime) -> Vec<Arc<Interstitial>> {
        let open = self.open.get(&InterstitialCue::Start).filter(|_| from < to);
        let passed = open.into_iter().flat_map(|open| open.range((from, 0)..(to, 0)).map(|(_, what)| what));
        let list: Vec<_> = passed.filter(|what| what.jump != JumpRule::Allowed).collect();
        let last = list.len().saturating_sub(1);
        let counts = |(at, what): &(usize, &Arc<Interstitial>)| what.jump == JumpRule::PlayAll || *at == last;
        list.into_iter().enumerate().filter(counts).map(|(_, what)| Arc::clone(what)).collect()
    }
}
