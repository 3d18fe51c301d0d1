//! Live programmes whose media times jump: periods of DASH, restarts of the encoder, breaks; read by m3u8-rs and
//! dash-mpd-core, and checked against the decode times of the media.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use dash_mpd_core::{Period, MPD};
use support::segment::decode_time;
use support::{at, bytes, get, text};

/// 2026-11-27T11:54:56.700Z.
const NOW: u64 = 1_795_780_496_700;

fn mpd(path: &str, now: u64) -> MPD {
    dash_mpd_core::parse(&text(&at(path, now))).expect("an MPD")
}

fn seconds(period: &Period) -> f64 {
    period.start.expect("a start").as_secs_f64()
}

/// Every segment that an MPD with a timeline names: period, rendition, presentation time in seconds, decode time.
fn named(folder: &str, name: &str, now: u64) -> Vec<(String, String, f64, u64)> {
    let mut out = Vec::new();
    for period in &mpd(&format!("{folder}/{name}.mpd"), now).periods {
        for set in &period.adaptations {
            let template = set.SegmentTemplate.as_ref().expect("shared times");
            let timescale = template.timescale.expect("ticks") as f64;
            let offset = template.presentationTimeOffset.unwrap_or(0);
            let timeline = template.SegmentTimeline.as_ref().expect("a timeline");
            let (mut time, mut number) = (0, template.startNumber.unwrap_or(1));
            let id = set.representations[0].id.clone().expect("an id");
            for s in &timeline.segments {
                time = s.t.unwrap_or(time);
                for _ in 0..=s.r.unwrap_or(0) {
                    let media = template.media.as_ref().expect("a template").replace("$RepresentationID$", &id);
                    let media = media.replace("$Time$", &time.to_string()).replace("$Number$", &number.to_string());
                    let decoded = decode_time(&bytes(&at(&format!("{folder}/{media}"), now)));
                    assert_eq!(decoded, time, "{media}");
                    let presented = seconds(period) + (time as f64 - offset as f64) / timescale;
                    out.push((period.id.clone().expect("an id"), id.clone(), presented, decoded));
                    (time, number) = (time + s.d, number + 1);
                }
            }
        }
    }
    out
}

#[test]
fn periods_begin_so_often_an_hour_and_keep_their_names_and_starts() {
    // One every thirty seconds.
    let path = "/dash/live_70/periods_120/demo";
    let mut starts = BTreeMap::new();
    for now in (0..60).map(|step| NOW + step * 1_300) {
        let document = mpd(&format!("{path}/time.mpd"), now);
        assert!((3..=4).contains(&document.periods.len()), "{}", document.periods.len());
        for period in &document.periods {
            let (id, start) = (period.id.clone().expect("an id"), seconds(period));
            assert_eq!(id, format!("P{}", start as u64 / 30));
            assert_eq!(start % 30.0, 0.0);
            assert_eq!(*starts.entry(id).or_insert(start), start);
            for set in &period.adaptations {
                let property = &set.supplemental_property[0];
                assert_eq!(property.schemeIdUri, "urn:mpeg:dash:period-continuity:2015");
                let before = start as u64 / 30 - 1;
                assert_eq!(property.value.as_deref(), Some(format!("P{before}").as_str()));
            }
        }
        let last = document.periods.last().expect("a period");
        assert!(seconds(last) + 2.0 <= now as f64 / 1000.0 && last.duration.is_none());
    }
    assert!(starts.len() >= 5);
    let plain = mpd(&format!("{path}/number.mpd").replace("periods_120", "periods_120/continuous_0"), NOW);
    assert!(plain.periods[0].adaptations[0].supplemental_property.is_empty());
    assert!(plain.minimumUpdatePeriod.is_some(), "periods are added");
}

#[test]
fn segments_of_all_periods_follow_each_other_and_are_where_they_say() {
    for (options, names) in [
        ("periods_120", &["time", "timeline-number"][..]),
        ("periods_100", &["time"]),
        ("encrestart_21", &["time", "timeline-number"]),
        ("adbreak_18", &["time"]),
    ] {
        for name in names {
            for now in [NOW, NOW + 7_000, NOW + 19_000] {
                let all = named(&format!("/dash/live_60/{options}/demo"), name, now);
                for id in ["v180", "a-en"] {
                    let own: Vec<_> = all.iter().filter(|(_, rendition, ..)| rendition == id).collect();
                    assert!((29..=32).contains(&own.len()), "{options} {id}: {}", own.len());
                    // By the clock, whatever media times do: sound in steps of a frame.
                    for pair in own.windows(2) {
                        let step = pair[1].2 - pair[0].2;
                        assert!((1.97..2.03).contains(&step), "{options} {name} {id}: {pair:?}");
                    }
                    let end = own.last().expect("segments").2 + 2.0;
                    assert!((end - now as f64 / 1000.0).abs() < 2.1, "{options}: {end}");
                    let periods: Vec<_> = own.iter().map(|(period, ..)| period).collect();
                    assert!(periods.first() != periods.last(), "{options}");
                }
            }
        }
    }
}

#[test]
fn numbers_with_durations_count_from_the_start_of_their_period() {
    let folder = "/dash/live_60/periods_120/demo";
    for period in &mpd(&format!("{folder}/number.mpd"), NOW).periods {
        for set in &period.adaptations {
            let template = set.SegmentTemplate.as_ref().expect("a template");
            let id = set.representations[0].id.as_deref().expect("an id");
            let (number, timescale) = (template.startNumber.expect("a number"), template.timescale.expect("ticks"));
            let offset = template.presentationTimeOffset.expect("an offset");
            for k in [0, 3] {
                let path = at(&format!("{folder}/{id}/{}.m4s", number + k), NOW);
                if get(&path).status == 404 {
                    continue;
                }
                let distance = decode_time(&bytes(&path)) as f64 - offset as f64;
                let off = distance / timescale as f64 - 2.0 * k as f64;
                assert!(off.abs() < 0.03, "{id} {k}: {off}");
            }
        }
    }
}

#[test]
fn times_restart_with_the_encoder_and_come_back_after_a_break() {
    let folder = "/hls/live_60/encrestart_20/demo";
    let mut seen = 0;
    for rendition in ["v180", "a-en"] {
        let list = m3u8_rs::parse_media_playlist_res(&bytes(&at(&format!("{folder}/{rendition}.m3u8"), NOW)))
            .expect("a playlist");
        assert_eq!(list.media_sequence, NOW / 2000 - list.segments.len() as u64);
        for (nth, segment) in list.segments.iter().enumerate() {
            let time = decode_time(&bytes(&at(&format!("{folder}/{}", segment.uri), NOW)));
            let index = (list.media_sequence + nth as u64) % 10;
            let ticks = if rendition == "v180" { 90_000 } else { 48_000 };
            assert!(time.abs_diff(index * 2 * ticks) <= 1_024, "{rendition} {nth}: {time}");
            assert_eq!(segment.discontinuity, index == 0 && nth > 0);
            seen += u64::from(segment.discontinuity);
        }
    }
    assert!(seen >= 4);
    let folder = "/hls/live_60/adbreak_20/demo";
    let list = m3u8_rs::parse_media_playlist_res(&bytes(&at(&format!("{folder}/v180.m3u8"), NOW))).expect("a playlist");
    let (mut here, mut later) = (0, 0);
    for (nth, segment) in list.segments.iter().enumerate() {
        let number = list.media_sequence + nth as u64;
        let time = decode_time(&bytes(&at(&format!("{folder}/{}", segment.uri), NOW)));
        let jump = if number / 10 % 2 == 1 { 3600 } else { 0 };
        assert_eq!(time, (number * 2 + jump) * 90_000, "{number}");
        assert_eq!(segment.discontinuity, number.is_multiple_of(10) && nth > 0);
        *(if jump == 0 { &mut here } else { &mut later }) += 1;
    }
    assert!(here >= 9 && later >= 9, "{here} {later}");
}

#[test]
fn numbers_that_begin_anew_forget_what_was_before() {
    let folder = "/hls/live_60/encrestartmsn_20/demo";
    for now in (0..24).map(|step| NOW / 20_000 * 20_000 + 500 + step * 1_000) {
        let list =
            m3u8_rs::parse_media_playlist_res(&bytes(&at(&format!("{folder}/v180.m3u8"), now))).expect("a playlist");
        assert_eq!(list.media_sequence, 0);
        assert!(!list.segments.is_empty() && list.segments.iter().all(|segment| !segment.discontinuity));
        // For two seconds after a restart the last run is what there is.
        let ended = (now % 20_000) / 2_000;
        assert_eq!(list.segments.len() as u64, if ended == 0 { 10 } else { ended }, "{now}");
        for (nth, segment) in list.segments.iter().enumerate() {
            assert_eq!(segment.uri, format!("v180/{nth}.m4s"));
            let time = decode_time(&bytes(&at(&format!("{folder}/{}", segment.uri), now)));
            assert!(time.abs_diff(nth as u64 * 180_000) <= 1_024, "sound may begin a frame earlier: {time}");
        }
    }
}

#[test]
fn cuts_that_contradict_each_other_are_refused() {
    for path in [
        "/dash/live_60/periods_60/encrestart_20/demo/time.mpd",
        "/dash/live_60/encrestart_20/adbreak_20/demo/time.mpd",
        "/hls/encrestartmsn_20/parts_334/demo/v180.m3u8",
        "/hls/encrestart_2/demo/v180.m3u8",
    ] {
        assert_eq!(get(&at(path, NOW)).status, 400, "{path}");
    }
    assert_eq!(get(&at("/dash/live_60/encrestart_20/demo/v180/t0.m4s", NOW)).status, 404);
    assert_eq!(get(&at("/dash/live_60/demo/v180/p0-t0.m4s", NOW)).status, 404);
}
