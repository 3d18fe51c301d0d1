//! ISO base media files, from outside: a module for each behaviour.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

mod clear;
mod cmaf;
mod demo;
mod encryption;
mod entering;
mod events_and_indexes;
mod ffprobe;
mod fragments;
mod hostile;
mod incremental;
mod initialisation;
mod movie;
mod support;
mod tables;
