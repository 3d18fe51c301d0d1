//! BBA-0: a map from the buffer to a rate.

use super::{Decision, Scene, SceneRule, Why};

/// Buffer up to which the lowest level is taken.
const RESERVOIR_MS: f64 = 5_000.0;
/// Buffer beyond the reservoir over which the rate grows to the highest.
const CUSHION_MS: f64 = 10_000.0;

/// BBA-0 (Huang et al., SIGCOMM 2014; abr.md 2.1) with the reservoir and cushion of Pensieve's peers.
/// The level stays until the map's rate passes the next one up or down. Where the buffer is too short
/// for the map, the map shrinks into it.
#[derive(Clone, Debug, Default)]
pub struct Bba {
    last: usize,
}

impl SceneRule for Bba {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let ladder = scene.ladder;
        // A request is made when its segment fits, so the buffer is one short of its capacity at best.
        let reachable = (scene.capacity_ms - scene.segment_ms).max(0.0);
        let scale = (reachable / (RESERVOIR_MS + CUSHION_MS)).min(1.0);
        let (reservoir, cushion) = (RESERVOIR_MS * scale, CUSHION_MS * scale);
        let last = self.last.min(ladder.top());
        let level = if scene.buffer_ms <= reservoir {
            0
        } else if scene.buffer_ms >= reservoir + cushion {
            ladder.top()
        } else {
            let range = ladder.kbps(ladder.top()) - ladder.kbps(0);
            let mapped = ladder.kbps(0) + range * (scene.buffer_ms - reservoir) / cushion;
            let fits = |level: &usize| ladder.kbps(*level) <= mapped;
            if last < ladder.top() && mapped >= ladder.kbps(last + 1) {
                (last + 1..=ladder.top()).rev().find(fits).unwrap_or(last)
            } else if last > 0 && mapped <= ladder.kbps(last - 1) {
                // The lowest that is still above the map.
                (0..last).find(|level| ladder.kbps(*level) >= mapped).unwrap_or(last)
            } else {
                last
            }
        };
        self.last = level;
        Decision::at_once(level, Why::Map)
    }

    fn on_seek(&mut self) {
        *self = Self::default();
    }
}
