//! Transport packets (ISO/IEC 13818-1, 2.4.3): where they begin, and their headers.

use bytes::Bytes;

/// Bytes of a packet.
pub(crate) const PACKET: usize = 188;
/// The first byte of every packet.
const SYNC: u8 = 0x47;
/// From one packet to the next: plain, with four bytes of arrival time before (M2TS), with sixteen bytes
/// of error correction behind.
const STRIDES: [usize; 3] = [PACKET, 192, 204];
/// Bytes that show a stride: two of the largest, and the sync byte behind them.
const PROOF: usize = 2 * 204 + 1;

/// The PID of packets that fill.
pub(crate) const NULL_PID: u16 = 0x1fff;

/// One packet, without its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) pid: u16,
    /// A section or PES packet begins in it.
    pub(crate) start: bool,
    /// It is known to be damaged.
    pub(crate) error: bool,
    pub(crate) scrambled: bool,
    /// Continuity counter.
    pub(crate) counter: u8,
    /// Continuity counters, or the clock, begin anew here.
    pub(crate) discontinuity: bool,
    /// None if it has only an adaptation field.
    pub(crate) payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// Reads a packet. None if its adaptation field is longer than it.
    pub(crate) fn read(bytes: &'a [u8; PACKET]) -> Option<Self> {
        let &[_, second, third, fourth, ..] = bytes;
        let (has_field, has_payload) = (fourth & 0x20 != 0, fourth & 0x10 != 0);
        let mut payload = 4;
        let mut discontinuity = false;
        if has_field {
            let length = usize::from(bytes[4]);
            payload = 5 + length;
            if payload > PACKET {
                return None;
            }
            discontinuity = length > 0 && bytes[5] & 0x80 != 0;
        }
        Some(Self {
            pid: u16::from(second & 0x1f) << 8 | u16::from(third),
            start: second & 0x40 != 0,
            error: second & 0x80 != 0,
            scrambled: fourth & 0xc0 != 0,
            counter: fourth & 0x0f,
            discontinuity,
            payload: if has_payload { bytes.get(payload..) } else { None },
        })
    }
}

/// What there is in a stream of bytes.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A packet and where it is in the resource.
    Packet(&'a [u8; PACKET], u64),
    /// Bytes that are no packet.
    Skipped(u64),
}

/// Finds packets in bytes that arrive in any split.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    stride: Option<usize>,
    /// Bytes that still belong to the last packet's stride.
    gap: usize,
    /// Bytes before the next ones that have not been taken: a part of a packet, or too few to find one.
    carry: Vec<u8>,
    /// Bytes passed over since the last packet.
    skipped: u64,
    /// Where the next byte to be taken is in the resource.
    position: u64,
}

impl Packets {
    /// Another resource begins.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Bytes that are left when the resource ends, and where they are.
    pub(crate) fn rest(&self) -> (usize, u64) {
        (self.carry.len(), self.position)
    }

    /// Gives each packet that is complete. Stops at the first error.
    pub(crate) fn push<E>(
        &mut self,
        bytes: &Bytes,
        end: bool,
        take: &mut impl FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = &bytes[..];
        // A packet that began in the bytes before.
        while self.stride.is_some() && !self.carry.is_empty() {
            let missing = PACKET.saturating_sub(self.carry.len());
            let (front, behind) = rest.split_at(missing.min(rest.len()));
            self.carry.extend_from_slice(front);
            rest = behind;
            if self.carry.len() < PACKET {
                return Ok(());
            }
            let carry = std::mem::take(&mut self.carry);
            let left = self.locked(&carry, take)?;
            // Either the packet was taken, or it is none and is searched below.
            self.carry.extend_from_slice(left);
        }
        if self.stride.is_some() {
            rest = self.locked(rest, take)?;
        }
        if self.stride.is_some() {
            self.carry.extend_from_slice(rest);
            return Ok(());
        }
        let mut searched = std::mem::take(&mut self.carry);
        searched.extend_from_slice(rest);
        let mut left = &searched[..];
        while self.stride.is_none() {
            match self.search(left, end) {
                Some(at) => {
                    self.skip(at);
                    self.report(take)?;
                    left = self.locked(left.get(at..).unwrap_or_default(), take)?;
                }
                None => {
                    // The last bytes may be the beginning of a packet.
                    let kept = if end { 0 } else { left.len().min(PROOF - 1) };
                    let (skipped, tail) = left.split_at(left.len() - kept);
                    self.skip(skipped.len());
                    left = tail;
                    break;
                }
            }
        }
        if end {
            self.report(take)?;
        }
        self.carry.extend_from_slice(left);
        Ok(())
    }

    fn skip(&mut self, count: usize) {
        self.skipped += count as u64;
        self.position += count as u64;
    }

    fn report<E>(&mut self, take: &mut impl FnMut(Found<'_>) -> Result<(), E>) -> Result<(), E> {
        match std::mem::take(&mut self.skipped) {
            0 => Ok(()),
            skipped => take(Found::Skipped(skipped)),
        }
    }

    /// Packets where they are expected. Returns what is left: less than a packet, or, with the stride
    /// lost, what is to be searched.
    fn locked<'b, E>(
        &mut self,
        mut bytes: &'b [u8],
        take: &mut impl FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<&'b [u8], E> {
        let Some(stride) = self.stride else { return Ok(bytes) };
        loop {
            if self.gap > 0 {
                let passed = self.gap.min(bytes.len());
                self.gap -= passed;
                self.position += passed as u64;
                bytes = bytes.get(passed..).unwrap_or_default();
            }
            match bytes.first() {
                None => return Ok(bytes),
                Some(&SYNC) => {}
                Some(_) => {
                    self.stride = None;
                    return Ok(bytes);
                }
            }
            let Some((packet, behind)) = bytes.split_first_chunk::<PACKET>() else { return Ok(bytes) };
            take(Found::Packet(packet, self.position))?;
            self.position += PACKET as u64;
            self.gap = stride - PACKET;
            bytes = behind;
        }
    }

    /// Where packets begin. At the end of a resource fewer of them are proof enough.
    fn search(&mut self, bytes: &[u8], end: bool) -> Option<usize> {
        for at in memchr::memchr_iter(SYNC, bytes) {
            let from = bytes.get(at..).unwrap_or_default();
            if from.len() < if end { PACKET } else { PROOF } {
                return None;
            }
            // Beyond the end nothing speaks against it.
            let is_sync = |place: usize| from.get(place).is_none_or(|byte| *byte == SYNC);
            let stride = STRIDES.into_iter().find(|stride| is_sync(*stride) && is_sync(2 * stride));
            if stride.is_some() {
                self.stride = stride;
                self.gap = 0;
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(number: u8) -> [u8; PACKET] {
        let mut packet = [number; PACKET];
        packet[..4].copy_from_slice(&[SYNC, 0x41, number, 0x10 | number & 0x0f]);
        packet
    }

    /// Numbers of packets, and all of what comes with places.
    fn find_all(pieces: &[&[u8]]) -> (Vec<u8>, u64, Vec<u64>) {
        let (mut found, mut skipped, mut places) = (Vec::new(), 0, Vec::new());
        let mut packets = Packets::default();
        for (at, piece) in pieces.iter().enumerate() {
            let whole = packets.push(&Bytes::copy_from_slice(piece), at + 1 == pieces.len(), &mut |what| {
                match what {
                    Found::Packet(bytes, place) => {
                        found.push(bytes[2]);
                        places.push(place);
                    }
                    Found::Skipped(count) => {
                        skipped += count;
                        places.push(count);
                    }
                }
                Ok::<(), ()>(())
            });
            assert_eq!(whole, Ok(()));
        }
        (found, skipped, places)
    }

    /// Numbers of packets and bytes skipped.
    fn find(pieces: &[&[u8]]) -> (Vec<u8>, u64) {
        let (found, skipped, _) = find_all(pieces);
        (found, skipped)
    }

    fn numbers(count: u8) -> Vec<u8> {
        (0..count).collect()
    }

    #[test]
    fn packets_of_188_192_and_204_bytes_are_found() {
        for (before, behind) in [(0, 0), (4, 0), (0, 16)] {
            let stream: Vec<u8> =
                (0..20).flat_map(|number| [&vec![0; before][..], &packet(number), &vec![1; behind]].concat()).collect();
            let (found, skipped) = find(&[&stream]);
            assert_eq!((found, skipped), (numbers(20), before as u64));
        }
    }

    #[test]
    fn two_packets_alone_are_found_at_the_end_of_a_resource() {
        assert_eq!(find(&[&[packet(0), packet(1)].concat()]), (numbers(2), 0));
        assert_eq!(find(&[&packet(0)]), (numbers(1), 0));
        assert_eq!(find(&[&packet(0)[..187]]), (vec![], 187));
    }

    #[test]
    fn where_bytes_are_missing_or_added_packets_are_found_again() {
        let stream: Vec<u8> = (0..30).flat_map(packet).collect();
        for (cut, added) in [(100, 0), (1, 0), (0, 1), (0, 187), (0, 5000), (187, 300)] {
            let at = 10 * PACKET + 20;
            let broken = [&stream[..at], &vec![0x46; added], &stream[at + cut..]].concat();
            let (found, _) = find(&[&broken]);
            assert!(
                found.starts_with(&numbers(10)) && found.ends_with(&(12..30).collect::<Vec<_>>()),
                "{cut} {added}: {found:?}"
            );
        }
    }

    #[test]
    fn an_adaptation_field_longer_than_the_packet_is_refused() {
        let mut bytes = packet(1);
        bytes[3] = 0x30;
        bytes[4] = 183;
        assert_eq!(Packet::read(&bytes).expect("no payload").payload, Some(&[][..]));
        bytes[4] = 184;
        assert_eq!(Packet::read(&bytes), None);
        bytes[4] = 1;
        bytes[5] = 0x80;
        let read = Packet::read(&bytes).expect("valid");
        assert!(read.discontinuity && read.start && !read.error && !read.scrambled);
        assert_eq!((read.pid, read.payload.map(<[u8]>::len)), (0x101, Some(182)));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_packets(
            garbage in proptest::collection::vec((0_usize..6000, proptest::collection::vec(prop_oneof![Just(SYNC), any::<u8>()], 0..300)), 0..4),
            cuts in proptest::collection::vec(0_usize..9000, 0..30),
        ) {
            let mut stream: Vec<u8> = (0..30).flat_map(packet).collect();
            for (at, bytes) in garbage {
                let at = at.min(stream.len());
                stream.splice(at..at, bytes);
            }
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= stream.len()).collect();
            cuts.push(stream.len());
            cuts.sort_unstable();
            let mut from = 0;
            let mut pieces: Vec<&[u8]> = cuts.iter().map(|to| &stream[std::mem::replace(&mut from, *to)..*to]).collect();
            pieces.push(&[]);
            prop_assert_eq!(find_all(&pieces), find_all(&[&stream, &[]]));
        }
    }
}
