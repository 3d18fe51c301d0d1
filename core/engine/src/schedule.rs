//! What is fetched next: which rendition, which segment, and when.

use std::collections::VecDeque;
use std::time::Duration;

use telecine_delivery::RequestClass;
use telecine_model::{MediaTime, Segment, TrackKind};

use crate::action::{Format, LoadId, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::{DecisionKind, State};
use crate::keys::{Cover, Source};
use crate::live::{Edge, Reach};
use crate::next_segment;
use crate::policy::{BufferContext, BufferGoal};
use crate::requests::Purpose;
use crate::stream::{InitKey, RenditionRef, SegmentFetch, Stream};
use crate::texts::ReadText;
use crate::timed::Asides;
use crate::timer::Timer;

/// Buffered for a viewer who seeks again and again, at least.
const RESTLESS_LEAST: MediaTime = MediaTime::from_secs(5);

/// What follows for a stream.
enum Next {
    /// This segment.
    Segment(RenditionRef, Box<Segment>),
    /// Nothing between these times.
    Hole(MediaTime, MediaTime),
    /// The period has no more segments.
    PeriodEnd,
    /// There are no more yet.
    Edge,
    /// A playlist or an index has to arrive first.
    Wait,
}

/// Whether what the manifest has somewhere is there already.
enum Held {
    /// No: this is to be fetched.
    No(Box<Segment>),
    /// Yes, behind a hole: where the manifest has that, and how far before it its media would be.
    Behind((MediaTime, MediaTime), MediaTime),
}

impl Engine {
    /// Where a stream's media is needed from: the playhead, or the target of what is under way.
    pub(crate) fn needed_from(&self, stream: &Stream) -> MediaTime {
        match self.playback.state {
            State::Loading | State::Preparing | State::Seeking => stream.target,
            _ => self.position().max(stream.target),
        }
    }

    /// How much to buffer for a stream.
    pub(crate) fn goal(&self, stream: &Stream) -> BufferGoal {
        // Whoever has more of the one than of the other stands as early.
        let picture = self.streams.get(&TrackKind::Video).filter(|picture| !picture.absent);
        let leader = picture.unwrap_or(stream);
        let top = leader.ladder.last();
        self.goal_of(stream, top.is_some_and(|top| top.candidates().any(|own| Some(own) == leader.rendition)))
    }

    /// The same, if what is fetched is the best that there is or is not.
    pub(crate) fn goal_of(&self, stream: &Stream, best: bool) -> BufferGoal {
        let rendition = stream.rendition.map(|r| stream.reference(r)).and_then(|r| self.rendition(r));
        let context = BufferContext {
            kind: stream.kind,
            bitrate: rendition.map_or(0, |r| r.bandwidth),
            best,
            duration: self.duration().filter(|_| !self.is_live()),
            network: self.network.kind,
            sink_bytes: stream.byte_limit.or(self.capabilities.max_bytes),
        };
        let goal = self.policies.buffer.goal(&context);
        // Who looks for something leaves most of what is buffered behind.
        let restless = self.playback.is_restless(self.now);
        let little = self.segment_duration(stream).mul_ratio(3, 2).max(RESTLESS_LEAST);
        BufferGoal { ahead: if restless { goal.ahead.min(little) } else { goal.ahead }, ..goal }
    }

    /// Fetches what is next for a kind, if it is time to.
    pub(crate) fn schedule(&mut self, kind: TrackKind) {
        // Each round settles one period's end or hole; there are only so many.
        for _ in 0..64 {
            if !self.schedule_once(kind) {
                return;
            }
        }
        self.timers.set(Timer::Schedule(kind), self.now + Duration::from_millis(1));
    }

    /// One step; true if there may be another at once.
    fn schedule_once(&mut self, kind: TrackKind) -> bool {
        self.watch_again(kind);
        if self.title.start.is_none() && !self.awaits_first_playlist(kind) {
            return false;
        }
        let Some(stream) = self.streams.get_mut(&kind) else {
            return false;
        };
        stream.at_edge &= stream.waits_at_edge();
        let Some(stream) = self.streams.get(&kind) else {
            return false;
        };
        if stream.fetch.is_some() || stream.ended || self.requests.is_retrying(kind) || self.is_put_off(kind) {
            return false;
        }
        let Some(stream) = self.streams.get(&kind) else { return false };
        if let Some(awaited) = stream.awaits {
            if !self.is_dead(awaited) && self.is_awaited(awaited) {
                return false;
            }
        }
        let from = self.needed_from(stream);
        let fresh = stream.shift.is_none() && stream.buffer.fetched_until(from).is_none();
        let next_time = stream.next_time(from);
        if self.title.start.is_some() && self.switch_fast(kind, from, next_time) {
            return false;
        }
        if self.title.start.is_some() && !self.has_room(kind, from, next_time) {
            return false;
        }
        self.go_back(kind, next_time);
        if let Some(stream) = self.streams.get(&kind).filter(|stream| stream.absent) {
            // Said already, unless the sink forgot it.
            let end = self.period_end(stream.period).or(self.duration());
            if end.is_some_and(|end| next_time + SEAM < end) {
                self.be_absent(kind, next_time);
                return true;
            }
            return self.next_period(kind, next_time);
        }
        if fresh && self.title.start.is_some() && self.duration().is_some_and(|end| next_time >= end) {
            // A start behind the end: nothing is fetched, so in what bitrate needs no decision.
            return self.next_period(kind, next_time);
        }
        if self.ask_for_keys(kind, next_time) {
            return false;
        }
        let usable = |engine: &Self| engine.streams.get(&kind).is_some_and(|s| !engine.usable_steps(s).is_empty());
        if !usable(self) {
            // Constraints came that leave only what this segment could not be had in: asked once more.
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.avoid.clear();
            }
            if !usable(self) {
                return self.without_renditions(kind, next_time);
            }
        }
        // Behind media that is there, a frame more or less is rounding; a fresh start is meant exactly.
        let tolerance = if fresh { MediaTime::ZERO } else { SEAM };
        if self.has_no_more_yet(kind, next_time, tolerance) {
            return false;
        }
        let Some(rendition) = self.choose_rendition(kind, next_time) else {
            return false;
        };
        match self.next_segment(kind, rendition, next_time, tolerance) {
            Next::Wait => {
                if let Some(stream) = self.streams.get_mut(&kind) {
                    stream.awaits = Some(stream.reference(rendition));
                }
                false
            }
            Next::Hole(begin, to) => {
                // What the window leaves behind is gone, and more goes with each moment: what is buffered is played first.
                let Some(to) = self.beyond_the_window(kind, rendition, from, (begin, to)) else { return false };
                // The sink may still have some of it from before, when another rendition had it.
                let missing = self.streams.get(&kind).map(|stream| stream.buffer.without_media(begin, to));
                for (from, to) in missing.unwrap_or_default() {
                    self.skip(kind, from, to, Vec::new());
                }
                true
            }
            Next::PeriodEnd => self.next_period(kind, next_time),
            Next::Edge => {
                if let Some(stream) = self.streams.get_mut(&kind) {
                    stream.at_edge = true;
                }
                self.follow_hint(kind, rendition);
                false
            }
            Next::Segment(reference, segment) => {
                let segment = match self.before_held(kind, from, reference, segment) {
                    Held::No(segment) => segment,
                    Held::Behind(span, shift) => {
                        self.skip_at(kind, span, shift, vec!["the media here begins later".to_owned()]);
                        return true;
                    }
                };
                let mut segment = *segment;
                let reach = self.join_parts(reference, &mut segment).map_or(Reach::Own, Reach::On);
                self.fetch_segment(kind, reference, segment, reach);
                // What may not be fetched at all has been replaced or left out by now: on with the next.
                self.playback.is_active() && self.streams.get(&kind).is_some_and(|stream| stream.fetch.is_none())
            }
        }
    }

    /// Where durations do not add up, the manifest may have a segment where media is needed that is there already and
    /// begins later. Then it is the one before that is wanted; if that is there too, nothing else will come.
    fn before_held(&self, kind: TrackKind, from: MediaTime, reference: RenditionRef, segment: Box<Segment>) -> Held {
        let Some(stream) = self.streams.get(&kind) else { return Held::No(segment) };
        if stream.buffer.fetched_until(from).is_some() {
            return Held::No(segment);
        }
        let Some(media_start) = stream.buffer.begins_behind(from, segment.start) else { return Held::No(segment) };
        let index = self.rendition(reference).and_then(|r| r.segments.known());
        let before = index.and_then(|index| index.get(segment.number.checked_sub(1)?));
        let wanted = before.filter(|before| !stream.buffer.knows(before.start, before.end()));
        match wanted.filter(|before| !self.is_missing(reference, before)) {
            Some(before) => Held::No(Box::new(before)),
            None => Held::Behind((segment.start - (media_start - from), segment.start), segment.start - media_start),
        }
    }

    /// Of what a kind may be played in nothing can be had: constraints came that left only renditions
    /// that had failed. True if fetching goes on with the next period.
    fn without_renditions(&mut self, kind: TrackKind, next_time: MediaTime) -> bool {
        let period = self.streams.get(&kind).map(|stream| stream.period);
        let end = period.and_then(|period| self.period_end(period)).or(self.duration());
        if end.is_some_and(|end| next_time + SEAM >= end) {
            return self.next_period(kind, next_time);
        }
        match kind {
            TrackKind::Text => self.disable(kind),
            _ => {
                let nothing = || self.nothing_playable("no rendition within the constraints can be had");
                let error = self.ladder_fault(kind).unwrap_or_else(nothing);
                self.fail(error);
            }
        }
        false
    }

    /// Before the start is known only playlists are fetched, one per stream.
    fn awaits_first_playlist(&self, kind: TrackKind) -> bool {
        self.streams.get(&kind).is_some_and(|stream| stream.awaits.is_none())
    }

    fn is_awaited(&self, reference: RenditionRef) -> bool {
        self.requests.has(&Purpose::Playlist(reference)) || self.requests.has(&Purpose::Index(reference))
    }

    /// Whether the buffer has room; if not, a timer is set for when it will have.
    fn has_room(&mut self, kind: TrackKind, from: MediaTime, next_time: MediaTime) -> bool {
        let Some(stream) = self.streams.get(&kind) else {
            return false;
        };
        if self.timers.is_waiting(Timer::Schedule(kind), self.now) && stream.paused {
            return false;
        }
        // Holes are nothing to play: as long as there is little else, fetching goes on behind them,
        // however full the sink is of media from elsewhere.
        let media = stream.buffer.media_behind(from);
        // What playback waits for to go on is never withheld.
        let least = self.config.start_buffer.max(self.config.rebuffer_goal);
        if media <= SEAM {
            return true;
        }
        let goal = self.goal(stream);
        let full = self.is_full(stream) && !self.make_room(kind);
        let Some(stream) = self.streams.get(&kind) else {
            return false;
        };
        let far = kind != TrackKind::Video && self.is_far_ahead_of_the_picture(stream, from, next_time);
        let withheld_from = if far { least } else { least.max(self.enough_to_go_on()) };
        if media < withheld_from && !full {
            return true;
        }
        if far {
            return false;
        }
        let ahead = media.min(next_time - from);
        if ahead < goal.ahead && !full {
            return true;
        }
        if self.playback.is_advancing() {
            let excess = if full { MediaTime::from_millis(500) } else { ahead - goal.ahead };
            let due = self.now + self.real(excess) + Duration::from_millis(1);
            self.timers.set(Timer::Schedule(kind), due);
        }
        false
    }

    /// Whether another segment would be more than the sink holds.
    pub(crate) fn is_full(&self, stream: &Stream) -> bool {
        let rendition = stream.rendition.and_then(|r| self.rendition(stream.reference(r)));
        let rate = rendition.map_or(0, |r| r.average_bandwidth.unwrap_or(r.bandwidth)) / 8;
        let segment = u64::try_from(self.segment_duration(stream).as_millis()).unwrap_or(0);
        let coming = rate.saturating_mul(segment) / 1000;
        stream.buffer.bytes().saturating_add(coming.max(stream.refused_bytes)) > self.goal(stream).bytes
    }

    /// Sound and text share the line with the picture: what is far ahead of it only keeps it waiting.
    fn is_far_ahead_of_the_picture(&self, stream: &Stream, from: MediaTime, next_time: MediaTime) -> bool {
        let Some(video) = self.streams.get(&TrackKind::Video).filter(|video| !video.ended) else { return false };
        // While what the picture asks for is not answered, whether anything is answered is worth to know: a line that
        // is down is waited for, a segment that hangs is left out.
        if video.trouble_since.is_some() {
            return false;
        }
        // Parts leave no room for more: while there is less of the picture than playback goes on with, sound is no further.
        let parts = self.leader().filter(|leader| self.plays_parts(*leader)).map(|_| self.granularity());
        let thin = video.buffer.media_behind(from) < self.config.rebuffer_goal;
        let lead = parts.filter(|_| thin).unwrap_or(self.segment_duration(stream).max(self.config.start_buffer));
        next_time > video.next_time(from) + lead
    }

    /// Duration of the segments of what is fetched, or a common one while unknown.
    pub(crate) fn segment_duration(&self, stream: &Stream) -> MediaTime {
        let rendition = stream.rendition.and_then(|r| self.rendition(stream.reference(r)));
        let table = rendition.and_then(|r| r.segments.known()).map(|index| &index.table);
        let longest = table.and_then(|table| {
            Some(MediaTime::from_ticks(i64::try_from(table.max_duration()?).ok()?, table.timescale()))
        });
        let announced = self.title.presentation.as_ref().and_then(|p| p.target_duration);
        longest.or(announced).unwrap_or(MediaTime::from_secs(4))
    }

    /// Duration of a segment of what is fetched on average, or a common one while unknown.
    pub(crate) fn usual_duration(&self, stream: &Stream) -> MediaTime {
        let rendition = stream.rendition.and_then(|r| self.rendition(stream.reference(r)));
        let usual = rendition.and_then(|r| r.segments.known()).and_then(|index| index.usual_duration());
        usual.unwrap_or_else(|| self.segment_duration(stream))
    }

    /// Whether what was fetched last goes on and has nothing further so far. In what the next segment is fetched is decided when
    /// there is one: the network is known better then, and no list of another rendition is asked for in vain. Of what is
    /// played part by part the next is asked for before it is there.
    fn has_no_more_yet(&mut self, kind: TrackKind, next_time: MediaTime, tolerance: MediaTime) -> bool {
        let Some(stream) = self.streams.get(&kind).filter(|_| !self.plays_low_latency()) else { return false };
        let Some(last) = stream.requested().filter(|_| stream.cursor.is_some() && stream.settled.is_none()) else {
            return false;
        };
        // What was chosen instead, and has not come, is awaited.
        let is_chosen =
            stream.rendition == Some(last) && self.usable_steps(stream).iter().any(|step| step.rendition == last);
        if !is_chosen {
            return false;
        }
        let at_edge = matches!(self.segment_at(kind, last, next_time, tolerance), Err(Next::Edge));
        if let Some(stream) = self.streams.get_mut(&kind).filter(|_| at_edge) {
            stream.at_edge = true;
        }
        at_edge
    }

    /// What follows in a rendition at `next_time`, or in another one if that has it missing.
    fn next_segment(
        &mut self,
        kind: TrackKind,
        mut rendition: usize,
        mut next_time: MediaTime,
        tolerance: MediaTime,
    ) -> Next {
        loop {
            let segment = match self.segment_at(kind, rendition, next_time, tolerance) {
                Ok(segment) => segment,
                Err(next) => return next,
            };
            let Some(reference) = self.streams.get(&kind).map(|stream| stream.reference(rendition)) else {
                return Next::Wait;
            };
            if !self.is_missing(reference, &segment) {
                return Next::Segment(reference, Box::new(segment));
            }
            // A segment that is announced missing: another rendition may have it (H062, D085).
            match self.around_gap(kind, rendition, &segment) {
                Some(other) => (rendition, next_time) = (other, segment.start),
                None => return Next::Hole(segment.start, segment.end()),
            }
        }
    }

    /// The segment of a rendition at `next_time`, or what there is instead.
    fn segment_at(
        &mut self,
        kind: TrackKind,
        rendition: usize,
        next_time: MediaTime,
        tolerance: MediaTime,
    ) -> Result<Segment, Next> {
        let stream = self.streams.get(&kind).ok_or(Next::Wait)?;
        let (reference, cursor) = (stream.reference(rendition), stream.cursor);
        if !self.ensure_segments(reference, kind) || self.title.start.is_none() {
            return Err(Next::Wait);
        }
        let bound = self.title.end.map(|end| end - SEAM.mul_ratio(1, 2));
        let ends = self.period_end(reference.period).map(|end| end - tolerance);
        if bound.into_iter().chain(ends).any(|end| next_time >= end) {
            return Err(Next::PeriodEnd);
        }
        if self.is_outdated(reference) {
            return Err(Next::Edge);
        }
        let index = self.rendition(reference).and_then(|r| r.segments.known()).ok_or(Next::Wait)?;
        let cursor = cursor.filter(|cursor| cursor.rendition == reference);
        let parts = self.plays_parts(reference);
        let goes_on = self.goes_on(reference) || (self.is_last_period(reference.period) && self.mpd_goes_on());
        let end = if goes_on { Next::Edge } else { Next::PeriodEnd };
        let segment = next_segment::find(index, cursor, next_time, tolerance, parts).ok_or(end)?;
        if self.is_behind_the_title(reference.period, segment.start) {
            return Err(Next::PeriodEnd);
        }
        match self.edge_of(kind, reference, &segment) {
            Some(Edge::NotYet(at)) => {
                self.timers.set(Timer::Schedule(kind), at);
                return Err(Next::Edge);
            }
            Some(Edge::Gone(to)) => return Err(Next::Hole(next_time, to)),
            Some(Edge::Never) => return Err(Next::PeriodEnd),
            None => {}
        }
        if let Some(at) = self.listed_ahead(reference, segment.end()) {
            self.timers.set(Timer::Schedule(kind), at);
            return Err(Next::Edge);
        }
        // At the very start a title may begin late; that is its first frame, not a hole to wait in.
        if segment.start > next_time + SEAM {
            return Err(Next::Hole(next_time, segment.start));
        }
        Ok(segment)
    }

    /// Whether the manifest says that a segment is not there, or not worth playing.
    pub(crate) fn is_missing(&self, reference: RenditionRef, segment: &Segment) -> bool {
        let overlaps = |(from, to): &(MediaTime, MediaTime)| *from < segment.end() && segment.start < *to;
        segment.gap || self.rendition(reference).is_some_and(|r| r.invalid_ranges.iter().any(overlaps))
    }

    /// Another rendition for a segment that is announced missing in one.
    fn around_gap(&mut self, kind: TrackKind, rendition: usize, segment: &Segment) -> Option<usize> {
        let stream = self.streams.get_mut(&kind)?;
        stream.avoid.insert(rendition);
        let stream = self.streams.get(&kind)?;
        let other = self.nearest_usable(stream, rendition)?;
        let why = vec![format!("segment {} is announced missing", segment.number)];
        let name = |r: usize| self.rendition_name(kind, r);
        let (from, to) = (name(rendition), name(other));
        self.decide(DecisionKind::Bitrate, Some(kind), from, to, why);
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.rendition = Some(other);
        }
        Some(other)
    }

    pub(crate) fn rendition_name(&self, kind: TrackKind, rendition: usize) -> Option<String> {
        let stream = self.streams.get(&kind)?;
        self.rendition(stream.reference(rendition)).map(|rendition| rendition.id.clone())
    }

    /// Fetches a segment, and its initialisation section if that is not known yet, at once.
    pub(crate) fn fetch_segment(&mut self, kind: TrackKind, reference: RenditionRef, segment: Segment, reach: Reach) {
        let base = self.rendition(reference).and_then(|r| r.segments.known()).map(|index| index.base.clone());
        let base = base.unwrap_or_default();
        let init_keys = segment.init.as_ref().map(|init| init.keys.clone());
        let cover = Cover::of(&segment.keys, &base)
            .and_then(|cover| Ok((cover, init_keys.map_or(Ok(Cover::None), |keys| Cover::of(&keys, &base))?)));
        let next_keys =
            self.rendition(reference).and_then(|r| r.segments.known()?.keys.get(segment.number + 1).cloned());
        let (fault, (cover, init_cover)) = match cover {
            Ok(covers) => (None, covers),
            Err(error) => (Some(error), (Cover::None, Cover::None)),
        };
        let url = self.on_good_base(reference, &segment.reference);
        let init = segment.init.as_ref().map(|init| {
            let index = self.rendition(reference).and_then(|r| r.segments.known());
            let uri = index.map_or_else(|| init.uri.clone(), |index| index.resolve(&init.uri));
            let range = init.byte_range.map(|r| (r.offset, r.length));
            (InitKey { uri, range }, init.uri.clone(), init.byte_range)
        });
        let format = self.format_of(kind, reference, init.is_some());
        let class = if format == Format::WebVtt { RequestClass::Text } else { RequestClass::Segment };
        let key = init.as_ref().map(|(key, _, _)| key.clone());
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        self.loads += 1;
        stream.refill = stream.refill.saturating_sub(1);
        stream.fetched = Some(self.now);
        let follows = stream.follows(reference, segment.number, segment.part)
            && stream.discontinuity == Some(segment.discontinuity)
            && !stream.broken_off;
        let mut demuxer = stream.demuxer.take().filter(|_| follows);
        if let Some(demuxer) = &mut demuxer {
            demuxer.next_segment(false);
        }
        if matches!(reach, Reach::On(_)) {
            stream.at_edge = false;
        }
        stream.fetch = Some(SegmentFetch {
            demuxer,
            load: LoadId(self.loads),
            rendition: reference,
            number: segment.number,
            part: segment.part,
            open: reach.open(),
            listed: !matches!(reach, Reach::Hinted(_)),
            hinted: reach.hint(),
            entry: None,
            start: segment.start,
            end: segment.end(),
            discontinuity: segment.discontinuity,
            format,
            init: key.clone(),
            cover: cover.clone(),
            init_cover: init_cover.clone(),
            keys: matches!(cover, Cover::Samples(_)).then(|| Source::tags(&segment.keys, &base)),
            sealed_init: None,
            request: None,
            init_request: None,
            reader: None,
            early: Vec::new(),
            held: VecDeque::new(),
            asides: Asides::default(),
            complete: false,
            read: false,
            appended: 0,
            muxed: 0,
            bare: false,
            seen: 0,
            skip: 0,
            broken: false,
            started: self.now,
            bytes: 0,
            text: Vec::new(),
            read_text: ReadText::default(),
        });
        if let Some(error) = fault {
            return self.replace_unkeyed(kind, error);
        }
        // The key of what follows too: it is small, and then it is there.
        let next = next_keys.and_then(|keys| Cover::of(&keys, &base).ok());
        for lock in [&Some(cover), &Some(init_cover), &next].into_iter().flatten().filter_map(Cover::lock) {
            self.ask_for_key_file(lock);
        }
        let fetch = self.streams.get(&kind).and_then(|stream| stream.fetch.as_ref());
        let missing = fetch.and_then(|fetch| fetch.locks().find_map(|lock| self.title.key_files.fault(lock)));
        if let Some(error) = missing.cloned() {
            return self.replace_unkeyed(kind, error);
        }
        if let Some((key, url, range)) = init.filter(|(key, _, _)| !self.title.inits.contains_key(key)) {
            let url = self.on_good_base(reference, &url);
            if let Err(error) = self.fetch(RequestClass::Init, Purpose::Init(kind, key), Some(kind), url, range) {
                return self.replace_segment(kind, error, Vec::new());
            }
        }
        if let Err(error) = self.fetch_media(kind, class, url, &segment) {
            self.replace_segment(kind, error, Vec::new());
        }
    }

    fn format_of(&self, kind: TrackKind, reference: RenditionRef, has_init: bool) -> Format {
        let mime = self.rendition(reference).and_then(|r| r.mime_type.as_deref()).unwrap_or("");
        let text = kind == TrackKind::Text && !has_init && !mime.contains("mp4");
        if text {
            Format::WebVtt
        } else {
            Format::Cmaf
        }
    }

    /// Tells the sink that nothing follows, once that is so.
    pub(crate) fn tell_ends(&mut self) {
        let mut done = Vec::new();
        for stream in self.streams.values_mut() {
            if stream.ended && !stream.end_told && stream.fetch.is_none() {
                stream.end_told = true;
                done.extend(stream.outputs.iter().copied());
            }
        }
        for kind in done {
            self.sink(SinkCommand::EndOfStream { kind });
        }
    }
}
