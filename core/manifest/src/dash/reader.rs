//! A pull reader over the elements of an MPD: places, namespaces, limits, and no allocation per
//! `S` element.
//!
//! Entities are never expanded beyond the five predefined ones and character references, so an
//! entity bomb costs its own bytes and nothing else.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use telecine_model::{Error, ErrorCode, Limits, Place, Warning};

use super::element::{local_name, raw_attributes, Attribute, Element, Fault, Ns, UNKNOWN_ENTITY};
use super::xlink::RemoteElement;
use crate::sniff;

/// Tolerated faults, up to their limit.
#[derive(Debug)]
pub(super) struct Warnings {
    list: Vec<Warning>,
    limit: usize,
}

impl Warnings {
    fn is_full(&self) -> bool {
        self.list.len() >= self.limit
    }

    /// Adds one; beyond the limit further ones are dropped.
    pub(super) fn add(&mut self, rule: &str, place: &str, message: impl Into<String>) {
        if !self.is_full() {
            self.list.push(Warning::new(rule, Place::Path(place.to_owned()), message));
        }
    }

    pub(super) fn first(&self) -> Option<&Warning> {
        self.list.first()
    }

    pub(super) fn into_list(self) -> Vec<Warning> {
        self.list
    }
}

struct Frame<'a> {
    name: &'a str,
    /// Which of its siblings of the same name, from 1; 0 for the root.
    index: u32,
    /// Where the counts of its children begin.
    counts: usize,
    /// How many namespace declarations were in force outside.
    scopes: usize,
}

/// The reader. Whoever receives an element from [`Xml::child`] consumes it: with `child` until
/// None, with [`Xml::text`], [`Xml::content`] or [`Xml::skip`].
pub(super) struct Xml<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// URL of the document.
    pub(super) uri: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) warnings: Warnings,
    pub(super) remote: Vec<RemoteElement>,
    /// Small elements kept so far.
    kept: usize,
    frames: Vec<Frame<'a>>,
    counts: Vec<(&'a str, u32)>,
    scopes: Vec<(&'a str, Ns)>,
    /// An empty element was opened and is still to be closed.
    closing: bool,
    /// Offset of the last event.
    event_at: usize,
    /// URI of the root's namespace.
    root_uri: String,
}

/// Names of siblings that are counted for places; a text with more kinds shows no index for them.
const COUNTED_NAMES: usize = 64;

/// Small elements of the whole text, for each adaptation set and representation that it may have.
const KEPT_PER_RENDITION: usize = 32;

impl<'a> Xml<'a> {
    /// A reader of a whole text.
    pub(super) fn new(text: &'a str, uri: &'a str, limits: &'a Limits) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().allow_dangling_amp = false;
        Self {
            text,
            reader,
            uri,
            limits,
            warnings: Warnings { list: Vec::new(), limit: limits.side_items },
            remote: Vec::new(),
            kept: 0,
            frames: Vec::new(),
            counts: Vec::new(),
            scopes: Vec::new(),
            closing: false,
            event_at: 0,
            root_uri: String::new(),
        }
    }

    /// Reads up to the root element, whose local name must be `name`.
    pub(super) fn root(&mut self, name: &str, uri: &str) -> Result<Element<'a>, Error> {
        let other = |what: &str| Error::new(ErrorCode::NotAManifest, format!("{what} instead of <{name}>"));
        uri.clone_into(&mut self.root_uri);
        loop {
            let (start, empty) = match self.event().map_err(|_| other("not XML"))? {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                Event::DocType(_) => {
                    self.warn("D108", "a document type declaration was ignored");
                    continue;
                }
                Event::Text(text) if text.trim().is_empty() => continue,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => continue,
                Event::Eof => return Err(other("an empty text")),
                _ => return Err(other("text")),
            };
            let found = local_name(tag_of(&start, self.text, self.event_at)).1;
            if found != name {
                return Err(other(&format!("<{}>", clip(found))));
            }
            let mut root = self.open(&start, empty)?;
            if root.ns != Ns::Root {
                self.warn("D108", "the root is in another namespace than the standard's");
                for (_, ns) in self.scopes.iter_mut().filter(|(prefix, _)| *prefix == root.prefix) {
                    *ns = Ns::Root;
                }
                root.ns = Ns::Root;
            }
            return Ok(root);
        }
    }

    /// The next child of the element that is open; None at its end, which closes it.
    pub(super) fn child(&mut self) -> Result<Option<Element<'a>>, Error> {
        if self.closing {
            self.close();
            return Ok(None);
        }
        loop {
            match self.event()? {
                Event::Start(start) => return self.open(&start, false).map(Some),
                Event::Empty(start) => return self.open(&start, true).map(Some),
                Event::End(_) => {
                    self.close();
                    return Ok(None);
                }
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
    }

    /// The next element of a text that may have several side by side; None at its end.
    pub(super) fn sibling(&mut self) -> Result<Option<Element<'a>>, Error> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.open(&start, false).map(Some),
                Event::Empty(start) => return self.open(&start, true).map(Some),
                Event::Eof => return Ok(None),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(self.error(ErrorCode::ManifestSyntax, "something else than elements")),
            }
        }
    }

    /// Leaves out the rest of the element that is open.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        let depth = self.frames.len();
        while self.frames.len() >= depth {
            self.child()?;
        }
        Ok(())
    }

    /// Like [`Xml::skip`], without looking at what is inside: for texts that were read before.
    pub(super) fn pass(&mut self) -> Result<(), Error> {
        if !self.closing {
            let mut depth = 1_usize;
            while depth > 0 {
                match self.event()? {
                    Event::Start(_) => depth += 1,
                    Event::End(_) => depth -= 1,
                    Event::Eof => return Err(self.truncated()),
                    _ => {}
                }
            }
        }
        self.close();
        Ok(())
    }

    /// The text of the element that is open, without its children's, trimmed; closes it.
    pub(super) fn text(&mut self) -> Result<String, Error> {
        let mut out = String::new();
        if self.closing {
            self.close();
            return Ok(out);
        }
        loop {
            match self.event()? {
                Event::Text(text) => out.push_str(&text.into_inner()),
                Event::CData(data) => out.push_str(&data.into_inner()),
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(char)) => out.push(char),
                    _ => match resolve_predefined_entity(&reference) {
                        Some(text) => out.push_str(text),
                        None => return Err(self.error(ErrorCode::ManifestSyntax, UNKNOWN_ENTITY)),
                    },
                },
                Event::Start(start) => {
                    self.open(&start, false)?;
                    self.skip()?;
                }
                Event::End(_) => {
                    self.close();
                    let trimmed = out.trim();
                    return Ok(if trimmed.len() == out.len() { out } else { trimmed.to_owned() });
                }
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
            if out.len() > self.limits.line_bytes {
                return Err(self.error(ErrorCode::ManifestLimit, "a text longer than the limit"));
            }
        }
    }

    /// Everything between the tags of the element that is open, as written; closes it.
    pub(super) fn content(&mut self) -> Result<&'a str, Error> {
        let from = self.position();
        let empty = self.closing;
        self.skip()?;
        Ok(if empty { "" } else { self.text.get(from..self.event_at).unwrap_or("") })
    }

    /// Bytes of the text that follow the last event, or nothing inside an empty element.
    pub(super) fn rest(&self) -> &'a [u8] {
        if self.closing {
            &[]
        } else {
            self.reader.get_ref()
        }
    }

    /// Steps over `bytes` of [`Xml::rest`], in which the caller has read `count` whole elements
    /// named `name`. Only directly behind an element.
    pub(super) fn advance(&mut self, bytes: usize, name: &'a str, count: u32) {
        let rest = self.reader.get_mut();
        *rest = rest.get(bytes..).unwrap_or(&[]);
        let _ = self.count(name, count);
    }

    /// Reads what follows the root; its processing instructions are handed to `each`.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&str)) -> Result<(), Error> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::PI(instruction) => each(&instruction),
                Event::Comment(_) | Event::Decl(_) => {}
                Event::Text(text) if text.trim().is_empty() => {}
                _ => {
                    self.warn("D108", "what follows the root element was ignored");
                    return Ok(());
                }
            }
        }
    }

    /// Offset behind the last event.
    pub(super) fn position(&self) -> usize {
        self.text.len() - self.reader.get_ref().len()
    }

    /// Offset of the last event.
    pub(super) fn event_at(&self) -> usize {
        self.event_at
    }

    /// Path of the element that is open: `MPD/Period[1]/AdaptationSet[2]`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(clip(frame.name));
            if frame.index > 0 {
                path.push_str(&format!("[{}]", frame.index));
            }
        }
        path
    }

    /// A tolerated fault in the element that is open.
    pub(super) fn warn(&mut self, rule: &str, message: impl Into<String>) {
        if !self.warnings.is_full() {
            let path = self.path();
            self.warnings.add(rule, &path, message);
        }
    }

    /// Keeps a small element of which there may be several, within the limits.
    pub(super) fn keep<T>(&mut self, list: &mut Vec<T>, item: T) -> Result<(), Error> {
        self.kept += 1;
        let in_all = self.limits.renditions.saturating_mul(KEPT_PER_RENDITION);
        if list.len() >= self.limits.descriptors || self.kept > in_all {
            return Err(self.error(ErrorCode::ManifestLimit, "more descriptors than the limit"));
        }
        list.push(item);
        Ok(())
    }

    /// An error in the element that is open.
    pub(super) fn error(&self, code: ErrorCode, message: impl Into<String>) -> Error {
        Error::new(code, message).at(Place::Path(self.path())).fact("byte", self.event_at)
    }

    /// An attribute read by `read`; one that is not readable is a warning about `rule` and not there.
    pub(super) fn parsed<T>(
        &mut self,
        element: &Element<'a>,
        name: &str,
        rule: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = element.attr(name)?;
        let value = read(text.trim());
        if value.is_none() {
            self.warn(rule, format!("@{name}=\"{}\" is not valid and was ignored", clip(&text)));
        }
        value
    }

    fn truncated(&self) -> Error {
        self.error(ErrorCode::ManifestSyntax, "the text ends inside an element")
    }

    fn event(&mut self) -> Result<Event<'a>, Error> {
        self.event_at = self.position();
        self.reader.read_event().map_err(|error| self.error(ErrorCode::ManifestSyntax, clip(&error.to_string())))
    }

    fn open(&mut self, start: &BytesStart<'_>, empty: bool) -> Result<Element<'a>, Error> {
        if self.frames.len() >= self.limits.nesting {
            return Err(self.error(ErrorCode::ManifestLimit, "elements nested deeper than the limit"));
        }
        let scopes = self.scopes.len();
        let tag = tag_of(start, self.text, self.event_at);
        let (prefix, name) = local_name(tag);
        let index = self.count(name, 1);
        let index = if self.frames.is_empty() { 0 } else { index };
        self.frames.push(Frame { name, index, counts: self.counts.len(), scopes });
        self.closing = empty;
        if tag.len() > self.limits.line_bytes {
            return Err(self.error(ErrorCode::ManifestLimit, "a tag longer than the limit"));
        }
        let attributes = self.attributes(tag)?;
        let ns = match prefix {
            "" => self.default_namespace(),
            prefix => self.namespace(prefix),
        };
        Ok(Element { ns, name, prefix, attributes, at: self.event_at })
    }

    fn close(&mut self) {
        self.closing = false;
        if let Some(frame) = self.frames.pop() {
            self.counts.truncate(frame.counts);
            self.scopes.truncate(frame.scopes);
        }
    }

    /// Counts children of the open element; the number of the last one.
    fn count(&mut self, name: &'a str, by: u32) -> u32 {
        let from = self.frames.last().map_or(0, |frame| frame.counts);
        let known = self.counts.get_mut(from..).unwrap_or_default();
        let many = known.len() >= COUNTED_NAMES;
        if let Some((_, count)) = known.iter_mut().find(|(known, _)| *known == name) {
            *count = count.saturating_add(by);
            return *count;
        }
        if many {
            return 0;
        }
        self.counts.push((name, by));
        by
    }

    /// Reads the attributes of a tag: `name attribute="value"…`.
    fn attributes(&mut self, tag: &'a str) -> Result<Vec<Attribute<'a>>, Error> {
        let found = raw_attributes(tag, self.limits.attributes).map_err(|fault| match fault {
            Fault::TooMany => self.error(ErrorCode::ManifestLimit, "more attributes than the limit"),
            Fault::Syntax(message) => self.error(ErrorCode::ManifestSyntax, message),
        })?;
        for (key, value) in &found {
            let prefix = match key.strip_prefix("xmlns") {
                Some("") => "",
                Some(prefixed) if prefixed.starts_with(':') => &prefixed[1..],
                _ => continue,
            };
            if self.scopes.len() >= self.limits.attributes {
                return Err(self.error(ErrorCode::ManifestLimit, "more namespaces than the limit"));
            }
            let ns = if value.eq_ignore_ascii_case(&self.root_uri) { Ns::Root } else { Ns::of_uri(value) };
            self.scopes.push((prefix, ns));
        }
        Ok(found
            .into_iter()
            .filter(|(key, _)| !key.starts_with("xmlns"))
            .map(|(key, raw)| match key.split_once(':') {
                None => Attribute { ns: Ns::Root, name: key, qualified: key, raw },
                Some((prefix, name)) => Attribute { ns: self.namespace(prefix), name, qualified: key, raw },
            })
            .collect())
    }

    fn namespace(&self, prefix: &str) -> Ns {
        match self.scopes.iter().rev().find(|(known, _)| *known == prefix) {
            Some((_, ns)) => *ns,
            None => Ns::of_undeclared(prefix),
        }
    }

    /// Elements without a prefix. A text without any namespace is read as if it had the right one.
    fn default_namespace(&self) -> Ns {
        match self.scopes.iter().rev().find(|(known, _)| known.is_empty()) {
            Some((_, ns)) => *ns,
            None => Ns::Root,
        }
    }
}

/// The tag's text without brackets, as a slice that lives as long as the text.
fn tag_of<'a>(start: &BytesStart<'_>, text: &'a str, at: usize) -> &'a str {
    let length = start.len();
    text.get(at + 1..at + 1 + length).unwrap_or("")
}

/// A text short enough for a message.
pub(super) fn clip(text: &str) -> &str {
    let end = text.char_indices().nth(80).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// The bytes of a manifest as text: UTF-8 within the size limit, byte order mark removed.
pub(super) fn decode<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Error> {
    if bytes.len() > limits.manifest_bytes {
        return Err(Error::new(ErrorCode::ManifestLimit, "the MPD is larger than the limit").fact("bytes", bytes.len()));
    }
    if sniff::utf16(bytes).is_some() {
        return Err(Error::new(ErrorCode::ManifestEncoding, "the MPD is UTF-16, and only UTF-8 is allowed"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let looks_like_xml = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
        let code = if looks_like_xml { ErrorCode::ManifestEncoding } else { ErrorCode::NotAManifest };
        Error::new(code, "the text is not UTF-8").at(Place::Byte(error.valid_up_to() as u64))
    })
}
