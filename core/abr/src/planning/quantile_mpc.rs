//! RobustMPC with another prediction.

use super::beliefs::Beliefs;
use crate::published::mpc::{Plans, Terms};
use crate::published::{Decision, End, Fetched, InFlight, Scene, SceneRule, Why};

/// Segments that are planned, as RobustMPC plans.
const SEGMENTS: usize = 5;
/// How many typical errors below what is believed the rate is taken to be.
const ERRORS: f64 = 1.48;
/// By how many typical errors more with each segment further on.
const ERRORS_LATER: f64 = 0.57;
/// Price of a second of stall, in segments of three seconds at the highest level: what it costs is not to depend on how a title
/// is cut. With rates taken for so low it is paid in plans more often than in play.
const STALL: f64 = 0.42;
const SEGMENT_OF_STALL_MS: f64 = 3_000.0;

/// RobustMPC (Yin et al., SIGCOMM 2015; abr.md 2.4) with a quantile for its prediction: of all sequences of levels for the next five
/// segments the one with the greatest QoE_lin, and of it the first level, at a rate that the network has at least, so many
/// typical errors below what is believed of it, and lower yet for later segments.
///
/// RobustMPC divides the mean of the last five rates by one and the greatest error of the last five predictions: one outage is
/// remembered for five segments and forgotten then, and of a rate that rises it is as afraid as of one that falls. Here the belief is
/// the player's own ([`Outlook`](crate::Outlook)), whose typical error has the whole session in it. What a level is worth
/// is its quality where that is known. And a request is given up where that saves a stall, which MPC does not. The constants were found
/// on the even files of the 4G and 3G networks with buffers of 25 and ten seconds.
#[derive(Debug)]
pub struct QuantileMpc {
    beliefs: Beliefs,
    last: usize,
    plans: Plans,
}

impl QuantileMpc {
    /// The rule at the start of a session.
    pub fn new() -> Self {
        Self { beliefs: Beliefs::new(), last: 0, plans: Plans::default() }
    }
}

impl Default for QuantileMpc {
    fn default() -> Self {
        Self::new()
    }
}

impl SceneRule for QuantileMpc {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        self.beliefs.requested();
        let Some(outlook) = self.beliefs.outlook(scene) else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        let kbps = outlook.quantile(ERRORS);
        let slower = libm::exp(ERRORS_LATER * outlook.time_error());
        let segments = scene.ahead.map_or(SEGMENTS, |ahead| ahead.clamp(1, SEGMENTS));
        let top = scene.ladder.kbps(scene.ladder.top());
        let stall_price = STALL * top / 1000.0 * SEGMENT_OF_STALL_MS / scene.segment_ms.max(1.0);
        let terms = Terms { kbps, slower, last: self.last, segments, stall_price };
        let level = self.plans.best_first_level(scene, &terms, |level| scene.ladder.worth(level) * top);
        Decision::at_once(level, Why::Plan { segments, kbps })
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        if fetched.end == End::Complete && !fetched.replaces {
            self.last = fetched.level;
        }
        self.beliefs.fetched(scene, fetched);
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        self.beliefs.rescue(scene, in_flight)
    }

    fn on_seek(&mut self) {
        self.last = 0;
        self.beliefs.seeked();
    }
}
