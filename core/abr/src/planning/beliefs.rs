//! What a planning rule believes of the network, and when it gives a request up for it.

use crate::outlook::Outlook;
use crate::published::{End, Fetched, InFlight, Scene};
use crate::under_way::{Patience, UnderWay};
use crate::walk::{share, Heard, Walk};

/// Below this, in bits, a transfer says nothing.
const LEAST_BITS: f64 = 10_000.0;
/// To begin a smaller segment anew has to save a stall of so many seconds.
const LEAST_SAVED_S: f64 = 0.25;

/// Beliefs in either world: the estimator's where there is one, else those of a walk of the rule's own.
#[derive(Debug)]
pub(super) struct Beliefs {
    walk: Walk,
    under_way: UnderWay,
    /// The rate that was seen when the request for this segment was given up, which averages know too late.
    collapsed: Option<f64>,
}

impl Beliefs {
    /// Those at the start of a session.
    pub(super) fn new() -> Self {
        Self { walk: Walk::default(), under_way: UnderWay::new(Patience::REAL), collapsed: None }
    }

    /// What is believed; None before anything is known.
    pub(super) fn outlook(&mut self, scene: &Scene<'_>) -> Option<Outlook> {
        let network = scene.network?;
        let outlook = scene.outlook.unwrap_or_else(|| Outlook {
            log_rate: self.walk.log_or(network.kbps),
            typical_error: self.walk.usual_error(),
            size_error: 0.0,
            latency_s: network.latency_ms / 1000.0,
        });
        let log_rate = self.collapsed.map_or(outlook.log_rate, |seen| seen.min(outlook.log_rate));
        Some(Outlook { log_rate, ..outlook })
    }

    /// Another request is made.
    pub(super) fn requested(&mut self) {
        self.under_way.forget();
    }

    /// A download ended.
    pub(super) fn fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        let complete = fetched.end == End::Complete;
        if complete {
            self.collapsed = None;
        }
        let latency_ms = scene.network.map_or(0.0, |network| network.latency_ms);
        let ms = (fetched.took_ms - latency_ms).max(1.0);
        if fetched.bits >= LEAST_BITS {
            let kbps = fetched.bits / ms;
            self.walk.hear(&Heard { kbps, seconds: ms / 1000.0, share: share(fetched.bits), given_up: !complete });
        }
    }

    /// The level to give the request under way up for, if any: once a segment, where the rest of it comes later than the
    /// buffer lasts and something smaller, begun anew, saves most of that. The highest that comes in time; the lowest if
    /// none does (abr.md 3, D).
    pub(super) fn rescue(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        let believed = self.outlook(scene)?;
        let seen = self.under_way.log_rate(in_flight, believed.log_rate)?;
        if self.collapsed.is_some() {
            return None;
        }
        let buffer_s = scene.buffer_ms / 1000.0;
        let (likely, careful) = (libm::exp(seen.likely), libm::exp(seen.careful));
        let stall_s = |takes_s: f64| (takes_s - buffer_s).max(0.0);
        let goes_on_s = stall_s(in_flight.rest() / likely / 1000.0);
        let anew_s = |level: usize, kbps: f64| {
            stall_s(believed.latency_s + in_flight.size_at(level, scene.ladder) / kbps / 1000.0)
        };
        let in_time = (0..in_flight.level).rev().find(|level| anew_s(*level, careful) <= 0.0);
        let instead = in_time.unwrap_or(0);
        if goes_on_s - anew_s(instead, likely) < LEAST_SAVED_S {
            return None;
        }
        self.collapsed = Some(seen.careful);
        self.walk.believe(seen.likely);
        Some(instead)
    }

    /// The playhead was moved out of the buffer: the network is the same.
    pub(super) fn seeked(&mut self) {
        self.under_way.forget();
        self.collapsed = None;
    }
}
