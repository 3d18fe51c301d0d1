//! Releases of stored licences, of several key systems: one after another, each to its end, whatever plays meanwhile.

use std::time::Duration;

use proptest::prelude::*;
use telecine_drm::session::{CdmCommand, CdmFailureKind, StoredLicence};
use telecine_drm::system::{Certificate, CertificateUse, SystemCapability, SystemPreference};
use telecine_drm::testing::{CdmOperation, CdmScript, DoubleLicence, ScriptedCdm};
use telecine_engine::{Command, KeySetup};
use telecine_model::protection::{KeyId, KeyStatus, KeySystem};
use telecine_model::{ErrorCode, Handling};
use telecine_virtual::{Fetched, Outcome, Response, Session};

use crate::common::{at, errors};
use crate::samples::{every, plays};
use crate::stored::{device, film, forgotten, idle, offline, record, released, stored, with_cdm};
use crate::world::{replays, start, Answer, SharedCdm, World, SERVER};

const CERTIFICATE: &str = "https://licence.example/certificate";
const PROVISIONING: &str = "https://provision.example/";

/// A device whose Widevine and PlayReady store licences.
fn both() -> KeySetup {
    let mut setup = device();
    let playready = SystemCapability::new(KeySystem::PlayReady, "com.microsoft.playready");
    setup.device.systems.push(SystemCapability { persistent: true, ..playready });
    let wish = SystemPreference { licence_urls: vec![SERVER.into()], ..SystemPreference::default() };
    setup.preferences.systems.insert(KeySystem::PlayReady, wish);
    setup
}

/// A licence of another title.
fn old(system: KeySystem, name: &str) -> StoredLicence {
    StoredLicence { system, ..record(name, &DoubleLicence::default()) }
}

fn holding(names: &[&str]) -> SharedCdm {
    let mut cdm = ScriptedCdm::new(CdmScript::default());
    for name in names {
        cdm.store(name, DoubleLicence::usable(&[KeyId([9; 16])]));
    }
    SharedCdm::new(cdm)
}

fn answer(body: &str, millis: u64) -> Fetched {
    let mut response = Response::new(200, SERVER, body.to_owned());
    response.delay = Duration::from_millis(millis);
    response.into()
}

fn acknowledged() -> Answer {
    Answer::Raw(answer("released", 50))
}

/// Key systems in the order in which they were opened.
fn opened(cdm: &SharedCdm) -> Vec<KeySystem> {
    let system = |command: &CdmCommand| match command {
        CdmCommand::Access { system, .. } => Some(*system),
        _ => None,
    };
    cdm.get().commands.iter().filter_map(|(_, command)| system(command)).collect()
}

fn has(cdm: &SharedCdm, of: fn(&CdmCommand) -> bool) -> bool {
    cdm.get().commands.iter().any(|(_, command)| of(command))
}

fn granted() -> Answer {
    Answer::Double(every(&film(), |_| KeyStatus::Usable))
}

fn ended(session: &Session<World>, name: &str) -> usize {
    released(session).iter().filter(|(known, _)| *known == name).count()
}

#[test]
fn licences_of_two_key_systems_are_released_one_after_another() {
    let cdm = holding(&["a", "b", "c"]);
    let mut played = idle(both(), [acknowledged()], &cdm);
    let wanted = [(KeySystem::Widevine, "a"), (KeySystem::PlayReady, "b"), (KeySystem::Widevine, "c")];
    for (system, name) in wanted {
        played.schedule(at(1000), Command::ReleaseLicence(old(system, name)));
    }
    assert_eq!(played.run(Some(at(50_000))), Outcome::Until);
    assert_eq!(released(&played), [("a", true), ("b", true), ("c", true)], "{:?}", errors(&played));
    assert_eq!(forgotten(&played), ["a", "b", "c"]);
    assert_eq!((errors(&played), stored(&played)), (Vec::new(), Vec::new()));
    assert!(cdm.get().stored().is_empty() && cdm.get().open().is_empty());
    assert_eq!(opened(&cdm), wanted.map(|(system, _)| system));
    played.run(None);
    replays(&mut played);
}

#[test]
fn licences_of_one_key_system_are_released_with_one_opening_of_it_where_there_is_room_for_one_session() {
    let cdm = holding(&["a", "b", "c"]);
    cdm.get().script.max_sessions = Some(1);
    // Longer than a session would wait for room.
    let slow = Answer::Raw(answer("released", 12_000));
    let mut played = idle(device(), [slow], &cdm);
    for name in ["a", "b", "c", "a"] {
        played.schedule(at(1000), Command::ReleaseLicence(old(KeySystem::Widevine, name)));
    }
    played.run(Some(at(50_000)));
    assert_eq!(released(&played), [("a", true), ("b", true), ("c", true)]);
    assert_eq!((errors(&played), opened(&cdm).len()), (Vec::new(), 1));
}

#[test]
fn a_release_that_fails_is_told_by_its_name_and_the_next_begins() {
    // The server is away for the tries of the first.
    let mut answers = vec![offline(); 4];
    answers.push(acknowledged());
    let cdm = holding(&["a", "b", "c"]);
    let mut played = idle(both(), answers, &cdm);
    for (system, name) in [(KeySystem::Widevine, "a"), (KeySystem::FairPlay, "x"), (KeySystem::PlayReady, "b")] {
        played.schedule(at(1000), Command::ReleaseLicence(old(system, name)));
    }
    // And a key system that does not open.
    cdm.get().script.latency = Duration::from_millis(20);
    played.run(Some(at(40_000)));
    cdm.get().fail_next(CdmOperation::Access, CdmFailureKind::Denied);
    played.schedule(at(41_000), Command::ReleaseLicence(old(KeySystem::Widevine, "c")));
    played.run(Some(at(50_000)));
    assert_eq!(released(&played), [("b", true)]);
    let kept: Vec<_> = stored(&played).into_iter().map(|licence| (licence.name, licence.releasing)).collect();
    assert_eq!(kept, ["a", "x", "c"].map(|name| (name.to_owned(), true)));
    let skipped: Vec<_> = errors(&played).into_iter().filter(|error| error.handling() == Handling::Skipped).collect();
    let told: Vec<_> = skipped.iter().map(|error| (error.code(), error.facts()["licence"].as_str())).collect();
    let unavailable = ErrorCode::KeySystemUnavailable;
    assert_eq!(told, [(ErrorCode::LicenceFailed, "a"), (unavailable, "x"), (unavailable, "c")]);
    played.run(None);
    replays(&mut played);
}

#[test]
fn a_release_for_another_key_system_waits_for_the_end_of_the_title_and_those_for_its_own_go_on() {
    let cdm = holding(&["a", "b"]);
    let world = World::new(film()).answering([granted(), acknowledged()]);
    let mut played = with_cdm(start(world, both(), "main.mpd"), &cdm).session;
    played.schedule(at(5000), Command::ReleaseLicence(old(KeySystem::PlayReady, "b")));
    played.schedule(at(5000), Command::ReleaseLicence(old(KeySystem::Widevine, "a")));
    assert_eq!(played.run(Some(at(9999))), Outcome::Until);
    assert_eq!(released(&played), [("a", true)]);
    assert_eq!(opened(&cdm), [KeySystem::Widevine], "the title keeps its key system");
    played.schedule(at(10_000), Command::Stop);
    played.schedule(at(12_000), Command::SetRate(1000));
    assert_eq!(played.run(None), Outcome::Stopped);
    assert_eq!(released(&played), [("a", true), ("b", true)]);
    assert_eq!((opened(&cdm), errors(&played)), (vec![KeySystem::Widevine, KeySystem::PlayReady], Vec::new()));
    assert!(cdm.get().stored().is_empty());
    replays(&mut played);
}

#[test]
fn a_release_gives_way_to_a_title_of_another_key_system_and_is_done_after_it() {
    let cdm = holding(&["b", "c"]);
    // The first release is on its way to the server for long when the title asks for its keys.
    let slow = Answer::Raw(answer("released", 9000));
    let world = World::new(film()).answering([slow, granted(), acknowledged()]);
    let mut played = with_cdm(start(world, both(), "main.mpd"), &cdm);
    for name in ["b", "c"] {
        played.session.schedule(at(0), Command::ReleaseLicence(old(KeySystem::PlayReady, name)));
    }
    let mut played = plays(played).session;
    assert_eq!((released(&played), errors(&played)), (Vec::new(), Vec::new()), "they wait, and nothing is wrong");
    assert_eq!(opened(&cdm), [KeySystem::PlayReady, KeySystem::Widevine]);
    let now = played.now();
    played.schedule(now, Command::Stop);
    played.schedule(now + Duration::from_secs(5), Command::SetRate(1000));
    played.run(None);
    assert_eq!(released(&played), [("b", true), ("c", true)]);
    assert!(cdm.get().stored().is_empty() && cdm.get().open().is_empty());
}

#[test]
fn a_key_system_that_is_refused_after_a_release_gave_way_costs_the_title_nothing() {
    let cdm = holding(&["b"]);
    cdm.get().script.latency = Duration::from_millis(1500);
    cdm.get().fail_next(CdmOperation::Access, CdmFailureKind::Denied);
    let world = World::new(film()).answering([granted(), acknowledged()]);
    let mut played = with_cdm(start(world, both(), "main.mpd"), &cdm);
    played.session.schedule(at(0), Command::ReleaseLicence(old(KeySystem::PlayReady, "b")));
    // PlayReady answers while Widevine is being opened.
    let mut played = plays(played).session;
    assert_eq!((released(&played), errors(&played)), (Vec::new(), Vec::new()));
    assert_eq!(opened(&cdm), [KeySystem::PlayReady, KeySystem::Widevine]);
    let now = played.now();
    played.schedule(now, Command::Stop);
    played.schedule(now + Duration::from_secs(20), Command::SetRate(1000));
    played.run(None);
    assert_eq!((released(&played), errors(&played)), (vec![("b", true)], Vec::new()));
}

#[test]
fn a_key_system_that_is_refused_for_a_title_that_was_stopped_is_not_refused_for_the_next() {
    let cdm = holding(&[]);
    cdm.get().script.latency = Duration::from_millis(1500);
    cdm.get().fail_next(CdmOperation::Access, CdmFailureKind::Denied);
    let world = World::new(film()).answering([granted()]);
    let mut played = with_cdm(start(world, device(), "main.mpd"), &cdm);
    let url = "https://title.example/main.mpd".to_owned();
    for command in [Command::Stop, Command::Load { url, start: None }, Command::Play] {
        played.session.schedule(at(1000), command);
    }
    let played = plays(played).session;
    assert_eq!(opened(&cdm), [KeySystem::Widevine; 2]);
    assert_eq!(errors(&played), Vec::new());
}

#[test]
fn a_licence_that_is_released_while_its_title_loads_it_is_loaded_once_and_the_title_gets_another() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    // At each step of the key system: being opened, its session created, the licence loaded, keys there.
    for time in [500, 1500, 2500, 3500, 5000] {
        let cdm = holding(&[]);
        cdm.get().store("a", licence.clone());
        cdm.get().script.latency = Duration::from_millis(1000);
        let mut setup = device();
        setup.stored_licence(record("a", &licence));
        let world = World::new(film()).answering([Answer::Either(licence.clone())]);
        let mut played = with_cdm(start(world, setup, "main.mpd"), &cdm);
        played.session.schedule(at(time), Command::ReleaseLicence(record("a", &licence)));
        let played = plays(played).session;
        assert_eq!((released(&played), errors(&played)), (vec![("a", true)], Vec::new()), "{time}");
        let count = |of: fn(&CdmCommand) -> bool| cdm.get().commands.iter().filter(|(_, c)| of(c)).count();
        assert_eq!(count(|command| matches!(command, CdmCommand::Load { .. })), 1, "{time}");
        assert_eq!(count(|command| matches!(command, CdmCommand::GenerateRequest { .. })), 1, "{time}");
        assert!(cdm.get().stored().is_empty(), "{time}");
    }
}

#[test]
fn a_licence_that_is_to_be_released_is_not_played_with() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    let cdm = holding(&[]);
    cdm.get().store("a", licence.clone());
    let mut setup = device();
    setup.stored_licence(record("a", &licence));
    let world = World::new(film()).answering([Answer::Either(licence.clone())]);
    let mut played = with_cdm(start(world, setup, "main.mpd"), &cdm);
    played.session.schedule(at(0), Command::ReleaseLicence(record("a", &licence)));
    let played = plays(played).session;
    assert_eq!(ended(&played, "a"), 1);
    let loads = cdm.get().commands.iter().filter(|(_, c)| matches!(c, CdmCommand::Load { .. })).count();
    let removed = cdm.get().commands.iter().filter(|(_, c)| matches!(c, CdmCommand::Remove { .. })).count();
    assert_eq!(loads, removed, "it is loaded to be destroyed and for nothing else");
    assert!(has(&cdm, |command| matches!(command, CdmCommand::GenerateRequest { .. })), "a new one is asked for");
    assert!(cdm.get().stored().is_empty());
}

/// A title's key system with a certificate that is on its way for half a minute.
fn with_late_certificate(setup: &mut KeySetup, world: &mut World) {
    for capability in &mut setup.device.systems {
        capability.certificate = CertificateUse::Required;
    }
    for wish in setup.preferences.systems.values_mut() {
        wish.certificate = Some(Certificate::Url(CERTIFICATE.into()));
    }
    world.others.insert(CERTIFICATE, answer("certificate", 7000));
}

#[test]
fn no_request_for_a_certificate_outlives_the_title() {
    let (mut setup, mut world) = (device(), World::new(film()).answering([granted()]));
    with_late_certificate(&mut setup, &mut world);
    let cdm = holding(&[]);
    let mut played = with_cdm(start(world, setup, "main.mpd"), &cdm).session;
    played.schedule(at(3000), Command::Stop);
    played.run(Some(at(3000)));
    assert_eq!(played.source().asked, [CERTIFICATE]);
    let qoe = played.engine().qoe(played.now());
    assert!(qoe.requests_cancelled >= 1, "{qoe:?}");
    assert_eq!(played.engine().deadline(), None, "nothing is waited for");
    // A host whose network does not hear of it in time.
    played.schedule(at(30_000), Command::SetRate(1000));
    played.run(None);
    assert!(!has(&cdm, |command| matches!(command, CdmCommand::SetCertificate { .. })));
    assert_eq!((played.source().asked.len(), errors(&played)), (1, Vec::new()));
    replays(&mut played);
}

#[test]
fn no_request_for_provisioning_outlives_the_title() {
    let mut world = World::new(film()).answering([granted()]);
    world.others.insert(PROVISIONING, answer("provisioned", 7000));
    let cdm = holding(&[]);
    cdm.get().script.provisioned = false;
    cdm.get().script.provisioning_url = Some(PROVISIONING.into());
    let mut played = with_cdm(start(world, device(), "main.mpd"), &cdm).session;
    played.schedule(at(3000), Command::Stop);
    played.run(Some(at(3000)));
    assert_eq!(played.source().asked, [PROVISIONING]);
    assert!(played.engine().qoe(played.now()).requests_cancelled >= 1);
    assert_eq!(played.engine().deadline(), None, "nothing is waited for");
    played.schedule(at(30_000), Command::SetRate(1000));
    played.run(None);
    assert!(!has(&cdm, |command| matches!(command, CdmCommand::FinishProvisioning { .. })));
    assert_eq!((played.source().asked.len(), errors(&played)), (1, Vec::new()));
    replays(&mut played);
}

#[test]
fn a_release_keeps_the_certificate_that_it_needs_when_the_title_is_stopped() {
    let (mut setup, mut world) = (device(), World::new(film()).answering([acknowledged()]));
    with_late_certificate(&mut setup, &mut world);
    let cdm = holding(&["a"]);
    let mut played = with_cdm(start(world, setup, "main.mpd"), &cdm).session;
    played.schedule(at(2000), Command::ReleaseLicence(old(KeySystem::Widevine, "a")));
    played.schedule(at(3000), Command::Stop);
    played.schedule(at(30_000), Command::SetRate(1000));
    played.run(None);
    assert_eq!((released(&played), errors(&played)), (vec![("a", true)], Vec::new()));
    assert_eq!((played.source().asked.len(), played.source().licences.len()), (1, 1), "nothing for the title");
    replays(&mut played);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_loaded_and_stopped_meanwhile_each_release_comes_to_one_end(
        releases in prop::collection::vec((0_u64..6000, any::<bool>()), 1..6),
        commands in prop::collection::vec((0_u64..6000, any::<bool>()), 0..8),
        delay in 0_u64..600,
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let cdm = holding(&names);
        // What is no licence is taken for an acknowledgement, and the title for one that does not play.
        let world = World::new(film()).answering([Answer::Raw(answer("released", delay))]);
        let mut played = with_cdm(start(world, both(), "main.mpd"), &cdm).session;
        for ((time, widevine), name) in releases.iter().zip(names) {
            let system = if *widevine { KeySystem::Widevine } else { KeySystem::PlayReady };
            played.schedule(at(*time), Command::ReleaseLicence(old(system, name)));
        }
        for (time, load) in commands {
            let url = "https://title.example/main.mpd".to_owned();
            played.schedule(at(time), if load { Command::Load { url, start: None } } else { Command::Stop });
        }
        played.schedule(at(7000), Command::Stop);
        played.schedule(at(60_000), Command::SetRate(1000));
        played.run(None);
        for (_, name) in releases.iter().zip(names) {
            prop_assert_eq!(ended(&played, name), 1, "{}: {:?}", name, errors(&played));
            prop_assert!(!cdm.get().stored().contains(&name));
        }
        prop_assert!(stored(&played).iter().all(|licence| !licence.releasing), "none has failed");
        prop_assert!(cdm.get().open().is_empty());
        prop_assert_eq!(played.engine().deadline(), None);
        replays(&mut played);
    }
}
