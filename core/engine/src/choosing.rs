//! In which rendition the next segment is fetched: what the bitrate rule is shown, and what comes of its answer.

use telecine_abr::{Context, Level, Reason};
use telecine_model::presentation::Groups;
use telecine_model::{MediaTime, SegmentIndex, TrackKind};

use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::select::{audio_rendition, Step};
use crate::stream::{RenditionRef, SegmentFetch, Stream};
use crate::timer::Timer;

impl Engine {
    /// The rendition of the next segment, by its index in the track.
    pub(crate) fn choose_rendition(&mut self, kind: TrackKind, next_time: MediaTime) -> Option<usize> {
        let stream = self.streams.get(&kind)?;
        let current = stream.rendition;
        // Parts of one segment are of one rendition: only its first is sure to be one that decoding can begin with.
        let begun = current.filter(|_| self.is_in_mid_segment(stream, next_time));
        let settled = begun.or(stream.settled);
        let steps = self.steps_to_choose_from(stream, settled);
        if steps.is_empty() {
            return None;
        }
        let settled = settled.filter(|settled| steps.iter().any(|step| step.rendition == *settled));
        let mut candidates = Vec::new();
        let (rendition, why, wait) = match kind {
            _ if settled.is_some() => (settled?, Vec::new(), None),
            _ if self.leads(kind) => {
                let levels = self.levels(kind, &steps, next_time);
                let context = self.context(kind, &levels, next_time)?;
                let choice = self.rule().choose(&context);
                let mut why: Vec<String> = choice.reasons.iter().map(ToString::to_string).collect();
                let rendition = steps.get(choice.level)?.rendition;
                if current != Some(rendition) || self.config.explain_each_choice {
                    // Only where the rule went as high as it was let.
                    why.extend(self.cap_above(kind, rendition).map(|by| Reason::Capped { by }.to_string()));
                    let context = self.context(kind, &levels, next_time)?;
                    candidates = self.candidates(&context, kind, choice.level, &choice.less_ms);
                }
                (rendition, why, choice.wait)
            }
            TrackKind::Audio => {
                let (rendition, why) = self.choose_audio(&steps, current, next_time);
                if current != Some(rendition) || self.config.explain_each_choice {
                    let levels = self.levels(kind, &steps, next_time);
                    let chosen = steps.iter().position(|step| step.rendition == rendition)?;
                    candidates = self.candidates(&self.context(kind, &levels, next_time)?, kind, chosen, &[]);
                }
                (rendition, why, None)
            }
            _ => (steps[0].rendition, vec!["the only one".to_owned()], None),
        };
        let stream = self.streams.get_mut(&kind)?;
        if let Some(wait) = wait.filter(|wait| !stream.paused && !wait.is_zero()) {
            // The rule wants the buffer to drain first; it is asked again after the pause.
            stream.paused = true;
            self.timers.set(Timer::Schedule(kind), self.now + wait);
            return None;
        }
        stream.paused = false;
        stream.settled = None;
        stream.rendition = Some(rendition);
        // Asked about the same place again, it is not told again that it stays.
        let again = stream.explained.replace(next_time) == Some(next_time);
        let told = self.config.explain_each_choice && !again && settled.is_none() && kind != TrackKind::Text;
        if current != Some(rendition) || told {
            let name = |rendition: Option<usize>| {
                let reference = stream.reference(rendition?);
                let track =
                    self.title.presentation.as_ref()?.periods.get(reference.period)?.tracks.get(reference.track)?;
                track.renditions.get(reference.rendition).map(|rendition| rendition.id.clone())
            };
            let (from, to) = (name(current), name(Some(rendition)));
            self.decide_among(candidates, DecisionKind::Bitrate, Some(kind), from, to, why);
        }
        Some(rendition)
    }

    /// What the bitrate rule sees of a kind's stream, for the segment at `next_time`.
    pub(crate) fn context<'a>(
        &self,
        kind: TrackKind,
        levels: &'a [Level],
        next_time: MediaTime,
    ) -> Option<Context<'a>> {
        let stream = self.streams.get(&kind)?;
        let position = self.needed_from(stream);
        // Part by part the next is asked for before it is there: what was chosen is what is requested.
        let requested = if self.plays_low_latency() { stream.rendition } else { stream.requested() };
        let current = levels.iter().position(|level| Some(level.rendition) == requested);
        // What comes as it is made is had part by part.
        let parts = self.plays_low_latency().then(|| self.granularity());
        let usual_duration = parts.unwrap_or_else(|| self.usual_duration(stream));
        let asked = self.asked_about(stream, next_time);
        let segment_duration = parts.or(asked.map(|(start, end)| end - start)).unwrap_or(usual_duration);
        (!levels.is_empty()).then(|| Context {
            now: self.now,
            levels,
            current,
            buffer: stream.buffer.media_until(position) - position + self.media(self.playback.wait(self.now)),
            buffer_goal: self.most_ahead(stream),
            segment_duration,
            usual_duration,
            estimate: Some(self.estimate_for(self.asked_next(stream, levels, next_time))),
            rate_milli: self.playback.rate_milli,
            // A buffer that ran low because the source had nothing says nothing of the line.
            starting: stream.cursor.is_none() || stream.refill > 0,
            live: self.is_live(),
            remaining: self.duration().map(|duration| duration - next_time),
            lead_in: asked.map_or(MediaTime::ZERO, |(start, _)| (position - start).max(MediaTime::ZERO)),
            aside: self.beside(kind),
        })
    }

    /// How much media there can be ahead of the playhead: a segment more than is wanted, as one is asked for while anything of
    /// that lacks; and at a live edge no more than playback is late.
    fn most_ahead(&self, stream: &Stream) -> MediaTime {
        let goal = self.goal_of(stream, false).ahead + self.segment_duration(stream);
        let late = if self.is_live() { self.lateness_of_playback() } else { None };
        // While the title is held it gets later.
        late.map_or(goal, |late| goal.min(late + self.media(self.playback.wait(self.now))))
    }

    /// Bits a second that the streams of other kinds take.
    pub(crate) fn beside(&self, kind: TrackKind) -> u64 {
        let others = self.streams.iter().filter(|(other, stream)| **other != kind && !stream.absent);
        let rate = |stream: &Stream| {
            let rendition = self.rendition(stream.reference(stream.rendition?))?;
            Some(rendition.average_bandwidth.unwrap_or(rendition.bandwidth))
        };
        others.filter_map(|(_, stream)| rate(stream)).fold(0, u64::saturating_add)
    }

    /// Where the segment at a time begins and ends, as the rendition has it that is fetched.
    fn asked_about(&self, stream: &Stream, time: MediaTime) -> Option<(MediaTime, MediaTime)> {
        let index = self.rendition(stream.reference(stream.rendition?))?.segments.known()?;
        let span = index.table.covering_or_next(index.ticks_of(time))?;
        Some((index.time_of(span.start), index.time_of(span.end())))
    }

    pub(crate) fn levels(&self, kind: TrackKind, steps: &[Step], next_time: MediaTime) -> Vec<Level> {
        let Some(stream) = self.streams.get(&kind) else {
            return Vec::new();
        };
        // What comes as it is made is had part by part, and is asked about so.
        let whole = !self.plays_low_latency();
        let level = |step: &Step| {
            let of = stream.reference(step.rendition);
            let rendition = self.rendition(of);
            let index = rendition.and_then(|r| r.segments.known());
            let place = index.and_then(|index| Some((index, index.number_at(next_time)?)));
            // Asked at each read of what is on its way: no URL is made for it.
            let (next_size, expected_size) = match place.and_then(|(index, number)| index.byte_range_of(number)) {
                Some(range) => (Some(range.length), None),
                None => {
                    let size = |(index, number)| self.size_of(of, index, number, step.bitrate);
                    place.filter(|_| whole).and_then(size).unwrap_or_default()
                }
            };
            Level {
                rendition: step.rendition,
                bitrate: step.bitrate,
                height: rendition.and_then(|r| r.height),
                score: rendition.and_then(|r| r.quality?.score_milli()),
                next_size,
                expected_size,
                listed: index.is_some(),
            }
        };
        steps.iter().map(level).collect()
    }

    /// What a segment takes: to the byte where it was fetched before, else about, as its playlist says or others teach.
    fn size_of(
        &self,
        of: RenditionRef,
        index: &SegmentIndex,
        number: u64,
        bitrate: u64,
    ) -> Option<(Option<u64>, Option<u64>)> {
        let (start, end) = index.span_of(number)?;
        let millis = u64::try_from((end - start).as_millis()).unwrap_or(0);
        let bytes = |bitrate: u64| bitrate.saturating_mul(millis) / 8000;
        // RFC 8216bis, 4.4.4.8: within a tenth.
        let told = index.bitrate.get(number).copied().flatten().map(bytes);
        let sizes = &self.title.sizes;
        Some((sizes.seen(of, start), told.or_else(|| sizes.likely(of, start, bytes(bitrate)))))
    }

    /// A segment came whole: what it takes is learnt.
    pub(crate) fn learn_size(&mut self, fetch: &SegmentFetch) {
        let of = fetch.rendition;
        let Some(bitrate) = self.rendition(of).map(|rendition| rendition.bandwidth) else { return };
        let millis = u64::try_from((fetch.end - fetch.start).as_millis()).unwrap_or(0);
        if fetch.part.is_none() && fetch.entry.is_none() && !fetch.broken {
            self.title.sizes.learn(of, fetch.start, fetch.bytes, bitrate.saturating_mul(millis) / 8000);
        }
    }

    /// Sound beside a picture follows its variant in HLS; else the best that takes no more than a tenth of
    /// the throughput, and what plays stays unless it takes more than a fifth.
    fn choose_audio(&self, steps: &[Step], current: Option<usize>, next_time: MediaTime) -> (usize, Vec<String>) {
        let first = steps[0].rendition;
        if let (Some(video), Some(audio)) = (self.streams.get(&TrackKind::Video), self.streams.get(&TrackKind::Audio)) {
            let groups = video.rendition.and_then(|r| self.rendition(video.reference(r))).map(|r| r.groups.clone());
            let track = self.track(audio.period, audio.track);
            let bound = track.and_then(|track| audio_rendition(track, &groups.unwrap_or_else(Groups::default)));
            if let Some(rendition) = bound.filter(|bound| steps.iter().any(|step| step.rendition == *bound)) {
                return (rendition, vec!["belongs to the variant of the picture".to_owned()]);
            }
        }
        let of = current.unwrap_or(first);
        let asked = self.streams.get(&TrackKind::Audio).and_then(|a| self.media_place(a.reference(of), next_time));
        let estimate = self.estimate_for(asked);
        let throughput = estimate.low;
        let affordable = |share: u64| steps.iter().rev().find(|step| step.bitrate <= throughput / share);
        if let Some(step) = current.and_then(|now| steps.iter().find(|step| step.rendition == now)) {
            let better = affordable(10).filter(|better| better.bitrate > step.bitrate);
            if step.bitrate <= throughput / 5 && better.is_none() {
                return (step.rendition, vec!["stays".to_owned()]);
            }
        }
        // Integers only: the text is part of recordings.
        let carries = if estimate.samples == 0 { "is assumed to carry" } else { "carries" };
        let carries = format!("a tenth of the {} kbit/s that the network {carries}", throughput / 1000);
        match affordable(10) {
            Some(step) => (step.rendition, vec![format!("takes {} kbit/s, within {carries}", step.bitrate / 1000)]),
            None => {
                let least = steps[0].bitrate / 1000;
                (first, vec![format!("the smallest takes {least} kbit/s, more than {carries}")])
            }
        }
    }
}
