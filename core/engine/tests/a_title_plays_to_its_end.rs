//! The main job: a title is played from its first sample to its last.

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
