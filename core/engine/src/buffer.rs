//! What was appended to the sink, as far as the engine knows.

use telecine_model::MediaTime;

use crate::stream::RenditionRef;

/// One appended segment (or what arrived of it so far).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Start as the manifest says.
    pub(crate) start: MediaTime,
    /// End as the manifest says.
    pub(crate) end: MediaTime,
    /// Start of its media; later than `start` if the first of it is missing.
    pub(crate) media_start: MediaTime,
    /// End of the media that was appended so far.
    pub(crate) media_end: MediaTime,
    /// Index of the rendition in its track.
    pub(crate) rendition: usize,
    /// Index of the track in its period.
    pub(crate) track: usize,
    /// Index of the period.
    pub(crate) period: usize,
    /// Bytes of it.
    pub(crate) bytes: u64,
    /// Every fragment arrived.
    pub(crate) complete: bool,
    /// The playhead has been in it.
    pub(crate) played: bool,
    /// There is nothing in it and there will not be: a gap, or media that cannot be had.
    pub(crate) hole: bool,
}

impl Item {
    /// What it is a segment of.
    pub(crate) fn reference(&self) -> RenditionRef {
        RenditionRef { period: self.period, track: self.track, rendition: self.rendition }
    }

    /// A span with nothing in it.
    pub(crate) fn hole(start: MediaTime, end: MediaTime, period: usize, rendition: usize) -> Self {
        Self {
            start,
            end,
            media_start: start,
            media_end: start,
            rendition,
            track: 0,
            period,
            bytes: 0,
            complete: true,
            played: true,
            hole: true,
        }
    }

    /// A span in which this kind has nothing to play, and nothing has to be waited for.
    pub(crate) fn silence(start: MediaTime, end: MediaTime, period: usize) -> Self {
        Self { media_end: end, hole: false, ..Self::hole(start, end, period, 0) }
    }
}

/// The segments of one kind's buffer in order of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct BufferMap(Vec<Item>);

/// Segment boundaries of different renditions, and of manifest and media, may differ by rounding
/// and by a frame; such seams are not holes. Two frames of a 24 fps picture are 83 ms.
pub(crate) const SEAM: MediaTime = MediaTime::from_millis(100);

impl BufferMap {
    /// Adds a segment that begins to arrive, or says more of one that did.
    pub(crate) fn put(&mut self, item: Item) {
        let at = self.0.partition_point(|known| known.start < item.start);
        match self.0.get_mut(at) {
            Some(known) if known.start == item.start && known.end == item.end => *known = item,
            _ => self.0.insert(at, item),
        }
    }

    /// The item that begins at `start`.
    pub(crate) fn get_mut(&mut self, start: MediaTime) -> Option<&mut Item> {
        self.0.iter_mut().find(|item| item.start == start)
    }

    /// End of the media of the segment that ends at (or a rounding error from) `time`.
    pub(crate) fn media_ending_at(&self, time: MediaTime) -> Option<MediaTime> {
        let item = self.0.iter().rev().find(|item| item.end.abs_diff(time) <= SEAM && item.start < time)?;
        (item.complete && !item.hole).then_some(item.media_end)
    }

    /// The item whose span covers `time`; at a seam the later one.
    pub(crate) fn covering(&self, time: MediaTime) -> Option<&Item> {
        self.0.iter().rev().find(|item| item.start <= time && time < item.end)
    }

    /// End of the media that continues without a hole from `time`, as far as it arrived; `time`
    /// itself if nothing is there.
    pub(crate) fn media_until(&self, time: MediaTime) -> MediaTime {
        let mut end = time;
        for item in self.chain(time) {
            if item.hole || item.media_start > end + SEAM {
                break;
            }
            end = end.max(item.media_end);
            if !item.complete {
                break;
            }
        }
        end
    }

    /// How much media there is from `time` on, holes left out, as far as it arrived. Nothing if there
    /// is none at `time` itself.
    pub(crate) fn media_from(&self, time: MediaTime) -> MediaTime {
        if self.media_until(time) > time {
            self.media_behind(time)
        } else {
            MediaTime::ZERO
        }
    }

    /// How much media there is from `time` on, holes left out, as far as it arrived.
    pub(crate) fn media_behind(&self, time: MediaTime) -> MediaTime {
        let (mut end, mut sum) = (time, MediaTime::ZERO);
        for item in self.chain(time).filter(|item| !item.hole) {
            sum += (item.media_end - item.media_start.max(end)).max(MediaTime::ZERO);
            end = end.max(item.media_end);
            if !item.complete {
                break;
            }
        }
        sum
    }

    /// Where fetching goes on: end of the segments (holes included) that follow each other from
    /// `time`.
    pub(crate) fn fetched_until(&self, time: MediaTime) -> MediaTime {
        self.chain(time).fold(time, |end, item| end.max(item.end))
    }

    /// The items that follow each other from the one at `time` on.
    fn chain(&self, time: MediaTime) -> impl Iterator<Item = &Item> {
        let mut end = time;
        self.0.iter().skip_while(move |item| item.end <= time).take_while(move |item| {
            let joins = item.start <= end + SEAM;
            if joins {
                end = end.max(item.end);
            }
            joins
        })
    }

    /// The first media behind `time` with nothing but holes before it, if there is any.
    pub(crate) fn next_media(&self, time: MediaTime) -> Option<MediaTime> {
        let has_media = |item: &&Item| !item.hole && item.media_start > time && item.media_end > item.media_start;
        self.0.iter().filter(has_media).map(|item| item.media_start).min()
    }

    /// True if the way from `from` to `to` is known to be empty.
    pub(crate) fn is_hole(&self, from: MediaTime, to: MediaTime) -> bool {
        let mut reached = from;
        // What ends within a seam of `from` is behind us.
        for item in self.0.iter().filter(|item| item.end > from + SEAM && item.start < to) {
            if item.start > reached + SEAM {
                break;
            }
            if !item.hole && reached < item.media_start {
                reached = item.media_start;
                break;
            }
            // Complete, and shorter than announced: nothing more of it will come.
            let over = item.hole || (item.complete && item.media_end <= reached + SEAM);
            if !over {
                break;
            }
            reached = reached.max(item.end);
        }
        reached + SEAM >= to
    }

    /// Marks what the playhead is in, and gives it.
    pub(crate) fn play(&mut self, position: MediaTime) -> Option<&Item> {
        let item = self.0.iter_mut().rev().find(|item| item.start <= position && position < item.end)?;
        item.played = true;
        Some(item)
    }

    /// Where the rendition changes next behind `position`.
    pub(crate) fn next_change(&self, position: MediaTime) -> Option<MediaTime> {
        let now = self.covering(position)?;
        let differs = |item: &&Item| item.rendition != now.rendition || item.period != now.period;
        self.0.iter().filter(|item| item.start > position).find(differs).map(|item| item.start)
    }

    /// Forgets what lies wholly between two times; gives the bytes that were never played.
    pub(crate) fn remove(&mut self, from: MediaTime, to: MediaTime) -> u64 {
        let mut wasted = 0;
        self.0.retain(|item| {
            let gone = item.start >= from && item.end <= to;
            if gone && !item.played {
                wasted += item.bytes;
            }
            !gone
        });
        wasted
    }

    /// Forgets everything; gives the bytes that were never played.
    pub(crate) fn clear(&mut self) -> u64 {
        let wasted = self.0.iter().filter(|item| !item.played).map(|item| item.bytes).sum();
        self.0.clear();
        wasted
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.iter().map(|item| item.bytes).sum()
    }

    /// Spans of segments that stopped arriving half-way.
    pub(crate) fn torn(&self) -> Vec<(MediaTime, MediaTime)> {
        self.0.iter().filter(|item| !item.complete).map(|item| (item.start, item.end)).collect()
    }

    /// Start of the earliest item.
    pub(crate) fn start(&self) -> Option<MediaTime> {
        self.0.first().map(|item| item.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: i64) -> MediaTime {
        MediaTime::from_secs(s)
    }

    fn item(start: i64, end: i64) -> Item {
        Item {
            start: secs(start),
            end: secs(end),
            media_start: secs(start),
            media_end: secs(end),
            rendition: 0,
            track: 0,
            period: 0,
            bytes: 10,
            complete: true,
            played: false,
            hole: false,
        }
    }

    #[test]
    fn media_is_contiguous_up_to_the_first_hole() {
        let mut map = BufferMap::default();
        map.put(item(4, 6));
        map.put(item(0, 2));
        map.put(item(2, 4));
        map.put(Item { hole: true, bytes: 0, ..item(6, 8) });
        map.put(item(8, 10));
        assert_eq!(map.media_until(secs(1)), secs(6));
        assert_eq!(map.fetched_until(secs(1)), secs(10));
        assert_eq!(map.next_media(secs(6)), Some(secs(8)));
        assert!(map.is_hole(secs(6), secs(8)));
        assert!(!map.is_hole(secs(5), secs(8)));
        assert_eq!(map.media_until(secs(20)), secs(20));
    }

    #[test]
    fn a_segment_whose_first_media_is_missing_begins_with_a_hole() {
        let mut map = BufferMap::default();
        map.put(item(0, 4));
        map.put(Item { media_start: secs(6), ..item(4, 8) });
        assert_eq!(map.media_until(secs(1)), secs(4));
        assert_eq!(map.fetched_until(secs(1)), secs(8));
        assert_eq!(map.next_media(secs(4)), Some(secs(6)));
        assert!(map.is_hole(secs(4), secs(6)));
        assert_eq!(map.media_until(secs(6)), secs(8));
    }

    #[test]
    fn a_segment_whose_last_media_is_missing_ends_with_a_hole() {
        let mut map = BufferMap::default();
        map.put(Item { media_end: secs(2), ..item(0, 4) });
        map.put(Item { hole: true, bytes: 0, ..item(4, 8) });
        map.put(item(8, 12));
        assert_eq!(map.media_until(secs(1)), secs(2));
        assert_eq!(map.media_from(secs(1)), secs(5));
        assert_eq!(map.media_from(secs(2)), secs(0));
        assert!(map.is_hole(secs(2), secs(8)));
        assert!(!map.is_hole(secs(1), secs(8)), "there is media at the beginning");
        assert!(!map.is_hole(secs(2), secs(9)), "there is media at the end");
    }

    #[test]
    fn a_segment_still_arriving_ends_the_media() {
        let mut map = BufferMap::default();
        map.put(Item { complete: false, media_end: secs(1), ..item(0, 2) });
        map.put(item(2, 4));
        assert_eq!(map.media_until(secs(0)), secs(1));
        assert_eq!(map.fetched_until(secs(0)), secs(4));
    }

    #[test]
    fn what_is_removed_unplayed_is_wasted() {
        let mut map = BufferMap::default();
        map.put(item(0, 2));
        map.put(item(2, 4));
        assert!(map.play(secs(1)).is_some());
        assert_eq!(map.remove(secs(0), secs(3)), 0);
        assert_eq!(map.clear(), 10);
    }

    #[test]
    fn a_seam_of_a_frame_is_not_a_hole() {
        let mut map = BufferMap::default();
        map.put(item(0, 2));
        map.put(Item { start: MediaTime::from_millis(2040), ..item(2, 4) });
        assert_eq!(map.media_until(secs(0)), secs(4));
    }
}
