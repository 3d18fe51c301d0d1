//! How a session went: what its outcome says of each moment.

use crate::link::Link;
use crate::movie::Movie;
use crate::outcome::Outcome;

/// The buffer of a session at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// In milliseconds from the first request.
    pub at_ms: f64,
    /// Media ahead of the playhead, in milliseconds.
    pub buffer_ms: f64,
}

impl Outcome {
    /// The course of the buffer, from the first request to the end: between two moments it runs straight.
    ///
    /// It is known when requests are made and when they are answered; in between it drains as time goes by, to nothing at
    /// least. Requests for what is fetched again say nothing of it.
    pub fn buffer_course(&self, movie: &Movie) -> Vec<Moment> {
        let mut course = vec![Moment { at_ms: 0.0, buffer_ms: 0.0 }];
        let mut next = self.first;
        for request in self.requests.iter().filter(|request| request.segment >= self.first) {
            let whole = request.bits + 8.0 > movie.bits(request.segment, request.level);
            if request.segment < next {
                continue;
            }
            let end_ms = request.at_ms + request.took_ms;
            let buffer_ms = request.buffer_ms;
            let at = |at_ms: f64, buffer_ms: f64| Moment { at_ms, buffer_ms };
            course.push(at(request.at_ms, buffer_ms));
            // Before the first picture nothing drains.
            let drains_from = request.at_ms.max(self.startup_ms);
            let dry_ms = drains_from + buffer_ms;
            if buffer_ms > 0.0 && dry_ms < end_ms {
                course.push(at(dry_ms, 0.0));
            }
            let left_ms = (buffer_ms - (end_ms - drains_from).max(0.0)).max(0.0);
            course.push(at(end_ms, left_ms));
            if whole {
                course.push(at(end_ms, left_ms + movie.segment_ms()));
                next = request.segment + 1;
            }
        }
        if course.last().is_some_and(|last| last.at_ms < self.elapsed_ms) {
            course.push(Moment { at_ms: self.elapsed_ms, buffer_ms: 0.0 });
        }
        course
    }
}

impl Link {
    /// The mean rate in kbit/s of so many steps of equal length, from the beginning on.
    pub fn mean_rates(&self, step_ms: f64, steps: usize) -> Vec<f64> {
        let mut cursor = self.start();
        (0..steps)
            .map(|_| {
                let before = cursor;
                cursor.wait(step_ms);
                cursor.bits_since(&before) / step_ms
            })
            .collect()
    }
}
