//! Timed metadata: ID3 in transport streams and in packed audio.

use crate::mux::*;
use crate::support::*;
use telecine_container::{Id3Frame, StreamOptions, StreamReader, StreamUnit, TimedMetadata};
use telecine_model::{Limits, MediaTime};

fn safe(size: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8)
}

/// A tag with `PRIV` frames.
pub(crate) fn tag(frames: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (owner, data) in frames {
        body.extend(b"PRIV");
        body.extend(safe(owner.len() + 1 + data.len()));
        body.extend([0, 0]);
        body.extend(owner.as_bytes());
        body.push(0);
        body.extend(*data);
    }
    [&b"ID3\x04\0\0"[..], &safe(body.len()), &body].concat()
}

/// Times and the data of the first frame of every tag.
pub(crate) fn metadata(units: &[StreamUnit]) -> Vec<(Option<MediaTime>, Vec<u8>)> {
    units
        .iter()
        .filter_map(|unit| match unit {
            StreamUnit::Metadata(TimedMetadata { time, tag }) => match &tag.frames[..] {
                [Id3Frame::Private { data, .. }, ..] => Some((*time, data.to_vec())),
                frames => panic!("{frames:?}"),
            },
            _ => None,
        })
        .collect()
}

fn mux() -> Mux {
    Mux::with(&[(AAC, AUDIO, &[]), (ID3, METADATA, &ID3_DESCRIPTOR)])
}

#[test]
fn tags_come_out_with_the_time_of_their_packet() {
    let mut mux = mux();
    mux.pes(METADATA, Some(90_000), None, &tag(&[("a", b"one")]));
    mux.pes(AUDIO, Some(90_000), None, &aac(0));
    // Two in one packet; one of many transport packets.
    mux.pes(METADATA, Some(180_000), None, &[tag(&[("a", b"two")]), tag(&[("a", b"three")])].concat());
    mux.pes(METADATA, Some(270_000), None, &tag(&[("a", &[7; 1000])]));
    let at = |seconds: i64| Some(MediaTime::from_secs(seconds));
    let expected =
        [(at(1), b"one".to_vec()), (at(2), b"two".to_vec()), (at(2), b"three".to_vec()), (at(3), vec![7; 1000])];
    let units = read(mux.out.clone());
    assert_eq!(metadata(&units), expected);
    assert_eq!(rules(&units), [] as [&str; 0]);

    let mut options = StreamOptions::default();
    options.metadata = false;
    let mut reader = StreamReader::new(&options, &Limits::default());
    assert_eq!(metadata(&segment(&mut reader, [mux.out.into()]).expect("valid")), []);
}

#[test]
fn a_tag_may_go_on_in_the_packets_behind() {
    let whole = tag(&[("a", &[9; 500])]);
    let (front, behind) = whole.split_at(300);
    let mut mux = mux();
    mux.pes(METADATA, Some(90_000), None, front);
    // Without a timestamp and not aligned: the flag is the third bit of the seventh byte.
    let mut rest = pes(METADATA, None, None, behind);
    rest[6] &= !4;
    mux.packets(METADATA, &rest);
    mux.pes(METADATA, Some(180_000), None, &tag(&[("a", b"next")]));
    let found = metadata(&read(mux.out));
    assert_eq!(
        found,
        [(Some(MediaTime::from_secs(1)), vec![9; 500]), (Some(MediaTime::from_secs(2)), b"next".to_vec())]
    );
}

#[test]
fn what_is_no_tag_or_too_large_is_reported() {
    let mut mux = mux();
    mux.pes(METADATA, Some(90_000), None, b"something else");
    mux.pes(METADATA, Some(90_000), None, &tag(&[("a", &[9; 2000])]));
    let mut limits = Limits::default();
    limits.id3_bytes = 1000;
    let mut reader = StreamReader::new(&StreamOptions::default(), &limits);
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert_eq!(metadata(&units), []);
    assert_eq!(rules(&units)[..2], ["T019", "T019"]);
}

#[test]
fn a_tag_that_lacks_a_packet_is_left_out() {
    let mut mux = mux();
    mux.pes(METADATA, Some(90_000), None, &tag(&[("a", &[9; 500])]));
    mux.pes(METADATA, Some(180_000), None, &tag(&[("a", b"next")]));
    let mut packets = mux.out.as_chunks::<188>().0.to_vec();
    packets.remove(3);
    let found = metadata(&read(packets.concat()));
    assert_eq!(found, [(Some(MediaTime::from_secs(2)), b"next".to_vec())]);
}
