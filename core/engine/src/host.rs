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

/// A sink that somebody looks over the shoulder of: what it is told, `observe` is told first.
///
/// ```
/// use telecine_engine::{Observed, SinkCommand};
/// use telecine_virtual::ModelSink;
///
/// let mut bytes = 0;
/// let sink = Observed::new(ModelSink::default(), move |command: &SinkCommand| {
///     if let SinkCommand::Append(append) = command {
///         bytes += append.bytes;
///     }
/// });
/// # let _ = sink;
/// ```
pub struct Observed<S, F> {
    sink: S,
    observe: F,
}

impl<S: Sink, F: FnMut(&SinkCommand) + Send> Observed<S, F> {
    /// Lets `observe` see every command that `sink` gets.
    pub fn new(sink: S, observe: F) -> Self {
        Self { sink, observe }
    }
}

impl<S: Sink, F: FnMut(&SinkCommand) + Send> Sink for Observed<S, F> {
    fn capabilities(&self) -> Capabilities {
        self.sink.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        (self.observe)(&command);
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.sink.poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.sink.deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

impl<S: std::fmt::Debug, F> std::fmt::Debug for Observed<S, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observed").field("sink", &self.sink).finish_non_exhaustive()
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
