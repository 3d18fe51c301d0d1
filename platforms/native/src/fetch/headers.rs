//! The application's own request headers, and who may see them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use telecine_model::{Error, ErrorCode};

/// Headers that the application adds: tokens, cookies, whatever its service wants. They go to the
/// origin that the title was loaded from and nowhere else, whatever a manifest or a redirect says.
#[derive(Clone, Debug, Default)]
pub(super) struct AppHeaders(HeaderMap);

impl AppHeaders {
    pub(super) fn new(headers: &[(String, String)]) -> Result<Self, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let (name, value) =
                parse(name, value).map_err(|message| Error::new(ErrorCode::InvalidArgument, message))?;
            map.append(name, value);
        }
        Ok(Self(map))
    }

    /// The headers for a request to `url` on behalf of `title`; none for a title without a URL.
    ///
    /// Decided on the URL as the client reads it: another reading could trust one host and send to
    /// another.
    pub(super) fn for_url(&self, url: &Url, title: Option<&Url>) -> HeaderMap {
        if title.is_some_and(|title| is_trusted(url, title)) {
            self.0.clone()
        } else {
            HeaderMap::new()
        }
    }
}

/// A header as the client has it.
///
/// # Errors
/// A message without the value: it may be a token.
pub(super) fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let refused = || format!("'{name}' is not a header that can be sent");
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// The same scheme, host and port as the title's (RFC 6454, 5). A URL without a host equals none.
pub(super) fn is_trusted(url: &Url, title: &Url) -> bool {
    url.origin() == title.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_told(url: &str, title: &str) -> bool {
        let headers = AppHeaders::new(&[("X-Key".into(), "secret".into())]).expect("a header");
        let url = Url::parse(url).expect("the client reads it");
        !headers.for_url(&url, Url::parse(title).ok().as_ref()).is_empty()
    }

    #[test]
    fn headers_go_to_the_titles_origin_only() {
        let title = "https://cdn.example:8443/title.m3u8";
        assert!(is_told("https://CDN.example:8443/a/1.m4s", title));
        for url in [
            "https://cdn.example/a",
            "http://cdn.example:8443/a",
            "https://cdn.example.evil.example:8443/",
            "https://cdn.example.evil.example:8443/",
            "https://evil.example/cdn.example:8443",
            "file:///cdn.example:8443",
        ] {
            assert!(!is_told(url, title), "{url}");
        }
        assert!(is_told("https://cdn.example:443/a", "https://cdn.example/title.mpd"), "the port of https");
        assert!(!is_told("https://cdn.example/a", "http://cdn.example/title.mpd"), "another origin");
    }

    #[test]
    fn a_backslash_that_moves_the_host_leaks_no_headers() {
        let title = "https://cdn.example/title.m3u8";
        for url in [
            r"https://evil.example\@cdn.example/x",
            r"https:\\evil.example\@cdn.example/x",
            r"https:/\evil.example/@cdn.example/x",
            r"https://evil.example\.cdn.example/",
        ] {
            assert!(!is_told(url, title), "{url}");
            assert!(!is_told("https://cdn.example/x", url), "{url}");
        }
    }

    #[test]
    fn a_title_without_a_host_trusts_nobody() {
        for title in ["", "file:///title.m3u8", "memory:///title.m3u8", "data:,x", "https://", "https://a b/"] {
            for url in ["https://cdn.example/x", "file:///title.m3u8", "memory:///title.m3u8", "data:,x"] {
                assert!(!is_told(url, title), "{title} {url}");
            }
        }
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_refused_without_its_value() {
        let error = AppHeaders::new(&[("X Y".into(), "secret".into())]).expect_err("no name");
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(!error.to_string().contains("secret"));
        assert!(AppHeaders::new(&[("X".into(), "a\r\nb".into())]).is_err());
    }
}
