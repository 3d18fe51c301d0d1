//! MPD patches (ISO/IEC 23009-1, 5.15; RFC 5261): what leads from one MPD to a later one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::xml::escaped;

const NAMESPACE: &str = "urn:mpeg:dash:schema:mpd-patch:2020";

/// An element of an MPD as this origin writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node<'a> {
    name: &'a str,
    /// Names and values, as written.
    attributes: Vec<(&'a str, &'a str)>,
    children: Vec<Node<'a>>,
    /// As written; of an element with text and nothing else.
    text: &'a str,
}

/// The document that makes an MPD into a later one, both of this origin; None where one is not.
pub(crate) fn patch(before: &str, after: &str) -> Option<String> {
    let (before, after) = (Node::read(before)?, Node::read(after)?);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (id, original, published) =
        (after.attribute("id")?, before.attribute("publishTime")?, after.attribute("publishTime")?);
    let _ = writeln!(
        out,
        "<Patch xmlns=\"{NAMESPACE}\" mpdId=\"{id}\" originalPublishTime=\"{original}\" publishTime=\"{published}\">"
    );
    difference(&mut out, "/MPD", &before, &after);
    out.push_str("</Patch>\n");
    Some(out)
}

impl<'a> Node<'a> {
    /// Reads what [`super::xml::Xml`] writes: no comments, no mixed content.
    fn read(text: &'a str) -> Option<Self> {
        let mut rest = text.split_once("?>")?.1;
        Self::element(&mut rest)
    }

    /// The element that stands next.
    fn element(rest: &mut &'a str) -> Option<Self> {
        let (tag, behind) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
        *rest = behind;
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut written) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut node = Node { name, ..Self::default() };
        while let Some((attribute, behind)) = written.trim_start().split_once("=\"") {
            let (value, behind) = behind.split_once('"')?;
            node.attributes.push((attribute, value));
            written = behind;
        }
        if is_empty {
            return Some(node);
        }
        loop {
            let (text, behind) = rest.split_at(rest.find('<')?);
            if let Some(end) = behind.strip_prefix("</") {
                if node.children.is_empty() {
                    node.text = text;
                }
                *rest = end.split_once('>')?.1;
                return Some(node);
            }
            *rest = behind;
            node.children.push(Self::element(rest)?);
        }
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A number in an attribute.
    fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name)?.parse().ok()
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{value}\"");
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        let _ = write!(out, ">{}", self.text);
        self.children.iter().for_each(|child| child.write(out));
        let _ = write!(out, "</{}>", self.name);
    }

    /// What tells the children apart: their id, or which of that name they are.
    fn keys(&self) -> Vec<Key<'a>> {
        let mut keys: Vec<Key<'a>> = Vec::new();
        for child in &self.children {
            let which = keys.iter().filter(|key| key.name == child.name).count() + 1;
            keys.push(Key { name: child.name, id: child.attribute("id"), which });
        }
        keys
    }
}

/// What an element is among its siblings.
#[derive(Clone, Copy, Debug)]
struct Key<'a> {
    name: &'a str,
    id: Option<&'a str>,
    which: usize,
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.id == other.id && (self.id.is_some() || self.which == other.which)
    }
}

impl Key<'_> {
    /// The step of a path that leads to it.
    fn step(&self) -> String {
        match self.id {
            Some(id) => format!("{}[@id='{id}']", self.name),
            None => format!("{}[{}]", self.name, self.which),
        }
    }
}

fn operation(out: &mut String, name: &str, path: &str, more: &str, content: &str) {
    let path = escaped(path);
    let _ = match content {
        "" => writeln!(out, "  <{name} sel=\"{path}\"{more}/>"),
        _ => writeln!(out, "  <{name} sel=\"{path}\"{more}>{content}</{name}>"),
    };
}

/// What leads from one element at a path to another.
fn difference(out: &mut String, path: &str, before: &Node<'_>, after: &Node<'_>) {
    attributes(out, path, before, after);
    if before.text != after.text {
        let mut content = String::new();
        after.write(&mut content);
        operation(out, "replace", path, "", &content);
        return;
    }
    if after.name == "SegmentTimeline" {
        timeline(out, path, before, after);
        return;
    }
    let (old, new) = (before.keys(), after.keys());
    for key in old.iter().filter(|key| !new.contains(key)).rev() {
        operation(out, "remove", &format!("{path}/{}", key.step()), "", "");
    }
    for (n, _) in new.iter().enumerate().filter(|(_, key)| !old.contains(key)) {
        let mut content = String::new();
        after.children.get(n).iter().for_each(|child| child.write(&mut content));
        match n.checked_sub(1).and_then(|n| new.get(n)) {
            Some(sibling) => {
                operation(out, "add", &format!("{path}/{}", sibling.step()), " pos=\"after\"", &content);
            }
            None => operation(out, "add", path, " pos=\"prepend\"", &content),
        }
    }
    for (child, key) in after.children.iter().zip(&new) {
        let known = old.iter().position(|known| known == key).and_then(|n| before.children.get(n));
        if let Some(known) = known {
            difference(out, &format!("{path}/{}", key.step()), known, child);
        }
    }
}

fn attributes(out: &mut String, path: &str, before: &Node<'_>, after: &Node<'_>) {
    for (name, value) in &after.attributes {
        match before.attribute(name) {
            Some(known) if known == *value => {}
            Some(_) => operation(out, "replace", &format!("{path}/@{name}"), "", value),
            None => operation(out, "add", path, &format!(" type=\"@{name}\""), value),
        }
    }
    let kept: BTreeSet<&str> = after.attributes.iter().map(|(name, _)| *name).collect();
    for (name, _) in before.attributes.iter().filter(|(name, _)| !kept.contains(name)) {
        operation(out, "remove", &format!("{path}/@{name}"), "", "");
    }
}

/// A timeline: what has left it is removed at the front, what has come is added at the end.
fn timeline(out: &mut String, path: &str, before: &Node<'_>, after: &Node<'_>) {
    let first = after.children.first().and_then(|s| s.number("t")).unwrap_or(0);
    let mut time = 0;
    let ends = before.children.iter().map(|s| {
        let count = s.number("r").unwrap_or(0) + 1;
        time = s.number("t").unwrap_or(time) + s.number("d").unwrap_or(0) * count;
        time
    });
    let gone =
        if after.children.is_empty() { before.children.len() } else { ends.take_while(|end| *end <= first).count() };
    (0..gone).for_each(|_| operation(out, "remove", &format!("{path}/S[1]"), "", ""));
    let kept = before.children.get(gone..).unwrap_or_default();
    for _ in after.children.len()..kept.len() {
        operation(out, "remove", &format!("{path}/S[{}]", after.children.len() + 1), "", "");
    }
    for (n, (known, s)) in kept.iter().zip(&after.children).enumerate() {
        attributes(out, &format!("{path}/S[{}]", n + 1), known, s);
    }
    for s in after.children.get(kept.len()..).unwrap_or_default() {
        let mut content = String::new();
        s.write(&mut content);
        operation(out, "add", path, "", &content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = "<?xml version=\"1.0\"?>\n<MPD id=\"a\">\n  <Period id=\"P0\">\n    <S t=\"0\"/>\n  </Period>\n  \
                    <UTCTiming>x&amp;y</UTCTiming>\n</MPD>\n";
        let mut out = String::new();
        Node::read(text).expect("an element").write(&mut out);
        assert_eq!(out, "<MPD id=\"a\"><Period id=\"P0\"><S t=\"0\"/></Period><UTCTiming>x&amp;y</UTCTiming></MPD>");
        for cut in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = Node::read(&text[..cut]);
        }
    }
}
