//! Segments that come later than is said: asked for too early, waited for, and asked for later from then on.

use std::time::Duration;

use telecine_model::{MediaTime, SortedMap, Timestamp, TrackKind};

use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::requests::{Purpose, Request};
use crate::stream::RenditionRef;

/// What was asked for in vain is asked for so much later from then on than when it was last asked for in vain: caches lag
/// behind each other.
const LATER: MediaTime = MediaTime::from_millis(200);

/// What follows a part that could not be had is waited for so many times the length of a segment.
const LATE_SEGMENTS: u32 = 3;

/// What was learnt counts for so long at least and at most, twice as long each time that it proves true again: one that a
/// cache held up does not keep a whole session further from its edge.
const KEPT: Duration = Duration::from_secs(60);
const KEPT_AT_MOST: Duration = Duration::from_secs(3600);

/// What is known of how late segments and parts come behind the playlists that list them. Of MPDs see
/// [`Lateness`](super::lateness::Lateness).
#[derive(Debug, Default)]
pub(crate) struct Late {
    segments: Option<By>,
    parts: Option<By>,
    /// What is waited for, as it was not there.
    in_vain: SortedMap<TrackKind, InVain>,
    /// The segment that was waited for in vain: neither its parts nor all of it in other renditions are.
    hopeless: SortedMap<TrackKind, u64>,
}

/// Something listed was asked for before it was there.
#[derive(Clone, Copy, Debug)]
struct InVain {
    since: Timestamp,
    part: bool,
    /// How far the edge was ahead of its end when it was asked for last.
    behind: MediaTime,
}

/// So much later than they were listed they came.
#[derive(Clone, Copy, Debug)]
struct By {
    by: MediaTime,
    until: Timestamp,
    kept: Duration,
}

impl Late {
    /// How much later than listed segments come, as far as that is known; where `parts` are played, how much later those do,
    /// and the whole segments that are fetched among them.
    pub(super) fn by(&self, parts: bool, now: Timestamp) -> MediaTime {
        let known = [self.segments, self.parts.filter(|_| parts)].into_iter().flatten();
        known.filter(|known| now < known.until).map(|known| known.by).max().unwrap_or_default()
    }

    /// Since when something is waited for in vain.
    fn waits_since(&self, kind: TrackKind) -> Option<Timestamp> {
        self.in_vain.get(&kind).map(|vain| vain.since)
    }

    /// Something listed is not there: what was learnt and forgotten a while ago is true again, and nothing more has to be
    /// missed to know that.
    fn recall(&mut self, part: bool, now: Timestamp) {
        let learnt = if part { &mut self.parts } else { &mut self.segments };
        let lately = |known: &&mut By| now >= known.until && now < known.until + known.kept;
        if let Some(known) = learnt.as_mut().filter(lately) {
            known.kept = known.kept.saturating_mul(2).min(KEPT_AT_MOST);
            known.until = now + known.kept;
        }
    }

    pub(super) fn on_in_vain(&mut self, kind: TrackKind, part: bool, behind: MediaTime, now: Timestamp) {
        let since = self.waits_since(kind).unwrap_or(now);
        self.in_vain.insert(kind, InVain { since, part, behind });
    }

    /// What was waited for came: how late is what counts. Of what never comes nothing is learnt.
    fn on_came(&mut self, kind: TrackKind, now: Timestamp) {
        let Some(vain) = self.in_vain.remove(&kind) else { return };
        let learnt = if vain.part { &mut self.parts } else { &mut self.segments };
        let by = vain.behind + LATER;
        let (by, kept) = match *learnt {
            None => (by, KEPT),
            Some(known) if now < known.until => (known.by.max(by), known.kept),
            Some(known) => (by, known.kept.saturating_mul(2).min(KEPT_AT_MOST)),
        };
        *learnt = Some(By { by, until: now + kept, kept });
    }

    /// It is waited for no more; `number` is of its segment.
    fn on_given_up(&mut self, kind: TrackKind, number: Option<u64>) {
        if let Some((_, number)) = self.in_vain.remove(&kind).zip(number) {
            self.hopeless.insert(kind, number);
        }
    }
}

impl Engine {
    /// Whether a segment that could not be had may be there in a moment: it has just come, by the clock (D110) or by the
    /// playlist that lists it last. How long to wait if so.
    pub(crate) fn too_early(&mut self, request: &Request, status: Option<u16>) -> Option<Duration> {
        let Purpose::Segment(kind) = request.purpose else { return None };
        if self.looks_again(kind) {
            return None;
        }
        let part = self.streams.get(&kind)?.fetch.as_ref().is_some_and(|fetch| fetch.part.is_some());
        // A part of a resource that grows may lie behind its end as yet.
        let absent = matches!(status, Some(404 | 425)) || (part && status == Some(416));
        if self.title.live.is_dash() {
            // An MPD has a clock to count by.
            let length = absent.then(|| self.too_early_by_clock(kind, request.fetch.attempt)).flatten();
            return length.map(Self::until_it_is_there);
        }
        if absent {
            self.title.live.late.recall(part, self.now);
        }
        let length = match part {
            _ if !absent => None,
            true => self.part_too_early(request, kind),
            false => self.too_early_by_list(kind),
        };
        match length {
            Some(_) => {
                let behind = self.behind_the_edge(kind);
                self.title.live.late.on_in_vain(kind, part, behind, self.now);
            }
            None => {
                let number = self.streams.get(&kind).and_then(|stream| Some(stream.fetch.as_ref()?.number));
                self.title.live.late.on_given_up(kind, number);
            }
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
        if self.title.live.late.hopeless.get(&kind) == Some(&fetch.number) {
            return None;
        }
        let stands = stream.lost.segments > 0 || !self.playback.started;
        let spare = self.spare(&request.purpose) > length;
        // As long as for segments where what came before could not be had either.
        let patience = if stands { segment * LATE_SEGMENTS } else { segment };
        (waited < patience && (spare || stands)).then_some(length)
    }

    /// How far the end of what is fetched is behind the edge.
    fn behind_the_edge(&self, kind: TrackKind) -> MediaTime {
        let end = self.streams.get(&kind).and_then(|stream| Some(stream.fetch.as_ref()?.end));
        let behind = self.title.live.edge.at(self.now).zip(end).map(|(edge, end)| edge - end);
        behind.unwrap_or_default().max(MediaTime::ZERO)
    }

    /// A playlist that lists a segment last may be ahead of the server of its media, by the length of the segment at most beside
    /// what is known of how late its like comes. That length, if it is so.
    fn too_early_by_list(&self, kind: TrackKind) -> Option<Duration> {
        let fetch = self.streams.get(&kind)?.fetch.as_ref()?;
        let (reload, length) = (self.title.live.reloads.get(&fetch.rendition)?, fetch.end - fetch.start);
        let last = self.index_of(fetch.rendition)?.end()?;
        let new = self.goes_on(fetch.rendition) && fetch.end + SEAM >= last;
        let known = self.title.live.late.by(false, self.now);
        let late = known > MediaTime::ZERO && self.behind_the_edge(kind) <= known + length;
        let length = length.to_duration();
        let just = new && reload.unchanged_for(self.now) < length;
        (just || (late && self.goes_on(fetch.rendition))).then_some(length)
    }

    /// A segment came.
    pub(crate) fn note_segment_came(&mut self, kind: TrackKind) {
        self.title.live.hung.remove(&kind);
        if self.title.live.late.in_vain.is_empty() {
            return;
        }
        self.title.live.late.on_came(kind, self.now);
    }

    /// Until when what a playlist has just listed is not asked for, because its like came late.
    pub(crate) fn listed_ahead(&self, reference: RenditionRef, end: MediaTime) -> Option<Timestamp> {
        if self.title.live.is_dash() || !self.goes_on(reference) {
            return None;
        }
        let by = self.title.live.late.by(self.plays_parts(reference), self.now);
        let left = end + by - self.title.live.edge.at(self.now).filter(|_| by > MediaTime::ZERO)?;
        let from = self.now + left.to_duration();
        (from > self.now).then_some(from)
    }
}
