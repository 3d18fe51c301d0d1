//! Captions and subtitles reach the application as cues on the presentation's timeline, each once, whatever they were
//! written in.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use bytes::Bytes;
use common::{at, secs};
use telecine_engine::{replay, Command, Config, Engine, Event, FetchRequest, KeySetup};
use telecine_model::cue::CueChange;
use telecine_model::{Timestamp, TrackKind};
use telecine_virtual::testing::{SyntheticTitle, TitleProtection};
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

/// A title some of whose answers are others: path and what it would be (empty for what it has not).
struct Edited<F>(SyntheticTitle, F);

impl<F: FnMut(&str, &[u8]) -> Option<Vec<u8>>> Source for Edited<F> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let path = request.url.trim_start_matches("https://title.example/").to_owned();
        let fetched = self.0.get(&request.url);
        let body = match &fetched {
            Fetched::Response(response) if response.status == 200 => response.body.clone(),
            _ => Bytes::new(),
        };
        match (self.1)(&path, &body) {
            Some(body) => Response::new(200, &request.url, body).into(),
            None => fetched,
        }
    }
}

fn edited<F: FnMut(&str, &[u8]) -> Option<Vec<u8>>>(title: SyntheticTitle, file: &str, edit: F) -> Session<Edited<F>> {
    let mut config = Config::default();
    config.record = true;
    config.preferences.text_languages = vec!["en".to_owned()];
    let network = "rate=8Mbps,rtt=40ms".parse().expect("a network");
    Session::new(config, Edited(title, edit)).network(network).play(format!("https://title.example/{file}"))
}

fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).expect("a manifest is text")
}

/// The cues that are known at the end: text, start and end in milliseconds.
fn known<S: Source>(session: &Session<S>) -> Vec<(String, i64, i64)> {
    let cues = session.engine().cues();
    cues.map(|(_, cue)| (cue.plain_text(), cue.start.as_millis(), cue.end.as_millis())).collect()
}

/// What was to be on the screen from when on, in milliseconds of the title.
fn shown<S: Source>(session: &Session<S>) -> Vec<(i64, String)> {
    let events = session.events().iter();
    events
        .filter_map(|event| match event {
            Event::CuesShown { position, cues, .. } => {
                let texts: Vec<String> = cues.iter().map(|cue| cue.plain_text()).collect();
                Some((position.as_millis(), texts.join("|")))
            }
            _ => None,
        })
        .collect()
}

fn added<S: Source>(session: &Session<S>) -> usize {
    let changes = session.events().iter().filter_map(|event| match event {
        Event::Cues { changes, .. } => Some(changes),
        _ => None,
    });
    changes.flatten().filter(|change| matches!(change, CueChange::Added(..))).count()
}

fn assert_shown(found: &[(i64, String)], expected: &[(i64, &str)]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((at, text), (due, wanted)) in found.iter().zip(expected) {
        assert_eq!(text, wanted, "at {at}");
        assert!((*due..due + 3).contains(at), "{text} at {at}, due at {due}");
    }
}

#[test]
fn a_file_beside_the_title_is_shown_when_it_is_due_and_once_however_often_it_is_fetched() {
    for file in ["main.m3u8", "main.mpd"] {
        let title = SyntheticTitle::new(secs(30));
        let mut session = edited(title, file, |_, _| None).at(at(14_000), Command::Seek(secs(9)));
        assert_eq!(session.run(None), Outcome::Ended);
        let expected = [(0, "At second 0"), (10_000, "At second 10"), (20_000, "At second 20")];
        let expected: Vec<_> = expected.iter().map(|(at, text)| ((*text).to_owned(), *at, at + 2000)).collect();
        assert_eq!(known(&session), expected);
        assert_eq!(added(&session), 3);
        let shown = shown(&session);
        // The seek goes back before the second one, which is shown again.
        let tens: Vec<_> = shown.iter().filter(|(_, text)| text == "At second 10").collect();
        assert_eq!(tens.len(), 2, "{file}: {shown:?}");
        assert!(tens.iter().all(|(at, _)| (10_000..10_003).contains(at)));
    }
}

/// Four segments of subtitles; the media's clock is ten seconds ahead of the texts'.
fn segmented(path: &str, _: &[u8]) -> Option<Vec<u8>> {
    let playlist = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\n0.vtt\n\
                    #EXTINF:4,\n1.vtt\n#EXTINF:4,\n2.vtt\n#EXTINF:4,\n3.vtt\n#EXT-X-ENDLIST\n";
    let cues = match path {
        "t0.m3u8" => return Some(playlist.as_bytes().to_vec()),
        "0.vtt" => "00:11.000 --> 00:12.500\nfirst\n",
        // In all segments that it spans, whole.
        "1.vtt" => "00:17.000 --> 00:23.000\nspans three\n",
        "2.vtt" => "00:17.000 --> 00:23.000\nspans three\n\n00:19.000 --> 00:20.000\nbeside\n",
        "3.vtt" => "00:17.000 --> 00:23.000\nspans three\n\n00:24.000 --> 00:25.000\nlast\n",
        _ => return None,
    };
    // Ten seconds of the texts' clock are zero of the media's, said across the wrap of 33 bits.
    Some(
        format!("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:05.000,MPEGTS:{}\n\n{cues}", (1_u64 << 33) - 450_000).into_bytes(),
    )
}

#[test]
fn segments_of_hls_are_put_by_their_map_and_a_cue_that_spans_them_is_one() {
    let mut session = edited(SyntheticTitle::new(secs(16)), "main.m3u8", segmented);
    assert_eq!(session.run(None), Outcome::Ended);
    let expected =
        [("first", 1000, 2500), ("spans three", 7000, 13_000), ("beside", 9000, 10_000), ("last", 14_000, 15_000)];
    assert_eq!(known(&session), expected.map(|(text, start, end)| (text.to_owned(), start, end)));
    assert_eq!(added(&session), 4);
    // And so does a sink that reads the texts itself.
    let text = common::track(&session, TrackKind::Text);
    let pts = (text.first_pts.map(|pts| pts.as_millis()), text.last_pts.map(|pts| pts.as_millis()));
    assert_eq!((text.samples, pts), (4, (Some(1000), Some(14_000))));
    assert_shown(
        &shown(&session),
        &[
            (1000, "first"),
            (2500, ""),
            (7000, "spans three"),
            (9000, "spans three|beside"),
            (10_000, "spans three"),
            (13_000, ""),
            (14_000, "last"),
            (15_000, ""),
        ],
    );
}

#[test]
fn texts_of_a_domain_wait_for_its_media_and_sinks_get_them_where_the_cues_are() {
    // From 8 s on the media's clock is at 7 s. The texts are there long before the picture.
    let title = SyntheticTitle::new(secs(16)).part_at(2);
    let mut session = edited(title, "main.m3u8", |path, _| {
        let cues = match path {
            "t0.m3u8" => {
                let playlist = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:8\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                                #EXTINF:8,\n0.vtt\n#EXT-X-DISCONTINUITY\n#EXTINF:8,\n1.vtt\n#EXT-X-ENDLIST\n";
                return Some(playlist.as_bytes().to_vec());
            }
            "0.vtt" => "00:01.000 --> 00:02.000\nfirst\n",
            "1.vtt" => "00:08.500 --> 00:09.000\nsecond\n",
            _ => return None,
        };
        Some(format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n{cues}").into_bytes())
    });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(common::errors(&session), []);
    assert_eq!(known(&session), [("first".to_owned(), 1000, 2000), ("second".to_owned(), 9500, 10_000)]);
    let text = common::track(&session, TrackKind::Text);
    let pts = (text.first_pts.map(|pts| pts.as_millis()), text.last_pts.map(|pts| pts.as_millis()));
    assert_eq!((text.samples, pts), (2, (Some(1000), Some(9500))));
    let replayed = replay(&session.take_recording()).expect("a recording");
    assert!(replayed.equal && replayed.complete, "{replayed:?}");
}

#[test]
fn a_text_of_a_domain_without_media_does_not_keep_the_title_from_its_end() {
    let mut session = edited(SyntheticTitle::new(secs(8)), "main.m3u8", |path, _| match path {
        "t0.m3u8" => {
            let playlist = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                            #EXTINF:4,\n0.vtt\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n1.vtt\n#EXT-X-ENDLIST\n";
            Some(playlist.as_bytes().to_vec())
        }
        "0.vtt" => Some(b"WEBVTT\n\n00:01.000 --> 00:02.000\nfirst\n".to_vec()),
        "1.vtt" => Some(b"WEBVTT\n\n00:05.000 --> 00:06.000\nsecond\n".to_vec()),
        _ => None,
    });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(known(&session), [("first".to_owned(), 1000, 2000), ("second".to_owned(), 5000, 6000)]);
    assert_eq!(common::track(&session, TrackKind::Text).samples, 2);
}

fn data(name: &str) -> Vec<u8> {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../container/tests/data").join(name);
    std::fs::read(path).expect("the file is in the repository")
}

#[test]
fn text_tracks_in_mp4_give_the_cues_that_were_packaged() {
    for (codec, name) in [("wvtt", "wvtt.mp4"), ("stpp.ttml.im1t", "stpp.mp4")] {
        let title = SyntheticTitle::new(secs(12)).without_text();
        let mut session = edited(title, "main.mpd", |path, body| match path {
            "main.mpd" => {
                let set = format!(
                    "<AdaptationSet id=\"7\" contentType=\"text\" lang=\"en\" mimeType=\"application/mp4\" \
                     codecs=\"{codec}\"><Representation id=\"tx\" bandwidth=\"100\"><BaseURL>text.mp4</BaseURL>\
                     </Representation></AdaptationSet></Period>"
                );
                Some(text(body).replace("</Period>", &set).into_bytes())
            }
            "text.mp4" => Some(data(&format!("text/{name}"))),
            _ => None,
        });
        assert_eq!(session.run(None), Outcome::Ended);
        assert_eq!(common::errors(&session), []);
        // As packaged.vtt has them.
        let expected = [
            ("Spans three segments", 500, 5000),
            ("Ends at a boundary\nwith two lines", 1000, 2000),
            ("No id, & an entity", 2000, 3000),
            ("In a region", 3500, 4500),
            ("After a pause", 7000, 8000),
            ("Same text", 8000, 9000),
            ("Same text", 9000, 10_000),
        ];
        let plain = |text: String| match codec {
            "wvtt" => text,
            // The packager writes WebVTT's tags and references into TTML as text.
            _ => text.replace("&amp;", "&").split('<').map(|part| part.rsplit('>').next().unwrap_or("")).collect(),
        };
        let known: Vec<_> = known(&session).into_iter().map(|(text, start, end)| (plain(text), start, end)).collect();
        assert_eq!(known, expected.map(|(text, start, end)| (text.to_owned(), start, end)), "{name}");
    }
}

/// Triplets of field 1 that roll a row of two letters up (CTA-608-E).
fn row(letters: [u8; 2]) -> Vec<u8> {
    [[0x94, 0x25], [0x94, 0xad], letters].iter().flat_map(|pair| [0xfc, pair[0], pair[1]]).collect()
}

/// The same that takes the display away.
fn erase() -> Vec<u8> {
    vec![0xfc, 0x94, 0x2c]
}

/// A `user_data_registered_itu_t_t35` payload (ATSC A/72, 6.4).
fn user_data(triplets: &[u8]) -> Vec<u8> {
    let head = [0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x40 | (triplets.len() / 3) as u8, 0xff];
    [&head[..], triplets, &[0xff]].concat()
}

/// Writes an SEI NAL unit over the zeros at the start of a fragment's first sample.
fn with_captions(body: &[u8], triplets: &[u8]) -> Vec<u8> {
    let payload = user_data(triplets);
    let nal = [&[6, 4, payload.len() as u8][..], &payload, &[0x80]].concat();
    let unit = [&(nal.len() as u32).to_be_bytes()[..], &nal].concat();
    let media = body.windows(4).position(|four| four == b"mdat").expect("a fragment") + 4;
    let mut body = body.to_vec();
    // Over zeros, and over what zeros become in counter mode.
    body[media..media + unit.len()].iter_mut().zip(&unit).for_each(|(byte, with)| *byte ^= with);
    body
}

fn announcing_captions(body: &[u8]) -> Vec<u8> {
    let media = "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"English\",LANGUAGE=\"en\",\
                 INSTREAM-ID=\"CC1\"\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"Deutsch\",LANGUAGE=\"de\",\
                 INSTREAM-ID=\"CC3\"\n#EXT-X-STREAM-INF:CLOSED-CAPTIONS=\"cc\",";
    text(body)
        .replacen("#EXT-X-STREAM-INF:", media, 1)
        .replace("\n#EXT-X-STREAM-INF:B", "\n#EXT-X-STREAM-INF:CLOSED-CAPTIONS=\"cc\",B")
        .into_bytes()
}

fn captioned(path: &str, body: &[u8]) -> Option<Vec<u8>> {
    match path {
        "main.m3u8" => Some(announcing_captions(body)),
        _ if path.starts_with('v') && path.ends_with(".m4s") => {
            let number: u8 = path.split_once('/')?.1.strip_suffix(".m4s")?.parse().ok()?;
            let triplets = match number {
                3 => erase(),
                _ => row([b'A' + number, b'!']),
            };
            Some(with_captions(body, &triplets))
        }
        _ => None,
    }
}

#[test]
fn captions_in_the_picture_are_chosen_like_any_text_track() {
    let title = SyntheticTitle::new(secs(16)).without_text();
    let mut session = edited(title, "main.m3u8", captioned);
    assert_eq!(session.run(None), Outcome::Ended);
    let selected: Vec<_> = session
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Selected { kind: TrackKind::Text, track, .. } => Some(track.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(selected, [true]);
    assert_eq!(common::errors(&session), []);
    let expected = [("A!", 0, 4000), ("A!\nB!", 4000, 8000), ("B!\nC!", 8000, 12_000)];
    assert_eq!(known(&session), expected.map(|(text, start, end)| (text.to_owned(), start, end)));
    let shown: Vec<_> = shown(&session).into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, ["A!", "A!\nB!", "B!\nC!", ""]);
}

#[test]
fn captions_in_segments_that_bring_their_initialisation_along_are_found() {
    let mut source = SyntheticTitle::new(secs(16));
    let mut init = move |rendition: &str| match source.get(&format!("https://title.example/{rendition}/init.mp4")) {
        Fetched::Response(response) => response.body,
        Fetched::Failure(failure) => panic!("{failure:?}"),
    };
    let title = SyntheticTitle::new(secs(16)).without_text();
    let mut session = edited(title, "main.m3u8", move |path, body| match path.split_once('/') {
        Some((rendition, _)) if rendition.starts_with('v') => {
            captioned(path, body).map(|media| [&init(rendition)[..], &media].concat())
        }
        None if path.starts_with('v') => {
            let lines = text(body).lines().filter(|line| !line.starts_with("#EXT-X-MAP"));
            Some(lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
        }
        _ => captioned(path, body),
    });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(common::errors(&session), []);
    let expected = [("A!", 0, 4000), ("A!\nB!", 4000, 8000), ("B!\nC!", 8000, 12_000)];
    assert_eq!(known(&session), expected.map(|(text, start, end)| (text.to_owned(), start, end)));
}

#[test]
fn captions_in_protected_media_are_found_once_it_is_decrypted() {
    let title = SyntheticTitle::new(secs(16)).without_text().protected(TitleProtection::default());
    let mut setup = KeySetup::default();
    for rendition in ["v0", "v1", "v2", "a0"] {
        let (kid, key) = title.key_of(rendition, 0);
        setup.give(kid, key);
    }
    let mut config = Config::default();
    config.preferences.text_languages = vec!["en".to_owned()];
    let mut engine = Engine::new(config);
    engine.set_keys(setup);
    let mut session = Session::with_engine(engine, Edited(title, captioned), Timestamp::ZERO)
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(common::errors(&session), []);
    let expected = [("A!", 0, 4000), ("A!\nB!", 4000, 8000), ("B!\nC!", 8000, 12_000)];
    assert_eq!(known(&session), expected.map(|(text, start, end)| (text.to_owned(), start, end)));
}

#[test]
fn captions_may_be_switched_off_and_on_while_they_play() {
    let title = SyntheticTitle::new(secs(16)).without_text();
    let mut session = edited(title, "main.m3u8", captioned).at(at(2000), Command::DisableKind(TrackKind::Text));
    session.run(Some(at(3000)));
    assert_eq!(session.engine().cues().count(), 0);
    let id = session.engine().presentation().and_then(|presentation| {
        presentation.periods[0].tracks.iter().find(|track| track.in_stream_id.as_deref() == Some("CC1"))
    });
    let id = id.expect("captions are announced").id.clone();
    session.schedule(at(9500), Command::SelectTrack { kind: TrackKind::Text, id });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(common::errors(&session), []);
    let shown: Vec<_> = shown(&session).into_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, ["A!", "", "B!\nC!", ""], "what was fetched meanwhile is there at once");
}

#[test]
fn captions_in_a_transport_stream_are_shown_with_its_picture() {
    struct Stream(Vec<u8>);
    impl Source for Stream {
        fn fetch(&mut self, request: &FetchRequest) -> Fetched {
            let body = match request.url.rsplit('/').next() {
                Some("main.m3u8") => announcing_captions(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nv.m3u8\n"),
                Some("v.m3u8") => b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n".to_vec(),
                _ => self.0.clone(),
            };
            Response::new(200, &request.url, body).into()
        }
    }
    let mut stream = data("ts/avc_aac.ts");
    // x264 writes its settings into the first picture as an SEI message of type 5; captions are of type 4.
    let text = stream.windows(8).position(|eight| eight == b"x264 - c").expect("x264 made it");
    let message = text - 16 - 4;
    assert_eq!(stream[message..message + 3], [5, 0xff, 0xff]);
    stream[message] = 4;
    let payload = user_data(&row(*b"Hi"));
    stream[text - 16..text - 16 + payload.len()].copy_from_slice(&payload);
    let mut config = Config::default();
    config.preferences.text_languages = vec!["en".to_owned()];
    let mut session = Session::new(config, Stream(stream)).play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(common::errors(&session), []);
    let found: Vec<_> =
        session.engine().cues().map(|(_, cue)| (cue.plain_text(), cue.start.as_millis(), cue.is_open())).collect();
    assert_eq!(found, [("Hi".to_owned(), 0, true)]);
}

#[test]
fn a_text_that_is_none_is_told_and_playback_goes_on() {
    let mut session = edited(SyntheticTitle::new(secs(8)), "main.m3u8", |path, _| {
        (path == "t0.vtt").then(|| b"<html>not found</html>".to_vec())
    });
    assert_eq!(session.run(None), Outcome::Ended);
    let errors = common::errors(&session);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!((errors[0].code(), errors[0].is_fatal()), (telecine_model::ErrorCode::TextSyntax, false));
    assert!(known(&session).is_empty());
}

#[test]
fn a_recording_replays_to_the_same_actions_though_it_has_no_texts() {
    let mut session = edited(SyntheticTitle::new(secs(16)), "main.m3u8", segmented);
    assert_eq!(session.run(None), Outcome::Ended);
    let recording = session.take_recording();
    assert!(!recording.windows(6).any(|bytes| bytes == b"beside"));
    let replayed = replay(&recording).expect("a recording");
    assert!(replayed.equal && replayed.complete, "{replayed:?}");
}
