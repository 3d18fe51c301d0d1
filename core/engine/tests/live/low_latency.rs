//! Parts and chunks, before segments are complete.

use telecine_engine::{Event, State};
use telecine_model::{MediaTime, TrackKind};
use telecine_virtual::{Outcome, Session};

use crate::common::{at, errors, states};
use crate::hls::{every_sample_once, stalls};
use crate::origin::Origin;

const HLS: &str = "/hls/live_60/parts_334/demo/main.m3u8";

#[test]
fn parts_are_played_at_their_hold_back() {
    let origin = Origin::new();
    let (log, urls) = (origin.log.clone(), origin.urls.clone());
    let sink = telecine_engine::Observed::new(
        telecine_virtual::ModelSink::default(),
        |command: &telecine_engine::SinkCommand| {
            if let telecine_engine::SinkCommand::Append(a) = command {
                if a.kind == TrackKind::Video {
                    println!("APP {} {:?} {} {} {}", a.segment, a.load, a.start, a.end, a.samples);
                }
            }
        },
    );
    let mut session = origin.play(HLS).sink(sink);
    session.run(Some(at(60_000)));
    for (asked, url) in log.borrow().iter().zip(urls.borrow().iter()).take(60) {
        println!("{:?} {} {}", asked.at, url.1, asked.status);
    }
    for event in session.events() {
        match event {
            Event::Decision(d) => {
                println!("{:?} {:?} {:?} {:?} {:?} {:?}", d.at, d.position, d.what, d.from, d.to, d.why)
            }
            other => println!("{other:?}"),
        }
    }
    println!("{:?}", session.engine().snapshot(session.now()));
    println!("{:?}", session.engine().qoe(session.now()).latency);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    every_sample_once(&session, TrackKind::Audio);
}
