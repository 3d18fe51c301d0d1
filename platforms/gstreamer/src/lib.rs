//! x
#![forbid(unsafe_code)]

mod branch;
mod builder;
mod chain;
mod clock;
mod fault;
mod format;
mod frame;
mod outlet;
mod queue;
mod sink;

pub use builder::Builder;
pub use frame::{Frame, PixelFormat};
pub use gstreamer;
pub use sink::GstSink;
