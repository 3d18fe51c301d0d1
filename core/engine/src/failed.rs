//! Requests that failed: made again, made elsewhere, or given up.

use std::time::Duration;

use telecine_delivery::{Failure, Otherwise, RequestClass, RetryDecision};
use telecine_model::{Error, ErrorCode, Handling, Timestamp};

use crate::action::{Action, FetchRequest};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::{DecisionKind, State};
use crate::requests::{Deferred, Purpose, Request};
use crate::stream::Stream;
use crate::timer::Timer;

impl Engine {
    /// A request failed: tried again, replaced, left out, or the end.
    pub(crate) fn on_failure(&mut self, request: Request, error: Error) {
        self.qoe.request_failed();
        if let Purpose::Licence(id) = request.purpose {
            // Key sessions have a patience of their own.
            return self.on_licence_failed(id, error.code());
        }
        self.note_silence(&request, error.code());
        let status = request.head.as_ref().filter(|head| !head.is_success()).map(|head| head.status);
        let mut error = self.of_request(error, &request);
        if let Some(status) = status {
            error = error.fact("status", status);
        }
        if let Some(wait) = request.head.as_ref().and_then(|head| head.retry_after.as_ref()) {
            error = error.fact("retry_after", wait);
        }
        if request.fetch.class == RequestClass::Segment {
            self.qoe.wasted(request.received);
            self.sample(&request, true);
        }
        let Some(request) = self.weigh_unanswered(request, &error) else { return };
        match request.purpose {
            Purpose::Segment(kind) | Purpose::Init(kind, _) if self.fetches_again(kind) => {
                return self.fail_again(kind, &error);
            }
            _ => {}
        }
        match request.purpose {
            Purpose::Playlist(reference) if self.is_reload(reference) => {
                return self.on_reload_failed(reference, &request, error);
            }
            // 6.2.6: what was only hinted at need not be there; that is nobody's fault.
            Purpose::Segment(kind) if self.is_hinted(kind, request.fetch.id) => return self.on_hint_failed(kind),
            _ => {}
        }
        match request.purpose {
            Purpose::Refresh | Purpose::Patch => {
                let asked = self.asked_to_wait(&request);
                self.on_mpd_failed(&request.purpose, status, error);
                return self.wait_for_mpd(asked);
            }
            Purpose::Clock => return self.on_clock_failed(error),
            _ => {}
        }
        if self.refuse_entry(&request, status, &error) {
            return;
        }
        if let Some(plain) = self.without_directives(&request, status) {
            self.report(error.recovered(Handling::Retried));
            self.send(plain, request.purpose);
            return;
        }
        if let Some(after) = self.too_early(&request, status) {
            let by =
                if self.title.live.is_dash() { "it has just come, by the clock" } else { "it has just been listed" };
            let why = vec![by.to_owned()];
            let kind = request.fetch.kind;
            self.defer(request, error, after, why);
            return self.begin_further_back(kind);
        }
        // What was shown in part is not shown again in another rendition.
        let torn = request.hung.is_some() && self.is_torn(&request.purpose);
        let failure = Failure {
            status,
            attempt: request.fetch.attempt.saturating_add(self.times_put_off(&request)),
            retry_after: request.head.as_ref().and_then(|head| head.retry_after.clone()),
            date: request.head.as_ref().and_then(|head| head.date),
            has_alternate: (!torn && self.has_alternate(&request.purpose)) || self.moved_on(&request).is_some(),
            hung: request.hung,
            silent_for: self.silent_for(&request),
            spare: self.spare(&request.purpose),
            lasts: self.lasts(&request),
            bears: self.bears(&request.purpose),
            draw: self.rng.next_u64(),
            ..Failure::new(request.fetch.class, error.code(), self.now)
        };
        let verdict = self.policies.retry.decide(&failure);
        match verdict.decision {
            RetryDecision::Retry { after } => {
                let least = self.least_reload_wait(&request.purpose);
                self.defer(request, error, after.max(least), verdict.reasons);
            }
            RetryDecision::Later { after, reserve } => match request.purpose {
                Purpose::Segment(kind) | Purpose::Init(kind, _) => {
                    self.put_off(kind, error, (after, reserve), verdict.reasons);
                }
                _ => self.defer(request, error, after, verdict.reasons),
            },
            // No other place would answer differently: the service refuses this viewer here.
            RetryDecision::Elsewhere if verdict.otherwise == Otherwise::Fail && request.is_vital() => {
                match (&request.purpose, self.change_sound_without(&request, error)) {
                    (_, None) => {}
                    // What there is before it is played.
                    (Purpose::Init(kind, _), Some(error)) if error.code() != ErrorCode::GeoBlocked => {
                        self.drop_fetch(*kind);
                        self.cut_short(*kind, error);
                    }
                    (_, Some(error)) => self.fail(error),
                }
            }
            RetryDecision::Elsewhere => match (&request.purpose, verdict.otherwise) {
                (Purpose::Segment(kind) | Purpose::Init(kind, _), Otherwise::Skip) if request.hung.is_some() => {
                    self.leave_out_hanging(*kind, error, verdict.reasons);
                }
                _ => self.give_up(request, error, verdict.reasons),
            },
        }
    }

    /// For how long nobody has answered, if nobody has since this kind of media failed first.
    fn silent_for(&mut self, request: &Request) -> Option<Duration> {
        let last = self.requests.last_answer;
        let stream = self.streams.get_mut(&request.fetch.kind?)?;
        let since = *stream.trouble_since.get_or_insert(self.now);
        let answered = last.is_some_and(|answer| answer > since);
        (!answered).then(|| self.now.since(last.unwrap_or(since)))
    }

    /// How long playback goes on without what a request is for.
    pub(crate) fn spare(&self, purpose: &Purpose) -> Duration {
        let (Purpose::Segment(kind) | Purpose::Init(kind, _)) = purpose else { return Duration::ZERO };
        let position = self.position();
        let ahead = self.streams.get(kind).map(|stream| stream.ahead(position));
        match self.playback.state {
            State::Playing => ahead.map_or(Duration::ZERO, |ahead| self.real(ahead)),
            // Nobody waits while nothing is to play and there is something to show; but a pause may end any
            // time, so not for ever.
            State::Paused | State::Ready if ahead.is_some_and(|ahead| ahead > SEAM) => Duration::from_secs(60),
            _ => self.playback.wait(self.now),
        }
    }

    /// Whether part of what a request is for was handed on.
    fn is_torn(&self, purpose: &Purpose) -> bool {
        let (Purpose::Segment(kind) | Purpose::Init(kind, _)) = purpose else { return false };
        let fetch = self.streams.get(kind).and_then(|stream| stream.fetch.as_ref());
        fetch.is_some_and(|fetch| fetch.appended > 0)
    }

    /// Gives up requests that brought next to nothing for long. Those that wait for their head have a
    /// timeout of their own.
    pub(crate) fn lose_patience(&mut self) {
        let (now, least) = (self.now, self.config.least_bytes);
        let mut slow = Vec::new();
        let mut next: Option<Timestamp> = None;
        for (id, request) in &mut self.requests.active {
            let due = request.watched.0 + self.config.slow_after;
            if due <= now {
                if request.head.is_some() && request.received - request.watched.1 < least {
                    slow.push(*id);
                    continue;
                }
                request.watched = (now, request.received);
            }
            let due = request.watched.0 + self.config.slow_after;
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        if let Some(next) = next {
            self.timers.set(Timer::Patience, next);
        }
        for id in slow {
            // What was replaced together with another is gone by now.
            let Some(request) = self.requests.active.remove(&id) else { continue };
            self.outbox.push(Action::Cancel(id));
            let span = self.config.slow_after.as_secs();
            let message = format!("no more than {least} bytes arrived in {span} s");
            self.on_failure(request, Error::new(ErrorCode::Timeout, message));
        }
    }

    /// Whether what a request was for may be had elsewhere.
    fn has_alternate(&self, purpose: &Purpose) -> bool {
        match purpose {
            Purpose::Manifest
            | Purpose::Remote(_)
            | Purpose::Licence(_)
            | Purpose::Refresh
            | Purpose::Patch
            | Purpose::Unanswered(_)
            | Purpose::Clock => false,
            Purpose::KeyFile(file, _) => self.has_other_key(file),
            Purpose::Playlist(reference) | Purpose::Index(reference) => {
                let same_track = |s: &&Stream| (s.period, s.track) == (reference.period, reference.track);
                self.streams.values().find(same_track).is_some_and(|stream| self.choices(stream) > 1)
                    || self.left_though_known(*reference).next().is_some()
            }
            Purpose::Init(kind, _) | Purpose::Segment(kind) => self.streams.get(kind).is_some_and(|stream| {
                // What was shown of a whole segment is not shown again in another rendition: only another base has its rest.
                let whole = stream.fetch.as_ref().is_some_and(|fetch| fetch.part.is_none());
                match whole && self.is_torn(purpose) {
                    true => self.other_bases(stream) > 0,
                    false => self.choices(stream) > 1,
                }
            }),
        }
    }

    fn defer(&mut self, request: Request, error: Error, after: Duration, why: Vec<String>) {
        self.report(error.recovered(Handling::Retried));
        let url = self.outbox.secrets.shown(&request.fetch.url);
        let to = format!("again in {} ms", after.as_millis());
        self.decide(DecisionKind::Retry, request.fetch.kind, Some(url), Some(to), why);
        if let Purpose::Segment(kind) = request.purpose {
            self.prepare_retry(kind);
        }
        let fetch = FetchRequest { attempt: request.fetch.attempt + 1, ..request.fetch };
        let due = self.now + after;
        self.requests.deferred.push(Deferred { due, fetch, purpose: request.purpose, carried: request.carried });
        self.wake_for_retry();
    }

    fn wake_for_retry(&mut self) {
        match self.requests.deferred.iter().map(|d| d.due).min() {
            Some(due) => self.timers.set(Timer::Retry, due),
            None => self.timers.clear(Timer::Retry),
        }
    }

    pub(crate) fn retry_due(&mut self) {
        let now = self.now;
        let (due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.requests.deferred).into_iter().partition(|deferred| deferred.due <= now);
        self.requests.deferred = rest;
        for Deferred { fetch, purpose, carried, .. } in due {
            let id = self.send(fetch, purpose);
            self.requests.carry(id, carried);
        }
        self.wake_for_retry();
    }

    /// A request will not be made again: something else has to do, or playback ends.
    fn give_up(&mut self, request: Request, error: Error, why: Vec<String>) {
        match request.purpose {
            Purpose::Manifest => self.fail(error),
            Purpose::Remote(place) => {
                self.report(error.recovered(Handling::Skipped));
                self.on_remote(place, None);
            }
            Purpose::Index(rendition) => match self.moved_on(&request).or_else(|| self.next_location(rendition)) {
                // Asked for again where the same bytes are, when the stream is scheduled.
                Some(next) => {
                    self.report(error.recovered(Handling::Replaced));
                    let (kind, to) = (request.fetch.kind, Some(self.outbox.secrets.shown(&next)));
                    self.decide(DecisionKind::Pathway, kind, None, to, why);
                }
                None => self.replace_rendition(rendition, error, why),
            },
            Purpose::Playlist(rendition) => self.replace_rendition(rendition, error, why),
            Purpose::Init(kind, _) => {
                let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
                let rendition = fetch.map(|fetch| fetch.rendition);
                let (elsewhere, code) = (self.moved_on(&request), error.code());
                self.replace_segment_at(kind, elsewhere, error, why);
                self.rest_uninitialised(kind, rendition, code);
            }
            Purpose::Segment(kind) => {
                let elsewhere = self.moved_on(&request);
                let other = elsewhere.is_some() || self.has_alternate(&request.purpose);
                if self.give_up_entry(&request, &error, other) {
                    return;
                }
                self.replace_segment_at(kind, elsewhere, error, why);
            }
            Purpose::KeyFile(file, _) => self.on_key_file_missing(file, error),
            Purpose::Licence(id) => self.on_licence_failed(id, error.code()),
            Purpose::Refresh | Purpose::Patch => self.on_mpd_failed(&request.purpose, None, error),
            Purpose::Clock => self.on_clock_failed(error),
            Purpose::Unanswered(kind) => self.drop_unanswered(kind),
        }
    }
}
