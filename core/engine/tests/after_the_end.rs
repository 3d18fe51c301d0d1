//! What was played to its end is still loaded.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use common::{at, secs, session, states, track};
use telecine_engine::{Command, State};
use telecine_model::TrackKind;
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::Outcome;

#[test]
fn play_starts_it_once_more() {
    let mut session = session(SyntheticTitle::new(secs(10)), "main.mpd").at(at(20_000), Command::Play);
    assert_eq!(session.run(None), Outcome::Ended);
    let ended = states(&session).iter().filter(|state| **state == State::Ended).count();
    assert_eq!(ended, 2);
    assert!(session.now() >= at(30_000), "another ten seconds: {:?}", session.now());
}

#[test]
fn a_seek_shows_its_target_and_waits() {
    let mut session = session(SyntheticTitle::new(secs(10)), "main.m3u8")
        .at(at(20_000), Command::Seek(secs(4)))
        .at(at(25_000), Command::Play);
    session.run(Some(at(24_000)));
    let snapshot = session.engine().snapshot(session.now());
    assert_eq!((snapshot.state, snapshot.position), (State::Paused, secs(4)));
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.now() >= at(31_000) && session.now() < at(31_500), "{:?}", session.now());
}

#[test]
fn another_track_chosen_before_the_start_is_waited_for() {
    let mut session = session(SyntheticTitle::new(secs(10)), "main.mpd");
    session.run(Some(at(0)));
    let mut ready = telecine_virtual::Session::new(telecine_engine::Config::default(), SyntheticTitle::new(secs(10)))
        .at(at(0), Command::Load { url: "https://title.example/main.mpd".into(), start: None })
        .at(at(5_000), Command::SelectTrack { kind: TrackKind::Audio, id: audio(&mut session) })
        .at(at(5_001), Command::Play);
    ready.run(Some(at(4_000)));
    assert_eq!(ready.engine().snapshot(ready.now()).state, State::Ready);
    assert_eq!(ready.run(None), Outcome::Ended);
    let qoe = ready.engine().qoe(ready.now());
    assert_eq!(qoe.stalls, 0, "{:?}", states(&ready));
    assert!(qoe.startup.is_some_and(|startup| startup.as_millis() < 1000), "{:?}", qoe.startup);
}

#[test]
fn stop_unloads_it_and_that_is_told() {
    let mut session = session(SyntheticTitle::new(secs(10)), "main.mpd").at(at(20_000), Command::Stop);
    assert_eq!(session.run(None), Outcome::Stopped);
    assert_eq!(states(&session).last(), Some(&State::Stopped));
}

fn audio(session: &mut telecine_virtual::Session<SyntheticTitle>) -> String {
    session.run(None);
    track(session, TrackKind::Audio).id
}
