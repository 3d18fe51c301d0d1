//! The one contract that every sink fulfils, real or modelled.

use serde::{Deserialize, Serialize};
use telecine_model::{MediaTime, Timestamp, TrackKind};

use crate::action::SinkCommand;
use crate::input::{Capabilities, SinkReport};

/// Takes media and shows it: a null sink that only counts, an audio decoder, a GStreamer pipeline.
///
/// Sinks are driven like the engine: they are told the time, and asked when they want to be asked
/// again. Nothing here blocks; a sink with threads of its own hands over and returns.
pub trait Sink: Send {
    /// What it can do. Asked once, before a title is loaded.
    fn capabilities(&self) -> Capabilities;

    /// Obeys an order.
    fn command(&mut self, command: SinkCommand, now: Timestamp);

    /// The next report, until None. Called after commands and whenever [`Sink::deadline`] passed.
    fn poll(&mut self, now: Timestamp) -> Option<SinkReport>;

    /// When it wants to be polled next, if nothing else happens.
    fn deadline(&self) -> Option<Timestamp>;

    /// What it did so far, one entry per track that it was ever configured for.
    fn tracks(&self) -> Vec<TrackStats>;
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        (**self).command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        (**self).poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        (**self).deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        (**self).tracks()
    }
}

/// What a sink did with one track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackStats {
    /// Which kind.
    pub kind: TrackKind,
    /// `Track::id`.
    pub id: String,
    /// RFC 6381 codec of the last configuration.
    pub codec: String,
    /// Distinct samples taken (access units; cues for text). A sample that is appended again after
    /// it was removed or in another rendition counts again.
    pub samples: u64,
    /// Sum of the durations of those samples.
    pub duration: MediaTime,
    /// Presentation time of the earliest sample.
    pub first_pts: Option<MediaTime>,
    /// Presentation time of the latest sample.
    pub last_pts: Option<MediaTime>,
    /// Holes of more than one sample's duration between consecutive appends (seeks excepted).
    pub gaps: u64,
    /// Samples decoded; zero in sinks that do not decode.
    pub decoded: u64,
    /// Samples that a decoder refused.
    pub decode_errors: u64,
}
