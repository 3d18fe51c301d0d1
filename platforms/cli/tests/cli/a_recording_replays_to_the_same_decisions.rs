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
        for field in ["t_s", "kind", "from", "to", "why"] {
            assert_eq!(played[field], replayed[field]);
        }
    }
    let text = telecine_in(folder.path(), ["replay", "a.rec"]);
    assert_eq!(text.code, 0);
    assert!(text.stdout.contains("equal to the recorded ones"), "{}", text.stdout);
}

#[test]
fn a_recording_that_was_changed_is_not_equal_or_not_readable() {
    let folder = folder(&[]);
    telecine_in(folder.path(), ["play", "--clock", "virtual", "--sink", "null", "--record", "a.rec", "--json"]).ok();
    let recording = std::fs::read(folder.path().join("a.rec")).unwrap();
    let mut codes = std::collections::BTreeSet::new();
    for at in (0..recording.len()).step_by(recording.len() / 24) {
        let mut changed = recording.clone();
        changed[at] ^= 0x10;
        std::fs::write(folder.path().join("b.rec"), &changed).unwrap();
        let run = telecine_in(folder.path(), ["replay", "b.rec"]);
        // Some bytes (a message's wording) decide nothing.
        assert!([0, 2, 7].contains(&run.code), "byte {at}: {} {}", run.code, run.stderr);
        codes.insert(run.code);
    }
    assert!(codes.contains(&7) || codes.contains(&2), "{codes:?}");
}
