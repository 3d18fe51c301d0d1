//! Queries that segment URLs carry on (ISO/IEC 23009-1, Annex I; D102).

use telecine_model::uri;

use super::element::Element;

/// `UrlQueryInfo` or `ExtUrlQueryInfo`.
#[derive(Clone, Debug, Default)]
pub(super) struct UrlQuery {
    template: String,
    use_mpd_query: bool,
    query: String,
    same_origin_only: bool,
    /// Meant for requests of segments.
    for_segments: bool,
    /// Needs something that this player does not do: a remote list, or a response header.
    pub(super) beyond_us: bool,
}

impl UrlQuery {
    pub(super) fn of(element: &Element<'_>) -> Self {
        let requests = element.words("includeInRequests");
        let header_source = element.attr("headerParamSource").is_some_and(|text| !text.trim().is_empty());
        let has_link = element.attributes.iter().any(|attribute| attribute.name == "href");
        Self {
            template: element.string("queryTemplate").unwrap_or_default(),
            use_mpd_query: element.flag("useMPDUrlQuery").unwrap_or(false),
            query: element.string("queryString").unwrap_or_default(),
            same_origin_only: element.flag("sameOriginOnly").unwrap_or(false),
            for_segments: requests.is_empty() || requests.iter().any(|kind| kind == "segment"),
            beyond_us: has_link || header_source,
        }
    }

    /// The query for segments of an MPD at `mpd`, and the URL of the only origin that may see it, if not
    /// every one may; empty if there is none, None if it is longer than any URL can be.
    pub(super) fn resolve<'m>(&self, mpd: &'m str) -> Option<(String, Option<&'m str>)> {
        let only_to = self.same_origin_only.then_some(mpd);
        if !self.for_segments || self.beyond_us {
            return Some((String::new(), only_to));
        }
        let initial = if self.use_mpd_query { uri::split(mpd).query.unwrap_or("") } else { "" };
        let pairs = join(initial, self.query.trim_start_matches(['?', '&']));
        let mut out = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if out.len() > MAX_QUERY {
                return None;
            }
            let Some((identifier, after)) = after.split_once('$') else {
                break;
            };
            rest = after;
            match identifier.strip_prefix("query:") {
                _ if identifier == "querypart" => out.push_str(&pairs),
                _ if identifier.is_empty() => out.push('$'),
                Some(name) => out.push_str(value_of(&pairs, name).unwrap_or("")),
                None => {}
            }
        }
        out.push_str(rest);
        (out.len() <= MAX_QUERY).then_some((out, only_to))
    }
}

/// Bytes of a query.
const MAX_QUERY: usize = 16 << 10;

fn value_of<'q>(pairs: &'q str, name: &str) -> Option<&'q str> {
    pairs.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Two queries as one.
fn join(a: &str, b: &str) -> String {
    match (a, b) {
        ("", only) | (only, "") => only.to_owned(),
        (a, b) => format!("{a}&{b}"),
    }
}
