//! HLS playlists that are loaded again and again.

use std::time::Duration;

use telecine_engine::{Command, DecisionKind, Event, State};
use telecine_model::{Error, ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Network, Outcome, Response, Session, Step};

use crate::common::{at, decisions, errors, secs, states};
use crate::origin::{loads, refused, with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once, run, stalls, started};

const MAIN: &str = "/hls/live_60/demo/main.m3u8";

fn error_at(session: &Session<Origin>, code: ErrorCode) -> (Timestamp, Error) {
    let told = |event: &Event| match event {
        Event::Error { at, error } if error.code() == code => Some((*at, error.clone())),
        _ => None,
    };
    session.events().iter().find_map(told).expect("it was told")
}

#[test]
fn a_live_title_plays_on_without_a_stall_and_without_a_gap() {
    let session = run(Origin::new().play(MAIN), 600);
    assert_eq!(states(&session).last(), Some(&State::Playing));
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    for kind in [TrackKind::Video, TrackKind::Audio] {
        every_sample_once(&session, kind);
    }
}

#[test]
fn playback_begins_at_least_three_target_durations_before_the_end_of_the_playlist_and_as_late_as_is_aimed_at() {
    // Wherever in its last segment the playlist is loaded.
    for load_ms in (0..2000).step_by(170) {
        let mut session = Origin::new().play(MAIN);
        session.run(Some(at(500)));
        let url = format!("https://origin.example{MAIN}");
        session.schedule(at(4000 + load_ms), Command::Load { url, start: None });
        session.schedule(at(4000 + load_ms), Command::Play);
        session.run(Some(at(12_000)));
        let begun = |event: &Event| match event {
            Event::Started { at, position } => Some((*at, *position)),
            _ => None,
        };
        let (begun, position) = session.events().iter().filter_map(begun).next_back().expect("it began");
        assert!(begun >= at(4000 + load_ms) && begun < at(5500 + load_ms), "{begun:?}");
        // A minute of segments of two seconds is listed: the last one ended at a whole one of them.
        let asked_at = |late: u64| (BEGIN + 4000 + load_ms + late) / 2000 * 2000;
        let (end, later) = (asked_at(60), asked_at(120));
        let shown = end as i64 - (secs(60) - position).as_millis();
        let latency = (BEGIN + begun.as_micros() / 1000) as i64 - shown;
        if end == later {
            assert!(end as i64 - shown >= 6000, "{load_ms}: {} ms from the end", end as i64 - shown);
            // The server's dates are of whole seconds.
            assert!((7300..=8800).contains(&latency), "{load_ms}: {latency} ms");
        }
        let edge = session.engine().snapshot(session.now()).edge.expect("live");
        assert_eq!(edge.target, secs(8));
        assert!(edge.following);
    }
}

/// The end of the playlist as it is loaded first, on the timeline that begins with it.
fn end_at_the_start() -> MediaTime {
    // A minute, and what of the first segment is in front of it.
    secs(60)
}

#[test]
fn hold_back_says_how_near_to_the_edge_playback_begins() {
    let mut session = Origin::new().play("/hls/live_60/spd_11/demo/main.m3u8");
    session.run(Some(at(10_000)));
    let behind = end_at_the_start() - started(&session).1;
    assert!(behind >= secs(11) && behind < secs(13), "in mid-segment: {behind}");
}

#[test]
fn a_start_that_the_playlist_prefers_is_kept_unless_it_is_nearer_than_may_be() {
    let start = |offset: &'static str| {
        let origin = Origin::new().editing(move |_, path, response| match path.ends_with("main.m3u8") {
            true => with_text(response, |text| format!("{text}#EXT-X-START:TIME-OFFSET={offset},PRECISE=YES\n")),
            false => response.into(),
        });
        let mut session = origin.play(MAIN);
        session.run(Some(at(10_000)));
        started(&session).1
    };
    assert_eq!(start("-20"), end_at_the_start() - secs(20));
    assert_eq!(start("-2"), end_at_the_start() - secs(6), "HX02");
    assert_eq!(start("15"), secs(15), "from the first segment");
}

#[test]
fn only_playlists_that_are_played_are_loaded_each_no_earlier_than_its_last_segment_is_long() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let session = run(origin.play(MAIN), 120);
    // By then the bitrate has found its place.
    let late = |asked: &&Asked| asked.at > at(20_000);
    let mut playlists: Vec<String> = log.borrow().iter().filter(late).map(|asked| asked.path.clone()).collect();
    playlists.retain(|path| path.ends_with(".m3u8") && path != MAIN);
    playlists.sort_unstable();
    playlists.dedup();
    assert_eq!(playlists.len(), 2, "one of pictures and one of sound: {playlists:?}");
    for playlist in playlists {
        let loads = loads(&log.borrow(), |path| path == playlist);
        let least = loads.windows(2).map(|pair| pair[1].since(pair[0])).min().expect("loads");
        // Frames of AAC are no whole part of two seconds.
        assert!(least >= Duration::from_millis(1984), "{playlist}: {least:?}");
        assert!((59..=62).contains(&loads.len()), "{playlist}: {}", loads.len());
    }
    drop(session);
}

#[test]
fn what_does_not_change_is_loaded_again_after_half_a_target_duration() {
    // The picture's playlist stands still for a second from the tenth on.
    let mut kept: std::collections::BTreeMap<String, telecine_virtual::Response> = Default::default();
    let origin = Origin::new().editing(move |now, path, response| {
        if !path.ends_with(".m3u8") {
            return response.into();
        }
        if now >= at(10_000) && now < at(11_000) {
            return kept.get(path).cloned().unwrap_or(response).into();
        }
        kept.insert(path.to_owned(), response.clone());
        response.into()
    });
    let log = origin.log.clone();
    let session = run(origin.play(MAIN), 30);
    let loads = loads(&log.borrow(), |path| path.contains("/v") && path.ends_with(".m3u8"));
    let loads: Vec<Timestamp> = loads.into_iter().filter(|load| *load > at(2_000)).collect();
    let near: Vec<u128> = loads.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
    let halves = near.iter().filter(|gap| (1000..=1100).contains(*gap)).count();
    assert!(halves == 1, "{near:?}");
    assert!(near.iter().all(|gap| *gap >= 1000), "{near:?}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
}

#[test]
fn a_stale_playlist_is_left_for_another_rendition() {
    let mut kept: std::collections::BTreeMap<String, telecine_virtual::Response> = Default::default();
    let origin = Origin::new().editing(move |now, path, response| {
        if !(path.ends_with("v720.m3u8") || path.ends_with("v1080.m3u8")) {
            return response.into();
        }
        if now >= at(10_000) {
            return kept.get(path).cloned().unwrap_or(response).into();
        }
        kept.insert(path.to_owned(), response.clone());
        response.into()
    });
    let session = run(origin.play(MAIN), 60);
    let errors = errors(&session);
    assert_eq!(errors.iter().map(Error::code).collect::<Vec<_>>(), [ErrorCode::ManifestStale], "{errors:?}");
    let (told, _) = error_at(&session, ErrorCode::ManifestStale);
    assert!(
        told <= at(10_000 + 3_000 + 2_000 + 200),
        "one and a half target durations behind the last new one: {told:?}"
    );
    assert_eq!(stalls(&session), 0);
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}

#[test]
fn a_server_that_is_gone_ends_playback_with_the_networks_error_behind_what_there_is() {
    let mut session = Origin::new()
        .editing(|now, path, response| match path.ends_with(".m3u8") && now > at(20_000) {
            true => refused(),
            false => response.into(),
        })
        .play(MAIN);
    let Outcome::Failed(Some(error)) = session.run(Some(at(200_000))) else { panic!("it goes on") };
    assert_eq!(error.code(), ErrorCode::ConnectFailed);
    assert!(error.message().starts_with("the playlist could not be had for 9"), "{error}");
    assert!(error.message().ends_with(" s: nobody listens"), "{error}");
    let url = error.facts().get("url").map_or("", String::as_str);
    assert!(url.starts_with("https://origin.example/hls/live_60/demo/") && url.ends_with(".m3u8"), "{url}");
    assert!((at(108_000)..at(120_000)).contains(&session.now()), "{:?}", session.now());
}

#[test]
fn an_outage_of_playlists_shorter_than_what_is_buffered_is_not_seen() {
    let origin = Origin::new().editing(|now, path, response| {
        match path.ends_with(".m3u8") && (at(20_000)..at(23_000)).contains(&now) {
            true => Response::new(503, "https://origin.example/", "").into(),
            false => response.into(),
        }
    });
    let log = origin.log.clone();
    let session = run(origin.play(MAIN), 60);
    assert_eq!(stalls(&session), 0, "{:?}", errors(&session));
    every_sample_once(&session, TrackKind::Video);
    for asked in log.borrow().iter().filter(|asked| asked.status == 503) {
        let near = |other: &&Asked| {
            other.path == asked.path && other.at > asked.at && other.at < asked.at + Duration::from_secs(1)
        };
        let log = log.borrow();
        let again: Vec<&Asked> = log.iter().filter(near).collect();
        assert!(again.is_empty(), "no faster than half a target duration: {asked:?} {again:?}");
    }
}

#[test]
fn an_outage_of_all_playlists_is_waited_for_and_afterwards_every_rendition_is_to_be_had_again() {
    for status in [404, 503] {
        let origin = Origin::new().editing(move |now, path, response| {
            match path.ends_with(".m3u8") && (at(20_000)..at(50_000)).contains(&now) {
                true => Response::new(status, "https://origin.example/", "").into(),
                false => response.into(),
            }
        });
        let mut session = origin.play(MAIN);
        assert_eq!(session.run(Some(at(180_000))), Outcome::Until, "{status}: {:?}", errors(&session));
        assert!(errors(&session).iter().all(|error| !error.is_fatal()));
        // It stands while nobody knows what there is, and goes on within a few seconds.
        let stalled = session.engine().qoe(session.now()).stalled;
        assert!(stalled < Duration::from_secs(36), "{status}: {stalled:?}");
        let shown = |event: &Event| match event {
            Event::Quality { kind: TrackKind::Video, height, .. } => *height,
            _ => None,
        };
        assert_eq!(session.events().iter().filter_map(shown).next_back(), Some(720), "{status}");
    }
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_left_alone_as_long_as_there_is_something_to_play() {
    // What it asks for, and how long it is to be left alone at least and at most.
    for (asked, least, most) in [("3", 3000, 3400), ("3600", 2000, 8500), ("soon", 1000, 1200)] {
        for (path, list) in [(MAIN, "a-en.m3u8"), ("/dash/live_60/utc_direct/demo/time.mpd", "time.mpd")] {
            let mut refusals = 0;
            let origin = Origin::new().editing(move |now, path, response| {
                let refuses = path.ends_with(list) && now > at(20_000) && refusals == 0;
                refusals += u32::from(refuses);
                if !refuses {
                    return response.into();
                }
                let mut refusal = Response::new(503, "https://origin.example/", "");
                refusal.retry_after = Some(asked.to_owned());
                refusal.into()
            });
            let log = origin.log.clone();
            let session = run(origin.play(path), 60);
            let log = log.borrow();
            let refused = log.iter().find(|asked| asked.status == 503).expect("it was refused").at;
            let again = log.iter().find(|asked| asked.path.ends_with(list) && asked.at > refused).expect("again").at;
            let waited = again.since(refused).as_millis();
            // Of an MPD it is half a second, if nothing is said.
            let least = if list == "time.mpd" && asked == "soon" { 500 } else { least };
            assert!((least..most).contains(&waited), "{asked}, {list}: {waited}");
            assert!(stalls(&session) <= 1, "{asked}, {list}: {}", stalls(&session));
            assert_eq!(states(&session).last(), Some(&State::Playing));
        }
    }
}

#[test]
fn who_watches_the_past_is_not_late() {
    let mut session = Origin::new().play(MAIN).at(at(20_000), Command::Seek(secs(40)));
    session.run(Some(at(60_000)));
    let seen = session.engine().snapshot(session.now()).edge.expect("it is live");
    assert!(!seen.following && seen.latency > Some(secs(35)), "{seen:?}");
    let latency = session.engine().qoe(session.now()).latency.expect("it was read before");
    assert!(latency.p95 < Duration::from_secs(9), "{latency:?}");
}

#[test]
fn an_older_version_of_a_playlist_is_ignored() {
    let mut older: std::collections::BTreeMap<String, Vec<telecine_virtual::Response>> = Default::default();
    let mut nth = 0;
    let origin = Origin::new().editing(move |_, path, response| {
        if !path.ends_with(".m3u8") {
            return response.into();
        }
        nth += 1;
        let known = older.entry(path.to_owned()).or_default();
        known.push(response.clone());
        match nth % 5 == 0 && known.len() > 4 {
            true => known[known.len() - 4].clone().into(),
            false => response.into(),
        }
    });
    let session = run(origin.play(MAIN), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}

#[test]
fn a_number_that_is_another_segment_than_before_sends_to_another_rendition() {
    let origin = Origin::new().editing(|now, path, response| {
        let renamed = path.ends_with("v720.m3u8") || path.ends_with("v1080.m3u8");
        match renamed && now > at(10_000) {
            true => with_text(response, |text| text.replace(".m4s", ".other.m4s")),
            false => response.into(),
        }
    });
    let session = run(origin.play(MAIN), 60);
    let errors = errors(&session);
    assert!(errors.iter().all(|error| error.code() == ErrorCode::ManifestRewound), "{errors:?}");
    assert_eq!((errors.len(), stalls(&session)), (1, 0));
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn a_pause_beyond_the_window_goes_on_where_the_window_begins_and_says_what_is_gone() {
    let mut session = Origin::new().play(MAIN).at(at(20_000), Command::Pause).at(at(200_000), Command::Play);
    session.run(Some(at(260_000)));
    assert_eq!(states(&session).last(), Some(&State::Playing));
    let position = session.engine().snapshot(session.now()).position;
    let edge = end_at_the_start() + secs(260);
    assert!(position > edge - secs(75) && position <= edge - secs(6), "{position} of {edge}");
    assert!(!decisions(&session, DecisionKind::Gap).is_empty());
    assert_eq!(errors(&session), []);
}

#[test]
fn a_seek_stays_within_the_window_and_away_from_the_edge() {
    let mut session =
        Origin::new().play(MAIN).at(at(20_000), Command::Seek(secs(500))).at(at(40_000), Command::Seek(secs(0)));
    session.run(Some(at(21_000)));
    let near = session.engine().snapshot(session.now()).position;
    assert!(near > end_at_the_start() + secs(20 - 10) && near < end_at_the_start() + secs(20 - 4), "{near}");
    session.run(Some(at(42_000)));
    let far = session.engine().snapshot(session.now()).position;
    assert!(far > secs(39) && far < secs(45), "{far}");
    session.run(Some(at(100_000)));
    assert_eq!((states(&session).last(), errors(&session)), (Some(&State::Playing), Vec::new()));
}

#[test]
fn playlists_without_dates_are_put_beside_each_other_by_their_media() {
    let origin = Origin::new().editing(|_, path, response| match path.ends_with(".m3u8") {
        true => with_text(response, |text| {
            let kept = text.lines().filter(|line| !line.starts_with("#EXT-X-PROGRAM-DATE-TIME"));
            kept.fold(String::new(), |text, line| text + line + "\n")
        }),
        false => response.into(),
    });
    let mut session = origin.play(MAIN).network("rate=900kbps,rtt=300ms".parse().expect("a network"));
    session.run(Some(at(120_000)));
    assert_eq!(errors(&session), []);
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}

#[test]
fn switching_renditions_leaves_out_nothing_and_repeats_nothing() {
    let step = |seconds, bits_per_second| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(20),
    };
    let network = Network::from_steps([step(20, 8_000_000), step(10, 700_000)]).expect("a network");
    let mut session = Origin::new().play(MAIN).network(network);
    session.run(Some(at(300_000)));
    let switches = decisions(&session, DecisionKind::Bitrate).len();
    assert!(switches > 4, "{switches}");
    assert_eq!(errors(&session), []);
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}

#[test]
fn a_title_that_ends_is_played_to_its_end() {
    let stop = BEGIN / 1000 + 30;
    let mut session = Origin::new().play(&format!("/hls/live_60/stop_{stop}/demo/main.m3u8"));
    assert_eq!(session.run(Some(at(100_000))), Outcome::Ended, "{:?}", errors(&session));
    let ended = session.events().iter().filter(|event| matches!(event, Event::LiveEnded { .. })).count();
    assert_eq!((ended, errors(&session)), (1, Vec::new()));
    assert!((at(33_000)..at(40_000)).contains(&session.now()), "{:?}", session.now());
    every_sample_once(&session, TrackKind::Video);
}

#[test]
fn an_event_is_played_at_its_edge_and_can_be_seeked_in_from_its_start() {
    let start = BEGIN / 1000 - 100;
    let mut session = Origin::new()
        .play(&format!("/hls/live_60/event_1/start_{start}/demo/main.m3u8"))
        .at(at(20_000), Command::Seek(secs(3)));
    session.run(Some(at(15_000)));
    let position = started(&session).1;
    assert!(position > secs(100 - 8) && position <= secs(100 - 6), "{position}");
    session.run(Some(at(60_000)));
    let position = session.engine().snapshot(session.now()).position;
    assert!(position > secs(42) && position < secs(44), "{position}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
}

#[test]
fn discontinuities_at_which_media_times_begin_anew_are_played_through() {
    for packaging in ["", "/ts_muxed", "/ts_demuxed"] {
        let session = run(Origin::new().play(&format!("/hls/live_60/disc_5{packaging}/demo/main.m3u8")), 300);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{packaging}");
        every_sample_once(&session, TrackKind::Video);
    }
}

#[test]
fn an_encoder_that_starts_over_is_followed() {
    // From the thirtieth second on the numbers begin at 0, and there are three seconds that nobody has.
    let again = BEGIN / 1000 + 30;
    let origin = Origin::new().redirecting(move |now, path| {
        let restarted = now >= at(36_000) && path.starts_with("/hls/");
        restarted.then(|| path.replace("/live_60/", &format!("/live_60/start_{again}/")))
    });
    let session = run(origin.play(MAIN), 120);
    let errors = errors(&session);
    assert!(errors.iter().all(|error| error.code() == ErrorCode::ManifestRewound), "{errors:?}");
    assert_eq!(states(&session).last(), Some(&State::Playing));
    let stood = session.engine().qoe(session.now());
    assert!(stood.stalled <= Duration::from_secs(5), "{stood:?}");
}

#[test]
fn a_day() {
    let begun = std::time::Instant::now();
    let session = run(Origin::new().play(MAIN), 86_400);
    println!("{:?} events {}", begun.elapsed(), session.events().len());
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}
