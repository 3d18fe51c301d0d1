//! Descriptors: properties, roles, labels, channel configurations, and what an unknown essential
//! one means (ISO/IEC 23009-1, 5.8).

use telecine_model::presentation::Descriptor;
use telecine_model::Error;

use super::element::{Element, Ns};
use super::reader::Xml;
use super::urlquery::UrlQuery;

/// `EssentialProperty` and `SupplementalProperty` schemes that mean something to this player.
pub(super) mod scheme {
    pub(in crate::dash) const ROLE: &str = "urn:mpeg:dash:role:2011";
    pub(in crate::dash) const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";
    pub(in crate::dash) const SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";
    pub(in crate::dash) const CONTINUITY: &str = "urn:mpeg:dash:period-continuity:2015";
    pub(in crate::dash) const CONNECTIVITY: &str = "urn:mpeg:dash:period-connectivity:2015";
    pub(in crate::dash) const LAST_SEGMENT: &str = "http://dashif.org/guidelines/last-segment-number";
    pub(in crate::dash) const SEQUENCES: &str = "urn:mpeg:dash:ssr:2023";
    pub(in crate::dash) const TRANSFER: &str = "urn:mpeg:mpegB:cicp:TransferCharacteristics";
    pub(in crate::dash) const CEA_608: &str = "urn:scte:dash:cc:cea-608:2015";
    pub(in crate::dash) const CEA_708: &str = "urn:scte:dash:cc:cea-708:2015";
    pub(in crate::dash) const RESET: &str = "urn:mpeg:dash:reset:2016";
    const URL_PARAM: [&str; 4] = [
        "urn:mpeg:dash:urlparam:2014",
        "urn:mpeg:dash:urlparam:2016",
        "urn:mpeg:dash:urlparam:2025",
        "urn:mpeg:dash:urlparam",
    ];
    const OTHERS: [&str; 10] = [
        "urn:mpeg:mpegB:cicp:ColourPrimaries",
        "urn:mpeg:mpegB:cicp:MatrixCoefficients",
        "urn:mpeg:mpegB:cicp:VideoFullRangeFlag",
        "urn:mpeg:dash:preselection:2016",
        SEQUENCES,
        "urn:mpeg:dash:fallback:2016",
        "urn:mpeg:dash:chaining:2016",
        RESET,
        "http://dashif.org/guidelines/last-segment-number",
        "urn:mpeg:dash:period-continuity:2015",
    ];

    pub(in crate::dash) fn is_tile(scheme: &str) -> bool {
        matches!(scheme, "http://dashif.org/thumbnail_tile" | "http://dashif.org/guidelines/thumbnail_tile")
    }

    pub(in crate::dash) fn is_url_param(scheme: &str) -> bool {
        URL_PARAM.contains(&scheme)
    }

    pub(in crate::dash) fn is_known(scheme: &str) -> bool {
        matches!(scheme, TRICK_MODE | SWITCHING | CONNECTIVITY | TRANSFER)
            || is_tile(scheme)
            || is_url_param(scheme)
            || OTHERS.contains(&scheme)
    }
}

/// Scheme, value and id of an element, which is read to its end.
pub(super) fn read<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Descriptor, Error> {
    let descriptor = of(element);
    xml.skip()?;
    Ok(descriptor)
}

fn of(element: &Element<'_>) -> Descriptor {
    Descriptor {
        scheme: element.attr("schemeIdUri").map(|s| s.trim().to_owned()).unwrap_or_default(),
        value: element.string("value"),
        id: element.string("id"),
    }
}

/// An `EssentialProperty` or `SupplementalProperty`.
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub(super) descriptor: Descriptor,
    essential: bool,
    pub(super) url_query: Option<UrlQuery>,
}

/// The properties of one element.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties(Vec<Property>);

impl Properties {
    /// Reads a property, if `element` is one. False leaves it to the caller.
    pub(super) fn read<'a>(&mut self, xml: &mut Xml<'a>, element: &Element<'a>) -> Result<bool, Error> {
        let essential = match element.mpd_name() {
            "EssentialProperty" => true,
            "SupplementalProperty" => false,
            _ => return Ok(false),
        };
        let mut property = Property { descriptor: of(element), essential, url_query: None };
        while let Some(child) = xml.child()? {
            if child.ns == Ns::UrlParam || matches!(child.name, "UrlQueryInfo" | "ExtUrlQueryInfo") {
                property.url_query = Some(UrlQuery::of(&child));
            }
            xml.skip()?;
        }
        if property.url_query.as_ref().is_some_and(|query| query.beyond_us) {
            xml.warn("D102", "URL parameters from another source than the MPD are not supported");
        }
        xml.keep(&mut self.0, property)?;
        Ok(true)
    }

    /// The scheme of an essential property that this player does not understand, which makes the
    /// element that holds it unusable. Of properties with the same id, one that is understood
    /// suffices (D091).
    pub(super) fn unmet(&self) -> Option<&str> {
        self.0
            .iter()
            .filter(|property| property.essential && !property.is_understood())
            .find(|property| {
                let alternatives = self.0.iter().filter(|other| {
                    other.essential && other.descriptor.id.is_some() && other.descriptor.id == property.descriptor.id
                });
                !alternatives.into_iter().any(Property::is_understood)
            })
            .map(|property| property.descriptor.scheme.as_str())
    }

    /// Values of one scheme.
    pub(super) fn values<'s>(&'s self, scheme: &'s str) -> impl Iterator<Item = &'s str> {
        self.0
            .iter()
            .filter(move |property| property.descriptor.scheme == scheme)
            .map(|property| property.descriptor.value.as_deref().unwrap_or(""))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Property> {
        self.0.iter()
    }

    pub(super) fn descriptors(&self) -> Vec<Descriptor> {
        self.0.iter().map(|property| property.descriptor.clone()).collect()
    }
}

impl Property {
    fn is_understood(&self) -> bool {
        if scheme::is_url_param(&self.descriptor.scheme) {
            return self.url_query.as_ref().is_none_or(|query| !query.beyond_us);
        }
        scheme::is_known(&self.descriptor.scheme)
    }
}

/// Channels of an `AudioChannelConfiguration`, where its scheme tells.
pub(super) fn channels(descriptor: &Descriptor) -> Option<u32> {
    let value = descriptor.value.as_deref()?.trim();
    match descriptor.scheme.as_str() {
        "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
        | "urn:dts:dash:audio_channel_configuration:2012"
        | "tag:dts.com,2014:dash:audio_channel_configuration:2012" => value.parse().ok(),
        "urn:mpeg:mpegB:cicp:ChannelConfiguration" => cicp_channels(value.parse().ok()?),
        "tag:dolby.com,2014:dash:audio_channel_configuration:2011"
        | "urn:dolby:dash:audio_channel_configuration:2011" => dolby_channels(u16::from_str_radix(value, 16).ok()?),
        _ => None,
    }
}

/// ISO/IEC 23091-3, channel configurations 1 to 20.
fn cicp_channels(configuration: usize) -> Option<u32> {
    const COUNTS: [u32; 21] = [0, 1, 2, 3, 4, 5, 6, 8, 2, 3, 4, 7, 8, 24, 8, 12, 10, 12, 14, 12, 14];
    COUNTS.get(configuration).copied().filter(|count| *count > 0)
}

/// ETSI TS 102 366, table E.1.4: one bit a location, some locations are pairs.
fn dolby_channels(map: u16) -> Option<u32> {
    const PAIRS: u16 = 0b0000_0110_0111_0100;
    let count = map.count_ones() + (map & PAIRS).count_ones();
    (count > 0).then_some(count)
}

/// `TransferCharacteristics` as the video range of the presentation model.
pub(super) fn video_range(value: &str) -> Option<&'static str> {
    match value.trim() {
        "16" => Some("PQ"),
        "18" => Some("HLG"),
        "1" | "4" | "5" | "6" | "7" | "11" | "13" | "14" | "15" => Some("SDR"),
        _ => None,
    }
}

/// `Label@lang` and its text.
pub(super) type Label = (Option<String>, String);

/// Reads a `Label`.
pub(super) fn label<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Label, Error> {
    Ok((element.string("lang"), xml.text()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(scheme: &str, value: &str) -> Option<u32> {
        channels(&Descriptor { scheme: scheme.into(), value: Some(value.into()), id: None })
    }

    #[test]
    fn channel_configurations_are_counted_by_their_scheme() {
        let dolby = "tag:dolby.com,2014:dash:audio_channel_configuration:2011";
        assert_eq!(configuration(dolby, "A000"), Some(2), "L R");
        assert_eq!(configuration(dolby, "F801"), Some(6), "L C R Ls Rs LFE");
        assert_eq!(configuration(dolby, "FA01"), Some(8), "with the Lrs/Rrs pair");
        let cicp = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
        assert_eq!((configuration(cicp, "6"), configuration(cicp, "12")), (Some(6), Some(8)));
        assert_eq!(configuration(cicp, "99"), None);
        assert_eq!(configuration("urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "6"), Some(6));
        assert_eq!(configuration("urn:x", "6"), None);
    }
}
