//! What a cue says: a tree, as authors write it, and a list of runs, as renderers want it.

use serde::{Deserialize, Serialize};

use super::style::TextStyle;
use crate::time::MediaTime;

/// A piece of a cue's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Node {
    /// Characters; `\n` is a line break.
    Text(String),
    /// A piece with a style or a meaning of its own.
    Span(Box<Span>),
    /// What follows appears at this media time, not before.
    Time(MediaTime),
    /// So many cells of a caption grid are left empty (CEA-608, CEA-708).
    Gap(u16),
}

impl Node {
    /// Characters.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A piece with a style or a meaning of its own.
    pub fn span(span: Span) -> Self {
        Self::Span(Box::new(span))
    }
}

/// A piece of text with a style or a meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// Classes that the author gave it.
    pub classes: Vec<String>,
    /// How it looks: what its kind means (bold, italic, underline) and what styles say of it.
    pub style: TextStyle,
    /// What it holds.
    pub children: Vec<Node>,
}

impl Span {
    /// A span without classes; its style is what its kind means.
    pub fn new(kind: SpanKind, children: Vec<Node>) -> Self {
        let style = kind.style();
        Self { kind, classes: Vec::new(), style, children }
    }
}

/// What a span is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SpanKind {
    /// Nothing in particular: WebVTT `c`, TTML `span`.
    Plain,
    /// WebVTT `b`.
    Bold,
    /// WebVTT `i`.
    Italic,
    /// WebVTT `u`.
    Underline,
    /// A base text with annotations beside it.
    Ruby,
    /// Base text inside [`SpanKind::Ruby`]; other text there is base text too.
    RubyBase,
    /// An annotation inside [`SpanKind::Ruby`].
    RubyText,
    /// Spoken by someone.
    Voice(String),
    /// In a language, as the author wrote its tag.
    Language(String),
}

impl SpanKind {
    /// The look that is its meaning.
    pub fn style(&self) -> TextStyle {
        let mut style = TextStyle::default();
        match self {
            Self::Bold => style.bold = Some(true),
            Self::Italic => style.italic = Some(true),
            Self::Underline => style.underline = Some(true),
            _ => {}
        }
        style
    }
}

/// Which part of a ruby a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ruby {
    /// The text that is annotated.
    Base,
    /// The annotation of the base text before it.
    Text,
}

/// A piece of text of one style, with everything that the spans around it say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Characters; `\n` is a line break. Empty for a gap.
    pub text: &'a str,
    /// Cells of a caption grid left empty; zero for text.
    pub gap: u16,
    /// How it looks.
    pub style: TextStyle,
    /// Classes, outermost first.
    pub classes: Vec<&'a str>,
    /// Who speaks.
    pub voice: Option<&'a str>,
    /// Language of the text, where it is stated inside the cue.
    pub language: Option<&'a str>,
    /// Part of a ruby.
    pub ruby: Option<Ruby>,
    /// When it appears, if later than the cue.
    pub appears: Option<MediaTime>,
}

/// Moves the times inside.
pub(super) fn shift(nodes: &mut [Node], by: MediaTime) {
    for node in nodes {
        match node {
            Node::Time(time) => *time += by,
            Node::Span(span) => shift(&mut span.children, by),
            Node::Text(_) | Node::Gap(_) => {}
        }
    }
}

/// Nodes at all depths.
pub(super) fn count(nodes: &[Node]) -> usize {
    let inside = |node: &Node| match node {
        Node::Span(span) => count(&span.children),
        _ => 0,
    };
    nodes.iter().map(|node| 1 + inside(node)).sum()
}

/// Characters alone.
pub(super) fn plain(nodes: &[Node]) -> String {
    fn add(nodes: &[Node], out: &mut String) {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Span(span) if span.kind == SpanKind::RubyText => {}
                Node::Span(span) => add(&span.children, out),
                Node::Gap(_) if out.is_empty() || out.ends_with(['\n', ' ']) => {}
                Node::Gap(_) => out.push(' '),
                Node::Time(_) => {}
            }
        }
    }
    let mut out = String::new();
    add(nodes, &mut out);
    out
}

/// The state of the walk at one depth.
#[derive(Clone)]
struct Around<'a> {
    style: TextStyle,
    classes: Vec<&'a str>,
    voice: Option<&'a str>,
    language: Option<&'a str>,
    ruby: Option<Ruby>,
}

/// The leaves of the tree with what is around them.
pub(super) fn runs<'a>(nodes: &'a [Node], style: &TextStyle) -> Vec<Run<'a>> {
    fn add<'a>(nodes: &'a [Node], around: &Around<'a>, appears: &mut Option<MediaTime>, out: &mut Vec<Run<'a>>) {
        for node in nodes {
            let (text, gap) = match node {
                Node::Text(text) => (text.as_str(), 0),
                Node::Gap(cells) => ("", *cells),
                Node::Time(time) => {
                    *appears = Some(*time);
                    continue;
                }
                Node::Span(span) => {
                    let mut inner = around.clone();
                    inner.style = span.style.within(&around.style);
                    inner.classes.extend(span.classes.iter().map(String::as_str));
                    match &span.kind {
                        SpanKind::Voice(voice) => inner.voice = Some(voice),
                        SpanKind::Language(language) => inner.language = Some(language),
                        SpanKind::Ruby | SpanKind::RubyBase => inner.ruby = Some(Ruby::Base),
                        SpanKind::RubyText => inner.ruby = Some(Ruby::Text),
                        _ => {}
                    }
                    add(&span.children, &inner, appears, out);
                    continue;
                }
            };
            let Around { style, classes, voice, language, ruby } = around.clone();
            out.push(Run { text, gap, style, classes, voice, language, ruby, appears: *appears });
        }
    }
    let around = Around { style: style.clone(), classes: Vec::new(), voice: None, language: None, ruby: None };
    let mut out = Vec::new();
    add(nodes, &around, &mut None, &mut out);
    out
}
