//! The rule of throughput with a margin.

use crate::fit::{InsufficientBuffer, Network};
use crate::reason::Reason;
use crate::rule::{millis, BitrateRule, Choice, Context, Progress};
use crate::transit::{Transit, GRACE};

/// Share of the estimate that is spent.
const MARGIN: f64 = 0.9;
/// A request is given up when its projected duration passes this multiple of the segment's.
const ABANDON_AT: f64 = 1.8;

/// The highest level that nine tenths of the estimate carry, less when the buffer is short
/// (abr.md 2.3, "sabre THROUGHPUT"). Simple, steady, and blind to a full buffer: it leaves a tenth
/// of the network unused.
#[derive(Clone, Debug)]
pub struct Throughput {
    buffer_rule: InsufficientBuffer,
}

impl Throughput {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        Self { buffer_rule: InsufficientBuffer::new() }
    }
}

impl Default for Throughput {
    fn default() -> Self {
        Self::new()
    }
}

impl BitrateRule for Throughput {
    fn name(&self) -> &'static str {
        "throughput"
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        if ctx.levels.len() < 2 {
            return Choice::new(0, Reason::OnlyChoice);
        }
        let Some(network) = Network::of(ctx) else {
            return Choice::new(0, Reason::NothingMeasured);
        };
        let spent = network.share(MARGIN);
        let level = spent.highest_level(ctx);
        let (bitrate, allowed) = (ctx.bitrate(level), spent.allowed(ctx));
        if ctx.starting {
            return Choice::new(level, Reason::StartFast { bitrate, allowed, measured: network.measured });
        }
        let fits = Reason::FitsThroughput { bitrate, allowed, measured: network.measured };
        match self.buffer_rule.limit(ctx, network, level) {
            Some((level, low)) => Choice { level, wait: None, reasons: vec![low, fits], less_ms: Vec::new() },
            None => Choice::new(level, fits),
        }
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        let transit = Transit::of(ctx, progress)?;
        let limit = ABANDON_AT * transit.segment;
        let projected = transit.elapsed + transit.rest / transit.network.rate;
        if transit.elapsed < GRACE || projected <= limit {
            return None;
        }
        let level = transit.network.share(MARGIN).highest_level(ctx);
        if level >= progress.level || transit.size_at(ctx, level) >= transit.rest {
            return None;
        }
        let reason = Reason::FinishesTooLate { projected_ms: millis(projected), limit_ms: millis(limit) };
        Some(Choice::new(level, reason))
    }

    fn on_seek(&mut self) {
        self.buffer_rule = InsufficientBuffer::new();
    }
}
