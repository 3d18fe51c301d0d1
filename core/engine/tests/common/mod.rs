//! What the behaviour tests share.
#![allow(dead_code, unreachable_pub, clippy::expect_used)] // Each test file uses its part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use telecine_abr::{Answer, DualEwma, Estimate, Estimator, TransferId, TransferSample};
use telecine_engine::{Config, Decision, DecisionKind, Event, Policies, State, TrackStats};
use telecine_model::{Error, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::Session;

pub fn secs(s: i64) -> MediaTime {
    MediaTime::from_secs(s)
}

pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A session of a synthetic title over a comfortable line.
pub fn session(title: SyntheticTitle, file: &str) -> Session<SyntheticTitle> {
    session_with(Config::default(), title, file, "rate=8Mbps,rtt=40ms")
}

pub fn session_with(config: Config, title: SyntheticTitle, file: &str, network: &str) -> Session<SyntheticTitle> {
    Session::new(config, title)
        .network(network.parse().expect("a network"))
        .play(format!("https://title.example/{file}"))
}

pub fn track<S: telecine_virtual::Source>(session: &Session<S>, kind: TrackKind) -> TrackStats {
    session.sink_ref().tracks().into_iter().find(|track| track.kind == kind).expect("the track was played")
}

pub fn errors<S: telecine_virtual::Source>(session: &Session<S>) -> Vec<Error> {
    session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Error { error, .. } => Some(error.clone()),
            _ => None,
        })
        .collect()
}

pub fn decisions<S: telecine_virtual::Source>(session: &Session<S>, what: DecisionKind) -> Vec<Decision> {
    session.decisions().filter(|decision| decision.what == what).cloned().collect()
}

pub fn states<S: telecine_virtual::Source>(session: &Session<S>) -> Vec<State> {
    session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        })
        .collect()
}

/// What an estimator was told, transfer by transfer; None where its end was never told.
pub type Told = Arc<Mutex<BTreeMap<u64, Option<TransferSample>>>>;

/// The default estimator, and what it is told.
pub struct Overheard {
    estimator: DualEwma,
    told: Told,
}

/// Policies whose estimator is overheard.
pub fn overheard(config: &Config) -> (Policies, Told) {
    let told = Told::default();
    let mut policies = Policies::new(config);
    policies.estimator = Box::new(Overheard { estimator: DualEwma::new(), told: Arc::clone(&told) });
    (policies, told)
}

impl Overheard {
    fn note(&self, transfer: TransferId, sample: Option<TransferSample>) {
        let mut told = self.told.lock().expect("whole");
        let entry = told.entry(transfer.0).or_default();
        *entry = sample.or(*entry);
    }
}

impl Estimator for Overheard {
    fn name(&self) -> &'static str {
        "overheard"
    }

    fn on_answer(&mut self, transfer: TransferId, answer: &Answer<'_>, now: Timestamp) {
        self.note(transfer, None);
        self.estimator.on_answer(transfer, answer, now);
    }

    fn on_progress(&mut self, transfer: TransferId, bytes: u64, now: Timestamp) {
        self.note(transfer, None);
        self.estimator.on_progress(transfer, bytes, now);
    }

    fn on_paced(&mut self, transfer: TransferId) {
        self.note(transfer, None);
        self.estimator.on_paced(transfer);
    }

    fn on_late(&mut self, transfer: TransferId, now: Timestamp) {
        self.note(transfer, None);
        self.estimator.on_late(transfer, now);
    }

    fn on_held_up(&mut self, transfer: TransferId) {
        self.note(transfer, None);
        self.estimator.on_held_up(transfer);
    }

    fn on_chunk(&mut self, transfer: TransferId, end: u64) {
        self.note(transfer, None);
        self.estimator.on_chunk(transfer, end);
    }

    fn on_transfer(&mut self, sample: &TransferSample) {
        self.note(sample.id, Some(*sample));
        self.estimator.on_transfer(sample);
    }

    fn estimate(&self) -> Option<Estimate> {
        self.estimator.estimate()
    }

    fn estimate_of(&self, asked: &str) -> Option<Estimate> {
        self.estimator.estimate_of(asked)
    }
}
