//! What is refused everywhere for a while, as while a service is deployed or its tokens change, is asked for again as long as
//! what is buffered lasts; nothing is given up for it before.

#![allow(clippy::expect_used, clippy::panic)] // These are tests.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{at, errors, secs, track};
use telecine_engine::{Command, Config, FetchRequest};
use telecine_model::{ErrorCode, Timestamp, TrackKind};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Network, Outcome, Response, Session, Source, Step};

const FILES: [&str; 2] = ["main.m3u8", "main.mpd"];
/// By then the buffer is full.
const BEGIN: Timestamp = Timestamp::from_millis(20_000);
const FOR_EVER: Timestamp = Timestamp::from_micros(u64::MAX);

/// A title of which some is refused from `BEGIN` on.
struct Refusing {
    title: SyntheticTitle,
    what: fn(&str) -> bool,
    until: Timestamp,
    status: u16,
    /// Each request of media and whether it was refused.
    asked: Vec<(String, Timestamp, bool)>,
}

impl Source for Refusing {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.title.fetch(request)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        let path = request.url.trim_start_matches("https://title.example/").to_owned();
        let refused = (self.what)(&path) && (BEGIN..self.until).contains(&now);
        if path.ends_with(".m4s") {
            self.asked.push((path, now, refused));
        }
        match refused {
            true => Response::new(self.status, request.url.clone(), "").into(),
            false => self.title.fetch(request),
        }
    }
}

fn is_segment(path: &str) -> bool {
    path.ends_with(".m4s")
}

fn play(title: SyntheticTitle, file: &str, what: fn(&str) -> bool, until: Timestamp, status: u16) -> Session<Refusing> {
    let source = Refusing { title: title.languages(2), what, until, status, asked: Vec::new() };
    Session::new(Config::default(), source)
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play(format!("https://title.example/{file}"))
}

/// A session in which all segments are refused for so long.
fn refused_for(millis: u64, file: &str, status: u16) -> Session<Refusing> {
    let until = if millis == u64::MAX { FOR_EVER } else { at(20_000 + millis) };
    play(SyntheticTitle::new(secs(120)), file, is_segment, until, status)
}

/// Requests of one URL while it was refused, at most.
fn most_of_one(session: &Session<Refusing>) -> usize {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, _, _) in session.source().asked.iter().filter(|(_, _, refused)| *refused) {
        *times.entry(path).or_default() += 1;
    }
    times.into_values().max().unwrap_or(0)
}

fn fatal(session: &Session<Refusing>) -> usize {
    errors(session).iter().filter(|error| error.is_fatal()).count()
}

#[test]
fn segments_that_are_refused_for_less_than_the_buffer_lasts_are_not_missed() {
    for file in FILES {
        for status in [404, 403, 401] {
            for millis in [1_200, 8_000, 20_000] {
                let case = format!("{file} {status} {millis}");
                let mut session = refused_for(millis, file, status);
                assert_eq!(session.run(None), Outcome::Ended, "{case}: {:?}", errors(&session));
                let qoe = session.engine().qoe(session.now());
                assert_eq!((qoe.stalls, fatal(&session)), (0, 0), "{case}: {:?}", errors(&session));
                let (video, audio) = (track(&session, TrackKind::Video), track(&session, TrackKind::Audio));
                assert_eq!((video.samples, video.gaps, audio.gaps), (3000, 0, 0), "{case}");
                let asked = &session.source().asked;
                assert!(!asked.iter().any(|(path, ..)| path.starts_with("a1/")), "{case}: another language");
                // What is buffered stays, so each segment comes once.
                let answered = asked.iter().filter(|(path, _, refused)| path.starts_with("a0/") && !refused).count();
                assert_eq!(answered, 30, "{case}");
                assert!(most_of_one(&session) <= 7, "{case}: {} requests", most_of_one(&session));
                // It goes on in the rendition that it was in.
                let came = |path: &&(String, Timestamp, bool)| path.0.starts_with('v') && !path.2;
                let folder = |asked: Option<&(String, Timestamp, bool)>| asked.map(|(path, ..)| path[..2].to_owned());
                let before = folder(asked.iter().filter(came).rfind(|(_, time, _)| *time < BEGIN));
                let behind = folder(asked.iter().filter(came).find(|(_, time, _)| *time > BEGIN));
                assert_eq!(before, behind, "{case}");
            }
        }
    }
}

#[test]
fn segments_that_stay_refused_end_playback_where_the_buffer_does_with_the_cause() {
    for file in FILES {
        for status in [404, 403] {
            let mut session = refused_for(u64::MAX, file, status);
            let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{:?}", session.events().last()) };
            assert_eq!(error.code(), ErrorCode::HttpStatus, "{file} {status}");
            assert_eq!(error.facts().get("status"), Some(&status.to_string()), "{file}");
            let qoe = session.engine().qoe(session.now());
            assert_eq!((qoe.stalls, fatal(&session)), (0, 1), "{file} {status}");
            let video = track(&session, TrackKind::Video);
            let (_, last) = video.first_pts.zip(video.last_pts).expect("samples");
            let played = qoe.played.as_secs_f64();
            let there = last.as_secs_f64();
            assert!(there > 45.0 && (played - there).abs() < 0.3, "{file} {status}: {played} of {there}");
            assert!(!session.source().asked.iter().any(|(path, ..)| path.starts_with("a1/")), "{file} {status}");
            assert!(most_of_one(&session) <= 8, "{file} {status}: {} requests", most_of_one(&session));
        }
    }
}

#[test]
fn while_paused_it_is_asked_for_ever_more_seldom_and_playback_goes_on_when_it_is_there() {
    for file in FILES {
        let mut session = refused_for(180_000, file, 403).at(at(22_000), Command::Pause).at(at(230_000), Command::Play);
        assert_eq!(session.run(None), Outcome::Ended, "{file}: {:?}", errors(&session));
        let qoe = session.engine().qoe(session.now());
        assert_eq!((qoe.stalls, track(&session, TrackKind::Video).samples), (0, 3000), "{file}");
        assert!(most_of_one(&session) <= 9, "{file}: {} requests", most_of_one(&session));
    }
}

#[test]
fn at_double_speed_and_behind_a_seek_in_the_buffer_it_is_asked_for_again_in_time() {
    for command in [Command::SetRate(2000), Command::Seek(secs(38))] {
        let mut session = refused_for(9_000, "main.mpd", 404).at(at(24_500), command.clone());
        assert_eq!(session.run(None), Outcome::Ended, "{command:?}: {:?}", errors(&session));
        let qoe = session.engine().qoe(session.now());
        assert_eq!((qoe.stalls, track(&session, TrackKind::Video).gaps), (0, 0), "{command:?}");
    }
}

#[test]
fn initialisation_sections_that_are_refused_too_are_asked_for_later() {
    let all = |path: &str| !path.ends_with(".m3u8") && !path.ends_with(".mpd");
    for file in FILES {
        // A part that is new begins where it is refused.
        let mut session = play(SyntheticTitle::new(secs(120)).part_at(13), file, all, at(28_000), 403);
        assert_eq!(session.run(None), Outcome::Ended, "{file}: {:?}", errors(&session));
        let qoe = session.engine().qoe(session.now());
        let video = track(&session, TrackKind::Video);
        assert_eq!((qoe.stalls, video.samples, video.gaps), (0, 3000, 0), "{file}");

        let mut session = play(SyntheticTitle::new(secs(120)).part_at(13), file, all, FOR_EVER, 403);
        let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{:?}", session.events().last()) };
        assert_eq!(error.code(), ErrorCode::HttpStatus, "{file}");
        let played = session.engine().qoe(session.now()).played.as_secs_f64();
        let there = track(&session, TrackKind::Video).last_pts.expect("samples").as_secs_f64();
        assert!(there > 45.0 && (played - there).abs() < 0.3, "{file}: {played} of {there}");
    }
}

#[test]
fn what_is_missing_in_one_rendition_is_had_in_another_at_once() {
    for file in FILES {
        // In which it plays by then.
        let mut session = play(SyntheticTitle::new(secs(120)), file, |path| path.starts_with("v2/"), FOR_EVER, 404);
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).gaps, 0, "{file}");
        // Once, and once more where what came instead could be better.
        assert!(most_of_one(&session) <= 2, "{file}");
        let asked = &session.source().asked;
        let refused = asked.iter().position(|(_, _, refused)| *refused).expect("one");
        let next = asked[refused..].iter().find(|(path, _, refused)| path.starts_with('v') && !refused);
        let wait = next.map(|(_, time, _)| time.since(asked[refused].1)).expect("another");
        assert!(wait.as_millis() < 100, "{file}: {wait:?}");
    }
}

#[test]
fn a_segment_that_is_missing_everywhere_is_left_out_before_the_playhead_is_there() {
    for file in FILES {
        let mut session = play(SyntheticTitle::new(secs(120)), file, |path| path.ends_with("/15.m4s"), FOR_EVER, 404);
        assert_eq!(session.run(None), Outcome::Ended, "{file}: {:?}", errors(&session));
        assert_eq!(track(&session, TrackKind::Video).samples, 2900, "{file}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{file}");
        assert!(most_of_one(&session) <= 8, "{file}: {} requests", most_of_one(&session));
    }
}

#[test]
fn what_is_missing_for_good_is_left_out_where_playback_waits_for_more_than_there_is() {
    // The buffer runs dry behind 32 s; from then on ten seconds are waited for.
    let step = |seconds, bits_per_second| Step {
        duration: Duration::from_secs(seconds),
        bits_per_second,
        latency: Duration::from_millis(40),
    };
    let network = Network::from_steps([step(20, 8_000_000), step(40, 1_000), step(1_000, 8_000_000)]).expect("steps");
    for file in FILES {
        for missing in ["/10.m4s", "/11.m4s", "/12.m4s"] {
            let title = Missing(SyntheticTitle::new(secs(120)), missing);
            let mut config = Config::default();
            (config.rebuffer_goal, config.buffer_goal) = (secs(10), Some(secs(12)));
            let mut session =
                Session::new(config, title).network(network.clone()).play(format!("https://title.example/{file}"));
            assert_eq!(session.run(Some(at(400_000))), Outcome::Ended, "{file} {missing}: {:?}", errors(&session));
        }
    }
}

/// A title of which one segment is not there in any rendition.
struct Missing(SyntheticTitle, &'static str);

impl Source for Missing {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        match request.url.ends_with(self.1) {
            true => Response::new(404, request.url.clone(), "").into(),
            false => self.0.fetch(request),
        }
    }
}
