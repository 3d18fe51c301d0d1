//! A published rule in the real player.

use std::time::Duration;

use telecine_model::MediaTime;

use super::throughput::MARGIN;
use super::{Decision, End, Fetched, Network, Scene, SceneRule, Why};
use crate::fit;
use crate::outlook::Outlook;
use crate::reason::Reason;
use crate::rule::{millis, seconds, BitrateRule, Choice, Context, Downloaded, Progress};
use crate::rungs::Rungs;
use crate::transit::Transit;

/// Plays by a published rule. What the rule cannot know of is translated: playback speed (the rule
/// reckons in media time), ladders that change, media that was played while nothing was requested
/// (which the rule's authors had for a full buffer).
pub struct Playable<R> {
    name: &'static str,
    rule: R,
    rungs: Rungs,
    /// Segments downloaded since the start or the last seek.
    behind: usize,
    /// The buffer after the last download.
    rested: Option<MediaTime>,
    sizes: Vec<f64>,
}

impl<R: SceneRule> Playable<R> {
    /// A rule at the start of a session, under the name of [`crate::rule_by_name`].
    pub fn new(name: &'static str, rule: R) -> Self {
        Self { name, rule, rungs: Rungs::default(), behind: 0, rested: None, sizes: Vec::new() }
    }

    /// Runs a question of the published rule; None where the ladder has no steps, and nothing is to be
    /// chosen.
    fn ask<T>(&mut self, ctx: &Context<'_>, question: impl FnOnce(&mut R, &Scene<'_>) -> T) -> Option<T> {
        let ladder = self.rungs.of(ctx.levels)?;
        let segment = seconds(ctx.usual_duration);
        let asked = seconds(ctx.segment_duration);
        self.sizes.clear();
        self.sizes.extend(ctx.levels.iter().map(|level| level.segment_bits(asked)));
        let speed = ctx.speed();
        let network = ctx.estimate.map(|estimate| Network {
            kbps: estimate.bits_per_second.max(1) as f64 / 1000.0 / speed,
            latency_ms: estimate.ttfb.as_secs_f64() * 1000.0 * speed,
        });
        let ahead = ctx.remaining.filter(|_| segment > 0.0).map(|remaining| {
            // To the nearest: the last segment may be a short one.
            ((seconds(remaining) / segment + 0.5) as usize).max(1)
        });
        let scene = Scene {
            ladder,
            segment_ms: segment * 1000.0,
            buffer_ms: seconds(ctx.buffer) * 1000.0,
            capacity_ms: seconds(ctx.buffer_goal) * 1000.0,
            network,
            outlook: Outlook::of(ctx, ctx.estimate.map_or(0, |estimate| estimate.samples)),
            behind: self.behind,
            ahead,
            sizes: &self.sizes,
        };
        Some(question(&mut self.rule, &scene))
    }
}

impl<R: SceneRule> BitrateRule for Playable<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        if ctx.starting {
            self.on_seek();
        }
        if let Some(rested) = self.rested.take() {
            let waited = seconds(rested - ctx.buffer);
            if waited > 0.0 {
                self.rule.on_full_buffer(waited * 1000.0);
            }
        }
        let decision = match ctx.estimate {
            // The authors' sessions begin with a segment of the lowest level.
            None => self.ask(ctx, |_, _| Decision::at_once(0, Why::NothingKnown)),
            Some(_) => self.ask(ctx, |rule, scene| rule.choose(scene)),
        };
        match decision {
            Some(decision) => choice(ctx, &decision),
            None => Choice::without_steps(ctx),
        }
    }

    fn on_downloaded(&mut self, ctx: &Context<'_>, downloaded: &Downloaded) {
        self.rested = Some(ctx.buffer);
        self.behind = self.behind.saturating_add(1);
        let fetched = Fetched {
            level: downloaded.level.min(ctx.top()),
            bits: downloaded.bytes as f64 * 8.0,
            took_ms: downloaded.took.as_secs_f64() * 1000.0 * ctx.speed(),
            end: End::Complete,
            replaces: false,
        };
        self.ask(ctx, |rule, scene| rule.on_fetched(scene, &fetched));
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        // What comes as its source makes it would come no faster at another level; the published rules know
        // nothing of such sources.
        let transit = Transit::of(ctx, progress).filter(|_| !progress.paced)?;
        let in_flight = transit.in_flight(progress.level);
        let level = self.ask(ctx, |rule, scene| {
            let instead = rule.give_up(scene, &in_flight).filter(|level| *level < in_flight.level)?;
            let end = End::GivenUp(Some(instead));
            let (bits, took_ms) = (in_flight.received, in_flight.elapsed_ms);
            rule.on_fetched(scene, &Fetched { level: in_flight.level, bits, took_ms, end, replaces: false });
            Some(instead)
        })??;
        self.rested = None;
        let reason =
            Reason::RestCostsMore { rest_bits: transit.rest as u64, instead_bits: transit.size_at(ctx, level) as u64 };
        Some(Choice::new(level, reason))
    }

    fn on_seek(&mut self) {
        self.behind = 0;
        self.rested = None;
        self.rule.on_seek();
    }
}

/// A decision in the player's words.
fn choice(ctx: &Context<'_>, decision: &Decision) -> Choice {
    let level = decision.level.min(ctx.top());
    let bitrate = ctx.bitrate(level);
    let buffer_ms = millis(seconds(ctx.buffer));
    let network = fit::Network::of(ctx);
    let measured = network.is_some_and(|network| network.measured);
    let carried = |share: f64| network.map_or(0, |network| network.share(share).allowed(ctx));
    let reason = match decision.why {
        Why::NothingKnown => Reason::NothingMeasured,
        Why::Start => Reason::StartFast { bitrate, allowed: carried(1.0), measured },
        Why::Throughput if ctx.starting => Reason::StartFast { bitrate, allowed: carried(MARGIN), measured },
        Why::Throughput => Reason::FitsThroughput { bitrate, allowed: carried(MARGIN), measured },
        Why::Buffer { placeholder_ms } => {
            Reason::BolaScore { bitrate, buffer_ms, placeholder_ms: placeholder_ms as i64 }
        }
        Why::Unsustained { wanted } => {
            Reason::UpBlockedByThroughput { wanted: ctx.bitrate(wanted), allowed: carried(1.0) }
        }
        Why::ShortBuffer { wanted, safe_bits } => {
            Reason::BufferLow { buffer_ms, wanted: ctx.bitrate(wanted), safe_bits: safe_bits as u64 }
        }
        Why::Plan { segments, kbps } => Reason::BestPlan {
            bitrate,
            segments: u32::try_from(segments).unwrap_or(u32::MAX),
            forecast: (kbps * 1000.0) as u64,
        },
        Why::Outlook { kbps, spread } => Reason::BestOutlook {
            bitrate,
            buffer_ms,
            believed: (kbps * 1000.0) as u64,
            spread_percent: (spread * 100.0) as u32,
        },
        Why::Map => Reason::BufferMap { bitrate, buffer_ms },
        Why::Fixed => Reason::AlwaysLowest,
    };
    let mut reasons = vec![reason];
    let wait = Duration::try_from_secs_f64(decision.wait_ms / 1000.0 / ctx.speed()).ok().filter(|wait| !wait.is_zero());
    if wait.is_some() {
        reasons.push(Reason::BufferAmple { wait_ms: decision.wait_ms as i64 });
    }
    Choice { level, wait, reasons, less_ms: Vec::new() }
}
