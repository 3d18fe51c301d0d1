//! Where the live edge is.

use std::collections::VecDeque;
use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

/// How many of the newest sightings count: in a minute of parts or a few minutes of segments neither clock runs away.
const KEPT: usize = 32;

/// So many lists in a row that end before the newest known end are no old copies any more: the title has begun anew.
const OLD_COPIES: u32 = 16;

/// What an encoder's clock runs slower than the device's at most, in millionths.
const DRIFT_PPM: i64 = 200;

/// The end of what is published, carried on by the clock.
///
/// A list shows its end some time after it was published: by chance, as it happens to be loaded, and by the way that it
/// takes. Whatever was seen earliest is nearest to the truth.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveEdge {
    seen: VecDeque<(Timestamp, MediaTime)>,
    /// The end that was seen last.
    newest: Option<MediaTime>,
    /// Lists in a row that ended before the newest known end.
    older: u32,
}

impl LiveEdge {
    /// A list that was there at `at` ends at `end`. Its host may have been so `late` to tell of it.
    pub(crate) fn see(&mut self, end: MediaTime, at: Timestamp, late: Duration) {
        match self.newest {
            // The same end says less, seen later.
            Some(newest) if newest == end => return,
            // An old copy, of this list or of that of another rendition, says nothing of what is made since.
            Some(newest) if newest > end => {
                self.older += 1;
                if self.older < OLD_COPIES {
                    return;
                }
                self.seen.clear();
            }
            _ => {}
        }
        self.older = 0;
        self.newest = Some(end);
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        let seen = self.borne_out(end, at, late).unwrap_or(end);
        self.seen.push_back((at, seen));
    }

    /// What a page in the background hears of late bears out what it knew, or it says nothing, but for what the clocks drift
    /// apart: so much stands of what is known, if it may be that.
    fn borne_out(&self, end: MediaTime, at: Timestamp, late: Duration) -> Option<MediaTime> {
        let (since, _) = self.seen.back()?;
        let known = self.at(at).filter(|known| *known > end && *known <= end + MediaTime::from_duration(late))?;
        let drift = MediaTime::from_duration(at.since(*since)).mul_ratio(DRIFT_PPM, 1_000_000);
        Some((known - drift).max(end))
    }

    /// Where it is at a moment.
    pub(crate) fn at(&self, now: Timestamp) -> Option<MediaTime> {
        self.seen.iter().map(|(at, end)| *end + MediaTime::from_duration(now.since(*at))).max()
    }

    /// The times of the title were moved.
    pub(crate) fn shift(&mut self, by: MediaTime) {
        self.seen.iter_mut().map(|(_, end)| end).chain(&mut self.newest).for_each(|end| *end += by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUNCTUAL: Duration = Duration::ZERO;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ms(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    #[test]
    fn the_edge_is_what_was_seen_earliest_carried_on() {
        let mut edge = LiveEdge::default();
        assert_eq!(edge.at(at(5000)), None);
        edge.see(ms(10_000), at(1500), PUNCTUAL);
        edge.see(ms(12_000), at(3100), PUNCTUAL);
        edge.see(ms(14_000), at(5900), PUNCTUAL);
        assert_eq!(edge.at(at(6000)), Some(ms(14_900)), "as by the second");
        edge.see(ms(14_000), at(6400), PUNCTUAL);
        assert_eq!(edge.at(at(6400)), Some(ms(15_300)), "an end that is known says nothing");
    }

    #[test]
    fn what_was_seen_long_ago_is_forgotten() {
        let mut edge = LiveEdge::default();
        edge.see(ms(5000), at(0), PUNCTUAL);
        (1..=KEPT as u64).for_each(|n| edge.see(ms(1000 * n as i64 + 5000), at(1000 * n + 500), PUNCTUAL));
        assert_eq!(edge.at(at(40_000)), Some(ms(44_500)), "half a second later than by the first");
    }

    #[test]
    fn old_copies_do_not_take_it_back_and_a_title_that_begins_anew_does() {
        let mut edge = LiveEdge::default();
        edge.see(ms(50_000), at(0), PUNCTUAL);
        for n in 1..u64::from(OLD_COPIES) {
            edge.see(ms(20_000 + 1000 * n as i64), at(1000 * n), PUNCTUAL);
            assert_eq!(edge.at(at(1000 * n)), Some(ms(50_000 + 1000 * n as i64)));
        }
        edge.see(ms(100), at(41_000), PUNCTUAL);
        assert_eq!(edge.at(at(42_000)), Some(ms(1100)));
    }

    #[test]
    fn what_a_host_that_runs_late_tells_does_not_take_the_place_of_what_was_seen_in_time() {
        let late = Duration::from_secs(1);
        let mut edge = LiveEdge::default();
        edge.see(ms(5000), at(0), PUNCTUAL);
        (1..=100).for_each(|n| edge.see(ms(2000 * n as i64 + 5000), at(2000 * n + 800), late));
        let edge = edge.at(at(201_000)).expect("it was seen");
        assert!(edge.abs_diff(ms(206_000)) < ms(50), "as it was before, but for what clocks drift: {edge}");
    }

    #[test]
    fn a_slow_encoder_is_followed_by_a_host_that_runs_late_for_hours() {
        let late = Duration::from_secs(2);
        let mut edge = LiveEdge::default();
        edge.see(ms(5000), at(0), PUNCTUAL);
        // Ten thousand segments of two seconds that take 100 millionths longer, heard of half a second late.
        (1..=10_000).for_each(|n| edge.see(ms(2000 * n as i64 + 5000), at(2000 * n + n / 5 + 500), late));
        let edge = edge.at(at(20_002_500)).expect("it was seen");
        assert!(edge.abs_diff(ms(20_005_500)) <= ms(500), "{edge}");
    }

    #[test]
    fn what_is_later_than_a_host_can_be_is_what_there_is() {
        let late = Duration::from_secs(1);
        let mut edge = LiveEdge::default();
        edge.see(ms(5000), at(0), PUNCTUAL);
        // The encoder stood for six seconds.
        (1..=KEPT as u64).for_each(|n| edge.see(ms(2000 * n as i64 + 5000), at(2000 * n + 6000), late));
        assert_eq!(edge.at(at(80_000)), Some(ms(79_000)));
    }
}
