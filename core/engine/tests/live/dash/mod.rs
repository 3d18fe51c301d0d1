//! DASH titles that go on: addresses, availability, latency, the window and the end.

mod clocks;
mod periods;
mod versions;

use telecine_engine::{Command, Event, State};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Outcome, Response, Session};

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

fn between(text: &str, from: &str, to: &str) -> String {
    let behind = text.split_once(from).expect("its beginning").1;
    behind.split_once(to).expect("its end").0.to_owned()
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
