//! Interstitials of HLS titles (rfc8216bis, Appendix D), against the origin's answers.

mod live;
mod viewers;

use telecine_engine::{Capabilities, Config, Event, InterstitialPhase, State, TrackStats};
use telecine_model::{MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Fetched, ModelSink, Outcome, Response, Session};

use crate::common::{at, errors, secs};
use crate::origin::{refused, with_text, Origin};
use crate::watch::stalls;

/// Pictures a second of the demo title.
const RATE: u64 = 25;

const ASSET: &str = "https://origin.example/hls/dur_10/demo/main.m3u8";

/// The title as it is, with dates and these date ranges.
fn with_ranges(path: &str, response: Response, ranges: &[String]) -> Fetched {
    let is_media = path.starts_with("/hls/dur_60/") && path.ends_with(".m3u8") && !path.ends_with("main.m3u8");
    if !is_media {
        return response.into();
    }
    with_text(response, |text| {
        let date = "#EXT-X-PROGRAM-DATE-TIME:2026-11-27T00:00:00Z\n";
        let at = text.find("#EXTINF").expect("a segment");
        format!("{}{}{date}{}", &text[..at], ranges.concat(), &text[at..])
    })
}

/// A date range of an interstitial that begins so many milliseconds into the title.
fn range(id: &str, start_ms: u64, attributes: &str) -> String {
    let (seconds, ms) = (start_ms / 1000, start_ms % 1000);
    let date = format!("2026-11-27T00:{:02}:{:02}.{ms:03}Z", seconds / 60, seconds % 60);
    format!("#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"{date}\",{attributes}\n")
}

fn origin(ranges: Vec<String>) -> Origin {
    Origin::new().editing(move |_, path, response| match path {
        "/list" => {
            let mut response = response;
            response.status = 200;
            with_text(response, |_| {
                format!(r#"{{"ASSETS":[{{"URI":"{ASSET}","DURATION":10}},{{"URI":"/hls/dur_6/demo/main.m3u8","DURATION":6}}]}}"#)
            })
        }
        _ => with_ranges(path, response, &ranges),
    })
}

fn play(ranges: Vec<String>) -> Session<Origin> {
    played(origin(ranges).play("/hls/dur_60/demo/main.m3u8"))
}

fn played(mut session: Session<Origin>) -> Session<Origin> {
    let outcome = session.run(Some(at(200_000)));
    assert_eq!(outcome, Outcome::Ended, "{:?}\n{:?}", errors(&session), phases(&session));
    session
}

/// What was told of interstitials, in short.
fn phases(session: &Session<Origin>) -> Vec<String> {
    let short = |event: &Event| match event {
        Event::Interstitial { id, phase, .. } => Some(match phase {
            InterstitialPhase::Known { start } => format!("{id} known at {}", start.as_millis()),
            InterstitialPhase::Resolved { assets, .. } => format!("{id} has {assets}"),
            InterstitialPhase::Started { position } => format!("{id} started at {}", position.as_millis()),
            InterstitialPhase::AssetStarted { index, .. } => format!("{id} asset {index}"),
            InterstitialPhase::Failed { index, .. } => format!("{id} failed {index:?}"),
            InterstitialPhase::Ended { resume, reason } => format!("{id} {reason:?} to {}", resume.as_millis()),
            other => format!("{id} {other:?}"),
        }),
        _ => None,
    };
    session.events().iter().filter_map(short).collect()
}

/// Pictures of the title (an empty name) or of an asset (`<id>-<index>`) that the sink was given, each once.
fn pictures(session: &Session<Origin>, of: &str) -> u64 {
    stats(session, of).map_or(0, |stats| stats.samples)
}

fn stats(session: &Session<Origin>, of: &str) -> Option<TrackStats> {
    let own = |stats: &TrackStats| match stats.id.split_once('/') {
        Some((prefix, _)) => prefix == of,
        None => of.is_empty(),
    };
    session.sink_ref().tracks().into_iter().find(|stats| stats.kind == TrackKind::Video && own(stats))
}

fn ended_at(session: &Session<Origin>) -> Timestamp {
    let end = |event: &Event| match event {
        Event::Ended { at } => Some(*at),
        _ => None,
    };
    session.events().iter().find_map(end).expect("it ended")
}

fn started_at(session: &Session<Origin>) -> Timestamp {
    let start = |event: &Event| match event {
        Event::State { at, state: State::Playing } => Some(*at),
        _ => None,
    };
    session.events().iter().find_map(start).expect("it started")
}

/// How long the viewer watched, from the first picture to the end.
fn watched(session: &Session<Origin>) -> MediaTime {
    MediaTime::from_duration(ended_at(session).since(started_at(session)))
}

#[track_caller]
fn is_about(span: MediaTime, seconds: i64) {
    assert!(span.abs_diff(secs(seconds)) <= MediaTime::from_millis(300), "{span} and not {seconds} s");
}

#[test]
fn a_title_without_any_is_played_as_it_is() {
    let session = play(vec![]);
    assert_eq!(phases(&session), Vec::<String>::new());
    assert_eq!(pictures(&session, ""), 60 * RATE);
    is_about(watched(&session), 60);
}

#[test]
fn in01_an_asset_is_played_at_its_time_and_the_title_goes_on_where_it_stood() {
    let session = play(vec![range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"))]);
    let told = ["mid known at 20000", "mid has 1", "mid started at 20000", "mid asset 0", "mid Played to 20000"];
    assert_eq!(phases(&session), told);
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (60 * RATE, 10 * RATE));
    is_about(watched(&session), 70);
    assert_eq!(stalls(&session), 0);
    assert!(errors(&session).is_empty(), "{:?}", errors(&session));
    // Nobody sees a seam: it plays from the first picture to the last.
    let states: Vec<State> = session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(states, [State::Loading, State::Preparing, State::Ready, State::Playing, State::Ended]);
    for of in ["", "mid-0"] {
        assert_eq!(stats(&session, of).map(|stats| stats.gaps), Some(0), "{of}");
    }
}

#[test]
fn in02_what_a_list_has_is_played_back_to_back() {
    let session = play(vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")]);
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    assert_eq!((pictures(&session, "mid-0"), pictures(&session, "mid-1")), (10 * RATE, 6 * RATE));
    is_about(watched(&session), 76);
    assert_eq!(stalls(&session), 0);
}

#[test]
fn in04_without_a_resume_offset_the_title_goes_on_as_if_it_had_been_played_meanwhile() {
    let session = play(vec![range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\""))]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Played to 30000"));
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (50 * RATE, 10 * RATE));
    is_about(watched(&session), 60);
}

#[test]
fn in05_it_ends_by_its_limit() {
    let attributes = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0,X-PLAYOUT-LIMIT=4");
    let session = play(vec![range("mid", 20_000, &attributes)]);
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-0")), (60 * RATE, 4 * RATE));
    is_about(watched(&session), 64);
}

#[test]
fn in_the_middle_of_a_segment_every_picture_of_the_title_is_shown_once() {
    // Segments are two seconds long.
    let session = play(vec![range("mid", 20_600, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"))]);
    assert_eq!(pictures(&session, "mid-0"), 10 * RATE, "{:?}", phases(&session));
    let ended = session.sink_ref().tracks();
    is_about(watched(&session), 70);
    assert!(ended.iter().all(|stats| stats.gaps == 0), "{ended:?}");
}

#[test]
fn in10_an_asset_that_cannot_be_had_is_left_out_and_nobody_notices() {
    let gone = "X-ASSET-URI=\"https://origin.example/gone.m3u8\",X-RESUME-OFFSET=30";
    let session = play(vec![range("mid", 20_000, gone)]);
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    is_about(watched(&session), 60);
    assert_eq!(stalls(&session), 0);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Failed to 20000"));
    let seeks = |event: &&Event| matches!(event, Event::State { state: State::Seeking, .. });
    assert_eq!(session.events().iter().filter(seeks).count(), 0);
}

#[test]
fn in10_one_of_a_list_that_cannot_be_had_is_skipped() {
    let ranges = vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")];
    let origin = Origin::new().editing(move |_, path, response| match path {
        "/list" => {
            let mut response = response;
            response.status = 200;
            with_text(response, |_| {
                format!(r#"{{"ASSETS":[{{"URI":"https://gone.example/x.m3u8"}},{{"URI":"{ASSET}"}}]}}"#)
            })
        }
        "/x.m3u8" => refused(),
        _ => with_ranges(path, response, &ranges),
    });
    let session = played(origin.play("/hls/dur_60/demo/main.m3u8"));
    assert_eq!((pictures(&session, ""), pictures(&session, "mid-1")), (60 * RATE, 10 * RATE), "{:?}", phases(&session));
    assert!(phases(&session).contains(&"mid failed Some(0)".to_owned()));
}

#[test]
fn in14_before_and_behind_the_title() {
    let pre = range("pre", 0, &format!("CUE=\"PRE\",X-ASSET-URI=\"{ASSET}\""));
    let post = range("post", 0, "CUE=\"POST,ONCE\",X-ASSET-URI=\"https://origin.example/hls/dur_6/demo/main.m3u8\"");
    let session = play(vec![pre, post]);
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    assert_eq!((pictures(&session, "pre-0"), pictures(&session, "post-0")), (10 * RATE, 6 * RATE));
    is_about(watched(&session), 76);
    let order: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
    assert_eq!(order, ["pre asset 0", "post asset 0"]);
    assert_eq!(stalls(&session), 0);
}

#[test]
fn in06_it_starts_and_the_title_goes_on_at_boundaries_of_segments() {
    // Segments are two seconds long.
    let attributes = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=9.3,X-SNAP=\"OUT,IN\"");
    let session = play(vec![range("mid", 20_700, &attributes)]);
    let told = phases(&session);
    assert!(told.contains(&"mid started at 20000".to_owned()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("mid Played to 30000"), "20.7 + 9.3, a boundary as it is");
    let rounded = format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=9,X-SNAP=\"IN\"");
    let session = play(vec![range("mid", 20_600, &rounded)]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Played to 30000"), "and not 29.6");
    assert_eq!(stalls(&session), 0);
}

#[test]
fn in09_several_at_one_place_are_played_in_order_and_their_resume_offsets_add_up() {
    let six = "https://origin.example/hls/dur_6/demo/main.m3u8";
    let one = range("b-first", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=4"));
    let two = range("a-second", 20_000, &format!("X-ASSET-URI=\"{six}\",X-RESUME-OFFSET=6"));
    let session = play(vec![one, two]);
    let order: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
    assert_eq!(order, ["b-first asset 0", "a-second asset 0"]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("a-second Played to 30000"));
    assert_eq!((pictures(&session, "b-first-0"), pictures(&session, "a-second-0")), (10 * RATE, 6 * RATE));
    is_about(watched(&session), 66);
    assert_eq!(stalls(&session), 0);
}

#[test]
fn an_asset_that_does_not_come_is_waited_for_no_longer_than_patience_lasts() {
    let ranges = vec![range("mid", 20_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")];
    let origin = Origin::new().editing(move |_, path, mut response| match path {
        "/list" => {
            response.status = 200;
            response.delay = std::time::Duration::from_secs(600);
            response.into()
        }
        _ => with_ranges(path, response, &ranges),
    });
    let mut config = Config::default();
    // So that it is not known long before.
    config.buffer_goal = Some(secs(4));
    config.interstitials.lead = std::time::Duration::from_secs(2);
    let session = played(origin.play_with(config, "/hls/dur_60/demo/main.m3u8"));
    assert_eq!(pictures(&session, ""), 60 * RATE, "{:?}", phases(&session));
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Failed to 20000"));
    is_about(watched(&session), 65);
}

#[test]
fn in05_the_limit_is_of_all_assets_together() {
    let limit = "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0,X-PLAYOUT-LIMIT=";
    for (seconds, assets) in [(12, vec!["mid asset 0", "mid asset 1"]), (10, vec!["mid asset 0"])] {
        let session = play(vec![range("mid", 20_000, &format!("{limit}{seconds}"))]);
        is_about(watched(&session), 60 + seconds);
        let told: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
        assert_eq!(told, assets);
        assert!(!phases(&session).iter().any(|phase| phase.contains("failed")), "{:?}", phases(&session));
    }
}

#[test]
fn in09_one_that_begins_where_the_title_would_go_on_follows_at_once() {
    let asset = format!("X-ASSET-URI=\"{ASSET}\"");
    let session = play(vec![range("one", 20_000, &asset), range("two", 30_000, &asset)]);
    let told: Vec<_> = phases(&session).into_iter().filter(|phase| phase.contains("asset")).collect();
    assert_eq!(told, ["one asset 0", "two asset 0"]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("two Played to 40000"));
    is_about(watched(&session), 60);
    assert_eq!((stalls(&session), errors(&session)), (0, vec![]));
}

#[test]
fn sinks_without_random_access_play_them_too() {
    for jumps in [false, true] {
        let mid = range("mid", 20_000, &format!("X-ASSET-URI=\"{ASSET}\",X-RESUME-OFFSET=0"));
        let late = range("late", 40_600, &format!("X-ASSET-URI=\"{ASSET}\""));
        let sink = ModelSink::new(Capabilities { random_access: false, jumps, ..Capabilities::default() });
        let session = played(origin(vec![mid, late]).play("/hls/dur_60/demo/main.m3u8").sink(sink));
        is_about(watched(&session), 70);
        assert_eq!((pictures(&session, "mid-0"), pictures(&session, "late-0")), (10 * RATE, 10 * RATE));
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]));
    }
}

#[test]
fn d063_an_inserted_presentation_holds_the_title_and_a_replacing_one_does_not() {
    let insert = "<EventStream schemeIdUri=\"urn:mpeg:dash:event:alternativeMPD:insert:2025\" timescale=\"1000\">\
        <Event presentationTime=\"20000\" id=\"1\"><InsertPresentation url=\"/dash/dur_10/demo/time.mpd\"/></Event>\
        </EventStream>";
    let replace = "<EventStream schemeIdUri=\"urn:mpeg:dash:event:alternativeMPD:replace:2025\" timescale=\"1000\">\
        <Event presentationTime=\"20000\" id=\"1\"><ReplacePresentation uri=\"/dash/dur_10/demo/time.mpd\" \
        maxDuration=\"6000\" returnOffset=\"14000\"/></Event></EventStream>";
    for (stream, of_title, of_asset, seconds) in [(insert, 60, 10, 70), (replace, 46, 6, 52)] {
        let origin = Origin::new().editing(move |_, path, response| match path {
            "/dash/dur_60/demo/number.mpd" => with_text(response, |text| {
                let at = text.find("<AdaptationSet").expect("a set");
                format!("{}{stream}{}", &text[..at], &text[at..])
            }),
            _ => response.into(),
        });
        let session = played(origin.play("/dash/dur_60/demo/number.mpd"));
        assert_eq!((pictures(&session, ""), pictures(&session, "1-0")), (of_title * RATE, of_asset * RATE));
        is_about(watched(&session), seconds);
        assert_eq!((stalls(&session), errors(&session)), (0, vec![]), "{:?}", phases(&session));
    }
}

#[test]
fn in03_neither_a_live_asset_nor_what_an_asset_announces_is_played() {
    let live =
        range("mid", 20_000, "X-ASSET-URI=\"https://origin.example/hls/live_60/demo/main.m3u8\",X-RESUME-OFFSET=0");
    let session = play(vec![live]);
    assert_eq!(phases(&session).last().map(String::as_str), Some("mid Failed to 20000"));
    assert_eq!(pictures(&session, ""), 60 * RATE);
    // The title as its own asset: what it announces is announced again.
    let own = "X-ASSET-URI=\"https://origin.example/hls/dur_60/demo/main.m3u8\",X-RESUME-OFFSET=0,X-PLAYOUT-LIMIT=30";
    let session = play(vec![range("mid", 20_000, own)]);
    assert_eq!(phases(&session).iter().filter(|phase| phase.contains("started")).count(), 1);
    is_about(watched(&session), 90);
}

#[test]
fn in11_lists_are_asked_for_when_the_title_is_buffered_up_to_there_and_not_all_at_once() {
    let mut asked = std::collections::BTreeSet::new();
    for seed in 0..8 {
        let origin = origin(vec![range("mid", 50_000, "X-ASSET-LIST=\"/list\",X-RESUME-OFFSET=0")]);
        let urls = std::rc::Rc::clone(&origin.urls);
        let mut config = Config::default();
        config.seed = seed;
        let session = played(origin.play_with(config, "/hls/dur_60/demo/main.m3u8"));
        let urls = urls.borrow();
        let lists: Vec<_> = urls.iter().filter(|(_, url)| url.contains("/list")).map(|(at, _)| *at).collect();
        assert_eq!(lists.len(), 1);
        // Thirty seconds are buffered: it is known from the twentieth on.
        let into = lists[0].since(started_at(&session)).as_secs();
        assert!((18..=30).contains(&into), "{into}");
        asked.insert(lists[0]);
    }
    assert!(asked.len() >= 6, "{asked:?}");
}
