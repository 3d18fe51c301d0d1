//! Segments that are not there when they ought to be: missing for good, or late; and servers that ask to be left alone.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use telecine_engine::{Config, DecisionKind, Event, StallCause, State};
use telecine_model::datetime::parse_date_time;
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind, WallTime};
use telecine_virtual::{Fetched, Outcome, Response, Session};

use crate::catching_up::outages;
use crate::common::{at, decisions, errors, secs, states, track};
use crate::origin::{Origin, BEGIN};
use crate::watch::{latency, run, stalls, started, target, told};

const NUMBER: &str = "/dash/live_60/utc_direct/demo/number.mpd";
const TIME: &str = "/dash/live_60/utc_direct/demo/time.mpd";
const CHUNKS: &str = "/dash/live_60/utc_direct/chunk_500/ato_1500/ltgt_3000/demo/number.mpd";
const CHUNKS_BY_TIME: &str = "/dash/live_60/utc_direct/chunk_500/ato_1500/ltgt_3000/demo/time.mpd";
const HLS: &str = "/hls/live_60/demo/main.m3u8";
const PARTS: &str = "/hls/live_60/parts_334/demo/main.m3u8";
const PART_FILES: &str = "/hls/live_60/parts_334/partfiles_1/demo/main.m3u8";
const DASH: [&str; 4] = [NUMBER, TIME, CHUNKS, CHUNKS_BY_TIME];

/// Every segment is so long.
const SEGMENT_MS: u64 = 2000;

/// The segment that begins in the thirtieth second of a session, as it is numbered since 1970.
const FIRST: u64 = BEGIN / SEGMENT_MS + 15;

/// Which segment of what a path names, since 1970: by number, or by time in one of the two scales of the demo title.
fn segment(path: &str) -> Option<(TrackKind, u64)> {
    let mut parts = path.rsplit('/');
    let file = parts.next()?.strip_suffix(".m4s")?;
    let kind = if parts.next()?.starts_with('v') { TrackKind::Video } else { TrackKind::Audio };
    let scale = if kind == TrackKind::Video { 90_000 } else { 48_000 };
    let file = file.split('.').next()?;
    let nth = match file.strip_prefix('t') {
        // Sound is cut at frames, so a little before or behind.
        Some(time) => (time.parse::<u64>().ok()? + scale) / (2 * scale),
        None => file.parse().ok()?,
    };
    Some((kind, nth))
}

/// An origin that never has `count` segments of the kinds `of`.
fn without(count: u64, of: &'static [TrackKind], answer: fn() -> Response) -> Origin {
    Origin::new().editing(move |_, path, response| match segment(path) {
        Some((kind, nth)) if of.contains(&kind) && (FIRST..FIRST + count).contains(&nth) => answer().into(),
        _ => response.into(),
    })
}

fn missing() -> Response {
    Response::new(404, "https://origin.example/", "")
}

fn out_of_order() -> Response {
    Response::new(503, "https://origin.example/", "")
}

fn stood(session: &Session<Origin>) -> Duration {
    session.engine().qoe(session.now()).stalled
}

/// Whoever asks again and again for what he was refused falls behind what there is to play: half a minute once took 58 s of one
/// attempt after the other, and ended the title.
#[test]
fn segments_that_are_refused_cost_the_time_that_they_would_have_played_too() {
    const BOTH: &[TrackKind] = &[TrackKind::Video, TrackKind::Audio];
    let mut failed = Vec::new();
    let flavours = [(HLS, 6), (NUMBER, 5), (TIME, 5), (PARTS, 0), (PART_FILES, 0), (CHUNKS, 1)];
    for (path, buffered) in flavours {
        for (answer, of) in [(out_of_order as fn() -> Response, BOTH), (|| refused_for("2"), &[TrackKind::Video])] {
            for count in [1, 3, 15, 40] {
                let mut session = without(count, of, answer).play(path);
                let outcome = session.run(Some(at(160_000)));
                let refused = Duration::from_millis(count * SEGMENT_MS);
                let most = refused.saturating_sub(Duration::from_secs(buffered)) + Duration::from_millis(3500);
                let stall = session.events().iter().find_map(|event| match event {
                    Event::StallStarted { cause, .. } => Some(*cause),
                    _ => None,
                });
                let right = outcome == Outcome::Until
                    && stood(&session) <= most
                    && stall != Some(StallCause::SlowNetwork)
                    && session.engine().snapshot(session.now()).state == State::Playing
                    && latency(&session) <= target(&session) + secs(3);
                if !right {
                    let (stood, late) = (stood(&session), latency(&session));
                    failed.push(format!("{path} {of:?} {count}: {outcome:?}, {stood:?} stood, {stall:?}, {late}"));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn segments_that_are_missing_cost_the_time_that_they_would_have_played_however_many() {
    const BOTH: &[TrackKind] = &[TrackKind::Video, TrackKind::Audio];
    let mut failed = Vec::new();
    for path in DASH.into_iter().chain([HLS]) {
        for of in [BOTH, &[TrackKind::Video], &[TrackKind::Audio]] {
            for count in [1, 2, 3, 10] {
                let mut session = without(count, of, missing).play(path);
                let outcome = session.run(Some(at(120_000)));
                let (stood, played) = (stood(&session), session.engine().qoe(session.now()).played);
                let missing = Duration::from_millis(count * SEGMENT_MS);
                let snapshot = session.engine().snapshot(session.now());
                let last = track(&session, TrackKind::Video).last_pts.unwrap_or_default();
                let right = outcome == Outcome::Until
                    && stood <= missing + Duration::from_millis(1500)
                    && played + missing >= Duration::from_secs(115)
                    && snapshot.state == State::Playing
                    && latency(&session) <= target(&session) + secs(3)
                    && last > snapshot.position;
                if !right {
                    let late = latency(&session);
                    failed.push(format!(
                        "{path} {of:?} {count}: {outcome:?}, {stood:?} stood, {played:?} played, {late}"
                    ));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_source_that_becomes_late_by_more_than_a_segment_is_found_out_and_followed() {
    let mut failed = Vec::new();
    // What a source is late by is found out as what follows it is not there either: a segment's length later at most each time.
    // Low latency has next to nothing to play meanwhile.
    for (path, lates) in [(NUMBER, &[3000, 5000][..]), (TIME, &[3000, 5000]), (HLS, &[3000, 5000]), (CHUNKS, &[3000])] {
        for late in lates.iter().copied() {
            // From the thirtieth second on each segment is there so much later than when it ends.
            let origin = Origin::new().editing(move |now, path, response| {
                let early = segment(path).is_some_and(|(_, nth)| {
                    nth >= FIRST && BEGIN + now.as_micros() / 1000 < (nth + 1) * SEGMENT_MS + late
                });
                if early {
                    missing().into()
                } else {
                    response.into()
                }
            });
            let mut session = origin.play(path);
            let outcome = session.run(Some(at(120_000)));
            let (stood, video) = (stood(&session), track(&session, TrackKind::Video));
            let (first, last) = video.first_pts.zip(video.last_pts).expect("samples");
            let lacks = last - first - video.duration;
            let may_stand = Duration::from_millis(late + SEGMENT_MS * 2);
            if outcome != Outcome::Until || stood > may_stand || lacks > secs(4) || stalls(&session) > 4 {
                failed
                    .push(format!("{path} {late}: {outcome:?}, {} stalls, {stood:?}, lacks {lacks}", stalls(&session)));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_title_of_whose_sound_or_picture_there_is_nothing_ends_with_the_answer_of_its_server() {
    let mut failed = Vec::new();
    for path in DASH.into_iter().chain([HLS, PARTS]) {
        for of in [TrackKind::Video, TrackKind::Audio] {
            let origin = Origin::new().editing(move |_, path, response| match segment(path) {
                Some((kind, _)) if kind == of => missing().into(),
                _ => response.into(),
            });
            let log = origin.log.clone();
            let mut session = origin.play(path);
            let outcome = session.run(Some(at(300_000)));
            let right = matches!(&outcome, Outcome::Failed(Some(error)) if error.code() == ErrorCode::HttpStatus);
            let asked = log.borrow().iter().filter(|asked| asked.status == 404).count();
            if !right || session.now() > at(60_000) || asked > 200 {
                let when = session.now();
                failed.push(format!("{path} {of:?}: {outcome:?} after {when:?}, {asked} requests in vain"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn where_there_is_nothing_of_the_sound_that_plays_another_language_does() {
    // Its segments and what they begin with, its segments alone, its playlist.
    for lost in ["/a-en/", "/a-en/8", "/a-en.m3u8"] {
        for path in [NUMBER, CHUNKS, HLS, PARTS] {
            let origin = Origin::new().editing(move |_, path, response| match path.contains(lost) {
                true => missing().into(),
                false => response.into(),
            });
            let session = run(origin.play(path), 60);
            assert!(track(&session, TrackKind::Audio).samples > 2000, "{path}: a minute has 2800 frames of sound");
            let startup = session.engine().qoe(session.now()).startup.expect("started");
            assert!(startup + stood(&session) < Duration::from_secs(8), "{path}: {startup:?}, {:?}", stood(&session));
        }
    }
}

#[test]
fn where_there_is_nothing_of_the_sound_of_a_later_period_another_language_plays_in_it() {
    // The second period of the session begins after a minute.
    const BEGINS: u64 = 1_795_780_560;
    for name in ["number", "time"] {
        let origin = Origin::new().editing(move |_, path, response| {
            let later = segment(path).is_some_and(|(_, nth)| nth >= BEGINS * 1000 / SEGMENT_MS);
            match path.contains("/a-en/") && later {
                true => missing().into(),
                false => response.into(),
            }
        });
        let path = format!("/dash/live_60/utc_direct/periods_60/demo/{name}.mpd");
        let session = run(origin.play(&path), 120);
        let tracks = session.sink_ref().tracks();
        let sound = tracks.iter().filter(|track| track.kind == TrackKind::Audio).map(|track| track.samples);
        assert!(sound.sum::<u64>() > 5000, "{path}: two minutes have 5600 frames of sound: {tracks:?}");
        assert!(stood(&session) < Duration::from_secs(8), "{path}: {:?}", stood(&session));
        assert_eq!(session.engine().snapshot(session.now()).state, State::Playing, "{path}");
    }
}

#[test]
fn a_server_that_refuses_every_sound_ends_the_title_and_is_not_asked_for_one_language_after_the_other_for_ever() {
    for path in DASH.into_iter().chain([HLS, PARTS]) {
        let origin = Origin::new().editing(move |_, path, response| match segment(path) {
            Some((TrackKind::Audio, _)) => Response::new(503, "https://origin.example/", "").into(),
            _ => response.into(),
        });
        let mut session = origin.play(path);
        let outcome = session.run(Some(at(300_000)));
        let right = matches!(&outcome, Outcome::Failed(Some(error)) if error.code() == ErrorCode::HttpStatus);
        assert!(right && session.now() < at(150_000), "{path}: {outcome:?} after {:?}", session.now());
    }
}

#[test]
fn media_that_are_missing_for_half_a_minute_are_waited_for_and_for_much_longer_not() {
    for path in [NUMBER, TIME, CHUNKS, HLS, PARTS] {
        for (seconds, back) in [(30, true), (300, false)] {
            let lost = move |now: Timestamp| (at(30_000)..at(30_000 + seconds * 1000)).contains(&now);
            let mut session = Origin::new()
                .editing(move |now, path, response| match path.ends_with(".m4s") && lost(now) {
                    true => missing().into(),
                    false => response.into(),
                })
                .play(path);
            let outcome = session.run(Some(at(400_000)));
            let failed = matches!(&outcome, Outcome::Failed(Some(error)) if error.code() == ErrorCode::HttpStatus);
            assert_eq!((outcome == Outcome::Until, failed), (back, !back), "{path} {seconds} s: {outcome:?}");
            assert!(back || session.now() < at(170_000), "{path}: {:?}", session.now());
        }
    }
}

/// Refused, and to be left alone for so long.
fn refused_for(seconds: &str) -> Response {
    let mut response = Response::new(503, "https://origin.example/", "");
    response.retry_after = Some(seconds.to_owned());
    response
}

#[test]
fn a_server_that_asks_for_more_patience_than_live_playback_has_is_left_alone_and_its_segment_left_out() {
    const BOTH: &[TrackKind] = &[TrackKind::Video, TrackKind::Audio];
    let mut failed = Vec::new();
    for path in DASH.into_iter().chain([HLS, PARTS]) {
        for count in [1, 3] {
            let origin = without(count, BOTH, || refused_for("20"));
            let log = origin.log.clone();
            let session = run(origin.play(path), 120);
            // No URL is asked for again.
            let log = log.borrow();
            let mut asked: Vec<&str> =
                log.iter().filter(|asked| asked.status == 503).map(|asked| asked.path.as_str()).collect();
            let all = asked.len();
            asked.sort_unstable();
            asked.dedup();
            let stood = stood(&session);
            if stood > Duration::from_millis(count * SEGMENT_MS + 1500) || (asked.len() != all && path != PARTS) {
                failed.push(format!("{path} {count}: {stood:?} stood, {all} requests for {}", asked.len()));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_server_that_asks_for_no_more_patience_than_there_is_to_play_is_waited_for() {
    // Ten seconds behind the edge, and a segment refused until three seconds after it was asked for first.
    for path in [NUMBER, TIME, HLS] {
        let mut until = None;
        let origin = Origin::new().editing(move |now, path, response| -> Fetched {
            let of = segment(path).is_some_and(|(kind, nth)| kind == TrackKind::Audio && nth == FIRST);
            if !of || now >= *until.get_or_insert(now + Duration::from_secs(3)) {
                return response.into();
            }
            refused_for("3").into()
        });
        let log = origin.log.clone();
        let mut config = Config::default();
        config.live.latency_target = Some(secs(14));
        let session = run(origin.play_with(config, path), 90);
        assert_eq!((stalls(&session), decisions(&session, DecisionKind::Skip).len()), (0, 0), "{path}");
        let is_it = |path: &str| segment(path) == Some((TrackKind::Audio, FIRST));
        let asked: Vec<Timestamp> = log.borrow().iter().filter(|asked| is_it(&asked.path)).map(|a| a.at).collect();
        assert_eq!(asked.len(), 2, "{path}: {asked:?}");
        assert!(asked[1].since(asked[0]) >= Duration::from_secs(3), "{path}: {asked:?}");
    }
}

#[test]
fn a_latency_that_is_wanted_beyond_the_greatest_is_begun_with_what_is_aimed_at() {
    let mut config = Config::default();
    config.live.latency_target = Some(secs(30));
    let mut session = Origin::new().play_with(config, CHUNKS);
    session.run(Some(at(3_000)));
    // Latency@max is twice the target of three seconds.
    assert!(latency(&session).abs_diff(secs(6)) <= MediaTime::from_millis(700), "{}", latency(&session));
    assert_eq!(told(&session), [("30.000 s".to_owned(), "6.000 s".to_owned())]);
    let session = run(session, 60);
    assert!(latency(&session).abs_diff(secs(6)) <= MediaTime::from_millis(500), "{}", latency(&session));
}

#[test]
fn a_title_that_wants_to_be_nearer_to_its_edge_than_its_chunks_are_long_is_played_where_it_can_be_and_that_is_told() {
    for name in ["number", "time"] {
        let path = format!("/dash/live_60/utc_direct/chunk_500/ato_1500/ltgt_500/demo/{name}.mpd");
        let session = run(Origin::new().play(&path), 120);
        // A chunk of half a second, and half a second for it to come in.
        let told = told(&session);
        assert!(told.len() == 1 && told[0].0 == "0.500 s" && told[0].1.starts_with("1.0"), "{name}: {told:?}");
        assert!(stalls(&session) <= 1, "{name}: {}", stalls(&session));
    }
}

#[test]
fn old_copies_of_the_mpd_neither_delay_the_start_nor_say_that_media_are_late() {
    const CHUNKS: &str = "/dash/live_60/back_50-30/chunk_500/ato_1500/ltgt_3000/demo/time.mpd";
    for begin in (0..100).step_by(7) {
        for path in ["/dash/live_60/back_50-30/demo/time.mpd", CHUNKS] {
            let fresh: Rc<Cell<Option<Timestamp>>> = Rc::default();
            let seen = fresh.clone();
            // The origin's copies are old in other seconds at other times.
            let mut session = Origin::new()
                .beginning(begin * 1000)
                .editing(move |now, path, response| {
                    let text = String::from_utf8_lossy(&response.body);
                    let published = text.split_once("publishTime=\"").and_then(|(_, rest)| rest.split_once('"'));
                    let published = published.and_then(|(time, _)| parse_date_time(time));
                    let present =
                        WallTime::from_millis((BEGIN + begin * 1000) as i64 + (now.as_micros() / 1000) as i64);
                    if path.ends_with(".mpd") && published.is_some_and(|time| present.since(time) < secs(10)) {
                        seen.set(seen.get().or(Some(now)));
                    }
                    response.into()
                })
                .play(path);
            for half in 1..=60 {
                session.run(Some(at(half * 500)));
                let edge = session.engine().snapshot(session.now()).edge;
                let late = edge.and_then(|edge| edge.latency).unwrap_or(secs(6));
                assert!((secs(1)..secs(20)).contains(&late), "{path} {begin}, {half}: {late}");
            }
            // Which are asked for twice a second or so until one is not.
            let ((when, _), fresh) = (started(&session), fresh.get().expect("one is fresh"));
            assert!(when.since(fresh) < Duration::from_millis(700), "{path} {begin}: {when:?}, {fresh:?}");
        }
    }
}

#[test]
fn an_outage_of_about_as_long_as_a_list_is_waited_for_is_survived_as_shorter_and_longer_ones_are() {
    for path in [TIME, CHUNKS_BY_TIME, HLS] {
        for down in [45, 55, 58, 60, 61, 62, 63, 65, 68, 70, 75, 80] {
            let mut session = Origin::new().play(path).network(outages(&[(30, 30 + down)]));
            let outcome = session.run(Some(at(180_000)));
            assert_eq!(outcome, Outcome::Until, "{path}, {down} s: {:?}", errors(&session));
            assert_eq!(session.engine().snapshot(session.now()).state, State::Playing, "{path}, {down} s");
            assert!(stood(&session) < Duration::from_secs(down + 6), "{path}, {down} s: {:?}", stood(&session));
        }
    }
}

/// What playback stood for before says nothing of how long a refusal may be waited for: once, a dozen segments were left out in
/// a second, and the title ended.
#[test]
fn a_server_that_refuses_for_a_moment_when_the_line_is_back_is_asked_again() {
    for path in [HLS, PART_FILES, TIME, CHUNKS] {
        for (down, refuses_ms) in [(25, 1000), (50, 1000), (50, 4000)] {
            let back = (30 + down) * 1000;
            let refused = back..back + refuses_ms;
            let origin = Origin::new().editing(move |at, path, response| match segment(path) {
                Some(_) if refused.contains(&(at.as_micros() / 1000)) => out_of_order().into(),
                _ => response.into(),
            });
            let mut session = origin.play(path).network(outages(&[(30, 30 + down)]));
            let outcome = session.run(Some(at(180_000)));
            assert_eq!(outcome, Outcome::Until, "{path}, {down} s: {:?}", errors(&session));
            assert_eq!(session.engine().snapshot(session.now()).state, State::Playing, "{path}, {down} s");
            let most = Duration::from_millis(down * 1000 + refuses_ms + 6000);
            assert!(stood(&session) < most, "{path}, {down} s: {:?}", stood(&session));
        }
    }
}

/// As while a service is deployed: it is the server's, and no matter of a rendition or a language.
#[test]
fn media_that_is_refused_for_a_while_ends_nothing_and_changes_no_language() {
    for path in [HLS, NUMBER, TIME] {
        for status in [404, 403] {
            for millis in [1_200, 8_000] {
                let case = format!("{path} {status} {millis}");
                let origin = Origin::new().editing(move |now, path, response| {
                    let refused = path.ends_with(".m4s") && (at(40_000)..at(40_000 + millis)).contains(&now);
                    match refused {
                        true => Response::new(status, "https://origin.example/", "").into(),
                        false => response.into(),
                    }
                });
                let session = run(origin.play(path), 100);
                assert!(errors(&session).iter().all(|error| !error.is_fatal()), "{case}: {:?}", errors(&session));
                let changes =
                    decisions(&session, DecisionKind::Track).into_iter().filter(|change| change.at > at(30_000));
                assert_eq!(changes.count(), 0, "{case}");
                let stood = session.engine().qoe(session.now()).stalled;
                assert!(stood < Duration::from_millis(millis), "{case}: {stood:?}");
                assert_eq!(states(&session).last(), Some(&State::Playing), "{case}");
            }
        }
    }
}
