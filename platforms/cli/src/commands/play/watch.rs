//! Looking at a session from outside, whichever clock it runs on: notes for the report, the
//! dashboard, the recording, and when to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use telecine_engine::{Event, Snapshot, State};
use telecine_model::{Error, MediaTime, Timestamp};

use super::outputs::Outputs;
use crate::args::Play;
use crate::dashboard::Dashboard;
use crate::report::{Collector, Report, Session, Setup, Tally};

/// How often a session is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Every so many looks, one goes into the report and on the screen.
const LOOKS_PER_SAMPLE: u64 = 5;

/// Watches one session.
pub(super) struct Watch {
    notes: Collector,
    tally: Tally,
    dashboard: Dashboard,
    outputs: Outputs,
    until: Option<MediaTime>,
    interrupted: Arc<AtomicBool>,
    looks: u64,
}

/// A session that is over.
pub(super) struct Ended {
    pub(super) report: Report,
    /// What ended it, if it was an error.
    pub(super) fatal: Option<Error>,
    pub(super) outputs: Outputs,
}

impl Watch {
    pub(super) fn new(url: &str, setup: Setup, args: &Play, outputs: Outputs, interrupted: Arc<AtomicBool>) -> Self {
        let tally = Tally::default();
        Self {
            notes: Collector::new(url, setup, tally.clone()),
            tally,
            dashboard: Dashboard::new(args.json),
            outputs,
            until: args.until,
            interrupted,
            looks: 0,
        }
    }

    /// What the session's sink has to count in.
    pub(super) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Notes and shows an event.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), Error> {
        self.notes.event(event);
        self.dashboard.event(event)
    }

    /// Looks at the session, by when so many bytes came; true if it is to be stopped.
    pub(super) fn look(&mut self, at: Timestamp, snapshot: &Snapshot, received: u64) -> Result<bool, Error> {
        if self.looks.is_multiple_of(LOOKS_PER_SAMPLE) {
            self.notes.sample(at, snapshot, received);
            self.dashboard.sample(at, snapshot)?;
        }
        self.looks += 1;
        let far_enough = self.until.is_some_and(|until| snapshot.position >= until);
        Ok(far_enough || self.interrupted.load(Ordering::SeqCst))
    }

    /// Keeps what was recorded.
    pub(super) fn recorded(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.outputs.recorded(bytes)
    }

    /// Whether the session is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.notes.state(), State::Ended | State::Failed | State::Stopped)
    }

    /// The session is over.
    pub(super) fn end(mut self, session: &Session<'_>) -> Result<Ended, Error> {
        self.dashboard.close(self.notes.state())?;
        let fatal = self.notes.fatal().cloned();
        Ok(Ended { report: self.notes.finish(session), fatal, outputs: self.outputs })
    }
}
