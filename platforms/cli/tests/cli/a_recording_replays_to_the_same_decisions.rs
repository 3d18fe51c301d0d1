use telecine_engine::abr::Throughput;
use telecine_engine::{Config, Engine, Policies};
use telecine_model::{MediaTime, Timestamp};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::Session;

use crate::common::{folder, telecine_in};

#[test]
fn replay_repeats_every_decision_and_says_that_they_are_equal() {
    let folder = folder(&[]);
    let play = [
        "play",
        "--clock",
        "virtual",
        "--sink",
        "null",
        "--network",
        "rate=900kbps,rtt=80ms",
        "--record",
        "a.rec",
        "--json",
    ];
    let report = telecine_in(folder.path(), play).ok();
    let replay = telecine_in(folder.path(), ["replay", "a.rec", "--json"]).ok();
    assert_eq!((&replay["equal"], &replay["complete"]), (&true.into(), &true.into()));
    assert_eq!(replay["recorded_hash"], replay["replayed_hash"]);
    let (played, replayed) = (report["decisions"].as_array().unwrap(), replay["decisions"].as_array().unwrap());
    assert_eq!(played.len(), replayed.len());
    for (played, replayed) in played.iter().zip(replayed) {
        for field in ["t_s", "kind", "from", "to", "why", "candidates"] {
            assert_eq!(played[field], replayed[field]);
        }
    }
    let text = telecine_in(folder.path(), ["replay", "a.rec"]);
    assert_eq!(text.code, 0);
    assert!(text.stdout.contains("equal to the recorded ones"), "{}", text.stdout);
    // Each choice of a bitrate with what it was made from.
    let chosen = |decision: &&serde_json::Value| decision["kind"] == "bitrate" && decision["track"] == "video";
    let first = played.iter().find(chosen).unwrap();
    let candidates = first["candidates"].as_array().unwrap();
    assert!(candidates.len() > 1 && candidates.iter().any(|of| of["rendition"] == first["to"]), "{first}");
    assert!(text.stdout.contains(" | ") && text.stdout.contains('*'), "{}", text.stdout);
}

#[test]
fn a_recording_with_a_flipped_bit_is_bad_content_and_names_the_byte() {
    let folder = folder(&[]);
    telecine_in(folder.path(), ["play", "--clock", "virtual", "--sink", "null", "--record", "a.rec", "--json"]).ok();
    let recording = std::fs::read(folder.path().join("a.rec")).unwrap();
    let mut damaged = 0;
    for at in (0..recording.len()).step_by(recording.len() / 24) {
        let mut changed = recording.clone();
        changed[at] ^= 0x10;
        std::fs::write(folder.path().join("b.rec"), &changed).unwrap();
        let run = telecine_in(folder.path(), ["replay", "b.rec"]);
        if run.code == 7 {
            // The length of a frame leads beyond the end, as where a recording was cut off.
            assert!(run.stdout.contains("INCOMPLETE"), "byte {at}: {}", run.stdout);
            continue;
        }
        damaged += 1;
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.lines().count()), (3, "", 1), "byte {at}");
        for part in ["7003 RecordingInvalid: ", "(byte ", " in b.rec; "] {
            assert!(run.stderr.contains(part), "byte {at}: {}", run.stderr);
        }
    }
    assert!(damaged > 12, "{damaged}");
}

#[test]
fn a_recording_that_was_cut_off_is_incomplete_and_not_equal() {
    let folder = folder(&[]);
    telecine_in(folder.path(), ["play", "--clock", "virtual", "--sink", "null", "--record", "a.rec", "--json"]).ok();
    let recording = std::fs::read(folder.path().join("a.rec")).unwrap();
    // Without its last byte; in the middle, behind some checks; and before the first one.
    for (length, compared) in [(recording.len() - 1, true), (recording.len() * 4 / 5, true), (2_000, false)] {
        std::fs::write(folder.path().join("b.rec"), &recording[..length]).unwrap();
        let json = telecine_in(folder.path(), ["replay", "b.rec", "--json"]);
        let document = json.json();
        assert_eq!((json.code, &document["verdict"]), (7, &"incomplete".into()), "{length}");
        assert_eq!((&document["equal"], &document["complete"]), (&false.into(), &false.into()), "{length}");
        assert_eq!(document["recorded_hash"].is_string(), compared, "{length}");
        assert_eq!(document["recorded_hash"], document["replayed_hash"]);
        let text = telecine_in(folder.path(), ["replay", "b.rec"]);
        assert_eq!((text.code, text.stderr.as_str()), (7, ""));
        let last = text.stdout.lines().last().unwrap();
        assert!(last.contains("INCOMPLETE") && !last.contains("0000000000000000"), "{last}");
    }
    // What is too short to be a recording cannot be read.
    std::fs::write(folder.path().join("b.rec"), &recording[..10]).unwrap();
    assert_eq!(telecine_in(folder.path(), ["replay", "b.rec"]).code, 3);
}

#[test]
fn decisions_of_another_rule_replay_to_a_difference() {
    let mut config = Config::default();
    config.record = true;
    // What a session was recorded with and cannot be told from its configuration.
    let policies = Policies { rule: Box::new(Throughput::default()), ..Policies::new(&config) };
    let engine = Engine::with_policies(config, policies);
    let mut session = Session::with_engine(engine, SyntheticTitle::new(MediaTime::from_secs(60)), Timestamp::ZERO)
        .network("rate=2Mbps,rtt=60ms".parse().unwrap())
        .play("https://title.example/main.mpd");
    session.run(None);
    let folder = folder(&[]);
    std::fs::write(folder.path().join("a.rec"), session.take_recording()).unwrap();
    let run = telecine_in(folder.path(), ["replay", "a.rec"]);
    assert_eq!((run.code, run.stderr.as_str()), (7, ""));
    assert!(run.stdout.contains("NOT equal to the recorded ones"), "{}", run.stdout);
    let json = telecine_in(folder.path(), ["replay", "a.rec", "--json"]);
    let document = json.json();
    assert_eq!((json.code, &document["equal"], &document["verdict"]), (7, &false.into(), &"different".into()));
    assert!(document["differs_by_input"].is_u64());
}
