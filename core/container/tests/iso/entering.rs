//! Where a fragment begins in bytes that begin anywhere.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{ChunkFinder, FoundChunk, Fragment, InitSegment, IsoReader, Unit};
use telecine_model::{Error, ErrorCode, Limits, MediaTime};

use super::support::{be, boxed, data, drain, fragments, full, init, read, words};

const ALWAYS: Range<MediaTime> = MediaTime::MIN..MediaTime::MAX;
const FAR: u64 = 1 << 24;

/// A file of several fragments, its initialisation segment and its fragments.
fn chunked() -> (Bytes, Arc<InitSegment>, Vec<Fragment>) {
    let bytes = data("chunked.mp4");
    let units = read(bytes.clone()).expect("it is whole");
    let found: Vec<Fragment> = fragments(&units).into_iter().cloned().collect();
    assert!(found.len() > 3, "{}", found.len());
    (bytes, Arc::new(init(&units).clone()), found)
}

fn finder(init: &Arc<InitSegment>, offset: u64, reach: u64, times: Range<MediaTime>) -> ChunkFinder {
    ChunkFinder::new(&Limits::default(), Arc::clone(init), offset, reach, times)
}

/// What is found in bytes that come in pieces.
fn find(mut finder: ChunkFinder, bytes: &[u8], piece: usize) -> Result<FoundChunk, Error> {
    for piece in bytes.chunks(piece) {
        if let Some(found) = finder.push(piece)? {
            return Ok(found);
        }
    }
    finder.finish().map(|found| found.expect("some, or an error"))
}

/// When the first picture of a fragment is shown.
fn time(init: &InitSegment, fragment: &Fragment) -> MediaTime {
    let found = &fragment.tracks[0];
    let track = init.track(found.track_id).expect("it is declared");
    MediaTime::from_ticks(found.earliest_pts().expect("samples") + track.edit.shift(), track.timescale)
}

/// A fragment whose samples are counted from the start of the resource, at another place of that.
fn moved(fragment: &[u8], to: u64) -> Vec<u8> {
    let mut fragment = fragment.to_vec();
    let tfhd = fragment.windows(4).position(|word| word == b"tfhd").expect("a header");
    fragment[tfhd + 12..tfhd + 20].copy_from_slice(&to.to_be_bytes());
    fragment
}

#[test]
fn from_any_byte_on_the_next_fragment_is_found_in_any_split() {
    let (bytes, init, all) = chunked();
    let last = all.last().expect("fragments").offset;
    for from in (all[0].offset..last).step_by(487) {
        let expected = all.iter().find(|fragment| fragment.offset >= from).expect("one follows").offset;
        for piece in [1, 7, 4096, usize::MAX] {
            let found = find(finder(&init, from, FAR, ALWAYS), &bytes[from as usize..], piece).expect("found");
            assert_eq!(found.offset, expected, "{from} {piece}");
            assert!(bytes[expected as usize..].starts_with(&found.bytes), "{from} {piece}");
        }
    }
}

#[test]
fn what_is_found_reads_as_the_same_fragments() {
    let (bytes, init, all) = chunked();
    let from = all[1].offset + 9;
    let found = find(finder(&init, from, FAR, ALWAYS), &bytes[from as usize..], 1000).expect("found");
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_init(init);
    reader.set_offset(found.offset);
    let behind = bytes.slice(found.offset as usize + found.bytes.len()..);
    reader.push(found.bytes);
    reader.push(behind);
    let mut units = Vec::new();
    drain(&mut reader, &mut units).expect("it goes on");
    let found: Vec<Unit> = units.into_iter().filter(|unit| matches!(unit, Unit::Fragment(_))).collect();
    // The slices differ, the samples and their places do not.
    let facts = |fragment: &Fragment| (fragment.offset, fragment.sequence, fragment.tracks.clone());
    let came = found.iter().map(|unit| match unit {
        Unit::Fragment(fragment) => facts(fragment),
        unit => panic!("{unit:?}"),
    });
    assert_eq!(came.collect::<Vec<_>>(), all[2..].iter().map(facts).collect::<Vec<_>>());
}

#[test]
fn what_stands_in_front_of_a_moof_belongs_to_it() {
    let (bytes, init, all) = chunked();
    let fragment = &all[1];
    let moof = fragment.offset + fragment.moof.start;
    let prft = full(b"prft", 1, 0, &[&words(&[1, 1, 2]), &[0; 8]]);
    let front = [&boxed(b"styp", &[b"msdh", &be(0), b"cmfl"])[..], &prft].concat();
    let all = [b"moofs and prfts", &front[..], &bytes[moof as usize..]].concat();
    let found = find(finder(&init, moof - 15 - front.len() as u64, FAR, ALWAYS), &all, 3);
    assert_eq!(found.expect("found").offset, moof - front.len() as u64);
}

#[test]
fn a_fragment_of_another_time_is_passed_over() {
    let (bytes, init, all) = chunked();
    let second = time(&init, &all[2]);
    let within = second..second + MediaTime::from_millis(1);
    let from = all[1].offset;
    let found = find(finder(&init, from, FAR, within), &bytes[from as usize..], 999).expect("found");
    assert_eq!(found.offset, all[2].offset);
    let never = MediaTime::from_secs(9_000)..MediaTime::from_secs(9_001);
    let error = find(finder(&init, from, FAR, never), &bytes[from as usize..], 999).expect_err("none");
    assert_eq!(error.code(), ErrorCode::ContainerSyntax);
}

#[test]
fn however_many_fragments_of_another_time_stand_before_it_is_found() {
    let (bytes, init, all) = chunked();
    let (other, wanted) = (&all[1], &all[2]);
    let second = time(&init, wanted);
    let within = second..second + MediaTime::from_millis(1);
    // What is in the media of another time may look like anything.
    const FAR_OFF: u64 = 1 << 20;
    let other = &bytes[other.offset as usize..wanted.offset as usize];
    let real = moved(&bytes[wanted.offset as usize..all[3].offset as usize], FAR_OFF);
    let mut front = Vec::new();
    let begin = FAR_OFF - 40 * other.len() as u64;
    for _ in 0..40 {
        front.extend(moved(other, begin + front.len() as u64));
    }
    let all = [&front[..], &real].concat();
    for piece in [1, 64, 5000, usize::MAX] {
        let found = find(finder(&init, begin, FAR, within.clone()), &all, piece).expect("found");
        assert_eq!(found.offset, FAR_OFF, "{piece}");
    }
    // One whose media would reach further than is looked for ends the search.
    let reach = other.len() as u64;
    let mut short = finder(&init, begin, reach, within);
    assert!(short.push(&all[..other.len() / 2]).is_err() || short.push(&all[other.len() / 2..]).is_err());
}

#[test]
fn it_is_looked_for_no_further_than_was_said() {
    let (bytes, init, all) = chunked();
    let (from, next) = (all[1].offset + 1, all[2].offset);
    let bytes = &bytes[from as usize..];
    assert!(find(finder(&init, from, next - from + 1, ALWAYS), bytes, 100).is_ok());
    assert!(find(finder(&init, from, next - from, ALWAYS), bytes, 100).is_err());
    // Whatever comes: bytes that never end are given up as well.
    let mut endless = finder(&init, 0, 1000, ALWAYS);
    let given_up = (0..100).find(|_| endless.push(&[0; 100]).is_err());
    assert_eq!(given_up, Some(10));
}

#[test]
fn pictures_that_look_like_a_beginning_are_none() {
    let (bytes, init, all) = chunked();
    // Far enough behind the start for every lie to stand in front; its samples are counted from there.
    const MOVED: u64 = 1 << 20;
    let real = &moved(&bytes[all[2].offset as usize..all[3].offset as usize], MOVED)[..];
    let moof = bytes.slice(all[2].offset as usize..(all[2].offset + all[2].moof.end) as usize);
    let mut other_track = moof.to_vec();
    let tfhd = other_track.windows(4).position(|word| word == b"tfhd").expect("a header");
    other_track[tfhd + 11] ^= 0x40;
    let mut untimed = moof.to_vec();
    let tfdt = untimed.windows(4).position(|word| word == b"tfdt").expect("a time");
    untimed[tfdt..tfdt + 4].copy_from_slice(b"free");
    let small = [&moof[..], &boxed(b"mdat", &[b"less"])].concat();
    for lie in [
        b"\0\0\0\x18styp".to_vec(),
        b"\0\0\0\x08moof".to_vec(),
        b"\0\0\0\0moof".to_vec(),
        b"\0\0\0\x01moof\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        boxed(b"moof", &[&full(b"mfhd", 0, 0, &[&be(1)])]),
        // Its media is not behind it, it is not in its mdat, of no track, of no time.
        [&moof[..], &boxed(b"free", &[&[0; 9]])].concat(),
        small,
        [&other_track[..], &boxed(b"mdat", &[&[0; 90_000]])].concat(),
        [&untimed[..], &boxed(b"mdat", &[&[0; 90_000]])].concat(),
    ] {
        let all = [&lie[..], real].concat();
        for piece in [1, 64, usize::MAX] {
            // Places of samples may be counted from the start of the resource.
            let offset = MOVED - lie.len() as u64;
            let found = find(finder(&init, offset, FAR, ALWAYS), &all, piece).expect("the real one");
            assert_eq!(found.offset, MOVED, "{:?}", lie.get(..16));
        }
    }
}

#[test]
fn who_lies_again_and_again_is_not_heard_for_ever() {
    let (bytes, init, all) = chunked();
    let moof = bytes.slice(all[2].offset as usize..(all[2].offset + all[2].moof.end) as usize);
    let lie = [&moof[..], &boxed(b"mdat", &[])].concat();
    let lies = lie.repeat(1000);
    let mut finder = finder(&init, 0, FAR, ALWAYS);
    let given_up = lies.chunks(lie.len()).position(|lie| finder.push(lie).is_err()).expect("it is");
    assert!(given_up < 20, "{given_up}");
}

#[test]
fn a_beginning_that_waits_for_more_costs_no_more_than_its_bytes() {
    let (_, init, _) = chunked();
    // A moof of a megabyte that begins well, a byte at a time, and then none.
    let mut bytes = [&be(1 << 20)[..], b"moof", &full(b"mfhd", 0, 0, &[&be(1)])].concat();
    bytes.resize(1 << 20, b'm');
    bytes.extend_from_slice(&[0; 64]);
    let mut finder = finder(&init, 0, 1 << 19, ALWAYS);
    let given_up = bytes.iter().position(|byte| finder.push(&[*byte]).is_err());
    assert!(given_up.is_some_and(|at| at > 1 << 20), "{given_up:?}");
}

#[test]
fn a_resource_that_ends_without_one_has_none() {
    let (_, init, _) = chunked();
    for bytes in [&b""[..], b"\0\0", b"\0\0\0\x10moof\0\0\0\x10mfhd", &[7; 5000]] {
        assert!(find(finder(&init, 0, FAR, ALWAYS), bytes, 3).is_err(), "{bytes:?}");
    }
}
