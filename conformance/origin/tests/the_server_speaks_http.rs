//! HTTP as clients and browsers expect it: ranges, validators, preflights, connections, and the log.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{bytes, get, library, origin, LOOPBACK};
use telecine_origin::{respond, Format, LogEntry, Method, Network, Origin, OriginConfig, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FILE: &str = "/hls/demo/v180/0.m4s";

fn ranged(range: &str) -> (u16, Option<String>, Vec<u8>) {
    let response = respond(&library(), &Request::get(FILE).range(range));
    let content_range = response.header("content-range").map(str::to_owned);
    assert_eq!(response.header("content-length"), Some(response.body.len().to_string().as_str()));
    (response.status, content_range, response.body.into_bytes().to_vec())
}

#[test]
fn a_byte_range_is_answered_as_rfc_9110_says() {
    let whole = bytes(FILE);
    let n = whole.len();
    assert_eq!(ranged("bytes=0-3"), (206, Some(format!("bytes 0-3/{n}")), whole[..4].to_vec()));
    assert_eq!(ranged("bytes=100-"), (206, Some(format!("bytes 100-{}/{n}", n - 1)), whole[100..].to_vec()));
    assert_eq!(ranged("bytes=-7"), (206, Some(format!("bytes {}-{}/{n}", n - 7, n - 1)), whole[n - 7..].to_vec()));
    assert_eq!(ranged(&format!("bytes=5-{}", n * 2)).1, Some(format!("bytes 5-{}/{n}", n - 1)));
    assert_eq!(ranged(&format!("bytes={n}-")), (416, Some(format!("bytes */{n}")), Vec::new()));
    assert_eq!(ranged("bytes=-0").0, 416);
    for ignored in ["bytes=9-3", "bytes=a-b", "bytes=", "bytes=0-1,4-5", "lines=0-3"] {
        assert_eq!(ranged(ignored).0, 200, "{ignored}");
    }
}

#[test]
fn validators_are_stable_and_honoured() {
    let etag = get(FILE).header("etag").expect("an etag").to_owned();
    assert_eq!(get(FILE).header("etag"), Some(etag.as_str()));
    assert_ne!(get("/hls/demo/v180/1.m4s").header("etag"), Some(etag.as_str()));
    let known = respond(&library(), &Request { if_none_match: Some(&etag), ..Request::get(FILE) });
    assert_eq!((known.status, known.body.len()), (304, 0));
    let resumed =
        |etag| respond(&library(), &Request { if_range: Some(etag), ..Request::get(FILE).range("bytes=1-2") });
    assert_eq!((resumed(&etag).status, resumed("\"other\"").status), (206, 200));
}

#[test]
fn the_head_alone_is_that_of_the_whole() {
    let whole = get(FILE);
    let head = respond(&library(), &Request { method: Method::Head, ..Request::get(FILE) });
    assert_eq!((head.status, head.headers.clone()), (whole.status, whole.headers.clone()));
    assert!(head.body.is_empty());
}

#[test]
fn browsers_may_read_everything() {
    let preflight = respond(&library(), &Request { method: Method::Options, ..Request::get(FILE) });
    assert_eq!((preflight.status, preflight.header("access-control-allow-headers")), (204, Some("*, authorization")));
    for path in [FILE, "/hls/demo/none.m4s", "/nowhere"] {
        assert_eq!(get(path).header("access-control-allow-origin"), Some("*"), "{path}");
    }
    let refused = respond(&library(), &Request { method: Method::Other, ..Request::get(FILE) });
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn content_types_are_those_of_the_formats() {
    let types = [
        ("/hls/demo/main.m3u8", "application/vnd.apple.mpegurl"),
        ("/dash/demo/time.mpd", "application/dash+xml"),
        ("/hls/demo/v180/init.mp4", "video/mp4"),
        ("/hls/demo/a-en/0.m4s", "audio/mp4"),
        ("/hls/demo/t-en/0.vtt", "text/vtt"),
        ("/dash/demo/thumbs/0.jpg", "image/jpeg"),
    ];
    for (path, content_type) in types {
        assert_eq!(get(path).header("content-type"), Some(content_type), "{path}");
    }
}

#[test]
fn text_is_compressed_for_those_who_accept_it() {
    let asked = |path| respond(&library(), &Request { accepts_gzip: true, ..Request::get(path) });
    assert_eq!(asked("/dash/demo/time.mpd").header("content-encoding"), Some("gzip"));
    assert_eq!(asked(FILE).header("content-encoding"), None);
    assert_eq!(get("/dash/demo/time.mpd").header("content-encoding"), None);
}

#[test]
fn the_same_request_has_the_same_response() {
    for path in ["/hls/dur_3600/demo/main.m3u8", "/dash/periods_5/demo/ondemand.mpd", "/hls/flip_*@9/demo/a-en/4.m4s"] {
        let (one, other) = (get(path), get(path));
        assert_eq!((one.headers, one.fault, one.delivery), (other.headers, other.fault, other.delivery));
        assert!(one.body.into_bytes() == other.body.into_bytes());
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let origin = origin().await;
    let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
    for n in 0..3 {
        let request = format!("GET /hls/demo/v180/{n}.m4s HTTP/1.1\r\nhost: o\r\nrange: bytes=0-9\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("sent");
        let mut received = Vec::new();
        while !received.windows(4).any(|w| w == b"\r\n\r\n") || !received.ends_with(b"mfhd") {
            let mut chunk = [0; 1000];
            let read = socket.read(&mut chunk).await.expect("read");
            assert!(read > 0, "the connection ended");
            received.extend_from_slice(&chunk[..read]);
            if received.windows(4).position(|w| w == b"\r\n\r\n").is_some_and(|at| received.len() >= at + 14) {
                break;
            }
        }
    }
    assert_eq!(origin.log().iter().map(|e| (e.seq, e.connection)).collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
}

#[tokio::test]
async fn http_2_is_spoken_to_clients_that_know() {
    let origin = origin().await;
    let socket = TcpStream::connect(origin.address()).await.expect("connected");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut fetch = |path: &str| {
        let request = hyper::Request::get(origin.url() + path).body(Empty::<bytes::Bytes>::new()).expect("a request");
        sender.send_request(request)
    };
    // Two at once on one connection.
    let (one, two) = (fetch("/hls/demo/v720/2.m4s"), fetch("/hls/demo/v180/2.m4s"));
    let (one, two) = (one.await.expect("a response"), two.await.expect("a response"));
    assert!(one.into_body().collect().await.expect("a body").to_bytes() == bytes("/hls/demo/v720/2.m4s"));
    assert!(two.into_body().collect().await.expect("a body").to_bytes() == bytes("/hls/demo/v180/2.m4s"));
    let cut = fetch("/hls/cut_2@1000/demo/v180/2.m4s").await.expect("a head");
    assert!(cut.into_body().collect().await.is_err(), "the stream is reset");
    assert_eq!(fetch("/hls/demo/main.m3u8").await.expect("the connection lives on").status(), 200);
    assert!(origin.log().iter().all(|entry| entry.connection == 0 && entry.protocol == "HTTP/2.0"));
}

/// A log that a test can read back.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_request_is_a_line_of_json() {
    let lines = Lines::default();
    let config = OriginConfig { log: Some(Box::new(lines.clone())), ..OriginConfig::default() };
    let origin = Origin::start(LOOPBACK, config).await.expect("an origin");
    let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
    let request =
        "GET /hls/demo/v180/0.m4s?CMCD=bl%3D1 HTTP/1.1\r\nhost: o\r\nconnection: close\r\nuser-agent: test/1\r\n\
                   CMCD-Object: br=100\r\nrange: bytes=0-99\r\n\r\n";
    socket.write_all(request.as_bytes()).await.expect("sent");
    socket.read_to_end(&mut Vec::new()).await.expect("read");
    origin.stop().await;
    let text = String::from_utf8(lines.0.lock().expect("unpoisoned").clone()).expect("UTF-8");
    let entry: LogEntry = serde_json::from_str(text.trim_end()).expect("one line of JSON");
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("GET", FILE));
    assert_eq!((entry.query.as_deref(), entry.range.as_deref()), (Some("CMCD=bl%3D1"), Some("bytes=0-99")));
    assert_eq!((entry.status, entry.bytes_sent, entry.complete), (206, 100, true));
    assert_eq!((entry.user_agent.as_deref(), entry.cmcd["cmcd-object"].as_str()), (Some("test/1"), "br=100"));
    assert!(entry.duration_ms.is_some() && entry.fault.is_none());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_an_incomplete_entry() {
    let network = Network::constant(1_000_000, Duration::ZERO);
    let origin = Origin::start(LOOPBACK, OriginConfig { network, ..OriginConfig::default() }).await.expect("an origin");
    let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
    socket.write_all(b"GET /hls/demo/v720/5.m4s HTTP/1.1\r\nhost: o\r\n\r\n").await.expect("sent");
    socket.read_exact(&mut [0; 20_000]).await.expect("read");
    drop(socket);
    let mut entry = LogEntry::default();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        entry = origin.log().remove(0);
        if entry.duration_ms.is_some() {
            break;
        }
    }
    assert!(entry.duration_ms.is_some() && !entry.complete, "{entry:?}");
    assert!((19_000..100_000).contains(&entry.bytes_sent), "what was sent, not what was asked for: {entry:?}");
}

#[tokio::test]
async fn the_front_page_lists_what_there_is() {
    let origin = origin().await;
    assert_eq!(origin.demo_url(Format::Hls), format!("{}/hls/demo/main.m3u8", origin.url()));
    let page = support::text("/");
    assert!(page.contains("/hls/demo/main.m3u8\n") && page.contains("/dash/demo/ondemand.mpd\n"), "{page}");
}
