//! A throughput estimator of two exponential averages.

use std::time::Duration;

use telecine_model::Timestamp;

use crate::belief::Belief;
use crate::bursts::Bursts;
use crate::estimate::{Answer, Estimate, Estimator, TransferId, TransferSample};
use crate::hosts::{Hosts, Line};
use crate::link::{Link, Load};
use crate::recent::{RateSample, Window};
use crate::walk::{share, Heard};

/// Bodies below this tell the round trip, not the rate: they fit into the first window of TCP.
const SMALL_BYTES: u64 = 16_000;
/// So many of them in a row, and nothing else, are all that there is to learn from.
const MANY_SMALL: u32 = 8;
/// A larger body that was there sooner after its request came from a cache on the way.
const CACHE_TIME: Duration = Duration::from_millis(10);
/// Bodies take at least this long in the reckoning of unsure rates.
const SHORTEST_BODY: Duration = Duration::from_millis(5);
/// How much more a second weighs of what is held back by its source, idle time included. Players
/// live on a buffer of a few seconds there: a rate that fell has to be known in as many.
const PACED_HASTE: f64 = 3.0;
/// More idle time between samples says no more.
const PACED_SPAN: f64 = 2.0;
/// How much of a segment's word a sample from within bursts is: several come with each segment.
const BURST_SHARE: f64 = 0.2;

/// The lesser of a fast and a slow exponential average of the rate at which bodies arrive; the
/// greater of two averages of the time to first byte, kept apart (abr.md 2.3: the estimator that
/// dash.js, hls.js, Shaka and the published rules share).
///
/// - A sample weighs as much as the time that it took, so idle time does not count.
/// - Transfers at the same time are one load: each sample is the rate of *all* bytes that arrived
///   during its body, and weighs its share of that time, so that the weights add up to the union
///   of the intervals and nothing counts twice.
/// - Small bodies and cache hits are no rate samples, unless nothing better was ever seen. Where small bodies are all that comes (a low
///   level of short segments), their whole times count after a while, round trip included: the line carries that much or more.
/// - While a transfer is known to be held back by its source ([`Estimator::on_paced`]), the rate is
///   that within bursts: bytes of all transfers are summed up, over several parts if need be, and
///   the time in which the link was idle is left out. Such samples come during a transfer.
/// - Beside the averages the same samples are a walk ([`Forecast`](crate::Forecast)): where the rate is now, and how wrong the beliefs
///   before were.
/// - A paced body of which that was not known, or one that the player itself read slowly, counts only where it shows more than
///   was believed.
/// - All of that is kept for the line, and once more for each host and version of HTTP ([`Estimator::on_answer`]): of a host's transfers, beside
///   whichever others are under way. A host that nothing has come from is believed to give seven tenths of what the line
///   is known for, half way between what it does now and what it mostly does; that counts for one second of transfer,
///   so that two segments of its own leave next to nothing of it, and its doubt. What a host did is worth less when others have
///   been heard for half a minute since: half of it after two minutes more. Eight hosts are remembered.
/// - Beside the averages stands how the rate was spread of late, and when it changed ([`Recent`](crate::Recent)). With a change
///   the averages of the rate begin anew: the lesser of two is slow to come back otherwise.
#[derive(Clone, Debug, Default)]
pub struct DualEwma {
    assumed: Option<u64>,
    /// Of all transfers.
    line: Belief,
    window: Window,
    /// When a rate was measured last.
    measured: Option<Timestamp>,
    samples: u32,
    /// Small bodies since the last that was not.
    small: u32,
    hosts: Hosts,
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

    fn known(&self) -> Line<'_> {
        Line { belief: &self.line, window: &self.window, measured: self.measured }
    }

    fn hear_rate(&mut self, transfer: TransferId, sample: &RateSample) {
        let line = Line { belief: &self.line, window: &self.window, measured: self.measured };
        if let Some(host) = self.hosts.of(transfer) {
            host.hear_rate(sample, &line);
        }
        if sample.says_more_than(&self.line) {
            self.line.hear_rate(sample.rate, sample.weight, &sample.heard);
            if let Some(measured) = self.window.hear(sample) {
                self.line.begin_anew(measured);
            }
            self.measured = Some(sample.at);
            self.samples = self.samples.saturating_add(1);
        }
    }

    /// The beliefs that a transfer concerns: of the line, and of its host.
    fn beliefs(&mut self, transfer: TransferId) -> impl Iterator<Item = &mut Belief> {
        std::iter::once(&mut self.line).chain(self.hosts.of(transfer).map(|host| &mut host.belief))
    }

    fn hear_unsure(&mut self, transfer: TransferId, rate: f64, seconds: f64) {
        self.beliefs(transfer).for_each(|belief| belief.hear_unsure(rate, seconds));
    }

    fn watch_bursts(&mut self, transfer: TransferId, bytes: u64, now: Timestamp) {
        let told = self.link.told(transfer);
        let more = bytes.saturating_sub(told.unwrap_or(0));
        let shared = self.link.others(transfer).any(|other| !self.bursts.is_idle(other));
        self.bursts.heard(transfer, more, now, told.is_none(), shared);
        if let Some(sample) = self.bursts.sample() {
            let seconds = sample.span.min(PACED_SPAN);
            let heard = Heard { kbps: sample.rate / 1000.0, seconds, share: BURST_SHARE, given_up: false };
            let weight = PACED_HASTE * seconds;
            self.hear_rate(transfer, &RateSample { rate: sample.rate, weight, heard, held_back: false, at: now });
        }
    }

    /// A body that was too small to tell the rate. Who hears nothing else would stay for ever with what it believed before, and so
    /// with segments that are small.
    fn hear_small(&mut self, sample: &TransferSample, load: &Load) {
        self.small = self.small.saturating_add(1);
        let ttfb = sample.first_byte.since(sample.started);
        let time = load.time.saturating_add(ttfb);
        if self.small < MANY_SMALL || time < CACHE_TIME || sample.flags.aborted {
            return;
        }
        let (rate, weight) = (load.bits / time.as_secs_f64(), load.weight + ttfb.as_secs_f64());
        let share = share(sample.bytes as f64 * 8.0);
        let heard = Heard { kbps: rate / 1000.0, seconds: weight, share, given_up: false };
        if self.line.rate().is_none() {
            // Averages are of what bodies alone say, as long as nothing better was seen. How sure that is only the walk tells: half way
            // between that and the least.
            let body = load.bits / load.time.max(SHORTEST_BODY).as_secs_f64();
            let between = Heard { kbps: libm::sqrt(rate * body) / 1000.0, ..heard };
            self.samples = self.samples.saturating_add(1);
            return self.beliefs(sample.id).for_each(|belief| belief.hear_of_walk(&between));
        }
        let least = RateSample { rate, weight, heard, held_back: true, at: sample.finished };
        if least.says_more_than(&self.line) {
            return self.hear_rate(sample.id, &least);
        }
        // Averages may be there before the walk is, and before it has seen how still the line is.
        self.beliefs(sample.id).filter(|belief| belief.is_below(&heard)).for_each(|belief| belief.hear_of_walk(&heard));
    }

    /// A transfer ended.
    fn take(&mut self, sample: &TransferSample) {
        if self.bursts.is_watching() {
            self.watch_bursts(sample.id, sample.bytes, sample.finished);
        }
        let watched = self.bursts.end(sample.id);
        let Some(load) = self.link.end(sample).filter(|_| sample.bytes > 0) else {
            return;
        };
        // However little comes of what the line holds up, and in however short a time: it tells what that carries.
        let small = sample.bytes < SMALL_BYTES && !load.restarted;
        let soon = !small && !load.restarted && sample.finished.since(sample.started) < CACHE_TIME;
        let cached = sample.flags.cached || soon;
        if cached {
            self.link.discount(sample.bytes);
        } else if !sample.flags.held {
            let ttfb = sample.first_byte.since(sample.started);
            self.beliefs(sample.id).for_each(|belief| belief.hear_ttfb(ttfb));
        }
        if let Some(whole) = watched {
            // What its bursts say of the link is counted already, if they say anything.
            return self.hear_unsure(sample.id, whole.rate, whole.seconds);
        }
        if small || cached || load.time.is_zero() {
            let time = load.time.max(SHORTEST_BODY).as_secs_f64();
            self.hear_unsure(sample.id, load.bits / time, time);
            if small && !cached {
                self.hear_small(sample, &load);
            }
            return;
        }
        self.small = 0;
        let rate = load.bits / load.time.as_secs_f64();
        let bits = sample.bytes as f64 * 8.0;
        let given_up = sample.flags.aborted;
        let heard = Heard { kbps: rate / 1000.0, seconds: load.weight, share: share(bits), given_up };
        let held_back = sample.flags.paced || sample.flags.limited;
        let at = sample.finished;
        self.hear_rate(sample.id, &RateSample { rate, weight: load.weight, heard, held_back, at });
    }
}

impl Estimator for DualEwma {
    fn name(&self) -> &'static str {
        "dual-ewma"
    }

    fn on_answer(&mut self, transfer: TransferId, answer: &Answer<'_>, now: Timestamp) {
        self.hosts.answered(transfer, answer, now);
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

    fn on_late(&mut self, transfer: TransferId, now: Timestamp) {
        self.link.mark(transfer, now);
    }

    fn on_held_up(&mut self, transfer: TransferId) {
        self.bursts.release(transfer);
        self.link.restart(transfer);
    }

    fn on_chunk(&mut self, transfer: TransferId, end: u64) {
        if let Some(told) = self.link.told(transfer) {
            self.bursts.chunk(transfer, told > end);
        }
    }

    fn on_other_network(&mut self) {
        *self = Self { assumed: self.assumed, ..Self::default() };
    }

    fn on_transfer(&mut self, sample: &TransferSample) {
        self.take(sample);
        self.hosts.end(sample.id);
    }

    fn estimate(&self) -> Option<Estimate> {
        let assumed = self.assumed.map(|rate| rate as f64);
        self.line.estimate(assumed, self.samples, self.window.recent())
    }

    fn estimate_of(&self, asked: &str) -> Option<Estimate> {
        if self.hosts.is_empty() {
            return self.estimate();
        }
        let (belief, recent) = self.hosts.believed(asked, &self.known());
        belief.estimate(None, self.samples, recent).or_else(|| self.estimate())
    }
}
