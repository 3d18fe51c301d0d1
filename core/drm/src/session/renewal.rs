//! Keys arrive, expire and are made new; and what takes too long.

use std::time::Duration;

use telecine_model::protection::{KeyRef, KeyStatus};
use telecine_model::rng::scale;
use telecine_model::{Error, ErrorCode, Timestamp};

use super::one::{Pending, Phase};
use super::port::{CdmCommand, SessionId, SessionKind};
use super::retry::FetchState;
use super::{KeyAction, KeyReport, KeySessions, When};
use crate::system::Renewal;

impl KeySessions {
    pub(super) fn on_statuses(&mut self, id: SessionId, statuses: Vec<(KeyRef, KeyStatus)>, now: Timestamp) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if !matches!(session.phase, Phase::Loading | Phase::Generating | Phase::Active | Phase::Removing) {
            return;
        }
        if statuses.len() > self.limits.key_ids {
            let error = Error::new(ErrorCode::CdmFailed, "the key system reports more keys than the limit");
            return self.fail(id, error, now);
        }
        session.set_statuses(statuses);
        if session.release && session.phase == Phase::Generating && !session.statuses.is_empty() {
            // The licence that was to be destroyed as soon as it is there.
            return self.remove(id, now);
        }
        if session.release || session.phase == Phase::Removing || session.statuses.is_empty() {
            // Keys that are only there to be destroyed; no keys yet, or none any more.
            return;
        }
        if matches!(session.pending, Some((Pending::Generate | Pending::Keys | Pending::Load, _))) {
            session.pending = None;
        }
        let first = session.phase != Phase::Active;
        session.phase = Phase::Active;
        let (keys, after, kind) = (session.statuses.len(), now.since(session.opened), session.kind);
        let expired = session.statuses.values().all(|status| *status == KeyStatus::Expired);
        let usable = session.statuses.values().any(|status| *status == KeyStatus::Usable);
        if usable {
            // What the device loses from now on is another story.
            session.reopened = 0;
        }
        let replaces = if usable { session.replaces.take() } else { None };
        if first {
            self.reports.push_back(KeyReport::KeysArrived { session: id, after, keys });
            if kind == SessionKind::PersistentLicence {
                self.store(id);
            }
        }
        if let Some(old) = replaces {
            self.close(old, now);
        }
        let Some(session) = self.sessions.get(&id).filter(|_| expired) else {
            return;
        };
        if session.was_usable {
            self.renew(id, now);
        } else if session.stored.is_some() {
            let message = "the stored licence has expired";
            self.without_stored(id, Error::new(ErrorCode::LicenceExpired, message), now);
        }
        // A licence that was never usable is not made new: the next one would be no better.
    }

    pub(super) fn on_expiration(&mut self, id: SessionId, left: Option<Duration>, now: Timestamp) {
        let ahead = self.policy.renew_ahead;
        let draw = self.rng.next_u64();
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.is_live()) else {
            return;
        };
        session.expires = left.map(|left| now + left);
        session.renew_at = left.map(|left| {
            // At most half of the licence's time ahead; up to a quarter of that earlier, not all at once.
            let ahead = ahead.min(left / 2);
            let earlier = scale(draw, u64::try_from((ahead / 4).as_micros()).unwrap_or(u64::MAX));
            now + left.saturating_sub(ahead + Duration::from_micros(earlier))
        });
        if left.is_none_or(|left| left > Duration::ZERO) {
            session.renewing = false;
        }
        let persistent = session.kind == SessionKind::PersistentLicence && session.phase == Phase::Active;
        self.reports.push_back(KeyReport::Expires { session: id, left });
        if persistent {
            self.store(id);
        }
    }

    /// Makes a licence new, unless that is under way or nobody needs its keys.
    fn renew(&mut self, id: SessionId, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        let style = self.plan().map(|plan| plan.capability.renewal).unwrap_or_default();
        let replaced = self.sessions.values().any(|session| session.replaces == Some(id));
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.phase == Phase::Active) else {
            return;
        };
        let needed = self.in_use.iter().any(|key| session.covers(key));
        // What nobody needs stays due, for when somebody does.
        if session.renewing || replaced || !session.exchanges.is_empty() || !needed || session.revive_at > now {
            return;
        }
        session.renew_at = None;
        let Some((requirement, init_data)) = session.requirement.clone().zip(session.init_data().cloned()) else {
            return;
        };
        session.renewing = true;
        match style {
            Renewal::SameSession => {
                session.pending = Some((Pending::Generate, until));
                self.cdm(CdmCommand::GenerateRequest { session: id, init_data });
            }
            Renewal::NewSession => self.want(requirement, Some(id), When::Now, now),
        }
    }

    /// A licence could not be made new: once more when half of what is left has passed, but not at once.
    pub(super) fn renewal_failed(&mut self, id: SessionId, now: Timestamp) {
        let least = self.policy.longest_pause;
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.phase == Phase::Active) {
            session.renewing = false;
            let left = session.expires.map_or(Duration::ZERO, |expires| expires.since(now));
            session.revive_at = now + least;
            session.renew_at = (left > least).then(|| now + (left / 2).max(least));
        }
    }

    pub(super) fn session_timers(&mut self, id: SessionId, now: Timestamp) {
        self.fetch_timers(id, now);
        let room_patience = self.policy.room_patience;
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.renew_at.is_some_and(|due| due <= now) {
            self.renew(id, now);
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.urgent && session.no_room_since.is_some_and(|since| since + room_patience <= now) {
            let message = "every key session that the device has room for is in use";
            return self.fail(id, Error::new(ErrorCode::SessionLimit, message), now);
        }
        if !session.urgent && session.no_room_since.is_some() && session.needed + room_patience <= now {
            // There was no room for it by its time. Who still needs it says so.
            self.close(id, now);
            return;
        }
        let Some((pending, _)) = session.pending.filter(|(_, until)| *until <= now) else {
            return;
        };
        session.pending = None;
        // An answer that it did not take is lost.
        session.exchanges.retain(|exchange| exchange.fetch.is_some());
        match pending {
            Pending::Close => {
                // Late news of it are not looked at, so it can be taken for closed.
                self.reports.push_back(KeyReport::SessionClosed { session: id, reason: None });
                if let Some(session) = self.sessions.remove(&id) {
                    self.bury(session);
                }
            }
            _ if session.renewing && session.phase == Phase::Active => self.renewal_failed(id, now),
            pending => {
                let message = format!("the key system did not react in time to {pending:?}");
                self.fail(id, Error::new(ErrorCode::CdmFailed, message), now);
            }
        }
    }

    /// Requests that are given up, and those that are sent again.
    fn fetch_timers(&mut self, id: SessionId, now: Timestamp) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let mut due = Vec::new();
        for fetch in session.exchanges.iter().filter_map(|exchange| exchange.fetch.as_ref()) {
            if fetch.until() <= now {
                due.push(fetch.state);
            }
        }
        for state in due {
            match state {
                FetchState::Sent { id: request, .. } => {
                    self.actions.push_back(KeyAction::Cancel(request));
                    self.on_session_answer(request, Err(ErrorCode::Timeout), now);
                }
                FetchState::Pausing { .. } => self.send_again(id, now),
            }
        }
    }
}
