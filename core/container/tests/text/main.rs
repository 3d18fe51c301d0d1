//! Captions and subtitles, from outside: a module for each source.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

mod cea608;
mod cea608_ffmpeg;
mod cea708;
mod cea_mux;
mod dtvcc;
mod line21;
mod packaged;
mod sei;
mod ttml;
mod ttml_imsc;
mod webvtt;
mod webvtt_chromium;
