//! The window of a live presentation, and how far behind its edge to play.

use super::{media, Availability};
use crate::presentation::Presentation;
use crate::time::{MediaTime, WallTime};

/// What of a live presentation can be played at a moment, as points of its timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveWindow {
    /// Where it begins: what lies before has left it (D032).
    pub start: MediaTime,
    /// Where it ends for a viewer: nobody seeks behind it (D035). Where playback begins unless the application wants it
    /// elsewhere.
    pub live: MediaTime,
    /// What is produced at the moment.
    pub edge: MediaTime,
    /// The delay that `live` is behind `edge` for.
    pub delay: MediaTime,
    /// The delay asked for was longer than the window: nothing would be left to play, and it was cut (D035).
    pub delay_cut: bool,
}

impl LiveWindow {
    /// The nearest point that may be played (D033).
    pub fn clamp(&self, time: MediaTime) -> MediaTime {
        time.min(self.live).max(self.start)
    }

    /// Whether a point may be played.
    pub fn contains(&self, time: MediaTime) -> bool {
        self.start <= time && time <= self.live
    }
}

/// How far behind the edge to play, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// So far.
    pub delay: MediaTime,
    /// For this reason.
    pub reason: DelayReason,
}

/// Why a delay was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelayReason {
    /// The application, or the service's latency target, asks for it.
    Wanted,
    /// `@suggestedPresentationDelay`.
    Suggested,
    /// It follows from how long segments are and when they are there.
    Segments,
    /// Nothing is known of segments.
    Unknown,
}

/// Segments between what is produced and what is shown, where the MPD suggests no delay: one that is being made, one on its
/// way, one that plays.
const SEGMENTS: i64 = 3;

/// The delay where nothing is known.
const UNKNOWN: MediaTime = MediaTime::from_secs(10);

/// How far behind the edge to play: what is wanted; else `@suggestedPresentationDelay`; else three times as long as it takes
/// from a sample to the segment that can be asked for (its duration, less `@availabilityTimeOffset`), but no less than a
/// segment, for sound and picture and whichever is longest (D034). `@minBufferTime` says how the media is encoded and
/// nothing of this (D036).
pub fn presentation_delay(presentation: &Presentation, wanted: Option<MediaTime>) -> Delay {
    let usable = |delay: &MediaTime| *delay > MediaTime::ZERO;
    if let Some(delay) = wanted.filter(usable) {
        return Delay { delay, reason: DelayReason::Wanted };
    }
    let suggested = presentation.dash.as_ref().and_then(|timing| timing.suggested_presentation_delay);
    if let Some(delay) = suggested.filter(usable) {
        return Delay { delay, reason: DelayReason::Suggested };
    }
    let tracks = presentation.periods.last().map_or(&[][..], |period| period.tracks.as_slice());
    let mut longest = None;
    for index in media(tracks).filter_map(|rendition| rendition.segments.known()) {
        let ticks = i64::try_from(index.table.max_duration().unwrap_or(0)).unwrap_or(i64::MAX);
        let segment = MediaTime::from_ticks(ticks, index.table.timescale());
        let lead = index.availability_offset.unwrap_or(segment).min(segment);
        longest = longest.max(Some((segment - lead).mul_ratio(SEGMENTS, 1).max(segment)));
    }
    let announced = presentation.target_duration.map(|longest| longest.mul_ratio(SEGMENTS, 1));
    match longest.filter(usable).or(announced.filter(usable)) {
        Some(delay) => Delay { delay, reason: DelayReason::Segments },
        None => Delay { delay: UNKNOWN, reason: DelayReason::Unknown },
    }
}

impl Availability {
    /// What can be played at a moment with a delay: from `now - @timeShiftBufferDepth` to `now - delay`, within the periods
    /// (D035).
    pub fn window(&self, presentation: &Presentation, now: WallTime, delay: MediaTime) -> LiveWindow {
        let first = presentation.periods.first().map_or(MediaTime::ZERO, |period| period.start);
        let last = presentation.periods.last().and_then(|period| Some(period.start + period.duration?));
        let within = |time: MediaTime| last.map_or(time, |last| time.min(last)).max(first);
        let produced = self.produced(now);
        let delay_cut = self.depth.is_some_and(|depth| depth < delay);
        let delay = self.depth.map_or(delay, |depth| delay.min(depth));
        let start = within(self.depth.map_or(first, |depth| produced - depth));
        LiveWindow { start, live: within(produced - delay).max(start), edge: within(produced), delay, delay_cut }
    }
}
