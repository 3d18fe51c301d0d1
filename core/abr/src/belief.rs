//! What is believed of a rate: averages of what was heard, and a walk.

use std::time::Duration;

use crate::estimate::{Estimate, Forecast, Recent};
use crate::walk::{Heard, Walk};

/// Half-lives of the rate, in seconds of transfer.
const RATE_HALF_LIVES: (f64, f64) = (3.0, 8.0);
/// Half-lives of the time to first byte, in transfers.
const TTFB_HALF_LIVES: (f64, f64) = (1.0, 8.0 / 3.0);
/// What the line is known for counts for so many seconds of transfer from a host that nothing has come from: behind a
/// segment or two hardly anything of it is left.
const LENT_SECONDS: f64 = 1.0;
/// And for so many transfers' time to first byte.
const LENT_TRANSFERS: f64 = 0.5;

/// What the line is known for, as far as it says something of a host that nothing has come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent {
    /// Bits a second.
    rate: f64,
    ttfb: Option<f64>,
    walk: Walk,
}

/// What is believed of one host, or of the line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Belief {
    rate: DualAverage,
    /// Of rates that may be a cache's or a burst's.
    unsure: DualAverage,
    /// Mean distance of rate samples from what was believed before them.
    deviation: DualAverage,
    /// The same samples as a walk.
    walk: Walk,
    ttfb: DualAverage,
}

impl Belief {
    /// The rate that is believed in, in bits a second; None where none was measured.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.rate.least()
    }

    /// A rate was measured, in bits a second.
    pub(crate) fn hear_rate(&mut self, rate: f64, weight: f64, heard: &Heard) {
        self.walk.hear(heard);
        if let Some(believed) = self.rate.least() {
            self.deviation.add((rate - believed).abs(), weight, RATE_HALF_LIVES);
        }
        self.rate.add(rate, weight, RATE_HALF_LIVES);
    }

    /// The rate turned out to be another one: of what was measured only that counts any more, in bits a second and seconds. The
    /// walk is there already, and how far it goes at times is not forgotten.
    pub(crate) fn begin_anew(&mut self, measured: impl Iterator<Item = (f64, f64)>) {
        self.rate = DualAverage::default();
        measured.for_each(|(rate, seconds)| self.rate.add(rate, seconds, RATE_HALF_LIVES));
    }

    /// Whether the walk is at a lower rate than that.
    pub(crate) fn is_below(&self, heard: &Heard) -> bool {
        self.walk.log().is_none_or(|log| libm::log(heard.kbps.max(1e-3)) > log)
    }

    /// Something is said to the walk alone.
    pub(crate) fn hear_of_walk(&mut self, heard: &Heard) {
        self.walk.hear(heard);
    }

    /// A rate that may be something else's.
    pub(crate) fn hear_unsure(&mut self, rate: f64, seconds: f64) {
        self.unsure.add(rate, seconds, RATE_HALF_LIVES);
    }

    pub(crate) fn hear_ttfb(&mut self, ttfb: Duration) {
        self.ttfb.add(ttfb.as_secs_f64(), 1.0, TTFB_HALF_LIVES);
    }

    /// What a host that nothing is known of may be believed to do, by what is believed of the line: `share` of the rate half
    /// way, by its logarithm, between what it is now and `usual`, in bits a second. None where the line itself is not known.
    pub(crate) fn lend(&self, usual: f64, share: f64) -> Option<Lent> {
        let middle = |rate: f64| share * libm::sqrt(rate * usual);
        let rate = middle(self.rate.least()?);
        let now = self.walk.log().map_or(rate, |log| middle(libm::exp(log) * 1000.0));
        Some(Lent { rate, ttfb: self.ttfb.greatest(), walk: self.walk.lent(libm::log(now / 1000.0)) })
    }

    /// The same belief, of which only `kept` (0 to 1) is worth anything any more: the rest is taken from what is lent.
    pub(crate) fn faded(&self, kept: f64, lent: &Lent) -> Self {
        let mut faded = *self;
        for average in [&mut faded.rate, &mut faded.deviation, &mut faded.ttfb] {
            average.fade(kept);
        }
        let gone = 1.0 - kept;
        faded.rate.add(lent.rate, gone * LENT_SECONDS, RATE_HALF_LIVES);
        // As after a first sample.
        faded.deviation.add(lent.rate / 2.0, gone * LENT_SECONDS, RATE_HALF_LIVES);
        if let Some(ttfb) = lent.ttfb {
            faded.ttfb.add(ttfb, gone * LENT_TRANSFERS, TTFB_HALF_LIVES);
        }
        faded.walk.fade(kept, &lent.walk);
        faded
    }

    /// What is believed, where anything is; `assumed` stands in for it, in bits a second.
    pub(crate) fn estimate(&self, assumed: Option<f64>, samples: u32, recent: Option<Recent>) -> Option<Estimate> {
        let ttfb = Duration::try_from_secs_f64(self.ttfb.greatest().unwrap_or(0.0)).unwrap_or(Duration::ZERO);
        let estimate = |rate: f64, low: f64| Estimate {
            // To the nearest; a float-to-integer cast saturates. Nothing could not be divided by.
            bits_per_second: ((rate + 0.5) as u64).max(1),
            low: ((low + 0.5) as u64).max(1),
            ttfb,
            samples,
            forecast: self.walk.log().map(|log| Forecast {
                bits_per_second: (libm::exp(log) * 1000.0) as u64,
                typical_error_milli: (self.walk.typical_error() * 1000.0) as u32,
            }),
            recent,
        };
        if let Some(rate) = self.rate.least() {
            let deviation = self.deviation.greatest().unwrap_or(rate / 2.0);
            return Some(estimate(rate, (rate - deviation).max(rate / 4.0)));
        }
        let rate = self.unsure.least().or(assumed)?;
        Some(estimate(rate, rate / 2.0))
    }
}

/// Two bias-corrected exponential averages of one quantity.
#[derive(Clone, Copy, Debug, Default)]
struct DualAverage {
    fast: Average,
    slow: Average,
}

impl DualAverage {
    fn add(&mut self, value: f64, weight: f64, half_lives: (f64, f64)) {
        self.fast.add(value, weight, half_lives.0);
        self.slow.add(value, weight, half_lives.1);
    }

    fn fade(&mut self, kept: f64) {
        self.fast.fade(kept);
        self.slow.fade(kept);
    }

    fn least(&self) -> Option<f64> {
        Some(self.fast.value()?.min(self.slow.value()?))
    }

    fn greatest(&self) -> Option<f64> {
        Some(self.fast.value()?.max(self.slow.value()?))
    }
}

/// `e = a·e + (1 - a)·x` with `a = 0.5^(weight / half-life)`, started at zero and divided by the
/// share of it that is not that zero.
#[derive(Clone, Copy, Debug, Default)]
struct Average {
    sum: f64,
    /// What a constant value of one would have given.
    known: f64,
}

impl Average {
    fn add(&mut self, value: f64, weight: f64, half_life: f64) {
        let keep = libm::exp2(-weight / half_life);
        self.sum = keep * self.sum + (1.0 - keep) * value;
        self.known = keep * self.known + (1.0 - keep);
    }

    /// The same value, of which less is known.
    fn fade(&mut self, kept: f64) {
        self.sum *= kept;
        self.known *= kept;
    }

    fn value(&self) -> Option<f64> {
        (self.known > 0.0).then(|| self.sum / self.known)
    }
}
