//! Room in the sink: what is dropped to have some, and what is done when there is none.

use telecine_model::{Error, ErrorCode, MediaTime, TrackKind};

use crate::action::{LoadId, SinkCommand};
use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::stream::Stream;

impl Engine {
    /// Drops what lies further behind the playhead than it is kept.
    pub(crate) fn trim_back_buffers(&mut self, position: MediaTime) {
        let mut removed: Vec<(TrackKind, MediaTime)> = Vec::new();
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            let Some(stream) = self.streams.get(&kind) else {
                continue;
            };
            // A sink that cannot go back has no use for what was played.
            let behind = if self.capabilities.random_access { self.goal(stream).behind } else { MediaTime::ZERO };
            let keep_from = position - behind;
            // Not for every frame: when there is a segment or two to drop.
            let slack = self.segment_duration(stream);
            if stream.buffer.start().is_none_or(|start| start + slack > keep_from) {
                continue;
            }
            if let Some(stream) = self.streams.get_mut(&kind) {
                let wasted = stream.buffer.remove(MediaTime::MIN, keep_from);
                let to = stream.buffer.start().unwrap_or(keep_from).min(keep_from);
                removed.extend(stream.outputs.iter().map(|output| (*output, to)));
                self.qoe.wasted(wasted);
            }
        }
        for (kind, to) in removed {
            self.sink(SinkCommand::Remove { kind, from: MediaTime::MIN, to });
        }
    }

    /// Drops what can be spared of a kind until another segment fits: what was played, oldest first, and
    /// what lies elsewhere. True if it does fit.
    pub(crate) fn make_room(&mut self, kind: TrackKind) -> bool {
        loop {
            let Some(stream) = self.streams.get(&kind) else { return false };
            let position = self.needed_from(stream);
            if !self.is_full(stream) {
                return true;
            }
            let Some(stream) = self.streams.get_mut(&kind) else { return false };
            // A little is kept: what is on screen belongs to it.
            let margin = self.config.small_gap;
            let spared = match stream.buffer.spare(position, margin) {
                // A sink that plays straight on needs nothing before the playhead; where one can go back, what is
                // on screen may hang on the picture that its segment begins with.
                None if !self.capabilities.random_access => stream.buffer.behead(position - margin),
                spared => spared,
            };
            let Some(((from, to), wasted)) = spared else { return false };
            let outputs = stream.outputs.clone();
            self.qoe.wasted(wasted);
            for kind in outputs {
                self.sink(SinkCommand::Remove { kind, from, to });
            }
        }
    }

    /// The sink dropped media by itself.
    pub(crate) fn on_evicted(&mut self, kind: TrackKind, from: MediaTime, to: MediaTime) {
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let arriving = stream.fetch.as_ref().and_then(|fetch| stream.buffer.loaded(fetch.load));
        let cut = arriving.is_some_and(|item| item.media_start < to && from < item.media_end);
        let wasted = stream.buffer.evict(from, to);
        stream.fetch_elsewhere();
        self.qoe.wasted(wasted);
        // What is needed first is fetched first: what is on its way may even wait for what plays by then.
        let Some(stream) = self.streams.get(&kind) else { return };
        let needed = self.needed_from(stream);
        let next = stream.next_time(needed);
        if cut || stream.fetch.as_ref().is_some_and(|fetch| fetch.start > next + SEAM) {
            self.drop_fetch(kind);
            self.drop_torn(kind);
        }
        self.check_playhead();
    }

    /// Media may have gone from under the playhead.
    pub(crate) fn check_playhead(&mut self) {
        let position = self.position();
        let lacks = |stream: &Stream| stream.is_essential() && !stream.ended && stream.ahead(position) <= SEAM;
        if self.streams.values().any(lacks) {
            self.on_starved(position);
        }
    }

    /// The sink has no room: what it refused is fetched again once there is some.
    pub(crate) fn on_full(&mut self, kind: TrackKind, load: LoadId) {
        let position = self.position();
        let Some(stream) = self.streams.get_mut(&kind) else {
            return;
        };
        // The whole segment is fetched again: a part of one cannot be asked for. What is no longer held
        // was dropped meanwhile, and is not missed.
        let Some(item) = stream.buffer.loaded(load) else { return };
        let (start, refused, reference) = (item.start, item.media_start, item.reference());
        let held = stream.buffer.bytes();
        // What came behind it found no room either, or would be in the way.
        stream.buffer.remove(refused, MediaTime::MAX);
        let others = stream.buffer.bytes();
        stream.refused_bytes = held - others;
        let mut wasted = stream.refused_bytes;
        let alone = others == 0;
        if !alone {
            // A tenth less than what did not fit.
            stream.byte_limit = Some(held - held / 10);
        }
        stream.fetch_elsewhere();
        stream.shift = Some(start - refused);
        // Where it is needed at once, everything before it is in the way.
        let urgent = start.min(refused) <= position + SEAM;
        let before = urgent.then_some(MediaTime::MIN);
        if urgent {
            wasted += stream.buffer.clear();
        }
        let outputs = stream.outputs.clone();
        self.qoe.wasted(wasted);
        self.drop_fetch(kind);
        for kind in outputs {
            self.sink(SinkCommand::Remove { kind, from: before.unwrap_or(refused), to: MediaTime::MAX });
        }
        self.make_room(kind);
        if alone {
            // Nothing is left to make room: only smaller segments can fit.
            let error = Error::new(ErrorCode::SinkFull, "the sink has no room for one segment").fact("bytes", held);
            self.replace_rendition(reference, error, Vec::new());
        }
        self.check_playhead();
    }
}
