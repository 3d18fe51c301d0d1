//! What is measured is the same work: ours and the Rust peers read the same segments out of the same bytes.

use telecine_benches::inputs::{self, Language};
use telecine_manifest::{dash, hls};
use telecine_model::{Limits, MediaTime};

const URL: &str = "https://cdn.example/vod/manifest";

fn of(language: Language) -> impl Iterator<Item = inputs::Input> {
    inputs::all().into_iter().filter(move |input| input.language == language)
}

#[test]
fn playlists_have_the_segments_that_m3u8_rs_reads() {
    let limits = Limits::default();
    for input in of(Language::Hls) {
        let context =
            hls::Context { uri: URL, requested_uri: URL, imports: None, mode: hls::Mode::Strict, limits: &limits };
        let hls::Playlist::Media(ours) = hls::parse(&input.bytes, &context).unwrap() else {
            panic!("{} is a media playlist", input.name);
        };
        let (_, theirs) = m3u8_rs::parse_media_playlist(&input.bytes).unwrap();
        assert!(ours.info.warnings.is_empty(), "{}: {:?}", input.name, ours.info.warnings);
        assert_eq!(ours.index.table.len(), theirs.segments.len() as u64);
        for (number, peer) in (theirs.media_sequence..).zip(&theirs.segments) {
            let segment = ours.index.get(number).unwrap();
            assert_eq!(segment.uri, format!("https://cdn.example/vod/{}", peer.uri));
            // The peer's durations are 32-bit floats: to the millisecond they are still exact.
            let milliseconds = (f64::from(peer.duration) * 1e3).round() as i64;
            assert_eq!(segment.duration, MediaTime::from_millis(milliseconds), "{} of {}", number, input.name);
            let announced = peer.program_date_time.unwrap().timestamp_micros();
            assert_eq!(segment.program_date_time.unwrap().as_micros(), announced, "{} of {}", number, input.name);
        }
    }
}

#[test]
fn mpds_have_the_timelines_that_dash_mpd_core_reads() {
    let limits = Limits::default();
    for input in of(Language::Dash) {
        let ours = dash::parse(&input.bytes, &dash::Context { uri: URL, limits: &limits }).unwrap().presentation;
        let theirs = dash_mpd_core::parse(std::str::from_utf8(&input.bytes).unwrap()).unwrap();
        let tracks = &ours.periods[0].tracks;
        let sets = &theirs.periods[0].adaptations;
        assert_eq!(tracks.len(), sets.len());
        for (track, set) in tracks.iter().zip(sets) {
            assert_eq!(track.renditions.len() as u64, input.renditions);
            let peers = &set.SegmentTemplate.as_ref().unwrap().SegmentTimeline.as_ref().unwrap().segments;
            for rendition in &track.renditions {
                let spans = rendition.segments.known().unwrap().table.iter();
                let ours: Vec<_> = spans.map(|span| (span.start, span.duration)).collect();
                let theirs: Vec<_> = peers.iter().map(|s| (i64::try_from(s.t.unwrap()).unwrap(), s.d)).collect();
                assert!(ours == theirs, "{} differs", input.name);
            }
        }
    }
}
