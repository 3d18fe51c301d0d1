//! References and their resolution (RFC 3986), without a dependency and without re-encoding.
//!
//! Signed URLs must reach the server byte for byte as the manifest wrote them, so nothing here
//! normalises, decodes or encodes: [`resolve`] only joins, as section 5.2 of RFC 3986 says.

use std::borrow::Cow;

/// The five components of a reference (RFC 3986, appendix B), as slices of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Scheme without the colon.
    pub scheme: Option<&'a str>,
    /// User information, host and port, without the slashes.
    pub authority: Option<&'a str>,
    /// Path, possibly empty.
    pub path: &'a str,
    /// Query without the question mark.
    pub query: Option<&'a str>,
    /// Fragment without the hash.
    pub fragment: Option<&'a str>,
}

/// Splits a reference into its components. Any text splits; a colon counts as the end of a scheme
/// only after a valid scheme name (RFC 3986, 3.1).
///
/// What names a server is read as those who connect to it read it: of http and https URLs a backslash
/// ends the authority as a slash does (WHATWG URL, authority state), or `https://a\@b/` would be a
/// URL of `b` here and of `a` on the network.
pub fn split(reference: &str) -> Parts<'_> {
    let (rest, fragment) = cut(reference, '#');
    let (rest, query) = cut(rest, '?');
    let (scheme, rest) = match rest.find(':') {
        Some(colon) if is_scheme(&rest[..colon]) => (Some(&rest[..colon]), &rest[colon + 1..]),
        _ => (None, rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let special = scheme.is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"));
            let end = rest.find(|c| c == '/' || (c == '\\' && special)).unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path, query, fragment }
}

fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Resolves `reference` against `base` (RFC 3986, 5.2.2, strict). An empty reference gives the
/// base without its fragment.
pub fn resolve(base: &str, reference: &str) -> String {
    let r = split(reference);
    if r.scheme.is_some() {
        return join(r.scheme, r.authority, &remove_dot_segments(r.path), r.query, r.fragment);
    }
    let b = split(base);
    if r.authority.is_some() {
        return join(b.scheme, r.authority, &remove_dot_segments(r.path), r.query, r.fragment);
    }
    if r.path.is_empty() {
        return join(b.scheme, b.authority, b.path, r.query.or(b.query), r.fragment);
    }
    let joined;
    let path = if r.path.starts_with('/') {
        remove_dot_segments(r.path)
    } else {
        let folder = match b.path.rfind('/') {
            Some(slash) => &b.path[..=slash],
            None if b.authority.is_some() => "/",
            None => "",
        };
        joined = [folder, r.path].concat();
        remove_dot_segments(&joined)
    };
    join(b.scheme, b.authority, &path, r.query, r.fragment)
}

/// RFC 3986, 5.2.4.
fn remove_dot_segments(path: &str) -> Cow<'_, str> {
    // Most have none.
    if !path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Cow::Borrowed(path);
    }
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    if absolute {
        out.push('/');
    }
    out.push_str(&kept.join("/"));
    Cow::Owned(out)
}

fn join(
    scheme: Option<&str>,
    authority: Option<&str>,
    path: &str,
    query: Option<&str>,
    fragment: Option<&str>,
) -> String {
    let mut out = String::with_capacity(path.len() + 64);
    if let Some(scheme) = scheme {
        out.push_str(scheme);
        out.push(':');
    }
    if let Some(authority) = authority {
        out.push_str("//");
        out.push_str(authority);
        // A path never becomes part of the host's name (RFC 3986, 3.3).
        if !path.is_empty() && !path.starts_with(['/', '\\']) {
            out.push('/');
        }
    }
    out.push_str(path);
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

/// True if the text begins with a scheme.
pub fn is_absolute(reference: &str) -> bool {
    split(reference).scheme.is_some()
}

/// True if a reference leads to the same place from every base: it names its server, or is a whole URL.
pub fn names_server(reference: &str) -> bool {
    let parts = split(reference);
    parts.scheme.is_some() || parts.authority.is_some()
}

/// Host and port of an absolute URL, user information left out; empty if it has none.
pub fn host(url: &str) -> &str {
    let authority = split(url).authority.unwrap_or("");
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// True if two absolute URLs share scheme, host and port as written.
pub fn same_origin(a: &str, b: &str) -> bool {
    let same_scheme = match (split(a).scheme, split(b).scheme) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    };
    same_scheme && host(a).eq_ignore_ascii_case(host(b))
}

/// True if content loaded from `from` may refer to `to`: content of the network stays on http and
/// https (and `data:`), content of the device's own storage may stay there or go to the network.
///
/// A URL with control characters in it leads nowhere: no URL has any (RFC 3986, 2), and who drops them
/// and who keeps them would see different URLs. Spaces are as little allowed, but playlists have them,
/// and every client reads them alike, as `%20`.
pub fn may_follow(from: &str, to: &str) -> bool {
    if to.bytes().any(|b| b.is_ascii_control()) {
        return false;
    }
    let scheme = |url| split(url).scheme.unwrap_or("").to_ascii_lowercase();
    match scheme(to).as_str() {
        "http" | "https" | "data" => true,
        other => !matches!(scheme(from).as_str(), "http" | "https" | "data") && other == scheme(from),
    }
}

/// The URL as logs, errors and recordings may show it: user information dropped, each query
/// value replaced by a short digest that tells equal values from different ones, and so are values of
/// parameters in the path that look like tokens; fragment dropped. `data:` URLs lose their payload.
pub fn without_secrets(url: &str) -> String {
    let parts = split(url);
    if parts.scheme.is_some_and(|s| s.eq_ignore_ascii_case("data")) {
        return redact_data(parts.path);
    }
    let authority = parts.authority.map(|_| host(url));
    let query = parts.query.map(redact_query);
    join(parts.scheme, authority, &redact_path(parts.path), query.as_deref(), None)
}

fn redact_data(payload: &str) -> String {
    let digest = if is_redacted(payload) { payload.to_owned() } else { digest(payload) };
    format!("data:{digest}")
}

/// A text that may be a URL or a reference, or have one at its end, without what may be secret in
/// it: as [`without_secrets`], but what is not of a URL stays as it is, and so do values that hold a
/// variable (`{$name}`) or a template's placeholder (`$Number$`). Redacting twice changes nothing
/// more.
pub fn redact(text: &str) -> Cow<'_, str> {
    if let Some(payload) = text.get(..5).filter(|head| head.eq_ignore_ascii_case("data:")).and(text.get(5..)) {
        return Cow::Owned(redact_data(payload));
    }
    let mut text = Cow::Borrowed(text);
    let start = text.find("://").map(|at| at + 3).or(text.starts_with("//").then_some(2));
    if let Some((before, behind)) = start.and_then(|start| text.split_at_checked(start)) {
        let authority = behind.find(['/', '?', '#', '\\']).map_or(behind, |end| &behind[..end]);
        if let Some((_, host)) = authority.rsplit_once('@') {
            text = Cow::Owned(format!("{before}{host}{}", &behind[authority.len()..]));
        }
    }
    // What begins with a hash may be a line of a playlist.
    let (path, rest) = text.split_at(text.find('?').or_else(|| text.find('#')).unwrap_or(text.len()));
    let shown = redact_path(path);
    let redacted = match rest.strip_prefix('?') {
        Some(query) => {
            let query = query.split_once('#').map_or(query, |(query, _)| query);
            format!("{shown}?{}", redact_query(query))
        }
        // A fragment with parameters, as some single sign-ons make.
        None if !path.is_empty() && rest.contains('=') => shown.into_owned(),
        None => format!("{shown}{rest}"),
    };
    if redacted == text {
        return text;
    }
    Cow::Owned(redacted)
}

/// A path with the values of its parameters replaced that look like tokens: CDNs take them in segments of
/// their own (`/exp=1~acl=*~hmac=…/`, `/bcdn_token=…/`) and behind a semicolon. What has no slash in it
/// may be something else than a path: of that, only what is behind a semicolon counts.
fn redact_path(path: &str) -> Cow<'_, str> {
    if !path.contains('=') {
        return Cow::Borrowed(path);
    }
    let is_path = path.contains('/');
    let mut out = String::with_capacity(path.len());
    for segment in path.split_inclusive('/') {
        let (text, slash) = segment.strip_suffix('/').map_or((segment, ""), |text| (text, "/"));
        let mut counts = is_path;
        let mut rest = text;
        while !rest.is_empty() {
            let piece = &rest[..next_parameter(rest)];
            out.push_str(&redact_parameter(piece, counts));
            rest = &rest[piece.len()..];
            counts |= rest.starts_with(';');
        }
        out.push_str(slash);
    }
    if out == path {
        return Cow::Borrowed(path);
    }
    Cow::Owned(out)
}

/// Where the parameter ends that a text begins with: in front of a separator behind which another has its
/// name. A value may have separators in it.
fn next_parameter(text: &str) -> usize {
    let named = |rest: &str| {
        let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
        name.is_some_and(|end| end > 0 && rest[end..].starts_with('='))
    };
    let found = text.match_indices([';', '~', '&']).find(|(at, mark)| *at > 0 && named(&text[at + mark.len()..]));
    found.map_or(text.len(), |(at, _)| at)
}

/// `name=value`, separator included that it may begin with. What follows a last dot in a few letters is a
/// file's ending and stays.
fn redact_parameter(text: &str, counts: bool) -> Cow<'_, str> {
    let Some((name, value)) = text.split_once('=').filter(|_| counts) else { return Cow::Borrowed(text) };
    let short = |ending: &str| (1..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    let stem = value.rfind('.').filter(|dot| short(&value[dot + 1..])).unwrap_or(value.len());
    let (stem, ending) = value.split_at(stem);
    if stem.starts_with('~') || is_open(text) || !looks_random(stem) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{name}={}{ending}", digest(stem)))
}

/// Whether a text looks like a token: a long run of letters and digits between dots.
pub fn looks_random(text: &str) -> bool {
    let longest = text.split('.').map(str::len).max().unwrap_or(0);
    longest >= 24 || (longest >= 10 && text.contains(|c: char| c.is_ascii_digit()))
}

/// Whether a text holds a variable or a placeholder: identifiers of DASH templates and of its queries
/// (ISO/IEC 23009-1, 5.3.9.4.4 and annex I).
fn is_open(text: &str) -> bool {
    const PLACEHOLDERS: [&str; 7] =
        ["{$", "$Number", "$Time", "$RepresentationID$", "$Bandwidth", "$SubNumber", "$query"];
    PLACEHOLDERS.iter().any(|name| text.contains(name))
}

/// A query with every value replaced by `~` and eight hexadecimal digits. Values that hold a
/// variable or a placeholder stay: they are no values yet.
pub fn redact_query(query: &str) -> String {
    let redact = |pair: &str| match pair.split_once('=') {
        _ if pair.is_empty() || is_open(pair) => pair.to_owned(),
        Some((_, value)) if value.is_empty() || is_redacted(value) => pair.to_owned(),
        Some((name, value)) => format!("{name}={}", digest(value)),
        // A query without a name may be a token on its own.
        None if is_redacted(pair) => pair.to_owned(),
        None => digest(pair),
    };
    query.split('&').map(redact).collect::<Vec<_>>().join("&")
}

fn is_redacted(value: &str) -> bool {
    value.strip_prefix('~').is_some_and(|hex| hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// FNV-1a folded to 32 bits: tells values apart in a log, gives nothing back.
fn digest(value: &str) -> String {
    let hash = crate::hash::fnv1a(value.as_bytes());
    format!("~{:08x}", (hash >> 32) as u32 ^ hash as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3986, 5.4.1 and 5.4.2.
    #[test]
    fn the_specifications_examples_resolve() {
        let base = "http://a/b/c/d;p?q";
        for (reference, target) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g#s", "http://a/b/c/g#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y#s"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            (".g", "http://a/b/c/.g"),
            ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("http:g", "http:g"),
        ] {
            assert_eq!(resolve(base, reference), target, "{reference}");
        }
    }

    #[test]
    fn content_of_the_network_cannot_reach_the_device() {
        assert!(may_follow("https://a/x", "http://b/y"));
        assert!(!may_follow("https://a/x", "file:///etc/passwd"));
        assert!(!may_follow("data:,x", "file:///etc/passwd"));
        assert!(!may_follow("https://a/x", "FILE:///etc/passwd"));
        assert!(may_follow("file:///a", "file:///b"));
        assert!(!may_follow("file:///a", "memory:b"));
    }

    #[test]
    fn a_backslash_ends_the_host_of_http_as_it_does_for_those_who_connect() {
        for url in ["https://evil.example\\@cdn.example/x", "HTTP://evil.example\\.cdn.example"] {
            assert_eq!(host(url), "evil.example", "{url}");
            assert!(!same_origin(url, "https://cdn.example/"));
        }
        assert_eq!(host(&resolve("https://cdn.example/a", "//evil.example\\@cdn.example/x")), "evil.example");
        assert_eq!(split("memory://a\\b/c").authority, Some("a\\b"), "others keep to RFC 3986");
    }

    #[test]
    fn no_path_becomes_part_of_the_hosts_name() {
        assert_eq!(resolve("https://cdn.example\\a", ".evil.example/"), "https://cdn.example/.evil.example/");
        assert_eq!(resolve("https://a/", "https://cdn.example\\a/../.evil/"), "https://cdn.example/.evil/");
        assert_eq!(resolve("https://cdn.example", "../a"), "https://cdn.example/a");
    }

    #[test]
    fn a_url_with_control_characters_inside_is_not_followed() {
        for url in ["https://a/\tx", "https://a\n.b/x", "ht\ttps://a/", "https://a/\u{7f}"] {
            assert!(!may_follow("https://a/x", url), "{url:?}");
            assert!(!may_follow("file:///a", url), "{url:?}");
        }
        assert!(may_follow("https://a/x", "https://a/x%20y/\u{fc}"));
    }

    #[test]
    fn tokens_in_a_path_leave_a_url() {
        for (path, shown) in [
            ("/exp=1700000000~acl=/*~hmac=0a1b2c3d4e5f/v.m4s", "/exp=~D~acl=/*~hmac=~D/v.m4s"),
            (
                "/hdntl=exp=1700000000~acl=%2f*~data=hdntl~hmac=0a1b2c3d4e5f/v",
                "/hdntl=~D~acl=%2f*~data=hdntl~hmac=~D/v",
            ),
            ("/bcdn_token=HS256-aB0_cD1-eF2&expires=1700000000/v", "/bcdn_token=~D&expires=~D/v"),
            ("/v/seg.ts;token=0a1b2c3d4e5f", "/v/seg.ts;token=~D"),
            ("/v/token=0a1b2c3d4e5f~more~0a1b2c3d.m3u8", "/v/token=~D.m3u8"),
            ("/a=1/v;b=2/dur_60/low=720p/x~y/c==", "/a=1/v;b=2/dur_60/low=720p/x~y/c=="),
            ("/v/n=$Number$-0a1b2c3d4e5f/{$token}=0a1b", "/v/n=$Number$-0a1b2c3d4e5f/{$token}=0a1b"),
        ] {
            let url = format!("https://cdn.example{path}");
            let digests = |text: &str| {
                let mut pieces = text.split("=~");
                let first = pieces.next().unwrap_or_default().to_owned();
                let cut = |piece: &str| format!("=~D{}", piece.get(8..).unwrap_or_default());
                first + &pieces.map(cut).collect::<String>()
            };
            assert_eq!(digests(&without_secrets(&url)), format!("https://cdn.example{shown}"));
            assert_eq!(redact(&url), without_secrets(&url), "both alike");
            assert_eq!(without_secrets(&without_secrets(&url)), without_secrets(&url), "idempotent");
            let reference = path.trim_start_matches('/');
            assert_eq!(format!("https://cdn.example/{}", redact(reference)), without_secrets(&url), "part by part");
        }
    }

    #[test]
    fn what_is_no_path_keeps_its_values() {
        for text in ["IV=0x0123456789abcdef0123456789abcdef", "BANDWIDTH=12345678901", "AAAA0123456789abcdef=="] {
            assert_eq!(redact(text), text);
        }
        assert_ne!(redact("seg.ts;token=0a1b2c3d4e5f"), "seg.ts;token=0a1b2c3d4e5f");
    }

    #[test]
    fn secrets_leave_a_url() {
        let shown = without_secrets("https://user:pw@a.example/p/x.m3u8?token=abc&e=1#f");
        assert!(shown.starts_with("https://a.example/p/x.m3u8?token=~"), "{shown}");
        assert!(!shown.contains("abc") && !shown.contains("pw") && !shown.contains('#'));
        assert_eq!(without_secrets(&shown), shown, "idempotent");
    }
}
