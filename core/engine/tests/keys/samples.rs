//! Protected samples: keys of the application, ClearKey in software, a commercial key system.

use std::time::Duration;

use telecine_drm::session::CdmFailureKind;
use telecine_drm::testing::{CdmOperation, CdmScript, DoubleLicence, ScriptedCdm};
use telecine_engine::{Command, Config, DecisionKind, Engine, Event, KeySetup, StallCause};
use telecine_model::protection::{KeyId, KeyStatus, KeySystem};
use telecine_model::{Error, ErrorCode, Timestamp, TrackKind};
use telecine_virtual::testing::{SyntheticTitle, TitleProtection};
use telecine_virtual::{Failure, Fetched, Outcome, Response, Session};

use crate::common::{at, decisions, errors, overheard, secs, track};
use crate::world::{replays, start, start_over, with_server, with_widevine, Answer, Played, SharedCdm, World, SERVER};

const FILES: [&str; 2] = ["main.m3u8", "main.mpd"];

pub(crate) fn title(seconds: i64, protection: TitleProtection) -> SyntheticTitle {
    SyntheticTitle::new(secs(seconds)).without_text().protected(protection)
}

pub(crate) fn widevine() -> TitleProtection {
    TitleProtection { systems: vec![KeySystem::Widevine], ..TitleProtection::default() }
}

fn all_keys(title: &SyntheticTitle) -> KeySetup {
    let mut setup = KeySetup::default();
    for rendition in ["v0", "v1", "v2", "a0"] {
        for number in 0..title.segment_count() {
            let (kid, key) = title.key_of(rendition, number);
            setup.give(kid, key);
        }
    }
    setup
}

/// Every key of a title, as the double of a key system is granted them.
pub(crate) fn every(title: &SyntheticTitle, status: impl Fn(&str) -> KeyStatus) -> DoubleLicence {
    let mut keys: Vec<(KeyId, KeyStatus)> = Vec::new();
    for rendition in ["v0", "v1", "v2", "a0"] {
        for number in 0..title.segment_count() {
            keys.push((title.key_of(rendition, number).0, status(rendition)));
        }
    }
    keys.dedup();
    DoubleLicence { keys, ..DoubleLicence::default() }
}

/// Plays to the end without a gap; replays equal.
pub(crate) fn plays(mut played: Played) -> Played {
    let session = &mut played.session;
    let outcome = session.run(None);
    assert_eq!(outcome, Outcome::Ended, "{:?}", errors(session));
    for (kind, rendition) in [(TrackKind::Video, "v0"), (TrackKind::Audio, "a0")] {
        let stats = track(session, kind);
        assert_eq!((stats.samples, stats.gaps), (session.source().title.sample_count(rendition), 0), "{kind:?}");
    }
    replays(session);
    played
}

fn is_clear(played: &Played) {
    assert!(played.is_all(false), "the sink gets nothing that is encrypted");
}

fn fails(mut played: Played) -> (Error, Played) {
    let outcome = played.session.run(None);
    let Outcome::Failed(Some(error)) = outcome else { panic!("{outcome:?}: {:?}", errors(&played.session)) };
    replays(&mut played.session);
    (error, played)
}

#[test]
fn keys_of_the_application_are_enough() {
    for file in FILES {
        for protection in [TitleProtection::default(), widevine()] {
            let title = title(30, protection);
            let setup = all_keys(&title);
            let played = plays(start(World::new(title), setup, file));
            is_clear(&played);
            let world = played.session.source();
            assert!(world.licences.is_empty() && world.key_files.is_empty(), "{file}: nobody is asked");
        }
    }
}

#[test]
fn key_files_of_samples_are_fetched() {
    let played = plays(start(World::new(title(30, TitleProtection::default())), KeySetup::default(), "main.m3u8"));
    is_clear(&played);
    assert!(played.session.source().key_files.len() >= 2, "{:?}", played.session.source().key_files);
}

#[test]
fn key_files_that_change_are_fetched() {
    for shared in [true, false] {
        let protection = TitleProtection { rotation: 2, shared, ..TitleProtection::default() };
        let played = plays(start(World::new(title(60, protection)), KeySetup::default(), "main.m3u8"));
        is_clear(&played);
        assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0);
    }
}

#[test]
fn the_licence_server_of_the_content_gives_clear_keys() {
    let protection = TitleProtection { licence_url: Some(SERVER.to_owned()), ..TitleProtection::default() };
    let played = plays(start(World::new(title(30, protection)), KeySetup::default(), "main.mpd"));
    is_clear(&played);
    assert!(!played.session.source().licences.is_empty());
}

#[test]
fn the_licence_server_of_the_application_is_asked_with_its_headers() {
    let played = plays(start(World::new(title(30, TitleProtection::default())), with_server(), "main.mpd"));
    is_clear(&played);
    for request in &played.session.source().licences {
        let licence = request.licence.as_ref().expect("what to post");
        let header = licence.headers.iter().find(|header| header.name == "Authorization").expect("the header");
        assert_eq!(header.value(), "Bearer verysecret42");
        assert!(licence.body.as_ref().expect("a body").expose().starts_with(b"{\"kids\":["));
    }
}

#[test]
fn a_clear_lead_plays_before_its_keys_are_there() {
    let protection = TitleProtection { clear_lead: 2, ..TitleProtection::default() };
    let world = World::new(title(40, protection)).after(6000);
    let played = plays(start(world, with_server(), "main.mpd"));
    is_clear(&played);
    let started = played.session.events().iter().find_map(|event| match event {
        Event::Started { at, .. } => Some(*at),
        _ => None,
    });
    assert!(started.expect("it started") < at(2000));
    assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0);
}

#[test]
fn media_waits_for_a_late_licence() {
    let world = World::new(title(30, TitleProtection::default())).after(5000);
    let played = plays(start(world, with_server(), "main.mpd"));
    is_clear(&played);
    assert!(played.session.now() > at(35_000));
}

#[test]
fn a_stall_for_want_of_keys_says_so() {
    let protection = TitleProtection { clear_lead: 2, ..TitleProtection::default() };
    let played = plays(start(World::new(title(40, protection)).after(15_000), with_server(), "main.mpd"));
    let causes: Vec<StallCause> = played
        .session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::StallStarted { cause, .. } => Some(*cause),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [StallCause::AwaitedKeys]);
}

#[test]
fn licences_are_no_measurements() {
    let config = Config::default();
    let (policies, told) = overheard(&config);
    let mut engine = Engine::with_policies(config, policies);
    engine.set_keys(with_server());
    let mut session = Session::with_engine(engine, World::new(title(40, TitleProtection::default())), Timestamp::ZERO)
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    let licences: Vec<u64> = session.source().licences.iter().map(|request| request.id.0).collect();
    let told = told.lock().expect("whole");
    assert!(!licences.is_empty() && !told.is_empty());
    assert!(!licences.iter().any(|id| told.contains_key(id)), "{licences:?} of {told:?}");
}

#[test]
fn a_rendition_whose_key_the_licence_lacks_is_left_out() {
    let title = title(40, TitleProtection::default());
    let without = vec![title.key_of("v2", 0).0, title.key_of("v1", 0).0];
    let world = World::new(title).answering([Answer::ClearKeys { without }]);
    let played = plays(start(world, with_server(), "main.mpd"));
    is_clear(&played);
    let lost: Vec<Option<String>> = decisions(&played.session, DecisionKind::Key).into_iter().map(|d| d.from).collect();
    assert!(lost.contains(&Some("v2".to_owned())) && lost.contains(&Some("v1".to_owned())), "{lost:?}");
    let requests = played.session.source().title.requests();
    assert!(!requests.iter().any(|path| path.starts_with("v2/") && path.ends_with(".m4s")), "{requests:?}");
}

#[test]
fn a_key_that_a_commercial_licence_lacks_is_named() {
    let title = title(40, widevine());
    let mut licence = every(&title, |_| KeyStatus::Usable);
    let lacking = title.key_of("v2", 0).0;
    licence.keys.retain(|(kid, _)| *kid != lacking);
    let mut played = start(World::new(title).answering([Answer::Double(licence)]), with_widevine(), "main.mpd");
    played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
    let played = plays(played);
    let errors = errors(&played.session);
    let error = errors.iter().find(|error| error.code() == ErrorCode::KeyNotInLicence).expect("it is said");
    assert_eq!(error.facts()["key"], lacking.to_string());
}

#[test]
fn without_any_key_the_error_says_why() {
    let status = |status| Answer::Raw(Response::new(status, SERVER, "").into());
    for (answer, code) in [
        (status(403), ErrorCode::NotEntitled),
        (status(404), ErrorCode::LicenceRefused),
        (status(503), ErrorCode::LicenceFailed),
        (Answer::Raw(Response::new(200, SERVER, "<html>").into()), ErrorCode::LicenceInvalid),
        (Answer::Raw(Response::new(200, SERVER, "{\"keys\":[]}").into()), ErrorCode::LicenceInvalid),
        (Answer::Raw(Failure::new(ErrorCode::DnsFailed, "no such name").into()), ErrorCode::LicenceFailed),
    ] {
        let world = World::new(title(30, TitleProtection::default())).answering([answer]);
        let (error, played) = fails(start(world, with_server(), "main.mpd"));
        assert_eq!(error.code(), code, "{error}");
        assert!(played.session.now() < at(40_000), "{}", played.session.now().as_secs_f64());
    }
}

#[test]
fn without_a_key_system_the_title_fails_at_once() {
    for file in FILES {
        let (error, played) = fails(start(World::new(title(30, widevine())), KeySetup::default(), file));
        assert_eq!(error.code(), ErrorCode::KeySystemUnavailable, "{file}: {error}");
        assert!(played.session.now() < at(1000), "{file}");
        let media = played.session.source().title.requests().iter().any(|path| path.ends_with(".m4s"));
        assert!(!media, "{file}: no media is fetched that cannot be played");
    }
}

#[test]
fn after_a_failure_the_player_plays_another_title() {
    let world = World::new(title(20, TitleProtection::default()))
        .answering([Answer::Raw(Response::new(403, SERVER, "").into()), Answer::ClearKeys { without: Vec::new() }]);
    let mut played = start(world, with_server(), "main.mpd");
    let load = Command::Load { url: "https://title.example/main.mpd".to_owned(), start: None };
    played.session = played.session.at(at(20_000), load).at(at(20_000), Command::Play);
    played.session.run(Some(at(19_000)));
    // Each rendition asked of its own; the first was refused.
    let mut played = played;
    assert_eq!(played.session.run(None), Outcome::Ended, "{:?}", errors(&played.session));
    replays(&mut played.session);
}

#[test]
fn a_commercial_key_system_gets_the_media_as_it_is() {
    for file in FILES {
        let title = title(30, widevine());
        let licence = every(&title, |_| KeyStatus::Usable);
        let world = World::new(title).answering([Answer::Double(licence)]);
        let mut played = start(world, with_widevine(), file);
        let cdm = SharedCdm::new(ScriptedCdm::new(CdmScript::default()));
        played.session = played.session.cdm(cdm.clone());
        let played = plays(played);
        assert!(played.is_all(true), "{file}: nothing is decrypted here");
        let chosen = decisions(&played.session, DecisionKind::KeySystem);
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].to.as_deref(), Some("com.widevine.alpha"));
    }
}

#[test]
fn a_restricted_rendition_leaves_the_ladder_and_comes_back() {
    let title = title(120, widevine());
    let (restricted, licence) = (title.key_of("v2", 0).0, every(&title, |_| KeyStatus::Usable));
    let world = World::new(title).answering([Answer::Double(licence)]);
    let mut played = start(world, with_widevine(), "main.mpd");
    let cdm = SharedCdm::new(ScriptedCdm::new(CdmScript::default()));
    played.session = played.session.cdm(cdm.clone());
    assert_eq!(played.session.run(Some(at(30_000))), Outcome::Until);
    // The display is unplugged.
    cdm.get().set_status(restricted, KeyStatus::OutputRestricted, at(30_000));
    assert_eq!(played.session.run(Some(at(60_000))), Outcome::Until);
    let shown = |played: &Played| {
        let mut qualities = played.session.events().iter().filter_map(|event| match event {
            Event::Quality { kind: TrackKind::Video, rendition, .. } => Some(rendition.clone()),
            _ => None,
        });
        qualities.next_back()
    };
    assert_eq!(shown(&played).as_deref(), Some("v1"));
    assert!(errors(&played.session).iter().any(|error| error.code() == ErrorCode::OutputRestricted));
    cdm.get().set_status(restricted, KeyStatus::Usable, at(60_000));
    assert_eq!(played.session.run(None), Outcome::Ended, "{:?}", errors(&played.session));
    assert_eq!(shown(&played).as_deref(), Some("v2"), "and is played again");
    replays(&mut played.session);
}

#[test]
fn what_is_restricted_from_the_start_is_never_fetched() {
    for status in [KeyStatus::OutputRestricted, KeyStatus::Expired, KeyStatus::InternalError] {
        let title = title(40, widevine());
        let licence = every(&title, |rendition| if rendition == "v2" { status } else { KeyStatus::Usable });
        let world = World::new(title).answering([Answer::Double(licence)]);
        let mut played = start(world, with_widevine(), "main.mpd");
        played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
        let played = plays(played);
        let requests = played.session.source().title.requests();
        assert!(requests.iter().any(|path| path.starts_with("v1/")), "{status}");
        assert_eq!(decisions(&played.session, DecisionKind::Key).len(), 1, "{status}");
    }
}

#[test]
fn failures_of_the_key_system_are_told_apart() {
    for (operation, kind, code) in [
        (CdmOperation::Access, CdmFailureKind::NotSupported, ErrorCode::KeySystemUnavailable),
        (CdmOperation::Create, CdmFailureKind::Internal, ErrorCode::CdmFailed),
        (CdmOperation::Generate, CdmFailureKind::InvalidData, ErrorCode::InitDataInvalid),
        (CdmOperation::Update, CdmFailureKind::InvalidData, ErrorCode::LicenceInvalid),
        (CdmOperation::Update, CdmFailureKind::Denied, ErrorCode::LicenceRefused),
    ] {
        let title = title(30, TitleProtection { shared: true, ..widevine() });
        let licence = every(&title, |_| KeyStatus::Usable);
        let mut cdm = ScriptedCdm::new(CdmScript::default());
        cdm.fail_next(operation, kind);
        let mut played = start(World::new(title).answering([Answer::Double(licence)]), with_widevine(), "main.mpd");
        played.session = played.session.cdm(cdm);
        let (error, _) = fails(played);
        assert_eq!(error.code(), code, "{operation:?} {kind:?}: {error}");
    }
}

#[test]
fn a_key_system_that_never_answers_ends_playback() {
    let title = title(30, widevine());
    let mut cdm = ScriptedCdm::new(CdmScript::default());
    cdm.hang_next(CdmOperation::Access);
    let mut played = start(World::new(title), with_widevine(), "main.mpd");
    played.session = played.session.cdm(cdm);
    let (error, played) = fails(played);
    assert_eq!(error.code(), ErrorCode::KeySystemUnavailable, "{error}");
    assert!(played.session.now() < at(60_000));
}

#[test]
fn keys_that_rotate_in_the_media_are_asked_for_as_they_appear() {
    let protection = TitleProtection { rotation: 3, in_band: true, shared: true, ..widevine() };
    let title = title(60, protection);
    let licence = every(&title, |_| KeyStatus::Usable);
    let mut played = start(World::new(title).answering([Answer::Double(licence)]), with_widevine(), "main.mpd");
    played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
    let played = plays(played);
    assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0);
}

#[test]
fn licences_of_key_tags_ahead_are_there_in_time() {
    let protection = TitleProtection { rotation: 3, shared: true, ..widevine() };
    let title = title(120, protection);
    let kid = |number| title.key_of("v0", number).0;
    let licences: Vec<Answer> =
        (0..10).map(|period| Answer::Double(DoubleLicence::usable(&[kid(period * 3)]))).collect();
    let world = World::new(title.clone()).answering(licences).after(3000);
    let mut played = start(world, with_widevine(), "main.m3u8");
    played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
    assert_eq!(played.session.run(Some(at(100_000))), Outcome::Until, "{:?}", errors(&played.session));
    assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0);
}

#[test]
fn seeks_and_switches_between_renditions_with_different_keys() {
    for file in FILES {
        let title = title(120, TitleProtection { rotation: 5, clear_lead: 1, ..TitleProtection::default() });
        let setup = if file == "main.mpd" { all_keys(&title) } else { KeySetup::default() };
        let mut played = start_over(World::new(title).after(400), setup, file, "rate=2Mbps,rtt=60ms,loss=1");
        played.session = played
            .session
            .at(at(10_000), Command::Seek(secs(90)))
            .at(at(20_000), Command::Seek(secs(20)))
            .at(at(45_000), Command::Seek(secs(70)));
        assert_eq!(played.session.run(None), Outcome::Ended, "{:?}", errors(&played.session));
        is_clear(&played);
        replays(&mut played.session);
    }
}

#[test]
fn a_rendition_whose_key_is_there_is_not_kept_waiting_by_one_whose_is_not() {
    let title = title(40, TitleProtection { systems: vec![KeySystem::Widevine], ..TitleProtection::default() });
    let low = ["v0", "a0"].map(|rendition| title.key_of(rendition, 0).0);
    let rest = every(&title, |_| KeyStatus::Usable);
    let mut world = World::new(title).answering([Answer::Double(rest)]);
    world.delay = Duration::from_millis(100);
    let mut played = start(world, with_widevine(), "main.mpd");
    let cdm = SharedCdm::new(ScriptedCdm::new(CdmScript::default()));
    played.session = played.session.cdm(cdm.clone());
    let played = plays(played);
    assert!(!low.is_empty() && played.session.now() < at(45_000));
}

/// The first request for a name among those for the title.
fn first_of(played: &Played, names: impl Fn(&str) -> bool) -> Option<usize> {
    played.session.source().title.requests().iter().position(|path| names(path))
}

#[test]
fn session_keys_are_asked_for_before_any_media() {
    fn announce(world: &World, text: String) -> String {
        // The key tag of a media playlist, in the form for the multivariant one.
        let mut title = world.title.clone();
        let Fetched::Response(media) = title.get("https://title.example/v0.m3u8") else { panic!("no playlist") };
        let media = String::from_utf8_lossy(&media.body).into_owned();
        let tag = media.lines().find(|line| line.starts_with("#EXT-X-KEY")).expect("it is protected");
        text.replacen("#EXTM3U", &format!("#EXTM3U\n{}", tag.replace("#EXT-X-KEY", "#EXT-X-SESSION-KEY")), 1)
    }
    let title = title(30, TitleProtection { shared: true, ..widevine() });
    let licence = every(&title, |_| KeyStatus::Usable);
    for ahead in [true, false] {
        let mut world = World::new(title.clone()).answering([Answer::Double(licence.clone())]);
        world.edit = ahead.then_some(announce);
        // The licence server needs as long as everything up to the first media does.
        let mut played = start(world.after(100), with_widevine(), "main.m3u8");
        played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
        let played = plays(played);
        let licences = &played.session.source().licences;
        assert_eq!(licences.len(), 1, "one session for all: what is announced is not asked for again");
        let media = played.session.source().media_before[0];
        assert_eq!(media == 0, ahead, "{media} segments were asked for before the licence");
    }
}

#[test]
fn a_rendition_that_the_output_cannot_protect_is_never_fetched() {
    use telecine_drm::system::HdcpVersion;
    fn demand(_: &World, text: String) -> String {
        // The largest demands HDCP 2.2, the next any, the smallest none.
        let mut levels = ["NONE", "TYPE-0", "TYPE-1"].into_iter();
        let lines = text.lines().map(|line| match line.strip_prefix("#EXT-X-STREAM-INF:") {
            Some(rest) => format!("#EXT-X-STREAM-INF:HDCP-LEVEL={},{rest}\n", levels.next().expect("three levels")),
            None => format!("{line}\n"),
        });
        lines.collect()
    }
    let title = title(40, widevine());
    for (hdcp, largest) in [(HdcpVersion::None, "v0"), (HdcpVersion::V1_4, "v1"), (HdcpVersion::V2_2, "v2")] {
        let licence = every(&title, |_| KeyStatus::Usable);
        let mut world = World::new(title.clone()).answering([Answer::Double(licence)]);
        world.edit = Some(demand);
        let mut setup = with_widevine();
        setup.device.systems[0].hdcp = Some(hdcp);
        let mut played = start(world, setup, "main.m3u8");
        played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
        let played = plays(played);
        let media = |name: &'static str| {
            first_of(&played, |path| path.starts_with(&format!("{name}/")) && path.ends_with(".m4s")).is_some()
        };
        let fetched: Vec<&str> = ["v0", "v1", "v2"].into_iter().filter(|name| media(name)).collect();
        assert_eq!(fetched.last(), Some(&largest), "HDCP {hdcp}: {fetched:?}");
        let told = decisions(&played.session, DecisionKind::Key);
        let wanted = if hdcp == HdcpVersion::V2_2 { 0 } else { 1 };
        assert!(told.len() >= wanted, "HDCP {hdcp}: {told:?}");
        assert!(told.iter().all(|decision| decision.why[0].contains("HDCP")), "{told:?}");
    }
}

#[test]
fn what_is_shown_smaller_than_it_is_gives_way_to_what_is_shown_as_it_is() {
    let title = title(60, widevine());
    let downscaled = |rendition: &str| match rendition {
        "v2" => KeyStatus::OutputDownscaled,
        _ => KeyStatus::Usable,
    };
    let world = World::new(title.clone()).answering([Answer::Double(every(&title, downscaled))]);
    let mut played = start(world, with_widevine(), "main.mpd");
    played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
    let played = plays(played);
    assert!(first_of(&played, |path| path.starts_with("v1/") && path.ends_with(".m4s")).is_some());
    let large = played.session.source().title.requests().iter().filter(|path| path.starts_with("v2/1")).count();
    assert_eq!(large, 0, "v1 shows as much for less");
    // If there is nothing else it plays nevertheless.
    let all =
        every(&title, |rendition| if rendition == "a0" { KeyStatus::Usable } else { KeyStatus::OutputDownscaled });
    let mut played = start(World::new(title).answering([Answer::Double(all)]), with_widevine(), "main.mpd");
    played.session = played.session.cdm(ScriptedCdm::new(CdmScript::default()));
    let played = plays(played);
    assert!(errors(&played.session).is_empty(), "{:?}", errors(&played.session));
}

#[test]
fn licences_of_the_next_period_are_there_before_it_begins() {
    fn other_keys(_: &World, text: String) -> String {
        // The second period has the keys that its segments have.
        let (first, second) = text.split_at(text.rfind("<Period").expect("two periods"));
        let second = second.replace("-111111111100\"", "-111111111101\"");
        format!("{first}{second}")
    }
    // Ten segments of 4 s; from the fifth on there is another key.
    let protection = TitleProtection { rotation: 5, shared: true, ..TitleProtection::default() };
    let title = SyntheticTitle::new(secs(40)).without_text().part_at(5).protected(protection);
    let mut world = World::new(title.clone()).after(3000);
    world.edit = Some(other_keys);
    let mut played = start(world, with_server(), "main.mpd");
    assert_eq!(played.session.run(Some(at(15_000))), Outcome::Until);
    assert!(played.session.source().licences.len() > 1, "the playhead is not at 20 s yet");
    let played = plays(played);
    is_clear(&played);
    let world = played.session.source();
    let limits = telecine_model::Limits::default();
    let asked = |number: usize| {
        let body = world.licences[number].licence.as_ref().and_then(|licence| licence.body.clone()).expect("a body");
        telecine_drm::system::clearkey::request_from_json(body.expose(), &limits).expect("valid").0
    };
    assert_eq!((asked(0), asked(1)), (vec![title.key_of("v0", 0).0], vec![title.key_of("v0", 5).0]));
    // It takes three seconds, once at the start and never again.
    assert_eq!(played.session.engine().qoe(played.session.now()).stalls, 0);
}
