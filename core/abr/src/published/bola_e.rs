//! BOLA-E: BOLA with what practice added.

use super::bola::Worth;
use super::throughput::ShortBufferGuard;
use super::{Decision, End, Fetched, InFlight, Scene, SceneRule, Why};
use crate::Oscillation;

/// Buffer at which the lowest level is left behind.
const LEAST_BUFFER_MS: f64 = 10_000.0;
/// Buffer that each level of the ladder adds to the range of decisions.
const BUFFER_PER_LEVEL_MS: f64 = 2_000.0;
/// `gp` of BOLA-PL: that of BOLA, of which utilities that begin at one instead of zero are a part.
const GP_WITHOUT_GUARD: f64 = 4.0;

/// BOLA-E (Spiteri, Sitaraman, Sparacio: From Theory to Practice, MMSys 2018; abr.md 2.2), and BOLA-PL
/// where nothing guards a short buffer.
#[derive(Clone, Debug)]
pub struct BolaE {
    oscillation: Oscillation,
    guard: Option<ShortBufferGuard>,
    started: bool,
    /// Virtual buffer, which stands for trust in the network.
    placeholder_ms: f64,
    last: usize,
}

impl BolaE {
    /// BOLA-E at the start of a session.
    pub fn new(oscillation: Oscillation) -> Self {
        Self { guard: Some(ShortBufferGuard::default()), ..Self::without_guard(oscillation) }
    }

    /// BOLA-PL at the start of a session: the placeholder alone.
    pub fn without_guard(oscillation: Oscillation) -> Self {
        Self { oscillation, guard: None, started: false, placeholder_ms: 0.0, last: 0 }
    }

    fn worth(&self, scene: &Scene<'_>) -> Worth {
        let ladder = scene.ladder;
        let offset = 1.0 - ladder.log(0);
        let top = ladder.log(ladder.top()) + offset;
        if self.guard.is_none() {
            let gp = GP_WITHOUT_GUARD;
            return Worth { vp: (scene.capacity_ms - scene.segment_ms) / (top + gp), gp, offset };
        }
        let range = (LEAST_BUFFER_MS + BUFFER_PER_LEVEL_MS * ladder.len() as f64).max(scene.capacity_ms);
        let gp = (top - 1.0) / (range / LEAST_BUFFER_MS - 1.0);
        Worth { vp: LEAST_BUFFER_MS / gp, gp, offset }
    }

    /// The first choice: the network's, with the placeholder that makes BOLA agree with it.
    fn start(&mut self, scene: &Scene<'_>, worth: &Worth) -> Decision {
        let Some(network) = scene.network else {
            return Decision::at_once(self.last, Why::NothingKnown);
        };
        self.started = true;
        if let Some(guard) = &mut self.guard {
            *guard = ShortBufferGuard::default();
        }
        let level = network.highest_level(scene);
        self.placeholder_ms = (worth.least_buffer(scene.ladder, level) - scene.buffer_ms).max(0.0);
        Decision::at_once(level, Why::Start)
    }
}

impl SceneRule for BolaE {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let worth = self.worth(scene);
        let Some(network) = scene.network.filter(|_| self.started) else {
            return self.start(scene, &worth);
        };
        let placeholder_ms = self.placeholder_ms;
        let wanted = worth.best_level(scene.ladder, scene.buffer_ms + placeholder_ms);
        let sustained = network.highest_level(scene);
        let mut decision = Decision::at_once(wanted, Why::Buffer { placeholder_ms });
        if wanted > self.last && wanted > sustained {
            decision.level = self.last.max(sustained) + usize::from(self.oscillation != Oscillation::Minimised);
            if decision.level < wanted {
                decision.why = Why::Unsustained { wanted };
            }
        }
        // What is above the level's last threshold is of no use to it: first the virtual part goes, then
        // the real one waits.
        let excess = scene.buffer_ms + placeholder_ms - worth.most_buffer(scene.ladder, decision.level);
        if excess > 0.0 {
            if excess <= placeholder_ms {
                self.placeholder_ms -= excess;
            } else {
                decision.wait_ms = excess - placeholder_ms;
                self.placeholder_ms = 0.0;
            }
        }
        if decision.level >= scene.ladder.top() {
            decision.wait_ms = 0.0;
        }
        if let Some(limited) = self.guard.as_mut().and_then(|guard| guard.limit(scene, network, decision.level)) {
            decision = limited;
            let missing = worth.least_buffer(scene.ladder, decision.level) - scene.buffer_ms;
            self.placeholder_ms = missing.max(0.0).min(self.placeholder_ms);
        }
        decision
    }

    fn on_full_buffer(&mut self, waited_ms: f64) {
        self.placeholder_ms += waited_ms;
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        self.last = fetched.level;
        let worth = self.worth(scene);
        match fetched.end {
            End::Complete if fetched.replaces => self.placeholder_ms += scene.segment_ms,
            End::Complete => {
                let buffer_was = scene.buffer_ms + fetched.took_ms;
                let most = (worth.most_buffer(scene.ladder, fetched.level) - buffer_was).max(0.0);
                self.placeholder_ms = self.placeholder_ms.min(most);
                // Where another rule took the decision the placeholder makes up for it; not while the
                // buffer is empty, which is the network's word.
                if scene.buffer_ms > 0.0 {
                    let least = worth.least_buffer(scene.ladder, fetched.level) - buffer_was;
                    self.placeholder_ms = self.placeholder_ms.max(least);
                }
            }
            End::GivenUp(instead) if !fetched.replaces => {
                let wanted = match instead {
                    None | Some(0) => LEAST_BUFFER_MS,
                    Some(level) => worth.least_buffer(scene.ladder, level),
                };
                self.placeholder_ms = self.placeholder_ms.min((wanted - scene.buffer_ms).max(0.0));
            }
            End::GivenUp(_) => {}
        }
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        if in_flight.received <= 0.0 || in_flight.rest() <= 0.0 {
            return None;
        }
        // Another request costs another latency, in which this one would go on.
        let buffer_ms = (scene.buffer_ms + self.placeholder_ms - in_flight.latency_ms).max(0.0);
        let kbps = in_flight.received / (in_flight.elapsed_ms - in_flight.latency_ms);
        let rest = in_flight.rest() - in_flight.latency_ms * kbps;
        if rest <= 0.0 {
            return None;
        }
        self.worth(scene).better_instead(scene, in_flight, buffer_ms, rest)
    }

    fn on_seek(&mut self) {
        self.started = false;
    }
}
