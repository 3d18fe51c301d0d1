//! The playhead and the state of playback.

use std::time::Duration;

use telecine_model::{MediaTime, Timestamp};

use crate::event::State;

/// Who has watched for so long since the last seek stays.
const STAYS: Duration = Duration::from_secs(30);
/// Who seeks twice within so long looks for something.
const AGAIN: Duration = Duration::from_secs(90);
/// Stalls so soon after one another have the same cause.
const IN_A_ROW: Duration = Duration::from_secs(30);

/// Where the playhead is and what is wanted of it.
#[derive(Clone, Debug)]
pub(crate) struct Playback {
    pub(crate) state: State,
    /// The application wants it to run.
    pub(crate) wanted: bool,
    /// Speed in thousandths.
    pub(crate) rate_milli: u32,
    position: MediaTime,
    at: Timestamp,
    advancing: bool,
    /// A seek (or a change of track) under way.
    pub(crate) seek: Option<Seek>,
    /// Seeks that the sink was told of and has not answered.
    pub(crate) sink_seeks: u32,
    /// Something else is played until then: what is fetched has so much time more than there is media.
    pub(crate) begins: Option<Timestamp>,
    /// The playhead has moved since the title was loaded.
    pub(crate) started: bool,
    /// Since when playback stands for want of media.
    pub(crate) stalled_at: Option<Timestamp>,
    /// When it went on after that the last time.
    pub(crate) went_on: Option<Timestamp>,
    /// Stalls, each of which began soon after the one before ended.
    pub(crate) stalls_in_a_row: u32,
    /// Where playback stood last for want of media, and how often in a row it was there.
    pub(crate) stalls_here: (MediaTime, u32),
    /// Last time that the sink was seen to move, and where it was then.
    pub(crate) moved: (Timestamp, MediaTime),
    /// How often the watchdog tried to free a stuck sink since it last moved.
    pub(crate) nudges: u32,
    /// Until when a start is held back at most; None while it is not.
    pub(crate) held_until: Option<Timestamp>,
    /// The last two seeks that the viewer asked for, the last first.
    pub(crate) sought: [Option<Timestamp>; 2],
}

/// A seek under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seek {
    pub(crate) started: Timestamp,
    pub(crate) target: MediaTime,
    /// The viewer asked for it: told and counted. Else it is only how another track is come to.
    pub(crate) asked: bool,
    /// The sink said that it is there.
    pub(crate) arrived: bool,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            state: State::Idle,
            wanted: false,
            rate_milli: 1000,
            position: MediaTime::ZERO,
            at: Timestamp::ZERO,
            advancing: false,
            seek: None,
            sink_seeks: 0,
            begins: None,
            started: false,
            stalled_at: None,
            went_on: None,
            stalls_in_a_row: 0,
            stalls_here: (MediaTime::ZERO, 0),
            moved: (Timestamp::ZERO, MediaTime::ZERO),
            nudges: 0,
            held_until: None,
            sought: [None; 2],
        }
    }
}

impl Playback {
    /// The start of a session, at a speed.
    pub(crate) fn at_rate(rate_milli: u32) -> Self {
        Self { rate_milli, ..Self::default() }
    }

    /// The playhead now: what the sink last said, carried forward while it runs, never beyond
    /// `limit` (the end of what is buffered).
    pub(crate) fn position(&self, now: Timestamp, limit: MediaTime) -> MediaTime {
        if !self.advancing {
            return self.position;
        }
        let passed = MediaTime::from_duration(now.since(self.at)).mul_ratio(i64::from(self.rate_milli), 1000);
        (self.position + passed).min(limit.max(self.position))
    }

    /// Notes where the playhead is and whether it moves.
    pub(crate) fn place(&mut self, position: MediaTime, advancing: bool, now: Timestamp) {
        self.position = position;
        self.at = now;
        self.advancing = advancing;
    }

    /// How long something else is played yet before the playhead moves.
    pub(crate) fn wait(&self, now: Timestamp) -> Duration {
        self.begins.map_or(Duration::ZERO, |begins| begins.since(now))
    }

    /// Whether it moves, as far as is known.
    pub(crate) fn is_advancing(&self) -> bool {
        self.advancing
    }

    /// Playback stands for want of media.
    pub(crate) fn note_stall(&mut self, now: Timestamp) {
        let again = self.went_on.is_some_and(|went_on| now.since(went_on) < IN_A_ROW);
        self.stalls_in_a_row = if again { self.stalls_in_a_row.saturating_add(1) } else { 1 };
        self.stalled_at = Some(now);
    }

    /// The viewer seeks.
    pub(crate) fn note_seek(&mut self, now: Timestamp) {
        self.sought = [Some(now), self.sought[0]];
    }

    /// Whether the viewer seeks again and again, and has just done so.
    pub(crate) fn is_restless(&self, now: Timestamp) -> bool {
        let within = |at: Option<Timestamp>, span: Duration| at.is_some_and(|at| now.since(at) < span);
        within(self.sought[0], STAYS) && within(self.sought[1], AGAIN)
    }

    /// True while a title is loaded and has not come to its end in one way or another.
    pub(crate) fn is_active(&self) -> bool {
        !matches!(self.state, State::Idle | State::Ended | State::Failed | State::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_playhead_is_carried_forward_at_its_rate_up_to_the_end_of_the_buffer() {
        let mut playback = Playback { rate_milli: 1500, ..Playback::default() };
        playback.place(MediaTime::from_secs(10), true, Timestamp::from_millis(1000));
        let limit = MediaTime::from_secs(20);
        assert_eq!(playback.position(Timestamp::from_millis(3000), limit), MediaTime::from_secs(13));
        assert_eq!(playback.position(Timestamp::from_millis(60_000), limit), limit);
        playback.place(MediaTime::from_secs(13), false, Timestamp::from_millis(3000));
        assert_eq!(playback.position(Timestamp::from_millis(60_000), limit), MediaTime::from_secs(13));
    }
}
