//! MPEG-1 and MPEG-2 audio, layers I to III (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3, 2.4.2.3).

use bytes::Bytes;

use super::audio::{Header, Read};
use crate::iso::AudioEntry;

/// Kilobits a second by index, for MPEG-1 layers I to III, then MPEG-2 layer I and the other two.
const BIT_RATES: [[u32; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

const MPEG1: u8 = 3;
const RESERVED: u8 = 1;
const LAYER_3: u8 = 1;
const LAYER_1: u8 = 3;

/// Reads a frame header.
pub(crate) fn header(bytes: &[u8]) -> Read {
    let &[first, second, third, fourth, ..] = bytes else {
        return Read::too_short(bytes, &[0xff, 0xe0], &[0xff, 0xe0]);
    };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if first != 0xff || second < 0xe0 || version == RESERVED || layer == 0 {
        return Read::Invalid;
    }
    let table = match (version, layer) {
        (MPEG1, layer) => 3 - usize::from(layer),
        (_, LAYER_1) => 3,
        _ => 4,
    };
    // The free format (0) has no length of its own and is not used; 15 is forbidden.
    let bit_rate = usize::from(third >> 4).checked_sub(1).and_then(|index| BIT_RATES.get(table)?.get(index));
    let rate = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3));
    let (Some(kilobits), Some(rate)) = (bit_rate, rate) else {
        return Read::Invalid;
    };
    // MPEG-2 halves the rates, the extension 2.5 quarters them.
    let rate = rate >> [2, 0, 1, 0][usize::from(version)];
    let padding = u32::from(third >> 1 & 1);
    let (samples, size) = match (layer, version) {
        (LAYER_1, _) => (384, (12_000 * kilobits / rate + padding) * 4),
        (LAYER_3, version) if version != MPEG1 => (576, 72_000 * kilobits / rate + padding),
        _ => (1152, 144_000 * kilobits / rate + padding),
    };
    let mono = fourth >> 6 == 3;
    let config = u64::from(second & 0xfe) << 16 | u64::from(third & 0x0c) << 8 | u64::from(mono);
    Read::Frame(Header { strip: 0, size: size as usize, samples, rate, config })
}

/// The configuration that a frame asks for (ISO/IEC 14496-1, table 5: object types 0x6B and 0x69).
pub(crate) fn entry(frame: &[u8]) -> Option<AudioEntry> {
    let (Read::Frame(header), &[_, second, _, fourth, ..]) = (header(frame), frame) else {
        return None;
    };
    Some(AudioEntry::Mp4a {
        object_type: if second >> 3 & 3 == MPEG1 { 0x6b } else { 0x69 },
        specific: Bytes::new(),
        rate: header.rate,
        channels: if fourth >> 6 == 3 { 1 } else { 2 },
    })
}

/// Whether a frame holds no sound but what an encoder says of the whole file, in place of it ("Xing",
/// "Info" and "VBRI" headers).
pub(crate) fn is_info(frame: &[u8]) -> bool {
    let &[_, second, _, fourth, ..] = frame else { return false };
    if second >> 1 & 3 != LAYER_3 {
        return false;
    }
    // Behind the side information (ISO/IEC 11172-3, 2.4.1.7; ISO/IEC 13818-3, 2.4.1.7).
    let side = match (second >> 3 & 3 == MPEG1, fourth >> 6 == 3) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let at = |offset: usize| frame.get(offset..).and_then(<[u8]>::first_chunk::<4>);
    matches!(at(4 + side), Some(b"Xing" | b"Info")) || at(36) == Some(b"VBRI")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_rates_as_every_player_computes_them() {
        for (bytes, size, samples, rate) in [
            ([0xff, 0xfb, 0x90, 0x64], 417, 1152, 44_100), // layer III, 128 kbit/s
            ([0xff, 0xfb, 0x92, 0x64], 418, 1152, 44_100), // with padding
            ([0xff, 0xfd, 0xa4, 0x00], 576, 1152, 48_000), // layer II, 192 kbit/s
            ([0xff, 0xf3, 0x84, 0xc4], 192, 576, 24_000),  // MPEG-2 layer III, 64 kbit/s
            ([0xff, 0xe3, 0x18, 0xc4], 72, 576, 8_000),    // MPEG-2.5 layer III, 8 kbit/s
            ([0xff, 0xff, 0xc4, 0x00], 384, 384, 48_000),  // layer I, 384 kbit/s
        ] {
            let Read::Frame(header) = header(&bytes) else { panic!("{bytes:x?}") };
            assert_eq!((header.size, header.samples, header.rate), (size, samples, rate), "{bytes:x?}");
        }
    }

    #[test]
    fn reserved_values_and_the_free_format_are_no_header() {
        for bytes in [[0xff, 0xeb, 0x90, 0], [0xff, 0xf9, 0x90, 0], [0xff, 0xfb, 0xf0, 0], [0xff, 0xfb, 0x9c, 0]] {
            assert_eq!(header(&bytes), Read::Invalid, "{bytes:x?}");
        }
        assert_eq!(header(&[0xff, 0xfb, 0, 0]), Read::Invalid);
        assert_eq!(header(&[0xff, 0xfb]), Read::Short);
        assert_eq!(header(&[0xff, 0x00]), Read::Invalid);
    }
}
