//! Clocks that are wrong, publishers that jitter, encoders that drift: all at once.

use std::time::Duration;

use telecine_engine::{DecisionKind, Event};
use telecine_model::{Timestamp, TrackKind, WallTime};
use telecine_virtual::{Outcome, Session};

use crate::common::{at, decisions, errors};
use crate::origin::{Origin, BEGIN};
use crate::watch::{every_sample_once_so_far, stalls};

const FLAVOURS: [&str; 5] = [
    "/hls/live_60/jitter_300/drift_100/start_1795780300/demo/main.m3u8",
    "/hls/live_60/parts_500/jitter_300/drift_-100/start_1795780300/demo/main.m3u8",
    "/dash/live_60/utc_iso/jitter_300/drift_-100/start_1795780300/demo/time.mpd",
    "/dash/live_60/utc_head/jitter_300/drift_100/start_1795780300/demo/number.mpd",
    "/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/jitter_300/start_1795780300/demo/number.mpd",
];

const HOUR: i64 = 3_600_000;

/// The speeds that were played at, in thousandths, and since when.
fn speeds(session: &Session<Origin>) -> Vec<(Timestamp, u32)> {
    let speed = |text: &Option<String>| text.as_ref()?.split(' ').next()?.parse().ok();
    let decided = decisions(session, DecisionKind::Rate).into_iter();
    decided.filter_map(|decision| Some((decision.at, speed(&decision.to)?))).collect()
}

/// When speed went from faster than normal to slower, or back.
fn turns(speeds: &[(Timestamp, u32)]) -> Vec<Timestamp> {
    let courses: Vec<(Timestamp, bool)> =
        speeds.iter().filter(|(_, speed)| *speed != 1000).map(|(at, speed)| (*at, *speed > 1000)).collect();
    courses.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0).collect()
}

#[test]
fn a_device_that_is_an_hour_wrong_follows_a_publisher_that_jitters_and_drifts() {
    for path in FLAVOURS {
        for wrong in [-HOUR, 0, HOUR] {
            let origin = Origin::new();
            let log = origin.log.clone();
            let mut session = origin.play(path).wall_clock(WallTime::from_millis(BEGIN as i64 + wrong));
            let name = format!("{path}, {wrong} ms");
            assert_eq!(session.run(Some(at(900_000))), Outcome::Until, "{name}: {:?}", errors(&session));
            assert_eq!(stalls(&session), 0, "{name}: {:?}", errors(&session));
            every_sample_once_so_far(&session, TrackKind::Video);
            every_sample_once_so_far(&session, TrackKind::Audio);

            let missing: Vec<Timestamp> =
                log.borrow().iter().filter(|asked| matches!(asked.status, 404 | 425)).map(|asked| asked.at).collect();
            let early = missing.iter().filter(|missing| **missing < at(10_000)).count();
            assert!(early <= 3 && missing.len() == early, "{name}: {missing:?}");

            let latency = session.engine().qoe(session.now()).latency.expect("it was read");
            assert!(latency.p95 <= latency.target + Duration::from_millis(500), "{name}: {latency:?}");
            let speeds = speeds(&session);
            assert!(speeds.iter().all(|(_, speed)| (970..=1030).contains(speed)), "{name}: {speeds:?}");
            let turns = turns(&speeds);
            let near = turns.windows(3).find(|three| three[2].since(three[0]) < Duration::from_secs(60));
            assert_eq!(near, None, "{name}: {turns:?}");
            let jumps = session
                .events()
                .iter()
                .filter(|event| matches!(event, Event::Decision(decision) if decision.what == DecisionKind::Seek));
            assert_eq!(jumps.count(), 0, "{name}");
        }
    }
}
