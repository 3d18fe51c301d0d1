//! Media on its way in: bytes to facts, facts to appends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use telecine_abr::{Downloaded, Progress};
use telecine_model::{Codec, Error, ErrorCode, Handling, MediaTime, Protocol, TrackKind};

use crate::action::{Action, Append, Format, Payload, SinkCommand, TrackConfig};
use crate::buffer::{Item, SEAM};
use crate::engine::Engine;
use crate::event::{DecisionKind, Event, State};
use crate::fetch::Request;
use crate::input::{Body, RequestId};
use crate::keys::{fragment_of, Configured, Opened};
use crate::media::{container_time, FragmentTrack, InitTrack, MediaFact, MediaReader, Piece};
use crate::stream::{Init, InitKey, SegmentFetch, Stream};

/// Before playback runs, a segment under way is given so long before a smaller one is considered.
const WAITED_ENOUGH: Duration = Duration::from_secs(1);

/// How far sound may lag behind the picture that it is muxed with, in segments of its own.
const INTERLEAVE: MediaTime = MediaTime::from_secs(1);

/// Initialisation sections kept at a time: more than any ladder has.
const INITS: usize = 64;

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
        if fetch.reader.is_none() && !self.open_reader(kind) {
            // The initialisation section is still on its way: the bytes wait, unread.
            if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                fetch.early.push(data);
            }
            return;
        }
        self.read_media(kind, data);
        self.consider_abandoning(kind);
    }

    /// Opens the reader of a kind's segment if its initialisation section and its key are there.
    fn open_reader(&mut self, kind: TrackKind) -> bool {
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
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return false };
        let reader = match init {
            None => {
                let before = fetch.demuxer.take();
                // Only a stream that goes on does so with the initialisation of the segment before.
                let own = own.filter(|_| before.is_some());
                MediaReader::of_any(&self.config.limits, before).continuing(own)
            }
            Some(init) => MediaReader::new(&self.config.limits, init),
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
    fn is_readable(&self, kind: TrackKind) -> bool {
        self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref()).is_some_and(|fetch| {
            fetch.init_request.is_none()
                && fetch.init.as_ref().is_none_or(|key| self.title.inits.contains_key(key))
                && fetch.cover.lock().is_none_or(|lock| self.title.key_files.opens(lock))
        })
    }

    /// Notes facts of the media of a kind: of the body in hand, or of what waited.
    fn note(&mut self, kind: TrackKind, pieces: &[Piece]) {
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
                if fetch.skip > 0 {
                    fetch.skip -= 1;
                    return true;
                }
                let mut piece = piece;
                let held = !fetch.held.is_empty();
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
            MediaFact::Index(_) => true,
            MediaFact::Broken(error) => {
                fetch.broken = true;
                self.replace_broken(kind, error, false);
                false
            }
        }
    }

    /// A segment or its initialisation section cannot be read. If nothing ever could be with its key, that is the
    /// wrong one, and so it is for every segment.
    fn replace_broken(&mut self, kind: TrackKind, error: Error, init: bool) {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let lock = fetch.and_then(|fetch| if init { fetch.init_cover.lock() } else { fetch.cover.lock() });
        match lock.filter(|lock| !self.title.key_files.is_proved(lock)).cloned() {
            Some(lock) => {
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
        loop {
            let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
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
            if last {
                return self.conclude_segment(kind);
            }
        }
    }

    /// Hands a fragment to the sink, for each kind that is in it.
    fn append_fragment(&mut self, kind: TrackKind, found: &[FragmentTrack], payload: &Payload, through: bool) {
        let Some(mut stream) = self.streams.remove(&kind) else {
            return;
        };
        if let Some(mut fetch) = stream.fetch.take() {
            match self.init_of(&stream, &fetch).cloned() {
                Some(init) => {
                    self.configure(&mut stream, &fetch, &init, through);
                    let outputs = stream.outputs.clone();
                    let mut own = false;
                    for output in outputs.iter().copied() {
                        let pair = init
                            .tracks
                            .iter()
                            .filter(|track| track.kind == output)
                            .find_map(|track| Some((track, found.iter().find(|part| part.id == track.id)?)));
                        if let Some((track, part)) = pair {
                            own |= output == stream.kind || outputs.len() == 1;
                            self.append(&mut stream, &mut fetch, output, track, part, payload);
                        }
                    }
                    fetch.appended += u32::from(own);
                    if let (Payload::Fragment(fragment), Some(segment), Some(placed)) =
                        (payload, &init.segment, fetch.asides.placed.filter(|_| !through))
                    {
                        // What goes through to a key system of the device cannot be read here.
                        self.read_fragment(&fetch, segment, fragment, placed);
                    }
                }
                None => fetch.broken = true,
            }
            stream.fetch = Some(fetch);
        }
        self.streams.insert(kind, stream);
    }

    /// What a segment's media is to be read by: the initialisation section that the manifest names, or the
    /// one that came in the segments themselves.
    pub(crate) fn init_of<'a>(&'a self, stream: &'a Stream, fetch: &SegmentFetch) -> Option<&'a Init> {
        let own = stream.own_init.as_ref().filter(|(rendition, _)| *rendition == fetch.rendition);
        match &fetch.init {
            Some(key) => self.title.inits.get(key),
            None => own.map(|(_, init)| init),
        }
    }

    /// Tells the sink what decoder configuration follows, if it changed.
    fn configure(&mut self, stream: &mut Stream, fetch: &SegmentFetch, init: &Init, through: bool) {
        let protected = init.tracks.iter().any(|track| track.scheme.is_some());
        let wanted = Configured::of(fetch, through && protected);
        if stream.configured.as_ref() == Some(&wanted) {
            return;
        }
        stream.configured = Some(wanted);
        // What is muxed in is played too, unless it has a stream of its own or is switched off.
        let is_output = |kind: TrackKind| {
            kind == stream.kind
                || (!self.streams.contains_key(&kind)
                    && !self.title.disabled.contains(&kind)
                    && self.capabilities.kinds.contains(&kind))
        };
        let wanted = init.tracks.iter().filter(|track| is_output(track.kind));
        let (present, mute): (Vec<&InitTrack>, Vec<&InitTrack>) = wanted.partition(|track| self.has_decoder(track));
        for track in mute {
            self.tell_left_out(track.kind, &Codec::parse(&track.codec));
        }
        let before = std::mem::take(&mut stream.outputs);
        stream.outputs = present.iter().map(|track| track.kind).collect();
        stream.outputs.sort_unstable();
        stream.outputs.dedup();
        let rendition = self.rendition(fetch.rendition).map(|r| r.id.clone()).unwrap_or_default();
        let carrier = self.track(stream.period, stream.track).map(|t| t.id.clone()).unwrap_or_default();
        // What is decrypted here is clear to the sink.
        let segment = match &init.segment {
            Some(segment) if protected && !through => Some(Arc::new(segment.cleared())),
            segment => segment.clone(),
        };
        let mut told = Vec::new();
        for track in present {
            if told.contains(&track.kind) {
                continue;
            }
            told.push(track.kind);
            // What is muxed in may have a name of its own (RFC 8216bis 4.4.6.2.1: a rendition without URI).
            let muxed = track.kind != stream.kind;
            let named = muxed.then(|| self.muxed_track(stream.period, track.kind)).flatten();
            let track_id = named.unwrap_or_else(|| carrier.clone());
            if muxed && !before.contains(&track.kind) {
                self.emit(Event::Selected { at: self.now, kind: track.kind, track: Some(track_id.clone()) });
            }
            self.sink(SinkCommand::Configure(Box::new(TrackConfig {
                kind: track.kind,
                track: track_id,
                rendition: rendition.clone(),
                codec: track.codec.clone(),
                format: Format::Cmaf,
                init: segment.clone(),
                track_id: track.id,
            })));
        }
    }

    fn append(
        &mut self,
        stream: &mut Stream,
        fetch: &mut SegmentFetch,
        output: TrackKind,
        track: &InitTrack,
        part: &FragmentTrack,
        payload: &Payload,
    ) {
        let container_start = container_time(track, part.start);
        let offset = self.offset(stream, fetch, container_start);
        stream.anchored = Some(fetch.discontinuity);
        fetch.asides.place(offset, container_start + offset);
        let (start, end) = (container_start + offset, container_time(track, part.end) + offset);
        let far = start.abs_diff(fetch.start) > (fetch.end - fetch.start).max(MediaTime::from_secs(1));
        // Durations that do not add up lead as far; then it follows the media before.
        if fetch.appended == 0 && far && !stream.buffer.has_end_at(start) {
            let error = Error::new(ErrorCode::TimestampInvalid, "media is not where the manifest says it is")
                .fact("segment", fetch.number)
                .fact("expected", fetch.start)
                .fact("found", start);
            self.report(error.recovered(Handling::Skipped));
        }
        if output != stream.kind && stream.outputs.len() > 1 {
            // The buffer map is of the stream's own kind: a hole in what is muxed in is no reason to wait.
            let until = stream.muxed_until.entry(output).or_insert(start);
            if start > *until + SEAM {
                self.outbox.push(Action::Sink(SinkCommand::Silence { kind: output, from: *until, to: start }));
            }
            *until = end.max(*until);
        }
        let fresh = fetch.appended == 0;
        let new_domain = stream.discontinuity.is_some_and(|last| last != fetch.discontinuity);
        let discontinuity = fresh && output == stream.kind && (stream.broken_off || new_domain);
        if output == stream.kind || stream.outputs.len() == 1 {
            stream.broken_off = false;
            stream.discontinuity = Some(fetch.discontinuity);
            stream.delivered = true;
            let known = stream.buffer.get_mut(fetch.start).filter(|item| item.load == Some(fetch.load));
            let known = known.map(|item| item.media_start);
            stream.buffer.put(Item {
                start: fetch.start,
                end: fetch.end,
                media_start: known.unwrap_or(start),
                media_end: end,
                load: Some(fetch.load),
                rendition: fetch.rendition.rendition,
                track: fetch.rendition.track,
                period: fetch.rendition.period,
                bytes: fetch.bytes,
                complete: false,
                played: false,
                hole: false,
            });
        }
        self.sink(SinkCommand::Append(Box::new(Append {
            kind: output,
            load: fetch.load,
            rendition: self.rendition(fetch.rendition).map(|r| r.id.clone()).unwrap_or_default(),
            segment: fetch.number,
            start,
            end,
            offset,
            window: self.window(fetch.rendition.period),
            show_from: stream.show_from.filter(|from| *from > start),
            discontinuity,
            samples: part.samples,
            bytes: part.bytes,
            payload: payload.clone(),
        })));
    }

    /// Samples outside of it belong to another period (D009). The last period is open at its end:
    /// manifests announce durations a little short (D105).
    pub(crate) fn window(&self, period: usize) -> (MediaTime, MediaTime) {
        let presentation = self.title.presentation.as_ref();
        if presentation.is_none_or(|p| p.protocol == Protocol::Hls) {
            return (MediaTime::MIN, MediaTime::MAX);
        }
        // What lies before the first period is priming: decoders need it.
        let own = presentation.and_then(|p| p.periods.get(period)).filter(|_| period > 0);
        let start = own.map_or(MediaTime::MIN, |period| period.start);
        (start, self.period_end(period).unwrap_or(MediaTime::MAX))
    }

    /// What the times of a stand-alone text file count from.
    pub(crate) fn text_origin(&self, period: usize) -> MediaTime {
        let presentation = self.title.presentation.as_ref().filter(|p| p.protocol == Protocol::Dash);
        presentation.and_then(|p| p.periods.get(period)).map_or(MediaTime::ZERO, |period| period.start)
    }

    /// An initialisation section is complete.
    pub(crate) fn on_init(&mut self, kind: TrackKind, key: InitKey, request: Request) {
        if self.is_sealed(kind, &key) {
            let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
            fetch.init_request = None;
            fetch.sealed_init = Some(Body::Bytes(request.body.into()));
            return self.open_early(kind);
        }
        if !self.take_init(kind, &key, request.pieces) {
            return;
        }
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else {
            return;
        };
        if fetch.init.as_ref() == Some(&key) {
            fetch.init_request = None;
            self.open_early(kind);
        }
    }

    /// Whether the initialisation section of what is fetched for a kind is encrypted whole.
    pub(crate) fn is_sealed(&self, kind: TrackKind, key: &InitKey) -> bool {
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        fetch.is_some_and(|fetch| fetch.init.as_ref() == Some(key) && fetch.init_cover.lock().is_some())
    }

    /// Reads an initialisation section that waited for its key.
    fn open_init(&mut self, kind: TrackKind) {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        let (Some(lock), Some(key)) = (fetch.init_cover.lock(), fetch.init.clone()) else { return };
        if fetch.sealed_init.is_none() || !self.title.key_files.opens(lock) {
            return;
        }
        let opened = self.title.key_files.open(lock, fetch.number);
        let Some(body) = fetch.sealed_init.take() else { return };
        let decryptor = match opened {
            Ok(decryptor) => decryptor,
            Err(error) => return self.replace_unkeyed(kind, error),
        };
        let recorded = self.recorded.as_mut().map(|recorded| recorded.take_opened(kind, true).unwrap_or_default());
        let pieces = match recorded {
            Some(facts) => MediaReader::new(&self.config.limits, None).push(Body::Recorded { len: 0, facts }),
            None => {
                let mut reader = MediaReader::new(&self.config.limits, None).decrypting(decryptor);
                let mut pieces = reader.push(body);
                pieces.extend(reader.finish());
                pieces
            }
        };
        let facts = pieces.iter().map(|piece| piece.fact.clone()).collect();
        self.findings.opened.push(Opened { kind, init: true, facts });
        self.take_init(kind, &key, pieces);
    }

    /// Takes what was found in an initialisation section; false if that is of no use.
    fn take_init(&mut self, kind: TrackKind, key: &InitKey, pieces: Vec<Piece>) -> bool {
        let mut found = None;
        for piece in pieces {
            match piece.fact {
                MediaFact::Init(tracks) => found = Some(Init { tracks, segment: piece.init }),
                MediaFact::Broken(error) => {
                    self.replace_broken(kind, error, true);
                    return false;
                }
                _ => {}
            }
        }
        let Some(init) = found else {
            let error = Error::new(ErrorCode::InitMissing, "the initialisation section holds none");
            self.replace_segment(kind, error, Vec::new());
            return false;
        };
        if let Some(error) = self.undecodable(kind, &init.tracks) {
            self.leave_undecodable(kind, error);
            return false;
        }
        self.forget_inits();
        self.title.inits.insert(key.clone(), init);
        true
    }

    /// A title of many initialisation sections (an hour of stitched advertisements) is not kept whole: what is not
    /// in use is fetched again if it is needed again.
    fn forget_inits(&mut self) {
        if self.title.inits.len() < INITS {
            return;
        }
        let mut used = BTreeSet::new();
        for stream in self.streams.values() {
            used.extend(stream.fetch.as_ref().and_then(|fetch| fetch.init.clone()));
            used.extend(stream.configured.as_ref().and_then(|configured| configured.init.clone()));
        }
        self.title.inits.retain(|key, _| used.contains(key));
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
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return };
        fetch.read = true;
        if fetch.held.is_empty() {
            self.conclude_segment(kind);
        }
    }

    /// Everything of a segment was handed on.
    fn conclude_segment(&mut self, kind: TrackKind) {
        self.hand_on_asides(kind);
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let Some(fetch) = stream.fetch.as_mut() else { return };
        if fetch.appended == 0 {
            let error = Error::new(ErrorCode::SegmentEmpty, "the segment holds no samples");
            return self.replace_segment(kind, error, Vec::new());
        }
        self.conclude_captions(kind);
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let Some(fetch) = stream.fetch.take() else { return };
        let mut media = None;
        if let Some(item) = stream.buffer.get_mut(fetch.start) {
            item.complete = true;
            item.bytes = fetch.bytes;
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
        stream.cursor = Some((fetch.rendition, fetch.number));
        stream.demuxer = fetch.reader.and_then(MediaReader::into_stream);
        stream.failures = 0;
        stream.refused_bytes = 0;
        stream.trouble_since = None;
        stream.avoid.clear();
        if stream.show_from.is_some_and(|from| from < fetch.end) {
            stream.show_from = None;
        }
        if kind == TrackKind::Video {
            let downloaded = Downloaded {
                level: stream.ladder.iter().position(|step| step.rendition == fetch.rendition.rendition).unwrap_or(0),
                bytes: fetch.bytes,
                duration: fetch.end - fetch.start,
                took: self.now.since(fetch.started),
            };
            let ladder = stream.ladder.clone();
            let levels = self.levels(kind, &ladder, fetch.end);
            if let Some(context) = self.context(kind, &levels, fetch.end) {
                self.policies.rule.on_downloaded(&context, &downloaded);
            }
        }
    }

    fn finish_text(&mut self, kind: TrackKind) {
        if let Err(error) = self.unlock_text(kind) {
            return self.replace_segment(kind, error, Vec::new());
        }
        let Some(mut stream) = self.streams.remove(&kind) else {
            return;
        };
        if let Some(fetch) = stream.fetch.take() {
            self.read_text(&fetch);
            let rendition = self.rendition(fetch.rendition).map(|r| r.id.clone()).unwrap_or_default();
            if stream.configured.as_ref().is_none_or(|configured| configured.rendition != fetch.rendition) {
                stream.configured = Some(Configured::of(&fetch, false));
                stream.outputs = vec![kind];
                let track = self.track(stream.period, stream.track).map(|t| t.id.clone()).unwrap_or_default();
                self.sink(SinkCommand::Configure(Box::new(TrackConfig {
                    kind,
                    track,
                    rendition: rendition.clone(),
                    codec: "wvtt".to_owned(),
                    format: Format::WebVtt,
                    init: None,
                    track_id: 0,
                })));
            }
            let window = self.window(fetch.rendition.period);
            let payload = if fetch.text.is_empty() { Payload::None } else { Payload::Text(Bytes::from(fetch.text)) };
            self.sink(SinkCommand::Append(Box::new(Append {
                kind,
                load: fetch.load,
                rendition,
                segment: fetch.number,
                start: fetch.start,
                end: fetch.end,
                // Times in a stand-alone file count from the period's start (D100); those of HLS
                // segments from the presentation's.
                offset: self.text_origin(fetch.rendition.period),
                window,
                show_from: None,
                discontinuity: std::mem::take(&mut stream.broken_off),
                samples: 0,
                bytes: fetch.bytes,
                payload,
            })));
            let item = Item::silence(fetch.start, fetch.end, fetch.rendition.period);
            stream.buffer.put(Item { rendition: fetch.rendition.rendition, bytes: fetch.bytes, ..item });
            stream.cursor = Some((fetch.rendition, fetch.number));
            stream.failures = 0;
            stream.trouble_since = None;
        }
        self.streams.insert(kind, stream);
    }

    /// Decrypts a text that is encrypted whole.
    fn unlock_text(&mut self, kind: TrackKind) -> Result<(), Error> {
        let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) else { return Ok(()) };
        let Some(lock) = fetch.cover.lock() else { return Ok(()) };
        if let Some(facts) = self.recorded.as_mut().map(|recorded| recorded.take_opened(kind, false)) {
            // A replay has no text, and knows whether it could be decrypted.
            let broken = facts.unwrap_or_default().into_iter().find_map(|fact| match fact {
                MediaFact::Broken(error) => Some(error),
                _ => None,
            });
            return broken.map_or(Ok(()), Err);
        }
        let text = Bytes::from(std::mem::take(&mut fetch.text));
        let clear = self.title.key_files.open(lock, fetch.number).and_then(|decryptor| {
            let Some(mut decryptor) = decryptor else { return Ok(Vec::new()) };
            let mut clear = decryptor.push(text)?.to_vec();
            decryptor.finish()?.iter().for_each(|part| clear.extend_from_slice(part));
            Ok(clear)
        });
        match clear {
            Ok(clear) => {
                fetch.text = clear;
                Ok(())
            }
            Err(error) => {
                let facts = vec![MediaFact::Broken(error.clone())];
                self.findings.opened.push(Opened { kind, init: false, facts });
                Err(error)
            }
        }
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
        }
    }

    /// Asks the rule whether the segment under way should give way to a smaller one.
    fn consider_abandoning(&mut self, kind: TrackKind) {
        if kind != TrackKind::Video {
            return;
        }
        let Some(stream) = self.streams.get(&kind) else { return };
        let Some(fetch) = stream.fetch.as_ref().filter(|fetch| fetch.appended == 0 && fetch.init_request.is_none())
        else {
            return;
        };
        let Some(id) = fetch.request else { return };
        let Some(request) = self.requests.get(id) else { return };
        let total = request.head.as_ref().and_then(|head| head.content_length);
        // Before playback runs there is no stall to be saved; but a viewer who waits is not to wait
        // long for what was chosen on an assumption.
        let took = self.now.since(request.started);
        let left =
            total.unwrap_or(0).saturating_sub(request.received).checked_div(request.received / 1000).unwrap_or(0);
        let still = took.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX)) / 1000;
        if self.playback.state != State::Playing && (took < WAITED_ENOUGH || still < 2 * WAITED_ENOUGH) {
            return;
        }
        let (start, from) = (fetch.start, fetch.rendition.rendition);
        // Only what the segment can be had in is an alternative.
        let steps = self.usable_steps(stream);
        let Some(level) = steps.iter().position(|step| step.rendition == from) else {
            return;
        };
        let progress = Progress {
            level,
            bytes: request.received,
            total,
            requested: request.started,
            first_byte: request.first_byte(),
        };
        let levels = self.levels(kind, &steps, start);
        let Some(context) = self.context(kind, &levels, start) else {
            return;
        };
        let Some(choice) = self.policies.rule.should_abandon(&context, &progress) else {
            return;
        };
        let to = levels.get(choice.level).map(|level| level.rendition);
        let Some(to) = to.filter(|to| *to != from) else { return };
        self.cancel(id);
        let why = choice.reasons.iter().map(ToString::to_string).collect();
        let (from, to_name) = (self.rendition_name(kind, from), self.rendition_name(kind, to));
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.fetch = None;
            stream.rendition = Some(to);
            stream.settled = Some(to);
        }
        self.decide(DecisionKind::Abandon, Some(kind), from, to_name, why);
    }
}
