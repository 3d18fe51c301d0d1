//! Attribute lists (section 4.2): slices of the line, read by name and type.

use std::borrow::Cow;

use memchr::memchr;
use telecine_model::datetime::parse_decimal_nanos;
use telecine_model::{Error, ErrorCode, MediaTime};

use super::reader::Reader;
use super::report::{Feature, Reject};

/// A value as it stands in the list, quotes removed.
#[derive(Clone, Copy)]
enum Value<'t> {
    Quoted(&'t str),
    Plain(&'t str),
}

impl<'t> Value<'t> {
    fn text(self) -> &'t str {
        match self {
            Self::Quoted(text) | Self::Plain(text) => text,
        }
    }
}

/// Name and value.
type Attribute<'t> = (&'t str, Value<'t>);

/// The attributes of one tag, in order; names are unique.
pub(super) struct Attributes<'t>(Vec<Attribute<'t>>);

impl<'t> Attributes<'t> {
    /// Splits a list. `requirements` are the `REQ-` attributes that this tag has; with any other
    /// one the tag is ignored (H103).
    pub(super) fn parse(text: &'t str, requirements: &[&str], reader: &mut Reader<'t, '_>) -> Result<Self, Reject> {
        let mut list = Self(Vec::new());
        let mut rest = text;
        while !rest.is_empty() {
            let (attribute, behind) = split_first(rest, reader)?;
            rest = behind;
            let Some((name, value)) = attribute else {
                continue;
            };
            if list.get(name).is_some() {
                let message = format!("{} is given twice; the first counts", clip(name));
                reader.report.fault("H016", ErrorCode::ManifestContradiction, message)?;
                continue;
            }
            if list.0.len() >= reader.report.context.limits.attributes {
                let limit = reader.report.context.limits.attributes;
                return Err(reader.report.limit("the tag has too many attributes", limit).into());
            }
            if name.starts_with("REQ-") {
                reader.report.uses(Feature::Requirement);
                if !requirements.contains(&name) {
                    let message = format!("the requirement {} is not known, so the tag is ignored", clip(name));
                    return Err(reader.report.ignore("H103", message));
                }
            }
            list.0.push((name, value));
        }
        Ok(list)
    }

    fn get(&self, name: &str) -> Option<Value<'t>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Whether the attribute is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every name, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'t str> + '_ {
        self.0.iter().map(|(name, _)| *name)
    }

    /// The text of a string without replacing variables.
    pub(super) fn raw_quoted(&self, name: &str) -> Option<&'t str> {
        self.get(name).map(Value::text)
    }

    /// A quoted-string that may be empty, variables replaced (H013, H017).
    pub(super) fn quoted_or_empty(
        &self,
        name: &str,
        reader: &mut Reader<'t, '_>,
    ) -> Result<Option<Cow<'t, str>>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Quoted(text)) => reader.substitute(text).map(Some),
            Some(Value::Plain(text)) => {
                let message = format!("{name} is not in quotes");
                reader.report.fault("H013", ErrorCode::ManifestSyntax, message)?;
                reader.substitute(text).map(Some)
            }
        }
    }

    /// A quoted-string; an empty one is a fault and counts as absent.
    pub(super) fn quoted(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<Cow<'t, str>>, Error> {
        let text = self.quoted_or_empty(name, reader)?;
        if text.as_ref().is_some_and(|text| text.is_empty()) {
            let message = format!("{name} is empty");
            reader.report.fault("H013", ErrorCode::ManifestSyntax, message)?;
            return Ok(None);
        }
        Ok(text)
    }

    /// Like [`Attributes::quoted`], owned.
    pub(super) fn string(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<String>, Error> {
        Ok(self.quoted(name, reader)?.map(Cow::into_owned))
    }

    /// The value as it stands, whatever its type; variables replaced in quotes only.
    pub(super) fn any(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<Cow<'t, str>>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Quoted(text)) => reader.substitute(text).map(Some),
            Some(Value::Plain(text)) if is_hex_prefix(text) => reader.substitute(text).map(Some),
            Some(Value::Plain(text)) => Ok(Some(Cow::Borrowed(text))),
        }
    }

    /// An enumerated-string.
    pub(super) fn word(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<&'t str>, Error> {
        match self.get(name) {
            Some(Value::Quoted(text)) => {
                let message = format!("{name} is in quotes");
                reader.report.fault("H013", ErrorCode::ManifestSyntax, message)?;
                Ok(Some(text))
            }
            value => Ok(value.map(Value::text)),
        }
    }

    /// `YES` or `NO`; absent is `NO`. Another word costs the tag (H105).
    pub(super) fn flag(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<bool, Reject> {
        match self.word(name, reader)? {
            None | Some("NO") => Ok(false),
            Some("YES") => Ok(true),
            Some(other) => Err(reader.unknown_value(name, other)),
        }
    }

    /// A value of a certain form; one that has another form is a fault of `rule` and counts as absent.
    fn typed<T>(
        &self,
        name: &str,
        rule: &'static str,
        form: &'static str,
        reader: &mut Reader<'t, '_>,
        read: impl FnOnce(&'t str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.word(name, reader)? else {
            return Ok(None);
        };
        let value = read(text);
        if value.is_none() {
            let message = format!("{name} is not {form}: {}", clip(text));
            reader.report.fault(rule, ErrorCode::ManifestSyntax, message)?;
        }
        Ok(value)
    }

    /// A decimal-integer (H010).
    pub(super) fn integer(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<u64>, Error> {
        self.typed(name, "H010", "an integer below 2^64", reader, decimal_integer)
    }

    /// A decimal-floating-point in billionths (H012).
    pub(super) fn decimal(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<i64>, Error> {
        self.typed(name, "H012", "a decimal number", reader, parse_decimal_nanos)
    }

    /// A decimal-floating-point of seconds (H012).
    pub(super) fn span(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<MediaTime>, Error> {
        Ok(self.decimal(name, reader)?.map(MediaTime::from_nanos))
    }

    /// A signed-decimal-floating-point of seconds (H012).
    pub(super) fn signed_span(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<MediaTime>, Error> {
        self.typed(name, "H012", "a signed decimal number", reader, |text| {
            let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
            let span = MediaTime::from_nanos(parse_decimal_nanos(digits)?);
            Some(if negative { -span } else { span })
        })
    }

    /// A decimal-resolution (H015).
    pub(super) fn resolution(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<(u32, u32)>, Error> {
        self.typed(name, "H015", "WIDTHxHEIGHT", reader, |text| {
            let (width, height) = text.split_once('x')?;
            let read = |text| decimal_integer(text).and_then(|n| u32::try_from(n).ok());
            Some((read(width)?, read(height)?))
        })
    }

    /// A hexadecimal-sequence as written, variables replaced (H011, H017).
    pub(super) fn hex(&self, name: &str, reader: &mut Reader<'t, '_>) -> Result<Option<Cow<'t, str>>, Error> {
        let Some(text) = self.word(name, reader)? else {
            return Ok(None);
        };
        let text = reader.substitute(text)?;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        if !digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
            let message = format!("{name} is not a hexadecimal sequence: {}", clip(&text));
            reader.report.fault("H011", ErrorCode::ManifestSyntax, message)?;
            return Ok(None);
        }
        if digits.is_some_and(|digits| digits.bytes().any(|b| b.is_ascii_lowercase())) {
            let message = format!("{name} has lower-case digits");
            reader.report.fault("H011", ErrorCode::ManifestSyntax, message)?;
        }
        Ok(Some(text))
    }
}

/// Splits the first attribute off a list that is not empty. None for a piece that is no attribute.
fn split_first<'t>(text: &'t str, reader: &mut Reader<'t, '_>) -> Result<(Option<Attribute<'t>>, &'t str), Error> {
    let end = memchr(b',', text.as_bytes()).unwrap_or(text.len());
    let Some(equals) = memchr(b'=', &text.as_bytes()[..end]) else {
        let piece = &text[..end];
        let message = format!("not an attribute: {}", clip(piece));
        reader.report.fault("H009", ErrorCode::ManifestSyntax, message)?;
        return Ok((None, text.get(end + 1..).unwrap_or("")));
    };
    let (name, behind) = (&text[..equals], &text[equals + 1..]);
    let (plain_name, plain_behind) = (name.trim(), behind.trim_start());
    let (value, rest) = if let Some(quoted) = plain_behind.strip_prefix('"') {
        match memchr(b'"', quoted.as_bytes()) {
            Some(close) => {
                let rest = &quoted[close + 1..];
                let comma = memchr(b',', rest.as_bytes());
                let trailing = &rest[..comma.unwrap_or(rest.len())];
                if !trailing.is_empty() {
                    let message = format!("text behind the closing quote: {}", clip(trailing));
                    reader.report.fault("H009", ErrorCode::ManifestSyntax, message)?;
                }
                (Value::Quoted(&quoted[..close]), comma.map_or("", |comma| &rest[comma + 1..]))
            }
            None => {
                let message = format!("{} has no closing quote", clip(plain_name));
                reader.report.fault("H013", ErrorCode::ManifestSyntax, message)?;
                (Value::Quoted(quoted), "")
            }
        }
    } else {
        let comma = memchr(b',', behind.as_bytes());
        let plain = &behind[..comma.unwrap_or(behind.len())];
        (Value::Plain(plain.trim()), comma.map_or("", |comma| &behind[comma + 1..]))
    };
    let space = plain_name.len() < name.len()
        || plain_behind.len() < behind.len()
        || matches!(value, Value::Plain(plain) if plain.is_empty() || behind[plain.len()..].starts_with([' ', '\t']));
    if space {
        let message = format!("white space around {}, or no value", clip(plain_name));
        reader.report.fault("H009", ErrorCode::ManifestSyntax, message)?;
    }
    let valid = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
    if plain_name.is_empty() || !plain_name.bytes().all(valid) {
        let message = format!("not an attribute name: {}", clip(plain_name));
        reader.report.fault("H009", ErrorCode::ManifestSyntax, message)?;
    }
    Ok((Some((plain_name, value)), rest))
}

fn is_hex_prefix(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

/// A decimal-integer: digits only, below 2^64 (H010).
pub(super) fn decimal_integer(text: &str) -> Option<u64> {
    // `u64::from_str` would also take a plus sign.
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// At most 60 characters of hostile text for a message.
pub(super) fn clip(text: &str) -> String {
    if text.chars().nth(60).is_some() {
        text.chars().take(59).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}
