//! What the estimator is told of transfers that do not show the line plainly.

use std::time::Duration;

use telecine_abr::TransferSample;
use telecine_engine::{Config, Engine};
use telecine_model::Timestamp;
use telecine_virtual::testing::{Fault, SyntheticTitle};
use telecine_virtual::{Network, Outcome, Session, Source};

use crate::common::{overheard, secs};
use crate::stage::{buffering, network, steady, step, title, Stage};

/// What an estimator was told of a session, in the order of requests.
fn told<T: Source>(config: Config, title: T, file: &str, network: Network) -> Vec<Option<TransferSample>> {
    let (policies, told) = overheard(&config);
    let mut session = Session::with_engine(Engine::with_policies(config, policies), title, Timestamp::ZERO)
        .network(network)
        .play(format!("https://title.example/{file}"));
    assert_eq!(session.run(None), Outcome::Ended);
    let told = told.lock().expect("whole");
    told.values().copied().collect()
}

/// Nothing is fetched twice, so that nothing is given up for that.
fn steadily() -> Config {
    let mut config = buffering(30);
    config.fast_switch = false;
    config
}

fn samples(told: &[Option<TransferSample>]) -> impl Iterator<Item = &TransferSample> + '_ {
    told.iter().map(|sample| sample.as_ref().expect("each has ended"))
}

#[test]
fn a_plain_segment_has_no_marks() {
    let told = told(steadily(), Stage::of(title(60)), "main.mpd", steady(5000));
    assert!(samples(&told).all(|sample| sample.flags == Default::default() && sample.bytes > 0), "{told:?}");
    assert!(told.len() >= 15);
}

#[test]
fn what_the_device_has_kept_is_marked() {
    let stage = Stage::of(title(60)).editing(|asked, mut response| {
        if asked.number % 2 == 1 {
            (response.beside, response.from_cache) = (Some(Duration::from_millis(3)), true);
        }
        response
    });
    let told = told(buffering(30), stage, "main.mpd", steady(5000));
    let cached = samples(&told).filter(|sample| sample.flags.cached).count();
    assert!(cached > 5 && cached < told.len(), "{cached} of {}", told.len());
}

#[test]
fn what_the_player_itself_held_back_is_marked_and_only_that() {
    let mut config = buffering(30);
    config.pace_percent = Some(150);
    let stage = || Stage::of(title(200));
    let of = |config: &Config, kbps| {
        let told = told(config.clone(), stage(), "main.mpd", steady(kbps));
        let limited = samples(&told).filter(|sample| sample.flags.limited && !sample.flags.paced).count();
        (limited, told.len())
    };
    let (limited, all) = of(&config, 40_000);
    assert!(limited > 10 && limited < all, "behind a healthy buffer: {limited} of {all}");
    assert_eq!(of(&buffering(30), 40_000).0, 0, "nobody asked for a pace");
    // The line gives less than the pace: that is the line, and no mark is on it.
    assert_eq!(of(&config, 7000).0, 0);
}

#[test]
fn what_was_given_up_is_marked_and_told_with_what_came() {
    let told = told(buffering(30), Stage::of(title(120)), "main.mpd", network(&[step(40.0, 8000), step(3600.0, 500)]));
    let given_up: Vec<_> = samples(&told).filter(|sample| sample.flags.aborted).collect();
    assert!(given_up.iter().any(|sample| sample.bytes > 0), "{given_up:?}");
}

#[test]
fn a_page_that_says_why_there_is_nothing_is_no_measurement() {
    let refusing = |title: SyntheticTitle| {
        (0..10).fold(title, |title, n| {
            title.fault_times("v0", n, Fault::Status(503), 1).fault_times("v4", n, Fault::Status(404), 9)
        })
    };
    let stage = Stage::of(refusing(title(60))).editing(|_, response| match response.status {
        200 | 206 => response,
        // Some are long, and come from somewhere else.
        _ => response.with_zeros(400_000),
    });
    let told = told(steadily(), stage, "main.mpd", steady(5000));
    assert!(samples(&told).all(|sample| !sample.flags.aborted), "{told:?}");
    // Whole segments are told, and their beginning and end each.
    assert!(told.len() >= 15, "{told:?}");
}

#[test]
fn subtitles_and_lists_are_no_measurements() {
    let title = SyntheticTitle::new(secs(60)).renditions(&[(360, 800_000)]);
    let mut config = buffering(30);
    config.preferences.text_languages = vec!["en".to_owned()];
    let (policies, told) = overheard(&config);
    let mut session = Session::with_engine(Engine::with_policies(config, policies), title, Timestamp::ZERO)
        .network(steady(5000))
        .play("https://title.example/main.m3u8");
    assert_eq!(session.run(None), Outcome::Ended);
    let requests = session.source().requests();
    let media = requests.iter().filter(|path| path.ends_with(".m4s")).count();
    assert!(requests.iter().any(|path| path.ends_with(".vtt")), "{requests:?}");
    assert_eq!(told.lock().expect("whole").len(), media);
}
