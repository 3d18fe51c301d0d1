//! What goes wrong on the network or in the media is retried, replaced or left out; it ends
//! playback only if nothing else is left.

#![allow(clippy::expect_used)] // Helpers of tests.

mod common;

use std::time::Duration;

use common::{decisions, errors, secs, session, session_with, track};
use telecine_engine::{Config, DecisionKind, Event, FetchRequest};
use telecine_model::{Error, ErrorCode, Handling, TrackKind};
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{Failure, Fetched, Outcome, Response, Session, Source};

const FILES: [&str; 2] = ["main.m3u8", "main.mpd"];

fn everywhere(title: SyntheticTitle, number: u64, fault: Fault) -> SyntheticTitle {
    ["v0", "v1", "v2"].iter().fold(title, |title, rendition| title.fault(rendition, number, fault))
}

#[test]
fn a_server_that_fails_for_a_moment_is_asked_again() {
    for file in FILES {
        for fault in [Fault::Status(503), Fault::Truncated] {
            let title = ["v0", "v1", "v2", "a0"]
                .iter()
                .fold(SyntheticTitle::new(secs(60)), |title, r| title.fault_times(r, 3, fault, 1));
            let mut session = session(title, file);
            assert_eq!(session.run(None), Outcome::Ended, "{file} {fault:?}");
            assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{file} {fault:?}");
            assert_eq!(track(&session, TrackKind::Audio).gaps, 0);
            assert_eq!(session.engine().qoe(session.now()).stalls, 0, "the buffer bridges it");
            assert!(errors(&session).iter().all(|e| !e.is_fatal() && e.handling() == Handling::Retried), "{file}");
        }
    }
}

#[test]
fn a_missing_segment_is_taken_from_another_rendition() {
    for file in FILES {
        let title = SyntheticTitle::new(secs(60)).fault("v2", 5, Fault::Status(404)).fault("v1", 5, Fault::Garbage);
        let mut session = session(title, file);
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{file}");
        assert_eq!(track(&session, TrackKind::Video).gaps, 0, "{file}");
        assert!(errors(&session).iter().any(|e| e.handling() == Handling::Replaced));
        assert!(!decisions(&session, DecisionKind::Pathway).is_empty());
    }
}

#[test]
fn a_segment_missing_everywhere_is_left_out_and_jumped_over() {
    for file in FILES {
        let mut session = session(everywhere(SyntheticTitle::new(secs(60)), 5, Fault::Status(404)), file);
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1400, "{file}");
        let jumps = decisions(&session, DecisionKind::Gap);
        assert_eq!(jumps.len(), 1, "{file}");
        assert_eq!((jumps[0].from.as_deref(), jumps[0].to.as_deref()), (Some("20.000 s"), Some("24.000 s")));
    }
}

#[test]
fn an_announced_gap_is_not_asked_for() {
    let mut session = session(everywhere(SyntheticTitle::new(secs(60)), 5, Fault::Gap), "main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(track(&session, TrackKind::Video).samples, 1400);
    let asked =
        session.source().requests().iter().filter(|path| path.contains("/5.m4s") && path.starts_with('v')).count();
    assert_eq!(asked, 0, "H062");
}

#[test]
fn garbage_in_every_rendition_is_left_out() {
    let mut session = session(everywhere(SyntheticTitle::new(secs(60)), 5, Fault::Garbage), "main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(track(&session, TrackKind::Video).samples, 1400);
}

#[test]
fn half_a_segment_plays_what_it_has() {
    let mut session = session(everywhere(SyntheticTitle::new(secs(60)), 5, Fault::Hole), "main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(track(&session, TrackKind::Video).samples, 1450);
}

/// A title whose sixth segments of pictures break off behind their media, in front of a rest that is never there.
struct Rest(SyntheticTitle);

impl Source for Rest {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let fetched = self.0.fetch(request);
        let broken = request.url.contains("/v") && request.url.ends_with("/5.m4s");
        match fetched {
            Fetched::Response(mut response) if broken => {
                if request.attempt > 0 || request.byte_range.is_some() {
                    return Response::new(404, request.url.as_str(), "").into();
                }
                response.content_length = response.content_length.map(|length| length + 8);
                response.broken = Some(Failure::new(ErrorCode::ConnectionLost, "the connection broke"));
                Fetched::Response(response)
            }
            fetched => fetched,
        }
    }
}

#[test]
fn a_segment_that_lacks_no_media_leaves_nothing_out() {
    for file in FILES {
        let mut session = Session::new(Config::default(), Rest(SyntheticTitle::new(secs(60))))
            .network("rate=10Mbps,rtt=40ms".parse().expect("a network"))
            .play(format!("https://title.example/{file}"));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{file}");
        let left_out = [DecisionKind::Skip, DecisionKind::Gap].map(|kind| decisions(&session, kind));
        assert_eq!(left_out.concat(), [], "{file}");
        assert_eq!(session.engine().qoe(session.now()).stalls, 0, "{file}");
    }
}

#[test]
fn what_is_neither_media_nor_an_error_is_no_answer() {
    for status in [304, 300] {
        let title = everywhere(SyntheticTitle::new(secs(60)), 5, Fault::Status(status));
        let mut session = session(title, "main.mpd");
        assert_eq!(session.run(None), Outcome::Ended);
        assert_eq!(track(&session, TrackKind::Video).samples, 1400);
        let refused = errors(&session).into_iter().find(|error| error.code() == ErrorCode::HttpStatus);
        let refused = refused.expect("the status is told");
        assert_eq!(refused.facts().get("status"), Some(&status.to_string()));
    }
}

#[test]
fn a_title_whose_media_is_all_missing_fails_with_the_cause() {
    for file in FILES {
        let mut title = SyntheticTitle::new(secs(120));
        for number in 0..30 {
            title = everywhere(title, number, Fault::Status(404));
        }
        let mut session = session(title, file);
        let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{file}: {:?}", session.events().last()) };
        assert_eq!(error.code(), ErrorCode::HttpStatus, "{file}");
        assert_eq!(error.facts().get("status").map(String::as_str), Some("404"));
        assert!(error.facts().contains_key("url"));
        assert!(["0", "1"].contains(&error.facts()["segment"].as_str()), "{file}: the first that was missing");
    }
}

/// Segments that cannot be had in any rendition of picture and sound.
fn missing(mut title: SyntheticTitle, numbers: std::ops::Range<u64>) -> SyntheticTitle {
    for number in numbers {
        title = everywhere(title, number, Fault::Status(404)).fault("a0", number, Fault::Status(404));
    }
    title
}

#[test]
fn what_there_is_of_a_title_whose_end_is_missing_is_played_and_then_the_cause_is_told() {
    // Few segments, and more than are asked for one after the other; in the picture alone, and in the sound too.
    for (file, total, first) in
        [("main.m3u8", 60, 12), ("main.mpd", 60, 12), ("main.m3u8", 200, 20), ("main.mpd", 200, 20)]
    {
        let whole = SyntheticTitle::new(secs(total));
        let picture = (first..50).fold(whole.clone(), |title, number| everywhere(title, number, Fault::Status(404)));
        for title in [missing(whole, first..50), picture] {
            let mut session = session(title, file);
            let Outcome::Failed(Some(error)) = session.run(None) else {
                panic!("{file}: {:?}", session.events().last())
            };
            assert_eq!(error.facts().get("status").map(String::as_str), Some("404"), "{file}");
            assert_eq!(track(&session, TrackKind::Video).samples, first * 100, "{file}");
            let qoe = session.engine().qoe(session.now());
            let played = Duration::from_secs(first * 4);
            assert!(qoe.played.abs_diff(played) < Duration::from_millis(300), "{file}: {:?} of {played:?}", qoe.played);
            assert_eq!(
                (qoe.stalls, errors(&session).iter().filter(|error| error.is_fatal()).count()),
                (0, 1),
                "{file}"
            );
        }
    }
}

#[test]
fn one_segment_too_many_at_the_end_is_left_out() {
    for file in FILES {
        let mut session = session(missing(SyntheticTitle::new(secs(60)), 14..15), file);
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1400, "{file}");
    }
}

#[test]
fn a_seek_back_from_where_the_end_is_missing_goes_on_playing() {
    use telecine_engine::Command;
    let title = missing(SyntheticTitle::new(secs(200)), 20..50);
    // Both kinds are known to be cut short by then.
    let mut session = session(title, "main.mpd").at(common::at(75_000), Command::Seek(secs(10)));
    let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{:?}", session.events().last()) };
    assert_eq!(error.code(), ErrorCode::HttpStatus);
    assert!(session.now().as_secs_f64() > 140.0, "{:?}", session.now());
}

#[test]
fn a_period_of_which_nothing_can_be_had_is_left_out() {
    let title = SyntheticTitle::new(secs(240)).part_at(5).part_at(35);
    let mut session = session(missing(title, 5..35), "main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    assert_eq!(track(&session, TrackKind::Video).samples, 3000);
    let asked = session.source().requests().iter().filter(|path| path.starts_with("a0/")).count();
    assert!(asked < 50, "not each of its segments is asked for: {asked}");
}

#[test]
fn a_manifest_that_is_not_there_fails_at_once() {
    for file in ["missing.m3u8", "missing.mpd"] {
        let mut session = session(SyntheticTitle::new(secs(10)), file);
        let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{file}") };
        assert_eq!(error.code(), ErrorCode::HttpStatus);
        assert!(session.now().as_secs_f64() < 1.0, "404 is not asked again");
    }
}

#[test]
fn a_server_that_hangs_is_given_up_after_the_time_limit() {
    let title = everywhere(SyntheticTitle::new(secs(60)), 3, Fault::Slow(Duration::from_secs(100)));
    let mut session = session(title, "main.mpd");
    assert_eq!(session.run(None), Outcome::Ended);
    assert!(errors(&session).iter().any(|error| error.code() == ErrorCode::Timeout));
}

#[test]
fn a_network_slower_than_the_lowest_rendition_stalls_and_says_why() {
    let title = SyntheticTitle::new(secs(40)).renditions(&[(240, 400_000)]);
    let mut session = session_with(Config::default(), title, "main.mpd", "rate=300kbps,rtt=50ms");
    assert_eq!(session.run(None), Outcome::Ended);
    let qoe = session.engine().qoe(session.now());
    assert!(qoe.stalls > 0 && qoe.stalled > Duration::from_secs(10));
    let slow = |e: &Event| matches!(e, Event::StallStarted { cause: telecine_engine::StallCause::SlowNetwork, .. });
    assert!(session.events().iter().any(slow));
}

#[test]
fn a_start_and_a_seek_into_a_hole_play_behind_it() {
    use telecine_engine::Command;
    for file in FILES {
        let title =
            everywhere(everywhere(SyntheticTitle::new(secs(300)), 0, Fault::Status(404)), 20, Fault::Status(404));
        let mut session = session(title, file).at(common::at(20_000), Command::Seek(secs(81)));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert!(session.now().as_secs_f64() < 250.0, "{file}: {:?}", session.now());
    }
}

/// A title whose server confuses objects: what is asked for by one name is answered with another's bytes.
struct Confused<F> {
    title: SyntheticTitle,
    instead: F,
}

impl<F: Fn(&str, u64) -> Option<u64>> Source for Confused<F> {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        let name = request.url.strip_suffix(".m4s").and_then(|url| url.rsplit_once('/'));
        let number = name.and_then(|(folder, number)| Some((folder, number.parse().ok()?)));
        let other = number.and_then(|(folder, number)| {
            let other = (self.instead)(folder.rsplit('/').next()?, number)?;
            Some(format!("{folder}/{other}.m4s"))
        });
        let Some(url) = other else { return self.title.fetch(request) };
        self.title.fetch(&FetchRequest { url, ..request.clone() })
    }
}

fn confused<F: Fn(&str, u64) -> Option<u64>>(file: &str, instead: F) -> Session<Confused<F>> {
    Session::new(Config::default(), Confused { title: SyntheticTitle::new(secs(60)), instead })
        .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
        .play(format!("https://title.example/{file}"))
}

#[test]
fn another_segments_bytes_are_taken_for_what_they_are_and_the_right_ones_from_another_rendition() {
    for file in FILES {
        let mut session = confused(file, |rendition, number| (rendition == "v2" && number == 5).then_some(3));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        let video = track(&session, TrackKind::Video);
        assert_eq!((video.samples, video.gaps), (1500, 0), "{file}");
        let told = errors(&session);
        assert_eq!(
            (told.len(), told[0].code(), told[0].handling()),
            (1, ErrorCode::TimestampInvalid, Handling::Replaced)
        );
        assert_eq!(told[0].facts().get("segment").map(String::as_str), Some("5"), "{file}");
    }
}

#[test]
fn a_segment_that_is_another_one_everywhere_is_told_and_what_follows_it_plays() {
    for file in FILES {
        // An earlier one, and a later one that comes once more in its own place.
        for other in [3, 6] {
            let mut session = confused(file, |rendition, number| (rendition != "a0" && number == 5).then_some(other));
            assert_eq!(session.run(None), Outcome::Ended, "{file} {other}");
            let lost = track(&session, TrackKind::Video).samples;
            assert!((1400..=1500).contains(&lost), "{file} {other}: {lost}");
            let told = errors(&session);
            assert!(told.iter().all(|error| error.code() == ErrorCode::TimestampInvalid), "{file} {other}: {told:?}");
            let named: Vec<_> = told.iter().filter_map(|error| error.facts().get("segment")).collect();
            assert!(!named.is_empty() && named.iter().all(|number| *number == "5"), "{file} {other}: {named:?}");
        }
    }
}

#[test]
fn media_of_a_time_far_ahead_is_another_objects_and_the_right_one_is_had_from_another_rendition() {
    for file in FILES {
        let mut session = confused(file, |rendition, number| (rendition == "v2" && number == 5).then_some(12));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        let video = track(&session, TrackKind::Video);
        assert_eq!((video.samples, video.gaps), (1500, 0), "{file}");
        let told: Vec<_> = errors(&session).iter().map(|error| (error.code(), error.handling())).collect();
        assert_eq!(told, [(ErrorCode::TimestampInvalid, Handling::Replaced)], "{file}");
    }
}

/// As a flipped bit in its `tfdt` makes it.
#[test]
fn sound_of_a_time_far_ahead_is_left_out_and_moves_the_playhead_nowhere() {
    for file in FILES {
        let mut session = confused(file, |rendition, number| (rendition == "a0" && number == 5).then_some(12));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1500, "{file}");
        let told: Vec<_> = errors(&session).iter().map(|error| (error.code(), error.handling())).collect();
        assert_eq!(told, [(ErrorCode::TimestampInvalid, Handling::Skipped)], "{file}");
        let played = session.engine().qoe(session.now()).played;
        assert!(played > Duration::from_secs(55), "{file}: {played:?}");
    }
}

/// Renditions of one number have one encoder: that they agree says nothing.
#[test]
fn a_picture_of_a_time_far_ahead_in_every_rendition_is_left_out_and_moves_the_playhead_nowhere() {
    for file in FILES {
        let mut session = confused(file, |rendition, number| (rendition != "a0" && number == 5).then_some(12));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 1400, "{file}");
        let told = errors(&session);
        let last = told.last().map(|error| (error.code(), error.handling()));
        assert_eq!(last, Some((ErrorCode::TimestampInvalid, Handling::Skipped)), "{file}: {told:?}");
        let played = session.engine().qoe(session.now()).played;
        assert!(played > Duration::from_secs(55), "{file}: {played:?}");
    }
}

#[test]
fn timestamps_that_leap_in_all_that_follows_are_believed_from_the_second_segment_on() {
    for file in FILES {
        let mut session = confused(file, |_, number| (number >= 5).then_some(number + 5));
        session.run(None);
        let told = errors(&session);
        let refused = |kind: &str| {
            let of = |error: &&Error| error.facts().get("kind").is_some_and(|of| of == kind);
            let skipped = |error: &&Error| error.handling() == Handling::Skipped;
            let names = |error: &Error| error.facts().get("segment").cloned();
            told.iter().filter(of).filter(skipped).filter_map(names).next()
        };
        for kind in ["video", "audio"] {
            assert_eq!(refused(kind).as_deref(), Some("5"), "{file} {kind}: {told:?}");
        }
        // Fifteen segments of four seconds: of the last five there is nothing, and the first of those that leap is left out.
        assert_eq!(track(&session, TrackKind::Video).samples, 900, "{file}: {told:?}");
    }
}

#[test]
fn a_title_whose_timestamps_begin_anew_plays_up_to_there_and_fails_with_the_cause() {
    for file in FILES {
        let mut session = confused(file, |_, number| number.checked_sub(8));
        let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{file}: {:?}", session.events().last()) };
        assert_eq!(error.code(), ErrorCode::TimestampInvalid, "{file}");
        assert_eq!(track(&session, TrackKind::Video).samples, 800, "{file}");
        let played = session.engine().qoe(session.now()).played;
        assert!(played.abs_diff(Duration::from_secs(32)) < Duration::from_millis(300), "{file}: {played:?}");
    }
}

/// A title whose server sends a page with status 200 for some of its segments.
struct Paged(SyntheticTitle, Which);

type Which = fn(&str) -> bool;

impl Source for Paged {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>";
        match (self.1)(&request.url) {
            true => Response::new(200, &request.url, PAGE).with_type("text/html").into(),
            false => self.0.fetch(request),
        }
    }
}

#[test]
fn a_page_in_place_of_a_segment_is_told_as_no_container_and_the_segment_had_elsewhere() {
    for file in FILES {
        let paged: [(Which, u64); 2] =
            [(|url| url.ends_with("v2/5.m4s"), 1500), (|url| url.contains("/v") && url.ends_with("/5.m4s"), 1400)];
        for (which, samples) in paged {
            let mut session = Session::new(Config::default(), Paged(SyntheticTitle::new(secs(60)), which))
                .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
                .play(format!("https://title.example/{file}"));
            assert_eq!(session.run(None), Outcome::Ended, "{file}");
            assert_eq!(track(&session, TrackKind::Video).samples, samples, "{file}");
            let told = errors(&session);
            assert!(
                !told.is_empty() && told.iter().all(|e| e.code() == ErrorCode::ContainerUnknown),
                "{file}: {told:?}"
            );
        }
    }
}

#[test]
fn a_scheme_that_nobody_fetches_is_asked_for_once() {
    struct Schemeless(u32);
    impl Source for Schemeless {
        fn fetch(&mut self, _: &FetchRequest) -> Fetched {
            self.0 += 1;
            Failure::new(ErrorCode::InvalidUrl, "no way to fetch from 'ftp:'").into()
        }
    }
    let mut session = Session::new(Config::default(), Schemeless(0)).play("ftp://title.example/main.mpd");
    let Outcome::Failed(Some(error)) = session.run(None) else { panic!("{:?}", session.events().last()) };
    assert_eq!((error.code(), session.source().0), (ErrorCode::InvalidUrl, 1));
}

/// A title of which the initialisation section of one rendition is not there.
struct Uninitialised(SyntheticTitle, &'static str);

impl Source for Uninitialised {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        match request.url.ends_with(self.1) {
            true => self.0.fetch(&FetchRequest { url: "https://title.example/none".to_owned(), ..request.clone() }),
            false => self.0.fetch(request),
        }
    }
}

#[test]
fn a_rendition_without_its_initialisation_section_is_not_asked_for_with_each_segment() {
    for file in FILES {
        let title = Uninitialised(SyntheticTitle::new(secs(60)), "v2/init.mp4");
        let mut session = Session::new(Config::default(), title)
            .network("rate=8Mbps,rtt=40ms".parse().expect("a network"))
            .play(format!("https://title.example/{file}"));
        assert_eq!(session.run(None), Outcome::Ended, "{file}");
        let video = track(&session, TrackKind::Video);
        assert_eq!((video.samples, video.gaps), (1500, 0), "{file}");
        assert!(errors(&session).len() <= 2, "{file}: {:?}", errors(&session));
    }
}
