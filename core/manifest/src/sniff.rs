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
    let length = name
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))?;
    let name = name.get(..length)?;
    // Whatever prefix the namespace has.
    name.rsplit(|byte| *byte == b':').next()
}
