//! The rule in the small world of the published ones, where it has to find out about the network by itself.

use super::prospects::{self, Moment, Prospects, Turn};
use crate::outlook::Outlook;
use crate::published::{Buffered, Decision, End, Fetched, InFlight, Network, Replacing, Scene, SceneRule, Why};
use crate::under_way::{Patience, UnderWay};
use crate::walk::{share, Heard, Walk};

/// Below this, in bits, a transfer says nothing.
const LEAST_BITS: f64 = 10_000.0;

/// [`Foresight`](super::Foresight) beside the [published rules](crate::published): for the simulator's faithful mode, in
/// which a rule is told of downloads, and no estimator stands beside it.
#[derive(Debug)]
pub struct ForesightAlone {
    walk: Walk,
    prospects: Prospects,
    worths: Vec<f64>,
    /// Level of the last segment.
    last: usize,
    under_way: UnderWay,
    /// The last segment is being fetched again.
    replaces_last: bool,
}

impl ForesightAlone {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        Self {
            walk: Walk::default(),
            prospects: Prospects::default(),
            worths: Vec::new(),
            last: 0,
            under_way: UnderWay::new(Patience::EVEN),
            replaces_last: false,
        }
    }

    fn outlook(&mut self, network: Network) -> Outlook {
        let Network { kbps, latency_ms } = network;
        Outlook {
            log_rate: self.walk.log_or(kbps),
            typical_error: self.walk.usual_error(),
            size_error: 0.0,
            latency_s: latency_ms / 1000.0,
        }
    }
}

/// A simulator replaces what is played a moment later; what is due so soon is left all the same: the buffer goes for it.
const TURN: Turn = Turn { margin_s: 0.0, nearest_share: 0.18 };

impl Default for ForesightAlone {
    fn default() -> Self {
        Self::new()
    }
}

impl SceneRule for ForesightAlone {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        self.under_way.forget();
        self.replaces_last = false;
        let Some(network) = scene.network else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        let outlook = self.outlook(network);
        self.prospects.worths(&Moment::of(scene, self.last, outlook), &mut self.worths);
        let why = Why::Outlook { kbps: libm::exp(outlook.log_rate), spread: outlook.spread() };
        Decision::at_once(super::best(&self.worths), why)
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        let complete = fetched.end == End::Complete;
        if complete && (!fetched.replaces || self.replaces_last) {
            self.last = fetched.level;
        }
        let latency_ms = scene.network.map_or(0.0, |network| network.latency_ms);
        let ms = (fetched.took_ms - latency_ms).max(1.0);
        if fetched.bits >= LEAST_BITS {
            let kbps = fetched.bits / ms;
            self.walk.hear(&Heard { kbps, seconds: ms / 1000.0, share: share(fetched.bits), given_up: !complete });
        }
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        let believed = self.outlook(scene.network?);
        let log_rate = self.under_way.log_rate(in_flight, believed.log_rate)?.likely;
        let moment = Moment::of(scene, self.last, Outlook { log_rate, ..believed });
        let instead = self.prospects.instead(&moment, in_flight, prospects::MARGIN)?;
        self.walk.believe(log_rate);
        Some(instead)
    }

    fn replace(&mut self, scene: &Scene<'_>, buffered: &Buffered<'_>) -> Option<Replacing> {
        let outlook = self.outlook(scene.network?);
        let again = self.prospects.again(&Moment::of(scene, self.last, outlook), buffered, TURN)?;
        self.replaces_last = again.place + 1 == buffered.levels.len();
        Some(again)
    }
}
