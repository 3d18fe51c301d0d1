//! The world's clock as the player knows it: between which two times it is now.
//!
//! The host has a monotonic clock and the world has another; servers tell what the world's shows ([`UtcSource`]), each
//! answer somewhere between its request and its arrival and to some resolution. A [`WallClock`] keeps the two bounds that
//! follow, lets them widen as the clocks may run apart, and narrows them with each further answer.

mod utc;

use core::time::Duration;

pub use self::utc::{parse_clock_text, utc_sources, UtcMethod, UtcSource};
use crate::time::{Timestamp, WallTime};

/// Where a reading of the wall clock comes from, in ascending order of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockSource {
    /// The device's own clock, which anybody may have set.
    Device,
    /// `Date` of the answer that brought the MPD, where the MPD offers no clock that works (D025).
    HttpDate,
    /// A clock that the MPD names (`UTCTiming`, D022).
    UtcTiming,
    /// What is listed: only where the clocks above contradict it, so that by them nothing at all could be played
    /// (D106), and until they agree with it.
    Timeline,
}

impl ClockSource {
    /// The name as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::HttpDate => "http-date",
            Self::UtcTiming => "utc-timing",
            Self::Timeline => "timeline",
        }
    }
}

/// One reading of a clock: the time of the world was between two bounds at a moment of the host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSample {
    /// Whose clock.
    pub source: ClockSource,
    /// The moment.
    pub at: Timestamp,
    /// The time was this at the earliest,
    pub earliest: WallTime,
    /// and this at the latest.
    pub latest: WallTime,
}

impl ClockSample {
    /// A time that a server wrote into an answer, in whole units of `resolution`, rounded down. It was written at some
    /// moment between the request and the answer; and if a cache says that it kept the answer (`Age`, in seconds),
    /// that much before (D024).
    pub fn answer(
        source: ClockSource,
        time: WallTime,
        resolution: Duration,
        [sent, answered]: [Timestamp; 2],
        age_s: Option<u64>,
    ) -> Self {
        let age = Duration::from_secs(age_s.unwrap_or(0));
        // An age is in whole seconds too.
        let aged = if age_s.is_some() { Duration::from_secs(1) } else { Duration::ZERO };
        let earliest = later(time, age);
        let latest = later(later(later(earliest, resolution), aged), answered.since(sent));
        Self { source, at: answered, earliest, latest }
    }

    /// What the device's own clock shows, and how far it may be off.
    pub fn device(time: WallTime, uncertainty: Duration, now: Timestamp) -> Self {
        let (earliest, latest) = (earlier(time, uncertainty), later(time, uncertainty));
        Self { source: ClockSource::Device, at: now, earliest, latest }
    }

    /// How far its middle may be off.
    pub fn uncertainty(&self) -> Duration {
        self.reading().uncertainty()
    }

    fn reading(&self) -> WallReading {
        WallReading { earliest: self.earliest, latest: self.latest }
    }
}

/// What the clock shows: a time within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallReading {
    /// It is this time at the earliest,
    pub earliest: WallTime,
    /// and this at the latest.
    pub latest: WallTime,
}

impl WallReading {
    /// The middle of the bounds.
    pub fn time(&self) -> WallTime {
        let (earliest, latest) = (i128::from(self.earliest.as_micros()), i128::from(self.latest.as_micros()));
        WallTime::from_micros(saturate((earliest + latest).div_euclid(2)))
    }

    /// How far apart it and a sample of the same moment are that have nothing in common; zero if they agree.
    pub fn apart(&self, sample: &ClockSample) -> Duration {
        let own = Bounds { earliest: self.earliest.as_micros(), latest: self.latest.as_micros() };
        own.apart(Bounds::of(sample))
    }

    /// How far the middle may be off.
    pub fn uncertainty(&self) -> Duration {
        let width = i128::from(self.latest.as_micros()) - i128::from(self.earliest.as_micros());
        Duration::from_micros(u64::try_from((width + 1) / 2).unwrap_or(0))
    }
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Learnt {
    /// There was no clock before, or a less trusted one.
    Set,
    /// It agrees with what was known, and may have narrowed it. The expected time was off by so much more than the
    /// sample itself may be.
    Agreed(Duration),
    /// It contradicts what was known, by so much, and was taken: the clock has moved.
    Moved(Duration),
    /// A better clock is known: nothing was changed.
    Ignored,
}

/// How far the host's clock and the world's may run apart if nothing better is known: 100 parts in a million, in
/// billionths. Quartz clocks keep within it.
const DRIFT_PPB: i64 = 100_000;

/// Clocks that seem to run apart by more than this did not: one of them was set.
const IMPLAUSIBLE_DRIFT_PPB: i64 = 500_000;

/// Two samples tell nothing of the drift if they are closer than this.
const DRIFT_SPAN: Duration = Duration::from_secs(20);

/// The world's clock, as well as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    fix: Option<Fix>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fix {
    source: ClockSource,
    at: Timestamp,
    /// Microseconds since 1970 at `at`.
    bounds: Bounds,
    /// The first sample of this source, by which drift is measured.
    first: (Timestamp, Bounds),
    /// By how much the world's clock may run faster than the host's, in billionths: at least and at most.
    drift: (i64, i64),
}

/// Microseconds since 1970, at the earliest and at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    earliest: i64,
    latest: i64,
}

impl Bounds {
    fn of(sample: &ClockSample) -> Self {
        Self { earliest: sample.earliest.as_micros(), latest: sample.latest.as_micros() }
    }

    fn common(self, other: Self) -> Option<Self> {
        let both = Self { earliest: self.earliest.max(other.earliest), latest: self.latest.min(other.latest) };
        (both.earliest <= both.latest).then_some(both)
    }

    /// How far apart two are that have nothing in common.
    fn apart(self, other: Self) -> Duration {
        let gap = (i128::from(self.earliest) - i128::from(other.latest))
            .max(i128::from(other.earliest) - i128::from(self.latest));
        Duration::from_micros(u64::try_from(gap.max(0)).unwrap_or(u64::MAX))
    }

    fn reading(self) -> WallReading {
        WallReading { earliest: WallTime::from_micros(self.earliest), latest: WallTime::from_micros(self.latest) }
    }
}

impl Fix {
    fn new(sample: &ClockSample) -> Self {
        let bounds = Bounds::of(sample);
        Self {
            source: sample.source,
            at: sample.at,
            bounds,
            first: (sample.at, bounds),
            drift: (-DRIFT_PPB, DRIFT_PPB),
        }
    }

    /// The bounds at another moment, later or earlier.
    fn at(&self, now: Timestamp) -> Bounds {
        let passed = i128::from(now.as_micros()) - i128::from(self.at.as_micros());
        let (least, most) = if passed >= 0 { self.drift } else { (self.drift.1, self.drift.0) };
        let run = |drift: i64| passed * (BILLION + i128::from(drift));
        let earliest = i128::from(self.bounds.earliest) + run(least).div_euclid(BILLION);
        let latest = i128::from(self.bounds.latest) + (run(most) + BILLION - 1).div_euclid(BILLION);
        Bounds { earliest: saturate(earliest), latest: saturate(latest) }
    }

    /// The drift that a sample and the first one allow, if they are far enough apart to tell.
    fn drift_to(&self, sample: &ClockSample) -> Option<(i64, i64)> {
        let (since, first) = self.first;
        let passed = sample.at.since(since);
        if passed < DRIFT_SPAN {
            return None;
        }
        let passed = i128::try_from(passed.as_micros()).ok()?;
        let bounds = Bounds::of(sample);
        let gained = |to: i64, from: i64| (i128::from(to) - i128::from(from) - passed) * BILLION;
        let least = gained(bounds.earliest, first.latest).div_euclid(passed);
        let most = (gained(bounds.latest, first.earliest) + passed - 1).div_euclid(passed);
        Some((saturate(least), saturate(most)))
    }
}

const BILLION: i128 = 1_000_000_000;

impl WallClock {
    /// A clock that nothing is known of.
    pub const fn new() -> Self {
        Self { fix: None }
    }

    /// Where what is known comes from.
    pub fn source(&self) -> Option<ClockSource> {
        self.fix.map(|fix| fix.source)
    }

    /// True if a clock is known that the service named, or that its own answers show.
    pub fn is_synchronised(&self) -> bool {
        self.source().is_some_and(|source| source > ClockSource::Device)
    }

    /// How much faster the world's clock may run than the host's, in billionths: at least and at most.
    pub fn drift_ppb(&self) -> Option<(i64, i64)> {
        self.fix.map(|fix| fix.drift)
    }

    /// What the clock shows at a moment.
    pub fn read(&self, now: Timestamp) -> Option<WallReading> {
        self.fix.map(|fix| fix.at(now).reading())
    }

    /// Takes a sample. A less trusted source never moves a more trusted one, so that a device whose clock is set while
    /// it plays goes on as before; dates of answers narrow a clock of the service that was read so long ago that it is
    /// known less well than by them. Samples of one source narrow each other down, and tell how the two clocks run apart;
    /// one that contradicts those before is right.
    pub fn learn(&mut self, sample: &ClockSample) -> Learnt {
        let Some(fix) = &mut self.fix else {
            self.fix = Some(Fix::new(sample));
            return Learnt::Set;
        };
        if sample.source < fix.source {
            let (expected, told) = (fix.at(sample.at), Bounds::of(sample));
            let Some(both) = expected.common(told) else { return Learnt::Ignored };
            return match (fix.source, sample.source) {
                (ClockSource::Timeline, ClockSource::UtcTiming) => {
                    // It was put right, or the host's clock was: it says more exactly what the list says too.
                    *fix = Fix::new(sample);
                    Learnt::Set
                }
                // A clock that was read long ago may be anywhere within its bounds by now.
                (ClockSource::UtcTiming, ClockSource::HttpDate)
                    if expected.reading().uncertainty() > sample.uncertainty() =>
                {
                    let surprise = difference(expected.reading(), sample.reading());
                    (fix.at, fix.bounds) = (sample.at, both);
                    Learnt::Agreed(surprise.saturating_sub(sample.uncertainty()))
                }
                (ClockSource::UtcTiming, ClockSource::HttpDate) => Learnt::Agreed(Duration::ZERO),
                _ => Learnt::Ignored,
            };
        }
        // The device's clock says all there is to say of it each time.
        if sample.source > fix.source || sample.source == ClockSource::Device {
            let is_set = sample.source > fix.source;
            let expected = fix.at(sample.at);
            *fix = Fix::new(sample);
            return match expected.common(Bounds::of(sample)) {
                _ if is_set => Learnt::Set,
                Some(_) => Learnt::Agreed(Duration::ZERO),
                None => Learnt::Moved(expected.apart(Bounds::of(sample))),
            };
        }
        let now = fix.at.max(sample.at);
        let (expected, told) = (fix.at(now), Fix::new(sample).at(now));
        let measured = fix.drift_to(sample);
        if let Some(both) = expected.common(told) {
            let surprise = difference(expected.reading(), told.reading()).saturating_sub(sample.uncertainty());
            (fix.at, fix.bounds) = (now, both);
            if let Some(drift) = measured.and_then(|measured| common(fix.drift, measured)) {
                fix.drift = drift;
            }
            return Learnt::Agreed(surprise);
        }
        let apart = expected.apart(told);
        let plausible = (-IMPLAUSIBLE_DRIFT_PPB, IMPLAUSIBLE_DRIFT_PPB);
        let first = fix.first;
        let drift = measured.and_then(|measured| common(plausible, measured));
        *fix = Fix::new(sample);
        // The clocks run apart faster than was assumed; or one of them was set, and everything begins anew.
        if let Some(drift) = drift {
            (fix.first, fix.drift) = (first, drift);
        }
        Learnt::Moved(apart)
    }

    /// The moment from which the time is at least `time` for certain, as far as is known now; and not later than when it
    /// is `caution` behind `time` by the middle of the bounds, so that a clock that is hardly known does not hold up
    /// everything. None without a clock.
    pub fn reaches(&self, time: WallTime, caution: Duration) -> Option<Timestamp> {
        let fix = self.fix?;
        let when = |bound: i128, drift: i128, time: i128| {
            let left = time - bound;
            // With `drift` in billionths, `left` takes `left / (1 + drift)` of the host's clock, rounded up.
            let (per, rate) = (left * BILLION, BILLION + drift);
            i128::from(fix.at.as_micros()) + (per + rate - 1).div_euclid(rate)
        };
        let (earliest, latest) = (i128::from(fix.bounds.earliest), i128::from(fix.bounds.latest));
        let (least, most) = (i128::from(fix.drift.0), i128::from(fix.drift.1));
        let time = i128::from(time.as_micros());
        let cautious = time.saturating_add(i128::try_from(caution.as_micros()).unwrap_or(i128::MAX / 4));
        let certain = when(earliest, if time >= earliest { least } else { most }, time);
        let likely = when((earliest + latest).div_euclid(2), (least + most) / 2, cautious.min(i128::from(i64::MAX)));
        Some(Timestamp::from_micros(u64::try_from(certain.min(likely).max(0)).unwrap_or(u64::MAX)))
    }
}

fn common(one: (i64, i64), other: (i64, i64)) -> Option<(i64, i64)> {
    let both = (one.0.max(other.0), one.1.min(other.1));
    (both.0 <= both.1).then_some(both)
}

/// How far apart the middles of two readings are.
fn difference(one: WallReading, other: WallReading) -> Duration {
    Duration::from_micros(one.time().as_micros().abs_diff(other.time().as_micros()))
}

fn later(time: WallTime, span: Duration) -> WallTime {
    let micros = i128::from(time.as_micros()) + i128::try_from(span.as_micros()).unwrap_or(i128::MAX / 2);
    WallTime::from_micros(saturate(micros))
}

fn earlier(time: WallTime, span: Duration) -> WallTime {
    let micros = i128::from(time.as_micros()) - i128::try_from(span.as_micros()).unwrap_or(i128::MAX / 2);
    WallTime::from_micros(saturate(micros))
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// When to ask the clock again: sooner while it turns out to be off, later while it does not (D025).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncInterval {
    interval: Duration,
}

impl Default for SyncInterval {
    fn default() -> Self {
        Self { interval: Self::SHORTEST }
    }
}

impl SyncInterval {
    /// No oftener than this.
    pub const SHORTEST: Duration = Duration::from_secs(30);
    /// No more seldom than this.
    pub const LONGEST: Duration = Duration::from_secs(600);
    /// How far the expected time may be off.
    pub const TOLERANCE: Duration = Duration::from_millis(100);

    /// How long to wait after a sample of which this was learnt.
    pub fn after(&mut self, learnt: Learnt) -> Duration {
        self.interval = match learnt {
            Learnt::Agreed(off) if off <= Self::TOLERANCE => self.interval.saturating_mul(2).min(Self::LONGEST),
            Learnt::Agreed(_) | Learnt::Moved(_) => (self.interval / 2).max(Self::SHORTEST),
            Learnt::Set | Learnt::Ignored => self.interval,
        };
        self.interval
    }
}

#[cfg(test)]
mod tests;
