//! What the application may set. Pure data: it can be stored, sent and recorded.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use telecine_abr::ThroughputMemory;
use telecine_model::{Error, ErrorCode, Limits, MediaTime};

/// Settings of a player. `Config::default()` plays well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// Every random choice (jitter) is drawn from this. Give each session its own.
    pub seed: u64,
    /// Bounds on what is accepted from outside.
    pub limits: Limits,
    /// Bitrate rule by name, as `telecine_abr::rule_by_name` knows it; None is the default, and another one while a live title
    /// plays by parts or chunks ([`Policies::low_latency_rule`](crate::Policies::low_latency_rule)). A name that is not known is
    /// refused by [`Config::check`]; an engine that is given one takes the default.
    pub rule: Option<String>,
    /// What waits in the buffer in a low rendition may be fetched again in a higher one when the network has risen, if the
    /// bitrate rule finds that worth it and the sink has random access. Default true; switched off no byte is fetched
    /// twice.
    pub fast_switch: bool,
    /// Throughput assumed before anything was measured, in bits a second. Default 1.5 Mbit/s.
    pub initial_throughput: u64,
    /// What earlier sessions measured ([`Engine::throughput_memory`](crate::Engine::throughput_memory)): it is assumed in place
    /// of `initial_throughput`, as far as it is of the kind of network that the device is on
    /// ([`Environment::Network`](crate::Environment::Network)), less so the older it is, and until the first bytes say otherwise.
    /// Default none.
    pub memory: Option<ThroughputMemory>,
    /// Media buffered ahead of the playhead. Default None: 30 s, and more of a long title ([`BufferByTitle`](crate::BufferByTitle)).
    pub buffer_goal: Option<MediaTime>,
    /// Bytes buffered per kind, at most; wins over `buffer_goal`. Default 128 MiB.
    pub buffer_bytes: u64,
    /// Media kept behind the playhead. Default 20 s.
    pub back_buffer: MediaTime,
    /// Media needed before playback starts or a seek ends. Default 1 s.
    pub start_buffer: MediaTime,
    /// Media needed before playback goes on after a stall. Default 2 s.
    pub rebuffer_goal: MediaTime,
    /// A request fails if no head arrives for so long. Default 10 s.
    pub head_timeout: Duration,
    /// A request fails if no byte arrives for so long. Default 8 s.
    pub idle_timeout: Duration,
    /// A request fails if it brings fewer bytes than `least_bytes` in so long: a line on which nothing
    /// can be played, however faithfully it drips. Default 20 s; zero looks at no speed.
    pub slow_after: Duration,
    /// See `slow_after`. Default 10,000 bytes, that is 4 kbit/s.
    pub least_bytes: u64,
    /// A service location that failed is left alone for so long. Default 60 s.
    pub location_rest: Duration,
    /// How titles that go on are played.
    pub live: LiveConfig,
    /// How what is played in the middle of titles is.
    pub interstitials: InterstitialConfig,
    /// The stall watchdog looks after so long without progress. Default 3 s; zero never looks.
    pub stuck_after: Duration,
    /// Missing media up to this length is jumped over at once; longer holes only if nothing can
    /// fill them. Default 500 ms.
    pub small_gap: MediaTime,
    /// HLS playlists that break a MUST are refused.
    pub strict: bool,
    /// What to choose among tracks.
    pub preferences: Preferences,
    /// What not to exceed.
    pub constraints: Constraints,
    /// How much data the viewer wants to spend. Default as much as it takes.
    pub data_saver: Option<DataSaver>,
    /// With a healthy buffer of the best there is, segments are asked for no faster than so many hundredths of their bitrate
    /// ([`FetchRequest::pace`](crate::FetchRequest::pace)): queues on the way stay short for others, and nothing is lost.
    /// Default None: as fast as the line gives.
    pub pace_percent: Option<u32>,
    /// Each choice of a rendition is told with all that it was chosen from, and not only those that change it: where `from` and
    /// `to` of a [`DecisionKind::Bitrate`](crate::DecisionKind::Bitrate) are the same, it stays. Default false: that is an event a
    /// segment.
    #[serde(default)]
    pub explain_each_choice: bool,
    /// Keep a recording of the session ([`crate::Engine::take_recording`]); without the feature `record` there is none.
    pub record: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            limits: Limits::default(),
            rule: None,
            fast_switch: true,
            initial_throughput: 1_500_000,
            memory: None,
            buffer_goal: None,
            buffer_bytes: 128 << 20,
            back_buffer: MediaTime::from_secs(20),
            start_buffer: MediaTime::from_secs(1),
            rebuffer_goal: MediaTime::from_secs(2),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(8),
            slow_after: Duration::from_secs(20),
            least_bytes: 10_000,
            location_rest: Duration::from_secs(60),
            live: LiveConfig::default(),
            interstitials: InterstitialConfig::default(),
            stuck_after: Duration::from_secs(3),
            small_gap: MediaTime::from_millis(500),
            strict: false,
            preferences: Preferences::default(),
            constraints: Constraints::default(),
            data_saver: None,
            pace_percent: None,
            explain_each_choice: false,
            record: false,
        }
    }
}

impl Config {
    /// Whether the settings agree with each other.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if the greatest latency is less than the one that is wanted, or the rule is none that this
    /// build has.
    pub fn check(&self) -> Result<(), Error> {
        self.check_rule()?;
        match (self.live.latency_target, self.live.latency_max) {
            (Some(target), Some(max)) if max < target => {
                let message = format!("the greatest latency ({max}) is less than the one that is wanted ({target})");
                Err(Error::new(ErrorCode::InvalidArgument, message))
            }
            _ => Ok(()),
        }
    }

    /// Without the rule if the build has none of that name, and what [`Config::check`] says of it: for hosts that begin all the same.
    /// An engine that is given both latencies tells itself what it makes of them.
    pub fn without_unknown_rule(mut self) -> (Self, Option<Error>) {
        let unknown = self.check_rule().err();
        if unknown.is_some() {
            self.rule = None;
        }
        (self, unknown)
    }

    fn check_rule(&self) -> Result<(), Error> {
        let Some(rule) = self.rule.as_deref().filter(|rule| telecine_abr::rule_by_name(rule).is_none()) else {
            return Ok(());
        };
        let known = telecine_abr::RULES.iter().filter(|name| telecine_abr::rule_by_name(name).is_some());
        let known = known.copied().collect::<Vec<_>>().join(", ");
        let message = format!("there is no bitrate rule '{rule}' in this build; there are: {known}");
        Err(Error::new(ErrorCode::InvalidArgument, message))
    }
}

/// How much data a viewer wants to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSaver {
    /// Bytes for each hour that is watched, of picture, sound and all else. What was spared is spent later; no level but the
    /// lowest is asked for whose segment would be more than what is left. Nothing is fetched twice for a better picture.
    pub bytes_per_hour: u64,
}

/// How titles that go on are played. What is None is left to what the title says, else to the policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiveConfig {
    /// Low-latency titles are played by parts and chunks, as near to the live edge as they offer. Default true.
    pub low_latency: bool,
    /// How long after it is made the viewer is to see something. What the title cannot give (nearer to the edge than its segments,
    /// parts or `HOLD-BACK` allow, longer than its window) is told with what it gives instead
    /// ([`DecisionKind::Latency`](crate::DecisionKind::Latency)); so is what the title wants itself and cannot give.
    pub latency_target: Option<MediaTime>,
    /// What is seen later than this is left out: playback moves to the target at once. Not where the viewer went back in time:
    /// until the edge is sought again nothing is too late. Less than `latency_target` contradicts it ([`Config::check`]); an
    /// engine that is given both aims at this, and tells that. Where neither this nor the title says it, the speed policy
    /// does ([`LatencyControl`](telecine_abr::live::LatencyControl)).
    pub latency_max: Option<MediaTime>,
    /// The slowest and the fastest speed, in thousandths, by which the target is kept.
    pub min_rate_milli: Option<u32>,
    /// See `min_rate_milli`.
    pub max_rate_milli: Option<u32>,
    /// A live title whose playlist has nothing new for so long has lost its encoder: what there is of it is played, then
    /// playback ends. Default 60 s, and half as long again where nobody has answered anything for most of that time: then it is
    /// the line that is down, and media is waited for as long. Where lists go on and media cannot be had they are asked for twice as
    /// long. Zero waits for ever.
    pub stale_after: Duration,
    /// Whom a DASH service may mean by the `Scope` of a `ServiceDescription`: what is said to one of these counts, else what
    /// is said to all. Default none; who plays with low latency is meant by DVB's scope of it besides.
    pub scopes: Vec<ServiceScope>,
    /// Lists that are known are asked for only if they have changed ([`FetchRequest::known`](crate::FetchRequest::known)).
    /// Default true. It saves the bytes of answers, not their times. In a browser the condition is a header that a page may
    /// send to another origin only once that has allowed it: each URL is asked for that first, which costs more than it
    /// saves. A player in a page switches it off, and leaves conditions to the browser's own cache.
    pub conditional: bool,
}

/// A group of clients, as a DASH service names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceScope {
    /// `Scope@schemeIdUri`.
    pub scheme: String,
    /// `Scope@value`; None is any.
    pub value: Option<String>,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            low_latency: true,
            latency_target: None,
            latency_max: None,
            min_rate_milli: None,
            max_rate_milli: None,
            stale_after: Duration::from_secs(60),
            scopes: Vec::new(),
            conditional: true,
        }
    }
}

/// How interstitials are played ([`Programme`](crate::Programme)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InterstitialConfig {
    /// They are played. Default true; else titles are played as if they announced none, and the application is told of their
    /// events as of any other.
    pub enabled: bool,
    /// A viewer waits no longer than this for an asset to begin: it is left out. Default 5 s.
    pub patience: Duration,
    /// So long before its start an interstitial is prepared, where the title is not buffered up to it earlier. What it plays
    /// is asked for within the first half of that, at a moment drawn for each session. Default 12 s.
    pub lead: Duration,
}

impl Default for InterstitialConfig {
    fn default() -> Self {
        Self { enabled: true, patience: Duration::from_secs(5), lead: Duration::from_secs(12) }
    }
}

/// Which tracks the viewer prefers.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preferences {
    /// BCP 47 tags, best first; empty leaves it to the title's defaults.
    pub audio_languages: Vec<String>,
    /// BCP 47 tags, best first; empty plays no subtitles (but forced ones).
    pub text_languages: Vec<String>,
    /// Roles that audio should have (`main`, `description`…), best first.
    pub audio_roles: Vec<String>,
    /// Roles that subtitles should have (`caption`, `subtitle`…), best first.
    pub text_roles: Vec<String>,
    /// Codec beginnings in order of preference (`av01`, `hvc1`, `avc1`).
    pub codecs: Vec<String>,
}

/// What the player must not exceed.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Constraints {
    /// Tallest picture.
    pub max_height: Option<u32>,
    /// Highest declared bitrate of a video rendition, bits a second.
    pub max_bitrate: Option<u64>,
    /// Lowest declared bitrate of a video rendition, bits a second, as far as the rest leaves one that high; else the highest that it
    /// leaves.
    #[serde(default)]
    pub min_bitrate: Option<u64>,
    /// `Rendition::id`s: of a track that has some of them no others are played. Empty: any.
    #[serde(default)]
    pub renditions: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_not_there_is_refused_by_name_with_those_that_are() {
        let of = |rule: &str| Config { rule: Some(rule.to_owned()), ..Config::default() };
        assert_eq!(of(telecine_abr::DEFAULT_RULE).check(), Ok(()));
        let refused = of("pensieve").check().expect_err("there is none");
        assert_eq!(refused.code(), ErrorCode::InvalidArgument);
        assert!(refused.to_string().contains("'pensieve'") && refused.to_string().contains("throughput"), "{refused}");
    }

    #[test]
    fn a_rule_that_is_not_there_gives_way_to_the_default_with_a_word_and_nothing_else_is_changed() {
        let unknown = Config { rule: Some("pensieve".to_owned()), buffer_bytes: 7, ..Config::default() };
        let (left, told) = unknown.clone().without_unknown_rule();
        assert_eq!(told.map(|error| error.code()), Some(ErrorCode::InvalidArgument));
        assert_eq!(left, Config { rule: None, ..unknown });
        assert_eq!(left.clone().without_unknown_rule(), (left, None));
    }
}
