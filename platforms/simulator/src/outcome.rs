//! What came of a session.

/// A session as it was played, without any judgement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The first segment that was played; zero but for live sessions that begin further on.
    pub first: usize,
    /// Level of each segment from that on, as played.
    pub levels: Vec<usize>,
    /// From the first request to the first picture, in milliseconds.
    pub startup_ms: f64,
    /// The same without the latency, which is what the published figures call startup.
    pub first_transfer_ms: f64,
    /// Time for which playback stood after it had begun, in milliseconds.
    pub stall_ms: f64,
    /// How often it came to stand.
    pub stalls: usize,
    /// From the first request to the end of the last segment, in milliseconds.
    pub elapsed_ms: f64,
    /// Requests that were given up.
    pub given_up: usize,
    /// Buffered segments that were replaced by better ones.
    pub replaced: usize,
    /// Bits that arrived and were not played.
    pub wasted_bits: f64,
    /// What was requested, in order.
    pub requests: Vec<Request>,
    /// How the present was kept up with; None but for live sessions of the player.
    pub following: Option<Following>,
}

impl Outcome {
    /// The level at which a segment was played.
    pub fn segment(&self, segment: usize) -> Option<usize> {
        self.levels.get(segment.checked_sub(self.first)?).copied()
    }
}

/// How a live session kept up with the present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Following {
    /// Seconds by which it was later than it aimed to be, on average from the first picture to the end, stalls included.
    pub excess_latency_s: f64,
    /// `|1 - speed|`, on average over the time in which something played.
    pub speed_change: f64,
}

/// One request of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When it was made, in milliseconds from the first request.
    pub at_ms: f64,
    /// Of which segment.
    pub segment: usize,
    /// At which level.
    pub level: usize,
    /// Bits that arrived.
    pub bits: f64,
    /// How long it took.
    pub took_ms: f64,
    /// Media ahead of the playhead when it was made.
    pub buffer_ms: f64,
}
