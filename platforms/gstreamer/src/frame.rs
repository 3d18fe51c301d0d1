//! Decoded pictures for the application instead of a screen.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as app;
use gstreamer_video as video;
use gstreamer_video::prelude::*;
use telecine_model::MediaTime;

use crate::clock::from_gst;

/// How the pixels of a [`Frame`] are laid out. Pictures are converted to it; their size stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// One plane of luma, eight bits a pixel, full range.
    Gray8,
    /// Luma, then two planes of chroma at half width and height, eight bits each.
    I420,
    /// One plane of red, green, blue, alpha bytes.
    Rgba,
}

impl PixelFormat {
    fn to_gst(self) -> video::VideoFormat {
        match self {
            Self::Gray8 => video::VideoFormat::Gray8,
            Self::I420 => video::VideoFormat::I420,
            Self::Rgba => video::VideoFormat::Rgba,
        }
    }
}

/// A decoded picture at the moment at which it is to be shown.
#[derive(Debug)]
pub struct Frame<'a> {
    pts: MediaTime,
    picture: video::VideoFrameRef<&'a gst::BufferRef>,
}

impl Frame<'_> {
    /// Presentation time, right to two nanoseconds. A picture into which a seek goes has the time of
    /// the seek's target.
    pub fn pts(&self) -> MediaTime {
        self.pts
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.picture.width()
    }

    /// Lines.
    pub fn height(&self) -> u32 {
        self.picture.height()
    }

    /// The bytes of a plane, rows [`Frame::stride`] bytes apart; None if the format has no such plane.
    pub fn plane(&self, index: u32) -> Option<&[u8]> {
        self.picture.plane_data(index).ok()
    }

    /// Bytes from one row of a plane to the next; None if the format has no such plane.
    pub fn stride(&self, index: u32) -> Option<usize> {
        let stride = self.picture.plane_stride().get(usize::try_from(index).ok()?)?;
        usize::try_from(*stride).ok()
    }

    /// One row of a plane, padding included; None outside the picture.
    pub fn row(&self, plane: u32, line: usize) -> Option<&[u8]> {
        let stride = self.stride(plane)?;
        let start = line.checked_mul(stride)?;
        self.plane(plane)?.get(start..start.checked_add(stride)?)
    }
}

/// A renderer that hands every picture to `show` when it is due, late or not.
pub(crate) fn renderer(format: PixelFormat, mut show: Box<dyn FnMut(&Frame<'_>) + Send>) -> gst::Element {
    let caps = video::VideoCapsBuilder::new().format(format.to_gst()).build();
    let callbacks = app::AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let info = sample.caps().and_then(|caps| video::VideoInfo::from_caps(caps).ok());
        if let (Some(buffer), Some(info)) = (sample.buffer(), info) {
            let picture = video::VideoFrameRef::from_buffer_ref_readable(buffer, &info);
            if let (Some(pts), Ok(picture)) = (buffer.pts(), picture) {
                show(&Frame { pts: from_gst(pts), picture });
            }
        }
        Ok(gst::FlowSuccess::Ok)
    });
    let sink = app::AppSink::builder().caps(&caps).callbacks(callbacks.build()).sync(true);
    // A picture is never dropped for being late: who reads pictures wants all of them.
    sink.max_lateness(-1).qos(false).build().upcast()
}
