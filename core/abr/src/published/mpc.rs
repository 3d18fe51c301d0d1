//! Model-predictive control: the best plan for the next segments at a predicted rate.

use std::collections::VecDeque;

use super::{Decision, End, Fetched, Scene, SceneRule, Why};

/// Segments that are planned.
const STEPS: usize = 5;
/// Downloads that a prediction rests on.
const SAMPLES: usize = 5;

/// MPC and RobustMPC (Yin et al., SIGCOMM 2015; abr.md 2.4): of all sequences of levels for the next five
/// segments the one with the greatest QoE_lin, and of it the first level. The stall price is the highest
/// bitrate.
///
/// Plans that end at the same level with no less buffer and no lower score make others needless, so that
/// a decision weighs some hundred plans instead of a hundred thousand, and finds the same one.
#[derive(Clone, Debug)]
pub struct Mpc {
    prediction: Prediction,
    sizes: Sizes,
    last: usize,
    /// Rates of the last downloads in kbit/s, latency included.
    rates: VecDeque<f64>,
    /// By how much the last predictions were wrong, relative to what came.
    errors: VecDeque<f64>,
    predicted: Option<f64>,
    plans: Plans,
}

/// What rate is planned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// The harmonic mean of the last five downloads.
    HarmonicMean,
    /// That, divided by one and the greatest relative error of the last five predictions (RobustMPC).
    Robust,
}

/// What sizes are planned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Those of the segments, as far as they are known.
    Known,
    /// Those that the bitrates promise.
    Nominal,
}

impl Mpc {
    /// The rule at the start of a session.
    pub fn new(prediction: Prediction, sizes: Sizes) -> Self {
        Self {
            prediction,
            sizes,
            last: 0,
            rates: VecDeque::with_capacity(SAMPLES),
            errors: VecDeque::with_capacity(SAMPLES),
            predicted: None,
            plans: Plans::default(),
        }
    }

    /// The rate to plan with in kbit/s; None before anything is known.
    fn predict(&mut self, scene: &Scene<'_>) -> Option<f64> {
        if self.rates.is_empty() {
            // Nobody told of the first segment: what is believed of the network stands for it.
            remember(&mut self.rates, scene.network?.kbps);
        }
        let slowness: f64 = self.rates.iter().map(|rate| 1.0 / rate).sum();
        let mean = self.rates.len() as f64 / slowness;
        self.predicted = Some(mean);
        Some(match self.prediction {
            Prediction::HarmonicMean => mean,
            Prediction::Robust => mean / (1.0 + self.errors.iter().copied().fold(0.0, f64::max)),
        })
    }
}

impl SceneRule for Mpc {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let Some(kbps) = self.predict(scene) else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        let known = match self.sizes {
            Sizes::Known => *scene,
            Sizes::Nominal => Scene { sizes: &[], ..*scene },
        };
        let segments = scene.ahead.map_or(STEPS, |ahead| ahead.clamp(1, STEPS));
        let stall_price = scene.ladder.kbps(scene.ladder.top()) / 1000.0;
        let terms = Terms { kbps, slower: 1.0, last: self.last, segments, stall_price };
        let level = self.plans.best_first_level(&known, &terms, |level| scene.ladder.kbps(level));
        Decision::at_once(level, Why::Plan { segments, kbps })
    }

    fn on_fetched(&mut self, _scene: &Scene<'_>, fetched: &Fetched) {
        if fetched.end != End::Complete || fetched.took_ms <= 0.0 {
            return;
        }
        self.last = fetched.level;
        let rate = fetched.bits / fetched.took_ms;
        if let Some(predicted) = self.predicted.take() {
            remember(&mut self.errors, (predicted - rate).abs() / rate);
        }
        remember(&mut self.rates, rate);
    }

    fn on_seek(&mut self) {
        self.last = 0;
    }
}

fn remember(values: &mut VecDeque<f64>, value: f64) {
    if values.len() == SAMPLES {
        values.pop_front();
    }
    values.push_back(value);
}

/// What is planned with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The rate that is counted on.
    pub(crate) kbps: f64,
    /// How much longer each further segment is reckoned to take for its size.
    pub(crate) slower: f64,
    /// Level of the segment before.
    pub(crate) last: usize,
    /// How many are planned.
    pub(crate) segments: usize,
    /// Of a second, in Mbit/s of a segment.
    pub(crate) stall_price: f64,
}

/// The plans under consideration: for each level the ones that end there and might be the best.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plans {
    ending: Vec<Vec<Plan>>,
    longer: Vec<Vec<Plan>>,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Level of its first segment.
    first: usize,
    /// QoE_lin so far, in Mbit/s.
    score: f64,
    buffer_ms: f64,
}

impl Plans {
    /// The first level of the best plan, where a level is worth so many kbit/s; the lowest of equals. Plans of the same segments in another order are
    /// often worth the same but for rounding, so that scores are added up as in the copy that was measured.
    pub(crate) fn best_first_level(
        &mut self,
        scene: &Scene<'_>,
        terms: &Terms,
        worth_kbps: impl Fn(usize) -> f64,
    ) -> usize {
        let ladder = scene.ladder;
        let Terms { mut kbps, slower, last, segments, stall_price } = *terms;
        let none = Plan { first: 0, score: 0.0, buffer_ms: scene.buffer_ms };
        self.ending.resize(ladder.len(), Vec::new());
        self.longer.resize(ladder.len(), Vec::new());
        self.ending.iter_mut().for_each(Vec::clear);
        self.ending[last.min(ladder.top())].push(none);
        for step in 0..segments {
            for (level, longer) in self.longer.iter_mut().enumerate() {
                longer.clear();
                let rate = worth_kbps(level);
                let takes_ms = scene.bits(step, level) / kbps;
                for (before, plans) in self.ending.iter().enumerate() {
                    let change = (rate - worth_kbps(before)).abs() / 1000.0;
                    for plan in plans {
                        let stall_ms = (takes_ms - plan.buffer_ms).max(0.0);
                        let after_ms = (plan.buffer_ms - takes_ms).max(0.0) + scene.segment_ms;
                        let next = Plan {
                            first: if step == 0 { level } else { plan.first },
                            score: plan.score + rate / 1000.0 - change - stall_price * stall_ms / 1000.0,
                            buffer_ms: after_ms.min(scene.capacity_ms),
                        };
                        keep(longer, next);
                    }
                }
            }
            kbps /= slower;
            std::mem::swap(&mut self.ending, &mut self.longer);
        }
        let mut best: Option<Plan> = None;
        for plan in self.ending.iter().flatten() {
            let better = |best: Plan| plan.score > best.score || (plan.score == best.score && plan.first < best.first);
            if best.is_none_or(better) {
                best = Some(*plan);
            }
        }
        best.map_or(0, |plan| plan.first)
    }
}

/// Adds a plan unless another makes it needless, and drops those that it makes needless.
fn keep(plans: &mut Vec<Plan>, new: Plan) {
    // Scores that differ by rounding may yet become the same, and then the first level counts.
    let better = |one: &Plan, other: &Plan| {
        one.score > other.score + 1e-9 || (one.score >= other.score && one.first <= other.first)
    };
    let serves = |one: &Plan, other: &Plan| one.buffer_ms >= other.buffer_ms && better(one, other);
    if plans.iter().any(|plan| serves(plan, &new)) {
        return;
    }
    plans.retain(|plan| !serves(&new, plan));
    plans.push(new);
}
