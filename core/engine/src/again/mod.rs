//! Fast switching: a segment that waits in the buffer in a low rendition is fetched again in a higher one, once the
//! network has risen, and takes the place of the one that waits.
//!
//! The bitrate rule says which and when ([`BitrateRule::again`](telecine_abr::BitrateRule::again)); here is what makes
//! that harmless. A segment that is fetched again is the [`SegmentFetch`] of its stream, as any other is, so whatever
//! drops what is under way (a seek, another track, an end) drops it too. What differs: nothing of it is read before it is
//! complete, and nothing is handed on before all of it was found to be right ([`take`]). Until then what waits is
//! untouched, and whatever goes wrong is no fault of playback: it is told as a decision, and the segment stays as it is.

mod take;

use telecine_abr::{Again as Answer, Candidate, Level, Waiting};
use telecine_model::{Error, MediaTime, Segment, SortedSet, Timestamp, TrackKind};

use crate::action::LoadId;
use crate::buffer::{Item, SEAM};
use crate::engine::Engine;
use crate::event::{DecisionKind, State};
use crate::live::Reach;
use crate::select::Step;
use crate::stream::{Init, RenditionRef, SegmentFetch, Stream};
use crate::timer::Timer;

/// What is to be played so soon is left as it is: sinks decode ahead of the playhead.
const MARGIN: MediaTime = MediaTime::from_millis(1000);
/// The rule is asked anew after so long if it has learnt nothing meanwhile.
const ASK_AGAIN: MediaTime = MediaTime::from_millis(500);
/// Above this speed, in thousandths, what is buffered is skimmed, not watched.
const FASTEST: u32 = 2000;

/// What a stream fetches again, and what it fetched again in vain.
#[derive(Default)]
pub(crate) struct Again {
    under_way: Option<UnderWay>,
    /// Starts of segments that could not be had again, as the manifest has them.
    in_vain: SortedSet<MediaTime>,
    asked: Option<Asked>,
}

/// A segment that is fetched again.
struct UnderWay {
    load: LoadId,
    /// The loading that brought what waits.
    waits: LoadId,
    /// No sample of it from here on: the segment behind it begins there.
    until: Option<MediaTime>,
    /// The initialisation that came in it, where the manifest names none.
    own_init: Option<(RenditionRef, Init)>,
}

/// What was known when the rule was asked last.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Asked {
    at: Timestamp,
    samples: u32,
    next_time: MediaTime,
}

impl Again {
    /// Whether a fetch is of a segment that waits already.
    pub(crate) fn is(&self, fetch: &SegmentFetch) -> bool {
        self.waits_for(fetch).is_some()
    }

    /// The loading that brought what a fetch is to take the place of.
    fn waits_for(&self, fetch: &SegmentFetch) -> Option<LoadId> {
        self.under_way.as_ref().filter(|under_way| under_way.load == fetch.load).map(|under_way| under_way.waits)
    }

    /// The window of what is appended, cut where what waits behind it begins. In Media Source what overlaps the first
    /// picture of a group takes the whole group with it (coded frame removal).
    pub(crate) fn window(&self, load: LoadId, window: (MediaTime, MediaTime)) -> (MediaTime, MediaTime) {
        let until = self.under_way.as_ref().filter(|under_way| under_way.load == load).and_then(|again| again.until);
        (window.0, until.map_or(window.1, |until| window.1.min(until)))
    }
}

impl Engine {
    /// Whether what a kind's stream fetches is a segment that waits in the buffer.
    pub(crate) fn fetches_again(&self, kind: TrackKind) -> bool {
        self.streams.get(&kind).is_some_and(|stream| stream.fetch.as_ref().is_some_and(|fetch| stream.again.is(fetch)))
    }

    /// Asks the rule whether to fetch a segment again that waits, and does so. True if one is under way now.
    pub(crate) fn switch_fast(&mut self, kind: TrackKind, from: MediaTime, next_time: MediaTime) -> bool {
        let Some(stream) = self.streams.get(&kind).filter(|stream| self.may_switch_fast(stream, from)) else {
            return false;
        };
        let asked = Asked { at: self.now, samples: self.estimate().samples, next_time };
        let nothing_new = stream.again.asked.is_some_and(|before| {
            Asked { at: self.now, ..before } == asked && self.now.since(before.at) < ASK_AGAIN.to_duration()
        });
        if nothing_new {
            return false;
        }
        let steps = self.steps_to_choose_from(stream, None);
        let items = waiting(stream, &steps, from);
        if items.len() < 2 {
            return false;
        }
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.again.asked = Some(asked);
        }
        let levels = self.levels(kind, &steps, next_time);
        let waiting: Vec<Waiting> =
            items.iter().map(|(level, item)| Waiting { level: *level, due: item.media_start - from }).collect();
        let Some(context) = self.context(kind, &levels, next_time) else { return false };
        let Some(answer) = self.rule().again(&context, &waiting) else { return false };
        let Some((level, item)) = items.into_iter().nth(answer.place) else { return false };
        let higher = answer.level > level && item.media_start - from >= MARGIN;
        let target = levels.get(answer.level).filter(|_| higher).copied();
        let candidates = self.candidates(&context, kind, answer.level, &[]);
        target.is_some_and(|target| self.fetch_again(kind, &item, target, &answer, candidates))
    }

    /// Whether a stream is in a state in which what waits may be replaced.
    fn may_switch_fast(&self, stream: &Stream, from: MediaTime) -> bool {
        let playing = self.playback.state == State::Playing && self.playback.seek.is_none();
        let settled = stream.cursor.is_some() && stream.settled.is_none() && !stream.paused && stream.avoid.is_empty();
        let well = stream.trouble_since.is_none() && stream.refused_bytes == 0 && !stream.bare;
        self.config.fast_switch
            && self.config.data_saver.is_none()
            && stream.kind == TrackKind::Video
            && self.capabilities.random_access
            && playing
            && (1..=FASTEST).contains(&self.playback.rate_milli)
            && settled
            && well
            // What is muxed in is in the sink already.
            && stream.outputs == [stream.kind]
            && !self.plays_low_latency()
            && stream.ahead(from) >= self.least_ahead(stream)
    }

    /// With less than a segment and a half ahead of the playhead what follows is fetched first.
    fn least_ahead(&self, stream: &Stream) -> MediaTime {
        self.segment_duration(stream).mul_ratio(3, 2)
    }

    /// What was begun is carried on for longer than it would be begun: the rule knew what it takes of the buffer, and what has
    /// come of it is lost where it is given up.
    fn least_left(&self, stream: &Stream) -> MediaTime {
        self.segment_duration(stream).mul_ratio(3, 4)
    }

    fn fetch_again(
        &mut self,
        kind: TrackKind,
        item: &Item,
        target: Level,
        answer: &Answer,
        candidates: Vec<Candidate>,
    ) -> bool {
        let Some(stream) = self.streams.get(&kind) else { return false };
        let reference = stream.reference(target.rendition);
        let Some(waits) = item.load else { return false };
        let left = self.goal(stream).bytes.saturating_sub(stream.buffer.bytes());
        let size =
            u64::try_from((item.end - item.start).as_millis()).unwrap_or(0).saturating_mul(target.bitrate) / 8000;
        // Sinks hold both for a moment.
        if target.next_size.unwrap_or(0).max(size) > left {
            return false;
        }
        if !self.ensure_segments(reference, kind) {
            // As soon as its list is there the rule is asked again.
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.again.asked = None;
            }
            return false;
        }
        let Some(segment) = self.same_segment(kind, reference, item) else {
            self.give_up_place(kind, item.start);
            return false;
        };
        let why = vec![answer.reason.to_string(), format!("segment {} once more", segment.number)];
        let (from, to) = (self.rendition_name(kind, item.rendition), self.rendition_name(kind, target.rendition));
        self.decide_among(candidates, DecisionKind::FastSwitch, Some(kind), from, to, why);
        let next_load = LoadId(self.loads + 1);
        let Some(stream) = self.streams.get_mut(&kind) else { return false };
        stream.again.under_way = Some(UnderWay { load: next_load, waits, until: None, own_init: None });
        // What goes on behind the buffer does so with the reader that it had.
        let demuxer = stream.demuxer.take();
        self.fetch_segment(kind, reference, segment, Reach::Own);
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.demuxer = demuxer;
        }
        let due = self.now + self.real(item.media_start - self.position() - MARGIN);
        self.timers.set(Timer::Schedule(kind), due + std::time::Duration::from_millis(1));
        self.fetches_again(kind)
    }

    /// What another rendition has in the place of a segment that waits, if that is the same span whole.
    fn same_segment(&self, kind: TrackKind, reference: RenditionRef, item: &Item) -> Option<Segment> {
        let discontinuity = self.streams.get(&kind)?.discontinuity;
        let index = self.rendition(reference)?.segments.known()?;
        let middle = item.start + (item.end - item.start).mul_ratio(1, 2);
        let segment = index.get(index.number_at(middle)?)?;
        let alike = segment.start.abs_diff(item.start) <= SEAM && segment.end().abs_diff(item.end) <= SEAM;
        let there = !self.is_missing(reference, &segment) && !self.is_outdated(reference);
        (alike && there && Some(segment.discontinuity) == discontinuity).then_some(segment)
    }

    /// Gives up what is fetched again if its time is over.
    pub(crate) fn watch_again(&mut self, kind: TrackKind) {
        let Some(stream) = self.streams.get(&kind) else { return };
        let Some(fetch) = &stream.fetch else { return };
        let Some(waits) = stream.again.waits_for(fetch) else { return };
        let position = self.position();
        let item = stream.buffer.loaded(waits);
        let rendition = fetch.rendition.rendition;
        let still = || self.usable_steps(stream).iter().any(|step| step.rendition == rendition);
        let why = match item {
            None => "what waited is not there any more",
            Some(item) if item.media_start - position < MARGIN => "it did not come in time: what waits is played",
            _ if stream.ahead(position) < self.least_left(stream) => "what follows is needed first",
            _ if !matches!(self.playback.state, State::Playing | State::Paused) => "playback does not run",
            _ if !still() => "it may not be played any more",
            Some(_) => return,
        };
        self.leave_again(kind, why.to_owned());
    }

    /// What was fetched again failed; what waits stays.
    pub(crate) fn fail_again(&mut self, kind: TrackKind, error: &Error) {
        self.leave_again(kind, said(error));
    }

    /// Gives up what is fetched again; what waits stays, and is not fetched again once more.
    fn leave_again(&mut self, kind: TrackKind, why: String) {
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let Some(fetch) = &stream.fetch else { return };
        let Some(waits) = stream.again.waits_for(fetch) else { return };
        let (rendition, start) = (fetch.rendition.rendition, fetch.start);
        // Of a request that is under way, or failed, what came is counted elsewhere.
        let wasted = if fetch.complete { fetch.bytes } else { 0 };
        let item = stream.buffer.loaded(waits).map(|item| (item.rendition, item.start));
        stream.again.under_way = None;
        self.drop_fetch(kind);
        self.qoe.wasted(wasted);
        self.give_up_place(kind, item.map_or(start, |(_, start)| start));
        let (from, to) = (self.rendition_name(kind, rendition), item.and_then(|(r, _)| self.rendition_name(kind, r)));
        self.decide(DecisionKind::FastSwitch, Some(kind), from, to, vec![why]);
    }

    fn give_up_place(&mut self, kind: TrackKind, start: MediaTime) {
        let position = self.position();
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        // What is behind the playhead by so much is not in the buffer for long.
        let oldest = stream.buffer.start().unwrap_or(position);
        stream.again.in_vain.retain(|known| *known >= oldest);
        stream.again.in_vain.insert(start);
    }
}

/// An error as a reason.
fn said(error: &Error) -> String {
    format!("{}: {}", error.code().name(), error.message())
}

/// The last whole segments in the buffer that follow each other in the stream's ladder, from the playhead on, each with
/// its level. What was fetched again in vain is the first at most: what comes first is never replaced.
fn waiting(stream: &Stream, steps: &[Step], from: MediaTime) -> Vec<(usize, Item)> {
    let level = |item: &Item| {
        let whole = item.complete && !item.hole && item.load.is_some() && item.media_start < item.media_end;
        let own = whole && (item.period, item.track) == (stream.period, stream.track);
        steps.iter().position(|step| own && step.candidates().any(|candidate| candidate == item.rendition))
    };
    let mut items: Vec<(usize, Item)> = Vec::new();
    for item in stream.buffer.chain(from).iter().rev() {
        let goes_on = items.last().is_none_or(|(_, next)| next.media_start.abs_diff(item.media_end) <= SEAM);
        let Some(level) = level(item).filter(|_| goes_on) else { break };
        items.push((level, item.clone()));
        if stream.again.in_vain.contains(&item.start) {
            break;
        }
    }
    items.reverse();
    items
}
