//! Whatever fails, in whatever order, and whatever the application does: a session comes to an end
//! in bounded time, keeps its buffers consistent and replays.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use common::{at, errors, secs};
use proptest::prelude::*;
use telecine_engine::{replay, Capabilities, Command, Config, Constraints, State};
use telecine_model::{ErrorCode, MediaTime, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{ModelSink, Outcome, Session};

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Status(404)),
        Just(Fault::Status(503)),
        Just(Fault::Status(403)),
        Just(Fault::Gap),
        Just(Fault::Truncated),
        Just(Fault::Garbage),
        Just(Fault::Hole),
        (1_u64..30).prop_map(|s| Fault::Slow(std::time::Duration::from_secs(s))),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (-5_000_i64..70_000).prop_map(|ms| Command::Seek(MediaTime::from_millis(ms))),
        1 => Just(Command::Pause),
        2 => Just(Command::Play),
        1 => (500_u32..2500).prop_map(Command::SetRate),
        1 => prop_oneof![Just(TrackKind::Text), Just(TrackKind::Audio)].prop_map(Command::DisableKind),
        1 => Just(Command::SetConstraints(Constraints { max_height: Some(360), max_bitrate: None })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_session_ends(
        dash in any::<bool>(),
        segment in prop_oneof![Just(4000_i64), 400_i64..6000],
        kbps in 150_u32..6_000,
        rtt in 5_u32..400,
        loss in 0_u32..3,
        seed in any::<u64>(),
        faults in prop::collection::vec((prop_oneof![Just("v0"), Just("v1"), Just("v2"), Just("a0")], 0_u64..15, fault(), 1_u32..5), 0..14),
        random_access in any::<bool>(),
        capacity in prop::option::weighted(0.3, 300_000_u64..4_000_000),
        commands in prop::collection::vec((0_u64..90_000, command()), 0..8),
    ) {
        let mut title = SyntheticTitle::new(secs(60)).segments_of(MediaTime::from_millis(segment));
        for (rendition, number, fault, times) in faults {
            title = title.fault_times(rendition, number, fault, times);
        }
        let mut config = Config::default();
        config.record = true;
        config.seed = seed;
        let file = if dash { "main.mpd" } else { "main.m3u8" };
        let sink = ModelSink::new(Capabilities { random_access, max_bytes: capacity, ..Capabilities::default() });
        let mut session = Session::new(config, title)
            .sink(sink)
            .network(format!("rate={kbps}kbps,rtt={rtt}ms,loss={loss}%").parse().expect("a network"))
            .play(format!("https://title.example/{file}"))
            .step_limit(200_000);
        for (time, command) in commands {
            session = session.at(at(time), command);
        }
        // A pause is not the end.
        let mut session = session.at(at(90_000), Command::SetRate(1000)).at(at(90_001), Command::Play);
        let outcome = session.run(None);
        match &outcome {
            Outcome::Ended => {
                let end = session.engine().snapshot(session.now()).position;
                prop_assert!(end > secs(59), "ended at {end}");
            }
            Outcome::Failed(Some(error)) => {
                prop_assert!(errors(&session).iter().any(telecine_model::Error::is_fatal));
                prop_assert!(error.code() != ErrorCode::PlaybackStuck, "{error}");
            }
            other => prop_assert!(false, "{other:?} in state {:?}", session.engine().snapshot(session.now()).state),
        }
        prop_assert_ne!(session.engine().snapshot(session.now()).state, State::Rebuffering);
        let replayed = replay(&session.take_recording()).expect("readable");
        prop_assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
    }
}
