//! `EventStream` and in-band event schemes (D057–D063).

use crate::support::*;

use telecine_model::events::EventStream;

fn streams(content: &str) -> Vec<EventStream> {
    let text = mpd("mediaPresentationDuration='PT60S'", &format!("<Period start='PT10S'>{content}{SET}</Period>"));
    read(&text).periods.remove(0).event_streams
}

#[test]
fn d060_events_lie_on_the_periods_timeline_less_the_offset() {
    let found = streams(
        "<EventStream schemeIdUri='urn:x' value='1' timescale='1000' presentationTimeOffset='500'>\
         <Event id='7' presentationTime='2500' duration='1500' messageData='hi &amp; bye'/><Event>now</Event></EventStream>",
    );
    assert_eq!((found[0].scheme.as_str(), found[0].value.as_deref()), ("urn:x", Some("1")));
    let first = &found[0].events[0];
    assert_eq!((first.id, first.start, first.duration), (Some(7), ms(12_000), Some(ms(1500))));
    assert_eq!((first.message.as_str(), first.base64), ("hi & bye", false));
    let second = &found[0].events[1];
    assert_eq!((second.id, second.start, second.duration), (None, ms(9500), None));
    assert_eq!(second.message, "now");
}

#[test]
fn d060_content_is_kept_as_text_as_base64_or_as_xml() {
    let found = streams(
        "<EventStream schemeIdUri='urn:x'><Event contentEncoding='base64'> QUI= </Event>\
         <Event><![CDATA[{\"a\":\"<b>\"}]]></Event><Event>&#65;&lt;</Event></EventStream>",
    );
    let messages: Vec<(&str, bool)> =
        found[0].events.iter().map(|event| (event.message.as_str(), event.base64)).collect();
    assert_eq!(messages, [("QUI=", true), ("{\"a\":\"<b>\"}", false), ("A<", false)]);
}

#[test]
fn d062_scte_35_passes_through_as_it_was_written() {
    let signal = "<scte35:Signal xmlns:scte35=\"http://www.scte.org/schemas/35\"><scte35:Binary>/DAl==</scte35:Binary></scte35:Signal>";
    let found = streams(&format!(
        "<EventStream schemeIdUri='urn:scte:scte35:2014:xml+bin' timescale='90000'><Event presentationTime='90000' duration='2700000'>\n {signal} </Event></EventStream>"
    ));
    assert_eq!(found[0].events[0].message, signal);
    assert_eq!((found[0].events[0].start, found[0].events[0].duration), (ms(11_000), Some(ms(30_000))));
}

#[test]
fn d063_alternative_mpd_events_are_events_with_their_xml() {
    let found = streams(
        "<EventStream schemeIdUri='urn:mpeg:dash:event:alternativeMPD:insert:2025' timescale='1000'>\
         <Event presentationTime='5000' id='1'><InsertPresentation url='ad.mpd'/></Event></EventStream>",
    );
    assert_eq!(found[0].events[0].message, "<InsertPresentation url='ad.mpd'/>");
}

#[test]
fn d061_in_band_schemes_of_the_set_and_of_its_representations() {
    let text = with_set(
        "<InbandEventStream schemeIdUri='urn:scte:scte35:2013:bin' value='1'/><SegmentTemplate media='s' duration='2'/>\
         <Representation id='v' bandwidth='1'><InbandEventStream schemeIdUri='urn:mpeg:dash:event:2012' value='1'/></Representation>\
         <Representation id='w' bandwidth='1'><InbandEventStream schemeIdUri='urn:mpeg:dash:event:2012' value='1'/></Representation>",
    );
    let presentation = read(&text);
    let found: Vec<&str> = track(&presentation).inband_events.iter().map(|d| d.scheme.as_str()).collect();
    assert_eq!(found, ["urn:scte:scte35:2013:bin", "urn:mpeg:dash:event:2012"]);
}

#[test]
fn d058_an_id_that_is_no_number_is_reported() {
    let text = static_mpd(&format!("<EventStream schemeIdUri='urn:x'><Event id='x'/></EventStream>{SET}"));
    let presentation = read(&text);
    assert_eq!(warned(&presentation), ["D058"]);
    assert_eq!(presentation.warnings[0].place.to_string(), "MPD/Period[1]/EventStream[1]/Event[1]");
}
