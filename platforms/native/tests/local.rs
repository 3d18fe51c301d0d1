//! What needs no network, and who may ask for it.

#![allow(clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use telecine::{BlockingSource, ErrorCode, Fetcher};
use telecine_engine::{FetchRequest, RequestClass, RequestId};
use telecine_model::ByteRange;
use telecine_virtual::{Failure, Fetched, Response, Source};

fn fetch(url: &str, title: &str, range: Option<(u64, u64)>) -> Result<Response, Failure> {
    let fetcher = Fetcher::new(&[]).expect("a fetcher");
    let request = FetchRequest {
        id: RequestId(1),
        class: RequestClass::Segment,
        kind: None,
        url: url.to_owned(),
        byte_range: range.map(|(offset, length)| ByteRange { offset, length }),
        whole_will_do: false,
        max_bytes: 1 << 20,
        head_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
        max_redirects: 3,
        known: telecine_engine::Validators::default(),
        urgency: 3,
        pace: None,
        attempt: 0,
        licence: None,
        head: false,
    };
    match BlockingSource::new(fetcher, title).expect("a runtime").fetch(&request) {
        Fetched::Response(response) => Ok(*response),
        Fetched::Failure(failure) => Err(failure),
    }
}

fn file_url(path: &Path) -> String {
    format!("file://{}", path.display()).replace(' ', "%20")
}

#[test]
fn files_are_read_whole_and_in_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a file.bin");
    let bytes: Vec<u8> = (0..700_000u32).map(|index| index as u8).collect();
    std::fs::write(&path, &bytes).expect("written");
    let url = file_url(&path);
    let whole = fetch(&url, &url, None).expect("readable");
    assert_eq!((whole.status, whole.content_length), (200, Some(700_000)));
    assert!(whole.body == bytes);
    let part = fetch(&url, &url, Some((300_001, 5))).expect("readable");
    assert_eq!((part.status, &part.body[..]), (206, &bytes[300_001..300_006]));
    let tail = fetch(&url, &url, Some((699_998, 100))).expect("readable");
    assert_eq!(&tail.body[..], &bytes[699_998..]);
    let beyond = fetch(&url, &url, Some((700_000, 1))).expect_err("nothing there");
    assert_eq!(beyond.code, ErrorCode::RangeMismatch);
}

#[test]
fn a_file_that_is_not_there_or_no_file_or_too_large_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = |path: &Path| fetch(&file_url(path), "file:///title.mpd", None).expect_err("unreadable").code;
    assert_eq!(code(&folder.path().join("none")), ErrorCode::SourceUnreadable);
    assert_eq!(code(folder.path()), ErrorCode::SourceUnreadable);
    let large = folder.path().join("large");
    std::fs::write(&large, vec![0; (1 << 20) + 1]).expect("written");
    assert_eq!(code(&large), ErrorCode::BodyTooLarge);
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    std::os::unix::fs::symlink(&pipe, &link).expect("a link");
    for path in [pipe, link] {
        let (sender, answer) = std::sync::mpsc::channel();
        // Not joined: whoever waits for a writer waits for ever.
        std::thread::spawn(move || {
            let code = fetch(&file_url(&path), "file:///title.mpd", None).map_err(|failure| failure.code);
            sender.send(code.map(|_| ())).expect("awaited");
        });
        let answer = answer.recv_timeout(Duration::from_secs(20)).expect("an answer");
        assert_eq!(answer, Err(ErrorCode::SourceUnreadable));
    }
}

#[test]
fn content_of_the_network_reaches_no_file_and_no_memory() {
    for title in ["http://a.example/title.mpd", "https://a.example/title.m3u8", "data:,x", ""] {
        for url in ["file:///etc/hostname", "memory:///x"] {
            let failure = fetch(url, title, None).expect_err("out of reach");
            assert_eq!(failure.code, ErrorCode::SchemeForbidden, "{title} {url}");
        }
    }
}

#[test]
fn data_urls_are_decoded() {
    for (url, kind, body) in [
        ("data:,A%20brief%20note", "text/plain", "A brief note"),
        ("data:application/json;base64,eyJhIjoxfQ==", "application/json", "{\"a\":1}"),
        ("data:application/json;base64,eyJhIjoxfQ", "application/json", "{\"a\":1}"),
    ] {
        let response = fetch(url, "https://a.example/", None).expect("readable");
        assert_eq!((response.content_type.as_deref(), &response.body[..]), (Some(kind), body.as_bytes()), "{url}");
    }
    for url in ["data:", "data:x;base64,?", "data:x"] {
        assert_eq!(fetch(url, "https://a.example/", None).expect_err(url).code, ErrorCode::InvalidUrl);
    }
}
