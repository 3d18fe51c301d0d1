//! What the service says about itself: `ServiceDescription`, `ContentSteering`, `UTCTiming`,
//! `LeapSecondInformation`, `Location`.

use telecine_model::datetime::parse_date_time;
use telecine_model::live::{ClientReporting, DashTiming, Location, OperatingRange, ServiceDescription, Steering};
use telecine_model::{uri, Error, MediaTime};

use super::descriptors;
use super::element::Element;
use super::reader::Xml;
use super::value::{integer, seconds, thousandths};

/// Reads a `ServiceDescription`; a `ContentSteering` in it goes to `steering`.
pub(super) fn description<'a>(
    xml: &mut Xml<'a>,
    element: &Element<'a>,
    steering: &mut Option<Steering>,
) -> Result<ServiceDescription, Error> {
    let mut service = ServiceDescription { id: element.string("id"), ..ServiceDescription::default() };
    while let Some(child) = xml.child()? {
        let millis = |text: &str| integer(text).map(MediaTime::from_millis);
        match child.mpd_name() {
            "Scope" => {
                let scope = descriptors::read(xml, &child)?;
                xml.keep(&mut service.scopes, scope)?;
                continue;
            }
            "Latency" => {
                service.latency_target = xml.parsed(&child, "target", "D080", millis);
                service.latency_min = xml.parsed(&child, "min", "D080", millis);
                service.latency_max = xml.parsed(&child, "max", "D080", millis);
                service.latency_reference = child.string("referenceId");
            }
            "PlaybackRate" => {
                service.rate_min_milli = xml.parsed(&child, "min", "D080", thousandths);
                service.rate_max_milli = xml.parsed(&child, "max", "D080", thousandths);
            }
            "OperatingBandwidth" => service.bandwidth = Some(range(xml, &child)),
            "OperatingQuality" => service.quality = Some(range(xml, &child)),
            "ContentSteering" => {
                let found = content_steering(xml, &child)?;
                steering.get_or_insert(found);
                continue;
            }
            "ClientDataReporting" => {
                service.reporting = reporting(xml, &child)?;
                continue;
            }
            _ => {}
        }
        xml.skip()?;
    }
    Ok(service)
}

fn range<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> OperatingRange {
    OperatingRange {
        min: xml.parsed(element, "min", "D081", integer),
        max: xml.parsed(element, "max", "D081", integer),
        target: xml.parsed(element, "target", "D081", integer),
    }
}

/// Reads a `ContentSteering` (D076).
pub(super) fn content_steering<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Steering, Error> {
    Ok(Steering {
        initial: element.words("defaultServiceLocation"),
        query_before_start: element.flag("queryBeforeStart").unwrap_or(false),
        client_requirement: element.flag("clientRequirement").unwrap_or(false),
        uri: uri::resolve(xml.uri, &xml.text()?),
    })
}

/// Reads a `ClientDataReporting`; None without `CMCDParameters` (D109).
fn reporting<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Option<ClientReporting>, Error> {
    let mut found = None;
    while let Some(child) = xml.child()? {
        if child.name == "CMCDParameters" {
            let or = |words: Vec<String>, default: &str| {
                if words.is_empty() {
                    vec![default.to_owned()]
                } else {
                    words
                }
            };
            found = Some(ClientReporting {
                service_locations: element.words("serviceLocations"),
                adaptation_sets: element.words("adaptationSets"),
                version: xml.parsed(&child, "version", "D109", integer).unwrap_or(1),
                mode: child.string("mode").unwrap_or_else(|| "query".to_owned()),
                requests: or(child.words("includeInRequests"), "segment"),
                keys: child.words("keys"),
                content_id: child.string("contentID"),
                session_id: child.string("sessionID"),
            });
        }
        xml.skip()?;
    }
    Ok(found)
}

/// Reads `LeapSecondInformation` (D027).
pub(super) fn leap_seconds<'a>(xml: &mut Xml<'a>, element: &Element<'a>, timing: &mut DashTiming) -> Result<(), Error> {
    timing.leap_second_offset = xml.parsed(element, "availabilityStartLeapOffset", "D027", integer);
    let next = xml.parsed(element, "nextAvailabilityStartLeapOffset", "D027", integer);
    let at = xml.parsed(element, "nextLeapChangeTime", "D027", parse_date_time);
    timing.next_leap = at.zip(next);
    xml.skip()
}

/// Reads a `Location` or `PatchLocation`.
pub(super) fn location<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Result<Location, Error> {
    Ok(Location {
        service_location: element.string("serviceLocation"),
        ttl: xml.parsed(element, "ttl", "D051", seconds),
        uri: uri::resolve(xml.uri, &xml.text()?),
    })
}
