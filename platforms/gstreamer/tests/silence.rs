//! Where there is nothing of a kind, the others play on, and it comes back in time.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::sound::{reference, Ear};
use support::{frame_time, Media, Stage};
use telecine_engine::{SinkCommand, SinkReport};
use telecine_model::{MediaTime, TrackKind};

fn secs(seconds: i64) -> MediaTime {
    MediaTime::from_secs(seconds)
}

fn silence(kind: TrackKind, from: i64, to: i64) -> SinkCommand {
    SinkCommand::Silence { kind, from: secs(from), to: secs(to) }
}

/// Segments of a track that begin within `from..to`, as a period of that span.
fn load_span(stage: &mut Stage, media: &Media, from: i64, to: i64) {
    stage.command(media.configuration());
    for index in from / 2..to / 2 {
        let mut append = media.append(index as usize, MediaTime::ZERO);
        append.window = (secs(from), secs(to));
        append.discontinuity = index == from / 2;
        stage.command(SinkCommand::Append(Box::new(append)));
    }
}

fn end(stage: &mut Stage) {
    for kind in [TrackKind::Video, TrackKind::Audio] {
        stage.command(SinkCommand::EndOfStream { kind });
    }
}

/// A stage whose pictures and sound are looked at.
fn stage() -> (Stage, Ear) {
    let ear = Ear::new();
    let (sink, shown) = support::screen_with(|builder| builder.audio_sink(ear.element()));
    (Stage::before(sink, shown), ear)
}

/// Every picture of the span at its time, once, and the playhead never stood.
fn assert_seamless(stage: &Stage, frames: std::ops::Range<u32>) {
    assert_eq!(stage.frames(), frames.collect::<Vec<_>>());
    for shown in stage.shown() {
        assert_eq!(shown.pts, frame_time(shown.frame()));
    }
    assert_eq!(stage.starved_at(), None);
    assert!(positions(stage).is_sorted(), "{:?}", positions(stage));
}

fn positions(stage: &Stage) -> Vec<MediaTime> {
    let position = |report: &SinkReport| match report {
        SinkReport::Position { position, .. } => Some(*position),
        _ => None,
    };
    stage.reports.iter().filter_map(position).collect()
}

#[test]
fn sound_that_begins_later_than_the_title_may_be_configured_while_it_plays() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    stage.command(silence(TrackKind::Audio, 0, 4));
    load_span(&mut stage, &video, 0, 6);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(40);
    load_span(&mut stage, &audio, 4, 6);
    end(&mut stage);
    stage.run_to_the_end();

    assert_seamless(&stage, 0..150);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(4), secs(6))]);
    ear.assert_fed();
    // Four reports a second, all the way.
    assert!(positions(&stage).len() >= 20, "{:?}", positions(&stage));
    assert_eq!(stage.position(), Some(secs(6)));
}

#[test]
fn sound_that_stops_for_a_while_comes_back_in_time() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &audio, 0, 2);
    stage.command(silence(TrackKind::Audio, 2, 4));
    stage.command(silence(TrackKind::Audio, 4, 6));
    load_span(&mut stage, &audio, 6, 8);
    load_span(&mut stage, &video, 0, 8);
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_seamless(&stage, 0..200);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(2)), (secs(6), secs(8))]);
    ear.assert_fed();
    let stats = stage.stats(TrackKind::Audio);
    assert_eq!((stats.decoded, stats.decode_errors, stats.gaps), (stats.samples, 0, 0), "{stats:?}");
}

#[test]
fn sound_may_end_before_the_picture_and_the_picture_before_the_sound() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    for (with_picture, with_sound) in [(4, 2), (2, 4)] {
        let (mut stage, ear) = stage();
        load_span(&mut stage, &video, 0, with_picture);
        load_span(&mut stage, &audio, 0, with_sound);
        stage.command(silence(TrackKind::Video, with_picture, 4));
        stage.command(silence(TrackKind::Audio, with_sound, 4));
        end(&mut stage);
        let began = stage.now();
        stage.command(SinkCommand::Play);
        stage.run_to_the_end();

        assert_seamless(&stage, 0..with_picture as u32 * 25);
        ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(with_sound))]);
        assert_eq!(stage.position(), Some(secs(4)));
        assert!(stage.now().since(began) >= Duration::from_secs(4));
    }
}

#[test]
fn pictures_come_back_too() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    stage.command(silence(TrackKind::Video, 0, 2));
    load_span(&mut stage, &audio, 0, 6);
    load_span(&mut stage, &video, 2, 4);
    stage.command(silence(TrackKind::Video, 4, 6));
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_seamless(&stage, 50..100);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(6))]);
    assert!(positions(&stage).len() >= 20, "{:?}", positions(&stage));
}

#[test]
fn the_playhead_passes_where_there_is_neither_sound_nor_picture() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    for kind in [TrackKind::Video, TrackKind::Audio] {
        stage.command(silence(kind, 0, 2));
    }
    load_span(&mut stage, &audio, 2, 4);
    load_span(&mut stage, &video, 2, 4);
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();

    assert_seamless(&stage, 50..100);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(2), secs(4))]);
    assert!(positions(&stage).len() >= 12, "{:?}", positions(&stage));
}

#[test]
fn a_seek_goes_into_silence_and_out_of_it() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &video, 0, 4);
    load_span(&mut stage, &audio, 0, 4);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(10);

    // Out of sound into silence,
    let before = stage.shown().len();
    stage.command(SinkCommand::Seek(secs(9)));
    stage.command(silence(TrackKind::Audio, 9, 12));
    load_span(&mut stage, &video, 8, 14);
    load_span(&mut stage, &audio, 12, 14);
    stage.run_until_shown(before + 20);
    let heard = ear.heard().len();
    // from there into silence elsewhere,
    stage.command(SinkCommand::Seek(secs(17)));
    stage.command(silence(TrackKind::Audio, 17, 18));
    load_span(&mut stage, &video, 16, 20);
    load_span(&mut stage, &audio, 18, 20);
    let again = stage.shown().len();
    // until sound is there again.
    stage.run_until_shown(again + 40);
    let silent: Vec<_> =
        ear.heard()[heard..].iter().filter(|heard| heard.pts < secs(18) && !heard.is_silent()).map(|h| h.pts).collect();
    assert_eq!(silent, []);
    assert!(ear.heard()[heard..].iter().any(|heard| !heard.is_silent()));
    // And out of silence that has not passed.
    stage.command(SinkCommand::Seek(secs(5)));
    stage.command(silence(TrackKind::Audio, 5, 6));
    load_span(&mut stage, &video, 4, 6);
    stage.run_for(Duration::from_millis(300));
    stage.command(SinkCommand::Seek(secs(2)));
    let last = (stage.shown().len(), ear.heard().len());
    load_span(&mut stage, &video, 2, 4);
    load_span(&mut stage, &audio, 2, 4);
    end(&mut stage);
    stage.run_to_the_end();

    let frames = stage.frames();
    assert_eq!(frames[before..before + 20], (225..245).collect::<Vec<_>>());
    assert_eq!(frames[again..again + 40], (425..465).collect::<Vec<_>>());
    assert_eq!(frames[last.0..], (50..100).collect::<Vec<_>>());
    assert!(stage.shown().iter().all(|shown| shown.pts == frame_time(shown.frame())));
    assert_eq!(stage.starved_at(), None);
    let heard: Vec<_> = ear.heard()[last.1..].iter().map(|heard| heard.pts).collect();
    assert!(heard[0] <= secs(2) && heard.is_sorted() && heard.len() >= 90, "{heard:?}");
}

#[test]
fn silence_can_be_paused_and_played_at_another_speed() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &video, 0, 10);
    stage.command(silence(TrackKind::Audio, 0, 8));
    load_span(&mut stage, &audio, 8, 10);
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(20);
    stage.command(SinkCommand::Pause);
    stage.run_for(Duration::from_millis(200));
    let standing = (stage.shown().len(), stage.position());
    stage.run_for(Duration::from_millis(300));
    assert_eq!((stage.shown().len(), stage.position()), standing);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(40);
    let at_once = stage.shown().len();
    assert_eq!(stage.frames()[..at_once], (0..at_once as u32).collect::<Vec<_>>());

    let began = stage.now();
    stage.command(SinkCommand::SetRate(2000));
    let sped_up = stage.shown().len();
    stage.run_to_the_end();
    // Eight seconds and a bit at twice the speed.
    let took = stage.now().since(began);
    assert!(took > Duration::from_secs(4) && took < Duration::from_millis(5500), "{took:?}");
    let frames = stage.frames();
    let first = frames[sped_up];
    assert!(frames[sped_up - 1].abs_diff(first) <= 1, "{} then {first}", frames[sped_up - 1]);
    assert_eq!(frames[sped_up..], (first..250).collect::<Vec<_>>());
    assert_eq!(stage.starved_at(), None);
    // Pitch is kept by joining pieces: the sound is another, but its place is the same.
    let late = ear.heard().iter().map(|heard| heard.at - heard.due).min().expect("sound");
    assert!(late < telecine_gstreamer::gstreamer::ClockTime::from_mseconds(20), "{late}");
}

#[test]
fn starvation_within_and_behind_silence_is_told_and_ends_when_media_comes() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &video, 0, 2);
    stage.command(silence(TrackKind::Audio, 0, 4));
    stage.command(SinkCommand::Play);
    stage.run_until("starvation", |stage| stage.starved_at().is_some());
    let stood = stage.starved_at().expect("just seen");
    assert!(stood <= secs(2) && stood + MediaTime::from_millis(400) >= secs(2), "{stood}");
    stage.run_for(Duration::from_millis(500));
    load_span(&mut stage, &video, 2, 6);
    stage.reports.clear();
    // The picture goes on; now there is no sound behind the silence.
    stage.run_until("starvation", |stage| stage.starved_at().is_some());
    assert_eq!(stage.starved_at(), Some(secs(4)));
    stage.run_for(Duration::from_millis(500));
    load_span(&mut stage, &audio, 4, 6);
    end(&mut stage);
    stage.reports.clear();
    stage.run_to_the_end();

    assert_seamless(&stage, 0..150);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(4), secs(6))]);
}

#[test]
fn silence_is_removed_like_media() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &video, 0, 4);
    load_span(&mut stage, &audio, 0, 2);
    stage.command(silence(TrackKind::Audio, 2, 6));
    // There is sound after all, from the last frame of the sound before on.
    let from = MediaTime::from_millis(1984);
    stage.command(SinkCommand::Remove { kind: TrackKind::Audio, from, to: MediaTime::MAX });
    load_span(&mut stage, &audio, 2, 4);
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    assert_seamless(&stage, 0..100);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(4))]);
}

#[test]
fn what_has_passed_of_a_long_silence_can_be_removed() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    stage.command(SinkCommand::SetRate(2000));
    load_span(&mut stage, &video, 0, 12);
    stage.command(silence(TrackKind::Audio, 0, 10));
    load_span(&mut stage, &audio, 10, 12);
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_until_shown(60);
    for kind in [TrackKind::Video, TrackKind::Audio] {
        stage.command(SinkCommand::Remove { kind, from: MediaTime::MIN, to: secs(2) });
    }
    stage.run_to_the_end();
    assert_seamless(&stage, 0..300);
    // Ten seconds at twice the speed; what joins the pieces adds some sound before the first.
    let first = ear.heard().into_iter().find(|heard| !heard.is_silent()).expect("sound").due;
    assert!((4900..=5050).contains(&first.mseconds()), "{first}");
}

#[test]
fn silence_behind_missing_media_is_not_played_over_to() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &video, 0, 6);
    load_span(&mut stage, &audio, 0, 2);
    stage.command(silence(TrackKind::Audio, 4, 6));
    end(&mut stage);
    stage.command(SinkCommand::Play);
    stage.run_until("starvation", |stage| stage.starved_at().is_some());
    let stood = stage.starved_at().expect("just seen");
    assert!(stood.abs_diff(secs(2)) <= MediaTime::from_millis(22), "{stood}");
    // The engine jumps.
    stage.command(SinkCommand::Seek(secs(4)));
    load_span(&mut stage, &video, 4, 6);
    stage.command(silence(TrackKind::Audio, 4, 6));
    end(&mut stage);
    stage.run_to_the_end();
    assert_eq!(stage.frames()[50..], (100..150).collect::<Vec<_>>());
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(2))]);
}

#[test]
fn a_pause_while_a_decoder_begins_is_a_pause_for_all() {
    let (video, audio) = (Media::demo("v180.mp4"), Media::demo("a-en.mp4"));
    let (mut stage, ear) = stage();
    load_span(&mut stage, &audio, 0, 6);
    stage.command(silence(TrackKind::Video, 0, 2));
    stage.command(SinkCommand::Play);
    stage.run_for(Duration::from_millis(500));
    // This needs a decoder, which the pipeline puts together on threads of its own.
    load_span(&mut stage, &video, 2, 6);
    stage.command(SinkCommand::Pause);
    let stood = stage.position().expect("a pause tells where");
    stage.run_for(Duration::from_millis(700));
    end(&mut stage);
    let began = stage.now();
    stage.command(SinkCommand::Play);
    stage.run_to_the_end();
    // A clock that went on meanwhile would have made up for the pause.
    let (took, left) = (stage.now().since(began), (secs(6) - stood).to_duration());
    assert!(took + Duration::from_millis(50) > left, "{took:?} for {left:?}");
    assert_seamless(&stage, 50..150);
    ear.assert_heard(&reference("a-en.mp4"), &[(secs(0), secs(6))]);
}
