//! What the DASH tests share: MPDs from their parts, and short ways into a presentation.

use telecine_manifest::dash::{parse, Context, Mpd};
use telecine_model::{Error, Limits, MediaTime, Presentation, Rendition, Segment, SegmentIndex, Track};

pub(crate) const URL: &str = "https://cdn.example/title/manifest.mpd?token=1";

/// An MPD from attributes of its root and its content.
pub(crate) fn mpd(attributes: &str, content: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" {attributes}>{content}</MPD>")
}

/// A static MPD of 20 s with one video set of one representation and the given segment element.
pub(crate) fn with_segments(segments: &str) -> String {
    with_set(&format!("{segments}<Representation id=\"v\" bandwidth=\"500000\"/>"))
}

/// A static MPD of 20 s with one set of the given content.
pub(crate) fn with_set(content: &str) -> String {
    static_mpd(&format!("<AdaptationSet mimeType=\"video/mp4\" codecs=\"avc1.64001f\">{content}</AdaptationSet>"))
}

/// A static MPD of one period of 20 s.
pub(crate) fn static_mpd(period: &str) -> String {
    mpd("mediaPresentationDuration=\"PT20S\"", &format!("<Period>{period}</Period>"))
}

/// A set with ten segments of two seconds.
pub(crate) const SET: &str = "<AdaptationSet mimeType=\"video/mp4\">\
    <SegmentTemplate media=\"$Number$.m4s\" duration=\"2\"/>\
    <Representation id=\"v\" bandwidth=\"1\"/></AdaptationSet>";

pub(crate) fn try_parse(text: &str) -> Result<Mpd, Error> {
    let limits = Limits::default();
    parse(text.as_bytes(), &Context { uri: URL, limits: &limits })
}

pub(crate) fn read(text: &str) -> Presentation {
    try_parse(text)
        .unwrap_or_else(|error| {
            panic!(
                "{error}
{}",
                text.chars().take(2000).collect::<String>()
            )
        })
        .presentation
}

pub(crate) fn track(presentation: &Presentation) -> &Track {
    &presentation.periods[0].tracks[0]
}

pub(crate) fn rendition(presentation: &Presentation) -> &Rendition {
    &track(presentation).renditions[0]
}

pub(crate) fn index(presentation: &Presentation) -> &SegmentIndex {
    rendition(presentation).segments.known().expect("known segments")
}

/// Every segment of the first rendition.
pub(crate) fn segments(presentation: &Presentation) -> Vec<Segment> {
    let index = index(presentation);
    index.table.iter().map(|span| index.get(span.number).expect("a segment of the table")).collect()
}

/// Start and duration of every segment in milliseconds.
pub(crate) fn times(presentation: &Presentation) -> Vec<(i64, i64)> {
    segments(presentation).iter().map(|segment| (segment.start.as_millis(), segment.duration.as_millis())).collect()
}

/// File names of every segment.
pub(crate) fn names(presentation: &Presentation) -> Vec<String> {
    segments(presentation).iter().map(|segment| segment.uri.rsplit('/').next().unwrap_or("").to_owned()).collect()
}

/// Numbers of the rules that the warnings name.
pub(crate) fn warned(presentation: &Presentation) -> Vec<&str> {
    presentation.warnings.iter().map(|warning| warning.rule.as_str()).collect()
}

pub(crate) const fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}
