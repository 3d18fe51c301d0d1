//! Licences that are stored on the device.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telecine_model::protection::{KeyId, KeySystem};
use telecine_model::{Error, ErrorCode, Handling, Timestamp, WallTime};

use super::one::{Pending, Phase, Session};
use super::port::{CdmCommand, SessionId, SessionKind};
use super::{KeyAction, KeyReport, KeySessions};
use crate::system::KeyRequirement;

/// What the application keeps of a stored licence. The licence itself is in the key system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLicence {
    /// Whose it is.
    pub system: KeySystem,
    /// The key system's name of the session.
    pub name: String,
    /// Its keys.
    pub key_ids: Vec<KeyId>,
    /// When it expires; None for never, or if that is not known.
    pub expires: Option<WallTime>,
    /// It is being destroyed, and the server does not know yet: to be released again when online.
    pub releasing: bool,
}

impl KeySessions {
    pub(super) fn load_stored(&mut self, stored: &StoredLicence, requirement: Option<&KeyRequirement>, now: Timestamp) {
        let loaded = self.sessions.values_mut().find(|session| {
            let name = session.stored.as_ref().map(|stored| &stored.name).or(session.name.as_ref());
            session.is_live() && name == Some(&stored.name)
        });
        if let Some(session) = loaded {
            session.needed = session.needed.max(now);
            return;
        }
        let mut session = Session::new(self.session_id(), SessionKind::PersistentLicence, now);
        session.requirement = requirement.map(|requirement| Arc::new(requirement.clone()));
        if let Some(system) = self.system() {
            session.resolve(system);
        }
        session.expect(stored.key_ids.iter().map(|kid| (*kid).into()));
        let expired = stored.expires.zip(self.world(now)).is_some_and(|(expires, wall)| expires <= wall);
        let id = session.id;
        session.stored = Some(stored.clone());
        self.sessions.insert(id, session);
        if expired || stored.releasing || self.is_releasing(&stored.name) {
            let code = if expired { ErrorCode::LicenceExpired } else { ErrorCode::StoredLicenceMissing };
            self.without_stored(id, Error::new(code, "the stored licence cannot be used"), now);
        }
    }

    /// The time in the world, if it is known.
    fn world(&self, now: Timestamp) -> Option<WallTime> {
        let (wall, at) = self.wall?;
        let passed = i64::try_from(now.since(at).as_micros()).unwrap_or(i64::MAX);
        Some(WallTime::from_micros(wall.as_micros().saturating_add(passed)))
    }

    pub(super) fn on_loaded(&mut self, id: SessionId, found: bool, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.phase == Phase::Loading) else {
            return;
        };
        if !found {
            return self.not_stored(id, now);
        }
        if session.release {
            return self.remove(id, now);
        }
        // Its keys follow.
        session.phase = Phase::Generating;
        session.pending = Some((Pending::Keys, until));
    }

    /// The key system does not have the licence.
    pub(super) fn not_stored(&mut self, id: SessionId, now: Timestamp) {
        let Some(stored) = self.sessions.get(&id).and_then(|session| session.stored.clone()) else {
            return;
        };
        self.actions.push_back(KeyAction::Forget { name: stored.name.clone() });
        let release = self.sessions.get(&id).is_some_and(|session| session.release);
        if release {
            // Nothing is left to destroy.
            self.reports.push_back(KeyReport::Released { name: stored.name, acknowledged: false });
            if let Some(session) = self.sessions.get_mut(&id) {
                session.stored = None;
            }
            return self.close(id, now);
        }
        let message = "the key system no longer has the stored licence";
        self.without_stored(id, Error::new(ErrorCode::StoredLicenceMissing, message), now);
    }

    /// Asks for a new licence in place of a stored one, if it is known how.
    pub(super) fn without_stored(&mut self, id: SessionId, error: Error, now: Timestamp) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.stored = None;
        session.name = None;
        if session.init_data().is_none() {
            return self.fail(id, error, now);
        }
        if session.is_open() {
            session.requeue(now);
            self.cdm(CdmCommand::Close { session: id });
            self.rename(id);
        }
        self.reports.push_back(KeyReport::Recovered(error.recovered(Handling::Replaced)));
    }

    pub(super) fn release_stored(&mut self, stored: &StoredLicence, now: Timestamp) {
        if self.is_releasing(&stored.name) {
            return;
        }
        // A key system has one session of a name at a time (W3C EME, `load()`): if there is one, it is that.
        let id = self.session_of(stored).unwrap_or_else(|| {
            let id = self.session_id();
            self.sessions.insert(id, Session::new(id, SessionKind::PersistentLicence, now));
            id
        });
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        // What is not there yet is destroyed when it is: once it is loaded, or granted.
        let there = match session.phase {
            Phase::Active => true,
            Phase::Generating => session.stored.is_some(),
            _ => false,
        };
        session.release = true;
        session.stored = Some(stored.clone());
        session.renew_at = None;
        if let Some(old) = session.replaces.take() {
            self.renewal_failed(old, now);
        }
        if there {
            self.remove(id, now);
        }
        if let Some(error) = self.failure.clone() {
            self.fail(id, error, now);
        }
    }

    /// The session that has a stored licence, or will.
    fn session_of(&self, stored: &StoredLicence) -> Option<SessionId> {
        let has = |session: &Session| match &session.stored {
            Some(known) => (known.system, &known.name) == (stored.system, &stored.name),
            None => self.system() == Some(stored.system) && session.name.as_ref() == Some(&stored.name),
        };
        self.sessions.values().find(|session| session.is_live() && has(session)).map(|session| session.id)
    }

    /// Destroys the licence of a session.
    pub(super) fn remove(&mut self, id: SessionId, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        if let Some(session) = self.sessions.get_mut(&id) {
            session.phase = Phase::Removing;
            session.pending = Some((Pending::Remove, until));
            self.cdm(CdmCommand::Remove { session: id });
        }
    }

    /// A licence is destroyed.
    pub(super) fn released(&mut self, session: &Session, acknowledged: bool) {
        let stored = session.stored.clone();
        let Some(name) = stored.as_ref().map(|stored| stored.name.clone()).or_else(|| session.name.clone()) else {
            return;
        };
        self.reports.push_back(KeyReport::Released { name: name.clone(), acknowledged });
        match stored.filter(|_| !acknowledged) {
            Some(stored) => self.actions.push_back(KeyAction::Store(StoredLicence { releasing: true, ..stored })),
            None => self.actions.push_back(KeyAction::Forget { name }),
        }
    }

    /// Has the application keep what it needs to load the licence again.
    pub(super) fn store(&mut self, id: SessionId) {
        let (Some(system), Some(session)) = (self.system(), self.sessions.get(&id)) else {
            return;
        };
        let Some(mut record) = session.record(system) else {
            return;
        };
        if let (Some(expires), Some((wall, at))) = (session.expires, self.wall) {
            let left = i64::try_from(expires.since(at).as_micros()).unwrap_or(i64::MAX);
            record.expires = Some(WallTime::from_micros(wall.as_micros().saturating_add(left)));
        }
        self.actions.push_back(KeyAction::Store(record));
    }
}
