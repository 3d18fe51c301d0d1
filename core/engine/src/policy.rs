//! The choices that an application may replace.

use telecine_abr::live::{BackingOff, LatencyControl, LatencyTarget, SpeedControl};
use telecine_abr::{BitrateRule, Estimator};
use telecine_delivery::RetryPolicy;
use telecine_model::{MediaTime, TrackKind};

use crate::config::Config;

/// How much is buffered.
pub trait BufferPolicy: Send {
    /// The goal for a kind right now.
    fn goal(&self, context: &BufferContext) -> BufferGoal;
}

/// What a buffer policy decides by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BufferContext {
    /// For which kind.
    pub kind: TrackKind,
    /// Declared bits a second of the rendition that is fetched.
    pub bitrate: u64,
    /// Bytes that the sink can hold of this kind, where it said so.
    pub sink_bytes: Option<u64>,
}

/// How much to buffer. The first limit reached wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferGoal {
    /// Media ahead of the playhead.
    pub ahead: MediaTime,
    /// Media kept behind the playhead.
    pub behind: MediaTime,
    /// Bytes in all.
    pub bytes: u64,
}

/// The default: as configured, within what the sink holds.
#[derive(Clone, Debug)]
pub struct ConfiguredBuffer {
    goal: BufferGoal,
}

impl ConfiguredBuffer {
    /// A policy with the goals of a configuration.
    pub fn new(config: &Config) -> Self {
        Self { goal: BufferGoal { ahead: config.buffer_goal, behind: config.back_buffer, bytes: config.buffer_bytes } }
    }
}

impl BufferPolicy for ConfiguredBuffer {
    fn goal(&self, context: &BufferContext) -> BufferGoal {
        BufferGoal { bytes: self.goal.bytes.min(context.sink_bytes.unwrap_or(u64::MAX)), ..self.goal }
    }
}

/// Every replaceable choice of an engine.
pub struct Policies {
    /// Which rendition is fetched.
    pub rule: Box<dyn BitrateRule>,
    /// The same where a title is watched so near to the live edge that there is hardly a buffer to decide by.
    pub low_latency_rule: Box<dyn BitrateRule>,
    /// What the network gives.
    pub estimator: Box<dyn Estimator>,
    /// What follows a failed request.
    pub retry: Box<dyn RetryPolicy>,
    /// How much is buffered.
    pub buffer: Box<dyn BufferPolicy>,
    /// How far behind the present a live title is watched.
    pub latency: Box<dyn LatencyTarget>,
    /// At what speed playback gets there, and stays.
    pub speed: Box<dyn SpeedControl>,
}

impl Policies {
    /// The defaults for a configuration. A rule name that is not known gives the default rule.
    pub fn new(config: &Config) -> Self {
        let by_name = || config.rule.as_deref().and_then(telecine_abr::rule_by_name);
        Self {
            low_latency_rule: by_name().unwrap_or_else(|| Box::new(telecine_abr::LowLatency::new())),
            rule: by_name().unwrap_or_else(|| Box::new(telecine_abr::Foresight::new())),
            estimator: Box::new(telecine_abr::DualEwma::default()),
            retry: Box::new(telecine_delivery::DefaultRetry::default()),
            buffer: Box::new(ConfiguredBuffer::new(config)),
            latency: Box::new(BackingOff::new()),
            speed: Box::new(LatencyControl::new()),
        }
    }
}
