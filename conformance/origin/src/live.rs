//! A programme that goes on: which of its segments there are at a moment.
//!
//! A live programme begins at `start_<seconds>` and repeats its title for ever, or until `stop_<seconds>`. A segment is
//! there once it has ended, and is named as long as it reaches into the window. What is answered is a function of the URL and
//! the time, and `?nowMS=` takes the place of the clock.

use std::cmp::Ordering;
use std::fmt;

use crate::options::{number, LONGEST_SECONDS};
use crate::programme::{fragment, start};
use crate::title::{Ticks, Title, Track};

/// `live_<seconds>` and what belongs to it. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    /// How long a segment stays.
    window: u64,
    start: u64,
    stop: Option<u64>,
    /// `event_1`: an HLS EVENT playlist, which keeps all from its start.
    pub(crate) event: bool,
    /// `mup_<seconds>`: `MPD@minimumUpdatePeriod`.
    pub(crate) update_period: Option<u64>,
    /// `spd_<seconds>`: `MPD@suggestedPresentationDelay`, and HLS `HOLD-BACK`.
    pub(crate) delay: Option<u64>,
    /// `utc_<scheme>[-<scheme>…]`: `UTCTiming`, in this order.
    pub(crate) clocks: Vec<Clock>,
}

/// The ways to learn the time that an MPD offers (ISO/IEC 23009-1, 5.8.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The time itself.
    Direct,
    /// The `Date` of an answer to HEAD.
    Head,
    /// `xs:dateTime` in a body.
    XsDate,
    /// ISO 8601 in a body.
    Iso,
}

impl Clock {
    const ALL: [Self; 4] = [Self::Direct, Self::Head, Self::XsDate, Self::Iso];

    /// As the URL names it.
    const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Head => "head",
            Self::XsDate => "xsdate",
            Self::Iso => "iso",
        }
    }

    /// `UTCTiming@schemeIdUri`.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Direct => "urn:mpeg:dash:utc:direct:2014",
            Self::Head => "urn:mpeg:dash:utc:http-head:2014",
            Self::XsDate => "urn:mpeg:dash:utc:http-xsdate:2014",
            Self::Iso => "urn:mpeg:dash:utc:http-iso:2014",
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self { window: 60, start: 0, stop: None, event: false, update_period: None, delay: None, clocks: Vec::new() }
    }
}

/// The latest time that a URL can name: the end of the year 9999.
const LATEST: u64 = 253_402_300_799;

impl Live {
    /// Sets one of its options: None if it is none of them, `Some(None)` if the value cannot be used.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Option<()>> {
        let done = match name {
            "live" => number(value, 4..=86_400).map(|n| self.window = n),
            "start" => number(value, 0..=LATEST).map(|n| self.start = n),
            "stop" => number(value, 0..=LATEST).map(|n| self.stop = Some(n)),
            "event" => crate::options::switch(value).map(|on| self.event = on),
            "mup" => number(value, 0..=3600).map(|n| self.update_period = Some(n)),
            "spd" => number(value, 1..=3600).map(|n| self.delay = Some(n)),
            "utc" => {
                let clock = |name: &str| Clock::ALL.into_iter().find(|clock| clock.name() == name);
                value.split('-').map(clock).collect::<Option<Vec<_>>>().map(|clocks| self.clocks = clocks)
            }
            _ => return None,
        };
        Some(done)
    }

    /// When it begins.
    pub(crate) fn start(&self) -> Moment {
        Moment(self.start.saturating_mul(1000))
    }

    /// What does not make sense together.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self.stop {
            Some(stop) if stop <= self.start => Some("stop_ is not behind start_"),
            _ if self.event && self.start == 0 => Some("event_1 keeps everything: say since when, with start_"),
            _ => None,
        }
    }

    /// Whether it will end.
    pub(crate) fn has_stop(&self) -> bool {
        self.stop.is_some()
    }

    /// Whether the title can go on for ever: its renditions are equally long and have as many segments, so that they stay
    /// together and what lies beside a segment is known by its number.
    pub(crate) fn can_repeat(title: &Title) -> bool {
        let length = |track: &Track| Ticks { ticks: track.period, timescale: track.timescale };
        let first = length(title.reference());
        let count = title.reference().fragments.len();
        let alike = |track: &Track| length(track).compare(first) == Ordering::Equal && track.fragments.len() == count;
        title.tracks.iter().all(|track| alike(track))
    }

    /// What there is of it at a moment; None before it begins.
    pub(crate) fn at(&self, now: Moment) -> Option<Edge> {
        let stop = self.stop.map(|stop| stop.saturating_mul(1000));
        let until = stop.map_or(now.0, |stop| stop.min(now.0));
        let elapsed_ms = until.checked_sub(self.start().0)?;
        // A day is the longest that is named at once, as of titles with an end.
        let window_ms = if self.event { elapsed_ms.min(LONGEST_SECONDS * 1000) } else { self.window * 1000 };
        Some(Edge { now, elapsed_ms, window_ms, over: stop.is_some_and(|stop| stop <= now.0) })
    }

    /// How long a segment stays.
    pub(crate) fn window(&self) -> Ticks {
        Ticks { ticks: self.window, timescale: 1 }
    }
}

/// A live programme at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The moment.
    pub(crate) now: Moment,
    /// How long the programme has been on.
    elapsed_ms: u64,
    window_ms: u64,
    /// It goes on no more.
    pub(crate) over: bool,
}

impl Edge {
    /// The segments of a rendition that have ended: so many, counted from the start of the programme.
    pub(crate) fn ended(&self, track: &Track) -> u64 {
        let limit = Ticks { ticks: self.elapsed_ms, timescale: 1000 };
        let each = track.fragments.len() as u64;
        // One repetition early, because a segment may reach into the next.
        let from = (limit.floor_in(track.timescale) / track.period).saturating_sub(1) * each;
        let end = |n: u64| Ticks { ticks: start(track, n) + fragment(track, n).duration, timescale: track.timescale };
        from + (from..).take_while(|n| end(*n).compare(limit) != Ordering::Greater).count() as u64
    }

    /// The first segment of a rendition that reaches into the window.
    pub(crate) fn first(&self, track: &Track) -> u64 {
        self.left(track, self.window_ms)
    }

    /// The first segment of a rendition that is served still: who has read its name a moment ago gets it.
    pub(crate) fn served_from(&self, track: &Track) -> u64 {
        self.left(track, self.window_ms.saturating_mul(2))
    }

    /// How many segments ended longer ago than this.
    fn left(&self, track: &Track, ms: u64) -> u64 {
        Self { elapsed_ms: self.elapsed_ms.saturating_sub(ms), ..*self }.ended(track)
    }

    /// What a manifest depends on, for its validator: it says when it was made.
    pub(crate) fn digest(&self) -> u64 {
        self.now.0
    }
}

/// Milliseconds since 1970, written as `xs:dateTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// No later than what a date can name.
    pub(crate) fn at(ms: u64) -> Self {
        Self(ms.min(LATEST * 1000))
    }

    /// So much later.
    pub(crate) fn after(self, time: Ticks) -> Self {
        Self(self.0.saturating_add(time.floor_in(1000)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / 86_400_000, self.0 % 86_400_000);
        // Days to a date by eras of 400 years that begin in March.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let date = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_780_496_007, "2026-11-27T11:54:56.007Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Moment(ms).to_string(), text);
        }
    }

    #[test]
    fn a_segment_is_there_when_it_has_ended_and_as_long_as_it_reaches_into_the_window() {
        let title = Title::demo();
        let live = Live { window: 10, start: 1_000, ..Live::default() };
        assert_eq!(live.at(Moment(999_999)), None);
        // Two seconds each.
        for (now, first, ended) in
            [(0, 0, 0), (1_999, 0, 0), (2_000, 0, 1), (11_999, 0, 5), (12_000, 1, 6), (86_400_000, 43_195, 43_200)]
        {
            let edge = live.at(Moment(1_000_000 + now)).expect("it is on");
            assert_eq!((edge.first(title.reference()), edge.ended(title.reference())), (first, ended), "{now}");
        }
        let stopped = Live { stop: Some(1_020), ..live };
        let edge = stopped.at(Moment(5_000_000)).expect("it was on");
        assert_eq!((edge.over, edge.first(title.reference()), edge.ended(title.reference())), (true, 5, 10));
    }
}
