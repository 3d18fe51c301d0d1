//! Rows and columns of letters, as caption decoders keep them, and what is shown of them over time.
//!
//! A caption is painted letter by letter, and what is on the screen changes with each. That would be
//! a cue for every letter. So a cue lasts while letters are only added, and says by times inside its text when
//! each of them appears; it ends when something moves or vanishes.

use std::ops::Range;

use telecine_model::cue::{Edge, FontFamily, FontSize, Node, Rgba, Script, Span, SpanKind, TextStyle};
use telecine_model::MediaTime;

/// How letters are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pen {
    pub(super) color: Rgba,
    pub(super) background: Rgba,
    pub(super) italic: bool,
    pub(super) underline: bool,
    pub(super) flash: bool,
    pub(super) edge: Option<Edge>,
    /// None: the renderer's choice.
    pub(super) font: Option<Font>,
    pub(super) script: Script,
    pub(super) size: FontSize,
}

/// Fonts of captions. (Model fonts may have names, so that they cannot be copied.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    MonospaceSerif,
    ProportionalSerif,
    MonospaceSansSerif,
    ProportionalSansSerif,
    Casual,
    Cursive,
    SmallCapitals,
}

impl Font {
    fn family(self) -> FontFamily {
        match self {
            Self::MonospaceSerif => FontFamily::MonospaceSerif,
            Self::ProportionalSerif => FontFamily::ProportionalSerif,
            Self::MonospaceSansSerif => FontFamily::MonospaceSansSerif,
            Self::ProportionalSansSerif => FontFamily::ProportionalSansSerif,
            Self::Casual => FontFamily::Casual,
            Self::Cursive => FontFamily::Cursive,
            Self::SmallCapitals => FontFamily::SmallCapitals,
        }
    }
}

impl Pen {
    /// Everything it says.
    pub(super) fn style(&self) -> TextStyle {
        TextStyle {
            italic: Some(self.italic),
            underline: Some(self.underline),
            color: Some(self.color),
            background: Some(self.background),
            flash: Some(self.flash),
            edge: self.edge,
            font_family: self.font.map(Font::family),
            script: Some(self.script),
            font_size: Some(self.size),
            ..TextStyle::default()
        }
    }

    /// What it says other than `base`.
    fn difference(&self, base: &Self) -> TextStyle {
        let mut style = self.style();
        let same = base.style();
        macro_rules! drop_same {
            ($($field:ident)+) => { $(if style.$field == same.$field { style.$field = None; })+ };
        }
        drop_same!(italic underline color background flash edge font_family script font_size);
        style
    }
}

/// One letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) char: char,
    pub(super) pen: Pen,
    /// When it was painted, where it can be seen.
    pub(super) since: MediaTime,
}

/// Letters that were replaced this soon were never seen: an accent comes after the plain letter that
/// older decoders show.
const UNSEEN: MediaTime = MediaTime::from_millis(250);

/// Rows of cells; an empty cell shows the picture.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) rows: Vec<Vec<Option<Cell>>>,
    columns: usize,
}

impl Grid {
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        Self { rows: vec![vec![None; columns]; rows], columns }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Keeps what fits.
    pub(super) fn resize(&mut self, rows: usize, columns: usize) {
        self.rows.resize(rows, Vec::new());
        for row in &mut self.rows {
            row.resize(columns, None);
        }
        self.columns = columns;
    }

    pub(super) fn clear(&mut self) {
        self.rows.iter_mut().for_each(|row| row.fill(None));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().flatten().all(Option::is_none)
    }

    pub(super) fn get(&self, row: usize, column: usize) -> Option<&Cell> {
        self.rows.get(row)?.get(column)?.as_ref()
    }

    pub(super) fn set(&mut self, row: usize, column: usize, cell: Option<Cell>) {
        if let Some(place) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = cell;
        }
    }

    /// Everything was painted now: it has been brought to the screen as a whole.
    pub(super) fn painted(&mut self, now: MediaTime) {
        for cell in self.rows.iter_mut().flatten().flatten() {
            cell.since = now;
        }
    }

    /// Whether painting or erasing a cell takes away what viewers have seen, so that the cue that shows it
    /// has to end.
    pub(super) fn takes_away(&self, row: usize, column: usize, new: Option<&Cell>) -> bool {
        match (self.get(row, column), new) {
            (None, _) => false,
            (Some(old), Some(new)) if old.char == new.char && old.pen == new.pen => false,
            (Some(old), Some(new)) => new.since - old.since > UNSEEN,
            (Some(_), None) => true,
        }
    }

    /// Paints a cell. What replaces an unseen letter was there as long as that.
    pub(super) fn paint(&mut self, row: usize, column: usize, mut cell: Cell) {
        if let Some(old) = self.get(row, column) {
            if !self.takes_away(row, column, Some(&cell)) {
                cell.since = old.since;
            }
        }
        self.set(row, column, Some(cell));
    }
}

/// Groups of lines that follow each other without an empty one between.
pub(super) fn blocks(lines: &[Vec<Option<Cell>>]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.iter().all(Option::is_none) {
            continue;
        }
        match blocks.last_mut() {
            Some(block) if block.end == at => block.end = at + 1,
            _ => blocks.push(at..at + 1),
        }
    }
    blocks
}

/// What lines of cells show from `start` on.
#[derive(Debug)]
pub(super) struct Block {
    /// When its first letter appears.
    pub(super) start: MediaTime,
    /// Empty cells that all lines begin with.
    pub(super) left: usize,
    pub(super) text: Vec<Node>,
    pub(super) style: TextStyle,
}

/// Leaves out letters that were painted when the cue ended: nobody saw them in it.
pub(super) fn seen_before(end: MediaTime, lines: &mut [Vec<Option<Cell>>]) {
    for cell in lines.iter_mut().flatten() {
        *cell = cell.filter(|cell| cell.since < end);
    }
}

/// Makes text of lines of cells; None if there are no letters. Letters painted after `start`, or after the
/// first of them, appear when they were painted.
pub(super) fn block(lines: &[Vec<Option<Cell>>], start: MediaTime) -> Option<Block> {
    let edges = |line: &Vec<Option<Cell>>| {
        Some((line.iter().position(Option::is_some)?, line.iter().rposition(Option::is_some)? + 1))
    };
    let left = lines.iter().filter_map(edges).map(|(from, _)| from).min()?;
    let first = lines.iter().flatten().flatten().map(|cell| cell.since).min()?;
    let start = start.max(first);
    let base = lines.iter().flatten().flatten().next()?.pen;
    let mut writer = Writer { base, pen: base, letters: String::new(), nodes: Vec::new(), appears: start };
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            writer.letters.push('\n');
        }
        let end = edges(line).map_or(left, |(_, to)| to);
        let mut gap = 0_u16;
        for cell in line.get(left..end).unwrap_or_default() {
            match cell {
                None => gap = gap.saturating_add(1),
                Some(cell) => {
                    writer.gap(std::mem::take(&mut gap));
                    writer.cell(cell, start);
                }
            }
        }
    }
    writer.flush();
    Some(Block { start, left, text: writer.nodes, style: base.style() })
}

/// Joins letters of one look.
struct Writer {
    base: Pen,
    pen: Pen,
    letters: String,
    nodes: Vec<Node>,
    appears: MediaTime,
}

impl Writer {
    fn flush(&mut self) {
        if self.letters.is_empty() {
            return;
        }
        let text = Node::text(std::mem::take(&mut self.letters));
        let style = self.pen.difference(&self.base);
        self.nodes.push(match style.is_empty() {
            true => text,
            false => Node::span(Span { style, ..Span::new(SpanKind::Plain, vec![text]) }),
        });
    }

    fn gap(&mut self, cells: u16) {
        if cells > 0 {
            self.flush();
            self.nodes.push(Node::Gap(cells));
        }
    }

    fn cell(&mut self, cell: &Cell, start: MediaTime) {
        let appears = cell.since.max(start);
        if appears != self.appears {
            self.flush();
            self.nodes.push(Node::Time(appears));
            self.appears = appears;
        }
        if cell.pen != self.pen {
            // A line break before belongs to either.
            self.flush();
            self.pen = cell.pen;
        }
        self.letters.push(cell.char);
    }
}
