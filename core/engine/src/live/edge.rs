//! Where the live edge is.

use std::collections::VecDeque;

use telecine_model::{MediaTime, Timestamp};

/// How many of the newest sightings count: in a minute of parts or a few minutes of segments neither clock runs away.
const KEPT: usize = 32;

/// The end of what is published, carried on by the clock.
///
/// A list shows its end some time after it was published: by chance, as it happens to be loaded, and by the way that it
/// takes. Whatever was seen earliest is nearest to the truth.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveEdge(VecDeque<(Timestamp, MediaTime)>);

impl LiveEdge {
    /// A list that was there at `at` ends at `end`.
    pub(crate) fn see(&mut self, end: MediaTime, at: Timestamp) {
        if self.0.back().is_some_and(|(_, last)| *last >= end) {
            // The same end says less, seen later.
            if self.0.back().is_some_and(|(_, last)| *last == end) {
                return;
            }
            // It went back: it began anew.
            self.0.clear();
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at, end));
    }

    /// Where it is at a moment.
    pub(crate) fn at(&self, now: Timestamp) -> Option<MediaTime> {
        self.0.iter().map(|(at, end)| *end + MediaTime::from_duration(now.since(*at))).max()
    }

    /// The times of the title were moved.
    pub(crate) fn shift(&mut self, by: MediaTime) {
        self.0.iter_mut().for_each(|(_, end)| *end += by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        edge.see(ms(10_000), at(1500));
        edge.see(ms(12_000), at(3100));
        edge.see(ms(14_000), at(5900));
        assert_eq!(edge.at(at(6000)), Some(ms(14_900)), "as by the second");
        edge.see(ms(14_000), at(6400));
        assert_eq!(edge.at(at(6400)), Some(ms(15_300)), "an end that is known says nothing");
    }

    #[test]
    fn what_was_seen_long_ago_is_forgotten_and_so_is_all_when_it_goes_back() {
        let mut edge = LiveEdge::default();
        edge.see(ms(5000), at(0));
        (1..=KEPT as u64).for_each(|n| edge.see(ms(1000 * n as i64 + 5000), at(1000 * n + 500)));
        assert_eq!(edge.at(at(40_000)), Some(ms(44_500)), "half a second later than by the first");
        edge.see(ms(100), at(41_000));
        assert_eq!(edge.at(at(42_000)), Some(ms(1100)));
    }
}
