//! What a page may ask for, as plain values: the names are the engine's, times are seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use telecine_engine::abr::Estimate;
use telecine_engine::telemetry::{LatencySummary, QoeState, QoeSummary};
use telecine_engine::{InterstitialSnapshot, LiveSnapshot, Snapshot, State, StreamSnapshot};
use telecine_model::{MediaTime, Presentation, Rendition, SortedMap, Track, TrackKind};

/// Of a track of thumbnails no more pictures are told.
const MOST_THUMBNAILS: usize = 10_000;
/// Where a title says that it has chapters (Apple, "Providing Metadata for XML and JSON chapters").
const CHAPTERS: &str = "com.apple.hls.chapters";

/// What pages may want to see of the player at any time.
#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(crate) struct ToldSnapshot<'a> {
    state: State,
    position: MediaTime,
    duration: Option<MediaTime>,
    live: bool,
    edge: Option<ToldEdge>,
    rate_milli: u32,
    throughput: Option<u64>,
    network: Option<ToldNetwork>,
    #[cfg_attr(test, serde(borrow))]
    streams: Vec<ToldStream<'a>>,
    #[cfg_attr(test, serde(borrow))]
    interstitial: Option<ToldBreak<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldEdge {
    seekable: (MediaTime, MediaTime),
    latency: Option<MediaTime>,
    target: MediaTime,
    following: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldNetwork {
    bits_per_second: u64,
    low: u64,
    ttfb: f64,
    samples: u32,
    median: Option<u64>,
    deviation_milli: Option<u32>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldStream<'a> {
    kind: TrackKind,
    track: &'a str,
    rendition: Option<&'a str>,
    bitrate: u64,
    height: Option<u32>,
    buffered: MediaTime,
    bytes: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldBreak<'a> {
    id: &'a str,
    asset: Option<u32>,
    position: MediaTime,
    duration: Option<MediaTime>,
    played: MediaTime,
    skippable: bool,
}

impl<'a> ToldSnapshot<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            state: snapshot.state,
            position: snapshot.position,
            duration: snapshot.duration,
            live: snapshot.live,
            edge: snapshot.edge.as_ref().map(ToldEdge::of),
            rate_milli: snapshot.rate_milli,
            throughput: snapshot.throughput,
            network: snapshot.network.as_ref().map(ToldNetwork::of),
            streams: snapshot.streams.iter().map(ToldStream::of).collect(),
            interstitial: snapshot.interstitial.as_ref().map(ToldBreak::of),
        }
    }
}

impl ToldEdge {
    fn of(edge: &LiveSnapshot) -> Self {
        Self { seekable: edge.seekable, latency: edge.latency, target: edge.target, following: edge.following }
    }
}

impl ToldNetwork {
    fn of(estimate: &Estimate) -> Self {
        Self {
            bits_per_second: estimate.bits_per_second,
            low: estimate.low,
            ttfb: estimate.ttfb.as_secs_f64(),
            samples: estimate.samples,
            median: estimate.recent.as_ref().map(|recent| recent.median),
            deviation_milli: estimate.recent.as_ref().map(|recent| recent.deviation_milli),
        }
    }
}

impl<'a> ToldStream<'a> {
    fn of(stream: &'a StreamSnapshot) -> Self {
        Self {
            kind: stream.kind,
            track: &stream.track,
            rendition: stream.rendition.as_deref(),
            bitrate: stream.bitrate,
            height: stream.height,
            buffered: stream.buffered,
            bytes: stream.bytes,
        }
    }
}

impl<'a> ToldBreak<'a> {
    fn of(played: &'a InterstitialSnapshot) -> Self {
        Self {
            id: &played.id,
            asset: played.asset,
            position: played.position,
            duration: played.duration,
            played: played.played,
            skippable: played.skippable,
        }
    }
}

/// A title as far as pages choose in it: the tracks of the period at the playhead.
#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(crate) struct ToldPresentation<'a> {
    protocol: &'static str,
    live: bool,
    low_latency: bool,
    duration: Option<MediaTime>,
    title: Option<&'a str>,
    period: &'a str,
    #[cfg_attr(test, serde(borrow))]
    tracks: Vec<ToldTrack<'a>>,
    #[cfg_attr(test, serde(borrow))]
    thumbnails: Vec<ToldThumbnails<'a>>,
    chapters: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldTrack<'a> {
    id: &'a str,
    kind: TrackKind,
    language: Option<&'a str>,
    label: Option<&'a str>,
    #[cfg_attr(test, serde(borrow))]
    roles: Vec<&'a str>,
    channels: Option<u32>,
    default: bool,
    forced: bool,
    selected: bool,
    #[cfg_attr(test, serde(borrow))]
    renditions: Vec<ToldRendition<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldRendition<'a> {
    id: &'a str,
    bitrate: u64,
    average_bitrate: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    codecs: String,
    hdr: Option<&'a str>,
    channels: Option<u32>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldThumbnails<'a> {
    id: &'a str,
    bitrate: u64,
    width: Option<u32>,
    height: Option<u32>,
    columns: u32,
    rows: u32,
    images: Vec<ToldImage>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldImage {
    url: String,
    start: MediaTime,
    duration: MediaTime,
}

impl<'a> ToldPresentation<'a> {
    /// `selected` are the tracks that are played.
    pub(crate) fn of(
        presentation: &'a Presentation,
        position: MediaTime,
        selected: &SortedMap<TrackKind, String>,
    ) -> Option<Self> {
        let begun = presentation.periods.iter().rev().find(|period| period.start <= position);
        let period = begun.or(presentation.periods.first())?;
        let tracks = period.tracks.iter().filter(|track| track.trick_mode_for.is_empty());
        let is_chosen = |track: &Track| selected.get(&track.kind) == Some(&track.id);
        let played = |track: &&Track| matches!(track.kind, TrackKind::Video | TrackKind::Audio | TrackKind::Text);
        let chapters = presentation.session_data.iter().find(|data| data.id == CHAPTERS);
        Some(Self {
            protocol: presentation.protocol.name(),
            live: presentation.live,
            low_latency: presentation.low_latency,
            duration: presentation.duration,
            title: presentation.title.as_deref(),
            period: &period.id,
            tracks: tracks.clone().filter(played).map(|track| ToldTrack::of(track, is_chosen(track))).collect(),
            thumbnails: tracks.filter_map(ToldThumbnails::of).collect(),
            chapters: chapters.and_then(|data| data.uri.as_deref()),
        })
    }
}

impl<'a> ToldTrack<'a> {
    fn of(track: &'a Track, selected: bool) -> Self {
        Self {
            id: &track.id,
            kind: track.kind,
            language: track.language.as_ref().map(telecine_model::Language::as_str),
            label: track.name.as_deref().or_else(|| track.labels.first().map(|(_, label)| label.as_str())),
            roles: track.roles.iter().map(String::as_str).collect(),
            channels: track.channels,
            default: track.default,
            forced: track.forced,
            selected,
            renditions: track.renditions.iter().map(ToldRendition::of).collect(),
        }
    }
}

impl<'a> ToldRendition<'a> {
    fn of(rendition: &'a Rendition) -> Self {
        let rate = rendition.frame_rate.filter(|(_, seconds)| *seconds > 0);
        let codecs: Vec<&str> = rendition.codecs.iter().map(telecine_model::Codec::as_str).collect();
        Self {
            id: &rendition.id,
            bitrate: rendition.bandwidth,
            average_bitrate: rendition.average_bandwidth,
            width: rendition.width,
            height: rendition.height,
            frame_rate: rate.map(|(frames, seconds)| f64::from(frames) / f64::from(seconds)),
            codecs: codecs.join(","),
            hdr: rendition.video_range.as_deref(),
            channels: rendition.channels,
        }
    }
}

impl<'a> ToldThumbnails<'a> {
    /// Tiles of the first rendition of a track of images, where its segments are known.
    fn of(track: &'a Track) -> Option<Self> {
        let rendition = track.renditions.first().filter(|_| track.kind == TrackKind::Image)?;
        let index = rendition.segments.known()?;
        let (columns, rows) = track.tiles.unwrap_or((1, 1));
        let first = index.number_at(index.start()?)?;
        let images = (first..).map_while(|number| index.get(number)).take(MOST_THUMBNAILS).map(|segment| ToldImage {
            url: segment.uri,
            start: segment.start,
            duration: segment.duration,
        });
        Some(Self {
            id: &track.id,
            bitrate: rendition.bandwidth,
            width: rendition.width,
            height: rendition.height,
            columns,
            rows,
            images: images.collect(),
        })
    }
}

/// What a session was like.
#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(crate) struct ToldQoe<'a> {
    #[cfg_attr(test, serde(deserialize_with = "crate::shapes::sample::qoe_state"))]
    state: QoeState,
    startup: Option<f64>,
    played: f64,
    paused: f64,
    stalls: u64,
    stalled: f64,
    stall_ratio_micro: u64,
    seeks: u64,
    seek_time: f64,
    mean_bitrate: Option<u64>,
    mean_height_milli: Option<u64>,
    switches_up: u64,
    switches_down: u64,
    latency: Option<ToldLatency>,
    bytes_fetched: u64,
    bytes_media: u64,
    bytes_wasted: u64,
    bytes_replaced: u64,
    segments_replaced: u64,
    bytes_skipped: u64,
    requests: u64,
    requests_failed: u64,
    requests_cancelled: u64,
    #[cfg_attr(test, serde(deserialize_with = "crate::shapes::sample::leaked"))]
    by_pathway: &'a BTreeMap<String, u64>,
    states: Spent<'a>,
    elapsed: f64,
}

/// Time by state.
pub(crate) struct Spent<'a>(pub(crate) &'a BTreeMap<QoeState, Duration>);

impl Serialize for Spent<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(state, spent)| (state, spent.as_secs_f64())))
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct ToldLatency {
    mean: f64,
    p95: f64,
    target: f64,
    followed: bool,
}

impl<'a> ToldQoe<'a> {
    pub(crate) fn of(summary: &'a QoeSummary) -> Self {
        let seconds = Duration::as_secs_f64;
        Self {
            state: summary.state,
            startup: summary.startup.as_ref().map(seconds),
            played: seconds(&summary.played),
            paused: seconds(&summary.paused),
            stalls: summary.stalls,
            stalled: seconds(&summary.stalled),
            stall_ratio_micro: summary.stall_ratio_micro,
            seeks: summary.seeks,
            seek_time: seconds(&summary.seek_time),
            mean_bitrate: summary.mean_bitrate,
            mean_height_milli: summary.mean_height_milli,
            switches_up: summary.switches_up,
            switches_down: summary.switches_down,
            latency: summary.latency.as_ref().map(ToldLatency::of),
            bytes_fetched: summary.bytes_fetched,
            bytes_media: summary.bytes_media,
            bytes_wasted: summary.bytes_wasted,
            bytes_replaced: summary.bytes_replaced,
            segments_replaced: summary.segments_replaced,
            bytes_skipped: summary.bytes_skipped,
            requests: summary.requests,
            requests_failed: summary.requests_failed,
            requests_cancelled: summary.requests_cancelled,
            by_pathway: &summary.by_pathway,
            states: Spent(&summary.states),
            elapsed: seconds(&summary.elapsed),
        }
    }
}

impl ToldLatency {
    fn of(latency: &LatencySummary) -> Self {
        let seconds = Duration::as_secs_f64;
        Self {
            mean: seconds(&latency.mean),
            p95: seconds(&latency.p95),
            target: seconds(&latency.target),
            followed: latency.followed,
        }
    }
}
