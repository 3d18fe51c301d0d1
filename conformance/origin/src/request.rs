//! What goes into the pure function, and what comes out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::live::Moment;
use crate::network::Network;

/// Request header of a client in virtual time: the moment that the request is made at, in milliseconds since 1970.
pub const NOW_MS: &str = "x-telecine-now-ms";
/// Response header, where the request has [`NOW_MS`]: the response would be held for so many milliseconds
/// ([`Delivery::hold`]).
pub const HOLD_MS: &str = "x-telecine-hold-ms";
/// Response header, where the request has [`NOW_MS`]: `<from>@<ms>[,…]`: from these positions of the body on it would be
/// there only so many milliseconds after the moment of the request ([`Delivery::pieces`]).
pub const PIECES: &str = "x-telecine-pieces";
/// Response header, where the request has [`NOW_MS`] and the head would come later: so many milliseconds after it is held
/// ([`Delivery::head_delay`]).
pub const DELAY_MS: &str = "x-telecine-delay-ms";
/// Response header, where the request has [`NOW_MS`] and the body would pause or be paced: `<from>@<ms>[,…]`: from these
/// positions of the body on it would be sent only so many milliseconds after the head ([`Delivery::stall`],
/// [`Delivery::pace`]).
pub const PACED: &str = "x-telecine-paced";

/// The methods the origin tells apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The whole response.
    #[default]
    Get,
    /// The head of the response.
    Head,
    /// A preflight of a browser.
    Options,
    /// A licence request.
    Post,
    /// Anything else: refused with 405.
    Other,
}

/// Everything that a response depends on, beside the library and its seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The path, as sent.
    pub path: &'a str,
    /// The query, without the question mark.
    pub query: Option<&'a str>,
    /// The value of `Range`.
    pub range: Option<&'a str>,
    /// The value of `If-Range`.
    pub if_range: Option<&'a str>,
    /// The value of `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// Whether `Accept-Encoding` admits gzip.
    pub accepts_gzip: bool,
    /// The value of `Authorization`.
    pub authorization: Option<&'a str>,
    /// The body of a POST.
    pub body: &'a [u8],
    /// Milliseconds since the server started; `nowMS` in the query takes its place.
    pub now_ms: u64,
    /// Milliseconds since 1970; [`Request::told_ms`], or `nowMS` in the query, takes its place.
    pub unix_ms: u64,
    /// The value of [`NOW_MS`]: milliseconds since 1970, by the clock of a client in virtual time. Nothing of the response
    /// is held, delayed or paced then: [`HOLD_MS`], [`PIECES`], [`DELAY_MS`] and [`PACED`] say what would be. `nowMS` in the
    /// query takes its place as a time.
    pub told_ms: Option<u64>,
    /// How often the same path was asked for before: faults may end after some attempts.
    pub attempt: u32,
}

impl<'a> Request<'a> {
    /// A plain GET of a path, with its query if there is one.
    pub fn get(target: &'a str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Self { path, query, ..Self::default() }
    }

    /// A POST of a path, with its query if there is one.
    pub fn post(target: &'a str, body: &'a [u8]) -> Self {
        Self { method: Method::Post, body, ..Self::get(target) }
    }

    /// The same request for a range of bytes.
    #[must_use]
    pub fn range(self, range: &'a str) -> Self {
        Self { range: Some(range), ..self }
    }

    /// The value of a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The time the request is answered for, on the server's own clock.
    pub(crate) fn now(&self) -> u64 {
        self.asked_time().unwrap_or(self.now_ms)
    }

    /// The time of a trace that the request is answered for: also by the clock of a client in virtual time.
    pub(crate) fn trace_time(&self) -> Duration {
        Duration::from_millis(self.asked_time().or(self.told_ms).unwrap_or(self.now_ms))
    }

    /// The time the request is answered for.
    pub(crate) fn moment(&self) -> Moment {
        Moment::at(self.asked_time().or(self.told_ms).unwrap_or(self.unix_ms))
    }

    /// Whether the clock is known.
    pub(crate) fn has_moment(&self) -> bool {
        self.unix_ms > 0 || self.told_ms.is_some() || self.asked_time().is_some()
    }

    fn asked_time(&self) -> Option<u64> {
        self.parameter("nowMS")?.parse().ok()
    }
}

/// A response: head, body, and how it is delivered.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body. For HEAD it is empty, while `content-length` says what GET would give.
    pub body: Body,
    /// What happens on the way.
    pub delivery: Delivery,
    /// The faults that were applied, as the URL writes them.
    pub fault: Option<String>,
    /// Of an answer about keys: which were asked for, and which given, as KIDs in hexadecimal digits.
    pub keys: Option<Keys>,
}

/// The keys that an answer is about, as KIDs in hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Asked for.
    pub asked: Vec<String>,
    /// Given.
    pub given: Vec<String>,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// How a response is delivered: what a transport does with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// What is asked for is there only so much later than the moment of the request ([`Request::unix_ms`], or `nowMS`),
    /// and nothing of the response is sent before: a playlist that is held until it has what was asked for, or a part
    /// that is not complete. The response is that of the later moment: it is not to be asked for again.
    pub hold: Duration,
    /// From these positions of the body on it is there only so much later than the moment of the request: a segment
    /// that is sent while it is made. In order; what lies in front of the first is there with the head.
    pub pieces: Vec<(u64, Duration)>,
    /// The head comes this much later.
    pub head_delay: Duration,
    /// After so many bytes of the body, it pauses.
    pub stall: Option<(u64, Duration)>,
    /// After so many bytes of the body, it ends too early.
    pub end: Option<(u64, End)>,
    /// The pace of the body, and where in the trace it starts.
    pub pace: Option<(Network, Duration)>,
}

/// How a body ends that ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The connection is reset.
    Reset,
    /// The connection is closed cleanly.
    Close,
}
