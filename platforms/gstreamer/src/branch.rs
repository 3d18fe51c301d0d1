//! One kind's way from appended fragments to its renderer.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use telecine_engine::{Append, TrackConfig};
use telecine_model::{Error, MediaTime, TrackKind};

use crate::chain::{Chain, Tally};
use crate::clock::{span, to_gst};
use crate::format::StreamFormat;
use crate::intake::{Arrival, Intake};
use crate::outlet::Outlet;
use crate::queue::Sample;
use crate::quiet::Quiet;

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

/// A queue, a chain while there is something to decode, and an outlet.
pub(crate) struct Branch {
    kind: TrackKind,
    outlet: Outlet,
    chain: Option<Chain>,
    intake: Intake,
    epoch: Epoch,
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
            intake: Intake::new(kind, epoch.start),
            epoch,
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
        self.intake.configure(config);
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.intake.queue().bytes()
    }

    /// Takes an append and says what it brought.
    ///
    /// # Errors
    /// Those of [`Intake::append`].
    pub(crate) fn append(&mut self, append: &Append) -> Result<Arrival, Error> {
        self.intake.append(append)
    }

    /// There is nothing between two times, and nothing is missing. What is there already stays.
    pub(crate) fn be_silent(&mut self, from: MediaTime, to: MediaTime) {
        self.intake.be_silent(from, to);
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
            let Some(unit) = self.intake.queue().peek() else {
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
                    self.intake.queue_mut().advance();
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
                        self.intake.queue_mut().advance();
                    }
                },
                (None, _) => {
                    self.rest(start, end);
                    self.intake.queue_mut().advance();
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
        self.intake.restart(epoch.start);
        self.ending = false;
        self.restart(epoch, pipeline)
    }

    /// Goes on from `epoch` with what it has.
    pub(crate) fn resume(&mut self, epoch: Epoch, pipeline: &gst::Pipeline) -> Result<(), gst::glib::BoolError> {
        self.intake.resume(epoch.start);
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
        self.intake.remove(from, to, self.hushed);
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
        self.intake.queue_mut().prune(position);
        Some(position)
    }

    /// End of the media that follows without a hole from where playback started.
    pub(crate) fn horizon(&self) -> Option<MediaTime> {
        self.intake.horizon()
    }

    /// How far the renderer can go before more must be appended: the end of what is decoded, if
    /// nothing is on its way. None while something is, and when the end of the stream is.
    pub(crate) fn edge(&self) -> Option<MediaTime> {
        let dry = self.intake.queue().peek().map_or(!self.ending, |unit| unit.behind_hole);
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

    /// Whether an element belongs to it.
    pub(crate) fn has(&self, element: &gst::Object) -> bool {
        self.decodes_with(element) || element.has_as_ancestor(&self.outlet.bin)
    }

    /// Whether an element belongs to the decoding part.
    pub(crate) fn decodes_with(&self, element: &gst::Object) -> bool {
        self.chain.as_ref().is_some_and(|chain| element.has_as_ancestor(&chain.bin))
    }

    /// Whether samples, or the news of the end, wait for the decoder to want them.
    pub(crate) fn is_waiting(&self) -> bool {
        self.intake.queue().peek().is_some() || (self.ending && self.stage != Stage::Ended)
    }

    /// Whether there is something to feed as soon as somebody comes to do it.
    pub(crate) fn is_hungry(&self) -> bool {
        let at_hole = self.intake.queue().peek().is_some_and(|unit| unit.behind_hole);
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
