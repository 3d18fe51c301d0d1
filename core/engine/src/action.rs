//! Everything that the engine asks of its host.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use telecine_container::{Fragment, InitSegment};
use telecine_delivery::RequestClass;
use telecine_drm::session::{CdmCommand, KeyRequest};
use telecine_model::{ByteRange, MediaTime, TrackKind};

use crate::event::Event;
use crate::input::RequestId;
use crate::keys::CdmNote;

/// Something for the host to do, at once and in order.
///
/// Serialises without media bytes and with URLs free of secrets: that form is what recordings
/// compare and what the action hash is taken over.
#[derive(Clone, Debug, Serialize)]
pub enum Action {
    /// Make a request.
    Fetch(Box<FetchRequest>),
    /// Stop a request; nothing of it is wanted any more. No event needs to follow.
    Cancel(RequestId),
    /// Tell the sink.
    Sink(SinkCommand),
    /// Tell the key system of the device. Its reports come back as [`crate::Input::Cdm`].
    Cdm(Box<CdmOrder>),
    /// Tell the application.
    Emit(Box<Event>),
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct FetchRequest {
    /// Names it in the events that follow.
    pub id: RequestId,
    /// What it is for.
    pub class: RequestClass,
    /// For which kind of track, where it is for one.
    pub kind: Option<TrackKind>,
    /// Absolute URL.
    #[serde(serialize_with = "redacted")]
    pub url: String,
    /// Only the head of the answer is wanted (HEAD). A host that gets a body all the same may leave it out.
    #[serde(skip_serializing_if = "is_false")]
    pub head: bool,
    /// Part of the resource.
    #[serde(serialize_with = "range")]
    pub byte_range: Option<ByteRange>,
    /// If the server ignores the range, the whole resource will do: it is handed on from its first byte on, as the answer
    /// (200) that it is, and nothing is read past. Without this a host takes the part out of the whole.
    #[serde(skip_serializing_if = "is_false")]
    pub whole_will_do: bool,
    /// Give up with `BodyTooLarge` beyond this.
    pub max_bytes: u64,
    /// Give up with `Timeout` if no head arrived by then.
    pub head_timeout: Duration,
    /// Give up with `Timeout` if no byte arrived for so long.
    pub idle_timeout: Duration,
    /// Redirects to follow at most; every hop has to satisfy [`telecine_model::uri::may_follow`].
    pub max_redirects: u32,
    /// What is known already: nothing is wanted if that is as it was (304). A host need not pass this on; whoever gets a
    /// whole answer all the same reads that.
    #[serde(serialize_with = "whether_known", skip_serializing_if = "Validators::is_empty")]
    pub known: Validators,
    /// How urgent it is beside others of the same server (RFC 9218): from 1, for lists and keys that all else waits for,
    /// over 2, for sound and the smallest picture, to 6: what is larger never goes before what is smaller. A host that has
    /// the network to itself sends it along (`Priority: u=2`). In a page that would be a header that another origin has to
    /// allow first, at the price of a request for each URL: there it is a hint for the browser's own queue (`priority` of
    /// `fetch`: high up to 1, low from 5 on).
    pub urgency: u8,
    /// Read the body no faster than so many bits a second, so that whoever sends it sends no faster. A host that cannot hold
    /// back reads as fast as it comes: it is a wish. See [`Config::pace_percent`](crate::Config::pace_percent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<u64>,
    /// How often it was tried before.
    pub attempt: u32,
    /// For licences and what belongs to them: what is posted, with which headers. The application may rewrite
    /// all of it, and the answer, before the engine sees that. None in a replay.
    #[serde(skip)]
    pub licence: Option<Box<KeyRequest>>,
}

/// By what a server tells whether a resource has changed (RFC 9110, 8.8).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Validators {
    /// For `If-None-Match`, as it came.
    pub etag: Option<String>,
    /// For `If-Modified-Since`, as it came; of no use beside an entity tag.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// A command to the key system of the device.
#[derive(Clone, Debug, Serialize)]
pub struct CdmOrder {
    /// What recordings compare.
    pub note: CdmNote,
    /// The command. None in a replay.
    #[serde(skip)]
    pub command: Option<CdmCommand>,
}

/// Orders to the sink. A sink has one buffer per kind of track.
#[derive(Clone, Debug, Serialize)]
pub enum SinkCommand {
    /// What follows for this kind needs this decoder configuration. Comes before the first append
    /// and whenever the initialisation section changes.
    Configure(Box<TrackConfig>),
    /// Media in decoding order.
    Append(Box<Append>),
    /// Drop what is buffered of a kind between two presentation times.
    Remove {
        /// Which kind.
        kind: TrackKind,
        /// From this time
        from: MediaTime,
        /// to this one.
        to: MediaTime,
    },
    /// There is nothing of this kind between two times (a period without sound), and nothing that
    /// the playhead would have to wait for.
    Silence {
        /// Which kind.
        kind: TrackKind,
        /// From this time
        from: MediaTime,
        /// to this one.
        to: MediaTime,
    },
    /// Nothing follows for this kind until the next seek.
    EndOfStream {
        /// Which kind.
        kind: TrackKind,
    },
    /// Let the playhead run.
    Play,
    /// Hold the playhead.
    Pause,
    /// Playback speed in thousandths.
    SetRate(u32),
    /// Move the playhead. A sink without random access drops everything that it holds.
    Seek(MediaTime),
    /// Move the playhead forward over a gap. What was appended from the target on stays, and playback goes on with
    /// it; answered like a seek. Only for sinks without random access that say that they can
    /// ([`Capabilities::jumps`](crate::Capabilities::jumps)): for all others a gap is a seek.
    Jump(MediaTime),
    /// No track of this kind is played from now on; drop what is buffered of it.
    Disable {
        /// Which kind.
        kind: TrackKind,
    },
    /// Playback is over; release everything. The playhead is at zero again.
    Stop,
}

/// Decoder configuration of a kind's track.
#[derive(Clone, Debug, Serialize)]
pub struct TrackConfig {
    /// Which kind.
    pub kind: TrackKind,
    /// `Track::id`.
    pub track: String,
    /// `Rendition::id`.
    pub rendition: String,
    /// RFC 6381 codec of the track.
    pub codec: String,
    /// Container of what follows.
    pub format: Format,
    /// The initialisation section, its bytes included. None for text files, and in a replay.
    #[serde(skip)]
    pub init: Option<Arc<InitSegment>>,
    /// Which track of the initialisation section is meant.
    pub track_id: u32,
}

/// How appended bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Format {
    /// CMAF fragments.
    Cmaf,
    /// A WebVTT file or segment.
    WebVtt,
}

/// Names one loading of a segment. A segment that is loaded again gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(pub u64);

/// Media for a kind's buffer.
#[derive(Clone, Debug, Serialize)]
pub struct Append {
    /// Which kind.
    pub kind: TrackKind,
    /// Which loading of a segment it is (part of). [`crate::SinkReport::Full`] names it.
    pub load: LoadId,
    /// `Rendition::id`.
    pub rendition: String,
    /// Number of the segment that it is (part of).
    pub segment: u64,
    /// Presentation time of the first sample.
    pub start: MediaTime,
    /// Presentation time behind the last sample.
    pub end: MediaTime,
    /// Add this to the container's presentation times (composition times with the edit list applied)
    /// to get the presentation's.
    pub offset: MediaTime,
    /// What lies outside does not belong to the presentation (period boundaries, D009). A sample
    /// across the start is left out if the sink holds media there already, so that a frame which two
    /// periods share is played once.
    pub window: (MediaTime, MediaTime),
    /// Decode but do not show what is before this (precise starts and seeks).
    pub show_from: Option<MediaTime>,
    /// Timestamps or decoder state do not continue from the append before.
    pub discontinuity: bool,
    /// Number of samples.
    pub samples: u32,
    /// Number of bytes.
    pub bytes: u64,
    /// The media. Empty in a replay.
    #[serde(skip)]
    pub payload: Payload,
}

/// The media of an append.
#[derive(Clone, Debug, Default)]
pub enum Payload {
    /// A CMAF fragment: untouched bytes and the table of its samples.
    Fragment(Arc<Fragment>),
    /// A text file or segment.
    Text(Bytes),
    /// Replays carry none.
    #[default]
    None,
}

fn redacted<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&telecine_model::uri::without_secrets(url))
}

/// Only whether: what a server names a version by may name a viewer.
fn whether_known<S: Serializer>(known: &Validators, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(!known.is_empty())
}

fn is_false(value: &bool) -> bool {
    !value
}

fn range<S: Serializer>(range: &Option<ByteRange>, serializer: S) -> Result<S::Ok, S::Error> {
    range.map(|range| (range.offset, range.length)).serialize(serializer)
}
