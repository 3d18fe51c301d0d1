//! How far behind the present a live title is watched.

use std::time::Duration;

use serde::Serialize;
use telecine_model::SortedMap;
use telecine_model::Timestamp;

/// What the latency of a session was like: while the live edge was followed or, if it never was, while what is past was
/// watched on purpose. The one is how well a player does, the other what a viewer wants: they are not averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LatencySummary {
    /// Mean over the time that the playhead moved.
    pub mean: Duration,
    /// What it kept within for 95 % of that time: at most a hundredth of a second too much below twenty seconds, and at
    /// most a thousandth of itself beyond, however long that is (3.3 s of an hour). While it changes it is known as it was
    /// each second, or after as much of the title as plays in one.
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

/// The latency over the time that the playhead moves. Between two readings it is taken to change evenly, as it does at any one
/// speed: what a time counts for is how long it is, however often it was read meanwhile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    followed: Readings,
    past: Readings,
    moving: Option<Moving>,
}

/// Time that the playhead moves and that is not counted yet.
#[derive(Clone, Copy, Debug)]
struct Moving {
    since: Timestamp,
    /// What was read then, and whether the edge was followed; None: nothing was read since it moves.
    read: Option<(Duration, bool)>,
}

impl Latency {
    /// The playhead moves from now on.
    pub(crate) fn moves(&mut self, now: Timestamp) {
        self.moving.get_or_insert(Moving { since: now, read: None });
    }

    /// The playhead stands from now on: until now the latency was what was read last.
    pub(crate) fn stands(&mut self, now: Timestamp) {
        if let Some(Moving { since, read: Some((latency, followed)) }) = self.moving.take() {
            self.of(followed).count(latency, latency, now.since(since));
        }
    }

    /// What was taken for moving for so long until now was standing still.
    pub(crate) fn stood(&mut self, span: Duration, now: Timestamp) {
        if let Some(moving) = &mut self.moving {
            moving.since = (moving.since + span).min(now);
        }
    }

    pub(crate) fn read(&mut self, latency: Duration, target: Duration, followed: bool, now: Timestamp) {
        let moving = self.moving.replace(Moving { since: now, read: Some((latency, followed)) });
        let readings = self.of(followed);
        readings.last = Some((latency, target));
        if let Some(Moving { since, read }) = moving {
            let before = read.map_or(latency, |(before, _)| before);
            readings.count(before, latency, now.since(since));
        }
    }

    fn of(&mut self, followed: bool) -> &mut Readings {
        if followed {
            &mut self.followed
        } else {
            &mut self.past
        }
    }

    pub(crate) fn summary(&self, now: Timestamp) -> Option<LatencySummary> {
        let mut upto = self.clone();
        upto.stands(now);
        upto.followed.summary(true).or_else(|| upto.past.summary(false))
    }
}

#[derive(Clone, Debug, Default)]
struct Readings {
    /// Microseconds of latency times microseconds of playback.
    sum: u128,
    /// Microseconds of playback.
    time: u64,
    /// What was read last, and what was aimed at then.
    last: Option<(Duration, Duration)>,
    /// For how many microseconds of playback the latency was at each place, of those that it was at: some hundreds of a session
    /// that keeps to its target, and a thousand for each doubling at most, whatever is read.
    places: SortedMap<Place, u64>,
}

impl Readings {
    /// For so long the latency went evenly from one to another.
    fn count(&mut self, from: Duration, to: Duration, time: Duration) {
        let mean = micros(from).midpoint(micros(to));
        let time = micros(time);
        self.sum = self.sum.saturating_add(u128::from(mean) * u128::from(time));
        self.time = self.time.saturating_add(time);
        // Readings follow each other within a second: in which half of that it was where is not told.
        for (latency, time) in [(from, time / 2), (to, time - time / 2)] {
            if time > 0 {
                let at = self.places.entry(Place::of(latency)).or_default();
                *at = at.saturating_add(time);
            }
        }
    }

    fn summary(&self, followed: bool) -> Option<LatencySummary> {
        let (last, target) = self.last?;
        // Nothing of it has played yet: it is what it is.
        let (mean, place) = match self.sum.checked_div(u128::from(self.time)) {
            None => (last, Place::of(last)),
            Some(mean) => {
                let least = u128::from(self.time) * 95;
                let mut seen = 0_u128;
                let (place, _) = self.places.iter().find(|(_, time)| {
                    seen += u128::from(**time) * 100;
                    seen >= least
                })?;
                (Duration::from_micros(u64::try_from(mean).unwrap_or(u64::MAX)), *place)
            }
        };
        Some(LatencySummary { mean, p95: place.end(), target, followed })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Latencies that were kept for so many milliseconds each, one after the other.
    fn kept(spans: impl IntoIterator<Item = (Duration, u64)>) -> Readings {
        let mut readings = Readings::default();
        for (latency, time) in spans {
            readings.last = Some((latency, ms(0)));
            readings.count(latency, latency, ms(time));
        }
        readings
    }

    /// The percentile of a latency that never changes.
    fn p95(latency: Duration) -> Duration {
        kept([(latency, 7)]).summary(true).expect("readings").p95
    }

    #[test]
    fn what_was_never_read_has_no_summary() {
        let mut latency = Latency::default();
        assert_eq!(latency.summary(at(0)), None);
        latency.moves(at(0));
        assert_eq!(latency.summary(at(5000)), None);
    }

    #[test]
    fn what_was_read_at_this_moment_is_what_it_is() {
        let mut latency = Latency::default();
        latency.moves(at(1000));
        latency.read(ms(3000), ms(2000), true, at(1000));
        let summary = latency.summary(at(1000)).expect("a reading");
        assert_eq!((summary.mean, summary.p95, summary.target), (ms(3000), ms(3010), ms(2000)));
    }

    #[test]
    fn the_mean_is_exact_and_the_percentile_is_to_a_hundredth() {
        let readings = kept([(ms(1000), 95), (ms(3000), 5)]);
        let summary = readings.summary(true).expect("readings");
        assert_eq!((summary.mean, summary.p95), (ms(1100), ms(1010)));
        assert_eq!(kept([(ms(1000), 95), (ms(3000), 6)]).summary(true).expect("readings").p95, ms(3010));
    }

    #[test]
    fn a_time_counts_for_how_long_it_is_however_often_it_was_read() {
        let mut latency = Latency::default();
        latency.moves(at(0));
        // Ten seconds at 8 s, read each second; then twice as fast to 4 s, read five times a second; then ten seconds there.
        (0..=10).for_each(|n| latency.read(ms(8000), ms(4000), true, at(1000 * n)));
        (1..=20).for_each(|n| latency.read(ms(8000 - 200 * n), ms(4000), true, at(10_000 + 200 * n)));
        (1..=10).for_each(|n| latency.read(ms(4000), ms(4000), true, at(14_000 + 1000 * n)));
        // (10 * 8 + 4 * 6 + 10 * 4) / 24 s
        assert_eq!(latency.summary(at(24_000)).expect("readings").mean, ms(6000));
    }

    #[test]
    fn while_the_playhead_stands_nothing_counts() {
        let mut latency = Latency::default();
        latency.moves(at(0));
        // The first reading counts from when the playhead moves, and the last one until it stands.
        latency.read(ms(1000), ms(0), true, at(500));
        latency.stands(at(1000));
        latency.moves(at(61_000));
        latency.read(ms(3000), ms(0), true, at(61_500));
        assert_eq!(latency.summary(at(62_000)).expect("readings").mean, ms(2000));
        // Half a second of it turned out to be none.
        latency.stood(ms(500), at(62_000));
        latency.stands(at(62_000));
        assert_eq!(latency.summary(at(90_000)).expect("readings").mean, Duration::from_micros(1_666_666));
    }

    #[test]
    fn what_is_past_counts_where_the_edge_was_never_followed() {
        let mut latency = Latency::default();
        latency.read(ms(3_600_000), ms(8000), false, at(0));
        let summary = latency.summary(at(9000)).expect("readings");
        assert_eq!((summary.mean, summary.target, summary.followed), (ms(3_600_000), ms(8000), false));
        latency.stands(at(9000));
        latency.read(ms(7000), ms(8000), true, at(9000));
        let summary = latency.summary(at(10_000)).expect("readings");
        assert_eq!((summary.mean, summary.p95, summary.followed), (ms(7000), ms(7010), true));
    }

    #[test]
    fn an_hour_is_told_to_some_seconds() {
        assert_eq!(p95(ms(15_000)), ms(15_010));
        let p95 = kept([(ms(15_000), 1), (ms(3_600_000), 99)]).summary(true).expect("readings").p95;
        assert!((ms(3_600_000)..ms(3_603_600)).contains(&p95), "{p95:?}");
    }

    #[test]
    fn the_longest_latency_of_all_is_counted_too() {
        assert_eq!(p95(Duration::MAX), ms(u64::MAX));
    }

    #[test]
    fn readings_that_are_never_the_same_take_a_bounded_place() {
        // Every hundredth of a second of a day.
        let readings = kept((0..8_640_000).map(|n| (ms(10 * n), 10)));
        assert!(readings.places.len() <= 15_000, "{}", readings.places.len());
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
