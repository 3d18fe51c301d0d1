//! From pictures and sound to screen and loudspeaker: converters and the renderer.

use gstreamer as gst;
use gstreamer::prelude::*;
use telecine_model::{MediaTime, TrackKind};

use crate::clock::from_gst;

/// Decoded pictures that wait for their time: they carry over a picture that takes long to decode.
const PICTURES: u32 = 4;

/// Decoded sound that waits, for the same reason.
const SOUND: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// A queue, converters and a renderer in a bin of its own, with one input. It outlives chains.
pub(crate) struct Outlet {
    pub(crate) bin: gst::Bin,
    input: gst::GhostPad,
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
        let mut elements = vec![queue.build()?];
        for name in converters(kind, renderer) {
            elements.push(gst::ElementFactory::make(name).build()?);
        }
        elements.push(renderer.clone());
        let bin = gst::Bin::new();
        bin.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let target = elements.first().and_then(|queue| queue.static_pad("sink"));
        let input = gst::GhostPad::builder(gst::PadDirection::Sink).name("sink").build();
        input.set_target(target.as_ref())?;
        bin.add_pad(&input)?;
        Ok(Self { bin, input, renderer: renderer.clone() })
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
