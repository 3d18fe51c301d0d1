//! What the network is believed to do.

use telecine_abr::published::Network;

/// Half-lives of the two averages.
const HALF_LIVES_MS: [f64; 2] = [8_000.0, 3_000.0];

/// Two exponential averages of the rate, weighted by transfer time, of which the lesser is believed; and
/// two of the latency, weighted by segments, of which the greater is (abr.md 2.3, sabre).
#[derive(Clone, Debug)]
pub(super) struct Averages {
    rates: [f64; 2],
    latencies: [f64; 2],
    transferred_ms: f64,
    /// What is left of one latency sample after one more, and after all so far.
    latency_keeps: [f64; 2],
    latency_unknown: [f64; 2],
    network: Option<Network>,
}

impl Averages {
    pub(super) fn new(segment_ms: f64) -> Self {
        let latency_keeps = HALF_LIVES_MS.map(|half_life| libm::pow(0.5, segment_ms / half_life));
        Self {
            rates: [0.0; 2],
            latencies: [0.0; 2],
            transferred_ms: 0.0,
            latency_keeps,
            latency_unknown: [1.0; 2],
            network: None,
        }
    }

    /// A segment arrived: `bits` in `ms`, so long after it was asked for.
    pub(super) fn add(&mut self, bits: f64, ms: f64, latency_ms: f64) {
        let rate = bits / ms;
        self.transferred_ms += ms;
        let mut network = Network { kbps: f64::INFINITY, latency_ms: 0.0 };
        for (index, half_life) in HALF_LIVES_MS.into_iter().enumerate() {
            let keep = libm::pow(0.5, ms / half_life);
            self.rates[index] = keep * self.rates[index] + (1.0 - keep) * rate;
            let known = 1.0 - libm::pow(0.5, self.transferred_ms / half_life);
            network.kbps = network.kbps.min(self.rates[index] / known);

            let keep = self.latency_keeps[index];
            self.latencies[index] = keep * self.latencies[index] + (1.0 - keep) * latency_ms;
            self.latency_unknown[index] *= keep;
            let known = 1.0 - self.latency_unknown[index];
            network.latency_ms = network.latency_ms.max(self.latencies[index] / known);
        }
        self.network = Some(network);
    }

    pub(super) fn network(&self) -> Option<Network> {
        self.network
    }
}
