//! Statuses of keys, and what they mean for renditions.

use super::*;
use telecine_drm::session::Judgement;
use telecine_model::protection::KeyStatus;
use telecine_model::ErrorCode;

/// A ladder of a small rendition under key 1 and a large one under key 2.
fn judge(world: &World) -> Judgement {
    world.sessions.judge([&names(&[1])[..], &names(&[2])])
}

fn with_statuses(one: KeyStatus, two: KeyStatus) -> World {
    let licence = DoubleLicence { keys: vec![(key(1), one), (key(2), two)], ..DoubleLicence::default() };
    let mut world = world(CdmScript::default(), licence);
    world.ask(&[1, 2]);
    world.run_for(seconds(1));
    world
}

#[test]
fn a_restricted_rendition_leaves_the_ladder_and_playback_goes_on_lower() {
    let world = with_statuses(KeyStatus::Usable, KeyStatus::OutputRestricted);
    let judgement = judge(&world);
    assert_eq!((judgement.playable, judgement.gone), (vec![0], vec![(1, ErrorCode::OutputRestricted)]));
    assert_eq!(judgement.error, None);
}

#[test]
fn it_is_an_error_only_when_nothing_is_left() {
    let world = with_statuses(KeyStatus::OutputRestricted, KeyStatus::OutputRestricted);
    let judgement = judge(&world);
    assert!(judgement.playable.is_empty());
    assert_eq!(judgement.error.map(|error| error.code()), Some(ErrorCode::OutputRestricted));
}

#[test]
fn a_rendition_comes_back_when_the_display_does() {
    let mut world = with_statuses(KeyStatus::Usable, KeyStatus::Usable);
    assert_eq!(judge(&world).playable, [0, 1]);
    world.cdm.set_status(key(2), KeyStatus::OutputRestricted, world.now);
    world.run_for(seconds(1));
    assert_eq!(judge(&world).playable, [0]);
    world.cdm.set_status(key(2), KeyStatus::Usable, world.now);
    world.run_for(seconds(1));
    assert_eq!(judge(&world).playable, [0, 1]);
    let changes = world.reports.iter().filter(|(_, report)| matches!(report, KeyReport::Statuses { .. })).count();
    assert_eq!(changes, 3, "each change is told");
}

#[test]
fn a_downscaled_rendition_is_played_only_if_there_is_no_other() {
    assert_eq!(judge(&with_statuses(KeyStatus::Usable, KeyStatus::OutputDownscaled)).playable, [0]);
    let both = judge(&with_statuses(KeyStatus::OutputDownscaled, KeyStatus::OutputDownscaled));
    assert_eq!((both.playable, both.error), (vec![0, 1], None));
}

#[test]
fn pending_and_future_keys_are_waited_for() {
    for status in [KeyStatus::StatusPending, KeyStatus::UsableInFuture] {
        let judgement = judge(&with_statuses(status, KeyStatus::OutputRestricted));
        assert_eq!((judgement.waiting, judgement.error), (vec![0], None), "{status}");
    }
}

#[test]
fn keys_of_no_use_take_their_renditions_with_them() {
    for (status, code) in [
        (KeyStatus::Expired, ErrorCode::LicenceExpired),
        (KeyStatus::Released, ErrorCode::LicenceExpired),
        (KeyStatus::InternalError, ErrorCode::CdmFailed),
    ] {
        let judgement = judge(&with_statuses(KeyStatus::Usable, status));
        assert_eq!((judgement.playable, judgement.gone), (vec![0], vec![(1, code)]), "{status}");
    }
}

#[test]
fn a_key_that_the_licence_leaves_out_takes_its_renditions_with_it() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.ask(&[1, 2]);
    world.run_for(seconds(1));
    let judgement = judge(&world);
    assert_eq!((judgement.playable, judgement.gone), (vec![0], vec![(1, ErrorCode::KeyNotInLicence)]));
}

#[test]
fn media_under_two_keys_need_both() {
    let world = with_statuses(KeyStatus::Usable, KeyStatus::OutputRestricted);
    assert_eq!(world.availability(&[1, 2]), Availability::Gone(ErrorCode::OutputRestricted));
    assert_eq!(world.availability(&[1, 3]), Availability::Unasked);
}

#[test]
fn the_better_status_counts_when_two_sessions_have_a_key() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER);
    let restricted = DoubleLicence { keys: vec![(key(1), KeyStatus::OutputRestricted)], ..DoubleLicence::default() };
    world.server.reply(SERVER, Reply::Licence(restricted)).reply(SERVER, Reply::Licence(usable(&[1, 2])));
    world.ask(&[1]);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::OutputRestricted));
    world.ask(&[1, 2]);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.sessions.statuses()[&names(&[1])[0]], KeyStatus::Usable);
}

#[test]
fn the_only_key_of_a_fairplay_session_goes_by_every_name_it_is_expected_under() {
    use telecine_model::protection::{Key, KeyMethod};
    let fairplay = SystemCapability {
        certificate: telecine_drm::system::CertificateUse::None,
        ..SystemCapability::new(KeySystem::FairPlay, "com.apple.fps")
    };
    let tag = Key {
        method: KeyMethod::SampleAes,
        uri: Some("skd://asset-1".to_owned()),
        iv: None,
        key_format: "com.apple.streamingkeydelivery".to_owned(),
        key_format_versions: "1".to_owned(),
    };
    let limits = Limits::default();
    let mut title = KeyRequirement::from_keys(&[tag], "https://a/", None, &limits).expect("protected");
    let wishes = DrmPreferences {
        systems: [(KeySystem::FairPlay, SystemPreference { licence_urls: vec![SERVER.into()], ..Default::default() })]
            .into(),
        ..DrmPreferences::default()
    };
    let need = Need { requirement: &title, kind: TrackKind::Video };
    let choice = choose(&[need], &DrmCapabilities { systems: vec![fairplay] }, &wishes).expect("a choice");
    // The key system reports the key under a name of its own.
    let mut world = world_with(CdmScript::default(), usable(&[9]), choice);
    world.sessions.require(&title, When::Now, world.now);
    world.run_for(seconds(1));
    assert_eq!(world.sessions.availability(&title.keys(KeySystem::FairPlay)), Availability::Playable);
    title.add_init(Some(Scheme::Cbcs), Some(key(1)), &[], &limits);
    world.sessions.require(&title, When::Now, world.now);
    world.run_for(seconds(1));
    assert_eq!((world.availability(&[1]), world.created()), (Availability::Playable, 1));
}
