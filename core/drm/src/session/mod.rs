//! Key sessions along the life cycle of W3C EME, without a clock, a network or a CDM of their own.
//!
//! [`KeySessions`] is told which keys are needed ([`KeySessions::require`]) and what happens
//! ([`KeySessions::handle`]: the key system's events, servers' answers, timers), and says what to do
//! ([`KeySessions::poll`]: commands to the key system, requests to servers, licences to store) and when it
//! wants to be called again ([`KeySessions::deadline`]). [`KeySessions::judge`] says which renditions can be
//! played with the keys that are there.
//!
//! - One session for each distinct initialisation data; keys that a session has or will have are not asked
//!   for twice.
//! - The key system is opened, given its certificate and provisioned before the first session; if it is
//!   refused, the next one of the choice is taken.
//! - Requests are made again after pauses that grow, at the next server if there are several, within a
//!   budget. Who is told that the viewer may not, does not ask again.
//! - Sessions that are needed later wait for a moment drawn from a span; those that are needed now go first.
//!   When the device has no more room, the session whose need lies furthest back is closed; those in use are
//!   never.
//! - A licence is made new before it expires, as long as its keys are in use.
//! - What arrives late, for a request that was given up, a session that is closed or a key system that was left, is not
//!   looked at.
//! - At the end of a title everything of it is given up, requests for certificates and provisioning included. A
//!   stored licence that is being destroyed goes on being so, with what it needs of the key system.
//!
//! ```
//! use telecine_drm::clearkey::ClearKeyCdm;
//! use telecine_drm::session::{Availability, Cdm, KeyAction, KeyInput, KeyResponse, KeySessions, SessionPolicy, When};
//! use telecine_drm::system::{choose, DrmCapabilities, DrmPreferences, KeyRequirement, Need, SystemCapability};
//! use telecine_model::protection::{KeyId, KeySystem, Protection};
//! use telecine_model::{Limits, Timestamp, TrackKind};
//!
//! // What the MPD says of a rendition.
//! let descriptor = Protection {
//!     scheme: "cenc".to_owned(),
//!     system: Some("e2719d58-a985-b3c9-781a-b030af78d30e".to_owned()),
//!     default_kid: KeyId::parse("2f05477f-c24b-b4fa-efd8-6517156daffc"),
//!     uri: Some("https://licence.example/".to_owned()),
//!     ..Protection::default()
//! };
//! let limits = Limits::default();
//! let requirement = KeyRequirement::from_protections(&[descriptor], &limits).expect("it is protected");
//!
//! // The device has ClearKey in software, and the application no wishes.
//! let device = DrmCapabilities { systems: vec![SystemCapability::software_clearkey()] };
//! let need = Need { requirement: &requirement, kind: TrackKind::Video };
//! let choice = choose(&[need], &device, &DrmPreferences::default())?;
//!
//! let mut now = Timestamp::ZERO;
//! let mut cdm = ClearKeyCdm::new(&limits);
//! let mut sessions = KeySessions::new(SessionPolicy::default(), &limits, 1);
//! sessions.start(choice, now);
//! sessions.require(&requirement, When::Now, now);
//! loop {
//!     // Hand on what is to be done, take in what happens, until nothing does.
//!     if let Some(action) = sessions.poll() {
//!         match action {
//!             KeyAction::Cdm(command) => cdm.execute(command, now),
//!             KeyAction::Request(request) => {
//!                 assert_eq!(request.url.as_str(), "https://licence.example/");
//!                 // The application may rewrite it; the network takes its time; the server answers.
//!                 now = Timestamp::from_millis(80);
//!                 let licence = br#"{"keys":[{"kty":"oct","k":"tQ0bJVWb6b0KPL6KtZIy_A","kid":"LwVHf8JLtPrv2GUXFW2v_A"}]}"#;
//!                 let answer = Ok(KeyResponse::ok(licence.to_vec()));
//!                 sessions.handle(KeyInput::Answer { request: request.id, answer }, now);
//!             }
//!             _ => {}
//!         }
//!     } else if let Some(event) = cdm.poll(now) {
//!         sessions.handle(KeyInput::Cdm(event), now);
//!     } else {
//!         break;
//!     }
//! }
//! let keys = requirement.keys(KeySystem::ClearKey);
//! assert_eq!(sessions.availability(&keys), Availability::Playable);
//! assert!(cdm.keys().content_key(&keys[0]).is_some());
//! # Ok::<(), telecine_model::Error>(())
//! ```

mod exchange;
mod lifecycle;
mod one;
mod policy;
mod port;
mod renewal;
mod report;
mod retry;
mod setup;
mod status;
mod stored;

use std::collections::VecDeque;
use std::sync::Arc;

use telecine_model::protection::{KeyRef, KeySystem};
use telecine_model::{Error, ErrorCode, Limits, Rng, SortedMap, SortedSet, Timestamp, WallTime};

use crate::system::{Choice, KeyRequirement, Plan};
use one::{Phase, Session};
use setup::{Provisioning, Setup};

pub use policy::SessionPolicy;
pub use port::{
    Access, Cdm, CdmCommand, CdmEvent, CdmFailure, CdmFailureKind, CloseReason, CommandId, Header, KeyAnswer,
    KeyRequest, KeyResponse, MessageKind, RequestId, RequestKind, SessionId, SessionKind,
};
pub use report::KeyReport;
pub use status::{Availability, Judgement, KeyStatusMap};
pub use stored::StoredLicence;

/// Something that happened, for [`KeySessions::handle`].
#[derive(Clone, Debug)]
pub enum KeyInput {
    /// The key system reports.
    Cdm(CdmEvent),
    /// A server answered, or did not.
    Answer {
        /// Which request.
        request: RequestId,
        /// The answer, unwrapped by the application.
        answer: KeyAnswer,
    },
    /// The time in the world, for the expiry of stored licences.
    Wall(WallTime),
    /// Nothing but time.
    Timer,
}

/// Something to do, from [`KeySessions::poll`].
#[derive(Clone, Debug)]
pub enum KeyAction {
    /// For the key system.
    Cdm(CdmCommand),
    /// For the network, through the application's filters.
    Request(KeyRequest),
    /// The request's answer is no longer waited for.
    Cancel(RequestId),
    /// Keep this, in place of what was kept under the same name.
    Store(StoredLicence),
    /// Keep what was kept under this name no longer.
    Forget {
        /// The key system's name of the session.
        name: String,
    },
}

/// When keys are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Now: playback waits for them, or is about to begin.
    Now,
    /// At this time: keys of the next crypto period, say, or of the next title.
    By(Timestamp),
}

/// All key sessions of a player. See the module's documentation.
#[derive(Debug)]
pub struct KeySessions {
    policy: SessionPolicy,
    limits: Limits,
    rng: Rng,
    /// The one in use first.
    plans: VecDeque<Plan>,
    setup: Setup,
    provisioning: Provisioning,
    /// How often provisioning was begun.
    provisioned: u32,
    sessions: SortedMap<SessionId, Session>,
    in_use: SortedSet<KeyRef>,
    /// Room that the device turned out to have.
    learned_room: Option<usize>,
    next_id: u64,
    retry_budget: u32,
    restarts: u32,
    wall: Option<(WallTime, Timestamp)>,
    now: Timestamp,
    failure: Option<Error>,
    /// The title is over: the key system stays open for releases alone.
    over: bool,
    actions: VecDeque<KeyAction>,
    reports: VecDeque<KeyReport>,
    /// Statuses as they were reported last.
    reported: KeyStatusMap,
}

impl KeySessions {
    /// No sessions yet. Every random decision follows from `seed`.
    pub fn new(policy: SessionPolicy, limits: &Limits, seed: u64) -> Self {
        Self {
            retry_budget: policy.retry_budget,
            policy,
            limits: limits.clone(),
            rng: Rng::new(seed),
            plans: VecDeque::new(),
            setup: Setup::Idle,
            provisioning: Provisioning::No,
            provisioned: 0,
            sessions: SortedMap::new(),
            in_use: SortedSet::new(),
            learned_room: None,
            next_id: 0,
            restarts: 0,
            wall: None,
            now: Timestamp::ZERO,
            failure: None,
            over: false,
            actions: VecDeque::new(),
            reports: VecDeque::new(),
            reported: KeyStatusMap::new(),
        }
    }

    /// Takes the key systems of a title and opens the first. Called once for a title; a second call, with
    /// another choice, closes the sessions and begins anew with what was required.
    pub fn start(&mut self, choice: Choice, now: Timestamp) {
        self.now = self.now.max(now);
        if !self.plans.is_empty() {
            self.leave_system(now);
        }
        (self.failure, self.over) = (None, false);
        (self.restarts, self.provisioned, self.retry_budget) = (0, 0, self.policy.retry_budget);
        self.plans = choice.plans.into();
        self.resolve_all();
        self.settle(now);
    }

    /// Replaces the policy; what is under way goes on by the one before.
    pub fn set_policy(&mut self, policy: SessionPolicy) {
        self.retry_budget = policy.retry_budget;
        self.policy = policy;
    }

    /// The key system in use, once the choice is made.
    pub fn plan(&self) -> Option<&Plan> {
        self.plans.front()
    }

    /// The key system in use.
    pub fn system(&self) -> Option<KeySystem> {
        self.plan().map(Plan::system)
    }

    /// Asks for the keys of a rendition, a segment or a crypto period, unless a session has them or will.
    /// Keys that could not be had are not asked for again ([`KeySessions::forget_failures`]).
    ///
    /// Call it when a manifest is read (before any media), when an initialisation section or a fragment
    /// brings boxes, when a playlist shows a new key tag ahead. Calling it often is cheap and right.
    pub fn require(&mut self, requirement: &KeyRequirement, when: When, now: Timestamp) {
        self.now = self.now.max(now);
        self.want(Arc::new(requirement.clone()), None, when, now);
        self.settle(now);
    }

    /// Loads a stored licence. If it is no longer there or has expired and the content's requirement is
    /// given, a new licence is asked for.
    pub fn load(&mut self, stored: &StoredLicence, requirement: Option<&KeyRequirement>, now: Timestamp) {
        self.now = self.now.max(now);
        self.load_stored(stored, requirement, now);
        self.settle(now);
    }

    /// Destroys a stored licence of the key system in use and tells the server. It ends with
    /// [`KeyReport::Released`]; or, if it fails, with [`KeyReport::Recovered`] that names the licence in the fact
    /// `licence`, and [`KeyAction::Store`] with [`StoredLicence::releasing`] set. A second call before that changes
    /// nothing.
    pub fn release(&mut self, stored: &StoredLicence, now: Timestamp) {
        self.now = self.now.max(now);
        self.release_stored(stored, now);
        self.settle(now);
    }

    /// Whether the release of a stored licence has not come to its end yet.
    pub fn is_releasing(&self, name: &str) -> bool {
        let named = |session: &Session| session.stored.as_ref().is_some_and(|stored| stored.name == name);
        self.sessions.values().any(|session| session.is_releasing() && named(session))
    }

    /// Takes back the releases that have not come to their end, for another key system to be opened first. They are
    /// to be begun anew ([`KeySessions::release`]) when theirs is open again; until then nothing is told of them.
    pub fn take_releases(&mut self, now: Timestamp) -> Vec<StoredLicence> {
        self.now = self.now.max(now);
        let mut taken = Vec::new();
        for id in self.releases() {
            taken.extend(self.sessions.get_mut(&id).and_then(|session| session.stored.take()));
            self.close(id, now);
        }
        self.settle(now);
        taken
    }

    /// Says which keys are in use: those of what plays, what is buffered and what is being loaded. All of
    /// them, each time they change. Sessions of these keys are never closed for want of room, and their
    /// licences are made new before they expire.
    pub fn use_keys(&mut self, keys: impl IntoIterator<Item = KeyRef>, now: Timestamp) {
        self.now = self.now.max(now);
        let before = std::mem::replace(&mut self.in_use, keys.into_iter().collect());
        for session in self.sessions.values_mut() {
            if self.in_use.iter().chain(&before).any(|key| session.covers(key)) {
                session.needed = session.needed.max(now);
            }
        }
        self.settle(now);
    }

    /// Forgets which sessions have failed: what is required next is asked for again. For an application
    /// that has mended something: signed the viewer in, say.
    pub fn forget_failures(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.sessions.retain(|_, session| session.phase != Phase::Failed);
        self.settle(now);
    }

    /// Closes every session, at the end of a title, and gives up every request. What was required is forgotten; stored
    /// licences stay, and those that are being destroyed go on being so. The key system in use is left, once nothing
    /// is being destroyed any more: nothing is asked for before the next [`KeySessions::start`].
    pub fn stop(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.in_use.clear();
        self.over = true;
        let ids: Vec<_> = self.sessions.values().filter(|session| !session.release).map(|session| session.id).collect();
        ids.into_iter().for_each(|id| self.close(id, now));
        self.settle(now);
    }

    /// Takes in what happened. Then drain [`KeySessions::poll`] and [`KeySessions::poll_report`].
    pub fn handle(&mut self, input: KeyInput, now: Timestamp) {
        self.now = self.now.max(now);
        match input {
            KeyInput::Cdm(event) => self.on_cdm(event, now),
            KeyInput::Answer { request, answer } => self.on_answer(request, answer, now),
            KeyInput::Wall(wall) => self.wall = Some((wall, now)),
            KeyInput::Timer => {}
        }
        self.settle(now);
    }

    /// The next thing to do; None when there is nothing until the next input or the deadline.
    pub fn poll(&mut self) -> Option<KeyAction> {
        self.actions.pop_front()
    }

    /// The next thing to tell.
    pub fn poll_report(&mut self) -> Option<KeyReport> {
        self.reports.pop_front()
    }

    /// When to call [`KeySessions::handle`] with [`KeyInput::Timer`], if nothing happens before.
    pub fn deadline(&self) -> Option<Timestamp> {
        let sessions =
            self.sessions.values().filter_map(|session| session.deadline(self.policy.room_patience, self.now));
        let setup = self.setup.deadline().into_iter().chain(self.provisioning.deadline());
        sessions.chain(setup).min()
    }

    /// The best status of each key, over all sessions.
    pub fn statuses(&self) -> KeyStatusMap {
        let mut out = KeyStatusMap::new();
        for session in self.sessions.values().filter(|session| session.phase == Phase::Active) {
            for (key, status) in &session.statuses {
                let best = out.get(key).map_or(*status, |known| status::better(*known, *status));
                out.insert(key.clone(), best);
            }
        }
        out
    }

    /// Whether media under all of these keys can be played. Of no keys: it can, for nothing is known to
    /// be missing; the initialisation section will say.
    pub fn availability(&self, keys: &[KeyRef]) -> Availability {
        if let Some(error) = self.failure.as_ref().filter(|_| !keys.is_empty()) {
            return Availability::Gone(error.code());
        }
        let each = keys.iter().map(|key| status::of_key(key, self.sessions.values()));
        each.fold(Availability::Playable, status::least)
    }

    /// Which of a ladder's renditions can be played, by the keys of each. A rendition whose keys are
    /// restricted, refused or missing leaves the ladder and playback goes on with the others; it is an error
    /// only when none is left.
    pub fn judge<'a>(&self, renditions: impl IntoIterator<Item = &'a [KeyRef]>) -> Judgement {
        let availabilities = renditions.into_iter().map(|keys| self.availability(keys));
        Judgement::of(availabilities, |code| {
            let failures = self.sessions.values().filter_map(|session| session.failure.as_ref());
            self.failure.iter().chain(failures).find(|error| error.code() == code).cloned()
        })
    }

    /// Set when no key system is left.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Does what has become due and possible.
    fn settle(&mut self, now: Timestamp) {
        self.run_timers(now);
        self.leave_if_over();
        self.advance(now);
        // What was opened may have ended at once.
        self.leave_if_over();
        self.report_statuses();
    }

    /// Sessions whose stored licence is being destroyed.
    fn releases(&self) -> Vec<SessionId> {
        self.sessions.values().filter(|session| session.is_releasing()).map(|session| session.id).collect()
    }

    fn run_timers(&mut self, now: Timestamp) {
        self.setup_timers(now);
        let ids: Vec<_> = self.sessions.keys().copied().collect();
        for id in ids {
            self.session_timers(id, now);
        }
    }

    fn on_cdm(&mut self, event: CdmEvent, now: Timestamp) {
        match event {
            CdmEvent::Access { id, answer } => self.on_access(id, answer, now),
            CdmEvent::Certificate { id, answer } => self.on_certificate(id, answer, now),
            CdmEvent::ProvisionRequest { id, url, body } => self.on_provision_request(id, url, body, now),
            CdmEvent::Provisioned { id, answer } => self.on_provisioned(id, answer, now),
            CdmEvent::Created { session } => self.on_created(session, now),
            CdmEvent::Named { session, name } => self.on_named(session, name),
            CdmEvent::Loaded { session, found } => self.on_loaded(session, found, now),
            CdmEvent::Message { session, kind, body, url } => self.on_message(session, kind, body, url, now),
            CdmEvent::Updated { session } => self.on_updated(session, now),
            CdmEvent::KeyStatuses { session, statuses } => self.on_statuses(session, statuses, now),
            CdmEvent::Expiration { session, left } => self.on_expiration(session, left, now),
            CdmEvent::Closed { session, reason } => self.on_closed(session, reason, now),
            CdmEvent::Failed { session, failure } => self.on_failed(session, failure, now),
        }
    }

    fn on_answer(&mut self, request: RequestId, answer: KeyAnswer, now: Timestamp) {
        if !self.on_setup_answer(request, &answer, now) {
            self.on_session_answer(request, answer, now);
        }
    }

    fn cdm(&mut self, command: CdmCommand) {
        self.actions.push_back(KeyAction::Cdm(command));
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Reports what has changed since the last time.
    fn report_statuses(&mut self) {
        let statuses = self.statuses();
        if statuses == self.reported {
            return;
        }
        let gone = self.reported.keys().filter(|key| !statuses.contains_key(*key)).map(|key| (key.clone(), None));
        let new = statuses.iter().filter(|(key, status)| self.reported.get(*key) != Some(*status));
        let changed = gone.chain(new.map(|(key, status)| (key.clone(), Some(*status)))).collect();
        self.reports.push_back(KeyReport::Statuses { changed });
        self.reported = statuses;
    }

    /// Ends it all: no key system is left, for what is to be destroyed neither.
    fn give_up(&mut self, error: Error, now: Timestamp) {
        for id in self.releases() {
            self.fail(id, error.clone(), now);
        }
        self.reports.push_back(KeyReport::Failed(error.clone()));
        self.failure = Some(error);
    }

    fn cdm_error(&self, code: ErrorCode, message: &str, failure: &CdmFailure) -> Error {
        let mut error = Error::new(code, message.to_owned()).fact("cdm", &failure.message);
        if let Some(plan) = self.plan() {
            error = error.fact("key_system", plan.system());
        }
        error
    }
}
