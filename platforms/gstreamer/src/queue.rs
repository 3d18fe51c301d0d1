//! Samples, and times without any, between the engine and the decoder.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;
use telecine_model::MediaTime;

use crate::clock::is_hidden;
use crate::format::StreamFormat;

/// A sample, or a time without any.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Presentation time.
    pub(crate) start: MediaTime,
    pub(crate) end: MediaTime,
    /// Media is missing before it.
    pub(crate) behind_hole: bool,
    /// It was removed, but the decoder had it by then.
    pub(crate) removed: bool,
    /// None where there is nothing, and nothing is missing.
    pub(crate) sample: Option<Sample>,
}

/// One sample, with everything that is needed to decode it at any time.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) format: Arc<StreamFormat>,
    pub(crate) data: Bytes,
    /// What GStreamer is told of the presentation time: see [`crate::clock`].
    pub(crate) stamp: gst::ClockTime,
    pub(crate) duration: gst::ClockTime,
    pub(crate) sync: bool,
    /// Does not continue the sample before.
    pub(crate) discontinuity: bool,
}

impl Unit {
    /// Bytes that it counts for.
    fn bytes(&self) -> u64 {
        self.sample.as_ref().filter(|_| !self.removed).map_or(0, |sample| sample.data.len() as u64)
    }

    /// It is the sample with this time and these bytes.
    fn is(&self, start: MediaTime, data: &Bytes) -> bool {
        self.start == start && self.sample.as_ref().is_some_and(|sample| sample.data == *data)
    }

    /// Playback can begin with it.
    fn is_entry(&self) -> bool {
        self.sample.as_ref().is_none_or(|sample| sample.sync)
    }

    /// Not only decoded for others.
    fn is_shown(&self) -> bool {
        self.sample.as_ref().is_none_or(|sample| !sample.is_hidden())
    }
}

impl Sample {
    /// Decoded for others, not shown.
    pub(crate) fn is_hidden(&self) -> bool {
        is_hidden(self.stamp)
    }
}

/// Units in decoding order: those that wait, and of those that were fed already the ones from the
/// sync sample on that the playhead is behind. With these the same place can be played again.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    units: VecDeque<Unit>,
    /// Index of the first that waits.
    next: usize,
    /// Bytes of all of them but those that were removed.
    bytes: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, unit: Unit) {
        self.bytes += unit.bytes();
        self.units.push_back(unit);
    }

    /// The next to be fed.
    pub(crate) fn peek(&self) -> Option<&Unit> {
        self.units.get(self.next)
    }

    /// The next one is fed.
    pub(crate) fn advance(&mut self) {
        self.next = (self.next + 1).min(self.units.len());
    }

    /// Bytes held, without what was removed and only the decoder still needs.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// End of what is held and shown.
    pub(crate) fn end(&self) -> Option<MediaTime> {
        self.units.iter().filter(|unit| unit.is_shown()).map(|unit| unit.end).max()
    }

    /// End of what is held and shown, without the last units.
    pub(crate) fn end_without(&self, last: usize) -> Option<MediaTime> {
        let before = self.units.iter().take(self.units.len().saturating_sub(last));
        before.filter(|unit| unit.is_shown()).map(|unit| unit.end).max()
    }

    /// How many units there are from the sync sample with this time and these bytes on, if they were all
    /// fed; 0 if there is none.
    pub(crate) fn since(&self, start: MediaTime, data: &Bytes) -> usize {
        let is_it = |unit: &Unit| unit.is(start, data) && unit.is_entry();
        let at = self.units.iter().rposition(is_it).filter(|_| self.next == self.units.len());
        at.map_or(0, |at| self.units.len() - at)
    }

    /// Whether the sample so far from the end has this time and these bytes. If so, it is held again, if
    /// it was removed.
    pub(crate) fn restore(&mut self, from_end: usize, start: MediaTime, data: &Bytes) -> bool {
        let at = self.units.len().checked_sub(from_end);
        let Some(unit) = at.and_then(|at| self.units.get_mut(at)).filter(|unit| unit.is(start, data)) else {
            return false;
        };
        if std::mem::take(&mut unit.removed) {
            self.bytes += unit.bytes();
        }
        true
    }

    /// Whether media is missing somewhere before what waits.
    pub(crate) fn has_hole(&self) -> bool {
        self.units.iter().skip(self.next).any(|unit| unit.behind_hole)
    }

    /// Forgets what is not needed to decode from `position` on.
    pub(crate) fn prune(&mut self, position: MediaTime) {
        let keep = self.entry(position).unwrap_or(0);
        for unit in self.units.drain(..keep) {
            self.bytes -= unit.bytes();
        }
        self.next -= keep;
    }

    /// Feeds again what is needed to decode from `position` on.
    pub(crate) fn rewind(&mut self, position: MediaTime) {
        self.next = self.entry(position).unwrap_or(0);
    }

    /// Index of the last unit fed that playback at `position` can begin with. A time without samples
    /// is fed bit by bit, so that the first that waits may be it.
    fn entry(&self, position: MediaTime) -> Option<usize> {
        let begun = self.peek().is_some_and(|unit| unit.sample.is_none());
        let fed = self.units.iter().take(self.next + usize::from(begun));
        fed.enumerate().filter(|(_, unit)| unit.is_entry() && unit.start <= position).map(|(index, _)| index).last()
    }

    /// Forgets what waits and is to be shown between two times. What was fed cannot be taken back; it
    /// counts no longer. A time without samples, which is fed up
    /// to `fed` if it is the first, can only lose its end: of its beginning nothing is to be gained.
    pub(crate) fn remove(&mut self, from: MediaTime, to: MediaTime, fed: Option<MediaTime>) {
        let waiting = self.units.split_off(self.next);
        for unit in self.units.iter_mut().filter(|unit| from <= unit.start && unit.start < to) {
            self.bytes -= unit.bytes();
            unit.removed = true;
        }
        for mut unit in waiting {
            if unit.sample.is_none() {
                if unit.end <= to {
                    unit.end = unit.end.min(fed.map_or(from, |fed| fed.max(from)));
                }
                if unit.start < unit.end {
                    self.units.push_back(unit);
                }
            } else if from <= unit.start && unit.start < to {
                self.bytes -= unit.bytes();
            } else {
                self.units.push_back(unit);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::to_gst;

    /// Pictures of a second, a sync sample at each even one.
    fn queue(seconds: i64) -> Queue {
        gst::init().expect("GStreamer is installed");
        let format = Arc::new(StreamFormat { caps: gst::Caps::new_any(), preamble: None });
        let mut queue = Queue::default();
        for second in 0..seconds {
            let start = MediaTime::from_secs(second);
            let sample = Sample {
                format: Arc::clone(&format),
                data: Bytes::from_static(b"sample"),
                stamp: to_gst(start).expect("within a day"),
                duration: gst::ClockTime::SECOND,
                sync: second % 2 == 0,
                discontinuity: false,
            };
            let end = start + MediaTime::from_secs(1);
            queue.push(Unit { start, end, behind_hole: false, removed: false, sample: Some(sample) });
        }
        queue
    }

    fn silence(from: i64, to: i64) -> Unit {
        let (start, end) = (MediaTime::from_secs(from), MediaTime::from_secs(to));
        Unit { start, end, behind_hole: false, removed: false, sample: None }
    }

    fn next(queue: &Queue) -> Option<i64> {
        queue.peek().map(|unit| unit.start.as_millis() / 1000)
    }

    #[test]
    fn what_the_playhead_needs_is_kept_and_can_be_fed_again() {
        let mut queue = queue(8);
        (0..6).for_each(|_| queue.advance());
        queue.prune(MediaTime::from_secs(3));
        assert_eq!((next(&queue), queue.bytes()), (Some(6), 6 * 6));
        queue.rewind(MediaTime::from_secs(5));
        assert_eq!(next(&queue), Some(4));
        queue.rewind(MediaTime::from_secs(5));
        assert_eq!(next(&queue), Some(2), "only what was fed is known to be decodable");
    }

    #[test]
    fn only_what_waits_can_be_removed_and_the_rest_does_not_count() {
        let mut queue = queue(6);
        (0..3).for_each(|_| queue.advance());
        queue.remove(MediaTime::from_secs(1), MediaTime::from_secs(5), None);
        assert_eq!((next(&queue), queue.bytes()), (Some(5), 2 * 6));
        assert_eq!(queue.end(), Some(MediaTime::from_secs(6)));
        queue.rewind(MediaTime::from_secs(2));
        assert_eq!(next(&queue), Some(2), "it can be fed again nevertheless");
        queue.remove(MediaTime::MIN, MediaTime::MAX, None);
        assert_eq!((next(&queue), queue.bytes()), (None, 0));
    }

    #[test]
    fn what_comes_once_more_counts_again() {
        let mut queue = queue(4);
        (0..4).for_each(|_| queue.advance());
        queue.remove(MediaTime::from_secs(2), MediaTime::MAX, None);
        let data = Bytes::from_static(b"sample");
        let start = MediaTime::from_secs(2);
        assert_eq!((queue.bytes(), queue.since(start, &data)), (2 * 6, 2));
        assert!(queue.restore(2, start, &data) && !queue.restore(1, start, &data));
        assert_eq!(queue.bytes(), 3 * 6);
        assert_eq!(queue.since(start, &Bytes::from_static(b"another")), 0);
    }

    #[test]
    fn a_time_without_samples_is_kept_and_played_again_like_a_sync_sample() {
        let mut queue = queue(2);
        queue.push(silence(2, 6));
        (0..3).for_each(|_| queue.advance());
        queue.prune(MediaTime::from_secs(5));
        assert_eq!((queue.bytes(), queue.end()), (0, Some(MediaTime::from_secs(6))));
        queue.rewind(MediaTime::from_secs(5));
        assert_eq!(next(&queue), Some(2));
    }

    #[test]
    fn of_a_time_without_samples_that_has_begun_nothing_before_is_needed() {
        let mut queue = queue(2);
        queue.push(silence(2, 6));
        (0..2).for_each(|_| queue.advance());
        queue.prune(MediaTime::from_secs(1));
        assert_eq!((next(&queue), queue.bytes()), (Some(2), 2 * 6));
        queue.rewind(MediaTime::from_secs(3));
        assert_eq!(next(&queue), Some(2));
        queue.prune(MediaTime::from_secs(3));
        assert_eq!((next(&queue), queue.bytes()), (Some(2), 0));
    }

    #[test]
    fn of_a_time_without_samples_only_the_end_can_be_removed_as_far_as_it_is_not_fed() {
        let mut queue = Queue::default();
        queue.push(silence(2, 6));
        queue.push(silence(6, 8));
        queue.remove(MediaTime::MIN, MediaTime::from_secs(5), None);
        assert_eq!((next(&queue), queue.end()), (Some(2), Some(MediaTime::from_secs(8))));
        queue.remove(MediaTime::from_secs(4), MediaTime::MAX, None);
        assert_eq!((next(&queue), queue.end()), (Some(2), Some(MediaTime::from_secs(4))));
        queue.remove(MediaTime::MIN, MediaTime::MAX, Some(MediaTime::from_secs(3)));
        assert_eq!((next(&queue), queue.end()), (Some(2), Some(MediaTime::from_secs(3))));
        queue.remove(MediaTime::MIN, MediaTime::MAX, None);
        assert_eq!(next(&queue), None);
    }
}
