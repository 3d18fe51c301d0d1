//! Where media goes.

use telecine_engine::{Observed, Sink, SinkCommand};
use telecine_model::{Error, ErrorCode};

use crate::args::{Clock, SinkName};
use crate::report::Tally;

/// A sink, and its name for the report.
pub(super) struct Chosen {
    sink: Box<dyn Sink>,
    name: SinkName,
}

impl Chosen {
    pub(super) fn name(&self) -> &'static str {
        self.name.name()
    }

    /// The sink, which counts in `tally` what goes into it.
    pub(super) fn into_sink(self, tally: Tally) -> impl Sink {
        Observed::new(self.sink, move |command: &SinkCommand| tally.count(command))
    }
}

/// The sink of that name, or without one the best that this build and machine have.
///
/// # Errors
/// `InvalidArgument` if this build does not have the named one or it cannot follow that clock;
/// `SinkFailed` if the machine does not have it.
pub(super) fn choose(wanted: Option<SinkName>, clock: Clock) -> Result<Chosen, Error> {
    let name = match wanted {
        Some(SinkName::Gstreamer) if clock == Clock::Virtual => {
            return Err(Error::new(
                ErrorCode::InvalidArgument,
                "GStreamer renders in real time only: take --sink audio or null with --clock virtual",
            ))
        }
        Some(name) => name,
        None if clock == Clock::Virtual => SinkName::Audio,
        None => match gstreamer() {
            Ok(sink) => return Ok(Chosen { sink, name: SinkName::Gstreamer }),
            Err(_) => SinkName::Audio,
        },
    };
    let sink: Box<dyn Sink> = match name {
        SinkName::Null => Box::new(telecine::NullSink::default()),
        SinkName::Audio => Box::new(telecine::AudioSink::default()),
        SinkName::Gstreamer => gstreamer()?,
    };
    Ok(Chosen { sink, name })
}

/// What GStreamer has for this machine.
#[cfg(feature = "gstreamer")]
fn gstreamer() -> Result<Box<dyn Sink>, Error> {
    Ok(Box::new(telecine_gstreamer::GstSink::default_output()?))
}

#[cfg(not(feature = "gstreamer"))]
fn gstreamer() -> Result<Box<dyn Sink>, Error> {
    Err(Error::new(
        ErrorCode::InvalidArgument,
        "this build has no GStreamer: build it with --features gstreamer, or take --sink audio or null",
    ))
}
