//! Low latency where the line is slow or the server far away, and where hardly anybody says what time it is.

use std::time::Duration;

use telecine_engine::{DecisionKind, Event};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::{Network, Outcome, Session, Step};

use crate::common::{at, errors};
use crate::origin::Origin;
use crate::watch::{every_sample_once_so_far, stalls};

/// Chunks of an MPD that names no clock: the dates of answers are all that there is, to a second.
const CHUNKS: &str = "/dash/live_60/chunk_400/ato_1600/ltgt_2000/demo/number.mpd";
const RANGES: &str = "/hls/live_60/parts_334/demo/main.m3u8";
const FILES: &str = "/hls/live_60/parts_334/partfiles_1/demo/main.m3u8";

/// Two minutes of it, over a line.
fn over(path: &str, network: Network) -> Session<Origin> {
    let mut session = Origin::new().play(path).network(network);
    assert_eq!(session.run(Some(at(120_000))), Outcome::Until, "{:?}", errors(&session));
    session
}

fn steady(path: &str, kbps: u64, rtt_ms: u64) -> Session<Origin> {
    over(path, format!("rate={kbps}kbps,rtt={rtt_ms}ms").parse().expect("a network"))
}

fn mean_latency(session: &Session<Origin>) -> MediaTime {
    MediaTime::from_duration(session.engine().qoe(session.now()).latency.expect("it was read").mean)
}

/// The pictures that were chosen, and when, in milliseconds.
fn pictures(session: &Session<Origin>) -> Vec<(u64, String)> {
    let chosen = session.events().iter().filter_map(|event| match event {
        Event::Decision(decision)
            if decision.kind == Some(TrackKind::Video)
                && matches!(decision.what, DecisionKind::Bitrate | DecisionKind::Abandon) =>
        {
            Some((decision.at.as_micros() / 1000, decision.to.clone()?))
        }
        _ => None,
    });
    chosen.collect()
}

fn whole(session: &Session<Origin>) {
    every_sample_once_so_far(session, TrackKind::Video);
    every_sample_once_so_far(session, TrackKind::Audio);
}

#[test]
fn chunks_are_asked_for_when_they_are_there_however_little_is_known_of_the_clock() {
    for kbps in [700, 1000, 1500, 2000, 10_000] {
        let session = steady(CHUNKS, kbps, 40);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{kbps} kbit/s");
        let latency = mean_latency(&session);
        assert!(latency <= MediaTime::from_millis(2200), "{kbps} kbit/s: {latency}");
        whole(&session);
    }
}

fn steps<const N: usize>(steps: [(u64, u64); N]) -> Network {
    let step = |(seconds, bits_per_second)| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(60),
    };
    Network::from_steps(steps.map(step)).expect("a network")
}

#[test]
fn a_segment_that_is_on_its_way_as_the_line_breaks_down_gives_way_to_a_smaller_one_though_part_of_it_plays() {
    for path in [CHUNKS, RANGES] {
        // In the midst of segments of two seconds, at their ends, and between.
        for begins in [40, 41, 43] {
            let session = over(path, steps([(begins, 8_000_000), (900, 250_000)]));
            let fell = begins * 1000..begins * 1000 + 5000;
            let given_up = |event: &&Event| {
                matches!(event, Event::Decision(it)
                if it.what == DecisionKind::Abandon && fell.contains(&(it.at.as_micros() / 1000)))
            };
            let found = session.events().iter().find(given_up);
            assert!(found.is_some(), "{path} from {begins}: {:?}", pictures(&session));
            let left_out = |event: &&Event| matches!(event, Event::Decision(it) if it.what == DecisionKind::Skip);
            assert_eq!(session.events().iter().find(left_out), None, "{path} from {begins}");
        }
    }
}

#[test]
fn a_line_that_rises_is_used_within_seconds_by_chunks_too() {
    let session = over(CHUNKS, steps([(30, 400_000), (600, 5_000_000)]));
    assert_eq!(stalls(&session), 0);
    let chosen = pictures(&session);
    let highest = chosen.iter().find(|(when, to)| *when > 30_000 && to == "v720");
    assert!(highest.is_some_and(|(when, _)| *when < 45_000), "{chosen:?}");
}

#[test]
fn parts_of_a_server_far_away_are_asked_for_together_and_kept_up_with() {
    for (rtt, most) in [(200, 1400), (300, 1700), (400, 2300)] {
        let session = steady(RANGES, 3000, rtt);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{rtt} ms");
        let latency = mean_latency(&session);
        assert!(latency <= MediaTime::from_millis(most), "{rtt} ms: {latency}");
        let chosen = pictures(&session);
        assert_eq!(chosen.last().map(|(_, to)| to.as_str()), Some("variant-3"), "{rtt} ms: {chosen:?}");
        whole(&session);
    }
}

#[test]
fn parts_that_each_take_a_round_trip_as_long_as_they_are_leave_it_at_segments() {
    for rtt in [200, 300, 600] {
        let session = steady(FILES, 3000, rtt);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{rtt} ms");
        let chosen = pictures(&session);
        assert_eq!(chosen.last().map(|(_, to)| to.as_str()), Some("variant-3"), "{rtt} ms: {chosen:?}");
        whole(&session);
    }
    let near = steady(FILES, 3000, 100);
    assert_eq!(stalls(&near), 0);
    assert!(mean_latency(&near) <= MediaTime::from_millis(1200), "{}", mean_latency(&near));
}

#[test]
fn a_request_for_each_part_is_no_reason_to_stall_where_ranges_do_not() {
    for kbps in [800, 1000, 1500, 2000] {
        let session = steady(FILES, kbps, 40);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{kbps} kbit/s");
        whole(&session);
    }
}

#[test]
fn files_of_parts_that_come_seconds_after_they_are_listed_are_asked_for_later_once_that_is_known() {
    for late in [2000, 3000, 4000] {
        let path = FILES.replace("partfiles_1", &format!("partfiles_1/early404_{late}"));
        let session = steady(&path, 10_000, 40);
        assert!(stalls(&session) <= 3, "{late} ms: {}", stalls(&session));
        // What is learnt is kept for sixty seconds at first.
        let refused =
            |event: &&Event| matches!(event, Event::Error { at: when, .. } if (at(10_000)..at(55_000)).contains(when));
        let refused = session.events().iter().filter(refused).count();
        assert_eq!(refused, 0, "{late} ms");
    }
}
