//! The command line.

mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use telecine_engine::abr;
use telecine_model::{MediaTime, WallTime};

use values::{
    bitrate, buffer, content_key, date_time, folder, given_key, header, initialisation_vector, latency, listen, rate,
    seconds,
};
pub(crate) use values::{ContentKey, GivenKey};

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
        telecine remux segment.ts out.mp4                a transport stream, or any MP4, as CMAF\n  \
        telecine decrypt --key KID:KEY in.mp4 out.mp4    protected media in clear\n  \
        telecine origin --listen 127.0.0.1:8080          serve the demo title\n  \
        telecine replay session.rec                      repeat a recorded session's decisions\n  \
        telecine simulate --movie bbb.json --trace 3g/*.json   compare bitrate rules\n\n\
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
    /// Turns MP4 files, transport streams and packed audio into fragmented MP4 (CMAF)
    Remux(Remux),
    /// Makes protected media clear
    Decrypt(Decrypt),
    /// Serves the demo title as HLS and DASH, and folders, over a shaped network with faults by URL
    Origin(Origin),
    /// Runs the engine over a recording and compares its decisions
    Replay(Replay),
    /// Shows what bitrate rules make of recorded networks
    Simulate(Simulate),
}

/// Plays a title to its end and reports.
#[derive(Debug, Args)]
#[command(
    after_help = "Without a URL it plays the bundled demo title from an embedded origin, over a shaped loopback network.\n\
    On a terminal it draws a live dashboard, in a pipe it prints a line per event, with --json the report alone.\n\n\
    Examples:\n  \
    telecine play                                        the demo title\n  \
    telecine play --html report.html                     …and a page that shows what happened\n  \
    telecine play --network rate=800kbps,rtt=120ms --clock virtual --json\n  \
    telecine play --network commute.json                 the demo over a recorded network\n  \
    telecine play https://a.example/main.m3u8 --audio-lang fr --max-height 720 --record session.rec\n  \
    telecine play http://127.0.0.1:8080/hls/live_60/parts_334/demo/main.m3u8 --until 60 --latency 1.5\n  \
    telecine play https://a.example/main.mpd --key 00112233…:01234567…\n  \
    telecine play https://a.example/main.mpd --license-url https://licence.example/ --license-header 'X-Token: t'"
)]
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
    /// What the world's clock shows as the session begins, as 2026-01-01T00:00:00Z: live titles of an origin that reads `nowMS`
    /// are repeated with it (--clock virtual alone) [default: what it shows]
    #[arg(long, value_name = "TIME", value_parser = date_time)]
    pub(crate) now: Option<WallTime>,
    /// Stop when the playhead is this far in the title; of a live one, this far from where it began
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) until: Option<MediaTime>,
    /// Start this far in the title, before its end. A live HLS title counts from the beginning of its window as it is
    /// loaded, a live MPD from the start of its programme; what lies outside of the window is moved into it [default: where
    /// the title says, else at the beginning, or near the live edge]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) start: Option<MediaTime>,
    /// Playback speed, 0.1 to 4
    #[arg(long, value_name = "SPEED", value_parser = rate, default_value = "1")]
    pub(crate) rate: u32,
    /// Of a live title: what is shown is to be this old, as far as its segments and its window allow; what is aimed at instead is
    /// told [default: what the title says, else what it needs]
    #[arg(long, value_name = "SECONDS", value_parser = latency)]
    pub(crate) latency: Option<MediaTime>,
    /// Of a live title: what is older than this is left out, to be at the latency that is aimed at again. Not of what is watched
    /// in the past (--start)
    #[arg(long, value_name = "SECONDS", value_parser = latency)]
    pub(crate) max_latency: Option<MediaTime>,
    /// Play low-latency titles by whole segments
    #[arg(long)]
    pub(crate) no_low_latency: bool,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE.json")]
    pub(crate) report: Option<PathBuf>,
    /// Write the report as a page
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Write a recording that `telecine replay` can repeat
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Begin with what the network gave before, and keep what it gives now, in a file in this folder (rates and times by the
    /// kind of network, no hosts) [default: nothing is kept]
    #[arg(long, value_name = "DIR")]
    pub(crate) remember: Option<PathBuf>,
    /// Bitrate rule [default: foresight; while a live title plays by parts or chunks, so within some three seconds of its edge,
    /// low-latency]. A rule that is named decides in both
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(abr::RULES))]
    pub(crate) abr: Option<String>,
    /// Never fetch again in a higher rendition what waits in the buffer in a low one
    #[arg(long)]
    pub(crate) no_fast_switch: bool,
    /// Megabytes to be spent on each hour that is watched, at most: no rendition but the smallest is asked for beyond that
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) data_saver: Option<u64>,
    /// Tell each choice of a rendition with all that it was chosen from, those that change nothing included
    #[arg(long)]
    pub(crate) explain: bool,
    /// Tallest picture, in lines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_height: Option<u32>,
    /// Highest declared bitrate of the picture: 2.5Mbps, 800kbps, or bits a second
    #[arg(long, value_name = "RATE", value_parser = bitrate)]
    pub(crate) max_bitrate: Option<u64>,
    /// Preferred languages of sound, best first (BCP 47)
    #[arg(long, value_name = "LANG", value_delimiter = ',')]
    pub(crate) audio_lang: Vec<String>,
    /// Preferred languages of subtitles, best first; without it none are shown
    #[arg(long, value_name = "LANG", value_delimiter = ',')]
    pub(crate) text_lang: Vec<String>,
    /// A content key, in hexadecimal (repeatable); a KEY alone is that of HLS segments, in place of key files
    #[arg(long, value_name = "[KID:]KEY", value_parser = given_key)]
    pub(crate) key: Vec<GivenKey>,
    /// Where ClearKey licences come from (W3C JSON), in place of where the content says
    #[arg(long, value_name = "URL")]
    pub(crate) license_url: Option<String>,
    /// A header for every licence request (repeatable)
    #[arg(long, value_name = "'N: V'", value_parser = header)]
    pub(crate) license_header: Vec<(String, String)>,
    /// A header for every request (repeatable)
    #[arg(long, value_name = "'N: V'", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// Common Media Client Data on requests: none is sent in this version
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
    /// A content key, in hexadecimal: checksums are of clear bytes then (repeatable)
    #[arg(long, value_name = "KID:KEY", value_parser = content_key)]
    pub(crate) key: Vec<ContentKey>,
    /// Initialisation vector of SAMPLE-AES in streams
    #[arg(long, value_name = "HEX", value_parser = initialisation_vector)]
    pub(crate) iv: Option<[u8; 16]>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Turns MP4 files, transport streams and packed audio into fragmented MP4 (CMAF). Samples and their times stay as
/// they are, and so do the edit lists of MP4.
#[derive(Debug, Args)]
#[command(
    after_help = "Several inputs are one rendition, in their order: segments, those of MP4 behind their initialisation\n\
    segment. Where a decoder needs another initialisation half-way, the output goes on in OUT-2.mp4. A folder as output gets a file for each track. MP4 that is protected is for\n\
    telecine decrypt first.\n\n\
    Examples:\n  \
    telecine remux segment.ts out.mp4\n  \
    telecine remux 1.ts 2.ts 3.ts out.mp4\n  \
    telecine remux progressive.mp4 out.mp4\n  \
    telecine remux init.mp4 1.m4s 2.m4s out.mp4\n  \
    telecine remux title.ts tracks/"
)]
pub(crate) struct Remux {
    /// Inputs, then the output: a file, or a folder (an existing one, or with / at its end)
    #[arg(value_name = "IN… OUT", required = true, num_args = 2..)]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Makes protected media clear: fragmented MP4 by Common Encryption (cenc, cens, cbc1, cbcs), HLS segments by AES-128
/// and AES-256, transport streams and packed audio by SAMPLE-AES (which come out as fragmented MP4).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    telecine decrypt --key 00112233…:01234567… protected.mp4 clear.mp4\n  \
    telecine decrypt --key KID:KEY --init init.mp4 4.m4s clear.m4s\n  \
    telecine decrypt --key 01234567… --sequence 42 segment.ts clear.ts         a segment encrypted as a whole\n  \
    telecine decrypt --key 01234567… --iv 11223344… sample-aes.ts clear.mp4    SAMPLE-AES")]
pub(crate) struct Decrypt {
    /// What is protected
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// What is to be clear
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// A key, in hexadecimal: with its id for MP4 (repeatable), alone for segments and streams
    #[arg(long, value_name = "[KID:]KEY", value_parser = given_key, required = true)]
    pub(crate) key: Vec<GivenKey>,
    /// Initialisation vector: the IV attribute of EXT-X-KEY
    #[arg(long, value_name = "HEX", value_parser = initialisation_vector)]
    pub(crate) iv: Option<[u8; 16]>,
    /// Media sequence number of a segment, which is its initialisation vector if it has none
    #[arg(long, value_name = "N", conflicts_with = "iv")]
    pub(crate) sequence: Option<u64>,
    /// The initialisation section of a segment of MP4
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,
    /// How it is protected [default: by what the file is]
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<Method>,
    /// Write what comes out of a segment encrypted as a whole, even if it is no media that is known
    #[arg(long)]
    pub(crate) raw: bool,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// How media is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    Cenc,
    SampleAes,
    #[value(name = "aes-128")]
    Aes128,
    #[value(name = "aes-256")]
    Aes256,
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
}

/// Serves the demo title as HLS and DASH, and folders, over a shaped network with faults by URL.
#[derive(Debug, Args)]
#[command(
    after_help = "A folder's files are served as they are, with byte ranges: /files/NAME/main.mpd. A folder with a title.json\n\
    in it (see conformance/media) is packaged too, like the demo title: /hls/NAME/main.m3u8, /dash/NAME/time.mpd.\n\n\
    Options of the URL go in front of the title, any number of them:\n  \
    length     dur_60 (seconds)      shape      bytes_1  disc_5  gap_3,4 (HLS)  periods_3  bases_2  xlink_1 (DASH)\n  \
    live       live_60 (the window in seconds)  start_N  stop_N (since 1970)  mup_N  spd_N  utc_head-iso\n             \
    event_1 (all since start_N stays; needs it)\n  \
    latency    parts_334 (HLS, ms)   partfiles_1  block_0  skip_0   chunk_500  ato_1500  ltgt_2000 (DASH, ms)  prft_1\n  \
    live DASH  periods_60 (an hour)  etp_1  patch_60  mpdevent_1  continuous_0     breaks     scte35_60  inband_1  adbreak_N\n  \
    encoders   jitter_300  drift_100 (grows from start_N; needs it)  encrestart_N  encrestartmsn_N  early404_N  skewpdt_N  stale_F-T  back_P-S\n  \
    pace       rate_800 (kbit/s)     delay_300 (ms before each answer)\n\
    Faults strike segments N of the title (from 0; the last number in a file's name), or all with *:\n  \
    statuscode_[{rsq:N,code:503}]    cut_N@BYTES  short_N@BYTES  flip_N@COUNT  stallh_N@MS  stallb_N@MS\n  \
    …x2 behind one limits it to the first two requests, …:v360 to a rendition (a part of a file's path)\n  \
    norange_1  redir_3  redir_loop  mime_text-html  enc_gzip  age_3600\n\
    Streams    ts_muxed  ts_demuxed  ts_packed (HLS)\n\
    Protection prot_cenc|cens|cbc1|cbcs|aes128|sampleaes  keys_one|kinds|each  krot_N  lead_N  iv_implicit\n  \
    kf_identity|pssh|all|kid (HLS)  kauth_TOKEN  ktoken_TOKEN  kdelay_MS  kwrong_1  kmissing_N  kexpire_SECONDS\n  \
    Under such a title are keys.json, with all of its keys, and license, a licence server of ClearKey\n\n\
    Examples:\n  \
    telecine origin --listen 127.0.0.1:8080\n  \
    telecine origin --network rate=3Mbps,rtt=80ms --log requests.jsonl\n  \
    telecine origin --folder film=./film\n  \
    telecine play http://127.0.0.1:8080/files/cut_3@40000x1/film/main.mpd\n  \
    telecine play http://127.0.0.1:8080/dash/prot_cenc/demo/time.mpd\n  \
    telecine play 'http://127.0.0.1:8080/hls/dur_60/statuscode_[{rsq:2,code:503}]/demo/main.m3u8'"
)]
pub(crate) struct Origin {
    /// Where to listen: an address and a port, or a port of this machine; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = listen)]
    pub(crate) listen: SocketAddr,
    /// Shape the network: rate=3Mbps,rtt=80ms,loss=0 or a trace as JSON
    #[arg(long, value_name = "SPEC|TRACE.json")]
    pub(crate) network: Option<String>,
    /// Serve a folder under a name, or under its own (repeatable)
    #[arg(long, value_name = "[NAME=]DIR", value_parser = folder)]
    pub(crate) folder: Vec<(String, PathBuf)>,
    /// Write a JSON line per request
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

/// Runs the engine over a recording, prints every decision with its reasons, and says whether they
/// equal the recorded ones. Exit code 7 if not, or if the recording was cut off before the end of its
/// session; 3 if it is damaged.
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

/// Shows what bitrate rules make of recorded networks.
#[derive(Debug, Args)]
#[command(
    after_help = "One session for each trace and rule: the player itself, in virtual time, plays the movie over a model of the network. \
    Every session plays the whole movie, however long the network is silent; one that a year is too short for is told of, the others \
    are played, and the exit code is 4.\n\n\
    Movies and traces are JSON as of the simulator with which BOLA was published (UMass-LIDS/sabre): {\"segment_duration_ms\", \
    \"bitrates_kbps\": [..], \"segment_sizes_bits\": [[..]..]} and [{\"duration_ms\", \"bandwidth_kbps\", \"latency_ms\"}..]. Traces may be \
    low-latency profiles, {\"NAME\": [{\"speed\" (kbit/s), \"duration\" (s)}..]..}, or text in columns as Pensieve has them: a line is a time in \
    seconds and a rate in Mbit/s, which holds from the time of the line before; 95 % of it are payload. After its end a trace begins again.\n\
    With --live segments are there when they are complete, the player aims to be as late as the buffer is long, and plays up to \
    3 % slower and faster for it; Q1 then pays for being later and for other speeds, and has no optimum.\n\
    The rules are those of play --abr, by the same names. The optimum begins as they do, with any level behind the manifest, and with \
    --faithful with the lowest; Lowest is that of --faithful in both modes.\n\
    The rules in --faithful are BBA, BOLA, BOLA-E, DYNAMIC and others by their published names; without more in the name \
    they avoid oscillation as the published figures do (-ao), with -without-ao they do not, with -FS they replace what is \
    buffered at a lower level.\n\n\
    Scores: Q1 is mean quality (0 to 1, the logarithm of the bitrate between lowest and highest) less 3 s of content for each unit of its \
    changes, each second of stall and each two of start. QoE_lin is the sum of bitrates less the sum of their changes, in Mbit/s, less \
    the highest bitrate a second of stall. sabre is BOLA's utility less 5 a segment of stall. Normalised (of optimum) is 0 for Lowest and 1 for the \
    optimum, which knows the network and can be played; it is - where the optimum has next to nothing beyond Lowest. What is truly best is \
    between the optimum and the bound (--bound), which no session passes, whatever it gives up or fetches again. Regret is what the optimum \
    has more. The ceiling is planned with a perfect forecast of five segments, no more, and rules may pass it. kbit/s are of the session, its stalls and start included.\n\n\
    Examples:\n  \
    telecine simulate --movie bbb.json --trace 3g/*.json\n  \
    telecine simulate --movie bbb.json --trace 3g/*.json --abr foresight,bola-e,soda --no-optimum\n  \
    telecine simulate --movie bbb4k.json --trace 4g/*.json --abr foresight --live --json\n  \
    telecine simulate --faithful --movie bbb4k.json --trace 4g/*.json --abr bola-e --live --json"
)]
pub(crate) struct Simulate {
    /// Sizes of the title's segments: a movie of sabre, or a folder with `size/` and `vmaf/` as EnvivioDash3 comes in
    #[arg(long, value_name = "M.json")]
    pub(crate) movie: PathBuf,
    /// Networks, each played over by every rule: lists of sabre, Pensieve's columns, or files of low-latency profiles, each of which
    /// is one
    #[arg(long, value_name = "T.json", required = true, num_args = 1..)]
    pub(crate) trace: Vec<PathBuf>,
    /// Bitrate rules, or all of them
    #[arg(long, value_name = "NAME[,NAME…]|all", value_delimiter = ',', default_value = "all")]
    pub(crate) abr: Vec<String>,
    /// Media that the buffer takes at most; with --live the latency that is aimed at too [default: 25, and 10 with --live]
    #[arg(long, value_name = "SECONDS", value_parser = buffer)]
    pub(crate) buffer: Option<f64>,
    /// Play as a live title is played; with --faithful, with a short buffer
    #[arg(long)]
    pub(crate) live: bool,
    /// Reckon what no session can pass too, beside the best one known; takes seconds a trace
    #[arg(long)]
    pub(crate) bound: bool,
    /// Reckon no optimum, and so no regret and no normalised scores: many times as fast where there are many levels
    #[arg(long, conflicts_with = "bound")]
    pub(crate) no_optimum: bool,
    /// The player fetches nothing again in a higher rendition, as where a sink cannot take it (sound, GStreamer)
    #[arg(long, conflicts_with = "faithful")]
    pub(crate) no_fast_switch: bool,
    /// From a request to its first bit, where a network's file does not say (Pensieve's columns and low-latency profiles; lists of
    /// sabre have their own, and are refused if there is nothing else) [default: 20]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub(crate) rtt: Option<u32>,
    /// Play as the simulator of the rules' authors does and not as the player, for comparison with published figures
    #[arg(long)]
    pub(crate) faithful: bool,
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
    /// To come: known, so that it can be said, and not offered.
    #[value(hide = true)]
    V1,
    #[value(hide = true)]
    V2,
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
    fn the_help_offers_no_version_of_cmcd_that_is_refused() {
        let mut command = Cli::command();
        let play = command.find_subcommand_mut("play").expect("a command");
        let help = play.render_long_help().to_string();
        let (_, cmcd) = help.split_once("--cmcd").expect("an option");
        let (cmcd, _) = cmcd.split_once("--network").expect("the next one");
        assert!(cmcd.contains("off") && !cmcd.contains("v1") && !cmcd.contains("v2"), "{cmcd}");
    }
}
