//! What becomes of latency that is far above its target: after a stall, and after whatever else made it so.

use std::time::Duration;

use telecine_engine::{Capabilities, Command, DecisionKind, PlaybackSpeeds, State};
use telecine_model::{MediaTime, Timestamp};
use telecine_virtual::{ModelSink, Network, Session, Step};

use crate::common::{at, decisions, errors, secs};
use crate::origin::Origin;
use crate::watch::stalls;

const PARTS: &str = "/hls/live_60/parts_334/demo/main.m3u8";
const CHUNKS: &str = "/dash/live_60/utc_iso/chunk_500/ato_1500/ltgt_2000/demo/number.mpd";
/// The same without a word of how late is too late.
const CHUNKS_UNBOUNDED: &str = "/dash/live_60/utc_iso/chunk_500/ato_1500/spd_2/demo/number.mpd";
const HLS: &str = "/hls/live_60/demo/main.m3u8";
const DASH: &str = "/dash/live_60/utc_iso/demo/number.mpd";

/// A line of 20 Mbit/s on which nothing comes from one second to another, some times.
pub fn outages(spans: &[(u64, u64)]) -> Network {
    let step = |seconds, bits_per_second| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(40),
    };
    let mut steps = Vec::new();
    let mut from = 0;
    for (down, up) in spans {
        steps.extend([step(down - from, 20_000_000), step(up - down, 1)]);
        from = *up;
    }
    steps.push(step(100_000, 20_000_000));
    Network::from_steps(steps).expect("a network")
}

/// A title on a line with outages, on a device of any speed or of one.
fn plays(path: &str, spans: &[(u64, u64)], speeds: &PlaybackSpeeds) -> Session<Origin> {
    let sink = ModelSink::new(Capabilities { speeds: speeds.clone(), ..Capabilities::default() });
    Origin::new().play(path).network(outages(spans)).sink(sink)
}

/// When playback jumped, and by how much.
fn jumps(session: &Session<Origin>) -> Vec<(Timestamp, String)> {
    let seeks = decisions(session, DecisionKind::Seek);
    seeks.iter().map(|seek| (seek.at, format!("{:?} to {:?}", seek.from, seek.to))).collect()
}

/// How late it is, and how late it is to be.
fn latency(session: &Session<Origin>) -> (MediaTime, MediaTime) {
    let edge = session.engine().snapshot(session.now()).edge.expect("it is live");
    (edge.latency.expect("it is known"), edge.target)
}

#[test]
fn after_a_long_stall_playback_of_low_latency_is_back_at_its_target_within_seconds() {
    for path in [PARTS, CHUNKS, CHUNKS_UNBOUNDED] {
        for speeds in [PlaybackSpeeds::Any, PlaybackSpeeds::Normal] {
            let mut session = plays(path, &[(30, 38)], &speeds);
            session.run(Some(at(50_000)));
            let name = format!("{path}, {speeds:?}: {:?}, {:?}", jumps(&session), errors(&session));
            assert_eq!((stalls(&session), jumps(&session).len()), (1, 1), "{name}");
            let (late, target) = latency(&session);
            assert!(late <= target + MediaTime::from_millis(700), "{late}, {target}: {name}");
            session.run(Some(at(120_000)));
            assert_eq!((stalls(&session), jumps(&session).len()), (1, 1), "{name}");
        }
    }
}

#[test]
fn after_a_short_stall_speed_makes_it_good() {
    for path in [PARTS, CHUNKS, CHUNKS_UNBOUNDED] {
        let mut session = plays(path, &[(30, 33)], &PlaybackSpeeds::Any);
        session.run(Some(at(150_000)));
        let name = format!("{path}: {:?}, {:?}", jumps(&session), errors(&session));
        assert_eq!((stalls(&session), jumps(&session).len()), (1, 0), "{name}");
        let (late, target) = latency(&session);
        assert!(late <= target + MediaTime::from_millis(300), "{late}, {target}: {name}");
    }
}

#[test]
fn where_latency_is_not_low_ten_seconds_are_waited_out_and_more_is_left_out() {
    for path in [HLS, DASH] {
        for (up, jumped) in [(44, 0), (60, 1)] {
            let mut session = plays(path, &[(30, up)], &PlaybackSpeeds::Any);
            session.run(Some(at(90_000)));
            let name = format!("{path}, {up}: {:?}, {:?}", jumps(&session), errors(&session));
            assert_eq!((stalls(&session), jumps(&session).len()), (1, jumped), "{name}");
            let (late, target) = latency(&session);
            assert!(jumped == 0 || late <= target + secs(1), "{late}, {target}: {name}");
            assert_eq!(session.engine().snapshot(session.now()).state, State::Playing, "{name}");
        }
    }
}

#[test]
fn whoever_went_back_in_time_is_left_there() {
    for path in [PARTS, CHUNKS, HLS, DASH] {
        for back in [5, 30] {
            let mut session = plays(path, &[(40, 46)], &PlaybackSpeeds::Any);
            session.run(Some(at(20_000)));
            let target = session.engine().snapshot(session.now()).position - secs(back);
            session.schedule(session.now(), Command::Seek(target));
            session.run(Some(at(80_000)));
            assert_eq!(jumps(&session).len(), 1, "{path}: its own alone: {:?}", jumps(&session));
            let played = session.engine().snapshot(session.now()).position - target;
            assert!((secs(52)..secs(61)).contains(&played), "{path}: {played}");
        }
    }
}

#[test]
fn whoever_paused_goes_on_where_that_was() {
    for path in [PARTS, CHUNKS, HLS, DASH] {
        let mut session = plays(path, &[], &PlaybackSpeeds::Any);
        session.schedule(at(20_000), Command::Pause);
        session.schedule(at(40_000), Command::Play);
        session.run(Some(at(70_000)));
        assert_eq!(jumps(&session), [], "{path}");
        let (late, target) = latency(&session);
        assert!(late > target + secs(18), "{path}: {late}, {target}");
    }
}

#[test]
fn a_line_that_fails_again_and_again_makes_it_jump_no_more_than_each_twenty_seconds() {
    let spans: Vec<(u64, u64)> = (1..12).map(|n| (n * 12 + 10, n * 12 + 17)).collect();
    for path in [PARTS, CHUNKS, CHUNKS_UNBOUNDED] {
        let mut session = plays(path, &spans, &PlaybackSpeeds::Any);
        session.run(Some(at(300_000)));
        let jumps = jumps(&session);
        assert!(!jumps.is_empty(), "{path}");
        let near = jumps.windows(2).find(|pair| pair[1].0.since(pair[0].0) < Duration::from_secs(20));
        assert_eq!(near, None, "{path}: {jumps:?}");
    }
}

/// The encoder stood for a quarter of a minute and went on where it had stopped: nothing was lost, and there is nothing to
/// jump to.
#[test]
fn behind_an_encoder_that_stood_nothing_is_jumped_over_that_there_is_not() {
    let mut session = Origin::new().stopping(20_000, 35_000).play(HLS);
    session.run(Some(at(120_000)));
    assert_eq!(jumps(&session), []);
    assert_eq!(session.engine().snapshot(session.now()).state, State::Playing, "{:?}", errors(&session));
}
