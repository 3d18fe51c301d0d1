//! How late to be.

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

use super::reason::LiveReason;

/// Segments behind the edge where nobody says anything (rfc8216bis 4.4.3.8: the default of
/// `HOLD-BACK`).
const USUAL_SEGMENTS: u32 = 3;
/// A stall adds this share of the target, within bounds.
const STEP: i64 = 4;
const STEP_AT_LEAST: MediaTime = MediaTime::from_millis(500);
const STEP_AT_MOST: MediaTime = MediaTime::from_secs(2);
/// A stall so soon after the one before adds as much again as is left of what was added: what was added was too little.
const AGAIN: Duration = Duration::from_secs(60);
/// All stalls together add no more than the target itself, within bounds: what is low latency for a line that cannot have it
/// becomes what others call live.
const EXTRA_AT_LEAST: MediaTime = MediaTime::from_secs(4);
const EXTRA_AT_MOST: MediaTime = MediaTime::from_secs(10);
/// What begins so soon after a stall began belongs to it.
const ONE_STALL: Duration = Duration::from_secs(3);
/// What was added stays whole for so long, then halves each half-life.
const KEPT: Duration = Duration::from_secs(30);
const HALF_LIFE: Duration = Duration::from_secs(60);
/// Less than this is nothing, and targets are multiples of it.
const GRAIN_MS: i64 = 10;
/// Room between the target and the greatest latency allowed.
pub(crate) const LEAST_ROOM: MediaTime = MediaTime::from_millis(500);

/// What is known of the latency that is wanted. All distances are latencies: wall-clock time
/// between the making of a picture and its showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TargetContext {
    /// Now.
    pub now: Timestamp,
    /// What the application wants.
    pub app: Option<MediaTime>,
    /// What the manifest wants (`Latency@target`).
    pub manifest: Option<MediaTime>,
    /// How far the server wants players held back (`PART-HOLD-BACK` or `HOLD-BACK`,
    /// `@suggestedPresentationDelay`), as latency: with what the end of the playlist itself lags
    /// behind the present.
    pub hold_back: Option<MediaTime>,
    /// The least latency allowed (`Latency@min`, or what the delivery needs).
    pub min: Option<MediaTime>,
    /// The greatest latency allowed (`Latency@max`, or the application's).
    pub max: Option<MediaTime>,
    /// Duration of a segment.
    pub segment: MediaTime,
}

/// The latency to aim at, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetChoice {
    /// The latency to aim at.
    pub target: MediaTime,
    /// What the stalls add to it.
    pub extra: MediaTime,
    /// Why, strongest first.
    pub reasons: Vec<LiveReason>,
}

/// Says what latency to aim at.
pub trait LatencyTarget: Send {
    /// Name for reports.
    fn name(&self) -> &'static str;

    /// The target now.
    fn target(&self, ctx: &TargetContext) -> TargetChoice;

    /// Playback stood for want of media, once for each time that it did. The wait after a start or
    /// a seek is none.
    fn on_stall(&mut self, ctx: &TargetContext);
}

/// What is asked for, and more after stalls; what stalls added goes again with time.
///
/// The base is what the application wants, else the manifest, else the hold-back, else three
/// segments; the least and the greatest latency allowed bound it. Each stall adds a quarter of the
/// base (0.5 s to 2 s), and within a minute of the one before as much again as is left of what was added.
/// The sum never exceeds the base (4 s to 10 s) nor what the greatest latency
/// leaves room for. It stays whole for 30 s after the last stall, then it halves each 60 s: five and
/// a half minutes after a single stall 3 % of it is left. Where stalls come back regularly it
/// settles where what they add is what time takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackingOff {
    /// What was added when playback stalled last.
    extra: MediaTime,
    stalled: Option<Timestamp>,
}

impl BackingOff {
    /// The policy at the start of a session.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is left of what stalls added.
    fn left(&self, now: Timestamp) -> MediaTime {
        let Some(stalled) = self.stalled else {
            return MediaTime::ZERO;
        };
        let waning = now.since(stalled).saturating_sub(KEPT).as_secs_f64();
        let share = libm::exp2(-waning / HALF_LIFE.as_secs_f64());
        let ms = (self.extra.as_millis() as f64 * share) as i64;
        MediaTime::from_millis(ms / GRAIN_MS * GRAIN_MS)
    }
}

impl LatencyTarget for BackingOff {
    fn name(&self) -> &'static str {
        "backing-off"
    }

    fn target(&self, ctx: &TargetContext) -> TargetChoice {
        let (base, mut reasons) = base(ctx);
        let extra = self.left(ctx.now).min(room(ctx, base));
        if extra > MediaTime::ZERO {
            reasons.insert(0, LiveReason::BackedOff { extra_ms: extra.as_millis() });
        }
        TargetChoice { target: base + extra, extra, reasons }
    }

    fn on_stall(&mut self, ctx: &TargetContext) {
        if self.stalled.is_some_and(|stalled| ctx.now.since(stalled) < ONE_STALL) {
            return;
        }
        let (base, _) = base(ctx);
        let step = base.mul_ratio(1, STEP).clamp(STEP_AT_LEAST, STEP_AT_MOST);
        let left = self.left(ctx.now);
        let again = self.stalled.is_some_and(|stalled| ctx.now.since(stalled) < AGAIN);
        let step = if again { step.max(left) } else { step };
        self.extra = (left + step).min(room(ctx, base));
        self.stalled = Some(ctx.now);
    }
}

/// What is asked for, within what is allowed.
fn base(ctx: &TargetContext) -> (MediaTime, Vec<LiveReason>) {
    let asked = |time: Option<MediaTime>| time.filter(|time| *time > MediaTime::ZERO);
    let (mut target, reason) = if let Some(target) = asked(ctx.app) {
        (target, LiveReason::TargetOfApp { target_ms: target.as_millis() })
    } else if let Some(target) = asked(ctx.manifest) {
        (target, LiveReason::TargetOfManifest { target_ms: target.as_millis() })
    } else if let Some(target) = asked(ctx.hold_back) {
        (target, LiveReason::TargetOfHoldBack { target_ms: target.as_millis() })
    } else {
        let target = ctx.segment.max(MediaTime::ZERO).mul_ratio(i64::from(USUAL_SEGMENTS), 1);
        (target, LiveReason::TargetOfSegments { target_ms: target.as_millis(), segments: USUAL_SEGMENTS })
    };
    let mut reasons = vec![reason];
    if let Some(max) = asked(ctx.max).filter(|max| *max < target) {
        target = max;
        reasons.insert(0, LiveReason::CutToMaximum { max_ms: max.as_millis() });
    }
    // What delivery needs is stronger than what anybody wants.
    if let Some(min) = asked(ctx.min).filter(|min| *min > target) {
        target = min;
        reasons.insert(0, LiveReason::RaisedToMinimum { min_ms: min.as_millis() });
    }
    (target, reasons)
}

/// What stalls may add in all.
fn room(ctx: &TargetContext, base: MediaTime) -> MediaTime {
    let most = base.clamp(EXTRA_AT_LEAST, EXTRA_AT_MOST);
    match ctx.max {
        Some(max) => most.min((max - base - LEAST_ROOM).max(MediaTime::ZERO)),
        None => most,
    }
}
