//! Queries that requests of segments carry on (ISO/IEC 23009-1, Annex I).

use std::borrow::Cow;
use std::sync::Arc;

use crate::uri;

/// A query for the requests of a rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Query {
    text: String,
    /// The only origin that may see it, as scheme and host; None says that every one may.
    only_to: Option<String>,
}

/// Queries to append to every URL of a rendition: of its segments, initialisation section and index.
///
/// They are no part of the references: a token that is meant for one origin
/// (`ExtUrlQueryInfo@sameOriginOnly`) must not reach another, and which origin a reference leads to shows
/// only when it has been resolved, against whichever base is used then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queries(Arc<[Query]>);

impl Queries {
    /// Queries in order, each with a URL of the only origin that may see it, if not every one may.
    pub fn new<'q>(queries: impl IntoIterator<Item = (String, Option<&'q str>)>) -> Self {
        let origin = |url: &str| format!("{}://{}", uri::split(url).scheme.unwrap_or(""), uri::host(url));
        let queries = queries.into_iter().filter(|(text, _)| !text.is_empty());
        Self(queries.map(|(text, only_to)| Query { text, only_to: only_to.map(origin) }).collect())
    }

    /// The absolute URL with the queries that its origin may see appended to whatever query it has; a
    /// fragment stays behind them. `data:` URLs ask nobody.
    pub fn appended(&self, url: String) -> String {
        let is_data = || uri::split(&url).scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data"));
        if self.0.is_empty() || is_data() {
            return url;
        }
        let may_see = |query: &&Query| query.only_to.as_ref().is_none_or(|origin| uri::same_origin(origin, &url));
        let seen: Vec<&str> = self.0.iter().filter(may_see).map(|query| query.text.as_str()).collect();
        match seen.is_empty() {
            true => url,
            false => with_query(Cow::Owned(url), &seen.join("&")),
        }
    }

    /// Bytes of heap in use.
    pub fn heap_bytes(&self) -> usize {
        let of = |query: &Query| query.text.capacity() + query.only_to.as_ref().map_or(0, String::capacity);
        size_of_val(&*self.0) + self.0.iter().map(of).sum::<usize>()
    }
}

fn with_query(url: Cow<'_, str>, query: &str) -> String {
    let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let mark = match front.find('?') {
        None => "?",
        Some(at) if at + 1 == front.len() => "",
        Some(_) => "&",
    };
    format!("{front}{mark}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_follow_the_urls_own_and_stay_in_front_of_a_fragment() {
        let queries = Queries::new([("a=1".to_owned(), None), (String::new(), None), ("b=2".to_owned(), None)]);
        for (url, queried) in [
            ("http://h/x", "http://h/x?a=1&b=2"),
            ("http://h/x?", "http://h/x?a=1&b=2"),
            ("http://h/x?c#f", "http://h/x?c&a=1&b=2#f"),
            ("data:,x", "data:,x"),
        ] {
            assert_eq!(queries.appended(url.to_owned()), queried);
        }
    }

    #[test]
    fn a_query_of_one_origin_reaches_no_other() {
        let only = Some("https://a.example/title/manifest.mpd?token=1");
        let queries = Queries::new([("token=1".to_owned(), only), ("n=2".to_owned(), None)]);
        let appended = |url: &str| queries.appended(url.to_owned());
        assert_eq!(appended("HTTPS://A.example/x"), "HTTPS://A.example/x?token=1&n=2");
        for other in ["https://b.example/x", "http://a.example/x", "https://a.example:8443/x", "https://a.example.b/x"]
        {
            assert_eq!(appended(other), format!("{other}?n=2"));
        }
        assert_eq!(appended("https://evil.example\\@a.example/"), "https://evil.example\\@a.example/?n=2");
    }
}
