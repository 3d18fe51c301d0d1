//! Quality-of-experience accounting.
//!
//! [`Qoe`] partitions a session's time into states: exactly one is active at any instant, so the
//! durations add up to the session's. What counts as startup, as a stall and as a seek follows from
//! the partition, not from separate stopwatches.
//!
//! ```
//! use std::time::Duration;
//! use telecine_model::Timestamp;
//! use telecine_telemetry::{Qoe, QoeState};
//!
//! let at = Timestamp::from_millis;
//! let mut qoe = Qoe::new(at(0));
//! qoe.transition(QoeState::Joining, at(100));
//! qoe.transition(QoeState::Playing, at(700));
//! qoe.transition(QoeState::Rebuffering, at(5_700));
//! qoe.transition(QoeState::Playing, at(6_200));
//! let summary = qoe.summary(at(11_200));
//! assert_eq!(summary.startup, Some(Duration::from_millis(600)));
//! assert_eq!((summary.stalls, summary.stalled), (1, Duration::from_millis(500)));
//! assert_eq!(summary.played, Duration::from_secs(10));
//! ```

#![forbid(unsafe_code)]

mod latency;
mod qoe;
mod quality;

pub use latency::LatencySummary;
pub use qoe::{Qoe, QoeState, QoeSummary};
pub use quality::Quality;
