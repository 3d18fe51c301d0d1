use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use telecine_container::{IsoReader, Unit};
use telecine_model::Limits;

use crate::common::{folder, telecine_in, track};

/// Identifier and key of the packager's video (`conformance/media/protect`).
const KID: &str = "00112233445566778899aabbccddeeff";
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/golden").join(name)
}

/// The options that the report says had no use.
fn unused(report: &serde_json::Value) -> Vec<&str> {
    let notes = report["notes"].as_array().expect("notes").iter().filter_map(|note| note["about"].as_str());
    notes.filter(|about| about.starts_with("--key") || about.starts_with("--license")).collect()
}

/// A playlist over one file of the packager, with its fragments for segments.
fn title(name: &str) -> tempfile::TempDir {
    let bytes = std::fs::read(golden(name)).expect("it is there");
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(bytes.clone().into());
    reader.finish().expect("complete");
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned();
    while let Some(unit) = reader.poll().expect("valid") {
        match unit {
            Unit::Init(init) => text += &format!("#EXT-X-MAP:URI=\"m.mp4\",BYTERANGE=\"{}@0\"\n", init.data.len()),
            Unit::Fragment(f) => text += &format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{}@{}\nm.mp4\n", f.size, f.offset),
            _ => {}
        }
    }
    let folder = folder(&[("a.m3u8", &(text + "#EXT-X-ENDLIST\n"))]);
    std::fs::write(folder.path().join("m.mp4"), bytes).expect("written");
    folder
}

#[test]
fn with_a_key_by_its_identifier() {
    let key = format!("{KID}:{KEY}");
    for (clock, name) in [("virtual", "cenc.v.mp4"), ("virtual", "cbcs.v.mp4"), ("real", "clear-lead.v.mp4")] {
        let folder = title(name);
        let args = ["play", "a.m3u8", "--clock", clock, "--sink", "null", "--record", "r.rec", "--key", &key, "--json"];
        let report = telecine_in(folder.path(), args).ok();
        assert!(track(&report, "video")["samples"].as_u64() > Some(90), "{name}: {report}");
        assert_eq!(unused(&report), [""; 0], "{name}");
        let recording = std::fs::read(folder.path().join("r.rec")).expect("written");
        assert!(!recording.windows(8).any(|window| window == b"\x01\x23\x45\x67\x89\xab\xcd\xef"));
        telecine_in(folder.path(), ["replay", "r.rec", "--json"]).ok();
    }
}

#[test]
fn what_was_given_and_not_needed_is_told_without_its_secrets() {
    const OTHER: &str = "00112233445566778899aabbccddee00";
    let (key, other) = (format!("{KID}:{KEY}"), format!("{OTHER}:fedcba98765432100123456789abcdef"));
    let server = ["--license-url", "http://127.0.0.1:1/l?token=secret42"];
    for name in ["cenc.v.mp4", "cbcs.v.mp4"] {
        let folder = title(name);
        let keys = ["--key", &key, "--key", &other];
        let args = ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--json"];
        let run = telecine_in(folder.path(), args.into_iter().chain(keys).chain(server));
        let report = run.ok();
        assert_eq!(unused(&report), ["--key", "--license-url"], "{name}");
        for said in [
            format!("note: --key: nothing that was played needs the key {OTHER}, and the manifest does not name it\n"),
            "note: --license-url: the keys that were given are enough: no licence was asked for\n".to_owned(),
        ] {
            assert!(run.stderr.contains(&said), "{}", run.stderr);
        }
        for secret in ["fedcba98765432100123", "secret42", KEY] {
            assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret), "{secret}");
        }
    }
}

#[test]
fn keys_that_rotate_are_all_of_use() {
    let turned = |hex: &str, by: usize| format!("{}{}", &hex[2 * by..], &hex[..2 * by]);
    let keys: Vec<String> = (0..8).map(|by| format!("{}:{}", turned(KID, by), turned(KEY, by))).collect();
    for name in ["rotation.v.mp4", "rotation-in-band.v.mp4"] {
        let folder = title(name);
        let document = telecine_in(folder.path(), ["probe", "m.mp4", "--json"]).ok();
        let named = document["tracks"][0]["encryption"]["key_ids"].as_array().expect("a list").clone();
        assert!(named.len() > 1, "{document}");
        let needed = keys.iter().filter(|key| named.iter().any(|kid| kid == &key[..32]));
        let args = ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--json"];
        let report = telecine_in(folder.path(), args.into_iter().chain(needed.flat_map(|key| ["--key", key]))).ok();
        assert_eq!(unused(&report), [""; 0], "{name}");
    }
}

#[test]
fn with_a_wrong_key_nothing_is_told_and_without_one_the_error_names_the_identifier() {
    let folder = title("cenc.v.mp4");
    let run = telecine_in(folder.path(), ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--json"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains(KID) || run.error().starts_with("4011"), "{}", run.stderr);
}

#[test]
fn with_the_key_of_whole_segments_in_place_of_a_key_file() {
    let playlist = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:1\n\
        #EXT-X-KEY:METHOD=AES-128,URI=\"nowhere.bin\",IV=0x0F0E0D0C0B0A09080706050403020100\n\
        #EXT-X-MAP:URI=\"aes-128.v.0.mp4\"\n#EXTINF:2,\naes-128.v.1.m4s\n#EXTINF:2,\naes-128.v.2.m4s\n#EXT-X-ENDLIST\n";
    let folder = folder(&[("a.m3u8", playlist)]);
    for part in ["aes-128.v.0.mp4", "aes-128.v.1.m4s", "aes-128.v.2.m4s"] {
        std::fs::copy(golden(part), folder.path().join(part)).expect("copied");
    }
    // "0123456789abcdef" in ASCII.
    let key = "30313233343536373839616263646566";
    let args = ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--key", key, "--json"];
    let report = telecine_in(folder.path(), args).ok();
    assert!(track(&report, "video")["samples"].as_u64() > Some(90));
    assert_eq!(unused(&report), [""; 0]);
    let without = telecine_in(folder.path(), ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--json"]);
    assert_eq!(without.code, 5, "{}", without.stderr);
    assert!(without.error().starts_with("4001 KeyUnavailable"), "{}", without.stderr);
}

#[test]
fn with_a_licence_server_and_its_header() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/licence?id=7", server.local_addr().expect("bound"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().expect("somebody");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.ends_with(b"}") {
            let count = stream.read(&mut buffer).expect("a request");
            assert!(count > 0, "{}", String::from_utf8_lossy(&request));
            request.extend_from_slice(&buffer[..count]);
        }
        // Base64 without padding of the identifier and the key.
        let body = r#"{"keys":[{"kty":"oct","kid":"ABEiM0RVZneImaq7zN3u_w","k":"ASNFZ4mrze8BI0VniavN7w"}]}"#;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).expect("sent");
        String::from_utf8_lossy(&request).into_owned()
    });
    let folder = title("cenc.v.mp4");
    let args = ["play", "a.m3u8", "--clock", "virtual", "--sink", "null", "--json", "--license-url", &url];
    let run = telecine_in(folder.path(), args.into_iter().chain(["--license-header", "X-Token: secret42"]));
    let report = run.ok();
    assert!(track(&report, "video")["samples"].as_u64() > Some(90));
    assert_eq!(unused(&report), [""; 0]);
    assert!(!run.stdout.contains("secret42") && !run.stderr.contains("secret42"));
    let request = asked.join().expect("it was asked");
    assert!(request.starts_with("POST /licence?id=7 HTTP/1.1\r\n"), "{request}");
    assert!(request.to_ascii_lowercase().contains("x-token: secret42\r\n"), "{request}");
    assert!(request.contains("content-type: application/json"), "{request}");
    // The boxes of the file name the key of its sound too.
    assert!(request.ends_with(r#","ABEiM0RVZneImaq7zN3u_w"],"type":"temporary"}"#), "{request}");
}

#[test]
fn what_is_no_key_or_licence_server_is_a_usage_error() {
    let folder = title("cenc.v.mp4");
    for args in [["--key", "0123"], ["--key", "zz:00"], ["--license-url", "ftp://a.example/"]] {
        let run = telecine_in(folder.path(), ["play", "a.m3u8", "--sink", "null"].into_iter().chain(args));
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
    }
}
