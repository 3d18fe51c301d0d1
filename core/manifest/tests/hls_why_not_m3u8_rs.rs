//! Why the player has its own HLS reader (docs/adr/0002-own-hls-reader.md): what m3u8-rs 6 loses
//! on the way, measured. If one of these tests fails, the crate has learnt something: read the
//! decision again.

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use hls_support::*;

#[test]
fn parts_behind_the_last_segment_are_lost_there_and_kept_here() {
    let text = live(
        "#EXT-X-PART-INF:PART-TARGET=1.0\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0\n#EXTINF:4,\n0.mp4\n\
         #EXT-X-PART:DURATION=1.0,URI=\"1.0.mp4\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1.0,URI=\"1.1.mp4\"\n\
         #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.2.mp4\"",
    );
    let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("readable");
    let mut rewritten = Vec::new();
    theirs.write_to(&mut rewritten).expect("writing to memory");
    let rewritten = String::from_utf8(rewritten).expect("text");
    let debug = format!("{theirs:?}");
    // Neither what is read nor what is written back has the live edge.
    for lost in ["1.0.mp4", "1.1.mp4", "1.2.mp4"] {
        assert!(!debug.contains(lost) && !rewritten.contains(lost), "m3u8-rs keeps {lost} now");
    }

    let ours = clean_media(&text);
    let edge = ours.index.parts.last().expect("a growing segment");
    assert_eq!((edge.number, edge.parts.len()), (1, 2));
    assert_eq!(ours.info.preload_hints[0].uri, "1.2.mp4");
}

#[test]
fn of_several_keys_one_is_left_there_and_all_are_here() {
    let text = around(
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:,w\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"\n\
         #EXTINF:4,\n0.mp4",
    );
    let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("readable");
    let debug = format!("{theirs:?}");
    assert!(!debug.contains("skd://a"), "m3u8-rs keeps the first of two keys now");
    assert!(debug.contains("data:,w"));

    let ours = clean_media(&text);
    let uris: Vec<_> = ours.index.get(0).expect("listed").keys.iter().filter_map(|key| key.uri.clone()).collect();
    assert_eq!(uris, ["skd://a", "data:,w"]);
}

#[test]
fn durations_drift_there_and_are_exact_here() {
    // Five-second segments of AAC at 44.1 kHz: 215 or 216 frames of 1024 samples. Exact to the
    // microsecond as packagers write them.
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n");
    let mut exact_nanos = 0_i64;
    for i in 0..9_000 {
        let micros = if i % 3 == 0 { 4_992_290 } else { 5_015_510 };
        exact_nanos += micros * 1000;
        text.push_str(&format!("#EXTINF:{}.{:06},\n{i}.aac\n", micros / 1_000_000, micros % 1_000_000));
    }
    let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("readable");
    let summed: f32 = theirs.segments.iter().map(|segment| segment.duration).sum();
    let widened: f64 = theirs.segments.iter().map(|segment| f64::from(segment.duration)).sum();
    let exact = exact_nanos as f64 / 1e9;
    let (drift, rounding) = ((f64::from(summed) - exact).abs(), (widened - exact).abs());
    println!("after {exact:.3} s: f32 sum is off by {drift:.3} s, f32 values summed in f64 by {:.6} s", rounding);
    assert!(drift > 0.3, "summed as it comes, the error is many frames: {drift}");
    // Careful callers keep it below a frame, but never exact: boundaries do not meet the container's.
    assert!(rounding > 0.000_1, "{rounding}");

    let ours = clean_media(&text);
    assert_eq!(ours.index.table.end(), Some(exact_nanos));
}

#[test]
fn faults_have_no_place_there_and_a_line_here() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:abc,\na.ts\n";
    let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes());
    let said = theirs.as_ref().map_or_else(|error| format!("{error:?}"), |playlist| format!("{playlist:?}"));
    assert!(!said.contains("line"), "m3u8-rs names lines now: {said}");
    assert_eq!(media(text).info.warnings[0].place, telecine_model::Place::Line(3));
}
