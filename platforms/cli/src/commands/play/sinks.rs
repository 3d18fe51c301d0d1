//! Where media goes.

use telecine_engine::Sink;
use telecine_model::Error;
#[cfg(not(feature = "gstreamer"))]
use telecine_model::ErrorCode;

use crate::args::SinkName;

/// A sink, and its name for the report.
pub(super) struct Chosen {
    sink: Box<dyn Sink>,
    name: SinkName,
}

impl Chosen {
    pub(super) fn name(&self) -> &'static str {
        self.name.name()
    }

    pub(super) fn into_sink(self) -> Box<dyn Sink> {
        self.sink
    }
}

/// The sink of that name, or without one the best that this build has.
///
/// # Errors
/// `InvalidArgument` if this build does not have it.
pub(super) fn choose(wanted: Option<SinkName>) -> Result<Chosen, Error> {
    let name = wanted.unwrap_or(BEST);
    let sink: Box<dyn Sink> = match name {
        SinkName::Null => Box::new(telecine::NullSink::default()),
        SinkName::Audio => Box::new(telecine::AudioSink::default()),
        #[cfg(feature = "gstreamer")]
        SinkName::Gstreamer => Box::new(telecine_gstreamer::GstSink::new()?),
        #[cfg(not(feature = "gstreamer"))]
        SinkName::Gstreamer => {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "this build has no GStreamer; build it with --features gstreamer, or take --sink audio or null",
            ))
        }
    };
    Ok(Chosen { sink, name })
}

#[cfg(feature = "gstreamer")]
const BEST: SinkName = SinkName::Gstreamer;
#[cfg(not(feature = "gstreamer"))]
const BEST: SinkName = SinkName::Audio;
