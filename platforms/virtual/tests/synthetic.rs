//! The synthetic title is what it claims to be, by the container reader's word.

#![allow(clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use telecine_container::{InitSegment, IsoReader, Unit};
use telecine_model::{Limits, MediaTime, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::Fetched;

fn body(title: &mut SyntheticTitle, path: &str) -> Bytes {
    match title.get(&format!("https://title.example/{path}")) {
        Fetched::Response(response) if response.status == 200 => response.body,
        other => panic!("{path}: {other:?}"),
    }
}

fn read(bytes: Bytes, init: Option<&Arc<InitSegment>>) -> Vec<Unit> {
    let mut reader = IsoReader::new(&Limits::default());
    if let Some(init) = init {
        reader.set_init(Arc::clone(init));
    }
    reader.push(bytes);
    let mut units = Vec::new();
    while let Some(unit) = reader.poll().expect("valid") {
        units.push(unit);
    }
    reader.finish().expect("complete");
    while let Some(unit) = reader.poll().expect("valid") {
        units.push(unit);
    }
    units
}

#[test]
fn renditions_are_whole_and_continuous() {
    let mut title = SyntheticTitle::new(MediaTime::from_millis(10_500)).segments_of(MediaTime::from_millis(1920));
    assert_eq!(title.segment_count(), 6);
    for (rendition, kind, codec, frame) in
        [("v1", TrackKind::Video, "avc1.4D4028", 3600), ("a0", TrackKind::Audio, "mp4a.40.2", 1024)]
    {
        let units = read(body(&mut title, &format!("{rendition}/init.mp4")), None);
        let [Unit::Init(init)] = &units[..] else { panic!("{units:?}") };
        let track = init.track(1).expect("a track");
        assert_eq!((track.kind, track.codec.to_string().to_ascii_lowercase()), (kind, codec.to_ascii_lowercase()));
        let (mut samples, mut next) = (0u64, 0);
        for number in 0..title.segment_count() {
            let units = read(body(&mut title, &format!("{rendition}/{number}.m4s")), Some(init));
            let [Unit::Fragment(fragment)] = &units[..] else { panic!("{units:?}") };
            let [track] = &fragment.tracks[..] else { panic!("one track") };
            assert_eq!(track.base_decode_time, next);
            assert!(track.samples[0].sync);
            assert_eq!(track.samples[1].sync, kind == TrackKind::Audio);
            assert!(track.samples.iter().all(|sample| fragment.sample(sample).is_some()));
            samples += track.samples.len() as u64;
            next = track.end_decode_time();
        }
        assert_eq!(next, samples * frame);
        assert_eq!(samples, title.sample_count(rendition));
    }
    // 10.5 s: 262.5 frames of 40 ms, 492.2 frames of 1,024 samples at 48 kHz.
    assert_eq!((title.sample_count("v0"), title.sample_count("a0")), (263, 493));
}

#[test]
fn bodies_are_as_large_as_the_bitrate_says() {
    let mut title = SyntheticTitle::new(MediaTime::from_secs(8)).renditions(&[(240, 400_000)]);
    let units = read(body(&mut title, "v0/0.m4s"), None);
    let [Unit::Fragment(fragment)] = &units[..] else { panic!("{units:?}") };
    assert_eq!(fragment.tracks[0].sample_bytes(), 400_000 / 8 * 4);
}

#[test]
fn faults_strike_where_and_as_often_as_they_were_ordered() {
    let mut title = SyntheticTitle::new(MediaTime::from_secs(40))
        .fault_times("v0", 1, Fault::Status(503), 2)
        .fault("v0", 2, Fault::Truncated)
        .fault("a0", 3, Fault::Gap);
    let mut status = |path: &str| match title.get(&format!("https://title.example/{path}")) {
        Fetched::Response(response) => (response.status, response.broken.is_some()),
        Fetched::Failure(failure) => panic!("{failure:?}"),
    };
    assert_eq!([status("v0/1.m4s"), status("v0/1.m4s"), status("v0/1.m4s")].map(|s| s.0), [503, 503, 200]);
    assert_eq!(status("v0/2.m4s"), (200, true));
    assert_eq!(status("v1/2.m4s"), (200, false));
    assert_eq!(status("a0/3.m4s").0, 404);
    assert_eq!(status("v0/10.m4s").0, 404);
    assert_eq!(status("nothing").0, 404);
    let playlist = body(&mut title, "a0.m3u8");
    assert!(String::from_utf8_lossy(&playlist).contains("#EXT-X-GAP\n#EXTINF:4.000000,\na0/3.m4s"));
}
