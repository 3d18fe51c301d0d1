//! Timed metadata reaches the application once, with exact times, and as the playhead comes to it.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use bytes::Bytes;
use common::{at, secs};
use telecine_engine::{replay, Command, Config, Event, FetchRequest, TimedPhase};
use telecine_model::{EventCarrier, EventPayload, MediaTime, TimedEvent};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Outcome, Session, Source};

/// A title whose answers are edited: path and body.
struct Edited<F>(SyntheticTitle, F);

impl<F: FnMut(&str, &[u8]) -> Option<Vec<u8>>> Source for Edited<F> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let path = request.url.trim_start_matches("https://title.example/").to_owned();
        let mut fetched = self.0.get(&request.url);
        if let Fetched::Response(response) = &mut fetched {
            if let Some(body) = (self.1)(&path, &response.body) {
                response.body = Bytes::from(body);
                response.content_length = Some(response.body.len() as u64);
            }
        }
        fetched
    }
}

fn edited<F: FnMut(&str, &[u8]) -> Option<Vec<u8>>>(title: SyntheticTitle, file: &str, edit: F) -> Session<Edited<F>> {
    let network = "rate=8Mbps,rtt=40ms".parse().expect("a network");
    let mut config = Config::default();
    config.record = true;
    Session::new(config, Edited(title, edit)).network(network).play(format!("https://title.example/{file}"))
}

fn title() -> SyntheticTitle {
    SyntheticTitle::new(secs(60)).without_text()
}

/// What happened when: the player's time in milliseconds, the phase, the id.
fn told<S: Source>(session: &Session<S>) -> Vec<(u64, TimedPhase, TimedEvent)> {
    let events = session.events().iter();
    events
        .filter_map(|event| match event {
            Event::TimedMetadata { at, phase, event, .. } => Some((at.as_micros() / 1000, *phase, (**event).clone())),
            _ => None,
        })
        .collect()
}

/// Ids in the order in which they went through a phase.
fn ids<S: Source>(session: &Session<S>, phase: TimedPhase) -> Vec<String> {
    let told = told(session).into_iter().filter(|(_, found, _)| *found == phase);
    told.map(|(_, _, event)| event.id.unwrap_or_default()).collect()
}

/// An `emsg` box (ISO/IEC 23009-1, 5.10.3.3.3), written by hand.
fn emsg(version: u8, scheme: &str, time: u64, duration: u32, id: u32, payload: &[u8]) -> Vec<u8> {
    let names = [scheme.as_bytes(), b"\0", b"1\0"].concat();
    let timescale = 1000_u32.to_be_bytes();
    let numbers = [duration.to_be_bytes(), id.to_be_bytes()].concat();
    let body = match version {
        0 => [&names[..], &timescale, &(time as u32).to_be_bytes(), &numbers, payload].concat(),
        _ => [&timescale[..], &time.to_be_bytes(), &numbers, &names, payload].concat(),
    };
    let size = (12 + body.len()) as u32;
    [&size.to_be_bytes()[..], b"emsg", &[version, 0, 0, 0], &body].concat()
}

/// The number of a segment, from its path.
fn number(path: &str) -> Option<u64> {
    path.split_once('/')?.1.strip_suffix(".m4s")?.parse().ok()
}

const ANNOUNCED: &str = "startWithSAP=\"1\">\n<InbandEventStream schemeIdUri=\"urn:x\" value=\"1\"/>";

fn announcing(path: &str, body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok().filter(|_| path.ends_with(".mpd"))?;
    Some(text.replace("startWithSAP=\"1\">", ANNOUNCED).into_bytes())
}

#[test]
fn a_box_that_every_segment_of_every_track_repeats_is_told_once_at_its_time() {
    // The second period counts from seven seconds, and announces the event of the 40th second of the title.
    let title = title().part_at(8);
    let mut session = edited(title, "main.mpd", |path, body| {
        let number = number(path)?;
        let message = match number {
            0..8 => emsg(1, "urn:x", 10_500, 2000, 5, b"first"),
            _ => emsg(1, "urn:x", 15_000, 0, 5, b"second"),
        };
        Some([&message[..], body].concat())
    });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(told(&session), [], "the manifest announces no such scheme");

    let title = SyntheticTitle::new(secs(60)).without_text().part_at(8);
    let mut session = edited(title, "main.mpd", |path, body| {
        let Some(number) = number(path) else { return announcing(path, body) };
        let message = match number {
            0..8 => emsg(1, "urn:x", 10_500, 2000, 5, b"first"),
            _ => emsg(1, "urn:x", 15_000, 0, 5, b"second"),
        };
        Some([&message[..], body].concat())
    });
    assert_eq!(session.run(None), Outcome::Ended);
    let known: Vec<_> = told(&session).into_iter().filter(|(_, phase, _)| *phase == TimedPhase::Known).collect();
    let facts: Vec<_> = known.iter().map(|(_, _, event)| (event.start.as_millis(), event.duration)).collect();
    assert_eq!(facts, [(10_500, Some(secs(2))), (40_000, Some(MediaTime::ZERO))]);
    assert_eq!(known[0].2.payload, EventPayload::Bytes(Bytes::from_static(b"first")));
    assert!(ids(&session, TimedPhase::Changed).is_empty());
    assert_eq!(ids(&session, TimedPhase::Entered), ["5", "5"]);
    assert_eq!(ids(&session, TimedPhase::Left), ["5"]);
}

#[test]
fn times_from_the_start_of_the_segment_are_those_of_the_title() {
    let mut session = edited(title(), "main.m3u8", |path, body| {
        let number = number(path)?;
        // Segments of four seconds: the 25th second, told in each of them up to there.
        let left = 25_000_u64.checked_sub(number * 4000)?;
        Some([&emsg(0, "urn:y", left, u32::MAX, 9, b"x")[..], body].concat())
    });
    assert_eq!(session.run(None), Outcome::Ended);
    let told = told(&session);
    let phases: Vec<_> = told.iter().map(|(_, phase, event)| (*phase, event.start, event.duration)).collect();
    assert_eq!(phases, [(TimedPhase::Known, secs(25), None), (TimedPhase::Entered, secs(25), None)]);
    assert_eq!((told[0].2.carrier, told[0].2.scheme.as_str()), (EventCarrier::Emsg, "urn:y"));
}

/// Three events in the manifest: seconds 5 to 15, a moment at 20, seconds 30 to 33.
fn with_event_stream(path: &str, body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok().filter(|_| path.ends_with(".mpd"))?;
    let stream = "<EventStream schemeIdUri=\"urn:ads\" value=\"v\" timescale=\"90000\" presentationTimeOffset=\"90000\">\
                  <Event id=\"1\" presentationTime=\"540000\" duration=\"900000\">one</Event>\
                  <Event id=\"2\" presentationTime=\"1890000\" contentEncoding=\"base64\">/DAR</Event>\
                  <Event id=\"3\" presentationTime=\"2790000\" duration=\"270000\"><x:a xmlns:x=\"y\"/></Event></EventStream>";
    let at = text.find("<AdaptationSet")?;
    Some([&text[..at], stream, &text[at..]].concat().into_bytes())
}

#[test]
fn events_of_the_manifest_are_known_at_once_and_entered_when_they_are_due() {
    let mut session = edited(title(), "main.mpd", with_event_stream);
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(ids(&session, TimedPhase::Known), ["1", "2", "3"]);
    let told = told(&session);
    let started = session.events().iter().find_map(|event| match event {
        Event::Started { at, .. } => Some(at.as_micros() / 1000),
        _ => None,
    });
    let started = started.expect("it played");
    assert!(told.iter().take(3).all(|(at, _, _)| *at < started));
    assert_eq!(told[1].2.payload, EventPayload::Bytes(Bytes::from_static(&[0xfc, 0x30, 0x11])));
    let happened: Vec<_> =
        told[3..].iter().map(|(at, phase, event)| (*at - started, *phase, event.id.clone())).collect();
    let expected = [
        (5000, TimedPhase::Entered, "1"),
        (15_000, TimedPhase::Left, "1"),
        (20_000, TimedPhase::Entered, "2"),
        (30_000, TimedPhase::Entered, "3"),
        (33_000, TimedPhase::Left, "3"),
    ];
    assert_eq!(happened.len(), expected.len(), "{happened:?}");
    for ((at, phase, id), (due, wanted, name)) in happened.iter().zip(expected) {
        assert_eq!((*phase, id.as_deref()), (wanted, Some(name)));
        assert!((due..due + 3).contains(at), "{name} at {at}, due at {due}");
    }
}

#[test]
fn a_seek_fires_what_lasts_at_its_target_and_nothing_on_the_way() {
    // At two seconds forward over the first and the moment, into the third; at four back into the first.
    let mut session = edited(title(), "main.mpd", with_event_stream)
        .at(at(2000), Command::Seek(secs(31)))
        .at(at(4000), Command::Seek(secs(10)))
        .at(at(6000), Command::Seek(secs(11)))
        .at(at(7000), Command::Stop);
    assert_eq!(session.run(None), Outcome::Stopped);
    let crossed: Vec<_> = told(&session)
        .into_iter()
        .filter(|(_, phase, _)| matches!(phase, TimedPhase::Entered | TimedPhase::Left))
        .map(|(_, phase, event)| (phase, event.id.unwrap_or_default()))
        .collect();
    let expected = [(TimedPhase::Entered, "3"), (TimedPhase::Left, "3"), (TimedPhase::Entered, "1")];
    assert_eq!(crossed, expected.map(|(phase, id)| (phase, id.to_owned())));
    assert_eq!(ids(&session, TimedPhase::Known).len(), 3, "known is known");
}

#[test]
fn what_is_played_again_is_entered_again() {
    let mut session = edited(title(), "main.mpd", with_event_stream).at(at(25_000), Command::Seek(secs(4)));
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(ids(&session, TimedPhase::Entered), ["1", "2", "1", "2", "3"]);
    assert_eq!(ids(&session, TimedPhase::Left), ["1", "1", "3"]);
}

/// Dates from 10:00 on, and two ranges, in every playlist.
fn with_date_ranges(path: &str, body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok().filter(|_| path.ends_with(".m3u8") && path != "main.m3u8")?;
    let tags = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T10:00:00.000Z\n\
                #EXT-X-DATERANGE:ID=\"ad-1\",CLASS=\"com.example.ad\",START-DATE=\"2026-01-01T10:00:12.500Z\",\
                PLANNED-DURATION=15,SCTE35-OUT=0xFC3011,X-NAME=\"first\"\n\
                #EXT-X-DATERANGE:ID=\"ad-1\",START-DATE=\"2026-01-01T10:00:12.500Z\",DURATION=10,SCTE35-IN=0xFC3012\n\
                #EXT-X-DATERANGE:ID=\"chapter\",START-DATE=\"2026-01-01T10:00:40Z\",END-DATE=\"2026-01-01T10:00:50Z\"\n";
    Some(text.replacen("#EXTINF", &format!("{tags}#EXTINF"), 1).into_bytes())
}

#[test]
fn date_ranges_that_every_playlist_lists_are_told_once_with_their_splices() {
    let mut session = edited(title(), "main.m3u8", with_date_ranges).at(at(30_000), Command::Seek(secs(5)));
    assert_eq!(session.run(None), Outcome::Ended);
    let requests = session.source().0.requests();
    assert!(requests.iter().filter(|path| path.ends_with(".m3u8")).count() > 2, "several playlists: {requests:?}");
    assert_eq!(ids(&session, TimedPhase::Known), ["ad-1", "chapter"]);
    assert!(ids(&session, TimedPhase::Changed).is_empty());
    let (_, _, range) = told(&session).swap_remove(0);
    assert_eq!((range.start.as_millis(), range.duration), (12_500, Some(secs(10))));
    assert_eq!((range.scheme.as_str(), range.value.as_str()), (TimedEvent::DATE_RANGE, "com.example.ad"));
    assert_eq!(range.splice_info_sections(), [&[0xfc, 0x30, 0x11][..], &[0xfc, 0x30, 0x12]]);
    let EventPayload::Attributes(attributes) = &range.payload else { panic!("{:?}", range.payload) };
    assert_eq!(attributes.get("X-NAME").map(String::as_str), Some("first"));
    assert_eq!(ids(&session, TimedPhase::Entered), ["ad-1", "ad-1", "chapter"]);
}

/// An ID3 tag of version 4 (id3.org) with one frame.
fn id3(frame: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = |length: usize| [0, 0, (length >> 7) as u8, (length & 127) as u8];
    let frame = [&frame[..], &size(body.len()), &[0, 0], body].concat();
    [&b"ID3\x04\0\0"[..], &size(frame.len()), &frame].concat()
}

#[test]
fn tags_in_packed_audio_are_put_where_their_sound_is() {
    struct Packed(Vec<u8>);
    impl Source for Packed {
        fn fetch(&mut self, request: &FetchRequest) -> Fetched {
            let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0.aac\n#EXTINF:1,\n1.aac\n#EXT-X-ENDLIST\n";
            // The second segment goes on where the first ends: 48 frames of 1024 samples at 48 kHz.
            let start = |segment: u64| 900_000 + segment * 48 * 1024 * 90_000 / 48_000;
            let stamped = |segment: u64| {
                let owner = b"com.apple.streaming.transportStreamTimestamp\0";
                let stamp = id3(b"PRIV", &[&owner[..], &start(segment).to_be_bytes()].concat());
                [&stamp[..], &id3(b"TXXX", b"\x03title\0song"), &self.0].concat()
            };
            let body = match request.url.rsplit('/').next() {
                Some("main.m3u8") => playlist.as_bytes().to_vec(),
                Some("0.aac") => stamped(0),
                _ => stamped(1),
            };
            telecine_virtual::Response::new(200, &request.url, body).into()
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../container/tests/data/ts/packed_aac.aac");
    let audio = std::fs::read(path).expect("the file is in the repository");
    let mut session = Session::new(Config::default(), Packed(audio)).play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    let known: Vec<_> = told(&session).into_iter().filter(|(_, phase, _)| *phase == TimedPhase::Known).collect();
    let starts: Vec<_> = known.iter().map(|(_, _, event)| event.start.as_millis()).collect();
    assert_eq!(starts, [0, 1024], "the media starts at ten seconds of its own clock, the title at zero");
    assert!(known.iter().all(|(_, _, event)| event.carrier == EventCarrier::Id3 && event.scheme == TimedEvent::ID3));
    let EventPayload::Bytes(tag) = &known[0].2.payload else { panic!("{known:?}") };
    assert!(tag.starts_with(b"ID3") && tag.ends_with(b"song"));
    assert_eq!(told(&session).len(), 4, "each is entered too");
}

#[test]
fn a_recording_replays_to_the_same_actions_though_it_has_no_media() {
    let mut session = edited(title(), "main.mpd", |path, body| match number(path) {
        Some(_) => Some([&emsg(1, "urn:x", 10_500, 2000, 5, b"first")[..], body].concat()),
        None => with_event_stream(path, &announcing(path, body)?),
    });
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(ids(&session, TimedPhase::Known).len(), 4);
    let recording = session.take_recording();
    assert!(!recording.windows(5).any(|bytes| bytes == b"first"), "what media says is not recorded");
    let replayed = replay(&recording).expect("a recording");
    assert!(replayed.equal && replayed.complete, "{replayed:?}");
}
