//! What goes wrong with live programmes: late segments, clocks that drift, manifests that are old.

use crate::fault::Draws;
use crate::live::Moment;
use crate::options::number;
use crate::title::fnv;

/// Faults of a live programme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unsteady {
    /// `jitter_<ms>`: each piece is there later than it ends, by so much at most.
    pub(crate) jitter_ms: u64,
    /// `drift_<ppm>`: so many millionths the media run fast, or slow if negative, counted from the start.
    pub(crate) drift_ppm: i64,
    /// `early404_<ms>`: media are there so much later than manifests say.
    pub(crate) late_ms: u64,
    /// `skewpdt_<ms>`: `EXT-X-PROGRAM-DATE-TIME` is so much ahead, or behind if negative.
    pub(crate) skew_ms: i64,
    /// `stale_<from>-<to>`: between these seconds of each minute manifests stay as they were.
    stale: Option<(u64, u64)>,
    /// `back_<percent>-<seconds>`: in so many seconds out of a hundred manifests are so much older.
    back: Option<(u64, u64)>,
}

/// Beyond this a drift would be no drift.
const MOST_DRIFT: i64 = 100_000;
/// The longest that something is late.
const MOST_LATE_MS: u64 = 10_000;
const MINUTE_MS: u64 = 60_000;

impl Unsteady {
    /// Takes an option, like [`crate::fault::Faults::set`].
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Option<()>> {
        let signed = |most: i64| value.parse::<i64>().ok().filter(|n| (-most..=most).contains(n));
        let pair = || {
            let (first, second) = value.split_once('-')?;
            Some((first.parse::<u64>().ok()?, second.parse::<u64>().ok()?))
        };
        let done = match name {
            "jitter" => number(value, 0..=MOST_LATE_MS).map(|ms| self.jitter_ms = ms),
            "drift" => signed(MOST_DRIFT).map(|ppm| self.drift_ppm = ppm),
            "early404" => number(value, 0..=MOST_LATE_MS).map(|ms| self.late_ms = ms),
            "skewpdt" => signed(86_400_000).map(|ms| self.skew_ms = ms),
            "stale" => {
                pair().filter(|(from, to)| from < to && *to <= 60).map(|(from, to)| self.stale = Some((from, to)))
            }
            "back" => pair()
                .filter(|(percent, seconds)| (1..=100).contains(percent) && (1..=3600).contains(seconds))
                .map(|(percent, seconds)| self.back = Some((percent, seconds))),
            _ => return None,
        };
        Some(done)
    }

    /// How much later than it ends a piece is there, which is known by its rendition, segment and end.
    pub(crate) fn late(&self, rendition: &str, n: u64, ticks: u64) -> u64 {
        if self.jitter_ms == 0 {
            return 0;
        }
        let seed = fnv(fnv(fnv(crate::title::FNV, rendition.as_bytes()), &n.to_be_bytes()), &ticks.to_be_bytes());
        Draws::new(seed).next() % (self.jitter_ms + 1)
    }

    /// What the clock says when so much of the media has passed, in milliseconds since the start.
    pub(crate) fn on_the_clock(&self, media_ms: u64) -> u64 {
        scaled(media_ms, MILLION, MILLION + i128::from(self.drift_ppm))
    }

    /// How much of the media has passed, by the clock.
    pub(crate) fn in_the_media(&self, clock_ms: u64) -> u64 {
        scaled(clock_ms, MILLION + i128::from(self.drift_ppm), MILLION)
    }

    /// The moment that a manifest is of which is asked for now.
    pub(crate) fn seen(&self, now: Moment) -> Moment {
        let Moment(ms) = now;
        match self.stale {
            Some((from, to)) if (from * 1000..to * 1000).contains(&(ms % MINUTE_MS)) => {
                Moment(ms - ms % MINUTE_MS + from * 1000)
            }
            _ => now,
        }
    }

    /// The same, in some seconds an older one.
    pub(crate) fn aged(&self, now: Moment) -> Moment {
        let Moment(ms) = self.seen(now);
        match self.back {
            Some((percent, seconds)) if Draws::new(now.0 / 1000).next() % 100 < percent => {
                Moment(ms.saturating_sub(seconds * 1000))
            }
            _ => Moment(ms),
        }
    }

    /// When manifests are seen again as they are, if they are not now.
    pub(crate) fn clears(&self, now: Moment) -> Moment {
        let Moment(ms) = now;
        match self.stale {
            Some((from, to)) if (from * 1000..to * 1000).contains(&(ms % MINUTE_MS)) => {
                Moment(ms - ms % MINUTE_MS + to * 1000)
            }
            _ => now,
        }
    }
}

const MILLION: i128 = 1_000_000;

/// Rounded up.
fn scaled(ms: u64, numerator: i128, denominator: i128) -> u64 {
    let scaled = (i128::from(ms) * numerator + denominator - 1) / denominator;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stale_stays_as_it_was_within_each_minute() {
        let mut faults = Unsteady::default();
        assert_eq!(faults.set("stale", "10-25"), Some(Some(())));
        for (now, seen, clears) in
            [(9_999, 9_999, 9_999), (10_000, 10_000, 25_000), (24_999, 10_000, 25_000), (85_000, 85_000, 85_000)]
        {
            assert_eq!((faults.seen(Moment(now)).0, faults.clears(Moment(now)).0), (seen, clears));
        }
        for wrong in ["25-10", "10-61", "10", "x-20"] {
            assert_eq!(faults.set("stale", wrong), Some(None), "{wrong}");
        }
    }

    #[test]
    fn some_seconds_in_a_hundred_are_older() {
        let mut faults = Unsteady::default();
        assert_eq!(faults.set("back", "20-30"), Some(Some(())));
        let older = (0..1_000_u64).filter(|s| faults.aged(Moment(100_000_000 + s * 1000)).0 == 99_970_000 + s * 1000);
        let count = older.count();
        assert!((150..250).contains(&count), "{count}");
    }

    #[test]
    fn what_runs_fast_is_there_early() {
        let mut faults = Unsteady::default();
        assert_eq!(faults.set("drift", "1000"), Some(Some(())));
        assert_eq!((faults.on_the_clock(1_001_000), faults.in_the_media(1_000_000)), (1_000_000, 1_001_000));
        assert_eq!(faults.set("drift", "-100001"), Some(None));
    }
}
