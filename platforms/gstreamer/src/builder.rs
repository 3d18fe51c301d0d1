//! What a sink renders with.

use std::fmt;

use gstreamer as gst;
use telecine_model::{Error, ErrorCode};

use crate::frame::{self, Frame, PixelFormat};
use crate::sink::GstSink;

/// Bytes that a kind holds at most, unless the application says otherwise.
const MAX_BYTES: u64 = 128 << 20;

/// Settings of a [`GstSink`]: see [`GstSink::builder`].
pub struct Builder {
    video: Output,
    audio: Output,
    max_bytes: u64,
}

/// What renders a kind.
enum Output {
    /// An element by its factory's name.
    Named(&'static str),
    /// One that keeps time and shows nothing.
    Fake,
    /// The application's own.
    Element(gst::Element),
    /// The application itself.
    Frames(PixelFormat, Box<dyn FnMut(&Frame<'_>) + Send>),
}

impl Default for Builder {
    fn default() -> Self {
        Self { video: Output::Named("autovideosink"), audio: Output::Named("autoaudiosink"), max_bytes: MAX_BYTES }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

impl Builder {
    /// Shows pictures with this element, which must be in no bin.
    ///
    /// They are converted to a form that it takes, in the processor's memory. A `gst::Bin` gets them
    /// as the decoder gives them, to keep them in a graphics processor's: `glupload ! glimagesink`.
    #[must_use]
    pub fn video_sink(mut self, element: gst::Element) -> Self {
        self.video = Output::Element(element);
        self
    }

    /// Plays sound with this element, which must be in no bin. As with pictures, it is converted
    /// unless the element is a `gst::Bin`.
    #[must_use]
    pub fn audio_sink(mut self, element: gst::Element) -> Self {
        self.audio = Output::Element(element);
        self
    }

    /// Decodes everything in real time, shows and plays nothing.
    #[must_use]
    pub fn headless(mut self) -> Self {
        self.video = Output::Fake;
        self.audio = Output::Fake;
        self
    }

    /// Hands decoded pictures to the application instead of showing them, each when it is due and
    /// on a thread of GStreamer's. While `show` runs, the next picture waits.
    #[must_use]
    pub fn frames(mut self, format: PixelFormat, show: impl FnMut(&Frame<'_>) + Send + 'static) -> Self {
        self.video = Output::Frames(format, Box::new(show));
        self
    }

    /// Bytes of media to hold per kind, at most. Default 128 MiB.
    #[must_use]
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// The sink.
    ///
    /// # Errors
    /// `SinkFailed` if GStreamer cannot be initialised or lacks an element.
    pub fn build(self) -> Result<GstSink, Error> {
        gst::init().map_err(|error| Error::new(ErrorCode::SinkFailed, format!("GStreamer does not start: {error}")))?;
        let (video, audio) = (self.video.element()?, self.audio.element()?);
        GstSink::new(video, audio, self.max_bytes)
    }
}

impl Output {
    fn element(self) -> Result<gst::Element, Error> {
        let made = match self {
            Self::Named(name) => gst::ElementFactory::make(name).build(),
            Self::Fake => gst::ElementFactory::make("fakesink").property("sync", true).build(),
            Self::Element(element) => Ok(element),
            Self::Frames(format, show) => Ok(frame::renderer(format, show)),
        };
        made.map_err(|error| Error::new(ErrorCode::SinkFailed, error.to_string()))
    }
}
