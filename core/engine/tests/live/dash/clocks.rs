//! DASH titles that go on: what time it is.

use std::time::Duration;

use telecine_engine::Config;
use telecine_model::{Error, ErrorCode, MediaTime, TrackKind, WallTime};
use telecine_virtual::{Failure, Outcome, Response, Session};

use super::{asked, between, is_mpd, is_segment, produced, warnings, TIME};
use crate::common::{at, errors, secs};
use crate::origin::{with_text, Origin, BEGIN};
use crate::watch::{every_sample_once, run, stalls, started};

/// An origin whose answers have no date.
fn undated() -> Origin {
    Origin::new().editing(|_, _, mut response| {
        response.date = None;
        response.into()
    })
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
        let session = run(undated().play(path).wall_clock(WallTime::from_millis(0)), 60);
        assert_eq!(warnings(&session), ["D022", "D106"], "{path}");
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path}");
        let (began, position) = started(&session);
        let behind = produced(began) - position;
        assert!(behind > secs(4) && behind < secs(10), "{path}: {behind}");
        every_sample_once(&session, TrackKind::Video);
    }
}

#[test]
fn d106_a_clock_of_the_mpd_that_is_a_day_off_is_overruled_by_what_is_listed() {
    for clock in ["2026-11-26T11:54:56.000Z", "2026-11-28T11:54:56.000Z"] {
        let origin = Origin::new().editing(move |_, path, response| match is_mpd(path) {
            true => with_text(response, |text| {
                let direct = between(&text, "direct:2014\" value=\"", "\"");
                text.replace(&format!("value=\"{direct}\""), &format!("value=\"{clock}\""))
            }),
            false => response.into(),
        });
        let session = run(origin.play(TIME), 60);
        assert_eq!(warnings(&session), ["D106"], "{clock}");
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{clock}");
        every_sample_once(&session, TrackKind::Video);
    }
}

#[test]
fn d022_without_any_clock_a_title_of_computed_segments_fails_and_says_why() {
    let mut session = Session::new(Config::default(), undated())
        .play("https://origin.example/dash/live_60/demo/number.mpd".to_owned());
    let Outcome::Failed(Some(error)) = session.run(Some(at(20_000))) else { panic!("it plays") };
    assert_eq!(error.code(), ErrorCode::ManifestMissing);
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
fn d025_segments_that_are_not_there_let_the_clock_be_asked_at_once() {
    let origin = Origin::new().editing(move |now, path, response| {
        let late = is_segment(path) && (at(20_000)..at(22_000)).contains(&now);
        match late {
            true => Response::new(404, "https://origin.example/", "").into(),
            false => response.into(),
        }
    });
    let log = origin.log.clone();
    let _session = run(origin.play("/dash/live_60/utc_iso/demo/number.mpd"), 28);
    let log = log.borrow();
    let missed = log.iter().find(|asked| is_segment(&asked.path) && asked.status == 404).expect("one was late").at;
    let times = asked(&log, |path| path == "/time");
    // It would have been due half a minute after the first time.
    assert!(times.len() == 2 && times[1].at.since(missed) < Duration::from_millis(200), "{missed:?} {times:?}");
}

/// Clocks run apart: what was known to the millisecond once is known to a second after three hours.
#[test]
fn d025_a_clock_that_nobody_names_is_asked_as_long_as_a_title_is_played() {
    for clock in ["", "/utc_direct"] {
        let path = format!("/dash/live_60{clock}/chunk_400/ato_1600/ltgt_2000/demo/number.mpd");
        let session = run(Origin::new().play(&path), 3 * 3600);
        assert_eq!(stalls(&session), 0, "{clock}");
        let behind = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(behind.abs_diff(MediaTime::from_secs(2)) <= MediaTime::from_millis(400), "{clock}: {behind}");
        let streams = session.engine().snapshot(session.now()).streams;
        assert!(streams.iter().any(|stream| stream.bitrate > 1_000_000), "{clock}: {streams:?}");
    }
}
