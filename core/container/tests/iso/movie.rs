//! Movies written anew as CMAF: what was in them stays, judged by ffprobe's list of the input.

use std::sync::Arc;

use crate::support::*;
use bytes::Bytes;
use telecine_container::{read_file, CmafChecker, Fragment, InitSegment, IsoReader, Media, MovieSamples, Unit};
use telecine_model::{Error, ErrorCode, Limits, TrackKind, Warning};

/// The samples of a file.
pub(crate) fn samples(file: &Bytes, limits: &Limits) -> Result<MovieSamples, Error> {
    let mut movie = None;
    let mut reader = IsoReader::new(limits);
    reader.push(file.clone());
    let mut take = |unit: Unit| {
        match (unit, &mut movie) {
            (Unit::Init(init), _) => movie = Some(MovieSamples::new(init, 0, file.len() as u64, limits)?),
            (Unit::Fragment(fragment), Some(movie)) => movie.add(&fragment, 0)?,
            (Unit::Event(_), Some(movie)) => movie.leave_out_event(),
            _ => {}
        }
        Ok::<_, Error>(())
    };
    while let Some(unit) = reader.poll()? {
        take(unit)?;
    }
    reader.finish()?;
    while let Some(unit) = reader.poll()? {
        take(unit)?;
    }
    movie.ok_or_else(|| Error::new(ErrorCode::InitMissing, "no moov"))
}

/// What was written of these tracks.
struct Out {
    init: Arc<InitSegment>,
    fragments: Vec<Fragment>,
    warnings: Vec<Warning>,
}

impl Out {
    fn bytes(&self) -> Bytes {
        let fragments = self.fragments.iter().flat_map(|fragment| &fragment.data);
        std::iter::once(&self.init.data).chain(fragments).flat_map(|piece| piece.iter().copied()).collect()
    }

    fn media(&self) -> Media {
        read_file(self.bytes(), None, &Limits::default()).expect("what was written can be read")
    }

    fn rules(&self) -> Vec<&str> {
        self.warnings.iter().map(|warning| warning.rule.as_str()).collect()
    }
}

fn write_tracks(file: &Bytes, movie: &MovieSamples, tracks: &[u32]) -> Result<Out, Error> {
    let mut writer = movie.write(tracks)?;
    let mut fragments = Vec::new();
    while let Some(fragment) = writer.next(|range| Ok(file.slice(range.start as usize..range.end as usize)))? {
        fragments.push(fragment);
    }
    let mut warnings = movie.warnings();
    warnings.extend_from_slice(writer.warnings());
    Ok(Out { init: Arc::clone(writer.init()), fragments, warnings })
}

/// Every track that can be written, with limits; panics nowhere, whatever the file is.
pub(crate) fn consume(file: &Bytes, limits: &Limits) {
    let Ok(movie) = samples(file, limits) else { return };
    let all: Vec<u32> = movie.writable().map(|track| track.id).collect();
    for tracks in all.iter().map(std::slice::from_ref).chain([&all[..]]) {
        let Ok(out) = write_tracks(file, &movie, tracks) else { continue };
        let wanted = |media: &Media| -> usize {
            media.tracks.iter().filter(|track| tracks.contains(&track.info.id)).map(|track| track.samples.len()).sum()
        };
        let input = read_file(file.clone(), None, limits);
        // A movie that changes half-way has more than its first one's samples.
        if let Ok(input) = input {
            assert!(wanted(&out.media()) <= wanted(&input) || wanted(&input) == 0);
        }
    }
}

fn write(file: &Bytes) -> Out {
    let movie = samples(file, &Limits::default()).expect("valid");
    let all: Vec<u32> = movie.writable().map(|track| track.id).collect();
    write_tracks(file, &movie, &all).expect("writable")
}

/// A file whose media comes first: `mdat` payload at byte 8.
fn file(media: &[u8], traks: &[Trak]) -> Bytes {
    let traks: Vec<u8> = traks.iter().flat_map(Trak::bytes).collect();
    [boxed(b"ftyp", &[b"isom", &be(0), b"isomim1t"]), boxed(b"mdat", &[media]), boxed(b"moov", &[&mvhd(), &traks])]
        .concat()
        .into()
}

/// Where the media of `file` begins.
const MEDIA: u32 = 20 + 8;

fn table(kind: &[u8; 4], rows: &[&[u32]]) -> Vec<u8> {
    full(kind, 0, 0, &[&be(rows.len() as u32), &words(&rows.concat())])
}

/// `count` samples of a duration and one byte each, from a place in the file; every `gop`-th is a key frame.
fn tables(count: u32, duration: u32, place: u32, gop: usize) -> Vec<u8> {
    let keys: Vec<u32> = (1..=count).step_by(gop).collect();
    let keys: Vec<&[u32]> = keys.chunks(1).collect();
    [
        table(b"stts", &[&[count, duration]]),
        table(b"stsc", &[&[1, count, 1]]),
        full(b"stsz", 0, 0, &[&words(&[1, count])]),
        table(b"stco", &[&[place]]),
        table(b"stss", &keys),
    ]
    .concat()
}

fn video(tables: Vec<u8>) -> Trak {
    Trak { handler: *b"vide", stsd: stsd(&[&visual(b"avc1", &avcc())]), tables, ..Trak::default() }
}

#[test]
fn every_sample_is_what_ffprobe_found_in_the_input() {
    for name in FILES.into_iter().filter(|name| *name != "cenc") {
        let input = data(&format!("{name}.mp4"));
        let facts = String::from_utf8(data(&format!("{name}.media.csv")).to_vec()).expect("ffprobe writes UTF-8");
        let media = write(&input).media();
        // Of composition offsets below zero ffprobe moves all times up.
        let shift = if matches!(name, "cmaf_sidx" | "negative_ctts") { 512 } else { 0 };
        for (index, track) in media.tracks.iter().enumerate() {
            let rows: Vec<Vec<&str>> = facts
                .lines()
                .map(|line| line.split(',').collect())
                .filter(|row: &Vec<&str>| row[0] == index.to_string())
                .collect();
            assert_eq!(track.samples.len(), rows.len(), "{name}");
            for (sample, row) in track.samples.iter().zip(&rows) {
                let found = [sample.pts() + shift, sample.dts, i64::from(sample.size)].map(|value| value.to_string());
                assert_eq!(found, [row[1], row[2], row[4]], "{name}: {row:?}");
                assert_eq!(sample.sync, row[6].starts_with('K'), "{name}: {row:?}");
                let place: usize = row[5].parse().expect("a place");
                let bytes = media.sample(sample).expect("inside the file");
                assert_eq!(bytes, input[place..place + sample.size as usize], "{name}: {row:?}");
            }
        }
    }
}

#[test]
fn durations_edits_and_descriptions_are_those_of_the_input() {
    for name in FILES.into_iter().filter(|name| *name != "cenc") {
        let file = data(&format!("{name}.mp4"));
        let (input, output) = (read_file(file.clone(), None, &Limits::default()).expect("valid"), write(&file).media());
        for (from, to) in input.tracks.iter().zip(&output.tracks) {
            let durations = |track: &telecine_container::MediaTrack| {
                track.samples.iter().map(|sample| (sample.duration, sample.description)).collect::<Vec<_>>()
            };
            assert_eq!(durations(from), durations(to), "{name}");
            assert_eq!(from.info.edit.shift(), to.info.edit.shift(), "{name}");
            assert_eq!(from.info.descriptions, to.info.descriptions, "{name}");
            assert_eq!((from.info.id, from.info.language.clone()), (to.info.id, to.info.language.clone()), "{name}");
        }
    }
}

#[test]
fn a_track_alone_is_clean_cmaf() {
    for name in FILES.into_iter().filter(|name| *name != "cenc") {
        let file = data(&format!("{name}.mp4"));
        let movie = samples(&file, &Limits::default()).expect("valid");
        for track in movie.writable() {
            let out = write_tracks(&file, &movie, &[track.id]).expect("writable");
            let mut checker = CmafChecker::new();
            let found: Vec<String> = read(out.bytes())
                .expect("valid")
                .iter()
                .flat_map(|unit| checker.check(unit))
                .map(|warning| warning.rule)
                .collect();
            // Sound that begins after a pause has an edit list that CMAF does not know: the brand is left away.
            let paused = (name, track.kind) == ("delayed_audio", TrackKind::Audio);
            assert_eq!(found, if paused { vec!["C001", "C005"] } else { vec![] }, "{name} track {}", track.id);
            assert_eq!(out.rules(), if paused { vec!["C005"] } else { vec![] }, "{name}");
        }
    }
}

#[test]
fn fragments_are_whole_groups_of_pictures_of_two_seconds_or_more() {
    // Key frames every 0.9 s; beside it sound in samples of 0.1 s, which ends a second later.
    let mut sound = Trak { id: 2, handler: *b"soun", ..Trak::default() };
    sound.stsd = stsd(&[&boxed(b"mp4a", &[&[0; 28]])]);
    sound.tables = tables(82, 100, MEDIA + 72, 1);
    let out = write(&file(&[7; 200], &[video(tables(72, 100, MEDIA, 9)), sound]));
    let spans: Vec<Vec<(u32, u64, u64)>> = out
        .fragments
        .iter()
        .map(|fragment| fragment.tracks.iter().map(|t| (t.track_id, t.base_decode_time, t.end_decode_time())).collect())
        .collect();
    assert_eq!(
        spans,
        [
            vec![(1, 0, 2700), (2, 0, 2700)],
            vec![(1, 2700, 5400), (2, 2700, 5400)],
            vec![(1, 5400, 7200), (2, 5400, 7200)],
            vec![(2, 7200, 8200)],
        ]
    );
    assert!(out.fragments.iter().flat_map(|fragment| &fragment.tracks).all(|track| track.samples[0].sync));
    assert!(out.fragments.iter().map(|fragment| fragment.sequence).eq(1..=4));
}

#[test]
fn rare_key_frames_make_long_fragments_and_sound_beside_them_is_divided() {
    let mut sound = Trak { id: 2, handler: *b"soun", ..Trak::default() };
    sound.stsd = stsd(&[&boxed(b"mp4a", &[&[0; 28]])]);
    sound.tables = tables(30, 1000, MEDIA + 30, 1);
    let out = write(&file(&[7; 60], &[video(tables(30, 1000, MEDIA, 30)), sound]));
    let counts: Vec<Vec<(u32, usize)>> = out
        .fragments
        .iter()
        .map(|fragment| fragment.tracks.iter().map(|track| (track.track_id, track.samples.len())).collect())
        .collect();
    assert_eq!(counts, [vec![(1, 30), (2, 10)], vec![(2, 10)], vec![(2, 10)]]);
}

#[test]
fn a_group_of_pictures_beyond_a_fragment_is_divided_and_told() {
    let mut limits = Limits::default();
    limits.fragment_samples = 8;
    let file = file(&[7; 20], &[video(tables(20, 100, MEDIA, 20))]);
    let movie = samples(&file, &limits).expect("valid");
    let out = write_tracks(&file, &movie, &[1]).expect("writable");
    assert_eq!(out.fragments.iter().map(|f| f.tracks[0].samples.len()).collect::<Vec<_>>(), [8, 8, 4]);
    assert_eq!(out.rules(), ["M004"]);
}

#[test]
fn samples_of_another_description_begin_a_fragment_that_names_it() {
    let mut tables = tables(4, 100, MEDIA, 1);
    let stsc = table(b"stsc", &[&[1, 2, 2], &[2, 2, 1]]);
    let at = tables.windows(4).position(|kind| kind == b"stsc").expect("a table") - 4;
    tables.splice(at..at + 28, stsc);
    let stco = table(b"stco", &[&[MEDIA], &[MEDIA + 2]]);
    let at = tables.windows(4).position(|kind| kind == b"stco").expect("a table") - 4;
    tables.splice(at..at + 20, stco);
    let entry = visual(b"avc1", &avcc());
    let trak = Trak { stsd: stsd(&[&entry, &visual(b"avc3", &avcc())]), ..video(tables) };
    let out = write(&file(&[1, 2, 3, 4], &[trak]));
    assert_eq!(
        out.fragments.iter().map(|f| (f.tracks[0].description, f.tracks[0].samples.len())).collect::<Vec<_>>(),
        [(2, 2), (1, 2)]
    );
    let media = out.media();
    assert_eq!(media.tracks[0].samples.iter().map(|sample| sample.description).collect::<Vec<_>>(), [2, 2, 1, 1]);
    assert_eq!(media.tracks[0].info.descriptions.len(), 2);
}

#[test]
fn a_description_that_does_not_exist_is_refused() {
    let mut tables = tables(1, 100, MEDIA, 1);
    let at = tables.windows(4).position(|kind| kind == b"stsc").expect("a table") + 4 + 8 + 8;
    tables[at..at + 4].copy_from_slice(&be(7));
    let file = file(&[1], &[video(tables)]);
    let movie = samples(&file, &Limits::default()).expect("valid");
    let error = movie.write(&[1]).expect_err("description 7 of 1");
    assert_eq!(error.code(), ErrorCode::ContainerSyntax);
}

#[test]
fn what_depends_on_a_sample_stays_known() {
    // is_leading 2, depends on none; depended on; disposable and dependent.
    let sdtp = full(b"sdtp", 0, 0, &[&[0b1010_0000, 0b0001_0000 | 0b0100, 0b0001_1000]]);
    let out = write(&file(&[1, 2, 3], &[video([tables(3, 100, MEDIA, 3), sdtp].concat())]));
    let media = out.media();
    let found: Vec<(u8, bool)> = media.tracks[0].samples.iter().map(|s| (s.dependencies, s.sync)).collect();
    assert_eq!(found, [(0b1010_0000, true), (0b0001_0100, false), (0b0001_1000, false)]);
}

#[test]
fn groups_of_samples_go_into_the_fragments() {
    let sbgp = full(b"sbgp", 0, 0, &[b"roll", &be(2), &words(&[30, 1, 10, 2])]);
    let sgpd = full(b"sgpd", 1, 0, &[b"roll", &words(&[2, 2]), &[0xff, 0xff, 0xff, 0xfe]]);
    let mut sound = Trak { handler: *b"soun", ..Trak::default() };
    sound.stsd = stsd(&[&boxed(b"mp4a", &[&[0; 28]])]);
    sound.tables = [tables(50, 100, MEDIA, 1), sgpd.clone(), sbgp].concat();
    let out = write(&file(&[7; 50], &[sound]));
    assert!(out.init.data.windows(sgpd.len()).any(|bytes| bytes == sgpd));
    let runs = |runs: &[u32]| full(b"sbgp", 0, 0, &[b"roll", &be(runs.len() as u32 / 2), &words(runs)]);
    for (fragment, groups) in out.fragments.iter().zip([Some(runs(&[20, 1])), Some(runs(&[10, 1, 10, 2])), None]) {
        let traf = fragment.slice(fragment.tracks[0].traf.clone()).expect("inside");
        match groups {
            Some(groups) => assert!(traf.ends_with(&groups), "{traf:?}"),
            None => assert!(!traf.windows(4).any(|kind| kind == b"sbgp")),
        }
    }
    assert_eq!((out.fragments.len(), out.rules().len()), (3, 0));
}

#[test]
fn an_edit_list_that_covers_everything_has_no_end_and_others_stay_as_they_are() {
    let edts = |duration: u32| boxed(b"edts", &[&full(b"elst", 0, 0, &[&words(&[1, duration, 100, 0x1_0000])])]);
    for (given, written, rules) in [(900, 0, vec![]), (899, 0, vec![]), (500, 500, vec!["C005"])] {
        let trak = Trak { edts: edts(given), ..video(tables(10, 100, MEDIA, 1)) };
        let out = write(&file(&[7; 10], &[trak]));
        assert!(out.init.data.windows(36).any(|bytes| bytes == edts(written)), "{given}");
        assert_eq!(out.init.brands.contains(b"cmfc"), rules.is_empty());
        assert_eq!(out.rules(), rules);
        assert_eq!(out.init.tracks[0].edit.media_start, 100);
    }
}

#[test]
fn brands_that_speak_of_the_content_stay() {
    let out = write(&file(&[7], &[video(tables(1, 100, MEDIA, 1))]));
    assert_eq!(out.init.brands, [*b"iso6", *b"iso6", *b"mp41", *b"cmfc", *b"im1t"]);
}

#[test]
fn a_jump_of_decode_times_begins_a_fragment() {
    let input = Bytes::from([simple_init(), simple_fragment(1, 0, 3), simple_fragment(2, 70, 2)].concat());
    let out = write(&input);
    let times: Vec<u64> = out.fragments.iter().map(|fragment| fragment.tracks[0].base_decode_time).collect();
    assert_eq!(times, [0, 70]);
}

#[test]
fn what_cannot_be_kept_is_told() {
    let hint = Trak { id: 2, handler: *b"hint", tables: tables(1, 1, MEDIA, 1), ..Trak::default() };
    let empty = Trak { id: 3, ..Trak::default() };
    let mut trak = video([tables(1, 1, MEDIA, 1), full(b"stdp", 0, 0, &[&[0, 1]])].concat());
    trak.edts = boxed(b"tref", &[&boxed(b"hint", &[&be(2)])]);
    let out = write(&file(&[7; 2], &[trak, hint, empty]));
    assert_eq!(out.rules(), ["M001", "M001", "M003", "M002"]);
    assert_eq!(out.init.tracks.len(), 1);

    let traf = |at| boxed(b"traf", &[&tfhd(BASE_IS_MOOF, &[]), &tfdt(0), &boxed(b"subs", &[&[0; 8]]), &trun(1, at)]);
    let at = moof(1, &[&traf(0)]).len() as i32 + 8;
    let emsg = full(b"emsg", 1, 0, &[&be(1000), &be64(0), &words(&[1, 1]), b"urn:x\0v\0"]);
    let input = [simple_init(), emsg, moof(1, &[&traf(at)]), boxed(b"mdat", &[&[0; 4]])].concat();
    assert_eq!(write(&input.into()).rules(), ["M005", "M002"]);
}

#[test]
fn protected_tracks_are_refused() {
    let file = data("cenc.mp4");
    let movie = samples(&file, &Limits::default()).expect("valid");
    assert_eq!(movie.write(&[1]).expect_err("protected").code(), ErrorCode::KeyUnavailable);
}

#[test]
fn samples_that_overlap_do_not_make_a_file_of_any_size() {
    let tables = [
        table(b"stts", &[&[100, 1]]),
        table(b"stsc", &[&[1, 1, 1]]),
        full(b"stsz", 0, 0, &[&words(&[1000, 100])]),
        table(b"stco", &[[MEDIA].as_slice(); 100]),
    ];
    let file = file(&[7; 1000], &[video(tables.concat())]);
    let movie = samples(&file, &Limits::default()).expect("valid");
    assert_eq!(movie.write(&[1]).expect_err("100,000 bytes").code(), ErrorCode::ContainerSyntax);
}

#[test]
fn only_tracks_that_can_be_written_are() {
    let file = file(&[7; 2], &[video(tables(1, 1, MEDIA, 1)), Trak { id: 3, ..Trak::default() }]);
    let movie = samples(&file, &Limits::default()).expect("valid");
    for tracks in [&[][..], &[3], &[1, 3], &[9]] {
        assert_eq!(movie.write(tracks).expect_err("not writable").code(), ErrorCode::InvalidArgument);
    }
}

#[test]
fn a_source_that_gives_other_bytes_than_asked_is_an_error() {
    let file = file(&[7; 2], &[video(tables(2, 1, MEDIA, 1))]);
    let movie = samples(&file, &Limits::default()).expect("valid");
    let mut writer = movie.write(&[1]).expect("writable");
    let error = writer.next(|_| Ok(Bytes::new())).expect_err("nothing came");
    assert_eq!(error.code(), ErrorCode::SourceUnreadable);
}

#[test]
fn media_that_nothing_waits_for_can_be_passed_over_unread() {
    let file = data("progressive.mp4");
    let mut reader = IsoReader::new(&Limits::default());
    let mut at = 0;
    let mut units = Vec::new();
    let mut passed = 0;
    while at < file.len() {
        let piece = file.slice(at..file.len().min(at + 50));
        at += piece.len();
        reader.push(piece);
        drain(&mut reader, &mut units).expect("valid");
        let count = reader.pass_over((file.len() - at) as u64) as usize;
        at += count;
        passed += count;
    }
    reader.finish().expect("complete");
    assert_eq!(units, read(file.clone()).expect("valid"));
    assert!(passed > file.len() / 2, "{passed} of {}", file.len());
    // Of fragments every byte is needed.
    let mut reader = IsoReader::new(&Limits::default());
    let fragmented = [simple_init(), simple_fragment(1, 0, 9)].concat();
    reader.push(Bytes::from(fragmented).slice(..simple_init().len() + 100));
    drain(&mut reader, &mut Vec::new()).expect("valid");
    assert_eq!(reader.pass_over(1000), 0);
}
