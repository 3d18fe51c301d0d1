//! What the commands share of the network: a runtime, a source of bytes, shaping.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use telecine::{BlockingSource, Fetcher};
use telecine_model::{Error, ErrorCode, WallTime};
use telecine_virtual::Step;
use tokio::runtime::Runtime;

use crate::fetch::reason;

/// A runtime for everything that waits.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    Runtime::new().map_err(|e| Error::new(ErrorCode::InternalDefect, format!("no runtime can be started: {e}")))
}

/// Whole answers for the title at `url`, one after the other.
pub(crate) fn source(url: &str, fetcher: &Fetcher) -> Result<BlockingSource, Error> {
    BlockingSource::new(fetcher.clone(), url)
}

/// What the clock of this machine shows; None if that is before 1970.
pub(crate) fn wall_clock() -> Option<WallTime> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_micros()).ok().map(WallTime::from_micros)
}

/// How a network is described on the command line.
enum Spec<'a> {
    /// `rate=3Mbps,rtt=80ms,loss=0`.
    Constant(&'a str),
    /// The name of a trace file, and what is in it.
    Trace(&'a str, String),
}

impl<'a> Spec<'a> {
    fn read(text: &'a str) -> Result<Self, Error> {
        if text.contains('=') {
            return Ok(Self::Constant(text));
        }
        match std::fs::read_to_string(Path::new(text)) {
            Ok(json) => Ok(Self::Trace(text, json)),
            Err(e) => Err(refused(format!(
                "the network '{text}' is neither written like rate=3Mbps,rtt=80ms,loss=0 nor a trace that can be \
                 read: {}",
                reason(&e)
            ))),
        }
    }

    /// What shapes real connections.
    fn shaped(&self) -> Result<telecine_origin::Network, Error> {
        match self {
            Self::Constant(text) => text.parse().map_err(|e| refused(format!("the network: {e}"))),
            Self::Trace(path, json) => {
                telecine_origin::Network::from_json(json).map_err(|e| refused(format!("the trace '{path}': {e}")))
            }
        }
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

/// A network to shape real connections with.
///
/// # Errors
/// `InvalidArgument`, of a trace with the file and the line.
pub(crate) fn network(text: &str) -> Result<telecine_origin::Network, Error> {
    Spec::read(text)?.shaped()
}

/// The same network as a model for virtual time: what is written means the same on both clocks.
///
/// # Errors
/// As [`network`].
pub(crate) fn model(text: &str) -> Result<telecine_virtual::Network, Error> {
    let spec = Spec::read(text)?;
    let shaped = spec.shaped()?;
    match spec {
        Spec::Constant(_) => {
            let steps = shaped.trace.iter().map(|step| Step {
                duration: step.duration,
                bits_per_second: step.bits_per_second,
                latency: step.latency,
            });
            let network = if shaped.trace.is_empty() {
                telecine_virtual::Network::constant(UNSHAPED, Duration::ZERO)
            } else {
                telecine_virtual::Network::from_steps(steps)?
            };
            Ok(network.with_loss_ppm(shaped.loss_per_million))
        }
        // Read by the model itself, which is exact to the bit.
        Spec::Trace(path, json) => telecine_virtual::Network::from_trace(&json).map_err(|error| {
            let line = error.place().map_or(String::new(), |place| format!("{place}: "));
            refused(format!("the trace '{path}': {line}{}", error.message()))
        }),
    }
}

/// What a modelled network carries that is not shaped: ten gigabits a second.
const UNSHAPED: u64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_means_the_same_on_both_clocks() {
        for text in ["rate=1.5Mbps,rtt=80ms,loss=0.5%", "rate=300kbps", "rtt=120ms"] {
            let (shaped, modelled) = (network(text).expect(text), model(text).expect(text));
            let (a, b) = (&shaped.trace[0], &modelled.steps()[0]);
            assert_eq!((a.bits_per_second, a.latency), (b.bits_per_second, b.latency), "{text}");
            assert_eq!(shaped.loss_per_million, modelled.loss_ppm(), "{text}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused_on_both_clocks() {
        for (text, advice) in [("rate=3", "write rate=3Mbps"), ("rate=3Mbps,rtt=80", "write rtt=80ms")] {
            for refused in [network(text).map(drop), model(text).map(drop)] {
                let error = refused.expect_err(text).to_string();
                assert!(error.contains(advice), "{error}");
            }
        }
    }
}
