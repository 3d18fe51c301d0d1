//! Media from several hosts behind one line: a host is not judged by another.

use std::time::Duration;

use telecine_engine::{replay, Engine, Event, FetchRequest};
use telecine_model::{uri, Timestamp};
use telecine_virtual::testing::SyntheticTitle;
use telecine_virtual::{Fetched, Outcome, Response, Session, Source};

use crate::common::{at, errors};
use crate::stage::{buffering, stalled, steady, title};

const BASES: &str = "<BaseURL serviceLocation=\"a\">https://a.example/</BaseURL>\
    <BaseURL serviceLocation=\"b\">https://b.example/</BaseURL><Period";

/// A segment of the picture that was asked for: when, of which host, at which level.
type Asked = (Timestamp, String, usize);

/// A title on two hosts, each with a rate of its own, of which the first has nothing for a while.
struct Hosts {
    title: SyntheticTitle,
    /// What each gives, in kbit/s, and whether it answers at all.
    gives: fn(&str, Timestamp) -> Option<u64>,
    /// The most that each asks to be asked for, in kbit/s.
    asks: fn(&str) -> Option<u64>,
    asked: Vec<Asked>,
}

impl Source for Hosts {
    fn fetch(&mut self, request: &FetchRequest) -> Fetched {
        self.fetch_at(request, Timestamp::ZERO)
    }

    fn fetch_at(&mut self, request: &FetchRequest, now: Timestamp) -> Fetched {
        let url = &request.url;
        let path = uri::split(url).path.trim_start_matches('/').to_owned();
        let Fetched::Response(mut response) = self.title.get(&path) else { panic!("{url}") };
        response.url.clone_from(url);
        if path.ends_with(".mpd") {
            response.body = String::from_utf8_lossy(&response.body).replacen("<Period", BASES, 1).into();
            response.content_length = None;
            return Fetched::Response(response);
        }
        let host = uri::host(url).to_owned();
        let level = path.strip_prefix('v').and_then(|rest| rest.split('/').next()?.parse().ok());
        if let Some(level) = level.filter(|_| path.ends_with(".m4s")) {
            self.asked.push((now, host.clone(), level));
        }
        match (self.gives)(&host, now) {
            None => Response::new(503, url, bytes::Bytes::new()).into(),
            Some(kbps) => {
                // Twenty times a second as much as that makes.
                let piece = kbps * 1000 / 8 / 20;
                let pieces = (1..response.bytes().div_ceil(piece)).map(|n| (n * piece, Duration::from_millis(50 * n)));
                response.held.pieces = pieces.collect();
                response.cmsd = (self.asks)(&host).map(|most| format!("\"edge\";mb={most}")).into_iter().collect();
                Fetched::Response(response)
            }
        }
    }
}

fn played(gives: fn(&str, Timestamp) -> Option<u64>, seconds: i64) -> Session<Hosts> {
    asked(gives, |_| None, seconds)
}

fn asked(gives: fn(&str, Timestamp) -> Option<u64>, asks: fn(&str) -> Option<u64>, seconds: i64) -> Session<Hosts> {
    let mut config = buffering(30);
    config.record = true;
    let hosts = Hosts { title: title(seconds), gives, asks, asked: Vec::new() };
    let mut session = Session::with_engine(Engine::new(config), hosts, Timestamp::ZERO)
        .network(steady(50_000))
        .play("https://title.example/main.mpd");
    assert_eq!(session.run(None), Outcome::Ended, "{:?}", errors(&session));
    let replayed = replay(&session.take_recording()).expect("readable");
    assert!(replayed.equal && replayed.complete, "{:?}", replayed.differs_by_input);
    session
}

/// The first fails for a moment, and is left alone for a minute: the second gives a fifth of it.
#[test]
fn a_host_that_is_come_back_to_is_what_it_was_and_not_what_another_is() {
    let gives = |host: &str, now: Timestamp| match host {
        "a.example" => (!(at(60_000)..at(66_000)).contains(&now)).then_some(8000),
        _ => Some(1600),
    };
    let session = played(gives, 300);
    let asked = &session.source().asked;
    let of_b: Vec<&Asked> = asked.iter().filter(|(_, host, _)| host == "b.example").collect();
    let (first_b, last_b) = (of_b[0].0, of_b[of_b.len() - 1].0);
    assert!(last_b.since(first_b) > Duration::from_secs(40), "{of_b:?}");
    // Behind its first segments the second is known for what it is. What was buffered is spent on 3 Mbit/s before that is left.
    let known = of_b.iter().filter(|(at, _, _)| at.since(first_b) > Duration::from_secs(20));
    assert!(known.clone().count() > 3 && known.clone().all(|(_, _, level)| *level < 3), "{of_b:?}");
    let believed = session.series().iter().filter(|sample| (first_b..last_b).contains(&sample.at));
    let believed: Vec<u64> = believed.skip(20).filter_map(|sample| sample.throughput).collect();
    assert!(believed.iter().all(|rate| (1_400_000..1_900_000).contains(rate)), "{believed:?}");
    // And the first one is asked for what it carries at once.
    let back = asked.iter().find(|(at, host, _)| *at > last_b && host == "a.example").expect("it is come back to");
    assert!(back.2 >= 3, "{back:?}");
    assert_eq!(stalled(&session), Duration::ZERO);
}

/// The other way round: a host that broke down says nothing of the next one but that less may come.
#[test]
fn the_host_that_takes_over_is_not_judged_by_the_one_that_broke_down() {
    let gives = |host: &str, now: Timestamp| match host {
        "a.example" if now < at(60_000) => Some(8000),
        "a.example" if now < at(80_000) => Some(400),
        "a.example" => None,
        _ => Some(8000),
    };
    let session = played(gives, 200);
    let asked = &session.source().asked;
    let of_b: Vec<usize> =
        asked.iter().filter(|(_, host, _)| host == "b.example").map(|(_, _, level)| *level).collect();
    // A third of the way up at once, and the top with what comes of that.
    println!("{of_b:?}");
    assert!(of_b.iter().take(4).any(|level| *level >= 3), "{of_b:?}");
    let last = session.series().iter().rev().find_map(|sample| sample.throughput);
    assert!(last.is_some_and(|rate| rate > 7_000_000), "{last:?}");
}

#[test]
fn that_a_hosts_rate_changed_is_told_once() {
    let gives = |_: &str, now: Timestamp| Some(if now < at(60_000) { 8000 } else { 2000 });
    let session = played(gives, 200);
    let changes: Vec<&Event> =
        session.events().iter().filter(|event| matches!(event, Event::NetworkChanged { .. })).collect();
    let [Event::NetworkChanged { at: known, host, since, before, after }] = changes[..] else { panic!("{changes:?}") };
    assert_eq!(host, "a.example");
    assert!((7_000_000..9_000_000).contains(before) && (1_500_000..2_500_000).contains(after), "{changes:?}");
    // Known with the second segment of the new rate, and not long after it came.
    assert!(*since > at(60_000) && known.since(*since) < Duration::from_secs(20), "{changes:?}");
    let network = session.engine().snapshot(session.now()).network.expect("measured");
    assert_eq!(network.recent.and_then(|recent| recent.change).map(|change| change.at), Some(*since));
}

/// CTA-5006: `mb` is of the server that says it.
#[test]
fn what_one_host_asks_for_holds_for_no_other() {
    let gives = |host: &str, now: Timestamp| (host != "a.example" || now < at(60_000)).then_some(20_000);
    let session = asked(gives, |host| (host == "a.example").then_some(1500), 200);
    // It fails from the sixtieth second on, and what it asked for is forgotten a minute later.
    let of = |of: &str| -> Vec<usize> {
        let asked = session.source().asked.iter().filter(|(now, host, _)| host == "b.example" || *now < at(60_000));
        asked.filter(|(_, host, _)| host == of).map(|(_, _, level)| *level).collect()
    };
    let (a, b) = (of("a.example"), of("b.example"));
    // All but the first, which was asked for before anything was said.
    assert!(a.len() > 10 && a[1..].iter().all(|level| *level <= 2), "{a:?}");
    assert!(b.len() > 10 && b[3..].iter().all(|level| *level == 4), "{b:?}");
}
