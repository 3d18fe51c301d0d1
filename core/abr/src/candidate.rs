//! What a choice was made from, in a form that travels.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reason::{secs, Cap};

/// A rendition that was there to be chosen, or would have been but for something that excluded it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id in the manifest.
    pub rendition: String,
    /// Declared bits a second.
    pub bitrate: u64,
    /// How the choice saw it.
    pub standing: Standing,
}

/// How a choice saw a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// It was chosen.
    Chosen {
        /// What its segment takes to come at the rate that the network is believed to have, in milliseconds.
        takes_ms: u64,
    },
    /// It was not.
    Weighed {
        /// What its segment would have taken to come, in milliseconds.
        takes_ms: u64,
        /// By how much it was worth less, as a stall that is worth as much, in milliseconds; None where the rule does not
        /// reckon so. Below zero where something else forbade it.
        less_ms: Option<i64>,
    },
    /// No rule saw it.
    Excluded {
        /// What excluded it.
        by: Cap,
    },
}

impl fmt::Display for Candidate {
    /// As `*1500k 1.2 s` if it was chosen, `3000k 2.4 s -0.6 s` with what it was worth less, `6000k (server)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobits = self.bitrate / 1000;
        let time = |ms: u64| secs(i64::try_from(ms).unwrap_or(i64::MAX));
        match self.standing {
            Standing::Chosen { takes_ms } => write!(f, "*{kilobits}k {}", time(takes_ms)),
            Standing::Weighed { takes_ms, less_ms: None } => write!(f, "{kilobits}k {}", time(takes_ms)),
            Standing::Weighed { takes_ms, less_ms: Some(less_ms) } => {
                write!(f, "{kilobits}k {} {}", time(takes_ms), signed(less_ms.saturating_neg()))
            }
            Standing::Excluded { by } => write!(f, "{kilobits}k ({})", by.word()),
        }
    }
}

fn signed(ms: i64) -> String {
    let hundredths = ms.unsigned_abs() / 10;
    let sign = if ms < 0 { "-" } else { "+" };
    format!("{sign}{}.{:02} s", hundredths / 100, hundredths % 100)
}

/// All candidates of a choice in one line, the lowest first.
pub fn in_one_line(candidates: &[Candidate]) -> String {
    candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_reads_in_one_line() {
        let of = |bitrate, standing| Candidate { rendition: "v".to_owned(), bitrate, standing };
        let candidates = [
            of(750_000, Standing::Weighed { takes_ms: 640, less_ms: Some(1_234) }),
            of(1_500_000, Standing::Chosen { takes_ms: 1_290 }),
            of(3_000_000, Standing::Weighed { takes_ms: 2_400, less_ms: None }),
            of(6_000_000, Standing::Excluded { by: Cap::Server }),
        ];
        assert_eq!(in_one_line(&candidates), "750k 0.6 s -1.23 s | *1500k 1.2 s | 3000k 2.4 s | 6000k (server)");
        assert_eq!(in_one_line(&[]), "");
    }
}
