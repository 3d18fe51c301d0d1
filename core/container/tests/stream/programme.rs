//! Which streams a programme has, and how that changes.

use crate::mux::*;
use crate::support::*;
use telecine_container::{AudioSelection, StreamOptions, StreamReader};
use telecine_model::{ErrorCode, Limits, TrackKind};

const OTHER_VIDEO: u16 = 0x200;
const OTHER_AUDIO: u16 = 0x201;

/// So many pictures and frames from a time on.
fn some(mux: &mut Mux, pids: (u16, u16), start: u64, count: u64) {
    for at in 0..count {
        let picture = if at == 0 { key(0) } else { inter(at as u8) };
        mux.packets(pids.0, &pes(VIDEO, Some(start + at * 3600), None, &picture));
        mux.packets(pids.1, &pes(AUDIO, Some(start + at * 1920), None, &aac(at as u8)));
    }
}

fn kinds(units: &[telecine_container::StreamUnit]) -> Vec<(u32, TrackKind)> {
    inits(units)[0].tracks.iter().map(|track| (track.id, track.kind)).collect()
}

#[test]
fn tracks_go_on_when_their_pids_change() {
    let mut mux = Mux::new();
    some(&mut mux, (VIDEO, AUDIO), 90_000, 5);
    mux.map(1, &[(H264, OTHER_VIDEO, &[]), (AAC, OTHER_AUDIO, &[])]);
    some(&mut mux, (OTHER_VIDEO, OTHER_AUDIO), 90_000 + 5 * 3600, 5);
    let units = read(mux.out);
    assert_eq!(inits(&units).len(), 1, "the configuration is the same");
    let tracks = tracks(&units);
    let shown: Vec<i64> = tracks[0].samples.iter().map(|taken| taken.sample.pts()).collect();
    assert_eq!(shown, (0..10).map(|at| 90_000 + at * 3600).collect::<Vec<_>>());
    assert_eq!(tracks[1].samples.len(), 10);
}

#[test]
fn another_codec_needs_another_initialisation_segment() {
    let mut mux = Mux::new();
    some(&mut mux, (VIDEO, AUDIO), 90_000, 5);
    mux.map(1, &[(H264, VIDEO, &[]), (0x81, OTHER_AUDIO, &[])]);
    let ac3 = data("packed_ac3.ac3");
    some(&mut mux, (VIDEO, AUDIO), 90_000 + 5 * 3600, 5);
    mux.packets(OTHER_AUDIO, &pes(AUDIO, Some(90_000 + 5 * 3600), None, &ac3[..512]));
    let units = read(mux.out);
    let codecs: Vec<Vec<String>> =
        inits(&units).iter().map(|init| init.tracks.iter().map(|track| track.codec.to_string()).collect()).collect();
    assert_eq!(codecs, [["avc1.42c00a", "mp4a.40.2"], ["avc1.42c00a", "ac-3"]]);
}

#[test]
fn the_first_audio_stream_is_taken_all_of_them_or_none() {
    let mut mux = Mux::with(&[
        (H264, VIDEO, &[]),
        (AAC, AUDIO, &[0x0a, 4, b'e', b'n', b'g', 0]),
        (AAC, OTHER_AUDIO, &[0x0a, 4, b'f', b'r', b'a', 0]),
    ]);
    some(&mut mux, (VIDEO, AUDIO), 90_000, 3);
    mux.packets(OTHER_AUDIO, &pes(AUDIO, Some(90_000), None, &aac(9)));
    for (audio, video, expected) in [
        (AudioSelection::First, true, vec![(1, TrackKind::Video), (2, TrackKind::Audio)]),
        (AudioSelection::All, true, vec![(1, TrackKind::Video), (2, TrackKind::Audio), (3, TrackKind::Audio)]),
        (AudioSelection::None, true, vec![(1, TrackKind::Video)]),
        (AudioSelection::First, false, vec![(1, TrackKind::Audio)]),
    ] {
        let mut options = StreamOptions::default();
        (options.audio, options.video) = (audio, video);
        let mut reader = StreamReader::new(&options, &Limits::default());
        let units = segment(&mut reader, [mux.out.clone().into()]).expect("valid");
        assert_eq!(kinds(&units), expected);
        assert_eq!(rules(&units), [] as [&str; 0]);
    }
}

#[test]
fn one_audio_stream_is_taken_by_its_number() {
    let languages = [[b'e', b'n', b'g'], [b'f', b'r', b'a']];
    let [english, french] = languages.map(|[a, b, c]| [0x0a, 4, a, b, c, 0]);
    let mut mux = Mux::with(&[(H264, VIDEO, &[]), (AAC, AUDIO, &english), (AAC, OTHER_AUDIO, &french)]);
    some(&mut mux, (VIDEO, AUDIO), 90_000, 3);
    mux.packets(OTHER_AUDIO, &pes(AUDIO, Some(90_000), None, &aac(9)));
    let taken = |number| {
        let mut options = StreamOptions::default();
        (options.audio, options.video) = (AudioSelection::Nth(number), false);
        let mut reader = StreamReader::new(&options, &Limits::default());
        let units = segment(&mut reader, [mux.out.clone().into()]).expect("valid");
        let named = |init: &telecine_container::InitSegment| init.tracks[0].language.as_ref().map(ToString::to_string);
        (inits(&units).first().and_then(|init| named(init)), fragments(&units).len())
    };
    assert_eq!(taken(0).0.as_deref(), Some("eng"));
    assert_eq!(taken(1).0.as_deref(), Some("fra"));
    assert_eq!(taken(2), (None, 0));
}

#[test]
fn the_first_initialisation_segment_waits_for_every_track() {
    let mut mux = Mux::new();
    for at in 0..60 {
        mux.pes(VIDEO, Some(90_000 + at * 3600), None, &if at == 0 { key(0) } else { inter(at as u8) });
    }
    let head = mux.cut();
    mux.pes(AUDIO, Some(90_000), None, &aac(0));
    let mut reader = reader();
    let mut units = Vec::new();
    reader.push(head.clone().into());
    drain(&mut reader, &mut units).expect("valid");
    assert_eq!(units, [], "two seconds of video wait");
    reader.push(mux.cut().into());
    reader.finish().expect("valid");
    drain(&mut reader, &mut units).expect("valid");
    assert_eq!(kinds(&units), [(1, TrackKind::Video), (2, TrackKind::Audio)]);
    assert_eq!(tracks(&units)[0].samples.len(), 60);

    // At the end of the segment, or with too much that waits, it goes without.
    let units = read(head.clone());
    assert_eq!((kinds(&units), rules(&units)), (vec![(1, TrackKind::Video)], vec!["T017"]));
    assert_eq!(tracks(&units)[0].samples.len(), 60);
    let mut limits = Limits::default();
    limits.pending_bytes = 1000;
    let mut reader = StreamReader::new(&StreamOptions::default(), &limits);
    reader.push(head.into());
    let mut units = Vec::new();
    drain(&mut reader, &mut units).expect("valid");
    assert_eq!(rules(&units), ["T017"]);
    assert!(!fragments(&units).is_empty());
}

#[test]
fn a_track_that_comes_late_is_in_the_next_initialisation_segment() {
    let mut mux = Mux::new();
    mux.pes(VIDEO, Some(90_000), None, &key(0));
    let first = mux.cut();
    some(&mut mux, (VIDEO, AUDIO), 93_600, 3);
    let mut reader = reader();
    let mut units = segment(&mut reader, [first.into()]).expect("valid");
    reader.next_segment(false);
    units.extend(segment(&mut reader, [mux.out.into()]).expect("valid"));
    let counts: Vec<usize> = inits(&units).iter().map(|init| init.tracks.len()).collect();
    assert_eq!((counts, rules(&units)), (vec![1, 2], vec!["T017"]));
}

#[test]
fn the_first_of_several_programmes_is_taken() {
    let mut mux = Mux::default();
    mux.association(&[(0, 0x10), (1, PMT), (2, 0x1001)]);
    mux.section(0x1001, 2, 2, 0, &[0xe2, 0, 0xf0, 0, 0x1b, 0xe2, 0, 0xf0, 0]);
    mux.map(0, &[(AAC, AUDIO, &[])]);
    mux.pes(AUDIO, Some(90_000), None, &aac(0));
    let units = read(mux.out);
    assert_eq!((kinds(&units), rules(&units)), (vec![(1, TrackKind::Audio)], vec!["T005"]));
}

#[test]
fn a_programme_of_unknown_streams_only_is_refused_and_says_their_types() {
    let mux = Mux::with(&[(0x02, VIDEO, &[]), (0x06, AUDIO, &[])]);
    let error = segment(&mut reader(), [mux.out.into()]).expect_err("nothing to play");
    assert_eq!(error.code(), ErrorCode::CodecUnsupported);
    assert!(error.message().contains("0x02, 0x06"), "{error}");
    // Beside one that is known they are left alone.
    let mut mux = Mux::with(&[(0x02, VIDEO, &[]), (AAC, AUDIO, &[])]);
    mux.pes(AUDIO, Some(90_000), None, &aac(0));
    let units = read(mux.out);
    assert_eq!((kinds(&units), rules(&units)), (vec![(1, TrackKind::Audio)], vec!["T006"]));
}

#[test]
fn a_stream_without_a_programme_map_is_refused_at_its_end() {
    let mut mux = Mux::default();
    mux.association(&[(1, PMT)]);
    for at in 0..10 {
        mux.pes(VIDEO, Some(at), None, &key(0));
    }
    let error = segment(&mut reader(), [mux.out.into()]).expect_err("nobody knows what it is");
    assert_eq!(error.code(), ErrorCode::ContainerSyntax);
}

#[test]
fn a_map_that_was_read_before_the_segment_holds_in_it() {
    // As EXT-X-MAP of a transport stream has it: a resource with the tables alone.
    let mut mux = Mux::new();
    let tables = mux.cut();
    some(&mut mux, (VIDEO, AUDIO), 90_000, 3);
    let mut reader = reader();
    assert_eq!(segment(&mut reader, [tables.into()]).expect("valid"), []);
    reader.next_segment(false);
    let units = segment(&mut reader, [mux.out.into()]).expect("valid");
    assert_eq!(tracks(&units)[0].samples.len(), 3);
}

#[test]
fn tables_that_are_repeated_change_nothing() {
    let mut mux = Mux::new();
    for part in 0..10 {
        some(&mut mux, (VIDEO, AUDIO), 90_000 + part * 3 * 3600, 3);
        mux.association(&[(1, PMT)]);
        mux.map(part as u8, &[(H264, VIDEO, &[]), (AAC, AUDIO, &[])]);
    }
    let units = read(mux.out);
    assert_eq!((inits(&units).len(), tracks(&units)[0].samples.len()), (1, 30));
}

#[test]
fn sound_changes_rate_and_channels_with_another_initialisation_segment() {
    let mut mux = Mux::with(&[(AAC, AUDIO, &[])]);
    let mono_44 = |number: u8| {
        let mut frame = aac(number);
        frame[2] = 0x50;
        frame[3] = 0x40;
        frame
    };
    mux.pes(AUDIO, Some(90_000), None, &[aac(0), aac(1), aac(2)].concat());
    mux.pes(AUDIO, Some(90_000 + 3 * 1920), None, &[mono_44(0), mono_44(1)].concat());
    let units = read(mux.out);
    let found: Vec<(u32, Option<u32>, Option<u32>)> = inits(&units)
        .iter()
        .map(|init| (init.tracks[0].timescale.get(), init.tracks[0].sample_rate, init.tracks[0].channels))
        .collect();
    assert_eq!(found, [(48_000, Some(48_000), Some(2)), (44_100, Some(44_100), Some(1))]);
    let starts: Vec<u64> = fragments(&units).iter().map(|fragment| fragment.tracks[0].base_decode_time).collect();
    assert_eq!(starts, [48_000, 44_100 + (3 * 1920 * 44_100 + 45_000) / 90_000]);
}
