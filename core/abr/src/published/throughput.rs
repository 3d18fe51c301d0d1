//! THROUGHPUT, and the rule that protects a short buffer.

use super::{Decision, InFlight, Network, Scene, SceneRule, Why};

/// Share of the estimate that is spent.
pub(super) const MARGIN: f64 = 0.9;
/// A request is given up when its projected duration passes this multiple of the segment's.
const GIVE_UP_AT: f64 = 1.8;
/// Time since the request in which none is given up.
const GRACE_MS: f64 = 500.0;

/// The highest level that nine tenths of the estimate carry, less while the buffer is short
/// (abr.md 2.3, "sabre THROUGHPUT").
#[derive(Clone, Debug, Default)]
pub struct Throughput {
    guard: ShortBufferGuard,
}

impl SceneRule for Throughput {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let Some(network) = scene.network else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        let level = network.share(MARGIN).highest_level(scene);
        match self.guard.limit(scene, network, level) {
            Some(limited) => limited,
            None => Decision::at_once(level, Why::Throughput),
        }
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        let flowing = in_flight.elapsed_ms - in_flight.latency_ms;
        if in_flight.elapsed_ms < GRACE_MS || flowing <= 0.0 {
            return None;
        }
        let kbps = in_flight.received / flowing;
        let rest = in_flight.rest();
        if in_flight.elapsed_ms + rest / kbps <= GIVE_UP_AT * scene.segment_ms {
            return None;
        }
        let latency_ms = scene.network.map_or(in_flight.latency_ms, |network| network.latency_ms);
        let level = Network { kbps: kbps * MARGIN, latency_ms }.highest_level(scene);
        (level < in_flight.level && in_flight.size_at(level, scene.ladder) < rest).then_some(level)
    }

    fn on_seek(&mut self) {
        *self = Self::default();
    }
}

/// The insufficient-buffer rule: never request what may not arrive before the buffer is empty. Trust in
/// the estimate starts at nine tenths and wanes to a half.
#[derive(Clone, Debug)]
pub(super) struct ShortBufferGuard {
    trust: f64,
}

impl ShortBufferGuard {
    const TRUST_AT_FIRST: f64 = 0.9;
    const TRUST_WANES_BY: f64 = 0.9;
    const TRUST_AT_LEAST: f64 = 0.5;

    /// A lower level, if `wanted` or a level below it is more than surely arrives.
    pub(super) fn limit(&mut self, scene: &Scene<'_>, network: Network, wanted: usize) -> Option<Decision> {
        let safe_bits = self.trust * (scene.buffer_ms - network.latency_ms) * network.kbps;
        self.trust = (self.trust * Self::TRUST_WANES_BY).max(Self::TRUST_AT_LEAST);
        let too_large = |level: &usize| scene.ladder.kbps(level + 1) * scene.segment_ms > safe_bits;
        let level = (0..wanted).find(too_large)?;
        Some(Decision::at_once(level, Why::ShortBuffer { wanted, safe_bits }))
    }
}

impl Default for ShortBufferGuard {
    fn default() -> Self {
        Self { trust: Self::TRUST_AT_FIRST }
    }
}
