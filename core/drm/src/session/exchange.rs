//! Messages of the key system, and their answers from servers.

use telecine_model::protection::KeySystem;
use telecine_model::{Error, ErrorCode, Timestamp};

use super::one::{Exchange, Pending, Phase};
use super::port::{CdmCommand, Header, KeyAnswer, MessageKind, RequestId, RequestKind, SessionId};
use super::retry::{Fetch, FetchState};
use super::setup::Undone;
use super::KeySessions;
use crate::system::playready::KeyMessage;
use crate::system::InitDataKind;
use crate::{KeyUrl, SecretBytes};

/// Messages of one session that wait for answers; a key system that sends more has lost its mind.
const EXCHANGES: usize = 8;

impl KeySessions {
    pub(super) fn on_message(
        &mut self,
        id: SessionId,
        kind: MessageKind,
        body: SecretBytes,
        url: Option<KeyUrl>,
        now: Timestamp,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if !matches!(session.phase, Phase::Loading | Phase::Generating | Phase::Active | Phase::Removing) {
            return;
        }
        if session.exchanges.len() >= EXCHANGES {
            let error = Error::new(ErrorCode::CdmFailed, "the key system sends message after message");
            return self.fail(id, error, now);
        }
        // What was waited for has come, unless that is what becomes of an answer.
        session.pending = session.pending.filter(|(pending, _)| *pending == Pending::Update);
        if session.phase == Phase::Active && kind != MessageKind::LicenceRelease {
            session.renewing = true;
            session.renew_at = None;
        }
        let offered = session.offer.as_ref().and_then(|offer| offer.licence_url.clone());
        let by_uri = session.init_data().is_some_and(|data| data.kind == InitDataKind::KeyUri);
        let Some(plan) = self.plans.front() else {
            return;
        };
        let system = plan.system();
        // The application's servers come first, then the content's, then the key system's own.
        let urls = match kind {
            _ if by_uri => url.into_iter().collect(),
            MessageKind::IndividualisationRequest if url.is_some() => url.into_iter().collect(),
            _ if !plan.licence_urls.is_empty() => plan.licence_urls.clone(),
            _ => offered.or(url).into_iter().collect::<Vec<_>>(),
        };
        if urls.is_empty() {
            let message = "neither the application nor the content says where licences are";
            return self.exchange_failed(id, kind, Error::new(ErrorCode::KeyUnavailable, message), now);
        }
        let (own, body) = match headers_for(system, kind, body, &self.limits) {
            Ok(request) => request,
            Err(error) => return self.exchange_failed(id, kind, error, now),
        };
        let mut headers = plan.headers.clone();
        for header in own {
            if !headers.iter().any(|known| known.name.eq_ignore_ascii_case(&header.name)) {
                headers.push(header);
            }
        }
        let request = if by_uri { RequestKind::Key } else { RequestKind::Message(kind) };
        let body = (!body.is_empty()).then_some(body);
        if body.is_none() {
            headers.retain(|header| !header.name.eq_ignore_ascii_case("content-type"));
        }
        let fetch = self.send(Fetch::new(request, urls, headers, body, now), Some(id), now);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.exchanges.push(Exchange { kind, fetch: Some(fetch) });
        }
    }

    pub(super) fn on_session_answer(&mut self, request: RequestId, answer: KeyAnswer, now: Timestamp) {
        let sent = |exchange: &Exchange| exchange.fetch.as_ref().is_some_and(|fetch| fetch.is_sent_as(request));
        let found = self.sessions.values_mut().find_map(|session| {
            let at = session.exchanges.iter().position(sent)?;
            Some((session.id, session.exchanges.remove(at)))
        });
        // Late answers, and those for sessions that are gone, are nobody's.
        let Some((id, Exchange { kind, fetch: Some(fetch) })) = found else {
            return;
        };
        let until = now + self.policy.cdm_timeout;
        match self.judge_answer(fetch, Some(id), answer, now).map_err(|undone| *undone) {
            Ok(response) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.exchanges.push(Exchange { kind, fetch: None });
                    session.pending = Some((Pending::Update, until));
                }
                self.cdm(CdmCommand::Update { session: id, response: response.body });
            }
            Err(Undone::Again(fetch)) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.exchanges.push(Exchange { kind, fetch: Some(fetch) });
                }
            }
            Err(Undone::Failed(error)) => self.exchange_failed(id, kind, error, now),
        }
    }

    /// Sends the requests of a session whose pause is over.
    pub(super) fn send_again(&mut self, id: SessionId, now: Timestamp) {
        let due = |exchange: &Exchange| {
            let state = exchange.fetch.as_ref().map(|fetch| fetch.state);
            matches!(state, Some(FetchState::Pausing { until }) if until <= now)
        };
        loop {
            let Some(session) = self.sessions.get_mut(&id) else {
                return;
            };
            let Some(at) = session.exchanges.iter().position(due) else {
                return;
            };
            if let Exchange { kind, fetch: Some(fetch) } = session.exchanges.remove(at) {
                let fetch = self.send(fetch, Some(id), now);
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.exchanges.push(Exchange { kind, fetch: Some(fetch) });
                }
            }
        }
    }

    /// A message stays without an answer.
    fn exchange_failed(&mut self, id: SessionId, kind: MessageKind, error: Error, now: Timestamp) {
        let active = self.sessions.get(&id).is_some_and(|session| session.phase == Phase::Active);
        if active && kind != MessageKind::LicenceRelease {
            // The keys that are there stay usable for their time.
            let handling = telecine_model::Handling::Retried;
            self.reports.push_back(super::KeyReport::Recovered(error.recovered(handling)));
            return self.renewal_failed(id, now);
        }
        let error = match kind {
            MessageKind::IndividualisationRequest if error.code() != ErrorCode::NotEntitled => {
                let message = error.message().to_owned();
                error.facts().iter().fold(Error::new(ErrorCode::ProvisioningFailed, message), |new, (name, value)| {
                    new.fact(name, value)
                })
            }
            _ => error,
        };
        self.fail(id, error, now);
    }

    pub(super) fn on_updated(&mut self, id: SessionId, now: Timestamp) {
        let until = now + self.policy.cdm_timeout;
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(at) = session.exchanges.iter().position(|exchange| exchange.fetch.is_none()) else {
            return;
        };
        session.exchanges.remove(at);
        let more = session.exchanges.iter().any(|exchange| exchange.fetch.is_none());
        session.pending = match session.phase {
            _ if more => Some((Pending::Update, until)),
            // Keys, or the next message: of one licence several exchanges may be made.
            Phase::Generating | Phase::Loading => Some((Pending::Keys, until)),
            Phase::Removing => Some((Pending::Remove, until)),
            _ => None,
        };
        if session.phase == Phase::Active && session.exchanges.is_empty() {
            session.renewing = false;
        }
    }
}

/// The headers that a message needs, and what of it is posted.
fn headers_for(
    system: KeySystem,
    kind: MessageKind,
    body: SecretBytes,
    limits: &telecine_model::Limits,
) -> Result<(Vec<Header>, SecretBytes), Error> {
    let content_type = |value: &str| vec![Header::new("Content-Type", value)];
    if kind == MessageKind::IndividualisationRequest {
        return Ok((content_type("application/octet-stream"), body));
    }
    match system {
        KeySystem::ClearKey => Ok((content_type("application/json"), body)),
        KeySystem::PlayReady => match KeyMessage::unwrap(body.expose(), limits)? {
            Some(message) => {
                let headers = message.headers.iter().map(|(name, value)| Header::new(name.as_str(), value.as_str()));
                Ok((headers.collect(), message.challenge))
            }
            None => {
                let mut headers = content_type("text/xml; charset=utf-8");
                let action = "\"http://schemas.microsoft.com/DRM/2007/03/protocols/AcquireLicense\"";
                headers.push(Header::new("SOAPAction", action));
                Ok((headers, body))
            }
        },
        _ => Ok((content_type("application/octet-stream"), body)),
    }
}
