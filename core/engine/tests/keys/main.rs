//! Protected titles in virtual time.
#![allow(clippy::expect_used, clippy::panic)] // These are tests.

#[path = "../common/mod.rs"]
mod common;

mod packaged;
mod releases;
mod samples;
mod sealed;
mod set;
mod sink;
mod stored;
mod whole_segments;
mod world;
