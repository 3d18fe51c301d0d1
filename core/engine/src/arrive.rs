//! Media on its way in: bytes to facts, facts to appends.

use telecine_abr::Downloaded;
use telecine_model::{Error, ErrorCode, Handling, MediaTime, TrackKind};

use crate::action::{Action, Format, Payload, SinkCommand};
use crate::engine::Engine;
use crate::entry::Entering;
use crate::input::{Body, RequestId};
use crate::keys::{fragment_of, Opened};
use crate::media::{MediaFact, MediaReader, Piece};
use crate::requests::Request;
use crate::stream::{Init, Lost, Stream};

/// How far sound may lag behind the picture that it is muxed with, in segments of its own.
const INTERLEAVE: MediaTime = MediaTime::from_secs(1);

impl Engine {
    /// Bytes of the segment that a kind's stream is fetching.
    pub(crate) fn on_media(&mut self, kind: TrackKind, id: RequestId, data: Body) {
        self.facts = Some(Vec::new());
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut());
        let Some(fetch) = fetch.filter(|fetch| fetch.request == Some(id)) else {
            return;
        };
        fetch.bytes = fetch.bytes.saturating_add(data.len());
        if fetch.broken {
            return;
        }
        if fetch.format == Format::WebVtt {
            if let Body::Bytes(bytes) = &data {
                fetch.text.extend_from_slice(bytes);
            }
            return;
        }
        if self.fetches_again(kind) {
            // Read when it is complete.
            if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                fetch.early.push(data);
            }
            return self.watch_again(kind);
        }
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        if fetch.reader.is_none() && !self.open_reader(kind) {
            // The initialisation section is still on its way: the bytes wait, unread.
            if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                fetch.early.push(data);
            }
            return;
        }
        self.read_media(kind, data);
        self.note_held_up(kind);
        self.consider_abandoning(kind);
    }

    /// Opens the reader of a kind's segment if its initialisation section and its key are there.
    pub(crate) fn open_reader(&mut self, kind: TrackKind) -> bool {
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else {
            return false;
        };
        let init = match &fetch.init {
            None => None,
            Some(key) => match self.title.inits.get(key) {
                Some(init) => Some(init.segment.clone()),
                None => return false,
            },
        };
        let mut decryptor = None;
        if let Some(lock) = fetch.cover.lock() {
            if !self.title.key_files.opens(lock) {
                return false;
            }
            match self.title.key_files.open(lock, fetch.number) {
                Ok(opened) => decryptor = opened,
                Err(error) => {
                    self.replace_unkeyed(kind, error);
                    return false;
                }
            }
        }
        let samples = fetch.cover.sample_aes(fetch.number);
        let own = self.streams.get(&kind).and_then(|stream| Some((stream.own_init.as_ref()?, stream.fetch.as_ref()?)));
        let own = own.filter(|((rendition, _), fetch)| *rendition == fetch.rendition);
        let own = own.and_then(|((_, init), _)| init.segment.clone());
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let search = fetch.and_then(|fetch| Some((fetch.entry.as_ref()?.search(), self.container_times(fetch))));
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return false };
        let reader = match init {
            None => {
                let before = fetch.demuxer.take();
                // Only a stream that goes on does so with the initialisation of the segment before.
                let own = own.filter(|_| before.is_some());
                MediaReader::of_any(&self.config.limits, before).continuing(own)
            }
            Some(init) => MediaReader::new(&self.config.limits, init).entering(search),
        };
        fetch.reader = Some(reader.of_samples(samples).decrypting(decryptor));
        true
    }

    /// What arrived of a kind's segment before it could be read is read now, if now it can be: an initialisation
    /// section or a key came.
    pub(crate) fn open_early(&mut self, kind: TrackKind) {
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else { return };
        let fault = fetch.locks().find_map(|lock| self.title.key_files.fault(lock)).cloned();
        if let Some(error) = fault {
            return self.replace_unkeyed(kind, error);
        }
        self.open_init(kind);
        if self.fetches_again(kind) {
            return self.take_again(kind);
        }
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        if fetch.format == Format::WebVtt {
            if fetch.complete && fetch.cover.lock().is_none_or(|lock| self.title.key_files.opens(lock)) {
                self.finish_text(kind);
            }
            return;
        }
        let (mut early, complete, waits) = (std::mem::take(&mut fetch.early), fetch.complete, fetch.reader.is_none());
        if waits && !early.is_empty() {
            if !self.open_reader(kind) {
                if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                    fetch.early = early;
                }
                return;
            }
            self.findings.opened.push(Opened { kind, init: false, facts: Vec::new() });
            if let Some(facts) = self.recorded.as_mut().map(|r| r.take_opened(kind, false).unwrap_or_default()) {
                early = vec![Body::Recorded { len: 0, facts }];
            }
            for data in early {
                self.read_media(kind, data);
            }
        }
        if complete && self.is_readable(kind) {
            self.finish_segment(kind);
        }
    }

    /// Whether initialisation section and key of what is fetched for a kind are there.
    pub(crate) fn is_readable(&self, kind: TrackKind) -> bool {
        self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()).is_some_and(|fetch| {
            fetch.init_request.is_none()
                && fetch.init.as_ref().is_none_or(|key| self.title.inits.contains_key(key))
                && fetch.cover.lock().is_none_or(|lock| self.title.key_files.opens(lock))
        })
    }

    /// Notes facts of the media of a kind: of the body in hand, or of what waited.
    pub(crate) fn note(&mut self, kind: TrackKind, pieces: &[Piece]) {
        let facts = pieces.iter().map(|piece| piece.fact.clone());
        match self.findings.opened.last_mut().filter(|opened| opened.kind == kind && !opened.init) {
            Some(opened) => opened.facts.extend(facts),
            None => self.facts.get_or_insert_default().extend(facts),
        }
    }

    fn read_media(&mut self, kind: TrackKind, data: Body) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
            return;
        };
        let Some(reader) = &mut fetch.reader else { return };
        let pieces = reader.push(data);
        self.keep_asides(kind);
        self.note(kind, &pieces);
        for piece in pieces {
            if !self.on_piece(kind, piece) {
                return;
            }
        }
    }

    /// One thing found in a segment. False if nothing further of the segment is wanted.
    fn on_piece(&mut self, kind: TrackKind, piece: Piece) -> bool {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
            return false;
        };
        match piece.fact.clone() {
            MediaFact::Init(tracks) => {
                // A segment that initialises itself.
                if let Some(error) = self.undecodable(kind, &tracks) {
                    self.leave_undecodable(kind, error);
                    return false;
                }
                if let Some(stream) = self.streams.get_mut(&kind) {
                    let rendition = stream.fetch.as_ref().map(|fetch| fetch.rendition);
                    let init = Init { tracks, segment: piece.init };
                    stream.own_init = rendition.map(|rendition| (rendition, init));
                    stream.configured = None;
                }
                true
            }
            MediaFact::Fragment(_) | MediaFact::Protected { .. } => {
                if let Some(lock) = fetch.cover.lock() {
                    self.title.key_files.prove(lock);
                }
                let waited = fetch.request.and_then(|id| self.requests.get(id)?.waited());
                self.note_late_source(kind);
                if let Some((tracks, _)) = fragment_of(&piece.fact) {
                    self.see_arrival(kind, tracks, waited);
                }
                if !self.has_init(kind) {
                    // ISO/IEC 14496-12, 8.8.1: a fragment says nothing of its decoder and its clock.
                    let message = "neither the manifest nor the segment itself has an initialisation section";
                    self.replace_broken(kind, Error::new(ErrorCode::InitMissing, message), false);
                    return false;
                }
                match self.enter_segment(kind, &piece) {
                    Entering::Take => {}
                    Entering::Drop => return true,
                    Entering::Again => return false,
                }
                let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
                    return false;
                };
                if fetch.skip > 0 {
                    fetch.skip -= 1;
                    return true;
                }
                let mut piece = piece;
                let held = !fetch.held.is_empty() || fetch.hinted.is_some();
                let Some((tracks, keys)) = fragment_of(&piece.fact) else { return true };
                if !keys.is_empty() {
                    piece.need = self.need_of_fragment(kind, keys, &piece);
                }
                if held || piece.need.is_some() || !self.knows_timeline(kind, tracks) {
                    if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                        fetch.held.push_back(piece);
                    }
                    return true;
                }
                self.take_fragment(kind, piece)
            }
            MediaFact::End(end) => {
                if let Some(id) = fetch.request {
                    self.on_chunk_complete(id, end);
                }
                true
            }
            MediaFact::Produced(fact) => {
                self.see_produced(kind, fact);
                true
            }
            MediaFact::Index(_) | MediaFact::Text(_) => true,
            MediaFact::Broken(error) => {
                if self.miss_entry(kind, &error) {
                    return false;
                }
                let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
                    return false;
                };
                fetch.broken = true;
                self.replace_broken(kind, error, false);
                false
            }
        }
    }

    /// A segment or its initialisation section cannot be read. If nothing ever could be with its key, that is the
    /// wrong one, and so it is for every segment.
    pub(crate) fn replace_broken(&mut self, kind: TrackKind, error: Error, init: bool) {
        if self.fetches_again(kind) {
            return self.fail_again(kind, &error);
        }
        let Some(fetch) = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()) else { return };
        let error = self.in_segment(error, kind, fetch, init);
        let lock = if init { fetch.init_cover.lock() } else { fetch.cover.lock() };
        match lock.filter(|lock| !self.title.key_files.is_proved(lock)).cloned() {
            Some(lock) => {
                let error = error.fact("key", self.outbox.secrets.shown(&lock.file));
                self.title.key_files.refute(&lock, error.clone());
                self.replace_unkeyed(kind, error);
            }
            None => self.replace_segment(kind, error, Vec::new()),
        }
    }

    /// Hands on a fragment. False if nothing further of the segment is wanted.
    fn take_fragment(&mut self, kind: TrackKind, piece: Piece) -> bool {
        if let Some(stream) = self.streams.get_mut(&kind) {
            let Some(fetch) = stream.fetch.as_mut() else { return false };
            fetch.seen += 1;
            if let Some(need) = piece.need {
                let end = fetch.end;
                match stream.kept.back_mut().filter(|(_, last)| *last == need) {
                    Some((known, _)) => *known = (*known).max(end),
                    None => stream.kept.push_back((end, need)),
                }
            }
        }
        let through = self.goes_through(piece.need);
        let tracks = fragment_of(&piece.fact).map(|(tracks, _)| tracks.to_vec()).unwrap_or_default();
        if self.follow_media(kind, &tracks) {
            return false;
        }
        if self.doubt_mpd(kind, &tracks) {
            return false;
        }
        if let Some(error) = self.is_elsewhere(kind, &tracks) {
            self.replace_segment(kind, error, Vec::new());
            return false;
        }
        let payload = match self.clear_fragment(piece) {
            Ok(fragment) => fragment.map_or(Payload::None, Payload::Fragment),
            Err(error) => {
                self.replace_segment(kind, error, Vec::new());
                return false;
            }
        };
        self.append_fragment(kind, &tracks, &payload, through);
        self.hand_on_asides(kind);
        true
    }

    /// Hands on the fragments that waited for the leading stream, or for keys, if what they waited for is there.
    pub(crate) fn release_held(&mut self, kind: TrackKind) {
        if self.fetches_again(kind) {
            return self.take_again(kind);
        }
        loop {
            let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
            let fetch = fetch.filter(|fetch| fetch.hinted.is_none());
            let Some(held) = fetch.and_then(|fetch| fetch.held.front()) else { return };
            let (need, tracks) = (held.need, fragment_of(&held.fact).map_or(&[][..], |(tracks, _)| tracks));
            if !self.knows_timeline(kind, tracks) || !self.may_pass(kind, need) {
                return;
            }
            let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
            let Some(piece) = fetch.held.pop_front() else { return };
            let last = fetch.held.is_empty() && fetch.read;
            if !self.take_fragment(kind, piece) {
                return;
            }
            if last && self.extend_open(kind) {
                return self.conclude_segment(kind);
            }
        }
    }

    /// The media request of a segment is complete.
    pub(crate) fn on_segment_end(&mut self, kind: TrackKind, request: Request) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
            return;
        };
        if fetch.request != Some(request.fetch.id) {
            return;
        }
        fetch.request = None;
        fetch.complete = true;
        if self.fetches_again(kind) {
            return self.take_again(kind);
        }
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        if fetch.format == Format::WebVtt {
            if fetch.cover.lock().is_none_or(|lock| self.title.key_files.opens(lock)) {
                self.finish_text(kind);
            }
            return;
        }
        // An empty body, or one whose initialisation section or key is still missing.
        if self.is_readable(kind) {
            self.finish_segment(kind);
        }
    }

    /// A segment is complete, its initialisation section too.
    fn finish_segment(&mut self, kind: TrackKind) {
        let fetch = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut());
        // An empty body never had a reader; it is found empty below.
        let pieces = match (fetch.and_then(|fetch| fetch.reader.as_mut()), self.late.take()) {
            (Some(reader), Some(facts)) => reader.push(Body::Recorded { len: 0, facts }),
            (Some(reader), None) => reader.finish(),
            (None, _) => Vec::new(),
        };
        self.keep_asides(kind);
        self.note(kind, &pieces);
        for piece in pieces {
            if !self.on_piece(kind, piece) {
                return;
            }
        }
        if self.end_entry(kind) {
            return;
        }
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        fetch.read = true;
        if fetch.held.is_empty() && fetch.hinted.is_none() && self.extend_open(kind) {
            self.conclude_segment(kind);
        }
    }

    /// Everything of a segment was handed on.
    pub(crate) fn conclude_segment(&mut self, kind: TrackKind) {
        self.hand_on_asides(kind);
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let Some(fetch) = stream.fetch.as_mut() else { return };
        if fetch.appended == 0 {
            let error = Error::new(ErrorCode::SegmentEmpty, "the segment holds no samples");
            let (muxed, rendition) = (fetch.muxed > 0, fetch.rendition.rendition);
            // A damaged picture may be whole in another rendition; where one ends they all do.
            let others = |stream: &Stream| self.usable_steps(stream).iter().any(|step| step.rendition != rendition);
            if !muxed || self.streams.get(&kind).is_some_and(|stream| !stream.bare && others(stream)) {
                return self.replace_segment(kind, error, Vec::new());
            }
            self.be_without_own_media(kind, error);
        }
        self.conclude_captions(kind);
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let Some(fetch) = stream.fetch.take() else { return };
        self.learn_rate(&fetch);
        self.learn_size(&fetch);
        let leads = self.leads(kind);
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let mut media = None;
        if let Some(item) = stream.buffer.get_mut(fetch.start) {
            item.complete = true;
            item.bytes = fetch.bytes;
            // What came as it was made may be known to reach further by now.
            item.end = fetch.end;
            stream.shift = Some(fetch.end - item.media_end);
            media = Some((item.media_start, item.media_end));
        }
        if let Some((start, end)) = media.map(|(start, end)| (start, end - INTERLEAVE)) {
            for output in stream.outputs.iter().copied().filter(|output| *output != kind) {
                let until = stream.muxed_until.entry(output).or_insert(start);
                if *until < end {
                    self.outbox.push(Action::Sink(SinkCommand::Silence { kind: output, from: *until, to: end }));
                    *until = end;
                }
            }
        }
        stream.bare = fetch.bare;
        stream.followed_media = false;
        stream.leap = None;
        stream.cursor = Some(fetch.cursor());
        stream.demuxer = fetch.reader.and_then(MediaReader::into_stream);
        stream.lost = Lost::default();
        stream.refused_bytes = 0;
        stream.trouble_since = None;
        stream.avoid.clear();
        stream.put_off = None;
        if stream.show_from.is_some_and(|from| from < fetch.end) {
            stream.show_from = None;
        }
        if leads {
            let downloaded = Downloaded {
                level: stream.ladder.iter().position(|step| step.rendition == fetch.rendition.rendition).unwrap_or(0),
                bytes: fetch.bytes,
                duration: fetch.end - fetch.start,
                took: self.now.since(fetch.started),
            };
            let ladder = stream.ladder.clone();
            let levels = self.levels(kind, &ladder, fetch.end);
            if let Some(context) = self.context(kind, &levels, fetch.end) {
                self.rule().on_downloaded(&context, &downloaded);
            }
        }
    }

    /// A segment of which only what is muxed in has come: its own kind has nothing here, and nothing is to be waited for.
    /// That is told of the first of such segments.
    fn be_without_own_media(&mut self, kind: TrackKind, error: Error) {
        let Some(stream) = self.streams.get(&kind) else { return };
        if let Some(fetch) = stream.fetch.as_ref().filter(|_| !stream.bare) {
            self.report(self.in_segment(error, kind, fetch, false).recovered(Handling::Skipped));
        }
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let Some(fetch) = stream.fetch.as_mut() else { return };
        let shift = stream.shift.unwrap_or_default();
        let (from, to) = (fetch.start - shift, fetch.end - shift);
        fetch.appended = fetch.muxed;
        fetch.bare = true;
        stream.buffer.put(fetch.item(from, to));
        self.outbox.push(Action::Sink(SinkCommand::Silence { kind, from, to }));
    }

    /// A failed media request will be made again: what was appended of it is not appended twice.
    pub(crate) fn prepare_retry(&mut self, kind: TrackKind) {
        if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
            fetch.request = None;
            fetch.reader = None;
            fetch.early.clear();
            fetch.held.clear();
            fetch.asides.waiting.clear();
            fetch.text.clear();
            fetch.bytes = 0;
            fetch.skip = fetch.seen;
            if let Some(entry) = &mut fetch.entry {
                entry.restart();
            }
        }
    }
}
