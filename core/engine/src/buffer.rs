//! What was appended to the sink, as far as the engine knows.
//!
//! Each segment has two spans: where the manifest has it, and where its media is. They differ: by
//! rounding, by missing samples, and in HLS by as much as durations that are wrong add up to. What to
//! fetch next is a question to the first, what can be played one to the second.

use telecine_model::MediaTime;

use crate::action::LoadId;
use crate::stream::RenditionRef;

/// One appended segment (or what arrived of it so far), or what the sink still has of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Start as the manifest says.
    pub(crate) start: MediaTime,
    /// End as the manifest says.
    pub(crate) end: MediaTime,
    /// Start of its media.
    pub(crate) media_start: MediaTime,
    /// End of the media that was appended so far.
    pub(crate) media_end: MediaTime,
    /// Index of the rendition in its track.
    pub(crate) rendition: usize,
    /// Index of the track in its period.
    pub(crate) track: usize,
    /// Index of the period.
    pub(crate) period: usize,
    /// Which loading brought it; None for holes and silence.
    pub(crate) load: Option<LoadId>,
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

    /// A span with nothing in it, whose media would be `shift` before where the manifest has it.
    pub(crate) fn hole(
        (start, end): (MediaTime, MediaTime),
        shift: MediaTime,
        period: usize,
        rendition: usize,
    ) -> Self {
        Self {
            start,
            end,
            media_start: start - shift,
            media_end: start - shift,
            rendition,
            track: 0,
            period,
            load: None,
            bytes: 0,
            complete: true,
            played: true,
            hole: true,
        }
    }

    /// A span in which this kind has nothing to play, and nothing has to be waited for.
    pub(crate) fn silence(start: MediaTime, end: MediaTime, period: usize) -> Self {
        Self { media_end: end, hole: false, ..Self::hole((start, end), MediaTime::ZERO, period, 0) }
    }

    /// Where it is looked for if its media does not say: a hole where its media would be.
    fn place(&self) -> (MediaTime, MediaTime) {
        match self.hole {
            true => (self.media_start, self.media_start + (self.end - self.start)),
            false => (self.start, self.end),
        }
    }

    fn has_media(&self) -> bool {
        self.media_start < self.media_end
    }

    /// Nothing more of it will come.
    fn is_settled(&self) -> bool {
        self.hole || self.complete
    }

    /// Gives up its beginning: what the manifest has before `start`, and media before `media_start`.
    /// False if nothing is left.
    fn behead(&mut self, start: MediaTime, media_start: MediaTime) -> bool {
        let media = (self.media_start.max(media_start), self.media_end);
        self.keep((self.start.max(start), self.end), media)
    }

    /// Gives up its end: what the manifest has from `end` on, and media from `media_end` on. False if
    /// nothing is left.
    fn curtail(&mut self, end: MediaTime, media_end: MediaTime) -> bool {
        let media = (self.media_start, self.media_end.min(media_end));
        self.keep((self.start, self.end.min(end)), media)
    }

    fn keep(&mut self, (start, end): (MediaTime, MediaTime), media: (MediaTime, MediaTime)) -> bool {
        let had = (self.media_end - self.media_start).units().max(1);
        let has = (media.1 - media.0).units().max(0);
        let bytes = u128::from(self.bytes) * u128::from(has.unsigned_abs()) / u128::from(had.unsigned_abs());
        self.bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let hollow = self.hole || !self.has_media();
        let from = self.media_start + (start - self.start);
        (self.start, self.end) = (start, end);
        (self.media_start, self.media_end) = if hollow { (from, from) } else { media };
        start < end && (hollow || has > 0)
    }
}

/// The segments of one kind's buffer, in order and without overlaps, as the manifest has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct BufferMap(Vec<Item>);

/// Segment boundaries of different renditions, and of manifest and media, may differ by rounding
/// and by a frame; such seams are not holes. Two frames of a 24 fps picture are 83 ms.
pub(crate) const SEAM: MediaTime = MediaTime::from_millis(100);

impl BufferMap {
    /// Whether something of a period is there.
    pub(crate) fn has_period(&self, period: usize) -> bool {
        self.0.iter().any(|item| item.period == period)
    }

    /// Periods are at other places of the presentation now.
    pub(crate) fn move_periods(&mut self, place: impl Fn(usize) -> usize) {
        for item in &mut self.0 {
            item.period = place(item.period);
        }
    }

    /// Adds a segment that begins to arrive, or says more of one that did. What was there in its place
    /// is not any more: sinks replace what overlaps.
    pub(crate) fn put(&mut self, item: Item) {
        if item.start >= item.end {
            return;
        }
        let mut kept = Vec::with_capacity(self.0.len() + 2);
        for mut known in self.0.drain(..) {
            if known.end <= item.start || known.start >= item.end {
                kept.push(known);
                continue;
            }
            let mut tail = known.clone();
            if known.start < item.start && known.curtail(item.start, item.media_start) {
                kept.push(known);
            }
            let lost = item.end - tail.start;
            let media = (tail.media_start + lost).max(item.media_end);
            if tail.end > item.end && tail.behead(item.end, media) {
                kept.push(tail);
            }
        }
        let at = kept.partition_point(|known| known.start < item.start);
        kept.insert(at, item);
        self.0 = kept;
    }

    /// The item that begins at `start`.
    pub(crate) fn get_mut(&mut self, start: MediaTime) -> Option<&mut Item> {
        let at = self.0.partition_point(|item| item.start < start);
        self.0.get_mut(at).filter(|item| item.start == start)
    }

    /// Where the media of the segment that begins at `start` begins, if it is all there and begins behind `time`.
    pub(crate) fn begins_behind(&self, time: MediaTime, start: MediaTime) -> Option<MediaTime> {
        let same = |item: &&Item| item.start == start && item.complete && item.has_media();
        self.0.iter().find(same).map(|item| item.media_start).filter(|media_start| *media_start > time + SEAM)
    }

    /// Whether what the manifest has between two times is there as a whole, or known to be a hole.
    pub(crate) fn knows(&self, start: MediaTime, end: MediaTime) -> bool {
        self.0.iter().any(|item| item.is_settled() && item.start <= start + SEAM && end <= item.end + SEAM)
    }

    /// The first item that a loading brought.
    pub(crate) fn loaded(&self, load: LoadId) -> Option<&Item> {
        self.0.iter().find(|item| item.load == Some(load))
    }

    /// End of the media of the segment that ends at (or a rounding error from) `time`.
    pub(crate) fn media_ending_at(&self, time: MediaTime) -> Option<MediaTime> {
        let item = self.0.iter().rev().find(|item| item.end.abs_diff(time) <= SEAM && item.start < time)?;
        (item.complete && !item.hole).then_some(item.media_end)
    }

    /// Whether media that is complete ends at (or a rounding error from) `time`.
    pub(crate) fn has_end_at(&self, time: MediaTime) -> bool {
        self.0.iter().any(|item| item.has_media() && item.complete && item.media_end.abs_diff(time) <= SEAM)
    }

    /// Index of the item at `time`: the one whose media covers it, else the one that the manifest has
    /// there.
    fn at(&self, time: MediaTime) -> Option<usize> {
        // The later one where two touch, or overlap by a frame.
        let by_media = |tolerance: MediaTime| {
            self.0.iter().rposition(|i| i.has_media() && i.media_start - tolerance <= time && time < i.media_end)
        };
        let by_place = |tolerance: MediaTime| {
            let places = |(start, end): (MediaTime, MediaTime)| start - tolerance <= time && time < end;
            self.0.iter().position(|item| places(item.place()))
        };
        let exact = by_media(MediaTime::ZERO).or_else(|| by_place(MediaTime::ZERO));
        exact.or_else(|| by_media(SEAM)).or_else(|| by_place(SEAM))
    }

    /// End of the media that continues without a hole from `time`, as far as it arrived; `time`
    /// itself if nothing is there.
    pub(crate) fn media_until(&self, time: MediaTime) -> MediaTime {
        let mut end = time;
        for item in self.0.iter().filter(|item| item.has_media()) {
            if item.media_end <= end {
                continue;
            }
            if item.media_start > end + SEAM {
                break;
            }
            end = item.media_end;
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
        for item in self.chain(time).iter().filter(|item| item.has_media()) {
            sum += (item.media_end - item.media_start.max(end)).max(MediaTime::ZERO);
            end = end.max(item.media_end);
            if !item.complete {
                break;
            }
        }
        sum
    }

    /// Where fetching goes on: end of the segments (holes included) that follow each other from the
    /// one at `time`, as the manifest has them; None if there is none.
    pub(crate) fn fetched_until(&self, time: MediaTime) -> Option<MediaTime> {
        self.chain(time).last().map(|item| item.end)
    }

    /// The items that follow each other from the one at `time` on.
    pub(crate) fn chain(&self, time: MediaTime) -> &[Item] {
        let first = self.at(time).unwrap_or(self.0.len());
        let items = self.0.get(first..).unwrap_or_default();
        let breaks = items.windows(2).position(|pair| pair[1].start > pair[0].end + SEAM);
        items.get(..breaks.map_or(items.len(), |at| at + 1)).unwrap_or_default()
    }

    /// The first media behind `time`, if there is any.
    pub(crate) fn next_media(&self, time: MediaTime) -> Option<MediaTime> {
        let behind = |item: &&Item| item.has_media() && item.media_start > time;
        self.0.iter().filter(behind).map(|item| item.media_start).min()
    }

    /// True if the way from `from` to the media at `to` is known to be empty, and to stay so.
    pub(crate) fn is_hole(&self, from: MediaTime, to: MediaTime) -> bool {
        let next = self.0.iter().position(|item| item.has_media() && item.media_end > from + SEAM);
        let Some(mut at) = next else { return false };
        if self.0[at].media_start + SEAM < to {
            return false;
        }
        // Back to what was played, over nothing but what is settled.
        loop {
            let item = &self.0[at];
            if item.place().0 <= from + SEAM {
                return true;
            }
            let Some(before) = at.checked_sub(1).map(|before| &self.0[before]) else { return false };
            if before.end + SEAM < item.start || !before.is_settled() {
                return false;
            }
            if before.has_media() {
                return before.media_end <= from + SEAM;
            }
            at -= 1;
        }
    }

    /// Marks what the playhead is in, and gives it.
    pub(crate) fn play(&mut self, position: MediaTime) -> Option<&Item> {
        let at = self.at(position)?;
        let item = self.0.get_mut(at)?;
        item.played = true;
        Some(item)
    }

    /// Where the rendition changes next behind `position`.
    pub(crate) fn next_change(&self, position: MediaTime) -> Option<MediaTime> {
        let at = self.at(position)?;
        let now = self.0.get(at)?.reference();
        let differs = |item: &&Item| item.has_media() && item.reference() != now;
        self.0.iter().skip(at + 1).find(differs).map(|item| item.media_start).filter(|start| *start > position)
    }

    /// Forgets the segments whose media lies wholly between two times; gives the bytes that were never
    /// played.
    pub(crate) fn remove(&mut self, from: MediaTime, to: MediaTime) -> u64 {
        let mut wasted = 0;
        self.0.retain(|item| {
            let gone = match item.has_media() {
                true => item.media_start >= from && item.media_end <= to,
                false => item.place().0 >= from && item.place().1 <= to,
            };
            if gone && !item.played {
                wasted += item.bytes;
            }
            !gone
        });
        wasted
    }

    /// Forgets what the sink dropped by itself: all media between two times, and nothing else. Gives
    /// the bytes that were never played.
    pub(crate) fn evict(&mut self, from: MediaTime, to: MediaTime) -> u64 {
        let mut wasted = 0;
        let mut kept = Vec::with_capacity(self.0.len() + 1);
        for item in self.0.drain(..) {
            if !item.has_media() || item.media_end <= from || item.media_start >= to {
                kept.push(item);
                continue;
            }
            // What is left on either side; the manifest has it as far from its media as before.
            let shift = item.start - item.media_start;
            let (mut head, mut tail) = (item.clone(), item.clone());
            let has_head = item.media_start < from && head.curtail(from + shift, from);
            let has_tail = item.media_end > to && tail.behead(to + shift, to);
            // Of a segment that still arrives the part behind is to come, not evicted.
            let left = [has_head.then_some(head), has_tail.then_some(tail)];
            let bytes: u64 = left.iter().flatten().map(|item| item.bytes).sum();
            if !item.played {
                wasted += item.bytes.saturating_sub(bytes);
            }
            kept.extend(left.into_iter().flatten());
        }
        self.0 = kept;
        wasted
    }

    /// Where between two times the manifest has nothing of which media is there; all of it, if there is nowhere.
    pub(crate) fn without_media(&self, from: MediaTime, to: MediaTime) -> Vec<(MediaTime, MediaTime)> {
        let (mut at, mut gaps) = (from, Vec::new());
        for item in self.0.iter().filter(|item| item.has_media() && item.start < to && from < item.end) {
            gaps.extend((at < item.start).then_some((at, item.start)));
            at = at.max(item.end);
        }
        gaps.extend((at < to).then_some((at, to)));
        if gaps.is_empty() {
            gaps.push((from, to));
        }
        gaps
    }

    /// Forgets holes from a time on: who goes there may look again.
    pub(crate) fn forget_holes(&mut self, from: MediaTime) {
        self.0.retain(|item| !item.hole || item.place().1 <= from);
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

    /// Takes out what stopped arriving half-way; gives where its media is.
    pub(crate) fn take_torn(&mut self) -> Vec<(MediaTime, MediaTime)> {
        let torn = self.0.iter().filter(|item| !item.is_settled()).map(|item| (item.media_start, item.media_end));
        let torn = torn.collect();
        self.0.retain(Item::is_settled);
        torn
    }

    /// End of the latest media.
    pub(crate) fn media_end(&self) -> Option<MediaTime> {
        self.0.iter().filter(|item| item.has_media()).map(|item| item.media_end).max()
    }

    /// Start of the earliest media.
    pub(crate) fn start(&self) -> Option<MediaTime> {
        self.0.iter().find(|item| item.has_media()).map(|item| item.media_start)
    }

    /// Forgets the segment that can be spared best while media is needed from `position` on: the
    /// earliest that ends `margin` before it, else the last that does not follow from what is there.
    /// Gives where its media is, and the bytes that were never played.
    pub(crate) fn spare(&mut self, position: MediaTime, margin: MediaTime) -> Option<((MediaTime, MediaTime), u64)> {
        let reach = self.fetched_until(position).unwrap_or(position) + SEAM;
        let first = self.0.iter().position(Item::has_media);
        let first = first.filter(|at| self.0[*at].media_end <= position - margin);
        let last = || self.0.iter().rposition(|item| item.has_media() && item.complete && item.start > reach);
        let item = self.0.remove(first.or_else(last)?);
        Some(((item.media_start, item.media_end), if item.played { 0 } else { item.bytes }))
    }

    /// Drops media before `to`, in the middle of a segment too; what it was and how many bytes of it were
    /// never played. None if there is none.
    pub(crate) fn behead(&mut self, to: MediaTime) -> Option<((MediaTime, MediaTime), u64)> {
        let from = self.0.iter().find(|item| item.has_media())?.media_start;
        let held = self.bytes();
        let wasted = (from < to).then(|| self.evict(from, to))?;
        (self.bytes() < held).then_some(((from, to), wasted))
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
            load: None,
            bytes: 10,
            complete: true,
            played: false,
            hole: false,
        }
    }

    fn hole(start: i64, end: i64) -> Item {
        Item::hole((secs(start), secs(end)), MediaTime::ZERO, 0, 0)
    }

    fn map(items: impl IntoIterator<Item = Item>) -> BufferMap {
        let mut map = BufferMap::default();
        items.into_iter().for_each(|item| map.put(item));
        map
    }

    #[test]
    fn media_is_contiguous_up_to_the_first_hole() {
        let map = map([item(4, 6), item(0, 2), item(2, 4), hole(6, 8), item(8, 10)]);
        assert_eq!(map.media_until(secs(1)), secs(6));
        assert_eq!(map.fetched_until(secs(1)), Some(secs(10)));
        assert_eq!(map.next_media(secs(6)), Some(secs(8)));
        assert!(map.is_hole(secs(6), secs(8)));
        assert!(!map.is_hole(secs(5), secs(8)));
        assert_eq!(map.media_until(secs(20)), secs(20));
        assert_eq!(map.fetched_until(secs(20)), None);
    }

    #[test]
    fn a_segment_whose_first_media_is_missing_begins_with_a_hole() {
        let map = map([item(0, 4), Item { media_start: secs(6), ..item(4, 8) }]);
        assert_eq!(map.media_until(secs(1)), secs(4));
        assert_eq!(map.fetched_until(secs(1)), Some(secs(8)));
        assert_eq!(map.next_media(secs(4)), Some(secs(6)));
        assert!(map.is_hole(secs(4), secs(6)));
        assert_eq!(map.media_until(secs(6)), secs(8));
    }

    #[test]
    fn a_segment_whose_last_media_is_missing_ends_with_a_hole() {
        let map = map([Item { media_end: secs(2), ..item(0, 4) }, hole(4, 8), item(8, 12)]);
        assert_eq!(map.media_until(secs(1)), secs(2));
        assert_eq!(map.media_from(secs(1)), secs(5));
        assert_eq!(map.media_from(secs(2)), secs(0));
        assert!(map.is_hole(secs(2), secs(8)));
        assert!(!map.is_hole(secs(1), secs(8)), "there is media at the beginning");
        assert!(!map.is_hole(secs(2), secs(9)), "there is media at the end");
    }

    #[test]
    fn a_segment_still_arriving_ends_the_media() {
        let map = map([Item { complete: false, media_end: secs(1), ..item(0, 2) }, item(2, 4)]);
        assert_eq!(map.media_until(secs(0)), secs(1));
        assert_eq!(map.fetched_until(secs(0)), Some(secs(4)));
        assert!(!map.is_hole(secs(1), secs(2)), "it may still come");
    }

    #[test]
    fn what_is_removed_unplayed_is_wasted() {
        let mut map = map([item(0, 2), item(2, 4)]);
        assert!(map.play(secs(1)).is_some());
        assert_eq!(map.remove(secs(0), secs(3)), 0);
        assert_eq!(map.clear(), 10);
    }

    #[test]
    fn a_seam_of_a_frame_is_not_a_hole() {
        let map = map([item(0, 2), Item { start: MediaTime::from_millis(2040), ..item(2, 4) }]);
        assert_eq!(map.media_until(secs(0)), secs(4));
        assert_eq!(map.fetched_until(secs(0)), Some(secs(4)));
    }

    /// Media that lies `by` seconds behind where the manifest has it.
    fn shifted(by: i64, items: impl IntoIterator<Item = Item>) -> BufferMap {
        map(items.into_iter().map(|item| Item {
            media_start: item.media_start + secs(by),
            media_end: item.media_end + secs(by),
            ..item
        }))
    }

    #[test]
    fn media_is_found_where_it_is_and_fetching_goes_on_where_the_manifest_has_it() {
        for by in [-7, -3, 0, 3, 7] {
            let map = shifted(by, [item(20, 30), item(30, 40), hole(40, 50), item(50, 60)]);
            let at = |s: i64| secs(s + by);
            assert_eq!(map.media_until(at(21)), at(40), "{by}");
            assert_eq!(map.media_behind(at(21)), secs(29), "{by}");
            assert_eq!(map.fetched_until(at(21)), Some(secs(60)), "{by}");
            assert_eq!(map.next_media(at(40)), Some(at(50)), "{by}");
            assert!(map.is_hole(at(40), at(50)), "{by}");
            assert!(!map.is_hole(at(39), at(50)), "{by}");
            assert_eq!(map.fetched_until(at(45)), Some(secs(60)), "{by}: in the hole");
        }
    }

    #[test]
    fn what_a_sink_evicts_of_a_segment_is_fetched_again_when_it_is_needed() {
        let mut map = map([item(0, 10), item(10, 20), item(20, 30)]);
        assert_eq!(map.evict(secs(3), secs(14)), 11);
        assert_eq!(map.media_until(secs(0)), secs(3));
        assert_eq!(map.fetched_until(secs(0)), Some(secs(3)));
        assert_eq!(map.fetched_until(secs(5)), None);
        assert!(!map.is_hole(secs(3), secs(14)), "it can be had again");
        assert_eq!((map.media_until(secs(15)), map.fetched_until(secs(15))), (secs(30), Some(secs(30))));
        assert_eq!(map.bytes(), 3 + 6 + 10);
        // The segment comes again: it is there once.
        map.put(item(0, 10));
        assert_eq!(map.media_until(secs(0)), secs(10));
        assert_eq!(map.bytes(), 10 + 6 + 10);
    }

    #[test]
    fn what_overlaps_is_replaced() {
        let mut map = map([item(0, 10), item(10, 20)]);
        map.put(Item { rendition: 1, ..item(5, 12) });
        assert_eq!((map.media_until(secs(0)), map.bytes()), (secs(20), 5 + 10 + 8));
        assert_eq!(map.play(secs(11)).map(|item| item.rendition), Some(1));
        assert_eq!((map.next_change(secs(1)), map.next_change(secs(6))), (Some(secs(5)), Some(secs(12))));
    }

    #[test]
    fn a_hole_a_seam_ahead_is_gone_behind() {
        let map = map([hole(12, 16)]);
        assert_eq!(map.fetched_until(MediaTime::from_millis(11_950)), Some(secs(16)));
        assert_eq!(map.fetched_until(secs(11)), None);
    }

    #[test]
    fn a_hole_before_media_that_drifted_is_found_where_it_is_played() {
        for by in [-2, 2] {
            let mut map = shifted(by, [item(50, 60)]);
            let (from, media_start) = (secs(47 + by), secs(50 + by));
            assert_eq!(map.begins_behind(from, secs(50)), Some(media_start));
            assert_eq!((map.fetched_until(from), map.knows(secs(40), secs(50))), (None, false));
            map.put(Item::hole((secs(47), secs(50)), secs(50) - media_start, 0, 0));
            assert_eq!(map.fetched_until(from), Some(secs(60)), "{by}");
            assert!(map.is_hole(from, media_start), "{by}");
            assert_eq!(map.media_until(media_start), secs(60 + by), "the segment is as it was");
        }
    }

    #[test]
    fn what_a_sink_kept_of_a_segment_that_cannot_be_had_again_is_no_hole() {
        let mut map = map([item(0, 10), item(10, 20)]);
        map.evict(secs(4), secs(13));
        assert_eq!(map.without_media(secs(10), secs(20)), [(secs(10), secs(13))]);
        assert_eq!(map.without_media(secs(0), secs(20)), [(secs(4), secs(13))]);
        assert_eq!(map.without_media(secs(20), secs(30)), [(secs(20), secs(30))]);
        assert_eq!(map.without_media(secs(14), secs(18)), [(secs(14), secs(18))]);
    }

    #[test]
    fn a_hole_may_be_looked_into_again() {
        let mut map = map([item(0, 2), hole(2, 4), item(4, 6)]);
        map.forget_holes(secs(3));
        assert_eq!(map.fetched_until(secs(0)), Some(secs(2)));
        assert!(!map.is_hole(secs(2), secs(4)));
    }
}
