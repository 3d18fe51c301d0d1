//! From protected bytes to clear ones: what the packager made of a title by every scheme of Common Encryption becomes
//! what it made of the same title in the clear, byte for byte (`conformance/media/protect`).

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod golden;
mod layouts;
mod set;
mod support;
mod whole_segments;
