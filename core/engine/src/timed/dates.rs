//! From dates to media time, as a playlist's `EXT-X-PROGRAM-DATE-TIME`s have it.

use telecine_model::{MediaTime, SegmentIndex, WallTime};

/// Where a playlist's dates are on the timeline.
#[derive(Clone, Debug)]
pub(crate) struct DateMap {
    /// Ascending by date.
    anchors: Vec<Anchor>,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    date: WallTime,
    media: MediaTime,
    /// Up to where it holds: the next one, or the end of the playlist.
    end: MediaTime,
}

impl DateMap {
    /// The dates of a playlist; None if it has none.
    pub(crate) fn of(index: &SegmentIndex) -> Option<Self> {
        let starts: Vec<(MediaTime, WallTime)> = index
            .program_date_time
            .iter()
            .filter_map(|(number, date)| Some((index.time_of(index.table.get(number)?.start), *date)))
            .collect();
        let end = index.end()?;
        let ends = starts.iter().skip(1).map(|(media, _)| *media).chain([end]);
        let mut anchors: Vec<Anchor> =
            starts.iter().zip(ends).map(|((media, date), end)| Anchor { date: *date, media: *media, end }).collect();
        anchors.sort_by_key(|anchor| (anchor.date, anchor.media));
        (!anchors.is_empty()).then_some(Self { anchors })
    }

    /// The media time of a date. Dates before the first and behind the last announcement follow from those
    /// (rfc8216bis, 6.3.3); one between two runs of media, which nothing was recorded at, is where the later run begins.
    pub(crate) fn media_time(&self, date: WallTime) -> MediaTime {
        let after = self.anchors.partition_point(|anchor| anchor.date <= date);
        let next = self.anchors.get(after);
        let Some(anchor) = after.checked_sub(1).and_then(|at| self.anchors.get(at)) else {
            return next.map_or(MediaTime::ZERO, |first| first.media - first.date.since(date));
        };
        let media = anchor.media + date.since(anchor.date);
        match next {
            Some(next) if media >= anchor.end => next.media,
            _ => media,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use telecine_model::segments::{Addressing, SegmentTable};
    use telecine_model::Timescale;

    use super::*;

    /// Ten segments of four seconds from zero, with these dates in seconds.
    fn map(dates: &[(u64, i64)]) -> Option<DateMap> {
        let mut table = SegmentTable::new(Timescale::SECONDS, 0);
        table.push(Some(0), 4, 10).expect("ten segments fit");
        let mut index = SegmentIndex::new(table, Arc::from(""), Addressing::Single(String::new()));
        for (number, date) in dates {
            index.program_date_time.anchor(*number, WallTime::from_millis(date * 1000));
        }
        DateMap::of(&index)
    }

    fn at(map: &DateMap, date: i64) -> i64 {
        map.media_time(WallTime::from_millis(date * 1000)).as_millis() / 1000
    }

    #[test]
    fn dates_follow_from_the_announcement_before_them() {
        let map = map(&[(0, 1000)]).expect("a date");
        assert_eq!([at(&map, 1000), at(&map, 1013), at(&map, 1100), at(&map, 990)], [0, 13, 100, -10]);
    }

    #[test]
    fn runs_of_media_from_other_times_have_their_own_dates() {
        // 0 to 20 s were recorded from 1000 on, 20 to 40 s from 5000 on.
        let map = map(&[(0, 1000), (5, 5000)]).expect("dates");
        assert_eq!([at(&map, 1019), at(&map, 5000), at(&map, 5019)], [19, 20, 39]);
        assert_eq!(at(&map, 3000), 20, "nothing was recorded then");
    }

    #[test]
    fn dates_that_go_back_are_found_all_the_same() {
        let map = map(&[(0, 5000), (5, 1000)]).expect("dates");
        assert_eq!([at(&map, 1010), at(&map, 5010)], [30, 10]);
    }

    #[test]
    fn a_playlist_without_dates_has_no_map() {
        assert!(map(&[]).is_none());
    }
}
