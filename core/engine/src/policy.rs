//! The choices that an application may replace.

use telecine_abr::live::{BackingOff, LatencyControl, LatencyTarget, SpeedControl};
use telecine_abr::{BitrateRule, Estimator};
use telecine_delivery::RetryPolicy;
use telecine_model::{MediaTime, NetworkType, TrackKind};

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
    /// The picture is the best that the title has for the device and the application: nothing that is buffered could be had
    /// better. Without a picture, the same of this kind.
    pub best: bool,
    /// How long the title is; None while it goes on.
    pub duration: Option<MediaTime>,
    /// What it comes over.
    pub network: NetworkType,
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

/// The default: as configured; else by title and network, within what the sink holds.
///
/// 30 s outlast most of what a line does. Of a title that its viewer stays with (ten minutes and more) 60 s are buffered where it plays at
/// its best, as dash.js does (`bufferTimeAtTopQualityLongForm`): they outlast a tunnel, and nothing is lost by it but what is not
/// watched in the end. On a mobile network that is paid for, and 30 s are enough.
#[derive(Clone, Debug)]
pub struct BufferByTitle {
    ahead: Option<MediaTime>,
    behind: MediaTime,
    bytes: u64,
}

impl BufferByTitle {
    /// Ahead of the playhead, where nothing is configured.
    const USUAL: MediaTime = MediaTime::from_secs(30);
    /// The same of a long title at its best.
    const LONG: MediaTime = MediaTime::from_secs(60);
    /// A title is long from here on.
    const LONG_TITLE: MediaTime = MediaTime::from_secs(600);

    /// A policy with the goals of a configuration.
    pub fn new(config: &Config) -> Self {
        Self { ahead: config.buffer_goal, behind: config.back_buffer, bytes: config.buffer_bytes }
    }
}

impl BufferPolicy for BufferByTitle {
    fn goal(&self, context: &BufferContext) -> BufferGoal {
        let long = context.best
            && context.network != NetworkType::Cellular
            && context.duration.is_some_and(|duration| duration >= Self::LONG_TITLE);
        BufferGoal {
            ahead: self.ahead.unwrap_or(if long { Self::LONG } else { Self::USUAL }),
            behind: self.behind,
            bytes: self.bytes.min(context.sink_bytes.unwrap_or(u64::MAX)),
        }
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
            buffer: Box::new(BufferByTitle::new(config)),
            latency: Box::new(BackingOff::new()),
            speed: Box::new(LatencyControl::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILM: BufferContext = BufferContext {
        kind: TrackKind::Video,
        bitrate: 5_000_000,
        best: true,
        duration: Some(MediaTime::from_secs(5400)),
        network: NetworkType::Wifi,
        sink_bytes: None,
    };

    fn ahead(config: &Config, context: &BufferContext) -> MediaTime {
        BufferByTitle::new(config).goal(context).ahead
    }

    #[test]
    fn of_a_long_title_at_its_best_more_is_buffered_but_over_a_mobile_network() {
        let usual = MediaTime::from_secs(30);
        let own = |context| ahead(&Config::default(), &context);
        assert_eq!(own(FILM), MediaTime::from_secs(60));
        assert_eq!(own(BufferContext { best: false, ..FILM }), usual);
        assert_eq!(own(BufferContext { network: NetworkType::Cellular, ..FILM }), usual);
        assert_eq!(own(BufferContext { duration: Some(MediaTime::from_secs(599)), ..FILM }), usual);
        assert_eq!(own(BufferContext { duration: None, ..FILM }), usual, "live");
    }

    #[test]
    fn what_the_application_wants_is_what_it_gets_within_what_the_sink_holds() {
        let config = Config { buffer_goal: Some(MediaTime::from_secs(12)), ..Config::default() };
        assert_eq!(ahead(&config, &FILM), MediaTime::from_secs(12));
        let goal = BufferByTitle::new(&config).goal(&BufferContext { sink_bytes: Some(9), ..FILM });
        assert_eq!(goal.bytes, 9);
    }
}
