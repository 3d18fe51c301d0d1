//! What comes out of containers of elementary streams.

mod reader;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use telecine_model::protection::KeyId;
use telecine_model::{Limits, MediaTime, Place, Warning};

use crate::id3::Id3Tag;
use crate::iso::{Fragment, InitSegment};

pub use reader::StreamReader;

/// What comes out of a transport stream or packed audio, in its order.
///
/// All times are on the timeline of the stream itself, with its wraps of 33 bits unrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamUnit {
    /// Everything needed before the next fragment. Another one comes where codec, size, parameter sets or
    /// protection change.
    Init(Arc<InitSegment>),
    /// Samples, complete, as CMAF. With several tracks the fragment has them all.
    Fragment(Fragment),
    /// Timed metadata.
    Metadata(TimedMetadata),
    /// Captions that were in the video, in order of presentation.
    Captions(CaptionData),
    /// A fault that was tolerated: see [`StreamReader`](crate::StreamReader) for the rules.
    Warning(Warning),
}

/// An ID3 tag with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedMetadata {
    /// When it holds; None if it is of no time (the tag at the start of packed audio that only says when
    /// the audio starts is not given).
    pub time: Option<MediaTime>,
    /// The tag.
    pub tag: Id3Tag,
}

/// CEA-608 and CEA-708 captions of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionData {
    /// When the picture is shown.
    pub time: MediaTime,
    /// `cc_data_pkt` triplets (CTA-708, 4.4): marker, valid and type bits, then two bytes.
    pub triplets: Bytes,
}

/// The key of SAMPLE-AES, as the playlist says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleAes {
    /// Any identifier: it is written to the output, for whoever decrypts it.
    pub key_id: KeyId,
    /// Initialisation vector of every sample.
    pub iv: [u8; 16],
}

/// Which tracks of a stream are wanted, and how it is handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamOptions {
    /// The first video stream. Default true.
    pub video: bool,
    /// Audio streams. Default: the first.
    pub audio: AudioSelection,
    /// Timed metadata. Default true.
    pub metadata: bool,
    /// Captions in the video. Default true.
    pub captions: bool,
    /// Media of about so much time goes into one fragment. Default 500 ms.
    pub chunk: MediaTime,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            video: true,
            audio: AudioSelection::First,
            metadata: true,
            captions: true,
            chunk: MediaTime::from_millis(500),
        }
    }
}

/// Which audio streams are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioSelection {
    /// None: sound comes from elsewhere.
    None,
    /// The first one that can be played.
    First,
    /// That one of those that can be played, counted from zero, and nothing if there are not so many.
    Nth(usize),
    /// All that can be played, each as a track of its own.
    All,
}

/// What a reader has counted since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StreamCounters {
    /// Bytes that were pushed.
    pub bytes: u64,
    /// Transport packets.
    pub packets: u64,
    /// Places where packets were missing.
    pub losses: u64,
    /// Bytes of media that were copied, as often as they were.
    pub copied: u64,
    /// Access units of video that were left out: before the first key frame, or damaged.
    pub dropped_video: u64,
    /// Frames of sound that were left out: overlapping, or of no time.
    pub dropped_audio: u64,
}

/// Units and warnings on their way out.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) units: VecDeque<StreamUnit>,
    /// Where in the resource the reader stands.
    pub(crate) position: u64,
    pub(crate) counters: StreamCounters,
    warnings_left: usize,
    warning_limit: usize,
}

impl Output {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            units: VecDeque::new(),
            position: 0,
            counters: StreamCounters::default(),
            warnings_left: limits.side_items,
            warning_limit: limits.side_items,
        }
    }

    /// Another resource begins.
    pub(crate) fn restart(&mut self) {
        self.position = 0;
        self.warnings_left = self.warning_limit;
    }

    pub(crate) fn push(&mut self, unit: StreamUnit) {
        self.units.push_back(unit);
    }

    /// A tolerated fault at the present place. Beyond the limit of a resource they are not kept.
    pub(crate) fn warn(&mut self, rule: &str, message: impl FnOnce() -> String) {
        if let Some(left) = self.warnings_left.checked_sub(1) {
            self.warnings_left = left;
            let warning = Warning::new(rule, Place::Byte(self.position), message());
            self.units.push_back(StreamUnit::Warning(warning));
        }
    }
}
