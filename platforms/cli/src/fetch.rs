//! Whole resources, fetched in order: what looking at a manifest needs.

use std::path::Path;

use bytes::Bytes;
use telecine_engine::delivery::classify_status;
use telecine_engine::{FetchRequest, RequestClass, RequestId};
use telecine_model::{uri, ByteRange, Error, ErrorCode, Limits};
use telecine_virtual::{Fetched, Source};

/// A resource.
#[derive(Debug)]
pub(crate) struct Resource {
    /// URL that answered, after redirects.
    pub(crate) url: String,
    pub(crate) body: Bytes,
}

/// Fetches over any source, one request after the other.
pub(crate) struct Fetcher<S> {
    source: S,
    next: u64,
}

impl<S: Source> Fetcher<S> {
    pub(crate) fn new(source: S) -> Self {
        Self { source, next: 1 }
    }

    /// The resource at `url`, or a part of it.
    ///
    /// # Errors
    /// What the player says of the same answer: those of the network's and the service's domain,
    /// with the URL, the class of the request and, for answers of 400 and above, the status.
    pub(crate) fn get(&mut self, class: RequestClass, url: &str, range: Option<ByteRange>) -> Result<Resource, Error> {
        let limits = Limits::default();
        let config = telecine_engine::Config::default();
        let max_bytes = match class {
            RequestClass::Manifest | RequestClass::Playlist => limits.manifest_bytes,
            _ => limits.init_bytes,
        };
        let request = FetchRequest {
            id: RequestId(self.next),
            class,
            kind: None,
            url: url.to_owned(),
            byte_range: range,
            max_bytes: max_bytes as u64,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            max_redirects: u32::try_from(limits.redirects).unwrap_or(u32::MAX),
            attempt: 0,
        };
        self.next += 1;
        let about = |error: Error, url: &str| error.fact("url", uri::without_secrets(url)).fact("class", class.name());
        let response = match self.source.fetch(&request) {
            Fetched::Response(response) => *response,
            Fetched::Failure(failure) => return Err(about(Error::new(failure.code, failure.message), url)),
        };
        if response.status >= 400 {
            let error = about(classify_status(response.status, &response.body), &response.url);
            return Err(match response.retry_after {
                Some(wait) => error.fact("retry_after", wait),
                None => error,
            });
        }
        match response.broken {
            Some(failure) => Err(about(Error::new(failure.code, failure.message), &response.url)),
            None => Ok(Resource { url: response.url, body: response.body }),
        }
    }
}

/// What was written on the command line as an absolute URL: URLs as they are, paths as file URLs.
pub(crate) fn absolute(source: &str) -> Result<String, Error> {
    // A scheme of one letter is a drive, and nobody's protocol.
    if uri::split(source).scheme.is_some_and(|scheme| scheme.len() > 1) {
        return Ok(source.to_owned());
    }
    let path = std::path::absolute(Path::new(source))
        .map_err(|e| Error::new(ErrorCode::SourceUnreadable, format!("{source} is not a path: {e}")))?;
    Ok(file_url(&path))
}

/// An absolute path as a file URL (RFC 8089), with what would not be read as a path encoded.
fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'%' | b'?' | b'#' | b' ' | 0..=0x1f | 0x7f..=0xff => url.push_str(&format!("%{byte:02X}")),
            _ => url.push(char::from(byte)),
        }
    }
    url
}

/// A file, or the error that it cannot be read, which is one of the network's domain.
pub(crate) fn read(path: &Path) -> Result<Bytes, Error> {
    std::fs::read(path).map(Bytes::from).map_err(|e| unreadable(path, &e))
}

/// The error for a file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::SourceUnreadable, format!("{} cannot be read: {error}", path.display()))
        .fact("url", std::path::absolute(path).map_or_else(|_| path.display().to_string(), |path| file_url(&path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use telecine_virtual::Response;

    /// Answers everything with one status and body, and asks to come back later.
    struct Always(u16, &'static str);

    impl Source for Always {
        fn fetch(&mut self, request: &FetchRequest) -> Fetched {
            let mut response = Response::new(self.0, &request.url, self.1);
            response.retry_after = Some("30".to_owned());
            response.into()
        }
    }

    #[test]
    fn paths_become_file_urls_and_urls_stay() {
        assert_eq!(absolute("/a b/c#1.mpd").unwrap(), "file:///a%20b/c%231.mpd");
        assert_eq!(absolute("HTTPS://a/b?c").unwrap(), "HTTPS://a/b?c");
        assert!(absolute("x.m3u8").unwrap().starts_with("file:///"));
    }

    #[test]
    fn an_error_status_is_an_error_that_names_the_url_without_its_secrets() {
        let mut fetcher = Fetcher::new(Always(404, "gone"));
        let error = fetcher.get(RequestClass::Manifest, "http://a/b?token=secret", None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::HttpStatus);
        assert!(!error.to_string().contains("secret") && error.to_string().contains("http://a/b"), "{error}");
    }

    #[test]
    fn an_error_status_comes_with_its_cause_and_when_to_come_back() {
        let mut fetcher = Fetcher::new(Always(503, "<Error><Code>SlowDown</Code></Error>"));
        let error = fetcher.get(RequestClass::Playlist, "http://a/b", None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Throttled);
        let fact = |name: &str| error.facts().get(name).map(String::as_str);
        assert_eq!((fact("status"), fact("retry_after")), (Some("503"), Some("30")));
        assert_eq!((fact("class"), fact("server_code")), (Some("playlist"), Some("SlowDown")));
    }
}
