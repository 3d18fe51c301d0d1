//! What takes the place of media that cannot be had: another base, another rendition, or a hole.

use telecine_model::presentation::BaseUrl;
use telecine_model::{uri, Error, ErrorCode, Handling, MediaTime, Rendition, Segments, Timestamp, TrackKind};

use crate::buffer::{Item, SEAM};
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::requests::{Purpose, Request};
use crate::select::Step;
use crate::stream::{RenditionRef, SegmentFetch, Stream};

/// Places are told to the millisecond: what is shorter is the rounding of times, and nothing that is left out.
pub(crate) const LEAST_TOLD: MediaTime = MediaTime::from_millis(1);
/// Segments in a row that may be left out before no further one is asked for.
const MISSING_IN_A_ROW: u32 = 12;
/// So many, where none of the track has ever come, before another track is played.
const MISSING_FROM_THE_START: u32 = 3;
/// What is left until then is not come back to.
const FOR_GOOD: Timestamp = Timestamp::from_micros(u64::MAX);

impl Engine {
    /// Leaves media out.
    pub(crate) fn skip(&mut self, kind: TrackKind, from: MediaTime, to: MediaTime, why: Vec<String>) {
        let shift = self.streams.get(&kind).and_then(|stream| stream.shift).unwrap_or_default();
        self.skip_at(kind, (from, to), shift, why);
    }

    /// The same, where it is known how far before where the manifest has it the media would be.
    pub(crate) fn skip_at(
        &mut self,
        kind: TrackKind,
        (from, to): (MediaTime, MediaTime),
        shift: MediaTime,
        why: Vec<String>,
    ) {
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let rendition = stream.rendition.unwrap_or(0);
        stream.buffer.put(Item::hole((from, to), shift, stream.period, rendition));
        stream.break_off();
        if to - from < LEAST_TOLD {
            return;
        }
        let why = if why.is_empty() { vec!["the manifest has nothing here".to_owned()] } else { why };
        self.decide(DecisionKind::Skip, Some(kind), Some(from.to_string()), Some(to.to_string()), why);
    }

    /// What a reference of a rendition stands for on the best of its bases that has not failed (DASH
    /// BaseURLs), with the queries that go there.
    pub(crate) fn on_good_base(&self, reference: RenditionRef, uri: &str) -> String {
        let Some(rendition) = self.rendition(reference) else {
            return uri.to_owned();
        };
        let (base, queries) = match &rendition.segments {
            Segments::Known(index) => (&*index.base, &index.queries),
            Segments::Indexed(source) => (&*source.base, &source.queries),
            Segments::Unloaded => return uri.to_owned(),
        };
        let good = self.good_base(rendition);
        queries.appended(uri::resolve(good.map_or(base, |good| &good.uri), uri))
    }

    /// A rendition's playlist or index cannot be had: others have to do.
    pub(crate) fn replace_rendition(&mut self, reference: RenditionRef, error: Error, why: Vec<String>) {
        // What the network kept away may come later; what is wrong stays wrong.
        let until = match error.code() {
            ErrorCode::DnsFailed
            | ErrorCode::ConnectFailed
            | ErrorCode::Timeout
            | ErrorCode::ConnectionLost
            | ErrorCode::Throttled
            | ErrorCode::ManifestStale
            | ErrorCode::ManifestRewound => self.now + self.config.location_rest,
            // The servers of a title that goes on come back.
            ErrorCode::HttpStatus if self.is_live() => self.now + self.config.location_rest,
            _ => FOR_GOOD,
        };
        self.title.dead.insert(reference, until);
        let mut left = false;
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        let mut concerned = None;
        for kind in kinds {
            let Some(stream) = self.streams.get_mut(&kind) else {
                continue;
            };
            if (stream.period, stream.track) != (reference.period, reference.track) {
                continue;
            }
            concerned = Some(kind);
            if stream.awaits == Some(reference) {
                stream.awaits = None;
            }
            let is_left =
                |engine: &Self| engine.streams.get(&kind).is_some_and(|stream| !engine.usable_steps(stream).is_empty());
            left |= is_left(self) || (self.take_up_known(reference) && is_left(self));
        }
        let error = concerned.into_iter().fold(error, |error, kind| self.in_rendition(error, kind, reference));
        match concerned {
            Some(TrackKind::Text) if !left => {
                self.report(error.recovered(Handling::Skipped));
                self.disable(TrackKind::Text);
            }
            Some(kind) if left => {
                let name = self.rendition(reference).map(|rendition| rendition.id.clone());
                self.report(error.recovered(Handling::Replaced));
                self.decide(DecisionKind::Pathway, Some(kind), name, None, why);
            }
            // Sound in another codec is better than none,
            Some(TrackKind::Audio)
                if error.code() == ErrorCode::CodecUnsupported
                    && self.pick_track(reference.period, TrackKind::Audio, None).is_some() =>
            {
                self.report(error.recovered(Handling::Replaced));
                self.change_tracks(TrackKind::Audio, self.position());
            }
            // and a picture without its sound is better than nothing.
            Some(TrackKind::Audio)
                if error.code() == ErrorCode::CodecUnsupported && self.streams.contains_key(&TrackKind::Video) =>
            {
                self.report(error.recovered(Handling::Skipped));
                self.go_without_sound(reference.period);
            }
            Some(kind) => self.give_up_period(kind, error, why),
            None => self.report(error.recovered(Handling::Skipped)),
        }
    }

    /// Other renditions of a live track that are known, and were left because nothing new came.
    pub(crate) fn left_though_known(&self, reference: RenditionRef) -> impl Iterator<Item = RenditionRef> + '_ {
        let of_track = move |other: &RenditionRef| {
            (other.period, other.track) == (reference.period, reference.track) && *other != reference
        };
        self.title.dead.keys().copied().filter(of_track).filter(|other| self.is_reload(*other))
    }

    /// Nothing of a track of a live title can be had elsewhere: what is known of it is followed again until it is given up.
    /// True if there is any.
    fn take_up_known(&mut self, reference: RenditionRef) -> bool {
        let known: Vec<RenditionRef> = self.left_though_known(reference).collect();
        for reference in &known {
            self.title.dead.remove(reference);
        }
        !known.is_empty()
    }

    /// The sound of a period cannot be decoded: silence to its end if a later one has any that can, else no sound.
    fn go_without_sound(&mut self, period: usize) {
        match self.streams.get(&TrackKind::Audio) {
            Some(stream) if self.comes_later(period, TrackKind::Audio) => {
                let from = stream.next_time(self.needed_from(stream));
                self.be_absent(TrackKind::Audio, from);
            }
            _ => self.disable(TrackKind::Audio),
        }
    }

    /// What a stream is fetching cannot be decoded, nor anything else of its rendition.
    pub(crate) fn leave_undecodable(&mut self, kind: TrackKind, error: Error) {
        if self.fetches_again(kind) {
            return self.fail_again(kind, &error);
        }
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let placed = fetch.map(|fetch| (fetch.rendition, self.in_segment(error, kind, fetch, fetch.init.is_some())));
        self.drop_fetch(kind);
        self.drop_torn(kind);
        if let Some((reference, error)) = placed {
            self.replace_rendition(reference, error, Vec::new());
        }
    }

    /// A segment (or its initialisation section) cannot be had from where it was looked for:
    /// another base, another rendition, or playback goes on behind it.
    pub(crate) fn replace_segment(&mut self, kind: TrackKind, error: Error, why: Vec<String>) {
        self.replace_segment_at(kind, None, error, why);
    }

    /// The same, where the service location to go on at may be known.
    pub(crate) fn replace_segment_at(
        &mut self,
        kind: TrackKind,
        elsewhere: Option<String>,
        error: Error,
        mut why: Vec<String>,
    ) {
        if self.fetches_again(kind) {
            return self.fail_again(kind, &error);
        }
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let Some(fetch) = stream.fetch.take() else { return };
        let (requests, reference) = ([fetch.request, fetch.init_request], fetch.rendition);
        let error = self.in_segment(error, kind, &fetch, false);
        for id in requests.into_iter().flatten() {
            self.cancel(id);
        }
        self.forget_retries(kind);
        if self.leave_out_again(kind, &fetch) {
            return self.report(error.recovered(Handling::Skipped));
        }
        // Where the retry policy gave its reason, that names the cause; the error itself is told beside the decision.
        if why.is_empty() {
            why.push(error.message().to_owned());
        }
        if let Some(next) = elsewhere.or_else(|| self.next_location(reference)) {
            self.drop_torn(kind);
            self.report(error.recovered(Handling::Replaced));
            return self.decide(DecisionKind::Pathway, Some(kind), None, Some(self.outbox.secrets.shown(&next)), why);
        }
        if fetch.appended > 0 {
            return self.replace_rest(kind, &fetch, error, why);
        }
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        // The others were left out for as long as all were refused: what is wrong now is this one's.
        if stream.put_off.take().is_some() {
            stream.avoid.clear();
        }
        stream.avoid.insert(reference.rendition);
        let Some(stream) = self.streams.get(&kind) else { return };
        if !self.usable_steps(stream).is_empty() && !stays_away(stream, &error) {
            self.report(error.recovered(Handling::Replaced));
            let from = self.rendition_name(kind, reference.rendition);
            return self.decide(DecisionKind::Pathway, Some(kind), from, None, why);
        }
        // The same thing missing again and again is not a gap: the rest of the period is broken.
        let broken =
            stream.is_essential() && stream.lost.segments >= MISSING_IN_A_ROW && !self.may_come_back(stream, &fetch);
        let pictured = self.is_pictured(stream);
        let never = !stream.came && stream.lost.segments >= MISSING_FROM_THE_START;
        let hopeless = broken || (never && is_absence(&error) && (pictured || !self.may_come_back(stream, &fetch)));
        let error = match hopeless && kind == TrackKind::Audio {
            true => match self.change_sound(reference, error) {
                Some(error) => error,
                None => return,
            },
            false => error,
        };
        let Some(stream) = self.streams.get(&kind) else { return };
        let period_end = self.period_end(stream.period);
        if broken && period_end.is_none() {
            let cause = stream.lost.cause.clone().unwrap_or(error);
            return self.cut_short(kind, cause);
        }
        let (now, absent) = (self.now, is_absence(&error));
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.lost.add(fetch.end - fetch.start, &error, now);
        }
        self.report(error.recovered(Handling::Skipped));
        // The sink may still have some of it from before.
        let end = period_end.filter(|_| broken).unwrap_or(fetch.end);
        let missing = self.streams.get(&kind).map(|stream| stream.buffer.without_media(fetch.start, end));
        for (from, to) in missing.unwrap_or_default() {
            self.skip(kind, from, to, why.clone());
        }
        if absent && !broken {
            self.look_again(kind, &fetch);
        }
    }

    /// Where the picture of a stream's period has come, it is not the whole source that is late with it.
    pub(crate) fn is_pictured(&self, stream: &Stream) -> bool {
        self.streams.get(&TrackKind::Video).is_some_and(|video| video.came && video.period == stream.period)
    }

    /// What a request was for is not there, and without it there is nothing of a rendition of sound: see
    /// [`change_sound`](Self::change_sound).
    pub(crate) fn change_sound_without(&mut self, request: &Request, error: Error) -> Option<Error> {
        let sound = self.streams.get(&TrackKind::Audio).filter(|_| request.fetch.kind == Some(TrackKind::Audio));
        let reference = sound.and_then(|stream| match &request.purpose {
            Purpose::Init(..) => stream.fetch.as_ref().map(|fetch| fetch.rendition),
            Purpose::Playlist(reference) | Purpose::Index(reference) => Some(*reference),
            _ => None,
        });
        // Who does not answer, or refuses this viewer, does so for every language.
        let Some(reference) = reference.filter(|_| is_absence(&error)) else { return Some(error) };
        let error = self.change_sound(reference, error)?;
        if self.is_to_come(reference) {
            // What there is before it is played, and then it is as if it were found out there.
            self.drop_fetch(TrackKind::Audio);
            self.cut_short(TrackKind::Audio, error);
            return None;
        }
        Some(error)
    }

    /// Of sound there is nothing: another one of its period, in another language if need be, is better than none. It stays with
    /// that one for the rest of the period. The error is given back if there is no other, or the period is over.
    fn change_sound(&mut self, reference: RenditionRef, error: Error) -> Option<Error> {
        let RenditionRef { period, track, .. } = reference;
        let to_come = self.is_to_come(reference);
        // What the picture cannot have either is no matter of a language.
        let picture = self.streams.get(&TrackKind::Video).filter(|picture| picture.period == period);
        if picture.is_some_and(Stream::is_refused) {
            return Some(error);
        }
        if !to_come && self.period_at(self.position()) != Some(period) {
            return Some(error);
        }
        // Who refuses the second one too is out of order, and not one of its languages.
        let refused = !is_absence(&error);
        if refused && self.title.refused_sound.iter().any(|other| other.0 == period && other.1 != track) {
            return Some(error);
        }
        let renditions = self.track(period, track).map_or(0, |track| track.renditions.len());
        let left = (0..renditions).map(|rendition| (RenditionRef { rendition, ..reference }, FOR_GOOD));
        let before = self.title.dead.clone();
        self.title.dead.extend(left);
        if self.pick_track(period, TrackKind::Audio, None).is_none() {
            self.title.dead = before;
            return Some(error);
        }
        if refused {
            self.title.refused_sound.insert((period, track));
        }
        self.report(error.recovered(Handling::Replaced));
        match to_come {
            true => self.change_track_to_come(TrackKind::Audio),
            false => self.change_tracks(TrackKind::Audio, self.position()),
        }
        None
    }

    /// Whether a rendition is of the track that is fetched of a later period than the one that plays.
    fn is_to_come(&self, reference: RenditionRef) -> bool {
        let fetched = |stream: &Stream| (stream.period, stream.track) == (reference.period, reference.track);
        self.streams.values().any(fetched)
            && self.period_at(self.position()).is_some_and(|plays| plays < reference.period)
    }

    /// The rest of what a stream was fetching cannot be had; what came of it plays. Of a segment that comes part by part what
    /// came stays, and the rest is fetched in another rendition; of a whole one the rest is left out.
    fn replace_rest(&mut self, kind: TrackKind, fetch: &SegmentFetch, error: Error, why: Vec<String>) {
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let missing = stream.keep_what_came(fetch);
        // What ends a frame early is all there (and may be longer than was announced), unless more was asked for with it.
        let ends = missing + SEAM >= fetch.end;
        if ends && fetch.open.is_none() {
            stream.break_off();
            return self.report(error.recovered(Handling::Skipped));
        }
        // Where nobody answers it is the line, and no other rendition is better off.
        let silent = matches!(error.code(), ErrorCode::Timeout | ErrorCode::ConnectFailed | ErrorCode::DnsFailed);
        let avoided = fetch.part.filter(|_| !silent).map(|_| fetch.rendition.rendition);
        stream.avoid.extend(avoided);
        let Some(stream) = self.streams.get(&kind) else { return };
        if avoided.is_some() && !self.usable_steps(stream).is_empty() && !stays_away(stream, &error) {
            self.report(error.recovered(Handling::Replaced));
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.look_for_the_rest();
            }
            let from = self.rendition_name(kind, fetch.rendition.rendition);
            return self.decide(DecisionKind::Pathway, Some(kind), from, None, why);
        }
        self.report(error.recovered(Handling::Skipped));
        match self.streams.get_mut(&kind).filter(|_| ends) {
            Some(stream) => stream.break_off(),
            None => self.skip(kind, missing, fetch.end, why),
        }
    }

    /// Nothing of a kind can be had in its stream's period: on with the next one, or what there is is the end of it.
    fn give_up_period(&mut self, kind: TrackKind, error: Error, why: Vec<String>) {
        let Some(stream) = self.streams.get(&kind) else { return };
        let from = stream.next_time(self.needed_from(stream));
        match self.period_end(stream.period).filter(|end| from < *end && self.title.start.is_some()) {
            Some(end) => {
                self.report(error.recovered(Handling::Skipped));
                self.skip(kind, from, end, why);
            }
            None => self.cut_short(kind, error),
        }
    }

    /// Without its initialisation section nothing of a rendition can be read: while there are others, it is left alone for
    /// a while, and not asked for with each segment.
    pub(crate) fn rest_uninitialised(&mut self, kind: TrackKind, rendition: Option<RenditionRef>, why: ErrorCode) {
        if why != ErrorCode::HttpStatus {
            return;
        }
        let Some((stream, reference)) = self.streams.get(&kind).zip(rendition) else { return };
        if stream.avoid.contains(&reference.rendition) && !self.usable_steps(stream).is_empty() {
            self.title.dead.insert(reference, self.now + self.config.location_rest);
        }
    }

    /// A kind's stream has reached the end of the title. If its last segments could not be had, or none at all, the
    /// title was not played to its end. As much as one segment may be missing: durations that were rounded up announce
    /// one too many.
    pub(crate) fn end_stream(&mut self, kind: TrackKind) {
        let Some(stream) = self.streams.get(&kind) else { return };
        let most = self.segment_duration(stream) + SEAM;
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        stream.ended = true;
        let lost = !stream.delivered || stream.lost.time > most;
        if let Some(error) = stream.lost.cause.clone().filter(|_| lost && stream.is_essential()) {
            self.cut_short(kind, error);
        }
    }

    /// Nothing more of a kind can be had. What there is is played; where it ends, playback fails with the cause.
    pub(crate) fn cut_short(&mut self, kind: TrackKind, error: Error) {
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.ended = true;
            stream.cut_short = Some(error);
        }
        self.fail_where_cut_short();
    }

    /// Fails with the cause if the playhead is where the media of a kind was cut short.
    pub(crate) fn fail_where_cut_short(&mut self) {
        let arrived = |stream: &&Stream| stream.is_over(self.needed_from(stream), MediaTime::ZERO);
        let fault = self.streams.values().filter(arrived).find_map(|stream| stream.cut_short.clone());
        if let Some(error) = fault {
            self.fail(error);
        }
    }

    /// How many places the next segment of a stream may come from: renditions that are not known to
    /// fail, and further bases of the one that is fetched.
    pub(crate) fn choices(&self, stream: &Stream) -> usize {
        let usable = |rendition: &usize| self.is_usable(stream, *rendition);
        stream.ladder.iter().flat_map(Step::candidates).filter(usable).count() + self.other_bases(stream)
    }

    /// How many bases the rendition that a stream fetches has besides the one that is asked.
    pub(crate) fn other_bases(&self, stream: &Stream) -> usize {
        let rendition = stream.rendition.and_then(|r| self.rendition(stream.reference(r)));
        rendition
            .filter(|rendition| follows_bases(rendition))
            .map_or(0, |rendition| rendition.bases.iter().filter(|base| self.is_good(base)).count().saturating_sub(1))
    }

    /// Whether a rendition is left alone, because its playlist or index could not be had.
    pub(crate) fn is_dead(&self, reference: RenditionRef) -> bool {
        self.title.dead.get(&reference).is_some_and(|until| *until > self.now)
    }

    fn is_usable(&self, stream: &Stream, rendition: usize) -> bool {
        !stream.avoid.contains(&rendition) && self.may_be_had(stream, rendition)
    }

    /// The same, whatever became of the next segment in it.
    fn may_be_had(&self, stream: &Stream, rendition: usize) -> bool {
        !self.is_dead(stream.reference(rendition)) && self.key_fault(stream, rendition).is_none()
    }

    /// The ladder of a stream as far as its next segment can be had: each quality from the first of
    /// its renditions that is not known to fail.
    pub(crate) fn usable_steps(&self, stream: &Stream) -> Vec<Step> {
        self.usable_steps_with(stream, None)
    }

    /// The same, where one rendition is not avoided and comes before all others of its quality.
    pub(crate) fn usable_steps_with(&self, stream: &Stream, pardoned: Option<usize>) -> Vec<Step> {
        let own = |rendition: &usize| Some(*rendition) == pardoned && self.may_be_had(stream, *rendition);
        let usable = |step: &Step| {
            let other = || step.candidates().find(|rendition| self.is_usable(stream, *rendition));
            let rendition = step.candidates().find(own).or_else(other)?;
            Some(Step { rendition, ..step.clone() })
        };
        let mut steps: Vec<Step> = stream.ladder.iter().filter_map(usable).collect();
        // What waits for its keys is not fetched while there is something that does not; nor what the device
        // would show smaller than it is.
        if steps.iter().any(|step| self.is_ready(stream, step.rendition)) {
            steps.retain(|step| self.is_ready(stream, step.rendition));
        } else if steps.iter().any(|step| self.is_downscaled(stream, step.rendition)) {
            steps.retain(|step| self.is_downscaled(stream, step.rendition));
        }
        self.keep_within_caps(stream, &mut steps);
        steps
    }

    /// What the next segment of a stream can be had in instead of a rendition: the same quality from elsewhere, the next
    /// lower one that has it, or, where there is none, the next higher one.
    pub(crate) fn nearest_usable(&self, stream: &Stream, rendition: usize) -> Option<usize> {
        let own = stream.ladder.iter().position(|step| step.candidates().any(|candidate| candidate == rendition));
        let (lower, higher) = stream.ladder.split_at(own.map_or(0, |own| own + 1));
        let steps = lower.iter().rev().chain(higher);
        steps.flat_map(Step::candidates).find(|rendition| self.is_usable(stream, *rendition))
    }

    /// The service location at which what a request was for would be asked for now, if that is another than
    /// the one that it was asked for at: somebody else's failure has condemned that one meanwhile.
    pub(crate) fn moved_on(&self, request: &Request) -> Option<String> {
        let stream = self.streams.get(&request.fetch.kind?)?;
        let (reference, references) = match &request.purpose {
            Purpose::Index(reference) => match &self.rendition(*reference)?.segments {
                Segments::Indexed(source) => (*reference, vec![source.uri.clone()]),
                _ => return None,
            },
            Purpose::Init(..) | Purpose::Segment(_) | Purpose::Unanswered(_) => {
                let stands = matches!(request.purpose, Purpose::Unanswered(_));
                let fetch = if stands { stream.unanswered.as_deref() } else { stream.fetch.as_ref() }?;
                let segment = self.rendition(fetch.rendition)?.segments.known()?.get(fetch.number)?;
                let init = segment.init.map(|init| init.uri.clone());
                (fetch.rendition, std::iter::once(segment.reference).chain(init).collect())
            }
            _ => return None,
        };
        let good = self.rendition(reference)?.bases.iter().find(|base| self.is_good(base))?;
        let asked_now = |uri: &String| self.on_good_base(reference, uri) == request.fetch.url;
        (!references.iter().any(asked_now)).then(|| good.service_location.clone())
    }

    /// Declares the service location of a rendition bad, if there is another; gives that.
    pub(crate) fn next_location(&mut self, reference: RenditionRef) -> Option<String> {
        let rendition = self.rendition(reference).filter(|rendition| follows_bases(rendition))?;
        let mut good = rendition.bases.iter().filter(|base| self.is_good(base));
        let now = good.next()?.service_location.clone();
        let next = good.find(|base| base.service_location != now)?.service_location.clone();
        self.title.bad_locations.insert(now, self.now + self.config.location_rest);
        Some(next)
    }

    /// The best of a rendition's bases that may be asked.
    pub(crate) fn good_base<'a>(&self, rendition: &'a Rendition) -> Option<&'a BaseUrl> {
        rendition.bases.iter().find(|base| self.is_good(base))
    }

    /// Whether a base may be asked: it has not failed, or long ago.
    fn is_good(&self, base: &BaseUrl) -> bool {
        self.title.bad_locations.get(&base.service_location).is_none_or(|until| *until <= self.now)
    }
}

/// Whether the server has nothing at a URL, as yet or for good.
fn is_absence(error: &Error) -> bool {
    error.code() == ErrorCode::HttpStatus && error.facts().get("status").is_some_and(|s| s == "404" || s == "425")
}

/// Whether a server asked to be left alone that had refused what came before as well: then it is no matter of the rendition,
/// and the others are not asked for too (RFC 9110, 10.2.3).
fn stays_away(stream: &Stream, error: &Error) -> bool {
    stream.lost.segments > 0 && error.facts().contains_key("retry_after")
}

/// Whether a rendition's segments are elsewhere on another base. Those whose references name their
/// server are in one place only, and asking again would be asking the same.
fn follows_bases(rendition: &Rendition) -> bool {
    match &rendition.segments {
        Segments::Known(index) => {
            let first = index.get(index.table.first_number());
            first.is_none_or(|segment| !uri::names_server(&segment.reference))
        }
        Segments::Indexed(source) => !uri::names_server(&source.uri),
        Segments::Unloaded => true,
    }
}
