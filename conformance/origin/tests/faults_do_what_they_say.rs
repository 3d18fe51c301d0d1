//! Faults, measured by a client that knows nothing but TCP.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use support::{bytes, get, library, origin};
use telecine_origin::{respond, Origin, OriginConfig, Request, Response, BAD};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came over the wire.
struct Wire {
    head: String,
    body: Vec<u8>,
    /// How the connection ended: cleanly, or with an error.
    end: Result<(), ErrorKind>,
    /// When the head was there, when the body was.
    head_after: Duration,
    body_after: Duration,
}

impl Wire {
    fn announced(&self) -> usize {
        let line = self.head.lines().find_map(|line| line.strip_prefix("content-length: "));
        line.and_then(|length| length.parse().ok()).expect("content-length")
    }
}

/// One GET on a connection of its own, to the end of the connection.
async fn wire(origin: &Origin, path: &str, headers: &str) -> Wire {
    let mut socket = TcpStream::connect(origin.address()).await.expect("connected");
    let start = Instant::now();
    let request = format!("GET {path} HTTP/1.1\r\nhost: origin\r\nconnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut received = Vec::new();
    let mut head_after = None;
    let mut chunk = [0; 65_536];
    let end = loop {
        match socket.read(&mut chunk).await {
            Ok(0) => break Ok(()),
            Ok(n) => received.extend_from_slice(&chunk[..n]),
            Err(error) => break Err(error.kind()),
        }
        head_after.get_or_insert_with(|| start.elapsed());
    };
    let split = received.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    let body = received.split_off(split);
    let head = String::from_utf8(received).expect("a head in ASCII");
    Wire { head, body, end, head_after: head_after.expect("a head"), body_after: start.elapsed() }
}

fn status(path: &str) -> (u16, Option<String>) {
    let response = get(path);
    (response.status, response.fault)
}

#[tokio::test]
async fn a_whole_response_is_the_pure_function_on_a_socket() {
    let origin = origin().await;
    let wire = wire(&origin, "/hls/demo/v180/3.m4s", "").await;
    assert_eq!((wire.end, wire.announced()), (Ok(()), wire.body.len()));
    assert!(wire.body == bytes("/hls/demo/v180/3.m4s"));
}

#[tokio::test]
async fn a_cut_resets_the_connection_after_so_many_bytes() {
    let origin = origin().await;
    let wire = wire(&origin, "/hls/cut_3@10000/demo/v180/3.m4s", "").await;
    assert_eq!(wire.end, Err(ErrorKind::ConnectionReset));
    assert_eq!(wire.body.len(), 10_000);
    assert!(wire.announced() > 10_000);
    let entry = &origin.log()[0];
    assert_eq!((entry.bytes_sent, entry.complete, entry.fault.as_deref()), (10_000, false, Some("cut@10000")));
}

#[tokio::test]
async fn a_request_that_resumes_behind_a_cut_goes_through() {
    let origin = origin().await;
    let path = "/hls/cut_3@10000/demo/v180/3.m4s";
    let wire = wire(&origin, path, "range: bytes=10000-\r\n").await;
    assert_eq!(wire.end, Ok(()));
    assert!(wire.head.starts_with("HTTP/1.1 206 "), "{}", wire.head);
    assert!(wire.body == bytes("/hls/demo/v180/3.m4s")[10_000..], "nothing twice, nothing lost");
}

#[tokio::test]
async fn a_short_body_ends_cleanly_below_its_announced_length() {
    let origin = origin().await;
    let wire = wire(&origin, "/hls/short_3@10000/demo/v180/3.m4s", "").await;
    assert_eq!(wire.end, Ok(()));
    assert_eq!(wire.body.len(), 10_000);
    assert_eq!(wire.announced(), bytes("/hls/demo/v180/3.m4s").len());
}

#[tokio::test]
async fn a_stall_delays_the_head_or_the_second_half_of_the_body() {
    let origin = origin().await;
    let head = wire(&origin, "/hls/stallh_3@400/demo/v180/3.m4s", "").await;
    assert!(head.head_after >= Duration::from_millis(400), "{:?}", head.head_after);
    let body = wire(&origin, "/hls/stallb_3@400/demo/v180/3.m4s", "").await;
    assert!(body.head_after < Duration::from_millis(300), "{:?}", body.head_after);
    assert!(body.body_after >= Duration::from_millis(400), "{:?}", body.body_after);
    let delayed = wire(&origin, "/hls/delay_300/demo/main.m3u8", "").await;
    assert!(delayed.head_after >= Duration::from_millis(300));
    assert!([head, body].iter().all(|wire| wire.body == bytes("/hls/demo/v180/3.m4s")), "late, but whole");
}

#[tokio::test]
async fn a_rate_paces_a_body() {
    let origin = origin().await;
    let expected = bytes("/hls/demo/v180/5.m4s");
    let wire = wire(&origin, "/hls/rate_400/demo/v180/5.m4s", "").await;
    let ideal = Duration::from_micros(expected.len() as u64 * 8 * 1000 / 400);
    assert!(wire.body == expected);
    assert!(
        wire.body_after >= ideal.mul_f64(0.93) && wire.body_after <= ideal.mul_f64(1.15),
        "{:?} {ideal:?}",
        wire.body_after
    );
}

#[tokio::test]
async fn a_fault_may_end_after_some_attempts() {
    let origin = origin().await;
    let path = "/hls/statuscode_[{rsq:2,code:503,retry:1,times:2}]/demo/v180/2.m4s";
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(wire(&origin, path, "").await.head[9..12].to_owned());
    }
    assert_eq!(codes, ["503", "503", "200", "200"]);
    assert_eq!(
        wire(&origin, &path.replace("v180", "v360"), "").await.head[9..12],
        *"503",
        "each path counts for itself"
    );
}

#[test]
fn a_status_fault_hits_its_segment_in_every_rendition_or_in_one() {
    let all = "/hls/statuscode_[{rsq:2,code:503,retry:5}]/demo";
    let response = get(&format!("{all}/v180/2.m4s"));
    assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    assert_eq!(status(&format!("{all}/a-en/2.m4s")).0, 503);
    assert_eq!(status(&format!("{all}/v180/3.m4s")), (200, None));
    assert_eq!(status(&format!("{all}/v180/init.mp4")).0, 200);
    assert_eq!(status(&format!("{all}/v180.m3u8")).0, 200);
    let one = "/hls/statuscode_[{rsq:2,code:404,rep:v360},{rsq:5,code:410}]/demo";
    let codes = ["v360/2", "v180/2", "v180/5", "a-fr/5"].map(|file| status(&format!("{one}/{file}.m4s")).0);
    assert_eq!(codes, [404, 200, 410, 410]);
}

#[test]
fn a_status_fault_comes_again_in_every_cycle() {
    // Ten seconds are five segments; the second of each fails.
    let path = |n: u64| format!("/dash/dur_60/statuscode_[{{cycle:10,rsq:1,code:500}}]/demo/v180/{n}.m4s");
    let failing: Vec<_> = (0..30).filter(|n| status(&path(*n)).0 == 500).collect();
    assert_eq!(failing, [1, 6, 11, 16, 21, 26]);
    // Sound has its own boundaries: segment 5 starts at 9.984 s, and by its middle it is the first of the second cycle.
    let sound: Vec<_> = (0..12).filter(|n| status(&path(*n).replace("v180", "a-en")).0 == 500).collect();
    assert_eq!(sound, [1, 6, 11]);
}

#[test]
fn a_status_fault_can_name_the_type_of_object_or_the_base_url() {
    let manifest = "/dash/statuscode_[{code:503,obj:m}]/demo";
    assert_eq!(status(&format!("{manifest}/time.mpd")).0, 503);
    assert_eq!(status(&format!("{manifest}/v180/0.m4s")).0, 200);
    assert_eq!(status("/dash/statuscode_[{code:404,obj:i}]/demo/v180/init.mp4").0, 404);
    let base = "/dash/bases_2/statuscode_[{code:502,base:1}]/demo";
    assert_eq!(status(&format!("{base}/bu0/v180/0.m4s")).0, 200);
    assert_eq!(status(&format!("{base}/bu1/v180/0.m4s")).0, 502);
}

#[test]
fn faults_strike_segments_inside_one_file_too() {
    let library = library();
    let file = "/dash/cut_1@500/statuscode_[{rsq:2,code:503}]/demo/v180.mp4";
    let whole = bytes("/dash/demo/v180.mp4");
    let starts: Vec<_> =
        whole.windows(4).enumerate().filter(|(_, w)| w == b"moof").map(|(at, _)| at as u64 - 4).collect();
    let range = |range: String| respond(&library, &Request::get(file).range(&range));
    let second = range(format!("bytes={}-", starts[1]));
    assert_eq!(second.delivery.end.map(|(at, _)| at), Some(500));
    let first = range(format!("bytes={}-{}", starts[0], starts[1] - 1));
    assert_eq!((first.status, first.delivery.end), (206, None));
    assert_eq!(range(format!("bytes={}-", starts[2] + 10)).status, 503);
}

#[test]
fn flipped_bytes_are_few_and_always_the_same() {
    let clean = bytes("/hls/demo/v180/3.m4s");
    let corrupt = bytes("/hls/flip_3@20/demo/v180/3.m4s");
    let differing = (0..clean.len()).filter(|at| clean[*at] != corrupt[*at]).count();
    assert!(clean.len() == corrupt.len() && (15..=20).contains(&differing), "{differing}");
    assert!(corrupt == bytes("/hls/flip_3@20/demo/v180/3.m4s"));
    assert!(corrupt != bytes("/hls/flip_3@20/seed_9/demo/v180/3.m4s"), "another seed, other bytes");
    // The same bytes are corrupt when the segment is read from one file.
    let file = bytes("/hls/flip_3@20/demo/v180.mp4");
    assert!(file.windows(corrupt.len()).any(|w| w == corrupt));
}

#[test]
fn headers_can_be_wrong() {
    let response = respond(&library(), &Request::get("/hls/norange_1/demo/v180/0.m4s").range("bytes=0-9"));
    assert_eq!((response.status, response.header("accept-ranges")), (200, None));
    let mime = get("/hls/mime_text-html/demo/main.m3u8");
    assert_eq!(mime.header("content-type"), Some("text/html"));
    let zipped = get("/hls/enc_gzip/demo/main.m3u8");
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&zipped.body.into_bytes()[..]).read_to_end(&mut plain).expect("gzip");
    assert_eq!(plain, bytes("/hls/enc_gzip/demo/main.m3u8".replace("/enc_gzip", "").as_str()));
}

#[test]
fn redirects_are_a_chain_or_a_loop() {
    let mut path = "/hls/dur_60/redir_3/demo/v180/0.m4s?nowMS=5".to_owned();
    let mut hops = 0;
    let last: Response = loop {
        let response = get(&path);
        match response.header("location") {
            Some(to) => path = to.to_owned(),
            None => break response,
        }
        hops += 1;
    };
    assert_eq!((hops, last.status), (3, 200));
    assert!(path.ends_with("?nowMS=5"));
    let first = get("/hls/redir_loop/demo/main.m3u8");
    let next = first.header("location").expect("a location").to_owned();
    assert_ne!(get(&next).header("location"), Some(next.as_str()));
    assert_eq!(get(&next).status, 302);
}

#[tokio::test]
async fn hostile_manifests_are_served_as_they_are() {
    let origin = Origin::start(support::LOOPBACK, OriginConfig::default()).await.expect("an origin");
    for (name, _) in BAD.iter().filter(|(name, _)| !name.starts_with("huge")) {
        let wire = wire(&origin, &format!("/bad/{name}"), "").await;
        assert_eq!((wire.end, wire.announced()), (Ok(()), wire.body.len()), "{name}");
    }
    let huge = wire(&origin, "/bad/huge.m3u8", "").await;
    assert!(huge.body.len() > 100_000_000 && huge.end.is_ok());
    assert_eq!(get("/bad/to-file.mpd").header("location"), Some("file:///etc/passwd"));
}

#[test]
fn an_option_that_there_is_not_is_a_bad_request_that_lists_those_that_there_are() {
    let refused = |path: &str| {
        let response = get(path);
        assert_eq!(response.status, 400, "{path}");
        String::from_utf8(response.body.into_bytes().to_vec()).expect("text")
    };
    for path in ["/hls/durr_60/demo/main.m3u8", "/dash/dur_60/delays_9/rate_800/demo/time.mpd"] {
        let told = refused(path);
        assert!(
            told.starts_with("there is no option d") && told.contains(" dur ") && told.contains(" delay "),
            "{told}"
        );
    }
    for path in ["/hls/demo/main.m3u8?dur=60", "/hls/demo/v180/3.m4s?token=a&statuscode=503"] {
        assert!(refused(path).contains("in front of the title"), "{path}");
    }
    // What is no slip stays what it was: another title, and a player's own query.
    assert_eq!(get("/hls/my_film/main.m3u8").status, 404);
    assert_eq!(get("/hls/demo/main.m3u8?token=a&CMCD=br%3D1&_HLS_msn=3&x=y").status, 200);
}
