//! Segments that come later than is said: asked for too early, waited for, and asked for later from then on.

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_model::{MediaTime, Timestamp, TrackKind};

use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::requests::{Purpose, Request};
use crate::stream::RenditionRef;

/// For each time that a listed segment of HLS was asked for in vain before it came, all are asked for so much later from then on,
/// up to half of what playback is behind the edge: caches lag behind each other.
const LATER_EACH_TIME: MediaTime = MediaTime::from_millis(200);

/// What is known of how late segments come behind the playlists that list them. Of MPDs see
/// [`Lateness`](super::lateness::Lateness).
#[derive(Debug, Default)]
pub(crate) struct Late {
    most: MediaTime,
    /// How often the segment that is waited for was not there.
    in_vain: BTreeMap<TrackKind, u32>,
}

impl Late {
    /// How much later than listed segments came at most, as far as that is known.
    pub(super) fn most(&self) -> MediaTime {
        self.most
    }

    fn on_in_vain(&mut self, kind: TrackKind) {
        *self.in_vain.entry(kind).or_default() += 1;
    }

    /// What was waited for came: how late is what counts. Of what never comes nothing is learnt.
    fn on_came(&mut self, kind: TrackKind, bound: MediaTime) {
        if let Some(times) = self.in_vain.remove(&kind) {
            let later = self.most + LATER_EACH_TIME.mul_ratio(i64::from(times), 1);
            self.most = self.most.max(later.min(bound));
        }
    }

    fn on_given_up(&mut self, kind: TrackKind) {
        self.in_vain.remove(&kind);
    }
}

impl Engine {
    /// Whether a segment that could not be had may be there in a moment: it has just come, by the clock (D110) or by the
    /// playlist that lists it last. How long to wait if so.
    pub(crate) fn too_early(&mut self, request: &Request, status: Option<u16>) -> Option<Duration> {
        let Purpose::Segment(kind) = request.purpose else { return None };
        let absent = matches!(status, Some(404 | 425));
        let length = absent.then(|| match self.title.live.is_dash() {
            true => self.too_early_by_clock(kind, request.fetch.attempt),
            false => self.too_early_by_list(kind),
        });
        let length = length.flatten();
        match length {
            // An MPD has a clock to count by.
            _ if self.title.live.is_dash() => {}
            Some(_) => self.title.live.late.on_in_vain(kind),
            None => self.title.live.late.on_given_up(kind),
        }
        length.map(|length| (length / 4).clamp(Duration::from_millis(100), Duration::from_millis(500)))
    }

    /// A playlist that lists a segment last may be ahead of the server of its media, by the length of the segment at most.
    /// That length, if it is so.
    fn too_early_by_list(&self, kind: TrackKind) -> Option<Duration> {
        // Of parts another rendition has to do at once: there is no time to wait in.
        let fetch = self.streams.get(&kind)?.fetch.as_ref().filter(|fetch| fetch.part.is_none())?;
        let (reload, length) = (self.title.live.reloads.get(&fetch.rendition)?, fetch.end - fetch.start);
        let last = self.index_of(fetch.rendition)?.end()?;
        let new = self.goes_on(fetch.rendition) && fetch.end + SEAM >= last;
        let length = length.to_duration();
        (new && reload.unchanged_for(self.now) < length).then_some(length)
    }

    /// A segment came.
    pub(crate) fn note_segment_came(&mut self, kind: TrackKind) {
        if self.title.live.late.in_vain.is_empty() {
            return;
        }
        let bound = self.hold_back().mul_ratio(1, 2);
        self.title.live.late.on_came(kind, bound);
    }

    /// Until when the segment that a playlist lists last is not asked for, because its like came late.
    pub(crate) fn listed_ahead(&self, reference: RenditionRef, end: MediaTime) -> Option<Timestamp> {
        let late = self.title.live.late.most();
        if late == MediaTime::ZERO || self.title.live.is_dash() || self.plays_parts(reference) {
            return None;
        }
        let (reload, index) = (self.title.live.reloads.get(&reference)?, self.index_of(reference)?);
        let from = self.now + late.to_duration() - reload.unchanged_for(self.now);
        (self.goes_on(reference) && end + SEAM >= index.end()? && from > self.now).then_some(from)
    }
}
