//! One request that hangs while the line is well: of no kind of live title is it to cost more than it would show.

use std::time::Duration;

use telecine_engine::DecisionKind;
use telecine_model::TrackKind;
use telecine_virtual::{Network, Session};

use crate::common::{at, decisions, errors, track};
use crate::origin::{loads, Origin, BEGIN};
use crate::watch::{run, stalls};

/// The segment of two seconds that begins 40 s after the session, as the origin numbers them.
fn segment() -> u64 {
    (BEGIN / 1000 + 40) / 2
}

/// Each kind of title, with a fault in the path: segments for how long playback may stand.
const TITLES: [(&str, &str, u64); 7] = [
    ("/hls/live_60", "demo/main.m3u8", 0),
    ("/hls/live_60/ts_muxed", "demo/main.m3u8", 0),
    ("/dash/live_60/utc_iso", "demo/number.mpd", 1000),
    ("/dash/live_60/utc_iso", "demo/time.mpd", 1000),
    ("/hls/live_60/parts_334", "demo/main.m3u8", 5000),
    ("/hls/live_60/parts_334/partfiles_1", "demo/main.m3u8", 5000),
    ("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000", "demo/number.mpd", 5000),
];

fn stood(session: &Session<Origin>) -> Duration {
    session.engine().qoe(session.now()).stalled
}

fn with(fault: &str) -> impl Iterator<Item = (String, Session<Origin>, u64)> + '_ {
    TITLES.iter().map(move |(from, to, most)| {
        let path = format!("{from}/{fault}/{to}");
        let session = run(Origin::new().play(&path), 100);
        (path, session, *most)
    })
}

#[test]
fn a_segment_whose_answer_hangs_in_all_renditions_is_left_out_and_playback_goes_on() {
    for (path, session, most) in with(&format!("stallh_{}@60000", segment())) {
        assert!(stood(&session) <= Duration::from_millis(most), "{path}: {:?}", stood(&session));
        let skips = decisions(&session, DecisionKind::Skip);
        assert!(skips.iter().any(|skip| skip.why.concat().contains("hung")), "{path}: {skips:?}");
        assert!(errors(&session).iter().all(|error| !error.is_fatal()), "{path}: {:?}", errors(&session));
    }
}

#[test]
fn a_segment_whose_body_stops_is_shown_as_far_as_it_came() {
    for (path, session, most) in with(&format!("stallb_{}@60000", segment())) {
        assert!(stood(&session) <= Duration::from_millis(most), "{path}: {:?}", stood(&session));
        assert!(errors(&session).iter().all(|error| !error.is_fatal()), "{path}: {:?}", errors(&session));
    }
}

#[test]
fn an_answer_that_is_late_is_taken_if_it_comes_before_there_is_nothing_left_to_play() {
    // Of both kinds and in every rendition: whoever asks once more waits as long again.
    for (from, to, lates) in [
        ("/hls/live_60", "demo/main.m3u8", &[2000, 3000, 4000][..]),
        ("/hls/live_60/ts_muxed", "demo/main.m3u8", &[2000, 3000]),
        ("/dash/live_60/utc_iso", "demo/number.mpd", &[1600, 2000, 2500]),
        ("/dash/live_60/utc_iso", "demo/time.mpd", &[1600, 2000, 2500]),
    ] {
        for late in lates {
            let path = format!("{from}/stallh_{}@{late}/{to}", segment());
            let session = run(Origin::new().play(&path), 100);
            assert_eq!(decisions(&session, DecisionKind::Skip), [], "{path}");
            assert_eq!(stood(&session), Duration::ZERO, "{path}");
            assert_eq!(track(&session, TrackKind::Video).gaps, 0, "{path}");
        }
    }
}

#[test]
fn low_latency_stands_for_an_answer_that_is_late_no_longer_than_that_and_shows_it() {
    for (from, to) in [
        ("/hls/live_60/parts_334", "demo/main.m3u8"),
        ("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000", "demo/number.mpd"),
        ("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000", "demo/time.mpd"),
    ] {
        for late in [2000, 2700] {
            let path = format!("{from}/stallh_{}@{late}/{to}", segment());
            let session = run(Origin::new().play(&path), 100);
            assert_eq!(decisions(&session, DecisionKind::Skip), [], "{path}");
            assert!(stood(&session) <= Duration::from_millis(late), "{path}: {:?}", stood(&session));
        }
    }
}

#[test]
fn what_hangs_in_one_rendition_is_shown_in_another() {
    for (from, to, _) in TITLES {
        let path = format!("{from}/{to}");
        let hung = std::cell::RefCell::new(None::<String>);
        let origin = Origin::new().editing(move |now, path, mut response| {
            let first = path.contains("/v") && path.ends_with(".m4s") && now >= at(40_000);
            let mut hung = hung.borrow_mut();
            if first && hung.is_none() {
                *hung = Some(path.to_owned());
            }
            if hung.as_deref() == Some(path) {
                response.delay = Duration::from_secs(60);
            }
            response.into()
        });
        let session = run(origin.play(&path), 100);
        assert!(decisions(&session, DecisionKind::Skip).is_empty(), "{path}: nothing is left out");
        assert!(stood(&session) <= Duration::from_secs(4), "{path}: {:?}", stood(&session));
        assert_eq!(track(&session, TrackKind::Video).gaps, 0, "{path}");
    }
}

#[test]
fn on_a_line_that_is_down_nothing_is_taken_to_hang() {
    for (from, to, _) in TITLES {
        let line = crate::catching_up::outages(&[(40, 70)]);
        let session = run(Origin::new().play(&format!("{from}/{to}")).network(line), 100);
        let skips = decisions(&session, DecisionKind::Skip);
        assert!(skips.iter().all(|skip| !skip.why.concat().contains("hung")), "{from}/{to}: {skips:?}");
    }
}

#[test]
fn on_a_slow_line_of_long_round_trips_nothing_is_taken_to_hang() {
    for (from, to, _) in TITLES {
        let line = Network::constant(500_000, Duration::from_millis(400));
        let session = run(Origin::new().play(&format!("{from}/{to}")).network(line), 100);
        assert!(
            errors(&session).iter().all(|error| !error.message().contains("nothing more of it")),
            "{from}/{to}: {:?}",
            errors(&session)
        );
    }
}

#[test]
fn a_list_that_hangs_is_asked_for_again_before_there_is_nothing_to_play() {
    for path in ["/hls/live_60/demo/main.m3u8", "/hls/live_60/parts_334/demo/main.m3u8", "/dash/live_60/demo/time.mpd"]
    {
        let hung = std::cell::Cell::new(false);
        let origin = Origin::new().editing(move |now, path, mut response| {
            let list = path.contains("/v") && path.ends_with(".m3u8") || path.ends_with(".mpd");
            if list && now >= at(40_000) && !hung.replace(true) {
                response.delay = Duration::from_secs(60);
            }
            response.into()
        });
        let session = run(origin.play(path), 100);
        assert!(stood(&session) <= Duration::from_secs(4), "{path}: {:?}", stood(&session));
    }
}

#[test]
fn an_mpd_that_names_all_by_numbers_is_asked_for_only_to_see_whether_anybody_answers() {
    let path = format!("/dash/live_60/utc_iso/stallh_{}@60000/demo/number.mpd", segment());
    let origin = Origin::new();
    let log = origin.log.clone();
    let session = run(origin.play(&path), 100);
    assert!(stalls(&session) <= 1);
    assert!(loads(&log.borrow(), |path| path.ends_with(".mpd")).len() <= 3, "the first, and one for each that hung");
}
