//! Adaptive bitrate: which rendition to fetch next, and why.
//!
//! Policies, each a trait with defaults:
//!
//! - An [`Estimator`] watches transfers and says what the network does ([`DualEwma`]).
//! - A [`BitrateRule`] sees the ladder, the buffer and the estimate in a [`Context`] and answers
//!   with a [`Choice`] that carries its [`Reason`]s. [`rule_by_name`] gives one of [`RULES`];
//!   [`DEFAULT_RULE`] is [`Foresight`], which reckons ahead what each choice leads to.
//!   [`LowLatency`] is for playback within a few seconds of what is being made. The rules of others are in [`published`], as
//!   they were published; two that are after such and differ from them, [`Soda`] and [`QuantileMpc`], in [`planning`].
//! - At a live edge a [`LatencyTarget`](live::LatencyTarget) and a [`SpeedControl`](live::SpeedControl)
//!   say how late to be and at what speed to play for it; see [`live`].
//!
//! All are pure: time comes in as [`Timestamp`](telecine_model::Timestamp)s, chance not at all,
//! and what floating point decides is built from correctly rounded operations and `libm` alone, so
//! that the same calls give the same choices on every platform.
//!
//! ```
//! use telecine_abr::{rule_by_name, Context, DualEwma, Estimator, Level, TransferId, TransferSample, DEFAULT_RULE};
//! use telecine_model::{MediaTime, Timestamp};
//!
//! let level = |rendition, bitrate| Level { rendition, bitrate, height: None, score: None, next_size: None, expected_size: None, listed: true };
//! let ladder = [level(0, 300_000), level(1, 1_500_000), level(2, 6_000_000)];
//! let mut estimator = DualEwma::new();
//! let mut rule = rule_by_name(DEFAULT_RULE).unwrap();
//! let mut ctx = Context {
//!     now: Timestamp::ZERO,
//!     levels: &ladder,
//!     current: None,
//!     buffer: MediaTime::ZERO,
//!     buffer_goal: MediaTime::from_secs(30),
//!     segment_duration: MediaTime::from_secs(4),
//!     usual_duration: MediaTime::from_secs(4),
//!     estimate: estimator.estimate(),
//!     rate_milli: 1000,
//!     starting: true,
//!     live: false,
//!     remaining: None,
//!     lead_in: MediaTime::ZERO,
//!     aside: 0,
//! };
//! assert_eq!(rule.choose(&ctx).level, 0, "nothing is known yet");
//!
//! // One megabyte came in two seconds, 100 ms after it was asked for.
//! estimator.on_transfer(&TransferSample {
//!     id: TransferId(1),
//!     bytes: 1_000_000,
//!     started: Timestamp::ZERO,
//!     first_byte: Timestamp::from_millis(100),
//!     finished: Timestamp::from_millis(2100),
//!     flags: Default::default(),
//! });
//! ctx.estimate = estimator.estimate();
//! (ctx.starting, ctx.current, ctx.buffer) = (false, Some(0), MediaTime::from_secs(12));
//! let choice = rule.choose(&ctx);
//! assert_eq!(choice.level, 1);
//! assert_eq!(
//!     choice.reasons[0].to_string(),
//!     "1500 kbit/s serves 12.0 s of buffer best at 3999 kbit/s give or take 46 %"
//! );
//! ```
//!
//! # What comes as it is made
//!
//! A segment that is still being made arrives at its encoder's pace, and a part at the live edge is
//! over before TCP has got going. Neither tells the link's rate by its size and duration. Tell the
//! estimator of such a transfer with [`Estimator::on_paced`], then each read with
//! [`Estimator::on_progress`], and the end of each chunk with [`Estimator::on_chunk`]: it measures
//! how bytes follow each other within the bursts, over as many parts as it takes, during the
//! transfer. Here chunks of 100 kB come every 400 ms over a link of 10 Mbit/s:
//!
//! ```
//! use telecine_abr::{DualEwma, Estimator, TransferId};
//! use telecine_model::Timestamp;
//!
//! let mut estimator = DualEwma::new();
//! let segment = TransferId(1);
//! estimator.on_paced(segment);
//! let mut bytes = 0;
//! for chunk in 0..10 {
//!     for read in 0..20 {
//!         bytes += 5_000;
//!         estimator.on_progress(segment, bytes, Timestamp::from_millis(chunk * 400 + read * 4));
//!     }
//!     estimator.on_chunk(segment, bytes);
//! }
//! assert_eq!(estimator.estimate().unwrap().bits_per_second, 10_000_000, "and not two");
//! ```

#![forbid(unsafe_code)]

mod belief;
mod bola;
mod bursts;
mod candidate;
mod estimate;
mod ewma;
mod fit;
mod foresight;
mod hosts;
mod link;
pub mod live;
mod low_latency;
mod lowest;
mod memory;
mod outlook;
pub mod planning;
pub mod published;
mod reason;
mod recent;
mod rule;
mod rungs;
mod throughput;
mod transit;
mod under_way;
mod walk;

use crate::published::{Bba, Dynamic, DynamicDash, Horizon, Mpc, Playable, Prediction, Sizes};

pub use bola::{BolaE, Oscillation};
pub use candidate::{in_one_line, Candidate, Standing};
pub use estimate::{Answer, Change, Estimate, Estimator, Forecast, Recent, TransferFlags, TransferId, TransferSample};
pub use ewma::DualEwma;
pub use foresight::{Foresight, ForesightAlone};
pub use low_latency::LowLatency;
pub use lowest::Lowest;
pub use memory::{Remembered, ThroughputMemory};
pub use outlook::Outlook;
pub use planning::{QuantileMpc, Soda};
pub use reason::{Cap, Reason};
pub use rule::{Again, BitrateRule, Choice, Context, Downloaded, Level, Progress, Waiting};
pub use throughput::Throughput;

/// Names that [`rule_by_name`] knows, the default first. Without the feature `published-rules` there are four.
pub const RULES: &[&str] = match cfg!(feature = "published-rules") {
    true => &[
        DEFAULT_RULE,
        "bola-e-damped",
        "bola-e",
        "bola-e-ao",
        "bola",
        "bola-ao",
        "dynamic",
        "dynamic-ao",
        "dynamic-dash",
        "bba",
        "mpc",
        "robust-mpc",
        "quantile-mpc",
        "soda",
        "throughput",
        "low-latency",
        "lowest",
    ],
    false => &[DEFAULT_RULE, "throughput", "low-latency", "lowest"],
};

/// The rule that plays unless another is asked for: [`Foresight`].
pub const DEFAULT_RULE: &str = "foresight";

/// A rule by its name, at the start of a session; None for a name that is not in [`RULES`].
pub fn rule_by_name(name: &str) -> Option<Box<dyn BitrateRule>> {
    Some(match name {
        DEFAULT_RULE => Box::new(Foresight::new()),
        "throughput" => Box::new(Throughput::new()),
        "low-latency" => Box::new(LowLatency::new()),
        "lowest" => Box::new(Lowest),
        _ if cfg!(feature = "published-rules") => return published_rule(name),
        _ => return None,
    })
}

/// The rules of others and those that are after them: for comparisons, and for who wants one of them.
fn published_rule(name: &str) -> Option<Box<dyn BitrateRule>> {
    Some(match name {
        "bola-e-damped" => Box::new(BolaE::new(Oscillation::Damped)),
        "bola-e" => Box::new(BolaE::new(Oscillation::Allowed)),
        "bola-e-ao" => Box::new(BolaE::new(Oscillation::Minimised)),
        "bola" => Box::new(Playable::new("bola", published::Bola::new(Horizon::Ends, Oscillation::Allowed))),
        "bola-ao" => Box::new(Playable::new("bola-ao", published::Bola::new(Horizon::Ends, Oscillation::Minimised))),
        "dynamic" => Box::new(Playable::new("dynamic", Dynamic::new(Oscillation::Allowed))),
        "dynamic-ao" => Box::new(Playable::new("dynamic-ao", Dynamic::new(Oscillation::Minimised))),
        "dynamic-dash" => Box::new(Playable::new("dynamic-dash", DynamicDash::new(Oscillation::Allowed))),
        "bba" => Box::new(Playable::new("bba", Bba::default())),
        "mpc" => Box::new(Playable::new("mpc", Mpc::new(Prediction::HarmonicMean, Sizes::Known))),
        "robust-mpc" => Box::new(Playable::new("robust-mpc", Mpc::new(Prediction::Robust, Sizes::Known))),
        "quantile-mpc" => Box::new(Playable::new("quantile-mpc", QuantileMpc::new())),
        "soda" => Box::new(Playable::new("soda", Soda::new())),
        _ => return None,
    })
}
