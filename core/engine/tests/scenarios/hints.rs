//! Scenario 15: what servers ask for, what viewers want to spend, what devices can do, and what it costs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use telecine_engine::{
    Capabilities, Command, DataSaver, DecisionKind, Engine, Environment, Input, Pressure, Sink, SinkCommand,
    SinkReport, TrackStats,
};
use telecine_model::Timestamp;
use telecine_virtual::testing::SizedTitle;
use telecine_virtual::{ModelSink, Session};

use crate::common::{at, decisions, secs};
use crate::stage::{
    believed, buffering, played, qualities, session, stalled, steady, title, Played, Stage, LADDER, TOP,
};

/// Whether a decision of the bitrate names a cap.
fn names(session: &Played, what: &str) -> bool {
    decisions(session, DecisionKind::Bitrate).iter().any(|decision| decision.why.iter().any(|why| why.contains(what)))
}

#[test]
fn s15a_no_more_is_asked_for_than_the_server_asks_for_from_the_next_request_on() {
    let mut count = 0;
    let mut since = None;
    let stage = Stage::of(title(300)).editing(move |asked, mut response| {
        count += 1;
        // From the fifteenth to the thirtieth answer on, then no more.
        if (15..30).contains(&count) {
            response.cmsd = vec!["\"edge.example\";rtt=20;mb=1500".to_owned()];
            since.get_or_insert(asked.at);
        } else {
            response.cmsd = vec!["\"edge.example\";rtt=20".to_owned()];
        }
        response
    });
    let session = played(session(buffering(30), stage, "main.mpd", steady(20_000)));
    let asked = &session.source().asked;
    let levels: Vec<usize> = asked.iter().map(|asked| asked.level).collect();
    println!("{levels:?}");
    assert!(levels[13] == 4, "it was at the top: {levels:?}");
    assert!(asked[15..30].iter().all(|asked| LADDER[asked.level].1 <= 1_500_000), "{levels:?}");
    assert!(levels[32..].iter().all(|level| *level == 4), "when it asks no more: {levels:?}");
    assert!(names(&session, "the server, which asks for no more"));
    assert_eq!(stalled(&session), Duration::ZERO);
}

#[test]
fn s15b_what_a_server_believes_of_the_line_may_be_wrong_by_any_factor() {
    for (kbps, told) in [(2000, 20_000), (2000, 200), (500, 5000), (20_000, 2000), (2000, 1)] {
        let stage = |told: Option<u64>| {
            Stage::of(title(120)).editing(move |_, mut response| {
                response.cmsd = told.map(|told| format!("\"edge\";etp={told}")).into_iter().collect();
                response
            })
        };
        let of = |told| played(session(buffering(30), stage(told), "main.mpd", steady(kbps)));
        let (with, without) = (of(Some(told)), of(None));
        assert_eq!(stalled(&with), Duration::ZERO, "{kbps} {told}");
        let pairs = believed(&with, at(0), at(60_000)).into_iter().zip(believed(&without, at(0), at(60_000)));
        let most = pairs.map(|(one, other)| one.max(other) * 1000 / one.min(other)).max().expect("some");
        println!("{kbps}, told {told}: moved to {most} thousandths");
        assert!(most <= 2000, "{kbps} {told}: {most}");
    }
}

#[test]
fn s15c_no_more_is_spent_than_the_viewer_wants_to() {
    for megabytes in [300, 700, 1500] {
        for seconds in [60, 600] {
            let mut config = buffering(30);
            config.data_saver = Some(DataSaver { bytes_per_hour: megabytes * 1_000_000 });
            let session = played(session(config, Stage::of(title(seconds)), "main.mpd", steady(20_000)));
            let (spent, budget) = (session.source().bytes, megabytes * 1_000_000 * seconds as u64 / 3600);
            println!("{megabytes} MB an hour, {seconds} s: {spent} of {budget}");
            assert!(spent <= budget, "{megabytes}: {spent} of {budget}");
            // What the ladder allows of it is used.
            assert!(seconds < 600 || spent * 10 >= budget * 8, "{megabytes}: {spent} of {budget}");
            assert_eq!(stalled(&session), Duration::ZERO);
            assert!(names(&session, "what may be spent"));
        }
    }
}

#[test]
fn s15c_it_can_be_switched_on_and_off_meanwhile() {
    let saver = DataSaver { bytes_per_hour: 340_000_000 };
    let session = session(buffering(30), Stage::of(title(300)), "main.mpd", steady(20_000))
        .at(at(60_000), Command::SetDataSaver(Some(saver)))
        .at(at(160_000), Command::SetDataSaver(None));
    let session = played(session);
    let between = |from, to| session.source().asked.iter().filter(move |asked| (at(from)..at(to)).contains(&asked.at));
    assert!(between(40_000, 60_000).all(|asked| asked.level == 4));
    // What was spent before is made up for.
    assert!(between(60_000, 160_000).all(|asked| asked.level == 0));
    assert!(between(160_000, 280_000).all(|asked| asked.level == 4));
}

#[test]
fn s15d_at_one_and_a_half_times_the_top_nothing_is_lost() {
    let of = |pace| {
        let mut config = buffering(30);
        config.pace_percent = pace;
        played(session(config, Stage::of(title(300)), "main.mpd", steady(40_000)))
    };
    let (paced, free) = (of(Some(150)), of(None));
    let seen = |session: &Played| qualities(session).into_iter().map(|(_, rate)| rate).collect::<Vec<u64>>();
    assert_eq!(seen(&paced), seen(&free));
    assert_eq!((stalled(&paced), stalled(&free)), (Duration::ZERO, Duration::ZERO));
    // With a full buffer no segment comes faster than at 9 Mbit/s: 24 Mbit take 2.6 s at least.
    let took = |session: &Played| {
        let late = session.source().asked.iter().filter(|asked| asked.at > at(60_000) && asked.level == 4);
        late.map(|asked| asked.over.expect("it came").since(asked.at)).min().expect("some")
    };
    println!("{:?} instead of {:?}", took(&paced), took(&free));
    assert!(took(&paced) >= Duration::from_millis(2_500) && took(&free) < Duration::from_secs(1));
    let least = believed(&paced, at(60_000), at(300_000)).into_iter().min().expect("some");
    assert!(least >= 30_000_000, "the pace does not pass for the line: {least}");
}

#[test]
fn s15e_who_seeks_every_twenty_seconds_wastes_no_more_than_a_third() {
    let mut session = session(buffering(30), Stage::of(title(3600)), "main.mpd", steady(10_000));
    for n in 1_i64..15 {
        session.schedule(at(20_000 * n.unsigned_abs()), Command::Seek(secs(n * 200)));
    }
    session.schedule(at(300_000), Command::Stop);
    session.run(None);
    let qoe = session.engine().qoe(session.now());
    let share = qoe.bytes_wasted * 100 / qoe.bytes_fetched.max(1);
    println!("{} of {} bytes wasted, {share} %", qoe.bytes_wasted, qoe.bytes_fetched);
    assert!(share <= 35, "{share} %");
}

/// A sink on a device that shows no picture of more than 720 lines in time.
struct Weak {
    sink: ModelSink,
    /// The rendition that is shown, as the test reads it off the events.
    tall: Arc<Mutex<bool>>,
    next: Timestamp,
}

impl Sink for Weak {
    fn capabilities(&self) -> Capabilities {
        self.sink.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        if now >= self.next {
            self.next = self.next + Duration::from_secs(1);
            let dropped = if *self.tall.lock().expect("one thread") { 10 } else { 0 };
            return Some(SinkReport::Frames { due: 25, dropped });
        }
        self.sink.poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.sink.deadline().into_iter().chain([self.next]).min()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

#[test]
fn s15_a_level_whose_pictures_are_dropped_is_left_out_for_a_while() {
    let tall = Arc::new(Mutex::new(false));
    let sink = Weak { sink: ModelSink::default(), tall: tall.clone(), next: at(1000) };
    let mut session = session(buffering(30), Stage::of(title(400)), "main.mpd", steady(20_000)).sink(sink);
    for second in 1..400 {
        session.run(Some(at(second * 1000)));
        *tall.lock().expect("one thread") = qualities(&session).last().is_some_and(|(_, rate)| *rate >= TOP);
    }
    let seen = qualities(&session);
    let first = seen.iter().position(|(_, rate)| *rate >= TOP).expect("it was tried");
    println!("{seen:?}");
    assert_eq!(seen.get(first + 1).map(|(_, rate)| *rate), Some(3_000_000), "the next below takes its place");
    assert!(names(&session, "pictures that the device dropped"));
    // Less and less often it is tried again.
    let tried: Vec<Timestamp> = seen.iter().filter(|(_, rate)| *rate >= TOP).map(|(at, _)| *at).collect();
    assert!((2..=4).contains(&tried.len()), "{tried:?}");
    assert_eq!(stalled(&session), Duration::ZERO);
}

#[test]
fn s15_a_hot_device_is_spared() {
    for (pressure, most) in [(Pressure::High, 3), (Pressure::Critical, 2)] {
        let mut engine = Engine::new(buffering(30));
        engine.handle(Input::Environment(Environment::Pressure(pressure)), Timestamp::ZERO);
        let session = Session::with_engine(engine, Stage::of(title(100)), Timestamp::ZERO).network(steady(20_000));
        let session = played(session.play("https://title.example/main.mpd"));
        let highest = session.source().asked.iter().map(|asked| asked.level).max();
        assert_eq!(highest, Some(most), "{pressure:?}");
        assert!(names(&session, "the device, which is to be spared"), "{pressure:?}");
    }
}

/// A broadcast of sound has a ladder too: the rule chooses from it, and what a server or the viewer asks for holds.
#[test]
fn a_title_of_sound_alone_is_chosen_for_as_a_picture_is() {
    const SOUND: [u64; 4] = [48_000, 96_000, 160_000, 320_000];
    let sizes = |_: u64, level: usize| SOUND[level] * 4 / 8;
    let of = |kbps: u64, rule: &str, saver: Option<DataSaver>, cmsd: Option<&'static str>| {
        let title = SizedTitle::new(4_000_000, 75, &SOUND, sizes).sound();
        let stage = Stage::of(title).editing(move |_, mut response| {
            response.cmsd = cmsd.map(str::to_owned).into_iter().collect();
            response
        });
        let mut config = buffering(30);
        (config.rule, config.data_saver) = (Some(rule.to_owned()), saver);
        let session = played(session(config, stage, "main.mpd", steady(kbps)));
        assert_eq!(stalled(&session), Duration::ZERO, "{kbps} {rule}");
        let levels: Vec<usize> = session.source().asked.iter().map(|asked| asked.level).collect();
        (levels, session.source().bytes)
    };
    // What the line carries, by the rule that is named.
    let (levels, _) = of(250, "foresight", None, None);
    assert!(levels[10..].iter().all(|level| (1..=3).contains(level)) && levels.contains(&2), "{levels:?}");
    assert!(of(5000, "lowest", None, None).0.iter().all(|level| *level == 0));
    let (levels, _) = of(5000, "foresight", None, None);
    assert!(levels[3..].iter().all(|level| *level == 3), "{levels:?}");
    let (levels, _) = of(5000, "foresight", None, Some("\"edge\";mb=100"));
    assert!(levels[1..].iter().all(|level| *level <= 1), "{levels:?}");
    let saver = DataSaver { bytes_per_hour: 60_000_000 };
    let (_, bytes) = of(5000, "foresight", Some(saver), None);
    assert!(bytes <= 60_000_000 / 12 + 100_000, "{bytes}");
}
