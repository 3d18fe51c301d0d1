//! Access units of video: where they begin, what is in them, and what a decoder is told.

use crate::mux::*;
use crate::support::*;
use telecine_container::{DecoderConfig, StreamOptions, StreamReader, StreamUnit};
use telecine_model::{ErrorCode, Limits, MediaTime};

fn mux() -> Mux {
    Mux::with(&[(H264, VIDEO, &[])])
}

/// Types of the NAL units of a sample with lengths of four bytes.
fn nal_types(sample: &[u8]) -> Vec<u8> {
    nals(sample).iter().map(|nal| nal[0] & 0x1f).collect()
}

fn nals(mut sample: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, rest)) = sample.split_first_chunk() {
        let (nal, behind) = rest.split_at(u32::from_be_bytes(*length) as usize);
        found.push(nal);
        sample = behind;
    }
    found
}

/// NAL unit types of every sample of the video.
fn types(units: &[StreamUnit]) -> Vec<Vec<u8>> {
    tracks(units)[0].samples.iter().map(|taken| nal_types(&taken.bytes)).collect()
}

fn shown(units: &[StreamUnit]) -> Vec<i64> {
    tracks(units)[0].samples.iter().map(|taken| (taken.sample.pts() - 90_000) / 3600).collect()
}

fn time(at: u64) -> Option<u64> {
    Some(90_000 + at * 3600)
}

#[test]
fn parameter_sets_are_in_the_record_and_not_in_the_samples() {
    let mut mux = mux();
    mux.pes(VIDEO, time(0), None, &key(0));
    mux.pes(VIDEO, time(1), None, &[nal(DELIMITER), nal(PPS), nal(&[12, 0xff, 0xff, 0x80]), p(1)].concat());
    let units = read(mux.out);
    assert_eq!(types(&units), [vec![9, 5], vec![9, 1]], "fillers are left out too");
    let DecoderConfig::Avc { record, nal_length_size } = &inits(&units)[0].tracks[0].config else { panic!("H.264") };
    assert_eq!(*nal_length_size, 4);
    assert!(record.windows(SPS.len()).any(|window| window == SPS));
    assert!(record.windows(PPS.len()).any(|window| window == PPS));
}

#[test]
fn access_units_begin_where_the_codec_says_wherever_packets_begin() {
    // Three pictures without delimiters: two slices, one, two; in packets cut at every place.
    let second = |number: u8| nal(&[&[0x41, 0x4d, 0x24][..], &[number; 30], &[0x80]].concat());
    let stream = [nal(SPS), nal(PPS), idr(0), p(1), second(1), nal(&[6, 5, 1, 7, 0x80]), p(2), second(2)].concat();
    let expected = [vec![5], vec![1, 1], vec![6, 1, 1]];
    for cut in 1..stream.len() {
        let mut mux = mux();
        mux.pes(VIDEO, time(0), None, &stream[..cut]);
        mux.pes(VIDEO, time(1), None, &stream[cut..]);
        let units = read(mux.out);
        assert_eq!(types(&units), expected, "cut at {cut}");
        assert_eq!(
            tracks(&units)[0].samples.iter().map(|taken| taken.sample.sync).collect::<Vec<_>>(),
            [true, false, false]
        );
    }
}

#[test]
fn timestamps_belong_to_the_first_access_unit_that_begins_in_their_packet() {
    let (zero, one, two) = (key(0), inter(1), inter(2));
    // The second packet begins with the end of the first picture.
    let mut mux = mux();
    mux.pes(VIDEO, time(0), None, &zero[..zero.len() - 5]);
    mux.pes(VIDEO, time(1), None, &[&zero[zero.len() - 5..], &one[..]].concat());
    mux.pes(VIDEO, time(2), None, &two);
    let units = read(mux.out);
    assert_eq!((shown(&units), rules(&units)), (vec![0, 1, 2], vec![]));
}

#[test]
fn what_comes_before_the_first_key_frame_is_left_out_and_reported() {
    let mut mux = Mux::new();
    for at in 0..10 {
        mux.pes(VIDEO, time(at), None, &if at == 4 { key(4) } else { inter(at as u8) });
        mux.pes(AUDIO, Some(90_000 + at * 1920), None, &aac(0));
    }
    let units = read(mux.out);
    assert_eq!(shown(&units), [4, 5, 6, 7, 8, 9]);
    let [warning] = warnings(&units)[..] else { panic!("{:?}", warnings(&units)) };
    assert_eq!(warning.rule, "T008");
    assert_eq!(warning.message, "4 access units of video, 0.160 s, before the first key frame are left out");
    assert_eq!(tracks(&units)[1].samples.len(), 10, "sound needs no key frame");
}

#[test]
fn a_segment_without_a_key_frame_gives_its_sound_and_says_so() {
    let mut mux = Mux::new();
    for at in 0..3 {
        mux.pes(VIDEO, time(at), None, &inter(at as u8));
        mux.pes(AUDIO, Some(90_000 + at * 1920), None, &aac(0));
    }
    let first = mux.cut();
    for at in 3..6 {
        mux.pes(VIDEO, time(at), None, &if at == 4 { key(4) } else { inter(at as u8) });
    }
    let mut reader = reader();
    let units = segment(&mut reader, [first.into()]).expect("valid");
    assert_eq!(rules(&units), ["T008", "T017"]);
    assert_eq!(tracks(&units).len(), 1);
    reader.next_segment(false);
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert_eq!((shown(&units), rules(&units)), (vec![4, 5], vec!["T008"]));
}

#[test]
fn a_segment_that_continues_one_may_begin_anywhere() {
    let mut mux = mux();
    mux.pes(VIDEO, time(0), None, &key(0));
    let first = mux.cut();
    mux.pes(VIDEO, time(1), None, &inter(1));
    let second = mux.cut();
    let mut reader = reader();
    let mut units = segment(&mut reader, [first.clone().into()]).expect("valid");
    reader.next_segment(false);
    units.extend(segment(&mut reader, [second.clone().into()]).expect("valid"));
    assert_eq!(shown(&units), [0, 1]);
    // After a seek it may not: nothing is known of what was before.
    reader.next_segment(true);
    let tables = Mux::with(&[(H264, VIDEO, &[])]).out;
    let units = segment(&mut reader, [[tables, second].concat().into()]).expect("valid");
    assert_eq!((fragments(&units).len(), rules(&units)), (0, vec!["T008"]));
}

#[test]
fn decoding_may_start_at_a_recovery_point_without_the_pictures_shown_before_it() {
    let recovery = |frames: u8| nal(&[6, 6, 1, frames, 0x80]);
    let intra = nal(&[&[0x61, 0x88, 0x84][..], &[3; 40], &[0x80]].concat());
    let mut mux = mux();
    mux.pes(VIDEO, time(0), time(0), &inter(0));
    mux.pes(VIDEO, time(4), time(1), &[nal(DELIMITER), nal(SPS), nal(PPS), recovery(0xc4), intra.clone()].concat());
    // Two that are shown before it, one behind.
    mux.pes(VIDEO, time(2), time(2), &inter(2));
    mux.pes(VIDEO, time(3), time(3), &inter(3));
    mux.pes(VIDEO, time(5), time(4), &inter(5));
    mux.pes(VIDEO, time(8), time(5), &[nal(DELIMITER), recovery(0xc4), intra].concat());
    mux.pes(VIDEO, time(6), time(6), &inter(6));
    let units = read(mux.out);
    assert_eq!(shown(&units), [4, 5, 8, 6], "later ones have their references");
    let sync: Vec<bool> = tracks(&units)[0].samples.iter().map(|taken| taken.sample.sync).collect();
    assert_eq!(sync, [true, false, true, false]);
}

#[test]
fn other_parameter_sets_at_a_key_frame_are_another_initialisation_segment() {
    let mut mux = mux();
    mux.pes(VIDEO, time(0), None, &key(0));
    mux.pes(VIDEO, time(1), None, &inter(1));
    mux.pes(VIDEO, time(2), None, &high_key(2));
    mux.pes(VIDEO, time(3), None, &inter(3));
    mux.pes(VIDEO, time(4), None, &high_key(4));
    let units = read(mux.out);
    let sizes: Vec<(Option<u32>, Option<u32>)> =
        inits(&units).iter().map(|init| (init.tracks[0].width, init.tracks[0].height)).collect();
    assert_eq!(sizes, [(Some(96), Some(64)), (Some(64), Some(48))]);
    // Each fragment is behind the one that it needs.
    let mut order = Vec::new();
    for unit in &units {
        match unit {
            StreamUnit::Init(_) => order.push("init".to_owned()),
            StreamUnit::Fragment(fragment) => order.push(fragment.tracks[0].samples.len().to_string()),
            _ => {}
        }
    }
    assert_eq!(order, ["init", "2", "init", "3"]);
}

#[test]
fn parameter_sets_that_change_in_the_middle_stay_in_the_samples_until_the_next_key_frame() {
    let other_pps = [&PPS[..1], &[0xce, 0x0f, 0xc9]].concat();
    let mut mux = mux();
    mux.pes(VIDEO, time(0), None, &key(0));
    mux.pes(VIDEO, time(1), None, &[nal(DELIMITER), nal(&other_pps), p(1)].concat());
    mux.pes(VIDEO, time(2), None, &[nal(DELIMITER), idr(2)].concat());
    let units = read(mux.out);
    assert_eq!(types(&units), [vec![9, 5], vec![8, 9, 1], vec![9, 5]]);
    let records: Vec<bool> = inits(&units)
        .iter()
        .map(|init| {
            let DecoderConfig::Avc { record, .. } = &init.tracks[0].config else { panic!("H.264") };
            record.windows(4).any(|window| window == other_pps)
        })
        .collect();
    assert_eq!(records, [false, true]);
}

#[test]
fn two_fields_of_a_frame_are_one_sample() {
    // A parameter set with fields: High, 64x64, frame numbers of four bits.
    let sps = b"\x67\x64\x00\x1f\xac\xd9\x40\x44\x26\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xc8\x3c\x60\xc6\x58";
    let interlaced = {
        // profile 77, level 3.0: id 0, frame_num 4 bits, order type 2, 1 reference, 4x2 blocks, fields.
        let bits = "1" /* id */.to_owned() + "1" /* frame_num */ + "011" /* order type 2 */ + "010" /* references */ + "0"
            + "00100" /* 4 across */ + "010" /* 2 down */ + "0" /* fields */ + "0" + "1" + "0" + "0" + "1";
        let mut bytes = vec![0x67, 77, 0, 30];
        let padded = format!("{bits:0<32}");
        bytes.extend(
            padded.as_bytes().chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | (bit - b'0'))),
        );
        bytes
    };
    assert_ne!(&sps[..], &interlaced[..]);
    let field = |idr: bool, number: u8, bottom: bool| {
        // first_mb 0, I or P, pps 0, frame_num, field_pic, bottom.
        let bits = format!("1{}1{number:04b}1{}1", if idr { "0001000" } else { "00110" }, u8::from(bottom));
        let padded = format!("{bits:1<32}");
        let mut bytes = vec![if idr { 0x65 } else { 0x61 }];
        bytes.extend(
            padded.as_bytes().chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | (bit - b'0'))),
        );
        nal(&bytes)
    };
    let mut mux = mux();
    let first = [nal(DELIMITER), nal(&interlaced), nal(PPS), field(true, 0, false)].concat();
    mux.pes(VIDEO, time(0), None, &first);
    mux.pes(VIDEO, Some(90_000 + 1800), None, &[nal(DELIMITER), field(false, 0, true)].concat());
    mux.pes(
        VIDEO,
        time(1),
        None,
        &[nal(DELIMITER), field(false, 1, false), nal(DELIMITER), field(false, 1, true)].concat(),
    );
    mux.pes(VIDEO, time(2), None, &[nal(DELIMITER), field(false, 2, false)].concat());
    let units = read(mux.out);
    assert_eq!(types(&units), [vec![9, 5, 9, 1], vec![9, 1, 9, 1], vec![9, 1]]);
    assert_eq!(shown(&units), [0, 1, 2]);
    assert_eq!(inits(&units)[0].tracks[0].height, Some(64));
}

/// An SEI message with captions: the third byte of the triplet says which.
fn captions(number: u8) -> Vec<u8> {
    let payload = [&[0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0xc1, 0xff, 0xfc, 0x80, number][..], &[0xff]].concat();
    nal(&[&[6, 4, payload.len() as u8][..], &payload, &[0x80]].concat())
}

#[test]
fn captions_come_out_with_their_time_in_order_of_presentation() {
    let mut mux = mux();
    let order = [0, 3, 2, 1, 6, 5, 4];
    for (at, number) in order.into_iter().enumerate() {
        let before = if at == 0 { [nal(DELIMITER), nal(HIGH_SPS), nal(HIGH_PPS)].concat() } else { nal(DELIMITER) };
        let slice = if at == 0 { idr(0) } else { p(at as u8) };
        let unit = [before, captions(number as u8), slice].concat();
        // Decoded two frames ahead, as reordering by two asks for.
        mux.pes(VIDEO, time(number + 2), time(at as u64), &unit);
    }
    let units = read(mux.out.clone());
    let found: Vec<(MediaTime, u8)> = units
        .iter()
        .filter_map(|unit| match unit {
            StreamUnit::Captions(captions) => Some((captions.time, captions.triplets[2])),
            _ => None,
        })
        .collect();
    let expected: Vec<(MediaTime, u8)> = (0..7).map(|at| (MediaTime::from_millis(1080 + at * 40), at as u8)).collect();
    assert_eq!(found, expected);
    assert_eq!(types(&units)[0], [9, 6, 5], "they stay in the video too");

    let mut options = StreamOptions::default();
    options.captions = false;
    let mut reader = StreamReader::new(&options, &Limits::default());
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert!(!units.iter().any(|unit| matches!(unit, StreamUnit::Captions(_))));
}

#[test]
fn fragments_begin_with_key_frames_where_that_fits_and_last_about_a_chunk() {
    let mut mux = mux();
    for at in 0..100 {
        mux.pes(VIDEO, time(at), None, &if at % 20 == 0 { key(0) } else { inter(1) });
    }
    let counts = |units: &[StreamUnit]| -> Vec<(usize, bool)> {
        let count = |fragment: &&telecine_container::Fragment| {
            let samples = &fragment.tracks[0].samples;
            (samples.len(), samples[0].sync)
        };
        fragments(units).iter().map(count).collect()
    };
    // Half a second is 13 pictures; those before a key frame are a fragment if they fill half of that.
    let part = [(13, true), (7, false)];
    assert_eq!(counts(&read(mux.out.clone())), part.repeat(5));
    let mut options = StreamOptions::default();
    options.chunk = MediaTime::from_secs(60);
    let mut reader = StreamReader::new(&options, &Limits::default());
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert_eq!(counts(&units), [(100, true)]);
}

#[test]
fn hevc_starts_at_an_irap_picture_and_leaves_out_what_cannot_be_decoded_there() {
    let file = data("hevc_open.ts");
    // Without its first second: the first key frame then is a CRA picture with leading ones.
    let times: Vec<Vec<String>> = rows("hevc_open.times.csv");
    let keys: Vec<usize> = (0..times.len()).filter(|at| times[*at][3].starts_with('K')).collect();
    assert!(keys.len() > 2);
    let whole = tracks(&read(file.clone()));
    let packets = file.as_chunks::<188>().0;
    let starts: Vec<usize> =
        (0..packets.len()).filter(|at| packets[*at][1] & 0x5f == 0x41 && packets[*at][2] == 0).collect();
    let mut cut = packets[..starts[0]].concat();
    // From a picture in the middle of the first group on.
    cut.extend(packets[starts[keys[1] - 3]..].concat());
    let units = read(cut);
    let found = &tracks(&units)[0].samples;
    assert!(found[0].sample.sync);
    let start = &whole[0].samples[keys[1]];
    assert_eq!((found[0].sample.pts(), &found[0].bytes), (start.sample.pts(), &start.bytes));
    // RASL pictures (types 8 and 9) of that first one are missing, those of later ones are there.
    let is_rasl = |taken: &Taken| nals(&taken.bytes).iter().any(|nal| matches!(nal[0] >> 1 & 0x3f, 8 | 9));
    let expected: Vec<i64> = whole[0].samples[keys[1]..]
        .iter()
        .enumerate()
        .filter(|(at, taken)| !(is_rasl(taken) && *at < keys[2] - keys[1]))
        .map(|(_, taken)| taken.sample.pts())
        .collect();
    assert!(expected.len() < whole[0].samples.len() - keys[1], "there are some");
    assert_eq!(found.iter().map(|taken| taken.sample.pts()).collect::<Vec<_>>(), expected);
}

#[test]
fn an_access_unit_beyond_its_limit_is_refused() {
    let mut limits = Limits::default();
    limits.access_unit_bytes = 10_000;
    for (size, fits) in [(9_000, true), (11_000, false)] {
        let mut mux = mux();
        let slice = nal(&[&[0x65, 0x88, 0x84][..], &vec![7; size], &[0x80]].concat());
        mux.pes(VIDEO, time(0), None, &[nal(SPS), nal(PPS), slice].concat());
        let mut reader = StreamReader::new(&StreamOptions::default(), &limits);
        match segment(&mut reader, [mux.out.into()]) {
            Ok(units) => assert!(fits && tracks(&units)[0].samples.len() == 1),
            Err(error) => assert!(!fits && error.code() == ErrorCode::ContainerLimit, "{error}"),
        }
    }
}

#[test]
fn a_configuration_that_changes_too_often_is_refused() {
    let mut mux = mux();
    for at in 0..20 {
        mux.pes(VIDEO, time(at), None, &if at % 2 == 0 { key(0) } else { high_key(0) });
    }
    let mut limits = Limits::default();
    limits.configurations = 10;
    let mut reader = StreamReader::new(&StreamOptions::default(), &limits);
    let error = segment(&mut reader, [mux.out.into()]).expect_err("too often");
    assert_eq!(error.code(), ErrorCode::ContainerLimit);
}
