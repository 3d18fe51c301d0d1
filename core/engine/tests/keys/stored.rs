//! Licences that are stored on the device: kept, loaded, expired, destroyed.

use telecine_drm::session::{CdmCommand, SessionKind, StoredLicence};
use telecine_drm::system::SystemCapability;
use telecine_drm::testing::{CdmScript, DoubleLicence, ScriptedCdm};
use telecine_engine::{Command, Config, Engine, Event, KeySetup};
use telecine_model::protection::{KeyStatus, KeySystem};
use telecine_model::{ErrorCode, Handling, Timestamp, WallTime};
use telecine_virtual::testing::{SyntheticTitle, TitleProtection};
use telecine_virtual::{Failure, Outcome, Response, Session};

use crate::common::{at, decisions, errors};
use crate::samples::{every, plays, title, widevine};
use crate::world::{replays, start, with_widevine, Answer, Played, SharedCdm, World, SERVER};

const NOON: WallTime = WallTime::from_millis(1_700_000_000_000);

/// A device whose Widevine stores licences.
pub(crate) fn device() -> KeySetup {
    let mut setup = with_widevine();
    setup.device.systems[0].persistent = true;
    setup
}

/// One licence has all keys of it.
pub(crate) fn film() -> SyntheticTitle {
    title(20, TitleProtection { shared: true, ..widevine() })
}

pub(crate) fn record(name: &str, licence: &DoubleLicence) -> StoredLicence {
    StoredLicence {
        system: KeySystem::Widevine,
        name: name.to_owned(),
        key_ids: licence.keys.iter().map(|(kid, _)| *kid).collect(),
        expires: None,
        releasing: false,
    }
}

fn on_device(name: &str, licence: &DoubleLicence) -> SharedCdm {
    let mut cdm = ScriptedCdm::new(CdmScript::default());
    cdm.store(name, licence.clone());
    SharedCdm::new(cdm)
}

pub(crate) fn offline() -> Answer {
    Answer::Raw(Failure::new(ErrorCode::ConnectFailed, "no network").into())
}

pub(crate) fn with_cdm(mut played: Played, cdm: &SharedCdm) -> Played {
    played.session = played.session.cdm(cdm.clone()).wall_clock(NOON);
    played
}

pub(crate) fn stored(played: &Session<World>) -> Vec<StoredLicence> {
    let events = played.events().iter();
    events
        .filter_map(|event| match event {
            Event::LicenceStored { licence, .. } => Some(licence.clone()),
            _ => None,
        })
        .collect()
}

pub(crate) fn forgotten(played: &Session<World>) -> Vec<&str> {
    let events = played.events().iter();
    events
        .filter_map(|event| match event {
            Event::LicenceForgotten { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

pub(crate) fn released(played: &Session<World>) -> Vec<(&str, bool)> {
    let events = played.events().iter();
    events
        .filter_map(|event| match event {
            Event::LicenceReleased { name, acknowledged, .. } => Some((name.as_str(), *acknowledged)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_licence_that_was_stored_plays_the_title_again_without_a_server() {
    let licence =
        DoubleLicence { lifetime: Some(std::time::Duration::from_secs(3600)), ..every(&film(), |_| KeyStatus::Usable) };
    let mut setup = device();
    setup.preferences.persistent = true;
    let cdm = SharedCdm::new(ScriptedCdm::new(CdmScript::default()));
    let first = start(World::new(film()).answering([Answer::Double(licence.clone())]), setup, "main.mpd");
    let first = plays(with_cdm(first, &cdm));
    let kept = stored(&first.session).pop().expect("a licence was stored");
    assert!(kept.key_ids.contains(&licence.keys[0].0) && !kept.releasing);
    let left = kept.expires.expect("it expires").since(NOON).as_secs_f64();
    assert!((3600.0..3602.0).contains(&left), "{left}");
    assert!(cdm
        .get()
        .commands
        .iter()
        .any(|(_, command)| { matches!(command, CdmCommand::Create { kind: SessionKind::PersistentLicence, .. }) }));

    let mut setup = device();
    setup.stored_licence(kept.clone());
    let cdm = on_device(&kept.name, &licence);
    let again = start(World::new(film()).answering([offline()]), setup, "main.mpd");
    let again = plays(with_cdm(again, &cdm));
    assert!(again.session.source().licences.is_empty(), "nobody is asked");
    assert_eq!(errors(&again.session), []);
    let loads = |command: &CdmCommand| matches!(command, CdmCommand::Load { name, .. } if *name == kept.name);
    assert_eq!(cdm.get().commands.iter().filter(|(_, command)| loads(command)).count(), 1, "once for all renditions");
    assert!(cdm
        .get()
        .commands
        .iter()
        .any(|(_, command)| matches!(command, CdmCommand::Access { persistent: true, .. })));
}

#[test]
fn the_key_system_of_a_stored_licence_comes_first() {
    let protection =
        TitleProtection { systems: vec![KeySystem::PlayReady, KeySystem::Widevine], shared: true, ..widevine() };
    let title = title(20, protection);
    let licence = every(&title, |_| KeyStatus::Usable);
    let mut setup = device();
    setup.device.systems.insert(0, SystemCapability::new(KeySystem::PlayReady, "com.microsoft.playready"));
    setup.preferences.order = vec![KeySystem::PlayReady];
    setup.stored_licence(record("a", &licence));
    let played = start(World::new(title).answering([offline()]), setup, "main.mpd");
    let played = plays(with_cdm(played, &on_device("a", &licence)));
    let chosen = decisions(&played.session, telecine_engine::DecisionKind::KeySystem);
    assert_eq!(chosen[0].to.as_deref(), Some("com.widevine.alpha"));
    assert_eq!(chosen[0].why[0], "a stored licence of it has the keys");
}

#[test]
fn a_stored_licence_that_is_gone_or_expired_is_made_new() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    for (cdm, expires, code) in [
        (SharedCdm::new(ScriptedCdm::new(CdmScript::default())), None, ErrorCode::StoredLicenceMissing),
        (on_device("a", &licence), Some(NOON), ErrorCode::LicenceExpired),
        (on_device("a", &every(&film(), |_| KeyStatus::Expired)), None, ErrorCode::LicenceExpired),
    ] {
        let mut setup = device();
        setup.stored_licence(StoredLicence { expires, ..record("a", &licence) });
        let played = start(World::new(film()).answering([Answer::Double(licence.clone())]), setup, "main.mpd");
        let played = plays(with_cdm(played, &cdm));
        assert_eq!(played.session.source().licences.len(), 1, "{code:?}");
        let told = errors(&played.session);
        assert_eq!((told.len(), told[0].code(), told[0].is_fatal()), (1, code, false));
        let expected: &[&str] = if code == ErrorCode::StoredLicenceMissing { &["a"] } else { &[] };
        assert_eq!(forgotten(&played.session), expected);
    }
}

#[test]
fn a_licence_is_released_without_a_title_and_the_server_acknowledges_it() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    let cdm = on_device("a", &licence);
    let mut played = idle(device(), [Answer::Raw(Response::new(200, SERVER, "released").into())], &cdm);
    played.schedule(at(1000), Command::ReleaseLicence(record("a", &licence)));
    assert_eq!(played.run(Some(at(50_000))), Outcome::Until);
    assert_eq!((released(&played), forgotten(&played)), (vec![("a", true)], vec!["a"]));
    assert!(cdm.get().stored().is_empty() && cdm.get().open().is_empty());
    let posted = played.source().licences[0].licence.as_ref().and_then(|licence| licence.body.clone());
    let posted = posted.expect("the message of the key system");
    assert!(posted.expose().ends_with(b"license-release"), "{:?}", String::from_utf8_lossy(posted.expose()));
    assert_eq!(played.run(None), Outcome::Stopped);
    replays(&mut played);
}

/// A player that loads nothing before its last minute; recordings end there.
pub(crate) fn idle(setup: KeySetup, answers: impl IntoIterator<Item = Answer>, cdm: &SharedCdm) -> Session<World> {
    let mut config = Config::default();
    config.record = true;
    let mut engine = Engine::new(config);
    engine.set_keys(setup);
    let load = Command::Load { url: "https://title.example/main.mpd".to_owned(), start: None };
    Session::with_engine(engine, World::new(film()).answering(answers), Timestamp::ZERO)
        .cdm(cdm.clone())
        .at(at(60_000), load)
        .at(at(60_000), Command::Stop)
}

#[test]
fn a_release_that_the_server_does_not_hear_of_is_kept_and_made_good_later() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    let cdm = on_device("a", &licence);
    let mut played = idle(device(), [offline()], &cdm);
    played.schedule(at(1000), Command::ReleaseLicence(record("a", &licence)));
    played.run(None);
    let kept = stored(&played).pop().expect("it is to be kept");
    assert!(kept.releasing && released(&played).is_empty());
    let told = errors(&played);
    let last = told.last().expect("it is said");
    assert_eq!((last.code(), last.handling()), (ErrorCode::LicenceFailed, Handling::Skipped));
    assert!(told.iter().all(|error| !error.is_fatal()), "{told:?}");

    let mut online = idle(device(), [Answer::Raw(Response::new(200, SERVER, "released").into())], &cdm);
    online.schedule(at(1000), Command::ReleaseLicence(kept));
    online.run(None);
    assert_eq!((released(&online), forgotten(&online)), (vec![("a", true)], vec!["a"]));
}

#[test]
fn a_licence_that_is_being_destroyed_is_not_played_with() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    let mut setup = device();
    setup.stored_licence(StoredLicence { releasing: true, ..record("a", &licence) });
    let played = start(World::new(film()).answering([Answer::Double(licence.clone())]), setup, "main.mpd");
    let played = plays(with_cdm(played, &on_device("a", &licence)));
    assert_eq!(played.session.source().licences.len(), 1, "a new one is asked for");
}

#[test]
fn another_licence_is_released_while_a_title_plays_and_goes_on_when_that_is_stopped() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    let cdm = on_device("old", &DoubleLicence::usable(&[telecine_model::protection::KeyId([9; 16])]));
    let old = StoredLicence { key_ids: Vec::new(), ..record("old", &DoubleLicence::default()) };
    let released_late = Answer::Raw({
        let mut response = Response::new(200, SERVER, "released");
        response.delay = std::time::Duration::from_millis(500);
        response.into()
    });
    let world = World::new(film()).answering([Answer::Double(licence), released_late]);
    let mut played = with_cdm(start(world, device(), "main.mpd"), &cdm).session;
    // The answer is on its way when the title is stopped.
    played.schedule(at(5000), Command::ReleaseLicence(old));
    played.schedule(at(5300), Command::Stop);
    played.schedule(at(10_000), Command::SetRate(1000));
    played.run(None);
    assert_eq!(released(&played), [("old", true)], "{:?}", errors(&played));
    assert!(cdm.get().stored().is_empty());
    replays(&mut played);
}

#[test]
fn what_no_key_system_of_the_device_has_cannot_be_released_and_that_is_said() {
    let licence = every(&film(), |_| KeyStatus::Usable);
    let cdm = on_device("a", &licence);
    let mut played = idle(device(), [offline()], &cdm);
    let foreign = StoredLicence { system: KeySystem::PlayReady, ..record("a", &licence) };
    played.schedule(at(1000), Command::ReleaseLicence(foreign));
    played.run(None);
    let told = errors(&played);
    assert_eq!((told.len(), told[0].code()), (1, ErrorCode::KeySystemUnavailable));
    assert!(released(&played).is_empty() && cdm.get().commands.is_empty());
    replays(&mut played);
}

#[test]
fn a_licence_that_is_released_while_its_title_plays_is_asked_for_anew() {
    let film = title(60, TitleProtection { shared: true, ..widevine() });
    let licence = every(&film, |_| KeyStatus::Usable);
    let cdm = on_device("a", &licence);
    let mut setup = device();
    setup.stored_licence(record("a", &licence));
    let released_then_new =
        [Answer::Raw(Response::new(200, SERVER, "released").into()), Answer::Double(licence.clone())];
    let mut played = with_cdm(start(World::new(film).answering(released_then_new), setup, "main.mpd"), &cdm);
    played.session.schedule(at(10_000), Command::ReleaseLicence(record("a", &licence)));
    let played = plays(played);
    assert_eq!(released(&played.session), [("a", true)]);
    assert_eq!(played.session.source().licences.len(), 2, "the release, and a new licence");
    assert!(cdm.get().stored().is_empty(), "the new one is for this playback alone");
}
