//! The rule for the live edge, where there is hardly a buffer to decide by.

use std::time::Duration;

use telecine_model::Timestamp;

use crate::fit::Network;
use crate::reason::Reason;
use crate::rule::{millis, seconds, BitrateRule, Choice, Context, Progress};
use crate::throughput::Throughput;
use crate::transit::{Transit, GRACE};

/// Share of the rate that a level may take to be gone up to, and to be stayed with: ladders declare what levels take at most,
/// and that is what counts here, as there is no buffer to make up for it.
const UP: f64 = 0.88;
const STAY: f64 = 1.05;
/// Share of the buffer that a part or chunk may take to come, once it is made, to be gone up to, and to be stayed with.
const UP_IN: f64 = 0.6;
const STAY_IN: f64 = 1.0;
/// How many of the network's typical errors are allowed for, and how much of the rate that may be at most.
const ERRORS: f64 = 0.3;
const MOST_ALLOWED_FOR: f64 = 0.5;
/// Who came down waits before going up again: so long at first, twice as long each time that going up was too early, so long
/// at most.
const WAIT: Duration = Duration::from_secs(4);
const LONGEST_WAIT: Duration = Duration::from_secs(64);
/// Whoever comes down so soon after going up went up too early.
const TOO_EARLY: Duration = Duration::from_secs(20);

/// What is begun anew as the line breaks down may take so much of what it carries,
const STARTED_ANEW: f64 = 0.9;
/// and so much standing has to be saved by it, in seconds.
const WORTH_IT: f64 = 0.5;

/// For playback within a few seconds of what is being made.
///
/// What comes as it is made comes no faster for being small, and the buffer can never grow beyond the latency: rules that
/// read the network's state in the buffer have nothing to read (abr.md 1, lesson 4). What counts is that each part, once it is
/// made, is there before the buffer is empty, and that the line carries the level and the sound beside it in the long run,
/// a typical error of its forecast allowed for. Going up takes more room than staying, and after a fall a wait that
/// doubles each time that going up was too early; going down takes none. What is on its way gives way to the same in less where
/// playback would stand for noticeably longer without that.
#[derive(Clone, Debug)]
pub struct LowLatency {
    wait: Duration,
    went_up: Option<Timestamp>,
    came_down: Option<Timestamp>,
    /// What is begun with, and gone on with behind a jump.
    first: Throughput,
}

impl LowLatency {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        Self { wait: WAIT, went_up: None, came_down: None, first: Throughput::new() }
    }

    /// Notes a change of level.
    fn moved(&mut self, from: usize, to: usize, now: Timestamp) {
        if to > from {
            self.went_up = Some(now);
        } else if to < from {
            let early = self.went_up.is_some_and(|up| now.since(up) < TOO_EARLY);
            self.wait = if early { self.wait.saturating_mul(2).min(LONGEST_WAIT) } else { WAIT };
            self.came_down = Some(now);
        }
    }

    fn waits(&self, now: Timestamp) -> bool {
        self.came_down.is_some_and(|down| now.since(down) < self.wait)
    }
}

impl Default for LowLatency {
    fn default() -> Self {
        Self::new()
    }
}

/// What a level has to fit into.
#[derive(Clone, Copy, Debug)]
struct Room {
    /// Bits for each second of media that the line surely carries.
    rate: f64,
    ttfb: f64,
    buffer: f64,
    part: f64,
    aside: f64,
}

impl Room {
    fn of(ctx: &Context<'_>) -> Option<Self> {
        let network = Network::of(ctx)?;
        let forecast = ctx.estimate.and_then(|estimate| estimate.forecast);
        let error = forecast.map_or(0.0, |forecast| f64::from(forecast.typical_error_milli) / 1000.0);
        let allowed_for = (ERRORS * error).min(MOST_ALLOWED_FOR);
        // What is believed now, where that is less than what was seen on average.
        let now = forecast.map_or(network.rate, |forecast| forecast.bits_per_second.max(1) as f64 / ctx.speed());
        Some(Self {
            rate: network.rate.min(now) * (1.0 - allowed_for),
            ttfb: network.ttfb,
            buffer: seconds(ctx.buffer),
            part: seconds(ctx.segment_duration),
            aside: ctx.aside as f64,
        })
    }

    /// Whether a level is carried with `share` of the rate, and its parts come within `time` of the buffer.
    fn takes(&self, bitrate: f64, share: f64, time: f64) -> bool {
        let all = bitrate + self.aside;
        all <= share * self.rate && self.comes_in(bitrate) <= time * self.buffer
    }

    /// How long a part is on its way once it is made.
    fn comes_in(&self, bitrate: f64) -> f64 {
        self.ttfb + self.part * (bitrate + self.aside) / self.rate
    }
}

impl BitrateRule for LowLatency {
    fn name(&self) -> &'static str {
        "low-latency"
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        if ctx.levels.len() < 2 {
            return Choice::new(0, Reason::OnlyChoice);
        }
        let (Some(room), Some(network)) = (Room::of(ctx), Network::of(ctx)) else {
            return Choice::new(0, Reason::NothingMeasured);
        };
        let Some(current) = ctx.current.filter(|_| !ctx.starting) else {
            let choice = self.first.choose(ctx);
            // Who has just come down does not go up because the playhead was moved.
            let Some(current) = ctx.current.filter(|current| self.waits(ctx.now) && choice.level > *current) else {
                return choice;
            };
            let held = Reason::Held { bitrate: ctx.bitrate(current), buffer_ms: millis(seconds(ctx.buffer)) };
            return Choice { level: current, reasons: std::iter::once(held).chain(choice.reasons).collect(), ..choice };
        };
        let allowed = |share: f64| (share * room.rate - room.aside).max(0.0) as u64;
        let takes = |level: usize, share: f64, time: f64| {
            level == 0 || ctx.level(level).is_some_and(|level| room.takes(level.rate(), share, time))
        };
        let stay = (0..=current.min(ctx.top())).rev().find(|level| takes(*level, STAY, STAY_IN)).unwrap_or(0);
        let up = (current..=ctx.top()).rev().find(|level| takes(*level, UP, UP_IN)).unwrap_or(current);
        let waits = self.waits(ctx.now);
        let level = if stay < current {
            stay
        } else if waits {
            current
        } else {
            up.max(current)
        };
        self.moved(current, level, ctx.now);
        let bitrate = ctx.bitrate(level);
        let fits = |share| Reason::FitsThroughput { bitrate, allowed: allowed(share), measured: network.measured };
        let buffer_ms = millis(room.buffer);
        if level < current {
            let late = room.comes_in(ctx.bitrate(current) as f64) > STAY_IN * room.buffer;
            let low = Reason::BufferLow {
                buffer_ms,
                wanted: ctx.bitrate(current),
                safe_bits: (STAY_IN * (room.buffer - room.ttfb).max(0.0) * room.rate) as u64,
            };
            let reasons = if late { vec![low, fits(STAY)] } else { vec![fits(STAY)] };
            return Choice { level, wait: None, reasons, less_ms: Vec::new() };
        }
        let held = (level == current && up > current).then_some(Reason::Held { bitrate, buffer_ms });
        let reasons = held.into_iter().chain([fits(UP)]).collect();
        Choice { level, wait: None, reasons, less_ms: Vec::new() }
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        let transit = Transit::of(ctx, progress).filter(|transit| transit.elapsed >= GRACE)?;
        let level = transit.network.share(STARTED_ANEW).highest_level(ctx).min(progress.level);
        let (buffer, rate) = (seconds(ctx.buffer), transit.network.rate);
        let stands = |left: f64, buffer: f64| (left - buffer).max(0.0);
        let left = transit.rest / rate;
        let instead = transit.network.ttfb + transit.size_at(ctx, level) / rate;
        let without = buffer - seconds(progress.fetched_again);
        if level == progress.level || stands(left, buffer) - stands(instead, without) < WORTH_IT {
            return None;
        }
        self.moved(progress.level, level, ctx.now);
        let reason = Reason::FinishesTooLate { projected_ms: millis(left), limit_ms: millis(buffer) };
        Some(Choice::new(level, reason))
    }

    fn on_seek(&mut self) {
        self.first = Throughput::new();
    }
}
