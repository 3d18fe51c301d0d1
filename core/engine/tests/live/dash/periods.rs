//! DASH titles that go on: periods that come and go.

use telecine_engine::State;
use telecine_model::TrackKind;
use telecine_virtual::Response;

use super::{between, is_mpd};
use crate::common::{at, errors, states, track};
use crate::origin::{with_text, Origin, BEGIN};
use crate::watch::{every_sample_once, run, stalls};

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
