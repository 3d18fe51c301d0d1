//! Which language a manifest is in.

use telecine_model::Protocol;

/// Tells the language of a manifest from its first bytes. A byte order mark and leading white
/// space are tolerated. `#EXTM3U` is HLS; XML whose root element is `MPD` is DASH. UTF-16 is told
/// too, so that the parser of the language can refuse it as what it is.
pub fn sniff(bytes: &[u8]) -> Option<Protocol> {
    if let Some(text) = utf16(bytes) {
        return sniff_ascii(&text);
    }
    sniff_ascii(bytes)
}

/// Whether a text is a patch of an MPD.
pub(crate) fn is_patch(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    xml_root(text).is_some_and(|root| root == b"Patch")
}

fn sniff_ascii(bytes: &[u8]) -> Option<Protocol> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    if text.starts_with(b"#EXTM3U") {
        return Some(Protocol::Hls);
    }
    (xml_root(text)? == b"MPD").then_some(Protocol::Dash)
}

/// How much of a UTF-16 text is looked at: enough for a declaration and comments in front of a root.
const UTF16_HEAD: usize = 16 << 10;

/// The beginning of a UTF-16 text, every character that is not ASCII as `?`. None for anything
/// else. Without a byte order mark it is told by its first character, which is ASCII in every
/// manifest (XML 1.0, appendix F).
pub(crate) fn utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let (big, body) = match bytes {
        [0xFE, 0xFF, body @ ..] => (true, body),
        [0xFF, 0xFE, body @ ..] => (false, body),
        [0, b'<' | b'#', ..] => (true, bytes),
        [b'<' | b'#', 0, ..] => (false, bytes),
        _ => return None,
    };
    let units = body.get(..UTF16_HEAD).unwrap_or(body).chunks_exact(2);
    Some(
        units
            .map(|unit| match (big, unit) {
                (true, [0, ascii]) | (false, [ascii, 0]) => *ascii,
                _ => b'?',
            })
            .collect(),
    )
}

/// What is behind a document type declaration, its internal subset included.
fn behind_doctype(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    for at in memchr::memchr2_iter(b'<', b'>', text) {
        if text.get(at) == Some(&b'<') {
            depth = depth.saturating_add(1);
        } else {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return text.get(at + 1..);
        }
    }
    None
}

/// Local name of the root element of an XML document, behind declaration, comments and doctype.
fn xml_root(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = text.trim_ascii_start();
        if text.starts_with(b"<!") && !text.starts_with(b"<!--") {
            text = behind_doctype(text)?;
            continue;
        }
        let end: &[u8] = if text.starts_with(b"<?") {
            b"?>"
        } else if text.starts_with(b"<!--") {
            b"-->"
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
    } else if utf16(bytes).is_some() {
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
            "<!DOCTYPE MPD [\n<!ENTITY a \"b\">\n<!ENTITY c \"&a;&a;\">\n] ><MPD>",
        ] {
            assert_eq!(sniff(text.as_bytes()), Some(Protocol::Dash), "{text:?}");
        }
    }

    #[test]
    fn the_language_of_utf_16_is_told_with_and_without_a_byte_order_mark() {
        let units = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for (text, protocol) in [
            ("<?xml version=\"1.0\" encoding=\"UTF-16\"?><!-- é --><MPD>", Some(Protocol::Dash)),
            ("#EXTM3U\n", Some(Protocol::Hls)),
            ("<html>", None),
        ] {
            for mark in ["", "\u{FEFF}"] {
                let text = format!("{mark}{text}");
                assert_eq!(sniff(&units(&text, u16::to_le_bytes)), protocol, "{text:?}");
                assert_eq!(sniff(&units(&text, u16::to_be_bytes)), protocol, "{text:?}");
            }
        }
    }

    #[test]
    fn anything_else_is_neither() {
        for text in [
            "",
            "#EXTINF:1,",
            "<html>",
            "<MPDX>",
            "<MPD",
            "<!DOCTYPE [<!ENTITY>",
            "<?xml",
            "<!--",
            "{}",
            "MPD",
            "<",
            "</MPD>",
        ] {
            assert_eq!(sniff(text.as_bytes()), None, "{text:?}");
        }
    }
}
