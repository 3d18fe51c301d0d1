//! A sink holds so much and no more, says what it did not take, and frees what was played.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use support::{screen_with, Media, Stage};
use telecine_engine::{LoadId, Sink, SinkCommand, SinkReport};
use telecine_gstreamer::GstSink;
use telecine_model::{MediaTime, Timestamp, TrackKind};

/// Pictures and sound of the demo title in the same fragments of two seconds.
fn muxed(name: &str) -> (Media, Media) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.mp4", std::process::id()));
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/media/demo");
    let status = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-copyts", "-i"])
        .arg(demo.join("v180.mp4"))
        .arg("-i")
        .arg(demo.join("a-en.mp4"))
        .args(["-map", "0:v", "-map", "1:a", "-c", "copy", "-use_editlist", "0"])
        .args(["-avoid_negative_ts", "disabled"])
        .args(["-movflags", "+frag_keyframe+empty_moov+default_base_moof+delay_moov+negative_cts_offsets"])
        .arg(&path)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg muxes");
    let bytes = std::fs::read(&path).expect("ffmpeg wrote it");
    std::fs::remove_file(&path).expect("it is there");
    let video = Media::read("muxed", bytes.into());
    let audio = video.track(1);
    assert_eq!((video.kind, audio.kind), (TrackKind::Video, TrackKind::Audio));
    assert_eq!(video.fragments.len(), 12);
    (video, audio)
}

#[test]
fn what_does_not_fit_is_refused_and_fits_when_there_is_room() {
    let video = Media::demo("v180.mp4");
    let room = video.fragments[..3].iter().map(|fragment| fragment.size).sum();
    let mut sink = GstSink::builder().headless().max_bytes(room).build().expect("GStreamer is there");
    assert_eq!(sink.capabilities().max_bytes, Some(room));
    let append = |index| SinkCommand::Append(Box::new(video.append(index, MediaTime::ZERO)));
    for command in [video.configuration(), append(0), append(1), append(2), append(3)] {
        sink.command(command, Timestamp::ZERO);
    }
    assert_eq!(sink.poll(Timestamp::ZERO), Some(SinkReport::Full { kind: TrackKind::Video, load: LoadId(3) }));
    let (from, to) = (MediaTime::from_secs(4), MediaTime::MAX);
    sink.command(SinkCommand::Remove { kind: TrackKind::Video, from, to }, Timestamp::ZERO);
    sink.command(append(2), Timestamp::ZERO);
    assert_eq!(sink.poll(Timestamp::ZERO), None);
}

#[test]
fn of_a_muxed_fragment_each_kind_is_taken_whole_or_not_at_all() {
    let (video, audio) = muxed("kinds");
    let bytes = |media: &Media, indices: std::ops::Range<usize>| -> u64 {
        indices.map(|index| media.append(index, MediaTime::ZERO).bytes).sum()
    };
    // Room for the pictures of three fragments, and for not quite so much sound.
    let room = bytes(&video, 0..3).max(bytes(&audio, 0..2));
    assert!(room < bytes(&audio, 0..3), "sound is the larger part here");
    let (sink, shown) = screen_with(|builder| builder.max_bytes(room));
    let mut stage = Stage::before(sink, shown);
    for media in [&video, &audio] {
        stage.command(media.configuration());
    }
    for index in 0..3 {
        stage.append(&video, index);
        stage.append(&audio, index);
    }
    assert_eq!(stage.reports, [SinkReport::Full { kind: TrackKind::Audio, load: LoadId(2) }]);
    assert_eq!(stage.stats(TrackKind::Video).samples, 150);
    let taken = stage.stats(TrackKind::Audio).samples;
    // What was played makes room.
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_until("room for the sound", |stage| stage.shown().len() >= 75);
    stage.append(&audio, 2);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Audio });
    stage.run_to_the_end();
    assert_eq!(stage.reports.iter().filter(|report| matches!(report, SinkReport::Full { .. })).count(), 1);
    assert_eq!(stage.starved_at(), None);
    assert_eq!(stage.frames(), (0..150).collect::<Vec<_>>());
    let stats = stage.stats(TrackKind::Audio);
    let last = audio.append(2, MediaTime::ZERO).samples;
    assert_eq!((stats.samples, stats.decoded), (taken + u64::from(last), taken + u64::from(last)), "{stats:?}");
    assert_eq!((stats.decode_errors, stats.gaps), (0, 0));
}

#[test]
fn what_was_removed_takes_no_room_even_if_the_decoder_has_it() {
    let video = Media::demo("v180.mp4");
    let room = video.append(0, MediaTime::ZERO).bytes + video.append(1, MediaTime::ZERO).bytes;
    let sink = GstSink::builder().headless().max_bytes(room).build().expect("GStreamer is there");
    let mut stage = Stage::with(sink);
    stage.command(video.configuration());
    for (index, load, from) in [(0, 0, None), (1, 1, Some(2)), (1, 2, Some(0)), (0, 3, None), (1, 4, None)] {
        let mut append = video.append(index, MediaTime::ZERO);
        append.load = LoadId(load);
        stage.command(SinkCommand::Append(Box::new(append)));
        stage.run_for(std::time::Duration::from_millis(100));
        if let Some(from) = from {
            let (from, to) = (MediaTime::from_secs(from), MediaTime::MAX);
            stage.command(SinkCommand::Remove { kind: TrackKind::Video, from, to });
        }
    }
    assert_eq!(stage.reports, []);
    let mut append = video.append(2, MediaTime::ZERO);
    append.load = LoadId(5);
    stage.command(SinkCommand::Append(Box::new(append)));
    assert_eq!(stage.reports, [SinkReport::Full { kind: TrackKind::Video, load: LoadId(5) }]);
}

/// Bytes of a fragment that are counted as long as anybody holds any of them.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn what_was_played_is_freed() {
    let (video, _) = muxed("freed");
    let held = Arc::new(AtomicUsize::new(0));
    let fragments = video.fragments.iter().map(|fragment| {
        held.fetch_add(1, Ordering::Relaxed);
        let mut fragment = (**fragment).clone();
        let counted = Counted(fragment.data.concat(), Arc::clone(&held));
        fragment.data = vec![Bytes::from_owner(counted)];
        Arc::new(fragment)
    });
    let video = Media { fragments: fragments.collect(), ..video };
    let audio = video.track(1);
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(4000));
    stage.load(&video);
    stage.load(&audio);
    drop((video, audio));
    assert_eq!(held.load(Ordering::Relaxed), 12);
    stage.command(SinkCommand::Play);
    for played in 1..12 {
        let until = MediaTime::from_secs(2 * played);
        stage.run_until("the playhead", |stage| stage.position() >= Some(until));
        // What the playhead is in is kept, from the sync sample on; and positions tell of a moment ago.
        let (held, left) = (held.load(Ordering::Relaxed), 12 - played as usize);
        assert!(held <= left + 1, "{held} at {until}");
    }
    stage.run_to_the_end();
    stage.command(SinkCommand::Stop);
    assert_eq!(held.load(Ordering::Relaxed), 0);
}
