//! Parts of segments, before the segments are complete (rfc8216bis 4.4.4.9, 4.4.5.3, 6.3.8).

use telecine_model::presentation::{PlaylistInfo, PreloadHint};
use telecine_model::protection::KeyMethod;
use telecine_model::{ByteRange, MediaTime, Place, Segment, SegmentIndex, TrackKind, Warning};

use super::reload::Reload;
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::input::RequestId;
use crate::keys::Cover;
use crate::stream::{InitKey, RenditionRef, SegmentFetch, Stream};

/// What reaches to the end of a resource whose end nobody knows yet (H075).
pub(crate) const OPEN_END: u64 = (1 << 53) - 1;

/// A round trip that takes more than this share of a part is too long to make for each: half of it, so that the other half is
/// there for the media.
const DEAR: i64 = 2;

/// Hints of a rendition that were followed in vain, in a row, before no more are.
const IN_VAIN: u32 = 3;

impl Engine {
    /// Whether a rendition is played part by part. Its server has to have shown all that this takes (H132); segments that
    /// are encrypted as a whole are not taken apart.
    pub(crate) fn plays_parts(&self, reference: RenditionRef) -> bool {
        let shown = |reload: &Reload| reload.profile().lacks(self.has_siblings()).is_none();
        let offered = self.title.playlists.get(&reference).is_some_and(offers_parts)
            && self.title.live.reloads.get(&reference).is_some_and(shown);
        let whole = |index: &SegmentIndex| {
            let keys = index.keys.last().map_or(&[][..], |keys| keys);
            keys.iter().any(|key| matches!(key.method, KeyMethod::Aes128 | KeyMethod::Aes256 | KeyMethod::Aes256Gcm))
        };
        let possible = self.config.live.low_latency && offered && !self.index_of(reference).is_some_and(whole);
        possible && self.parts_pay(reference)
    }

    /// Whether a title has more than one playlist, so that one can report of another.
    pub(super) fn has_siblings(&self) -> bool {
        let periods = self.title.presentation.iter().flat_map(|presentation| &presentation.periods);
        let renditions = periods.flat_map(|period| &period.tracks).flat_map(|track| &track.renditions);
        renditions.filter(|rendition| rendition.uri.is_some()).nth(1).is_some()
    }

    /// Notes what a playlist shows of the profile of low latency. What the first one lacks is told: its parts are not
    /// played until a later one has it, and playback keeps to the hold-back of segments.
    pub(crate) fn note_profile(&mut self, reference: RenditionRef, kind: TrackKind, first: bool) {
        let Some((info, index)) = self.title.playlists.get(&reference).zip(self.index_of(reference)) else { return };
        let shown = Profile {
            dates: !index.program_date_time.is_empty(),
            hints: hint_of(info).is_some(),
            reports: !info.rendition_reports.is_empty(),
        };
        // Subtitles may have none.
        let offered = offers_parts(info) && !index.parts.is_empty();
        let (number, uri) = (index.table.first_number(), info.uri.clone());
        let lacks = shown.lacks(self.has_siblings());
        if let Some(reload) = self.title.live.reloads.get_mut(&reference) {
            reload.note_profile(shown);
        }
        if let Some(lacks) = lacks.filter(|_| first && offered && self.config.live.low_latency) {
            let place = Place::Path(self.outbox.secrets.shown(&uri));
            let message = format!("a playlist of parts has no {lacks}: its parts are not played");
            self.tolerate(kind, reference, number, Warning::new("H132", place, message));
        }
    }

    /// All that a rendition's playlist lists is fetched: what it hints at is asked for too, before it is listed (H129).
    pub(crate) fn follow_hint(&mut self, kind: TrackKind, rendition: usize) {
        let Some(stream) = self.streams.get(&kind).filter(|stream| stream.fetch.is_none()) else { return };
        let reference = stream.reference(rendition);
        // What comes later than it is listed is not there before it is.
        let late = self.title.live.late.by(true, self.now) > MediaTime::ZERO;
        if late || !self.plays_parts(reference) || self.requests.is_retrying(kind) {
            return;
        }
        let hinted = self.title.playlists.get(&reference).and_then(hint_of);
        let refused = self.title.live.refused_hints.get(&reference);
        let in_vain = |hint: &PreloadHint| refused.is_some_and(|(last, times)| last == hint || *times >= IN_VAIN);
        let Some(hint) = hinted.filter(|hint| !in_vain(hint)).cloned() else { return };
        let target = self.title.playlists.get(&reference).and_then(|info| info.part_target).unwrap_or_default();
        let Some((index, edge)) = self.index_of(reference).and_then(|index| Some((index, index.edge()?))) else {
            return;
        };
        // Only where it follows what is there.
        let follows = stream.cursor.is_some_and(|cursor| cursor.rendition == reference)
            && stream.next_time(self.needed_from(stream)).abs_diff(edge) <= SEAM;
        if !follows {
            return;
        }
        let number = index.table.end_number();
        let part = u32::try_from(index.parts_of(number).len()).unwrap_or(u32::MAX);
        let segment = index.resource(number, part, edge, target, &hint.uri, range_of(&hint));
        self.fetch_segment(kind, reference, segment, Reach::Hinted(hint));
    }

    /// Asks for all that follows a part in its resource together with it: what is listed, and, where the resource is what is
    /// hinted at, what is yet to be made of it. Part by part each costs a round trip, and where that takes about as long as a
    /// part does, nobody who is behind the edge ever gets there (6.3.8 leaves to clients what they ask for at once). Where the
    /// range begins, if it is more than the part.
    pub(crate) fn join_parts(&self, reference: RenditionRef, segment: &mut Segment) -> Option<u64> {
        let (part, range) = segment.part.zip(segment.byte_range)?;
        if self.title.live.late.by(true, self.now) > MediaTime::ZERO || !self.plays_parts(reference) {
            return None;
        }
        let index = self.index_of(reference)?;
        let behind = index.parts_of(segment.number).get(usize::try_from(part).ok()?..)?;
        let first = behind.first()?;
        let mut end = range.offset.saturating_add(range.length);
        let mut taken = 1;
        for next in behind.get(1..)?.iter() {
            let follows = next.byte_range.filter(|range| range.offset == end && next.uri == first.uri && !next.gap);
            let Some(range) = follows else { break };
            end = end.saturating_add(range.length);
            taken += 1;
        }
        let hint = self.title.playlists.get(&reference).and_then(hint_of);
        let grows = taken == behind.len()
            && index.table.end_number() == segment.number
            && hint.is_some_and(|hint| hint.uri == first.uri && hint.start == end && hint.length.is_none());
        let length = if grows { OPEN_END } else { end }.saturating_sub(range.offset);
        if length <= range.length {
            return None;
        }
        segment.byte_range = Some(ByteRange { length, ..range });
        Some(range.offset)
    }

    /// A rendition's playlist came again: what was asked for by its hints is listed now, or still hinted at, or will not
    /// come (H129).
    pub(crate) fn settle_hints(&mut self, reference: RenditionRef) {
        let waits =
            |fetch: &SegmentFetch| fetch.rendition == reference && (fetch.hinted.is_some() || fetch.open.is_some());
        let streams = self.streams.iter().filter(|(_, stream)| stream.fetch.as_ref().is_some_and(waits));
        let kinds: Vec<TrackKind> = streams.map(|(kind, _)| *kind).collect();
        for kind in kinds {
            let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
            let first = self.index_of(reference).map_or(0, |index| index.table.first_number());
            if fetch.is_some_and(|fetch| fetch.number < first) {
                // The window left it behind before a list said how far it reaches: no later one will.
                self.drop_fetch(kind);
                self.drop_torn(kind);
                continue;
            }
            if let Some(fetch) = fetch.filter(|fetch| fetch.hinted.is_none()) {
                let over = fetch.read && fetch.held.is_empty();
                if self.extend_open(kind) && over {
                    self.conclude_segment(kind);
                }
                continue;
            }
            let Some((fetch, hint)) = fetch.and_then(|fetch| Some((fetch, fetch.hinted.as_ref()?))) else { continue };
            let Some(index) = self.index_of(reference) else { continue };
            match listed(index, fetch, hint) {
                Some(segment) if is_same(index, fetch, &segment) => self.confirm_hint(kind, &segment),
                None if self.title.playlists.get(&reference).and_then(hint_of) == Some(hint) => {}
                // It is something else than was promised.
                _ => {
                    self.drop_fetch(kind);
                    self.drop_torn(kind);
                }
            }
        }
    }

    /// Whether what a stream fetched last is a part of a segment of which more is to come.
    pub(crate) fn is_in_mid_segment(&self, stream: &Stream, next_time: MediaTime) -> bool {
        let Some((cursor, part)) = stream.cursor.and_then(|cursor| Some((cursor, cursor.part?))) else { return false };
        let Some(index) = self.index_of(cursor.rendition) else { return false };
        // The last part may be short.
        let next = index.part(cursor.number, part.saturating_add(1));
        let over = next.is_none() && index.get(cursor.number).is_some_and(|whole| whole.end() <= next_time + SEAM);
        stream.rendition == Some(cursor.rendition.rendition) && !over
    }

    fn confirm_hint(&mut self, kind: TrackKind, segment: &Segment) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        fetch.hinted = None;
        self.title.live.refused_hints.remove(&fetch.rendition);
        fetch.number = segment.number;
        fetch.part = segment.part;
        fetch.start = segment.start;
        fetch.end = segment.end();
        fetch.discontinuity = segment.discontinuity;
        let over = fetch.read && fetch.held.is_empty();
        if self.extend_open(kind) && over {
            self.conclude_segment(kind);
        }
    }

    /// What comes as it is made reaches as far as is listed by now. True if all that has come is listed.
    pub(crate) fn extend_open(&mut self, kind: TrackKind) -> bool {
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else { return true };
        let Some((begin, part)) = fetch.open.zip(fetch.part) else { return true };
        let Some(index) = self.index_of(fetch.rendition) else { return true };
        let (bytes, request) = (fetch.bytes, fetch.request);
        let Reached { part, end, listed } = reached(index, fetch.number, part, begin.saturating_add(bytes));
        let all = listed.is_some_and(|listed| begin.saturating_add(bytes) <= listed);
        let (goes_on, edge) = (self.goes_on(fetch.rendition), index.edge());
        // The next part may be listed already, and on its way.
        let part_target = self.title.playlists.get(&fetch.rendition).and_then(|info| info.part_target);
        let near = part_target.unwrap_or_default() + SEAM;
        if let Some(id) = request.filter(|_| listed == Some(begin.saturating_add(bytes))) {
            // Whatever container it is in, a part ends here.
            self.on_chunk_complete(id, bytes);
        }
        let Some(stream) = self.streams.get_mut(&kind) else { return true };
        if let Some(fetch) = &mut stream.fetch {
            fetch.part = part;
            fetch.end = end.unwrap_or(fetch.end).max(fetch.start);
            if fetch.listed {
                // Nothing else is asked for until it ends: it alone shows that there is no more.
                let came = listed == Some(begin.saturating_add(bytes));
                stream.at_edge = came && edge.is_some_and(|edge| edge <= fetch.end + near);
            }
        }
        all || !goes_on
    }

    /// Whether a request is for what was only hinted at.
    pub(crate) fn is_hinted(&self, kind: TrackKind, id: RequestId) -> bool {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        fetch.is_some_and(|fetch| fetch.request == Some(id) && fetch.hinted.is_some())
    }

    /// What was hinted at is not there. It is asked for again once it is listed.
    pub(crate) fn on_hint_failed(&mut self, kind: TrackKind) {
        self.refuse_hint(kind);
        self.drop_fetch(kind);
        self.drop_torn(kind);
    }

    /// What a stream asked for by a hint is not asked for by it again.
    pub(super) fn refuse_hint(&mut self, kind: TrackKind) {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        if let Some((reference, hint)) = fetch.and_then(|fetch| Some((fetch.rendition, fetch.hinted.clone()?))) {
            let times = self.title.live.refused_hints.get(&reference).map_or(0, |(_, times)| *times);
            self.title.live.refused_hints.insert(reference, (hint, times + 1));
        }
    }

    /// How near to the edge of a rendition that is played part by part playback may be (H044).
    pub(crate) fn part_hold_back(&self, reference: RenditionRef) -> Option<MediaTime> {
        let info = self.title.playlists.get(&reference).filter(|_| self.plays_parts(reference))?;
        let said = info.server_control.as_ref()?.part_hold_back?;
        // Less than two part targets is against the rules, and cannot work.
        let least = said.max(info.part_target?.mul_ratio(2, 1));
        // A server that does not hold requests as it promised is polled: so much later it is known what there is.
        let polled = info.target_duration.mul_ratio(1, 2);
        let late = self.title.live.late.by(true, self.now);
        // Whatever distance the server is known to have: a part is made while the one before it is on its way, behind a list
        // that says that it is there and a request for it.
        let part = info.part_target.unwrap_or_default();
        let way = MediaTime::from_duration(self.network.round_trip.unwrap_or_default()).min(info.target_duration);
        let least = least.max((part + way).mul_ratio(2, 1));
        Some(late + if self.title.live.may_block(reference) { least } else { least + polled })
    }

    /// Whether the parts of a rendition are worth their requests: as files each of them takes a round trip, one after the other,
    /// and where that is most of what a part lasts they cannot be had as fast as they are made. Ranges of one resource are asked
    /// for together.
    fn parts_pay(&self, reference: RenditionRef) -> bool {
        let last = self.index_of(reference).and_then(|index| index.parts.last()?.parts.last());
        let target = self.title.playlists.get(&reference).and_then(|info| info.part_target);
        let (Some(last), Some(target), Some(way)) = (last, target, self.network.round_trip) else { return true };
        last.byte_range.is_some() || MediaTime::from_duration(way) <= target.mul_ratio(1, DEAR)
    }
}

/// Under what something is asked for.
pub(crate) enum Reach {
    /// It is what it is.
    Own,
    /// It is listed, and more than its playlist says of it is asked for, from that byte of its resource on.
    On(u64),
    /// It is hinted at.
    Hinted(PreloadHint),
}

impl Reach {
    /// Where in its resource it begins, if more than it may come.
    pub(crate) fn open(&self) -> Option<u64> {
        match self {
            Self::Own => None,
            Self::On(begin) => Some(*begin),
            Self::Hinted(hint) => hint.length.is_none().then_some(hint.start),
        }
    }

    /// The hint, if it is one.
    pub(crate) fn hint(self) -> Option<PreloadHint> {
        match self {
            Self::Own | Self::On(_) => None,
            Self::Hinted(hint) => Some(hint),
        }
    }
}

/// What a server has shown of the profile of low latency (rfc8216bis appendix B.1), in any of its playlists so far: the
/// last hint is of a segment's end, and a delta may leave out the dates.
///
/// What else the profile asks for is not asked after: whether it is HTTP/2 is not told to a page, and the rules of caches
/// and compression cost, where they are broken, some of the latency and not the picture. Ranges that are not served fail
/// by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) dates: bool,
    pub(crate) hints: bool,
    pub(crate) reports: bool,
}

impl Profile {
    /// With what another playlist shows.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            dates: self.dates || other.dates,
            hints: self.hints || other.hints,
            reports: self.reports || other.reports,
        }
    }

    /// What is missing of it. A playlist without siblings has none to report of.
    pub(super) fn lacks(self, siblings: bool) -> Option<&'static str> {
        let checks =
            [(self.dates, "dates"), (self.hints, "hints"), (self.reports || !siblings, "reports of other renditions")];
        checks.into_iter().find_map(|(shown, what)| (!shown).then_some(what))
    }
}

/// Whether a playlist's server holds requests until there is more (H045).
pub(crate) fn blocks(info: &PlaylistInfo) -> bool {
    info.goes_on() && info.server_control.as_ref().is_some_and(|control| control.can_block_reload)
}

/// Whether a playlist says all that playing parts takes (H044, H045, H132).
pub(crate) fn offers_parts(info: &PlaylistInfo) -> bool {
    let control = info.server_control.as_ref();
    let allowed = control.is_some_and(|control| control.can_block_reload && control.part_hold_back.is_some());
    info.goes_on() && info.part_target.is_some() && allowed
}

fn hint_of(info: &PlaylistInfo) -> Option<&PreloadHint> {
    info.preload_hints.iter().find(|hint| hint.kind == "PART")
}

fn range_of(hint: &PreloadHint) -> Option<ByteRange> {
    match (hint.start, hint.length) {
        (0, None) => None,
        (offset, Some(length)) => Some(ByteRange { offset, length }),
        (offset, None) => Some(ByteRange { offset, length: OPEN_END.saturating_sub(offset) }),
    }
}

/// The part that a hint has become.
fn listed(index: &SegmentIndex, fetch: &SegmentFetch, hint: &PreloadHint) -> Option<Segment> {
    let hinted = (fetch.number, fetch.part.unwrap_or(0));
    let segments = index.parts.iter().rev().take_while(|segment| segment.number >= hinted.0);
    let mut parts = segments.flat_map(|segment| {
        let numbered = segment.parts.iter().enumerate();
        numbered.map(|(place, part)| ((segment.number, u32::try_from(place).unwrap_or(u32::MAX)), part))
    });
    let found = parts.find(|(place, part)| {
        let offset = part.byte_range.map_or(0, |range| range.offset);
        *place >= hinted && part.uri == hint.uri && offset == hint.start
    });
    let ((number, part), _) = found?;
    index.part(number, part)
}

/// Whether a part is what was asked for under its hint: read with the same initialisation section and keys (H076).
fn is_same(index: &SegmentIndex, fetch: &SegmentFetch, segment: &Segment) -> bool {
    let init = segment.init.as_ref().map(|init| InitKey {
        uri: index.resolve(&init.uri),
        range: init.byte_range.map(|range| (range.offset, range.length)),
    });
    let same_keys = Cover::of(&segment.keys, &index.base).is_ok_and(|cover| cover == fetch.cover);
    init == fetch.init && same_keys && !segment.gap
}

/// How far what comes of a segment reaches, by what is listed.
struct Reached {
    /// The last part of it; None is to the segment's end.
    part: Option<u32>,
    end: Option<MediaTime>,
    /// Up to which byte of its resource that is: all bytes if it is complete, None if nothing is known of it.
    listed: Option<u64>,
}

/// How far what comes of a segment from `part` on reaches, if it has come up to `position` of its resource.
fn reached(index: &SegmentIndex, number: u64, part: u32, position: u64) -> Reached {
    let parts = index.parts_of(number);
    let first = usize::try_from(part).ok().and_then(|place| parts.get(place));
    let Some(first) = first else {
        // Its parts are listed no more: it is complete, and all of it has come.
        let whole = index.span_of(number).map(|(_, end)| end);
        return Reached { part: whole.map_or(Some(part), |_| None), end: whole, listed: whole.map(|_| u64::MAX) };
    };
    let (mut last, mut listed) = (part, first.byte_range.map_or(u64::MAX, |range| range.offset + range.length));
    for (place, next) in (part..).zip(parts.iter().skip(part as usize)).skip(1) {
        let follows = next.byte_range.filter(|range| next.uri == first.uri && range.offset == listed);
        let Some(range) = follows.filter(|_| listed < position) else { break };
        (last, listed) = (place, range.offset + range.length);
    }
    Reached { part: Some(last), end: index.part(number, last).map(|part| part.end()), listed: Some(listed) }
}
