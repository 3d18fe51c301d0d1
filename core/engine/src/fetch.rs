//! Requests: from the wish to the last byte, failures and retries included.

use std::time::Duration;

use bytes::Bytes;
use telecine_abr::{Answer, TransferFlags, TransferId, TransferSample};
use telecine_delivery::{classify_status, RequestClass};
use telecine_model::presentation::BaseUrl;
use telecine_model::{uri, ByteRange, Error, ErrorCode, TrackKind};

use crate::action::{Action, FetchRequest, Validators};
use crate::engine::Engine;
use crate::input::{Body, NetworkEvent, RequestId};
use crate::media::MediaReader;
use crate::requests::{Purpose, Request, Requests};
use crate::timer::Timer;
use zeroize::{Zeroize as _, Zeroizing};

/// A source that sends as it makes pauses for so long at least between what it makes.
const PAUSE: Duration = Duration::from_millis(40);
/// Urgency of what everything else waits for (RFC 9218), and that of the largest media.
const URGENT: u8 = 1;
const LEAST_URGENT: u8 = 6;

impl Engine {
    /// Makes a request.
    ///
    /// # Errors
    /// [`ErrorCode::SchemeForbidden`] if the reference may not be followed from here.
    pub(crate) fn fetch(
        &mut self,
        class: RequestClass,
        purpose: Purpose,
        kind: Option<TrackKind>,
        url: String,
        byte_range: Option<ByteRange>,
    ) -> Result<RequestId, Error> {
        self.check_reference(&url)?;
        let request = self.request(class, kind, url, byte_range);
        Ok(self.send(request, purpose))
    }

    /// # Errors
    /// [`ErrorCode::SchemeForbidden`] if the reference may not be followed from here.
    pub(crate) fn check_reference(&self, url: &str) -> Result<(), Error> {
        if uri::may_follow(&self.title.url, url) {
            return Ok(());
        }
        let error = Error::new(ErrorCode::SchemeForbidden, "the content refers to a URL that it may not use");
        Err(error.fact("url", self.outbox.secrets.shown(url)))
    }

    /// A request that was never made before.
    pub(crate) fn request(
        &self,
        class: RequestClass,
        kind: Option<TrackKind>,
        url: String,
        byte_range: Option<ByteRange>,
    ) -> FetchRequest {
        let limits = &self.config.limits;
        let max_bytes = match class {
            RequestClass::Segment => limits.segment_bytes,
            RequestClass::Text => limits.text_bytes as u64,
            RequestClass::Init | RequestClass::Index => limits.init_bytes as u64,
            RequestClass::Key => limits.licence_bytes as u64,
            _ => limits.manifest_bytes as u64,
        };
        FetchRequest {
            id: RequestId(0),
            class,
            kind,
            url,
            head: false,
            byte_range,
            whole_will_do: false,
            max_bytes,
            head_timeout: self.config.head_timeout,
            idle_timeout: self.config.idle_timeout,
            max_redirects: u32::try_from(limits.redirects).unwrap_or(u32::MAX),
            known: Validators::default(),
            urgency: URGENT,
            pace: None,
            attempt: 0,
            licence: None,
        }
    }

    pub(crate) fn send(&mut self, mut fetch: FetchRequest, purpose: Purpose) -> RequestId {
        let id = RequestId(self.requests.next);
        self.requests.next += 1;
        fetch.id = id;
        let sealed = match &purpose {
            Purpose::Init(kind, key) => self.is_sealed(*kind, key),
            _ => false,
        };
        let reader = (matches!(purpose, Purpose::Index(_) | Purpose::Init(..)) && !sealed)
            .then(|| MediaReader::new(&self.config.limits, None));
        if let Purpose::Segment(kind) = purpose {
            if let Some(segment) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                segment.request = Some(id);
            }
        }
        if let Purpose::Init(kind, _) = &purpose {
            if let Some(segment) = self.streams.get_mut(kind).and_then(|stream| stream.fetch.as_mut()) {
                segment.init_request = Some(id);
            }
        }
        fetch.urgency = self.urgency(&purpose);
        fetch.pace = self.pace(&purpose);
        let request = Request {
            purpose,
            started: self.now,
            watched: (self.now, 0),
            heard: self.now,
            hung: None,
            head: None,
            first_byte: None,
            paced: false,
            held_up: None,
            held: false,
            idle: None,
            waited: None,
            received: 0,
            beside: 0,
            body: Vec::new(),
            secret: Zeroizing::default(),
            reader,
            pieces: Vec::new(),
            carried: Vec::new(),
            fetch: fetch.clone(),
        };
        self.requests.active.insert(id, request);
        if !self.timers.is_set(Timer::Patience) && !self.config.slow_after.is_zero() {
            self.timers.set(Timer::Patience, self.now + self.config.slow_after);
        }
        self.qoe.request_started();
        let pathway = self.pathway_of(&fetch);
        self.qoe.request_by(&pathway);
        self.outbox.push(Action::Fetch(Box::new(fetch)));
        self.expect_answers();
        id
    }

    /// How urgent a request is (H133): of media, by where its rendition stands on the ladder.
    fn urgency(&self, purpose: &Purpose) -> u8 {
        let (Purpose::Segment(kind) | Purpose::Init(kind, _)) = purpose else { return URGENT };
        let Some(stream) = self.streams.get(kind).filter(|_| *kind == TrackKind::Video) else { return URGENT + 1 };
        let fetched = stream.fetch.as_ref().map(|fetch| fetch.rendition.rendition);
        let holds = |rendition: usize| stream.ladder.iter().position(|step| step.candidates().any(|c| c == rendition));
        let level = fetched.and_then(holds).and_then(|level| u8::try_from(level).ok()).unwrap_or(u8::MAX);
        (URGENT + 1).saturating_add(level).min(LEAST_URGENT)
    }

    /// Where a request goes, as reports count it: the pathway or service location of what is
    /// fetched where it has one, else the host.
    fn pathway_of(&self, fetch: &FetchRequest) -> String {
        let stream = fetch.kind.and_then(|kind| self.streams.get(&kind));
        let rendition = stream.and_then(|s| self.rendition(s.reference(s.rendition?)));
        let bases = rendition.map_or(&[][..], |rendition| &rendition.bases);
        let below = |base: &&BaseUrl| fetch.url.starts_with(base.uri.as_str());
        // What a reference leads to need not begin with its base, but is on its server.
        let beside = |base: &&BaseUrl| uri::same_origin(&fetch.url, &base.uri);
        let base = bases.iter().find(below).or_else(|| bases.iter().find(beside));
        match (base, rendition.and_then(|r| r.pathway.as_deref())) {
            (Some(base), _) => self.outbox.secrets.shown(&base.service_location),
            (None, Some(pathway)) => pathway.to_owned(),
            _ => uri::host(&fetch.url).to_owned(),
        }
    }

    /// Stops a request.
    pub(crate) fn cancel(&mut self, id: RequestId) {
        self.cancel_but(id, 0);
    }

    /// The same, of what is played as far as it came: so many bytes.
    pub(crate) fn cancel_but(&mut self, id: RequestId, kept: u64) {
        if let Some(request) = self.requests.active.remove(&id) {
            self.qoe.request_cancelled();
            if request.fetch.class == RequestClass::Segment {
                self.qoe.wasted(request.received.saturating_sub(kept));
                self.sample(&request, true);
            }
            self.outbox.push(Action::Cancel(id));
        }
    }

    /// Stops everything.
    pub(crate) fn cancel_all(&mut self) {
        // Key sessions cancel their requests by themselves: what the release of a stored licence needs goes on.
        let own = |request: &&Request| !matches!(request.purpose, Purpose::Licence(_));
        let ids: Vec<RequestId> = self.requests.active.values().filter(own).map(|request| request.fetch.id).collect();
        for id in ids {
            self.cancel(id);
        }
        self.requests.deferred.clear();
        self.title.live.note_all_cancelled(self.now);
    }

    /// Stops whatever is under way or waits to be tried again for a kind: playlists and indexes too.
    pub(crate) fn cancel_kind(&mut self, kind: TrackKind) {
        let of_kind = self.requests.active.values().filter(|request| request.fetch.kind == Some(kind));
        let ids: Vec<RequestId> = of_kind.map(|request| request.fetch.id).collect();
        for id in ids {
            self.cancel(id);
        }
        self.requests.deferred.retain(|deferred| deferred.fetch.kind != Some(kind));
    }

    /// Drops what waits to be tried again for a kind's stream.
    pub(crate) fn forget_retries(&mut self, kind: TrackKind) {
        let is_media = |p: &Purpose| matches!(p, Purpose::Segment(_) | Purpose::Init(..));
        self.requests.deferred.retain(|d| d.fetch.kind != Some(kind) || !is_media(&d.purpose));
    }

    pub(crate) fn on_network(&mut self, event: NetworkEvent) {
        match event {
            NetworkEvent::Head(head) => {
                self.heed_server(&head);
                self.note_round_trip(&head);
                if !self.choose_answer(&head) {
                    return;
                }
                let purpose = self.requests.active.get(&head.id).map(|request| request.purpose.clone());
                let sized = head.content_length.is_some();
                let tells = head.is_success();
                let paced = purpose.as_ref().is_some_and(|purpose| self.is_paced(purpose, sized));
                let held = purpose.as_ref().is_some_and(|purpose| self.is_held(purpose));
                if let Some(request) = self.requests.active.get_mut(&head.id) {
                    request.first_byte = Some(self.now);
                    request.watched = (self.now, 0);
                    request.heard = self.now;
                    let transfer = TransferId(head.id.0);
                    if request.fetch.class == RequestClass::Segment {
                        (request.paced, request.held) = (paced, held);
                        // A page that says why not is no media, and need not come from where media does.
                        if tells {
                            let estimator = &mut self.policies.estimator;
                            let by = Some(&*head.url).filter(|url| !url.is_empty()).unwrap_or(&request.fetch.url);
                            let answer = Answer { asked: &request.fetch.url, by, version: head.version };
                            estimator.on_answer(transfer, &answer, self.now);
                            if paced {
                                estimator.on_paced(transfer);
                            }
                            estimator.on_progress(transfer, 0, self.now);
                        }
                    }
                    let id = head.id;
                    request.head = Some(*head);
                    self.see_entry_head(id);
                }
            }
            NetworkEvent::Chunk { id, data } => self.on_chunk(id, data),
            NetworkEvent::End { id } => {
                if let Some(request) = self.requests.active.remove(&id) {
                    self.on_end(request);
                }
            }
            NetworkEvent::Failed { id, code, message } => {
                if let Some(request) = self.requests.active.remove(&id) {
                    let error = Error::new(code, message);
                    self.on_failure(request, error);
                }
            }
        }
    }

    /// In a replay: the text whose length came chunk by chunk.
    pub(crate) fn supply_text(&mut self, id: RequestId, text: Vec<u8>) {
        if let Some(request) = self.requests.active.get_mut(&id) {
            request.body = text;
        }
    }

    fn on_chunk(&mut self, id: RequestId, data: Body) {
        let Some(request) = self.requests.active.get_mut(&id) else {
            // Nothing of a cancelled request is wanted; a recording needs to know only its length.
            self.facts = Some(Vec::new());
            return;
        };
        request.received = request.received.saturating_add(data.len());
        request.heard = self.now;
        if request.received >= self.config.least_bytes {
            let started = request.started;
            self.note_answered(started);
        }
        if self.requests.active.len() > 1 {
            self.requests.note_shared(id, data.len());
        }
        let Some(request) = self.requests.active.get_mut(&id) else { return };
        self.qoe.fetched(data.len());
        if request.received > request.fetch.max_bytes {
            let limit = request.fetch.max_bytes;
            self.outbox.push(Action::Cancel(id));
            if let Some(request) = self.requests.active.remove(&id) {
                let error = Error::new(ErrorCode::BodyTooLarge, format!("the body is larger than {limit} bytes"));
                self.on_failure(request, error);
            }
            return;
        }
        if request.is_error() {
            let room = Requests::ERROR_BODY.saturating_sub(request.body.len());
            if room == 0 {
                self.facts = Some(Vec::new());
            }
            if let Body::Bytes(bytes) = &data {
                request.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            return;
        }
        if request.fetch.class == RequestClass::Segment {
            if let Some(idle) = request.idle.take() {
                request.waited = (self.now.since(idle) >= PAUSE).then_some(self.now);
            }
            self.qoe.media(data.len());
            self.policies.estimator.on_progress(TransferId(id.0), request.received, self.now);
        }
        match (&request.purpose, &mut request.reader) {
            (Purpose::Segment(kind), _) => {
                let kind = *kind;
                self.on_media(kind, id, data);
            }
            (purpose, _) if purpose.is_secret() => {
                self.facts = Some(Vec::new());
                if let Body::Bytes(bytes) = data {
                    // All at once, so that no part of a key stays behind where there was no room.
                    if request.secret.capacity() == 0 {
                        let declared = request.head.as_ref().and_then(|head| head.content_length).unwrap_or(0);
                        let room = declared.min(request.fetch.max_bytes).max(bytes.len() as u64).max(64);
                        request.secret.reserve(usize::try_from(room).unwrap_or(0));
                    }
                    request.secret.extend_from_slice(&bytes);
                    if let Ok(mut bytes) = bytes.try_into_mut() {
                        bytes.as_mut().zeroize();
                    }
                }
            }
            (_, Some(reader)) => {
                let pieces = reader.push(data);
                self.facts = Some(pieces.iter().map(|piece| piece.fact.clone()).collect());
                request.pieces.extend(pieces);
            }
            (purpose, None) => {
                // An initialisation section without a reader is encrypted: it is no text to be recorded.
                if matches!(purpose, Purpose::Init(..)) {
                    self.facts = Some(Vec::new());
                }
                if let Body::Bytes(bytes) = &data {
                    request.body.extend_from_slice(bytes);
                }
            }
        }
    }

    /// A chunk of a body is complete: `end` bytes of it have come. If nothing came with its end, the source has no more.
    pub(crate) fn on_chunk_complete(&mut self, id: RequestId, end: u64) {
        let Some(request) = self.requests.active.get_mut(&id).filter(|request| request.paced) else { return };
        request.idle = (request.received <= end).then_some(self.now);
        if request.received > end {
            request.waited = None;
        }
        self.policies.estimator.on_chunk(TransferId(id.0), end);
    }

    fn on_end(&mut self, mut request: Request) {
        // That a clock answers says nothing of whoever has the media.
        if request.fetch.class != RequestClass::Clock {
            self.note_answered(request.started);
        }
        if let Purpose::Licence(id) = request.purpose {
            if request.is_error() {
                self.qoe.request_failed();
            }
            return self.on_licence(id, request);
        }
        if request.is_unmodified() || !request.is_error() {
            self.note_drought(&request.purpose, request.started);
        }
        if request.is_unmodified() {
            self.policies.retry.on_success();
            return self.on_unmodified(&request);
        }
        if request.is_error() {
            let status = request.head.as_ref().map_or(0, |head| head.status);
            let error = classify_status(status, &request.body);
            let error = match server_said(&request) {
                Some(said) => error.fact("server_said", said),
                None => error,
            };
            return self.on_failure(request, error);
        }
        self.policies.retry.on_success();
        if request.fetch.class == RequestClass::Segment {
            self.sample(&request, false);
        }
        if let Purpose::Segment(kind) = request.purpose {
            self.note_segment_came(kind);
        }
        match request.purpose.clone() {
            Purpose::Manifest => {
                let body = std::mem::take(&mut request.body);
                self.title.live.note_answer(&request, self.now);
                self.note_validators(&request);
                self.on_manifest(request.url().to_owned(), Bytes::from(body), request.started);
            }
            Purpose::Remote(place) => {
                let body = std::mem::take(&mut request.body);
                self.on_remote(place, Some(body));
            }
            Purpose::Playlist(rendition) => {
                let body = std::mem::take(&mut request.body);
                self.on_playlist(rendition, &request, &body);
            }
            Purpose::Refresh | Purpose::Patch => {
                let body = std::mem::take(&mut request.body);
                self.on_mpd(&request, body);
            }
            Purpose::Clock => self.on_clock(&request),
            Purpose::Index(rendition) => self.on_index(rendition, request),
            Purpose::Init(kind, key) => self.on_init(kind, key, request),
            Purpose::Segment(kind) => self.on_segment_end(kind, request),
            Purpose::Unanswered(kind) => self.drop_unanswered(kind),
            Purpose::KeyFile(file, method) => self.on_key_file(file, &method, request),
            Purpose::Licence(id) => self.on_licence(id, request),
        }
    }

    /// Tells the estimator of a transfer of media.
    pub(crate) fn sample(&mut self, request: &Request, aborted: bool) {
        let Some(first_byte) = request.first_byte.filter(|_| !request.is_error()) else { return };
        let cached = request.head.as_ref().is_some_and(|head| head.from_cache);
        // At the pace that was asked for it says only that the line carries that; slower, what the line carries.
        // What came before the line held it up was held back by its source; and a line that is down carries nothing to measure.
        let held_up = request.held_up.filter(|held_up| held_up.sure && !held_up.is_silent(self.now));
        let since = |at| held_up.map_or(at, |held_up| held_up.since);
        let bytes = request.received.saturating_sub(held_up.map_or(0, |held_up| held_up.from));
        let (started, first_byte) = (since(request.started), since(first_byte));
        let took = self.now.since(first_byte);
        let kept = request.fetch.pace.is_some_and(|pace| carried(bytes, took) >= pace / 10 * 9);
        self.policies.estimator.on_transfer(&TransferSample {
            id: TransferId(request.fetch.id.0),
            bytes,
            started,
            first_byte,
            finished: self.now,
            flags: TransferFlags {
                cached,
                aborted,
                paced: request.paced && held_up.is_none(),
                limited: kept,
                held: request.held || held_up.is_some(),
            },
        });
        self.network.heard = Some(self.now);
        self.tell_change(request.fetch.url.as_str());
    }
}

/// Bits a second of so many bytes in so long.
pub(crate) fn carried(bytes: u64, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX)
}

/// The most characters of a server's words that an error holds.
const LONGEST_SAID: usize = 160;

/// What a server says in plain text of a manifest or playlist that it refuses: its first line, without what looks like a secret
/// or steers a terminal. Pages for people are no plain text.
fn server_said(request: &Request) -> Option<String> {
    let asked = matches!(request.fetch.class, RequestClass::Manifest | RequestClass::Playlist);
    let content_type = request.head.as_ref()?.content_type.as_deref().filter(|_| asked)?;
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("text/plain") {
        return None;
    }
    let text = String::from_utf8_lossy(&request.body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let redacted = telecine_manifest::redact(line.as_bytes());
    let clear = String::from_utf8_lossy(&redacted);
    let mut said: String = clear.chars().filter(|c| !c.is_control()).take(LONGEST_SAID).collect();
    if clear.chars().nth(LONGEST_SAID).is_some() {
        said.push('…');
    }
    Some(said).filter(|said| !said.is_empty())
}
