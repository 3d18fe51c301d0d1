//! Styles: what elements state, and what comes of it (TTML2, 10.4).

use telecine_model::cue::{
    Anchor, Direction, Edge, EdgeKind, FontFamily, FontSize, Percent, Rgba, TextAlign, TextStyle, WritingMode,
};

use super::tree::{clip, Element, Ns, Tag, Warnings};
use super::value::{self, Effect, Grid, Length, Offset, Side};
use crate::text::color;
use telecine_model::SortedMap;

/// `tts:ruby`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RubyRole {
    Container,
    Base,
    Text,
    /// Containers of several bases or texts: what is inside counts.
    Group,
    /// Parentheses for renderers that know no ruby.
    Delimiter,
}

/// What is stated at one element. None: nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stated {
    pub(super) color: Option<Rgba>,
    pub(super) background: Option<Rgba>,
    pub(super) opacity: Option<u8>,
    pub(super) font_size: Option<Length>,
    pub(super) font_family: Option<FontFamily>,
    pub(super) italic: Option<bool>,
    pub(super) bold: Option<bool>,
    pub(super) underline: Option<bool>,
    pub(super) line_through: Option<bool>,
    pub(super) overline: Option<bool>,
    pub(super) effect: Option<Effect>,
    pub(super) visible: Option<bool>,
    /// False: `tts:display="none"`.
    pub(super) display: Option<bool>,
    pub(super) direction: Option<Direction>,
    pub(super) text_align: Option<TextAlign>,
    pub(super) display_align: Option<Anchor>,
    pub(super) wrap: Option<bool>,
    /// None inside: `normal`.
    pub(super) line_height: Option<Option<Length>>,
    pub(super) ruby: Option<RubyRole>,
    /// Direction of lines, and of letters where it says one.
    pub(super) writing: Option<(WritingMode, Direction)>,
    /// None inside: `auto`.
    pub(super) origin: Option<Option<(Length, Length)>>,
    pub(super) position: Option<(Offset, Offset)>,
    pub(super) extent: Option<Option<(Length, Length)>>,
    pub(super) padding: Option<[Length; 4]>,
    pub(super) overflows: Option<bool>,
    pub(super) always_visible: Option<bool>,
    pub(super) z_index: Option<i32>,
    pub(super) forced: Option<bool>,
}

impl Stated {
    /// Takes over what `other` states.
    pub(super) fn apply(&mut self, other: &Self) {
        macro_rules! take {
            ($($field:ident)+) => { $(if other.$field.is_some() { self.$field.clone_from(&other.$field); })+ };
        }
        take!(color background opacity font_size font_family italic bold underline line_through overline effect
            visible display direction text_align display_align wrap line_height ruby writing origin position extent
            padding overflows always_visible z_index forced);
    }

    /// Whether it says where its text goes: a region of its own (TTML2, 11.1.2.1.1).
    pub(super) fn places(&self) -> bool {
        self.origin.is_some() || self.position.is_some() || self.extent.is_some()
    }

    /// Reads the style attributes of an element.
    fn read(&mut self, element: &Element<'_>, text: &str, warnings: &mut Warnings) {
        for attribute in &element.attributes {
            if !matches!(attribute.ns, Ns::Style | Ns::ImscStyle) {
                continue;
            }
            let value = attribute.value();
            if self.attribute(attribute.ns, attribute.name, value.trim()).is_none() {
                warnings.add("T204", text, element.at, || {
                    format!("{}=\"{}\" is not valid and was ignored", attribute.name, clip(&value))
                });
            }
        }
    }

    /// None if the value is not valid. Attributes that are not known are valid.
    fn attribute(&mut self, ns: Ns, name: &str, value: &str) -> Option<()> {
        let flag = |yes: &str, no: &str| match value {
            value if value == yes => Some(true),
            value if value == no => Some(false),
            _ => None,
        };
        if ns == Ns::ImscStyle {
            if name == "forcedDisplay" {
                self.forced = Some(flag("true", "false")?);
            }
            return Some(());
        }
        match name {
            "color" => self.color = Some(color::parse(value)?),
            "backgroundColor" => self.background = Some(color::parse(value)?),
            "opacity" => {
                let share: f64 = value.parse().ok()?;
                // A float-to-integer cast saturates.
                self.opacity = Some((share * 255.0).round() as u8);
            }
            // Of two lengths the second one is the height.
            "fontSize" => {
                let sizes = value::lengths(value)?;
                self.font_size = Some(*sizes.get(1).or(sizes.first())?);
            }
            "fontFamily" => self.font_family = Some(value::font_family(value)?),
            "fontStyle" => self.italic = Some(matches!(value, "italic" | "oblique" | "reverseOblique")),
            "fontWeight" => self.bold = Some(flag("bold", "normal")?),
            "textDecoration" => self.decoration(value)?,
            "textOutline" => self.effect = Some(value::outline(value)?),
            // An outline says more: it is kept if both are there.
            "textShadow" if matches!(self.effect, Some(Effect::Outline(..))) => {}
            "textShadow" => self.effect = Some(value::shadow(value)?),
            "visibility" => self.visible = Some(flag("visible", "hidden")?),
            "display" => self.display = Some(value != "none"),
            "direction" => {
                self.direction = Some(match value {
                    "ltr" => Direction::Ltr,
                    "rtl" => Direction::Rtl,
                    _ => return None,
                });
            }
            "textAlign" => self.text_align = Some(value::text_align(value)?),
            "displayAlign" => self.display_align = Some(value::display_align(value)?),
            "wrapOption" => self.wrap = Some(flag("wrap", "noWrap")?),
            "lineHeight" => {
                self.line_height = Some(match value {
                    "normal" => None,
                    value => Some(Length::parse(value)?),
                });
            }
            "ruby" => {
                self.ruby = match value {
                    "none" => None,
                    "container" => Some(RubyRole::Container),
                    "base" => Some(RubyRole::Base),
                    "text" => Some(RubyRole::Text),
                    "baseContainer" | "textContainer" => Some(RubyRole::Group),
                    "delimiter" => Some(RubyRole::Delimiter),
                    _ => return None,
                };
            }
            "writingMode" => {
                self.writing = Some(match value {
                    "lrtb" | "lr" => (WritingMode::Horizontal, Direction::Auto),
                    "rltb" | "rl" => (WritingMode::Horizontal, Direction::Rtl),
                    "tbrl" | "tb" => (WritingMode::VerticalRl, Direction::Auto),
                    "tblr" => (WritingMode::VerticalLr, Direction::Auto),
                    _ => return None,
                });
            }
            "origin" => self.origin = Some(if value == "auto" { None } else { Some(value::pair(value)?) }),
            "position" => self.position = Some(value::position(value)?),
            "extent" => self.extent = Some(if value == "auto" { None } else { Some(value::pair(value)?) }),
            "padding" => self.padding = Some(value::padding(value)?),
            "overflow" => self.overflows = Some(flag("visible", "hidden")?),
            "showBackground" => self.always_visible = Some(flag("always", "whenActive")?),
            "zIndex" => self.z_index = Some(if value == "auto" { 0 } else { value.parse().ok()? }),
            _ => {}
        }
        Some(())
    }

    fn decoration(&mut self, value: &str) -> Option<()> {
        for word in value.split_ascii_whitespace() {
            match word {
                "none" => {
                    (self.underline, self.line_through, self.overline) = (Some(false), Some(false), Some(false));
                }
                "underline" => self.underline = Some(true),
                "noUnderline" => self.underline = Some(false),
                "lineThrough" => self.line_through = Some(true),
                "noLineThrough" => self.line_through = Some(false),
                "overline" => self.overline = Some(true),
                "noOverline" => self.overline = Some(false),
                _ => return None,
            }
        }
        Some(())
    }
}

/// The styles of a document.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// `styling/style`, references resolved.
    named: SortedMap<String, Stated>,
    /// `styling/initial`.
    pub(super) initial: Stated,
}

/// Deepest chain of styles that refer to styles.
const CHAIN: usize = 32;

impl Styles {
    /// Reads `head/styling`. Beyond `limit` styles are ignored.
    pub(super) fn read(head: Option<&Element<'_>>, limit: usize, text: &str, warnings: &mut Warnings) -> Self {
        let mut styles = Self::default();
        let Some(styling) = head.and_then(|head| head.of(Tag::Styling).next()) else { return styles };
        for initial in styling.of(Tag::Initial).take(limit) {
            styles.initial.read(initial, text, warnings);
        }
        let mut elements = SortedMap::new();
        for style in styling.of(Tag::Style).take(limit) {
            if let Some(id) = style.attribute(Ns::Xml, "id") {
                elements.entry(id.into_owned()).or_insert(style);
            }
        }
        for id in elements.keys() {
            styles.define(id, &elements, CHAIN, text, warnings);
        }
        styles
    }

    /// Resolves one named style and those that it refers to.
    fn define(
        &mut self,
        id: &str,
        elements: &SortedMap<String, &Element<'_>>,
        depth: usize,
        text: &str,
        warnings: &mut Warnings,
    ) {
        let Some(element) = elements.get(id) else { return };
        if self.named.contains_key(id) {
            return;
        }
        // Known as empty while it is resolved: a loop of references finds that.
        self.named.insert(id.to_owned(), Stated::default());
        let mut stated = Stated::default();
        if let Some(list) = element.attribute(Ns::Tt, "style") {
            for name in list.split_ascii_whitespace().take(REFERENCES) {
                match depth.checked_sub(1) {
                    Some(depth) => self.define(name, elements, depth, text, warnings),
                    None => warnings.add("T203", text, element.at, || "styles refer to styles too deeply".to_owned()),
                }
                self.refer(name, element, &mut stated, text, warnings);
            }
        }
        stated.read(element, text, warnings);
        self.named.insert(id.to_owned(), stated);
    }

    fn refer(&self, name: &str, from: &Element<'_>, into: &mut Stated, text: &str, warnings: &mut Warnings) {
        match self.named.get(name) {
            Some(named) => into.apply(named),
            None => warnings.add("T203", text, from.at, || format!("there is no style {}", clip(name))),
        }
    }

    /// What is stated at an element: by reference, by nested styles, and by its own attributes.
    pub(super) fn stated(&self, element: &Element<'_>, text: &str, warnings: &mut Warnings) -> Stated {
        let mut stated = Stated::default();
        if let Some(list) = element.attribute(Ns::Tt, "style") {
            for name in list.split_ascii_whitespace().take(REFERENCES) {
                self.refer(name, element, &mut stated, text, warnings);
            }
        }
        for nested in element.said(Tag::Style) {
            if let Some(list) = nested.attribute(Ns::Tt, "style") {
                for name in list.split_ascii_whitespace().take(REFERENCES) {
                    self.refer(name, nested, &mut stated, text, warnings);
                }
            }
            stated.read(nested, text, warnings);
        }
        stated.read(element, text, warnings);
        stated
    }

    /// Adds what an animation states.
    pub(super) fn animate(&self, set: &Element<'_>, stated: &mut Stated, text: &str, warnings: &mut Warnings) {
        let mut change = Stated::default();
        change.read(set, text, warnings);
        stated.apply(&change);
    }
}

/// Styles that one element may refer to; further ones are ignored.
const REFERENCES: usize = 64;

/// What holds at a point of the tree: inherited from outside, or stated.
#[derive(Clone, Debug)]
pub(super) struct Computed {
    pub(super) text: TextStyle,
    /// Share of the picture's height.
    pub(super) font_size: Percent,
    pub(super) direction: Direction,
    pub(super) text_align: TextAlign,
    pub(super) wrap: bool,
    pub(super) line_height: Option<Percent>,
    pub(super) forced: bool,
}

impl Computed {
    /// Initial values: black on nothing for no one, so colours are left to the renderer.
    pub(super) fn initial(styles: &Styles, grid: &Grid) -> Self {
        let cell = grid.along(Side::Height, Length::CELL, Percent::ZERO, Percent::ZERO).unwrap_or_default();
        let start = Self {
            text: TextStyle::default(),
            font_size: cell,
            direction: Direction::Auto,
            text_align: TextAlign::Start,
            wrap: true,
            line_height: None,
            forced: false,
        };
        start.inside(&styles.initial, grid)
    }

    /// What holds inside an element that states this.
    pub(super) fn inside(&self, stated: &Stated, grid: &Grid) -> Self {
        let mut inner = self.clone();
        inner.font_size = self.size(stated, grid);
        inner.text.apply(&self.text_style(stated, grid));
        // Not inherited.
        (inner.text.background, inner.text.opacity) = (None, None);
        inner.text.font_size = Some(FontSize::OfVideo(inner.font_size));
        inner.direction = stated.direction.unwrap_or(self.direction);
        inner.text_align = stated.text_align.unwrap_or(self.text_align);
        inner.wrap = stated.wrap.unwrap_or(self.wrap);
        inner.forced = stated.forced.unwrap_or(self.forced);
        if let Some(height) = stated.line_height {
            inner.line_height = height.and_then(|length| {
                let height = grid.along(Side::Height, length, inner.font_size, inner.font_size)?;
                Percent::ratio(height.units().into(), inner.font_size.units().into())
            });
        }
        inner
    }

    fn size(&self, stated: &Stated, grid: &Grid) -> Percent {
        let size = stated.font_size.and_then(|length| grid.along(Side::Height, length, self.font_size, self.font_size));
        size.unwrap_or(self.font_size)
    }

    /// What an element states, as a style of text.
    pub(super) fn text_style(&self, stated: &Stated, grid: &Grid) -> TextStyle {
        let size = self.size(stated, grid);
        let edge = stated.effect.map(|effect| match effect {
            Effect::None => Edge { kind: EdgeKind::None, color: None, thickness: None },
            Effect::Shadow(color) => Edge { kind: EdgeKind::ShadowRight, color, thickness: None },
            Effect::Outline(color, thickness) => {
                let share = grid.along(Side::Height, thickness, size, size);
                let thickness = share.and_then(|share| Percent::ratio(share.units().into(), size.units().into()));
                Edge { kind: EdgeKind::Uniform, color, thickness }
            }
        });
        TextStyle {
            bold: stated.bold,
            italic: stated.italic,
            underline: stated.underline,
            line_through: stated.line_through,
            overline: stated.overline,
            color: stated.color,
            background: stated.background,
            opacity: stated.opacity,
            font_size: stated.font_size.map(|_| FontSize::OfVideo(size)),
            font_family: stated.font_family.clone(),
            edge,
            script: None,
            flash: None,
            visible: stated.visible,
        }
    }
}
