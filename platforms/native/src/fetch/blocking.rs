//! The same fetching for hosts in virtual time: whole answers, at once.

use bytes::BytesMut;
use telecine_engine::{Body, FetchRequest, NetworkEvent};
use telecine_model::{Error, ErrorCode, Timestamp, WallTime};
use telecine_virtual::{Failure, Fetched, Response, Source};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::modelled::Modelled;
use super::Fetcher;

/// A [`Source`] of real bytes for a [`telecine_virtual::Session`]: `--clock virtual` on any URL.
///
/// Requests are made one after the other and block the calling thread, which must not be one of a tokio runtime: it has
/// one of its own. The fetcher's connections live in there, so it is not to be used elsewhere. How long requests really
/// take does not matter: the session's network model decides.
///
/// Servers of live titles have to know which time it is in the session. With [`BlockingSource::clock`] the title's own
/// origin (the same scheme, host and port) is told so in the header `x-telecine-now-ms`, in milliseconds since 1970; one
/// that understands it, as that of `telecine origin` does, answers for that moment, holds and delays nothing, and says in
/// `x-telecine-hold-ms`, `x-telecine-pieces`, `x-telecine-delay-ms` and `x-telecine-paced` what it would have waited for,
/// which the session then does.
#[derive(Debug)]
pub struct BlockingSource {
    fetcher: Fetcher,
    /// Of this thread alone: sending a request to another one and its answer back takes longer than all the rest.
    runtime: Runtime,
    title: String,
    clock: Option<WallTime>,
}

impl BlockingSource {
    /// A source for the title at `title`.
    ///
    /// # Errors
    /// [`ErrorCode::InternalDefect`] if the system has no runtime to give.
    pub fn new(fetcher: Fetcher, title: impl Into<String>) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(ErrorCode::InternalDefect, format!("no runtime: {error}")))?;
        Ok(Self { fetcher, runtime, title: title.into(), clock: None })
    }

    /// What the wall clock shows at the session's start: the same that [`telecine_virtual::Session::wall_clock`] is given.
    #[must_use]
    pub fn clock(mut self, start: WallTime) -> Self {
        self.clock = Some(start);
        self
    }

    fn moment(&self, now: Timestamp) -> Option<Modelled> {
        let start = u64::try_from(self.clock?.as_micros()).ok()?;
        Some(Modelled::at(start.saturating_add(now.as_micros()) / 1000))
    }
}

impl Source for BlockingSource {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.fetch_at(request, Timestamp::ZERO)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        let (fetcher, title, moment) = (&self.fetcher, &self.title, self.moment(now));
        let modelled = moment.as_ref();
        let (sender, receiver) = mpsc::channel(16);
        // The channel closes with the end of the fetching, which owns its only sender.
        let fetching = async move { fetcher.fetch_in(request, title, &sender, modelled).await };
        let mut fetched = self.runtime.block_on(async { tokio::join!(fetching, collect(receiver)).1 });
        if let (Fetched::Response(response), Some(waits)) = (&mut fetched, moment.and_then(Modelled::into_waits)) {
            (response.delay, response.held) = (waits.delay, waits.held);
        }
        fetched
    }
}

async fn collect(mut events: mpsc::Receiver<NetworkEvent>) -> Fetched {
    let mut answer: Option<Response> = None;
    let mut body = BytesMut::new();
    let mut failure = None;
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Head(head) => {
                let mut response = Response::new(head.status, head.url, bytes::Bytes::new());
                response.content_length = head.content_length;
                response.content_type = head.content_type;
                response.retry_after = head.retry_after;
                response.date = head.date;
                response.age_s = head.age_s;
                answer = Some(response);
            }
            NetworkEvent::Chunk { data: Body::Bytes(data), .. } => body.extend_from_slice(&data),
            NetworkEvent::Chunk { .. } | NetworkEvent::End { .. } => {}
            NetworkEvent::Failed { code, message, .. } => failure = Some(Failure { code, message }),
        }
    }
    match answer {
        Some(mut response) => {
            response.body = body.freeze();
            response.broken = failure;
            response.into()
        }
        None => failure.unwrap_or_else(|| Failure::new(ErrorCode::ConnectionLost, "no answer")).into(),
    }
}
