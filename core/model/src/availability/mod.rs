//! When the segments of a live DASH presentation can be had, and what of it can be played at a moment (ISO/IEC 23009-1,
//! 5.3.9.5; DASH-IF timing model).
//!
//! A dynamic MPD names times of the world's clock once, `@availabilityStartTime`: every point of its timeline was or will
//! be produced so much later as it lies behind zero. A segment is there when its end has been produced, or so much sooner
//! as `@availabilityTimeOffset` says; and it stays until it has left the window by its own length.
//!
//! ```
//! use telecine_model::availability::Availability;
//! use telecine_model::live::DashTiming;
//! use telecine_model::segments::{Addressing, UrlTemplate};
//! use telecine_model::{MediaTime, SegmentIndex, SegmentTable, Timescale, WallTime};
//!
//! let mut table = SegmentTable::new(Timescale::SECONDS, 1);
//! table.push_open(Some(0), 2).unwrap();
//! let template = UrlTemplate::parse("$Number$.m4s", "v", 0).unwrap();
//! let index = SegmentIndex::new(table, "https://cdn.example/".into(), Addressing::Template(template));
//! let timing = DashTiming {
//!     availability_start: Some(WallTime::from_millis(1_000_000)),
//!     time_shift_buffer_depth: Some(MediaTime::from_secs(60)),
//!     ..DashTiming::default()
//! };
//!
//! let now = WallTime::from_millis(1_100_500);
//! let availability = Availability::new(&timing, now).unwrap();
//! assert_eq!(availability.last(&index, now), Some(50));
//! assert_eq!(availability.of(&index, 51).unwrap().from, WallTime::from_millis(1_102_000));
//! assert_eq!(availability.first(&index, now), Some(20));
//! ```

mod window;

use core::time::Duration;

pub use self::window::{presentation_delay, Delay, DelayReason, LiveWindow};
use crate::clock::{ClockSample, ClockSource, WallReading};
use crate::live::DashTiming;
use crate::presentation::{Presentation, Rendition, TrackKind};
use crate::segments::{Addressing, SegmentIndex};
use crate::time::{MediaTime, Timestamp, WallTime};

/// How the timeline of a dynamic MPD lies in the world's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    /// When zero of the timeline was produced: `@availabilityStartTime`, leap seconds since then taken off (D027).
    start: WallTime,
    /// `@availabilityEndTime`: nothing can be had any more from then on (D037).
    end: Option<WallTime>,
    /// `@timeShiftBufferDepth`.
    depth: Option<MediaTime>,
}

/// When one segment can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentTimes {
    /// From when on it can be asked for.
    pub from: WallTime,
    /// When all of it is there: later than `from` where segments are offered while they are made
    /// (`@availabilityTimeComplete`, D030).
    pub complete: WallTime,
    /// Until when it can be asked for; None is for ever.
    pub until: Option<WallTime>,
}

impl SegmentTimes {
    /// Whether it can be asked for at a moment.
    pub fn is_available(&self, now: WallTime) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Segments next to each other that are looked at: what rounding can move, and overlaps.
const NEIGHBOURS: usize = 64;

impl Availability {
    /// What an MPD says, as it holds at `now`: leap seconds come and go. None without `@availabilityStartTime`.
    pub fn new(timing: &DashTiming, now: WallTime) -> Option<Self> {
        let leap = match timing.next_leap {
            Some((at, offset)) if at <= now => offset,
            _ => timing.leap_second_offset.unwrap_or(0),
        };
        Some(Self {
            start: timing.availability_start?.offset(-MediaTime::from_secs(leap)),
            end: timing.availability_end,
            depth: timing.time_shift_buffer_depth.filter(|depth| !depth.is_negative()),
        })
    }

    /// The point of the timeline that is produced at a moment: behind `@availabilityEndTime` none is.
    pub fn produced(&self, now: WallTime) -> MediaTime {
        self.end.map_or(now, |end| now.min(end)).since(self.start)
    }

    /// When a point of the timeline is produced, rounded up to the microsecond: never before it.
    pub fn wall_time_of(&self, time: MediaTime) -> WallTime {
        let down = time.as_micros();
        let up = if MediaTime::from_micros(down) < time { down.saturating_add(1) } else { down };
        WallTime::from_micros(self.start.as_micros().saturating_add(up))
    }

    /// `@timeShiftBufferDepth`; None is everything since the start.
    pub const fn depth(&self) -> Option<MediaTime> {
        self.depth
    }

    /// How long the segments of an index stay: as its place says (D075), else as the MPD does.
    fn depth_of(&self, index: &SegmentIndex) -> Option<MediaTime> {
        index.time_shift_buffer_depth.filter(|depth| !depth.is_negative()).or(self.depth)
    }

    /// When segment `number` can be had (D028). None if there is no such segment, or if it never can be, because
    /// `@availabilityEndTime` comes first.
    pub fn of(&self, index: &SegmentIndex, number: u64) -> Option<SegmentTimes> {
        let span = index.table.get(number)?;
        if let Addressing::Single(_) = index.addressing {
            // Parts of one resource, which is there as a whole from the start of its period on.
            let from = self.wall_time_of(index.origin);
            return Some(SegmentTimes { from, complete: from, until: self.end })
                .filter(|times| times.until.is_none_or(|until| from < until));
        }
        let (start, end) = (index.time_of(span.start), index.time_of(span.end()));
        let complete = self.wall_time_of(end);
        let from = match index.availability_offset {
            Some(lead) => self.wall_time_of(end - lead),
            None => WallTime::from_micros(i64::MIN),
        };
        if self.end.is_some_and(|end| end <= from) {
            return None;
        }
        let until = self.depth_of(index).map(|depth| self.wall_time_of(end + (end - start) + depth));
        Some(SegmentTimes {
            from,
            // An offset without chunks is a segment that is there early as a whole.
            complete: if index.availability_complete { from } else { complete.max(from) },
            until: until.into_iter().chain(self.end).min(),
        })
    }

    /// The last segment that can be had at a moment, in logarithmic time. None before the first.
    pub fn last(&self, index: &SegmentIndex, now: WallTime) -> Option<u64> {
        let lead = index.availability_offset.unwrap_or(MediaTime::MAX);
        let behind = index.ticks_of(self.produced(now) + lead);
        // This one covers the moment, so that the one before it is the last; unless rounding says otherwise.
        let covers = index.table.covering_or_next(behind).map_or(index.table.end_number(), |span| span.number);
        let is_there = |number: &u64| self.of(index, *number).is_some_and(|times| times.from <= now);
        let (first, behind) = (index.table.first_number(), index.table.end_number());
        let mut candidates = (first..covers.saturating_add(2).min(behind)).rev().take(NEIGHBOURS);
        candidates.find(is_there)
    }

    /// The first segment that can still be had at a moment, in logarithmic time. None if all are gone.
    pub fn first(&self, index: &SegmentIndex, now: WallTime) -> Option<u64> {
        if self.end.is_some_and(|end| end <= now) {
            return None;
        }
        let (first, behind) = (index.table.first_number(), index.table.end_number());
        let Some(depth) = self.depth_of(index) else { return Some(first).filter(|first| *first < behind) };
        let left = index.ticks_of(self.produced(now) - depth);
        let covers = index.table.covering_or_next(left).map_or(behind, |span| span.number);
        let is_gone = |number: u64| self.of(index, number).is_some_and(|times| times.until.is_some_and(|u| u <= now));
        let mut found = covers.min(behind);
        for _ in 0..NEIGHBOURS {
            match found.checked_sub(1).filter(|before| *before >= first && !is_gone(*before)) {
                Some(before) => found = before,
                None => break,
            }
        }
        Some(found).filter(|found| *found < behind && !is_gone(*found))
    }

    /// What the world's time is by what is listed: the last segments have been produced, and those behind them have not
    /// (D106). For MPDs that list their segments one by one; None for others. The MPD was asked for and came at two
    /// moments.
    pub fn timeline_sample(
        &self,
        presentation: &Presentation,
        [sent, answered]: [Timestamp; 2],
    ) -> Option<ClockSample> {
        let mut bounds: Option<(WallTime, WallTime)> = None;
        for index in listed(presentation) {
            let last = index.table.last_span()?;
            let (from, length) =
                (self.of(index, last.number)?.from, index.time_of(last.end()) - index.time_of(last.start));
            let before = from.offset(length);
            bounds = Some(bounds.map_or((from, before), |(least, most)| (least.max(from), most.min(before))));
        }
        let (earliest, before) = bounds?;
        let transit = MediaTime::from_duration(answered.since(sent));
        let latest = before.max(earliest).offset(transit);
        Some(ClockSample { source: ClockSource::Timeline, at: answered, earliest, latest })
    }

    /// Whether by the clock nothing of what is listed can be had: all is gone, or all is yet to come. Then the clock is
    /// wrong and not the list (D106). False for MPDs that do not list their segments one by one.
    pub fn is_contradicted(&self, presentation: &Presentation, now: WallReading) -> bool {
        let mut seen = false;
        for index in listed(presentation) {
            seen = true;
            let last = index.table.end_number().saturating_sub(1);
            let first = self.of(index, index.table.first_number());
            let gone = self.of(index, last).is_some_and(|times| times.until.is_some_and(|until| until <= now.earliest));
            let to_come = first.is_some_and(|times| now.latest < times.from);
            if !gone && !to_come {
                return false;
            }
        }
        seen
    }

    /// Whether something is listed that by the clock cannot be there yet. A clock that nobody vouches for is wrong then
    /// (D106); one that is synchronised is right, and the list is made ahead.
    pub fn lists_ahead(&self, presentation: &Presentation, now: WallReading) -> bool {
        listed(presentation).any(|index| {
            let last = index.table.end_number().saturating_sub(1);
            self.of(index, last).is_some_and(|times| now.latest < times.from)
        })
    }
}

/// The last segments of sound and picture that are listed one by one.
fn listed(presentation: &Presentation) -> impl Iterator<Item = &SegmentIndex> {
    let last = presentation.periods.iter().rev().find(|period| {
        let mut renditions = period.tracks.iter().flat_map(|track| &track.renditions);
        renditions.any(|r| r.segments.known().is_some_and(|index| !index.table.is_empty()))
    });
    media(last.map_or(&[][..], |period| period.tracks.as_slice()))
        .filter_map(|rendition| rendition.segments.known())
        .filter(|index| !index.table.is_open() && !index.computed && !index.table.is_empty())
        .filter(|index| index.availability_offset.is_some() && !matches!(index.addressing, Addressing::Single(_)))
}

/// Renditions of sound and picture.
fn media(tracks: &[crate::Track]) -> impl Iterator<Item = &Rendition> {
    let kinds = [TrackKind::Video, TrackKind::Audio];
    tracks.iter().filter(move |track| kinds.contains(&track.kind)).flat_map(|track| &track.renditions)
}

/// How far a clock may be off before asking for a segment waits no longer for certainty.
///
/// What is not there yet is answered with an error, at the price of a request; what is asked for late is late for as long
/// as the title plays.
pub const CAUTION: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
