//! What was fetched again is there: it is read whole, and only then takes the place of what waits.

use telecine_model::{MediaTime, TrackKind};

use super::said;
use crate::action::Payload;
use crate::buffer::{Item, SEAM};
use crate::engine::Engine;
use crate::input::Body;
use crate::keys::{fragment_of, NeedId, Opened};
use crate::media::{container_time, FragmentTrack, InitTrack, MediaFact, Piece};
use crate::stream::{Init, SegmentFetch, Stream};

/// A fragment that may be played.
struct Ready {
    part: FragmentTrack,
    payload: Payload,
    need: Option<NeedId>,
    through: bool,
}

/// A segment that was found to be right.
struct Whole {
    init: Init,
    track: InitTrack,
    fragments: Vec<Ready>,
    /// What it takes the place of.
    waits: Item,
    /// Where its media ends.
    end: MediaTime,
}

impl Engine {
    /// Everything that a kind's stream fetched again may be there: then it takes its place.
    pub(crate) fn take_again(&mut self, kind: TrackKind) {
        let complete = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()).is_some_and(|f| f.complete);
        if !complete || !self.is_readable(kind) {
            return;
        }
        // What comes behind the buffer is read by what it was read by before.
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let before = stream.own_init.clone();
        if let Some(own) = stream.again.under_way.as_ref().and_then(|under_way| under_way.own_init.clone()) {
            stream.own_init = Some(own);
        }
        match self.read_again(kind) {
            Ok(Some(whole)) => self.put_again(kind, whole),
            Ok(None) => {}
            Err(why) => self.leave_again(kind, why),
        }
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.own_init = before;
        }
    }

    /// Reads it, or says why it is of no use. None while it waits for keys.
    fn read_again(&mut self, kind: TrackKind) -> Result<Option<Whole>, String> {
        let read = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()).is_some_and(|fetch| fetch.read);
        if !read {
            self.open_again(kind)?;
        }
        let held = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()).map(|fetch| &fetch.held);
        let needs: Vec<Option<NeedId>> = held.into_iter().flatten().map(|piece| piece.need).collect();
        if !needs.into_iter().all(|need| self.may_pass(kind, need)) {
            // If they cannot be had at all, it is given up by now.
            return Ok(None);
        }
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut());
        let held = fetch.map(|fetch| std::mem::take(&mut fetch.held)).unwrap_or_default();
        let mut fragments = Vec::with_capacity(held.len());
        for piece in held {
            fragments.extend(self.ready(kind, piece)?);
        }
        self.check_again(kind, fragments).map(Some)
    }

    /// Holds its fragments, and asks for their keys.
    fn open_again(&mut self, kind: TrackKind) -> Result<(), String> {
        for mut piece in self.pieces_again(kind)? {
            match piece.fact.clone() {
                MediaFact::Broken(error) => return Err(said(&error)),
                MediaFact::Init(tracks) => {
                    if let Some(error) = self.undecodable(kind, &tracks) {
                        return Err(said(&error));
                    }
                    let init = Init { tracks, segment: piece.init };
                    let Some(stream) = self.streams.get_mut(&kind) else { continue };
                    stream.own_init = stream.fetch.as_ref().map(|fetch| (fetch.rendition, init));
                    if let Some(under_way) = &mut stream.again.under_way {
                        under_way.own_init.clone_from(&stream.own_init);
                    }
                }
                fact => {
                    let Some((_, keys)) = fragment_of(&fact) else { continue };
                    if !keys.is_empty() {
                        piece.need = self.need_of_fragment(kind, keys, &piece);
                    }
                    let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut());
                    fetch.ok_or("it was given up")?.held.push_back(piece);
                }
            }
        }
        if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
            fetch.read = true;
        }
        Ok(())
    }

    /// What is in it. In a replay that is known of the recording.
    fn pieces_again(&mut self, kind: TrackKind) -> Result<Vec<Piece>, String> {
        let unread = || "it cannot be opened".to_owned();
        if !self.open_reader(kind) {
            return Err(unread());
        }
        let recorded = self.recorded.as_mut().map(|recorded| recorded.take_opened(kind, false).unwrap_or_default());
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()).ok_or_else(unread)?;
        let early = match recorded {
            Some(facts) => vec![Body::Recorded { len: 0, facts }],
            None => std::mem::take(&mut fetch.early),
        };
        let live = self.recorded.is_none();
        let reader = fetch.reader.as_mut().ok_or_else(unread)?;
        let mut pieces: Vec<Piece> = early.into_iter().flat_map(|body| reader.push(body)).collect();
        if live {
            pieces.extend(reader.finish());
        }
        let facts = pieces.iter().map(|piece| piece.fact.clone()).collect();
        self.findings.opened.push(Opened { kind, init: false, facts });
        Ok(pieces)
    }

    /// A fragment of the stream's own kind, clear or as its key system takes it; None if there is nothing of that in it.
    fn ready(&mut self, kind: TrackKind, piece: Piece) -> Result<Option<Ready>, String> {
        let tracks = fragment_of(&piece.fact).map(|(tracks, _)| tracks.to_vec()).unwrap_or_default();
        if !self.has_init(kind) || !self.knows_timeline(kind, &tracks) {
            return Err("nothing says how it is to be read".to_owned());
        }
        let (need, through) = (piece.need, self.goes_through(piece.need));
        let payload = match self.clear_fragment(piece) {
            Ok(fragment) => fragment.map_or(Payload::None, Payload::Fragment),
            Err(error) => return Err(said(&error)),
        };
        let stream = self.streams.get(&kind);
        let init = stream.and_then(|stream| self.init_of(stream, stream.fetch.as_ref()?));
        let own = init.and_then(|init| init.tracks.iter().find(|track| track.kind == kind));
        let part = own.and_then(|track| tracks.iter().find(|part| part.id == track.id)).copied();
        Ok(part.map(|part| Ready { part, payload, need, through }))
    }

    /// Whether what was read is what waits, in another rendition.
    fn check_again(&self, kind: TrackKind, fragments: Vec<Ready>) -> Result<Whole, String> {
        let found = self.streams.get(&kind).and_then(|stream| Some((stream, stream.fetch.as_ref()?)));
        let (stream, fetch) = found.ok_or("it was given up")?;
        let waits = stream.again.waits_for(fetch).and_then(|load| stream.buffer.loaded(load)).cloned();
        let waits = waits.ok_or("what waited is not there any more")?;
        let init = self.init_of(stream, fetch).cloned().ok_or("nothing says how it is to be read")?;
        let aside = |track: &InitTrack| {
            track.kind == kind
                || self.streams.contains_key(&track.kind)
                || self.title.disabled.contains(&track.kind)
                || !self.capabilities.kinds.contains(&track.kind)
        };
        if !init.tracks.iter().all(aside) {
            return Err("something else is muxed into it".to_owned());
        }
        let track = init.tracks.iter().find(|track| track.kind == kind).cloned().ok_or("it holds no samples")?;
        let first = fragments.first().map(|ready| ready.part).ok_or("it holds no samples")?;
        if !first.sync {
            return Err("it does not begin with a picture that decoding can begin with".to_owned());
        }
        let starts = fragments.iter().map(|ready| ready.part.start).min().unwrap_or(first.start);
        let ends = fragments.iter().map(|ready| ready.part.end).max().unwrap_or(first.end);
        let begin = container_time(&track, first.start);
        let offset = self.stated_offset(fetch).or_else(|| self.agreed_offset(stream, fetch, begin));
        let offset = offset.ok_or("where it belongs is not known")?;
        let (start, end) = (container_time(&track, starts) + offset, container_time(&track, ends) + offset);
        if start.abs_diff(waits.media_start) > SEAM || end.abs_diff(waits.media_end) > SEAM {
            return Err(format!("it is of another time: {start} to {end}"));
        }
        Ok(Whole { init, track, fragments, waits, end })
    }

    /// It takes the place of what waits: sinks replace what overlaps, so that nothing is missing at any moment.
    fn put_again(&mut self, kind: TrackKind, whole: Whole) {
        let Some(mut stream) = self.streams.remove(&kind) else { return };
        if let Some(fetch) = stream.fetch.take() {
            self.hand_on_again(&mut stream, fetch, whole);
        }
        stream.again.under_way = None;
        self.streams.insert(kind, stream);
    }

    fn hand_on_again(&mut self, stream: &mut Stream, mut fetch: SegmentFetch, whole: Whole) {
        let Whole { init, track, fragments, waits, end } = whole;
        // As the manifest has it, it is where the other was: neither more nor less is fetched for it.
        (fetch.start, fetch.end) = (waits.start, waits.end);
        let behind = stream.buffer.next_media(waits.media_start).filter(|behind| *behind < end);
        if let Some(under_way) = &mut stream.again.under_way {
            under_way.until = behind;
        }
        // Decoding begins anew with it, and anew with what comes behind the buffer.
        stream.broken_off = true;
        if fetch.init.is_none() {
            stream.configured = None;
        }
        for Ready { part, payload, need, through } in fragments {
            self.configure(stream, &fetch, &init, through);
            self.append(stream, &mut fetch, stream.kind, &track, &part, &payload);
            fetch.appended += 1;
            keep_need(stream, waits.end, need);
        }
        if let Some(lock) = fetch.cover.lock() {
            self.title.key_files.prove(lock);
        }
        if let Some(item) = stream.buffer.get_mut(fetch.start).filter(|item| item.load == Some(fetch.load)) {
            item.complete = true;
            item.bytes = fetch.bytes;
            // The last picture is cut where what is behind begins.
            item.media_end = behind.map_or(item.media_end, |behind| item.media_end.min(behind));
        }
        stream.broken_off = true;
        self.learn_size(&fetch);
        self.qoe.wasted(waits.bytes);
        self.qoe.replaced(waits.bytes);
    }
}

/// Notes until when keys are needed.
fn keep_need(stream: &mut Stream, end: MediaTime, need: Option<NeedId>) {
    let Some(need) = need else { return };
    if !stream.kept.iter().any(|(until, known)| *known == need && *until >= end) {
        let at = stream.kept.partition_point(|(until, _)| *until < end);
        stream.kept.insert(at, (end, need));
    }
}
