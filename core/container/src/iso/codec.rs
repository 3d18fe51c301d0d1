//! RFC 6381 codec strings from decoder configurations.
//!
//! Each function takes the payload of a configuration box and gives the string that a manifest
//! would carry in `codecs`, or `None` if the payload is too short to say.

use std::fmt::Write as _;

use super::boxes::{fourcc_name, FourCc};
use crate::bits::Bits;

/// `avc1.PPCCLL` (RFC 6381, 3.3; ISO/IEC 14496-15, 5.3.3.1): profile, constraints and level of `avcC`.
pub(crate) fn avc(entry: FourCc, record: &[u8]) -> Option<String> {
    let &[_, profile, constraints, level, ..] = record else {
        return None;
    };
    Some(format!("{}.{profile:02x}{constraints:02x}{level:02x}", fourcc_name(entry)))
}

/// `hvc1.[S]P.C.TL.…` (ISO/IEC 14496-15, E.3): profile space and number, compatibility flags in
/// reverse bit order, tier and level, constraint bytes without the trailing zeros, of `hvcC`.
pub(crate) fn hevc(entry: FourCc, record: &[u8]) -> Option<String> {
    let profile = *record.get(1)?;
    let compatibility = u32::from_be_bytes(*record.get(2..)?.first_chunk()?).reverse_bits();
    let constraints: [u8; 6] = *record.get(6..)?.first_chunk()?;
    let level = *record.get(12)?;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!("{}.{space}{}.{compatibility:X}.{tier}{level}", fourcc_name(entry), profile & 0x1f);
    let kept = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in constraints.iter().take(kept) {
        // Writing to a String cannot fail.
        let _ = write!(text, ".{byte:X}");
    }
    Some(text)
}

/// `dvh1.PP.LL` (Dolby Vision Streams Within the ISO Base Media File Format, 6.3): profile and
/// level of `dvcC` or `dvvC`.
pub(crate) fn dolby_vision(entry: FourCc, record: &[u8]) -> Option<String> {
    let mut bits = Bits::new(record.get(2..)?);
    let (profile, level) = (bits.take(7)?, bits.take(6)?);
    Some(format!("{}.{profile:02}.{level:02}", fourcc_name(entry)))
}

/// What a `colr` box of type `nclx` says (ISO/IEC 14496-12, 12.1.5), as code points of
/// ISO/IEC 23091-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) full_range: bool,
}

impl Colour {
    /// What the short forms of codec strings stand for: BT.709, limited range.
    const DEFAULT: Self = Self { primaries: 1, transfer: 1, matrix: 1, full_range: false };

    pub(crate) fn from_colr(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload.strip_prefix(b"nclx")?);
        Some(Self {
            primaries: bits.take(16)? as u16,
            transfer: bits.take(16)? as u16,
            matrix: bits.take(16)? as u16,
            full_range: bits.flag()?,
        })
    }

    /// Whether the short form says as much: a code point of 2 means "unspecified".
    fn is_default(self) -> bool {
        let same = |value: u16| value == 1 || value == 2;
        same(self.primaries) && same(self.transfer) && same(self.matrix) && !self.full_range
    }
}

/// `av01.P.LLT.DD[.M.CCC.cp.tc.mc.F]` (AV1 Codec ISO Media File Format Binding, 5) from `av1C` and
/// `colr`; the optional fields are all written when one of them is not the default.
pub(crate) fn av1(record: &[u8], colour: Option<Colour>) -> Option<String> {
    let mut bits = Bits::new(record.get(1..)?);
    let profile = bits.take(3)?;
    let level = bits.take(5)?;
    let tier = if bits.flag()? { 'H' } else { 'M' };
    let (high, twelve) = (bits.flag()?, bits.flag()?);
    let depth = match (high, twelve) {
        (true, true) if profile == 2 => 12,
        (true, _) => 10,
        (false, _) => 8,
    };
    let mono = bits.take(1)?;
    let (x, y) = (bits.take(1)?, bits.take(1)?);
    // The position means something for 4:2:0 only.
    let position = if x == 1 && y == 1 { bits.take(2)? } else { 0 };
    let colour = colour.unwrap_or(Colour::DEFAULT);
    let mut text = format!("av01.{profile}.{level:02}{tier}.{depth:02}");
    if !(mono == 0 && (x, y, position) == (1, 1, 0) && colour.is_default()) {
        let _ = write!(
            text,
            ".{mono}.{x}{y}{position}.{:02}.{:02}.{:02}.{}",
            colour.primaries,
            colour.transfer,
            colour.matrix,
            u8::from(colour.full_range)
        );
    }
    Some(text)
}

/// `vp09.PP.LL.DD[.CC.cp.tc.mc.FF]` (VP Codec ISO Media File Format Binding, "Codecs Parameter
/// String") from `vpcC`; the optional fields are all written when one of them is not the default.
pub(crate) fn vpx(entry: FourCc, record: &[u8]) -> Option<String> {
    // Version and flags of the FullBox come first.
    let &[_, _, _, _, profile, level, packed, primaries, transfer, matrix, ..] = record else {
        return None;
    };
    let (depth, chroma) = (packed >> 4, packed >> 1 & 7);
    let colour = Colour {
        primaries: primaries.into(),
        transfer: transfer.into(),
        matrix: matrix.into(),
        full_range: packed & 1 == 1,
    };
    let mut text = format!("{}.{profile:02}.{level:02}.{depth:02}", fourcc_name(entry));
    if chroma != 1 || !colour.is_default() {
        let _ = write!(text, ".{chroma:02}.{primaries:02}.{transfer:02}.{matrix:02}.{:02}", packed & 1);
    }
    Some(text)
}

/// `ac-4.BB.PP.MM` (ETSI TS 103 190-2, E.13): bitstream version, presentation version and
/// mdcompat of the first presentation in `dac4`.
pub(crate) fn ac4(record: &[u8]) -> Option<String> {
    let mut bits = Bits::new(record);
    let dsi_version = bits.take(3)?;
    let bitstream_version = bits.take(7)?;
    bits.take(1 + 4)?; // fs_index, frame_rate_index
    let presentations = bits.take(9)?;
    if dsi_version != 1 || presentations == 0 {
        return None;
    }
    if bitstream_version > 1 && bits.flag()? {
        bits.take(16)?; // short_program_id
        if bits.flag()? {
            (0..4).try_for_each(|_| bits.take(32).map(drop))?; // program_uuid
        }
    }
    bits.take(2)?; // ac4_bitrate_dsi: mode, rate, precision
    bits.take(32)?;
    bits.take(32)?;
    bits.align();
    let presentation_version = bits.take(8)?;
    if bits.take(8)? == 255 {
        bits.take(16)?; // add_pres_bytes
    }
    // A configuration of 6 carries EMDF substreams only and has no level.
    let mdcompat = if bits.take(5)? == 6 { 0 } else { bits.take(3)? };
    Some(format!("ac-4.{bitstream_version:02x}.{presentation_version:02x}.{mdcompat:02x}"))
}

/// What an MPEG-4 elementary stream descriptor (`esds`; ISO/IEC 14496-1, 7.2.6) says of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecoderDescriptor<'a> {
    /// objectTypeIndication: 0x40 for MPEG-4 audio.
    pub(crate) object_type: u8,
    /// DecoderSpecificInfo; for MPEG-4 audio the AudioSpecificConfig.
    pub(crate) specific: Option<&'a [u8]>,
}

const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG_DESCRIPTOR: u8 = 4;
const DECODER_SPECIFIC_INFO: u8 = 5;

impl<'a> DecoderDescriptor<'a> {
    /// Reads the payload of an `esds` box.
    pub(crate) fn from_esds(payload: &'a [u8]) -> Option<Self> {
        let stream = descriptor(payload.get(4..)?, ES_DESCRIPTOR)?;
        let flags = *stream.get(2)?;
        let mut inner = stream.get(3..)?;
        if flags & 0x80 != 0 {
            inner = inner.get(2..)?; // dependsOn_ES_ID
        }
        if flags & 0x40 != 0 {
            let length = usize::from(*inner.first()?);
            inner = inner.get(1 + length..)?; // URL
        }
        if flags & 0x20 != 0 {
            inner = inner.get(2..)?; // OCR_ES_Id
        }
        let config = descriptor(inner, DECODER_CONFIG_DESCRIPTOR)?;
        Some(Self {
            object_type: *config.first()?,
            specific: config.get(13..).and_then(|rest| descriptor(rest, DECODER_SPECIFIC_INFO)),
        })
    }
}

/// The payload of the first descriptor with `tag` (ISO/IEC 14496-1, 8.3.3: sizes have seven bits a byte).
fn descriptor(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    loop {
        let (found, mut rest) = bytes.split_first()?;
        let mut size = 0_usize;
        for _ in 0..4 {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            size = size << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        if *found == tag {
            return rest.get(..size);
        }
        bytes = rest.get(size..)?;
    }
}

/// What an AudioSpecificConfig says (ISO/IEC 14496-3, 1.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioConfig {
    /// The object type that a decoder needs for everything in the stream: 2 for LC, 5 with SBR,
    /// 29 with PS, 42 for USAC.
    pub(crate) object_type: u32,
    /// Samples a second before any extension: what frames are counted in.
    pub(crate) core_rate: Option<u32>,
    /// Samples a second that come out of such a decoder.
    pub(crate) sample_rate: Option<u32>,
    /// Channels that come out of such a decoder; None if a program_config_element says it.
    pub(crate) channels: Option<u32>,
}

const SBR: u32 = 5;
const PS: u32 = 29;
/// Samples a second by index (1.6.3.4).
pub(crate) const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

impl AudioConfig {
    pub(crate) fn read(config: &[u8]) -> Option<Self> {
        let object_type = |bits: &mut Bits<'_>| match bits.take(5)? {
            31 => Some(32 + bits.take(6)?),
            short => Some(short),
        };
        let sample_rate = |bits: &mut Bits<'_>| match bits.take(4)? {
            15 => bits.take(24).map(Some),
            index => Some(SAMPLE_RATES.get(index as usize).copied()),
        };
        let mut bits = Bits::new(config);
        let object_type = object_type(&mut bits)?;
        let core_rate = sample_rate(&mut bits)?;
        let mut this = Self { object_type, core_rate, sample_rate: core_rate, channels: None };
        let layout = bits.take(4)?;
        this.channels = match layout {
            1..=6 => Some(layout),
            7 | 12 | 14 => Some(8),
            11 => Some(7),
            13 => Some(24),
            _ => None,
        };
        if matches!(this.object_type, SBR | PS) {
            // Hierarchical signalling: the extension's rate follows.
            this.sample_rate = sample_rate(&mut bits)?;
        } else if let Some((extension, rate)) = Self::sync_extension(bits) {
            // Backward compatible signalling at the end of the configuration.
            this.object_type = extension;
            this.sample_rate = rate.or(this.sample_rate);
        }
        if this.object_type == PS {
            this.channels = Some(2);
        }
        Some(this)
    }

    /// Looks for a syncExtensionType. What comes before it depends on the object type, so it is
    /// searched bit by bit.
    fn sync_extension(mut bits: Bits<'_>) -> Option<(u32, Option<u32>)> {
        loop {
            let mut ahead = bits.clone();
            if ahead.take(11)? == 0x2b7 && ahead.take(5)? == SBR && ahead.flag()? {
                let rate = match ahead.take(4)? {
                    15 => ahead.take(24),
                    index => SAMPLE_RATES.get(index as usize).copied(),
                };
                let parametric = ahead.take(11) == Some(0x548) && ahead.flag() == Some(true);
                return Some((if parametric { PS } else { SBR }, rate));
            }
            bits.take(1)?;
        }
    }
}

/// Channels of an AC-3 or E-AC-3 audio coding mode (ETSI TS 102 366, table 4.3) with its low
/// frequency channel.
pub(crate) fn ac3_channels(mode: u32, low_frequency: bool) -> u32 {
    [2, 1, 2, 3, 3, 4, 4, 5].get(mode as usize).copied().unwrap_or(2) + u32::from(low_frequency)
}

const AC3_RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Sample rate and channels of `dac3` (ETSI TS 102 366, F.4).
pub(crate) fn ac3(record: &[u8]) -> Option<(Option<u32>, u32)> {
    let mut bits = Bits::new(record);
    let rate = AC3_RATES.get(bits.take(2)? as usize).copied();
    bits.take(5 + 3)?; // bsid, bsmod
    let mode = bits.take(3)?;
    Some((rate, ac3_channels(mode, bits.flag()?)))
}

/// Sample rate and channels of the first independent substream of `dec3` (ETSI TS 102 366, F.6).
pub(crate) fn eac3(record: &[u8]) -> Option<(Option<u32>, u32)> {
    let mut bits = Bits::new(record);
    bits.take(13 + 3)?; // data_rate, num_ind_sub
    let rate = AC3_RATES.get(bits.take(2)? as usize).copied();
    bits.take(5 + 1 + 1 + 3)?; // bsid, reserved, asvc, bsmod
    let mode = bits.take(3)?;
    Some((rate, ac3_channels(mode, bits.flag()?)))
}

/// Sample rate and channels of the STREAMINFO block in `dfLa` (Encapsulation of FLAC in ISO Base
/// Media File Format, 3.3.2).
pub(crate) fn flac(record: &[u8]) -> Option<(Option<u32>, u32)> {
    // Version and flags, block header, then sizes of blocks and frames.
    let mut bits = Bits::new(record.get(4 + 4 + 10..)?);
    Some((Some(bits.take(20)?), bits.take(3)? + 1))
}

/// Sample rate and channels of an ALAC magic cookie, version and flags first.
pub(crate) fn alac(record: &[u8]) -> Option<(Option<u32>, u32)> {
    let rate = u32::from_be_bytes(*record.get(4 + 20..)?.first_chunk()?);
    Some((Some(rate), u32::from(*record.get(4 + 9)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hevc_strings_follow_the_examples_of_14496_15() {
        // E.3: "hev1.1.6.L93.B0" is Main, compatible with Main and Main 10, Main tier, level 3.1,
        // progressive, non-packed, frame-only.
        let record = [1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc(*b"hev1", &record).as_deref(), Some("hev1.1.6.L93.B0"));
        // "hev1.A4.41.H120.B0.23": profile space 1, profile 4, High tier.
        let record = [1, 0x64, 0x82, 0, 0, 0, 0xb0, 0x23, 0, 0, 0, 0, 120];
        assert_eq!(hevc(*b"hev1", &record).as_deref(), Some("hev1.A4.41.H120.B0.23"));
        assert_eq!(hevc(*b"hev1", &record[..12]), None);
    }

    #[test]
    fn av1_strings_follow_the_examples_of_the_binding() {
        // Section 5: "av01.0.04M.10.0.112.09.16.09.0" is Main, level 3.0, Main tier, 10 bits, 4:2:0
        // colocated with luma, BT.2100 PQ, limited range.
        let hdr = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: false };
        let record = [0x81, 0x04, 0b0100_1110];
        assert_eq!(av1(&record, Some(hdr)).as_deref(), Some("av01.0.04M.10.0.112.09.16.09.0"));
        // The same section: "av01.0.01M.08" when the rest is the default.
        assert_eq!(av1(&[0x81, 0x01, 0b0000_1100], None).as_deref(), Some("av01.0.01M.08"));
        // High tier, professional profile, 12 bits, 4:4:4.
        let record = [0x81, 0x4d, 0b1110_0000];
        assert_eq!(av1(&record, None).as_deref(), Some("av01.2.13H.12.0.000.01.01.01.0"));
    }

    #[test]
    fn vp9_strings_follow_the_examples_of_the_binding() {
        // "vp09.02.10.10.01.09.16.09.01": profile 2, level 1, 10 bits, 4:2:0, BT.2020, PQ, full range.
        let record = [1, 0, 0, 0, 2, 10, 0xa3, 9, 16, 9, 0, 0];
        assert_eq!(vpx(*b"vp09", &record).as_deref(), Some("vp09.02.10.10.01.09.16.09.01"));
        // "vp09.00.41.08": the short form.
        let record = [1, 0, 0, 0, 0, 41, 0x82, 1, 1, 1, 0, 0];
        assert_eq!(vpx(*b"vp09", &record).as_deref(), Some("vp09.00.41.08"));
    }

    #[test]
    fn dolby_vision_is_named_by_profile_and_level() {
        // Profile 5, level 6, with RPU and base layer: "dvh1.05.06".
        let record = [1, 0, 0x0a, 0x35, 0];
        assert_eq!(dolby_vision(*b"dvh1", &record).as_deref(), Some("dvh1.05.06"));
    }

    #[test]
    fn ac4_is_named_by_versions_and_compatibility() {
        // ac4_dsi_version 1, bitstream_version 2, fs_index 1, frame_rate_index 13, one
        // presentation, no program id, bit-rate fields zero, presentation version 1 of 12 bytes,
        // configuration 31, mdcompat 3: written out by hand from the syntax of TS 103 190-2, E.6 and E.10.
        let mut bits = String::from("001") + "0000010" + "1" + "1101" + "000000001" + "0";
        bits += &("00".to_owned() + &"0".repeat(64));
        bits += &"0".repeat((8 - bits.len() % 8) % 8);
        bits += "00000001";
        bits += "00001100";
        bits += "11111";
        bits += "011";
        let record: Vec<u8> =
            bits.as_bytes().chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | (bit - b'0'))).collect();
        assert_eq!(ac4(&record).as_deref(), Some("ac-4.02.01.03"));
        assert_eq!(ac4(&record[..10]), None);
    }

    #[test]
    fn audio_object_types_include_implicit_and_explicit_extensions() {
        let read = |config: &[u8]| {
            let config = AudioConfig::read(config).expect("complete");
            (config.object_type, config.sample_rate, config.channels)
        };
        // LC, 44.1 kHz, stereo: the configuration of every second file in the world.
        assert_eq!(read(&[0x12, 0x10]), (2, Some(44_100), Some(2)));
        // HE-AAC, hierarchical: object type 5, 24 kHz core, 48 kHz output, LC below.
        assert_eq!(read(&[0x2b, 0x11, 0x88, 0x00]), (5, Some(48_000), Some(2)));
        // HE-AAC v2, hierarchical: object type 29, mono core at 24 kHz.
        assert_eq!(read(&[0xeb, 0x09, 0x88, 0x00]), (29, Some(48_000), Some(2)));
        // HE-AAC, backward compatible: LC at 24 kHz, then 0x2b7, SBR present, 48 kHz.
        assert_eq!(read(&[0x13, 0x10, 0x56, 0xe5, 0x98]), (5, Some(48_000), Some(2)));
        // HE-AAC v2, backward compatible: 0x548 with PS present follows.
        assert_eq!(read(&[0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80]), (29, Some(48_000), Some(2)));
        // USAC by the escape: 31, then 42 - 32 = 10.
        assert_eq!(read(&[0xf9, 0x46, 0x40]).0, 42);
        assert_eq!(AudioConfig::read(&[0x12]), None);
    }

    #[test]
    fn descriptors_with_long_sizes_and_optional_fields_are_read() {
        let specific = [5, 0x80, 0x80, 0x80, 2, 0x12, 0x10];
        let mut config = vec![4, 13 + specific.len() as u8, 0x40];
        config.extend([0; 12]);
        config.extend(specific);
        // Flags: dependsOn, URL of two bytes, OCR.
        let mut stream = vec![0, 1, 0xe0, 0, 9, 2, b'a', b'b', 0, 7];
        stream.extend(&config);
        let mut esds = vec![0, 0, 0, 0, 3, stream.len() as u8];
        esds.extend(&stream);
        let read = DecoderDescriptor::from_esds(&esds).expect("complete");
        assert_eq!((read.object_type, read.specific), (0x40, Some(&[0x12, 0x10][..])));
        for length in 0..esds.len() {
            assert!(DecoderDescriptor::from_esds(&esds[..length]).is_none());
        }
    }
}
