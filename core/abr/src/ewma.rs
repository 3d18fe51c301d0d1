//! A throughput estimator of two exponential averages.

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_model::Timestamp;

use crate::bursts::Bursts;
use crate::estimate::{Estimate, Estimator, Forecast, TransferId, TransferSample};
use crate::walk::{share, Heard, Walk};

/// Bodies below this tell the round trip, not the rate: they fit into the first window of TCP.
const SMALL_BYTES: u64 = 16_000;
/// A larger body that was there sooner after its request came from a cache on the way.
const CACHE_TIME: Duration = Duration::from_millis(10);
/// Bodies take at least this long in the reckoning of unsure rates.
const SHORTEST_BODY: Duration = Duration::from_millis(5);
/// Transfers that are watched at once; beyond this the oldest is forgotten.
const MAX_FLIGHTS: usize = 64;
/// A transfer that went so long without a byte has ended, even if nobody said so.
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// Half-lives of the rate, in seconds of transfer.
const RATE_HALF_LIVES: (f64, f64) = (3.0, 8.0);
/// How much more a second weighs of what is held back by its source, idle time included. Players
/// live on a buffer of a few seconds there: a rate that fell has to be known in as many.
const PACED_HASTE: f64 = 3.0;
/// More idle time between samples says no more.
const PACED_SPAN: f64 = 2.0;
/// How much of a segment's word a sample from within bursts is: several come with each segment.
const BURST_SHARE: f64 = 0.2;
/// Half-lives of the time to first byte, in transfers.
const TTFB_HALF_LIVES: (f64, f64) = (1.0, 8.0 / 3.0);

/// The lesser of a fast and a slow exponential average of the rate at which bodies arrive; the
/// greater of two averages of the time to first byte, kept apart (abr.md 2.3: the estimator that
/// dash.js, hls.js, Shaka and the published rules share).
///
/// - A sample weighs as much as the time that it took, so idle time does not count.
/// - Transfers at the same time are one load: each sample is the rate of *all* bytes that arrived
///   during its body, and weighs its share of that time, so that the weights add up to the union
///   of the intervals and nothing counts twice.
/// - Small bodies and cache hits are no rate samples, unless nothing better was ever seen.
/// - While a transfer is known to be held back by its source ([`Estimator::on_paced`]), the rate is
///   that within bursts: bytes of all transfers are summed up, over several parts if need be, and
///   the time in which the link was idle is left out. Such samples come during a transfer.
/// - Beside the averages the same samples are a walk ([`Forecast`]): where the rate is now, and how wrong the beliefs
///   before were.
/// - A paced body of which that was not known counts only where it shows more than was believed.
#[derive(Clone, Debug, Default)]
pub struct DualEwma {
    assumed: Option<u64>,
    rate: DualAverage,
    /// Of rates that may be a cache's or a burst's.
    unsure: DualAverage,
    /// Mean distance of rate samples from what was believed before them.
    deviation: DualAverage,
    /// The same samples as a walk.
    walk: Walk,
    ttfb: DualAverage,
    samples: u32,
    link: Link,
    bursts: Bursts,
}

impl DualEwma {
    /// An estimator that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// An estimator that believes in `bits_per_second` until it has measured: a default, or what
    /// an earlier session left.
    pub fn assuming(bits_per_second: u64) -> Self {
        Self { assumed: Some(bits_per_second), ..Self::default() }
    }

    fn add_rate(&mut self, rate: f64, weight: f64, heard: Heard) {
        self.walk.hear(&heard);
        if let Some(believed) = self.rate.least() {
            self.deviation.add((rate - believed).abs(), weight, RATE_HALF_LIVES);
        }
        self.rate.add(rate, weight, RATE_HALF_LIVES);
        self.samples = self.samples.saturating_add(1);
    }

    fn watch_bursts(&mut self, transfer: TransferId, bytes: u64, now: Timestamp) {
        let told = self.link.told(transfer);
        let more = bytes.saturating_sub(told.unwrap_or(0));
        let shared = self.link.others(transfer).any(|other| !self.bursts.is_idle(other));
        self.bursts.heard(transfer, more, now, told.is_none(), shared);
        if let Some(sample) = self.bursts.sample() {
            let seconds = sample.span.min(PACED_SPAN);
            let heard = Heard { kbps: sample.rate / 1000.0, seconds, share: BURST_SHARE, given_up: false };
            self.add_rate(sample.rate, PACED_HASTE * seconds, heard);
        }
    }
}

impl Estimator for DualEwma {
    fn name(&self) -> &'static str {
        "dual-ewma"
    }

    fn on_progress(&mut self, transfer: TransferId, bytes: u64, now: Timestamp) {
        if self.bursts.is_watching() {
            self.watch_bursts(transfer, bytes, now);
        }
        self.link.progress(transfer, bytes, now);
    }

    fn on_paced(&mut self, transfer: TransferId) {
        self.bursts.watch(transfer);
    }

    fn on_chunk(&mut self, transfer: TransferId, end: u64) {
        if let Some(told) = self.link.told(transfer) {
            self.bursts.chunk(transfer, told > end);
        }
    }

    fn on_transfer(&mut self, sample: &TransferSample) {
        if self.bursts.is_watching() {
            self.watch_bursts(sample.id, sample.bytes, sample.finished);
        }
        let watched = self.bursts.end(sample.id);
        let Some(load) = self.link.end(sample).filter(|_| sample.bytes > 0) else {
            return;
        };
        let small = sample.bytes < SMALL_BYTES;
        let cached = sample.flags.cached || (!small && sample.finished.since(sample.started) < CACHE_TIME);
        if cached {
            self.link.discount(sample.bytes);
        } else if !sample.flags.held {
            let ttfb = sample.first_byte.since(sample.started);
            self.ttfb.add(ttfb.as_secs_f64(), 1.0, TTFB_HALF_LIVES);
        }
        if let Some(whole) = watched {
            // What its bursts say of the link is counted already, if they say anything.
            self.unsure.add(whole.rate, whole.seconds, RATE_HALF_LIVES);
            return;
        }
        if small || cached || load.time.is_zero() {
            let time = load.time.max(SHORTEST_BODY).as_secs_f64();
            self.unsure.add(load.bits / time, time, RATE_HALF_LIVES);
            return;
        }
        let rate = load.bits / load.time.as_secs_f64();
        if !sample.flags.paced || self.rate.least().is_none_or(|believed| rate > believed) {
            let bits = sample.bytes as f64 * 8.0;
            let heard =
                Heard { kbps: rate / 1000.0, seconds: load.weight, share: share(bits), given_up: sample.flags.aborted };
            self.add_rate(rate, load.weight, heard);
        }
    }

    fn estimate(&self) -> Option<Estimate> {
        let ttfb = Duration::try_from_secs_f64(self.ttfb.greatest().unwrap_or(0.0)).unwrap_or(Duration::ZERO);
        let estimate = |rate: f64, low: f64| Estimate {
            // To the nearest; a float-to-integer cast saturates. Nothing could not be divided by.
            bits_per_second: ((rate + 0.5) as u64).max(1),
            low: ((low + 0.5) as u64).max(1),
            ttfb,
            samples: self.samples,
            forecast: self.walk.log().map(|log| Forecast {
                bits_per_second: (libm::exp(log) * 1000.0) as u64,
                typical_error_milli: (self.walk.typical_error() * 1000.0) as u32,
            }),
        };
        if let Some(rate) = self.rate.least() {
            let deviation = self.deviation.greatest().unwrap_or(rate / 2.0);
            return Some(estimate(rate, (rate - deviation).max(rate / 4.0)));
        }
        let rate = self.unsure.least().or(self.assumed.map(|rate| rate as f64))?;
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

    fn value(&self) -> Option<f64> {
        (self.known > 0.0).then(|| self.sum / self.known)
    }
}

/// What all transfers together did: two running totals, marked at each transfer's first byte.
#[derive(Clone, Debug, Default)]
struct Link {
    flights: BTreeMap<TransferId, Flight>,
    /// Bytes that arrived, of all transfers.
    bytes: u64,
    /// Seconds of transfer, each divided among those under way.
    shared: f64,
    /// Until when `shared` is reckoned.
    until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    began: Timestamp,
    seen: Timestamp,
    bytes: u64,
    bytes_mark: u64,
    shared_mark: f64,
}

/// What the link did during one body.
struct Load {
    /// Bits of all transfers that arrived in the time.
    bits: f64,
    /// The body's time from first to last byte.
    time: Duration,
    /// This transfer's share of the time, in seconds.
    weight: f64,
}

impl Link {
    /// Bytes of a transfer so far; None before its first.
    fn told(&self, id: TransferId) -> Option<u64> {
        self.flights.get(&id).map(|flight| flight.bytes)
    }

    /// The transfers under way but one.
    fn others(&self, id: TransferId) -> impl Iterator<Item = TransferId> + '_ {
        self.flights.keys().copied().filter(move |other| *other != id)
    }

    fn progress(&mut self, id: TransferId, bytes: u64, now: Timestamp) {
        self.advance(now);
        if !self.flights.contains_key(&id) && self.flights.len() >= MAX_FLIGHTS {
            self.flights.pop_first();
        }
        let flight = self.flights.entry(id).or_insert(Flight {
            began: now,
            seen: now,
            bytes: 0,
            bytes_mark: self.bytes,
            shared_mark: self.shared,
        });
        self.bytes = self.bytes.saturating_add(bytes.saturating_sub(flight.bytes));
        flight.bytes = flight.bytes.max(bytes);
        flight.seen = flight.seen.max(now);
    }

    fn end(&mut self, sample: &TransferSample) -> Option<Load> {
        self.progress(sample.id, sample.bytes, sample.finished);
        let flight = self.flights.remove(&sample.id)?;
        // Progress may have been told late, or not at all.
        let untold = flight.began.since(sample.first_byte);
        Some(Load {
            bits: self.bytes.saturating_sub(flight.bytes_mark) as f64 * 8.0,
            time: sample.finished.since(flight.began).saturating_add(untold),
            weight: self.shared - flight.shared_mark + untold.as_secs_f64(),
        })
    }

    /// Takes bytes back that the network did not carry, from the loads still open.
    fn discount(&mut self, bytes: u64) {
        for flight in self.flights.values_mut() {
            flight.bytes_mark = flight.bytes_mark.saturating_add(bytes);
        }
    }

    fn advance(&mut self, now: Timestamp) {
        let alive = |flight: &&Flight| now.since(flight.seen) < DEAD_AFTER;
        let under_way = self.flights.values().filter(alive).count();
        if under_way > 0 {
            self.shared += now.since(self.until).as_secs_f64() / under_way as f64;
        }
        self.until = self.until.max(now);
    }
}
