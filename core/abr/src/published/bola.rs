//! BOLA of the paper: BASIC for an endless title, FINITE for one with two ends.

use super::{Decision, InFlight, Ladder, Scene, SceneRule, Why};
use crate::Oscillation;

/// What avoiding a stall is worth beside utility, in segments of the lowest level (`gamma p`).
const GP: f64 = 5.0;

/// BOLA (Spiteri, Urgaonkar, Sitaraman: INFOCOM 2016; abr.md 2.2): the longer the buffer, the higher the
/// level, along thresholds that follow from the ladder and the buffer's capacity.
#[derive(Clone, Debug)]
pub struct Bola {
    horizon: Horizon,
    oscillation: Oscillation,
    last: usize,
    worth: Option<Worth>,
}

/// How far BOLA looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// The title is endless, and the whole buffer is always worth filling; no request is given up
    /// (BOLA-BASIC).
    Endless,
    /// Near both ends of the title the buffer is worth less (BOLA-FINITE).
    Ends,
}

impl Bola {
    /// The rule at the start of a session.
    pub fn new(horizon: Horizon, oscillation: Oscillation) -> Self {
        Self { horizon, oscillation, last: 0, worth: None }
    }

    fn worth_now(&self, scene: &Scene<'_>) -> Worth {
        let capacity = match self.horizon {
            Horizon::Endless => scene.capacity_ms,
            Horizon::Ends => {
                let nearest = scene.ahead.map_or(scene.behind, |ahead| scene.behind.min(ahead));
                scene.capacity_ms.min((nearest as f64 / 2.0).max(3.0) * scene.segment_ms)
            }
        };
        let offset = -scene.ladder.log(0);
        let vp = (capacity - scene.segment_ms) / (scene.ladder.log(scene.ladder.top()) + offset + GP);
        Worth { vp, gp: GP, offset }
    }
}

impl SceneRule for Bola {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let worth = self.worth_now(scene);
        self.worth = Some(worth);
        let wanted = worth.best_level(scene.ladder, scene.buffer_ms);
        let mut decision = Decision::at_once(wanted, Why::Buffer { placeholder_ms: 0.0 });
        let sustained = scene.network.map_or(0, |network| network.highest_level(scene));
        if wanted > self.last && wanted > sustained {
            if self.last > sustained {
                decision.level = self.last;
            } else if self.oscillation == Oscillation::Minimised {
                decision.level = sustained;
                // Wait until the buffer is no longer than the level is worth.
                decision.wait_ms = (scene.buffer_ms - worth.most_buffer(scene.ladder, sustained)).max(0.0);
            } else {
                decision.level = sustained + 1;
            }
        }
        if decision.level < wanted {
            decision.why = Why::Unsustained { wanted };
        }
        self.last = decision.level;
        decision
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        let worth = self.worth.filter(|_| self.horizon == Horizon::Ends)?;
        if in_flight.received <= 0.0 || in_flight.rest() <= 0.0 {
            return None;
        }
        let current = worth.score(scene.ladder, in_flight.level, scene.buffer_ms, in_flight.rest());
        if current < 0.0 {
            return None;
        }
        let instead = worth.better_instead(scene, in_flight, scene.buffer_ms, in_flight.rest())?;
        self.last = instead;
        Some(instead)
    }

    fn on_seek(&mut self) {
        *self = Self::new(self.horizon, self.oscillation);
    }
}

/// BOLA's weighing: level `m` is worth `(Vp·(u_m + gp) - Q) / S_m` at a buffer of `Q`, where
/// `u_m = ln(r_m) + offset`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// In milliseconds.
    pub(super) vp: f64,
    pub(super) gp: f64,
    pub(super) offset: f64,
}

impl Worth {
    fn utility(&self, ladder: &Ladder, level: usize) -> f64 {
        ladder.log(level) + self.offset
    }

    /// What so many bits of a level are worth.
    fn score(&self, ladder: &Ladder, level: usize, buffer_ms: f64, bits: f64) -> f64 {
        (self.vp * (self.gp + self.utility(ladder, level)) - buffer_ms) / bits
    }

    /// The level that is worth most; the lower of equals.
    pub(super) fn best_level(&self, ladder: &Ladder, buffer_ms: f64) -> usize {
        let score = |level| self.score(ladder, level, buffer_ms, ladder.kbps(level));
        let (level, _) = (1..ladder.len()).fold((0, score(0)), |best, level| {
            let score = score(level);
            if score > best.1 {
                (level, score)
            } else {
                best
            }
        });
        level
    }

    /// From this buffer on the level is worth more than every one below it.
    pub(super) fn least_buffer(&self, ladder: &Ladder, level: usize) -> f64 {
        let (rate, utility) = (ladder.kbps(level), self.utility(ladder, level));
        let lower = (0..level).map(|below| (ladder.kbps(below), self.utility(ladder, below)));
        lower
            .filter(|(_, worth)| *worth < utility)
            .map(|(below, worth)| self.vp * (self.gp + (rate * worth - below * utility) / (rate - below)))
            .fold(0.0, f64::max)
    }

    /// Beyond this buffer the level is worth nothing.
    pub(super) fn most_buffer(&self, ladder: &Ladder, level: usize) -> f64 {
        self.vp * (self.gp + self.utility(ladder, level))
    }

    /// The lower level that is worth more for all its bits than the one under way for the `rest` of its
    /// own. Not for more bits than those: a long buffer makes few bits look worse than many.
    pub(super) fn better_instead(
        &self,
        scene: &Scene<'_>,
        in_flight: &InFlight,
        buffer_ms: f64,
        rest: f64,
    ) -> Option<usize> {
        let mut best = self.score(scene.ladder, in_flight.level, buffer_ms, rest);
        let mut instead = None;
        for level in 0..in_flight.level {
            let bits = in_flight.size_at(level, scene.ladder);
            let score = self.score(scene.ladder, level, buffer_ms, bits);
            if bits < rest && score > best {
                best = score;
                instead = Some(level);
            }
        }
        instead
    }
}
