//! Beginning a moment later rather than stalling at once.

use std::time::Duration;

use telecine_model::{MediaTime, TrackKind};

use crate::engine::Engine;
use crate::timer::Timer;

/// A start is held back no longer.
const LONGEST: Duration = Duration::from_millis(600);
/// What is predicted of a transfer is off by so much, in percent.
const DOUBT: u64 = 10;

impl Engine {
    /// Whether to wait although there is enough to begin with. A start in the midst of a segment has little ahead of it, and
    /// what follows may come some hundred milliseconds too late: who waits for that first is not interrupted. At a live
    /// edge it would only be later.
    pub(crate) fn waits_a_moment(&mut self) -> bool {
        if self.is_live() || self.playback.held_until.is_some_and(|until| until <= self.now) {
            return false;
        }
        let lack = self.lack_of_next_segment().filter(|lack| *lack > MediaTime::ZERO);
        let waits = lack.is_some_and(|lack| lack <= MediaTime::from_duration(LONGEST));
        if waits && self.playback.held_until.is_none() {
            let until = self.now + LONGEST;
            self.playback.held_until = Some(until);
            self.timers.set(Timer::Start, until);
        }
        waits
    }

    /// By how much the picture under way is predicted to come later than what is there lasts; None where nothing is.
    fn lack_of_next_segment(&self) -> Option<MediaTime> {
        let stream = self.streams.get(&TrackKind::Video).filter(|stream| !stream.ended)?;
        let ahead = stream.buffer.media_from(self.goes_on_from());
        let segment = self.segment_duration(stream);
        if ahead < segment && stream.fetch.is_none() && stream.awaits.is_some() {
            // It cannot even be asked for before its list or index is there.
            return Some(MediaTime::from_duration(LONGEST));
        }
        let asked = stream.rendition.and_then(|r| self.media_place(stream.reference(r), self.goes_on_from()));
        let estimate = self.estimate_for(asked);
        let request = stream.fetch.as_ref().and_then(|fetch| self.requests.get(fetch.request?));
        let rest = request.and_then(|request| {
            let length = request.head.as_ref()?.content_length?;
            length.checked_sub(request.received).filter(|rest| *rest > 0)
        });
        // What has come whole may not be put away yet: then it is the one behind it.
        let rest = rest.or_else(|| {
            let rendition = self.rendition(stream.reference(stream.rendition?))?;
            let declared = rendition.average_bandwidth.unwrap_or(rendition.bandwidth);
            let millis = u64::try_from(segment.as_millis()).ok()?;
            Some(declared.saturating_mul(millis) / 8000)
        })?;
        let rest = rest.saturating_mul(8_000_000).saturating_mul(100 + DOUBT) / 100;
        let transfer = Duration::from_micros(rest.checked_div(estimate.bits_per_second).unwrap_or(0));
        let answer = if request.is_none_or(|request| request.head.is_none()) { estimate.ttfb } else { Duration::ZERO };
        let speed = i64::from(self.playback.rate_milli);
        let comes = MediaTime::from_duration(transfer.saturating_add(answer)).mul_ratio(speed, 1000);
        Some(comes - ahead)
    }
}
