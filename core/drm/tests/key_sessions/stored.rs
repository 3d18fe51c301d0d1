//! Licences that are stored: made, loaded, destroyed, expired.

use super::*;
use telecine_drm::session::{Cdm as _, CdmEvent, CdmFailureKind, CloseReason, KeyInput, SessionKind, StoredLicence};
use telecine_drm::system::{Certificate, CertificateUse};
use telecine_drm::testing::CdmOperation;
use telecine_model::{ErrorCode, WallTime};

fn offline(licence: DoubleLicence) -> World {
    let capability = SystemCapability { persistent: true, ..capability() };
    world_with(CdmScript::default(), licence, choice(vec![capability], true))
}

fn record(name: &str) -> StoredLicence {
    StoredLicence {
        system: KeySystem::Widevine,
        name: name.to_owned(),
        key_ids: vec![key(1)],
        expires: None,
        releasing: false,
    }
}

#[test]
fn a_licence_to_store_is_kept_with_its_keys_and_its_end() {
    let mut world = offline(expiring(&[1], 3600));
    let noon = WallTime::from_millis(1_700_000_000_000);
    world.sessions.handle(KeyInput::Wall(noon), world.now);
    world.ask(&[1]);
    world.run_for(seconds(1));
    assert!(matches!(world.cdm.commands[1].1, CdmCommand::Create { kind: SessionKind::PersistentLicence, .. }));
    let kept: Vec<_> = world.stored.values().collect();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].system, &kept[0].key_ids[..]), (KeySystem::Widevine, &[key(1)][..]));
    assert_eq!(world.cdm.stored(), [kept[0].name.as_str()]);
    let left = kept[0].expires.expect("an end").since(noon).as_secs_f64();
    assert!((3600.0..3601.0).contains(&left), "{left}");
    let json = serde_json::to_string(kept[0]).expect("it is kept as JSON, say");
    assert_eq!(&serde_json::from_str::<StoredLicence>(&json).expect("and read again"), kept[0]);
}

#[test]
fn a_stored_licence_is_loaded_without_any_request() {
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1]));
    world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
    // Loading it twice, or requiring its key, opens nothing more.
    world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
    world.ask(&[1]);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!((world.created(), world.server.requests.len()), (1, 0));
}

#[test]
fn a_stored_licence_that_is_gone_is_forgotten_and_made_new_if_the_content_is_known() {
    let mut world = offline(usable(&[1]));
    world.stored.insert("a".to_owned(), record("a"));
    world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert!(!world.stored.contains_key("a") && world.stored.len() == 1, "{:?}", world.stored);
    assert_eq!(world.errors()[0].code(), ErrorCode::StoredLicenceMissing);
    assert!(!world.errors()[0].is_fatal());
}

#[test]
fn a_stored_licence_that_is_gone_is_an_error_if_nothing_else_is_known() {
    let mut world = offline(usable(&[1]));
    world.sessions.load(&record("a"), None, world.now);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::StoredLicenceMissing));
}

#[test]
fn a_key_system_that_cannot_read_a_stored_licence_has_lost_it() {
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1])).fail_next(CdmOperation::Load, CdmFailureKind::InvalidData);
    world.sessions.load(&record("a"), None, world.now);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::StoredLicenceMissing));
}

#[test]
fn an_expired_licence_is_not_loaded() {
    let noon = WallTime::from_millis(1_700_000_000_000);
    let expired = StoredLicence { expires: Some(noon), ..record("a") };
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1]));
    world.sessions.handle(KeyInput::Wall(noon), world.now);
    world.sessions.load(&expired, None, world.now);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceExpired));
    assert_eq!(world.created(), 0);
}

#[test]
fn a_licence_that_turns_out_expired_when_it_is_loaded_is_made_new_if_the_content_is_known() {
    use telecine_model::protection::KeyStatus;
    let expired = DoubleLicence { keys: vec![(key(1), KeyStatus::Expired)], ..DoubleLicence::default() };
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", expired);
    world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.errors()[0].code(), ErrorCode::LicenceExpired);
}

#[test]
fn a_licence_of_another_key_system_is_made_new() {
    let mut world = offline(usable(&[1]));
    let foreign = StoredLicence { system: KeySystem::PlayReady, ..record("a") };
    world.sessions.load(&foreign, Some(&requirement(&[1])), world.now);
    world.run_for(seconds(2));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert!(!world.cdm.commands.iter().any(|(_, command)| matches!(command, CdmCommand::Load { .. })));
}

#[test]
fn a_licence_is_destroyed_and_the_server_told() {
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1]));
    world.stored.insert("a".to_owned(), record("a"));
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"released".to_vec()));
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(2));
    assert!(world.cdm.stored().is_empty() && world.stored.is_empty() && world.cdm.open().is_empty());
    let released = KeyReport::Released { name: "a".to_owned(), acknowledged: true };
    assert!(world.reports.iter().any(|(_, report)| *report == released));
}

#[test]
fn the_licence_of_an_open_session_is_destroyed_in_it() {
    let mut world = offline(usable(&[1]));
    world.ask(&[1]);
    world.run_for(seconds(1));
    let kept = world.stored.values().next().expect("a licence").clone();
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"released".to_vec()));
    world.sessions.release(&kept, world.now);
    world.run_for(seconds(2));
    assert!(world.cdm.stored().is_empty() && world.stored.is_empty());
    assert_eq!((world.created(), world.availability(&[1])), (1, Availability::Unasked));
}

#[test]
fn a_release_that_the_server_does_not_hear_of_is_kept_for_another_time() {
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1]));
    world.stored.insert("a".to_owned(), record("a"));
    world.server.clear(SERVER).reply(SERVER, Reply::Broken(ErrorCode::ConnectFailed));
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(30));
    assert!(world.stored["a"].releasing);
    // Online again.
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"released".to_vec()));
    let kept = world.stored["a"].clone();
    world.sessions.release(&kept, world.now);
    world.run_for(seconds(2));
    assert!(world.stored.is_empty());
}

#[test]
fn releasing_what_is_gone_is_no_error() {
    let mut world = offline(usable(&[1]));
    world.stored.insert("a".to_owned(), record("a"));
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(2));
    assert!(world.stored.is_empty() && world.errors().is_empty() && world.cdm.open().is_empty());
}

#[test]
fn a_release_that_ends_without_the_servers_word_is_kept_for_another_time() {
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1]));
    world.server.clear(SERVER).reply(SERVER, Reply::Silence);
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(1));
    world.cdm.lose(None, CloseReason::ClosedByApplication, world.now);
    world.run_for(seconds(1));
    assert!(world.stored["a"].releasing);
    let released = KeyReport::Released { name: "a".to_owned(), acknowledged: false };
    assert!(world.reports.iter().any(|(_, report)| *report == released));
}

#[test]
fn a_release_does_not_mind_whether_keys_or_the_news_of_the_loading_come_first() {
    use telecine_model::protection::KeyStatus;
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1])).hang_next(CdmOperation::Load);
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(1));
    let session = world.cdm.open()[0];
    let statuses = vec![(KeyRef::Kid(key(1)), KeyStatus::Usable)];
    world.cdm.send(CdmEvent::KeyStatuses { session, statuses }, world.now);
    world.cdm.send(CdmEvent::Loaded { session, found: true }, world.now);
    world.run_for(seconds(1));
    assert!(world.cdm.commands.iter().any(|(_, command)| matches!(command, CdmCommand::Remove { .. })));
}

#[test]
fn a_release_goes_on_when_the_title_ends_and_when_the_key_system_is_opened_anew() {
    for anew in [false, true] {
        let mut world = offline(usable(&[1]));
        world.cdm.store("a", usable(&[1]));
        world.stored.insert("a".to_owned(), record("a"));
        world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"released".to_vec()));
        world.ask(&[2]);
        world.sessions.release(&record("a"), world.now);
        world.sessions.stop(world.now);
        if anew {
            let capability = SystemCapability { persistent: true, ..capability() };
            world.sessions.start(choice(vec![capability], true), world.now);
        }
        world.run_for(seconds(2));
        assert!(world.cdm.stored().is_empty() && world.stored.is_empty(), "anew: {anew}");
        assert!(world.cdm.open().is_empty());
    }
}

#[test]
fn a_release_is_kept_for_another_time_if_another_key_system_is_opened() {
    let mut world = offline(usable(&[1]));
    world.cdm.store("a", usable(&[1]));
    world.sessions.release(&record("a"), world.now);
    let other = SystemCapability { system: KeySystem::PlayReady, ..capability() };
    world.sessions.start(choice(vec![other], false), world.now);
    world.run_for(seconds(2));
    assert!(world.stored["a"].releasing);
    assert_eq!(world.errors()[0].code(), ErrorCode::KeySystemUnavailable);
    assert!(!world.errors()[0].is_fatal() && world.cdm.stored() == ["a"]);
}

/// A device whose key system has the licence, and whose service acknowledges a release.
fn releasing(script: CdmScript, edit: impl Fn(&mut Choice)) -> World {
    let capability = SystemCapability { persistent: true, ..capability() };
    let mut choice = choice(vec![capability], true);
    edit(&mut choice);
    let mut world = world_with(script, usable(&[1]), choice);
    world.cdm.store("a", usable(&[1]));
    world.stored.insert("a".to_owned(), record("a"));
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"released".to_vec()));
    world
}

/// Releases that came to their end, and whether the server knows.
fn released(world: &World) -> Vec<(String, bool)> {
    let ends = world.reports.iter().filter_map(|(_, report)| match report {
        KeyReport::Released { name, acknowledged } => Some((name.clone(), *acknowledged)),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_release_keeps_the_certificate_on_its_way_when_the_title_ends() {
    const CERTIFICATE: &str = "https://licence.example/cert";
    let mut world = releasing(CdmScript::default(), |choice| {
        choice.plans[0].capability.certificate = CertificateUse::Required;
        choice.plans[0].certificate = Some(Certificate::Url(CERTIFICATE.into()));
    });
    world.server.reply(CERTIFICATE, Reply::Bytes(b"certificate".to_vec()));
    world.ask(&[2]);
    world.sessions.release(&record("a"), world.now);
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.server.requests.len(), 1, "the certificate is on its way");
    world.sessions.stop(world.now);
    world.run_for(seconds(2));
    assert!(world.cancelled.is_empty());
    assert_eq!(released(&world), [("a".to_owned(), true)]);
    assert_eq!(world.server.requests.len(), 2, "the certificate and the release, nothing for the title");
}

#[test]
fn a_title_that_ended_is_not_provisioned_for_once_the_last_release_is_through() {
    let url = "https://provision.example/";
    let script = CdmScript { provisioning_url: Some(url.into()), ..CdmScript::default() };
    let mut world = releasing(script, |_| {});
    world.server.reply(url, Reply::Silence);
    world.sessions.release(&record("a"), world.now);
    world.run_for(Duration::from_millis(50));
    // The release is on its way to the server as the title's session finds the device not provisioned.
    world.cdm.fail_next(CdmOperation::Create, CdmFailureKind::NotProvisioned);
    world.ask(&[2]);
    world.run_for(Duration::from_millis(50));
    let kinds: Vec<_> = world.server.requests.iter().map(|(_, request)| request.kind).collect();
    assert_eq!(kinds.last(), Some(&RequestKind::Provisioning));
    let asked = world.server.requests.last().expect("a request").1.id;
    world.sessions.stop(world.now);
    assert!(world.sessions.plan().is_some(), "the release goes on");
    world.run_for(seconds(60));
    assert_eq!(released(&world), [("a".to_owned(), true)]);
    assert_eq!((world.cancelled, world.server.requests.len()), (vec![asked], 2));
    assert!(world.sessions.plan().is_none() && world.sessions.deadline().is_none(), "the key system is left");
}

#[test]
fn a_release_fails_with_the_key_system_and_is_kept_for_another_time() {
    for before in [true, false] {
        let mut world = releasing(CdmScript::default(), |_| {});
        world.cdm.fail_next(CdmOperation::Access, CdmFailureKind::Denied);
        if before {
            world.sessions.release(&record("a"), world.now);
        }
        world.run_for(seconds(1));
        if !before {
            world.sessions.release(&record("a"), world.now);
        }
        world.run_for(seconds(1));
        assert!(!world.sessions.is_releasing("a"));
        assert!(world.stored["a"].releasing && released(&world).is_empty());
        let told = world.errors();
        let skipped = told.iter().find(|error| !error.is_fatal()).expect("it is said");
        assert_eq!(skipped.code(), ErrorCode::KeySystemUnavailable);
        assert_eq!(skipped.facts().get("licence").map(String::as_str), Some("a"));
    }
}

#[test]
fn a_licence_is_destroyed_once_however_often_that_is_asked_for() {
    let mut world = releasing(CdmScript::default(), |_| {});
    for _ in 0..3 {
        world.sessions.release(&record("a"), world.now);
        world.run_for(Duration::from_millis(15));
    }
    world.run_for(seconds(2));
    assert_eq!((released(&world), world.created()), (vec![("a".to_owned(), true)], 1));
}

#[test]
fn a_release_that_is_taken_back_says_nothing_and_can_be_begun_anew() {
    // At each step on the way.
    for millis in [0, 5, 15, 25, 35, 45, 100] {
        let mut world = releasing(CdmScript::default(), |_| {});
        world.sessions.release(&record("a"), world.now);
        world.run_for(Duration::from_millis(millis));
        assert_eq!(world.sessions.take_releases(world.now), [record("a")], "{millis}");
        assert!(!world.sessions.is_releasing("a"));
        let other = SystemCapability { system: KeySystem::PlayReady, persistent: true, ..capability() };
        world.sessions.start(choice(vec![other], true), world.now);
        world.run_for(seconds(30));
        assert_eq!((released(&world), world.errors()), (Vec::new(), Vec::new()), "{millis}");
        assert!(world.cdm.open().is_empty() && world.stored.contains_key("a"), "{millis}");
        let own = SystemCapability { persistent: true, ..capability() };
        world.sessions.start(choice(vec![own], true), world.now);
        world.sessions.release(&record("a"), world.now);
        world.run_for(seconds(2));
        assert_eq!(released(&world), [("a".to_owned(), true)], "{millis}");
        assert!(world.stored.is_empty() && world.cdm.stored().is_empty() && world.cdm.open().is_empty(), "{millis}");
    }
}

#[test]
fn a_release_whose_session_the_device_loses_is_begun_once_more() {
    for reason in [CloseReason::HardwareContextReset, CloseReason::ResourceEvicted] {
        let mut world = releasing(CdmScript::default(), |_| {});
        world.cdm.hang_next(CdmOperation::Load);
        world.sessions.release(&record("a"), world.now);
        world.run_for(seconds(1));
        world.cdm.lose(None, reason, world.now);
        world.run_for(seconds(2));
        assert_eq!(released(&world), [("a".to_owned(), true)], "{reason:?}");
        assert!(world.errors().is_empty() && world.cdm.stored().is_empty(), "{reason:?}");
    }
}

#[test]
fn a_release_whose_session_is_closed_too_early_is_an_error_and_kept_for_another_time() {
    let mut world = releasing(CdmScript::default(), |_| {});
    world.cdm.hang_next(CdmOperation::Load);
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(1));
    world.cdm.lose(None, CloseReason::ClosedByApplication, world.now);
    world.run_for(seconds(2));
    assert!(world.stored["a"].releasing && released(&world).is_empty() && !world.sessions.is_releasing("a"));
    let told = world.errors();
    assert_eq!((told.len(), told[0].code(), told[0].is_fatal()), (1, ErrorCode::CdmFailed, false));
}

#[test]
fn a_licence_whose_end_is_already_acknowledged_as_it_is_loaded_is_released() {
    let mut world = releasing(CdmScript::default(), |_| {});
    world.cdm.hang_next(CdmOperation::Load);
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(1));
    world.cdm.lose(None, CloseReason::ReleaseAcknowledged, world.now);
    world.run_for(seconds(1));
    assert_eq!(released(&world), [("a".to_owned(), true)]);
    assert!(world.stored.is_empty() && world.errors().is_empty());
}

#[test]
fn a_release_that_has_failed_is_not_tried_again_when_the_key_system_is_opened_anew() {
    let mut world = releasing(CdmScript::default(), |_| {});
    world.cdm.fail_next(CdmOperation::Load, CdmFailureKind::Internal).hang_next(CdmOperation::Close);
    world.sessions.release(&record("a"), world.now);
    world.run_for(seconds(1));
    assert_eq!(world.errors().len(), 1);
    let capability = SystemCapability { persistent: true, ..capability() };
    world.sessions.start(choice(vec![capability], true), world.now);
    world.run_for(seconds(2));
    assert!(world.stored["a"].releasing && released(&world).is_empty());
    assert_eq!(world.errors().len(), 1);
}

fn loads(world: &World) -> usize {
    world.cdm.commands.iter().filter(|(_, command)| matches!(command, CdmCommand::Load { .. })).count()
}

#[test]
fn a_licence_that_is_released_while_it_is_loaded_is_destroyed_in_the_session_that_loads_it() {
    // At each step on the way: queued, being created, loading, loaded without keys yet, with keys.
    for millis in [0, 5, 15, 25, 35, 45] {
        let mut world = releasing(CdmScript::default(), |_| {});
        if millis == 35 {
            // The keys are a step behind the news of the loading.
            world.cdm.hang_next(CdmOperation::Load);
        }
        world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
        world.run_for(Duration::from_millis(millis));
        if millis == 35 {
            let session = world.cdm.open()[0];
            world.cdm.send(CdmEvent::Loaded { session, found: true }, world.now);
            world.run_for(Duration::from_millis(1));
        }
        world.sessions.release(&record("a"), world.now);
        assert!(world.sessions.is_releasing("a"), "{millis}");
        assert_eq!(world.availability(&[1]), Availability::Unasked, "{millis}: its keys are on no way to playback");
        world.run_for(seconds(2));
        let removed = world.cdm.commands.iter().filter(|(_, command)| matches!(command, CdmCommand::Remove { .. }));
        assert_eq!((world.created(), loads(&world), removed.count()), (1, 1, 1), "{millis}");
        assert!(world.errors().is_empty(), "{millis}: {:?}", world.errors());
        assert_eq!(released(&world), [("a".to_owned(), true)], "{millis}");
        assert!(world.stored.is_empty(), "{millis}");

        // And nothing wrong was learned of the room that the device has.
        world
            .server
            .clear(SERVER)
            .reply(SERVER, Reply::Licence(usable(&[2])))
            .reply(SERVER, Reply::Licence(usable(&[3])));
        world.ask(&[2]);
        world.ask(&[3]);
        world.run_for(seconds(2));
        assert_eq!(world.availability(&[2, 3]), Availability::Playable, "{millis}");
    }
}

#[test]
fn a_licence_that_is_released_while_it_is_granted_is_destroyed_once_it_is_there() {
    let mut world = offline(usable(&[1]));
    world
        .server
        .clear(SERVER)
        .reply(SERVER, Reply::Licence(usable(&[1])))
        .reply(SERVER, Reply::Bytes(b"released".to_vec()));
    world.ask(&[1]);
    // It has its name, and the server has been asked.
    world.run_for(Duration::from_millis(50));
    assert_eq!(world.licence_requests().len(), 1);
    let name = format!("stored-{}", world.cdm.open()[0].0);
    world.sessions.release(&record(&name), world.now);
    world.run_for(seconds(2));
    assert_eq!((released(&world), world.created(), loads(&world)), (vec![(name, true)], 1, 0));
    assert!(world.errors().is_empty() && world.cdm.stored().is_empty() && world.stored.is_empty());
    assert_eq!(world.availability(&[1]), Availability::Unasked);
}

#[test]
fn a_licence_that_is_being_destroyed_is_not_loaded_and_a_new_one_is_asked_for() {
    for millis in [0, 15, 25, 35, 60] {
        let mut world = releasing(CdmScript::default(), |_| {});
        world.cdm.script.latency = Duration::from_millis(10);
        world.sessions.release(&record("a"), world.now);
        world.run_for(Duration::from_millis(millis));
        world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
        world.run_for(seconds(2));
        assert_eq!((released(&world), loads(&world)), (vec![("a".to_owned(), true)], 1), "{millis}");
        let generated = |command: &CdmCommand| matches!(command, CdmCommand::GenerateRequest { .. });
        assert_eq!(world.cdm.commands.iter().filter(|(_, command)| generated(command)).count(), 1, "{millis}");
        let codes: Vec<_> = world.errors().iter().filter(|error| !error.is_fatal()).map(Error::code).collect();
        assert_eq!(codes, [ErrorCode::StoredLicenceMissing], "{millis}");
    }
}

#[test]
fn a_licence_is_not_loaded_again_before_the_session_that_has_it_is_closed() {
    for release in [false, true] {
        let mut world = releasing(CdmScript::default(), |_| {});
        world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
        world.run_for(seconds(1));
        assert_eq!(world.availability(&[1]), Availability::Playable);
        // It takes its time to close; the next title is quicker.
        world.cdm.script.latency = seconds(1);
        world.sessions.stop(world.now);
        world.drain();
        world.cdm.script.latency = Duration::from_millis(10);
        let own = SystemCapability { persistent: true, ..capability() };
        world.sessions.start(choice(vec![own], true), world.now);
        match release {
            true => world.sessions.release(&record("a"), world.now),
            false => world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now),
        }
        world.run_for(Duration::from_millis(900));
        assert_eq!(loads(&world), 1, "release: {release}");
        world.run_for(seconds(2));
        assert_eq!(loads(&world), 2, "release: {release}");
        assert!(world.errors().is_empty(), "release: {release}: {:?}", world.errors());
        let expected = if release { vec![("a".to_owned(), true)] } else { Vec::new() };
        assert_eq!(released(&world), expected);
        assert_eq!(world.availability(&[1]) == Availability::Playable, !release);
    }
}

#[test]
fn a_licence_of_another_key_system_is_another_whatever_its_name() {
    let mut world = releasing(CdmScript::default(), |_| {});
    world.sessions.load(&record("a"), Some(&requirement(&[1])), world.now);
    world.run_for(seconds(1));
    world.sessions.release(&StoredLicence { system: KeySystem::PlayReady, ..record("a") }, world.now);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!((released(&world), world.cdm.stored()), (Vec::new(), vec!["a"]));
    assert_eq!(world.errors().iter().map(Error::code).collect::<Vec<_>>(), [ErrorCode::KeySystemUnavailable]);
}

#[test]
fn the_licence_of_a_session_that_the_device_lost_is_destroyed_and_not_the_one_that_takes_its_place() {
    let mut world = offline(usable(&[1]));
    world.ask(&[1]);
    world.use_only(&[1]);
    world.run_for(seconds(1));
    let first = world.stored.values().next().expect("a licence").clone();
    world.server.latency = seconds(1);
    world.cdm.lose(None, CloseReason::HardwareContextReset, world.now);
    // Its successor is being created.
    world.run_for(Duration::from_millis(15));
    world.server.clear(SERVER).reply(SERVER, Reply::Bytes(b"released".to_vec()));
    world.server.reply(SERVER, Reply::Licence(usable(&[1])));
    world.cdm.script.latency = Duration::from_millis(10);
    world.sessions.release(&first, world.now);
    world.run_for(Duration::from_millis(20));
    assert_eq!(loads(&world), 1, "in a session of its own");
    assert_eq!(world.availability(&[1]), Availability::Waiting, "the title's goes on");
}

#[test]
fn the_double_rejects_a_second_loading_of_a_name_as_eme_does() {
    let mut cdm = ScriptedCdm::new(CdmScript { latency: Duration::ZERO, ..CdmScript::default() });
    cdm.store("a", usable(&[1]));
    let (mut now, mut quota) = (Timestamp::ZERO, Vec::new());
    let session = telecine_drm::session::SessionId;
    let kind = SessionKind::PersistentLicence;
    let load = |id| {
        [
            CdmCommand::Create { session: session(id), kind },
            CdmCommand::Load { session: session(id), name: "a".to_owned() },
        ]
    };
    let mut run = |cdm: &mut ScriptedCdm, commands: Vec<CdmCommand>, hear: bool| {
        now = now + Duration::from_millis(1);
        commands.into_iter().for_each(|command| cdm.execute(command, now));
        while let Some(event) = hear.then(|| cdm.poll(now)).flatten() {
            match event {
                CdmEvent::Failed { session, failure } if failure.kind == CdmFailureKind::Quota => quota.push(session.0),
                _ => {}
            }
        }
    };
    run(&mut cdm, load(1).to_vec(), true);
    run(&mut cdm, load(2).to_vec(), true);
    // Told to close is not closed.
    run(&mut cdm, vec![CdmCommand::Close { session: session(1) }], false);
    run(&mut cdm, load(3).to_vec(), true);
    run(&mut cdm, load(4).to_vec(), true);
    assert_eq!(quota, [2, 3], "the fourth is the first again");
}
