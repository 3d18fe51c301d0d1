//! `Period`: reading it, and where it lies in time (ISO/IEC 23009-1, 5.3.2).

use std::mem::size_of;

use telecine_model::datetime::parse_duration;
use telecine_model::presentation::{Descriptor, Preselection};
use telecine_model::{Error, Language, MediaTime, Period, Segments, SortedMap, SortedSet, Track, TrackKind};

use super::adaptation::Set;
use super::addressing::Level;
use super::baseurl::{combine, RawBase};
use super::captions;
use super::descriptors::{self, scheme, Properties};
use super::element::Element;
use super::events;
use super::mpd::Notes;
use super::protection;
use super::reader::{Warnings, Xml};
use super::service;
use super::track::{self, Above};
use super::value::integer;
use super::xlink::Link;

/// A `Period` as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) place: String,
    id: Option<String>,
    pub(super) start: Option<MediaTime>,
    pub(super) duration: Option<MediaTime>,
    bases: Vec<RawBase>,
    level: Level,
    properties: Properties,
    sets: Vec<Set>,
    events: Vec<events::Draft>,
    preselections: Vec<Preselection>,
    subsets: Vec<Vec<String>>,
    asset_identifier: Option<Descriptor>,
}

impl Draft {
    pub(super) fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>, notes: &mut Notes) -> Result<Self, Error> {
        let mut draft = Self {
            place: xml.path(),
            id: element.string("id").filter(|id| !id.is_empty()),
            start: xml.parsed(element, "start", "D004", parse_duration),
            duration: xml.parsed(element, "duration", "D003", parse_duration),
            ..Self::default()
        };
        while let Some(child) = xml.child()? {
            if draft.properties.read(xml, &child)? || draft.level.read(xml, &child)? {
                continue;
            }
            match child.mpd_name() {
                "AdaptationSet" => {
                    let link = Link::open(xml, &child);
                    if link.is_zero() {
                        xml.skip()?;
                    } else {
                        draft.sets.push(Set::read(xml, &child, notes)?);
                        link.close(xml, &child);
                    }
                }
                "EventStream" => {
                    let link = Link::open(xml, &child);
                    if link.is_zero() {
                        xml.skip()?;
                    } else {
                        let stream = events::Draft::read(xml, &child)?;
                        xml.keep(&mut draft.events, stream)?;
                        link.close(xml, &child);
                    }
                }
                "BaseURL" => {
                    let base = RawBase::read(xml, &child)?;
                    xml.keep(&mut draft.bases, base)?;
                }
                "AssetIdentifier" => draft.asset_identifier = Some(descriptors::read(xml, &child)?),
                "Preselection" => draft.read_preselection(xml, &child)?,
                "Subset" => {
                    xml.keep(&mut draft.subsets, child.words("contains"))?;
                    xml.skip()?;
                }
                "ServiceDescription" => {
                    let service = service::description(xml, &child, &mut notes.steering)?;
                    xml.keep(&mut notes.services, service)?;
                }
                "ContentProtection" => {
                    protection::Descriptor::read(xml, &child, &mut notes.shared)?;
                }
                _ => xml.skip()?,
            }
        }
        Ok(draft)
    }

    fn read_preselection<'a>(&mut self, xml: &mut Xml<'a>, element: &Element<'a>) -> Result<(), Error> {
        let mut preselection = Preselection {
            id: element.string("id").unwrap_or_else(|| "1".to_owned()),
            components: element.words("preselectionComponents"),
            language: element.attr("lang").map(|lang| Language::parse(&lang)),
            codecs: element.string("codecs"),
            selection_priority: xml.parsed(element, "selectionPriority", "D096", integer).unwrap_or(1),
            ..Preselection::default()
        };
        let mut properties = Properties::default();
        while let Some(child) = xml.child()? {
            if properties.read(xml, &child)? {
                continue;
            }
            match child.mpd_name() {
                "Role" => preselection.roles.extend(descriptors::read(xml, &child)?.value),
                "Label" => preselection.label = preselection.label.take().or(Some(descriptors::label(xml, &child)?.1)),
                _ => xml.skip()?,
            }
        }
        match properties.unmet() {
            Some(unmet) => {
                let message = format!("the essential property {unmet} is unknown: the preselection was left out");
                xml.warn("D091", message);
            }
            None => xml.keep(&mut self.preselections, preselection)?,
        }
        Ok(())
    }

    /// An essential property that is not understood.
    pub(super) fn unmet(&self) -> Option<&str> {
        self.properties.unmet()
    }

    /// Builds the period at its place in time. `above` is what the MPD says.
    pub(super) fn build(self, above: &Above<'_>, warnings: &mut Warnings) -> Result<Period, Error> {
        let bases = combine(above.bases, &self.bases, &self.place, warnings);
        let inner =
            Above { bases: &bases, level: &self.level, properties: [above.properties[0], &self.properties], ..*above };
        let mut tracks = Vec::new();
        let mut continues: Vec<String> = Vec::new();
        for set in &self.sets {
            let Some(track) = track::build(set, &inner, warnings)? else {
                continue;
            };
            for kind in [scheme::CONTINUITY, scheme::CONNECTIVITY] {
                for period in set.common.properties.values(kind) {
                    if !continues.iter().any(|known| known == period) {
                        continues.push(period.to_owned());
                    }
                }
            }
            let captions = captions::tracks(&track);
            above.charge(captions.len().saturating_mul(size_of::<Track>() + track.id.len()), &set.place)?;
            tracks.push((track, set.place.as_str()));
            tracks.extend(captions.into_iter().map(|caption| (caption, set.place.as_str())));
        }
        let mut tracks = with_unique_ids(tracks, warnings);
        choose_defaults(&mut tracks);
        let start = above.start;
        Ok(Period {
            // A position would change when earlier periods leave a live MPD; its start does not (D042).
            id: self.id.unwrap_or_else(|| format!("at-{}ms", start.as_millis())),
            start,
            duration: above.duration.or_else(|| longest(&tracks).filter(|_| !above.live).map(|end| end - start)),
            tracks,
            event_streams: self.events.into_iter().map(|draft| draft.place(start)).collect(),
            preselections: self.preselections,
            asset_identifier: self.asset_identifier,
            properties: self.properties.descriptors(),
            subsets: self.subsets,
            continues,
        })
    }
}

/// Where the last known segment of any track ends.
fn longest(tracks: &[Track]) -> Option<MediaTime> {
    tracks
        .iter()
        .flat_map(|track| &track.renditions)
        .filter_map(|rendition| match &rendition.segments {
            Segments::Known(index) if !index.table.is_open() => index.end(),
            _ => None,
        })
        .max()
}

/// Gives tracks without an id one from kind and language, and makes ids differ.
fn with_unique_ids(tracks: Vec<(Track, &str)>, warnings: &mut Warnings) -> Vec<Track> {
    let mut taken: SortedSet<String> = SortedSet::new();
    // The number with which the next one of a name goes on.
    let mut next: SortedMap<String, usize> = SortedMap::new();
    let said: SortedSet<String> = tracks.iter().map(|(track, _)| track.id.clone()).collect();
    let mut out = Vec::with_capacity(tracks.len());
    for (mut track, place) in tracks {
        let named = !track.id.is_empty();
        if named && taken.contains(&track.id) {
            warnings.add("D042", place, format!("the set id {} appears twice in the period", track.id));
        }
        if !named {
            track.id = match &track.language {
                Some(language) => format!("{}-{}", track.kind.name(), language.as_str()),
                None => track.kind.name().to_owned(),
            };
        }
        let stem = track.id.clone();
        let goes_on = next.get(&stem).copied().unwrap_or(1);
        let mut nth = if named && !taken.contains(&stem) { 1 } else { goes_on };
        loop {
            if nth > 1 {
                track.id = format!("{stem}-{nth}");
            }
            nth += 1;
            let own = named && track.id == stem;
            if !taken.contains(&track.id) && (own || !said.contains(&track.id)) {
                break;
            }
        }
        taken.insert(track.id.clone());
        next.insert(stem, nth.max(goes_on));
        out.push(track);
    }
    out
}

/// One default of each kind: the one with the role `main`, else the first; among several main
/// ones the highest `@selectionPriority`. Text is shown by default only if it is called main.
fn choose_defaults(tracks: &mut [Track]) {
    for kind in [TrackKind::Video, TrackKind::Audio, TrackKind::Text, TrackKind::Image, TrackKind::Metadata] {
        let main = |track: &Track| track.roles.iter().any(|role| role == "main");
        let best = tracks
            .iter()
            .enumerate()
            .filter(|(_, track)| track.kind == kind && track.trick_mode_for.is_empty())
            .filter(|(_, track)| kind != TrackKind::Text || main(track))
            .max_by_key(|(at, track)| (main(track), track.selection_priority, std::cmp::Reverse(*at)))
            .map(|(at, _)| at);
        if let Some(track) = best.and_then(|at| tracks.get_mut(at)) {
            track.default = true;
        }
    }
}
