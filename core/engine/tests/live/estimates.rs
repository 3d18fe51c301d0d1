//! What the link is believed to carry where media comes as it is made: not what the encoder makes, and not what tiny
//! parts and the playlists beside them leave of it.

use std::time::Duration;

use telecine_drm::ContentKey;
use telecine_engine::{Config, DecisionKind, Engine, Event, KeySetup};
use telecine_model::protection::KeyId;
use telecine_model::{Timestamp, TrackKind, WallTime};
use telecine_virtual::{Network, Session};

use crate::common::{at, errors};
use crate::origin::{Origin, BEGIN};
use crate::watch::stalls;

/// The one key of a title of the origin.
fn keys() -> KeySetup {
    let kid = *b"telecine\0\0\0\0\0\0\0\0";
    let mut setup = KeySetup::default();
    setup.give(KeyId(kid), ContentKey::new(kid.map(|byte| !byte)));
    setup
}

/// A minute of it; what was believed each second but the first ten, in the order of size; and what playlists took. In bits
/// a second.
fn watched(path: &str, network: &str) -> (Session<Origin>, Vec<u64>, u64) {
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
    believed.sort_unstable();
    let log = log.borrow();
    let playlists = log.iter().filter(|asked| asked.path.ends_with(".m3u8"));
    let playlists = playlists.map(|asked| (asked.bytes.1 - asked.bytes.0) * 8).sum::<u64>() / 60;
    (session, believed, playlists)
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
        let (session, believed, playlists) = watched(path, network);
        assert_eq!(errors(&session), [], "{path}");
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

#[test]
fn transfers_that_are_read_in_pieces_beside_each_other_do_not_make_a_slow_link_pass_for_a_fast_one() {
    let path = "/hls/live_60/parts_334/partfiles_1/demo/main.m3u8";
    for kbps in [600, 1000, 1500] {
        let mut session =
            Origin::new().play(path).network(format!("rate={kbps}kbps,rtt=40ms").parse().expect("a network"));
        let mut believed: Vec<u64> = (10..90)
            .map(|second| {
                session.run(Some(at(second * 1000)));
                session.engine().snapshot(session.now()).throughput.expect("it was measured")
            })
            .collect();
        believed.sort_unstable();
        // Playlists are on their way beside the media, and take their share.
        let (middle, upper) = (believed[believed.len() / 2], believed[believed.len() * 3 / 4]);
        assert!((kbps * 750..kbps * 1050).contains(&middle), "{kbps} kbit/s: {middle}");
        assert!(upper <= kbps * 1500, "{kbps} kbit/s: {upper}");
    }
}

/// Chunks and parts that come later than is announced: the flavour, how late in milliseconds, and how far the middle of what
/// is believed may be off, in hundredths.
const LATE: [(&str, &[u64], u64); 4] = [
    ("/dash/live_60/utc_iso/chunk_500/ato_1500/ltgt_2000/early404_LATE/demo/number.mpd", &[500, 1000, 1500, 2500], 5),
    ("/dash/live_60/chunk_500/ato_1500/ltgt_2000/early404_LATE/demo/number.mpd", &[500, 1000, 1500, 2500], 5),
    ("/dash/live_60/utc_iso/chunk_500/ato_1500/ltgt_2000/early404_LATE/demo/time.mpd", &[500, 1000, 1500, 2500], 5),
    ("/hls/live_60/parts_334/early404_LATE/demo/main.m3u8", &[500, 1000, 1500], 20),
];

#[test]
fn media_that_come_later_than_announced_do_not_make_the_link_pass_for_the_encoder() {
    for rate in [10_000_000, 3_000_000] {
        for (flavour, by, percent) in LATE {
            for late in by {
                let path = flavour.replace("LATE", &late.to_string());
                let (session, believed, playlists) = watched(&path, &format!("rate={}Kbps,rtt=40ms", rate / 1000));
                let (middle, left) = (believed[believed.len() / 2], rate - playlists);
                let off = middle.abs_diff(left) * 100 / left;
                assert!(off <= percent, "{path}, {rate}: {middle}, {off} % off {left}: {believed:?}");
                // What comes a second and a half late of two leaves less in the buffer than a picture too large takes.
                let most = usize::from(rate < 10_000_000 && *late >= 1500);
                assert!(stalls(&session) <= most, "{path}, {rate}: {}", stalls(&session));
                // All of the ladder fits into ten megabits, seven times over.
                if rate == 10_000_000 {
                    let chosen = pictures(&session);
                    assert!(chosen.iter().all(|(when, _)| *when < at(5_000)), "{path}: {chosen:?}");
                    let (_, last) = chosen.last().expect("one was chosen");
                    assert!(last == "v720" || last == "variant-3", "{path}: {chosen:?}");
                }
            }
        }
    }
}

/// The renditions of the picture that were chosen, and when.
fn pictures(session: &Session<Origin>) -> Vec<(Timestamp, String)> {
    let chosen = session.events().iter().filter_map(|event| match event {
        Event::Decision(decision) if decision.kind == Some(TrackKind::Video) => {
            let picture = matches!(decision.what, DecisionKind::Bitrate | DecisionKind::Abandon);
            decision.to.clone().filter(|_| picture).map(|to| (decision.at, to))
        }
        _ => None,
    });
    chosen.collect()
}
