//! The Telecine player for native hosts.
//!
//! Ten lines that play a title and print what happens:
//!
//! ```no_run
//! use telecine::{Outcome, Player};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), telecine::Error> {
//!     let player = Player::builder().build()?;
//!     let mut events = player.events();
//!     player.load("https://cdn.example/title.m3u8")?;
//!     player.play()?;
//!     tokio::spawn(async move {
//!         while let Some(event) = events.next().await {
//!             println!("{event:?}");
//!         }
//!     });
//!     match player.finished().await {
//!         Outcome::Failed(error) => Err(error),
//!         _ => Ok(()),
//!     }
//! }
//! ```
//!
//! A live title is followed at its edge: how old what is shown is to be says the title, or [`LiveConfig`]. What is past
//! can be gone back to as far as the title's window reaches:
//!
//! ```no_run
//! use telecine::{Config, MediaTime, Player};
//!
//! # async fn watch() -> Result<(), telecine::Error> {
//! let mut config = Config::default();
//! config.live.latency_target = Some(MediaTime::from_secs(3));
//! let player = Player::builder().config(config).build()?;
//! player.load("https://cdn.example/live.m3u8")?;
//! player.play()?;
//! if let Some(live) = player.live().await? {
//!     let (earliest, latest) = live.seekable;
//!     println!("{earliest} to {latest}, {:?} behind, {} wanted", live.latency, live.target);
//!     player.seek(latest - MediaTime::from_secs(30))?; // half a minute back: no hurry there
//!     player.seek_to_live()?; // and to the edge again
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Player`] is a handle; the engine that decides, the sink that plays and the connections live
//! in a task behind it, on the runtime that it was built on. Commands return at once and lead to
//! [`Event`]s; questions ([`Player::snapshot`], [`Player::qoe`]…) wait for the task's answer.
//!
//! - **Sinks.** [`NullSink`] parses and times every sample and shows none. `AudioSink` (feature
//!   `audio`, on by default) decodes sound with Symphonia, and AC-3 and E-AC-3 (feature `dolby`, on by
//!   default), into nothing, a WAV file, or the device's output (feature `audio-device`). Anything else implements [`Sink`], with nothing but this crate:
//!   `examples/own_sink.rs` is one from first to last.
//! - **Network.** HTTP/1.1 and HTTP/2 over rustls and ring, connections reused. Redirects are
//!   counted, stay within http and https, and never lead from https to http (from http to https they
//!   may); an application's headers go to the title's own origin only (the same scheme, host and
//!   port); lengths and byte ranges are checked; where a server ignores ranges, the part is taken out
//!   of the whole if it begins within its first 16 MiB ([`Player::skipped_bytes`] counts what is read
//!   past); errors are codes of the network domain, and no message holds a URL's query.
//! - **Keys.** HLS segments encrypted whole, and samples by Common Encryption, are decrypted in software: with keys
//!   of the application ([`KeySetup::give`]), key files, or ClearKey licences ([`KeySetup::licence_server`]); an
//!   application may rewrite requests and answers ([`LicenceFilter`]).
//! - **Memory.** With [`PlayerBuilder::remember`] what the network gave is kept in a file, by the kind of network, and the next
//!   player begins with it instead of with an assumption.
//! - **Heat.** On Linux thermal zones are looked at every ten seconds: from where the system slows its processors down pictures of
//!   720 lines at most are fetched, and 480 before it shuts itself off. Elsewhere an application tells ([`Player::set_pressure`]).
//! - **Elsewhere.** `file:` titles, titles registered in memory ([`PlayerBuilder::memory`]), and
//!   [`BlockingSource`] for [`telecine_virtual::Session`], which plays any URL in virtual time.

#![forbid(unsafe_code)]

#[cfg(feature = "audio")]
pub mod audio;
mod fetch;
mod heat;
mod host;
mod licence;
mod null;
mod player;
mod remember;

#[cfg(feature = "audio")]
pub use audio::AudioSink;
pub use fetch::{BlockingSource, Fetcher};
pub use licence::LicenceFilter;
pub use null::NullSink;
pub use player::{Events, Outcome, Player, PlayerBuilder};
pub use remember::ThroughputStore;

// What an application says, hears and asks.
pub use telecine_engine::telemetry::{LatencySummary, QoeState, QoeSummary};
pub use telecine_engine::{
    Command, Config, Constraints, DataSaver, Decision, DecisionKind, Event, LiveConfig, LiveSnapshot, MediaWarning,
    Preferences, Pressure, ServiceScope, Snapshot, StallCause, State, StreamSnapshot,
};
pub use telecine_model::{
    Blame, Domain, Error, ErrorCode, Handling, Limits, MediaTime, NetworkType, Period, Place, Presentation, Protocol,
    Rendition, Track, TrackKind, WallTime, Warning,
};

// What outlives a session.
pub use telecine_engine::abr::{Remembered, ThroughputMemory};

// What protected titles are played with.
pub use telecine_engine::{drm, KeySetup};
pub use telecine_model::protection::{KeyId, KeySystem};

// What a sink is written with.
pub use bytes::Bytes;
pub use telecine_container::{Fragment, InitSegment, Sample, TrackFragment, TrackInfo};
pub use telecine_engine::{
    Append, Capabilities, Format, LoadId, Payload, PlaybackSpeeds, Sink, SinkCommand, SinkReport, TrackConfig,
    TrackStats,
};
pub use telecine_model::{Timescale, Timestamp};

/// Everything below this crate, for whoever needs more of it: requests and answers ([`Fetcher`]), recordings, bitrate
/// rules, and as [`engine::container`], [`engine::model`] and their like what the engine is made of.
pub use telecine_engine as engine;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
