//! DASH titles that go on: clocks, availability, refreshes.

use std::time::Duration;

use telecine_engine::{Command, Config, Event, State};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind, WallTime};
use telecine_virtual::{Failure, Outcome, Response, Session};

use crate::common::{at, errors, secs, states, track};
use crate::origin::{with_text, Asked, Origin, BEGIN};

const TIME: &str = "/dash/live_60/utc_direct/demo/time.mpd";
const NUMBER: &str = "/dash/live_60/utc_direct/demo/number.mpd";
const TIMELINE_NUMBER: &str = "/dash/live_60/utc_direct/demo/timeline-number.mpd";

fn run(mut session: Session<Origin>, seconds: u64) -> Session<Origin> {
    assert_eq!(session.run(Some(at(seconds * 1000))), Outcome::Until, "{:?}", errors(&session));
    session
}

fn stalls(session: &Session<Origin>) -> usize {
    session.events().iter().filter(|event| matches!(event, Event::StallStarted { .. })).count()
}

fn started(session: &Session<Origin>) -> (Timestamp, MediaTime) {
    let started = |event: &Event| match event {
        Event::Started { at, position } => Some((*at, *position)),
        _ => None,
    };
    session.events().iter().find_map(started).unwrap_or_else(|| panic!("it started: {:?}", errors(session)))
}

fn warnings(session: &Session<Origin>) -> Vec<String> {
    let loaded = |event: &Event| match event {
        Event::Loaded { warnings, .. } => Some(warnings.iter().map(|warning| warning.rule.clone()).collect()),
        _ => None,
    };
    session.events().iter().find_map(loaded).expect("it was loaded")
}

/// From the first sample to the last there is each of them, once.
fn every_sample_once(session: &Session<Origin>, kind: TrackKind) {
    let track = track(session, kind);
    let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
    let (ticks, of) = if kind == TrackKind::Video { (1, 25) } else { (1024, 48_000) };
    let each = MediaTime::from_secs(ticks).mul_ratio(1, of);
    let count = (last - first).units() / each.units() + 1;
    assert_eq!((track.samples, track.gaps), (count as u64, 0), "{kind:?} from {first} to {last}");
}

/// The point of the timeline that is produced at a moment of the session: it began in 1970.
fn produced(at: Timestamp) -> MediaTime {
    MediaTime::from_millis(BEGIN as i64) + MediaTime::from_micros(at.as_micros() as i64)
}

fn asked(log: &[Asked], matches: impl Fn(&str) -> bool) -> Vec<Asked> {
    log.iter().filter(|asked| matches(&asked.path)).cloned().collect()
}

fn is_segment(path: &str) -> bool {
    path.ends_with(".m4s")
}

fn is_mpd(path: &str) -> bool {
    path.ends_with(".mpd")
}

#[test]
fn d043_a_live_title_plays_on_without_a_stall_and_without_a_gap_however_it_is_addressed() {
    for path in [TIME, NUMBER, TIMELINE_NUMBER] {
        let session = run(Origin::new().play(path), 600);
        assert_eq!(states(&session).last(), Some(&State::Playing), "{path}");
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path}");
        every_sample_once(&session, TrackKind::Video);
        every_sample_once(&session, TrackKind::Audio);
    }
}

#[test]
fn d031_nothing_is_asked_for_before_it_is_there_nor_refused() {
    for path in [TIME, NUMBER, TIMELINE_NUMBER] {
        let origin = Origin::new();
        let log = origin.log.clone();
        let _session = run(origin.play(path), 120);
        let segments = asked(&log.borrow(), is_segment);
        assert!(segments.len() > 100, "{path}: {}", segments.len());
        let refused: Vec<&Asked> = segments.iter().filter(|asked| asked.status != 200).collect();
        assert!(refused.is_empty(), "{path}: {refused:?}");
    }
}

#[test]
fn d034_playback_begins_as_far_behind_the_edge_as_the_mpd_suggests() {
    for (path, delay) in [
        ("/dash/live_60/utc_direct/spd_11/demo/number.mpd", 11_000),
        ("/dash/live_60/utc_direct/spd_11/demo/time.mpd", 11_000),
        // Three segments of two seconds.
        (NUMBER, 6000),
    ] {
        let mut session = Origin::new().play(path);
        session.run(Some(at(10_000)));
        let (began, position) = started(&session);
        // It was resolved when the MPD was there.
        let behind = produced(began) - position;
        let exact = MediaTime::from_millis(delay);
        assert!(behind >= exact && behind < exact + MediaTime::from_millis(1200), "{path}: {behind}");
    }
}

#[test]
fn d028_the_latency_stays_what_it_was_for_an_hour() {
    let session = run(Origin::new().play(NUMBER), 3600);
    let position = session.engine().snapshot(session.now()).position;
    let (began, first) = started(&session);
    let drift = (produced(session.now()) - position).abs_diff(produced(began) - first);
    assert!(drift < MediaTime::from_millis(100), "{drift}");
    assert_eq!(stalls(&session), 0);
}

#[test]
fn d022_d023_every_clock_of_an_mpd_is_asked_in_its_way() {
    for (clock, loads) in [("xsdate", 1), ("iso", 1), ("head", 1), ("direct", 0)] {
        let origin = Origin::new().editing(|now, path, mut response| {
            if path == "/time" {
                // What an answer to HEAD says.
                response.date = Some(WallTime::from_millis((BEGIN + now.as_micros() / 1000) as i64 / 1000 * 1000));
            }
            response.into()
        });
        let log = origin.log.clone();
        // The device's clock is an hour slow.
        let session = origin
            .play(&format!("/dash/live_60/utc_{clock}/demo/number.mpd"))
            .wall_clock(WallTime::from_millis(BEGIN as i64 - 3_600_000));
        let session = run(session, 20);
        let (began, position) = started(&session);
        let behind = produced(began) - position;
        assert!(behind > MediaTime::from_millis(5400) && behind < MediaTime::from_millis(8000), "{clock}: {behind}");
        assert_eq!(asked(&log.borrow(), |path| path == "/time").len(), loads, "{clock}");
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{clock}");
        let refused = asked(&log.borrow(), is_segment).iter().filter(|asked| asked.status != 200).count();
        assert_eq!(refused, 0, "{clock}");
    }
}

#[test]
fn d023_a_clock_that_does_not_answer_is_followed_by_the_next_one() {
    let origin = Origin::new().editing(|_, path, response| match path {
        "/time" => Failure::new(ErrorCode::ConnectFailed, "nobody listens").into(),
        _ => response.into(),
    });
    let session = origin
        .play("/dash/live_60/utc_xsdate-iso-direct/demo/number.mpd")
        .wall_clock(WallTime::from_millis(BEGIN as i64 + 86_400_000));
    let session = run(session, 20);
    let codes: Vec<ErrorCode> = errors(&session).iter().map(Error::code).collect();
    assert_eq!(codes, [ErrorCode::ConnectFailed, ErrorCode::ConnectFailed]);
    let (began, position) = started(&session);
    assert!(produced(began) - position < MediaTime::from_millis(8000));
}

#[test]
fn d022_d025_without_a_clock_the_date_of_the_answer_is_taken_and_told() {
    let origin = Origin::new().editing(|now, path, mut response| {
        if is_mpd(path) {
            response.date = Some(WallTime::from_millis((BEGIN + now.as_micros() / 1000) as i64 / 1000 * 1000));
        }
        response.into()
    });
    let log = origin.log.clone();
    let session = origin.play("/dash/live_60/demo/number.mpd").wall_clock(WallTime::from_millis(0));
    let session = run(session, 60);
    assert_eq!(warnings(&session), ["D022"]);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    let refused = asked(&log.borrow(), is_segment).iter().filter(|asked| asked.status != 200).count();
    assert_eq!(refused, 0, "the uncertainty is waited for");
}

#[test]
fn d106_a_device_that_knows_no_time_plays_what_is_listed() {
    for path in ["/dash/live_60/demo/time.mpd", "/dash/live_60/demo/timeline-number.mpd"] {
        let dateless = Origin::new().editing(|_, _, mut response| {
            response.date = None;
            response.into()
        });
        let session = run(dateless.play(path).wall_clock(WallTime::from_millis(0)), 60);
        assert_eq!(warnings(&session), ["D022", "D106"], "{path}");
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path}");
        let (began, position) = started(&session);
        let behind = produced(began) - position;
        assert!(behind > secs(4) && behind < secs(10), "{path}: {behind}");
        every_sample_once(&session, TrackKind::Video);
    }
}

#[test]
fn d025_a_clock_that_is_asked_again_follows_one_that_runs_away() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let _session = run(origin.play("/dash/live_60/utc_iso/demo/number.mpd"), 1800);
    let times: Vec<u128> = asked(&log.borrow(), |path| path == "/time")
        .windows(2)
        .map(|pair| pair[1].at.since(pair[0].at).as_secs().into())
        .collect();
    // After half a minute, and more seldom as long as it turns out to be right: up to ten minutes.
    assert_eq!(times, [30, 60, 120, 240, 480, 600], "{times:?}");
}

#[test]
fn d038_d041_the_mpd_is_fetched_when_its_update_period_is_over_and_not_more_often_than_segments_come() {
    let loads = |path: &str| {
        let origin = Origin::new();
        let log = origin.log.clone();
        let _session = run(origin.play(path), 120);
        let loads = asked(&log.borrow(), is_mpd);
        loads
    };
    // Nothing is to be updated: once.
    assert_eq!(loads(NUMBER).len(), 1, "D040");
    let regular = loads("/dash/live_60/utc_direct/mup_5/demo/number.mpd");
    let gaps: Vec<u128> = regular.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_millis()).collect();
    assert!(gaps.iter().all(|gap| (5000..=5600).contains(gap)), "{gaps:?}");
    // Two seconds each: as often as segments come.
    let listed = loads(TIME);
    assert!((55..=75).contains(&listed.len()), "{}", listed.len());
    // D039: on demand, which is as often as segments come too.
    let demanded = loads("/dash/live_60/utc_direct/mup_0/demo/time.mpd");
    assert!((50..=75).contains(&demanded.len()), "{}", demanded.len());
}

#[test]
fn d049_an_older_version_of_the_mpd_is_ignored() {
    let mut older: Vec<Response> = Vec::new();
    let origin = Origin::new().editing(move |_, path, response| {
        if !is_mpd(path) {
            return response.into();
        }
        older.push(response.clone());
        match older.len() % 5 == 0 {
            true => older[older.len() - 4].clone().into(),
            false => response.into(),
        }
    });
    let session = run(origin.play(TIME), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn d041_an_outage_of_the_mpd_shorter_than_what_is_buffered_is_not_seen() {
    let origin =
        Origin::new().editing(|now, path, response| match is_mpd(path) && (at(20_000)..at(23_000)).contains(&now) {
            true => Response::new(503, "https://origin.example/", "").into(),
            false => response.into(),
        });
    let session = run(origin.play(TIME), 60);
    assert_eq!(stalls(&session), 0, "{:?}", errors(&session));
    assert!(errors(&session).len() < 6, "{:?}", errors(&session));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn d050_the_mpd_is_fetched_from_where_it_says_and_elsewhere_if_that_fails() {
    let locate = "<Location>https://one.example/dash/live_60/utc_direct/demo/time.mpd</Location>\
                  <Location>https://two.example/dash/live_60/utc_direct/demo/time.mpd</Location>";
    let origin = Origin::new().editing(move |now, path, response| {
        if !is_mpd(path) {
            return response.into();
        }
        if response.url.contains("one.example") && now > at(20_000) {
            return Response::new(503, "https://one.example/", "").into();
        }
        with_text(response, |text| text.replacen("<Period", &format!("{locate}<Period"), 1))
    });
    let log = origin.urls.clone();
    let session = run(origin.play(TIME), 60);
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    let hosts: Vec<(Timestamp, String)> =
        log.borrow().iter().filter(|(_, url)| url.ends_with(".mpd")).map(|(at, url)| (*at, url.clone())).collect();
    assert!(hosts[0].1.contains("origin.example") && hosts[1].1.contains("one.example"), "{hosts:?}");
    let late: Vec<&String> = hosts.iter().filter(|(when, _)| *when > at(22_000)).map(|(_, url)| url).collect();
    assert!(late.len() > 10 && late.iter().all(|url| url.contains("two.example")), "{late:?}");
}

#[test]
fn d046_d047_a_title_that_ends_is_played_to_its_end() {
    let stop = BEGIN / 1000 + 30;
    for name in ["number", "time"] {
        let mut session = Origin::new().play(&format!("/dash/live_60/utc_direct/stop_{stop}/demo/{name}.mpd"));
        assert_eq!(session.run(Some(at(100_000))), Outcome::Ended, "{name}: {:?}", errors(&session));
        let ended = session.events().iter().filter(|event| matches!(event, Event::LiveEnded { .. })).count();
        assert_eq!((ended, errors(&session)), (1, Vec::new()), "{name}");
        assert!((at(33_000)..at(40_000)).contains(&session.now()), "{name}: {:?}", session.now());
        every_sample_once(&session, TrackKind::Video);
    }
}

#[test]
fn d047_a_live_mpd_that_becomes_static_loses_no_position() {
    let origin = Origin::new().editing(move |now, path, response| {
        if !is_mpd(path) || now < at(20_000) {
            return response.into();
        }
        with_text(response, |text| {
            let end = (BEGIN + 20_000) / 1000;
            let text =
                text.replace("type=\"dynamic\"", &format!("type=\"static\" mediaPresentationDuration=\"PT{end}S\""));
            text.replace(" minimumUpdatePeriod=\"PT2S\"", "")
        })
    });
    let mut session = origin.play(TIME);
    assert_eq!(session.run(Some(at(100_000))), Outcome::Ended, "{:?}", errors(&session));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    assert!((at(24_000)..at(32_000)).contains(&session.now()), "{:?}", session.now());
}

#[test]
fn d048_an_mpd_that_is_gone_ends_the_title() {
    let origin = Origin::new().editing(move |now, path, response| match is_mpd(path) && now > at(20_000) {
        true => Response::new(404, "https://origin.example/", "").into(),
        false => response.into(),
    });
    let mut session = origin.play(TIME);
    assert_eq!(session.run(Some(at(100_000))), Outcome::Ended, "{:?}", errors(&session));
    assert!((at(23_000)..at(35_000)).contains(&session.now()), "{:?}", session.now());
}

#[test]
fn d110_a_segment_that_is_late_is_waited_for_and_another_is_not_asked_for_instead() {
    let mut late = std::collections::BTreeMap::new();
    let origin = Origin::new().editing(move |now, path, response| {
        if !is_segment(path) || now < at(20_000) {
            return response.into();
        }
        // Each comes 300 ms after it was promised.
        let first: &mut Timestamp = late.entry(path.to_owned()).or_insert(now);
        match now < *first + Duration::from_millis(300) {
            true => Response::new(404, "https://origin.example/", "").into(),
            false => response.into(),
        }
    });
    let session = run(origin.play(NUMBER), 60);
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}

#[test]
fn d032_d033_seeks_stay_within_the_window() {
    for path in [NUMBER, TIME] {
        let mut session = Origin::new()
            .play(path)
            .at(at(20_000), Command::Seek(MediaTime::MAX))
            .at(at(40_000), Command::Seek(MediaTime::ZERO));
        session.run(Some(at(21_000)));
        let near = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(near > secs(5) && near < secs(9), "{path}: {near}");
        session.run(Some(at(42_000)));
        let far = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(far > secs(55) && far < secs(63), "{path}: {far}");
        session.run(Some(at(100_000)));
        assert_eq!(states(&session).last(), Some(&State::Playing), "{path}");
    }
}

#[test]
fn d045_a_pause_beyond_the_window_goes_on_where_the_window_begins() {
    for path in [NUMBER, TIME] {
        let mut session = Origin::new().play(path).at(at(20_000), Command::Pause).at(at(200_000), Command::Play);
        session.run(Some(at(260_000)));
        assert_eq!(states(&session).last(), Some(&State::Playing), "{path}: {:?}", errors(&session));
        let behind = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(behind >= secs(6) && behind < secs(75), "{path}: {behind}");
    }
}

#[test]
fn a_recording_of_a_live_title_replays_to_the_same_actions() {
    let config = || {
        let mut config = Config::default();
        config.record = true;
        config
    };
    for path in [TIME, "/dash/live_60/utc_iso/demo/number.mpd"] {
        let mut session = run(Origin::new().play_with(config(), path), 60);
        let recording = session.take_recording();
        let replay = telecine_engine::replay(&recording).expect("a recording");
        assert!(replay.equal, "{path}: differs by input {:?} of {}", replay.differs_by_input, replay.inputs);
    }
}
