//! Media that was asked for, is not answered, and was asked for once more: whichever answer comes first is taken.
//!
//! How late an answer is nobody knows before it is there. To give up the first request for another one would lose what it has
//! waited for, and where a server is slow to answer for a segment, the second one waits as long as the first did. So the first
//! stands beside the second until one of them is answered, or what they are for cannot come in time any more.
//!
//! An answer to it is taken only if it would still be asked for: limits, keys and lists may have changed meanwhile. That it fails
//! says of its server and of its rendition what any failure says; what was asked for beside it goes on, unless it asks for the
//! very same and cannot fare better.

use telecine_model::{Error, Handling, SegmentIndex, TrackKind};

use crate::action::FetchRequest;
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::input::ResponseHead;
use crate::requests::{Purpose, Request};
use crate::stream::SegmentFetch;

impl Engine {
    /// The kind of media whose request may stand while it is asked for once more: nothing came of it so far, and its answer alone
    /// is waited for.
    pub(super) fn may_stand(&self, request: &Request) -> Option<TrackKind> {
        let Purpose::Segment(kind) = request.purpose else { return None };
        let fetch = self.streams.get(&kind)?.fetch.as_ref()?;
        let bare = request.head.is_none() && fetch.seen == 0 && fetch.held.is_empty();
        // Parts that are files are answered one by one: whoever waits for one waits for the next one too.
        let file = |index: &SegmentIndex| index.parts.last()?.parts.last().map(|part| part.byte_range.is_none());
        if fetch.part.is_some() && self.index_of(fetch.rendition).and_then(file) == Some(true) {
            return None;
        }
        let alone = fetch.init_request.is_none() && fetch.entry.is_none() && !self.fetches_again(kind);
        (bare && alone && fetch.request == Some(request.fetch.id)).then_some(kind)
    }

    /// What a kind's stream is fetching hangs: its request stands, and it is asked for once more, elsewhere if it can be.
    pub(super) fn let_stand(&mut self, kind: TrackKind, request: Request, error: Error) {
        self.drop_unanswered(kind);
        let elsewhere = self.moved_on(&request);
        let error = self.of_request(error, &request);
        self.requests.active.insert(request.fetch.id, Request { purpose: Purpose::Unanswered(kind), ..request });
        self.refuse_hint(kind);
        let now = self.now;
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let Some(fetch) = stream.fetch.take() else { return };
        let reference = fetch.rendition;
        stream.unanswered = Some(Box::new(fetch));
        stream.trouble_since.get_or_insert(now);
        let mut why = vec![error.message().to_owned()];
        if let Some(next) = elsewhere.or_else(|| self.next_location(reference)) {
            self.report(error.recovered(Handling::Replaced));
            return self.decide(DecisionKind::Pathway, Some(kind), None, Some(self.outbox.secrets.shown(&next)), why);
        }
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.avoid.insert(reference.rendition);
        }
        if self.streams.get(&kind).is_some_and(|stream| !self.usable_steps(stream).is_empty()) {
            why.push("it hangs, the same elsewhere may not".to_owned());
            self.report(error.recovered(Handling::Replaced));
            let from = self.rendition_name(kind, reference.rendition);
            return self.decide(DecisionKind::Pathway, Some(kind), from, None, why);
        }
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.avoid.remove(&reference.rendition);
        }
        why.push("it hangs, another request for it may not".to_owned());
        self.report(error.recovered(Handling::Retried));
        self.decide(DecisionKind::Retry, Some(kind), None, None, why);
    }

    /// An answer to a request for media begins: if it is of one that stands, it is what its stream fetches from now on, in place
    /// of what was asked for later; if it is of that, nothing stands any more. False if the answer is of no use.
    pub(crate) fn choose_answer(&mut self, head: &ResponseHead) -> bool {
        let purpose = self.requests.active.get(&head.id).map(|request| request.purpose.clone());
        match purpose {
            Some(Purpose::Segment(kind)) if head.is_success() => {
                self.drop_unanswered(kind);
                true
            }
            // What it refuses with is heard out.
            Some(Purpose::Unanswered(kind)) if head.is_success() => {
                let taken = self.is_wanted_yet(kind) && self.would_be_asked_for(kind);
                match taken {
                    true => self.take_unanswered(kind),
                    false => self.drop_unanswered(kind),
                }
                taken
            }
            _ => true,
        }
    }

    /// Whether what stands is what a kind's stream needs next, and nothing of that has come.
    fn is_wanted_yet(&self, kind: TrackKind) -> bool {
        let Some((stream, stands)) = self.streams.get(&kind).and_then(|s| Some((s, s.unanswered.as_ref()?))) else {
            return false;
        };
        let answered = |fetch: &SegmentFetch| {
            let request = fetch.request.and_then(|id| self.requests.get(id));
            fetch.seen > 0 || fetch.bytes > 0 || request.is_some_and(|request| request.head.is_some())
        };
        let place = (stands.rendition.period, stands.rendition.track);
        place == (stream.period, stream.track)
            && stream.next_time(self.needed_from(stream)).abs_diff(stands.start) <= SEAM
            && !stream.fetch.as_ref().is_some_and(answered)
    }

    /// Whether the rendition of what stands may be fetched by now: it may be larger than what is allowed meanwhile, need keys that
    /// are gone, or have no list any more. That it was left for another one because it hung does not count.
    fn would_be_asked_for(&self, kind: TrackKind) -> bool {
        let stands = self.streams.get(&kind).and_then(|s| Some((s, s.unanswered.as_ref()?.rendition.rendition)));
        stands.is_some_and(|(stream, rendition)| {
            self.usable_steps_with(stream, Some(rendition)).iter().any(|step| step.rendition == rendition)
        })
    }

    fn take_unanswered(&mut self, kind: TrackKind) {
        let Some(stands) = self.streams.get_mut(&kind).and_then(|stream| stream.unanswered.take()) else { return };
        self.drop_fetch(kind);
        if let Some(request) = stands.request.and_then(|id| self.requests.active.get_mut(&id)) {
            request.purpose = Purpose::Segment(kind);
        }
        let reference = stands.rendition;
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let from = stream.rendition.replace(reference.rendition);
        stream.awaits = None;
        stream.fetch = Some(*stands);
        if let Some(from) = from.filter(|from| *from != reference.rendition) {
            let (from, to) = (self.rendition_name(kind, from), self.rendition_name(kind, reference.rendition));
            self.decide(DecisionKind::Pathway, Some(kind), from, to, vec!["what hung is answered".to_owned()]);
        }
        // A list may have said meanwhile what it is.
        self.settle_hints(reference);
    }

    /// A request failed: if it is one that stands, what that says is noted, and nothing more comes of it. Any other is given back,
    /// and so is one that what was asked for later cannot fare better than: as a failure of what its stream is fetching.
    pub(crate) fn weigh_unanswered(&mut self, mut request: Request, error: &Error) -> Option<Request> {
        let Purpose::Unanswered(kind) = request.purpose else { return Some(request) };
        let (wanted, moved) = (self.is_wanted_yet(kind), self.moved_on(&request).is_some());
        let stands = self.streams.get_mut(&kind).and_then(|stream| stream.unanswered.take())?;
        let place = |fetch: &FetchRequest| (fetch.url.clone(), fetch.byte_range);
        let same = |again: &FetchRequest| wanted && place(again) == place(&request.fetch);
        if let Some(again) = self.asked_again(kind).filter(same) {
            // What is asked for beside it is the next attempt at the same.
            let attempt = again.attempt.max(request.fetch.attempt.saturating_add(1));
            request.purpose = Purpose::Segment(kind);
            if self.answers_both(&request) {
                self.cancel(again.id);
                self.forget_retries(kind);
                if let Some(fetch) = self.streams.get_mut(&kind).and_then(|stream| stream.fetch.as_mut()) {
                    fetch.request = Some(request.fetch.id);
                }
                request.fetch.attempt = attempt;
                return Some(request);
            }
            self.count_attempts(kind, attempt);
        }
        let reference = stands.rendition;
        let error = self.in_segment(error.clone(), kind, &stands, false);
        if let Some(stream) = self.streams.get_mut(&kind).filter(|_| wanted) {
            // It is not asked for once more where it cannot be had.
            if stream.fetch.as_ref().is_none_or(|fetch| fetch.rendition != reference) {
                stream.avoid.insert(reference.rendition);
            }
        }
        let why = vec![error.message().to_owned()];
        self.report(error.recovered(Handling::Replaced));
        // As it hung its place was left already, if there was another one then.
        if let Some(next) = (!moved).then(|| self.next_location(reference)).flatten() {
            self.decide(DecisionKind::Pathway, Some(kind), None, Some(self.outbox.secrets.shown(&next)), why);
        }
        None
    }

    /// What was asked for beside what stands for a kind: under way, or to be tried again.
    fn asked_again(&self, kind: TrackKind) -> Option<FetchRequest> {
        let id = self.streams.get(&kind)?.fetch.as_ref()?.request;
        let active = id.and_then(|id| self.requests.get(id)).map(|request| &request.fetch);
        let waits = || self.requests.deferred.iter().find(|d| d.purpose == Purpose::Segment(kind)).map(|d| &d.fetch);
        active.or_else(waits).cloned()
    }

    /// Whether what was answered to a request for what a stream is fetching would be answered to another one now: it is refused,
    /// and not because it has just come; or the server wants to be left alone (RFC 9110, 10.2.3).
    fn answers_both(&mut self, request: &Request) -> bool {
        let Some(head) = request.head.as_ref().filter(|head| !head.is_success()) else { return false };
        let stays = head.status < 500 && !matches!(head.status, 408 | 425 | 429);
        head.retry_after.is_some() || (stays && self.too_early(request, Some(head.status)).is_none())
    }

    fn count_attempts(&mut self, kind: TrackKind, attempt: u32) {
        let purpose = Purpose::Segment(kind);
        let active = self.requests.active.values_mut().map(|request| (&request.purpose, &mut request.fetch));
        let waiting = self.requests.deferred.iter_mut().map(|deferred| (&deferred.purpose, &mut deferred.fetch));
        for (_, fetch) in active.chain(waiting).filter(|(of, _)| **of == purpose) {
            fetch.attempt = attempt;
        }
    }

    /// Nothing that stands for a kind is wanted any more.
    pub(crate) fn drop_unanswered(&mut self, kind: TrackKind) {
        let stands = self.streams.get_mut(&kind).and_then(|stream| stream.unanswered.take());
        if let Some(id) = stands.and_then(|stands| stands.request) {
            self.cancel(id);
        }
    }
}
