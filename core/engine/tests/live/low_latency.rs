//! Parts and chunks, before segments are complete.

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_engine::{DecisionKind, Event, State};
use telecine_model::{Error, ErrorCode, Handling, MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Network, Outcome, Response, Session, Step};

use crate::common::{at, decisions, errors, secs, states, track};
use crate::origin::{loads, refused, with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once_so_far, run, stalls};

const HLS: &str = "/hls/live_60/parts_334/demo/main.m3u8";

#[test]
fn parts_are_played_at_their_hold_back() {
    let origin = Origin::new();
    let mut session = origin.play(HLS);
    assert_eq!(session.run(Some(at(300_000))), Outcome::Until);
    let latency = session.engine().qoe(session.now()).latency.expect("it was read");
    assert!(latency.mean <= Duration::from_millis(1002 * 11 / 10), "{latency:?}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once_so_far(&session, TrackKind::Video);
    every_sample_once_so_far(&session, TrackKind::Audio);
}

/// What was asked for of a rendition's playlist, with its directives.
fn queries(urls: &[(Timestamp, String)], rendition: &str) -> Vec<String> {
    let of_this = urls.iter().filter(|(_, url)| url.contains(&format!("{rendition}.m3u8")));
    of_this.map(|(_, url)| url.split_once('?').map_or(String::new(), |(_, query)| query.to_owned())).collect()
}

fn plays(path: &str, seconds: u64) -> Session<Origin> {
    let mut session = Origin::new().play(path);
    assert_eq!(session.run(Some(at(seconds * 1000))), Outcome::Until, "{:?}", errors(&session));
    session
}

fn smooth(session: &Session<Origin>) {
    assert_eq!((stalls(session), errors(session)), (0, Vec::new()));
    every_sample_once_so_far(session, TrackKind::Video);
    every_sample_once_so_far(session, TrackKind::Audio);
}

fn mean_latency(session: &Session<Origin>) -> MediaTime {
    MediaTime::from_duration(session.engine().qoe(session.now()).latency.expect("it was read").mean)
}

#[test]
fn parts_that_are_files_are_played_as_those_that_are_ranges() {
    let session = plays("/hls/live_60/parts_334/partfiles_1/demo/main.m3u8", 120);
    smooth(&session);
    assert!(mean_latency(&session) < MediaTime::from_millis(1150), "{}", mean_latency(&session));
}

#[test]
fn each_request_of_a_playlist_waits_for_the_next_part_one_at_a_time() {
    let origin = Origin::new();
    let urls = origin.urls.clone();
    let mut session = origin.play(HLS);
    session.run(Some(at(20_000)));
    let queries = queries(&urls.borrow(), "a-en");
    assert_eq!(queries[0], "", "nothing is known yet");
    let asked: Vec<(u64, u64)> = queries[1..].iter().map(|query| next(query)).collect();
    assert!(asked.windows(2).all(|pair| pair[0] < pair[1]), "{asked:?}");
    // Six parts and the rest, each two seconds.
    assert!((60..=75).contains(&asked.len()), "{}", asked.len());
}

fn next(query: &str) -> (u64, u64) {
    let value = |name: &str| {
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {query}"))
    };
    (value("_HLS_msn"), value("_HLS_part"))
}

#[test]
fn updates_that_leave_out_what_is_known_come_to_the_same() {
    for skip in [0, 1, 2] {
        let session = plays(&format!("/hls/live_120/parts_500/skip_{skip}/demo/main.m3u8"), 60);
        smooth(&session);
        let (from, _) = session.engine().snapshot(session.now()).edge.expect("it is live").seekable;
        assert!(from.abs_diff(secs(60)) <= secs(3), "the window slides: {from}");
    }
}

#[test]
fn a_server_that_does_not_hold_requests_is_polled_and_watched_from_further_away() {
    let origin = Origin::new();
    let urls = origin.urls.clone();
    let mut session = origin.play("/hls/live_60/parts_334/block_0/demo/main.m3u8");
    session.run(Some(at(60_000)));
    smooth(&session);
    assert!(queries(&urls.borrow(), "a-en").iter().all(|query| !query.contains("_HLS_msn")));
    assert!(mean_latency(&session) > secs(5), "{}", mean_latency(&session));
}

#[test]
fn a_server_that_promises_to_hold_requests_and_does_not_is_asked_no_more_than_a_polled_one() {
    let promising = |text: String| text.replace("SERVER-CONTROL:", "SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,");
    let origin = Origin::new().editing(move |_, path, response| match path.ends_with(".m3u8") {
        true => with_text(response, promising),
        false => response.into(),
    });
    let log = origin.log.clone();
    let mut session = origin.play("/hls/live_60/parts_334/block_0/demo/main.m3u8");
    session.run(Some(at(60_000)));
    let loads = loads(&log.borrow(), |path| path.ends_with("a-en.m3u8"));
    // Two in a target duration (F27), and those that showed it.
    assert!(loads.len() <= 60 + 6, "{}", loads.len());
    assert!(stalls(&session) <= 1, "{}", stalls(&session));
    every_sample_once_so_far(&session, TrackKind::Audio);
}

#[test]
fn a_hint_of_what_does_not_come_harms_nobody() {
    let origin = Origin::new().editing(|_, path, response| match path.ends_with(".m3u8") {
        true => with_text(response, |text| {
            text.replace("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"wrong/")
        }),
        false => response.into(),
    });
    let log = origin.log.clone();
    let mut session = origin.play(HLS);
    session.run(Some(at(60_000)));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "404 of a hint is no fault (6.2.6)");
    every_sample_once_so_far(&session, TrackKind::Video);
    let missing: Vec<String> =
        log.borrow().iter().filter(|asked| asked.status == 404).map(|asked| asked.path.clone()).collect();
    // Three in a row end it, for sound and for the picture; one whose list comes before its answer does is not counted.
    assert!(missing.len() <= 8, "{missing:?}");
    assert!(mean_latency(&session) < MediaTime::from_millis(1300), "{}", mean_latency(&session));
}

#[test]
fn a_part_that_is_missing_is_left_out_up_to_the_next_that_can_be_begun_with() {
    let origin = Origin::new().editing(|now, path, response| {
        let lost = path.contains("/v") && path.contains(".3.m4s") && (at(20_000)..at(22_000)).contains(&now);
        match lost {
            true => Response::new(404, "https://origin.example/", "").into(),
            false => response.into(),
        }
    });
    let mut session = origin.play("/hls/live_60/parts_334/partfiles_1/demo/main.m3u8");
    session.run(Some(at(60_000)));
    let codes: Vec<ErrorCode> = errors(&session).iter().map(Error::code).collect();
    assert_eq!(codes, [ErrorCode::HttpStatus]);
    assert_eq!(states(&session).last(), Some(&State::Playing));
}

/// When errors were reported.
fn troubles(session: &Session<Origin>) -> Vec<Timestamp> {
    let failed = |event: &Event| match event {
        Event::Error { at, .. } => Some(*at),
        _ => None,
    };
    session.events().iter().filter_map(failed).collect()
}

#[test]
fn parts_that_are_there_later_than_they_are_listed_are_waited_for_and_then_asked_for_later() {
    for late in [500, 1000, 1500] {
        let path = format!("/hls/live_60/parts_334/early404_{late}/demo/main.m3u8");
        let session = plays(&path, 50);
        assert_eq!(stalls(&session), 0, "{late} ms");
        let after: Vec<Timestamp> = troubles(&session).into_iter().filter(|when| *when > at(5_000)).collect();
        assert_eq!(after, [], "{late} ms: asked in vain for so long");
        every_sample_once_so_far(&session, TrackKind::Video);
        every_sample_once_so_far(&session, TrackKind::Audio);
        let latency = mean_latency(&session);
        assert!(latency < MediaTime::from_millis(late + 1002 + 500), "{late} ms: {latency}");
    }
}

#[test]
fn sound_that_is_missing_for_a_part_is_left_out_without_a_stall() {
    let origin = Origin::new().editing(|now, path, response| {
        let lost = path.contains("/a-en") && path.contains(".3.m4s") && (at(20_000)..at(22_000)).contains(&now);
        match lost {
            true => Response::new(404, "https://origin.example/", "").into(),
            false => response.into(),
        }
    });
    let mut session = origin.play("/hls/live_60/parts_334/partfiles_1/demo/main.m3u8");
    session.run(Some(at(60_000)));
    assert!(!troubles(&session).is_empty());
    assert_eq!(stalls(&session), 0);
    assert_eq!(states(&session).last(), Some(&State::Playing));
    every_sample_once_so_far(&session, TrackKind::Video);
}

#[test]
fn a_switch_of_renditions_begins_where_the_reports_say_the_other_one_is() {
    let step = |seconds, bits_per_second| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(40),
    };
    let origin = Origin::new();
    let urls = origin.urls.clone();
    let network = Network::from_steps([step(15, 10_000_000), step(15, 1_200_000)]).expect("a network");
    let mut session = origin.play(HLS).network(network);
    session.run(Some(at(120_000)));
    let first: Vec<String> = ["v180", "v360", "v480"]
        .iter()
        .filter_map(|rendition| queries(&urls.borrow(), rendition).first().cloned())
        .collect();
    // The one that playback began with is read as it is.
    let directed = first.iter().filter(|query| query.contains("_HLS_msn")).count();
    assert!(directed > 0 && directed + 1 >= first.len(), "{first:?}");
    assert_eq!(errors(&session), []);
    assert!(stalls(&session) <= 3, "an eighth of the rate at once, with a second of buffer: {}", stalls(&session));
    every_sample_once_so_far(&session, TrackKind::Video);
}

#[test]
fn a_low_latency_title_that_ends_is_played_to_its_end() {
    let stop = BEGIN / 1000 + 30;
    let mut session = Origin::new().play(&format!("/hls/live_60/parts_334/stop_{stop}/demo/main.m3u8"));
    assert_eq!(session.run(Some(at(100_000))), Outcome::Ended, "{:?}", errors(&session));
    smooth(&session);
    assert!((at(29_000)..at(33_000)).contains(&session.now()), "{:?}", session.now());
}

#[test]
fn what_is_known_is_left_out_of_an_answer_unless_the_copy_is_too_old() {
    // H123: no older than half the boundary, which is six target durations.
    let origin = Origin::new().editing(|now, path, response| {
        let held_up = path.ends_with("a-en.m3u8") && (at(20_000)..at(28_000)).contains(&now);
        if held_up {
            refused()
        } else {
            response.into()
        }
    });
    let urls = origin.urls.clone();
    let mut session = origin.play("/hls/live_60/parts_500/skip_1/demo/main.m3u8");
    session.run(Some(at(40_000)));
    let asked: Vec<(Timestamp, String)> =
        urls.borrow().iter().filter(|(_, url)| url.contains("a-en.m3u8")).cloned().collect();
    assert!(!asked[0].1.contains("_HLS_skip"), "nothing is known yet");
    assert!(asked[1].1.contains("_HLS_skip=YES"), "{}", asked[1].1);
    // The copy is of the twentieth second.
    let late =
        asked.iter().filter(|(at, _)| *at > Timestamp::from_millis(26_200) && *at < Timestamp::from_millis(28_000));
    let late: Vec<&String> = late.map(|(_, url)| url).collect();
    assert!(!late.is_empty() && late.iter().all(|url| !url.contains("_HLS_skip")), "{late:?}");
    assert!(asked.last().is_some_and(|(_, url)| url.contains("_HLS_skip=YES")));
}

#[test]
fn a_server_that_refuses_to_hold_a_request_is_asked_for_what_there_is_and_not_at_once() {
    // H127, F27.
    for status in [400, 503] {
        let mut refusals = 0;
        let origin = Origin::new().editing(move |now, path, response| {
            let refuses = path.ends_with("a-en.m3u8") && now > at(10_000) && refusals < 1;
            refusals += u32::from(refuses);
            if refuses {
                Response::new(status, "https://origin.example/", "").into()
            } else {
                response.into()
            }
        });
        let (log, urls) = (origin.log.clone(), origin.urls.clone());
        let mut session = origin.play(HLS);
        session.run(Some(at(40_000)));
        let refused = log.borrow().iter().position(|asked| asked.status == status).expect("it was refused");
        let when = log.borrow()[refused].at;
        let next = urls.borrow()[refused + 1..].iter().find(|(_, url)| url.contains("a-en.m3u8")).cloned();
        let (next, url) = next.expect("it is asked again");
        assert!(!url.contains("_HLS_msn"), "{status}: {url}");
        assert!(next.since(when) >= Duration::from_millis(1000), "{status}: {:?}", next.since(when));
        assert!(mean_latency(&session) < secs(2), "held requests are made again: {}", mean_latency(&session));
    }
}

#[test]
fn no_byte_comes_twice_where_a_hint_brings_more_than_one_part() {
    // H130: what an open request brings is not asked for part by part.
    let origin = Origin::new();
    let log = origin.log.clone();
    let mut session = origin.play(HLS);
    session.run(Some(at(60_000)));
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    for asked in log.borrow().iter().filter(|asked| asked.path.contains("/a-en/")) {
        let (from, end) = asked.bytes;
        let before = ends.insert(asked.path.clone(), end);
        assert!(before.is_none_or(|before| from >= before), "{}: {from} behind {before:?}", asked.path);
    }
    assert!(ends.len() > 25, "{}", ends.len());
}

#[test]
fn h129_a_hint_that_is_replaced_while_the_server_holds_the_request_is_given_up() {
    // For a while what is hinted at is something that does not come; the server holds requests for it all the same.
    for (path, least) in [("/hls/live_60/parts_334/partfiles_1/demo/main.m3u8", 12), (HLS, 2)] {
        let origin = Origin::new().editing(|now, path, response| {
            if path.contains("/withdrawn/") {
                let mut held = Response::new(200, "https://origin.example/", "");
                held.held.until = Duration::from_secs(60);
                return held.into();
            }
            match path.ends_with(".m3u8") && (at(20_000)..at(23_000)).contains(&now) {
                true => {
                    with_text(response, |text| text.replace("HINT:TYPE=PART,URI=\"", "HINT:TYPE=PART,URI=\"withdrawn/"))
                }
                false => response.into(),
            }
        });
        let log = origin.log.clone();
        let mut session = origin.play(path);
        session.run(Some(at(60_000)));
        let withdrawn = loads(&log.borrow(), |path| path.contains("/withdrawn/"));
        assert!(withdrawn.len() >= least, "{path}: {withdrawn:?}");
        let given_up = session.engine().qoe(session.now()).requests_cancelled;
        assert!(given_up >= withdrawn.len() as u64, "{path}: {given_up} of {}", withdrawn.len());
        // Whoever waited for them would stand for the ten seconds that a head is given.
        smooth(&session);
        assert!(mean_latency(&session) < MediaTime::from_millis(1250), "{path}: {}", mean_latency(&session));
    }
}

#[test]
fn a_server_that_refuses_what_was_reported_is_asked_for_what_there_is() {
    // The link gets slow, so that other renditions are loaded for the first time: not so slow that the smallest is gone to, which
    // is known since the start.
    let step = |seconds, bits_per_second| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(40),
    };
    for status in [400, 404, 500, 503] {
        let refused = ["v180.m3u8", "v360.m3u8", "v480.m3u8"];
        let mut first: BTreeMap<String, u32> = BTreeMap::new();
        let origin = Origin::new().editing(move |now, path, response| {
            let times = first.entry(path.to_owned()).or_default();
            *times += 1;
            match refused.iter().any(|name| path.ends_with(name)) && *times == 1 && now > at(5_000) {
                true => Response::new(status, "https://origin.example/", "").into(),
                false => response.into(),
            }
        });
        let (log, urls) = (origin.log.clone(), origin.urls.clone());
        let network = Network::from_steps([step(15, 10_000_000), step(15, 800_000)]).expect("a network");
        let mut session = origin.play(HLS).network(network);
        session.run(Some(at(60_000)));
        let place = log.borrow().iter().position(|asked| asked.status == status).expect("one was refused");
        let (refused, path) = (log.borrow()[place].at, log.borrow()[place].path.clone());
        let next = urls.borrow()[place + 1..].iter().find(|(_, url)| url.contains(&path)).cloned();
        let again = next.is_some_and(|(at, url)| !url.contains('?') && at.since(refused) < Duration::from_millis(200));
        // What is not there is not there without directives either.
        assert_eq!(again, status != 404, "{status}");
        let replaced = errors(&session).iter().filter(|error| error.handling() == Handling::Replaced).count();
        assert_eq!(replaced > 0, status == 404, "{status}: {:?}", errors(&session));
    }
}

#[test]
fn h132_parts_of_a_server_without_all_of_the_profile_are_not_played() {
    for (tag, what) in [
        ("#EXT-X-PROGRAM-DATE-TIME", "dates"),
        ("#EXT-X-PRELOAD-HINT", "hints"),
        ("#EXT-X-RENDITION-REPORT", "reports of other renditions"),
    ] {
        let origin = Origin::new().editing(move |_, path, response| match path.ends_with(".m3u8") {
            true => with_text(response, |text| {
                let kept = text.lines().filter(|line| !line.starts_with(tag));
                kept.fold(String::new(), |text, line| text + line + "\n")
            }),
            false => response.into(),
        });
        let log = origin.log.clone();
        let mut session = origin.play("/hls/live_60/parts_334/partfiles_1/demo/main.m3u8");
        session.run(Some(at(60_000)));
        smooth(&session);
        let parts = log.borrow().iter().filter(|asked| asked.path.matches('.').count() > 1).count();
        assert_eq!(parts, 0, "{what}");
        assert!(mean_latency(&session) > secs(5), "{what}: {}", mean_latency(&session));
        let told: Vec<String> = session
            .engine()
            .media_warnings()
            .filter(|warning| warning.warning.rule == "H132")
            .map(|warning| warning.warning.message.clone())
            .collect();
        assert!(!told.is_empty() && told.iter().all(|message| message.contains(what)), "{told:?}");
    }
}

#[test]
fn h132_a_playlist_alone_has_nobody_to_report_of() {
    let mut session = Origin::new()
        .editing(|_, path, response| match path.ends_with(".m3u8") {
            true => with_text(response, |text| {
                let kept = text.lines().filter(|line| !line.starts_with("#EXT-X-RENDITION-REPORT"));
                kept.fold(String::new(), |text, line| text + line + "\n")
            }),
            false => response.into(),
        })
        .play("/hls/live_60/parts_334/demo/v360.m3u8");
    session.run(Some(at(60_000)));
    assert!(mean_latency(&session) < MediaTime::from_millis(1250), "{}", mean_latency(&session));
}

/// Once it holds a playlist for a minute, and tells when; three target durations of two seconds are what it may.
fn holding_a_list() -> (Origin, std::rc::Rc<std::cell::Cell<Option<Timestamp>>>) {
    let held = std::rc::Rc::new(std::cell::Cell::new(None));
    let seen = std::rc::Rc::clone(&held);
    let origin = Origin::new().editing(move |now, path, mut response| {
        if path.ends_with("v720.m3u8") && now >= at(20_000) && held.get().is_none() {
            held.set(Some(now));
            response.held.until = std::time::Duration::from_secs(60);
        }
        response.into()
    });
    (origin, seen)
}

/// How long after that the list was asked for again.
fn asked_again(log: &[Asked], since: Timestamp) -> std::time::Duration {
    let again = log.iter().filter(|asked| asked.path.ends_with("v720.m3u8") && asked.at > since).map(|asked| asked.at);
    again.min().expect("asked again").since(since)
}

#[test]
fn ll02_where_no_other_list_shows_that_there_is_more_a_server_is_given_three_target_durations() {
    let (origin, seen) = holding_a_list();
    let log = std::rc::Rc::clone(&origin.log);
    drop(run(origin.play("/hls/live_60/parts_500/demo/v720.m3u8"), 60));
    let waited = asked_again(&log.borrow(), seen.get().expect("it was held"));
    assert!((6.0..9.5).contains(&waited.as_secs_f64()), "{waited:?}");
}

#[test]
fn ll02_a_server_that_holds_a_request_for_longer_than_it_may_is_asked_again() {
    let (origin, seen) = holding_a_list();
    let log = std::rc::Rc::clone(&origin.log);
    let session = run(origin.play("/hls/live_60/parts_500/demo/main.m3u8"), 60);
    let waited = asked_again(&log.borrow(), seen.get().expect("it was held"));
    // The list of the sound shows that there is more, so that nobody waits for as long as that.
    assert!((2.5..9.5).contains(&waited.as_secs_f64()), "{waited:?}");
    // It goes on, no later than it stood, and catches up.
    let snapshot = session.engine().snapshot(session.now());
    let edge = snapshot.edge.expect("live");
    assert_eq!((snapshot.state, edge.following), (State::Playing, true));
    assert!(edge.latency.expect("known") < secs(9), "{edge:?}");
    assert!(errors(&session).iter().all(|error| !error.is_fatal()), "{:?}", errors(&session));
}

#[test]
fn of_a_segment_whose_parts_break_off_in_one_rendition_the_rest_is_shown_in_another() {
    for fault in ["short_*@30000:v720", "cut_*@40000:v720"] {
        let session = plays(&HLS.replace("demo", &format!("{fault}/demo")), 120);
        let stood = session.engine().qoe(session.now()).stalled;
        assert!(stood <= secs(3).to_duration(), "{fault}: {stood:?}");
        let left_out = decisions(&session, DecisionKind::Skip);
        assert!(left_out.is_empty(), "{fault}: {left_out:?}");
        assert_eq!(track(&session, TrackKind::Video).gaps, 0, "{fault}");
        assert_eq!(decisions(&session, DecisionKind::Gap), [], "{fault}");
    }
}
