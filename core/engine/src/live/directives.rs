//! Delivery directives: what a client tells a server with the request of a playlist (rfc8216bis 6.2.5).

use telecine_model::presentation::{PlaylistInfo, RenditionReport};
use telecine_model::{uri, MediaTime, SegmentIndex, Timestamp};

use super::parts;
use crate::action::FetchRequest;
use crate::engine::Engine;
use crate::requests::{Purpose, Request};
use crate::stream::RenditionRef;

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

    /// Asks for what has come since an answer that is `behind` old (rfc8216bis appendix C): no copy of it is of use.
    #[must_use]
    pub(crate) fn later(self, info: &PlaylistInfo, behind: MediaTime) -> Self {
        let Some((number, part)) = self.until else { return self };
        let steps = |of: MediaTime| behind.units().checked_div(of.units()).and_then(|n| u64::try_from(n).ok());
        let until = match part.zip(info.part_target) {
            Some((part, target)) => {
                let whole = info.target_duration.units().checked_div(target.units()).unwrap_or(1);
                let parts = u64::try_from(whole).unwrap_or(1).max(1);
                let all = part.saturating_add(steps(target).unwrap_or(0));
                (number.saturating_add(all / parts), Some(all % parts))
            }
            None => (number.saturating_add(steps(info.target_duration).unwrap_or(0)), part),
        };
        Self { until: Some(until), ..self }
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

/// How far behind an answer is that a cache has kept for `age` seconds, if that is as long as a part, or as a segment where
/// there are none. Ages are whole seconds, cut: where parts are shorter than one, one more is asked for.
pub(crate) fn stale_by(info: &PlaylistInfo, age: u64) -> Option<MediaTime> {
    let target = info.part_target.unwrap_or(info.target_duration);
    let least = u64::try_from(target.as_millis() / 1000).unwrap_or(0).max(1);
    let more = u64::from(target < MediaTime::from_secs(1));
    // Whoever keeps it for longer than an hour is not live.
    let seconds = i64::try_from(age.min(3600) + more).unwrap_or(0);
    (age >= least).then(|| MediaTime::from_secs(seconds))
}

fn is_directive(pair: &str) -> bool {
    ["_HLS_msn=", "_HLS_part=", "_HLS_skip="].iter().any(|name| pair.starts_with(name))
}

impl Engine {
    /// What the server of a playlist is asked for with the next request.
    pub(super) fn directives(&self, reference: RenditionRef) -> Directives {
        let plain = Directives::default();
        let reload = self.title.live.reloads.get(&reference).filter(|reload| !reload.is_plain());
        let info = self.title.playlists.get(&reference);
        let Some(((reload, info), index)) = reload.zip(info).zip(self.index_of(reference)) else { return plain };
        let blocks = self.config.live.low_latency && reload.may_block() && parts::blocks(info);
        let mut directives = if blocks { Directives::for_next(info, index) } else { plain };
        if let Some(behind) = reload.age().and_then(|age| stale_by(info, age)).filter(|_| blocks) {
            directives = directives.later(info, behind);
        }
        if let Some(reported) =
            self.reported(reference).filter(|reported| directives.blocks() && *reported > directives)
        {
            directives = reported;
        }
        directives.skipping(info, reload.loaded(), self.now)
    }

    /// What another playlist reports of one, to ask for that at least (4.4.5.4): no older copy is of use then.
    fn reported(&self, reference: RenditionRef) -> Option<Directives> {
        let url = self.rendition(reference)?.uri.as_deref()?;
        let playlists =
            self.title.playlists.values().filter(|info| self.config.live.low_latency && parts::blocks(info));
        let reports = playlists.flat_map(|info| info.rendition_reports.iter().map(move |report| (info, report)));
        // Most are of others, which their last names show.
        let reports = reports.filter(|(_, report)| {
            let reported = last_name(&report.uri);
            matches!(reported, "" | "." | "..") || reported == last_name(url)
        });
        let of_this = reports.filter(|(info, report)| uri::resolve(&info.uri, &report.uri) == url);
        of_this.filter_map(|(_, report)| Directives::for_reported(report)).max()
    }

    /// The URL at which a playlist is loaded for the first time.
    pub(crate) fn first_url(&self, reference: RenditionRef, url: String) -> String {
        self.reported(reference).map_or(url.clone(), |directives| directives.appended(&url))
    }

    /// A server refused what a playlist that was to be loaded for the first time was asked for, or gave up with it: another
    /// one reported more than there is, or the server knows no directives. What to ask for instead, if it is that: whatever
    /// there is of it.
    pub(crate) fn without_directives(&self, request: &Request, status: Option<u16>) -> Option<FetchRequest> {
        let Purpose::Playlist(reference) = request.purpose else { return None };
        let url = self.rendition(reference)?.uri.clone()?;
        let refused = matches!(status, Some(400 | 500..=599)) && request.fetch.url != url;
        refused.then(|| FetchRequest { url, ..request.fetch.clone() })
    }
}

/// What a reference ends in, queries left out.
fn last_name(reference: &str) -> &str {
    uri::split(reference).path.rsplit('/').next().unwrap_or("")
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
