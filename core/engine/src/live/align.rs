//! Where the playlists of a title lie beside each other (rfc8216bis 6.3.2, H109).
//!
//! Each playlist of a live title begins somewhere else. The first one that is loaded defines the title's timeline;
//! another is put beside one that is known, by what both say: dates, else a discontinuity that both have, else their
//! ends. Media sequence numbers say nothing (H034).

use telecine_model::{MediaTime, SegmentIndex, WallTime};

/// What is added to the times of `newer` so that they are times of the timeline that `known` is on.
pub(crate) fn origin_beside(newer: &SegmentIndex, known: &SegmentIndex) -> MediaTime {
    by_dates(newer, known).or_else(|| by_discontinuities(newer, known)).unwrap_or_else(|| by_ends(newer, known))
}

fn by_dates(newer: &SegmentIndex, known: &SegmentIndex) -> Option<MediaTime> {
    // The end is what is wanted next, mostly: a date near it is the more exact one.
    let last = newer.table.last_span()?.number;
    let time = known.time_at_wall(newer.wall_time_of(last)?)?;
    Some(newer.origin + time - newer.get(last)?.start)
}

/// By the last discontinuity whose first segment both have.
fn by_discontinuities(newer: &SegmentIndex, known: &SegmentIndex) -> Option<MediaTime> {
    // The first entry of each may be the window's beginning, not that of the domain.
    let boundaries = |index: &SegmentIndex| {
        let first = index.table.first_number();
        let boundary = |(number, sequence): (u64, &u64)| (number > first).then_some((*sequence, number));
        index.discontinuity.iter().filter_map(boundary).collect::<Vec<_>>()
    };
    let ours = boundaries(known);
    let shared = boundaries(newer).into_iter().rev().find_map(|(sequence, number)| {
        let (_, beside) = ours.iter().rev().find(|(ours, _)| *ours == sequence)?;
        Some((number, *beside))
    });
    let (number, beside) = shared?;
    Some(newer.origin + known.span_of(beside)?.0 - newer.span_of(number)?.0)
}

fn by_ends(newer: &SegmentIndex, known: &SegmentIndex) -> MediaTime {
    let ends = known.end().zip(newer.end());
    ends.map_or(newer.origin, |(known, own)| newer.origin + known - own)
}

/// The end of a playlist: when it is, by the wall clock and on the title's timeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    time: MediaTime,
    wall: Option<WallTime>,
}

impl End {
    pub(crate) fn of(index: &SegmentIndex) -> Option<Self> {
        let last = index.get(index.table.last_span()?.number)?;
        Some(Self { time: last.end(), wall: last.program_date_time.map(|wall| wall.offset(last.duration)) })
    }

    /// Where the first segment of a playlist belongs that begins behind this end: as much later as the dates say, else
    /// as it has it.
    pub(crate) fn correction(&self, newer: &SegmentIndex) -> Option<MediaTime> {
        let first = newer.get(newer.table.first_number())?;
        let passed = first.program_date_time?.since(self.wall?);
        Some(self.time + passed.max(MediaTime::ZERO) - first.start)
    }

    /// What is added to the times of a playlist that begins anew, so that it follows this end.
    pub(crate) fn origin_behind(&self, newer: &SegmentIndex) -> MediaTime {
        let correction = self.correction(newer).or_else(|| Some(self.time - newer.start()?));
        newer.origin + correction.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::segments::{Addressing, UriList};
    use telecine_model::{SegmentTable, Timescale};

    fn secs(s: i64) -> MediaTime {
        MediaTime::from_secs(s)
    }

    /// So many segments of two seconds, numbered from `first`.
    fn playlist(first: u64, count: u64) -> SegmentIndex {
        let mut table = SegmentTable::new(Timescale::SECONDS, first);
        table.push(None, 2, count).expect("a run");
        let mut uris = UriList::new();
        (0..count).for_each(|_| assert!(uris.push("s")));
        SegmentIndex::new(table, "http://a/".into(), Addressing::Listed(uris))
    }

    fn dated(mut index: SegmentIndex, number: u64, second: i64) -> SegmentIndex {
        index.program_date_time.anchor(number, WallTime::from_millis(second * 1000));
        index
    }

    #[test]
    fn dates_say_where_a_playlist_lies_whatever_its_numbers() {
        let known = dated(playlist(100, 10), 100, 1000);
        let newer = dated(playlist(7, 10), 9, 1010);
        // Its second 4 is 1010, which is the known one's second 10.
        assert_eq!(origin_beside(&newer, &known), secs(6));
        let moved = SegmentIndex { origin: secs(50), ..known };
        assert_eq!(origin_beside(&newer, &moved), secs(56));
    }

    #[test]
    fn without_dates_a_discontinuity_that_both_have_says_it() {
        let mut known = playlist(100, 10);
        known.discontinuity.set_from(100, 4);
        known.discontinuity.set_from(103, 5);
        let mut newer = playlist(20, 10);
        newer.discontinuity.set_from(20, 4);
        newer.discontinuity.set_from(21, 5);
        assert_eq!(origin_beside(&newer, &known), secs(4));
        // Where only one begins with it, it says nothing: the ends do.
        let mut newer = playlist(20, 5);
        newer.discontinuity.set_from(20, 5);
        assert_eq!(origin_beside(&newer, &known), secs(10));
    }

    #[test]
    fn what_begins_anew_follows_the_end_as_much_later_as_the_dates_say() {
        let end = End::of(&dated(playlist(100, 10), 100, 1000)).expect("it has segments");
        assert_eq!(end.origin_behind(&playlist(0, 3)), secs(20));
        assert_eq!(end.origin_behind(&dated(playlist(0, 3), 0, 1027)), secs(27));
        assert_eq!(end.origin_behind(&dated(playlist(0, 3), 0, 900)), secs(20), "dates that run back say nothing");
    }
}
