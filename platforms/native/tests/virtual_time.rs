//! What servers are told of a session whose clock is a model, and what they say of waiting.

#![allow(clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use telecine::{BlockingSource, Config, Fetcher, Timestamp};
use telecine_engine::{Event, FetchRequest, RequestClass, RequestId};
use telecine_model::WallTime;
use telecine_origin::{respond, Library, Origin, OriginConfig, Request, Title};
use telecine_virtual::{Fetched, Held, Outcome, Response, Session, Source};

/// 2026-11-27T11:54:56.700Z.
const NOW_MS: i64 = 1_795_780_496_700;

/// Answers everything with a head, and keeps what was asked.
fn server(answer: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
            log.lock().expect("not poisoned").push(head.to_ascii_lowercase());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, asked)
}

fn request(url: String) -> FetchRequest {
    FetchRequest {
        id: RequestId(1),
        class: RequestClass::Playlist,
        kind: None,
        url,
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
        licence: None,
        head: false,
    }
}

fn source(title: &str, clock: bool) -> BlockingSource {
    let source = BlockingSource::new(Fetcher::new(&[]).expect("a fetcher"), title).expect("a runtime");
    if clock {
        source.clock(WallTime::from_millis(NOW_MS))
    } else {
        source
    }
}

fn response(fetched: Fetched) -> Response {
    match fetched {
        Fetched::Response(response) => *response,
        Fetched::Failure(failure) => panic!("{failure:?}"),
    }
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n";

#[test]
fn the_titles_server_is_told_the_time_of_the_session_and_nobody_else_is() {
    let (elsewhere, asked_elsewhere) = server(format!("{EMPTY}x-telecine-hold-ms: 9\r\n\r\n"));
    let moved =
        format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}/b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let (url, asked) = server(moved);
    let mut source = source(&format!("{url}/title.m3u8"), true);
    let answer = response(source.fetch_at(&request(format!("{url}/a")), Timestamp::from_micros(2_345_678)));
    assert_eq!((answer.status, answer.held), (200, Held::default()), "a stranger's times are nobody's business");
    let told = |log: &Mutex<Vec<String>>| {
        let log = log.lock().expect("not poisoned");
        log.iter().map(|head| head.split("x-telecine-now-ms: ").nth(1).map(|rest| rest[..13].to_owned())).collect()
    };
    let (own, others): (Vec<Option<String>>, Vec<Option<String>>) = (told(&asked), told(&asked_elsewhere));
    assert_eq!((own, others), (vec![Some("1795780499045".to_owned())], vec![None]));
}

#[test]
fn without_a_clock_nobody_is_told_any_time() {
    let (url, asked) = server(format!("{EMPTY}\r\n"));
    response(source(&url, false).fetch_at(&request(format!("{url}/a")), Timestamp::from_millis(5)));
    assert!(!asked.lock().expect("not poisoned")[0].contains("x-telecine"));
}

#[test]
fn what_a_server_would_wait_for_the_session_waits_for() {
    let held = "x-telecine-hold-ms: 250\r\nx-telecine-pieces: 100@300,200@600\r\n";
    let (url, _) = server(format!("{EMPTY}{held}x-telecine-delay-ms: 40\r\nx-telecine-paced: 7@9\r\n\r\n"));
    let answer = response(source(&url, true).fetch_at(&request(format!("{url}/a")), Timestamp::ZERO));
    let ms = Duration::from_millis;
    let (pieces, paced) = (vec![(100, ms(300)), (200, ms(600))], vec![(7, ms(9))]);
    assert_eq!((answer.delay, answer.held), (ms(40), Held { until: ms(250), pieces, paced }));
}

/// When each request was made, and when the last of its answer had come.
#[derive(Default)]
struct Times {
    asked: Vec<(String, Timestamp)>,
    over: Vec<(String, Timestamp)>,
}

/// A source that keeps them.
struct Timed(BlockingSource, Arc<Mutex<Times>>);

impl Source for Timed {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.0.fetch(request)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        self.1.lock().expect("not poisoned").asked.push((request.url.clone(), now));
        self.0.fetch_at(request, now)
    }

    fn over(&mut self, request: &FetchRequest, _: u64, now: Timestamp) {
        self.1.lock().expect("not poisoned").over.push((request.url.clone(), now));
    }
}

/// How long the first request for something took, in a session of ten seconds of a path of an origin.
fn took(path: &str, name: &str) -> Duration {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = "127.0.0.1:0".parse().expect("an address");
    let origin = runtime.block_on(Origin::start(address, OriginConfig::default())).expect("an origin");
    let url = format!("{}/{path}", origin.url());
    let times = Arc::default();
    let source = Timed(source(&url, true), Arc::clone(&times));
    let mut session = Session::new(Config::default(), source)
        .network("rate=1000Mbps,rtt=40ms".parse().expect("a network"))
        .wall_clock(WallTime::from_millis(NOW_MS))
        .play(&url);
    assert_eq!(session.run(Some(Timestamp::from_millis(60_000))), Outcome::Until, "{path}");
    let times = times.lock().expect("not poisoned");
    let first = |log: &[(String, Timestamp)]| log.iter().find(|(url, _)| url.ends_with(name)).map(|(_, time)| *time);
    first(&times.over).zip(first(&times.asked)).map(|(over, asked)| over.since(asked)).expect("it was asked for")
}

#[test]
fn a_delay_of_two_seconds_takes_two_seconds_of_the_session_and_none_of_anybody() {
    let began = std::time::Instant::now();
    for path in ["hls/dur_120/delay_2000/demo/main.m3u8", "dash/live_60/delay_2000/demo/number.mpd"] {
        let took = took(path, path.rsplit('/').next().expect("a name"));
        // A round trip, the delay, and hardly anything for the bytes.
        assert!((Duration::from_millis(2040)..Duration::from_millis(2045)).contains(&took), "{path}: {took:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "some thirty requests, each two seconds late");
}

#[test]
fn a_body_that_pauses_and_one_with_a_pace_take_their_time_of_the_session() {
    let near = |took: Duration, ms: u64| Duration::from_millis(ms).abs_diff(took) < Duration::from_millis(15);
    let paused = took("hls/dur_120/stallb_0@2500:a-en/demo/main.m3u8", "a-en/0.m4s");
    assert!(near(paused, 2540), "{paused:?}");
    // At 800 kbit/s a hundred bytes take a millisecond.
    let library = Library::new(Title::demo(), 0);
    let segment = respond(&library, &Request::get("/hls/dur_120/demo/a-en/0.m4s")).body.len();
    let slow = took("hls/dur_120/rate_800/demo/main.m3u8", "a-en/0.m4s");
    assert!(near(slow, 40 + segment / 100), "{slow:?} for {segment} bytes");
}

/// Five minutes of each live flavour, by the clock of the session: nothing stalls, nothing fails, and the edge is
/// followed. The low-latency ones are so near to it that what is held has to be held in the session, too.
#[test]
fn live_titles_of_the_origin_go_on_as_the_session_does() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = "127.0.0.1:0".parse().expect("an address");
    let origin = runtime.block_on(Origin::start(address, OriginConfig::default())).expect("an origin");
    for (path, latency_s) in [
        ("hls/live_60/demo/main.m3u8", 6.0..9.0),
        ("hls/live_60/parts_500/demo/main.m3u8", 1.0..2.5),
        ("dash/live_60/demo/number.mpd", 4.0..8.0),
        ("dash/live_60/demo/time.mpd", 4.0..8.0),
        ("dash/live_60/chunk_500/ato_1500/ltgt_2000/demo/number.mpd", 1.0..3.0),
    ] {
        let url = format!("{}/{path}", origin.url());
        let start = WallTime::from_millis(NOW_MS);
        let source = BlockingSource::new(Fetcher::new(&[]).expect("a fetcher"), &url).expect("a runtime").clock(start);
        let mut session = Session::new(Config::default(), source)
            .network("rate=10Mbps,rtt=40ms".parse().expect("a network"))
            .wall_clock(start)
            .play(&url);
        let until = Timestamp::from_millis(300_000);
        assert_eq!(session.run(Some(until)), Outcome::Until, "{path}: {:?}", session.events().last());
        let qoe = session.engine().qoe(session.now());
        assert_eq!(qoe.stalls, 0, "{path}");
        assert!(qoe.played > Duration::from_secs(295), "{path}: {:?}", qoe.played);
        let latency = qoe.latency.expect("it is live").mean.as_secs_f64();
        assert!(latency_s.contains(&latency), "{path}: {latency} s");
        let errors = session.events().iter().filter(|event| matches!(event, Event::Error { .. }));
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<&Event>::new(), "{path}");
    }
}
