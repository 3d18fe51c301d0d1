//! Playing a part of a title: to an end that the application sets, and on from elsewhere as if nothing lay between.

use std::time::Duration;

use telecine_model::{MediaTime, SegmentIndex, TrackKind};

use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::stream::Stream;

impl Engine {
    /// Sets where playback ends, or takes that back.
    pub(crate) fn set_end(&mut self, end: Option<MediaTime>) {
        if self.title.end == end {
            return;
        }
        let before = std::mem::replace(&mut self.title.end, end);
        // What was handed on across the old end was cut there: the rest of it is fetched again.
        if let Some(before) = before.filter(|before| end.is_none_or(|end| *before < end)) {
            self.drop_behind(before);
        }
        for stream in self.streams.values_mut() {
            // What is the end now is found anew.
            stream.ended = false;
            stream.end_told = false;
        }
        if let Some(end) = end {
            self.drop_behind(end);
        }
    }

    /// Gives up what is buffered and fetched behind a time.
    fn drop_behind(&mut self, end: MediaTime) {
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            let Some(stream) = self.streams.get_mut(&kind) else { continue };
            let fetches = stream.fetch.as_ref().is_some_and(|fetch| fetch.end > end + SEAM);
            let held = stream.buffer.bytes();
            let wasted = stream.buffer.evict(end, MediaTime::MAX);
            let cut = stream.buffer.bytes() < held;
            let outputs = stream.outputs.clone();
            if fetches {
                self.drop_fetch(kind);
                self.drop_torn(kind);
            }
            if cut || fetches {
                if let Some(stream) = self.streams.get_mut(&kind) {
                    stream.fetch_elsewhere();
                }
                self.qoe.wasted(wasted);
                for kind in outputs {
                    self.sink(crate::action::SinkCommand::Remove { kind, from: end, to: MediaTime::MAX });
                }
            }
        }
    }

    /// Goes on from elsewhere as if nothing lay between: no seek is told or counted, and nothing that was given to the sink
    /// before counts as there. `after` is how long something else is played before.
    pub(crate) fn go_on_from(&mut self, target: MediaTime, end: Option<MediaTime>, after: Duration, follow: bool) {
        self.title.end = end;
        if self.title.start.is_none() {
            self.title.wanted_start = Some(target);
            return;
        }
        let (earliest, latest) = self.seekable().unwrap_or((MediaTime::MIN, self.duration().unwrap_or(MediaTime::MAX)));
        // What is not there yet at a live edge comes while it is waited for.
        let latest = if self.is_live() { MediaTime::MAX } else { latest };
        let target = target.min(latest).max(earliest);
        self.follow_from(target);
        self.title.live.following.live |= follow;
        self.title.key_files.forget_missing();
        self.title.timed.leave();
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.drop_fetch(kind);
            if let Some(stream) = self.streams.get_mut(&kind) {
                let wasted = stream.buffer.clear();
                stream.configured = None;
                self.qoe.wasted(wasted);
            }
        }
        self.begin_seek(target, false);
        self.playback.begins = (!after.is_zero()).then(|| self.now + after);
        self.reposition(target);
        self.seek_sink(target);
    }

    /// Whether everything up to the end, the title's or the application's, was handed to the sink.
    pub(crate) fn is_fed(&self) -> bool {
        let mut essential = self.streams.values().filter(|stream| stream.is_essential()).peekable();
        essential.peek().is_some() && essential.all(|stream| stream.ended && stream.fetch.is_none())
    }

    /// Where what was handed to the sink ends: the picture, where there is one.
    pub(crate) fn fed_until(&self) -> Option<MediaTime> {
        let leader = self.leading_stream()?;
        let end = leader.buffer.media_end()?;
        Some(self.title.end.map_or(end, |bound| end.min(bound)))
    }

    /// The stream that others go by: the picture's, else the sound's.
    fn leading_stream(&self) -> Option<&Stream> {
        let present = |kind: &TrackKind| self.streams.get(kind).filter(|stream| !stream.absent && stream.delivered);
        [TrackKind::Video, TrackKind::Audio].iter().find_map(present)
    }

    /// The boundary of a segment that is nearest to a time, as far as is known: of the picture, where there is one.
    pub(crate) fn boundary_near(&self, time: MediaTime) -> Option<MediaTime> {
        let index = self.leading_index()?;
        let segment = index.get(index.number_at(time)?)?;
        let ends = (segment.end().abs_diff(time) < segment.start.abs_diff(time)).then(|| segment.end());
        // A list that ends before that time has no boundary near it.
        let near = ends.unwrap_or(segment.start);
        (near.abs_diff(time) <= segment.duration).then_some(near)
    }

    /// The list of what others go by: of the picture, where there is one and it is known, else of the sound. Of a live title
    /// one may be newer than the other.
    fn leading_index(&self) -> Option<&SegmentIndex> {
        let streams = [TrackKind::Video, TrackKind::Audio].into_iter().filter_map(|kind| self.streams.get(&kind));
        let mut indexes = streams
            .filter(|stream| !stream.absent)
            .filter_map(|stream| self.rendition(stream.reference(stream.rendition?))?.segments.known());
        indexes.next()
    }
}

/// What a programme asks of the engine that plays its title.
impl Engine {
    /// What the title's references are relative to: the playlist that plays, where there is one.
    pub(crate) fn reference_base(&self) -> String {
        let streams = [TrackKind::Video, TrackKind::Audio].into_iter().filter_map(|kind| self.streams.get(&kind));
        let mut indexes = streams.filter_map(|stream| {
            let renditions = &self.track(stream.period, stream.track)?.renditions;
            let own = stream.rendition.and_then(|rendition| renditions.get(rendition)).into_iter();
            own.chain(renditions).find_map(|rendition| rendition.segments.known())
        });
        let base = indexes.next().filter(|_| self.is_hls()).map(|index| index.base.to_string());
        base.unwrap_or_else(|| self.title.url.clone())
    }

    /// Whether what is listed reaches beyond a time.
    pub(crate) fn lists_beyond(&self, time: MediaTime) -> bool {
        self.leading_index().and_then(SegmentIndex::end).is_some_and(|end| end > time)
    }

    /// A place as a seek would have it: within what can be played.
    pub(crate) fn within(&self, target: MediaTime) -> MediaTime {
        let presentation = self.title.presentation.as_ref();
        let first = presentation.and_then(|p| p.periods.first()).map_or(MediaTime::MIN, |period| period.start);
        let last = presentation.and_then(|p| p.duration).unwrap_or(MediaTime::MAX);
        let (earliest, latest) = self.seekable().unwrap_or((first, last));
        target.min(latest).max(earliest)
    }
}
