//! What Telecine measures, and the peers that it is measured against.
//!
//! - [`inputs`] makes the manifests: the same bytes on every machine.
//! - [`parsers`] has ours and the Rust peers behind one face, so that each is asked for the same.
//! - [`memory`] counts what a parser retains.
//! - [`segment`] is a CMAF segment out of the demo title.
//! - [`abr`] is the report of bitrate choice.
//!
//! `cargo bench -p telecine-benches` measures ours and the Rust peers: Criterion for time, a counting
//! allocator for memory. `cargo run --release -p telecine-benches --bin compare` measures ours and the
//! JavaScript players' parsers in turn.
//!
//! ```
//! use telecine_benches::{inputs, parsers};
//!
//! for input in inputs::all() {
//!     for parser in parsers::of(input.language) {
//!         assert_eq!((parser.parse)(&input.bytes).segments(), input.segments, "{} of {}", parser.name, input.name);
//!     }
//! }
//! ```

pub mod abr;
pub mod inputs;
pub mod memory;
pub mod parsers;
pub mod segment;
