//! `BaseURL` at every level: alternatives multiply, references resolve downwards (D071).

use telecine_model::datetime::parse_duration;
use telecine_model::presentation::BaseUrl;
use telecine_model::{uri, MediaTime};
use telecine_model::{Error, ErrorCode};

use super::element::{Element, Ns};
use super::reader::{Warnings, Xml};
use super::value::{integer, seconds};

/// How much earlier than complete a segment may be asked for (`@availabilityTimeOffset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// By so much.
    By(MediaTime),
    /// `INF`: always.
    Always,
}

impl Lead {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "INF" | "+INF" => Some(Self::Always),
            text => seconds(text).map(Self::By),
        }
    }

    /// Offsets of several levels add up (D029).
    pub(super) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::By(a), Self::By(b)) => Self::By(a + b),
            _ => Self::Always,
        }
    }

    /// As the segment index holds it: None is INF.
    pub(super) fn offset(self) -> Option<MediaTime> {
        match self {
            Self::By(time) => Some(time),
            Self::Always => None,
        }
    }
}

/// One `BaseURL` element.
#[derive(Clone, Debug)]
pub(super) struct RawBase {
    reference: String,
    service_location: Option<String>,
    priority: Option<u32>,
    weight: Option<u32>,
    lead: Option<Lead>,
    complete: Option<bool>,
    depth: Option<MediaTime>,
}

impl RawBase {
    pub(super) fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Self, Error> {
        let number = |name: &str| element.attr_ns(Ns::Dvb, name).and_then(|text| integer(text.trim()));
        if element.attr("byteRange").is_some() {
            // Ranges stay in the Range header; a server that needs them in the URL is not supported.
            xml.warn("D075", "BaseURL@byteRange was ignored");
        }
        let base = Self {
            service_location: element.string("serviceLocation").filter(|name| !name.is_empty()),
            priority: number("priority"),
            weight: number("weight").filter(|weight| *weight > 0),
            lead: xml.parsed(element, "availabilityTimeOffset", "D029", Lead::parse),
            complete: element.flag("availabilityTimeComplete"),
            depth: xml.parsed(element, "timeShiftBufferDepth", "D075", parse_duration),
            reference: xml.text()?,
        };
        let longest = base.reference.len().max(base.service_location.as_ref().map_or(0, String::len));
        if longest > MAX_REFERENCE {
            return Err(xml.error(ErrorCode::ManifestLimit, "a BaseURL longer than 16 KiB"));
        }
        Ok(base)
    }
}

/// A place of the same bytes, resolved down to some level.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) uri: String,
    location: String,
    /// The location was named, not made from the URL.
    pub(super) named: bool,
    priority: u32,
    weight: u32,
    pub(super) lead: Lead,
    pub(super) complete: Option<bool>,
    /// `@timeShiftBufferDepth`: how long segments stay at this place.
    pub(super) depth: Option<MediaTime>,
}

/// Bytes of one reference: every representation below has its own copy of it.
const MAX_REFERENCE: usize = 16 << 10;

/// Alternatives of one representation that are kept.
const MAX_BASES: usize = 64;

impl Base {
    /// The MPD's own URL.
    pub(super) fn document(uri: &str) -> Self {
        Self {
            uri: uri::resolve(uri, ""),
            location: uri.to_owned(),
            named: false,
            priority: 1,
            weight: 1,
            lead: Lead::By(MediaTime::ZERO),
            complete: None,
            depth: None,
        }
    }

    fn join(&self, raw: &RawBase) -> Self {
        let absolute = uri::is_absolute(&raw.reference);
        let uri = uri::resolve(&self.uri, &raw.reference);
        let (location, named) = match &raw.service_location {
            Some(name) => (name.clone(), true),
            // A relative reference stays where its parent is; another host is another location.
            None if !absolute => (self.location.clone(), self.named),
            None => (uri.clone(), false),
        };
        Self {
            location,
            named,
            priority: raw.priority.unwrap_or(self.priority),
            weight: raw.weight.unwrap_or(self.weight),
            lead: raw.lead.map_or(self.lead, |lead| lead.plus(self.lead)),
            complete: raw.complete.or(self.complete),
            depth: raw.depth.or(self.depth),
            uri,
        }
    }

    /// As the presentation holds it.
    pub(super) fn to_model(&self) -> BaseUrl {
        BaseUrl {
            uri: self.uri.clone(),
            service_location: self.location.clone(),
            priority: self.priority,
            weight: self.weight,
        }
    }
}

/// Every combination of the bases above with the `BaseURL`s of one level, best first.
pub(super) fn combine(above: &[Base], own: &[RawBase], place: &str, warnings: &mut Warnings) -> Vec<Base> {
    if own.is_empty() {
        return above.to_vec();
    }
    let mut out: Vec<Base> = Vec::with_capacity(above.len().saturating_mul(own.len()).min(MAX_BASES));
    for raw in own {
        for parent in above {
            let base = parent.join(raw);
            if !uri::may_follow(&parent.uri, &base.uri) {
                warnings.add("D071", place, "a BaseURL with a forbidden scheme was ignored");
            } else if out.len() >= MAX_BASES {
                warnings.add("D071", place, "more BaseURLs than the limit: the rest were ignored");
                return sorted(out);
            } else if !out.iter().any(|known| known.uri == base.uri) {
                out.push(base);
            }
        }
    }
    if out.is_empty() {
        return above.to_vec();
    }
    sorted(out)
}

/// Lowest `@dvb:priority` first, else in the order of the manifest (D072).
fn sorted(mut bases: Vec<Base>) -> Vec<Base> {
    bases.sort_by_key(|base| base.priority);
    bases
}
