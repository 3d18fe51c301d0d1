//! The latency that is wanted, what the title allows of it, and viewers who hurry.

use std::time::Duration;

use telecine_engine::{Command, Config, Decision, DecisionKind, Event, State};
use telecine_model::{ErrorCode, MediaTime, TrackKind};
use telecine_virtual::Session;

use crate::common::{at, decisions, errors, secs};
use crate::origin::{Origin, BEGIN};
use crate::watch::{latency, run, stalls, started, target, told};

const HLS: &str = "/hls/live_60/demo/main.m3u8";
const PARTS: &str = "/hls/live_60/parts_500/demo/main.m3u8";
const DASH: &str = "/dash/live_60/utc_direct/demo/number.mpd";

fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn wanting(target: Option<MediaTime>, max: Option<MediaTime>) -> Config {
    let mut config = Config::default();
    config.live.latency_target = target;
    config.live.latency_max = max;
    config
}

fn near(time: MediaTime, other: MediaTime, by_ms: i64) -> bool {
    time.abs_diff(other) <= ms(by_ms)
}

#[test]
fn a_latency_that_the_title_allows_is_begun_with_and_kept_and_nothing_is_told_of_it() {
    for (path, wanted) in [(HLS, 10), (HLS, 30), (DASH, 10), (DASH, 30), (PARTS, 5)] {
        let mut session = Origin::new().play_with(wanting(Some(secs(wanted)), None), path);
        session.run(Some(at(5_000)));
        assert!(near(latency(&session), secs(wanted), 1_200), "{path}: {} of {wanted} s", latency(&session));
        let session = run(session, 120);
        assert!(near(latency(&session), secs(wanted), 500), "{path}: {} of {wanted} s", latency(&session));
        assert_eq!((target(&session), told(&session)), (secs(wanted), Vec::new()), "{path}");
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path}");
    }
}

#[test]
fn a_latency_longer_than_the_window_is_cut_to_a_segment_less_than_that_and_told() {
    for path in ["/hls/live_20/demo/main.m3u8", "/dash/live_20/utc_direct/demo/number.mpd"] {
        let mut session = Origin::new().play_with(wanting(Some(secs(60)), None), path);
        for second in (2..=180).step_by(2) {
            session.run(Some(at(second * 1000)));
            let snapshot = session.engine().snapshot(session.now());
            let edge = snapshot.edge.expect("live");
            assert!(edge.seekable.0 <= snapshot.position, "{path}: {} s: {snapshot:?}", second);
            assert!(edge.following, "{path}");
        }
        assert!(near(target(&session), secs(18), 100), "{path}: {}", target(&session));
        assert!(near(latency(&session), secs(18), 700), "{path}: {}", latency(&session));
        assert_eq!(told(&session).len(), 1, "{path}: {:?}", told(&session));
        assert_eq!(told(&session)[0].0, "60.000 s", "{path}");
        assert!(told(&session)[0].1.starts_with("18.0"), "{path}: {:?}", told(&session));
        let gaps = decisions(&session, DecisionKind::Gap).len() + decisions(&session, DecisionKind::Seek).len();
        assert_eq!((stalls(&session), errors(&session), gaps), (0, Vec::new(), 0), "{path}");
    }
}

#[test]
fn a_latency_that_segments_or_parts_do_not_allow_is_raised_to_what_they_do_and_told() {
    // rfc8216bis 4.4.3.8 and 6.3.3: three target durations, three parts; DASH: two segments, or what the MPD has as the least.
    let chunks = "/dash/live_60/utc_direct/chunk_500/ato_1500/ltgt_2000/demo/number.mpd";
    for (path, allows) in [(HLS, ms(6000)), (PARTS, ms(1500)), (DASH, ms(4000)), (chunks, ms(1500))] {
        let session = run(Origin::new().play_with(wanting(Some(ms(500)), None), path), 180);
        assert_eq!(told(&session), [("0.500 s".to_owned(), allows.to_string())], "{path}");
        assert_eq!(target(&session), allows, "{path}");
        assert!(near(latency(&session), allows, 700), "{path}: {}", latency(&session));
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path}");
        let shown = |event: &Event| match event {
            Event::Quality { kind: TrackKind::Video, height, .. } => *height,
            _ => None,
        };
        assert_eq!(
            session.events().iter().filter_map(shown).next_back(),
            Some(720),
            "{path}: no picture is given for it"
        );
    }
}

#[test]
fn a_greatest_latency_below_the_one_that_is_wanted_is_an_error_of_the_settings_and_an_engine_tells_what_it_does() {
    let config = wanting(Some(secs(20)), Some(secs(10)));
    let error = config.check().expect_err("they contradict each other");
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert_eq!(error.message(), "the greatest latency (10.000 s) is less than the one that is wanted (20.000 s)");
    for fits in [(Some(20), Some(20)), (Some(20), None), (None, Some(20)), (None, None)] {
        assert_eq!(wanting(fits.0.map(secs), fits.1.map(secs)).check(), Ok(()));
    }
    let session = run(Origin::new().play_with(config, HLS), 60);
    assert_eq!(told(&session), [("20.000 s".to_owned(), "10.000 s".to_owned())]);
    assert!(near(latency(&session), secs(10), 700), "{}", latency(&session));
}

#[test]
fn who_goes_back_in_time_stays_there_whatever_the_greatest_latency_is_until_the_edge_is_sought() {
    for path in [HLS, PARTS, DASH] {
        let session = Origin::new().play_with(wanting(None, Some(secs(15))), path);
        let past = Command::Seek(MediaTime::from_secs(0));
        let mut session = session.at(at(10_000), past).at(at(40_000), Command::Seek(MediaTime::MAX));
        session.run(Some(at(39_000)));
        let edge = session.engine().snapshot(session.now()).edge.expect("live");
        assert!(!edge.following && edge.latency > Some(secs(50)), "{path}: {edge:?}");
        session.run(Some(at(60_000)));
        let edge = session.engine().snapshot(session.now()).edge.expect("live");
        assert!(edge.following && edge.latency < Some(secs(10)), "{path}: {edge:?}");
        assert_eq!(errors(&session), [], "{path}");
    }
}

#[test]
fn a_viewer_who_is_faster_than_normal_goes_on_at_normal_speed_at_the_edge_and_does_not_stall() {
    for path in [HLS, PARTS, DASH] {
        let session = Origin::new().play(path).at(at(0), Command::SetRate(2000));
        let mut session = session.at(at(60_000), Command::Seek(MediaTime::from_secs(0)));
        session.run(Some(at(50_000)));
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path}");
        let (aimed, is) = (target(&session), latency(&session));
        assert!(near(aimed, is, 1_000), "{path}: {is} of {aimed}");
        let to = |session: &Session<Origin>| -> Vec<String> {
            decisions(session, DecisionKind::Rate).into_iter().filter_map(|decision| decision.to).collect()
        };
        let fast = |rates: &[String]| rates.iter().filter(|rate| *rate == "2 times as fast").count();
        assert_eq!(fast(&to(&session)), 1, "{path}: {:?}", to(&session));
        // Back in time it is as fast as the viewer wants, until the edge is come to again.
        session.run(Some(at(65_000)));
        assert_eq!(session.engine().snapshot(session.now()).rate_milli, 2000, "{path}");
        session.run(Some(at(180_000)));
        assert_eq!(fast(&to(&session)), 2, "{path}: {:?}", to(&session));
        let snapshot = session.engine().snapshot(session.now());
        let edge = snapshot.edge.expect("live");
        assert!(edge.following && snapshot.rate_milli < 1100, "{path}: {snapshot:?}");
        assert!(session.engine().qoe(session.now()).stalled < Duration::from_millis(100), "{path}");
        assert_eq!(errors(&session), [], "{path}");
        assert!(started(&session).0 < at(2_000));
    }
}

#[test]
fn a_viewer_at_four_times_the_speed_is_held_where_there_is_nothing_to_be_fast_with_from_the_first_picture_on() {
    let short = "/hls/live_60/parts_334/demo/main.m3u8";
    let chunks = "/dash/live_60/utc_direct/chunk_500/ato_1500/ltgt_2000/demo/number.mpd";
    for path in [HLS, PARTS, short, DASH, chunks] {
        // As the title begins, and by a viewer who is at the edge already.
        for from in [0, 30_000] {
            let session = run(Origin::new().play(path).at(at(from), Command::SetRate(4000)), 90);
            assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{path} from {from}");
            let (aimed, is) = (target(&session), latency(&session));
            assert!(near(aimed, is, 500), "{path} from {from}: {is} of {aimed}");
            let fast = |decision: &Decision| decision.to.as_deref() == Some("4 times as fast");
            let fast = decisions(&session, DecisionKind::Rate).into_iter().filter(fast).count();
            assert_eq!(fast, 1, "{path} from {from}");
        }
    }
}

/// The mean of the latency while the playhead moved, by where it was at each moment: the title is made as the world's time goes
/// on, and its positions are that time, in seconds since 1970.
fn mean_by_positions(session: &mut Session<Origin>, seconds: u64) -> f64 {
    const STEP_MS: u64 = 20;
    let (mut sum, mut time, mut before) = (0.0, 0.0, None);
    for now in (0..=seconds * 1000).step_by(STEP_MS as usize) {
        session.run(Some(at(now)));
        let snapshot = session.engine().snapshot(session.now());
        let late = (BEGIN + now) as f64 / 1000.0 - snapshot.position.as_micros() as f64 / 1e6;
        let plays = (snapshot.state == State::Playing).then_some(late);
        if let (Some(before), Some(late)) = (before, plays) {
            sum += f64::midpoint(before, late) * STEP_MS as f64;
            time += STEP_MS as f64;
        }
        before = plays;
    }
    sum / time
}

#[test]
fn the_mean_latency_is_that_of_the_time_that_was_watched_whatever_the_speed_was() {
    for rate_milli in [1000, 1500, 2000, 4000] {
        // What is past is watched, and never the edge: a while as it was made, then faster, then in slow motion, with a pause.
        let session = Origin::new().play(DASH).at(at(0), Command::Seek(MediaTime::ZERO));
        let session = session.at(at(12_300), Command::SetRate(rate_milli)).at(at(24_700), Command::SetRate(500));
        let mut session = session.at(at(30_000), Command::Pause).at(at(33_000), Command::Play);
        let expected = mean_by_positions(&mut session, 40);
        let summary = session.engine().qoe(session.now()).latency.expect("it was read");
        let mean = summary.mean.as_secs_f64();
        // The world's time is known to half a round trip.
        assert!((mean - expected).abs() < 0.05, "{rate_milli}: {mean} of {expected}");
        assert!(!summary.followed && errors(&session).is_empty(), "{rate_milli}: {summary:?}");
    }
}

#[test]
fn the_mean_latency_of_who_follows_the_edge_is_that_of_the_time_too() {
    // The player gets there by its speed, and a viewer who is faster than normal is held there.
    let mut config = wanting(Some(secs(4)), None);
    (config.live.min_rate_milli, config.live.max_rate_milli) = (Some(500), Some(2000));
    let session = Origin::new().play_with(config, DASH).at(at(20_000), Command::Seek(MediaTime::MAX));
    let mut session = session.at(at(40_000), Command::SetRate(2000));
    let expected = mean_by_positions(&mut session, 60);
    let summary = session.engine().qoe(session.now()).latency.expect("it was read");
    let mean = summary.mean.as_secs_f64();
    assert!((mean - expected).abs() < 0.05, "{mean} of {expected}");
    assert!(summary.followed, "{summary:?}");
}
