//! A session in virtual time.

use std::path::Path;

use telecine::{Fetcher, ThroughputStore};
use telecine_engine::{Command, Engine, Event, KeySetup};
use telecine_model::{Error, ErrorCode, Handling, MediaTime, Timestamp, WallTime};
use telecine_virtual::{Network, Outcome, Session, Source};

use super::sinks::Chosen;
use super::watch::{Ended, Next, Watch, LOOK_EVERY};
use super::NORMAL;
use crate::report;

/// Steps of a session before it is thought to be at a standstill: live titles with parts take some five million a day.
const STEPS: u64 = 1_000_000_000;

/// What to play, and from where.
pub(super) struct Title<'a, S> {
    pub(super) url: &'a str,
    pub(super) start: Option<MediaTime>,
    /// Playback speed in thousandths.
    pub(super) rate: u32,
    pub(super) source: S,
    /// What the wall clock shows when the session begins.
    pub(super) clock: Option<WallTime>,
    /// What the source fetches with, if it fetches: it knows what was read past.
    pub(super) fetcher: Option<&'a Fetcher>,
    /// What protected titles are played with.
    pub(super) keys: KeySetup,
    /// Where what the network gave is kept: of the model, whose kind nobody knows.
    pub(super) remember: Option<&'a Path>,
}

/// What playback does not mind.
fn skipped_at(at: Timestamp, error: Error) -> Event {
    Event::Error { at, error: error.recovered(Handling::Skipped) }
}

/// Plays a title over a modelled network.
pub(super) fn play<S: Source>(
    title: Title<'_, S>,
    network: Network,
    mut config: telecine_engine::Config,
    sink: Chosen,
    mut watch: Watch<'_>,
) -> Result<Ended, Error> {
    let skipped = || title.fetcher.map_or(0, Fetcher::skipped_bytes);
    let load = Command::Load { url: title.url.to_owned(), start: title.start };
    let store = title.remember.map(ThroughputStore::new);
    match store.as_ref().map_or(Ok(None), ThroughputStore::load) {
        Ok(memory) => config.memory = memory,
        Err(error) => watch.event(&skipped_at(Timestamp::ZERO, error))?,
    }
    let mut engine = Engine::new(config);
    engine.set_keys(title.keys);
    let mut session = Session::with_engine(engine, title.source, Timestamp::ZERO)
        .sink(sink.into_sink(watch.tally()))
        .network(network)
        .step_limit(STEPS)
        .at(Timestamp::ZERO, load)
        .at(Timestamp::ZERO, Command::Play);
    if let Some(clock) = title.clock {
        session = session.wall_clock(clock);
    }
    if title.rate != NORMAL {
        session.schedule(Timestamp::ZERO, Command::SetRate(title.rate));
    }
    let mut stopping = false;
    let mut next = Timestamp::ZERO;
    loop {
        let outcome = session.run_to_state(next);
        // Nothing is kept here: sessions of live titles last for days.
        for event in session.take_events() {
            watch.event(&event)?;
        }
        drop(session.take_series());
        watch.recorded(&session.take_recording())?;
        // A session that is over holds nothing any more that could be looked at.
        let (now, engine) = (session.now(), session.engine());
        let received = || engine.qoe(now).read_past(skipped()).bytes_fetched;
        if let Some(title) = engine.presentation().filter(|_| watch.wants_title()) {
            watch.title(title)?;
        }
        let then = match watch.is_over() {
            false => watch.look(now, &session.programme().snapshot(now), received())?,
            true => Next::Look(LOOK_EVERY),
        };
        match (outcome, then) {
            (Outcome::Until, Next::Stop) if !stopping => {
                stopping = true;
                session.schedule(session.now(), Command::Stop);
            }
            (Outcome::Until, Next::Look(after)) => next = now + after,
            (Outcome::Until, Next::Stop) => next = now + LOOK_EVERY,
            (outcome @ (Outcome::Stuck | Outcome::StepLimit), _) => {
                return Err(Error::new(
                    ErrorCode::InternalDefect,
                    format!("the session came to a standstill at {:.3} s ({outcome:?})", session.now().as_secs_f64()),
                ))
            }
            _ => break,
        }
    }
    let engine = session.engine();
    let memory = engine.throughput_memory();
    if let Some(Err(error)) = store.filter(|_| !memory.is_empty()).map(|store| store.save(&memory)) {
        watch.event(&skipped_at(session.now(), error))?;
    }
    watch.end(&report::Session {
        now: session.now(),
        presentation: engine.presentation(),
        qoe: session.programme().qoe(session.now()).read_past(skipped()),
        tracks: session.sink_ref().tracks(),
        action_hash: engine.action_hash(),
    })
}
