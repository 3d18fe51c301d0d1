//! The rate of the request under way.

use std::collections::VecDeque;

use crate::published::InFlight;

/// The rate of a request under way is that of its last milliseconds...
const WINDOW_MS: f64 = 3070.0;
/// ... against what was believed before, which counts for so many.
const BELIEF_MS: f64 = 230.0;
/// A request is not given up in its first milliseconds.
const GRACE_MS: f64 = 50.0;

/// What had arrived of the request under way, at times; the first is as old as the window, if there is one.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    arrived: VecDeque<(f64, f64)>,
}

impl UnderWay {
    /// Another request follows.
    pub(super) fn forget(&mut self) {
        self.arrived.clear();
    }

    /// The logarithm of the rate, between what the request shows and what was believed; None where nothing is to be decided
    /// by it yet, or nothing can be had for less.
    pub(super) fn log_rate(&mut self, in_flight: &InFlight, believed: f64) -> Option<f64> {
        let now = in_flight.elapsed_ms;
        // Another request, without a word of the end of the one before.
        if self.arrived.back().is_some_and(|(at, bits)| *at > now || *bits > in_flight.received) {
            self.forget();
        }
        self.arrived.push_back((now, in_flight.received));
        while self.arrived.get(1).is_some_and(|(at, _)| now - at >= WINDOW_MS) {
            self.arrived.pop_front();
        }
        let since = self.arrived.front().copied().filter(|(at, _)| now - at >= WINDOW_MS);
        let (at, bits) = since.unwrap_or((in_flight.latency_ms, 0.0));
        let shown = libm::log(((in_flight.received - bits) / (now - at).max(1.0)).max(1.0));
        let seen_ms = (now - in_flight.latency_ms).clamp(1.0, WINDOW_MS);
        let log_rate = believed + (shown - believed) * seen_ms / (seen_ms + BELIEF_MS);
        (in_flight.level > 0 && now >= GRACE_MS).then_some(log_rate)
    }
}
