//! `SegmentBase`, and representations without any segment element: one resource, with an index
//! inside it or as a whole (D010).

use std::sync::Arc;

use telecine_model::segments::{InitSection, SegmentIndexSource};
use telecine_model::Segments;

use super::{Info, Scope};

pub(super) fn build(info: &Info, scope: &Scope<'_>) -> Segments {
    let init = info.init.as_ref().map(|init| {
        Arc::new(InitSection { uri: init.uri.clone().unwrap_or_default(), byte_range: init.range, keys: Arc::from([]) })
    });
    Segments::Indexed(Box::new(SegmentIndexSource {
        base: scope.base.uri.as_str().into(),
        queries: scope.queries.clone(),
        uri: String::new(),
        index_range: info.index_range,
        init,
        timescale: info.timescale().get(),
        // Times in a text file are relative to the period (D100).
        presentation_offset: if scope.stand_alone_text { 0 } else { info.offset() },
        origin: scope.period_start,
        duration: scope.period_duration,
        keys: Arc::from([]),
    }))
}
