//! Which language a manifest is in.

use telecine_model::Protocol;

/// Tells the language of a manifest from its first bytes. A byte order mark and leading white
/// space are tolerated. `#EXTM3U` is HLS; XML whose root element is `MPD` is DASH.
pub fn sniff(bytes: &[u8]) -> Option<Protocol> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"#EXTM3U") {
        return Some(Protocol::Hls);
    }
    (xml_root(text)? == b"MPD").then_some(Protocol::Dash)
}

/// Local name of the root element of an XML document, behind declaration, comments and doctype.
fn xml_root(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = text.trim_ascii_start();
        let end: &[u8] = if text.starts_with(b"<?") {
            b"?>"
        } else if text.starts_with(b"<!--") {
            b"-->"
        } else if text.starts_with(b"<!") {
            b">"
        } else {
            break;
        };
        let at = memchr::memmem::find(text, end)?;
        text = text.get(at + end.len()..)?;
    }
    let name = text.strip_prefix(b"<")?;
    let length = name.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))?;
    let name = name.get(..length)?;
    // Whatever prefix the namespace has.
    name.rsplit(|byte| *byte == b':').next()
}

/// What a body that is no playlist looks like, for the message that says so.
pub(crate) fn describe(bytes: &[u8]) -> &'static str {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if text.is_empty() {
        "it is empty"
    } else if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        "it is UTF-16, and only UTF-8 is allowed"
    } else if bytes.starts_with(b"\x1F\x8B") {
        "it is still gzip-compressed (the server did not declare a content encoding)"
    } else if begins(b"<!doctype html") || begins(b"<html") || begins(b"<head") || begins(b"<body") {
        "it looks like an HTML page, for example an error or a login page"
    } else if xml_root(text) == Some(b"MPD") {
        "it is a DASH MPD"
    } else if text.starts_with(b"<") {
        "it is an XML document, for example a storage service's error"
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        "it looks like JSON, for example a service's error"
    } else if begins(b"#EXT") {
        "its first line is not #EXTM3U"
    } else if bytes.get(4..8) == Some(b"ftyp") || bytes.get(4..8) == Some(b"styp") || bytes.first() == Some(&0x47) {
        "it is media, not a playlist"
    } else {
        "its first line is not #EXTM3U"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_is_told_by_its_first_tag() {
        for text in ["#EXTM3U\n", "\u{FEFF}#EXTM3U", "\n \t#EXTM3U"] {
            assert_eq!(sniff(text.as_bytes()), Some(Protocol::Hls), "{text:?}");
        }
    }

    #[test]
    fn an_mpd_is_told_by_its_root_element() {
        for text in [
            "<MPD>",
            "<MPD/>",
            "\u{FEFF}<?xml version=\"1.0\"?>\n<!-- <Error> -->\n<!DOCTYPE MPD>\n<MPD xmlns=\"u\">",
            "<dash:MPD xmlns:dash=\"u\">",
        ] {
            assert_eq!(sniff(text.as_bytes()), Some(Protocol::Dash), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_neither() {
        for text in ["", "#EXTINF:1,", "<html>", "<MPDX>", "<MPD", "<?xml", "<!--", "{}", "MPD", "<", "</MPD>"] {
            assert_eq!(sniff(text.as_bytes()), None, "{text:?}");
        }
    }
}
