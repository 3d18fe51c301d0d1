//! Readers of the formats in which movies and networks are published.
//!
//! What is read may be anything: a file that is none of these ends in a [`ReadError`] that says where and
//! what, and no file makes more of itself than the limits here allow.

mod cooked;
mod envivio;
mod profiles;
mod sabre;

pub use cooked::{network as cooked_network, PAYLOAD_SHARE};
pub use envivio::{folder as envivio, movie as envivio_movie, with_vmaf as envivio_with_vmaf};
pub use profiles::{networks as low_latency_networks, title as low_latency_title, PROFILE_LATENCY_MS};
pub use sabre::{movie as sabre_movie, network as sabre_network};

use std::fmt;

use crate::link::{Link, Unusable};
use crate::movie::NoMovie;

/// Most levels that a ladder may have.
pub const MOST_LEVELS: usize = 64;
/// Most segments that a movie may have: eleven days of ten seconds.
pub const MOST_SEGMENTS: usize = 100_000;
/// Most periods that a network may have: eleven days of seconds.
pub const MOST_PERIODS: usize = 1_000_000;

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadError {
    /// What it was read as.
    pub format: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// The text is not of the format.
    Syntax {
        /// Line, from one.
        line: usize,
        /// Column, from one.
        column: usize,
        /// What was found or missed.
        message: String,
    },
    /// There is more of something than is read.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read at most.
        most: usize,
    },
    /// The periods are no link.
    Network(Unusable),
    /// The numbers are no movie.
    Movie(NoMovie),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}: ", self.format)?;
        match &self.problem {
            Problem::Syntax { line, column, message } => write!(f, "line {line}, column {column}: {message}"),
            Problem::TooMany { what, most } => write!(f, "more than {most} {what}"),
            Problem::Network(unusable) => unusable.fmt(f),
            Problem::Movie(no_movie) => no_movie.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

/// A number in few digits, whatever it is.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = self;
        let size = value.abs();
        match size == 0.0 || !size.is_finite() || (1e-6..1e12).contains(&size) {
            true => write!(f, "{value}"),
            false => write!(f, "{value:e}"),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("no period"),
            Self::Silent => f.write_str("no period carries anything"),
            Self::Immense => f.write_str("the periods together are too long or carry too much"),
            Self::Period { index, field, value } => write!(f, "period {index}: a {field} of {}", Short(value)),
        }
    }
}

impl std::error::Error for NoMovie {}

impl fmt::Display for NoMovie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Duration(ms) => write!(f, "segments of {} ms", Short(ms)),
            Self::Bitrate(kbps) => write!(f, "a bitrate of {} kbit/s", Short(kbps)),
            Self::Ladder => f.write_str("bitrates must be above zero and ascend"),
            Self::Empty => f.write_str("no segment"),
            Self::Row { segment } => write!(f, "segment {segment}: not one number for each bitrate"),
            Self::Number { segment, level, value } => write!(f, "segment {segment}, level {level}: {}", Short(value)),
        }
    }
}

/// The networks of a file of any of the formats, told apart by how it begins: one of [sabre](sabre_network) (a list), [low-latency
/// profiles](low_latency_networks) by their names (an object), one of [Pensieve](cooked_network) (columns). What a format does
/// not say of latency is given.
///
/// # Errors
/// [`ReadError`] if it is none of that format.
pub fn networks(text: &str, latency_ms: f64) -> Result<Vec<(Option<String>, Link)>, ReadError> {
    match text.trim_start().chars().next() {
        Some('{') => {
            let profiles = low_latency_networks(text, latency_ms)?;
            Ok(profiles.into_iter().map(|(name, link)| (Some(name), link)).collect())
        }
        Some('0'..='9') => Ok(vec![(None, cooked_network(text, latency_ms, PAYLOAD_SHARE)?)]),
        _ => Ok(vec![(None, sabre_network(text)?)]),
    }
}

/// Whether the format of a file of networks says what their latency is; where it does not, it is given to [`networks`].
pub fn tells_latency(text: &str) -> bool {
    !matches!(text.trim_start().chars().next(), Some('{' | '0'..='9'))
}

fn at_most<T>(format: &'static str, what: &'static str, items: &[T], most: usize) -> Result<(), ReadError> {
    match items.len() > most {
        true => Err(ReadError { format, problem: Problem::TooMany { what, most } }),
        false => Ok(()),
    }
}
