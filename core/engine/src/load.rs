//! From a URL to a presentation with tracks chosen: manifests, remote elements, playlists, indexes.

use std::sync::Arc;

use bytes::Bytes;
use telecine_delivery::RequestClass;
use telecine_manifest::{dash, hls, sniff};
use telecine_model::segments::{Addressing, SegmentIndexSource, UriList};
use telecine_model::{
    uri, ByteRange, Error, ErrorCode, Handling, MediaTime, Period, Presentation, Protocol, SegmentIndex, SegmentTable,
    Segments, Timescale, Timestamp, Track, TrackKind,
};
use telecine_telemetry::Qoe;

use crate::engine::{Engine, Title};
use crate::event::{DecisionKind, Event, State};
use crate::index::{index_from_sidx, nested_ranges};
use crate::keys::KeyFiles;
use crate::live::Answered;
use crate::media::MediaFact;
use crate::playback::Playback;
use crate::protocol::is_of;
use crate::requests::{Purpose, Request};
use crate::select::is_readable;
use crate::stream::RenditionRef;

/// An MPD whose remote elements (xlink) are on their way.
pub(crate) struct RemoteElements {
    url: String,
    text: Bytes,
    elements: Vec<dash::RemoteElement>,
    answers: Vec<Option<Option<Vec<u8>>>>,
    /// The next one to ask for.
    next: usize,
    /// Levels of remote elements resolved before.
    depth: usize,
}

/// Remote elements asked for at a time.
const REMOTE_AT_ONCE: usize = 6;

impl Engine {
    pub(crate) fn load(&mut self, url: String, start: Option<MediaTime>) {
        if self.playback.state != State::Idle {
            self.stop(State::Stopped);
        }
        self.outbox.secrets.clear();
        self.take_setup();
        let key_files = KeyFiles::new(self.segment_key.clone());
        self.title = Title { url: url.clone(), wanted_start: start, key_files, ..Title::default() };
        self.network.round_trip = None;
        self.playback = Playback::at_rate(self.playback.rate_milli);
        self.qoe = Qoe::new(self.now);
        self.enter(State::Loading);
        if uri::split(&url).scheme.is_none() {
            return self.fail(
                Error::new(ErrorCode::InvalidUrl, "the URL has no scheme").fact("url", self.outbox.secrets.shown(&url)),
            );
        }
        if let Err(error) = self.fetch(RequestClass::Manifest, Purpose::Manifest, None, url, None) {
            self.fail(error);
        }
    }

    /// The manifest came, by a load that began at `started`.
    pub(crate) fn on_manifest(&mut self, url: String, body: Bytes, started: Timestamp) {
        let found = match sniff(&body) {
            Some(Protocol::Dash) => return self.parse_mpd(url, body, 0),
            // Text of neither kind goes to the HLS parser too: its error says what it looks like.
            Some(Protocol::Hls) | None => self.parse_playlist(&url, &self.title.url.clone(), &body, None, None),
        };
        match found {
            Ok(hls::Playlist::Multivariant(presentation)) => {
                self.outbox.secrets.learn(&presentation.define, &[&url, &self.title.url]);
                self.begin(*presentation);
            }
            Ok(hls::Playlist::Media(playlist)) => {
                self.outbox.secrets.learn(&playlist.info.define, &[&url, &self.title.url]);
                let only = RenditionRef { period: 0, track: 0, rendition: 0 };
                let mut playlist = playlist;
                self.place_playlist(only, &mut playlist, started, None);
                self.title.playlists.insert(only, playlist.info.clone());
                self.title.texts.insert(only, std::mem::take(&mut playlist.text));
                self.begin(playlist.into_presentation());
            }
            Err(error) => self.fail(error),
        }
    }

    fn parse_playlist(
        &self,
        url: &str,
        requested: &str,
        body: &[u8],
        imports: Option<&std::collections::BTreeMap<String, String>>,
        known: Option<RenditionRef>,
    ) -> Result<hls::Playlist, Error> {
        let mode = if self.config.strict { hls::Mode::Strict } else { hls::Mode::Compat };
        let limits = &self.config.limits;
        let context = hls::Context { uri: url, requested_uri: requested, imports, mode, limits };
        let known = known.and_then(|known| Some((self.index_of(known)?, self.title.texts.get(&known)?)));
        match known {
            Some((index, text)) => hls::parse_again(body, &context, index, text),
            None => hls::parse(body, &context),
        }
    }

    pub(crate) fn parse_mpd(&mut self, url: String, text: Bytes, depth: usize) {
        let parsed = dash::parse(&text, &dash::Context { uri: &url, limits: &self.config.limits });
        let mpd = match parsed {
            Ok(mpd) => mpd,
            Err(error) => return self.on_mpd_unusable(error),
        };
        if mpd.remote.is_empty() {
            return self.on_mpd_read(mpd.presentation, Some(text).filter(|_| depth == 0));
        }
        // D070: no nested or circular resolution beyond the limit; what is left keeps its inline
        // content.
        let beyond = depth >= self.config.limits.indirections;
        let elements = mpd.remote;
        let answers = vec![beyond.then_some(None); elements.len()];
        self.title.remote = Some(RemoteElements { url, text, elements, answers, next: 0, depth });
        for _ in 0..REMOTE_AT_ONCE {
            self.fetch_next_remote();
        }
        self.complete_remote();
    }

    /// Asks for a remote element that nobody asked for yet.
    fn fetch_next_remote(&mut self) {
        while let Some(remote) = &mut self.title.remote {
            let place = remote.next;
            let unanswered = remote.answers.get(place).is_some_and(Option::is_none);
            let Some(element) = remote.elements.get(place).filter(|_| unanswered) else { return };
            remote.next += 1;
            let url = element.uri.clone();
            match self.fetch(RequestClass::Manifest, Purpose::Remote(place), None, url, None) {
                Ok(_) => return,
                Err(error) => {
                    self.report(error.recovered(Handling::Skipped));
                    self.answer_remote(place, None);
                }
            }
        }
    }

    fn answer_remote(&mut self, place: usize, answer: Option<Vec<u8>>) {
        let Some(remote) = &mut self.title.remote else { return };
        let held: usize = remote.answers.iter().flatten().flatten().map(Vec::len).sum();
        let size = answer.as_ref().map_or(0, Vec::len);
        let limit = self.config.limits.manifest_bytes;
        let fits = held.saturating_add(size).saturating_add(remote.text.len()) <= limit;
        if let Some(slot) = remote.answers.get_mut(place) {
            *slot = Some(answer.filter(|_| fits));
        }
        if !fits {
            let error = Error::new(ErrorCode::ManifestLimit, "a manifest and its remote elements are too large");
            self.report(error.fact("limit", limit).recovered(Handling::Skipped));
        }
    }

    /// A remote element arrived, or did not.
    pub(crate) fn on_remote(&mut self, place: usize, answer: Option<Vec<u8>>) {
        self.answer_remote(place, answer);
        self.fetch_next_remote();
        self.complete_remote();
    }

    fn complete_remote(&mut self) {
        if self.title.remote.as_ref().is_none_or(|remote| remote.answers.iter().any(Option::is_none)) {
            return;
        }
        let Some(remote) = self.title.remote.take() else { return };
        let resolved: Vec<_> =
            remote.elements.into_iter().zip(remote.answers.into_iter().map(Option::flatten)).collect();
        match dash::splice(&remote.text, &resolved) {
            Ok(text) => self.parse_mpd(remote.url, Bytes::from(text), remote.depth + 1),
            Err(error) => self.on_mpd_unusable(error),
        }
    }

    /// The manifest is complete: choose tracks and start to fetch.
    pub(crate) fn begin(&mut self, mut presentation: Presentation) {
        if presentation.live && is_of(&presentation, Protocol::Dash) && !self.title.live.is_dash() {
            if let Some(readable) = dash::Readable::here() {
                return self.await_clock(readable, presentation);
            }
        }
        presentation.periods.iter_mut().for_each(Period::join_switchable);
        let multivariant = is_of(&presentation, Protocol::Hls) && !has_segments(&presentation);
        self.title.presentation = Some(presentation);
        self.see_stated();
        self.enter(State::Preparing);
        self.ask_for_session_keys();
        if !multivariant {
            let only = RenditionRef { period: 0, track: 0, rendition: 0 };
            if self.goes_on(only) {
                self.note_profile(only, TrackKind::Video, true);
                self.see_edge(only, self.title.live.answered);
            }
            self.announce();
            self.resolve_start();
            self.learn_event_streams();
            self.learn_date_ranges(RenditionRef { period: 0, track: 0, rendition: 0 });
        }
        let at = self.title.start.unwrap_or_else(|| self.title.wanted_start.unwrap_or(MediaTime::ZERO));
        self.choose_tracks(at);
        if self.streams.values().all(|stream| !stream.is_essential()) {
            self.fail(self.nothing_for_this_device());
        }
    }

    /// Why a title has nothing that this device plays: codecs that it has no decoder for, if that is what it is.
    fn nothing_for_this_device(&self) -> Error {
        let what = "no sound and no picture that this device can play";
        if self.title.left_out.is_empty() {
            return self.nothing_playable(what);
        }
        let codecs: Vec<&str> = self.title.left_out.iter().map(String::as_str).collect();
        let codecs = codecs.join(", ");
        let error = Error::new(ErrorCode::CodecUnsupported, format!("{what}: there is no decoder for {codecs}"));
        error.fact("codec", codecs).fact("url", self.outbox.secrets.shown(&self.title.url))
    }

    /// Nothing is left to play; what the manifest's reader had to leave out is the likeliest cause.
    pub(crate) fn nothing_playable(&self, what: &str) -> Error {
        let warning = self.title.presentation.as_ref().and_then(|p| p.warnings.first());
        let periods = self.title.presentation.iter().flat_map(|presentation| &presentation.periods);
        let mut renditions = periods.flat_map(|period| &period.tracks).flat_map(|track| &track.renditions);
        let unread = renditions.find(|rendition| !is_readable(rendition)).and_then(|r| r.mime_type.as_deref());
        let message = match (unread, warning) {
            (Some(mime), _) => format!("{what}; {mime} is not read, only fragmented MP4, MPEG-TS and packed audio are"),
            (_, Some(warning)) => format!("{what}; first warning: {warning}"),
            _ => what.to_owned(),
        };
        Error::new(ErrorCode::NothingPlayable, message).fact("url", self.outbox.secrets.shown(&self.title.url))
    }

    fn announce(&mut self) {
        let Some(presentation) = &self.title.presentation else {
            return;
        };
        let event = Event::Loaded {
            at: self.now,
            protocol: presentation.protocol.name().to_owned(),
            live: presentation.live,
            duration: presentation.duration,
            warnings: presentation.warnings.clone(),
        };
        self.title.announced = true;
        self.emit(event);
    }

    /// Where playback starts: where the application wants, else where the manifest prefers, else at the beginning, or as
    /// near to the live edge as may be; within what can be played.
    fn resolve_start(&mut self) {
        let live = self.seekable();
        let Some(presentation) = &self.title.presentation else {
            return;
        };
        let first = presentation.periods.first().map_or(MediaTime::ZERO, |period| period.start);
        let (earliest, latest) = live.map_or((first, presentation.duration), |(from, to)| (from, Some(to)));
        let end = if live.is_some() { latest.map(|edge| edge + self.hold_back()) } else { latest };
        let preferred = presentation.start.map(|start| match (start.offset.is_negative(), end) {
            // H024: from the end if negative, clamped to the title; live, no nearer than it may be (HX02).
            (true, Some(end)) => end + start.offset,
            (true, None) => earliest,
            (false, _) => earliest + start.offset,
        });
        let precise = self.title.wanted_start.is_some() || presentation.start.is_none_or(|start| start.precise);
        let usual = self.live_point().unwrap_or(earliest);
        let asked = self.title.wanted_start.or(preferred).unwrap_or(usual);
        let mut start = latest.map_or(asked.max(earliest), |latest| asked.max(earliest).min(latest));
        if start < asked {
            let why = match live {
                Some(_) => format!("as near to the live edge as may be is {start}, before the start asked for"),
                None => format!("the title ends at {start}, before the start asked for"),
            };
            let why = vec![why];
            self.decide(DecisionKind::Seek, None, Some(asked.to_string()), Some(start.to_string()), why);
        }
        // H025: without PRECISE=YES everything in the segment at the start is shown, so that is where it begins.
        if !precise {
            start = self.segment_start(start).unwrap_or(start).max(earliest);
        }
        self.title.start = Some(start);
        self.follow_from(start);
        if live.is_some() {
            self.tell_latency(&self.target_latency());
        }
        self.playback.place(start, false, self.now);
        let precise = precise && start > earliest;
        // A sink's playhead is at zero in the beginning.
        if start != MediaTime::ZERO {
            self.playback.sink_seeks += 1;
            self.sink(crate::action::SinkCommand::Seek(start));
        }
        for stream in self.streams.values_mut() {
            stream.restart(start);
            stream.show_from = precise.then_some(start);
        }
    }

    /// Start of the segment at a time, as far as a playlist tells: the picture's before any other's.
    fn segment_start(&self, time: MediaTime) -> Option<MediaTime> {
        let period = self.period_at(time)?;
        let tracks = &self.title.presentation.as_ref()?.periods.get(period)?.tracks;
        let start = |track: &Track| {
            let index = track.renditions.iter().find_map(|rendition| rendition.segments.known())?;
            Some(index.span_of(index.number_at(time)?)?.0)
        };
        let (pictures, others): (Vec<&Track>, Vec<&Track>) = tracks.iter().partition(|t| t.kind == TrackKind::Video);
        pictures.into_iter().chain(others).find_map(start)
    }

    /// Makes the segments of a rendition known. True if they are.
    pub(crate) fn ensure_segments(&mut self, reference: RenditionRef, kind: TrackKind) -> bool {
        let Some(rendition) = self.rendition(reference) else {
            return false;
        };
        match &rendition.segments {
            Segments::Known(_) => true,
            Segments::Unloaded => {
                let Some(url) = rendition.uri.clone() else { return false };
                let url = self.first_url(reference, url);
                self.fetch_once(RequestClass::Playlist, Purpose::Playlist(reference), kind, url, None);
                false
            }
            Segments::Indexed(source) => match source.index_range {
                Some(range) => {
                    let url = self.on_good_base(reference, &source.uri);
                    self.fetch_once(RequestClass::Index, Purpose::Index(reference), kind, url, Some(range));
                    false
                }
                None => match whole_resource(source) {
                    Ok(whole) => {
                        self.set_segments(reference, whole);
                        true
                    }
                    Err(error) => {
                        let error = error.fact("url", self.outbox.secrets.shown(&source.base));
                        self.replace_rendition(reference, error, Vec::new());
                        false
                    }
                },
            },
        }
    }

    fn fetch_once(
        &mut self,
        class: RequestClass,
        purpose: Purpose,
        kind: TrackKind,
        url: String,
        range: Option<ByteRange>,
    ) {
        if self.requests.has(&purpose) {
            return;
        }
        let reference = match purpose {
            Purpose::Playlist(reference) | Purpose::Index(reference) => reference,
            _ => return,
        };
        if let Err(error) = self.fetch(class, purpose, Some(kind), url, range) {
            self.replace_rendition(reference, error, Vec::new());
        }
    }

    pub(crate) fn on_playlist(&mut self, reference: RenditionRef, request: &Request, body: &[u8]) {
        let imports = self.title.presentation.as_ref().map(|p| p.define.clone()).unwrap_or_default();
        let parsed = self.parse_playlist(request.url(), &request.fetch.url, body, Some(&imports), Some(reference));
        let playlist = match parsed {
            Ok(hls::Playlist::Media(playlist)) => *playlist,
            Ok(hls::Playlist::Multivariant(_)) => {
                let error = Error::new(ErrorCode::ManifestContradiction, "a variant leads to a multivariant playlist")
                    .fact("url", self.outbox.secrets.shown(request.url()));
                return self.replace_rendition(reference, error, Vec::new());
            }
            Err(error) => return self.replace_rendition(reference, error, Vec::new()),
        };
        self.outbox.secrets.learn(&playlist.info.define, &[request.url(), &request.fetch.url]);
        if self.is_reload(reference) {
            return self.on_reload(reference, request, playlist);
        }
        if let Some(fresh) = self.tune_in(reference, &playlist, request) {
            self.send(fresh, request.purpose.clone());
            return;
        }
        self.check_agreement(reference, &playlist, request);
        let mut playlist = playlist;
        self.place_playlist(reference, &mut playlist, request.started, Answered::of(request, self.now).age_s);
        self.note_validators(request);
        if let Some(presentation) = &mut self.title.presentation {
            // Sound and picture end within a frame of each other: the title lasts as long as the longer.
            let known = presentation.duration;
            playlist.apply_to(presentation);
            presentation.duration = presentation.duration.map(|duration| known.map_or(duration, |k| k.max(duration)));
        }
        if !self.title.announced {
            // One playlist speaks for the title; what is said of it here names it.
            let told: Vec<_> = playlist.info.warnings.iter().map(|warning| self.located(warning, request)).collect();
            if let Some(presentation) = &mut self.title.presentation {
                presentation.warnings.extend(told);
            }
        }
        self.title.playlists.insert(reference, playlist.info);
        self.title.texts.insert(reference, playlist.text);
        self.set_segments(reference, playlist.index);
        if self.goes_on(reference) {
            self.note_profile(reference, request.fetch.kind.unwrap_or(TrackKind::Video), true);
            self.see_edge(reference, Answered::of(request, self.now));
        }
        if !self.title.announced {
            self.announce();
            self.resolve_start();
        }
        self.learn_date_ranges(reference);
    }

    pub(crate) fn on_index(&mut self, reference: RenditionRef, request: Request) {
        let at = request.fetch.byte_range.map_or(0, |range| range.offset);
        let mut boxes = request.carried.clone();
        for piece in &request.pieces {
            match &piece.fact {
                MediaFact::Index(index) => boxes.push(index.to_box(at)),
                MediaFact::Broken(error) => {
                    let error = error.clone().fact("url", self.outbox.secrets.shown(request.url()));
                    return self.replace_rendition(reference, error, Vec::new());
                }
                _ => {}
            }
        }
        let Some(Segments::Indexed(source)) = self.rendition(reference).map(|r| r.segments.clone()) else {
            return;
        };
        let missing: Vec<ByteRange> = boxes
            .iter()
            .flat_map(nested_ranges)
            .filter(|range| boxes.iter().all(|known| known.offset != range.offset))
            .collect();
        if let Some(range) = next_index(&missing, boxes.len() > request.carried.len(), request.fetch.byte_range) {
            if range.length > self.config.limits.init_bytes as u64
                || boxes.len() as u64 > self.config.limits.segments / 64
            {
                let error = Error::new(ErrorCode::IndexInvalid, "the segment index leads nowhere")
                    .fact("url", self.outbox.secrets.shown(request.url()));
                return self.replace_rendition(reference, error, Vec::new());
            }
            let url = self.on_good_base(reference, &source.uri);
            let sent = self.fetch(RequestClass::Index, Purpose::Index(reference), request.fetch.kind, url, Some(range));
            match sent {
                Ok(id) => self.requests.carry(id, boxes),
                Err(error) => self.replace_rendition(reference, error, Vec::new()),
            }
            return;
        }
        match index_from_sidx(&source, &boxes) {
            Ok(index) => self.set_segments(reference, index),
            Err(error) => {
                let error = error.fact("url", self.outbox.secrets.shown(request.url()));
                self.replace_rendition(reference, error, Vec::new());
            }
        }
    }

    pub(crate) fn set_segments(&mut self, reference: RenditionRef, index: SegmentIndex) {
        if let Some(rendition) = self.rendition_mut(reference) {
            rendition.segments = Segments::Known(Box::new(index));
        }
        for stream in self.streams.values_mut() {
            if stream.awaits == Some(reference) {
                stream.awaits = None;
            }
        }
    }

    pub(crate) fn rendition(&self, reference: RenditionRef) -> Option<&telecine_model::Rendition> {
        self.track(reference.period, reference.track)?.renditions.get(reference.rendition)
    }

    pub(crate) fn rendition_mut(&mut self, reference: RenditionRef) -> Option<&mut telecine_model::Rendition> {
        let period = self.title.presentation.as_mut()?.periods.get_mut(reference.period)?;
        period.tracks.get_mut(reference.track)?.renditions.get_mut(reference.rendition)
    }
}

fn has_segments(presentation: &Presentation) -> bool {
    let known = |segments: &Segments| !matches!(segments, Segments::Unloaded);
    presentation.periods.iter().flat_map(|p| &p.tracks).flat_map(|t| &t.renditions).any(|r| known(&r.segments))
}

/// What to fetch of the nested indexes that are missing. The size of a reference to an index covers
/// the media that it indexes too, unless indexes lie together (ISO/IEC 14496-12, 8.16.3): those are
/// fetched at once, of others a first piece that holds any usual index, and more of it if that
/// piece was too short.
fn next_index(missing: &[ByteRange], progress: bool, last: Option<ByteRange>) -> Option<ByteRange> {
    const PIECE: u64 = 16 << 10;
    let mut sorted = missing.to_vec();
    sorted.sort_by_key(|range| range.offset);
    let mut sorted = sorted.into_iter();
    let mut span = sorted.next()?;
    if !progress {
        // The last piece held no whole index: four times as much of the same.
        let last = last.map_or(u64::MAX, |last| last.length);
        let length = if last >= span.length { u64::MAX } else { last.saturating_mul(4).min(span.length) };
        return Some(ByteRange { length, ..span });
    }
    for next in sorted {
        let adjacent = next.offset == span.offset.saturating_add(span.length);
        if !adjacent || span.length.saturating_add(next.length) > PIECE {
            break;
        }
        span.length = span.length.saturating_add(next.length);
    }
    Some(ByteRange { length: span.length.min(PIECE), ..span })
}

/// A resource without an index is one segment: a subtitle file, a small progressive file.
///
/// # Errors
/// [`ErrorCode::ManifestLimit`] if its times are too large to count with.
pub fn whole_resource(source: &SegmentIndexSource) -> Result<SegmentIndex, Error> {
    let timescale = Timescale::new(source.timescale.max(1)).unwrap_or(Timescale::SECONDS);
    let mut table = SegmentTable::new(timescale, 1);
    let ticks = source.duration.map_or(0, |duration| duration.to_ticks(timescale)).max(1).unsigned_abs();
    let mut uris = UriList::new();
    if !uris.push(&source.uri) || table.push(Some(source.presentation_offset), ticks, 1).is_err() {
        let message = "the times of a resource without an index are too large";
        return Err(Error::new(ErrorCode::ManifestLimit, message).fact("offset", source.presentation_offset));
    }
    let mut index = SegmentIndex::new(table, Arc::clone(&source.base), Addressing::Listed(uris));
    index.queries = source.queries.clone();
    index.presentation_offset = source.presentation_offset;
    index.origin = source.origin;
    index.init = telecine_model::segments::Runs::constant(source.init.clone());
    index.keys = telecine_model::segments::Runs::constant(Arc::clone(&source.keys));
    Ok(index)
}
