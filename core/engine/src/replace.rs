//! What takes the place of media that cannot be had: another base, another rendition, or a hole.

use telecine_model::{Error, Handling, MediaTime, TrackKind};

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
        let good = rendition.bases.iter().find(|base| !self.title.bad_locations.contains(&base.service_location));
        match (good, url.strip_prefix(first.uri.as_str())) {
            (Some(base), Some(rest)) => format!("{}{rest}", base.uri),
            _ => url.to_owned(),
        }
    }

    /// A rendition's playlist or index cannot be had: others have to do.
    pub(crate) fn replace_rendition(&mut self, reference: RenditionRef, error: Error, why: Vec<String>) {
        self.title.dead.insert(reference);
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
            let dead = &self.title.dead;
            // An alternate of the same quality takes the place of the one that died.
            for step in &mut stream.ladder {
                if step.rendition == reference.rendition {
                    let alive = |i: &usize| !dead.contains(&RenditionRef { rendition: *i, ..reference });
                    if let Some(other) = step.alternates.iter().copied().find(alive) {
                        step.rendition = other;
                    }
                }
            }
            let alive = |step: &Step| !dead.contains(&RenditionRef { rendition: step.rendition, ..reference });
            left |= stream.ladder.iter().any(alive);
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
        stream.failures += 1;
        let failures = stream.failures;
        let media_end = stream.buffer.media_until(fetch.start);
        for id in requests.into_iter().flatten() {
            self.cancel(id);
        }
        self.forget_retries(kind);
        let error = error.fact("segment", fetch.number).fact("time", fetch.start);
        why.push(error.message().to_owned());
        if let Some(next) = self.next_location(reference) {
            self.report(error.recovered(Handling::Replaced));
            return self.decide(DecisionKind::Pathway, Some(kind), None, Some(next), why);
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
        stream.avoid.push(reference.rendition);
        let dead = &self.title.dead;
        let alive =
            |step: &&Step| !stream.avoid.contains(&step.rendition) && !dead.contains(&stream.reference(step.rendition));
        if stream.ladder.iter().any(|step| alive(&step)) {
            self.report(error.recovered(Handling::Replaced));
            let from = self.rendition_name(kind, reference.rendition);
            return self.decide(DecisionKind::Pathway, Some(kind), from, None, why);
        }
        // The same thing missing again and again is not a gap but a broken title.
        if kind != TrackKind::Text && failures > MISSING_IN_A_ROW {
            return self.fail(error);
        }
        self.report(error.recovered(Handling::Skipped));
        self.skip(kind, fetch.start, fetch.end, why);
    }

    /// How many places the next segment of a stream may come from: renditions that are not known to
    /// fail, and further bases of the one that is fetched.
    pub(crate) fn choices(&self, stream: &Stream) -> usize {
        let usable = |step: &&Step| {
            !stream.avoid.contains(&step.rendition) && !self.title.dead.contains(&stream.reference(step.rendition))
        };
        let rendition = stream.rendition.and_then(|r| self.rendition(stream.reference(r)));
        let bases = rendition.map_or(0, |rendition| {
            let good = |base: &&telecine_model::presentation::BaseUrl| {
                !self.title.bad_locations.contains(&base.service_location)
            };
            rendition.bases.iter().filter(good).count().saturating_sub(1)
        });
        let steps = stream.ladder.iter().filter(usable);
        steps.map(|step| 1 + step.alternates.len()).sum::<usize>() + bases
    }

    /// Declares the service location of a rendition bad, if there is another; gives that.
    fn next_location(&mut self, reference: RenditionRef) -> Option<String> {
        let rendition = self.rendition(reference)?;
        let good =
            |base: &&telecine_model::presentation::BaseUrl| !self.title.bad_locations.contains(&base.service_location);
        let now = rendition.bases.iter().find(good)?.service_location.clone();
        let next = rendition.bases.iter().filter(good).find(|base| base.service_location != now)?;
        let next = next.service_location.clone();
        self.title.bad_locations.insert(now);
        Some(next)
    }
}
