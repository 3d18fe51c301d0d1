//! What becomes of a viewer whom the window of a live title overtakes: who plays slower than normal, or paused for long.

use std::time::Duration;

use telecine_model::{MediaTime, TrackKind};

use crate::buffer::SEAM;
use crate::engine::Engine;
use crate::event::State;
use crate::timer::Timer;

/// Segments from the start of the window to where playback goes on: what is fetched there is not overtaken at once.
const SAFE: i64 = 2;

impl Engine {
    /// Where what is fetched goes on if what comes next has left the window: `needed` is where media is needed from, and the
    /// hole what the list no longer has. None as long as there is something else to play: the later it is decided, the less
    /// is left out twice.
    pub(crate) fn beyond_the_window(
        &mut self,
        kind: TrackKind,
        rendition: usize,
        needed: MediaTime,
        (begin, end): (MediaTime, MediaTime),
    ) -> Option<MediaTime> {
        let window = self.seekable().filter(|(start, _)| begin < *start && end <= *start);
        let Some(((start, latest), stream)) = window.zip(self.streams.get(&kind)) else { return Some(end) };
        let segment = self.segment_duration(stream);
        let safe = segment.mul_ratio(SAFE, 1);
        let left = stream.buffer.media_behind(needed) - safe;
        // Who waits for media waits for what comes behind the hole too.
        let arrives = matches!(self.playback.state, State::Preparing | State::Seeking);
        let waits = arrives || (!self.playback.is_advancing() && self.playback.wanted);
        if left > MediaTime::ZERO && !waits {
            if self.playback.is_advancing() {
                self.timers.set(Timer::Schedule(kind), self.now + self.real(left) + Duration::from_millis(1));
            }
            return None;
        }
        let reference = stream.reference(rendition);
        // Where another kind goes on, if that is there yet: there is nothing to show before.
        let beside = self.title.live.overtaken_to.filter(|at| begin < *at && start + segment <= *at);
        let essential = stream.is_essential();
        let index = self.index_of(reference)?;
        let from = beside.unwrap_or((start + safe).min(latest));
        let first = index.number_at(from + SEAM).and_then(|number| index.span_of(number));
        let to = first.map_or(end, |(start, _)| start.max(end));
        if essential {
            self.title.live.overtaken_to = Some(to);
        }
        Some(to)
    }
}
