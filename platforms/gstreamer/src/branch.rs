//! One kind's way from appended fragments to its renderer.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use telecine_container::{SampleDescription, TrackFragment, TrackInfo};
use telecine_engine::{Append, Payload, TrackConfig};
use telecine_model::{Error, ErrorCode, MediaTime, TrackKind};

use crate::chain::{Chain, Tally};
use crate::clock::{hidden_before, span, to_gst};
use crate::format::StreamFormat;
use crate::outlet::Outlet;
use crate::queue::{Queue, Sample, Unit};
use crate::quiet::Quiet;

/// Holes up to this are played over, as the engine expects: seams between renditions may be off by
/// a frame or two (83 ms at 24 frames a second).
const SEAM: MediaTime = MediaTime::from_millis(100);

/// More than pictures can be late that others need.
const LATE: MediaTime = MediaTime::from_secs(10);

/// Where playback of what is appended starts, and how fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) start: MediaTime,
    pub(crate) rate_milli: u32,
}

impl Epoch {
    fn rate(self) -> f64 {
        f64::from(self.rate_milli) / 1000.0
    }

    /// Running time, GStreamer's count of time played, at a presentation time.
    pub(crate) fn running(self, position: MediaTime) -> gst::ClockTime {
        span((position - self.start).mul_ratio(1000, i64::from(self.rate_milli)))
    }
}

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

/// A queue, a chain while there is something to decode, and an outlet.
pub(crate) struct Branch {
    kind: TrackKind,
    outlet: Outlet,
    chain: Option<Chain>,
    queue: Queue,
    epoch: Epoch,
    config: Option<TrackConfig>,
    /// The format of the last sample, for the next of the same description to share.
    format: Option<(u32, Arc<StreamFormat>)>,
    /// End of what was appended since the last seek.
    reach: Option<MediaTime>,
    /// The segment that is being appended.
    segment: Option<Segment>,
    /// Where media is missing, if it goes on behind.
    hole: Option<MediaTime>,
    /// End of what chains that are gone gave to the renderer, and of the time without pictures that it
    /// was told of, since the last start.
    passed: Option<MediaTime>,
    /// What is sent while there is no sound, and up to where it was.
    quiet: Option<Quiet>,
    hushed: Option<MediaTime>,
    /// Nothing more will be appended until the next seek.
    ending: bool,
    stage: Stage,
    /// Counts of chains that are gone, and how much of all counts was taken.
    past: Tally,
    taken: Tally,
    /// Samples that a decoder passed over in order to catch up: no fault of theirs.
    skipped: u64,
}

/// What becomes of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// It takes samples.
    #[default]
    Open,
    /// It gives out what it holds, because media is missing behind that.
    AtHole,
    /// It gives out what it holds, for another to take over.
    Replacing,
    /// It knows that nothing follows.
    Ended,
}

/// A segment, which comes as one append or as several.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    number: u64,
    rendition: String,
    /// End of what was appended before it.
    behind: Option<MediaTime>,
}

impl Branch {
    /// A branch of `pipeline` that renders with `renderer`.
    pub(crate) fn new(
        kind: TrackKind,
        renderer: &gst::Element,
        pipeline: &gst::Pipeline,
        epoch: Epoch,
    ) -> Result<Self, gst::glib::BoolError> {
        let outlet = Outlet::new(kind, renderer)?;
        pipeline.add(&outlet.bin)?;
        outlet.bin.sync_state_with_parent()?;
        Ok(Self {
            kind,
            outlet,
            chain: None,
            queue: Queue::default(),
            epoch,
            config: None,
            format: None,
            reach: None,
            segment: None,
            hole: None,
            passed: None,
            quiet: None,
            hushed: None,
            ending: false,
            stage: Stage::Open,
            past: Tally::default(),
            taken: Tally::default(),
            skipped: 0,
        })
    }

    /// What follows is to be read with this configuration.
    pub(crate) fn configure(&mut self, config: TrackConfig) {
        self.config = Some(config);
        self.format = self.format.take().map(|(_, format)| (0, format));
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.queue.bytes()
    }

    /// Takes an append and says what it brought.
    ///
    /// # Errors
    /// Those of [`StreamFormat::new`], and `InitMissing` without a usable configuration.
    pub(crate) fn append(&mut self, append: &Append) -> Result<Arrival, Error> {
        let mut arrival = Arrival::default();
        let Payload::Fragment(fragment) = &append.payload else { return Ok(arrival) };
        let Some((init, track)) = self.config.as_ref().and_then(|config| {
            let init = Arc::clone(config.init.as_ref()?);
            let track = config.track_id;
            Some((init, track))
        }) else {
            return Err(Error::new(ErrorCode::InitMissing, "media without an initialisation section"));
        };
        let Some(info) = init.track(track) else {
            return Err(Error::new(ErrorCode::InitMissing, format!("the initialisation section has no track {track}")));
        };
        let parts: Vec<&TrackFragment> = fragment.tracks.iter().filter(|part| part.track_id == info.id).collect();
        // The engine says where the first part begins: edit lists and period offsets are in that.
        let Some(first) = parts.first().and_then(|part| part.earliest_pts()) else { return Ok(arrival) };
        let shift = append.start - MediaTime::from_ticks(first, info.timescale);
        let overlap = self.overlap(append);
        arrival.gap = self.reach.is_some_and(|reach| append.start > reach + longest(&parts, info));
        let mut behind_hole = self.is_behind_hole(append.start);
        let mut discontinuity = append.discontinuity;
        let mut units = Vec::new();
        let mut shown = 0;
        let time = |ticks| MediaTime::from_ticks(ticks, info.timescale) + shift;
        let times = |sample: &telecine_container::Sample| {
            (time(sample.pts()), time(sample.pts().saturating_add(sample.duration.into())))
        };
        let is_shown =
            |(start, end): &(MediaTime, MediaTime)| self.place(append, overlap, *start, *end) == Place::Shown;
        let samples = parts.iter().flat_map(|part| &part.samples);
        // Times of what is not shown have to be before it.
        let first_shown = samples.map(times).filter(is_shown).map(|(start, _)| start).min();
        for part in parts {
            let format = self.format(info, part.description)?;
            for sample in &part.samples {
                let (start, end) = times(sample);
                let place = self.place(append, overlap, start, end);
                let counts = match place {
                    Place::Shown => true,
                    Place::Early(_) => start >= append.window.0 && !is_there(overlap, start, end),
                    Place::Late(_) => false,
                };
                if counts {
                    arrival.count(start, end);
                }
                let stamp = match place {
                    Place::Shown => to_gst(start),
                    // The decoder itself cuts off what lies before the segment.
                    Place::Early(until) if until == self.epoch.start => to_gst(start),
                    // Each sample of sound is decoded alone.
                    _ if self.kind != TrackKind::Video => None,
                    Place::Early(until) => {
                        let until = first_shown.map_or(until, |first| first.min(until));
                        to_gst(until).map(|shown| hidden_before(shown, until - start))
                    }
                    Place::Late(until) => to_gst(until).map(|next| hidden_before(next, LATE - (start - until))),
                };
                let (Some(stamp), Some(data)) = (stamp, fragment.sample(sample)) else { continue };
                let sample = Sample {
                    format: Arc::clone(&format),
                    data,
                    stamp,
                    duration: span(end - start),
                    sync: sample.sync,
                    discontinuity: std::mem::take(&mut discontinuity),
                };
                units.push(Unit { start, end, behind_hole: std::mem::take(&mut behind_hole), sample: Some(sample) });
                if !matches!(place, Place::Late(_)) {
                    shown = units.len();
                }
                if place == Place::Shown {
                    self.reach = self.reach.max(Some(end));
                }
            }
        }
        // What is late and has nothing behind it that needs it is not decoded at all.
        units.truncate(shown);
        units.into_iter().for_each(|unit| self.queue.push(unit));
        Ok(arrival)
    }

    /// There is nothing between two times, and nothing is missing. What is there already stays.
    pub(crate) fn be_silent(&mut self, from: MediaTime, to: MediaTime) {
        // Between a period's last whole frame of sound and its end is no hole.
        let start = match self.reach {
            Some(reach) if from <= reach + SEAM => reach,
            _ => from.max(self.epoch.start),
        };
        if start < to {
            let behind_hole = self.is_behind_hole(start);
            self.queue.push(Unit { start, end: to, behind_hole, sample: None });
            self.reach = Some(to);
            // What comes next continues no segment.
            self.segment = None;
        }
    }

    /// Whether media is missing before `start`, where more follows. Notes where.
    fn is_behind_hole(&mut self, start: MediaTime) -> bool {
        let behind = self.reach.is_some_and(|reach| start > reach + SEAM);
        if behind && self.hole.is_none() {
            self.hole = self.reach;
        }
        behind
    }

    /// Where the segments before the one of `append` end: its samples before that are there already.
    /// Within a segment presentation times go to and fro, from one chunk to the next too.
    fn overlap(&mut self, append: &Append) -> Option<MediaTime> {
        let continued = |segment: &&Segment| segment.number == append.segment && segment.rendition == append.rendition;
        if let Some(segment) = self.segment.as_ref().filter(continued) {
            return segment.behind;
        }
        self.segment =
            Some(Segment { number: append.segment, rendition: append.rendition.clone(), behind: self.reach });
        self.reach
    }

    /// Where a sample lies in relation to what is shown of its append.
    fn place(&self, append: &Append, overlap: Option<MediaTime>, start: MediaTime, end: MediaTime) -> Place {
        let (from, to) = append.window;
        let show_from = append.show_from.unwrap_or(MediaTime::MIN).max(self.epoch.start);
        let taken = overlap.filter(|_| is_there(overlap, start, end));
        if start >= to {
            Place::Late(to)
        } else if end <= from || end <= show_from || taken.is_some() {
            Place::Early(from.max(show_from).max(taken.unwrap_or(MediaTime::MIN)))
        } else {
            Place::Shown
        }
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

    /// Nothing will be appended until the next start.
    pub(crate) fn end(&mut self) {
        self.ending = true;
    }

    /// Gives the decoder what it wants.
    pub(crate) fn feed(&mut self, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        loop {
            if self.stage == Stage::Replacing {
                if self.chain.as_ref().is_some_and(|chain| !chain.is_drained()) {
                    return Ok(());
                }
                self.detach(pipeline)?;
            }
            let Some(unit) = self.queue.peek() else {
                if self.is_waiting() {
                    self.stage = Stage::Ended;
                    match &self.chain {
                        Some(chain) => chain.end(),
                        None => self.outlet.end(),
                    }
                }
                return Ok(());
            };
            if unit.behind_hole {
                if let (Some(chain), Stage::Open) = (&self.chain, self.stage) {
                    chain.empty();
                    self.stage = Stage::AtHole;
                }
                return Ok(());
            }
            let fits = match (&unit.sample, &self.chain) {
                (Some(sample), Some(chain)) => chain.takes(&sample.format),
                (None, Some(chain)) => chain.is_quiet(),
                (_, None) => true,
            };
            let (start, end, sample) = (unit.start, unit.end, unit.sample.clone());
            match (sample, self.kind) {
                _ if !fits => self.dismiss(pipeline)?,
                (Some(sample), _) => {
                    if !self.give(&sample, pipeline)? {
                        return Ok(());
                    }
                    self.queue.advance();
                }
                (None, TrackKind::Audio) => match self.quiet(start, end) {
                    Some((sample, until)) => {
                        if !self.give(&sample, pipeline)? {
                            return Ok(());
                        }
                        self.hushed = Some(until);
                    }
                    None => {
                        (self.quiet, self.hushed) = (None, None);
                        self.queue.advance();
                    }
                },
                (None, _) => {
                    self.rest(start, end);
                    self.queue.advance();
                }
            }
        }
    }

    /// Lets another chain, or none, take over from this one.
    fn dismiss(&mut self, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        match &self.chain {
            Some(chain) if !chain.is_fresh() => {
                chain.drain();
                self.stage = Stage::Replacing;
                Ok(())
            }
            _ => self.detach(pipeline),
        }
    }

    /// Gives a sample to the chain, which takes its like. False if that is not hungry.
    fn give(&mut self, sample: &Sample, pipeline: &gst::Pipeline) -> Result<bool, gst::glib::BoolError> {
        let chain = match self.chain.take() {
            Some(chain) => chain,
            None => self.attach(Arc::clone(&sample.format), pipeline)?,
        };
        let chain = self.chain.insert(chain);
        let hungry = chain.is_hungry();
        if hungry {
            chain.feed(sample);
        }
        Ok(hungry)
    }

    /// What comes next of a silence, and where that ends; None if nothing is left.
    fn quiet(&mut self, from: MediaTime, to: MediaTime) -> Option<(Sample, MediaTime)> {
        let from = self.hushed.unwrap_or(from).max(self.epoch.start);
        let quiet = self.quiet.get_or_insert_with(|| {
            let (before, taken) = self.outlet.forms();
            Quiet::new(before.as_ref(), &taken)
        });
        quiet.piece(from, to)
    }

    /// Lets the renderer pass over what is left of a time without pictures. There is no chain.
    fn rest(&mut self, from: MediaTime, to: MediaTime) {
        let from = from.max(self.epoch.start);
        if let (Some(start), Some(stamps)) = (to_gst(self.epoch.start), to_gst(from).zip(to_gst(to))) {
            if from < to {
                self.outlet.rest(stamps, start, self.epoch.rate());
                self.passed = self.passed.max(Some(to));
            }
        }
    }

    /// End of what the renderer was given since the last start.
    fn reached(&self) -> Option<MediaTime> {
        self.chain.as_ref().and_then(Chain::reached).max(self.passed)
    }

    /// A new chain in front of the outlet.
    fn attach(&self, format: Arc<StreamFormat>, pipeline: &gst::Pipeline) -> Result<Chain, gst::glib::BoolError> {
        self.outlet.wait_long(format.is_raw());
        let mut chain = Chain::new(self.kind, format)?;
        pipeline.add(&chain.bin)?;
        chain.bin.link(&self.outlet.bin)?;
        if let Some(start) = to_gst(self.epoch.start) {
            chain.start(start, self.epoch.rate());
        }
        chain.bin.sync_state_with_parent()?;
        Ok(chain)
    }

    /// Takes the chain away. No thread of it waits in the outlet: it is drained or fresh, or the outlet
    /// is closed.
    fn detach(&mut self, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        self.stage = Stage::Open;
        let Some(chain) = self.chain.take() else { return Ok(()) };
        let tally = chain.tally();
        self.past.decoded += tally.decoded;
        self.past.lost += tally.lost;
        self.passed = self.passed.max(chain.reached());
        // A state change to NULL never fails.
        let _ = chain.bin.set_state(gst::State::Null);
        pipeline.remove(&chain.bin)
    }

    /// Drops everything and waits for media of another place.
    pub(crate) fn seek(&mut self, epoch: Epoch, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        self.queue.clear();
        self.reach = None;
        self.segment = None;
        self.hole = None;
        self.ending = false;
        self.restart(epoch, pipeline)
    }

    /// Goes on from `epoch` with what it has.
    pub(crate) fn resume(&mut self, epoch: Epoch, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        self.queue.rewind(epoch.start);
        self.restart(epoch, pipeline)
    }

    fn restart(&mut self, epoch: Epoch, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        self.epoch = epoch;
        (self.quiet, self.hushed) = (None, None);
        let started = match (&mut self.chain, to_gst(epoch.start)) {
            (Some(chain), Some(start)) if self.stage != Stage::Replacing => chain.start(start, epoch.rate()),
            _ => false,
        };
        if !started {
            self.outlet.close();
            self.detach(pipeline)?;
            self.outlet.open();
        }
        self.passed = None;
        self.stage = Stage::Open;
        Ok(())
    }

    /// Forgets what waits between two times.
    pub(crate) fn remove(&mut self, from: MediaTime, to: MediaTime) {
        self.queue.remove(from, to);
        self.reach = self.queue.end();
        // It may go on nevertheless: with what waits to be shown before what its last part had.
        if let Some(segment) = &mut self.segment {
            segment.behind = segment.behind.min(self.reach);
        }
        if !self.queue.has_hole() {
            self.hole = None;
        }
    }

    /// Leaves the pipeline.
    pub(crate) fn close(mut self, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        self.outlet.close();
        self.detach(pipeline)?;
        let _ = self.outlet.bin.set_state(gst::State::Null);
        pipeline.remove(&self.outlet.bin)?;
        self.outlet.release();
        Ok(())
    }

    /// Where the renderer is, if it has something to render; forgets what lies behind.
    pub(crate) fn position(&mut self) -> Option<MediaTime> {
        let reached = self.reached()?;
        let position = self.outlet.position()?.max(self.epoch.start).min(reached);
        self.queue.prune(position);
        Some(position)
    }

    /// End of the media that follows without a hole from where playback started.
    pub(crate) fn horizon(&self) -> Option<MediaTime> {
        self.hole.or(self.reach)
    }

    /// How far the renderer can go before more must be appended: the end of what is decoded, if
    /// nothing is on its way. None while something is, and when the end of the stream is.
    pub(crate) fn edge(&self) -> Option<MediaTime> {
        let dry = self.queue.peek().map_or(!self.ending, |unit| unit.behind_hole);
        let edge = match &self.chain {
            Some(chain) => chain.reached().filter(|_| chain.is_consumed()),
            None => self.passed,
        };
        edge.filter(|_| dry)
    }

    /// Whether everything to the end was fed.
    pub(crate) fn is_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Whether the decoder takes and takes and gives nothing.
    pub(crate) fn is_mute(&self) -> bool {
        self.chain.as_ref().is_some_and(Chain::is_mute)
    }

    /// Whether nothing of what was decoded ever came out.
    pub(crate) fn is_barren(&self) -> bool {
        let all = self.total();
        all.decoded == 0 && all.lost > 0
    }

    /// Whether an element belongs to the decoding part.
    pub(crate) fn decodes_with(&self, element: &gst::Object) -> bool {
        self.chain.as_ref().is_some_and(|chain| element.has_as_ancestor(&chain.bin))
    }

    /// Whether samples, or the news of the end, wait for the decoder to want them.
    pub(crate) fn is_waiting(&self) -> bool {
        self.queue.peek().is_some() || (self.ending && self.stage != Stage::Ended)
    }

    /// Whether there is something to feed as soon as somebody comes to do it.
    pub(crate) fn is_hungry(&self) -> bool {
        let at_hole = self.queue.peek().is_some_and(|unit| unit.behind_hole);
        self.is_waiting() && !at_hole && self.chain.as_ref().is_none_or(Chain::is_hungry)
    }

    /// What came out since this was last taken.
    pub(crate) fn take_tally(&mut self) -> Tally {
        let fresh = self.tally();
        self.taken.decoded += fresh.decoded;
        self.taken.lost += fresh.lost;
        fresh
    }

    /// What came out since it was last taken.
    pub(crate) fn tally(&self) -> Tally {
        let all = self.total();
        Tally {
            decoded: all.decoded.saturating_sub(self.taken.decoded),
            // News of skipped samples may come later than their loss was taken.
            lost: all.lost.saturating_sub(self.taken.lost),
        }
    }

    /// The decoder passed over this many samples, because the renderer is late.
    pub(crate) fn skip(&mut self, samples: u64) {
        self.skipped += samples;
    }

    fn total(&self) -> Tally {
        let now = self.chain.as_ref().map(Chain::tally).unwrap_or_default();
        let lost = self.past.lost + now.lost;
        Tally { decoded: self.past.decoded + now.decoded, lost: lost.saturating_sub(self.skipped) }
    }
}

/// See [`Branch::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Shown,
    /// Before what is shown, which starts here.
    Early(MediaTime),
    /// Behind what is shown, which ends here.
    Late(MediaTime),
}

impl Arrival {
    fn count(&mut self, start: MediaTime, end: MediaTime) {
        self.samples += 1;
        self.duration += end - start;
        self.pts = Some(self.pts.map_or((start, start), |(first, last)| (first.min(start), last.max(start))));
    }
}

/// Whether a sample is in what ends at `overlap`. Segments of different renditions need not fit to the
/// frame: what was there first stays.
fn is_there(overlap: Option<MediaTime>, start: MediaTime, end: MediaTime) -> bool {
    overlap.is_some_and(|taken| start + (end - start).mul_ratio(1, 2) < taken)
}

/// The longest sample of a fragment.
fn longest(parts: &[&TrackFragment], track: &TrackInfo) -> MediaTime {
    let ticks = parts.iter().flat_map(|part| &part.samples).map(|sample| sample.duration).max();
    MediaTime::from_ticks(ticks.unwrap_or(0).into(), track.timescale)
}
