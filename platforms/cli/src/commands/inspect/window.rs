//! Which segments of an index there are to list. Most tables end; a live DASH template with
//! `@duration` does not, and what exists of it follows from the wall clock (ISO/IEC 23009-1, 5.3.9.5.3).

use std::ops::Range;

use telecine_model::{MediaTime, Presentation, SegmentIndex, WallTime};

/// Of an endless list, at most so many of the newest are shown.
const NEWEST: u64 = 10_000;

/// Segments to list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) numbers: Range<u64>,
    /// How many older ones exist and are not in `numbers`.
    pub(crate) left_out: Option<u64>,
}

/// The segments of `index` that exist at `now`.
pub(crate) fn window(title: &Presentation, index: &SegmentIndex, now: WallTime) -> Window {
    let first = index.table.first_number();
    if !index.table.is_open() {
        return Window { numbers: first..index.table.end_number(), left_out: None };
    }
    let timing = title.dash.as_ref();
    let Some(availability_start) = timing.and_then(|timing| timing.availability_start) else {
        return Window { numbers: first..first, left_out: None };
    };
    let present = now.since(availability_start);
    // A segment exists once it is complete, or as much earlier as the manifest says.
    let complete = present + index.availability_offset.unwrap_or(MediaTime::ZERO);
    let end = index.number_at(complete).unwrap_or(first).min(index.table.end_number()).max(first);
    let oldest = match timing.and_then(|timing| timing.time_shift_buffer_depth) {
        Some(depth) => index.number_at(present - depth).unwrap_or(first).clamp(first, end),
        None => first,
    };
    let from = oldest.max(end.saturating_sub(NEWEST));
    Window { numbers: from..end, left_out: (from > oldest).then(|| from - oldest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_model::live::DashTiming;
    use telecine_model::segments::{Addressing, UrlTemplate};
    use telecine_model::{Protocol, SegmentTable, Timescale};

    fn live(depth: Option<i64>) -> (Presentation, SegmentIndex) {
        let mut title = Presentation::new(Protocol::Dash, "http://a/m.mpd");
        title.dash = Some(DashTiming {
            availability_start: Some(WallTime::EPOCH),
            time_shift_buffer_depth: depth.map(MediaTime::from_secs),
            ..DashTiming::default()
        });
        let mut table = SegmentTable::new(Timescale::SECONDS, 1);
        table.push_open(None, 2).unwrap();
        let template = UrlTemplate::parse("$Number$.m4s", "v", 1).unwrap();
        (title, SegmentIndex::new(table, "http://a/".into(), Addressing::Template(template)))
    }

    #[test]
    fn only_complete_segments_of_the_time_shift_buffer_exist() {
        let (title, index) = live(Some(10));
        // At 101 s, segment 50 (98 s to 100 s) is the last complete one; 91 s lies in segment 46.
        let seen = window(&title, &index, WallTime::from_millis(101_000));
        assert_eq!(seen.numbers, 46..51);
        assert_eq!(seen.left_out, None);
    }

    #[test]
    fn an_endless_past_is_cut_and_said_so() {
        let (title, index) = live(None);
        let seen = window(&title, &index, WallTime::from_millis(100_000_000));
        assert_eq!(seen.numbers, 40_001..50_001);
        assert_eq!(seen.left_out, Some(40_000));
    }

    #[test]
    fn before_its_start_nothing_exists() {
        let (title, index) = live(Some(10));
        assert!(window(&title, &index, WallTime::from_millis(-5_000)).numbers.is_empty());
    }
}
