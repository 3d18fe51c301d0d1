//! How far a long file is.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Below this nobody needs to be told.
const PATIENCE: Duration = Duration::from_millis(700);
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// A line on standard error that is drawn again and again, if a person watches. Anywhere else nothing is written.
pub(crate) struct Progress {
    started: Instant,
    drawn: Option<Instant>,
    total: u64,
    done: u64,
    visible: bool,
}

impl Progress {
    /// Of so many bytes; zero if that is not known.
    pub(crate) fn new(total: u64) -> Self {
        let visible = std::io::stderr().is_terminal();
        Self { started: Instant::now(), drawn: None, total, done: 0, visible }
    }

    /// More bytes have been read.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let elapsed = self.started.elapsed();
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= DRAW_EVERY);
        if self.visible && due && elapsed >= PATIENCE {
            self.drawn = Some(Instant::now());
            self.draw(&line(self.done, self.total, elapsed));
        }
    }

    /// Bytes read so far, and how long that took.
    pub(crate) fn so_far(&self) -> (u64, Duration) {
        (self.done, self.started.elapsed())
    }

    fn draw(&mut self, text: &str) {
        // Whoever watches loses a line of progress, not the result.
        let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            self.draw("");
        }
    }
}

fn line(done: u64, total: u64, elapsed: Duration) -> String {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let speed = megabytes(done) / elapsed.as_secs_f64().max(1e-9);
    if total < done || total == 0 {
        return format!("{:.0} MB, {speed:.0} MB/s", megabytes(done));
    }
    let left = megabytes(total - done) / speed.max(1e-9);
    let share = 100.0 * done as f64 / total as f64;
    format!("{share:3.0} % of {:.0} MB, {speed:.0} MB/s, {left:.0} s left", megabytes(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_share_speed_and_what_is_left() {
        let second = Duration::from_secs(1);
        assert_eq!(line(25_000_000, 100_000_000, second), " 25 % of 100 MB, 25 MB/s, 3 s left");
        assert_eq!(line(25_000_000, 0, second), "25 MB, 25 MB/s");
    }
}
