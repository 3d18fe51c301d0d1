//! The low-latency profiles of the MMSys'20 grand challenge (abr.md 8.3).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::sabre::json;
use super::{at_most, Problem, ReadError, MOST_PERIODS};
use crate::link::{Link, Period};

const FORMAT: &str = "set of low-latency profiles";

#[derive(Deserialize)]
struct Step {
    /// In kbit/s.
    speed: f64,
    /// In seconds.
    duration: f64,
}

/// Profiles by name, in the order of their names. They have no latency of their own, so it is given.
pub fn networks(text: &str, latency_ms: f64) -> Result<Vec<(String, Link)>, ReadError> {
    let profiles: BTreeMap<String, Vec<Step>> = json(FORMAT, text)?;
    let network = |steps: Vec<Step>| {
        at_most(FORMAT, "steps", &steps, MOST_PERIODS)?;
        let period = |step: &Step| Period { ms: step.duration * 1000.0, kbps: step.speed, latency_ms };
        Link::new(steps.iter().map(period).collect())
            .map_err(|unusable| ReadError { format: FORMAT, problem: Problem::Network(unusable) })
    };
    profiles.into_iter().map(|(name, steps)| Ok((name, network(steps)?))).collect()
}
