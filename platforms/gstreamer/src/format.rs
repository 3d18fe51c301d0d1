//! Decoder configurations as GStreamer caps, and what the installed decoders take.

use bytes::Bytes;
use gstreamer as gst;
use telecine_container::{DecoderConfig, SampleDescription};
use telecine_model::codec::CodecFamily;
use telecine_model::{Error, ErrorCode};

/// What a decoder must be given before the samples of one sample description.
#[derive(Debug, PartialEq)]
pub(crate) struct StreamFormat {
    pub(crate) caps: gst::Caps,
    /// Goes before the first sample, for decoders that read it from the stream.
    pub(crate) preamble: Option<Bytes>,
}

impl StreamFormat {
    /// # Errors
    /// `CodecUnsupported` if GStreamer has no name for it, `KeyUnavailable` if it is encrypted.
    pub(crate) fn new(description: &SampleDescription) -> Result<Self, Error> {
        if description.encryption.is_some() {
            let message = format!("{} samples are encrypted, and this sink has no key", description.codec);
            return Err(Error::new(ErrorCode::KeyUnavailable, message));
        }
        let mut preamble = None;
        let caps = match &description.config {
            DecoderConfig::Avc { record, .. } => {
                let in_band = matches!(&description.format, b"avc3" | b"avc4");
                video("video/x-h264", description)
                    .field("stream-format", if in_band { "avc3" } else { "avc" })
                    .field("alignment", "au")
                    .field("codec_data", buffer(record))
            }
            DecoderConfig::Hevc { record, .. } => {
                let in_band = matches!(&description.format, b"hev1" | b"dvhe");
                video("video/x-h265", description)
                    .field("stream-format", if in_band { "hev1" } else { "hvc1" })
                    .field("alignment", "au")
                    .field("codec_data", buffer(record))
            }
            DecoderConfig::Av1 { record } => video("video/x-av1", description)
                .field("stream-format", "obu-stream")
                .field("alignment", "tu")
                .field("codec_data", buffer(record)),
            DecoderConfig::Vpx { .. } if &description.format == b"vp08" => video("video/x-vp8", description),
            DecoderConfig::Vpx { .. } => video("video/x-vp9", description),
            DecoderConfig::Aac { asc } => {
                let version = if description.codec.as_str().starts_with("mp4a.6") { 2 } else { 4 };
                let caps = audio("audio/mpeg", description)
                    .field("mpegversion", version)
                    .field("framed", true)
                    .field("stream-format", "raw");
                if asc.is_empty() {
                    caps
                } else {
                    caps.field("codec_data", buffer(asc))
                }
            }
            DecoderConfig::Opus { record } => opus(record).ok_or_else(|| unsupported(description))?,
            DecoderConfig::Flac { record } => {
                // Version and flags come before the metadata blocks (FLAC in ISOBMFF, 3.3.2).
                preamble = record.get(4..).map(|blocks| Bytes::from([b"fLaC", blocks].concat()));
                gst::Caps::builder("audio/x-flac")
            }
            DecoderConfig::Alac { record } => {
                // Decoders want the whole box, header included.
                let size = u32::try_from(record.len() + 8).unwrap_or(u32::MAX).to_be_bytes();
                let atom = Bytes::from([&size, &b"alac"[..], record].concat());
                audio("audio/x-alac", description).field("codec_data", buffer(&atom))
            }
            DecoderConfig::Ac3 { .. } => audio("audio/x-ac3", description).field("framed", true),
            DecoderConfig::Eac3 { .. } => audio("audio/x-eac3", description).field("framed", true),
            DecoderConfig::Other if description.codec.family() == CodecFamily::Mp3 => {
                audio("audio/mpeg", description).field("mpegversion", 1).field("layer", 3).field("parsed", true)
            }
            _ => return Err(unsupported(description)),
        };
        let caps = caps.build();
        if is_decodable(&caps) {
            Ok(Self { caps, preamble })
        } else {
            Err(unsupported(description))
        }
    }

    /// Whether it is what a decoder would give.
    pub(crate) fn is_raw(&self) -> bool {
        self.caps.structure(0).is_some_and(|media| media.name() == "audio/x-raw")
    }

    /// Whether a decoder that was chosen for `self` goes on with `other`.
    pub(crate) fn same_decoder(&self, other: &Self) -> bool {
        let key = |format: &Self| {
            let media = format.caps.structure(0);
            let number = |name| media.and_then(|media| media.get::<i32>(name).ok());
            (media.map(|media| media.name().to_owned()), number("mpegversion"), number("layer"))
        };
        key(self) == key(other)
    }
}

fn unsupported(description: &SampleDescription) -> Error {
    let message = format!("no installed GStreamer decoder takes {}", description.codec);
    Error::new(ErrorCode::CodecUnsupported, message)
}

type Builder = gst::caps::Builder<gst::caps::NoFeature>;

fn video(name: &str, description: &SampleDescription) -> Builder {
    size(gst::Caps::builder(name), [("width", description.width), ("height", description.height)])
}

fn audio(name: &str, description: &SampleDescription) -> Builder {
    size(gst::Caps::builder(name), [("rate", description.sample_rate), ("channels", description.channels)])
}

/// Fields that are known; a decoder finds the others in the stream.
fn size(caps: Builder, fields: [(&'static str, Option<u32>); 2]) -> Builder {
    fields.into_iter().fold(caps, |caps, (name, value)| match value.and_then(|value| i32::try_from(value).ok()) {
        Some(value) => caps.field(name, value),
        None => caps,
    })
}

fn buffer(bytes: &Bytes) -> gst::Buffer {
    gst::Buffer::from_slice(bytes.clone())
}

/// Caps from an OpusSpecificBox (Encapsulation of Opus in ISOBMFF, 4.3.2).
fn opus(record: &[u8]) -> Option<Builder> {
    let &[_, channels, _, _, r0, r1, r2, r3, _, _, family, ..] = record else { return None };
    let rate = i32::from_be_bytes([r0, r1, r2, r3]);
    let caps = gst::Caps::builder("audio/x-opus")
        .field("rate", if rate > 0 { rate } else { 48_000 })
        .field("channels", i32::from(channels))
        .field("channel-mapping-family", i32::from(family));
    if family == 0 {
        return Some(caps);
    }
    let (streams, coupled) = (*record.get(11)?, *record.get(12)?);
    let mapping = record.get(13..13 + usize::from(channels))?;
    let mapping = gst::Array::new(mapping.iter().map(|channel| i32::from(*channel)));
    Some(
        caps.field("stream-count", i32::from(streams))
            .field("coupled-count", i32::from(coupled))
            .field("channel-mapping", mapping),
    )
}

/// Beginnings of RFC 6381 strings and the caps that a decoder must take for them.
///
/// Not in the table, since no caps tell whether a decoder knows them: Dolby Vision, and AAC beyond
/// LC and HE (xHE-AAC is object type 42).
fn families() -> [(&'static [&'static str], Builder); 12] {
    let caps = gst::Caps::builder;
    [
        (&["avc1", "avc3"], caps("video/x-h264")),
        (&["hvc1", "hev1"], caps("video/x-h265")),
        (&["av01"], caps("video/x-av1")),
        (&["vp09", "vp9"], caps("video/x-vp9")),
        (&["vp08", "vp8"], caps("video/x-vp8")),
        (
            &["mp4a.40.2", "mp4a.40.5", "mp4a.40.29", "mp4a.40.02", "mp4a.40.05", "mp4a.66", "mp4a.67", "mp4a.68"],
            caps("audio/mpeg").field("mpegversion", 4).field("stream-format", "raw"),
        ),
        (
            &["mp4a.6B", "mp4a.6b", "mp4a.69", "mp4a.40.34", "mp3"],
            caps("audio/mpeg").field("mpegversion", 1).field("layer", 3),
        ),
        (&["ac-3", "mp4a.a5", "mp4a.A5"], caps("audio/x-ac3")),
        (&["ec-3", "mp4a.a6", "mp4a.A6"], caps("audio/x-eac3")),
        (&["Opus", "opus"], caps("audio/x-opus")),
        (&["fLaC", "flac"], caps("audio/x-flac")),
        (&["alac"], caps("audio/x-alac")),
    ]
}

/// Codecs that the installed decoders take, as [`telecine_engine::Capabilities`] wants them.
pub(crate) fn decodable_codecs() -> Vec<String> {
    let installed = families().into_iter().filter_map(|(names, caps)| is_decodable(&caps.build()).then_some(names));
    installed.flatten().map(|name| (*name).to_owned()).collect()
}

fn is_decodable(caps: &gst::Caps) -> bool {
    // Without what belongs to one stream or can be converted by a parser.
    let mut caps = caps.clone();
    for media in caps.make_mut().iter_mut() {
        media.remove_fields(["stream-format", "alignment", "codec_data", "framed", "parsed"]);
    }
    gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DECODER, gst::Rank::MARGINAL)
        .iter()
        .any(|factory| factory.can_sink_any_caps(&caps))
}
