//! Sessions of the real player, against arithmetic by hand and against the faithful mode.

// What goes wrong here fails the test that asked for it.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;

use telecine_simulator::faithful;
use telecine_simulator::player::{play_by, Contender, Setup, Unplayed, Viewing, RULES};
use telecine_simulator::read::{sabre_movie, sabre_network};
use telecine_simulator::{
    compare, for_each_index_on, Contest, Enclosure, Link, Metrics, Movie, Nothing, Outcome, Period, Score, Trace,
};

/// Segments of 4 s at 1 Mbit/s, and at 4 Mbit/s.
fn movie(segments: usize) -> Movie {
    Movie::new(4_000.0, &[1_000.0, 4_000.0], &vec![vec![4e6, 16e6]; segments]).expect("a movie")
}

fn one_level(segments: usize) -> Movie {
    Movie::new(4_000.0, &[1_000.0], &vec![vec![4e6]; segments]).expect("a movie")
}

fn period(ms: f64, kbps: f64) -> Period {
    Period { ms, kbps, latency_ms: 50.0 }
}

fn constant(kbps: f64) -> Link {
    Link::new(vec![period(1e9, kbps)]).expect("a link")
}

fn on_demand(seconds: f64) -> Setup {
    Setup { buffer_ms: seconds * 1000.0, viewing: Viewing::OnDemand, replacement: true }
}

fn live(seconds: f64) -> Setup {
    Setup { buffer_ms: seconds * 1000.0, viewing: Viewing::Live, replacement: true }
}

fn play(rule: &str, movie: &Movie, link: &Link, setup: &Setup) -> Outcome {
    play_by(rule, movie, link, setup).expect("played to its end")
}

fn near(value: f64, expected: f64, within: f64) {
    assert!((value - expected).abs() <= within, "{value}, and not {expected}");
}

fn published(folder: &str) -> Vec<(String, Link)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/traces").join(folder);
    let paths = std::fs::read_dir(folder).expect("traces").map(|entry| entry.expect("an entry").path());
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a text");
        (path.display().to_string(), sabre_network(&text).expect("a network"))
    };
    let mut traces: Vec<_> = paths.map(read).collect();
    traces.sort_by(|one, other| one.0.cmp(&other.0));
    traces
}

fn published_movie(name: &str) -> Movie {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/traces/movies").join(name);
    sabre_movie(&std::fs::read_to_string(path).expect("a text")).expect("a movie")
}

#[test]
fn the_first_picture_is_there_after_the_manifest_and_the_first_segment() {
    let outcome = play("lowest", &movie(5), &constant(8_000.0), &on_demand(20.0));
    // Two latencies, and 4 Mbit at 8 Mbit/s; manifest and initialisation are 2 kB together at most, which take 2 ms.
    assert!((600.0..602.0).contains(&outcome.startup_ms), "{}", outcome.startup_ms);
    assert_eq!((outcome.stalls, outcome.levels), (0, vec![0; 5]));
    near(outcome.elapsed_ms, outcome.startup_ms + 20_000.0, 0.01);
}

#[test]
fn the_level_that_the_line_carries_is_played() {
    // 1.5 Mbit/s are assumed: the first one is of the lower level. 90 % of 8 Mbit/s carry the upper one.
    let outcome = play("throughput", &movie(20), &constant(8_000.0), &on_demand(20.0));
    assert_eq!((outcome.levels[0], &outcome.levels[1..]), (0, &[1; 19][..]));
    let outcome = play("throughput", &movie(20), &constant(4_300.0), &on_demand(20.0));
    assert_eq!(outcome.levels, [0; 20], "90 % of 4.3 Mbit/s do not");
}

#[test]
fn the_bytes_that_are_served_are_those_of_what_was_chosen() {
    // No two sizes are equal, and none is whole bytes.
    let size = |segment: usize, level: usize| ((1 + 3 * level) * 4_000_000 + 12_345 * segment + 1) as f64;
    let rows: Vec<Vec<f64>> = (0..30).map(|segment| vec![size(segment, 0), size(segment, 1)]).collect();
    let movie = Movie::new(4_000.0, &[1_000.0, 4_000.0], &rows).expect("a movie");
    let link = Link::new(vec![period(20_000.0, 9_000.0), period(20_000.0, 2_000.0)]).expect("a link");
    let outcome = play("bola-e", &movie, &link, &on_demand(20.0));
    let bits = |segment: usize, level: usize| (size(segment, level) / 8.0).ceil() * 8.0;
    let played: f64 = outcome.levels.iter().enumerate().map(|(segment, level)| bits(segment, *level)).sum();
    let served: f64 = outcome.requests.iter().map(|request| request.bits).sum();
    assert!(outcome.levels.contains(&0) && outcome.levels.contains(&1), "{:?}", outcome.levels);
    near(served, played + outcome.wasted_bits, 0.5);
    assert_eq!(outcome.requests.len(), 30 + outcome.given_up + outcome.replaced);
    assert!((outcome.wasted_bits > 0.0) == (outcome.given_up > 0));
}

#[test]
fn a_line_that_is_down_stalls_playback_for_what_the_buffer_does_not_cover() {
    let link = Link::new(vec![period(60_000.0, 10_000.0), period(40_000.0, 0.0), period(1e9, 10_000.0)]);
    let outcome = play("lowest", &one_level(40), &link.expect("a link"), &on_demand(20.0));
    // A segment is asked for when it and what is there are 20 s. The one that ends at 76 s is, 16 s before the playhead comes
    // to its start, and the next one four seconds later: when the line is down. Nothing of it comes before 100 s; then it
    // takes 400 ms.
    let asked = outcome.startup_ms + 76_000.0 - 16_000.0;
    assert!((60_000.0..100_000.0).contains(&asked), "{asked}");
    near(outcome.stall_ms, 100_400.0 - (outcome.startup_ms + 76_000.0), 2.0);
    assert_eq!((outcome.stalls, outcome.levels.len()), (1, 40));
    near(outcome.elapsed_ms, outcome.startup_ms + outcome.stall_ms + 160_000.0, 2.0);
}

#[test]
fn the_buffer_takes_no_more_than_it_may() {
    let outcome = play("lowest", &one_level(40), &constant(50_000.0), &on_demand(20.0));
    let fullest = outcome.requests.iter().map(|request| request.buffer_ms).fold(0.0, f64::max);
    near(fullest, 16_000.0, 2.0);
}

#[test]
fn a_year_of_silence_is_waited_for() {
    let link = Link::new(vec![period(10_000.0, 10_000.0), period(86_400_000.0, 0.0)]).expect("a link");
    let outcome = play("lowest", &one_level(10), &link, &on_demand(12.0));
    // What is there when the day begins lasts for 20 s at most.
    assert!((86_380_000.0..86_400_500.0).contains(&outcome.stall_ms), "{}", outcome.stall_ms);
}

#[test]
fn segments_of_a_live_title_are_asked_for_when_they_are_complete() {
    let outcome = play("lowest", &movie(30), &constant(50_000.0), &live(12.0));
    assert_eq!((outcome.first, outcome.levels.len(), outcome.stalls), (0, 30, 0));
    for request in &outcome.requests {
        // Twelve seconds of it are there at the start.
        let complete = (request.segment + 1) as f64 * 4_000.0 - 12_000.0;
        assert!(request.at_ms >= complete, "{request:?}");
        assert!(request.at_ms < complete.max(0.0) + 1_500.0 + 4_000.0, "{request:?}");
    }
    let following = outcome.following.expect("it is live");
    assert!(following.excess_latency_s <= outcome.startup_ms / 1000.0, "{following:?}");
    assert!(following.speed_change <= 0.03, "{following:?}");
}

#[test]
fn what_a_live_title_stalls_it_is_late_by_and_catches_up_with() {
    let link = Link::new(vec![period(60_000.0, 10_000.0), period(40_000.0, 0.0), period(1e9, 10_000.0)]);
    let outcome = play("lowest", &one_level(300), &link.expect("a link"), &live(12.0));
    assert_eq!(outcome.levels.len(), 300, "nothing is left out");
    let stall_s = outcome.stall_ms / 1000.0;
    assert!((25.0..40.0).contains(&stall_s), "{stall_s}");
    let following = outcome.following.expect("it is live");
    // It is late by the stall at first, and catches up by 30 ms a second: the mean is between, over all and 20 minutes.
    let seconds = outcome.elapsed_ms / 1000.0;
    assert!(following.excess_latency_s > 0.1 * stall_s && following.excess_latency_s < stall_s, "{following:?}");
    // By speed alone: what was played is longer than the time in which it was.
    assert!(seconds < 1_200.0 + stall_s, "{seconds}");
    assert!(following.speed_change > 0.01 && following.speed_change <= 0.03, "{following:?}");
    let metrics = Metrics::of(&outcome, &one_level(300));
    let on_demand = Metrics::of(&Outcome { following: None, ..outcome }, &one_level(300));
    let paid = 0.1 * following.excess_latency_s + 0.5 * following.speed_change;
    near(metrics.q1, on_demand.q1 - paid, 1e-12);
}

#[test]
fn by_the_lowest_level_the_player_stalls_as_the_faithful_mode_does() {
    for (folder, name) in [("3g", "bbb.json"), ("4g", "bbb4k.json")] {
        let movie = published_movie(name);
        for (trace, link) in published(folder) {
            let own = play("lowest", &movie, &link, &on_demand(25.0));
            let rule = faithful::rule("Lowest").expect("a rule");
            let published = faithful::play(rule.rule().as_mut(), &movie, &link, &faithful::Setup::with_buffer(25.0));
            assert_eq!(own.levels, published.levels, "{trace}");
            // The player asks for its manifest first, and a millisecond late where its buffer was full.
            let later = own.startup_ms - published.startup_ms;
            assert!(later > 0.0 && (own.stall_ms - published.stall_ms).abs() <= later + 10.0, "{trace}: {own:?}");
        }
    }
}

#[test]
fn every_rule_plays_the_same_on_one_thread_and_on_two() {
    let movie = published_movie("bbb.json").cut(60);
    let traces = published("3g");
    let sessions = |threads| {
        for_each_index_on(threads, RULES.len(), |index| {
            let link = &traces[index % traces.len()].1;
            [on_demand(25.0), live(10.0)].map(|setup| play(RULES[index], &movie, link, &setup))
        })
    };
    let (one, two) = (sessions(1), sessions(2));
    assert_eq!(one, two);
    for (outcome, _) in one.iter().flat_map(|sessions| sessions.iter().zip(RULES)) {
        assert_eq!(outcome.levels.len() + outcome.first, 60);
    }
}

#[test]
fn live_sessions_are_compared_by_what_has_an_optimum() {
    let traces = [Trace { name: "steady".to_owned(), link: constant(6_000.0) }];
    let rules = ["throughput", "lowest"].map(Contender::of);
    let of =
        |viewing| compare(&movie(20), &traces, Contest::Player(&rules, viewing), 12.0, Enclosure::Below, &|_, _, _| ());
    let comparison = of(Viewing::Live).expect("played");
    let names: Vec<&str> = comparison.summary.iter().map(|summary| summary.abr).collect();
    assert_eq!(names, ["throughput", "lowest"]);
    for summary in &comparison.summary {
        assert!(summary.excess_latency_s.is_some() && summary.speed_change.is_some());
        assert_eq!((summary.normalised.q1, summary.regret.q1), (None, None));
        assert!(summary.normalised.qoe_lin.is_some() && summary.regret.qoe_lin.is_some());
    }
    let comparison = of(Viewing::OnDemand).expect("played");
    for summary in &comparison.summary {
        assert!(summary.excess_latency_s.is_none() && summary.normalised.q1.is_some() && summary.regret.q1.is_some());
    }
    let none = compare(&movie(20), &[], Contest::Player(&rules, Viewing::Live), 12.0, Enclosure::Below, &|_, _, _| ());
    assert_eq!(none, Err(Nothing));
}

/// A line that rises after a start at the lowest level: what waits of it is fetched again where the sink takes that.
#[test]
fn a_sink_that_takes_nothing_again_is_played_to_without_replacement() {
    let (movie, link) = (movie(40), Link::new(vec![period(20_000.0, 1_500.0), period(600_000.0, 20_000.0)]).unwrap());
    let of = |replacement| play("foresight", &movie, &link, &Setup { replacement, ..on_demand(25.0) });
    assert!(of(true).replaced > 0);
    assert_eq!(of(false).replaced, 0);
}

/// Segments that are too small to tell the rate of the line are all that comes, and still it is found out that it carries more.
#[test]
fn segments_that_are_all_small_do_not_keep_a_fast_line_at_the_lowest_level() {
    let ladder = [300.0, 750.0, 1500.0, 3000.0, 6000.0];
    for ms in [200.0, 250.0, 333.0, 500.0] {
        let sizes: Vec<f64> = ladder.iter().map(|kbps| kbps * ms).collect();
        let movie = Movie::new(ms, &ladder, &vec![sizes; (120_000.0 / ms) as usize]).expect("a movie");
        for rule in ["foresight", "throughput", "bola-e-damped"] {
            let outcome = play(rule, &movie, &constant(5_000.0), &on_demand(25.0));
            let metrics = Metrics::of(&outcome, &movie);
            assert!(metrics.mean_kbps > 1_500.0, "{rule}, {ms} ms: {} kbit/s", metrics.mean_kbps);
        }
    }
}

/// Behind 20 s of 60 kbit/s the smallest segments are of 8 kB: nothing larger comes unless they teach.
#[test]
fn a_line_that_was_slow_for_a_while_is_found_to_be_fast_again_by_segments_that_are_small() {
    let ladder = [64.0, 128.0, 512.0, 1024.0, 4096.0];
    let sizes: Vec<f64> = ladder.iter().map(|kbps| kbps * 1000.0).collect();
    let movie = Movie::new(1000.0, &ladder, &vec![sizes; 300]).expect("a movie");
    let link =
        Link::new(vec![period(30_000.0, 5_000.0), period(20_000.0, 60.0), period(1e7, 5_000.0)]).expect("a link");
    for rule in ["foresight", "throughput", "bola-e-damped"] {
        let outcome = play(rule, &movie, &link, &on_demand(25.0));
        let last: Vec<usize> = outcome.levels.iter().rev().take(60).copied().collect();
        assert!(last.iter().all(|level| *level >= 3), "{rule}: {last:?}");
    }
}

/// What passed it before: the player begins with other levels than the lowest, gives up, replaces, and begins when it begins.
#[test]
fn no_session_of_the_player_passes_its_bound_and_none_is_better_than_the_best_known() {
    let rules: Vec<Contender> = ["foresight", "throughput", "mpc", "lowest"].map(Contender::of).into();
    let fast = Link::new(vec![period(60_000.0, 60_000.0), period(5_000.0, 20_000.0)]).expect("a link");
    let slow =
        Link::new(vec![period(40_000.0, 3_000.0), period(60_000.0, 150.0), period(9_000.0, 0.0)]).expect("a link");
    let mut traces = vec![("fast".to_owned(), fast), ("slow".to_owned(), slow)];
    traces.extend(published("3g").into_iter().take(2));
    traces.extend(published("4g").into_iter().take(2));
    let traces: Vec<Trace> = traces.into_iter().map(|(name, link)| Trace { name, link }).collect();
    for (movie, viewing, buffer_s) in [
        (published_movie("bbb.json").cut(40), Viewing::OnDemand, 25.0),
        (published_movie("bbb4k.json").cut(40), Viewing::OnDemand, 12.0),
        (published_movie("bbb.json").cut(40), Viewing::Live, 10.0),
        // The player goes on after a stall when it has two seconds, which are more than this buffer.
        (Movie::new(500.0, &[300.0, 2_000.0], &vec![vec![150e3, 1e6]; 160]).expect("a movie"), Viewing::OnDemand, 1.0),
    ] {
        let contest = Contest::Player(&rules, viewing);
        let found = compare(&movie, &traces, contest, buffer_s, Enclosure::Both, &|_, _, _| ()).expect("played");
        assert_eq!(found.runs.len(), rules.len() * traces.len());
        for run in &found.runs {
            let told = |score: Score| format!("{} by {} {viewing:?} {score:?}: {run:?}", run.trace, run.abr);
            for score in Score::ALL.into_iter().filter(|score| contest.has_optimum(*score)) {
                let (got, best) = (score.of(&run.metrics), run.optimum.get(score).expect("known"));
                if let Some(bound) = *run.bound.get(score) {
                    assert!(got <= bound + 1e-9 && best <= bound + 1e-9, "{got} {best} {bound} {}", told(score));
                    // And it says something, but where a start above what the line carries is weighed against stalls.
                    let far = if score == Score::Q1 { 0.5 } else { 0.25 * best.abs() + 100.0 };
                    let carries = run.trace == "fast" || run.trace.contains("4g");
                    assert!(!carries || bound - best <= far, "{best} {bound} {}", told(score));
                }
            }
        }
        for rule in &found.summary {
            assert!(rule.regret.qoe_lin.expect("known").mean > 0.0, "{rule:?}");
        }
    }
}

#[test]
fn a_network_that_no_movie_ends_over_is_told_of_and_the_others_are_played() {
    let trace =
        |name: &str, periods: Vec<Period>| Trace { name: name.to_owned(), link: Link::new(periods).expect("a link") };
    let traces = [
        trace("silent", vec![period(1_000.0, 0.0001)]),
        trace("hardly", vec![period(1_000.0, 0.001)]),
        trace("fine", vec![period(0.001, 5_000.0), period(0.001, 0.0)]),
        trace("usual", vec![period(1_000.0, 2_500.0)]),
    ];
    let rules: Vec<Contender> = ["lowest", "throughput"].map(Contender::of).into();
    let authors: Vec<_> = ["Lowest", "THROUGHPUT"].into_iter().filter_map(faithful::rule).collect();
    for contest in [Contest::Player(&rules, Viewing::OnDemand), Contest::Faithful(&authors)] {
        let found = compare(&movie(20), &traces, contest, 20.0, Enclosure::Below, &|_, _, _| ()).expect("played");
        let ended: Vec<&str> = found.runs.iter().map(|run| run.trace.as_str()).collect();
        assert_eq!(ended, ["fine", "usual", "fine", "usual"]);
        assert_eq!(found.unplayed.len(), 4);
        for session in &found.unplayed {
            assert!(matches!(session.why, Unplayed::Endless { .. }), "{session:?}");
        }
        assert_eq!((found.summary.len(), found.summary[0].traces), (2, 2));
        assert!(found.notes.iter().any(|note| note.contains("4 sessions over 2 traces")), "{:?}", found.notes);
        // A network that changes a million times a second is what it carries on average.
        for runs in found.runs.chunks(2) {
            near(runs[0].metrics.mean_kbps, runs[1].metrics.mean_kbps, 1.0);
            near(runs[0].metrics.startup_s, runs[1].metrics.startup_s, 0.01);
        }
    }
}

#[test]
fn without_an_optimum_there_is_no_regret() {
    let traces = [Trace { name: "one".to_owned(), link: constant(3_000.0) }];
    let rules = [Contender::of("lowest")];
    let contest = Contest::Player(&rules, Viewing::OnDemand);
    let found = compare(&movie(20), &traces, contest, 20.0, Enclosure::Open, &|_, _, _| ()).expect("played");
    let (run, rule) = (&found.runs[0], &found.summary[0]);
    assert_eq!((run.optimum.q1, run.bound.q1, run.ceiling.q1, run.normalised.q1), (None, None, None, None));
    assert_eq!((rule.regret.q1, rule.normalised.q1, rule.nothing_to_be_had.q1), (None, None, None));
}

#[test]
fn where_nothing_can_be_had_there_is_no_share_of_it() {
    // The line carries the lowest level and no bit more: the share was a ratio of two roundings.
    let traces = |kbps| [Trace { name: "one".to_owned(), link: Link::new(vec![period(1e9, kbps)]).expect("a link") }];
    let rules = [Contender::of("throughput")];
    let of = |kbps: f64| {
        let contest = Contest::Player(&rules, Viewing::OnDemand);
        compare(&movie(20), &traces(kbps), contest, 20.0, Enclosure::Below, &|_, _, _| ()).expect("played")
    };
    let found = of(950.0);
    assert_eq!((found.runs[0].normalised.q1, found.summary[0].normalised.q1), (None, None));
    assert_eq!(found.summary[0].nothing_to_be_had.q1, Some(1));
    assert!(found.notes.iter().any(|note| note.contains("on 1 of 1 traces")), "{:?}", found.notes);
    let found = of(6_000.0);
    assert!(found.runs[0].normalised.q1 > Some(0.1) && found.notes.is_empty(), "{:?}", found.notes);
}
