//! A sink that keeps what it gets.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use telecine_engine::{Observed, Payload, Sink, SinkCommand};
use telecine_model::TrackKind;
use telecine_virtual::ModelSink;

/// What a sink got.
#[derive(Default)]
pub(crate) struct Kept {
    /// Every sample, in order.
    pub(crate) samples: Vec<(TrackKind, Bytes)>,
    /// Whether it is protected, of each track of each initialisation section.
    pub(crate) tracks: Vec<bool>,
}

/// What a sink keeps, for a test that has given it away.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Kept>>);

impl Shelf {
    pub(crate) fn get(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("one thread")
    }
}

/// A sink that keeps samples and what initialisation sections say of them, and where it keeps them.
pub(crate) fn keeping() -> (impl Sink, Shelf) {
    let shelf = Shelf::default();
    let kept = shelf.clone();
    let keep = move |command: &SinkCommand| match command {
        SinkCommand::Configure(config) => {
            let tracks = config.init.iter().flat_map(|init| &init.tracks);
            kept.get().tracks.extend(tracks.map(|track| track.encryption.is_some()));
        }
        SinkCommand::Append(append) => {
            if let Payload::Fragment(fragment) = &append.payload {
                let samples = fragment.tracks.iter().flat_map(|track| &track.samples);
                let bytes = samples.map(|sample| (append.kind, fragment.sample(sample).expect("inside")));
                kept.get().samples.extend(bytes);
            }
        }
        _ => {}
    };
    (Observed::new(ModelSink::default(), keep), shelf)
}
