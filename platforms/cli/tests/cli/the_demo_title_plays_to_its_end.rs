//! The demo title has 25 pictures a second and sound in frames of 1024 samples at 48 kHz. Its minute
//! is 1500 pictures and 2812 frames of sound, each once, also where a frame lies across a period's
//! boundary.

use crate::common::{fields, has_fields, telecine, track, Origin};
use serde_json::Value;

fn is_a_whole_minute(report: &Value) {
    assert_eq!(report["outcome"], "ended", "{:#}", report["error"]);
    let (video, audio) = (track(report, "video"), track(report, "audio"));
    assert_eq!(video["samples"], 1500);
    assert_eq!((&video["first_pts_s"], &video["gaps"]), (&Value::from(0.0), &Value::from(0)));
    assert_eq!(video["last_pts_s"], 59.96);
    assert_eq!(audio["samples"], 2812, "{audio}");
    assert_eq!(report["stalls"]["count"], 0);
    let played = report["played_s"].as_f64().unwrap();
    assert!((59.9..60.5).contains(&played), "{played}");
}

#[test]
fn without_a_url_it_plays_in_virtual_time_without_a_stall() {
    let report = telecine(["play", "--clock", "virtual", "--sink", "null", "--json"]).ok();
    is_a_whole_minute(&report);
    has_fields(
        &report,
        &[
            "telecine",
            "url",
            "protocol",
            "live",
            "outcome",
            "error",
            "startup_s",
            "played_s",
            "wall_s",
            "stalls",
            "seeks",
            "bitrate",
            "height",
            "latency",
            "bytes",
            "requests",
            "tracks",
            "decisions",
            "buffer",
            "throughput",
            "errors",
        ],
    );
    assert_eq!((&report["protocol"], &report["live"], &report["error"]), (&"hls".into(), &false.into(), &Value::Null));
    has_fields(&report["stalls"], &["count", "total_s", "ratio"]);
    has_fields(&report["seeks"], &["count", "mean_s"]);
    has_fields(&report["bitrate"], &["mean_bps", "declared_mean_bps", "switches", "up", "down"]);
    has_fields(&report["bytes"], &["fetched", "media", "wasted"]);
    has_fields(&report["requests"], &["total", "failed", "cancelled", "by_pathway"]);
    has_fields(
        &report["tracks"][0],
        &[
            "kind",
            "id",
            "codec",
            "samples",
            "duration_s",
            "first_pts_s",
            "last_pts_s",
            "gaps",
            "decoded",
            "decode_errors",
        ],
    );
    let decisions = report["decisions"].as_array().unwrap();
    let bitrate = decisions.iter().find(|decision| decision["kind"] == "bitrate").expect("decided");
    has_fields(bitrate, &["t_s", "kind", "from", "to", "why"]);
    assert!(!bitrate["why"].as_array().unwrap().is_empty(), "every decision has its reasons");
    for series in ["buffer", "throughput"] {
        let points = report[series].as_array().unwrap();
        assert!(points.len() > 100, "{series}");
        assert!(points.windows(2).all(|pair| pair[0][0].as_f64() < pair[1][0].as_f64()), "{series} ascends");
    }
    assert!(fields(&report["requests"]["by_pathway"]).len() <= 2);
}

#[test]
fn equal_sessions_make_equal_reports() {
    let play =
        || telecine(["play", "--clock", "virtual", "--sink", "null", "--network", "rate=900kbps,rtt=100ms", "--json"]);
    let (first, second) = (play(), play());
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn every_kind_of_manifest_plays_from_a_real_origin() {
    let origin = Origin::start();
    for path in [
        "/hls/dur_60/demo/main.m3u8",
        "/hls/bytes_1/dur_60/demo/main.m3u8",
        "/dash/dur_60/demo/number.mpd",
        "/dash/dur_60/demo/time.mpd",
        "/dash/dur_60/demo/list.mpd",
        "/dash/dur_60/demo/ondemand.mpd",
        "/dash/periods_3/dur_60/demo/time.mpd",
        "/dash/xlink_1/dur_60/demo/number.mpd",
    ] {
        let url = format!("{}{path}", origin.url);
        let run = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--json"]);
        assert_eq!(run.code, 0, "{path}: {}", run.stderr);
        let report = run.json();
        is_a_whole_minute(&report);
        assert_eq!(report["protocol"], &path[1..path[1..].find('/').unwrap() + 1], "{path}");
    }
}

#[test]
fn a_data_saver_is_kept_to_and_each_choice_is_explained_if_that_is_wanted() {
    let play = |more: &[&str]| {
        let all = ["play", "--clock", "virtual", "--sink", "null", "--network", "rate=20Mbps,rtt=20ms", "--json"];
        telecine(all.iter().chain(more)).ok()
    };
    let fetched = |report: &serde_json::Value| {
        let of = report["qualities"].as_array().or(report["quality"].as_array()).expect("qualities");
        of.iter().filter_map(|quality| quality["height"].as_u64()).max().expect("a picture")
    };
    let (free, saved) = (play(&[]), play(&["--data-saver", "150"]));
    assert!(fetched(&saved) < fetched(&free), "{} {}", fetched(&saved), fetched(&free));
    let choices = |report: &serde_json::Value| {
        let all = report["decisions"].as_array().expect("decisions").iter();
        all.filter(|one| one["kind"] == "bitrate" && one["track"] == "video").count()
    };
    assert!(choices(&play(&["--explain"])) > choices(&free), "one for each segment");
}

#[test]
fn in_real_time_it_stops_where_it_is_told_to() {
    let args = [
        "play",
        "--sink",
        "null",
        "--start",
        "20",
        "--until",
        "22",
        "--audio-lang",
        "fr",
        "--max-height",
        "360",
        "--json",
    ];
    let report = telecine(args).ok();
    assert_eq!(report["outcome"], "stopped");
    let played = report["played_s"].as_f64().unwrap();
    assert!((1.9..2.6).contains(&played), "{played}");
    let tracks = report["tracks"].as_array().unwrap();
    let audio = tracks.iter().find(|track| track["kind"] == "audio").expect("sound");
    assert!(audio["id"].as_str().unwrap().contains("fr"), "{audio}");
    let shown = report["quality"].as_array().unwrap().iter().filter(|quality| quality["kind"] == "video");
    assert!(shown.clone().count() > 0);
    assert!(shown.into_iter().all(|quality| quality["height"].as_u64().unwrap() <= 360));
}

#[test]
fn a_start_that_is_not_before_the_end_is_refused_with_the_end_and_still_reported() {
    for start in ["60", "100"] {
        let args = ["play", "--clock", "virtual", "--sink", "null", "--start", start];
        let run = telecine(args.iter().chain(&["--json"]));
        let report = run.json();
        assert_eq!((run.code, &report["outcome"], &report["duration_s"]), (2, &"failed".into(), &60.0.into()));
        assert_eq!(report["setup"]["start_s"].as_f64().map(|start| start.to_string()).as_deref(), Some(start));
        assert_eq!((&report["start_s"], &report["played_s"]), (&serde_json::Value::Null, &0.0.into()));
        assert_eq!((&report["error"]["code"], &report["errors"][0]), (&7002.into(), &report["error"]));
        let last = run.error();
        assert!(last.starts_with("7002 InvalidArgument: --start ") && last.contains(" end at 60.0 s"), "{last}");
        let run = telecine(args);
        let said = run.stdout.lines().last().unwrap_or_default();
        assert!(said.starts_with("Nothing to play: the start at ") && said.ends_with("end at 60.0 s."), "{said}");
        assert_eq!(run.code, 2);
    }
    let report = telecine(["play", "--clock", "virtual", "--sink", "null", "--start", "58", "--json"]).ok();
    assert_eq!(report["start_s"], 58.0);
}

#[test]
fn at_four_times_the_speed_it_takes_a_quarter_of_the_time() {
    let report = telecine(["play", "--clock", "virtual", "--sink", "null", "--rate", "4", "--json"]).ok();
    assert_eq!((&report["outcome"], &report["stalls"]["count"]), (&"ended".into(), &0.into()));
    assert_eq!(track(&report, "video")["samples"], 1500);
    let wall = report["wall_s"].as_f64().unwrap();
    assert!((15.0..16.5).contains(&wall), "{wall}");
    let args = ["play", "--clock", "virtual", "--sink", "null", "--rate", "4", "--until", "30.001", "--json"];
    let report = telecine(args).ok();
    assert_eq!(report["outcome"], "stopped");
    let wall = report["wall_s"].as_f64().unwrap();
    assert!((7.5..9.0).contains(&wall), "{wall}");
    assert_eq!(telecine(["play", "--rate", "5"]).code, 2);
}
