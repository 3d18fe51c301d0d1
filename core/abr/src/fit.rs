//! What the network carries, as all rules reckon it: in media time.

use crate::reason::Reason;
use crate::rule::{millis, seconds, Context, Level};

/// An estimate in media time: bits for each second of media, and seconds of media that play
/// while a request waits for its first byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    pub(crate) rate: f64,
    pub(crate) ttfb: f64,
    /// Whether it rests on measurements; else it is assumed.
    pub(crate) measured: bool,
}

impl Network {
    /// None before anything is known.
    pub(crate) fn of(ctx: &Context<'_>) -> Option<Self> {
        let estimate = ctx.estimate?;
        Some(Self {
            rate: estimate.bits_per_second.max(1) as f64 / ctx.speed(),
            ttfb: estimate.ttfb.as_secs_f64() * ctx.speed(),
            measured: estimate.samples > 0,
        })
    }

    /// The same network with only a share of its rate.
    pub(crate) fn share(self, share: f64) -> Self {
        Self { rate: self.rate * share, ..self }
    }

    /// Highest level whose segments arrive in the time that they play: `ttfb + p·r/C <= p`
    /// (abr.md 2.3, sabre). The lowest if none does.
    pub(crate) fn highest_level(self, ctx: &Context<'_>) -> usize {
        let segment = seconds(ctx.segment_duration);
        let fits = |level: &Level| self.ttfb + segment * level.rate() / self.rate <= segment;
        let higher = ctx.levels.iter().skip(1);
        higher.take_while(|level| fits(level)).count()
    }

    /// The bitrate that [`Network::highest_level`] compares with, for reasons.
    pub(crate) fn allowed(self, ctx: &Context<'_>) -> u64 {
        let segment = seconds(ctx.segment_duration);
        if segment > 0.0 {
            (self.rate * (segment - self.ttfb) / segment) as u64
        } else {
            self.rate as u64
        }
    }
}

/// The insufficient-buffer rule (abr.md 2.2, IBR): never request what may not arrive before the
/// buffer is empty. Trust in the estimate starts at nine tenths and wanes to a half, as the
/// estimate matters less the longer playback goes well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InsufficientBuffer {
    trust: f64,
}

impl InsufficientBuffer {
    const TRUST_AT_FIRST: f64 = 0.9;
    const TRUST_WANES_BY: f64 = 0.9;
    const TRUST_AT_LEAST: f64 = 0.5;

    /// At the start, and after a seek.
    pub(crate) fn new() -> Self {
        Self { trust: Self::TRUST_AT_FIRST }
    }

    /// Bits that arrive before the buffer is empty if nine tenths of the rate stay. For a rate seen
    /// in this moment, which deserves the full trust.
    pub(crate) fn certain_bits(ctx: &Context<'_>, network: Network) -> f64 {
        Self::TRUST_AT_FIRST * (seconds(ctx.buffer) - network.ttfb) * network.rate
    }

    /// A lower level and the reason, if `wanted` or a level below it is more than surely arrives.
    pub(crate) fn limit(&mut self, ctx: &Context<'_>, network: Network, wanted: usize) -> Option<(usize, Reason)> {
        let safe_bits = self.trust * (seconds(ctx.buffer) - network.ttfb) * network.rate;
        self.trust = (self.trust * Self::TRUST_WANES_BY).max(Self::TRUST_AT_LEAST);
        let segment = seconds(ctx.segment_duration);
        let too_large = |level: &Level| level.segment_bits(segment) > safe_bits;
        // The lowest level is never too large: there is nothing below it.
        let last = wanted.min(ctx.top());
        let limited = ctx.levels.get(1..=last)?.iter().position(too_large)?;
        let reason = Reason::BufferLow {
            buffer_ms: millis(seconds(ctx.buffer)),
            wanted: ctx.bitrate(wanted),
            safe_bits: safe_bits as u64,
        };
        Some((limited, reason))
    }
}
