//! A folder of files, as another packager left them: a web server's part, with the faults of the origin.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;

use support::{ffmpeg, LOOPBACK};
use telecine_origin::{respond, End, Library, Network, Origin, OriginConfig, Request, Response, Title};

/// A folder with files in it.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

fn library(folder: &Path) -> Library {
    let folders = [("film".to_owned(), folder.to_owned())];
    Library::new(Title::demo(), 1).with_folders(&folders).expect("a folder that can be read")
}

fn get(library: &Library, target: &str) -> Response {
    respond(library, &Request::get(target))
}

fn numbers() -> Vec<u8> {
    (0..200_000u32).flat_map(u32::to_be_bytes).collect()
}

#[test]
fn a_file_comes_whole_or_in_ranges_with_the_content_type_of_its_name() {
    let bytes = numbers();
    let folder = folder(&[("main.mpd", b"<MPD/>"), ("v 1/seg-7.m4s", &bytes)]);
    let library = library(folder.path());
    let manifest = get(&library, "/files/film/main.mpd");
    assert_eq!((manifest.status, manifest.header("content-type")), (200, Some("application/dash+xml")));
    assert_eq!(&manifest.body.into_bytes()[..], b"<MPD/>");
    let path = "/files/film/v%201/seg-7.m4s";
    let whole = get(&library, path);
    assert_eq!((whole.header("accept-ranges"), whole.header("content-length")), (Some("bytes"), Some("800000")));
    assert!(whole.body.into_bytes() == bytes);
    let part = respond(&library, &Request::get(path).range("bytes=300001-700000"));
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 300001-700000/800000")));
    assert!(part.body.into_bytes() == bytes[300_001..=700_000]);
    assert_eq!(respond(&library, &Request::get(path).range("bytes=800000-")).status, 416);
}

#[test]
fn gzip_that_lies_beside_a_file_is_sent_to_those_who_accept_it() {
    let folder = folder(&[("player.js", b"let x = 1"), ("player.js.gz", b"zipped"), ("bare.js", b"let y")]);
    let library = library(folder.path());
    let asked = |path, accepts_gzip| respond(&library, &Request { accepts_gzip, ..Request::get(path) });
    let zipped = asked("/files/age_60/film/player.js", true);
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert_eq!(zipped.header("content-type"), Some("text/javascript"));
    assert_eq!(zipped.header("vary"), Some("accept-encoding"));
    assert_eq!(zipped.header("cache-control"), Some("max-age=60"));
    let plain = asked("/files/film/player.js", false);
    assert_eq!((plain.header("content-encoding"), plain.header("cache-control")), (None, None));
    assert_ne!(plain.header("etag"), zipped.header("etag"));
    assert_eq!((&zipped.body.into_bytes()[..], &plain.body.into_bytes()[..]), (&b"zipped"[..], &b"let x = 1"[..]));
    assert_eq!(asked("/files/film/bare.js", true).header("content-encoding"), None);
    let part =
        respond(&library, &Request { accepts_gzip: true, ..Request::get("/files/film/player.js").range("bytes=0-2") });
    assert_eq!(&part.body.into_bytes()[..], b"let");
}

#[test]
fn the_validator_of_a_file_changes_when_the_file_does() {
    let folder = folder(&[("a.m3u8", b"#EXTM3U")]);
    let library = library(folder.path());
    let tag = || get(&library, "/files/film/a.m3u8").header("etag").expect("an etag").to_owned();
    let before = tag();
    assert_eq!(before, tag());
    let known = respond(&library, &Request { if_none_match: Some(&before), ..Request::get("/files/film/a.m3u8") });
    assert_eq!(known.status, 304);
    fs::write(folder.path().join("a.m3u8"), b"#EXTM3U\n").expect("written");
    assert_ne!(before, tag());
}

#[test]
fn nothing_outside_of_the_folder_and_nothing_hidden_is_served() {
    let outside = folder(&[("film/main.mpd", b"<MPD/>"), ("secret.txt", b"x"), ("film/.git/config", b"x")]);
    let film = outside.path().join("film");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), film.join("link.txt")).expect("a link");
    let library = library(&film);
    for path in [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "x/../../secret.txt",
        "link.txt",
        ".git/config",
        "./main.mpd",
        "/main.mpd",
        "main.mpd/",
        "main.mpd%00",
        "none.mpd",
    ] {
        assert_eq!(get(&library, &format!("/files/film/{path}")).status, 404, "{path}");
    }
    assert_eq!(get(&library, "/files/film/main.mpd").status, 200);
    assert_eq!(get(&library, "/files/other/main.mpd").status, 404);
}

#[test]
fn faults_strike_files_by_the_number_and_a_part_of_their_path() {
    let folder = folder(&[("v1/seg-2.m4s", &[7; 1000]), ("v2/seg-2.m4s", &[7; 1000]), ("v1/seg-3.m4s", &[7; 1000])]);
    let library = library(folder.path());
    let ends = |option: &str| {
        let end = |file| get(&library, &format!("/files/{option}/film/{file}")).delivery.end;
        ["v1/seg-2.m4s", "v2/seg-2.m4s", "v1/seg-3.m4s"].map(end)
    };
    let cut = Some((400, End::Reset));
    assert_eq!(ends("cut_2@400"), [cut, cut, None]);
    assert_eq!(ends("cut_2@400:v1"), [cut, None, None]);
    assert_eq!(ends("cut_*@400:v1"), [cut, None, cut]);
    let status = |option: &str, file: &str| get(&library, &format!("/files/{option}/film/{file}")).status;
    assert_eq!(status("statuscode_[{rsq:3,code:503}]", "v1/seg-3.m4s"), 503);
    assert_eq!(status("statuscode_[{rsq:3,code:503}]", "v1/seg-2.m4s"), 200);
    let corrupt = get(&library, "/files/flip_2@9/film/v1/seg-2.m4s").body.into_bytes();
    assert!((1..=9).contains(&corrupt.iter().filter(|byte| **byte != 7).count()), "{corrupt:?}");
    let tail = respond(&library, &Request::get("/files/flip_2@9/film/v1/seg-2.m4s").range("bytes=500-"));
    assert_eq!(tail.body.into_bytes(), corrupt[500..], "the same bytes, whatever is asked for");
    let ranged = respond(&library, &Request::get("/files/norange_1/film/v1/seg-2.m4s").range("bytes=5-9"));
    assert_eq!((ranged.status, ranged.body.len()), (200, 1000));
    assert_eq!(status("dur_60", "v1/seg-2.m4s"), 400, "a file has no other length");
}

#[test]
fn the_front_page_and_each_folder_list_what_there_is() {
    let multivariant = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n";
    let folder = folder(&[
        ("main.m3u8", multivariant),
        ("a.m3u8", b"#EXTM3U\n"),
        ("dash & more/main.mpd", b"<MPD/>"),
        ("seg-1.m4s", b""),
    ]);
    let library = library(folder.path());
    // What a player is given, and not what that leads to.
    assert_eq!(library.manifests("film"), ["/files/film/main.m3u8", "/files/film/dash%20%26%20more/main.mpd"]);
    let text = |path: &str| String::from_utf8(get(&library, path).body.into_bytes().to_vec()).expect("UTF-8");
    assert!(text("/").contains("/files/film/main.m3u8\n"));
    assert_eq!(text("/files/film/"), "a.m3u8\ndash & more/\nmain.m3u8\nseg-1.m4s\n");
    assert_eq!(text("/files/film/dash%20&%20more"), "main.mpd\n");
}

#[test]
fn media_playlists_are_listed_that_no_multivariant_playlist_leads_to() {
    let multivariant = b"#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"sound/x%20y.m3u8?t=1\"\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"../tricks.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\r\n./v.m3u8\r\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO=\"a\"\nhttps://elsewhere.example/alone.m3u8\n";
    let media: &[u8] = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1.ts\n#EXT-X-ENDLIST\n";
    let folder = folder(&[
        ("hls/main.m3u8", multivariant),
        ("hls/v.m3u8", media),
        ("hls/sound/x y.m3u8", media),
        ("tricks.m3u8", media),
        ("alone.m3u8", media),
        ("v.m3u8", media),
        ("main.mpd", b"<MPD/>"),
    ]);
    let expected = ["alone.m3u8", "main.mpd", "v.m3u8", "hls/main.m3u8"].map(|path| format!("/files/film/{path}"));
    assert_eq!(library(folder.path()).manifests("film"), expected);
}

#[test]
fn a_folder_with_a_description_is_packaged_and_served_as_it_is() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../media/demo");
    let library = library(&demo);
    let packaged = get(&library, "/hls/dur_60/film/v180/3.m4s").body.into_bytes();
    assert!(packaged == get(&library, "/hls/dur_60/demo/v180/3.m4s").body.into_bytes());
    let file = get(&library, "/files/film/v180.mp4").body.into_bytes();
    assert!(file == fs::read(demo.join("v180.mp4")).expect("there"));
    assert_eq!(library.manifests("film"), ["/hls/film/main.m3u8", "/dash/film/time.mpd"]);
}

#[test]
fn a_folder_without_one_is_not_packaged() {
    let folder = folder(&[("a.mp4", b"not fragmented")]);
    let library = library(folder.path());
    assert_eq!(get(&library, "/hls/film/main.m3u8").status, 404);
    assert_eq!(get(&library, "/files/film/a.mp4").header("content-type"), Some("video/mp4"));
}

#[test]
fn a_folder_that_cannot_be_served_is_told_at_the_start() {
    let empty = folder(&[("title.json", b"{")]);
    for (name, path, what) in [
        ("film", Path::new("/no/such/folder"), "/no/such/folder"),
        ("film", empty.path(), "title.json"),
        ("dur_60", empty.path(), "dur_60"),
        ("a/b", empty.path(), "a/b"),
    ] {
        let error = Library::new(Title::demo(), 1).with_folders(&[(name.to_owned(), path.to_owned())]);
        let error = error.expect_err(name).to_string();
        assert!(error.starts_with(what), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_becomes_shorter_while_it_is_sent_is_a_body_that_ends_too_early() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let folder = folder(&[("a.ts", &[1; 400_000])]);
    let folders = vec![("film".to_owned(), folder.path().to_owned())];
    let network = Network::constant(8_000_000, std::time::Duration::ZERO);
    let config = OriginConfig { folders, network, ..OriginConfig::default() };
    let origin = Origin::start(LOOPBACK, config).await.expect("an origin");
    let mut socket = tokio::net::TcpStream::connect(origin.address()).await.expect("connected");
    socket.write_all(b"GET /files/film/a.ts HTTP/1.1\r\nhost: o\r\n\r\n").await.expect("sent");
    socket.read_exact(&mut [0; 20_000]).await.expect("the beginning");
    fs::write(folder.path().join("a.ts"), [1; 100_000]).expect("written");
    let mut rest = Vec::new();
    // However the connection ends, it does.
    let _ = socket.read_to_end(&mut rest).await;
    assert!(rest.len() < 200_000, "{}", rest.len());
    assert!(!origin.log()[0].complete);
}

/// What ffmpeg packages, ffprobe reads over the origin, to the last frame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn titles_of_another_packager_are_read_to_their_last_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../media/demo");
    let (video, sound) = (demo.join("v180.mp4"), demo.join("a-en.mp4"));
    let (video, sound) = (video.to_str().expect("text"), sound.to_str().expect("text"));
    let inputs = ["-i", video, "-i", sound, "-map", "0:v", "-map", "1:a", "-c", "copy"];
    for (output, options) in [
        ("hls.m3u8", &["-f", "hls", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"][..]),
        ("ts.m3u8", &["-f", "hls", "-hls_playlist_type", "vod", "-hls_flags", "single_file"][..]),
        ("dash.mpd", &["-f", "dash"][..]),
    ] {
        let path = folder.path().join(output);
        let path = path.to_str().expect("text");
        if ffmpeg("ffmpeg", &[&inputs[..], options, &[path]].concat(), "").is_none() {
            return;
        }
    }
    let folders = vec![("film".to_owned(), folder.path().to_owned())];
    let origin = Origin::start(LOOPBACK, OriginConfig { folders, ..OriginConfig::default() }).await.expect("an origin");
    let base = origin.url();
    let counted = tokio::task::spawn_blocking(move || {
        ["hls.m3u8", "ts.m3u8", "dash.mpd"].map(|manifest| {
            let url = format!("{base}/files/film/{manifest}");
            let entries = ["-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", &url];
            let counts = ffmpeg("ffprobe", &entries, "").expect("ffprobe");
            counts.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        })
    });
    for counts in counted.await.expect("counted") {
        // 24 seconds of 25 pictures, and of frames of 1024 samples.
        assert!(counts.contains(&"600".to_owned()) && counts.contains(&"1125".to_owned()), "{counts:?}");
    }
}

#[test]
fn a_folder_with_a_list_of_keys_has_a_licence_server() {
    let keys = br#"[{"kid":"00112233445566778899aabbccddeeff","key":"0123456789abcdef0123456789abcdef","name":"v"}]"#;
    let with = folder(&[("keys.json", keys), ("main.mpd", b"<MPD/>")]);
    let library = library(with.path());
    // Base64 without padding (RFC 4648, 5) of the list's KID, and of one that it does not have.
    let request = br#"{"kids":["ABEiM0RVZneImaq7zN3u_w","AAAAAAAAAAAAAAAAAAAAAA"],"type":"temporary"}"#;
    let ask = |path: &str| respond(&library, &Request::post(path, request));
    let licence = ask("/files/film/license");
    assert_eq!((licence.status, licence.header("content-type")), (200, Some("application/json")));
    let told = licence.keys.as_ref().expect("about keys");
    assert_eq!(told.given, ["00112233445566778899aabbccddeeff"]);
    assert_eq!(told.asked.len(), 2);
    let json: serde_json::Value = serde_json::from_slice(&licence.body.into_bytes()).expect("JSON");
    let key = serde_json::json!({ "kty": "oct", "kid": "ABEiM0RVZneImaq7zN3u_w", "k": "ASNFZ4mrze8BI0VniavN7w" });
    assert_eq!(json, serde_json::json!({ "keys": [key], "type": "temporary" }));
    // Who gets it, and how late, is said in front; the files stay what they are.
    assert_eq!(ask("/files/kauth_t0ken/film/license").status, 401);
    let late = ask("/files/kdelay_700/film/license");
    assert_eq!((late.status, late.delivery.head_delay.as_millis()), (200, 700));
    assert_eq!(get(&library, "/files/kauth_t0ken/film/main.mpd").status, 200);
    assert_eq!(get(&library, "/files/prot_cenc/film/main.mpd").status, 400);
    let garbage = respond(&library, &Request::post("/files/film/license", b"{}"));
    assert_eq!(garbage.status, 400);
}

#[test]
fn a_folder_without_a_list_of_keys_gives_none_and_says_so() {
    for (files, status) in [(&[("main.mpd", &b"<MPD/>"[..])][..], 404), (&[("keys.json", &b"[{\"kid\":1}]"[..])], 500)]
    {
        let folder = folder(files);
        let library = library(folder.path());
        let request = br#"{"kids":["ABEiM0RVZneImaq7zN3u_w"]}"#;
        let response = respond(&library, &Request::post("/files/film/license", request));
        assert_eq!(response.status, status);
        assert!(String::from_utf8_lossy(&response.body.into_bytes()).contains("keys.json"));
    }
}
