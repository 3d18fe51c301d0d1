//! Everything that a player fetches: over HTTP, from files, from memory, from `data:` URLs.

mod blocking;
mod body;
mod failure;
mod headers;
mod http;
mod local;
mod modelled;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use telecine_engine::{Body, FetchRequest, NetworkEvent, RequestId, ResponseHead};
use telecine_model::{uri, Error, ErrorCode};
use telecine_virtual::Failure;
use tokio::sync::mpsc;

pub use blocking::BlockingSource;
use headers::AppHeaders;
use http::Http;
use modelled::Modelled;

/// Does what [`FetchRequest`]s ask for. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Fetcher {
    http: Http,
    memory: Arc<BTreeMap<String, Bytes>>,
}

impl Fetcher {
    /// A fetcher that sends these headers, beside its own, to the title's own origin: the same
    /// scheme, host and port.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if a header is not one, [`ErrorCode::TlsFailed`] if the
    /// device offers no usable TLS.
    pub fn new(headers: &[(String, String)]) -> Result<Self, Error> {
        Self::with_memory(headers, BTreeMap::new())
    }

    pub(crate) fn with_memory(headers: &[(String, String)], memory: BTreeMap<String, Bytes>) -> Result<Self, Error> {
        Ok(Self { http: Http::new(AppHeaders::new(headers)?)?, memory: Arc::new(memory) })
    }

    /// Bytes that were read past and thrown away, by this fetcher and its clones, because a server ignores byte
    /// ranges: it answered the whole resource where a part was asked for, and the part was taken out of it. They are
    /// not among the bytes of any event. Beyond 16 MiB before a part the request fails instead, with
    /// [`ErrorCode::RangeMismatch`].
    pub fn skipped_bytes(&self) -> u64 {
        self.http.skipped().load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Makes a request on behalf of the title at URL `title`, and sends what happens, in the order
    /// that [`NetworkEvent`] demands. Dropping the future, or closing the channel, cancels it.
    pub async fn fetch(&self, request: &FetchRequest, title: &str, events: &mpsc::Sender<NetworkEvent>) {
        self.fetch_in(request, title, events, None).await;
    }

    /// As [`Fetcher::fetch`], in virtual time if there is one.
    async fn fetch_in(
        &self,
        request: &FetchRequest,
        title: &str,
        events: &mpsc::Sender<NetworkEvent>,
        modelled: Option<&Modelled>,
    ) {
        let out = Out { id: request.id, events, modelled };
        let event = match self.run(request, title, &out).await {
            Ok(()) => NetworkEvent::End { id: request.id },
            Err(Stop::Failed(Failure { code, message })) => NetworkEvent::Failed { id: request.id, code, message },
            Err(Stop::Unwanted) => return,
        };
        // A closed channel wants nothing any more.
        let _ = events.send(event).await;
    }

    async fn run(&self, request: &FetchRequest, title: &str, out: &Out<'_>) -> Result<(), Stop> {
        let scheme = uri::split(&request.url).scheme.unwrap_or("").to_ascii_lowercase();
        if !uri::may_follow(title, &request.url) {
            let message = format!("content from {} may not lead to this {scheme}: URL", origin(title));
            return Err(Failure::new(ErrorCode::SchemeForbidden, message).into());
        }
        match scheme.as_str() {
            "http" | "https" => self.http.fetch(request, title, out).await,
            "file" => local::file(request, out).await,
            "memory" => local::memory(&self.memory, request, out).await,
            "data" => local::data(request, out).await,
            _ => Err(Failure::new(ErrorCode::InvalidUrl, format!("no way to fetch from '{scheme}:'")).into()),
        }
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("memory", &self.memory.len()).finish_non_exhaustive()
    }
}

/// Scheme and host, for messages.
fn origin(url: &str) -> String {
    format!("{}://{}", uri::split(url).scheme.unwrap_or(""), uri::host(url))
}

/// Why a request is not followed to its end.
enum Stop {
    Failed(Failure),
    /// Nobody listens any more.
    Unwanted,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Where the events of one request go.
struct Out<'a> {
    id: RequestId,
    events: &'a mpsc::Sender<NetworkEvent>,
    modelled: Option<&'a Modelled>,
}

impl Out<'_> {
    async fn head(&self, head: ResponseHead) -> Result<(), Stop> {
        self.send(NetworkEvent::Head(Box::new(head))).await
    }

    async fn chunk(&self, data: Bytes) -> Result<(), Stop> {
        if data.is_empty() {
            return Ok(());
        }
        let data = Body::Bytes(data);
        self.send(NetworkEvent::Chunk { id: self.id, data }).await
    }

    async fn send(&self, event: NetworkEvent) -> Result<(), Stop> {
        self.events.send(event).await.map_err(|_| Stop::Unwanted)
    }
}
