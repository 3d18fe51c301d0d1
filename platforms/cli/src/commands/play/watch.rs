//! Looking at a session from outside, whichever clock it runs on: notes for the report, the
//! dashboard, the recording, and when to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use telecine_engine::{DecisionKind, Event, Snapshot, State};
use telecine_model::{Error, MediaTime, Presentation, Timestamp};

use super::outputs::Outputs;
use super::wishes;
use crate::args::{GivenKey, Play};
use crate::dashboard::Dashboard;
use crate::output;
use crate::report::{Collector, Note, Report, Session, Setup, Tally};

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
    /// What is of no use where the live edge is not followed was told.
    edge_told: bool,
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
        let tally = Tally::of_keys(args.key.iter().filter_map(GivenKey::kid));
        Self {
            args,
            network,
            told: false,
            edge_told: false,
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
        self.dashboard.event(event)?;
        match event {
            Event::Decision(decision) if decision.what == DecisionKind::Latency => {
                let wanted = decision.from.as_deref().unwrap_or_default();
                let got = decision.to.as_deref().unwrap_or_default();
                let message = format!("{got} are aimed at instead: {}", decision.why.join("; "));
                let whose = if self.args.latency.is_some() { "--latency" } else { "the title's latency of" };
                self.note(Note::new(format!("{whose} {wanted}"), message))
            }
            _ => Ok(()),
        }
    }

    /// Whether the title is known and has not been looked at yet.
    pub(super) fn wants_title(&self) -> bool {
        self.notes.is_loaded() && !self.told
    }

    /// Looks at the title: what of the wishes for it cannot be fulfilled is said.
    pub(super) fn title(&mut self, title: &Presentation) -> Result<(), Error> {
        self.told = true;
        wishes::something_to_play(self.args, self.notes.is_live())?;
        let of_session = wishes::of_session(self.args, self.network.unwrap_or("unshaped"));
        for note in of_session.into_iter().chain(wishes::unmet(self.args, title)) {
            self.note(note)?;
        }
        Ok(())
    }

    fn note(&mut self, note: Note) -> Result<(), Error> {
        self.dashboard.note(&note)?;
        self.notes.note(note);
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
        if let Some(edge) = snapshot.edge.as_ref().filter(|_| !self.edge_told && snapshot.state == State::Playing) {
            self.edge_told = true;
            let options =
                [("--latency", self.args.latency.is_some()), ("--max-latency", self.args.max_latency.is_some())];
            for (option, _) in options.into_iter().filter(|(_, given)| *given && !edge.following) {
                let message =
                    "playback begins in the past: the live edge is not followed, and nothing is too late there";
                self.note(Note::new(option, message))?;
            }
        }
        let left = self.args.until.map(|until| self.notes.end(until) - snapshot.position);
        // A session that nobody reads and that leaves nothing behind is of no use (`telecine play | head`).
        let for_nobody = output::reader_is_gone() && self.outputs.is_empty();
        if left.is_some_and(|left| left <= MediaTime::ZERO) || for_nobody || self.interrupted.load(Ordering::SeqCst) {
            return Ok(Next::Stop);
        }
        Ok(Next::Look(next_look(snapshot.state, left, self.args.rate)))
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
        // What a session that failed would have used, nobody knows.
        if let Some(title) = session.presentation.filter(|_| self.notes.fatal().is_none()) {
            for note in wishes::unused(self.args, title, &self.notes.protection()) {
                self.note(note)?;
            }
        }
        self.dashboard.close(self.notes.state())?;
        let fatal = self.notes.fatal().cloned();
        let mut report = self.notes.finish(session);
        let fatal = fatal.or_else(|| report.refuse_start());
        Ok(Ended { report, fatal, outputs: self.outputs })
    }
}

/// How long until the next look, with so much media `left` to where playback is to stop, at a speed in thousandths.
fn next_look(state: State, left: Option<MediaTime>, rate: u32) -> Duration {
    // A playhead that stands arrives nowhere. Whenever it begins to move, it is looked at.
    let left = left.filter(|_| state == State::Playing);
    // At normal speed the playhead needs as long as the media lasts.
    let left = left.map(|left| span(left.mul_ratio(1000, i64::from(rate))));
    left.map_or(LOOK_EVERY, |left| left.clamp(A_MOMENT, LOOK_EVERY))
}

/// A span of media in time that passes: whole microseconds, rounded up, so that the playhead is there then.
fn span(media: MediaTime) -> Duration {
    let whole = media.as_micros();
    let more = i64::from(MediaTime::from_micros(whole) < media);
    Duration::from_micros(u64::try_from(whole.saturating_add(more)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::NORMAL;
    use super::*;

    #[test]
    fn a_span_is_exact_or_the_next_microsecond() {
        assert_eq!(span(MediaTime::from_millis(2_500)), Duration::from_millis(2_500));
        let third = MediaTime::from_ticks(1, telecine_model::Timescale::new(3).expect("three"));
        assert_eq!(span(third), Duration::from_micros(333_334));
        assert_eq!(span(MediaTime::from_secs(-1)), Duration::ZERO);
    }

    #[test]
    fn looks_meet_a_moving_playhead_within_a_microsecond_of_where_it_is_to_stop() {
        for (until, rate) in [(1_500_000, 1000), (7_333_700, 1000), (1_500_001, 1500), (100, 250), (49_999, 4000)] {
            let until = MediaTime::from_micros(until);
            let position = |passed: Duration| MediaTime::from_duration(passed).mul_ratio(i64::from(rate), 1000);
            let (mut passed, mut looks) = (Duration::ZERO, 0);
            while position(passed) < until {
                passed += next_look(State::Playing, Some(until - position(passed)), rate);
                looks += 1;
            }
            let a_microsecond_before = passed.saturating_sub(Duration::from_micros(1));
            assert!(position(a_microsecond_before) < until, "{until} at {rate}: {passed:?}");
            // One each 50 ms; the last may need two, where a rate does not divide.
            assert!(looks <= passed.as_millis() / 50 + 2, "{until} at {rate}: {looks} in {passed:?}");
        }
    }

    #[test]
    fn a_standing_playhead_is_looked_at_no_more_often_just_before_where_it_is_to_stop() {
        let left = Some(MediaTime::from_micros(1));
        assert_eq!(next_look(State::Playing, left, NORMAL), A_MOMENT);
        for state in [State::Loading, State::Preparing, State::Ready, State::Paused, State::Rebuffering, State::Seeking]
        {
            assert_eq!(next_look(state, left, NORMAL), LOOK_EVERY, "{state:?}");
        }
        assert_eq!(next_look(State::Playing, None, NORMAL), LOOK_EVERY);
    }
}
