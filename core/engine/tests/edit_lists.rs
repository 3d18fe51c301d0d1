//! Media with edit lists, as encoders with B-frames and audio priming write it, is played as it is
//! meant to be presented: what ffprobe says of the same files is the measure.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use std::path::PathBuf;

use bytes::Bytes;
use common::track;
use telecine_engine::{Config, Event, FetchRequest};
use telecine_model::{MediaTime, Timescale, TrackKind};
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

/// A manifest and one media file.
struct Title {
    manifest: String,
    media: Bytes,
}

impl Source for Title {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let body = match (request.url.ends_with(".mp4"), request.byte_range) {
            (false, _) => Bytes::from(self.manifest.clone()),
            (true, None) => self.media.clone(),
            (true, Some(range)) => self.media.slice(range.offset as usize..(range.offset + range.length) as usize),
        };
        Response::new(200, &request.url, body).into()
    }
}

/// The same behind a multivariant playlist.
struct Multivariant {
    multivariant: &'static str,
    title: Title,
}

impl Source for Multivariant {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        match request.url.ends_with("main.m3u8") {
            true => Response::new(200, &request.url, Bytes::from_static(self.multivariant.as_bytes())).into(),
            false => self.title.fetch(request),
        }
    }
}

fn data(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../container/tests/data").join(name);
    std::fs::read(path).expect("the file is in the repository")
}

/// Presentation times of a track, ascending, by ffprobe. Those before zero are priming: decoded, and
/// not heard.
fn shown(name: &str, track: &str, timescale: u32) -> Vec<MediaTime> {
    let csv = String::from_utf8(data(&format!("{name}.shown.csv"))).expect("text");
    let rows = csv.lines().filter_map(|line| line.split_once(',')).filter(|(of, _)| *of == track);
    let ticks = rows.map(|(_, pts)| pts.parse::<i64>().expect("a number"));
    let timescale = Timescale::new(timescale).expect("not zero");
    let mut times: Vec<MediaTime> = ticks.map(|ticks| MediaTime::from_ticks(ticks, timescale)).collect();
    times.sort_unstable();
    times
}

/// Offset and length of the first box of a type at the top level of a file.
fn find(media: &[u8], name: &[u8; 4]) -> (usize, usize) {
    let mut at = 0;
    while let Some(header) = media.get(at..at + 8) {
        let length = u32::from_be_bytes(header[..4].try_into().expect("four bytes")) as usize;
        if &header[4..] == name {
            return (at, length);
        }
        at += length;
    }
    panic!("no {name:?}");
}

fn plays_as_shown(manifest: String, file: &str, name: &str, tracks: &[(TrackKind, &str, u32)]) {
    let mut session = Session::new(Config::default(), Title { manifest, media: data(&format!("{name}.mp4")).into() })
        .network("rate=5Mbps,rtt=10ms".parse().expect("a network"))
        .play(format!("https://title.example/{file}"));
    assert_eq!(session.run(None), Outcome::Ended);
    for (kind, index, timescale) in tracks {
        let (expected, found) = (shown(name, index, *timescale), track(&session, *kind));
        assert_eq!(found.samples, expected.len() as u64, "{kind:?}");
        assert_eq!(
            (found.first_pts, found.last_pts),
            (expected.first().copied(), expected.last().copied()),
            "{kind:?}"
        );
    }
    assert_eq!(session.engine().qoe(session.now()).stalls, 0);
}

/// A media playlist of `muxed_edit.mp4`, picture and sound in one file.
fn muxed_playlist() -> String {
    let media = data("muxed_edit.mp4");
    let (at, length) = find(&media, b"moov");
    let init = at + length;
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"f.mp4\",BYTERANGE=\"{init}@0\"\n\
         #EXTINF:2,\n#EXT-X-BYTERANGE:{}@{init}\nf.mp4\n#EXT-X-ENDLIST\n",
        media.len() - init
    )
}

#[test]
fn sound_that_is_muxed_in_is_told_by_the_name_that_the_manifest_gives_it() {
    let multivariant = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=YES\n\
         #EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"avc1.64000a,mp4a.40.2\",AUDIO=\"a\"\nmedia.m3u8\n";
    let title = Multivariant {
        multivariant,
        title: Title { manifest: muxed_playlist(), media: data("muxed_edit.mp4").into() },
    };
    let mut session = Session::new(Config::default(), title)
        .network("rate=5Mbps,rtt=10ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    let of_sound = |event: &Event| match event {
        Event::Selected { kind: TrackKind::Audio, track, .. } => Some(track.clone()),
        _ => None,
    };
    let told: Vec<Option<String>> = session.events().iter().filter_map(of_sound).collect();
    assert_eq!(told, [Some("audio:Deutsch:de".to_owned())]);
    assert_eq!(track(&session, TrackKind::Audio).id, "audio:Deutsch:de");
}

#[test]
fn picture_and_primed_sound_in_one_hls_file() {
    let manifest = muxed_playlist();
    let tracks = [(TrackKind::Video, "0", 12_800), (TrackKind::Audio, "1", 48_000)];
    plays_as_shown(manifest, "main.m3u8", "muxed_edit", &tracks);
}

#[test]
fn pictures_in_a_dash_file_without_a_common_index() {
    let manifest = "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT2S\">\
         <Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"v\" bandwidth=\"20000\" \
         codecs=\"avc1.64000a\"><BaseURL>f.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>";
    plays_as_shown(manifest.to_owned(), "main.mpd", "dash_sidx", &[(TrackKind::Video, "0", 12_800)]);
}

/// `muxed_edit.mp4` with pictures (track 1, 12,800 ticks a second) that are shown so much later.
fn pictures_later(ticks: u32) -> Vec<u8> {
    let mut media = data("muxed_edit.mp4");
    let word = |media: &[u8], at: usize| u32::from_be_bytes(media[at..at + 4].try_into().expect("four bytes"));
    let names: Vec<usize> = (0..media.len() - 24).filter(|at| &media[*at..*at + 4] == b"tfdt").collect();
    for at in names {
        let header = (0..at).rev().find(|before| &media[*before..*before + 4] == b"tfhd").expect("in front of it");
        if word(&media, header + 8) == 1 {
            // The last four bytes of the time, in either version.
            let time = if media[at + 4] == 0 { at + 8 } else { at + 12 };
            let later = word(&media, time) + ticks;
            media[time..time + 4].copy_from_slice(&later.to_be_bytes());
        }
    }
    media
}

#[test]
fn sound_that_begins_well_before_the_picture_is_left_out_until_then_and_that_is_told() {
    // What a playlist may be off by moves nothing. The sound has a frame of priming.
    for (ticks, first, told) in [(0, 0, None), (12_800 / 10, 100, None), (12_800 * 3 / 2, 0, Some("-1.521 s"))] {
        let title = Title { manifest: muxed_playlist(), media: pictures_later(ticks).into() };
        let mut session = Session::new(Config::default(), title)
            .network("rate=5Mbps,rtt=10ms".parse().expect("a network"))
            .play("https://title.example/main.m3u8");
        assert_eq!(session.run(None), Outcome::Ended);
        assert_eq!(track(&session, TrackKind::Video).first_pts, Some(MediaTime::from_millis(first)), "{ticks}");
        let errors = common::errors(&session);
        assert_eq!(errors.len(), usize::from(told.is_some()), "{errors:?}");
        for error in errors {
            assert!(!error.is_fatal());
            assert_eq!(error.code(), telecine_model::ErrorCode::TimestampInvalid);
            assert_eq!(error.facts().get("from").map(String::as_str), told, "{error:?}");
        }
    }
}
