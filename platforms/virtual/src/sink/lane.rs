//! One kind's buffer: which spans are there, and at what cost.

use std::sync::Arc;

use telecine_container::InitSegment;
use telecine_engine::{Append, LoadId, Payload, TrackConfig};
use telecine_model::{MediaTime, Timescale};

use super::text;

/// Holes up to this are played over, the last picture or sound held: seams between renditions may
/// be off by a frame or two (83 ms at 24 frames a second), and the engine counts on it.
pub(crate) const SEAM: MediaTime = MediaTime::from_millis(100);

/// What is buffered of one kind of track, as spans: samples are counted when they come and
/// forgotten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    /// In order, without overlaps.
    spans: Vec<Span>,
    /// Nothing follows until the next seek.
    pub(crate) ended: bool,
    clock: Option<TrackClock>,
    /// Which track's media comes now; rendition ids are the track's own.
    track: usize,
    /// End of the last append, if the next one should continue it.
    last_end: Option<MediaTime>,
    /// End in decoding order of the samples of that append.
    decoded_until: Option<MediaTime>,
    /// The loading that is being appended, and what was held of its rendition before it. Its own fragments
    /// may overlap: pictures come in decoding order.
    loading: Option<(LoadId, Vec<(MediaTime, MediaTime)>)>,
    /// That loading does not continue what was appended before: it may take the place of something.
    anew: bool,
    /// Cues that later segments may repeat: digest and end.
    cues: Vec<(u64, MediaTime)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    start: MediaTime,
    end: MediaTime,
    bytes: u64,
    track: usize,
    rendition: Arc<str>,
}

/// How a track of an initialisation section counts time.
#[derive(Clone, Copy, Debug)]
struct TrackClock {
    track_id: u32,
    timescale: Timescale,
    /// From composition to presentation times, as the edit list says.
    shift: i64,
}

/// What an append brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Arrival {
    /// Samples that were not there yet.
    pub(crate) samples: u64,
    /// Sum of their durations.
    pub(crate) duration: MediaTime,
    /// Presentation times of the earliest and the latest of them.
    pub(crate) pts: Option<(MediaTime, MediaTime)>,
    /// It begins more than a sample behind the end of the append before.
    pub(crate) gap: bool,
}

impl Arrival {
    fn count(&mut self, pts: MediaTime, duration: MediaTime) {
        self.samples += 1;
        self.duration += duration;
        self.pts = Some(self.pts.map_or((pts, pts), |(first, last)| (first.min(pts), last.max(pts))));
    }
}

impl Lane {
    /// Reads what follows with this configuration.
    pub(crate) fn configure(&mut self, config: &TrackConfig, track: usize) {
        self.clock = config.init.as_deref().and_then(|init| TrackClock::of(init, config.track_id));
        if self.track != track {
            self.track = track;
            self.last_end = None;
            self.decoded_until = None;
            self.cues.clear();
        }
    }

    /// Takes an append and says what it brought.
    pub(crate) fn take(&mut self, append: &Append) -> Arrival {
        self.ended = false;
        match (&append.payload, self.clock) {
            (Payload::Text(text), _) => self.take_text(append, text),
            (Payload::Fragment(_), Some(clock)) => self.take_samples(append, clock),
            _ => self.take_declared(append),
        }
    }

    fn take_samples(&mut self, append: &Append, clock: TrackClock) -> Arrival {
        let mut arrival = Arrival::default();
        let mut reach: Option<(MediaTime, MediaTime)> = None;
        let mut spacing = MediaTime::ZERO;
        let held = self.held_before(append);
        let mut decoded: Option<(MediaTime, MediaTime)> = None;
        for TimedSample { dts, pts, duration } in samples(append, clock) {
            let end = pts + duration;
            if end <= append.window.0 || pts >= append.window.1 {
                continue;
            }
            let middle = pts + (end - pts).mul_ratio(1, 2);
            // A sound frame across the start of a period is played once, whichever period brings it.
            if pts < append.window.0 && self.spans.iter().any(|span| span.start <= middle && middle < span.end) {
                continue;
            }
            decoded = Some((decoded.map_or(dts, |(first, _)| first), dts + duration));
            reach = Some(reach.map_or((pts, end), |(first, last)| (first.min(pts), last.max(end))));
            spacing = spacing.max(end - pts);
            // By their middle: times that differ by a rounding error are still the same sample. What goes on in decoding
            // order is new, though others that are shown behind it came before: a segment may begin in mid-group.
            let goes_on = !self.anew && self.decoded_until.is_some_and(|until| dts >= until);
            if goes_on || !held.iter().any(|(from, to)| *from <= middle && middle < *to) {
                arrival.count(pts, end - pts);
            }
        }
        if let Some((start, end)) = reach {
            // A fragment of one picture that others are shown before leaves room for them: nothing is missing as long as
            // decoding goes on without a hole.
            let goes_on = self.decoded_until.zip(decoded).is_some_and(|(until, (first, _))| first <= until + spacing);
            arrival.gap = self.follows_a_gap(start, spacing) && !goes_on;
            self.hold(start, end, append);
            self.decoded_until = decoded.map(|(_, end)| end);
        }
        arrival
    }

    /// Without media, what the engine says about it counts.
    fn take_declared(&mut self, append: &Append) -> Arrival {
        let (start, end) = (append.start.max(append.window.0), append.end.min(append.window.1));
        if append.samples == 0 || start >= end {
            return Arrival::default();
        }
        let spacing = (end - start).mul_ratio(1, append.samples.into());
        let known = self.held(&append.rendition, start, end).iter().any(|(from, to)| *from <= start && end <= *to);
        let gap = self.follows_a_gap(start, spacing);
        self.hold(start, end, append);
        if known {
            return Arrival::default();
        }
        Arrival { samples: append.samples.into(), duration: end - start, pts: Some((start, end - spacing)), gap }
    }

    fn take_text(&mut self, append: &Append, text: &[u8]) -> Arrival {
        let mut arrival = Arrival::default();
        self.cues.retain(|(_, end)| *end > append.start);
        for cue in text::cues(text) {
            let (start, end) = (cue.start + append.offset, cue.end + append.offset);
            let outside = end <= append.window.0 || start >= append.window.1;
            if !outside && !self.cues.contains(&(cue.digest, end)) {
                self.cues.push((cue.digest, end));
                arrival.count(start, end - start);
            }
        }
        self.hold(append.start, append.end, append);
        arrival
    }

    /// Whether there is nothing between the end of the append before and this start. An append may
    /// well jump ahead: over media that is held since before a seek.
    fn follows_a_gap(&self, start: MediaTime, spacing: MediaTime) -> bool {
        let ahead = self.last_end.is_some_and(|end| start > end + spacing);
        ahead && !self.spans.iter().any(|span| span.start < start && span.end + spacing >= start)
    }

    /// What was held of an append's rendition before its loading began; what was held of any, if that begins anew: then it
    /// may be in the place of another.
    fn held_before(&mut self, append: &Append) -> Vec<(MediaTime, MediaTime)> {
        match &self.loading {
            Some((load, held)) if *load == append.load => held.clone(),
            _ => {
                self.anew = append.discontinuity;
                let held = match self.anew {
                    true => self.spans.iter().map(|span| (span.start, span.end)).collect(),
                    false => self.held(&append.rendition, MediaTime::MIN, MediaTime::MAX),
                };
                self.loading = Some((append.load, held.clone()));
                held
            }
        }
    }

    /// Spans of a rendition that touch `start..end`.
    fn held(&self, rendition: &str, start: MediaTime, end: MediaTime) -> Vec<(MediaTime, MediaTime)> {
        let touching = |span: &&Span| span.start < end && span.end > start && span.is_of(self.track, rendition);
        self.spans.iter().filter(touching).map(|span| (span.start, span.end)).collect()
    }

    /// Puts a span in place of whatever was there.
    fn hold(&mut self, start: MediaTime, end: MediaTime, append: &Append) {
        self.last_end = Some(end);
        if start >= end {
            return;
        }
        self.remove(start, end);
        let at = self.spans.partition_point(|span| span.start < start);
        let before = at.checked_sub(1).and_then(|before| self.spans.get_mut(before));
        match before.filter(|before| before.end == start && before.is_of(self.track, &append.rendition)) {
            Some(before) => {
                before.end = end;
                before.bytes = before.bytes.saturating_add(append.bytes);
            }
            None => {
                let rendition = Arc::from(append.rendition.as_str());
                let (bytes, track) = (append.bytes, self.track);
                self.spans.insert(at, Span { start, end, bytes, track, rendition });
            }
        }
    }

    /// Holds a span without samples: nothing is there, and nothing is missing.
    pub(crate) fn be_silent(&mut self, start: MediaTime, end: MediaTime) {
        if start < end {
            self.last_end = Some(end);
            self.remove(start, end);
            let at = self.spans.partition_point(|span| span.start < start);
            self.spans.insert(at, Span { start, end, bytes: 0, track: self.track, rendition: Arc::from("") });
        }
    }

    /// Drops what lies between two times; bytes go in proportion.
    pub(crate) fn remove(&mut self, from: MediaTime, to: MediaTime) {
        let spans = std::mem::take(&mut self.spans);
        for span in spans {
            if span.end <= from || span.start >= to {
                self.spans.push(span);
                continue;
            }
            for (start, end) in [(span.start, span.end.min(from)), (span.start.max(to), span.end)] {
                if start < end {
                    let share = u128::from((end - start).units().unsigned_abs()) * u128::from(span.bytes);
                    let whole = u128::from((span.end - span.start).units().unsigned_abs().max(1));
                    self.spans.push(Span {
                        start,
                        end,
                        bytes: u64::try_from(share / whole).unwrap_or(u64::MAX),
                        track: span.track,
                        rendition: Arc::clone(&span.rendition),
                    });
                }
            }
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
    }

    /// Another place follows: what is appended next continues nothing.
    pub(crate) fn restart(&mut self) {
        self.ended = false;
        self.last_end = None;
        self.decoded_until = None;
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.spans.iter().fold(0, |sum, span| sum.saturating_add(span.bytes))
    }

    /// How far media goes on from `time` without a hole; `time` itself if there is none.
    pub(crate) fn reach(&self, time: MediaTime) -> MediaTime {
        let mut end = time;
        for span in self.spans.iter().filter(|span| span.end > time) {
            if span.start > end + SEAM {
                break;
            }
            end = span.end;
        }
        end
    }

    /// End of the last span.
    pub(crate) fn end(&self) -> MediaTime {
        self.spans.last().map_or(MediaTime::MIN, |span| span.end)
    }

    /// Spans without holes between them, ascending.
    pub(crate) fn ranges(&self) -> Vec<(MediaTime, MediaTime)> {
        let mut ranges: Vec<(MediaTime, MediaTime)> = Vec::new();
        for span in &self.spans {
            match ranges.last_mut() {
                Some((_, end)) if span.start <= *end + SEAM => *end = span.end,
                _ => ranges.push((span.start, span.end)),
            }
        }
        ranges
    }
}

impl Span {
    fn is_of(&self, track: usize, rendition: &str) -> bool {
        self.track == track && *self.rendition == *rendition
    }
}

impl TrackClock {
    fn of(init: &InitSegment, track_id: u32) -> Option<Self> {
        let track = init.track(track_id)?;
        Some(Self { track_id, timescale: track.timescale, shift: track.edit.shift() })
    }
}

/// The samples of an append, in decoding order.
fn samples(append: &Append, clock: TrackClock) -> impl Iterator<Item = TimedSample> + '_ {
    let fragment = match &append.payload {
        Payload::Fragment(fragment) => Some(fragment),
        _ => None,
    };
    let tracks = fragment.into_iter().flat_map(|fragment| &fragment.tracks);
    let time =
        move |ticks: i64| MediaTime::from_ticks(ticks.saturating_add(clock.shift), clock.timescale) + append.offset;
    tracks.filter(move |track| track.track_id == clock.track_id).flat_map(|track| &track.samples).map(move |sample| {
        let pts = time(sample.pts());
        let end = time(sample.pts().saturating_add(sample.duration.into()));
        TimedSample { dts: time(sample.dts), pts, duration: end - pts }
    })
}

/// A sample on the presentation's timeline.
struct TimedSample {
    dts: MediaTime,
    pts: MediaTime,
    duration: MediaTime,
}
