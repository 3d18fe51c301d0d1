//! Silence to hear, where a title has no sound for a while.

use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;
use telecine_model::MediaTime;

use crate::clock::{span, to_gst};
use crate::format::StreamFormat;
use crate::queue::Sample;

/// How much of it goes to the renderer at a time: a whole number of samples at all common rates.
const PIECE: MediaTime = MediaTime::from_millis(20);

/// Formats in which zeros are silence, and the bytes of one channel's sample in them.
const FORMATS: [(&str, usize); 4] = [("F32LE", 4), ("S16LE", 2), ("S32LE", 4), ("F64LE", 8)];

/// Sound with nothing in it.
///
/// It is sent as samples, and not only announced: a loudspeaker that is given nothing for a while
/// runs dry, and its clock, which may be the pipeline's, is off when sound comes back.
#[derive(Debug)]
pub(crate) struct Quiet {
    format: Arc<StreamFormat>,
    /// Zeros for a piece.
    zeros: Bytes,
    rate: i64,
    /// Bytes of a sample of all channels.
    frame: usize,
}

impl Quiet {
    /// Silence in the form of the sound that was rendered before (`before`), else in a common one that
    /// the renderer takes, if it says what that is.
    pub(crate) fn new(before: Option<&gst::Caps>, taken: &gst::Caps) -> Self {
        let media = before.and_then(|caps| caps.structure(0)).filter(|media| media.name() == "audio/x-raw");
        let field = |name| media.and_then(|media| media.get::<i32>(name).ok()).filter(|value| *value > 0);
        let rate = field("rate").unwrap_or(48_000);
        let (channels, mask) = match field("channels") {
            Some(channels) => (channels, media.and_then(|media| media.get::<gst::Bitmask>("channel-mask").ok())),
            None => (2, None),
        };
        let caps = |format: &str| {
            let caps = gst::Caps::builder("audio/x-raw").field("format", format).field("layout", "interleaved");
            let caps = caps.field("rate", rate).field("channels", channels);
            match mask {
                Some(mask) => caps.field("channel-mask", mask).build(),
                None => caps.build(),
            }
        };
        let known = media.and_then(|media| media.get::<&str>("format").ok());
        let format = FORMATS.iter().find(|(format, _)| Some(*format) == known);
        let format = format.or_else(|| FORMATS.iter().find(|(format, _)| taken.can_intersect(&caps(format))));
        let (format, width) = *format.unwrap_or(&FORMATS[0]);
        let frame = width * usize::try_from(channels).unwrap_or(1);
        let rate = i64::from(rate);
        let zeros = Bytes::from(vec![0; frame * frames(PIECE, rate)]);
        Self { format: Arc::new(StreamFormat { caps: caps(format), preamble: None }), zeros, rate, frame }
    }

    /// The silence from a time on, as much of it as is sent at once and ends before `to`: and where
    /// that ends. None if nothing is left of it.
    pub(crate) fn piece(&self, from: MediaTime, to: MediaTime) -> Option<(Sample, MediaTime)> {
        let end = to.min(from + PIECE);
        let bytes = self.frame * frames(end - from, self.rate);
        let data = self.zeros.get(..bytes).filter(|data| !data.is_empty()).map(|data| self.zeros.slice_ref(data))?;
        let sample = Sample {
            format: Arc::clone(&self.format),
            data,
            stamp: to_gst(from)?,
            duration: span(end - from),
            sync: true,
            discontinuity: false,
        };
        Some((sample, end))
    }
}

fn frames(time: MediaTime, rate: i64) -> usize {
    usize::try_from(time.as_micros().saturating_mul(rate) / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().expect("GStreamer is installed");
        text.parse().expect("caps")
    }

    /// Caps, and bytes of the first piece.
    fn quiet(before: Option<&str>, taken: &str) -> (String, usize) {
        let quiet = Quiet::new(before.map(caps).as_ref(), &caps(taken));
        let (sample, end) = quiet.piece(MediaTime::ZERO, MediaTime::from_secs(1)).expect("a second of it");
        assert_eq!(end, PIECE);
        (sample.format.caps.to_string(), sample.data.len())
    }

    #[test]
    fn silence_goes_on_in_the_form_of_the_sound_before() {
        let before = "audio/x-raw, format=F32LE, layout=non-interleaved, rate=44100, channels=6, \
                      channel-mask=(bitmask)0x3f";
        let (form, bytes) = quiet(Some(before), "ANY");
        assert_eq!(bytes, 882 * 6 * 4);
        for part in ["F32LE", "44100", "channels=(int)6", "0x000000000000003f", "layout=(string)interleaved"] {
            assert!(form.contains(part), "{part} in {form}");
        }
    }

    #[test]
    fn silence_in_the_beginning_takes_a_form_that_the_renderer_takes() {
        assert_eq!(quiet(None, "ANY").1, 960 * 2 * 4);
        assert_eq!(quiet(None, "audio/x-raw, format=S16LE").1, 960 * 2 * 2);
        let (form, _) = quiet(Some("audio/x-raw, format=U8, rate=8000, channels=1"), "audio/x-raw, format=S16LE");
        assert!(form.contains("S16LE") && form.contains("8000") && form.contains("channels=(int)1"), "{form}");
    }

    #[test]
    fn pieces_fill_a_span_and_no_more() {
        let quiet = Quiet::new(None, &caps("ANY"));
        let (mut at, to) = (MediaTime::from_millis(1990), MediaTime::from_millis(2075));
        let mut bytes = 0;
        while let Some((sample, end)) = quiet.piece(at, to) {
            bytes += sample.data.len();
            at = end;
        }
        assert_eq!((at, bytes), (to, 85 * 48 * 8));
    }
}
