//! Whether a picture segment that is on its way gives way to a smaller one.

use std::time::Duration;

use telecine_abr::{Progress, TransferId};
use telecine_model::{MediaTime, TrackKind};

use crate::engine::Engine;
use crate::event::{DecisionKind, State};
use crate::input::RequestId;
use crate::requests::HeldUp;
use crate::stream::{SegmentFetch, Stream};

/// Before playback runs, a segment under way is given so long before a smaller one is considered.
const WAITED_ENOUGH: Duration = Duration::from_secs(1);
/// What comes as it is made is there so much later than it was made at most, beside what makes up a part and the way.
const ON_TIME: MediaTime = MediaTime::from_millis(500);
/// A source that is late sends what it has in bursts: what is late for longer without a pause, the line holds up.
const SURE: Duration = Duration::from_millis(400);

/// What is on its way, as a rule is asked about it.
struct Flow {
    id: RequestId,
    /// Where its segment begins.
    start: MediaTime,
    rendition: usize,
    progress: Progress,
    /// Bytes of it that stay.
    kept: u64,
    /// How long what it brings plays, where that is not what the rule is asked about otherwise.
    length: Option<MediaTime>,
}

impl Flow {
    /// How long it would take still at the rate at which it came so far.
    fn still(&self, took: Duration) -> Duration {
        let Progress { bytes, total, .. } = self.progress;
        let left = total.unwrap_or(0).saturating_sub(bytes).checked_div(bytes / 1000).unwrap_or(0);
        took.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX)) / 1000
    }
}

impl Engine {
    /// Asks the rule whether the segment under way should give way to a smaller one.
    pub(crate) fn consider_abandoning(&mut self, kind: TrackKind) {
        if !self.leads(kind) {
            return;
        }
        let Some(stream) = self.streams.get(&kind) else { return };
        let Some(from) = stream.fetch.as_ref().map(|fetch| fetch.rendition.rendition) else { return };
        // Only what the segment can be had in is an alternative.
        let steps = self.steps_to_choose_from(stream, Some(from));
        let Some(level) = steps.iter().position(|step| step.rendition == from) else { return };
        let Some(flow) = self.flow(stream, level) else { return };
        // Before playback runs there is no stall to be saved; but a viewer who waits is not to wait
        // long for what was chosen on an assumption.
        let took = self.now.since(flow.progress.requested);
        if self.playback.state != State::Playing && (took < WAITED_ENOUGH || flow.still(took) < 2 * WAITED_ENOUGH) {
            return;
        }
        let levels = self.levels(kind, &steps, flow.start);
        let Some(mut context) = self.context(kind, &levels, flow.start) else { return };
        context.segment_duration = flow.length.unwrap_or(context.segment_duration);
        let Some(choice) = self.rule().should_abandon(&context, &flow.progress) else { return };
        let to = levels.get(choice.level).map(|level| level.rendition);
        let Some(to) = to.filter(|to| *to != flow.rendition) else { return };
        let candidates = self.candidates(&context, kind, choice.level, &choice.less_ms);
        self.cancel_but(flow.id, flow.kept);
        let why = choice.reasons.iter().map(ToString::to_string).collect();
        let (from, to_name) = (self.rendition_name(kind, flow.rendition), self.rendition_name(kind, to));
        if let Some(stream) = self.streams.get_mut(&kind) {
            // What came of it stays, and the rest is fetched.
            if let Some(fetch) = stream.fetch.take().filter(|fetch| fetch.appended > 0) {
                stream.keep_what_came(&fetch);
                stream.look_for_the_rest();
            }
            stream.rendition = Some(to);
            stream.settled = Some(to);
        }
        self.decide_among(candidates, DecisionKind::Abandon, Some(kind), from, to_name, why);
    }

    /// What of a stream is on its way and could be left.
    fn flow(&self, stream: &Stream, level: usize) -> Option<Flow> {
        let fetch = stream.fetch.as_ref().filter(|fetch| fetch.init_request.is_none())?;
        let id = fetch.request?;
        let request = self.requests.get(id)?;
        let (start, rendition) = (fetch.start, fetch.rendition.rendition);
        // Of what is played as it comes, the rest counts, and how fast it has come since it was late.
        let flows = request.held_up.is_some() || (!request.is_paced() && self.plays_low_latency());
        // What came of it is fetched again, unless what follows can begin in its midst: only a sink that replaces takes that.
        let can_leave = fetch.appended == 0 || self.capabilities.random_access;
        if flows && can_leave && request.first_byte().is_some() {
            let (begin, end) = self.segment_of(stream, fetch)?;
            let from = request.held_up.map_or(0, |held_up| held_up.from);
            let bytes = request.received.saturating_sub(from);
            let sized = request.head.as_ref().and_then(|head| head.content_length).filter(|_| fetch.part.is_none());
            let rest = match sized {
                Some(size) => size.saturating_sub(request.received),
                None => self.bytes_between(fetch, Self::came_until(stream, fetch), end)?,
            };
            let requested = request.held_up.map_or(request.started, |held_up| held_up.since);
            let first_byte = request.held_up.map(|held_up| held_up.since).or(request.first_byte());
            let total = Some(bytes.saturating_add(rest));
            let position = self.position();
            let fetched_again = Self::came_until(stream, fetch) - begin.max(position);
            let fetched_again = fetched_again.max(MediaTime::ZERO);
            let (paced, beside) = (false, if request.held_up.is_some() { 0 } else { request.beside });
            let progress = Progress { level, bytes, total, requested, first_byte, paced, fetched_again, beside };
            let kept = stream.buffer.loaded(fetch.load).map_or(0, |item| item.bytes);
            return Some(Flow { id, start: begin, rendition, progress, kept, length: Some(end - begin) });
        }
        let progress = Progress {
            level,
            bytes: request.received,
            total: request.head.as_ref().and_then(|head| head.content_length),
            requested: request.started,
            first_byte: request.first_byte(),
            paced: request.is_paced(),
            fetched_again: MediaTime::ZERO,
            beside: request.beside,
        };
        (fetch.appended == 0).then_some(Flow { id, start, rendition, progress, kept: 0, length: None })
    }

    /// Bytes came of what a stream fetches: notes whether it is held up by the line, if it comes as it is made. Then it tells
    /// what the line carries, as it does not else.
    pub(crate) fn note_held_up(&mut self, kind: TrackKind) {
        let now = self.now;
        let Some(stream) = self.streams.get(&kind) else { return };
        let Some(fetch) = stream.fetch.as_ref() else { return };
        let Some((id, request)) = fetch.request.and_then(|id| Some((id, self.requests.get(id)?))) else { return };
        if request.idle.is_some() {
            // Whether its source has no more, or the line brings it in a moment, is not known yet.
            return;
        }
        let before = request.held_up;
        // A source that is late is waited for at a distance; where the line holds up, playback is about to stand.
        let matters = before.is_some() || self.is_about_to_stand(stream);
        let is_late = request.is_paced() && matters && self.is_behind_its_source(stream, fetch);
        // Whose source had nothing meanwhile was held back by that, however late it is.
        let flowed = |held_up: &HeldUp| request.waited.is_none_or(|waited| waited <= held_up.since);
        let known = before.filter(|held_up| !held_up.is_silent(now)).filter(flowed);
        let transfer = TransferId(id.0);
        let held_up = is_late.then(|| match known {
            Some(known) => HeldUp { heard: now, sure: known.sure || now.since(known.since) >= SURE, ..known },
            None => HeldUp { since: now, from: request.received, heard: now, sure: false },
        });
        let was_sure = before.is_some_and(|held_up| held_up.sure);
        let is_sure = held_up.is_some_and(|held_up| held_up.sure);
        let estimator = &mut self.policies.estimator;
        if was_sure && !is_sure {
            estimator.on_paced(transfer);
        }
        if held_up.is_some() && known.is_none() {
            estimator.on_late(transfer, now);
        }
        if is_sure && !was_sure {
            estimator.on_held_up(transfer);
        }
        if let Some(request) = self.requests.active.get_mut(&id) {
            request.held_up = held_up;
        }
    }

    fn is_about_to_stand(&self, stream: &Stream) -> bool {
        !self.playback.is_advancing() || stream.ahead(self.position()) < self.granularity()
    }

    /// Whether more was made by now behind what came than can be on its way where the line brings it as it is made.
    fn is_behind_its_source(&self, stream: &Stream, fetch: &SegmentFetch) -> bool {
        let Some(made) = self.made_now() else { return false };
        let way = MediaTime::from_duration(self.network.round_trip.unwrap_or_default());
        made - Self::came_until(stream, fetch) > self.granularity() + way + ON_TIME
    }

    /// Until when media of what is fetched has come.
    fn came_until(stream: &Stream, fetch: &SegmentFetch) -> MediaTime {
        let item = stream.buffer.loaded(fetch.load);
        item.map_or(fetch.start, |item| item.start + (item.media_end - item.media_start))
    }

    /// From when to when the segment plays of which something is fetched.
    fn segment_of(&self, stream: &Stream, fetch: &SegmentFetch) -> Option<(MediaTime, MediaTime)> {
        let index = self.index_of(fetch.rendition)?;
        if let Some(whole) = index.span_of(fetch.number) {
            return Some(whole);
        }
        let begin = index.part(fetch.number, 0).map_or(fetch.start, |first| first.start);
        Some((begin, fetch.end.max(begin + self.segment_duration(stream))))
    }

    /// About how many bytes a rendition takes from one time to another.
    fn bytes_between(&self, fetch: &SegmentFetch, from: MediaTime, to: MediaTime) -> Option<u64> {
        let rendition = self.rendition(fetch.rendition)?;
        let bitrate = rendition.average_bandwidth.unwrap_or(rendition.bandwidth);
        let millis = u64::try_from((to - from).as_millis()).unwrap_or(0);
        Some(bitrate.saturating_mul(millis) / 8000)
    }
}
