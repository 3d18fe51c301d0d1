//! Values of style attributes (TTML2, 10.2 and 10.3).

use telecine_model::cue::{Anchor, FontFamily, Percent, Rgba, TextAlign};

use crate::text::color;

/// What a length is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Of what the attribute refers to.
    Percent,
    /// Pixels of the document's extent.
    Pixel,
    /// Cells of the document's grid.
    Cell,
    /// Of the font size.
    Em,
    /// Of the root's height, in percent.
    RootHeight,
    /// Of the root's width, in percent.
    RootWidth,
}

/// A number in a unit, in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) value: Percent,
    pub(super) unit: Unit,
}

impl Length {
    pub(super) const ZERO: Self = Self { value: Percent::ZERO, unit: Unit::Percent };
    pub(super) const FULL: Self = Self { value: Percent::FULL, unit: Unit::Percent };
    pub(super) const HALF: Self = Self { value: Percent::HALF, unit: Unit::Percent };
    /// One cell: the initial font size.
    pub(super) const CELL: Self = Self { value: Percent::whole(1), unit: Unit::Cell };

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|char: char| char.is_ascii_alphabetic() || char == '%').unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(digits)?;
        let unit = match unit {
            "%" => Unit::Percent,
            "px" => Unit::Pixel,
            "c" => Unit::Cell,
            "em" => Unit::Em,
            "rh" | "vh" => Unit::RootHeight,
            "rw" | "vw" => Unit::RootWidth,
            _ => return None,
        };
        // No words that Rust takes for numbers.
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
        let value: f64 = number.parse().ok().filter(|_| plain)?;
        Some(Self { value: Percent::from_f64(value), unit })
    }
}

/// What the root says of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// `ttp:cellResolution`.
    pub(super) columns: i64,
    pub(super) rows: i64,
    /// `tts:extent` of the root, in pixels.
    pub(super) pixels: Option<(i64, i64)>,
}

impl Default for Grid {
    fn default() -> Self {
        Self { columns: 32, rows: 15, pixels: None }
    }
}

/// One side of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Width,
    Height,
}

impl Grid {
    /// A length along a side of the root, as a share of that side. `whole` is what percents are of, `em`
    /// the font size as a share of the root's height. None for pixels without an extent.
    pub(super) fn along(&self, side: Side, length: Length, whole: Percent, em: Percent) -> Option<Percent> {
        let Length { value, unit } = length;
        let units = i64::from(value.units());
        // Where a share of the one side is wanted along the other: documents of television are 16:9.
        let across = |share: Percent| match side {
            Side::Height => Some(share),
            Side::Width => Percent::ratio(i64::from(share.units()) * 9, 16 * i64::from(Percent::FULL.units())),
        };
        // Ten-thousandths of one of `count`.
        let one_of = |count: i64| Percent::ratio(units, count.saturating_mul(i64::from(Percent::whole(1).units())));
        match unit {
            Unit::Percent => Some(whole.of(value)),
            Unit::Cell => one_of(if side == Side::Width { self.columns } else { self.rows }),
            Unit::Pixel if units == 0 => Some(Percent::ZERO),
            Unit::Pixel => {
                let (width, height) = self.pixels?;
                one_of(if side == Side::Width { width } else { height })
            }
            Unit::Em => across(Percent::ratio(
                i64::from(em.units()) * units,
                i64::from(Percent::FULL.units()) * i64::from(Percent::whole(1).units()),
            )?),
            Unit::RootHeight => across(value),
            Unit::RootWidth => match side {
                Side::Width => Some(value),
                Side::Height => Percent::ratio(units * 16, 9 * i64::from(Percent::FULL.units())),
            },
        }
    }
}

/// Lengths separated by white space, up to four.
pub(super) fn lengths(text: &str) -> Option<Vec<Length>> {
    let found: Option<Vec<_>> = text.split_ascii_whitespace().take(5).map(Length::parse).collect();
    found.filter(|found| (1..=4).contains(&found.len()))
}

/// Two lengths.
pub(super) fn pair(text: &str) -> Option<(Length, Length)> {
    match lengths(text)?[..] {
        [x, y] => Some((x, y)),
        _ => None,
    }
}

/// Distances from the edges above, right, below and left (`tts:padding`).
pub(super) fn padding(text: &str) -> Option<[Length; 4]> {
    Some(match lengths(text)?[..] {
        [all] => [all; 4],
        [block, inline] => [block, inline, block, inline],
        [before, inline, after] => [before, inline, after, inline],
        [before, end, after, start] => [before, end, after, start],
        _ => return None,
    })
}

/// A place along one side: so far from its beginning, or from its end. Percents are of what the region
/// leaves free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) from_end: bool,
    pub(super) length: Length,
}

/// `tts:position` (TTML2, 10.2.33 and 10.3.28).
pub(super) fn position(text: &str) -> Option<(Offset, Offset)> {
    /// One word.
    #[derive(Clone, Copy, PartialEq)]
    enum Word {
        Center,
        /// An edge of the width (true) or height, and whether it is the far one.
        Edge(bool, bool),
        Length(Length),
    }
    let words = text
        .split_ascii_whitespace()
        .take(5)
        .map(|word| match word {
            "center" => Some(Word::Center),
            "left" => Some(Word::Edge(true, false)),
            "right" => Some(Word::Edge(true, true)),
            "top" => Some(Word::Edge(false, false)),
            "bottom" => Some(Word::Edge(false, true)),
            length => Length::parse(length).map(Word::Length),
        })
        .collect::<Option<Vec<_>>>()?;
    let near = |length| Offset { from_end: false, length };
    let center = near(Length::HALF);
    // One word, or a word and what it is away from.
    let one = |word: Word, horizontal: bool| match word {
        Word::Center => Some(center),
        Word::Edge(side, far) if side == horizontal => Some(Offset { from_end: far, length: Length::ZERO }),
        Word::Edge(..) => None,
        Word::Length(length) => Some(near(length)),
    };
    let is_vertical = |word: &Word| matches!(word, Word::Edge(false, _));
    let edge = |word: Word, length: Word, horizontal: bool| match (word, length) {
        (Word::Edge(side, from_end), Word::Length(length)) if side == horizontal => Some(Offset { from_end, length }),
        _ => None,
    };
    match words[..] {
        [word] if is_vertical(&word) => Some((center, one(word, false)?)),
        [word] => Some((one(word, true)?, center)),
        [y, x] if is_vertical(&y) || matches!(x, Word::Edge(true, _)) => Some((one(x, true)?, one(y, false)?)),
        [x, y] => Some((one(x, true)?, one(y, false)?)),
        [a, b, c] => {
            // An edge with a distance, and one word.
            let with_distance = |first: Word, length: Word, other: Word| match first {
                Word::Edge(true, _) => Some((edge(first, length, true)?, one(other, false)?)),
                Word::Edge(false, _) => Some((one(other, true)?, edge(first, length, false)?)),
                _ => None,
            };
            match b {
                Word::Length(_) => with_distance(a, b, c),
                _ => with_distance(b, c, a),
            }
        }
        [a, x, b, y] => match a {
            Word::Edge(true, _) => Some((edge(a, x, true)?, edge(b, y, false)?)),
            _ => Some((edge(b, y, true)?, edge(a, x, false)?)),
        },
        _ => None,
    }
}

/// `tts:fontFamily`: a list; the first that is generic, or the whole list by name.
pub(super) fn font_family(text: &str) -> Option<FontFamily> {
    /// Longer names are no names.
    const LIMIT: usize = 256;
    let text = text.trim();
    let first = text.split(',').next()?.trim().trim_matches(['"', '\'']);
    Some(match first {
        "default" => FontFamily::Default,
        "monospace" | "monospaceSerif" => FontFamily::MonospaceSerif,
        "monospaceSansSerif" => FontFamily::MonospaceSansSerif,
        "serif" | "proportionalSerif" => FontFamily::ProportionalSerif,
        "sansSerif" | "proportionalSansSerif" => FontFamily::ProportionalSansSerif,
        "" => return None,
        _ if text.len() > LIMIT => return None,
        _ => FontFamily::Named(text.to_owned()),
    })
}

/// `tts:textAlign`.
pub(super) fn text_align(text: &str) -> Option<TextAlign> {
    Some(match text.trim() {
        "start" => TextAlign::Start,
        "center" => TextAlign::Center,
        "end" => TextAlign::End,
        "left" => TextAlign::Left,
        "right" => TextAlign::Right,
        "justify" => TextAlign::Justify,
        _ => return None,
    })
}

/// `tts:displayAlign`.
pub(super) fn display_align(text: &str) -> Option<Anchor> {
    Some(match text.trim() {
        "before" | "justify" => Anchor::Before,
        "center" => Anchor::Center,
        "after" => Anchor::After,
        _ => return None,
    })
}

/// An outline: none, or colour and thickness (`tts:textOutline`); a shadow: its colour
/// (`tts:textShadow`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Outline(Option<Rgba>, Length),
    Shadow(Option<Rgba>),
}

/// `tts:textOutline`: a colour, perhaps, a thickness, and a blur radius, perhaps.
pub(super) fn outline(text: &str) -> Option<Effect> {
    let text = text.trim();
    if text == "none" {
        return Some(Effect::None);
    }
    let (colour, rest) = leading_colour(text);
    let mut lengths = rest.split_ascii_whitespace();
    let thickness = Length::parse(lengths.next()?)?;
    Some(Effect::Outline(colour, thickness))
}

/// `tts:textShadow`: lengths and a colour, perhaps; of several the first.
pub(super) fn shadow(text: &str) -> Option<Effect> {
    let text = text.trim();
    if text == "none" {
        return Some(Effect::None);
    }
    let mut depth = 0_usize;
    let end = text.find(|char| {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == ',' && depth == 0
    });
    let first = text.get(..end.unwrap_or(text.len()))?.trim();
    let at = first.find(|char: char| char == '#' || (char.is_ascii_alphabetic())).filter(|_| !first.is_empty());
    // The colour is behind the lengths, whose units are letters too: the last word that is one.
    let colour = match first.find("rgb") {
        Some(from) => color::parse(first.get(from..)?),
        None => first.split_ascii_whitespace().rev().find_map(color::parse),
    };
    at.map(|_| Effect::Shadow(colour))
}

/// A colour before other words: a function may have white space inside.
fn leading_colour(text: &str) -> (Option<Rgba>, &str) {
    let end = match text.find('(') {
        Some(open) if text.get(..open).is_some_and(|name| !name.contains(' ')) => {
            text.find(')').map_or(text.len(), |close| close + 1)
        }
        _ => text.find(' ').unwrap_or(text.len()),
    };
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    match color::parse(word) {
        Some(colour) => (Some(colour), rest),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(grid: &Grid, side: Side, text: &str) -> Option<f64> {
        let length = Length::parse(text)?;
        grid.along(side, length, Percent::whole(80), Percent::whole(5)).map(Percent::as_f64)
    }

    #[test]
    fn lengths_become_shares_of_the_picture() {
        let grid = Grid { pixels: Some((1280, 720)), ..Grid::default() };
        let (width, height) = (Side::Width, Side::Height);
        assert_eq!(share(&grid, width, "50%"), Some(40.0));
        assert_eq!(share(&grid, width, "8c"), Some(25.0));
        assert_eq!(share(&grid, height, "3c"), Some(20.0));
        assert_eq!(share(&grid, width, "128px"), Some(10.0));
        assert_eq!(share(&grid, height, "-36px"), Some(-5.0));
        assert_eq!(share(&grid, height, "2em"), Some(10.0));
        assert_eq!(share(&grid, width, "1.6em"), Some(4.5));
        assert_eq!(share(&grid, height, "7.5rh"), Some(7.5));
        assert_eq!(share(&grid, width, "7.5rw"), Some(7.5));
        assert_eq!(share(&grid, width, "16rh"), Some(9.0));
        assert_eq!(share(&grid, height, "9rw"), Some(16.0));
        assert_eq!(share(&Grid::default(), width, "128px"), None);
        assert_eq!(share(&Grid::default(), width, "0px"), Some(0.0));
        for text in ["", "5", "px", "5pt", "infpx", "nan%", "5 px", "1e3px", "--5px"] {
            assert_eq!(Length::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_position_has_one_to_four_words() {
        let offset = |from_end, text: &str| Offset { from_end, length: Length::parse(text).expect("a length") };
        let (half, start, end) = (offset(false, "50%"), offset(false, "0%"), offset(true, "0%"));
        for (text, expected) in [
            ("center", Some((half, half))),
            ("left", Some((start, half))),
            ("bottom", Some((half, end))),
            ("10%", Some((offset(false, "10%"), half))),
            ("right top", Some((end, start))),
            ("top right", Some((end, start))),
            ("center bottom", Some((half, end))),
            ("10% 20px", Some((offset(false, "10%"), offset(false, "20px")))),
            ("10% bottom", Some((offset(false, "10%"), end))),
            ("left 10% bottom", Some((offset(false, "10%"), end))),
            ("center bottom 5%", Some((half, offset(true, "5%")))),
            ("right 2c top 1c", Some((offset(true, "2c"), offset(false, "1c")))),
            ("top 1c right 2c", Some((offset(true, "2c"), offset(false, "1c")))),
            ("left left", None),
            ("left 1% right 2%", None),
            ("1% 2% 3%", None),
            ("left 1% top 2% x", None),
            ("", None),
            ("nowhere", None),
        ] {
            assert_eq!(position(text), expected, "{text}");
        }
    }

    #[test]
    fn outlines_and_shadows_have_colours() {
        let length = |text| Length::parse(text).expect("a length");
        assert_eq!(outline("none"), Some(Effect::None));
        assert_eq!(outline("2px"), Some(Effect::Outline(None, length("2px"))));
        assert_eq!(outline("black 5% 1px"), Some(Effect::Outline(Some(Rgba::BLACK), length("5%"))));
        assert_eq!(outline("rgba(255, 0, 0, 255) 5%"), Some(Effect::Outline(Some(Rgba::RED), length("5%"))));
        assert_eq!(outline("black"), None);
        assert_eq!(shadow("1px 1px 2px rgba(0,0,0,255), 2px 2px red"), Some(Effect::Shadow(Some(Rgba::BLACK))));
        assert_eq!(shadow("1px 1px"), Some(Effect::Shadow(None)));
        assert_eq!(shadow(""), None);
    }
}
