//! Where media is missing the playhead stands, and says so.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{Media, Stage};
use telecine_engine::{LoadId, Sink, SinkCommand, SinkReport};
use telecine_gstreamer::GstSink;
use telecine_model::{MediaTime, Timestamp, TrackKind};

/// How much a decoder holds back for want of what follows.
const HELD: MediaTime = MediaTime::from_millis(400);

#[test]
fn starvation_is_told_and_playback_goes_on_when_media_comes() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let mut stage = Stage::new();
    stage.load(&audio);
    stage.command(video.configuration());
    stage.append(&video, 0);
    stage.command(SinkCommand::Play);
    stage.run_until("starvation", |stage| stage.starved_at().is_some());
    let stood = stage.starved_at().expect("just seen");
    assert!(stood <= MediaTime::from_secs(2) && stood + HELD >= MediaTime::from_secs(2), "{stood}");

    stage.reports.clear();
    stage.run_for(Duration::from_millis(700));
    assert_eq!(stage.reports, [], "it is told once");

    stage.append(&video, 1);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.run_until_shown(100);
    assert_eq!(stage.frames(), (0..100).collect::<Vec<_>>(), "nothing was lost or shown twice");
    let first = stage.reports.iter().find_map(|report| match report {
        SinkReport::Position { position, .. } => Some(*position),
        _ => None,
    });
    let first = first.expect("it moves again");
    assert!(first >= stood && first < stood + MediaTime::from_millis(700), "the clock stood too: {first}");
}

#[test]
fn the_engine_may_pause_a_starved_sink_until_there_is_enough() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.command(video.configuration());
    stage.append(&video, 0);
    stage.command(SinkCommand::Play);
    stage.run_until("starvation", |stage| stage.starved_at().is_some());
    let shown = stage.shown().len();
    stage.command(SinkCommand::Pause);
    stage.append(&video, 1);
    stage.run_for(Duration::from_millis(300));
    assert_eq!(stage.shown().len(), shown, "paused is paused");
    stage.append(&video, 2);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    assert_eq!(stage.frames(), (0..150).collect::<Vec<_>>());
}

#[test]
fn a_hole_is_not_played_over_and_everything_before_it_is_shown() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.command(video.configuration());
    stage.append(&video, 0);
    stage.append(&video, 2);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_until("starvation", |stage| stage.starved_at().is_some());
    let stood = stage.starved_at().expect("just seen");
    assert_eq!(stood, MediaTime::from_secs(2));
    assert_eq!(stage.frames(), (0..50).collect::<Vec<_>>());
    assert_eq!(stage.stats(TrackKind::Video).gaps, 1);

    // The engine jumps.
    stage.command(SinkCommand::Seek(MediaTime::from_secs(4)));
    stage.append(&video, 2);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.run_to_the_end();
    assert_eq!(stage.frames(), (0..50).chain(100..150).collect::<Vec<_>>());
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
