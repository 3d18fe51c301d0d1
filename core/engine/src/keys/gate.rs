//! What keys mean for playback: what is asked for, what waits, what is left out.

use std::sync::Arc;
use std::time::Duration;

use telecine_container::Fragment;
use telecine_delivery::RequestClass;
use telecine_drm::session::{KeyAnswer, KeyResponse, When};
use telecine_drm::system::{DataUri, KeyRequirement};
use telecine_model::protection::{Key, KeyId};
use telecine_model::{uri, Error, ErrorCode, Handling, MediaTime, SortedMap, SortedSet, TrackKind};

use super::facts::{KeyFact, NeedId, NeedState};
use super::files::{Bar, Cover};
use super::licences::{Licences, NewNeed};
use crate::action::{Action, CdmOrder};
use crate::engine::Engine;
use crate::event::{DecisionKind, Event, State};
use crate::input::RequestId;
use crate::media::{MediaFact, Piece};
use crate::requests::{Purpose, Request};
use crate::stream::{InitKey, RenditionRef, SegmentFetch, Stream};

/// Rounds of deciding by what came of keys within one input.
const ROUNDS: u32 = 8;

/// Keys of what comes next are asked for so long ahead.
const AHEAD: MediaTime = MediaTime::from_secs(60);

/// What says which keys are needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The multivariant playlist, ahead of everything.
    Session,
    /// What an MPD says of a rendition, or nothing but its media.
    Rendition(RenditionRef),
    /// Key tags: method, absolute URI and format of each.
    Tags(Vec<(String, String, String)>),
}

impl Source {
    /// Of the key tags in force. Vectors do not matter: they change with each segment.
    pub(crate) fn tags(keys: &[Key], base: &str) -> Self {
        let resolved = |reference: &str| match DataUri::is_one(reference) {
            true => reference.to_owned(),
            false => uri::resolve(base, reference),
        };
        let tag = |key: &Key| {
            let uri = key.uri.as_deref().map(resolved).unwrap_or_default();
            (key.method.name().to_owned(), uri, key.key_format.clone())
        };
        Self::Tags(keys.iter().map(tag).collect())
    }
}

/// Which keys are needed, and whether they are there.
pub(crate) struct Keys {
    /// None in a replay.
    pub(crate) live: Option<Box<Licences>>,
    next: u64,
    known: SortedMap<(Source, Vec<KeyId>), NeedId>,
    states: SortedMap<NeedId, NeedState>,
    /// What has no state of its own is for the key system of the device.
    pub(crate) through: bool,
    /// Something was asked for in this round.
    fresh: bool,
    /// Fragments that were decrypted in this input.
    decrypted: u32,
    /// Why keys were lost last.
    told: Option<Error>,
}

impl Keys {
    /// Renditions are at other places now.
    pub(crate) fn move_periods(&mut self, moved: impl Fn(RenditionRef) -> Option<RenditionRef>) {
        let known = std::mem::take(&mut self.known).into_iter();
        self.known = known
            .filter_map(|((source, keys), id)| match source {
                Source::Rendition(reference) => Some(((Source::Rendition(moved(reference)?), keys), id)),
                other => Some(((other, keys), id)),
            })
            .collect();
    }

    pub(crate) fn new(live: Licences) -> Self {
        Self {
            live: Some(Box::new(live)),
            next: 0,
            known: SortedMap::new(),
            states: SortedMap::new(),
            through: false,
            fresh: false,
            decrypted: 0,
            told: None,
        }
    }

    /// Forgets what a title needed.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.states.clear();
        self.through = false;
        self.fresh = false;
        self.told = None;
    }

    fn state(&self, id: NeedId) -> &NeedState {
        self.states.get(&id).unwrap_or(&NeedState::Waiting)
    }
}

impl Engine {
    /// Lets everything that may follow from the input follow, keys included.
    pub(crate) fn settle_with_keys(&mut self) {
        self.keys.decrypted = 0;
        if let Some(live) = &mut self.keys.live {
            live.tick(self.now);
        }
        for round in 0..ROUNDS {
            self.settle();
            if !self.hear_of_keys(round) {
                return;
            }
        }
    }

    /// Takes in what came of keys; true if there was anything, or something was asked for.
    fn hear_of_keys(&mut self, round: u32) -> bool {
        let asked = std::mem::take(&mut self.keys.fresh);
        let facts = match (&mut self.recorded, self.keys.live.is_some()) {
            (Some(recorded), _) => {
                let at = recorded.rounds.iter().position(|(number, _)| *number == round);
                at.map(|at| recorded.rounds.remove(at).1).unwrap_or_default()
            }
            (None, true) => {
                let needs = self.needs_in_use();
                let Some(live) = &mut self.keys.live else { return asked };
                live.use_needs(needs, self.now);
                live.pump(self.now)
            }
            (None, false) => Vec::new(),
        };
        if facts.is_empty() {
            return asked;
        }
        self.findings.rounds.push((round, facts.iter().map(|fact| fact.redacted(&self.outbox.secrets)).collect()));
        for fact in facts {
            self.on_key_fact(fact);
        }
        true
    }

    fn on_key_fact(&mut self, fact: KeyFact) {
        match fact {
            KeyFact::Need(id, state) => self.on_need(id, state),
            KeyFact::Through(through) => self.keys.through = through,
            KeyFact::Cdm(note) => {
                let command = self.keys.live.as_mut().and_then(|live| live.commands.pop_front());
                self.outbox.push(Action::Cdm(Box::new(CdmOrder { note, command })));
            }
            KeyFact::Request { id, url, attempt, timeout_us } => {
                let licence = self.keys.live.as_mut().and_then(|live| live.requests.pop_front()).map(Box::new);
                let asked = self.fetch_licence(id, url, attempt, Duration::from_micros(timeout_us), licence);
                if let Err(error) = asked {
                    // The next round hears of it.
                    self.on_licence_failed(id, error.code());
                    self.keys.fresh = true;
                }
            }
            KeyFact::Cancel(id) => {
                if let Some(request) = self.requests.find(&Purpose::Licence(id)) {
                    self.cancel(request);
                }
            }
            KeyFact::System { name, why } => self.decide(DecisionKind::KeySystem, None, None, Some(name), why),
            KeyFact::Recovered(error) => self.report(error),
            KeyFact::Store(licence) => self.emit(Event::LicenceStored { at: self.now, licence }),
            KeyFact::Forget(name) => self.emit(Event::LicenceForgotten { at: self.now, name }),
            KeyFact::Released { name, acknowledged } => {
                self.emit(Event::LicenceReleased { at: self.now, name, acknowledged });
            }
        }
    }

    /// What keys are needed for is in another state than before.
    fn on_need(&mut self, id: NeedId, state: NeedState) {
        let before = self.keys.states.insert(id, state.clone());
        if !self.playback.is_active() {
            return;
        }
        match &state {
            NeedState::Gone(error) => {
                self.tell_of_loss(id, error.clone());
                self.drop_what_was_passed(id, before.as_ref());
            }
            NeedState::Usable { .. } => {
                if matches!(before, Some(NeedState::Gone(_) | NeedState::Downscaled)) {
                    self.tell_of_return(id);
                }
                self.take_what_is_there();
            }
            NeedState::Downscaled | NeedState::Waiting | NeedState::Unknown => {}
        }
    }

    /// Renditions of streams that are under a need.
    fn renditions_of(&self, id: NeedId) -> Vec<(TrackKind, RenditionRef)> {
        let of = |stream: &Stream| {
            let steps = stream.ladder.iter().flat_map(crate::select::Step::candidates);
            let references: Vec<RenditionRef> = steps.map(|rendition| stream.reference(rendition)).collect();
            references.into_iter().map(|reference| (stream.kind, reference)).collect::<Vec<_>>()
        };
        let under = |reference: &RenditionRef| {
            self.title.rendition_needs.get(reference).is_some_and(|(_, need)| *need == id)
                || matches!(self.title.barred.get(reference), Some(Bar::Need(need)) if *need == id)
        };
        self.streams.values().flat_map(of).filter(|(_, reference)| under(reference)).collect()
    }

    fn tell_of_loss(&mut self, id: NeedId, error: Error) {
        let lost = self.renditions_of(id);
        // Who has nothing left says so when it fetches next; until then what is buffered plays.
        if lost.is_empty() {
            return;
        }
        // One cause may be that of many.
        if self.keys.told.as_ref() != Some(&error) {
            self.report(error.clone().recovered(Handling::Replaced));
            self.keys.told = Some(error.clone());
        }
        for (kind, reference) in lost {
            let name = self.rendition(reference).map(|rendition| rendition.id.clone());
            self.decide(DecisionKind::Key, Some(kind), name, None, vec![error.message().to_owned()]);
        }
    }

    fn tell_of_return(&mut self, id: NeedId) {
        for (kind, reference) in self.renditions_of(id) {
            let name = self.rendition(reference).map(|rendition| rendition.id.clone());
            self.decide(DecisionKind::Key, Some(kind), None, name, vec!["its keys can be used".to_owned()]);
        }
    }

    /// What was passed to the key system of the device and can no longer be shown is fetched in another rendition.
    fn drop_what_was_passed(&mut self, id: NeedId, before: Option<&NeedState>) {
        if !matches!(before, Some(NeedState::Usable { through: true } | NeedState::Downscaled)) {
            return;
        }
        let position = self.position();
        let concerned: Vec<TrackKind> = self
            .streams
            .values()
            .filter(|stream| stream.kept.iter().any(|(end, need)| *need == id && *end > position))
            .map(|stream| stream.kind)
            .collect();
        if concerned.is_empty() {
            return;
        }
        // Decoders begin anew where they are: it is a seek on the spot.
        let running = self.playback.started || self.playback.seek.is_some();
        if running && self.playback.state != State::Ended {
            self.begin_seek(position, false);
        }
        for kind in concerned {
            self.drop_fetch(kind);
            let Some(stream) = self.streams.get_mut(&kind) else { continue };
            let outputs = stream.outputs.clone();
            let wasted = stream.buffer.clear();
            stream.kept.clear();
            stream.restart(position);
            stream.show_from = Some(position);
            self.qoe.wasted(wasted);
            for kind in outputs {
                let (from, to) = (MediaTime::MIN, MediaTime::MAX);
                self.sink(crate::action::SinkCommand::Remove { kind, from, to });
            }
        }
        if !self.capabilities.random_access {
            self.refill(position);
        }
        if self.playback.seek.is_some() {
            self.seek_sink(position);
        }
    }

    /// Who waits for keys while others are there takes those, if nothing is left to play.
    fn take_what_is_there(&mut self) {
        let position = self.position();
        let waits = |stream: &&Stream| {
            let held = stream.fetch.as_ref().filter(|fetch| fetch.appended == 0).and_then(|fetch| fetch.held.front());
            let waiting =
                held.and_then(|piece| piece.need).is_some_and(|id| *self.keys.state(id) == NeedState::Waiting);
            waiting && stream.ahead(position) <= self.config.start_buffer
        };
        let kinds: Vec<TrackKind> = self.streams.values().filter(waits).map(|stream| stream.kind).collect();
        for kind in kinds {
            let Some(stream) = self.streams.get(&kind) else { continue };
            let Some(fetch) = &stream.fetch else { continue };
            let current = fetch.rendition.rendition;
            let other = self.usable_steps(stream).iter().find(|step| step.rendition != current).map(|s| s.rendition);
            let ready = other.is_some_and(|other| self.is_ready(stream, other));
            if !ready {
                continue;
            }
            let from = self.rendition_name(kind, current);
            let why = vec!["its keys are still on their way, those of others are there".to_owned()];
            self.drop_fetch(kind);
            self.drop_torn(kind);
            self.decide(DecisionKind::Key, Some(kind), from, None, why);
        }
    }

    /// Whether nothing is known to be missing of a rendition's keys.
    pub(crate) fn is_ready(&self, stream: &Stream, rendition: usize) -> bool {
        let need = self.title.rendition_needs.get(&stream.reference(rendition));
        need.is_none_or(|(_, id)| self.keys.state(*id).is_ready())
    }

    /// Whether a rendition is shown smaller than it is.
    pub(crate) fn is_downscaled(&self, stream: &Stream, rendition: usize) -> bool {
        let need = self.title.rendition_needs.get(&stream.reference(rendition));
        need.is_some_and(|(_, id)| *self.keys.state(*id) == NeedState::Downscaled)
    }

    /// Why something that keys are needed for cannot be played.
    pub(crate) fn need_fault(&self, id: NeedId) -> Option<&Error> {
        match self.keys.state(id) {
            NeedState::Gone(error) => Some(error),
            _ => None,
        }
    }

    /// Asks for the keys of what a kind may fetch at a time, and soon after. True if something was asked for that
    /// nobody had: then it is known in the next round what came of it.
    pub(crate) fn ask_for_keys(&mut self, kind: TrackKind, at: MediaTime) -> bool {
        let Some(stream) = self.streams.get(&kind) else { return false };
        let steps = stream.ladder.iter().flat_map(crate::select::Step::candidates);
        let mut references: Vec<RenditionRef> = steps.map(|rendition| stream.reference(rendition)).collect();
        references.truncate(self.config.limits.key_sessions);
        for reference in references {
            self.ask_for_rendition(kind, reference, at);
        }
        self.ask_for_next_period(kind, at);
        self.keys.fresh
    }

    fn ask_for_rendition(&mut self, kind: TrackKind, reference: RenditionRef, at: MediaTime) {
        let Some(rendition) = self.rendition(reference) else { return };
        if self.is_dash() {
            if !rendition.protection.is_empty() && !self.title.rendition_needs.contains_key(&reference) {
                let id = self.need(Source::Rendition(reference), kind, Some(reference), When::Now);
                self.title.rendition_needs.insert(reference, (Arc::from([]), id));
            }
            return;
        }
        let Some(index) = rendition.segments.known() else { return };
        let Some(number) = index.number_at(at) else { return };
        let Some((_, keys)) = index.keys.get_with_start(number) else { return };
        let (keys, base) = (Arc::clone(keys), Arc::clone(&index.base));
        // What comes behind it, if that is near.
        let mut later: Vec<(Arc<[Key]>, MediaTime)> = Vec::new();
        for next in number + 1..index.table.end_number() {
            let Some(start) = index.table.get(next).map(|span| index.time_of(span.start)) else { break };
            if start - at > AHEAD {
                break;
            }
            let Some(next) = index.keys.get(next) else { continue };
            if later.last().map_or(&keys, |(last, _)| last) != next {
                later.push((Arc::clone(next), start));
            }
        }
        let known = self.title.rendition_needs.get(&reference).is_some_and(|(known, _)| *known == keys);
        if !known {
            match Cover::of(&keys, &base) {
                Ok(Cover::Samples(_)) => {
                    let id = self.need(Source::tags(&keys, &base), kind, Some(reference), When::Now);
                    self.title.rendition_needs.insert(reference, (keys, id));
                }
                _ => {
                    self.title.rendition_needs.remove(&reference);
                }
            }
        }
        for (keys, start) in later {
            if matches!(Cover::of(&keys, &base), Ok(Cover::Samples(_))) {
                let by = self.now + self.real(start - self.position());
                self.need_of_tags(&keys, &base, kind, Some(reference), When::By(by));
            }
        }
    }

    /// Asks for the keys of the period that follows, if that is near.
    fn ask_for_next_period(&mut self, kind: TrackKind, at: MediaTime) {
        let Some(stream) = self.streams.get(&kind) else { return };
        let (period, track) = (stream.period, stream.track);
        let next = self.title.presentation.as_ref().and_then(|p| p.periods.get(period + 1)).map(|p| p.start);
        let Some(start) = next.filter(|start| *start - at <= AHEAD) else { return };
        let Some((track, _)) = self.pick_track(period + 1, kind, Some((period, track))) else { return };
        let count = self.track(period + 1, track).map_or(0, |track| track.renditions.len());
        let by = self.now + self.real(start - self.position());
        for rendition in 0..count.min(self.config.limits.key_sessions) {
            let reference = RenditionRef { period: period + 1, track, rendition };
            let protected = self.rendition(reference).is_some_and(|rendition| !rendition.protection.is_empty());
            if protected && !self.title.rendition_needs.contains_key(&reference) {
                let id = self.need(Source::Rendition(reference), kind, Some(reference), When::By(by));
                self.title.rendition_needs.insert(reference, (Arc::from([]), id));
            }
        }
    }

    /// Asks for the keys that a multivariant playlist names ahead (`EXT-X-SESSION-KEY`).
    pub(crate) fn ask_for_session_keys(&mut self) {
        let Some(presentation) = &self.title.presentation else { return };
        let (keys, base) = (presentation.session_keys.clone(), presentation.uri.clone());
        if matches!(Cover::of(&keys, &base), Ok(Cover::Samples(_)))
            && !self.keys.known.contains_key(&(Source::Session, Vec::new()))
        {
            let requirement = KeyRequirement::from_keys(&keys, &base, None, &self.config.limits);
            self.add_need(Source::Session, Vec::new(), TrackKind::Video, None, When::Now, requirement);
        }
    }

    fn need_of_tags(
        &mut self,
        keys: &[Key],
        base: &str,
        kind: TrackKind,
        of: Option<RenditionRef>,
        when: When,
    ) -> NeedId {
        let source = Source::tags(keys, base);
        if let Some(id) = self.keys.known.get(&(source.clone(), Vec::new())) {
            return *id;
        }
        let requirement = KeyRequirement::from_keys(keys, base, None, &self.config.limits);
        self.add_need(source, Vec::new(), kind, of, when, requirement)
    }

    /// The need of what a manifest says.
    fn need(&mut self, source: Source, kind: TrackKind, of: Option<RenditionRef>, when: When) -> NeedId {
        if let Some(id) = self.keys.known.get(&(source.clone(), Vec::new())) {
            return *id;
        }
        let requirement = self.requirement_of(&source, of);
        self.add_need(source, Vec::new(), kind, of, when, requirement)
    }

    fn requirement_of(&self, source: &Source, of: Option<RenditionRef>) -> Option<KeyRequirement> {
        let limits = &self.config.limits;
        match source {
            Source::Session => None,
            Source::Rendition(reference) => {
                KeyRequirement::from_protections(&self.rendition(*reference)?.protection, limits)
            }
            Source::Tags(_) => {
                let index = self.rendition(of?)?.segments.known()?;
                let keys =
                    index.keys.iter().map(|(_, keys)| keys).find(|keys| Source::tags(keys, &index.base) == *source);
                KeyRequirement::from_keys(keys?, &index.base, None, limits)
            }
        }
    }

    fn add_need(
        &mut self,
        source: Source,
        kids: Vec<KeyId>,
        kind: TrackKind,
        of: Option<RenditionRef>,
        when: When,
        requirement: Option<KeyRequirement>,
    ) -> NeedId {
        let id = NeedId(self.keys.next);
        self.keys.next += 1;
        self.keys.known.insert((source, kids.clone()), id);
        self.keys.fresh = true;
        let hdcp_level = of.and_then(|of| self.rendition(of)?.hdcp_level.clone());
        if let Some(live) = &mut self.keys.live {
            let requirement = requirement.unwrap_or_default();
            live.need(id, NewNeed { requirement, kind, hdcp_level, kids, when });
        }
        id
    }

    /// The need of a fragment that was read, by the keys that its samples name.
    pub(crate) fn need_of_fragment(&mut self, kind: TrackKind, kids: &[KeyId], piece: &Piece) -> Option<NeedId> {
        let stream = self.streams.get(&kind)?;
        let fetch = stream.fetch.as_ref()?;
        let source = fetch.keys.clone().unwrap_or(Source::Rendition(fetch.rendition));
        if let Some(id) = self.keys.known.get(&(source.clone(), kids.to_vec())) {
            return Some(*id);
        }
        let of = Some(fetch.rendition);
        let requirement = self.keys.live.as_ref().map(|live| {
            let base = self.requirement_of(&source, of).unwrap_or_default();
            let init = self.init_of(stream, fetch).and_then(|init| init.segment.as_deref());
            live.of_fragment(base, kids, init, piece.fragment.as_deref())
        });
        Some(self.add_need(source, kids.to_vec(), kind, of, When::Now, requirement))
    }

    /// Whether there was a need of these keys of what is fetched before.
    pub(crate) fn has_needed(&self, fetch: &SegmentFetch, kids: &[KeyId]) -> bool {
        let source = fetch.keys.clone().unwrap_or(Source::Rendition(fetch.rendition));
        self.keys.known.contains_key(&(source, kids.to_vec()))
    }

    /// What becomes of the piece of a kind's segment that is next: true if it may be handed on.
    pub(crate) fn may_pass(&mut self, kind: TrackKind, need: Option<NeedId>) -> bool {
        let Some(id) = need else { return true };
        match self.keys.state(id).clone() {
            NeedState::Usable { .. } | NeedState::Downscaled => true,
            NeedState::Waiting | NeedState::Unknown => false,
            NeedState::Gone(error) => {
                let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
                if let Some(reference) = fetch.map(|fetch| fetch.rendition) {
                    self.title.barred.insert(reference, Bar::Need(id));
                }
                self.replace_unkeyed(kind, error);
                false
            }
        }
    }

    /// Whether what a need is of is passed to the key system of the device.
    pub(crate) fn goes_through(&self, need: Option<NeedId>) -> bool {
        match need.map(|id| self.keys.state(id)) {
            Some(NeedState::Usable { through }) => *through,
            Some(NeedState::Downscaled) => true,
            _ => self.keys.through,
        }
    }

    /// Makes a fragment clear, unless it goes through as it is.
    ///
    /// # Errors
    /// `DecryptFailed` and `KeyUnavailable`, which a replay knows of the recording.
    pub(crate) fn clear_fragment(&mut self, piece: Piece) -> Result<Option<Arc<Fragment>>, Error> {
        if piece.need.is_none() || self.goes_through(piece.need) {
            return Ok(piece.fragment);
        }
        let ordinal = self.keys.decrypted;
        self.keys.decrypted += 1;
        if let Some(recorded) = &self.recorded {
            let failed = recorded.failed.iter().find(|(number, _)| *number == ordinal);
            return failed.map_or(Ok(None), |(_, error)| Err(error.clone()));
        }
        let (Some(fragment), Some(encryption)) = (piece.fragment, piece.encryption) else { return Ok(None) };
        let mut fragment = Arc::unwrap_or_clone(fragment);
        let Some(live) = &mut self.keys.live else { return Ok(Some(Arc::new(fragment))) };
        match live.decrypt(piece.need, &mut fragment, &encryption) {
            Ok(()) => Ok(Some(Arc::new(fragment))),
            Err(error) => {
                self.findings.failed.push((ordinal, error.clone()));
                Err(error)
            }
        }
    }

    /// Whether playback waits for keys.
    pub(crate) fn awaits_keys(&self, stream: &Stream) -> bool {
        let Some(fetch) = &stream.fetch else { return false };
        let held = fetch.held.front().and_then(|piece| piece.need);
        let locked = !fetch.early.is_empty() && fetch.locks().any(|lock| !self.title.key_files.opens(lock));
        locked || held.is_some_and(|id| *self.keys.state(id) == NeedState::Waiting)
    }

    /// Needs of what plays, is buffered, is being loaded or may be.
    fn needs_in_use(&mut self) -> SortedSet<NeedId> {
        let mut needs = SortedSet::new();
        if !self.playback.is_active() && self.playback.state != State::Ended {
            return needs;
        }
        let keep = self.position() - self.config.back_buffer;
        for stream in self.streams.values_mut() {
            while stream.kept.front().is_some_and(|(end, _)| *end < keep) {
                stream.kept.pop_front();
            }
            needs.extend(stream.kept.iter().map(|(_, need)| *need));
            needs.extend(stream.fetch.iter().flat_map(|fetch| fetch.held.iter().filter_map(|piece| piece.need)));
            for (reference, (_, need)) in &self.title.rendition_needs {
                if (reference.period, reference.track) == (stream.period, stream.track) {
                    needs.insert(*need);
                }
            }
        }
        needs
    }

    fn fetch_licence(
        &mut self,
        id: u64,
        url: String,
        attempt: u32,
        timeout: Duration,
        licence: Option<Box<telecine_drm::session::KeyRequest>>,
    ) -> Result<RequestId, Error> {
        self.check_reference(&url)?;
        let mut request = self.request(RequestClass::Key, None, url, None);
        request.attempt = attempt;
        request.head_timeout = request.head_timeout.max(timeout);
        request.licence = licence;
        Ok(self.send(request, Purpose::Licence(id)))
    }

    /// A server answered a request of key sessions.
    pub(crate) fn on_licence(&mut self, id: u64, mut request: Request) {
        let Some(live) = &mut self.keys.live else { return };
        let head = request.head.as_ref();
        let asked = head.and_then(|head| Some((head.retry_after.as_deref()?, head.date)));
        let response = KeyResponse {
            status: head.map_or(0, |head| head.status),
            retry_after: asked.and_then(|(value, date)| telecine_delivery::parse_retry_after(value, date)),
            body: std::mem::take(&mut *request.secret).into(),
        };
        live.on_answer(id, Ok(response), self.now);
    }

    /// A request of key sessions failed on its way.
    pub(crate) fn on_licence_failed(&mut self, id: u64, code: ErrorCode) {
        let answer: KeyAnswer = Err(code);
        if let Some(live) = &mut self.keys.live {
            live.on_answer(id, answer, self.now);
        }
    }
}

/// What the sink was configured for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configured {
    pub(crate) rendition: RenditionRef,
    pub(crate) init: Option<InitKey>,
    /// Samples come as they are, for the key system of the device.
    pub(crate) through: bool,
}

impl Configured {
    pub(crate) fn of(fetch: &SegmentFetch, through: bool) -> Self {
        Self { rendition: fetch.rendition, init: fetch.init.clone(), through }
    }
}

/// The parts of a fragment's fact, whether it is protected or not.
pub(crate) fn fragment_of(fact: &MediaFact) -> Option<(&[crate::media::FragmentTrack], &[KeyId])> {
    match fact {
        MediaFact::Fragment(tracks) => Some((tracks, &[])),
        MediaFact::Protected { tracks, keys } => Some((tracks, keys)),
        _ => None,
    }
}
