//! H.264 (ISO/IEC 14496-10): parameter sets, slice headers, and their record in MP4
//! (ISO/IEC 14496-15, 5.3.3.1).

use bytes::Bytes;

use super::nal::unescape;
use super::picture::{aspect_and_colour, frame_duration, Picture};
use super::video::Field;
use crate::bits::Bits;

pub(crate) const SLICE: u8 = 1;
pub(crate) const PARTITION_A: u8 = 2;
pub(crate) const SLICE_IDR: u8 = 5;
pub(crate) const SEI: u8 = 6;
pub(crate) const SPS: u8 = 7;
pub(crate) const PPS: u8 = 8;
pub(crate) const DELIMITER: u8 = 9;
pub(crate) const FILLER: u8 = 12;

/// The type of a NAL unit.
pub(crate) fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |byte| byte & 0x1f)
}

/// What is needed of a sequence parameter set (7.3.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sps {
    pub(crate) id: u32,
    pub(crate) picture: Picture,
    chroma_format: u32,
    bit_depths: (u32, u32),
    separate_planes: bool,
    frame_num_bits: usize,
    frames_only: bool,
}

/// Profiles whose parameter sets say the chroma format.
fn has_chroma(profile: u8) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

impl Sps {
    /// Reads a NAL unit with a sequence parameter set; None if it is cut short or makes no sense.
    pub(crate) fn read(nal: &[u8]) -> Option<Self> {
        let plain = unescape(nal);
        let &[_, profile, constraints, level, ..] = &plain[..] else {
            return None;
        };
        let mut bits = Bits::new(plain.get(4..)?);
        let id = bits.ue().filter(|id| *id < 32)?;
        let (mut chroma_format, mut separate_planes, mut bit_depths) = (1, false, (8, 8));
        if has_chroma(profile) {
            chroma_format = bits.ue().filter(|format| *format < 4)?;
            if chroma_format == 3 {
                separate_planes = bits.flag()?;
            }
            let mut depth = || Some(8 + bits.ue().filter(|depth| *depth <= 6)?);
            bit_depths = (depth()?, depth()?);
            bits.flag()?; // qpprime_y_zero_transform_bypass_flag
            if bits.flag()? {
                for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                    if bits.flag()? {
                        skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_num_bits = 4 + bits.ue().filter(|bits| *bits <= 12)? as usize;
        let order_type = bits.ue()?;
        match order_type {
            0 => {
                bits.ue()?; // log2_max_pic_order_cnt_lsb_minus4
            }
            1 => {
                bits.flag()?;
                bits.se()?;
                bits.se()?;
                for _ in 0..bits.ue().filter(|count| *count < 256)? {
                    bits.se()?;
                }
            }
            2 => {}
            _ => return None,
        }
        let references = bits.ue().filter(|count| *count <= 16)?;
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
                      // Beyond these no level goes (A.3.1): 139,264 macroblocks a frame, no side above sqrt(8 * that).
        let mut side = || Some(1 + bits.ue().filter(|blocks| *blocks < 1056)?);
        let (columns, map_rows) = (side()?, side()?);
        let frames_only = bits.flag()?;
        let rows = map_rows * if frames_only { 1 } else { 2 };
        if !frames_only {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let mut crop = [0; 4];
        if bits.flag()? {
            for edge in &mut crop {
                *edge = bits.ue()?;
            }
        }
        let (unit_x, unit_y) = match if separate_planes { 0 } else { chroma_format } {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let unit_y = unit_y * if frames_only { 1 } else { 2 };
        let shown = |side: u32, unit: u32, before: u32, behind: u32| {
            let cut = unit.checked_mul(before.checked_add(behind)?)?;
            side.checked_sub(cut).filter(|left| *left > 0)
        };
        let [left, right, top, bottom] = crop;
        let buffered = frames_buffered(level, constraints, profile, columns * rows).max(references);
        // What annex E.2.1 infers without a statement, and where no reordering is possible at all.
        let mut reorder = match profile {
            66 => Some(0),
            44 | 86 | 100 | 110 | 122 | 244 if constraints & 0x10 != 0 => Some(0),
            _ if order_type == 2 => Some(0),
            _ => None,
        };
        let mut picture = Picture {
            width: shown(columns * 16, unit_x, left, right)?,
            height: shown(rows * 16, unit_y, top, bottom)?,
            aspect: None,
            colour: None,
            frame_duration: None,
            reorder,
            buffered,
        };
        if bits.flag()? {
            // Usability information is cut short now and then: what was read counts.
            if let Some((aspect, colour)) = aspect_and_colour(&mut bits) {
                (picture.aspect, picture.colour) = (aspect, colour);
                let timing = Timing::read(&mut bits).unwrap_or_default();
                picture.frame_duration = timing.frame_duration;
                reorder = timing.reorder.filter(|frames| *frames <= 16).or(reorder);
                picture.reorder = reorder;
                picture.buffered = picture.buffered.max(reorder.unwrap_or(0));
            }
        }
        Some(Self { id, picture, chroma_format, bit_depths, separate_planes, frame_num_bits, frames_only })
    }
}

/// The end of the usability information.
#[derive(Default)]
struct Timing {
    frame_duration: Option<u32>,
    reorder: Option<u32>,
}

impl Timing {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let mut timing = Self::default();
        if bits.flag()? {
            let (units, scale) = (bits.take(32)?, bits.take(32)?);
            let fixed = bits.flag()?;
            // A tick is a field (E.2.1).
            timing.frame_duration = frame_duration(2 * u64::from(units), scale).filter(|_| fixed);
        }
        let mut hypothetical = false;
        for _ in 0..2 {
            if bits.flag()? {
                hypothetical = true;
                skip_hrd(bits)?;
            }
        }
        if hypothetical {
            bits.flag()?; // low_delay_hrd_flag
        }
        bits.flag()?; // pic_struct_present_flag
        let restricted = bits.flag();
        if restricted == Some(true) {
            bits.flag()?;
            for _ in 0..4 {
                bits.ue()?;
            }
            timing.reorder = bits.ue();
        }
        Some(timing)
    }
}

/// `hrd_parameters` (E.1.2).
fn skip_hrd(bits: &mut Bits<'_>) -> Option<()> {
    let count = bits.ue().filter(|count| *count < 32)?;
    bits.skip(8)?;
    for _ in 0..=count {
        bits.ue()?;
        bits.ue()?;
        bits.flag()?;
    }
    bits.skip(20)
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8_i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// MaxDpbFrames (A.3.1, table A-1).
fn frames_buffered(level: u8, constraints: u8, profile: u8, macroblocks: u32) -> u32 {
    let level_1b = level == 11 && constraints & 0x10 != 0 && matches!(profile, 66 | 77 | 88);
    let blocks = match level {
        _ if level_1b => 396,
        0..=10 => 396,
        11 => 900,
        12 | 13 | 20 => 2_376,
        21 => 4_752,
        22 | 30 => 8_100,
        31 => 18_000,
        32 => 20_480,
        40 | 41 => 32_768,
        42 => 34_816,
        50 => 110_400,
        51 | 52 => 184_320,
        _ => 696_320,
    };
    (blocks / macroblocks.max(1)).min(16)
}

/// The id of a sequence parameter set.
pub(crate) fn sps_id(nal: &[u8]) -> Option<u32> {
    let plain = unescape(nal.get(..nal.len().min(24))?);
    Bits::new(plain.get(4..)?).ue().filter(|id| *id < 32)
}

/// The id of a picture parameter set and of the sequence parameter set that it refers to (7.3.2.2).
pub(crate) fn pps_ids(nal: &[u8]) -> Option<(u32, u32)> {
    let plain = unescape(nal.get(..nal.len().min(24))?);
    let mut bits = Bits::new(plain.get(1..)?);
    Some((bits.ue().filter(|id| *id < 256)?, bits.ue().filter(|id| *id < 32)?))
}

/// What is needed of a slice header (7.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceHeader {
    /// It is the first of its picture.
    pub(crate) first: bool,
    /// Only intra-predicted.
    pub(crate) intra: bool,
    /// Picture parameter set.
    pub(crate) pps: u32,
    /// Set if the picture is a field.
    pub(crate) field: Option<Field>,
}

impl SliceHeader {
    /// Reads the beginning of a slice; `sps` finds the sequence parameter set of a picture parameter set.
    pub(crate) fn read<'s>(nal: &[u8], sps: impl FnOnce(u32) -> Option<&'s Sps>) -> Option<Self> {
        // The fields that are read have 16 bytes at most.
        let head = nal.get(..nal.len().min(24))?;
        let plain = unescape(head);
        let reference = head.first()? & 0x60 != 0;
        let mut bits = Bits::new(plain.get(1..)?);
        let first = bits.ue()? == 0;
        let intra = matches!(bits.ue()?, 2 | 4 | 7 | 9);
        let pps = bits.ue()?;
        let mut field = None;
        if let Some(sps) = sps(pps).filter(|sps| !sps.frames_only) {
            if sps.separate_planes {
                bits.skip(2)?;
            }
            let number = bits.take(sps.frame_num_bits)?;
            if bits.flag()? {
                field = Some(Field { frame_number: number, bottom: bits.flag()?, reference });
            }
        }
        Some(Self { first, intra, pps, field })
    }
}

/// AVCDecoderConfigurationRecord with lengths of four bytes; the active sequence parameter set is the
/// first. None without parameter sets of either kind, or with too many.
pub(crate) fn record(active: &Sps, sps: &[Bytes], pps: &[Bytes]) -> Option<Bytes> {
    let &[_, profile, constraints, level, ..] = &sps.first()?[..] else {
        return None;
    };
    let mut record =
        vec![1, profile, constraints, level, 0xff, 0xe0 | u8::try_from(sps.len()).ok().filter(|count| *count < 32)?];
    let put = |record: &mut Vec<u8>, nal: &Bytes| {
        record.extend_from_slice(&u16::try_from(nal.len()).ok()?.to_be_bytes());
        record.extend_from_slice(nal);
        Some(())
    };
    sps.iter().try_for_each(|nal| put(&mut record, nal))?;
    record.push(u8::try_from(pps.len()).ok().filter(|count| *count > 0)?);
    pps.iter().try_for_each(|nal| put(&mut record, nal))?;
    if !matches!(profile, 66 | 77 | 88) {
        let (luma, chroma) = active.bit_depths;
        record.extend([0xfc | active.chroma_format as u8, 0xf8 | (luma - 8) as u8, 0xf8 | (chroma - 8) as u8, 0]);
    }
    Some(record.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitWriter;

    fn ue(bits: &mut BitWriter, value: u32) {
        let width = 32 - (value + 1).leading_zeros() as usize;
        bits.put(0, width - 1);
        bits.put(value + 1, width);
    }

    /// A parameter set of the High profile with what the test is about.
    fn sps(interlaced: bool, crop: Option<[u32; 4]>, vui: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
        let mut bits = BitWriter::default();
        for value in [0, 1, 0, 0] {
            ue(&mut bits, value); // id, 4:2:0, 8 bits, 8 bits
        }
        bits.put(0, 2); // no bypass, no scaling matrix
        for value in [0, 0, 2, 4] {
            ue(&mut bits, value); // frame_num of 4 bits, order type 0 of 6 bits, four references
        }
        bits.put(0, 1);
        ue(&mut bits, 119); // 120 macroblocks across
        ue(&mut bits, if interlaced { 33 } else { 67 });
        bits.put(u32::from(!interlaced), 1);
        if interlaced {
            bits.put(0, 1);
        }
        bits.put(1, 1);
        bits.put(u32::from(crop.is_some()), 1);
        for edge in crop.into_iter().flatten() {
            ue(&mut bits, edge);
        }
        bits.put(1, 1);
        vui(&mut bits);
        bits.put(1, 1);
        [&[0x67, 100, 0, 40][..], &bits.into_bytes()].concat()
    }

    fn empty_vui(bits: &mut BitWriter) {
        bits.put(0, 9);
    }

    #[test]
    fn cropping_is_in_chroma_units_and_doubled_for_fields() {
        let picture = Sps::read(&sps(false, Some([0, 0, 0, 4]), empty_vui)).expect("valid").picture;
        assert_eq!((picture.width, picture.height), (1920, 1080));
        let picture = Sps::read(&sps(true, Some([1, 2, 0, 2]), empty_vui)).expect("valid").picture;
        assert_eq!((picture.width, picture.height), (1914, 1080));
        assert_eq!(Sps::read(&sps(false, Some([500, 500, 0, 0]), empty_vui)), None);
        assert_eq!(Sps::read(&sps(false, Some([u32::MAX - 1, 9, 0, 0]), empty_vui)), None);
    }

    #[test]
    fn usability_information_gives_aspect_colour_frame_rate_and_reordering() {
        let full = sps(false, None, |bits| {
            bits.put(1, 1);
            bits.put(255, 8);
            bits.put(4, 16);
            bits.put(3, 16);
            bits.put(0b11, 2); // overscan
            bits.put(1, 1);
            bits.put(5, 3);
            bits.put(1, 1); // full range
            bits.put(1, 1);
            for code in [9, 16, 9] {
                bits.put(code, 8);
            }
            bits.put(1, 1);
            ue(bits, 0);
            ue(bits, 0);
            bits.put(1, 1);
            bits.put(1001, 32);
            bits.put(60_000, 32);
            bits.put(1, 1); // fixed
            bits.put(1, 1); // NAL HRD
            ue(bits, 0);
            bits.put(0, 8);
            ue(bits, 5);
            ue(bits, 6);
            bits.put(0, 1);
            bits.put(0, 20);
            bits.put(0, 1); // no VCL HRD
            bits.put(0, 1); // low delay
            bits.put(0, 1); // pic_struct
            bits.put(1, 1);
            bits.put(1, 1);
            for value in [0, 0, 11, 11, 2, 4] {
                ue(bits, value);
            }
        });
        let picture = Sps::read(&full).expect("valid").picture;
        assert_eq!(picture.aspect, Some((4, 3)));
        let colour = picture.colour.expect("described");
        assert_eq!((colour.primaries, colour.transfer, colour.matrix, colour.full_range), (9, 16, 9, true));
        assert_eq!((picture.frame_duration, picture.reorder, picture.buffered), (Some(3003), Some(2), 4));
        // Cut short within: the parameter set is used, what is missing is unknown.
        let short = Sps::read(&full[..full.len() - 16]).expect("valid").picture;
        assert_eq!((short.aspect, short.reorder, short.frame_duration), (Some((4, 3)), None, None));
    }

    #[test]
    fn a_parameter_set_cut_within_its_mandatory_fields_is_refused() {
        let whole = sps(false, Some([0, 0, 0, 4]), empty_vui);
        let least = (0..whole.len()).find(|length| Sps::read(&whole[..*length]).is_some()).expect("the whole one is");
        assert!(least > 10);
        for length in 0..whole.len() {
            assert_eq!(Sps::read(&whole[..length]).is_some(), length >= least);
        }
    }

    #[test]
    fn records_list_the_sets_and_end_with_chroma_for_high_profiles() {
        let sps = Bytes::from(sps(false, None, empty_vui));
        let pps = Bytes::from_static(&[0x68, 0xee, 0x3c]);
        let active = Sps::read(&sps).expect("valid");
        let high = record(&active, std::slice::from_ref(&sps), std::slice::from_ref(&pps)).expect("complete");
        let length = sps.len();
        assert_eq!(high[..8], [1, 100, 0, 40, 0xff, 0xe1, 0, length as u8]);
        assert_eq!(high[8 + length..], [1, 0, 3, 0x68, 0xee, 0x3c, 0xfd, 0xf8, 0xf8, 0]);
        assert_eq!(record(&active, &[sps], &[]), None);
        assert_eq!(record(&active, &[], &[pps]), None);
    }

    #[test]
    fn a_slice_says_whether_it_begins_a_picture_and_which_field_it_is() {
        let interlaced = Sps::read(&sps(true, None, empty_vui)).expect("valid");
        let slice = |first: u32, kind: u32, number: u32, field: Option<u32>| {
            let mut bits = BitWriter::default();
            ue(&mut bits, first);
            ue(&mut bits, kind);
            ue(&mut bits, 0);
            bits.put(number, 4);
            bits.put(u32::from(field.is_some()), 1);
            if let Some(bottom) = field {
                bits.put(bottom, 1);
            }
            bits.put(1, 1);
            [&[0x41][..], &bits.into_bytes()].concat()
        };
        let read = |nal: &[u8]| SliceHeader::read(nal, |_| Some(&interlaced)).expect("complete");
        let header = read(&slice(0, 7, 3, Some(1)));
        let field = Field { frame_number: 3, bottom: true, reference: true };
        assert_eq!((header.first, header.intra, header.field), (true, true, Some(field)));
        let header = read(&slice(40, 5, 3, None));
        assert_eq!((header.first, header.intra, header.field), (false, false, None));
        assert_eq!(SliceHeader::read(&[0x41], |_| None), None);
    }
}
