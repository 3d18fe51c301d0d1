//! A small tree of the small XML texts that PlayReady writes.

use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use telecine_model::{Error, ErrorCode, Limits, Place};

/// Elements of one text.
const ELEMENTS: usize = 10_000;

/// One element: names without their prefixes.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// Its own text, trimmed, without its children's.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads the root element of a text.
    pub(super) fn parse(text: &str, limits: &Limits) -> Result<Self, Error> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Element> = Vec::new();
        let mut count = 0;
        loop {
            let at = text.len() - reader.get_ref().len();
            let invalid =
                |message: &str| Error::new(ErrorCode::InitDataInvalid, message.to_owned()).at(Place::Byte(at as u64));
            let event = reader.read_event().map_err(|_| invalid("not well-formed XML"))?;
            let done = match event {
                Event::Start(start) => {
                    count += 1;
                    if open.len() >= limits.nesting || count > ELEMENTS {
                        return Err(invalid("more or deeper elements than the limit"));
                    }
                    open.push(element(&start, limits).map_err(invalid)?);
                    None
                }
                Event::Empty(start) => {
                    count += 1;
                    if count > ELEMENTS {
                        return Err(invalid("more elements than the limit"));
                    }
                    Some(element(&start, limits).map_err(invalid)?)
                }
                Event::End(_) => Some(open.pop().ok_or_else(|| invalid("the end of no element"))?),
                Event::Text(piece) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&piece.into_inner());
                    }
                    None
                }
                Event::CData(piece) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&piece.into_inner());
                    }
                    None
                }
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().ok().flatten();
                    let element = open.last_mut().ok_or_else(|| invalid("text outside of the root"))?;
                    match (character, resolve_predefined_entity(&reference)) {
                        (Some(character), _) => element.text.push(character),
                        (None, Some(text)) => element.text.push_str(text),
                        (None, None) => return Err(invalid("an entity that XML does not define")),
                    }
                    None
                }
                Event::Eof => return Err(invalid("the text ends before its root element does")),
                _ => None,
            };
            if let Some(mut done) = done {
                let trimmed = done.text.trim();
                if trimmed.len() != done.text.len() {
                    done.text = trimmed.to_owned();
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
        }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Text of a child; None if it is not there or empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn element(start: &BytesStart<'_>, limits: &Limits) -> Result<Element, &'static str> {
    let mut out = Element { name: local(start.name().into_inner()), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| "an attribute that is not well-formed")?;
        if out.attributes.len() >= limits.attributes {
            return Err("more attributes than the limit");
        }
        let value = unescape(&attribute.value).map_err(|_| "an entity that XML does not define")?;
        out.attributes.push((local(attribute.key.into_inner()), value.into_owned()));
    }
    Ok(out)
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_with_entities_and_without_prefixes() {
        let text = "<?xml version='1.0'?><a:R v=\"1 &amp; 2\"> x &lt;&#x41;<B/><B>b</B><![CDATA[<]]> </a:R>";
        let root = Element::parse(text, &Limits::default()).expect("XML");
        assert_eq!((root.name.as_str(), root.text.as_str(), root.attribute("v")), ("R", "x <A<", Some("1 & 2")));
        assert_eq!((root.children.len(), root.text_of("B"), root.text_of("C")), (2, None, None));
    }

    #[test]
    fn broken_texts_are_errors() {
        let deep = "<a>".repeat(100);
        let many = format!("<r>{}</r>", "<a/>".repeat(20_000));
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "</a>",
            "<a b></a>",
            "<a>&nosuch;</a>",
            "<a b='&nosuch;'/>",
            "&lt;",
            &deep,
            &many,
        ] {
            let error = Element::parse(text, &Limits::default()).expect_err("broken");
            assert_eq!(error.code(), ErrorCode::InitDataInvalid, "{text:.40}");
        }
    }
}
