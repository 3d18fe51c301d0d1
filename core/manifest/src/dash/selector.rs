//! The XPath subset of MPD patches: `/MPD/Period[@id='1']/AdaptationSet[2]/@lang`, `…/text()`.

use std::ops::Range;

use telecine_model::{Error, Limits};

use super::element::Element;
use super::mpd::NAMESPACE;
use super::reader::Xml;

/// A path from the root to one node.
#[derive(Debug)]
pub(super) struct Selector {
    steps: Vec<Step>,
    leaf: Leaf,
}

#[derive(Debug)]
struct Step {
    /// Local name; None is `*`.
    name: Option<String>,
    predicates: Vec<Predicate>,
}

#[derive(Debug)]
enum Predicate {
    /// `[2]`, counted from 1 among those that the predicates before it left.
    Nth(usize),
    /// `[@id='1']`.
    Attribute(String, String),
}

#[derive(Debug)]
enum Leaf {
    Element,
    Attribute(String),
    Text,
}

/// The node that a selector leads to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Element(Span),
    /// An attribute of the tag at this range, by its qualified name.
    Attribute {
        tag: Range<usize>,
        name: String,
    },
    /// All the text of an element.
    Text(Range<usize>),
}

/// Where an element stands in the text.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) whole: Range<usize>,
    /// Its start tag, or its only tag.
    pub(super) tag: Range<usize>,
    /// Between its tags; None for `<a/>`.
    pub(super) inner: Option<Range<usize>>,
}

impl Selector {
    /// Parses a path; None if it is not of the subset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('/')?;
        let mut steps = Vec::new();
        loop {
            if let Some(name) = rest.strip_prefix('@') {
                let plain = !name.is_empty() && !name.contains(['/', '[', '"', '\'']);
                return (plain && !steps.is_empty()).then(|| Self { steps, leaf: Leaf::Attribute(name.to_owned()) });
            }
            if matches!(rest, "text()" | "text()[1]") && !steps.is_empty() {
                return Some(Self { steps, leaf: Leaf::Text });
            }
            let (step, behind) = Step::parse(rest)?;
            steps.push(step);
            match behind.strip_prefix('/') {
                Some(next) => rest = next,
                None if behind.is_empty() => return Some(Self { steps, leaf: Leaf::Element }),
                None => return None,
            }
        }
    }

    /// Finds the node in an MPD. The inner error says why there is not exactly one.
    pub(super) fn find(&self, text: &str, limits: &Limits) -> Result<Result<Target, &'static str>, Error> {
        let mut xml = Xml::new(text, "", limits);
        let root = xml.root("MPD", NAMESPACE)?;
        let mut found = Vec::new();
        self.descend(0, &mut Counters::new(self), &root, &mut xml, &mut found)?;
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Err("the selector leads to no node"),
            (Some(_), false) => Err("the selector leads to more than one node"),
            (Some((span, name)), true) => self.target(span, name),
        })
    }

    fn target(&self, span: Span, attribute: Option<String>) -> Result<Target, &'static str> {
        Ok(match &self.leaf {
            Leaf::Element => Target::Element(span),
            Leaf::Text => Target::Text(span.inner.ok_or("the element has no text")?),
            Leaf::Attribute(wanted) => {
                Target::Attribute { tag: span.tag, name: attribute.unwrap_or_else(|| wanted.clone()) }
            }
        })
    }

    /// Looks at an element that was just opened, and reads it to its end.
    fn descend(
        &self,
        depth: usize,
        counters: &mut Counters,
        element: &Element<'_>,
        xml: &mut Xml<'_>,
        found: &mut Vec<(Span, Option<String>)>,
    ) -> Result<(), Error> {
        if !self.steps.get(depth).is_some_and(|step| step.matches(element, counters.at(depth))) {
            return xml.pass();
        }
        let tag = element.at..xml.position();
        if depth + 1 == self.steps.len() {
            let empty = xml.rest().is_empty();
            xml.pass()?;
            let wanted = match &self.leaf {
                Leaf::Attribute(name) => element.qualified_attribute(name),
                _ => None,
            };
            if found.len() < 2 && (wanted.is_some() || !matches!(self.leaf, Leaf::Attribute(_))) {
                let inner = (!empty).then(|| tag.end..xml.event_at());
                let whole = tag.start..xml.position();
                found.push((Span { whole, tag, inner }, wanted));
            }
            return Ok(());
        }
        counters.restart(depth + 1);
        while let Some(child) = xml.child()? {
            self.descend(depth + 1, counters, &child, xml, found)?;
        }
        Ok(())
    }
}

/// How many siblings each positional predicate has seen, for each step.
struct Counters(Vec<Vec<usize>>);

impl Counters {
    fn new(selector: &Selector) -> Self {
        Self(selector.steps.iter().map(|step| vec![0; step.predicates.len()]).collect())
    }

    fn at(&mut self, depth: usize) -> &mut [usize] {
        self.0.get_mut(depth).map_or(&mut [], Vec::as_mut_slice)
    }

    fn restart(&mut self, depth: usize) {
        self.at(depth).fill(0);
    }
}

impl Step {
    fn parse(text: &str) -> Option<(Self, &str)> {
        let end = text.find(['/', '[']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let name = name.trim().rsplit(':').next()?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !(name == "*" || name.chars().all(plain)) {
            return None;
        }
        let mut predicates = Vec::new();
        while let Some(inside) = rest.strip_prefix('[') {
            let (predicate, behind) = Predicate::parse(inside)?;
            predicates.push(predicate);
            rest = behind;
        }
        let name = (name != "*").then(|| name.to_owned());
        Some((Self { name, predicates }, rest))
    }

    fn matches(&self, element: &Element<'_>, counters: &mut [usize]) -> bool {
        if self.name.as_ref().is_some_and(|name| name != element.name) {
            return false;
        }
        self.predicates.iter().zip(counters).all(|(predicate, count)| match predicate {
            Predicate::Attribute(name, value) => {
                let known = element.qualified_attribute(name);
                known.is_some_and(|known| element.value_of(&known).as_deref() == Some(value))
            }
            Predicate::Nth(nth) => {
                *count += 1;
                *count == *nth
            }
        })
    }
}

impl Predicate {
    fn parse(text: &str) -> Option<(Self, &str)> {
        if let Some(name) = text.trim_start().strip_prefix('@') {
            let (name, rest) = name.split_once('=')?;
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, rest) = rest[1..].split_once(quote)?;
            let rest = rest.trim_start().strip_prefix(']')?;
            return Some((Self::Attribute(name.trim().to_owned(), value.to_owned()), rest));
        }
        let (number, rest) = text.split_once(']')?;
        let nth = number.trim().parse().ok().filter(|nth| *nth > 0)?;
        Some((Self::Nth(nth), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_subset_are_read_and_others_are_not() {
        for good in [
            "/MPD",
            "/MPD/@publishTime",
            "/MPD/Period[@id='a/b[1]']/AdaptationSet[2]/SegmentTemplate/SegmentTimeline/S[3]",
            "/p:MPD/*[@x=\"1\"][2]/text()",
        ] {
            assert!(Selector::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "MPD",
            "/",
            "//MPD",
            "/MPD/",
            "/MPD[0]",
            "/MPD[last()]",
            "/MPD[@id]",
            "/MPD/@a/b",
            "/@a",
            "/MPD/Period[x='1']",
            "/MPD[1",
            "id('x')",
            "/MPD|/MPD",
        ] {
            assert!(Selector::parse(bad).is_none(), "{bad}");
        }
    }
}
