//! Which interstitials a title has, and which of them is next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use telecine_manifest::interstitial::{of_event, Announcement};
use telecine_model::interstitial::{Interstitial, InterstitialCue, JumpRule, PreloadNotice, Resume};
use telecine_model::{Error, MediaTime, TimedEvent};

use crate::buffer::SEAM;

/// The interstitials of a title.
#[derive(Debug, Default)]
pub(super) struct Plan {
    known: BTreeMap<String, Entry>,
    /// How many were made known so far: several at one time are played in the order of the playlist (IN09).
    count: u64,
    /// Those that could not be read were told.
    faulty: BTreeSet<String>,
    /// Of what may be asked for ahead.
    pub(super) notices: BTreeMap<String, PreloadNotice>,
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
    pub(super) fn learn(&mut self, event: &TimedEvent, base: &str) -> Learnt {
        match of_event(event, base) {
            None => Learnt::Nothing,
            Some(Ok(Announcement::Preload(notice))) => {
                self.notices.insert(notice.id.clone(), notice);
                Learnt::Nothing
            }
            Some(Ok(Announcement::Interstitial(found))) => {
                let what = Arc::new(*found);
                if let Some(entry) = self.known.get_mut(&what.id) {
                    if entry.what == what {
                        return Learnt::Nothing;
                    }
                    entry.what = Arc::clone(&what);
                } else {
                    self.count += 1;
                    let entry = Entry { what: Arc::clone(&what), order: self.count, done: false };
                    self.known.insert(what.id.clone(), entry);
                }
                Learnt::Interstitial(what)
            }
            Some(Err(error)) => match self.faulty.insert(event.id.clone().unwrap_or_default()) {
                true => Learnt::Fault(error),
                false => Learnt::Nothing,
            },
        }
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
        if let Some(entry) = self.known.get_mut(id) {
            entry.done = true;
        }
    }

    /// The viewer goes to a place: what lies behind it may be played again, but for what is played once (IN09, IN14).
    pub(super) fn go_back_to(&mut self, target: MediaTime) {
        for entry in self.known.values_mut().filter(|entry| entry.what.cue != InterstitialCue::BeforeTitle) {
            let ahead = entry.what.cue == InterstitialCue::BehindTitle || entry.what.start + SEAM >= target;
            entry.done &= entry.what.once || !ahead;
        }
    }

    /// The next one that the playhead comes to from a place on.
    pub(super) fn next(&self, from: MediaTime) -> Option<&Arc<Interstitial>> {
        self.pick(InterstitialCue::Start, |what| what.start + SEAM >= from)
    }

    /// The next one at a place, if there is one.
    pub(super) fn at(&self, place: MediaTime) -> Option<&Arc<Interstitial>> {
        self.pick(InterstitialCue::Start, |what| what.start.abs_diff(place) <= SEAM)
    }

    /// The next one before the title.
    pub(super) fn before_title(&self) -> Option<&Arc<Interstitial>> {
        self.pick(InterstitialCue::BeforeTitle, |_| true)
    }

    /// The next one behind the title.
    pub(super) fn behind_title(&self) -> Option<&Arc<Interstitial>> {
        self.pick(InterstitialCue::BehindTitle, |_| true)
    }

    /// One that a place is in the middle of: it takes the place of what is there (IN13).
    pub(super) fn around(&self, place: MediaTime) -> Option<&Arc<Interstitial>> {
        self.pick(InterstitialCue::Start, |what| {
            let takes = match what.resume {
                Resume::Offset(offset) => offset,
                Resume::Played => what.duration.unwrap_or(MediaTime::ZERO),
            };
            what.start < place && place + SEAM < what.start + takes
        })
    }

    /// Those that may not be passed on the way from one place to another without being played (IN07).
    pub(super) fn not_to_be_passed(&self, from: MediaTime, to: MediaTime) -> Vec<Arc<Interstitial>> {
        let on_the_way = |entry: &&Entry| {
            entry.what.cue == InterstitialCue::Start
                && !entry.done
                && entry.what.jump != JumpRule::Allowed
                && from <= entry.what.start
                && entry.what.start < to
        };
        let mut list: Vec<&Entry> = self.known.values().filter(on_the_way).collect();
        list.sort_by_key(|entry| (entry.what.start, entry.order));
        let last = list.len().saturating_sub(1);
        let counts = |(at, entry): &(usize, &Entry)| entry.what.jump == JumpRule::PlayAll || *at == last;
        list.into_iter().enumerate().filter(counts).map(|(_, entry)| Arc::clone(&entry.what)).collect()
    }

    fn pick(&self, cue: InterstitialCue, fits: impl Fn(&Interstitial) -> bool) -> Option<&Arc<Interstitial>> {
        let open = self.known.values().filter(|entry| !entry.done && entry.what.cue == cue && fits(&entry.what));
        open.min_by_key(|entry| (entry.what.start, entry.order)).map(|entry| &entry.what)
    }
}
