//! What came of a session.

/// A session as it was played, without any judgement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Level of each segment, as played.
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
