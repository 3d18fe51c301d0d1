//! Every limit that hostile input can run into, in one place.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Upper bounds on what the player accepts from outside.
///
/// The defaults leave an order of magnitude above what real services use. Passing a limit is a
/// typed error with its place, never a slow-down or an exhausted memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one playlist or MPD. Default 32 MiB.
    pub manifest_bytes: usize,
    /// Segments of one rendition, runs counted expanded (a DASH `@duration` template without an
    /// end counts as none). Default 2,000,000.
    pub segments: u64,
    /// Stored runs of one segment table. Default 500,000.
    pub segment_runs: usize,
    /// Bytes of one line of a playlist, or of one attribute of an MPD. Default 1 MiB.
    pub line_bytes: usize,
    /// Variants, renditions, adaptation sets and representations together. Default 10,000.
    pub renditions: usize,
    /// Periods of one MPD. Default 10,000.
    pub periods: usize,
    /// Depth of XML elements and of nested container boxes. Default 32.
    pub nesting: usize,
    /// Attributes of one element of an MPD, or of one tag of a playlist. Default 256.
    pub attributes: usize,
    /// Descriptors and other small elements of one kind inside one element of an MPD. Default 256.
    pub descriptors: usize,
    /// Variables of one playlist, and bytes of one expanded line together with `line_bytes`.
    /// Default 1,000.
    pub variables: usize,
    /// Date ranges, events, unknown tags and warnings kept of one manifest, each. Default 10,000.
    pub side_items: usize,
    /// Parts of one playlist. Default 10,000.
    pub parts: usize,
    /// Longest duration of one segment: a whole event's subtitles may be one. Default 24 h.
    pub segment_duration: MediaTime,
    /// Bytes of one initialisation section or segment index. Default 8 MiB.
    pub init_bytes: usize,
    /// Bytes of one media segment. Default 512 MiB.
    pub segment_bytes: u64,
    /// Bytes of one container box that is not media data. Default 16 MiB.
    pub box_bytes: usize,
    /// Samples of one fragment. Default 200,000.
    pub fragment_samples: usize,
    /// Samples of one whole file that is read at once. Default 5,000,000.
    pub file_samples: usize,
    /// Bytes of one access unit of video in a transport stream. Default 32 MiB.
    pub access_unit_bytes: usize,
    /// Bytes of samples that wait until every track of a transport stream has shown its decoder
    /// configuration. Default 64 MiB.
    pub pending_bytes: usize,
    /// Decoder configurations of one segment of a transport stream or packed audio. Default 256.
    pub configurations: usize,
    /// Bytes of one ID3 tag. Default 1 MiB.
    pub id3_bytes: usize,
    /// Bytes of one subtitle text: a WebVTT segment, a TTML document. Default 16 MiB.
    pub text_bytes: usize,
    /// Cues of one subtitle text, and of one [`CueStore`](crate::CueStore). Default 100,000.
    pub cues: usize,
    /// Texts and spans that the cues of one subtitle text hold together, where timed spans repeat
    /// what is around them; and those of captions that wait to be taken. Default 400,000.
    pub cue_nodes: usize,
    /// Timed events of a title that are kept to tell repetitions. Default 20,000.
    pub timed_events: usize,
    /// Bytes of their payloads together. Default 16 MiB.
    pub timed_event_bytes: usize,
    /// Redirects of one request. Default 10.
    pub redirects: usize,
    /// Levels of nested segment indexes and of resolved xlinks. Default 5.
    pub indirections: usize,
    /// Bytes of the initialisation data of one key session: all its PSSH boxes. Default 1 MiB.
    pub init_data_bytes: usize,
    /// Key identifiers of one initialisation data, licence or rendition. Default 1,024.
    pub key_ids: usize,
    /// Bytes of one licence, key file or certificate. Default 4 MiB.
    pub licence_bytes: usize,
    /// Key sessions open or waiting at a time, whatever the device would allow. Default 256.
    pub key_sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 32 << 20,
            segments: 2_000_000,
            segment_runs: 500_000,
            line_bytes: 1 << 20,
            renditions: 10_000,
            periods: 10_000,
            nesting: 32,
            attributes: 256,
            descriptors: 256,
            variables: 1_000,
            side_items: 10_000,
            parts: 10_000,
            segment_duration: MediaTime::from_secs(24 * 3600),
            init_bytes: 8 << 20,
            segment_bytes: 512 << 20,
            box_bytes: 16 << 20,
            fragment_samples: 200_000,
            file_samples: 5_000_000,
            access_unit_bytes: 32 << 20,
            pending_bytes: 64 << 20,
            configurations: 256,
            id3_bytes: 1 << 20,
            text_bytes: 16 << 20,
            cues: 100_000,
            cue_nodes: 400_000,
            timed_events: 20_000,
            timed_event_bytes: 16 << 20,
            redirects: 10,
            indirections: 5,
            init_data_bytes: 1 << 20,
            key_ids: 1_024,
            licence_bytes: 4 << 20,
            key_sessions: 256,
        }
    }
}
