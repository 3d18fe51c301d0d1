//! Same seed and inputs, same actions: twice, and under replay.

mod common;

use common::{at, secs, session_with};
use telecine_engine::{replay, Command, Config, DecisionKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::Session;

fn eventful(file: &str, record: bool) -> Session<SyntheticTitle> {
    let mut config = Config::default();
    config.seed = 42;
    config.record = record;
    let title = SyntheticTitle::new(secs(120))
        .fault("v1", 4, Fault::Status(503))
        .fault("v2", 7, Fault::Truncated)
        .fault_times("a0", 9, Fault::Garbage, 1)
        .fault("v0", 12, Fault::Hole);
    let mut session = session_with(config, title, file, "rate=2Mbps,rtt=60ms,loss=1")
        .at(at(20_000), Command::Seek(secs(70)))
        .at(at(30_000), Command::Pause)
        .at(at(33_000), Command::Play)
        .at(at(40_000), Command::Seek(secs(12)))
        .at(at(50_000), Command::SetRate(1500));
    session.run(None);
    session
}

#[test]
fn the_same_session_twice_gives_the_same_actions() {
    for file in ["main.m3u8", "main.mpd"] {
        let (first, second) = (eventful(file, false), eventful(file, true));
        assert_eq!(first.events(), second.events());
        assert_eq!(first.engine().action_hash(), second.engine().action_hash(), "{file}");
    }
}

#[test]
fn a_replay_of_a_recording_decides_the_same() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut session = eventful(file, true);
        let recording = session.take_recording();
        let replayed = replay(&recording).expect("readable");
        assert!(replayed.equal && replayed.complete, "{file}: {:?}", replayed.differs_by_input);
        assert_eq!(replayed.replayed_hash, session.engine().action_hash());
        let decisions: Vec<_> = session.decisions().cloned().collect();
        assert_eq!(replayed.decisions, decisions);
        assert!(decisions.iter().any(|d| d.what == DecisionKind::Bitrate && !d.why.is_empty()));
    }
}

#[test]
fn a_changed_recording_is_noticed() {
    let mut session = eventful("main.mpd", true);
    let mut recording = session.take_recording();
    // The throughput assumed at the start is part of the configuration in the first frame.
    let needle = postcard_varint(1_500_000);
    let place = recording.windows(needle.len()).position(|window| window == needle).expect("there");
    recording[place..place + needle.len()].copy_from_slice(&postcard_varint(1_500_000 / 4 * 3));
    let replayed = replay(&recording).expect("readable");
    assert!(!replayed.equal && replayed.differs_by_input.is_some());
}

fn postcard_varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[test]
fn a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes() {
    let mut session = eventful("main.mpd", true);
    let recording = session.take_recording();
    let replayed = replay(&recording[..recording.len() / 2]).expect("readable");
    assert!(replayed.equal && !replayed.complete);
}

#[test]
fn a_recording_is_small_and_without_secrets() {
    let mut config = Config::default();
    config.record = true;
    let title = SyntheticTitle::new(secs(600));
    let mut session = session_with(config, title, "main.m3u8?token=verysecret", "rate=5Mbps,rtt=40ms");
    session.run(None);
    let recording = session.take_recording();
    assert!(recording.len() < 10 * 16 * 1024, "{} bytes for ten minutes", recording.len());
    assert!(!recording.windows(10).any(|window| window == b"verysecret"));
    assert!(replay(&recording).expect("readable").equal);
}
