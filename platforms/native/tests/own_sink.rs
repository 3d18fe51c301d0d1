//! A sink that an application writes itself, with the crate `telecine` alone.

#![allow(clippy::expect_used)]

#[path = "../examples/own_sink.rs"]
mod own_sink;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use own_sink::DueSink;
use telecine::{Event, MediaTime, Outcome, Player, State, TrackKind};
use telecine_origin::{Origin, OriginConfig};
use tokio::time::timeout;

async fn origin() -> Origin {
    Origin::start("127.0.0.1:0".parse().expect("an address"), OriginConfig::default()).await.expect("an origin")
}

/// Kind and time of every unit, in the order in which they were due.
type Shown = Arc<Mutex<Vec<(TrackKind, MediaTime)>>>;

fn player() -> (Player, Shown) {
    let shown = Shown::default();
    let told = Arc::clone(&shown);
    let sink = DueSink::new(move |unit| told.lock().expect("unpoisoned").push((unit.kind, unit.pts)));
    (Player::builder().sink(sink).build().expect("a player"), shown)
}

fn times(shown: &Shown, kind: TrackKind) -> Vec<MediaTime> {
    shown.lock().expect("unpoisoned").iter().filter(|(found, _)| *found == kind).map(|(_, pts)| *pts).collect()
}

async fn outcome(player: &Player) -> Outcome {
    timeout(Duration::from_secs(30), player.finished()).await.expect("it ends")
}

#[test]
fn it_is_written_with_the_crate_alone() {
    let source = include_str!("../examples/own_sink.rs");
    assert!(source.contains("use telecine::{") && !source.contains("telecine_"));
}

#[tokio::test]
async fn every_unit_is_due_once_and_in_order() {
    let origin = origin().await;
    for path in ["/hls/dur_8/demo/main.m3u8", "/dash/dur_8/periods_2/demo/number.mpd"] {
        let (player, shown) = player();
        player.load(origin.url() + path).expect("a URL");
        player.set_rate(4000).expect("alive");
        player.play().expect("alive");
        assert_eq!(outcome(&player).await, Outcome::Ended, "{path}");
        for (kind, count) in [(TrackKind::Video, 200), (TrackKind::Audio, 375)] {
            let times = times(&shown, kind);
            assert!(times.is_sorted_by(|a, b| a < b), "{path} {kind:?}");
            // A frame of sound across the boundary of two periods is in both.
            assert!((count..=count + 1).contains(&times.len()), "{path} {kind:?}: {}", times.len());
        }
        assert_eq!(player.qoe().await.expect("alive").stalls, 0, "{path}");
    }
}

#[tokio::test]
async fn after_a_seek_only_what_is_behind_the_target_is_due() {
    let origin = origin().await;
    let (player, shown) = player();
    let mut events = player.events();
    player.load(origin.url() + "/hls/dur_60/demo/main.m3u8").expect("a URL");
    player.play().expect("alive");
    let playing = async {
        while let Some(event) = events.next().await {
            if matches!(event, Event::State { state: State::Playing, .. }) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), playing).await.expect("it plays");
    let target = MediaTime::from_secs(57);
    player.seek(target).expect("alive");
    player.set_rate(4000).expect("alive");
    assert_eq!(outcome(&player).await, Outcome::Ended);
    let pictures = times(&shown, TrackKind::Video);
    let (before, after): (Vec<MediaTime>, Vec<MediaTime>) = pictures.into_iter().partition(|pts| *pts < target);
    assert!(before.iter().all(|pts| *pts < MediaTime::from_secs(10)), "{before:?}");
    assert_eq!((after.first(), after.len()), (Some(&target), 75));
}
