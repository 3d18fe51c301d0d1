//! Before the first session: the key system, its certificate, provisioning.

use telecine_model::{Error, ErrorCode, Handling, Timestamp};

use super::one::Phase;
use super::port::{Access, CdmCommand, CdmFailure, CommandId, KeyAnswer, RequestId, RequestKind};
use super::retry::{self, Fetch, FetchState, Outcome};
use super::{KeyAction, KeyReport, KeyRequest, KeySessions};
use crate::system::{Certificate, CertificateUse};
use crate::{KeyUrl, SecretBytes};

/// How far the key system is.
#[derive(Debug)]
pub(super) enum Setup {
    /// Not asked for.
    Idle,
    /// Asked for.
    Access { id: CommandId, until: Timestamp },
    /// Its certificate is being fetched.
    Certificate(Fetch),
    /// It was given its certificate.
    SetCertificate { id: CommandId, until: Timestamp },
    /// Sessions may be opened.
    Ready,
}

impl Setup {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Access { until, .. } | Self::SetCertificate { until, .. } => Some(*until),
            Self::Certificate(fetch) => Some(fetch.until()),
            Self::Idle | Self::Ready => None,
        }
    }
}

/// Whether the device is being provisioned.
#[derive(Debug)]
pub(super) enum Provisioning {
    No,
    /// The key system was told to.
    Asked {
        id: CommandId,
        until: Timestamp,
    },
    /// The server was asked.
    Fetching(Fetch),
    /// The key system was given the answer.
    Finishing {
        id: CommandId,
        until: Timestamp,
    },
}

impl Provisioning {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::No => None,
            Self::Asked { until, .. } | Self::Finishing { until, .. } => Some(*until),
            Self::Fetching(fetch) => Some(fetch.until()),
        }
    }
}

/// How often a device is provisioned for one title before that is given up.
const PROVISIONINGS: u32 = 2;

impl KeySessions {
    fn command_id(&mut self) -> CommandId {
        CommandId(self.next_id())
    }

    /// Opens the key system if nobody has, then sessions.
    pub(super) fn advance(&mut self, now: Timestamp) {
        if self.failure.is_some() {
            return;
        }
        if matches!(self.setup, Setup::Idle) && !self.plans.is_empty() {
            self.open_system(now);
        }
        if matches!((&self.setup, &self.provisioning), (Setup::Ready, Provisioning::No)) {
            self.open_sessions(now);
        }
    }

    /// Opens the first key system of the choice.
    fn open_system(&mut self, now: Timestamp) {
        let id = self.command_id();
        if let Some(plan) = self.plans.front() {
            let schemes = self.sessions.values().filter_map(|session| session.requirement.as_ref()?.scheme);
            let mut known = Vec::new();
            schemes.for_each(|scheme| {
                if !known.contains(&scheme) {
                    known.push(scheme);
                }
            });
            let command = CdmCommand::Access {
                id,
                system: plan.capability.system,
                name: plan.capability.name.clone(),
                video_robustness: plan.capability.video_robustness.clone(),
                audio_robustness: plan.capability.audio_robustness.clone(),
                schemes: known,
                init_data: plan.capability.init_data.clone(),
                persistent: plan.persistent || plan.loads_stored,
            };
            self.setup = Setup::Access { id, until: now + self.policy.cdm_timeout };
            self.cdm(command);
        }
    }

    pub(super) fn on_access(&mut self, id: CommandId, answer: Result<Access, CdmFailure>, now: Timestamp) {
        if !matches!(self.setup, Setup::Access { id: asked, .. } if asked == id) {
            return;
        }
        let access = match answer {
            Ok(access) => access,
            Err(failure) => {
                let message = "the device refuses the key system";
                let error = self.cdm_error(ErrorCode::KeySystemUnavailable, message, &failure);
                return self.next_system(error, now);
            }
        };
        let Some(plan) = self.plans.front() else {
            return;
        };
        self.reports.push_back(KeyReport::Access {
            system: plan.system(),
            name: plan.capability.name.clone(),
            video_robustness: access.video_robustness,
            audio_robustness: access.audio_robustness,
            reasons: plan.reasons.clone(),
        });
        match (plan.capability.certificate, plan.certificate.clone()) {
            (CertificateUse::None, _) | (CertificateUse::Optional, None) => self.setup = Setup::Ready,
            (CertificateUse::Required, None) => {
                let message = "the key system needs the service's certificate, and none is given";
                self.next_system(Error::new(ErrorCode::CertificateFailed, message), now);
            }
            (_, Some(Certificate::Bytes(bytes))) => self.set_certificate(bytes.to_vec().into(), now),
            (_, Some(Certificate::Url(url))) => {
                let fetch = Fetch::new(RequestKind::Certificate, vec![url], plan.headers.clone(), None, now);
                self.setup = Setup::Certificate(self.send(fetch, None, now));
            }
        }
    }

    fn set_certificate(&mut self, certificate: SecretBytes, now: Timestamp) {
        let id = self.command_id();
        self.setup = Setup::SetCertificate { id, until: now + self.policy.cdm_timeout };
        self.cdm(CdmCommand::SetCertificate { id, certificate });
    }

    pub(super) fn on_certificate(&mut self, id: CommandId, answer: Result<(), CdmFailure>, now: Timestamp) {
        if !matches!(self.setup, Setup::SetCertificate { id: asked, .. } if asked == id) {
            return;
        }
        match answer {
            Ok(()) => self.setup = Setup::Ready,
            Err(failure) => {
                let message = "the key system does not accept the service's certificate";
                let error = self.cdm_error(ErrorCode::CertificateFailed, message, &failure);
                self.without_certificate(error, now);
            }
        }
    }

    /// Goes on without a certificate, where that is possible.
    fn without_certificate(&mut self, error: Error, now: Timestamp) {
        let required = self.plan().is_none_or(|plan| plan.capability.certificate == CertificateUse::Required);
        if required {
            self.next_system(error, now);
        } else {
            self.reports.push_back(KeyReport::Recovered(error.recovered(Handling::Skipped)));
            self.setup = Setup::Ready;
        }
    }

    /// Leaves the key system for the next one of the choice.
    pub(super) fn next_system(&mut self, error: Error, now: Timestamp) {
        self.leave_system(now);
        self.plans.pop_front();
        if self.plans.is_empty() {
            self.give_up(error, now);
            return;
        }
        self.reports.push_back(KeyReport::Recovered(error.recovered(Handling::Replaced)));
        self.resolve_all();
    }

    /// Gives up what prepares the key system, requests included.
    fn leave_setup(&mut self) {
        if let Setup::Certificate(fetch) = std::mem::replace(&mut self.setup, Setup::Idle) {
            self.cancel(&fetch);
        }
        if let Provisioning::Fetching(fetch) = std::mem::replace(&mut self.provisioning, Provisioning::No) {
            self.cancel(&fetch);
        }
        self.learned_room = None;
    }

    /// Leaves the key system at the end of a title, unless a licence is still to be destroyed with it.
    pub(super) fn leave_if_over(&mut self) {
        if self.over && self.releases().is_empty() {
            self.leave_setup();
            self.plans.clear();
            (self.failure, self.over) = (None, false);
        }
    }

    /// Takes everything back that the key system has of us; its sessions wait for the next.
    pub(super) fn leave_system(&mut self, now: Timestamp) {
        self.leave_setup();
        let ids: Vec<_> = self.sessions.keys().copied().collect();
        for id in ids {
            let Some(mut session) = self.sessions.remove(&id) else {
                continue;
            };
            self.cancel_all(&session);
            if session.is_open() && session.phase != Phase::Closing {
                self.cdm(CdmCommand::Close { session: id });
            }
            if session.is_releasing() {
                // The licence is still to be destroyed: by the key system that is opened next, if that has it.
                session.requeue(now);
                session.id = self.session_id();
                (session.requirement, session.offer) = (None, None);
                self.sessions.insert(session.id, session);
                continue;
            }
            if (session.phase == Phase::Closing && session.failure.is_none()) || session.requirement.is_none() {
                continue;
            }
            // Under a new name: what the old one still reports is not looked at.
            let id = self.session_id();
            session.requeue(now);
            session.id = id;
            session.failure = None;
            session.stored = None;
            session.replaces = None;
            self.sessions.insert(id, session);
        }
    }

    /// The key system broke: the same once more, or the next.
    pub(super) fn restart(&mut self, error: Error, now: Timestamp) {
        if self.restarts >= self.policy.restarts {
            return self.next_system(error, now);
        }
        self.restarts += 1;
        self.leave_system(now);
        self.reports.push_back(KeyReport::Recovered(error.recovered(Handling::Retried)));
        self.resolve_all();
    }

    /// Begins provisioning; false if that was done often enough.
    pub(super) fn provision(&mut self, now: Timestamp) -> bool {
        if !matches!(self.provisioning, Provisioning::No) {
            return true;
        }
        if self.provisioned >= PROVISIONINGS {
            return false;
        }
        self.provisioned += 1;
        let id = self.command_id();
        self.provisioning = Provisioning::Asked { id, until: now + self.policy.cdm_timeout };
        self.cdm(CdmCommand::Provision { id });
        true
    }

    pub(super) fn on_provision_request(&mut self, id: CommandId, url: KeyUrl, body: SecretBytes, now: Timestamp) {
        if !matches!(self.provisioning, Provisioning::Asked { id: asked, .. } if asked == id) {
            return;
        }
        let body = (!body.is_empty()).then_some(body);
        let fetch = Fetch::new(RequestKind::Provisioning, vec![url], Vec::new(), body, now);
        self.provisioning = Provisioning::Fetching(self.send(fetch, None, now));
    }

    pub(super) fn on_provisioned(&mut self, id: CommandId, answer: Result<(), CdmFailure>, now: Timestamp) {
        match self.provisioning {
            Provisioning::Asked { id: asked, .. } | Provisioning::Finishing { id: asked, .. } if asked == id => {}
            _ => return,
        }
        match answer {
            Ok(()) => self.provisioning = Provisioning::No,
            Err(failure) => {
                let message = "the device could not be provisioned";
                let error = self.cdm_error(ErrorCode::ProvisioningFailed, message, &failure);
                self.next_system(error, now);
            }
        }
    }

    /// Sends a request, the first time or again.
    pub(super) fn send(&mut self, mut fetch: Fetch, session: Option<super::SessionId>, now: Timestamp) -> Fetch {
        let id = RequestId(self.next_id());
        let timeout = self.policy.request_timeout;
        fetch.state = FetchState::Sent { id, until: now + timeout };
        if let Some((plan, url)) = self.plans.front().zip(fetch.url()) {
            let request = KeyRequest {
                id,
                kind: fetch.kind,
                system: plan.system(),
                session,
                url: url.clone(),
                headers: fetch.headers.clone(),
                body: fetch.body.clone(),
                attempt: fetch.attempt,
                timeout,
            };
            self.actions.push_back(KeyAction::Request(request));
        }
        fetch
    }

    pub(super) fn cancel(&mut self, fetch: &Fetch) {
        if let FetchState::Sent { id, .. } = fetch.state {
            self.actions.push_back(KeyAction::Cancel(id));
        }
    }

    /// What an answer leads to: the response, a failure, or the request waiting for its next try.
    pub(super) fn judge_answer(
        &mut self,
        mut fetch: Fetch,
        session: Option<super::SessionId>,
        answer: KeyAnswer,
        now: Timestamp,
    ) -> Result<super::KeyResponse, Box<Undone>> {
        let draw = self.rng.next_u64();
        let limit = self.limits.licence_bytes;
        match retry::judge(&fetch, answer, &self.policy, limit, self.retry_budget, draw) {
            Outcome::Done(response) => {
                self.retry_budget = (self.retry_budget + 1).min(self.policy.retry_budget);
                self.reports.push_back(KeyReport::Answered {
                    session,
                    kind: fetch.kind,
                    latency: now.since(fetch.begun),
                    attempts: fetch.attempt + 1,
                    challenge_bytes: fetch.challenge_bytes(),
                    response_bytes: response.body.len(),
                });
                Ok(response)
            }
            Outcome::Again(pause, error) => {
                self.retry_budget = self.retry_budget.saturating_sub(1);
                self.reports.push_back(KeyReport::Recovered(error.recovered(Handling::Retried)));
                fetch.attempt += 1;
                fetch.state = FetchState::Pausing { until: now + pause };
                Err(Box::new(Undone::Again(fetch)))
            }
            Outcome::Failed(error) => Err(Box::new(Undone::Failed(error))),
        }
    }

    /// True if the answer was for the certificate or for provisioning.
    pub(super) fn on_setup_answer(&mut self, request: RequestId, answer: &KeyAnswer, now: Timestamp) -> bool {
        if matches!(&self.setup, Setup::Certificate(fetch) if fetch.is_sent_as(request)) {
            if let Setup::Certificate(fetch) = std::mem::replace(&mut self.setup, Setup::Idle) {
                match self.judge_answer(fetch, None, answer.clone(), now).map_err(|undone| *undone) {
                    Ok(response) => self.set_certificate(response.body, now),
                    Err(Undone::Again(fetch)) => self.setup = Setup::Certificate(fetch),
                    Err(Undone::Failed(error)) => self.without_certificate(error, now),
                }
            }
            return true;
        }
        if matches!(&self.provisioning, Provisioning::Fetching(fetch) if fetch.is_sent_as(request)) {
            if let Provisioning::Fetching(fetch) = std::mem::replace(&mut self.provisioning, Provisioning::No) {
                match self.judge_answer(fetch, None, answer.clone(), now).map_err(|undone| *undone) {
                    Ok(response) => {
                        let id = self.command_id();
                        self.provisioning = Provisioning::Finishing { id, until: now + self.policy.cdm_timeout };
                        self.cdm(CdmCommand::FinishProvisioning { id, response: response.body });
                    }
                    Err(Undone::Again(fetch)) => self.provisioning = Provisioning::Fetching(fetch),
                    Err(Undone::Failed(error)) => self.next_system(error, now),
                }
            }
            return true;
        }
        false
    }

    pub(super) fn setup_timers(&mut self, now: Timestamp) {
        match &self.setup {
            Setup::Access { until, .. } if *until <= now => {
                let message = "the key system did not open in time";
                self.next_system(Error::new(ErrorCode::KeySystemUnavailable, message), now);
            }
            Setup::SetCertificate { until, .. } if *until <= now => {
                let message = "the key system did not take the service's certificate in time";
                self.without_certificate(Error::new(ErrorCode::CertificateFailed, message), now);
            }
            Setup::Certificate(fetch) if fetch.until() <= now => match fetch.state {
                FetchState::Sent { id, .. } => {
                    self.actions.push_back(KeyAction::Cancel(id));
                    self.on_setup_answer(id, &Err(ErrorCode::Timeout), now);
                }
                FetchState::Pausing { .. } => {
                    if let Setup::Certificate(fetch) = std::mem::replace(&mut self.setup, Setup::Idle) {
                        self.setup = Setup::Certificate(self.send(fetch, None, now));
                    }
                }
            },
            _ => {}
        }
        match &self.provisioning {
            Provisioning::Asked { until, .. } | Provisioning::Finishing { until, .. } if *until <= now => {
                let message = "the key system was not provisioned in time";
                self.next_system(Error::new(ErrorCode::ProvisioningFailed, message), now);
            }
            Provisioning::Fetching(fetch) if fetch.until() <= now => match fetch.state {
                FetchState::Sent { id, .. } => {
                    self.actions.push_back(KeyAction::Cancel(id));
                    self.on_setup_answer(id, &Err(ErrorCode::Timeout), now);
                }
                FetchState::Pausing { .. } => {
                    if let Provisioning::Fetching(fetch) = std::mem::replace(&mut self.provisioning, Provisioning::No) {
                        self.provisioning = Provisioning::Fetching(self.send(fetch, None, now));
                    }
                }
            },
            _ => {}
        }
    }
}

/// A request without a response.
pub(super) enum Undone {
    /// It waits for its next try.
    Again(Fetch),
    /// It failed for good.
    Failed(Error),
}
