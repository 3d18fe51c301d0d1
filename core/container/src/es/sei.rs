//! Supplemental enhancement information (ISO/IEC 14496-10, 7.3.2.3; ISO/IEC 23008-2, 7.3.2.4): captions
//! and recovery points.

use bytes::Bytes;

use super::nal::unescape;
use crate::bits::Bits;

/// User data registered by ITU-T T.35.
pub(crate) const USER_DATA_REGISTERED: usize = 4;
const RECOVERY_POINT: usize = 6;

/// What matters of the messages of one NAL unit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Messages {
    /// `cc_data_pkt` triplets of CEA-608 and CEA-708 captions, in order.
    pub(crate) captions: Vec<Bytes>,
    /// Frames until the pictures are right when decoding starts here (H.264 only).
    pub(crate) recovery: Option<u32>,
}

/// Reads the messages of a NAL unit whose header has `header` bytes. What is cut short is left out.
pub(crate) fn read(nal: &[u8], header: usize) -> Messages {
    let mut messages = Messages::default();
    each_message(nal, header, |kind, payload| match kind {
        USER_DATA_REGISTERED => messages.captions.extend(captions(payload)),
        RECOVERY_POINT if header == 1 => messages.recovery = Bits::new(payload).ue(),
        _ => {}
    });
    messages
}

/// Gives `each` the type and the payload of every message of a NAL unit whose header has `header` bytes, up to
/// the first that is cut short.
pub(crate) fn each_message(nal: &[u8], header: usize, mut each: impl FnMut(usize, &[u8])) {
    let plain = unescape(nal);
    let mut rest = plain.get(header..).unwrap_or_default();
    // The last byte is the stop bit alone.
    while rest.len() > 1 {
        let Some((kind, behind)) = sum(rest) else { break };
        let Some((size, behind)) = sum(behind) else { break };
        let Some((payload, behind)) = behind.split_at_checked(size) else { break };
        each(kind, payload);
        rest = behind;
    }
}

/// A number written as bytes of 255 and one that is less.
fn sum(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let full = bytes.iter().take_while(|byte| **byte == 0xff).count();
    let last = *bytes.get(full)?;
    Some((full * 255 + usize::from(last), bytes.get(full + 1..)?))
}

/// `cc_data` of ATSC user data (ATSC A/72, 6.4.1; CTA-708, table 2): country USA, provider ATSC,
/// identifier GA94, type 3.
fn captions(payload: &[u8]) -> Option<Bytes> {
    let data = payload.strip_prefix(&[0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3])?;
    let (flags, rest) = data.split_first()?;
    let process = flags & 0x40 != 0;
    let triplets = rest.get(1..)?.get(..3 * usize::from(flags & 0x1f))?;
    (process && !triplets.is_empty()).then(|| Bytes::copy_from_slice(triplets))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GA94: [u8; 8] = [0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3];

    #[test]
    fn captions_and_recovery_points_are_found_among_other_messages() {
        let mut user = [&GA94[..], &[0xc2, 0xff, 0xfc, 0x94, 0x20, 0xfd, 0x80, 0x80, 0xff]].concat();
        let mut nal = vec![6, 5, 2, 1, 2, 4, user.len() as u8];
        nal.append(&mut user);
        nal.extend([6, 1, 0xc4, 0x80]);
        let found = read(&nal, 1);
        assert_eq!(found.captions, [&[0xfc, 0x94, 0x20, 0xfd, 0x80, 0x80][..]]);
        assert_eq!(found.recovery, Some(0));
        // The same in H.265, where a NAL unit has two bytes of header and recovery points count pictures.
        let found = read(&[&[78, 1][..], &nal[1..]].concat(), 2);
        assert_eq!((found.captions.len(), found.recovery), (1, None));
    }

    #[test]
    fn sizes_beyond_255_are_summed_and_emulation_prevention_is_undone() {
        let mut nal = vec![6, 0xff, 0x01, 0xff, 0x01];
        nal.extend([9; 256]);
        let user = [&GA94[..], &[0x41, 0xff, 0xfc, 0, 0, 3, 1, 0xff]].concat();
        nal.extend([4, user.len() as u8 - 1]);
        nal.extend(user);
        nal.push(0x80);
        assert_eq!(read(&nal, 1).captions, [&[0xfc, 0, 0][..]]);
    }

    #[test]
    fn messages_that_are_cut_short_or_of_others_are_left_out() {
        let user = [&GA94[..], &[0xc2, 0xff, 0xfc, 0x94, 0x20, 0xfd, 0x80]].concat();
        let nal = [&[6, 4, user.len() as u8][..], &user, &[0x80]].concat();
        assert_eq!(read(&nal, 1), Messages::default(), "two triplets are announced, five bytes are there");
        for length in 0..nal.len() {
            assert_eq!(read(&nal[..length], 1), Messages::default());
        }
        let direct_tv = [6, 4, 9, 0xb5, 0, 0x2f, 3, 0xc1, 0xff, 0xfc, 1, 2, 0x80];
        assert_eq!(read(&direct_tv, 1), Messages::default());
    }
}
