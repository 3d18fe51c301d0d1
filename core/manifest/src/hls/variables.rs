//! `EXT-X-DEFINE` and variable substitution (sections 4.3 and 4.4.2.3).

use std::borrow::Cow;
use std::collections::BTreeMap;

use telecine_model::{uri, Error, ErrorCode};

use super::attributes::{clip, Attributes};
use super::reader::{Kind, Reader};
use super::report::{Feature, Reject, Report};

/// The variables defined so far.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) defined: BTreeMap<String, String>,
    /// Bytes that substitutions have made so far.
    expanded: usize,
}

impl Variables {
    /// Replaces every reference once; what a value holds is not looked at again (H017).
    pub(super) fn substitute<'t>(&mut self, text: &'t str, report: &mut Report<'_>) -> Result<Cow<'t, str>, Error> {
        self.replace(text, report, |name, report| {
            let message = format!("the variable {} is not defined in front of its use", clip(name));
            Err(report.error(ErrorCode::VariableUndefined, message).fact("rule", "H018"))
        })
    }

    fn replace<'t>(
        &mut self,
        text: &'t str,
        report: &mut Report<'_>,
        undefined: impl Fn(&str, &mut Report<'_>) -> Result<(), Error>,
    ) -> Result<Cow<'t, str>, Error> {
        // Braces are rare enough to look for one byte first.
        if memchr::memchr(b'{', text.as_bytes()).is_none() || !text.contains("{$") {
            return Ok(Cow::Borrowed(text));
        }
        report.uses(Feature::Variables);
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{$") {
            out.push_str(before);
            match split_name(behind) {
                Some((name, behind)) => {
                    if let Some(value) = self.defined.get(name) {
                        out.push_str(value);
                    } else {
                        undefined(name, report)?;
                        out.extend(["{$", name, "}"]);
                    }
                    rest = behind;
                }
                // Not the form of a reference, so it is text.
                None => {
                    out.push_str("{$");
                    rest = behind;
                }
            }
            let limits = report.context.limits;
            if out.len() > limits.line_bytes {
                return Err(report.limit("variables make the line too long", limits.line_bytes));
            }
        }
        out.push_str(rest);
        self.expanded = self.expanded.saturating_add(out.len());
        if self.expanded > report.context.limits.manifest_bytes {
            let limit = report.context.limits.manifest_bytes;
            return Err(report.limit("variables make the playlist too large", limit));
        }
        Ok(Cow::Owned(out))
    }

    /// The value of a definition: a reference in it to something undefined stays text (compat).
    fn substitute_value<'t>(&mut self, text: &'t str, report: &mut Report<'_>) -> Result<Cow<'t, str>, Error> {
        self.replace(text, report, |name, report| {
            let message = format!("VALUE mentions the undefined variable {}", clip(name));
            report.fault("H018", ErrorCode::VariableUndefined, message)
        })
    }
}

/// `[A-Za-z0-9-_]+` (H027).
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// A name and what follows the brace behind it. Looks no further than the name, so that a line full
/// of half references costs no more than its length.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_name_byte(byte)).filter(|end| *end > 0)?;
    let (name, behind) = text.split_at_checked(end)?;
    Some((name, behind.strip_prefix('}')?))
}

/// Reads one `EXT-X-DEFINE`.
pub(super) fn define<'t>(attributes: &Attributes<'t>, reader: &mut Reader<'t, '_>) -> Result<(), Reject> {
    reader.report.uses(Feature::Variables);
    let ways = ["NAME", "IMPORT", "QUERYPARAM"].map(|way| attributes.has(way));
    if ways.iter().filter(|way| **way).count() != 1 {
        let message = "EXT-X-DEFINE needs exactly one of NAME, IMPORT and QUERYPARAM";
        return Err(reader.report.reject("H026", ErrorCode::ManifestSyntax, message));
    }
    let (name, value) = if let Some(name) = attributes.quoted("NAME", reader)? {
        let Some(raw) = attributes.raw_quoted("VALUE") else {
            let message = "EXT-X-DEFINE with NAME needs VALUE";
            return Err(reader.report.reject("H027", ErrorCode::ManifestMissing, message));
        };
        let value = reader.variables.substitute_value(raw, &mut reader.report)?;
        (name, value.into_owned())
    } else if let Some(name) = attributes.quoted("IMPORT", reader)? {
        let value = import(&name, reader)?;
        (name, value)
    } else if let Some(name) = attributes.quoted("QUERYPARAM", reader)? {
        reader.report.uses(Feature::QueryParameter);
        let value = query_parameter(&name, reader)?;
        (name, value)
    } else {
        return Err(Reject::Tag);
    };
    if !is_name(&name) {
        let message = format!("not a variable name: {}", clip(&name));
        return Err(reader.report.reject("H027", ErrorCode::ManifestSyntax, message));
    }
    if reader.variables.defined.contains_key(name.as_ref()) {
        let message = format!("the variable {} is defined twice; the first counts", clip(&name));
        return Err(reader.report.reject("H030", ErrorCode::ManifestContradiction, message));
    }
    let limit = reader.report.context.limits.variables;
    if reader.variables.defined.len() >= limit {
        return Err(reader.report.limit("the playlist defines too many variables", limit).into());
    }
    reader.variables.defined.insert(name.into_owned(), value);
    Ok(())
}

fn import(name: &str, reader: &mut Reader<'_, '_>) -> Result<String, Reject> {
    let code = ErrorCode::VariableUndefined;
    if reader.kind == Kind::Multivariant {
        let message = "IMPORT is for media playlists only";
        return Err(reader.report.reject("H028", ErrorCode::ManifestSyntax, message));
    }
    let Some(imports) = reader.report.context.imports else {
        let message = "IMPORT in a playlist that was not loaded through a multivariant playlist";
        return Err(reader.report.reject("H028", code, message));
    };
    imports.get(name).cloned().ok_or_else(|| {
        let message = format!("the multivariant playlist does not define {}", clip(name));
        reader.report.reject("H028", code, message)
    })
}

/// The parameter of the URL that the playlist came from; of the one asked for if a redirect lost it.
fn query_parameter(name: &str, reader: &mut Reader<'_, '_>) -> Result<String, Reject> {
    let context = reader.report.context;
    let value = find_parameter(context.uri, name).or_else(|| find_parameter(context.requested_uri, name));
    let code = ErrorCode::VariableUndefined;
    match value {
        None => {
            let message = format!("the playlist's URL has no query parameter {} with a value", clip(name));
            Err(reader.report.reject("H029", code, message))
        }
        // Such a value would break lines and requests.
        Some(value) if value.contains(|c: char| c.is_control() || c == '"') => {
            let message = format!("the query parameter {} holds control characters or quotes", clip(name));
            Err(reader.report.reject("H029", code, message))
        }
        Some(value) => Ok(value),
    }
}

fn find_parameter(url: &str, name: &str) -> Option<String> {
    find_parameters(url).find(|(key, value, _)| key == name && !value.is_empty()).map(|(_, value, _)| value)
}

/// Parameters of a URL's query: name and value decoded, and the value as written.
pub(crate) fn find_parameters(url: &str) -> impl Iterator<Item = (String, String, &str)> {
    let pairs = uri::split(url).query.unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (percent_decode(key), percent_decode(value), value))
}

/// RFC 3986, 2.1. A percent sign without two digits stands for itself.
fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let digit = |at: usize| behind.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits fit a byte.
                out.push((high * 16 + low) as u8);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
