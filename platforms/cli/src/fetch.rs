//! Whole resources, fetched in order: what looking at a manifest needs.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use percent_encoding::percent_decode_str;
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
            whole_will_do: false,
            max_bytes: max_bytes as u64,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            max_redirects: u32::try_from(limits.redirects).unwrap_or(u32::MAX),
            known: telecine_engine::Validators::default(),
            urgency: 3,
            pace: None,
            attempt: 0,
            licence: None,
            head: false,
        };
        self.next += 1;
        let about = |error: Error, url: &str| error.fact("url", uri::without_secrets(url)).fact("class", class.name());
        let response = match self.source.fetch(&request) {
            Fetched::Response(response) => *response,
            Fetched::Failure(failure) => return Err(about(Error::new(failure.code, failure.message), url)),
        };
        if !(200..300).contains(&response.status) {
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
    if is_url(source) {
        return Ok(source.to_owned());
    }
    let path = std::path::absolute(Path::new(source)).map_err(|e| refused(format!("'{source}' is not a path: {e}")))?;
    Ok(file_url(&path))
}

/// The absolute URL of a manifest that was named on the command line.
///
/// # Errors
/// `InvalidArgument` if it is a URL that nothing can be fetched from, or a file that cannot be read: neither is for a
/// network to find out.
pub(crate) fn manifest(source: &str) -> Result<String, Error> {
    let url = absolute(source)?;
    let shown = uri::without_secrets(source);
    let scheme = uri::split(&url).scheme.unwrap_or("").to_ascii_lowercase();
    match scheme.as_str() {
        // What may not lead to itself has control characters in it.
        _ if !uri::may_follow(&url, &url) => Err(refused(format!("'{}' is no URL", crate::output::plain(&shown)))),
        "http" | "https" if uri::host(&url).is_empty() => Err(refused(format!("'{shown}' names no host"))),
        "http" | "https" => Ok(url),
        "file" => match file_path(&url) {
            Some(path) => check(&path, source).map(|()| url),
            None => Err(refused(format!("'{shown}' names no file of this device"))),
        },
        _ => Err(refused(format!("'{shown}' is no http, https or file URL{}", hint(source)))),
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

/// A scheme of one letter is a drive, and nobody's protocol.
fn is_url(source: &str) -> bool {
    uri::split(source).scheme.is_some_and(|scheme| scheme.len() > 1)
}

/// Whether a manifest can be read from a path.
fn check(path: &Path, source: &str) -> Result<(), Error> {
    let failed = |e: io::Error| refused(format!("'{source}' cannot be read: {}{}", reason(&e), hint(source)));
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        let inside = manifests_in(path);
        let inside = if inside.is_empty() { "it holds none".to_owned() } else { format!("it holds {inside}") };
        return Err(refused(format!("'{source}' is a folder: name a playlist or an MPD in it ({inside})")));
    }
    if !metadata.is_file() {
        return Err(refused(format!("'{source}' is not a file")));
    }
    File::open(path).map(drop).map_err(failed)
}

/// Some of the manifests in a folder, for a person who named the folder.
fn manifests_in(folder: &Path) -> String {
    let is_manifest = |name: &String| name.ends_with(".m3u8") || name.ends_with(".mpd");
    let names = std::fs::read_dir(folder).into_iter().flatten();
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(is_manifest).collect();
    names.sort();
    let more = if names.len() > 3 { ", …" } else { "" };
    names.truncate(3);
    names.join(", ") + more
}

/// What to write instead of a path, or of a scheme, that begins like a host.
fn hint(source: &str) -> String {
    let (first, rest) = source.split_once('/').unwrap_or((source, ""));
    let like_a_host = first.contains('.') && !first.starts_with('.') || first.contains(':');
    if like_a_host && !rest.is_empty() && !rest.starts_with('/') {
        format!("; a URL begins with http:// or https://, as http://{source}")
    } else {
        String::new()
    }
}

/// Why a file cannot be read or written, without the number that the system has for it.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "it is not permitted".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// The path of a file URL on this device.
fn file_path(url: &str) -> Option<PathBuf> {
    let parts = uri::split(url);
    let local = matches!(parts.authority, None | Some("") | Some("localhost"));
    let bytes: Vec<u8> = percent_decode_str(parts.path).collect();
    local.then(|| String::from_utf8(bytes).ok().map(PathBuf::from)).flatten()
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

/// A file that was named on the command line.
pub(crate) fn read(path: &Path) -> Result<Bytes, Error> {
    std::fs::read(path).map(Bytes::from).map_err(|e| unreadable(path, &e))
}

/// The error for a file that was named on the command line and cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Error {
    refused(format!("'{}' cannot be read: {}", path.display(), reason(error)))
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
    fn a_file_url_is_the_path_that_it_was_made_of() {
        let path = Path::new("/a b/c#1 %41é.mpd");
        assert_eq!(file_path(&file_url(path)).as_deref(), Some(path));
        assert_eq!(file_path("file://localhost/a"), Some(PathBuf::from("/a")));
        assert_eq!(file_path("file://elsewhere/a"), None);
    }

    #[test]
    fn what_begins_like_a_host_is_told_how_a_url_begins() {
        for source in ["cdn.example/a.m3u8", "localhost:8080/a.m3u8", "127.0.0.1:80/a/b.mpd"] {
            assert!(hint(source).contains(&format!("http://{source}")), "{source}");
        }
        for source in ["a.m3u8", "./a.m3u8", "../a/b.mpd", "/a.b/c.mpd", "a/b.mpd", "htp://a.b/c"] {
            assert_eq!(hint(source), "", "{source}");
        }
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
