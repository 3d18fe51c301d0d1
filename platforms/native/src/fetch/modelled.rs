//! Requests of a session whose clock is a model: the server is told what it shows, and says what it would wait for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use telecine_virtual::Held;

/// The moment that a request is made at, in milliseconds since 1970.
const NOW_MS: HeaderName = HeaderName::from_static("x-telecine-now-ms");
/// The answer would be held so long, in milliseconds.
const HOLD_MS: HeaderName = HeaderName::from_static("x-telecine-hold-ms");
/// From these positions of the body on, the answer would be there only so much later: `<from>@<ms>[,…]`.
const PIECES: HeaderName = HeaderName::from_static("x-telecine-pieces");

/// More pieces than this of one body are none.
const MOST_PIECES: usize = 10_000;
/// Nothing is held longer than this.
const LONGEST: Duration = Duration::from_secs(3600);

/// The moment of one request in virtual time, and what became of it.
#[derive(Debug)]
pub(super) struct Modelled {
    now_ms: u64,
    held: Mutex<Option<Held>>,
}

impl Modelled {
    pub(super) fn at(now_ms: u64) -> Self {
        Self { now_ms, held: Mutex::new(None) }
    }

    /// Tells a server what time it is.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(NOW_MS, HeaderValue::from(self.now_ms));
    }

    /// Hears what the server would wait for.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        let Some(until) = headers.get(HOLD_MS).and_then(|value| millis(value.to_str().ok()?)) else { return };
        let pieces = headers.get(PIECES).and_then(|value| pieces(value.to_str().ok()?)).unwrap_or_default();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Held { until, pieces });
    }

    /// What the server said of waiting; None if it knows nothing of virtual time.
    pub(super) fn into_held(self) -> Option<Held> {
        self.held.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_millis).filter(|span| *span <= LONGEST)
}

/// Positions that ascend, each with its time; None if it is anything else.
fn pieces(text: &str) -> Option<Vec<(u64, Duration)>> {
    let piece = |text: &str| {
        let (from, later) = text.split_once('@')?;
        Some((from.trim().parse().ok()?, millis(later)?))
    };
    let pieces: Vec<(u64, Duration)> = text.split(',').take(MOST_PIECES + 1).map(piece).collect::<Option<_>>()?;
    let ascend = pieces.windows(2).all(|pair| pair[0].0 < pair[1].0);
    (ascend && pieces.len() <= MOST_PIECES).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(headers: &[(HeaderName, &'static str)]) -> Option<Held> {
        let modelled = Modelled::at(5);
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        modelled.hear(&headers.collect());
        modelled.into_held()
    }

    #[test]
    fn a_server_that_knows_virtual_time_says_what_it_would_wait_for() {
        let ms = Duration::from_millis;
        let held = heard(&[(HOLD_MS, "250"), (PIECES, "100@300, 200@600")]);
        assert_eq!(held, Some(Held { until: ms(250), pieces: vec![(100, ms(300)), (200, ms(600))] }));
        assert_eq!(heard(&[(HOLD_MS, "0")]), Some(Held::default()));
        assert_eq!(heard(&[]), None);
    }

    #[test]
    fn what_is_no_time_to_wait_is_not_waited_for() {
        for absurd in ["", "x", "-1", "3600001", "18446744073709551616"] {
            assert_eq!(heard(&[(HOLD_MS, absurd)]), None, "{absurd}");
        }
        for absurd in ["", "100", "100@", "@5", "200@5,100@6", "100@5,,200@6", "100@3600001"] {
            assert_eq!(
                heard(&[(HOLD_MS, "7"), (PIECES, absurd)]).map(|held| held.pieces),
                Some(Vec::new()),
                "{absurd}"
            );
        }
    }
}
