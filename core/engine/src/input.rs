//! Everything that can happen to the engine. One [`Input`] at a time, each with the time at which
//! it happened.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use telecine_drm::session::{CdmEvent, StoredLicence};
use telecine_model::{ErrorCode, HttpVersion, MediaTime, NetworkType, TrackKind, WallTime};

use crate::action::LoadId;
use crate::config::{Constraints, DataSaver, Preferences};
use crate::media::MediaFact;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The application wants something.
    Command(Command),
    /// The network answered.
    Network(NetworkEvent),
    /// The sink reports.
    Sink(SinkReport),
    /// The key system of the device reports.
    Cdm(CdmEvent),
    /// The world around the player changed.
    Environment(Environment),
    /// [`crate::Engine::deadline`] was reached. Harmless at any other time.
    Timer,
}

/// What applications ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Loads a title. Replaces whatever was loaded.
    Load {
        /// Absolute URL of a playlist or an MPD.
        url: String,
        /// Where to start; None is what the manifest prefers, else the beginning (or the live edge).
        start: Option<MediaTime>,
    },
    /// Plays as soon as enough is buffered.
    Play,
    /// Holds the picture; buffering goes on.
    Pause,
    /// Moves the playhead; clamped to what can be played. Of a live title that is what its window has, up to as near to
    /// the live edge as may be: [`MediaTime::MAX`] leads there.
    Seek(MediaTime),
    /// Chooses a track by its id, of the current period.
    SelectTrack {
        /// Of which kind.
        kind: TrackKind,
        /// `Track::id`.
        id: String,
    },
    /// Plays without a track of this kind (subtitles off, sound only…).
    DisableKind(TrackKind),
    /// Replaces the preferences; takes effect from the next choice of tracks on.
    SetPreferences(Preferences),
    /// Replaces the constraints; takes effect from the next segment on.
    SetConstraints(Constraints),
    /// Playback speed in thousandths, 100 to 4000.
    SetRate(u32),
    /// Ends playback and releases everything. A new [`Command::Load`] may follow.
    Stop,
    /// Destroys a stored licence on the device and tells the server; no title need be loaded.
    ///
    /// Releases are carried out one after another, in the order in which they were asked for, each to its end. Each is
    /// told by itself: [`Event::LicenceReleased`]; or, if it fails, [`Event::Error`] with the licence's name in the fact
    /// `licence`, and [`Event::LicenceStored`] with `releasing` set: to be released once more, when online say. The next
    /// one begins either way. Asking twice for the same one before its end changes nothing.
    ///
    /// The device has one key system open at a time. As long as a title is loaded whose key system is another one, a
    /// release waits (those for the title's own go on meanwhile): until [`Command::Stop`], the next [`Command::Load`]
    /// or a failure; a title that was played to its end is still loaded. A release that is under way when such a title
    /// asks for its keys gives way, and begins anew after it. [`Command::Stop`] ends no release. What waits is not
    /// remembered beyond this player: until one of the events above has come, keep the licence, and release it again
    /// with the next player.
    ///
    /// [`Event::Error`]: crate::Event::Error
    /// [`Event::LicenceReleased`]: crate::Event::LicenceReleased
    /// [`Event::LicenceStored`]: crate::Event::LicenceStored
    ReleaseLicence(StoredLicence),
    /// Moves the playhead to what was made at a time of the world's clock, as the title's dates tell it. A title without
    /// dates is not moved, which is told.
    SeekToTime(WallTime),
    /// Ends playback there instead of at the title's end (None), as if nothing of the title lay behind it. Forgotten with
    /// the next [`Command::Load`]. Whoever drives an engine alone, and has handed on [`SinkCommand::EndOfStream`] already,
    /// lets [`GoOn`](Self::GoOn) follow, as [`Programme`](crate::Programme) does: else the sink plays nothing behind that.
    ///
    /// [`SinkCommand::EndOfStream`]: crate::SinkCommand::EndOfStream
    SetEnd(Option<MediaTime>),
    /// Goes on from elsewhere as if nothing lay between: what [`SetEnd`](Self::SetEnd) ended is played on, or a part is left
    /// out. No seek is told or counted; nothing that the sink was given before counts as there.
    GoOn {
        /// From here on
        from: MediaTime,
        /// to this end, as `SetEnd` sets it.
        end: Option<MediaTime>,
        /// So long something else is played before that; zero if it is waited for.
        #[serde(default)]
        after: Duration,
        /// The edge of a live title is followed from there, however far it is; else only where it is near.
        #[serde(default)]
        follow: bool,
    },
    /// Leaves the interstitial that is played, if it allows that: the title goes on where it would behind it.
    SkipInterstitial,
    /// How much data is to be spent from now on; takes effect from the next segment on.
    SetDataSaver(Option<DataSaver>),
}

/// Names one request from [`crate::Action::Fetch`] to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// What happens to a request, in this order: at most one `Head`, any number of `Chunk`s, then one
/// of `End` and `Failed`. Events of cancelled or unknown requests are ignored.
#[derive(Clone, Debug)]
pub enum NetworkEvent {
    /// Status and headers arrived (after redirects, which the host follows).
    Head(Box<ResponseHead>),
    /// Part of the body, decoded from its transfer and content codings.
    Chunk {
        /// Which request.
        id: RequestId,
        /// The bytes.
        data: Body,
    },
    /// The body is complete and as long as it was declared.
    End {
        /// Which request.
        id: RequestId,
    },
    /// The request failed on its way, before or after the head. HTTP error statuses are not
    /// failures: they arrive as head, chunks and end.
    Failed {
        /// Which request.
        id: RequestId,
        /// A code of the network domain.
        code: ErrorCode,
        /// The transport's own words, without secrets.
        message: String,
    },
}

/// Status line and the headers that the engine decides by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseHead {
    /// Which request.
    pub id: RequestId,
    /// HTTP status; 200 or 206 for files and memory.
    pub status: u16,
    /// URL that answered, after redirects.
    pub url: String,
    /// The version of HTTP that it answered by; none for files and memory, and where a platform is not told.
    pub version: Option<HttpVersion>,
    /// Declared length of the body, where it is not content-encoded.
    pub content_length: Option<u64>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// `Date`.
    pub date: Option<WallTime>,
    /// `Age` in seconds.
    pub age_s: Option<u64>,
    /// Answered from a local cache; says nothing about the network.
    pub from_cache: bool,
    /// `ETag`, as sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// `CMSD-Static` and `CMSD-Dynamic` (CTA-5006), each header line as sent; in a page only where the server exposes them.
    pub cmsd: Vec<String>,
}

impl ResponseHead {
    /// Whether the body is what was asked for: only 2xx says so (RFC 9110, 15.3). A redirect that led
    /// nowhere and a 304 that nobody asked for are no answers either.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Bytes of a body, or in a replay what was learnt from them.
#[derive(Clone, Debug)]
pub enum Body {
    /// The bytes themselves.
    Bytes(Bytes),
    /// A recording keeps no media bytes: their number, and the facts that they gave.
    Recorded {
        /// How many bytes there were.
        len: u64,
        /// What the container reader found in them.
        facts: Vec<MediaFact>,
    },
}

impl Body {
    /// How many bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Recorded { len, .. } => *len,
        }
    }

    /// True without bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What sinks tell. A sink reports [`SinkReport::Position`] some four times a second while it
/// plays, and the others at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SinkReport {
    /// Where the playhead is.
    Position {
        /// Presentation time on screen.
        position: MediaTime,
        /// Whether it moves.
        advancing: bool,
    },
    /// The playhead reached the end of what is buffered, before the end of the stream, and stands.
    Starved {
        /// Where it stands.
        position: MediaTime,
    },
    /// A seek is done: the picture of the target is there (or will be with the next append).
    Seeked {
        /// The new position, within a frame or two of the target: it tells which seek is done, if
        /// several followed each other.
        position: MediaTime,
    },
    /// Everything up to the end of the stream was played.
    Ended,
    /// Buffered media was dropped by the sink itself.
    Evicted {
        /// Which kind.
        kind: TrackKind,
        /// From this time
        from: MediaTime,
        /// to this one.
        to: MediaTime,
    },
    /// An append did not fit; it was not taken. The engine makes room and appends it again.
    Full {
        /// Which kind.
        kind: TrackKind,
        /// `Append::load` of what was refused.
        load: LoadId,
    },
    /// Pictures that were due since the last report of this kind (or since the start), some four times a second or once in
    /// some seconds. A sink that does not know reports none.
    Frames {
        /// All of them.
        due: u32,
        /// Of those, the ones that were decoded too late to be shown, or not at all.
        dropped: u32,
    },
    /// The sink failed for good.
    Failed {
        /// A code of the device or media domain.
        code: ErrorCode,
        /// The sink's own words.
        message: String,
    },
}

/// What the host knows about the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Environment {
    /// The wall clock now, and how far it may be off.
    WallClock {
        /// Time at the moment of this input.
        time: WallTime,
        /// Bound of the error, in milliseconds.
        uncertainty_ms: u32,
    },
    /// What the sink can do; to be said before a title is loaded.
    Capabilities(Capabilities),
    /// How much the device is to be spared; to be said whenever it changes.
    Pressure(Pressure),
    /// What the network is reached over; to be said before a title is loaded, and whenever it changes. What was measured on
    /// another kind of network is remembered and believed no more.
    Network(NetworkType),
}

/// How much a device is to be spared: of the worse of its heat and its battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pressure {
    /// Nothing is the matter (a thermal state of nominal or fair).
    #[default]
    None,
    /// It saves its battery, or it is hot (serious, severe): pictures of 720 lines at most.
    High,
    /// It is about to throttle or to shut itself off (critical, emergency): 480 lines at most.
    Critical,
}

impl Pressure {
    /// The tallest picture that is fetched under it.
    pub fn max_height(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::High => Some(720),
            Self::Critical => Some(480),
        }
    }
}

/// What a sink can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Kinds of tracks that it takes.
    pub kinds: Vec<TrackKind>,
    /// It keeps what it was given and can seek in it without being fed again (Media Source);
    /// without, each seek starts with an empty sink.
    pub random_access: bool,
    /// Without random access: it can move its playhead forward over a gap and keep what lies behind that
    /// ([`SinkCommand::Jump`](crate::SinkCommand::Jump)). Default false: what is buffered is fetched again.
    pub jumps: bool,
    /// Codec families that it decodes, as the beginnings of RFC 6381 strings (`avc1`, `mp4a.40.2`).
    /// Empty: everything.
    pub codecs: Vec<String>,
    /// The most channels of sound that a decoder takes: the beginning of an RFC 6381 string as in `codecs`, and how many.
    /// Codecs that are not here take any number.
    pub max_channels: Vec<(String, u32)>,
    /// Tallest picture that it decodes.
    pub max_height: Option<u32>,
    /// Ranges of brightness that the display shows beside `SDR`, best first, by their names in HLS (`VIDEO-RANGE`, RFC 8216bis,
    /// 4.4.6.2): `PQ`, `HLG`. A title that has several is played in the best of these, and in that alone: a picture whose
    /// brightness jumps is seen to. None, the default: nobody knows, and what a title has in `SDR` is played in that. A title in
    /// no range that is shown is played all the same, as well as the device can. Told anew while a title plays, it counts within the
    /// set that plays, and for the next period.
    #[serde(default)]
    pub hdr: Option<Vec<String>>,
    /// Codec families that it decodes with little power, by a part of the device made for that, written as `codecs` are. Of a
    /// title that has several, and a viewer without a preference, one of these is played. Empty: nobody knows.
    #[serde(default)]
    pub efficient: Vec<String>,
    /// Width and height of the screen in its own pixels, whichever way it is turned. Of pictures that fill it none but the
    /// smallest is fetched: nobody sees the rest. None: nobody knows.
    #[serde(default)]
    pub screen: Option<(u32, u32)>,
    /// Bytes that it can hold per kind.
    pub max_bytes: Option<u64>,
    /// Speeds at which it can play without anybody noticing: those by which the latency of live titles is kept. Default
    /// any.
    pub speeds: PlaybackSpeeds,
}

/// Speeds that a device can play at.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaybackSpeeds {
    /// Any: it varies smoothly.
    #[default]
    Any,
    /// Normal speed and these, in thousandths.
    Steps(Vec<u32>),
    /// Normal speed alone: each change is seen or heard.
    Normal,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            kinds: vec![TrackKind::Video, TrackKind::Audio, TrackKind::Text],
            random_access: true,
            jumps: false,
            codecs: Vec::new(),
            max_channels: Vec::new(),
            max_height: None,
            hdr: None,
            efficient: Vec::new(),
            screen: None,
            max_bytes: None,
            speeds: PlaybackSpeeds::default(),
        }
    }
}
