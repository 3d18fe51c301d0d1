//! The request in flight, as the question of giving it up sees it.

use crate::fit::Network;
use crate::published::InFlight;
use crate::rule::{seconds, Context, Progress};

/// Bits before which progress says too little: one packet.
const LEAST_BITS: f64 = 8.0 * 1_400.0;
/// Seconds since the request before which progress says too little.
const LEAST_TIME: f64 = 0.04;

/// Media seconds since the request in which a rate swings too much to give a segment up for it.
pub(crate) const GRACE: f64 = 0.5;

/// A request in flight, in bits and media seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transit {
    /// Since the request.
    pub(crate) elapsed: f64,
    /// What this request alone saw of the network, if anything.
    pub(crate) network: Network,
    /// Bits of the whole body.
    size: f64,
    /// Bits still to come.
    pub(crate) rest: f64,
    /// Media in the segment.
    pub(crate) segment: f64,
    rate: f64,
    /// Bits that other tracks got meanwhile, beyond what they take on average.
    beside: f64,
}

impl Transit {
    /// None while there is too little to judge by, or nothing left to save.
    pub(crate) fn of(ctx: &Context<'_>, progress: &Progress) -> Option<Self> {
        let level = ctx.levels.get(progress.level)?;
        let first_byte = progress.first_byte?;
        let speed = ctx.speed();
        // What a paced transfer waited for its first byte, it waited for its source.
        let requested = if progress.paced { first_byte } else { progress.requested };
        let elapsed = ctx.now.since(requested).as_secs_f64();
        let ttfb = first_byte.since(requested).as_secs_f64();
        let segment = seconds(ctx.segment_duration);
        let arrived = progress.bytes as f64 * 8.0;
        let size = match progress.total {
            Some(bytes) => bytes as f64 * 8.0,
            None => level.segment_bits(segment),
        };
        if arrived < LEAST_BITS || elapsed < LEAST_TIME || elapsed <= ttfb || arrived >= size {
            return None;
        }
        // On one connection sound goes first, and on connections of their own they share the line: what the request did not get
        // for that the line carried all the same. What sound takes on average the picture never has.
        let usual = ctx.aside as f64 * speed * (elapsed - ttfb);
        let beside = (progress.beside as f64 * 8.0 - usual).max(0.0);
        let network = if progress.paced {
            // It shows its source's rate; the estimate knows the network's.
            Network::of(ctx).filter(|network| network.measured)?
        } else {
            Network { rate: (arrived + beside) / (elapsed - ttfb) / speed, ttfb: ttfb * speed, measured: true }
        };
        let (elapsed, rest, rate) = (elapsed * speed, size - arrived, level.rate());
        Some(Self { elapsed, network, size, rest, segment, rate, beside })
    }

    /// The same, as the published rules see it.
    pub(crate) fn in_flight(&self, level: usize) -> InFlight {
        InFlight {
            level,
            size: self.size,
            received: self.size - self.rest,
            elapsed_ms: self.elapsed * 1000.0,
            latency_ms: self.network.ttfb * 1000.0,
            beside: self.beside,
        }
    }

    /// Bits of the same segment at another level: known, or in proportion to the bitrates.
    pub(crate) fn size_at(&self, ctx: &Context<'_>, level: usize) -> f64 {
        match ctx.levels.get(level) {
            Some(other) if other.next_size.or(other.expected_size).is_some() => other.segment_bits(self.segment),
            Some(other) => self.size * other.rate() / self.rate,
            None => self.size,
        }
    }
}
