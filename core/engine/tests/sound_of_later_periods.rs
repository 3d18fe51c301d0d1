//! Sound of a period that is to come, of which there is nothing: it gives way to another one as that of the first period does.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use bytes::Bytes;
use common::{at, decisions, errors, secs};
use telecine_engine::{Command, Config, DecisionKind, FetchRequest};
use telecine_model::{ErrorCode, MediaTime, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

/// What there is nothing of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Segments,
    Initialisation,
    /// Where its segments are (ISO/IEC 23009-1, 5.3.9.2.4).
    Index,
}

const EVERY: [Lost; 3] = [Lost::Segments, Lost::Initialisation, Lost::Index];

/// The periods begin with these segments, which are of four seconds.
const PERIODS: [u64; 3] = [0, 10, 25];
const SEGMENTS: u64 = 40;

/// Three periods in two languages, without something of some of them in one period.
struct Lacking {
    title: SyntheticTitle,
    /// Counted from zero.
    period: usize,
    lost: Lost,
    /// `a0` is English, `a1` French.
    of: &'static [&'static str],
}

impl Lacking {
    /// The MPD with the period's sound begun by a section of its own, or found by an index.
    fn edited(&self, text: &str) -> String {
        let mut periods: Vec<String> = text.split_inclusive("</Period>").map(str::to_owned).collect();
        let (picture, sound) = periods[self.period].split_once("<AdaptationSet id=\"10\"").expect("it has sound");
        let mut sound = sound.replace("$/init.mp4", "$/own.mp4");
        if self.lost == Lost::Index {
            for of in self.of {
                // Such a representation names no template: it is one file.
                let begins = format!("<Representation id=\"{of}\"");
                let (before, rest) = sound.split_once(&begins).expect("it is there");
                let (attributes, after) = rest.split_once('>').expect("it has an end");
                let template = before.rfind("<SegmentTemplate").expect("a template");
                let end = before[template..].find("/>").expect("an end") + template + 2;
                let before = format!("{}{}", &before[..template], &before[end..]);
                let file = "<BaseURL>gone.mp4</BaseURL><SegmentBase indexRange=\"700-799\">\
                            <Initialization range=\"0-699\"/></SegmentBase>";
                sound = format!("{before}{begins}{attributes}>{file}{after}");
            }
        }
        periods[self.period] = format!("{picture}<AdaptationSet id=\"10\"{sound}");
        periods.concat()
    }

    fn is_lost(&self, path: &str) -> bool {
        let Some((of, name)) = path.split_once('/') else { return path == "gone.mp4" };
        let number = name.strip_suffix(".m4s").and_then(|number| number.parse::<u64>().ok());
        let end = PERIODS.get(self.period + 1).copied().unwrap_or(SEGMENTS);
        let own = number.is_some_and(|number| (PERIODS[self.period]..end).contains(&number));
        self.of.contains(&of)
            && match self.lost {
                Lost::Segments => own,
                Lost::Initialisation => name == "own.mp4",
                Lost::Index => false,
            }
    }
}

impl Source for Lacking {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let path = request.url.rsplit("title.example/").next().unwrap_or_default().to_owned();
        let own = request.url.replace("/own.mp4", "/init.mp4");
        let mut fetched = self.title.get(&own);
        if self.is_lost(&path) {
            return Response::new(404, &request.url, "").into();
        }
        if let Fetched::Response(response) = &mut fetched {
            if path.ends_with(".mpd") {
                let text = String::from_utf8(response.body.to_vec()).expect("text");
                response.body = Bytes::from(self.edited(&text));
            }
        }
        fetched
    }
}

/// A session of it, which is run to its end.
fn played(period: usize, lost: Lost, of: &'static [&'static str]) -> (Session<Lacking>, Outcome) {
    let mut session = session(period, lost, of);
    let outcome = session.run(None);
    (session, outcome)
}

fn session(period: usize, lost: Lost, of: &'static [&'static str]) -> Session<Lacking> {
    let title = PERIODS[1..].iter().fold(SyntheticTitle::new(secs(160)).languages(2), |title, at| title.part_at(*at));
    Session::new(Config::default(), Lacking { title, period, lost, of })
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play("https://title.example/main.mpd")
}

/// The segments that were asked for of a rendition.
fn asked_of(session: &Session<Lacking>, rendition: &str) -> Vec<u64> {
    let number = |path: &String| path.strip_prefix(rendition)?.strip_prefix('/')?.strip_suffix(".m4s")?.parse().ok();
    session.source().title.requests().iter().filter_map(number).collect()
}

/// A frame of sound, of which a title of 160 s has 7,500.
const FRAME: MediaTime = MediaTime::from_millis(22);

#[test]
fn another_language_plays_in_a_period_that_lacks_the_one_that_plays_and_nothing_is_left_out() {
    for (period, begins) in PERIODS.into_iter().enumerate() {
        for lost in EVERY {
            let (session, outcome) = played(period, lost, &["a0"]);
            assert_eq!(outcome, Outcome::Ended, "{period} {lost:?}: {:?}", errors(&session));
            let tracks = session.sink_ref().tracks();
            let sound: Vec<_> = tracks.iter().filter(|track| track.kind == TrackKind::Audio).collect();
            let frames: u64 = sound.iter().map(|track| track.samples).sum();
            assert_eq!((frames, sound.iter().map(|track| track.gaps).sum()), (7500, 0), "{period} {lost:?}: {sound:?}");
            let ends = sound.iter().filter_map(|track| track.last_pts).max();
            assert!(ends >= Some(secs(160) - FRAME), "{period} {lost:?}: {sound:?}");
            // Periods behind it go on in the language of the one before, as everywhere.
            let french: Vec<u64> = (begins..SEGMENTS).collect();
            assert_eq!(asked_of(&session, "a1"), french, "{period} {lost:?}: from where it has to be");
            let qoe = session.engine().qoe(session.now());
            assert_eq!(qoe.stalls, 0, "{period} {lost:?}");
            assert!(errors(&session).iter().all(|error| !error.is_fatal()), "{period} {lost:?}");
            let lost_for_good = asked_of(&session, "a0").iter().filter(|n| french.contains(n)).count();
            // The first of it a few times more, while it may be refused for a moment only.
            assert!(lost_for_good <= 9, "{period} {lost:?}: {lost_for_good} of it are asked for in vain");
        }
    }
}

#[test]
fn a_change_of_sound_that_is_to_come_does_not_touch_what_plays() {
    for lost in EVERY {
        let (session, _) = played(1, lost, &["a0"]);
        assert_eq!(decisions(&session, DecisionKind::Seek), [], "{lost:?}");
        let changed: Vec<_> =
            decisions(&session, DecisionKind::Track).into_iter().filter(|d| d.from.is_some()).collect();
        assert_eq!(changed.len(), 1, "{lost:?}: {changed:?}");
        assert!(changed[0].position < secs(40), "{lost:?}: it is known before it plays: {changed:?}");
    }
}

#[test]
fn a_later_period_without_any_sound_ends_the_title_where_it_begins_and_not_before() {
    for lost in [Lost::Initialisation, Lost::Index] {
        for (period, begins) in [(1, 40), (2, 100)] {
            let (session, outcome) = played(period, lost, &["a0", "a1"]);
            let Outcome::Failed(Some(error)) = outcome else { panic!("{period} {lost:?}: {outcome:?}") };
            assert_eq!(error.code(), ErrorCode::HttpStatus, "{period} {lost:?}");
            assert_eq!(error.facts().get("status").map(String::as_str), Some("404"), "{period} {lost:?}");
            let position = session.engine().snapshot(session.now()).position;
            assert!(position.abs_diff(secs(begins)) < secs(1), "{period} {lost:?}: {position}");
        }
    }
}

#[test]
fn a_first_period_without_any_sound_ends_the_title_with_the_same_error() {
    for lost in [Lost::Initialisation, Lost::Index] {
        let (_, outcome) = played(0, lost, &["a0", "a1"]);
        let Outcome::Failed(Some(error)) = outcome else { panic!("{lost:?}: {outcome:?}") };
        assert_eq!(error.facts().get("status").map(String::as_str), Some("404"), "{lost:?}");
    }
}

#[test]
fn a_period_without_any_segment_of_sound_is_the_same_whether_it_plays_or_is_to_come() {
    // The one in the middle is left out as the first is; of the last there is nothing to go on with.
    for (period, ends) in [(0, true), (1, true), (2, false)] {
        let (session, outcome) = played(period, Lost::Segments, &["a0", "a1"]);
        assert_eq!(outcome == Outcome::Ended, ends, "{period}: {outcome:?}");
        assert!(ends || matches!(outcome, Outcome::Failed(Some(_))), "{period}: {outcome:?}");
        let position = session.engine().snapshot(session.now()).position;
        assert!(ends || position.abs_diff(secs(100)) < secs(1), "{period}: {position}");
    }
}

#[test]
fn who_begins_or_seeks_in_a_period_that_lacks_a_language_hears_the_other_one_there() {
    for lost in EVERY {
        for when in [0, 5_000] {
            let mut english = session(1, lost, &["a0"]).at(at(when), Command::Seek(secs(60)));
            assert_eq!(english.run(None), Outcome::Ended, "{lost:?} {when}: {:?}", errors(&english));
            assert!(asked_of(&english, "a1").contains(&15), "{lost:?} {when}: the segment from 60 s on");
            let position = english.engine().snapshot(english.now()).position;
            assert_eq!(position, secs(160), "{lost:?} {when}");
        }
    }
}

#[test]
fn who_begins_or_seeks_in_a_period_without_any_sound_is_told_why_it_does_not_play() {
    for lost in [Lost::Initialisation, Lost::Index] {
        for when in [0, 5_000] {
            let mut mute = session(1, lost, &["a0", "a1"]).at(at(when), Command::Seek(secs(60)));
            let Outcome::Failed(Some(error)) = mute.run(None) else { panic!("{lost:?} {when}") };
            assert_eq!(error.facts().get("status").map(String::as_str), Some("404"), "{lost:?} {when}");
            assert!(mute.now() < at(8_000), "{lost:?} {when}: {:?}", mute.now());
        }
    }
}
