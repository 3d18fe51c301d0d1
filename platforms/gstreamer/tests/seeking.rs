//! A seek empties the sink; what is appended then is shown from the target on.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{frame_time, Media, Stage};
use telecine_engine::{Sink, SinkCommand, SinkReport};
use telecine_model::{MediaTime, TrackKind};

fn load_from(stage: &mut Stage, media: &Media, segments: std::ops::Range<usize>) {
    stage.command(media.configuration());
    segments.for_each(|index| stage.append(media, index));
}

#[test]
fn after_a_seek_the_first_picture_is_that_of_the_target() {
    let (video, audio) = (Media::demo("v360.mp4"), Media::demo("a-en.mp4"));
    let mut stage = Stage::new();
    load_from(&mut stage, &video, 0..3);
    load_from(&mut stage, &audio, 0..3);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(20);

    let target = MediaTime::from_millis(9120);
    stage.command(SinkCommand::Seek(target));
    assert!(stage.reports.contains(&SinkReport::Seeked { position: target }));
    let before = stage.shown().len();
    load_from(&mut stage, &audio, 4..6);
    load_from(&mut stage, &video, 4..6);
    for kind in [TrackKind::Video, TrackKind::Audio] {
        stage.command(SinkCommand::EndOfStream { kind });
    }
    stage.run_to_the_end();

    let frames = stage.frames();
    assert_eq!(frames[..before], (0..before as u32).collect::<Vec<_>>());
    assert_eq!(frames[before..], (228..300).collect::<Vec<_>>());
    for shown in stage.shown() {
        assert_eq!(shown.pts, frame_time(shown.frame()));
    }
    assert_eq!(stage.position(), Some(MediaTime::from_secs(12)));
}

#[test]
fn a_target_inside_a_picture_shows_that_picture() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.command(SinkCommand::Seek(MediaTime::from_millis(3010)));
    load_from(&mut stage, &video, 1..2);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    assert_eq!(stage.frames(), (75..100).collect::<Vec<_>>());
}

#[test]
fn seeks_in_a_row_end_at_the_last() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let mut stage = Stage::new();
    stage.command(SinkCommand::Play);
    for second in [20, 2, 14, 6, 18, 10] {
        stage.command(SinkCommand::Seek(MediaTime::from_secs(second)));
        let index = second as usize / 2;
        load_from(&mut stage, &video, index..index + 1);
        load_from(&mut stage, &audio, index..index + 1);
        stage.run_for(Duration::from_millis(second as u64 * 7));
    }
    for kind in [TrackKind::Video, TrackKind::Audio] {
        stage.command(SinkCommand::EndOfStream { kind });
    }
    stage.run_to_the_end();
    let frames = stage.frames();
    assert_eq!(frames[frames.len() - 50..], (250..300).collect::<Vec<_>>());
}

#[test]
fn after_the_end_one_can_go_back() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.command(SinkCommand::Play);
    stage.command(SinkCommand::Seek(MediaTime::from_secs(23)));
    load_from(&mut stage, &video, 11..12);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.run_to_the_end();
    stage.reports.clear();

    stage.command(SinkCommand::Seek(MediaTime::from_secs(1)));
    load_from(&mut stage, &video, 0..1);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.run_to_the_end();
    assert_eq!(stage.frames(), (575..600).chain(25..50).collect::<Vec<_>>());
}

#[test]
fn a_seek_to_the_very_end_ends() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.command(SinkCommand::Play);
    stage.command(SinkCommand::Seek(MediaTime::from_secs(24)));
    load_from(&mut stage, &video, 11..12);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.run_to_the_end();
    assert_eq!(stage.shown(), []);
}

#[test]
fn another_speed_goes_on_from_where_the_playhead_is() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let mut stage = Stage::new();
    stage.load(&video);
    stage.load(&audio);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(20);
    let (before, began) = (stage.shown().len(), stage.now());
    stage.command(SinkCommand::SetRate(4000));
    stage.run_to_the_end();

    // 23 s at four times the speed.
    let took = stage.now().since(began);
    assert!(took > Duration::from_secs(5) && took < Duration::from_secs(12), "{took:?}");
    let frames = stage.frames();
    let last = frames[before - 1];
    // The picture on screen may be drawn again.
    assert!((last - 1..=last + 1).contains(&frames[before]), "{last} then {}", frames[before]);
    assert_eq!(frames[before..], (frames[before]..600).collect::<Vec<_>>());
}

#[test]
fn a_paused_sink_stands_and_goes_on_where_it_stood() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    stage.load(&video);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(10);
    stage.command(SinkCommand::Pause);
    stage.run_for(Duration::from_millis(200));
    let (shown, position) = (stage.shown().len(), stage.position());
    stage.run_for(Duration::from_millis(300));
    assert_eq!((stage.shown().len(), stage.position()), (shown, position));
    stage.command(SinkCommand::Play);
    stage.run_until_shown(50);
    assert_eq!(stage.frames()[..50], (0..50).collect::<Vec<_>>());
}

#[test]
fn a_kind_that_is_switched_off_does_not_hold_the_others_up() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let mut stage = Stage::new();
    stage.load(&video);
    load_from(&mut stage, &audio, 0..1);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(20);
    stage.command(SinkCommand::Disable { kind: TrackKind::Audio });
    stage.run_until_shown(100);
    assert_eq!(stage.starved_at(), None);

    // And it can come back: a change of tracks is a seek on the spot.
    stage.command(SinkCommand::Seek(MediaTime::from_secs(8)));
    load_from(&mut stage, &video, 4..5);
    load_from(&mut stage, &audio, 4..5);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Audio });
    stage.run_to_the_end();
    assert_eq!(*stage.frames().last().expect("pictures"), 249);
    assert_eq!(stage.stats(TrackKind::Audio).id, "audio");
}

#[test]
fn a_stopped_sink_can_be_used_again() {
    let video = Media::demo("v180.mp4");
    let mut stage = Stage::new();
    for _ in 0..2 {
        load_from(&mut stage, &video, 0..1);
        stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
        stage.command(SinkCommand::Play);
        stage.run_to_the_end();
        stage.command(SinkCommand::Stop);
        assert_eq!(stage.sink.deadline(), None);
        stage.reports.clear();
    }
    assert_eq!(stage.frames(), (0..50).chain(0..50).collect::<Vec<_>>());
}
