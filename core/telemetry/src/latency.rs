//! How far behind the present a live title is watched.

use std::time::Duration;

use serde::Serialize;

/// What the latency of a session was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LatencySummary {
    /// Mean over the time that the playhead moved.
    pub mean: Duration,
    /// What it kept within for 95 % of that time, to a hundredth of a second (a tenth beyond ten seconds).
    pub p95: Duration,
    /// What was aimed at last.
    pub target: Duration,
}

/// Places of a hundredth of a second, up to ten seconds.
const FINE: usize = 1000;
/// Places of a tenth, up to a hundred seconds more; what is beyond is in the last.
const COARSE: usize = 1000;

/// Readings of the latency, taken at equal distances of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    sum: Duration,
    count: u32,
    target: Duration,
    /// How many readings fell into each place; empty before the first.
    places: Vec<u32>,
}

impl Latency {
    pub(crate) fn read(&mut self, latency: Duration, target: Duration) {
        if self.places.is_empty() {
            self.places = vec![0; FINE + COARSE];
        }
        let hundredths = usize::try_from(latency.as_millis() / 10).unwrap_or(usize::MAX);
        let place = if hundredths < FINE { hundredths } else { FINE + (hundredths - FINE) / 10 };
        if let Some(count) = self.places.get_mut(place.min(FINE + COARSE - 1)) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(latency);
        self.count = self.count.saturating_add(1);
        self.target = target;
    }

    pub(crate) fn summary(&self) -> Option<LatencySummary> {
        let mean = self.sum.checked_div(self.count)?;
        let least = u64::from(self.count).saturating_mul(95).div_ceil(100);
        let mut seen = 0;
        let place = self.places.iter().position(|count| {
            seen += u64::from(*count);
            seen >= least
        })?;
        // The upper end of the place.
        let hundredths = if place < FINE { place + 1 } else { FINE + (place - FINE + 1) * 10 };
        let p95 = Duration::from_millis(hundredths as u64 * 10);
        Some(LatencySummary { mean, p95, target: self.target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_was_never_read_has_no_summary() {
        assert_eq!(Latency::default().summary(), None);
    }

    #[test]
    fn the_mean_is_exact_and_the_percentile_is_to_a_hundredth() {
        let mut latency = Latency::default();
        (0..95).for_each(|_| latency.read(ms(1000), ms(1050)));
        (0..5).for_each(|_| latency.read(ms(3000), ms(1100)));
        let summary = latency.summary().expect("readings");
        assert_eq!((summary.mean, summary.p95, summary.target), (ms(1100), ms(1010), ms(1100)));
        latency.read(ms(3000), ms(1100));
        assert_eq!(latency.summary().expect("readings").p95, ms(3010));
    }

    #[test]
    fn hours_are_in_the_last_place() {
        let mut latency = Latency::default();
        latency.read(ms(15_000), ms(0));
        assert_eq!(latency.summary().expect("a reading").p95, ms(15_100));
        (0..99).for_each(|_| latency.read(ms(7_200_000), ms(0)));
        assert_eq!(latency.summary().expect("readings").p95, ms(110_000));
    }
}
