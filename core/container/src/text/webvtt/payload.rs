//! The text of a cue (WebVTT, 6.4): tags, references and timestamps to a tree.

use std::borrow::Cow;

use telecine_model::cue::{Node, Span, SpanKind};

use super::clock;
use super::css::{Element, Stylesheet};
use super::references;
use super::settings::SPACE;

/// An element of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Class,
    Italic,
    Bold,
    Underline,
    Ruby,
    RubyText,
    Voice,
    Language,
}

impl Tag {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "c" => Self::Class,
            "i" => Self::Italic,
            "b" => Self::Bold,
            "u" => Self::Underline,
            "ruby" => Self::Ruby,
            "rt" => Self::RubyText,
            "v" => Self::Voice,
            "lang" => Self::Language,
            _ => return None,
        })
    }

    fn kind(self, annotation: &str) -> SpanKind {
        match self {
            Self::Class => SpanKind::Plain,
            Self::Italic => SpanKind::Italic,
            Self::Bold => SpanKind::Bold,
            Self::Underline => SpanKind::Underline,
            Self::Ruby => SpanKind::Ruby,
            Self::RubyText => SpanKind::RubyText,
            Self::Voice => SpanKind::Voice(annotation.to_owned()),
            Self::Language => SpanKind::Language(annotation.to_owned()),
        }
    }
}

/// An element that is not closed yet.
struct Open {
    tag: Tag,
    span: Span,
}

/// Classes of one element that are kept.
const CLASSES: usize = 16;

/// Builds the tree.
struct Tree<'s> {
    style: &'s Stylesheet,
    depth: usize,
    /// What may still be spent: see [`parse`].
    budget: &'s mut usize,
    overspent: bool,
    open: Vec<Open>,
    /// Elements beyond the depth that is kept: they are read and forgotten.
    beyond: Vec<Tag>,
    root: Vec<Node>,
}

impl Tree<'_> {
    fn current(&mut self) -> &mut Vec<Node> {
        match self.open.last_mut() {
            Some(open) => &mut open.span.children,
            None => &mut self.root,
        }
    }

    fn spend(&mut self, nodes: usize) {
        match self.budget.checked_sub(nodes) {
            Some(left) => *self.budget = left,
            None => self.overspent = true,
        }
    }

    fn innermost(&self) -> Option<Tag> {
        self.beyond.last().copied().or_else(|| self.open.last().map(|open| open.tag))
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Node::Text(before)) = self.current().last_mut() {
            before.push_str(text);
            return;
        }
        self.current().push(Node::text(text));
        self.spend(1);
    }

    fn start(&mut self, name: &str, classes: &str, annotation: &str) {
        let Some(tag) = Tag::of(name) else { return };
        if tag == Tag::RubyText && self.innermost() != Some(Tag::Ruby) {
            return;
        }
        if self.open.len() >= self.depth {
            self.beyond.push(tag);
            return;
        }
        let mut span = Span::new(tag.kind(annotation), Vec::new());
        span.classes = classes.split('.').filter(|class| !class.is_empty()).take(CLASSES).map(str::to_owned).collect();
        self.spend(1 + self.style.cost(span.classes.len()));
        let language = self.open.iter().rev().find_map(|open| match &open.span.kind {
            SpanKind::Language(language) => Some(language.as_str()),
            _ => None,
        });
        let language = if tag == Tag::Language { Some(annotation) } else { language };
        self.style.apply(&Element { tag, classes: &span.classes, annotation, language }, &mut span.style);
        self.open.push(Open { tag, span });
    }

    fn end(&mut self, name: &str) {
        match (Tag::of(name), self.innermost()) {
            (Some(tag), Some(innermost)) if tag == innermost => self.close(),
            // The end of a ruby ends its annotation too.
            (Some(Tag::Ruby), Some(Tag::RubyText)) => {
                self.close();
                self.close();
            }
            _ => {}
        }
    }

    fn close(&mut self) {
        if self.beyond.pop().is_none() {
            if let Some(Open { span, .. }) = self.open.pop() {
                self.current().push(Node::span(span));
            }
        }
    }

    fn finish(mut self) -> Vec<Node> {
        self.beyond.clear();
        while !self.open.is_empty() {
            self.close();
        }
        self.root
    }
}

/// Reads a cue's text. `depth` limits how deep elements are kept inside each other; deeper ones lose
/// their tags, not their text. Each node costs one of `budget`, and more where many rules of style have
/// to be tried; None if it does not suffice.
pub(crate) fn parse(text: &str, style: &Stylesheet, depth: usize, budget: &mut usize) -> Option<Vec<Node>> {
    let mut tree =
        Tree { style, depth, budget, overspent: false, open: Vec::new(), beyond: Vec::new(), root: Vec::new() };
    if memchr::memchr2(b'<', b'&', text.as_bytes()).is_none() {
        tree.text(text);
        return (!tree.overspent).then_some(tree.root);
    }
    let mut rest = text;
    while !rest.is_empty() && !tree.overspent {
        let (before, from) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        tree.text(&resolve(before));
        let Some(tag) = from.strip_prefix('<') else { break };
        let (tag, behind) = tag.split_once('>').unwrap_or((tag, ""));
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            tree.end(name);
        } else if tag.starts_with(|char: char| char.is_ascii_digit()) {
            if let Some((time, "")) = clock::collect(tag) {
                tree.current().push(Node::Time(time));
                tree.spend(1);
            }
        } else {
            let (head, annotation) = tag.split_at(tag.find(SPACE).unwrap_or(tag.len()));
            let (name, classes) = head.split_once('.').unwrap_or((head, ""));
            tree.start(name, classes, &annotated(annotation));
        }
    }
    (!tree.overspent).then(|| tree.finish())
}

/// A text with its character references resolved.
fn resolve(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else { return Cow::Borrowed(text) };
    let (before, mut rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len());
    out.push_str(before);
    while let Some(reference) = rest.strip_prefix('&') {
        let behind = match references::consume(reference) {
            Some((char, behind)) => {
                out.push(char);
                behind
            }
            None => {
                out.push('&');
                reference
            }
        };
        let (plain, next) = behind.split_at(behind.find('&').unwrap_or(behind.len()));
        out.push_str(plain);
        rest = next;
    }
    Cow::Owned(out)
}

/// An annotation: references resolved, white space collapsed.
fn annotated(text: &str) -> Cow<'_, str> {
    let resolved = resolve(text);
    let words: Vec<_> = resolved.split(SPACE).filter(|word| !word.is_empty()).collect();
    match words[..] {
        [] => Cow::Borrowed(""),
        _ => Cow::Owned(words.join(" ")),
    }
}
