//! What `ftyp` and `moov` say.

use crate::support::*;
use telecine_container::{DecoderConfig, Edit, InitSegment, TrackInfo, Unit};
use telecine_model::protection::KeyId;
use telecine_model::{ErrorCode, Language, MediaTime, TrackKind};

fn movie(boxes: &[&[u8]]) -> Vec<u8> {
    boxed(b"moov", &[&mvhd(), &boxes.concat()])
}

fn parse(moov: Vec<u8>) -> InitSegment {
    init(&read(moov).expect("valid")).clone()
}

fn track(trak: &Trak) -> TrackInfo {
    parse(movie(&[&trak.bytes()])).tracks.remove(0)
}

/// An audio sample entry of version 0 with two channels at 48 kHz.
fn audio(kind: &[u8; 4], version: u16, more: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 8], &version.to_be_bytes(), &[0; 6], &[0, 2, 0, 16, 0, 0, 0, 0], &be(48_000 << 16), more])
}

fn video(entries: &[&[u8]]) -> Trak {
    Trak { handler: *b"vide", stsd: stsd(entries), ..Trak::default() }
}

fn sound(entry: &[u8]) -> Trak {
    Trak { handler: *b"soun", stsd: stsd(&[entry]), ..Trak::default() }
}

fn text(handler: &[u8; 4], entry: &[u8]) -> Trak {
    Trak { handler: *handler, stsd: stsd(&[entry]), ..Trak::default() }
}

#[test]
fn the_data_are_ftyp_and_moov_as_they_arrived_without_what_stood_between() {
    let ftyp = boxed(b"ftyp", &[b"cmfc", &be(1), b"iso6dash"]);
    let moov = movie(&[&Trak::default().bytes(), &mvex(&[[1, 0, 0, 0]])]);
    let file = [&ftyp[..], &boxed(b"free", &[&[1; 9]]), &moov].concat();
    let init = parse(file);
    assert_eq!(init.data, [ftyp, moov].concat());
    assert_eq!(init.brands, [*b"cmfc", *b"iso6", *b"dash"]);
    assert!(init.fragmented);
}

#[test]
fn a_movie_without_mvex_is_not_fragmented() {
    assert!(!parse(movie(&[&Trak::default().bytes()])).fragmented);
}

#[test]
fn the_duration_is_that_of_mehd_else_of_mvhd_where_it_is_known() {
    let with = |ticks: u32, more: &[u8]| {
        let mvhd = full(b"mvhd", 0, 0, &[&words(&[0, 0, 1000, ticks]), &[0; 80]]);
        parse(boxed(b"moov", &[&mvhd, more])).duration
    };
    assert_eq!(with(2500, &[]), Some(MediaTime::from_millis(2500)));
    assert_eq!(with(0, &[]), None);
    assert_eq!(with(u32::MAX, &[]), None);
    let mehd = boxed(b"mvex", &[&full(b"mehd", 1, 0, &[&be64(9000)])]);
    assert_eq!(with(0, &mehd), Some(MediaTime::from_secs(9)));
}

#[test]
fn the_handler_says_for_which_sense_a_track_is() {
    for (handler, kind) in [
        (b"subt", TrackKind::Text),
        (b"text", TrackKind::Text),
        (b"clcp", TrackKind::Text),
        (b"pict", TrackKind::Image),
        (b"meta", TrackKind::Metadata),
        (b"hint", TrackKind::Metadata),
    ] {
        let trak = Trak { handler: *handler, ..Trak::default() };
        assert_eq!(track(&trak).kind, kind);
    }
}

#[test]
fn the_language_is_that_of_elng_else_the_three_letters_of_mdhd() {
    let language = |language: u16, elng: Vec<u8>| track(&Trak { language, elng, ..Trak::default() }).language;
    // d = 4, e = 5, u = 21.
    let deu = 4 << 10 | 5 << 5 | 21;
    assert_eq!(language(deu, vec![]), Some(Language::parse("deu")));
    assert_eq!(language(0x55c4, vec![]), None, "und");
    assert_eq!(language(0, vec![]), None, "no letters");
    let elng = full(b"elng", 0, 0, &[b"pt-BR\0"]);
    assert_eq!(language(deu, elng), Some(Language::parse("pt-BR")));
}

#[test]
fn an_edit_list_is_a_pause_and_a_start() {
    let edit = |version: u8, rows: &[&[u8]]| {
        let elst = full(b"elst", version, 0, &[&be(rows.len() as u32), &rows.concat()]);
        let trak = Trak { timescale: 48_000, edts: boxed(b"edts", &[&elst]), ..Trak::default() };
        track(&trak)
    };
    let rate = 0x1_0000;
    let start = edit(0, &[&words(&[0, 1024, rate])]);
    assert_eq!(start.edit, Edit { media_start: 1024, ..Edit::default() });
    assert_eq!(start.presentation_time(1024), 0);
    // A pause of 500 ticks of the movie's 1000 a second, then 2 s from tick 2^33.
    let delayed = edit(
        1,
        &[
            &[&be64(500)[..], &be64(u64::MAX), &be(rate)].concat(),
            &[&be64(2000)[..], &be64(1 << 33), &be(rate)].concat(),
        ],
    );
    let expected = Edit { media_start: 1 << 33, delay: 24_000, duration: Some(96_000), ignored: 0 };
    assert_eq!(delayed.edit, expected);
    assert_eq!(delayed.presentation_time((1 << 33) + 5), 24_005);
    // What is more than that is counted, not applied: another piece, another rate.
    let more = edit(0, &[&words(&[10, 7, rate]), &words(&[10, 90, rate])]);
    assert_eq!((more.edit.media_start, more.edit.ignored), (7, 1));
    assert_eq!(edit(0, &[&words(&[0, 0, 0])]).edit.ignored, 1);
}

#[test]
fn a_video_entry_gives_size_codec_and_decoder_configuration() {
    let track = track(&video(&[&visual(b"avc1", &avcc())]));
    assert_eq!((track.width, track.height), (Some(640), Some(360)));
    assert_eq!(track.codec.to_string(), "avc1.64001f");
    let config = DecoderConfig::Avc { record: AVCC.into(), nal_length_size: 4 };
    assert_eq!(track.config, config);
    assert_eq!(track.encryption, None);
}

#[test]
fn dolby_vision_entries_are_named_by_their_own_configuration() {
    let mut hvcc = [0; 23];
    hvcc[21] = 3;
    let boxes = [boxed(b"hvcC", &[&hvcc]), boxed(b"dvcC", &[&[1, 0, 0x0a, 0x35, 0]])].concat();
    assert_eq!(track(&video(&[&visual(b"dvh1", &boxes)])).codec.to_string(), "dvh1.05.06");
    // A stream that plain HEVC decoders play too keeps the name that they know.
    let codec = track(&video(&[&visual(b"hvc1", &boxes)])).codec.to_string();
    assert!(codec.starts_with("hvc1."), "{codec}");
}

#[test]
fn an_av1_entry_with_colours_other_than_the_default_is_named_in_full() {
    let av1c = boxed(b"av1C", &[&[0x81, 0x08, 0x4c, 0]]);
    let colr = boxed(b"colr", &[b"nclx", &[0, 9, 0, 16, 0, 9, 0x80]]);
    let name = |boxes: &[&[u8]]| track(&video(&[&visual(b"av01", &boxes.concat())])).codec.to_string();
    assert_eq!(name(&[&av1c]), "av01.0.08M.10");
    assert_eq!(name(&[&av1c, &colr]), "av01.0.08M.10.0.110.09.16.09.1");
}

fn esds(object_type: u8, asc: &[u8]) -> Vec<u8> {
    let specific = [&[5, asc.len() as u8], asc].concat();
    let config = [&[4, 13 + specific.len() as u8, object_type][..], &[0; 12], &specific].concat();
    let stream = [&[3, 3 + config.len() as u8, 0, 1, 0][..], &config].concat();
    full(b"esds", 0, 0, &[&stream])
}

#[test]
fn aac_is_named_by_the_object_type_that_a_decoder_needs() {
    let name = |object_type, asc: &[u8]| {
        let track = track(&sound(&audio(b"mp4a", 0, &esds(object_type, asc))));
        (track.codec.to_string(), track.sample_rate, track.channels)
    };
    assert_eq!(name(0x40, &[0x12, 0x10]), ("mp4a.40.2".into(), Some(44_100), Some(2)));
    assert_eq!(name(0x40, &[0xeb, 0x09, 0x88, 0]), ("mp4a.40.29".into(), Some(48_000), Some(2)));
    assert_eq!(name(0x67, &[0x12, 0x10]).0, "mp4a.67");
    assert_eq!(name(0x6b, &[]).0, "mp4a.6B");
    let track = track(&sound(&audio(b"mp4a", 0, &esds(0x40, &[0x12, 0x10]))));
    let config = DecoderConfig::Aac { asc: [0x12, 0x10][..].into() };
    assert_eq!(track.config, config);
}

#[test]
fn the_longer_sound_entries_of_quicktime_are_read() {
    let esds = esds(0x40, &[0x11, 0x90]);
    let wave = boxed(b"wave", &[&boxed(b"frma", &[b"mp4a"]), &esds, &be(0)]);
    let version1 = audio(b"mp4a", 1, &[&[0; 16][..], &wave].concat());
    assert_eq!(track(&sound(&version1)).codec.to_string(), "mp4a.40.2");
    let version2 = audio(b"mp4a", 2, &[&[0; 36][..], &esds].concat());
    assert_eq!(track(&sound(&version2)).codec.to_string(), "mp4a.40.2");
}

#[test]
fn subtitles_are_named_by_their_profile_where_it_is_known() {
    let stpp = |schema: &[u8], boxes: &[u8]| {
        let entry = boxed(b"stpp", &[&[0; 8], b"http://www.w3.org/ns/ttml\0", schema, b"\0", b"\0", boxes]);
        track(&text(b"subt", &entry)).codec.to_string()
    };
    assert_eq!(stpp(b"", &[]), "stpp");
    let mime = full(b"mime", 0, 0, &[b"application/ttml+xml;codecs=\"im1t|etd1\"\0"]);
    assert_eq!(stpp(b"", &mime), "stpp.ttml.im1t|etd1");
    assert_eq!(stpp(b"http://www.w3.org/ns/ttml/profile/imsc1/text", &[]), "stpp.ttml.im1t");
    assert_eq!(stpp(b"http://www.w3.org/ns/ttml/profile/imsc1/image", &[]), "stpp.ttml.im1i");
    let ftyp = boxed(b"ftyp", &[b"cmfc", &be(0), b"im1t"]);
    let entry = boxed(b"stpp", &[&[0; 8], b"http://www.w3.org/ns/ttml\0\0\0"]);
    let branded = [ftyp, movie(&[&text(b"subt", &entry).bytes()])].concat();
    assert_eq!(parse(branded).tracks[0].codec.to_string(), "stpp.ttml.im1t");

    let vttc = boxed(b"vttC", &[b"WEBVTT"]);
    let track = track(&text(b"text", &boxed(b"wvtt", &[&[0; 8], &vttc])));
    assert_eq!(track.codec.to_string(), "wvtt");
    let header = b"WEBVTT"[..].into();
    assert_eq!(track.config, DecoderConfig::WebVtt { header });
}

#[test]
fn entries_of_codecs_that_are_not_known_keep_their_four_letters() {
    let codec = |trak: &Trak| track(trak).codec.to_string();
    assert_eq!(codec(&Trak::default()), "mett");
    assert_eq!(codec(&video(&[&visual(b"vvc1", &boxed(b"vvcC", &[&[0; 9]]))])), "vvc1");
    assert_eq!(codec(&text(b"text", &boxed(b"tx3g", &[&[0xff; 30]]))), "tx3g");
}

#[test]
fn a_protected_entry_is_named_by_what_it_was_and_says_how_it_is_encrypted() {
    // Trap 13 of Common Encryption.
    let kid = [7; 16];
    let cbcs = full(b"tenc", 1, 0, &[&[0, 0x19, 1, 0], &kid, &[8, 1, 2, 3, 4, 5, 6, 7, 8]]);
    let track = track(&video(&[&visual(b"encv", &[avcc(), sinf(b"avc1", b"cbcs", &cbcs)].concat())]));
    assert_eq!(track.codec.to_string(), "avc1.64001f");
    let encryption = track.encryption.expect("protected");
    assert_eq!((&encryption.scheme, encryption.default_kid), (b"cbcs", KeyId(kid)));
    assert!(encryption.default_is_protected);
    assert_eq!((encryption.crypt_blocks, encryption.skip_blocks), (1, 9));
    assert_eq!(encryption.per_sample_iv_size, 0);
    assert_eq!(encryption.constant_iv.as_deref(), Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
}

#[test]
fn a_protected_sound_entry_with_vectors_of_its_own_is_read() {
    let cenc = full(b"tenc", 0, 0, &[&[0, 0x19, 1, 8], &[1; 16]]);
    let boxes = [esds(0x40, &[0x12, 0x10]), sinf(b"mp4a", b"cenc", &cenc)].concat();
    let track = track(&sound(&audio(b"enca", 0, &boxes)));
    assert_eq!(track.codec.to_string(), "mp4a.40.2");
    let encryption = track.encryption.expect("protected");
    assert_eq!((encryption.per_sample_iv_size, encryption.constant_iv), (8, None));
    // Version 0 has no pattern, whatever its reserved byte holds.
    assert_eq!((encryption.crypt_blocks, encryption.skip_blocks), (0, 0));
}

#[test]
fn protected_subtitles_keep_their_strings_before_their_boxes() {
    let cenc = full(b"tenc", 0, 0, &[&[0, 0, 1, 8], &[1; 16]]);
    let strings = b"http://www.w3.org/ns/ttml\0\0\0";
    let entry = boxed(b"enct", &[&[0; 8], strings, &sinf(b"stpp", b"cenc", &cenc)]);
    let track = track(&text(b"subt", &entry));
    assert_eq!(track.codec.to_string(), "stpp");
    assert!(track.encryption.is_some());
}

#[test]
fn a_clear_lead_is_a_second_description_and_the_track_counts_as_protected() {
    // Trap 7 of Common Encryption: entry 1 is clear here, entry 2 is not.
    let cenc = full(b"tenc", 0, 0, &[&[0, 0, 1, 8], &[1; 16]]);
    let secret = visual(b"encv", &[avcc(), sinf(b"avc1", b"cenc", &cenc)].concat());
    let track = track(&video(&[&visual(b"avc1", &avcc()), &secret]));
    assert_eq!(track.descriptions.len(), 2);
    assert_eq!(track.descriptions[0].encryption, None);
    assert_eq!(track.descriptions[1].encryption, track.encryption);
    assert!(track.encryption.is_some());
}

#[test]
fn a_protection_that_is_not_common_encryption_is_not_supported() {
    let entry = visual(b"encv", &[avcc(), sinf(b"avc1", b"odkm", &[])].concat());
    let (code, path, _) = failure(movie(&[&video(&[&entry]).bytes()]));
    assert_eq!(code, ErrorCode::CodecUnsupported);
    assert_eq!(path, "moov/trak/mdia/minf/stbl/stsd/encv/sinf");
}

#[test]
fn what_the_specification_makes_mandatory_is_missed_by_name() {
    let no_tkhd = boxed(b"trak", &[]);
    assert_eq!(failure(movie(&[&no_tkhd])), (ErrorCode::ContainerSyntax, "moov/trak".into(), 8 + 108));
    for (trak, path) in [
        (Trak { timescale: 0, ..Trak::default() }, "moov/trak/mdia/mdhd"),
        (Trak { id: 0, ..Trak::default() }, "moov/trak/tkhd"),
        (Trak { stsd: vec![], ..Trak::default() }, "moov/trak/mdia/minf/stbl"),
        (Trak { stsd: stsd(&[]), ..Trak::default() }, "moov/trak/mdia/minf/stbl"),
        (video(&[&visual(b"avc1", &boxed(b"avcC", &[&[1, 2]]))]), "moov/trak/mdia/minf/stbl/stsd/avc1/avcC"),
        (video(&[&boxed(b"avc1", &[&[0; 8]])]), "moov/trak/mdia/minf/stbl/stsd/avc1"),
    ] {
        let (code, found, _) = failure(movie(&[&trak.bytes()]));
        assert_eq!((code, found.as_str()), (ErrorCode::ContainerSyntax, path));
    }
}

#[test]
fn a_sample_description_that_announces_more_entries_than_it_has_is_refused() {
    let entry = boxed(b"mett", &[&[0; 8]]);
    let absurd = full(b"stsd", 0, 0, &[&be(u32::MAX), &entry]);
    let trak = Trak { stsd: absurd, ..Trak::default() };
    let (code, path, _) = failure(movie(&[&trak.bytes()]));
    assert_eq!((code, path.as_str()), (ErrorCode::ContainerSyntax, "moov/trak/mdia/minf/stbl/stsd"));
}

#[test]
fn two_tracks_with_one_id_are_refused() {
    let trak = Trak::default().bytes();
    assert_eq!(failure(movie(&[&trak, &trak])).0, ErrorCode::ContainerSyntax);
}

#[test]
fn an_init_that_follows_another_replaces_it() {
    let second = boxed(b"moov", &[&mvhd(), &Trak::default().bytes(), &mvex(&[[1, 99, 4, 0]])]);
    let units =
        read([simple_init(), simple_fragment(1, 0, 1), second, simple_fragment(2, 10, 1)].concat()).expect("valid");
    assert!(matches!(units[2], Unit::Init(_)));
    let durations: Vec<_> = fragments(&units).iter().map(|fragment| fragment.tracks[0].duration()).collect();
    assert_eq!(durations, [10, 99]);
}
