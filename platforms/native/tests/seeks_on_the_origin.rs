//! Random seeks while playing, on every packaging that the origin has: every sample behind the
//! target comes once, and none that the sink holds comes again.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use telecine::{BlockingSource, Command, Config, Fetcher, MediaTime, Sink, TrackKind};
use telecine_engine::{Append, Observed, Payload, SinkCommand};
use telecine_model::rng::Rng;
use telecine_model::{Timescale, Timestamp};
use telecine_origin::{Origin, OriginConfig};
use telecine_virtual::{ModelSink, Outcome, Session};

const SECONDS: i64 = 24;

/// Frames of the demo title are of one length a kind, so that a frame's number names it.
fn frame(kind: TrackKind) -> Option<(MediaTime, i64)> {
    let rate = |ticks, timescale| MediaTime::from_ticks(ticks, Timescale::new(timescale).expect("not zero"));
    match kind {
        TrackKind::Video => Some((rate(1, 25), SECONDS * 25)),
        TrackKind::Audio => Some((rate(1024, 48_000), SECONDS * 48_000 / 1024)),
        _ => None,
    }
}

/// What is held, and what ever was, by number.
#[derive(Default)]
struct Ledger {
    held: BTreeSet<(TrackKind, i64)>,
    ever: BTreeSet<(TrackKind, i64)>,
    doubled: Vec<(TrackKind, i64)>,
    timescales: BTreeMap<TrackKind, (u32, Timescale)>,
}

impl Ledger {
    fn take(&mut self, append: &Append) {
        let (Payload::Fragment(fragment), Some((length, _))) = (&append.payload, frame(append.kind)) else { return };
        let (id, timescale) = self.timescales[&append.kind];
        let samples = || fragment.tracks.iter().filter(|track| track.track_id == id).flat_map(|track| &track.samples);
        let first = samples().map(|sample| sample.pts()).min().expect("an append has samples");
        for sample in samples() {
            let time = append.start + MediaTime::from_ticks(sample.pts() - first, timescale);
            let number = (time + length.mul_ratio(1, 2)).units() / length.units();
            // A frame that two periods share is whose it came with first.
            let shared = time < append.window.0 && self.held.contains(&(append.kind, number));
            if shared || time + length <= append.window.0 || time >= append.window.1 {
                continue;
            }
            if !self.held.insert((append.kind, number)) {
                self.doubled.push((append.kind, number));
            }
            self.ever.insert((append.kind, number));
        }
    }

    fn remove(&mut self, of: TrackKind, from: MediaTime, to: MediaTime) {
        let Some((length, _)) = frame(of) else { return };
        self.held.retain(|(kind, number)| {
            let start = length.mul_ratio(*number, 1);
            *kind != of || start < from || start >= to
        });
    }
}

/// A null sink that keeps a ledger.
fn witness(ledger: &Arc<Mutex<Ledger>>) -> impl Sink {
    let ledger = Arc::clone(ledger);
    Observed::new(ModelSink::default(), move |command: &SinkCommand| {
        let mut ledger = ledger.lock().expect("one thread");
        match command {
            SinkCommand::Configure(config) => {
                let init = config.init.as_ref().expect("not a replay");
                let timescale = init.track(config.track_id).expect("the track").timescale;
                ledger.timescales.insert(config.kind, (config.track_id, timescale));
            }
            SinkCommand::Append(append) => ledger.take(append),
            SinkCommand::Remove { kind, from, to } => ledger.remove(*kind, *from, *to),
            _ => {}
        }
    })
}

#[test]
fn every_sample_behind_a_random_seek_comes_once() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = "127.0.0.1:0".parse().expect("an address");
    let origin = runtime.block_on(Origin::start(address, OriginConfig::default())).expect("an origin");
    let mut rng = Rng::new(20);
    for path in [
        "hls/dur_24/demo/main.m3u8",
        "hls/dur_24/bytes_1/demo/main.m3u8",
        "hls/dur_24/disc_7/demo/main.m3u8",
        "dash/dur_24/demo/number.mpd",
        "dash/dur_24/demo/time.mpd",
        "dash/dur_24/demo/timeline-number.mpd",
        "dash/dur_24/demo/list.mpd",
        "dash/dur_24/demo/ondemand.mpd",
        "dash/dur_24/sidx_2/demo/ondemand.mpd",
        "dash/dur_24/periods_4/demo/number.mpd",
    ] {
        let url = format!("{}/{path}", origin.url());
        for _ in 0..20 {
            let (when, target) = (300 + rng.below(12_000), MediaTime::from_millis(rng.below(23_900) as i64));
            let source = BlockingSource::new(Fetcher::new(&[]).expect("a client"), &url).expect("a runtime");
            let ledger = Arc::new(Mutex::new(Ledger::default()));
            let sink = witness(&ledger);
            // What is fetched again in a better rendition comes twice on purpose.
            let mut config = Config::default();
            config.fast_switch = false;
            let mut session = Session::new(config, source)
                .sink(sink)
                .network("rate=6Mbps,rtt=40ms".parse().expect("a network"))
                .play(&url)
                .at(Timestamp::from_millis(when), Command::Seek(target));
            let what = format!("{path}, at {when} ms to {target}");
            assert_eq!(session.run(None), Outcome::Ended, "{what}");
            let ledger = ledger.lock().expect("one thread");
            assert!(ledger.doubled.is_empty(), "{what}: {:?}", ledger.doubled);
            for kind in [TrackKind::Video, TrackKind::Audio] {
                let (length, count) = frame(kind).expect("of these kinds");
                let missing: Vec<i64> = (target.units() / length.units()..count)
                    .filter(|number| !ledger.ever.contains(&(kind, *number)))
                    .collect();
                assert!(missing.is_empty(), "{what}: {kind:?} {missing:?}");
                let beyond = ledger.ever.range((kind, count)..).take_while(|(of, _)| *of == kind).count();
                assert_eq!(beyond, 0, "{what}: {kind:?}");
            }
            assert_eq!(session.engine().qoe(session.now()).seeks, 1, "{what}");
        }
    }
}
