//! Steering, service descriptions, program information (D076–D081, D109).

use crate::support::*;

use telecine_model::live::{OperatingRange, ServiceDescription};
use telecine_model::presentation::Descriptor;

fn with(content: &str) -> telecine_model::Presentation {
    read(&mpd("mediaPresentationDuration='PT4S'", &format!("{content}<Period>{SET}</Period>")))
}

#[test]
fn d076_content_steering_with_its_default_locations() {
    let presentation = with(
        "<ContentSteering defaultServiceLocation='beta alpha' queryBeforeStart='true' clientRequirement='true'>steer?s=1</ContentSteering>",
    );
    let steering = presentation.steering.expect("steering");
    assert_eq!(steering.uri, "https://cdn.example/title/steer?s=1");
    assert_eq!(steering.initial, ["beta", "alpha"]);
    assert!(steering.query_before_start && steering.client_requirement);
    let inside = with("<ServiceDescription><ContentSteering>https://s.example/</ContentSteering></ServiceDescription>");
    let steering = inside.steering.expect("steering");
    assert_eq!((steering.uri.as_str(), steering.query_before_start), ("https://s.example/", false));
}

#[test]
fn d077_d078_fallback_chaining_and_reset_are_kept_of_the_mpd() {
    let presentation = with(
        "<SupplementalProperty schemeIdUri='urn:mpeg:dash:fallback:2016' value='a.mpd b.mpd'/>\
         <EssentialProperty schemeIdUri='urn:mpeg:dash:reset:2016'/>",
    );
    assert_eq!(presentation.properties[0].scheme, "urn:mpeg:dash:fallback:2016");
    assert_eq!(presentation.properties[0].value.as_deref(), Some("a.mpd b.mpd"));
    assert_eq!(presentation.properties[1].scheme, "urn:mpeg:dash:reset:2016");
}

#[test]
fn d079_to_d081_latency_rate_and_operating_points_with_their_scope() {
    let presentation = with(
        "<ServiceDescription id='0'><Scope schemeIdUri='urn:dvb:dash:lowlatency:scope:2019' value='x'/>\
         <Latency target='3500' min='2000' max='6000' referenceId='7'/><PlaybackRate min='0.96' max='1.04'/>\
         <OperatingBandwidth min='100' max='200' target='150'/><OperatingQuality max='3'/></ServiceDescription>",
    );
    let expected = ServiceDescription {
        id: Some("0".into()),
        scopes: vec![Descriptor {
            scheme: "urn:dvb:dash:lowlatency:scope:2019".into(),
            value: Some("x".into()),
            id: None,
        }],
        latency_target: Some(ms(3500)),
        latency_min: Some(ms(2000)),
        latency_max: Some(ms(6000)),
        latency_reference: Some("7".into()),
        rate_min_milli: Some(960),
        rate_max_milli: Some(1040),
        bandwidth: Some(OperatingRange { min: Some(100), max: Some(200), target: Some(150) }),
        quality: Some(OperatingRange { min: None, max: Some(3), target: None }),
        reporting: None,
    };
    assert_eq!(presentation.service_descriptions, [expected]);
}

#[test]
fn d109_what_the_service_asks_to_be_told() {
    let presentation = with(
        "<ServiceDescription><ClientDataReporting serviceLocations='a b' adaptationSets='1'>\
         <CMCDParameters schemeIdUri='urn:mpeg:dash:cta-5004:2023' version='2' mode='header' includeInRequests='segment mpd' keys='br bl' contentID='c' sessionID='s'/>\
         </ClientDataReporting></ServiceDescription>\
         <ServiceDescription><ClientDataReporting><CMCDParameters/></ClientDataReporting></ServiceDescription>",
    );
    let first = presentation.service_descriptions[0].reporting.as_ref().expect("reporting");
    assert_eq!((first.version, first.mode.as_str()), (2, "header"));
    assert_eq!((first.service_locations.len(), first.adaptation_sets.len()), (2, 1));
    assert_eq!((first.keys.join(" "), first.requests.join(" ")), ("br bl".into(), "segment mpd".into()));
    assert_eq!((first.content_id.as_deref(), first.session_id.as_deref()), (Some("c"), Some("s")));
    let second = presentation.service_descriptions[1].reporting.as_ref().expect("reporting");
    assert_eq!((second.version, second.mode.as_str(), second.requests.join(" ")), (1, "query", "segment".into()));
}

#[test]
fn the_title_and_the_profiles_are_kept() {
    let presentation = read(&mpd(
        "mediaPresentationDuration='PT4S' profiles='urn:mpeg:dash:profile:isoff-live:2011,urn:x:unknown'",
        &format!("<ProgramInformation lang='en'><Title>Big &amp; <![CDATA[<Small>]]></Title></ProgramInformation><Period>{SET}</Period>"),
    ));
    assert_eq!(presentation.title.as_deref(), Some("Big & <Small>"));
    assert_eq!(presentation.version.as_deref(), Some("urn:mpeg:dash:profile:isoff-live:2011,urn:x:unknown"));
    // D108: an unknown profile alone is no reason for anything.
    assert!(presentation.warnings.is_empty());
}
