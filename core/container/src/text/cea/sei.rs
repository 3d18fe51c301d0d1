//! Captions in H.264 and H.265 samples: user data in SEI messages (H.264, 7.3.2.3 and D.1.6; H.265,
//! 7.3.5; ATSC A/53 part 4, 6.2.1).

use crate::es::sei::{each_message, USER_DATA_REGISTERED};
use crate::iso::DecoderConfig;

/// Gives `each` the `cc_data` triplets of every caption message in a sample of a track with this
/// configuration, in their order. A sample that is broken gives those before the fault; other codecs give
/// none.
///
/// ```
/// use telecine_container::text::cea::{sei, CaptionDecoder};
/// use telecine_container::DecoderConfig;
/// use telecine_model::MediaTime;
///
/// fn push(decoder: &mut CaptionDecoder, config: &DecoderConfig, sample: &[u8], pts: MediaTime) {
///     sei::cc_data(config, sample, |triplets| decoder.push(pts, triplets));
/// }
/// ```
pub fn cc_data(config: &DecoderConfig, sample: &[u8], mut each: impl FnMut(&[u8])) {
    let (length_size, hevc) = match config {
        DecoderConfig::Avc { nal_length_size, .. } => (*nal_length_size, false),
        DecoderConfig::Hevc { nal_length_size, .. } => (*nal_length_size, true),
        _ => return,
    };
    let nals = Nals { rest: sample, length_size: usize::from(length_size) };
    for nal in nals {
        cc_data_of_nal(nal, hevc, &mut each);
    }
}

/// Gives `each` the triplets in one NAL unit, without start code or length; `hevc` says that it is of
/// H.265. Other NAL units than SEI give none.
pub fn cc_data_of_nal(nal: &[u8], hevc: bool, mut each: impl FnMut(&[u8])) {
    // The type is in the first byte; the header has one byte or two.
    let is_sei = |first: u8| match hevc {
        true => matches!(first >> 1 & 0x3f, 39 | 40),
        false => first & 0x1f == 6,
    };
    if !nal.first().is_some_and(|first| is_sei(*first)) {
        return;
    }
    each_message(nal, 1 + usize::from(hevc), |kind, message| {
        if let Some(triplets) = captions(message).filter(|_| kind == USER_DATA_REGISTERED) {
            each(triplets);
        }
    });
}

/// The triplets of user data, if it is of captions.
fn captions(message: &[u8]) -> Option<&[u8]> {
    // United States; ATSC, or DirecTV with a length instead of the identifier.
    let data = match message {
        [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03, data @ ..] => data,
        [0xb5, 0x00, 0x2f, 0x03, _, data @ ..] => data,
        _ => return None,
    };
    let [flags, _em_data, triplets @ ..] = data else { return None };
    // `process_cc_data_flag`
    if flags & 0x40 == 0 {
        return None;
    }
    let count = usize::from(flags & 0x1f) * 3;
    // Fewer than announced are better than none.
    Some(triplets.get(..count).unwrap_or_else(|| triplets.get(..triplets.len() / 3 * 3).unwrap_or_default()))
}

/// NAL units with their length before them.
struct Nals<'a> {
    rest: &'a [u8],
    length_size: usize,
}

impl<'a> Iterator for Nals<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, behind) = self.rest.split_at_checked(self.length_size).filter(|(length, _)| !length.is_empty())?;
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let (nal, rest) = behind.split_at_checked(length)?;
        self.rest = rest;
        Some(nal)
    }
}
