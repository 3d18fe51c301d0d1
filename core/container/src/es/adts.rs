//! AAC in ADTS frames (ISO/IEC 14496-3, 1.A.2.2) and its AudioSpecificConfig (1.6.2.1).

use bytes::Bytes;

use super::audio::{Header, Read};
use crate::bits::{BitWriter, Bits};
use crate::iso::{AudioEntry, AAC_SAMPLE_RATES};

/// Reads a frame header.
pub(crate) fn header(bytes: &[u8]) -> Read {
    let &[first, second, third, fourth, fifth, sixth, seventh, ..] = bytes else {
        return Read::too_short(bytes, &[0xff, 0xf0], &[0xff, 0xf6]);
    };
    // Syncword and layer.
    if first != 0xff || second & 0xf6 != 0xf0 {
        return Read::Invalid;
    }
    let Some(rate) = AAC_SAMPLE_RATES.get(usize::from(third >> 2 & 0x0f)) else {
        return Read::Invalid;
    };
    let size = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    let blocks = seventh & 3;
    let strip = match (second & 1, blocks) {
        (1, _) => 7,
        (_, 0) => 9,
        // Several raw data blocks with a checksum behind each are no samples as they stand, and are
        // not known to be in use.
        _ => return Read::Invalid,
    };
    if size <= strip {
        return Read::Invalid;
    }
    // Profile, rate and channels; the rest of the fixed header does not matter to a decoder.
    let config = u64::from(third & 0xfd) << 8 | u64::from(fourth & 0xc0);
    Read::Frame(Header { strip, size, samples: 1024 * (1 + u32::from(blocks)), rate: *rate, config })
}

/// The configuration that a frame (header first) asks for; None if it needs a program config element
/// and has none.
pub(crate) fn entry(frame: &[u8]) -> Option<AudioEntry> {
    let (Read::Frame(header), &[_, _, third, fourth, ..]) = (header(frame), frame) else {
        return None;
    };
    let channels = third << 2 & 4 | fourth >> 6;
    let mut config = BitWriter::default();
    config.put(u32::from(third >> 6) + 1, 5);
    config.put(u32::from(third >> 2 & 0x0f), 4);
    config.put(channels.into(), 4);
    config.put(0, 3); // 1024 samples a frame, no core coder, no extension
    let channels = match channels {
        0 => copy_program_config(frame.get(header.strip..)?, &mut config)?,
        7 => 8,
        count => count.into(),
    };
    let specific = Bytes::from(config.into_bytes());
    Some(AudioEntry::Mp4a { object_type: 0x40, specific, rate: header.rate, channels })
}

/// Copies the program_config_element (4.4.1.1) that a raw data block begins with; returns how many
/// channels it describes.
fn copy_program_config(block: &[u8], out: &mut BitWriter) -> Option<u16> {
    const PROGRAM_CONFIG: u32 = 5;
    let mut bits = Bits::new(block);
    if bits.take(3)? != PROGRAM_CONFIG {
        return None;
    }
    let mut copy = |bits: &mut Bits<'_>, count: usize| {
        let value = bits.take(count)?;
        out.put(value, count);
        Some(value)
    };
    copy(&mut bits, 4 + 2 + 4)?;
    let [front, side, back] = [copy(&mut bits, 4)?, copy(&mut bits, 4)?, copy(&mut bits, 4)?];
    let [low, associated, coupling] = [copy(&mut bits, 2)?, copy(&mut bits, 3)?, copy(&mut bits, 4)?];
    for size in [4, 4, 3] {
        if copy(&mut bits, 1)? == 1 {
            copy(&mut bits, size)?;
        }
    }
    let mut channels = low;
    for _ in 0..front + side + back {
        channels += 1 + copy(&mut bits, 1)?;
        copy(&mut bits, 4)?;
    }
    for _ in 0..low + associated {
        copy(&mut bits, 4)?;
    }
    for _ in 0..coupling {
        copy(&mut bits, 5)?;
    }
    // Both are aligned to what they are in.
    bits.align();
    out.align();
    let comment = bits.take(8)?;
    out.put(comment, 8);
    for _ in 0..comment {
        out.put(bits.take(8)?, 8);
    }
    u16::try_from(channels).ok().filter(|channels| *channels > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_give_size_rate_and_channels() {
        // LC, 44.1 kHz, stereo, 371 bytes, no checksum; as ffmpeg writes it.
        let bytes = [0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc];
        let Read::Frame(header) = header(&bytes) else { panic!("valid") };
        assert_eq!((header.strip, header.size, header.samples, header.rate), (7, 371, 1024, 44_100));
        let AudioEntry::Mp4a { specific, channels, .. } = entry(&bytes).expect("complete") else { panic!("AAC") };
        assert_eq!((&specific[..], channels), (&[0x12, 0x10][..], 2));
    }

    #[test]
    fn a_header_that_is_none_is_invalid_and_one_that_is_cut_short_may_become_one() {
        assert!(matches!(header(&[0xff, 0xf1, 0x50]), Read::Short));
        assert!(matches!(header(&[0xff]), Read::Short));
        assert!(matches!(header(&[]), Read::Short));
        assert!(matches!(header(&[0xff, 0xfb, 0x50]), Read::Invalid), "layer III");
        assert!(matches!(header(&[0xfe, 0xf1]), Read::Invalid));
        // A reserved rate; a size that does not even hold the header.
        assert!(matches!(header(&[0xff, 0xf1, 0x7c, 0x80, 0x2e, 0x7f, 0xfc]), Read::Invalid));
        assert!(matches!(header(&[0xff, 0xf1, 0x50, 0x80, 0x00, 0xff, 0xfc]), Read::Invalid));
    }

    #[test]
    fn a_program_config_element_goes_into_the_configuration() {
        let mut block = BitWriter::default();
        block.put(5, 3);
        block.put(0, 4); // instance
        block.put(1, 2); // LC
        block.put(3, 4); // 48 kHz
        for (count, size) in [(2, 4), (0, 4), (1, 4), (1, 2), (0, 3), (0, 4)] {
            block.put(count, size);
        }
        block.put(0, 3); // no mix-downs
        for (pair, tag) in [(0, 0), (1, 0), (1, 1)] {
            block.put(pair, 1);
            block.put(tag, 4);
        }
        block.put(0, 4); // low frequency
        block.align();
        block.put(1, 8);
        block.put(u32::from(b'x'), 8);
        let block = block.into_bytes();
        let frame = [&[0xff, 0xf1, 0x4c, 0x00, 0x04, 0xff, 0xfc][..], &block, &[0; 20]].concat();
        let Some(AudioEntry::Mp4a { specific, channels, rate, .. }) = entry(&frame) else { panic!("complete") };
        assert_eq!((channels, rate), (6, 48_000));
        assert_eq!(specific[..2], [0x11, 0x80]);
        assert_eq!(specific[specific.len() - 2..], [1, b'x']);
        // Two bytes of configuration and the element without its type, aligned anew.
        assert_eq!(specific.len(), 2 + block.len());
        assert_eq!(entry(&frame[..12]), None);
        // Without the element nobody knows the channels.
        assert_eq!(entry(&[&frame[..7], &[0; 20]].concat()), None);
    }
}
