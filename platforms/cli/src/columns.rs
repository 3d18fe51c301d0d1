//! Tables for people.

use std::fmt::Write as _;

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows as aligned columns, two blanks between, each line indented. The first row is the head.
/// Columns without a value in any row but the head are left out.
pub(crate) fn columns(indent: usize, aligns: &[Align], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let used: Vec<(usize, Align, usize)> = aligns
        .iter()
        .enumerate()
        .filter(|(column, _)| rows.iter().skip(1).any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty())))
        .map(|(column, align)| (column, *align, width(column)))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (place, (column, align, width)) in used.iter().enumerate() {
            let cell = row.get(*column).map_or("", String::as_str);
            if place > 0 {
                line.push_str("  ");
            }
            let _ = match align {
                Align::Left => write!(line, "{cell:<width$}"),
                Align::Right => write!(line, "{cell:>width$}"),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_empty_ones_vanish() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["id", "note", "rate"]), row(["v1", "", "9"]), row(["video", "", "1000"])];
        let text = columns(2, &[Align::Left, Align::Left, Align::Right], &rows);
        assert_eq!(text, "  id     rate\n  v1        9\n  video  1000\n");
    }
}
