//! Fetching over HTTP, against servers that do exactly what a test tells them.

#![allow(clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use telecine::{ErrorCode, Fetcher};
use telecine_engine::{Body, FetchRequest, NetworkEvent, RequestClass, RequestId, ResponseHead, Validators};
use telecine_model::{ByteRange, HttpVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Answers every request with what a function makes of its head.
struct Server {
    url: String,
    /// Connection and head of each request.
    requests: Arc<Mutex<Vec<(usize, String)>>>,
}

/// What a server does with a request.
enum Reply {
    /// Sends this and keeps the connection.
    Keep(Vec<u8>),
    /// Sends this and closes the connection.
    Close(Vec<u8>),
    /// Sends this and then nothing.
    Stall(Vec<u8>),
    /// Sends this again and again.
    Flood(Vec<u8>),
    /// Sends this and then a byte every so often.
    Drip(Vec<u8>, Duration),
}

impl Server {
    async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((mut socket, _)) = listener.accept().await else { return };
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    loop {
                        let mut head = Vec::new();
                        while !head.ends_with(b"\r\n\r\n") {
                            match socket.read_u8().await {
                                // A TLS handshake: to be told off in plain text.
                                Ok(0x16) if head.is_empty() => head.extend(b"GET /tls HTTP/1.1\r\n\r\n"),
                                Ok(byte) => head.push(byte),
                                Err(_) => return,
                            }
                        }
                        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
                        log.lock().expect("not poisoned").push((connection, head.clone()));
                        match answer(&head) {
                            Reply::Keep(bytes) => socket.write_all(&bytes).await.expect("sent"),
                            Reply::Close(bytes) => {
                                let _ = socket.write_all(&bytes).await;
                                let _ = socket.shutdown().await;
                                return;
                            }
                            Reply::Stall(bytes) => {
                                let _ = socket.write_all(&bytes).await;
                                std::future::pending::<()>().await;
                            }
                            Reply::Drip(bytes, pause) => {
                                let _ = socket.write_all(&bytes).await;
                                while socket.write_all(b".").await.is_ok() {
                                    tokio::time::sleep(pause).await;
                                }
                                return;
                            }
                            Reply::Flood(bytes) => {
                                while socket.write_all(&bytes).await.is_ok() {}
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<(usize, String)> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn path(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or("")
}

fn request(url: &str, class: RequestClass) -> FetchRequest {
    FetchRequest {
        id: RequestId(7),
        class,
        kind: None,
        url: url.to_owned(),
        byte_range: None,
        whole_will_do: false,
        max_bytes: 1 << 20,
        head_timeout: Duration::from_millis(600),
        idle_timeout: Duration::from_millis(300),
        max_redirects: 3,
        known: Validators::default(),
        urgency: 3,
        pace: None,
        attempt: 0,
        licence: None,
        head: false,
    }
}

/// What became of a request.
#[derive(Debug)]
struct Fetched {
    head: Option<ResponseHead>,
    body: Vec<u8>,
    failure: Option<(ErrorCode, String)>,
}

impl Fetched {
    fn code(&self) -> Option<ErrorCode> {
        self.failure.as_ref().map(|(code, _)| *code)
    }
}

async fn fetch_with(fetcher: &Fetcher, request: FetchRequest, title: &str) -> Fetched {
    let (sender, mut events) = mpsc::channel(4);
    let (fetcher, title) = (fetcher.clone(), title.to_owned());
    let task = tokio::spawn(async move { fetcher.fetch(&request, &title, &sender).await });
    let mut fetched = Fetched { head: None, body: Vec::new(), failure: None };
    let mut ended = false;
    while let Some(event) = events.recv().await {
        assert!(!ended, "nothing follows the end");
        match event {
            NetworkEvent::Head(head) => {
                assert!(fetched.head.is_none() && fetched.body.is_empty(), "one head, before the body");
                fetched.head = Some(*head);
            }
            NetworkEvent::Chunk { data: Body::Bytes(bytes), .. } => {
                assert!(fetched.head.is_some() && !bytes.is_empty());
                fetched.body.extend_from_slice(&bytes);
            }
            NetworkEvent::Chunk { .. } => panic!("no recording here"),
            NetworkEvent::End { .. } => ended = true,
            NetworkEvent::Failed { code, message, .. } => {
                ended = true;
                fetched.failure = Some((code, message));
            }
        }
    }
    task.await.expect("no panic");
    assert!(ended, "every request ends");
    fetched
}

async fn fetch(request: FetchRequest) -> Fetched {
    let title = request.url.clone();
    fetch_with(&Fetcher::new(&[]).expect("a fetcher"), request, &title).await
}

async fn get(url: &str) -> Fetched {
    fetch(request(url, RequestClass::Segment)).await
}

async fn get_range(url: &str, offset: u64, length: u64) -> Fetched {
    let mut request = request(url, RequestClass::Segment);
    request.byte_range = Some(ByteRange { offset, length });
    fetch(request).await
}

#[tokio::test]
async fn an_answer_comes_with_the_headers_that_decide() {
    let server = Server::start(|_| {
        let head =
            "200 OK\r\ncontent-type: video/mp4\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nage: 12\r\nretry-after: 5";
        Reply::Keep(answer(head, b"media"))
    })
    .await;
    let url = format!("{}/1.m4s?token=abc", server.url);
    let fetched = get(&url).await;
    let head = fetched.head.expect("a head");
    assert_eq!((head.status, head.url, fetched.body.as_slice()), (200, url, &b"media"[..]));
    assert_eq!((head.content_length, head.content_type.as_deref()), (Some(5), Some("video/mp4")));
    assert_eq!(head.version, Some(HttpVersion::Http1));
    assert_eq!((head.age_s, head.retry_after.as_deref(), head.from_cache), (Some(12), Some("5"), false));
    // The example of RFC 9110, 5.6.7.
    assert_eq!(head.date.map(telecine_model::WallTime::as_micros), Some(784_111_777_000_000));
}

#[tokio::test]
async fn what_is_known_is_asked_for_only_if_it_has_changed() {
    let server = Server::start(|head| {
        let same =
            head.contains("if-none-match: \"v7\"") || head.contains("if-modified-since: sun, 06 nov 1994 08:49:37 gmt");
        let head = "200 OK\r\netag: \"V7\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT";
        Reply::Keep(if same { b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec() } else { answer(head, b"list") })
    })
    .await;
    let url = format!("{}/live.mpd", server.url);
    let head = get(&url).await.head.expect("a head");
    assert_eq!((head.status, head.etag.as_deref()), (200, Some("\"V7\"")));
    let dated = Validators { etag: None, last_modified: head.last_modified.clone() };
    let tagged = Validators { etag: head.etag, last_modified: head.last_modified };
    for known in [tagged, dated] {
        let fetched = fetch(FetchRequest { known, ..request(&url, RequestClass::Manifest) }).await;
        let head = fetched.head.expect("a head");
        assert_eq!((head.status, fetched.body.len(), fetched.failure), (304, 0, None));
    }
    let requests = server.requests();
    assert!(!requests[0].1.contains("if-") && !requests[1].1.contains("if-modified-since"), "{requests:?}");
}

#[tokio::test]
async fn a_request_says_how_urgent_it_is_unless_it_is_as_any_other() {
    let server = Server::start(|_| Reply::Keep(answer("200 OK", b""))).await;
    for urgency in [1, 3, 6] {
        fetch(FetchRequest { urgency, ..request(&server.url, RequestClass::Segment) }).await;
    }
    let said: Vec<bool> = ["priority: u=1", "priority:", "priority: u=6"]
        .iter()
        .zip(server.requests())
        .map(|(header, (_, head))| head.contains(header))
        .collect();
    assert_eq!(said, [true, false, true]);
}

#[tokio::test]
async fn a_head_is_asked_for_by_head_and_has_no_body_though_it_says_how_long_that_would_be() {
    let server = Server::start(|head| match head.starts_with("head /now ") {
        true => Reply::Keep(
            b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 1000\r\n\r\n".to_vec(),
        ),
        false => Reply::Keep(answer("405 Not Allowed", b"")),
    })
    .await;
    let request = FetchRequest { head: true, ..request(&format!("{}/now", server.url), RequestClass::Clock) };
    let fetched = fetch(request).await;
    assert_eq!((fetched.code(), fetched.body.len()), (None, 0));
    let head = fetched.head.expect("a head");
    assert_eq!((head.status, head.content_length), (200, None));
    assert_eq!(head.date.map(telecine_model::WallTime::as_micros), Some(784_111_777_000_000));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(|_| Reply::Keep(answer("200 OK", b"x"))).await;
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    for class in [RequestClass::Manifest, RequestClass::Segment, RequestClass::Segment] {
        fetch_with(&fetcher, request(&server.url, class), &server.url).await;
    }
    assert!(server.requests().iter().all(|(connection, _)| *connection == 0), "{:?}", server.requests());
}

#[tokio::test]
async fn redirects_are_followed_to_the_url_that_answers() {
    let server = Server::start(|head| match path(head) {
        "/a" => Reply::Keep(answer("302 Found\r\nlocation: b/c?x=1", b"")),
        "/b/c?x=1" => Reply::Keep(answer("308 Permanent Redirect\r\nlocation: ../d", b"gone")),
        _ => Reply::Keep(answer("200 OK", b"here")),
    })
    .await;
    let fetched = get(&format!("{}/a", server.url)).await;
    assert_eq!(fetched.body, b"here");
    assert_eq!(fetched.head.expect("a head").url, format!("{}/d", server.url));
}

#[tokio::test]
async fn redirects_are_counted() {
    let server = Server::start(|head| {
        let next = path(head).trim_start_matches('/').parse::<u32>().unwrap_or(0) + 1;
        Reply::Keep(answer(&format!("302 Found\r\nlocation: /{next}"), b""))
    })
    .await;
    let fetched = get(&format!("{}/0?token=secret", server.url)).await;
    let (code, message) = fetched.failure.expect("a failure");
    assert_eq!(code, ErrorCode::TooManyRedirects);
    let host = server.url.trim_start_matches("http://");
    assert_eq!(message, format!("more than 3: {host} → {host} → {host} → {host}"));
    assert_eq!(server.requests().len(), 4, "the first and three redirects");
}

#[tokio::test]
async fn a_redirect_leads_to_http_or_nowhere() {
    for target in ["file:///etc/hostname", "data:,x", "memory:///x", "FILE:/etc/hostname", "ftp://a/b"] {
        let server =
            Server::start(move |_| Reply::Keep(answer(&format!("302 Found\r\nlocation: {target}"), b""))).await;
        assert_eq!(get(&server.url).await.code(), Some(ErrorCode::SchemeForbidden), "{target}");
    }
}

#[tokio::test]
async fn tokens_stay_with_the_titles_host() {
    let stranger = Server::start(|_| Reply::Keep(answer("200 OK", b"stranger"))).await;
    let away = stranger.url.clone();
    let title = Server::start(move |head| match path(head) {
        "/away" => Reply::Keep(answer(&format!("307 Temporary Redirect\r\nlocation: {away}/x"), b"")),
        _ => Reply::Keep(answer("200 OK", b"title")),
    })
    .await;
    let headers = [("Authorization".to_owned(), "Bearer s3cret".to_owned()), ("X-Key".to_owned(), "s3cret".to_owned())];
    let fetcher = Fetcher::new(&headers).expect("a fetcher");
    for url in [format!("{}/1.m4s", title.url), format!("{}/away", title.url), format!("{}/y", stranger.url)] {
        assert!(fetch_with(&fetcher, request(&url, RequestClass::Segment), &title.url).await.failure.is_none());
    }
    let with_token = |server: &Server| server.requests().iter().filter(|(_, head)| head.contains("s3cret")).count();
    assert_eq!((with_token(&title), title.requests().len()), (2, 2));
    assert_eq!((with_token(&stranger), stranger.requests().len()), (0, 2));
    assert!(title.requests()[0].1.contains("authorization: bearer s3cret"));
    assert!(title.requests()[0].1.contains("x-key: s3cret"));
}

#[tokio::test]
async fn a_host_behind_a_backslash_gets_no_tokens() {
    let title = Server::start(|_| Reply::Keep(answer("200 OK", b"title"))).await;
    let stranger = Server::start(|_| Reply::Keep(answer("200 OK", b"stranger"))).await;
    let fetcher = Fetcher::new(&[("X-Key".to_owned(), "s3cret".to_owned())]).expect("a fetcher");
    let url = format!("{}\\@{}/x", stranger.url, title.url.trim_start_matches("http://"));
    let fetched = fetch_with(&fetcher, request(&url, RequestClass::Segment), &title.url).await;
    assert_eq!(fetched.body, b"stranger", "where the client connects to");
    assert!(stranger.requests().iter().all(|(_, head)| !head.contains("s3cret")), "{:?}", stranger.requests());
}

#[tokio::test]
async fn a_body_that_ends_early_is_told_from_a_complete_one() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec();
    let server = Server::start(move |_| Reply::Close(short.clone())).await;
    let fetched = get(&server.url).await;
    assert_eq!((fetched.code(), fetched.body.as_slice()), (Some(ErrorCode::BodyLengthMismatch), &b"12345"[..]));

    let unfinished = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n".to_vec();
    let server = Server::start(move |_| Reply::Close(unfinished.clone())).await;
    assert_eq!(get(&server.url).await.code(), Some(ErrorCode::ConnectionLost));
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_lost() {
    let server = Server::start(|_| Reply::Close(Vec::new())).await;
    assert_eq!(get(&server.url).await.code(), Some(ErrorCode::ConnectionLost));
}

#[tokio::test]
async fn silence_before_and_within_an_answer_is_a_timeout() {
    let silent = Server::start(|_| Reply::Stall(Vec::new())).await;
    let fetched = get(&silent.url).await;
    assert_eq!((fetched.code(), fetched.head.is_none()), (Some(ErrorCode::Timeout), true));

    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec();
    let stuck = Server::start(move |_| Reply::Stall(half.clone())).await;
    let fetched = get(&stuck.url).await;
    assert_eq!((fetched.code(), fetched.body.as_slice()), (Some(ErrorCode::Timeout), &b"12345"[..]));
}

#[tokio::test]
async fn a_range_is_asked_for_and_checked() {
    let server = Server::start(|head| match path(head) {
        "/right" => Reply::Keep(answer("206 Partial Content\r\ncontent-range: bytes 2-5/10", b"2345")),
        "/wrong" => Reply::Keep(answer("206 Partial Content\r\ncontent-range: bytes 3-6/10", b"3456")),
        "/silent" => Reply::Keep(answer("206 Partial Content", b"2345")),
        "/short" => Reply::Close(
            b"HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 2-5/10\r\ntransfer-encoding: chunked\r\n\r\n\
              2\r\n23\r\n0\r\n\r\n"
                .to_vec(),
        ),
        _ => Reply::Keep(answer("200 OK", b"0123456789")),
    })
    .await;
    let url = |path: &str| format!("{}/{path}", server.url);
    let right = get_range(&url("right"), 2, 4).await;
    assert_eq!((right.body.as_slice(), right.failure.is_none()), (&b"2345"[..], true));
    assert!(server.requests()[0].1.contains("range: bytes=2-5\r\n"));
    assert!(server.requests()[0].1.contains("accept-encoding: identity\r\n"));
    assert_eq!(get_range(&url("wrong"), 2, 4).await.code(), Some(ErrorCode::RangeMismatch));
    assert_eq!(get_range(&url("silent"), 2, 4).await.code(), Some(ErrorCode::RangeMismatch));
    assert_eq!(get_range(&url("short"), 2, 4).await.code(), Some(ErrorCode::BodyLengthMismatch));
    assert_eq!(get(&url("right")).await.code(), Some(ErrorCode::RangeMismatch), "nobody asked for a part");
}

#[tokio::test]
async fn a_part_is_taken_out_of_the_whole_where_a_server_ignores_ranges() {
    let server = Server::start(|head| match path(head) {
        "/whole" => Reply::Keep(answer("200 OK", b"0123456789")),
        // In pieces, so that the part begins and ends within some.
        "/chunked" => Reply::Keep(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n0\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n"
                .to_vec(),
        ),
        _ => Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n012".to_vec()),
    })
    .await;
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    let part = async |path: &str, offset, length| {
        let url = format!("{}/{path}", server.url);
        let byte_range = Some(ByteRange { offset, length });
        let request = FetchRequest { byte_range, ..request(&url, RequestClass::Segment) };
        let before = fetcher.skipped_bytes();
        let fetched = fetch_with(&fetcher, request, &url).await;
        (fetched.code(), String::from_utf8(fetched.body).expect("digits"), fetcher.skipped_bytes() - before)
    };
    for path in ["whole", "chunked"] {
        for (offset, length, wanted) in [(0, 4, "0123"), (2, 4, "2345"), (7, 3, "789"), (7, 100, "789"), (5, 1, "5")] {
            let (failure, body, skipped) = part(path, offset, length).await;
            assert_eq!((failure, body.as_str(), skipped), (None, wanted, offset), "{path} {offset} {length}");
        }
        // Behind the end, as 416 would say.
        assert_eq!(part(path, 10, 4).await.0, Some(ErrorCode::RangeMismatch), "{path}");
    }
    assert_eq!(part("whole", 20 << 20, 4).await, (Some(ErrorCode::RangeMismatch), String::new(), 0), "too far");
    assert_eq!(part("lost", 2, 4).await.0, Some(ErrorCode::BodyLengthMismatch));
    assert_eq!(part("lost", 5, 4).await, (Some(ErrorCode::BodyLengthMismatch), String::new(), 3));
}

#[tokio::test]
async fn who_takes_the_whole_as_well_gets_it_from_its_start_where_ranges_are_ignored() {
    let server = Server::start(|_| Reply::Keep(answer("200 OK", b"0123456789"))).await;
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    // However far behind the start: nothing is read past.
    for offset in [4, 20 << 20] {
        let byte_range = Some(ByteRange { offset, length: (1 << 53) - 1 - offset });
        let request = FetchRequest { byte_range, whole_will_do: true, ..request(&server.url, RequestClass::Segment) };
        let fetched = fetch_with(&fetcher, request, &server.url).await;
        let head = fetched.head.clone().expect("a head");
        assert_eq!((head.status, head.content_length, fetched.code()), (200, Some(10), None));
        assert_eq!((fetched.body.as_slice(), fetcher.skipped_bytes()), (&b"0123456789"[..], 0));
    }
    // A part is a part all the same.
    let server =
        Server::start(|_| Reply::Keep(answer("206 Partial Content\r\ncontent-range: bytes 4-9/10", b"456789"))).await;
    let byte_range = Some(ByteRange { offset: 4, length: (1 << 53) - 5 });
    let request = FetchRequest { byte_range, whole_will_do: true, ..request(&server.url, RequestClass::Segment) };
    let fetched = fetch_with(&fetcher, request, &server.url).await;
    assert_eq!((fetched.head.map(|head| head.status), fetched.body.as_slice()), (Some(206), &b"456789"[..]));
}

#[tokio::test]
async fn what_is_read_past_counts_as_waiting_and_not_as_the_part() {
    const BEFORE: usize = 3000;
    let server = Server::start(|_| Reply::Stall(answer("200 OK", &[7; BEFORE])[..1000].to_vec())).await;
    let mut request = request(&server.url, RequestClass::Segment);
    request.byte_range = Some(ByteRange { offset: 2000, length: 500 });
    let fetched = fetch(request).await;
    assert_eq!((fetched.head, fetched.failure.map(|(code, _)| code)), (None, Some(ErrorCode::Timeout)));
}

#[tokio::test]
async fn a_drip_in_front_of_the_part_is_a_timeout() {
    let pause = Duration::from_millis(100);
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n";
    let server = Server::start(move |_| Reply::Drip(head.to_vec(), pause)).await;
    // No pause is as long as the timeout of a byte, and the first of the part would come after twelve days.
    let fetched = tokio::time::timeout(Duration::from_secs(20), get_range(&server.url, 10 << 20, 500)).await;
    let fetched = fetched.expect("given up by itself");
    assert_eq!((fetched.code(), fetched.head), (Some(ErrorCode::Timeout), None));
}

#[tokio::test]
async fn text_may_be_compressed_and_media_may_not() {
    let server = Server::start(|head| {
        if head.contains("accept-encoding: gzip") || head.contains("accept-encoding: br, gzip") {
            Reply::Keep(answer("200 OK\r\ncontent-encoding: gzip", &compressed()))
        } else {
            Reply::Keep(answer("200 OK", b"plain"))
        }
    })
    .await;
    use RequestClass::{Index, Init, Key, Manifest, Playlist, Segment, Steering, Text};
    for class in [Manifest, Playlist, Text, Steering] {
        let fetched = fetch(request(&server.url, class)).await;
        assert_eq!(fetched.body, b"#EXTM3U\n#EXT-X-ENDLIST\n", "{class:?}: {:?}", server.requests());
        assert_eq!(fetched.head.expect("a head").content_length, None, "that of the decoded body is not known");
    }
    for class in [Init, Index, Segment, Key] {
        assert_eq!(fetch(request(&server.url, class)).await.body, b"plain", "{class:?}");
    }
}

fn compressed() -> Vec<u8> {
    include_bytes!("media/playlist.m3u8.gz").to_vec()
}

#[tokio::test]
async fn a_broken_compression_is_not_taken_for_a_playlist() {
    let server = Server::start(|_| {
        let mut bytes = compressed();
        bytes.truncate(bytes.len() - 6);
        Reply::Keep(answer("200 OK\r\ncontent-encoding: gzip", &bytes))
    })
    .await;
    let fetched = fetch(request(&server.url, RequestClass::Manifest)).await;
    assert_eq!(fetched.code(), Some(ErrorCode::ContentEncodingFailed), "{fetched:?}");
}

#[tokio::test]
async fn a_body_of_100_megabytes_is_refused_at_the_limit() {
    let declared =
        Server::start(|_| Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n".to_vec())).await;
    let fetched = get(&declared.url).await;
    assert_eq!((fetched.code(), fetched.body.len()), (Some(ErrorCode::BodyTooLarge), 0), "before any of it came");

    let endless = Server::start(|_| {
        let chunk = [format!("{:x}\r\n", 1 << 16).as_bytes(), &[0; 1 << 16], b"\r\n"].concat();
        let mut flood = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        flood.extend(chunk.repeat(1600));
        Reply::Flood(flood)
    })
    .await;
    let fetched = get(&endless.url).await;
    assert_eq!(fetched.code(), Some(ErrorCode::BodyTooLarge));
    assert!(fetched.body.len() <= 1 << 20);
}

#[tokio::test]
async fn a_small_compressed_bomb_is_refused_at_the_limit() {
    // 4 MiB of zeros.
    let server =
        Server::start(|_| Reply::Keep(answer("200 OK\r\ncontent-encoding: gzip", include_bytes!("media/zeros.gz"))))
            .await;
    let fetched = fetch(request(&server.url, RequestClass::Manifest)).await;
    assert_eq!(fetched.code(), Some(ErrorCode::BodyTooLarge));
    assert!(fetched.body.len() <= 1 << 20);
}

#[tokio::test]
async fn an_error_status_is_an_answer_whatever_becomes_of_its_body() {
    let server = Server::start(|_| {
        Reply::Close(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 99\r\n\r\n<Code>InvalidObjectState</Code>".to_vec())
    })
    .await;
    let fetched = get(&server.url).await;
    assert_eq!((fetched.head.map(|head| head.status), fetched.failure), (Some(403), None));
    assert_eq!(fetched.body, b"<Code>InvalidObjectState</Code>");
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_no_answer_but_a_status_to_classify() {
    for (status, code) in [("300 Multiple Choices", 300), ("302 Found", 302), ("304 Not Modified", 304)] {
        let server = Server::start(move |_| Reply::Close(answer(status, b"no"))).await;
        // Taken for a body, it would be refused as one without the part that was asked for.
        let fetched = get_range(&server.url, 1 << 30, 4).await;
        assert_eq!((fetched.head.map(|head| head.status), fetched.failure), (Some(code), None), "{status}");
    }
}

#[tokio::test]
async fn failures_to_connect_are_told_apart_and_keep_secrets() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("bound")
    };
    let plain = Server::start(|_| Reply::Keep(answer("200 OK", b""))).await;
    let no_tls = plain.url.replace("http:", "https:");
    for (url, code) in [
        (format!("http://{closed}/a?token=s3cret"), ErrorCode::ConnectFailed),
        ("http://no-such-host.invalid/a?token=s3cret".to_owned(), ErrorCode::DnsFailed),
        (format!("{no_tls}/a?token=s3cret"), ErrorCode::TlsFailed),
        ("http://[::bad/a?token=s3cret".to_owned(), ErrorCode::InvalidUrl),
    ] {
        let mut request = request(&url, RequestClass::Segment);
        request.head_timeout = Duration::from_secs(20);
        let (found, message) = fetch(request).await.failure.expect("a failure");
        assert_eq!(found, code, "{url}: {message}");
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[tokio::test]
async fn a_request_that_nobody_wants_any_more_stops() {
    let server = Server::start(|_| Reply::Flood(answer("200 OK", &[0; 1000]))).await;
    let mut wanted = request(&server.url, RequestClass::Segment);
    wanted.max_bytes = u64::MAX;
    let (sender, events) = mpsc::channel(1);
    drop(events);
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    tokio::time::timeout(Duration::from_secs(5), fetcher.fetch(&wanted, &server.url, &sender)).await.expect("it stops");
}
