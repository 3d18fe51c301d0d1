//! One key session.

use std::sync::Arc;
use std::time::Duration;

use telecine_model::protection::{KeyRef, KeyStatus, KeySystem};
use telecine_model::{Error, SortedMap, Timestamp};

use super::port::{MessageKind, SessionId, SessionKind};
use super::retry::Fetch;
use super::stored::StoredLicence;
use crate::system::{InitData, InitDataKind, KeyRequirement, SystemOffer};

/// Keys that are expected of one session: more are not told apart.
const EXPECTED: usize = 1024;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for its time, for the key system or for room.
    Queued,
    /// The key system creates it.
    Creating,
    /// It loads a stored licence.
    Loading,
    /// It was asked for its first message and has no keys yet.
    Generating,
    /// It has keys.
    Active,
    /// Its licence is being destroyed.
    Removing,
    /// It was told to close.
    Closing,
    /// It has failed, and stays as the memory of that.
    Failed,
}

/// A command that the key system has not reacted to yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Create,
    Load,
    Generate,
    Update,
    /// An update was accepted; keys or another message must follow.
    Keys,
    Remove,
    Close,
}

/// A message and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) kind: MessageKind,
    /// None when the answer was handed to the key system.
    pub(super) fetch: Option<Fetch>,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) kind: SessionKind,
    /// What it is for; None if only the stored licence is known.
    pub(super) requirement: Option<Arc<KeyRequirement>>,
    pub(super) offer: Option<SystemOffer>,
    /// Licence to load; taken away if it is not there.
    pub(super) stored: Option<StoredLicence>,
    /// It is there to destroy its stored licence, and for nothing else any more.
    pub(super) release: bool,
    pub(super) phase: Phase,
    pub(super) pending: Option<(Pending, Timestamp)>,
    pub(super) exchanges: Vec<Exchange>,
    /// Keys that it is expected to bring; empty if that is not known.
    pub(super) keys: Vec<KeyRef>,
    pub(super) statuses: SortedMap<KeyRef, KeyStatus>,
    /// When it may be opened.
    pub(super) start_at: Timestamp,
    /// Playback waits for it.
    pub(super) urgent: bool,
    /// When its keys were, or will be, needed last.
    pub(super) needed: Timestamp,
    pub(super) opened: Timestamp,
    pub(super) no_room_since: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) renew_at: Option<Timestamp>,
    /// The licence is being made new.
    pub(super) renewing: bool,
    /// Its keys take over from this session's.
    pub(super) replaces: Option<SessionId>,
    /// The key system's name of it.
    pub(super) name: Option<String>,
    pub(super) reopened: u32,
    /// A key of it was usable once: when all expire, the licence can be made new.
    pub(super) was_usable: bool,
    /// Making it new has failed: not again before this.
    pub(super) revive_at: Timestamp,
    pub(super) failure: Option<Error>,
    /// When it has failed, it stays as the memory of that.
    pub(super) remembered: bool,
}

impl Session {
    pub(super) fn new(id: SessionId, kind: SessionKind, now: Timestamp) -> Self {
        Self {
            id,
            kind,
            requirement: None,
            offer: None,
            stored: None,
            release: false,
            phase: Phase::Queued,
            pending: None,
            exchanges: Vec::new(),
            keys: Vec::new(),
            statuses: SortedMap::new(),
            start_at: now,
            urgent: true,
            needed: now,
            opened: now,
            no_room_since: None,
            expires: None,
            renew_at: None,
            renewing: false,
            replaces: None,
            name: None,
            reopened: 0,
            was_usable: false,
            revive_at: now,
            failure: None,
            remembered: true,
        }
    }

    pub(super) fn init_data(&self) -> Option<&InitData> {
        self.offer.as_ref().and_then(|offer| offer.init_data.as_ref())
    }

    /// Takes what its requirement has for a key system.
    pub(super) fn resolve(&mut self, system: KeySystem) {
        let Some(requirement) = self.requirement.clone() else {
            return;
        };
        self.offer = requirement.offer(system);
        self.keys = requirement.keys(system);
        let named = self.offer.as_ref().map(|offer| offer.key_ids.clone()).unwrap_or_default();
        self.expect(named.into_iter().map(KeyRef::Kid));
    }

    /// Adds keys that it is expected to bring.
    pub(super) fn expect(&mut self, keys: impl IntoIterator<Item = KeyRef>) {
        for key in keys {
            if self.keys.len() < EXPECTED && !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
    }

    /// True if the device has it open.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Queued | Phase::Failed)
    }

    /// True if it has keys or will have.
    pub(super) fn is_live(&self) -> bool {
        !self.release && !matches!(self.phase, Phase::Failed | Phase::Closing | Phase::Removing)
    }

    /// True if it destroys its stored licence, and is not at the end of that.
    pub(super) fn is_releasing(&self) -> bool {
        self.release && self.stored.is_some() && !matches!(self.phase, Phase::Failed | Phase::Closing)
    }

    /// True if of the keys that it has of these, none will be usable again.
    pub(super) fn is_spent(&self, keys: &[KeyRef]) -> bool {
        let over = |status: &KeyStatus| matches!(status, KeyStatus::Expired | KeyStatus::Released);
        let mut found = keys.iter().filter_map(|key| self.statuses.get(key)).peekable();
        self.phase == Phase::Active && found.peek().is_some() && found.all(over)
    }

    /// True if it has this key or is expected to bring it.
    pub(super) fn covers(&self, key: &KeyRef) -> bool {
        self.keys.contains(key) || self.statuses.contains_key(key)
    }

    /// Back to the queue, without anything of the session that the device had.
    pub(super) fn requeue(&mut self, at: Timestamp) {
        self.phase = Phase::Queued;
        self.pending = None;
        self.name = None;
        self.exchanges.clear();
        self.statuses.clear();
        self.start_at = at;
        self.expires = None;
        self.renew_at = None;
        self.renewing = false;
        self.was_usable = false;
        self.no_room_since = None;
    }

    /// Sets the key system's statuses.
    pub(super) fn set_statuses(&mut self, statuses: Vec<(KeyRef, KeyStatus)>) {
        self.statuses = statuses.into_iter().collect();
        self.was_usable |= self.statuses.values().any(|status| *status == KeyStatus::Usable);
        self.name_single_key();
    }

    /// A session that began with a URI has one key. It goes by every name that it is expected under: some
    /// key systems report another one.
    pub(super) fn name_single_key(&mut self) {
        let by_uri = self.init_data().is_some_and(|data| matches!(data.kind, InitDataKind::Skd | InitDataKind::KeyUri));
        if !by_uri || self.statuses.is_empty() {
            return;
        }
        let all = self.statuses.values().copied().reduce(super::status::worse);
        for key in &self.keys {
            if let (Some(status), false) = (all, self.statuses.contains_key(key)) {
                self.statuses.insert(key.clone(), status);
            }
        }
    }

    /// Names without which it cannot be stored.
    pub(super) fn record(&self, system: KeySystem) -> Option<StoredLicence> {
        let name = self.name.clone().filter(|_| self.kind == SessionKind::PersistentLicence)?;
        let mut kids: Vec<_> = self.statuses.keys().filter_map(KeyRef::kid).collect();
        if kids.is_empty() {
            kids = self.keys.iter().filter_map(KeyRef::kid).collect();
        }
        Some(StoredLicence { system, name, key_ids: kids, expires: None, releasing: self.release })
    }

    /// When something is due.
    pub(super) fn deadline(&self, room_patience: Duration, now: Timestamp) -> Option<Timestamp> {
        let fetches = self.exchanges.iter().filter_map(|exchange| exchange.fetch.as_ref()).map(Fetch::until);
        let pending = self.pending.map(|(_, until)| until);
        let from = |since| if self.urgent { since } else { self.needed };
        let room = self.no_room_since.map(|since| from(since) + room_patience);
        let start = (self.phase == Phase::Queued && self.no_room_since.is_none()).then_some(self.start_at);
        let all = fetches.chain(pending).chain(room).chain(start).chain(self.renew_at);
        all.filter(|due| *due > now).min()
    }
}
