//! Clocks that are wrong, publishers that jitter, encoders that drift: all at once.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use telecine_engine::{DecisionKind, Event};
use telecine_model::{Timestamp, TrackKind, WallTime};
use telecine_origin::{respond, Library, Request, Title};
use telecine_virtual::{Outcome, Session};

use crate::common::{at, decisions, errors, track};
use crate::origin::{Asked, Origin, BEGIN};
use crate::watch::{every_sample_once_so_far, stalls, started};

const HOUR: i64 = 3_600_000;

/// When the programmes begin, in milliseconds since 1970.
const START: u64 = 1_795_780_300_000;

/// A way to publish, and how far behind what is made playback is to be, in milliseconds: as the MPD says, or, in HLS, three
/// segments behind a playlist that is up to a segment old; one of parts says it of what it lists.
struct Flavour {
    path: fn(drift_ppm: i64) -> String,
    delay_ms: Option<u64>,
}

const HLS: Flavour = Flavour {
    path: |ppm| format!("/hls/live_60/jitter_300/drift_{ppm}/start_1795780300/demo/main.m3u8"),
    delay_ms: Some(8000),
};
const HLS_PARTS: Flavour = Flavour {
    path: |ppm| format!("/hls/live_60/parts_500/jitter_300/drift_{ppm}/start_1795780300/demo/main.m3u8"),
    delay_ms: None,
};
const DASH_TIME: Flavour = Flavour {
    path: |ppm| format!("/dash/live_60/utc_iso/jitter_300/drift_{ppm}/start_1795780300/demo/time.mpd"),
    delay_ms: Some(6000),
};
const DASH_NUMBER: Flavour = Flavour {
    path: |ppm| format!("/dash/live_60/utc_head/jitter_300/drift_{ppm}/start_1795780300/demo/number.mpd"),
    delay_ms: Some(6000),
};
const DASH_CHUNKS: Flavour = Flavour {
    path: |ppm| {
        let options = "live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/jitter_300";
        format!("/dash/{options}/drift_{ppm}/start_1795780300/demo/number.mpd")
    },
    delay_ms: Some(3000),
};

/// The number behind a box's name, at a place of its body, in so many bytes.
fn field(bytes: &[u8], name: &[u8; 4], at: usize, length: usize) -> Option<u64> {
    let body = bytes.windows(4).position(|four| four == name)? + 4 + at;
    let bytes = bytes.get(body..body + length)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// What of the programme the first picture segment or part begins with, in milliseconds since it began: read off the answer.
#[derive(Clone, Debug, Default)]
struct FirstPicture {
    timescale: Rc<Cell<Option<u64>>>,
    decode_time: Rc<Cell<Option<u64>>>,
}

impl FirstPicture {
    fn look(&self, path: &str, body: &[u8]) {
        let of_picture = path.rsplit('/').take(2).any(|name| name.starts_with('v'));
        if of_picture && path.ends_with(".mp4") && self.timescale.get().is_none() {
            self.timescale.set(field(body, b"mdhd", 12, 4));
        }
        if of_picture && path.ends_with(".m4s") && self.decode_time.get().is_none() {
            self.decode_time.set(field(body, b"tfdt", 4, 8));
        }
    }

    fn ms(&self) -> u64 {
        let (ticks, timescale) = self.decode_time.get().zip(self.timescale.get()).expect("a picture was fetched");
        ticks * 1000 / timescale
    }
}

/// Up to where the origin listed the pictures when their playlist was loaded first, less what it says to hold back: in
/// milliseconds since the programme began. Counted in the text.
fn listed_less_hold_back(log: &[Asked]) -> u64 {
    let load = log.iter().find(|asked| asked.path.contains("/v") && asked.path.ends_with(".m3u8")).expect("a playlist");
    let library = Library::new(Title::demo(), 0);
    let unix_ms = BEGIN + load.at.as_micros() / 1000;
    let answer = respond(&library, &Request { unix_ms, ..Request::get(&load.path) });
    let text = String::from_utf8(answer.body.into_bytes().to_vec()).expect("text");
    let seconds =
        |text: &str| text.split([',', '"']).next().and_then(|number| number.parse::<f64>().ok()).expect("seconds");
    let after = |line: &str, name: &str| line.split_once(name).map(|(_, rest)| seconds(rest));
    let (mut parts, mut before, mut listed, mut hold_back) = (0.0, 0.0, 0.0, 6.0);
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            // Two seconds each.
            before = number.parse::<f64>().expect("a number") * 2.0;
        } else if let Some(duration) = after(line, "#EXTINF:") {
            (listed, parts) = (listed + duration, 0.0);
        } else if line.starts_with("#EXT-X-PART:") {
            parts += after(line, "DURATION=").expect("a duration");
        } else if line.starts_with("#EXT-X-SERVER-CONTROL:") {
            hold_back = after(line, "PART-HOLD-BACK=").or(after(line, "HOLD-BACK=")).unwrap_or(hold_back);
        }
    }
    ((before + listed + parts - hold_back) * 1000.0) as u64
}

/// How far from where it should have been playback began, in milliseconds: later in the programme if positive.
fn start_error(session: &Session<Origin>, flavour: &Flavour, ppm: i64, first: &FirstPicture, log: &[Asked]) -> i64 {
    let (when, position) = started(session);
    let pts = track(session, TrackKind::Video).first_pts.expect("pictures");
    let shown = first.ms() as i64 + (position - pts).as_micros() / 1000;
    let wanted = match flavour.delay_ms {
        None => listed_less_hold_back(log) as i64,
        Some(delay) => {
            let on_air = (BEGIN + when.as_micros() / 1000 - START) as i64;
            on_air + on_air * ppm / 1_000_000 - delay as i64
        }
    };
    shown - wanted
}

/// The speeds that were played at, in thousandths, and since when.
fn speeds(session: &Session<Origin>) -> Vec<(Timestamp, u32)> {
    let speed = |text: &Option<String>| match text.as_deref()?.split(' ').next()? {
        "normal" => Some(1000),
        times => Some((times.parse::<f64>().ok()? * 1000.0).round() as u32),
    };
    let decided = decisions(session, DecisionKind::Rate).into_iter();
    decided.filter_map(|decision| Some((decision.at, speed(&decision.to)?))).collect()
}

/// When speed went from faster than normal to slower, or back.
fn turns(speeds: &[(Timestamp, u32)]) -> Vec<Timestamp> {
    let courses: Vec<(Timestamp, bool)> =
        speeds.iter().filter(|(_, speed)| *speed != 1000).map(|(at, speed)| (*at, *speed > 1000)).collect();
    courses.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1].0).collect()
}

fn follows_a_publisher_that_jitters_and_drifts(flavour: &Flavour) {
    for (ppm, wrong) in [-100, 100].into_iter().flat_map(|ppm| [-HOUR, 0, HOUR].map(|wrong| (ppm, wrong))) {
        let path = (flavour.path)(ppm);
        let first = FirstPicture::default();
        let look = first.clone();
        let origin = Origin::new().editing(move |_, path, response| {
            look.look(path, &response.body);
            response.into()
        });
        let log = origin.log.clone();
        let mut session = origin.play(&path).wall_clock(WallTime::from_millis(BEGIN as i64 + wrong));
        let name = format!("{path}, clock {wrong} ms wrong");
        assert_eq!(session.run(Some(at(900_000))), Outcome::Until, "{name}: {:?}", errors(&session));
        assert_eq!(stalls(&session), 0, "{name}: {:?}", errors(&session));
        every_sample_once_so_far(&session, TrackKind::Video);
        every_sample_once_so_far(&session, TrackKind::Audio);

        let error = start_error(&session, flavour, ppm, &first, &log.borrow());
        assert!(error.abs() <= 500, "{name}: playback begins {error} ms from where it should");

        let missing: Vec<Timestamp> =
            log.borrow().iter().filter(|asked| matches!(asked.status, 404 | 425)).map(|asked| asked.at).collect();
        let early = missing.iter().filter(|missing| **missing < at(10_000)).count();
        assert!(early <= 3 && missing.len() == early, "{name}: {missing:?}");

        let latency = session.engine().qoe(session.now()).latency.expect("it was read");
        assert!(latency.p95 <= latency.target + Duration::from_millis(500), "{name}: {latency:?}");
        let speeds = speeds(&session);
        assert!(speeds.iter().all(|(_, speed)| (970..=1030).contains(speed)), "{name}: {speeds:?}");
        let turns = turns(&speeds);
        let near = turns.windows(3).find(|three| three[2].since(three[0]) < Duration::from_secs(60));
        assert_eq!(near, None, "{name}: {turns:?}");
        let jumps = session
            .events()
            .iter()
            .filter(|event| matches!(event, Event::Decision(decision) if decision.what == DecisionKind::Seek));
        assert_eq!(jumps.count(), 0, "{name}");
    }
}

#[test]
fn a_device_that_is_an_hour_wrong_follows_hls_that_jitters_and_drifts() {
    follows_a_publisher_that_jitters_and_drifts(&HLS);
}

#[test]
fn a_device_that_is_an_hour_wrong_follows_parts_that_jitter_and_drift() {
    follows_a_publisher_that_jitters_and_drifts(&HLS_PARTS);
}

#[test]
fn a_device_that_is_an_hour_wrong_follows_a_timeline_that_jitters_and_drifts() {
    follows_a_publisher_that_jitters_and_drifts(&DASH_TIME);
}

#[test]
fn a_device_that_is_an_hour_wrong_follows_numbers_that_jitter_and_drift() {
    follows_a_publisher_that_jitters_and_drifts(&DASH_NUMBER);
}

#[test]
fn a_device_that_is_an_hour_wrong_follows_chunks_that_jitter_and_drift() {
    follows_a_publisher_that_jitters_and_drifts(&DASH_CHUNKS);
}
