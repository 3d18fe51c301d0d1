//! Characters and codes of line 21 (CTA-608-E, 6.4 and annexes A and B; 47 CFR 15.119).

use telecine_model::cue::Rgba;

/// The basic set: ASCII but for ten characters.
pub(super) fn basic(code: u8) -> Option<char> {
    Some(match code {
        0x27 => '’',
        0x2a => 'á',
        0x5c => 'é',
        0x5e => 'í',
        0x5f => 'ó',
        0x60 => 'ú',
        0x7b => 'ç',
        0x7c => '÷',
        0x7d => 'Ñ',
        0x7e => 'ñ',
        0x7f => '█',
        0x20..=0x7e => char::from(code),
        _ => return None,
    })
}

/// Special characters, from 0x30 on; None is the transparent space.
pub(super) const SPECIAL: [Option<char>; 16] = [
    Some('®'),
    Some('°'),
    Some('½'),
    Some('¿'),
    Some('™'),
    Some('¢'),
    Some('£'),
    Some('♪'),
    Some('à'),
    None,
    Some('è'),
    Some('â'),
    Some('ê'),
    Some('î'),
    Some('ô'),
    Some('û'),
];

/// Extended characters for Spanish and French, from 0x20 on.
pub(super) const EXTENDED_1: [char; 32] = [
    'Á', 'É', 'Ó', 'Ú', 'Ü', 'ü', '‘', '¡', '*', '\'', '—', '©', '℠', '•', '“', '”', 'À', 'Â', 'Ç', 'È', 'Ê', 'Ë', 'ë',
    'Î', 'Ï', 'ï', 'Ô', 'Ù', 'ù', 'Û', '«', '»',
];

/// Extended characters for Portuguese, German and Danish, from 0x20 on.
pub(super) const EXTENDED_2: [char; 32] = [
    'Ã', 'ã', 'Í', 'Ì', 'ì', 'Ò', 'ò', 'Õ', 'õ', '{', '}', '\\', '^', '_', '|', '~', 'Ä', 'ä', 'Ö', 'ö', 'ß', '¥', '¤',
    '│', 'Å', 'å', 'Ø', 'ø', '┌', '┐', '└', '┘',
];

/// Colours of text, in the order of their codes.
pub(super) const COLOURS: [Rgba; 7] =
    [Rgba::WHITE, Rgba::LIME, Rgba::BLUE, Rgba::CYAN, Rgba::RED, Rgba::YELLOW, Rgba::MAGENTA];

/// The row (from 0) of a preamble address code; None if there is none of that number.
pub(super) fn row(first: u8, second: u8) -> Option<usize> {
    // Rows from 1, for second bytes below and above 0x60.
    let (low, high) = match first & 7 {
        0 => (11, 0),
        1 => (1, 2),
        2 => (3, 4),
        3 => (12, 13),
        4 => (14, 15),
        5 => (5, 6),
        6 => (7, 8),
        _ => (9, 10),
    };
    let row: usize = if second & 0x20 == 0 { low } else { high };
    row.checked_sub(1)
}
