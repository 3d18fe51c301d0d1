//! Some lines at the bottom of a terminal that are drawn again and again, and lines that scroll away above them.

use std::io;
use std::time::{Duration, Instant};

use console::Term;
use telecine_model::Error;

use crate::output;

/// A picture that is younger than this need not be drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(50);

/// The lines, and the terminal that they are on. The cursor stands in the line below them, so that whatever the
/// terminal echoes there (`^C`) is wiped with the next picture.
pub(crate) struct Panel {
    term: Term,
    lines: Vec<String>,
    drawn: Option<Instant>,
}

impl Panel {
    pub(crate) fn new() -> Self {
        Self { term: Term::buffered_stdout(), lines: Vec::new(), drawn: None }
    }

    /// Columns of the terminal.
    pub(crate) fn width(&self) -> usize {
        usize::from(self.term.size().1)
    }

    /// Replaces the lines; each must fit into the width. Not more often than anybody can see, unless it is the `last`
    /// picture.
    pub(crate) fn draw(&mut self, lines: Vec<String>, last: bool) -> Result<(), Error> {
        if !last && self.drawn.is_some_and(|drawn| drawn.elapsed() < DRAW_EVERY) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        self.replace(None, Some(lines)).map_err(|e| output::failed(&e))
    }

    /// Puts a line above the panel, as long as it is.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Error> {
        self.replace(Some(line), None).map_err(|e| output::failed(&e))
    }

    /// Wipes the panel and draws it below a line, with new lines if there are any.
    fn replace(&mut self, above: Option<&str>, lines: Option<Vec<String>>) -> io::Result<()> {
        self.term.move_cursor_up(self.lines.len())?;
        self.term.write_str("\r")?;
        self.term.clear_to_end_of_screen()?;
        if let Some(lines) = lines {
            self.lines = lines;
        }
        for line in above.into_iter().chain(self.lines.iter().map(String::as_str)) {
            self.term.write_line(line)?;
        }
        self.term.flush()
    }
}
