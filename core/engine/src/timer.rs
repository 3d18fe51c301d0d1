//! Every timer of the engine, in one table.

use std::time::Duration;

use telecine_model::{SortedMap, Timestamp, TrackKind};

/// A host that lets timers wait, as of a page in the background, is not so much later than this with what it tells. One that
/// stood for longer was asleep.
const LATE_AT_MOST: Duration = Duration::from_secs(2);
/// Less is what any host takes.
const LATE_AT_LEAST: Duration = Duration::from_millis(50);
/// It is as late as it was for so long.
const STILL_LATE: Duration = Duration::from_secs(10);

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
pub(crate) struct Timers {
    due: SortedMap<Timer, Timestamp>,
    /// How late the host came when something was due, and when that was.
    late: Option<(Duration, Timestamp)>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.due.insert(timer, at);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.due.remove(&timer);
    }

    pub(crate) fn clear_all(&mut self) {
        self.due.clear();
    }

    /// True if a timer is set.
    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.due.contains_key(&timer)
    }

    /// True if a timer is set and not due yet.
    pub(crate) fn is_waiting(&self, timer: Timer, now: Timestamp) -> bool {
        self.due.get(&timer).is_some_and(|due| *due > now)
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }

    /// The host brings something at a time: how late it is shows from what was due before.
    pub(crate) fn note_lateness(&mut self, now: Timestamp) {
        let late = self.next().map_or(Duration::ZERO, |due| now.since(due));
        if (LATE_AT_LEAST..=LATE_AT_MOST).contains(&late) && late >= self.lateness(now) {
            self.late = Some((late, now));
        }
    }

    /// How late the host may be with what it tells, by how late it was of late.
    pub(crate) fn lateness(&self, now: Timestamp) -> Duration {
        let recent = self.late.filter(|(_, at)| now.since(*at) < STILL_LATE);
        recent.map_or(Duration::ZERO, |(late, _)| late)
    }

    /// Takes one that is due, the earliest first.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<Timer> {
        let (timer, _) = self.due.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at)?;
        let timer = *timer;
        self.due.remove(&timer);
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
    #[test]
    fn a_host_is_as_late_as_it_was_with_what_was_due() {
        let mut timers = Timers::default();
        let mut late_at = |due: u64, now: u64| {
            timers.set(Timer::Reload, Timestamp::from_millis(due));
            timers.note_lateness(Timestamp::from_millis(now));
            timers.lateness(Timestamp::from_millis(now)).as_millis()
        };
        assert_eq!(late_at(1000, 900), 0, "nothing was due");
        assert_eq!(late_at(1000, 1010), 0, "that is no lateness");
        assert_eq!(late_at(2000, 2700), 700);
        assert_eq!(late_at(3000, 3300), 700, "it can be so late still");
        assert_eq!(late_at(20_000, 20_000), 0);
        assert_eq!(late_at(21_000, 99_000), 0, "it slept");
    }
}
