//! Sessions from the queue to their end.

use std::sync::Arc;

use telecine_model::rng::scale;
use telecine_model::{Error, ErrorCode, Handling, Timestamp};

use super::one::{Pending, Phase, Session};
use super::port::{CdmCommand, CdmFailure, CdmFailureKind, CloseReason, SessionId, SessionKind};
use super::stored::StoredLicence;
use super::{KeyAction, KeyReport, KeySessions, When};
use crate::system::KeyRequirement;

/// Whether a session that is wanted is there already.
enum Joined {
    Yes,
    No,
    /// It is, but its licence has expired.
    Replaces(SessionId),
}

impl KeySessions {
    pub(super) fn session_id(&mut self) -> SessionId {
        SessionId(self.next_id())
    }

    /// A session for a requirement, unless there is one.
    pub(super) fn want(
        &mut self,
        requirement: Arc<KeyRequirement>,
        replaces: Option<SessionId>,
        when: When,
        now: Timestamp,
    ) {
        let persistent = self.plan().is_some_and(|plan| plan.persistent);
        let kind = if persistent { SessionKind::PersistentLicence } else { SessionKind::Temporary };
        let mut session = Session::new(SessionId(0), kind, now);
        session.requirement = Some(requirement);
        session.replaces = replaces;
        if let Some(system) = self.system() {
            session.resolve(system);
        }
        match when {
            When::Now => {}
            When::By(at) => {
                session.urgent = false;
                session.needed = at;
                // Not all players at once, and early enough for a second try.
                let span = self.policy.prefetch_spread.min(at.since(now) / 2);
                let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
                session.start_at = now + std::time::Duration::from_micros(scale(self.rng.next_u64(), micros));
            }
        }
        if replaces.is_none() {
            match self.join(&session, now) {
                Joined::Yes => return,
                Joined::No => {}
                Joined::Replaces(old) => session.replaces = Some(old),
            }
        }
        session.id = self.session_id();
        let waiting = self.sessions.values().filter(|session| session.phase != Phase::Failed).count();
        if waiting >= self.limits.key_sessions && !self.drop_idle() {
            let error = Error::new(ErrorCode::SessionLimit, "more key sessions than the limit");
            self.reports.push_back(KeyReport::SessionFailed { session: session.id, keys: session.keys, error });
            return;
        }
        self.sessions.insert(session.id, session);
    }

    /// Finds a session that has what this one would bring: the same initialisation data, or all its keys.
    fn join(&mut self, new: &Session, now: Timestamp) -> Joined {
        let same = |known: &Session| {
            let data = match (known.init_data(), new.init_data()) {
                (Some(a), Some(b)) => a == b,
                // Before a key system is chosen, requirements themselves are compared.
                (None, None) => known.requirement == new.requirement,
                _ => false,
            };
            // A session that has failed is not tried again until the application says so.
            let failed = known.failure.is_some();
            let keys = !failed && !new.keys.is_empty() && new.keys.iter().all(|key| known.covers(key));
            (known.is_live() || failed) && !known.release && (data || keys)
        };
        let replaced: Vec<_> = self.sessions.values().filter_map(|session| session.replaces).collect();
        let Some(known) = self
            .sessions
            .values_mut()
            .filter(|known| same(known))
            .max_by_key(|known| (known.failure.is_none(), known.id))
        else {
            return Joined::No;
        };
        known.expect(new.keys.iter().cloned());
        known.name_single_key();
        known.needed = known.needed.max(new.needed);
        if new.urgent && !known.urgent {
            known.urgent = true;
            known.start_at = known.start_at.min(new.start_at);
        }
        let spent = known.is_spent(&new.keys) && known.was_usable && known.revive_at <= now;
        match spent && !known.renewing && !replaced.contains(&known.id) {
            true => Joined::Replaces(known.id),
            false => Joined::Yes,
        }
    }

    /// Applies the key system in use to every session that waits; those that turn out equal are one.
    pub(super) fn resolve_all(&mut self) {
        let Some(system) = self.system() else {
            return;
        };
        let persistent = self.plan().is_some_and(|plan| plan.persistent);
        let ids: Vec<_> = self.sessions.keys().copied().collect();
        for id in ids {
            let Some(mut session) = self.sessions.remove(&id) else {
                continue;
            };
            if session.phase == Phase::Queued {
                session.resolve(system);
                if persistent {
                    session.kind = SessionKind::PersistentLicence;
                }
                if session.stored.is_none() && matches!(self.join(&session, self.now), Joined::Yes) {
                    continue;
                }
            }
            self.sessions.insert(id, session);
        }
    }

    /// Opens what may be opened, as far as there is room.
    pub(super) fn open_sessions(&mut self, now: Timestamp) {
        loop {
            let due =
                self.sessions.values().filter(|session| session.phase == Phase::Queued && session.start_at <= now);
            let due = due.filter(|session| !self.is_name_closing(session));
            let Some(next) = due.min_by_key(|session| (!session.urgent, session.needed, session.id)) else {
                return;
            };
            let (id, urgent, needed, replaces) = (next.id, next.urgent, next.needed, next.replaces);
            let foreign = next.stored.as_ref().is_some_and(|stored| Some(stored.system) != self.system());
            if foreign && next.release {
                let message = "the stored licence is of another key system than the one in use";
                self.fail(id, Error::new(ErrorCode::KeySystemUnavailable, message), now);
                continue;
            }
            if foreign {
                let message = "the stored licence is of another key system";
                self.without_stored(id, Error::new(ErrorCode::StoredLicenceMissing, message), now);
                continue;
            }
            if next.stored.is_none() && next.init_data().is_none() {
                let message = "the content has nothing that a key session could begin with";
                self.fail(id, Error::new(ErrorCode::KeyUnavailable, message), now);
                continue;
            }
            if self.open_count() < self.room() {
                self.create(id, now);
                continue;
            }
            let closing = self.sessions.values().any(|session| session.phase == Phase::Closing);
            if !closing && !self.evict(needed, urgent, now) && !self.swap(replaces, now) {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.no_room_since.get_or_insert(now);
                }
            }
            return;
        }
    }

    /// True if a session of the stored licence is not closed yet: until then no other can load it (W3C EME, `load()`).
    fn is_name_closing(&self, session: &Session) -> bool {
        let closing = |name| {
            self.sessions.values().any(|other| other.phase == Phase::Closing && other.name.as_ref() == Some(name))
        };
        session.stored.as_ref().is_some_and(|stored| closing(&stored.name))
    }

    fn create(&mut self, id: SessionId, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.phase = Phase::Creating;
        session.pending = Some((Pending::Create, until));
        session.no_room_since = None;
        session.opened = now;
        let kind = session.kind;
        self.cdm(CdmCommand::Create { session: id, kind });
    }

    fn open_count(&self) -> usize {
        self.sessions.values().filter(|session| session.is_open()).count()
    }

    fn room(&self) -> usize {
        let device = self.plan().and_then(|plan| plan.capability.max_sessions).unwrap_or(self.policy.max_sessions);
        device.min(self.learned_room.unwrap_or(usize::MAX)).min(self.limits.key_sessions).max(1)
    }

    fn is_in_use(&self, session: &Session) -> bool {
        self.in_use.iter().any(|key| session.covers(key))
    }

    /// Closes the session whose need lies furthest back, unless all are needed more than the new one.
    fn evict(&mut self, needed: Timestamp, urgent: bool, now: Timestamp) -> bool {
        let idle = self.sessions.values().filter(|session| {
            let at_rest = session.phase == Phase::Active && session.exchanges.is_empty();
            let in_the_way = urgent && !session.urgent && matches!(session.phase, Phase::Creating | Phase::Generating);
            (at_rest || in_the_way) && !session.release && !self.is_in_use(session)
        });
        // Who is needed later than the new one is closed only for one that is needed now.
        let idle = idle.filter(|session| urgent || session.needed <= needed);
        let Some(id) = idle.min_by_key(|session| (session.needed, session.id)).map(|session| session.id) else {
            return false;
        };
        self.close(id, now);
        true
    }

    /// Where there is room for nothing more, a session makes way for the one that replaces it, but not
    /// before its keys are about to expire.
    fn swap(&mut self, replaced: Option<SessionId>, now: Timestamp) -> bool {
        let patience = self.policy.room_patience;
        let old = replaced.and_then(|id| self.sessions.get(&id)).filter(|old| old.phase == Phase::Active);
        let last = |old: &Session| old.expires.is_none_or(|expires| expires <= now + patience);
        let Some(id) = old.filter(|old| last(old)).map(|old| old.id) else {
            return false;
        };
        self.close(id, now);
        true
    }

    /// Drops a session that only waits for its time, for want of any room at all.
    fn drop_idle(&mut self) -> bool {
        let waiting = self.sessions.values().filter(|session| session.phase == Phase::Queued && !session.urgent);
        let Some(id) = waiting.max_by_key(|session| session.needed).map(|session| session.id) else {
            return false;
        };
        self.sessions.remove(&id).is_some()
    }

    /// Closes a session, or takes it out of the queue.
    pub(super) fn close(&mut self, id: SessionId, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        let Some(mut session) = self.sessions.remove(&id) else {
            return;
        };
        self.cancel_all(&session);
        session.exchanges.clear();
        if !session.is_open() {
            return;
        }
        if session.phase != Phase::Closing {
            session.phase = Phase::Closing;
            session.pending = Some((Pending::Close, until));
            session.renew_at = None;
            self.cdm(CdmCommand::Close { session: id });
        }
        self.sessions.insert(id, session);
    }

    pub(super) fn cancel_all(&mut self, session: &Session) {
        for fetch in session.exchanges.iter().filter_map(|exchange| exchange.fetch.as_ref()) {
            self.cancel(fetch);
        }
    }

    /// Ends a session with an error; what stays is the memory that it failed.
    pub(super) fn fail(&mut self, id: SessionId, error: Error, now: Timestamp) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let keys = session.keys.clone();
        session.failure = Some(error.clone());
        session.statuses.clear();
        let (open, release, stored) = (session.is_open(), session.release, session.stored.clone());
        let replaced = session.replaces.take();
        if replaced.is_some() {
            // The session that it was to replace is the memory.
            session.remembered = false;
        }
        match stored.filter(|_| release) {
            Some(stored) => {
                // To be told to the server another time.
                let error = error.fact("licence", &stored.name);
                self.reports.push_back(KeyReport::Recovered(error.recovered(Handling::Skipped)));
                self.actions.push_back(KeyAction::Store(StoredLicence { releasing: true, ..stored }));
            }
            None => self.reports.push_back(KeyReport::SessionFailed { session: id, keys, error }),
        }
        if let Some(old) = replaced {
            self.renewal_failed(old, now);
        }
        if open {
            self.close(id, now);
        } else if let Some(mut session) = self.sessions.remove(&id) {
            session.phase = Phase::Closing;
            self.bury(session);
        }
    }

    pub(super) fn on_created(&mut self, id: SessionId, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.phase == Phase::Creating) else {
            return;
        };
        let keys = session.keys.len();
        let command = match (&session.stored, session.init_data().cloned()) {
            (Some(stored), _) => {
                session.phase = Phase::Loading;
                session.pending = Some((Pending::Load, until));
                session.name = Some(stored.name.clone());
                CdmCommand::Load { session: id, name: stored.name.clone() }
            }
            (None, Some(init_data)) => {
                session.phase = Phase::Generating;
                session.pending = Some((Pending::Generate, until));
                CdmCommand::GenerateRequest { session: id, init_data }
            }
            (None, None) => return,
        };
        self.cdm(command);
        self.reports.push_back(KeyReport::SessionOpened { session: id, keys });
    }

    pub(super) fn on_named(&mut self, id: SessionId, name: String) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.name = Some(name);
            if session.phase == Phase::Active {
                self.store(id);
            }
        }
    }

    pub(super) fn on_closed(&mut self, id: SessionId, reason: CloseReason, now: Timestamp) {
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        if !session.is_open() {
            self.sessions.insert(id, session);
            return;
        }
        self.cancel_all(&session);
        self.reports.push_back(KeyReport::SessionClosed { session: id, reason: Some(reason) });
        if session.phase == Phase::Closing {
            return self.bury(session);
        }
        if session.phase == Phase::Removing {
            return self.released(&session, reason == CloseReason::ReleaseAcknowledged);
        }
        let release = session.release;
        match reason {
            CloseReason::ReleaseAcknowledged if release => self.released(&session, true),
            CloseReason::ClosedByApplication if release => {
                let message = "the key system closed the session before the licence was destroyed";
                self.sessions.insert(id, Session { phase: Phase::Queued, pending: None, ..session });
                self.fail(id, Error::new(ErrorCode::CdmFailed, message), now);
            }
            CloseReason::ClosedByApplication | CloseReason::ReleaseAcknowledged => {
                if let Some(old) = session.replaces {
                    self.renewal_failed(old, now);
                }
            }
            CloseReason::InternalError => {
                self.sessions.insert(id, session);
                let error = Error::new(ErrorCode::CdmFailed, "the key system closed a session because it broke");
                self.restart(error, now);
            }
            CloseReason::HardwareContextReset | CloseReason::ResourceEvicted => {
                if reason == CloseReason::ResourceEvicted {
                    // The device told how many it can have.
                    self.learned_room = Some(self.open_count().max(1));
                }
                let again = reason == CloseReason::HardwareContextReset || self.is_in_use(&session) || session.urgent;
                if release || (session.requirement.is_some() && again) {
                    self.reopen(session, now);
                }
            }
        }
    }

    /// Opens a session again that the device has lost, a few times.
    fn reopen(&mut self, mut session: Session, now: Timestamp) {
        let id = self.session_id();
        session.reopened += 1;
        let tries = session.reopened;
        session.requeue(now);
        session.id = id;
        self.sessions.insert(id, session);
        if tries > self.policy.reopenings {
            let error = Error::new(ErrorCode::CdmFailed, "the device loses a key session again and again");
            self.fail(id, error.fact("reopened", tries - 1), now);
        }
    }

    /// A session is closed; if it has failed, that is remembered.
    pub(super) fn bury(&mut self, mut session: Session) {
        if session.failure.is_some() && session.remembered && !session.release {
            session.phase = Phase::Failed;
            session.pending = None;
            session.renew_at = None;
            self.sessions.insert(session.id, session);
            // The oldest failures are forgotten first.
            let failed = || self.sessions.values().filter(|session| session.phase == Phase::Failed);
            if failed().count() > self.limits.key_sessions {
                if let Some(id) = failed().map(|session| session.id).next() {
                    self.sessions.remove(&id);
                }
            }
        }
    }

    pub(super) fn on_failed(&mut self, id: SessionId, failure: CdmFailure, now: Timestamp) {
        let others = self.open_count().saturating_sub(1);
        let reopenings = self.policy.reopenings;
        let pause = self.policy.first_pause;
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.is_open()) else {
            return;
        };
        let pending = session.pending.take().map(|(pending, _)| pending);
        match (failure.kind, pending) {
            (_, Some(Pending::Close)) => {
                // It is gone one way or the other.
                if let Some(session) = self.sessions.remove(&id) {
                    self.reports.push_back(KeyReport::SessionClosed { session: id, reason: None });
                    self.bury(session);
                }
            }
            (CdmFailureKind::NotProvisioned, _) => {
                session.requeue(now);
                if !self.provision(now) {
                    let message = "the device asks to be provisioned again and again";
                    let error = self.cdm_error(ErrorCode::ProvisioningFailed, message, &failure);
                    self.fail(id, error, now);
                }
            }
            (CdmFailureKind::Quota, Some(Pending::Create | Pending::Load | Pending::Generate)) => {
                session.reopened += 1;
                if others == 0 || session.reopened > reopenings {
                    let error =
                        self.cdm_error(ErrorCode::SessionLimit, "the device has no room for a key session", &failure);
                    return self.fail(id, error, now);
                }
                // A session that exists and has no room for its licence is closed first.
                let exists = pending != Some(Pending::Create);
                session.requeue(now);
                self.learned_room = Some(others.max(1));
                if exists {
                    self.cdm(CdmCommand::Close { session: id });
                    self.rename(id);
                }
            }
            (CdmFailureKind::Transient, Some(Pending::Create | Pending::Load | Pending::Generate))
                if session.reopened < reopenings =>
            {
                session.reopened += 1;
                let exists = pending != Some(Pending::Create);
                session.requeue(now + pause.saturating_mul(session.reopened));
                if exists {
                    self.cdm(CdmCommand::Close { session: id });
                    self.rename(id);
                }
            }
            (CdmFailureKind::InvalidData, Some(Pending::Load)) => self.not_stored(id, now),
            _ if session.phase == Phase::Active && session.renewing => {
                session.exchanges.retain(|exchange| exchange.fetch.is_some());
                self.renewal_failed(id, now);
            }
            (kind, pending) => {
                let (code, message) = match (kind, pending) {
                    (CdmFailureKind::InvalidData, Some(Pending::Generate)) => {
                        (ErrorCode::InitDataInvalid, "the key system does not accept the initialisation data")
                    }
                    (CdmFailureKind::InvalidData, Some(Pending::Update | Pending::Keys)) => {
                        (ErrorCode::LicenceInvalid, "the key system does not accept the licence")
                    }
                    (CdmFailureKind::Denied, _) => (ErrorCode::LicenceRefused, "the key system was denied"),
                    (CdmFailureKind::NotSupported, _) => {
                        (ErrorCode::CdmFailed, "the key system cannot do what the content needs")
                    }
                    _ => (ErrorCode::CdmFailed, "the key system failed"),
                };
                let error = self.cdm_error(code, message, &failure);
                self.fail(id, error, now);
            }
        }
    }

    /// Gives a queued session a new name, so that what its old one still reports is not looked at.
    pub(super) fn rename(&mut self, id: SessionId) {
        let new = self.session_id();
        if let Some(mut session) = self.sessions.remove(&id) {
            session.id = new;
            self.sessions.insert(new, session);
        }
    }
}
