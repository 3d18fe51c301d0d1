//! Where media is missing the playhead stands, and says so.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{Media, Stage};
use telecine_engine::{LoadId, SinkCommand, SinkReport};
use telecine_model::{MediaTime, TrackKind};

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

/// Appends two segments and takes the second back, of which a part is in the decoder by then.
fn half_taken_back() -> Stage {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.command(video.configuration());
    stage.append(&video, 0);
    stage.append(&video, 1);
    let (from, to) = (MediaTime::from_secs(2), MediaTime::MAX);
    stage.command(SinkCommand::Remove { kind: TrackKind::Video, from, to });
    stage
}

/// Appends the second segment of a rendition and the third, and plays to the end.
fn replace_and_play(stage: &mut Stage, media: &Media) {
    stage.command(media.configuration());
    for index in 1..3 {
        let mut append = media.append(index, MediaTime::ZERO);
        append.load = LoadId(append.load.0 + 100);
        stage.command(SinkCommand::Append(Box::new(append)));
    }
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
}

#[test]
fn a_segment_that_is_taken_back_and_comes_again_is_shown_once_and_whole() {
    let mut stage = half_taken_back();
    replace_and_play(&mut stage, &Media::demo("v180.mp4"));
    assert_eq!(stage.frames(), (0..150).collect::<Vec<_>>());
    let stats = stage.stats(TrackKind::Video);
    assert_eq!((stats.decoded, stats.decode_errors), (150, 0), "{stats:?}");
}

#[test]
fn a_segment_that_is_taken_back_and_comes_in_another_rendition_is_shown_once() {
    let mut stage = half_taken_back();
    replace_and_play(&mut stage, &Media::demo("v360.mp4"));
    let frames = stage.frames();
    assert!(frames.is_sorted_by(|a, b| a < b), "{frames:?}");
    // What was in the decoder had a picture in it that others are shown before: two at most.
    assert!(frames.len() >= 148 && frames.last() == Some(&149), "{frames:?}");
    let renditions: Vec<_> = stage.shown().iter().map(support::Shown::rendition).collect();
    assert!(renditions.is_sorted(), "{renditions:?}");
}
