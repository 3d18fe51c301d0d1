//! Protected media decrypt to the clear ones: openssl decrypts, and ffmpeg plays.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use support::{bytes, ffmpeg, get, origin, text};
use telecine_origin::{respond, Keys, Request};

/// What openssl makes of bytes; None, loudly, where it is not there.
fn openssl(cipher: &str, key: &str, iv: &str, data: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(["enc", "-d", "-nopad", &format!("-{cipher}"), "-K", key, "-iv", iv]);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("SKIPPED: openssl cannot be run ({error}); this test proves nothing here");
            return None;
        }
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(move || stdin.write_all(data));
        let output = child.wait_with_output().expect("openssl ends");
        writer.join().expect("no panic").expect("openssl reads");
        assert!(output.status.success());
        output.stdout
    });
    Some(written)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The KID of key `scope`-`period` and the key, as the documentation says.
fn key(scope: u8, period: u8) -> (String, String) {
    let kid = [b"telecine\0\0\0\0\0".as_slice(), &[scope, 0, period]].concat();
    (hex(&kid), hex(&kid.iter().map(|byte| !byte).collect::<Vec<_>>()))
}

fn u16_at(data: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes(data[at..at + 2].try_into().expect("two bytes")))
}

fn u32_at(data: &[u8], at: usize) -> usize {
    u32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes")) as usize
}

/// The body of the first box of a type, looked for in the bytes.
fn body<'a>(data: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let at = data.windows(4).position(|window| window == kind)?;
    data.get(at + 4..at - 4 + u32_at(data, at - 4))
}

/// Samples of a fragment of the demo title: one run, sizes in it; behind an 8-byte header of the `mdat`.
fn samples(fragment: &[u8]) -> Vec<Vec<u8>> {
    let moof = u32_at(fragment, 0);
    let run = body(&fragment[..moof], b"trun").expect("a run");
    let (flags, count) = (u32_at(run, 0) & 0xff_ffff, u32_at(run, 4));
    assert_eq!(flags & 0x201, 0x201, "a data offset and sizes");
    let mut at = u32_at(run, 8);
    assert_eq!(at, moof + 8, "the data offset leads to the first sample");
    let row = 4 * (flags >> 8 & 0xf).count_ones() as usize;
    let before = if flags & 0x100 != 0 { 4 } else { 0 };
    let first = 12 + if flags & 4 != 0 { 4 } else { 0 };
    let size = |n: usize| u32_at(run, first + n * row + before);
    let all = (0..count).map(|n| {
        at += size(n);
        fragment[at - size(n)..at].to_vec()
    });
    all.collect()
}

/// The vector of a sample, and its clear and protected bytes in turn.
type Auxiliary = (Vec<u8>, Vec<(usize, usize)>);

/// Vectors and subsamples of a fragment, from `senc`; `saio` must lead to the same place.
fn auxiliary(fragment: &[u8], iv_size: usize) -> Vec<Auxiliary> {
    let moof = &fragment[..u32_at(fragment, 0)];
    let senc = body(moof, b"senc").expect("senc");
    if let Some(saio) = body(moof, b"saio") {
        let place = moof.len() - moof[u32_at(saio, 8)..].len();
        assert_eq!(moof[place..place + 8], senc[8..16], "saio leads to the data of senc");
    } else {
        assert_eq!((senc.len(), iv_size), (8, 0), "samples have nothing of their own");
    }
    let (divided, count) = (senc[3] & 2 != 0, u32_at(senc, 4));
    let mut at = 8;
    let all = (0..count).map(|_| {
        let iv = senc[at..at + iv_size].to_vec();
        at += iv_size;
        let mut parts = Vec::new();
        if divided {
            let parts_count = u16_at(senc, at);
            parts.extend((0..parts_count).map(|n| (u16_at(senc, at + 2 + 6 * n), u32_at(senc, at + 4 + 6 * n))));
            at += 2 + 6 * parts_count;
        }
        (iv, parts)
    });
    all.collect()
}

/// The places of the encrypted bytes in a protected range.
fn encrypted(length: usize, (crypt, skip): (usize, usize), all: bool) -> Vec<usize> {
    let block = |at: usize| match (crypt, skip) {
        (0, 0) => true,
        (crypt, skip) => at / 16 % (crypt + skip) < crypt,
    };
    let whole = if all { length } else { length - length % 16 };
    (0..whole).filter(|at| block(*at)).collect()
}

/// Some samples of a segment of each kind, decrypted by openssl as the scheme says, are those of the clear title.
fn decrypts(options: &str, scheme: &str, keys: &dyn Fn(&str) -> (String, String)) {
    for id in ["v180", "a-fr"] {
        let init = bytes(&format!("/dash/{options}/demo/{id}/init.mp4"));
        let (kid, key) = keys(id);
        let tenc = body(&init, b"tenc").expect("tenc");
        assert_eq!(body(&init, b"schm").expect("schm")[4..8], *scheme.as_bytes());
        let (pattern, iv_size) = ((usize::from(tenc[5] >> 4), usize::from(tenc[5] & 15)), usize::from(tenc[7]));
        assert_eq!((tenc[6], hex(&tenc[8..24])), (1, kid), "{id}");
        let constant = if iv_size == 0 { &tenc[25..41] } else { &[] };
        let (clear, protected) = (format!("/dash/demo/{id}/3.m4s"), format!("/dash/{options}/demo/{id}/3.m4s"));
        let (clear, protected) = (bytes(&clear), bytes(&protected));
        let (clear, hidden, facts) = (samples(&clear), samples(&protected), auxiliary(&protected, iv_size));
        assert_eq!((hidden.len(), facts.len()), (clear.len(), clear.len()));
        let cipher = if scheme.starts_with("cen") { "aes-128-ctr" } else { "aes-128-cbc" };
        for n in [0, 1, 7, clear.len() - 1] {
            let (iv, mut parts) = facts[n].clone();
            let mut iv = if iv.is_empty() { constant.to_vec() } else { iv };
            iv.resize(16, 0);
            if parts.is_empty() {
                parts = vec![(0, clear[n].len())];
            }
            assert_eq!(parts.iter().map(|(c, p)| c + p).sum::<usize>(), clear[n].len(), "{id} {n}");
            let mut out = hidden[n].clone();
            let (mut at, mut places) = (0, Vec::new());
            let decrypt = |out: &mut Vec<u8>, places: &mut Vec<usize>| {
                let secret: Vec<u8> = places.iter().map(|at| out[*at]).collect();
                if secret.is_empty() {
                    return true;
                }
                let Some(open) = openssl(cipher, &key, &hex(&iv), &secret) else { return false };
                assert_ne!(open, secret);
                places.drain(..).zip(open).for_each(|(at, byte)| out[at] = byte);
                true
            };
            for (clear, length) in parts {
                at += clear;
                places.extend(encrypted(length, pattern, scheme == "cenc").iter().map(|place| at + place));
                at += length;
                // The chain of cbcs begins again with each range.
                if scheme == "cbcs" && !decrypt(&mut out, &mut places) {
                    return;
                }
            }
            if !decrypt(&mut out, &mut places) {
                return;
            }
            assert_eq!(out, clear[n], "{options} {id} sample {n}");
        }
    }
}

#[test]
fn openssl_decrypts_every_scheme_of_common_encryption() {
    for scheme in ["cenc", "cens", "cbc1", "cbcs"] {
        decrypts(&format!("prot_{scheme}"), scheme, &|_| key(0, 0));
    }
}

#[test]
fn openssl_decrypts_other_patterns_and_a_key_for_each_rendition() {
    decrypts("prot_cens/pattern_5-5", "cens", &|_| key(0, 0));
    decrypts("prot_cbcs/pattern_5-5/keys_kinds", "cbcs", &|id| key(u8::from(id == "a-fr"), 0));
    decrypts("prot_cenc/keys_each", "cenc", &|id| key(if id == "a-fr" { 5 } else { 0 }, 0));
}

#[test]
fn keys_that_rotate_are_told_in_each_fragment() {
    let at = |n: u64| bytes(&format!("/dash/prot_cbcs/krot_3/dur_60/demo/v180/{n}.m4s"));
    let kid = |n: u64| {
        let fragment = at(n);
        let group = body(&fragment, b"sgpd").expect("a group").to_vec();
        assert_eq!(body(&fragment, b"pssh").map(|pssh| hex(&pssh[24..40])), Some(hex(&group[20..36])), "{n}");
        hex(&group[20..36])
    };
    assert_eq!([0, 2, 3, 11, 12].map(kid), [0, 0, 1, 3, 0].map(|period| key(0, period).0));
    let init = bytes("/dash/prot_cbcs/krot_3/demo/v180/init.mp4");
    assert_eq!(body(&init, b"tenc").expect("tenc")[4..24], [&[0, 0x19, 0, 0][..], &[0; 16]].concat());
}

#[test]
fn a_clear_lead_is_told_by_the_second_sample_description() {
    let at = |options: &str, n: u64| bytes(&format!("/dash/{options}demo/v180/{n}.m4s"));
    for n in [0, 1, 12] {
        let (clear, lead) = (at("dur_60/", n), at("dur_60/prot_cenc/lead_2/", n));
        assert_eq!((samples(&clear) == samples(&lead), body(&lead, b"senc").is_none()), (n < 2, n < 2), "{n}");
        let header = body(&lead, b"tfhd").expect("tfhd");
        assert_eq!(header[3] & 2 != 0, n < 2, "{n}");
        if n < 2 {
            assert_eq!(u32_at(header, 8), 2);
        }
    }
    let init = bytes("/dash/prot_cenc/lead_2/demo/v180/init.mp4");
    let entries = body(&init, b"stsd").expect("stsd");
    let second = 8 + u32_at(entries, 8);
    assert_eq!(
        (u32_at(entries, 4), &entries[12..16], &entries[second + 4..second + 8]),
        (2, &b"encv"[..], &b"avc1"[..])
    );
}

/// The packets of a playlist, as ffmpeg hashes them.
async fn packets(path: &str) -> Option<String> {
    let origin = origin().await;
    let url = origin.url() + path;
    let read = move || ffmpeg("ffmpeg", &["-i", &url, "-map", "0", "-c", "copy", "-f", "framemd5", "-"], "");
    let packets = tokio::task::spawn_blocking(read).await.expect("ffmpeg runs");
    origin.stop().await;
    packets.map(|text| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_plays_segments_that_are_encrypted_whole() {
    for options in ["", "/bytes_1", "/iv_implicit/snr_5", "/krot_3/lead_2", "/keys_each/krot_2", "/ktoken_abc"] {
        for id in ["v360", "a-en"] {
            let clear = packets(&format!("/hls/demo/{id}.m3u8")).await;
            let path = format!("/hls/prot_aes128{options}/demo/{id}.m3u8");
            let protected = packets(&path).await;
            assert!(clear.as_ref().is_none_or(|packets| packets.lines().count() >= 600));
            assert_eq!(clear, protected, "{path}");
        }
    }
}

#[test]
fn openssl_decrypts_whole_segments_by_number_and_by_vector() {
    let padded = |clear: Vec<u8>| {
        let padding = 16 - clear.len() % 16;
        [clear, vec![padding as u8; padding]].concat()
    };
    let (_, key) = key(0, 0);
    let playlist = text("/hls/prot_aes128/demo/v180.m3u8");
    let told = playlist.split("IV=0x").nth(1).expect("a vector").lines().next().expect("a line").to_owned();
    assert_eq!(told.len(), 32);
    for (options, vector, name) in
        [("", told.as_str(), "init.mp4"), ("", &told, "4.m4s"), ("iv_implicit/snr_5/", &format!("{:032x}", 9), "9.m4s")]
    {
        let secret = bytes(&format!("/hls/prot_aes128/{options}demo/v180/{name}"));
        let clear = name.replace("9.", "4.");
        // The sequence number in the fragment counts from the start of the title, whatever the URL says.
        let clear = padded(bytes(&format!("/hls/demo/v180/{clear}")));
        if let Some(open) = openssl("aes-128-cbc", &key, vector, &secret) {
            assert_eq!(open, clear, "{options}{name}");
        }
    }
    let init = |options: &str| bytes(&format!("/hls/prot_aes128/{options}/demo/v180/init.mp4"));
    assert_eq!(init("iv_implicit"), bytes("/hls/demo/v180/init.mp4"), "without a vector it is clear");
    assert_eq!(init("lead_1"), bytes("/hls/demo/v180/init.mp4"), "in the clear lead too");
}

/// What a second party makes of a media playlist: each initialisation segment and each segment that it names, with what
/// openssl makes of it under the key in force there (RFC 8216, 4.3.2.4 and 4.3.2.5), padding included; nothing where there is
/// no openssl.
fn opened(path: &str, now: Option<u64>) -> Vec<(String, Vec<u8>)> {
    let target = |path: &str| now.map_or(path.to_owned(), |now| support::at(path, now));
    let folder = path.rsplit_once('/').expect("a folder").0;
    let fetched = |uri: &str| bytes(&target(&format!("{folder}/{uri}")));
    let attribute = |list: &str, name: &str| support::playlist::attribute(list, name).map(str::to_owned);
    let (mut force, mut number, mut out) = (None, 0_u64, Vec::new());
    for line in text(&target(path)).lines() {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-MEDIA-SEQUENCE" => number = value.parse().expect("a number"),
            "#EXT-X-KEY" if value == "METHOD=NONE" => force = None,
            "#EXT-X-KEY" => {
                assert_eq!(attribute(value, "METHOD").as_deref(), Some("AES-128"));
                let key = hex(&fetched(&attribute(value, "URI").expect("an address")));
                force = Some((key, attribute(value, "IV").map(|iv| iv[2..].to_owned())));
            }
            _ if tag == "#EXT-X-MAP" || !line.starts_with('#') => {
                let is_map = tag == "#EXT-X-MAP";
                let uri = if is_map { attribute(value, "URI").expect("an address") } else { line.to_owned() };
                let data = fetched(&uri);
                let open = match &force {
                    None => Some(data),
                    Some((key, Some(iv))) => openssl("aes-128-cbc", key, iv, &data),
                    Some(_) if is_map => panic!("{path}: a vector is required for {line}"),
                    Some((key, None)) => openssl("aes-128-cbc", key, &format!("{number:032x}"), &data),
                };
                number += u64::from(!is_map);
                out.extend(open.map(|open| (uri, open)));
            }
            _ => {}
        }
    }
    out
}

#[test]
fn whatever_a_playlist_names_decrypts_under_the_key_in_force_there() {
    // While it goes on, keys, discontinuities and what is the first in the window are others from segment to segment.
    let live: Vec<_> = (0..6).map(|step| Some(1_795_780_500_000 + 2_000 * step)).collect();
    let shapes =
        [("dur_20/", &[None][..]), ("dur_20/disc_3/", &[None]), ("live_10/", &live), ("live_20/encrestart_14/", &live)];
    for (shape, moments) in shapes {
        for options in ["", "krot_1/", "krot_2/keys_each/", "krot_1/iv_implicit/", "lead_2/krot_2/"] {
            for (now, id) in moments.iter().flat_map(|now| ["v180", "a-fr"].map(|id| (*now, id))) {
                let path = format!("/hls/prot_aes128/{shape}{options}demo/{id}.m3u8");
                for (uri, open) in opened(&path, now) {
                    let plain = format!("/hls/{shape}demo/{uri}");
                    let mut plain = bytes(&now.map_or(plain.clone(), |now| support::at(&plain, now)));
                    if open.len() > plain.len() {
                        let padding = 16 - plain.len() % 16;
                        plain.resize(plain.len() + padding, padding as u8);
                    }
                    assert!(open == plain, "{path} {now:?}: {uri} is not what it is in clear");
                }
            }
        }
    }
}

#[test]
fn the_initialisation_segment_keeps_its_key_when_those_of_segments_rotate() {
    // The window begins with the third key.
    let playlist = text(&support::at("/hls/live_10/prot_aes128/krot_1/demo/v180.m3u8", 1_795_780_504_000));
    let lines: Vec<&str> = playlist.lines().collect();
    let map = lines.iter().position(|line| line.starts_with("#EXT-X-MAP")).expect("a map");
    assert!(lines[map - 1].contains("key/0-0.bin") && lines[map - 1].contains(",IV=0x"), "{playlist}");
    assert!(lines[map + 1].starts_with("#EXT-X-KEY:") && !lines[map + 1].contains("key/0-0.bin"), "{playlist}");
}

#[test]
fn a_key_of_common_encryption_is_announced_in_every_way_that_there_is() {
    let tags = |options: &str| -> Vec<String> {
        let playlist = text(&format!("/hls/{options}/demo/v180.m3u8"));
        playlist.lines().filter(|line| line.starts_with("#EXT-X-KEY")).map(str::to_owned).collect()
    };
    assert_eq!(tags("prot_cenc"), ["#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"key/0-0.bin\""]);
    let all = tags("prot_cbcs/kf_all");
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|tag| tag.starts_with("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=") && tag.contains(",IV=0x")));
    assert!(all[1].contains("KEYFORMAT=\"urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b\""));
    assert!(tags("prot_cbcs/kf_kid")[0].contains("URI=\"data:text/plain;base64,dGVsZWNpbmUAAAAAAAAAAA==\""));
    assert_eq!(tags("prot_cbcs/krot_3").len(), 4);
    assert_eq!(text("/hls/prot_aes128/demo/main.m3u8").matches("I-FRAME").count(), 0, "nobody could read a part");
    for refused in ["/hls/prot_cens/demo/main.m3u8", "/dash/prot_aes128/demo/time.mpd", "/hls/prot_none/demo/main.m3u8"]
    {
        assert_eq!(get(refused).status, 400, "{refused}");
    }
}

#[test]
fn the_mpd_says_scheme_kid_and_where_licences_are() {
    let mpd = text("/dash/prot_cbcs/keys_kinds/ktoken_abc/demo/time.mpd");
    for said in [
        "schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cbcs\" cenc:default_KID=\"74656c65-6369-6e65-0000-000000000000\"",
        "cenc:default_KID=\"74656c65-6369-6e65-0000-000000010000\"",
        "<dashif:Laurl licenseType=\"EME-1.0\">license?token=abc</dashif:Laurl>",
    ] {
        assert!(mpd.contains(said), "{said}\n{mpd}");
    }
    assert!(!text("/dash/prot_cbcs/krot_3/demo/time.mpd").contains("default_KID"), "only the media say it");
    assert!(!text("/dash/demo/time.mpd").contains("ContentProtection"));
}

const KID: &str = "dGVsZWNpbmUAAAAAAAAAAA";

fn ask(target: &str, request: Request<'_>) -> (u16, String, Option<Keys>) {
    let response = respond(&support::library(), &Request { path: target, ..request });
    let keys = response.keys.clone();
    (response.status, String::from_utf8_lossy(&response.body.into_bytes()).into_owned(), keys)
}

fn licence(options: &str, kids: &[&str]) -> (u16, String, Option<Keys>) {
    let json = serde_json::json!({ "kids": kids, "type": "temporary" }).to_string();
    ask(&format!("/dash/prot_cenc/{options}demo/license"), Request::post("", json.as_bytes()))
}

#[test]
fn a_licence_has_the_keys_that_were_asked_for_and_the_title_has() {
    let (status, json, keys) = licence("", &[KID, "AAAAAAAAAAAAAAAAAAAAAA"]);
    assert_eq!(status, 200);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let expected = serde_json::json!({
        "keys": [{ "kty": "oct", "kid": KID, "k": "i5qTmpyWkZr__________w" }],
        "type": "temporary",
    });
    assert_eq!(json, expected);
    let (kid, _) = key(0, 0);
    assert_eq!(keys, Some(Keys { asked: vec![kid.clone(), "0".repeat(32)], given: vec![kid] }));
}

#[test]
fn licences_and_keys_fail_as_the_url_says() {
    let given = |keys: Option<Keys>| keys.map(|keys| keys.given.len());
    let (status, json, keys) = licence("kwrong_1/", &[KID]);
    assert!(status == 200 && !json.contains("i5qTmpyWkZr") && given(keys) == Some(1), "{json}");
    let (status, json, keys) = licence("kmissing_0/", &[KID]);
    assert!(status == 200 && json.contains("\"keys\":[]") && given(keys) == Some(0), "{json}");
    let (status, _, keys) = licence("kauth_secret/", &[KID]);
    assert_eq!((status, given(keys)), (401, Some(0)));
    let (status, _, keys) = licence("statuscode_[{obj:k,code:503}]/", &[KID]);
    assert_eq!((status, given(keys)), (503, Some(0)));
    let post = Request { authorization: Some("Bearer secret"), ..Request::post("", br#"{"kids":[]}"#) };
    assert_eq!(ask("/hls/prot_cbcs/kauth_secret/demo/license", post).0, 200);
    let late = Request { now_ms: 5000, ..Request::get("") };
    for (options, expected) in [("kexpire_5/", 403), ("kexpire_6/", 200), ("kmissing_0/", 404), ("ktoken_a/", 403)] {
        assert_eq!(ask(&format!("/hls/prot_aes128/{options}demo/key/0-0.bin"), late).0, expected, "{options}");
    }
    assert_eq!(bytes("/hls/prot_aes128/klong_1/demo/key/0-0.bin").len(), 17);
    assert_eq!(hex(&bytes("/hls/prot_aes128/keys_each/demo/key/5-0.bin")), key(5, 0).1);
    let delayed = get("/hls/prot_aes128/kdelay_250/demo/key/0-0.bin").delivery;
    assert_eq!(delayed.head_delay.as_millis(), 250);
    for (path, status) in [("key/1-0.bin", 404), ("key/0-0", 404), ("license", 405)] {
        assert_eq!(get(&format!("/hls/prot_aes128/demo/{path}")).status, status, "{path}");
    }
    for body in ["", "{}", "{\"kids\":[\"!\"]}", "[1]"] {
        assert_eq!(ask("/dash/prot_cenc/demo/license", Request::post("", body.as_bytes())).0, 400, "{body}");
    }
    assert_eq!(ask("/dash/demo/license", Request::post("", b"{\"kids\":[]}")).0, 404, "a clear title has none");
    assert_eq!(ask("/dash/demo/time.mpd", Request::post("", b"")).0, 405);
}

#[tokio::test]
async fn the_log_tells_which_keys_were_given() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let origin = origin().await;
    let body = format!("{{\"kids\":[\"{KID}\"]}}");
    let mut socket = tokio::net::TcpStream::connect(origin.address()).await.expect("connects");
    let head = format!(
        "POST /dash/prot_cenc/kauth_t/demo/license HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.expect("is sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("is answered");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("i5qTmpyWkZr"), "{answer}");
    let (kid, _) = key(0, 0);
    let keys = origin.log().pop().and_then(|entry| entry.keys);
    assert_eq!(keys, Some(Keys { asked: vec![kid.clone()], given: vec![kid] }));
    origin.stop().await;
}

#[test]
fn hexadecimal_sequences_are_written_in_upper_case() {
    for path in
        ["prot_aes128/demo/v180.m3u8", "prot_cbcs/kf_all/demo/v180.m3u8", "ts_demuxed/prot_sampleaes/demo/v180.m3u8"]
    {
        let playlist = support::text(&format!("/hls/{path}"));
        let sequences: Vec<&str> = playlist.split("=0x").skip(1).filter_map(|rest| rest.get(..32)).collect();
        assert!(!sequences.is_empty(), "{path}: {playlist}");
        for sequence in sequences {
            assert!(sequence.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')), "{path}: {sequence}");
        }
    }
}
