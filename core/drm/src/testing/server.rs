//! A licence server by a script.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use telecine_model::protection::{KeyId, KeyStatus};
use telecine_model::{ErrorCode, Timestamp};

use crate::session::{KeyAnswer, KeyRequest, KeyResponse, RequestId};
use crate::system::clearkey::{request_from_json, Licence};
use crate::ContentKey;

/// A licence that [`ScriptedCdm`](super::ScriptedCdm) understands.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DoubleLicence {
    /// Keys with the statuses that they will have.
    pub keys: Vec<(KeyId, KeyStatus)>,
    /// When the keys expire.
    pub lifetime: Option<Duration>,
    /// When the key system itself asks for a renewal.
    pub renewal_after: Option<Duration>,
}

impl DoubleLicence {
    /// Usable keys for ever.
    pub fn usable(kids: &[KeyId]) -> Self {
        Self { keys: kids.iter().map(|kid| (*kid, KeyStatus::Usable)).collect(), ..Self::default() }
    }

    /// Usable keys for a time.
    pub fn expiring(kids: &[KeyId], lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..Self::usable(kids) }
    }

    /// As a server's answer.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::from("double licence\n");
        for (kid, status) in &self.keys {
            text.push_str(&format!("key {kid} {status}\n"));
        }
        for (name, span) in [("lifetime", self.lifetime), ("renewal", self.renewal_after)] {
            if let Some(span) = span {
                text.push_str(&format!("{name} {}\n", span.as_millis()));
            }
        }
        text.into_bytes()
    }

    /// From a server's answer; None if it is no licence.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?.strip_prefix("double licence\n")?;
        let mut out = Self::default();
        for line in text.lines() {
            let (name, value) = line.split_once(' ')?;
            let span = || value.parse().ok().map(Duration::from_millis);
            match name {
                "key" => {
                    let (kid, status) = value.split_once(' ')?;
                    out.keys.push((KeyId::parse(kid)?, KeyStatus::from_name(status)?));
                }
                "lifetime" => out.lifetime = Some(span()?),
                "renewal" => out.renewal_after = Some(span()?),
                _ => return None,
            }
        }
        Some(out)
    }
}

/// An answer of the server.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A licence.
    Licence(DoubleLicence),
    /// Keys in the clear for what the request names, in ClearKey's JSON; those that are not listed are
    /// not given.
    ClearKeys(Vec<(KeyId, [u8; 16])>),
    /// These bytes, with status 200.
    Bytes(Vec<u8>),
    /// Nothing but a status, and how long to wait.
    Status(u16, Option<Duration>),
    /// The way to the server fails.
    Broken(ErrorCode),
    /// No answer at all.
    Silence,
}

/// A server, or several: replies by URL.
#[derive(Debug)]
pub struct ScriptedServer {
    /// Time until an answer.
    pub latency: Duration,
    /// Replies by URL: each is used once, the last one again and again.
    replies: BTreeMap<String, VecDeque<Reply>>,
    /// Every request, in order.
    pub requests: Vec<(Timestamp, KeyRequest)>,
    answers: VecDeque<(Timestamp, RequestId, KeyAnswer)>,
}

impl Default for ScriptedServer {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(100),
            replies: BTreeMap::new(),
            requests: Vec::new(),
            answers: VecDeque::new(),
        }
    }
}

impl ScriptedServer {
    /// Adds a reply of a URL, behind those that it has.
    pub fn reply(&mut self, url: &str, reply: Reply) -> &mut Self {
        self.replies.entry(url.to_owned()).or_default().push_back(reply);
        self
    }

    /// Forgets the replies of a URL.
    pub fn clear(&mut self, url: &str) -> &mut Self {
        self.replies.remove(url);
        self
    }

    /// Takes a request. A URL without replies has status 404.
    pub fn request(&mut self, request: &KeyRequest, now: Timestamp) {
        self.requests.push((now, request.clone()));
        let replies = self.replies.get_mut(request.url.as_str());
        let reply = match replies {
            Some(replies) if replies.len() > 1 => replies.pop_front(),
            Some(replies) => replies.front().cloned(),
            None => None,
        };
        let answer = match reply.unwrap_or(Reply::Status(404, None)) {
            Reply::Licence(licence) => Ok(KeyResponse::ok(licence.to_bytes())),
            Reply::ClearKeys(keys) => Ok(KeyResponse::ok(clear_keys(request, &keys))),
            Reply::Bytes(bytes) => Ok(KeyResponse::ok(bytes)),
            Reply::Status(status, retry_after) => Ok(KeyResponse { status, body: Vec::new().into(), retry_after }),
            Reply::Broken(code) => Err(code),
            Reply::Silence => return,
        };
        self.answers.push_back((now + self.latency, request.id, answer));
    }

    /// The next answer that is due.
    pub fn poll(&mut self, now: Timestamp) -> Option<(RequestId, KeyAnswer)> {
        let at = self.answers.iter().position(|(due, ..)| *due <= now)?;
        self.answers.remove(at).map(|(_, id, answer)| (id, answer))
    }

    /// When the next answer is due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.answers.iter().map(|(due, ..)| *due).min()
    }
}

fn clear_keys(request: &KeyRequest, keys: &[(KeyId, [u8; 16])]) -> Vec<u8> {
    let body = request.body.as_ref().map_or(&[][..], |body| body.expose());
    let wanted = request_from_json(body, &telecine_model::Limits::default());
    let (kids, kind) = wanted.unwrap_or_default();
    let granted = keys.iter().filter(|(kid, _)| kids.contains(kid));
    Licence { keys: granted.map(|(kid, key)| (*kid, ContentKey::new(*key))).collect(), kind }.to_json()
}
