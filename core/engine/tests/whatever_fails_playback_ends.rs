//! Whatever fails, in whatever order, whatever the sink forgets and whatever the application does: a
//! session comes to an end in bounded time, keeps its buffers consistent and replays.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use common::{at, errors, secs};
use proptest::prelude::*;
use telecine_engine::{
    replay, Capabilities, Command, Config, Constraints, Sink, SinkCommand, SinkReport, State, TrackStats,
};
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{ModelSink, Outcome, Session};

/// Media that the sink forgets by itself: when, of which kind, from where on, and how much.
type Eviction = (Timestamp, TrackKind, MediaTime, MediaTime);

/// A sink that forgets media as Media Source does: any part of it, but not what is on screen.
struct Forgetful {
    sink: ModelSink,
    evictions: Vec<Eviction>,
    reports: Vec<SinkReport>,
}

impl Forgetful {
    fn new(sink: ModelSink, mut evictions: Vec<Eviction>) -> Self {
        evictions.sort_by_key(|eviction| std::cmp::Reverse(eviction.0));
        Self { sink, evictions, reports: Vec::new() }
    }

    fn forget(&mut self, now: Timestamp) {
        while self.evictions.last().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, kind, from, length)) = self.evictions.pop() else { return };
            let position = self.sink.position(now);
            let shown = (position - secs(1), position + secs(1));
            for (from, to) in [(from, (from + length).min(shown.0)), (from.max(shown.1), from + length)] {
                if from < to {
                    self.sink.command(SinkCommand::Remove { kind, from, to }, now);
                    self.reports.push(SinkReport::Evicted { kind, from, to });
                }
            }
        }
    }
}

impl Sink for Forgetful {
    fn capabilities(&self) -> Capabilities {
        self.sink.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.forget(now);
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.forget(now);
        self.reports.pop().or_else(|| self.sink.poll(now))
    }

    fn deadline(&self) -> Option<Timestamp> {
        let next = self.evictions.last().map(|(due, ..)| *due);
        [next, self.sink.deadline()].into_iter().flatten().min()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

fn eviction() -> impl Strategy<Value = Eviction> {
    let kind = prop_oneof![Just(TrackKind::Video), Just(TrackKind::Audio)];
    (0_u64..90_000, kind, 0_i64..60_000, 1_i64..30_000).prop_map(|(due, kind, from, length)| {
        (at(due), kind, MediaTime::from_millis(from), MediaTime::from_millis(length))
    })
}

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
    let track = |id: &'static str| Command::SelectTrack { kind: TrackKind::Audio, id: id.to_owned() };
    prop_oneof![
        8 => (-5_000_i64..70_000).prop_map(|ms| Command::Seek(MediaTime::from_millis(ms))),
        2 => Just(Command::Pause),
        4 => Just(Command::Play),
        2 => (500_u32..2500).prop_map(Command::SetRate),
        2 => prop_oneof![Just(TrackKind::Text), Just(TrackKind::Audio)].prop_map(Command::DisableKind),
        2 => Just(Command::SetConstraints(Constraints { max_height: Some(360), ..Constraints::default() })),
        // As HLS and as DASH name them.
        2 => prop_oneof![Just("audio:English:en"), Just("audio:Français:fr"), Just("10"), Just("11")].prop_map(track),
        1 => prop_oneof![Just("m3u8"), Just("mpd")].prop_map(|kind| Command::Load {
            url: format!("https://title.example/main.{kind}"),
            start: None,
        }),
    ]
}

/// A title of a minute with whatever may be unusual about it.
fn title() -> impl Strategy<Value = SyntheticTitle> {
    let rendition = prop_oneof![Just("v0"), Just("v1"), Just("v2"), Just("a0"), Just("a1")];
    (
        prop_oneof![Just(4000_i64), 400_i64..6000],
        prop::collection::vec((rendition, 0_u64..15, fault(), 1_u32..5), 0..14),
        prop::collection::vec(1_u64..15, 0..3),
        prop::option::weighted(0.2, 0_usize..3),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(segment, faults, parts, silent, rounded)| {
            let mut title = SyntheticTitle::new(secs(60)).languages(2).segments_of(MediaTime::from_millis(segment));
            for part in parts {
                title = title.part_at(part);
            }
            for (rendition, number, fault, times) in faults {
                title = title.fault_times(rendition, number, fault, times);
            }
            if let Some(part) = silent {
                title = title.silent_part(part);
            }
            // Durations under half a second cannot be given in whole ones.
            if rounded && segment > 1500 {
                title = title.durations_in_whole_seconds();
            }
            title
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_session_ends(
        title in title(),
        dash in any::<bool>(),
        kbps in 150_u32..6_000,
        rtt in 5_u32..400,
        loss in 0_u32..3,
        seed in any::<u64>(),
        random_access in any::<bool>(),
        jumps in any::<bool>(),
        capacity in prop::option::weighted(0.3, 300_000_u64..4_000_000),
        evictions in prop::collection::vec(eviction(), 0..5),
        commands in prop::collection::vec((0_u64..90_000, command()), 0..8),
    ) {
        let mut config = Config::default();
        config.record = true;
        config.seed = seed;
        let file = if dash { "main.mpd" } else { "main.m3u8" };
        let sink = ModelSink::new(Capabilities { random_access, jumps, max_bytes: capacity, ..Capabilities::default() });
        // A sink without random access holds only what is still to be played.
        let evictions = if random_access { evictions } else { Vec::new() };
        let mut session = Session::new(config, title)
            .sink(Forgetful::new(sink, evictions))
            .network(format!("rate={kbps}kbps,rtt={rtt}ms,loss={loss}%").parse().expect("a network"))
            .play(format!("https://title.example/{file}"))
            .step_limit(40_000);
        for (time, command) in commands {
            session = session.at(at(time), command);
        }
        // A pause is not the end.
        let mut session = session.at(at(90_000), Command::SetRate(1000)).at(at(90_001), Command::Play);
        let outcome = session.run(None);
        match &outcome {
            Outcome::Ended => {
                let last = session.engine().snapshot(session.now());
                let duration = last.duration.unwrap_or(secs(60));
                prop_assert!(last.position > duration - secs(1), "ended at {} of {duration}", last.position);
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

#[test]
fn what_the_sink_has_left_of_a_segment_is_played_where_the_title_says_that_it_is_missing() {
    // The last segment is there in the taller renditions alone. The sink forgets the picture up to the middle of it, and
    // what is played once more may not be tall.
    let title = SyntheticTitle::new(secs(60)).languages(2).fault("v0", 14, Fault::Gap);
    let sink = ModelSink::new(Capabilities::default());
    let forgotten = (at(41_162), TrackKind::Video, MediaTime::from_millis(33_037), MediaTime::from_millis(23_364));
    let low = Constraints { max_height: Some(360), ..Constraints::default() };
    let mut session = Session::new(Config::default(), title)
        .sink(Forgetful::new(sink, vec![forgotten]))
        .network("rate=2804kbps,rtt=5ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8")
        .at(at(0), Command::SetRate(1423))
        .at(at(25_146), Command::SetConstraints(low))
        .at(at(90_000), Command::Play);
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    assert_eq!(session.engine().snapshot(session.now()).position, secs(60));
}

#[test]
fn a_sink_without_room_for_what_playback_needs_is_given_up_and_not_waited_for_without_end() {
    // The smallest rendition lacks a segment that the sink has no room for beside the one before, in any other.
    let missing =
        |title: SyntheticTitle, (rendition, number)| title.fault_times(rendition, number, Fault::Status(403), 1);
    let title = SyntheticTitle::new(secs(60)).languages(2).segments_of(MediaTime::from_millis(2434)).part_at(11);
    let title = [("a0", 5), ("v0", 2), ("v1", 4)].into_iter().fold(title, missing).fault("v0", 8, Fault::Gap);
    let sink = ModelSink::new(Capabilities {
        random_access: false,
        jumps: true,
        max_bytes: Some(793_000),
        ..Capabilities::default()
    });
    let mut config = Config::default();
    config.seed = 2_942_701_427_742_925_258;
    config.rule = Some("bola-e-damped".to_owned());
    let mut session = Session::new(config, title.durations_in_whole_seconds())
        .sink(Forgetful::new(sink, Vec::new()))
        .network("rate=3697kbps,rtt=327ms,loss=1%".parse().expect("a network"))
        .play("https://title.example/main.m3u8")
        .step_limit(40_000)
        .at(at(90_001), Command::Play);
    let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{:?}", session.events().last()) };
    assert_eq!(error.code(), ErrorCode::SinkFull);
}
