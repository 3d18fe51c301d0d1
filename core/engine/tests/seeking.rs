//! Seeks: in and out of the buffer, while paused, to the end, one after another.

mod common;

use common::{at, decisions, errors, secs, session, states, track};
use telecine_engine::{Capabilities, Command, Config, DecisionKind, Event, State};
use telecine_model::rng::Rng;
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{ModelSink, Outcome};

const FILES: [&str; 2] = ["main.m3u8", "main.mpd"];

#[test]
fn a_seek_within_the_buffer_fetches_nothing_again() {
    for file in FILES {
        let mut session = session(SyntheticTitle::new(secs(60)), file).at(at(8_000), Command::Seek(secs(12)));
        assert_eq!(session.run(None), Outcome::Ended);
        let video =
            session.source().requests().iter().filter(|path| path.starts_with('v') && path.ends_with("m4s")).count();
        assert_eq!(video, 15, "{file}: each segment once");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500);
        assert_eq!(session.engine().qoe(session.now()).seeks, 1);
    }
}

#[test]
fn a_seek_beyond_the_buffer_starts_at_the_segment_of_its_target() {
    for file in FILES {
        let mut session = session(SyntheticTitle::new(secs(600)), file).at(at(5_000), Command::Seek(secs(401)));
        assert_eq!(session.run(None), Outcome::Ended);
        assert!(session.now() < at(5_000 + 199_000 + 2_000), "{file}: {:?}", session.now());
        let ended =
            session.events().iter().any(|e| matches!(e, Event::SeekEnded { position, .. } if *position == secs(401)));
        assert!(ended, "{file}");
        assert!(errors(&session).is_empty());
    }
}

#[test]
fn a_seek_while_paused_shows_the_target_and_stays_paused() {
    let mut session = session(SyntheticTitle::new(secs(60)), "main.mpd")
        .at(at(3_000), Command::Pause)
        .at(at(4_000), Command::Seek(secs(40)));
    session.run(Some(at(20_000)));
    let snapshot = session.engine().snapshot(session.now());
    assert_eq!((snapshot.state, snapshot.position), (State::Paused, secs(40)));
}

#[test]
fn a_seek_to_the_end_ends() {
    for file in FILES {
        let mut session = session(SyntheticTitle::new(secs(60)), file).at(at(5_000), Command::Seek(secs(9_999)));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert!(session.now() < at(8_000), "{file}: {:?}", session.now());
    }
}

#[test]
fn a_seek_to_the_end_shows_the_last_moment_and_ends_there_also_while_paused() {
    for file in FILES {
        for (paused, to) in [(false, 60_000), (true, 60_000), (true, 99_000)] {
            let mut session = session(SyntheticTitle::new(secs(60)), file);
            if paused {
                session.schedule(at(4_000), Command::Pause);
            }
            session.schedule(at(5_000), Command::Seek(MediaTime::from_millis(to)));
            assert_eq!(session.run(Some(at(9_000))), Outcome::Ended, "{file} {paused} {to}");
            let snapshot = session.engine().snapshot(session.now());
            assert_eq!((snapshot.state, snapshot.position), (State::Ended, secs(60)), "{file} {paused}");
            // There is something to see.
            let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
            assert_eq!(video.last_pts, Some(MediaTime::from_millis(59_960)), "{file} {paused}");
            assert!(audio.last_pts > Some(MediaTime::from_millis(59_900)), "{file} {paused}");
            let told = |event: &&Event| matches!(event, Event::SeekEnded { position, .. } if *position == secs(60));
            let ended = session.events().iter().filter(|event| matches!(event, Event::Ended { .. })).count();
            assert_eq!((session.events().iter().filter(told).count(), ended), (1, 1), "{file} {paused}");
            assert!(session.now() < at(7_000), "{file} {paused}: {:?}", session.now());
        }
    }
}

#[test]
fn a_start_behind_the_end_ends_at_once_and_says_why() {
    for file in FILES {
        let url = format!("https://title.example/{file}");
        let mut session = telecine_virtual::Session::new(Config::default(), SyntheticTitle::new(secs(60)))
            .at(at(0), Command::Load { url, start: Some(secs(9_999)) })
            .at(at(0), Command::Play);
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        let moved = decisions(&session, DecisionKind::Seek);
        assert_eq!(moved[0].why, ["the title ends at 60.000 s, before the start asked for"], "{file}");
        assert_eq!((moved[0].from.as_deref(), moved[0].to.as_deref()), (Some("9999.000 s"), Some("60.000 s")));
        let media = session.source().requests().iter().filter(|path| path.ends_with("m4s")).count();
        assert_eq!(media, 0, "{file}");
        // Where the manifest says how long the title is, nothing is chosen; in HLS a playlist has to be, to know it.
        let chosen = decisions(&session, DecisionKind::Bitrate);
        assert_eq!(chosen.len(), if file == "main.mpd" { 0 } else { 2 }, "{file}: {chosen:?}");
    }
}

#[test]
fn a_negative_target_is_the_beginning() {
    let mut session = session(SyntheticTitle::new(secs(20)), "main.mpd").at(at(5_000), Command::Seek(secs(-5)));
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(decisions(&session, DecisionKind::Seek)[0].to.as_deref() == Some("0.000 s"));
}

#[test]
fn a_storm_of_seeks_counts_as_one_and_ends_where_the_last_one_leads() {
    let mut session = session(SyntheticTitle::new(secs(600)), "main.m3u8");
    for i in 0..50 {
        session.schedule(at(5_000 + i * 20), Command::Seek(secs(100 + 37 * i as i64 % 400)));
    }
    session.schedule(at(6_000), Command::Seek(secs(590)));
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(session.engine().qoe(session.now()).seeks, 1);
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
}

/// Plays from each of many positions: the samples from the segment of the position on come exactly
/// once, wherever the sink keeps its media.
#[test]
fn from_any_position_every_sample_behind_it_comes_once() {
    let mut rng = Rng::new(7);
    for file in FILES {
        for random_access in [true, false] {
            for _ in 0..20 {
                let title = SyntheticTitle::new(secs(60));
                let target = MediaTime::from_millis(i64::try_from(rng.below(60_000)).expect("small"));
                let url = format!("https://title.example/{file}");
                let mut session = telecine_virtual::Session::new(Config::default(), title)
                    .sink(ModelSink::new(Capabilities { random_access, ..Capabilities::default() }))
                    .network("rate=8Mbps,rtt=40ms".parse().expect("valid"))
                    .at(at(0), Command::Load { url, start: Some(target) })
                    .at(at(0), Command::Play);
                assert_eq!(session.run(None), Outcome::Ended, "{file} {target}");
                let first = target.as_millis() / 4000 * 4000;
                let video = track(&session, TrackKind::Video);
                assert_eq!(video.samples, u64::try_from((60_000 - first) / 40).expect("positive"), "{file} {target}");
                assert_eq!(video.first_pts, Some(MediaTime::from_millis(first)));
                assert_eq!(video.last_pts, Some(MediaTime::from_millis(59_960)));
                assert_eq!((video.gaps, track(&session, TrackKind::Audio).gaps), (0, 0));
            }
        }
    }
}

#[test]
fn random_seeks_all_arrive_and_nothing_is_left_out() {
    for seed in 0..10 {
        let mut rng = Rng::new(seed);
        let mut session = session(SyntheticTitle::new(secs(120)), FILES[seed as usize % 2]);
        for i in 0..20 {
            let target = MediaTime::from_millis(i64::try_from(rng.below(115_000)).expect("small"));
            session.schedule(at(2_000 + i * 4_000 + rng.below(3_000)), Command::Seek(target));
        }
        session.schedule(at(90_000), Command::Seek(MediaTime::ZERO));
        assert_eq!(session.run(None), Outcome::Ended, "seed {seed}");
        let started = session.events().iter().filter(|e| matches!(e, Event::SeekStarted { .. })).count();
        assert_eq!(started, 21);
        assert_eq!(track(&session, TrackKind::Video).gaps, 0, "seed {seed}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "seed {seed}: {:?}", states(&session));
        assert!(errors(&session).is_empty());
    }
}

#[test]
fn a_start_just_before_a_segments_end_begins_with_that_segment() {
    for file in FILES {
        let url = format!("https://title.example/{file}");
        let target = MediaTime::from_millis(7_980);
        let mut session = telecine_virtual::Session::new(Config::default(), SyntheticTitle::new(secs(20)))
            .network("rate=8Mbps,rtt=40ms".parse().expect("valid"))
            .at(at(0), Command::Load { url, start: Some(target) })
            .at(at(0), Command::Play);
        assert_eq!(session.run(None), Outcome::Ended);
        assert_eq!(track(&session, TrackKind::Video).first_pts, Some(secs(4)), "{file}");
    }
}

#[test]
fn a_pause_during_a_seek_holds_the_sink_too() {
    let mut session = session(SyntheticTitle::new(secs(120)), "main.mpd")
        .at(at(5_000), Command::Seek(secs(80)))
        .at(at(5_010), Command::Pause);
    session.run(Some(at(30_000)));
    let snapshot = session.engine().snapshot(session.now());
    assert_eq!((snapshot.state, snapshot.position), (State::Paused, secs(80)));
    session.schedule(at(31_000), Command::Play);
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.now() > at(31_000 + 39_000), "the sink did not run on: {:?}", session.now());
}

#[test]
fn a_seek_back_after_everything_was_fetched_ends_without_a_stall() {
    for file in FILES {
        let mut session = session(SyntheticTitle::new(secs(60)), file)
            .at(at(3_000), Command::Seek(secs(45)))
            .at(at(8_000), Command::Seek(secs(28)))
            .at(at(9_000), Command::Seek(secs(50)));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{file}");
        assert!(session.now() < at(20_500), "{file}: {:?}", session.now());
    }
}
