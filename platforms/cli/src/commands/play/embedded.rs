//! The demo title, served from inside this program: over real connections, or as a function.

use telecine_engine::FetchRequest;
use telecine_model::{uri, Error, ErrorCode};
use telecine_origin::{respond, Library, Origin, OriginConfig, Request, Title};
use telecine_virtual::{Fetched, Response, Source};

use crate::net;

/// A minute of the demo title.
pub(super) const PATH: &str = "/hls/dur_60/demo/main.m3u8";

/// A host that no network knows (RFC 6761, 6.4).
const HOST: &str = "http://telecine.invalid";

/// Starts an origin on a free port of this machine.
pub(super) async fn start(network: &str) -> Result<Origin, Error> {
    let config = OriginConfig { network: net::network(network)?, ..OriginConfig::default() };
    Origin::start(([127, 0, 0, 1], 0).into(), config)
        .await
        .map_err(|e| Error::new(ErrorCode::InternalDefect, format!("the embedded origin does not start: {e}")))
}

/// Where the demo title is for [`source`].
pub(super) fn url() -> String {
    HOST.to_owned() + PATH
}

/// The origin without sockets.
pub(super) fn source() -> impl Source {
    Embedded(Library::new(Title::demo(), 0))
}

struct Embedded(Library);

impl Source for Embedded {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let parts = uri::split(&request.url);
        let range = request.byte_range.map(|range| {
            let last = range.offset.saturating_add(range.length).saturating_sub(1);
            format!("bytes={}-{last}", range.offset)
        });
        let answer = respond(
            &self.0,
            &Request {
                path: parts.path,
                query: parts.query,
                range: range.as_deref(),
                attempt: request.attempt,
                ..Request::default()
            },
        );
        let content_type = answer.header("content-type").map(str::to_owned);
        let mut response = Response::new(answer.status, &request.url, answer.body.into_bytes());
        response.content_type = content_type;
        response.delay = answer.delivery.head_delay;
        response.into()
    }
}
