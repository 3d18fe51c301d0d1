//! Bytes to clean text (section 4.1).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use telecine_model::{Error, ErrorCode};

use super::report::Report;
use crate::sniff;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Checks size, signature, encoding and control characters. What is returned has LF or CRLF line
/// ends, and no control characters except the tabs that `EXT-X-SKIP` lists identifiers with.
pub(super) fn decode<'a>(bytes: &'a [u8], report: &mut Report<'_>) -> Result<Cow<'a, str>, Error> {
    let limit = report.context.limits.manifest_bytes;
    if bytes.len() > limit {
        return Err(report.limit("the playlist is too large", format_args!("{limit} bytes")));
    }
    report.line = 1;
    if sniff::utf16(bytes).is_some_and(|text| text.starts_with(b"#EXTM3U")) {
        let message = "the playlist is UTF-16, and only UTF-8 is allowed";
        return Err(report.error(ErrorCode::ManifestEncoding, message).fact("rule", "H003"));
    }
    let body = bytes.strip_prefix(BOM).unwrap_or(bytes);
    if !body.trim_ascii_start().starts_with(b"#EXTM3U") {
        let message = format!("the text is not an HLS playlist: {}", sniff::describe(bytes));
        return Err(report.error(ErrorCode::NotAManifest, message).fact("rule", "H019"));
    }
    if body.len() < bytes.len() {
        report.fault("H003", ErrorCode::ManifestEncoding, "the playlist begins with a byte order mark")?;
    }
    let text = match core::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            report.line = line_of(body, error.valid_up_to());
            report.fault("H003", ErrorCode::ManifestEncoding, "the playlist is not UTF-8")?;
            String::from_utf8_lossy(body)
        }
    };
    if is_clean(text.as_bytes()) {
        return Ok(text);
    }
    clean(&text, report).map(Cow::Owned)
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    let before = bytes.get(..at).unwrap_or(bytes);
    memchr_iter(b'\n', before).count() as u64 + 1
}

/// One look at the whole text, so that clean playlists pay nothing per line.
fn is_clean(text: &[u8]) -> bool {
    // Neither branches nor an early exit, so that the compiler makes vectors of it.
    let control = |byte: u8| (byte < b' ') & (byte != b'\n') & (byte != b'\r') | (byte == 0x7F);
    let controls = text.iter().fold(false, |any, byte| any | control(*byte));
    !controls
        && memchr_iter(b'\r', text).all(|at| text.get(at + 1) == Some(&b'\n'))
        // U+0080 to U+009F.
        && memchr_iter(0xC2, text).all(|at| !matches!(text.get(at + 1), Some(0x80..=0x9F)))
}

fn clean(text: &str, report: &mut Report<'_>) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut number = 0;
    for line in text.split_inclusive('\n') {
        number += 1;
        report.line = number;
        let (line, end) = match (line.strip_suffix("\r\n"), line.strip_suffix('\n')) {
            (Some(line), _) | (None, Some(line)) => (line, "\n"),
            (None, None) => (line, ""),
        };
        if memchr(b'\r', line.as_bytes()).is_some() {
            report.fault("H005", ErrorCode::ManifestSyntax, "a carriage return alone ends a line")?;
        }
        // Tabs separate the identifiers of RECENTLY-REMOVED-DATERANGES (4.4.5.2).
        let tabs = line.starts_with("#EXT-X-SKIP:");
        let is_wrong = |c: char| c.is_control() && c != '\r' && !(tabs && c == '\t');
        if line.contains(is_wrong) {
            report.fault("H004", ErrorCode::ManifestSyntax, "control characters are left out")?;
        }
        for c in line.chars().filter(|c| !is_wrong(*c)) {
            out.push(if c == '\r' {
                number += 1;
                '\n'
            } else {
                c
            });
        }
        out.push_str(end);
    }
    Ok(out)
}
