//! The origin without its sockets, on a session's clock.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use telecine_engine::{Config, FetchRequest};
use telecine_model::{uri, Timestamp, WallTime};
use telecine_origin::{respond, Library, Request, Title};
use telecine_virtual::{Failure, Fetched, Held, Response, Session, Source};

/// 2026-11-27T11:54:56.7Z, which is inside of a segment.
pub const BEGIN: u64 = 1_795_780_496_700;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Timestamp,
    pub path: String,
    /// Only the head of the answer is wanted.
    pub head: bool,
    pub status: u16,
    /// An answer is wanted only if something has changed.
    pub conditional: bool,
    pub urgency: u8,
    /// From which byte of the resource to which the answer is.
    pub bytes: (u64, u64),
}

/// What a test changes of an answer, by the time of the session and the path.
type Edit = Box<dyn FnMut(Timestamp, &str, Response) -> Fetched>;

/// What else is answered in place of a path, by the time of the session.
type Redirect = Box<dyn FnMut(Timestamp, &str) -> Option<String>>;

/// Answers as the origin would, at the session's time.
pub struct Origin {
    library: Library,
    edit: Option<Edit>,
    redirect: Option<Redirect>,
    /// Segments are there so many milliseconds early.
    ahead: u64,
    /// Between these milliseconds of the session nothing is made; it goes on where it stopped.
    stands: (u64, u64),
    /// So many milliseconds later than usual it is when the session begins.
    later: u64,
    /// Everything that was asked for.
    pub log: Rc<RefCell<Vec<Asked>>>,
    /// The URLs of it, and when.
    pub urls: Rc<RefCell<Vec<(Timestamp, String)>>>,
}

impl Origin {
    pub fn new() -> Self {
        Self {
            library: Library::new(Title::demo(), 0),
            edit: None,
            redirect: None,
            ahead: 0,
            stands: (0, 0),
            later: 0,
            log: Rc::default(),
            urls: Rc::default(),
        }
    }

    #[must_use]
    pub fn editing(mut self, edit: impl FnMut(Timestamp, &str, Response) -> Fetched + 'static) -> Self {
        self.edit = Some(Box::new(edit));
        self
    }

    #[must_use]
    pub fn redirecting(mut self, redirect: impl FnMut(Timestamp, &str) -> Option<String> + 'static) -> Self {
        self.redirect = Some(Box::new(redirect));
        self
    }

    /// Serves segments so many milliseconds before they have ended.
    #[must_use]
    pub fn segments_ahead(mut self, ms: u64) -> Self {
        self.ahead = ms;
        self
    }

    /// Makes nothing from one millisecond of the session to another, and goes on where it stopped.
    #[must_use]
    pub fn stopping(mut self, from: u64, to: u64) -> Self {
        self.stands = (from, to);
        self
    }

    /// Begins so many milliseconds after [`BEGIN`].
    #[must_use]
    pub fn beginning(mut self, later: u64) -> Self {
        self.later = later;
        self
    }

    /// A session that plays `path` over a comfortable line.
    pub fn play(self, path: &str) -> Session<Self> {
        self.play_with(Config::default(), path)
    }

    pub fn play_with(self, config: Config, path: &str) -> Session<Self> {
        let begin = BEGIN + self.later;
        Session::new(config, self)
            .network("rate=20Mbps,rtt=40ms".parse().expect("a network"))
            .wall_clock(WallTime::from_millis(begin as i64))
            .play(format!("https://origin.example{path}"))
    }
}

impl Source for Origin {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.fetch_at(request, Timestamp::ZERO)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        self.urls.borrow_mut().push((now, request.url.clone()));
        let parts = uri::split(&request.url);
        let range = request.byte_range.map(|range| {
            let last = range.offset.saturating_add(range.length).saturating_sub(1);
            format!("bytes={}-{last}", range.offset)
        });
        let now_ms = now.as_micros() / 1000;
        let stood = now_ms.clamp(self.stands.0, self.stands.1) - self.stands.0;
        let elsewhere = self.redirect.as_mut().and_then(|redirect| redirect(now, parts.path));
        let answer = respond(
            &self.library,
            &Request {
                path: elsewhere.as_deref().unwrap_or(parts.path),
                query: parts.query,
                range: range.as_deref(),
                if_none_match: request.known.etag.as_deref(),
                attempt: request.attempt,
                now_ms,
                unix_ms: BEGIN + self.later + now_ms - stood
                    + if parts.path.ends_with(".m4s") { self.ahead } else { 0 },
                ..Request::default()
            },
        );
        let etag = answer.header("etag").map(str::to_owned);
        let content_type = answer.header("content-type").map(str::to_owned);
        // `Date` is in whole seconds.
        let hold = u64::try_from(answer.delivery.hold.as_millis()).unwrap_or(0);
        let date = answer
            .header("date")
            .map(|_| WallTime::from_millis(((BEGIN + self.later + now_ms + hold) / 1000 * 1000) as i64));
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let ends = answer.delivery.end.map_or(u64::MAX, |(position, _)| position);
        let pieces = answer.delivery.pieces.iter().copied().filter(|(position, _)| *position < ends).collect();
        let until = answer.delivery.hold;
        let paced = answer.delivery.stall.into_iter().collect();
        let held = Held { until, pieces, paced };
        let mut response = Response::new(answer.status, &request.url, answer.body.into_bytes());
        response.content_type = content_type;
        response.etag = etag;
        response.date = date;
        response.content_length = length;
        response.held = held;
        response.delay = answer.delivery.head_delay;
        if ends < response.body.len() as u64 {
            response.body.truncate(usize::try_from(ends).expect("within the body"));
            response.broken = Some(Failure::new(telecine_model::ErrorCode::BodyLengthMismatch, "the body is short"));
        }
        let path = parts.path.to_owned();
        let fetched = match &mut self.edit {
            Some(edit) => edit(now, &path, response),
            None => response.into(),
        };
        let (status, length) = match &fetched {
            Fetched::Response(response) => (response.status, response.body.len() as u64),
            Fetched::Failure(_) => (0, 0),
        };
        let conditional = !request.known.is_empty();
        let from = request.byte_range.map_or(0, |range| range.offset);
        self.log.borrow_mut().push(Asked {
            at: now,
            path,
            head: request.head,
            status,
            conditional,
            urgency: request.urgency,
            bytes: (from, from + length),
        });
        fetched
    }
}

/// The answer with another text.
pub fn with_text(mut response: Response, edit: impl FnOnce(String) -> String) -> Fetched {
    let text = String::from_utf8(response.body.to_vec()).expect("text");
    response.body = Bytes::from(edit(text));
    response.content_length = Some(response.body.len() as u64);
    response.into()
}

pub fn refused() -> Fetched {
    Failure::new(telecine_model::ErrorCode::ConnectFailed, "nobody listens").into()
}

/// Loads of what `matches`, of a log.
pub fn loads(log: &[Asked], matches: impl Fn(&str) -> bool) -> Vec<Timestamp> {
    log.iter().filter(|asked| matches(&asked.path)).map(|asked| asked.at).collect()
}
