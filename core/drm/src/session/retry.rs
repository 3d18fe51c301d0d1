//! Requests to licence servers: what their answers mean, and when they are made again.

use std::time::Duration;

use telecine_model::rng::scale;
use telecine_model::{Error, ErrorCode, Timestamp};

use super::policy::SessionPolicy;
use super::port::{Header, KeyAnswer, KeyResponse, RequestId, RequestKind};
use crate::{KeyUrl, SecretBytes};

/// A request with its tries.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) kind: RequestKind,
    /// Servers; never empty.
    pub(super) urls: Vec<KeyUrl>,
    pub(super) headers: Vec<Header>,
    pub(super) body: Option<SecretBytes>,
    pub(super) attempt: u32,
    pub(super) begun: Timestamp,
    pub(super) state: FetchState,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum FetchState {
    /// Waits for an answer, or for its time.
    Sent { id: RequestId, until: Timestamp },
    /// Waits to be sent.
    Pausing { until: Timestamp },
}

impl Fetch {
    pub(super) fn new(
        kind: RequestKind,
        urls: Vec<KeyUrl>,
        headers: Vec<Header>,
        body: Option<SecretBytes>,
        now: Timestamp,
    ) -> Self {
        Self { kind, urls, headers, body, attempt: 0, begun: now, state: FetchState::Pausing { until: now } }
    }

    /// The server of this try: each try asks the next.
    pub(super) fn url(&self) -> Option<&KeyUrl> {
        let at = self.attempt as usize % self.urls.len().max(1);
        self.urls.get(at)
    }

    pub(super) fn is_sent_as(&self, request: RequestId) -> bool {
        matches!(self.state, FetchState::Sent { id, .. } if id == request)
    }

    pub(super) fn until(&self) -> Timestamp {
        match self.state {
            FetchState::Sent { until, .. } | FetchState::Pausing { until } => until,
        }
    }

    pub(super) fn challenge_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, SecretBytes::len)
    }
}

/// What is made of an answer.
pub(super) enum Outcome {
    Done(KeyResponse),
    /// Again after a pause.
    Again(Duration, Error),
    Failed(Error),
}

/// Judges an answer. `budget` is what is left for trying again, `draw` a random number.
pub(super) fn judge(
    fetch: &Fetch,
    answer: KeyAnswer,
    policy: &SessionPolicy,
    limit: usize,
    budget: u32,
    draw: u64,
) -> Outcome {
    let (mut error, may_get_better, retry_after) = match answer {
        Ok(response) if (200..300).contains(&response.status) => {
            if response.body.len() <= limit {
                return Outcome::Done(response);
            }
            let message = format!("an answer of {} bytes", response.body.len());
            (Error::new(ErrorCode::LicenceInvalid, message), false, None)
        }
        Ok(response) => {
            let (error, better) = of_status(fetch.kind, response.status);
            (error, better, response.retry_after)
        }
        Err(code) => {
            let better = matches!(
                code,
                ErrorCode::DnsFailed
                    | ErrorCode::ConnectFailed
                    | ErrorCode::Timeout
                    | ErrorCode::ConnectionLost
                    | ErrorCode::BodyLengthMismatch
                    | ErrorCode::ContentEncodingFailed
                    | ErrorCode::Throttled
            );
            let message = format!("{} failed: {}", name(fetch.kind), code.meaning().trim());
            (Error::new(of_failure(fetch.kind), message).fact("cause", code.name()), better, None)
        }
    };
    error = error.fact("attempts", fetch.attempt + 1);
    if let Some(url) = fetch.url() {
        error = error.fact("url", url);
    }
    if !may_get_better || fetch.attempt + 1 >= policy.attempts || budget == 0 {
        return Outcome::Failed(error);
    }
    let asked = retry_after.unwrap_or_default();
    if asked > policy.patience {
        return Outcome::Failed(error.fact("retry_after_s", asked.as_secs()));
    }
    // Another server has not failed yet.
    let fresh = (fetch.attempt as usize) + 1 < fetch.urls.len() && retry_after.is_none();
    let doubled = policy.first_pause.saturating_mul(1 << fetch.attempt.min(16));
    let span = if fresh { policy.first_pause / 2 } else { doubled.min(policy.longest_pause) };
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let drawn = Duration::from_micros(micros / 2 + scale(draw, micros / 2 + 1));
    Outcome::Again(drawn.max(asked), error)
}

/// What a status means for a request, and whether it may be another one next time.
fn of_status(kind: RequestKind, status: u16) -> (Error, bool) {
    let (code, message, better) = match status {
        // Whoever is told no is told no the second time.
        401..=403 => (ErrorCode::NotEntitled, "the server does not grant it to this viewer", false),
        451 => (ErrorCode::GeoBlocked, "the server does not grant it here", false),
        408 | 425 | 429 | 500.. => (of_failure(kind), "the server failed or is busy", true),
        _ => (of_refusal(kind), "the server refused the request", false),
    };
    (Error::new(code, format!("{}: {message}", name(kind))).fact("status", status), better)
}

fn of_failure(kind: RequestKind) -> ErrorCode {
    match kind {
        RequestKind::Certificate => ErrorCode::CertificateFailed,
        RequestKind::Provisioning => ErrorCode::ProvisioningFailed,
        _ => ErrorCode::LicenceFailed,
    }
}

fn of_refusal(kind: RequestKind) -> ErrorCode {
    match kind {
        RequestKind::Certificate => ErrorCode::CertificateFailed,
        RequestKind::Provisioning => ErrorCode::ProvisioningFailed,
        _ => ErrorCode::LicenceRefused,
    }
}

fn name(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Message(kind) => kind.eme_name(),
        RequestKind::Key => "the request of a key",
        RequestKind::Certificate => "the request of the service certificate",
        RequestKind::Provisioning => "provisioning",
    }
}
