//! What the line is believed to carry: scenarios 1 to 5.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use telecine_engine::{Config, Engine};
use telecine_model::{Timestamp, TrackKind, WallTime};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Link, Network, Session};

use crate::common::{at, errors, secs};
use crate::origin::{with_text, Origin, BEGIN};
use crate::stage::{
    believed, buffering, played, qualities, session, stalled, started, steady, title, Stage, LADDER, TOP,
};

/// From the twentieth request for pictures on five come from beside the player, and not over the line.
fn cache_burst(told: bool) {
    let stage = Stage::of(title(400));
    let mut count = 0;
    let stage = stage.editing(move |_, mut response| {
        count += 1;
        if (20..25).contains(&count) {
            response.beside = Some(Duration::from_millis(3));
            response.from_cache = told;
        }
        response
    });
    let session = played(session(buffering(30), stage, "main.mpd", steady(2000)));
    let asked = &session.source().asked;
    let burst: Vec<_> = asked.iter().skip(19).take(5).collect();
    assert!(burst.iter().all(|asked| asked.over.expect("it came").since(asked.at) < Duration::from_millis(5)));
    let most = believed(&session, at(5_000), session.now()).into_iter().max().expect("it was measured");
    let highest = asked.iter().map(|asked| asked.level).max();
    println!("told {told}: at most {most}, level {highest:?}, {:?}", stalled(&session));
    assert!(most <= 2_500_000, "{most}");
    assert_eq!(stalled(&session), Duration::ZERO);
    assert!(highest < Some(4), "6 Mbit/s was asked for");
}

#[test]
fn s01_a_burst_from_a_cache_does_not_pass_for_the_line() {
    cache_burst(true);
}

#[test]
fn s01_nor_does_it_where_nobody_says_that_it_is_one() {
    cache_burst(false);
}

#[test]
fn s02_where_all_comes_from_a_cache_the_top_is_come_to_within_three_segments() {
    for told in [true, false] {
        let stage = Stage::of(title(120)).editing(move |_, mut response| {
            (response.beside, response.from_cache) = (Some(Duration::from_millis(3)), told);
            response
        });
        let session = played(session(buffering(30), stage, "main.mpd", steady(2000)));
        let levels: Vec<usize> = session.source().asked.iter().map(|asked| asked.level).collect();
        println!("told {told}: {levels:?}");
        assert!(levels.iter().take(3).any(|level| *level == 4), "{levels:?}");
        assert!(levels.iter().skip(3).all(|level| *level == 4), "it stays there: {levels:?}");
    }
}

/// The ladder of abr.md 11 as what the origin's variants declare to take; their parts are as large as they are.
fn declared(text: &str) -> String {
    let mut rates = LADDER.iter().rev().map(|(_, rate)| *rate);
    let variants = text.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF")).count();
    let mut rates: Vec<u64> = rates.by_ref().take(variants).collect();
    let mut order: Vec<(u64, usize)> = text
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
        .enumerate()
        .map(|(place, line)| (bandwidth(line), place))
        .collect();
    order.sort_unstable();
    rates.sort_unstable();
    let mut of = vec![0; variants];
    order.iter().zip(rates).for_each(|((_, place), rate)| of[*place] = rate);
    let mut of = of.into_iter();
    let line = |line: &str| match line.starts_with("#EXT-X-STREAM-INF") {
        true => {
            let old = format!(":BANDWIDTH={}", bandwidth(line));
            let rate = of.next().expect("one each");
            let kept: Vec<&str> = line.split(',').filter(|part| !part.starts_with("AVERAGE-BANDWIDTH=")).collect();
            kept.join(",").replace(&old, &format!(":BANDWIDTH={rate}"))
        }
        false => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

fn bandwidth(line: &str) -> u64 {
    let (_, rest) = line.split_once("BANDWIDTH=").expect("a bandwidth");
    rest.split(',').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn s03_small_parts_over_a_long_way_tell_the_line() {
    let sizes = Rc::new(Cell::new((u64::MAX, 0_u64)));
    let seen = sizes.clone();
    let origin = Origin::new().editing(move |_, path, response| {
        if path.contains("/v") && path.ends_with(".m4s") && response.status / 100 == 2 {
            let size = response.body.len() as u64;
            seen.set((seen.get().0.min(size), seen.get().1.max(size)));
        }
        match path.ends_with("main.m3u8") {
            true => with_text(response, |text| declared(&text)),
            false => response.into(),
        }
    });
    let network: Network = "rate=10Mbps,rtt=150ms".parse().expect("a network");
    let mut session = Session::new(Config::default(), origin)
        .network_read_every(network, Duration::from_millis(5))
        .wall_clock(WallTime::from_millis(BEGIN as i64))
        .play("https://origin.example/hls/live_60/parts_334/partfiles_1/demo/main.m3u8");
    session.run(Some(at(120_000)));
    let believed = believed(&session, at(10_000), at(120_000));
    let (least, most) = (believed.iter().min().expect("some"), believed.iter().max().expect("some"));
    let top = qualities(&session).into_iter().find(|(_, rate)| *rate >= TOP).map(|(at, _)| at);
    println!("parts of {:?} bytes: {least} to {most}, the top at {top:?}", sizes.get());
    assert_eq!(errors(&session), []);
    assert!((7_000_000..=12_000_000).contains(least) && (7_000_000..=12_000_000).contains(most), "{believed:?}");
    assert!(top.is_some_and(|top| top <= at(15_000)), "{top:?}");
    assert_eq!(qualities(&session).last().map(|(_, rate)| *rate), Some(TOP), "and it stays there");
    assert_eq!(stalled(&session), Duration::ZERO);
}

/// A live title of one rendition of 2 Mbit/s in chunks of half a second: the demo's largest picture, and zeros behind it.
fn chunked(kbps: u64) -> Vec<u64> {
    let path = "/dash/live_60/utc_iso/chunk_500/ato_1500/ltgt_3000/demo/number.mpd";
    let origin = Origin::new().editing(|_, path, response| match path.ends_with(".mpd") {
        true => with_text(response, |text| only_the_largest(&text)),
        false => padded(path, response).into(),
    });
    let network: Network = format!("rate={kbps}Kbps,rtt=40ms").parse().expect("a network");
    let mut session = Session::with_engine(Engine::new(Config::default()), origin, Timestamp::ZERO)
        .network_read_every(network, Duration::from_millis(5))
        .wall_clock(WallTime::from_millis(BEGIN as i64))
        .play(format!("https://origin.example{path}"));
    session.run(Some(at(120_000)));
    assert_eq!(errors(&session), []);
    believed(&session, at(10_000), at(120_000))
}

/// The MPD with no picture but that of the highest bandwidth.
fn only_the_largest(text: &str) -> String {
    let pictures = |line: &&str| line.contains("<Representation") && line.contains("height=");
    let most = text.lines().filter(pictures).map(attribute).max().unwrap_or(0);
    let mut out = String::new();
    let mut leaving = false;
    for line in text.lines() {
        if pictures(&line) && attribute(line) < most {
            leaving = !line.trim_end().ends_with("/>");
            continue;
        }
        if leaving {
            leaving = !line.contains("</Representation>");
            continue;
        }
        out += line;
        out.push('\n');
    }
    out
}

fn attribute(line: &str) -> u64 {
    let value = line.split_once("bandwidth=\"").and_then(|(_, rest)| rest.split('"').next());
    value.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// As many bytes as make 2 Mbit/s of a picture's segment of two seconds, each chunk padded by a box that says nothing
/// (ISO/IEC 14496-12, 8.1.2).
fn padded(path: &str, mut response: telecine_virtual::Response) -> telecine_virtual::Response {
    if !(path.contains("/v") && path.ends_with(".m4s") && response.status == 200) {
        return response;
    }
    let body = response.body.to_vec();
    let (mut out, mut from, mut at_byte) = (Vec::new(), 0, 0);
    let mut moved: Vec<(usize, usize)> = Vec::new();
    while at_byte + 8 <= body.len() {
        let size = u32::from_be_bytes(body[at_byte..at_byte + 4].try_into().expect("four")) as usize;
        let ends = &body[at_byte + 4..at_byte + 8] == b"mdat";
        at_byte += size;
        if !ends {
            continue;
        }
        // 2 Mbit/s for half a second.
        let chunk = &body[from..at_byte];
        let pad = 125_000_usize.saturating_sub(chunk.len()).max(8);
        moved.push((from, out.len()));
        out.extend_from_slice(&u32::try_from(pad).expect("small").to_be_bytes());
        out.extend_from_slice(b"free");
        out.resize(out.len() + pad - 8, 0);
        out.extend_from_slice(chunk);
        from = at_byte;
    }
    for (position, _) in &mut response.held.pieces {
        let place = moved.iter().rfind(|(old, _)| *old as u64 <= *position);
        *position = place.map_or(*position, |(old, new)| *new as u64 + (*position - *old as u64));
    }
    response.content_length = response.content_length.map(|_| out.len() as u64);
    response.body = out.into();
    response
}

#[test]
fn s04_a_fast_line_does_not_pass_for_an_encoder_of_two_megabits() {
    let believed = chunked(10_000);
    let (least, most) = (believed.iter().min().expect("some"), believed.iter().max().expect("some"));
    println!("{least} to {most}");
    assert!(*least >= 8_000_000 && *most <= 12_000_000, "{believed:?}");
}

#[test]
fn s04_a_line_below_the_encoder_is_known_for_what_it_is() {
    let believed = chunked(1_500);
    let most = believed.iter().max().expect("some");
    println!("at most {most}");
    assert!(*most <= 1_700_000, "{believed:?}");
}

/// Picture and sound of a title over connections of their own, or over one.
fn with_sound(rule: Option<&str>, one: bool) -> Session<Stage<SyntheticTitle>> {
    let title = SyntheticTitle::new(secs(300)).renditions(&LADDER).without_text();
    let mut config = buffering(30);
    config.rule = rule.map(str::to_owned);
    let link = Link::new(steady(4000), 0);
    let link = if one { link.one_connection() } else { link };
    let session = Session::with_engine(Engine::new(config), Stage::of(title), Timestamp::ZERO).link(link);
    played(session.play("https://title.example/main.mpd"))
}

#[test]
fn s05_picture_and_sound_at_once_tell_the_whole_line_over_one_connection_and_over_two() {
    // A rule that only looks at the estimate, and the default, which spends the buffer at times above what is sustained.
    for rule in [Some("throughput"), None] {
        let mut chosen = Vec::new();
        for one in [false, true] {
            let session = with_sound(rule, one);
            let believed = believed(&session, at(5_000), at(290_000));
            let (least, most) = (believed.iter().min().expect("some"), believed.iter().max().expect("some"));
            let levels: Vec<usize> = session.source().asked.iter().map(|asked| asked.level).collect();
            println!("one connection {one}: {least} to {most}, {levels:?}, begun {:?}", started(&session));
            assert!(*least >= 3_400_000 && *most <= 4_200_000, "{one}: {believed:?}");
            assert_eq!(stalled(&session), Duration::ZERO);
            let audio = session.sink_ref().tracks().iter().any(|track| track.kind == TrackKind::Audio);
            assert!(audio, "it has sound");
            assert_eq!(session.engine().qoe(session.now()).bytes_wasted, 0, "{rule:?} {one}: nothing was given up");
            if rule.is_some() {
                // Once it has measured, one level, and the same.
                assert!(levels.iter().skip(6).all(|level| Some(level) == levels.last()), "{one}: {levels:?}");
            }
            chosen.push(levels);
        }
        let (two, one) = (&chosen[0], &chosen[1]);
        assert_eq!(two, one, "{rule:?}: how they are multiplexed makes no difference, segment by segment");
    }
}
