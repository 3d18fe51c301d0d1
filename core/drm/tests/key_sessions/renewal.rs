//! Licences expire and are made new.

use super::*;
use telecine_drm::session::{CdmFailureKind, MessageKind};
use telecine_drm::system::Renewal;
use telecine_drm::testing::CdmOperation;
use telecine_model::protection::KeyStatus;
use telecine_model::ErrorCode;

fn playing(licence: DoubleLicence, style: Renewal) -> World {
    let choice = choice(vec![SystemCapability { renewal: style, ..capability() }], false);
    let mut world = world_with(CdmScript::default(), licence, choice);
    world.ask(&[1]);
    world.use_only(&[1]);
    world.run_for(seconds(1));
    world
}

/// Runs on and checks every second that the key stays usable.
fn without_a_gap(world: &mut World, span: u64) {
    for _ in 0..span {
        world.run_for(seconds(1));
        assert_eq!(world.availability(&[1]), Availability::Playable, "at {:?}", world.now);
    }
}

#[test]
fn a_licence_in_use_is_made_new_in_another_session_before_it_expires() {
    let mut world = playing(expiring(&[1], 600), Renewal::NewSession);
    without_a_gap(&mut world, 1800);
    let at = world.licence_requests();
    assert!((4..=5).contains(&at.len()), "{at:?}");
    for pair in at.windows(2) {
        // A minute ahead, and up to a quarter of a minute earlier.
        assert!((seconds(520)..=seconds(541)).contains(&pair[1].since(pair[0])), "{at:?}");
    }
    assert_eq!(world.cdm.open().len(), 1, "the old session is closed");
}

#[test]
fn a_licence_in_use_is_made_new_in_its_own_session_where_that_is_how_it_is_done() {
    let mut world = playing(expiring(&[1], 600), Renewal::SameSession);
    without_a_gap(&mut world, 1800);
    assert_eq!((world.created(), world.closed()), (1, 0));
    assert!(world.licence_requests().len() >= 4);
}

#[test]
fn a_key_system_that_renews_by_itself_is_left_to_it() {
    let licence = DoubleLicence { renewal_after: Some(seconds(300)), ..expiring(&[1], 600) };
    let mut world = playing(licence, Renewal::NewSession);
    without_a_gap(&mut world, 1000);
    assert_eq!(world.created(), 1);
    let kinds: Vec<_> = world.server.requests.iter().skip(1).map(|(_, request)| request.kind).collect();
    assert_eq!(kinds, [RequestKind::Message(MessageKind::LicenceRenewal); 3]);
}

#[test]
fn a_short_licence_is_made_new_when_half_of_it_has_passed() {
    let mut world = playing(expiring(&[1], 20), Renewal::NewSession);
    without_a_gap(&mut world, 60);
    let at = world.licence_requests();
    for pair in at.windows(2) {
        assert!((seconds(7)..=seconds(11)).contains(&pair[1].since(pair[0])), "{at:?}");
    }
}

#[test]
fn players_that_began_together_do_not_renew_together() {
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut world = Rig::new(ScriptedCdm::new(CdmScript::default()), SessionPolicy::default(), seed);
        world.server.reply(SERVER, Reply::Licence(expiring(&[1], 600)));
        world.sessions.start(choice(vec![capability()], false), world.now);
        world.ask(&[1]);
        world.use_only(&[1]);
        world.run_for(seconds(580));
        moments.insert(world.licence_requests()[1]);
    }
    assert!(moments.len() > 15, "{moments:?}");
    let (first, last) = (moments.first().expect("one"), moments.last().expect("one"));
    assert!(last.since(*first) > seconds(8) && last.since(*first) <= seconds(15));
}

#[test]
fn a_licence_that_nobody_uses_is_left_to_expire() {
    let mut world = world(CdmScript::default(), expiring(&[1], 600));
    world.ask(&[1]);
    world.run_for(seconds(1200));
    assert_eq!(world.licence_requests().len(), 1);
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceExpired));
}

#[test]
fn an_expired_licence_is_made_new_when_its_keys_are_needed_again() {
    let mut world = world(CdmScript::default(), expiring(&[1], 600));
    world.ask(&[1]);
    world.run_for(seconds(1200));
    world.ask(&[1]);
    assert_eq!(world.availability(&[1]), Availability::Waiting);
    world.run_for(seconds(1));
    assert_eq!((world.availability(&[1]), world.cdm.open().len()), (Availability::Playable, 1));
}

#[test]
fn while_renewal_fails_the_keys_stay_usable_and_it_is_tried_again() {
    let mut world = playing(expiring(&[1], 600), Renewal::NewSession);
    world.server.clear(SERVER).reply(SERVER, Reply::Status(403, None)).reply(SERVER, Reply::Status(403, None));
    world.server.reply(SERVER, Reply::Licence(expiring(&[1], 600)));
    without_a_gap(&mut world, 900);
    assert_eq!(world.licence_requests().len(), 4, "two refusals, then a licence");
    assert!(world.errors().iter().all(|error| error.code() == ErrorCode::NotEntitled));
}

#[test]
fn when_renewal_fails_to_the_end_the_error_says_that_the_licence_has_expired() {
    let mut world = playing(expiring(&[1], 600), Renewal::NewSession);
    world.server.clear(SERVER).reply(SERVER, Reply::Status(500, None));
    world.run_for(seconds(650));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceExpired));
    let requests = world.licence_requests().len();
    assert!(requests <= 21, "{requests}");
    // Who needs the key goes on asking for it; the server is not asked each time.
    for _ in 0..100 {
        world.ask(&[1]);
        world.run_for(Duration::from_millis(100));
    }
    assert!(world.licence_requests().len() <= requests + 8, "{}", world.licence_requests().len());
}

#[test]
fn a_failed_renewal_in_the_same_session_leaves_the_session_alone() {
    let mut world = playing(expiring(&[1], 600), Renewal::SameSession);
    world.cdm.fail_next(CdmOperation::Generate, CdmFailureKind::Internal);
    world.cdm.hang_next(CdmOperation::Generate);
    without_a_gap(&mut world, 700);
    assert_eq!((world.created(), world.closed()), (1, 0));
}

#[test]
fn a_licence_that_is_born_expired_is_not_asked_for_again_and_again() {
    let expired = DoubleLicence { keys: vec![(key(1), KeyStatus::Expired)], ..DoubleLicence::default() };
    let mut world = playing(expired, Renewal::NewSession);
    for _ in 0..100 {
        world.ask(&[1]);
        world.run_for(seconds(1));
    }
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceExpired));
    assert_eq!(world.licence_requests().len(), 1);
}

#[test]
fn a_renewal_that_is_born_expired_ends_the_renewals() {
    let mut world = playing(expiring(&[1], 60), Renewal::NewSession);
    let expired = DoubleLicence { keys: vec![(key(1), KeyStatus::Expired)], ..DoubleLicence::default() };
    world.server.clear(SERVER).reply(SERVER, Reply::Licence(expired));
    for _ in 0..300 {
        world.ask(&[1]);
        world.run_for(seconds(1));
    }
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceExpired));
    assert!(world.licence_requests().len() < 60, "{}", world.licence_requests().len());
}

#[test]
fn keys_that_expire_right_after_a_failed_renewal_are_not_asked_for_at_once() {
    let mut world = playing(expiring(&[1], 20), Renewal::NewSession);
    world.server.clear(SERVER).reply(SERVER, Reply::Status(403, None));
    world.run_for(seconds(24));
    let begun = world.licence_requests()[0];
    let after: Vec<_> = world.licence_requests()[1..].iter().map(|at| at.since(begun).as_secs()).collect();
    // Half of the licence's time, eight seconds later, and then not at the twentieth second.
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(after[1] < 19, "{after:?}");
}
