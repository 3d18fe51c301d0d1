//! AC-3 and E-AC-3 (ETSI TS 102 366): syncframes, and their boxes in MP4 (annex F).

use super::audio::{Header, Read};
use crate::bits::{BitWriter, Bits};
use crate::iso::{ac3_channels, AudioEntry};

/// Kilobits a second by half the frame size code (table 4.13).
const BIT_RATES: [u32; 19] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
const RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Bytes of a syncframe that SAMPLE-AES leaves clear.
const CLEAR: usize = 16;

/// Which part of an access unit a syncframe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Ac3 {
        bit_rate_code: u32,
    },
    /// First substream of E-AC-3: with it an access unit begins.
    First,
    /// A further programme.
    Independent,
    /// More channels of the substream before.
    Dependent,
}

/// What a syncframe says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Syncframe {
    role: Role,
    size: usize,
    /// Blocks of 256 samples.
    blocks: u32,
    rate: u32,
    /// As `dac3` and `dec3` have it.
    rate_code: u32,
    version: u32,
    service: u32,
    mode: u32,
    low_frequency: bool,
}

/// What the first bytes are.
enum Found {
    Syncframe(Syncframe),
    Invalid,
    Short,
}

fn read(bytes: &[u8]) -> Found {
    match bytes {
        [0x0b, 0x77, ..] if bytes.len() >= 8 => {
            let version = bytes.get(5).map_or(0, |byte| byte >> 3);
            let syncframe = if version <= 10 { ac3(bytes) } else { eac3(bytes) };
            syncframe.map_or(Found::Invalid, Found::Syncframe)
        }
        [0x0b, 0x77, ..] | [0x0b] | [] => Found::Short,
        _ => Found::Invalid,
    }
}

/// 4.4.1 and 4.4.2.
fn ac3(bytes: &[u8]) -> Option<Syncframe> {
    let mut bits = Bits::new(bytes.get(4..)?);
    let rate_code = bits.take(2)?;
    let size_code = bits.take(6)?;
    let version = bits.take(5)?;
    let service = bits.take(3)?;
    let mode = bits.take(3)?;
    // Levels of channels that the mode has.
    let skipped = match mode {
        1 => 0,
        2 => 2,
        _ => 2 * (mode & 1) + 2 * (mode >> 2),
    };
    bits.skip(skipped as usize)?;
    let low_frequency = bits.flag()?;
    let kilobits = *BIT_RATES.get(size_code as usize / 2)?;
    let words = match rate_code {
        0 => kilobits * 2,
        1 => kilobits * 96_000 / 44_100 + (size_code & 1),
        2 => kilobits * 3,
        _ => return None,
    };
    Some(Syncframe {
        role: Role::Ac3 { bit_rate_code: size_code / 2 },
        size: 2 * words as usize,
        blocks: 6,
        // Versions above 8 halve the rate.
        rate: RATES.get(rate_code as usize)? >> version.saturating_sub(8),
        rate_code,
        version,
        service,
        mode,
        low_frequency,
    })
}

/// E.1.2.1 and E.1.2.2.
fn eac3(bytes: &[u8]) -> Option<Syncframe> {
    let mut bits = Bits::new(bytes.get(2..)?);
    let (kind, substream) = (bits.take(2)?, bits.take(3)?);
    let size = 2 * (1 + bits.take(11)? as usize);
    let rate_code = bits.take(2)?;
    let (rate, blocks) = match (rate_code, bits.take(2)?) {
        (3, half) => (RATES.get(half as usize)? / 2, 6),
        (code, blocks) => (*RATES.get(code as usize)?, *[1, 2, 3, 6].get(blocks as usize)?),
    };
    let (mode, low_frequency) = (bits.take(3)?, bits.flag()?);
    let version = bits.take(5).filter(|version| (11..=16).contains(version))?;
    let role = match (kind, substream) {
        (0 | 2, 0) => Role::First,
        (0 | 2, _) => Role::Independent,
        (1, _) => Role::Dependent,
        _ => return None,
    };
    (size >= 8).then_some(Syncframe { role, size, blocks, rate, rate_code, version, service: 0, mode, low_frequency })
}

/// Reads the header of the syncframe that an access unit begins with.
pub(crate) fn header(bytes: &[u8]) -> Read {
    let frame = match read(bytes) {
        Found::Syncframe(frame) => frame,
        Found::Invalid => return Read::Invalid,
        Found::Short => return Read::Short,
    };
    let enhanced = match frame.role {
        Role::Ac3 { .. } => 0,
        Role::First => 1,
        Role::Independent | Role::Dependent => return Read::Invalid,
    };
    let config = [enhanced, frame.rate, frame.version, frame.mode, u32::from(frame.low_frequency)]
        .iter()
        .fold(0_u64, |config, value| config << 12 ^ u64::from(*value));
    Read::Frame(Header { strip: 0, size: frame.size, samples: 256 * frame.blocks, rate: frame.rate, config })
}

/// Whether a syncframe is one of E-AC-3.
pub(crate) fn enhanced(bytes: &[u8]) -> bool {
    matches!(read(bytes), Found::Syncframe(frame) if !matches!(frame.role, Role::Ac3 { .. }))
}

/// The syncframes of an access unit in the making.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) size: usize,
    blocks: u32,
    alone: bool,
}

/// What comes next in an access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another syncframe of it.
    Added,
    /// It is complete.
    Complete,
    /// More bytes are needed to know.
    Unknown,
}

impl Group {
    /// An access unit ends before its blocks are complete only where the stream is broken.
    pub(crate) fn is_open(&self) -> bool {
        !self.alone && self.blocks < 6
    }

    /// Looks at the syncframe behind those so far.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Next {
        if self.alone {
            return Next::Complete;
        }
        let frame = match read(bytes) {
            Found::Syncframe(frame) => frame,
            Found::Short => return Next::Unknown,
            Found::Invalid => return Next::Complete,
        };
        match frame.role {
            Role::Ac3 { .. } if self.size == 0 => self.alone = true,
            Role::Ac3 { .. } => return Next::Complete,
            Role::First if self.blocks >= 6 => return Next::Complete,
            Role::First => self.blocks += frame.blocks,
            Role::Independent | Role::Dependent => {}
        }
        self.size += frame.size;
        Next::Added
    }
}

/// The syncframes of an access unit. What is cut short is left out.
pub(crate) fn frames(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let Found::Syncframe(frame) = read(data) else { return None };
        let (frame, rest) = data.split_at_checked(frame.size)?;
        data = rest;
        Some(frame)
    })
}

/// Samples of each channel in an access unit.
pub(crate) fn samples(data: &[u8]) -> u32 {
    let blocks = frames(data).filter_map(|frame| match read(frame) {
        Found::Syncframe(Syncframe { role: Role::Ac3 { .. } | Role::First, blocks, .. }) => Some(blocks),
        _ => None,
    });
    256 * blocks.sum::<u32>()
}

/// The configuration that an access unit asks for.
///
/// Under SAMPLE-AES only the first 16 bytes of a syncframe are clear: what else a record can say comes
/// with the stream's description.
pub(crate) fn entry(data: &[u8], encrypted: bool) -> Option<AudioEntry> {
    let Found::Syncframe(first) = read(data) else { return None };
    let channels = ac3_channels(first.mode, first.low_frequency) as u16;
    let (enhanced, record) = match first.role {
        Role::Ac3 { bit_rate_code } => (false, dac3(&first, bit_rate_code)),
        _ => (true, dec3(data, encrypted)),
    };
    Some(AudioEntry::Dolby { enhanced, record: record.into(), rate: first.rate, channels })
}

/// AC3SpecificBox (F.4).
fn dac3(frame: &Syncframe, bit_rate_code: u32) -> Vec<u8> {
    let mut record = BitWriter::default();
    record.put(frame.rate_code, 2);
    record.put(frame.version, 5);
    record.put(frame.service, 3);
    record.put(frame.mode, 3);
    record.put(u32::from(frame.low_frequency), 1);
    record.put(bit_rate_code, 5);
    record.put(0, 5);
    record.into_bytes()
}

/// One programme with the channels that dependent substreams add.
struct Programme {
    frame: Syncframe,
    information: Information,
    dependents: u32,
    locations: u32,
}

/// EC3SpecificBox (F.6).
fn dec3(data: &[u8], encrypted: bool) -> Vec<u8> {
    let mut programmes: Vec<Programme> = Vec::new();
    let mut bytes = 0;
    for bytes_of_frame in frames(data) {
        let Found::Syncframe(frame) = read(bytes_of_frame) else { continue };
        bytes += frame.size as u64;
        match (frame.role, programmes.last_mut()) {
            (Role::Dependent, Some(programme)) => {
                programme.dependents += 1;
                programme.locations |= locations(bytes_of_frame);
            }
            // The same programme again: an access unit of several short frames.
            (Role::First, Some(_)) => {}
            _ => {
                let clear = if encrypted { CLEAR } else { bytes_of_frame.len() };
                let header = bytes_of_frame.get(..clear).unwrap_or_default();
                let information = Information::read(header, &frame).unwrap_or_default();
                programmes.push(Programme { frame, information, dependents: 0, locations: 0 });
            }
        }
    }
    // The record has three bits for the number of programmes.
    programmes.truncate(8);
    let samples = u64::from(samples(data)).max(256);
    let rate = programmes.first().map_or(48_000, |programme| programme.frame.rate);
    let kilobits = bytes * 8 * u64::from(rate) / samples / 1000;
    let objects = programmes.first().and_then(|programme| programme.information.objects);
    let mut record = BitWriter::default();
    record.put(kilobits.min(0x1fff) as u32, 13);
    record.put((programmes.len().max(1) - 1) as u32, 3);
    for Programme { frame, information, dependents, locations } in programmes {
        record.put(frame.rate_code, 2);
        record.put(frame.version, 5);
        record.put(0, 1 + 1); // reserved, asvc
        record.put(information.service, 3);
        record.put(frame.mode, 3);
        record.put(u32::from(frame.low_frequency), 1);
        record.put(0, 3);
        record.put(dependents.min(15), 4);
        if dependents > 0 {
            record.put(locations, 9);
        } else {
            record.put(0, 1);
        }
    }
    // Joint object coding (ETSI TS 103 420, 8.3.1).
    if let Some(complexity) = objects {
        record.put(0, 7);
        record.put(1, 1);
        record.put(complexity, 8);
    }
    record.into_bytes()
}

/// What the rest of the header of an E-AC-3 syncframe says (E.1.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Information {
    /// `bsmod`.
    service: u32,
    /// Complexity of joint object coding, if there is any.
    objects: Option<u32>,
}

impl Information {
    fn read(bytes: &[u8], frame: &Syncframe) -> Option<Self> {
        let mut information = Self::default();
        let mut bits = Bits::new(bytes);
        bits.skip(16)?;
        let kind = bits.take(2)?;
        bits.skip(3 + 11)?;
        let rate_code = bits.take(2)?;
        let six_blocks = bits.take(2)? == 3 || rate_code == 3;
        bits.skip(3 + 1 + 5)?;
        let mode = frame.mode;
        let two_mono = mode == 0;
        for _ in 0..if two_mono { 2 } else { 1 } {
            bits.skip(5)?;
            optional(&mut bits, 8)?;
        }
        if bits.flag()? {
            skip_mixing(&mut bits, frame, kind == 0)?;
        }
        if bits.flag()? {
            information.service = bits.take(3)?;
            bits.skip(2)?;
            bits.skip(if mode == 2 { 4 } else { 0 } + if mode >= 6 { 2 } else { 0 })?;
            for _ in 0..if two_mono { 2 } else { 1 } {
                optional(&mut bits, 8)?;
            }
            bits.skip(usize::from(rate_code < 3))?;
        }
        if kind == 0 && !six_blocks {
            bits.skip(1)?;
        }
        if kind == 2 && (six_blocks || bits.flag()?) {
            bits.skip(6)?;
        }
        if bits.flag()? {
            // Additional information of two bytes at least.
            let more = bits.take(6)? > 0;
            bits.skip(7)?;
            if bits.flag()? && more {
                information.objects = Some(bits.take(8)?);
            }
        }
        Some(information)
    }
}

/// A flag, and so many bits if it is set.
fn optional(bits: &mut Bits<'_>, count: usize) -> Option<()> {
    if bits.flag()? {
        bits.skip(count)?;
    }
    Some(())
}

/// Mixing metadata (E.1.2.2).
fn skip_mixing(bits: &mut Bits<'_>, frame: &Syncframe, independent: bool) -> Option<()> {
    let mode = frame.mode;
    let two_mono = mode == 0;
    let three_front = mode & 1 != 0 && mode > 2;
    bits.skip(if mode > 2 { 2 } else { 0 } + if three_front { 6 } else { 0 } + if mode & 4 != 0 { 6 } else { 0 })?;
    if frame.low_frequency {
        optional(bits, 5)?;
    }
    if !independent {
        return Some(());
    }
    for _ in 0..if two_mono { 3 } else { 2 } {
        optional(bits, 6)?;
    }
    match bits.take(2)? {
        1 => bits.skip(5)?,
        2 => bits.skip(12)?,
        3 => {
            let bytes = bits.take(5)? as usize + 2;
            bits.skip(8 * bytes)?;
        }
        _ => {}
    }
    if mode < 2 {
        for _ in 0..if two_mono { 2 } else { 1 } {
            optional(bits, 14)?;
        }
    }
    if bits.flag()? {
        if frame.blocks == 1 {
            bits.skip(5)?;
        } else {
            (0..frame.blocks).try_for_each(|_| optional(bits, 5))?;
        }
    }
    Some(())
}

/// Where the channels of a dependent substream are: `chan_loc` (F.6) from `chanmap` (E.1.3.1.8).
fn locations(frame: &[u8]) -> u32 {
    let channel_map = || {
        let mut bits = Bits::new(frame.get(2..)?);
        bits.skip(2 + 3 + 11 + 4)?;
        let mode = bits.take(3)?;
        bits.skip(1 + 5)?; // lfeon, bsid
        for _ in 0..if mode == 0 { 2 } else { 1 } {
            bits.skip(5)?;
            if bits.flag()? {
                bits.skip(8)?;
            }
        }
        if bits.flag()? {
            bits.take(16)
        } else {
            None
        }
    };
    // Bit 5 of the map, counted from its first, is bit 0 here, and so on to bit 12; bit 14 is the second
    // low frequency channel.
    let map: u32 = channel_map().unwrap_or(0);
    let at = |bit: u32| map >> (15 - bit) & 1;
    (0..8).fold(at(14) << 8, |locations, bit| locations | at(5 + bit) << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syncframe(kind: u32, substream: u32, blocks: u32, size: usize, map: Option<u32>) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.put(0x0b77, 16);
        bits.put(kind, 2);
        bits.put(substream, 3);
        bits.put(size as u32 / 2 - 1, 11);
        bits.put(0, 2);
        bits.put(blocks, 2);
        bits.put(if map.is_some() { 2 } else { 7 }, 3);
        bits.put(u32::from(map.is_none()), 1);
        bits.put(16, 5);
        bits.put(31, 5);
        bits.put(0, 1);
        if kind == 1 {
            bits.put(u32::from(map.is_some()), 1);
            bits.put(map.unwrap_or(0), if map.is_some() { 16 } else { 0 });
        }
        let mut bytes = bits.into_bytes();
        bytes.resize(size, 0);
        bytes
    }

    fn group(data: &[u8]) -> (usize, Next) {
        let mut group = Group::default();
        loop {
            match group.add(&data[group.size.min(data.len())..]) {
                Next::Added => {}
                next => return (group.size, next),
            }
        }
    }

    #[test]
    fn frame_sizes_of_ac3_are_those_of_table_4_13() {
        let size = |rate: u8, code: u8| {
            let bytes = [0x0b, 0x77, 0, 0, rate << 6 | code, 8 << 3, 0x40, 0];
            match header(&bytes) {
                Read::Frame(header) => header.size / 2,
                other => panic!("{other:?}"),
            }
        };
        for (code, words) in [(0, [64, 69, 96]), (1, [64, 70, 96]), (20, [384, 417, 576]), (37, [1280, 1394, 1920])] {
            assert_eq!([size(0, code), size(1, code), size(2, code)], words);
        }
    }

    #[test]
    fn an_access_unit_has_six_blocks_of_its_first_substream_and_all_that_goes_with_them() {
        let first = |blocks| syncframe(0, 0, blocks, 64, None);
        let whole = [first(3), syncframe(1, 0, 3, 32, Some(0x0200)), first(3)].concat();
        assert_eq!(group(&whole), (96, Next::Complete));
        assert_eq!(group(&whole[..96]), (96, Next::Unknown));
        let short = [first(1), first(1), first(1), first(1)].concat();
        assert_eq!(group(&short), (192, Next::Complete));
        assert_eq!(samples(&short[..192]), 1536);
        assert_eq!(frames(&whole).map(<[u8]>::len).collect::<Vec<_>>(), [64, 32, 64]);
    }

    #[test]
    fn the_record_names_programmes_and_the_channels_of_dependent_substreams() {
        // Lrs and Rrs: bit 6 of the channel map.
        let data = [syncframe(0, 0, 3, 1024, None), syncframe(1, 0, 3, 512, Some(0x0200))].concat();
        let Some(AudioEntry::Dolby { enhanced: true, record, rate, channels }) = entry(&data, false) else {
            panic!("E-AC-3")
        };
        assert_eq!((rate, channels), (48_000, 6));
        let mut bits = Bits::new(&record);
        // 1,536 bytes in 32 ms are 384 kbit/s.
        assert_eq!(
            [13, 3, 2, 5, 1, 1, 3, 3, 1, 3, 4, 9].map(|size| bits.take(size)),
            [384, 0, 0, 16, 0, 0, 0, 7, 1, 0, 1, 2].map(Some)
        );
    }

    #[test]
    fn joint_object_coding_is_found_behind_everything_that_may_come_before_it() {
        // 5.1 with mixing metadata and information, written out by hand from E.1.2.2.
        let fields: [(u32, usize); 33] = [
            (0x0b77, 16),
            (0, 2 + 3),
            (511, 11),
            (0, 2), // 48 kHz
            (3, 2), // six blocks
            (7, 3),
            (1, 1), // low frequency
            (16, 5),
            (31, 5),
            (1, 1), // compression
            (0xaa, 8),
            (1, 1), // mixing metadata
            (1, 2),
            (0x3f, 6), // centre
            (0x3f, 6), // surround
            (1, 1),    // low frequency
            (7, 5),
            (1, 1), // programme scale
            (1, 6),
            (0, 1), // external programme scale
            (3, 2), // long mixing data
            (0, 5),
            (0xffff, 16),
            (1, 1), // block configuration
            (0b000_000, 6),
            (1, 1), // information
            (4, 3), // commentary
            (0, 2),
            (0, 2), // surround EX
            (1, 1), // production
            (0, 8),
            (1, 1), // source rate
            (1, 1), // additional information
        ];
        let mut bits = BitWriter::default();
        for (value, size) in fields {
            bits.put(value, size);
        }
        bits.put(1, 6);
        bits.put(1, 8);
        bits.put(12, 8);
        let mut frame = bits.into_bytes();
        frame.resize(1024, 0);
        let record = |encrypted| match entry(&frame, encrypted) {
            Some(AudioEntry::Dolby { record, .. }) => record,
            other => panic!("{other:?}"),
        };
        let plain = record(false);
        let mut bits = Bits::new(&plain);
        assert_eq!(
            [13, 3, 2, 5, 2, 3, 3, 1, 3, 4, 1, 7, 1, 8].map(|size| bits.take(size)),
            [256, 0, 0, 16, 0, 4, 7, 1, 0, 0, 0, 0, 1, 12].map(Some)
        );
        // What is not clear is not believed.
        assert_eq!(record(true).len(), 5);
    }

    #[test]
    fn what_is_no_syncframe_is_invalid_or_short() {
        assert_eq!(header(&[0x0b]), Read::Short);
        assert_eq!(header(&[0x0b, 0x77, 0, 0, 0, 0, 0]), Read::Short);
        assert_eq!(header(&[0x0b, 0x78]), Read::Invalid);
        assert_eq!(header(&[0x0b, 0x77, 0, 0, 0xc0, 0x40, 0x40, 0]), Read::Invalid, "a reserved rate");
        assert_eq!(header(&[0x0b, 0x77, 0, 0, 0x26, 0x40, 0x40, 0]), Read::Invalid, "a size code beyond the table");
        assert_eq!(header(&syncframe(1, 0, 3, 64, None)), Read::Invalid, "no access unit begins so");
    }
}
