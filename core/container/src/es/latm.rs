//! AAC in LATM, in LOAS frames (ISO/IEC 14496-3, 1.7).

use bytes::Bytes;

use super::audio::{Header, Read};
use crate::bits::{BitWriter, Bits};
use crate::iso::{AudioConfig, AudioEntry, AAC_SAMPLE_RATES};

/// Reads the header of an AudioSyncStream frame (1.7.2).
pub(crate) fn header(bytes: &[u8]) -> Read {
    let &[first, second, third, ..] = bytes else {
        return Read::too_short(bytes, &[0x56, 0xe0], &[0xff, 0xe0]);
    };
    if first != 0x56 || second & 0xe0 != 0xe0 {
        return Read::Invalid;
    }
    let size = 3 + (usize::from(second & 0x1f) << 8 | usize::from(third));
    Read::Frame(Header { strip: 3, size, samples: 0, rate: 0, config: 0 })
}

/// One frame of sound, taken out of the multiplex.
pub(crate) struct LatmUnit {
    pub(crate) data: Bytes,
    pub(crate) samples: u32,
    pub(crate) rate: u32,
    /// The configuration, with the first frame that has it.
    pub(crate) entry: Option<AudioEntry>,
}

/// StreamMuxConfig (1.7.3.1), as far as there is one programme of one layer.
#[derive(Debug, Default)]
pub(crate) struct Multiplex {
    config: Option<Config>,
    /// It has not been handed out.
    fresh: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Config {
    entry: AudioEntry,
    samples: u32,
    rate: u32,
    /// Frames in one element, less one.
    sub_frames: u32,
}

impl Multiplex {
    /// The next frame has its configuration with it, although it was handed out before.
    pub(crate) fn hand_out_again(&mut self) {
        self.fresh = self.config.is_some();
    }

    /// Takes the sound out of a LOAS frame. None without a configuration so far, or of a kind that is
    /// not used: several programmes or layers, lengths that are not written, several frames in one.
    pub(crate) fn read(&mut self, frame: &[u8]) -> Option<LatmUnit> {
        let mut bits = Bits::new(frame.get(3..)?);
        if !bits.flag()? {
            let config = Config::read(&mut bits);
            self.fresh |= config != self.config;
            self.config = config;
        }
        let config = self.config.as_ref().filter(|config| config.sub_frames == 0)?;
        // PayloadLengthInfo (1.7.3.1) of a variable length.
        let mut length = 0;
        loop {
            let byte = bits.take(8)?;
            length += byte as usize;
            if byte != 255 {
                break;
            }
        }
        let data = bits.take_bytes(length)?;
        let entry = std::mem::take(&mut self.fresh).then(|| config.entry.clone());
        Some(LatmUnit { data: data.into(), samples: config.samples, rate: config.rate, entry })
    }
}

impl Config {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let version = bits.take(1)?;
        if version == 1 && bits.flag()? {
            return None; // audioMuxVersionA
        }
        if version == 1 {
            variable(bits)?; // taraBufferFullness
        }
        let same_time_framing = bits.flag()?;
        let sub_frames = bits.take(6)?;
        let (programmes, layers) = (bits.take(4)?, bits.take(3)?);
        if !same_time_framing || programmes > 0 || layers > 0 {
            return None;
        }
        let specific = match version {
            0 => Specific::read(bits)?,
            _ => {
                let length = variable(bits)? as usize;
                let whole = copy(bits.clone(), length)?;
                bits.skip(length)?;
                Specific { bytes: whole.clone(), ..Specific::read(&mut Bits::new(&whole))? }
            }
        };
        if bits.take(3)? != 0 {
            return None; // frameLengthType
        }
        bits.skip(8)?; // latmBufferFullness
        if bits.flag()? {
            // otherData
            if version == 1 {
                variable(bits)?;
            } else {
                while bits.flag()? {
                    bits.skip(8)?;
                }
                bits.skip(8)?;
            }
        }
        if bits.flag()? {
            bits.skip(8)?; // a checksum
        }
        let channels = AudioConfig::read(&specific.bytes)?.channels.unwrap_or(2);
        Some(Self {
            samples: if specific.short_frames { 960 } else { 1024 },
            rate: specific.rate,
            entry: AudioEntry::Mp4a {
                object_type: 0x40,
                channels: u16::try_from(channels).unwrap_or(2),
                rate: specific.rate,
                specific: specific.bytes.into(),
            },
            sub_frames,
        })
    }
}

/// LatmGetValue (1.7.3.1).
fn variable(bits: &mut Bits<'_>) -> Option<u32> {
    let bytes = bits.take(2)? + 1;
    bits.take(8 * bytes as usize)
}

/// An AudioSpecificConfig of a general audio object (1.6.2.1, 4.4.1).
struct Specific {
    bytes: Vec<u8>,
    /// Samples a second before any extension.
    rate: u32,
    /// 960 samples a frame.
    short_frames: bool,
}

impl Specific {
    /// Reads one that says nothing of its own length. None for those with a program config element.
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let start = bits.clone();
        let rate = |bits: &mut Bits<'_>| match bits.take(4)? {
            15 => bits.take(24).filter(|rate| *rate > 0),
            index => AAC_SAMPLE_RATES.get(index as usize).copied(),
        };
        let mut object = bits.take(5)?;
        let core_rate = rate(bits)?;
        let channels = bits.take(4)?;
        if matches!(object, 5 | 29) {
            rate(bits)?;
            object = bits.take(5)?;
        }
        // Main, LC, SSR and LTP.
        if !(1..=4).contains(&object) || channels == 0 {
            return None;
        }
        let short_frames = bits.flag()?;
        if bits.flag()? {
            bits.skip(14)?; // coreCoderDelay
        }
        if bits.flag()? {
            return None; // extensionFlag
        }
        let length = bits.position() - start.position();
        Some(Self { bytes: copy(start, length)?, rate: core_rate, short_frames })
    }
}

/// So many bits, the last byte filled with zeros.
fn copy(mut bits: Bits<'_>, length: usize) -> Option<Vec<u8>> {
    let mut out = BitWriter::default();
    for at in (0..length).step_by(8) {
        let count = 8.min(length - at);
        out.put(bits.take(count)?, count);
    }
    Some(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A LOAS frame with or without its configuration.
    fn frame(config: bool, payload: &[u8]) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.put(u32::from(!config), 1);
        if config {
            bits.put(0, 1); // version
            bits.put(1, 1);
            bits.put(0, 6 + 4 + 3);
            for (value, size) in [(2, 5), (3, 4), (2, 4), (0, 3)] {
                bits.put(value, size); // LC, 48 kHz, stereo
            }
            bits.put(0, 3);
            bits.put(0xff, 8);
            bits.put(0, 2);
        }
        let mut left = payload.len() as u32;
        while left >= 255 {
            bits.put(255, 8);
            left -= 255;
        }
        bits.put(left, 8);
        payload.iter().for_each(|byte| bits.put((*byte).into(), 8));
        let body = bits.into_bytes();
        [&[0x56, 0xe0 | (body.len() >> 8) as u8, body.len() as u8][..], &body].concat()
    }

    #[test]
    fn sound_is_taken_out_of_the_multiplex_and_the_configuration_is_kept() {
        let payload: Vec<u8> = (0..300).map(|at| at as u8).collect();
        let mut multiplex = Multiplex::default();
        assert!(multiplex.read(&frame(false, &payload)).is_none(), "nothing is known yet");
        for config in [true, false] {
            let unit = multiplex.read(&frame(config, &payload)).expect("complete");
            assert_eq!((&unit.data[..], unit.samples, unit.rate), (&payload[..], 1024, 48_000));
            match unit.entry {
                Some(AudioEntry::Mp4a { specific, channels, .. }) => {
                    assert_eq!((&specific[..], channels, config), (&[0x11, 0x90][..], 2, true));
                }
                entry => assert_eq!((entry, config), (None, false)),
            }
        }
    }

    #[test]
    fn a_payload_longer_than_its_frame_is_refused() {
        let mut multiplex = Multiplex::default();
        let whole = frame(true, &[7; 40]);
        assert!(multiplex.read(&whole).is_some());
        for length in 0..whole.len() {
            assert!(multiplex.read(&whole[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn the_header_of_a_loas_frame_has_eleven_bits_of_sync_and_thirteen_of_length() {
        assert!(matches!(header(&[0x56, 0xff, 0xff]), Read::Frame(Header { size: 8194, .. })));
        assert_eq!(header(&[0x56, 0xdf, 0xff]), Read::Invalid);
        assert_eq!(header(&[0x56]), Read::Short);
    }
}
