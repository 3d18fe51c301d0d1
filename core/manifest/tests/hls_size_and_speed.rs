//! What a long playlist costs. The speed is measured on demand, in release mode:
//! `cargo test --release -p telecine-manifest --test hls_size_and_speed -- --ignored --nocapture`

#![allow(clippy::expect_used, clippy::panic)]

mod hls_support;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use hls_support::media;

/// 9,000 segments, a good megabyte: a fifteen-hour window with a wall-clock time on each segment.
fn long_playlist() -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1000\n#EXT-X-MAP:URI=\"init.mp4\"\n",
    );
    for i in 0..9_000_u64 {
        let millis = i * 6_006;
        let (s, ms) = (millis / 1000, millis % 1000);
        let _ = writeln!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:2026-05-01T{:02}:{:02}:{:02}.{ms:03}Z\n#EXTINF:6.00600,\nvideo/1080p/segment-{:09}.m4s?session=42&variant=7",
            s / 3600,
            s / 60 % 60,
            s % 60,
            i + 1000
        );
    }
    text
}

#[test]
fn a_regular_timeline_costs_less_than_sixteen_bytes_a_segment() {
    let playlist = media(long_playlist());
    assert_eq!(playlist.index.table.len(), 9_000);
    assert!(playlist.index.heap_bytes() < 9_000 * 16, "{} bytes", playlist.index.heap_bytes());
    // In fact it is a handful of runs.
    assert!(playlist.index.heap_bytes() < 1_000, "{} bytes", playlist.index.heap_bytes());
}

#[test]
fn durations_that_vary_cost_less_than_sixteen_bytes_a_segment_beside_their_run() {
    // 29.97 fps cut at whole frames: durations alternate between two values.
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n");
    for i in 0..9_000 {
        let duration = if i % 3 == 0 { "6.006" } else { "5.97263" };
        let _ = writeln!(text, "#EXTINF:{duration},\nseg-{i}.ts");
    }
    let playlist = media(text);
    assert!(playlist.index.heap_bytes() < 9_000 * 16, "{} bytes", playlist.index.heap_bytes());
}

fn best_of(times: usize, mut run: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed()
        })
        .min()
        .expect("at least once")
}

#[test]
#[ignore = "a measurement"]
fn speed_against_m3u8_rs() {
    let text = long_playlist();
    let ours = best_of(30, || {
        black_box(media(black_box(&text)));
    });
    let theirs = best_of(30, || {
        black_box(m3u8_rs::parse_media_playlist(black_box(text.as_bytes())).expect("valid"));
    });
    println!(
        "{} bytes, 9,000 segments: {ours:?} against {theirs:?} of m3u8-rs, {:.1} times as fast",
        text.len(),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}
