//! A player's loop around key sessions, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_model::{Limits, Timestamp};

use super::server::ScriptedServer;
use crate::session::{Cdm, KeyAction, KeyInput, KeyReport, KeySessions, RequestId, SessionPolicy, StoredLicence};

/// Key sessions with a key system, a server and a store, and a clock that is a number. What a player does
/// with them is the body of [`Rig::run_for`].
#[derive(Debug)]
pub struct Rig<C> {
    /// The sessions.
    pub sessions: KeySessions,
    /// The key system.
    pub cdm: C,
    /// The server.
    pub server: ScriptedServer,
    /// The time.
    pub now: Timestamp,
    /// Every report, in order.
    pub reports: Vec<(Timestamp, KeyReport)>,
    /// Stored licences by name.
    pub stored: BTreeMap<String, StoredLicence>,
    /// Requests that were given up.
    pub cancelled: Vec<RequestId>,
}

/// What can happen at one moment, at most.
const TURNS: usize = 10_000;

impl<C: Cdm> Rig<C> {
    /// A rig around a key system.
    pub fn new(cdm: C, policy: SessionPolicy, seed: u64) -> Self {
        Self {
            sessions: KeySessions::new(policy, &Limits::default(), seed),
            cdm,
            server: ScriptedServer::default(),
            now: Timestamp::from_millis(1000),
            reports: Vec::new(),
            stored: BTreeMap::new(),
            cancelled: Vec::new(),
        }
    }

    /// Lets things happen for a span of time.
    ///
    /// # Panics
    /// If time stands still because things follow from one another without an end: a test says so instead of
    /// never ending.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        let (mut stood_at, mut turns) = (self.now, 0);
        loop {
            self.drain();
            turns = if self.now == stood_at { turns + 1 } else { 0 };
            stood_at = self.now;
            assert!(turns < TURNS, "time stands still at {stood_at:?}: {:?}", self.sessions.deadline());
            if let Some(event) = self.cdm.poll(self.now) {
                self.sessions.handle(KeyInput::Cdm(event), self.now);
                continue;
            }
            if let Some((request, answer)) = self.server.poll(self.now) {
                self.sessions.handle(KeyInput::Answer { request, answer }, self.now);
                continue;
            }
            let next =
                [self.cdm.deadline(), self.server.deadline(), self.sessions.deadline()].into_iter().flatten().min();
            match next.filter(|next| *next <= end) {
                Some(next) => {
                    self.now = self.now.max(next);
                    self.sessions.handle(KeyInput::Timer, self.now);
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
    }

    /// Hands on what the sessions want done.
    pub fn drain(&mut self) {
        while let Some(action) = self.sessions.poll() {
            match action {
                KeyAction::Cdm(command) => self.cdm.execute(command, self.now),
                KeyAction::Request(request) => self.server.request(&request, self.now),
                KeyAction::Cancel(request) => self.cancelled.push(request),
                KeyAction::Store(licence) => {
                    self.stored.insert(licence.name.clone(), licence);
                }
                KeyAction::Forget { name } => {
                    self.stored.remove(&name);
                }
            }
        }
        while let Some(report) = self.sessions.poll_report() {
            self.reports.push((self.now, report));
        }
    }
}
