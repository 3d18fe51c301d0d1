//! `EXT-X-DATERANGE` (section 4.4.5.1). An illegal tag is ignored, never fatal (H072).

use telecine_model::datetime::parse_date_time;
use telecine_model::events::DateRange;
use telecine_model::{MediaTime, SortedMap, WallTime};

use super::super::attributes::{clip, Attributes};
use super::super::reader::Reader;
use super::super::report::Reject;

/// Date ranges in the order of their first tags; tags of one id are one range (H068).
#[derive(Default)]
pub(super) struct DateRanges {
    list: Vec<DateRange>,
    places: SortedMap<String, usize>,
}

/// Sets what `said` says of an attribute. False if it contradicts what was said before.
#[must_use]
fn agree<T: PartialEq>(known: &mut Option<T>, said: Option<T>) -> bool {
    match (&known, &said) {
        (_, None) => true,
        (None, Some(_)) => {
            *known = said;
            true
        }
        (Some(known), Some(said)) => known == said,
    }
}

impl DateRanges {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Reads one tag.
    pub(super) fn add<'t>(&mut self, attributes: &Attributes<'t>, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
        let Some(id) = attributes.string("ID", reader)? else {
            return Err(reader.report.ignore("H068", "EXT-X-DATERANGE without ID is ignored"));
        };
        let start = date(attributes, "START-DATE", reader)?;
        let place = self.places.get(&id).copied();
        let known = place.and_then(|place| self.list.get(place)).cloned();
        let mut range = match (known, start) {
            (Some(known), start) => {
                if start.is_some_and(|start| start != known.start) {
                    return Err(contradicts(&id, reader));
                }
                known
            }
            (None, Some(start)) => DateRange { id: id.clone(), start, ..DateRange::default() },
            (None, None) => {
                let message = format!("the date range {} without START-DATE is ignored", clip(&id));
                return Err(reader.report.ignore("H068", message));
            }
        };
        let consistent = agree(&mut range.class, attributes.string("CLASS", reader)?)
            & agree(&mut range.end, date(attributes, "END-DATE", reader)?)
            & agree(&mut range.duration, span(attributes, "DURATION", reader)?)
            & agree(&mut range.planned_duration, span(attributes, "PLANNED-DURATION", reader)?)
            & read_cue(&mut range, attributes, reader)?
            & read_client(&mut range, attributes, reader)?;
        if !consistent {
            return Err(contradicts(&id, reader));
        }
        match attributes.word("END-ON-NEXT", reader)? {
            None => {}
            Some("YES") => range.end_on_next = true,
            Some(other) => return Err(reader.unknown_value("END-ON-NEXT", other)),
        }
        check(&range, reader)?;
        if range.client.len() + range.scte35.len() > reader.report.context.limits.attributes {
            return Err(reader.report.ignore("H072", "too many attributes of one date range are ignored"));
        }
        if let Some(known) = place.and_then(|place| self.list.get_mut(place)) {
            *known = range;
        } else if self.list.len() < reader.report.context.limits.side_items {
            self.places.insert(id, self.list.len());
            self.list.push(range);
        } else {
            return Err(reader.report.ignore("H072", "too many date ranges are ignored"));
        }
        Ok(())
    }

    /// All ranges, with the ends that follow from durations and from `END-ON-NEXT`.
    pub(super) fn finish(self) -> Vec<DateRange> {
        let mut list = self.list;
        for range in &mut list {
            range.end = range.end.or(range.duration.map(|duration| range.start.offset(duration)));
        }
        end_on_next(&mut list);
        list
    }
}

/// Ends each `END-ON-NEXT` range where the next one of its class starts (H070).
pub(in super::super) fn end_on_next(list: &mut [DateRange]) {
    let mut starts: SortedMap<String, Vec<WallTime>> = SortedMap::new();
    if !list.iter().any(|range| range.end_on_next) {
        return;
    }
    for range in list.iter() {
        if let Some(class) = &range.class {
            starts.entry(class.clone()).or_default().push(range.start);
        }
    }
    for of_class in starts.values_mut() {
        of_class.sort_unstable();
    }
    for range in list.iter_mut().filter(|range| range.end_on_next) {
        let of_class = range.class.as_ref().and_then(|class| starts.get(class));
        range.end = of_class.and_then(|starts| {
            let next = starts.partition_point(|start| *start <= range.start);
            starts.get(next).copied()
        });
    }
}

fn contradicts(id: &str, reader: &mut Reader<'_, '_>) -> Reject {
    let message = format!("a tag contradicts the date range {} and is ignored", clip(id));
    reader.report.ignore("H068", message)
}

/// A date; without a zone it is UTC (HX03).
fn date<'t>(attributes: &Attributes<'t>, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<WallTime>, Reject> {
    let Some(text) = attributes.quoted(name, reader)? else {
        return Ok(None);
    };
    parse_date_time(&text).map(Some).ok_or_else(|| {
        let message = format!("{name} is not a date: {}", clip(&text));
        reader.report.ignore("H072", message)
    })
}

/// A span that is not negative (H069).
fn span<'t>(attributes: &Attributes<'t>, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<MediaTime>, Reject> {
    match attributes.signed_span(name, reader)? {
        Some(span) if span.is_negative() => {
            let message = format!("{name} is negative, so the date range is ignored");
            Err(reader.report.ignore("H069", message))
        }
        None if attributes.has(name) => Err(Reject::Tag),
        span => Ok(span),
    }
}

/// `CUE`: members that are not known are ignored (H014, H071).
fn read_cue<'t>(
    range: &mut DateRange,
    attributes: &Attributes<'t>,
    reader: &mut Reader<'t, '_>,
) -> Result<bool, Reject> {
    let Some(text) = attributes.quoted("CUE", reader)? else {
        return Ok(true);
    };
    let members = text.split(',').map(str::trim);
    let known = members.filter(|member| matches!(*member, "PRE" | "POST" | "ONCE"));
    let cue: Vec<String> = known.map(str::to_owned).collect();
    let consistent = range.cue.is_empty() || range.cue == cue;
    range.cue = cue;
    Ok(consistent)
}

/// SCTE-35 commands (H073) and the attributes that only the application knows.
fn read_client<'t>(
    range: &mut DateRange,
    attributes: &Attributes<'t>,
    reader: &mut Reader<'t, '_>,
) -> Result<bool, Reject> {
    let mut consistent = true;
    for name in attributes.names() {
        let (kept, value) = match name {
            "SCTE35-CMD" | "SCTE35-OUT" | "SCTE35-IN" => (&mut range.scte35, attributes.hex(name, reader)?),
            _ if name.starts_with("X-") => (&mut range.client, attributes.any(name, reader)?),
            _ => continue,
        };
        if let Some(value) = value {
            let known = kept.entry(name.to_owned()).or_insert_with(|| value.as_ref().to_owned());
            consistent &= *known == *value;
        }
    }
    Ok(consistent)
}

fn check(range: &DateRange, reader: &mut Reader<'_, '_>) -> Result<(), Reject> {
    let ends = range.duration.map(|duration| range.start.offset(duration));
    let differ = |a: WallTime, b: WallTime| a.as_micros().abs_diff(b.as_micros()) >= 1_000;
    let (rule, message) = if range.end.is_some_and(|end| end < range.start) {
        ("H069", "END-DATE is before START-DATE")
    } else if matches!((range.end, ends), (Some(end), Some(ends)) if differ(end, ends)) {
        ("H069", "END-DATE is not START-DATE plus DURATION")
    } else if range.end_on_next && range.class.is_none() {
        ("H070", "END-ON-NEXT needs CLASS")
    } else if range.end_on_next && (range.duration.is_some() || range.end.is_some()) {
        ("H070", "END-ON-NEXT stands with DURATION or END-DATE")
    } else if ["PRE", "POST"].iter().all(|cue| range.cue.iter().any(|c| c == cue)) {
        ("H071", "CUE has PRE and POST")
    } else {
        return Ok(());
    };
    let message = format!("{message}, so the date range {} is ignored", clip(&range.id));
    Err(reader.report.ignore(rule, message))
}
