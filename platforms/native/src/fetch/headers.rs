//! The application's own request headers, and who may see them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use telecine_model::{uri, Error, ErrorCode};

/// Headers that the application adds: tokens, cookies, whatever its service wants. They go to the
/// host that the title was loaded from and nowhere else, whatever a manifest or a redirect says.
#[derive(Clone, Debug, Default)]
pub(super) struct AppHeaders(HeaderMap);

impl AppHeaders {
    pub(super) fn new(headers: &[(String, String)]) -> Result<Self, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let refused = |_| {
                // Not the value: it may be a token.
                Error::new(ErrorCode::InvalidArgument, format!("'{name}' is not a header that can be sent"))
            };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| refused(error.to_string()))?;
            let mut value = HeaderValue::from_str(value).map_err(|error| refused(error.to_string()))?;
            value.set_sensitive(true);
            map.append(name, value);
        }
        Ok(Self(map))
    }

    /// The headers for a request to `url` on behalf of `title`.
    pub(super) fn for_url(&self, url: &str, title: &str) -> HeaderMap {
        if is_trusted(url, title) {
            self.0.clone()
        } else {
            HeaderMap::new()
        }
    }
}

/// The same host and port as the title's, and not less secure than it.
fn is_trusted(url: &str, title: &str) -> bool {
    let secure = |url| uri::split(url).scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    uri::host(url).eq_ignore_ascii_case(uri::host(title)) && (secure(url) || !secure(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_to_the_titles_host_and_never_to_a_less_secure_one() {
        let title = "https://cdn.example:8443/title.m3u8";
        assert!(is_trusted("https://CDN.example:8443/a/1.m4s", title));
        for url in [
            "https://cdn.example/a",
            "http://cdn.example:8443/a",
            "https://cdn.example:8443.evil.example/",
            "https://cdn.example:8443@evil.example/",
            "https://evil.example/cdn.example:8443",
            "file:///cdn.example:8443",
        ] {
            assert!(!is_trusted(url, title), "{url}");
        }
        assert!(is_trusted("https://cdn.example/a", "http://cdn.example/title.mpd"));
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_refused_without_its_value() {
        let error = AppHeaders::new(&[("X Y".into(), "secret".into())]).expect_err("no name");
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(!error.to_string().contains("secret"));
        assert!(AppHeaders::new(&[("X".into(), "a\r\nb".into())]).is_err());
    }
}
