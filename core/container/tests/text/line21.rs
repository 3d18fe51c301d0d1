//! A hand for writing line 21: codes by their names in CTA-608-E, from its tables and not from the decoder's.

/// Colours of preamble and mid-row codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    White,
    Green,
    Blue,
    Cyan,
    Red,
    Yellow,
    Magenta,
    Italic,
}

/// Pairs of bytes of one channel, without parity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line21 {
    /// The second channel of the field.
    pub(crate) second: bool,
    /// Codes are sent twice, as on air.
    pub(crate) doubled: bool,
    pub pairs: Vec<[u8; 2]>,
    pub pending: Option<u8>,
}

impl Line21 {
    pub(crate) fn code(mut self, first: u8, second: u8) -> Self {
        self.flush();
        let first = if self.second { first | 0x08 } else { first };
        for _ in 0..if self.doubled { 2 } else { 1 } {
            self.pairs.push([first, second]);
        }
        self
    }

    fn flush(&mut self) {
        if let Some(byte) = self.pending.take() {
            self.pairs.push([byte, 0]);
        }
    }

    fn byte(&mut self, byte: u8) {
        match self.pending.take() {
            Some(first) => self.pairs.push([first, byte]),
            None => self.pending = Some(byte),
        }
    }

    /// The next pairs are of this channel.
    pub(crate) fn twice(mut self) -> Self {
        self.doubled = true;
        self
    }

    pub(crate) fn resume_loading(self) -> Self {
        self.code(0x14, 0x20)
    }
    pub(crate) fn backspace(self) -> Self {
        self.code(0x14, 0x21)
    }
    pub(crate) fn delete_to_end(self) -> Self {
        self.code(0x14, 0x24)
    }
    pub(crate) fn roll_up(self, rows: u8) -> Self {
        self.code(0x14, 0x23 + rows)
    }
    pub(crate) fn flash(self) -> Self {
        self.code(0x14, 0x28)
    }
    pub(crate) fn resume_direct(self) -> Self {
        self.code(0x14, 0x29)
    }
    pub(crate) fn text_restart(self) -> Self {
        self.code(0x14, 0x2a)
    }
    pub(crate) fn erase_displayed(self) -> Self {
        self.code(0x14, 0x2c)
    }
    pub(crate) fn carriage_return(self) -> Self {
        self.code(0x14, 0x2d)
    }
    pub(crate) fn erase_hidden(self) -> Self {
        self.code(0x14, 0x2e)
    }
    pub(crate) fn end_of_caption(self) -> Self {
        self.code(0x14, 0x2f)
    }
    pub(crate) fn tab(self, columns: u8) -> Self {
        self.code(0x17, 0x20 + columns)
    }

    fn preamble(self, row: u8, attribute: u8) -> Self {
        // CTA-608-E, table 53: first byte and the offset of the second one.
        let (first, offset) = match row {
            1 => (0x11, 0x40),
            2 => (0x11, 0x60),
            3 => (0x12, 0x40),
            4 => (0x12, 0x60),
            5 => (0x15, 0x40),
            6 => (0x15, 0x60),
            7 => (0x16, 0x40),
            8 => (0x16, 0x60),
            9 => (0x17, 0x40),
            10 => (0x17, 0x60),
            11 => (0x10, 0x40),
            12 => (0x13, 0x40),
            13 => (0x13, 0x60),
            14 => (0x14, 0x40),
            15 => (0x14, 0x60),
            _ => panic!("there is no row {row}"),
        };
        self.code(first, offset + attribute)
    }

    /// A row from 1, and columns left empty, in fours.
    pub(crate) fn indent(self, row: u8, columns: u8) -> Self {
        self.preamble(row, 0x10 + columns / 4 * 2)
    }
    pub(crate) fn row(self, row: u8, look: Look, underline: bool) -> Self {
        self.preamble(row, look as u8 * 2 + u8::from(underline))
    }
    pub(crate) fn mid_row(self, look: Look, underline: bool) -> Self {
        self.code(0x11, 0x20 + look as u8 * 2 + u8::from(underline))
    }
    /// Colours 0 to 7, the last one black.
    pub(crate) fn background(self, colour: u8, translucent: bool) -> Self {
        self.code(0x10, 0x20 + colour * 2 + u8::from(translucent))
    }

    /// Text. Characters beyond the basic set take codes; extended ones follow what older decoders show.
    pub(crate) fn text(mut self, text: &str) -> Self {
        const BASIC: &str =
            " !\"#$%&’()á+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[é]íóúabcdefghijklmnopqrstuvwxyzç÷Ññ█";
        const SPECIAL: &str = "®°½¿™¢£♪à\u{a0}èâêîôû";
        const FIRST: &str = "ÁÉÓÚÜü‘¡*'—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»";
        const SECOND: &str = "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘";
        let place = |set: &str, char| set.chars().position(|known| known == char).map(|at| at as u8);
        for char in text.chars() {
            if let Some(at) = place(BASIC, char) {
                self.byte(0x20 + at);
            } else if let Some(at) = place(SPECIAL, char) {
                self = self.code(0x11, 0x30 + at);
            } else if let Some(at) = place(FIRST, char) {
                self.byte(b'?');
                self = self.code(0x12, 0x20 + at);
            } else if let Some(at) = place(SECOND, char) {
                self.byte(b'?');
                self = self.code(0x13, 0x20 + at);
            } else {
                panic!("line 21 has no {char}");
            }
        }
        self
    }

    pub(crate) fn pairs(mut self) -> Vec<[u8; 2]> {
        self.flush();
        self.pairs
    }
}

/// A byte with odd parity.
pub(crate) fn parity(byte: u8) -> u8 {
    byte | if byte.count_ones().is_multiple_of(2) { 0x80 } else { 0 }
}

/// `cc_data` triplets of pairs of a field, 1 or 2.
pub(crate) fn triplets(field: u8, pairs: &[[u8; 2]]) -> Vec<u8> {
    pairs.iter().flat_map(|[first, second]| [0xfc + field - 1, parity(*first), parity(*second)]).collect()
}
