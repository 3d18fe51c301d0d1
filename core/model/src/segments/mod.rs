//! Segments as tables, not as lists of objects.
//!
//! A day of live is 43,200 segments a rendition. [`SegmentTable`] holds their times run-length
//! compressed; [`UriList`], [`RangeList`] and [`Runs`] hold what else a playlist says of them at a
//! cost that follows the changes, not the segments; [`SegmentIndex`] puts them together and answers
//! with one [`Segment`] at a time.

mod index;
mod locator;
mod query;
mod ranges;
mod runs;
mod table;

pub use index::{
    Addressing, ByteRange, InitSection, Part, PartialSegment, Segment, SegmentIndex, SegmentIndexSource, Segments,
    Sequence,
};
pub use locator::{TemplateError, UriList, UrlTemplate};
pub use query::Queries;
pub use ranges::RangeList;
pub use runs::Runs;
pub use table::{Align, MergeOutcome, SegmentTable, Span, TableError};
