//! An adaptation set as a track, its representations as renditions.

use std::cell::Cell;
use std::mem::{size_of, size_of_val};

use telecine_model::presentation::{BaseUrl, DeclaredQuality, Descriptor};
use telecine_model::protection::Protection;
use telecine_model::segments::Queries;
use telecine_model::{
    Codec, Error, ErrorCode, Language, Limits, MediaTime, Place, Rendition, Segments, Track, TrackKind,
};

use super::adaptation::{Representation, Set};
use super::addressing::{self, Level, Scope};
use super::baseurl::{combine, Base};
use super::descriptors::{scheme, video_range, Properties};
use super::element::WORDS;
use super::protection::{self, Shared};
use super::reader::Warnings;
use super::value::grid;

/// What the tracks of a period depend on.
pub(super) struct Above<'p> {
    pub(super) limits: &'p Limits,
    /// URL of the MPD.
    pub(super) uri: &'p str,
    pub(super) live: bool,
    pub(super) start: MediaTime,
    pub(super) duration: Option<MediaTime>,
    pub(super) bases: &'p [Base],
    pub(super) level: &'p Level,
    /// Properties of the MPD and of the period.
    pub(super) properties: [&'p Properties; 2],
    pub(super) shared: &'p Shared,
    /// Bytes that renditions may still occupy: what a set says once, each of its representations
    /// holds.
    pub(super) memory: &'p Cell<usize>,
}

impl Above<'_> {
    /// Takes bytes off the budget.
    pub(super) fn charge(&self, bytes: usize, place: &str) -> Result<(), Error> {
        match self.memory.get().checked_sub(bytes) {
            Some(left) => {
                self.memory.set(left);
                Ok(())
            }
            None => {
                let message = "the presentation would occupy many times what its text does";
                Err(Error::new(ErrorCode::ManifestLimit, message).at(Place::Path(place.to_owned())))
            }
        }
    }
}

/// Builds a track. None, with a warning, if it cannot be used.
pub(super) fn build(set: &Set, above: &Above<'_>, warnings: &mut Warnings) -> Result<Option<Track>, Error> {
    if let Some(unmet) = set.common.properties.unmet() {
        let message = format!("the essential property {unmet} is unknown: the set was left out");
        warnings.add("D091", &set.place, message);
        return Ok(None);
    }
    let kind = kind_of(set);
    let mut track = Track::new(set.id.clone().unwrap_or_default(), kind);
    describe(&mut track, set);
    let bases = combine(above.bases, &set.bases, &set.place, warnings);
    let level = set.level.under(above.level);
    for (at, representation) in set.representations.iter().enumerate() {
        let family = Family { set, above, bases: &bases, level: &level };
        if let Some(rendition) = family.rendition(representation, at, kind, warnings)? {
            for scheme in &representation.common.inband_events {
                if !track.inband_events.contains(scheme) {
                    track.inband_events.push(scheme.clone());
                }
            }
            track.tiles = track.tiles.or_else(|| tiles(&representation.common.properties));
            track.renditions.push(rendition);
        }
    }
    if track.renditions.is_empty() && !set.remote {
        warnings.add("D042", &set.place, "a set without a usable representation was left out");
        return Ok(None);
    }
    track.channels = track.renditions.iter().filter_map(|rendition| rendition.channels).max();
    Ok(Some(track))
}

/// Everything but the renditions.
fn describe(track: &mut Track, set: &Set) {
    let properties = &set.common.properties;
    let role = |descriptors: &[Descriptor]| -> Vec<String> {
        let mut roles: Vec<String> = Vec::new();
        for descriptor in descriptors.iter().filter(|d| d.scheme == scheme::ROLE) {
            let value = descriptor.value.as_deref().unwrap_or("").trim().to_owned();
            if !value.is_empty() && !roles.contains(&value) {
                roles.push(value);
            }
        }
        roles
    };
    track.roles = role(&set.roles);
    // Accessibility in the role scheme is a role too: the description of a scene, signing.
    for value in role(&set.accessibility) {
        if !track.roles.contains(&value) {
            track.roles.push(value);
        }
    }
    track.accessibility.clone_from(&set.accessibility);
    track.language = set.language.as_deref().filter(|lang| !lang.is_empty()).map(Language::parse);
    track.labels.clone_from(&set.common.labels);
    track.name = set.common.labels.first().map(|(_, text)| text.clone());
    track.forced = track.roles.iter().any(|role| matches!(role.as_str(), "forced-subtitle" | "forced_subtitle"));
    track.selection_priority = set.selection_priority.unwrap_or(1);
    let words = |scheme| -> Vec<String> {
        properties
            .values(scheme)
            .flat_map(|value| value.split([',', ' ']))
            .filter(|word| !word.is_empty())
            .take(WORDS)
            .map(str::to_owned)
            .collect()
    };
    track.trick_mode_for = words(scheme::TRICK_MODE);
    track.switchable_with = words(scheme::SWITCHING);
    track.autoselect = track.trick_mode_for.is_empty();
    track.bitstream_switching = set.bitstream_switching;
    track.segment_alignment = set.segment_alignment;
    track.tiles = tiles(properties);
    track.properties = properties.descriptors();
    track.inband_events.clone_from(&set.common.inband_events);
    track.channel_layout.clone_from(&set.common.channel_layout);
}

fn tiles(properties: &Properties) -> Option<(u32, u32)> {
    properties
        .iter()
        .filter(|property| scheme::is_tile(&property.descriptor.scheme))
        .find_map(|property| grid(property.descriptor.value.as_deref()?))
}

/// For which sense a set is: `@contentType`, else the MIME type, else the codecs.
fn kind_of(set: &Set) -> TrackKind {
    let first = set.representations.first().map(|representation| &representation.common);
    let mime = set.common.mime_type.as_deref();
    let mime = mime.or_else(|| first?.mime_type.as_deref()).unwrap_or("");
    let codecs = set.common.codecs.as_deref();
    let codecs = codecs.or_else(|| first?.codecs.as_deref()).unwrap_or("");
    let major = |text: &str| match text {
        "video" => Some(TrackKind::Video),
        "audio" => Some(TrackKind::Audio),
        "text" => Some(TrackKind::Text),
        "image" => Some(TrackKind::Image),
        _ => None,
    };
    let of_codecs = || {
        let kinds: Vec<TrackKind> = Codec::parse_list(codecs).iter().filter_map(Codec::kind).collect();
        let video = kinds.iter().find(|kind| **kind == TrackKind::Video);
        video.or_else(|| kinds.first()).copied()
    };
    let of_mime = || match mime {
        "application/ttml+xml" => Some(TrackKind::Text),
        mime => major(mime.split('/').next().unwrap_or("")),
    };
    set.content_type.as_deref().and_then(major).or_else(of_codecs).or_else(of_mime).unwrap_or(TrackKind::Metadata)
}

/// What a representation inherits.
struct Family<'f> {
    set: &'f Set,
    above: &'f Above<'f>,
    bases: &'f [Base],
    level: &'f Level,
}

impl Family<'_> {
    fn rendition(
        &self,
        own: &Representation,
        at: usize,
        kind: TrackKind,
        warnings: &mut Warnings,
    ) -> Result<Option<Rendition>, Error> {
        let (set, above) = (&self.set.common, self.above);
        if let Some(unmet) = own.common.properties.unmet() {
            let message = format!("the essential property {unmet} is unknown: the representation was left out");
            warnings.add("D091", &own.place, message);
            return Ok(None);
        }
        let id = own.id.clone().unwrap_or_else(|| {
            warnings.add("D042", &own.place, "a representation without @id was given one");
            format!("{}-{}", self.set.id.as_deref().unwrap_or(kind.name()), at + 1)
        });
        if own.bandwidth.is_none() {
            warnings.add("D042", &own.place, "a representation without @bandwidth was read as 0 bit/s");
        }
        let bandwidth = own.bandwidth.unwrap_or(0);
        let bases = combine(self.bases, &own.bases, &own.place, warnings);
        let Some(base) = bases.first() else {
            return Ok(None);
        };
        let levels = [above.properties[0], above.properties[1], &set.properties, &own.common.properties];
        let queries = levels
            .iter()
            .flat_map(|properties| properties.iter())
            .filter_map(|property| property.url_query.as_ref())
            .filter_map(|query| {
                let resolved = query.resolve(above.uri);
                if resolved.is_none() {
                    warnings.add("D102", &own.place, "a query longer than 16 KiB was left out");
                }
                resolved
            });
        let queries = Queries::new(queries);
        let last_number = levels
            .iter()
            .flat_map(|properties| properties.values(scheme::LAST_SEGMENT))
            .filter_map(|value| value.trim().parse().ok())
            .last();
        let mime_type = own.common.mime_type.clone().or_else(|| set.mime_type.clone());
        let scope = Scope {
            limits: above.limits,
            place: &own.place,
            id: &id,
            bandwidth,
            base,
            period_start: above.start,
            period_duration: above.duration,
            live: above.live,
            last_number,
            queries: &queries,
            // The sixth edition (5.3.9.7.2), whose representations carry this descriptor, counts from 0, the
            // fifth from 1.
            sub_numbers_from_zero: levels
                .iter()
                .any(|properties| properties.values(scheme::SEQUENCES).next().is_some()),
            stand_alone_text: matches!(mime_type.as_deref(), Some("text/vtt" | "application/ttml+xml")),
        };
        let Some(built) = addressing::build(&own.level.under(self.level), &scope, warnings)? else {
            return Ok(None);
        };
        let mut rendition = Rendition::new(id, bandwidth);
        rendition.segments = built.segments;
        rendition.invalid_ranges = built.invalid_ranges;
        rendition.pathway = base.named.then(|| base.to_model().service_location);
        rendition.bases = bases.iter().map(Base::to_model).collect();
        rendition.mime_type = mime_type;
        rendition.quality = own.quality_ranking.map(DeclaredQuality::Ranking);
        rendition.depends_on.clone_from(&own.depends_on);
        rendition.protection = protection::merge(&own.common.protection, &set.protection, above.shared);
        self.inherit(&mut rendition, own);
        above.charge(heap_bytes(&rendition), &own.place)?;
        Ok(Some(rendition))
    }

    /// What comes from the representation or, where it is silent, from the set.
    fn inherit(&self, rendition: &mut Rendition, representation: &Representation) {
        let (own, set) = (&representation.common, &self.set.common);
        let codecs = own.codecs.as_deref().or(set.codecs.as_deref()).unwrap_or("");
        rendition.codecs = Codec::parse_list(codecs);
        rendition.supplemental_codecs = own.supplemental_codecs.clone().or_else(|| set.supplemental_codecs.clone());
        rendition.width = own.width.or(set.width);
        rendition.height = own.height.or(set.height);
        rendition.frame_rate = own.frame_rate.or(set.frame_rate);
        rendition.sample_rate = own.sample_rate.or(set.sample_rate);
        rendition.channels = own.channels.or(set.channels);
        rendition.max_playout_rate_milli = own.max_playout_rate.or(set.max_playout_rate);
        let ranges = own.properties.values(scheme::TRANSFER).chain(set.properties.values(scheme::TRANSFER));
        // Where base and enhanced characteristics are given, the wider one is what is shown.
        rendition.video_range = ranges.filter_map(video_range).max_by_key(|range| *range != "SDR").map(str::to_owned);
        // Pictures that depend on no other, or a set made for trick play, which has only those.
        let dependency = own.coding_dependency.or(set.coding_dependency);
        let trick = self.set.common.properties.values(scheme::TRICK_MODE).next().is_some();
        rendition.key_frames_only = dependency == Some(false) || (trick && dependency.is_none());
        let sap = own.start_with_sap.or(set.start_with_sap).or(self.set.starts_with_sap);
        rendition.independent_segments = matches!(sap, Some(1 | 2));
        let nearest = |own_is_empty: bool| if own_is_empty { set } else { own };
        rendition.producer_times.clone_from(&nearest(own.producer_times.is_empty()).producer_times);
        rendition.resync.clone_from(&nearest(own.resync.is_empty()).resync);
    }
}

/// What a rendition occupies, about.
fn heap_bytes(rendition: &Rendition) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let base = |base: &BaseUrl| size_of::<BaseUrl>() + base.uri.len() + base.service_location.len();
    let protection = |p: &Protection| {
        size_of::<Protection>() + text(&p.pssh) + text(&p.pro) + text(&p.uri) + p.scheme.len() + text(&p.system)
    };
    let segments = match &rendition.segments {
        Segments::Known(index) => index.heap_bytes(),
        Segments::Indexed(source) => source.queries.heap_bytes(),
        Segments::Unloaded => 0,
    };
    size_of::<Rendition>()
        + segments
        + rendition.id.len()
        + rendition.bases.iter().map(base).sum::<usize>()
        + rendition.protection.iter().map(protection).sum::<usize>()
        + rendition.codecs.iter().map(|codec| size_of::<Codec>() + codec.as_str().len()).sum::<usize>()
        + text(&rendition.supplemental_codecs)
        + text(&rendition.mime_type)
        + size_of_val(rendition.invalid_ranges.as_slice())
        + size_of_val(rendition.producer_times.as_slice())
        + size_of_val(rendition.resync.as_slice())
}
