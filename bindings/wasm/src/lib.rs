//! The engine as a WebAssembly module: the boundary between `core/` and a page.
//!
//! The exports take numbers, texts and nothing else; what the engine asks for is left in an [`outbox`] as records (see
//! [`schema`]), media as places in the module's memory. A page calls one export, reads the whole outbox, does what it says,
//! and calls [`timer`] when the last record says:
//!
//! ```
//! use telecine_wasm::{begin, load, outbox, schema::Tag};
//!
//! begin(1, 2);
//! let length = load("https://cdn.example/title.m3u8", f64::NAN, 0.0);
//! // In a page: new DataView(memory.buffer, outbox(), length).
//! assert!(length > 0 && outbox() != 0);
//! # let _ = Tag::Fetch;
//! ```
//!
//! There is one player in an instance. A defect ends the instance with a trap; [`fault`] has its words then, and a page goes on
//! with another instance.
#![deny(unsafe_code)]

mod answers;
mod intake;
mod keys;
mod lent;
mod orders;
mod player;
mod read;
mod record;
mod report;
pub mod schema;
mod settings;
#[cfg(test)]
mod shapes;
mod slots;
mod sources;
mod told;

// The attribute writes `unsafe` around what it exports.
#[allow(unsafe_code)]
mod exports;

pub use exports::*;
