//! What the commands share of the network: a runtime, a source of bytes, shaping.

use std::path::Path;

use telecine::{BlockingSource, Fetcher};
use telecine_model::{Error, ErrorCode};
use tokio::runtime::Runtime;

/// A runtime for everything that waits.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    Runtime::new().map_err(|e| Error::new(ErrorCode::InternalDefect, format!("no runtime can be started: {e}")))
}

/// Whole answers for the title at `url`, one after the other.
pub(crate) fn source(runtime: &Runtime, url: &str, headers: &[(String, String)]) -> Result<BlockingSource, Error> {
    Ok(BlockingSource::new(Fetcher::new(headers)?, runtime.handle().clone(), url))
}

/// How a network is described on the command line.
enum Spec<'a> {
    /// `rate=3Mbps,rtt=80ms,loss=0`.
    Constant(&'a str),
    /// The content of a trace file.
    Trace(String),
}

impl<'a> Spec<'a> {
    fn read(text: &'a str) -> Result<Self, Error> {
        if text.contains('=') {
            return Ok(Self::Constant(text));
        }
        match std::fs::read_to_string(Path::new(text)) {
            Ok(json) => Ok(Self::Trace(json)),
            Err(e) => Err(Error::new(
                ErrorCode::InvalidArgument,
                format!("'{text}' is neither rate=3Mbps,rtt=80ms,loss=0 nor a trace that can be read: {e}"),
            )),
        }
    }
}

/// A network to shape real connections with.
pub(crate) fn network(text: &str) -> Result<telecine_origin::Network, Error> {
    let network = match Spec::read(text)? {
        Spec::Constant(text) => text.parse(),
        Spec::Trace(json) => telecine_origin::Network::from_json(&json),
    };
    network.map_err(|e| Error::new(ErrorCode::InvalidArgument, format!("the network '{text}': {e}")))
}

/// The same network as a model for virtual time.
pub(crate) fn model(text: &str) -> Result<telecine_virtual::Network, Error> {
    match Spec::read(text)? {
        Spec::Constant(text) => text.parse(),
        Spec::Trace(json) => telecine_virtual::Network::from_trace(&json),
    }
}
