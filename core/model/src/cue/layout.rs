//! Where text is put.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::style::Rgba;

/// A share of something, exact to a ten-thousandth of a percent. Saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Percent(i32);

impl Percent {
    /// Units in one percent.
    const UNITS: i32 = 10_000;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One half.
    pub const HALF: Self = Self::whole(50);
    /// The whole.
    pub const FULL: Self = Self::whole(100);

    /// Whole percents.
    pub const fn whole(percent: i32) -> Self {
        Self(percent.saturating_mul(Self::UNITS))
    }

    /// From ten-thousandths of a percent.
    pub const fn from_units(units: i32) -> Self {
        Self(units)
    }

    /// Ten-thousandths of a percent.
    pub const fn units(self) -> i32 {
        self.0
    }

    /// `part` of `whole`, rounded to the nearest; None if `whole` is zero.
    pub fn ratio(part: i64, whole: i64) -> Option<Self> {
        if whole == 0 {
            return None;
        }
        let scaled = i128::from(part) * i128::from(100 * Self::UNITS);
        let whole = i128::from(whole);
        let half = if (scaled < 0) == (whole < 0) { whole / 2 } else { -(whole / 2) };
        Some(Self::saturated((scaled + half) / whole))
    }

    /// A number of percents; not a number gives zero.
    pub fn from_f64(percent: f64) -> Self {
        // A float-to-integer cast saturates and maps NaN to zero.
        Self((percent * f64::from(Self::UNITS)).round() as i32)
    }

    /// The number of percents, for people and renderers.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::UNITS)
    }

    /// `share` of this.
    #[must_use]
    pub fn of(self, share: Self) -> Self {
        Self::ratio(i64::from(self.0) * i64::from(share.0), i64::from(Self::FULL.0) * i64::from(Self::FULL.0))
            .unwrap_or_default()
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    fn saturated(units: i128) -> Self {
        Self(i32::try_from(units).unwrap_or(if units < 0 { i32::MIN } else { i32::MAX }))
    }
}

impl fmt::Debug for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.as_f64())
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.as_f64())
    }
}

impl From<f64> for Percent {
    fn from(percent: f64) -> Self {
        Self::from_f64(percent)
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        percent.as_f64()
    }
}

/// A point of a rectangle, as shares of its width and height from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Point {
    /// From the left.
    pub x: Percent,
    /// From the top.
    pub y: Percent,
}

impl Point {
    /// The point at these shares.
    pub const fn new(x: Percent, y: Percent) -> Self {
        Self { x, y }
    }
}

/// In which direction lines are written and follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WritingMode {
    /// Lines are horizontal, the next one below.
    #[default]
    Horizontal,
    /// Lines are vertical, the next one to the left (WebVTT `vertical:rl`).
    VerticalRl,
    /// Lines are vertical, the next one to the right (WebVTT `vertical:lr`).
    VerticalLr,
}

/// Which way the letters of a line go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// As the text's own characters say.
    #[default]
    Auto,
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

/// Where the first line goes, across the direction of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// The last lines that are free; in a region, where the region puts it.
    #[default]
    Auto,
    /// A line counted from the first (0), or from the last (-1). Moved aside if the place is taken.
    Number(i32),
    /// A share of the picture's height, or of its width if the lines are vertical.
    Percent(Percent),
}

/// Which edge of the text [`Line`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineAlign {
    /// The first.
    #[default]
    Start,
    /// The middle.
    Center,
    /// The last.
    End,
}

/// Which point of the text [`Layout::position`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionAlign {
    /// As [`Layout::align`] says: start and left at the left, end and right at the right, else the
    /// middle.
    #[default]
    Auto,
    /// The left edge; the upper one if lines are vertical.
    LineLeft,
    /// The middle.
    Center,
    /// The right edge; the lower one if lines are vertical.
    LineRight,
}

/// How lines are aligned inside the text's own box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextAlign {
    /// Where the text's direction starts.
    Start,
    /// In the middle.
    #[default]
    Center,
    /// Where the text's direction ends.
    End,
    /// Left, or at the top if lines are vertical.
    Left,
    /// Right, or at the bottom if lines are vertical.
    Right,
    /// Both edges.
    Justify,
}

/// Where a cue is put, and how its lines run. The default is the default of WebVTT: lines at the
/// bottom, centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Direction of lines.
    pub writing: WritingMode,
    /// Direction of letters.
    pub direction: Direction,
    /// Place across the lines.
    pub line: Line,
    /// What `line` speaks of.
    pub line_align: LineAlign,
    /// Place along the lines, as a share of the picture or region; None: as `align` says (start and
    /// left 0 %, end and right 100 %, else 50 %).
    pub position: Option<Percent>,
    /// What `position` speaks of.
    pub position_align: PositionAlign,
    /// Length of the text's box along the lines.
    pub size: Percent,
    /// Alignment of lines in the text's box.
    pub align: TextAlign,
    /// Colour behind the text's box, text or not; None: nothing.
    pub background: Option<Rgba>,
    /// Distance of lines as a share of the font size; None: the font's own.
    pub line_height: Option<Percent>,
    /// Whether lines that are too long are broken.
    pub wrap: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            writing: WritingMode::default(),
            direction: Direction::default(),
            line: Line::default(),
            line_align: LineAlign::default(),
            position: None,
            position_align: PositionAlign::default(),
            size: Percent::FULL,
            align: TextAlign::default(),
            background: None,
            line_height: None,
            wrap: true,
        }
    }
}

/// How wide a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionWidth {
    /// A share of the picture's width.
    Percent(Percent),
    /// Room for so many letters of a monospaced font (CEA-708).
    Columns(u16),
}

/// How high a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionHeight {
    /// A share of the picture's height.
    Percent(Percent),
    /// Room for so many lines (WebVTT, CEA-708).
    Lines(u32),
}

/// What happens when a line is added to a full region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scroll {
    /// It replaces what was there.
    #[default]
    None,
    /// The lines move up.
    Up,
    /// The lines move down.
    Down,
    /// The lines move left.
    Left,
    /// The lines move right.
    Right,
}

/// Start, middle or end: on which side of a region its content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// At the first line's edge.
    Before,
    /// In the middle.
    Center,
    /// At the last line's edge.
    #[default]
    After,
}

/// The shape of a region's border (CEA-708).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BorderKind {
    /// As if standing out.
    Raised,
    /// As if pressed in.
    Depressed,
    /// The same all around.
    Uniform,
    /// A shadow to the left and below.
    ShadowLeft,
    /// A shadow to the right and below.
    ShadowRight,
}

/// A line around a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Border {
    /// Its shape.
    pub kind: BorderKind,
    /// Its colour.
    pub color: Rgba,
}

/// A rectangle of the picture that cues are put into: a WebVTT or TTML region, a CEA-708 window.
///
/// Its point `anchor` lies on the picture's point `position`. A region given by its upper left
/// corner has its anchor at 0 %, 0 %.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// Identifier, unique in its source.
    pub id: String,
    /// A point of the region, as shares of its own size.
    pub anchor: Point,
    /// Where in the picture that point is.
    pub position: Point,
    /// Width.
    pub width: RegionWidth,
    /// Height.
    pub height: RegionHeight,
    /// On which side the content is.
    pub align: Anchor,
    /// What happens to lines when one is added.
    pub scroll: Scroll,
    /// Colour behind it; None: nothing.
    pub background: Option<Rgba>,
    /// Whether the background is painted while the region has no cues.
    pub always_visible: bool,
    /// Opacity of everything in it, 0 to 255.
    pub opacity: u8,
    /// Room at the edges: above, right, below, left; shares of the picture's height for the first
    /// and third, of its width for the others.
    pub padding: [Percent; 4],
    /// Whether text may be painted beyond its edges.
    pub overflows: bool,
    /// A line around it.
    pub border: Option<Border>,
    /// Regions with higher numbers are painted on top.
    pub z_index: i32,
}

/// What [`Region::look`] compares.
type Look<'a> = (
    (&'a Point, &'a Point, &'a RegionWidth, &'a RegionHeight, &'a Anchor, &'a Scroll),
    (&'a Option<Rgba>, bool, u8, &'a [Percent; 4], bool, &'a Option<Border>, i32),
);

impl Region {
    /// Everything but the name.
    pub(super) fn look(&self) -> Look<'_> {
        let Self { id: _, anchor, position, width, height, align, scroll, .. } = self;
        let Self { background, always_visible, opacity, padding, overflows, border, z_index, .. } = self;
        (
            (anchor, position, width, height, align, scroll),
            (background, *always_visible, *opacity, padding, *overflows, border, *z_index),
        )
    }

    /// The default of WebVTT: as wide as the picture, three lines, at the lower left.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            anchor: Point::new(Percent::ZERO, Percent::FULL),
            position: Point::new(Percent::ZERO, Percent::FULL),
            width: RegionWidth::Percent(Percent::FULL),
            height: RegionHeight::Lines(3),
            align: Anchor::default(),
            scroll: Scroll::default(),
            background: None,
            always_visible: false,
            opacity: u8::MAX,
            padding: [Percent::ZERO; 4],
            overflows: false,
            border: None,
            z_index: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_the_nearest_and_saturate() {
        assert_eq!(Percent::ratio(1, 3).map(Percent::units), Some(333_333));
        assert_eq!(Percent::ratio(-2, 3).map(Percent::units), Some(-666_667));
        assert_eq!(Percent::ratio(1, 0), None);
        assert_eq!(Percent::ratio(i64::MAX, 1), Some(Percent::from_units(i32::MAX)));
        assert_eq!(Percent::from_f64(f64::NAN), Percent::ZERO);
        assert_eq!(Percent::from_f64(12.5), Percent::from_units(125_000));
        assert_eq!(Percent::HALF.of(Percent::whole(150)), Percent::whole(75));
        assert_eq!(Percent::whole(30).plus(Percent::HALF).minus(Percent::whole(80)), Percent::ZERO);
    }
}
