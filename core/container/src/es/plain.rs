//! Samples for decoders that know no MP4: the way back from what containers make of an elementary stream.

use bytes::{Bytes, BytesMut};
use telecine_model::{Error, ErrorCode};

use super::{h264, h265};
use crate::bits::Bits;
use crate::iso::DecoderConfig;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// An ADTS header without a checksum (ISO/IEC 14496-3, 1.A.2.2).
const ADTS_HEADER: usize = 7;

/// Writes a track's samples as decoders take them that know no MP4: those of televisions' chips, MediaCodec, files that
/// are played without a container.
///
/// H.264 and H.265 become a byte stream with start codes (Annex B of either), the parameter sets in front of each sync
/// sample; AAC gets ADTS headers. Other codecs have the same samples with and without a container and stay as they are.
/// Protected samples have to be [decrypted](crate::Fragment::decrypt_with) before.
///
/// ```
/// use telecine_container::{IsoReader, PlainSamples, Unit};
/// use telecine_model::Limits;
///
/// # const FILE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/chunked.mp4"));
/// # fn main() -> Result<(), telecine_model::Error> {
/// let mut reader = IsoReader::new(&Limits::default());
/// reader.push(FILE.into());
/// let Some(Unit::Init(init)) = reader.poll()? else { panic!("a file begins with its moov") };
/// let plain = PlainSamples::new(&init.tracks[0].config)?;
/// while let Some(unit) = reader.poll()? {
///     let Unit::Fragment(fragment) = unit else { continue };
///     for sample in &fragment.tracks[0].samples {
///         let data = fragment.sample(sample).expect("a fragment has its samples' bytes");
///         let stream = plain.sample(&data, sample.sync)?;
///         assert!(stream.starts_with(&[0, 0, 0, 1]));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PlainSamples(Form);

#[derive(Clone, Debug)]
enum Form {
    /// Lengths become start codes.
    Video {
        codec: Codec,
        length_size: usize,
        /// Parameter sets with their start codes.
        sets: Bytes,
    },
    /// The header of a frame without samples.
    Adts([u8; ADTS_HEADER]),
    AsItIs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    H264,
    H265,
}

impl PlainSamples {
    /// For the samples of a track with this configuration.
    ///
    /// # Errors
    /// `ContainerSyntax` if the configuration is damaged, `CodecUnsupported` for AAC of a kind that ADTS cannot express
    /// (object types above 4, channels that a program config element tells).
    pub fn new(config: &DecoderConfig) -> Result<Self, Error> {
        let video = |codec, length_size: u8, sets: Option<Bytes>| {
            let sets = sets.ok_or_else(|| damaged("the parameter sets of the decoder configuration"))?;
            Ok(Form::Video { codec, length_size: usize::from(length_size), sets })
        };
        let form = match config {
            DecoderConfig::Avc { record, nal_length_size } => video(Codec::H264, *nal_length_size, avc_sets(record)),
            DecoderConfig::Hevc { record, nal_length_size } => video(Codec::H265, *nal_length_size, hevc_sets(record)),
            DecoderConfig::Aac { asc } => Ok(Form::Adts(adts(asc)?)),
            _ => Ok(Form::AsItIs),
        };
        form.map(Self)
    }

    /// One sample: `sync` if decoding can start here. What needs no other form is shared, not copied.
    ///
    /// # Errors
    /// `ContainerSyntax` if lengths inside the sample do not add up, `ContainerLimit` for an AAC frame of more than ADTS
    /// can hold (8,184 bytes).
    pub fn sample(&self, data: &Bytes, sync: bool) -> Result<Bytes, Error> {
        match &self.0 {
            Form::AsItIs => Ok(data.clone()),
            Form::Adts(header) => frame(*header, data),
            Form::Video { codec, length_size, sets } => {
                let sets = if sync { sets.as_ref() } else { &[] };
                byte_stream(*codec, *length_size, sets, data)
                    .ok_or_else(|| damaged("the lengths of NAL units in a sample"))
            }
        }
    }
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorCode::ContainerSyntax, format!("{what} cannot be read"))
}

/// NAL units with start codes. The access unit delimiter stays first (ITU-T H.264, 7.4.1.2.3; H.265, 7.4.2.4.4).
fn byte_stream(codec: Codec, length_size: usize, sets: &[u8], sample: &[u8]) -> Option<Bytes> {
    let mut out = BytesMut::with_capacity(sample.len() + sets.len() + 16);
    let mut sets = Some(sets);
    let mut rest = sample;
    while !rest.is_empty() {
        let length = rest.get(..length_size)?.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let nal = rest.get(length_size..length_size.checked_add(length)?)?;
        rest = &rest[length_size + length..];
        let Some(first) = nal.first() else { continue };
        if !codec.is_delimiter(*first) {
            out.extend_from_slice(sets.take().unwrap_or_default());
        }
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(nal);
    }
    Some(out.freeze())
}

impl Codec {
    fn is_delimiter(self, header: u8) -> bool {
        match self {
            Self::H264 => h264::nal_type(&[header]) == h264::DELIMITER,
            Self::H265 => h265::nal_type(&[header]) == h265::DELIMITER,
        }
    }
}

/// The sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
fn avc_sets(record: &[u8]) -> Option<Bytes> {
    let mut out = BytesMut::new();
    let mut rest = record.get(5..)?;
    for mask in [0x1f, 0xff] {
        let (count, sets) = rest.split_first()?;
        rest = take_sets(usize::from(count & mask), sets, &mut out)?;
    }
    Some(out.freeze())
}

/// The sets of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
fn hevc_sets(record: &[u8]) -> Option<Bytes> {
    let mut out = BytesMut::new();
    let (arrays, mut rest) = record.get(22..)?.split_first()?;
    for _ in 0..*arrays {
        let count = usize::from(u16::from_be_bytes([*rest.get(1)?, *rest.get(2)?]));
        rest = take_sets(count, &rest[3..], &mut out)?;
    }
    Some(out.freeze())
}

/// Takes sets with lengths of 16 bits and gives what follows them.
fn take_sets<'a>(count: usize, mut rest: &'a [u8], out: &mut BytesMut) -> Option<&'a [u8]> {
    for _ in 0..count {
        let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(rest.get(2..2 + length)?);
        rest = &rest[2 + length..];
    }
    Some(rest)
}

/// The ADTS header of an AudioSpecificConfig's frames (ISO/IEC 14496-3, 1.6.2.1, 1.A.2.2).
fn adts(config: &[u8]) -> Result<[u8; ADTS_HEADER], Error> {
    let (object_type, rate, channels) = general_audio(config).ok_or_else(|| damaged("the AudioSpecificConfig"))?;
    if !(1..=4).contains(&object_type) || rate >= 13 || !(1..=7).contains(&channels) {
        let message =
            format!("ADTS cannot express AAC of object type {object_type} in channel configuration {channels}");
        return Err(Error::new(ErrorCode::CodecUnsupported, message));
    }
    // Each fits: two, four and three bits.
    let (profile, rate, channels) = (object_type as u8 - 1, rate as u8, channels as u8);
    Ok([0xff, 0xf1, profile << 6 | rate << 2 | channels >> 2, channels << 6, 0, 0x1f, 0xfc])
}

/// Object type, index of the sample rate and channel configuration of the frames themselves: of what SBR and PS extend.
fn general_audio(config: &[u8]) -> Option<(u32, u32, u32)> {
    let mut bits = Bits::new(config);
    let object_type = |bits: &mut Bits<'_>| match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        short => Some(short),
    };
    let rate = |bits: &mut Bits<'_>| {
        let index = bits.take(4)?;
        if index == 15 {
            bits.skip(24)?;
        }
        Some(index)
    };
    let outer = object_type(&mut bits)?;
    let (index, channels) = (rate(&mut bits)?, bits.take(4)?);
    if !matches!(outer, 5 | 29) {
        return Some((outer, index, channels));
    }
    rate(&mut bits)?;
    Some((object_type(&mut bits)?, index, channels))
}

/// A frame behind its header.
fn frame(mut header: [u8; ADTS_HEADER], sample: &[u8]) -> Result<Bytes, Error> {
    let length = ADTS_HEADER + sample.len();
    if length >= 1 << 13 {
        return Err(Error::new(ErrorCode::ContainerLimit, format!("an AAC frame of {} bytes for ADTS", sample.len())));
    }
    header[3] |= (length >> 11) as u8;
    header[4] = (length >> 3) as u8;
    header[5] |= (length << 5) as u8;
    let mut out = BytesMut::with_capacity(length);
    out.extend_from_slice(&header);
    out.extend_from_slice(sample);
    Ok(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn avc(record: &'static [u8]) -> DecoderConfig {
        DecoderConfig::Avc { record: Bytes::from_static(record), nal_length_size: 4 }
    }

    /// One set of each kind: `67 01` and `68 02`.
    const RECORD: &[u8] = &[1, 100, 0, 10, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 2];

    #[test]
    fn parameter_sets_stand_before_a_sync_sample_and_behind_its_delimiter() {
        let plain = PlainSamples::new(&avc(RECORD)).expect("a valid record");
        let slice = Bytes::from_static(&[0, 0, 0, 2, 0x65, 9]);
        let sets = [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2];
        let stream = plain.sample(&slice, true).expect("valid");
        assert_eq!(stream[..], [&sets[..], &[0, 0, 0, 1, 0x65, 9]].concat());
        assert_eq!(plain.sample(&slice, false).expect("valid")[..], [0, 0, 0, 1, 0x65, 9]);
        let delimited = Bytes::from_static(&[0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 2, 0x65, 9]);
        let stream = plain.sample(&delimited, true).expect("valid");
        assert_eq!(stream[..], [&[0, 0, 0, 1, 9, 0xf0], &sets[..], &[0, 0, 0, 1, 0x65, 9]].concat());
    }

    #[test]
    fn aac_gets_the_header_that_its_configuration_stands_for() {
        let plain = |asc: &'static [u8]| PlainSamples::new(&DecoderConfig::Aac { asc: Bytes::from_static(asc) });
        // AAC-LC, 48 kHz, stereo; 24 kHz below SBR that is told first.
        for (asc, rate) in [(&[0x11, 0x90][..], 0x4c), (&[0x2b, 0x11, 0x88][..], 0x58)] {
            let frame = plain(asc).expect("LC").sample(&Bytes::from_static(&[1, 2, 3]), true).expect("fits");
            assert_eq!(frame[..], [0xff, 0xf1, rate, 0x80, 1, 0x5f, 0xfc, 1, 2, 3], "{asc:x?}");
        }
        let refused = |asc| plain(asc).map(|_| ()).expect_err("cannot be told").code();
        // USAC (42), and channels by a program config element.
        assert_eq!(refused(&[0xf9, 0x48, 0x40]), ErrorCode::CodecUnsupported);
        assert_eq!(refused(&[0x11, 0x80]), ErrorCode::CodecUnsupported);
        assert_eq!(refused(&[0x11]), ErrorCode::ContainerSyntax);
        let long = plain(&[0x11, 0x90]).expect("LC").sample(&Bytes::from(vec![0; 8185]), true);
        assert_eq!(long.map(|_| ()).expect_err("too long").code(), ErrorCode::ContainerLimit);
    }

    #[test]
    fn lengths_that_do_not_add_up_are_errors() {
        let plain = PlainSamples::new(&avc(RECORD)).expect("a valid record");
        for sample in [&[0, 0, 0, 3, 0x65, 9][..], &[0, 0][..], &[0xff, 0xff, 0xff, 0xff, 1][..]] {
            let error = plain.sample(&Bytes::copy_from_slice(sample), true).expect_err("damaged");
            assert_eq!(error.code(), ErrorCode::ContainerSyntax, "{sample:?}");
        }
        for cut in 0..RECORD.len() {
            assert!(PlainSamples::new(&avc(&RECORD[..cut])).is_err(), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_stream_or_an_error(
            record in proptest::collection::vec(any::<u8>(), 0..60),
            sample in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let (record, sample) = (Bytes::from(record), Bytes::from(sample));
            for nal_length_size in [1, 2, 4] {
                for config in [
                    DecoderConfig::Avc { record: record.clone(), nal_length_size },
                    DecoderConfig::Hevc { record: record.clone(), nal_length_size },
                    DecoderConfig::Aac { asc: record.clone() },
                ] {
                    if let Ok(plain) = PlainSamples::new(&config) {
                        let _ = plain.sample(&sample, true);
                    }
                }
            }
        }
    }
}
