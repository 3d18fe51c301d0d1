//! Keys that change while media plays.

use super::*;
use std::collections::BTreeSet;

#[test]
fn the_next_licence_is_fetched_ahead_and_playback_never_waits() {
    let mut world = world(CdmScript::default(), usable(&[1]));
    world.server.clear(SERVER);
    (1..=10).for_each(|number| {
        world.server.reply(SERVER, Reply::Licence(usable(&[number])));
    });
    world.ask(&[1]);
    world.run_for(seconds(1));
    for number in 1..10 {
        world.use_only(&[number]);
        let change = world.now + seconds(60);
        world.ask_by(&[number + 1], change);
        world.run_for(seconds(60));
        assert_eq!(world.availability(&[number + 1]), Availability::Playable, "period {number}");
    }
    // DRM-006: at most one request for each key.
    assert_eq!(world.licence_requests().len(), 10);
}

#[test]
fn players_do_not_fetch_the_next_licence_all_at_once() {
    let mut moments = BTreeSet::new();
    for seed in 0..30 {
        let mut world = Rig::new(ScriptedCdm::new(CdmScript::default()), SessionPolicy::default(), seed);
        world.server.reply(SERVER, Reply::Licence(usable(&[2])));
        world.sessions.start(choice(vec![capability()], false), world.now);
        world.run_for(seconds(1));
        let begun = world.now;
        world.ask_by(&[2], begun + seconds(40));
        world.run_for(seconds(40));
        moments.insert(world.licence_requests()[0].since(begun));
    }
    assert!(moments.len() > 20);
    assert!(*moments.last().expect("one") < seconds(21), "half of the time is left for further tries");
    assert!(*moments.last().expect("one") > seconds(15));
}

#[test]
fn a_key_that_is_needed_now_after_all_is_fetched_now() {
    let mut world = world(CdmScript::default(), usable(&[2]));
    world.run_for(seconds(1));
    world.ask_by(&[2], world.now + seconds(600));
    world.ask(&[2]);
    world.run_for(seconds(1));
    assert_eq!((world.availability(&[2]), world.created()), (Availability::Playable, 1));
}

#[test]
fn new_boxes_in_a_fragment_open_a_session_while_the_old_key_stays() {
    let limits = Limits::default();
    let boxes = |name: &str| Pssh::parse_all(&common::packager(name), &limits).expect("a box");
    let (first, second) = (common::kid(common::VIDEO.0), common::kid("112233445566778899aabbccddeeff00"));
    let mut world = world(CdmScript::default(), DoubleLicence::usable(&[first]));
    world.server.reply(SERVER, Reply::Licence(DoubleLicence::usable(&[second])));
    for (name, kid) in [("rotation_1_widevine", first), ("rotation_2_widevine", second)] {
        let requirement = KeyRequirement::from_boxes(&boxes(name), Some(Scheme::Cbcs), &[kid], &limits);
        // Every fragment of the period repeats its boxes.
        for _ in 0..5 {
            world.sessions.require(&requirement, When::Now, world.now);
            world.run_for(seconds(1));
        }
    }
    assert_eq!(world.created(), 2);
    assert_eq!(world.sessions.availability(&[first.into(), second.into()]), Availability::Playable);
}
