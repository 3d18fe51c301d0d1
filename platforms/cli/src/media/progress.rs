//! How far a long file is.

use std::time::Duration;

use crate::status::StatusLine;

/// How much of a file has been read, for who waits.
pub(crate) struct Progress {
    line: StatusLine,
    total: u64,
    done: u64,
}

impl Progress {
    /// Of so many bytes; zero if that is not known.
    pub(crate) fn new(total: u64) -> Self {
        Self { line: StatusLine::new(), total, done: 0 }
    }

    /// More bytes have been read.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let (done, total, elapsed) = (self.done, self.total, self.line.elapsed());
        self.line.tell(|| line(done, total, elapsed));
    }

    /// Bytes read so far, and how long that took.
    pub(crate) fn so_far(&self) -> (u64, Duration) {
        (self.done, self.line.elapsed())
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
