//! Absurd edges: whatever is read, the answer is a speed that is allowed, and seeks end.

use proptest::prelude::*;
use std::time::Duration;
use telecine_abr::live::{
    BackingOff, LatencyControl, LatencyTarget, LiveContext, LiveReason, LiveState, MaxLatency, RateBounds, SpeedAction,
    SpeedControl, Speeds, TargetContext,
};
use telecine_model::{MediaTime, Timestamp};

fn time() -> impl Strategy<Value = MediaTime> {
    prop_oneof![
        1 => Just(MediaTime::ZERO),
        1 => Just(MediaTime::MAX),
        1 => Just(MediaTime::MIN),
        9 => (-5_000_i64..40_000).prop_map(MediaTime::from_millis),
    ]
}

fn bound() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![Just(None), (0_u32..3000).prop_map(Some), any::<u32>().prop_map(Some)]
}

#[derive(Clone, Debug)]
enum Device {
    Smooth,
    Steps(Vec<u32>),
    Fixed,
}

impl Device {
    fn speeds(&self) -> Speeds<'_> {
        match self {
            Self::Smooth => Speeds::Smooth,
            Self::Steps(steps) => Speeds::Steps(steps),
            Self::Fixed => Speeds::Fixed,
        }
    }
}

fn device() -> impl Strategy<Value = Device> {
    let step = prop_oneof![900_u32..1100, any::<u32>()];
    prop_oneof![Just(Device::Smooth), prop::collection::vec(step, 0..6).prop_map(Device::Steps), Just(Device::Fixed)]
}

#[derive(Clone, Debug)]
struct Ask {
    after_ms: u64,
    state: LiveState,
    times: (MediaTime, MediaTime, MediaTime, MediaTime, MediaTime),
    max: Option<MediaTime>,
}

fn ask() -> impl Strategy<Value = Ask> {
    let state = prop_oneof![
        12 => Just(LiveState::Playing),
        1 => Just(LiveState::Paused),
        1 => Just(LiveState::Seeking),
        1 => Just(LiveState::Rebuffering),
    ];
    let after = prop_oneof![8 => 0_u64..1000, 1 => 0_u64..100_000];
    (after, state, (time(), time(), time(), time(), time()), prop::option::of(time()))
        .prop_map(|(after_ms, state, times, max)| Ask { after_ms, state, times, max })
}

fn sign(rate: u32) -> std::cmp::Ordering {
    rate.cmp(&1000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_speed_is_allowed_and_within_reach(
        asks in prop::collection::vec(ask(), 1..200),
        device in device(),
        bounds in (bound(), bound()),
        low_latency in any::<bool>(),
    ) {
        let bounds = RateBounds { min_milli: bounds.0, max_milli: bounds.1 };
        let mut control = LatencyControl::new();
        let (mut at, mut rate, mut turns, mut seeks) = (0, 1000, Vec::new(), Vec::new());
        let mut last_sign = std::cmp::Ordering::Equal;
        for ask in asks {
            at += ask.after_ms;
            let (latency, uncertainty, target, buffer, granularity) = ask.times;
            let choice = control.decide(&LiveContext {
                now: Timestamp::from_millis(at),
                state: ask.state,
                latency,
                uncertainty,
                target,
                max_latency: ask.max.map(MaxLatency::Wanted),
                buffer,
                granularity,
                rate_milli: rate,
                bounds,
                speeds: device.speeds(),
                low_latency,
                keeps_up: true,
            });
            prop_assert!(!choice.reasons.is_empty());
            prop_assert!(choice.reasons.iter().all(|reason| !reason.to_string().is_empty()));
            match choice.action {
                SpeedAction::Rate(new) => {
                    prop_assert!(ask.state == LiveState::Playing || new == 1000);
                    if new != 1000 {
                        prop_assert!(new >= bounds.min_milli.unwrap_or(500).clamp(500, 1000));
                        prop_assert!(new <= bounds.max_milli.unwrap_or(u32::MAX).clamp(1000, 2000));
                        match &device {
                            Device::Smooth => prop_assert!(
                                (bounds.min_milli.is_some() || new >= 970) && (bounds.max_milli.is_some() || new <= 1030)
                            ),
                            Device::Steps(steps) => prop_assert!(steps.contains(&new)),
                            Device::Fixed => prop_assert!(false, "{new} on a device of one speed"),
                        }
                        if sign(new) != last_sign && last_sign != std::cmp::Ordering::Equal {
                            turns.push(at);
                        }
                        last_sign = sign(new);
                    }
                    rate = new;
                }
                SpeedAction::SeekToTarget => {
                    prop_assert!(ask.state == LiveState::Playing);
                    let is_late = matches!(choice.reasons[0], LiveReason::TooLate { .. });
                    prop_assert!(is_late);
                    seeks.push(at);
                    rate = 1000;
                }
            }
        }
        let most = |times: &[u64]| {
            times.iter().map(|from| times.iter().filter(|at| (*from..*from + 60_000).contains(at)).count()).max()
        };
        prop_assert!(most(&turns).unwrap_or(0) <= 2, "{turns:?}");
        prop_assert!(most(&seeks).unwrap_or(0) <= 3, "{seeks:?}");
    }

    /// A clock that is wrong by an hour makes every reading too late, before a seek and after it.
    #[test]
    fn seeks_that_do_not_help_end(
        late_s in 10_i64..4000,
        target_ms in 100_i64..20_000,
        every_ms in 100_u64..5000,
        seek_takes_ms in 0_u64..5000,
    ) {
        let mut control = LatencyControl::new();
        let mut seeks = 0;
        let (mut at, mut seeking_until) = (0_u64, 0_u64);
        while at < 4 * 3_600_000 {
            let state = if at < seeking_until { LiveState::Seeking } else { LiveState::Playing };
            let target = MediaTime::from_millis(target_ms);
            let choice = control.decide(&LiveContext {
                now: Timestamp::ZERO + Duration::from_millis(at),
                state,
                latency: target + MediaTime::from_secs(late_s),
                uncertainty: MediaTime::ZERO,
                target,
                max_latency: Some(MaxLatency::Wanted(target + MediaTime::from_secs(2))),
                buffer: MediaTime::from_secs(3),
                granularity: MediaTime::from_millis(500),
                rate_milli: 1000,
                bounds: RateBounds::default(),
                speeds: Speeds::Fixed,
                low_latency: true,
                keeps_up: true,
            });
            if choice.action == SpeedAction::SeekToTarget {
                seeks += 1;
                seeking_until = at + seek_takes_ms;
                control.on_jump();
            }
            at += every_ms;
        }
        prop_assert!((1..=3).contains(&seeks), "{seeks}");
    }

    #[test]
    fn a_target_is_within_what_is_allowed(
        times in (time(), time(), time()),
        options in (prop::option::of(time()), prop::option::of(time())),
        stalls in prop::collection::vec(0_u64..100_000, 0..20),
    ) {
        let (min, max) = options;
        let mut policy = BackingOff::new();
        let mut at = 0;
        for after in stalls {
            at += after;
            let ctx = TargetContext {
                now: Timestamp::from_millis(at),
                app: Some(times.0),
                manifest: Some(times.1),
                hold_back: Some(times.2),
                min,
                max,
                segment: times.0,
            };
            let before = policy.target(&ctx);
            policy.on_stall(&ctx);
            let choice = policy.target(&ctx);
            prop_assert!(choice.target >= MediaTime::ZERO && choice.target >= before.target);
            prop_assert!(choice.extra >= MediaTime::ZERO && choice.extra <= MediaTime::from_secs(10));
            let positive = |time: Option<MediaTime>| time.filter(|time| *time > MediaTime::ZERO);
            if let Some(min) = positive(min) {
                prop_assert!(choice.target >= min);
            }
            if let Some(max) = positive(max) {
                prop_assert!(choice.target <= max.max(min.unwrap_or(max)));
            }
            prop_assert!(!choice.reasons.is_empty());
        }
    }
}

#[test]
fn a_reason_survives_serialisation() {
    let reason = LiveReason::CatchingUp { latency_ms: 3450, target_ms: 3000 };
    let text = serde_json::to_string(&reason).expect("serialisable");
    assert_eq!(text, r#"{"catching_up":{"latency_ms":3450,"target_ms":3000}}"#);
    assert_eq!(serde_json::from_str::<LiveReason>(&text).expect("the same"), reason);
    assert_eq!(reason.to_string(), "3.45 s behind live is more than the target of 3.00 s");
}
