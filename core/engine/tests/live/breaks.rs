//! Breaks in live titles on a line that goes down: the viewer who waits in one waits like everybody else.

use std::time::Duration;

use telecine_engine::{Event, InterstitialPhase};
use telecine_model::MediaTime;
use telecine_virtual::Session;

use crate::catching_up::outages;
use crate::common::errors;
use crate::origin::Origin;
use crate::watch::{run, stalls};

const TITLES: [&str; 3] = [
    "/hls/live_60/scte35_20/sgai_1/demo/main.m3u8",
    "/hls/live_60/parts_334/scte35_20/sgai_1/demo/main.m3u8",
    "/dash/live_60/utc_iso/scte35_20/sgai_1/demo/time.mpd",
];

fn broken(path: &str, from: u64, to: u64) -> Session<Origin> {
    run(Origin::new().play(path).network(outages(&[(from, to)])), 180)
}

#[test]
fn whoever_stands_in_a_break_or_behind_it_stalls_and_that_is_told_and_counted() {
    for path in TITLES {
        for from in [28, 34, 40] {
            let session = broken(path, from, from + 60);
            let qoe = session.programme().qoe(session.now());
            assert!(qoe.stalled >= Duration::from_secs(45), "{path} from {from}: {:?}", qoe.stalled);
            assert!(qoe.stalled <= Duration::from_secs(70), "{path} from {from}: {:?}", qoe.stalled);
            let stood = |event: &Event| match event {
                Event::StallEnded { stood_us, .. } => Some(*stood_us),
                _ => None,
            };
            let told: u64 = session.events().iter().filter_map(stood).sum();
            assert!(told.abs_diff(qoe.stalled.as_micros() as u64) < 1_000_000, "{path} from {from}: {told}");
            assert_eq!(stalls(&session) as u64, qoe.stalls, "{path} from {from}");
        }
    }
}

#[test]
fn where_all_comes_in_time_nobody_stands_between_a_title_and_its_breaks() {
    for path in TITLES {
        let session = run(Origin::new().play(path), 120);
        let qoe = session.programme().qoe(session.now());
        assert_eq!((qoe.stalls, stalls(&session)), (0, 0), "{path}");
    }
}

#[test]
fn behind_an_outage_longer_than_the_window_the_edge_is_followed_again() {
    for path in TITLES {
        let session = broken(path, 30, 105);
        assert!(errors(&session).iter().all(|error| !error.is_fatal()), "{path}: {:?}", errors(&session));
        let edge = session.programme().snapshot(session.now()).edge.expect("live");
        // A break of ten seconds may be on.
        let latency = edge.latency.expect("known");
        assert!(latency < MediaTime::from_secs(21), "{path}: {latency}");
    }
}

#[test]
fn breaks_that_the_window_has_left_behind_are_not_played_any_more() {
    for path in TITLES {
        let session = run(Origin::new().play(path).network(outages(&[(34, 94), (97, 157)])), 220);
        let begun = |event: &Event| match event {
            Event::Interstitial { at, phase: InterstitialPhase::Started { position }, .. } => Some((*at, *position)),
            _ => None,
        };
        for (at, position) in session.events().iter().filter_map(begun) {
            // The window has a minute, and the session began with its edge a minute in.
            let start = MediaTime::from_micros(at.as_micros() as i64);
            assert!(position >= start - MediaTime::from_secs(6), "{path}: {position} at {at:?}");
        }
    }
}
