//! The law of speed.

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

use super::range::{Range, NORMAL};
use super::reading::Reading;
use super::reason::LiveReason;
use super::seeks::{Seeks, Verdict};
use super::target::LEAST_ROOM;
use super::{LiveContext, LiveState, MaxLatency, SpeedAction, SpeedChoice, SpeedControl};
use crate::rule::millis;

/// Thousandths of speed for each second of error (abr.md 2.8, Media3's): an error that no bound
/// holds up is gone to a third every ten seconds.
const GAIN: f64 = 100.0;
/// Errors up to this share of the target are none in low latency...
const BAND_SHARE: f64 = 0.04;
/// ... within these bounds, in seconds;
const NARROW_BAND: f64 = 0.05;
const BAND_LOW_LATENCY: f64 = 0.12;
/// up to this otherwise, and where speed has steps.
const BAND: f64 = 0.3;
const BAND_OF_STEPS: f64 = 0.4;
/// So much of the clock's uncertainty is none either, up to a limit in seconds: its corrections are
/// no reason to chase them.
const UNSURE_SHARE: f64 = 0.25;
const UNSURE_BAND: f64 = 0.2;
/// A course ends so near to the target, in seconds.
const ARRIVED: f64 = 0.02;
/// What a publisher's jitter may keep from coming in time.
const JITTER: MediaTime = MediaTime::from_millis(300);
/// A buffer that was too short counts as that for so long: between one part and the next it swings.
const SCARCE: Duration = Duration::from_secs(5);
/// Above what the buffer needs, this much more is aimed at by sparing it.
const SPARED: MediaTime = MediaTime::from_millis(200);
/// A smooth speed stays for so long at least, one with steps for longer: each change may be heard.
const SMOOTH_STAYS: Duration = Duration::from_secs(1);
const STEP_STAYS: Duration = Duration::from_secs(5);
/// From faster than normal to slower or back there are so many seconds at least: no more than two
/// turns in any minute.
const TURN: Duration = Duration::from_secs(31);
/// Where nobody gives a bound, what is later than the target by the target or by this much, whichever is more, is made
/// good by a seek: of low latency (three seconds take 100 at 3 %),
const LATE_LOW_LATENCY: MediaTime = MediaTime::from_secs(3);
/// otherwise where speed cannot make it good,
const LATE_AT_ONE_SPEED: MediaTime = MediaTime::from_secs(5);
/// and otherwise.
const LATE: MediaTime = MediaTime::from_secs(10);
/// What speed makes good in so long needs no seek, wherever nobody gives a bound.
const PATIENCE: Duration = Duration::from_secs(60);
/// Latencies beyond this are no latencies, in seconds.
const ABSURD: f64 = 1e6;

/// Steers by speed within narrow bounds, and by a seek only beyond the greatest latency.
///
/// - *Readings* of the latency are averaged over half a minute, after what the speed itself did to
///   it: jitter of ±0.3 s from segment to segment does not reach the speed, and a change of speed is
///   known at once. Readings that are far off for seconds are believed.
/// - *Dead band*: within 4 % of the target, ±0.05 s to ±0.12 s (±0.3 s where latency is not low,
///   ±0.4 s where speed has steps, up to ±0.2 s where the clock is unsure), speed is normal. Beyond
///   it a course is set, and it ends at the middle of the band, so that noise at its edge does
///   nothing. Between a course and the opposite one there are 31 s.
/// - *Proportional*: a tenth of the error each second, within the bounds (±3 % unless the manifest or
///   the application says otherwise), in steps of half a percent, at most once a second.
/// - *Faster* only while the buffer holds more than what becomes available at once and the jitter, at
///   most half of the target. *Slower* where the playhead is too near to the edge, or the buffer is
///   about to run out and the playhead is not late; not where the buffer is as long as the target,
///   since the edge is then not what limits it.
/// - *Seeks* beyond the greatest latency, when it lasts for two seconds, with growing pauses; after
///   three that did not help none any more. Where nobody gave a bound, it is the target and as much
///   again: 3 s at least of low latency, otherwise 10 s, or 5 s where no speed makes good anything;
///   and no less than speed makes good in a minute.
///   The moment at which playback goes on after a stall is as good: what an outage left behind is not
///   shown first. Not where the line is slower than what is watched,
///   unless the application gave a bound.
/// - While playback does not run, speed is normal and all readings are forgotten.
#[derive(Clone, Debug)]
pub struct LatencyControl {
    reading: Reading,
    course: Course,
    rate: u32,
    changed: Option<Timestamp>,
    /// When a course that was not normal ended or went on last.
    turned: Option<(Course, Timestamp)>,
    /// When the buffer was too short last.
    scarce: Option<Timestamp>,
    seeks: Seeks,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Hold,
    CatchUp,
    FallBack,
    Spare,
}

impl Course {
    fn is_faster(self) -> bool {
        self == Self::CatchUp
    }
}

/// What one question comes to, in seconds.
struct Situation<'a> {
    latency: f64,
    target: f64,
    /// By how much the playhead is late.
    error: f64,
    band: f64,
    buffer: MediaTime,
    /// What the buffer should hold.
    least: MediaTime,
    scarce: bool,
    /// The buffer is shorter than the target, as at a true edge it must be.
    at_edge: bool,
    range: Range<'a>,
}

impl Situation<'_> {
    fn latency_ms(&self) -> i64 {
        millis(self.latency)
    }

    fn target_ms(&self) -> i64 {
        millis(self.target)
    }
}

impl LatencyControl {
    /// The law at the start of a session.
    pub fn new() -> Self {
        Self {
            reading: Reading::default(),
            course: Course::Hold,
            rate: NORMAL,
            changed: None,
            turned: None,
            scarce: None,
            seeks: Seeks::default(),
        }
    }

    fn situation<'a>(&mut self, ctx: &LiveContext<'a>) -> Situation<'a> {
        let range = Range::new(ctx.bounds, ctx.speeds);
        let uncertainty = seconds(ctx.uncertainty).abs();
        let rate = f64::from(ctx.rate_milli) / f64::from(NORMAL);
        let latency = self.reading.update(ctx.now, seconds(ctx.latency), uncertainty, rate);
        let target = seconds(ctx.target.max(MediaTime::ZERO));
        let band = match (range.is_stepped(), ctx.low_latency) {
            (true, _) => BAND_OF_STEPS,
            (false, true) => (target * BAND_SHARE).clamp(NARROW_BAND, BAND_LOW_LATENCY),
            (false, false) => BAND,
        };
        let half = ctx.target.max(MediaTime::ZERO).mul_ratio(1, 2);
        let least = (ctx.granularity.max(MediaTime::ZERO) + JITTER).min(half);
        if ctx.buffer < least {
            self.scarce = Some(ctx.now);
        }
        Situation {
            latency,
            target,
            error: latency - target,
            band: band.max((uncertainty * UNSURE_SHARE).min(UNSURE_BAND)),
            buffer: ctx.buffer,
            least,
            scarce: self.scarce.is_some_and(|at| ctx.now.since(at) < SCARCE),
            at_edge: ctx.buffer < ctx.target,
            range,
        }
    }

    /// Whether to seek; also what keeps from it.
    fn seek(&mut self, ctx: &LiveContext<'_>, now: &Situation<'_>) -> (bool, Vec<LiveReason>) {
        // A bound at the target itself would be passed by every jitter.
        let max =
            ctx.max_latency.map_or_else(|| usual_bound(ctx, &now.range), MaxLatency::time).max(ctx.target + LEAST_ROOM);
        if now.latency <= seconds(max) {
            self.seeks.within(ctx.now);
            return (false, Vec::new());
        }
        let late = LiveReason::TooLate { latency_ms: now.latency_ms(), max_ms: max.as_millis() };
        if !ctx.keeps_up && !matches!(ctx.max_latency, Some(MaxLatency::Wanted(_))) {
            return (false, vec![late, LiveReason::LineTooSlow]);
        }
        match self.seeks.beyond(ctx.now, ctx.state == LiveState::Resuming) {
            Verdict::Now => (true, vec![late]),
            Verdict::Watching => (false, Vec::new()),
            Verdict::After(wait) => (false, vec![late, LiveReason::SoughtLately { wait_ms: wait.as_millis() as i64 }]),
            Verdict::InVain(seeks) => (false, vec![late, LiveReason::SeeksDoNotHelp { seeks }]),
        }
    }

    /// What to do, and what keeps from doing more.
    fn choose_course(&self, at: Timestamp, now: &Situation<'_>) -> (Course, Option<LiveReason>) {
        let goes_on = match self.course {
            Course::Hold => false,
            Course::CatchUp => now.error > ARRIVED && !now.scarce && now.range.can_go_faster(),
            Course::FallBack => now.error < -ARRIVED && now.at_edge && now.range.can_go_slower(),
            // It may make the playhead late, but not so late that it had to catch up again.
            Course::Spare => now.scarce && now.error < now.band / 2.0 && now.range.can_go_slower(),
        };
        if goes_on {
            return (self.course, None);
        }
        let (buffer_ms, least_ms) = (now.buffer.as_millis(), now.least.as_millis());
        let course = if now.error > now.band {
            if now.scarce {
                return (Course::Hold, Some(LiveReason::BufferTooShort { buffer_ms, least_ms }));
            }
            if !now.range.can_go_faster() {
                return (Course::Hold, Some(LiveReason::NoSuchSpeed));
            }
            Course::CatchUp
        } else if now.error < -now.band {
            if !now.at_edge {
                return (Course::Hold, Some(LiveReason::BufferLongEnough { buffer_ms }));
            }
            Course::FallBack
        } else if now.scarce && now.error <= 0.0 {
            Course::Spare
        } else {
            return (Course::Hold, None);
        };
        if !course.is_faster() && !now.range.can_go_slower() {
            return (Course::Hold, Some(LiveReason::NoSuchSpeed));
        }
        let opposite = self.turned.filter(|(last, _)| last.is_faster() != course.is_faster());
        if let Some((_, since)) = opposite {
            let left = TURN.saturating_sub(at.since(since));
            if !left.is_zero() {
                return (Course::Hold, Some(LiveReason::TurnedLately { wait_ms: left.as_millis() as i64 }));
            }
        }
        (course, None)
    }

    /// The speed of a course.
    fn rate_of(&self, course: Course, now: &Situation<'_>) -> u32 {
        let by = |error: f64| (error * GAIN).clamp(0.0, f64::from(NORMAL)) as u32;
        match course {
            Course::Hold => NORMAL,
            Course::CatchUp => now.range.faster(by(now.error), self.rate),
            Course::FallBack => now.range.slower(by(-now.error), self.rate),
            // As if the missing buffer were missing latency: that is what it becomes.
            Course::Spare => now.range.slower(by(seconds(now.least + SPARED - now.buffer)), self.rate),
        }
    }

    fn set_rate(&mut self, at: Timestamp, course: Course, rate: u32, range: &Range<'_>) {
        let stays = if range.is_stepped() { STEP_STAYS } else { SMOOTH_STAYS };
        let lately = self.changed.is_some_and(|changed| at.since(changed) < stays);
        // Normal speed, and the start of a course, wait for nothing.
        if rate != self.rate && (course == Course::Hold || course != self.course || !lately || !range.allows(self.rate))
        {
            self.rate = rate;
            self.changed = Some(at);
        }
        self.course = course;
        if course != Course::Hold {
            self.turned = Some((course, at));
        }
    }

    fn stand(&mut self) {
        self.reading = Reading::default();
        self.course = Course::Hold;
        self.rate = NORMAL;
        self.changed = None;
        self.scarce = None;
    }
}

impl Default for LatencyControl {
    fn default() -> Self {
        Self::new()
    }
}

impl SpeedControl for LatencyControl {
    fn name(&self) -> &'static str {
        "latency-control"
    }

    fn decide(&mut self, ctx: &LiveContext<'_>) -> SpeedChoice {
        if ctx.state == LiveState::Resuming {
            // What an outage left behind is old by now: it is not shown for a moment and then left.
            self.stand();
            let now = self.situation(ctx);
            let (seek, mut reasons) = self.seek(ctx, &now);
            self.stand();
            self.scarce = Some(ctx.now);
            if reasons.is_empty() {
                reasons.push(LiveReason::NotPlaying);
            }
            let action = if seek { SpeedAction::SeekToTarget } else { SpeedAction::Rate(NORMAL) };
            return SpeedChoice { action, reasons };
        }
        if ctx.state != LiveState::Playing {
            self.stand();
            self.seeks.interrupt();
            // Who has just stood for want of media does not hurry.
            self.scarce = (ctx.state == LiveState::Rebuffering).then_some(ctx.now);
            return SpeedChoice { action: SpeedAction::Rate(NORMAL), reasons: vec![LiveReason::NotPlaying] };
        }
        let now = self.situation(ctx);
        let (seek, mut reasons) = self.seek(ctx, &now);
        if seek {
            self.stand();
            return SpeedChoice { action: SpeedAction::SeekToTarget, reasons };
        }
        let (course, held) = self.choose_course(ctx.now, &now);
        let rate = self.rate_of(course, &now);
        self.set_rate(ctx.now, course, rate, &now.range);
        let (latency_ms, target_ms) = (now.latency_ms(), now.target_ms());
        reasons.push(match course {
            Course::CatchUp => LiveReason::CatchingUp { latency_ms, target_ms },
            Course::FallBack => LiveReason::FallingBack { latency_ms, target_ms },
            Course::Spare => {
                LiveReason::SparingBuffer { buffer_ms: now.buffer.as_millis(), least_ms: now.least.as_millis() }
            }
            Course::Hold => held.unwrap_or(LiveReason::OnTarget { latency_ms, target_ms }),
        });
        SpeedChoice { action: SpeedAction::Rate(self.rate), reasons }
    }

    fn on_jump(&mut self) {
        self.reading = Reading::default();
        self.seeks.interrupt();
    }
}

/// The greatest latency where nobody says one.
fn usual_bound(ctx: &LiveContext<'_>, range: &Range<'_>) -> MediaTime {
    let least = match (ctx.low_latency, range.can_go_faster()) {
        (true, _) => LATE_LOW_LATENCY,
        (false, false) => LATE_AT_ONE_SPEED,
        (false, true) => LATE,
    };
    let target = ctx.target.max(MediaTime::ZERO);
    let made_good = MediaTime::from_duration(PATIENCE).mul_ratio(i64::from(range.most() - NORMAL), i64::from(NORMAL));
    // What the clock may be wrong by is no lateness.
    target + target.max(least).max(made_good) + ctx.uncertainty.max(MediaTime::ZERO)
}

/// Seconds within reason.
fn seconds(time: MediaTime) -> f64 {
    time.as_secs_f64().clamp(-ABSURD, ABSURD)
}
