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
use origin::{Asked, Origin};
use telecine_engine::{DecisionKind, Event};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::{Outcome, Session};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// One at a time: they are weighed.
static SCALES: Mutex<()> = Mutex::new(());

const HOURS: u64 = 24;

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

/// Nothing went wrong in what is looked back on; it is forgotten then.
fn check(session: &mut Session<Origin>, path: &str, hour: u64, log: &RefCell<Vec<Asked>>) {
    assert_eq!(faults(session), Vec::<String>::new(), "{path}, hour {hour}");
    let refused: Vec<Asked> = log.take().into_iter().filter(|asked| !matches!(asked.status, 200 | 206)).collect();
    assert!(refused.is_empty(), "{path}, hour {hour}: asked for what is not there: {refused:?}");
    drop((session.take_events(), session.take_series()));
}

fn a_day_of(path: &str) {
    let _one = SCALES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let begun = Instant::now();
    let origin = Origin::new();
    let (log, urls) = (origin.log.clone(), origin.urls.clone());
    let mut session = origin.play(path).step_limit(u64::MAX);
    let mut held = Vec::new();
    for hour in 1..=HOURS {
        // What is on its way at a moment is as large as it happens to be: the least of the title's own length counts.
        let mut least = usize::MAX;
        for second in (0..24).rev() {
            let outcome = session.run(Some(at(hour * 3_600_000 - second * 1000)));
            assert_eq!(outcome, Outcome::Until, "{path}, hour {hour}: {:?}", faults(&session));
            check(&mut session, path, hour, &log);
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
    println!("{path}: {took:?}, {slope:.0} bytes an hour, {latency:?}");
    assert!(slope < 1024.0, "{path}: {slope} bytes an hour: {held:?}");
    assert!(latency.p95 <= latency.target + Duration::from_millis(500), "{path}: {latency:?}");
}

#[test]
fn of_hls() {
    a_day_of("/hls/live_60/start_1795780300/drift_100/demo/main.m3u8");
}

#[test]
fn of_hls_with_parts() {
    a_day_of("/hls/live_60/parts_334/start_1795780300/drift_100/demo/main.m3u8");
}

#[test]
fn of_dash_with_numbers() {
    a_day_of("/dash/live_60/utc_iso/start_1795780300/drift_100/demo/number.mpd");
}

#[test]
fn of_dash_with_a_timeline() {
    a_day_of("/dash/live_60/utc_iso/start_1795780300/drift_100/demo/time.mpd");
}

#[test]
fn of_dash_with_patches() {
    a_day_of("/dash/live_60/utc_iso/patch_60/start_1795780300/drift_100/demo/time.mpd");
}

#[test]
fn of_dash_in_chunks() {
    a_day_of("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/demo/number.mpd");
}
