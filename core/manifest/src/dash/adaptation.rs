//! `AdaptationSet` and `Representation` as written, before inheritance.

use telecine_model::presentation::Descriptor;
use telecine_model::{Error, ErrorCode};

use super::addressing::Level;
use super::baseurl::RawBase;
use super::common::Common;
use super::descriptors;
use super::element::Element;
use super::mpd::Notes;
use super::reader::Xml;
use super::value::integer;
use super::xlink::Link;

/// An `AdaptationSet`.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pub(super) place: String,
    pub(super) id: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) language: Option<String>,
    pub(super) selection_priority: Option<u32>,
    pub(super) bitstream_switching: bool,
    pub(super) segment_alignment: bool,
    pub(super) starts_with_sap: Option<u32>,
    pub(super) roles: Vec<Descriptor>,
    pub(super) accessibility: Vec<Descriptor>,
    pub(super) common: Common,
    pub(super) level: Level,
    pub(super) bases: Vec<RawBase>,
    pub(super) representations: Vec<Representation>,
    /// What it is to hold is still to be fetched.
    pub(super) remote: bool,
}

/// A `Representation`.
#[derive(Clone, Debug, Default)]
pub(super) struct Representation {
    pub(super) place: String,
    pub(super) id: Option<String>,
    pub(super) bandwidth: Option<u64>,
    pub(super) quality_ranking: Option<u64>,
    pub(super) depends_on: Vec<String>,
    pub(super) common: Common,
    pub(super) level: Level,
    pub(super) bases: Vec<RawBase>,
}

impl Set {
    pub(super) fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>, notes: &mut Notes) -> Result<Self, Error> {
        notes.count_media(xml)?;
        let mut set = Self {
            place: xml.path(),
            id: element.string("id"),
            content_type: element.string("contentType"),
            language: element.string("lang"),
            selection_priority: xml.parsed(element, "selectionPriority", "D096", integer),
            bitstream_switching: element.flag("bitstreamSwitching").unwrap_or(false),
            segment_alignment: ["segmentAlignment", "subsegmentAlignment"]
                .iter()
                .any(|name| element.attr(name).is_some_and(|text| !matches!(text.trim(), "false" | "0"))),
            starts_with_sap: xml.parsed(element, "subsegmentStartsWithSAP", "D104", integer),
            common: Common::of(xml, element),
            remote: Link::of(element).is_remote(),
            ..Self::default()
        };
        while let Some(child) = xml.child()? {
            if set.common.read(xml, &child, &mut notes.shared)? || set.level.read(xml, &child)? {
                continue;
            }
            match child.mpd_name() {
                "Representation" => {
                    let representation = Representation::read(xml, &child, notes)?;
                    set.representations.push(representation);
                }
                "BaseURL" => {
                    let base = RawBase::read(xml, &child)?;
                    xml.keep(&mut set.bases, base)?;
                }
                "Role" => {
                    let role = descriptors::read(xml, &child)?;
                    xml.keep(&mut set.roles, role)?;
                }
                "Accessibility" => {
                    let descriptor = descriptors::read(xml, &child)?;
                    xml.keep(&mut set.accessibility, descriptor)?;
                }
                "ContentComponent" => set.read_component(xml, &child)?,
                _ => xml.skip()?,
            }
        }
        Ok(set)
    }

    /// A `ContentComponent` says of one component what the set may say of itself.
    fn read_component<'a>(&mut self, xml: &mut Xml<'a>, element: &Element<'a>) -> Result<(), Error> {
        // The picture is what a multiplexed set is chosen for.
        let kind = element.string("contentType");
        if self.content_type.is_none() || kind.as_deref() == Some("video") {
            self.content_type = kind.or(self.content_type.take());
        }
        self.language = self.language.take().or_else(|| element.string("lang"));
        while let Some(child) = xml.child()? {
            match child.mpd_name() {
                "Role" => {
                    let role = descriptors::read(xml, &child)?;
                    xml.keep(&mut self.roles, role)?;
                }
                "Accessibility" => {
                    let descriptor = descriptors::read(xml, &child)?;
                    xml.keep(&mut self.accessibility, descriptor)?;
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }
}

impl Representation {
    fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>, notes: &mut Notes) -> Result<Self, Error> {
        notes.count_media(xml)?;
        let mut representation = Self {
            place: xml.path(),
            id: element.string("id").filter(|id| !id.is_empty()),
            bandwidth: xml.parsed(element, "bandwidth", "D042", integer),
            quality_ranking: xml.parsed(element, "qualityRanking", "D081", integer),
            depends_on: element.words("dependencyId"),
            common: Common::of(xml, element),
            ..Self::default()
        };
        while let Some(child) = xml.child()? {
            if representation.common.read(xml, &child, &mut notes.shared)? || representation.level.read(xml, &child)? {
                continue;
            }
            match child.mpd_name() {
                "BaseURL" => {
                    let base = RawBase::read(xml, &child)?;
                    xml.keep(&mut representation.bases, base)?;
                }
                _ => xml.skip()?,
            }
        }
        Ok(representation)
    }
}

impl Notes {
    /// Counts a set or a representation against the limit.
    fn count_media(&mut self, xml: &Xml<'_>) -> Result<(), Error> {
        self.media_elements += 1;
        if self.media_elements > xml.limits.renditions {
            return Err(xml.error(ErrorCode::ManifestLimit, "more adaptation sets and representations than the limit"));
        }
        Ok(())
    }
}
