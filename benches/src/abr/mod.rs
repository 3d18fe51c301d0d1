//! What bitrate rules make of recorded networks: every rule, every set, every score, on paper and on a page.
//!
//! [`sets`] reads the networks, [`study`] plays every rule over them, [`tally`] reckons what each comes to, [`checks`] holds that
//! against what was asked for. [`document`] is the outcome as numbers; [`markdown`] and [`page`] show it.
//!
//! `make bench-abr` writes all three.

pub mod checks;
pub mod document;
pub mod markdown;
pub mod page;
pub mod sets;
pub mod speed;
pub mod study;
pub mod tables;
pub mod tally;
