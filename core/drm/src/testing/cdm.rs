//! A commercial key system by a script.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use telecine_model::protection::{KeyId, KeyRef, KeyStatus};
use telecine_model::Timestamp;

use super::server::DoubleLicence;
use crate::session::{
    Access, Cdm, CdmCommand, CdmEvent, CdmFailure, CdmFailureKind, CloseReason, MessageKind, SessionId, SessionKind,
};
use crate::{KeyUrl, SecretBytes};

/// Something that the key system can be told, for failures by script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CdmOperation {
    /// [`CdmCommand::Access`].
    Access,
    /// [`CdmCommand::SetCertificate`].
    Certificate,
    /// [`CdmCommand::Provision`] and [`CdmCommand::FinishProvisioning`].
    Provision,
    /// [`CdmCommand::Create`].
    Create,
    /// [`CdmCommand::GenerateRequest`].
    Generate,
    /// [`CdmCommand::Load`].
    Load,
    /// [`CdmCommand::Update`].
    Update,
    /// [`CdmCommand::Remove`].
    Remove,
    /// [`CdmCommand::Close`].
    Close,
}

/// How the key system behaves.
#[derive(Clone, Debug)]
pub struct CdmScript {
    /// Time until it reacts to a command.
    pub latency: Duration,
    /// Sessions that it can have open; more are refused.
    pub max_sessions: Option<usize>,
    /// The device is provisioned. If not, sessions are refused until it is.
    pub provisioned: bool,
    /// Provisioning needs a request to this URL.
    pub provisioning_url: Option<KeyUrl>,
    /// The first message of the first session asks for the service's certificate, unless it was set.
    pub asks_for_certificate: bool,
    /// The first message of each session asks to be individualised, at this URL.
    pub individualises_at: Option<KeyUrl>,
    /// The URL that it would send licence requests to itself.
    pub own_url: Option<KeyUrl>,
    /// What its challenges are, in front of the number of the session.
    pub challenge: Vec<u8>,
}

impl Default for CdmScript {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(10),
            max_sessions: None,
            provisioned: true,
            provisioning_url: None,
            asks_for_certificate: false,
            individualises_at: None,
            own_url: None,
            challenge: b"challenge".to_vec(),
        }
    }
}

/// What came of a command that is of no session.
type Answered = Result<(), CdmFailure>;

/// A scripted failure.
#[derive(Clone, Debug)]
enum Fault {
    Fails(CdmFailure),
    /// No reaction at all.
    Hangs,
}

#[derive(Debug, Default)]
struct Double {
    persistent: bool,
    name: Option<String>,
    licence: Option<DoubleLicence>,
    statuses: BTreeMap<KeyId, KeyStatus>,
    /// What the next update answers.
    asked: VecDeque<MessageKind>,
    removing: bool,
    /// Counts licences, so that timers of the one before are not looked at.
    generation: u64,
}

/// What is due later.
#[derive(Debug)]
enum Due {
    Event(CdmEvent),
    /// The licence of a session asks for its renewal, or expires.
    Renewal(SessionId, u64),
    Expiry(SessionId, u64),
}

/// The double of a platform's key system: every message, status, delay and failure that one may have.
///
/// It reacts as W3C EME describes; [`CdmScript`] and the methods below say where it does not. Its licences
/// are [`DoubleLicence`]s; it decrypts nothing.
#[derive(Debug)]
pub struct ScriptedCdm {
    /// How it behaves, from the next command on.
    pub script: CdmScript,
    /// Every command, in order.
    pub commands: Vec<(Timestamp, CdmCommand)>,
    faults: BTreeMap<CdmOperation, VecDeque<Fault>>,
    sessions: BTreeMap<SessionId, Double>,
    /// Sessions that have ended, which nobody has been told yet, with their names.
    ending: BTreeMap<SessionId, String>,
    stored: BTreeMap<String, DoubleLicence>,
    has_certificate: bool,
    queue: Vec<(Timestamp, u64, Due)>,
    sequence: u64,
}

impl ScriptedCdm {
    /// A key system that behaves so.
    pub fn new(script: CdmScript) -> Self {
        Self {
            script,
            commands: Vec::new(),
            faults: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ending: BTreeMap::new(),
            stored: BTreeMap::new(),
            has_certificate: false,
            queue: Vec::new(),
            sequence: 0,
        }
    }

    /// The next operation of this kind fails so; further ones queue up behind it.
    pub fn fail_next(&mut self, operation: CdmOperation, kind: CdmFailureKind) -> &mut Self {
        let fault = Fault::Fails(CdmFailure::new(kind, "by script"));
        self.faults.entry(operation).or_default().push_back(fault);
        self
    }

    /// The next operation of this kind is never answered.
    pub fn hang_next(&mut self, operation: CdmOperation) -> &mut Self {
        self.faults.entry(operation).or_default().push_back(Fault::Hangs);
        self
    }

    /// Has a stored licence.
    pub fn store(&mut self, name: &str, licence: DoubleLicence) -> &mut Self {
        self.stored.insert(name.to_owned(), licence);
        self
    }

    /// Names of the stored licences.
    pub fn stored(&self) -> Vec<&str> {
        self.stored.keys().map(String::as_str).collect()
    }

    /// Sessions that are open.
    pub fn open(&self) -> Vec<SessionId> {
        self.sessions.keys().copied().collect()
    }

    /// Changes the status of a key in every session that has it: a display is unplugged, say.
    pub fn set_status(&mut self, kid: KeyId, status: KeyStatus, now: Timestamp) {
        let with_key: Vec<_> =
            self.sessions.iter().filter(|(_, double)| double.statuses.contains_key(&kid)).map(|(id, _)| *id).collect();
        for id in with_key {
            if let Some(double) = self.sessions.get_mut(&id) {
                double.statuses.insert(kid, status);
            }
            self.report(id, now);
        }
    }

    /// Ends a session, or all of them, of its own accord.
    pub fn lose(&mut self, session: Option<SessionId>, reason: CloseReason, now: Timestamp) {
        let ids: Vec<_> = session.map_or_else(|| self.open(), |id| vec![id]);
        for id in ids {
            self.end(id, reason, now);
        }
    }

    /// Sends an event of its own accord.
    pub fn send(&mut self, event: CdmEvent, at: Timestamp) {
        self.put(at, Due::Event(event));
    }

    fn put(&mut self, at: Timestamp, due: Due) {
        self.sequence += 1;
        self.queue.push((at, self.sequence, due));
    }

    fn answer(&mut self, event: CdmEvent, now: Timestamp) {
        self.put(now + self.script.latency, Due::Event(event));
    }

    fn end(&mut self, id: SessionId, reason: CloseReason, now: Timestamp) {
        if let Some(double) = self.sessions.remove(&id) {
            self.ending.extend(double.name.map(|name| (id, name)));
            self.answer(CdmEvent::Closed { session: id, reason }, now);
        }
    }

    fn report(&mut self, id: SessionId, now: Timestamp) {
        let Some(double) = self.sessions.get(&id) else {
            return;
        };
        let statuses = double.statuses.iter().map(|(kid, status)| (KeyRef::Kid(*kid), *status)).collect();
        self.answer(CdmEvent::KeyStatuses { session: id, statuses }, now);
    }

    fn message(&mut self, id: SessionId, kind: MessageKind, now: Timestamp) {
        let url = match kind {
            MessageKind::IndividualisationRequest => self.script.individualises_at.clone(),
            _ => self.script.own_url.clone(),
        };
        let mut body = self.script.challenge.clone();
        body.extend_from_slice(format!(" {} {}", id.0, kind.eme_name()).as_bytes());
        if let Some(double) = self.sessions.get_mut(&id) {
            double.asked.push_back(kind);
        }
        self.answer(CdmEvent::Message { session: id, kind, body: SecretBytes::new(body), url }, now);
    }

    /// Puts a licence in force.
    fn license(&mut self, id: SessionId, licence: DoubleLicence, now: Timestamp) {
        let start = now + self.script.latency;
        let Some(double) = self.sessions.get_mut(&id) else {
            return;
        };
        double.generation += 1;
        let generation = double.generation;
        double.statuses = licence.keys.iter().copied().collect();
        double.licence = Some(licence.clone());
        let (persistent, name) = (double.persistent, double.name.clone());
        if let Some(name) = name.filter(|_| persistent) {
            self.stored.insert(name, licence.clone());
        }
        if let Some(after) = licence.renewal_after {
            self.put(start + after, Due::Renewal(id, generation));
        }
        if let Some(lifetime) = licence.lifetime {
            self.put(start + lifetime, Due::Expiry(id, generation));
        }
        self.report(id, now);
        self.answer(CdmEvent::Expiration { session: id, left: licence.lifetime }, now);
    }

    fn update(&mut self, id: SessionId, response: &SecretBytes, now: Timestamp) -> Result<(), CdmFailure> {
        let invalid = || CdmFailure::new(CdmFailureKind::InvalidData, "not what was asked for");
        let double = self.sessions.get_mut(&id).ok_or_else(invalid)?;
        let asked = double.asked.pop_front().ok_or_else(invalid)?;
        match asked {
            _ if response.expose() == b"certificate" && self.script.asks_for_certificate => {
                self.has_certificate = true;
                self.answer(CdmEvent::Updated { session: id }, now);
                self.message(id, MessageKind::LicenceRequest, now);
            }
            MessageKind::IndividualisationRequest if response.expose() == b"individual" => {
                self.script.individualises_at = None;
                self.answer(CdmEvent::Updated { session: id }, now);
                self.message(id, MessageKind::LicenceRequest, now);
            }
            MessageKind::LicenceRequest | MessageKind::LicenceRenewal => {
                let licence = DoubleLicence::parse(response.expose()).ok_or_else(invalid)?;
                self.answer(CdmEvent::Updated { session: id }, now);
                self.license(id, licence, now);
            }
            MessageKind::LicenceRelease if response.expose() == b"released" => {
                let name = double.name.clone();
                self.answer(CdmEvent::Updated { session: id }, now);
                if let Some(name) = name {
                    self.stored.remove(&name);
                }
                self.end(id, CloseReason::ReleaseAcknowledged, now);
            }
            _ => return Err(invalid()),
        }
        Ok(())
    }

    /// The scripted failure of an operation, if there is one; false if it is not to be answered at all.
    fn fault(&mut self, operation: CdmOperation) -> Option<Fault> {
        self.faults.get_mut(&operation)?.pop_front()
    }

    fn in_session(&mut self, operation: CdmOperation, id: SessionId, now: Timestamp) -> bool {
        match self.fault(operation) {
            None => true,
            Some(Fault::Hangs) => false,
            Some(Fault::Fails(failure)) => {
                if operation == CdmOperation::Create {
                    self.sessions.remove(&id);
                }
                self.answer(CdmEvent::Failed { session: id, failure }, now);
                false
            }
        }
    }

    fn create(&mut self, id: SessionId, kind: SessionKind, now: Timestamp) {
        let refusal = if !self.script.provisioned {
            Some(CdmFailureKind::NotProvisioned)
        } else if self.script.max_sessions.is_some_and(|most| self.sessions.len() >= most) {
            Some(CdmFailureKind::Quota)
        } else {
            None
        };
        if let Some(kind) = refusal {
            let failure = CdmFailure::new(kind, "no session");
            return self.answer(CdmEvent::Failed { session: id, failure }, now);
        }
        let persistent = kind == SessionKind::PersistentLicence;
        self.sessions.insert(id, Double { persistent, ..Double::default() });
        self.answer(CdmEvent::Created { session: id }, now);
    }

    fn outside(&mut self, operation: CdmOperation, event: impl Fn(Answered) -> CdmEvent, now: Timestamp) {
        match self.fault(operation) {
            None => self.answer(event(Ok(())), now),
            Some(Fault::Hangs) => {}
            Some(Fault::Fails(failure)) => self.answer(event(Err(failure)), now),
        }
    }
}

impl Cdm for ScriptedCdm {
    fn execute(&mut self, command: CdmCommand, now: Timestamp) {
        self.commands.push((now, command.clone()));
        match command {
            CdmCommand::Access { id, video_robustness, audio_robustness, .. } => {
                let access = Access {
                    video_robustness: video_robustness.into_iter().next().unwrap_or_default(),
                    audio_robustness: audio_robustness.into_iter().next().unwrap_or_default(),
                };
                let event = |answer: Answered| CdmEvent::Access { id, answer: answer.map(|()| access.clone()) };
                self.outside(CdmOperation::Access, event, now);
            }
            CdmCommand::SetCertificate { id, .. } => {
                self.has_certificate = true;
                self.outside(CdmOperation::Certificate, |answer| CdmEvent::Certificate { id, answer }, now);
            }
            CdmCommand::Provision { id } => {
                match (self.fault(CdmOperation::Provision), self.script.provisioning_url.clone()) {
                    (Some(Fault::Hangs), _) => {}
                    (Some(Fault::Fails(failure)), _) => {
                        self.answer(CdmEvent::Provisioned { id, answer: Err(failure) }, now);
                    }
                    (None, Some(url)) => {
                        let body = SecretBytes::new(b"provision".to_vec());
                        self.answer(CdmEvent::ProvisionRequest { id, url, body }, now);
                    }
                    (None, None) => {
                        self.script.provisioned = true;
                        self.answer(CdmEvent::Provisioned { id, answer: Ok(()) }, now);
                    }
                }
            }
            CdmCommand::FinishProvisioning { id, .. } => {
                self.script.provisioned = true;
                self.outside(CdmOperation::Provision, |answer| CdmEvent::Provisioned { id, answer }, now);
            }
            CdmCommand::Create { session, kind } => {
                if self.in_session(CdmOperation::Create, session, now) {
                    self.create(session, kind, now);
                }
            }
            CdmCommand::GenerateRequest { session, .. } => {
                if self.in_session(CdmOperation::Generate, session, now) && self.sessions.contains_key(&session) {
                    let name = format!("stored-{}", session.0);
                    if let Some(double) = self.sessions.get_mut(&session) {
                        double.name = Some(name.clone());
                    }
                    self.answer(CdmEvent::Named { session, name }, now);
                    let kind = match self.script.individualises_at {
                        Some(_) => MessageKind::IndividualisationRequest,
                        None => MessageKind::LicenceRequest,
                    };
                    self.message(session, kind, now);
                }
            }
            CdmCommand::Load { session, name } => {
                if self.in_session(CdmOperation::Load, session, now) {
                    // One name is of one session as long as that is not closed (W3C EME, `load()`).
                    let named = self.sessions.iter().filter_map(|(id, double)| Some((id, double.name.as_ref()?)));
                    if named.chain(&self.ending).any(|(id, known)| *id != session && *known == name) {
                        let message = "a session of that name is not closed";
                        let failure = CdmFailure::new(CdmFailureKind::Quota, message);
                        return self.answer(CdmEvent::Failed { session, failure }, now);
                    }
                    let licence = self.stored.get(&name).cloned();
                    self.answer(CdmEvent::Loaded { session, found: licence.is_some() }, now);
                    if let (Some(licence), Some(double)) = (licence, self.sessions.get_mut(&session)) {
                        double.name = Some(name);
                        self.license(session, licence, now);
                    }
                }
            }
            CdmCommand::Update { session, response } => {
                if self.in_session(CdmOperation::Update, session, now) {
                    if let Err(failure) = self.update(session, &response, now) {
                        self.answer(CdmEvent::Failed { session, failure }, now);
                    }
                }
            }
            CdmCommand::Remove { session } => {
                if self.in_session(CdmOperation::Remove, session, now) {
                    if let Some(double) = self.sessions.get_mut(&session) {
                        double.removing = true;
                        double.generation += 1;
                        double.statuses.values_mut().for_each(|status| *status = KeyStatus::Released);
                        self.report(session, now);
                        self.message(session, MessageKind::LicenceRelease, now);
                    }
                }
            }
            CdmCommand::Close { session } => {
                if self.in_session(CdmOperation::Close, session, now) {
                    self.end(session, CloseReason::ClosedByApplication, now);
                }
            }
        }
    }

    fn poll(&mut self, now: Timestamp) -> Option<CdmEvent> {
        loop {
            let due = self.queue.iter().enumerate().filter(|(_, (at, ..))| *at <= now);
            let (at, _) = due.min_by_key(|(_, (at, sequence, _))| (*at, *sequence))?;
            let (_, _, due) = self.queue.remove(at);
            match due {
                Due::Event(event) => {
                    if let CdmEvent::Closed { session, .. } = &event {
                        self.ending.remove(session);
                    }
                    return Some(event);
                }
                Due::Renewal(id, generation) => {
                    if self.sessions.get(&id).is_some_and(|double| double.generation == generation) {
                        self.message(id, MessageKind::LicenceRenewal, now);
                    }
                }
                Due::Expiry(id, generation) => {
                    if let Some(double) = self.sessions.get_mut(&id).filter(|double| double.generation == generation) {
                        double.statuses.values_mut().for_each(|status| *status = KeyStatus::Expired);
                        self.report(id, now);
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.queue.iter().map(|(at, ..)| *at).min()
    }
}
