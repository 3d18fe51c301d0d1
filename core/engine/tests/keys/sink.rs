//! A sink that keeps what it gets.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use telecine_engine::{Capabilities, Payload, Sink, SinkCommand, SinkReport, TrackStats};
use telecine_model::{Timestamp, TrackKind};
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

/// Keeps samples and what initialisation sections say of them.
#[derive(Default)]
pub(crate) struct Keeping {
    inner: ModelSink,
    pub(crate) shelf: Shelf,
}

impl Sink for Keeping {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        match &command {
            SinkCommand::Configure(config) => {
                let tracks = config.init.iter().flat_map(|init| &init.tracks);
                self.shelf.get().tracks.extend(tracks.map(|track| track.encryption.is_some()));
            }
            SinkCommand::Append(append) => {
                if let Payload::Fragment(fragment) = &append.payload {
                    let samples = fragment.tracks.iter().flat_map(|track| &track.samples);
                    let bytes = samples.map(|sample| (append.kind, fragment.sample(sample).expect("inside")));
                    self.shelf.get().samples.extend(bytes);
                }
            }
            _ => {}
        }
        self.inner.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        self.inner.poll(now)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.inner.deadline()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.inner.tracks()
    }
}
