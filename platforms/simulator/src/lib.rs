//! Bitrate rules over network traces: what a rule makes of a network, what could have been made of it,
//! and how sure the difference is.
//!
//! A [`Movie`] is a table of sizes, a [`Link`] a list of rates that repeats; [`read`] has the formats in
//! which both are published. [`faithful`] plays the one over the other as the simulator does with which the
//! rules were published, [`player`] by the real engine, and [`Metrics`] says what came of it, by all three scores.
//! [`optimum`] finds what could have been reached. [`compare`] does all that for many rules and networks, on all cores.
//!
//! ```
//! use telecine_simulator::faithful::{play, rule, Setup};
//! use telecine_simulator::{Link, Metrics, Movie, Period};
//!
//! // Twenty segments of 4 s at 1 and 3 Mbit/s, over 2 Mbit/s with an outage of two seconds each half minute.
//! let movie = Movie::new(4_000.0, &[1_000.0, 3_000.0], &vec![vec![4e6, 12e6]; 20]).unwrap();
//! let period = |ms, kbps| Period { ms, kbps, latency_ms: 50.0 };
//! let link = Link::new(vec![period(28_000.0, 2_000.0), period(2_000.0, 0.0)]).unwrap();
//!
//! let throughput = rule("THROUGHPUT").unwrap();
//! let outcome = play(throughput.rule().as_mut(), &movie, &link, &Setup::with_buffer(25.0));
//! let metrics = Metrics::of(&outcome, &movie);
//! assert_eq!(metrics.stall_s, 0.0);
//! assert_eq!(metrics.total_kbps, 20.0 * 1_000.0, "3 Mbit/s do not fit");
//! ```
//!
//! Everything but [`compare`]'s figure of speed is deterministic, and free of the machine's mathematics:
//! what is not correctly rounded everywhere comes from `libm`.

#![forbid(unsafe_code)]

mod batch;
mod comparison;
mod course;
pub mod faithful;
mod figures;
mod limits;
mod link;
mod metrics;
mod movie;
mod objective;
pub mod optimum;
mod outcome;
pub mod player;
pub mod read;
mod statistics;

pub use batch::{for_each_index, for_each_index_on};
pub use comparison::{compare, Comparison, Contest, Enclosure, NoRun, Nothing, Phase, Run, Scores, Summary, Trace};
pub use course::Moment;
pub use figures::Figure;
pub use limits::Limits;
pub use link::{Cursor, Link, Period, Unusable};
pub use metrics::{q1, q1_live, Metrics};
pub use movie::{Movie, NoMovie};
pub use objective::Score;
pub use outcome::{Following, Outcome, Request};
pub use statistics::{normalised, Interval};
