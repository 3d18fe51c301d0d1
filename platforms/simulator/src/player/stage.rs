//! Where the player's media is shown, and who watches it.

use std::sync::{Arc, Mutex, PoisonError};

use telecine_engine::{Append, Capabilities, Sink, SinkCommand, SinkReport, TrackStats};
use telecine_model::{MediaTime, Timestamp};
use telecine_virtual::ModelSink;

/// A model of a sink, and what was on the playhead of it.
pub(super) struct Stage {
    sink: ModelSink,
    segment: MediaTime,
    /// Of each segment, the level that is shown of it, as far as it is known yet.
    levels: Vec<Option<usize>>,
    /// Where the playhead was when it was looked at last.
    seen: (Timestamp, MediaTime),
    /// It has moved.
    begun: bool,
    /// Seconds since it first moved, those in which it moved, and the integrals of how late it was and of how much its
    /// speed was another than that of time, over them.
    watched_s: f64,
    moved_s: f64,
    lateness: f64,
    speed_change: f64,
}

impl Stage {
    /// An empty stage for so many segments of such a duration.
    pub(super) fn new(segment: MediaTime, segments: usize, replaces: bool) -> Self {
        Self {
            sink: ModelSink::new(Capabilities { random_access: replaces, ..Capabilities::default() }),
            segment,
            levels: vec![None; segments],
            seen: (Timestamp::ZERO, MediaTime::ZERO),
            begun: false,
            watched_s: 0.0,
            moved_s: 0.0,
            lateness: 0.0,
            speed_change: 0.0,
        }
    }

    /// Where the playhead is.
    fn position(&self, now: Timestamp) -> MediaTime {
        self.sink.position(now)
    }

    /// Media between the playhead and the start of a segment, in milliseconds.
    pub(super) fn ahead_ms(&self, segment: usize, now: Timestamp) -> f64 {
        let start = self.segment.as_secs_f64() * segment as f64;
        (start - self.position(now).as_secs_f64()).max(0.0) * 1000.0
    }

    /// The first segment that was shown, and the levels from there to the end. None where one is missing.
    pub(super) fn shown(&self) -> Option<(usize, Vec<usize>)> {
        let first = self.levels.iter().position(Option::is_some)?;
        let levels: Option<Vec<usize>> = self.levels.iter().skip(first).copied().collect();
        Some((first, levels?))
    }

    /// Of how many seconds the viewer was later than was aimed at, on average from the first picture to the end.
    ///
    /// The title is as old at the session's start as the viewer is to be behind: who is at the right distance is at a
    /// position of the title that is the time since then.
    pub(super) fn mean_excess_latency_s(&self) -> f64 {
        self.lateness / self.watched_s.max(f64::MIN_POSITIVE)
    }

    /// `|1 - speed|`, on average over the time in which the playhead moved.
    pub(super) fn mean_speed_change(&self) -> f64 {
        self.speed_change / self.moved_s.max(f64::MIN_POSITIVE)
    }

    /// Sees how the playhead came to where it is. It moved evenly since it was seen last: the sink is asked whenever that
    /// changes.
    fn watch(&mut self, now: Timestamp) {
        let (since, from) = self.seen;
        let position = self.sink.position(now);
        let passed = now.since(since).as_micros() as f64 / 1e6;
        let moved = (position - from).as_secs_f64();
        if passed > 0.0 && (self.begun || moved > 0.0) {
            let late = |at: Timestamp, position: MediaTime| at.as_micros() as f64 / 1e6 - position.as_secs_f64();
            self.watched_s += passed;
            self.lateness += passed * mean_above_zero(late(since, from), late(now, position));
            if moved > 0.0 {
                self.begun = true;
                self.moved_s += passed;
                self.speed_change += (moved - passed).abs();
            }
        }
    }

    /// Notes where the playhead is after whatever happened.
    fn rest(&mut self, now: Timestamp) {
        self.seen = (now, self.sink.position(now));
    }

    fn note(&mut self, append: &Append, now: Timestamp) {
        let (segment, start) = (self.segment.units().max(1), append.start.units());
        let number = usize::try_from((start + segment / 2) / segment).unwrap_or(usize::MAX);
        let Some(slot) = self.levels.get_mut(number) else { return };
        // What the playhead has come into already is shown as it was, and counts as that.
        let position = self.sink.position(now);
        if position <= append.start || (slot.is_none() && position < append.end) {
            if let Ok(level) = append.rendition.parse() {
                *slot = Some(level);
            }
        }
    }
}

/// The mean of what is above zero of something that goes evenly from one value to another.
fn mean_above_zero(from: f64, to: f64) -> f64 {
    match (from >= 0.0, to >= 0.0) {
        (true, true) => (from + to) / 2.0,
        (false, false) => 0.0,
        _ => {
            let (above, below) = (from.max(to), from.min(to));
            above * above / (above - below) / 2.0
        }
    }
}

/// A stage that the session plays on while others look at it. A session is of one thread, nobody waits here.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Stage>>);

impl Shared {
    pub(super) fn new(stage: Stage) -> Self {
        Self(Arc::new(Mutex::new(stage)))
    }

    /// Asks a stage something.
    pub(super) fn look<T>(&self, question: impl FnOnce(&mut Stage) -> T) -> T {
        question(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Shared {
    fn capabilities(&self) -> Capabilities {
        self.look(|stage| stage.sink.capabilities())
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.look(|stage| {
            stage.watch(now);
            if let SinkCommand::Append(append) = &command {
                stage.note(append, now);
            }
            stage.sink.command(command, now);
            stage.rest(now);
        });
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.look(|stage| {
            stage.watch(now);
            let report = stage.sink.poll(now);
            stage.rest(now);
            report
        })
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.look(|stage| stage.sink.deadline())
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.look(|stage| stage.sink.tracks())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_zero_does_not_count() {
        assert_eq!(mean_above_zero(1.0, 3.0), 2.0);
        assert_eq!(mean_above_zero(-1.0, -3.0), 0.0);
        // Above zero for three quarters of the time, 1.5 on average then.
        assert_eq!(mean_above_zero(3.0, -1.0), 1.125);
        assert_eq!(mean_above_zero(-1.0, 3.0), 1.125);
    }
}
