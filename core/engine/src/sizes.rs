//! What segments take that no index tells of: learnt from those that came.

use telecine_model::MediaTime;

use crate::stream::RenditionRef;
use telecine_model::SortedMap;

/// Segments of a rendition that tell how what it takes compares with what it declares.
const FEW: u32 = 3;
/// A rendition's ratio is the mean of its first segments, and from so many on a moving one.
const MEMORY: i64 = 16;
/// Places and segments that are remembered.
const MOST: usize = 1024;
/// Ratios are in thousandths; beyond these a declaration is a mistake and not worth to be learnt from.
const LEAST_RATIO: i64 = 10;
const MOST_RATIO: i64 = 10_000;

/// What is known of the sizes of a title's segments beside what its indexes say.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    /// Of each rendition what its segments take of what its bitrate promises, and how many say so.
    ratios: SortedMap<RenditionRef, (i64, u32)>,
    /// How much more than usual a place of a track takes, in thousandths: a picture that is hard to encode is so in every
    /// rendition.
    places: SortedMap<(MediaTime, usize, usize), i64>,
    /// Segments that were fetched before, to the byte.
    seen: SortedMap<(MediaTime, RenditionRef), u64>,
}

impl Sizes {
    /// A segment came; its bitrate promised `promised` bytes.
    pub(crate) fn learn(&mut self, of: RenditionRef, start: MediaTime, bytes: u64, promised: u64) {
        let (Ok(came), Ok(promised)) = (i64::try_from(bytes), i64::try_from(promised)) else { return };
        if promised <= 0 || came <= 0 {
            return;
        }
        let ratio = (came.saturating_mul(1000) / promised).clamp(LEAST_RATIO, MOST_RATIO);
        let (mean, count) = self.ratios.entry(of).or_insert((ratio, 0));
        *count = count.saturating_add(1);
        *mean += (ratio - *mean) / i64::from(*count).min(MEMORY);
        let unusual = (ratio * 1000 / (*mean).max(1)).clamp(LEAST_RATIO, MOST_RATIO);
        insert(&mut self.places, (start, of.period, of.track), unusual);
        insert(&mut self.seen, (start, of), bytes);
    }

    /// Bytes of a segment that was fetched before.
    pub(crate) fn seen(&self, of: RenditionRef, start: MediaTime) -> Option<u64> {
        self.seen.get(&(start, of)).copied()
    }

    /// Bytes that a segment is likely to take; None before enough has come.
    pub(crate) fn likely(&self, of: RenditionRef, start: MediaTime, promised: u64) -> Option<u64> {
        let told = |(ratio, count): &(i64, u32)| (*count >= FEW).then_some(*ratio);
        let own = self.ratios.get(&of).and_then(told);
        // What others of the track do is done by one encoder.
        let others = || {
            let of_track = self.ratios.iter().filter(|(other, _)| (other.period, other.track) == (of.period, of.track));
            let (sum, count) = of_track.filter_map(|(_, ratio)| told(ratio)).fold((0, 0), |(s, n), r| (s + r, n + 1));
            i64::checked_div(sum, count)
        };
        let ratio = own.or_else(others)?;
        let unusual = self.places.get(&(start, of.period, of.track)).copied().unwrap_or(1000);
        let milli = u64::try_from(ratio.saturating_mul(unusual) / 1000).ok()?;
        Some(u64::try_from(u128::from(promised) * u128::from(milli) / 1000).unwrap_or(u64::MAX))
    }

    /// Renditions are at other places now.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Keeps the latest places of a title.
fn insert<K: Ord, V>(map: &mut SortedMap<K, V>, key: K, value: V) {
    map.insert(key, value);
    if map.len() > MOST {
        map.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(rendition: usize) -> RenditionRef {
        RenditionRef { period: 0, track: 0, rendition }
    }

    #[test]
    fn what_a_rendition_takes_of_what_it_declares_is_learnt_and_serves_others_of_its_track() {
        let mut sizes = Sizes::default();
        for n in 0..3 {
            assert_eq!(sizes.likely(of(0), MediaTime::from_secs(100), 1000), None, "{n}");
            sizes.learn(of(0), MediaTime::from_secs(n), 700, 1000);
        }
        assert_eq!(sizes.likely(of(0), MediaTime::from_secs(100), 1000), Some(700));
        assert_eq!(sizes.likely(of(1), MediaTime::from_secs(100), 4000), Some(2800));
        assert_eq!(sizes.likely(RenditionRef { track: 1, ..of(0) }, MediaTime::ZERO, 1000), None);
        assert_eq!((sizes.seen(of(0), MediaTime::ZERO), sizes.seen(of(1), MediaTime::ZERO)), (Some(700), None));
    }

    #[test]
    fn a_place_that_is_hard_in_one_rendition_is_hard_in_the_others() {
        let mut sizes = Sizes::default();
        (0..20).for_each(|n| sizes.learn(of(0), MediaTime::from_secs(n), 1000, 1000));
        sizes.learn(of(0), MediaTime::from_secs(20), 2000, 1000);
        let hard = sizes.likely(of(1), MediaTime::from_secs(20), 5000).map_or(0, |bytes| bytes);
        assert!((9000..=10_000).contains(&hard), "{hard}");
    }

    #[test]
    fn nonsense_is_not_learnt_from() {
        let mut sizes = Sizes::default();
        (0..9).for_each(|n| sizes.learn(of(0), MediaTime::from_secs(n), u64::MAX, 1));
        (0..9).for_each(|n| sizes.learn(of(1), MediaTime::from_secs(n), 5, 0));
        assert_eq!(sizes.likely(of(1), MediaTime::ZERO, 10), None);
    }
}
