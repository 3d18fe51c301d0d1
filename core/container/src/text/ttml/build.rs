//! Paragraphs to cues: for each span of time in which nothing changes, what is shown (TTML2, 11.3: the
//! intermediate synchronic documents).

use std::rc::Rc;
use std::sync::Arc;

use telecine_model::cue::{Cue, Direction, Layout, Node, Region, Rgba, Span, SpanKind, TextAlign, TextStyle};
use telecine_model::{Error, ErrorCode, Limits, MediaTime, SortedMap};

use super::region::{self, Placed};
use super::style::{Computed, RubyRole, Stated, Styles};
use super::tree::{self, clip, Child, Element, Ns, Tag, Warnings};
use super::value::{Grid, Length};

/// A document taken apart, and the cues that were made of it.
pub(super) struct Builder<'a, 'd> {
    text: &'d str,
    limits: &'d Limits,
    grid: Grid,
    styles: Styles,
    /// All regions by their names.
    regions: SortedMap<String, Level<'a, 'd>>,
    pub(super) warnings: Warnings,
    /// Nodes that may still be visited.
    budget: usize,
    pub(super) cues: Vec<Cue>,
    /// The last region made under each name: cues share it.
    shared: SortedMap<String, Arc<Region>>,
}

/// An element and what is stated at it, animations apart.
#[derive(Clone)]
struct Level<'a, 'd> {
    element: &'d Element<'a>,
    stated: Rc<Stated>,
}

/// One step through the content of a paragraph.
enum Step {
    Open(SpanKind, TextStyle),
    Close,
    /// Characters; true if their white space is preserved.
    Text(String, bool),
    Break,
}

impl<'a, 'd> Builder<'a, 'd> {
    pub(super) fn new(
        text: &'d str,
        limits: &'d Limits,
        grid: Grid,
        styles: Styles,
        regions: SortedMap<String, &'d Element<'a>>,
        warnings: Warnings,
    ) -> Self {
        let mut builder = Self {
            text,
            limits,
            grid,
            styles,
            regions: SortedMap::new(),
            warnings,
            budget: limits.cue_nodes,
            cues: Vec::new(),
            shared: SortedMap::new(),
        };
        builder.regions = regions.into_iter().map(|(id, element)| (id, builder.level(element))).collect();
        builder
    }

    fn level(&mut self, element: &'d Element<'a>) -> Level<'a, 'd> {
        let stated = self.styles.stated(element, self.text, &mut self.warnings);
        Level { element, stated: Rc::new(stated) }
    }

    /// Makes cues of everything inside `body`.
    pub(super) fn body(&mut self, body: &'d Element<'a>) -> Result<(), Error> {
        self.walk(body, &mut Vec::new(), (MediaTime::ZERO, MediaTime::MAX))
    }

    fn walk(
        &mut self,
        element: &'d Element<'a>,
        chain: &mut Vec<Level<'a, 'd>>,
        (begin, end): (MediaTime, MediaTime),
    ) -> Result<(), Error> {
        let (begin, end) = (begin.max(element.begin), end.min(element.end));
        if element.tag == Tag::Image || element.attribute(Ns::Smpte, "backgroundImage").is_some() {
            self.warn("T205", element, || "subtitles that are images are not shown".to_owned());
        }
        if begin >= end {
            return Ok(());
        }
        let level = self.level(element);
        chain.push(level);
        if element.tag == Tag::P {
            self.paragraph(element, chain, (begin, end))?;
        } else {
            for inner in element.elements() {
                if matches!(inner.tag, Tag::Div | Tag::P | Tag::Image) {
                    self.walk(inner, chain, (begin, end))?;
                }
            }
        }
        chain.pop();
        Ok(())
    }

    fn warn(&mut self, rule: &str, element: &Element<'_>, message: impl FnOnce() -> String) {
        self.warnings.add(rule, self.text, element.at, message);
    }

    fn spend(&mut self, nodes: usize, element: &Element<'_>) -> Result<(), Error> {
        match self.budget.checked_sub(nodes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.beyond("texts and spans in cues", element)),
        }
    }

    fn beyond(&self, what: &str, element: &Element<'_>) -> Error {
        tree::error(self.text, element.at, ErrorCode::ContainerLimit, &format!("more {what} than the limit"))
    }

    /// The region that a paragraph refers to.
    fn region_of(&mut self, chain: &[Level<'a, 'd>]) -> Option<Level<'a, 'd>> {
        for Level { element, .. } in chain.iter().rev() {
            if let Some(name) = element.attribute(Ns::Tt, "region") {
                let found = self.regions.get(&*name).cloned();
                if found.is_none() {
                    self.warn("T203", element, || format!("there is no region {}", clip(&name)));
                }
                return found;
            }
            // A region written inside of what it is for; one with a name is there to be referred to.
            let nameless = element.said(Tag::Region).next().filter(|region| region.attribute(Ns::Xml, "id").is_none());
            if let Some(inside) = nameless {
                return Some(self.level(inside));
            }
        }
        None
    }

    fn paragraph(
        &mut self,
        paragraph: &'d Element<'a>,
        chain: &[Level<'a, 'd>],
        (begin, end): (MediaTime, MediaTime),
    ) -> Result<(), Error> {
        let region = self.region_of(chain);
        let (begin, end) = match &region {
            Some(Level { element, .. }) => (begin.max(element.begin), end.min(element.end)),
            None => (begin, end),
        };
        if begin >= end {
            return Ok(());
        }
        // The times at which anything changes.
        let mut times = vec![begin, end];
        let mut visited = 1;
        for Level { element, .. } in chain.iter().chain(&region) {
            for set in element.said(Tag::Set) {
                visited += 1;
                times.extend([set.begin, set.end]);
            }
        }
        visited += changes(paragraph, &mut times);
        self.spend(visited, paragraph)?;
        times.retain(|time| (begin..=end).contains(time));
        times.sort_unstable();
        times.dedup();
        for (from, to) in times.iter().zip(times.iter().skip(1)) {
            let cue = self.cue(paragraph, chain, region.as_ref(), *from)?;
            self.warnings.muted = true;
            let Some(mut cue) = cue else { continue };
            (cue.start, cue.end) = (*from, *to);
            let full = self.cues.len() >= self.limits.cues;
            match self.cues.last_mut() {
                Some(before) if before.end == *from && before.says_the_same(&cue) => before.end = *to,
                _ if full => return Err(self.beyond("cues", paragraph)),
                _ => self.cues.push(cue),
            }
        }
        self.warnings.muted = false;
        Ok(())
    }

    /// What is stated at an element at a time.
    fn at_time(&mut self, level: &Level<'a, 'd>, time: MediaTime) -> Result<Rc<Stated>, Error> {
        let mut stated = level.stated.clone();
        self.spend(level.element.aside.len(), level.element)?;
        for set in level.element.said(Tag::Set).filter(|set| set.is_active(time)) {
            self.styles.animate(set, Rc::make_mut(&mut stated), self.text, &mut self.warnings);
        }
        Ok(stated)
    }

    /// The paragraph as it is at a time; None if nothing is shown.
    fn cue(
        &mut self,
        paragraph: &'d Element<'a>,
        chain: &[Level<'a, 'd>],
        region: Option<&Level<'a, 'd>>,
        time: MediaTime,
    ) -> Result<Option<Cue>, Error> {
        let grid = self.grid;
        let root = Computed::initial(&self.styles, &grid);
        let mut states = Vec::with_capacity(chain.len());
        for level in chain {
            states.push(self.at_time(level, time)?);
        }
        let mut around = root.clone();
        let mut placed = None;
        if let Some(level) = region {
            let mut stated = self.styles.initial.clone();
            let own = self.at_time(level, time)?;
            stated.apply(&own);
            let name = level.element.attribute(Ns::Xml, "id").unwrap_or_default();
            around = root.inside(&own, &grid);
            placed = Some(region::place(&name, &stated, &root, &grid));
            states.push(own);
        } else if let Some(own) = states.iter().rev().find(|stated| stated.places()) {
            placed = Some(region::place("", own, &root, &grid));
        }
        if states.iter().any(|stated| stated.display == Some(false)) {
            return Ok(None);
        }
        let mut layout = Layout::default();
        let mut opacity: Option<u8> = None;
        let (mut language, mut preserve) = (None, false);
        for (Level { element, .. }, stated) in chain.iter().zip(&states) {
            around = around.inside(stated, &grid);
            if let Some(colour) = stated.background {
                layout.background = Some(colour).filter(|colour| colour.a > 0).or(layout.background);
            }
            opacity = match (opacity, stated.opacity) {
                (Some(outer), Some(inner)) => u8::try_from((u32::from(outer) * u32::from(inner) + 127) / 255).ok(),
                (outer, inner) => inner.or(outer),
            };
            language = element.attribute(Ns::Xml, "lang").or(language);
            preserve = preserves(element).unwrap_or(preserve);
        }
        let mut steps = Vec::new();
        self.content(paragraph, &around, preserve, time, &mut steps)?;
        collapse(&mut steps);
        let mut text = assemble(steps);
        if !has_text(&text) {
            return Ok(None);
        }
        if let Some(language) = language.filter(|language| !language.is_empty()) {
            text = vec![Node::span(Span::new(SpanKind::Language(language.into_owned()), text))];
        }
        let mut cue = Cue::new(MediaTime::ZERO, MediaTime::ZERO);
        cue.id = paragraph.attribute(Ns::Xml, "id").unwrap_or_default().into_owned();
        cue.text = text;
        cue.style = around.text;
        cue.style.opacity = opacity;
        cue.forced = around.forced;
        layout.direction = around.direction;
        layout.align = around.text_align;
        layout.wrap = around.wrap;
        layout.line_height = around.line_height;
        if let Some(Placed { region, writing }) = placed {
            layout.writing = writing.0;
            if layout.direction == Direction::Auto {
                layout.direction = writing.1;
            }
            cue.region = Some(self.share(region));
        } else if self.regions.is_empty() && self.styles.initial.text_align.is_none() {
            // No region anywhere: the author left the place to the renderer, and the alignment too if
            // it was not stated.
            if states.iter().all(|stated| stated.text_align.is_none()) {
                layout.align = TextAlign::Center;
            }
        }
        cue.layout = layout;
        Ok(Some(cue))
    }

    /// The same region for all cues that are in it.
    fn share(&mut self, region: Region) -> Arc<Region> {
        match self.shared.get(&region.id) {
            Some(known) if **known == region => known.clone(),
            _ => {
                let shared = Arc::new(region);
                self.shared.insert(shared.id.clone(), shared.clone());
                shared
            }
        }
    }

    /// The steps through what is inside an element at a time.
    fn content(
        &mut self,
        element: &'d Element<'a>,
        around: &Computed,
        preserve: bool,
        time: MediaTime,
        steps: &mut Vec<Step>,
    ) -> Result<(), Error> {
        for child in &element.children {
            self.spend(1, element)?;
            let inner = match child {
                Child::Text(text) => {
                    steps.push(Step::Text(text.clone().into_owned(), preserve));
                    continue;
                }
                Child::Element(inner) if inner.is_active(time) => inner,
                Child::Element(_) => continue,
            };
            match inner.tag {
                Tag::Br => steps.push(Step::Break),
                Tag::Span => self.span(inner, around, preserve, time, steps)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn span(
        &mut self,
        span: &'d Element<'a>,
        around: &Computed,
        preserve: bool,
        time: MediaTime,
        steps: &mut Vec<Step>,
    ) -> Result<(), Error> {
        let level = self.level(span);
        let mut stated = self.at_time(&level, time)?;
        if stated.display == Some(false) || stated.ruby == Some(RubyRole::Delimiter) {
            return Ok(());
        }
        if stated.ruby == Some(RubyRole::Text) && stated.font_size.is_none() {
            // Annotations are half as large as what they annotate (TTML2, 10.2.37).
            Rc::make_mut(&mut stated).font_size = Some(Length::HALF);
        }
        let grid = self.grid;
        let mut style = around.text_style(&stated, &grid);
        style.background = style.background.filter(|colour: &Rgba| colour.a > 0);
        let kind = match stated.ruby {
            Some(RubyRole::Container) => SpanKind::Ruby,
            Some(RubyRole::Base) => SpanKind::RubyBase,
            Some(RubyRole::Text) => SpanKind::RubyText,
            _ => SpanKind::Plain,
        };
        let language = span.attribute(Ns::Xml, "lang").filter(|language| !language.is_empty());
        // A span that changes nothing is no node of its own.
        let opened = kind != SpanKind::Plain || !style.is_empty();
        let inner = around.inside(&stated, &grid);
        let preserve = preserves(span).unwrap_or(preserve);
        if let Some(language) = &language {
            steps.push(Step::Open(SpanKind::Language(language.to_string()), TextStyle::default()));
        }
        if opened {
            steps.push(Step::Open(kind, style));
        }
        self.content(span, &inner, preserve, time, steps)?;
        if opened {
            steps.push(Step::Close);
        }
        if language.is_some() {
            steps.push(Step::Close);
        }
        Ok(())
    }
}

/// Collects the times at which something inside an element changes; how many elements there are.
fn changes(element: &Element<'_>, times: &mut Vec<MediaTime>) -> usize {
    let mut count = 0;
    for inner in element.elements().chain(&element.aside) {
        count += 1;
        times.extend([inner.begin, inner.end]);
        count += changes(inner, times);
    }
    count
}

/// `xml:space`, where it is stated.
fn preserves(element: &Element<'_>) -> Option<bool> {
    element.attribute(Ns::Xml, "space").map(|value| value == "preserve")
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Collapses white space that is not preserved: runs to one space, nothing at the edges of lines
/// (TTML2, 8.1.5, and XSL 1.1, 4.7.2).
fn collapse(steps: &mut [Step]) {
    // Nothing, or white space that stays, is before.
    let mut at_edge = true;
    // The step whose last character is a space that goes if the line ends.
    let mut trailing: Option<usize> = None;
    let trim = |steps: &mut [Step], trailing: &mut Option<usize>| {
        if let Some(Step::Text(text, _)) = trailing.take().and_then(|at| steps.get_mut(at)) {
            text.pop();
        }
    };
    for at in 0..steps.len() {
        match steps.get_mut(at) {
            Some(Step::Text(text, true)) if !text.is_empty() => {
                at_edge = text.ends_with(SPACE);
                trailing = None;
            }
            Some(Step::Text(text, false)) => {
                let mut out = String::with_capacity(text.len());
                for char in text.chars() {
                    if !SPACE.contains(&char) {
                        out.push(char);
                        (at_edge, trailing) = (false, None);
                    } else if !at_edge && trailing.is_none() {
                        out.push(' ');
                        trailing = Some(at);
                    }
                }
                *text = out;
            }
            Some(Step::Break) => {
                trim(steps, &mut trailing);
                at_edge = true;
            }
            _ => {}
        }
    }
    trim(steps, &mut trailing);
}

/// Steps to a tree; spans without content are left out.
fn assemble(steps: Vec<Step>) -> Vec<Node> {
    fn text(nodes: &mut Vec<Node>, more: &str) {
        match nodes.last_mut() {
            _ if more.is_empty() => {}
            Some(Node::Text(before)) => before.push_str(more),
            _ => nodes.push(Node::text(more)),
        }
    }
    let mut open: Vec<(Span, Vec<Node>)> = Vec::new();
    let mut nodes = Vec::new();
    for step in steps {
        match step {
            Step::Text(characters, _) => text(&mut nodes, &characters),
            Step::Break => text(&mut nodes, "\n"),
            Step::Open(kind, style) => {
                let span = Span { kind, classes: Vec::new(), style, children: Vec::new() };
                open.push((span, std::mem::take(&mut nodes)));
            }
            Step::Close => {
                if let Some((mut span, outside)) = open.pop() {
                    span.children = std::mem::replace(&mut nodes, outside);
                    if !span.children.is_empty() {
                        nodes.push(Node::span(span));
                    }
                }
            }
        }
    }
    nodes
}

/// Whether there is anything but white space.
fn has_text(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Text(text) => !text.trim_matches(SPACE).is_empty(),
        Node::Span(span) => has_text(&span.children),
        _ => false,
    })
}
