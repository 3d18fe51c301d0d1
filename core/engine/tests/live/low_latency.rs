//! Parts and chunks, before segments are complete.

use std::time::Duration;

use telecine_model::TrackKind;
use telecine_virtual::Outcome;

use crate::common::{at, errors};
use crate::hls::{every_sample_once, stalls};
use crate::origin::Origin;

const HLS: &str = "/hls/live_60/parts_334/demo/main.m3u8";

#[test]
fn parts_are_played_at_their_hold_back() {
    let origin = Origin::new();
    let urls = origin.urls.clone();
    let mut session = origin.play(HLS);
    assert_eq!(session.run(Some(at(300_000))), Outcome::Until);
    let latency = session.engine().qoe(session.now()).latency.expect("it was read");
    assert!(latency.mean <= Duration::from_millis(1002 * 11 / 10), "{latency:?}");
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}
