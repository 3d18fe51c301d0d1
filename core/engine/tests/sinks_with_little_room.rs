//! Sinks that hold little, and sinks that forget.

#![allow(clippy::expect_used)] // These are tests.

mod common;

use common::{at, errors, secs, track};
use telecine_engine::{Capabilities, Command, Config};
use telecine_model::{ErrorCode, MediaTime, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{ModelSink, Outcome, Session};

/// A session over a comfortable line into a sink that holds so many bytes of each kind.
fn session(random_access: bool, bytes: u64) -> Session<SyntheticTitle> {
    let sink = ModelSink::new(Capabilities { random_access, max_bytes: Some(bytes), ..Capabilities::default() });
    Session::new(Config::default(), SyntheticTitle::new(secs(300)))
        .sink(sink)
        .network("rate=12Mbps,rtt=20ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8")
}

#[test]
fn a_sink_with_room_for_twelve_seconds_plays_without_a_stall() {
    // The best rendition takes 1.25 MB a segment of four seconds.
    for random_access in [false, true] {
        let mut session = session(random_access, 3_900_000);
        assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{random_access}");
        let best = session.source().requests().iter().filter(|path| path.starts_with("v2/") && path.ends_with("m4s"));
        assert!(best.count() > 60, "the best rendition fits three times");
    }
}

#[test]
fn what_was_played_makes_room_before_anything_waits() {
    let mut session = session(true, 3_900_000);
    session.run(Some(at(60_000)));
    let snapshot = session.engine().snapshot(session.now());
    let video = snapshot.streams.iter().find(|stream| stream.kind == TrackKind::Video).expect("a picture");
    assert!(video.buffered >= secs(4), "a segment ahead at least: {}", video.buffered);
}

#[test]
fn a_sink_with_room_for_a_segment_and_a_half_plays_without_a_stall_if_it_need_not_go_back() {
    let mut session = session(false, 1_900_000);
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
    let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
    assert_eq!((video.samples, video.gaps), (7500, 0));
    assert_eq!(audio.gaps, 0);
}

#[test]
fn a_segment_that_never_fits_gives_way_to_a_smaller_one() {
    let mut session = session(true, 700_000);
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    assert!(errors(&session).iter().all(|error| error.code() == ErrorCode::SinkFull));
    assert!(track(&session, TrackKind::Video).samples >= 7500, "every picture");
}

#[test]
fn durations_that_do_not_add_up_leave_no_holes() {
    for segment in [2_400, 4_480, 5_600] {
        let title =
            SyntheticTitle::new(secs(120)).segments_of(MediaTime::from_millis(segment)).durations_in_whole_seconds();
        let mut session = common::session(title, "main.m3u8");
        assert_eq!(session.run(None), Outcome::Ended);
        assert_eq!(errors(&session), [], "{segment}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{segment}");
        let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
        assert_eq!((video.samples, video.gaps), (3000, 0), "{segment}");
        assert_eq!((audio.samples, audio.gaps), (5625, 0), "{segment}");
    }
}

#[test]
fn seeks_into_durations_that_do_not_add_up_keep_sound_and_picture_together() {
    let title = SyntheticTitle::new(secs(120)).segments_of(MediaTime::from_millis(4_480)).durations_in_whole_seconds();
    let mut session = common::session(title, "main.m3u8")
        .at(at(5_000), Command::Seek(secs(90)))
        .at(at(15_000), Command::Seek(secs(30)));
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
    let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
    let apart = video.last_pts.expect("pictures").abs_diff(audio.last_pts.expect("sound"));
    assert!(apart < MediaTime::from_millis(60), "{apart}");
}

#[test]
fn parts_that_count_time_anew_follow_each_other_without_a_seam() {
    for file in ["main.m3u8", "main.mpd"] {
        let title = SyntheticTitle::new(secs(60)).part_at(4).part_at(9);
        let mut session = common::session(title, file);
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(errors(&session), [], "{file}");
        let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
        assert_eq!((video.samples, video.gaps), (1500, 0), "{file}");
        // Sound is cut at whole frames: at most one is doubled or missing at each of the two seams.
        assert!(audio.samples.abs_diff(2813) <= 2 && audio.gaps == 0, "{file}: {audio:?}");
    }
}

#[test]
fn a_part_without_sound_is_played_through() {
    for part in 0..3 {
        let title = SyntheticTitle::new(secs(60)).part_at(4).part_at(9).silent_part(part);
        let mut session = common::session(title, "main.mpd");
        assert_eq!(session.run(None), Outcome::Ended, "{part}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{part}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{part}");
    }
}
