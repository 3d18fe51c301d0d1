//! Tables for people.

use std::io::{self, Write};

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Writes rows as aligned columns, two blanks between, each line indented. The first row is the head.
/// Columns without a value in any row but the head are left out. Rows are made twice, to measure and
/// to write them, so that a long table is never held.
pub(crate) fn columns(
    out: &mut dyn Write,
    indent: usize,
    aligns: &[Align],
    rows: impl Iterator<Item = Vec<String>> + Clone,
) -> io::Result<()> {
    let mut widths = vec![0; aligns.len()];
    let mut used = vec![false; aligns.len()];
    for (number, row) in rows.clone().enumerate() {
        for ((cell, width), used) in row.iter().zip(&mut widths).zip(&mut used) {
            *width = cell.chars().count().max(*width);
            *used |= number > 0 && !cell.is_empty();
        }
    }
    for row in rows {
        let mut line = " ".repeat(indent);
        let cells = row.iter().zip(aligns).zip(&widths).zip(&used).filter(|(_, used)| **used);
        for (place, (((cell, align), width), _)) in cells.enumerate() {
            if place > 0 {
                line.push_str("  ");
            }
            line.push_str(&match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_empty_ones_vanish() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["id", "note", "rate"]), row(["v1", "", "9"]), row(["video", "", "1000"])];
        let mut text = Vec::new();
        columns(&mut text, 2, &[Align::Left, Align::Left, Align::Right], rows.into_iter()).expect("memory");
        assert_eq!(String::from_utf8_lossy(&text), "  id     rate\n  v1        9\n  video  1000\n");
    }
}
