//! `inspect --json --segments` on everything that the origin offers: the same minute of
//! media, whatever the manifest's language and addressing.

use crate::common::{has_fields, has_the_fields_of_inspect, telecine, tracks, Origin};
use serde_json::Value;

/// Sixty seconds: thirty segments of picture and of sound.
const SEGMENTS: usize = 30;

fn renditions<'a>(document: &'a Value, kind: &str) -> Vec<&'a Value> {
    let periods = document["periods"].as_array().expect("periods");
    // The first of the kind; others are its companions for trick play.
    let tracks = periods.iter().filter_map(|period| tracks(period, kind).first().copied());
    tracks.flat_map(|track| track["renditions"].as_array().expect("renditions")).collect()
}

fn inspect(origin: &str, path: &str) -> Value {
    let url = format!("{origin}/{path}");
    let document = telecine(["inspect", &url, "--json", "--segments"]).ok();
    has_the_fields_of_inspect(&document);
    assert_eq!(document["live"], false, "{path}");
    assert_eq!(document["warnings"], Value::Array(Vec::new()), "{path}");
    document
}

fn has_every_segment(origin: &str, path: &str, periods: usize) {
    let document = inspect(origin, path);
    let duration = document["duration_s"].as_f64().expect("a duration");
    assert!((duration - 60.0).abs() < 0.02, "{path}: {duration}");
    assert_eq!(document["periods"].as_array().map(Vec::len), Some(periods), "{path}");
    let videos: Vec<&Value> = renditions(&document, "video")
        .into_iter()
        .filter(|r| r["segments"].as_array().is_some_and(|s| s.len() * periods == SEGMENTS))
        .collect();
    assert_eq!(videos.len(), 4 * periods, "{path}: four renditions of picture");
    for rendition in videos {
        let segments = rendition["segments"].as_array().expect("segments");
        let total: f64 = segments.iter().filter_map(|segment| segment["duration_s"].as_f64()).sum();
        assert!((total * periods as f64 - 60.0).abs() < 1e-3, "{path}: {total}");
        for segment in segments {
            has_fields(
                segment,
                &[
                    "number",
                    "start_s",
                    "duration_s",
                    "uri",
                    "byte_range",
                    "init",
                    "discontinuity",
                    "gap",
                    "program_date_time",
                    "key",
                    "bitrate",
                    "parts",
                ],
            );
            assert!(segment["uri"].as_str().is_some_and(|uri| uri.starts_with(origin)), "{path}: {segment}");
            assert!(segment["init"]["uri"].as_str().is_some_and(|uri| uri.starts_with(origin)), "{path}: {segment}");
        }
    }
}

#[test]
fn hls_and_every_kind_of_dash() {
    let origin = Origin::start();
    for (path, periods) in [
        ("hls/dur_60/demo/main.m3u8", 1),
        ("hls/dur_60/bytes_1/demo/main.m3u8", 1),
        ("hls/dur_60/disc_5/demo/main.m3u8", 1),
        ("dash/dur_60/demo/number.mpd", 1),
        ("dash/dur_60/demo/time.mpd", 1),
        ("dash/dur_60/demo/timeline-number.mpd", 1),
        ("dash/dur_60/demo/list.mpd", 1),
        ("dash/dur_60/demo/ondemand.mpd", 1),
        ("dash/dur_60/sidx_2/demo/ondemand.mpd", 1),
        ("dash/dur_60/periods_3/demo/time.mpd", 3),
    ] {
        has_every_segment(&origin.url, path, periods);
    }
}
