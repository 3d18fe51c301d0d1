//! How each sample of a fragment is encrypted: the traps of Common Encryption that parsers fall into.

use crate::support::*;
use telecine_container::{Fragment, FragmentEncryption, InitSegment, IsoReader, Unit};
use telecine_model::protection::{KeyId, SampleEncryption, Scheme, Subsample};
use telecine_model::{ErrorCode, Limits};

/// Key ids: of the track, and of groups.
const TRACK: [u8; 16] = [0x11; 16];
const GROUP: [u8; 16] = [0x22; 16];
const OTHER: [u8; 16] = [0x33; 16];

/// `tenc` with vectors of `size` bytes for each sample.
fn tenc(size: u8) -> Vec<u8> {
    full(b"tenc", 0, 0, &[&[0, 0, 1, size], &TRACK])
}

/// `tenc` of the pattern 1:9 with a vector of sevens for all.
fn tenc_constant() -> Vec<u8> {
    full(b"tenc", 1, 0, &[&[0, 0x19, 1, 0], &TRACK, &[16], &[7; 16]])
}

fn encv(scheme: &[u8; 4], tenc: &[u8]) -> Vec<u8> {
    visual(b"encv", &[avcc(), sinf(b"avc1", scheme, tenc)].concat())
}

fn movie_of(entries: &[&[u8]], tables: Vec<u8>, description: u32) -> InitSegment {
    let trak = Trak { handler: *b"vide", stsd: stsd(entries), tables, ..Trak::default() };
    let trex = full(b"trex", 0, 0, &[&words(&[1, description, 10, 4, 0])]);
    let moov = boxed(b"moov", &[&mvhd(), &trak.bytes(), &boxed(b"mvex", &[&trex])]);
    init(&read(moov).expect("valid")).clone()
}

/// A movie of one protected track.
fn movie(scheme: &[u8; 4], tenc: &[u8]) -> InitSegment {
    movie_of(&[&encv(scheme, tenc)], Vec::new(), 1)
}

/// `trun` of these sizes.
fn trun_of(sizes: &[u32], offset: u32) -> Vec<u8> {
    full(b"trun", 0, 0x201, &[&words(&[sizes.len() as u32, offset]), &words(sizes)])
}

/// A fragment of samples of these sizes, with boxes in its `traf` that know where the media begins, seen from the
/// `moof`; and the media.
fn resource(tfhd: &[u8], runs: &[&[u32]], boxes: impl Fn(u32) -> Vec<u8>, prefix: &[u8]) -> Vec<u8> {
    let make = |media: u32| {
        let mut at = media + prefix.len() as u32;
        let mut truns = Vec::new();
        for sizes in runs {
            truns.extend(trun_of(sizes, at));
            at += sizes.iter().sum::<u32>();
        }
        moof(1, &[&boxed(b"traf", &[tfhd, &tfdt(0), &boxes(media), &truns])])
    };
    let media = make(0).len() as u32 + 8;
    let size: u32 = runs.iter().flat_map(|sizes| *sizes).sum();
    let payload: Vec<u8> = (0..size).map(|at| at as u8).collect();
    [make(media), boxed(b"mdat", &[prefix, &payload])].concat()
}

fn read_with(init: &InitSegment, resource: Vec<u8>) -> Fragment {
    let mut reader = IsoReader::new(&Limits::default());
    reader.set_init(std::sync::Arc::new(init.clone()));
    // Somewhere in a larger resource.
    reader.set_offset(5000);
    reader.push(resource.into());
    let mut units = Vec::new();
    drain(&mut reader, &mut units).expect("valid");
    reader.finish().expect("valid");
    drain(&mut reader, &mut units).expect("valid");
    match units.pop() {
        Some(Unit::Fragment(fragment)) => fragment,
        unit => panic!("{unit:?} is no fragment"),
    }
}

/// A fragment of one run, with boxes in its `traf`.
fn fragment(init: &InitSegment, sizes: &[u32], boxes: &[&[u8]]) -> Fragment {
    read_with(init, resource(&tfhd(BASE_IS_MOOF, &[]), &[sizes], |_| boxes.concat(), &[]))
}

fn encryption(init: &InitSegment, sizes: &[u32], boxes: &[&[u8]]) -> FragmentEncryption {
    let fragment = fragment(init, sizes, boxes);
    fragment.encryption(init).unwrap_or_else(|error| panic!("{error}"))
}

/// Code, box and message of what is wrong.
fn refused(init: &InitSegment, sizes: &[u32], boxes: &[&[u8]]) -> (ErrorCode, String, String) {
    refused_fragment(init, &fragment(init, sizes, boxes))
}

fn refused_fragment(init: &InitSegment, fragment: &Fragment) -> (ErrorCode, String, String) {
    let error = fragment.encryption(init).expect_err("broken");
    let (code, path, offset) = code_and_box(&error);
    assert!((5000..5000 + fragment.moof.end).contains(&offset), "{error}");
    (code, path, error.message().to_owned())
}

fn samples(found: &FragmentEncryption) -> Vec<Option<SampleEncryption<'_>>> {
    found.samples(0).collect()
}

/// For each sample the first byte of its vector and its key, or nothing.
fn brief(found: &FragmentEncryption) -> Vec<Option<(u8, [u8; 16])>> {
    found.samples(0).map(|how| how.map(|how| (how.iv[0], how.kid.0))).collect()
}

fn senc(flags: u32, count: u32, entries: &[&[u8]]) -> Vec<u8> {
    full(b"senc", 0, flags, &[&be(count), &entries.concat()])
}

/// A list of subsamples as `senc` has it.
fn subsamples(list: &[(u16, u32)]) -> Vec<u8> {
    let entries = list.iter().flat_map(|(clear, secret)| [&clear.to_be_bytes()[..], &secret.to_be_bytes()].concat());
    (list.len() as u16).to_be_bytes().into_iter().chain(entries).collect()
}

fn saiz(default: u8, sizes: &[u8], count: u32) -> Vec<u8> {
    full(b"saiz", 0, 0, &[&[default], &be(count), sizes])
}

fn saio(offsets: &[u32]) -> Vec<u8> {
    full(b"saio", 0, 0, &[&be(offsets.len() as u32), &words(offsets)])
}

/// `seig` entries: with vectors of 8 bytes each; with vectors of 16; not protected; with a constant vector.
fn group_8(kid: [u8; 16]) -> Vec<u8> {
    [&[0, 0, 1, 8][..], &kid].concat()
}
fn group_16(kid: [u8; 16]) -> Vec<u8> {
    [&[0, 0, 1, 16][..], &kid].concat()
}
fn group_clear() -> Vec<u8> {
    vec![0; 20]
}
fn group_constant(kid: [u8; 16]) -> Vec<u8> {
    [&[0, 0x19, 1, 0][..], &kid, &[8], &[9; 8]].concat()
}

/// `sgpd` of version 1 with a length for each entry.
fn sgpd(entries: &[Vec<u8>]) -> Vec<u8> {
    let listed: Vec<u8> = entries.iter().flat_map(|entry| [&be(entry.len() as u32)[..], entry].concat()).collect();
    full(b"sgpd", 1, 0, &[b"seig", &be(0), &be(entries.len() as u32), &listed])
}

fn sbgp(runs: &[[u32; 2]]) -> Vec<u8> {
    full(b"sbgp", 0, 0, &[b"seig", &be(runs.len() as u32), &words(runs.as_flattened())])
}

const LOCAL: u32 = 0x1_0000;

// What senc says.

#[test]
fn each_sample_has_its_vector_and_its_subsamples() {
    // Trap 10: a protected range of no bytes, and one that is no multiple of 16.
    let init = movie(b"cenc", &tenc(8));
    let lists = [subsamples(&[(10, 30), (15, 0)]), subsamples(&[(0, 7)])];
    let senc = senc(2, 2, &[&[1; 8], &lists[0], &[2; 8], &lists[1]]);
    let found = encryption(&init, &[60, 7], &[&senc]);
    let [Some(first), Some(second)] = samples(&found)[..] else { panic!("two protected samples") };
    assert_eq!(
        (first.scheme, first.kid, first.iv),
        (Scheme::Cenc, KeyId(TRACK), [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    );
    assert_eq!(first.subsamples, [Subsample { clear: 10, protected: 30 }, Subsample { clear: 15, protected: 0 }]);
    assert_eq!((second.iv[0], second.subsamples), (2, &[Subsample { clear: 0, protected: 7 }][..]));
    assert_eq!(found.key_ids(), [KeyId(TRACK)]);
}

#[test]
fn vectors_of_16_bytes_without_subsamples_protect_whole_samples() {
    let init = movie(b"cbc1", &tenc(16));
    let vector: Vec<u8> = (0..16).collect();
    let found = encryption(&init, &[60], &[&senc(0, 1, &[&vector])]);
    let [Some(only)] = samples(&found)[..] else { panic!("a protected sample") };
    assert_eq!((only.scheme, &only.iv[..], only.subsamples), (Scheme::Cbc1, &vector[..], &[][..]));
}

#[test]
fn an_empty_senc_is_complete_where_all_samples_have_one_vector() {
    // Trap 1; and so is none at all.
    let init = movie(b"cbcs", &tenc_constant());
    for boxes in [vec![senc(0, 3, &[])], vec![senc(0, 0, &[])], vec![]] {
        let boxes: Vec<&[u8]> = boxes.iter().map(Vec::as_slice).collect();
        let found = encryption(&init, &[60, 5, 0], &boxes);
        for how in samples(&found) {
            let how = how.expect("protected");
            assert_eq!((how.scheme, how.iv, how.crypt_blocks, how.skip_blocks), (Scheme::Cbcs, [7; 16], 1, 9));
            assert!(how.subsamples.is_empty());
        }
    }
}

#[test]
fn schemes_without_a_pattern_have_none_whatever_their_group_says() {
    let init = movie(b"cenc", &tenc(8));
    let group = [&[0, 0x19, 1, 8][..], &GROUP].concat();
    let found = encryption(&init, &[60], &[&sbgp(&[[1, LOCAL + 1]]), &sgpd(&[group]), &senc(0, 1, &[&[1; 8]])]);
    let how = samples(&found)[0].expect("protected");
    assert_eq!((how.crypt_blocks, how.skip_blocks), (0, 0));
}

// Where else it may stand.

#[test]
fn without_senc_saio_leads_anywhere_into_the_media_too() {
    // Trap 2.
    let init = movie(b"cenc", &tenc(8));
    let entries = [[1; 8].to_vec(), [&[2; 8][..], &subsamples(&[(1, 4), (0, 1)])].concat()];
    let info = entries.concat();
    let sizes = saiz(0, &[entries[0].len() as u8, entries[1].len() as u8], 2);
    let wide = |at: u32| full(b"saio", 1, 0, &[&be(1), &be64(at.into())]);
    let typed = |kind: &[u8; 4], default: u8, at: u32| {
        let size = full(b"saiz", 0, 1, &[kind, &be(0), &[default], &be(2), &[8, 22]]);
        let size = if default == 0 { size } else { full(b"saiz", 0, 1, &[kind, &be(0), &[default], &be(2)]) };
        [size, full(b"saio", 0, 1, &[kind, &be(0), &words(&[1, at])])].concat()
    };
    let ways: [&dyn Fn(u32) -> Vec<u8>; 4] = [
        &|media| [sizes.clone(), saio(&[media])].concat(),
        &|media| [wide(media), sizes.clone()].concat(),
        &|media| typed(b"cenc", 0, media),
        // Information about something else, side by side.
        &|media| [typed(b"misc", 3, 9), typed(b"cenc", 0, media)].concat(),
    ];
    for boxes in ways {
        let fragment = read_with(&init, resource(&tfhd(BASE_IS_MOOF, &[]), &[&[60, 6]], boxes, &info));
        let found = fragment.encryption(&init).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(brief(&found), [Some((1, TRACK)), Some((2, TRACK))]);
        let second = samples(&found)[1].expect("protected");
        assert_eq!(second.subsamples, [Subsample { clear: 1, protected: 4 }, Subsample { clear: 0, protected: 1 }]);
    }
}

#[test]
fn saio_may_lead_to_each_run_by_itself() {
    // Trap 2. The information of the second run stands first.
    let init = movie(b"cenc", &tenc(8));
    let info = [[3; 8], [1; 8], [2; 8]].concat();
    let boxes = |media: u32| [saiz(8, &[], 3), saio(&[media + 8, media])].concat();
    let fragment = read_with(&init, resource(&tfhd(BASE_IS_MOOF, &[]), &[&[20, 20], &[20]], boxes, &info));
    let found = fragment.encryption(&init).expect("valid");
    assert_eq!(brief(&found), [Some((1, TRACK)), Some((2, TRACK)), Some((3, TRACK))]);
}

#[test]
fn saio_counts_from_the_base_data_offset_where_there_is_one() {
    // Trap 2. The resource begins at 5,000, the base is 4,000.
    let init = movie(b"cenc", &tenc(8));
    let head = tfhd(1, &be64(4000));
    let make = |media: u32| {
        let run = trun_of(&[20], 1000 + media + 8);
        moof(1, &[&boxed(b"traf", &[&head, &tfdt(0), &saiz(8, &[], 1), &saio(&[1000 + media]), &run])])
    };
    let media = make(0).len() as u32 + 8;
    let fragment = read_with(&init, [make(media), boxed(b"mdat", &[&[5; 8], &[0; 20]])].concat());
    assert_eq!(brief(&fragment.encryption(&init).expect("valid")), [Some((5, TRACK))]);
}

#[test]
fn senc_is_believed_before_saio_unless_it_is_empty() {
    let init = movie(b"cenc", &tenc(8));
    let info = [6; 8];
    for (senc, vector) in [(senc(0, 1, &[&[1; 8]]), 1), (senc(0, 1, &[]), 6), (senc(0, 0, &[]), 6)] {
        let boxes = |media: u32| [senc.clone(), saiz(8, &[], 1), saio(&[media])].concat();
        let fragment = read_with(&init, resource(&tfhd(BASE_IS_MOOF, &[]), &[&[20]], boxes, &info));
        assert_eq!(brief(&fragment.encryption(&init).expect("valid")), [Some((vector, TRACK))]);
    }
}

// Groups.

#[test]
fn an_init_that_says_not_protected_does_not_make_samples_clear() {
    // Traps 3 and 4.
    let init = movie(b"cenc", &full(b"tenc", 0, 0, &[&[0, 0, 0, 8], &[0; 16]]));
    let boxes = [sbgp(&[[100, LOCAL + 1]]), sgpd(&[group_8(GROUP)]), senc(0, 2, &[&[1; 8], &[2; 8]])].concat();
    let found = encryption(&init, &[20, 20], &[&boxes]);
    assert_eq!(brief(&found), [Some((1, GROUP)), Some((2, GROUP))]);
    assert_eq!(found.key_ids(), [KeyId(GROUP)]);
    // And without a group they are.
    assert!(encryption(&init, &[20, 20], &[]).is_clear());
}

#[test]
fn group_indexes_are_of_the_track_or_of_the_fragment_or_of_none() {
    // Trap 4. Trap 12: the size of a vector is that of the sample's own group.
    let tables = sgpd(&[group_16(OTHER), group_clear()]);
    let init = movie_of(&[&encv(b"cenc", &tenc(8))], tables, 1);
    let boxes = [
        sgpd(&[group_clear(), group_16(GROUP)]),
        sbgp(&[[1, 1], [1, 0], [0, 9999], [2, LOCAL + 2], [1, 2], [1, LOCAL + 1]]),
        senc(0, 4, &[&[1; 16], &[2; 8], &[3; 16], &[4; 16]]),
    ];
    let found = encryption(&init, &[20; 6], &[&boxes.concat()]);
    let expected = [Some((1, OTHER)), Some((2, TRACK)), Some((3, GROUP)), Some((4, GROUP)), None, None];
    assert_eq!(brief(&found), expected);
    assert_eq!(samples(&found)[1].expect("protected").iv[8..], [0; 8]);
    assert_eq!(found.key_ids(), [KeyId(TRACK), KeyId(GROUP), KeyId(OTHER)]);
}

#[test]
fn other_groupings_side_by_side_are_no_encryption() {
    // Trap 6.
    let init = movie(b"cenc", &tenc(8));
    let roll = [
        full(b"sbgp", 0, 0, &[b"roll", &words(&[1, 2, LOCAL + 1])]),
        full(b"sgpd", 1, 0, &[b"roll", &be(2), &be(1), &[0xff, 0xff]]),
        full(b"sbgp", 1, 0, &[b"rap ", &be(0), &words(&[1, 2, 1])]),
    ]
    .concat();
    let seig = [sbgp(&[[2, LOCAL + 1]]), sgpd(&[group_8(GROUP)])].concat();
    let senc = senc(0, 2, &[&[1; 8], &[2; 8]]);
    for boxes in [[&roll[..], &seig], [&seig, &roll]] {
        let found = encryption(&init, &[20, 20], &[&boxes.concat(), &senc]);
        assert_eq!(brief(&found), [Some((1, GROUP)), Some((2, GROUP))]);
    }
    assert_eq!(brief(&encryption(&init, &[20, 20], &[&roll, &senc])), [Some((1, TRACK)), Some((2, TRACK))]);
}

#[test]
fn protection_may_go_off_and_on_inside_a_fragment() {
    // Trap 5. Whether the clear sample has an entry is not agreed on: all three ways are in use.
    let init = movie(b"cenc", &tenc(8));
    let groups = [sbgp(&[[1, 0], [1, LOCAL + 1], [1, LOCAL + 2]]), sgpd(&[group_clear(), group_8(GROUP)])].concat();
    let list = subsamples(&[(4, 16)]);
    let clear = subsamples(&[(20, 0)]);
    let entry = |vector: u8| [&[vector; 8][..], &list].concat();
    let size = entry(0).len() as u8;
    for boxes in [
        senc(2, 2, &[&entry(1), &entry(2)]),
        senc(2, 3, &[&entry(1), &entry(2)]),
        senc(2, 3, &[&entry(1), &clear, &entry(2)]),
        [saiz(0, &[size, 0, size], 3), saio(&[0]), senc(2, 3, &[&entry(1), &entry(2)])].concat(),
        [saiz(0, &[size, 13, size], 3), saio(&[0]), senc(2, 3, &[&entry(1), &[9; 13], &entry(2)])].concat(),
    ] {
        let found = encryption(&init, &[20; 3], &[&groups, &boxes]);
        assert_eq!(brief(&found), [Some((1, TRACK)), None, Some((2, GROUP))]);
        assert_eq!(samples(&found)[2].expect("protected").subsamples, [Subsample { clear: 4, protected: 16 }]);
    }
    let info = [entry(1), entry(2)].concat();
    let located = |media: u32| [&groups[..], &saiz(0, &[size, 0, size], 3), &saio(&[media])].concat();
    let fragment = read_with(&init, resource(&tfhd(BASE_IS_MOOF, &[]), &[&[20; 3]], located, &info));
    let found = fragment.encryption(&init).expect("valid");
    assert_eq!(brief(&found), [Some((1, TRACK)), None, Some((2, GROUP))]);
}

#[test]
fn every_version_of_a_group_description_is_read() {
    let init = movie(b"cbcs", &tenc_constant());
    let entries = [group_constant(GROUP), group_constant(OTHER)];
    let [first, second] = &entries;
    let length = be(first.len() as u32);
    for (what, box_) in [
        ("version 0", full(b"sgpd", 0, 0, &[b"seig", &be(2), first, second])),
        ("version 1, one length", full(b"sgpd", 1, 0, &[b"seig", &length, &be(2), first, second])),
        ("version 1, lengths", sgpd(&entries)),
        ("version 2, one length", full(b"sgpd", 2, 0, &[b"seig", &length, &be(1), &be(2), first, second])),
        (
            "version 2, lengths",
            full(b"sgpd", 2, 0, &[b"seig", &be(0), &be(1), &be(2), &length, first, &length, second]),
        ),
        ("version 2 of 2012", full(b"sgpd", 2, 0, &[b"seig", &be(1), &be(2), first, second])),
    ] {
        // The last sample is in no run: the default of version 2 is the first entry.
        let found = encryption(&init, &[20, 20, 20], &[&sbgp(&[[1, LOCAL + 2], [1, 0]]), &box_]);
        let last = if what.starts_with("version 2") { (9, GROUP) } else { (7, TRACK) };
        assert_eq!(brief(&found), [Some((9, OTHER)), Some((7, TRACK)), Some(last)], "{what}");
        assert_eq!(samples(&found)[0].expect("protected").iv[8..], [0; 8], "{what}");
    }
    // A default of the track's own description.
    let tables = full(b"sgpd", 2, 0, &[b"seig", &length, &be(2), &be(2), first, second]);
    let init = movie_of(&[&encv(b"cbcs", &tenc_constant())], tables, 1);
    assert_eq!(brief(&encryption(&init, &[20], &[])), [Some((9, OTHER))]);
}

// The sample description.

#[test]
fn a_clear_lead_is_chosen_by_the_fragment_else_by_the_movie() {
    // Trap 7.
    let secret = encv(b"cenc", &tenc(8));
    let clear = visual(b"avc1", &avcc());
    let senc = senc(0, 1, &[&[1; 8]]);
    for (default, stated, protected) in [(2, None, false), (1, None, true), (1, Some(2), false), (2, Some(1), true)] {
        let init = movie_of(&[&secret, &clear], Vec::new(), default);
        let head = match stated {
            Some(index) => tfhd(BASE_IS_MOOF | 2, &be(index)),
            None => tfhd(BASE_IS_MOOF, &[]),
        };
        let fragment = read_with(&init, resource(&head, &[&[20]], |_| senc.clone(), &[]));
        let found = fragment.encryption(&init).expect("valid");
        assert_eq!((found.is_clear(), brief(&found)[0].is_some()), (!protected, protected));
    }
}

#[test]
fn the_scheme_is_that_of_the_chosen_description() {
    let init = movie_of(&[&encv(b"cenc", &tenc(8)), &encv(b"cbcs", &tenc_constant())], Vec::new(), 1);
    let scheme = |index: u32, boxes: Vec<u8>| {
        let head = tfhd(BASE_IS_MOOF | 2, &be(index));
        let fragment = read_with(&init, resource(&head, &[&[20]], |_| boxes.clone(), &[]));
        samples(&fragment.encryption(&init).expect("valid"))[0].expect("protected").scheme
    };
    assert_eq!(scheme(1, senc(0, 1, &[&[1; 8]])), Scheme::Cenc);
    assert_eq!(scheme(2, vec![]), Scheme::Cbcs);
}

#[test]
fn a_fragment_of_a_clear_track_is_clear_without_a_look() {
    let init = movie_of(&[&visual(b"avc1", &avcc())], Vec::new(), 1);
    let found = encryption(&init, &[20, 20], &[&full(b"senc", 9, 0, &[b"rubbish"])]);
    assert!(found.is_clear() && found.key_ids().is_empty());
    assert_eq!(samples(&found), []);
}

// PIFF.

mod piff {
    use super::*;

    pub(super) const SENC: [u8; 16] =
        [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];
    const TENC: [u8; 16] =
        [0x89, 0x74, 0xdb, 0xce, 0x7b, 0xe7, 0x4c, 0x51, 0x84, 0xf9, 0x71, 0x48, 0xf9, 0x88, 0x25, 0x54];
    pub(super) const PSSH: [u8; 16] =
        [0xd0, 0x8a, 0x4f, 0x18, 0x10, 0xf3, 0x4a, 0x82, 0xb6, 0xc8, 0x32, 0xd8, 0xab, 0xa1, 0x83, 0xd3];

    pub(super) fn uuid(kind: &[u8; 16], flags: u32, parts: &[&[u8]]) -> Vec<u8> {
        boxed(b"uuid", &[&[kind, &be(flags)[..]], parts].concat())
    }

    pub(super) fn movie(algorithm: u8, size: u8) -> InitSegment {
        super::movie(b"piff", &uuid(&TENC, 0, &[&[0, 0, algorithm, size], &TRACK]))
    }

    #[test]
    fn its_boxes_are_read_as_those_that_they_became() {
        // Trap 17.
        let senc = |vector: &[u8]| uuid(&SENC, 2, &[&be(1), vector, &subsamples(&[(2, 16)])]);
        for (algorithm, size, scheme) in [(1, 8, Scheme::Cenc), (2, 16, Scheme::Cbc1)] {
            let init = movie(algorithm, size);
            assert_eq!(&init.tracks[0].encryption.as_ref().expect("protected").scheme, scheme.name().as_bytes());
            let found = encryption(&init, &[20], &[&senc(&vec![4; size.into()])]);
            let how = samples(&found)[0].expect("protected");
            assert_eq!((how.scheme, how.kid, how.iv[0]), (scheme, KeyId(TRACK), 4));
            assert_eq!(how.subsamples, [Subsample { clear: 2, protected: 16 }]);
        }
    }

    #[test]
    fn its_senc_may_replace_algorithm_vector_size_and_key() {
        // Trap 17, and Common Encryption files that kept the flag.
        let init = movie(1, 8);
        let parts =
            |algorithm: u8, size: u8| [&[0, 0, algorithm, size][..], &GROUP, &be(1), &vec![4; size.into()]].concat();
        let replaced = |algorithm, size| {
            let parts = parts(algorithm, size);
            [uuid(&SENC, 1, &[&parts]), full(b"senc", 0, 1, &[&parts])].map(|box_| {
                let found = encryption(&init, &[20], &[&box_]);
                samples(&found)[0].map(|how| (how.scheme, how.kid.0, how.iv))
            })
        };
        let short = [4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(replaced(1, 8), [Some((Scheme::Cenc, GROUP, short)); 2]);
        assert_eq!(replaced(2, 16), [Some((Scheme::Cbc1, GROUP, [4; 16])); 2]);
        assert_eq!(replaced(0, 8), [None; 2]);
        let (code, path, message) = refused(&init, &[20], &[&uuid(&SENC, 1, &[&parts(3, 8)])]);
        assert_eq!((code, path.as_str()), (ErrorCode::CodecUnsupported, "moof/traf/uuid"));
        assert!(message.contains("algorithm 3"), "{message}");
    }

    #[test]
    fn its_pssh_is_handed_on_as_one() {
        let content = [&[5; 16][..], &be(3), b"abc"].concat();
        let pssh = full(b"pssh", 0, 0, &[&content]);
        let moov = boxed(b"moov", &[&mvhd(), &Trak::default().bytes(), &mvex(&[]), &uuid(&PSSH, 0, &[&content])]);
        let movie = init(&read(moov).expect("valid")).clone();
        assert_eq!(movie.pssh, [&pssh[..]]);
        let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0)]);
        let fragment = read_with(&movie, moof(1, &[&traf, &uuid(&PSSH, 0, &[&content]), &uuid(&SENC, 0, &[])]));
        assert_eq!(fragment.pssh, [&pssh[..]]);
    }
}

// What is wrong, and where.

#[test]
fn samples_whose_vectors_are_missing_are_an_error_that_says_what_is_missing() {
    // Trap 16: what ffmpeg 5.1 makes.
    let init = movie(b"cenc", &tenc(8));
    let kid = KeyId(TRACK).to_string();
    for (boxes, what) in [
        (vec![], "neither senc nor saiz and saio"),
        (senc(0, 1, &[]), "an empty senc"),
        (senc(0, 0, &[]), "an empty senc"),
        (saiz(8, &[], 1), "saiz without saio"),
        (saio(&[0]), "saio without saiz"),
    ] {
        let (code, path, message) = refused(&init, &[20], &[&boxes]);
        assert_eq!((code, path.as_str()), (ErrorCode::ContainerSyntax, "moof/traf"));
        assert!(message.contains(what) && message.contains("cenc") && message.contains(&kid), "{message}");
    }
    // Where the vector is known the protected ranges may be missing.
    let init = movie(b"cbcs", &tenc_constant());
    let (_, _, message) = refused(&init, &[20], &[&saiz(8, &[], 1)]);
    assert!(message.contains("protected ranges are missing"), "{message}");
}

#[test]
fn contradictions_are_refused_with_their_place() {
    let init = movie(b"cenc", &tenc(8));
    let groups = |index: u32| [sbgp(&[[2, index]]), sgpd(&[group_clear(), group_8(GROUP)])].concat();
    for (boxes, path, message) in [
        (senc(0, 3, &[&[0; 24]]), "senc", "3 entries for 2 samples"),
        (senc(0, 1, &[&[0; 8]]), "senc", "1 entries for 2 samples"),
        (senc(0, u32::MAX, &[&[0; 8]]), "senc", "entries for 2 samples"),
        (senc(0, 2, &[&[0; 15]]), "senc", "within the entry of sample 1"),
        (senc(2, 2, &[&[0; 8], &[0xff, 0xff]]), "senc", "within the entry of sample 0"),
        (
            senc(2, 2, &[&[0; 8], &subsamples(&[(5, 16)]), &[0; 8], &[0, 0]]),
            "senc",
            "21 bytes in sample 0, which has 20",
        ),
        (senc(2, 2, &[&[0; 8], &subsamples(&[(5, u32::MAX), (0, u32::MAX)]), &[0; 10]]), "senc", "which has 20"),
        ([saiz(8, &[], 3), saio(&[0])].concat(), "saiz", "sizes for 3 samples, of which there are 2"),
        ([saiz(0, &[8], 2), saio(&[0])].concat(), "saiz", "ends within its fields"),
        ([saiz(7, &[], 2), saio(&[0])].concat(), "saio", "7 bytes are no information of sample 0"),
        ([saiz(11, &[], 2), saio(&[0])].concat(), "saio", "11 bytes are no information of sample 0"),
        ([saiz(8, &[], 1), saio(&[0])].concat(), "saio", "0 bytes are no information of sample 1"),
        ([saiz(8, &[], 2), saio(&[u32::MAX])].concat(), "saio", "lies outside the fragment"),
        ([saiz(8, &[], 2), full(b"saio", 1, 0, &[&be(1), &be64(u64::MAX)])].concat(), "saio", "lies outside"),
        ([saiz(8, &[], 2), saio(&[])].concat(), "saio", "0 offsets lead to 0 of 2 samples"),
        ([saiz(8, &[], 2), saio(&[0, 0])].concat(), "saio", "2 offsets for 1 runs"),
        (groups(LOCAL + 3), "sbgp", "encryption group 0x10003, but the track fragment describes 2 groups"),
        (groups(LOCAL), "sbgp", "encryption group 0x10000, but the track describes 0 groups"),
        (groups(1), "sbgp", "the track describes 0 groups"),
        ([groups(0), sbgp(&[])].concat(), "sbgp", "a second box for the same grouping"),
        (full(b"sbgp", 0, 0, &[b"seig", &be(u32::MAX)]), "sbgp", "ends within its fields"),
        (full(b"sgpd", 1, 0, &[b"seig", &be(19), &be(1), &group_clear()]), "sgpd", "19 bytes for an entry of 20"),
        (full(b"sgpd", 0, 0, &[b"seig", &be(u32::MAX), &group_clear()]), "sgpd", "ends within its fields"),
        (full(b"sgpd", 1, 0, &[b"seig", &be(20), &be(1), &[0, 0, 1, 9], &[0; 16]]), "sgpd", "vector of 9 bytes"),
    ] {
        let (code, found, text) = refused(&init, &[20, 20], &[&boxes]);
        assert_eq!((code, found), (ErrorCode::ContainerSyntax, format!("moof/traf/{path}")), "{text}");
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_not_guessed() {
    let init = movie(b"cenc", &tenc(8));
    for (boxes, message) in [
        (full(b"senc", 1, 0, &[&be(1), &[0; 8]]), "version 1 of senc"),
        (full(b"csgp", 0, 0, &[b"seig", &be(0)]), "compact sample groups"),
        (sgpd(&[[&[0x80, 0, 1, 8][..], &GROUP].concat()]), "several keys"),
    ] {
        let (code, _, text) = refused(&init, &[20], &[&boxes]);
        assert_eq!(code, ErrorCode::CodecUnsupported);
        assert!(text.contains(message), "{text}");
    }
    let (code, path, text) = refused(&movie(b"abcd", &tenc(8)), &[20], &[]);
    assert_eq!(
        (code, path.as_str(), text.as_str()),
        (ErrorCode::CodecUnsupported, "moof/traf", "protection scheme abcd")
    );
    let zero = full(b"tenc", 1, 0, &[&[0, 0x09, 1, 0], &TRACK, &[16], &[7; 16]]);
    let (code, _, text) = refused(&movie(b"cbcs", &zero), &[20], &[]);
    assert!(code == ErrorCode::ContainerSyntax && text.contains("0 encrypted to 9 clear"), "{text}");
}

#[test]
fn a_description_or_a_track_that_is_not_there_is_an_error() {
    let init = movie(b"cenc", &tenc(8));
    for index in [0, 2, u32::MAX] {
        let head = tfhd(BASE_IS_MOOF | 2, &be(index));
        let fragment = read_with(&init, resource(&head, &[&[20]], |_| vec![], &[]));
        let (code, path, message) = refused_fragment(&init, &fragment);
        assert_eq!((code, path.as_str()), (ErrorCode::ContainerSyntax, "moof/traf"));
        assert!(message.contains(&format!("sample description {index} of 1")), "{message}");
    }
    let other = movie_of(&[&encv(b"cenc", &tenc(8))], Vec::new(), 1);
    let mut strange = fragment(&other, &[20], &[&senc(0, 1, &[&[1; 8]])]);
    strange.tracks[0].track_id = 9;
    assert_eq!(strange.encryption(&other).expect_err("no track 9").code(), ErrorCode::InitMissing);
}

#[test]
fn samples_that_share_their_bytes_over_and_over_are_refused() {
    let init = movie(b"cbcs", &tenc_constant());
    let make = |media: u32| {
        let runs: Vec<u8> = (0..50).flat_map(|_| trun_of(&[1000], media)).collect();
        moof(1, &[&boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &runs])])
    };
    let media = make(0).len() as u32 + 8;
    let fragment = read_with(&init, [make(media), boxed(b"mdat", &[&[0; 1000]])].concat());
    let (code, _, message) = refused_fragment(&init, &fragment);
    assert!(code == ErrorCode::ContainerSyntax && message.contains("they overlap"), "{message}");
}
