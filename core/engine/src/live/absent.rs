//! Segments of a title that goes on that are not there when they ought to be: late, or missing for good?
//!
//! Nobody says which. What is late comes after all, before what follows it; what is missing never does, and what follows it
//! is there in time. So a segment is waited for as long as it takes for the next one to be announced; then that is asked for,
//! and each time that the next one is not there either, the first of them once more. A source that is late is found out by
//! that, whatever it is late by, and segments that are missing cost the time that they would have played, however many.

use std::time::Duration;

use telecine_model::availability::SegmentTimes;
use telecine_model::{MediaTime, TrackKind};

use super::failing::patience;
use super::lateness::PLAUSIBLE;
use crate::buffer::{Item, SEAM};
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::requests::Purpose;
use crate::stream::{Absent, SegmentFetch, Stream};

/// What was announced so many of its lengths ago at most, beside what is known of how late its like comes, has just come.
const JUST_COME: i64 = 3;

/// Whose lists go on is there, whatever is wrong with its media: that is waited for so many times as long as a list that stands
/// still.
const LISTED_ON: u32 = 2;

impl Engine {
    /// How long ago what is fetched was announced; None unless its title goes on.
    fn announced_since(&self, fetch: &SegmentFetch) -> Option<MediaTime> {
        if self.title.live.is_dash() {
            let reading = self.dash_live()?.clock.read(self.now)?;
            let SegmentTimes { from, .. } =
                self.availability(reading)?.of(self.index_of(fetch.rendition)?, fetch.number)?;
            return Some(reading.earliest.since(from));
        }
        let edge = self.title.live.edge.at(self.now).filter(|_| self.goes_on(fetch.rendition))?;
        Some(edge - fetch.end)
    }

    /// The same, if that was a moment ago: what follows comes no faster than it is made.
    fn just_announced_since(&self, fetch: &SegmentFetch) -> Option<MediaTime> {
        let known = match self.dash_live() {
            Some(dash) => dash.late.certain(self.now),
            None => self.title.live.late.by(fetch.part.is_some(), self.now),
        };
        let target = self.title.playlists.get(&fetch.rendition).map(|info| info.target_duration);
        let length = (fetch.end - fetch.start).max(target.unwrap_or_default());
        self.announced_since(fetch).filter(|since| *since <= known + length.mul_ratio(JUST_COME, 1))
    }

    /// Whether what a stream could not have for long may come back: it did have media, asks for each segment as it is made (or
    /// has only just begun to leave out what it could not have, on its way there), and has not done so in vain for more than
    /// [`LISTED_ON`] times as long as a list is waited for that does not change.
    pub(crate) fn may_come_back(&self, stream: &Stream, fetch: &SegmentFetch) -> bool {
        let lost = self.config.live.stale_after;
        let since = stream.lost.since.map_or(Duration::ZERO, |since| self.now.since(since));
        let on_its_way = self.title.live.following.live
            && self.goes_on(fetch.rendition)
            && since < self.segment_duration(stream).mul_ratio(JUST_COME, 1).to_duration();
        stream.delivered
            && (on_its_way || self.just_announced_since(fetch).is_some())
            && (lost.is_zero() || since < patience(lost, false).saturating_mul(LISTED_ON))
    }

    /// What was fetched is not there, and was left out. If it is the first that is not, that is kept in mind; else the first
    /// is asked for once more.
    pub(crate) fn look_again(&mut self, kind: TrackKind, fetch: &SegmentFetch) {
        let Some(by) = self.just_announced_since(fetch).filter(|_| fetch.part.is_none()) else { return };
        let Some(stream) = self.streams.get_mut(&kind).filter(|stream| stream.is_essential()) else { return };
        let Some(first) = &mut stream.lost.first else {
            if stream.lost.segments == 1 {
                stream.lost.first = Some(Absent { start: fetch.start, by, again_to: None });
            }
            return;
        };
        if fetch.start <= first.start || first.by > PLAUSIBLE {
            return;
        }
        first.again_to = Some(fetch.end);
        let start = first.start;
        stream.buffer.forget_holes(start - stream.shift.unwrap_or_default());
        stream.break_off();
        let why = vec!["what follows is not there either: its source may be late".to_owned()];
        self.decide(DecisionKind::Retry, Some(kind), Some(start.to_string()), None, why);
    }

    /// What was asked for once more is still not there: all that was left out before is left out again. False if it was
    /// something else.
    pub(crate) fn leave_out_again(&mut self, kind: TrackKind, fetch: &SegmentFetch) -> bool {
        let by = self.announced_since(fetch);
        let Some(stream) = self.streams.get_mut(&kind) else { return false };
        stream.lost.first.take_if(|first| fetch.start.abs_diff(first.start) > SEAM && first.again_to.is_some());
        let Some(first) = &mut stream.lost.first else { return false };
        let Some(to) = first.again_to.take() else { return false };
        first.by = by.unwrap_or(first.by).max(first.by);
        let (span, shift) = ((first.start, to), stream.shift.unwrap_or_default());
        stream.buffer.put(Item::hole(span, shift, stream.period, fetch.rendition.rendition));
        stream.break_off();
        true
    }

    /// Whether a kind's stream asks for something once more that was not there.
    pub(crate) fn looks_again(&self, kind: TrackKind) -> bool {
        self.streams.get(&kind).is_some_and(|stream| stream.lost.again_to().is_some())
    }

    /// Media of a kind came. If it is what was asked for once more, its source is late by more than it was when that was not
    /// there.
    pub(crate) fn note_late_source(&mut self, kind: TrackKind) {
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let came = stream.fetch.as_ref().map(|fetch| fetch.start);
        let Some(first) = stream.lost.first.take_if(|first| first.again_to.is_some()) else { return };
        // The window may have left it behind meanwhile: of what comes instead nothing is learnt.
        if came.is_none_or(|start| start.abs_diff(first.start) > SEAM) {
            return;
        }
        let now = self.now;
        match &mut self.title.live.dash {
            Some(dash) => dash.late.missed(kind, first.by, dash.delay, now),
            None => self.title.live.late.on_in_vain(kind, false, first.by, now),
        }
    }

    /// How long media that could not be had may be waited for from now: in what goes on, to wait for longer than playback does
    /// without costs the viewer that time, and to leave it out what would have been seen in it. Where playback stands for it,
    /// one length of that is spent, for all that fails in a row; but while nothing follows yet there is nothing to go on with.
    /// None: as long as anybody waits.
    pub(crate) fn bears(&self, purpose: &Purpose) -> Option<Duration> {
        let Purpose::Segment(kind) = purpose else { return None };
        // Who does not follow the edge has time.
        let stream = self.streams.get(kind).filter(|_| self.is_live() && self.title.live.following.live)?;
        let fetch = stream.fetch.as_ref()?;
        // Of pictures it takes a whole segment to go on without a part.
        let length = (fetch.end - fetch.start).max(self.segment_duration(stream));
        let failing =
            stream.lost.since.or(stream.trouble_since).unwrap_or(self.now).max(self.requests.back.unwrap_or_default());
        let borne = match self.playback.stalled_at {
            // What it stood for before is another matter.
            Some(stalled) => self.real(length).saturating_sub(self.now.since(stalled.max(failing))),
            None => self.spare(purpose).saturating_add(self.real(length)),
        };
        let own = fetch.end - fetch.start;
        let alone = self.announced_since(fetch).map_or(MediaTime::ZERO, |since| own - since.max(MediaTime::ZERO));
        Some(borne.max(self.real(alone.max(MediaTime::ZERO))))
    }
}
