//! A window: a grid of letters with a place and a look (CTA-708-E, 8.4 and 8.10.5).

use telecine_model::cue::{
    Anchor, Border, BorderKind, Cue, Direction, Edge, EdgeKind, FontSize, Layout, Line, Percent, Point, Region,
    RegionHeight, RegionWidth, Rgba, Script, Scroll, TextAlign, WritingMode,
};
use telecine_model::MediaTime;

use super::tables;
use crate::text::cea::grid::{self, Cell, Font, Grid, Pen};
use crate::text::cea::{safe_height, safe_width};

/// Columns that a window may grow to, where its number is not locked.
const MAX_COLUMNS: usize = 64;

/// A direction, of letters or of scrolling, by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    LeftToRight,
    RightToLeft,
    TopToBottom,
    BottomToTop,
}

impl Way {
    fn of(code: u8) -> Self {
        match code & 3 {
            0 => Self::LeftToRight,
            1 => Self::RightToLeft,
            2 => Self::TopToBottom,
            _ => Self::BottomToTop,
        }
    }

    fn is_vertical(self) -> bool {
        matches!(self, Self::TopToBottom | Self::BottomToTop)
    }
}

/// What `SetWindowAttributes` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attributes {
    fill: Rgba,
    border: Option<(BorderKind, Rgba)>,
    wrap: bool,
    print: Way,
    scroll: Way,
    justify: TextAlign,
}

impl Attributes {
    /// The predefined styles 1 to 7 (8.10.5.11).
    fn style(number: u8) -> Self {
        let transparent = matches!(number, 2 | 5);
        let ticker = number == 7;
        Self {
            fill: if transparent { Rgba::BLACK.with_alpha(0) } else { Rgba::BLACK },
            border: None,
            wrap: matches!(number, 4..=6),
            print: if ticker { Way::TopToBottom } else { Way::LeftToRight },
            scroll: if ticker { Way::RightToLeft } else { Way::BottomToTop },
            justify: if matches!(number, 3 | 6) { TextAlign::Center } else { TextAlign::Left },
        }
    }
}

/// The predefined pen styles 1 to 7 (8.10.5.12).
fn pen_style(number: u8) -> Pen {
    let font = match number {
        2 => Some(Font::MonospaceSerif),
        3 => Some(Font::ProportionalSerif),
        4 | 6 => Some(Font::MonospaceSansSerif),
        5 | 7 => Some(Font::ProportionalSansSerif),
        _ => None,
    };
    let outlined = number >= 6;
    let edge = Edge { kind: EdgeKind::Uniform, color: Some(Rgba::BLACK), thickness: None };
    Pen {
        color: Rgba::WHITE,
        background: if outlined { Rgba::BLACK.with_alpha(0) } else { Rgba::BLACK },
        italic: false,
        underline: false,
        flash: false,
        edge: outlined.then_some(edge),
        font,
        script: Script::Normal,
        size: STANDARD,
    }
}

/// A row of the safe area: 15 of them are 80 % of the height.
const STANDARD: FontSize = FontSize::OfVideo(Percent::from_units(53_333));
const SMALL: FontSize = FontSize::OfVideo(Percent::from_units(40_000));
const LARGE: FontSize = FontSize::OfVideo(Percent::from_units(66_667));

/// The parameters of `DefineWindow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    visible: bool,
    column_lock: bool,
    priority: u8,
    relative: bool,
    vertical: u8,
    horizontal: u8,
    anchor: u8,
    rows: usize,
    columns: usize,
    window_style: u8,
    pen_style: u8,
}

impl Definition {
    pub(super) fn read(bytes: [u8; 6]) -> Self {
        let [first, vertical, horizontal, fourth, fifth, styles] = bytes;
        Self {
            visible: first & 0x20 != 0,
            column_lock: first & 0x08 != 0,
            priority: first & 7,
            relative: vertical & 0x80 != 0,
            vertical: vertical & 0x7f,
            horizontal,
            anchor: fourth >> 4,
            rows: usize::from(fourth & 15) + 1,
            columns: usize::from(fifth & 0x3f) + 1,
            window_style: styles >> 3 & 7,
            pen_style: styles & 7,
        }
    }
}

#[derive(Debug)]
pub(super) struct Window {
    definition: Definition,
    attributes: Attributes,
    pub(super) visible: bool,
    grid: Grid,
    row: usize,
    column: usize,
    pen: Pen,
    /// Since when what is seen has only been added to.
    since: MediaTime,
}

impl Window {
    pub(super) fn new(definition: Definition, now: MediaTime) -> Self {
        // Zero is the first style for a window that is new.
        Self {
            attributes: Attributes::style(definition.window_style.max(1)),
            visible: definition.visible,
            grid: Grid::new(definition.rows, definition.columns),
            row: 0,
            column: 0,
            pen: pen_style(definition.pen_style.max(1)),
            since: now,
            definition,
        }
    }

    /// Defines it anew; text that fits stays. What was seen is appended to `ended` if it changes.
    pub(super) fn redefine(&mut self, definition: Definition, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        let mut attributes = self.attributes;
        if definition.window_style > 0 {
            attributes = Attributes::style(definition.window_style);
        }
        if definition != self.definition || attributes != self.attributes || definition.visible != self.visible {
            self.settle(number, now, ended);
        }
        if definition.pen_style > 0 {
            self.pen = pen_style(definition.pen_style);
        }
        if (definition.rows, definition.columns) != (self.definition.rows, self.definition.columns) {
            self.grid.resize(definition.rows, definition.columns);
            self.row = self.row.min(definition.rows - 1);
            self.column = self.column.min(definition.columns - 1);
        }
        (self.definition, self.attributes) = (definition, attributes);
        self.show(definition.visible, number, now, ended);
    }

    pub(super) fn show(&mut self, visible: bool, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        if visible != self.visible {
            self.settle(number, now, ended);
            self.visible = visible;
            if visible {
                self.grid.painted(now);
            }
        }
    }

    pub(super) fn clear(&mut self, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        self.settle(number, now, ended);
        self.grid.clear();
        (self.row, self.column) = self.origin();
    }

    /// Where writing begins.
    fn origin(&self) -> (usize, usize) {
        let (last_row, last_column) = (self.last_row(), self.last_column());
        let Attributes { print, scroll, .. } = self.attributes;
        match (print, scroll) {
            (Way::RightToLeft, _) => (0, last_column),
            (Way::TopToBottom, Way::RightToLeft) => (0, last_column),
            (Way::BottomToTop, Way::RightToLeft) => (last_row, last_column),
            (Way::BottomToTop, _) => (last_row, 0),
            _ => (0, 0),
        }
    }

    fn last_row(&self) -> usize {
        self.grid.rows.len().saturating_sub(1)
    }

    fn last_column(&self) -> usize {
        self.grid.columns().saturating_sub(1)
    }

    pub(super) fn set_attributes(&mut self, bytes: [u8; 4], number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        let [fill, second, third, _effects] = bytes;
        let border_colour = tables::colour(second & 0x3f).0;
        let border = match (third & 0x80) >> 5 | second >> 6 {
            1 => Some(BorderKind::Raised),
            2 => Some(BorderKind::Depressed),
            3 => Some(BorderKind::Uniform),
            4 => Some(BorderKind::ShadowLeft),
            5 => Some(BorderKind::ShadowRight),
            _ => None,
        };
        let attributes = Attributes {
            fill: tables::colour(fill).0,
            border: border.map(|kind| (kind, border_colour)),
            wrap: third & 0x40 != 0,
            print: Way::of(third >> 4),
            scroll: Way::of(third >> 2),
            justify: match third & 3 {
                0 => TextAlign::Left,
                1 => TextAlign::Right,
                2 => TextAlign::Center,
                _ => TextAlign::Justify,
            },
        };
        if attributes != self.attributes {
            self.settle(number, now, ended);
            let unwritten = (self.row, self.column) == self.origin() && self.grid.is_empty();
            self.attributes = attributes;
            if unwritten {
                (self.row, self.column) = self.origin();
            }
        }
    }

    pub(super) fn set_pen_attributes(&mut self, [first, second]: [u8; 2]) {
        self.pen.size = match first & 3 {
            0 => SMALL,
            2 => LARGE,
            _ => STANDARD,
        };
        self.pen.script = match first >> 2 & 3 {
            0 => Script::Sub,
            2 => Script::Super,
            _ => Script::Normal,
        };
        self.pen.italic = second & 0x80 != 0;
        self.pen.underline = second & 0x40 != 0;
        let colour = self.pen.edge.and_then(|edge| edge.color);
        self.pen.edge = tables::edge(second >> 3 & 7).filter(|kind| *kind != EdgeKind::None).map(|kind| Edge {
            kind,
            color: colour.or(Some(Rgba::BLACK)),
            thickness: None,
        });
        self.pen.font = tables::font(second & 7);
    }

    pub(super) fn set_pen_colour(&mut self, [text, background, edge]: [u8; 3]) {
        let (colour, flash) = tables::colour(text);
        (self.pen.color, self.pen.flash) = (colour, flash);
        self.pen.background = tables::colour(background).0;
        if let Some(outline) = &mut self.pen.edge {
            outline.color = Some(tables::colour(edge & 0x3f).0);
        }
    }

    pub(super) fn set_pen_location(&mut self, [row, column]: [u8; 2]) {
        self.row = usize::from(row & 15).min(self.last_row());
        self.column = usize::from(column & 0x3f);
        if self.definition.column_lock {
            self.column = self.column.min(self.last_column());
        }
    }

    /// Writes a character, or leaves a cell empty, and moves on.
    pub(super) fn write(&mut self, char: Option<char>, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        let vertical = self.attributes.print.is_vertical();
        let beyond = if vertical { self.row > self.last_row() } else { self.column > self.last_column() };
        if beyond {
            if self.attributes.wrap {
                self.carriage_return(number, now, ended);
            } else if vertical || self.definition.column_lock || self.column >= MAX_COLUMNS {
                return;
            } else {
                self.grid.resize(self.grid.rows.len(), self.column + 1);
            }
        }
        let cell = char.map(|char| Cell { char, pen: self.pen, since: now });
        if self.visible && self.grid.takes_away(self.row, self.column, cell.as_ref()) {
            self.settle(number, now, ended);
        }
        match cell {
            Some(cell) => self.grid.paint(self.row, self.column, cell),
            None => self.grid.set(self.row, self.column, None),
        }
        let next = |place: usize, forward| if forward { Some(place + 1) } else { place.checked_sub(1) };
        match self.attributes.print {
            Way::LeftToRight => self.column += 1,
            // Past the first column there is nothing: the next character replaces the last.
            Way::RightToLeft => self.column = next(self.column, false).unwrap_or(0),
            Way::TopToBottom => self.row += 1,
            Way::BottomToTop => self.row = next(self.row, false).unwrap_or(0),
        }
    }

    pub(super) fn backspace(&mut self, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        match self.attributes.print {
            Way::LeftToRight => self.column = self.column.saturating_sub(1),
            Way::RightToLeft => self.column = (self.column + 1).min(self.last_column()),
            Way::TopToBottom => self.row = self.row.saturating_sub(1),
            Way::BottomToTop => self.row = (self.row + 1).min(self.last_row()),
        }
        if self.visible && self.grid.takes_away(self.row, self.column, None) {
            self.settle(number, now, ended);
        }
        self.grid.set(self.row, self.column, None);
    }

    /// To the beginning of the line, which is erased.
    pub(super) fn horizontal_return(&mut self, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        self.settle(number, now, ended);
        let (first_row, first_column) = self.origin();
        if self.attributes.print.is_vertical() {
            let column = self.column;
            self.grid.rows.iter_mut().filter_map(|row| row.get_mut(column)).for_each(|cell| *cell = None);
            self.row = first_row;
        } else {
            if let Some(row) = self.grid.rows.get_mut(self.row) {
                row.fill(None);
            }
            self.column = first_column;
        }
    }

    /// To the beginning of the next line; the lines move if there is none.
    pub(super) fn carriage_return(&mut self, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        let (first_row, first_column) = self.origin();
        let Attributes { print, scroll, .. } = self.attributes;
        if print.is_vertical() {
            self.row = first_row;
            let (last, forward) = (self.last_column(), scroll != Way::RightToLeft);
            let at_end = if forward { self.column >= last } else { self.column == 0 };
            if at_end {
                self.settle(number, now, ended);
                for row in &mut self.grid.rows {
                    match forward {
                        true => row.rotate_left(1),
                        false => row.rotate_right(1),
                    }
                    if let Some(cell) = if forward { row.last_mut() } else { row.first_mut() } {
                        *cell = None;
                    }
                }
                self.column = self.column.min(last);
            } else {
                self.column = if forward { self.column + 1 } else { self.column - 1 };
            }
            return;
        }
        self.column = first_column;
        // Down, unless lines are pushed down from above.
        let forward = scroll != Way::TopToBottom;
        let at_end = if forward { self.row >= self.last_row() } else { self.row == 0 };
        if !at_end {
            self.row = if forward { self.row + 1 } else { self.row - 1 };
            return;
        }
        self.settle(number, now, ended);
        match forward {
            true => self.grid.rows.rotate_left(1),
            false => self.grid.rows.rotate_right(1),
        }
        if let Some(row) = if forward { self.grid.rows.last_mut() } else { self.grid.rows.first_mut() } {
            row.fill(None);
        }
    }

    /// What has been seen until now becomes a cue that ends now.
    pub(super) fn settle(&mut self, number: usize, now: MediaTime, ended: &mut Vec<Cue>) {
        ended.extend(self.showing(number, now));
        self.since = now;
    }

    /// What is seen of it, as a cue with this end.
    pub(super) fn showing(&self, number: usize, end: MediaTime) -> Option<Cue> {
        if !self.visible || end <= self.since {
            return None;
        }
        let mut lines = self.lines();
        grid::seen_before(end, &mut lines);
        let first = lines.iter().position(|line| line.iter().any(Option::is_some))?;
        let last = lines.iter().rposition(|line| line.iter().any(Option::is_some))?;
        let block = grid::block(lines.get(first..=last)?, self.since)?;
        let mut cue = Cue::new(block.start, end);
        (cue.text, cue.style) = (block.text, block.style);
        let Attributes { print, scroll, justify, wrap, .. } = self.attributes;
        cue.layout = Layout {
            writing: match (print.is_vertical(), scroll) {
                (false, _) => WritingMode::Horizontal,
                (true, Way::RightToLeft) => WritingMode::VerticalRl,
                (true, _) => WritingMode::VerticalLr,
            },
            direction: if print == Way::RightToLeft { Direction::Rtl } else { Direction::Ltr },
            line: Line::Number(i32::try_from(first).unwrap_or_default()),
            position: (justify == TextAlign::Left && block.left > 0)
                .then(|| Percent::ratio(block.left as i64, self.grid.columns() as i64))
                .flatten(),
            align: justify,
            wrap,
            ..Layout::default()
        };
        cue.region = Some(self.region(number).into());
        Some(cue).filter(|cue| cue.start < cue.end)
    }

    /// The cells in the order of reading, line by line.
    fn lines(&self) -> Vec<Vec<Option<Cell>>> {
        let Attributes { print, scroll, .. } = self.attributes;
        let mut lines: Vec<Vec<_>> = match print.is_vertical() {
            false => self.grid.rows.clone(),
            true => (0..self.grid.columns())
                .map(|column| self.grid.rows.iter().map(|row| row.get(column).copied().flatten()).collect())
                .collect(),
        };
        if print.is_vertical() && scroll == Way::RightToLeft {
            lines.reverse();
        }
        if matches!(print, Way::RightToLeft | Way::BottomToTop) {
            lines.iter_mut().for_each(|line| line.reverse());
        }
        lines
    }

    fn region(&self, number: usize) -> Region {
        let Definition { relative, vertical, horizontal, anchor, priority, .. } = self.definition;
        let third = |part: u8| match part {
            0 => Percent::ZERO,
            1 => Percent::HALF,
            _ => Percent::FULL,
        };
        // Anchors go from the upper left to the lower right in three rows (8.4.4).
        let anchor = anchor.min(8);
        // The grid of 75 by 210 covers the safe area (8.4.3); its width is that of 16:9.
        let position = match relative {
            true => Point::new(safe_width(horizontal.into(), 100), safe_height(vertical.into(), 100)),
            false => Point::new(safe_width(horizontal.into(), 210), safe_height(vertical.into(), 75)),
        };
        let Attributes { fill, border, scroll, .. } = self.attributes;
        Region {
            anchor: Point::new(third(anchor % 3), third(anchor / 3)),
            position,
            width: RegionWidth::Columns(u16::try_from(self.grid.columns()).unwrap_or(u16::MAX)),
            height: RegionHeight::Lines(u32::try_from(self.grid.rows.len()).unwrap_or(u32::MAX)),
            align: Anchor::Before,
            scroll: match scroll {
                Way::LeftToRight => Scroll::Right,
                Way::RightToLeft => Scroll::Left,
                Way::TopToBottom => Scroll::Down,
                Way::BottomToTop => Scroll::Up,
            },
            background: Some(fill).filter(|fill| fill.a > 0),
            border: border.map(|(kind, color)| Border { kind, color }),
            // Zero is the most important, and is painted on top.
            z_index: 7 - i32::from(priority),
            ..Region::new(format!("window{number}"))
        }
    }
}
