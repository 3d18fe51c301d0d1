//! Bytes may arrive in any split, and may end anywhere.

use crate::support::*;
use bytes::Bytes;
use proptest::prelude::*;
use telecine_container::{IsoReader, Unit};
use telecine_model::{ErrorCode, Limits, Place};

/// A unit without the way its bytes were cut: fragments compare by their joined bytes.
fn joined(units: Vec<Unit>) -> Vec<Unit> {
    units
        .into_iter()
        .map(|unit| match unit {
            Unit::Fragment(mut fragment) => {
                fragment.data = vec![fragment.data.concat().into()];
                Unit::Fragment(fragment)
            }
            other => other,
        })
        .collect()
}

/// A resource with every kind of unit.
fn everything() -> Vec<u8> {
    let styp = boxed(b"styp", &[b"msdh", &be(0), b"msdhcmfs"]);
    let emsg = full(b"emsg", 1, 0, &[&be(1000), &be64(5), &words(&[7, 9]), b"urn:x\0", b"v\0", b"hello"]);
    let prft = full(b"prft", 1, 0, &[&be(1), &be64(1 << 40), &be64(20)]);
    let sidx = full(b"sidx", 0, 0, &[&words(&[1, 1000, 0, 0, 1, 100, 10, 0x9000_0000])]);
    let free = boxed(b"free", &[&[0; 30]]);
    let open_end = {
        let mut fragment = simple_fragment(3, 60, 4);
        let mdat = fragment.len() - 4 * 4 - 8;
        fragment[mdat..mdat + 4].fill(0);
        fragment
    };
    [
        simple_init(),
        free.clone(),
        sidx,
        styp,
        prft,
        emsg,
        simple_fragment(1, 0, 2),
        free,
        simple_fragment(2, 20, 4),
        open_end,
    ]
    .concat()
}

#[test]
fn every_split_in_two_gives_the_same_units() {
    let file = Bytes::from(everything());
    let whole = joined(read(file.clone()).expect("valid"));
    assert_eq!(whole.len(), 7);
    for at in 0..=file.len() {
        let pieces = [file.slice(..at), file.slice(at..)];
        let units = read_pieces(&Limits::default(), pieces).expect("valid");
        assert_eq!(joined(units), whole, "split at {at}");
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_units() {
    for file in [Bytes::from(everything()), data("muxed_edit.mp4"), data("progressive.mp4")] {
        let bytes = (0..file.len()).map(|at| file.slice(at..at + 1));
        let units = read_pieces(&Limits::default(), bytes).expect("valid");
        assert_eq!(joined(units), joined(read(file.clone()).expect("valid")));
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_units(name in proptest::sample::select(&FILES), mut cuts in proptest::collection::vec(0usize..20_000, 0..40)) {
        let file = data(&format!("{name}.mp4"));
        cuts.retain(|cut| *cut <= file.len());
        cuts.push(file.len());
        cuts.sort_unstable();
        let mut from = 0;
        let pieces = cuts.iter().map(|to| file.slice(std::mem::replace(&mut from, *to)..*to)).collect::<Vec<_>>();
        let units = read_pieces(&Limits::default(), pieces).expect("valid");
        prop_assert_eq!(joined(units), joined(read(file).expect("valid")));
    }
}

#[test]
fn a_resource_cut_anywhere_gives_the_units_before_the_cut_and_says_what_is_truncated() {
    for file in [Bytes::from(everything()), data("muxed_edit.mp4"), data("dash_sidx.mp4"), data("faststart.mp4")] {
        let whole = joined(read(file.clone()).expect("valid"));
        let mut cut_cleanly = 0;
        for length in 0..file.len() {
            let mut reader = IsoReader::new(&Limits::default());
            let mut units = Vec::new();
            reader.push(file.slice(..length));
            drain(&mut reader, &mut units).expect("what is there is valid");
            match reader.finish() {
                Ok(()) => {
                    cut_cleanly += 1;
                    drain(&mut reader, &mut units).expect("what is there is valid");
                }
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::ContainerTruncated, "{error}");
                    let (Some(Place::Box { offset, .. }) | Some(Place::Byte(offset))) = error.place() else {
                        panic!("{error} has no place");
                    };
                    assert!(*offset < length as u64);
                    assert_eq!(reader.poll(), Err(error), "a failed reader stays failed");
                }
            }
            // A media box that reaches to the end of the resource is the one thing that a cut shortens.
            let units = joined(units);
            assert!(units.len() < whole.len() || units.last() == whole.last(), "cut at {length}");
            for (unit, expected) in units.iter().zip(&whole) {
                assert_eq!(unit, expected, "cut at {length}");
            }
        }
        assert!(cut_cleanly > 1, "between boxes a resource may end");
    }
}

#[test]
fn a_page_in_place_of_media_is_of_no_container_and_not_cut() {
    let pages = [
        "<!DOCTYPE html><html><body>404</body></html>",
        "\n<html></html>",
        "{\"error\":\"denied\"}",
        "Not Found, sorry",
    ];
    for page in pages {
        for size in [1, page.len()] {
            let mut reader = IsoReader::new(&Limits::default());
            page.as_bytes().chunks(size).for_each(|piece| reader.push(Bytes::copy_from_slice(piece)));
            let error = reader.finish().expect_err(page);
            assert_eq!((error.code(), error.place()), (ErrorCode::ContainerUnknown, Some(&Place::Byte(0))), "{page}");
        }
    }
    // What begins as media does is cut.
    assert_eq!(failure(simple_init()[..20].to_vec()).0, ErrorCode::ContainerTruncated);
}

#[test]
fn a_truncated_resource_names_the_box_and_where_it_began() {
    let init = simple_init();
    let moov = boxed(b"ftyp", &[b"iso6", &be(0), b"iso6cmfc"]).len() as u64;
    let end = init.len() as u64;
    assert_eq!(failure(init[..init.len() - 1].to_vec()), (ErrorCode::ContainerTruncated, "moov".into(), moov));
    let file = [init, simple_fragment(1, 0, 2)].concat();
    // In the middle of the media, and just before it.
    let moof = (ErrorCode::ContainerTruncated, "moof".into(), end);
    let mdat = file.len() as u64 - 16;
    assert_eq!(failure(file[..file.len() - 1].to_vec()), (ErrorCode::ContainerTruncated, "mdat".into(), mdat));
    assert_eq!(failure(file[..mdat as usize].to_vec()), moof);
    // In the middle of a header nothing is known but the place.
    let error = read(file[..mdat as usize + 5].to_vec()).expect_err("truncated");
    assert_eq!(error.place(), Some(&Place::Byte(mdat)));
}

#[test]
fn each_chunk_of_a_segment_is_handed_on_as_soon_as_its_last_byte_has_arrived() {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(simple_init().into());
    assert!(matches!(reader.poll(), Ok(Some(Unit::Init(_)))));
    for number in 1..4 {
        let mut chunk = Bytes::from(simple_fragment(number, number * 20, 2));
        let last = chunk.split_off(chunk.len() - 1);
        reader.push(chunk);
        assert_eq!(reader.poll(), Ok(None));
        reader.push(last);
        let Ok(Some(Unit::Fragment(fragment))) = reader.poll() else { panic!("the chunk is complete") };
        assert_eq!(fragment.sequence, number);
    }
}

#[test]
fn media_that_arrives_in_one_piece_is_handed_on_without_a_copy() {
    let file = data("muxed_edit.mp4");
    let units = read(file.clone()).expect("valid");
    let inside = file.as_ptr_range();
    for fragment in fragments(&units) {
        assert_eq!(fragment.data.len(), 1);
        assert!(fragment.data.iter().all(|data| inside.contains(&data.as_ptr())));
        for sample in fragment.tracks.iter().flat_map(|track| &track.samples) {
            let bytes = fragment.sample(sample).expect("inside");
            assert!(inside.contains(&bytes.as_ptr()));
        }
    }
}

#[test]
fn the_fragments_of_a_file_and_its_header_are_the_file() {
    // What a Media Source gets is what the network delivered: nothing but index boxes is missing.
    let file = data("chunked.mp4");
    let units = read(file.clone()).expect("valid");
    let mut bytes = init(&units).data.to_vec();
    for fragment in fragments(&units) {
        assert_eq!(fragment.offset, bytes.len() as u64);
        bytes.extend(fragment.data.concat());
    }
    assert_eq!(bytes, file[..bytes.len()]);
    assert_eq!(&file[bytes.len() + 4..bytes.len() + 8], b"mfra");
}

#[test]
fn a_finished_reader_goes_on_with_the_next_segment_of_the_track() {
    let mut reader = IsoReader::new(&Limits::default());
    let mut units = Vec::new();
    for resource in [simple_init(), simple_fragment(1, 0, 2), simple_fragment(2, 20, 2)] {
        reader.push(resource.into());
        drain(&mut reader, &mut units).expect("valid");
        reader.finish().expect("complete");
    }
    let fragments = fragments(&units);
    assert_eq!(fragments.iter().map(|fragment| fragment.offset).collect::<Vec<_>>(), [0, 0]);
    assert_eq!(fragments[1].tracks[0].base_decode_time, 20);
}

#[test]
fn a_reader_of_a_byte_range_speaks_of_offsets_in_the_resource() {
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_offset(5_000_000_000);
    reader.push(boxed(b"free", &[&[0; 4]]).into());
    reader.push(vec![0, 0, 0, 3, b'm', b'o', b'o', b'f'].into());
    let error = reader.poll().expect_err("a box of three bytes");
    assert_eq!(code_and_box(&error), (ErrorCode::ContainerSyntax, "moof".into(), 5_000_000_012));
}

#[test]
fn media_that_belongs_to_no_fragment_is_dropped_as_it_arrives() {
    let mut reader = IsoReader::new(&Limits::default());
    // A terabyte of it, by its own word.
    reader.push([&be(1)[..], b"mdat", &be64(1 << 40)].concat().into());
    for _ in 0..4 {
        let piece = Bytes::from(vec![0; 1 << 20]);
        reader.push(piece.clone());
        assert_eq!(reader.poll(), Ok(None));
        assert!(piece.is_unique(), "the reader holds no part of it");
    }
}
