//! What the tests of the origin share: the pure function at hand, an origin, and ffprobe as the judge.
#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod playlist;
pub(crate) mod segment;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use telecine_origin::{respond, Library, Origin, OriginConfig, Request, Response, Title};

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
