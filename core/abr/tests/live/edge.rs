//! A model of a live edge: an encoder whose parts become available one by one, with jitter; a
//! network that may stand; a player with a playhead, and a clock that is not quite the encoder's.

use std::time::Duration;

use telecine_abr::live::{
    LatencyTarget, LiveContext, LiveReason, LiveState, MaxLatency, RateBounds, SpeedAction, SpeedControl, Speeds,
    TargetContext, ASK_EVERY,
};
use telecine_model::rng::Rng;
use telecine_model::{MediaTime, Timestamp};

/// Steps of the model, in milliseconds.
const TICK: f64 = 50.0;

#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// Media that becomes available at once.
    pub(crate) part_ms: f64,
    /// From the end of a part to its availability at the player.
    pub(crate) delay_ms: f64,
    /// Each part is earlier or later by up to this.
    pub(crate) jitter_ms: f64,
    /// The latency is read wrong by up to this, by another value each segment.
    pub(crate) misread_ms: f64,
    pub(crate) segment_ms: f64,
    /// How much faster than wall-clock time the playhead moves.
    pub(crate) drift_ppm: f64,
    /// Nothing arrives from the first time to the second, in seconds.
    pub(crate) outages: Vec<(f64, f64)>,
    pub(crate) seed: u64,
}

impl Edge {
    /// Low latency, with the publisher's jitter and drift of abr.md scenario 13.
    pub(crate) fn low_latency(seed: u64) -> Self {
        Self {
            part_ms: 333.0,
            delay_ms: 300.0,
            jitter_ms: 300.0,
            misread_ms: 300.0,
            segment_ms: 2000.0,
            drift_ppm: 100.0,
            outages: Vec::new(),
            seed,
        }
    }

    /// Nothing but an encoder and a clock that are right.
    pub(crate) fn plain() -> Self {
        Self { jitter_ms: 0.0, misread_ms: 0.0, drift_ppm: 0.0, ..Self::low_latency(1) }
    }

    fn noise(&self, of: u64, index: i64) -> f64 {
        let mut rng = Rng::new(self.seed ^ (of << 32) ^ (index as u64));
        rng.below(2001) as f64 / 1000.0 - 1.0
    }

    /// When a part is there, in milliseconds.
    fn available(&self, part: i64) -> f64 {
        let at = (part + 1) as f64 * self.part_ms + self.delay_ms + self.jitter_ms * self.noise(1, part);
        let within = |(from, to): &&(f64, f64)| (from * 1000.0..to * 1000.0).contains(&at);
        self.outages.iter().find(within).map_or(at, |(_, to)| to * 1000.0)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Viewing<'a> {
    pub(crate) seconds: u64,
    pub(crate) wanted: MediaTime,
    pub(crate) max: Option<MediaTime>,
    /// Latency at the start beyond what is wanted.
    pub(crate) late_ms: f64,
    pub(crate) bounds: RateBounds,
    pub(crate) speeds: Speeds<'a>,
    pub(crate) low_latency: bool,
    pub(crate) uncertainty: MediaTime,
}

impl Viewing<'_> {
    pub(crate) fn low_latency(seconds: u64) -> Self {
        Self {
            seconds,
            wanted: MediaTime::from_secs(3),
            max: None,
            late_ms: 0.0,
            bounds: RateBounds::default(),
            speeds: Speeds::Smooth,
            low_latency: true,
            uncertainty: MediaTime::from_millis(20),
        }
    }
}

/// What came of it. Times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    /// Each half second while it played: when, the true latency, and the target.
    pub(crate) latency: Vec<(f64, f64, f64)>,
    /// Each change of speed.
    pub(crate) rates: Vec<(f64, u32)>,
    pub(crate) seeks: Vec<f64>,
    /// Start and end of each stall.
    pub(crate) stalls: Vec<(f64, f64)>,
    pub(crate) reasons: Vec<LiveReason>,
}

impl Report {
    /// Changes between faster and slower than normal, whatever was between.
    pub(crate) fn turns(&self) -> Vec<f64> {
        let moving: Vec<&(f64, u32)> = self.rates.iter().filter(|(_, rate)| *rate != 1000).collect();
        moving.windows(2).filter(|pair| (pair[0].1 > 1000) != (pair[1].1 > 1000)).map(|pair| pair[1].0).collect()
    }

    /// Changes of the sign of speed minus one, where zero is a sign too.
    pub(crate) fn sign_changes(&self) -> Vec<f64> {
        let sign = |rate: u32| rate.cmp(&1000);
        let rates: Vec<(f64, u32)> = [(0.0, 1000)].iter().chain(&self.rates).copied().collect();
        rates.windows(2).filter(|pair| sign(pair[0].1) != sign(pair[1].1)).map(|pair| pair[1].0).collect()
    }

    /// Most of these in any time of so many seconds.
    pub(crate) fn most_within(times: &[f64], seconds: f64) -> usize {
        let count = |from: f64| times.iter().filter(|at| (from..from + seconds).contains(*at)).count();
        times.iter().map(|at| count(*at)).max().unwrap_or(0)
    }

    /// By how much the playhead was late at the worst twentieth of the times from `from` on.
    pub(crate) fn p95_late(&self, from: f64) -> f64 {
        let mut late: Vec<f64> =
            self.latency.iter().filter(|(at, ..)| *at >= from).map(|(_, l, target)| l - target).collect();
        late.sort_by(f64::total_cmp);
        late[late.len() * 95 / 100]
    }

    /// The largest distance from the target between two times.
    pub(crate) fn worst(&self, from: f64, to: f64) -> f64 {
        let within = self.latency.iter().filter(|(at, ..)| (from..to).contains(at));
        within.map(|(_, latency, target)| (latency - target).abs()).fold(0.0, f64::max)
    }
}

fn ms(ms: f64) -> MediaTime {
    MediaTime::from_secs_f64(ms / 1000.0)
}

/// Watches for a while.
pub(crate) fn watch(
    control: &mut dyn SpeedControl,
    policy: &mut dyn LatencyTarget,
    edge: &Edge,
    viewing: &Viewing<'_>,
) -> Report {
    let mut report = Report::default();
    // The programme has run for a minute.
    let start = 60_000.0;
    let wanted = viewing.wanted.as_secs_f64() * 1000.0;
    let mut playhead = start - wanted - viewing.late_ms;
    // What is there of the future: parts in order, none before the one before it.
    let mut part = ((playhead / edge.part_ms) as i64 - 1).max(0);
    let mut until = part as f64 * edge.part_ms;
    let (mut rate, mut stalled, mut ask) = (1000_u32, None::<f64>, 0.0);
    let mut time = 0.0;
    while time < viewing.seconds as f64 * 1000.0 {
        let wall = start + time;
        let down = edge.outages.iter().any(|(from, to)| (from * 1000.0..to * 1000.0).contains(&wall));
        while !down && edge.available(part) <= wall {
            part += 1;
            until = part as f64 * edge.part_ms;
        }
        let buffer = until - playhead;
        let at = Timestamp::from_micros((time * 1000.0) as u64);
        let target_of = TargetContext {
            now: at,
            app: Some(viewing.wanted),
            max: viewing.max,
            segment: ms(edge.segment_ms),
            ..TargetContext::default()
        };
        match stalled {
            None if buffer <= 0.0 => {
                policy.on_stall(&target_of);
                stalled = Some(time);
            }
            Some(since) if buffer >= edge.part_ms.min(1000.0) => {
                report.stalls.push((since / 1000.0, time / 1000.0));
                stalled = None;
            }
            _ => {}
        }
        if time >= ask {
            ask += ASK_EVERY.as_secs_f64() * 1000.0;
            let latency = wall - playhead;
            let segment = (playhead / edge.segment_ms) as i64;
            let target = policy.target(&target_of).target;
            let choice = control.decide(&LiveContext {
                now: at,
                state: if stalled.is_some() { LiveState::Rebuffering } else { LiveState::Playing },
                latency: ms(latency + edge.misread_ms * edge.noise(2, segment)),
                uncertainty: viewing.uncertainty,
                target,
                max_latency: viewing.max.map(MaxLatency::Wanted),
                buffer: ms(buffer.max(0.0)),
                granularity: ms(edge.part_ms),
                rate_milli: rate,
                bounds: viewing.bounds,
                speeds: viewing.speeds,
                low_latency: viewing.low_latency,
                keeps_up: true,
            });
            assert!(!choice.reasons.is_empty());
            match choice.action {
                SpeedAction::Rate(new) => {
                    if new != rate {
                        report.rates.push((time / 1000.0, new));
                        report.reasons.extend(choice.reasons);
                    }
                    rate = new;
                }
                SpeedAction::SeekToTarget => {
                    report.seeks.push(time / 1000.0);
                    report.reasons.extend(choice.reasons);
                    playhead = wall - target.as_secs_f64() * 1000.0;
                    rate = 1000;
                }
            }
            if stalled.is_none() {
                report.latency.push((time / 1000.0, latency / 1000.0, target.as_secs_f64()));
            }
        }
        if stalled.is_none() {
            let moved = TICK * f64::from(rate) / 1000.0 * (1.0 + edge.drift_ppm / 1e6);
            playhead = (playhead + moved).min(until.max(playhead));
        }
        time += TICK;
    }
    report
}

/// A fresh control and target, watched for a while.
pub(crate) fn live(edge: &Edge, viewing: &Viewing<'_>) -> Report {
    use telecine_abr::live::{BackingOff, LatencyControl};
    watch(&mut LatencyControl::new(), &mut BackingOff::new(), edge, viewing)
}

/// A time so many seconds after the start.
pub(crate) fn apart(seconds: u64) -> Timestamp {
    Timestamp::ZERO + Duration::from_secs(seconds)
}
