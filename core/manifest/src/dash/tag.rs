//! Start tags as text: where their attributes stand. For the two places that change a manifest's
//! text instead of reading it, [`splice`](super::splice) and [`apply_patch`](super::apply_patch).

use std::ops::Range;

/// A start tag.
pub(super) struct Tag<'a> {
    /// With its brackets.
    pub(super) text: &'a str,
    /// Name with its prefix.
    pub(super) qualified: &'a str,
    /// Offset behind the name.
    pub(super) name_end: usize,
}

impl<'a> Tag<'a> {
    /// The start tag at the beginning of a text.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut quote = None;
        let end = text.bytes().position(|byte| {
            match (quote, byte) {
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                _ => {}
            }
            quote.is_none() && byte == b'>'
        })?;
        let text = text.get(..=end)?;
        let qualified = text.strip_prefix('<')?.split([' ', '\t', '\r', '\n', '/', '>']).next()?;
        Some(Self { text, qualified, name_end: 1 + qualified.len() })
    }

    /// Name without its prefix.
    pub(super) fn name(&self) -> &'a str {
        self.qualified.rsplit(':').next().unwrap_or("")
    }
}

/// Where an attribute stands in its tag.
pub(super) struct Found {
    /// With the white space in front of it.
    pub(super) whole: Range<usize>,
    /// The value with its quotes.
    pub(super) quoted: Range<usize>,
    /// The value.
    pub(super) value: Range<usize>,
}

/// The first attribute of a tag whose qualified name is wanted.
pub(super) fn attribute(tag: &str, wanted: impl Fn(&str) -> bool) -> Option<Found> {
    let mut at = Tag::of(tag)?.name_end;
    loop {
        // Name, equals sign, quoted value: one after the other, so that values are never searched.
        let rest = tag.get(at..)?;
        let equals = rest.find('=')?;
        let name = rest[..equals].trim();
        let behind = &rest[equals + 1..];
        let value_at = at + equals + 1 + (behind.len() - behind.trim_start().len());
        let quote = tag[value_at..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let end = value_at + 1 + tag[value_at + 1..].find(quote)? + 1;
        if wanted(name) {
            return Some(Found { whole: at..end, quoted: value_at..end, value: value_at + 1..end - 1 });
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name_and_not_inside_values() {
        let tag = "<a:b x='id=\"1\" >' id = \"2\"/>text id='3'";
        let tag = Tag::of(tag).expect("a tag");
        assert_eq!((tag.text.len(), tag.qualified, tag.name()), (28, "a:b", "b"));
        let found = attribute(tag.text, |name| name == "id").expect("id");
        assert_eq!(&tag.text[found.value.clone()], "2");
        assert_eq!(&tag.text[found.whole], " id = \"2\"");
        assert_eq!(&tag.text[found.quoted], "\"2\"");
        assert!(attribute(tag.text, |name| name == "y").is_none());
    }
}
