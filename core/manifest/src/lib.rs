//! HLS playlists and DASH MPDs, read into one [`Presentation`](telecine_model::Presentation).

#![forbid(unsafe_code)]

pub mod dash;
pub mod hls;
mod sniff;

pub use sniff::sniff;
