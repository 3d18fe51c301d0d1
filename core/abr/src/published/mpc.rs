//! Model-predictive control: the best plan for the next segments at a predicted rate.

use std::collections::VecDeque;

use super::{Decision, End, Fetched, PublishedRule, Scene, Why};

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

impl PublishedRule for Mpc {
    fn choose(&mut self, scene: &Scene<'_>) -> Decision {
        let Some(kbps) = self.predict(scene) else {
            return Decision::at_once(0, Why::NothingKnown);
        };
        let known = match self.sizes {
            Sizes::Known => *scene,
            Sizes::Nominal => Scene { sizes: &[], ..*scene },
        };
        let segments = scene.ahead.map_or(STEPS, |ahead| ahead.clamp(1, STEPS));
        let level = self.plans.best_first_level(&known, kbps, self.last, segments);
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

/// The plans under consideration: for each level the ones that end there and might be the best.
#[derive(Clone, Debug, Default)]
struct Plans {
    ending: Vec<Vec<Plan>>,
    longer: Vec<Vec<Plan>>,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Level of its first segment.
    first: usize,
    /// Bitrates less their changes, in kbit/s.
    quality: f64,
    stall_ms: f64,
    buffer_ms: f64,
}

impl Plan {
    fn score(&self, stall_price: f64) -> f64 {
        self.quality - stall_price * self.stall_ms
    }
}

impl Plans {
    fn best_first_level(&mut self, scene: &Scene<'_>, kbps: f64, last: usize, segments: usize) -> usize {
        let ladder = scene.ladder;
        // kbit/s a millisecond: the highest bitrate in Mbit/s for each second.
        let stall_price = ladder.kbps(ladder.top()) / 1000.0;
        let none = Plan { first: 0, quality: 0.0, stall_ms: 0.0, buffer_ms: scene.buffer_ms };
        self.ending.resize(ladder.len(), Vec::new());
        self.longer.resize(ladder.len(), Vec::new());
        self.ending.iter_mut().for_each(Vec::clear);
        self.ending[last.min(ladder.top())].push(none);
        for step in 0..segments {
            for (level, longer) in self.longer.iter_mut().enumerate() {
                longer.clear();
                let takes_ms = scene.bits(step, level) / kbps;
                for (before, plans) in self.ending.iter().enumerate() {
                    let gain = ladder.kbps(level) - (ladder.kbps(level) - ladder.kbps(before)).abs();
                    for plan in plans {
                        let after = (plan.buffer_ms - takes_ms).max(0.0) + scene.segment_ms;
                        let next = Plan {
                            first: if step == 0 { level } else { plan.first },
                            quality: plan.quality + gain,
                            stall_ms: plan.stall_ms + (takes_ms - plan.buffer_ms).max(0.0),
                            buffer_ms: after.min(scene.capacity_ms),
                        };
                        keep(longer, next, stall_price);
                    }
                }
            }
            std::mem::swap(&mut self.ending, &mut self.longer);
        }
        let mut best = None;
        for plan in self.ending.iter().flatten() {
            let score = plan.score(stall_price);
            if best.is_none_or(|(most, first)| score > most || (score == most && plan.first < first)) {
                best = Some((score, plan.first));
            }
        }
        best.map_or(0, |(_, first)| first)
    }
}

/// Adds a plan unless another makes it needless, and drops those that it makes needless.
fn keep(plans: &mut Vec<Plan>, new: Plan, stall_price: f64) {
    let score = new.score(stall_price);
    let serves = |one: &Plan, other: &Plan, one_score: f64, other_score: f64| {
        one.buffer_ms >= other.buffer_ms
            && (one_score > other_score || (one_score == other_score && one.first <= other.first))
    };
    if plans.iter().any(|plan| serves(plan, &new, plan.score(stall_price), score)) {
        return;
    }
    plans.retain(|plan| !serves(&new, plan, score, plan.score(stall_price)));
    plans.push(new);
}
