//! Interstitials of HLS titles (rfc8216bis, Appendix D), against the origin's answers.

use std::time::Duration;

use proptest::prelude::*;
use telecine_engine::{Capabilities, Command, Config, DecisionKind, Event, InterstitialPhase, State, TrackStats};
use telecine_model::{MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Fetched, ModelSink, Outcome, Response, Session};

use crate::common::{at, decisions, errors, secs};
use crate::origin::{refused, with_text, Origin};
use crate::watch::stalls;

/// Pictures a second of the demo title.
const RATE: u64 = 25;

const ASSET: &str = "https://origin.example/hls/dur_10/demo/main.m3u8";

/// The title as it is, with dates and these date ranges.
fn with_ranges(path: &str, response: Response, ranges: &[String]) -> Fetched {
    let is_media = path.starts_with("/hls/dur_60/") && path.ends_with(".m3u8") && !path.ends_with("main.m3u8");
    if !is_media {
        return response.into();
    }
    with_text(response, |text| {
        let date = "#EXT-X-PROGRAM-DATE-TIME:2026-11-27T00:00:00Z\n";
        let at = text.find("#EXTINF").expect("a segment");
        format!("{}{}{date}{}", &text[..at], ranges.concat(), &text[at..])
    })
}

/// A date range of an interstitial that begins so many milliseconds into the title.
fn range(id: &str, start_ms: u64, attributes: &str) -> String {
    let (seconds, ms) = (start_ms / 1000, start_ms % 1000);
    let date = format!("2026-11-27T00:{:02}:{:02}.{ms:03}Z", seconds / 60, seconds % 60);
    format!("#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"{date}\",{attributes}\n")
}

fn origin(ranges: Vec<String>) -> Origin {
    Origin::new().editing(move |_, path, response| match path {
        "/list" => {
            let mut response = response;
            response.status = 200;
            with_text(response, |_| {
                format!(r#"{{"ASSETS":[{{"URI":"{ASSET}","DURATION":10}},{{"URI":"/hls/dur_6/demo/main.m3u8","DURATION":6}}]}}"#)
            })
        }
        _ => with_ranges(path, response, &ranges),
    })
}

fn play(ranges: Vec<String>) -> Session<Origin> {
    played(origin(ranges).play("/hls/dur_60/demo/main.m3u8"))
}

fn played(mut session: Session<Origin>) -> Session<Origin> {
    let outcome = session.run(Some(at(200_000)));
    assert_eq!(outcome, Outcome::Ended, "{:?}\n{:?}", errors(&session), phases(&session));
    session
}

/// What was told of interstitials, in short.
fn phases(session: &Session<Origin>) -> Vec<String> {
    let short = |event: &Event| match event {
        Event::Interstitial { id, phase, .. } => Some(match phase {
            InterstitialPhase::Known { start } => format!("{id} known at {}", start.as_millis()),
            InterstitialPhase::Resolved { assets, .. } => format!("{id} has {assets}"),
            InterstitialPhase::Started { position } => format!("{id} started at {}", position.as_millis()),
            InterstitialPhase::AssetStarted { index, .. } => format!("{id} asset {index}"),
            InterstitialPhase::Failed { index, .. } => format!("{id} failed {index:?}"),
            InterstitialPhase::Ended { resume, reason } => format!("{id} {reason:?} to {}", resume.as_millis()),
            other => format!("{id} {other:?}"),
        }),
        _ => None,
    };
    session.events().iter().filter_map(short).collect()
}

/// Pictures of the title (an empty name) or of an asset (`<id>-<index>`) that the sink was given, each once.
fn pictures(session: &Session<Origin>, of: &str) -> u64 {
    stats(session, of).map_or(0, |stats| stats.samples)
}

fn stats(session: &Session<Origin>, of: &str) -> Option<TrackStats> {
    let own = |stats: &TrackStats| match stats.id.split_once('/') {
        Some((prefix, _)) => prefix == of,
        None => of.is_empty(),
    };
    session.sink_ref().tracks().into_iter().find(|stats| stats.kind == TrackKind::Video && own(stats))
}

fn ended_at(session: &Session<Origin>) -> Timestamp {
    let end = |event: &Event| match event {
        Event::Ended { at } => Some(*at),
        _ => None,
    };
    session.events().iter().find_map(end).expect("it ended")
}

fn started_at(session: &Session<Origin>) -> Timestamp {
    let start = |event: &Event| match event {
        Event::State { at, state: State::Playing } => Some(*at),
        _ => None,
    };
    session.events().iter().find_map(start).expect("it started")
}

/// How long the viewer watched, from the first picture to the end.
fn watched(session: &Session<Origin>) -> MediaTime {
    MediaTime::from_duration(ended_at(session).since(started_at(session)))
}

#[track_caller]
fn is_about(span: MediaTime, seconds: i64) {
    assert!(span.abs_diff(secs(seconds)) <= MediaTime::from_millis(300), "{span} and not {seconds} s");
}

#[test]
fn a_title_without_any_is_played_as_it_is() {
    let session = play(vec![]);
    assert_eq!(phases(&session), Vec::<String>::new());
    assert_eq!(pictures(&session, ""), 60 * RATE);
    is_about(watched(&session), 60);
}

#[test]
fn in01_an_asset_is_played_at_its_time_and_the_title_goes_on_where_it_stood() {
    let session = play(vec![range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"))]);
    let told = ["mid known at 20000", "mid has 1", "mid started at 20000", "mid asset 0", "mid Played to 20000"];
    assert_eq!(phases(&session), told);
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (60 * RATE, 10 * RATE));
    is_about(watched(&session), 70);
    assert_eq!(stalls(&session), 0);
    assert!(errors(&session).is_empty(), "{:?}", errors(&session));
    // Nobody sees a seam: it plays from the first picture to the last.
    let states: Vec<State> = session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [State::Loading, State::Preparing, State::Ready, State::Playing, State::Ended]);
    for of in ["", "mid-0"] {
        assert_eq!(stats(&session, of).map(|stats| stats.gaps), Some(0), "{of}");
    }
}

#[test]
fn in02_what_a_list_has_is_played_back_to_back() {
    let session = play(vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")]);
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    assert_eq!((pictures(&session, "mid-0"), pictures(&session, "mid-1")), (10 * RATE, 6 * RATE));
    is_about(watched(&session), 76);
    assert_eq!(stalls(&session), 0);
}

#[test]
fn in04_without_a_resume_offset_the_title_goes_on_as_if_it_had_been_played_meanwhile() {
    let session = play(vec![range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\""))]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Played to 30000"));
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (50 * RATE, 10 * RATE));
    is_about(watched(&session), 60);
}

#[test]
fn in05_it_ends_by_its_limit() {
    let attributes = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0,X-PLAYOUT-LIMIT=4");
    let session = play(vec![range("mid", 20_000, &attributes)]);
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (60 * RATE, 4 * RATE));
    is_about(watched(&session), 64);
}

#[test]
fn in_the_middle_of_a_segment_every_picture_of_the_title_is_shown_once() {
    // Segments are two seconds long.
    let session = play(vec![range("mid", 20_600, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"))]);
    assert_eq!(pictures(&session, "mid-0"), 10 * RATE, "{:?}", phases(&session));
    let ended = session.sink_ref().tracks();
    is_about(watched(&session), 70);
    assert!(ended.iter().all(|stats| stats.gaps == 0), "{ended:?}");
}

#[test]
fn in10_an_asset_that_cannot_be_had_is_left_out_and_nobody_notices() {
    let gone = "X-ASSET-URI=\"https://origin.example/gone.m3u8\",X-RESUME-OFFSET=30";
    let session = play(vec![range("mid", 20_000, gone)]);
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    is_about(watched(&session), 60);
    assert_eq!(stalls(&session), 0);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Failed to 20000"));
    let seeks = |event: &&Event| matches!(event, Event::State { state: State::Seeking, .. });
    assert_eq!(session.events().iter().filter(seeks).count(), 0);
}

#[test]
fn in10_one_of_a_list_that_cannot_be_had_is_skipped() {
    let ranges = vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")];
    let origin = Origin::new().editing(move |_, path, response| match path {
        "/list" => {
            let mut response = response;
            response.status = 200;
            with_text(response, |_| {
                format!(r#"{{"ASSETS":[{{"URI":"https://gone.example/x.m3u8"}},{{"URI":"{ASSET}"}}]}}"#)
            })
        }
        "/x.m3u8" => refused(),
        _ => with_ranges(path, response, &ranges),
    });
    let session = played(origin.play("/hls/dur_60/demo/main.m3u8"));
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-1")), (60 * RATE, 10 * RATE), "{:?}", phases(&session));
    assert!(phases(&session).contains(&"mid failed Some(0)".to_owned()));
}

#[test]
fn in14_before_and_behind_the_title() {
    let pre = range("pre", 0, &format!("CUE=\"PRE\",X-ASSET-URI=\"{ASSET}\""));
    let post = range("post", 0, "CUE=\"POST,ONCE\",X-ASSET-URI=\"https://origin.example/hls/dur_6/demo/main.m3u8\"");
    let session = play(vec![pre, post]);
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    assert_eq!((pictures(&session, "pre-0"), pictures(&session, "post-0")), (10 * RATE, 6 * RATE));
    is_about(watched(&session), 76);
    let order: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
    assert_eq!(order, ["pre asset 0", "post asset 0"]);
    assert_eq!(stalls(&session), 0);
}

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
fn in06_it_starts_and_the_title_goes_on_at_boundaries_of_segments() {
    // Segments are two seconds long.
    let attributes = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=9.3,X-SNAP=\"OUT,IN\"");
    let session = play(vec![range("mid", 20_700, &attributes)]);
    let told = phases(&session);
    assert!(told.contains(&"mid started at 20000".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("mid Played to 30000"), "20.7 + 9.3, a boundary as it is");
    let rounded = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=9,X-SNAP=\"IN\"");
    let session = play(vec![range("mid", 20_600, &rounded)]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Played to 30000"), "and not 29.6");
    assert_eq!(stalls(&session), 0);
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
fn in09_several_at_one_place_are_played_in_order_and_their_resume_offsets_add_up() {
    let six = "https://origin.example/hls/dur_6/demo/main.m3u8";
    let one = range("b-first", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=4"));
    let two = range("a-second", 20_000, &format!("X-ASSET-URI=\"{six}\",X-RESUME-OFFSET=6"));
    let session = play(vec![one, two]);
    let order: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
    assert_eq!(order, ["b-first asset 0", "a-second asset 0"]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("a-second Played to 30000"));
    assert_eq!((pictures(&session, "b-first-0"), pictures(&session, "a-second-0")), (10 * RATE, 6 * RATE));
    is_about(watched(&session), 66);
    assert_eq!(stalls(&session), 0);
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
fn an_asset_that_does_not_come_is_waited_for_no_longer_than_patience_lasts() {
    let ranges = vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")];
    let origin = Origin::new().editing(move |_, path, mut response| match path {
        "/list" => {
            response.status = 200;
            response.delay = std::time::Duration::from_secs(600);
            response.into()
        }
        _ => with_ranges(path, response, &ranges),
    });
    let mut config = Config::default();
    // So that it is not known long before.
    config.buffer_goal = secs(4);
    config.interstitials.lead = std::time::Duration::from_secs(2);
    let session = played(origin.play_with(config, "/hls/dur_60/demo/main.m3u8"));
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Failed to 20000"));
    is_about(watched(&session), 65);
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
fn in05_the_limit_is_of_all_assets_together() {
    let limit = "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0,X-PLAYOUT-LIMIT=";
    for (seconds, assets) in [(12, vec!["mid asset 0", "mid asset 1"]), (10, vec!["mid asset 0"])] {
        let session = play(vec![range("mid", 20_000, &format!("{limit}{seconds}"))]);
        is_about(watched(&session), 60 + seconds);
        let told: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
        assert_eq!(told, assets);
        assert!(!phases(&session).iter().any(|phase| phase.contains("failed")), "{:?}", phases(&session));
    }
}

#[test]
fn in09_one_that_begins_where_the_title_would_go_on_follows_at_once() {
    let asset = format!("X-ASSET-URI=\"{ASSET}\"");
    let session = play(vec![range("one", 20_000, &asset), range("two", 30_000, &asset)]);
    let told: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
    assert_eq!(told, ["one asset 0", "two asset 0"]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("two Played to 40000"));
    is_about(watched(&session), 60);
    assert_eq!((stalls(&session), errors(&session)), (0, vec![]));
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

/// A live programme in which every twenty seconds ten of something else are played in its place, for so long.
fn live(path: &str, seconds: u64) -> Session<Origin> {
    let mut session = Origin::new().play(path);
    assert_eq!(session.run(Some(at(seconds * 1000))), Outcome::Until, "{:?}", errors(&session));
    session
}

const LIVE: [&str; 4] = [
    "/hls/live_60/scte35_20/sgai_1/demo/main.m3u8",
    "/hls/live_60/parts_500/scte35_20/sgai_1/demo/main.m3u8",
    "/dash/live_60/mup_2/scte35_20/sgai_1/demo/number.mpd",
    "/dash/live_60/mup_2/scte35_20/sgai_1/demo/time.mpd",
];

#[test]
fn live_programmes_are_as_far_behind_the_edge_behind_breaks_as_before() {
    for path in LIVE {
        let session = live(path, 125);
        let told = phases(&session);
        let plays = told.iter().filter(|phase| phase.contains("asset 0")).count();
        assert!((5..=7).contains(&plays), "{path}: {told:?}");
        assert!(!told.iter().any(|phase| phase.contains("failed") || phase.contains("Failed")), "{path}: {told:?}");
        assert_eq!((stalls(&session), errors(&session).len()), (0, 0), "{path}: {:?}", errors(&session));
        for stats in session.sink_ref().tracks() {
            assert_eq!(stats.gaps, 0, "{path}: {stats:?}");
        }
        let edge = session.engine().snapshot(session.now()).edge.expect("live");
        let latency = edge.latency.expect("known");
        let lag = latency - edge.target;
        assert!(lag.abs_diff(MediaTime::ZERO) < MediaTime::from_millis(1_500), "{path}: {latency} of {}", edge.target);
    }
}

#[test]
fn in12_who_joins_in_the_middle_of_a_break_sees_the_rest_of_it() {
    let origin = Origin::new();
    let urls = std::rc::Rc::clone(&origin.urls);
    // The moment is 8.7 s into an interval of 24 whose first half is a break; playback begins eight seconds behind.
    let mut session = origin.play("/hls/live_60/scte35_24/sgai_1/demo/main.m3u8");
    session.run(Some(at(40_000)));
    let urls = urls.borrow();
    let lists: Vec<_> = urls.iter().map(|(_, url)| url).filter(|url| url.contains("assets.json")).collect();
    assert!(lists.iter().all(|url| url.contains("?_HLS_primary_id=") && url.contains("&_HLS_interstitial_id=")));
    let offset = lists[0].split_once("&_HLS_start_offset=").map(|(_, offset)| offset.parse::<f64>().expect("seconds"));
    let offset = offset.unwrap_or_else(|| panic!("{lists:?}"));
    assert!((0.5..5.0).contains(&offset), "{offset}");
    assert!(lists[1..].iter().all(|url| !url.contains("_HLS_start_offset")), "{lists:?}");
    let first = stats(&session, &format!("break-{}-0", 1_795_780_496 / 24)).expect("played");
    let rest = secs(12) - MediaTime::from_secs_f64(offset);
    let shown = first.last_pts.expect("pictures") - first.first_pts.expect("pictures");
    assert!(shown.abs_diff(rest) < MediaTime::from_millis(100), "{shown} of {rest}");
    let edge = session.engine().snapshot(session.now()).edge.expect("live");
    let lag = edge.latency.expect("known") - edge.target;
    assert!(lag.abs_diff(MediaTime::ZERO) < MediaTime::from_millis(1_500), "{edge:?}");
    assert_eq!((stalls(&session), errors(&session).len()), (0, 0), "{:?}", errors(&session));
}

#[test]
fn sinks_without_random_access_play_them_too() {
    for jumps in [false, true] {
        let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
        let late = range("late", 40_600, &format!("X-ASSET-URI=\"{ASSET}\""));
        let sink = ModelSink::new(Capabilities { random_access: false, jumps, ..Capabilities::default() });
        let session = played(origin(vec![mid, late]).play("/hls/dur_60/demo/main.m3u8").sink(sink));
        is_about(watched(&session), 70);
        assert_eq!((pictures(&session, "mid-0"), pictures(&session, "late-0")), (10 * RATE, 10 * RATE));
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]));
    }
}

#[test]
fn d063_an_inserted_presentation_holds_the_title_and_a_replacing_one_does_not() {
    let insert = "<EventStream schemeIdUri=\"urn:mpeg:dash:event:alternativeMPD:insert:2025\" timescale=\"1000\">\
        <Event presentationTime=\"20000\" id=\"1\"><InsertPresentation url=\"/dash/dur_10/demo/time.mpd\"/></Event>\
        </EventStream>";
    let replace = "<EventStream schemeIdUri=\"urn:mpeg:dash:event:alternativeMPD:replace:2025\" timescale=\"1000\">\
        <Event presentationTime=\"20000\" id=\"1\"><ReplacePresentation uri=\"/dash/dur_10/demo/time.mpd\" \
        maxDuration=\"6000\" returnOffset=\"14000\"/></Event></EventStream>";
    for (stream, of_title, of_asset, seconds) in [(insert, 60, 10, 70), (replace, 46, 6, 52)] {
        let origin = Origin::new().editing(move |_, path, response| match path {
            "/dash/dur_60/demo/number.mpd" => with_text(response, |text| {
                let at = text.find("<AdaptationSet").expect("a set");
                format!("{}{stream}{}", &text[..at], &text[at..])
            }),
            _ => response.into(),
        });
        let session = played(origin.play("/dash/dur_60/demo/number.mpd"));
        assert_eq!((pictures(&session, ""), pictures(&session, "1-0")), (of_title * RATE, of_asset * RATE));
        is_about(watched(&session), seconds);
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]), "{:?}", phases(&session));
    }
}

#[test]
fn in03_neither_a_live_asset_nor_what_an_asset_announces_is_played() {
    let live =
        range("mid", 20_000, "X-ASSET-URI=\"https://origin.example/hls/live_60/demo/main.m3u8\",X-RESUME-OFFSET=0");
    let session = play(vec![live]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Failed to 20000"));
    assert_eq!(pictures(&session, ""), 60 * RATE);
    // The title as its own asset: what it announces is announced again.
    let own = "X-ASSET-URI=\"https://origin.example/hls/dur_60/demo/main.m3u8\",X-RESUME-OFFSET=0,X-PLAYOUT-LIMIT=30";
    let session = play(vec![range("mid", 20_000, own)]);
    assert_eq!(phases(&session).iter().filter(|phase| phase.contains("started")).count(), 1);
    is_about(watched(&session), 90);
}

#[test]
fn in11_lists_are_asked_for_when_the_title_is_buffered_up_to_there_and_not_all_at_once() {
    let mut asked = std::collections::BTreeSet::new();
    for seed in 0..8 {
        let origin = origin(vec![range("mid", 50_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")]);
        let urls = std::rc::Rc::clone(&origin.urls);
        let mut config = Config::default();
        config.seed = seed;
        let session = played(origin.play_with(config, "/hls/dur_60/demo/main.m3u8"));
        let urls = urls.borrow();
        let lists: Vec<_> = urls.iter().filter(|(_, url)| url.contains("/list")).map(|(at, _)| *at).collect();
        assert_eq!(lists.len(), 1);
        // Thirty seconds are buffered: it is known from the twentieth on.
        let into = lists[0].since(started_at(&session)).as_secs();
        assert!((18..=30).contains(&into), "{into}");
        asked.insert(lists[0]);
    }
    assert!(asked.len() >= 6, "{asked:?}");
}

#[test]
fn in15_a_notice_lets_lists_be_asked_for_ahead_and_each_session_at_its_moment() {
    let notice = |uri: &str| {
        format!(
            "#EXT-X-DATERANGE:ID=\"pre\",CLASS=\"com.apple.hls.preload\",START-DATE=\"2026-11-27T11:54:58Z\",\
             DURATION=30,X-URI=\"{uri}\",X-TARGET-ID=\"mid\",X-TARGET-CLASS=\"com.apple.hls.interstitial\"\n"
        )
    };
    let mid = "#EXT-X-DATERANGE:ID=\"mid\",CLASS=\"com.apple.hls.interstitial\",\
               START-DATE=\"2026-11-27T11:55:50Z\",DURATION=10,X-ASSET-LIST=\"/hls/dur_10/demo/assets.json\"\n";
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..6 {
        let notice = notice("/hls/dur_10/demo/assets.json");
        let origin = Origin::new().editing(move |_, path, response| match path.ends_with("0.m3u8") {
            true => with_text(response, |text| text.replacen("#EXTINF", &format!("{notice}{mid}#EXTINF"), 1)),
            false => response.into(),
        });
        let urls = std::rc::Rc::clone(&origin.urls);
        let mut config = Config::default();
        config.seed = seed;
        let mut session = origin.play_with(config, "/hls/live_60/demo/main.m3u8");
        session.run(Some(at(90_000)));
        let urls = urls.borrow();
        let lists: Vec<_> = urls.iter().filter(|(_, url)| url.contains("assets.json")).map(|(at, _)| *at).collect();
        assert_eq!(lists.len(), 1, "asked once, and kept: {lists:?}");
        assert!(lists[0] < at(45_000), "{lists:?}");
        assert!(phases(&session).contains(&"mid has 1".to_owned()), "{:?}", phases(&session));
        moments.insert(lists[0]);
    }
    assert!(moments.len() >= 4, "{moments:?}");
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
/// When each break of a live title ended.
fn breaks_ended(session: &Session<Origin>) -> Vec<Timestamp> {
    let ended = |event: &Event| match event {
        Event::Interstitial { at, phase: InterstitialPhase::Ended { .. }, .. } => Some(*at),
        _ => None,
    };
    session.events().iter().filter_map(ended).collect()
}

#[test]
fn what_follows_a_break_is_not_chosen_as_if_the_buffer_were_empty() {
    for (path, top) in [
        // One rung less is what the rule makes of six seconds of buffer without breaks too.
        ("/hls/live_60/scte35_20/sgai_1/demo/main.m3u8", ["variant-2", "variant-3"]),
        ("/hls/live_60/parts_334/scte35_20/sgai_1/demo/main.m3u8", ["variant-3"; 2]),
        ("/dash/live_60/scte35_20/sgai_1/demo/time.mpd", ["v720"; 2]),
    ] {
        let mut session = Origin::new().play(path);
        session.run(Some(at(120_000)));
        assert!(breaks_ended(&session).len() >= 5, "{path}: {:?}", phases(&session));
        let decided = decisions(&session, DecisionKind::Bitrate);
        let pictures = decided.iter().filter(|choice| choice.kind == Some(TrackKind::Video) && choice.at > at(2_000));
        let less: Vec<_> = pictures.filter(|choice| !top.contains(&choice.to.as_deref().unwrap_or(""))).collect();
        assert!(less.is_empty(), "{path}: {less:?}");
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]), "{path}");
    }
}

#[test]
fn what_follows_a_break_is_fetched_before_it_ends() {
    // Of a title whose list reaches further than its breaks.
    let path = "/hls/live_60/scte35_20/sgai_1/demo/main.m3u8";
    let origin = Origin::new();
    let log = origin.log.clone();
    let mut session = origin.play(path);
    session.run(Some(at(120_000)));
    // Where playback begins in a break, it begins with all that there is of the title.
    for ended in breaks_ended(&session).into_iter().filter(|ended| *ended > at(5_000)) {
        let log = log.borrow();
        let title = |path: &str| path.ends_with(".m4s") && path.contains("/live_60/") && path.contains("/v");
        let before = log.iter().filter(|asked| title(&asked.path) && asked.at <= ended);
        let prepared = before.filter(|asked| ended.since(asked.at) < Duration::from_secs(5)).count();
        assert!((2..=3).contains(&prepared), "{ended:?}: {prepared}");
    }
}
