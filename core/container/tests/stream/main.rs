//! Transport streams and packed audio through the reader: what comes out, from what ffmpeg and a packager
//! wrote, from streams written here to be awkward, and from broken ones.

// The lints know tests, but not the helpers of tests.
#![allow(clippy::expect_used, clippy::panic)]

mod damage;
mod ffprobe;
mod hostile;
mod incremental;
mod metadata;
mod mux;
mod packed;
mod programme;
mod sample_aes;
mod support;
mod timing;
mod video;
