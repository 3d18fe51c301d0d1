//! Movies and networks of the simulator of BOLA's authors (abr.md 8.1, 8.2).

use serde::de::DeserializeOwned;
use serde::Deserialize;

use super::{at_most, Problem, ReadError, MOST_LEVELS, MOST_PERIODS, MOST_SEGMENTS};
use crate::link::{Link, Period};
use crate::movie::Movie;

const MOVIE: &str = "sabre movie";
const NETWORK: &str = "sabre network";

#[derive(Deserialize)]
struct MovieFile {
    segment_duration_ms: f64,
    bitrates_kbps: Vec<f64>,
    segment_sizes_bits: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct PeriodEntry {
    duration_ms: f64,
    bandwidth_kbps: f64,
    latency_ms: f64,
}

/// A movie: `segment_duration_ms`, `bitrates_kbps`, and `segment_sizes_bits` with a row for each segment.
pub fn movie(text: &str) -> Result<Movie, ReadError> {
    let file: MovieFile = json(MOVIE, text)?;
    at_most(MOVIE, "bitrates", &file.bitrates_kbps, MOST_LEVELS)?;
    at_most(MOVIE, "segments", &file.segment_sizes_bits, MOST_SEGMENTS)?;
    Movie::new(file.segment_duration_ms, &file.bitrates_kbps, &file.segment_sizes_bits)
        .map_err(|no_movie| ReadError { format: MOVIE, problem: Problem::Movie(no_movie) })
}

/// A network: a list of `duration_ms`, `bandwidth_kbps` and `latency_ms`, from its start again at its end.
pub fn network(text: &str) -> Result<Link, ReadError> {
    let entries: Vec<PeriodEntry> = json(NETWORK, text)?;
    at_most(NETWORK, "periods", &entries, MOST_PERIODS)?;
    let period = |entry: &PeriodEntry| Period {
        ms: entry.duration_ms,
        kbps: entry.bandwidth_kbps,
        latency_ms: entry.latency_ms,
    };
    Link::new(entries.iter().map(period).collect())
        .map_err(|unusable| ReadError { format: NETWORK, problem: Problem::Network(unusable) })
}

pub(super) fn json<T: DeserializeOwned>(format: &'static str, text: &str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // The position is told apart from the message.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        ReadError { format, problem: Problem::Syntax { line: error.line(), column: error.column(), message } }
    })
}
