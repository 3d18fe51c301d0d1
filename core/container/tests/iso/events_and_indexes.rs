//! `sidx`, `emsg`, `prft`, `pssh`.

use crate::support::*;
use telecine_container::{read_file, EventMessage, EventTime, ProducerReference, SegmentIndexBox, SidxReference, Unit};
use telecine_model::{ErrorCode, Limits, Timescale};

fn unit(bytes: Vec<u8>) -> Unit {
    let mut units = read(bytes).expect("valid");
    assert_eq!(units.len(), 1);
    units.remove(0)
}

fn index(bytes: Vec<u8>) -> SegmentIndexBox {
    match unit(bytes) {
        Unit::Index(index) => index,
        other => panic!("{other:?}"),
    }
}

fn event(bytes: Vec<u8>) -> EventMessage {
    match unit(bytes) {
        Unit::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

fn scale(ticks: u32) -> Timescale {
    Timescale::new(ticks).expect("not zero")
}

#[test]
fn d011_an_index_has_32_or_64_bit_times_and_its_pieces_start_behind_it_and_its_first_offset() {
    let references = words(&[1000, 90, 0x9000_0000, 2000, 80, 0]);
    let narrow = [boxed(b"free", &[]), full(b"sidx", 0, 0, &[&words(&[5, 45, 7, 11, 2]), &references])].concat();
    let narrow = index(narrow);
    assert_eq!((narrow.offset, narrow.size), (8, 8 + 4 + 20 + 24));
    assert_eq!((narrow.reference_id, narrow.timescale), (5, scale(45)));
    assert_eq!((narrow.earliest_presentation_time, narrow.first_offset), (7, 11));
    assert_eq!(narrow.anchor(), 8 + 56 + 11);
    let media = SidxReference {
        is_index: false,
        size: 1000,
        duration: 90,
        starts_with_sap: true,
        sap_type: 1,
        sap_delta_time: 0,
    };
    assert_eq!(narrow.references[0], media);
    assert!(!narrow.references[1].starts_with_sap);

    let times = [be64(1 << 40), be64(1 << 41)].concat();
    let wide = index(full(b"sidx", 1, 0, &[&words(&[1, 1]), &times, &words(&[1]), &references[..12]]));
    assert_eq!((wide.earliest_presentation_time, wide.first_offset), (1 << 40, 1 << 41));
}

#[test]
fn d011_an_index_of_indexes_says_which_pieces_are_indexes() {
    // Two leaves of one piece each behind a root; the second leaf starts where the first's piece ends.
    let leaf = |time: u32, size: u32| full(b"sidx", 0, 0, &[&words(&[1, 10, time, 0, 1, size, 20, 0x9000_0000])]);
    let segments = [simple_fragment(1, 0, 2), simple_fragment(2, 20, 2)];
    let branches: Vec<Vec<u8>> =
        (0..2).map(|at| [leaf(20 * at as u32, segments[at].len() as u32), segments[at].clone()].concat()).collect();
    let root = full(
        b"sidx",
        0,
        0,
        &[
            &words(&[1, 10, 0, 0, 2]),
            &words(&[0x8000_0000 | branches[0].len() as u32, 20, 0]),
            &words(&[0x8000_0000 | branches[1].len() as u32, 20, 0]),
        ],
    );
    let file = [simple_init(), root, branches.concat()].concat();
    let units = read(file).expect("valid");
    let indexes: Vec<_> = units
        .iter()
        .filter_map(|unit| match unit {
            Unit::Index(index) => Some(index),
            _ => None,
        })
        .collect();
    assert_eq!(indexes.len(), 3);
    assert!(indexes[0].references.iter().all(|reference| reference.is_index));
    assert_eq!(indexes[0].anchor(), indexes[1].offset);
    assert_eq!(indexes[0].anchor() + u64::from(indexes[0].references[0].size), indexes[2].offset);
    let found = fragments(&units);
    assert_eq!([indexes[1].anchor(), indexes[2].anchor()], [found[0].offset, found[1].offset]);
}

#[test]
fn the_index_that_ffmpeg_writes_covers_its_fragments_exactly() {
    for (name, count) in [("cmaf_sidx.mp4", 1), ("dash_sidx.mp4", 5)] {
        let media = read_file(data(name), None, &Limits::default()).expect("valid");
        let units = read(data(name)).expect("valid");
        let mut found = fragments(&units).into_iter();
        assert_eq!(media.indexes.len(), count, "{name}");
        for index in &media.indexes {
            let mut at = index.anchor();
            let mut time = index.earliest_presentation_time as i64;
            for reference in &index.references {
                let fragment = found.next().expect("a fragment for each reference");
                assert_eq!((fragment.offset, fragment.size), (at, reference.size.into()), "{name}");
                let track = &fragment.tracks[0];
                let info = &media.tracks[0].info;
                assert_eq!(track.earliest_pts().map(|pts| info.presentation_time(pts)), Some(time), "{name}");
                at += u64::from(reference.size);
                time += i64::from(reference.duration);
            }
        }
    }
}

#[test]
fn an_index_without_a_timescale_or_of_an_unknown_version_is_invalid() {
    for bytes in [full(b"sidx", 0, 0, &[&words(&[1, 0, 0, 0, 0])]), full(b"sidx", 2, 0, &[&words(&[1, 1, 0, 0, 0])])] {
        assert_eq!(failure(bytes), (ErrorCode::IndexInvalid, "sidx".into(), 0));
    }
    // More references announced than are there.
    let short = full(b"sidx", 0, 0, &[&words(&[1, 1, 0, 0, 0xffff])]);
    assert_eq!(failure(short).0, ErrorCode::ContainerSyntax);
}

#[test]
fn d057_an_event_of_version_0_counts_from_its_segment_and_one_of_version_1_on_the_timeline() {
    let expected = EventMessage {
        scheme: "urn:scte:scte35:2013:bin".to_owned(),
        value: "7".to_owned(),
        timescale: scale(90_000),
        presentation: EventTime::Delta(45_000),
        duration: Some(180_000),
        id: 12,
        message: b"\xfc0\0"[..].into(),
    };
    let names = b"urn:scte:scte35:2013:bin\x007\0";
    let message = b"\xfc0\0";
    let delta = full(b"emsg", 0, 0, &[names, &words(&[90_000, 45_000, 180_000, 12]), message]);
    assert_eq!(event(delta), expected);
    let absolute = full(b"emsg", 1, 0, &[&be(90_000), &be64(1 << 33), &words(&[180_000, 12]), names, message]);
    let expected = EventMessage { presentation: EventTime::Absolute(1 << 33), ..expected };
    assert_eq!(event(absolute), expected);
}

#[test]
fn d059_an_event_duration_of_all_ones_is_unknown() {
    let bytes = full(b"emsg", 0, 0, &[b"u\0", b"\0", &words(&[1, 0, u32::MAX, 0])]);
    assert_eq!(event(bytes).duration, None);
}

#[test]
fn an_event_of_a_version_that_is_not_known_is_passed_over() {
    assert_eq!(read(full(b"emsg", 2, 0, &[&[1; 9]])), Ok(vec![]));
}

#[test]
fn a_broken_event_is_refused_with_its_place() {
    for bytes in [
        full(b"emsg", 0, 0, &[b"no end"]),
        full(b"emsg", 0, 0, &[b"u\0", b"\0", &words(&[0, 0, 0, 0])]),
        full(b"emsg", 1, 0, &[&words(&[1, 0])]),
    ] {
        assert_eq!(failure(bytes), (ErrorCode::ContainerSyntax, "emsg".into(), 0));
    }
}

#[test]
fn a_producer_reference_has_32_or_64_bits_of_media_time() {
    let ntp = 0xe000_0000_8000_0000;
    let narrow = full(b"prft", 0, 24, &[&be(3), &be64(ntp), &be(77)]);
    let expected = ProducerReference { track_id: 3, ntp, media_time: 77, flags: 24 };
    assert_eq!(unit(narrow), Unit::ProducerTime(expected));
    let wide = full(b"prft", 1, 0, &[&be(3), &be64(ntp), &be64(1 << 35)]);
    let expected = ProducerReference { media_time: 1 << 35, flags: 0, ..expected };
    assert_eq!(unit(wide), Unit::ProducerTime(expected));
}

#[test]
fn the_same_pssh_in_moov_and_moof_is_reported_once() {
    let pssh = full(b"pssh", 0, 0, &[&[9; 16], &be(0)]);
    let moov = boxed(b"moov", &[&mvhd(), &Trak::default().bytes(), &mvex(&[[1, 10, 4, 0]]), &pssh]);
    let empty = boxed(b"moof", &[&full(b"mfhd", 0, 0, &[&be(1)]), &pssh]);
    let media = read_file([moov, empty].concat().into(), None, &Limits::default()).expect("valid");
    assert_eq!(media.pssh, [pssh]);
}
