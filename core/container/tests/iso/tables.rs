//! Files without fragments: samples from the tables of `moov`.

use crate::support::*;
use bytes::Bytes;
use telecine_container::{read_file, Media};
use telecine_model::{Error, ErrorCode, Limits};

/// A file whose media comes first, so that chunks have known places: `mdat` payload at byte 8.
fn file(media: &[u8], tables: &[&[u8]]) -> Bytes {
    let trak = Trak { tables: tables.concat(), ..Trak::default() };
    [boxed(b"mdat", &[media]), boxed(b"moov", &[&mvhd(), &trak.bytes()])].concat().into()
}

fn try_open(media: &[u8], tables: &[&[u8]]) -> Result<Media, Error> {
    read_file(file(media, tables), None, &Limits::default())
}

fn open(media: &[u8], tables: &[&[u8]]) -> Media {
    try_open(media, tables).expect("valid")
}

fn table(kind: &[u8; 4], rows: &[&[u32]]) -> Vec<u8> {
    full(kind, 0, 0, &[&be(rows.len() as u32), &words(&rows.concat())])
}

fn sizes(values: &[u32]) -> Vec<u8> {
    full(b"stsz", 0, 0, &[&words(&[0, values.len() as u32]), &words(values)])
}

/// Size and offset of every sample of the first track.
fn places(media: &Media) -> Vec<(u32, u64)> {
    media.tracks[0].samples.iter().map(|sample| (sample.size, sample.offset)).collect()
}

#[test]
fn chunks_hold_as_many_samples_as_the_runs_of_stsc_say() {
    let media = open(
        &[0; 20],
        &[
            &table(b"stts", &[&[5, 10]]),
            &table(b"stsc", &[&[1, 2, 1], &[2, 1, 1]]),
            &sizes(&[1, 2, 3, 4, 5]),
            &table(b"stco", &[&[8], &[20], &[13], &[9]]),
        ],
    );
    assert_eq!(places(&media), [(1, 8), (2, 9), (3, 20), (4, 13), (5, 9)]);
    assert_eq!(media.sample(&media.tracks[0].samples[0]), Some(vec![0].into()));
}

#[test]
fn chunk_offsets_of_64_bits_are_read() {
    let co64 = full(b"co64", 0, 0, &[&be(1), &be64(9)]);
    let media = open(&[0; 4], &[&table(b"stts", &[&[1, 10]]), &table(b"stsc", &[&[1, 1, 1]]), &sizes(&[3]), &co64]);
    assert_eq!(places(&media), [(3, 9)]);
}

#[test]
fn compact_sizes_have_4_8_or_16_bits() {
    for (width, bytes) in [(4, &[0x12, 0x30][..]), (8, &[1, 2, 3]), (16, &[0, 1, 0, 2, 0, 3])] {
        let stz2 = full(b"stz2", 0, 0, &[&words(&[width, 3]), bytes]);
        let rest = [table(b"stts", &[&[3, 1]]), table(b"stsc", &[&[1, 3, 1]]), table(b"stco", &[&[8]])].concat();
        let media = open(&[0; 6], &[&rest, &stz2]);
        assert_eq!(places(&media), [(1, 8), (2, 9), (3, 11)], "{width} bits");
    }
    let odd = full(b"stz2", 0, 0, &[&words(&[7, 3]), &[0; 3]]);
    let error = try_open(&[0; 6], &[&odd]).expect_err("sizes of 7 bits");
    assert_eq!(code_and_box(&error).1, "moov/trak/mdia/minf/stbl/stz2");
}

#[test]
fn times_come_from_stts_and_ctts_and_sync_samples_from_stss() {
    let ctts = full(b"ctts", 1, 0, &[&words(&[2, 1, 7, 2, -3_i32 as u32])]);
    let media = open(
        &[0; 4],
        &[
            &table(b"stts", &[&[1, 10], &[0, 99], &[3, 20]]),
            &ctts,
            &table(b"stsc", &[&[1, 4, 1]]),
            &full(b"stsz", 0, 0, &[&words(&[1, 4])]),
            &table(b"stco", &[&[8]]),
            &table(b"stss", &[&[1], &[3]]),
        ],
    );
    let seen: Vec<_> =
        media.tracks[0].samples.iter().map(|sample| (sample.dts, sample.duration, sample.pts(), sample.sync)).collect();
    // The table of offsets ends one sample early: that one has none.
    assert_eq!(seen, [(0, 10, 7, true), (10, 20, 7, false), (30, 20, 27, true), (50, 20, 50, false)]);
}

#[test]
fn without_stss_every_sample_is_a_sync_sample() {
    let media = open(
        &[0; 4],
        &[&table(b"stts", &[&[2, 1]]), &table(b"stsc", &[&[1, 2, 1]]), &sizes(&[1, 1]), &table(b"stco", &[&[8]])],
    );
    assert!(media.tracks[0].samples.iter().all(|sample| sample.sync));
}

#[test]
fn tables_that_contradict_each_other_are_refused_with_the_one_to_blame() {
    let (stts, stsc) = (table(b"stts", &[&[2, 1]]), table(b"stsc", &[&[1, 2, 1]]));
    let (stsz, stco) = (sizes(&[1, 1]), table(b"stco", &[&[8]]));
    for (tables, blamed, code) in [
        // Durations for one sample only.
        ([&table(b"stts", &[&[1, 1]]), &stsc, &stsz, &stco], "stts", ErrorCode::ContainerSyntax),
        // Chunks for one sample only.
        ([&stts, &table(b"stsc", &[&[1, 1, 1]]), &stsz, &stco], "stco", ErrorCode::ContainerSyntax),
        // A chunk behind the end of the file.
        ([&stts, &stsc, &stsz, &table(b"stco", &[&[5000]])], "stco", ErrorCode::ContainerTruncated),
        // A count that the box is too short for.
        ([&stts, &stsc, &stsz, &full(b"stco", 0, 0, &[&words(&[u32::MAX, 8])])], "stco", ErrorCode::ContainerSyntax),
        ([&stts, &stsc, &full(b"stsz", 0, 0, &[&words(&[0, 3])]), &stco], "stsz", ErrorCode::ContainerSyntax),
    ] {
        let error = try_open(&[0; 8], &tables.map(|table| &table[..])).expect_err("a contradiction");
        let path = format!("moov/trak/mdia/minf/stbl/{blamed}");
        assert_eq!((error.code(), code_and_box(&error).1), (code, path), "{error}");
    }
    for missing in 0..4 {
        let mut tables = [stts.clone(), stsc.clone(), stsz.clone(), stco.clone()];
        tables[missing].clear();
        let result = try_open(&[0; 8], &tables.each_ref().map(|table| &table[..]));
        // Without sizes there are no samples.
        assert_eq!(result.is_ok(), missing == 2);
    }
}

#[test]
fn a_count_of_samples_that_costs_nothing_to_write_costs_no_memory() {
    let stsz = full(b"stsz", 0, 0, &[&words(&[1, u32::MAX])]);
    let error = try_open(&[0; 8], &[&stsz]).expect_err("four billion samples");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}

#[test]
fn media_in_another_file_cannot_be_read() {
    let url = full(b"url ", 0, 0, &[b"http://elsewhere/\0"]);
    let trak =
        Trak { dinf: boxed(b"dinf", &[&full(b"dref", 0, 0, &[&be(1), &url])]), tables: sizes(&[1]), ..Trak::default() };
    let moov = boxed(b"moov", &[&mvhd(), &trak.bytes()]);
    let error = read_file(moov.into(), None, &Limits::default()).expect_err("external");
    assert_eq!(error.code(), ErrorCode::SourceUnreadable);
}

#[test]
fn a_file_with_samples_in_moov_and_in_fragments_has_both() {
    let trak = Trak {
        tables: [table(b"stts", &[&[1, 10]]), table(b"stsc", &[&[1, 1, 1]]), sizes(&[2]), table(b"stco", &[&[8]])]
            .concat(),
        ..Trak::default()
    };
    let moov = boxed(b"moov", &[&mvhd(), &trak.bytes(), &mvex(&[[1, 10, 4, 0]])]);
    let file = [boxed(b"mdat", &[b"ab"]), moov, simple_fragment(1, 10, 2)].concat();
    let media = read_file(file.into(), None, &Limits::default()).expect("valid");
    let seen: Vec<_> = media.tracks[0].samples.iter().map(|sample| (sample.dts, sample.size)).collect();
    assert_eq!(seen, [(0, 2), (10, 4), (20, 4)]);
    assert_eq!(media.sample(&media.tracks[0].samples[2]), Some(vec![4, 5, 6, 7].into()));
}

#[test]
fn a_media_segment_is_read_with_the_init_given() {
    let segment = Bytes::from(simple_fragment(1, 0, 2));
    let media = read_file(segment.clone(), Some(simple_init().into()), &Limits::default()).expect("valid");
    assert_eq!(media.tracks[0].samples.len(), 2);
    let error = read_file(segment, None, &Limits::default()).expect_err("no init");
    assert_eq!(error.code(), ErrorCode::InitMissing);
    let error = read_file(Bytes::new(), None, &Limits::default()).expect_err("nothing at all");
    assert_eq!(error.code(), ErrorCode::InitMissing);
}
