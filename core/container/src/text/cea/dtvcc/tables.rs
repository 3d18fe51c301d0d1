//! Characters, colours and predefined styles (CTA-708-E, 7.1 and 8.8 to 8.10).

use telecine_model::cue::{EdgeKind, Rgba};

use crate::text::cea::grid::Font;

/// G0: ASCII but for the note.
pub(super) fn g0(code: u8) -> char {
    match code {
        0x7f => '♪',
        _ => char::from(code),
    }
}

/// G1: Latin-1.
pub(super) fn g1(code: u8) -> char {
    char::from(code)
}

/// G2; None is a transparent space. What is not defined is an underscore (7.1.8).
pub(super) fn g2(code: u8) -> Option<char> {
    Some(match code {
        0x20 | 0x21 => return None,
        0x25 => '…',
        0x2a => 'Š',
        0x2c => 'Œ',
        0x30 => '█',
        0x31 => '‘',
        0x32 => '’',
        0x33 => '“',
        0x34 => '”',
        0x35 => '•',
        0x39 => '™',
        0x3a => 'š',
        0x3c => 'œ',
        0x3d => '℠',
        0x3f => 'Ÿ',
        0x76 => '⅛',
        0x77 => '⅜',
        0x78 => '⅝',
        0x79 => '⅞',
        0x7a => '│',
        0x7b => '┐',
        0x7c => '└',
        0x7d => '─',
        0x7e => '┘',
        0x7f => '┌',
        _ => '_',
    })
}

/// G3: the sign of closed captions, and nothing else.
pub(super) fn g3(code: u8) -> char {
    match code {
        0xa0 => '㏄',
        _ => '_',
    }
}

/// A colour of two bits each, with its opacity in the two above: solid, flashing, translucent,
/// transparent. True if it flashes.
pub(super) fn colour(code: u8) -> (Rgba, bool) {
    let part = |shift: u8| (code >> shift & 3) * 85;
    let (alpha, flash) = match code >> 6 {
        0 => (255, false),
        1 => (255, true),
        2 => (128, false),
        _ => (0, false),
    };
    (Rgba { r: part(4), g: part(2), b: part(0), a: alpha }, flash)
}

/// Edges of letters, by their codes.
pub(super) fn edge(code: u8) -> Option<EdgeKind> {
    Some(match code {
        0 => EdgeKind::None,
        1 => EdgeKind::Raised,
        2 => EdgeKind::Depressed,
        3 => EdgeKind::Uniform,
        4 => EdgeKind::ShadowLeft,
        5 => EdgeKind::ShadowRight,
        _ => return None,
    })
}

/// Fonts by their codes; None is the renderer's choice.
pub(super) fn font(code: u8) -> Option<Font> {
    Some(match code {
        1 => Font::MonospaceSerif,
        2 => Font::ProportionalSerif,
        3 => Font::MonospaceSansSerif,
        4 => Font::ProportionalSansSerif,
        5 => Font::Casual,
        6 => Font::Cursive,
        7 => Font::SmallCapitals,
        _ => return None,
    })
}
