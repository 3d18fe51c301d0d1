//! `conformance/media/demo/title.json` says what each rendition takes, by the script that made it.

use crate::common::{telecine, Origin};
use serde_json::Value;

fn average(id: &str) -> f64 {
    let title = include_str!("../../../../conformance/media/demo/title.json");
    let title: Value = serde_json::from_str(title).expect("JSON");
    let renditions = title["renditions"].as_array().expect("renditions");
    let found = renditions.iter().find(|rendition| rendition["id"] == id).expect(id);
    found["average_bps"].as_f64().expect("a number")
}

fn is_about(measured: &Value, wanted: f64) -> bool {
    // The script counts the boxes around the samples too.
    measured.as_f64().is_some_and(|measured| (0.95..1.005).contains(&(measured / wanted)))
}

fn rung<'a>(report: &'a Value, kind: &str) -> &'a Value {
    let ladder = report["ladder"].as_array().expect("a ladder");
    ladder.iter().find(|rung| rung["kind"] == kind && !rung["measured_bps"].is_null()).expect(kind)
}

#[test]
fn the_mean_is_what_was_played_and_not_the_declared_peak() {
    let origin = Origin::start();
    let url = format!("{}/dash/demo/time.mpd", origin.url);
    for (rule, id) in [("lowest", "v180"), ("throughput", "v720")] {
        let args = ["play", &url, "--clock", "virtual", "--sink", "null", "--network", "rate=9Mbps", "--abr", rule];
        let report = telecine(args.iter().chain(&["--json"])).ok();
        let bitrate = &report["bitrate"];
        assert_eq!(bitrate["of"], "video");
        assert!(is_about(&bitrate["mean_bps"], average(id)), "{id}: {bitrate}");
        assert!(bitrate["declared_mean_bps"].as_f64().unwrap() > 1.3 * average(id), "{id}: {bitrate}");
        assert!(is_about(&rung(&report, "audio")["measured_bps"], average("a-en")), "{}", report["ladder"]);
        let said = telecine(args).stdout;
        let mean = bitrate["mean_bps"].as_f64().unwrap() / 1e3;
        let said = said.lines().last().expect("a headline");
        assert!(said.ends_with(&format!("video at {mean:.0} kbit/s on average.")), "{said}");
    }
}

#[test]
fn a_bitrate_that_nobody_declares_is_unknown_until_it_is_measured() {
    let origin = Origin::start();
    // A media playlist has no place for it.
    let url = format!("{}/hls/demo/v180.m3u8", origin.url);
    let report = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--json"]).ok();
    let rung = rung(&report, "video");
    assert_eq!(rung["bitrate_bps"], Value::Null, "{rung}");
    assert!(is_about(&rung["measured_bps"], average("v180")), "{rung}");
    assert!(is_about(&report["bitrate"]["mean_bps"], average("v180")), "{}", report["bitrate"]);
    assert_eq!(report["bitrate"]["declared_mean_bps"], Value::Null);
    assert!(report["quality"].as_array().unwrap().iter().all(|quality| quality["bitrate_bps"].is_null()));
    let said = telecine(["play", &url, "--clock", "virtual", "--sink", "null"]).stdout;
    assert!(!said.contains(" 0 bit/s"), "{said}");
}

#[test]
fn sound_alone_is_measured_as_sound() {
    let origin = Origin::start();
    let url = format!("{}/hls/demo/a-fr.m3u8", origin.url);
    let report = telecine(["play", &url, "--clock", "virtual", "--sink", "null", "--json"]).ok();
    assert_eq!(report["bitrate"]["of"], "audio");
    assert!(is_about(&report["bitrate"]["mean_bps"], average("a-fr")), "{}", report["bitrate"]);
}

#[test]
fn bytes_that_are_read_past_are_fetched_and_wasted() {
    let origin = Origin::start();
    let play = |path: &str| {
        let url = format!("{}{path}", origin.url);
        let args = ["play", &url, "--clock", "virtual", "--sink", "null", "--abr", "lowest", "--json"];
        telecine(args).ok()["bytes"].clone()
    };
    let (usual, ignored) = (play("/dash/demo/ondemand.mpd"), play("/dash/norange_1/demo/ondemand.mpd"));
    assert_eq!(usual["skipped"], 0);
    let skipped = ignored["skipped"].as_u64().unwrap();
    assert!(skipped > usual["fetched"].as_u64().unwrap(), "{ignored}");
    for field in ["fetched", "media", "wasted"] {
        assert_eq!(ignored[field].as_u64().unwrap(), usual[field].as_u64().unwrap() + skipped, "{field}");
    }
}
