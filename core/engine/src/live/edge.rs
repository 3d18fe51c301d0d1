//! Where the live edge is.

use std::collections::VecDeque;

use telecine_model::{MediaTime, Timestamp};

/// How many of the newest sightings count: in a minute of parts or a few minutes of segments neither clock runs away.
const KEPT: usize = 32;

/// So many lists in a row that end before the newest known end are no old copies any more: the title has begun anew.
const OLD_COPIES: u32 = 16;

/// The end of what is published, carried on by the clock.
///
/// A list shows its end some time after it was published: by chance, as it happens to be loaded, and by the way that it
/// takes. Whatever was seen earliest is nearest to the truth.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveEdge {
    seen: VecDeque<(Timestamp, MediaTime)>,
    /// Lists in a row that ended before the newest known end.
    older: u32,
}

impl LiveEdge {
    /// A list that was there at `at` ends at `end`.
    pub(crate) fn see(&mut self, end: MediaTime, at: Timestamp) {
        match self.seen.back() {
            // The same end says less, seen later.
            Some((_, last)) if *last == end => return,
            // An old copy, of this list or of that of another rendition, says nothing of what is made since.
            Some((_, last)) if *last > end => {
                self.older += 1;
                if self.older < OLD_COPIES {
                    return;
                }
                self.seen.clear();
            }
            _ => {}
        }
        self.older = 0;
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back((at, end));
    }

    /// Where it is at a moment.
    pub(crate) fn at(&self, now: Timestamp) -> Option<MediaTime> {
        self.seen.iter().map(|(at, end)| *end + MediaTime::from_duration(now.since(*at))).max()
    }

    /// The times of the title were moved.
    pub(crate) fn shift(&mut self, by: MediaTime) {
        self.seen.iter_mut().for_each(|(_, end)| *end += by);
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
    fn what_was_seen_long_ago_is_forgotten() {
        let mut edge = LiveEdge::default();
        edge.see(ms(5000), at(0));
        (1..=KEPT as u64).for_each(|n| edge.see(ms(1000 * n as i64 + 5000), at(1000 * n + 500)));
        assert_eq!(edge.at(at(40_000)), Some(ms(44_500)), "half a second later than by the first");
    }

    #[test]
    fn old_copies_do_not_take_it_back_and_a_title_that_begins_anew_does() {
        let mut edge = LiveEdge::default();
        edge.see(ms(50_000), at(0));
        for n in 1..u64::from(OLD_COPIES) {
            edge.see(ms(20_000 + 1000 * n as i64), at(1000 * n));
            assert_eq!(edge.at(at(1000 * n)), Some(ms(50_000 + 1000 * n as i64)));
        }
        edge.see(ms(100), at(41_000));
        assert_eq!(edge.at(at(42_000)), Some(ms(1100)));
    }
}
