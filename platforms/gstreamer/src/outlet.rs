//! From pictures and sound to screen and loudspeaker: converters and the renderer.

use gstreamer as gst;
use gstreamer::prelude::*;
use telecine_model::{MediaTime, TrackKind};

use crate::clock::from_gst;

/// Decoded pictures that wait for their time: they carry over a picture that takes long to decode.
const PICTURES: u32 = 4;

/// Decoded sound that waits, for the same reason.
const SOUND: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// Silence that waits: as long as it lasts, the decoder of what follows has time to begin.
const SILENCE: gst::ClockTime = gst::ClockTime::from_mseconds(1000);

/// A queue, converters and a renderer in a bin of its own, with one input. It outlives chains.
pub(crate) struct Outlet {
    pub(crate) bin: gst::Bin,
    input: gst::GhostPad,
    queue: gst::Element,
    renderer: gst::Element,
}

impl Outlet {
    /// An outlet in no pipeline yet. The renderer is in no bin.
    pub(crate) fn new(kind: TrackKind, renderer: &gst::Element) -> Result<Self, gst::glib::BoolError> {
        let (pictures, sound) = if kind == TrackKind::Video { (PICTURES, 0) } else { (0, SOUND.nseconds()) };
        let queue = gst::ElementFactory::make("queue")
            .property("max-size-bytes", 0_u32)
            .property("max-size-buffers", pictures)
            .property("max-size-time", sound);
        let queue = queue.build()?;
        let mut elements = vec![queue.clone()];
        for name in converters(kind, renderer) {
            elements.push(gst::ElementFactory::make(name).build()?);
        }
        elements.push(renderer.clone());
        let bin = gst::Bin::new();
        bin.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let target = queue.static_pad("sink");
        let input = gst::GhostPad::builder(gst::PadDirection::Sink).name("sink").build();
        input.set_target(target.as_ref())?;
        bin.add_pad(&input)?;
        Ok(Self { bin, input, queue, renderer: renderer.clone() })
    }

    /// Where the renderer is, if it has something to render.
    pub(crate) fn position(&self) -> Option<MediaTime> {
        self.renderer.query_position::<gst::ClockTime>().map(from_gst)
    }

    /// Drops what it holds and takes nothing, until [`Outlet::open`].
    pub(crate) fn close(&self) {
        self.input.send_event(gst::event::FlushStart::new());
    }

    /// Takes media again.
    pub(crate) fn open(&self) {
        self.input.send_event(gst::event::FlushStop::new(true));
    }

    /// Lets more sound wait than usual, if that is silence. Of pictures a number waits, not a time.
    pub(crate) fn wait_long(&self, silence: bool) {
        if self.queue.property::<u64>("max-size-time") > 0 {
            self.queue.set_property("max-size-time", if silence { SILENCE } else { SOUND }.nseconds());
        }
    }

    /// The form of what is rendered, once something was; and what the renderer takes.
    pub(crate) fn forms(&self) -> (Option<gst::Caps>, gst::Caps) {
        (self.input.current_caps(), self.input.query_caps(None))
    }

    /// No picture comes between two times, of a stream that starts at `start` and plays at `rate`. The
    /// renderer lets the time pass. What comes behind it comes from another chain, or is the end.
    pub(crate) fn rest(&self, (from, to): (gst::ClockTime, gst::ClockTime), start: gst::ClockTime, rate: f64) {
        if self.input.sticky_event::<gst::event::Segment>(0).is_none() {
            self.input.send_event(gst::event::StreamStart::new("none"));
            // The first picture's caps would come too late: behind a segment they are out of order.
            if let Some(caps) = self.blank() {
                self.input.send_event(gst::event::Caps::new(&caps));
            }
            let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
            segment.set_rate(rate);
            segment.set_start(start);
            segment.set_time(start);
            segment.set_position(start);
            self.input.send_event(gst::event::Segment::new(&segment));
        }
        // A renderer holds a gap until it begins. The second, which is empty, is what it holds until
        // the end of the first: with nothing in hand it could not be paused.
        for (at, span) in [(from, to.saturating_sub(from)), (to, gst::ClockTime::ZERO)] {
            self.input.send_event(gst::event::Gap::builder(at).duration(span).build());
        }
    }

    /// A form for no picture at all, unless there was one before: a common one if the renderer takes it,
    /// else one that it takes. None if there is none.
    fn blank(&self) -> Option<gst::Caps> {
        let (before, taken) = self.forms();
        if before.is_some() {
            return None;
        }
        let raw = || gst::Caps::builder("video/x-raw");
        let rate = gst::Fraction::new(25, 1);
        let common = raw().field("format", "I420").field("width", 1280).field("height", 720).field("framerate", rate);
        let wishes = [common.build(), raw().build()];
        let mut caps = wishes.iter().map(|wish| taken.intersect(wish)).find(|caps| !caps.is_empty())?;
        caps.fixate();
        Some(caps)
    }

    /// Nothing comes at all.
    pub(crate) fn end(&self) {
        self.input.send_event(gst::event::StreamStart::new("none"));
        self.input.send_event(gst::event::Eos::new());
    }

    /// Gives the renderer back for another outlet. The bin is in no pipeline any more.
    pub(crate) fn release(self) {
        // Cannot fail: it was added when this was made.
        let _ = self.bin.remove(&self.renderer);
    }
}

/// What brings decoded media into the renderer's form. A bin of the application's own gets what the
/// decoder gives, in whatever memory that is.
fn converters(kind: TrackKind, renderer: &gst::Element) -> &'static [&'static str] {
    if renderer.type_() == gst::Bin::static_type() {
        &[]
    } else if kind == TrackKind::Video {
        &["videoconvert"]
    } else if gst::ElementFactory::find("scaletempo").is_some() {
        // Keeps voices at their pitch at other speeds; a plugin that not every device has.
        &["audioconvert", "scaletempo", "audioconvert", "audioresample"]
    } else {
        &["audioconvert", "audioresample"]
    }
}
