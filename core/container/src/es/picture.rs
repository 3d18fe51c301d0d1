//! What sequence parameter sets of H.264 and H.265 have in common.

use crate::bits::Bits;
use crate::iso::Colour;

/// What a sequence parameter set says about pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Pixels across that are shown.
    pub(crate) width: u32,
    /// Lines that are shown.
    pub(crate) height: u32,
    /// Width and height of a pixel, where they are known and differ.
    pub(crate) aspect: Option<(u32, u32)>,
    pub(crate) colour: Option<Colour>,
    /// Ticks of 90 kHz from one frame to the next, where that is stated.
    pub(crate) frame_duration: Option<u32>,
    /// Pictures that can come before another in decoding order and behind it in output order; None if
    /// nothing is stated.
    pub(crate) reorder: Option<u32>,
    /// The most that `reorder` can be.
    pub(crate) buffered: u32,
}

/// Pixel aspect ratios by index (ISO/IEC 23091-2, table 5).
const ASPECTS: [(u32, u32); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// Width and height of a sample of the picture, to each other.
type Aspect = (u32, u32);

/// The beginning of video usability information, which is the same in both codecs (ISO/IEC 14496-10,
/// E.1.1; ISO/IEC 23008-2, E.2.1): up to and including the chroma location.
pub(crate) fn aspect_and_colour(bits: &mut Bits<'_>) -> Option<(Option<Aspect>, Option<Colour>)> {
    const EXTENDED_SAR: u32 = 255;
    let mut aspect = None;
    if bits.flag()? {
        aspect = match bits.take(8)? {
            EXTENDED_SAR => Some((bits.take(16)?, bits.take(16)?)),
            index => (index as usize).checked_sub(1).and_then(|index| ASPECTS.get(index)).copied(),
        };
    }
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    let mut colour = None;
    if bits.flag()? {
        bits.skip(3)?; // video_format
        let full_range = bits.flag()?;
        if bits.flag()? {
            let mut code_point = || bits.take(8).map(|value| value as u16);
            colour =
                Some(Colour { primaries: code_point()?, transfer: code_point()?, matrix: code_point()?, full_range });
        } else if full_range {
            // 2 means unspecified (ISO/IEC 23091-2).
            colour = Some(Colour { primaries: 2, transfer: 2, matrix: 2, full_range });
        }
    }
    if bits.flag()? {
        bits.ue()?; // chroma_sample_loc_type_top_field
        bits.ue()?; // chroma_sample_loc_type_bottom_field
    }
    let aspect = aspect.filter(|(across, down)| *across > 0 && *down > 0 && across != down);
    Some((aspect, colour))
}

/// Ticks of 90 kHz that `units` of a clock with `scale` units a second last, if that is sane: from a
/// thousandth of a second to ten seconds.
pub(crate) fn frame_duration(units: u64, scale: u32) -> Option<u32> {
    let ticks = units.checked_mul(90_000)?.checked_div(u64::from(scale))?;
    u32::try_from(ticks).ok().filter(|ticks| (90..=900_000).contains(ticks))
}
