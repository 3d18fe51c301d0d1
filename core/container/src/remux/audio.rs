//! Frames of sound to samples without seams.

use std::collections::VecDeque;

use telecine_model::{MediaTime, Timescale};

use super::{media_time, Media, Queued, CLOCK_RATE, JITTER, JUMP};
use crate::es::AudioUnit;
use crate::iso::{AudioEntry, SampleEntry};
use crate::stream::Output;

/// Presentation times that differ from what is due by more than rounding, but by less than a frame,
/// count when so many have come in a row.
const PERSISTENT: u32 = 8;

/// Keeps the time of one audio track, across segments.
///
/// Time is counted in samples. Presentation times of the stream are rounded to ticks of 90 kHz at best
/// and to milliseconds at worst, so a frame is due where the one before ends, as long as the stream does
/// not contradict: by a frame or more at once, or by less again and again. Then the stream is right: a
/// hole stays a hole, and frames that are there twice are left out. Sound that comes a little early again
/// and again is put right only from half a frame on: that costs a frame.
#[derive(Debug, Default)]
pub(crate) struct AudioTimeline {
    rate: u32,
    /// Where the last frame that was handed on ends.
    end: Option<i64>,
    /// Where the next frame of the stream is due; None where only the stream can say.
    due: Option<i64>,
    drift: Drift,
    /// Frames left out since this was reported, and their samples.
    dropped: (u32, i64),
    /// What the decoder needs to know with the next frame.
    config: Option<Box<AudioEntry>>,
}

/// Differences in a row that point the same way.
#[derive(Debug, Default)]
struct Drift {
    count: u32,
    /// The smallest of them, in ticks of 90 kHz.
    least: i64,
}

impl Drift {
    /// Notes a difference; gives the correction when it is certain.
    fn note(&mut self, difference: i64) -> Option<i64> {
        if self.count == 0 || (self.least < 0) != (difference < 0) {
            *self = Self { count: 0, least: difference };
        }
        self.count += 1;
        if difference.abs() < self.least.abs() {
            self.least = difference;
        }
        (self.count >= PERSISTENT).then_some(self.least)
    }
}

/// A difference between what the stream says and what was due.
enum Found {
    /// Rounding.
    Jitter,
    /// A difference in ticks of 90 kHz that is to be corrected.
    Drift(i64),
    Gap(i64),
    Overlap(i64),
    Jump(i64),
}

impl AudioTimeline {
    /// Frames are missing: when the next one is, only the stream can say.
    pub(crate) fn lose(&mut self) {
        self.due = None;
    }

    /// What has not come out is dropped: everything starts anew.
    pub(crate) fn abandon(&mut self) {
        *self = Self::default();
    }

    /// Takes the next frame.
    pub(crate) fn accept(&mut self, unit: AudioUnit, queue: &mut VecDeque<Queued>, out: &mut Output) {
        if unit.rate != self.rate {
            self.change_rate(unit.rate);
        }
        self.config = unit.config.or(self.config.take());
        let start = match (unit.stamp, self.due) {
            (Some(time), Some(due)) => self.judge(time, due, unit.samples, out),
            (Some(time), None) => self.samples(time),
            (None, Some(due)) => due,
            (None, None) => {
                self.drop_frame(unit.samples, out);
                return;
            }
        };
        let duration = i64::from(unit.samples);
        self.due = Some(start.saturating_add(duration));
        // What is before zero cannot be written.
        let earliest = self.end.filter(|end| end.saturating_sub(start) <= self.samples(JUMP)).unwrap_or(0).max(0);
        if start < earliest {
            self.drop_frame(unit.samples, out);
            return;
        }
        self.report_dropped(out);
        self.end = self.due;
        queue.push_back(Queued {
            dts: start,
            duration: unit.samples,
            cts_offset: 0,
            sync: true,
            data: Media::Audio(unit.data),
            config: self.config.take().map(|config| Box::new(SampleEntry::Audio(*config))),
            subsamples: unit.subsamples,
        });
    }

    /// The segment ends.
    pub(crate) fn flush(&mut self, out: &mut Output) {
        self.report_dropped(out);
    }

    /// Where a frame starts for which the stream says one time and another was due.
    fn judge(&mut self, time: i64, due: i64, samples: u32, out: &mut Output) -> i64 {
        let difference = time.saturating_sub(self.ticks(due));
        let frame = self.ticks(samples.into());
        let found = match difference {
            _ if difference.abs() <= JITTER => Found::Jitter,
            _ if difference.abs() > JUMP => Found::Jump(difference),
            _ if difference >= frame => Found::Gap(difference),
            _ if difference <= -frame => Found::Overlap(difference),
            _ => match self.drift.note(difference) {
                Some(drift) if drift > 0 || drift <= -frame / 2 => Found::Drift(drift),
                _ => return due,
            },
        };
        self.drift = Drift::default();
        match found {
            Found::Jitter => return due,
            Found::Drift(ticks) => {
                out.warn("T015", || format!("sound drifted by {} and is put right", media_time(ticks)));
                return due.saturating_add(self.samples(ticks));
            }
            Found::Gap(ticks) => out.warn("T013", || format!("a hole of {} in the sound", media_time(ticks))),
            Found::Overlap(ticks) => out.warn("T014", || format!("sound overlaps by {}", media_time(-ticks))),
            Found::Jump(ticks) => out.warn("T016", || format!("sound jumps by {}", media_time(ticks))),
        }
        self.samples(time)
    }

    fn drop_frame(&mut self, samples: u32, out: &mut Output) {
        out.counters.dropped_audio += 1;
        self.dropped = (self.dropped.0.saturating_add(1), self.dropped.1.saturating_add(samples.into()));
    }

    fn report_dropped(&mut self, out: &mut Output) {
        let (count, samples) = std::mem::take(&mut self.dropped);
        if count > 0 {
            let span = media_time(self.ticks(samples));
            out.warn("T022", || format!("{count} frames of sound, {span}, that overlap or have no time are left out"));
        }
    }

    /// Samples of a time in ticks of 90 kHz, and back: to the nearest.
    fn samples(&self, ticks: i64) -> i64 {
        rescale(ticks, CLOCK_RATE, self.rate)
    }

    fn ticks(&self, samples: i64) -> i64 {
        rescale(samples, self.rate, CLOCK_RATE)
    }

    fn change_rate(&mut self, rate: u32) {
        let before = self.rate;
        self.end = self.end.map(|end| rescale(end, before, rate));
        self.due = self.due.map(|due| rescale(due, before, rate));
        self.rate = rate;
    }
}

/// A time in another unit, to the nearest.
fn rescale(time: i64, from: u32, to: u32) -> i64 {
    match (Timescale::new(from), Timescale::new(to)) {
        (Some(from), Some(to)) => MediaTime::from_ticks(time, from).to_ticks(to),
        _ => 0,
    }
}
