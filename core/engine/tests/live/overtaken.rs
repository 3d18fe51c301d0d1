//! Viewers whom a live title leaves behind: on lines that carry less than it takes, or at half its speed.

use std::time::Duration;

use telecine_engine::{Command, Config, DecisionKind, Event, State};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::{Network, Session};

use crate::catching_up::outages;
use crate::common::{at, decisions, errors, secs, track};
use crate::origin::{loads, Origin};
use crate::watch::{run, stalls};

const PARTS: &str = "/hls/live_60/parts_334/demo/main.m3u8";
const HLS: &str = "/hls/live_60/demo/main.m3u8";
const DASH: &str = "/dash/live_60/utc_iso/demo/number.mpd";

/// Low latency over a line of so many kilobits a second. The least that the title has takes 326.
fn over(kilobits: u64) -> Session<Origin> {
    Origin::new().play(PARTS).network(Network::constant(kilobits * 1000, Duration::from_millis(50)))
}

fn played(session: &Session<Origin>) -> Duration {
    session.engine().qoe(session.now()).played
}

#[test]
fn on_a_line_that_carries_less_than_the_least_playback_stands_seldom_and_shows_most_of_the_time() {
    for kilobits in [200, 250, 300] {
        let session = run(over(kilobits), 120);
        let played = played(&session);
        assert!(stalls(&session) <= 6, "{kilobits}: {} stalls", stalls(&session));
        assert!(played >= Duration::from_secs(85), "{kilobits}: {played:?} of 120 s");
        assert_eq!(decisions(&session, DecisionKind::Seek).len(), 0, "{kilobits}: nothing is left out for nothing");
    }
}

#[test]
fn sound_is_no_further_than_a_few_seconds_from_a_picture_that_playback_waits_for() {
    let mut session = over(250);
    for second in 4..60 {
        session.run(Some(at(second * 1000)));
        let end = |kind| track(&session, kind).last_pts.unwrap_or_default();
        let ahead = end(TrackKind::Audio) - end(TrackKind::Video);
        // A segment of two seconds comes at a time.
        assert!(ahead <= MediaTime::from_millis(4500), "{second}: {ahead}");
    }
}

#[test]
fn lists_of_parts_are_not_loaded_for_each_part_where_there_is_more_to_fetch_than_the_line_carries() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let line = Network::constant(200_000, Duration::from_millis(50));
    drop(run(origin.play(PARTS).network(line), 120));
    let lists = loads(&log.borrow(), |path| path.contains("/v") && path.ends_with(".m3u8"));
    // One a segment of two seconds, not one a part of a third of a second, once playback is behind.
    let late = lists.iter().filter(|load| **load > at(40_000)).count();
    assert!(late <= 80 / 2 + 5, "{late} in 80 s");
}

#[test]
fn what_an_outage_left_behind_is_not_shown_before_playback_jumps_to_the_edge() {
    let mut session = Origin::new().play(PARTS).network(outages(&[(30, 38)]));
    session.run(Some(at(60_000)));
    let events = session.events();
    let stood = events.iter().position(|event| matches!(event, Event::StallStarted { .. })).expect("it stood");
    let plays = |event: &Event| matches!(event, Event::State { state: State::Playing, .. });
    let jump = |event: &Event| matches!(event, Event::Decision(decision) if decision.what == DecisionKind::Seek);
    let first = events[stood..].iter().position(plays).expect("it went on");
    let jumped = events[stood..].iter().position(jump).expect("it jumped");
    assert!(jumped < first, "{:?}", errors(&session));
    // And all of the time that nothing was shown counts as waited for.
    let qoe = session.engine().qoe(session.now());
    assert!(qoe.stalled > Duration::from_secs(7), "{:?}", qoe.stalled);
    assert_eq!(stalls(&session), 1);
}

#[test]
fn whoever_plays_at_half_speed_is_overtaken_by_the_window_once_and_sees_all_before_and_after() {
    for path in [HLS, PARTS, DASH] {
        let session = Origin::new().play(path).at(at(0), Command::SetRate(500));
        let session = run(session, 260);
        let gaps = decisions(&session, DecisionKind::Gap);
        assert_eq!((gaps.len(), stalls(&session)), (1, 0), "{path}: {gaps:?}");
        let skips = decisions(&session, DecisionKind::Skip);
        assert_eq!(skips.len(), 2, "{path}: of each kind one: {skips:?}");
        // Picture and sound go on at the same place.
        let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
        assert_eq!((video.gaps, audio.gaps), (1, 1), "{path}");
        let (picture, sound) = (video.last_pts.zip(audio.last_pts)).expect("samples");
        assert!(picture.abs_diff(sound) < secs(3), "{path}: {picture}, {sound}");
        assert_eq!(session.engine().snapshot(session.now()).state, State::Playing, "{path}");
    }
}

#[test]
fn what_is_waited_for_is_no_more_than_what_is_fetched() {
    // Four times two seconds would be waited for at the third stall in a row, and five are fetched.
    let mut config = Config::default();
    config.buffer_goal = Some(secs(5));
    let line = Network::constant(150_000, Duration::from_millis(50));
    let mut session = Origin::new().play_with(config, PARTS).network(line);
    let mut before = secs(0);
    for half in 1..=6 {
        session.run(Some(at(half * 40_000)));
        let now = session.engine().snapshot(session.now()).position;
        assert!(now > before, "it goes on within forty seconds: {half}, {now}");
        before = now;
    }
    assert!(stalls(&session) >= 3, "{}", stalls(&session));
}

#[test]
fn a_seek_of_who_paused_ends_at_the_rim_of_the_window_too() {
    for path in [HLS, DASH] {
        let mut session = Origin::new().play(path).at(at(20_000), Command::Pause);
        session.run(Some(at(90_000)));
        // All but the last seconds of what is buffered has been left behind by the window.
        let here = session.engine().snapshot(session.now()).position;
        session.schedule(session.now(), Command::Seek(here + secs(27)));
        session.run(Some(at(120_000)));
        assert_eq!(session.engine().snapshot(session.now()).state, State::Paused, "{path}: {:?}", errors(&session));
    }
}

#[test]
fn after_an_outage_longer_than_the_window_playback_goes_on_at_the_edge() {
    for path in [
        "/hls/live_20/parts_334/demo/main.m3u8",
        "/hls/live_20/parts_334/partfiles_1/demo/main.m3u8",
        "/hls/live_10/parts_1000/demo/main.m3u8",
        "/hls/live_20/demo/main.m3u8",
        "/dash/live_20/utc_iso/demo/number.mpd",
        "/dash/live_20/utc_iso/chunk_500/ato_1500/ltgt_2000/demo/number.mpd",
    ] {
        for down in [20, 35, 45] {
            let session = Origin::new().play(path).network(outages(&[(30, 30 + down)]));
            let session = run(session, 120);
            let snapshot = session.engine().snapshot(session.now());
            let late = snapshot.edge.and_then(|edge| edge.latency).expect("it is known");
            assert_eq!(snapshot.state, State::Playing, "{path}, {down} s: {:?}", errors(&session));
            assert!(late < secs(20), "{path}, {down} s: {late}");
        }
    }
}
