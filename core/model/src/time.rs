//! The three kinds of time: media time, monotonic time and wall-clock time.
//!
//! They never mix by accident: each is its own type, and none of them can be asked from the system
//! here. A host passes [`Timestamp`]s in; [`MediaTime`] comes out of manifests and containers;
//! [`WallTime`] arrives as an input with an uncertainty.

use core::fmt;
use core::num::NonZeroU32;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Units of [`MediaTime`] in one second.
///
/// 705,600,000 ("flicks") is a multiple of every common frame rate (24 to 120 and their 1000/1001
/// relatives) and audio sample rate, of the 90 kHz MPEG clock and of the millisecond, so times on
/// those grids are exact.
pub const UNITS_PER_SECOND: i64 = 705_600_000;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A point or a span on a media timeline: an integer count of 1/705,600,000 s.
///
/// Signed, because offsets and pre-roll are negative. Arithmetic saturates: hostile input may make
/// a time absurd, never a panic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The origin of a timeline, and the empty span.
    pub const ZERO: Self = Self(0);
    /// The latest representable time, some 414 years.
    pub const MAX: Self = Self(i64::MAX);
    /// The earliest representable time.
    pub const MIN: Self = Self(i64::MIN);

    /// A time from its raw count of 1/705,600,000 s.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The raw count of 1/705,600,000 s.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// `ticks` of a clock that runs at `timescale` ticks a second, rounded to the nearest unit
    /// (ties away from zero). Exact whenever the timescale divides [`UNITS_PER_SECOND`].
    pub fn from_ticks(ticks: i64, timescale: Timescale) -> Self {
        Self(rescale(ticks, UNITS_PER_SECOND, i64::from(timescale.get())))
    }

    /// This time in ticks of `timescale`, rounded to the nearest tick.
    pub fn to_ticks(self, timescale: Timescale) -> i64 {
        rescale(self.0, i64::from(timescale.get()), UNITS_PER_SECOND)
    }

    /// A time from whole milliseconds. Exact.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(UNITS_PER_SECOND / 1000))
    }

    /// A time from whole seconds. Exact.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(UNITS_PER_SECOND))
    }

    /// A time from microseconds, rounded to the nearest unit.
    pub fn from_micros(micros: i64) -> Self {
        Self(rescale(micros, UNITS_PER_SECOND, 1_000_000))
    }

    /// A time from nanoseconds, rounded to the nearest unit.
    pub fn from_nanos(nanos: i64) -> Self {
        Self(rescale(nanos, UNITS_PER_SECOND, NANOS_PER_SECOND as i64))
    }

    /// A time from seconds as an application would give them; not a number and infinities give
    /// zero and the limits. For values from media use [`MediaTime::from_ticks`].
    pub fn from_secs_f64(secs: f64) -> Self {
        // A float-to-integer cast saturates and maps NaN to zero.
        Self((secs * UNITS_PER_SECOND as f64).round() as i64)
    }

    /// Whole microseconds, rounded down.
    pub const fn as_micros(self) -> i64 {
        // Whole seconds apart, so that 64 bits are enough.
        let (seconds, rest) = (self.0.div_euclid(UNITS_PER_SECOND), self.0.rem_euclid(UNITS_PER_SECOND));
        seconds * 1_000_000 + rest * 1_000_000 / UNITS_PER_SECOND
    }

    /// Whole milliseconds, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(UNITS_PER_SECOND / 1000)
    }

    /// Seconds, for people and reports; decisions use the integers.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / UNITS_PER_SECOND as f64
    }

    /// The span as a host duration; negative spans give zero.
    pub fn to_duration(self) -> Duration {
        let nanos = i128::from(self.0.max(0)) * NANOS_PER_SECOND / i128::from(UNITS_PER_SECOND);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// A host duration as a media span.
    pub fn from_duration(duration: Duration) -> Self {
        let nanos = i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / i128::from(UNITS_PER_SECOND));
        Self(saturate(div_round(nanos.saturating_mul(i128::from(UNITS_PER_SECOND)), NANOS_PER_SECOND)))
    }

    /// The distance between two times.
    pub const fn abs_diff(self, other: Self) -> Self {
        let distance = self.0.abs_diff(other.0);
        Self(if distance > i64::MAX as u64 { i64::MAX } else { distance as i64 })
    }

    /// Multiplies by a ratio of integers, rounded to the nearest unit; a zero denominator gives zero.
    pub fn mul_ratio(self, numerator: i64, denominator: i64) -> Self {
        if denominator == 0 {
            return Self::ZERO;
        }
        Self(saturate(div_round(i128::from(self.0) * i128::from(numerator), i128::from(denominator))))
    }

    /// True below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// `value * to / from`, rounded to the nearest; `to` and `from` are positive. Whole multiples of
/// `from` go apart from the rest, so that 64 bits are enough for all but absurd values.
fn rescale(value: i64, to: i64, from: i64) -> i64 {
    let (whole, rest) = (value / from, value % from);
    match (whole.checked_mul(to), rest.checked_mul(to)) {
        (Some(whole), Some(rest)) => {
            let rounded = (rest.unsigned_abs() + from.unsigned_abs() / 2) / from.unsigned_abs();
            // No more than `to`, which is positive and fits.
            let rounded = i64::try_from(rounded).unwrap_or(to);
            whole.saturating_add(if rest < 0 { -rounded } else { rounded })
        }
        _ => saturate(div_round(i128::from(value) * i128::from(to), i128::from(from))),
    }
}

/// Division rounded to nearest, ties away from zero; `denominator` is not zero.
fn div_round(numerator: i128, denominator: i128) -> i128 {
    let half = denominator.abs() / 2;
    let shifted = if (numerator < 0) == (denominator < 0) { numerator.abs() + half } else { -(numerator.abs() + half) };
    let quotient = shifted.abs() / denominator.abs();
    if shifted < 0 {
        -quotient
    } else {
        quotient
    }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

impl Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl core::iter::Sum for MediaTime {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Sub for MediaTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for MediaTime {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for MediaTime {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for MediaTime {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl fmt::Debug for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_secs_f64())
    }
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.as_secs_f64())
    }
}

/// Ticks a second of a track's own clock; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// One tick a second: the default of a DASH segment template (ISO/IEC 23009-1, 5.3.9.2).
    pub const SECONDS: Self = Self(NonZeroU32::MIN);
    /// One tick a nanosecond: holds any decimal of an HLS playlist that a writer can mean.
    pub const NANOS: Self = match NonZeroU32::new(1_000_000_000) {
        Some(value) => Self(value),
        None => Self::SECONDS,
    };

    /// A timescale, unless it is zero.
    pub const fn new(ticks_per_second: u32) -> Option<Self> {
        match NonZeroU32::new(ticks_per_second) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Ticks a second.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// A point on the host's monotonic clock: microseconds since the host started.
///
/// `std::time::Instant` cannot be built from a number, recorded or used on
/// wasm32-unknown-unknown; this can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The host's start.
    pub const ZERO: Self = Self(0);

    /// A point from microseconds since the host's start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A point from milliseconds since the host's start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// Microseconds since the host's start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Seconds since the host's start, for people and reports.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// A wall-clock time: microseconds since 1970-01-01T00:00:00Z, leap seconds ignored as POSIX does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// A time from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A time from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time moved by a media span (to the microsecond, rounded down).
    #[must_use]
    pub const fn offset(self, span: MediaTime) -> Self {
        Self(self.0.saturating_add(span.as_micros()))
    }

    /// The media span from `earlier` to this time.
    pub fn since(self, earlier: Self) -> MediaTime {
        MediaTime::from_micros(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_frame_and_sample_rates_are_exact() {
        for rate in [
            24, 25, 30, 48, 50, 60, 90, 100, 120, 1000, 8000, 22_050, 44_100, 48_000, 90_000, 192_000, 24_000, 30_000,
            60_000,
        ] {
            assert_eq!(UNITS_PER_SECOND % rate, 0, "{rate}");
        }
        // 24000/1001 fps: one frame is 1001 ticks of 24,000.
        let scale = Timescale::new(24_000).expect("not zero");
        let frame = MediaTime::from_ticks(1001, scale);
        assert_eq!(frame.units() * 24_000, 1001 * UNITS_PER_SECOND);
    }

    #[test]
    fn ticks_survive_the_way_there_and_back() {
        for scale in [1, 90_000, 48_000, 12_800, 10_000_000, 705_600_000, u32::MAX] {
            let scale = Timescale::new(scale).expect("not zero");
            for ticks in [0, 1, -1, 1234, 9_999_999] {
                let back = MediaTime::from_ticks(ticks, scale).to_ticks(scale);
                if scale.get() <= 352_800_000 {
                    assert_eq!(back, ticks, "{scale:?}");
                }
            }
        }
    }

    #[test]
    fn rescaling_in_64_bits_is_rescaling_in_128() {
        let mut rng = crate::rng::Rng::new(7);
        for round in 0..20_000_u32 {
            let value = (rng.next_u64() as i64) >> (round % 60);
            let (to, from) = (1 + rng.below(2_000_000_000) as i64, 1 + rng.below(4_294_967_295) as i64);
            for (to, from) in [(to, from), (UNITS_PER_SECOND, from), (to, UNITS_PER_SECOND), (5, 2), (1, 2)] {
                let exact = saturate(div_round(i128::from(value) * i128::from(to), i128::from(from)));
                assert_eq!(rescale(value, to, from), exact, "{value} * {to} / {from}");
            }
        }
    }

    #[test]
    fn absurd_values_saturate() {
        let scale = Timescale::SECONDS;
        assert_eq!(MediaTime::from_ticks(i64::MAX, scale), MediaTime::MAX);
        assert_eq!(MediaTime::from_ticks(i64::MIN, scale), MediaTime::MIN);
        assert_eq!(MediaTime::MAX + MediaTime::from_secs(1), MediaTime::MAX);
        assert_eq!(MediaTime::from_secs_f64(f64::NAN), MediaTime::ZERO);
        assert_eq!(MediaTime::from_duration(Duration::MAX), MediaTime::MAX);
        assert_eq!(MediaTime::MIN.abs_diff(MediaTime::MAX), MediaTime::MAX);
    }

    #[test]
    fn rounding_is_to_nearest_on_both_sides_of_zero() {
        let third = Timescale::new(3).expect("not zero");
        assert_eq!(MediaTime::from_units(-235_200_000).to_ticks(third), -1);
        assert_eq!(MediaTime::from_micros(-1).units(), -706);
        assert_eq!(MediaTime::from_millis(-1500).as_millis(), -1500);
    }
}
