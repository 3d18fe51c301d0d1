//! The whole player, with titles that have no sound, or no picture, for a while.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::sound::{reference, Ear};
use support::title::{register, Part};
use support::{frame_time, screen_with, Shown};
use telecine::{Event, MediaTime, Outcome, Player};

fn secs(seconds: i64) -> MediaTime {
    MediaTime::from_secs(seconds)
}

struct Theatre {
    player: Player,
    url: String,
    shown: Arc<Mutex<Vec<Shown>>>,
    ear: Ear,
    events: telecine::Events,
}

impl Theatre {
    fn new(parts: &[Part]) -> Self {
        let ear = Ear::new();
        let (sink, shown) = screen_with(|builder| builder.audio_sink(ear.element()));
        let (builder, url) = register(Player::builder().sink(sink), parts);
        let player = builder.build().expect("a player");
        let events = player.events();
        Self { player, url, shown, ear, events }
    }

    async fn until(&self, position: MediaTime) {
        let arrived = async {
            while self.player.snapshot().await.expect("an answer").position < position {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("the playhead gets there");
    }

    /// Plays to the end; nothing stood or failed on the way.
    async fn finish(&mut self) {
        let outcome = tokio::time::timeout(Duration::from_secs(40), self.player.finished()).await;
        assert_eq!(outcome.expect("it comes to an end"), Outcome::Ended);
        self.player.stop().expect("a player that lives");
        while let Some(event) = self.events.next().await {
            match event {
                Event::StallStarted { .. } | Event::Error { .. } => panic!("{event:?}"),
                Event::State { state: telecine::State::Stopped | telecine::State::Ended, .. } => break,
                _ => {}
            }
        }
    }

    fn frames(&self) -> Vec<u32> {
        let shown = self.shown.lock().expect("no callback panicked").clone();
        assert!(shown.iter().all(|shown| shown.pts == frame_time(shown.frame())));
        shown.iter().map(Shown::frame).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn periods_without_sound_play_like_those_with() {
    let parts = [(4, true, false), (4, true, true), (4, true, false), (2, true, true), (2, true, false)];
    let mut theatre = Theatre::new(&parts);
    theatre.player.load(&theatre.url).expect("a URL");
    theatre.player.play().expect("a player that lives");
    theatre.finish().await;
    assert_eq!(theatre.frames(), (0..400).collect::<Vec<_>>());
    theatre.ear.assert_heard(&reference("a-en.mp4"), &[(secs(4), secs(8)), (secs(12), secs(14))]);
    theatre.ear.assert_fed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_period_without_sound_plays_through() {
    // Long enough for the engine to drop what was played of it.
    let mut theatre = Theatre::new(&[(12, true, false), (2, true, true)]);
    theatre.player.load(&theatre.url).expect("a URL");
    theatre.player.play().expect("a player that lives");
    theatre.finish().await;
    assert_eq!(theatre.frames(), (0..350).collect::<Vec<_>>());
    theatre.ear.assert_heard(&reference("a-en.mp4"), &[(secs(12), secs(14))]);
    theatre.ear.assert_fed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn periods_without_pictures_play_like_those_with() {
    let mut theatre = Theatre::new(&[(2, false, true), (2, true, true), (2, false, true), (2, true, true)]);
    theatre.player.load(&theatre.url).expect("a URL");
    theatre.player.play().expect("a player that lives");
    theatre.finish().await;
    assert_eq!(theatre.frames(), (50..100).chain(150..200).collect::<Vec<_>>());
    theatre.ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(8))]);
    theatre.ear.assert_fed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_starts_in_a_period_without_sound_and_seeks_out_of_and_into_others() {
    let parts = [(4, true, false), (4, true, true), (4, true, false), (2, true, true), (2, true, false)];
    let mut theatre = Theatre::new(&parts);
    // No sound here,
    theatre.player.load_at(&theatre.url, Some(secs(9))).expect("a URL");
    theatre.player.play().expect("a player that lives");
    theatre.until(MediaTime::from_millis(9600)).await;
    assert!(theatre.ear.heard().iter().all(|heard| heard.is_silent()));
    // sound here, which ends,
    theatre.player.seek(MediaTime::from_millis(7000)).expect("a player that lives");
    theatre.until(MediaTime::from_millis(8500)).await;
    // none here, where it begins soon,
    theatre.player.seek(MediaTime::from_millis(3000)).expect("a player that lives");
    tokio::time::sleep(Duration::from_millis(300)).await;
    theatre.until(MediaTime::from_millis(4500)).await;
    // and the last of it.
    theatre.player.seek(MediaTime::from_millis(13_000)).expect("a player that lives");
    theatre.finish().await;

    let frames = theatre.frames();
    let jumps: Vec<_> = frames.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
    let targets: Vec<_> = jumps.iter().map(|pair| pair[1]).collect();
    assert_eq!((frames[0], targets), (225, vec![175, 75, 325]), "{jumps:?}");
    assert_eq!(frames.last(), Some(&399));
    let spans = theatre.ear.spans();
    let near = |time: MediaTime, ms: i64| time.abs_diff(MediaTime::from_millis(ms)) <= MediaTime::from_millis(22);
    assert!(spans.len() == 3, "{spans:?}");
    assert!(near(spans[0].0, 7000) && near(spans[0].1, 8000), "{spans:?}");
    assert!(near(spans[1].0, 4000) && spans[1].1 >= MediaTime::from_millis(4400), "{spans:?}");
    assert!(near(spans[2].0, 13_000) && near(spans[2].1, 14_000), "{spans:?}");
}
