//! Clock, availability, window and update rules of a live MPD (D022–D056), as far as they are read
//! and not acted on.

use crate::support::*;

use telecine_model::datetime::parse_date_time;
use telecine_model::live::DashTiming;
use telecine_model::Presentation;

fn live(attributes: &str, content: &str) -> Presentation {
    read(&mpd(
        &format!("type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z' {attributes}"),
        &format!("{content}<Period id='p' start='PT0S'>{SET}</Period>"),
    ))
}

fn timing(presentation: &Presentation) -> &DashTiming {
    presentation.dash.as_ref().expect("DASH has timing")
}

#[test]
fn d022_clock_sources_keep_their_order() {
    let presentation = live(
        "",
        "<UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-head:2014' value='https://t/1'/>\
         <UTCTiming schemeIdUri='urn:mpeg:dash:utc:direct:2012' value='2026-01-01T00:00:00Z'/>\
         <UTCTiming schemeIdUri='urn:mpeg:dash:utc:ntp:2014' value='ntp.example'/>",
    );
    let found: Vec<(&str, Option<&str>)> = timing(&presentation)
        .utc_timings
        .iter()
        .map(|timing| (timing.scheme.as_str(), timing.value.as_deref()))
        .collect();
    // D023: which of them can be used is the engine's business.
    assert_eq!(found[0], ("urn:mpeg:dash:utc:http-head:2014", Some("https://t/1")));
    assert_eq!(found[1].1, Some("2026-01-01T00:00:00Z"));
    assert_eq!(found.len(), 3);
}

#[test]
fn d026_producer_reference_times_are_of_the_set_or_of_the_representation() {
    let text = with_set(
        "<ProducerReferenceTime id='0' type='captured' wallClockTime='2026-01-01T00:00:00Z' presentationTime='90000' inband='true'/>\
         <SegmentTemplate media='$Number$' duration='2'/>\
         <Representation id='v' bandwidth='1'/>\
         <Representation id='w' bandwidth='1'><ProducerReferenceTime id='1' presentationTime='5'/></Representation>",
    );
    let presentation = read(&text);
    let first = &rendition(&presentation).producer_times[0];
    assert_eq!((first.id.as_str(), first.kind.as_str(), first.inband), ("0", "captured", true));
    assert_eq!(first.presentation_ticks, 90_000);
    assert_eq!(first.wall_clock, parse_date_time("2026-01-01T00:00:00Z"));
    assert_eq!(track(&presentation).renditions[1].producer_times[0].kind, "encoder");
}

#[test]
fn d027_leap_seconds_since_the_start_and_the_next_one() {
    let presentation = live(
        "",
        "<LeapSecondInformation availabilityStartLeapOffset='1' nextAvailabilityStartLeapOffset='2' nextLeapChangeTime='2027-01-01T00:00:00Z'/>",
    );
    assert_eq!(timing(&presentation).leap_second_offset, Some(1));
    assert_eq!(timing(&presentation).next_leap, parse_date_time("2027-01-01T00:00:00Z").map(|at| (at, 2)));
}

#[test]
fn d028_to_d038_the_window_and_its_delays_are_read() {
    let presentation = live(
        "availabilityEndTime='2026-01-02T00:00:00Z' timeShiftBufferDepth='PT5M' suggestedPresentationDelay='PT6S' \
         minBufferTime='PT2S' minimumUpdatePeriod='PT2S' maxSegmentDuration='PT3S' maxSubsegmentDuration='PT0.5S'",
        "",
    );
    let timing = timing(&presentation);
    assert_eq!(timing.availability_start, parse_date_time("2026-01-01T00:00:00Z"));
    assert_eq!(timing.availability_end, parse_date_time("2026-01-02T00:00:00Z"), "D037");
    assert_eq!(timing.time_shift_buffer_depth, Some(ms(300_000)), "D032");
    assert_eq!(timing.suggested_presentation_delay, Some(ms(6000)), "D034");
    assert_eq!(timing.minimum_update_period, Some(ms(2000)), "D038");
    assert_eq!(timing.max_subsegment_duration, Some(ms(500)));
    assert_eq!(presentation.min_buffer_time, Some(ms(2000)), "D036");
    assert_eq!(presentation.target_duration, Some(ms(3000)));
    assert!(presentation.live && presentation.duration.is_none());
}

#[test]
fn d028_a_live_mpd_without_an_availability_start_is_reported() {
    let presentation = read(&mpd("type='dynamic'", &format!("<Period start='PT0S'>{SET}</Period>")));
    assert_eq!(warned(&presentation), ["D028"]);
}

fn with_offsets(bases: [&str; 2], template: &str, set: &str) -> Presentation {
    read(&mpd(
        "type='dynamic' availabilityStartTime='2026-01-01T00:00:00Z'",
        &format!(
            "{}<Period start='PT0S'>{}<AdaptationSet mimeType='video/mp4'><SegmentTemplate {set} media='$Number$' duration='2'/>\
             <Representation id='v' bandwidth='1'><SegmentTemplate {template}/></Representation></AdaptationSet></Period>",
            bases[0], bases[1]
        ),
    ))
}

#[test]
fn d029_availability_offsets_of_all_levels_add_up() {
    let bases =
        ["<BaseURL availabilityTimeOffset='1.5'>a/</BaseURL>", "<BaseURL availabilityTimeOffset='0.25'>b/</BaseURL>"];
    let presentation = with_offsets(bases, "availabilityTimeOffset='2'", "availabilityTimeOffset='0.125'");
    assert_eq!(index(&presentation).availability_offset, Some(ms(3875)));
    let always = with_offsets(bases, "availabilityTimeOffset='INF'", "");
    assert_eq!(index(&always).availability_offset, None, "INF");
    assert_eq!(index(&with_offsets(["", ""], "", "")).availability_offset, Some(ms(0)));
}

#[test]
fn d075_how_long_segments_stay_may_be_said_of_a_place() {
    let bases = ["<BaseURL timeShiftBufferDepth='PT10M'>a/</BaseURL>", "<BaseURL>b/</BaseURL>"];
    assert_eq!(index(&with_offsets(bases, "", "")).time_shift_buffer_depth, Some(ms(600_000)), "the level above");
    let bases = [bases[0], "<BaseURL timeShiftBufferDepth='PT10S'>b/</BaseURL>"];
    assert_eq!(index(&with_offsets(bases, "", "")).time_shift_buffer_depth, Some(ms(10_000)), "the nearest level");
    assert_eq!(index(&with_offsets(["", ""], "", "")).time_shift_buffer_depth, None);
}

#[test]
fn d030_chunks_are_announced_by_an_offset_and_incomplete_availability() {
    let low = with_offsets(["", ""], "availabilityTimeOffset='1.96' availabilityTimeComplete='false'", "");
    assert!(low.low_latency && !index(&low).availability_complete);
    let base = "<BaseURL availabilityTimeOffset='7' availabilityTimeComplete='false'>x/</BaseURL>";
    assert!(with_offsets([base, ""], "", "").low_latency);
    assert!(!with_offsets(["", ""], "availabilityTimeOffset='1.96'", "").low_latency);
    let undone = with_offsets([base, ""], "availabilityTimeComplete='true'", "");
    assert!(index(&undone).availability_complete, "the nearest level decides");
}

#[test]
fn d039_d040_an_update_period_of_zero_is_not_the_same_as_none() {
    assert_eq!(timing(&live("minimumUpdatePeriod='PT0S'", "")).minimum_update_period, Some(ms(0)));
    assert_eq!(timing(&live("", "")).minimum_update_period, None);
}

#[test]
fn d049_d052_the_publish_time_is_kept_as_a_time_and_as_written() {
    let presentation = live("id='m' publishTime='2026-01-01T01:00:00+01:00'", "");
    let timing = timing(&presentation);
    assert_eq!(timing.publish_time, parse_date_time("2026-01-01T00:00:00Z"));
    assert_eq!(timing.publish_time_text.as_deref(), Some("2026-01-01T01:00:00+01:00"));
    assert_eq!(timing.id.as_deref(), Some("m"));
}

#[test]
fn d050_several_locations_with_their_service_locations() {
    let presentation = live(
        "",
        "<Location serviceLocation='a'>https://a.example/x.mpd</Location><Location> other.mpd?y=1&amp;z=2 </Location>",
    );
    let found: Vec<(&str, Option<&str>)> = presentation
        .locations
        .iter()
        .map(|location| (location.uri.as_str(), location.service_location.as_deref()))
        .collect();
    assert_eq!(found, [("https://a.example/x.mpd", Some("a")), ("https://cdn.example/title/other.mpd?y=1&z=2", None)]);
}

#[test]
fn d051_patch_locations_have_a_time_to_live() {
    let presentation =
        live("", "<PatchLocation ttl='60'>patch.mpp</PatchLocation><PatchLocation ttl='1.5'>b</PatchLocation>");
    assert_eq!(presentation.patch_locations[0].uri, "https://cdn.example/title/patch.mpp");
    assert_eq!(presentation.patch_locations[0].ttl, Some(ms(60_000)));
    assert_eq!(presentation.patch_locations[1].ttl, Some(ms(1500)));
}

#[test]
fn d083_resync_points_are_read() {
    let text = with_set(
        "<Resync type='2' dT='500000' dImax='0.3' dImin='0.1' marker='true'/><SegmentTemplate media='$Number$' duration='2'/>\
         <Representation id='v' bandwidth='1'/>",
    );
    let resync = read(&text).periods[0].tracks[0].renditions[0].resync[0].clone();
    assert_eq!((resync.kind, resync.max_distance_ticks, resync.marker), (2, Some(500_000), true));
    assert_eq!((resync.max_index_micro, resync.min_index_micro), (Some(300_000), Some(100_000)));
}

#[test]
fn d085_failover_content_that_is_not_valid_is_a_range_not_to_be_played() {
    let text = with_segments(
        "<SegmentTemplate media='$Number$' duration='2000' timescale='1000' presentationTimeOffset='1000'>\
         <FailoverContent valid='false'><FCS t='3000' d='2000'/><FCS t='9000'/></FailoverContent>\
         <FailoverContent valid='true'><FCS t='0' d='1'/></FailoverContent></SegmentTemplate>",
    );
    assert_eq!(rendition(&read(&text)).invalid_ranges, [(ms(2000), ms(4000)), (ms(8000), ms(20_000))]);
}

#[test]
fn d012_a_live_title_that_counts_from_1970_is_no_larger_once_its_end_is_known() {
    let text = |end: &str| {
        let period =
            "<Period id='p' start='PT0S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate media='$Number$' \
                      startNumber='0' duration='2'/><Representation id='v' bandwidth='1'/></AdaptationSet></Period>";
        mpd(&format!("type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z' {end}"), period)
    };
    let open = read(&text(""));
    let ended = read(&text("mediaPresentationDuration='PT1795780526S'"));
    assert!(index(&open).table.is_open() && !index(&ended).table.is_open());
    let table = &index(&ended).table;
    assert_eq!((table.end_number(), table.runs()), (897_890_263, 1));
    assert_eq!(index(&ended).get(897_890_262).expect("the last").uri, "https://cdn.example/title/897890262");
    // As long as 32 bits can count them.
    assert!(try_parse(&text("mediaPresentationDuration='PT9000000000S'")).is_err());
}
