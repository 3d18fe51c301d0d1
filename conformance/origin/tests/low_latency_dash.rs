//! Low-latency DASH: segments that are sent while they are made, at many moments, and what the MPD says of them; read by
//! dash-mpd-core and a naive reader of boxes, with ffmpeg as the judge of the media.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::segment::{decode_time, samples, top_boxes};
use support::{at, bytes, exchange, frames, get, library, ms, origin, ranged, text};
use telecine_origin::{respond, Method, Request};

/// 2026-11-27T11:54:56.700Z, which is inside of a segment.
const NOW: u64 = 1_795_780_496_700;
/// A segment that begins at this moment.
const BEGIN: u64 = NOW / 2_000 * 2_000;

/// The fragments of a segment with what stands in front of each.
fn fragments(segment: &[u8]) -> Vec<&[u8]> {
    let (mut out, mut from, mut to) = (Vec::new(), 0, 0);
    for (kind, size) in top_boxes(segment) {
        to += size;
        if kind == "mdat" {
            out.push(&segment[from..to]);
            from = to;
        }
    }
    out
}

#[test]
fn a_segment_is_there_from_its_offset_on_and_comes_chunk_by_chunk() {
    let number = NOW / 2_000;
    for (rendition, timescale) in [("v180", 90_000_u64), ("a-en", 48_000)] {
        let path = format!("/dash/chunk_500/ato_1500/demo/{rendition}/{number}.m4s");
        let whole = bytes(&at(&path, BEGIN + 2_000));
        assert_eq!(get(&at(&path, BEGIN + 2_000)).header("content-length"), Some(whole.len().to_string().as_str()));
        let chunks = fragments(&whole);
        assert!((4..=5).contains(&chunks.len()), "{}", chunks.len());
        // When each of them has ended, in milliseconds, by the media themselves: they are counted from 1970.
        let next = chunks[1..].iter().map(|chunk| (decode_time(chunk) * 1000).div_ceil(timescale));
        let last = whole.len() as u64;
        let mut ends: Vec<u64> = next.collect();
        let tick = if timescale == 90_000 { 3_600 } else { 1_024 };
        let chunk = chunks.last().expect("chunks");
        ends.push(((decode_time(chunk) + tick * u64::from(samples(chunk))) * 1000).div_ceil(timescale));
        let positions: Vec<u64> = chunks
            .iter()
            .scan(0, |at, chunk| {
                *at += chunk.len() as u64;
                Some(*at)
            })
            .collect();
        assert_eq!(positions.last(), Some(&last));
        let first = ends.last().expect("an end") - 1_500;
        assert_eq!(get(&at(&path, first.min(BEGIN + 500) - 1)).status, 404, "too early");
        for now in (0..60).map(|step| BEGIN + 500 + step * 31) {
            let response = get(&at(&path, now));
            assert_eq!(response.status, 200);
            let there = ends.iter().take_while(|end| **end <= now).count();
            // What is there comes at once; if nothing is, the head waits.
            let hold = if there == 0 { ends[0] - now } else { 0 };
            assert_eq!(ms(response.delivery.hold), hold, "{rendition} {now}");
            let sent = there.max(1);
            let expected: Vec<(u64, u64)> = (sent..chunks.len()).map(|k| (positions[k - 1], ends[k] - now)).collect();
            let pieces: Vec<(u64, u64)> = response.delivery.pieces.iter().map(|(at, due)| (*at, ms(*due))).collect();
            assert_eq!(pieces, expected, "{rendition} {now}");
            assert_eq!(response.header("content-length").is_some(), pieces.is_empty());
            assert!(response.body.into_bytes() == whole);
        }
        // A range waits for what it has, and says as much as there is to say.
        let range = ranged(&path, "bytes=4-99", BEGIN + 1_700);
        assert_eq!((range.status, range.delivery.hold), (206, Duration::ZERO));
        let told = range.headers.iter().find(|(name, _)| *name == "content-range").expect("a range");
        assert_eq!(told.1, "bytes 4-99/*");
        assert_eq!(range.header("content-length"), Some("96"));
        let end = positions[positions.len() - 2];
        let late = ranged(&path, &format!("bytes={end}-{}", last - 1), BEGIN + 1_000);
        assert_eq!(ms(late.delivery.hold), ends.last().expect("an end") - BEGIN - 1_000);
        assert_eq!(late.header("content-range"), Some(format!("bytes {end}-{}/{last}", last - 1).as_str()));
        let head = respond(&library(), &Request { method: Method::Head, ..Request::get(&at(&path, BEGIN + 700)) });
        assert!(head.delivery.pieces.is_empty() && head.status == 200);
    }
}

#[test]
fn without_an_offset_a_segment_in_chunks_is_there_when_it_has_ended() {
    let path = format!("/dash/chunk_500/demo/v180/{}.m4s", NOW / 2_000);
    assert_eq!(get(&at(&path, BEGIN + 1_999)).status, 404);
    assert_eq!(fragments(&bytes(&at(&path, BEGIN + 2_000))).len(), 5);
    for options in ["ato_500", "prft_1", "chunk_500/parts_500", "chunk_500/block_1", "chunk_500/skip_1", "chunk_5"] {
        assert_eq!(get(&at(&format!("/dash/{options}/demo/number.mpd"), NOW)).status, 400, "{options}");
    }
}

#[test]
fn chunks_in_a_row_decode_to_the_frames_of_the_segment_and_say_when_they_were_made() {
    for (rendition, timescale) in [("v360", 90_000_u64), ("a-fr", 48_000)] {
        let media = |options: &str| {
            bytes(&at(&format!("/dash/live_60{options}/demo/{rendition}/{}.m4s", NOW / 2_000 - 4), NOW))
        };
        let init = bytes(&at(&format!("/dash/live_60/demo/{rendition}/init.mp4"), NOW));
        let chunked = media("/chunk_200/prft_1");
        let kinds: Vec<String> = top_boxes(&chunked).into_iter().map(|(kind, _)| kind).collect();
        assert!(kinds.len() >= 30 && kinds.chunks(3).all(|three| three == ["prft", "moof", "mdat"]), "{kinds:?}");
        for chunk in fragments(&chunked) {
            let word = |at: usize| u64::from(u32::from_be_bytes(chunk[at..at + 4].try_into().expect("four bytes")));
            // Version 1: header, version, track, NTP seconds and fraction, media time.
            assert_eq!((word(0), word(8) >> 24, word(12)), (32, 1, 1));
            let seconds = word(16) - 2_208_988_800;
            let unix_ms = seconds * 1000 + ((word(20) * 1000) >> 32);
            let media_time = word(24) << 32 | word(28);
            assert_eq!(media_time, decode_time(chunk));
            // Media times are counted from 1970, as the clock is.
            assert!((media_time * 1000 / timescale).abs_diff(unix_ms) <= 1, "{media_time} {unix_ms}");
        }
        let Some(expected) = frames(&init, &media(""), &[]) else { return };
        assert_eq!(Some(expected), frames(&init, &chunked, &[]), "{rendition}");
    }
}

#[test]
fn the_mpd_says_how_early_how_late_and_how_much_faster() {
    for name in ["number", "time", "timeline-number"] {
        let path = format!("/dash/chunk_500/ato_1500/ltgt_3000/prft_1/utc_iso/demo/{name}.mpd");
        let document = dash_mpd_core::parse(&text(&at(&path, NOW))).expect("an MPD");
        assert!(document.profiles.expect("profiles").contains("low-latency"));
        let service = document.ServiceDescription.first().expect("a service description");
        let latency = service.Latency.first().expect("a latency");
        assert_eq!((latency.target, latency.min, latency.max), (Some(3000.0), Some(2250.0), Some(6000.0)));
        let rate = service.PlaybackRate.first().expect("rates");
        assert_eq!((rate.min, rate.max), (Some(0.96), Some(1.04)));
        let sets = document.periods[0].adaptations.iter();
        for set in sets.filter(|set| set.contentType.as_deref() != Some("image")) {
            let template = set.SegmentTemplate.as_ref().expect("a template");
            assert_eq!(template.availabilityTimeOffset, Some(1.5));
            assert_eq!(template.availabilityTimeComplete, Some(false));
            let reference = set.ProducerReferenceTime.first().expect("a reference time");
            // The start of the last whole minute of the media.
            let minute = NOW / 60_000;
            assert_eq!(reference.wallClockTime.map(|date| date.timestamp_millis()), Some(minute as i64 * 60_000));
            let ticks = minute * 60 * template.timescale.expect("ticks");
            assert_eq!((reference.presentationTime, reference.inband), (Some(ticks), Some(true)));
            let clock = reference.UTCTiming.as_ref().expect("a clock");
            assert_eq!(clock.schemeIdUri, "urn:mpeg:dash:utc:http-iso:2014");
            let timescale = template.timescale.expect("ticks");
            assert_eq!(set.Resync.first().and_then(|resync| resync.dT), Some(timescale / 2));
            let Some(timeline) = &template.SegmentTimeline else { continue };
            // What can be asked for is named: the segment that is being made too.
            let s = &timeline.segments;
            let from = s[0].t.expect("a time");
            let end = from + s.iter().map(|s| s.d * (1 + s.r.unwrap_or(0) as u64)).sum::<u64>();
            let behind = end as f64 / timescale as f64 - NOW as f64 / 1000.0;
            assert!((0.0..1.5).contains(&behind), "{name} {behind}");
        }
    }
    let plain = text(&at("/dash/live_60/demo/number.mpd", NOW));
    assert!(!["ServiceDescription", "availabilityTime", "ProducerReference", "Resync", "low-latency"]
        .iter()
        .any(|s| plain.contains(s)));
}

#[test]
fn joined_segments_can_be_entered_where_the_mpd_says() {
    let mpd = |options: &str| {
        let document = text(&at(&format!("/dash/{options}/demo/time.mpd"), NOW));
        dash_mpd_core::parse(&document).expect("an MPD").periods.remove(0).adaptations
    };
    let joined = mpd("join_4/chunk_500");
    let said = |set: &dash_mpd_core::AdaptationSet| {
        set.Resync.iter().map(|resync| (resync.rtype.clone(), resync.dT)).collect::<Vec<_>>()
    };
    let video = joined.iter().find(|set| set.contentType.as_deref() == Some("video")).expect("pictures");
    // Key frames are two seconds apart.
    assert_eq!(said(video), [(Some("0".to_owned()), Some(45_000)), (Some("1".to_owned()), Some(180_000))]);
    let audio = joined.iter().find(|set| set.contentType.as_deref() == Some("audio")).expect("sound");
    assert_eq!(said(audio), [(Some("1".to_owned()), Some(24_000))]);
    let plain = mpd("chunk_500");
    assert_eq!(said(plain.iter().find(|set| set.contentType == video.contentType).expect("pictures")).len(), 1);
    let number = NOW / 8_000 - 2;
    let whole = bytes(&at(&format!("/dash/join_4/chunk_500/demo/v360/{number}.m4s"), NOW));
    let chunks = fragments(&whole);
    let begin = decode_time(chunks[0]);
    assert_eq!(begin, number * 8 * 90_000);
    for second in [0, 2, 4, 6] {
        let entry = chunks.iter().find(|chunk| decode_time(chunk) == begin + second * 90_000).expect("a chunk");
        // first-sample-flags: no dependence, a sync sample.
        let trun = entry.windows(4).position(|word| word == b"trun").expect("a run");
        assert_eq!(entry[trun + 7] & 4, 4);
        assert_eq!(entry[trun + 17] & 1, 0, "a sync sample");
    }
    let init = bytes(&at("/dash/join_4/chunk_500/demo/v360/init.mp4", NOW));
    let unjoined: Vec<u8> = (0..4)
        .flat_map(|n| bytes(&at(&format!("/dash/chunk_500/demo/v360/{}.m4s", number * 4 + n), NOW)).to_vec())
        .collect();
    let Some(expected) = frames(&init, &unjoined, &[]) else { return };
    assert_eq!(Some(expected), frames(&init, &whole, &[]));
    assert_eq!(get(&at("/dash/join_5/demo/time.mpd", NOW)).status, 400, "twelve segments are no fives");
    assert_eq!(get(&at("/hls/join_4/demo/main.m3u8", NOW)).status, 400);
}

#[tokio::test]
async fn the_server_sends_each_chunk_when_it_is_made() {
    let origin = origin().await;
    let path = at(&format!("/dash/chunk_400/ato_1600/demo/v720/{}.m4s", NOW / 2_000), BEGIN + 450);
    let expected = get(&path);
    assert_eq!(expected.delivery.pieces.len(), 4);
    let (pieces, all) = exchange(origin.address(), &path, "").await;
    let text = String::from_utf8_lossy(&all);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("transfer-encoding: chunked"));
    for (_, due) in &expected.delivery.pieces {
        let near = pieces.iter().any(|(came, _)| came >= due && *came < *due + Duration::from_millis(150));
        assert!(near, "{due:?} {pieces:?}");
    }
    // Nothing in between.
    let times = [Duration::ZERO].into_iter().chain(expected.delivery.pieces.iter().map(|(_, due)| *due));
    let times: Vec<Duration> = times.collect();
    for (came, _) in &pieces {
        assert!(times.iter().any(|due| came >= due && *came < *due + Duration::from_millis(150)), "{came:?}");
    }
    origin.stop().await;
}
