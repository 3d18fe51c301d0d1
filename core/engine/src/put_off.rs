//! Segments that whoever was asked refuses, while there is enough buffered: they are asked for later.
//!
//! A service that is deployed, or whose tokens change, refuses all of a title's media for a while. That is no matter of a
//! rendition or a language, and nothing that is buffered is worse for it.

use std::time::Duration;

use telecine_model::{Error, Handling, Timestamp, TrackKind};

use crate::engine::Engine;
use crate::event::{DecisionKind, State};
use crate::requests::{Purpose, Request};
use crate::stream::Stream;
use crate::timer::Timer;

/// What is asked for later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PutOff {
    /// When it is asked for again,
    until: Timestamp,
    /// or as soon as what is buffered lasts no longer than this.
    reserve: Duration,
    /// How often it was put off in a row.
    times: u32,
}

impl Stream {
    /// Whether what it is to have next is refused, or was left out as it could not be had.
    pub(crate) fn is_refused(&self) -> bool {
        self.put_off.is_some() || self.cut_short.is_some() || self.lost.segments > 0
    }
}

impl Engine {
    /// How long what is buffered of a kind lasts; nothing where playback waits for it.
    fn left(&self, stream: &Stream) -> Duration {
        match self.playback.state {
            State::Playing | State::Paused | State::Ready => self.real(stream.ahead(self.position())),
            // What is there is not played before there is more.
            _ => Duration::ZERO,
        }
    }

    /// The same without what a request is for, if that may be asked for later: it came in no part, and nothing but the buffer
    /// waits for it.
    pub(crate) fn lasts(&self, request: &Request) -> Duration {
        let (Purpose::Segment(kind) | Purpose::Init(kind, _)) = &request.purpose else { return Duration::ZERO };
        let stream = self.streams.get(kind).filter(|_| request.hung.is_none() && !self.looks_again(*kind));
        let whole = stream
            .filter(|stream| stream.fetch.as_ref().is_some_and(|fetch| fetch.appended == 0 && fetch.part.is_none()));
        // A track of which nothing has come beside its picture is missing, most likely: it is soon known.
        let hopeful = whole.filter(|stream| stream.came || !stream.is_refused() || !self.is_pictured(stream));
        hopeful.map_or(Duration::ZERO, |stream| self.left(stream))
    }

    /// How often what a request is for was put off.
    pub(crate) fn times_put_off(&self, request: &Request) -> u32 {
        let stream = request.fetch.kind.and_then(|kind| self.streams.get(&kind));
        stream.and_then(|stream| stream.put_off).map_or(0, |put_off| put_off.times)
    }

    /// What a kind's stream fetches was refused wherever it was asked for: it is asked for later, in one rendition, and in all
    /// of them when what is buffered comes to its end.
    pub(crate) fn put_off(
        &mut self,
        kind: TrackKind,
        error: Error,
        (after, reserve): (Duration, Duration),
        why: Vec<String>,
    ) {
        self.report(error.recovered(Handling::Retried));
        let name =
            self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()).map(|fetch| fetch.start.to_string());
        self.decide(DecisionKind::Retry, Some(kind), name, Some(format!("again in {} ms", after.as_millis())), why);
        let requested = self.streams.get(&kind).and_then(Stream::requested);
        self.drop_fetch(kind);
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        // What it was in before that is where it goes on.
        let before = stream.cursor.is_some().then(|| stream.requested()).flatten();
        let one = before.or(requested);
        let others = stream.ladder.iter().flat_map(|step| step.candidates()).filter(|other| Some(*other) != one);
        stream.avoid = others.collect();
        let times = stream.put_off.map_or(0, |put_off| put_off.times).saturating_add(1);
        stream.put_off = Some(PutOff { until: self.now + after, reserve, times });
    }

    /// Whether what a kind is to have next is not asked for again yet.
    pub(crate) fn is_put_off(&mut self, kind: TrackKind) -> bool {
        let Some(stream) = self.streams.get(&kind) else { return false };
        let Some(put_off) = stream.put_off else { return false };
        let left = self.left(stream);
        if left <= put_off.reserve {
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.put_off = None;
                stream.avoid.clear();
            }
            return false;
        }
        if self.now >= put_off.until {
            return false;
        }
        let needed = self.now + (left - put_off.reserve) + Duration::from_millis(1);
        let due = if self.playback.is_advancing() { put_off.until.min(needed) } else { put_off.until };
        self.timers.set(Timer::Schedule(kind), due);
        true
    }
}
