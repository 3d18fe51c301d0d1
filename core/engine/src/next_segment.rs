//! Which segment of a rendition, or which part of one, follows what a stream has.

use telecine_model::{MediaTime, Segment, SegmentIndex};

use crate::buffer::SEAM;
use crate::stream::Cursor;

/// What of a rendition is to be fetched for `next_time`, if `cursor` of it was fetched last. None if there is nothing
/// more of it, or nothing yet.
///
/// `tolerance` is what may be missing of a segment that is as good as over: nothing, where fetching begins. Parts are
/// used where `parts` says so, and where no whole segment is there that would do.
pub(crate) fn find(
    index: &SegmentIndex,
    cursor: Option<Cursor>,
    next_time: MediaTime,
    tolerance: MediaTime,
    parts: bool,
) -> Option<Segment> {
    let continued = cursor.filter(|cursor| end_of(index, *cursor).is_some_and(|end| end.abs_diff(next_time) <= SEAM));
    match continued {
        Some(Cursor { number, part: None, .. }) => beginning(index, number.checked_add(1)?, parts),
        Some(Cursor { number, part: Some(part), .. }) => behind_part(index, number, part, next_time),
        None => at(index, next_time, tolerance, parts),
    }
}

/// Where what was fetched last ends, as the index has it now.
fn end_of(index: &SegmentIndex, cursor: Cursor) -> Option<MediaTime> {
    let Some(part) = cursor.part else { return Some(index.get(cursor.number)?.end()) };
    // The parts of a segment that is complete are not listed for long: it is known that the last one ends with it, and
    // that any other does not.
    index.part(cursor.number, part).or_else(|| index.get(cursor.number)).map(|segment| segment.end())
}

/// A segment from its beginning.
fn beginning(index: &SegmentIndex, number: u64, parts: bool) -> Option<Segment> {
    index.get(number).or_else(|| index.part(number, 0).filter(|_| parts))
}

fn behind_part(index: &SegmentIndex, number: u64, part: u32, next_time: MediaTime) -> Option<Segment> {
    let whole = index.get(number);
    if let Some(next) = index.part(number, part.checked_add(1)?) {
        return Some(next);
    }
    // Is something of the segment left?
    match whole {
        Some(whole) if whole.end() > next_time + SEAM => Some(whole),
        Some(_) => beginning(index, number.checked_add(1)?, true),
        None => None,
    }
}

fn at(index: &SegmentIndex, next_time: MediaTime, tolerance: MediaTime, parts: bool) -> Option<Segment> {
    let growing = index.table.end_number();
    let whole = index.number_at(next_time).and_then(|number| index.get(number));
    let number = match whole {
        // A segment of which only a frame is missing is over: boundaries of renditions differ by rounding.
        Some(whole) if whole.end() - next_time <= tolerance.min(whole.duration.mul_ratio(1, 2)) => whole.number + 1,
        Some(whole) => whole.number,
        None => growing,
    };
    let begin = beginning(index, number, parts)?;
    if !parts || begin.start + SEAM >= next_time {
        return Some(begin);
    }
    // In mid-segment: where nothing was before, the last part that decoding can begin with; behind what is there, the
    // first one (H067).
    let listed = || (0..).map_while(|part| index.part(number, part));
    let independent = |part: &Segment| {
        let place = part.part.and_then(|part| usize::try_from(part).ok());
        place.and_then(|place| index.parts_of(number).get(place)).is_some_and(|part| part.independent && !part.gap)
    };
    let found = match tolerance == MediaTime::ZERO {
        true => listed().take_while(|part| part.start <= next_time).filter(independent).last(),
        false => listed().filter(independent).find(|part| part.start + SEAM >= next_time),
    };
    match found {
        Some(part) if part.part == Some(0) && number < growing => Some(begin),
        Some(part) => Some(part),
        // Complete, but its parts are no longer listed, or none of them helps.
        None if number < growing => index.get(number).or(Some(begin)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::RenditionRef;
    use telecine_model::segments::{Addressing, Part, PartialSegment, UriList};
    use telecine_model::{SegmentTable, Timescale};

    const RENDITION: RenditionRef = RenditionRef { period: 0, track: 0, rendition: 0 };

    fn millis(ms: i64) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    /// Segments 10, 11 and 12 of two seconds, the last with its four parts, and two parts of the next; each first one
    /// can be begun with.
    fn index() -> SegmentIndex {
        let mut table = SegmentTable::new(Timescale::SECONDS, 10);
        table.push(None, 2, 3).expect("a run");
        let mut uris = UriList::new();
        ["10", "11", "12"].iter().for_each(|uri| assert!(uris.push(uri)));
        let mut index = SegmentIndex::new(table, "http://a/".into(), Addressing::Listed(uris));
        let parts = |number: u64, count: u32| {
            let part = |part: u32| Part {
                duration: millis(500),
                uri: format!("{number}.{part}"),
                byte_range: None,
                independent: part == 0,
                gap: false,
            };
            PartialSegment { number, parts: (0..count).map(part).collect() }
        };
        index.parts = vec![parts(12, 4), parts(13, 2)];
        index
    }

    fn name(found: Option<Segment>) -> String {
        found.map_or("nothing".to_owned(), |segment| segment.reference)
    }

    fn after(number: u64, part: Option<u32>, next: i64) -> String {
        let cursor = Cursor { rendition: RENDITION, number, part };
        name(find(&index(), Some(cursor), millis(next), SEAM, true))
    }

    #[test]
    fn whole_segments_follow_each_other_as_long_as_there_are_any_then_parts_do() {
        assert_eq!(after(10, None, 2000), "11");
        assert_eq!(after(11, None, 4000), "12");
        assert_eq!(after(12, None, 6000), "13.0");
        assert_eq!(after(13, Some(0), 6500), "13.1");
        assert_eq!(after(13, Some(1), 7000), "nothing", "yet");
    }

    #[test]
    fn behind_the_last_part_of_a_segment_comes_the_next_segment() {
        assert_eq!(after(12, Some(2), 5500), "12.3");
        assert_eq!(after(12, Some(3), 6000), "13.0");
        // The parts of 11 are listed no more.
        assert_eq!(after(11, Some(3), 4000), "12");
    }

    #[test]
    fn a_beginning_in_mid_segment_is_with_the_last_part_that_can_be_begun_with() {
        let at = |next: i64, tolerance| name(find(&index(), None, millis(next), tolerance, true));
        assert_eq!(at(5200, MediaTime::ZERO), "12", "its first part is, so all of it is fetched");
        assert_eq!(at(6800, MediaTime::ZERO), "13.0");
        assert_eq!(at(3000, MediaTime::ZERO), "11");
        assert_eq!(at(6800, SEAM), "nothing", "none can be begun with behind what is there");
        assert_eq!(name(find(&index(), None, millis(6200), MediaTime::ZERO, false)), "nothing", "without parts");
        let mut index = index();
        index.parts[0].parts[2].independent = true;
        assert_eq!(name(find(&index, None, millis(5200), MediaTime::ZERO, true)), "12.2");
        assert_eq!(name(find(&index, None, millis(4600), SEAM, true)), "12.2", "behind a hole");
    }
}
