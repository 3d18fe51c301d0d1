//! Titles that go on, from the origin: in virtual time the server is told what the session's clock shows.

use serde_json::Value;

use crate::common::{has_fields, telecine, Origin, Run};

/// Each flavour, and between what its mean latency has to be. A playlist of segments is six seconds behind its end, which is
/// up to a segment old; parts of half a second are three of them behind; the last MPD says two seconds itself.
const FLAVOURS: [(&str, std::ops::Range<f64>); 5] = [
    ("hls/live_60/demo/main.m3u8", 6.0..8.5),
    ("hls/live_60/parts_500/demo/main.m3u8", 1.0..2.5),
    ("dash/live_60/demo/number.mpd", 5.0..7.0),
    ("dash/live_60/demo/time.mpd", 5.0..7.0),
    ("dash/live_60/chunk_500/ato_1500/ltgt_2000/demo/number.mpd", 1.5..2.8),
];

fn play(origin: &Origin, path: &str, more: &[&str]) -> Run {
    let url = format!("{}/{path}", origin.url);
    let args = ["play", &url, "--clock", "virtual", "--sink", "null", "--network", "rate=10Mbps,rtt=40ms"];
    telecine(args.iter().chain(more))
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn each_flavour_is_followed_for_as_long_as_was_asked() {
    let origin = Origin::start();
    for (path, latency_s) in FLAVOURS {
        let report = play(&origin, path, &["--until", "120", "--json"]).ok();
        assert_eq!((&report["outcome"], &report["live"]), (&"stopped".into(), &true.into()), "{path}");
        assert_eq!(report["duration_s"], Value::Null, "{path}: nobody knows where it ends");
        assert_eq!((&report["stalls"]["count"], &report["errors"]), (&0.into(), &serde_json::json!([])), "{path}");
        // How long it took is not what was asked: speed and jumps bring it to the edge.
        assert!((115.0..122.0).contains(&number(&report["played_s"])), "{path}: {}", report["played_s"]);
        let latency = &report["latency"];
        has_fields(latency, &["mean_s", "p95_s", "target_s", "followed"]);
        assert!(latency_s.contains(&number(&latency["mean_s"])), "{path}: {latency}");
        assert!(number(&latency["p95_s"]) < latency_s.end + 1.0, "{path}: {latency}");
        let points = report["latencies"].as_array().expect("a list");
        assert!(points.len() > 400 && points.iter().all(|point| number(&point[1]) < 12.0), "{path}: {points:?}");
    }
}

#[test]
fn who_watches_an_hour_behind_is_told_so() {
    let origin = Origin::start();
    for path in ["hls/live_7200/demo/main.m3u8", "dash/live_7200/demo/number.mpd"] {
        // HLS counts from the start of the window, DASH from the start of the programme: that is 1970.
        let hour_ago = ["--start", if path.starts_with("hls") { "3600" } else { "1767222000" }];
        let now = ["--now", "2026-01-01T00:00:00Z", "--until", "60", "--json"];
        let report = play(&origin, path, &[hour_ago.as_slice(), &now].concat()).ok();
        let latency = &report["latency"];
        for (name, around) in [("mean_s", 3590.0..3610.0), ("p95_s", 3590.0..3613.0)] {
            assert!(around.contains(&number(&latency[name])), "{path}: {latency}");
        }
        assert_eq!(latency["followed"], false, "{path}");
    }
    let path = "hls/live_7200/demo/main.m3u8";
    let run = play(&origin, path, &["--latency", "3600", "--now", "2026-01-01T00:00:00Z", "--until", "60", "--json"]);
    let latency = &run.ok()["latency"];
    assert_eq!((&latency["target_s"], &latency["followed"]), (&3600.0.into(), &true.into()));
    assert!((3590.0..3613.0).contains(&number(&latency["p95_s"])), "{latency}");
}

#[test]
fn the_latency_is_as_wanted() {
    let origin = Origin::start();
    let path = "dash/live_60/demo/number.mpd";
    let report = play(&origin, path, &["--until", "120", "--latency", "10", "--json"]).ok();
    assert_eq!(report["latency"]["target_s"], 10.0);
    let (_, late) = (&report["latencies"][0], report["latencies"].as_array().and_then(|all| all.last()));
    assert!((9.0..11.0).contains(&number(&late.expect("a point")[1])), "{late:?}");
    let plain = play(&origin, FLAVOURS[1].0, &["--until", "60", "--no-low-latency", "--json"]).ok();
    assert!(number(&plain["latency"]["mean_s"]) > 6.0, "by segments: {}", plain["latency"]);
    let parts = |report: &Value| number(&report["requests"]["total"]);
    assert!(parts(&plain) < 160.0, "{}", parts(&plain));
}

#[test]
fn two_hours_take_seconds_and_a_report_of_bounded_length() {
    let origin = Origin::start();
    let run = play(&origin, FLAVOURS[0].0, &["--until", "7200", "--json"]);
    let report = run.ok();
    assert_eq!(report["stalls"]["count"], 0);
    for series in ["buffer", "received", "latencies", "throughput"] {
        let points = report[series].as_array().expect("a list");
        assert!((2_000..=4_096).contains(&points.len()), "{series}: {}", points.len());
        assert!(points.windows(2).all(|pair| number(&pair[0][0]) < number(&pair[1][0])), "{series} ascends");
    }
    assert!(run.stdout.len() < 3_000_000, "{}", run.stdout.len());
}

#[test]
fn a_programme_that_ends_is_played_to_its_end() {
    let origin = Origin::start();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    for path in ["hls/live_60/stop_{}/demo/main.m3u8", "dash/live_60/stop_{}/mup_2/demo/time.mpd"] {
        let report = play(&origin, &path.replace("{}", &(now + 30).to_string()), &["--json"]).ok();
        assert_eq!((&report["outcome"], &report["live"]), (&"ended".into(), &true.into()), "{path}");
        assert!(report["duration_s"].is_number(), "{path}: it has an end now");
        assert!((20.0..60.0).contains(&number(&report["played_s"])), "{path}: {}", report["played_s"]);
    }
}

#[test]
fn whoever_watches_is_told_how_far_behind_it_is() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("live.html");
    let run = play(&origin, FLAVOURS[2].0, &["--until", "20", "--html", page.to_str().expect("text")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("loaded    dash, live"), "{}", run.stdout);
    // Where in a segment it begins is the real clock's doing: it may still be catching up.
    let told = |line: &str| line.contains(" ago, aiming at 6.00 s, ") && line.contains("window of ");
    assert!(run.stdout.lines().any(told), "{}", run.stdout);
    let last = run.stdout.lines().last().expect("a headline");
    assert!(last.contains(" behind the live edge on average (95 % within "), "{last}");
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(
        page.contains("Latency, mean")
            && page.contains("aimed at last")
            && page.contains("<span class=\"tag\">live</span>")
    );
}

/// A moment that is inside of a segment, and of the demo's intervals of breaks outside of one.
const NOW: &str = "2026-01-01T00:00:00.700Z";

#[test]
fn a_live_session_in_virtual_time_is_repeated_by_the_time_that_it_began() {
    let origin = Origin::start();
    for path in [FLAVOURS[0].0, FLAVOURS[1].0, FLAVOURS[2].0] {
        let hash =
            |now: &str| play(&origin, path, &["--until", "20", "--now", now, "--json"]).ok()["action_hash"].clone();
        let first = hash(NOW);
        assert!(first.is_string());
        assert_eq!(hash(NOW), first, "{path}");
        assert_ne!(hash("2026-01-01T00:00:01.300Z"), first, "{path}");
    }
    let url = format!("{}/{}", origin.url, FLAVOURS[0].0);
    let real = telecine(["play", &url, "--now", NOW, "--sink", "null"]);
    assert_eq!(real.code, 2);
    assert!(real.stderr.contains("--now is for --clock virtual"), "{}", real.stderr);
}

#[test]
fn a_latency_that_the_title_does_not_allow_is_told_with_both_figures() {
    let origin = Origin::start();
    let told = [("0.5", "6.000 s are aimed at instead: "), ("300", "58.0")];
    for (wanted, instead) in told {
        let run = play(&origin, FLAVOURS[0].0, &["--until", "30", "--latency", wanted, "--json"]);
        let report = run.ok();
        let notes = report["notes"].as_array().expect("a list");
        let note =
            notes.iter().find(|note| note["about"].as_str().is_some_and(|about| about.starts_with("--latency ")));
        let message = note.and_then(|note| note["message"].as_str()).unwrap_or_else(|| panic!("{notes:?}"));
        assert!(message.starts_with(instead), "{message}");
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert_eq!(report["stalls"]["count"], 0, "{wanted}");
        let decisions = report["decisions"].as_array().expect("a list");
        assert_eq!(decisions.iter().filter(|decision| decision["kind"] == "latency").count(), 1, "{wanted}");
    }
}

#[test]
fn a_greatest_latency_below_the_one_that_is_wanted_is_a_usage_error_that_says_what_to_do() {
    let run = telecine(["play", "http://127.0.0.1:9/x.m3u8", "--latency", "10", "--max-latency", "5"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--max-latency 5.000 s is less than --latency 10.000 s"), "{}", run.stderr);
    assert!(run.stderr.contains("give a greater --max-latency"), "{}", run.stderr);
}

#[test]
fn who_begins_in_the_past_is_left_there_and_told_that_no_greatest_latency_counts() {
    let origin = Origin::start();
    let run = play(&origin, FLAVOURS[0].0, &["--until", "30", "--start", "0", "--max-latency", "20", "--json"]);
    let report = run.ok();
    assert_eq!((&report["jumps"]["count"], &report["latency"]["followed"]), (&0.into(), &false.into()));
    assert!(run.stderr.contains("note: --max-latency: playback begins in the past"), "{}", run.stderr);
}

#[test]
fn breaks_are_counted_and_the_session_plays_in_them() {
    let origin = Origin::start();
    let path = "hls/live_60/scte35_20/sgai_1/demo/main.m3u8";
    let report = play(&origin, path, &["--until", "60", "--now", NOW, "--json"]).ok();
    has_fields(&report["breaks"], &["count", "total_s", "failed"]);
    assert_eq!((&report["breaks"]["count"], &report["breaks"]["failed"]), (&3.into(), &0.into()));
    assert!((29.0..31.0).contains(&number(&report["breaks"]["total_s"])), "{}", report["breaks"]);
    has_fields(&report["jumps"], &["count", "to_edge", "over_gaps", "skipped_s"]);
    assert_eq!(report["jumps"]["count"], 0);
    let run = play(&origin, path, &["--until", "60", "--now", NOW]);
    assert!(!run.stdout.contains("paused"), "{}", run.stdout);
    let within = |line: &str| line.contains(" playing at ") && line.contains("asset 0 of break-");
    assert!(run.stdout.lines().any(within), "{}", run.stdout);
    assert!(!run.stdout.contains("thousandths"), "{}", run.stdout);
    assert!(run.stdout.contains("3 breaks of 30.0 s in all"), "{}", run.stdout);
}

#[test]
fn what_stalls_in_a_break_is_counted_once() {
    let origin = Origin::start();
    let url = format!("{}/hls/live_60/scte35_20/sgai_1/demo/main.m3u8", origin.url);
    let slow = ["--network", "rate=220kbps,rtt=400ms"];
    let how = ["--clock", "virtual", "--sink", "null", "--until", "60", "--now", NOW, "--json"];
    let report = telecine(["play", &url].iter().chain(&slow).chain(&how)).ok();
    let (stalls, breaks) = (number(&report["stalls"]["total_s"]), number(&report["breaks"]["total_s"]));
    assert!(stalls > 1.0 && breaks > 20.0, "{stalls} s of stalls, {breaks} s of breaks");
    let parts = number(&report["startup_s"]) + number(&report["played_s"]) + stalls + breaks;
    let wall = number(&report["wall_s"]);
    assert!((parts - wall).abs() < 0.5, "{parts} s of {wall} s");
}

#[test]
fn jumps_to_the_edge_are_counted_with_what_they_leave_out() {
    let origin = Origin::start();
    // For a quarter of each minute nothing new is listed: playback stands, and is too late then.
    let path = "hls/live_60/stale_10-25/demo/main.m3u8";
    let report = play(&origin, path, &["--until", "60", "--now", NOW, "--max-latency", "12", "--json"]).ok();
    let jumps = &report["jumps"];
    assert!(number(&jumps["count"]) >= 1.0 && number(&jumps["to_edge"]) >= 1.0, "{jumps}");
    assert!(number(&jumps["skipped_s"]) > 2.0, "{jumps}");
    let moved = |decision: &&Value| decision["kind"] == "seek" || decision["kind"] == "gap";
    let decided = report["decisions"].as_array().expect("a list").iter().filter(moved).count();
    assert_eq!(number(&jumps["count"]) as usize, decided, "{jumps}");
    assert_eq!(report["seeks"]["count"], 0, "nobody asked for it");
}

#[test]
fn what_an_origin_says_of_an_url_that_it_refuses_is_told() {
    let origin = Origin::start();
    let url = format!("{}/hls/live_60/nonsense_3/demo/main.m3u8", origin.url);
    let run = telecine(["play", &url, "--clock", "virtual", "--sink", "null"]);
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("server said: there is no option nonsense_3"), "{}", run.stderr);
}

/// In real time, over sockets, both at once. The bounds are wide: other tests run beside it.
#[test]
fn low_latency_over_sockets_plays_without_a_stall_and_says_how_late_it_is() {
    let origin = Origin::start();
    let flavours = [
        ("hls", "hls/live_60/parts_334/demo/main.m3u8", 1.002),
        ("dash", "dash/live_60/utc_iso/chunk_400/ato_1600/ltgt_2000/demo/number.mpd", 2.0),
    ];
    let plays = |path: &str| {
        let url = format!("{}/{path}", origin.url);
        telecine(["play", &url, "--sink", "null", "--until", "8", "--json"]).ok()
    };
    std::thread::scope(|scope| {
        let playing = flavours.map(|(protocol, path, target)| (protocol, target, scope.spawn(move || plays(path))));
        for (protocol, target, playing) in playing {
            let report = playing.join().expect("it ends");
            assert_eq!((&report["outcome"], &report["protocol"]), (&"stopped".into(), &protocol.into()));
            assert_eq!(report["live"], true, "{protocol}");
            assert_eq!(
                (&report["stalls"]["count"], &report["errors"]),
                (&0.into(), &serde_json::json!([])),
                "{protocol}"
            );
            assert!(number(&report["played_s"]) >= 7.0, "{protocol}: {}", report["played_s"]);
            let latency = &report["latency"];
            has_fields(latency, &["mean_s", "p95_s", "target_s", "followed"]);
            assert!((number(&latency["target_s"]) - target).abs() < 0.002, "{protocol}: {latency}");
            assert!((0.3..target + 2.0).contains(&number(&latency["mean_s"])), "{protocol}: {latency}");
            assert!(number(&latency["p95_s"]) >= number(&latency["mean_s"]) - 0.1, "{protocol}: {latency}");
        }
    });
}
