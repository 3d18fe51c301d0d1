//! What goes wrong with live titles, over sockets and in real time: a selection of the table of `core/engine/tests/live/faults.rs`.

#![allow(clippy::expect_used, clippy::panic)]

use std::time::Duration;

use telecine::{Error, ErrorCode, Event, Player, Snapshot, State, TrackKind};
use telecine_origin::{Origin, OriginConfig};
use tokio::time::sleep;

/// How long each is played.
const PLAYED: Duration = Duration::from_secs(8);

/// What of a player is looked at.
struct Seen {
    snapshot: Snapshot,
    errors: Vec<Error>,
    stalled: Duration,
    /// Pictures that are missing between the first and the last that the sink got.
    lacks: i64,
    statuses: Vec<(String, u16)>,
}

/// Plays a path of an origin for a while.
async fn play(path: &str) -> Seen {
    let origin = Origin::start("127.0.0.1:0".parse().expect("an address"), OriginConfig::default()).await;
    let origin = origin.expect("an origin");
    let player = Player::builder().build().expect("a player");
    let mut events = player.events();
    player.load(origin.url() + path).expect("a URL");
    player.play().expect("alive");
    sleep(PLAYED).await;
    let snapshot = player.snapshot().await.expect("alive");
    let stalled = player.qoe().await.expect("alive").stalled;
    let tracks = player.tracks().await.expect("alive");
    let track = tracks.iter().find(|track| track.kind == TrackKind::Video).expect("a picture");
    let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
    // 25 a second.
    let lacks = (last - first).as_millis() / 40 + 1 - i64::try_from(track.samples).expect("a count");
    drop(player);
    let mut errors = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Error { error, .. } = event {
            errors.push(error);
        }
    }
    let statuses = origin.log().iter().map(|entry| (entry.path.clone(), entry.status)).collect();
    Seen { snapshot, errors, stalled, lacks, statuses }
}

impl Seen {
    /// It plays on, without a picture that is missing and without more of a stall than a machine that is busy makes.
    fn plays_on(&self) {
        assert_eq!(self.snapshot.state, State::Playing, "{:?}", self.errors);
        assert!(self.stalled < Duration::from_millis(1500), "{:?}, {:?}", self.stalled, self.errors);
        assert!((-1..=3).contains(&self.lacks), "{}", self.lacks);
        assert!(self.errors.iter().all(|error| !error.is_fatal()), "{:?}", self.errors);
    }
}

#[tokio::test]
async fn media_times_that_jump_by_an_hour_and_back_are_played_through() {
    let seen = play("/hls/live_30/adbreak_4/demo/main.m3u8").await;
    seen.plays_on();
    assert_eq!(seen.errors, []);
}

#[tokio::test]
async fn an_encoder_that_starts_over_with_its_numbers_is_followed() {
    let seen = play("/hls/live_30/encrestartmsn_6/demo/main.m3u8").await;
    assert_eq!(seen.snapshot.state, State::Playing, "{:?}", seen.errors);
    assert!(
        !seen.errors.is_empty() && seen.errors.iter().all(|error| error.code() == ErrorCode::ManifestRewound),
        "{:?}",
        seen.errors
    );
}

#[tokio::test]
async fn segments_that_are_late_are_waited_for() {
    let seen = play("/dash/live_30/utc_iso/early404_900/demo/number.mpd").await;
    seen.plays_on();
    let missing = seen.statuses.iter().filter(|(_, status)| *status == 404).count();
    assert!((1..=8).contains(&missing), "{missing}");
}

#[tokio::test]
async fn a_playlist_of_parts_that_is_stale_goes_on_where_it_left_off() {
    // For two seconds of each ten or so: those of the minute that follow by a second and more on now.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() % 60;
    // A span does not pass the end of the minute.
    let (from, to) = if now < 54 { (now + 3, now + 5) } else { (0, 2) };
    let seen = play(&format!("/hls/live_30/parts_500/stale_{from}-{to}/demo/main.m3u8")).await;
    assert_eq!(seen.snapshot.state, State::Playing, "{:?}", seen.errors);
    assert!(seen.errors.iter().all(|error| !error.is_fatal()), "{:?}", seen.errors);
    assert!((-1..=3).contains(&seen.lacks), "{}", seen.lacks);
    // What it stood still for, and what is needed to go on.
    assert!(seen.stalled < Duration::from_secs(4), "{:?}", seen.stalled);
}
