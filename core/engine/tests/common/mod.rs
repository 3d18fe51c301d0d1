//! What the behaviour tests share.
#![allow(dead_code, unreachable_pub, clippy::expect_used)] // Each test file uses its part.

use telecine_engine::{Config, Decision, DecisionKind, Event, State, TrackStats};
use telecine_model::{Error, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::Session;

pub fn secs(s: i64) -> MediaTime {
    MediaTime::from_secs(s)
}

pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A session of a synthetic title over a comfortable line.
pub fn session(title: SyntheticTitle, file: &str) -> Session<SyntheticTitle> {
    session_with(Config::default(), title, file, "rate=8Mbps,rtt=40ms")
}

pub fn session_with(config: Config, title: SyntheticTitle, file: &str, network: &str) -> Session<SyntheticTitle> {
    Session::new(config, title)
        .network(network.parse().expect("a network"))
        .play(format!("https://title.example/{file}"))
}

pub fn track<S: telecine_virtual::Source>(session: &Session<S>, kind: TrackKind) -> TrackStats {
    session.sink_ref().tracks().into_iter().find(|track| track.kind == kind).expect("the track was played")
}

pub fn errors<S: telecine_virtual::Source>(session: &Session<S>) -> Vec<Error> {
    session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Error { error, .. } => Some(error.clone()),
            _ => None,
        })
        .collect()
}

pub fn decisions<S: telecine_virtual::Source>(session: &Session<S>, what: DecisionKind) -> Vec<Decision> {
    session.decisions().filter(|decision| decision.what == what).cloned().collect()
}

pub fn states<S: telecine_virtual::Source>(session: &Session<S>) -> Vec<State> {
    session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        })
        .collect()
}
