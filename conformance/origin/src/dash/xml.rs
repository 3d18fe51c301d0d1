//! A writer of small XML documents.

use std::fmt::{Display, Write as _};

/// A document in the making.
pub(crate) struct Xml {
    out: String,
    open: Vec<&'static str>,
    /// Whether the last start tag still takes attributes.
    in_tag: bool,
}

impl Xml {
    pub(crate) fn new() -> Self {
        Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), open: Vec::new(), in_tag: false }
    }

    /// Starts an element inside the one that is open.
    pub(crate) fn start(&mut self, name: &'static str) -> &mut Self {
        self.close_tag();
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// An attribute of the element that was just started.
    pub(crate) fn attr(&mut self, name: &str, value: impl Display) -> &mut Self {
        let _ = write!(self.out, " {name}=\"{}\"", escaped(&value.to_string()));
        self
    }

    /// An attribute that may be absent.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.attr(name, value);
        }
        self
    }

    /// Ends the open element.
    pub(crate) fn end(&mut self) -> &mut Self {
        let Some(name) = self.open.pop() else { return self };
        if self.in_tag {
            self.out.push_str("/>");
            self.in_tag = false;
        } else {
            self.indent();
            let _ = write!(self.out, "</{name}>");
        }
        self
    }

    /// An element with text and nothing else.
    pub(crate) fn leaf(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.start(name).text(text)
    }

    /// Ends the open element with text as its only content.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        if let Some(name) = self.open.pop() {
            let _ = write!(self.out, ">{}</{name}>", escaped(text));
            self.in_tag = false;
        }
        self
    }

    /// The document, with everything ended.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out.push('\n');
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }

    fn indent(&mut self) {
        let _ = write!(self.out, "\n{:1$}", "", self.open.len() * 2);
    }
}

pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_values_are_escaped() {
        let mut xml = Xml::new();
        xml.start("MPD").attr("a", "x & \"y\"").start("Period").end().leaf("Title", "<1>").maybe("b", None::<u8>);
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD a=\"x &amp; &quot;y&quot;\">\n  <Period/>\n  \
                        <Title>&lt;1&gt;</Title>\n</MPD>\n";
        assert_eq!(xml.finish(), expected);
    }
}
