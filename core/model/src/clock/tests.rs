use super::*;

const MS: u64 = 1_000;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn wall(ms: i64) -> WallTime {
    WallTime::from_millis(ms)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An answer of a clock that tells milliseconds.
fn precise(time_ms: i64, sent: u64, answered: u64) -> ClockSample {
    ClockSample::answer(ClockSource::UtcTiming, wall(time_ms), ms(1), [at(sent), at(answered)], None)
}

#[test]
fn d024_a_date_is_of_some_moment_between_request_and_answer_and_of_some_part_of_its_second() {
    let sample = ClockSample::answer(ClockSource::HttpDate, wall(50_000), ms(1000), [at(1000), at(1200)], None);
    assert_eq!((sample.at, sample.earliest, sample.latest), (at(1200), wall(50_000), wall(51_200)));
    let mut clock = WallClock::new();
    assert_eq!(clock.learn(&sample), Learnt::Set);
    let reading = clock.read(at(1200)).expect("set");
    assert_eq!((reading.time(), reading.uncertainty()), (wall(50_600), ms(600)));
}

#[test]
fn d024_an_answer_of_a_cache_is_as_old_as_the_cache_says() {
    let sample = ClockSample::answer(ClockSource::UtcTiming, wall(50_000), ms(1000), [at(1000), at(1100)], Some(30));
    // Ages are whole seconds too.
    assert_eq!((sample.earliest, sample.latest), (wall(80_000), wall(82_100)));
}

#[test]
fn d025_the_bounds_widen_as_clocks_may_run_apart_until_the_next_answer() {
    let mut clock = WallClock::new();
    clock.learn(&precise(50_000, 0, 9));
    assert_eq!(clock.read(at(9)).expect("set").uncertainty(), ms(5));
    // 100 parts in a million of a thousand seconds are 100 ms.
    let later = clock.read(at(1_000_009)).expect("set");
    assert_eq!((later.time(), later.uncertainty()), (wall(1_050_005), ms(105)));
    // Into the past they widen too.
    let before = WallClock { fix: clock.fix.map(|fix| Fix { at: at(1_000_009), ..fix }) }.read(at(9)).expect("set");
    assert_eq!((before.time(), before.uncertainty()), (wall(50_005 - 1_000_000), ms(105)));
    assert_eq!(clock.learn(&precise(1_050_000, 1_000_000, 1_000_009)), Learnt::Agreed(ms(0)));
    assert_eq!(clock.read(at(1_000_009)).expect("set").uncertainty(), ms(5));
}

#[test]
fn d025_answers_of_one_source_narrow_each_other_down() {
    let mut clock = WallClock::new();
    // The world is 100,400 ms ahead, and tells whole seconds.
    let date = |now: u64| {
        let world = (now + 100_400) as i64 / 1000 * 1000;
        ClockSample::answer(ClockSource::HttpDate, wall(world), ms(1000), [at(now), at(now)], None)
    };
    clock.learn(&date(0));
    assert_eq!(clock.read(at(0)).expect("set").uncertainty(), ms(500));
    for now in [550, 1610, 2595] {
        assert!(matches!(clock.learn(&date(now)), Learnt::Agreed(_)));
    }
    let reading = clock.read(at(2595)).expect("set");
    assert!(reading.earliest <= wall(102_995) && wall(102_995) <= reading.latest);
    assert!(reading.uncertainty() < ms(10), "{:?}", reading.uncertainty());
}

#[test]
fn d025_drift_is_measured_and_then_the_bounds_widen_by_little() {
    let mut clock = WallClock::new();
    // The world's clock runs faster by 60 parts in a million.
    let sample = |now: u64| {
        let world = now * MS + now * MS * 60 / 1_000_000;
        let time = WallTime::from_micros(world as i64);
        let moment = Timestamp::from_micros(now * MS);
        ClockSample::answer(ClockSource::UtcTiming, time, ms(1), [moment, moment + ms(2)], None)
    };
    for now in [0, 30_000, 90_000, 210_000, 450_000, 930_000, 1_530_000] {
        assert!(matches!(clock.learn(&sample(now)), Learnt::Set | Learnt::Agreed(_)), "{now}");
    }
    let (least, most) = clock.drift_ppb().expect("set");
    assert!((50_000..=60_000).contains(&least) && (60_000..=70_000).contains(&most), "{least}…{most}");
    let (before, after) = (clock.read(at(1_530_002)).expect("set"), clock.read(at(5_130_002)).expect("set"));
    // An hour on: 60 parts in a million are 216 ms, and are in the middle, not in the width.
    assert!((after.time().as_micros() - before.time().as_micros()).abs_diff(3_600_216_000) < 10_000);
    assert!(after.uncertainty() < before.uncertainty() + ms(20));
}

#[test]
fn d025_a_clock_that_runs_away_faster_than_assumed_is_followed() {
    let mut clock = WallClock::new();
    let sample = |now: u64| {
        let time = WallTime::from_micros((now * MS + now * MS * 400 / 1_000_000) as i64);
        ClockSample::answer(ClockSource::UtcTiming, time, ms(1), [at(now), at(now)], None)
    };
    clock.learn(&sample(0));
    assert!(matches!(clock.learn(&sample(60_000)), Learnt::Moved(_)));
    let (least, most) = clock.drift_ppb().expect("set");
    assert!(least <= 400_000 && 400_000 <= most && least > 300_000, "{least}…{most}");
    assert!(matches!(clock.learn(&sample(660_000)), Learnt::Agreed(_)), "it was expected there");
}

#[test]
fn d022_a_jump_of_the_devices_clock_never_moves_a_synchronised_one() {
    let device = |time_ms, now| ClockSample::device(wall(time_ms), ms(10_000), at(now));
    let mut clock = WallClock::new();
    assert_eq!(clock.learn(&device(40_000, 0)), Learnt::Set);
    assert!(!clock.is_synchronised());
    assert_eq!(clock.learn(&device(45_000, 1000)), Learnt::Agreed(ms(0)));
    assert!(matches!(clock.learn(&device(4_000_000, 2000)), Learnt::Moved(_)), "somebody set it");
    assert_eq!(clock.learn(&precise(60_000, 3000, 3009)), Learnt::Set);
    assert!(clock.is_synchronised());
    assert_eq!(clock.learn(&device(9_000_000, 4000)), Learnt::Ignored);
    assert_eq!(clock.read(at(3009)).expect("set").time(), wall(60_005));
    assert_eq!(clock.source(), Some(ClockSource::UtcTiming));
}

#[test]
fn d025_a_date_takes_the_place_of_the_devices_clock_and_gives_way_to_the_clock_of_the_mpd() {
    let date = |time_ms, now| ClockSample::answer(ClockSource::HttpDate, wall(time_ms), ms(1000), [at(now); 2], None);
    let mut clock = WallClock::new();
    clock.learn(&ClockSample::device(wall(0), ms(0), at(0)));
    assert_eq!(clock.learn(&date(70_000, 10)), Learnt::Set);
    assert_eq!(clock.learn(&precise(80_000, 20, 21)), Learnt::Set);
    assert_eq!(clock.learn(&date(70_000, 30)), Learnt::Ignored);
    assert_eq!(clock.read(at(21)).expect("set").time(), wall(80_001));
}

#[test]
fn d025_dates_narrow_a_clock_that_was_read_so_long_ago_that_they_know_better() {
    let date = |time_ms, now| ClockSample::answer(ClockSource::HttpDate, wall(time_ms), ms(1000), [at(now); 2], None);
    let mut clock = WallClock::new();
    clock.learn(&precise(0, 0, 0));
    // 2 s either way after 20,000 s, beside the half of a millisecond.
    let now = 20_000_000;
    assert_eq!(clock.read(at(now)).expect("set").uncertainty(), Duration::from_micros(2_000_500));
    assert_eq!(clock.learn(&date(now as i64 + 3000, now)), Learnt::Ignored, "nor is this one right");
    assert_eq!(clock.learn(&date(now as i64 + 1000, now)), Learnt::Agreed(Duration::from_micros(999_500)));
    let reading = clock.read(at(now)).expect("set");
    assert_eq!((reading.earliest, reading.latest), (wall(now as i64 + 1000), wall(now as i64 + 2000)));
    assert_eq!(clock.source(), Some(ClockSource::UtcTiming));
}

#[test]
fn d106_what_is_listed_overrules_every_clock_and_they_no_longer_move_it() {
    let mut clock = WallClock::new();
    clock.learn(&precise(80_000, 0, 1));
    let listed = ClockSample { source: ClockSource::Timeline, at: at(10), earliest: wall(5000), latest: wall(7000) };
    assert_eq!(clock.learn(&listed), Learnt::Set);
    assert_eq!(clock.learn(&precise(80_100, 100, 101)), Learnt::Ignored);
    assert_eq!(clock.read(at(10)).expect("set").time(), wall(6000));
    assert!(clock.is_synchronised());
    // Until one of them agrees with it, which says it more exactly.
    assert_eq!(clock.learn(&precise(6500, 200, 201)), Learnt::Set);
    assert_eq!((clock.source(), clock.read(at(201)).expect("set").time()), (Some(ClockSource::UtcTiming), wall(6501)));
}

#[test]
fn d028_a_time_is_reached_when_it_is_reached_for_certain() {
    let mut clock = WallClock::new();
    assert_eq!(clock.reaches(wall(0), ms(0)), None);
    clock.learn(&precise(50_000, 0, 99));
    let when = clock.reaches(wall(60_000), Duration::MAX).expect("set");
    // Not before: the earliest that it may be then is just there.
    assert!(clock.read(when).expect("set").earliest >= wall(60_000));
    assert!(clock.read(when - Duration::from_micros(1)).expect("set").earliest < wall(60_000));
    // Asked for at the availability plus the uncertainty.
    let likely = clock.read(when).expect("set");
    assert_eq!(likely.time().as_micros() - 60_000_000, likely.uncertainty().as_micros() as i64);
    // What is past was reached before now.
    assert!(clock.reaches(wall(49_000), Duration::MAX).expect("set") < at(99));
}

#[test]
fn d028_a_clock_that_is_hardly_known_does_not_hold_up_everything() {
    let mut clock = WallClock::new();
    clock.learn(&ClockSample::device(wall(50_000), Duration::from_secs(10), at(1000)));
    assert_eq!(clock.reaches(wall(60_000), ms(2000)), Some(at(13_000)));
    assert!(clock.reaches(wall(60_000), Duration::MAX).expect("set") > at(20_999));
}

#[test]
fn d025_the_clock_is_asked_oftener_while_it_is_off_and_more_seldom_while_it_is_not() {
    let mut interval = SyncInterval::default();
    let seconds = |duration: Duration| duration.as_secs();
    assert_eq!(seconds(interval.after(Learnt::Set)), 30);
    for expected in [60, 120, 240, 480, 600, 600] {
        assert_eq!(seconds(interval.after(Learnt::Agreed(ms(100)))), expected);
    }
    assert_eq!(seconds(interval.after(Learnt::Agreed(ms(101)))), 300);
    for expected in [150, 75, 37, 30, 30] {
        assert_eq!(seconds(interval.after(Learnt::Moved(ms(1)))), expected);
    }
}

#[test]
fn absurd_times_saturate() {
    let mut clock = WallClock::new();
    let absurd = |time| {
        ClockSample::answer(
            ClockSource::UtcTiming,
            WallTime::from_micros(time),
            Duration::MAX,
            [Timestamp::ZERO, Timestamp::from_micros(u64::MAX)],
            Some(u64::MAX),
        )
    };
    for time in [i64::MAX, i64::MIN, 0] {
        clock.learn(&absurd(time));
        for now in [0, u64::MAX] {
            let reading = clock.read(Timestamp::from_micros(now)).expect("set");
            let _ = (reading.time(), reading.uncertainty());
        }
        for to in [i64::MIN, 0, i64::MAX] {
            let _ = clock.reaches(WallTime::from_micros(to), Duration::MAX);
        }
    }
}
