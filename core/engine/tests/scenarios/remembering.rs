//! Beginning with what an earlier session measured: scenario 10 with a memory.

use std::time::Duration;

use telecine_abr::{Remembered, ThroughputMemory};
use telecine_engine::{replay, Config, Engine, Environment, Input};
use telecine_model::{NetworkType, Timestamp, WallTime};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::Session;

use crate::common::at;
use crate::stage::{buffering, played, stalled, started, steady, title, Stage};

const NOW: WallTime = WallTime::from_millis(1_767_225_600_000);
const DAY_MS: i64 = 86_400_000;

fn days_ago(days: i64) -> WallTime {
    WallTime::from_millis(NOW.as_micros() / 1000 - days * DAY_MS)
}

fn remembering(kbps: u64, days: i64) -> Config {
    let mut memory = ThroughputMemory::default();
    memory.put(NetworkType::Wifi, Remembered { median: kbps * 1000, low: kbps * 1000, at: days_ago(days) });
    let mut config = buffering(30);
    config.memory = Some(memory);
    config
}

/// Begun on a kind of network.
fn session(mut config: Config, on: NetworkType, kbps: u64) -> Session<Stage<SyntheticTitle>> {
    config.record = true;
    let mut engine = Engine::new(config);
    engine.handle(Input::Environment(Environment::Network(on)), Timestamp::ZERO);
    let session = Session::with_engine(engine, Stage::of(title(120)), Timestamp::ZERO)
        .network(steady(kbps))
        .wall_clock(NOW)
        .play("https://title.example/main.mpd");
    let mut session = played(session);
    let replayed = replay(&session.take_recording()).expect("readable");
    assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
    session
}

fn first_level(session: &Session<Stage<SyntheticTitle>>) -> usize {
    session.source().asked.first().expect("a segment").level
}

#[test]
fn a_fast_line_that_is_remembered_is_begun_on_at_once() {
    let without = session(buffering(30), NetworkType::Wifi, 20_000);
    let with = session(remembering(20_000, 1), NetworkType::Wifi, 20_000);
    println!(
        "{} instead of {}, {:?} instead of {:?}",
        first_level(&with),
        first_level(&without),
        started(&with),
        started(&without)
    );
    assert!(first_level(&with) > first_level(&without));
    assert_eq!(stalled(&with), Duration::ZERO);
    assert!(started(&with) < at(1500), "{:?}", started(&with));
}

#[test]
fn a_slow_line_that_is_remembered_is_begun_on_with_care() {
    let with = session(remembering(400, 1), NetworkType::Wifi, 400);
    assert_eq!(first_level(&with), 0);
    assert_eq!(stalled(&with), Duration::ZERO);
}

#[test]
fn another_kind_of_network_and_a_time_long_past_are_as_if_nothing_were_remembered() {
    let without = session(buffering(30), NetworkType::Cellular, 20_000);
    let other = session(remembering(20_000, 1), NetworkType::Cellular, 20_000);
    let old = session(remembering(20_000, 365), NetworkType::Wifi, 20_000);
    let asked = |session: &Session<Stage<SyntheticTitle>>| {
        session.source().asked.iter().map(|asked| (asked.at, asked.level)).collect::<Vec<_>>()
    };
    assert_eq!(asked(&other), asked(&without));
    assert_eq!(asked(&old), asked(&without));
}

/// Scenario 10: "with the wrong stored estimate at most 1 s of stall". The first picture comes no later than the wrong
/// choice costs until it is given up.
#[test]
fn s10_a_memory_ten_times_too_high_costs_a_second_of_stall_at_most() {
    for kbps in [500, 2000, 20_000] {
        let wrong = session(remembering(kbps * 10, 0), NetworkType::Wifi, kbps);
        let without = session(buffering(30), NetworkType::Wifi, kbps);
        println!(
            "{kbps}: begun {:?} instead of {:?}, stood {:?}, level {} instead of {}",
            started(&wrong),
            started(&without),
            stalled(&wrong),
            first_level(&wrong),
            first_level(&without)
        );
        assert!(stalled(&wrong) <= Duration::from_secs(1), "{kbps}: {:?}", stalled(&wrong));
        let later = started(&wrong).since(started(&without));
        assert!(later <= Duration::from_millis(2500), "{kbps}: {later:?} later");
    }
}

#[test]
fn what_a_session_measured_is_there_for_the_next() {
    let first = session(buffering(30), NetworkType::Wifi, 12_000);
    let memory = first.engine().throughput_memory();
    let seen = memory.get(NetworkType::Wifi).expect("it measured");
    assert!((11_000_000..=12_500_000).contains(&seen.median) && seen.low <= seen.median, "{seen:?}");
    assert!(seen.at > NOW && seen.at < WallTime::from_millis(NOW.as_micros() / 1000 + 200_000), "{seen:?}");
    assert_eq!(memory.get(NetworkType::Unknown), None);
    let mut config = buffering(30);
    config.memory = Some(ThroughputMemory::from_bytes(&memory.to_bytes()).expect("as it was"));
    let next = session(config, NetworkType::Wifi, 12_000);
    assert!(first_level(&next) > first_level(&first));
}

#[test]
fn without_a_clock_or_a_measurement_nothing_is_added() {
    let config = remembering(9000, 3);
    let before = config.memory.clone();
    let unplayed = Engine::new(config.clone());
    assert_eq!(Some(unplayed.throughput_memory()), before);
    let session = Session::with_engine(Engine::new(config), Stage::of(title(40)), Timestamp::ZERO)
        .network(steady(3000))
        .play("https://title.example/main.mpd");
    assert_eq!(Some(played(session).engine().throughput_memory()), before);
}

#[test]
fn on_another_kind_of_network_what_was_measured_is_kept_and_believed_no_more() {
    let mut session = session(buffering(30), NetworkType::Wifi, 12_000);
    assert!(session.engine().snapshot(session.now()).network.is_some());
    let memory = session.engine().throughput_memory();
    for _ in 0..2 {
        session.environment(Environment::Network(NetworkType::Cellular));
        assert_eq!(session.engine().snapshot(session.now()).network, None);
        assert_eq!(session.engine().throughput_memory(), memory);
    }
}
