//! DASH titles that go on: clocks, availability, refreshes.

use std::time::Duration;

use telecine_engine::{Command, Config, Event, State};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind, WallTime};
use telecine_virtual::{Failure, Fetched, Outcome, Response, Session};

use crate::common::{at, errors, secs, states, track};
use crate::origin::{with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once, every_sample_once_so_far, run, stalls, started};

const TIME: &str = "/dash/live_60/utc_direct/demo/time.mpd";
const NUMBER: &str = "/dash/live_60/utc_direct/demo/number.mpd";
const TIMELINE_NUMBER: &str = "/dash/live_60/utc_direct/demo/timeline-number.mpd";

fn warnings(session: &Session<Origin>) -> Vec<String> {
    let loaded = |event: &Event| match event {
        Event::Loaded { warnings, .. } => Some(warnings.iter().map(|warning| warning.rule.clone()).collect()),
        _ => None,
    };
    session.events().iter().find_map(loaded).expect("it was loaded")
}

/// The point of the timeline that is produced at a moment of the session: it began in 1970.
fn produced(at: Timestamp) -> MediaTime {
    MediaTime::from_millis(BEGIN as i64) + MediaTime::from_micros(at.as_micros() as i64)
}

fn asked(log: &[Asked], matches: impl Fn(&str) -> bool) -> Vec<Asked> {
    log.iter().filter(|asked| matches(&asked.path)).cloned().collect()
}

/// Loads of the MPD, and not the questions for its head, which has a date.
fn loads(log: &[Asked]) -> Vec<Asked> {
    asked(log, is_mpd).into_iter().filter(|asked| !asked.head).collect()
}

fn is_segment(path: &str) -> bool {
    path.ends_with(".m4s")
}

fn is_mpd(path: &str) -> bool {
    path.ends_with(".mpd")
}

/// An origin whose answers have no date.
fn undated() -> Origin {
    Origin::new().editing(|_, _, mut response| {
        response.date = None;
        response.into()
    })
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
fn d035_a_delay_longer_than_the_window_is_cut_and_told() {
    let session = run(Origin::new().play("/dash/live_10/utc_direct/spd_30/demo/number.mpd"), 60);
    assert_eq!(warnings(&session), ["D035"]);
    let behind = produced(session.now()) - session.engine().snapshot(session.now()).position;
    // What is a segment from the start of the window is safe there.
    assert!(behind > secs(7) && behind < secs(9), "{behind}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
}

#[test]
fn d029_d030_segments_that_are_offered_early_are_asked_for_early_and_played_nearer_to_the_edge() {
    for complete in ["true", "false"] {
        let origin = Origin::new().segments_ahead(1500).editing(move |_, path, response| match is_mpd(path) {
            true => with_text(response, |text| {
                let offset = format!("availabilityTimeOffset=\"1.5\" availabilityTimeComplete=\"{complete}\"");
                text.replace("<SegmentTemplate ", &format!("<SegmentTemplate {offset} "))
            }),
            false => response.into(),
        });
        let log = origin.log.clone();
        let session = run(origin.play(NUMBER), 60);
        let refused = asked(&log.borrow(), is_segment).iter().filter(|asked| asked.status != 200).count();
        assert_eq!((refused, stalls(&session), errors(&session)), (0, 0, Vec::new()), "{complete}");
        let (began, position) = started(&session);
        let behind = produced(began) - position;
        // A segment: three times half a second would be less.
        assert!(behind >= secs(2) && behind < secs(3), "{complete}: {behind}");
    }
}

#[test]
fn d030_chunks_are_played_while_their_segment_is_made() {
    let path = "/dash/live_60/utc_direct/chunk_200/ato_1800/ltgt_1500/demo/number.mpd";
    let origin = Origin::new();
    let log = origin.log.clone();
    let session = run(origin.play(path), 120);
    let refused = asked(&log.borrow(), is_segment).iter().filter(|asked| asked.status != 200).count();
    assert_eq!((refused, stalls(&session), errors(&session)), (0, 0, Vec::new()));
    let behind = produced(session.now()) - session.engine().snapshot(session.now()).position;
    // Less than a segment is long: no whole one is there yet.
    assert!(behind >= MediaTime::from_millis(1300) && behind < MediaTime::from_millis(1900), "{behind}");
    // The last chunk ends with a picture that is shown behind one that is still to come.
    let track = track(&session, TrackKind::Video);
    let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
    let whole = u64::try_from((last - first).as_millis() / 40 + 1).expect("not negative");
    assert!(track.gaps == 0 && whole - track.samples <= 2, "{} of {whole}", track.samples);
}

#[test]
fn d042_hours_of_refreshes_do_not_grow_what_is_known_of_the_title() {
    let mut session = Origin::new().play("/dash/live_600/utc_direct/demo/time.mpd");
    let mut sizes = Vec::new();
    for half_hour in 1..=6 {
        session.run(Some(at(half_hour * 1_800_000)));
        let presentation = session.engine().presentation().expect("loaded");
        let renditions =
            presentation.periods.iter().flat_map(|period| &period.tracks).flat_map(|track| &track.renditions);
        let sum: usize = renditions.filter_map(|r| r.segments.known()).map(|index| index.heap_bytes()).sum();
        sizes.push((presentation.periods.len(), presentation.warnings.len(), sum));
    }
    assert!(sizes.iter().all(|size| size.2 <= sizes[0].2 + 1000), "{sizes:?}");
    assert!(sizes.iter().all(|size| (size.0, size.1) == (1, 0)), "{sizes:?}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
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
        let loaded = loads(&log.borrow());
        loaded
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
        match older.len().is_multiple_of(5) {
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
    // From the twentieth second on each comes 800 ms after it was promised, which is two seconds for each number since 1970.
    let origin = Origin::new().editing(move |now, path, response| {
        let number = path.rsplit('/').next().and_then(|file| file.strip_suffix(".m4s")?.parse::<u64>().ok());
        let promised = |number: u64| (number + 1) * 2000;
        let late = number.is_some_and(|number| BEGIN + now.as_micros() / 1000 < promised(number) + 800);
        match late && now > at(20_000) {
            true => Response::new(404, "https://origin.example/", "").into(),
            false => response.into(),
        }
    });
    let log = origin.log.clone();
    let session = run(origin.play(NUMBER), 60);
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
    let missed = asked(&log.borrow(), is_segment).iter().filter(|asked| asked.status == 404).count();
    assert!((1..=4).contains(&missed), "it is asked later from then on: {missed}");
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

#[test]
fn d005_a_period_that_ends_earlier_than_was_known_is_left_for_the_next_without_a_seam() {
    // Each period is announced four seconds after it began: until then the one before goes on.
    let origin = Origin::new().editing(|now, path, response| match is_mpd(path) {
        true => with_text(response, |text| in_periods_until(&text, BEGIN + now.as_micros() / 1000, 60_000, -4000)),
        false => response.into(),
    });
    let mut session = origin.play("/dash/live_60/utc_direct/mup_2/demo/number.mpd");
    session.run(Some(at(180_000)));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn whatever_newer_versions_say_nothing_panics_and_what_can_be_played_is() {
    for seed in 1..=40 {
        let mut rng = telecine_model::Rng::new(seed);
        let mut loads = 0;
        let origin = Origin::new().editing(move |_, path, response| {
            if !is_mpd(path) {
                return response.into();
            }
            loads += 1;
            let mut body = response.body.to_vec();
            if loads == 1 || rng.below(3) > 0 {
                return response.into();
            }
            match rng.below(4) {
                0 => body.truncate(rng.below(body.len() as u64) as usize),
                1 => {
                    for _ in 0..1 + rng.below(20) {
                        let place = rng.below(body.len() as u64) as usize;
                        body[place] = b"0123456789\"<>/ PTSZ"[rng.below(19) as usize];
                    }
                }
                2 => {
                    // Numbers become others.
                    for byte in body.iter_mut().filter(|byte| byte.is_ascii_digit()) {
                        if rng.below(40) == 0 {
                            *byte = b'0' + rng.below(10) as u8;
                        }
                    }
                }
                _ => {
                    let (from, to) = (rng.below(body.len() as u64) as usize, rng.below(body.len() as u64) as usize);
                    body.drain(from.min(to)..from.max(to));
                }
            }
            Response::new(200, response.url, body).into()
        });
        let path = [TIME, TIMELINE_NUMBER, "/dash/live_60/utc_direct/mup_1/demo/number.mpd"][(seed % 3) as usize];
        let mut session = origin.play(path);
        let outcome = session.run(Some(at(120_000)));
        assert!(!matches!(outcome, Outcome::StepLimit), "seed {seed}");
    }
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

/// One version of a live MPD as a patch of another: publish time, and all of the timelines.
fn patch(before: &str, after: &str) -> String {
    let publish = |text: &str| between(text, "publishTime=\"", "\"");
    let mut operations = format!("<replace sel=\"/MPD/@publishTime\">{}</replace>", publish(after));
    for (nth, timeline) in after.split("<SegmentTimeline>").skip(1).enumerate() {
        let inner = timeline.split("</SegmentTimeline>").next().expect("its end");
        let place = format!("/MPD/Period[1]/AdaptationSet[{}]/SegmentTemplate[1]/SegmentTimeline[1]", nth + 1);
        operations += &format!("<replace sel=\"{place}\"><SegmentTimeline>{inner}</SegmentTimeline></replace>");
    }
    format!(
        "<Patch xmlns=\"urn:mpeg:dash:schema:mpd-patch:2020\" mpdId=\"m\" originalPublishTime=\"{}\" publishTime=\"{}\">{operations}</Patch>",
        publish(before),
        publish(after)
    )
}

fn between(text: &str, from: &str, to: &str) -> String {
    let behind = text.split_once(from).expect("its beginning").1;
    behind.split_once(to).expect("its end").0.to_owned()
}

/// An origin whose MPD can be patched, `spoil`ing patches by their number.
fn patching(spoil: impl Fn(usize, String) -> Fetched + 'static) -> Origin {
    let mut known = String::new();
    let mut patches = 0;
    Origin::new().redirecting(|_, path| path.ends_with("/patch.mpp").then(|| TIME.to_owned())).editing(
        move |_, path, response| {
            if !is_mpd(path) && !path.ends_with("patch.mpp") {
                return response.into();
            }
            let url = response.url.clone();
            let text = String::from_utf8(response.body.to_vec()).expect("text");
            let text = text.replacen("<MPD ", "<MPD id=\"m\" ", 1);
            let text = text.replacen("<Period", "<PatchLocation ttl=\"30\">patch.mpp</PatchLocation><Period", 1);
            let before = std::mem::replace(&mut known, text.clone());
            if is_mpd(path) {
                return Response::new(200, url, text).into();
            }
            patches += 1;
            spoil(patches, patch(&before, &text))
        },
    )
}

fn xml(text: String) -> Fetched {
    Response::new(200, "https://origin.example/patch.mpp", text).into()
}

#[test]
fn d051_patches_take_the_place_of_the_mpd() {
    let origin = patching(|_, text| xml(text));
    let log = origin.log.clone();
    let session = run(origin.play(TIME), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
    let patches = asked(&log.borrow(), |path| path.ends_with(".mpp")).len();
    assert_eq!(loads(&log.borrow()).len(), 1, "the first one only");
    assert!((50..=75).contains(&patches), "{patches}");
}

#[test]
fn d052_d053_d054_a_patch_that_fails_is_followed_by_the_mpd_at_once() {
    let origin = patching(|nth, text| match nth % 5 {
        // Of another MPD; of another version; not there; not to be applied; no patch.
        0 => xml(text.replace("mpdId=\"m\"", "mpdId=\"n\"")),
        1 => xml(text.replace("originalPublishTime=\"2", "originalPublishTime=\"1")),
        2 => Response::new(425, "https://origin.example/patch.mpp", "").into(),
        3 => xml(text.replace("/Period[1]/", "/Period[7]/")),
        _ => xml("<html/>".to_owned()),
    });
    let log = origin.log.clone();
    let session = run(origin.play(TIME), 120);
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    let loads = asked(&log.borrow(), |path| is_mpd(path) || path.ends_with(".mpp"));
    let patches: Vec<usize> = (0..loads.len()).filter(|nth| loads[*nth].path.ends_with(".mpp")).collect();
    assert!(patches.len() > 40, "{}", patches.len());
    for nth in &patches[..patches.len() - 1] {
        let (patch, next) = (&loads[*nth], &loads[nth + 1]);
        assert!(is_mpd(&next.path) && next.at.since(patch.at) < Duration::from_millis(200), "{patch:?} {next:?}");
    }
    assert_eq!(errors(&session).len(), patches.len(), "each was told");
}

#[test]
fn d051_an_mpd_in_place_of_a_patch_is_taken_as_one() {
    let origin = Origin::new().redirecting(|_, path| path.ends_with("/patch.mpp").then(|| TIME.to_owned())).editing(
        move |_, path, response| {
            if !is_mpd(path) && !path.ends_with("patch.mpp") {
                return response.into();
            }
            with_text(response, |text| {
                let text = text.replacen("<MPD ", "<MPD id=\"m\" ", 1);
                text.replacen("<Period", "<PatchLocation>patch.mpp</PatchLocation><Period", 1)
            })
        },
    );
    let session = run(origin.play(TIME), 60);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
}

/// The MPD cut into periods of twenty seconds, of which those are there that reach into the window, and the next one from
/// three seconds before it begins: whose segments are numbered on.
fn in_periods(text: &str, now_ms: u64, depth_ms: u64) -> String {
    in_periods_until(text, now_ms, depth_ms, 3000)
}

/// The same, with the next one from so long before it begins.
fn in_periods_until(text: &str, now_ms: u64, depth_ms: u64, ahead_ms: i64) -> String {
    const LENGTH: u64 = 20;
    let sets = format!(
        "<AdaptationSet{}</AdaptationSet>",
        between(text, "<AdaptationSet", "</Period>").rsplit_once("</AdaptationSet>").expect("sets").0
    );
    let (head, tail) =
        (text.split_once("<Period").expect("a period").0, text.split_once("</Period>").expect("a period").1);
    let first = (now_ms - depth_ms) / 1000 / LENGTH;
    let last = now_ms.saturating_add_signed(ahead_ms) / 1000 / LENGTH;
    let mut periods = String::new();
    for period in first..=last {
        let mut own = String::new();
        for (nth, set) in sets.split("<SegmentTemplate ").enumerate() {
            if nth == 0 {
                own += set;
                continue;
            }
            let timescale: u64 = between(set, "timescale=\"", "\"").parse().expect("a number");
            let offset = match set.contains("presentationTimeOffset=") {
                true => between(set, "presentationTimeOffset=\"", "\"").parse().expect("a number"),
                false => 0,
            };
            let set = set.replace(&format!("presentationTimeOffset=\"{offset}\""), "");
            let set = set.replace("startNumber=\"0\"", &format!("startNumber=\"{}\"", period * LENGTH / 2));
            own +=
                &format!("<SegmentTemplate presentationTimeOffset=\"{}\" {set}", offset + period * LENGTH * timescale);
        }
        periods += &format!("<Period id=\"p{period}\" start=\"PT{}S\">{own}</Period>", period * LENGTH);
    }
    format!("{head}{periods}{tail}")
}

#[test]
fn d044_d045_periods_come_and_go_while_it_plays() {
    let origin = Origin::new().editing(|now, path, response| match is_mpd(path) {
        true => with_text(response, |text| in_periods(&text, BEGIN + now.as_micros() / 1000, 60_000)),
        false => response.into(),
    });
    let mut session = origin.play("/dash/live_60/utc_direct/mup_2/demo/number.mpd");
    for minutes in 1..=10 {
        session.run(Some(at(minutes * 60_000)));
        let periods = session.engine().presentation().expect("loaded").periods.len();
        assert!((3..=6).contains(&periods), "{periods} after {minutes} minutes: those gone are gone");
    }
    assert_eq!(states(&session).last(), Some(&State::Playing));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    let track = track(&session, TrackKind::Audio);
    assert_eq!(track.gaps, 0);
}

#[test]
fn d068_remote_periods_of_a_newer_version_are_fetched_too() {
    let bodies = std::rc::Rc::new(std::cell::RefCell::new(std::collections::BTreeMap::new()));
    let kept = bodies.clone();
    let origin = Origin::new()
        .redirecting(|_, path| path.ends_with(".xml").then(|| "/time".to_owned()))
        .editing(move |now, path, response| {
            if path.ends_with(".xml") {
                let text: String = kept.borrow().get(path).cloned().unwrap_or_default();
                return Response::new(200, response.url, text).into();
            }
            if !is_mpd(path) {
                return response.into();
            }
            let kept = kept.clone();
            with_text(response, move |text| {
                let text = in_periods(&text, BEGIN + now.as_micros() / 1000, 60_000);
                let mut out = String::new();
                for (nth, part) in text.split("<Period ").enumerate() {
                    let Some((period, rest)) = part.split_once("</Period>").filter(|_| nth > 0) else {
                        out += part;
                        continue;
                    };
                    let id = between(period, "id=\"", "\"");
                    let whole = format!("<Period xmlns=\"urn:mpeg:dash:schema:mpd:2011\" {period}</Period>");
                    kept.borrow_mut().insert(format!("/dash/live_60/utc_direct/mup_2/demo/{id}.xml"), whole);
                    let start = between(period, "start=\"", "\"");
                    out += &format!(
                        "<Period id=\"{id}\" start=\"{start}\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" xlink:href=\"{id}.xml\" \
                         xlink:actuate=\"onLoad\"/>{rest}"
                    );
                }
                out
            })
        });
    let session = run(origin.play("/dash/live_60/utc_direct/mup_2/demo/number.mpd"), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn d045_what_plays_in_a_period_that_is_gone_plays_on() {
    // The window is shorter than what the player is behind.
    let origin = Origin::new().editing(|now, path, response| match is_mpd(path) {
        true => with_text(response, |text| in_periods(&text, BEGIN + now.as_micros() / 1000, 0)),
        false => response.into(),
    });
    let mut session = origin.play("/dash/live_60/utc_direct/mup_2/spd_14/demo/number.mpd");
    session.run(Some(at(300_000)));
    assert_eq!(states(&session).last(), Some(&State::Playing), "{:?}", errors(&session));
    assert_eq!(errors(&session), []);
    assert!(stalls(&session) <= 1, "{}", stalls(&session));
}

#[test]
fn d056_media_that_says_that_the_mpd_has_expired_lets_it_be_fetched() {
    let expired = at(30_000);
    let origin = Origin::new().editing(move |now, path, response| {
        if is_mpd(path) {
            return with_text(response, |text| {
                let announced =
                    "<InbandEventStream schemeIdUri=\"urn:mpeg:dash:event:2012\" value=\"1\"/><SegmentTemplate";
                text.replace("<SegmentTemplate", announced)
            });
        }
        if !is_segment(path) || now < expired || !path.contains("/v") {
            return response.into();
        }
        let mut response = response;
        let mut body = emsg("urn:mpeg:dash:event:2012", "1", b"2026-11-27T11:55:20Z");
        body.extend_from_slice(&response.body);
        response.content_length = Some(body.len() as u64);
        response.body = body.into();
        response.into()
    });
    let log = origin.log.clone();
    let mut config = Config::default();
    config.record = true;
    // Without an update period nothing else would be a reason.
    let mut session = origin.play_with(config, NUMBER);
    session.run(Some(at(60_000)));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    let loads = loads(&log.borrow());
    assert_eq!(loads.len(), 2, "once, since the newer one is not concerned: {loads:?}");
    assert!(loads[1].at >= expired && loads[1].at < expired + Duration::from_secs(4), "{loads:?}");
    let replay = telecine_engine::replay(&session.take_recording()).expect("a recording");
    assert!(replay.equal, "differs by input {:?} of {}", replay.differs_by_input, replay.inputs);
}

/// An event message box of version 0.
fn emsg(scheme: &str, value: &str, message: &[u8]) -> Vec<u8> {
    let mut inner = vec![0; 4];
    for text in [scheme, value] {
        inner.extend_from_slice(text.as_bytes());
        inner.push(0);
    }
    for number in [1000_u32, 0, 0, 7] {
        inner.extend_from_slice(&number.to_be_bytes());
    }
    inner.extend_from_slice(message);
    let mut out = (inner.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(b"emsg");
    out.extend_from_slice(&inner);
    out
}

/// From the twentieth second on the MPD counts from the beginning of the year, as an origin does that was set up anew.
fn counted_anew(mark: &'static str) -> Origin {
    const NEW_YEAR: u64 = 1_767_225_600;
    Origin::new().editing(move |now, path, response| {
        if !is_mpd(path) || now < at(20_000) {
            return response.into();
        }
        with_text(response, |text| {
            let start = "availabilityStartTime=\"1970-01-01T00:00:00.000Z\"";
            assert!(text.contains(start), "{text}");
            let mut out = text.replace(start, "availabilityStartTime=\"2026-01-01T00:00:00Z\"");
            // Media times are counted as before.
            let sets: Vec<String> = out.split("<SegmentTemplate ").map(str::to_owned).collect();
            out = sets[0].clone();
            for set in &sets[1..] {
                let timescale: u64 = between(set, "timescale=\"", "\"").parse().expect("a number");
                assert!(!set.contains("presentationTimeOffset="), "{set}");
                out += &format!("<SegmentTemplate presentationTimeOffset=\"{}\" {set}", NEW_YEAR * timescale);
            }
            out.replacen("<Period", &format!("{mark}<Period"), 1)
        })
    })
}

#[test]
fn d078_a_presentation_that_begins_anew_goes_on_at_the_same_time_of_the_world() {
    let reset = "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:reset:2016\" value=\"\"/>";
    // With the mark of a reset, and (D042) without.
    for (mark, codes) in [(reset, vec![]), ("", vec![ErrorCode::ManifestRewound])] {
        // Thirty seconds behind the edge, which nothing but the world's time tells.
        let target = produced(at(10_000)) - secs(30);
        let mut session = counted_anew(mark).play(TIME).at(at(10_000), Command::Seek(target));
        session.run(Some(at(19_000)));
        let before = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(before > secs(29) && before < secs(32), "{before}");
        session.run(Some(at(60_000)));
        let found: Vec<ErrorCode> = errors(&session).iter().map(Error::code).collect();
        assert_eq!(found, codes);
        assert_eq!(states(&session).last(), Some(&State::Playing), "{:?}", states(&session));
        let position = session.engine().snapshot(session.now()).position;
        let behind = produced(session.now()) - MediaTime::from_secs(1_767_225_600) - position;
        assert!(behind.abs_diff(before) < MediaTime::from_millis(300), "{behind}, and {before} before");
    }
}

#[test]
fn a_recording_of_a_live_title_replays_to_the_same_actions() {
    let config = || {
        let mut config = Config::default();
        config.record = true;
        config
    };
    let sessions = [
        (Origin::new(), TIME),
        (Origin::new(), "/dash/live_60/utc_iso/demo/number.mpd"),
        (Origin::new(), "/dash/live_60/periods_60/patch_60/demo/time.mpd"),
        (patching(|nth, text| if nth % 3 == 0 { xml("<html/>".to_owned()) } else { xml(text) }), TIME),
    ];
    for (origin, path) in sessions {
        let mut session = run(origin.play_with(config(), path), 60);
        let recording = session.take_recording();
        let replay = telecine_engine::replay(&recording).expect("a recording");
        assert!(replay.equal, "{path}: differs by input {:?} of {}", replay.differs_by_input, replay.inputs);
    }
}

/// Plays four minutes of every way to address a live title: the errors that were told.
fn played_through(options: &str) -> Vec<Error> {
    let mut told = Vec::new();
    for name in ["time", "timeline-number", "number"] {
        let path = format!("/dash/live_60/utc_direct/{options}/demo/{name}.mpd");
        let session = run(Origin::new().play(&path), 240);
        assert_eq!(states(&session).last(), Some(&State::Playing), "{path}");
        assert_eq!(stalls(&session), 0, "{path}");
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let track = track(&session, kind);
            let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
            assert!(track.gaps == 0 && last - first > secs(235), "{path}: {kind:?} from {first} to {last}");
        }
        told.extend(errors(&session));
    }
    told
}

#[test]
fn what_origins_do_to_live_titles_is_played_through() {
    for options in [
        "periods_360",
        "periods_360/etp_1",
        "patch_60",
        "patch_60/periods_360/etp_1",
        "stale_20-25",
        "back_20-30",
        "pto_90000",
        "snr_7",
        "mup_0",
        "mup_10",
        "bases_3",
        "chunk_500/ato_1500",
        "chunk_500/ato_1500/periods_360",
        "start_1795780000/drift_200",
    ] {
        assert_eq!(played_through(options), [], "{options}");
    }
}

#[test]
fn segments_that_are_late_and_media_that_is_elsewhere_than_the_mpd_has_it_are_waited_for() {
    for (options, code) in [
        ("jitter_300", ErrorCode::HttpStatus),
        ("early404_900", ErrorCode::HttpStatus),
        ("start_1795780000/drift_-200", ErrorCode::HttpStatus),
        // Where segments are computed, a newer version has to say that the encoder has started over.
        ("encrestart_14", ErrorCode::TimestampInvalid),
        ("adbreak_20", ErrorCode::TimestampInvalid),
        ("adbreak_20/continuous_0", ErrorCode::TimestampInvalid),
        ("chunk_500/ato_1500/encrestart_14", ErrorCode::TimestampInvalid),
    ] {
        let told = played_through(options);
        assert!(told.iter().all(|error| error.code() == code), "{options}: {told:?}");
    }
}

/// Joined twenty hours after it began, beside an encoder that runs slow: 7.2 s late by the MPD, which wants less delay than
/// that.
#[test]
fn a_title_whose_encoder_lags_by_more_than_the_delay_begins_where_media_is() {
    for (options, delay_ms) in [
        ("live_60/utc_iso", 6000),
        ("live_60/utc_iso/chunk_400/ato_1600/ltgt_3000", 3000),
        ("live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/prft_1", 3000),
    ] {
        let origin = Origin::new();
        let log = origin.log.clone();
        let mut session = origin.play(&format!("/dash/{options}/start_1795708496/drift_-100/demo/number.mpd"));
        assert_eq!(session.run(Some(at(300_000))), Outcome::Until, "{options}: {:?}", errors(&session));
        assert_eq!(stalls(&session), 0, "{options}: {:?}", errors(&session));
        every_sample_once_so_far(&session, TrackKind::Video);
        let missing: Vec<Timestamp> =
            log.borrow().iter().filter(|asked| asked.status == 404).map(|asked| asked.at).collect();
        assert!(
            missing.len() <= 6 && missing.iter().all(|at| *at < Timestamp::from_millis(10_000)),
            "{options}: {missing:?}"
        );
        let on_air = (BEGIN + 300_000 - 1_795_708_496_000) as i64;
        let made = on_air - on_air / 10_000;
        let behind = made - session.engine().snapshot(session.now()).position.as_micros() / 1000;
        assert!((delay_ms * 3 / 4..=delay_ms * 3 / 2).contains(&behind), "{options}: {behind} ms behind what was made");
    }
}

/// Media of a live title that the encoder has made in time and the publisher holds back for 1.6 s: where nobody says so, in the
/// media or in the MPD, that may as well be an encoder that lags.
#[test]
fn latency_counts_from_when_media_were_made_where_their_producer_says_so() {
    for (options, behind_ms) in [("/reftime_0", 4600), ("/prft_1/reftime_0", 3000), ("", 3000)] {
        let path = format!("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/early404_1600{options}/demo/number.mpd");
        let session = run(Origin::new().play(&path), 120);
        assert_eq!(stalls(&session), 0, "{options}: {:?}", errors(&session));
        let behind = produced(session.now()) - session.engine().snapshot(session.now()).position;
        assert!(
            behind.abs_diff(MediaTime::from_millis(behind_ms)) <= MediaTime::from_millis(400),
            "{options}: {behind}"
        );
    }
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
