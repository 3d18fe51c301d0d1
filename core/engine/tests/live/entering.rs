//! D083: beginning inside of segments, where the MPD says that decoding can begin there.

use std::sync::{Arc, Mutex};

use telecine_engine::{Command, Config, DecisionKind, Observed, Payload, SinkCommand, State};
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::{Failure, Fetched, Response, Session, ModelSink};

use crate::common::{at, decisions, errors, secs, states, track};
use crate::origin::{with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once, run, stalls, started};

/// Segments of eight seconds, four groups of pictures each, in chunks of half a second, asked for while they are made.
const LONG: &str = "/dash/live_60/utc_direct/join_4/chunk_500/ato_7500/ltgt_4000/demo/time.mpd";

#[test]
fn look() {
    let origin = Origin::new().editing(|_, path, response| {
        if path.ends_with(".mpd") {
            println!("{}", String::from_utf8_lossy(&response.body));
        }
        response.into()
    });
    let log = origin.log.clone();
    let session = run(origin.play(LONG), 20);
    for asked in log.borrow().iter() {
        println!("{asked:?}");
    }
    for decision in session.decisions() {
        println!("{decision:?}");
    }
    println!("{:?} {:?}", started(&session), track(&session, TrackKind::Video));
}
