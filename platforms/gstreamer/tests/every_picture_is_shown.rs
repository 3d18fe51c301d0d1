//! What is appended is shown: every picture, once, in order, at its time.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{frame_time, Media, Stage};
use telecine_engine::{SinkCommand, SinkReport};
use telecine_gstreamer::gstreamer::{self as gst, prelude::*};
use telecine_gstreamer::GstSink;
use telecine_model::{MediaTime, TrackKind};

/// How many pictures were due by what was reported, and how many of those were not shown.
fn told_pictures(stage: &Stage) -> (u32, u32) {
    let told = stage.reports.iter().filter_map(|report| match report {
        SinkReport::Frames { due, dropped } => Some((*due, *dropped)),
        _ => None,
    });
    told.fold((0, 0), |(due, dropped), (more, of_those)| (due + more, dropped + of_those))
}

#[test]
fn a_title_is_shown_frame_by_frame_at_exact_times() {
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(4000));
    stage.load(&Media::demo("v180.mp4"));
    stage.load(&Media::demo("a-en.mp4"));
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_eq!(stage.frames(), (0..600).collect::<Vec<_>>());
    // The composition offsets are negative: GStreamer's own demuxer would say 40 ms more.
    for shown in stage.shown() {
        assert_eq!((shown.pts, shown.rendition()), (frame_time(shown.frame()), 0));
    }
    assert_eq!(stage.position(), Some(MediaTime::from_secs(24)));

    let (due, dropped) = told_pictures(&stage);
    assert!((500..=600).contains(&due) && dropped == 0, "{dropped} of {due}");
    let video = stage.stats(TrackKind::Video);
    assert_eq!((video.samples, video.decoded, video.decode_errors, video.gaps), (600, 600, 0, 0));
    assert_eq!((video.first_pts, video.last_pts), (Some(MediaTime::ZERO), Some(frame_time(599))));
    assert_eq!(video.duration, MediaTime::from_secs(24));
    let audio = stage.stats(TrackKind::Audio);
    assert_eq!((audio.samples, audio.decoded, audio.decode_errors, audio.gaps), (1125, 1125, 0, 0));
    assert_eq!(audio.duration, MediaTime::from_secs(24));
}

#[test]
fn renditions_follow_each_other_without_a_seam() {
    let names = ["v180.mp4", "v720.mp4", "v360.mp4", "v480.mp4", "v180.mp4", "v360.mp4"];
    let widths = [320, 640, 854, 1280];
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(2000));
    stage.load(&Media::demo("a-en.mp4"));
    for (index, name) in names.into_iter().enumerate() {
        let media = Media::demo(name);
        stage.command(media.configuration());
        stage.append(&media, index);
    }
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_until_shown(300);

    assert_eq!(stage.frames(), (0..300).collect::<Vec<_>>());
    for (index, shown) in stage.shown().into_iter().enumerate() {
        let rendition = [0, 3, 1, 2, 0, 1][index / 50];
        assert_eq!((shown.pts, shown.rendition()), (frame_time(shown.frame()), rendition));
        assert_eq!(shown.width, widths[rendition as usize], "decoded at its own size");
    }
    let video = stage.stats(TrackKind::Video);
    assert_eq!((video.samples, video.decoded, video.decode_errors, video.gaps), (300, 300, 0, 0));
}

#[test]
fn positions_are_told_four_times_a_second_and_never_go_back() {
    let mut stage = Stage::new();
    let media = Media::demo("v180.mp4");
    stage.command(media.configuration());
    stage.append(&media, 0);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.run_for(std::time::Duration::from_millis(200));
    assert!(stage.reports.is_empty(), "it stands until it is told to play: {:?}", stage.reports);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    let positions: Vec<_> = stage
        .reports
        .iter()
        .filter_map(|report| match report {
            SinkReport::Position { position, advancing: true } => Some(*position),
            _ => None,
        })
        .collect();
    assert!((6..=9).contains(&positions.len()), "{positions:?}");
    assert!(positions.is_sorted(), "{positions:?}");
}

#[test]
fn what_lies_outside_the_window_is_decoded_for_others_and_not_shown() {
    // D009: a period takes over at 3 s, in the middle of segments of both.
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(2000));
    let (before, behind) = (Media::demo("v180.mp4"), Media::demo("v360.mp4"));
    let boundary = MediaTime::from_secs(3);
    stage.command(before.configuration());
    for index in 0..2 {
        let mut append = before.append(index, MediaTime::ZERO);
        append.window = (MediaTime::MIN, boundary);
        stage.command(SinkCommand::Append(Box::new(append)));
    }
    stage.command(behind.configuration());
    for index in 1..3 {
        let mut append = behind.append(index, MediaTime::ZERO);
        append.window = (boundary, MediaTime::MAX);
        append.discontinuity = index == 1;
        stage.command(SinkCommand::Append(Box::new(append)));
    }
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_eq!(stage.frames(), (0..150).collect::<Vec<_>>());
    for shown in stage.shown() {
        assert_eq!((shown.pts, shown.rendition()), (frame_time(shown.frame()), u32::from(shown.frame() >= 75)));
    }
    let stats = stage.stats(TrackKind::Video);
    assert_eq!((stats.samples, stats.decoded, stats.decode_errors, stats.gaps), (150, 150, 0, 0));
}

#[test]
fn a_picture_across_the_start_of_a_period_is_shown_if_nobody_else_has_it() {
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(2000));
    let (before, behind) = (Media::demo("v180.mp4"), Media::demo("v360.mp4"));
    let end = MediaTime::from_secs(3);
    let boundary = end + MediaTime::from_millis(10);
    stage.command(before.configuration());
    for index in 0..2 {
        let mut append = before.append(index, MediaTime::ZERO);
        append.window = (MediaTime::MIN, end);
        stage.command(SinkCommand::Append(Box::new(append)));
    }
    stage.command(behind.configuration());
    for index in 1..3 {
        let mut append = behind.append(index, MediaTime::ZERO);
        append.window = (boundary, MediaTime::MAX);
        append.discontinuity = index == 1;
        stage.command(SinkCommand::Append(Box::new(append)));
    }
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_eq!(stage.frames(), (0..150).collect::<Vec<_>>());
    for shown in stage.shown() {
        assert_eq!((shown.pts, shown.rendition()), (frame_time(shown.frame()), u32::from(shown.frame() >= 75)));
    }
    let stats = stage.stats(TrackKind::Video);
    assert_eq!((stats.samples, stats.decoded, stats.decode_errors, stats.gaps), (150, 150, 0, 0));
}

#[test]
fn an_offset_moves_the_media() {
    let mut stage = Stage::new();
    stage.command(SinkCommand::SetRate(2000));
    let media = Media::demo("v180.mp4");
    stage.command(media.configuration());
    for index in 5..7 {
        stage.command(SinkCommand::Append(Box::new(media.append(index, MediaTime::from_secs(-10)))));
    }
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_eq!(stage.frames(), (250..350).collect::<Vec<_>>());
    for shown in stage.shown() {
        assert_eq!(shown.pts, frame_time(shown.frame() - 250));
    }
}

#[test]
fn a_bin_of_the_applications_own_gets_what_the_decoder_gives() {
    let media = Media::demo("v180.mp4");
    let description = "videoconvert ! video/x-raw,format=RGB ! fakesink name=screen sync=true";
    let _ = gst::init();
    let renderer = gst::parse::bin_from_description(description, true).expect("core and base elements");
    let screen = renderer.by_name("screen").expect("it has one");
    let sink = GstSink::builder().video_sink(renderer.upcast()).build().expect("GStreamer is there");
    let mut stage = Stage::with(sink);
    stage.command(media.configuration());
    stage.append(&media, 0);
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    let stats = screen.property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("rendered"), Ok(50));
}

#[test]
fn pictures_that_would_be_late_are_dropped_and_are_no_decode_errors() {
    let media = Media::demo("v180.mp4");
    // 60 ms for a picture that lasts 40.
    let description = "videoconvert ! identity sleep-time=60000 ! fakesink sync=true qos=true max-lateness=20000000";
    let _ = gst::init();
    let renderer = gst::parse::bin_from_description(description, true).expect("core and base elements");
    let sink = GstSink::builder().video_sink(renderer.upcast()).build().expect("GStreamer is there");
    let mut stage = Stage::with(sink);
    stage.command(media.configuration());
    (0..2).for_each(|index| stage.append(&media, index));
    stage.command(SinkCommand::EndOfStream { kind: TrackKind::Video });
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    let stats = stage.stats(TrackKind::Video);
    assert!(stage.sink.dropped_frames() > 10, "{}", stage.sink.dropped_frames());
    let (due, dropped) = told_pictures(&stage);
    assert!(dropped > 10 && u64::from(dropped) <= stage.sink.dropped_frames(), "{dropped}");
    assert!((75..=100).contains(&due) && dropped < due, "{dropped} of {due}");
    assert_eq!((stats.samples, stats.decode_errors), (100, 0), "{stats:?}");
}
