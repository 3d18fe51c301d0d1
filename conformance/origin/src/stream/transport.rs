//! Packets of a transport stream (ISO/IEC 13818-1, 2.4).

use bytes::Bytes;

use super::config::Aac;
use super::packed;

const PACKET: usize = 188;
/// Bytes of a packet behind its header.
const ROOM: usize = PACKET - 4;
const PMT: u16 = 0x1000;
const FIRST: u16 = 0x100;
/// How long before decoding the clock of a stream runs, in ticks of 90 kHz.
const AHEAD: u64 = 9000;

/// One access unit, or a few frames of sound; times in ticks of 90 kHz.
pub(super) struct Unit {
    pub(super) pts: u64,
    pub(super) dts: u64,
    pub(super) random_access: bool,
    pub(super) data: Vec<u8>,
}

/// An elementary stream.
pub(super) struct Stream<'a> {
    pub(super) is_video: bool,
    pub(super) aac: Option<&'a Aac>,
    /// Encrypted by SAMPLE-AES.
    pub(super) protected: bool,
}

impl Stream<'_> {
    fn stream_type(&self) -> u8 {
        match (self.is_video, self.protected) {
            (true, false) => 0x1b,
            (true, true) => 0xdb,
            (false, false) => 0x0f,
            (false, true) => 0xcf,
        }
    }

    fn descriptors(&self) -> Vec<u8> {
        if !self.protected {
            return Vec::new();
        }
        let mut out = vec![0x0f, 4];
        out.extend(if self.is_video { b"zavc" } else { b"aacd" });
        if let Some(aac) = self.aac {
            let setup = packed::setup(aac);
            out.extend([0x05, (4 + setup.len()) as u8]);
            out.extend(b"apad");
            out.extend(setup);
        }
        out
    }
}

/// Segment `n` of some streams, the first of which has the clock.
pub(super) fn write(streams: &[Stream<'_>], units: Vec<Vec<Unit>>, n: u64) -> Bytes {
    let mut out = Vec::new();
    // One table a segment: their counter is the number of the segment.
    let counter = (n % 16) as u8;
    table(&mut out, 0, counter, &[0, 0xb0, 0, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (PMT >> 8) as u8, PMT as u8]);
    let mut pmt = vec![2, 0xb0, 0, 0, 1, 0xc1, 0, 0, 0xe0 | (FIRST >> 8) as u8, FIRST as u8, 0xf0, 0];
    for (index, stream) in streams.iter().enumerate() {
        let (pid, descriptors) = (FIRST + index as u16, stream.descriptors());
        pmt.extend([stream.stream_type(), 0xe0 | (pid >> 8) as u8, pid as u8, 0xf0, descriptors.len() as u8]);
        pmt.extend(descriptors);
    }
    table(&mut out, PMT, counter, &pmt);
    let mut all: Vec<(usize, bool, Unit)> = Vec::new();
    for (index, units) in units.into_iter().enumerate() {
        let last = units.len().saturating_sub(1);
        all.extend(units.into_iter().enumerate().map(|(at, unit)| (index, at == last, unit)));
    }
    // Stable: what is decoded at the same time comes in the order of the streams.
    all.sort_by_key(|(_, _, unit)| unit.dts);
    let mut counts = vec![0_usize; streams.len()];
    for (index, last, unit) in all {
        let Some((stream, count)) = streams.get(index).zip(counts.get_mut(index)) else { continue };
        elementary(&mut out, FIRST + index as u16, stream.is_video, index == 0, &unit, last, count);
    }
    Bytes::from(out)
}

/// One section in one packet.
fn table(out: &mut Vec<u8>, pid: u16, counter: u8, body: &[u8]) {
    let mut section = body.to_vec();
    let length = section.len() - 3 + 4;
    section[1] |= (length >> 8) as u8;
    section[2] = length as u8;
    section.extend(crc(&section).to_be_bytes());
    out.extend([0x47, 0x40 | (pid >> 8) as u8, pid as u8, 0x10 | counter, 0]);
    out.extend(&section);
    out.resize(out.len() + ROOM - 1 - section.len(), 0xff);
}

/// The checksum of sections (ISO/IEC 13818-1, annex A).
pub(crate) fn crc(section: &[u8]) -> u32 {
    section.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    })
}

fn stamp(prefix: u8, time: u64) -> [u8; 5] {
    [
        prefix << 4 | (time >> 29 & 0xe) as u8 | 1,
        (time >> 22) as u8,
        (time >> 14) as u8 | 1,
        (time >> 7) as u8,
        (time << 1) as u8 | 1,
    ]
}

/// One unit in as many packets as it takes; the last of a segment in so many that the counter comes full circle.
fn elementary(out: &mut Vec<u8>, pid: u16, is_video: bool, clock: bool, unit: &Unit, last: bool, count: &mut usize) {
    let mut stamps = stamp(if unit.pts == unit.dts { 2 } else { 3 }, unit.pts).to_vec();
    if unit.pts != unit.dts {
        stamps.extend(stamp(1, unit.dts));
    }
    let flags = if unit.pts == unit.dts { 0x80 } else { 0xc0 };
    let length = 3 + stamps.len() + unit.data.len();
    // Of pictures the length may be unknown.
    let length = if is_video || length > 0xffff { 0 } else { length };
    let mut pes = vec![0, 0, 1, if is_video { 0xe0 } else { 0xc0 }, (length >> 8) as u8, length as u8];
    pes.extend([0x84, flags, stamps.len() as u8]);
    pes.extend(stamps);
    pes.extend(&unit.data);

    let first_room = ROOM - if clock { 8 } else { 2 };
    let needed = 1 + pes.len().saturating_sub(first_room).div_ceil(ROOM);
    let wanted = if last { needed + (16 - (*count + needed) % 16) % 16 } else { needed };
    let packets = if wanted <= pes.len() { wanted } else { needed };
    let mut rest = &pes[..];
    for left in (1..=packets).rev() {
        let first = left == packets;
        let room = if first { first_room } else { ROOM };
        // Evenly, where there are more packets than it takes.
        let share = if packets == needed { room } else { rest.len().div_ceil(left) };
        let (payload, next) = rest.split_at(share.min(room).min(rest.len()));
        rest = next;
        let start = if first { 0x40 } else { 0 };
        let adaptation = ROOM - payload.len();
        let control = if adaptation > 0 { 0x30 } else { 0x10 };
        out.extend([0x47, start | (pid >> 8) as u8, pid as u8, control | (*count % 16) as u8]);
        *count += 1;
        if adaptation > 0 {
            let mut field = vec![(adaptation - 1) as u8];
            if adaptation > 1 {
                let random = if first && unit.random_access { 0x40 } else { 0 };
                field.push(random | if first && clock { 0x10 } else { 0 });
            }
            if first && clock {
                let base = unit.dts.wrapping_sub(AHEAD) & ((1 << 33) - 1);
                field.extend([(base >> 25) as u8, (base >> 17) as u8, (base >> 9) as u8, (base >> 1) as u8]);
                field.extend([(base << 7) as u8 | 0x7e, 0]);
            }
            field.resize(adaptation, 0xff);
            out.extend(field);
        }
        out.extend(payload);
    }
}
