//! Every timer of the engine, in one table.

use std::collections::BTreeMap;

use telecine_model::{Timestamp, TrackKind};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A stream of this kind may fetch again: the buffer has room, or the rule's pause is over.
    Schedule(TrackKind),
    /// A failed request is due again.
    Retry,
    /// A live playlist or MPD is due to be loaded again.
    Reload,
    /// The latency of a live title is looked at.
    Latency,
    /// A clock is to be asked, or waited for no longer.
    Clock,
    /// Requests under way are looked at: does enough arrive?
    Patience,
    /// Requests of a live title are looked at: does one hang while others are answered?
    Hanging,
    /// The stall watchdog looks whether the playhead moved.
    Watchdog,
    /// A start was held back long enough.
    Start,
    /// The playhead reaches media of another rendition.
    QualityBoundary,
    /// The playhead reaches the start or the end of a timed event.
    TimedEvent,
    /// The playhead reaches the start or the end of a cue.
    Cues,
}

/// What is due when. One entry a timer; setting it again replaces it.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeMap<Timer, Timestamp>);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.0.insert(timer, at);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    pub(crate) fn clear_all(&mut self) {
        self.0.clear();
    }

    /// True if a timer is set.
    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.0.contains_key(&timer)
    }

    /// True if a timer is set and not due yet.
    pub(crate) fn is_waiting(&self, timer: Timer, now: Timestamp) -> bool {
        self.0.get(&timer).is_some_and(|due| *due > now)
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.values().min().copied()
    }

    /// Takes one that is due, the earliest first.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<Timer> {
        let (timer, _) = self.0.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at)?;
        let timer = *timer;
        self.0.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_the_order_in_which_they_are_due() {
        let mut timers = Timers::default();
        timers.set(Timer::Watchdog, Timestamp::from_millis(20));
        timers.set(Timer::Schedule(TrackKind::Audio), Timestamp::from_millis(10));
        timers.set(Timer::Watchdog, Timestamp::from_millis(5));
        assert_eq!(timers.next(), Some(Timestamp::from_millis(5)));
        assert_eq!(timers.take_due(Timestamp::from_millis(4)), None);
        assert_eq!(timers.take_due(Timestamp::from_millis(30)), Some(Timer::Watchdog));
        assert_eq!(timers.take_due(Timestamp::from_millis(30)), Some(Timer::Schedule(TrackKind::Audio)));
        assert_eq!(timers.next(), None);
    }
}
