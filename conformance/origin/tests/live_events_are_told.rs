//! Breaks and the end of an MPD's validity: date ranges, event streams, and event boxes, read by naive readers. The
//! sections of SCTE 35 are checked against the standard's sample beside the code.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use support::playlist::{attribute, Playlist};
use support::segment::{decode_time, top_boxes};
use support::{at, bytes, get, text};

/// A moment at which a break of `scte35_60` begins.
const BREAK: u64 = 1_795_780_500_000;

/// The identity of an event, when it begins and how long it is, in milliseconds of media time, and its message.
#[derive(Debug, PartialEq)]
struct Event {
    scheme: String,
    value: String,
    time: u64,
    duration: u32,
    id: u32,
    message: Vec<u8>,
}

/// The events in front of a segment (version 1 of `emsg`).
fn events(segment: &[u8]) -> Vec<Event> {
    let (mut out, mut from) = (Vec::new(), 0);
    for (kind, size) in top_boxes(segment) {
        let data = &segment[from..from + size];
        from += size;
        if kind != "emsg" {
            continue;
        }
        let word = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes"));
        assert_eq!((word(8), word(12)), (1 << 24, 1000), "version 1, in milliseconds");
        let mut strings = data[32..].splitn(3, |byte| *byte == 0);
        let mut string = || String::from_utf8(strings.next().expect("a string").to_vec()).expect("UTF-8");
        let (scheme, value) = (string(), string());
        out.push(Event {
            scheme,
            value,
            time: u64::from(word(16)) << 32 | u64::from(word(20)),
            duration: word(24),
            id: word(28),
            message: strings.next().expect("a message").to_vec(),
        });
    }
    out
}

/// Out or in, the time and the length in ticks of 90 kHz, of a `splice_insert` of a whole programme.
fn insert(section: &[u8]) -> (bool, u64, Option<u64>) {
    assert_eq!((section[0], section[13], section.len()), (0xfc, 5, usize::from(section[2]) + 3));
    let wide =
        |at: usize| section[at..at + 5].iter().fold(0, |value, byte| value << 8 | u64::from(*byte)) & ((1 << 33) - 1);
    let flags = section[19];
    (flags & 0x80 > 0, wide(20), (flags & 0x20 > 0).then(|| wide(25)))
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").expect("a hexadecimal sequence");
    assert!(!digits.bytes().any(|byte| byte.is_ascii_lowercase()));
    (0..digits.len()).step_by(2).map(|n| u8::from_str_radix(&digits[n..n + 2], 16).expect("digits")).collect()
}

fn playlist(path: &str, now: u64) -> Playlist {
    Playlist::read(&text(&at(path, now)))
}

#[test]
fn date_ranges_tell_of_breaks_before_they_begin_and_when_they_have_ended() {
    let range = |now: u64| {
        let ranges = playlist("/hls/live_20/scte35_60/demo/v180.m3u8", now).ranges;
        assert!(ranges.len() <= 1, "{ranges:?}");
        ranges.into_iter().next()
    };
    let id = BREAK / 60_000;
    assert_eq!(range(BREAK - 8_001), None);
    for (now, ended) in
        [(BREAK - 7_999, false), (BREAK + 29_000, false), (BREAK + 30_000, true), (BREAK + 45_000, true)]
    {
        let told = range(now).expect("a date range");
        let value = |name: &str| attribute(&told, name);
        assert_eq!(value("ID"), Some(format!("break-{id}").as_str()));
        assert_eq!(value("START-DATE"), Some("2026-11-27T11:55:00.000Z"));
        assert_eq!(value("PLANNED-DURATION"), Some("30.000"));
        let pts = (BREAK * 90) & ((1 << 33) - 1);
        assert_eq!(insert(&from_hex(value("SCTE35-OUT").expect("out"))), (true, pts, Some(2_700_000)));
        assert_eq!(value("DURATION"), ended.then_some("30.000"));
        let back = value("SCTE35-IN").map(|section| insert(&from_hex(section)));
        assert_eq!(back, ended.then(|| (false, (pts + 2_700_000) & ((1 << 33) - 1), None)));
    }
    assert_eq!(range(BREAK + 51_999), None, "gone with the window");
}

#[test]
fn an_update_may_leave_out_date_ranges_that_are_known() {
    // A break of five seconds every ten.
    let path = "/hls/live_60/parts_334/skip_2/scte35_10/demo/v180.m3u8";
    for now in (0..40).map(|step| BREAK + step * 773) {
        let full = playlist(path, now);
        let all = playlist(&format!("{path}?_HLS_skip=YES"), now);
        assert_eq!(all.ranges, full.ranges, "segments alone are left out");
        let update = playlist(&format!("{path}?_HLS_skip=v2"), now);
        assert!(update.ranges.len() < full.ranges.len() && full.ranges.ends_with(&update.ranges));
        // Whoever has a copy of six seconds ago knows the rest, and what has gone since.
        let known = playlist(path, now - 6_000);
        let mut merged: BTreeMap<String, String> = BTreeMap::new();
        for range in known.ranges.iter().chain(&update.ranges) {
            merged.insert(attribute(range, "ID").expect("an id").to_owned(), range.clone());
        }
        update.removed.iter().for_each(|id| drop(merged.remove(id)));
        let merged: Vec<_> = merged.into_values().collect();
        assert_eq!(merged, full.ranges, "{:?}", update.removed);
    }
    let v1 = "/hls/live_60/parts_334/scte35_10/demo/v180.m3u8";
    assert_eq!(playlist(&format!("{v1}?_HLS_skip=v2"), BREAK).ranges, playlist(v1, BREAK).ranges, "not announced");
}

#[test]
fn an_mpd_tells_of_breaks_in_the_period_in_which_they_begin() {
    let id = BREAK / 60_000;
    let mpd = |options: &str, now| text(&at(&format!("/dash/live_20/scte35_60/{options}demo/time.mpd"), now));
    assert!(!mpd("", BREAK - 8_001).contains("EventStream"));
    for (options, from) in [("", 0), ("periods_120/", BREAK), ("periods_90/", BREAK - 20_000)] {
        let document = mpd(options, BREAK + 8_000);
        let document = dash_mpd_core::parse(&document).expect("an MPD");
        let streams =
            document.periods.iter().flat_map(|period| period.event_streams.iter().map(move |one| (period, one)));
        let streams: Vec<_> = streams.collect();
        assert_eq!(streams.len(), 1, "{options}");
        let (period, stream) = streams[0];
        assert_eq!(period.start.map_or(0, |start| start.as_millis() as u64), from, "{options}");
        assert_eq!(stream.schemeIdUri, "urn:scte:scte35:2014:xml+bin");
        let event = &stream.event[0];
        assert_eq!((event.id.as_deref(), event.presentationTime), (Some(id.to_string().as_str()), Some(BREAK - from)));
        assert_eq!(event.duration, Some(30_000));
    }
    let (_, binary) =
        mpd("", BREAK).split_once("<scte35:Binary>").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a section");
    let hls = playlist("/hls/live_20/scte35_60/demo/v180.m3u8", BREAK).ranges;
    let section = from_hex(attribute(&hls[0], "SCTE35-OUT").expect("out"));
    let written = base64_of(&section);
    assert!(binary.starts_with(&format!("{written}</scte35:Binary>")), "{written} {binary}");
}

#[test]
fn an_mpd_that_tells_of_breaks_is_asked_for_again_before_the_next_one_begins() {
    let mpd = |options: &str, now| {
        let text = text(&at(&format!("/dash/live_20/{options}/demo/number.mpd"), now));
        dash_mpd_core::parse(&text).expect("an MPD")
    };
    let every = |options: &str, now| mpd(options, now).minimumUpdatePeriod.map(|every| every.as_millis() as u64);
    for options in ["scte35_60", "scte35_60/sgai_1"] {
        // Whoever has the MPD of a moment without breaks, and asks as often as it says, hears of the next one in time.
        let joined = BREAK - 8_001;
        assert!(mpd(options, joined).periods.iter().all(|period| period.event_streams.is_empty()), "{options}");
        let mut now = joined;
        while mpd(options, now).periods.iter().all(|period| period.event_streams.is_empty()) {
            now += every(options, now).expect("it is asked for again");
        }
        assert!(now + 5_000 < BREAK, "{options}: told {} ms before", BREAK.saturating_sub(now));
    }
    assert_eq!(every("scte35_60/mup_1", BREAK), Some(1_000));
    assert_eq!(every("scte35_60/inband_1", BREAK), None, "the media tell of it");
    assert_eq!(every("patch_60", BREAK), Some(2_000), "there are patches");
    assert_eq!(every("spd_8", BREAK), None, "numbers say all");
}

/// Base64, by openssl's rules and none of its code.
fn base64_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * n) & 63) as usize]);
            out.push(if n <= three.len() { digit } else { '=' });
        }
    }
    out
}

#[test]
fn breaks_in_band_stand_in_front_of_the_segments_before_them() {
    for options in ["", "chunk_500/", "periods_120/"] {
        let folder = format!("/dash/live_60/scte35_60/inband_1/{options}demo");
        let mut told = 0;
        for n in BREAK / 2_000 - 12..BREAK / 2_000 + 8 {
            let segment = bytes(&at(&format!("{folder}/v180/{n}.m4s"), BREAK + 20_000));
            let found = events(&segment);
            // The last eight seconds before it, and the segment it begins in.
            let near = (BREAK / 2_000 - 4..=BREAK / 2_000).contains(&n);
            assert_eq!(found.len(), usize::from(near), "{options} {n}: {found:?}");
            told += found.len();
            for event in found {
                assert_eq!((event.scheme.as_str(), event.value.as_str()), ("urn:scte:scte35:2013:bin", ""));
                assert_eq!((event.time, event.duration), (BREAK, 30_000));
                assert_eq!(u64::from(event.id), BREAK / 60_000);
                assert!(insert(&event.message).0);
            }
            let sound = bytes(&at(&format!("{folder}/a-en/{n}.m4s"), BREAK + 20_000));
            assert!(events(&sound).is_empty() && decode_time(&segment) == n * 180_000);
        }
        assert_eq!(told, 5, "{options}");
        let mpd = text(&at(&format!("{folder}/time.mpd"), BREAK));
        assert!(
            mpd.contains("<InbandEventStream schemeIdUri=\"urn:scte:scte35:2013:bin\"/>")
                && !mpd.contains("<EventStream")
        );
        assert_eq!(mpd.matches("<InbandEventStream").count(), mpd.matches("<Period").count());
    }
}

#[test]
fn the_media_tell_when_an_mpd_is_not_valid_any_more() {
    // A period every half a minute.
    let folder = "/dash/live_60/periods_120/mpdevent_1/demo";
    for n in BREAK / 2_000 - 8..BREAK / 2_000 + 3 {
        let found = events(&bytes(&at(&format!("{folder}/v180/{n}.m4s"), BREAK + 20_000)));
        let near = (BREAK / 2_000 - 4..BREAK / 2_000).contains(&n);
        assert_eq!(found.len(), usize::from(near), "{n}: {found:?}");
        for event in found {
            assert_eq!((event.scheme.as_str(), event.value.as_str()), ("urn:mpeg:dash:event:2012", "1"));
            assert_eq!((event.time, u64::from(event.id)), (BREAK, BREAK / 30_000));
            assert_eq!(event.message, b"2026-11-27T11:54:59.999Z\0");
        }
    }
    let mpd = |now| dash_mpd_core::parse(&text(&at(&format!("{folder}/number.mpd"), now))).expect("an MPD");
    assert_eq!(mpd(BREAK).minimumUpdatePeriod.map(|period| period.as_secs()), Some(0));
    // What was published until then has no period that begins then; what is published from then on has.
    let last = |now| mpd(now).periods.last().and_then(|period| period.start).map(|start| start.as_millis() as u64);
    assert_eq!((last(BREAK - 1), last(BREAK)), (Some(BREAK - 30_000), Some(BREAK)));
    assert_eq!(get(&at("/dash/live_60/mpdevent_1/demo/number.mpd", BREAK)).status, 400, "of what?");
}
