//! Sample entries: what a decoder needs (ISO/IEC 14496-12, 8.5.2 and 12; ISO/IEC 14496-15; ISO/IEC 14496-30).

use bytes::Bytes;
use telecine_model::{Codec, Error};

use super::boxes::{fourcc_name, BoxView, Children, Fields, FourCc};
use super::clear::{Retyped, FREE};
use super::codec::{self, AudioConfig, Colour, DecoderDescriptor};
use super::protection::{self, TrackEncryption};

/// What a decoder must be given before the first sample. Records are the payloads of the boxes
/// named, as they arrived, without the box header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecoderConfig {
    /// H.264 (`avcC`).
    Avc {
        /// AVCDecoderConfigurationRecord.
        record: Bytes,
        /// Bytes of the length before each NAL unit: 1, 2 or 4.
        nal_length_size: u8,
    },
    /// H.265 (`hvcC`), Dolby Vision above it included.
    Hevc {
        /// HEVCDecoderConfigurationRecord.
        record: Bytes,
        /// Bytes of the length before each NAL unit: 1, 2 or 4.
        nal_length_size: u8,
    },
    /// AV1 (`av1C`).
    Av1 {
        /// AV1CodecConfigurationRecord.
        record: Bytes,
    },
    /// VP8 and VP9 (`vpcC`).
    Vpx {
        /// Version, flags and VPCodecConfigurationRecord.
        record: Bytes,
    },
    /// AAC in all its object types (`esds`).
    Aac {
        /// AudioSpecificConfig.
        asc: Bytes,
    },
    /// Opus (`dOps`).
    Opus {
        /// OpusSpecificBox.
        record: Bytes,
    },
    /// FLAC (`dfLa`).
    Flac {
        /// Version, flags and metadata blocks.
        record: Bytes,
    },
    /// Apple Lossless (`alac`).
    Alac {
        /// Version, flags and magic cookie.
        record: Bytes,
    },
    /// Dolby Digital (`dac3`).
    Ac3 {
        /// AC3SpecificBox.
        record: Bytes,
    },
    /// Dolby Digital Plus (`dec3`).
    Eac3 {
        /// EC3SpecificBox.
        record: Bytes,
    },
    /// Dolby AC-4 (`dac4`).
    Ac4 {
        /// AC4SpecificBox.
        record: Bytes,
    },
    /// WebVTT (`vttC`).
    WebVtt {
        /// Everything before the first cue, UTF-8.
        header: Bytes,
    },
    /// TTML (`stpp`): each sample is a document.
    Ttml {
        /// XML namespaces of the documents.
        namespace: String,
    },
    /// Nothing, or nothing known.
    Other,
}

/// One entry of a sample description box: a track has one, or several with a clear lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleDescription {
    /// Type of the entry before protection (`frma` if it is encrypted).
    pub format: FourCc,
    /// RFC 6381 codec string.
    pub codec: Codec,
    /// For the decoder.
    pub config: DecoderConfig,
    /// Pixels across, for video.
    pub width: Option<u32>,
    /// Lines, for video.
    pub height: Option<u32>,
    /// Samples a second that come out of the decoder, for audio.
    pub sample_rate: Option<u32>,
    /// Channels that come out of the decoder, for audio.
    pub channels: Option<u32>,
    /// Set if samples under this entry may be encrypted.
    pub encryption: Option<TrackEncryption>,
}

/// The shape of a sample entry before its boxes.
enum Shape {
    Visual,
    Audio,
    /// Three strings: namespace, schema location, auxiliary MIME types.
    Xml,
    /// No fields of its own.
    Plain,
    /// Fields that nothing here needs.
    Opaque,
}

impl Shape {
    fn of(format: &FourCc, handler: &FourCc) -> Self {
        match (format, handler) {
            (b"encv", _) | (_, b"vide") => Self::Visual,
            (b"enca", _) | (_, b"soun") => Self::Audio,
            // Protected TTML hides its type, but only TTML is handled by `subt` (ISO/IEC 14496-30, 7.2).
            (b"stpp", _) | (b"enct", b"subt") => Self::Xml,
            (b"wvtt" | b"enct", _) => Self::Plain,
            _ => Self::Opaque,
        }
    }
}

/// The boxes of an entry that matter, gathered in one pass.
#[derive(Default)]
struct Inside<'a> {
    config: Option<BoxView<'a>>,
    dolby_vision: Option<BoxView<'a>>,
    colour: Option<Colour>,
    /// Several protect the same entry by several schemes (ISO/IEC 14496-12, 8.12.1).
    sinf: Vec<BoxView<'a>>,
    mime: Option<String>,
}

impl<'a> Inside<'a> {
    fn gather(boxes: Children<'a>) -> Result<Self, Error> {
        let mut inside = Self::default();
        for child in boxes {
            let child = child?;
            match &child.kind() {
                b"avcC" | b"hvcC" | b"av1C" | b"vpcC" | b"esds" | b"dOps" | b"dfLa" | b"alac" | b"dac3" | b"dec3"
                | b"dac4" | b"vttC" => inside.config = inside.config.or(Some(child)),
                b"dvcC" | b"dvvC" => inside.dolby_vision = Some(child),
                b"colr" => {
                    let payload = payload(&child);
                    inside.colour = Colour::from_colr(&payload).or(inside.colour);
                }
                b"sinf" => inside.sinf.push(child),
                b"mime" => {
                    let mut fields = child.fields();
                    fields.version_and_flags()?;
                    inside.mime = Some(fields.text()?);
                }
                _ => {}
            }
        }
        Ok(inside)
    }
}

/// The bytes behind the header.
fn payload(view: &BoxView<'_>) -> Bytes {
    view.fields().rest_bytes()
}

/// A text, or none at the end of the box.
fn optional_text(fields: &mut Fields<'_>) -> Result<String, Error> {
    if fields.rest().is_empty() {
        return Ok(String::new());
    }
    fields.text()
}

/// Reads one entry of `stsd`. `brands` help where the entry alone does not name a profile. What has to be renamed for
/// the entry to be clear is added to `retyped`.
pub(crate) fn read(
    entry: &BoxView<'_>,
    handler: &FourCc,
    stsd_version: u8,
    brands: &[FourCc],
    retyped: &mut Vec<Retyped>,
) -> Result<SampleDescription, Error> {
    let mut description = SampleDescription {
        format: entry.kind(),
        codec: Codec::parse(""),
        config: DecoderConfig::Other,
        width: None,
        height: None,
        sample_rate: None,
        channels: None,
        encryption: None,
    };
    let mut fields = entry.fields();
    fields.skip(8)?; // reserved, data_reference_index
    let mut namespace = String::new();
    let mut schema = String::new();
    match Shape::of(&entry.kind(), handler) {
        Shape::Visual => {
            fields.skip(16)?;
            description.width = Some(fields.u16()?.into()).filter(|pixels| *pixels > 0);
            description.height = Some(fields.u16()?.into()).filter(|lines| *lines > 0);
            fields.skip(50)?;
        }
        Shape::Audio => {
            let version = fields.u16()?;
            fields.skip(6)?;
            description.channels = Some(fields.u16()?.into()).filter(|channels| *channels > 0);
            fields.skip(6)?;
            description.sample_rate = Some(fields.u32()? >> 16).filter(|rate| *rate > 0);
            // QuickTime's longer entries; ISO's version 1 has no such fields but needs version 1 of `stsd`.
            match (stsd_version, version) {
                (0, 1) => fields.skip(16)?,
                (0, 2) => fields.skip(36)?,
                _ => &[],
            };
        }
        Shape::Xml => {
            namespace = fields.text()?;
            // Shaka Packager leaves the last one out, others both.
            schema = optional_text(&mut fields)?;
            optional_text(&mut fields)?;
        }
        Shape::Plain => {}
        Shape::Opaque => {
            description.codec = Codec::parse(&fourcc_name(description.format));
            return Ok(description);
        }
    }
    let mut inside = Inside::gather(fields.boxes())?;
    // QuickTime keeps the decoder configuration one level deeper.
    let wave = fields.boxes().flatten().find(|child| &child.kind() == b"wave");
    if let (None, Some(wave)) = (&inside.config, &wave) {
        inside.config = Inside::gather(wave.children())?.config;
    }
    if let Some(protected) = protected(&inside.sinf)? {
        description.format = protected.format;
        description.encryption = Some(protected.encryption);
        retyped.push(Retyped::new(entry, protected.format));
        retyped.extend(inside.sinf.iter().map(|sinf| Retyped::new(sinf, FREE)));
    }
    if &description.format == b"stpp" {
        description.codec = Codec::parse(&ttml_codec(&namespace, &schema, inside.mime.as_deref(), brands));
        description.config = DecoderConfig::Ttml { namespace };
        return Ok(description);
    }
    let codec = match &inside.config {
        None => Some(fourcc_name(description.format)),
        Some(config) => configure(&mut description, config, &inside),
    };
    match (codec, &inside.config) {
        (Some(codec), _) => {
            description.codec = Codec::parse(&codec);
            Ok(description)
        }
        (None, Some(config)) => Err(config.syntax("the decoder configuration is too short")),
        (None, None) => Err(entry.syntax("the sample entry has no decoder configuration")),
    }
}

/// The first protection that is Common Encryption; else what is wrong with the first.
fn protected(sinf: &[BoxView<'_>]) -> Result<Option<protection::Protected>, Error> {
    let mut refused = None;
    for sinf in sinf {
        match protection::read(sinf) {
            Ok(protected) => return Ok(Some(protected)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    refused.map_or(Ok(None), Err)
}

/// Fills in what a configuration box says and gives the codec string; `None` if the box is too short.
fn configure(description: &mut SampleDescription, config: &BoxView<'_>, inside: &Inside<'_>) -> Option<String> {
    let record = payload(config);
    let format = description.format;
    let mut audio = |(rate, channels): (Option<u32>, u32)| {
        description.sample_rate = rate.filter(|rate| *rate > 0).or(description.sample_rate);
        description.channels = Some(channels);
    };
    let (codec, config) = match &config.kind() {
        b"avcC" => {
            let nal_length_size = 1 + (*record.get(4)? & 3);
            let codec = codec::avc(format, &record)?;
            (codec, DecoderConfig::Avc { record, nal_length_size })
        }
        b"hvcC" => {
            let nal_length_size = 1 + (*record.get(21)? & 3);
            let codec = match &inside.dolby_vision {
                Some(vision) if matches!(&format, b"dvh1" | b"dvhe") => codec::dolby_vision(format, &payload(vision))?,
                _ => codec::hevc(format, &record)?,
            };
            (codec, DecoderConfig::Hevc { record, nal_length_size })
        }
        b"av1C" => (codec::av1(&record, inside.colour)?, DecoderConfig::Av1 { record }),
        b"vpcC" => (codec::vpx(format, &record)?, DecoderConfig::Vpx { record }),
        b"esds" => {
            let descriptor = DecoderDescriptor::from_esds(&record)?;
            match (descriptor.object_type, descriptor.specific) {
                (0x40, Some(specific)) => {
                    let config = AudioConfig::read(specific)?;
                    description.sample_rate = config.sample_rate.or(description.sample_rate);
                    description.channels = config.channels.or(description.channels);
                    let asc = record.slice_ref(specific);
                    (format!("mp4a.40.{}", config.object_type), DecoderConfig::Aac { asc })
                }
                // MPEG-2 AAC in its three profiles.
                (object_type @ 0x66..=0x68, specific) => {
                    let asc = specific.map_or_else(Bytes::new, |specific| record.slice_ref(specific));
                    (format!("mp4a.{object_type:02X}"), DecoderConfig::Aac { asc })
                }
                (object_type, _) => (format!("{}.{object_type:02X}", fourcc_name(format)), DecoderConfig::Other),
            }
        }
        b"dOps" => {
            // Opus always comes out at 48 kHz, whatever the input was (RFC 7845, 5.1).
            audio((Some(48_000), u32::from(*record.get(1)?)));
            ("Opus".to_owned(), DecoderConfig::Opus { record })
        }
        b"dfLa" => {
            audio(codec::flac(&record)?);
            ("fLaC".to_owned(), DecoderConfig::Flac { record })
        }
        b"alac" => {
            audio(codec::alac(&record)?);
            ("alac".to_owned(), DecoderConfig::Alac { record })
        }
        b"dac3" => {
            audio(codec::ac3(&record)?);
            ("ac-3".to_owned(), DecoderConfig::Ac3 { record })
        }
        b"dec3" => {
            audio(codec::eac3(&record)?);
            ("ec-3".to_owned(), DecoderConfig::Eac3 { record })
        }
        b"dac4" => {
            let codec = codec::ac4(&record).unwrap_or_else(|| fourcc_name(format));
            (codec, DecoderConfig::Ac4 { record })
        }
        b"vttC" => ("wvtt".to_owned(), DecoderConfig::WebVtt { header: record }),
        _ => (fourcc_name(format), DecoderConfig::Other),
    };
    description.config = config;
    Some(codec)
}

/// `stpp.ttml.PROFILE` (W3C TTML Media Type Definition, 4) where a profile can be known: from the
/// `mime` box, from a CMAF brand (ISO/IEC 23000-19, 11.3), or from the IMSC 1 schema location.
fn ttml_codec(namespace: &str, schema: &str, mime: Option<&str>, brands: &[FourCc]) -> String {
    let stated = mime.and_then(|mime| mime.split(';').find_map(|part| part.trim().strip_prefix("codecs=")));
    if let Some(codecs) = stated {
        return format!("stpp.ttml.{}", codecs.trim_matches('"'));
    }
    let says = |text: &str| namespace.contains(text) || schema.contains(text);
    let profile = if brands.contains(b"im1t") || says("ttml/profile/imsc1/text") || says("ttml/profile/imsc1.1/text") {
        ".ttml.im1t"
    } else if brands.contains(b"im1i") || says("ttml/profile/imsc1/image") || says("ttml/profile/imsc1.1/image") {
        ".ttml.im1i"
    } else {
        ""
    };
    format!("stpp{profile}")
}
