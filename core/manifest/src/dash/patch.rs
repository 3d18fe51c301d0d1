//! MPD patches: `add`, `replace` and `remove` with the XPath subset that DASH allows (RFC 5261,
//! ISO/IEC 23009-1 5.15), applied to the text of the MPD.

use std::ops::Range;

use quick_xml::escape::{escape, unescape};
use telecine_model::{Error, ErrorCode, Limits, Place, Protocol};

use super::mpd::NAMESPACE;
use super::reader::{clip, decode, Xml};
use super::selector::{Selector, Target};
use super::tag::{attribute, Tag};
use crate::protocols::{left_out, reads};

const PATCH_NAMESPACE: &str = "urn:mpeg:dash:schema:mpd-patch:2020";

/// How many times the largest allowed manifest one patch may read: operations are located one by one.
const WORK: usize = 8;

/// Applies a patch to the text of an MPD and returns the new text: all of it, or an error and
/// nothing (D054). White space between elements is kept as it falls.
///
/// # Errors
/// `ManifestContradiction` if the patch is not for this MPD (`@mpdId`, `@originalPublishTime`;
/// D052, D055) or one of its selectors does not lead to exactly one node; `ManifestSyntax` or
/// `NotAManifest` for texts or selectors that are not what they should be; `ManifestLimit` beyond
/// `limits`. After any of them the full MPD is to be fetched.
pub fn apply_patch(mpd: &[u8], patch: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    if !reads(Protocol::Dash) {
        return Err(left_out(mpd, ""));
    }
    let mut text = decode(mpd, limits)?.to_owned();
    let patch = decode(patch, limits)?;
    let mut xml = Xml::new(patch, "", limits);
    let root = xml.root("Patch", PATCH_NAMESPACE)?;
    let original = root.string("originalPublishTime");
    check(&text, root.string("mpdId"), original.as_deref(), limits)?;
    let mut work = WORK.saturating_mul(limits.manifest_bytes);
    while let Some(element) = xml.child()? {
        let place = Place::Path(xml.path());
        let operation = match element.mpd_name() {
            "add" => match element.attr("type") {
                Some(kind) => Operation::AddAttribute(attribute_name(&kind).to_owned()),
                None => Operation::Add(match element.attr("pos").as_deref() {
                    None => Position::Append,
                    Some("prepend") => Position::Prepend,
                    Some("before") => Position::Before,
                    Some("after") => Position::After,
                    Some(_) => return Err(xml.error(ErrorCode::ManifestSyntax, "an unknown @pos")),
                }),
            },
            "replace" => Operation::Replace,
            "remove" => Operation::Remove,
            _ => {
                let message = format!("the operation <{}> is unknown", clip(element.name));
                return Err(xml.error(ErrorCode::ManifestSyntax, message));
            }
        };
        let selector = element.attr("sel").unwrap_or_default();
        let content = xml.content()?.trim();
        let selector = Selector::parse(&selector).ok_or_else(|| {
            Error::new(ErrorCode::ManifestSyntax, "a selector that is not of the subset of DASH").at(place.clone())
        })?;
        work = work.checked_sub(text.len()).ok_or_else(|| {
            Error::new(ErrorCode::ManifestLimit, "more operations than an MPD of this size allows").at(place.clone())
        })?;
        let refuse = |message: &str| Error::new(ErrorCode::ManifestContradiction, message).at(place.clone());
        let target = selector.find(&text, limits)?.map_err(refuse)?;
        operation.apply(&mut text, &target, content).map_err(refuse)?;
        if text.len() > limits.manifest_bytes {
            return Err(Error::new(ErrorCode::ManifestLimit, "the patched MPD is larger than the limit").at(place));
        }
    }
    if let Some(publish_time) = root.string("publishTime") {
        publish(&mut text, original.as_deref(), &publish_time, limits)?;
    }
    Ok(text.into_bytes())
}

/// The patch must be for exactly this MPD (D052).
fn check(text: &str, id: Option<String>, original: Option<&str>, limits: &Limits) -> Result<(), Error> {
    let mut xml = Xml::new(text, "", limits);
    let root = xml.root("MPD", NAMESPACE)?;
    let refuse = |message| Err(Error::new(ErrorCode::ManifestContradiction, message).at(Place::Path("Patch".into())));
    match root.string("id") {
        None => refuse("the MPD has no @id, which patches need (D055)"),
        own if own != id => refuse("@mpdId is not the @id of the MPD (D052)"),
        _ if root.attr("publishTime").as_deref() != original => {
            refuse("@originalPublishTime is not the @publishTime of the MPD (D052)")
        }
        _ => Ok(()),
    }
}

/// A patch that forgot to say when the new MPD was published would keep the next one from applying.
fn publish(text: &mut String, original: Option<&str>, time: &str, limits: &Limits) -> Result<(), Error> {
    let mut xml = Xml::new(text, "", limits);
    let root = xml.root("MPD", NAMESPACE)?;
    if root.attr("publishTime").as_deref() != original {
        return Ok(());
    }
    let (at, behind) = (root.at, xml.position());
    if let Some(found) = text.get(at..behind).and_then(|tag| attribute(tag, |name| name == "publishTime")) {
        text.replace_range(shift(&found.value, at), &escape(time));
    }
    Ok(())
}

enum Position {
    Append,
    Prepend,
    Before,
    After,
}

enum Operation {
    Add(Position),
    AddAttribute(String),
    Replace,
    Remove,
}

/// `@name` of an attribute, `namespace::prefix` of a namespace declaration (RFC 5261, 4.3).
fn attribute_name(kind: &str) -> String {
    match kind.trim().strip_prefix("namespace::") {
        Some(prefix) => format!("xmlns:{prefix}"),
        None => kind.trim().trim_start_matches('@').to_owned(),
    }
}

fn shift(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// Text of an operation as the value of an attribute in double quotes.
fn attribute_value(content: &str) -> Option<String> {
    let content = content
        .strip_prefix("<![CDATA[")
        .and_then(|rest| rest.strip_suffix("]]>"))
        .map_or_else(|| unescape(content).ok(), |data| Some(data.into()))?;
    Some(escape(content).into_owned())
}

impl Operation {
    fn apply(&self, text: &mut String, target: &Target, content: &str) -> Result<(), &'static str> {
        match self {
            Self::Add(position) => add(text, target, position, content),
            Self::AddAttribute(name) => {
                let Target::Element(element) = target else {
                    return Err("an attribute can be added to an element only");
                };
                let tag = text.get(element.tag.clone()).unwrap_or("");
                if attribute(tag, |known| known == name).is_some() {
                    return Err("the attribute that is to be added exists");
                }
                let name_ends = Tag::of(tag).map_or(0, |tag| tag.name_end);
                let value = attribute_value(content).ok_or("a value that is not text")?;
                text.insert_str(element.tag.start + name_ends, &format!(" {name}=\"{value}\""));
                Ok(())
            }
            Self::Replace => {
                match target {
                    Target::Element(element) => text.replace_range(element.whole.clone(), content),
                    Target::Attribute { tag, name } => {
                        let found = text.get(tag.clone()).and_then(|tag| attribute(tag, |known| known == name));
                        let found = found.ok_or("the attribute is not there")?;
                        let value = attribute_value(content).ok_or("a value that is not text")?;
                        text.replace_range(shift(&found.quoted, tag.start), &format!("\"{value}\""));
                    }
                    Target::Text(range) => text.replace_range(range.clone(), content),
                }
                Ok(())
            }
            Self::Remove => {
                match target {
                    Target::Element(element) => text.replace_range(element.whole.clone(), ""),
                    Target::Attribute { tag, name } => {
                        let found = text.get(tag.clone()).and_then(|tag| attribute(tag, |known| known == name));
                        let found = found.ok_or("the attribute is not there")?;
                        text.replace_range(shift(&found.whole, tag.start), "");
                    }
                    Target::Text(range) => text.replace_range(range.clone(), ""),
                }
                Ok(())
            }
        }
    }
}

fn add(text: &mut String, target: &Target, position: &Position, content: &str) -> Result<(), &'static str> {
    let Target::Element(element) = target else {
        return Err("elements can be added to an element only");
    };
    let at = match position {
        Position::Before => element.whole.start,
        Position::After => element.whole.end,
        _ if element.inner.is_none() => {
            // <a/> becomes <a>…</a>.
            let tag = text.get(element.tag.clone()).unwrap_or("");
            let name = Tag::of(tag).map_or("", |tag| tag.qualified).to_owned();
            let opened = tag.trim_end_matches(['/', '>']).to_owned();
            text.replace_range(element.whole.clone(), &format!("{opened}>{content}</{name}>"));
            return Ok(());
        }
        Position::Prepend => element.inner.as_ref().map_or(0, |inner| inner.start),
        Position::Append => element.inner.as_ref().map_or(0, |inner| inner.end),
    };
    text.insert_str(at, content);
    Ok(())
}
