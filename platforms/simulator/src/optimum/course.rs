//! The course of a session whose levels are given.

use super::Sessions;
use crate::link::{Cursor, Link};
use crate::movie::Movie;
use crate::player::Viewing;

/// A movie over a link with a buffer.
///
/// Times are counted from the earliest first picture that a session of the kind can have. A session that begins with another level
/// than the one that is there first is *late* by then already: lateness is what comes of the start and of stalls together.
#[derive(Clone, Debug)]
pub(super) struct Course<'a> {
    pub(super) movie: &'a Movie,
    pub(super) buffer_ms: f64,
    /// From the first request to the earliest first picture.
    pub(super) startup_ms: f64,
    /// By each level that a session may begin with, from the lowest on: when its first segment is there.
    begins: Vec<Standing<'a>>,
}

/// How far a session is: so many segments arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    pub(super) link: Cursor<'a>,
    /// Since the earliest first picture.
    pub(super) at_ms: f64,
    /// Lateness so far.
    pub(super) late_ms: f64,
}

impl<'a> Course<'a> {
    pub(super) fn new(movie: &'a Movie, link: &'a Link, buffer_ms: f64, sessions: Sessions) -> Self {
        let levels = match sessions {
            Sessions::Faithful => 1,
            Sessions::Player { .. } => movie.ladder().len(),
        };
        let mut opened = link.start();
        let opened_ms = match sessions {
            Sessions::Faithful => 0.0,
            Sessions::Player { opening_bits, .. } => opened.request() + opened.receive(opening_bits),
        };
        let begin = |level: usize| {
            let mut link = opened;
            let at_ms = opened_ms + link.request() + link.receive(movie.bits(0, level));
            Standing { link, at_ms, late_ms: 0.0 }
        };
        Self::beginning(movie, buffer_ms, (0..levels).map(begin).collect())
    }

    /// What every session of a kind is a part of, and more: what a request waits for its first bit costs nothing but at the start, as
    /// if all requests were made together; what is asked for before the title itself is there at once.
    pub(super) fn relaxed(movie: &'a Movie, link: &'a Link, buffer_ms: f64, sessions: Sessions) -> Self {
        match sessions {
            Sessions::Faithful => Self::new(movie, link, buffer_ms, sessions),
            Sessions::Player { .. } => {
                let mut asked = link.start();
                let latency_ms = link.least_latency_ms();
                asked.wait(latency_ms);
                let begin = |level: usize| {
                    let mut link = asked;
                    let at_ms = latency_ms + link.receive(movie.bits(0, level));
                    Standing { link, at_ms, late_ms: 0.0 }
                };
                Self::beginning(movie, buffer_ms, (0..movie.ladder().len()).map(begin).collect())
            }
        }
    }

    fn beginning(movie: &'a Movie, buffer_ms: f64, mut begins: Vec<Standing<'a>>) -> Self {
        let startup_ms = begins.iter().map(|begin| begin.at_ms).fold(f64::INFINITY, f64::min);
        for begin in &mut begins {
            begin.at_ms -= startup_ms;
            begin.late_ms = begin.at_ms;
        }
        Self { movie, buffer_ms, startup_ms, begins }
    }

    /// The levels that a session may begin with, and how it stands when its first segment is there.
    pub(super) fn begins(&self) -> impl Iterator<Item = (usize, Standing<'a>)> + '_ {
        self.begins.iter().copied().enumerate()
    }

    /// How a session stands that began with a level; where it may not, with the highest that it may.
    pub(super) fn begin(&self, level: usize) -> Standing<'a> {
        self.begins[level.min(self.begins.len() - 1)]
    }

    /// When a segment has its place, if nothing is late.
    pub(super) fn place_ms(&self, segment: usize) -> f64 {
        segment as f64 * self.movie.segment_ms()
    }

    /// When the buffer has room for a segment of a session that is so late.
    pub(super) fn room_ms(&self, segment: usize, late_ms: f64) -> f64 {
        self.place_ms(segment + 1) - self.buffer_ms + late_ms
    }

    /// Fetches a segment of so many bits.
    pub(super) fn fetch(&self, mut standing: Standing<'a>, segment: usize, bits: f64) -> Standing<'a> {
        let wait = self.room_ms(segment, standing.late_ms) - standing.at_ms;
        if wait > 0.0 {
            standing.link.wait(wait);
            standing.at_ms += wait;
        }
        standing.at_ms += standing.link.request() + standing.link.receive(bits);
        standing.late_ms = standing.late_ms.max(standing.at_ms - self.place_ms(segment));
        standing
    }

    /// How a session of these levels stands at its end.
    pub(super) fn end(&self, levels: &[usize]) -> Standing<'a> {
        let begin = self.begin(levels.first().copied().unwrap_or(0));
        levels
            .iter()
            .enumerate()
            .skip(1)
            .fold(begin, |standing, (segment, level)| self.fetch(standing, segment, self.movie.bits(segment, *level)))
    }

    /// The fewest bits that a segment can have.
    pub(super) fn least_bits(&self, segment: usize) -> f64 {
        let levels = self.movie.ladder().len();
        (0..levels).map(|level| self.movie.bits(segment, level)).fold(f64::INFINITY, f64::min)
    }
}

/// How a kind of sessions is bounded: see [`super::bound`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Slack {
    /// What a request waits for its first bit counts.
    pub(super) latency: bool,
    /// The buffer takes so much at most, in milliseconds.
    buffer_ms: f64,
    /// Segments are there when they are complete and not when the buffer has room.
    live: bool,
    /// The slowest that is played.
    slowest: f64,
}

impl Slack {
    /// The slowest that the player plays of live titles.
    const SLOWEST: f64 = 0.97;
    /// So much more than a segment the player has before it goes on after a stall, whatever its buffer is to take.
    const TO_GO_ON_MS: f64 = 2_000.0;

    pub(super) fn of(course: &Course<'_>, sessions: Sessions) -> Self {
        let Course { movie, buffer_ms, .. } = *course;
        match sessions {
            Sessions::Faithful => Self { latency: true, buffer_ms, live: false, slowest: 1.0 },
            Sessions::Player { viewing, .. } => {
                let live = viewing == Viewing::Live;
                let buffer_ms = buffer_ms.max(movie.segment_ms() + Self::TO_GO_ON_MS);
                Self { latency: false, buffer_ms, live, slowest: if live { Self::SLOWEST } else { 1.0 } }
            }
        }
    }

    /// Before this, counted as courses are, no session asks for a segment if it was so late at least by then.
    pub(super) fn room_ms(&self, course: &Course<'_>, segment: usize, least_late_ms: f64) -> f64 {
        let complete_ms = course.place_ms(segment + 1) - self.buffer_ms;
        match self.live {
            // It is complete by the time of the source, which began with the session; how much is buffered does not matter.
            true => complete_ms - course.startup_ms,
            false => complete_ms + least_late_ms,
        }
    }

    /// When a segment has to be there in a session that is late by no more than an allowance.
    pub(super) fn deadline_ms(&self, course: &Course<'_>, segment: usize, allowance_ms: f64) -> f64 {
        course.place_ms(segment) / self.slowest + allowance_ms
    }
}
