//! Interstitials, and what viewers and applications do with them.

use proptest::prelude::*;
use telecine_engine::{Capabilities, Command, Config, Event, State};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::{ModelSink, Outcome, Session};

use super::{
    ended_at, is_about, origin, phases, pictures, play, played, range, started_at, watched, with_ranges, ASSET, RATE,
};
use crate::common::{at, errors, secs};
use crate::origin::{with_text, Origin};
use crate::watch::stalls;

#[test]
fn a_viewer_may_skip_it_unless_that_is_restricted() {
    for (restrict, seconds) in [("", 62), (",X-RESTRICT=\"SKIP\"", 70)] {
        let attributes = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0{restrict}");
        let mut session = origin(vec![range("mid", 20_000, &attributes)]).play("/hls/dur_60/demo/main.m3u8");
        session.run(Some(at(10_000)));
        let due = started_at(&session) + std::time::Duration::from_secs(22);
        session.schedule(due, Command::SkipInterstitial);
        let session = played(session);
        is_about(watched(&session), seconds);
        assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
        let refused = errors(&session).len();
        assert_eq!(refused, usize::from(!restrict.is_empty()), "{:?}", errors(&session));
    }
}

/// The same, and the viewer does something so many seconds after the first picture.
fn play_and(ranges: Vec<String>, doing: &[(u64, Command)]) -> Session<Origin> {
    let mut session = origin(ranges).play("/hls/dur_60/demo/main.m3u8");
    session.run(Some(at(3_000)));
    let start = started_at(&session);
    for (seconds, command) in doing {
        session.schedule(start + std::time::Duration::from_secs(*seconds), command.clone());
    }
    played(session)
}

#[test]
fn in07_whoever_jumps_across_it_sees_it_first() {
    let mid = |restrict: &str| range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0{restrict}"));
    let jump = [(5, Command::Seek(secs(40)))];
    let free = play_and(vec![mid("")], &jump);
    assert!(!phases(&free).iter().any(|phase| phase.contains("started")), "{:?}", phases(&free));
    is_about(watched(&free), 25);
    let bound = play_and(vec![mid(",X-RESTRICT=\"JUMP\"")], &jump);
    assert!(phases(&bound).contains(&"mid asset 0".to_owned()), "{:?}", phases(&bound));
    assert_eq!(phases(&bound).last().map(String::as_str), Some("mid Played to 40000"));
    is_about(watched(&bound), 35);
}

#[test]
fn in07_it_is_neither_played_fast_nor_left_forwards_where_that_is_restricted() {
    let mid = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0,X-RESTRICT=\"SKIP\"");
    let doing = [(22, Command::SetRate(2000)), (24, Command::Seek(secs(40)))];
    let session = play_and(vec![range("mid", 20_000, &mid)], &doing);
    // 20 s, ten of the asset at normal speed, and 40 s at double speed.
    is_about(watched(&session), 50);
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (60 * RATE, 10 * RATE));
    assert_eq!(errors(&session).len(), 1, "{:?}", errors(&session));
}

#[test]
fn in09_it_is_not_played_again_where_the_title_goes_on_before_it() {
    let session = play(vec![range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=-4"))]);
    assert_eq!(pictures(&session, "mid-0"), 10 * RATE);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Played to 16000"));
    is_about(watched(&session), 74);
}

#[test]
fn in09_whoever_goes_back_sees_it_again_unless_it_is_for_once() {
    for (cue, times) in [("", 2), (",CUE=\"ONCE\"", 1)] {
        let mid = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0{cue}");
        let session = play_and(vec![range("mid", 20_000, &mid)], &[(40, Command::Seek(secs(10)))]);
        let started = phases(&session).iter().filter(|phase| phase.contains("asset 0")).count();
        assert_eq!(started, times, "{:?}", phases(&session));
        // 40 s, then from 10 s on.
        is_about(watched(&session), 40 + 50 + 10 * (times as i64 - 1));
        assert_eq!(errors(&session), []);
    }
}

#[test]
fn in13_a_seek_into_what_it_takes_the_place_of_leads_to_its_start() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=12"));
    let session = play_and(vec![mid], &[(5, Command::Seek(secs(26)))]);
    assert_eq!(phases(&session)[2..], ["mid started at 20000", "mid has 1", "mid asset 0", "mid Played to 32000"]);
    // 5 s, ten, and from 32 s on.
    is_about(watched(&session), 5 + 10 + 28);
}

#[test]
fn a_viewer_may_leave_it_for_another_place() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
    for target in [4, 50] {
        let session = play_and(vec![mid.clone()], &[(23, Command::Seek(secs(target)))]);
        let again = if target < 20 { 10 } else { 0 };
        is_about(watched(&session), 23 + 60 - target + again);
        assert!(phases(&session).contains(&format!("mid Left to {}000", target)), "{:?}", phases(&session));
        assert_eq!(errors(&session), []);
    }
}

#[test]
fn while_one_is_played_the_title_stands_where_it_is_held_and_the_asset_is_told() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=30,X-RESTRICT=\"SKIP\""));
    let mut session = origin(vec![mid]).play("/hls/dur_60/demo/main.m3u8");
    session.run(Some(at(3_000)));
    for seconds in [22, 28] {
        let moment = started_at(&session) + std::time::Duration::from_secs(seconds);
        session.run(Some(moment));
        let snapshot = session.programme().snapshot(moment);
        assert_eq!((snapshot.position, snapshot.duration, snapshot.state), (secs(20), Some(secs(60)), State::Playing));
        let shown = snapshot.interstitial.expect("one is played");
        assert_eq!((shown.id.as_str(), shown.asset, shown.skippable), ("mid", Some(0), false));
        assert!(shown.position.abs_diff(secs(seconds as i64 - 20)) < MediaTime::from_millis(50), "{shown:?}");
        assert_eq!(shown.duration, Some(secs(10)));
    }
    assert_eq!(session.programme().interstitials().len(), 1);
    assert!(session.programme().snapshot(session.now()).streams.iter().all(|stream| stream.bytes > 0));
}

#[test]
fn a_pause_in_it_holds_it() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
    let session = play_and(vec![mid], &[(23, Command::Pause), (40, Command::Play)]);
    is_about(watched(&session), 70 + 17);
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (60 * RATE, 10 * RATE));
    assert_eq!(stalls(&session), 0);
}

#[test]
fn the_application_may_end_a_title_earlier_and_what_lies_behind_that_is_not_played() {
    let ranges = || {
        vec![
            range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0")),
            range("late", 40_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0")),
        ]
    };
    let session = play_and(ranges(), &[(2, Command::SetEnd(Some(secs(31))))]);
    is_about(watched(&session), 41);
    assert!(!phases(&session).iter().any(|phase| phase.starts_with("late started")), "{:?}", phases(&session));
    assert!(pictures(&session, "") <= 31 * RATE + 1);
    // And take that back.
    let session = play_and(ranges(), &[(2, Command::SetEnd(Some(secs(31)))), (15, Command::SetEnd(None))]);
    is_about(watched(&session), 80);
}

#[test]
fn in02_a_list_may_say_when_it_may_be_skipped() {
    for (offset, seconds) in [(1, 63), (6, 70)] {
        let ranges = vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0,X-RESTRICT=\"SKIP\"")];
        let origin = Origin::new().editing(move |_, path, mut response| match path {
            "/list" => {
                response.status = 200;
                with_text(response, |_| {
                    format!(r#"{{"ASSETS":[{{"URI":"{ASSET}"}}],"SKIP-CONTROL":{{"OFFSET":{offset}}}}}"#)
                })
            }
            _ => with_ranges(path, response, &ranges),
        });
        let mut session = origin.play("/hls/dur_60/demo/main.m3u8");
        session.run(Some(at(3_000)));
        session.schedule(started_at(&session) + std::time::Duration::from_secs(23), Command::SkipInterstitial);
        let session = played(session);
        is_about(watched(&session), seconds);
    }
}

#[test]
fn a_seek_by_date_behind_one_leads_back_before_it() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
    let date = telecine_model::datetime::parse_date_time("2026-11-27T00:00:15Z").expect("a date");
    let session = play_and(vec![mid], &[(40, Command::SeekToTime(date))]);
    // 40 s, then from 15 s on, the asset once more.
    is_about(watched(&session), 40 + 45 + 10);
    assert_eq!((stalls(&session), errors(&session)), (0, vec![]));
}

#[test]
fn another_title_has_nothing_of_what_was_prepared() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
    for seconds in [10, 25] {
        let mut session = origin(vec![mid.clone()]).play("/hls/dur_60/demo/main.m3u8");
        session.run(Some(at(3_000)));
        let then = started_at(&session) + std::time::Duration::from_secs(seconds);
        let load = Command::Load { url: "https://origin.example/hls/dur_30/demo/main.m3u8".into(), start: None };
        session.schedule(then, load);
        session.schedule(then, Command::Play);
        let session = played(session);
        let last = session.events().iter().rev().find_map(|event| match event {
            Event::Started { at, .. } => Some(*at),
            _ => None,
        });
        let watched = MediaTime::from_duration(ended_at(&session).since(last.expect("started")));
        is_about(watched, 30);
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]), "{seconds}");
    }
}

#[test]
fn another_language_chosen_before_one_does_not_harm_it() {
    let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
    for random_access in [true, false] {
        let sink = ModelSink::new(Capabilities { random_access, ..Capabilities::default() });
        let mut session = origin(vec![mid.clone()]).play("/hls/dur_60/demo/main.m3u8").sink(sink);
        session.run(Some(at(3_000)));
        let tracks = session.engine().presentation().expect("loaded").periods[0].tracks.clone();
        let mut audio = tracks.iter().filter(|track| track.kind == TrackKind::Audio);
        let id = audio.nth(1).expect("a second language").id.clone();
        let other = Command::SelectTrack { kind: TrackKind::Audio, id };
        session.schedule(started_at(&session) + std::time::Duration::from_secs(15), other);
        let session = played(session);
        let told = phases(&session);
        assert_eq!(told.last().map(String::as_str), Some("mid Played to 20000"), "{told:?}");
        assert!(!told.iter().any(|phase| phase.contains("failed")), "{told:?}");
        assert_eq!(stalls(&session), 0, "{told:?}");
    }
}

#[test]
fn switched_off_titles_play_as_if_they_announced_none() {
    let mut config = Config::default();
    config.interstitials.enabled = false;
    let ranges = vec![range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"))];
    let session = played(origin(ranges).play_with(config, "/hls/dur_60/demo/main.m3u8"));
    assert_eq!(phases(&session), Vec::<String>::new());
    is_about(watched(&session), 60);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// Whatever is announced and whatever the viewer does, the title is played to its end.
    #[test]
    fn whatever_is_announced_and_done_the_title_is_played_to_its_end(
        announced in prop::collection::vec((0_u64..62_000, 0_usize..ATTRIBUTES.len(), 0_usize..ASSETS.len()), 0..4),
        doing in prop::collection::vec((0_u64..90_000, 0_usize..6, 0_i64..62_000), 0..6),
        random_access in any::<bool>(),
        jumps in any::<bool>(),
        seed in 0_u64..1_000,
    ) {
        let ranges = announced.iter().enumerate().map(|(number, (start, attributes, asset))| {
            range(&format!("r{number}"), *start, &format!("{},{}", ASSETS[*asset], ATTRIBUTES[*attributes]))
        });
        let sink = ModelSink::new(Capabilities { random_access, jumps, ..Capabilities::default() });
        let mut config = Config::default();
        config.seed = seed;
        let mut session = origin(ranges.collect()).play_with(config, "/hls/dur_60/demo/main.m3u8").sink(sink);
        for (ms, what, target) in &doing {
            let command = match what {
                0 | 1 => Command::Seek(MediaTime::from_millis(*target)),
                2 => Command::Pause,
                3 => Command::SkipInterstitial,
                4 => Command::SetRate(if target % 2 == 0 { 2000 } else { 1000 }),
                _ => Command::Play,
            };
            session.schedule(at(*ms), command);
        }
        session.schedule(at(100_000), Command::Play);
        let outcome = session.run(Some(at(900_000)));
        let told = phases(&session);
        prop_assert_eq!(outcome, Outcome::Ended, "{:?} {:?} {:?}", told, errors(&session), session.engine().snapshot(session.now()));
        prop_assert!(errors(&session).iter().all(|error| !error.is_fatal()));
        // Each that started has ended.
        let count = |what: &str| told.iter().filter(|phase| phase.contains(what)).count();
        let ends = count("Played") + count("Skipped") + count("Left");
        prop_assert!(ends <= count("started") && count("started") <= ends + count("Failed to"), "{:?}", told);
    }
}

const ATTRIBUTES: [&str; 8] = [
    "X-RESUME-OFFSET=0",
    "X-RESUME-OFFSET=12",
    "X-RESUME-OFFSET=-5,CUE=\"ONCE\"",
    "X-RESTRICT=\"SKIP,JUMP\"",
    "CUE=\"PRE\"",
    "CUE=\"POST\"",
    "X-SNAP=\"OUT,IN\",X-PLAYOUT-LIMIT=7",
    "X-SNAP=\"IN\",DURATION=10",
];

const ASSETS: [&str; 5] = [
    "X-ASSET-URI=\"https://origin.example/hls/dur_10/demo/main.m3u8\"",
    "X-ASSET-URI=\"https://origin.example/dash/dur_6/demo/number.mpd\"",
    "X-ASSET-LIST=\"/list\"",
    "X-ASSET-LIST=\"/gone\"",
    "X-ASSET-URI=\"https://origin.example/gone.m3u8\"",
];

/// How many: as in the tests of chaos, `TELECINE_SEEDS` explores.
fn cases() -> u32 {
    std::env::var("TELECINE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(48)
}
