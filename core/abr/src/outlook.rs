//! What is believed of the network, for rules that reckon ahead.

use crate::rule::Context;

/// What the picture has of the line at least, whatever the other tracks take.
const LEAST_SHARE: f64 = 0.25;
/// How far the rate is off where only an average of it is known.
const ERROR_OF_AVERAGES: f64 = 0.45;
/// How far sizes are off what bitrates say.
const ERROR_OF_SIZES: f64 = 0.2;
/// How far it is off where it is assumed, and behind the first segment; behind so many segments as small a part of that at least.
const ERROR_OF_ASSUMPTIONS: f64 = 0.9;

/// What the network is believed to do, in media time: where its rate is, and how far that may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// The natural logarithm of the rate in kbit/s.
    pub log_rate: f64,
    /// How far that is off, typically: 0.1 is about a tenth of the rate.
    pub typical_error: f64,
    /// How far the logarithm of a segment's size is off what is known of it, typically. Each is off by itself: a segment that
    /// is larger than was thought says nothing of the next, as a rate that fell does.
    pub size_error: f64,
    /// From a request to its first bit, in seconds.
    pub latency_s: f64,
}

impl Outlook {
    /// What the player's estimator believes, less what the other tracks take; None before anything is known.
    /// It is known by so many `segments` of the track.
    pub(crate) fn of(ctx: &Context<'_>, segments: u32) -> Option<Self> {
        let estimate = ctx.estimate?;
        let (bits_per_second, typical_error) = match estimate.forecast {
            Some(forecast) => {
                let error = f64::from(forecast.typical_error_milli) / 1000.0;
                let few = ERROR_OF_ASSUMPTIONS / f64::from(segments.max(1));
                (forecast.bits_per_second, error.max(few))
            }
            None if estimate.samples > 0 => (estimate.bits_per_second, ERROR_OF_AVERAGES),
            None => (estimate.bits_per_second, ERROR_OF_ASSUMPTIONS),
        };
        let size_error = if ctx.levels.iter().any(|level| level.next_size.is_none()) { ERROR_OF_SIZES } else { 0.0 };
        let kbps = bits_per_second.max(1) as f64 / 1000.0 / ctx.speed();
        // The other tracks have their share of the line, and never all of it.
        let kbps = (kbps - ctx.aside as f64 / 1000.0).max(LEAST_SHARE * kbps);
        let latency_s = estimate.ttfb.as_secs_f64() * ctx.speed();
        Some(Self { log_rate: libm::log(kbps), typical_error, size_error, latency_s })
    }

    /// How far the logarithm of the time that the next segment takes is off, typically: by its rate and by its size.
    pub(crate) fn time_error(&self) -> f64 {
        libm::sqrt(self.typical_error * self.typical_error + self.size_error * self.size_error)
    }

    /// The rate in kbit/s that the network has at least, so many typical errors below what is believed.
    pub(crate) fn quantile(&self, errors: f64) -> f64 {
        libm::exp(self.log_rate - errors * self.time_error())
    }
}
