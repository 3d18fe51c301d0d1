//! How text looks.

use serde::{Deserialize, Serialize};

use super::layout::Percent;

/// A colour with its opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rgba {
    /// Red, sRGB.
    pub r: u8,
    /// Green, sRGB.
    pub g: u8,
    /// Blue, sRGB.
    pub b: u8,
    /// Opacity: 0 is transparent, 255 opaque.
    pub a: u8,
}

impl Rgba {
    /// Nothing.
    pub const TRANSPARENT: Self = Self { r: 0, g: 0, b: 0, a: 0 };
    /// Black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    /// Red.
    pub const RED: Self = Self::rgb(255, 0, 0);
    /// Green at full intensity, which CSS calls lime.
    pub const LIME: Self = Self::rgb(0, 255, 0);
    /// Blue.
    pub const BLUE: Self = Self::rgb(0, 0, 255);
    /// Yellow.
    pub const YELLOW: Self = Self::rgb(255, 255, 0);
    /// Magenta.
    pub const MAGENTA: Self = Self::rgb(255, 0, 255);
    /// Cyan.
    pub const CYAN: Self = Self::rgb(0, 255, 255);

    /// An opaque colour.
    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b, a: 255 }
    }

    /// The same colour with another opacity.
    #[must_use]
    pub const fn with_alpha(self, a: u8) -> Self {
        Self { a, ..self }
    }
}

/// The size of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FontSize {
    /// Of the height of the picture.
    OfVideo(Percent),
    /// Of the size that the text would have without it: of its parent, or of the renderer's choice.
    Relative(Percent),
}

impl FontSize {
    /// This size for a text inside one of size `outer`.
    #[must_use]
    pub fn within(self, outer: Option<Self>) -> Self {
        match (self, outer) {
            (Self::Relative(share), Some(Self::OfVideo(size))) => Self::OfVideo(size.of(share)),
            (Self::Relative(share), Some(Self::Relative(size))) => Self::Relative(size.of(share)),
            (size, _) => size,
        }
    }
}

/// Which letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FontFamily {
    /// The renderer's choice.
    Default,
    /// Every letter of the same width, with serifs (Courier).
    MonospaceSerif,
    /// With serifs (Times).
    ProportionalSerif,
    /// Every letter of the same width, without serifs.
    MonospaceSansSerif,
    /// Without serifs (Helvetica).
    ProportionalSansSerif,
    /// As if written casually.
    Casual,
    /// As if written by hand.
    Cursive,
    /// Small capitals.
    SmallCapitals,
    /// One that the source names, or a list of them as CSS writes it.
    Named(String),
}

/// The outline of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// No outline.
    None,
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

/// An outline or shadow of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// Its shape.
    pub kind: EdgeKind,
    /// Its colour; None: the text's.
    pub color: Option<Rgba>,
    /// Its thickness as a share of the font size; None: the renderer's choice.
    pub thickness: Option<Percent>,
}

/// Where letters stand relative to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Script {
    /// Below, smaller.
    Sub,
    /// On the line.
    Normal,
    /// Above, smaller.
    Super,
}

/// How a piece of text looks. None: as around it, and outermost as the renderer likes.
///
/// `background` and `opacity` are not inherited: what is inside is painted on top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TextStyle {
    /// Bold letters.
    pub bold: Option<bool>,
    /// Slanted letters.
    pub italic: Option<bool>,
    /// A line below.
    pub underline: Option<bool>,
    /// A line through the letters.
    pub line_through: Option<bool>,
    /// A line above.
    pub overline: Option<bool>,
    /// Colour of the letters.
    pub color: Option<Rgba>,
    /// Colour behind the letters.
    pub background: Option<Rgba>,
    /// Opacity of letters and background together, 0 to 255.
    pub opacity: Option<u8>,
    /// Size of the letters.
    pub font_size: Option<FontSize>,
    /// Which letters.
    pub font_family: Option<FontFamily>,
    /// Outline or shadow.
    pub edge: Option<Edge>,
    /// Sub- or superscript.
    pub script: Option<Script>,
    /// Blinking letters.
    pub flash: Option<bool>,
    /// False: the text takes its room but is not painted.
    pub visible: Option<bool>,
}

impl TextStyle {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over what `other` says.
    pub fn apply(&mut self, other: &Self) {
        fn take<T: Clone>(mine: &mut Option<T>, other: &Option<T>) {
            if other.is_some() {
                mine.clone_from(other);
            }
        }
        take(&mut self.bold, &other.bold);
        take(&mut self.italic, &other.italic);
        take(&mut self.underline, &other.underline);
        take(&mut self.line_through, &other.line_through);
        take(&mut self.overline, &other.overline);
        take(&mut self.color, &other.color);
        take(&mut self.background, &other.background);
        take(&mut self.opacity, &other.opacity);
        take(&mut self.font_size, &other.font_size);
        take(&mut self.font_family, &other.font_family);
        take(&mut self.edge, &other.edge);
        take(&mut self.script, &other.script);
        take(&mut self.flash, &other.flash);
        take(&mut self.visible, &other.visible);
    }

    /// The style of a text that says this, inside one of style `outer`. Relative sizes are resolved
    /// against it, opacities multiply, and its background shows where this has none.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        let mut style = outer.clone();
        style.apply(self);
        style.font_size = match self.font_size {
            Some(size) => Some(size.within(outer.font_size)),
            None => outer.font_size,
        };
        style.opacity = match (self.opacity, outer.opacity) {
            (Some(inner), Some(outer)) => {
                // At most 255 * 255 / 255.
                u8::try_from((u32::from(inner) * u32::from(outer) + 127) / 255).ok()
            }
            (inner, outer) => inner.or(outer),
        };
        style
    }
}
