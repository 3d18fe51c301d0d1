//! How far behind the present a live title is watched.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// What the latency of a session was like: while the live edge was followed or, if it never was, while what is past was
/// watched on purpose. The one is how well a player does, the other what a viewer wants: they are not averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LatencySummary {
    /// Mean over the time that the playhead moved.
    pub mean: Duration,
    /// What it kept within for 95 % of that time: at most a hundredth of a second too much below twenty seconds, and at
    /// most a thousandth of itself beyond, however long that is (3.3 s of an hour).
    pub p95: Duration,
    /// What was aimed at last; in the past, what would have been.
    pub target: Duration,
    /// Whether the edge was followed.
    pub followed: bool,
}

/// Places of a hundredth of a second up to ten seconds, and of each doubling of the latency from there on.
const PLACES: u64 = 1000;

/// Milliseconds of the finest places.
const FINEST_MS: u64 = 10;

/// Which latencies are counted together. Places are a hundredth of a second wide up to ten seconds, and from there on each
/// doubling has as many of them: those of 10 to 20 s are a hundredth wide, those of 20 to 40 s two, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// How often the width was doubled.
    doubled: u32,
    /// Which one of that width, counted from zero.
    index: u64,
}

impl Place {
    fn of(latency: Duration) -> Self {
        let finest = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX) / FINEST_MS;
        let doubled = (finest / PLACES).checked_ilog2().unwrap_or(0);
        Self { doubled, index: finest >> doubled }
    }

    /// What everything in it is shorter than.
    fn end(self) -> Duration {
        let finest = u128::from(self.index + 1) << self.doubled;
        Duration::from_millis(u64::try_from(finest * u128::from(FINEST_MS)).unwrap_or(u64::MAX))
    }
}

/// Readings of the latency, taken at equal distances of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    followed: Readings,
    past: Readings,
}

impl Latency {
    pub(crate) fn read(&mut self, latency: Duration, target: Duration, followed: bool) {
        let readings = if followed { &mut self.followed } else { &mut self.past };
        readings.read(latency, target);
    }

    pub(crate) fn summary(&self) -> Option<LatencySummary> {
        self.followed.summary(true).or_else(|| self.past.summary(false))
    }
}

#[derive(Clone, Debug, Default)]
struct Readings {
    sum: Duration,
    count: u32,
    target: Duration,
    /// How many readings fell into each place, of those that there were any in: some hundreds of a session that keeps to
    /// its target, and a thousand for each doubling at most, whatever is read.
    places: BTreeMap<Place, u32>,
}

impl Readings {
    fn read(&mut self, latency: Duration, target: Duration) {
        let count = self.places.entry(Place::of(latency)).or_default();
        *count = count.saturating_add(1);
        self.sum = self.sum.saturating_add(latency);
        self.count = self.count.saturating_add(1);
        self.target = target;
    }

    fn summary(&self, followed: bool) -> Option<LatencySummary> {
        let mean = self.sum.checked_div(self.count)?;
        let least = u64::from(self.count).saturating_mul(95).div_ceil(100);
        let mut seen = 0;
        let (place, _) = self.places.iter().find(|(_, count)| {
            seen += u64::from(**count);
            seen >= least
        })?;
        Some(LatencySummary { mean, p95: place.end(), target: self.target, followed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The percentile of readings that are all the same.
    fn p95(latency: Duration) -> Duration {
        let mut readings = Readings::default();
        (0..7).for_each(|_| readings.read(latency, ms(0)));
        readings.summary(true).expect("readings").p95
    }

    #[test]
    fn what_was_never_read_has_no_summary() {
        assert_eq!(Latency::default().summary(), None);
    }

    #[test]
    fn the_mean_is_exact_and_the_percentile_is_to_a_hundredth() {
        let mut latency = Readings::default();
        (0..95).for_each(|_| latency.read(ms(1000), ms(1050)));
        (0..5).for_each(|_| latency.read(ms(3000), ms(1100)));
        let summary = latency.summary(true).expect("readings");
        assert_eq!((summary.mean, summary.p95, summary.target), (ms(1100), ms(1010), ms(1100)));
        latency.read(ms(3000), ms(1100));
        assert_eq!(latency.summary(true).expect("readings").p95, ms(3010));
    }

    #[test]
    fn what_is_past_counts_where_the_edge_was_never_followed() {
        let mut latency = Latency::default();
        (0..9).for_each(|_| latency.read(ms(3_600_000), ms(8000), false));
        let summary = latency.summary().expect("readings");
        assert_eq!((summary.mean, summary.target, summary.followed), (ms(3_600_000), ms(8000), false));
        latency.read(ms(7000), ms(8000), true);
        let summary = latency.summary().expect("readings");
        assert_eq!((summary.mean, summary.p95, summary.followed), (ms(7000), ms(7010), true));
    }

    #[test]
    fn an_hour_is_told_to_some_seconds() {
        let mut latency = Readings::default();
        latency.read(ms(15_000), ms(0));
        assert_eq!(latency.summary(true).expect("a reading").p95, ms(15_010));
        (0..99).for_each(|_| latency.read(ms(3_600_000), ms(0)));
        let p95 = latency.summary(true).expect("readings").p95;
        assert!((ms(3_600_000)..ms(3_603_600)).contains(&p95), "{p95:?}");
    }

    #[test]
    fn the_longest_latency_of_all_is_counted_too() {
        assert_eq!(p95(Duration::MAX), ms(u64::MAX));
    }

    #[test]
    fn readings_that_are_never_the_same_take_a_bounded_place() {
        let mut latency = Readings::default();
        // Every hundredth of a second of a day.
        (0..8_640_000).for_each(|n| latency.read(ms(10 * n), ms(0)));
        assert!(latency.places.len() <= 15_000, "{}", latency.places.len());
    }

    proptest! {
        #[test]
        fn the_percentile_is_never_too_little_and_hardly_too_much(exponent in 0_u32..50, low in any::<u64>()) {
            let latency = (1_u64 << exponent) | (low & ((1 << exponent) - 1));
            let most = if latency < 20_000 { 10 } else { latency / 1000 + 1 };
            let told = u64::try_from(p95(ms(latency)).as_millis()).expect("years");
            prop_assert!(latency < told && told <= latency + most, "{} of {}", told, latency);
        }
    }
}
