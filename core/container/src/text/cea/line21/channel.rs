//! One channel: two memories of 15 rows and 32 columns, and the three ways to fill them.

use telecine_model::cue::{Cue, FontSize, Layout, Line, LineAlign, Percent, PositionAlign, Rgba, Script, TextAlign};
use telecine_model::MediaTime;

use super::tables;
use crate::text::cea::grid::{self, Cell, Font, Grid, Pen};
use crate::text::cea::{safe_height, safe_width};

const ROWS: usize = 15;
const COLUMNS: usize = 32;
const LAST_ROW: usize = ROWS - 1;

const PEN: Pen = Pen {
    color: Rgba::WHITE,
    background: Rgba::BLACK,
    italic: false,
    underline: false,
    flash: false,
    edge: None,
    font: Some(Font::MonospaceSansSerif),
    script: Script::Normal,
    // One row of the safe area: 80 % of the height.
    size: FontSize::OfVideo(Percent::from_units(53_333)),
};

/// How text comes to the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing was said yet: text has nowhere to go.
    Unknown,
    /// Text is written to the hidden memory, which is shown as a whole.
    PopOn,
    /// Text is written to the lowest of some rows, which move up.
    RollUp(usize),
    /// Text is written where it is seen.
    PaintOn,
    /// Text is not a caption.
    Text,
}

#[derive(Debug)]
pub(super) struct Channel {
    mode: Mode,
    displayed: Grid,
    hidden: Grid,
    row: usize,
    /// Of the next character; 32 behind the last one.
    column: usize,
    pen: Pen,
    /// Since when the display has only been added to.
    since: MediaTime,
    pub(super) ended: Vec<Cue>,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            mode: Mode::Unknown,
            displayed: Grid::new(ROWS, COLUMNS),
            hidden: Grid::new(ROWS, COLUMNS),
            row: LAST_ROW,
            column: 0,
            pen: PEN,
            since: MediaTime::MIN,
            ended: Vec::new(),
        }
    }
}

impl Channel {
    /// A control code; `first` is that of the first channel.
    pub(super) fn control(&mut self, first: u8, second: u8, now: MediaTime) {
        match (first, second) {
            (0x11, 0x20..=0x2f) => self.mid_row(second, now),
            (0x11, 0x30..=0x3f) => match tables::SPECIAL.get(usize::from(second & 15)) {
                Some(Some(char)) => self.character(*char, now),
                _ => self.transparent_space(now),
            },
            (0x12 | 0x13, 0x20..=0x3f) => {
                let table = if first == 0x12 { &tables::EXTENDED_1 } else { &tables::EXTENDED_2 };
                if let Some(char) = table.get(usize::from(second & 31)) {
                    // It replaces the plain letter before it, for decoders that do not know it.
                    self.column = self.column.saturating_sub(1);
                    self.character(*char, now);
                }
            }
            (0x10, 0x20..=0x2f) => {
                let colour = tables::COLOURS.get(usize::from(second >> 1 & 7)).copied().unwrap_or(Rgba::BLACK);
                let alpha = if second & 1 == 0 { u8::MAX } else { 128 };
                self.attribute(Pen { background: colour.with_alpha(alpha), ..self.pen }, now);
            }
            (0x17, 0x2d) => self.attribute(Pen { background: Rgba::TRANSPARENT, ..self.pen }, now),
            (0x17, 0x2e | 0x2f) => {
                let pen = Pen { color: Rgba::BLACK, italic: false, underline: second & 1 == 1, ..self.pen };
                self.attribute(pen, now);
            }
            (0x17, 0x21..=0x23) => self.column = (self.column + usize::from(second & 3)).min(COLUMNS - 1),
            // Field 2 has codes of its own for the same; some writers do not know that.
            (0x14 | 0x15, 0x20..=0x2f) => self.command(second, now),
            (_, 0x40..=0x7f) => {
                if let Some(row) = tables::row(first, second) {
                    self.preamble(row, second, now);
                }
            }
            _ => {}
        }
    }

    fn command(&mut self, code: u8, now: MediaTime) {
        match code {
            // Resume caption loading.
            0x20 => self.mode = Mode::PopOn,
            // Backspace.
            0x21 if self.column > 0 => {
                self.column -= 1;
                self.erase(self.column, self.column + 1, now);
            }
            // Delete to the end of the row.
            0x24 => self.erase(self.column, COLUMNS, now),
            // Roll-up captions of two to four rows.
            0x25..=0x27 => self.roll_up(usize::from(code - 0x23), now),
            // Flash on: takes a cell, as other attributes in a row do.
            0x28 => {
                self.pen.flash = true;
                self.character(' ', now);
            }
            // Resume direct captioning.
            0x29 => self.mode = Mode::PaintOn,
            // Text restart, resume text display.
            0x2a | 0x2b => self.mode = Mode::Text,
            // Erase displayed memory.
            0x2c => self.finish(now),
            0x2d => self.carriage_return(now),
            // Erase hidden memory.
            0x2e => self.hidden.clear(),
            // End of caption.
            0x2f => {
                self.settle(now);
                std::mem::swap(&mut self.displayed, &mut self.hidden);
                self.displayed.painted(now);
                self.mode = Mode::PopOn;
            }
            _ => {}
        }
    }

    /// A preamble address code: row, indent or colour, underline.
    fn preamble(&mut self, row: usize, code: u8, now: MediaTime) {
        let attribute = usize::from(code >> 1 & 15);
        self.pen = Pen { underline: code & 1 == 1, ..PEN };
        self.column = 0;
        match attribute {
            0..=6 => self.pen.color = tables::COLOURS.get(attribute).copied().unwrap_or(Rgba::WHITE),
            7 => self.pen.italic = true,
            indent => self.column = (indent - 8) * 4,
        }
        match self.mode {
            Mode::RollUp(depth) => self.move_window(row.max(depth - 1), depth, now),
            _ => self.row = row,
        }
    }

    /// Moves the rows that roll up, with their text, to another base.
    fn move_window(&mut self, base: usize, depth: usize, now: MediaTime) {
        if base == self.row {
            return;
        }
        self.settle(now);
        let mut moved = Grid::new(ROWS, COLUMNS);
        for up in 0..depth {
            let from = self.row.checked_sub(up).and_then(|row| self.displayed.rows.get_mut(row));
            let to = base.checked_sub(up).and_then(|row| moved.rows.get_mut(row));
            if let (Some(from), Some(to)) = (from, to) {
                std::mem::swap(from, to);
            }
        }
        self.displayed = moved;
        self.row = base;
    }

    fn roll_up(&mut self, depth: usize, now: MediaTime) {
        match self.mode {
            Mode::RollUp(before) if before != depth => {
                self.settle(now);
                // Rows above the smaller window vanish; a larger one may need room above.
                let top = (self.row + 1).saturating_sub(depth);
                self.displayed.rows.iter_mut().take(top).for_each(|row| row.fill(None));
                self.move_window(self.row.max(depth - 1), depth, now);
            }
            Mode::RollUp(_) => {}
            _ => {
                self.settle(now);
                self.displayed.clear();
                self.hidden.clear();
                (self.row, self.column, self.pen) = (LAST_ROW, 0, PEN);
            }
        }
        self.mode = Mode::RollUp(depth);
    }

    fn carriage_return(&mut self, now: MediaTime) {
        let Mode::RollUp(depth) = self.mode else { return };
        self.settle(now);
        let top = (self.row + 1).saturating_sub(depth);
        if let Some(window) = self.displayed.rows.get_mut(top..=self.row) {
            window.rotate_left(1);
            if let Some(base) = window.last_mut() {
                base.fill(None);
            }
        }
        // Attributes end with their row (47 CFR 15.119 (h)).
        (self.column, self.pen) = (0, PEN);
    }

    /// A mid-row code: takes a cell, and changes what follows.
    fn mid_row(&mut self, code: u8, now: MediaTime) {
        let attribute = usize::from(code >> 1 & 7);
        (self.pen.underline, self.pen.flash) = (code & 1 == 1, false);
        match tables::COLOURS.get(attribute) {
            Some(colour) => (self.pen.color, self.pen.italic) = (*colour, false),
            None => self.pen.italic = true,
        }
        self.character(' ', now);
    }

    /// An attribute that came later than the standard: it replaces the space before it.
    fn attribute(&mut self, pen: Pen, now: MediaTime) {
        self.column = self.column.saturating_sub(1);
        self.pen = pen;
        self.character(' ', now);
    }

    /// Whether text is written where it is seen, or hidden; None if it is not written.
    fn target_is_seen(&self) -> Option<bool> {
        match self.mode {
            Mode::PopOn => Some(false),
            Mode::RollUp(_) | Mode::PaintOn => Some(true),
            Mode::Unknown | Mode::Text => None,
        }
    }

    /// Writes a character and moves on. In the last column it stays.
    pub(super) fn character(&mut self, char: char, now: MediaTime) {
        let Some(seen) = self.target_is_seen() else { return };
        let column = self.column.min(COLUMNS - 1);
        let cell = Cell { char, pen: self.pen, since: now };
        if seen {
            if self.displayed.takes_away(self.row, column, Some(&cell)) {
                self.settle(now);
            }
            self.displayed.paint(self.row, column, cell);
        } else {
            self.hidden.set(self.row, column, Some(cell));
        }
        self.column = column + 1;
    }

    /// A cell that shows the picture.
    fn transparent_space(&mut self, now: MediaTime) {
        let column = self.column.min(COLUMNS - 1);
        self.erase(column, column + 1, now);
        self.column = column + 1;
    }

    fn erase(&mut self, from: usize, to: usize, now: MediaTime) {
        let Some(seen) = self.target_is_seen() else { return };
        let takes_away = (from..to).any(|column| self.displayed.takes_away(self.row, column, None));
        if seen && takes_away {
            self.settle(now);
        }
        let grid = if seen { &mut self.displayed } else { &mut self.hidden };
        for column in from..to {
            grid.set(self.row, column, None);
        }
    }

    /// What has been seen until now becomes cues that end now.
    pub(super) fn settle(&mut self, now: MediaTime) {
        let cues = self.showing(now);
        self.ended.extend(cues);
        self.since = now;
    }

    /// Ends what is on the screen, and leaves it empty.
    pub(super) fn finish(&mut self, now: MediaTime) {
        self.settle(now);
        self.displayed.clear();
    }

    /// What is on the screen, as cues with this end.
    pub(super) fn showing(&self, end: MediaTime) -> Vec<Cue> {
        if end <= self.since {
            return Vec::new();
        }
        let mut lines = self.displayed.rows.clone();
        grid::seen_before(end, &mut lines);
        grid::blocks(&lines)
            .into_iter()
            .filter_map(|rows| {
                let first = rows.start;
                let block = grid::block(lines.get(rows)?, self.since)?;
                let mut cue = Cue::new(block.start, end);
                (cue.text, cue.style) = (block.text, block.style);
                cue.layout = Layout {
                    line: Line::Percent(safe_height(first, ROWS)),
                    line_align: LineAlign::Start,
                    position: Some(safe_width(block.left, COLUMNS)),
                    position_align: PositionAlign::LineLeft,
                    // As far as the safe area goes.
                    size: safe_width(COLUMNS, COLUMNS).minus(safe_width(block.left, COLUMNS)),
                    align: TextAlign::Left,
                    wrap: false,
                    ..Layout::default()
                };
                Some(cue).filter(|cue| cue.start < cue.end)
            })
            .collect()
    }
}
