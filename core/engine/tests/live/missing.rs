//! What is announced missing in one rendition, or cannot be had at one place, is had elsewhere.

use std::time::Duration;

use telecine_engine::{Config, State};
use telecine_model::TrackKind;
use telecine_virtual::{Fetched, Response};

use crate::common::{at, errors, secs, states, track};
use crate::origin::{refused, with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once, every_sample_once_so_far, run, stalls};

/// The rendition that a comfortable line is played in.
const BEST: &str = "v720";

/// Number of the segment of the best rendition that a URL or a line of a playlist names, and of its part.
fn of_best(line: &str) -> Option<(u64, Option<u64>)> {
    let (_, file) = line.split_once("v720/")?;
    let mut numbers = file.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next().and_then(|part| part.parse().ok())))
}

/// Segments that are missing in the best rendition.
fn is_gap(number: u64) -> bool {
    number % 7 == 3
}

/// Whether a segment was asked for in another rendition than the best.
fn elsewhere(log: &[Asked], number: u64) -> bool {
    let name = format!("/{number}.");
    log.iter().any(|asked| asked.path.contains("/v") && !asked.path.contains(BEST) && asked.path.contains(&name))
}

/// An origin that announces segments of the best rendition missing, and does not have them.
fn with_gaps() -> Origin {
    Origin::new().editing(|_, path, response| match path {
        path if path.ends_with("v720.m3u8") => with_text(response, |text| {
            text.lines().fold(String::new(), |text, line| {
                let gap = of_best(line).is_some_and(|(number, part)| part.is_none() && is_gap(number));
                text + if gap { "#EXT-X-GAP\n" } else { "" } + line + "\n"
            })
        }),
        path if of_best(path).is_some_and(|(number, _)| is_gap(number)) => missing(),
        _ => response.into(),
    })
}

fn by_throughput() -> Config {
    let mut config = Config::default();
    config.rule = Some("throughput".to_owned());
    config
}

fn missing() -> Fetched {
    Response::new(404, "https://origin.example/", "").into()
}

#[test]
fn h062_a_segment_that_is_announced_missing_is_played_in_another_rendition() {
    let origin = with_gaps();
    let log = origin.log.clone();
    let session = run(origin.play("/hls/live_60/demo/main.m3u8"), 120);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    let asked: Vec<u64> = log.borrow().iter().filter_map(|asked| Some(of_best(&asked.path)?.0)).collect();
    assert!(asked.len() > 30 && asked.iter().all(|number| !is_gap(*number)), "{asked:?}");
    let (first, last) = (asked[0], asked[asked.len() - 1]);
    for number in (first..last).filter(|number| is_gap(*number)) {
        assert!(elsewhere(&log.borrow(), number), "{number}");
    }
}

#[test]
fn h062_parts_that_are_announced_missing_are_not_asked_for_and_played_around() {
    // The second part of each gap, as a file of its own.
    let lost = |line: &str| of_best(line).is_some_and(|(number, part)| part == Some(1) && is_gap(number));
    let origin = Origin::new().editing(move |_, path, response| match path {
        path if path.ends_with("v720.m3u8") => with_text(response, |text| {
            text.lines().fold(String::new(), |text, line| {
                let gap = line.starts_with("#EXT-X-PART:") && lost(line);
                text + line + if gap { ",GAP=YES\n" } else { "\n" }
            })
        }),
        path if lost(path) => missing(),
        _ => response.into(),
    });
    let log = origin.log.clone();
    let session = run(origin.play("/hls/live_60/parts_500/partfiles_1/demo/main.m3u8"), 120);
    assert_eq!(errors(&session), []);
    // They are asked for while they are only hinted at, but not again once they are announced missing.
    let log = log.borrow();
    let mut asked: Vec<&str> = log.iter().map(|asked| asked.path.as_str()).filter(|path| lost(path)).collect();
    let all = asked.len();
    asked.dedup();
    assert!(all > 5 && asked.len() == all, "{asked:?}");
    // The segment is had whole in another rendition.
    let video = track(&session, TrackKind::Video);
    let (first, last) = video.first_pts.zip(video.last_pts).expect("samples");
    assert!(video.gaps == 0 && last - first > secs(119), "{video:?}");
    let stood = session.engine().qoe(session.now()).stalled;
    assert!(stood < Duration::from_secs(1), "{stood:?}");
    assert_eq!(states(&session).last(), Some(&State::Playing));
}

#[test]
fn d085_what_failover_content_replaces_is_played_in_another_representation() {
    // Ten seconds of each forty are a slate.
    const EVERY: u64 = 40;
    let is_slate = |number: u64| number * 2 % EVERY < 10;
    let slates = || {
        let first = BEGIN / 1000 / EVERY;
        let slate = |nth: u64| format!("<FCS t=\"{}\" d=\"{}\"/>", nth * EVERY * 90_000, 10 * 90_000);
        (first..first + 6).map(slate).collect::<String>()
    };
    let origin = Origin::new().editing(move |_, path, response| match path.ends_with(".mpd") {
        true => with_text(response, |text| {
            let own = "<Representation id=\"v720\"";
            let (head, tail) = text.split_once(own).expect("the best one");
            let tail = tail.replacen("/>", &format!("><SegmentTemplate timescale=\"90000\" duration=\"180000\" startNumber=\"0\" \
                 media=\"v720/$Number$.m4s\" initialization=\"v720/init.mp4\"><FailoverContent valid=\"false\">{}</FailoverContent>\
                 </SegmentTemplate></Representation>", slates()), 1);
            format!("{head}{own}{tail}")
        }),
        false => response.into(),
    });
    let log = origin.log.clone();
    // Which goes back to the best as soon as that is there.
    let session = run(origin.play_with(by_throughput(), "/dash/live_60/utc_direct/demo/number.mpd"), 180);
    assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
    every_sample_once(&session, TrackKind::Video);
    let asked: Vec<u64> = log.borrow().iter().filter_map(|asked| Some(of_best(&asked.path)?.0)).collect();
    assert!(asked.len() > 30 && asked.iter().all(|number| !is_slate(*number)), "{asked:?}");
    let (first, last) = (asked[0], asked[asked.len() - 1]);
    for number in (first..last).filter(|number| is_slate(*number)) {
        assert!(elsewhere(&log.borrow(), number), "{number}");
    }
}

#[test]
fn d073_one_base_is_played_from_as_long_as_it_does_and_so_is_the_one_behind_it() {
    // The first base is gone for ten seconds.
    let origin = Origin::new().editing(|now, path, response| {
        let gone = path.contains("/bu0/") && (at(20_000)..at(30_000)).contains(&now);
        if gone {
            refused()
        } else {
            response.into()
        }
    });
    let log = origin.log.clone();
    let mut config = Config::default();
    config.location_rest = Duration::from_secs(60);
    let session = run(origin.play_with(config, "/dash/live_60/utc_direct/bases_3/demo/time.mpd"), 78);
    assert_eq!(stalls(&session), 0);
    every_sample_once_so_far(&session, TrackKind::Video);
    let log = log.borrow();
    let base =
        |asked: &Asked| asked.path.split("/bu").nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let places: Vec<String> = log.iter().filter_map(base).collect();
    let moved = places.iter().position(|base| base == "1").expect("it was gone");
    let (before, after) = places.split_at(moved);
    assert!(before.len() > 20 && before.iter().all(|base| base == "0"), "{before:?}");
    assert!(after.len() > 50 && after.iter().all(|base| base == "1"), "{after:?}");
    // Through newer versions of the MPD too.
    assert!(log.iter().filter(|asked| asked.path.ends_with(".mpd")).count() > 20);
}
