//! The document of `telecine inspect --json`. Every field is always there; what a manifest does not
//! say is null. Fields are only ever added.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Serialize, Serializer};
use telecine_model::events::DateRange;
use telecine_model::live::ServerControl;
use telecine_model::protection::{Key, Protection};
use telecine_model::segments::{InitSection, Part};
use telecine_model::{
    datetime, uri, ByteRange, DeclaredQuality, MediaTime, Presentation, Rendition, Segment, SegmentIndex, Track,
    WallTime,
};

use super::load::{Kind, Loaded};
use super::window::window;
use crate::document::{secs, WarningEntry};

#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    pub(crate) protocol: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) uri: String,
    pub(crate) title: Option<String>,
    /// HLS: a number; DASH: the profiles.
    pub(crate) version: serde_json::Value,
    pub(crate) live: bool,
    pub(crate) low_latency: bool,
    pub(crate) duration_s: Option<f64>,
    pub(crate) target_duration_s: Option<f64>,
    pub(crate) periods: Vec<PeriodEntry<'a>>,
    pub(crate) steering: Option<SteeringEntry>,
    pub(crate) session_data: Vec<SessionDataEntry>,
    pub(crate) session_keys: Vec<KeyEntry>,
    pub(crate) date_ranges: Vec<DateRangeEntry>,
    pub(crate) define: BTreeMap<String, String>,
    pub(crate) start: Option<StartEntry>,
    pub(crate) server_control: Option<ServerControlEntry>,
    pub(crate) warnings: Vec<WarningEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PeriodEntry<'a> {
    pub(crate) id: String,
    pub(crate) start_s: f64,
    pub(crate) duration_s: Option<f64>,
    pub(crate) tracks: Vec<TrackEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TrackEntry<'a> {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) language: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) default: bool,
    pub(crate) autoselect: bool,
    pub(crate) forced: bool,
    pub(crate) channels: Option<u32>,
    /// In-band captions: `CC1`, `SERVICE1`…
    pub(crate) in_stream_id: Option<String>,
    /// What this track is the trick-mode companion of.
    pub(crate) trick_mode_for: Vec<String>,
    pub(crate) renditions: Vec<RenditionEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RenditionEntry<'a> {
    pub(crate) id: String,
    pub(crate) uri: Option<String>,
    /// Null where the manifest does not say it: sound of HLS, a media playlist by itself.
    pub(crate) bandwidth: Option<u64>,
    pub(crate) average_bandwidth: Option<u64>,
    /// As manifests write them: one text, commas between.
    pub(crate) codecs: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// To the thousandth, as HLS writes it.
    pub(crate) frame_rate: Option<f64>,
    pub(crate) video_range: Option<String>,
    pub(crate) score: Option<f64>,
    pub(crate) pathway: Option<String>,
    pub(crate) mime_type: Option<String>,
    pub(crate) protection: Vec<ProtectionEntry>,
    /// Null while the segments are unknown, or endless.
    pub(crate) segment_count: Option<u64>,
    /// Empty unless listed (`--segments`).
    pub(crate) segments: SegmentList<'a>,
    /// Parts of the segment that is still growing.
    pub(crate) growing: Option<GrowingEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ProtectionEntry {
    pub(crate) scheme: String,
    pub(crate) system: Option<String>,
    pub(crate) key_format: Option<String>,
    pub(crate) default_kid: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) pssh: Option<String>,
}

/// Segments, put together one by one as they are written: a day of them is large, its table small.
#[derive(Debug, Default)]
pub(crate) struct SegmentList<'a>(Option<(&'a SegmentIndex, Range<u64>)>);

impl<'a> SegmentList<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|(_, numbers)| numbers.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = SegmentEntry> + Clone + 'a {
        self.0.clone().into_iter().flat_map(|(index, numbers)| {
            numbers.filter_map(move |number| index.get(number)).map(move |segment| segment_entry(segment, index))
        })
    }
}

impl Serialize for SegmentList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct SegmentEntry {
    pub(crate) number: u64,
    pub(crate) start_s: f64,
    pub(crate) duration_s: f64,
    pub(crate) uri: String,
    pub(crate) byte_range: Option<RangeEntry>,
    pub(crate) init: Option<InitEntry>,
    pub(crate) discontinuity: u64,
    pub(crate) gap: bool,
    pub(crate) program_date_time: Option<String>,
    pub(crate) key: Option<KeyEntry>,
    pub(crate) bitrate: Option<u64>,
    pub(crate) parts: Vec<PartEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct GrowingEntry {
    pub(crate) number: u64,
    pub(crate) parts: Vec<PartEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RangeEntry {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct InitEntry {
    pub(crate) uri: String,
    pub(crate) byte_range: Option<RangeEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct KeyEntry {
    pub(crate) method: String,
    pub(crate) uri: Option<String>,
    /// The explicit one, as `0x…`; null means that it follows from the segment's number.
    pub(crate) iv: Option<String>,
    pub(crate) key_format: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct PartEntry {
    pub(crate) duration_s: f64,
    pub(crate) uri: String,
    pub(crate) byte_range: Option<RangeEntry>,
    pub(crate) independent: bool,
    pub(crate) gap: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct SteeringEntry {
    pub(crate) uri: String,
    /// The pathway (or service location) to start with.
    pub(crate) pathway: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SessionDataEntry {
    pub(crate) id: String,
    pub(crate) value: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) format: String,
    pub(crate) language: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DateRangeEntry {
    pub(crate) id: String,
    pub(crate) class: Option<String>,
    pub(crate) start_date: String,
    pub(crate) cue: Vec<String>,
    pub(crate) end_date: Option<String>,
    pub(crate) duration_s: Option<f64>,
    pub(crate) planned_duration_s: Option<f64>,
    pub(crate) end_on_next: bool,
    pub(crate) scte35: BTreeMap<String, String>,
    pub(crate) client: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StartEntry {
    pub(crate) time_offset_s: f64,
    pub(crate) precise: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct ServerControlEntry {
    pub(crate) can_skip_until_s: Option<f64>,
    pub(crate) can_skip_date_ranges: bool,
    pub(crate) hold_back_s: Option<f64>,
    pub(crate) part_hold_back_s: Option<f64>,
    pub(crate) can_block_reload: bool,
}

/// The document of a loaded manifest. `now` bounds the list of a live template without an end.
pub(crate) fn document(loaded: &Loaded, list_segments: bool, now: WallTime) -> Document<'_> {
    let title = &loaded.presentation;
    let playlist = loaded.playlist.as_ref();
    let mut warnings: Vec<WarningEntry> = loaded.warnings.iter().map(WarningEntry::from).collect();
    let periods = title
        .periods
        .iter()
        .map(|period| PeriodEntry {
            id: period.id.clone(),
            start_s: secs(period.start),
            duration_s: period.duration.map(secs),
            tracks: period
                .tracks
                .iter()
                .map(|track| track_entry(title, track, list_segments, now, &mut warnings))
                .collect(),
        })
        .collect();
    Document {
        protocol: title.protocol.name(),
        kind: match loaded.kind {
            Kind::Multivariant => "multivariant",
            Kind::Media => "media",
            Kind::Mpd => "mpd",
        },
        uri: title.uri.clone(),
        title: title.title.clone(),
        version: version(title.version.as_deref()),
        live: title.live,
        low_latency: title.low_latency,
        duration_s: title.duration.map(secs),
        target_duration_s: title.target_duration.map(secs),
        periods,
        steering: title
            .steering
            .as_ref()
            .map(|steering| SteeringEntry { uri: steering.uri.clone(), pathway: steering.initial.first().cloned() }),
        session_data: title
            .session_data
            .iter()
            .map(|datum| SessionDataEntry {
                id: datum.id.clone(),
                value: datum.value.clone(),
                uri: datum.uri.clone(),
                format: datum.format.clone(),
                language: datum.language.clone(),
            })
            .collect(),
        session_keys: title.session_keys.iter().map(|key| key_entry(key, &title.uri)).collect(),
        date_ranges: playlist.map_or_else(Vec::new, |info| info.date_ranges.iter().map(date_range).collect()),
        define: title.define.clone(),
        start: title
            .start
            .or(playlist.and_then(|info| info.start))
            .map(|start| StartEntry { time_offset_s: secs(start.offset), precise: start.precise }),
        server_control: playlist.and_then(|info| info.server_control.as_ref()).map(server_control),
        warnings,
    }
}

/// HLS versions are numbers.
fn version(version: Option<&str>) -> serde_json::Value {
    version.map_or(serde_json::Value::Null, |text| text.parse::<u64>().map_or_else(|_| text.into(), Into::into))
}

fn track_entry<'a>(
    title: &Presentation,
    track: &'a Track,
    list: bool,
    now: WallTime,
    warnings: &mut Vec<WarningEntry>,
) -> TrackEntry<'a> {
    TrackEntry {
        id: track.id.clone(),
        kind: track.kind.name(),
        language: track.language.as_ref().map(ToString::to_string),
        name: track.name.clone(),
        roles: track.roles.clone(),
        default: track.default,
        autoselect: track.autoselect,
        forced: track.forced,
        channels: track.channels,
        in_stream_id: track.in_stream_id.clone(),
        trick_mode_for: track.trick_mode_for.clone(),
        renditions: track
            .renditions
            .iter()
            .map(|rendition| rendition_entry(title, rendition, list, now, warnings))
            .collect(),
    }
}

fn rendition_entry<'a>(
    title: &Presentation,
    rendition: &'a Rendition,
    list: bool,
    now: WallTime,
    warnings: &mut Vec<WarningEntry>,
) -> RenditionEntry<'a> {
    let index = rendition.segments.known();
    let codecs: Vec<String> = rendition.codecs.iter().map(ToString::to_string).collect();
    RenditionEntry {
        id: rendition.id.clone(),
        uri: rendition.uri.clone(),
        // Zero stands for unknown in the model.
        bandwidth: Some(rendition.bandwidth).filter(|bps| *bps > 0),
        average_bandwidth: rendition.average_bandwidth,
        codecs: (!codecs.is_empty()).then(|| codecs.join(",")),
        width: rendition.width,
        height: rendition.height,
        frame_rate: rendition
            .frame_rate
            .and_then(|(count, span)| (span != 0).then(|| (f64::from(count) / f64::from(span) * 1e3).round() / 1e3)),
        video_range: rendition.video_range.clone(),
        score: rendition.quality.and_then(DeclaredQuality::score_milli).map(|milli| milli as f64 / 1e3),
        pathway: rendition.pathway.clone(),
        mime_type: rendition.mime_type.clone(),
        protection: protection(rendition, index),
        segment_count: index.filter(|index| !index.table.is_open()).map(|index| index.table.len()),
        segments: match index {
            Some(index) if list => {
                let window = window(title, index, now);
                if let Some(left_out) = window.left_out {
                    warnings.push(WarningEntry {
                        rule: "list".to_owned(),
                        place: rendition.id.clone(),
                        message: format!("of an endless list of segments the oldest {left_out} are not shown"),
                        media: None,
                    });
                }
                SegmentList(Some((index, window.numbers)))
            }
            _ => SegmentList::default(),
        },
        growing: index.filter(|_| list).and_then(growing),
    }
}

/// What the manifest says of protection, or else what its segments' keys do.
fn protection(rendition: &Rendition, index: Option<&SegmentIndex>) -> Vec<ProtectionEntry> {
    let said = |protection: &Protection| ProtectionEntry {
        scheme: protection.scheme.clone(),
        system: protection.system.clone(),
        key_format: protection.key_format.clone(),
        default_kid: protection.default_kid.map(|kid| kid.to_string()),
        uri: protection.uri.clone(),
        pssh: protection.pssh.clone(),
    };
    if !rendition.protection.is_empty() {
        return rendition.protection.iter().map(said).collect();
    }
    let Some(index) = index else { return Vec::new() };
    let mut out: Vec<ProtectionEntry> = Vec::new();
    for key in index.keys.iter().flat_map(|(_, keys)| keys.iter()) {
        let known = |entry: &ProtectionEntry| {
            entry.scheme == key.method.name() && entry.key_format.as_deref() == Some(key.key_format.as_str())
        };
        if !out.iter().any(known) {
            out.push(ProtectionEntry {
                scheme: key.method.name().to_owned(),
                system: None,
                key_format: Some(key.key_format.clone()),
                default_kid: None,
                uri: key.uri.as_deref().map(|reference| uri::resolve(&index.base, reference)),
                pssh: None,
            });
        }
    }
    out
}

fn segment_entry(segment: Segment, index: &SegmentIndex) -> SegmentEntry {
    SegmentEntry {
        number: segment.number,
        start_s: secs(segment.start),
        duration_s: secs(segment.duration),
        byte_range: segment.byte_range.map(range),
        init: segment.init.as_deref().map(|init| init_entry(init, index)),
        discontinuity: segment.discontinuity,
        gap: segment.gap,
        program_date_time: segment.program_date_time.map(datetime::format_date_time),
        key: segment.keys.first().map(|key| key_entry(key, &index.base)),
        bitrate: segment.bitrate,
        parts: index
            .parts
            .iter()
            .find(|partial| partial.number == segment.number)
            .map_or_else(Vec::new, |partial| partial.parts.iter().map(|part| part_entry(part, index)).collect()),
        uri: segment.uri,
    }
}

fn growing(index: &SegmentIndex) -> Option<GrowingEntry> {
    let partial = index.parts.last().filter(|partial| partial.number >= index.table.end_number())?;
    Some(GrowingEntry {
        number: partial.number,
        parts: partial.parts.iter().map(|part| part_entry(part, index)).collect(),
    })
}

fn init_entry(init: &InitSection, index: &SegmentIndex) -> InitEntry {
    InitEntry { uri: index.resolve(&init.uri), byte_range: init.byte_range.map(range) }
}

fn part_entry(part: &Part, index: &SegmentIndex) -> PartEntry {
    PartEntry {
        duration_s: secs(part.duration),
        uri: uri::resolve(&index.base, &part.uri),
        byte_range: part.byte_range.map(range),
        independent: part.independent,
        gap: part.gap,
    }
}

fn range(range: ByteRange) -> RangeEntry {
    RangeEntry { offset: range.offset, length: range.length }
}

fn key_entry(key: &Key, base: &str) -> KeyEntry {
    KeyEntry {
        method: key.method.name().to_owned(),
        uri: key.uri.as_deref().map(|reference| uri::resolve(base, reference)),
        iv: key.iv.map(|iv| iv.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))),
        key_format: key.key_format.clone(),
    }
}

fn date_range(range: &DateRange) -> DateRangeEntry {
    DateRangeEntry {
        id: range.id.clone(),
        class: range.class.clone(),
        start_date: datetime::format_date_time(range.start),
        cue: range.cue.clone(),
        end_date: range.end.map(datetime::format_date_time),
        duration_s: range.duration.map(secs),
        planned_duration_s: range.planned_duration.map(secs),
        end_on_next: range.end_on_next,
        scte35: range.scte35.clone(),
        client: range.client.clone(),
    }
}

fn server_control(control: &ServerControl) -> ServerControlEntry {
    let span = |span: Option<MediaTime>| span.map(secs);
    ServerControlEntry {
        can_skip_until_s: span(control.can_skip_until),
        can_skip_date_ranges: control.can_skip_date_ranges,
        hold_back_s: span(control.hold_back),
        part_hold_back_s: span(control.part_hold_back),
        can_block_reload: control.can_block_reload,
    }
}
