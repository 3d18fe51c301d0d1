//! Remote elements (ISO/IEC 23009-1, 5.5): finding them, and putting what was fetched in their place.

use std::ops::Range;

use quick_xml::escape::escape;
use telecine_model::{uri, Error, ErrorCode, Limits, Protocol};

use super::element::{Element, Ns};
use super::reader::{clip, decode, Xml};
use super::tag::{attribute, Tag};
use crate::reads;

/// An element that is to be replaced by what its link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteElement {
    /// Absolute URL of the document that holds the replacement.
    pub uri: String,
    /// Name of the element, which the replacement must have too: `Period`, `AdaptationSet`…
    pub element: String,
    /// Where the element stands in the text, tags included.
    pub range: Range<usize>,
}

/// What an element's `xlink:href` asks for.
pub(super) enum Link {
    None,
    /// Resolve to zero: the element is to be removed (D069).
    Zero,
    To(String),
}

/// Attribute of an element whose link was dropped: why it was.
const DROPPED: &str = "telecine-dropped";

const RESOLVE_TO_ZERO: &str = "urn:mpeg:dash:resolve-to-zero:2013";

impl Link {
    /// The link of an element that has just been opened; one that [`splice`] dropped is a warning.
    pub(super) fn open<'a>(xml: &mut Xml<'a>, element: &Element<'a>) -> Self {
        if let Some(why) = element.attr(DROPPED) {
            xml.warn("D070", why);
        }
        Self::of(element)
    }

    /// The link of an element. `onRequest` links may be followed at any time, and are like `onLoad`.
    pub(super) fn of(element: &Element<'_>) -> Self {
        match element.attr_ns(Ns::Xlink, "href") {
            None => Self::None,
            Some(href) if href.trim() == RESOLVE_TO_ZERO => Self::Zero,
            Some(href) => Self::To(href.trim().to_owned()),
        }
    }

    pub(super) const fn is_zero(&self) -> bool {
        matches!(self, Self::Zero)
    }

    pub(super) const fn is_remote(&self) -> bool {
        matches!(self, Self::To(_))
    }

    /// Notes the element, which has just been read to its end, as remote.
    pub(super) fn close(self, xml: &mut Xml<'_>, element: &Element<'_>) {
        let Self::To(href) = self else { return };
        let uri = uri::resolve(xml.uri, &href);
        if !uri::may_follow(xml.uri, &uri) {
            xml.warn("D070", "a link with a forbidden scheme was ignored");
        } else if xml.remote.len() >= xml.limits.side_items {
            xml.warn("D070", "more remote elements than the limit: the rest were ignored");
        } else {
            xml.remote.push(RemoteElement { uri, element: element.name.to_owned(), range: element.at..xml.position() });
        }
    }
}

/// Marks a text in which links have been resolved so and so many times over.
const ROUNDS: &str = "telecine-xlink";

/// How many rounds of resolution a processing instruction behind the root says were made.
pub(super) fn rounds(instruction: &str) -> usize {
    instruction.strip_prefix(ROUNDS).and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// Puts fetched documents in the place of remote elements.
///
/// `Some(body)` replaces an element by the elements of the body: one or more of the same name,
/// an XML declaration in front is left out. `None`, or a body that is not that, drops the link and
/// keeps what the element holds itself (D070). The result notes how often links were resolved, and
/// [`parse`](super::parse) follows no more of them than `Limits::indirections`: resolving until
/// nothing is remote ends.
///
/// # Errors
/// `InvalidArgument` if a range is not one that `parse` gave for this text.
pub fn splice(bytes: &[u8], resolved: &[(RemoteElement, Option<Vec<u8>>)]) -> Result<Vec<u8>, Error> {
    let invalid = || Error::new(ErrorCode::InvalidArgument, "the remote element is not of this text");
    if !reads(Protocol::Dash) {
        return Err(invalid());
    }
    // Ranges count from behind a byte order mark, as the parser does.
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|_| invalid())?;
    let (text, before) = split_rounds(text);
    let mut order: Vec<&(RemoteElement, Option<Vec<u8>>)> = resolved.iter().collect();
    order.sort_by_key(|(element, _)| (element.range.start, std::cmp::Reverse(element.range.end)));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (remote, body) in order {
        // What stood inside an element that was replaced is gone with it.
        if remote.range.start < at {
            continue;
        }
        let element = text.get(remote.range.clone()).ok_or_else(invalid)?;
        let tag = Tag::of(element).filter(|tag| tag.name() == remote.element).ok_or_else(invalid)?;
        out.push_str(text.get(at..remote.range.start).ok_or_else(invalid)?);
        let found = body.as_deref().ok_or_else(|| "it could not be had".to_owned());
        match found.and_then(|body| elements(body, &remote.element)) {
            Ok(elements) => {
                out.push_str(elements);
                at = remote.range.end;
            }
            Err(why) => {
                let link = uri::without_secrets(&remote.uri);
                let why = format!("the link to {link} was dropped: {why}");
                out.push_str(&without_link(&tag, &why));
                at = remote.range.start + tag.text.len();
            }
        }
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out.push_str(&format!("<?{ROUNDS} {}?>", before.saturating_add(1)));
    Ok(out.into_bytes())
}

/// A start tag with `xlink:href` and `xlink:actuate` taken out, and a note of why.
fn without_link(tag: &Tag<'_>, why: &str) -> String {
    let mut out = tag.text.to_owned();
    out.insert_str(tag.name_end, &format!(" {DROPPED}=\"{}\"", escape(why)));
    for suffix in [":href", ":actuate"] {
        if let Some(found) = attribute(&out, |name| name.ends_with(suffix)) {
            out.replace_range(found.whole, "");
        }
    }
    out
}

/// The text in front of the note of rounds at its end, and the rounds.
fn split_rounds(text: &str) -> (&str, usize) {
    let note =
        text.rsplit_once("<?").and_then(|(front, note)| Some((front, rounds(note.trim_end().strip_suffix("?>")?))));
    note.filter(|(_, count)| *count > 0).unwrap_or((text, 0))
}

/// The elements of a fetched document, if all of them are called `name` and it is well-formed;
/// else what it is instead.
fn elements<'a>(body: &'a [u8], name: &str) -> Result<&'a str, String> {
    let limits = Limits::default();
    let broken = |error: Error| format!("it is not well-formed ({})", error.message());
    let text = decode(body, &limits).map_err(|error| error.message().to_owned())?;
    let text = text.trim_start();
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => &rest[rest.find("?>").ok_or("it is not XML")? + 2..],
        None => text,
    };
    let mut xml = Xml::new(text, "", &limits);
    let mut found = false;
    while let Some(element) = xml.sibling().map_err(broken)? {
        if element.name != name {
            return Err(format!("it holds <{}> instead of <{name}>", clip(element.name)));
        }
        xml.skip().map_err(broken)?;
        found = true;
    }
    if found {
        Ok(text.trim())
    } else {
        Err(format!("it holds no <{name}>"))
    }
}
