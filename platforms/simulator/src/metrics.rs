//! What a session is worth: the vector of what happened, and three scores of it.

use serde::Serialize;

use crate::movie::Movie;
use crate::outcome::Outcome;

/// What a stall costs beside utility in the score of the rules' authors, in segments (`gamma p`).
const GP: f64 = 5.0;
/// Segment duration at which Q1 of abr.md 4.2 is the one here, in seconds.
const Q1_SEGMENT_S: f64 = 3.0;

/// What happened in a session, and its scores. Sums are over segments as played.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Media played, in seconds.
    pub content_s: f64,
    /// From the first request to the first picture, in seconds.
    pub startup_s: f64,
    /// Stall time after the start, in seconds.
    pub stall_s: f64,
    /// Stalls after the start.
    pub stalls: usize,
    /// Sum of the segments' bitrates.
    pub total_kbps: f64,
    /// Sum of the bitrate's changes between segments.
    pub total_switch_kbps: f64,
    /// Changes of level.
    pub switches: usize,
    /// Bitrate averaged over the whole time, start and stalls included, as the published tables have it.
    pub mean_kbps: f64,
    /// Change of bitrate averaged in the same way, in kbit/s a segment.
    pub mean_switch_kbps: f64,
    /// Quality from 0 to 1, averaged over segments.
    pub mean_quality: f64,
    /// Sum of the quality's changes between segments.
    pub quality_change: f64,
    /// Bits that arrived and were not played.
    pub wasted_bits: f64,
    /// Seconds by which a live session of the player was later than it aimed to be, on average; null for others.
    pub excess_latency_s: Option<f64>,
    /// `|1 - speed|` of such a session, on average.
    pub speed_change: Option<f64>,
    /// The primary score: [`q1`], and of a live session of the player [`q1_live`].
    pub q1: f64,
    /// QoE_lin of abr.md 4.3: `(sum of bitrates - sum of changes) / 1000 - highest Mbit/s · stall`.
    pub qoe_lin: f64,
    /// The time-average score of the rules' authors.
    pub sabre_score: f64,
}

impl Metrics {
    /// What a session of a movie is worth.
    pub fn of(outcome: &Outcome, movie: &Movie) -> Self {
        let ladder = movie.ladder();
        let levels = &outcome.levels;
        let kbps = |level: &usize| ladder.kbps(*level);
        let quality: Vec<f64> =
            levels.iter().enumerate().map(|(place, level)| movie.quality(outcome.first + place, *level)).collect();
        let segment_ms = movie.segment_ms();
        let content_s = levels.len() as f64 * segment_ms / 1000.0;
        let (startup_s, stall_s) = (outcome.startup_ms / 1000.0, outcome.stall_ms / 1000.0);
        let total_kbps: f64 = levels.iter().map(kbps).sum();
        let total_switch_kbps: f64 = levels.windows(2).map(|pair| (kbps(&pair[1]) - kbps(&pair[0])).abs()).sum();
        let mean_quality = quality.iter().sum::<f64>() / quality.len().max(1) as f64;
        let quality_change = quality.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
        let segments_of_time = outcome.elapsed_ms / segment_ms;
        let on_demand = q1(mean_quality, quality_change, stall_s, startup_s, content_s);
        let utility: f64 = levels.iter().map(|level| libm::log(kbps(level) / ladder.kbps(0))).sum();
        Self {
            content_s,
            startup_s,
            stall_s,
            stalls: outcome.stalls,
            total_kbps,
            total_switch_kbps,
            switches: levels.windows(2).filter(|pair| pair[0] != pair[1]).count(),
            mean_kbps: total_kbps / segments_of_time,
            mean_switch_kbps: total_switch_kbps / segments_of_time,
            mean_quality,
            quality_change,
            wasted_bits: outcome.wasted_bits,
            excess_latency_s: outcome.following.map(|following| following.excess_latency_s),
            speed_change: outcome.following.map(|following| following.speed_change),
            q1: match outcome.following {
                Some(following) => q1_live(on_demand, following.excess_latency_s, following.speed_change),
                None => on_demand,
            },
            qoe_lin: (total_kbps - total_switch_kbps) / 1000.0 - ladder.kbps(ladder.top()) / 1000.0 * stall_s,
            sabre_score: (utility - GP * outcome.stall_ms / segment_ms) / segments_of_time,
        }
    }
}

/// The primary score, in content time so that segment duration does not matter: with `T` the content played
/// and `q` in [0, 1] the quality at the playhead,
/// `mean q - (3 s / T) · (sum |dq| + T_stall + 0.5 · T_start)`.
///
/// It is that of an on-demand session. Live sessions also pay for latency and for speed ([`q1_live`]).
pub fn q1(mean_quality: f64, quality_change: f64, stall_s: f64, startup_s: f64, content_s: f64) -> f64 {
    mean_quality - Q1_SEGMENT_S / content_s * (quality_change + stall_s + 0.5 * startup_s)
}

/// The primary score of a live session: `q1` less 0.1 for each second by which it is later than its target
/// on average, and less half of the mean of `|1 - speed|`.
pub fn q1_live(q1: f64, mean_excess_latency_s: f64, mean_speed_change: f64) -> f64 {
    q1 - 0.1 * mean_excess_latency_s - 0.5 * mean_speed_change
}
