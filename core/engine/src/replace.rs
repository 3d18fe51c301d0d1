//! What takes the place of media that cannot be had: another base, another rendition, or a hole.

use telecine_model::presentation::BaseUrl;
use telecine_model::{Error, ErrorCode, Handling, MediaTime, Timestamp, TrackKind};

use crate::buffer::Item;
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::select::Step;
use crate::stream::{RenditionRef, Stream};

/// Segments in a row that may be left out before the title counts as broken.
const MISSING_IN_A_ROW: u32 = 12;

impl Engine {
    /// Leaves media out.
    pub(crate) fn skip(&mut self, kind: TrackKind, from: MediaTime, to: MediaTime, why: Vec<String>) {
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let rendition = stream.rendition.unwrap_or(0);
        stream.buffer.put(Item::hole(from, to, stream.period, rendition));
        stream.cursor = None;
        stream.avoid.clear();
        stream.trouble_since = None;
        stream.broken_off = true;
        let why = if why.is_empty() { vec!["the manifest has nothing here".to_owned()] } else { why };
        self.decide(DecisionKind::Skip, Some(kind), Some(from.to_string()), Some(to.to_string()), why);
    }

    /// The URL on the best base of a rendition that has not failed (DASH BaseURLs).
    pub(crate) fn on_good_base(&self, reference: RenditionRef, url: &str) -> String {
        let Some(rendition) = self.rendition(reference) else {
            return url.to_owned();
        };
        let Some(first) = rendition.bases.first() else {
            return url.to_owned();
        };
        let good = rendition.bases.iter().find(|base| self.is_good(base));
        match (good, url.strip_prefix(first.uri.as_str())) {
            (Some(base), Some(rest)) => format!("{}{rest}", base.uri),
            _ => url.to_owned(),
        }
    }

    /// A rendition's playlist or index cannot be had: others have to do.
    pub(crate) fn replace_rendition(&mut self, reference: RenditionRef, error: Error, why: Vec<String>) {
        // What the network kept away may come later; what is wrong stays wrong.
        let until = match error.code() {
            ErrorCode::DnsFailed
            | ErrorCode::ConnectFailed
            | ErrorCode::Timeout
            | ErrorCode::ConnectionLost
            | ErrorCode::Throttled => self.now + self.config.location_rest,
            _ => Timestamp::from_micros(u64::MAX),
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
            left |= self.streams.get(&kind).is_some_and(|stream| !self.usable_steps(stream).is_empty());
        }
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
            Some(_) => self.fail(error),
            None => self.report(error.recovered(Handling::Skipped)),
        }
    }

    /// A segment (or its initialisation section) cannot be had from where it was looked for:
    /// another base, another rendition, or playback goes on behind it.
    pub(crate) fn replace_segment(&mut self, kind: TrackKind, error: Error, mut why: Vec<String>) {
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        let Some(fetch) = stream.fetch.take() else { return };
        let (requests, reference) = ([fetch.request, fetch.init_request], fetch.rendition);
        let media_end = stream.buffer.media_until(fetch.start);
        for id in requests.into_iter().flatten() {
            self.cancel(id);
        }
        self.forget_retries(kind);
        let error = error.fact("segment", fetch.number).fact("time", fetch.start);
        // Where the retry policy gave its reason, that names the cause; the error itself is told beside the decision.
        if why.is_empty() {
            why.push(error.message().to_owned());
        }
        if let Some(next) = self.next_location(reference) {
            self.drop_torn(kind);
            self.report(error.recovered(Handling::Replaced));
            return self.decide(DecisionKind::Pathway, Some(kind), None, Some(self.outbox.secrets.shown(&next)), why);
        }
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        if fetch.appended > 0 {
            // Part of it plays; the rest is missing.
            if let Some(item) = stream.buffer.get_mut(fetch.start) {
                item.complete = true;
                item.end = media_end.max(item.start).min(item.end);
            }
            self.report(error.recovered(Handling::Skipped));
            return self.skip(kind, media_end.min(fetch.end), fetch.end, why);
        }
        stream.avoid.insert(reference.rendition);
        let Some(stream) = self.streams.get(&kind) else { return };
        if !self.usable_steps(stream).is_empty() {
            self.report(error.recovered(Handling::Replaced));
            let from = self.rendition_name(kind, reference.rendition);
            return self.decide(DecisionKind::Pathway, Some(kind), from, None, why);
        }
        // The same thing missing again and again is not a gap but a broken title.
        if kind != TrackKind::Text && stream.failures >= MISSING_IN_A_ROW {
            return self.fail(error);
        }
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.failures += 1;
            stream.last_fault = Some(error.clone());
        }
        self.report(error.recovered(Handling::Skipped));
        self.skip(kind, fetch.start, fetch.end, why);
    }

    /// How many places the next segment of a stream may come from: renditions that are not known to
    /// fail, and further bases of the one that is fetched.
    pub(crate) fn choices(&self, stream: &Stream) -> usize {
        let rendition = stream.rendition.and_then(|r| self.rendition(stream.reference(r)));
        let bases = rendition
            .map_or(0, |rendition| rendition.bases.iter().filter(|base| self.is_good(base)).count().saturating_sub(1));
        let usable = |rendition: &usize| self.is_usable(stream, *rendition);
        stream.ladder.iter().flat_map(Step::candidates).filter(usable).count() + bases
    }

    /// Whether a rendition is left alone, because its playlist or index could not be had.
    pub(crate) fn is_dead(&self, reference: RenditionRef) -> bool {
        self.title.dead.get(&reference).is_some_and(|until| *until > self.now)
    }

    fn is_usable(&self, stream: &Stream, rendition: usize) -> bool {
        !stream.avoid.contains(&rendition)
            && !self.is_dead(stream.reference(rendition))
            && self.key_fault(stream, rendition).is_none()
    }

    /// The ladder of a stream as far as its next segment can be had: each quality from the first of
    /// its renditions that is not known to fail.
    pub(crate) fn usable_steps(&self, stream: &Stream) -> Vec<Step> {
        let usable = |step: &Step| {
            let rendition = step.candidates().find(|rendition| self.is_usable(stream, *rendition))?;
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
        steps
    }

    /// The smallest rendition that the next segment of a stream can be had in.
    pub(crate) fn first_usable(&self, stream: &Stream) -> Option<usize> {
        stream.ladder.iter().flat_map(Step::candidates).find(|rendition| self.is_usable(stream, *rendition))
    }

    /// Declares the service location of a rendition bad, if there is another; gives that.
    pub(crate) fn next_location(&mut self, reference: RenditionRef) -> Option<String> {
        let rendition = self.rendition(reference)?;
        let mut good = rendition.bases.iter().filter(|base| self.is_good(base));
        let now = good.next()?.service_location.clone();
        let next = good.find(|base| base.service_location != now)?.service_location.clone();
        self.title.bad_locations.insert(now, self.now + self.config.location_rest);
        Some(next)
    }

    /// Whether a base may be asked: it has not failed, or long ago.
    fn is_good(&self, base: &BaseUrl) -> bool {
        self.title.bad_locations.get(&base.service_location).is_none_or(|until| *until <= self.now)
    }
}
