//! Titles that go on, in virtual time, against the origin's answers.

#![allow(clippy::expect_used, clippy::panic, unreachable_pub)] // These are tests.

mod absent;
mod adverse;
mod breaks;
mod catching_up;
mod chaos;
#[path = "../common/mod.rs"]
mod common;
mod dash;
mod droughts;
mod entering;
mod estimates;
mod faults;
mod hanging;
mod hedged;
mod hls;
mod interstitials;
mod latency;
mod lines;
mod lists;
mod low_latency;
mod missing;
mod origin;
mod overtaken;
mod uneven;
mod watch;
