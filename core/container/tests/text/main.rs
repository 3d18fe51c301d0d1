//! Captions and subtitles, from outside: a module for each source.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

mod packaged;
mod ttml;
mod ttml_imsc;
mod webvtt;
mod webvtt_chromium;
