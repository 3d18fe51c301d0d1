//! A source that has nothing for a while: what a stall is called then, and what is chosen afterwards.

use telecine_engine::{Event, StallCause, State};
use telecine_virtual::{Response, Session};

use crate::common::{at, errors};
use crate::origin::Origin;

const HLS: &str = "/hls/live_60/demo/main.m3u8";
const DASH: &str = "/dash/live_60/utc_iso/demo/time.mpd";

fn causes(session: &Session<Origin>) -> Vec<StallCause> {
    let cause = |event: &Event| match event {
        Event::StallStarted { cause, .. } => Some(*cause),
        _ => None,
    };
    session.events().iter().filter_map(cause).collect()
}

/// What was fetched of the picture from a second on: when, and of which rendition.
fn pictures(session: &Session<Origin>, from: u64) -> Vec<(u64, String)> {
    let log = session.source().log.borrow();
    let media = log.iter().filter(|asked| asked.at > at(from * 1000) && asked.path.ends_with(".m4s"));
    let folders =
        media.map(|asked| (asked.at.as_micros() / 1000, asked.path.rsplit('/').nth(1).unwrap_or("").to_owned()));
    folders.filter(|(_, folder)| folder.starts_with('v')).collect()
}

/// Lists stay as they were for a quarter of each minute. A session begins 56.7 s into one.
fn stale(path: &str) -> Session<Origin> {
    let mut session = Origin::new().play(&path.replace("/live_60/", "/live_60/stale_20-35/"));
    session.run(Some(at(100_000)));
    session
}

#[test]
fn a_stall_for_a_list_that_does_not_grow_is_called_so() {
    for path in [HLS, DASH] {
        let session = stale(path);
        assert!(!causes(&session).is_empty(), "{path}");
        let other: Vec<StallCause> = causes(&session).into_iter().filter(|c| *c != StallCause::LateSource).collect();
        assert_eq!(other, [], "{path}: {:?}", errors(&session));
    }
}

#[test]
fn a_stall_for_media_that_come_later_than_announced_is_called_so() {
    // Once, for three seconds, nothing of what is announced is there.
    let mut session = Origin::new()
        .editing(|now, path, response| match path.ends_with(".m4s") && (at(20_000)..at(29_000)).contains(&now) {
            true => Response::new(404, "https://origin.example/", "").into(),
            false => response.into(),
        })
        .play("/dash/live_60/utc_iso/chunk_500/ato_1500/ltgt_2000/demo/number.mpd");
    session.run(Some(at(28_000)));
    assert_eq!(causes(&session).first(), Some(&StallCause::LateSource), "{:?}", errors(&session));
}

#[test]
fn a_stall_for_a_line_that_is_down_is_called_that_and_nothing_else() {
    for path in [HLS, DASH] {
        let mut session = Origin::new().play(path).network(crate::catching_up::outages(&[(30, 42)]));
        session.run(Some(at(60_000)));
        assert_eq!(causes(&session), [StallCause::SlowNetwork], "{path}: {:?}", errors(&session));
    }
}

#[test]
fn a_rendition_whose_list_alone_stands_still_is_left_alone_for_a_while() {
    let mut kept = None;
    let mut session = Origin::new()
        .editing(move |now, path, response| {
            if path.ends_with("v720.m3u8") && now >= at(20_000) {
                return kept.clone().unwrap_or(response).into();
            }
            if path.ends_with("v720.m3u8") && response.status == 200 {
                kept = Some(response.clone());
            }
            response.into()
        })
        .play(HLS);
    session.run(Some(at(60_000)));
    let back = pictures(&session, 24).into_iter().find(|(_, of)| of == "v720");
    assert_eq!(
        (back, session.engine().snapshot(session.now()).state),
        (None, State::Playing),
        "{:?}",
        errors(&session)
    );
}

#[test]
fn what_comes_behind_a_drought_is_chosen_by_what_the_line_carries() {
    for path in [HLS, DASH] {
        let session = stale(path);
        // Twice the lists stood still. A rung less is what the rule takes at times on six seconds of buffer.
        let fetched = pictures(&session, 5);
        assert!(fetched.len() > 40, "{path}: {fetched:?}");
        let less: Vec<&(u64, String)> = fetched.iter().filter(|(_, of)| of != "v720" && of != "v480").collect();
        assert!(less.is_empty(), "{path}: {less:?}");
    }
}
