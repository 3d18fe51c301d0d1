//! `tests/data/*.ffprobe.json` were made by ffprobe from the files beside them
//! (`-show_packets -show_data_hash CRC32`): dts, pts, duration, size, key frame, checksum.

use crate::common::{data, has_fields, telecine};
use serde_json::{json, Value};

fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(data(&format!("{name}.ffprobe.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn compare(name: &str, container: &str) {
    let file = data(&format!("{name}.mp4"));
    let document = telecine(["probe", file.to_str().unwrap(), "--json"]).ok();
    has_fields(&document, &["container", "tracks", "events", "pssh"]);
    assert_eq!(document["container"], container);
    let golden = golden(name);
    let (found, expected) = (document["tracks"].as_array().unwrap(), golden["tracks"].as_array().unwrap());
    assert_eq!(found.len(), expected.len());
    for (track, golden) in found.iter().zip(expected) {
        has_fields(track, &["id", "kind", "codec", "timescale", "samples"]);
        assert_eq!(track["kind"], golden["kind"]);
        assert_eq!(track["timescale"], golden["timescale"]);
        let samples: Vec<Value> = track["samples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| json!([s["dts"], s["pts"], s["duration"], s["size"], s["sync"], s["crc32"]]))
            .collect();
        assert_eq!(json!(samples), golden["packets"], "{name} {}", track["kind"]);
    }
}

#[test]
fn a_progressive_file_with_b_frames_and_edit_lists() {
    compare("progressive", "mp4");
}

#[test]
fn a_fragmented_file() {
    compare("fragmented", "fmp4");
}

#[test]
fn a_segment_with_its_initialisation_section_apart() {
    let whole = std::fs::read(data("fragmented.mp4")).unwrap();
    let at = whole.windows(4).position(|name| name == b"moof").unwrap() - 4;
    let folder = crate::common::folder(&[]);
    std::fs::write(folder.path().join("init.mp4"), &whole[..at]).unwrap();
    std::fs::write(folder.path().join("1.m4s"), &whole[at..]).unwrap();
    let run = crate::common::telecine_in(folder.path(), ["probe", "1.m4s", "--init", "init.mp4", "--json"]);
    let packets = golden("fragmented")["tracks"][0]["packets"].as_array().unwrap().len();
    assert_eq!(run.ok()["tracks"][0]["samples"].as_array().unwrap().len(), packets);
    // What to do is told: nobody has a manifest to mend.
    let key = ["--key", "00112233445566778899aabbccddeeff:0123456789abcdef0123456789abcdef"];
    for (command, more) in [("probe", &[][..]), ("decrypt", &["clear.mp4", key[0], key[1]])] {
        let args = [&[command, "1.m4s"], more].concat();
        let alone = crate::common::telecine_in(folder.path(), &args);
        assert_eq!((alone.code, alone.stdout.as_str()), (2, ""), "{}", alone.stderr);
        assert!(
            alone.stderr.contains("'1.m4s' has no moov box: ") && alone.stderr.contains("with --init; see"),
            "{}",
            alone.stderr
        );
        let other = crate::common::telecine_in(folder.path(), args.iter().chain(&["--init", "1.m4s"]));
        assert_eq!(other.code, 2, "{}", other.stderr);
        assert!(
            other.stderr.contains("'1.m4s' is not '1.m4s'") && !other.stderr.contains("manifest"),
            "{}",
            other.stderr
        );
    }
}
