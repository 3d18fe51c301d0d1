//! What a network gives over time: steps of rate and latency, and a share of lost packets.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use telecine_model::{Error, ErrorCode, Place, Timestamp};

/// Loss in parts of this.
pub(crate) const PARTS_PER_MILLION: u32 = 1_000_000;

/// One stretch of a network's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long it lasts.
    pub duration: Duration,
    /// Bits a second that all transfers together get. Zero is an outage.
    pub bits_per_second: u64,
    /// From a request to the first byte of its answer.
    pub latency: Duration,
}

/// A network over time. Traces start over when they end.
///
/// ```
/// use telecine_virtual::Network;
///
/// let lab: Network = "rate=3Mbps,rtt=80ms,loss=0.1%".parse()?;
/// let bus = Network::from_trace(r#"[{"duration_ms": 1001, "bandwidth_kbps": 1727, "latency_ms": 100}]"#)?;
/// assert_eq!(lab.steps()[0].bits_per_second, 3_000_000);
/// assert_eq!(bus.steps()[0].bits_per_second, 1_727_000);
/// # Ok::<(), telecine_model::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    steps: Vec<Step>,
    /// End of each step in microseconds from the start of the trace.
    ends: Vec<u64>,
    loss_ppm: u32,
}

impl Default for Network {
    /// 10 Mbit/s, 40 ms, nothing lost.
    fn default() -> Self {
        Self::constant(10_000_000, Duration::from_millis(40))
    }
}

impl Network {
    /// The same rate and latency for ever.
    pub fn constant(bits_per_second: u64, latency: Duration) -> Self {
        Self {
            steps: vec![Step { duration: Duration::MAX, bits_per_second, latency }],
            ends: vec![u64::MAX],
            loss_ppm: 0,
        }
    }

    /// Rates that change over time. Steps without a duration are left out.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] if no step has a duration.
    pub fn from_steps(steps: impl IntoIterator<Item = Step>) -> Result<Self, Error> {
        let steps: Vec<Step> = steps.into_iter().filter(|step| step.duration.as_micros() > 0).collect();
        if steps.is_empty() {
            return Err(Error::new(ErrorCode::InvalidArgument, "a trace needs a step with a duration"));
        }
        let mut end = 0u64;
        let ends = steps.iter().map(|step| {
            end = end.saturating_add(micros(step.duration));
            end
        });
        Ok(Self { ends: ends.collect(), steps, loss_ppm: 0 })
    }

    /// Reads a trace: a JSON list of `{"duration_ms", "bandwidth_kbps", "latency_ms"}`, the form in
    /// which the published 3G, 4G and fixed-line traces come. Decimals are read exactly, down to
    /// the microsecond and the bit.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] with the place of what cannot be read.
    pub fn from_trace(json: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Entry<'a> {
            #[serde(borrow)]
            duration_ms: &'a RawValue,
            #[serde(borrow)]
            bandwidth_kbps: &'a RawValue,
            #[serde(borrow)]
            latency_ms: Option<&'a RawValue>,
        }
        let entries: Vec<Entry<'_>> = serde_json::from_str(json).map_err(|error| {
            Error::new(ErrorCode::InvalidArgument, format!("not a network trace: {error}"))
                .at(Place::Line(error.line() as u64))
        })?;
        let line_of = |part: &RawValue| {
            let offset = part.get().as_ptr().addr().saturating_sub(json.as_ptr().addr());
            1 + json.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() as u64
        };
        let step = |entry: &Entry<'_>| {
            let thousandths = |value: &RawValue| {
                decimal(value.get(), 1000).ok_or_else(|| {
                    let message = format!("{value} is not a decimal number that fits");
                    Error::new(ErrorCode::InvalidArgument, message).at(Place::Line(line_of(value)))
                })
            };
            Ok(Step {
                duration: Duration::from_micros(thousandths(entry.duration_ms)?),
                bits_per_second: thousandths(entry.bandwidth_kbps)?,
                latency: Duration::from_micros(entry.latency_ms.map_or(Ok(0), thousandths)?),
            })
        };
        Self::from_steps(entries.iter().map(step).collect::<Result<Vec<_>, Error>>()?)
    }

    /// Loses this many packets in a million: each loss holds a transfer up for a round trip.
    #[must_use]
    pub fn with_loss_ppm(mut self, loss_ppm: u32) -> Self {
        self.loss_ppm = loss_ppm.min(PARTS_PER_MILLION);
        self
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Packets lost in a million.
    pub fn loss_ppm(&self) -> u32 {
        self.loss_ppm
    }

    /// The step in force at `time`, and when it ends.
    pub fn at(&self, time: Timestamp) -> (Step, Timestamp) {
        let length = self.ends.last().copied().unwrap_or(u64::MAX).max(1);
        let round = time.as_micros() / length * length;
        let within = time.as_micros() - round;
        let index = self.ends.partition_point(|end| *end <= within).min(self.steps.len() - 1);
        (self.steps[index], Timestamp::from_micros(round.saturating_add(self.ends[index])))
    }
}

impl FromStr for Network {
    type Err = Error;

    /// Reads `rate=3Mbps,rtt=80ms,loss=0.1%`, as the deterministic origin does. Rates in `bps`, `kbps`, `Mbps` or
    /// `Gbps` (or `bit/s` …), times in `us`, `ms` or `s`, loss as a share (`0.001`) or in per cent. What is not named
    /// is that of [`Network::default`]. A rate or time without a unit is refused: tools differ by a factor of a
    /// million in what they would take it for.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut network = Self::default();
        for field in text.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            let refused = || {
                Error::new(ErrorCode::InvalidArgument, format!("'{field}' is not rate=3Mbps, rtt=80ms or loss=0.1%"))
            };
            let (name, value) = field.split_once('=').ok_or_else(refused)?;
            let value = value.trim();
            let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
            let (number, unit) = value.split_at(digits);
            let number = |scale| decimal(number, scale).ok_or_else(refused);
            let rate = |scale| number(scale).and_then(|rate| (rate > 0).then_some(rate).ok_or_else(refused));
            let bare = |unit| {
                let text = format!("'{field}' has no unit: write {field}{unit}");
                number(1).and_then(|_| Err(Error::new(ErrorCode::InvalidArgument, text)))
            };
            let step = &mut network.steps[0];
            match (name.trim(), unit.trim().to_ascii_lowercase().as_str()) {
                ("rate", "") => return bare("Mbps"),
                ("rtt", "") => return bare("ms"),
                ("rate", "bps" | "bit/s") => step.bits_per_second = rate(1)?,
                ("rate", "kbps" | "kbit/s") => step.bits_per_second = rate(1_000)?,
                ("rate", "mbps" | "mbit/s") => step.bits_per_second = rate(1_000_000)?,
                ("rate", "gbps" | "gbit/s") => step.bits_per_second = rate(1_000_000_000)?,
                ("rtt", "us") => step.latency = Duration::from_micros(number(1)?),
                ("rtt", "ms") => step.latency = Duration::from_micros(number(1_000)?),
                ("rtt", "s") => step.latency = Duration::from_micros(number(1_000_000)?),
                ("loss", "" | "%") => {
                    let scale = if unit.is_empty() { PARTS_PER_MILLION } else { PARTS_PER_MILLION / 100 };
                    let loss = u32::try_from(number(scale.into())?).ok();
                    network.loss_ppm = loss.filter(|ppm| *ppm <= PARTS_PER_MILLION).ok_or_else(refused)?;
                }
                _ => return Err(refused()),
            }
        }
        Ok(network)
    }
}

pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// A decimal number that is not negative, times a power of ten; further digits are cut off. None
/// for anything else, exponents included.
fn decimal(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') || fraction.contains('.') {
        return None;
    }
    let mut value = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut weight = scale;
    for digit in fraction.bytes() {
        weight /= 10;
        value = value.checked_add(u64::from(digit - b'0') * weight)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_exactly_and_starts_over() {
        let network = Network::from_trace(
            r#"[{"duration_ms": 1000.5, "bandwidth_kbps": 0.125, "latency_ms": 20},
                {"duration_ms": 500, "bandwidth_kbps": 24886}]"#,
        )
        .expect("a trace");
        let first = Step {
            duration: Duration::from_micros(1_000_500),
            bits_per_second: 125,
            latency: Duration::from_millis(20),
        };
        assert_eq!(network.at(Timestamp::ZERO), (first, Timestamp::from_micros(1_000_500)));
        let (second, end) = network.at(Timestamp::from_micros(1_000_500));
        assert_eq!((second.bits_per_second, end), (24_886_000, Timestamp::from_micros(1_500_500)));
        let later = Timestamp::from_micros(7 * 1_500_500);
        assert_eq!(network.at(later), (first, Timestamp::from_micros(7 * 1_500_500 + 1_000_500)));
    }

    #[test]
    fn a_trace_that_says_nothing_is_refused_with_its_place() {
        let refused = |json| Network::from_trace(json).expect_err(json);
        assert_eq!(refused("[]").code(), ErrorCode::InvalidArgument);
        assert_eq!(refused("{}").place(), Some(&Place::Line(1)));
        let negative = refused("[{\"duration_ms\": 1,\n\"bandwidth_kbps\": -3, \"latency_ms\": 1}]");
        assert_eq!(negative.place(), Some(&Place::Line(2)));
        assert!(Network::from_trace(r#"[{"duration_ms": 1e3, "bandwidth_kbps": 1}]"#).is_err());
        assert!(Network::from_trace(r#"[{"duration_ms": 0, "bandwidth_kbps": 1}]"#).is_err());
    }

    #[test]
    fn a_network_is_described_in_one_line() {
        let network: Network = "rate=2.5Mbps, rtt=80ms, loss=0.1%".parse().expect("valid");
        let expected = Network::constant(2_500_000, Duration::from_millis(80)).with_loss_ppm(1000);
        assert_eq!(network, expected);
        assert_eq!("loss=0.001,rtt=80ms,rate=2500kbps".parse(), Ok(expected.clone()));
        assert_eq!("loss=0.1%,rtt=80 ms,rate=2.5 Mbit/s".parse(), Ok(network));
        assert_eq!("".parse(), Ok(Network::default()));
        for wrong in [
            "rate",
            "rate=fast",
            "rate=0kbps",
            "rate=",
            "rtt=",
            "rate=3MB",
            "loss=2",
            "rtt=1.2.3ms",
            "speed=3",
            "rate=-1",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused_with_the_unit_that_it_probably_means() {
        for (text, advice) in [("rate=3", "write rate=3Mbps"), ("rate=3Mbps,rtt=80", "write rtt=80ms")] {
            let refused = text.parse::<Network>().expect_err(text);
            assert!(refused.to_string().contains(advice), "{refused}");
        }
    }
}
