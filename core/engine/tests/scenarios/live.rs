//! Scenarios 12 and 13: in the background, and at the live edge.

use std::time::Duration;

use telecine_engine::{Config, DecisionKind, Engine};
use telecine_model::{MediaTime, Timestamp, WallTime};
use telecine_virtual::{Network, Session};

use crate::common::{at, errors, secs};
use crate::origin::{with_text, Origin, BEGIN};
use crate::stage::{believed, buffering, played, session, stalled, steady, title, Stage};

/// In the background from a time on: callbacks once a second for five minutes, then timers once a minute for five more (what
/// network and media report is no timer: it goes on once a second).
fn in_the_background<S: telecine_virtual::Source>(session: Session<S>, from: u64) -> (Session<S>, Timestamp) {
    let (first, second, end) = (at(from), at(from + 300_000), at(from + 600_000));
    let (second_long, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    (session.hidden(first, second, second_long, second_long).hidden(second, end, second_long, minute), end)
}

#[test]
fn s12_on_demand_the_background_is_not_noticed() {
    for kbps in [2000, 10_000] {
        let session = session(buffering(30), Stage::of(title(700)), "main.mpd", steady(kbps));
        let (session, end) = in_the_background(session, 30_000);
        let session = played(session);
        let believed = believed(&session, at(30_000), end);
        let least = believed.iter().min().expect("it was measured");
        println!("{kbps}: {:?}, at least {least}", stalled(&session));
        assert_eq!(stalled(&session), Duration::ZERO, "{kbps}");
        // Bytes that are heard of up to a second late are no slower line.
        assert!(*least >= kbps * 1000 / 2, "{kbps}: {believed:?}");
    }
}

fn latency(session: &Session<Origin>) -> (MediaTime, MediaTime) {
    let edge = session.engine().snapshot(session.now()).edge.expect("it is live");
    (edge.latency.expect("it is known"), edge.target)
}

/// In the background for ten minutes from a time on, and in the foreground for ten seconds: how far off the latency that is
/// wanted is, by what the player knows and by where it was before.
fn back_from_the_background(path: &str, origin: Origin, from: u64) -> MediaTime {
    let network: Network = "rate=10Mbps,rtt=40ms".parse().expect("a network");
    let session = Session::with_engine(Engine::new(Config::default()), origin, Timestamp::ZERO)
        .network(network)
        .wall_clock(WallTime::from_millis(BEGIN as i64))
        .play(format!("https://origin.example{path}"));
    let (mut session, end) = in_the_background(session, from);
    session.run(Some(at(from)));
    let behind = |session: &Session<Origin>| {
        MediaTime::from_duration(session.now().since(Timestamp::ZERO))
            - session.engine().snapshot(session.now()).position
    };
    let before = behind(&session);
    session.run(Some(end));
    let stood = stalled(&session);
    session.run(Some(end + Duration::from_secs(10)));
    let moved = behind(&session) - before;
    let (is, wanted) = latency(&session);
    let least = believed(&session, at(from), end).into_iter().min();
    println!("{path} from {from}: {is} of {wanted}, moved by {moved}, stood {stood:?}, at least {least:?}");
    assert!(least.is_some_and(|least| least >= 5_000_000), "{path}: {least:?}");
    assert_eq!((stood, errors(&session)), (Duration::ZERO, vec![]), "{path}");
    is.abs_diff(wanted).max(moved.abs_diff(MediaTime::ZERO))
}

#[test]
fn s12_live_is_where_it_should_be_ten_seconds_after_the_background() {
    for path in ["/dash/live_60/utc_direct/demo/number.mpd", "/hls/live_60/demo/main.m3u8"] {
        // Lists and callbacks come by the second: how they meet matters.
        for from in (30_000..32_000).step_by(350) {
            let off = back_from_the_background(path, Origin::new(), from);
            assert!(off <= MediaTime::from_millis(500), "{path} from {from}: {off} off");
        }
    }
}

#[test]
fn s12_where_no_dates_tell_what_is_made_now_what_is_heard_of_late_does_not_either() {
    let undated = |text: String| {
        let lines = text.lines().filter(|line| !line.starts_with("#EXT-X-PROGRAM-DATE-TIME"));
        lines.fold(String::new(), |text, line| text + line + "\n")
    };
    for from in (30_000..32_000).step_by(350) {
        let origin = Origin::new().editing(move |_, path, response| match path.ends_with(".m3u8") {
            true => with_text(response, undated),
            false => response.into(),
        });
        let off = back_from_the_background("/hls/live_60/demo/main.m3u8", origin, from);
        assert!(off <= MediaTime::from_millis(500), "from {from}: {off} off");
    }
}

#[test]
fn s13_the_live_edge_is_kept_for_an_hour_whatever_the_clocks_do() {
    for (skew, ppm) in [(120_000, 100), (-120_000, -100)] {
        let options = "live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/jitter_300";
        let path = format!("/dash/{options}/drift_{ppm}/start_1795780300/demo/number.mpd");
        let mut config = Config::default();
        config.live.latency_target = Some(secs(3));
        let origin = Origin::new();
        let log = origin.log.clone();
        let mut session = origin.play_with(config, &path).wall_clock(WallTime::from_millis(BEGIN as i64 + skew));
        session.run(Some(at(3_600_000)));
        let late = |asked: &&crate::origin::Asked| matches!(asked.status, 404 | 425) && asked.at > at(10_000);
        let early = log.borrow().iter().filter(late).count();
        let latency = session.engine().qoe(session.now()).latency.expect("it was read");
        let speeds: Vec<(Timestamp, f64)> = session
            .decisions()
            .filter(|decision| decision.what == DecisionKind::Rate)
            .filter_map(|decision| {
                let speed = match decision.to.as_deref()?.split(' ').next()? {
                    "normal" => 1.0,
                    times => times.parse().ok()?,
                };
                Some((decision.at, speed))
            })
            .collect();
        // From faster than normal to slower, or back, within a minute.
        let ways: Vec<(Timestamp, bool)> =
            speeds.iter().filter(|(_, speed)| *speed != 1.0).map(|(at, speed)| (*at, *speed > 1.0)).collect();
        let turns: Vec<Timestamp> = ways.windows(2).filter(|two| two[0].1 != two[1].1).map(|two| two[1].0).collect();
        let many = turns.windows(3).find(|three| three[2].since(three[0]) < Duration::from_secs(60));
        println!("{skew}: {early} too early, p95 {:?} of {:?}, {} turns", latency.p95, latency.target, turns.len());
        assert_eq!(early, 0, "{skew}");
        assert!(latency.p95 <= latency.target + Duration::from_millis(500), "{skew}: {latency:?}");
        assert_eq!(latency.target, Duration::from_secs(3), "{skew}");
        assert!(speeds.iter().all(|(_, speed)| (speed - 1.0).abs() <= 0.0301), "{skew}: {speeds:?}");
        assert_eq!(many, None, "{skew}: {turns:?}");
        assert_eq!((stalled(&session), errors(&session)), (Duration::ZERO, vec![]), "{skew}");
    }
}
