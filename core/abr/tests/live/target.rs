//! What latency is aimed at.

use crate::edge::apart;
use telecine_abr::live::{BackingOff, LatencyTarget, LiveReason, TargetContext};
use telecine_model::MediaTime;

fn ms(ms: i64) -> MediaTime {
    MediaTime::from_millis(ms)
}

fn context() -> TargetContext {
    TargetContext { segment: ms(4000), ..TargetContext::default() }
}

#[test]
fn the_application_is_heard_before_the_manifest_and_that_before_the_hold_back() {
    let policy = BackingOff::new();
    let mut ctx = context();
    let of = |ctx: &TargetContext| policy.target(ctx).target;
    assert_eq!(of(&ctx), ms(12_000));
    ctx.hold_back = Some(ms(9000));
    assert_eq!(of(&ctx), ms(9000));
    ctx.manifest = Some(ms(3500));
    assert_eq!(of(&ctx), ms(3500));
    ctx.app = Some(ms(2000));
    assert_eq!(of(&ctx), ms(2000));
    assert_eq!(policy.target(&ctx).reasons, [LiveReason::TargetOfApp { target_ms: 2000 }]);
}

#[test]
fn what_is_allowed_bounds_what_is_wanted() {
    let policy = BackingOff::new();
    let low = TargetContext { app: Some(ms(500)), min: Some(ms(2000)), max: Some(ms(6000)), ..context() };
    assert_eq!(policy.target(&low).target, ms(2000));
    assert_eq!(policy.target(&low).reasons[0], LiveReason::RaisedToMinimum { min_ms: 2000 });
    let high = TargetContext { app: Some(ms(50_000)), ..low };
    assert_eq!(policy.target(&high).target, ms(6000));
    assert_eq!(policy.target(&high).reasons[0], LiveReason::CutToMaximum { max_ms: 6000 });
}

/// By hand: a quarter of 3 s is 0.75 s, whole for 30 s, then half of it after 60 s each, in
/// hundredths: 0.37, 0.18, 0.09, 0.04, 0.02, 0.01, nothing.
#[test]
fn a_single_stall_is_forgotten_in_a_few_minutes() {
    let mut policy = BackingOff::new();
    let at = |second| TargetContext { now: apart(second), app: Some(ms(3000)), ..context() };
    policy.on_stall(&at(100));
    let extra = |second| policy.target(&at(second)).extra.as_millis();
    assert_eq!([extra(100), extra(130), extra(190), extra(250)], [750, 750, 370, 180]);
    assert_eq!([extra(310), extra(370), extra(430), extra(490), extra(550)], [90, 40, 20, 10, 0]);
    assert_eq!(policy.target(&at(190)).reasons[0], LiveReason::BackedOff { extra_ms: 370 });
}

#[test]
fn stalls_add_up_to_a_bound() {
    let mut policy = BackingOff::new();
    let at = |second| TargetContext { now: apart(second), app: Some(ms(3000)), ..context() };
    policy.on_stall(&at(0));
    policy.on_stall(&at(2));
    assert_eq!(policy.target(&at(3)).target, ms(3750), "so soon it is the same stall");
    for round in 1..20 {
        policy.on_stall(&at(round * 10));
    }
    assert_eq!(policy.target(&at(200)).target, ms(7000));
    let bounded = TargetContext { max: Some(ms(5000)), ..at(200) };
    assert_eq!(policy.target(&bounded).target, ms(4500), "there stays room below the bound");
    assert_eq!(policy.target(&at(3600)).target, ms(3000));
}

#[test]
fn a_stall_each_minute_keeps_the_target_where_time_takes_what_stalls_add() {
    let mut policy = BackingOff::new();
    let at = |second| TargetContext { now: apart(second), app: Some(ms(4000)), ..context() };
    let mut extras = Vec::new();
    for minute in 0..30 {
        policy.on_stall(&at(minute * 60));
        extras.push(policy.target(&at(minute * 60)).extra.as_millis());
    }
    // x = x / sqrt 2 + 1 has x = 3.41 s.
    assert!((3300..=3450).contains(extras.last().expect("some")), "{extras:?}");
}

#[test]
fn a_stall_soon_after_another_adds_as_much_again_as_is_left() {
    let mut policy = BackingOff::new();
    let at = |second| TargetContext { now: apart(second), app: Some(ms(1000)), ..context() };
    let mut extras = Vec::new();
    for second in [0, 20, 40, 60] {
        policy.on_stall(&at(second));
        extras.push(policy.target(&at(second)).extra.as_millis());
    }
    assert_eq!(extras, [500, 1000, 2000, 4000], "up to what others call live");
}
