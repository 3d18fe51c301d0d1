//! The demo title in two minutes: segment k of the picture holds pictures 50 k to 50 k + 49 of 25 a
//! second; segment k of the sound begins with frame floor(93.75 k) of 1024 samples at 48 kHz
//! (conformance/media/README.md). From a position on, the samples of the segment there and of all
//! behind it come, each once: counted by hand, for every way in which the origin offers the title.

use crate::common::{telecine, track, Origin};
use serde_json::Value;

const MINUTES: &str = "dur_120";
const PICTURES: u64 = 3000;
const FRAMES: u64 = 5625;

const VARIANTS: [&str; 12] = [
    "hls/{}/demo/main.m3u8",
    "hls/{}/bytes_1/demo/main.m3u8",
    "hls/{}/disc_7/demo/main.m3u8",
    "dash/{}/demo/number.mpd",
    "dash/{}/demo/time.mpd",
    "dash/{}/demo/timeline-number.mpd",
    "dash/{}/demo/list.mpd",
    "dash/{}/demo/ondemand.mpd",
    "dash/{}/sidx_2/demo/ondemand.mpd",
    "dash/{}/periods_4/demo/number.mpd",
    "dash/{}/xlink_1/demo/number.mpd",
    "dash/{}/pto_900000/demo/time.mpd",
];

/// The sound frame with which the segment at a position begins: the last boundary at or before it.
fn first_frame(millis: u64) -> u64 {
    let boundary = |k: u64| k * 375 / 4;
    // Frame n begins at n * 1024 / 48 ms.
    (0..60).map(boundary).take_while(|frame| frame * 1024 <= millis * 48).last().unwrap_or(0)
}

/// Within the rounding of a playlist's decimals, which add up over discontinuities.
fn is_near(value: &Value, seconds: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - seconds).abs() < 1e-4)
}

fn check(origin: &str, variant: &str, millis: u64) {
    let url = format!("{origin}/{}", variant.replace("{}", MINUTES));
    let start = format!("{}.{:03}", millis / 1000, millis % 1000);
    let report = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--start", &start, "--json"]).ok();
    let what = format!("{variant} from {start} s");
    let (video, audio) = (track(&report, "video"), track(&report, "audio"));
    let segment = millis / 2000;
    assert_eq!(report["outcome"], "ended", "{what}");
    assert_eq!(video["samples"], PICTURES - segment * 50, "{what}");
    assert_eq!(audio["samples"], FRAMES - first_frame(millis), "{what}");
    assert!(is_near(&video["first_pts_s"], (segment * 2) as f64), "{what}: {video}");
    assert!(is_near(&video["last_pts_s"], 119.96), "{what}: {video}");
    assert!(is_near(&audio["first_pts_s"], first_frame(millis) as f64 * 1024.0 / 48_000.0), "{what}: {audio}");
    assert!(is_near(&audio["last_pts_s"], (FRAMES - 1) as f64 * 1024.0 / 48_000.0), "{what}: {audio}");
    assert_eq!((&video["gaps"], &audio["gaps"]), (&Value::from(0), &Value::from(0)), "{what}");
    assert_eq!(report["stalls"]["count"], 0, "{what}");
    assert_eq!(report["errors"], Value::Array(Vec::new()), "{what}");
}

#[test]
fn from_the_beginning_and_from_twenty_positions_of_every_variant() {
    let origin = Origin::start();
    // A linear congruential generator: other positions in every variant, the same in every run.
    let mut state: u64 = 2026;
    for variant in VARIANTS {
        check(&origin.url, variant, 0);
        for _ in 0..20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            check(&origin.url, variant, (state >> 33) % 119_990);
        }
    }
}

#[test]
fn an_hour_takes_seconds() {
    let origin = Origin::start();
    let url = format!("{}/dash/dur_3600/demo/number.mpd", origin.url);
    let report = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--json"]).ok();
    assert_eq!(track(&report, "video")["samples"], 90_000);
    assert_eq!(track(&report, "audio")["samples"], 168_750);
    assert_eq!(report["stalls"]["count"], 0);
}
