//! One model of a title, whatever the manifest's language.
//!
//! A [`Presentation`] has [`Period`]s; a period has [`Track`]s (what a viewer chooses between:
//! English sound, German subtitles, the picture); a track has [`Rendition`]s (what the player
//! switches between).

use std::collections::BTreeMap;

use crate::codec::Codec;
use crate::error::Warning;
use crate::events::{DateRange, EventStream};
use crate::language::Language;
use crate::live::{DashTiming, Location, ServerControl, ServiceDescription, Steering};
use crate::protection::{Key, Protection};
use crate::segments::{ByteRange, Segments};
use crate::time::{MediaTime, WallTime};

mod switching;

/// The language of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP Live Streaming.
    Hls,
    /// MPEG-DASH.
    Dash,
}

impl Protocol {
    /// `hls` or `dash`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Dash => "dash",
        }
    }
}

/// A title as its manifest describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Presentation {
    /// Which language the manifest was in.
    pub protocol: Protocol,
    /// URL that the manifest was read from, after redirects.
    pub uri: String,
    /// `EXT-X-VERSION`, or the MPD's `@profiles`.
    pub version: Option<String>,
    /// True while segments may still be added. For an HLS multivariant playlist this is known only
    /// once a media playlist is.
    pub live: bool,
    /// True if the manifest offers parts or chunks before segments are complete.
    pub low_latency: bool,
    /// Duration, where announced or the sum of what is known; None while live.
    pub duration: Option<MediaTime>,
    /// Longest segment duration announced (`EXT-X-TARGETDURATION`, `@maxSegmentDuration`).
    pub target_duration: Option<MediaTime>,
    /// `@minBufferTime`.
    pub min_buffer_time: Option<MediaTime>,
    /// Preferred start (`EXT-X-START`).
    pub start: Option<StartPoint>,
    /// In order of time. Never empty after parsing.
    pub periods: Vec<Period>,
    /// Content steering.
    pub steering: Option<Steering>,
    /// `EXT-X-SESSION-DATA`.
    pub session_data: Vec<SessionData>,
    /// `EXT-X-SESSION-KEY`.
    pub session_keys: Vec<Key>,
    /// `EXT-X-DEFINE`, name to value.
    pub define: BTreeMap<String, String>,
    /// `EXT-X-INDEPENDENT-SEGMENTS` of the multivariant playlist.
    pub independent_segments: bool,
    /// DASH: clock, availability and update rules.
    pub dash: Option<DashTiming>,
    /// DASH: service descriptions.
    pub service_descriptions: Vec<ServiceDescription>,
    /// DASH: where to refresh from (`Location`).
    pub locations: Vec<Location>,
    /// DASH: where patches are (`PatchLocation`).
    pub patch_locations: Vec<Location>,
    /// Title and other text for people (`ProgramInformation`).
    pub title: Option<String>,
    /// DASH: descriptors of the whole MPD (fallback, chaining, reset and what the application knows).
    pub properties: Vec<Descriptor>,
    /// Tags that this player does not know, kept as they were.
    pub unknown_tags: Vec<UnknownTag>,
    /// Tolerated faults.
    pub warnings: Vec<Warning>,
}

impl Presentation {
    /// An empty presentation of a protocol, read from `uri`.
    pub fn new(protocol: Protocol, uri: impl Into<String>) -> Self {
        Self {
            protocol,
            uri: uri.into(),
            version: None,
            live: false,
            low_latency: false,
            duration: None,
            target_duration: None,
            min_buffer_time: None,
            start: None,
            periods: Vec::new(),
            steering: None,
            session_data: Vec::new(),
            session_keys: Vec::new(),
            define: BTreeMap::new(),
            independent_segments: false,
            dash: None,
            service_descriptions: Vec::new(),
            locations: Vec::new(),
            patch_locations: Vec::new(),
            title: None,
            properties: Vec::new(),
            unknown_tags: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// A preferred starting point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartPoint {
    /// From the start if not negative, from the end if negative.
    pub offset: MediaTime,
    /// Samples before the point are not to be shown.
    pub precise: bool,
}

/// A tag kept as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTag {
    /// Line in the playlist, from 1.
    pub line: u64,
    /// The whole line.
    pub text: String,
}

/// `EXT-X-SESSION-DATA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionData {
    /// Reverse-DNS name of the datum.
    pub id: String,
    /// Inline value, or
    pub value: Option<String>,
    /// where it is (absolute).
    pub uri: Option<String>,
    /// `JSON` or `RAW`, meaningful with a URI.
    pub format: String,
    /// Language of the value.
    pub language: Option<String>,
}

/// A span of the presentation with its own set of tracks.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Period {
    /// `Period@id`, or a stable name made from its position.
    pub id: String,
    /// Presentation time of its start.
    pub start: MediaTime,
    /// Its duration; None while open-ended.
    pub duration: Option<MediaTime>,
    /// What can be chosen.
    pub tracks: Vec<Track>,
    /// `EventStream`s.
    pub event_streams: Vec<EventStream>,
    /// `Preselection`s.
    pub preselections: Vec<Preselection>,
    /// `AssetIdentifier`, as scheme and value.
    pub asset_identifier: Option<Descriptor>,
    /// Period-level descriptors, essential ones included (unknown essential ones remove the period).
    pub properties: Vec<Descriptor>,
    /// `Subset`s: ids of the tracks that may play together, one list each.
    pub subsets: Vec<Vec<String>>,
    /// Ids of periods that this one continues (`period-continuity` or `period-connectivity`).
    pub continues: Vec<String>,
}

/// What a track is for the senses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles and captions, in-band captions included.
    Text,
    /// Thumbnails.
    Image,
    /// Timed metadata.
    Metadata,
}

impl TrackKind {
    /// The name as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Text => "text",
            Self::Image => "image",
            Self::Metadata => "metadata",
        }
    }
}

/// One choice of the viewer: an `AdaptationSet`, the variants of a multivariant playlist, or the
/// renditions of the same name and language across its groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Stable within the presentation: `AdaptationSet@id`, or made from kind, name and language.
    pub id: String,
    /// For which sense.
    pub kind: TrackKind,
    /// Language, where said.
    pub language: Option<Language>,
    /// HLS `ASSOC-LANGUAGE`.
    pub assoc_language: Option<Language>,
    /// Name for people (`NAME`, `Label`).
    pub name: Option<String>,
    /// Labels in other languages (`Label@lang`, text).
    pub labels: Vec<(Option<String>, String)>,
    /// DASH role values, or HLS characteristics mapped to them (`main`, `caption`, `description`…).
    pub roles: Vec<String>,
    /// Accessibility descriptors and HLS `CHARACTERISTICS`, as written.
    pub accessibility: Vec<Descriptor>,
    /// Played unless the viewer chooses.
    pub default: bool,
    /// May be chosen by the player from the environment.
    pub autoselect: bool,
    /// Shown even without subtitles chosen.
    pub forced: bool,
    /// Audio channels, the most of any rendition.
    pub channels: Option<u32>,
    /// `CHANNELS` as written, with coding and usage.
    pub channel_layout: Option<String>,
    /// In-band captions: `CC1`, `SERVICE1`…
    pub in_stream_id: Option<String>,
    /// `@selectionPriority`; higher is preferred. Default 1.
    pub selection_priority: u32,
    /// Not for normal playback: which tracks' trick-mode companion this is (`trickmode` values, or
    /// the I-frame playlists of the video track).
    pub trick_mode_for: Vec<String>,
    /// Ids of tracks that may be switched to without a seam (`adaptation-set-switching`). As the manifest has it; a
    /// player joins them ([`Period::join_switchable`]).
    pub switchable_with: Vec<String>,
    /// `@bitstreamSwitching`: segments of all renditions join without a new initialisation section.
    pub bitstream_switching: bool,
    /// `@segmentAlignment` (or its subsegment form): renditions can be switched at any segment.
    pub segment_alignment: bool,
    /// Tiles of an image track, columns by rows.
    pub tiles: Option<(u32, u32)>,
    /// Supplemental and other descriptors kept for the application.
    pub properties: Vec<Descriptor>,
    /// In-band event schemes (`InbandEventStream`): scheme and value.
    pub inband_events: Vec<Descriptor>,
    /// Switched between by the player. Sorted as in the manifest.
    pub renditions: Vec<Rendition>,
}

impl Track {
    /// A track of a kind, with nothing said about it.
    pub fn new(id: impl Into<String>, kind: TrackKind) -> Self {
        Self {
            id: id.into(),
            kind,
            language: None,
            assoc_language: None,
            name: None,
            labels: Vec::new(),
            roles: Vec::new(),
            accessibility: Vec::new(),
            default: false,
            autoselect: false,
            forced: false,
            channels: None,
            channel_layout: None,
            in_stream_id: None,
            selection_priority: 1,
            trick_mode_for: Vec::new(),
            switchable_with: Vec::new(),
            bitstream_switching: false,
            segment_alignment: false,
            tiles: None,
            properties: Vec::new(),
            inband_events: Vec::new(),
            renditions: Vec::new(),
        }
    }
}

/// What a manifest says of a rendition's quality beside others of its track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeclaredQuality {
    /// HLS `SCORE` in thousandths: an amount on a scale of the author's choice (VMAF, say), more is better
    /// (RFC 8216bis, 4.4.6.2).
    Score(u64),
    /// DASH `@qualityRanking`: a place in an order, the best is the lowest; by how much one is better it does not say
    /// (ISO/IEC 23009-1, 5.3.5.2).
    Ranking(u64),
}

impl DeclaredQuality {
    /// The score in thousandths; None of a mere place in an order.
    pub fn score_milli(self) -> Option<u64> {
        match self {
            Self::Score(milli) => Some(milli),
            Self::Ranking(_) => None,
        }
    }
}

/// One encoding of a track: a `Representation`, or a variant or rendition with its media playlist.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendition {
    /// Stable within the presentation: `Representation@id`, STABLE-VARIANT-ID, or made from
    /// position.
    pub id: String,
    /// HLS: absolute URL of the media playlist; None if the media is in the variants' own playlists.
    pub uri: Option<String>,
    /// Peak bits a second as declared.
    pub bandwidth: u64,
    /// Average bits a second as declared.
    pub average_bandwidth: Option<u64>,
    /// All codecs in it (an HLS variant names those of its audio group too).
    pub codecs: Vec<Codec>,
    /// `SUPPLEMENTAL-CODECS`, as written.
    pub supplemental_codecs: Option<String>,
    /// Container, where said (`video/mp4`, `text/vtt`).
    pub mime_type: Option<String>,
    /// Picture width in pixels.
    pub width: Option<u32>,
    /// Picture height in pixels.
    pub height: Option<u32>,
    /// Frames a second as numerator and denominator.
    pub frame_rate: Option<(u32, u32)>,
    /// `SDR`, `HLG`, `PQ`, or another word as written. None if not said.
    pub video_range: Option<String>,
    /// How good it is, where the manifest says so.
    pub quality: Option<DeclaredQuality>,
    /// HLS pathway (`.` unless said), or the DASH service location of the first base.
    pub pathway: Option<String>,
    /// Where else the same bytes are (DASH `BaseURL`s, best first; empty in HLS).
    pub bases: Vec<BaseUrl>,
    /// HLS `HDCP-LEVEL`.
    pub hdcp_level: Option<String>,
    /// HLS `ALLOWED-CPC`.
    pub allowed_cpc: Option<String>,
    /// HLS `REQ-VIDEO-LAYOUT`.
    pub video_layout: Option<String>,
    /// HLS groups that this variant or rendition belongs to.
    pub groups: Groups,
    /// Audio sampling rate in hertz.
    pub sample_rate: Option<u32>,
    /// Audio channels.
    pub channels: Option<u32>,
    /// Protection, one entry per key system.
    pub protection: Vec<Protection>,
    /// Ids of renditions that this one depends on (`@dependencyId`).
    pub depends_on: Vec<String>,
    /// Every segment is one key frame (I-frame playlists, trick-mode sets).
    pub key_frames_only: bool,
    /// `@maxPlayoutRate` in thousandths: how fast the rendition is meant to be played.
    pub max_playout_rate_milli: Option<u32>,
    /// `@startWithSAP` 1 or 2, or EXT-X-INDEPENDENT-SEGMENTS: segments begin with a key frame.
    pub independent_segments: bool,
    /// Producer reference times.
    pub producer_times: Vec<ProducerReferenceTime>,
    /// `Resync` descriptors.
    pub resync: Vec<Resync>,
    /// Failover content that is not valid, as presentation-time ranges.
    pub invalid_ranges: Vec<(MediaTime, MediaTime)>,
    /// The segments.
    pub segments: Segments,
}

impl Rendition {
    /// A rendition with a bitrate and nothing else said about it.
    pub fn new(id: impl Into<String>, bandwidth: u64) -> Self {
        Self {
            id: id.into(),
            uri: None,
            bandwidth,
            average_bandwidth: None,
            codecs: Vec::new(),
            supplemental_codecs: None,
            mime_type: None,
            width: None,
            height: None,
            frame_rate: None,
            video_range: None,
            quality: None,
            pathway: None,
            bases: Vec::new(),
            hdcp_level: None,
            allowed_cpc: None,
            video_layout: None,
            groups: Groups::default(),
            sample_rate: None,
            channels: None,
            protection: Vec::new(),
            depends_on: Vec::new(),
            key_frames_only: false,
            max_playout_rate_milli: None,
            independent_segments: false,
            producer_times: Vec::new(),
            resync: Vec::new(),
            invalid_ranges: Vec::new(),
            segments: Segments::Unloaded,
        }
    }
}

/// One of several places of the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Absolute URL.
    pub uri: String,
    /// `@serviceLocation`; the URL itself if not said.
    pub service_location: String,
    /// `@dvb:priority`; lower is preferred. Default 1.
    pub priority: u32,
    /// `@dvb:weight`. Default 1.
    pub weight: u32,
}

/// HLS group memberships.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Groups {
    /// `AUDIO` of a variant, `GROUP-ID` of an audio rendition.
    pub audio: Option<String>,
    /// `VIDEO`.
    pub video: Option<String>,
    /// `SUBTITLES`.
    pub subtitles: Option<String>,
    /// `CLOSED-CAPTIONS`; `NONE` says that there are none.
    pub closed_captions: Option<String>,
}

/// A DASH descriptor: scheme, value and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Descriptor {
    /// `@schemeIdUri`.
    pub scheme: String,
    /// `@value`.
    pub value: Option<String>,
    /// `@id`.
    pub id: Option<String>,
}

/// A bundle of tracks meant to be played together (`Preselection`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Preselection {
    /// `@id`.
    pub id: String,
    /// Track ids, the main one first.
    pub components: Vec<String>,
    /// Language.
    pub language: Option<Language>,
    /// Label.
    pub label: Option<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// `@codecs`.
    pub codecs: Option<String>,
    /// `@selectionPriority`.
    pub selection_priority: u32,
}

/// `ProducerReferenceTime`: which wall-clock time a media time was produced or captured at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerReferenceTime {
    /// `@id`.
    pub id: String,
    /// `@type`: `encoder`, `captured`, `application`.
    pub kind: String,
    /// `@wallClockTime`, where it is a date.
    pub wall_clock: Option<WallTime>,
    /// `@presentationTime` in the representation's timescale.
    pub presentation_ticks: u64,
    /// `@inband`: also in the segments as `prft`.
    pub inband: bool,
}

/// `Resync`: where inside a segment decoding can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resync {
    /// `@type`: stream access point type.
    pub kind: u32,
    /// `@dT`: longest distance, in ticks of the timescale.
    pub max_distance_ticks: Option<u64>,
    /// `@dImax`: longest distance as a share of bandwidth, in millionths.
    pub max_index_micro: Option<u64>,
    /// `@dImin`, in millionths.
    pub min_index_micro: Option<u64>,
    /// `@marker`.
    pub marker: bool,
}

/// What one HLS media playlist says, beside its segments: everything a reload needs.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PlaylistInfo {
    /// URL after redirects.
    pub uri: String,
    /// `EXT-X-VERSION`.
    pub version: u32,
    /// `EXT-X-TARGETDURATION`.
    pub target_duration: MediaTime,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub playlist_type: Option<PlaylistType>,
    /// `EXT-X-ENDLIST` was there.
    pub ended: bool,
    /// `EXT-X-MEDIA-SEQUENCE` was there (H108).
    pub has_media_sequence: bool,
    /// `EXT-X-I-FRAMES-ONLY`.
    pub i_frames_only: bool,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-START`.
    pub start: Option<StartPoint>,
    /// `EXT-X-SERVER-CONTROL`.
    pub server_control: Option<ServerControl>,
    /// `EXT-X-PART-INF` PART-TARGET.
    pub part_target: Option<MediaTime>,
    /// `EXT-X-SKIP`.
    pub skip: Option<Skip>,
    /// `EXT-X-PRELOAD-HINT`s, the first of each type.
    pub preload_hints: Vec<PreloadHint>,
    /// `EXT-X-RENDITION-REPORT`s.
    pub rendition_reports: Vec<RenditionReport>,
    /// `EXT-X-DATERANGE`s, tags of one id consolidated.
    pub date_ranges: Vec<DateRange>,
    /// `EXT-X-DEFINE`s in force at the end.
    pub define: BTreeMap<String, String>,
    /// Tags that this player does not know.
    pub unknown_tags: Vec<UnknownTag>,
    /// Tolerated faults.
    pub warnings: Vec<Warning>,
}

impl PlaylistInfo {
    /// True while segments may still be added: neither `EXT-X-ENDLIST` nor a `VOD` type.
    pub fn goes_on(&self) -> bool {
        !self.ended && self.playlist_type != Some(PlaylistType::Vod)
    }
}

/// `EXT-X-PLAYLIST-TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaylistType {
    /// Will not change.
    Vod,
    /// Only grows.
    Event,
}

/// `EXT-X-SKIP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Segments left out.
    pub segments: u64,
    /// Date ranges were left out too (`RECENTLY-REMOVED-DATERANGES` is there, be it empty).
    pub date_ranges: bool,
    /// Ids of date ranges that are gone.
    pub removed_date_ranges: Vec<String>,
    /// The segment from which on the keys of segments left out no longer hold (`METHOD=NONE`).
    pub keys_ended_at: Option<u64>,
    /// The first segment with an initialisation section to which those keys no longer apply.
    pub maps_ended_at: Option<u64>,
}

/// `EXT-X-PRELOAD-HINT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreloadHint {
    /// `PART` or `MAP`.
    pub kind: String,
    /// Reference as written.
    pub uri: String,
    /// `BYTERANGE-START`.
    pub start: u64,
    /// `BYTERANGE-LENGTH`; None reaches to the end.
    pub length: Option<u64>,
}

impl PreloadHint {
    /// The range, if both ends are known.
    pub fn byte_range(&self) -> Option<ByteRange> {
        self.length.map(|length| ByteRange { offset: self.start, length })
    }
}

/// `EXT-X-RENDITION-REPORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionReport {
    /// Reference as written.
    pub uri: String,
    /// `LAST-MSN`; the containing playlist's if not given.
    pub last_msn: Option<u64>,
    /// `LAST-PART`.
    pub last_part: Option<u64>,
}
