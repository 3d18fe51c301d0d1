//! Programme specific information (ISO/IEC 13818-1, 2.4.4): which PID carries what.

use bytes::Bytes;

use crate::bits::Bits;
use crate::es::{AudioCodec, VideoCodec};
use crate::iso::{ac3_channels, AudioConfig, AudioEntry};

/// Puts sections together.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    buffer: Vec<u8>,
    /// A section is in the making.
    open: bool,
}

/// Bytes of the longest section that is of use.
const SECTION: usize = 1024;

impl Sections {
    /// Takes the payload of a packet; gives each section that is complete.
    pub(crate) fn push(&mut self, start: bool, payload: &[u8], take: &mut impl FnMut(&[u8])) {
        let mut payload = payload;
        if start {
            let Some((pointer, rest)) = payload.split_first() else { return };
            let Some((before, behind)) = rest.split_at_checked(usize::from(*pointer)) else {
                return self.lose();
            };
            self.extend(before, take);
            self.buffer.clear();
            self.open = true;
            payload = behind;
        }
        self.extend(payload, take);
    }

    /// Bytes are missing.
    pub(crate) fn lose(&mut self) {
        self.buffer.clear();
        self.open = false;
    }

    fn extend(&mut self, payload: &[u8], take: &mut impl FnMut(&[u8])) {
        if !self.open {
            return;
        }
        self.buffer.extend_from_slice(payload);
        loop {
            let &[table, high, low, ..] = &self.buffer[..] else { return };
            let size = 3 + (usize::from(high & 0x0f) << 8 | usize::from(low));
            // 0xFF fills the rest of a packet.
            if table == 0xff || size > SECTION {
                return self.lose();
            }
            let Some(section) = self.buffer.get(..size) else { return };
            take(section);
            self.buffer.drain(..size);
        }
    }
}

/// The body of a section with a long header, if it holds now and is whole: behind `last_section_number`,
/// before the checksum. Also the id in its header.
fn body(section: &[u8], table: u8) -> Result<Option<(u16, &[u8])>, &'static str> {
    let Some((content, checksum)) = section.split_last_chunk::<4>() else { return Err("a section is too short") };
    let Some((header, body)) = content.split_first_chunk::<8>() else { return Err("a section is too short") };
    if header[0] != table {
        return Ok(None);
    }
    if crc32(content) != u32::from_be_bytes(*checksum) {
        return Err("the checksum of a section is wrong");
    }
    let current = header[5] & 1 == 1;
    Ok(current.then_some((u16::from_be_bytes([header[3], header[4]]), body)))
}

/// CRC-32/MPEG-2 (annex A), four bits at a time.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut index = 0;
        while index < 16 {
            let mut value = (index as u32) << 28;
            let mut bit = 0;
            while bit < 4 {
                value = if value & 0x8000_0000 == 0 { value << 1 } else { value << 1 ^ 0x04c1_1db7 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    bytes.iter().fold(u32::MAX, |crc, byte| {
        let crc = crc << 4 ^ TABLE[(crc >> 28 ^ u32::from(byte >> 4)) as usize & 15];
        crc << 4 ^ TABLE[(crc >> 28 ^ u32::from(byte & 15)) as usize & 15]
    })
}

/// A programme association table: programmes and the PIDs of their maps. None for another table or one
/// that does not hold yet.
///
/// # Errors
/// What is wrong with the section.
pub(crate) fn association(section: &[u8]) -> Result<Option<Vec<(u16, u16)>>, &'static str> {
    let Some((_, body)) = body(section, 0)? else { return Ok(None) };
    let programmes = body
        .as_chunks::<4>()
        .0
        .iter()
        .map(|[a, b, c, d]| (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([c & 0x1f, *d])));
    // Programme 0 is the network information.
    Ok(Some(programmes.filter(|(number, _)| *number != 0).collect()))
}

/// What an elementary stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Video {
        codec: VideoCodec,
        encrypted: bool,
    },
    Audio {
        codec: AudioCodec,
        encrypted: bool,
        given: Option<AudioEntry>,
    },
    /// ID3 in PES packets.
    Metadata,
    /// Something that is not used; its stream type.
    Other(u8),
}

/// One elementary stream of a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ElementaryStream {
    pub(crate) pid: u16,
    pub(crate) kind: StreamKind,
    /// Three letters of ISO 639-2.
    pub(crate) language: Option<[u8; 3]>,
}

/// A programme map table: its programme and the streams. None for another table or one that does not
/// hold yet.
///
/// # Errors
/// What is wrong with the section.
pub(crate) fn map(section: &[u8]) -> Result<Option<(u16, Vec<ElementaryStream>)>, &'static str> {
    const CUT: &str = "a programme map is cut short";
    let Some((programme, body)) = body(section, 2)? else { return Ok(None) };
    let length = |high: u8, low: u8| usize::from(high & 0x0f) << 8 | usize::from(low);
    let &[_, _, high, low, ref rest @ ..] = body else { return Err(CUT) };
    let mut rest = rest.get(length(high, low)..).ok_or(CUT)?;
    let mut streams = Vec::new();
    while let &[kind, pid_high, pid_low, high, low, ref behind @ ..] = rest {
        let (info, behind) = behind.split_at_checked(length(high, low)).ok_or(CUT)?;
        let pid = u16::from(pid_high & 0x1f) << 8 | u16::from(pid_low);
        let described = Descriptors::read(info);
        streams.push(ElementaryStream { pid, kind: described.kind(kind), language: described.language });
        rest = behind;
    }
    Ok(Some((programme, streams)))
}

/// What the descriptors of a stream say, as far as it matters.
#[derive(Debug, Default)]
struct Descriptors {
    language: Option<[u8; 3]>,
    /// format_identifier of registration (2.6.8).
    registrations: Vec<[u8; 4]>,
    /// DVB's descriptors for AC-3 and E-AC-3 (ETSI EN 300 468, annex D).
    dvb_ac3: bool,
    dvb_eac3: bool,
    /// A metadata descriptor (2.6.60) for ID3.
    id3: bool,
    /// Apple's audio setup information.
    setup: Option<AudioEntry>,
}

impl Descriptors {
    fn read(mut info: &[u8]) -> Self {
        let mut this = Self::default();
        while let [tag, length, rest @ ..] = info {
            // What is cut short is not there.
            let Some((data, behind)) = rest.split_at_checked(usize::from(*length)) else { break };
            match (*tag, data) {
                (0x05, [a, b, c, d, rest @ ..]) => {
                    let format = [*a, *b, *c, *d];
                    this.registrations.push(format);
                    if &format == b"apad" {
                        this.setup = audio_setup(rest).or(this.setup);
                    }
                }
                (0x0a, [a, b, c, ..]) => this.language = Some([*a, *b, *c]),
                (0x6a, _) => this.dvb_ac3 = true,
                (0x7a, _) => this.dvb_eac3 = true,
                // metadata_application_format and metadata_format come first, each with an identifier.
                (0x26, data) => this.id3 |= data.windows(4).take(9).any(|window| window == b"ID3 "),
                _ => {}
            }
            info = behind;
        }
        this
    }

    fn kind(&self, stream_type: u8) -> StreamKind {
        let registered = |format: &[u8; 4]| self.registrations.contains(format);
        let video = |codec, encrypted| StreamKind::Video { codec, encrypted };
        let audio = |codec| StreamKind::Audio { codec, encrypted: false, given: None };
        let protected = |codec| StreamKind::Audio { codec, encrypted: true, given: self.setup.clone() };
        match stream_type {
            0x1b => video(VideoCodec::H264, false),
            0xdb => video(VideoCodec::H264, true),
            0x24 => video(VideoCodec::H265, false),
            0x0f => audio(AudioCodec::Adts),
            0x11 => audio(AudioCodec::Latm),
            0x03 | 0x04 => audio(AudioCodec::Mpeg),
            // ATSC A/52, annexes A and G; and as Blu-ray has E-AC-3.
            0x81 | 0x84 | 0x87 => audio(AudioCodec::Dolby),
            0xcf => protected(AudioCodec::Adts),
            0xc1 | 0xc2 => protected(AudioCodec::Dolby),
            0x06 if self.dvb_ac3 || self.dvb_eac3 || registered(b"AC-3") || registered(b"EAC3") => {
                audio(AudioCodec::Dolby)
            }
            0x06 if registered(b"HEVC") => video(VideoCodec::H265, false),
            0x15 if self.id3 || registered(b"ID3 ") => StreamKind::Metadata,
            other => StreamKind::Other(other),
        }
    }
}

/// Audio setup information of SAMPLE-AES (Apple, MPEG-2 Stream Encryption Format, 2.3): the decoder
/// configuration, for what a frame does not say in clear. None where frames say it all.
pub(crate) fn audio_setup(bytes: &[u8]) -> Option<AudioEntry> {
    let (kind, rest) = bytes.split_first_chunk::<4>()?;
    let &[_, _, _version, length, ref rest @ ..] = rest else { return None };
    let data = rest.get(..usize::from(length))?;
    match kind {
        b"zaac" | b"zach" | b"zacp" => {
            let config = AudioConfig::read(data)?;
            let rate = config.core_rate?;
            let channels = u16::try_from(config.channels?).ok()?;
            Some(AudioEntry::Mp4a { object_type: 0x40, specific: Bytes::copy_from_slice(data), rate, channels })
        }
        b"zec3" => {
            let mut bits = Bits::new(data);
            bits.skip(13 + 3)?;
            let rate = *[48_000, 44_100, 32_000].get(bits.take(2)? as usize)?;
            bits.skip(5 + 1 + 1 + 3)?;
            let channels = ac3_channels(bits.take(3)?, bits.flag()?) as u16;
            Some(AudioEntry::Dolby { enhanced: true, record: Bytes::copy_from_slice(data), rate, channels })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section with header and checksum.
    pub(crate) fn section(table: u8, id: u16, body: &[u8]) -> Vec<u8> {
        let length = 5 + body.len() + 4;
        let mut out = vec![table, 0xb0 | (length >> 8) as u8, length as u8];
        out.extend(id.to_be_bytes());
        out.extend([0xc1, 0, 0]);
        out.extend(body);
        out.extend(crc32(&out).to_be_bytes());
        out
    }

    fn collect(pushes: &[(bool, &[u8])]) -> Vec<Vec<u8>> {
        let mut sections = Sections::default();
        let mut found = Vec::new();
        for (start, payload) in pushes {
            sections.push(*start, payload, &mut |section| found.push(section.to_vec()));
        }
        found
    }

    #[test]
    fn the_checksum_is_that_of_mpeg_2() {
        // The check value of CRC-32/MPEG-2, and a table that ffmpeg wrote.
        assert_eq!(crc32(b"123456789"), 0x0376_e6e7);
        let pat = [0x00, 0xb0, 0x0d, 0x00, 0x01, 0xc1, 0x00, 0x00, 0x00, 0x01, 0xf0, 0x00, 0x2a, 0xb1, 0x04, 0xb2];
        assert_eq!(association(&pat), Ok(Some(vec![(1, 0x1000)])));
        let mut broken = pat;
        broken[9] = 2;
        assert!(association(&broken).is_err());
    }

    #[test]
    fn sections_may_span_packets_and_share_them() {
        let long = section(2, 1, &[7; 300]);
        let short = section(0, 1, &[1, 2, 3, 4]);
        let first = [&[0][..], &long[..183]].concat();
        let second = [&[(long.len() - 183) as u8][..], &long[183..], &short, &[0xff; 20]].concat();
        assert_eq!(collect(&[(true, &first), (true, &second)]), [long.clone(), short.clone()]);
        // One that is cut off by the start of another is dropped, and so is one without a start.
        assert_eq!(collect(&[(true, &first), (true, &[&[0][..], &short].concat())]), std::slice::from_ref(&short));
        assert_eq!(collect(&[(false, &short)]), [] as [Vec<u8>; 0]);
        assert_eq!(collect(&[(true, &[200, 1, 2])]), [] as [Vec<u8>; 0]);
    }

    #[test]
    fn streams_are_told_apart_by_type_and_descriptors() {
        let kinds = |entries: &[(u8, &[u8])]| {
            let mut body = vec![0xe1, 0, 0xf0, 2, 0x99, 0];
            for (at, (kind, info)) in entries.iter().enumerate() {
                body.extend([*kind, 0xe0, 0x20 + at as u8, 0xf0, info.len() as u8]);
                body.extend(*info);
            }
            let (programme, streams) = map(&section(2, 9, &body)).expect("valid").expect("a map");
            assert_eq!(programme, 9);
            assert!(streams.iter().enumerate().all(|(at, stream)| usize::from(stream.pid) == 0x20 + at));
            streams.into_iter().map(|stream| (stream.kind, stream.language)).collect::<Vec<_>>()
        };
        let audio = |codec| StreamKind::Audio { codec, encrypted: false, given: None };
        let found = kinds(&[
            (0x1b, &[]),
            (0x0f, &[0x0a, 4, b'e', b'n', b'g', 0]),
            (0x06, &[0x6a, 1, 0]),
            (0x06, &[0x05, 4, b'E', b'A', b'C', b'3']),
            (0x06, &[]),
            (0x15, &[0x26, 13, 0xff, 0xff, b'I', b'D', b'3', b' ', 0xff, b'I', b'D', b'3', b' ', 0, 15]),
            (0x15, &[]),
            (0xdb, &[0x0f, 4, b'z', b'a', b'v', b'c']),
            (0x02, &[0x0a, 200]),
        ]);
        let expected = [
            (StreamKind::Video { codec: VideoCodec::H264, encrypted: false }, None),
            (audio(AudioCodec::Adts), Some(*b"eng")),
            (audio(AudioCodec::Dolby), None),
            (audio(AudioCodec::Dolby), None),
            (StreamKind::Other(6), None),
            (StreamKind::Metadata, None),
            (StreamKind::Other(0x15), None),
            (StreamKind::Video { codec: VideoCodec::H264, encrypted: true }, None),
            (StreamKind::Other(2), None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn setup_information_of_protected_sound_is_a_configuration() {
        let info = [b"apad", b"zaac", &[0, 0, 1, 2, 0x11, 0x90][..]].concat();
        let described = Descriptors::read(&[&[0x05, info.len() as u8][..], &info].concat());
        let StreamKind::Audio { codec: AudioCodec::Adts, encrypted: true, given: Some(entry) } = described.kind(0xcf)
        else {
            panic!("{described:?}");
        };
        let specific = Bytes::from_static(&[0x11, 0x90]);
        assert_eq!(entry, AudioEntry::Mp4a { object_type: 0x40, specific, rate: 48_000, channels: 2 });
    }

    #[test]
    fn a_map_that_is_cut_short_is_an_error() {
        let body = [0xe1, 0, 0xf0, 0, 0x1b, 0xe0, 0x20, 0xf0, 9, 1];
        assert!(map(&section(2, 1, &body)).is_err());
        assert!(map(&section(2, 1, &[0xe1, 0, 0xf0])).is_err());
        assert_eq!(map(&section(3, 1, &body)), Ok(None));
    }
}
