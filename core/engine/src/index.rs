//! Segment indexes (`sidx`) to segment tables.

use std::sync::Arc;

use telecine_container::SegmentIndexBox;
use telecine_model::segments::{Addressing, InitSection, RangeList, Runs, SegmentIndexSource};
use telecine_model::{ByteRange, Error, ErrorCode, Limits, SegmentIndex, SegmentTable};

/// Ranges of the indexes that `index` points to, with an index in them (hierarchical sidx).
pub fn nested_ranges(index: &SegmentIndexBox) -> Vec<ByteRange> {
    let mut at = index.anchor();
    let mut ranges = Vec::new();
    for reference in &index.references {
        let length = u64::from(reference.size);
        if reference.is_index {
            ranges.push(ByteRange { offset: at, length });
        }
        at = at.saturating_add(length);
    }
    ranges
}

/// The segments of an indexed resource (DASH `SegmentBase`), from its index boxes. Offsets of the
/// boxes are those in the resource. With a hierarchical index, `sidx` holds the top one and those
/// that it leads to, in any order; their media references become the segments, in order of time.
///
/// # Errors
/// [`ErrorCode::IndexInvalid`] without a media reference, with a zero duration, or with a timescale
/// other than the manifest's (D010); [`ErrorCode::ManifestLimit`] beyond `Limits::segments`.
pub fn index_from_sidx(source: &SegmentIndexSource, sidx: &[SegmentIndexBox]) -> Result<SegmentIndex, Error> {
    let invalid = |what: &str| Error::new(ErrorCode::IndexInvalid, what.to_owned());
    let mut boxes: Vec<&SegmentIndexBox> = sidx.iter().filter(|b| b.references.iter().any(|r| !r.is_index)).collect();
    boxes.sort_by_key(|b| (b.earliest_presentation_time, b.offset));
    let nothing = if sidx.is_empty() {
        "there is no segment index in the index range"
    } else {
        "the segment index refers to no media"
    };
    let first = boxes.first().ok_or_else(|| invalid(nothing))?;
    let timescale = first.timescale;
    let mut table = SegmentTable::new(timescale, 1);
    let mut ranges = RangeList::new();
    for index in &boxes {
        if index.timescale != timescale {
            return Err(invalid("the parts of the segment index have different timescales"));
        }
        let mut at = index.anchor();
        let mut start = i64::try_from(index.earliest_presentation_time).map_err(|_| invalid("times beyond 63 bits"))?;
        for reference in &index.references {
            if !reference.is_index {
                if reference.duration == 0 || reference.size == 0 {
                    return Err(invalid("a segment without duration or bytes in the index"));
                }
                table
                    .push(Some(start), u64::from(reference.duration), 1)
                    .map_err(|_| invalid("times of the index run backwards"))?;
                let range = ByteRange { offset: at, length: u64::from(reference.size) };
                if table.len() > Limits::default().segments || !ranges.push(Some(range)) {
                    return Err(Error::new(ErrorCode::ManifestLimit, "the segment index has too many segments"));
                }
            }
            at = at.saturating_add(u64::from(reference.size));
            start = start.saturating_add(i64::from(reference.duration));
        }
    }
    let mut index = SegmentIndex::new(table, Arc::clone(&source.base), Addressing::Single(source.uri.clone()));
    index.queries = source.queries.clone();
    index.listed_from = 1;
    // The manifest's offset is in its own timescale, which ought to be the index's.
    index.presentation_offset = if source.timescale == timescale.get() {
        source.presentation_offset
    } else {
        let scaled = i128::from(source.presentation_offset) * i128::from(timescale.get());
        i64::try_from(scaled / i128::from(source.timescale.max(1))).unwrap_or(0)
    };
    index.origin = source.origin;
    index.ranges = Some(ranges);
    index.init = Runs::constant(Some(source.init.clone().unwrap_or_else(|| Arc::new(leading_init(source, sidx)))));
    index.keys = Runs::constant(Arc::clone(&source.keys));
    index.shrink();
    Ok(index)
}

/// Without `Initialization`, the section is what lies in front of the index (DASH-IF IOP).
fn leading_init(source: &SegmentIndexSource, sidx: &[SegmentIndexBox]) -> InitSection {
    let end = sidx.iter().map(|b| b.offset).min().unwrap_or(0);
    InitSection {
        uri: source.uri.clone(),
        byte_range: Some(ByteRange { offset: 0, length: end }),
        keys: Arc::clone(&source.keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_container::SidxReference;
    use telecine_model::{MediaTime, Timescale};

    fn source() -> SegmentIndexSource {
        SegmentIndexSource {
            base: "http://a/v.mp4".into(),
            queries: Default::default(),
            uri: String::new(),
            index_range: Some(ByteRange { offset: 100, length: 44 }),
            init: None,
            timescale: 1000,
            presentation_offset: 500,
            origin: MediaTime::from_secs(10),
            duration: None,
            keys: Arc::from([]),
        }
    }

    fn sidx(offset: u64, start: u64, references: &[(bool, u32, u32)]) -> SegmentIndexBox {
        SegmentIndexBox {
            reference_id: 1,
            offset,
            size: 44,
            timescale: Timescale::new(1000).expect("not zero"),
            earliest_presentation_time: start,
            first_offset: 0,
            references: references
                .iter()
                .map(|(is_index, size, duration)| SidxReference {
                    is_index: *is_index,
                    size: *size,
                    duration: *duration,
                    starts_with_sap: true,
                    sap_type: 1,
                    sap_delta_time: 0,
                })
                .collect(),
        }
    }

    #[test]
    fn segments_follow_the_index_without_holes() {
        let index =
            index_from_sidx(&source(), &[sidx(100, 500, &[(false, 10, 2000), (false, 20, 1000)])]).expect("valid");
        let second = index.get(2).expect("there");
        assert_eq!((second.start, second.duration), (MediaTime::from_secs(12), MediaTime::from_secs(1)));
        assert_eq!(second.byte_range, Some(ByteRange { offset: 154, length: 20 }));
        assert_eq!(second.uri, "http://a/v.mp4");
        assert_eq!(second.init.and_then(|i| i.byte_range), Some(ByteRange { offset: 0, length: 100 }));
    }

    #[test]
    fn a_hierarchical_index_is_flattened() {
        let top = sidx(100, 500, &[(true, 44, 2000), (true, 44, 1000)]);
        assert_eq!(nested_ranges(&top), [ByteRange { offset: 144, length: 44 }, ByteRange { offset: 188, length: 44 }]);
        let parts = [top, sidx(188, 2500, &[(false, 7, 1000)]), sidx(144, 500, &[(false, 10, 2000)])];
        let index = index_from_sidx(&source(), &parts).expect("valid");
        assert_eq!(index.table.len(), 2);
        assert_eq!(index.get(1).and_then(|s| s.byte_range), Some(ByteRange { offset: 188, length: 10 }));
    }

    #[test]
    fn an_index_of_nothing_is_refused() {
        let code = |boxes: &[SegmentIndexBox]| index_from_sidx(&source(), boxes).map_err(|e| e.code());
        assert_eq!(code(&[]).err(), Some(ErrorCode::IndexInvalid));
        assert_eq!(code(&[sidx(1, 0, &[(true, 1, 1)])]).err(), Some(ErrorCode::IndexInvalid));
        assert_eq!(code(&[sidx(1, 0, &[(false, 1, 0)])]).err(), Some(ErrorCode::IndexInvalid));
    }
}
