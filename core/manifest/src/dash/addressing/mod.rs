//! Where segments are and when: `SegmentTemplate`, `SegmentList`, `SegmentBase`, and their
//! inheritance from period to adaptation set to representation (ISO/IEC 23009-1, 5.3.9).

mod base;
mod list;
mod template;
mod timeline;

use std::rc::Rc;

use telecine_model::segments::{InitSection, Queries, TemplateError, UrlTemplate};
use telecine_model::Timescale;
use telecine_model::{ByteRange, Error, ErrorCode, Limits, MediaTime, Place, SegmentIndex, SegmentTable, Segments};

use self::list::Rows;
use self::timeline::Timeline;
use super::baseurl::{Base, Lead};
use super::element::Element;
use super::reader::{clip, Warnings, Xml};
use super::value::{byte_range, integer, positive};
use super::xlink::Link;

/// What one level says about segments, one entry for each of the three elements: an element
/// inherits from the same element above it only (D021).
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    template: Option<Box<Info>>,
    list: Option<Box<Info>>,
    base: Option<Box<Info>>,
}

/// Attributes and children of one `SegmentTemplate`, `SegmentList` or `SegmentBase`.
#[derive(Clone, Debug, Default)]
struct Info {
    timescale: Option<u32>,
    presentation_offset: Option<i64>,
    ept_delta: Option<i64>,
    duration: Option<SegmentDuration>,
    start_number: Option<u64>,
    end_number: Option<u64>,
    lead: Option<Lead>,
    complete: Option<bool>,
    media: Option<String>,
    init_template: Option<String>,
    index_range: Option<ByteRange>,
    /// `RepresentationIndex@sourceURL`: the index is a resource of its own.
    index_elsewhere: Option<String>,
    init: Option<Init>,
    timeline: Option<Rc<Timeline>>,
    rows: Option<Rc<Rows>>,
    /// Spans of failover content that is not valid, in ticks: start and duration (D085).
    invalid: Vec<(u64, Option<u64>)>,
}

/// `Initialization@sourceURL`, `@range`.
#[derive(Clone, Debug, Default)]
struct Init {
    uri: Option<String>,
    range: Option<ByteRange>,
}

/// `@duration` of segments. One that is not valid is not the same as none: without one all media is one segment.
#[derive(Clone, Copy, Debug)]
enum SegmentDuration {
    /// In ticks; not zero.
    Ticks(u64),
    NotValid,
}

impl SegmentDuration {
    fn read(text: &str, xml: &mut Xml<'_>) -> Self {
        let text = text.trim();
        let ticks = |text: &str| integer(text).filter(|ticks| *ticks > 0);
        if let Some(ticks) = ticks(text) {
            return Self::Ticks(ticks);
        }
        let whole = text.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'));
        if let Some(ticks) = whole.and_then(|(whole, _)| ticks(whole)) {
            xml.warn("D012", format!("@duration=\"{}\" is not an integer and was read as {ticks}", clip(text)));
            return Self::Ticks(ticks);
        }
        xml.warn("D012", format!("@duration=\"{}\" is not a positive integer", clip(text)));
        Self::NotValid
    }
}

impl Level {
    /// Reads a segment element, if `element` is one. False leaves it to the caller.
    pub(super) fn read<'a>(&mut self, xml: &mut Xml<'a>, element: &Element<'a>) -> Result<bool, Error> {
        let slot = match element.mpd_name() {
            "SegmentTemplate" => &mut self.template,
            "SegmentList" => &mut self.list,
            "SegmentBase" => &mut self.base,
            _ => return Ok(false),
        };
        let link = Link::open(xml, element);
        if link.is_zero() {
            xml.skip()?;
            return Ok(true);
        }
        *slot = Some(Box::new(Info::read(xml, element)?));
        link.close(xml, element);
        Ok(true)
    }

    /// This level with what it does not say taken from the one above.
    pub(super) fn under(&self, above: &Self) -> Self {
        let merge = |own: &Option<Box<Info>>, above: &Option<Box<Info>>| match (own, above) {
            (Some(own), Some(above)) => Some(Box::new(own.under(above))),
            (own, above) => own.clone().or_else(|| above.clone()),
        };
        // The nearest level decides which of the three is meant: the others end here.
        let all = self.template.is_none() && self.list.is_none() && self.base.is_none();
        let keep = |own: &Option<Box<Info>>, above| if all || own.is_some() { merge(own, above) } else { None };
        Self {
            template: keep(&self.template, &above.template),
            list: keep(&self.list, &above.list),
            base: keep(&self.base, &above.base),
        }
    }
}

impl Info {
    fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Self, Error> {
        let lead = xml.parsed(element, "availabilityTimeOffset", "D029", Lead::parse);
        let mut info = Self {
            timescale: xml.parsed(element, "timescale", "D008", positive),
            presentation_offset: xml.parsed(element, "presentationTimeOffset", "D008", integer),
            ept_delta: xml.parsed(element, "eptDelta", "D012", integer),
            duration: element.attr("duration").map(|text| SegmentDuration::read(&text, xml)),
            start_number: xml.parsed(element, "startNumber", "D016", integer),
            end_number: xml.parsed(element, "endNumber", "D019", integer),
            lead,
            complete: element.flag("availabilityTimeComplete"),
            media: element.string("media"),
            init_template: element.string("initialization"),
            index_range: xml.parsed(element, "indexRange", "D010", byte_range),
            ..Self::default()
        };
        let mut rows = Rows::default();
        while let Some(child) = xml.child()? {
            match child.mpd_name() {
                "SegmentTimeline" => info.timeline = Some(Rc::new(Timeline::read(xml)?)),
                "SegmentURL" => rows.read(xml, &child)?,
                "Initialization" => {
                    info.init = Some(Init {
                        uri: child.string("sourceURL"),
                        range: xml.parsed(&child, "range", "D010", byte_range),
                    });
                    xml.skip()?;
                }
                "RepresentationIndex" => {
                    let range = xml.parsed(&child, "range", "D010", byte_range);
                    info.index_elsewhere = child.string("sourceURL");
                    if info.index_elsewhere.is_none() {
                        info.index_range = info.index_range.or(range);
                    }
                    xml.skip()?;
                }
                "FailoverContent" => info.read_failover(xml, &child)?,
                _ => xml.skip()?,
            }
        }
        if !rows.is_empty() {
            info.rows = Some(Rc::new(rows));
        }
        Ok(info)
    }

    fn read_failover<'a>(&mut self, xml: &mut Xml<'a>, element: &Element<'a>) -> Result<(), Error> {
        let valid = element.flag("valid").unwrap_or(true);
        while let Some(child) = xml.child()? {
            if child.mpd_name() == "FCS" && !valid && self.invalid.len() < xml.limits.side_items {
                match xml.parsed(&child, "t", "D085", integer) {
                    Some(start) => self.invalid.push((start, xml.parsed(&child, "d", "D085", integer))),
                    None => xml.warn("D085", "an FCS without @t was ignored"),
                }
            }
            xml.skip()?;
        }
        Ok(())
    }

    fn under(&self, above: &Self) -> Self {
        Self {
            timescale: self.timescale.or(above.timescale),
            presentation_offset: self.presentation_offset.or(above.presentation_offset),
            ept_delta: self.ept_delta.or(above.ept_delta),
            duration: self.duration.or(above.duration),
            start_number: self.start_number.or(above.start_number),
            end_number: self.end_number.or(above.end_number),
            // Offsets of all levels add up (D029).
            lead: match (self.lead, above.lead) {
                (Some(own), Some(above)) => Some(own.plus(above)),
                (own, above) => own.or(above),
            },
            complete: self.complete.or(above.complete),
            media: self.media.clone().or_else(|| above.media.clone()),
            init_template: self.init_template.clone().or_else(|| above.init_template.clone()),
            index_range: self.index_range.or(above.index_range),
            index_elsewhere: self.index_elsewhere.clone().or_else(|| above.index_elsewhere.clone()),
            init: self.init.clone().or_else(|| above.init.clone()),
            timeline: self.timeline.clone().or_else(|| above.timeline.clone()),
            rows: self.rows.clone().or_else(|| above.rows.clone()),
            invalid: if self.invalid.is_empty() { above.invalid.clone() } else { self.invalid.clone() },
        }
    }
}

/// What a representation's segments depend on beside the segment elements.
pub(super) struct Scope<'s> {
    pub(super) limits: &'s Limits,
    /// Path of the representation.
    pub(super) place: &'s str,
    pub(super) id: &'s str,
    pub(super) bandwidth: u64,
    /// Where the bytes are, best first; never empty.
    pub(super) base: &'s Base,
    pub(super) period_start: MediaTime,
    pub(super) period_duration: Option<MediaTime>,
    /// More segments may come without an announcement.
    pub(super) live: bool,
    /// The `last-segment-number` property (D019).
    pub(super) last_number: Option<u64>,
    /// Queries to append to every segment URL (D102).
    pub(super) queries: &'s Queries,
    /// `$SubNumber$` counts from 0 and not from 1.
    pub(super) sub_numbers_from_zero: bool,
    /// A text file on its own: its times are relative to the period (D100).
    pub(super) stand_alone_text: bool,
}

/// A representation's segments as they were understood.
pub(super) struct Built {
    pub(super) segments: Segments,
    pub(super) invalid_ranges: Vec<(MediaTime, MediaTime)>,
}

/// Builds the segments of a representation. None, with a warning, if it cannot be used.
pub(super) fn build(level: &Level, scope: &Scope<'_>, warnings: &mut Warnings) -> Result<Option<Built>, Error> {
    let (segments, info) = if let Some(info) = &level.template {
        (template::build(info, scope, warnings)?, info.as_ref())
    } else if let Some(info) = &level.list {
        (list::build(info, scope, warnings)?, info.as_ref())
    } else {
        let info = level.base.as_deref().cloned().unwrap_or_default();
        if info.index_range.is_none() && info.index_elsewhere.is_some() {
            // Without the index the whole file would be one segment.
            let message = "an index that is a resource of its own: the representation was left out";
            warnings.add("D010", scope.place, message);
            return Ok(None);
        }
        return Ok(Some(Built { segments: base::build(&info, scope), invalid_ranges: info.invalid_ranges(scope) }));
    };
    Ok(segments
        .map(|index| Built { segments: Segments::Known(Box::new(index)), invalid_ranges: info.invalid_ranges(scope) }))
}

impl Info {
    fn timescale(&self) -> Timescale {
        self.timescale.and_then(Timescale::new).unwrap_or(Timescale::SECONDS)
    }

    /// `@presentationTimeOffset` in ticks.
    fn offset(&self) -> i64 {
        self.presentation_offset.unwrap_or(0)
    }

    fn first_number(&self) -> u64 {
        self.start_number.unwrap_or(1)
    }

    fn invalid_ranges(&self, scope: &Scope<'_>) -> Vec<(MediaTime, MediaTime)> {
        let time = |ticks: u64| {
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX).saturating_sub(self.offset());
            MediaTime::from_ticks(ticks, self.timescale()) + scope.period_start
        };
        let end_of_period = scope.period_duration.map_or(MediaTime::MAX, |d| scope.period_start + d);
        self.invalid
            .iter()
            .map(|(start, duration)| (time(*start), duration.map_or(end_of_period, |d| time(start.saturating_add(d)))))
            .collect()
    }

    /// The tick at which the period ends, if it has one.
    fn end_tick(&self, scope: &Scope<'_>) -> Option<i64> {
        let length = scope.period_duration?.to_ticks(self.timescale());
        Some(self.offset().saturating_add(length))
    }

    /// An index with what all addressing modes share.
    fn index(
        &self,
        scope: &Scope<'_>,
        table: SegmentTable,
        addressing: telecine_model::segments::Addressing,
        init: Option<InitSection>,
    ) -> SegmentIndex {
        let template = matches!(addressing, telecine_model::segments::Addressing::Template(_));
        let mut index = SegmentIndex::new(table, scope.base.uri.as_str().into(), addressing);
        index.computed = template && self.timeline.is_none();
        index.queries = scope.queries.clone();
        index.presentation_offset = self.offset();
        index.origin = scope.period_start;
        index.init = telecine_model::segments::Runs::constant(init.map(std::sync::Arc::new));
        index.availability_offset = match self.lead {
            Some(lead) => lead.plus(scope.base.lead).offset(),
            None => scope.base.lead.offset(),
        };
        index.time_shift_buffer_depth = scope.base.depth;
        index.availability_complete = self.complete.or(scope.base.complete).unwrap_or(true);
        index
    }

    /// `@duration` in ticks, if there is one. One that is not valid makes the representation unusable.
    fn duration(&self, scope: &Scope<'_>, warnings: &mut Warnings) -> Result<Option<u64>, ()> {
        match self.duration {
            None => Ok(None),
            Some(SegmentDuration::Ticks(ticks)) => Ok(Some(ticks)),
            Some(SegmentDuration::NotValid) => {
                warnings.add("D012", scope.place, "a @duration that is not valid: the representation was left out");
                Err(())
            }
        }
    }

    /// `Initialization`, or the template of it.
    fn init_section(&self, scope: &Scope<'_>, warnings: &mut Warnings) -> Result<Option<InitSection>, ()> {
        let section = |uri: String, byte_range| Some(InitSection { uri, byte_range, keys: std::sync::Arc::from([]) });
        if let Some(text) = &self.init_template {
            let template = parse_template(text, scope, warnings).ok_or(())?;
            return Ok(section(template.expand(self.first_number(), 0, 1), None));
        }
        Ok(self.init.as_ref().and_then(|init| section(init.uri.clone().unwrap_or_default(), init.range)))
    }
}

/// Parses a URL template; None, with a warning, makes the representation unusable (D017).
fn parse_template(text: &str, scope: &Scope<'_>, warnings: &mut Warnings) -> Option<UrlTemplate> {
    // An identifier may stand for a text a million times as long as itself.
    let expanded = text.matches('$').count().saturating_mul(scope.id.len().max(20));
    if expanded.saturating_add(text.len()) > scope.limits.line_bytes {
        warnings.add("D017", scope.place, "a template longer than the limit: the representation was left out");
        return None;
    }
    match UrlTemplate::parse(text, scope.id, scope.bandwidth) {
        Ok(template) => Some(template),
        Err(error) => {
            let what = match error {
                TemplateError::Unterminated => "a $ without a partner".to_owned(),
                TemplateError::UnknownIdentifier(name) => {
                    format!("the unknown identifier ${}$", clip(&name))
                }
                TemplateError::BadWidth(width) => format!("the width {}", clip(&width)),
                _ => "a fault".to_owned(),
            };
            warnings.add("D017", scope.place, format!("a template with {what}: the representation was left out"));
            None
        }
    }
}

fn too_many(scope: &Scope<'_>) -> Error {
    Error::new(ErrorCode::ManifestLimit, "more segments than the limit").at(Place::Path(scope.place.to_owned()))
}

/// How many segments of `duration` ticks it takes from `start` to `end`: the last one may be cut.
fn count_until(start: i64, end: i64, duration: u64) -> u64 {
    let span = i128::from(end) - i128::from(start);
    u64::try_from(span).map_or(0, |span| span.div_ceil(duration.max(1)))
}
