//! The player: one sans-IO state machine.
//!
//! The engine decides and never acts. It has no clock, no socket, no thread and no source of
//! chance: whoever embeds it tells it what happened and when ([`Engine::handle`]), does what it asks
//! ([`Engine::poll`]), and wakes it when it wants to be woken ([`Engine::deadline`]).
//!
//! # The loop
//!
//! **Mutate once, then drain.** One input, then every action, then sleep until the deadline or until
//! something happens:
//!
//! ```
//! use telecine_engine::{Action, Command, Config, Engine, Input};
//! use telecine_model::Timestamp;
//!
//! let mut engine = Engine::new(Config::default());
//! let load = Command::Load { url: "https://cdn.example/title.m3u8".into(), start: None };
//! engine.handle(Input::Command(load), Timestamp::ZERO);
//! engine.handle(Input::Command(Command::Play), Timestamp::ZERO);
//! let mut requests = Vec::new();
//! while let Some(action) = engine.poll() {
//!     match action {
//!         Action::Fetch(request) => requests.push(request.url),
//!         Action::Cancel(_request) => {}
//!         Action::Sink(_command) => {}
//!         Action::Cdm(_order) => {}
//!         Action::Emit(_event) => {}
//!     }
//! }
//! assert_eq!(requests, ["https://cdn.example/title.m3u8"]);
//! ```
//!
//! # Three kinds of time
//!
//! `Timestamp` is the host's monotonic clock and comes in with every input. `MediaTime` is a point
//! on the title's timeline. `WallTime` is the world's and arrives as an input with its uncertainty.
//!
//! # Errors and panics
//!
//! Every failure is an [`Event::Error`] with a stable code, its place and what was done about it;
//! `is_fatal` says whether playback ended. Nothing that a network, a manifest, a container or a host
//! says makes the engine panic; a panic is a defect of this library.
//!
//! # Recording and replay
//!
//! With [`Config::record`] the engine writes its inputs down; [`replay`] runs them again and tells
//! whether the same actions came out. The hash of the action stream ([`Engine::action_hash`]) is
//! equal for equal inputs on every platform.
//!
//! # Interstitials
//!
//! An engine plays one title. [`Programme`] plays a title with what is played in the middle of it, and is driven in the
//! same way.
//!
//! # Policies
//!
//! Bitrate rule, throughput estimator, retries and buffer goals are traits with defaults
//! ([`Policies`]); each decision carries its reasons ([`Decision`]).

#![forbid(unsafe_code)]
// Some of it is for replays alone.
#![cfg_attr(not(feature = "record"), allow(dead_code, unused_imports))]

mod abandon;
mod action;
mod again;
mod append;
mod arrive;
mod bound;
mod brightness;
mod buffer;
mod caps;
mod choosing;
mod config;
mod control;
mod cues;
mod decoders;
mod engine;
mod entry;
mod event;
mod explaining;
mod failed;
mod fetch;
mod fingerprint;
mod host;
mod index;
mod inits;
mod input;
mod keys;
mod live;
mod load;
mod media;
mod network;
mod next_segment;
mod outbox;
mod periods;
mod places;
mod playback;
mod policy;
mod programme;
mod protocol;
mod put_off;
mod quality;
#[cfg_attr(not(feature = "record"), path = "unrecorded.rs")]
mod recorder;
mod replace;
mod requests;
mod room;
mod schedule;
mod secrets;
mod seek;
mod select;
mod sizes;
mod start;
mod stream;
mod texts;
mod timed;
mod timeline;
mod timer;
mod tolerated;
mod tracks;

pub use action::{
    Action, Append, CdmOrder, FetchRequest, Format, LoadId, Payload, SinkCommand, TrackConfig, Validators,
};
pub use config::{Config, Constraints, DataSaver, InterstitialConfig, LiveConfig, Preferences, ServiceScope};
pub use engine::{Engine, Snapshot, StreamSnapshot};
pub use event::{Decision, DecisionKind, Event, StallCause, State, TimedPhase};
pub use host::{Observed, Sink, TrackStats};
pub use index::{index_from_sidx, nested_ranges};
pub use input::{
    Body, Capabilities, Command, Environment, Input, NetworkEvent, PlaybackSpeeds, Pressure, RequestId, ResponseHead,
    SinkReport,
};
pub use keys::{CdmNote, KeySetup};
pub use live::LiveSnapshot;
pub use load::whole_resource;
pub use media::{FragmentTrack, IndexFact, InitTrack, MediaFact, ProducedFact, TextFact};
pub use policy::{BufferByTitle, BufferContext, BufferGoal, BufferPolicy, Policies};
pub use programme::{InterstitialEnd, InterstitialPhase, InterstitialSnapshot, Programme};
#[cfg(feature = "record")]
pub use recorder::{replay, Replay};
pub use telecine_abr as abr;
pub use telecine_container as container;
pub use telecine_delivery as delivery;
pub use telecine_delivery::RequestClass;
pub use telecine_drm as drm;
pub use telecine_model as model;
pub use telecine_telemetry as telemetry;
pub use timed::TimedKey;
pub use tolerated::MediaWarning;
