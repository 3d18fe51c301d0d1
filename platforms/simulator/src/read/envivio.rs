//! The title EnvivioDash3 with which Pensieve and Comyco were measured (abr.md 8.3).

use super::{at_most, Problem, ReadError, MOST_SEGMENTS};
use crate::movie::Movie;

const SIZES: &str = "table of Envivio sizes";
const VMAF: &str = "table of Envivio VMAF";
/// Its bitrates in kbit/s.
const LADDER: [f64; 6] = [300.0, 750.0, 1200.0, 1850.0, 2850.0, 4300.0];
/// Its segments in milliseconds.
const SEGMENT_MS: f64 = 4_000.0;

/// The title from its six files of sizes (`video_size_0`, the lowest level, to `video_size_5`): bytes, a line
/// for each segment. The shortest file counts.
pub fn movie(sizes: [&str; 6]) -> Result<Movie, ReadError> {
    let rows = rows(SIZES, sizes, 8.0)?;
    Movie::new(SEGMENT_MS, &LADDER, &rows)
        .map_err(|no_movie| ReadError { format: SIZES, problem: Problem::Movie(no_movie) })
}

/// The title with its VMAF from Comyco's six files, which are numbered the other way round: `video1` is the
/// highest level and `video6` the lowest.
pub fn with_vmaf(movie: Movie, mut vmaf: [&str; 6]) -> Result<Movie, ReadError> {
    vmaf.reverse();
    let mut rows = rows(VMAF, vmaf, 1.0)?;
    rows.truncate(movie.segments());
    movie.with_vmaf(&rows).map_err(|no_movie| ReadError { format: VMAF, problem: Problem::Movie(no_movie) })
}

/// The title with its VMAF from the folder in which both come, whose files are read by their names in it (`size/video_size_0`,
/// `vmaf/video1`).
///
/// # Errors
/// What reading gives, and what `wrong` makes of files that are none of the title.
pub fn folder<E>(mut read: impl FnMut(&str) -> Result<String, E>, wrong: impl Fn(ReadError) -> E) -> Result<Movie, E> {
    let mut six = |name: &dyn Fn(usize) -> String| {
        let mut texts = [const { String::new() }; 6];
        for (index, text) in texts.iter_mut().enumerate() {
            *text = read(&name(index))?;
        }
        Ok(texts)
    };
    let sizes = six(&|index| format!("size/video_size_{index}"))?;
    let vmaf = six(&|index| format!("vmaf/video{}", index + 1))?;
    let movie = movie(sizes.each_ref().map(String::as_str)).map_err(&wrong)?;
    with_vmaf(movie, vmaf.each_ref().map(String::as_str)).map_err(wrong)
}

/// Rows of segments from columns of levels.
fn rows(format: &'static str, files: [&str; 6], unit: f64) -> Result<Vec<Vec<f64>>, ReadError> {
    let columns = files.map(|text| column(format, text));
    let columns = columns.into_iter().collect::<Result<Vec<_>, _>>()?;
    let segments = columns.iter().map(Vec::len).min().unwrap_or(0);
    Ok((0..segments).map(|segment| columns.iter().map(|column| column[segment] * unit).collect()).collect())
}

fn column(format: &'static str, text: &str) -> Result<Vec<f64>, ReadError> {
    let number = |(index, line): (usize, &str)| {
        line.trim().parse::<f64>().map_err(|_| ReadError {
            format,
            problem: Problem::Syntax { line: index + 1, column: 1, message: "not a number".to_owned() },
        })
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let column = lines.take(MOST_SEGMENTS + 1).map(number).collect::<Result<Vec<_>, _>>()?;
    at_most(format, "segments", &column, MOST_SEGMENTS)?;
    Ok(column)
}
