//! Releases of stored licences: one after another, each to its end.
//!
//! The device has one key system open at a time. Another one is opened for a release only when no title needs the
//! one that is open; and a release gives way to a title of another key system, and is begun anew after that.

use std::collections::VecDeque;

use telecine_drm::session::StoredLicence;
use telecine_drm::system::{choose, DrmPreferences};
use telecine_model::protection::KeySystem;
use telecine_model::{Error, ErrorCode, Handling, Timestamp};

use super::facts::KeyFact;
use super::licences::Licences;

/// Stored licences that are to be destroyed.
#[derive(Default)]
pub(super) struct Releases {
    /// In the order in which they were asked for, but that one is passed over whose key system is not the title's.
    waiting: VecDeque<StoredLicence>,
    /// The one that key sessions are at.
    under_way: Option<StoredLicence>,
    /// The key system that is open was opened with what the application brought last.
    pub(super) set_up: bool,
}

impl Releases {
    /// Whether a licence is one of those.
    pub(super) fn has(&self, licence: &StoredLicence) -> bool {
        let same = |known: &&StoredLicence| (known.system, &known.name) == (licence.system, &licence.name);
        self.waiting.iter().chain(&self.under_way).any(|known| same(&known))
    }

    /// Whether one of those is of a key system.
    pub(super) fn has_of(&self, system: KeySystem) -> bool {
        self.waiting.iter().chain(&self.under_way).any(|licence| licence.system == system)
    }
}

impl Licences {
    /// Has a stored licence destroyed, as soon as that can be.
    pub(crate) fn release(&mut self, licence: StoredLicence) {
        self.setup.stored.retain(|known| known.name != licence.name);
        if !self.releases.has(&licence) {
            self.releases.waiting.push_back(licence);
        }
    }

    /// Another key system than `system` is to be left alone: what is under way there begins anew, before the others.
    pub(super) fn make_way_for(&mut self, system: Option<KeySystem>, now: Timestamp) {
        if let Some(licence) = self.releases.under_way.take_if(|licence| Some(licence.system) != system) {
            // One that has come to its end in this moment is not begun again.
            if !self.sessions.take_releases(now).is_empty() {
                self.releases.waiting.push_front(licence);
            }
        }
    }

    /// Begins the next release that can be, once the one before is at its end; true if one was begun.
    pub(super) fn go_on_releasing(&mut self, now: Timestamp, facts: &mut Vec<KeyFact>) -> bool {
        // The title may have gone over to another key system by itself.
        let working = self.sessions.system().filter(|_| self.sessions.failure().is_none());
        if let Some(system) = working {
            self.make_way_for(Some(system), now);
        }
        if self.releases.under_way.as_ref().is_some_and(|licence| self.sessions.is_releasing(&licence.name)) {
            return false;
        }
        self.releases.under_way = None;
        if !self.started && self.sessions.failure().is_some() {
            // Of the release that was; it says nothing about a title.
            self.sessions.stop(now);
        }
        loop {
            let may = |licence: &StoredLicence| !self.started || working == Some(licence.system);
            let next = self.releases.waiting.iter().position(may);
            let Some(licence) = next.and_then(|at| self.releases.waiting.remove(at)) else { return false };
            if !self.opens_for(&licence, now, facts) {
                continue;
            }
            self.sessions.release(&licence, now);
            self.releases.under_way = Some(licence);
            return true;
        }
    }

    /// Opens the key system of a stored licence, unless it is open; false if the device does not have it.
    fn opens_for(&mut self, licence: &StoredLicence, now: Timestamp, facts: &mut Vec<KeyFact>) -> bool {
        let open = self.sessions.system() == Some(licence.system) && self.sessions.failure().is_none();
        if open && (self.started || self.releases.set_up) {
            return true;
        }
        let mut device = self.setup.capabilities();
        device.systems.retain(|system| system.system == licence.system);
        let wishes = DrmPreferences { persistent: true, ..self.setup.wishes() };
        match choose(&[], &device, &wishes) {
            Ok(choice) => {
                self.releases.set_up = true;
                self.sessions.start(choice, now);
                true
            }
            Err(error) => {
                let message = "the device does not have the key system of the stored licence";
                let error = Error::new(ErrorCode::KeySystemUnavailable, message)
                    .fact("key_system", licence.system)
                    .fact("licence", &licence.name)
                    .fact("cause", error.message());
                facts.push(KeyFact::Recovered(error.recovered(Handling::Skipped)));
                let kept = StoredLicence { releasing: true, ..licence.clone() };
                self.setup.stored_licence(kept.clone());
                facts.push(KeyFact::Store(kept));
                false
            }
        }
    }
}
