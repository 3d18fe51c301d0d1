//! What decoders have to know, taken from the initialisation segment.

use crate::title::boxes::audio_config;
use crate::title::Track;

/// H.264: how access units are cut, and the parameter sets.
pub(super) struct Avc {
    length_size: usize,
    sets: Vec<Vec<u8>>,
}

impl Avc {
    pub(super) fn of(track: &Track) -> Option<Self> {
        let at = track.init.windows(4).position(|window| window == b"avcC")? + 4;
        let record = track.init.get(at..)?;
        let mut sets = Vec::new();
        let mut at = 5;
        for mask in [0x1f, 0xff] {
            let count = record.get(at)? & mask;
            at += 1;
            for _ in 0..count {
                let length = usize::from(u16::from_be_bytes([*record.get(at)?, *record.get(at + 1)?]));
                sets.push(record.get(at + 2..at + 2 + length)?.to_vec());
                at += 2 + length;
            }
        }
        Some(Self { length_size: usize::from(record.get(4)? & 3) + 1, sets })
    }

    /// An access unit with start codes and a delimiter; with the parameter sets, if it is the first.
    pub(super) fn access_unit(&self, sample: &[u8], first: bool, unit: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let mut out = vec![0, 0, 0, 1, 9, 0xf0];
        let mut put = |unit: &[u8]| {
            out.extend([0, 0, 0, 1]);
            out.extend(unit);
        };
        if first {
            self.sets.iter().for_each(|set| put(set));
        }
        let mut rest = sample;
        while let Some((length, behind)) = rest.split_at_checked(self.length_size) {
            let length = length.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
            let Some((nal, next)) = behind.split_at_checked(length) else { break };
            put(&unit(nal));
            rest = next;
        }
        out
    }
}

/// AAC: the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
pub(super) struct Aac {
    pub(super) config: Vec<u8>,
}

impl Aac {
    pub(super) fn of(track: &Track) -> Option<Self> {
        let at = track.init.windows(4).position(|window| window == b"esds")? + 8;
        let config = audio_config(track.init.get(at..)?)?.to_vec();
        (config.len() >= 2).then_some(Self { config })
    }

    /// The ADTS header of a frame (ISO/IEC 13818-7, 6.2), without a checksum.
    pub(super) fn header(&self, length: usize) -> Vec<u8> {
        let (first, second) = (self.config[0], self.config[1]);
        let profile = (first >> 3).saturating_sub(1) & 3;
        let rate = (first & 7) << 1 | second >> 7;
        let channels = second >> 3 & 15;
        let whole = (length + 7) as u32;
        vec![
            0xff,
            0xf1,
            profile << 6 | rate << 2 | channels >> 2 & 1,
            (channels & 3) << 6 | (whole >> 11 & 3) as u8,
            (whole >> 3) as u8,
            ((whole & 7) as u8) << 5 | 0x1f,
            0xfc,
        ]
    }
}
