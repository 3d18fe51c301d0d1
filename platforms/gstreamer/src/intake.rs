//! From appended fragments to units in a queue.

use std::sync::Arc;

use telecine_container::{Fragment, InitSegment, Sample as Described, SampleDescription, TrackFragment, TrackInfo};
use telecine_engine::{Append, LoadId, Payload, TrackConfig};
use telecine_model::{Error, ErrorCode, MediaTime, TrackKind};

use crate::clock::{hidden_before, span, to_gst};
use crate::format::StreamFormat;
use crate::queue::{Queue, Sample, Unit};

/// Holes up to this are played over, as the engine expects: seams between renditions may be off by
/// a frame or two (83 ms at 24 frames a second).
const SEAM: MediaTime = MediaTime::from_millis(100);

/// More than pictures can be late that others need.
const LATE: MediaTime = MediaTime::from_secs(10);

/// What an append brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) samples: u64,
    pub(crate) duration: MediaTime,
    /// Presentation times of the earliest and the latest sample.
    pub(crate) pts: Option<(MediaTime, MediaTime)>,
    /// It begins more than a sample behind the end of the append before.
    pub(crate) gap: bool,
}

/// What is known of a kind's appends, and waits in its queue.
#[derive(Debug)]
pub(crate) struct Intake {
    kind: TrackKind,
    queue: Queue,
    config: Option<TrackConfig>,
    /// The format of the last sample, for the next of the same description to share.
    format: Option<(u32, Arc<StreamFormat>)>,
    /// Where playback started: what lies before it is not shown.
    start: MediaTime,
    /// End of what was appended since the last seek.
    reach: Option<MediaTime>,
    /// The segment that is being appended.
    segment: Option<Segment>,
    /// Where media is missing, if it goes on behind.
    hole: Option<MediaTime>,
}

/// One loading of a segment, which comes as one append or as several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    load: LoadId,
    /// End of what was appended before it.
    behind: Option<MediaTime>,
    /// It was loaded before and removed again, but for its beginning, since that was in the decoder: so
    /// many units at the queue's end are still to be passed over when they come once more.
    again: usize,
}

/// Where a sample lies in relation to what is shown of its append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Shown,
    /// Before what is shown, which starts here.
    Early(MediaTime),
    /// Behind what is shown, which ends here.
    Late(MediaTime),
}

/// A sample of an append with its presentation times.
struct Timed<'a> {
    described: &'a Described,
    description: u32,
    start: MediaTime,
    end: MediaTime,
}

impl Intake {
    pub(crate) fn new(kind: TrackKind, start: MediaTime) -> Self {
        let queue = Queue::default();
        Self { kind, queue, config: None, format: None, start, reach: None, segment: None, hole: None }
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Units may be fed and forgotten. They come only from appends.
    pub(crate) fn queue_mut(&mut self) -> &mut Queue {
        &mut self.queue
    }

    /// What follows is to be read with this configuration.
    pub(crate) fn configure(&mut self, config: TrackConfig) {
        self.config = Some(config);
        self.format = self.format.take().map(|(_, format)| (0, format));
    }

    /// End of the media that follows without a hole from where playback started.
    pub(crate) fn horizon(&self) -> Option<MediaTime> {
        self.hole.or(self.reach)
    }

    /// Media of another place follows.
    pub(crate) fn restart(&mut self, start: MediaTime) {
        self.queue.clear();
        self.start = start;
        self.reach = None;
        self.segment = None;
        self.hole = None;
    }

    /// Playback starts anew at `start`, with what is there.
    pub(crate) fn resume(&mut self, start: MediaTime) {
        self.queue.rewind(start);
        self.start = start;
    }

    /// Forgets what waits between two times; see [`Queue::remove`].
    pub(crate) fn remove(&mut self, from: MediaTime, to: MediaTime, fed: Option<MediaTime>) {
        self.queue.remove(from, to, fed);
        self.reach = self.queue.end();
        // It may go on nevertheless: with what is to be shown before the last of its part before.
        let segment = self.segment.filter(|segment| segment.again == 0);
        self.segment = segment.map(|segment| Segment { behind: segment.behind.min(self.reach), ..segment });
        if !self.queue.has_hole() {
            self.hole = None;
        }
    }

    /// There is nothing between two times, and nothing is missing. What is there already stays.
    pub(crate) fn be_silent(&mut self, from: MediaTime, to: MediaTime) {
        // Between a period's last whole frame of sound and its end is no hole.
        let start = match self.reach {
            Some(reach) if from <= reach + SEAM => reach,
            _ => from.max(self.start),
        };
        if start < to {
            let behind_hole = self.is_behind_hole(start);
            self.queue.push(Unit { start, end: to, behind_hole, removed: false, sample: None });
            self.reach = Some(to);
            // What comes next continues no segment.
            self.segment = None;
        }
    }

    /// Takes an append and says what it brought.
    ///
    /// # Errors
    /// Those of [`StreamFormat::new`], and `InitMissing` without a usable configuration.
    pub(crate) fn append(&mut self, append: &Append) -> Result<Arrival, Error> {
        let mut arrival = Arrival::default();
        let Payload::Fragment(fragment) = &append.payload else { return Ok(arrival) };
        let init = self.init()?;
        let info = track(&init, self.config.as_ref().map_or(0, |config| config.track_id))?;
        let parts: Vec<&TrackFragment> = fragment.tracks.iter().filter(|part| part.track_id == info.id).collect();
        // The engine says where the first part begins: edit lists and period offsets are in that.
        let Some(first) = parts.first().and_then(|part| part.earliest_pts()) else { return Ok(arrival) };
        let shift = append.start - MediaTime::from_ticks(first, info.timescale);
        let samples = timed(&parts, info, shift);
        let longest = samples.iter().map(|sample| sample.end - sample.start).max().unwrap_or_default();
        arrival.gap = self.reach.is_some_and(|reach| append.start > reach + longest);
        let mut behind_hole = self.is_behind_hole(append.start);
        let mut discontinuity = append.discontinuity;
        let (overlap, again) = self.begin(append.load, fragment, &samples);
        let samples = samples.get(again..).unwrap_or_default();
        let place = |sample: &Timed<'_>, start| place(append, start, overlap, sample);
        // Times of what is not shown have to be before it.
        let shown = samples.iter().filter(|sample| place(sample, self.start) == Place::Shown);
        let first_shown = shown.map(|sample| sample.start).min().unwrap_or(MediaTime::MAX);
        let mut units = Vec::with_capacity(samples.len());
        let mut needed = 0;
        for sample in samples {
            let format = self.format(info, sample.description)?;
            let (start, end) = (sample.start, sample.end);
            let place = place(sample, self.start);
            let counts = match place {
                Place::Shown => true,
                Place::Early(_) => start >= append.window.0 && !sample.is_in(overlap),
                Place::Late(_) => false,
            };
            if counts {
                arrival.count(start, end);
            }
            let stamp = match place {
                Place::Shown => to_gst(start),
                // The decoder itself cuts off what lies before the segment.
                Place::Early(until) if until == self.start => to_gst(start),
                // Each sample of sound is decoded alone.
                _ if self.kind != TrackKind::Video => None,
                Place::Early(until) => {
                    let until = until.min(first_shown);
                    to_gst(until).map(|shown| hidden_before(shown, until - start))
                }
                Place::Late(until) => to_gst(until).map(|next| hidden_before(next, LATE - (start - until))),
            };
            let (Some(stamp), Some(data)) = (stamp, fragment.sample(sample.described)) else { continue };
            let sample = Sample {
                format,
                data,
                stamp,
                duration: span(end - start),
                sync: sample.described.sync,
                discontinuity: std::mem::take(&mut discontinuity),
            };
            let behind_hole = std::mem::take(&mut behind_hole);
            units.push(Unit { start, end, behind_hole, removed: false, sample: Some(sample) });
            if !matches!(place, Place::Late(_)) {
                needed = units.len();
            }
            if place == Place::Shown {
                self.reach = self.reach.max(Some(end));
            }
        }
        // What is late and has nothing behind it that needs it is not decoded at all.
        units.truncate(needed);
        units.into_iter().for_each(|unit| self.queue.push(unit));
        Ok(arrival)
    }

    fn init(&self) -> Result<Arc<InitSegment>, Error> {
        let init = self.config.as_ref().and_then(|config| config.init.clone());
        init.ok_or_else(|| Error::new(ErrorCode::InitMissing, "media without an initialisation section"))
    }

    /// Whether media is missing before `start`, where more follows. Notes where.
    fn is_behind_hole(&mut self, start: MediaTime) -> bool {
        let behind = self.reach.is_some_and(|reach| start > reach + SEAM);
        if behind && self.hole.is_none() {
            self.hole = self.reach;
        }
        behind
    }

    /// Where the segments before the one of these samples end: what lies before that is there already.
    /// Within a segment presentation times go to and fro, from one chunk to the next too. And how many
    /// of the samples are in the queue already, as its end.
    fn begin(&mut self, load: LoadId, fragment: &Fragment, samples: &[Timed<'_>]) -> (Option<MediaTime>, usize) {
        let known = |sample: &Timed<'_>| Some((sample.start, fragment.sample(sample.described)?));
        let segment = self.segment.filter(|segment| segment.load == load);
        let mut segment = segment.unwrap_or_else(|| {
            let first = samples.first().and_then(known);
            let again = first.map_or(0, |(start, data)| self.queue.since(start, &data));
            let behind = if again > 0 { self.queue.end_without(again) } else { self.reach };
            Segment { load, behind, again }
        });
        let mut passed = 0;
        for sample in samples.iter().take(segment.again) {
            let same = known(sample).is_some_and(|(start, data)| self.queue.restore(segment.again, start, &data));
            if !same {
                // Of another rendition after all: what is there stays.
                (segment.again, segment.behind, passed) = (0, self.reach, 0);
                break;
            }
            segment.again -= 1;
            passed += 1;
        }
        self.segment = Some(segment);
        (segment.behind, passed)
    }

    /// The format of a sample description, shared with the samples before where it is the same.
    fn format(&mut self, track: &TrackInfo, description: u32) -> Result<Arc<StreamFormat>, Error> {
        if let Some((known, format)) = &self.format {
            if *known == description {
                return Ok(Arc::clone(format));
            }
        }
        let index = usize::try_from(description).unwrap_or(usize::MAX).saturating_sub(1);
        let entry: Option<&SampleDescription> = track.descriptions.get(index);
        let entry = entry.ok_or_else(|| {
            Error::new(ErrorCode::ContainerSyntax, format!("there is no sample description {description}"))
        })?;
        let fresh = StreamFormat::new(entry)?;
        let format = match self.format.take() {
            Some((_, before)) if *before == fresh => before,
            _ => Arc::new(fresh),
        };
        self.format = Some((description, Arc::clone(&format)));
        Ok(format)
    }
}

impl Arrival {
    fn count(&mut self, start: MediaTime, end: MediaTime) {
        self.samples += 1;
        self.duration += end - start;
        self.pts = Some(self.pts.map_or((start, start), |(first, last)| (first.min(start), last.max(start))));
    }
}

impl Timed<'_> {
    /// Whether it is in what ends at `overlap`. Segments of different renditions need not fit to the
    /// frame: what was there first stays.
    fn is_in(&self, overlap: Option<MediaTime>) -> bool {
        let middle = self.start + (self.end - self.start).mul_ratio(1, 2);
        overlap.is_some_and(|end| middle < end)
    }
}

fn track(init: &InitSegment, id: u32) -> Result<&TrackInfo, Error> {
    let missing = || Error::new(ErrorCode::InitMissing, format!("the initialisation section has no track {id}"));
    init.track(id).ok_or_else(missing)
}

fn timed<'a>(parts: &[&'a TrackFragment], info: &TrackInfo, shift: MediaTime) -> Vec<Timed<'a>> {
    let time = |ticks| MediaTime::from_ticks(ticks, info.timescale) + shift;
    let samples = parts.iter().flat_map(|part| part.samples.iter().map(|sample| (part.description, sample)));
    let timed = samples.map(|(description, described)| {
        let end = described.pts().saturating_add(described.duration.into());
        Timed { described, description, start: time(described.pts()), end: time(end) }
    });
    timed.collect()
}

/// Where a sample lies, if playback starts at `start` and what was there before ends at `overlap`.
fn place(append: &Append, start: MediaTime, overlap: Option<MediaTime>, sample: &Timed<'_>) -> Place {
    let (from, to) = append.window;
    let show_from = append.show_from.unwrap_or(MediaTime::MIN).max(start);
    let taken = overlap.filter(|_| sample.is_in(overlap));
    if sample.start >= to {
        Place::Late(to)
    } else if sample.end <= from.max(show_from) || taken.is_some() {
        Place::Early(from.max(show_from).max(taken.unwrap_or(MediaTime::MIN)))
    } else {
        Place::Shown
    }
}
