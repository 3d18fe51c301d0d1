//! Devices with room for few sessions.

use super::*;
use telecine_drm::session::CloseReason;
use telecine_model::ErrorCode;

fn all() -> DoubleLicence {
    usable(&[1, 2, 3, 4, 5, 6, 7, 8])
}

fn small(room: usize, known: bool) -> World {
    let script = CdmScript { max_sessions: Some(room), ..CdmScript::default() };
    let capability = SystemCapability { max_sessions: known.then_some(room), ..capability() };
    let mut world = world_with(script, all(), choice(vec![capability], false));
    // Licences of one key each, whatever the server's licence would grant.
    world.server.clear(SERVER);
    (1..=20).for_each(|_| {
        world.server.reply(SERVER, Reply::Licence(DoubleLicence::default()));
    });
    world
}

fn grant(world: &mut World, number: u8) {
    world.server.clear(SERVER).reply(SERVER, Reply::Licence(usable(&[number])));
    world.ask(&[number]);
    world.run_for(seconds(1));
}

#[test]
fn the_session_whose_need_lies_furthest_back_is_closed_first() {
    let mut world = small(2, true);
    grant(&mut world, 1);
    grant(&mut world, 2);
    // The first key is needed once more.
    world.ask(&[1]);
    grant(&mut world, 3);
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.availability(&[2]), Availability::Unasked, "it may be asked for again");
    assert_eq!(world.availability(&[3]), Availability::Playable);
    assert_eq!(world.cdm.open().len(), 2);
}

#[test]
fn a_session_in_use_is_never_closed_for_another() {
    let mut world = small(2, true);
    grant(&mut world, 1);
    grant(&mut world, 2);
    world.use_only(&[1]);
    world.ask(&[2]);
    grant(&mut world, 3);
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.availability(&[3]), Availability::Playable);
}

#[test]
fn when_all_are_in_use_the_new_one_waits_for_one_that_is_not() {
    let mut world = small(1, true);
    grant(&mut world, 1);
    world.use_only(&[1]);
    grant(&mut world, 2);
    assert_eq!(world.availability(&[2]), Availability::Waiting);
    world.use_only(&[2]);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[2]), Availability::Playable);
}

#[test]
fn when_room_never_comes_the_error_says_so() {
    let mut world = small(1, true);
    grant(&mut world, 1);
    world.use_only(&[1]);
    grant(&mut world, 2);
    world.run_for(seconds(10));
    assert_eq!(world.availability(&[2]), Availability::Gone(ErrorCode::SessionLimit));
    assert_eq!(world.availability(&[1]), Availability::Playable);
}

#[test]
fn a_device_that_does_not_say_how_many_it_can_have_teaches_it() {
    let mut world = small(2, false);
    for number in 1..=4 {
        grant(&mut world, number);
        assert_eq!(world.availability(&[number]), Availability::Playable, "{number}");
    }
    assert_eq!(world.cdm.open().len(), 2);
    assert!(world.errors().is_empty());
    assert_eq!(world.created(), 5, "one was refused, and only that one");
}

#[test]
fn a_licence_for_later_does_not_push_out_one_that_is_needed_now() {
    let mut world = small(1, true);
    grant(&mut world, 1);
    world.use_only(&[1]);
    world.ask_by(&[2], world.now + seconds(60));
    world.run_for(seconds(59));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.availability(&[2]), Availability::Waiting, "no error: there was no hurry");
}

#[test]
fn what_is_needed_now_goes_before_what_is_fetched_ahead() {
    let mut world = small(1, true);
    world.run_for(seconds(1));
    world.server.clear(SERVER).reply(SERVER, Reply::Silence);
    world.ask_by(&[2], world.now + Duration::from_millis(100));
    world.run_for(seconds(1));
    grant(&mut world, 1);
    assert_eq!(world.availability(&[1]), Availability::Playable);
}

#[test]
fn a_session_in_use_that_the_device_evicted_is_opened_again() {
    let mut world = small(3, true);
    grant(&mut world, 1);
    grant(&mut world, 2);
    world.use_only(&[1]);
    world.server.clear(SERVER).reply(SERVER, Reply::Licence(usable(&[1])));
    let session = world.cdm.open()[0];
    world.cdm.lose(Some(session), CloseReason::ResourceEvicted, world.now);
    world.run_for(seconds(1));
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.availability(&[2]), Availability::Unasked, "it made room: the device has no more");
}

#[test]
fn after_a_reset_of_the_hardware_sessions_are_opened_again_a_few_times() {
    let mut world = world(CdmScript::default(), all());
    world.ask(&[1]);
    world.use_only(&[1]);
    world.run_for(seconds(1));
    for _ in 0..3 {
        world.cdm.lose(None, CloseReason::HardwareContextReset, world.now);
        world.run_for(seconds(1));
        assert_eq!(world.availability(&[1]), Availability::Playable);
    }
    // A device that resets before any key arrives is another matter.
    world.server.latency = seconds(5);
    for _ in 0..5 {
        world.cdm.lose(None, CloseReason::HardwareContextReset, world.now);
        world.run_for(seconds(1));
    }
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::CdmFailed));
}

#[test]
fn a_session_that_does_not_close_does_not_hold_up_the_next_for_ever() {
    let mut world = small(1, true);
    grant(&mut world, 1);
    world.cdm.hang_next(telecine_drm::testing::CdmOperation::Close);
    world.cdm.script.max_sessions = None;
    grant(&mut world, 2);
    assert_eq!(world.availability(&[2]), Availability::Waiting);
    world.run_for(seconds(16));
    assert_eq!(world.availability(&[2]), Availability::Playable);
}

#[test]
fn requirements_beyond_the_limit_are_refused_not_kept() {
    let mut limits = Limits::default();
    limits.key_sessions = 4;
    let mut sessions = telecine_drm::session::KeySessions::new(SessionPolicy::default(), &limits, 1);
    for number in 1..=100 {
        sessions.require(&requirement(&[number]), When::Now, Timestamp::ZERO);
    }
    let mut refused = 0;
    while let Some(report) = sessions.poll_report() {
        refused += usize::from(matches!(report, KeyReport::SessionFailed { .. }));
    }
    assert_eq!(refused, 96);
}

#[test]
fn of_those_that_wait_what_is_needed_now_is_opened_first() {
    let mut world = small(1, true);
    world.server.clear(SERVER).reply(SERVER, Reply::Licence(usable(&[1])));
    // Both wait for the key system to open.
    world.ask_by(&[2], world.now);
    world.ask(&[1]);
    world.run_for(seconds(1));
    let first = world.cdm.commands.iter().find_map(|(_, command)| match command {
        CdmCommand::GenerateRequest { init_data, .. } => Some(init_data.key_ids(&Limits::default())),
        _ => None,
    });
    assert_eq!(first, Some(vec![key(1)]));
}

#[test]
fn keys_that_were_in_use_until_just_now_are_not_the_first_to_go() {
    let mut world = small(2, true);
    grant(&mut world, 1);
    world.use_only(&[1]);
    world.run_for(seconds(60));
    grant(&mut world, 2);
    // The second was required after the first, but the first was in use until now.
    world.use_only(&[]);
    grant(&mut world, 3);
    assert_eq!(world.availability(&[1]), Availability::Playable);
    assert_eq!(world.availability(&[2]), Availability::Unasked);
}

#[test]
fn where_there_is_room_for_one_session_the_new_licence_takes_the_old_ones_place() {
    let mut world = small(1, true);
    world.server.clear(SERVER).reply(SERVER, Reply::Licence(expiring(&[1], 600)));
    world.ask(&[1]);
    world.use_only(&[1]);
    world.run_for(seconds(585));
    assert_eq!((world.availability(&[1]), world.licence_requests().len()), (Availability::Playable, 1));
    world.run_for(seconds(20));
    assert_eq!((world.availability(&[1]), world.licence_requests().len()), (Availability::Playable, 2));
    assert_eq!(world.cdm.open().len(), 1);
}

#[test]
fn the_memory_of_failures_has_a_bound() {
    let mut limits = Limits::default();
    limits.key_sessions = 4;
    let mut sessions = telecine_drm::session::KeySessions::new(SessionPolicy::default(), &limits, 1);
    let mut choice = choice(vec![capability()], false);
    choice.plans[0].capability.certificate = telecine_drm::system::CertificateUse::None;
    sessions.start(choice, Timestamp::ZERO);
    let Some(telecine_drm::session::KeyAction::Cdm(CdmCommand::Access { id, .. })) = sessions.poll() else {
        panic!("it is not opened")
    };
    let access = telecine_drm::session::CdmEvent::Access { id, answer: Ok(Default::default()) };
    sessions.handle(telecine_drm::session::KeyInput::Cdm(access), Timestamp::ZERO);
    let failed = |sessions: &telecine_drm::session::KeySessions| {
        (1..=100).filter(|number| matches!(sessions.availability(&names(&[*number])), Availability::Gone(_))).count()
    };
    for number in 1..=100 {
        // Without anything to begin with.
        let mut nothing = requirement(&[number]);
        nothing.offers.clear();
        sessions.require(&nothing, When::Now, Timestamp::ZERO);
        assert_eq!(sessions.availability(&names(&[number])), Availability::Gone(ErrorCode::KeyUnavailable));
    }
    assert_eq!(failed(&sessions), 4);
}
