//! What went wrong in a pipeline, in Telecine's terms.

use gstreamer as gst;
use gstreamer::prelude::*;
use telecine_model::ErrorCode;

/// The code and the words of an error message; `decoding` says whether it comes from between the
/// samples and the decoder's output.
pub(crate) fn read(error: &gst::message::Error, decoding: bool) -> (ErrorCode, String) {
    let cause = error.error();
    let no_decoder = cause.matches(gst::CoreError::MissingPlugin)
        || [gst::StreamError::CodecNotFound, gst::StreamError::TypeNotFound, gst::StreamError::WrongType]
            .into_iter()
            .any(|kind| cause.matches(kind));
    let code = match (no_decoder, decoding) {
        (true, _) => ErrorCode::CodecUnsupported,
        (false, true) => ErrorCode::DecodeFailed,
        (false, false) => ErrorCode::SinkFailed,
    };
    let element = error.src().map_or_else(|| "pipeline".into(), |source| source.name());
    let mut message = format!("{element}: {cause}");
    if let Some(detail) = error.debug().as_deref().and_then(last_line) {
        message = format!("{message} ({detail})");
    }
    (code, message)
}

/// The part that says why, behind source file and object path.
fn last_line(debug: &str) -> Option<&str> {
    debug.lines().map(str::trim).rfind(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_place_and_kind() {
        gst::init().expect("GStreamer is installed");
        let element = gst::ElementFactory::make("fakesink").name("screen").build().expect("a core element");
        let message = |error: gst::StreamError| {
            gst::message::Error::builder(error, "it broke").debug("a.c(1): f ():\nreason 7").src(&element).build()
        };
        let read = |message: &gst::Message, decoding| match message.view() {
            gst::MessageView::Error(error) => read(error, decoding),
            other => panic!("{other:?}"),
        };
        let decode = message(gst::StreamError::Decode);
        assert_eq!(read(&decode, true), (ErrorCode::DecodeFailed, "screen: it broke (reason 7)".to_owned()));
        assert_eq!(read(&decode, false).0, ErrorCode::SinkFailed);
        assert_eq!(read(&message(gst::StreamError::CodecNotFound), true).0, ErrorCode::CodecUnsupported);
    }
}
