//! `MPD`: the root, and the order in which drafts become a presentation.

use std::cell::Cell;

use telecine_model::datetime::{parse_date_time, parse_duration};
use telecine_model::live::{DashTiming, ServiceDescription, Steering};
use telecine_model::{uri, Error, ErrorCode, MediaTime, Place, Presentation, Protocol, Segments};

use super::addressing::Level;
use super::baseurl::{combine, Base, RawBase};
use super::descriptors::{self, Properties};
use super::element::Element;
use super::period::Draft;
use super::protection::{self, Shared};
use super::reader::{decode, Warnings, Xml};
use super::service;
use super::track::Above;
use super::xlink::{self, Link};
use super::{Context, Mpd};

/// How many times the largest allowed manifest its presentation may occupy.
const MEMORY: usize = 4;

/// Namespace of the MPD.
pub(super) const NAMESPACE: &str = "urn:mpeg:dash:schema:mpd:2011";

/// What elements anywhere in the MPD contribute to the whole.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) shared: Shared,
    pub(super) steering: Option<Steering>,
    pub(super) services: Vec<ServiceDescription>,
    pub(super) media_elements: usize,
}

/// Reads an MPD.
pub(super) fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Mpd, Error> {
    let text = decode(bytes, context.limits)?;
    let mut xml = Xml::new(text, context.uri, context.limits);
    let root = xml.root("MPD", NAMESPACE)?;
    let mut document = Document::of(&mut xml, &root);
    document.read(&mut xml)?;
    let mut rounds = 0;
    xml.finish(|instruction| rounds = rounds.max(xlink::rounds(instruction)))?;
    let mut remote = std::mem::take(&mut xml.remote);
    let mut warnings = xml.warnings;
    if let Some(next) = remote.first().filter(|_| rounds >= context.limits.indirections) {
        let next = uri::without_secrets(&next.uri);
        let message = format!("links were resolved {rounds} times over and still lead on, to {next}: no further");
        warnings.add("D070", "MPD", message);
        remote.clear();
    }
    let presentation = document.build(context, !remote.is_empty(), warnings)?;
    Ok(Mpd { presentation, remote })
}

/// The MPD as written.
struct Document {
    presentation: Presentation,
    timing: DashTiming,
    duration: Option<MediaTime>,
    bases: Vec<RawBase>,
    properties: Properties,
    periods: Vec<Draft>,
    notes: Notes,
}

impl Document {
    fn of<'a>(xml: &mut Xml<'a>, root: &Element<'a>) -> Self {
        let mut presentation = Presentation::new(Protocol::Dash, xml.uri);
        presentation.version = root.string("profiles");
        presentation.live = match root.attr("type").as_deref() {
            None | Some("static") => false,
            Some("dynamic") => true,
            Some(_) => {
                xml.warn("D108", "@type is neither static nor dynamic and was read as static");
                false
            }
        };
        presentation.target_duration = xml.parsed(root, "maxSegmentDuration", "D101", parse_duration);
        presentation.min_buffer_time = xml.parsed(root, "minBufferTime", "D036", parse_duration);
        let timing = DashTiming {
            id: root.string("id"),
            availability_start: xml.parsed(root, "availabilityStartTime", "D028", parse_date_time),
            availability_end: xml.parsed(root, "availabilityEndTime", "D037", parse_date_time),
            publish_time: xml.parsed(root, "publishTime", "D049", parse_date_time),
            publish_time_text: root.string("publishTime"),
            minimum_update_period: xml.parsed(root, "minimumUpdatePeriod", "D038", parse_duration),
            time_shift_buffer_depth: xml.parsed(root, "timeShiftBufferDepth", "D032", parse_duration),
            suggested_presentation_delay: xml.parsed(root, "suggestedPresentationDelay", "D034", parse_duration),
            max_subsegment_duration: xml.parsed(root, "maxSubsegmentDuration", "D101", parse_duration),
            ..DashTiming::default()
        };
        if presentation.live && timing.availability_start.is_none() {
            xml.warn("D028", "a dynamic MPD without @availabilityStartTime");
        }
        Self {
            presentation,
            timing,
            duration: xml.parsed(root, "mediaPresentationDuration", "D001", parse_duration),
            bases: Vec::new(),
            properties: Properties::default(),
            periods: Vec::new(),
            notes: Notes::default(),
        }
    }

    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Error> {
        while let Some(child) = xml.child()? {
            if self.properties.read(xml, &child)? {
                continue;
            }
            match child.mpd_name() {
                "Period" => {
                    let link = Link::open(xml, &child);
                    if link.is_zero() {
                        xml.skip()?;
                        continue;
                    }
                    if self.periods.len() >= xml.limits.periods {
                        return Err(xml.error(ErrorCode::ManifestLimit, "more periods than the limit"));
                    }
                    let period = Draft::read(xml, &child, &mut self.notes)?;
                    link.close(xml, &child);
                    self.periods.push(period);
                }
                "BaseURL" => {
                    let base = RawBase::read(xml, &child)?;
                    xml.keep(&mut self.bases, base)?;
                }
                "ServiceDescription" => {
                    let service = service::description(xml, &child, &mut self.notes.steering)?;
                    xml.keep(&mut self.notes.services, service)?;
                }
                "ContentSteering" => {
                    let steering = service::content_steering(xml, &child)?;
                    self.notes.steering.get_or_insert(steering);
                }
                "UTCTiming" => {
                    let timing = descriptors::read(xml, &child)?;
                    xml.keep(&mut self.timing.utc_timings, timing)?;
                }
                "LeapSecondInformation" => service::leap_seconds(xml, &child, &mut self.timing)?,
                "Location" => {
                    let location = service::location(xml, &child)?;
                    xml.keep(&mut self.presentation.locations, location)?;
                }
                "PatchLocation" => {
                    let location = service::location(xml, &child)?;
                    xml.keep(&mut self.presentation.patch_locations, location)?;
                }
                "ProgramInformation" => self.read_program(xml)?,
                "ContentProtection" => {
                    protection::Descriptor::read(xml, &child, &mut self.notes.shared)?;
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn read_program(&mut self, xml: &mut Xml<'_>) -> Result<(), Error> {
        while let Some(child) = xml.child()? {
            match child.mpd_name() {
                "Title" => self.presentation.title = Some(xml.text()?),
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn build(self, context: &Context<'_>, has_remote: bool, mut warnings: Warnings) -> Result<Presentation, Error> {
        let at_root = |code, message: String| Error::new(code, message).at(Place::Path("MPD".to_owned()));
        if let Some(unmet) = self.properties.unmet() {
            let message = format!("the essential property {unmet} of the whole MPD is unknown (D091)");
            return Err(at_root(ErrorCode::EssentialUnknown, message));
        }
        if self.periods.is_empty() {
            return Err(at_root(ErrorCode::ManifestMissing, "the MPD has no Period".to_owned()));
        }
        let mut presentation = self.presentation;
        let live = presentation.live;
        let bases = combine(&[Base::document(context.uri)], &self.bases, "MPD", &mut warnings);
        let memory = Cell::new(context.limits.manifest_bytes.saturating_mul(MEMORY));
        let nothing = (Properties::default(), Level::default());
        for (draft, (start, duration)) in place(self.periods, self.duration, live, &mut warnings) {
            let above = Above {
                limits: context.limits,
                uri: context.uri,
                live,
                start,
                duration,
                bases: &bases,
                level: &nothing.1,
                properties: [&self.properties, &nothing.0],
                shared: &self.notes.shared,
                memory: &memory,
            };
            presentation.periods.push(draft.build(&above, &mut warnings)?);
        }
        let playable = presentation.periods.iter().any(|period| !period.tracks.is_empty());
        if !playable && !has_remote {
            let nothing = "no period has a track that can be played";
            let message =
                warnings.first().map_or(nothing.to_owned(), |first| format!("{nothing}; first warning: {first}"));
            return Err(at_root(ErrorCode::NothingPlayable, message));
        }
        let end = presentation.periods.last().and_then(|period| Some(period.start + period.duration?));
        if let (Some(end), Some(announced), false) = (end, self.duration, live) {
            if end != announced {
                let message = format!("the periods end at {end}, not at @mediaPresentationDuration {announced}");
                warnings.add("D001", "MPD", message);
            }
        }
        presentation.duration = end.or(self.duration);
        presentation.low_latency = live && has_chunks(&presentation);
        presentation.steering = self.notes.steering;
        presentation.service_descriptions = self.notes.services;
        presentation.properties = self.properties.descriptors();
        presentation.dash = Some(self.timing);
        presentation.warnings = warnings.into_list();
        Ok(presentation)
    }
}

/// True if segments are offered before they are complete.
fn has_chunks(presentation: &Presentation) -> bool {
    presentation.periods.iter().flat_map(|period| &period.tracks).flat_map(|track| &track.renditions).any(|rendition| {
        match &rendition.segments {
            Segments::Known(index) => {
                !index.availability_complete && index.availability_offset != Some(MediaTime::ZERO)
            }
            _ => false,
        }
    })
}

/// Start and duration of each period (D002–D006). Periods that are empty, or whose start cannot be
/// told, are left out.
fn place(
    drafts: Vec<Draft>,
    total: Option<MediaTime>,
    live: bool,
    warnings: &mut Warnings,
) -> Vec<(Draft, (MediaTime, Option<MediaTime>))> {
    let mut starts: Vec<Option<MediaTime>> = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| Some((drafts.get(before)?, *starts.get(before)?)));
        let follows = before.and_then(|(before, start)| Some(start? + before.duration?));
        let first = (at == 0 && !live).then_some(MediaTime::ZERO);
        starts.push(draft.start.or(follows).or(first));
    }
    let mut out = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.into_iter().enumerate() {
        if let Some(unmet) = draft.unmet() {
            let message = format!("the essential property {unmet} is unknown: the period was left out");
            warnings.add("D091", &draft.place, message);
            continue;
        }
        let Some(start) = starts.get(at).copied().flatten() else {
            warnings.add("D004", &draft.place, "an early available period, whose start is not known yet, was left out");
            continue;
        };
        let next = starts.iter().skip(at + 1).flatten().next().map(|next| *next - start);
        let rest = total.filter(|_| at + 1 == starts.len()).map(|total| total - start);
        let duration = match (draft.duration, next) {
            // A later start ends a period early (D005); an earlier end leaves a hole.
            (Some(own), Some(next)) => Some(own.min(next)),
            // The sum of the periods counts, not what the MPD says of it (D001).
            (own, next) => own.or(next).or(rest),
        };
        if duration.is_some_and(|duration| duration <= MediaTime::ZERO) {
            warnings.add("D002", &draft.place, "a period of no duration was ignored");
            continue;
        }
        out.push((draft, (start, duration)));
    }
    out
}
