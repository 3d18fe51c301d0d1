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
        has_fields(latency, &["mean_s", "p95_s", "target_s"]);
        assert!(latency_s.contains(&number(&latency["mean_s"])), "{path}: {latency}");
        assert!(number(&latency["p95_s"]) < latency_s.end + 1.0, "{path}: {latency}");
        let points = report["latencies"].as_array().expect("a list");
        assert!(points.len() > 400 && points.iter().all(|point| number(&point[1]) < 12.0), "{path}: {points:?}");
    }
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

/// Real time, over sockets.
#[test]
fn in_real_time_too() {
    let origin = Origin::start();
    let url = format!("{}/{}", origin.url, FLAVOURS[1].0);
    let report = telecine(["play", &url, "--sink", "null", "--until", "6", "--json"]).ok();
    assert_eq!((&report["outcome"], &report["live"]), (&"stopped".into(), &true.into()));
    assert!(number(&report["played_s"]) >= 5.5, "{}", report["played_s"]);
    assert!(number(&report["latency"]["mean_s"]) < 4.0, "{}", report["latency"]);
}
