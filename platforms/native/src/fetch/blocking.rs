//! The same fetching for hosts in virtual time: whole answers, at once.

use bytes::BytesMut;
use telecine_engine::{Body, FetchRequest, NetworkEvent};
use telecine_model::ErrorCode;
use telecine_virtual::{Failure, Fetched, Response, Source};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Fetcher;

/// A [`Source`] of real bytes for a [`telecine_virtual::Session`]: `--clock virtual` on any URL.
///
/// Requests are made one after the other and block the calling thread, which must not be one of the
/// runtime's own. How long they really take does not matter: the session's network model decides.
#[derive(Debug)]
pub struct BlockingSource {
    fetcher: Fetcher,
    runtime: Handle,
    title: String,
}

impl BlockingSource {
    /// A source for the title at `title`, on this runtime.
    pub fn new(fetcher: Fetcher, runtime: Handle, title: impl Into<String>) -> Self {
        Self { fetcher, runtime, title: title.into() }
    }
}

impl Source for BlockingSource {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let (fetcher, title) = (&self.fetcher, &self.title);
        let (sender, receiver) = mpsc::channel(16);
        // The channel closes with the end of the fetching, which owns its only sender.
        let fetching = async move { fetcher.fetch(request, title, &sender).await };
        self.runtime.block_on(async { tokio::join!(fetching, collect(receiver)).1 })
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
