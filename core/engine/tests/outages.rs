//! A line that is down comes back, or the session says so; it never costs media.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use std::time::Duration;

use common::{at, errors, secs, track};
use telecine_engine::{Config, Constraints};
use telecine_model::{ErrorCode, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{Network, Outcome, Session, Step};

fn step(seconds: u64, bits_per_second: u64) -> Step {
    Step { duration: Duration::from_secs(seconds), bits_per_second, latency: Duration::from_millis(50) }
}

fn through(steps: [Step; 3]) -> (Session<SyntheticTitle>, Outcome) {
    let mut session = Session::new(Config::default(), SyntheticTitle::new(secs(180)))
        .network(Network::from_steps(steps).expect("a network"))
        .play("https://title.example/main.mpd");
    let outcome = session.run(None);
    (session, outcome)
}

#[test]
fn an_outage_shorter_than_the_buffer_is_not_noticed() {
    let (session, outcome) = through([step(40, 6_000_000), step(20, 0), step(3600, 6_000_000)]);
    assert_eq!(outcome, Outcome::Ended);
    let qoe = session.engine().qoe(session.now());
    assert_eq!((qoe.stalls, track(&session, TrackKind::Video).gaps), (0, 0));
}

#[test]
fn an_outage_longer_than_the_buffer_stalls_and_loses_nothing() {
    let (session, outcome) = through([step(40, 6_000_000), step(70, 0), step(3600, 6_000_000)]);
    assert_eq!(outcome, Outcome::Ended);
    let qoe = session.engine().qoe(session.now());
    assert_eq!(qoe.stalls, 1);
    let video = track(&session, TrackKind::Video);
    assert_eq!((video.gaps, video.duration), (0, secs(180)));
}

#[test]
fn a_line_that_stays_down_ends_playback_with_its_cause() {
    let (session, outcome) = through([step(40, 6_000_000), step(3600, 0), step(1, 0)]);
    let Outcome::Failed(Some(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(session.now() < at(240_000), "given up at {:?}", session.now());
}

#[test]
fn a_drip_of_bytes_is_given_up() {
    let (session, outcome) = through([step(40, 6_000_000), step(3600, 3000), step(1, 3000)]);
    assert!(matches!(outcome, Outcome::Failed(Some(_))), "{outcome:?}");
    assert!(errors(&session).iter().any(|error| error.message().contains("bytes arrived in 20 s")));
    assert!(session.now() < at(600_000), "given up at {:?}", session.now());
}

#[test]
fn a_segment_that_fails_for_a_while_is_asked_for_as_long_as_the_buffer_lasts() {
    let title = SyntheticTitle::new(secs(60)).fault_times("v0", 6, Fault::Status(503), 8);
    let mut config = Config::default();
    config.constraints = Constraints { max_height: Some(240), ..Constraints::default() };
    let mut session = Session::new(config, title)
        .network("rate=6Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(track(&session, TrackKind::Video).gaps, 0);
    assert_eq!(session.source().requests().iter().filter(|path| *path == "v0/6.m4s").count(), 9);
}

#[test]
fn a_segment_that_is_never_answered_is_left_out_while_others_are() {
    for hangs in ["v", "a"] {
        let renditions: &[&str] = if hangs == "v" { &["v0", "v1", "v2", "v3", "v4"] } else { &["a0"] };
        let hang = Fault::Slow(Duration::from_secs(3600));
        let title =
            renditions.iter().fold(SyntheticTitle::new(secs(60)), |title, name| title.fault_times(name, 4, hang, 1000));
        let mut session = Session::new(Config::default(), title)
            .network("rate=20Mbps,rtt=40ms".parse().expect("a network"))
            .play("https://title.example/main.mpd");
        assert_eq!(session.run(None), Outcome::Ended, "{hangs}: {:?}", errors(&session));
        let video = track(&session, TrackKind::Video);
        assert_eq!(video.gaps, u64::from(hangs == "v"), "{hangs}");
        let tried =
            session.source().requests().iter().filter(|path| path.starts_with(hangs) && path.ends_with("/4.m4s"));
        assert!(tried.count() < 8, "{hangs}");
        assert!(session.now() < at(160_000), "{hangs}: {:?}", session.now());
    }
}
