//! H.265 (ISO/IEC 23008-2): parameter sets, and their record in MP4 (ISO/IEC 14496-15, 8.3.3.1).

use bytes::Bytes;

use super::nal::unescape;
use super::picture::{aspect_and_colour, frame_duration, Picture};
use crate::bits::Bits;

pub(crate) const RASL_N: u8 = 8;
pub(crate) const RASL_R: u8 = 9;
pub(crate) const BLA_W_LP: u8 = 16;
pub(crate) const BLA_N_LP: u8 = 18;
pub(crate) const IDR_N_LP: u8 = 20;
pub(crate) const CRA: u8 = 21;
pub(crate) const VPS: u8 = 32;
pub(crate) const SPS: u8 = 33;
pub(crate) const PPS: u8 = 34;
pub(crate) const DELIMITER: u8 = 35;
pub(crate) const FILLER: u8 = 38;
pub(crate) const PREFIX_SEI: u8 = 39;

/// Bytes of the header of a NAL unit.
const HEADER: usize = 2;

/// The type of a NAL unit.
pub(crate) fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |byte| byte >> 1 & 0x3f)
}

/// `nuh_layer_id`: zero is the base layer.
pub(crate) fn layer(nal: &[u8]) -> u8 {
    match nal {
        [first, second, ..] => first << 5 & 0x20 | second >> 3,
        _ => 0,
    }
}

/// The id of a parameter set.
pub(crate) fn set_id(nal: &[u8]) -> Option<u32> {
    let plain = unescape(nal.get(..nal.len().min(160))?);
    let mut bits = Bits::new(plain.get(HEADER..)?);
    match nal_type(nal) {
        VPS => bits.take(4),
        SPS => {
            bits.skip(4)?;
            let sub_layers = bits.take(3)?;
            bits.skip(1)?;
            skip_profile_tier_level(&mut bits, sub_layers)?;
            bits.ue().filter(|id| *id < 16)
        }
        _ => bits.ue().filter(|id| *id < 64),
    }
}

/// The id of the sequence parameter set that a picture parameter set refers to.
pub(crate) fn pps_refers(nal: &[u8]) -> Option<u32> {
    let plain = unescape(nal.get(..nal.len().min(24))?);
    let mut bits = Bits::new(plain.get(HEADER..)?);
    bits.ue()?;
    bits.ue().filter(|id| *id < 16)
}

/// The id of the picture parameter set that a slice segment refers to (7.3.6.1).
pub(crate) fn slice_pps(nal: &[u8]) -> Option<u32> {
    let plain = unescape(nal.get(..nal.len().min(16))?);
    let mut bits = Bits::new(plain.get(HEADER..)?);
    bits.skip(1)?; // first_slice_segment_in_pic_flag
    if (BLA_W_LP..=23).contains(&nal_type(nal)) {
        bits.skip(1)?; // no_output_of_prior_pics_flag
    }
    bits.ue()
}

/// What is needed of a sequence parameter set (7.3.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sps {
    pub(crate) id: u32,
    pub(crate) picture: Picture,
    /// `general_profile_space` to `general_level_idc`.
    profile: [u8; 12],
    sub_layers: u32,
    nested: bool,
    chroma_format: u32,
    bit_depths: (u32, u32),
}

impl Sps {
    /// Reads a NAL unit with a sequence parameter set; None if it is cut short or makes no sense.
    pub(crate) fn read(nal: &[u8]) -> Option<Self> {
        let plain = unescape(nal);
        let profile = *plain.get(HEADER + 1..)?.first_chunk()?;
        let mut bits = Bits::new(plain.get(HEADER..)?);
        bits.skip(4)?;
        let sub_layers = bits.take(3).filter(|layers| *layers < 7)?;
        let nested = bits.flag()?;
        skip_profile_tier_level(&mut bits, sub_layers)?;
        let id = bits.ue().filter(|id| *id < 16)?;
        let chroma_format = bits.ue().filter(|format| *format < 4)?;
        let separate_planes = chroma_format == 3 && bits.flag()?;
        let mut side = || bits.ue().filter(|side| (1..=16_888).contains(side));
        let (width, height) = (side()?, side()?);
        let mut window = [0; 4];
        if bits.flag()? {
            for edge in &mut window {
                *edge = bits.ue()?;
            }
        }
        let (unit_x, unit_y) = match if separate_planes { 0 } else { chroma_format } {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let shown = |side: u32, unit: u32, before: u32, behind: u32| {
            let cut = unit.checked_mul(before.checked_add(behind)?)?;
            side.checked_sub(cut).filter(|left| *left > 0)
        };
        let [left, right, top, bottom] = window;
        let mut depth = || Some(8 + bits.ue().filter(|depth| *depth <= 8)?);
        let bit_depths = (depth()?, depth()?);
        let order_bits = 4 + bits.ue().filter(|bits| *bits <= 12)? as usize;
        let first = if bits.flag()? { 0 } else { sub_layers };
        let (mut buffered, mut reorder) = (0, 0);
        for _ in first..=sub_layers {
            // The highest sub-layer comes last, and it is played.
            buffered = bits.ue().filter(|pictures| *pictures < 16)?;
            reorder = bits.ue().filter(|pictures| *pictures <= buffered)?;
            bits.ue()?;
        }
        let mut picture = Picture {
            width: shown(width, unit_x, left, right)?,
            height: shown(height, unit_y, top, bottom)?,
            aspect: None,
            colour: None,
            frame_duration: None,
            reorder: Some(reorder),
            buffered,
        };
        // What is left only makes pictures prettier.
        if let Some(((aspect, colour), duration)) = usability(&mut bits, order_bits) {
            (picture.aspect, picture.colour, picture.frame_duration) = (aspect, colour, duration);
        }
        Some(Self { id, picture, profile, sub_layers: sub_layers + 1, nested, chroma_format, bit_depths })
    }
}

type AspectAndColour = (Option<(u32, u32)>, Option<crate::iso::Colour>);

/// Video usability information, behind all that comes before it (E.2.1).
fn usability(bits: &mut Bits<'_>, order_bits: usize) -> Option<(AspectAndColour, Option<u32>)> {
    for _ in 0..6 {
        bits.ue()?; // sizes of coding and transform blocks
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.ue()?;
        bits.ue()?;
        bits.skip(1)?;
    }
    let sets = bits.ue().filter(|sets| *sets <= 64)?;
    let mut pictures = 0;
    for set in 0..sets {
        pictures = reference_set(bits, set, pictures)?;
    }
    if bits.flag()? {
        for _ in 0..bits.ue().filter(|pictures| *pictures <= 32)? {
            bits.skip(order_bits + 1)?;
        }
    }
    bits.skip(2)?;
    if !bits.flag()? {
        return None;
    }
    let shown = aspect_and_colour(bits)?;
    Some((shown, timing(bits).flatten()))
}

fn timing(bits: &mut Bits<'_>) -> Option<Option<u32>> {
    bits.skip(3)?;
    if bits.flag()? {
        for _ in 0..4 {
            bits.ue()?; // default display window
        }
    }
    if !bits.flag()? {
        return None;
    }
    let (units, scale) = (bits.take(32)?, bits.take(32)?);
    Some(frame_duration(units.into(), scale))
}

/// `profile_tier_level(1, …)` (7.3.3).
fn skip_profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    bits.skip(96)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}

/// `scaling_list_data` (7.3.4).
fn skip_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4_u32 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.ue()?;
                continue;
            }
            if size > 1 {
                bits.se()?;
            }
            for _ in 0..64.min(1 << (4 + 2 * size)) {
                bits.se()?;
            }
        }
    }
    Some(())
}

/// `st_ref_pic_set` (7.3.7) with the number of pictures in the one before; returns its own.
fn reference_set(bits: &mut Bits<'_>, index: u32, previous: u32) -> Option<u32> {
    if index > 0 && bits.flag()? {
        bits.skip(1)?;
        bits.ue()?;
        let mut pictures = 0;
        for _ in 0..=previous {
            // Used by the current picture, or at least kept.
            pictures += u32::from(bits.flag()? || bits.flag()?);
        }
        return Some(pictures);
    }
    let mut count = || bits.ue().filter(|count| *count <= 16);
    let pictures = count()? + count()?;
    for _ in 0..pictures {
        bits.ue()?;
        bits.skip(1)?;
    }
    Some(pictures)
}

/// HEVCDecoderConfigurationRecord with lengths of four bytes, for the sets of each NAL unit type.
pub(crate) fn record(active: &Sps, sets: &[(u8, Vec<Bytes>)]) -> Option<Bytes> {
    let mut record = vec![1];
    record.extend_from_slice(&active.profile);
    let (luma, chroma) = active.bit_depths;
    // Nothing is known of spatial segmentation, parallelism and the frame rate.
    record.extend([0xf0, 0, 0xfc, 0xfc | active.chroma_format as u8]);
    record.extend([0xf8 | (luma - 8) as u8, 0xf8 | (chroma - 8) as u8, 0, 0]);
    record.push((active.sub_layers as u8 & 7) << 3 | u8::from(active.nested) << 2 | 3);
    record.push(sets.len() as u8);
    for (kind, nals) in sets {
        if nals.is_empty() {
            return None;
        }
        // The array is complete: there are none of its kind in the samples.
        record.push(0x80 | kind);
        record.extend(u16::try_from(nals.len()).ok()?.to_be_bytes());
        for nal in nals {
            record.extend(u16::try_from(nal.len()).ok()?.to_be_bytes());
            record.extend_from_slice(nal);
        }
    }
    Some(record.into())
}
