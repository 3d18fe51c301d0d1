//! `decrypt` against what the packager made in clear of the same source, and against openssl's segments. The clear
//! twins are the oracle: no test compares the command with itself.

use std::path::{Path, PathBuf};

use crate::common::{folder, telecine, Run};
use serde_json::{json, Value};

const KEYS: [&str; 2] = [
    "00112233445566778899aabbccddeeff:0123456789abcdef0123456789abcdef",
    "11112233445566778899aabbccddeeff:1123456789abcdef0123456789abcdef",
];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/golden").join(name)
}

fn stream(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/container/tests/data/ts").join(name)
}

fn segment(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/drm/tests/data").join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn decrypt(input: &Path, output: &Path, more: &[&str]) -> Run {
    telecine([&["decrypt", text(input), text(output), "--json"], more].concat())
}

/// Sizes, times and checksums of every sample of every track.
fn samples(path: &Path, more: &[&str]) -> Vec<Value> {
    let document = telecine([&["probe", text(path), "--json"], more].concat()).ok();
    document["tracks"].as_array().unwrap().iter().map(|track| json!([track["codec"], track["samples"]])).collect()
}

#[test]
fn every_scheme_comes_out_as_the_packager_made_it_in_clear() {
    let out = folder(&[]);
    for scheme in ["cenc", "cbcs", "cens", "cbc1", "cens-5-5", "cbcs-5-5", "wrap", "clear-lead"] {
        for track in ["v", "a"] {
            let clear = samples(&golden(&format!("clear.{track}.mp4")), &[]);
            let input = golden(&format!("{scheme}.{track}.mp4"));
            let output = out.path().join("clear.mp4");
            let done = decrypt(&input, &output, &["--key", KEYS[0], "--key", KEYS[1]]).ok();
            assert!(done["decrypted_samples"].as_u64().unwrap() > 0, "{scheme}");
            assert_eq!(samples(&output, &[]), clear, "{scheme} {track}");
            assert_eq!(
                output.metadata().unwrap().len(),
                input.metadata().unwrap().len(),
                "{scheme} {track}: places hold"
            );
            // With the keys `probe` sees the same in the protected file.
            assert_eq!(samples(&input, &["--key", KEYS[0], "--key", KEYS[1]]), clear, "{scheme} {track}");
        }
    }
}

#[test]
fn keys_that_rotate_are_given_side_by_side() {
    let turned = |hex: &str, by: usize| format!("{}{}", &hex[2 * by..], &hex[..2 * by]);
    let (id, key) = KEYS[0].split_once(':').unwrap();
    let keys: Vec<String> =
        (0..8).flat_map(|by| ["--key".to_owned(), format!("{}:{}", turned(id, by), turned(key, by))]).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let out = folder(&[]);
    for name in ["rotation", "rotation-in-band"] {
        let output = out.path().join("clear.mp4");
        decrypt(&golden(&format!("{name}.v.mp4")), &output, &keys).ok();
        assert_eq!(samples(&output, &[]), samples(&golden("clear.v.mp4"), &[]), "{name}");
    }
}

#[test]
fn sample_aes_comes_out_as_clear_mp4() {
    let iv = "11223344556677889900112233445566";
    let out = folder(&[]);
    for (name, extension) in [
        ("avc", "ts"),
        ("aac", "ts"),
        ("ac3", "ts"),
        ("eac3", "ts"),
        ("aac_packed", "aac"),
        ("ac3_packed", "ac3"),
        ("eac3_packed", "ec3"),
    ] {
        let output = out.path().join("clear.mp4");
        let input = stream(&format!("sa_{name}.{extension}"));
        let clear = samples(&stream(&format!("sa_{name}_clear.{extension}")), &[]);
        let key = KEYS[0].split_once(':').unwrap().1;
        let done = decrypt(&input, &output, &["--key", key, "--iv", iv]).ok();
        assert!(done["decrypted_samples"].as_u64().unwrap() > 0, "{name}");
        assert_eq!(samples(&output, &[]), clear, "{name}");
        assert_eq!(samples(&input, &["--key", KEYS[0], "--iv", iv]), clear, "{name} probed");
        if extension == "ts" {
            let hidden = samples(&input, &[]);
            assert!(hidden[0][1].as_array().unwrap().iter().all(|sample| sample["crc32"].is_null()), "{name}");
        }
    }
}

#[test]
fn whole_segments_come_out_byte_for_byte() {
    let out = folder(&[]);
    let script = std::fs::read_to_string(segment("make.sh")).unwrap();
    let value = |name: &str| {
        let line = script.split([' ', '\n']).find_map(|word| word.strip_prefix(&format!("{name}="))).unwrap();
        line.trim_matches('"').to_owned()
    };
    let plain = std::fs::read(segment("plain.bin")).unwrap();
    let (key128, key256, iv) = (value("K128"), value("K256"), value("IV"));
    for (file, more) in [
        // What is in there is no media.
        ("aes128.cbc", vec!["--key", &key128, "--iv", &iv, "--raw"]),
        ("aes256.cbc", vec!["--key", &key256, "--iv", &iv, "--raw"]),
        ("aes256.gcm", vec!["--key", &key256, "--method", "aes-256-gcm"]),
    ] {
        let output = out.path().join("clear");
        decrypt(&segment(file), &output, &more).ok();
        assert_eq!(std::fs::read(&output).unwrap(), plain, "{file}");
    }
}

/// Key and vector of segments that openssl encrypts here.
const WHOLE: [&str; 2] = ["30313233343536373839616263646566", "0f0e0d0c0b0a09080706050403020100"];

/// A file, encrypted as a whole by openssl.
fn encrypted(clear: &Path, folder: &Path) -> PathBuf {
    let out = folder.join("encrypted");
    let [key, iv] = WHOLE;
    let args = ["enc", "-aes-128-cbc", "-K", key, "-iv", iv, "-in", text(clear), "-out", text(&out)];
    let done = std::process::Command::new("openssl").args(args).status().expect("openssl is there");
    assert!(done.success());
    out
}

#[test]
fn a_wrong_vector_or_key_of_a_whole_segment_is_told_and_leaves_no_file_behind() {
    let (work, out) = (folder(&[("a.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")]), folder(&[]));
    let output = out.path().join("clear");
    let (next, other) = ("0f0e0d0c0b0a09080706050403020101", "ff0e0d0c0b0a09080706050403020100");
    let clear = [
        stream("avc_aac.ts"),
        stream("m2ts.ts"),
        stream("sa_aac_packed_clear.aac"),
        golden("clear.v.mp4"),
        work.path().join("a.vtt"),
    ];
    for clear in clear {
        let input = encrypted(&clear, work.path());
        // That of the next sequence number damages a bit of the sixteenth byte: some checksum has to cover it.
        let wrong_key = (next, WHOLE[1]);
        let wrong_vector = (WHOLE[0], if clear.extension().is_some_and(|name| name == "ts") { next } else { other });
        for (key, iv) in [wrong_key, wrong_vector] {
            let run = decrypt(&input, &output, &["--key", key, "--iv", iv]);
            assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{}: {}", clear.display(), run.stderr);
            assert!(run.stderr.starts_with("4002 DecryptFailed: "), "{}", run.stderr);
            assert!(!run.stderr.contains(key) && !run.stderr.contains(iv), "{}", run.stderr);
            assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "{}", clear.display());
        }
        decrypt(&input, &output, &["--key", WHOLE[0], "--iv", WHOLE[1]]).ok();
        assert!(std::fs::read(&output).unwrap() == std::fs::read(&clear).unwrap(), "{}", clear.display());
        std::fs::remove_file(&output).unwrap();
    }
    // Whoever wants the bytes as they are gets them.
    let clear = std::fs::read(stream("avc_aac.ts")).unwrap();
    let input = encrypted(&stream("avc_aac.ts"), work.path());
    decrypt(&input, &output, &["--key", WHOLE[0], "--iv", next, "--raw"]).ok();
    let raw = std::fs::read(&output).unwrap();
    assert!(raw[15] != clear[15] && raw[16..] == clear[16..]);
}

#[test]
fn what_cannot_be_decrypted_says_why_and_leaves_no_file_behind() {
    let out = folder(&[]);
    let output = out.path().join("clear.mp4");
    let input = golden("cenc.v.mp4");
    let nothing_left = || assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    let missing = decrypt(&input, &output, &["--key", KEYS[1]]);
    assert_eq!(missing.code, 5, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("KeyUnavailable") && missing.stderr.contains("00112233445566778899aabbccddeeff"),
        "{}",
        missing.stderr
    );
    nothing_left();
    let bare = decrypt(&input, &output, &["--key", "0123456789abcdef0123456789abcdef"]);
    assert_eq!(bare.code, 2, "{}", bare.stderr);
    assert!(!bare.stderr.contains("0123456789abcdef"), "{}", bare.stderr);
    let wrong =
        decrypt(&segment("aes128.cbc"), &output, &["--key", "00000000000000000000000000000000", "--sequence", "1"]);
    assert_eq!(wrong.code, 5, "{}", wrong.stderr);
    nothing_left();
    let vector = decrypt(&segment("aes128.cbc"), &output, &["--key", "00000000000000000000000000000000"]);
    assert_eq!(vector.code, 2);
    assert!(vector.stderr.contains("--iv"), "{}", vector.stderr);
    // An input is never written over.
    let same = out.path().join("same.mp4");
    std::fs::copy(&input, &same).unwrap();
    let over = decrypt(&same, &same, &["--key", KEYS[0]]);
    assert_eq!(over.code, 2, "{}", over.stderr);
    assert_eq!(std::fs::read(&same).unwrap(), std::fs::read(&input).unwrap());
}

#[test]
fn probe_names_scheme_keys_and_key_systems() {
    let document = telecine(["probe", text(&golden("cenc.v.mp4")), "--json"]).ok();
    let encryption = &document["tracks"][0]["encryption"];
    assert_eq!(encryption["scheme"], "cenc");
    assert_eq!(encryption["default_kid"], "00112233445566778899aabbccddeeff");
    assert_eq!(encryption["key_ids"], json!(["00112233445566778899aabbccddeeff"]));
    assert_eq!(encryption["iv_size"], 8);
    let systems: Vec<&str> =
        document["pssh"].as_array().unwrap().iter().map(|pssh| pssh["name"].as_str().unwrap()).collect();
    assert_eq!(systems, ["Common", "PlayReady", "Widevine"]);
    assert!(document["tracks"][0]["samples"][0]["crc32"].is_null());
    let cbcs = telecine(["probe", text(&golden("cbcs.v.mp4")), "--json"]).ok();
    let encryption = &cbcs["tracks"][0]["encryption"];
    assert_eq!((&encryption["crypt_blocks"], &encryption["skip_blocks"]), (&json!(1), &json!(9)));
    assert_eq!(encryption["constant_iv"], "11223344556677889900112233445566");
    let lines = telecine(["probe", text(&golden("cbcs.v.mp4"))]);
    assert!(lines.stdout.contains("cbcs 1:9") && lines.stdout.contains("track 1 key 0011"), "{}", lines.stdout);
}
