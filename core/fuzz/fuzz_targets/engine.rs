#![no_main]
//! The engine with inputs in any order: answers to requests that were made and that were not, sink
//! reports out of the blue, commands at any time, manifests and media from the fuzzer.

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use telecine_engine::{
    LoadId,     Action, Body, Command, Config, Constraints, Engine, Input, NetworkEvent, RequestId, ResponseHead, SinkReport,
};
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Outcome, Session};

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Load { dash: bool },
    Play,
    Pause,
    Stop,
    Seek(i64),
    Rate(u32),
    Select(u8),
    Disable(u8),
    MaxHeight(u32),
    Head { back: u8, status: u16 },
    Chunk { back: u8, data: &'a [u8] },
    Manifest { back: u8, which: u8 },
    End { back: u8 },
    Failed { back: u8 },
    Position { at: i64, advancing: bool },
    Starved(i64),
    Seeked(i64),
    Ended,
    Evicted { kind: u8, from: i64, to: i64 },
    Full { kind: u8, load: u8 },
    Timer { after: u32 },
}

const KINDS: [TrackKind; 3] = [TrackKind::Video, TrackKind::Audio, TrackKind::Text];

/// Manifests that lead somewhere, so that the fuzzer does not have to invent them.
const MANIFESTS: [&str; 4] = [
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv\n#EXT-X-STREAM-INF:BANDWIDTH=9,AUDIO=\"a\"\nw\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"e\",URI=\"a\"\n",
    "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:4,\n1\n#EXT-X-GAP\n#EXTINF:4,\n2\n#EXT-X-DISCONTINUITY\n#EXTINF:2.5,\n3\n#EXT-X-ENDLIST\n",
    "<MPD mediaPresentationDuration=\"PT9S\"><Period duration=\"PT4S\"><AdaptationSet contentType=\"video\"><SegmentTemplate media=\"$Number$\" initialization=\"i\" duration=\"2\"/><Representation id=\"v\" bandwidth=\"1\"/><Representation id=\"w\" bandwidth=\"9\"/></AdaptationSet></Period><Period><AdaptationSet contentType=\"video\"><Representation id=\"v\" bandwidth=\"1\"><BaseURL>f</BaseURL><SegmentBase indexRange=\"0-99\"/></Representation></AdaptationSet></Period></MPD>",
    "",
];

fuzz_target!(|steps: Vec<Step<'_>>| {
    let mut config = Config::default();
    config.record = true;
    let mut engine = Engine::new(config);
    let (mut now, mut last) = (0_u64, 0_u64);
    for step in steps {
        let id = |back: u8| RequestId(last.saturating_sub(u64::from(back)));
        let kind = |kind: u8| KINDS[usize::from(kind) % KINDS.len()];
        let time = MediaTime::from_millis;
        let input = match step {
            Step::Load { dash } => {
                let url = if dash { "https://a.example/m.mpd" } else { "https://a.example/m.m3u8" };
                Input::Command(Command::Load { url: url.into(), start: None })
            }
            Step::Play => Input::Command(Command::Play),
            Step::Pause => Input::Command(Command::Pause),
            Step::Stop => Input::Command(Command::Stop),
            Step::Seek(at) => Input::Command(Command::Seek(time(at))),
            Step::Rate(rate) => Input::Command(Command::SetRate(rate)),
            Step::Select(which) => Input::Command(Command::SelectTrack { kind: kind(which), id: which.to_string() }),
            Step::Disable(which) => Input::Command(Command::DisableKind(kind(which))),
            Step::MaxHeight(height) => {
                Input::Command(Command::SetConstraints(Constraints { max_height: Some(height), ..Constraints::default() }))
            }
            Step::Head { back, status } => Input::Network(NetworkEvent::Head(Box::new(ResponseHead {
                id: id(back),
                status,
                url: "https://a.example/x".into(),
                version: None,
                content_length: None,
                content_type: None,
                retry_after: Some("1".into()),
                date: None,
                age_s: None,
                from_cache: false,
                etag: Some("x".into()),
                last_modified: None,
                cmsd: Vec::new(),
            }))),
            Step::Chunk { back, data } => {
                Input::Network(NetworkEvent::Chunk { id: id(back), data: Body::Bytes(Bytes::copy_from_slice(data)) })
            }
            Step::Manifest { back, which } => {
                let text = MANIFESTS[usize::from(which) % MANIFESTS.len()];
                Input::Network(NetworkEvent::Chunk { id: id(back), data: Body::Bytes(Bytes::from_static(text.as_bytes())) })
            }
            Step::End { back } => Input::Network(NetworkEvent::End { id: id(back) }),
            Step::Failed { back } => {
                let code = ErrorCode::ALL[usize::from(back) % ErrorCode::ALL.len()];
                Input::Network(NetworkEvent::Failed { id: id(back / 8), code, message: String::new() })
            }
            Step::Position { at, advancing } => Input::Sink(SinkReport::Position { position: time(at), advancing }),
            Step::Starved(at) => Input::Sink(SinkReport::Starved { position: time(at) }),
            Step::Seeked(at) => Input::Sink(SinkReport::Seeked { position: time(at) }),
            Step::Ended => Input::Sink(SinkReport::Ended),
            Step::Evicted { kind: which, from, to } => {
                Input::Sink(SinkReport::Evicted { kind: kind(which), from: time(from), to: time(to) })
            }
            Step::Full { kind: which, load } => {
                Input::Sink(SinkReport::Full { kind: kind(which), load: LoadId(load.into()) })
            }
            Step::Timer { after } => {
                now += u64::from(after);
                Input::Timer
            }
        };
        now += 1;
        engine.handle(input, Timestamp::from_micros(now));
        while let Some(action) = engine.poll() {
            if let Action::Fetch(fetch) = action {
                last = fetch.id.0;
            }
        }
        let _ = engine.snapshot(Timestamp::from_micros(now));
    }
    // Whatever happened can be replayed to the same actions.
    engine.handle(Input::Command(Command::Stop), Timestamp::from_micros(now));
    let recording = engine.take_recording();
    let replayed = telecine_engine::replay(&recording).expect("a recording is readable");
    assert!(replayed.equal, "replay differs at input {:?}", replayed.differs_by_input);
    // The player is usable afterwards: a sound title plays to its end.
    let url = if now % 2 == 0 { "https://a.example/main.mpd" } else { "https://a.example/main.m3u8" };
    let title = SyntheticTitle::new(MediaTime::from_secs(6));
    engine.handle(Input::Command(Command::SetRate(1000)), Timestamp::from_micros(now));
    engine.handle(Input::Command(Command::SetConstraints(Constraints::default())), Timestamp::from_micros(now));
    let mut session = Session::with_engine(engine, title, Timestamp::from_micros(now)).play(url).step_limit(50_000);
    assert_eq!(session.run(None), Outcome::Ended);
});
