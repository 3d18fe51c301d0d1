//! Faults of media and of subtitle texts that were tolerated are told, each rule once per track and with a count.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use common::secs;
use telecine_engine::{Config, Event, FetchRequest, MediaWarning, State};
use telecine_model::TrackKind;
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

struct Answers<F>(F);

impl<F: FnMut(&str) -> Vec<u8>> Source for Answers<F> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let body = (self.0)(request.url.trim_start_matches("https://title.example/"));
        Response::new(200, &request.url, body).into()
    }
}

fn data(name: &str) -> Vec<u8> {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../container/tests/data").join(name);
    std::fs::read(path).expect("the file is in the repository")
}

/// What was told, in its order.
fn told<S: Source>(session: &Session<S>) -> Vec<(TrackKind, &str, u64)> {
    let warnings = session.events().iter().filter_map(|event| match event {
        Event::MediaWarning { warning, .. } => Some(warning),
        _ => None,
    });
    warnings.map(|warning| (warning.kind, warning.warning.rule.as_str(), warning.count)).collect()
}

/// A transport stream with so many damaged packets in front of it.
fn damaged(packets: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[..4].copy_from_slice(&[0x47, 0x80, 0, 0x10]);
    [packet.repeat(packets), data("ts/avc_aac.ts")].concat()
}

#[test]
fn a_rule_that_a_stream_breaks_often_is_told_at_one_ten_and_at_the_end() {
    let mut session = Session::new(
        Config::default(),
        Answers(|path: &str| match path {
            "main.m3u8" => {
                b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n1.ts\n\
                            #EXT-X-ENDLIST\n"
                    .to_vec()
            }
            "0.ts" => damaged(7),
            _ => damaged(5),
        }),
    )
    .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(
        told(&session),
        [(TrackKind::Video, "T003", 1), (TrackKind::Video, "T003", 10), (TrackKind::Video, "T003", 12)]
    );
    let known: Vec<&MediaWarning> = session.engine().media_warnings().collect();
    assert_eq!((known.len(), known[0].segment, known[0].count), (1, 0, 12));
    assert!(known[0].warning.message.contains("damaged"), "{:?}", known[0]);
    let last = session.events().iter().rposition(|event| matches!(event, Event::MediaWarning { .. }));
    let ended = session.events().iter().position(|event| matches!(event, Event::State { state: State::Ended, .. }));
    assert!(last < ended, "the last count comes before the state that ends playback");
}

#[test]
fn a_segment_of_which_nothing_can_be_used_says_its_warnings_too() {
    let mut session = Session::new(
        Config::default(),
        Answers(|path: &str| match path {
            "main.m3u8" => {
                b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n#EXT-X-ENDLIST\n".to_vec()
            }
            "0.ts" => damaged(0),
            _ => damaged(9)[..9 * 188].to_vec(),
        }),
    )
    .play("https://title.example/main.m3u8");
    session.run(None);
    assert!(told(&session).contains(&(TrackKind::Video, "T003", 1)), "{:?}", told(&session));
}

#[test]
fn packed_audio_without_a_timestamp_says_so() {
    let mut session = Session::new(
        Config::default(),
        Answers(|path: &str| match path {
            "main.m3u8" => b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.aac\n#EXT-X-ENDLIST\n".to_vec(),
            _ => {
                // Behind the ID3 tag.
                let file = data("ts/packed_aac.aac");
                let sync = file.windows(2).position(|two| two == [0xff, 0xf1]).expect("a frame");
                file[sync..].to_vec()
            }
        }),
    )
    .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(told(&session).len(), 1);
    assert_eq!(told(&session)[0].1, "T018");
}

/// A title with a file of subtitles beside it.
fn subtitled(text: &'static [u8]) -> Session<impl Source> {
    struct Texts(SyntheticTitle, &'static [u8]);
    impl Source for Texts {
        fn fetch(&mut self, request: &FetchRequest) -> Fetched {
            match request.url.ends_with("t0.vtt") {
                true => Response::new(200, &request.url, self.1.to_vec()).into(),
                false => self.0.get(&request.url),
            }
        }
    }
    let mut config = Config::default();
    config.preferences.text_languages = vec!["en".to_owned()];
    let network = "rate=8Mbps,rtt=40ms".parse().expect("a network");
    Session::new(config, Texts(SyntheticTitle::new(secs(8)), text))
        .network(network)
        .play("https://title.example/main.m3u8")
}

#[test]
fn faults_of_webvtt_and_ttml_are_told_by_their_rules() {
    let mut session = subtitled(
        b"WEBVTT\n\n00:01.000 --> 00:02.000 colour:red\nx\n\n00:03.000 --> 00:04.000 size:none\ny\n\n\
          0:5 --> 00:06.000\nz\n",
    );
    assert_eq!(session.run(None), Outcome::Ended);
    let kind = TrackKind::Text;
    let mut found = told(&session);
    found.sort_unstable();
    assert_eq!(found, [(kind, "T101", 1), (kind, "T102", 1), (kind, "T102", 2)]);

    let mut session = subtitled(
        b"<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><div><p begin=\"soon\" region=\"nowhere\" dur=\"1s\">x</p></div>\
          </body></tt>",
    );
    assert_eq!(session.run(None), Outcome::Ended);
    let mut found = told(&session);
    found.sort_unstable();
    assert_eq!(found, [(kind, "T201", 1), (kind, "T203", 1)]);
}
