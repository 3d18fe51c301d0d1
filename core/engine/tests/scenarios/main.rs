//! The fifteen scenarios of abr.md 11, through the real engine in virtual time, with the criteria that are given there.
//!
//! Ladder 0.3, 0.75, 1.5, 3 and 6 Mbit/s, segments of 4 s, 30 s of buffer, unless a scenario says otherwise. What is chosen is
//! read off the requests, what is seen off the sink's side (`Event::Quality`), what stands still off the quality of experience.

#![allow(clippy::expect_used, clippy::panic, unreachable_pub)] // These are tests.

#[path = "../common/mod.rs"]
mod common;
mod estimating;
mod following;
mod hints;
mod hosts;
mod live;
mod marks;
#[path = "../live/origin.rs"]
#[allow(dead_code)]
mod origin;
mod quality;
mod remembering;
mod sizes;
mod stage;
mod starting;
