//! When a live playlist is loaded again (rfc8216bis 6.3.4).

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

/// However short segments are, a playlist is not loaded more often.
const SHORTEST: MediaTime = MediaTime::from_millis(100);

/// What is known of the loads of one playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reload {
    /// When the load began that brought something new last.
    changed: Timestamp,
    /// When it may be loaded again.
    due: Timestamp,
    /// It was told that nothing new comes.
    told: bool,
}

impl Reload {
    /// A playlist that is loaded for the first time, by a load that began at `started`.
    pub(crate) fn first(started: Timestamp, last_segment: MediaTime) -> Self {
        let mut reload = Self { changed: started, due: started, told: false };
        reload.on_changed(started, last_segment);
        reload
    }

    /// A load brought something new: the next one follows as much later as the last segment is long (H116).
    pub(crate) fn on_changed(&mut self, started: Timestamp, last_segment: MediaTime) {
        *self = Self { changed: started, due: started + last_segment.max(SHORTEST).to_duration(), told: false };
    }

    /// A load brought nothing new, or none at all: half a target duration is waited (H117), and a little longer by
    /// chance, so that those who wait for one server do not all come at once.
    pub(crate) fn on_unchanged(&mut self, started: Timestamp, target: MediaTime, draw: u64) {
        let half = target.mul_ratio(1, 2);
        let jitter = half.mul_ratio(i64::try_from(draw % 100).unwrap_or(0), 1000);
        self.due = started + (half + jitter).to_duration();
    }

    /// It is wanted whole, at once: what came could not be understood without what it left out (H124).
    pub(crate) fn at_once(&mut self, now: Timestamp) {
        self.due = now;
    }

    pub(crate) fn due(&self) -> Timestamp {
        self.due
    }

    /// For how long nothing new has come, as of a load that began at `started`.
    pub(crate) fn unchanged_for(&self, started: Timestamp) -> Duration {
        started.since(self.changed)
    }

    /// Whether a load that began at `started` and brought nothing new shows that the server is impaired: each new
    /// segment follows within one and a half target durations (H118, HX10). True once for each time.
    pub(crate) fn becomes_stale(&mut self, started: Timestamp, target: MediaTime) -> bool {
        let stale = self.unchanged_for(started) >= target.mul_ratio(3, 2).to_duration();
        stale && !std::mem::replace(&mut self.told, stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const TARGET: MediaTime = MediaTime::from_secs(4);

    #[test]
    fn what_changed_is_loaded_again_after_its_last_segment_and_what_did_not_after_half_a_target_duration() {
        let mut reload = Reload::first(at(1000), MediaTime::from_millis(3500));
        assert_eq!(reload.due(), at(4500));
        reload.on_unchanged(at(4500), TARGET, 0);
        assert_eq!(reload.due(), at(6500));
        reload.on_unchanged(at(6500), TARGET, 99);
        assert!(reload.due() > at(8500) && reload.due() < at(8700), "{:?}", reload.due());
        reload.on_changed(at(8600), MediaTime::from_secs(2));
        assert_eq!(reload.due(), at(10_600));
    }

    #[test]
    fn a_server_is_impaired_after_one_and_a_half_target_durations_without_anything_new() {
        let mut reload = Reload::first(at(0), TARGET);
        assert!(!reload.becomes_stale(at(4000), TARGET));
        assert!(reload.becomes_stale(at(6000), TARGET));
        assert!(!reload.becomes_stale(at(8000), TARGET), "told already");
        reload.on_changed(at(9000), TARGET);
        assert!(!reload.becomes_stale(at(13_000), TARGET));
        assert!(reload.becomes_stale(at(15_000), TARGET));
    }
}
