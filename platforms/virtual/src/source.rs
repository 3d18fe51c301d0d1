//! Where a virtual session gets its bytes from.

use std::time::Duration;

use crate::link::Held;
use bytes::Bytes;
use telecine_engine::{FetchRequest, ResponseHead};
use telecine_model::{ErrorCode, Timestamp, WallTime};

/// Answers requests, whole and at once: how long an answer takes is the [`Link`](crate::Link)'s
/// business.
pub trait Source {
    /// The answer to a request.
    fn fetch(&mut self, request: &FetchRequest) -> Fetched;

    /// The answer to a request that is made at `now`, by the session's clock: what [`Session`](crate::Session) asks for.
    /// Sources whose answers depend on the time, as those of live titles do, answer by it; for others it is as any.
    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        let _ = now;
        self.fetch(request)
    }

    /// A request is over: answered, failed or given up at `now`, by when so many bytes of its body had been handed on.
    fn over(&mut self, request: &FetchRequest, bytes: u64, now: Timestamp) {
        let _ = (request, bytes, now);
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        (**self).fetch(request)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        (**self).fetch_at(request, now)
    }

    fn over(&mut self, request: &FetchRequest, bytes: u64, now: Timestamp) {
        (**self).over(request, bytes, now);
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    /// An answer, of whatever status.
    Response(Box<Response>),
    /// None: the request failed on its way.
    Failure(Failure),
}

/// How a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A code of the network domain.
    pub code: ErrorCode,
    /// What happened, without secrets.
    pub message: String,
}

impl Failure {
    /// A failure with a sentence about it.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status; 200 or 206 for what does not come over HTTP.
    pub status: u16,
    /// URL that answered, after redirects.
    pub url: String,
    /// Declared length of the body; None says nothing of it.
    pub content_length: Option<u64>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// `Date`.
    pub date: Option<WallTime>,
    /// `Age` in seconds.
    pub age_s: Option<u64>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// The body, as far as it comes.
    pub body: Bytes,
    /// Bytes of zero that follow the body and are a part of it. They are handed on as slices of one buffer, so that media
    /// that says nothing costs no memory, whatever its size.
    pub zeros: u64,
    /// What breaks it off there; None if it is complete.
    pub broken: Option<Failure>,
    /// Time that the server thinks before it answers.
    pub delay: Duration,
    /// When the answer is there at the server: at once, unless it is of something that is being made.
    pub held: Held,
    /// It is beside the player, as in a cache of its device, and there after so long whatever the line does.
    pub beside: Option<Duration>,
    /// The host knows, and says, that it comes from a cache.
    pub from_cache: bool,
    /// `CMSD-Static` and `CMSD-Dynamic` (CTA-5006), each as sent.
    pub cmsd: Vec<String>,
}

impl Response {
    /// A complete answer.
    pub fn new(status: u16, url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            status,
            url: url.into(),
            content_length: Some(body.len() as u64),
            content_type: None,
            retry_after: None,
            date: None,
            age_s: None,
            etag: None,
            last_modified: None,
            body,
            zeros: 0,
            broken: None,
            delay: Duration::ZERO,
            held: Held::default(),
            beside: None,
            from_cache: false,
            cmsd: Vec::new(),
        }
    }

    /// Lets so many bytes of zero follow the body.
    #[must_use]
    pub fn with_zeros(mut self, zeros: u64) -> Self {
        self.content_length = Some((self.body.len() as u64).saturating_add(zeros));
        self.zeros = zeros;
        self
    }

    /// Bytes that come: of the body, and the zeros behind it.
    pub fn bytes(&self) -> u64 {
        (self.body.len() as u64).saturating_add(self.zeros)
    }

    /// What comes between two positions: something of the body, and so many zeros.
    pub(crate) fn between(&self, from: u64, to: u64) -> (Bytes, u64) {
        let end = self.body.len() as u64;
        let of_body =
            usize::try_from(from.min(end)).unwrap_or(usize::MAX)..usize::try_from(to.min(end)).unwrap_or(usize::MAX);
        (self.body.slice(of_body), to.max(end) - from.max(end))
    }

    /// Says what the body is.
    #[must_use]
    pub fn with_type(mut self, content_type: &str) -> Self {
        self.content_type = Some(content_type.to_owned());
        self
    }

    pub(crate) fn head(&self, request: &FetchRequest) -> ResponseHead {
        ResponseHead {
            id: request.id,
            status: self.status,
            url: self.url.clone(),
            version: None,
            content_length: self.content_length,
            content_type: self.content_type.clone(),
            retry_after: self.retry_after.clone(),
            date: self.date,
            age_s: self.age_s,
            from_cache: self.from_cache,
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            cmsd: self.cmsd.clone(),
        }
    }
}

impl From<Response> for Fetched {
    fn from(response: Response) -> Self {
        Self::Response(Box::new(response))
    }
}

impl From<Failure> for Fetched {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
