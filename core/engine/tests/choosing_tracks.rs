//! Tracks by language and by choice; quality within constraints.

#![allow(clippy::expect_used)] // These are tests.

mod common;

use common::{at, decisions, errors, secs, session, session_with, track};
use telecine_engine::abr::Standing;
use telecine_engine::{Capabilities, Command, Config, Constraints, Decision, DecisionKind, Event, Preferences};
use telecine_model::{ErrorCode, MediaTime, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{ModelSink, Outcome, Session};

fn heights(session: &Session<SyntheticTitle>) -> Vec<u32> {
    let height = |event: &Event| match event {
        Event::Quality { kind: TrackKind::Video, height, .. } => *height,
        _ => None,
    };
    session.events().iter().filter_map(height).collect()
}

#[test]
fn the_picture_never_exceeds_the_constraints() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut config = Config::default();
        config.constraints = Constraints { max_height: Some(480), ..Constraints::default() };
        let mut session = session_with(config, SyntheticTitle::new(secs(60)), file, "rate=20Mbps,rtt=20ms");
        assert_eq!(session.run(None), Outcome::Ended);
        assert!(heights(&session).iter().all(|height| *height <= 480), "{file}");
        assert_eq!(heights(&session).last(), Some(&480));
        let capped = "higher levels are excluded by the greatest height allowed";
        let chosen = decisions(&session, DecisionKind::Bitrate);
        let of_the_top: Vec<_> = chosen.iter().filter(|d| d.why.iter().any(|why| why == capped)).collect();
        assert!(!of_the_top.is_empty(), "{file}: {chosen:?}");
        // What is below the top was free to choose.
        let top = &of_the_top[0].to;
        assert!(of_the_top.iter().all(|decision| decision.to == *top), "{file}: {of_the_top:?}");
    }
}

#[test]
fn the_choice_of_sound_says_what_was_measured_and_what_is_assumed() {
    let mut session = session(SyntheticTitle::new(secs(60)), "main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    let of_sound = |d: &&Decision| d.kind == Some(TrackKind::Audio);
    let first = decisions(&session, DecisionKind::Bitrate).iter().find(of_sound).expect("sound").why.join("; ");
    assert_eq!(first, "takes 128 kbit/s, within a tenth of the 1500 kbit/s that the network is assumed to carry");
}

#[test]
fn each_choice_is_explained_once_where_that_is_asked_for_though_it_changes_nothing() {
    let mut config = Config::default();
    config.explain_each_choice = true;
    config.fast_switch = false;
    let mut session = session_with(config, SyntheticTitle::new(secs(60)), "main.mpd", "rate=20Mbps,rtt=20ms");
    assert_eq!(session.run(None), Outcome::Ended);
    for kind in [TrackKind::Video, TrackKind::Audio] {
        let chosen = decisions(&session, DecisionKind::Bitrate);
        let chosen: Vec<_> = chosen.iter().filter(|decision| decision.kind == Some(kind)).collect();
        // Fifteen segments of four seconds, and what would follow the last: only then is it found that nothing does.
        let told: Vec<_> = chosen.iter().map(|d| (d.at, d.position, &d.from, &d.to)).collect();
        assert_eq!(chosen.len(), 16, "{told:?}");
        assert!(chosen.iter().any(|decision| decision.from == decision.to), "{kind:?}");
        for decision in chosen {
            let one = decision.candidates.iter().filter(|one| matches!(one.standing, Standing::Chosen { .. }));
            let one: Vec<_> = one.map(|one| Some(&one.rendition)).collect();
            assert_eq!(one, [decision.to.as_ref()], "{decision:?}");
        }
    }
}

#[test]
fn a_constraint_set_while_playing_holds_from_the_next_segment_on() {
    let limit = Command::SetConstraints(Constraints { max_height: Some(240), ..Constraints::default() });
    let mut session = session(SyntheticTitle::new(secs(120)), "main.mpd").at(at(10_000), limit);
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(heights(&session).last(), Some(&240));
    assert_eq!(track(&session, TrackKind::Video).gaps, 0);
}

#[test]
fn subtitles_are_fetched_when_their_language_is_asked_for() {
    for file in ["main.m3u8", "main.mpd"] {
        let mut config = Config::default();
        config.preferences = Preferences { text_languages: vec!["en".into()], ..Preferences::default() };
        let mut session = session_with(config, SyntheticTitle::new(secs(60)), file, "rate=8Mbps,rtt=20ms");
        assert_eq!(session.run(None), Outcome::Ended);
        assert!(track(&session, TrackKind::Text).samples > 0, "{file}");
        let mut without = common::session(SyntheticTitle::new(secs(60)), file);
        without.run(None);
        assert!(without.sink_ref().tracks().iter().all(|track| track.kind != TrackKind::Text));
    }
}

#[test]
fn sound_can_be_switched_off_and_the_picture_plays_on() {
    let mut session =
        session(SyntheticTitle::new(secs(60)), "main.mpd").at(at(10_000), Command::DisableKind(TrackKind::Audio));
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(track(&session, TrackKind::Video).samples, 1500);
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
}

#[test]
fn a_track_that_does_not_exist_is_a_usage_error_and_playback_goes_on() {
    let wrong = Command::SelectTrack { kind: TrackKind::Audio, id: "klingon".into() };
    let mut session = session(SyntheticTitle::new(secs(20)), "main.mpd").at(at(5_000), wrong);
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(errors(&session).iter().map(|e| e.code()).collect::<Vec<_>>(), [ErrorCode::InvalidArgument]);
}

#[test]
fn a_device_that_decodes_nothing_of_it_says_so() {
    let sink = ModelSink::new(Capabilities { codecs: vec!["hvc1".into()], ..Capabilities::default() });
    let mut session = session(SyntheticTitle::new(secs(20)), "main.mpd").sink(sink);
    let Outcome::Failed(Some(error)) = session.run(None) else { panic!("it cannot play") };
    assert_eq!(error.code(), ErrorCode::CodecUnsupported);
    assert!(error.message().contains("avc1") && error.message().contains("mp4a.40.2"), "{}", error.message());
}

#[test]
fn speed_changes_how_long_it_takes() {
    let mut session = session(SyntheticTitle::new(secs(60)), "main.mpd").at(at(0), Command::SetRate(2000));
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.now() < at(32_500), "{:?}", session.now());
    assert_eq!(track(&session, TrackKind::Video).last_pts, Some(MediaTime::from_millis(59_960)));
}

#[test]
fn pausing_holds_the_playhead_while_the_buffer_fills() {
    let mut session = session(SyntheticTitle::new(secs(120)), "main.mpd").at(at(5_000), Command::Pause);
    session.run(Some(at(60_000)));
    let paused = session.engine().snapshot(session.now());
    assert!(paused.position < secs(6));
    assert!(paused.streams.iter().all(|stream| stream.buffered >= secs(29)), "{:?}", paused.streams);
    session.schedule(at(61_000), Command::Play);
    assert_eq!(session.run(None), Outcome::Ended);
}

#[test]
fn stopping_releases_everything_and_a_new_title_can_follow() {
    let again = Command::Load { url: "https://title.example/main.mpd".into(), start: None };
    let mut session = session(SyntheticTitle::new(secs(30)), "main.m3u8").at(at(5_000), Command::Stop);
    assert_eq!(session.run(None), Outcome::Stopped);
    session.schedule(at(8_000), again);
    session.schedule(at(8_000), Command::Play);
    assert_eq!(session.run(None), Outcome::Ended);
}

#[test]
fn subtitles_may_be_switched_off_before_the_manifest_is_there() {
    let mut session =
        session(SyntheticTitle::new(secs(20)), "main.m3u8").at(at(0), Command::DisableKind(TrackKind::Text));
    assert_eq!(session.run(None), Outcome::Ended);
}

#[test]
fn a_title_after_one_that_ended_starts_afresh() {
    let mut session = session(SyntheticTitle::new(secs(20)), "main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    let again = session.now();
    session.schedule(again, Command::Load { url: "https://title.example/main.mpd".into(), start: None });
    session.schedule(again, Command::Play);
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.now().since(again).as_secs_f64() > 19.0, "played anew from its beginning");
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
}

#[test]
fn another_track_is_no_seek_of_the_viewer() {
    let french = Command::SelectTrack { kind: TrackKind::Audio, id: "audio:Français:fr".into() };
    let mut session = session(SyntheticTitle::new(secs(60)).languages(2), "main.m3u8").at(at(10_000), french);
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(session.engine().qoe(session.now()).seeks, 0);
    let sought = |event: &&Event| matches!(event, Event::SeekStarted { .. } | Event::SeekEnded { .. });
    assert_eq!(session.events().iter().find(sought), None);
    assert!(track_of(&session, "audio:Français:fr").samples > 2000);
}

#[test]
fn a_seek_right_behind_another_track_is_one_seek_and_fetches_no_picture_twice() {
    let french = Command::SelectTrack { kind: TrackKind::Audio, id: "audio:Français:fr".into() };
    let mut session = session(SyntheticTitle::new(secs(60)).languages(2), "main.m3u8")
        .at(at(10_000), french)
        .at(at(10_001), Command::Seek(secs(14)));
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(session.engine().qoe(session.now()).seeks, 1);
    let of = |wanted: fn(&Event) -> bool| session.events().iter().filter(|event| wanted(event)).count();
    assert_eq!(of(|event| matches!(event, Event::SeekStarted { .. })), 1);
    assert_eq!(of(|event| matches!(event, Event::SeekEnded { .. })), 1);
    let pictures = session.source().requests().iter().filter(|path| path.starts_with('v') && path.ends_with("m4s"));
    assert_eq!(pictures.count(), 15, "each segment once");
}

#[test]
fn a_refusal_of_what_was_switched_off_ends_nothing() {
    // The sound's playlist is asked for, switched off, and refused for legal reasons.
    let title = SyntheticTitle::new(secs(60)).languages(2);
    let mut session = session(title, "main.m3u8").at(at(100), Command::DisableKind(TrackKind::Audio));
    session.run(Some(at(90)));
    let asked = session.source().requests().iter().any(|path| path == "a0.m3u8");
    assert!(asked, "{:?}", session.source().requests());
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(session.engine().qoe(session.now()).requests_cancelled > 0);
}

fn track_of(session: &Session<SyntheticTitle>, id: &str) -> telecine_engine::TrackStats {
    session.sink_ref().tracks().into_iter().find(|track| track.id == id).expect("the track was played")
}
