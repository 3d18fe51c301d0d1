//! `SegmentList`: URLs and byte ranges one by one (D020).

use telecine_model::segments::{Addressing, RangeList, UriList};
use telecine_model::{Error, ErrorCode, SegmentIndex, SegmentTable};

use super::template::{clipped, push_until};
use super::{too_many, Info, Scope};
use crate::dash::element::Element;
use crate::dash::reader::{Warnings, Xml};
use crate::dash::value::byte_range;

/// The `SegmentURL`s of one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    uris: UriList,
    /// Kept only once a row has a range.
    ranges: Option<RangeList>,
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.uris.is_empty()
    }

    pub(super) fn read<'a>(&mut self, xml: &mut Xml<'a>, element: &Element<'a>) -> Result<(), Error> {
        let range = xml.parsed(element, "mediaRange", "D020", byte_range);
        if u64::from(self.uris.len()) >= xml.limits.segments {
            return Err(xml.error(ErrorCode::ManifestLimit, "more segments than the limit"));
        }
        if range.is_some() && self.ranges.is_none() {
            let mut ranges = RangeList::new();
            let filled = (0..self.uris.len()).all(|_| ranges.push(None));
            self.ranges = filled.then_some(ranges);
        }
        let stored = self.uris.push(element.attr("media").as_deref().unwrap_or(""))
            && self.ranges.as_mut().is_none_or(|ranges| ranges.push(range));
        if !stored {
            return Err(xml.error(ErrorCode::ManifestLimit, "a SegmentURL or its range passes 4 GiB"));
        }
        xml.skip()
    }
}

pub(super) fn build(info: &Info, scope: &Scope<'_>, warnings: &mut Warnings) -> Result<Option<SegmentIndex>, Error> {
    let Some(rows) = &info.rows else {
        warnings.add("D020", scope.place, "a SegmentList without SegmentURL: the representation was left out");
        return Ok(None);
    };
    let Ok(init) = info.init_section(scope, warnings) else {
        return Ok(None);
    };
    let uris = rows.uris.clone();
    let count = u64::from(uris.len());
    let first = info.first_number();
    let mut table = SegmentTable::new(info.timescale(), first);
    let end = info.end_tick(scope);
    let duration = match &info.timeline {
        Some(_) => Ok(None),
        None => info.duration(scope, warnings),
    };
    let Ok(duration) = duration else { return Ok(None) };
    let pushed = match (&info.timeline, duration, end) {
        (Some(timeline), _, _) => {
            table = timeline.table(info, scope, warnings)?.relabelled(info.timescale(), first);
            if table.len() != count {
                warnings.add("D020", scope.place, "SegmentTimeline and SegmentURLs differ in number");
            }
            if table.len() > count {
                table = clipped(&table, first.saturating_add(count).saturating_sub(1));
            }
            Ok(())
        }
        (None, Some(duration), Some(end)) => push_until(&mut table, info.offset(), end, duration, count),
        (None, Some(duration), None) => table.push(Some(info.offset()), duration, count),
        (None, None, Some(end)) if count == 1 => {
            let length = u64::try_from(end.saturating_sub(info.offset())).unwrap_or(0);
            table.push(Some(info.offset()), length, 1)
        }
        _ => {
            warnings.add(
                "D020",
                scope.place,
                "a SegmentList without @duration or SegmentTimeline: the representation was left out",
            );
            return Ok(None);
        }
    };
    pushed.map_err(|_| too_many(scope))?;
    let mut index = info.index(scope, table, Addressing::Listed(uris), init);
    index.listed_from = first;
    index.ranges.clone_from(&rows.ranges);
    index.shrink();
    Ok(Some(index))
}
