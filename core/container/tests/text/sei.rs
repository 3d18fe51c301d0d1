//! Captions in samples of video: SEI messages written byte by byte.

use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::text::cea::sei;
use telecine_container::DecoderConfig;

fn avc(nal_length_size: u8) -> DecoderConfig {
    DecoderConfig::Avc { record: Bytes::new(), nal_length_size }
}

fn hevc() -> DecoderConfig {
    DecoderConfig::Hevc { record: Bytes::new(), nal_length_size: 4 }
}

/// A message of user data with captions.
pub(crate) fn message(triplets: &[u8]) -> Vec<u8> {
    let mut payload = vec![0xb5, 0x00, 0x31];
    payload.extend(b"GA94\x03");
    payload.extend([0xc0 | (triplets.len() / 3) as u8, 0xff]);
    payload.extend(triplets);
    payload.push(0xff);
    sei_message(4, &payload)
}

fn sei_message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(std::iter::repeat_n(255, payload.len() / 255));
    out.push((payload.len() % 255) as u8);
    out.extend(payload);
    out
}

/// A NAL unit with a length of four bytes: emulation prevented, trailing bits set.
fn nal(header: &[u8], messages: &[Vec<u8>]) -> Vec<u8> {
    let mut body = header.to_vec();
    let mut zeros = 0;
    for byte in messages.concat().into_iter().chain([0x80]) {
        if zeros == 2 && byte <= 3 {
            body.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        body.push(byte);
    }
    [(body.len() as u32).to_be_bytes().to_vec(), body].concat()
}

fn found(config: &DecoderConfig, sample: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    sei::cc_data(config, sample, |triplets| out.push(triplets.to_vec()));
    out
}

const SEI: [u8; 1] = [0x06];
const SLICE: [u8; 1] = [0x65];

#[test]
fn captions_are_found_among_other_messages_and_nal_units() {
    let first = [0xfc, 0x94, 0x2c, 0xfd, 0x80, 0x80];
    let second = [0xff, 0x02, 0x21, 0xfe, 0x41, 0x00];
    let sample = [
        nal(&SEI, &[sei_message(5, &[7; 300]), message(&first), sei_message(1, &[1])]),
        nal(&SLICE, &[message(&first)]),
        nal(&SEI, &[message(&second)]),
    ]
    .concat();
    assert_eq!(found(&avc(4), &sample), [first.to_vec(), second.to_vec()]);
    // H.265 has two kinds of SEI, before and behind the picture.
    let sample = [
        nal(&[39 << 1, 1], &[message(&first)]),
        nal(&[1 << 1, 1], &[message(&first)]),
        nal(&[40 << 1, 1], &[message(&second)]),
    ]
    .concat();
    assert_eq!(found(&hevc(), &sample), [first.to_vec(), second.to_vec()]);
    assert_eq!(found(&DecoderConfig::Other, &sample), Vec::<Vec<u8>>::new());
}

#[test]
fn emulation_prevention_is_undone() {
    let triplets = [0xfc, 0, 0, 0, 0, 0, 0xfe, 0, 0, 1, 0, 0, 3, 0, 0];
    let sample = nal(&SEI, &[message(&triplets)]);
    assert!(sample.windows(3).any(|three| three == [0, 0, 3]));
    assert_eq!(found(&avc(4), &sample), [triplets.to_vec()]);
}

#[test]
fn lengths_of_nal_units_have_one_to_four_bytes() {
    let triplets = [0xfc, 0x94, 0x2c];
    let unit = nal(&SEI, &[message(&triplets)]).split_off(4);
    for size in [1, 2, 4] {
        let length = (unit.len() as u32).to_be_bytes();
        let sample = [&length[4 - size..], &unit].concat();
        assert_eq!(found(&avc(size as u8), &sample), [triplets.to_vec()], "{size}");
    }
}

#[test]
fn other_user_data_is_left_alone_and_that_of_direct_tv_is_read() {
    let t35 = |head: &[u8]| nal(&SEI, &[sei_message(4, &[head, &[0xc1, 0xff, 0xfc, 0x94, 0x2c, 0xff]].concat())]);
    assert_eq!(found(&avc(4), &t35(&[0xb5, 0, 0x2f, 3, 9])), [[0xfc, 0x94, 0x2c]]);
    for head in [
        &[0xb5, 0, 0x3c][..],
        &[0xb6, 0, 0x31, b'G', b'A', b'9', b'4', 3],
        b"\xb5\0\x31DTG1\x03",
        b"\xb5\0\x31GA94\x06",
    ] {
        assert_eq!(found(&avc(4), &t35(head)), Vec::<Vec<u8>>::new(), "{head:?}");
    }
    // `process_cc_data_flag` is not set.
    let off = [&[0xb5, 0, 0x31][..], b"GA94\x03", &[0x81, 0xff, 0xfc, 0x94, 0x2c, 0xff]].concat();
    assert_eq!(found(&avc(4), &nal(&SEI, &[sei_message(4, &off)])), Vec::<Vec<u8>>::new());
}

#[test]
fn what_is_cut_gives_what_is_whole() {
    let triplets = [0xfc, 0x94, 0x2c, 0xfd, 0x80, 0x80];
    let whole = [nal(&SEI, &[message(&triplets)]), nal(&SEI, &[message(&triplets)])].concat();
    for end in 0..whole.len() {
        let expected = usize::from(end >= whole.len() / 2);
        assert_eq!(found(&avc(4), &whole[..end]).len(), expected, "{end}");
    }
    // More triplets are announced than are there.
    let mut short = message(&triplets);
    short[10] |= 0x1f;
    assert_eq!(found(&avc(4), &nal(&SEI, &[short]))[0][..6], triplets);
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 0..5_u8) {
        found(&avc(size), &bytes);
        found(&hevc(), &bytes);
        sei::cc_data_of_nal(&[&[6, 4], &bytes[..]].concat(), false, |triplets| assert!(triplets.len() % 3 == 0));
    }

    #[test]
    fn what_is_written_is_found(triplets in proptest::collection::vec(any::<[u8; 3]>(), 1..31)) {
        let triplets = triplets.concat();
        prop_assert_eq!(found(&avc(4), &nal(&SEI, &[message(&triplets)])), [triplets]);
    }
}
