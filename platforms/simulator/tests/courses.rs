//! How sessions go, from moment to moment.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used)]

use std::path::Path;

use telecine_simulator::faithful::{play, rule, Setup};
use telecine_simulator::optimum::{optimum, played, Sessions};
use telecine_simulator::player::{play_by, Viewing};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{player, Link, Metrics, Moment, Movie, Period, Score};

fn period(ms: f64, kbps: f64) -> Period {
    Period { ms, kbps, latency_ms: 0.0 }
}

fn published(folder: &str) -> (Movie, Link) {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/traces");
    let (movie, trace) = match folder {
        "3g" => ("movies/bbb.json", "3g/report.2010-11-10_1726CET.json"),
        _ => ("movies/bbb4k.json", "4g/report_tram_0007.json"),
    };
    let text = |name: &str| std::fs::read_to_string(traces.join(name)).expect("a text");
    (sabre_movie(&text(movie)).expect("a movie").cut(80), sabre_network(&text(trace)).expect("a network"))
}

#[test]
fn the_buffer_fills_drains_and_runs_dry() {
    // Three segments of 4 s and 4 Mbit over 4 Mbit/s, with nothing from 1.5 s to 10 s.
    let movie = Movie::new(4_000.0, &[1_000.0], &vec![vec![4e6]; 3]).expect("a movie");
    let link = Link::new(vec![period(1_500.0, 4_000.0), period(8_500.0, 0.0), period(1e6, 4_000.0)]).expect("a link");
    let outcome = play(rule("Lowest").expect("a rule").rule().as_mut(), &movie, &link, &Setup::with_buffer(20.0));
    let at = |at_ms: f64, buffer_ms: f64| Moment { at_ms, buffer_ms };
    let expected = [
        at(0.0, 0.0),
        at(0.0, 0.0),
        at(1_000.0, 0.0),
        at(1_000.0, 4_000.0),
        at(1_000.0, 4_000.0),
        // The rest of the second comes from ten seconds on; what was there lasted to the fifth.
        at(5_000.0, 0.0),
        at(10_500.0, 0.0),
        at(10_500.0, 4_000.0),
        at(10_500.0, 4_000.0),
        at(11_500.0, 3_000.0),
        at(11_500.0, 7_000.0),
        at(18_500.0, 0.0),
    ];
    assert_eq!(outcome.buffer_course(&movie), expected);
}

#[test]
fn the_course_of_the_optimum_is_the_session_that_it_is() {
    for folder in ["3g", "4g"] {
        let (movie, link) = published(folder);
        let of_player = Sessions::Player { viewing: Viewing::OnDemand, opening_bits: 16_000.0 };
        for (score, sessions) in Score::ALL.into_iter().flat_map(|of| [(of, Sessions::Faithful), (of, of_player)]) {
            let best = optimum(&movie, &link, 10_000.0, score, sessions);
            let outcome = played(&movie, &link, 10_000.0, &best.levels, sessions);
            let metrics = Metrics::of(&outcome, &movie);
            assert!((score.of(&metrics) - best.score).abs() < 1e-6, "{folder} {score:?}: {metrics:?}, {}", best.score);
            assert_eq!((outcome.levels.clone(), outcome.stall_ms), (best.levels.clone(), best.stall_ms));
            assert_eq!(outcome.requests.len(), movie.segments());
        }
    }
}

#[test]
fn the_lowest_levels_as_an_optimum_are_what_the_lowest_rule_plays() {
    let (movie, link) = published("3g");
    let theirs = play(rule("Lowest").expect("a rule").rule().as_mut(), &movie, &link, &Setup::with_buffer(10.0));
    let ours = played(&movie, &link, 10_000.0, &vec![0; movie.segments()], Sessions::Faithful);
    assert!((ours.elapsed_ms - theirs.elapsed_ms).abs() < 1e-3);
    for (one, other) in ours.requests.iter().zip(&theirs.requests) {
        assert!(
            (one.at_ms - other.at_ms).abs() < 1e-3 && (one.took_ms - other.took_ms).abs() < 1e-3,
            "{one:?} {other:?}"
        );
        assert!((one.buffer_ms - other.buffer_ms).abs() < 1e-3, "{one:?} {other:?}");
    }
}

#[test]
fn no_course_leaves_the_buffer_nor_goes_back_in_time() {
    for folder in ["3g", "4g"] {
        let (movie, link) = published(folder);
        let setup = player::Setup { buffer_ms: 10_000.0, viewing: Viewing::OnDemand, replacement: true };
        let faithful = |name: &str| {
            let rule = rule(name).expect("a rule");
            let setup = Setup { buffer_ms: 10_000.0, replacement: rule.replacement };
            play(rule.rule().as_mut(), &movie, &link, &setup)
        };
        let sessions = [
            faithful("BOLA-E-FS"),
            faithful("Foresight-FS"),
            faithful("THROUGHPUT"),
            play_by("foresight", &movie, &link, &setup).expect("played"),
        ];
        for outcome in sessions {
            let course = outcome.buffer_course(&movie);
            let sound = |moment: &Moment| (0.0..=10_001.0).contains(&moment.buffer_ms);
            assert!(course.iter().all(sound), "{:?}", course.iter().find(|moment| !sound(moment)));
            assert!(course.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
            let last = course.last().expect("an end");
            assert!(last.buffer_ms == 0.0 && (last.at_ms - outcome.elapsed_ms).abs() < 1.0, "{last:?}");
        }
    }
}

#[test]
fn a_rate_is_the_mean_of_its_step() {
    let link = Link::new(vec![period(1_000.0, 4_000.0), period(3_000.0, 0.0)]).expect("a link");
    assert_eq!(link.mean_rates(2_000.0, 4), [2_000.0, 0.0, 2_000.0, 0.0]);
    assert_eq!(link.mean_rates(500.0, 3), [4_000.0, 4_000.0, 0.0]);
}
