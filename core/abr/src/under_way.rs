//! The rate of the request under way.

use std::collections::VecDeque;

use crate::published::InFlight;

/// A rate that falls in the midst of a request is seen in its last milliseconds.
const RECENT_MS: f64 = 1_000.0;

/// What is made of a request under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// It is not given up in its first milliseconds.
    grace_ms: f64,
    /// Its rate is that of its last milliseconds...
    window_ms: f64,
    /// ... against what was believed before, which counts for so many.
    belief_ms: f64,
}

impl Patience {
    /// Where bits flow evenly from the first on, as in a simulator.
    pub(crate) const EVEN: Self = Self { grace_ms: 50.0, window_ms: 3_070.0, belief_ms: 230.0 };
    /// Where TCP has to get going first, and hosts read by fits and starts.
    pub(crate) const REAL: Self = Self { grace_ms: 400.0, window_ms: 3_070.0, belief_ms: 460.0 };
    /// The same for who holds on to what was believed a little longer.
    pub(crate) const FIRM: Self = Self { belief_ms: 550.0, ..Self::REAL };
}

/// What had arrived of the request under way, at times; the first is as old as the window, if there is one.
#[derive(Debug)]
pub(crate) struct UnderWay {
    patience: Patience,
    arrived: VecDeque<Arrived>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Arrived {
    at_ms: f64,
    /// Bits of it, and those that other tracks got of the line meanwhile.
    own: f64,
    beside: f64,
}

impl Arrived {
    /// The logarithm of the rate at which the line carried since an earlier time. What others got less than usual is no
    /// loss of the request's.
    fn log_rate_since(&self, before: &Self) -> f64 {
        let bits = self.own - before.own + (self.beside - before.beside).max(0.0);
        libm::log((bits / (self.at_ms - before.at_ms).max(1.0)).max(1.0))
    }
}

/// The logarithm of the rate of a request under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Between what it shows and what was believed.
    pub(crate) likely: f64,
    /// The lowest of both and of what it shows just now.
    pub(crate) careful: f64,
}

impl UnderWay {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, arrived: VecDeque::new() }
    }

    /// Another request follows.
    pub(crate) fn forget(&mut self) {
        self.arrived.clear();
    }

    /// The rate; None where nothing is to be decided by it yet, or nothing can be had for less.
    pub(crate) fn log_rate(&mut self, in_flight: &InFlight, believed: f64) -> Option<Seen> {
        let Patience { grace_ms, window_ms, belief_ms } = self.patience;
        let now = in_flight.elapsed_ms;
        // Another request, without a word of the end of the one before.
        if self.arrived.back().is_some_and(|last| last.at_ms > now || last.own > in_flight.received) {
            self.forget();
        }
        let current = Arrived { at_ms: now, own: in_flight.received, beside: in_flight.beside };
        self.arrived.push_back(current);
        while self.arrived.get(1).is_some_and(|arrived| now - arrived.at_ms >= window_ms) {
            self.arrived.pop_front();
        }
        let since = self.arrived.front().copied().filter(|arrived| now - arrived.at_ms >= window_ms);
        let since = since.unwrap_or(Arrived { at_ms: in_flight.latency_ms, ..Arrived::default() });
        let shown = current.log_rate_since(&since);
        let recent = self.arrived.iter().rfind(|arrived| now - arrived.at_ms >= RECENT_MS);
        let recent = recent.map_or(shown, |recent| current.log_rate_since(recent));
        let seen_ms = (now - in_flight.latency_ms).clamp(1.0, window_ms);
        let likely = believed + (shown - believed) * seen_ms / (seen_ms + belief_ms);
        (in_flight.level > 0 && now >= grace_ms).then_some(Seen { likely, careful: likely.min(shown).min(recent) })
    }
}
