//! A day of each live flavour in virtual time, against the origin's answers: the window slides, the clocks drift.
//!
//! Nothing stalls, every sample is shown once, nothing is asked for that is not there, and memory is flat.

#![allow(clippy::expect_used, clippy::panic, unreachable_pub, dead_code)] // These are tests.

#[path = "../common/mod.rs"]
mod common;
mod memory;
#[path = "../live/origin.rs"]
mod origin;

use std::cell::RefCell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{at, track};
use memory::Counting;
use origin::{Asked, Origin, BEGIN};
use telecine_engine::{DecisionKind, Event};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::{Outcome, Session};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// One at a time: they are weighed.
static SCALES: Mutex<()> = Mutex::new(());

const HOURS: u64 = 24;

/// A title that is watched for a day.
#[derive(Clone, Copy)]
struct Day {
    path: &'static str,
    /// So many requests for what is not there yet may it take to learn how slow an encoder runs of which nothing else tells.
    misses: usize,
    /// How far the encoder is behind its clock at the end, and how far behind what it made playback is to be then, at least
    /// and at most. In milliseconds.
    lag_ms: Option<(i64, i64, i64)>,
}

impl Day {
    const fn of(path: &'static str) -> Self {
        Self { path, misses: 0, lag_ms: None }
    }
}

/// What must not happen in a day.
fn faults(session: &Session<Origin>) -> Vec<String> {
    let fault = |event: &Event| match event {
        Event::StallStarted { .. } | Event::Error { .. } => Some(format!("{event:?}")),
        Event::Decision(decision)
            if matches!(decision.what, DecisionKind::Skip | DecisionKind::Gap | DecisionKind::Seek) =>
        {
            Some(format!("{decision:?}"))
        }
        _ => None,
    };
    session.events().iter().filter_map(fault).collect()
}

/// How much more is held with each hour, as the line through all hours but the first has it.
fn slope(held: &[usize]) -> f64 {
    let count = held.len() as f64;
    let mean_hour = (count - 1.0) / 2.0;
    let mean_held = held.iter().sum::<usize>() as f64 / count;
    let (mut over, mut under) = (0.0, 0.0);
    for (hour, held) in held.iter().enumerate() {
        let hour = hour as f64 - mean_hour;
        over += hour * (*held as f64 - mean_held);
        under += hour * hour;
    }
    over / under
}

/// Nothing went wrong in what is looked back on; it is forgotten then. How often something was asked for that was not there.
fn check(session: &mut Session<Origin>, day: Day, hour: u64, log: &RefCell<Vec<Asked>>) -> usize {
    let path = day.path;
    let refused: Vec<Asked> = log.take().into_iter().filter(|asked| !matches!(asked.status, 200 | 206)).collect();
    let faults = faults(session);
    // Of each miss that is told, and of nothing else.
    let told = faults.iter().filter(|fault| fault.contains("HttpStatus") && fault.contains("404")).count();
    assert!(told == faults.len() && told <= refused.len(), "{path}, hour {hour}: {faults:?}");
    drop((session.take_events(), session.take_series()));
    refused.len()
}

fn a_day_of(day: Day) {
    let path = day.path;
    let _one = SCALES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let begun = Instant::now();
    let origin = Origin::new();
    let (log, urls) = (origin.log.clone(), origin.urls.clone());
    let mut session = origin.play(path).step_limit(u64::MAX);
    let mut held = Vec::new();
    let mut misses = 0;
    for hour in 1..=HOURS {
        // What is on its way at a moment is as large as it happens to be: the least of the title's own length counts.
        let mut least = usize::MAX;
        for second in (0..24).rev() {
            let outcome = session.run(Some(at(hour * 3_600_000 - second * 1000)));
            assert_eq!(outcome, Outcome::Until, "{path}, hour {hour}: {:?}", faults(&session));
            misses += check(&mut session, day, hour, &log);
            assert!(misses <= day.misses, "{path}, hour {hour}: asked for what is not there {misses} times");
            *urls.borrow_mut() = Vec::new();
            least = least.min(ALLOCATOR.held());
        }
        held.push(least);
    }
    for (kind, ticks, of) in [(TrackKind::Video, 1, 25), (TrackKind::Audio, 1024, 48_000)] {
        let track = track(&session, kind);
        let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
        let each = MediaTime::from_secs(ticks).mul_ratio(1, of);
        let count = u64::try_from((last - first).units() / each.units() + 1).expect("a count");
        // What is coded in another order than it is shown in may lack some at its end.
        assert!((0..=3).contains(&(count - track.samples)) && track.gaps == 0, "{path}: {count} {track:?}");
    }
    let latency = session.engine().qoe(session.now()).latency.expect("it was read");
    let (slope, took) = (slope(&held[1..]), begun.elapsed());
    println!("{path}: {took:?}, {slope:.0} bytes an hour, {latency:?}, {misses} misses");
    assert!(slope < 1024.0, "{path}: {slope} bytes an hour: {held:?}");
    assert!(latency.p95 <= latency.target + Duration::from_millis(500), "{path}: {latency:?}");
    if let Some((lag, least, most)) = day.lag_ms {
        let made = (BEGIN + HOURS * 3_600_000 - START) as i64 - lag;
        let behind = made - session.engine().snapshot(session.now()).position.as_micros() / 1000;
        println!("{path}: {behind} ms behind what was made");
        assert!((least..=most).contains(&behind), "{path}: {behind} ms behind what was made");
    }
}

/// When the programmes begin, in milliseconds since 1970.
const START: u64 = 1_795_780_300_000;

#[test]
fn of_hls() {
    a_day_of(Day::of("/hls/live_60/start_1795780300/drift_100/demo/main.m3u8"));
}

#[test]
fn of_hls_with_parts() {
    a_day_of(Day::of("/hls/live_60/parts_334/start_1795780300/drift_100/demo/main.m3u8"));
}

#[test]
fn of_dash_with_numbers() {
    a_day_of(Day::of("/dash/live_60/utc_iso/start_1795780300/drift_100/demo/number.mpd"));
}

#[test]
fn of_dash_with_numbers_whose_encoder_runs_slow() {
    let path = "/dash/live_60/utc_iso/start_1795780300/drift_-100/demo/number.mpd";
    a_day_of(Day { misses: 12, lag_ms: Some((8660, 4500, 6500)), ..Day::of(path) });
}

#[test]
fn of_dash_with_a_timeline() {
    a_day_of(Day::of("/dash/live_60/utc_iso/start_1795780300/drift_100/demo/time.mpd"));
}

#[test]
fn of_dash_with_a_timeline_whose_encoder_runs_slow() {
    let path = "/dash/live_60/utc_iso/start_1795780300/drift_-100/demo/time.mpd";
    a_day_of(Day { lag_ms: Some((8660, 4500, 7500)), ..Day::of(path) });
}

#[test]
fn of_dash_with_patches() {
    a_day_of(Day::of("/dash/live_60/utc_iso/patch_60/start_1795780300/drift_100/demo/time.mpd"));
}

#[test]
fn of_dash_in_chunks_whose_encoder_runs_fast() {
    a_day_of(Day::of("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/start_1795780300/drift_100/demo/number.mpd"));
}

#[test]
fn of_dash_in_chunks_whose_encoder_runs_slow() {
    let path = "/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/start_1795780300/drift_-100/demo/number.mpd";
    a_day_of(Day { misses: 6, lag_ms: Some((8660, 1500, 2500)), ..Day::of(path) });
}

#[test]
fn of_dash_in_chunks_that_say_when_they_were_made() {
    let path = "/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/prft_1/start_1795780300/drift_-100/demo/number.mpd";
    a_day_of(Day { misses: 6, lag_ms: Some((8660, 1900, 2200)), ..Day::of(path) });
}
