//! Telecine's own rule: what each choice leads to, reckoned ahead.
//!
//! The published rules look at the buffer (BOLA), at the rate (THROUGHPUT), or at both for a few segments along a rate that
//! is taken for certain (MPC). Here the rate is a walk by chance whose spread is learnt from how wrong the last beliefs were,
//! and a ladder's states (what the buffer holds, which level was last, what the rate is) have a worth that is solved once,
//! backwards over some segments, from what viewers are served: bitrate, few changes, and no stall. A decision then is one step:
//! of all levels the one whose segment leads to the greatest expected worth, with its real size. A request is given up by the
//! same worth: if to begin a smaller segment anew is worth more than to wait for the rest.
//!
//! The terms are those of QoE_lin (abr.md 4.3): a second of stall costs as much as three seconds of the highest level are
//! worth.

mod outlook;
mod values;

use std::collections::VecDeque;

use self::outlook::{Outlook, SPREADS};
use self::values::{Terms, Values};
use crate::published::{Decision, End, Fetched, InFlight, Network, PublishedRule, Scene, Why};

/// A request is not given up in its first milliseconds.
const GRACE_MS: f64 = 50.0;
/// The rate of a request under way is that of its last milliseconds...
const WINDOW_MS: f64 = 2_150.0;
/// ... against what was believed before, which counts for so many.
const BELIEF_MS: f64 = 480.0;
/// To give up has to be worth so much more, in seconds of stall: what came so far was paid for.
const MARGIN: f64 = 0.17;

/// The rule of Telecine; see the module's documentation.
#[derive(Debug, Default)]
pub struct Foresight {
    outlook: Outlook,
    tables: Option<Tables>,
    /// Level of the last segment.
    last: usize,
    /// What had arrived of the request under way, at times; the first is as old as the window, if there is one.
    arrived: VecDeque<(f64, f64)>,
}

/// The worth of a title's states, for each spread that was met.
#[derive(Debug)]
struct Tables {
    terms: Terms,
    of: [Option<Values>; SPREADS.len()],
}

/// What may be downloaded next.
struct Candidate {
    level: usize,
    bits: f64,
    latency_s: f64,
}

/// One moment, from which candidates are compared.
struct Moment<'a> {
    terms: &'a Terms,
    values: &'a Values,
    last: usize,
    buffer_s: f64,
    log_rate: f64,
}

impl Moment<'_> {
    /// What it leads to if that is downloaded now.
    fn worth(&self, next: &Candidate) -> f64 {
        let Candidate { level, bits, latency_s } = *next;
        let after = self.values.after(self.terms, self.buffer_s, self.log_rate, level, bits / 1000.0, latency_s);
        self.terms.segment(level) - self.terms.change(self.last, level) + after
    }
}

impl Foresight {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scene with the worth of its states, which is solved when it is met for the first time.
    fn moment(&mut self, scene: &Scene<'_>, log_rate: f64) -> Option<Moment<'_>> {
        let known = self.tables.take().filter(|tables| tables.terms.are_of(scene));
        let Tables { terms, of } =
            self.tables.insert(known.unwrap_or_else(|| Tables { terms: Terms::of(scene), of: Default::default() }));
        let class = self.outlook.spread();
        let spread = *SPREADS.get(class)?;
        let values = of.get_mut(class)?.get_or_insert_with(|| Values::solve(terms, spread));
        let last = self.last.min(scene.ladder.top());
        Some(Moment { terms, values, last, buffer_s: scene.buffer_ms / 1000.0, log_rate })
    }

    /// The rate of a request under way, as a logarithm; between what it shows and what was believed.
    fn rate_under_way(&mut self, in_flight: &InFlight, believed: f64) -> f64 {
        let now = in_flight.elapsed_ms;
        self.arrived.push_back((now, in_flight.received));
        while self.arrived.get(1).is_some_and(|(at, _)| now - at >= WINDOW_MS) {
            self.arrived.pop_front();
        }
        let since = self.arrived.front().copied().filter(|(at, _)| now - at >= WINDOW_MS);
        let (at, bits) = since.unwrap_or((in_flight.latency_ms, 0.0));
        let shown = libm::log(((in_flight.received - bits) / (now - at).max(1.0)).max(1.0));
        let seen_ms = (now - in_flight.latency_ms).clamp(1.0, WINDOW_MS);
        believed + (shown - believed) * seen_ms / (seen_ms + BELIEF_MS)
    }
}

impl PublishedRule for Foresight {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        self.arrived.clear();
        let Some(Network { kbps, latency_ms }) = scene.network else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        let log_rate = self.outlook.log_or(kbps);
        let mut best = (0, f64::MIN);
        if let Some(moment) = self.moment(scene, log_rate) {
            for level in 0..scene.ladder.len() {
                let bits = scene.bits(0, level);
                let worth = moment.worth(&Candidate { level, bits, latency_s: latency_ms / 1000.0 });
                if worth > best.1 {
                    best = (level, worth);
                }
            }
        }
        let spread = SPREADS[self.outlook.spread()];
        Decision::at_once(best.0, Why::Outlook { kbps: libm::exp(log_rate), spread })
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        let complete = fetched.end == End::Complete;
        if complete && !fetched.replaces {
            self.last = fetched.level;
        }
        let latency_ms = scene.network.map_or(0.0, |network| network.latency_ms);
        self.outlook.learn(fetched.bits, fetched.took_ms - latency_ms, complete);
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        let Network { kbps, latency_ms } = scene.network?;
        let believed = self.outlook.log_or(kbps);
        let log_rate = self.rate_under_way(in_flight, believed);
        if in_flight.level == 0 || in_flight.elapsed_ms < GRACE_MS {
            return None;
        }
        let rest = in_flight.size - in_flight.received;
        let moment = self.moment(scene, log_rate)?;
        let goes_on = moment.worth(&Candidate { level: in_flight.level, bits: rest, latency_s: 0.0 });
        let mut best = (None, goes_on + MARGIN);
        for level in 0..in_flight.level {
            let bits = scene.bits(0, level);
            // What is no smaller than the rest saves nothing.
            if bits >= rest {
                break;
            }
            let worth = moment.worth(&Candidate { level, bits, latency_s: latency_ms / 1000.0 });
            if worth > best.1 {
                best = (Some(level), worth);
            }
        }
        if best.0.is_some() {
            self.outlook.believe(log_rate);
        }
        best.0
    }
}
