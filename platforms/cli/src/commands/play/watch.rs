//! Looking at a session from outside, whichever clock it runs on: notes for the report, the
//! dashboard, the recording, and when to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use telecine_engine::{Event, Snapshot, State};
use telecine_model::{Error, MediaTime, Presentation, Timestamp};

use super::outputs::Outputs;
use super::wishes;
use crate::args::Play;
use crate::dashboard::Dashboard;
use crate::output;
use crate::report::{Collector, Report, Session, Setup, Tally};

/// Time goes on between two looks, however little is left.
const A_MOMENT: Duration = Duration::from_micros(1);

/// How often a session is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// After so long a look goes into the report and on the screen again.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Watches one session.
pub(super) struct Watch<'a> {
    args: &'a Play,
    network: Option<&'a str>,
    /// What the title cannot give was told.
    told: bool,
    notes: Collector,
    tally: Tally,
    dashboard: Dashboard,
    outputs: Outputs,
    interrupted: Arc<AtomicBool>,
    next_sample: Timestamp,
}

/// What is to become of a session that was looked at.
pub(super) enum Next {
    /// It is to be stopped now.
    Stop,
    /// It is to be looked at again, after so long at most.
    Look(Duration),
}

/// A session that is over.
pub(super) struct Ended {
    pub(super) report: Report,
    /// What ended it, if it was an error.
    pub(super) fatal: Option<Error>,
    pub(super) outputs: Outputs,
}

impl<'a> Watch<'a> {
    /// Of a session over a network that is shaped or modelled as `network` says.
    pub(super) fn new(
        url: &str,
        setup: Setup,
        args: &'a Play,
        network: Option<&'a str>,
        outputs: Outputs,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        let tally = Tally::default();
        Self {
            args,
            network,
            told: false,
            notes: Collector::new(url, setup, tally.clone()),
            tally,
            dashboard: Dashboard::new(args.json),
            outputs,
            interrupted,
            next_sample: Timestamp::ZERO,
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

    /// Whether the title is known and has not been looked at yet.
    pub(super) fn wants_title(&self) -> bool {
        self.notes.is_loaded() && !self.told
    }

    /// Looks at the title: what of the wishes for it cannot be fulfilled is said.
    pub(super) fn title(&mut self, title: &Presentation) -> Result<(), Error> {
        self.told = true;
        let of_session = wishes::of_session(self.args, self.network.unwrap_or("unshaped"));
        for note in of_session.into_iter().chain(wishes::unmet(self.args, title)) {
            self.dashboard.note(&note)?;
            self.notes.note(note);
        }
        Ok(())
    }

    /// Looks at the session, by when so many bytes came. It has to be looked at again when its state changes, too: the
    /// playhead may move then.
    pub(super) fn look(&mut self, at: Timestamp, snapshot: &Snapshot, received: u64) -> Result<Next, Error> {
        if at >= self.next_sample {
            self.next_sample = at + SAMPLE_EVERY;
            self.notes.sample(at, snapshot, received);
            self.dashboard.sample(at, snapshot)?;
        }
        let left = self.args.until.map(|until| until - snapshot.position);
        // A session that nobody reads and that leaves nothing behind is of no use (`telecine play | head`).
        let for_nobody = output::reader_is_gone() && self.outputs.is_empty();
        if left.is_some_and(|left| left <= MediaTime::ZERO) || for_nobody || self.interrupted.load(Ordering::SeqCst) {
            return Ok(Next::Stop);
        }
        // At normal speed the playhead needs as long as the media lasts, once it moves.
        let left = left
            .filter(|_| snapshot.state == State::Playing)
            .map(|left| left.mul_ratio(1000, i64::from(self.args.rate)));
        Ok(Next::Look(left.map_or(LOOK_EVERY, |left| span(left).clamp(A_MOMENT, LOOK_EVERY))))
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

/// A span of media in time that passes: whole microseconds, rounded up, so that the playhead is there then.
fn span(media: MediaTime) -> Duration {
    let whole = media.as_micros();
    let more = i64::from(MediaTime::from_micros(whole) < media);
    Duration::from_micros(u64::try_from(whole.saturating_add(more)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_exact_or_the_next_microsecond() {
        assert_eq!(span(MediaTime::from_millis(2_500)), Duration::from_millis(2_500));
        let third = MediaTime::from_ticks(1, telecine_model::Timescale::new(3).expect("three"));
        assert_eq!(span(third), Duration::from_micros(333_334));
        assert_eq!(span(MediaTime::from_secs(-1)), Duration::ZERO);
    }
}
