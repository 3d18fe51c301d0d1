//! The sink that shows nothing.

use telecine_engine::{Capabilities, Sink, SinkCommand, SinkReport, TrackStats};
use telecine_model::Timestamp;
use telecine_virtual::ModelSink;

/// A sink that decodes nothing: it parses and times every sample, keeps account of what is buffered as a renderer
/// would, and moves a playhead with the clock. What [`Player`](crate::Player) plays into unless it is given another.
///
/// ```
/// use telecine::{Capabilities, NullSink};
///
/// // A device that takes H.264 alone.
/// let sink = NullSink::new(Capabilities { codecs: vec!["avc1".to_owned()], ..Capabilities::default() });
/// assert_eq!(format!("{sink:?}"), "NullSink { .. }");
/// ```
#[derive(Clone, Default)]
pub struct NullSink(ModelSink);

impl NullSink {
    /// A sink that says it can do this much.
    pub fn new(capabilities: Capabilities) -> Self {
        Self(ModelSink::new(capabilities))
    }
}

impl std::fmt::Debug for NullSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NullSink").finish_non_exhaustive()
    }
}

impl Sink for NullSink {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.0.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.0.poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.0.deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.0.tracks()
    }
}
