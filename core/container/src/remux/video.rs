//! Access units of video to samples with decode times and durations.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bytes::{Bytes, BytesMut};
use telecine_model::protection::Subsample;

use super::order::{DecodeOrder, Timed};
use super::{media_time, Media, Queued, DEFAULT_STEP, JITTER, JUMP};
use crate::es::{Entry, Field, Picture, Stamp, VideoUnit};
use crate::iso::SampleEntry;
use crate::stream::{CaptionData, Output, StreamUnit};

/// What is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Nothing before a picture at which decoding can start. So many were left out, from a time on.
    Waiting {
        dropped: u32,
        from: Option<i64>,
    },
    /// Decoding started at a picture with leading ones: those that are shown before it are left out.
    Leading {
        shown: i64,
    },
    Open,
}

/// One picture on its way.
#[derive(Debug)]
struct Frame {
    data: BytesMut,
    pts: i64,
    dts: Option<i64>,
    sync: bool,
    config: Option<Box<SampleEntry>>,
    subsamples: Vec<Subsample>,
    captions: Vec<Bytes>,
}

/// A picture with its decode time.
#[derive(Debug)]
struct Decoded {
    frame: Frame,
    dts: i64,
    /// Before it was made one that can be written.
    given: i64,
}

impl Timed for Frame {
    fn pts(&self) -> i64 {
        self.pts
    }

    fn dts(&self) -> Option<i64> {
        self.dts
    }
}

/// Keeps the time of one video track, across segments.
#[derive(Debug)]
pub(crate) struct VideoTimeline {
    gate: Gate,
    picture: Option<Picture>,
    /// A field whose other field may follow.
    field: Option<(Field, Frame)>,
    order: DecodeOrder<Frame>,
    /// Timestamps of the last picture, for one that has none.
    last_stamp: Option<Stamp>,
    /// The last picture: its duration comes with the next.
    last: Option<Decoded>,
    /// Where the next picture is due, when the last has been handed on.
    end: Option<i64>,
    /// From one picture to the next.
    step: Option<i64>,
    /// Captions of pictures that are shown later than the last was decoded.
    captions: Captions,
}

impl VideoTimeline {
    pub(crate) fn new(captions: bool) -> Self {
        Self {
            gate: Gate::Waiting { dropped: 0, from: None },
            picture: None,
            field: None,
            order: DecodeOrder::default(),
            last_stamp: None,
            last: None,
            end: None,
            step: None,
            captions: Captions { wanted: captions, ..Captions::default() },
        }
    }

    /// What has not come out is dropped: everything starts anew.
    pub(crate) fn abandon(&mut self) {
        *self = Self::new(self.captions.wanted);
    }

    /// Takes the next access unit in decoding order.
    pub(crate) fn accept(&mut self, unit: VideoUnit, queue: &mut VecDeque<Queued>, out: &mut Output) {
        let starts = matches!(self.gate, Gate::Waiting { .. });
        let stamp = unit.stamp.or_else(|| self.guess(out));
        let Some(stamp) = stamp.filter(|stamp| self.admit(&unit, *stamp, out)) else {
            out.counters.dropped_video += 1;
            return;
        };
        self.last_stamp = Some(stamp);
        if let Some(config) = &unit.config {
            // What is held back was made for the picture before.
            self.release(queue, out);
            self.picture = Some(config.picture.clone());
        }
        let frame = Frame {
            data: unit.data,
            pts: stamp.pts,
            dts: stamp.dts,
            sync: matches!(unit.entry, Entry::Open | Entry::Closed) || starts,
            config: unit.config.map(|config| Box::new(SampleEntry::Video(*config))),
            subsamples: unit.subsamples,
            captions: unit.captions,
        };
        match (self.field.take(), unit.field) {
            (Some((first, mut both)), Some(second)) if pairs(first, second) => {
                both.data.unsplit(frame.data);
                both.subsamples.extend(frame.subsamples);
                both.captions.extend(frame.captions);
                self.place(both, queue, out);
            }
            (before, field) => {
                if let Some((_, before)) = before {
                    self.place(before, queue, out);
                }
                match field {
                    Some(field) => self.field = Some((field, frame)),
                    None => self.place(frame, queue, out),
                }
            }
        }
    }

    /// The segment ends: everything comes out, the last picture with the duration of the one before.
    pub(crate) fn flush(&mut self, queue: &mut VecDeque<Queued>, out: &mut Output) {
        self.report_dropped(None, out);
        self.release(queue, out);
        if let Some(Decoded { frame, dts, .. }) = self.last.take() {
            let step = self.nominal_step();
            self.end = Some(dts.saturating_add(step));
            queue.push_back(queued(frame, dts, step));
        }
        self.captions.release(i64::MAX, out);
    }

    fn release(&mut self, queue: &mut VecDeque<Queued>, out: &mut Output) {
        if let Some((_, frame)) = self.field.take() {
            self.place(frame, queue, out);
        }
        let mut due = Vec::new();
        self.order.flush(self.picture.as_ref(), &mut |frame, dts| due.push((frame, dts)));
        due.into_iter().for_each(|(frame, dts)| self.decode(frame, dts, queue, out));
    }

    /// Timestamps for an access unit that has none: one frame behind the one before.
    fn guess(&self, out: &mut Output) -> Option<Stamp> {
        let last = self.last_stamp?;
        let step = self.nominal_step();
        out.warn("T011", || "an access unit has no timestamps: it is put behind the one before".to_owned());
        let later = |time: i64| time.saturating_add(step);
        Some(Stamp { pts: later(last.pts), dts: last.dts.map(later) })
    }

    fn nominal_step(&self) -> i64 {
        let stated = self.picture.as_ref().and_then(|picture| picture.frame_duration).map(i64::from);
        self.step.or(stated).unwrap_or(DEFAULT_STEP)
    }

    /// Whether a unit is of use where decoding has started.
    fn admit(&mut self, unit: &VideoUnit, stamp: Stamp, out: &mut Output) -> bool {
        match &mut self.gate {
            Gate::Waiting { dropped, from } => {
                // Without a configuration no decoder can be set up.
                let starts = unit.entry != Entry::None && (unit.config.is_some() || self.picture.is_some());
                if !starts {
                    *dropped = dropped.saturating_add(1);
                    from.get_or_insert(stamp.pts);
                    return false;
                }
                self.report_dropped(Some(stamp.pts), out);
                self.gate = match unit.entry {
                    Entry::Open => Gate::Leading { shown: stamp.pts },
                    _ => Gate::Open,
                };
                true
            }
            Gate::Leading { shown } => {
                if unit.entry != Entry::None {
                    self.gate = Gate::Open;
                    return true;
                }
                !unit.skipped_leading.unwrap_or(stamp.pts < *shown)
            }
            Gate::Open => true,
        }
    }

    fn report_dropped(&mut self, key_frame: Option<i64>, out: &mut Output) {
        if let Gate::Waiting { dropped: dropped @ 1.., from } = &mut self.gate {
            let count = std::mem::take(dropped);
            let span = key_frame.zip(from.take()).map(|(to, from)| media_time(to.saturating_sub(from)));
            out.warn("T008", || match span {
                Some(span) => format!("{count} access units of video, {span}, before the first key frame are left out"),
                None => format!("{count} access units of video without a key frame are left out"),
            });
        }
    }

    fn place(&mut self, frame: Frame, queue: &mut VecDeque<Queued>, out: &mut Output) {
        let mut due = Vec::new();
        self.order.push(frame, self.picture.as_ref(), &mut |frame, dts| due.push((frame, dts)));
        due.into_iter().for_each(|(frame, dts)| self.decode(frame, dts, queue, out));
    }

    /// The next picture in decoding order has its decode time.
    fn decode(&mut self, mut frame: Frame, given: i64, queue: &mut VecDeque<Queued>, out: &mut Output) {
        self.captions.add(frame.pts, std::mem::take(&mut frame.captions));
        self.captions.release(given, out);
        // The format has no decode times below zero; presentation times may be.
        let mut dts = given.max(0);
        if let Some(Decoded { frame: last, dts: last_dts, given: last_given }) = self.last.take() {
            let delta = dts.saturating_sub(last_dts);
            let step = if !(-JUMP..=JUMP).contains(&delta) {
                out.warn("T016", || format!("video jumps by {}", media_time(delta)));
                self.nominal_step()
            } else if delta >= 1 {
                self.step = Some(delta);
                delta
            } else {
                if given <= last_given {
                    let back = media_time(last_given.saturating_sub(given));
                    out.warn("T016", || format!("a decode time is {back} before the one before"));
                }
                // Two pictures are never decoded at the same time.
                dts = last_dts.saturating_add(1);
                1
            };
            queue.push_back(queued(last, last_dts, step));
        } else if let Some(end) = self.end.take().filter(|end| end.abs_diff(dts) <= JITTER.unsigned_abs()) {
            dts = end;
        }
        self.last = Some(Decoded { frame, dts, given });
    }
}

/// Whether two fields are of one frame (ISO/IEC 14496-10, 3.30).
fn pairs(first: Field, second: Field) -> bool {
    first.frame_number == second.frame_number && first.bottom != second.bottom && (first.reference || !second.reference)
}

fn queued(frame: Frame, dts: i64, step: i64) -> Queued {
    let cts_offset = frame.pts.saturating_sub(dts);
    Queued {
        dts,
        duration: u32::try_from(step).unwrap_or(u32::MAX),
        cts_offset: i32::try_from(cts_offset).unwrap_or(if cts_offset < 0 { i32::MIN } else { i32::MAX }),
        sync: frame.sync,
        data: Media::Video(frame.data),
        config: frame.config,
        subsamples: frame.subsamples,
    }
}

/// Captions in order of presentation.
#[derive(Debug, Default)]
struct Captions {
    wanted: bool,
    waiting: BinaryHeap<Reverse<(i64, u64, Bytes)>>,
    count: u64,
}

impl Captions {
    fn add(&mut self, pts: i64, triplets: Vec<Bytes>) {
        for triplets in triplets {
            if self.wanted {
                self.count += 1;
                self.waiting.push(Reverse((pts, self.count, triplets)));
            }
        }
    }

    /// No picture that comes later is shown before it is decoded.
    fn release(&mut self, dts: i64, out: &mut Output) {
        while self.waiting.peek().is_some_and(|Reverse((pts, ..))| *pts <= dts) {
            let Some(Reverse((pts, _, triplets))) = self.waiting.pop() else { return };
            out.push(StreamUnit::Captions(CaptionData { time: media_time(pts), triplets }));
        }
    }
}
