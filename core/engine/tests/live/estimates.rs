//! What the link is believed to carry where media comes as it is made: not what the encoder makes, and not what tiny
//! parts and the playlists beside them leave of it.

use std::time::Duration;

use telecine_drm::ContentKey;
use telecine_engine::{Config, Engine, KeySetup};
use telecine_model::protection::KeyId;
use telecine_model::{Timestamp, WallTime};
use telecine_virtual::{Network, Session};

use crate::common::{at, errors};
use crate::origin::{Origin, BEGIN};

/// The one key of a title of the origin.
fn keys() -> KeySetup {
    let kid = *b"telecine\0\0\0\0\0\0\0\0";
    let mut setup = KeySetup::default();
    setup.give(KeyId(kid), ContentKey::new(kid.map(|byte| !byte)));
    setup
}

/// What was believed each second of a minute, but the first ten, in the order of size; and what playlists took. In bits a
/// second.
fn believed(path: &str, network: &str) -> (Vec<u64>, u64) {
    let mut engine = Engine::new(Config::default());
    engine.set_keys(keys());
    let origin = Origin::new();
    let log = origin.log.clone();
    let network: Network = network.parse().expect("a network");
    let mut session = Session::with_engine(engine, origin, Timestamp::ZERO)
        .network_read_every(network, Duration::from_millis(5))
        .wall_clock(WallTime::from_millis(BEGIN as i64))
        .play(format!("https://origin.example{path}"));
    let mut believed: Vec<u64> = (10..60)
        .map(|second| {
            session.run(Some(at(second * 1000)));
            session.engine().snapshot(session.now()).throughput.expect("it was measured")
        })
        .collect();
    assert_eq!(errors(&session), [], "{path}");
    believed.sort_unstable();
    let log = log.borrow();
    let playlists = log.iter().filter(|asked| asked.path.ends_with(".m3u8"));
    (believed, playlists.map(|asked| (asked.bytes.1 - asked.bytes.0) * 8).sum::<u64>() / 60)
}

/// The flavours, and how far the middle of what is believed may be off, in hundredths.
const PACED: [(&str, u64); 8] = [
    ("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/demo/number.mpd", 5),
    ("/dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_3000/prot_cenc/demo/number.mpd", 5),
    ("/dash/live_60/utc_iso/chunk_100/ato_1900/ltgt_3000/prot_cbcs/demo/number.mpd", 5),
    ("/hls/live_60/parts_334/demo/main.m3u8", 20),
    ("/hls/live_60/parts_334/prot_cbcs/demo/main.m3u8", 20),
    ("/hls/live_60/parts_200/prot_cbcs/demo/main.m3u8", 20),
    ("/hls/live_60/parts_120/demo/main.m3u8", 25),
    // With a request for each tiny file, playlists are on their way beside all of it.
    ("/hls/live_60/parts_200/partfiles_1/demo/main.m3u8", 25),
];

/// What playlists take is not there for media.
fn the_link_is_known(network: &str, rate: u64) {
    for (path, percent) in PACED {
        let (believed, playlists) = believed(path, network);
        let (middle, most, left) = (believed[believed.len() / 2], believed[believed.len() - 1], rate - playlists);
        let off = middle.abs_diff(left) * 100 / left;
        assert!(off <= percent, "{path}, {network}: {middle}, {off} % off {left}: {believed:?}");
        assert!(most <= rate * 11 / 10, "{path}, {network}: {believed:?}");
    }
}

#[test]
fn a_fast_link_does_not_pass_for_the_encoder_however_small_the_chunks_and_whoever_encrypts_them() {
    the_link_is_known("rate=20Mbps,rtt=40ms", 20_000_000);
}

#[test]
fn a_link_that_is_the_limit_is_known_too() {
    the_link_is_known("rate=2Mbps,rtt=40ms", 2_000_000);
}
