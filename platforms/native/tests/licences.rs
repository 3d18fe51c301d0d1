//! Licence requests on their way: what applications rewrite, and what redirects may see.

#![allow(clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use telecine::drm::session::{Header, KeyRequest, KeyResponse, MessageKind, RequestId, RequestKind, SessionId};
use telecine::drm::SecretBytes;
use telecine::{Fetcher, KeySetup, LicenceFilter, Outcome, Player};
use telecine_container::{IsoReader, Unit};
use telecine_engine::{Body, FetchRequest, NetworkEvent, RequestClass};
use telecine_model::protection::KeySystem;
use telecine_model::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A request as a server saw it: its head in small letters, and its body.
#[derive(Clone, Debug)]
struct Seen {
    head: String,
    body: String,
}

impl Seen {
    fn line(&self) -> &str {
        self.head.lines().next().unwrap_or("")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// One request to a connection, answered with status line and headers, and a body.
    async fn start(answer: impl Fn(&Seen) -> (String, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let Ok((mut socket, _)) = listener.accept().await else { return };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.expect("a head"));
                }
                let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
                let mut request = Seen { head, body: String::new() };
                let length = request.header("content-length").map_or(0, |length| length.parse().expect("a number"));
                let mut body = vec![0; length];
                socket.read_exact(&mut body).await.expect("a body");
                request.body = String::from_utf8_lossy(&body).into_owned();
                log.lock().expect("not poisoned").push(request.clone());
                let (head, body) = answer(&request);
                let length = body.len();
                let text = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                socket.write_all(text.as_bytes()).await.expect("sent");
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }
}

fn licence_request(url: &str) -> FetchRequest {
    let licence = KeyRequest {
        id: RequestId(1),
        kind: RequestKind::Message(MessageKind::LicenceRequest),
        system: KeySystem::Widevine,
        session: Some(SessionId(1)),
        url: url.into(),
        headers: vec![
            Header::new("Authorization", "Bearer verysecret42"),
            Header::new("Content-Type", "application/octet-stream"),
        ],
        body: Some(SecretBytes::new(b"challenge".to_vec())),
        attempt: 0,
        timeout: Duration::from_secs(5),
    };
    FetchRequest {
        id: telecine_engine::RequestId(7),
        class: RequestClass::Key,
        kind: None,
        url: url.to_owned(),
        byte_range: None,
        whole_will_do: false,
        max_bytes: 1 << 20,
        head_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        max_redirects: 3,
        known: telecine_engine::Validators::default(),
        urgency: 3,
        pace: None,
        attempt: 0,
        licence: Some(Box::new(licence)),
        head: false,
    }
}

async fn fetch(request: FetchRequest) -> Vec<u8> {
    let (sender, mut events) = mpsc::channel(64);
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    fetcher.fetch(&request, "https://title.example/main.mpd", &sender).await;
    drop(sender);
    let mut body = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Chunk { data: Body::Bytes(bytes), .. } => body.extend_from_slice(&bytes),
            NetworkEvent::Failed { code, message, .. } => panic!("{code:?}: {message}"),
            _ => {}
        }
    }
    body
}

#[tokio::test]
async fn a_redirected_challenge_is_posted_again_and_its_token_stays_with_its_host() {
    for status in [307, 308] {
        let other = Server::start(|_| ("200 OK".to_owned(), "licence".to_owned())).await;
        let to = format!("{}/elsewhere", other.url);
        let server = Server::start(move |_| (format!("{status} Moved\r\nLocation: {to}"), String::new())).await;
        assert_eq!(fetch(licence_request(&format!("{}/licence", server.url))).await, b"licence");
        assert_eq!(server.seen()[0].header("authorization"), Some("bearer verysecret42"));
        let seen = other.seen();
        assert_eq!((seen.len(), seen[0].line(), seen[0].body.as_str()), (1, "post /elsewhere http/1.1", "challenge"));
        assert_eq!(seen[0].header("content-type"), Some("application/octet-stream"));
        assert!(!seen[0].head.contains("verysecret42"), "{}", seen[0].head);
    }
}

#[tokio::test]
async fn other_redirects_get_and_post_nothing() {
    for status in [301, 302, 303] {
        let other = Server::start(|_| ("200 OK".to_owned(), "page".to_owned())).await;
        let to = format!("{}/page", other.url);
        let server = Server::start(move |_| (format!("{status} See\r\nLocation: {to}"), String::new())).await;
        assert_eq!(fetch(licence_request(&server.url)).await, b"page");
        let seen = &other.seen()[0];
        assert_eq!((seen.line(), seen.body.as_str()), ("get /page http/1.1", ""));
        assert_eq!(seen.header("content-type"), None, "there is nothing to describe");
        assert!(!seen.head.contains("verysecret42"), "{}", seen.head);
    }
}

#[tokio::test]
async fn within_its_host_a_redirect_keeps_the_token() {
    let server = Server::start(|request| match request.line() {
        "post /licence http/1.1" => ("307 Moved\r\nLocation: /v2/licence".to_owned(), String::new()),
        _ => ("200 OK".to_owned(), "licence".to_owned()),
    })
    .await;
    assert_eq!(fetch(licence_request(&format!("{}/licence", server.url))).await, b"licence");
    let seen = server.seen();
    assert_eq!(seen[1].line(), "post /v2/licence http/1.1");
    assert_eq!(seen[1].header("authorization"), Some("bearer verysecret42"));
}

/// A service that wraps challenges and licences in a form of its own, at an address of its own.
struct Service(String);

impl LicenceFilter for Service {
    fn request(&self, request: &mut KeyRequest) {
        assert_eq!(request.kind, RequestKind::Message(MessageKind::LicenceRequest));
        let body = request.body.as_ref().map(|body| String::from_utf8_lossy(body.expose()).into_owned());
        request.body = Some(SecretBytes::new(format!("<wrapped>{}", body.unwrap_or_default()).into_bytes()));
        request.url = self.0.as_str().into();
        request.headers.retain(|header| !header.name.eq_ignore_ascii_case("content-type"));
        request.headers.push(Header::new("Content-Type", "text/x-wrapped"));
        request.headers.push(Header::new("X-Token", format!("try {}", request.attempt)));
    }

    fn response(&self, request: &KeyRequest, response: &mut KeyResponse) {
        assert_eq!(request.url.as_str(), self.0, "as it was sent");
        // The service says 200 whatever happens, and what happened within.
        let body = String::from_utf8_lossy(response.body.expose()).into_owned();
        match body.strip_prefix("<wrapped>") {
            Some(licence) => response.body = SecretBytes::new(licence.as_bytes().to_vec()),
            None => response.status = 503,
        }
    }
}

#[tokio::test]
async fn an_application_rewrites_address_headers_and_bodies_and_the_status_of_answers() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let server = Server::start(move |_| {
        let mut count = count.lock().expect("not poisoned");
        *count += 1;
        let body = match *count {
            1 => "busy",
            // Base64 without padding of the identifier and the key.
            _ => {
                "<wrapped>{\"keys\":[{\"kty\":\"oct\",\"kid\":\"ABEiM0RVZneImaq7zN3u_w\",\
                  \"k\":\"ASNFZ4mrze8BI0VniavN7w\"}]}"
            }
        };
        ("200 OK".to_owned(), body.to_owned())
    })
    .await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/media/golden/cenc.v.mp4");
    let media = std::fs::read(path).expect("it is there");
    let mut setup = KeySetup::default();
    setup.licence_server("http://nobody.invalid/licence");
    let player = Player::builder()
        .memory("memory:///title/a.m3u8", playlist(&media))
        .memory("memory:///title/m.mp4", media)
        .keys(setup)
        .licence_filter(Service(format!("{}/service", server.url)))
        .build()
        .expect("a player");
    player.load("memory:///title/a.m3u8").expect("a URL");
    player.set_rate(4000).expect("alive");
    player.play().expect("alive");
    let outcome = tokio::time::timeout(Duration::from_secs(30), player.finished()).await.expect("it ends");
    assert_eq!(outcome, Outcome::Ended);
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "the first was told to come again: {seen:?}");
    assert_eq!(seen[0].line(), "post /service http/1.1");
    assert!(seen[0].body.starts_with("<wrapped>{\"kids\":["), "{}", seen[0].body);
    assert_eq!(seen[0].header("content-type"), Some("text/x-wrapped"));
    assert_eq!((seen[0].header("x-token"), seen[1].header("x-token")), (Some("try 0"), Some("try 1")));
}

/// A playlist over one file, with its fragments for segments.
fn playlist(media: &[u8]) -> Vec<u8> {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(media.to_vec().into());
    reader.finish().expect("complete");
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    while let Some(unit) = reader.poll().expect("valid") {
        match unit {
            Unit::Init(init) => text += &format!("#EXT-X-MAP:URI=\"m.mp4\",BYTERANGE=\"{}@0\"\n", init.data.len()),
            Unit::Fragment(f) => text += &format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{}@{}\nm.mp4\n", f.size, f.offset),
            _ => {}
        }
    }
    (text + "#EXT-X-ENDLIST\n").into_bytes()
}
