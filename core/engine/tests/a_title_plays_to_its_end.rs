//! The main job: a title is played from its first sample to its last.

#![allow(clippy::expect_used)] // Helpers of tests are not tests to clippy.

use telecine_engine::{Config, Event, State};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Outcome, Session};

fn plays(file: &str) {
    let title = SyntheticTitle::new(MediaTime::from_secs(60));
    let (video, audio) = (title.sample_count("v0"), title.sample_count("a0"));
    let url = format!("https://title.example/{file}");
    let mut session =
        Session::new(Config::default(), title).network("rate=3Mbps,rtt=80ms".parse().expect("valid")).play(url);
    let outcome = session.run(None);
    assert_eq!(outcome, Outcome::Ended);
    assert!(session.events().iter().any(|e| matches!(e, Event::State { state: State::Playing, .. })));
    for track in session.sink_ref().tracks() {
        let held = if track.kind == TrackKind::Video { video } else { audio };
        assert_eq!((track.samples, track.gaps), (held, 0), "{:?}", track.kind);
        assert_eq!(track.first_pts, Some(MediaTime::ZERO));
    }
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
}

#[test]
fn over_hls() {
    plays("main.m3u8");
}

#[test]
fn over_dash() {
    plays("main.mpd");
}

#[test]
fn a_line_slower_than_assumed_does_not_make_the_viewer_wait_for_the_first_choice() {
    let title = SyntheticTitle::new(MediaTime::from_secs(60)).without_text();
    let mut session = Session::new(Config::default(), title)
        .network("rate=600kbps,rtt=80ms".parse().expect("valid"))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    let qoe = session.engine().qoe(session.now());
    let startup = qoe.startup.expect("it started");
    // The first choice, 1 Mbit/s for four seconds with its sound, would take eight seconds.
    assert!(startup.as_secs_f64() < 6.0, "{startup:?}");
    assert_eq!(qoe.stalls, 0);
}
