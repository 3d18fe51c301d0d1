//! Where the viewer waits for media though no engine says so: in a break, and behind it until the title is there.

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};
use telecine_telemetry::{QoeState, QoeSummary};

use super::Programme;
use crate::control::micros;
use crate::event::{Event, StallCause, State};

/// What a viewer does not see: from one engine to the next there may be a moment in which neither plays.
const UNSEEN: Duration = Duration::from_millis(100);

/// For how long the viewer stood in breaks, or behind them.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Since when nothing is shown.
    since: Option<Timestamp>,
    /// That is told.
    told: bool,
    /// The title goes on, and is not there yet.
    pub(super) returning: bool,
    stalls: u64,
    stood: Duration,
}

impl Standing {
    /// Stalls so far and how long they were together, up to `now`.
    fn sum(&self, now: Timestamp) -> (u64, Duration) {
        let open = self.since.filter(|_| self.told).map_or(Duration::ZERO, |since| now.since(since));
        (self.stalls, self.stood + open)
    }
}

impl Programme {
    /// Quality of experience so far, breaks included where the viewer waited in them.
    pub fn qoe(&self, now: Timestamp) -> QoeSummary {
        let mut summary = self.main.qoe(now);
        let (stalls, stood) = self.standing.sum(now.max(self.now));
        if stalls == 0 {
            return summary;
        }
        summary.stalls += stalls;
        summary.stalled += stood;
        let spent = |state| summary.states.get(&state).copied().unwrap_or_default();
        let shown = spent(QoeState::Playing) + spent(QoeState::Joining) + spent(QoeState::Seeking);
        let ratio = (summary.stalled.as_micros() * 1_000_000).checked_div((shown + summary.stalled).as_micros());
        summary.stall_ratio_micro = ratio.and_then(|ratio| u64::try_from(ratio).ok()).unwrap_or(u64::MAX);
        summary
    }

    /// Sees whether the viewer waits, and tells that.
    pub(super) fn follow_standing(&mut self) {
        let in_break = self.pause.as_ref().is_some_and(|pause| pause.on);
        let waits = match self.state {
            State::Rebuffering => in_break,
            State::Loading | State::Preparing | State::Ready | State::Seeking => {
                !in_break && self.standing.returning && self.main.playback.stalled_at.is_none()
            }
            _ => false,
        };
        if !in_break && !matches!(self.state, State::Loading | State::Preparing | State::Ready | State::Seeking) {
            self.standing.returning = false;
        }
        match (waits && self.wanted, self.standing.since) {
            (true, None) => self.standing.since = Some(self.now),
            (true, Some(since)) if !self.standing.told && self.now.since(since) >= UNSEEN => {
                self.standing.told = true;
                self.standing.stalls += 1;
                let cause = self.standing_cause();
                self.emit(Event::StallStarted { at: self.now, position: self.stands_at(), cause });
            }
            (true, Some(_)) => {}
            (false, Some(since)) => {
                self.standing.since = None;
                if std::mem::take(&mut self.standing.told) {
                    let stood = self.now.since(since);
                    self.standing.stood += stood;
                    self.emit(Event::StallEnded { at: self.now, stood_us: micros(stood) });
                }
            }
            (false, None) => {}
        }
        if let Some(since) = self.standing.since.filter(|_| !self.standing.told) {
            self.wake(since + UNSEEN);
        }
    }

    fn stands_at(&self) -> MediaTime {
        self.pause.as_ref().map_or_else(|| self.main_needs(), |pause| pause.cut)
    }

    fn standing_cause(&self) -> StallCause {
        let roll = self.pause.as_ref().filter(|pause| pause.on).and_then(|pause| pause.rolls.front());
        roll.map_or_else(|| self.main.stall_cause(), |roll| roll.engine.stall_cause())
    }
}
