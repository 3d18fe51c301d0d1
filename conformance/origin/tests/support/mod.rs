//! What the tests of the origin share: the pure function at hand, an origin, and ffprobe as the judge.
#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod playlist;
pub(crate) mod segment;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use std::time::{Duration, Instant};

use telecine_origin::{respond, Library, Origin, OriginConfig, Request, Response, Title};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Any free port of the loopback.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The demo title and nothing else.
pub(crate) fn library() -> Library {
    Library::new(Title::demo(), 1)
}

/// The response to a GET.
pub(crate) fn get(target: &str) -> Response {
    respond(&library(), &Request::get(target))
}

/// The body of a GET that must succeed.
pub(crate) fn bytes(target: &str) -> Vec<u8> {
    let response = get(target);
    assert_eq!(response.status, 200, "{target}");
    response.body.into_bytes().to_vec()
}

/// The same as text.
pub(crate) fn text(target: &str) -> String {
    String::from_utf8(bytes(target)).expect("UTF-8")
}

/// An origin with the demo title on the loopback.
pub(crate) async fn origin() -> Origin {
    Origin::start(LOOPBACK, OriginConfig::default()).await.expect("the loopback has a free port")
}

/// One packet as ffprobe saw it; times in ticks of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) size: u64,
}

/// The packets of the first stream that a specifier (`v:0`, `a:1`) selects; `None`, loudly, without ffprobe.
pub(crate) fn packets(url: &str, stream: &str, complaint: &str) -> Option<Vec<Packet>> {
    let entries = ["-select_streams", stream, "-show_entries", "packet=pts,dts,size", "-of", "csv=p=0", url];
    let output = ffmpeg("ffprobe", &entries, complaint)?;
    let packet = |line: &str| {
        let mut fields = line.trim_end_matches(',').split(',');
        let pts = fields.next()?.parse().ok()?;
        let dts = fields.next()?.parse().ok()?;
        Some(Packet { pts, dts, size: fields.next()?.parse().ok()? })
    };
    Some(output.lines().map(|line| packet(line).unwrap_or_else(|| panic!("{line:?}"))).collect())
}

/// What a tool of ffmpeg writes to standard output; it must succeed and complain about nothing else.
pub(crate) fn ffmpeg(tool: &str, arguments: &[&str], complaint: &str) -> Option<String> {
    let output = match Command::new(tool).args(["-v", "error"]).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: {tool} cannot be run ({error}); this test proves nothing here");
            return None;
        }
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaints}");
    let unexpected = complaints.lines().find(|line| complaint.is_empty() || !line.contains(complaint));
    assert_eq!(unexpected, None, "{arguments:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The target for a moment.
pub(crate) fn at(path: &str, now: u64) -> String {
    format!("{path}{}nowMS={now}", if path.contains('?') { '&' } else { '?' })
}

/// The response for a range of a file.
pub(crate) fn ranged(path: &str, range: &str, now: u64) -> Response {
    respond(&library(), &Request::get(&at(path, now)).range(range))
}

/// In milliseconds.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("not for ever")
}

/// What ffmpeg decodes of an initialisation segment and media: times and digests of the frames.
pub(crate) fn frames(init: &[u8], media: &[u8], arguments: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("joined.mp4");
    std::fs::write(&file, [init, media].concat()).expect("a file");
    let input = file.to_str().expect("UTF-8");
    ffmpeg("ffmpeg", &[arguments, &["-copyts", "-i", input, "-f", "framemd5", "-"]].concat(), "")
}

/// Sends a request and reads what comes until the connection ends: when each piece came, and all of it.
pub(crate) async fn exchange(address: SocketAddr, path: &str, headers: &str) -> (Vec<(Duration, usize)>, Vec<u8>) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("the loopback");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let (mut pieces, mut all, mut buffer) = (Vec::new(), Vec::new(), vec![0; 1 << 16]);
    loop {
        let read = stream.read(&mut buffer).await.expect("an answer");
        if read == 0 {
            return (pieces, all);
        }
        all.extend_from_slice(&buffer[..read]);
        pieces.push((began.elapsed(), all.len()));
    }
}
