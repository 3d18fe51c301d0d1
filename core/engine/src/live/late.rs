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

/// What was learnt of parts counts for so long at least and at most, twice as long each time that it proves true again: one part
/// that a cache held up does not keep a whole session further from its edge.
const PARTS_KEPT: Duration = Duration::from_secs(60);
const PARTS_KEPT_AT_MOST: Duration = Duration::from_secs(3600);

/// What is known of how late segments and parts come behind the playlists that list them. Of MPDs see
/// [`Lateness`](super::lateness::Lateness).
#[derive(Debug, Default)]
pub(crate) struct Late {
    most: MediaTime,
    parts: Option<LateParts>,
    /// What is waited for, as it was not there.
    in_vain: BTreeMap<TrackKind, InVain>,
}

/// Something listed was asked for before it was there.
#[derive(Clone, Copy, Debug)]
struct InVain {
    since: Timestamp,
    times: u32,
    /// How far the edge was ahead of its end when it was asked for last; segments are not counted by that.
    behind: Option<MediaTime>,
}

/// Parts came so much later than they were listed.
#[derive(Clone, Copy, Debug)]
struct LateParts {
    by: MediaTime,
    until: Timestamp,
    kept: Duration,
}

impl Late {
    /// How much later than listed segments came at most, as far as that is known.
    pub(super) fn most(&self) -> MediaTime {
        self.most
    }

    /// How much later than listed parts come, as far as that is known.
    pub(super) fn of_parts(&self, now: Timestamp) -> MediaTime {
        self.parts.filter(|parts| now < parts.until).map_or(MediaTime::ZERO, |parts| parts.by)
    }

    /// Since when something is waited for in vain.
    fn waits_since(&self, kind: TrackKind) -> Option<Timestamp> {
        self.in_vain.get(&kind).map(|vain| vain.since)
    }

    fn on_in_vain(&mut self, kind: TrackKind, behind: Option<MediaTime>, now: Timestamp) {
        let vain = self.in_vain.entry(kind).or_insert(InVain { since: now, times: 0, behind: None });
        vain.times += 1;
        vain.behind = behind;
    }

    /// What was waited for came: how late is what counts. Of what never comes nothing is learnt.
    fn on_came(&mut self, kind: TrackKind, bound: MediaTime, now: Timestamp) {
        let Some(vain) = self.in_vain.remove(&kind) else { return };
        let Some(behind) = vain.behind else {
            let later = self.most + LATER_EACH_TIME.mul_ratio(i64::from(vain.times), 1);
            self.most = self.most.max(later.min(bound));
            return;
        };
        let by = behind + LATER_EACH_TIME;
        let known = self.parts.filter(|parts| now < parts.until);
        let kept = self.parts.map_or(PARTS_KEPT, |parts| match known {
            Some(_) => parts.kept,
            None => parts.kept.saturating_mul(2).min(PARTS_KEPT_AT_MOST),
        });
        let by = known.map_or(by, |parts| parts.by.max(by));
        self.parts = Some(LateParts { by, until: now + kept, kept });
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
        let part = self.streams.get(&kind)?.fetch.as_ref().is_some_and(|fetch| fetch.part.is_some());
        // A part of a resource that grows may lie behind its end as yet.
        let absent = matches!(status, Some(404 | 425)) || (part && status == Some(416));
        if self.title.live.is_dash() {
            // An MPD has a clock to count by.
            let length = absent.then(|| self.too_early_by_clock(kind, request.fetch.attempt)).flatten();
            return length.map(Self::until_it_is_there);
        }
        let length = match part {
            _ if !absent => None,
            true => self.part_too_early(request, kind),
            false => self.too_early_by_list(kind),
        };
        match length {
            Some(_) => {
                let behind = if part { self.behind_the_edge(kind) } else { None };
                self.title.live.late.on_in_vain(kind, behind, self.now);
            }
            None => self.title.live.late.on_given_up(kind),
        }
        length.map(Self::until_it_is_there)
    }

    /// How long to wait before something of some length is asked for again.
    fn until_it_is_there(length: Duration) -> Duration {
        (length / 4).clamp(Duration::from_millis(100), Duration::from_millis(500))
    }

    /// A listed part may be there in a moment as well. Another rendition has to do at once; if there is none, the part is waited
    /// for as long as playback goes on without it, and if what came before it was left out already, as long as its segment takes:
    /// then the server is late with all of them, and to leave out the next one as well gains nothing. Its length if so.
    fn part_too_early(&self, request: &Request, kind: TrackKind) -> Option<Duration> {
        let stream = self.streams.get(&kind)?;
        let fetch = stream.fetch.as_ref()?;
        if self.choices(stream) > 1 || !self.goes_on(fetch.rendition) {
            return None;
        }
        let length = (fetch.end - fetch.start).to_duration();
        let waited = self.title.live.late.waits_since(kind).map_or(Duration::ZERO, |since| self.now.since(since));
        let segment = self.title.playlists.get(&fetch.rendition)?.target_duration.to_duration();
        let stands = stream.lost.segments > 0 || !self.playback.started;
        let spare = self.spare(&request.purpose) > length;
        (waited < segment && (spare || stands)).then_some(length)
    }

    /// How far the end of what is fetched is behind the edge.
    fn behind_the_edge(&self, kind: TrackKind) -> Option<MediaTime> {
        let end = self.streams.get(&kind)?.fetch.as_ref()?.end;
        Some((self.title.live.edge.at(self.now)? - end).max(MediaTime::ZERO))
    }

    /// A playlist that lists a segment last may be ahead of the server of its media, by the length of the segment at most.
    /// That length, if it is so.
    fn too_early_by_list(&self, kind: TrackKind) -> Option<Duration> {
        let fetch = self.streams.get(&kind)?.fetch.as_ref()?;
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
        self.title.live.late.on_came(kind, bound, self.now);
    }

    /// Until when what a playlist has just listed is not asked for, because its like came late.
    pub(crate) fn listed_ahead(&self, reference: RenditionRef, end: MediaTime) -> Option<Timestamp> {
        let late = &self.title.live.late;
        if self.title.live.is_dash() || !self.goes_on(reference) {
            return None;
        }
        if self.plays_parts(reference) {
            let by = late.of_parts(self.now);
            let left = end + by - self.title.live.edge.at(self.now).filter(|_| by > MediaTime::ZERO)?;
            let from = self.now + left.to_duration();
            return (from > self.now).then_some(from);
        }
        let most = late.most();
        let (reload, index) = (self.title.live.reloads.get(&reference)?, self.index_of(reference)?);
        let from = self.now + most.to_duration() - reload.unchanged_for(self.now);
        (most > MediaTime::ZERO && end + SEAM >= index.end()? && from > self.now).then_some(from)
    }
}
