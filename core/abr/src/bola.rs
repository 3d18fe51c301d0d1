//! BOLA-E: buffer-based choice by Lyapunov optimisation, with what practice added.

use std::time::Duration;

use telecine_model::MediaTime;

use crate::fit::{InsufficientBuffer, Network};
use crate::reason::Reason;
use crate::rule::{millis, seconds, BitrateRule, Choice, Context, Downloaded, Level, Progress};
use crate::transit::{Transit, GRACE};

/// Buffer at which the lowest level is left behind, in seconds.
const LEAST_BUFFER: f64 = 10.0;
/// Buffer that each level of the ladder adds to the range of decisions, in seconds.
const BUFFER_PER_LEVEL: f64 = 2.0;

/// BOLA-E (Spiteri, Sitaraman, Sparacio: From Theory to Practice, MMSys 2018; abr.md 2.2).
///
/// The longer the buffer, the higher the level, along thresholds that follow from the ladder
/// alone; no estimate of the network is needed in the steady state. At the start the buffer says
/// nothing yet, so the first choice is the throughput's, and a *placeholder* is added to the
/// buffer so that the thresholds agree with it. The placeholder then shrinks or grows with what
/// the network shows. The insufficient-buffer rule protects a short buffer.
#[derive(Clone, Debug)]
pub struct BolaE {
    oscillation: Oscillation,
    buffer_rule: InsufficientBuffer,
    /// Virtual buffer in seconds, added to the real one; None until the start is behind.
    placeholder: Option<f64>,
    /// The buffer after the last download; what is missing from it at the next choice was played
    /// while nothing was requested.
    rested: Option<MediaTime>,
}

/// What BOLA does between two levels of which the network sustains only the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oscillation {
    /// One level above the sustained one whenever the thresholds say so: uses the whole network at
    /// the price of a switch every few segments (BOLA-U).
    Allowed,
    /// The sustained level, and pauses when the buffer is ample: few switches at the price of
    /// what the ladder's steps leave unused (BOLA-O; `-ao` of the authors' simulator).
    Minimised,
    /// One level above the sustained one in long turns: from a nearly full buffer until half of it
    /// is played. Uses the whole network with a switch every half minute or so; on the published
    /// traces as much bitrate as `Allowed` with less switching.
    Damped,
}

impl BolaE {
    /// The rule at the start of a session.
    pub fn new(oscillation: Oscillation) -> Self {
        Self { oscillation, buffer_rule: InsufficientBuffer::new(), placeholder: None, rested: None }
    }

    /// The first choices: the throughput's, with the placeholder that makes BOLA agree with it.
    fn start(&mut self, ctx: &Context<'_>, bola: &Bola<'_>) -> Choice {
        let Some(network) = Network::of(ctx) else {
            return Choice::new(0, Reason::NothingMeasured);
        };
        let level = network.highest_level(ctx);
        // An assumed estimate chooses the first segment, but only a measured one ends the start.
        if network.measured {
            self.buffer_rule = InsufficientBuffer::new();
            self.placeholder = Some((bola.least_buffer(level) - seconds(ctx.buffer)).max(0.0));
        }
        let (bitrate, allowed) = (ctx.bitrate(level), network.allowed(ctx));
        Choice::new(level, Reason::StartFast { bitrate, allowed, measured: network.measured })
    }

    fn steady(&mut self, ctx: &Context<'_>, bola: &Bola<'_>, mut placeholder: f64) -> Choice {
        let buffer = seconds(ctx.buffer);
        let network = Network::of(ctx);
        let best = bola.best_level(buffer + placeholder);
        let mut reasons = vec![Reason::BolaScore {
            bitrate: ctx.bitrate(best),
            buffer_ms: millis(buffer),
            placeholder_ms: millis(placeholder),
        }];
        let mut level = best;
        if let Some(network) = network {
            level = self.moderate(ctx, best, network.highest_level(ctx));
            reasons.extend(reason_of_moderation(ctx, network, best, level));
        }
        // What is above the level's last threshold is of no use to it: first the virtual part
        // goes, then the real one waits.
        let excess = (buffer + placeholder - bola.most_buffer(level)).max(0.0);
        let virtual_part = excess.min(placeholder);
        placeholder -= virtual_part;
        // A damped rule lets the buffer fill: it spends it on the level above.
        let waits = level < ctx.top() && self.oscillation != Oscillation::Damped;
        let mut wait = if waits { excess - virtual_part } else { 0.0 };
        if let Some((limited, low)) = network.and_then(|network| self.buffer_rule.limit(ctx, network, level)) {
            level = limited;
            wait = 0.0;
            placeholder = placeholder.min((bola.least_buffer(level) - buffer).max(0.0));
            // A level that is not taken after all is not held.
            reasons.retain(|reason| !matches!(reason, Reason::Held { .. }));
            reasons.insert(0, low);
        }
        self.placeholder = Some(placeholder);
        let pause = Duration::try_from_secs_f64(wait / ctx.speed()).ok().filter(|pause| !pause.is_zero());
        if pause.is_some() {
            reasons.push(Reason::BufferAmple { wait_ms: millis(wait) });
        }
        Choice { level, wait: pause, reasons, less_ms: Vec::new() }
    }

    /// The level that the buffer wants, moderated by the highest one that the network sustains.
    fn moderate(&self, ctx: &Context<'_>, wanted: usize, sustained: usize) -> usize {
        let last = ctx.current.unwrap_or(0).min(ctx.top());
        if self.oscillation != Oscillation::Damped {
            let step = usize::from(self.oscillation == Oscillation::Allowed);
            return if wanted > last.max(sustained) { last.max(sustained) + step } else { wanted };
        }
        let buffer = seconds(ctx.buffer);
        let (goal, segment) = (seconds(ctx.buffer_goal), seconds(ctx.usual_duration));
        // A request is made when its segment fits below the goal, so the buffer at a choice is one
        // segment short of it at best.
        let nearly_full = (goal - 1.5 * segment).min(0.75 * goal);
        let half_played = (nearly_full - segment).min(0.5 * goal);
        if last > sustained && wanted >= sustained && buffer >= half_played {
            last
        } else if wanted > sustained {
            sustained + usize::from(last <= sustained && buffer >= nearly_full)
        } else if buffer >= 0.5 * half_played {
            // A dip of the buffer alone, from a large segment, is no reason to leave a level.
            wanted.max(sustained.min(last))
        } else {
            wanted
        }
    }

    /// The published abandonment: a lower level that is worth more for its whole size than the
    /// level in flight for what is left of it.
    fn better_worth(&self, ctx: &Context<'_>, transit: &Transit, current: usize, bola: &Bola<'_>) -> Option<Choice> {
        // A new request costs another time to first byte, in which this one would go on.
        let ttfb = transit.network.ttfb;
        let buffer = (seconds(ctx.buffer) + self.placeholder.unwrap_or(0.0) - ttfb).max(0.0);
        let rest = transit.rest - ttfb * transit.network.rate;
        if rest <= 0.0 {
            return None;
        }
        let value = |level: usize, bits: f64| (bola.most_buffer(level) - buffer) / bits;
        let lower = (0..current).map(|level| (level, transit.size_at(ctx, level)));
        let smaller = lower.filter(|(_, bits)| *bits < rest);
        let (_, instead) = smaller.fold((value(current, rest), None), |best, (level, bits)| {
            let worth = value(level, bits);
            if worth > best.0 {
                (worth, Some((level, bits)))
            } else {
                best
            }
        });
        instead.map(|(level, bits)| {
            let reason = Reason::RestCostsMore { rest_bits: transit.rest as u64, instead_bits: bits as u64 };
            Choice::new(level, reason)
        })
    }

    /// Media that was played while nothing was requested, because the buffer was full or the next
    /// segment not there yet, would have been buffer: it becomes placeholder.
    fn count_rest(&mut self, ctx: &Context<'_>) {
        if let (Some(placeholder), Some(rested)) = (&mut self.placeholder, self.rested.take()) {
            *placeholder += seconds(rested - ctx.buffer).max(0.0);
        }
    }
}

impl Default for BolaE {
    fn default() -> Self {
        Self::new(Oscillation::Damped)
    }
}

impl BitrateRule for BolaE {
    fn name(&self) -> &'static str {
        match self.oscillation {
            Oscillation::Allowed => "bola-e",
            Oscillation::Minimised => "bola-e-ao",
            Oscillation::Damped => "bola-e-damped",
        }
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        if ctx.starting {
            self.on_seek();
        }
        let Some(bola) = Bola::of(ctx) else {
            return Choice::without_steps(ctx);
        };
        self.count_rest(ctx);
        match self.placeholder {
            Some(placeholder) => self.steady(ctx, &bola, placeholder),
            None => self.start(ctx, &bola),
        }
    }

    fn on_downloaded(&mut self, ctx: &Context<'_>, downloaded: &Downloaded) {
        self.rested = Some(ctx.buffer);
        let (Some(placeholder), Some(bola)) = (&mut self.placeholder, Bola::of(ctx)) else {
            return;
        };
        let level = downloaded.level.min(ctx.top());
        let buffer_was = seconds(ctx.buffer) + downloaded.took.as_secs_f64() * ctx.speed();
        *placeholder = placeholder.min((bola.most_buffer(level) - buffer_was).max(0.0));
        // Where another rule than BOLA took the decision, the placeholder makes up for it; not
        // while the buffer is empty, which is the network's word.
        if ctx.buffer > MediaTime::ZERO {
            *placeholder = placeholder.max(bola.least_buffer(level) - buffer_was);
        }
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        let bola = Bola::of(ctx)?;
        let transit = Transit::of(ctx, progress)?;
        let choice = match self.oscillation {
            Oscillation::Damped => rescue(ctx, &transit, progress.level),
            _ => self.better_worth(ctx, &transit, progress.level, &bola),
        }?;
        let wanted = match choice.level {
            0 => LEAST_BUFFER,
            level => bola.least_buffer(level),
        };
        if let Some(placeholder) = &mut self.placeholder {
            *placeholder = placeholder.min((wanted - seconds(ctx.buffer)).max(0.0));
        }
        self.rested = None;
        Some(choice)
    }

    fn on_seek(&mut self) {
        *self = Self::new(self.oscillation);
    }
}

/// A damped rule's abandonment. Its levels lie off the thresholds on purpose, so only a buffer that
/// would run empty is a reason to give a segment up; then for a level that surely arrives, so that
/// nothing is given up twice (abr.md 3 D).
fn rescue(ctx: &Context<'_>, transit: &Transit, current: usize) -> Option<Choice> {
    let (buffer, needed) = (seconds(ctx.buffer), transit.rest / transit.network.rate);
    if transit.elapsed < GRACE || needed <= buffer {
        return None;
    }
    let certain = InsufficientBuffer::certain_bits(ctx, transit.network);
    let level = (1..current).rev().find(|level| transit.size_at(ctx, *level) <= certain).unwrap_or(0);
    let reason = Reason::WouldEmptyBuffer { needed_ms: millis(needed), buffer_ms: millis(buffer) };
    (level < current && transit.size_at(ctx, level) < transit.rest).then(|| Choice::new(level, reason))
}

/// Why the level that the buffer wants is not taken, or that the network would carry more.
fn reason_of_moderation(ctx: &Context<'_>, network: Network, wanted: usize, level: usize) -> Option<Reason> {
    let buffer_ms = millis(seconds(ctx.buffer));
    let sustained = network.highest_level(ctx);
    if level > wanted {
        Some(Reason::Held { bitrate: ctx.bitrate(level), buffer_ms })
    } else if level < wanted {
        Some(Reason::UpBlockedByThroughput { wanted: ctx.bitrate(wanted), allowed: network.allowed(ctx) })
    } else if level < sustained {
        Some(Reason::UpBlockedByBuffer { wanted: ctx.bitrate(sustained), buffer_ms })
    } else {
        None
    }
}

/// BOLA's arithmetic for one ladder and buffer: level `m` is worth
/// `(Vp·(u_m + gp) - Q) / S_m` with `u_m = 1 + ln(S_m / S_0)`.
struct Bola<'a> {
    levels: &'a [Level],
    lowest: f64,
    vp: f64,
    gp: f64,
}

impl<'a> Bola<'a> {
    /// None for a ladder without steps, where there is nothing to weigh.
    fn of(ctx: &Context<'a>) -> Option<Self> {
        let (lowest, highest) = (ctx.levels.first()?.rate(), ctx.levels.last()?.rate());
        let range = libm::log(highest / lowest);
        if range <= 0.0 {
            return None;
        }
        let buffer = (LEAST_BUFFER + BUFFER_PER_LEVEL * ctx.levels.len() as f64).max(seconds(ctx.buffer_goal));
        let vp = (buffer - LEAST_BUFFER) / range;
        Some(Self { levels: ctx.levels, lowest, vp, gp: LEAST_BUFFER / vp })
    }

    fn rate(&self, level: usize) -> f64 {
        self.levels.get(level).map_or(self.lowest, Level::rate)
    }

    fn utility(&self, level: usize) -> f64 {
        1.0 + libm::log(self.rate(level) / self.lowest)
    }

    /// The level that is worth most at a buffer of so many seconds; the lower of equals.
    fn best_level(&self, buffer: f64) -> usize {
        let score = |level: usize| (self.most_buffer(level) - buffer) / self.rate(level);
        (1..self.levels.len()).fold(0, |best, level| if score(level) > score(best) { level } else { best })
    }

    /// From this buffer on the level is worth more than every one below it.
    fn least_buffer(&self, level: usize) -> f64 {
        let (rate, utility) = (self.rate(level), self.utility(level));
        let lower = (0..level).map(|below| (self.rate(below), self.utility(below)));
        lower
            .filter(|(below, _)| *below < rate)
            .map(|(below, worth)| self.vp * (self.gp + (rate * worth - below * utility) / (rate - below)))
            .fold(0.0, f64::max)
    }

    /// Beyond this buffer the level is worth nothing.
    fn most_buffer(&self, level: usize) -> f64 {
        self.vp * (self.utility(level) + self.gp)
    }
}
