//! The XML of a document as a tree of the elements that matter (TTML2, 5 and 8).
//!
//! Nothing is expanded but the five entities of XML and character references, so an entity bomb costs
//! its own bytes and nothing else.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use telecine_model::{Error, ErrorCode, Limits, MediaTime, Place, Warning};

/// Namespaces that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ns {
    /// TTML itself, and attributes without a prefix.
    Tt,
    /// `tts:`.
    Style,
    /// `ttp:`.
    Parameter,
    /// `itts:`, IMSC styling.
    ImscStyle,
    /// `smpte:`.
    Smpte,
    /// `xml:`.
    Xml,
    /// Anything else: metadata, EBU and vendor extensions.
    Other,
}

impl Ns {
    fn of_uri(uri: &str) -> Self {
        let drafts = ["http://www.w3.org/2006/10/ttaf1", "http://www.w3.org/2006/04/ttaf1"];
        let tt = |uri: &str| uri == "http://www.w3.org/ns/ttml" || drafts.contains(&uri);
        match uri.split_once('#') {
            None if tt(uri) => Self::Tt,
            Some((base, "styling" | "style")) if tt(base) => Self::Style,
            Some((base, "parameter")) if tt(base) => Self::Parameter,
            Some(("http://www.w3.org/ns/ttml/profile/imsc1", "styling")) => Self::ImscStyle,
            _ if uri.starts_with("http://www.smpte-ra.org/") => Self::Smpte,
            _ => Self::Other,
        }
    }

    /// What a prefix conventionally means, where its declaration is missing.
    fn of_undeclared(prefix: &str) -> Self {
        match prefix {
            "tt" => Self::Tt,
            "tts" => Self::Style,
            "ttp" => Self::Parameter,
            "itts" => Self::ImscStyle,
            "smpte" => Self::Smpte,
            "xml" => Self::Xml,
            _ => Self::Other,
        }
    }
}

/// Elements that matter; others are left out with everything inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Tt,
    Head,
    Styling,
    Style,
    Initial,
    Layout,
    Region,
    Body,
    Div,
    P,
    Span,
    Br,
    Set,
    Image,
}

impl Tag {
    fn of(ns: Ns, name: &str) -> Option<Self> {
        Some(match (ns, name) {
            (Ns::Tt | Ns::Smpte, "image") => Self::Image,
            (Ns::Tt, "tt") => Self::Tt,
            (Ns::Tt, "head") => Self::Head,
            (Ns::Tt, "styling") => Self::Styling,
            (Ns::Tt, "style") => Self::Style,
            (Ns::Tt, "initial") => Self::Initial,
            (Ns::Tt, "layout") => Self::Layout,
            (Ns::Tt, "region") => Self::Region,
            (Ns::Tt, "body") => Self::Body,
            (Ns::Tt, "div") => Self::Div,
            (Ns::Tt, "p") => Self::P,
            (Ns::Tt, "span") => Self::Span,
            (Ns::Tt, "br") => Self::Br,
            (Ns::Tt, "set") => Self::Set,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) ns: Ns,
    pub(super) name: &'a str,
    raw: &'a str,
}

impl<'a> Attribute<'a> {
    /// The value, references resolved.
    pub(super) fn value(&self) -> Cow<'a, str> {
        if !self.raw.contains('&') {
            return Cow::Borrowed(self.raw);
        }
        let mut out = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((before, from)) = rest.split_once('&') {
            out.push_str(before);
            match from.split_once(';').and_then(|(name, behind)| Some((reference(name)?, behind))) {
                Some((text, behind)) => {
                    out.push_str(&text);
                    rest = behind;
                }
                None => {
                    out.push('&');
                    rest = from;
                }
            }
        }
        out.push_str(rest);
        Cow::Owned(out)
    }
}

/// What a reference stands for; None if XML itself does not define it.
fn reference(name: &str) -> Option<Cow<'static, str>> {
    let Some(number) = name.strip_prefix('#') else { return resolve_predefined_entity(name).map(Cow::Borrowed) };
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    let char = code.ok().and_then(char::from_u32).filter(|char| *char != '\0')?;
    Some(Cow::Owned(char.to_string()))
}

#[derive(Clone, Debug)]
pub(super) enum Child<'a> {
    Element(Element<'a>),
    Text(Cow<'a, str>),
}

#[derive(Clone, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: Tag,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) children: Vec<Child<'a>>,
    /// What is said about the element and is not its content: animations, nested styles and regions.
    pub(super) aside: Vec<Element<'a>>,
    /// Offset of its `<` in the text.
    pub(super) at: usize,
    /// When it is active, if what is around it is too. Filled in by `timing`.
    pub(super) begin: MediaTime,
    pub(super) end: MediaTime,
}

impl<'a> Element<'a> {
    pub(super) fn attribute(&self, ns: Ns, name: &str) -> Option<Cow<'a, str>> {
        self.attributes.iter().find(|attribute| attribute.ns == ns && attribute.name == name).map(Attribute::value)
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        })
    }

    /// Inner elements of one kind.
    pub(super) fn of(&self, tag: Tag) -> impl Iterator<Item = &Element<'a>> {
        self.elements().filter(move |element| element.tag == tag)
    }

    /// What is said about it, of one kind.
    pub(super) fn said(&self, tag: Tag) -> impl Iterator<Item = &Element<'a>> {
        self.aside.iter().filter(move |element| element.tag == tag)
    }

    /// Whether it is shown at a time, if what is around it is.
    pub(super) fn is_active(&self, time: MediaTime) -> bool {
        self.begin <= time && time < self.end
    }
}

/// Tolerated faults, up to their limit, with their lines.
#[derive(Debug)]
pub(super) struct Warnings {
    pub(super) list: Vec<Warning>,
    limit: usize,
    /// What is read again is not told again.
    pub(super) muted: bool,
    /// Offsets of line feeds, once somebody asked.
    lines: Option<Vec<usize>>,
}

impl Warnings {
    pub(super) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), limit, muted: false, lines: None }
    }

    pub(super) fn add(&mut self, rule: &str, text: &str, at: usize, message: impl FnOnce() -> String) {
        if self.list.len() < self.limit && !self.muted {
            let lines = self.lines.get_or_insert_with(|| memchr::memchr_iter(b'\n', text.as_bytes()).collect());
            let line = lines.partition_point(|end| *end < at) as u64 + 1;
            self.list.push(Warning::new(rule, Place::Line(line), message()));
        }
    }
}

/// An error at an offset of the text.
pub(super) fn error(text: &str, at: usize, code: ErrorCode, message: &str) -> Error {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    Error::new(code, message).at(Place::Line(memchr::memchr_iter(b'\n', before).count() as u64 + 1))
}

/// Builds the tree.
struct Builder<'a, 'l> {
    text: &'a str,
    limits: &'l Limits,
    scopes: Vec<(&'a str, Ns)>,
    /// Open elements, and how many scopes were in force outside of each.
    open: Vec<(Element<'a>, usize)>,
    nodes: usize,
}

impl<'a> Builder<'a, '_> {
    fn fail(&self, at: usize, code: ErrorCode, message: &str) -> Error {
        error(self.text, at, code, message)
    }

    fn count(&mut self, at: usize) -> Result<(), Error> {
        self.nodes += 1;
        match self.nodes > self.limits.cue_nodes {
            true => Err(self.fail(at, ErrorCode::ContainerLimit, "more elements and texts than the limit")),
            false => Ok(()),
        }
    }

    /// Reads a tag; None if the element does not matter.
    fn element(&mut self, start: &BytesStart<'_>, at: usize) -> Result<Option<Element<'a>>, Error> {
        // The same text, but with the life of the document.
        let tag = self.text.get(at + 1..at + 1 + start.len()).unwrap_or_default();
        let name_length = start.name().0.len();
        let (name, attributes) = tag.split_at_checked(name_length).unwrap_or((tag, ""));
        let found = raw_attributes(attributes, self.limits.attributes).map_err(|fault| match fault {
            Fault::TooMany => self.fail(at, ErrorCode::ContainerLimit, "more attributes than the limit"),
            Fault::Syntax => self.fail(at, ErrorCode::TextSyntax, "an attribute without a quoted value"),
        })?;
        for (key, value) in &found {
            let prefix = match key.split_once(':') {
                Some(("xmlns", prefix)) => prefix,
                None if *key == "xmlns" => "",
                _ => continue,
            };
            if self.scopes.len() >= self.limits.attributes {
                return Err(self.fail(at, ErrorCode::ContainerLimit, "more namespaces than the limit"));
            }
            self.scopes.push((prefix, Ns::of_uri(value)));
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let Some(tag) = Tag::of(self.namespace(prefix), local) else { return Ok(None) };
        let attributes = found
            .into_iter()
            .filter(|(key, _)| !key.starts_with("xmlns"))
            .map(|(key, raw)| match key.split_once(':') {
                None => Attribute { ns: Ns::Tt, name: key, raw },
                Some((prefix, name)) => Attribute { ns: self.namespace(prefix), name, raw },
            })
            .collect();
        Ok(Some(Element {
            tag,
            attributes,
            children: Vec::new(),
            aside: Vec::new(),
            at,
            begin: MediaTime::ZERO,
            end: MediaTime::MAX,
        }))
    }

    fn namespace(&self, prefix: &str) -> Ns {
        match self.scopes.iter().rev().find(|(known, _)| *known == prefix) {
            Some((_, ns)) => *ns,
            // A document without any namespace is read as if it had the right one.
            None if prefix.is_empty() => Ns::Tt,
            None => Ns::of_undeclared(prefix),
        }
    }

    /// Adds characters to the open element, if it may hold some.
    fn characters(&mut self, text: Cow<'a, str>, at: usize) -> Result<(), Error> {
        let Some((element, _)) = self.open.last_mut() else { return Ok(()) };
        if !matches!(element.tag, Tag::P | Tag::Span) || text.is_empty() {
            return Ok(());
        }
        if let Some(Child::Text(before)) = element.children.last_mut() {
            before.to_mut().push_str(&text);
            return Ok(());
        }
        element.children.push(Child::Text(text));
        self.count(at)
    }
}

/// Reads a document up to the end of its root.
pub(super) fn read<'a>(text: &'a str, limits: &Limits, warnings: &mut Warnings) -> Result<Element<'a>, Error> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut builder = Builder { text, limits, scopes: Vec::new(), open: Vec::new(), nodes: 0 };
    // Depth inside of an element that is left out.
    let mut passing = 0_usize;
    loop {
        let at = text.len() - reader.get_ref().len();
        let event = reader.read_event().map_err(|fault| {
            let code = if builder.open.is_empty() { "not XML" } else { "the XML is broken" };
            builder.fail(at, ErrorCode::TextSyntax, &format!("{code}: {}", clip(&fault.to_string())))
        })?;
        let (start, empty) = match event {
            Event::Start(_) if passing > 0 => {
                passing += 1;
                continue;
            }
            Event::End(_) if passing > 0 => {
                passing -= 1;
                continue;
            }
            Event::Eof => return Err(builder.fail(at, ErrorCode::TextSyntax, "the document has no end")),
            _ if passing > 0 => continue,
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                if let Some(root) = close(&mut builder) {
                    return Ok(root);
                }
                continue;
            }
            Event::Text(characters) => {
                builder.characters(characters.into_inner(), at)?;
                continue;
            }
            Event::CData(characters) => {
                builder.characters(characters.into_inner(), at)?;
                continue;
            }
            Event::GeneralRef(name) => {
                let found = reference(&name);
                if found.is_none() {
                    warnings.add("T202", text, at, || format!("the entity {} was left out", clip(&name)));
                }
                builder.characters(found.unwrap_or_default(), at)?;
                continue;
            }
            Event::DocType(_) => {
                warnings.add("T202", text, at, || "a document type declaration was ignored".to_owned());
                continue;
            }
            _ => continue,
        };
        if builder.open.len() >= limits.nesting {
            return Err(builder.fail(at, ErrorCode::ContainerLimit, "elements nested deeper than the limit"));
        }
        let scopes = builder.scopes.len();
        let element = builder.element(&start, at)?;
        if builder.open.is_empty() && element.as_ref().is_none_or(|element| element.tag != Tag::Tt) {
            let name = start.name().0.to_owned();
            let message = format!("the root is <{}> and not <tt> of TTML", clip(&name));
            return Err(builder.fail(at, ErrorCode::TextSyntax, &message));
        }
        match element {
            None => {
                builder.scopes.truncate(scopes);
                passing = usize::from(!empty);
            }
            Some(element) => {
                builder.count(at)?;
                builder.open.push((element, scopes));
                if empty {
                    if let Some(root) = close(&mut builder) {
                        return Ok(root);
                    }
                }
            }
        }
    }
}

/// Closes the innermost element; it is given back if it is the root.
fn close<'a>(builder: &mut Builder<'a, '_>) -> Option<Element<'a>> {
    let (element, scopes) = builder.open.pop()?;
    builder.scopes.truncate(scopes);
    match builder.open.last_mut() {
        Some((parent, _)) => {
            let lists = matches!(parent.tag, Tag::Tt | Tag::Head | Tag::Styling | Tag::Layout);
            if !lists && matches!(element.tag, Tag::Set | Tag::Style | Tag::Region) {
                parent.aside.push(element);
            } else {
                parent.children.push(Child::Element(element));
            }
            None
        }
        None => Some(element),
    }
}

enum Fault {
    TooMany,
    Syntax,
}

/// The attributes of a tag as names and escaped values; of two with the same name the first counts.
fn raw_attributes(text: &str, limit: usize) -> Result<Vec<(&str, &str)>, Fault> {
    let space = [' ', '\t', '\r', '\n'];
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(space);
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=').ok_or(Fault::Syntax)?;
        let key = key.trim_end_matches(space);
        let value = value.trim_start_matches(space);
        let quote = value.chars().next().filter(|char| matches!(char, '"' | '\'')).ok_or(Fault::Syntax)?;
        // The quote is ASCII.
        let (value, behind) = value.get(1..).and_then(|value| value.split_once(quote)).ok_or(Fault::Syntax)?;
        if key.is_empty() || key.contains(space) {
            return Err(Fault::Syntax);
        }
        if found.len() >= limit {
            return Err(Fault::TooMany);
        }
        found.push((key, value));
        rest = behind.trim_start_matches(space);
    }
    Ok(found)
}

/// A text short enough for a message.
pub(super) fn clip(text: &str) -> &str {
    text.char_indices().nth(80).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}
