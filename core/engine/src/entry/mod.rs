//! Beginning inside of a segment (`Resync`, ISO/IEC 23009-1, 5.3.12; D083).
//!
//! A segment may be long compared to what can be decoded by itself: eight seconds of four groups of pictures. Who joins,
//! seeks or goes on in the midst of it need not fetch what lies before. An MPD says how far the places are apart that
//! decoding can begin at, in time, and not where they are in bytes. So the segment is asked for from a byte on that is
//! surely in front of one of them, by a careful estimate; the next chunk is looked for in what comes
//! ([`ChunkFinder`](telecine_container::ChunkFinder)), and the first one that begins with a key frame is played first.
//!
//! Whatever goes wrong, nothing is lost but time: a server that ignores ranges is read from the start; if it refuses, if
//! nothing is found, or only what lies behind the place (which would be a hole at the playhead), the segment is asked for
//! again: once more from nearer to its start, by what the first answer taught, then whole. After some vain attempts in
//! a row segments are fetched whole for the rest of the title.

mod plan;

use std::ops::Range;

use telecine_delivery::RequestClass;
use telecine_model::protection::KeyId;
use telecine_model::{
    ByteRange, Error, ErrorCode, Handling, MediaTime, Place, Rendition, Segment, SortedMap, TrackKind, Warning,
};

use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::input::RequestId;
use crate::keys::fragment_of;
use crate::live::OPEN_END;
use crate::media::Piece;
use crate::requests::{Purpose, Request};
use crate::stream::SegmentFetch;
use plan::{places, plan, rate, Plan, Rate};

/// How often a segment is asked for from its middle.
const TRIES: u32 = 2;

/// After so many segments in a row that could not be entered no more is.
const IN_VAIN: u32 = 3;

/// Renditions whose real bitrates are remembered.
const REMEMBERED: usize = 64;

/// What a title's segments have taught of entering them.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Segments of each kind that could not be entered since one could.
    vain: SortedMap<TrackKind, u32>,
    /// Bits a second that renditions really have, by their ids.
    rates: SortedMap<String, u64>,
}

impl Entries {
    fn is_in_vain(&self, kind: TrackKind) -> bool {
        self.vain.get(&kind).is_some_and(|times| *times >= IN_VAIN)
    }

    fn count_vain(&mut self, kind: TrackKind) {
        let times = self.vain.entry(kind).or_default();
        *times = times.saturating_add(1);
    }

    fn learn(&mut self, rendition: &str, bits_per_second: u64) {
        if self.rates.len() >= REMEMBERED && !self.rates.contains_key(rendition) {
            self.rates.clear();
        }
        let known = self.rates.entry(rendition.to_owned()).or_insert(bits_per_second);
        *known = known.saturating_mul(3).saturating_add(bits_per_second) / 4;
    }
}

/// A segment that is not fetched from its beginning.
#[derive(Debug)]
pub(crate) struct Entry {
    /// From where media is needed.
    wanted: MediaTime,
    plan: Plan,
    /// Where it is, and which part of that is all of it.
    url: String,
    whole: Option<ByteRange>,
    /// Place in its resource of the first byte of the answer.
    offset: u64,
    /// Places are no further apart than this.
    distance: MediaTime,
    /// How often it was asked for so far, this time included.
    tries: u32,
    /// Where the segment begins.
    begin: MediaTime,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No chunk has been found.
    Searching,
    /// Chunks were passed over that decoding cannot begin with; the first of them began here.
    Waiting(MediaTime),
    /// It was entered.
    Entered,
}

impl Entry {
    /// How much is looked through for a chunk, from which byte of the resource on.
    pub(crate) fn search(&self) -> (u64, u64) {
        (self.offset, self.plan.reach)
    }

    /// Where the segment begins.
    pub(crate) fn begin(&self) -> MediaTime {
        self.begin
    }

    /// Which part of its resource is all of it.
    pub(crate) fn whole(&self) -> Option<ByteRange> {
        self.whole
    }

    /// Whether what will be found may lie behind a position.
    pub(crate) fn is_behind(&self, position: MediaTime) -> bool {
        self.stage != Stage::Entered && position + SEAM < self.wanted
    }

    /// The request is made again: what was found is looked for anew.
    pub(crate) fn restart(&mut self) {
        self.stage = Stage::Searching;
    }
}

/// Why a segment is not entered.
enum Miss {
    /// What was found begins here, which is behind what is wanted.
    Behind(MediaTime),
    /// It is not as announced.
    Lie(String),
    /// The server would not have it.
    Refused(String),
    /// The network did not bring it, which says nothing of segments that are entered.
    Broken(String),
}

/// What becomes of a fragment of a segment that is to be entered.
pub(crate) enum Entering {
    /// It is played.
    Take,
    /// It is passed over.
    Drop,
    /// The segment is asked for again.
    Again,
}

impl Engine {
    /// Asks for the media of what a kind's stream fetches: from its middle on, if that is all that is needed of it.
    ///
    /// # Errors
    /// [`ErrorCode::SchemeForbidden`] if the reference may not be followed from here.
    pub(crate) fn fetch_media(
        &mut self,
        kind: TrackKind,
        class: RequestClass,
        url: String,
        segment: &Segment,
    ) -> Result<(), Error> {
        self.check_reference(&url)?;
        let entry = self.plan_entry(kind, segment).map(|(wanted, distance, plan)| Entry {
            wanted,
            plan,
            url: url.clone(),
            whole: segment.byte_range,
            offset: 0,
            distance,
            tries: 1,
            begin: segment.start,
            stage: Stage::Searching,
        });
        self.ask(kind, class, url, segment.byte_range, entry);
        Ok(())
    }

    fn ask(
        &mut self,
        kind: TrackKind,
        class: RequestClass,
        url: String,
        whole: Option<ByteRange>,
        entry: Option<Entry>,
    ) {
        let range = entry.as_ref().map(|entry| {
            let all = whole.unwrap_or(ByteRange { offset: 0, length: OPEN_END });
            let skipped = entry.plan.skipped.min(all.length);
            ByteRange { offset: all.offset.saturating_add(skipped), length: all.length - skipped }
        });
        let mut request = self.request(class, Some(kind), url, range.or(whole));
        // Of a file of many segments the whole is no answer.
        request.whole_will_do = entry.is_some() && whole.is_none();
        let offset = range.map_or(0, |range| range.offset);
        if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
            fetch.entry = entry.map(|entry| Entry { offset, ..entry });
        }
        self.send(request, Purpose::Segment(kind));
    }

    /// Whether a segment is entered: from where media is wanted, how far apart places are, and from which byte on.
    fn plan_entry(&self, kind: TrackKind, segment: &Segment) -> Option<(MediaTime, MediaTime, Plan)> {
        let stream = self.streams.get(&kind).filter(|_| kind != TrackKind::Text)?;
        let fetch = stream.fetch.as_ref()?;
        let whole = segment.part.is_none() && fetch.hinted.is_none() && fetch.cover.lock().is_none();
        let rendition = self.rendition(fetch.rendition).filter(|rendition| whole && !rendition.resync.is_empty())?;
        let track = self.track(fetch.rendition.period, fetch.rendition.track)?;
        // Events stand in front of segments, and tell of what comes later (5.10.3.3). What is found is read by the
        // initialisation section.
        if !track.inband_events.is_empty() || fetch.init.is_none() || self.title.entries.is_in_vain(kind) {
            return None;
        }
        let places = places(&rendition.resync, rendition.segments.known()?.table.timescale())?;
        let wanted = stream.next_time(self.needed_from(stream));
        let plan = plan(places, rendition.bandwidth, segment, wanted, self.rate_of(rendition, segment))?;
        Some((wanted, places.0, plan))
    }

    fn rate_of(&self, rendition: &Rendition, segment: &Segment) -> Rate {
        let by_size = segment.byte_range.and_then(|range| rate(range.length, segment.duration));
        let known = by_size.or_else(|| self.title.entries.rates.get(&rendition.id).copied());
        known.map_or(Rate::Declared(rendition.bandwidth), Rate::Known)
    }

    /// A segment has come whole.
    pub(crate) fn learn_rate(&mut self, fetch: &SegmentFetch) {
        let Some(rendition) = self.rendition(fetch.rendition) else { return };
        if fetch.entry.is_some() || fetch.part.is_some() || rendition.resync.is_empty() {
            return;
        }
        let (id, seen) = (rendition.id.clone(), rate(fetch.bytes, fetch.end - fetch.start));
        if let Some(seen) = seen {
            self.title.entries.learn(&id, seen);
        }
    }

    /// An answer begins. A server that ignores ranges sends all of the segment, which is read from its start.
    pub(crate) fn see_entry_head(&mut self, id: RequestId) {
        let request = self.requests.active.get_mut(&id).filter(|request| request.fetch.whole_will_do);
        let Some(request) = request else { return };
        let Purpose::Segment(kind) = request.purpose else { return };
        let whole = request.head.as_ref().is_some_and(|head| head.is_success() && head.status != 206);
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut());
        let Some(fetch) = fetch.filter(|fetch| whole && fetch.request == Some(id)) else { return };
        let Some(entry) = &mut fetch.entry else { return };
        // If it breaks it is asked for as it is read: from its start.
        request.fetch.byte_range = entry.whole;
        request.fetch.whole_will_do = false;
        if fetch.seen > 0 {
            // Some of it plays already: it is found again.
            (entry.offset, entry.plan.reach) = (0, u64::MAX);
            return;
        }
        fetch.start = entry.begin;
        fetch.entry = None;
        self.title.entries.count_vain(kind);
    }

    /// When what a stream fetches is shown, as its container counts.
    pub(crate) fn container_times(&self, fetch: &SegmentFetch) -> Range<MediaTime> {
        let offset = self.stated_offset(fetch).unwrap_or_default();
        fetch.start - offset - SEAM..fetch.end - offset
    }

    /// A fragment of a kind's segment came: whether playback can begin with it, where the segment is entered.
    pub(crate) fn enter_segment(&mut self, kind: TrackKind, piece: &Piece) -> Entering {
        let Some(stream) = self.streams.get(&kind) else { return Entering::Take };
        let Some(fetch) = &stream.fetch else { return Entering::Take };
        let Some(entry) = fetch.entry.as_ref().filter(|entry| entry.stage != Stage::Entered) else {
            return Entering::Take;
        };
        let Some((tracks, keys)) = fragment_of(&piece.fact) else { return Entering::Take };
        if fetch.seen == 0 && !self.knows_keys(fetch, keys) {
            // Where keys rotate, what says how to get the next one (`pssh`) may stand in the first fragment of the segment
            // only, which is left out.
            let message = "the keys of what was found are told of in front of it".to_owned();
            self.miss(kind, Miss::Refused(message));
            return Entering::Again;
        }
        let Some(container_start) = self.own_start(stream, fetch, tracks) else { return Entering::Drop };
        let start = container_start + self.stated_offset(fetch).unwrap_or_default();
        let first = match entry.stage {
            Stage::Waiting(first) => first,
            _ => start,
        };
        // Nor can sound be begun with anywhere (xHE-AAC, AC-4, MPEG-H).
        let own = self.init_of(stream, fetch).and_then(|init| init.tracks.iter().find(|track| track.kind == kind));
        let part = own.and_then(|own| tracks.iter().find(|part| part.id == own.id));
        let sync = part.is_some_and(|part| part.sync);
        let (wanted, distance, segment) = (entry.wanted, entry.distance, fetch.start);
        if !sync && start - first > distance + SEAM {
            let message = format!("no chunk between {first} and {start} begins with a key frame");
            self.miss(kind, Miss::Lie(message));
            return Entering::Again;
        }
        if start > wanted + SEAM || start >= fetch.end || start + SEAM < segment {
            self.miss(kind, Miss::Behind(first));
            return Entering::Again;
        }
        let again = fetch.seen > 0;
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
            return Entering::Take;
        };
        let Some(entry) = &mut fetch.entry else { return Entering::Take };
        if !sync {
            entry.stage = Stage::Waiting(first);
            return Entering::Drop;
        }
        entry.stage = Stage::Entered;
        if again {
            return Entering::Take;
        }
        let why = format!("media is needed from {wanted}: {} bytes in front of it are left out", entry.plan.skipped);
        // What lies before is not there: who goes back to it has to fetch it.
        fetch.start = start.max(segment);
        self.title.entries.vain.remove(&kind);
        let (from, to) = (Some(segment.to_string()), Some(start.to_string()));
        self.decide(DecisionKind::Entry, Some(kind), from, to, vec![why]);
        Entering::Take
    }

    /// Whether keys of a segment's samples need nothing that stands in the segment: the manifest names them, or there was a
    /// need of them before.
    fn knows_keys(&self, fetch: &SegmentFetch, keys: &[KeyId]) -> bool {
        let named = self.rendition(fetch.rendition).map_or(&[][..], |rendition| &rendition.protection);
        let named = |key: &KeyId| named.iter().any(|protection| protection.default_kid == Some(*key));
        keys.iter().all(named) || self.has_needed(fetch, keys)
    }

    /// Whether what a kind's stream fetches is to be entered and nothing of it has been played.
    pub(crate) fn is_entering(&self, kind: TrackKind) -> bool {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let entry = fetch.filter(|fetch| fetch.seen == 0).and_then(|fetch| fetch.entry.as_ref());
        entry.is_some_and(|entry| entry.stage != Stage::Entered)
    }

    /// Nothing was found to begin with. False if none was looked for.
    pub(crate) fn miss_entry(&mut self, kind: TrackKind, error: &Error) -> bool {
        if !self.is_entering(kind) {
            return false;
        }
        // Behind the last chunk there is none to be found, and nobody said that there were.
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let ended = fetch.and_then(|fetch| {
            let entry = fetch.entry.as_ref().filter(|entry| entry.stage == Stage::Searching)?;
            (fetch.complete && fetch.bytes < entry.plan.reach).then_some(fetch.end)
        });
        match ended {
            Some(end) => self.miss(kind, Miss::Behind(end)),
            None => self.miss(kind, Miss::Lie(error.message().to_owned())),
        }
        true
    }

    /// A segment that is to be entered is complete: if nothing of it could be begun with it is asked for again. False if
    /// there is no such thing.
    pub(crate) fn end_entry(&mut self, kind: TrackKind) -> bool {
        if !self.is_entering(kind) {
            return false;
        }
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let Some((entry, end)) = fetch.and_then(|fetch| Some((fetch.entry.as_ref()?, fetch.end))) else { return false };
        let first = match entry.stage {
            Stage::Waiting(first) => first,
            _ => end,
        };
        self.miss(kind, Miss::Behind(first));
        true
    }

    /// A request from a segment's middle on failed for a reason that it may be the cause of: the segment is asked for whole.
    /// False if it is to be tried again as any other: it may not be there yet, or the server has too much to do.
    pub(crate) fn refuse_entry(&mut self, request: &Request, status: Option<u16>, error: &Error) -> bool {
        let Purpose::Segment(kind) = request.purpose else { return false };
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let own = fetch.is_some_and(|fetch| fetch.request == Some(request.fetch.id)) && self.is_entering(kind);
        // Who may not see it at all may not see the whole of it (401, 402, 407, 451, and what has a code of its own).
        let by_range = match (error.code(), status) {
            (ErrorCode::RangeMismatch, _) => true,
            (ErrorCode::HttpStatus, Some(status)) => {
                (400..500).contains(&status) && !matches!(status, 401 | 402 | 404 | 407 | 408 | 410 | 425 | 429 | 451)
            }
            _ => false,
        };
        if !own || !by_range {
            return false;
        }
        // That it is shorter than was guessed is nobody's fault. A host may know it without an answer.
        let answered = request.head.is_some() && status.is_none();
        if error.code() == ErrorCode::RangeMismatch && !answered {
            self.miss(kind, Miss::Refused("the segment ends before that".to_owned()));
            return true;
        }
        self.report(error.clone().recovered(Handling::Retried));
        self.miss(kind, Miss::Refused(error.message().to_owned()));
        true
    }

    /// A request from a segment's middle on is not made again. True if the segment is asked for whole from the same place,
    /// as it can be had nowhere else (`elsewhere`): where the range may be to blame. A server that has not got it, or that
    /// does not answer, would not do so for the whole of it either.
    pub(crate) fn give_up_entry(&mut self, request: &Request, error: &Error, elsewhere: bool) -> bool {
        let Purpose::Segment(kind) = request.purpose else { return false };
        let status = request.head.as_ref().map(|head| head.status);
        if elsewhere || !self.is_entering(kind) {
            return false;
        }
        let miss = match status {
            Some(500..=599) if error.code() == ErrorCode::HttpStatus => Miss::Refused(error.message().to_owned()),
            Some(206) => Miss::Broken(error.message().to_owned()),
            _ => return false,
        };
        self.report(error.clone().recovered(Handling::Retried));
        self.miss(kind, miss);
        true
    }

    /// A segment is not entered where it was to be: it is asked for again.
    fn miss(&mut self, kind: TrackKind, miss: Miss) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        if fetch.seen > 0 {
            // The same request was answered otherwise than before.
            let message = "the segment is not what it was when its first part came";
            return self.replace_segment(kind, Error::new(ErrorCode::TimestampInvalid, message), Vec::new());
        }
        let Some(entry) = fetch.entry.take() else { return };
        let (reference, number, bytes) = (fetch.rendition, fetch.number, fetch.bytes);
        (fetch.complete, fetch.read, fetch.broken) = (false, false, false);
        fetch.start = entry.begin;
        match fetch.request {
            Some(id) => self.cancel(id),
            None => self.qoe.wasted(bytes),
        }
        self.prepare_retry(kind);
        let again = match &miss {
            Miss::Behind(found) => self.nearer(kind, &entry, *found),
            Miss::Lie(_) | Miss::Refused(_) | Miss::Broken(_) => None,
        };
        let vain = again.is_none() && !matches!(miss, Miss::Broken(_));
        let why = match miss {
            Miss::Behind(found) => format!("what was found begins at {found}, media is needed from {}", entry.wanted),
            Miss::Lie(message) => {
                let place = Place::Path(self.outbox.secrets.shown(&entry.url));
                self.tolerate(kind, reference, number, Warning::new("D083", place, message.clone()));
                message
            }
            Miss::Refused(message) | Miss::Broken(message) => message,
        };
        let from = Some(format!("byte {}", entry.plan.skipped));
        let to = again.map_or_else(|| "the whole segment".to_owned(), |plan| format!("byte {}", plan.skipped));
        if vain {
            self.title.entries.count_vain(kind);
        }
        self.decide(DecisionKind::Entry, Some(kind), from, Some(to), vec![why]);
        let (url, whole) = (entry.url.clone(), entry.whole);
        let tries = entry.tries.saturating_add(1);
        let next = again.map(|plan| Entry { plan, tries, stage: Stage::Searching, ..entry });
        self.ask(kind, RequestClass::Segment, url, whole, next);
    }

    /// From where on a segment is asked for once more if what was found in it begins at `found`.
    fn nearer(&mut self, kind: TrackKind, entry: &Entry, found: MediaTime) -> Option<Plan> {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref())?;
        let rendition = self.rendition(fetch.rendition)?;
        let index = rendition.segments.known()?;
        let segment = index.get(fetch.number)?;
        let places = places(&rendition.resync, index.table.timescale())?;
        let seen = rate(entry.plan.skipped, found - segment.start)?;
        let (id, bandwidth) = (rendition.id.clone(), rendition.bandwidth);
        let next = plan(places, bandwidth, &segment, entry.wanted, Rate::Seen(seen));
        self.title.entries.learn(&id, seen);
        next.filter(|next| entry.tries < TRIES && next.skipped < entry.plan.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_of_rates_is_bounded_and_follows_slowly() {
        let mut entries = Entries::default();
        entries.learn("a", 1000);
        entries.learn("a", 2000);
        assert_eq!(entries.rates.get("a"), Some(&1250));
        (0..1000).for_each(|n| entries.learn(&n.to_string(), 1));
        assert!(entries.rates.len() <= REMEMBERED);
    }
}
