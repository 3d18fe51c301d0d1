//! From samples to pictures and sound: a source and the decoder behind it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as app;
use telecine_model::{MediaTime, TrackKind};

use crate::clock::{from_gst, is_hidden};
use crate::format::StreamFormat;
use crate::queue::Sample;

/// Samples that wait in front of the decoder at most. More is not needed: the host feeds twenty
/// times a second; and fewer are lost when a seek comes.
const AHEAD: u64 = 64;

/// Samples that decoders hold back at most: sixteen pictures for reordering (H.264, A.3.1, and
/// H.265, A.4.2), and one for each of their threads.
const HELD_BACK: usize = 64;

/// `appsrc ! decodebin` in a bin of its own, with one output. Silence needs no decoder.
///
/// It lives as long as the media type stays: a new rendition is new caps in the same stream, which
/// decoders take without a seam. Another media type needs another chain: this one is drained first
/// ([`Chain::drain`]), and its end does not reach the renderer.
pub(crate) struct Chain {
    pub(crate) bin: gst::Bin,
    source: app::AppSrc,
    format: Arc<StreamFormat>,
    ledger: Arc<Mutex<Ledger>>,
    /// The decoder has seen the preamble since the last start.
    introduced: bool,
}

/// What went into the decoder and has not come out yet. Shared with the streaming thread.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Samples to be shown, by presentation time: start and end.
    waiting: VecDeque<(gst::ClockTime, gst::ClockTime)>,
    /// Decoders cut off what lies before this.
    floor: gst::ClockTime,
    decoded: u64,
    lost: u64,
    /// End of what came out last.
    reached: Option<gst::ClockTime>,
    /// The end of the stream is not to be passed on.
    replaced: bool,
    drained: bool,
}

impl Ledger {
    fn expect(&mut self, start: gst::ClockTime, end: gst::ClockTime) {
        if end <= self.floor {
            return;
        }
        let start = start.max(self.floor);
        let at = self.waiting.partition_point(|(known, _)| *known <= start);
        self.waiting.insert(at, (start, end));
    }

    /// Something came out. Decoders give pictures and sound in order of presentation, so what lies
    /// before it and did not come out never will. An audio decoder may join samples, or trim some;
    /// not every decoder says how long something lasts.
    fn came_out(&mut self, start: gst::ClockTime, duration: Option<gst::ClockTime>) {
        let mut end = start.saturating_add(duration.unwrap_or_default());
        while let Some((from, to)) = self.waiting.front().copied() {
            let middle = from.saturating_add(to.saturating_sub(from) / 2);
            if from > start && middle >= end {
                break;
            }
            self.waiting.pop_front();
            if middle < start {
                self.lost += 1;
                continue;
            }
            self.decoded += 1;
            if duration.is_none() {
                end = end.max(to);
            }
        }
        self.reached = self.reached.max(Some(end));
    }

    /// Nothing comes out any more.
    fn ended(&mut self) {
        self.lost += self.waiting.len() as u64;
        self.waiting.clear();
        self.drained = true;
    }
}

/// How many samples a decoder delivered and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) decoded: u64,
    pub(crate) lost: u64,
}

impl Chain {
    /// A chain for `format`, in no pipeline yet.
    pub(crate) fn new(kind: TrackKind, format: Arc<StreamFormat>) -> Result<Self, gst::glib::BoolError> {
        let source = app::AppSrc::builder()
            .format(gst::Format::Time)
            // Seeks are answered by flushing and waiting for samples of the new place.
            .stream_type(app::AppStreamType::Seekable)
            .max_bytes(0)
            .caps(&format.caps)
            .callbacks(app::AppSrcCallbacks::builder().seek_data(|_, _| true).build())
            .build();
        // Its decoder begins when it is found. The pipeline is not to wait for that: it would be in
        // between states meanwhile, and a pause that comes then would not stop its clock.
        let bin = gst::Bin::builder().async_handling(true).build();
        bin.add(&source)?;
        let output = gst::GhostPad::builder(gst::PadDirection::Src).name("src").build();
        bin.add_pad(&output)?;
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        watch(&output, kind, &ledger);
        let chain = Self { bin, source, format, ledger, introduced: false };
        if chain.format.is_raw() {
            output.set_target(chain.source.static_pad("src").as_ref())?;
            return Ok(chain);
        }
        let decoder = gst::ElementFactory::make("decodebin").build()?;
        chain.bin.add(&decoder)?;
        chain.source.link(&decoder)?;
        let output = output.downgrade();
        decoder.connect_pad_added(move |_, pad| {
            if let Some(output) = output.upgrade().filter(|output| output.target().is_none()) {
                // Cannot fail: both are source pads, and the target is in the ghost's bin.
                let _ = output.set_target(Some(pad));
            }
        });
        Ok(chain)
    }

    /// Whether it can go on with `format`.
    pub(crate) fn takes(&self, format: &StreamFormat) -> bool {
        self.format.same_decoder(format)
    }

    /// Starts at `start` and at `rate`, empty. False if that failed.
    ///
    /// Seeking the source flushes everything behind it, renderer included, and begins a new
    /// segment, so that running time starts again at zero.
    pub(crate) fn start(&mut self, start: gst::ClockTime, rate: f64) -> bool {
        // Before the source runs there is nothing to flush; the seek then waits for the start.
        let flush = if self.source.current_state() >= gst::State::Paused {
            gst::SeekFlags::FLUSH
        } else {
            gst::SeekFlags::empty()
        };
        let seek = gst::event::Seek::new(
            rate,
            flush | gst::SeekFlags::ACCURATE,
            gst::SeekType::Set,
            start,
            gst::SeekType::None,
            gst::ClockTime::NONE,
        );
        let done = self.source.send_event(seek);
        self.introduced = false;
        let mut ledger = self.ledger();
        ledger.waiting.clear();
        ledger.floor = start;
        ledger.reached = None;
        ledger.drained = false;
        done
    }

    /// Whether it wants more samples now.
    pub(crate) fn is_hungry(&self) -> bool {
        self.source.current_level_buffers() < AHEAD
    }

    /// Whether every sample given is in the decoder or behind it.
    pub(crate) fn is_consumed(&self) -> bool {
        self.source.current_level_buffers() == 0
    }

    /// Whether it gives silence.
    pub(crate) fn is_quiet(&self) -> bool {
        self.format.is_raw()
    }

    /// Whether nothing was given to it since the last start.
    pub(crate) fn is_fresh(&self) -> bool {
        !self.introduced
    }

    /// Gives it a sample. The bytes are shared, not copied.
    pub(crate) fn feed(&mut self, sample: &Sample) {
        if !Arc::ptr_eq(&self.format, &sample.format) {
            self.format = Arc::clone(&sample.format);
            self.source.set_caps(Some(&self.format.caps));
            self.introduced = false;
        }
        if let Some(preamble) = self.format.preamble.as_ref().filter(|_| !self.introduced) {
            let mut header = gst::Buffer::from_slice(preamble.clone());
            header.make_mut().set_flags(gst::BufferFlags::HEADER);
            let _ = self.source.push_buffer(header);
        }
        self.introduced = true;
        let mut buffer = gst::Buffer::from_slice(sample.data.clone());
        {
            // Writable, being the only reference: nothing is copied.
            let buffer = buffer.make_mut();
            // No decode times: where composition offsets are negative they lie behind the
            // presentation times, and GStreamer then moves the latter.
            buffer.set_pts(sample.stamp);
            buffer.set_duration(sample.duration);
            if !sample.sync {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
            if sample.discontinuity {
                buffer.set_flags(gst::BufferFlags::DISCONT);
            }
        }
        if !sample.is_hidden() {
            self.ledger().expect(sample.stamp, sample.stamp.saturating_add(sample.duration));
        }
        // Refused only while flushing or behind the end, when nothing is fed.
        let _ = self.source.push_buffer(buffer);
    }

    /// Lets the decoder give out everything that it holds; the next sample is a sync sample. Of the
    /// events that say so, this is the one that parsers hand on at once and decoders heed.
    pub(crate) fn empty(&self) {
        self.source.send_event(gst::event::SegmentDone::new(gst::ClockTime::NONE));
    }

    /// Nothing follows.
    pub(crate) fn end(&self) {
        let _ = self.source.end_of_stream();
    }

    /// Lets everything come out for another chain to take over ([`Chain::is_drained`]).
    pub(crate) fn drain(&self) {
        self.ledger().replaced = true;
        self.end();
    }

    /// Whether everything came out after [`Chain::drain`].
    pub(crate) fn is_drained(&self) -> bool {
        self.ledger().drained
    }

    /// End of what came out of the decoder since the last start.
    pub(crate) fn reached(&self) -> Option<MediaTime> {
        self.ledger().reached.map(from_gst)
    }

    /// What came out so far. Silence is no sample of anything.
    pub(crate) fn tally(&self) -> Tally {
        if self.is_quiet() {
            return Tally::default();
        }
        let ledger = self.ledger();
        Tally { decoded: ledger.decoded, lost: ledger.lost }
    }

    /// Whether the decoder took everything, more than any decoder holds back, and gave nothing for it.
    pub(crate) fn is_mute(&self) -> bool {
        self.is_consumed() && self.ledger().waiting.len() > HELD_BACK
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}

/// A panic elsewhere leaves counts that are still counts.
fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the ledger and drops what is not to be shown.
fn watch(output: &gst::GhostPad, kind: TrackKind, ledger: &Arc<Mutex<Ledger>>) {
    let ledger = Arc::clone(ledger);
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    output.add_probe(mask, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let Some(start) = buffer.pts() else { return gst::PadProbeReturn::Ok };
                // Sound that is not to be shown is not decoded; its decoders make times of their own.
                if kind == TrackKind::Video && is_hidden(start) {
                    return gst::PadProbeReturn::Handled;
                }
                lock(&ledger).came_out(start, buffer.duration());
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => {
                let mut ledger = lock(&ledger);
                ledger.ended();
                if ledger.replaced {
                    return gst::PadProbeReturn::Handled;
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(ms)
    }

    /// A ledger of samples of 20 ms, in a decoder's order.
    fn ledger(starts: &[u64]) -> Ledger {
        let mut ledger = Ledger::default();
        starts.iter().for_each(|start| ledger.expect(ms(*start), ms(start + 20)));
        ledger
    }

    fn counts(ledger: &Ledger) -> (u64, u64, usize) {
        (ledger.decoded, ledger.lost, ledger.waiting.len())
    }

    #[test]
    fn what_is_passed_over_is_lost() {
        let mut ledger = ledger(&[0, 60, 20, 40]);
        ledger.came_out(ms(0), Some(ms(20)));
        ledger.came_out(ms(40), Some(ms(20)));
        assert_eq!((counts(&ledger), ledger.reached), ((2, 1, 1), Some(ms(60))));
        ledger.ended();
        assert_eq!(counts(&ledger), (2, 2, 0));
    }

    #[test]
    fn joined_and_trimmed_samples_count_each() {
        let mut ledger = ledger(&[0, 20, 40, 60]);
        ledger.came_out(ms(6), Some(ms(34)));
        assert_eq!(counts(&ledger), (2, 0, 2));
        ledger.came_out(ms(39), Some(ms(41)));
        assert_eq!(counts(&ledger), (4, 0, 0));
    }

    #[test]
    fn a_decoder_may_keep_durations_to_itself() {
        let mut ledger = ledger(&[0, 20]);
        ledger.came_out(ms(0), None);
        assert_eq!((counts(&ledger), ledger.reached), ((1, 0, 1), Some(ms(20))));
    }

    #[test]
    fn what_lies_before_the_start_is_not_expected() {
        let mut ledger = Ledger { floor: ms(30), ..Ledger::default() };
        [0, 20, 40].into_iter().for_each(|start| ledger.expect(ms(start), ms(start + 20)));
        ledger.came_out(ms(30), Some(ms(10)));
        assert_eq!(counts(&ledger), (1, 0, 1));
    }
}
