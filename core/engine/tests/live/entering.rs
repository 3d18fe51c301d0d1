//! D083: beginning inside of segments, where the MPD says that decoding can begin there.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use telecine_drm::ContentKey;
use telecine_engine::{
    replay, Command, Config, DecisionKind, Engine, Event, KeySetup, Observed, Payload, SinkCommand, State,
};
use telecine_model::protection::KeyId;
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind, WallTime};
use telecine_virtual::{Failure, Fetched, ModelSink, Response, Session};

use crate::common::{at, decisions, errors, secs, states};
use crate::origin::{with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once_so_far, run, stalls, started};

/// Segments of eight seconds, four groups of pictures each, in chunks of half a second, asked for while they are made.
const LONG: &str = "/dash/live_120/utc_direct/join_4/chunk_500/ato_7500/ltgt_4000/demo/time.mpd";

/// Joins are in the midst of a segment: this one begins five seconds before.
const SEGMENT: u64 = (BEGIN / 8000 - 1) * 8;

/// What is entered is not to depend on how the default rule begins.
fn config() -> Config {
    let mut config = Config::default();
    config.rule = Some("throughput".to_owned());
    config
}

/// A video append: where it begins, whether with a key frame, and of which segment.
type Appends = Arc<Mutex<Vec<(MediaTime, bool, u64)>>>;

fn watched(origin: Origin, config: Config, path: &str, network: &str) -> (Session<Origin>, Appends) {
    watched_engine(origin, Engine::new(config), path, network)
}

fn watched_engine(origin: Origin, engine: Engine, path: &str, network: &str) -> (Session<Origin>, Appends) {
    let appends = Appends::default();
    let seen = Arc::clone(&appends);
    let sink = Observed::new(ModelSink::default(), move |command| {
        let SinkCommand::Append(append) = command else { return };
        let Payload::Fragment(fragment) = &append.payload else { return };
        let sync = fragment.tracks.iter().flat_map(|track| &track.samples).next().is_some_and(|sample| sample.sync);
        if append.kind == TrackKind::Video {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push((append.start, sync, append.segment));
        }
    });
    let session = Session::with_engine(engine, origin, Timestamp::ZERO)
        .sink(sink)
        .network(network.parse().expect("a network"))
        .wall_clock(WallTime::from_millis(BEGIN as i64))
        .play(format!("https://origin.example{path}"));
    (session, appends)
}

fn appended(appends: &Appends) -> Vec<(MediaTime, bool, u64)> {
    appends.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Changes the MPD.
fn edited(edit: impl Fn(String) -> String + 'static) -> Origin {
    Origin::new().editing(move |_, path, response| match path.ends_with(".mpd") {
        true => with_text(response, &edit),
        false => response.into(),
    })
}

/// The same title without a word of where pictures can be entered.
fn silent() -> Origin {
    edited(|text| text.replace("<Resync type=\"1\" dT=\"180000\"", "<Resync type=\"0\" dT=\"180000\""))
}

/// Changes answers to requests from the middle of pictures.
fn answering(mut edit: impl FnMut(Response) -> Fetched + 'static) -> Origin {
    Origin::new().editing(move |_, path, response| match response.status == 206 && path.contains("/v") {
        true => edit(response),
        false => response.into(),
    })
}

/// What was asked for of the pictures of the segment that playback begins in.
fn first_segment(log: &[Asked]) -> Vec<Asked> {
    let time = format!("/t{}.m4s", SEGMENT * 90_000);
    log.iter().filter(|asked| asked.path.contains("/v") && asked.path.ends_with(&time)).cloned().collect()
}

fn entries(session: &Session<Origin>) -> Vec<(Option<String>, Option<String>)> {
    let entries = decisions(session, DecisionKind::Entry).into_iter().filter(|d| d.kind == Some(TrackKind::Video));
    entries.map(|decision| (decision.from, decision.to)).collect()
}

fn warned(session: &Session<Origin>) -> Vec<String> {
    let rule = |event: &Event| match event {
        Event::MediaWarning { warning, .. } => Some(warning.warning.rule.clone()),
        _ => None,
    };
    session.events().iter().filter_map(rule).collect()
}

/// It plays on from where it began, from a key frame on, without a hole.
fn plays_well(session: &Session<Origin>, appends: &Appends) {
    assert_eq!((stalls(session), states(session).last()), (0, Some(&State::Playing)), "{:?}", errors(session));
    every_sample_once_so_far(session, TrackKind::Video);
    let (_, position) = started(session);
    let first = *appended(appends).first().expect("pictures");
    assert!(first.1 && first.0 <= position, "{first:?} for {position}");
}

#[test]
fn d083_who_joins_in_mid_segment_fetches_less_and_sees_the_first_picture_earlier() {
    let join = |origin: Origin| {
        let log = origin.log.clone();
        let (session, appends) = watched(origin, config(), LONG, "rate=1600kbps,rtt=60ms");
        let session = run(session, 60);
        plays_well(&session, &appends);
        let asked = first_segment(&log.borrow());
        assert_eq!(asked.len(), 1, "{asked:?}");
        (session, asked[0].clone(), appended(&appends)[0])
    };
    let (entered, asked, first) = join(Origin::new());
    let (whole, all, _) = join(silent());
    assert_eq!(asked.status, 206);
    assert!(asked.bytes.0 > 100_000 && asked.bytes.1 == all.bytes.1, "{asked:?} of {all:?}");
    let (began, position) = started(&entered);
    let (later, same) = started(&whole);
    assert_eq!(position, same);
    assert!(later.since(began).as_millis() > 700, "{began:?} and {later:?}");
    // The last key frame before the place, two seconds from the next.
    assert!(first.1 && position - first.0 < secs(2), "{first:?} for {position}");
    assert_eq!(entries(&entered).len(), 1);
    assert_eq!(entries(&whole), []);
    assert_eq!(errors(&entered), []);
}

#[test]
fn d083_a_seek_into_mid_segment_enters_it_and_what_lies_before_is_there_when_it_is_needed() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let (mut session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    // Of a segment of long ago, well behind its beginning, and then just before.
    let begin = SEGMENT as i64 - 64;
    session.schedule(at(10_000), Command::Seek(secs(begin) + MediaTime::from_millis(6500)));
    session.schedule(at(13_000), Command::Seek(secs(begin) + MediaTime::from_millis(500)));
    let session = run(session, 40);
    let name = format!("/t{}.m4s", begin * 90_000);
    let asked: Vec<(u16, bool)> = (log.borrow().iter())
        .filter(|asked| asked.path.contains("/v") && asked.path.ends_with(&name))
        .map(|asked| (asked.status, asked.bytes.0 > 0))
        .collect();
    assert_eq!(asked, [(206, true), (200, false)]);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    let seeks: Vec<MediaTime> = (session.events().iter())
        .filter_map(|event| match event {
            Event::SeekEnded { position, .. } => Some(*position),
            _ => None,
        })
        .collect();
    assert_eq!(seeks, [secs(begin) + MediaTime::from_millis(6500), secs(begin) + MediaTime::from_millis(500)]);
    // It was entered at a key frame before the place, and played from its beginning on the second time.
    let own: Vec<MediaTime> =
        appended(&appends).iter().filter(|append| append.0 < secs(begin + 8)).map(|append| append.0).collect();
    assert!(own.first() == Some(&secs(begin + 4)) || own.first() == Some(&secs(begin + 6)), "{own:?}");
    let again = own.iter().position(|start| *start == secs(begin)).expect("from its beginning");
    assert!(own[again..].windows(2).all(|pair| pair[0] < pair[1]) && own.len() - again > 16, "{own:?}");
    let behind = session.engine().snapshot(session.now()).position - secs(begin);
    assert!(behind > secs(20) && behind < secs(30), "{behind}");
}

#[test]
fn d083_who_seeks_back_while_a_segment_is_entered_gets_what_lies_there() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let (mut session, appends) = watched(origin, config(), LONG, "rate=1600kbps,rtt=60ms");
    // The answer is on its way, nothing of it is there.
    let target = secs(SEGMENT as i64) + MediaTime::from_millis(900);
    session.schedule(at(110), Command::Seek(target));
    let session = run(session, 40);
    let asked: Vec<bool> = first_segment(&log.borrow()).iter().map(|asked| asked.bytes.0 > 0).collect();
    assert_eq!(asked, [true, false]);
    let starts: Vec<MediaTime> = appended(&appends).iter().map(|append| append.0).collect();
    assert_eq!(starts[0], secs(SEGMENT as i64));
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each chunk once");
    assert_eq!((started(&session).1, errors(&session)), (target, Vec::new()));
}

#[test]
fn d083_a_server_that_ignores_ranges_is_read_from_the_start() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let path = LONG.replace("/demo/", "/norange_1/demo/");
    let (session, appends) = watched(origin, config(), &path, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [200]);
    assert_eq!(appended(&appends)[0].0, secs(SEGMENT as i64));
    assert_eq!((entries(&session), errors(&session)), (Vec::new(), Vec::new()));
}

#[test]
fn d083_a_refused_range_is_asked_for_whole_and_told() {
    for status in [416, 400, 403] {
        let origin = answering(move |response| Response::new(status, response.url, Bytes::new()).into());
        let log = origin.log.clone();
        let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
        let session = run(session, 60);
        plays_well(&session, &appends);
        let asked = first_segment(&log.borrow());
        assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [status, 200]);
        let entries = entries(&session);
        assert!(matches!(&entries[..], [(_, Some(to))] if to == "the whole segment"), "{entries:?}");
        let told = errors(&session);
        // A guess that leads behind the end is nobody's fault.
        let expected = if status == 416 { Vec::new() } else { vec![(ErrorCode::HttpStatus, false)] };
        let told: Vec<(ErrorCode, bool)> = told.iter().map(|error| (error.code(), error.is_fatal())).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn d083_a_server_that_has_too_much_to_do_is_asked_again_for_the_same() {
    let refused = Rc::new(Cell::new(false));
    let origin = answering(move |response| match refused.replace(true) {
        true => response.into(),
        false => Response::new(503, response.url, Bytes::new()).into(),
    });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [503, 206]);
}

#[test]
fn d083_an_estimate_that_leads_behind_the_place_is_corrected_by_what_was_found() {
    // Twice the bandwidth: from more than half of the segment on.
    let origin = edited(|text| text.replace(&bandwidth(&text), &(twice(&bandwidth(&text)))));
    let log = origin.log.clone();
    let (session, appends) = watched(origin, only_the_largest(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert!(matches!(&asked[..], [far, near] if near.bytes.0 < far.bytes.0 && near.bytes.0 > 0), "{asked:?}");
    assert_eq!((entries(&session).len(), errors(&session)), (2, Vec::new()));
    assert!(started(&session).1 - appended(&appends)[0].0 < secs(4));
}

/// The bandwidth of the largest rendition, as the MPD has it.
fn bandwidth(text: &str) -> String {
    let at = text.find("id=\"v720\"").expect("it is there");
    let rest = &text[at..];
    let from = rest.find("bandwidth=").expect("a bandwidth");
    rest[from..].split('"').take(2).collect::<Vec<_>>().join("\"") + "\""
}

fn twice(bandwidth: &str) -> String {
    times(bandwidth, 20)
}

/// So many tenths of it.
fn times(bandwidth: &str, tenths: u64) -> String {
    let value: u64 = bandwidth.split('"').nth(1).and_then(|value| value.parse().ok()).expect("a number");
    format!("bandwidth=\"{}\"", value * tenths / 10)
}

/// It is chosen from the start.
fn only_the_largest() -> Config {
    let mut config = config();
    config.initial_throughput = 20_000_000;
    config
}

#[test]
fn d083_what_lies_behind_the_place_again_and_again_is_fetched_whole() {
    // Only the last chunks are ever sent.
    let origin = answering(|mut response| {
        response.body = response.body.slice(response.body.len() - 60_000..);
        response.content_length = Some(60_000);
        response.into()
    });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    let last = asked.last().expect("some");
    assert!(asked.len() <= 3 && last.status == 200 && last.bytes.0 == 0, "{asked:?}");
    assert_eq!(errors(&session), []);
}

#[test]
fn d083_an_mpd_that_lies_of_key_frames_is_told_and_costs_no_picture() {
    let origin = edited(|text| text.replace("type=\"1\" dT=\"180000\"", "type=\"1\" dT=\"22500\""));
    let log = origin.log.clone();
    // The place is 1.9 seconds behind its key frame.
    let path = LONG.replace("chunk_500", "chunk_100").replace("ltgt_4000", "ltgt_2800");
    let (session, appends) = watched(origin, config(), &path, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert!(asked.len() <= 3 && asked.last().is_some_and(|asked| asked.status == 200), "{asked:?}");
    assert_eq!((warned(&session), errors(&session)), (vec!["D083".to_owned()], Vec::new()));
}

#[test]
fn d083_bytes_without_any_chunk_are_told_and_the_segment_is_fetched_whole() {
    let origin = answering(|mut response| {
        let noise = |n: usize| (n.wrapping_mul(2_654_435_761) >> 11) as u8;
        // As far as is looked for one: what ends before might only have been asked for from too far behind.
        response.body = (0..response.body.len().max(3 << 20)).map(noise).collect();
        response.content_length = Some(response.body.len() as u64);
        response.into()
    });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [206, 200]);
    assert_eq!((warned(&session), errors(&session)), (vec!["D083".to_owned()], Vec::new()));
}

#[test]
fn d083_after_three_vain_attempts_segments_are_asked_for_from_their_start() {
    let origin = answering(|response| Response::new(416, response.url, Bytes::new()).into());
    let log = origin.log.clone();
    let (mut session, _) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    for seek in 0..6 {
        let target = secs(SEGMENT as i64 - 16 * (seek + 1)) + MediaTime::from_millis(6500);
        session.schedule(at(8_000 + 4_000 * seek as u64), Command::Seek(target));
    }
    let session = run(session, 40);
    let refused = log.borrow().iter().filter(|asked| asked.status == 416).count();
    assert_eq!(refused, 3);
    assert_eq!(states(&session).last(), Some(&State::Playing));
}

#[test]
fn d083_a_transfer_that_breaks_behind_the_entry_goes_on_where_it_broke() {
    let broken = Rc::new(Cell::new(false));
    let origin = answering(move |mut response| {
        if !broken.replace(true) {
            response.body.truncate(response.body.len() * 2 / 3);
            response.broken = Some(Failure::new(ErrorCode::ConnectionLost, "the line is cut"));
        }
        response.into()
    });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert!(matches!(&asked[..], [cut, again] if cut.bytes.0 == again.bytes.0 && again.status == 206), "{asked:?}");
    let starts: Vec<MediaTime> = appended(&appends).iter().map(|append| append.0).collect();
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each chunk once");
    assert_eq!(entries(&session).len(), 1);
}

#[test]
fn d083_a_transfer_that_breaks_and_is_answered_whole_goes_on_behind_what_plays() {
    let broken = Rc::new(Cell::new(0));
    let whole = Rc::new(std::cell::RefCell::new(Bytes::new()));
    let origin = Origin::new().editing(move |_, path, mut response| {
        if response.status != 206 || !path.contains("/v") {
            return response.into();
        }
        broken.set(broken.get() + 1);
        match broken.get() {
            1 => {
                *whole.borrow_mut() = response.body.clone();
                response.body.truncate(response.body.len() * 2 / 3);
                response.broken = Some(Failure::new(ErrorCode::ConnectionLost, "the line is cut"));
            }
            2 => {
                // Media of before, which is no longer wanted, and then the same.
                response.body = [&vec![b'm'; 50_000][..], &whole.borrow()[..]].concat().into();
                (response.status, response.content_length) = (200, Some(response.body.len() as u64));
            }
            _ => {}
        }
        response.into()
    });
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let starts: Vec<MediaTime> = appended(&appends).iter().map(|append| append.0).collect();
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each chunk once");
}

#[test]
fn d083_protected_chunks_are_entered_and_decrypted() {
    let path = LONG.replace("/demo/", "/prot_cenc/demo/");
    let mut setup = KeySetup::default();
    let kid = 0x7465_6c65_6369_6e65_0000_0000_0000_0000_u128;
    setup.give(KeyId(kid.to_be_bytes()), ContentKey::new((!kid).to_be_bytes()));
    let mut engine = Engine::new(config());
    engine.set_keys(setup);
    let origin = Origin::new();
    let log = origin.log.clone();
    let (session, appends) = watched_engine(origin, engine, &path, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert!(matches!(&asked[..], [entered] if entered.status == 206), "{asked:?}");
    assert_eq!(errors(&session), []);
}

#[test]
fn d083_a_recording_replays_entries_and_misses_to_the_same_actions() {
    let lie = || edited(|text| text.replace("type=\"1\" dT=\"180000\"", "type=\"1\" dT=\"45000\""));
    for origin in [Origin::new(), lie()] {
        let mut config = config();
        config.record = true;
        let (session, _) = watched(origin, config, LONG, "rate=4Mbps,rtt=40ms");
        let mut session = run(session, 30);
        assert!(!entries(&session).is_empty());
        let replayed = replay(&session.take_recording()).expect("readable");
        assert!(replayed.equal && replayed.inputs > 100, "{:?}", replayed.differs_by_input);
    }
}

#[test]
fn d083_segments_that_events_stand_in_front_of_are_not_entered() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let path = LONG.replace("/demo/", "/scte35_20/inband_1/demo/");
    let (session, appends) = watched(origin, config(), &path, "rate=20Mbps,rtt=40ms");
    let session = run(session, 30);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert!(matches!(&asked[..], [whole] if whole.status == 200 && whole.bytes.0 == 0), "{asked:?}");
}

/// A seek before anything was learnt of the title, to a segment of long ago, and what was asked for of its pictures.
fn sought(origin: Origin, config: Config, path: &str, millis: i64) -> (Session<Origin>, Appends, Vec<Asked>) {
    let log = origin.log.clone();
    let begin = SEGMENT as i64 - 64;
    let (mut session, appends) = watched(origin, config, path, "rate=20Mbps,rtt=60ms");
    session.schedule(at(110), Command::Seek(secs(begin) + MediaTime::from_millis(millis)));
    let session = run(session, 40);
    let name = format!("/t{}.m4s", begin * 90_000);
    let own = |asked: &&Asked| asked.path.contains("/v") && asked.path.ends_with(&name);
    let asked = log.borrow().iter().filter(own).cloned().collect();
    (session, appends, asked)
}

/// A seek to 7.6 seconds of a segment shows what is there, from a key frame on.
fn last_chunk_plays(origin: Origin) {
    let (session, appends, asked) = sought(origin, only_the_largest(), LONG, 7600);
    assert_eq!(errors(&session), []);
    assert_eq!((stalls(&session), states(&session).last()), (0, Some(&State::Playing)));
    assert!(asked.len() > 1 && asked[0].status == 206, "{asked:?}");
    let begin = secs(SEGMENT as i64 - 64);
    let first = appended(&appends).into_iter().find(|append| append.0 >= begin && append.0 < begin + secs(8));
    let first = first.expect("pictures of the segment");
    assert!(first.1 && first.0 <= begin + MediaTime::from_millis(7600), "{first:?}");
    every_sample_once_so_far(&session, TrackKind::Video);
}

#[test]
fn d083_a_segment_that_ends_before_a_key_frame_is_no_hole() {
    last_chunk_plays(edited(|text| text.replace(&bandwidth(&text), &times(&bandwidth(&text), 26))));
}

#[test]
fn d083_a_segment_that_ends_before_the_key_frame_of_a_lie_is_no_hole() {
    last_chunk_plays(edited(|text| {
        let text = text.replace(&bandwidth(&text), &times(&bandwidth(&text), 22));
        text.replace("type=\"1\" dT=\"180000\"", "type=\"1\" dT=\"90000\"")
    }));
}

#[test]
fn d083_an_estimate_that_leads_behind_the_last_chunk_is_no_lie() {
    let origin = answering(|mut response| {
        response.body = response.body.slice(response.body.len() - 500..);
        response.content_length = Some(500);
        response.into()
    });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked = first_segment(&log.borrow());
    assert!(asked.last().is_some_and(|last| last.status == 200 && last.bytes.0 == 0), "{asked:?}");
    assert_eq!((warned(&session), errors(&session)), (Vec::new(), Vec::new()));
}

#[test]
fn d083_a_server_without_the_segment_is_not_asked_for_the_whole_of_it() {
    let rendition = |path: &str| path.split('/').find(|part| part.starts_with('v')).unwrap_or_default().to_owned();
    let lost = Rc::new(std::cell::RefCell::new(None));
    let first = Rc::clone(&lost);
    let origin = Origin::new().editing(move |_, path, response| {
        if !path.contains("/v") || !path.ends_with(&format!("/t{}.m4s", SEGMENT * 90_000)) {
            return response.into();
        }
        let lost = first.borrow_mut().get_or_insert_with(|| rendition(path)).clone();
        match rendition(path) == lost {
            true => Response::new(404, response.url, Bytes::new()).into(),
            false => response.into(),
        }
    });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let lost = lost.borrow().clone().expect("something was asked for");
    let asked = first_segment(&log.borrow());
    let whole = asked.iter().filter(|asked| rendition(&asked.path) == lost && asked.bytes.0 == 0).count();
    assert!(whole == 0 && asked.last().is_some_and(|last| last.status == 206), "{asked:?}");
}

#[test]
fn d083_a_server_that_fails_at_ranges_is_asked_for_the_whole_where_there_is_no_other() {
    for status in [500, 501] {
        let origin = answering(move |response| Response::new(status, response.url, Bytes::new()).into());
        let log = origin.log.clone();
        let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
        let session = run(session, 60);
        every_sample_once_so_far(&session, TrackKind::Video);
        assert_eq!((stalls(&session), states(&session).last()), (0, Some(&State::Playing)), "{:?}", errors(&session));
        assert!(errors(&session).iter().all(|error| !error.is_fatal()));
        let asked = first_segment(&log.borrow());
        assert!(asked.last().is_some_and(|last| last.status == 200 && last.bytes.0 == 0), "{asked:?}");
        assert!(appended(&appends)[0].0 == secs(SEGMENT as i64), "nothing of it is left out");
    }
}

#[test]
fn d083_who_may_not_see_a_segment_is_not_told_that_its_range_was_refused() {
    for status in [401, 402, 407] {
        let origin = answering(move |response| Response::new(status, response.url, Bytes::new()).into());
        let log = origin.log.clone();
        let (session, _) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
        let session = run(session, 20);
        let asked = first_segment(&log.borrow());
        assert_eq!(asked.first().map(|asked| asked.status), Some(status));
        assert_eq!(entries(&session), [], "{status}");
        let refused = |path: &str| asked.iter().any(|asked| asked.path == path && asked.status == status);
        assert!(asked.iter().all(|asked| asked.bytes.0 > 0 || !refused(&asked.path)), "{asked:?}");
    }
}

#[test]
fn d083_a_whole_answer_that_breaks_is_asked_for_again_from_the_start() {
    let asked_before = Rc::new(Cell::new(false));
    let cut = Rc::new(Cell::new(false));
    let is_first = Rc::clone(&asked_before);
    let origin = Origin::new()
        .redirecting(move |_, path| {
            let pictures = path.contains("/v") && path.ends_with(&format!("/t{}.m4s", SEGMENT * 90_000));
            (pictures && !is_first.replace(true)).then(|| path.replace("/demo/", "/norange_1/demo/"))
        })
        .editing(move |_, path, mut response| {
            if path.contains("/v") && path.contains("/t") && asked_before.get() && !cut.replace(true) {
                response.body.truncate(response.body.len() / 8);
                response.broken = Some(Failure::new(ErrorCode::ConnectionLost, "the line is cut"));
            }
            response.into()
        });
    let log = origin.log.clone();
    let (session, appends) = watched(origin, config(), LONG, "rate=20Mbps,rtt=40ms");
    let session = run(session, 60);
    plays_well(&session, &appends);
    let asked: Vec<(u16, bool)> =
        first_segment(&log.borrow()).iter().map(|asked| (asked.status, asked.bytes.0 > 0)).collect();
    assert_eq!(asked, [(200, true), (200, false)]);
    let starts: Vec<MediaTime> = appended(&appends).iter().map(|append| append.0).collect();
    assert_eq!(starts[0], secs(SEGMENT as i64));
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each chunk once");
}

#[test]
fn d083_who_seeks_back_into_the_buffer_does_not_wait_for_what_is_entered_behind_it() {
    let origin = Origin::new();
    let log = origin.log.clone();
    let mut config = config();
    config.buffer_goal = Some(secs(2));
    let (mut session, appends) = watched(origin, config, LONG, "rate=20Mbps,rtt=60ms");
    let begin = secs(SEGMENT as i64 - 64);
    let place = |millis| begin + MediaTime::from_millis(millis);
    // The first segment comes, then the next one is entered, and before it answers it is needed from its beginning.
    session.schedule(at(5_000), Command::Pause);
    session.schedule(at(10_000), Command::Seek(place(100)));
    session.schedule(at(12_000), Command::Seek(place(14_000)));
    session.schedule(at(12_030), Command::Seek(place(5_000)));
    session.schedule(at(13_000), Command::Play);
    let session = run(session, 40);
    let name = format!("/t{}.m4s", (SEGMENT - 64 + 8) * 90_000);
    let asked: Vec<bool> = (log.borrow().iter())
        .filter(|asked| asked.path.contains("/v") && asked.path.ends_with(&name))
        .map(|asked| asked.bytes.0 > 0)
        .collect();
    assert_eq!(asked, [true, false]);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    let starts: Vec<MediaTime> = appended(&appends).iter().map(|append| append.0).collect();
    assert!(starts.contains(&(begin + secs(8))), "from its beginning");
}

#[test]
fn d083_a_transfer_that_breaks_far_behind_where_it_was_asked_from_is_entered_at_the_same_place() {
    let broken = Rc::new(Cell::new(false));
    let name = format!("/t{}.m4s", (SEGMENT - 64) * 90_000);
    let origin = Origin::new().editing(move |_, path, mut response| {
        if path.contains("/v") && path.ends_with(&name) && !broken.replace(true) {
            response.body.truncate(response.body.len() * 9 / 10);
            response.broken = Some(Failure::new(ErrorCode::ConnectionLost, "the line is cut"));
        }
        response.into()
    });
    let path = LONG.replace("chunk_500", "chunk_100");
    let (session, appends, asked) = sought(origin, config(), &path, 7700);
    assert!(matches!(&asked[..], [cut, again] if cut.bytes.0 == again.bytes.0 && again.status == 206), "{asked:?}");
    assert_eq!(entries(&session).len(), 1, "{:?}", entries(&session));
    every_sample_once_so_far(&session, TrackKind::Video);
    let starts: Vec<MediaTime> = appended(&appends).iter().map(|append| append.0).collect();
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each chunk once");
}
