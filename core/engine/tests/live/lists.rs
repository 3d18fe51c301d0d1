//! What lists are asked for, and what they say of each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use telecine_engine::abr::{BitrateRule, Choice, Context, Foresight};
use telecine_engine::{Command, Config, Engine, Event, Policies, ServiceScope, State};
use telecine_model::{ErrorCode, MediaTime, Timestamp, TrackKind, WallTime};
use telecine_origin::{respond, Library, Request, Title};
use telecine_virtual::{Response, Session};

use crate::common::{at, errors, secs, states};
use crate::origin::{refused, with_text, Asked, Origin, BEGIN};
use crate::watch::{every_sample_once, run, stalls, started};

const HLS: &str = "/hls/live_60/demo/main.m3u8";
const PARTS: &str = "/hls/live_60/parts_500/demo/main.m3u8";

fn is_list(path: &str) -> bool {
    path.ends_with(".m3u8") || path.ends_with(".mpd")
}

#[test]
fn d041_lists_that_are_as_they_were_do_not_come_again() {
    for (path, list) in [
        ("/hls/live_60/stale_10-25/demo/main.m3u8", "a-en.m3u8"),
        ("/dash/live_60/utc_iso/mup_2/stale_10-25/demo/time.mpd", "time.mpd"),
    ] {
        let origin = Origin::new();
        let log = origin.log.clone();
        let session = run(origin.play(path), 60);
        assert_eq!(states(&session).last(), Some(&State::Playing), "{path}");
        assert!(errors(&session).iter().all(|error| error.code() == ErrorCode::ManifestStale), "{path}");
        every_sample_once(&session, TrackKind::Video);
        let log = log.borrow();
        let loads: Vec<&Asked> = log.iter().filter(|asked| asked.path.ends_with(list)).collect();
        assert!(!loads[0].conditional && loads[1..].iter().all(|load| load.conditional), "{path}");
        let same: Vec<&&Asked> = loads.iter().filter(|load| load.status == 304).collect();
        // The clock shows :56.7 at first; it stands still from :10 to :25.
        let still = at(13_300)..at(28_300);
        assert!(same.len() >= 4 && same.iter().all(|load| still.contains(&load.at)), "{path}: {same:?}");
        assert!(loads.last().is_some_and(|load| load.status == 200), "{path}: what is new comes");
    }
}

#[test]
fn d041_requests_are_conditional_only_where_that_is_wanted_and_not_where_they_are_held() {
    let mut config = Config::default();
    config.live.conditional = false;
    for (config, path) in [(config, "/hls/live_60/stale_10-25/demo/main.m3u8"), (Config::default(), PARTS)] {
        let origin = Origin::new();
        let log = origin.log.clone();
        run(origin.play_with(config, path), 60);
        assert!(log.borrow().iter().all(|asked| !asked.conditional), "{path}");
    }
}

#[test]
fn h108_what_nobody_has_listed_for_as_long_as_the_playlist_is_long_is_not_asked_for() {
    // Playlists of twenty seconds, which nobody answers for from the twentieth second on for half a minute.
    let outage = at(20_000)..at(52_000);
    let down = outage.clone();
    let origin =
        Origin::new().editing(move |now, path, response| match path.ends_with(".m3u8") && down.contains(&now) {
            true => refused(),
            false => response.into(),
        });
    let log = origin.log.clone();
    let mut config = Config::default();
    // Some of what is listed is not fetched when the viewer comes back.
    config.buffer_goal = Some(secs(4));
    let session = origin
        .play_with(config, "/hls/live_20/demo/main.m3u8")
        .at(at(17_000), Command::Seek(secs(15)))
        .at(at(19_000), Command::Pause)
        .at(at(44_000), Command::Play);
    let session = run(session, 90);
    let log = log.borrow();
    let media = |from: u64, to: u64| {
        let within = move |asked: &&Asked| (at(from)..at(to)).contains(&asked.at) && asked.path.ends_with(".m4s");
        log.iter().filter(within).count()
    };
    assert!(media(10_000, 20_000) > 4);
    assert_eq!(media(41_000, 52_000), 0, "it may be there no more");
    assert!(media(52_000, 90_000) > 20);
    assert!(log.iter().all(|asked| asked.status != 404));
    assert_eq!(states(&session).last(), Some(&State::Playing), "{:?}", errors(&session));
}

/// An origin behind a cache that gives whoever asks for no more a copy of so many seconds ago.
fn cached(seconds: u64) -> Origin {
    let library = Library::new(Title::demo(), 0);
    Origin::new().editing(move |now, path, mut response| {
        if !path.ends_with(".m3u8") || path.ends_with("main.m3u8") || response.url.contains("_HLS_") {
            return response.into();
        }
        let unix_ms = BEGIN + now.as_micros() / 1000 - seconds * 1000;
        let old = respond(&library, &Request { path, unix_ms, ..Request::default() });
        response.body = old.body.into_bytes();
        response.content_length = Some(response.body.len() as u64);
        response.age_s = Some(seconds);
        response.into()
    })
}

#[test]
fn h134_an_old_copy_is_asked_past_before_playback_begins() {
    let plain = |origin: Origin| {
        let urls = origin.urls.clone();
        let mut session = origin.play(PARTS);
        session.run(Some(at(20_000)));
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()));
        let urls: Vec<String> = urls.borrow().iter().map(|(_, url)| url.clone()).collect();
        let latency = session.engine().qoe(session.now()).latency.expect("it was read");
        (started(&session).0, latency, urls)
    };
    for seconds in [2, 5] {
        let (when, latency, urls) = plain(cached(seconds));
        // Ages are whole seconds: each list that comes is waited for up to another one.
        assert!(when < at(4000), "{when:?}");
        // As near to the edge as without a cache, which is a second and a half.
        assert!(latency.p95 < Duration::from_millis(2300), "{seconds}: {latency:?}");
        let of_sound: Vec<&String> = urls.iter().filter(|url| url.contains("a-en.m3u8")).collect();
        assert!(
            !of_sound[0].contains("_HLS_") && of_sound[1..].iter().all(|url| url.contains("_HLS_msn")),
            "{of_sound:?}"
        );
    }
}

#[test]
fn h134_a_cache_that_gives_old_copies_of_everything_is_lived_with() {
    let library = Library::new(Title::demo(), 0);
    let origin = Origin::new().editing(move |now, path, mut response| {
        if !path.ends_with(".m3u8") {
            return response.into();
        }
        let unix_ms = BEGIN + now.as_micros() / 1000 - 4000;
        let old = respond(&library, &Request { path, unix_ms, ..Request::default() });
        response = Response::new(200, response.url, old.body.into_bytes());
        response.age_s = Some(4);
        response.into()
    });
    let log = origin.log.clone();
    let mut session = origin.play(PARTS);
    session.run(Some(at(60_000)));
    assert_eq!(states(&session).last(), Some(&State::Playing), "{:?}", errors(&session));
    let loads = log.borrow().iter().filter(|asked| asked.path.ends_with("a-en.m3u8")).count();
    assert!(loads < 60 + 10, "no more than twice a target duration: {loads}");
}

/// Rules of the faults that were tolerated, with the places that they were found in.
fn tolerated(session: &Session<Origin>) -> Vec<(String, String)> {
    let told = |event: &Event| match event {
        Event::MediaWarning { warning, .. } => {
            Some((warning.warning.rule.clone(), format!("{} {}", warning.warning.place, warning.warning.message)))
        }
        _ => None,
    };
    session.events().iter().filter_map(told).collect()
}

#[test]
fn hx12_playlists_of_one_title_that_disagree_are_told_of_and_played() {
    type Edit = fn(String) -> String;
    let cases: [(&str, Edit); 5] = [
        ("the target duration", |text| text.replace("TARGETDURATION:2", "TARGETDURATION:3")),
        ("the playlist type", |text| {
            text.replace("#EXT-X-INDEPENDENT", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT")
        }),
        ("the server control", |text| text.replace("HOLD-BACK=6", "HOLD-BACK=7")),
        ("whether there are dates", |text| {
            let kept = text.lines().filter(|line| !line.starts_with("#EXT-X-PROGRAM-DATE-TIME"));
            kept.fold(String::new(), |text, line| text + line + "\n")
        }),
        ("", |text| text),
    ];
    for (what, edit) in cases {
        let origin = Origin::new().editing(move |_, path, response| match path.ends_with("a-en.m3u8") {
            true => with_text(response, edit),
            false => response.into(),
        });
        let session = run(origin.play("/hls/live_60/spd_6/demo/main.m3u8"), 30);
        assert_eq!((stalls(&session), errors(&session)), (0, Vec::new()), "{what}");
        let told = tolerated(&session);
        match what {
            "" => assert_eq!(told, []),
            _ => assert!(told.len() == 1 && told[0].0 == "HX12" && told[0].1.contains(what), "{what}: {told:?}"),
        }
    }
}

#[test]
fn hx12_the_playlists_of_a_title_with_parts_and_subtitles_agree() {
    let mut config = Config::default();
    config.preferences.text_languages = vec!["en".to_owned()];
    for path in [HLS, PARTS] {
        let session = run(Origin::new().play_with(config.clone(), path), 30);
        assert_eq!(tolerated(&session), [], "{path}");
    }
}

/// An origin whose MPD has these descriptions of the service.
fn described(services: &'static str) -> Origin {
    Origin::new().editing(move |_, path, response| match is_list(path) {
        true => with_text(response, |text| text.replacen("<Period", &format!("{services}<Period"), 1)),
        false => response.into(),
    })
}

#[test]
fn d079_the_description_for_ones_own_scope_counts_else_the_one_for_all() {
    const SERVICES: &str = "<ServiceDescription><Scope schemeIdUri=\"urn:x:tv\" value=\"big\"/><Latency target=\"9000\"/></ServiceDescription>\
        <ServiceDescription><Latency target=\"12000\"/></ServiceDescription>\
        <ServiceDescription><Scope schemeIdUri=\"urn:x:phone\"/><Latency target=\"15000\"/></ServiceDescription>";
    const FOREIGN: &str =
        "<ServiceDescription><Scope schemeIdUri=\"urn:x:tv\"/><Latency target=\"9000\"/></ServiceDescription>";
    const DVB: &str = "<ServiceDescription><Scope schemeIdUri=\"urn:dvb:dash:lowlatency:scope:2019\"/><Latency target=\"9000\"/></ServiceDescription>";
    let scope = |scheme: &str, value: Option<&str>| {
        vec![ServiceScope { scheme: scheme.to_owned(), value: value.map(str::to_owned) }]
    };
    for (services, scopes, low_latency, target) in [
        (SERVICES, vec![], true, 12_000),
        (SERVICES, scope("urn:x:phone", None), true, 15_000),
        (SERVICES, scope("urn:x:tv", Some("big")), true, 9_000),
        (SERVICES, scope("urn:x:tv", Some("small")), true, 12_000),
        // Three segments, as nobody says anything to this client.
        (FOREIGN, vec![], true, 6_000),
        (DVB, vec![], true, 9_000),
        (DVB, vec![], false, 6_000),
    ] {
        let mut config = Config::default();
        (config.live.scopes, config.live.low_latency) = (scopes.clone(), low_latency);
        let mut session = described(services).play_with(config, "/dash/live_60/utc_direct/demo/number.mpd");
        session.run(Some(at(10_000)));
        let target = MediaTime::from_millis(target);
        let edge = session.engine().snapshot(session.now()).edge.expect("it is live");
        assert_eq!(edge.target, target, "{scopes:?}");
        let latency = edge.latency.expect("it is known");
        assert!(latency.abs_diff(target) < MediaTime::from_duration(Duration::from_secs(1)), "{scopes:?}: {latency}");
    }
}

#[test]
fn h133_lists_are_more_urgent_than_media_and_larger_media_never_than_smaller() {
    for path in [PARTS, "/dash/live_60/utc_iso/demo/time.mpd"] {
        let origin = Origin::new();
        let log = origin.log.clone();
        let mut config = Config::default();
        config.rule = Some("throughput".to_owned());
        let mut session = origin.play_with(config, path).network("rate=10Mbps,rtt=40ms".parse().expect("a network"));
        session.run(Some(at(30_000)));
        let log = log.borrow();
        let of = |matches: &dyn Fn(&str) -> bool| {
            let mut found: Vec<u8> =
                log.iter().filter(|asked| matches(&asked.path)).map(|asked| asked.urgency).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        assert_eq!(of(&|path| is_list(path) || path == "/time"), [1], "{path}");
        assert_eq!(of(&|path| path.contains("/a-en/")), [2], "{path}");
        for (level, rendition) in ["v180", "v360", "v480", "v720"].into_iter().enumerate() {
            let found = of(&|path| path.contains(&format!("/{rendition}/")));
            assert!(found.is_empty() || found == [2 + level as u8], "{path}, {rendition}: {found:?}");
        }
        assert!(!of(&|path| path.contains("/v720/")).is_empty(), "{path}");
    }
}

/// The default rule, and how often it is asked for the next segment.
struct Counted {
    rule: Foresight,
    asked: Arc<AtomicUsize>,
}

impl BitrateRule for Counted {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn choose(&mut self, ctx: &Context<'_>) -> Choice {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.rule.choose(ctx)
    }
}

#[test]
fn at_the_edge_the_rule_is_asked_when_there_is_a_segment_and_not_before() {
    for path in [HLS, "/dash/live_60/utc_iso/demo/number.mpd", "/dash/live_60/utc_iso/mup_2/demo/time.mpd"] {
        let asked = Arc::new(AtomicUsize::new(0));
        let config = Config::default();
        let rule = Box::new(Counted { rule: Foresight::new(), asked: Arc::clone(&asked) });
        let policies = Policies { rule, ..Policies::new(&config) };
        let origin = Origin::new();
        let log = origin.log.clone();
        let session = Session::with_engine(Engine::with_policies(config, policies), origin, Timestamp::ZERO)
            .network("rate=20Mbps,rtt=40ms".parse().expect("a network"))
            .wall_clock(WallTime::from_millis(BEGIN as i64))
            .play(format!("https://origin.example{path}"));
        run(session, 120);
        let is_picture = |asked: &&Asked| asked.path.ends_with(".m4s") && asked.path.contains("/v");
        let segments = log.borrow().iter().filter(is_picture).count();
        assert!(segments > 20, "{path}: {segments}");
        let asked = asked.load(Ordering::Relaxed);
        // Where another rendition is chosen its list is awaited first.
        assert!((segments - 5..=segments + 8).contains(&asked), "{path}: {asked} for {segments} segments");
    }
}
