//! Segments that are encrypted whole (HLS, AES-128 and AES-256).

use std::time::Duration;

use telecine_engine::{replay, Command, Config, DecisionKind, Engine, KeySetup, RequestClass};
use telecine_model::{ErrorCode, Timestamp, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{Failure, Fetched, Network, Outcome, Response, Session, Step};

use crate::common::{at, decisions, errors, overheard, secs, track};
use crate::sealed::Sealed;

fn session(title: Sealed) -> Session<Sealed> {
    let mut config = Config::default();
    config.record = true;
    session_with(Engine::new(config), title)
}

fn session_with(engine: Engine, title: Sealed) -> Session<Sealed> {
    Session::with_engine(engine, title, Timestamp::ZERO)
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8")
}

fn title(seconds: i64) -> Sealed {
    Sealed::new(SyntheticTitle::new(secs(seconds)).without_text())
}

/// Plays to the end, and the recording replays equal and holds neither key nor token.
fn plays(mut session: Session<Sealed>) -> Session<Sealed> {
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    for (kind, rendition) in [(TrackKind::Video, "v0"), (TrackKind::Audio, "a0")] {
        let stats = track(&session, kind);
        assert_eq!((stats.samples, stats.gaps), (session.source().title.sample_count(rendition), 0), "{kind:?}");
    }
    replays(&mut session);
    session
}

fn replays(session: &mut Session<Sealed>) {
    let recording = session.take_recording();
    let replayed = replay(&recording).expect("readable");
    assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
    assert_eq!(replayed.replayed_hash, session.engine().action_hash());
    let told = format!("{:?}", session.events());
    for secret in ["secret-key", "verysecret42", "%74%68%69%73", "this-is"] {
        assert!(!recording.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} was recorded");
        assert!(!told.contains(secret), "{secret} was told");
    }
}

#[test]
fn key_files_lists_and_initialisations_are_no_measurements() {
    let config = Config::default();
    let (policies, told) = overheard(&config);
    let mut title = title(60);
    title.rotation = 2;
    let mut session = session_with(Engine::with_policies(config, policies), title);
    assert_eq!(session.run(None), Outcome::Ended);
    let keys: Vec<u64> = session.source().key_requests.iter().map(|request| request.id.0).collect();
    let told = told.lock().expect("whole");
    assert!(keys.len() > 5, "{keys:?}");
    assert!(!keys.iter().any(|id| told.contains_key(id)), "{keys:?} of {told:?}");
    // Of all that was asked for only the segments of picture and sound were told, and of each how it ended.
    let requests = session.source().title.requests();
    let media = requests.iter().filter(|path| path.ends_with(".m4s")).count();
    assert!(requests.len() > media + 5, "there are lists and initialisations: {requests:?}");
    assert_eq!((told.len(), told.values().flatten().count()), (media, media));
}

#[test]
fn a_title_plays_with_the_sequence_number_for_a_vector() {
    let session = plays(session(title(60)));
    let requests = &session.source().key_requests;
    assert!(requests.iter().all(|request| request.class == RequestClass::Key));
    let mut urls: Vec<_> = requests.iter().map(|request| request.url.as_str()).collect();
    let count = urls.len();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), count, "each key file is fetched once");
}

#[test]
fn an_explicit_vector_and_an_encrypted_initialisation_section_play() {
    plays(session(Sealed { explicit_iv: true, seal_init: true, ..title(30) }));
    plays(session(Sealed { seal_init: true, ..title(30) }));
}

#[test]
fn what_is_fetched_again_when_the_network_rises_is_decrypted_as_it_should_be() {
    let step = |seconds: u64, kbps: u64| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second: kbps * 1000,
        latency: Duration::from_millis(40),
    };
    for sealed in [title(120), Sealed { seal_init: true, rotation: 2, ..title(120) }] {
        let network = Network::from_steps([step(40, 600), step(100_000, 8000)]).expect("a network");
        let session = plays(session(sealed).network(network));
        assert!(session.engine().qoe(session.now()).segments_replaced > 0);
        assert_eq!(errors(&session), []);
    }
}

#[test]
fn keys_of_256_bits_play() {
    plays(session(Sealed { long: true, ..title(30) }));
}

#[test]
fn sealed_segments_play_and_one_that_was_tampered_with_is_left_out() {
    plays(session(Sealed { long: true, gcm: true, ..title(30) }));
    plays(session(Sealed { long: true, gcm: true, seal_init: true, rotation: 2, ..title(30) }));
    // A bit of one rendition's segment is another one: nothing of it is played, and the others are.
    let sealed = Sealed { long: true, gcm: true, tampered: Some(("v2", 8)), ..title(60) };
    let session = plays(session(sealed));
    let told = errors(&session);
    assert!(told.iter().any(|error| error.code() == ErrorCode::DecryptFailed), "{told:?}");
    assert!(told.iter().all(|error| !error.is_fatal()), "{told:?}");
}

#[test]
fn encrypted_subtitles_are_read_whenever_their_key_comes() {
    for (long, gcm, delay) in [(false, false, 1), (false, false, 4000), (true, false, 1), (true, true, 4000)] {
        let mut sealed = Sealed { long, gcm, texts: true, shared: true, ..title(30) };
        sealed.title = SyntheticTitle::new(secs(30));
        let delay = Duration::from_millis(delay);
        let late = Response { delay, ..Response::new(200, "https://title.example/", sealed.key("all-0")) };
        sealed.key_faults.insert("all-0".to_owned(), (late.into(), 1));
        let mut config = Config::default();
        config.record = true;
        config.preferences.text_languages = vec!["en".to_owned()];
        let session = plays(session_with(Engine::new(config), sealed));
        let cues: Vec<_> = session.engine().cues().map(|(_, cue)| (cue.plain_text(), cue.start.as_millis())).collect();
        let expected = [0, 10, 20].map(|second| (format!("At second {second}"), second * 1000));
        assert_eq!(cues, expected);
        assert_eq!(track(&session, TrackKind::Text).samples, 3, "the sink gets them in clear");
        assert_eq!(errors(&session), []);
    }
}

#[test]
fn subtitles_without_their_key_are_left_out_and_the_title_plays() {
    let mut sealed = Sealed { texts: true, ..title(30) };
    sealed.title = SyntheticTitle::new(secs(30));
    sealed.key_faults.insert("t0-0".to_owned(), (Response::new(404, "https://title.example/", "").into(), u32::MAX));
    let mut config = Config::default();
    config.record = true;
    config.preferences.text_languages = vec!["en".to_owned()];
    let session = plays(session_with(Engine::new(config), sealed));
    assert_eq!(session.engine().cues().count(), 0);
    let told = errors(&session);
    assert!(!told.is_empty() && told.iter().all(|error| !error.is_fatal()), "{told:?}");
}

#[test]
fn keys_in_the_playlist_itself_play() {
    plays(session(Sealed { inline: true, ..title(30) }));
}

#[test]
fn a_key_that_sound_and_picture_share_is_fetched_once() {
    let session = plays(session(Sealed { shared: true, seal_init: true, ..title(30) }));
    assert_eq!(session.source().key_requests.len(), 1);
}

#[test]
fn keys_that_change_are_there_before_their_segments() {
    let slow = Response { delay: Duration::from_millis(1500), ..Response::new(200, "https://title.example/", vec![]) };
    let mut sealed = Sealed { rotation: 2, shared: true, ..title(60) };
    for period in 1..8 {
        let name = format!("all-{period}");
        let body = sealed.key(&name).into();
        sealed.key_faults.insert(name, (Response { body, ..slow.clone() }.into(), u32::MAX));
    }
    let session = plays(session(sealed));
    assert_eq!(session.source().key_requests.len(), 8);
    let stalls = session.engine().qoe(session.now()).stalls;
    assert_eq!(stalls, 0, "a slow key server is not noticed");
}

#[test]
fn a_key_that_comes_late_lets_everything_wait_and_then_play() {
    for delay in [1, 700, 5000] {
        let mut sealed = Sealed { shared: true, seal_init: true, ..title(30) };
        let delay = Duration::from_millis(delay);
        let late = Response { delay, ..Response::new(200, "https://title.example/", sealed.key("all-0")) };
        sealed.key_faults.insert("all-0".to_owned(), (late.into(), 1));
        plays(session(sealed));
    }
}

#[test]
fn a_key_server_that_fails_now_and_then_is_asked_again() {
    let mut sealed = Sealed { shared: true, ..title(30) };
    let broken = Failure::new(ErrorCode::ConnectionLost, "it broke");
    sealed.key_faults.insert("all-0".to_owned(), (broken.into(), 2));
    let session = plays(session(sealed));
    assert_eq!(session.source().key_requests.len(), 3);
    assert!(!decisions(&session, DecisionKind::Retry).is_empty());
}

#[test]
fn a_rendition_without_its_key_is_left_out_and_the_others_play() {
    for fault in [
        Fetched::from(Response::new(404, "https://title.example/", "")),
        Response::new(403, "https://title.example/", "").into(),
        Response::new(200, "https://title.example/", "fifteen bytes..").into(),
        Response::new(200, "https://title.example/", "sixteen bytes...").into(),
        Failure::new(ErrorCode::ConnectFailed, "nobody there").into(),
    ] {
        let mut sealed = title(60);
        sealed.key_faults.insert("v2-0".to_owned(), (fault.clone(), u32::MAX));
        let session = plays(session(sealed));
        let left = decisions(&session, DecisionKind::Key);
        assert_eq!(left.len(), 1, "{fault:?}: {left:?}");
        assert!(session.source().title.requests().iter().any(|path| path.starts_with("v1/")), "{fault:?}");
    }
}

#[test]
fn what_keeps_every_key_away_ends_playback_with_its_own_error() {
    let status = |status| Fetched::from(Response::new(status, "https://title.example/", ""));
    for (fault, code) in [
        (status(404), ErrorCode::KeyUnavailable),
        (status(500), ErrorCode::KeyUnavailable),
        (status(403), ErrorCode::NotEntitled),
        (status(451), ErrorCode::GeoBlocked),
        (Response::new(200, "https://title.example/", "short").into(), ErrorCode::KeyUnavailable),
        (Response::new(200, "https://title.example/", "sixteen bytes...").into(), ErrorCode::DecryptFailed),
        (Failure::new(ErrorCode::ConnectFailed, "nobody there").into(), ErrorCode::KeyUnavailable),
    ] {
        let mut sealed = Sealed { shared: true, ..title(30) };
        sealed.key_faults.insert("all-0".to_owned(), (fault.clone(), u32::MAX));
        let mut session = session(sealed);
        let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{fault:?} ended well") };
        assert_eq!(error.code(), code, "{fault:?}: {error}");
        if code == ErrorCode::DecryptFailed {
            // What is to be mended is the key, and not what could not be read with it.
            let named = error.facts().get("key").is_some_and(|key| key.contains("keys/all-0.bin"));
            assert!(named && !format!("{error:?}").contains("verysecret42"), "{error:?}");
        }
        assert!(session.now() < at(30_000), "{fault:?}: {}", session.now().as_secs_f64());
        replays(&mut session);
    }
}

#[test]
fn after_a_missing_key_another_title_plays() {
    let mut sealed = Sealed { shared: true, ..title(30) };
    let fault = Response::new(404, "https://title.example/", "");
    sealed.key_faults.insert("all-0".to_owned(), (fault.into(), 1));
    let again = Command::Load { url: "https://title.example/main.m3u8".to_owned(), start: None };
    let session = session(sealed).at(at(20_000), again).at(at(20_000), Command::Play);
    plays(session);
}

#[test]
fn seeks_switches_and_repeated_segments_take_the_right_keys() {
    let sealed = Sealed { rotation: 3, seal_init: true, ..title(120) };
    let mut sealed = Sealed { title: sealed.title.clone().fault_times("v1", 5, Fault::Truncated, 1), ..sealed };
    sealed.title = sealed.title.fault_times("v2", 20, Fault::Status(503), 1);
    let mut config = Config::default();
    config.record = true;
    let mut session = Session::new(config, sealed)
        .network("rate=2Mbps,rtt=60ms,loss=1".parse().expect("a network"))
        .play("https://title.example/main.m3u8")
        .at(at(10_000), Command::Seek(secs(90)))
        .at(at(20_000), Command::Seek(secs(20)))
        .at(at(40_000), Command::Seek(secs(70)));
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    replays(&mut session);
}

#[test]
fn a_key_of_the_application_is_taken_and_none_is_fetched() {
    let sealed = Sealed { shared: true, ..title(30) };
    let mut setup = KeySetup::default();
    setup.give_segment_key(sealed.key("all-0").into());
    let mut config = Config::default();
    config.record = true;
    let mut engine = Engine::new(config);
    engine.set_keys(setup);
    let session = plays(session_with(engine, sealed));
    assert!(session.source().key_requests.is_empty());
}
