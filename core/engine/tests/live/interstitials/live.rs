//! Interstitials of programmes that go on.

use std::time::Duration;

use telecine_engine::{Config, DecisionKind, Event, InterstitialPhase};
use telecine_model::{MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Outcome, Session};

use super::{phases, stats};
use crate::common::{at, decisions, errors, secs};
use crate::origin::{with_text, Origin};
use crate::watch::stalls;

/// A live programme in which every twenty seconds ten of something else are played in its place, for so long.
fn live(path: &str, seconds: u64) -> Session<Origin> {
    let mut session = Origin::new().play(path);
    assert_eq!(session.run(Some(at(seconds * 1000))), Outcome::Until, "{:?}", errors(&session));
    session
}

const LIVE: [&str; 4] = [
    "/hls/live_60/scte35_20/sgai_1/demo/main.m3u8",
    "/hls/live_60/parts_500/scte35_20/sgai_1/demo/main.m3u8",
    "/dash/live_60/mup_2/scte35_20/sgai_1/demo/number.mpd",
    "/dash/live_60/mup_2/scte35_20/sgai_1/demo/time.mpd",
];

#[test]
fn live_programmes_are_as_far_behind_the_edge_behind_breaks_as_before() {
    for path in LIVE {
        let session = live(path, 125);
        let told = phases(&session);
        let plays = told.iter().filter(|phase| phase.contains("asset 0")).count();
        assert!((5..=7).contains(&plays), "{path}: {told:?}");
        assert!(!told.iter().any(|phase| phase.contains("failed") || phase.contains("Failed")), "{path}: {told:?}");
        assert_eq!((stalls(&session), errors(&session).len()), (0, 0), "{path}: {:?}", errors(&session));
        for stats in session.sink_ref().tracks() {
            assert_eq!(stats.gaps, 0, "{path}: {stats:?}");
        }
        let edge = session.engine().snapshot(session.now()).edge.expect("live");
        let latency = edge.latency.expect("known");
        let lag = latency - edge.target;
        assert!(lag.abs_diff(MediaTime::ZERO) < MediaTime::from_millis(1_500), "{path}: {latency} of {}", edge.target);
    }
}

#[test]
fn in12_who_joins_in_the_middle_of_a_break_sees_the_rest_of_it() {
    let origin = Origin::new();
    let urls = std::rc::Rc::clone(&origin.urls);
    // The moment is 8.7 s into an interval of 24 whose first half is a break; playback begins eight seconds behind.
    let mut session = origin.play("/hls/live_60/scte35_24/sgai_1/demo/main.m3u8");
    session.run(Some(at(40_000)));
    let urls = urls.borrow();
    let lists: Vec<_> = urls.iter().map(|(_, url)| url).filter(|url| url.contains("assets.json")).collect();
    assert!(lists.iter().all(|url| url.contains("?_HLS_primary_id=") && url.contains("&_HLS_interstitial_id=")));
    let offset = lists[0].split_once("&_HLS_start_offset=").map(|(_, offset)| offset.parse::<f64>().expect("seconds"));
    let offset = offset.unwrap_or_else(|| panic!("{lists:?}"));
    assert!((0.5..5.0).contains(&offset), "{offset}");
    assert!(lists[1..].iter().all(|url| !url.contains("_HLS_start_offset")), "{lists:?}");
    let first = stats(&session, &format!("break-{}-0", 1_795_780_496 / 24)).expect("played");
    let rest = secs(12) - MediaTime::from_secs_f64(offset);
    let shown = first.last_pts.expect("pictures") - first.first_pts.expect("pictures");
    assert!(shown.abs_diff(rest) < MediaTime::from_millis(100), "{shown} of {rest}");
    let edge = session.engine().snapshot(session.now()).edge.expect("live");
    let lag = edge.latency.expect("known") - edge.target;
    assert!(lag.abs_diff(MediaTime::ZERO) < MediaTime::from_millis(1_500), "{edge:?}");
    assert_eq!((stalls(&session), errors(&session).len()), (0, 0), "{:?}", errors(&session));
}

#[test]
fn in15_a_notice_lets_lists_be_asked_for_ahead_and_each_session_at_its_moment() {
    let notice = |uri: &str| {
        format!(
            "#EXT-X-DATERANGE:ID=\"pre\",CLASS=\"com.apple.hls.preload\",START-DATE=\"2026-11-27T11:54:58Z\",\
             DURATION=30,X-URI=\"{uri}\",X-TARGET-ID=\"mid\",X-TARGET-CLASS=\"com.apple.hls.interstitial\"\n"
        )
    };
    let mid = "#EXT-X-DATERANGE:ID=\"mid\",CLASS=\"com.apple.hls.interstitial\",\
               START-DATE=\"2026-11-27T11:55:50Z\",DURATION=10,X-ASSET-LIST=\"/hls/dur_10/demo/assets.json\"\n";
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..6 {
        let notice = notice("/hls/dur_10/demo/assets.json");
        let origin = Origin::new().editing(move |_, path, response| match path.ends_with("0.m3u8") {
            true => with_text(response, |text| text.replacen("#EXTINF", &format!("{notice}{mid}#EXTINF"), 1)),
            false => response.into(),
        });
        let urls = std::rc::Rc::clone(&origin.urls);
        let mut config = Config::default();
        config.seed = seed;
        let mut session = origin.play_with(config, "/hls/live_60/demo/main.m3u8");
        session.run(Some(at(90_000)));
        let urls = urls.borrow();
        let lists: Vec<_> = urls.iter().filter(|(_, url)| url.contains("assets.json")).map(|(at, _)| *at).collect();
        assert_eq!(lists.len(), 1, "asked once, and kept: {lists:?}");
        assert!(lists[0] < at(45_000), "{lists:?}");
        assert!(phases(&session).contains(&"mid has 1".to_owned()), "{:?}", phases(&session));
        moments.insert(lists[0]);
    }
    assert!(moments.len() >= 4, "{moments:?}");
}

/// When each break of a live title ended.
fn breaks_ended(session: &Session<Origin>) -> Vec<Timestamp> {
    let ended = |event: &Event| match event {
        Event::Interstitial { at, phase: InterstitialPhase::Ended { .. }, .. } => Some(*at),
        _ => None,
    };
    session.events().iter().filter_map(ended).collect()
}

#[test]
fn what_follows_a_break_is_not_chosen_as_if_the_buffer_were_empty() {
    for (path, top) in [
        // One rung less is what the rule makes of six seconds of buffer without breaks too.
        ("/hls/live_60/scte35_20/sgai_1/demo/main.m3u8", ["variant-2", "variant-3"]),
        ("/hls/live_60/parts_334/scte35_20/sgai_1/demo/main.m3u8", ["variant-3"; 2]),
        ("/dash/live_60/scte35_20/sgai_1/demo/time.mpd", ["v720"; 2]),
    ] {
        let mut session = Origin::new().play(path);
        session.run(Some(at(120_000)));
        assert!(breaks_ended(&session).len() >= 5, "{path}: {:?}", phases(&session));
        let decided = decisions(&session, DecisionKind::Bitrate);
        let pictures = decided.iter().filter(|choice| choice.kind == Some(TrackKind::Video) && choice.at > at(2_000));
        let less: Vec<_> = pictures.filter(|choice| !top.contains(&choice.to.as_deref().unwrap_or(""))).collect();
        assert!(less.is_empty(), "{path}: {less:?}");
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]), "{path}");
    }
}

#[test]
fn what_follows_a_break_is_fetched_before_it_ends() {
    // Of a title whose list reaches further than its breaks.
    let path = "/hls/live_60/scte35_20/sgai_1/demo/main.m3u8";
    let origin = Origin::new();
    let log = origin.log.clone();
    let mut session = origin.play(path);
    session.run(Some(at(120_000)));
    // Where playback begins in a break, it begins with all that there is of the title.
    for ended in breaks_ended(&session).into_iter().filter(|ended| *ended > at(5_000)) {
        let log = log.borrow();
        let title = |path: &str| path.ends_with(".m4s") && path.contains("/live_60/") && path.contains("/v");
        let before = log.iter().filter(|asked| title(&asked.path) && asked.at <= ended);
        let prepared = before.filter(|asked| ended.since(asked.at) < Duration::from_secs(5)).count();
        assert!((2..=3).contains(&prepared), "{ended:?}: {prepared}");
    }
}
