//! Following the live edge: how late to be, and at what speed to get there.
//!
//! Two policies, each a trait with a default:
//!
//! - A [`LatencyTarget`] says how far behind the present the playhead should be: what the application,
//!   the manifest or the hold-back asks for, and a little more for a while after a stall
//!   ([`BackingOff`]).
//! - A [`SpeedControl`] is asked regularly while the playhead follows the edge. It answers with a
//!   playback speed, or with a seek where the playhead is too late for speed to make it good
//!   ([`LatencyControl`]).
//!
//! ```
//! use telecine_abr::live::*;
//! use telecine_model::{MediaTime, Timestamp};
//!
//! let mut policy = BackingOff::new();
//! let mut control = LatencyControl::new();
//! let wanted = TargetContext { manifest: Some(MediaTime::from_secs(3)), ..TargetContext::default() };
//! let target = policy.target(&wanted);
//! let mut ctx = LiveContext {
//!     now: Timestamp::ZERO,
//!     state: LiveState::Playing,
//!     latency: MediaTime::from_millis(3400),
//!     uncertainty: MediaTime::from_millis(20),
//!     target: target.target,
//!     max_latency: Some(MaxLatency::Wanted(MediaTime::from_secs(8))),
//!     buffer: MediaTime::from_millis(2900),
//!     granularity: MediaTime::from_millis(400),
//!     rate_milli: 1000,
//!     bounds: RateBounds::default(),
//!     speeds: Speeds::Smooth,
//!     low_latency: true,
//!     keeps_up: true,
//! };
//! let choice = control.decide(&ctx);
//! assert_eq!(choice.action, SpeedAction::Rate(1030));
//! assert_eq!(choice.reasons[0].to_string(), "3.40 s behind live is more than the target of 3.00 s");
//!
//! // A stall: the playhead stands, and afterwards a later one is aimed at for a while.
//! policy.on_stall(&wanted);
//! ctx.state = LiveState::Rebuffering;
//! assert_eq!(control.decide(&ctx).action, SpeedAction::Rate(1000));
//! assert_eq!(policy.target(&wanted).target, MediaTime::from_millis(3750));
//! ```

mod control;
mod range;
mod reading;
mod reason;
mod seeks;
mod target;

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

pub use control::LatencyControl;
pub use reason::LiveReason;
pub use target::{BackingOff, LatencyTarget, TargetChoice, TargetContext};

/// How often a [`SpeedControl`] wants to be asked. Any cadence gives the same law; a slower one
/// overshoots by what the speed does in the meantime.
pub const ASK_EVERY: Duration = Duration::from_millis(500);

/// Everything that a speed control may base its answer on.
#[derive(Clone, Copy, Debug)]
pub struct LiveContext<'a> {
    /// Now.
    pub now: Timestamp,
    /// Whether the playhead moves.
    pub state: LiveState,
    /// Wall-clock time that passed since what the playhead shows was made.
    pub latency: MediaTime,
    /// By how much the wall clock may be wrong, either way.
    pub uncertainty: MediaTime,
    /// The latency that is wanted, as a [`LatencyTarget`] says.
    pub target: MediaTime,
    /// Beyond this the playhead moves to the target at once; None is a bound by what the target is and what speed can do.
    pub max_latency: Option<MaxLatency>,
    /// Media ahead of the playhead without a hole.
    pub buffer: MediaTime,
    /// Media that becomes available at once: a part, a chunk, or a segment.
    pub granularity: MediaTime,
    /// The speed in force, in thousandths.
    pub rate_milli: u32,
    /// What the manifest or the application allows.
    pub bounds: RateBounds,
    /// What the device can do.
    pub speeds: Speeds<'a>,
    /// Whether the service is a low-latency one: errors of a few frames matter.
    pub low_latency: bool,
    /// Whether the line brings what is watched as fast as it is made, as far as is known. Where it does not, a seek only
    /// skips what the next stall would have shown.
    pub keeps_up: bool,
}

/// The greatest latency, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxLatency {
    /// The application: whatever is left out for it.
    Wanted(MediaTime),
    /// The title (`Latency@max` of a `ServiceDescription`, ISO/IEC 23009-1 annex K.3.2), of viewers whose line carries it.
    Advised(MediaTime),
}

impl MaxLatency {
    /// The latency.
    pub fn time(self) -> MediaTime {
        match self {
            Self::Wanted(time) | Self::Advised(time) => time,
        }
    }
}

/// What the playhead does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// It moves.
    Playing,
    /// The viewer stopped it.
    Paused,
    /// It is on its way to another place.
    Seeking,
    /// It stands for want of media.
    Rebuffering,
    /// It stood for want of media, and there is enough now to go on: the moment to say that it goes on somewhere else.
    Resuming,
}

/// Speeds that the manifest (`PlaybackRate`) or the application allows, in thousandths. Where
/// nothing is said, a smooth device varies by 3 %, and one with steps takes those within 10 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RateBounds {
    /// The slowest; above 1000 counts as 1000.
    pub min_milli: Option<u32>,
    /// The fastest; below 1000 counts as 1000.
    pub max_milli: Option<u32>,
}

/// Speeds that a device can play at. Normal speed always is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speeds<'a> {
    /// Any, and a change of it is not seen or heard.
    Smooth,
    /// These, in thousandths, in any order.
    Steps(&'a [u32]),
    /// Normal speed alone.
    Fixed,
}

/// What to do about the latency, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedChoice {
    /// What to do.
    pub action: SpeedAction,
    /// Why, strongest first.
    pub reasons: Vec<LiveReason>,
}

/// What a speed control can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeedAction {
    /// Play at this speed, in thousandths.
    Rate(u32),
    /// Move the playhead to the target's distance from the present, and play at normal speed.
    SeekToTarget,
}

/// Keeps the playhead at its distance from the live edge.
///
/// It is asked regularly ([`ASK_EVERY`]) as long as playback follows the edge at the speed that it
/// chose: not while the viewer watches what is past, or chose a speed. Pauses, seeks and stalls are
/// told by [`LiveContext::state`]. It owns no clock and draws no chance: the same calls give the
/// same answers on every platform.
pub trait SpeedControl: Send {
    /// Name for reports.
    fn name(&self) -> &'static str;

    /// What to do now.
    fn decide(&mut self, ctx: &LiveContext<'_>) -> SpeedChoice;

    /// The playhead was moved, or the clock was set: what was read before says nothing any more.
    fn on_jump(&mut self) {}
}
