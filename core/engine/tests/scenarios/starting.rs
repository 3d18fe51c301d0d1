//! Scenario 10: beginning with no history, and with a wrong one.

use std::time::Duration;

use telecine_engine::{Config, Constraints};

use crate::common::at;
use crate::stage::{buffering, played, qualities, session, stalled, started, steady, title, Stage, TOP};

fn config(assumed: Option<u64>) -> Config {
    let mut config = buffering(30);
    config.initial_throughput = assumed.unwrap_or(config.initial_throughput);
    config
}

#[test]
fn s10_the_first_picture_is_there_almost_as_soon_as_the_smallest_would_be() {
    for kbps in [500, 2000, 20_000] {
        let begun = |config: Config| {
            let session = played(session(config, Stage::of(title(60)), "main.mpd", steady(kbps)));
            (started(&session), stalled(&session))
        };
        let mut lowest = config(None);
        lowest.constraints = Constraints { max_bitrate: Some(300_000), ..Constraints::default() };
        let (least, _) = begun(lowest);
        let (first, stood) = begun(config(None));
        println!("{kbps}: {first:?} of {least:?}, {stood:?}");
        assert!(first.as_micros() * 10 <= least.as_micros() * 13, "{kbps}: {first:?} of {least:?}");
        assert_eq!(stood, Duration::ZERO);
    }
}

#[test]
fn s10_on_a_fast_line_the_top_is_seen_within_ten_seconds() {
    let session = played(session(config(None), Stage::of(title(60)), "main.mpd", steady(20_000)));
    let top = qualities(&session).into_iter().find(|(_, rate)| *rate >= TOP).map(|(at, _)| at).expect("the top");
    println!("{top:?}");
    assert!(top <= at(10_000), "{top:?}");
}

#[test]
fn s10_a_history_ten_times_too_high_costs_a_second_at_most() {
    for kbps in [500, 2000, 20_000] {
        let wrong = config(Some(kbps * 10_000));
        let session = played(session(wrong, Stage::of(title(120)), "main.mpd", steady(kbps)));
        println!("{kbps}: begun {:?}, stood {:?}", started(&session), stalled(&session));
        assert!(stalled(&session) <= Duration::from_secs(1), "{kbps}: {:?}", stalled(&session));
    }
}
