//! PES packets (ISO/IEC 13818-1, 2.4.3.6).

/// What the header of a PES packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PesHeader {
    /// Timestamps as they are, of 33 bits.
    pub(crate) pts: Option<u64>,
    pub(crate) dts: Option<u64>,
    /// Bytes of payload behind the header; None if it reaches to the next packet.
    pub(crate) length: Option<usize>,
    pub(crate) scrambled: bool,
    /// The payload begins with an access unit or another whole thing.
    pub(crate) aligned: bool,
}

/// What a header can be.
enum Read {
    /// It ends behind so many bytes.
    Header(PesHeader, usize),
    /// More bytes are needed.
    Short,
    Invalid,
}

/// Streams whose packets have no header beyond the length (table 2-21).
const fn is_bare(stream_id: u8) -> bool {
    matches!(stream_id, 0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff)
}

fn read(bytes: &[u8]) -> Read {
    if !bytes.iter().zip(&[0, 0, 1]).all(|(byte, prefix)| byte == prefix) {
        return Read::Invalid;
    }
    let &[_, _, _, stream_id, high, low, ref rest @ ..] = bytes else { return Read::Short };
    let whole = usize::from(u16::from_be_bytes([high, low]));
    if is_bare(stream_id) {
        let header = PesHeader { pts: None, dts: None, length: Some(whole), scrambled: false, aligned: true };
        return Read::Header(header, 6);
    }
    let &[first, flags, length, ref fields @ ..] = rest else { return Read::Short };
    if first & 0xc0 != 0x80 {
        return Read::Invalid;
    }
    let length = usize::from(length);
    let Some(fields) = fields.get(..length) else { return Read::Short };
    let pts = timestamp(fields).filter(|_| flags & 0x80 != 0);
    let dts = fields.get(5..).and_then(timestamp).filter(|_| flags & 0xc0 == 0xc0);
    let length_behind = match whole {
        0 => None,
        _ => Some(whole.saturating_sub(3 + length)),
    };
    let header = PesHeader { pts, dts, length: length_behind, scrambled: first & 0x30 != 0, aligned: first & 4 != 0 };
    Read::Header(header, 9 + length)
}

/// 33 bits in five bytes, with marker bits between.
fn timestamp(bytes: &[u8]) -> Option<u64> {
    let &[a, b, c, d, e, ..] = bytes else { return None };
    let part = |high: u8, low: u8| u64::from(u16::from_be_bytes([high, low]) >> 1);
    Some(u64::from(a >> 1 & 7) << 30 | part(b, c) << 15 | part(d, e))
}

/// Takes PES packets out of the payloads of transport packets.
#[derive(Debug, Default)]
pub(crate) struct PesReader {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing counts before the next packet begins.
    #[default]
    Idle,
    /// The header has not come to its end.
    Header(Vec<u8>),
    /// Payload, so many bytes of it if that is known.
    Payload(Option<usize>),
}

/// What a transport packet held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Begin(PesHeader),
    Data(&'a [u8]),
    /// The packet in hand has all of its bytes.
    Complete,
    /// The packet in hand ends so many bytes before it should.
    Short(usize),
    /// What should be the header of a packet is none.
    Invalid,
}

impl PesReader {
    /// Takes a payload; gives its parts in order. Stops at the first error.
    pub(crate) fn push<E>(
        &mut self,
        start: bool,
        payload: &[u8],
        take: &mut impl FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if start {
            if let State::Payload(Some(missing @ 1..)) = self.state {
                take(Part::Short(missing))?;
            }
            self.state = State::Header(Vec::new());
        }
        let State::Header(before) = &mut self.state else { return self.payload(payload, take) };
        let mut joined = std::mem::take(before);
        let bytes = if joined.is_empty() {
            payload
        } else {
            joined.extend_from_slice(payload);
            &joined
        };
        match read(bytes) {
            Read::Header(header, end) => {
                self.state = State::Payload(header.length);
                take(Part::Begin(header))?;
                self.payload(bytes.get(end..).unwrap_or_default(), take)
            }
            Read::Short => {
                // A header has 264 bytes at most.
                self.state = State::Header(bytes.to_vec());
                Ok(())
            }
            Read::Invalid => {
                self.state = State::Idle;
                take(Part::Invalid)
            }
        }
    }

    fn payload<E>(&mut self, data: &[u8], take: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        match &mut self.state {
            State::Payload(None) if !data.is_empty() => take(Part::Data(data)),
            State::Payload(Some(left)) => {
                let data = data.get(..(*left).min(data.len())).unwrap_or_default();
                *left -= data.len();
                let complete = *left == 0;
                if !data.is_empty() {
                    take(Part::Data(data))?;
                }
                if complete {
                    self.state = State::Idle;
                    take(Part::Complete)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Bytes are missing: nothing counts before the next packet begins.
    pub(crate) fn lose(&mut self) {
        self.state = State::Idle;
    }

    /// How many bytes the packet in hand lacks, when nothing more comes.
    pub(crate) fn finish(&mut self) -> usize {
        match std::mem::take(&mut self.state) {
            State::Payload(Some(missing)) => missing,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(prefix: u8, time: u64) -> [u8; 5] {
        [
            prefix << 4 | (time >> 29) as u8 & 0x0e | 1,
            (time >> 22) as u8,
            (time >> 14) as u8 | 1,
            (time >> 7) as u8,
            (time << 1) as u8 | 1,
        ]
    }

    fn packet(bounded: bool, pts: Option<u64>, dts: Option<u64>, payload: &[u8]) -> Vec<u8> {
        let mut fields = Vec::new();
        fields.extend(pts.into_iter().flat_map(|time| stamp(2 + u8::from(dts.is_some()), time)));
        fields.extend(dts.into_iter().flat_map(|time| stamp(1, time)));
        fields.extend([0xff; 3]);
        let size = if bounded { 3 + fields.len() + payload.len() } else { 0 };
        let flags = u8::from(pts.is_some()) << 7 | u8::from(dts.is_some()) << 6;
        [&[0, 0, 1, 0xe0, (size >> 8) as u8, size as u8, 0x84, flags, fields.len() as u8][..], &fields, payload]
            .concat()
    }

    /// Parts as text, data as its length.
    fn parts(pushes: &[(bool, &[u8])]) -> Vec<String> {
        let mut reader = PesReader::default();
        let mut found = Vec::new();
        for (start, payload) in pushes {
            let taken = reader.push(*start, payload, &mut |part| {
                found.push(match part {
                    Part::Begin(header) => format!("begin {:?} {:?} {:?}", header.pts, header.dts, header.length),
                    Part::Data(data) => format!("data {}", data.len()),
                    other => format!("{other:?}"),
                });
                Ok::<(), ()>(())
            });
            assert_eq!(taken, Ok(()));
        }
        found
    }

    #[test]
    fn timestamps_of_33_bits_are_read() {
        let last = (1 << 33) - 1;
        let whole = packet(false, Some(last), Some(0x1_2345_6789), &[1; 10]);
        assert_eq!(
            parts(&[(true, &whole)]),
            [format!("begin Some({last}) Some({}) None", 0x1_2345_6789_u64), "data 10".into()]
        );
        let whole = packet(false, Some(5), None, &[]);
        assert_eq!(parts(&[(true, &whole)]), ["begin Some(5) None None"]);
    }

    #[test]
    fn a_bounded_packet_is_complete_with_its_last_byte_and_what_follows_is_not_its() {
        let whole = packet(true, None, None, &[1; 10]);
        let longer = [&whole[..], &[9; 5]].concat();
        assert_eq!(parts(&[(true, &longer), (false, &[9; 5])]), ["begin None None Some(10)", "data 10", "Complete"]);
        let short = &whole[..whole.len() - 4];
        assert_eq!(
            parts(&[(true, short), (true, &whole)]),
            ["begin None None Some(10)", "data 6", "Short(4)", "begin None None Some(10)", "data 10", "Complete"]
        );
    }

    #[test]
    fn what_is_no_header_is_invalid_until_the_next_packet_begins() {
        let whole = packet(false, None, None, &[1; 10]);
        assert_eq!(parts(&[(true, &[0, 0, 2, 0xe0]), (false, &whole), (true, &whole)])[..1], ["Invalid"]);
        assert_eq!(parts(&[(false, &whole)]), [] as [&str; 0]);
        let mut old = whole.clone();
        old[6] = 0x21;
        assert_eq!(parts(&[(true, &old)]), ["Invalid"]);
        // Padding has no further header.
        assert_eq!(parts(&[(true, &[0, 0, 1, 0xbe, 0, 3, 1, 2, 3])])[1..], ["data 3", "Complete"]);
    }

    proptest! {
        #[test]
        fn a_header_may_be_cut_anywhere(at in 0_usize..32, bounded: bool) {
            let whole = packet(bounded, Some(7), Some(6), &[1; 20]);
            let (front, behind) = whole.split_at(at);
            let mut found = parts(&[(true, front), (false, behind)]);
            let expected = parts(&[(true, &whole)]);
            prop_assert_eq!(found.remove(0), &expected[0][..]);
            let data: usize = found.iter().filter_map(|part| part.strip_prefix("data ")?.parse::<usize>().ok()).sum();
            prop_assert_eq!(data, 20);
        }
    }
}
