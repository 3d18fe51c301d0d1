//! Whatever a live server does, the player goes on, or ends with an error that says why.

use std::collections::BTreeMap;
use std::time::Duration;

use telecine_engine::Command;
use telecine_model::rng::Rng;
use telecine_model::MediaTime;
use telecine_virtual::{Network, Outcome, Response, Step};

use crate::common::at;
use crate::origin::{refused, with_text, Origin};

const FLAVOURS: [&str; 6] = [
    "/hls/live_60/demo/main.m3u8",
    "/hls/live_60/disc_5/start_1795780300/adbreak_20/demo/main.m3u8",
    "/hls/live_60/parts_500/demo/main.m3u8",
    "/hls/live_60/parts_500/partfiles_1/skip_2/demo/main.m3u8",
    "/hls/live_30/encrestartmsn_40/jitter_300/demo/main.m3u8",
    "/hls/live_60/ts_muxed/demo/main.m3u8",
];

/// Damages a text: a line is lost, comes twice, or has another number in it.
fn damaged(text: &str, rng: &mut Rng) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=rng.below(3) {
        let place = usize::try_from(rng.below(lines.len().max(1) as u64)).unwrap_or(0);
        if place >= lines.len() {
            break;
        }
        match rng.below(4) {
            0 => {
                lines.remove(place);
            }
            1 => lines.insert(place, lines[place].clone()),
            2 => lines[place] = lines[place].replace(|c: char| c.is_ascii_digit(), "7"),
            _ => lines.truncate(place + 1),
        }
    }
    lines.join("\n") + "\n"
}

fn played(seed: u64) {
    let mut rng = Rng::new(seed);
    let path = FLAVOURS[usize::try_from(rng.below(FLAVOURS.len() as u64)).unwrap_or(0)];
    // Some sessions are hit hard, some hardly.
    let (percent, damages) = (rng.below(30), rng.below(2) == 0);
    let commands = rng.below(5);
    let mut dice = Rng::new(seed ^ 0x5eed);
    let mut kept: BTreeMap<String, Response> = BTreeMap::new();
    let origin = Origin::new().editing(move |_, path, response| {
        let playlist = path.ends_with(".m3u8");
        let older = kept.get(path).cloned();
        if playlist && (older.is_none() || dice.below(4) == 0) {
            kept.insert(path.to_owned(), response.clone());
        }
        if dice.below(100) >= percent || path.ends_with("main.m3u8") {
            return response.into();
        }
        match dice.below(6) {
            0 => refused(),
            1 => Response::new([404, 410, 500, 503, 400][dice.below(5) as usize], "https://origin.example/", "").into(),
            2 if playlist => older.unwrap_or(response).into(),
            3 if playlist && damages => with_text(response, |text| damaged(&text, &mut dice)),
            4 => {
                let mut response = response;
                response.delay += Duration::from_millis(dice.below(12_000));
                response.into()
            }
            _ => response.into(),
        }
    });
    let step = |rng: &mut Rng| Step {
        duration: Duration::from_secs(3 + rng.below(20)),
        bits_per_second: 100_000 + rng.below(12_000_000),
        latency: Duration::from_millis(rng.below(300)),
    };
    let steps: Vec<Step> = (0..4).map(|_| step(&mut rng)).collect();
    let mut session = origin.play(path).network(Network::from_steps(steps).expect("a network"));
    for _ in 0..commands {
        let command = match rng.below(4) {
            0 => Command::Seek(MediaTime::from_secs(i64::try_from(rng.below(200)).unwrap_or(0))),
            1 => Command::Seek(MediaTime::MAX),
            2 => Command::Pause,
            _ => Command::Play,
        };
        session = session.at(at(rng.below(170_000)), command);
    }
    session = session.at(at(171_000), Command::Play);
    match session.run(Some(at(240_000))) {
        Outcome::Until | Outcome::Failed(Some(_)) | Outcome::Ended => {}
        other => panic!("seed {seed}, {path}: {other:?}"),
    }
}

#[test]
fn whatever_a_live_server_does_playback_goes_on_or_ends_with_an_error() {
    let seeds = std::env::var("TELECINE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    (0..seeds).for_each(played);
}
