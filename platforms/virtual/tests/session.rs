//! The host loop in virtual time, with the real engine.

#![allow(clippy::expect_used, clippy::panic)]

use std::time::Duration;

use telecine_engine::{Command, Config, Event, FetchRequest, State};
use telecine_model::rng::Rng;
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::{Fault, SizedTitle, SyntheticTitle};
use telecine_virtual::{Fetched, Network, Outcome, Response, Session, Source};

const HLS: &str = "https://title.example/main.m3u8";
const DASH: &str = "https://title.example/main.mpd";

fn secs(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

fn title(seconds: i64) -> SyntheticTitle {
    SyntheticTitle::new(MediaTime::from_secs(seconds))
}

fn network(text: &str) -> Network {
    text.parse().expect("a network")
}

fn codes<S: Source>(session: &Session<S>) -> Vec<ErrorCode> {
    let code = |event: &Event| match event {
        Event::Error { error, .. } => Some(error.code()),
        _ => None,
    };
    session.events().iter().filter_map(code).collect()
}

#[test]
fn every_sample_of_a_title_arrives_in_both_languages() {
    for url in [HLS, DASH] {
        let mut session = Session::new(Config::default(), title(90)).network(network("rate=5Mbps,rtt=30ms")).play(url);
        assert_eq!(session.run(None), Outcome::Ended, "{url}");
        for track in session.sink_ref().tracks() {
            let (samples, gaps) = match track.kind {
                TrackKind::Video => (90 * 25, 0),
                // 90 s of 48,000 samples are 4,218.75 frames of 1,024.
                TrackKind::Audio => (4_219, 0),
                other => panic!("nobody asked for {other:?}"),
            };
            assert_eq!((track.samples, track.gaps), (samples, gaps), "{url} {:?}", track.kind);
        }
    }
}

#[test]
fn an_hour_of_playback_takes_seconds() {
    let started = std::time::Instant::now();
    let mut session = Session::new(Config::default(), title(3600)).network(network("rate=20Mbps,rtt=50ms")).play(HLS);
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.now() > secs(3600) && session.now() < secs(3605));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn the_same_session_gives_the_same_events_to_the_microsecond() {
    let run = |seed: u64| {
        let mut config = Config::default();
        config.seed = seed;
        let faulty = title(60).fault_times("v1", 3, Fault::Status(503), 2).fault_times("v0", 5, Fault::Truncated, 1);
        let mut session = Session::new(config, faulty).network(network("rate=1.5Mbps,rtt=60ms,loss=0.5%")).play(HLS);
        let outcome = session.run(None);
        (outcome, session.now(), session.events().to_vec(), session.engine().action_hash())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).1, run(2).1, "another seed loses other packets");
}

#[test]
fn a_session_can_be_stopped_at_a_time_and_run_on() {
    let mut session = Session::new(Config::default(), title(60)).play(HLS);
    assert_eq!(session.run(Some(secs(20))), Outcome::Until);
    assert_eq!(session.now(), secs(20));
    let position = session.engine().snapshot(secs(20)).position;
    assert!(position > MediaTime::from_secs(18) && position < MediaTime::from_secs(20), "{position}");
    session.schedule(secs(25), Command::Stop);
    assert_eq!(session.run(None), Outcome::Stopped);
    assert_eq!(session.now(), secs(25));
}

#[test]
fn a_session_can_be_run_from_state_to_state() {
    let changes = |events: &[Event]| -> Vec<(Timestamp, State)> {
        let change = |event: &Event| match event {
            Event::State { at, state } => Some((*at, *state)),
            _ => None,
        };
        events.iter().filter_map(change).collect()
    };
    let new = || Session::new(Config::default(), title(20)).network(network("rate=300kbps,rtt=60ms")).play(HLS);
    let mut straight = new();
    assert_eq!(straight.run(None), Outcome::Ended);
    let mut session = new();
    let mut met = Vec::new();
    loop {
        let told = session.events().len();
        let outcome = session.run_to_state(secs(600));
        let new = changes(&session.events()[told..]);
        assert!(!new.is_empty() && new.iter().all(|(at, _)| *at == session.now()), "{new:?} at {:?}", session.now());
        met.extend(new);
        if outcome != Outcome::Until {
            assert_eq!(outcome, Outcome::Ended);
            break;
        }
    }
    assert_eq!(met, changes(straight.events()), "and it changes nothing");
    assert!(met.iter().any(|(_, state)| *state == State::Rebuffering), "{met:?}");
}

#[test]
fn between_two_states_a_session_runs_to_a_time() {
    let mut session = Session::new(Config::default(), title(60)).play(HLS);
    while session.run_to_state(secs(20)) == Outcome::Until && session.now() < secs(20) {}
    assert_eq!(session.now(), secs(20));
    let told = session.events().len();
    assert_eq!(session.run_to_state(secs(21)), Outcome::Until);
    assert_eq!(session.now(), secs(21));
    assert!(session.events()[told..].iter().all(|event| !matches!(event, Event::State { .. })));
}

#[test]
fn random_seeks_by_script_all_end_where_they_should() {
    for seed in 0..8 {
        let mut rng = Rng::new(seed);
        let mut session = Session::new(Config::default(), title(120)).network(network("rate=4Mbps,rtt=40ms")).play(HLS);
        for index in 1..10 {
            let target = MediaTime::from_millis(i64::try_from(rng.below(110_000)).expect("small"));
            session.schedule(Timestamp::from_millis(index * 3000 + rng.below(2500)), Command::Seek(target));
        }
        assert_eq!(session.run(Some(secs(600))), Outcome::Ended, "seed {seed}");
    }
}

#[test]
fn a_slow_answer_is_a_timeout_and_not_a_wait() {
    let slow = title(30).fault_times("v2", 2, Fault::Slow(Duration::from_secs(60)), 1).renditions(&[
        (240, 300_000),
        (480, 600_000),
        (720, 1_000_000),
    ]);
    let mut session = Session::new(Config::default(), slow).network(network("rate=20Mbps,rtt=20ms")).play(HLS);
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(codes(&session).contains(&ErrorCode::Timeout), "{:?}", codes(&session));
    assert!(session.now() < secs(45));
}

#[test]
fn a_dead_network_fails_the_session_and_does_not_hang_it() {
    let mut session = Session::new(Config::default(), title(30)).network(network("rate=1bps")).play(HLS);
    let outcome = session.run(None);
    assert!(matches!(&outcome, Outcome::Failed(Some(error)) if error.is_fatal()), "{outcome:?}");
}

#[test]
fn a_body_beyond_the_limit_is_refused() {
    struct Endless;
    impl Source for Endless {
        fn fetch(&mut self, request: &FetchRequest) -> Fetched {
            Response::new(200, request.url.as_str(), vec![b'#'; 40 << 20]).into()
        }
    }
    let mut session = Session::new(Config::default(), Endless).network(network("rate=1Gbps")).play(HLS);
    assert!(matches!(session.run(None), Outcome::Failed(_)));
    assert!(codes(&session).contains(&ErrorCode::BodyTooLarge), "{:?}", codes(&session));
}

#[test]
fn the_series_has_a_sample_a_second() {
    let mut session = Session::new(Config::default(), title(30)).network(network("rate=8Mbps,rtt=40ms")).play(HLS);
    session.run(Some(secs(20)));
    let times: Vec<_> = session.series().iter().map(|sample| sample.at).collect();
    assert_eq!(times, (0..times.len() as u64).map(secs).collect::<Vec<_>>());
    let playing = session.series().iter().filter(|sample| sample.state == State::Playing);
    assert!(playing.clone().count() >= 17);
    assert!(playing.clone().all(|sample| sample.buffered > MediaTime::ZERO && sample.throughput.is_some()));
}

#[test]
fn without_commands_nothing_ever_happens() {
    assert_eq!(Session::new(Config::default(), title(30)).run(None), Outcome::Stuck);
}

#[test]
fn the_step_limit_ends_what_would_not_end() {
    let mut session = Session::new(Config::default(), title(3600)).step_limit(500).play(HLS);
    assert_eq!(session.run(None), Outcome::StepLimit);
}

#[test]
fn a_recording_replays_to_the_same_decisions() {
    let mut config = Config::default();
    config.record = true;
    let mut session = Session::new(config, title(40)).network(network("rate=2Mbps,rtt=50ms")).play(HLS);
    assert_eq!(session.run(None), Outcome::Ended);
    let replay = telecine_engine::replay(&session.take_recording()).expect("a recording");
    assert!(replay.equal, "{:x} and {:x}", replay.recorded_hash, replay.replayed_hash);
}

/// Notes what was handed on of each answer.
struct Counted<'a> {
    title: SizedTitle<'a>,
    over: Vec<(String, u64)>,
}

impl Source for Counted<'_> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.title.fetch(request)
    }

    fn over(&mut self, request: &FetchRequest, bytes: u64, _: Timestamp) {
        self.over.push((request.url.clone(), bytes));
    }
}

#[test]
fn a_title_of_given_sizes_is_served_to_the_byte() {
    // Sizes below that of the boxes alone, above that of a read, and above that of the zeros that there are.
    let sizes = [1, 5_000, 300_000, 3_000_000];
    let title = SizedTitle::new(2_000_000, 4, &[1_000_000], |segment, _| sizes[segment as usize]);
    let mut session = Session::new(Config::default(), Counted { title, over: Vec::new() })
        .link(telecine_virtual::Link::new(network("rate=200Mbps,rtt=10ms"), 0).read_up_to(4 << 20))
        .play(DASH);
    assert_eq!(session.run(None), Outcome::Ended);
    let over = |name: &str| {
        let of = session.source().over.iter().filter(|(url, _)| url.ends_with(name));
        of.map(|(_, bytes)| *bytes).collect::<Vec<_>>()
    };
    for (segment, size) in sizes.iter().enumerate().skip(1) {
        assert_eq!(over(&format!("0/{segment}.m4s")), [*size]);
    }
    assert!(matches!(over("0/0.m4s")[..], [bytes] if bytes < 200), "as many as it takes");
    let video = session.sink_ref().tracks().into_iter().find(|track| track.kind == TrackKind::Video).expect("video");
    assert_eq!((video.samples, video.duration), (4, MediaTime::from_secs(8)));
}
