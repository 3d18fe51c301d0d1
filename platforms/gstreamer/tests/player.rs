//! The whole player, from an origin over a network that changes, to pictures.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::sound::{reference, Ear};
use support::{frame_time, screen, screen_with};
use telecine::{Config, Event, MediaTime, Outcome, Player, TrackKind};
use telecine_origin::{Network, Origin, OriginConfig, Step};

/// Fast and slow by turns: a player that follows it changes its rendition again and again.
fn changing_network() -> Network {
    let step = |seconds, bits_per_second| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(20),
    };
    Network { trace: vec![step(4, 5_000_000), step(4, 400_000)], repeat: true, loss_per_million: 0 }
}

/// Plays 28 s of the demo title and looks at every picture.
async fn play(manifest: &str) {
    let config = OriginConfig { network: changing_network(), ..OriginConfig::default() };
    let origin = Origin::start(([127, 0, 0, 1], 0).into(), config).await.expect("a free port");
    let (sink, shown) = screen();
    let mut config = Config::default();
    // Little is bought in advance, and what is bought depends on the network of the moment.
    config.buffer_goal = Some(MediaTime::from_secs(5));
    config.rule = Some("throughput".to_owned());
    let player = Player::builder().config(config).sink(sink).build().expect("a player");
    let mut events = player.events();
    player.load(format!("{}{manifest}", origin.url())).expect("a URL");
    player.play().expect("a player that lives");
    let outcome = tokio::time::timeout(Duration::from_secs(50), player.finished()).await;
    assert_eq!(outcome.expect("it comes to an end"), Outcome::Ended);

    let shown = shown.lock().expect("no callback panicked").clone();
    let frames: Vec<_> = shown.iter().map(support::Shown::frame).collect();
    // The title repeats after 600 frames.
    assert_eq!(frames, (0..700).map(|frame| frame % 600).collect::<Vec<_>>());
    for (index, shown) in shown.iter().enumerate() {
        assert_eq!(shown.pts, frame_time(index as u32), "frame {index}");
    }
    let switches = shown.windows(2).filter(|pair| pair[0].rendition() != pair[1].rendition()).count();
    assert!(switches >= 4, "only {switches} switches");
    for (index, pair) in shown.windows(2).enumerate() {
        let at_seam = (index + 1) % 50 == 0;
        assert!(at_seam || pair[0].rendition() == pair[1].rendition(), "frame {index}");
    }

    let mut told = 0;
    player.stop().expect("a player that lives");
    while let Some(event) = events.next().await {
        match event {
            Event::Quality { kind: TrackKind::Video, .. } => told += 1,
            Event::State { state: telecine::State::Stopped | telecine::State::Ended, .. } => break,
            _ => {}
        }
    }
    assert_eq!(told, switches + 1, "what is told is what is seen");
    let tracks = player.tracks().await.expect("an answer");
    let decoded =
        |kind| tracks.iter().find(|track| track.kind == kind).map(|track| (track.decoded, track.decode_errors));
    assert_eq!(decoded(TrackKind::Video), Some((700, 0)));
    // Segments of sound end with the last whole frame: floor(14 * 93.75).
    assert_eq!(decoded(TrackKind::Audio), Some((1312, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dash_is_shown_whole_while_the_network_changes() {
    play("/dash/dur_28/demo/number.mpd").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hls_is_shown_whole_while_the_network_changes() {
    play("/hls/dur_28/demo/main.m3u8").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_and_sound_go_on_across_periods() {
    let origin = Origin::start(([127, 0, 0, 1], 0).into(), OriginConfig::default()).await.expect("a free port");
    let ear = Ear::new();
    let (sink, shown) = screen_with(|builder| builder.audio_sink(ear.element()));
    let player = Player::builder().sink(sink).build().expect("a player");
    // A period's boundary at 4 s is in the middle of a frame of sound, which both periods have.
    player.load(format!("{}/dash/dur_12/periods_3/demo/number.mpd", origin.url())).expect("a URL");
    player.play().expect("a player that lives");
    let outcome = tokio::time::timeout(Duration::from_secs(30), player.finished()).await;
    assert_eq!(outcome.expect("it comes to an end"), Outcome::Ended);
    let presentation = player.presentation().await.expect("an answer").expect("a title");
    assert_eq!(presentation.periods.len(), 3);
    let shown = shown.lock().expect("no callback panicked").clone();
    assert_eq!(shown.iter().map(support::Shown::frame).collect::<Vec<_>>(), (0..300).collect::<Vec<_>>());
    ear.assert_heard(&reference("a-en.mp4"), &[(MediaTime::ZERO, MediaTime::from_secs(12))]);
}

/// Waits until the playhead is at `position` or behind.
async fn until(player: &Player, position: MediaTime) {
    let arrived = async {
        while player.snapshot().await.expect("an answer").position < position {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("the playhead gets there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_seeks_pauses_and_changes_the_language() {
    let origin = Origin::start(([127, 0, 0, 1], 0).into(), OriginConfig::default()).await.expect("a free port");
    let (sink, shown) = screen();
    let player = Player::builder().sink(sink).build().expect("a player");
    player.load(format!("{}/dash/demo/time.mpd", origin.url())).expect("a URL");
    player.play().expect("a player that lives");
    until(&player, MediaTime::from_secs(2)).await;
    player.seek(MediaTime::from_millis(15_400)).expect("a player that lives");
    until(&player, MediaTime::from_millis(16_500)).await;

    player.pause().expect("a player that lives");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let count = || shown.lock().expect("no callback panicked").len();
    let standing = count();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(count(), standing, "paused is paused");
    player.play().expect("a player that lives");
    until(&player, MediaTime::from_secs(18)).await;

    let presentation = player.presentation().await.expect("an answer").expect("a title");
    let tracks = presentation.periods[0].tracks.iter().filter(|track| track.kind == TrackKind::Audio);
    let ids: Vec<_> = tracks.map(|track| track.id.clone()).collect();
    let before = player.tracks().await.expect("an answer");
    let other = ids.iter().find(|id| before.iter().all(|track| track.id != **id)).expect("another language");
    player.select_track(TrackKind::Audio, other).expect("a player that lives");
    let outcome = tokio::time::timeout(Duration::from_secs(30), player.finished()).await;
    assert_eq!(outcome.expect("it comes to an end"), Outcome::Ended);

    let shown = shown.lock().expect("no callback panicked").clone();
    for picture in &shown {
        // The picture that a seek goes into is shown from the target on.
        let since = picture.pts - frame_time(picture.frame());
        assert!(!since.is_negative() && since < frame_time(1), "{picture:?}");
    }
    let frames: Vec<_> = shown.iter().map(support::Shown::frame).collect();
    let jumps: Vec<_> = frames.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
    assert_eq!(jumps.len(), 2, "the seek, and the change of language on the spot: {jumps:?}");
    assert!((49..60).contains(&jumps[0][0]) && jumps[0][1] == 385, "{jumps:?}");
    assert!(jumps[1][0].abs_diff(jumps[1][1]) <= 12, "{jumps:?}");
    assert_eq!((frames[0], frames[frames.len() - 1]), (0, 599));
    let after = player.tracks().await.expect("an answer");
    let decoded = |id: &str| after.iter().find(|track| track.id == id).map_or(0, |track| track.decoded);
    // From 18 s to the end: six seconds.
    assert!((270..300).contains(&decoded(other)), "{after:?}");
}
