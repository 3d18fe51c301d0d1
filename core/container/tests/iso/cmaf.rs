//! The rules of `CmafChecker`, one by one.

use crate::support::*;
use telecine_container::CmafChecker;

/// The rules that a file breaks.
fn broken(file: Vec<u8>) -> Vec<String> {
    let mut checker = CmafChecker::new();
    read(file).expect("valid").iter().flat_map(|unit| checker.check(unit)).map(|warning| warning.rule).collect()
}

fn header(brand: &[u8; 4], trak: &Trak) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[brand, &be(0), b"iso6"]);
    let moov = boxed(b"moov", &[&mvhd(), &trak.bytes(), &mvex(&[[1, 10, 4, 0]])]);
    [ftyp, moov].concat()
}

/// A fragment of track 1 with these boxes in its `traf`; `run` gets the place of the media.
fn fragment(run: impl Fn(i32) -> Vec<u8>, media: &[u8]) -> Vec<u8> {
    let make = |at| moof(9, &[&boxed(b"traf", &[&run(at)])]);
    let at = make(0).len() as i32 + 8;
    [make(at), boxed(b"mdat", &[media])].concat()
}

#[test]
fn a_clean_track_breaks_no_rule() {
    let file = [simple_init(), simple_fragment(1, 0, 2), simple_fragment(2, 20, 2)].concat();
    assert_eq!(broken(file), [] as [&str; 0]);
}

#[test]
fn c001_the_header_needs_a_cmaf_brand() {
    assert_eq!(broken(header(b"mp42", &Trak::default())), ["C001"]);
    assert_eq!(broken(header(b"cmf2", &Trak::default())), [] as [&str; 0]);
}

#[test]
fn c002_c003_the_header_needs_mvex_with_a_trex() {
    let ftyp = boxed(b"ftyp", &[b"cmfc", &be(0)]);
    let trak = Trak::default().bytes();
    let plain = boxed(b"moov", &[&mvhd(), &trak]);
    assert_eq!(broken([&ftyp[..], &plain].concat()), ["C002"]);
    let other = boxed(b"moov", &[&mvhd(), &trak, &mvex(&[[2, 0, 0, 0]])]);
    assert_eq!(broken([ftyp, other].concat()), ["C003"]);
}

#[test]
fn c004_c010_a_header_has_one_track_and_a_fragment_one_traf() {
    let ftyp = boxed(b"ftyp", &[b"cmfc", &be(0)]);
    let second = Trak { id: 2, ..Trak::default() };
    let traks = [Trak::default().bytes(), second.bytes()].concat();
    let moov = boxed(b"moov", &[&mvhd(), &traks, &mvex(&[[1, 10, 4, 0], [2, 10, 4, 0]])]);
    assert_eq!(broken([ftyp, moov].concat()), ["C004"]);

    let make = |at| {
        let traf = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &trun(1, at)]);
        let more = boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(10), &trun(1, at + 4)]);
        moof(1, &[&traf, &more])
    };
    let at = make(0).len() as i32 + 8;
    let file = [simple_init(), make(at), boxed(b"mdat", &[&[0; 8]])].concat();
    assert_eq!(broken(file), ["C010"]);
}

#[test]
fn c005_an_edit_list_only_shifts_the_start() {
    let with = |brand, rows: &[u32]| {
        let elst = full(b"elst", 0, 0, &[&be(rows.len() as u32 / 3), &words(rows)]);
        let trak = Trak { edts: boxed(b"edts", &[&elst]), ..Trak::default() };
        broken(header(brand, &trak))
    };
    let rate = 0x1_0000;
    assert_eq!(with(b"cmfc", &[0, 20, rate]), [] as [&str; 0]);
    assert_eq!(with(b"cmf2", &[0, 20, rate]), ["C005"]);
    assert_eq!(with(b"cmfc", &[500, u32::MAX, rate, 0, 0, rate]), ["C005"], "a pause");
    assert_eq!(with(b"cmfc", &[500, 0, rate]), ["C005"], "an end");
    assert_eq!(with(b"cmfc", &[0, 0, 2 * rate]), ["C005"], "a rate");
}

#[test]
fn c006_c007_hx18_a_header_lists_no_samples_and_leads_to_no_other_file() {
    let trak = Trak { tables: full(b"stsz", 0, 0, &[&words(&[1, 3])]), ..Trak::default() };
    assert_eq!(broken(header(b"cmfc", &trak)), ["C006"]);
    let dref = |flags| {
        let url = full(b"url ", 0, flags, &[]);
        let trak = Trak { dinf: boxed(b"dinf", &[&full(b"dref", 0, 0, &[&be(1), &url])]), ..Trak::default() };
        broken(header(b"cmfc", &trak))
    };
    assert_eq!(dref(1), [] as [&str; 0]);
    assert_eq!(dref(0), ["C007"]);
}

#[test]
fn c008_h135_every_traf_needs_tfdt() {
    let bare = fragment(|at| [tfhd(BASE_IS_MOOF, &[]), trun(1, at)].concat(), &[0; 4]);
    assert_eq!(broken([simple_init(), bare].concat()), ["C008"]);
}

#[test]
fn c009_h135_offsets_count_from_the_moof() {
    let legacy = fragment(|at| [tfhd(0, &[]), tfdt(0), trun(1, at)].concat(), &[0; 4]);
    assert_eq!(broken([simple_init(), legacy].concat()), ["C009"]);
}

#[test]
fn c011_c012_one_mdat_directly_behind_the_moof_is_filled_by_the_samples() {
    let run = |skip: i32| move |at: i32| [tfhd(BASE_IS_MOOF, &[]), tfdt(0), trun(1, at + skip)].concat();
    let loose = fragment(run(0), &[0; 5]);
    assert_eq!(broken([simple_init(), loose].concat()), ["C012"]);
    let mut apart = fragment(run(8), &[0; 4]);
    let mdat = apart.len() - 12;
    apart.splice(mdat..mdat, boxed(b"free", &[]));
    assert_eq!(broken([simple_init(), apart].concat()), ["C011"]);
}

#[test]
fn c013_a_segment_of_video_starts_with_a_sync_sample() {
    let video = Trak { handler: *b"vide", stsd: stsd(&[&boxed(b"vvc1", &[&[0; 78]])]), ..Trak::default() };
    let delta = |time: u32| {
        let header = tfhd(BASE_IS_MOOF | 0x20, &be(0x101_0000));
        fragment(move |at| [header.clone(), tfdt(time), trun(1, at)].concat(), &[0; 4])
    };
    let styp = |brand: &[u8; 4]| boxed(b"styp", &[b"msdh", &be(0), brand]);
    let file = |parts: &[&[u8]]| [header(b"cmfc", &video), parts.concat()].concat();
    let rules = |parts: &[&[u8]]| {
        let mut rules = broken(file(parts));
        rules.retain(|rule| rule == "C013");
        rules.len()
    };
    assert_eq!(rules(&[&delta(0)]), 1, "the first of all");
    let key = simple_fragment(9, 0, 1);
    assert_eq!(rules(&[&key, &delta(10)]), 0, "a chunk inside a segment");
    assert_eq!(rules(&[&key, &styp(b"cmfl"), &delta(10)]), 0, "a chunk that says so");
    assert_eq!(rules(&[&key, &styp(b"cmfs"), &delta(10)]), 1, "a segment that says so");

    // Where nothing in the bytes says it, the caller does.
    let mut checker = CmafChecker::new();
    let mut found = Vec::new();
    for unit in read(file(&[&key, &delta(10)])).expect("valid") {
        checker.begin_segment();
        found.extend(checker.check(&unit).into_iter().map(|warning| warning.rule));
    }
    assert!(found.contains(&"C013".to_owned()));
}

#[test]
fn c014_c015_fragments_follow_each_other_in_time_and_number() {
    let file = |sequence, time| [simple_init(), simple_fragment(5, 0, 2), simple_fragment(sequence, time, 2)].concat();
    assert_eq!(broken(file(6, 21)), ["C014"]);
    assert_eq!(broken(file(6, 19)), ["C014"]);
    assert_eq!(broken(file(5, 20)), ["C015"]);

    let mut checker = CmafChecker::new();
    let mut found = Vec::new();
    for unit in read(file(1, 7000)).expect("valid") {
        checker.discontinuity();
        found.extend(checker.check(&unit));
    }
    assert_eq!(found, [], "behind a discontinuity neither is compared");
}

#[test]
fn c016_a_fragment_has_samples() {
    let empty = fragment(|_| [tfhd(BASE_IS_MOOF, &[]), tfdt(0)].concat(), &[]);
    assert_eq!(broken([simple_init(), empty].concat()), ["C016"]);
}

#[test]
fn c017_under_cmf2_composition_starts_with_decoding() {
    let shifted = fragment(
        |at| {
            let run = full(b"trun", 1, 0x801, &[&words(&[1, at as u32, 10])]);
            [tfhd(BASE_IS_MOOF, &[]), tfdt(0), run].concat()
        },
        &[0; 4],
    );
    let file = |brand| [header(brand, &Trak::default()), shifted.clone()].concat();
    assert_eq!(broken(file(b"cmf2")), ["C017"]);
    assert_eq!(broken(file(b"cmfc")), [] as [&str; 0]);
}

#[test]
fn c018_the_sample_description_exists() {
    let second = fragment(|at| [tfhd(BASE_IS_MOOF | 2, &be(2)), tfdt(0), trun(1, at)].concat(), &[0; 4]);
    assert_eq!(broken([simple_init(), second].concat()), ["C018"]);
}

#[test]
fn what_ffmpeg_calls_cmaf_breaks_no_rule() {
    let mut checker = CmafChecker::new();
    let warnings: Vec<_> =
        read(data("cmaf_sidx.mp4")).expect("valid").iter().flat_map(|unit| checker.check(unit)).collect();
    assert_eq!(warnings, []);
}
