//! DYNAMIC and DYNAMIC-DASH: the network's word while the buffer is short, the buffer's afterwards.

use super::{Bola, BolaE, Decision, Fetched, Horizon, InFlight, Scene, SceneRule, Throughput};
use crate::Oscillation;

/// Buffer from which BOLA is listened to.
const ENOUGH_MS: f64 = 10_000.0;
/// Buffer below which DYNAMIC-DASH goes back.
const TOO_LITTLE_MS: f64 = 5_000.0;

/// DYNAMIC (MMSys 2018; abr.md 2.2): THROUGHPUT, and BOLA when the buffer passes ten seconds and BOLA
/// wants no less.
#[derive(Clone, Debug)]
pub struct Dynamic {
    throughput: Throughput,
    bola: Bola,
    by_buffer: bool,
}

impl Dynamic {
    /// The rule at the start of a session.
    pub fn new(oscillation: Oscillation) -> Self {
        let bola = Bola::new(Horizon::Ends, oscillation);
        Self { throughput: Throughput::default(), bola, by_buffer: false }
    }
}

impl SceneRule for Dynamic {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let bola = self.bola.choose(scene);
        let throughput = self.throughput.choose(scene);
        if self.by_buffer {
            if scene.buffer_ms < ENOUGH_MS && bola.level < throughput.level {
                self.by_buffer = false;
            }
        } else if scene.buffer_ms > ENOUGH_MS && bola.level >= throughput.level {
            self.by_buffer = true;
        }
        if self.by_buffer {
            bola
        } else {
            throughput
        }
    }

    fn on_fetched(&mut self, _scene: &Scene<'_>, fetched: &Fetched) {
        if fetched.replaces {
            self.by_buffer = false;
        }
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        self.throughput.give_up(scene, in_flight)
    }

    fn on_seek(&mut self) {
        self.throughput.on_seek();
        self.bola.on_seek();
    }
}

/// DYNAMIC as dash.js has it: THROUGHPUT, and BOLA-E from ten seconds of buffer down to five.
#[derive(Clone, Debug)]
pub struct DynamicDash {
    throughput: Throughput,
    bola: BolaE,
    by_buffer: bool,
}

impl DynamicDash {
    /// The rule at the start of a session.
    pub fn new(oscillation: Oscillation) -> Self {
        Self { throughput: Throughput::default(), bola: BolaE::new(oscillation), by_buffer: false }
    }

    fn in_charge(&mut self) -> &mut dyn SceneRule {
        if self.by_buffer {
            &mut self.bola
        } else {
            &mut self.throughput
        }
    }
}

impl SceneRule for DynamicDash {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        if self.by_buffer && scene.buffer_ms < TOO_LITTLE_MS {
            self.by_buffer = false;
        } else if !self.by_buffer && scene.buffer_ms > ENOUGH_MS {
            self.by_buffer = true;
        }
        self.in_charge().choose(scene)
    }

    fn on_full_buffer(&mut self, waited_ms: f64) {
        self.bola.on_full_buffer(waited_ms);
    }

    fn on_fetched(&mut self, scene: &Scene<'_>, fetched: &Fetched) {
        self.bola.on_fetched(scene, fetched);
    }

    fn give_up(&mut self, scene: &Scene<'_>, in_flight: &InFlight) -> Option<usize> {
        self.in_charge().give_up(scene, in_flight)
    }

    fn on_seek(&mut self) {
        self.throughput.on_seek();
        self.bola.on_seek();
    }
}
