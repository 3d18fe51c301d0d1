//! The low-latency profiles of the MMSys'20 grand challenge (abr.md 8.3).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::sabre::json;
use super::{at_most, Problem, ReadError, MOST_PERIODS};
use crate::link::{Link, Period};
use crate::movie::{Movie, NoMovie};

/// From a request to its first bit where nobody says it, in milliseconds: profiles tell rates alone.
pub const PROFILE_LATENCY_MS: f64 = 20.0;

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

/// What is played over profiles: five minutes in half seconds by the ladder of the challenge (200, 600 and 1000 kbit/s), each as
/// large as its bitrate says. Its own segments were not published.
///
/// # Errors
/// None in fact: the numbers are given here.
pub fn title() -> Result<Movie, NoMovie> {
    let kbps = [200.0, 600.0, 1_000.0];
    Movie::new(500.0, &kbps, &vec![kbps.map(|kbps| kbps * 500.0).to_vec(); 600])
}
