//! A hand for writing transport streams, awkward ones too.

use std::collections::BTreeMap;

/// Writes packets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mux {
    pub(crate) out: Vec<u8>,
    counters: BTreeMap<u16, u8>,
}

pub(crate) const PMT: u16 = 0x1000;
pub(crate) const VIDEO: u16 = 0x100;
pub(crate) const AUDIO: u16 = 0x101;
pub(crate) const METADATA: u16 = 0x102;

pub(crate) const H264: u8 = 0x1b;
pub(crate) const H265: u8 = 0x24;
pub(crate) const AAC: u8 = 0x0f;
pub(crate) const ID3: u8 = 0x15;

/// The metadata descriptor of timed ID3, as Apple's document on it writes it.
pub(crate) const ID3_DESCRIPTOR: [u8; 15] =
    [0x26, 13, 0xff, 0xff, b'I', b'D', b'3', b' ', 0xff, b'I', b'D', b'3', b' ', 0, 0x0f];

impl Mux {
    /// A stream with H.264 and AAC.
    pub(crate) fn new() -> Self {
        Self::with(&[(H264, VIDEO, &[]), (AAC, AUDIO, &[])])
    }

    /// A stream with elementary streams: type, PID, descriptors.
    pub(crate) fn with(streams: &[(u8, u16, &[u8])]) -> Self {
        let mut this = Self::default();
        this.association(&[(1, PMT)]);
        this.map(0, streams);
        this
    }

    /// Goes on with another segment.
    pub(crate) fn cut(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// A programme association table.
    pub(crate) fn association(&mut self, programmes: &[(u16, u16)]) {
        let body: Vec<u8> = programmes
            .iter()
            .flat_map(|(number, pid)| [number.to_be_bytes(), (0xe000 | pid).to_be_bytes()].concat())
            .collect();
        self.section(0, 0, 1, 0, &body);
    }

    /// The map of programme 1.
    pub(crate) fn map(&mut self, version: u8, streams: &[(u8, u16, &[u8])]) {
        let mut body = (0xe000 | VIDEO).to_be_bytes().to_vec();
        body.extend([0xf0, 0]);
        for (kind, pid, descriptors) in streams {
            body.push(*kind);
            body.extend((0xe000 | pid).to_be_bytes());
            body.extend((0xf000 | descriptors.len() as u16).to_be_bytes());
            body.extend(*descriptors);
        }
        self.section(PMT, 2, 1, version, &body);
    }

    /// A section in one packet.
    pub(crate) fn section(&mut self, pid: u16, table: u8, id: u16, version: u8, body: &[u8]) {
        let length = 9 + body.len();
        let mut section = vec![table, 0xb0 | (length >> 8) as u8, length as u8];
        section.extend(id.to_be_bytes());
        section.extend([0xc1 | version << 1, 0, 0]);
        section.extend(body);
        section.extend(crc32_mpeg(&section).to_be_bytes());
        let mut payload = vec![0];
        payload.extend(section);
        payload.resize(184, 0xff);
        self.packet(pid, true, &payload, false);
    }

    /// A PES packet in as many packets as it takes.
    pub(crate) fn pes(&mut self, pid: u16, pts: Option<u64>, dts: Option<u64>, payload: &[u8]) {
        self.packets(pid, &pes(pid, pts, dts, payload));
    }

    /// A PES packet that is written already.
    pub(crate) fn packets(&mut self, pid: u16, pes: &[u8]) {
        for (at, piece) in pes.chunks(184).enumerate() {
            self.packet(pid, at == 0, piece, false);
        }
    }

    /// One packet, filled with an adaptation field.
    pub(crate) fn packet(&mut self, pid: u16, start: bool, payload: &[u8], discontinuity: bool) {
        let counter = self.counters.entry(pid).or_default();
        let mut packet = vec![0x47, u8::from(start) << 6 | (pid >> 8) as u8, pid as u8, 0x10 | *counter];
        *counter = (*counter + 1) & 15;
        let room = 184 - payload.len();
        if discontinuity {
            assert!(room >= 2);
        }
        if room > 0 {
            packet[3] |= 0x20;
            packet.push(room as u8 - 1);
            if room > 1 {
                packet.push(u8::from(discontinuity) << 7);
                packet.resize(4 + room, 0xff);
            }
        }
        packet.extend(payload);
        assert_eq!(packet.len(), 188);
        self.out.extend(packet);
    }

    /// Counters begin somewhere else.
    pub(crate) fn upset(&mut self, pid: u16, by: u8) {
        let counter = self.counters.entry(pid).or_default();
        *counter = (*counter + by) & 15;
    }
}

/// A PES packet: video without a length, everything else with one.
pub(crate) fn pes(pid: u16, pts: Option<u64>, dts: Option<u64>, payload: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    fields.extend(pts.into_iter().flat_map(|time| stamp(2 + u8::from(dts.is_some()), time)));
    fields.extend(dts.into_iter().flat_map(|time| stamp(1, time)));
    let (id, size) = match pid {
        VIDEO => (0xe0, 0),
        METADATA => (0xbd, 3 + fields.len() + payload.len()),
        _ => (0xc0, 3 + fields.len() + payload.len()),
    };
    let flags = u8::from(pts.is_some()) << 7 | u8::from(dts.is_some()) << 6;
    let head = [0, 0, 1, id, (size >> 8) as u8, size as u8, 0x84, flags, fields.len() as u8];
    [&head[..], &fields, payload].concat()
}

fn stamp(prefix: u8, time: u64) -> [u8; 5] {
    [
        prefix << 4 | (time >> 29) as u8 & 0x0e | 1,
        (time >> 22) as u8,
        (time >> 14) as u8 | 1,
        (time >> 7) as u8,
        (time << 1) as u8 | 1,
    ]
}

fn crc32_mpeg(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04c1_1db7
            }
        })
    })
}

/// Parameter sets that libx264 wrote: Baseline, 96x64, 25 frames a second, no reordering.
pub(crate) const SPS: &[u8] =
    b"\x67\x42\xc0\x0a\xda\x18\x9b\x01\x10\x00\x00\x03\x00\x10\x00\x00\x03\x03\x20\xf1\x22\x6a";
pub(crate) const PPS: &[u8] = b"\x68\xce\x0f\xc8";
/// High, 64x48, reordering by two.
pub(crate) const HIGH_SPS: &[u8] =
    b"\x67\x64\x00\x0a\xac\xd9\x44\x7b\x01\x10\x00\x00\x03\x00\x10\x00\x00\x03\x03\x20\xf1\x22\x59\x60";
pub(crate) const HIGH_PPS: &[u8] = b"\x68\xef\x8f\xcb";
pub(crate) const DELIMITER: &[u8] = &[9, 0xf0];

/// A NAL unit behind a start code.
pub(crate) fn nal(content: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 1][..], content].concat()
}

/// Slices that nobody can decode, but whose headers are right: of an IDR picture, of a P picture.
pub(crate) fn idr(number: u8) -> Vec<u8> {
    nal(&[&[0x65, 0x88, 0x84][..], &[number; 40], &[0x80]].concat())
}

pub(crate) fn p(number: u8) -> Vec<u8> {
    nal(&[&[0x41, 0x9a, 0x24][..], &[number; 30], &[0x80]].concat())
}

/// A key picture with everything before it.
pub(crate) fn key(number: u8) -> Vec<u8> {
    [nal(DELIMITER), nal(SPS), nal(PPS), idr(number)].concat()
}

/// The same with the other parameter sets.
pub(crate) fn high_key(number: u8) -> Vec<u8> {
    [nal(DELIMITER), nal(HIGH_SPS), nal(HIGH_PPS), idr(number)].concat()
}

/// Another picture.
pub(crate) fn inter(number: u8) -> Vec<u8> {
    [nal(DELIMITER), p(number)].concat()
}

/// A frame of AAC: LC, 48 kHz, stereo.
pub(crate) fn aac(number: u8) -> Vec<u8> {
    let size = 7 + 20;
    let header = [0xff, 0xf1, 0x4c, 0x80, (size >> 3) as u8, (size << 5) as u8 | 0x1f, 0xfc];
    [&header[..], &[number; 20]].concat()
}
