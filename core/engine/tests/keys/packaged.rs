//! What the packager wrote, through the whole engine: the sink gets the samples of the clear packaging, byte for byte.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use telecine_container::{IsoReader, StreamOptions, StreamReader, StreamUnit, Unit};
use telecine_drm::ContentKey;
use telecine_engine::{
    replay, Capabilities, Config, Engine, FetchRequest, KeySetup, Sink, SinkCommand, SinkReport, TrackStats,
};
use telecine_model::protection::KeyId;
use telecine_model::{ErrorCode, Limits, Timestamp};
use telecine_virtual::{Fetched, ModelSink, Outcome, Response, Session, Source};

use crate::sink::keeping;

fn golden(name: &str) -> Bytes {
    file(&format!("../../conformance/media/golden/{name}"))
}

fn file(path: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

/// Keys of the packager's titles: of video, turned left by a byte in each period, and of sound.
fn keys() -> KeySetup {
    const VIDEO: (u128, u128) = (0x00112233445566778899aabbccddeeff, 0x0123456789abcdef0123456789abcdef);
    const SOUND: (u128, u128) = (0x11112233445566778899aabbccddeeff, 0x1123456789abcdef0123456789abcdef);
    let mut setup = KeySetup::default();
    let turned = (0..8).map(|period| (VIDEO.0.rotate_left(8 * period), VIDEO.1.rotate_left(8 * period)));
    for (kid, key) in turned.chain([SOUND]) {
        setup.give(KeyId(kid.to_be_bytes()), ContentKey::new(key.to_be_bytes()));
    }
    setup
}

/// Files by their names.
#[derive(Clone)]
struct Files(BTreeMap<String, Bytes>);

impl Source for Files {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let name = request.url.rsplit('/').next().unwrap_or("");
        let Some(body) = self.0.get(name) else { return Response::new(404, &request.url, Bytes::new()).into() };
        let body = match request.byte_range {
            Some(range) => body.slice(range.offset as usize..(range.offset + range.length) as usize),
            None => body.clone(),
        };
        Response::new(200, &request.url, Bytes::copy_from_slice(&body)).into()
    }
}

fn play(name: &str, files: Files, setup: KeySetup) -> Vec<Bytes> {
    let mut config = Config::default();
    config.record = true;
    let mut engine = Engine::new(config);
    engine.set_keys(setup);
    let (sink, shelf) = keeping();
    let mut session = Session::with_engine(engine, files, Timestamp::ZERO)
        .sink(sink)
        .network("rate=4Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended, "{name}: {:?}", session.events());
    let replayed = replay(&session.take_recording()).expect("readable");
    assert!(replayed.equal && replayed.complete, "{name}: {:?}", replayed.differs_by_input);
    let kept = shelf.get();
    assert!(!kept.tracks.is_empty() && kept.tracks.iter().all(|protected| !protected), "{name}: clear tracks");
    kept.samples.iter().map(|(_, bytes)| bytes.clone()).collect()
}

/// Samples of a file that is clear.
fn clear_samples(bytes: Bytes) -> Vec<Bytes> {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(bytes);
    reader.finish().expect("complete");
    let mut samples = Vec::new();
    while let Some(unit) = reader.poll().expect("valid") {
        if let Unit::Fragment(fragment) = unit {
            let own = fragment.tracks.iter().flat_map(|track| &track.samples);
            samples.extend(own.map(|sample| fragment.sample(sample).expect("inside")));
        }
    }
    samples
}

/// A playlist over one file: its initialisation section and fragments by their ranges.
fn over_one_file(bytes: &Bytes, tag: &str) -> Files {
    let mut reader = IsoReader::new(&Limits::default());
    reader.push(bytes.clone());
    reader.finish().expect("complete");
    let (mut init, mut segments) = (0, String::new());
    while let Some(unit) = reader.poll().expect("valid") {
        match unit {
            Unit::Init(found) => init = found.data.len(),
            Unit::Fragment(fragment) => {
                let (size, offset) = (fragment.size, fragment.offset);
                segments += &format!("#EXTINF:2.0,\n#EXT-X-BYTERANGE:{size}@{offset}\nmedia.mp4\n");
            }
            _ => {}
        }
    }
    let map = format!("#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\"{init}@0\"\n");
    let head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n";
    let playlist = format!("{head}{map}{tag}{segments}#EXT-X-ENDLIST\n");
    Files([("main.m3u8".to_owned(), playlist.into()), ("media.mp4".to_owned(), bytes.clone())].into())
}

#[test]
fn every_scheme_with_the_keys_of_the_application() {
    for scheme in
        ["cenc", "cens", "cens-5-5", "cbc1", "cbcs", "cbcs-5-5", "wrap", "clear-lead", "rotation", "rotation-in-band"]
    {
        for kind in ["v", "a"] {
            let name = format!("{scheme}.{kind}");
            let files = over_one_file(&golden(&format!("{name}.mp4")), "");
            let found = play(&name, files, keys());
            assert!(
                found == clear_samples(golden(&format!("clear.{kind}.mp4"))),
                "{name}: other samples than in the clear"
            );
        }
    }
}

/// A sink whose decoder fails on the first media that it gets, or later.
struct Undecoding {
    sink: ModelSink,
    fails_at: Option<Timestamp>,
    after: Duration,
}

impl Sink for Undecoding {
    fn capabilities(&self) -> Capabilities {
        self.sink.capabilities()
    }

    fn command(&mut self, command: SinkCommand, now: Timestamp) {
        if matches!(command, SinkCommand::Play) {
            self.fails_at.get_or_insert(now + self.after);
        }
        self.sink.command(command, now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<SinkReport> {
        match self.fails_at.is_some_and(|due| due <= now) {
            true => {
                self.fails_at = Some(Timestamp::from_micros(u64::MAX));
                Some(SinkReport::Failed { code: ErrorCode::DecodeFailed, message: "no picture".to_owned() })
            }
            false => self.sink.poll(now),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.fails_at.into_iter().chain(self.sink.deadline()).min()
    }

    fn tracks(&self) -> Vec<TrackStats> {
        self.sink.tracks()
    }
}

#[test]
fn what_no_decoder_can_begin_with_had_another_key() {
    // Decrypted, and read well for a while; clear.
    for (name, after_ms, code) in [
        ("cenc.v", 10, ErrorCode::DecryptFailed),
        ("cenc.v", 2500, ErrorCode::DecodeFailed),
        ("clear.v", 10, ErrorCode::DecodeFailed),
    ] {
        let mut engine = Engine::new(Config::default());
        engine.set_keys(keys());
        let after = Duration::from_millis(after_ms);
        let mut session =
            Session::with_engine(engine, over_one_file(&golden(&format!("{name}.mp4")), ""), Timestamp::ZERO)
                .sink(Undecoding { sink: ModelSink::default(), fails_at: None, after })
                .network("rate=4Mbps,rtt=40ms".parse().expect("a network"))
                .play("https://title.example/main.m3u8");
        let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{name}: {:?}", session.events().last()) };
        assert_eq!(error.code(), code, "{name} {after_ms}: {error}");
        assert!(error.message().ends_with("no picture"), "{error}");
    }
}

#[test]
fn a_key_file_of_samples() {
    let tag = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key.bin\",KEYFORMAT=\"identity\"\n";
    let mut files = over_one_file(&golden("cbcs.v.mp4"), tag);
    let key = 0x0123456789abcdef0123456789abcdef_u128.to_be_bytes();
    files.0.insert("key.bin".to_owned(), Bytes::copy_from_slice(&key));
    assert!(play("cbcs", files, KeySetup::default()) == clear_samples(golden("clear.v.mp4")));
}

#[test]
fn a_data_uri_that_names_the_key_is_not_taken_for_it() {
    // As the packager writes it: base64 of the key's identifier.
    let tag =
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,ABEiM0RVZneImaq7zN3u/w==\",KEYFORMAT=\"identity\"\n";
    let files = over_one_file(&golden("cbcs.v.mp4"), tag);
    assert!(play("cbcs", files, keys()) == clear_samples(golden("clear.v.mp4")));
}

#[test]
fn whole_segments_with_their_initialisation_section() {
    let head =
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n";
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\",IV=0x0F0E0D0C0B0A09080706050403020100\n";
    let body = "#EXT-X-MAP:URI=\"0.mp4\"\n#EXTINF:2.0,\n1.m4s\n#EXTINF:2.0,\n2.m4s\n#EXT-X-ENDLIST\n";
    let mut files = BTreeMap::from([
        ("main.m3u8".to_owned(), Bytes::from(format!("{head}{key}{body}"))),
        ("key.bin".to_owned(), Bytes::from_static(b"0123456789abcdef")),
    ]);
    for part in ["0.mp4", "1.m4s", "2.m4s"] {
        files.insert(part.to_owned(), golden(&format!("aes-128.v.{part}")));
    }
    assert!(play("aes-128", Files(files), KeySetup::default()) == clear_samples(golden("clear.v.mp4")));
}

/// Samples of a stream as it is.
fn stream_samples(bytes: Bytes) -> Vec<Bytes> {
    let mut reader = StreamReader::new(&StreamOptions::default(), &Limits::default());
    reader.push(bytes);
    reader.finish().expect("complete");
    let mut samples = Vec::new();
    while let Some(unit) = reader.poll().expect("valid") {
        if let StreamUnit::Fragment(fragment) = unit {
            let own = fragment.tracks.iter().flat_map(|track| &track.samples);
            samples.extend(own.map(|sample| fragment.sample(sample).expect("inside")));
        }
    }
    samples
}

/// Streams of the packager, each with its clear one beside it.
const STREAMS: [(&str, &str); 7] = [
    ("avc", "ts"),
    ("aac", "ts"),
    ("ac3", "ts"),
    ("eac3", "ts"),
    ("aac_packed", "aac"),
    ("ac3_packed", "ac3"),
    ("eac3_packed", "ec3"),
];

#[test]
fn streams_with_encrypted_samples() {
    let folder = "../container/tests/data/ts";
    for (name, kind) in STREAMS {
        let stream = file(&format!("{folder}/sa_{name}.{kind}"));
        let tag = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key.bin\",IV=0x11223344556677889900112233445566\n";
        let head = "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n";
        let playlist = format!("{head}{tag}#EXTINF:1.0,\nmedia.ts\n#EXT-X-ENDLIST\n");
        let key = 0x0123456789abcdef0123456789abcdef_u128.to_be_bytes();
        let files = Files(BTreeMap::from([
            ("main.m3u8".to_owned(), Bytes::from(playlist)),
            ("key.bin".to_owned(), Bytes::copy_from_slice(&key)),
            ("media.ts".to_owned(), stream),
        ]));
        let clear = stream_samples(file(&format!("{folder}/sa_{name}_clear.{kind}")));
        assert!(!clear.is_empty());
        assert!(play(name, files.clone(), KeySetup::default()) == clear, "{name}: other samples than in the clear");
        let mut setup = KeySetup::default();
        setup.give_segment_key(key.to_vec().into());
        assert!(play(name, files, setup) == clear, "{name}: with the key of the application");
    }
}
