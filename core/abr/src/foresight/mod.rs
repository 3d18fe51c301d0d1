//! Telecine's own rule: what each choice leads to, reckoned ahead.
//!
//! The published rules look at the buffer (BOLA), at the rate (THROUGHPUT), or at both for a few segments along a rate that
//! is taken for certain (MPC). Here the rate is a walk by chance whose spread is learnt from how wrong the last beliefs were
//! ([`Forecast`](crate::Forecast)), and a ladder's states (what the buffer holds, which level was last, what the rate is)
//! have a worth that is solved once, backwards over some segments, from what viewers are served: bitrate, few changes, and
//! no stall. A decision then is one step: of all levels the one whose segment leads to the greatest expected worth, with its
//! real size. A request is given up by the same worth: if to begin a smaller segment anew is worth more than to wait for the
//! rest. So is a segment fetched again that waits in the buffer at a lower level.
//!
//! The terms are those of QoE_lin and of Q1 (abr.md 4.2, 4.3), mixed: what a level is worth is two thirds its bits and a third
//! what is seen of it, a second of stall costs about four seconds of the highest level, and a stall costs something however
//! short it is. How the constants were found is in docs/adr/0011.

mod alone;
mod prospects;
mod solving;
mod values;

use self::prospects::{Moment, Prospects, Turn};
use crate::outlook::Outlook;
use crate::published::{Buffered, Replacing, Scene};
use crate::reason::Reason;
use crate::rule::{millis, seconds, Again, BitrateRule, Choice, Context, Downloaded, Level, Progress, Waiting};
use crate::rungs::Rungs;
use crate::transit::Transit;
use crate::under_way::{Patience, UnderWay};

pub use self::alone::ForesightAlone;

/// A second's wait for the first picture costs half as much as one of stall (Q1 of abr.md 4.2).
const PRICE_OF_START: f64 = 0.5;
/// What it takes to fetch a list or an index first, beside the time to first byte, in seconds.
const LISTING_S: f64 = 0.3;
/// What is fetched again has to be there so long before it is played, in seconds: sinks decode ahead of the playhead.
const IN_TIME_S: f64 = 1.2;

/// The rule of Telecine; see the module's documentation.
#[derive(Debug)]
pub struct Foresight {
    prospects: Prospects,
    rungs: Rungs,
    sizes: Vec<f64>,
    worths: Vec<f64>,
    under_way: UnderWay,
    /// The rendition of the segment before the one under way.
    before: Option<usize>,
    collapse: Option<Collapse>,
    /// Segments of the track that came since the network is this one.
    segments: u32,
    /// Rate samples that there were when something was asked last, of all tracks; None before the first question.
    samples: Option<u32>,
}

/// The highest worth's place; the lower of equals.
fn best(worths: &[f64]) -> usize {
    let better = |best: (usize, f64), (level, worth): (usize, f64)| if worth > best.1 { (level, worth) } else { best };
    worths.iter().copied().enumerate().fold((0, f64::MIN), better).0
}

/// What was seen of the line when a request was given up, which averages know too late.
#[derive(Clone, Copy, Debug)]
struct Collapse {
    /// Rate samples that there were, of all tracks.
    samples: u32,
    log_rate: f64,
}

impl Foresight {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        Self {
            prospects: Prospects::default(),
            rungs: Rungs::default(),
            sizes: Vec::new(),
            worths: Vec::new(),
            under_way: UnderWay::new(Patience::FIRM),
            before: None,
            collapse: None,
            segments: 0,
            samples: None,
        }
    }

    /// What is believed of the network.
    fn outlook(&mut self, ctx: &Context<'_>) -> Option<Outlook> {
        let samples = ctx.estimate.map_or(0, |estimate| estimate.samples);
        match self.samples {
            // Whoever comes to a line that is known knows it as well.
            None => self.segments = samples,
            // It is another network.
            Some(before) if samples < before => self.segments = 0,
            Some(_) => {}
        }
        self.samples = Some(samples);
        let outlook = Outlook::of(ctx, self.segments.min(samples))?;
        // What was seen before was seen of another one.
        self.collapse = self.collapse.filter(|collapse| collapse.samples <= samples);
        let log_rate = self.collapse.map_or(outlook.log_rate, |collapse| collapse.log_rate.min(outlook.log_rate));
        Some(Outlook { log_rate, ..outlook })
    }

    /// Answers a question of a moment; None where the ladder has no steps, and nothing is to be chosen.
    fn ask<T>(
        &mut self,
        ctx: &Context<'_>,
        outlook: Outlook,
        question: impl FnOnce(&mut Prospects, &Moment<'_>, &mut Vec<f64>) -> T,
    ) -> Option<T> {
        let ladder = self.rungs.of(ctx.levels)?;
        let (asked, usual) = (seconds(ctx.segment_duration), seconds(ctx.usual_duration));
        self.sizes.clear();
        // Time before the first segment of a level costs as bits do that take as long.
        let listing_bits = (outlook.latency_s + LISTING_S * ctx.speed()) * libm::exp(outlook.log_rate) * 1000.0;
        let before = |level: &Level| if level.listed { 0.0 } else { listing_bits };
        self.sizes.extend(ctx.levels.iter().map(|level| level.segment_bits(asked) + before(level)));
        let scene = Scene {
            ladder,
            segment_ms: usual * 1000.0,
            buffer_ms: seconds(ctx.buffer) * 1000.0,
            capacity_ms: seconds(ctx.buffer_goal) * 1000.0,
            network: None,
            outlook: None,
            behind: 0,
            ahead: None,
            sizes: &self.sizes,
        };
        let last = ctx.levels.iter().position(|level| Some(level.rendition) == self.before);
        let lead_in_s = seconds(ctx.lead_in).max(0.0);
        // Where nothing plays yet there is no change to see.
        let (last, wait_price) = if ctx.starting { (None, PRICE_OF_START) } else { (last, 1.0) };
        let longer_s = asked - usual;
        let moment = Moment { last, outlook, scene: &scene, wait_price, lead_in_s, longer_s };
        Some(question(&mut self.prospects, &moment, &mut self.worths))
    }

    /// What the levels beside the chosen one would have been worth, for those who ask why.
    fn beside(&self, ctx: &Context<'_>, chosen: usize) -> impl Iterator<Item = Reason> + '_ {
        let worth = self.worths.get(chosen).copied().unwrap_or_default();
        let bitrates: Vec<u64> = ctx.levels.iter().map(|level: &Level| level.bitrate).collect();
        let beside = [chosen.checked_add(1), chosen.checked_sub(1)].into_iter().flatten();
        beside.filter_map(move |level| {
            let bitrate = *bitrates.get(level)?;
            Some(Reason::WorthLess { bitrate, by_ms: millis(worth - self.worths.get(level)?) })
        })
    }
}

impl Default for Foresight {
    fn default() -> Self {
        Self::new()
    }
}

impl BitrateRule for Foresight {
    fn name(&self) -> &'static str {
        "foresight"
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        self.under_way.forget();
        self.before = ctx.current.and_then(|current| ctx.levels.get(current)).map(|level| level.rendition);
        let Some(outlook) = self.outlook(ctx) else {
            return Choice::new(0, Reason::NothingMeasured);
        };
        let chosen = self.ask(ctx, outlook, |prospects, moment, worths| {
            prospects.worths(moment, worths);
            best(worths)
        });
        let Some(level) = chosen else { return Choice::without_steps(ctx) };
        let reason = Reason::BestOutlook {
            bitrate: ctx.bitrate(level),
            buffer_ms: millis(seconds(ctx.buffer)),
            believed: (libm::exp(outlook.log_rate) * 1000.0) as u64,
            spread_percent: (outlook.spread() * 100.0) as u32,
        };
        let mut choice = Choice::new(level, reason);
        choice.reasons.extend(self.beside(ctx, level));
        let worth = self.worths.get(level).copied().unwrap_or_default();
        choice.less_ms = self.worths.iter().map(|other| millis(worth - other)).collect();
        choice
    }

    fn on_downloaded(&mut self, _ctx: &Context<'_>, _downloaded: &Downloaded) {
        // What came in the place of the request that was given up knows better.
        self.collapse = None;
        self.segments = self.segments.saturating_add(1);
    }

    fn again(&mut self, ctx: &Context<'_>, waiting: &[Waiting]) -> Option<Again> {
        let segment = seconds(ctx.usual_duration);
        let begun = waiting.first().filter(|_| segment > 0.0).map(|first| seconds(-first.due) / segment)?;
        let levels: Vec<usize> = waiting.iter().map(|segment| segment.level.min(ctx.top())).collect();
        let buffered = Buffered { levels: &levels, begun, sizes: &[] };
        self.before = waiting.last().and_then(|last| ctx.levels.get(last.level)).map(|level| level.rendition);
        let outlook = self.outlook(ctx).filter(|_| !ctx.starting)?;
        let turn = Turn { margin_s: IN_TIME_S * ctx.speed(), nearest_share: 0.0 };
        let Replacing { place, level } =
            self.ask(ctx, outlook, |prospects, moment, _| prospects.again(moment, &buffered, turn))??;
        let waits = waiting.get(place)?;
        let reason = Reason::BetterAgain {
            from: ctx.bitrate(waits.level),
            bitrate: ctx.bitrate(level),
            due_ms: millis(seconds(waits.due)),
        };
        Some(Again { place, level, reason })
    }

    fn should_abandon(&mut self, ctx: &Context<'_>, progress: &Progress) -> Option<Choice> {
        // What comes as its source makes it would come no faster at another level.
        let transit = Transit::of(ctx, progress).filter(|_| !progress.paced)?;
        let in_flight = transit.in_flight(progress.level);
        let believed = self.outlook(ctx)?;
        let seen = self.under_way.log_rate(&in_flight, believed.log_rate)?;
        let margin = if self.collapse.is_some() { prospects::MARGIN_AGAIN } else { prospects::MARGIN };
        let level = self.ask(ctx, Outlook { log_rate: seen.likely, ..believed }, |prospects, moment, _| {
            let instead = prospects.instead(moment, &in_flight, margin)?;
            // What is begun instead is to arrive even if the rate is what this request shows.
            let careful = Moment { outlook: Outlook { log_rate: seen.careful, ..believed }, ..*moment };
            Some(prospects.instead(&careful, &in_flight, margin).map_or(instead, |careful| careful.min(instead)))
        })??;
        let samples = ctx.estimate.map_or(0, |estimate| estimate.samples);
        self.collapse = Some(Collapse { samples, log_rate: seen.careful });
        let reason =
            Reason::RestCostsMore { rest_bits: transit.rest as u64, instead_bits: transit.size_at(ctx, level) as u64 };
        Some(Choice::new(level, reason))
    }
}
