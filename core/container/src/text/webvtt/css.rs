//! STYLE blocks (WebVTT, 8.2): the rules for `::cue` that a renderer of subtitles can follow.
//!
//! Selectors: `::cue`, and in its parentheses a list of an element, classes, the id of a cue, a voice
//! (`v[voice="Ann"]`) and a language (`:lang(en)`, `lang[lang="en"]`). Properties: `color`,
//! `background`, `background-color`, `font-weight`, `font-style`, `font-size` (in percent, `em` and
//! `vh`), `font-family`, `text-decoration`, `text-shadow`, `opacity`, `visibility`. Everything else is
//! passed over, with the rule it stands in if it is a selector.

use telecine_model::cue::{Edge, EdgeKind, FontFamily, FontSize, Percent, Rgba, TextStyle};

use super::payload::Tag;
use crate::text::color;

/// An element that rules may speak of.
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    pub(crate) classes: &'a [String],
    /// Voice or language.
    pub(crate) annotation: &'a str,
    /// Language that is stated around it, or by it.
    pub(crate) language: Option<&'a str>,
}

/// What one rule speaks of. `None` and nothing mean anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Selector {
    tag: Option<Tag>,
    classes: Vec<String>,
    id: Option<String>,
    /// `[voice]` or `[lang]` with a value.
    annotation: Option<(Tag, String)>,
    /// `:lang()`.
    language: Option<String>,
    /// `::cue` without parentheses: the whole text.
    whole: bool,
}

impl Selector {
    /// Ids, then classes and attributes, then elements (Selectors 4, 17).
    fn specificity(&self) -> (usize, usize, usize) {
        let attributes = usize::from(self.annotation.is_some()) + usize::from(self.language.is_some());
        (usize::from(self.id.is_some()), self.classes.len() + attributes, usize::from(self.tag.is_some()))
    }

    fn matches_element(&self, element: &Element<'_>) -> bool {
        !self.whole
            && self.id.is_none()
            && self.tag.is_none_or(|tag| tag == element.tag)
            && self.classes.iter().all(|class| element.classes.contains(class))
            && self.annotation.as_ref().is_none_or(|(tag, value)| *tag == element.tag && value == element.annotation)
            && self.language.as_ref().is_none_or(|range| in_language(range, element.language))
    }

    /// Whether it speaks of the whole text of a cue.
    fn matches_root(&self, id: &str) -> bool {
        let nothing_else =
            self.tag.is_none() && self.classes.is_empty() && self.annotation.is_none() && self.language.is_none();
        nothing_else && (self.whole || self.id.as_ref().is_some_and(|wanted| wanted == id))
    }
}

/// Basic filtering (RFC 4647, 3.3.1): `en` is for `en-GB` too.
fn in_language(range: &str, language: Option<&str>) -> bool {
    let Some(language) = language else { return false };
    match language.split_at_checked(range.len()) {
        Some((start, rest)) => start.eq_ignore_ascii_case(range) && (rest.is_empty() || rest.starts_with('-')),
        None => false,
    }
}

/// Classes of one selector, and bytes of a font's name: rules that have more are left out.
const CLASSES: usize = 4;
const FONT_NAME: usize = 256;

/// The rules of all STYLE blocks, weakest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stylesheet {
    rules: Vec<(Selector, TextStyle)>,
}

/// Default colours (WebVTT, 5.1 and 5.2): classes of these names, with `bg_` before them for the
/// background.
const COLOURS: [(&str, Rgba); 8] = [
    ("white", Rgba::WHITE),
    ("lime", Rgba::LIME),
    ("cyan", Rgba::CYAN),
    ("red", Rgba::RED),
    ("yellow", Rgba::YELLOW),
    ("magenta", Rgba::MAGENTA),
    ("blue", Rgba::BLUE),
    ("black", Rgba::BLACK),
];

impl Stylesheet {
    /// Adds the rules of a STYLE block. No more than `limit` rules are kept in all.
    pub(crate) fn add(&mut self, text: &str, limit: usize) {
        let text = without_comments(text);
        let mut rest = text.as_str();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let Some((head, behind, opens)) = until(rest, &['{', ';']) else { break };
            if opens != '{' {
                // `@import` and the like, or something broken.
                rest = behind;
                continue;
            }
            let (body, behind) = block(behind);
            rest = behind;
            if head.starts_with('@') {
                continue;
            }
            let style = declarations(body);
            // One selector that is not understood makes the whole rule void (Selectors 4, 4.1).
            let Some(selectors) =
                split(head, ',').iter().map(|text| selectors(text.trim())).collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            for selector in selectors.into_iter().flatten() {
                if self.rules.len() < limit && !style.is_empty() {
                    self.rules.push((selector, style.clone()));
                }
            }
        }
        // Stable: of two rules of the same specificity the later one wins.
        self.rules.sort_by_key(|(selector, _)| selector.specificity());
    }

    /// Adds to a style what the rules say of an element.
    pub(crate) fn apply(&self, element: &Element<'_>, style: &mut TextStyle) {
        for class in element.classes {
            let (name, background) = match class.strip_prefix("bg_") {
                Some(name) => (name, true),
                None => (class.as_str(), false),
            };
            if let Some((_, colour)) = COLOURS.iter().find(|(known, _)| *known == name) {
                let place = if background { &mut style.background } else { &mut style.color };
                *place = Some(*colour);
            }
        }
        for (selector, rule) in &self.rules {
            if selector.matches_element(element) {
                style.apply(rule);
            }
        }
    }

    /// What it costs to try the rules on an element with so many classes, in nodes.
    pub(crate) fn cost(&self, classes: usize) -> usize {
        self.rules.len().saturating_mul(classes) / 16
    }

    /// The style of the whole text of a cue.
    pub(crate) fn root(&self, id: &str) -> TextStyle {
        let mut style = TextStyle::default();
        for (selector, rule) in &self.rules {
            if selector.matches_root(id) {
                style.apply(rule);
            }
        }
        style
    }
}

/// A comment is nothing (CSS Syntax 3, 4.3.2).
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

/// What is before the first of some characters outside of strings and parentheses, what is behind it,
/// and which one it is.
fn until<'a>(text: &'a str, stops: &[char]) -> Option<(&'a str, &'a str, char)> {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, char) in text.char_indices() {
        match quote {
            Some(open) => {
                if char == open {
                    quote = None;
                }
            }
            None if depth == 0 && stops.contains(&char) => {
                return Some((text.get(..at)?, text.get(at + char.len_utf8()..)?, char));
            }
            None => match char {
                '"' | '\'' => quote = Some(char),
                '(' | '[' => depth += 1,
                ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
    }
    None
}

/// The inside of a block whose `{` is behind, and what follows it. Blocks inside are part of it.
fn block(text: &str) -> (&str, &str) {
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (Some(open), _) if open == char => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(char),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => {
                return (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            }
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    (text, "")
}

/// Splits at a character outside of strings and parentheses.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((part, behind, _)) = until(rest, &[at]) {
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

/// The selectors of one `::cue` or `::cue(…)`; none if it speaks of something else.
fn selectors(text: &str) -> Option<Vec<Selector>> {
    let inside = text.strip_prefix("::cue")?;
    if inside.is_empty() {
        return Some(vec![Selector { whole: true, ..Selector::default() }]);
    }
    let list = inside.strip_prefix('(')?.strip_suffix(')')?;
    split(list, ',').iter().map(|text| selector(text.trim())).collect()
}

/// One compound selector.
fn selector(text: &str) -> Option<Selector> {
    let mut selector = Selector::default();
    let (name, mut rest) = text.split_at(text.find(['.', '#', '[', ':']).unwrap_or(text.len()));
    selector.tag = match name {
        "" | "*" => None,
        name => Some(element(name)?),
    };
    if text.is_empty() {
        return None;
    }
    while let Some(sign) = rest.chars().next() {
        // The sign is one of four ASCII characters.
        let behind = rest.get(1..)?;
        let end = match sign {
            '[' => behind.find(']')? + 1,
            ':' => behind.find(')')? + 1,
            _ => behind.find(['.', '#', '[', ':']).unwrap_or(behind.len()),
        };
        let (part, next) = behind.split_at_checked(end)?;
        rest = next;
        match sign {
            '.' if selector.classes.len() < CLASSES => selector.classes.push(identifier(part)?),
            '#' if selector.id.is_none() => selector.id = Some(identifier(part)?),
            '[' if selector.annotation.is_none() => {
                let (name, value) = part.strip_suffix(']')?.split_once('=')?;
                let tag = match name.trim() {
                    "voice" => Tag::Voice,
                    "lang" => Tag::Language,
                    _ => return None,
                };
                selector.annotation = Some((tag, unquoted(value).to_owned()));
            }
            ':' if selector.language.is_none() => {
                let range = part.strip_prefix("lang(")?.strip_suffix(')')?;
                selector.language = Some(unquoted(range).to_owned());
            }
            _ => return None,
        }
    }
    Some(selector)
}

fn element(name: &str) -> Option<Tag> {
    Some(match name.to_ascii_lowercase().as_str() {
        "c" => Tag::Class,
        "i" => Tag::Italic,
        "b" => Tag::Bold,
        "u" => Tag::Underline,
        "ruby" => Tag::Ruby,
        "rt" => Tag::RubyText,
        "v" => Tag::Voice,
        "lang" => Tag::Language,
        _ => return None,
    })
}

/// A name as CSS writes it: no white space, no combinators; escapes resolved (CSS Syntax 3, 4.3.7).
fn identifier(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        rest = rest.get(char.len_utf8()..)?;
        match char {
            '\\' => {
                let digits = rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
                if digits > 0 {
                    let (number, behind) = rest.split_at_checked(digits)?;
                    let number = u32::from_str_radix(number, 16).ok()?;
                    out.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
                    rest = behind.strip_prefix([' ', '\t', '\n']).unwrap_or(behind);
                } else {
                    let escaped = rest.chars().next()?;
                    out.push(escaped);
                    rest = rest.get(escaped.len_utf8()..)?;
                }
            }
            char if char.is_alphanumeric() || matches!(char, '-' | '_') || !char.is_ascii() => out.push(char),
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text)
}

/// The declarations of a rule.
fn declarations(text: &str) -> TextStyle {
    let mut style = TextStyle::default();
    for declaration in split(text, ';') {
        if let Some((name, value)) = declaration.split_once(':') {
            let value = value.trim();
            let value = value.strip_suffix("!important").map_or(value, str::trim_end);
            // What is not understood says nothing.
            let _ = declare(&name.trim().to_ascii_lowercase(), value, &mut style);
        }
    }
    style
}

fn declare(name: &str, value: &str, style: &mut TextStyle) -> Option<()> {
    match name {
        "color" => style.color = Some(color::parse(value)?),
        "background-color" => style.background = Some(color::parse(value)?),
        "background" => {
            let whole = color::parse(value);
            style.background = Some(whole.or_else(|| value.split_whitespace().find_map(color::parse))?);
        }
        "opacity" => {
            let share = match value.strip_suffix('%') {
                Some(percent) => decimal(percent)? / 100.0,
                None => decimal(value)?,
            };
            // A float-to-integer cast saturates.
            style.opacity = Some((share * 255.0).round() as u8);
        }
        "font-weight" => {
            style.bold = Some(match value.to_ascii_lowercase().as_str() {
                "bold" | "bolder" => true,
                "normal" | "lighter" => false,
                weight => decimal(weight)? >= 600.0,
            });
        }
        "font-style" => {
            let value = value.to_ascii_lowercase();
            style.italic = Some(match value.split_whitespace().next()? {
                "italic" | "oblique" => true,
                "normal" => false,
                _ => return None,
            });
        }
        "text-decoration" | "text-decoration-line" => {
            let value = value.to_ascii_lowercase();
            let says = |word: &str| value.split_whitespace().any(|part| part == word);
            let (under, through, over) = (says("underline"), says("line-through"), says("overline"));
            if !(under || through || over || says("none")) {
                return None;
            }
            (style.underline, style.line_through, style.overline) = (Some(under), Some(through), Some(over));
        }
        "font-size" => {
            let share = |number: &str, unit: f64| Some(Percent::from_f64(decimal(number)? * unit));
            style.font_size = Some(match value {
                value if value.ends_with('%') => FontSize::Relative(share(value.strip_suffix('%')?, 1.0)?),
                value if value.ends_with("em") => {
                    let number = value.strip_suffix("rem").or_else(|| value.strip_suffix("em"))?;
                    FontSize::Relative(share(number, 100.0)?)
                }
                value if value.ends_with("vh") => FontSize::OfVideo(share(value.strip_suffix("vh")?, 1.0)?),
                _ => return None,
            });
        }
        "font-family" => {
            style.font_family = Some(match value.to_ascii_lowercase().as_str() {
                name if name.is_empty() || name.len() > FONT_NAME => return None,
                "monospace" => FontFamily::MonospaceSansSerif,
                "serif" => FontFamily::ProportionalSerif,
                "sans-serif" => FontFamily::ProportionalSansSerif,
                "cursive" => FontFamily::Cursive,
                _ => FontFamily::Named(value.to_owned()),
            });
        }
        "text-shadow" => {
            let none = value.eq_ignore_ascii_case("none");
            let colour = split(value, ',').first().and_then(|shadow| {
                color::parse(shadow).or_else(|| split(shadow, ' ').into_iter().find_map(color::parse))
            });
            let kind = if none { EdgeKind::None } else { EdgeKind::ShadowRight };
            style.edge = Some(Edge { kind, color: colour, thickness: None });
        }
        "visibility" => {
            style.visible = Some(match value.to_ascii_lowercase().as_str() {
                "visible" => true,
                "hidden" | "collapse" => false,
                _ => return None,
            });
        }
        _ => return None,
    }
    Some(())
}

/// A number without exponent; none of the words that Rust takes for one.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    text.parse().ok().filter(|_| plain)
}
