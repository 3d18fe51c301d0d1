//! What manifests say about the present: clocks, windows, refreshes, steering.

use crate::presentation::Descriptor;
use crate::time::{MediaTime, WallTime};

/// `EXT-X-SERVER-CONTROL` (rfc8216bis 4.4.3.8).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ServerControl {
    /// `CAN-SKIP-UNTIL`.
    pub can_skip_until: Option<MediaTime>,
    /// `CAN-SKIP-DATERANGES`.
    pub can_skip_date_ranges: bool,
    /// `HOLD-BACK`.
    pub hold_back: Option<MediaTime>,
    /// `PART-HOLD-BACK`.
    pub part_hold_back: Option<MediaTime>,
    /// `CAN-BLOCK-RELOAD`.
    pub can_block_reload: bool,
}

/// Clock, availability and update rules of an MPD.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DashTiming {
    /// `MPD@id`.
    pub id: Option<String>,
    /// `@availabilityStartTime`.
    pub availability_start: Option<WallTime>,
    /// `@availabilityEndTime`.
    pub availability_end: Option<WallTime>,
    /// `@publishTime`.
    pub publish_time: Option<WallTime>,
    /// `@publishTime` as written, which a patch must match byte for byte (D052).
    pub publish_time_text: Option<String>,
    /// `@minimumUpdatePeriod`; None never updates, zero updates on demand (D039, D040).
    pub minimum_update_period: Option<MediaTime>,
    /// `@timeShiftBufferDepth`; None is everything since the start.
    pub time_shift_buffer_depth: Option<MediaTime>,
    /// `@suggestedPresentationDelay`.
    pub suggested_presentation_delay: Option<MediaTime>,
    /// `@maxSubsegmentDuration`.
    pub max_subsegment_duration: Option<MediaTime>,
    /// `UTCTiming`s in the order of preference.
    pub utc_timings: Vec<Descriptor>,
    /// Seconds by which leap seconds since the start moved the availability (D027).
    pub leap_second_offset: Option<i64>,
    /// When the next leap second changes that offset, and to what (`@nextLeapChangeTime`,
    /// `@nextAvailabilityStartLeapOffset`).
    pub next_leap: Option<(WallTime, i64)>,
}

/// A URL from which the MPD or a patch can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Absolute URL.
    pub uri: String,
    /// `@serviceLocation`.
    pub service_location: Option<String>,
    /// `@ttl` of a patch location.
    pub ttl: Option<MediaTime>,
}

/// Content steering, both dialects.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Steering {
    /// URL of the steering manifest, absolute (may be `data:`).
    pub uri: String,
    /// Pathways (or default service locations) to start with, best first.
    pub initial: Vec<String>,
    /// DASH `@queryBeforeStart`.
    pub query_before_start: bool,
    /// DASH `@clientRequirement`.
    pub client_requirement: bool,
}

/// `ServiceDescription`: how the service wants to be played.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ServiceDescription {
    /// `@id`.
    pub id: Option<String>,
    /// Schemes of `Scope`s; empty applies to all.
    pub scopes: Vec<Descriptor>,
    /// `Latency@target`.
    pub latency_target: Option<MediaTime>,
    /// `Latency@min`.
    pub latency_min: Option<MediaTime>,
    /// `Latency@max`.
    pub latency_max: Option<MediaTime>,
    /// `Latency@referenceId`.
    pub latency_reference: Option<String>,
    /// `PlaybackRate@min` in thousandths.
    pub rate_min_milli: Option<u32>,
    /// `PlaybackRate@max` in thousandths.
    pub rate_max_milli: Option<u32>,
    /// `OperatingBandwidth@min`, `@max`, `@target` in bits a second.
    pub bandwidth: Option<OperatingRange>,
    /// `OperatingQuality@min`, `@max`, `@target`.
    pub quality: Option<OperatingRange>,
    /// `ClientDataReporting` with `CMCDParameters`: what the service asks to be told (D109).
    pub reporting: Option<ClientReporting>,
}

/// `ClientDataReporting` and its `CMCDParameters` (ISO/IEC 23009-1, Annex K).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClientReporting {
    /// `@serviceLocations` that requests must go to; empty means all.
    pub service_locations: Vec<String>,
    /// `@adaptationSets` that requests must be for; empty means all.
    pub adaptation_sets: Vec<String>,
    /// `CMCDParameters@version`; 1 unless said.
    pub version: u32,
    /// `@mode`: `query` (unless said) or `header`.
    pub mode: String,
    /// `@includeInRequests`: kinds of requests; `segment` unless said.
    pub requests: Vec<String>,
    /// `@keys`; empty leaves the choice to the player.
    pub keys: Vec<String>,
    /// `@contentID`.
    pub content_id: Option<String>,
    /// `@sessionID`.
    pub session_id: Option<String>,
}

/// Bounds of `OperatingBandwidth` and `OperatingQuality`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OperatingRange {
    /// `@min`.
    pub min: Option<u64>,
    /// `@max`.
    pub max: Option<u64>,
    /// `@target`.
    pub target: Option<u64>,
}
