//! Titles whose sound is in the same segments as their pictures.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use support::sound::{reference, Ear};
use support::{frame_time, screen_with, Shown};
use telecine::{
    Capabilities, Config, Constraints, Event, Events, MediaTime, Outcome, Player, Sink, SinkCommand, SinkReport, State,
    TrackKind, TrackStats,
};
use telecine_gstreamer::GstSink;
use telecine_model::Timestamp;

/// What is to be heard: two channels of 48 kHz, late as the pictures are.
fn late() -> Vec<f32> {
    [vec![0.0; 2 * 48 * DELAY.as_millis() as usize], reference("a-en.mp4")].concat()
}

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a place for files");
        Self(path)
    }

    fn url(&self, name: &str) -> String {
        format!("file://{}", self.0.join(name).display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Two pictures are decoded before the first is shown, and ffmpeg has no time before zero: it moves
/// pictures and sound by this.
const DELAY: MediaTime = MediaTime::from_millis(80);

/// Eight seconds of the demo title as HLS, sound and pictures in one file a segment, in one rendition.
/// ffmpeg makes it: with pictures out of order, and edit lists that say where both begin.
fn muxed(folder: &Folder, rendition: &str) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/demo");
    let video = "-c:v libx264 -preset veryfast -bf 2 -b_strategy 0 -g 50 -keyint_min 50 -sc_threshold 0";
    let hls = "-f hls -hls_segment_type fmp4 -hls_time 2 -hls_playlist_type vod -hls_flags independent_segments";
    let status = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-i"])
        .arg(demo.join(rendition).with_extension("mp4"))
        .arg("-i")
        .arg(demo.join("a-en.mp4"))
        .args(["-map", "0:v", "-map", "1:a", "-t", "8", "-vf", "setpts=PTS-STARTPTS"])
        .args(video.split(' '))
        .args(["-c:a", "aac", "-b:a", "128k"])
        .args(hls.split(' '))
        .args(["-hls_fmp4_init_filename", &format!("{rendition}.mp4")])
        .arg(folder.0.join(rendition).with_extension("m3u8"))
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg makes HLS");
}

/// Plays to the end. Nothing stands or fails on the way.
async fn finish(player: &Player, events: &mut Events) {
    let outcome = tokio::time::timeout(Duration::from_secs(40), player.finished()).await;
    assert_eq!(outcome.expect("it comes to an end"), Outcome::Ended);
    while let Some(event) = events.next().await {
        match event {
            Event::StallStarted { .. } | Event::Error { .. } => panic!("{event:?}"),
            Event::State { state: State::Ended, .. } => break,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_pictures_and_all_sound_of_muxed_segments_are_played() {
    let folder = Folder::new("muxed");
    muxed(&folder, "v180");
    let ear = Ear::new();
    let (sink, shown) = screen_with(|builder| builder.audio_sink(ear.element()));
    let player = Player::builder().sink(sink).build().expect("a player");
    let mut events = player.events();
    player.load(folder.url("v180.m3u8")).expect("a URL");
    player.play().expect("a player that lives");
    finish(&player, &mut events).await;
    let tracks = player.tracks().await.expect("an answer");

    let shown = shown.lock().expect("no callback panicked").clone();
    assert_eq!(shown.iter().map(Shown::frame).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
    for picture in &shown {
        assert_eq!(picture.pts, frame_time(picture.frame()) + DELAY);
    }
    let spans = ear.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    // ffmpeg rounds edit lists to milliseconds.
    ear.stretches()[0].assert_sounds_like(&late(), 48);
    let decoded = |kind| tracks.iter().find(|track| track.kind == kind).map(|t| (t.decoded, t.decode_errors));
    assert_eq!(decoded(TrackKind::Video), Some((200, 0)));
    let (decoded, errors) = decoded(TrackKind::Audio).expect("sound");
    // The first frame is priming: it lies before the beginning.
    assert!((375..=377).contains(&decoded) && errors == 0, "{decoded} {errors}");
}

/// A sink that promises more room than it has.
struct Boaster {
    sink: GstSink,
    refusals: Arc<AtomicUsize>,
}

impl Sink for Boaster {
    fn capabilities(&self) -> Capabilities {
        Capabilities { max_bytes: None, ..self.sink.capabilities() }
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        let report = self.sink.poll(now);
        let refusal = matches!(report, Some(SinkReport::Full { .. }));
        self.refusals.fetch_add(usize::from(refusal), Ordering::Relaxed);
        report
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.sink.deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_muxed_title_that_does_not_fit_is_played_whole() {
    let folder = Folder::new("muxed-full");
    muxed(&folder, "v180");
    // Sound of a segment is some 32 kB.
    for max_bytes in [50_000, 80_000, 100_000] {
        let ear = Ear::new();
        let (sink, shown) = screen_with(|builder| builder.audio_sink(ear.element()).max_bytes(max_bytes));
        let refusals = Arc::new(AtomicUsize::new(0));
        let sink = Boaster { sink, refusals: Arc::clone(&refusals) };
        let player = Player::builder().sink(sink).build().expect("a player");
        let mut events = player.events();
        player.load(folder.url("v180.m3u8")).expect("a URL");
        player.play().expect("a player that lives");
        finish(&player, &mut events).await;
        let refusals = refusals.load(Ordering::Relaxed);
        assert!(refusals > 0);
        let shown = shown.lock().expect("no callback panicked").clone();
        assert_eq!(shown.iter().map(Shown::frame).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
        let spans = ear.spans();
        assert_eq!(spans.len(), 1, "{spans:?}");
        assert!(spans[0].0 <= DELAY && spans[0].1 >= MediaTime::from_secs(8), "{spans:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renditions_of_a_muxed_title_change_and_the_viewer_seeks() {
    let folder = Folder::new("muxed-variants");
    let mut main = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for (rendition, size, bandwidth) in [("v180", "320x180", 400_000), ("v360", "640x360", 900_000)] {
        muxed(&folder, rendition);
        main += &format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={size},CODECS=\"avc1.64001e,mp4a.40.2\"\n\
             {rendition}.m3u8\n"
        );
    }
    std::fs::write(folder.0.join("main.m3u8"), main).expect("written");
    let ear = Ear::new();
    let (sink, shown) = screen_with(|builder| builder.audio_sink(ear.element()));
    let mut config = Config::default();
    // Little is bought in advance: a change shows soon.
    config.buffer_goal = Some(MediaTime::from_secs(2));
    config.start_buffer = MediaTime::from_secs(1);
    let player = Player::builder().config(config).sink(sink).build().expect("a player");
    let mut events = player.events();
    let limit = |max_height| Constraints { max_height: Some(max_height), ..Constraints::default() };
    player.set_constraints(limit(180)).expect("a player that lives");
    player.load(folder.url("main.m3u8")).expect("a URL");
    player.play().expect("a player that lives");
    until(&player, MediaTime::from_millis(500)).await;
    player.set_constraints(limit(360)).expect("a player that lives");
    until(&player, MediaTime::from_millis(5000)).await;
    player.seek(MediaTime::from_millis(2080)).expect("a player that lives");
    until(&player, MediaTime::from_millis(3000)).await;
    player.set_constraints(limit(180)).expect("a player that lives");
    finish(&player, &mut events).await;

    let shown = shown.lock().expect("no callback panicked").clone();
    let jumps: Vec<_> = shown.windows(2).filter(|pair| pair[1].frame() != pair[0].frame() + 1).collect();
    assert_eq!(jumps.len(), 1, "the seek: {jumps:?}");
    assert_eq!((shown[0].frame(), jumps[0][1].frame(), shown[shown.len() - 1].frame()), (0, 50, 199));
    assert!(shown.iter().all(|shown| shown.pts == frame_time(shown.frame()) + DELAY));
    let renditions: Vec<_> = shown.iter().map(Shown::rendition).collect();
    let switches = renditions.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!((renditions[0], renditions[renditions.len() - 1]), (0, 0));
    assert_eq!(switches, 2, "{renditions:?}");
    let spans = ear.spans();
    assert_eq!(spans.len(), 2, "sound has no hole at a change: {spans:?}");
    ear.stretches().iter().for_each(|stretch| stretch.assert_sounds_like(&late(), 48));
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
async fn muxed_sound_can_be_switched_off() {
    let folder = Folder::new("muxed-off");
    muxed(&folder, "v180");
    let ear = Ear::new();
    let (sink, shown) = screen_with(|builder| builder.audio_sink(ear.element()));
    let player = Player::builder().sink(sink).build().expect("a player");
    let mut events = player.events();
    player.load(folder.url("v180.m3u8")).expect("a URL");
    player.play().expect("a player that lives");
    until(&player, MediaTime::from_secs(2)).await;
    player.disable(TrackKind::Audio).expect("a player that lives");
    finish(&player, &mut events).await;
    let shown = shown.lock().expect("no callback panicked").clone();
    assert_eq!(shown.iter().map(Shown::frame).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
    let spans = ear.spans();
    assert!(spans.len() == 1 && spans[0].1 < MediaTime::from_secs(3), "{spans:?}");
}
