//! Bitrate rules over network traces: what a rule makes of a network, what could have been made of it,
//! and how sure the difference is.
//!
//! A [`Movie`] is a table of sizes, a [`Link`] a list of rates that repeats. [`faithful`] plays one over
//! the other as the simulator does with which the rules were published.

#![forbid(unsafe_code)]

mod batch;
mod comparison;
pub mod faithful;
mod figures;
mod link;
mod metrics;
mod movie;
mod objective;
pub mod optimum;
mod outcome;
pub mod read;
mod statistics;

pub use batch::for_each_index;
pub use comparison::{compare, Comparison, Enclosure, Run, Scores, Summary, Trace};
pub use figures::Figure;
pub use link::{Cursor, Link, Period, Unusable};
pub use metrics::{q1, q1_live, Metrics};
pub use movie::{Movie, NoMovie};
pub use objective::Score;
pub use outcome::{Outcome, Request};
pub use statistics::{normalised, Interval};
