//! What the law of speed does at a live edge.

use crate::edge::{live, Edge, Report, Viewing};
use telecine_abr::live::{
    LatencyControl, LiveContext, LiveReason, LiveState, MaxLatency, RateBounds, SpeedAction, SpeedControl, Speeds,
};
use telecine_model::{MediaTime, Timestamp};

fn assert_within_three_percent(report: &Report) {
    assert!(report.rates.iter().all(|(_, rate)| (970..=1030).contains(rate)), "{:?}", report.rates);
}

/// abr.md scenario 13: a target of 3 s, publisher jitter of ±300 ms, a drift of 100 ppm, an hour.
#[test]
fn an_hour_of_jitter_and_drift_is_followed_without_nervousness() {
    for seed in 0..8 {
        for drift_ppm in [-100.0, 0.0, 100.0] {
            let edge = Edge { drift_ppm, ..Edge::low_latency(seed) };
            let report = live(&edge, &Viewing::low_latency(3600));
            let late = report.p95_late(0.0);
            assert!(late <= 0.5, "{seed} {drift_ppm}: {late}");
            assert!(report.worst(60.0, 3600.0) <= 0.2);
            assert_within_three_percent(&report);
            assert!(Report::most_within(&report.turns(), 60.0) <= 2, "{:?}", report.turns());
            assert!(Report::most_within(&report.sign_changes(), 60.0) <= 2, "{:?}", report.sign_changes());
            assert!(report.stalls.is_empty(), "{:?}", report.stalls);
            assert!(report.seeks.is_empty());
        }
    }
}

/// Speed within 3 % makes good 1.8 s in a minute at best.
#[test]
fn an_error_that_the_clamps_allow_is_gone_within_a_minute() {
    for late_ms in [-1500.0, -1000.0, -300.0, 300.0, 1000.0, 1500.0] {
        for seed in 0..8 {
            let viewing = Viewing { late_ms, ..Viewing::low_latency(180) };
            let report = live(&Edge::plain(), &viewing);
            assert!(report.worst(60.0, 180.0) <= 0.2, "{late_ms}: {}", report.worst(60.0, 180.0));
            assert_within_three_percent(&report);
            assert!(report.turns().is_empty());
            let jittery = live(&Edge { jitter_ms: 100.0, ..Edge::low_latency(seed) }, &viewing);
            assert!(jittery.worst(60.0, 180.0) <= 0.2, "{late_ms} {seed}: {}", jittery.worst(60.0, 180.0));
            assert_within_three_percent(&jittery);
        }
    }
}

#[test]
fn five_seconds_take_what_the_clamp_says_and_a_wider_one_less() {
    let max = Some(MediaTime::from_secs(20));
    let viewing = Viewing { late_ms: 5000.0, max, ..Viewing::low_latency(300) };
    let report = live(&Edge::plain(), &viewing);
    assert!(report.worst(30.0, 60.0) > 2.0);
    assert!(report.worst(190.0, 300.0) <= 0.2);
    assert!(report.seeks.is_empty());
    let bounds = RateBounds { min_milli: Some(900), max_milli: Some(1100) };
    let report = live(&Edge::plain(), &Viewing { bounds, ..viewing });
    assert!(report.worst(60.0, 300.0) <= 0.2, "{}", report.worst(60.0, 300.0));
    assert!(report.rates.iter().any(|(_, rate)| *rate == 1100));
    assert!(report.rates.iter().all(|(_, rate)| (1000..=1100).contains(rate)));
}

#[test]
fn speed_is_not_raised_where_the_buffer_cannot_afford_it() {
    // What is wanted is not to be had: parts come a second after their end.
    let edge = Edge { delay_ms: 1000.0, ..Edge::plain() };
    let viewing = Viewing { wanted: MediaTime::from_millis(1200), late_ms: 400.0, ..Viewing::low_latency(120) };
    let report = live(&edge, &viewing);
    assert!(report.stalls.is_empty(), "{:?}", report.stalls);
    assert!(report.rates.iter().all(|(_, rate)| *rate == 1000), "{:?}", report.rates);
}

/// Between one part and the next the buffer is now long enough and now not.
#[test]
fn a_buffer_that_swings_about_what_is_needed_does_not_make_speed_swing() {
    for delay_ms in [500.0, 600.0, 700.0, 800.0, 900.0] {
        let edge = Edge { delay_ms, ..Edge::plain() };
        let viewing = Viewing { wanted: MediaTime::from_millis(1200), late_ms: 400.0, ..Viewing::low_latency(300) };
        let report = live(&edge, &viewing);
        assert!(report.rates.len() <= 12, "{delay_ms}: {:?}", report.rates);
        assert!(report.stalls.is_empty(), "{:?}", report.stalls);
    }
}

#[test]
fn a_short_buffer_at_the_target_is_spared() {
    let edge = Edge { delay_ms: 800.0, ..Edge::plain() };
    let viewing = Viewing { wanted: MediaTime::from_millis(1500), late_ms: -30.0, ..Viewing::low_latency(120) };
    let report = live(&edge, &viewing);
    assert!(report.rates.iter().any(|(_, rate)| *rate < 1000), "{:?}", report.rates);
    assert!(report.reasons.iter().any(|reason| matches!(reason, LiveReason::SparingBuffer { .. })));
    assert!(report.turns().is_empty());
    assert!(report.worst(30.0, 120.0) <= 0.2);
    assert!(report.stalls.is_empty(), "{:?}", report.stalls);
}

#[test]
fn beyond_the_greatest_latency_the_playhead_moves_once() {
    let viewing = Viewing { max: Some(MediaTime::from_secs(6)), late_ms: 20_000.0, ..Viewing::low_latency(600) };
    let report = live(&Edge::low_latency(3), &viewing);
    assert_eq!(report.seeks.len(), 1);
    assert!(report.seeks[0] <= 3.0);
    assert!(report.worst(60.0, 600.0) <= 0.5);
    assert!(report.reasons.iter().any(|reason| matches!(reason, LiveReason::TooLate { max_ms: 6000, .. })));
}

/// How far beyond the target, in milliseconds, is made good by speed, and how far by a seek.
fn bound_is_between(viewing: &Viewing<'_>, within_ms: f64, beyond_ms: f64) {
    for (late_ms, seeks) in [(within_ms, 0), (beyond_ms, 1)] {
        let report = live(&Edge::plain(), &Viewing { late_ms, ..viewing.clone() });
        assert_eq!(report.seeks.len(), seeks, "{late_ms}: {viewing:?}");
        assert!(seeks == 0 || report.worst(60.0, 600.0) <= 0.2, "{late_ms}: {viewing:?}");
    }
}

#[test]
fn where_nobody_gives_a_bound_it_is_the_target_again_and_three_seconds_at_least_of_low_latency() {
    let low = |wanted| Viewing { wanted: MediaTime::from_millis(wanted), ..Viewing::low_latency(600) };
    bound_is_between(&low(1000), 2800.0, 3200.0);
    bound_is_between(&low(3000), 2800.0, 3200.0);
    bound_is_between(&low(4000), 3800.0, 4200.0);
}

#[test]
fn where_latency_is_not_low_the_bound_is_ten_seconds_further_at_least() {
    let plain =
        |wanted| Viewing { wanted: MediaTime::from_secs(wanted), low_latency: false, ..Viewing::low_latency(600) };
    bound_is_between(&plain(7), 9800.0, 10_200.0);
    bound_is_between(&plain(18), 17_800.0, 18_200.0);
}

#[test]
fn what_speed_makes_good_in_a_minute_is_not_sought() {
    let bounds = RateBounds { min_milli: None, max_milli: Some(1100) };
    // While it is watched whether that lasts, speed makes a quarter of a second good.
    bound_is_between(&Viewing { bounds, ..Viewing::low_latency(600) }, 5800.0, 6600.0);
    let steps = [1000, 1100];
    bound_is_between(&Viewing { speeds: Speeds::Steps(&steps), ..Viewing::low_latency(600) }, 5800.0, 6600.0);
}

#[test]
fn what_the_clock_may_be_wrong_by_is_no_lateness() {
    let uncertainty = MediaTime::from_secs(2);
    bound_is_between(&Viewing { uncertainty, ..Viewing::low_latency(600) }, 4800.0, 5200.0);
}

#[test]
fn a_stall_moves_the_playhead_back_and_time_moves_it_forward_again() {
    let edge = Edge { outages: vec![(120.0, 126.0)], ..Edge::low_latency(5) };
    let report = live(&edge, &Viewing::low_latency(900));
    assert_eq!(report.stalls.len(), 1, "{:?}", report.stalls);
    let target_at = |second: f64| report.latency.iter().find(|(at, ..)| *at >= second).expect("played").2;
    assert_eq!(target_at(50.0), 3.0);
    assert_eq!(target_at(70.0), 3.75);
    assert!(target_at(300.0) < 3.15);
    assert_eq!(target_at(480.0), 3.0);
    // Three seconds of stall at 3 %, then the target is followed down.
    assert!(report.worst(180.0, 900.0) <= 0.4, "{}", report.worst(180.0, 900.0));
    let last = report.latency.last().expect("played").1;
    assert!((last - 3.0).abs() <= 0.3, "{last}");
    assert!(Report::most_within(&report.turns(), 60.0) <= 2);
}

#[test]
fn a_television_with_one_step_uses_it_and_nothing_else() {
    let steps = [1000, 1050];
    let viewing = Viewing { speeds: Speeds::Steps(&steps), late_ms: 2000.0, ..Viewing::low_latency(1800) };
    for seed in 0..4 {
        let report = live(&Edge { jitter_ms: 200.0, ..Edge::low_latency(seed) }, &viewing);
        assert!(report.rates.iter().all(|(_, rate)| steps.contains(rate)));
        assert!(report.p95_late(60.0) <= 0.5);
        assert!(Report::most_within(&report.sign_changes(), 60.0) <= 2);
        assert!(report.seeks.is_empty());
        assert!(report.stalls.is_empty(), "{:?}", report.stalls);
    }
}

#[test]
fn a_device_of_one_speed_seeks_only_beyond_the_bound() {
    let fixed = Viewing { speeds: Speeds::Fixed, ..Viewing::low_latency(600) };
    bound_is_between(&fixed, 2800.0, 3200.0);
    bound_is_between(&Viewing { low_latency: false, ..fixed.clone() }, 4800.0, 5200.0);
    let viewing = Viewing { late_ms: 2800.0, ..fixed };
    let late = live(&Edge::plain(), &viewing);
    assert_eq!((late.rates.len(), late.seeks.len()), (0, 0));
    let bounded = live(&Edge::plain(), &Viewing { max: Some(MediaTime::from_secs(5)), ..viewing });
    assert_eq!((bounded.rates.len(), bounded.seeks.len()), (0, 1));
}

/// Six-second segments, a target of three of them: the buffer swings by a segment.
#[test]
fn ordinary_live_is_followed_too() {
    for seed in 0..4 {
        let edge = Edge { part_ms: 6000.0, segment_ms: 6000.0, delay_ms: 1000.0, ..Edge::low_latency(seed) };
        let wanted = MediaTime::from_secs(18);
        let viewing = Viewing { wanted, low_latency: false, late_ms: 1500.0, ..Viewing::low_latency(3600) };
        let report = live(&edge, &viewing);
        assert!(report.p95_late(60.0) <= 0.5);
        assert!(Report::most_within(&report.sign_changes(), 60.0) <= 2);
        assert_eq!((report.stalls.len(), report.seeks.len()), (0, 0));
    }
}

/// Parts of a third of a second, held back by three of them, over a network that is quick enough.
#[test]
fn a_target_of_a_second_is_kept_within_a_tenth() {
    for seed in 0..4 {
        for late_ms in [-100.0, 0.0, 100.0, 400.0] {
            let edge = Edge { jitter_ms: 30.0, misread_ms: 30.0, delay_ms: 90.0, ..Edge::low_latency(seed) };
            let viewing = Viewing { wanted: MediaTime::from_secs(1), late_ms, ..Viewing::low_latency(300) };
            let report = live(&edge, &viewing);
            let mean = report.latency.iter().map(|(_, latency, _)| latency).sum::<f64>() / report.latency.len() as f64;
            assert!(mean <= 1.1, "{seed} {late_ms}: {mean}");
            assert!(report.worst(60.0, 300.0) <= 0.1, "{}", report.worst(60.0, 300.0));
            assert!(report.stalls.is_empty(), "{:?}", report.stalls);
            assert!(Report::most_within(&report.sign_changes(), 60.0) <= 2, "{:?}", report.rates);
        }
    }
}

#[test]
fn the_same_edge_gives_the_same_speeds() {
    let edge = Edge { outages: vec![(100.0, 109.0), (200.0, 203.5)], ..Edge::low_latency(9) };
    let run = || live(&edge, &Viewing::low_latency(400));
    assert_eq!(run(), run());
}

/// What a control is asked, 12 s late where 3 s are wanted.
fn late(state: LiveState, keeps_up: bool, second: u64) -> LiveContext<'static> {
    LiveContext {
        now: Timestamp::from_millis(second * 1000),
        state,
        latency: MediaTime::from_secs(12),
        uncertainty: MediaTime::ZERO,
        target: MediaTime::from_secs(3),
        max_latency: None,
        buffer: MediaTime::from_secs(2),
        granularity: MediaTime::from_millis(400),
        rate_milli: 1000,
        bounds: RateBounds::default(),
        speeds: Speeds::Smooth,
        low_latency: true,
        keeps_up,
    }
}

#[test]
fn playback_that_stood_until_it_was_too_late_goes_on_at_the_edge_at_once() {
    let mut control = LatencyControl::new();
    assert_eq!(control.decide(&late(LiveState::Rebuffering, true, 0)).action, SpeedAction::Rate(1000));
    assert_eq!(control.decide(&late(LiveState::Resuming, true, 1)).action, SpeedAction::SeekToTarget);
}

#[test]
fn on_a_line_slower_than_what_is_watched_the_playhead_is_not_moved() {
    let mut control = LatencyControl::new();
    assert_eq!(control.decide(&late(LiveState::Resuming, false, 1)).action, SpeedAction::Rate(1000));
    for second in 2..60 {
        let choice = control.decide(&late(LiveState::Playing, false, second));
        assert_ne!(choice.action, SpeedAction::SeekToTarget);
        assert!(choice.reasons.contains(&LiveReason::LineTooSlow), "{:?}", choice.reasons);
    }
}

#[test]
fn on_a_slow_line_the_applications_bound_is_kept_and_the_titles_is_not() {
    let bound = MediaTime::from_secs(4);
    let beyond = |max| LiveContext { max_latency: Some(max), ..late(LiveState::Resuming, false, 1) };
    let asked = |max| LatencyControl::new().decide(&beyond(max)).action;
    assert_eq!(asked(MaxLatency::Advised(bound)), SpeedAction::Rate(1000));
    assert_eq!(asked(MaxLatency::Wanted(bound)), SpeedAction::SeekToTarget);
}

#[test]
fn who_has_just_stood_for_want_of_media_does_not_hurry() {
    let mut control = LatencyControl::new();
    let near = |state, second| LiveContext { latency: MediaTime::from_secs(5), ..late(state, true, second) };
    control.decide(&near(LiveState::Rebuffering, 0));
    assert_eq!(control.decide(&near(LiveState::Playing, 2)).action, SpeedAction::Rate(1000));
    assert_eq!(control.decide(&near(LiveState::Playing, 8)).action, SpeedAction::Rate(1030));
}
