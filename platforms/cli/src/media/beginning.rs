//! Whether what comes out of AES is media, by its beginning.

use telecine_container::{sniff, Container, Sniff};
use telecine_model::{Error, ErrorCode};

use super::HEAD;

/// The beginning of a segment that was encrypted as a whole. Padding catches 255 wrong keys of 256 and no wrong vector:
/// that one damages the first 16 bytes alone, and of those only the ones in which it is wrong, as the last one if it is
/// that of another sequence number.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    head: Vec<u8>,
    known: bool,
}

impl Beginning {
    /// Looks at the next bytes, as long as it is not known that they are media. `complete`: there are no more.
    ///
    /// # Errors
    /// `DecryptFailed` if they are none.
    pub(crate) fn check(&mut self, bytes: &[u8], complete: bool) -> Result<(), Error> {
        if self.known {
            return Ok(());
        }
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
        if self.head.is_empty() {
            return Ok(());
        }
        match sniff(&self.head, complete || self.head.len() == HEAD) {
            Sniff::Short(_) => return Ok(()),
            Sniff::Container(container) if is_damaged(&self.head, container) => {
                return Err(refused("its first bytes alone are damaged: the initialisation vector is another one"))
            }
            Sniff::Container(_) => self.known = true,
            Sniff::Unknown => return Err(refused("the key or the initialisation vector is another one")),
        }
        self.head = Vec::new();
        Ok(())
    }
}

fn refused(why: &str) -> Error {
    let message = format!("what comes out is no media that is known: {why} (--raw writes it whatever it is)");
    Error::new(ErrorCode::DecryptFailed, message)
}

/// Whether a container cannot begin like this.
fn is_damaged(head: &[u8], container: Container) -> bool {
    let is = |at: usize, bytes: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    match container {
        // Packets are found behind others too; those with a time stamp in front begin four bytes later.
        Container::MpegTs => match (is(0, b"G"), is(4, b"G") && is(196, b"G")) {
            (false, false) => true,
            (false, true) => has_damaged_table(head.get(4..).unwrap_or_default()),
            (true, _) => has_damaged_table(head),
        },
        // ISO/IEC 14496-12, 8.8.4: the first box in it is its header.
        Container::IsoBmff => (is(4, b"moof") && !is(12, b"mfhd")) || has_damaged_size(head),
        _ => false,
    }
}

/// Whether the first box is larger than one that is no media can be, or no other follows where it ends.
fn has_damaged_size(head: &[u8]) -> bool {
    const LARGEST: usize = 16 << 20;
    let Some(size) = head.first_chunk::<4>().map(|size| u32::from_be_bytes(*size) as usize) else { return false };
    match size {
        // To the end, or as a longer number behind the type.
        0 | 1 => false,
        2..8 => true,
        _ if head.get(4..8) == Some(b"mdat") => false,
        LARGEST.. => true,
        _ => head.get(size + 4..size + 8).is_some_and(|kind| !kind.iter().all(|byte| matches!(byte, 0x20..=0x7e))),
    }
}

/// Whether a packet begins with a table (ISO/IEC 13818-1, 2.4.4) whose checksum does not hold. Segments begin with one.
fn has_damaged_table(packet: &[u8]) -> bool {
    let Some([_, flags, low, control, pointer, table, high, length]) = packet.first_chunk::<8>() else { return false };
    let pid = u16::from(flags & 0x1f) << 8 | u16::from(*low);
    // PIDs of tables that have one of their own; a payload without an adaptation field in front, with a section at once.
    let is_table = matches!(pid, 0 | 1 | 0x10..=0x12) && flags & 0x40 != 0 && control & 0x30 == 0x10 && *pointer == 0;
    if !is_table || *table == 0xff || high & 0x80 == 0 {
        return false;
    }
    let end = 8 + (usize::from(high & 0x0f) << 8 | usize::from(*length));
    // A longer one goes on in another packet.
    packet.get(5..end).filter(|_| end <= 188).is_some_and(|section| crc(section) != 0)
}

/// The checksum of sections (ISO/IEC 13818-1, annex A): zero over one with its own behind it.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            let next = crc << 1;
            if crc & 1 << 31 == 0 {
                next
            } else {
                next ^ 0x04c1_1db7
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]]) -> Result<(), ErrorCode> {
        let mut beginning = Beginning::default();
        let told = pieces.iter().try_for_each(|piece| beginning.check(piece, false));
        told.and_then(|()| beginning.check(&[], true)).map_err(|error| error.code())
    }

    #[test]
    fn media_is_known_however_it_comes_and_nothing_at_all_is_not_damaged() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[b"WEB", b"VTT", b"\n"]), Ok(()));
        assert_eq!(check(&[b"\0\0\0\x40mo", b"of\0\0\0\x10mfhd"]), Ok(()));
        assert_eq!(check(&[b"\0\0\0\x40mo", b"of\0\0\0\x10mfhe"]), Err(ErrorCode::DecryptFailed));
        assert_eq!(check(&[b"\0\0\0\x0cstyp....\0\0\0\x08free"]), Ok(()));
        for size in [b"\xff\0\0\x0c", b"\0\0\0\x07", b"\0\0\0\x0a"] {
            let boxes = [&size[..], b"styp....\0\0\0\x08free"].concat();
            assert_eq!(check(&[&boxes]), Err(ErrorCode::DecryptFailed), "{size:?}");
        }
        assert_eq!(check(&[b"WEB", b"VT"]), Err(ErrorCode::DecryptFailed));
    }

    #[test]
    fn the_checksum_is_that_of_sections() {
        // The check value of CRC-32/MPEG-2 in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc(b"123456789"), 0x0376_e6e7);
    }
}
