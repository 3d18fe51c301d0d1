//! The player as an application sees it, on the real clock.

#![allow(clippy::expect_used, clippy::panic)]

use std::time::Duration;

use telecine::engine::abr::{Cap, Standing};
use telecine::{Config, ErrorCode, Event, Events, MediaTime, Outcome, Player, Pressure, State, TrackKind};
use telecine_origin::{Network, Origin, OriginConfig};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Response};
use tokio::time::{sleep, timeout};

async fn origin() -> Origin {
    Origin::start("127.0.0.1:0".parse().expect("an address"), OriginConfig::default()).await.expect("an origin")
}

/// Plays a title at four times the speed, to save the tests' time.
fn start(player: &Player, url: impl Into<String>) {
    player.load(url).expect("a URL");
    player.set_rate(4000).expect("alive");
    player.play().expect("alive");
}

async fn outcome(player: &Player) -> Outcome {
    timeout(Duration::from_secs(30), player.finished()).await.expect("it ends")
}

async fn wait_for(events: &mut Events, state: State) {
    let wanted = async {
        while let Some(event) = events.next().await {
            if matches!(event, Event::State { state: found, .. } if found == state) {
                return;
            }
        }
        panic!("the player is gone");
    };
    timeout(Duration::from_secs(20), wanted).await.expect("it comes to that");
}

#[tokio::test]
async fn a_title_plays_to_its_end_in_both_languages() {
    let origin = origin().await;
    for path in ["/hls/dur_8/demo/main.m3u8", "/dash/dur_8/demo/number.mpd"] {
        let player = Player::builder().build().expect("a player");
        let mut events = player.events();
        start(&player, origin.url() + path);
        assert_eq!(outcome(&player).await, Outcome::Ended, "{path}");
        for track in player.tracks().await.expect("alive") {
            let count = if track.kind == TrackKind::Video { 200 } else { 375 };
            assert_eq!((track.samples, track.gaps), (count, 0), "{path} {:?}", track.kind);
        }
        assert_eq!(player.qoe().await.expect("alive").stalls, 0);
        assert!(player.presentation().await.expect("alive").is_some_and(|title| !title.periods.is_empty()));
        assert_eq!(player.snapshot().await.expect("alive").position, MediaTime::from_secs(8));
        drop(player);
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event);
        }
        assert_eq!(events.missed(), 0);
        assert!(
            matches!(seen.last(), Some(Event::State { state: State::Ended, .. } | Event::Ended { .. })),
            "{seen:?}"
        );
        assert_eq!(seen.iter().filter(|event| matches!(event, Event::Started { .. })).count(), 1);
    }
}

#[tokio::test]
async fn a_title_in_single_files_plays_from_a_server_that_ignores_ranges() {
    let origin = origin().await;
    for path in ["/hls/norange_1/bytes_1/dur_8/demo/main.m3u8", "/dash/norange_1/dur_8/demo/ondemand.mpd"] {
        let player = Player::builder().build().expect("a player");
        start(&player, origin.url() + path);
        assert_eq!(outcome(&player).await, Outcome::Ended, "{path}");
        for track in player.tracks().await.expect("alive") {
            let count = if track.kind == TrackKind::Video { 200 } else { 375 };
            assert_eq!((track.samples, track.gaps), (count, 0), "{path} {:?}", track.kind);
        }
        // What came over the network is more than what was asked for, and what was read past is counted.
        let qoe = player.qoe().await.expect("alive");
        let sent: u64 = origin
            .log()
            .iter()
            .filter(|entry| entry.path.contains(path.split('/').nth(1).expect("a protocol")))
            .map(|entry| entry.bytes_sent)
            .sum();
        assert_eq!(qoe.bytes_skipped, player.skipped_bytes(), "{path}");
        assert!(qoe.bytes_skipped > 0 && qoe.bytes_skipped <= qoe.bytes_wasted && qoe.bytes_fetched <= sent, "{path}");
        assert!(qoe.bytes_fetched - qoe.bytes_skipped < sent / 2, "{path}: most of it was read past");
    }
}

#[tokio::test]
async fn a_stopped_player_can_load_another_title() {
    let origin = origin().await;
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    start(&player, origin.url() + "/hls/dur_600/demo/main.m3u8");
    wait_for(&mut events, State::Playing).await;
    player.stop().expect("alive");
    assert_eq!(outcome(&player).await, Outcome::Stopped);
    start(&player, origin.url() + "/dash/dur_4/demo/time.mpd");
    assert_eq!(outcome(&player).await, Outcome::Ended);
}

#[tokio::test]
async fn the_end_of_a_title_is_not_taken_for_that_of_the_next() {
    let origin = origin().await;
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    start(&player, origin.url() + "/hls/dur_600/demo/main.m3u8");
    wait_for(&mut events, State::Playing).await;
    start(&player, origin.url() + "/hls/dur_4/demo/main.m3u8");
    assert_eq!(outcome(&player).await, Outcome::Ended, "and not stopped, as the first was");
    player.load(origin.url() + "/hls/nothing/main.m3u8").expect("a URL");
    assert!(matches!(outcome(&player).await, Outcome::Failed(_)));
}

#[tokio::test]
async fn a_seek_and_a_pause_do_what_they_say() {
    let origin = origin().await;
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    start(&player, origin.url() + "/hls/demo/main.m3u8");
    wait_for(&mut events, State::Playing).await;
    player.pause().expect("alive");
    wait_for(&mut events, State::Paused).await;
    let before = player.snapshot().await.expect("alive").position;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(player.snapshot().await.expect("alive").position, before);
    player.seek(MediaTime::from_secs(20)).expect("alive");
    player.play().expect("alive");
    assert_eq!(outcome(&player).await, Outcome::Ended);
    assert_eq!(player.qoe().await.expect("alive").seeks, 1);
}

#[tokio::test]
async fn dropping_the_last_handle_stops_everything() {
    let origin = origin().await;
    origin.set_network(Network::constant(2_000_000, Duration::from_millis(10)));
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    start(&player, origin.url() + "/hls/dur_600/demo/main.m3u8");
    wait_for(&mut events, State::Playing).await;
    let clone = player.clone();
    drop(player);
    assert!(clone.snapshot().await.is_ok(), "one handle is enough");
    drop(clone);
    assert!(timeout(Duration::from_secs(5), async { while events.next().await.is_some() {} }).await.is_ok());
    sleep(Duration::from_millis(200)).await;
    let requests = origin.log().len();
    sleep(Duration::from_millis(700)).await;
    assert_eq!(origin.log().len(), requests);
}

#[tokio::test]
async fn a_title_that_is_not_there_fails_with_its_code() {
    let origin = origin().await;
    let player = Player::builder().build().expect("a player");
    start(&player, origin.url() + "/hls/nothing/main.m3u8");
    match outcome(&player).await {
        Outcome::Failed(error) => assert_eq!(error.code(), ErrorCode::HttpStatus, "{error}"),
        other => panic!("{other:?}"),
    }
}

/// Every resource of a synthetic title of eight seconds.
fn resources() -> Vec<(String, Response)> {
    let mut title = SyntheticTitle::new(MediaTime::from_secs(8));
    let mut paths = vec!["main.m3u8".to_owned(), "t0.m3u8".to_owned(), "t0.vtt".to_owned()];
    for rendition in ["v0", "v1", "v2", "a0"] {
        paths.push(format!("{rendition}.m3u8"));
        paths.extend(["init.mp4", "0.m4s", "1.m4s"].map(|name| format!("{rendition}/{name}")));
    }
    let get = |path: String| match title.get(&path) {
        Fetched::Response(response) if response.status == 200 => (path, *response),
        other => panic!("{path}: {other:?}"),
    };
    paths.into_iter().map(get).collect()
}

#[tokio::test]
async fn a_title_plays_from_memory() {
    let mut builder = Player::builder();
    for (path, response) in resources() {
        builder = builder.memory(format!("memory:///title/{path}"), response.body);
    }
    let player = builder.build().expect("a player");
    start(&player, "memory:///title/main.m3u8");
    assert_eq!(outcome(&player).await, Outcome::Ended);
}

#[tokio::test]
async fn a_title_plays_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, response) in resources() {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, response.body).expect("written");
    }
    let player = Player::builder().build().expect("a player");
    start(&player, format!("file://{}/main.m3u8", folder.path().display()));
    assert_eq!(outcome(&player).await, Outcome::Ended);
}

#[tokio::test]
async fn a_session_is_recorded_and_replays_alike() {
    let origin = origin().await;
    let mut config = Config::default();
    config.record = true;
    let player = Player::builder().config(config).build().expect("a player");
    start(&player, origin.url() + "/hls/dur_4/demo/main.m3u8");
    assert_eq!(outcome(&player).await, Outcome::Ended);
    let recording = player.take_recording().await.expect("alive");
    assert!(telecine_engine::replay(&recording).expect("a recording").equal);
}

#[tokio::test]
async fn what_is_no_title_is_refused_at_once() {
    let player = Player::builder().build().expect("a player");
    for url in ["", "title.m3u8", "ftp://a.example/title.mpd", "data:,x", "javascript:x", "ht\ttp://a/"] {
        assert_eq!(player.load(url).expect_err(url).code(), ErrorCode::InvalidUrl, "{url}");
    }
}

#[test]
fn a_player_needs_a_runtime_and_says_so() {
    let error = Player::builder().build().expect_err("no runtime");
    assert_eq!(error.code(), ErrorCode::InvalidState);
}

#[test]
fn a_player_outlives_its_runtime_without_a_panic() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let player = runtime.block_on(async { Player::builder().build() }).expect("a player");
    drop(runtime);
    assert_eq!(player.play().expect_err("gone").code(), ErrorCode::InvalidState);
    let other = tokio::runtime::Runtime::new().expect("a runtime");
    assert!(matches!(other.block_on(player.finished()), Outcome::Failed(_)));
}

#[tokio::test]
async fn a_player_without_a_title_is_finished_at_once_and_says_why() {
    let player = Player::builder().build().expect("a player");
    for _ in 0..2 {
        let outcome = timeout(Duration::from_secs(1), player.finished()).await.expect("at once");
        assert!(matches!(&outcome, Outcome::Failed(error) if error.code() == ErrorCode::InvalidState), "{outcome:?}");
        // Stopping what was never loaded makes no title of it.
        player.stop().expect("alive");
        player.snapshot().await.expect("alive");
    }
    player.load("memory:///nothing.m3u8").expect("a URL");
    let outcome = outcome(&player).await;
    assert!(matches!(&outcome, Outcome::Failed(error) if error.code() != ErrorCode::InvalidState), "{outcome:?}");
}

#[tokio::test]
async fn a_speed_that_the_engine_would_not_play_at_is_refused_at_once() {
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    for rate in [0, 99, 4001, u32::MAX] {
        let refused = player.set_rate(rate).expect_err("no speed");
        assert_eq!(refused.code(), ErrorCode::InvalidArgument, "{rate}");
        assert!(refused.message().contains(&rate.to_string()), "{refused}");
    }
    for rate in [100, 1000, 4000] {
        player.set_rate(rate).expect("a speed");
    }
    player.snapshot().await.expect("alive");
    drop(player);
    let mut refusals = 0;
    while let Some(event) = events.next().await {
        refusals += usize::from(matches!(event, Event::Error { .. }));
    }
    assert_eq!(refusals, 0, "the engine takes what the player takes");
}

#[test]
fn the_speeds_of_a_player_are_those_of_the_engine() {
    use telecine::engine::{Action, Engine, Input};
    let refused = |rate| {
        let mut engine = Engine::new(Config::default());
        engine.handle(Input::Command(telecine::Command::SetRate(rate)), telecine::Timestamp::ZERO);
        let actions = std::iter::from_fn(move || engine.poll());
        let mut errors =
            actions.filter(|action| matches!(action, Action::Emit(event) if matches!(**event, Event::Error { .. })));
        errors.next().is_some()
    };
    let (least, most) = (*Player::RATES.start(), *Player::RATES.end());
    assert_eq!([least - 1, least, most, most + 1].map(refused), [true, false, false, true]);
}

#[tokio::test]
async fn a_device_that_is_to_be_spared_gets_no_tall_pictures() {
    let origin = origin().await;
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    player.set_pressure(Pressure::Critical).expect("alive");
    start(&player, origin.url() + "/dash/dur_8/demo/number.mpd");
    assert_eq!(outcome(&player).await, Outcome::Ended);
    drop(player);
    let (mut shown, mut excluded) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        match event {
            Event::Quality { kind: TrackKind::Video, height, .. } => shown.extend(height),
            Event::Decision(decision) => {
                let by_power = |standing: &Standing| matches!(standing, Standing::Excluded { by: Cap::Power });
                excluded += decision.candidates.iter().filter(|candidate| by_power(&candidate.standing)).count();
            }
            _ => {}
        }
    }
    assert!(!shown.is_empty() && shown.iter().all(|height| *height <= 480), "{shown:?}");
    assert!(excluded > 0, "and the decisions say so");
}
