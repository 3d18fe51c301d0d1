//! A platform whose clock, network and decoder are models.
//!
//! The engine owns no clock, socket or decoder; this crate gives it ones that are arithmetic. Engine
//! tests, `--clock virtual` of the command line and the simulator run on it: an hour of playback
//! takes as long as its parsing takes, and the same session gives the same events at the same
//! microsecond, every time and everywhere.
//!
//! - [`Session`]: the host loop. Time jumps from event to event; a script gives commands at times.
//! - [`ModelSink`]: a sink that times every sample and shows none. Also a null sink in real time.
//! - [`Link`] and [`Network`]: who gets how many bytes when, over constant rates or traces.
//! - [`Source`]: where bytes come from, without a word about time.
//! - [`testing`]: titles made of nothing, in HLS and DASH, with faults where a test wants them.
//!
//! ```
//! use telecine_engine::Config;
//! use telecine_model::MediaTime;
//! use telecine_virtual::testing::SyntheticTitle;
//! use telecine_virtual::{Outcome, Session};
//!
//! // Ten minutes over a line of 2 Mbit/s.
//! let title = SyntheticTitle::new(MediaTime::from_secs(600));
//! let mut session = Session::new(Config::default(), title)
//!     .network("rate=2Mbps,rtt=50ms".parse()?)
//!     .play("https://title.example/main.mpd");
//! assert_eq!(session.run(None), Outcome::Ended);
//! assert!(session.now().as_secs_f64() < 605.0, "it started within five seconds and never stalled");
//! # Ok::<(), telecine_model::Error>(())
//! ```

#![forbid(unsafe_code)]

mod link;
mod network;
mod session;
mod sink;
mod source;
pub mod testing;

pub use link::{Held, Link, LinkEvent};
pub use network::{Network, Step};
pub use session::{Outcome, Sample, Session};
pub use sink::ModelSink;
pub use source::{Failure, Fetched, Response, Source};
