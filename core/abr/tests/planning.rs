//! The rules that plan some seconds ahead.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used)]

use telecine_abr::published::{End, Fetched, InFlight, Ladder, Network, Scene, SceneRule};
use telecine_abr::{Outlook, QuantileMpc, Soda};

const KBPS: [f64; 5] = [300.0, 750.0, 1_500.0, 3_000.0, 6_000.0];

fn ladder() -> Ladder {
    Ladder::new(KBPS).expect("a ladder")
}

/// In the midst of playback, with what a player's estimator believes.
fn scene(ladder: &Ladder, buffer_s: f64, kbps: f64, typical_error: f64) -> Scene<'_> {
    Scene {
        ladder,
        segment_ms: 4_000.0,
        buffer_ms: buffer_s * 1000.0,
        capacity_ms: 12_000.0,
        network: Some(Network { kbps, latency_ms: 50.0 }),
        outlook: Some(Outlook { log_rate: kbps.ln(), typical_error, size_error: 0.0, latency_s: 0.05 }),
        behind: 20,
        ahead: None,
        sizes: &[],
    }
}

fn rules() -> Vec<(&'static str, Box<dyn SceneRule>)> {
    vec![("soda", Box::new(Soda::new())), ("quantile-mpc", Box::new(QuantileMpc::new()))]
}

fn fetched(level: usize, kbps: f64) -> Fetched {
    let bits = KBPS[level] * 4_000.0;
    Fetched { level, bits, took_ms: 50.0 + bits / kbps, end: End::Complete, replaces: false }
}

/// Plays by a rule for so long that it has settled, and returns the levels of the last ten segments.
fn settled(rule: &mut dyn SceneRule, kbps: impl Fn(usize) -> f64, own_belief: bool) -> Vec<usize> {
    let ladder = ladder();
    let (mut buffer_s, mut levels) = (4.0_f64, Vec::new());
    for n in 0..60 {
        buffer_s = buffer_s.min(8.0);
        let told = scene(&ladder, buffer_s, kbps(n), 0.05);
        let seen = Scene { outlook: told.outlook.filter(|_| !own_belief), ..told };
        let level = rule.choose(&seen).level;
        let download = fetched(level, kbps(n));
        buffer_s = (buffer_s - download.took_ms / 1000.0).max(0.0) + 4.0;
        rule.on_fetched(&Scene { buffer_ms: buffer_s * 1000.0, ..seen }, &download);
        levels.push(level);
    }
    levels.split_off(50)
}

#[test]
fn a_still_network_is_used_and_not_overused() {
    for kbps in [500.0, 1_050.0, 2_100.0, 4_200.0, 30_000.0] {
        for (name, mut rule) in rules() {
            for own_belief in [false, true] {
                let levels = settled(rule.as_mut(), |_| kbps, own_belief);
                let mean = levels.iter().map(|level| KBPS[*level]).sum::<f64>() / 10.0;
                let sustained = KBPS.into_iter().rfind(|level| *level <= kbps).expect("a level");
                // What ten segments take beyond what comes meanwhile, the buffer gave.
                let most = kbps * (1.0 + 8.0 / 40.0);
                assert!(mean >= 0.9 * sustained && mean <= most, "{name} at {kbps} kbit/s: {levels:?}");
            }
        }
    }
}

#[test]
fn with_noise_soda_does_not_flap() {
    let noise = |n: usize| 3_400.0 * [0.85, 1.15, 0.9, 1.0, 1.1][n % 5];
    let levels = settled(&mut Soda::new(), noise, true);
    let changes = levels.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes <= 3, "{levels:?}");
}

#[test]
fn the_less_is_known_the_less_is_taken() {
    let ladder = ladder();
    for (name, mut rule) in rules() {
        rule.on_fetched(&scene(&ladder, 8.0, 7_000.0, 0.05), &fetched(4, 7_000.0));
        let sure = rule.choose(&scene(&ladder, 8.0, 7_000.0, 0.05)).level;
        let unsure = rule.choose(&scene(&ladder, 8.0, 7_000.0, 1.0)).level;
        assert!(unsure < sure, "{name}: {unsure}, {sure}");
    }
}

#[test]
fn nothing_is_known_before_the_first_measurement() {
    let ladder = ladder();
    for (name, mut rule) in rules() {
        let unknown = Scene { network: None, outlook: None, ..scene(&ladder, 8.0, 7_000.0, 0.05) };
        assert_eq!(rule.choose(&unknown).level, 0, "{name}");
    }
}

/// A segment of 6 Mbit/s, of which a sixth came in two seconds at 2 Mbit/s: the rest would take ten seconds more.
fn slow() -> InFlight {
    InFlight { level: 4, size: 24e6, received: 4e6, elapsed_ms: 2_050.0, latency_ms: 50.0, beside: 0.0 }
}

#[test]
fn a_request_is_given_up_where_that_saves_a_stall_and_once_a_segment() {
    let ladder = ladder();
    for (name, mut rule) in rules() {
        // Ten seconds of the rest at 2 Mbit/s, five of buffer: 3 Mbit/s would take six, 1.5 Mbit/s take three.
        let short = scene(&ladder, 5.0, 7_000.0, 0.1);
        let instead = rule.give_up(&short, &slow()).expect(name);
        assert_eq!(instead, 2, "{name}");
        assert_eq!(rule.give_up(&short, &InFlight { level: instead, size: 6e6, ..slow() }), None, "{name}: again");
        let given_up = Fetched { end: End::GivenUp(Some(instead)), ..fetched(4, 2_000.0) };
        rule.on_fetched(&short, &given_up);
        rule.on_fetched(&short, &fetched(instead, 2_000.0));
        assert!(rule.give_up(&short, &slow()).is_some(), "{name}: of the next segment");
    }
}

#[test]
fn no_request_is_given_up_that_comes_in_time_or_is_nearly_there() {
    let ladder = ladder();
    for (name, mut rule) in rules() {
        assert_eq!(rule.give_up(&scene(&ladder, 11.9, 7_000.0, 0.1), &slow()), None, "{name}: in time");
        let nearly = InFlight { received: 23e6, ..slow() };
        assert_eq!(rule.give_up(&scene(&ladder, 0.1, 7_000.0, 0.1), &nearly), None, "{name}: nearly there");
        let lowest = InFlight { level: 0, ..slow() };
        assert_eq!(rule.give_up(&scene(&ladder, 0.1, 7_000.0, 0.1), &lowest), None, "{name}: nothing is lower");
    }
}

#[test]
fn soda_does_not_pay_for_what_looks_the_same() {
    let scored = ladder().with_quality(&[40_000, 70_000, 85_000, 94_000, 94_100]);
    let level = |ladder: &Ladder| {
        let mut rule = Soda::new();
        rule.on_fetched(&scene(ladder, 8.0, 5_000.0, 0.05), &fetched(3, 5_000.0));
        rule.choose(&scene(ladder, 6.0, 5_000.0, 0.05)).level
    };
    assert_eq!((level(&ladder()), level(&scored)), (4, 3));
}
