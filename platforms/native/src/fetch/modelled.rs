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
/// The head of the answer would come so much later, in milliseconds.
const DELAY_MS: HeaderName = HeaderName::from_static("x-telecine-delay-ms");
/// From these positions of the body on, the answer would be sent only so long after its head: `<from>@<ms>[,…]`.
const PACED: HeaderName = HeaderName::from_static("x-telecine-paced");

/// More pieces than this of one body are none.
const MOST_PIECES: usize = 10_000;
/// Nothing is held longer than this.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a server would wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    /// Before it begins to answer, when the answer is there.
    pub(super) delay: Duration,
    /// For the answer, or parts of it.
    pub(super) held: Held,
}

/// The moment of one request in virtual time, and what became of it.
#[derive(Debug)]
pub(super) struct Modelled {
    now_ms: u64,
    waits: Mutex<Option<Waits>>,
}

impl Modelled {
    pub(super) fn at(now_ms: u64) -> Self {
        Self { now_ms, waits: Mutex::new(None) }
    }

    /// Tells a server what time it is.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(NOW_MS, HeaderValue::from(self.now_ms));
    }

    /// Hears what the server would wait for.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        let span = |name| headers.get(name).and_then(|value| millis(value.to_str().ok()?));
        let list = |name| headers.get(name).and_then(|value| pieces(value.to_str().ok()?)).unwrap_or_default();
        let Some(until) = span(HOLD_MS) else { return };
        let held = Held { until, pieces: list(PIECES), paced: list(PACED) };
        let waits = Waits { delay: span(DELAY_MS).unwrap_or_default(), held };
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = Some(waits);
    }

    /// What the server said of waiting; None if it knows nothing of virtual time.
    pub(super) fn into_waits(self) -> Option<Waits> {
        self.waits.into_inner().unwrap_or_else(PoisonError::into_inner)
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

    fn heard(headers: &[(HeaderName, &'static str)]) -> Option<Waits> {
        let modelled = Modelled::at(5);
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        modelled.hear(&headers.collect());
        modelled.into_waits()
    }

    #[test]
    fn a_server_that_knows_virtual_time_says_what_it_would_wait_for() {
        let ms = Duration::from_millis;
        let waits = heard(&[(HOLD_MS, "250"), (PIECES, "100@300, 200@600"), (DELAY_MS, "40"), (PACED, "7@9")]);
        let held = Held { until: ms(250), pieces: vec![(100, ms(300)), (200, ms(600))], paced: vec![(7, ms(9))] };
        assert_eq!(waits, Some(Waits { delay: ms(40), held }));
        assert_eq!(heard(&[(HOLD_MS, "0")]), Some(Waits::default()));
        assert_eq!(heard(&[(DELAY_MS, "40")]), None, "it knows nothing of virtual time");
    }

    #[test]
    fn what_is_no_time_to_wait_is_not_waited_for() {
        for absurd in ["", "x", "-1", "3600001", "18446744073709551616"] {
            assert_eq!(heard(&[(HOLD_MS, absurd)]), None, "{absurd}");
            assert_eq!(heard(&[(HOLD_MS, "0"), (DELAY_MS, absurd)]), Some(Waits::default()), "{absurd}");
        }
        for absurd in ["", "100", "100@", "@5", "200@5,100@6", "100@5,,200@6", "100@3600001"] {
            let held = heard(&[(HOLD_MS, "7"), (PIECES, absurd), (PACED, absurd)]).map(|waits| waits.held);
            assert_eq!(held, Some(Held { until: Duration::from_millis(7), ..Held::default() }), "{absurd}");
        }
    }
}
