//! What tests of live sessions look at.

use telecine_engine::{Decision, DecisionKind, Event};
use telecine_model::{MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Outcome, Session};

use crate::common::{at, decisions, errors, track};
use crate::origin::Origin;

pub fn run(mut session: Session<Origin>, seconds: u64) -> Session<Origin> {
    assert_eq!(session.run(Some(at(seconds * 1000))), Outcome::Until, "{:?}", errors(&session));
    session
}

pub fn stalls(session: &Session<Origin>) -> usize {
    session.events().iter().filter(|event| matches!(event, Event::StallStarted { .. })).count()
}

pub fn latency(session: &Session<Origin>) -> MediaTime {
    session.engine().snapshot(session.now()).edge.and_then(|edge| edge.latency).expect("it is live")
}

/// The latency that is aimed at.
pub fn target(session: &Session<Origin>) -> MediaTime {
    session.engine().snapshot(session.now()).edge.expect("it is live").target
}

/// What was told of the latency that is wanted, as what was wanted and what is aimed at.
pub fn told(session: &Session<Origin>) -> Vec<(String, String)> {
    let words = |decision: Decision| decision.from.zip(decision.to);
    decisions(session, DecisionKind::Latency).into_iter().filter_map(words).collect()
}

pub fn started(session: &Session<Origin>) -> (Timestamp, MediaTime) {
    let started = |event: &Event| match event {
        Event::Started { at, position } => Some((*at, *position)),
        _ => None,
    };
    session.events().iter().find_map(started).unwrap_or_else(|| panic!("it started: {:?}", errors(session)))
}

/// From the first sample to the last there is each of them, once.
pub fn every_sample_once(session: &Session<Origin>, kind: TrackKind) {
    assert_eq!(lacking(session, kind), 0, "{kind:?}");
}

/// The same where it stands in mid-segment: of pictures that are coded in another order than they are shown in, the last
/// part may lack some in between.
pub fn every_sample_once_so_far(session: &Session<Origin>, kind: TrackKind) {
    let lacking = lacking(session, kind);
    assert!((0..=3).contains(&lacking), "{kind:?}: {lacking}");
}

/// How many samples are missing between the first and the last; some come twice if less than none.
fn lacking(session: &Session<Origin>, kind: TrackKind) -> i64 {
    let track = track(session, kind);
    assert_eq!(track.gaps, 0, "{track:?}");
    let (first, last) = track.first_pts.zip(track.last_pts).expect("samples");
    // Pictures at 25 a second, frames of AAC of 1024 samples at 48 kHz.
    let (ticks, of) = if kind == TrackKind::Video { (1, 25) } else { (1024, 48_000) };
    let each = MediaTime::from_secs(ticks).mul_ratio(1, of);
    (last - first).units() / each.units() + 1 - i64::try_from(track.samples).expect("a count")
}
