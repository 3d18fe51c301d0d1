//! Delivery directives: what a client tells a server with the request of a playlist (rfc8216bis 6.2.5).

use telecine_model::presentation::{PlaylistInfo, RenditionReport};
use telecine_model::{MediaTime, SegmentIndex, Timestamp};

/// The directives of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Directives {
    /// `_HLS_msn` and `_HLS_part`: answered once the playlist has this.
    pub(crate) until: Option<(u64, Option<u64>)>,
    /// `_HLS_skip`: the oldest segments may be left out; date ranges too.
    pub(crate) skip: Option<Skip>,
}

/// What may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Skip {
    /// `YES`: segments.
    Segments,
    /// `v2`: date ranges that are known too.
    DateRanges,
}

impl Directives {
    /// Asks for what comes next in a playlist.
    pub(crate) fn for_next(info: &PlaylistInfo, index: &SegmentIndex) -> Self {
        let next = index.table.end_number();
        let part = info.part_target.map(|_| index.parts_of(next).len() as u64);
        Self { until: Some((next, part)), skip: None }
    }

    /// Asks for what a playlist is reported to have.
    pub(crate) fn for_reported(report: &RenditionReport) -> Option<Self> {
        Some(Self { until: Some((report.last_msn?, report.last_part)), skip: None })
    }

    /// The same, leaving out what is known, where the server can and the copy that is known, loaded at `loaded`, is not
    /// too old for it (H123).
    #[must_use]
    pub(crate) fn skipping(self, info: &PlaylistInfo, loaded: Timestamp, now: Timestamp) -> Self {
        let control = info.server_control.as_ref();
        let boundary = control.and_then(|control| control.can_skip_until).filter(|_| !info.ended);
        let fresh = |boundary: MediaTime| now.since(loaded) <= boundary.mul_ratio(1, 2).to_duration();
        let both = control.is_some_and(|control| control.can_skip_date_ranges);
        let skip = if both { Skip::DateRanges } else { Skip::Segments };
        Self { skip: boundary.filter(|boundary| fresh(*boundary)).map(|_| skip), ..self }
    }

    /// Whether the server is to wait with its answer.
    pub(crate) fn blocks(&self) -> bool {
        self.until.is_some()
    }

    /// A playlist's URL with these directives, in the order of UTF-8, so that all clients ask for the same (H110). What
    /// else the query has stays as it is.
    pub(crate) fn appended(&self, url: &str) -> String {
        let mut own = Vec::new();
        if let Some((number, part)) = self.until {
            own.push(format!("_HLS_msn={number}"));
            own.extend(part.map(|part| format!("_HLS_part={part}")));
        }
        own.extend(self.skip.map(|skip| {
            let value = if skip == Skip::DateRanges { "v2" } else { "YES" };
            format!("_HLS_skip={value}")
        }));
        if own.is_empty() {
            return url.to_owned();
        }
        let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
        let (path, query) = front.split_once('?').unwrap_or((front, ""));
        // What a playlist's URL already says of this is not said twice.
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !is_directive(pair));
        let mut parameters: Vec<&str> = kept.collect();
        let place = parameters.iter().position(|pair| *pair > "_HLS_").unwrap_or(parameters.len());
        parameters.splice(place..place, own.iter().map(String::as_str));
        format!("{path}?{}{fragment}", parameters.join("&"))
    }
}

fn is_directive(pair: &str) -> bool {
    ["_HLS_msn=", "_HLS_part=", "_HLS_skip="].iter().any(|name| pair.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_stand_in_the_order_of_utf_8() {
        let all = Directives { until: Some((7, Some(2))), skip: Some(Skip::Segments) };
        for (url, asked) in [
            ("http://h/p", "http://h/p?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"),
            ("http://h/p?A=1&z=2", "http://h/p?A=1&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES&z=2"),
            ("http://h/p?token=x#f", "http://h/p?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES&token=x#f"),
            ("http://h/p?_HLS_msn=3&_HLS_other=1", "http://h/p?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES&_HLS_other=1"),
        ] {
            assert_eq!(all.appended(url), asked);
        }
        let none = Directives::default();
        assert_eq!(none.appended("http://h/p?b&a"), "http://h/p?b&a");
        let v2 = Directives { until: None, skip: Some(Skip::DateRanges) };
        assert_eq!(v2.appended("http://h/p"), "http://h/p?_HLS_skip=v2");
    }
}
