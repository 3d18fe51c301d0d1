//! One session of one rule over one link.

use telecine_abr::published::{Buffered, End, Fetched, InFlight, Replacing, Scene, SceneRule};

use super::average::Averages;
use super::buffer::Buffer;
use super::replacement::Replacement;
use crate::link::{Cursor, Link};
use crate::movie::Movie;
use crate::outcome::{Outcome, Request};

/// Bits, and time, after which a rule is asked again whether to give a request up.
const PROGRESS_BITS: f64 = 12_000.0;
const PROGRESS_MS: f64 = 50.0;

/// How a session is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// Media that the buffer takes at most, in milliseconds.
    pub buffer_ms: f64,
    /// Whether buffered segments are replaced.
    pub replacement: Replacement,
}

impl Setup {
    /// A session with so many seconds of buffer, without replacement.
    pub fn with_buffer(seconds: f64) -> Self {
        Self { buffer_ms: seconds * 1000.0, replacement: Replacement::Never }
    }
}

/// Plays a movie over a link to its end.
pub fn play(rule: &mut dyn SceneRule, movie: &Movie, link: &Link, setup: &Setup) -> Outcome {
    let mut session = Session::start(movie, link, setup);
    while session.next < movie.segments() {
        if let Some(Replacing { place, level }) = session.wanted(rule) {
            let from_end = session.buffer.levels().len() - place;
            session.replace(rule, from_end, level);
            continue;
        }
        session.make_room(rule);
        let decision = rule.choose(&session.scene(session.buffer.ms()));
        match setup.replacement.of(&session.buffer, decision.level) {
            Some(from_end) => session.replace(rule, from_end, decision.level),
            None => {
                session.pass(decision.wait_ms);
                session.fetch_next(rule, decision.level);
            }
        }
    }
    session.end()
}

struct Session<'a> {
    movie: &'a Movie,
    setup: &'a Setup,
    link: Cursor<'a>,
    averages: Averages,
    buffer: Buffer,
    /// The segment to be fetched next.
    next: usize,
    outcome: Outcome,
}

/// What came of a request.
struct Transfer {
    size: f64,
    bits: f64,
    took_ms: f64,
    latency_ms: f64,
    end: End,
}

impl<'a> Session<'a> {
    /// Fetches the first segment, at the lowest level.
    fn start(movie: &'a Movie, link: &'a Link, setup: &'a Setup) -> Self {
        let mut link = link.start();
        let mut averages = Averages::new(movie.segment_ms());
        let bits = movie.bits(0, 0);
        let latency_ms = link.request();
        let transfer_ms = link.receive(bits);
        averages.add(bits, transfer_ms, latency_ms);
        let startup_ms = latency_ms + transfer_ms;
        let buffer = Buffer::new(movie.segment_ms(), 0, startup_ms, movie.segments());
        let mut outcome = Outcome { startup_ms, first_transfer_ms: transfer_ms, ..Outcome::default() };
        outcome.requests.reserve(movie.segments());
        outcome.requests.push(Request { at_ms: 0.0, segment: 0, level: 0, bits, took_ms: startup_ms, buffer_ms: 0.0 });
        Self { movie, setup, link, averages, buffer, next: 1, outcome }
    }

    fn scene(&self, buffer_ms: f64) -> Scene<'_> {
        Scene {
            ladder: self.movie.ladder(),
            segment_ms: self.movie.segment_ms(),
            buffer_ms,
            capacity_ms: self.setup.buffer_ms,
            network: self.averages.network(),
            outlook: None,
            behind: self.next,
            ahead: Some(self.movie.segments() - self.next),
            sizes: self.movie.sizes_from(self.next),
        }
    }

    /// What the rule would rather have fetched again first.
    fn wanted(&mut self, rule: &mut dyn SceneRule) -> Option<Replacing> {
        if self.setup.replacement != Replacement::ByRule {
            return None;
        }
        self.buffer.put_in_a_row();
        let levels = self.buffer.levels().as_slices().0;
        let first = self.next.checked_sub(levels.len())?;
        let buffered = Buffered { levels, begun: self.buffer.segments_begun(), sizes: self.movie.sizes_from(first) };
        rule.replace(&self.scene(self.buffer.ms()), &buffered).filter(|replacing| replacing.place < levels.len())
    }

    fn pass(&mut self, ms: f64) {
        if ms > 0.0 {
            self.buffer.play(ms);
            self.link.wait(ms);
        }
    }

    /// Waits until the buffer has room for a segment.
    fn make_room(&mut self, rule: &mut dyn SceneRule) {
        let excess = self.buffer.ms() + self.movie.segment_ms() - self.setup.buffer_ms;
        if excess > 0.0 {
            self.pass(excess);
            rule.on_full_buffer(excess);
        }
    }

    fn fetch_next(&mut self, rule: &mut dyn SceneRule, level: usize) {
        let buffer_ms = self.buffer.ms();
        let transfer = self.transfer(self.next, level, |session, in_flight| {
            let left = (buffer_ms - in_flight.elapsed_ms).max(0.0);
            rule.give_up(&session.scene(left), in_flight).map(Some)
        });
        self.buffer.play(transfer.took_ms);
        match transfer.end {
            End::Complete => {
                self.buffer.append(level);
                self.next += 1;
            }
            End::GivenUp(_) => {
                self.outcome.given_up += 1;
                self.outcome.wasted_bits += transfer.bits;
            }
        }
        self.tell(rule, level, &transfer, false);
    }

    fn replace(&mut self, rule: &mut dyn SceneRule, from_end: usize, level: usize) {
        let buffer_ms = self.buffer.ms();
        let behind_ms = self.movie.segment_ms() * from_end as f64;
        let place = self.next - from_end;
        let transfer = self.transfer(place, level, |_, in_flight| {
            // Given up for good when its turn has come.
            ((buffer_ms - in_flight.elapsed_ms).max(0.0) - behind_ms <= 0.0).then_some(None)
        });
        self.buffer.play(transfer.took_ms);
        let replaced = self.buffer.levels().len().checked_sub(from_end).map(|place| self.buffer.levels()[place]);
        if transfer.end == End::Complete && self.buffer.replace(from_end, level) {
            self.outcome.replaced += 1;
            self.outcome.wasted_bits += replaced.map_or(0.0, |replaced| self.movie.bits(place, replaced));
        } else {
            self.outcome.wasted_bits += transfer.bits;
        }
        self.tell(rule, level, &transfer, true);
    }

    fn tell(&mut self, rule: &mut dyn SceneRule, level: usize, transfer: &Transfer, replaces: bool) {
        let Transfer { bits, took_ms, end, .. } = *transfer;
        rule.on_fetched(&self.scene(self.buffer.ms()), &Fetched { level, bits, took_ms, end, replaces });
        if end == End::Complete {
            self.averages.add(transfer.size, took_ms - transfer.latency_ms, transfer.latency_ms);
        }
    }

    /// Requests a segment, and asks as it arrives whether to give it up: Some is the answer to end it with.
    fn transfer(
        &mut self,
        segment: usize,
        level: usize,
        mut give_up: impl FnMut(&Self, &InFlight) -> Option<Option<usize>>,
    ) -> Transfer {
        let size = self.movie.bits(segment, level);
        let at_ms = self.buffer.elapsed_ms();
        let buffer_ms = self.buffer.ms();
        let latency_ms = self.link.request();
        let (mut elapsed_ms, mut received, mut end) = (latency_ms, 0.0, End::Complete);
        let mut least_ms = PROGRESS_MS - latency_ms;
        while received < size {
            let (bits, ms) = progress(&mut self.link, size - received, least_ms);
            received += bits;
            elapsed_ms += ms;
            least_ms = PROGRESS_MS;
            if received < size {
                let in_flight = InFlight { level, size, received, elapsed_ms, latency_ms, beside: 0.0 };
                if let Some(instead) = give_up(self, &in_flight) {
                    end = End::GivenUp(instead);
                    break;
                }
            }
        }
        self.outcome.requests.push(Request { at_ms, segment, level, bits: received, took_ms: elapsed_ms, buffer_ms });
        Transfer { size, bits: received, took_ms: elapsed_ms, latency_ms, end }
    }

    fn end(self) -> Outcome {
        let played = self.buffer.finish();
        Outcome {
            levels: played.levels,
            stall_ms: played.stall_ms,
            stalls: played.stalls,
            elapsed_ms: played.elapsed_ms,
            ..self.outcome
        }
    }
}

/// Receives until a rule is to be asked, or the rest is there. Returns bits and milliseconds.
fn progress(link: &mut Cursor<'_>, rest: f64, least_ms: f64) -> (f64, f64) {
    let began = *link;
    let ms = link.receive(PROGRESS_BITS.min(rest));
    if rest <= PROGRESS_BITS {
        return (rest, ms);
    }
    if ms >= least_ms {
        return (PROGRESS_BITS, ms);
    }
    let mut later = began;
    later.wait(least_ms);
    let bits = later.bits_since(&began);
    if bits < rest {
        *link = later;
        return (bits, least_ms);
    }
    *link = began;
    (rest, link.receive(rest))
}
