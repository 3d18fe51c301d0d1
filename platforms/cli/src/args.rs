//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use telecine_engine::abr;
use telecine_model::{datetime, MediaTime};

/// Plays, inspects and serves HLS and DASH, and says why it does what it does.
#[derive(Debug, Parser)]
#[command(
    name = "telecine",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        telecine play --html report.html                 play the demo title and draw what happened\n  \
        telecine play https://a.example/main.m3u8 --until 30 --report r.json\n  \
        telecine inspect https://a.example/manifest.mpd  what a manifest offers\n  \
        telecine probe video.mp4 --json                  every sample of a file\n  \
        telecine origin --listen 127.0.0.1:8080          serve the demo title\n  \
        telecine replay session.rec                      repeat a recorded session's decisions\n\n\
        Exit codes: 0 done, 1 internal error, 2 usage, 3 bad content, 4 network, 5 DRM, 6 device or decoder,\n\
        7 a check did not hold."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays a title to its end and reports
    Play(Box<Play>),
    /// Shows what a playlist or an MPD offers
    Inspect(Inspect),
    /// Lists the samples inside a media file
    Probe(Probe),
    /// Serves the demo title as HLS and DASH over a shaped network
    Origin(Origin),
    /// Runs the engine over a recording and compares its decisions
    Replay(Replay),
}

/// Plays a title to its end and reports.
///
/// Without a URL it plays the bundled demo title from an embedded origin, over a shaped loopback
/// network. On a terminal it draws a live dashboard; in a pipe it prints a line per event; with
/// --json it prints the report and nothing else.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    telecine play                                        the demo title\n  \
    telecine play --html report.html                     …and a page that shows what happened\n  \
    telecine play --network rate=800kbps,rtt=120ms --clock virtual --json\n  \
    telecine play --network commute.json                 the demo over a recorded network\n  \
    telecine play https://a.example/main.m3u8 --audio-lang fr --max-height 720 --record session.rec")]
pub(crate) struct Play {
    /// A playlist or an MPD: http, https or file URL, or a path. Without one: the demo title
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Where media goes: null parses and times every sample, audio decodes sound, gstreamer decodes
    /// everything [default: the best that this build and machine have]
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<SinkName>,
    /// Real time, or a model of it in which an hour takes a moment
    #[arg(long, value_name = "CLOCK", default_value = "real")]
    pub(crate) clock: Clock,
    /// Stop when the playhead is this far in the title
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) until: Option<MediaTime>,
    /// Start this far in the title
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) start: Option<MediaTime>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE.json")]
    pub(crate) report: Option<PathBuf>,
    /// Write the report as a page
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Write a recording that `telecine replay` can repeat
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Bitrate rule
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(abr::RULES))]
    pub(crate) abr: Option<String>,
    /// Tallest picture, in lines
    #[arg(long, value_name = "N")]
    pub(crate) max_height: Option<u32>,
    /// Highest declared bitrate of the picture, in bits a second
    #[arg(long, value_name = "BPS")]
    pub(crate) max_bitrate: Option<u64>,
    /// Preferred languages of sound, best first (BCP 47)
    #[arg(long, value_name = "LANG", value_delimiter = ',')]
    pub(crate) audio_lang: Vec<String>,
    /// Preferred languages of subtitles, best first; without it none are shown
    #[arg(long, value_name = "LANG", value_delimiter = ',')]
    pub(crate) text_lang: Vec<String>,
    /// A content key, in hexadecimal (repeatable)
    #[arg(long, value_name = "KID:KEY", value_parser = content_key)]
    pub(crate) key: Vec<ContentKey>,
    /// Where licences come from
    #[arg(long, value_name = "URL")]
    pub(crate) license_url: Option<String>,
    /// A header for every request (repeatable)
    #[arg(long, value_name = "'N: V'", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// Common Media Client Data on requests (only off, so far)
    #[arg(long, value_name = "VERSION", default_value = "off")]
    pub(crate) cmcd: Cmcd,
    /// Shape the embedded origin's network: rate=3Mbps,rtt=80ms,loss=0 or a trace as JSON
    /// [default: rate=5Mbps,rtt=40ms]
    #[arg(long, value_name = "SPEC|TRACE.json")]
    pub(crate) network: Option<String>,
    /// Seed of every random choice; equal seeds and inputs give equal sessions
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print the report as JSON and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows what a playlist or an MPD offers: tracks, renditions, segments, protection, faults.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    telecine inspect https://a.example/main.m3u8\n  \
    telecine inspect manifest.mpd --base https://a.example/title/ --segments --json")]
pub(crate) struct Inspect {
    /// http, https or file URL, or a path
    #[arg(value_name = "URL|FILE")]
    pub(crate) source: String,
    /// What relative references are resolved against, instead of the manifest's own place
    #[arg(long, value_name = "URL")]
    pub(crate) base: Option<String>,
    /// List the segments of every rendition
    #[arg(long)]
    pub(crate) segments: bool,
    /// Do not fetch the media playlists of a multivariant playlist
    #[arg(long)]
    pub(crate) shallow: bool,
    /// A header for every request (repeatable)
    #[arg(long, value_name = "'N: V'", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Lists what is inside a media file: tracks, samples with times, sizes and checksums, events.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  telecine probe video.mp4\n  telecine probe seg-4.m4s --init init.mp4 --json")]
pub(crate) struct Probe {
    /// A media file or segment
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The initialisation section of a segment
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,
    /// A content key, in hexadecimal (repeatable)
    #[arg(long, value_name = "KID:KEY", value_parser = content_key)]
    pub(crate) key: Vec<ContentKey>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Serves the demo title, and folders, as HLS and DASH over a shaped network.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    telecine origin --listen 127.0.0.1:8080\n  \
    telecine origin --listen [::1]:0 --network rate=3Mbps,rtt=80ms --log requests.jsonl\n  \
    telecine origin --listen 127.0.0.1:8080 --folder film=./film")]
pub(crate) struct Origin {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Shape the network: rate=3Mbps,rtt=80ms,loss=0 or a trace as JSON
    #[arg(long, value_name = "SPEC|TRACE.json")]
    pub(crate) network: Option<String>,
    /// Serve a folder's files under a name (repeatable)
    #[arg(long, value_name = "NAME=DIR", value_parser = folder)]
    pub(crate) folder: Vec<(String, PathBuf)>,
    /// Write a JSON line per request
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

/// Runs the engine over a recording, prints every decision with its reasons, and says whether they
/// equal the recorded ones. Exit code 7 if not, 3 if the recording is damaged.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  telecine play --record session.rec && telecine replay session.rec")]
pub(crate) struct Replay {
    /// What `telecine play --record` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SinkName {
    Null,
    Audio,
    Gstreamer,
}

impl SinkName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Audio => "audio",
            Self::Gstreamer => "gstreamer",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    Real,
    Virtual,
}

impl Clock {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Virtual => "virtual",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cmcd {
    Off,
    V1,
    V2,
}

/// A key and its identifier. Never printed.
#[derive(Clone)]
pub(crate) struct ContentKey {
    _id: [u8; 16],
    _key: [u8; 16],
}

impl std::fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentKey")
    }
}

fn seconds(text: &str) -> Result<MediaTime, String> {
    datetime::parse_decimal_nanos(text)
        .map(MediaTime::from_nanos)
        .ok_or_else(|| "seconds are a decimal number, like 12.5".to_owned())
}

fn content_key(text: &str) -> Result<ContentKey, String> {
    // The message must not repeat the key.
    let hint = || "a key is KID:KEY, 32 hexadecimal digits each".to_owned();
    let (id, key) = text.split_once(':').ok_or_else(hint)?;
    match (hex16(id), hex16(key)) {
        (Some(id), Some(key)) => Ok(ContentKey { _id: id, _key: key }),
        _ => Err(hint()),
    }
}

fn hex16(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let mut out = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::try_from(pair.first()? * 16 + pair.last()?).ok()?;
    }
    Some(out)
}

fn header(text: &str) -> Result<(String, String), String> {
    let hint = "a header is 'Name: value'";
    let (name, value) = text.split_once(':').ok_or(hint)?;
    // RFC 9110, 5.6.2: a field name is a token.
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) || value.chars().any(char::is_control) {
        return Err(hint.to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn folder(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), PathBuf::from(path))),
        _ => Err("a folder is NAME=DIR".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_are_exact_decimals() {
        assert_eq!(seconds("12.5"), Ok(MediaTime::from_millis(12_500)));
        for text in ["", "-1", "1e3", "NaN", "10s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_key_is_refused_without_repeating_it() {
        let id = "00112233445566778899aabbccddeeff";
        assert!(content_key(&format!("{id}:{id}")).is_ok());
        let refused = content_key(&format!("{id}:{id}ff")).expect_err("too long");
        assert!(!refused.contains("0011"), "{refused}");
    }

    #[test]
    fn a_header_cannot_smuggle_another_one() {
        assert_eq!(header("X-A: b"), Ok(("X-A".to_owned(), "b".to_owned())));
        for text in ["x", ": b", "X A: b", "X-A: b\r\nX-B: c"] {
            assert!(header(text).is_err(), "{text}");
        }
    }
}
