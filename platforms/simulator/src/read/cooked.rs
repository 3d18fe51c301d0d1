//! Traces as Pensieve has them (abr.md 8.3).

use super::{Problem, ReadError, MOST_PERIODS};
use crate::link::{Link, Period};

const FORMAT: &str = "cooked trace";
/// Share of the rate that is payload, as Pensieve reckons.
pub const PAYLOAD_SHARE: f64 = 0.95;

/// A "cooked" trace: a time in seconds and a rate in Mbit/s a line. The rate of a line holds from the time
/// of the line before to its own, that of the first from zero; after the last it begins again.
///
/// A trace has no latency of its own, so it is given; and the share of the rate that is payload
/// ([`PAYLOAD_SHARE`] in Pensieve's environment).
pub fn network(text: &str, latency_ms: f64, payload_share: f64) -> Result<Link, ReadError> {
    let mut periods = Vec::new();
    let mut before = 0.0;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |column: usize, message: &str| ReadError {
            format: FORMAT,
            problem: Problem::Syntax { line: index + 1, column, message: message.to_owned() },
        };
        let mut columns = line.split_whitespace().map(str::parse::<f64>);
        let (Some(Ok(seconds)), Some(Ok(mbps)), None) = (columns.next(), columns.next(), columns.next()) else {
            return Err(wrong(1, "not a time and a rate"));
        };
        if periods.len() == MOST_PERIODS {
            return Err(ReadError {
                format: FORMAT,
                problem: Problem::TooMany { what: "periods", most: MOST_PERIODS },
            });
        }
        if seconds < before || !seconds.is_finite() {
            return Err(wrong(1, "times must ascend"));
        }
        if seconds > before {
            periods.push(Period { ms: (seconds - before) * 1000.0, kbps: mbps * 1000.0 * payload_share, latency_ms });
        }
        before = seconds;
    }
    Link::new(periods).map_err(|unusable| ReadError { format: FORMAT, problem: Problem::Network(unusable) })
}
