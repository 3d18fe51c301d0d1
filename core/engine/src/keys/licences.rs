//! Everything of keys that is alive: key sessions, ClearKey in software, the decryptor. A replay does without.

use std::collections::VecDeque;

use telecine_container::{Fragment, FragmentEncryption, InitSegment};
use telecine_drm::clearkey::ClearKeyCdm;
use telecine_drm::session::{
    Availability, Cdm, CdmCommand, CdmEvent, KeyAction, KeyAnswer, KeyInput, KeyReport, KeyRequest, KeySessions,
    RequestId, SessionId, StoredLicence, When,
};
use telecine_drm::system::{choose, Choice, IdentityKey, KeyRequirement, Need, Plan, Pssh};
use telecine_drm::{decrypt_sample, CipherBackend, ContentKey, SampleDecryptor, SoftwareAes};
use telecine_model::protection::{KeyId, KeyRef, KeySystem, Scheme};
use telecine_model::{Error, ErrorCode, Limits, SortedMap, SortedSet, Timestamp, TrackKind, WallTime};

use super::facts::{CdmNote, KeyFact, NeedId, NeedState};
use super::releases::Releases;
use super::setup::KeySetup;

/// Rounds of commands and reports within one input.
const ROUNDS: u32 = 64;

/// Key sessions with what belongs to them.
pub(crate) struct Licences {
    pub(super) setup: KeySetup,
    limits: Limits,
    pub(super) sessions: KeySessions,
    software: ClearKeyCdm,
    decryptor: SampleDecryptor,
    /// The key system in use is the one in software.
    in_software: bool,
    /// Sessions of the device's key system; all others are of the software.
    foreign: SortedSet<SessionId>,
    /// A choice was made for the title.
    pub(super) started: bool,
    needs: SortedMap<NeedId, LiveNeed>,
    /// Those that nobody has looked at yet.
    fresh: Vec<NeedId>,
    in_use: SortedSet<NeedId>,
    through: bool,
    /// Stored licences that were loaded for the title, by name.
    loaded: SortedSet<String>,
    pub(super) releases: Releases,
    /// For the host, in the order of their facts.
    pub(crate) commands: VecDeque<CdmCommand>,
    pub(crate) requests: VecDeque<KeyRequest>,
}

/// Something that keys are needed for.
struct LiveNeed {
    requirement: KeyRequirement,
    kind: TrackKind,
    hdcp_level: Option<String>,
    /// Keys of the media itself; empty as long as only the manifest was read.
    kids: Vec<KeyId>,
    when: When,
    /// Why no key system can do it.
    refused: Option<Error>,
    told: NeedState,
}

/// What a new need is made of.
pub(crate) struct NewNeed {
    pub(crate) requirement: KeyRequirement,
    pub(crate) kind: TrackKind,
    pub(crate) hdcp_level: Option<String>,
    pub(crate) kids: Vec<KeyId>,
    pub(crate) when: When,
}

impl Licences {
    pub(crate) fn new(setup: KeySetup, limits: &Limits, seed: u64) -> Self {
        let mut software = ClearKeyCdm::new(limits);
        for (kid, key) in &setup.keys {
            software.give(*kid, key);
        }
        Self {
            sessions: KeySessions::new(setup.policy.clone(), limits, seed),
            setup,
            limits: limits.clone(),
            software,
            decryptor: SampleDecryptor::default(),
            in_software: true,
            foreign: SortedSet::new(),
            started: false,
            needs: SortedMap::new(),
            fresh: Vec::new(),
            in_use: SortedSet::new(),
            through: false,
            loaded: SortedSet::new(),
            releases: Releases::default(),
            commands: VecDeque::new(),
            requests: VecDeque::new(),
        }
    }

    /// Takes what the application brings, between two titles.
    pub(crate) fn set_up(&mut self, setup: KeySetup) {
        self.software.keep_given(setup.keys.iter().map(|(kid, _)| *kid));
        for (kid, key) in &setup.keys {
            self.software.give(*kid, key);
        }
        self.sessions.set_policy(setup.policy.clone());
        self.setup = setup;
        self.releases.set_up = false;
    }

    /// Ends what there is for a title.
    pub(crate) fn stop(&mut self, now: Timestamp) {
        self.sessions.stop(now);
        self.sessions.forget_failures(now);
        self.started = false;
        self.through = false;
        self.needs.clear();
        self.fresh.clear();
        self.in_use.clear();
        self.loaded.clear();
    }

    /// When key sessions want to be called.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.sessions.deadline()
    }

    /// Does what has become due.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        if self.sessions.deadline().is_some_and(|due| due <= now) {
            self.sessions.handle(KeyInput::Timer, now);
        }
    }

    pub(crate) fn wall(&mut self, wall: WallTime, now: Timestamp) {
        self.sessions.handle(KeyInput::Wall(wall), now);
    }

    /// The key system of the device reports.
    pub(crate) fn on_cdm(&mut self, event: CdmEvent, now: Timestamp) {
        self.sessions.handle(KeyInput::Cdm(event), now);
    }

    /// A server answered.
    pub(crate) fn on_answer(&mut self, id: u64, answer: KeyAnswer, now: Timestamp) {
        self.sessions.handle(KeyInput::Answer { request: RequestId(id), answer }, now);
    }

    /// Takes note of something that keys are needed for.
    pub(crate) fn need(&mut self, id: NeedId, new: NewNeed) {
        let NewNeed { requirement, kind, hdcp_level, kids, when } = new;
        let need = LiveNeed { requirement, kind, hdcp_level, kids, when, refused: None, told: NeedState::Waiting };
        self.needs.insert(id, need);
        self.fresh.push(id);
    }

    /// Which needs are of what plays, is buffered or is being loaded.
    pub(crate) fn use_needs(&mut self, needs: SortedSet<NeedId>, now: Timestamp) {
        if needs == self.in_use {
            return;
        }
        self.in_use = needs;
        let keys: Vec<KeyRef> =
            self.in_use.iter().filter_map(|id| self.needs.get(id)).flat_map(|n| self.keys(n)).collect();
        self.sessions.use_keys(keys, now);
    }

    /// Does everything that can be done by itself, and says what came of it.
    pub(crate) fn pump(&mut self, now: Timestamp) -> Vec<KeyFact> {
        let mut facts = Vec::new();
        for _ in 0..ROUNDS {
            self.ask_for_fresh(now);
            self.drain(now, &mut facts);
            let released = self.go_on_releasing(now, &mut facts);
            match self.software.poll(now) {
                Some(event) => self.sessions.handle(KeyInput::Cdm(event), now),
                None if !released && !self.ask_again(now) => break,
                None => {}
            }
        }
        let through = self.started && self.sessions.plan().is_some() && !self.is_software_planned();
        if through != self.through {
            self.through = through;
            facts.push(KeyFact::Through(through));
        }
        let ids: Vec<NeedId> = self.needs.keys().copied().collect();
        for id in ids {
            let Some(need) = self.needs.get(&id) else { continue };
            let state = self.state_of(need);
            if let Some(need) = self.needs.get_mut(&id).filter(|need| need.told != state) {
                need.told = state.clone();
                facts.push(KeyFact::Need(id, state));
            }
        }
        let stale: Vec<KeyId> = self
            .decryptor
            .key_ids()
            .filter(|kid| !self.software.keys().contains(&KeyRef::Kid(**kid)))
            .copied()
            .collect();
        for kid in stale {
            self.decryptor.remove(&kid);
        }
        facts
    }

    fn is_software_planned(&self) -> bool {
        self.setup.software && self.sessions.system() == Some(KeySystem::ClearKey)
    }

    fn drain(&mut self, now: Timestamp, facts: &mut Vec<KeyFact>) {
        while let Some(action) = self.sessions.poll() {
            match action {
                KeyAction::Cdm(command) => self.order(command, now, facts),
                KeyAction::Request(request) => {
                    facts.push(KeyFact::Request {
                        id: request.id.0,
                        url: request.url.as_str().to_owned(),
                        attempt: request.attempt,
                        timeout_us: u64::try_from(request.timeout.as_micros()).unwrap_or(u64::MAX),
                    });
                    self.requests.push_back(request);
                }
                KeyAction::Cancel(id) => facts.push(KeyFact::Cancel(id.0)),
                KeyAction::Store(licence) => {
                    // What was stored for this title is there for the next.
                    self.setup.stored_licence(licence.clone());
                    facts.push(KeyFact::Store(licence));
                }
                KeyAction::Forget { name } => {
                    self.setup.stored.retain(|known| known.name != name);
                    facts.push(KeyFact::Forget(name));
                }
            }
        }
        while let Some(report) = self.sessions.poll_report() {
            match report {
                KeyReport::Access { name, reasons, .. } => facts.push(KeyFact::System { name, why: reasons }),
                KeyReport::Recovered(error) => facts.push(KeyFact::Recovered(error)),
                KeyReport::Released { name, acknowledged } => facts.push(KeyFact::Released { name, acknowledged }),
                // What follows for playback is said by the states of needs.
                _ => {}
            }
        }
    }

    /// Gives a command to whom it is for.
    fn order(&mut self, command: CdmCommand, now: Timestamp, facts: &mut Vec<KeyFact>) {
        let foreign = match &command {
            CdmCommand::Access { system, .. } => {
                self.in_software = self.setup.software && *system == KeySystem::ClearKey;
                !self.in_software
            }
            CdmCommand::Create { session, .. } => {
                if !self.in_software {
                    self.foreign.insert(*session);
                }
                !self.in_software
            }
            CdmCommand::Close { session } => self.foreign.remove(session),
            CdmCommand::GenerateRequest { session, .. }
            | CdmCommand::Load { session, .. }
            | CdmCommand::Update { session, .. }
            | CdmCommand::Remove { session } => self.foreign.contains(session),
            _ => !self.in_software,
        };
        if foreign {
            facts.push(KeyFact::Cdm(CdmNote::of(&command)));
            self.commands.push_back(command);
        } else {
            self.software.execute(command, now);
        }
    }

    /// Asks for the keys of what is new; chooses key systems first.
    fn ask_for_fresh(&mut self, now: Timestamp) {
        let fresh: Vec<NeedId> =
            std::mem::take(&mut self.fresh).into_iter().filter(|id| !self.is_left_alone(*id)).collect();
        if fresh.is_empty() {
            return;
        }
        let unserved: Vec<NeedId> = fresh.iter().copied().filter(|id| self.serves(*id).is_err()).collect();
        if !self.started || !unserved.is_empty() {
            self.choose(&unserved, now);
        }
        for id in fresh {
            self.require(id, now);
        }
    }

    /// Why the key system in use cannot do something.
    fn serves(&self, id: NeedId) -> Result<(), String> {
        let plan = self.sessions.plan().filter(|_| self.started).ok_or("no key system is in use")?;
        let need = self.needs.get(&id).ok_or("nothing is needed")?;
        plan.serves(Need { requirement: &need.requirement, kind: need.kind }, need.hdcp_level.as_deref())
    }

    fn choose(&mut self, unserved: &[NeedId], now: Timestamp) {
        // What the device has refused for this title it is not asked for again.
        if let Some(error) = self.sessions.failure().filter(|_| self.started).cloned() {
            return self.refuse(unserved, &error);
        }
        let all: Vec<&LiveNeed> =
            self.needs.iter().filter(|(id, _)| !self.is_left_alone(**id)).map(|(_, need)| need).collect();
        let needs: Vec<Need<'_>> =
            all.iter().map(|need| Need { requirement: &need.requirement, kind: need.kind }).collect();
        match choose(&needs, &self.setup.capabilities(), &self.setup.wishes()) {
            Ok(mut choice) => {
                self.prefer_stored(&mut choice);
                let same = self.started && self.sessions.system() == choice.plans.first().map(Plan::system);
                if !same {
                    self.make_way_for(choice.plans.first().map(Plan::system), now);
                    self.started = true;
                    self.sessions.start(choice, now);
                }
                for id in unserved {
                    let refused = self.serves(*id).err();
                    if let Some(need) = self.needs.get_mut(id) {
                        need.refused = refused.map(|why| {
                            Error::new(ErrorCode::KeySystemUnavailable, format!("the key system in use cannot: {why}"))
                        });
                    }
                }
            }
            Err(error) => self.refuse(unserved, &error),
        }
    }

    /// The key system that has a licence of the title goes first.
    fn prefer_stored(&self, choice: &mut Choice) {
        let needs = self.needs.values();
        let stored: Vec<KeySystem> = needs.filter_map(|need| Some(self.stored_for(need, None)?.system)).collect();
        choice.plans.sort_by_key(|plan| !stored.contains(&plan.system()));
        for plan in &mut choice.plans {
            let stored = self.setup.stored.iter().any(|licence| licence.system == plan.system());
            plan.loads_stored = stored || self.releases.has_of(plan.system());
        }
        for plan in choice.plans.iter_mut().filter(|plan| stored.contains(&plan.system())) {
            plan.reasons.insert(0, "a stored licence of it has the keys".to_owned());
        }
    }

    /// The stored licence that has the keys of something: of a key system, or of any.
    fn stored_for(&self, need: &LiveNeed, system: Option<KeySystem>) -> Option<&StoredLicence> {
        let kids = Self::named(need);
        let fits = |licence: &&StoredLicence| {
            !licence.releasing
                && !self.releases.has(licence)
                && system.is_none_or(|system| licence.system == system)
                && kids.iter().all(|kid| licence.key_ids.contains(kid))
        };
        self.setup.stored.iter().filter(|_| !kids.is_empty()).find(fits)
    }

    fn refuse(&mut self, needs: &[NeedId], error: &Error) {
        for id in needs {
            if let Some(need) = self.needs.get_mut(id) {
                need.refused = Some(error.clone());
            }
        }
    }

    fn require(&mut self, id: NeedId, now: Timestamp) {
        let Some(need) = self.needs.get(&id).filter(|need| need.refused.is_none()) else { return };
        // As long as only the media has what a session begins with, there is nothing to ask.
        let system = self.sessions.system().unwrap_or(KeySystem::ClearKey);
        let stored = self.stored_for(need, Some(system)).filter(|licence| !self.loaded.contains(&licence.name));
        if let Some(licence) = stored.cloned() {
            self.loaded.insert(licence.name.clone());
            self.sessions.load(&licence, Some(&need.requirement), now);
        }
        let offer = need.requirement.offer(system);
        if need.kids.is_empty() && offer.is_none_or(|offer| offer.init_data.is_none()) {
            return;
        }
        self.sessions.require(&need.requirement, need.when, now);
        let keys = self.keys(need);
        let left = !keys.is_empty() && self.sessions.availability(&keys) == Availability::Unasked;
        if let Some(need) = self.needs.get_mut(&id).filter(|need| left && !need.kids.is_empty()) {
            let error = Error::new(ErrorCode::SessionLimit, "more key sessions than the limit");
            need.refused = Some(error.fact("limit", self.limits.key_sessions));
        }
    }

    /// Asks once more for what is in use and nobody has or is getting; true if there is such.
    fn ask_again(&mut self, now: Timestamp) -> bool {
        let mut asked = false;
        for id in self.in_use.clone() {
            let Some(need) = self.needs.get_mut(&id).filter(|need| need.refused.is_none()) else { continue };
            need.when = When::Now;
            let Some(need) = self.needs.get(&id) else { continue };
            let keys = self.keys(need);
            let unasked = !keys.is_empty() && self.sessions.availability(&keys) == Availability::Unasked;
            if unasked && !self.is_left_alone(id) && self.started {
                self.require(id, now);
                asked |= self.sessions.availability(&keys) != Availability::Unasked;
            }
        }
        asked
    }

    /// Names of the keys of something, as the key system in use has them.
    fn keys(&self, need: &LiveNeed) -> Vec<KeyRef> {
        let system = self.sessions.system().unwrap_or(KeySystem::ClearKey);
        if need.kids.is_empty() || (system == KeySystem::ClearKey && self.identity(need).is_some()) {
            return need.requirement.keys(system);
        }
        need.kids.iter().copied().map(KeyRef::Kid).collect()
    }

    /// The key file of something, if it has one.
    fn identity(&self, need: &LiveNeed) -> Option<KeyRef> {
        match need.requirement.offer(KeySystem::ClearKey)?.identity? {
            IdentityKey::Uri(uri) => Some(KeyRef::Uri(uri.shared())),
            IdentityKey::Undecided(_) => None,
        }
    }

    /// The keys of something, as far as anybody named them: the media, else the manifest.
    fn named(need: &LiveNeed) -> Vec<KeyId> {
        let stated = [&need.kids, &need.requirement.key_ids].into_iter().find(|kids| !kids.is_empty());
        let offers = || need.requirement.offers.iter().flat_map(|offer| &offer.key_ids).copied().collect();
        stated.cloned().unwrap_or_else(offers)
    }

    /// The key that the application gave in place of key files, if something has one of samples.
    fn given_file(&self, need: &LiveNeed) -> Option<ContentKey> {
        let key = self.setup.segment_key.as_ref().filter(|_| self.identity(need).is_some())?;
        <[u8; 16]>::try_from(key.expose()).ok().map(ContentKey::new)
    }

    /// Whether the application gave all keys of something.
    fn is_given(&self, need: &LiveNeed) -> bool {
        self.has_named(need) || self.given_file(need).is_some()
    }

    /// Whether the application gave all keys that something names.
    fn has_named(&self, need: &LiveNeed) -> bool {
        let given = |kid: &KeyId| self.setup.keys.iter().any(|(known, _)| known == kid);
        let kids = Self::named(need);
        self.setup.software && !kids.is_empty() && kids.iter().all(given)
    }

    /// Whether nobody is asked for the keys of something: the application gave them, or it gave some and the
    /// media has yet to say whether those are it.
    fn is_left_alone(&self, id: NeedId) -> bool {
        let Some(need) = self.needs.get(&id) else { return true };
        let unnamed = self.setup.software && !self.setup.keys.is_empty() && Self::named(need).is_empty();
        unnamed || self.is_given(need)
    }

    fn state_of(&self, need: &LiveNeed) -> NeedState {
        if self.is_given(need) {
            return NeedState::Usable { through: false };
        }
        if let Some(error) = &need.refused {
            return NeedState::Gone(error.clone());
        }
        let keys = self.keys(need);
        if keys.is_empty() {
            return match self.sessions.failure() {
                Some(error) => NeedState::Gone(error.clone()),
                None => NeedState::Unknown,
            };
        }
        match self.sessions.availability(&keys) {
            Availability::Playable => NeedState::Usable { through: !self.is_software_planned() },
            Availability::Downscaled => NeedState::Downscaled,
            Availability::Waiting => NeedState::Waiting,
            // Of a manifest that names keys and has nothing to ask for them with.
            Availability::Unasked if need.kids.is_empty() => NeedState::Unknown,
            Availability::Unasked => NeedState::Waiting,
            Availability::Gone(code) => {
                let error = self.sessions.judge([keys.as_slice()]).error;
                let error = error.unwrap_or_else(|| Error::new(code, "its keys cannot be used"));
                NeedState::Gone(match keys.first() {
                    Some(key) if !error.facts().contains_key("key") => error.fact("key", key),
                    _ => error,
                })
            }
        }
    }

    /// Makes a fragment clear.
    ///
    /// # Errors
    /// Those of [`SampleDecryptor::decrypt`] and [`Fragment::decrypt_with`].
    pub(crate) fn decrypt(
        &mut self,
        id: Option<NeedId>,
        fragment: &mut Fragment,
        encryption: &FragmentEncryption,
    ) -> Result<(), Error> {
        let need = id.and_then(|id| self.needs.get(&id));
        // A key file is the key of every sample, whatever they name; but what the application gave by name is
        // what it means.
        let file = need.filter(|need| !self.has_named(need)).and_then(|need| {
            let fetched = || self.software.keys().content_key(&self.identity(need)?);
            self.given_file(need).or_else(fetched)
        });
        if let Some(key) = file {
            let cipher = SoftwareAes.open(&key)?;
            fragment.decrypt_with(encryption, |how, sample| decrypt_sample(&*cipher, how, sample))?;
            return Ok(());
        }
        for kid in encryption.key_ids() {
            let known = self.decryptor.key_ids().any(|known| known == kid);
            if let Some(key) = self.software.keys().content_key(&KeyRef::Kid(*kid)).filter(|_| !known) {
                self.decryptor.insert(*kid, &key)?;
            }
        }
        self.decryptor.require(encryption.key_ids())?;
        let decryptor = &self.decryptor;
        fragment.decrypt_with(encryption, |how, sample| decryptor.decrypt(how, sample))?;
        Ok(())
    }

    /// What a fragment needs, whose manifest says `base`.
    pub(crate) fn of_fragment(
        &self,
        base: KeyRequirement,
        kids: &[KeyId],
        init: Option<&InitSegment>,
        fragment: Option<&Fragment>,
    ) -> KeyRequirement {
        let read = |boxes: &[bytes::Bytes]| -> Vec<Pssh> {
            boxes.iter().filter_map(|pssh| Pssh::parse_all(pssh, &self.limits).ok()).flatten().collect()
        };
        let mut base = base;
        let track = init.and_then(|init| init.tracks.iter().find_map(|track| track.encryption.as_ref()));
        let scheme = track.and_then(|track| Scheme::from_fourcc(track.scheme));
        if let Some(init) = init {
            let default = track.map(|track| track.default_kid).filter(|kid| kid.0 != [0; 16]);
            base.add_init(scheme, default, &read(&init.pssh), &self.limits);
        }
        // Boxes of the fragment itself announce its keys: they come first.
        let own = fragment.map(|fragment| read(&fragment.pssh)).unwrap_or_default();
        let mut requirement = KeyRequirement::from_boxes(&own, scheme, kids, &self.limits);
        requirement.merge(&base, &self.limits);
        requirement
    }
}
