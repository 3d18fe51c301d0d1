use crate::common::{file_url, folder, telecine, telecine_in, track, Run};

fn play(more: &[&str]) -> Run {
    telecine([&["play", "--clock", "virtual", "--sink", "null", "--until", "4", "--json"], more].concat())
}

fn notes(run: &Run) -> Vec<(String, String)> {
    let report = run.json();
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    report["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .map(|note| (text(&note["about"]), text(&note["message"])))
        .collect()
}

#[test]
fn on_standard_error_and_in_the_report_and_the_title_plays() {
    for (option, value, said) in [
        ("--audio-lang", "xx", "the title has sound in en, fr only"),
        ("--text-lang", "yy,zz", "the title has subtitles in en, fr only"),
        ("--max-height", "100", "the smallest has 180 lines"),
        ("--max-bitrate", "10kbps", "the smallest is declared with"),
        ("--header", "X-A: b", "the demo title"),
    ] {
        let run = play(&[option, value]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let notes = notes(&run);
        let [(about, message)] = notes.as_slice() else { panic!("{option}: {notes:?}") };
        assert!(about.starts_with(option) && message.contains(said), "{about}: {message}");
        assert_eq!(run.stderr, format!("note: {about}: {message}\n"));
        assert!(track(&run.json(), "video")["samples"].as_u64().is_some_and(|samples| samples > 0));
    }
}

#[test]
fn keys_and_licence_servers_are_of_no_use_to_a_clear_title() {
    const KID: &str = "00112233445566778899aabbccddeeff";
    const OTHER: &str = "10112233445566778899aabbccddeeff";
    let (key, other) = (format!("{KID}:0123456789abcdef0123456789abcdef"), format!("{OTHER}:{KID}"));
    let bare = ["--key", "0123456789abcdef0123456789abcdef"];
    for (options, about, said) in [
        (&["--key", &key][..], "--key", format!("nothing used the key {KID}")),
        (&["--key", &key, "--key", &other], "--key", format!("nothing used the keys {KID}, {OTHER}")),
        (&bare, "--key", "nothing used the key without a KID".to_owned()),
        (&["--license-url", "http://127.0.0.1:1/l"], "--license-url", "no licence was asked for".to_owned()),
        (&["--license-header", "X-A: b"], "--license-header", "no licence was asked for".to_owned()),
    ] {
        let run = play(options);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let notes = notes(&run);
        let [(option, message)] = notes.as_slice() else { panic!("{options:?}: {notes:?}") };
        assert!(option == about && message.contains(&said), "{option}: {message}");
        assert_eq!(run.stderr, format!("note: {option}: {message}\n"));
        assert!(!run.stdout.contains("0123456789abcdef"), "a key in the report");
    }
}

#[test]
fn those_that_are_fulfilled_are_nothing_to_tell() {
    for wishes in [
        &["--audio-lang", "xx,fr"][..],
        &["--audio-lang", "en-GB", "--text-lang", "fr"],
        &["--max-height", "180", "--max-bitrate", "300kbps"],
        &[],
    ] {
        let run = play(wishes);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{wishes:?}");
        assert_eq!(notes(&run), [], "{wishes:?}");
    }
}

#[test]
fn a_picture_without_lines_is_no_wish_but_a_slip() {
    let run = play(&["--max-height", "0"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.starts_with("7002 InvalidArgument") && run.stderr.contains("--max-height"), "{}", run.stderr);
}

#[test]
fn times_of_a_modelled_network_that_nobody_asked_for_are_told_as_such() {
    let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:9\n#EXT-X-MAP:URI=\"f.mp4\"\n#EXTINF:2,\nf.mp4\n#EXT-X-ENDLIST\n";
    let folder = folder(&[("a.m3u8", text)]);
    std::fs::copy(crate::common::data("fragmented.mp4"), folder.path().join("f.mp4")).expect("a copy");
    let url = file_url(&folder, "a.m3u8");
    let args = ["play", &url, "--clock", "virtual", "--sink", "null", "--json"];
    let run = telecine(args);
    let notes = notes(&run);
    let [(about, message)] = notes.as_slice() else { panic!("{notes:?}") };
    assert!(about == "--clock virtual" && message.contains("rate=5Mbps,rtt=40ms"), "{about}: {message}");
    assert_eq!(run.stderr, format!("note: {about}: {message}\n"));
    assert_eq!(run.json()["setup"]["network"], "rate=5Mbps,rtt=40ms");
    let run = telecine_in(folder.path(), [&args[..], &["--network", "rate=1Mbps"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "whoever names a network knows of it");
}
