//! The network between the origin and its clients: a rate, a round trip, losses; constant or as a trace says.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::fault::Draws;

/// One step of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long the step lasts.
    pub duration: Duration,
    /// The rate of the bottleneck; 0 is an outage.
    pub bits_per_second: u64,
    /// The round-trip time.
    pub latency: Duration,
}

/// A network. All connections of an origin share its bottleneck.
///
/// It is written `rate=3Mbps,rtt=80ms,loss=0` (any of the three may be absent), or read from a trace file with
/// [`Network::from_json`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The steps, in order; none: as fast as the machine can.
    pub trace: Vec<Step>,
    /// Whether the trace starts again after its end; otherwise its last step stays.
    pub repeat: bool,
    /// How many of a million quanta (15 ms of the bottleneck) are lost. A lost one arrives a retransmission timeout
    /// later: 200 ms, or two round trips when that is longer.
    pub loss_per_million: u32,
}

/// Why a description of a network cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError(String);

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NetworkError {}

/// The longest step there is, and what a constant network is made of.
const DAY: Duration = Duration::from_secs(86_400);

impl Network {
    /// A network that does not shape.
    pub fn unshaped() -> Self {
        Self::default()
    }

    /// A constant rate and round trip.
    pub fn constant(bits_per_second: u64, rtt: Duration) -> Self {
        Self { trace: vec![Step { duration: DAY, bits_per_second, latency: rtt }], repeat: true, loss_per_million: 0 }
    }

    /// A trace file: a JSON list of `{"duration_ms", "bandwidth_kbps", "latency_ms"}`; it repeats.
    ///
    /// # Errors
    /// JSON of another shape, a step without duration or with a number below zero, each with its line; or a trace that
    /// never carries anything.
    pub fn from_json(json: &str) -> Result<Self, NetworkError> {
        #[derive(Deserialize)]
        struct Line {
            duration_ms: f64,
            bandwidth_kbps: f64,
            #[serde(default)]
            latency_ms: f64,
        }
        let shape = |line: usize, error: &serde_json::Error| {
            let (said, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
            let said = said.strip_suffix(&place).unwrap_or(&said);
            let form = r#"a trace is a list of {"duration_ms": …, "bandwidth_kbps": …, "latency_ms": …}"#;
            NetworkError(format!("line {line}: {said}; {form}"))
        };
        let entries: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| shape(error.line(), &error))?;
        // Casts saturate: what a step cannot be is refused.
        let micros = |ms: f64| Duration::from_micros((ms * 1000.0).round() as u64).min(DAY);
        let step = |entry: &RawValue| {
            let line = || line_of(json, entry);
            let read: Line =
                serde_json::from_str(entry.get()).map_err(|error| shape(line() + error.line() - 1, &error))?;
            let refused = |what: &str| Err(NetworkError(format!("line {}: {what}", line())));
            if read.bandwidth_kbps < 0.0 || read.latency_ms < 0.0 {
                return refused("a step has a rate or a latency below zero");
            }
            let step = Step {
                duration: micros(read.duration_ms),
                bits_per_second: (read.bandwidth_kbps * 1000.0).round() as u64,
                latency: micros(read.latency_ms),
            };
            if step.duration.is_zero() {
                return refused("a step lasts no time");
            }
            Ok(step)
        };
        let trace = entries.into_iter().map(step).collect::<Result<_, _>>()?;
        Self { trace, repeat: true, loss_per_million: 0 }.checked()
    }

    fn checked(self) -> Result<Self, NetworkError> {
        if self.trace.iter().all(|step| step.bits_per_second == 0) {
            return Err(NetworkError("the trace never carries anything".to_owned()));
        }
        Ok(self)
    }

    /// Length of the whole trace.
    fn length(&self) -> Duration {
        self.trace.iter().map(|step| step.duration).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The step at a time from the start of the trace, and how much of it is left.
    fn at(&self, time: Duration) -> Option<(Step, Duration)> {
        let length = self.length();
        let mut time = if self.repeat && !length.is_zero() {
            Duration::from_nanos((time.as_nanos() % length.as_nanos()) as u64)
        } else {
            time
        };
        for step in &self.trace {
            match time.checked_sub(step.duration) {
                Some(rest) => time = rest,
                None => return Some((*step, step.duration - time)),
            }
        }
        // Beyond the end of a trace that does not repeat.
        self.trace.last().map(|step| (*step, DAY))
    }

    /// When bytes that reach the bottleneck at `start` have passed it; `None` when they never do.
    pub(crate) fn carried(&self, start: Duration, bytes: usize) -> Option<Duration> {
        let nanos = |d: Duration| d.as_nanos();
        // In bits times nanoseconds per second, so that every division is the last one.
        let mut work = bytes as u128 * 8 * 1_000_000_000;
        let cycle: u128 = self.trace.iter().map(|s| u128::from(s.bits_per_second) * nanos(s.duration)).sum();
        let mut now = start;
        if self.repeat && cycle > 0 {
            let cycles = u32::try_from(work / cycle).unwrap_or(u32::MAX);
            work -= u128::from(cycles) * cycle;
            now += self.length().saturating_mul(cycles);
        }
        // One pass over the trace, and the rest of the step that the start was in.
        for _ in 0..=self.trace.len() + 1 {
            let (step, left) = self.at(now)?;
            let capacity = u128::from(step.bits_per_second) * nanos(left);
            if work <= capacity {
                let time = work.div_ceil(u128::from(step.bits_per_second.max(1)));
                return Some(now + Duration::from_nanos(u64::try_from(time).ok()?));
            }
            work -= capacity;
            now += left;
        }
        None
    }
}

/// The line that a part of a text begins in, from 1.
fn line_of(text: &str, part: &RawValue) -> usize {
    let offset = part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (mut rate, mut rtt, mut loss_per_million) = (None, Duration::ZERO, 0);
        for field in text.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            let bad = |what: &str| NetworkError(format!("'{field}' cannot be read: {what}"));
            let bare = |unit| NetworkError(format!("'{field}' has no unit: write {field}{unit}"));
            let (key, value) = field.split_once('=').ok_or_else(|| bad("expected rate=3Mbps, rtt=80ms or loss=1%"))?;
            let value = value.trim();
            match key.trim() {
                "rate" => {
                    let read = with_unit(value, RATES).map_err(bare)?;
                    rate =
                        Some(read.filter(|rate| *rate > 0).ok_or_else(|| bad("expected a rate above 0, like 3Mbps"))?);
                }
                "rtt" => {
                    let read = with_unit(value, TIMES).map_err(bare)?.map(Duration::from_micros);
                    rtt = read.filter(|rtt| *rtt <= DAY).ok_or_else(|| bad("expected a time, like 80ms"))?;
                }
                "loss" => {
                    loss_per_million =
                        read_loss(value).ok_or_else(|| bad("expected a share below 1, like 1% or 0.01"))?;
                }
                _ => return Err(bad("expected rate=3Mbps, rtt=80ms or loss=1%")),
            }
        }
        // A round trip alone still needs a bottleneck: ten gigabits are none on a loopback.
        let rate = rate.unwrap_or(10_000_000_000);
        if text.trim().is_empty() {
            return Ok(Self::unshaped());
        }
        Self { loss_per_million, ..Self::constant(rate, rtt) }.checked()
    }
}

/// A decimal number times a power of ten, exactly; digits below one are dropped.
fn decimal(text: &str, scale: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let kept = &fraction[..fraction.len().min(scale as usize)];
    let padding = "0".repeat(scale as usize - kept.len());
    format!("{whole}{kept}{padding}").parse().ok()
}

/// Units of rates as powers of ten of bits a second, and of times of microseconds; each set with the one that people
/// mean. Upper and lower case are the same.
struct Units {
    meant: &'static str,
    known: &'static [(&'static str, u32)],
}

const RATES: Units = Units {
    meant: "Mbps",
    known: &[
        ("gbps", 9),
        ("mbps", 6),
        ("kbps", 3),
        ("bps", 0),
        ("gbit/s", 9),
        ("mbit/s", 6),
        ("kbit/s", 3),
        ("bit/s", 0),
    ],
};
const TIMES: Units = Units { meant: "ms", known: &[("ms", 3), ("us", 0), ("s", 6)] };

/// A decimal number with its unit; `None` if it is none. A bare number is refused with the unit that it probably
/// means: tools differ by a factor of a million in what they would take it for.
fn with_unit(text: &str, units: Units) -> Result<Option<u64>, &'static str> {
    if decimal(text, 0).is_some() {
        return Err(units.meant);
    }
    let lower = text.to_ascii_lowercase();
    let mut known = units.known.iter();
    Ok(known.find_map(|(unit, scale)| decimal(lower.strip_suffix(unit)?.trim_end(), *scale)))
}

/// `1%` or `0.01`.
fn read_loss(text: &str) -> Option<u32> {
    let millionths = match text.strip_suffix('%') {
        Some(percent) => decimal(percent.trim_end(), 4)?,
        None => decimal(text, 6)?,
    };
    u32::try_from(millionths).ok().filter(|loss| *loss < 1_000_000)
}

/// What the bottleneck carries in one go.
const QUANTUM: Duration = Duration::from_millis(15);
/// How far a body that is under way may catch up after a timer that fired late. A body that begins has nothing to
/// catch up with: whatever the bottleneck did not carry before is lost, so that a rate holds from the first byte on.
const CATCH_UP: Duration = Duration::from_millis(20);
/// At least a packet, at most what a socket takes at once.
const CHUNK: std::ops::RangeInclusive<usize> = 1200..=262_144;

/// A network in use: the bottleneck that connections queue at.
///
/// Each body asks for one quantum at a time and then waits, so bodies that are under way together get equal shares.
#[derive(Debug)]
pub(crate) struct Link {
    network: Network,
    state: Mutex<State>,
}

/// Where one body is on a link: when its last quantum was due there, in time of the trace. It asked for the next one
/// then, however late it was woken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow(Option<Duration>);

#[derive(Debug)]
struct State {
    /// When the trace started: with the first use.
    epoch: Option<Instant>,
    /// When the bottleneck is free again, from the epoch.
    free: Duration,
    draws: Draws,
}

impl Link {
    /// A link, or `None` for a network that does not shape. `offset` is where in the trace it starts.
    pub(crate) fn new(network: Network, seed: u64, offset: Duration) -> Option<Self> {
        if network.trace.is_empty() {
            return None;
        }
        Some(Self { network, state: Mutex::new(State { epoch: None, free: offset, draws: Draws::new(seed) }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time of the trace.
    fn now(state: &mut State) -> Duration {
        let (now, offset) = (Instant::now(), state.free);
        // A trace that starts inside starts in the past.
        let epoch = *state.epoch.get_or_insert_with(|| now.checked_sub(offset).unwrap_or(now));
        now - epoch
    }

    fn step(&self) -> Step {
        let now = Self::now(&mut self.state());
        let step = self.network.at(now).map(|(step, _)| step);
        step.unwrap_or(Step { duration: DAY, bits_per_second: 0, latency: Duration::ZERO })
    }

    /// The round trip now.
    pub(crate) fn rtt(&self) -> Duration {
        self.step().latency
    }

    /// How many bytes to hand over in one go now.
    pub(crate) fn quantum(&self) -> usize {
        let bytes = u128::from(self.step().bits_per_second) * QUANTUM.as_micros() / 8_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(*CHUNK.start(), *CHUNK.end())
    }

    /// Waits until the bottleneck has carried so many bytes for this body.
    pub(crate) async fn carry(&self, bytes: usize, body: &mut Flow) {
        let until = {
            let mut state = self.state();
            let now = Self::now(&mut state);
            let asked = body.0.map_or(now, |due| due.clamp(now.saturating_sub(CATCH_UP), now));
            let start = state.free.max(asked);
            // What is never carried is what a very slow day looks like.
            state.free = self.network.carried(start, bytes).unwrap_or(now + DAY);
            let lost = self.network.loss_per_million > 0
                && state.draws.next() % 1_000_000 < u64::from(self.network.loss_per_million);
            let rtt = self.network.at(now).map_or(Duration::ZERO, |(step, _)| step.latency);
            let again = if lost { (rtt * 2).max(Duration::from_millis(200)) } else { Duration::ZERO };
            let due = state.free + again;
            body.0 = Some(due);
            state.epoch.map(|epoch| epoch + due)
        };
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_wrong_with_a_trace_is_told_with_its_line() {
        let good = r#"{"duration_ms": 1000, "bandwidth_kbps": 500}"#;
        for (bad, said) in [
            (r#"{"duration_ms": 0, "bandwidth_kbps": 500}"#, "line 3: a step lasts no time"),
            (r#"{"duration_ms": -5, "bandwidth_kbps": 500}"#, "line 3: a step lasts no time"),
            (r#"{"duration_ms": 5, "bandwidth_kbps": -1}"#, "line 3: a step has a rate or a latency below zero"),
            (r#"{"duration_ms": 5}"#, "line 3: missing field `bandwidth_kbps`; a trace is a list of"),
            ("{\"duration_ms\": 5,\n\"bandwidth_kbps\": \"fast\"}", "line 4: invalid type: string \"fast\""),
            ("{\"duration_ms\": 5,\n\n]", "line 5: "),
        ] {
            let refused = Network::from_json(&format!("[\n{good},\n{bad}]")).expect_err(bad).to_string();
            assert!(refused.starts_with(said) && !refused.contains("column"), "{refused}");
        }
        let silent = Network::from_json(r#"[{"duration_ms": 5, "bandwidth_kbps": 0}]"#).expect_err("silent");
        assert_eq!(silent.to_string(), "the trace never carries anything");
    }

    #[test]
    fn a_network_is_written_as_rate_round_trip_and_loss() {
        let network: Network = "rate=1.5Mbps,rtt=80ms,loss=0.5%".parse().unwrap();
        assert_eq!(network.trace[0].bits_per_second, 1_500_000);
        assert_eq!(network.trace[0].latency, ms(80));
        assert_eq!(network.loss_per_million, 5000);
        let ratio: Network = "rate=300kbps,loss=0.02".parse().unwrap();
        assert_eq!((ratio.trace[0].bits_per_second, ratio.loss_per_million), (300_000, 20_000));
        assert_eq!("".parse(), Ok(Network::unshaped()));
        for same in ["rate=3Mbps,rtt=0.08s", "rate=3mbit/s, rtt=80000us", "rate=3000 kbps,rtt=80 ms"] {
            assert_eq!(same.parse(), Ok(Network::constant(3_000_000, ms(80))), "{same}");
        }
        for bad in ["rate=0bps", "rate=3Mb", "rtt=80h", "loss=2", "loss=100%", "speed=3Mbps", "rate", "rate=-1Mbps"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused_with_what_to_write() {
        for (bare, advice) in [
            ("rate=3", "'rate=3' has no unit: write rate=3Mbps"),
            ("rate=0.5", "'rate=0.5' has no unit: write rate=0.5Mbps"),
            ("rate=3Mbps,rtt=80", "'rtt=80' has no unit: write rtt=80ms"),
        ] {
            let refused = bare.parse::<Network>().unwrap_err().to_string();
            assert_eq!(refused, advice);
        }
    }

    #[test]
    fn a_trace_file_gives_its_steps() {
        let json = r#"[{"duration_ms": 30000, "bandwidth_kbps": 5000, "latency_ms": 75},
                       {"duration_ms": 1001.5, "bandwidth_kbps": 0}]"#;
        let network = Network::from_json(json).unwrap();
        assert_eq!(network.trace[0], Step { duration: ms(30_000), bits_per_second: 5_000_000, latency: ms(75) });
        assert_eq!(network.trace[1].duration, Duration::from_micros(1_001_500));
        for bad in
            ["[]", "{}", r#"[{"duration_ms":5,"bandwidth_kbps":0}]"#, r#"[{"duration_ms":0,"bandwidth_kbps":9}]"#]
        {
            assert!(Network::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_are_carried_across_the_steps_of_a_trace() {
        let step = |duration, bits_per_second| Step { duration: ms(duration), bits_per_second, latency: ms(0) };
        let trace = vec![step(1000, 8000), step(500, 0), step(1000, 16_000)];
        let network = Network { trace, repeat: true, loss_per_million: 0 };
        assert_eq!(network.carried(ms(0), 500), Some(ms(500)));
        assert_eq!(network.carried(ms(500), 1500), Some(ms(2000)), "500 B, an outage, then 1000 B at twice the rate");
        assert_eq!(network.carried(ms(0), 30_000), Some(ms(25_000)), "ten times round: 3000 B each");
        let once = Network { repeat: false, ..network };
        assert_eq!(once.carried(ms(2000), 20_000), Some(ms(12_000)), "the last step stays");
    }

    #[tokio::test(start_paused = true)]
    async fn two_bodies_share_the_bottleneck() {
        let link = Link::new(Network::constant(8_000_000, ms(40)), 0, Duration::ZERO).unwrap();
        assert_eq!((link.quantum(), link.rtt()), (15_000, ms(40)));
        let start = Instant::now();
        let body = || async {
            let mut flow = Flow::default();
            for _ in 0..50 {
                link.carry(10_000, &mut flow).await;
            }
            start.elapsed()
        };
        let (a, b) = tokio::join!(body(), body());
        // 1 MB in all at 1 MB/s: both end within a chunk of a second.
        assert!(a >= ms(980) && b >= ms(980) && a.max(b) <= ms(1010), "{a:?} {b:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_quantum_arrives_a_timeout_later() {
        let network = Network { loss_per_million: 999_999, ..Network::constant(8_000_000, ms(150)) };
        let link = Link::new(network, 0, Duration::ZERO).unwrap();
        let start = Instant::now();
        link.carry(10_000, &mut Flow::default()).await;
        assert!((ms(310)..ms(315)).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_begins_on_an_idle_link_has_nothing_in_advance() {
        let link = Link::new(Network::constant(8_000_000, ms(0)), 0, Duration::ZERO).unwrap();
        for idle in [0, 5, 1000] {
            tokio::time::sleep(ms(idle)).await;
            let start = Instant::now();
            link.carry(10_000, &mut Flow::default()).await;
            assert_eq!(start.elapsed(), ms(10), "after {idle} ms without a body");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_was_woken_late_catches_up() {
        let link = Link::new(Network::constant(8_000_000, ms(0)), 0, Duration::ZERO).unwrap();
        let (start, mut flow) = (Instant::now(), Flow::default());
        link.carry(10_000, &mut flow).await;
        tokio::time::sleep(ms(4)).await;
        link.carry(10_000, &mut flow).await;
        assert_eq!(start.elapsed(), ms(20), "the four milliseconds are made up for");
        tokio::time::sleep(ms(500)).await;
        link.carry(10_000, &mut flow).await;
        link.carry(20_000, &mut flow).await;
        assert_eq!(start.elapsed(), ms(530), "no more than twenty of half a second are");
    }
}
