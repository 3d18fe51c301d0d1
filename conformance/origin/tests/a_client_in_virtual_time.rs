//! Clients whose clock is a model say what it shows, and are told what they would wait for.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::{at, get, library, origin};
use telecine_origin::{respond, Delivery, Method, Request, Response, DELAY_MS, HOLD_MS, NOW_MS, PACED, PIECES};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// 2026-11-27T11:54:56.700Z, which is inside of a segment.
const NOW: u64 = 1_795_780_496_700;

/// 2026-11-27T12:54:56Z and a bit: another moment.
const LATER: u64 = NOW + 3_600_123;

fn told(path: &str, moment: u64) -> Response {
    respond(&library(), &Request { told_ms: Some(moment), unix_ms: LATER, ..Request::get(path) })
}

/// A playlist that is held, a segment that is sent as it is made, and what is there already.
const PATHS: [&str; 4] = [
    "/hls/live_20/parts_500/demo/v180.m3u8?_HLS_msn=897890249",
    "/dash/live_20/chunk_500/ato_1500/demo/v180/897890248.m4s",
    "/dash/live_20/demo/number.mpd",
    "/time",
];

#[test]
fn the_header_takes_the_place_of_the_clock() {
    for path in PATHS {
        let (by_header, by_query) = (told(path, NOW), get(&at(path, NOW)));
        assert_eq!((by_header.status, by_query.status), (200, 200), "{path}");
        assert_eq!(by_header.header("date"), by_query.header("date"), "{path}");
        // An MPD tells `/time` what it was asked with in its query.
        assert_eq!(by_header.body.len(), by_query.body.len(), "{path}");
    }
    assert_eq!(told("/time", NOW).body.into_bytes(), get(&at("/time", NOW)).body.into_bytes());
    assert_ne!(told("/time", LATER).body.into_bytes(), get(&at("/time", NOW)).body.into_bytes());
}

#[test]
fn the_query_goes_before_the_header() {
    let path = at("/hls/live_20/demo/v180.m3u8", NOW);
    assert_eq!(told(&path, LATER).body.into_bytes(), get(&path).body.into_bytes());
}

#[test]
fn what_would_be_held_is_answered_at_once_and_says_how_long() {
    for path in PATHS {
        let (answer, waits) = (told(path, NOW), get(&at(path, NOW)).delivery);
        assert_eq!((answer.delivery.hold, answer.delivery.pieces), (Duration::ZERO, Vec::new()), "{path}");
        let header = |name| answer.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(header(HOLD_MS), Some(waits.hold.as_millis().to_string().as_str()), "{path}");
        let pieces = waits.pieces.iter().map(|(from, later)| format!("{from}@{}", later.as_millis()));
        let pieces = pieces.collect::<Vec<_>>().join(",");
        assert_eq!(header(PIECES), Some(pieces.as_str()).filter(|pieces| !pieces.is_empty()), "{path}");
    }
    let playlist = told(PATHS[0], NOW);
    assert!(playlist.header(HOLD_MS).is_some_and(|hold| hold != "0"), "the segment is not there yet: {playlist:?}");
    assert!(told(PATHS[1], NOW).header(PIECES).is_some(), "it is being made");
    assert_eq!(get(&at(PATHS[0], NOW)).header(HOLD_MS), None, "nobody asked");
}

#[test]
fn what_would_come_late_is_answered_at_once_and_says_how_late() {
    let hour = NOW / 3_600_000 * 3_600_000;
    for (path, delay, paced) in [
        ("/hls/delay_2000/demo/main.m3u8", Some("2000"), None),
        ("/hls/live_20/delay_300/demo/v180.m3u8", Some("300"), None),
        ("/hls/delay_300/demo/v180/nothing.m4s", None, None),
        ("/hls/delay_300/statuscode_[{rsq:0,code:503}]/demo/v180/0.m4s", Some("300"), None),
        ("/hls/stallh_0@1500/demo/v180/0.m4s", Some("1500"), None),
        ("/hls/prot_aes128/kdelay_700/demo/key/0-0.bin", Some("700"), None),
        ("/hls/stallb_0@2500/demo/v180/0.m4s", None, Some("@2500")),
        ("/hls/delay_40/rate_800/demo/v180/0.m4s", Some("40"), Some("0@12,1200@24,2400@36,")),
    ] {
        let answer = told(path, hour);
        assert_eq!(answer.delivery, Delivery::default(), "{path}: nothing real is waited for");
        assert_eq!((answer.header(DELAY_MS), answer.header(HOLD_MS)), (delay, Some("0")), "{path}");
        let told = answer.header(PACED);
        assert_eq!(told.is_some(), paced.is_some(), "{path}: {told:?}");
        assert!(told.zip(paced).is_none_or(|(told, paced)| told.contains(paced)), "{path}: {told:?}");
    }
    let plain = get("/hls/delay_2000/stallb_0@2500/demo/v180/0.m4s");
    assert_eq!((plain.header(DELAY_MS), plain.header(PACED)), (None, None), "nobody asked");
    assert_eq!(plain.delivery.head_delay, Duration::from_secs(2));
    // At 800 kbit/s a byte takes ten microseconds.
    let body = told("/hls/rate_800/demo/v180/0.m4s", hour);
    let last = body.header(PACED).and_then(|paced| paced.rsplit('@').next()?.parse::<u64>().ok());
    assert_eq!(last, Some(body.body.len() / 100));
    let head =
        Request { method: Method::Head, told_ms: Some(NOW), ..Request::get("/hls/delay_5/rate_9/demo/v180/0.m4s") };
    let head = respond(&library(), &head);
    assert_eq!((head.header(DELAY_MS), head.header(PACED)), (Some("5"), None));
}

#[tokio::test]
async fn the_server_takes_the_header_and_does_not_wait() {
    let origin = origin().await;
    let mut stream = TcpStream::connect(origin.address()).await.expect("it listens");
    let head = format!("GET {} HTTP/1.1\r\nHost: origin\r\n{NOW_MS}: {NOW}\r\nConnection: close\r\n\r\n", PATHS[0]);
    let started = Instant::now();
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let expected = told(PATHS[0], NOW);
    let hold: u64 = expected.header(HOLD_MS).and_then(|hold| hold.parse().ok()).expect("a number");
    assert!(started.elapsed() < Duration::from_millis(hold), "{:?} of {hold} ms", started.elapsed());
    assert!(answer.contains(&format!("{HOLD_MS}: {hold}\r\n")), "{answer}");
    let body = String::from_utf8(expected.body.into_bytes().to_vec()).expect("text");
    assert!(answer.ends_with(&body), "{answer}");
}
